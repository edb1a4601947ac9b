package convo

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// lightGroup makes a sliced group of full members, the first of whom lets one more in light.
func lightGroup(t *testing.T, names ...string) (l *log, light *member) {
	t.Helper()
	small(t, 2)
	l = group(t, names...)
	return l, comes(t, l, names[0], "lou")
}

// comes has by let somebody in, who comes in light.
func comes(t *testing.T, l *log, by, name string) *member {
	t.Helper()
	k := signer(t)
	kp, sec := pack(t, name, k)
	out := act(t, l, by, Change{Add: []*mls.KeyPackage{kp}, WithoutTree: true})
	m := l.member(by).c
	i := m.Invite(out.Own.Welcome)
	if i.Proofs = m.Proofs(out.seats[0].leaf); len(i.Proofs) != 2 {
		t.Fatal("no proofs")
	}
	c, err := Join(JoinOptions{Invitation: i, Secret: sec, Signer: k, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	x := &member{name: name, c: c, k: k}
	l.all = append(l.all, x)
	return x
}

// path has by make a commit with a blob, which everybody reads.
func path(t *testing.T, l *log, by string, ch Change) []byte {
	t.Helper()
	m := l.member(by)
	p, blob := commit(t, m, ch)
	bodies, err := m.c.Bodies(p.Message)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		l.seq++
		for _, x := range l.all {
			out := x.c.Receive(now, l.seq, b, none)
			if x.c.Held() != nil {
				out = give(x, blob)
			}
			l.last[x.name] = out
		}
	}
	for _, x := range l.all {
		if o, ok := l.last[x.name].(Changed); !ok || !o.Out && x.c.Digest() != m.c.Digest() {
			t.Errorf("%s: got %T, or another epoch than %s", x.name, l.last[x.name], by)
		}
	}
	return blob
}

// hears has by say something, which everybody else reads as theirs.
func hears(t *testing.T, l *log, by string) {
	t.Helper()
	m := l.member(by)
	msg, err := m.c.Seal([]byte("from " + by))
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := m.c.Bodies(msg)
	if err != nil {
		t.Fatal(err)
	}
	l.seq++
	for _, x := range l.all {
		out := x.c.Receive(now, l.seq, bodies[0], func(h [32]byte) bool { return x == m && h == hashOf(msg) })
		if l.last[x.name] = out; x == m {
			continue
		}
		if got, ok := l.last[x.name].(Said); !ok || string(got.Plain) != "from "+by || got.Person != who(by) {
			t.Errorf("%s: got %#v, want what %s says", x.name, l.last[x.name], by)
		}
	}
}

// upgrade fetches the tree that by puts, and returns whether the member is full.
func upgrade(t *testing.T, m, by *member, between func()) bool {
	t.Helper()
	pages := by.c.TreePages()
	blobs := map[plane.BlobID][]byte{}
	for i := range pages.List {
		blobs[pages.List[i].Blob()] = pages.Sealed(&pages.List[i])
	}
	if !m.c.BeginUpgrade() {
		t.Fatal("no upgrade begins")
	}
	between()
	for list := m.c.MissingPages(); len(list) > 0; list = m.c.MissingPages() {
		b := blobs[list[0].Blob()]
		if m.c.PutPage(list[0], nil) || b != nil && m.c.PutPage(list[0], make([]byte, len(b))) {
			t.Error("a wrong page was taken")
		}
		if !m.c.PutPage(list[0], b) {
			return false
		}
	}
	return m.c.FinishUpgrade()
}

// TestLight lives the life of a light member: it reads whom it does not know, follows commits of
// all kinds, writes, lives through a restart, and becomes a full member (G-14).
func TestLight(t *testing.T) {
	l, lou := lightGroup(t, "ann", "bob", "cid", "dan")
	if !lou.c.Light() || lou.c.Size() != 5 || lou.c.Leaves() != 5 || lou.c.Own() != who("lou") {
		t.Fatalf("light %v, %d people, %d leaves", lou.c.Light(), lou.c.Size(), lou.c.Leaves())
	}
	d := map[string][]byte{}
	stored(lou.c, d)
	for _, by := range []string{"ann", "bob", "cid", "lou"} {
		hears(t, l, by)
	}
	if _, err := lou.c.Begin(Change{Edit: rename("x")}, now); err != ErrNotAllowed {
		t.Errorf("a commit: got %v, want ErrNotAllowed", err)
	}
	path(t, l, "ann", Change{Edit: func(s *State) { s.Rules.Adders = true }})
	comes(t, l, "cid", "eve") // a committer that lou has never seen, without a path
	hears(t, l, "eve")
	path(t, l, "dan", Change{}) // and with one
	stored(lou.c, d)
	lou.c = reload(t, lou.c, d)
	hears(t, l, "bob")
	path(t, l, "ann", Change{Remove: []plane.PublicKey{who("bob")}})
	if got := lou.c.Size(); got != 5 {
		t.Errorf("%d people, want 5", got)
	}
	l.all = append(l.all[:1:1], l.all[2:]...)
	hears(t, l, "dan")
	full := upgrade(t, lou, l.member("ann"), func() {
		path(t, l, "dan", Change{})
		comes(t, l, "ann", "fay")
		path(t, l, "ann", Change{Remove: []plane.PublicKey{who("dan")}})
		l.all = append(l.all[:2:2], l.all[3:]...)
	})
	if !full || lou.c.Light() {
		t.Fatal("no full member")
	}
	if got, want := fmt.Sprint(lou.c.who), fmt.Sprint(l.member("ann").c.who); got != want {
		t.Errorf("who sits where: got %s, want %s", got, want)
	}
	stored(lou.c, d)
	if d[keyLight] != nil {
		t.Error("what the light member knew is still stored")
	}
	lou.c = reload(t, lou.c, d)
	hears(t, l, "lou")
	path(t, l, "lou", Change{})
	path(t, l, "ann", Change{Remove: []plane.PublicKey{who("lou")}})
	if out := l.last["lou"].(Changed); !out.Out {
		t.Error("removed and still in")
	}
}

// TestLightOut removes a light member.
func TestLightOut(t *testing.T) {
	l, lou := lightGroup(t, "ann", "bob", "cid")
	d := map[string][]byte{}
	stored(lou.c, d)
	path(t, l, "ann", Change{Remove: []plane.PublicKey{who("lou")}})
	if out, ok := l.last["lou"].(Changed); !ok || !out.Out {
		t.Errorf("got %#v, want out", l.last["lou"])
	}
}

// TestLightLiars has members break the rules in front of a light one: what it can judge it refuses (G-15).
func TestLightLiars(t *testing.T) {
	l, lou := lightGroup(t, "ann", "bob", "cid")
	hears(t, l, "bob")
	bob := l.member("bob").c
	try := func(what string, o mls.CommitOptions) {
		t.Helper()
		head := commitHead{AtMS: msOf(now), From: bob.vouch(nil)}
		secret, blob := newBlob()
		_ = secret
		head.Blob, o.AAD, o.Now = blob, encode(head), now
		p, err := bob.g.Commit(o)
		if err != nil {
			t.Fatal(err)
		}
		bodies, err := bob.Bodies(p.Message)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bodies {
			l.seq++
			for _, x := range l.all {
				out := x.c.Receive(now, l.seq, b, none)
				if x.c.Held() != nil {
					out = give(x, p.Slices.Blob())
				}
				if out != (Void{}) && x.name != "bob" {
					t.Errorf("%s: %s: got %T, want Void", what, x.name, out)
				}
			}
		}
	}
	kp, _ := pack(t, "eve", signer(t))
	try("adds without the right to", mls.CommitOptions{Add: []*mls.KeyPackage{kp}})
	st := bob.State().clone()
	st.Name = "mine"
	try("renames", mls.CommitOptions{Extensions: bob.withState(st.bytes())})
	st = bob.State().clone()
	st.SetRole(who("bob"), RoleOwner)
	try("makes itself owner", mls.CommitOptions{Extensions: bob.withState(st.bytes())})
	// A voucher of somebody else's is not signed by them: identify is package account's, so here the
	// key differs from the one that signs.
	other, err := l.member("cid").c.g.Member(l.member("cid").c.OwnLeaf())
	if err != nil {
		t.Fatal(err)
	}
	msg, err := bob.g.Encrypt([]byte("as cid"), encode(voucher{Credential: []byte("cid"), Key: other.SignatureKey}))
	if err != nil {
		t.Fatal(err)
	}
	lou2 := comes(t, l, "ann", "lou2") // has never heard bob
	_ = msg
	for _, aad := range [][]byte{nil, []byte("12345678"), encode(voucher{Credential: []byte("cid"), Key: other.SignatureKey})} {
		if msg, err = bob.g.Encrypt([]byte("as cid"), aad); err != nil {
			t.Fatal(err)
		}
		b, err := bob.Bodies(msg)
		if err != nil {
			t.Fatal(err)
		}
		l.put(b...)
		if out := l.last["lou2"]; out != (Void{}) {
			t.Errorf("not bob's word: got %#v, want Void", out)
		}
	}
	path(t, l, "ann", Change{Edit: func(s *State) { s.Ban(who("zoe"), false) }})
	_ = lou
	_ = lou2
	hears(t, l, "bob")
}

// TestLightJoins refuses what is wrong with a light way in (G-15).
func TestLightJoins(t *testing.T) {
	small(t, 2)
	l := group(t, "ann", "bob", "cid")
	k := signer(t)
	kp, sec := pack(t, "lou", k)
	out := act(t, l, "ann", Change{Add: []*mls.KeyPackage{kp}, WithoutTree: true})
	ann := l.member("ann").c
	good := ann.Invite(out.Own.Welcome)
	good.Proofs = ann.Proofs(out.seats[0].leaf)
	other := ann.Proofs(1)
	for what, f := range map[string]func(*Invitation){
		"no people":        func(i *Invitation) { i.People = 0 },
		"too many people":  func(i *Invitation) { i.People, i.Leaves = plane.GroupMembersMax+1, plane.GroupMembersMax+1 },
		"too many devices": func(i *Invitation) { i.Leaves = LeavesMax + 1 },
		"fewer devices":    func(i *Invitation) { i.Leaves = i.People - 1 },
		"another's proof":  func(i *Invitation) { i.Proofs = other },
		"no proof":         func(i *Invitation) { i.Proofs = [][]byte{nil, nil} },
		"one proof":        func(i *Invitation) { i.Proofs = i.Proofs[:1] },
		"swapped":          func(i *Invitation) { i.Proofs = [][]byte{i.Proofs[1], i.Proofs[0]} },
		"a bit":            func(i *Invitation) { i.Proofs = [][]byte{i.Proofs[0], flip(i.Proofs[1])} },
	} {
		i := good
		f(&i)
		if _, err := Join(JoinOptions{Invitation: i, Secret: sec, Signer: k, Identify: identify, Now: now}); err == nil {
			t.Errorf("%s: got a way in", what)
		}
	}
	i := good
	i.People, i.Leaves = plane.GroupMembersMax, LeavesMax
	if _, err := Join(JoinOptions{Invitation: i, Secret: sec, Signer: k, Identify: identify, Now: now}); err != nil {
		t.Errorf("as many as there may be: %v", err)
	}
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

// TestLightLarge joins 1,100 X-Wing members light: what it takes to come in and to stay, and the
// pages of the tree on the way to a full member.
func TestLightLarge(t *testing.T) {
	l := group(t, "ann")
	ann := l.member("ann")
	const n = 1100
	for ann.c.Leaves() < n {
		var ch Change
		for range min(ann.c.AddsMax(), n-ann.c.Leaves()) {
			kp, _ := pack(t, fmt.Sprint("member ", ann.c.Leaves()+len(ch.Add)), signer(t))
			ch.Add = append(ch.Add, kp)
		}
		p, _ := commit(t, ann, ch)
		send(t, l, ann, p.Message)
	}
	ann.c.Changes()
	k := signer(t)
	kp, sec := pack(t, "lou", k)
	out := act(t, l, "ann", Change{Add: []*mls.KeyPackage{kp}, WithoutTree: true})
	i := ann.c.Invite(out.Own.Welcome)
	i.Proofs = ann.c.Proofs(out.seats[0].leaf)
	fetched := len(encode(i))
	at := time.Now()
	c, err := Join(JoinOptions{Invitation: i, Secret: sec, Signer: k, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(at)
	lou := &member{name: "lou", c: c, k: k}
	l.all = append(l.all, lou)
	hears(t, l, "ann")
	state := 0
	for _, p := range c.Changes() {
		state += len(p.Value)
	}
	t.Logf("%d leaves: invitation %d bytes, joined in %v, state %d bytes", n+1, fetched, took, state)
	if fetched > 40<<10 || state > 64<<10 {
		t.Errorf("invitation %d, state %d bytes: want at most 40960 and 65536", fetched, state)
	}
	if got := len(ann.c.TreePages().List); got != 18+1 {
		t.Errorf("%d pages, want 19", got)
	}
	if !upgrade(t, lou, ann, func() { path(t, l, "ann", Change{Edit: rename("y")}) }) {
		t.Fatal("no full member")
	}
	path(t, l, "lou", Change{})
	hears(t, l, "lou")
}

// FuzzVoucher reads the authenticated data of a sliced group's messages.
func FuzzVoucher(f *testing.F) {
	f.Add(encode(voucher{Digest: make([]byte, 8), Credential: []byte("ann"), Key: make([]byte, 32), Name: "Ann"}))
	f.Add([]byte{0x84, 0x40, 0x40, 0x40, 0x60})
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, ok := parseVoucher(b); ok && (!bytes.Equal(encode(v), b) || len(b) > voucherMax) {
			t.Errorf("another encoding")
		}
	})
}
