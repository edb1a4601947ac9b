package convo

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// identify takes the identity itself, padded, for the person: certificates are package account's.
func identify(identity, _ []byte) (plane.PublicKey, error) {
	var p plane.PublicKey
	if x := caps.ParseMandated(identity); x != nil {
		return x.Account(), nil
	}
	if len(identity) == 0 || len(identity) > 32 {
		return p, ErrState
	}
	copy(p[:], identity)
	return p, nil
}

func who(name string) plane.PublicKey {
	p, _ := identify([]byte(name), nil)
	return p
}

func none([32]byte) bool { return false }

type member struct {
	name string
	c    *Convo
	k    *mls.Signer
	lost bool // is not where the others are
}

// log is the records that all members read.
type log struct {
	t    *testing.T
	seq  plane.Seq
	all  []*member
	last map[string]Outcome
}

// put appends records; everybody reads them. It fails the test when two members disagree about
// the epoch they are in afterwards.
func (l *log) put(bodies ...[]byte) {
	l.t.Helper()
	for _, b := range bodies {
		l.seq++
		for _, m := range l.all {
			l.last[m.name] = m.c.Receive(now, l.seq, b, none)
		}
	}
	first := ""
	for _, m := range l.all {
		if out, ok := l.last[m.name].(Changed); ok && out.Out || m.lost {
			continue
		}
		s := fmt.Sprintf("%d %x", m.c.Epoch(), m.c.g.EpochAuthenticator())
		if first == "" {
			first = s
		} else if s != first {
			l.t.Errorf("%s is in another epoch", m.name)
		}
	}
}

func signer(t *testing.T) *mls.Signer {
	t.Helper()
	k, err := mls.NewSigner(mls.XWing)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func pack(t *testing.T, name string, k *mls.Signer) (*mls.KeyPackage, *mls.KeyPackageSecret) {
	t.Helper()
	return packWith(t, name, k, nil)
}

func packWith(t *testing.T, name string, k *mls.Signer, exts []mls.Extension) (*mls.KeyPackage, *mls.KeyPackageSecret) {
	t.Helper()
	b, sec, err := mls.NewKeyPackage(mls.KeyPackageOptions{
		Signer: k, Credential: mls.NewBasic([]byte(name)), Capabilities: Capabilities(), LeafExtensions: exts,
		Lifetime: mls.Lifetime{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := mls.ParseKeyPackage(b)
	if err != nil {
		t.Fatal(err)
	}
	kp, err := u.Verify(now)
	if err != nil {
		t.Fatal(err)
	}
	return kp, sec
}

func rename(name string) func(*State) { return func(s *State) { s.Name = name } }

func send(t *testing.T, l *log, m *member, msg []byte) {
	t.Helper()
	b, err := m.c.Bodies(msg)
	if err != nil {
		t.Fatal(err)
	}
	l.put(b...)
}

// group makes a group of the names; the first is its founder and only admin.
func group(t *testing.T, names ...string) *log {
	t.Helper()
	l := &log{t: t, last: map[string]Outcome{}}
	k := signer(t)
	c, err := New(Options{ID: plane.LogID{1}, Kind: Group, Name: "g", Signer: k, Credential: []byte(names[0]), Owner: who(names[0]), TTLDays: 30, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	l.all = []*member{{name: names[0], c: c, k: k}}
	var ch Change
	var secrets []*mls.KeyPackageSecret
	var keys []*mls.Signer
	for _, n := range names[1:] {
		k := signer(t)
		kp, sec := pack(t, n, k)
		ch.Add, secrets, keys = append(ch.Add, kp), append(secrets, sec), append(keys, k)
	}
	p, err := c.Begin(ch, now)
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, l.all[0], p.Message)
	out, ok := l.last[names[0]].(Changed)
	if !ok || !out.Mine {
		t.Fatalf("got %+v, want one's own commit", l.last[names[0]])
	}
	for i, n := range names[1:] {
		x, err := Join(JoinOptions{Invitation: c.Invite(out.Own.Welcome), Secret: secrets[i], Signer: keys[i], Identify: identify, Now: now})
		if err != nil {
			t.Fatalf("%s joins: %v", n, err)
		}
		l.all = append(l.all, &member{name: n, c: x, k: keys[i]})
	}
	return l
}

func (l *log) member(name string) *member {
	for _, m := range l.all {
		if m.name == name {
			return m
		}
	}
	return nil
}

// TestPolicy has a member make commits that MLS allows and the policy forbids: void for all.
func TestPolicy(t *testing.T) {
	l := group(t, "ann", "bob", "cid")
	bob := l.member("bob")
	st := bob.c.State()
	st.Name = "mine"
	kind := bob.c.State()
	kind.Kind = Two
	gen := bob.c.State()
	gen.Gen += 2
	next := bob.c.State()
	next.Gen++
	admins := bob.c.State()
	admins.Owners = []plane.PublicKey{who("bob")}
	kp, _ := pack(t, "dan", signer(t))
	broken := append(extensions(&st)[:1:1], mls.Extension{Type: StateExtension, Data: []byte("no state")})
	for name, o := range map[string]mls.CommitOptions{
		"remove":  {Remove: []uint32{2}},
		"admin":   {Remove: []uint32{0}},
		"add":     {Add: []*mls.KeyPackage{kp}, Now: now},
		"rename":  {Extensions: extensions(&st)},
		"kind":    {Extensions: extensions(&kind)},
		"gen":     {Extensions: extensions(&gen)},
		"next":    {Extensions: extensions(&next)}, // a hundred of these would leave all without the log's keys
		"admins":  {Extensions: extensions(&admins)},
		"broken":  {Extensions: broken},
		"missing": {Extensions: extensions(&st)[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := bob.c.g.Commit(o)
			if err != nil {
				t.Fatal(err)
			}
			before := bob.c.Epoch()
			send(t, l, bob, p.Message)
			for _, m := range l.all {
				if m != bob && m.c.Epoch() != before {
					t.Errorf("%s accepted it", m.name)
				}
			}
		})
	}
	// The same by an admin is fine, and a refresh by anybody.
	p, err := bob.c.Begin(Change{}, now)
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, bob, p.Message)
	name := "ours"
	ann := l.member("ann")
	if p, err = ann.c.Begin(Change{Edit: rename(name), Remove: []plane.PublicKey{who("cid")}}, now); err != nil {
		t.Fatal(err)
	}
	send(t, l, ann, p.Message)
	if got := bob.c.State(); got.Name != "ours" || got.Gen != 2 || bob.c.Size() != 2 {
		t.Errorf("got %+v, size %d", got, bob.c.Size())
	}
	if out, ok := l.last["cid"].(Changed); !ok || !out.Out {
		t.Errorf("cid: got %+v, want out", l.last["cid"])
	}
}

// TestProposals shows that a proposal by which a member would have others do what it may not do
// itself has no effect, even when it is committed by reference (G-11).
func TestProposals(t *testing.T) {
	l := group(t, "ann", "bob", "cid")
	ann, bob := l.member("ann"), l.member("bob")
	msg, err := bob.c.g.ProposeRemove(2, nil)
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, bob, msg)
	p, err := bob.c.g.Commit(mls.CommitOptions{UsePending: true})
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, bob, p.Message)
	name := "next"
	q, err := ann.c.Begin(Change{Edit: rename(name)}, now)
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, ann, q.Message)
	if got := ann.c.Size(); got != 3 {
		t.Errorf("got %d members, want 3", got)
	}
}

// TestGone shows that anybody may take out who asked to leave, and nobody else.
func TestGone(t *testing.T) {
	l := group(t, "ann", "bob", "cid")
	bob, cid := l.member("bob"), l.member("cid")
	if _, err := bob.c.Begin(Change{Gone: true}, now); err == nil {
		t.Errorf("a commit for nobody")
	}
	msg, err := cid.c.SealLeave()
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, cid, msg)
	cid.c.Placed()
	if _, ok := l.last["bob"].(Leaving); !ok {
		t.Fatalf("got %+v, want leaving", l.last["bob"])
	}
	p, err := bob.c.Begin(Change{Gone: true}, now)
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, bob, p.Message)
	out, ok := l.last["ann"].(Changed)
	if !ok || !slices.Equal(out.Left, []plane.PublicKey{who("cid")}) || len(out.Removed) != 0 || !out.NewGen {
		t.Errorf("ann: got %+v", l.last["ann"])
	}
	if out, ok := l.last["cid"].(Changed); !ok || !out.Out {
		t.Errorf("cid: got %+v, want out", l.last["cid"])
	}
}

// TestFirstWins shows two commits for one epoch: the first in the log wins for all, and the loser
// makes its own again.
func TestFirstWins(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	name := "x"
	p, err := ann.c.Begin(Change{Edit: rename(name), Tag: 7}, now)
	if err != nil {
		t.Fatal(err)
	}
	late, err := ann.c.Bodies(p.Message)
	if err != nil {
		t.Fatal(err)
	}
	said, err := ann.c.Seal([]byte("void"))
	if err != nil {
		t.Fatal(err)
	}
	lost, err := ann.c.Bodies(said)
	if err != nil {
		t.Fatal(err)
	}
	q, err := bob.c.Begin(Change{}, now)
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, bob, q.Message)
	if out, ok := l.last["ann"].(Changed); !ok || out.Lost != p || out.Mine {
		t.Fatalf("ann: got %+v", l.last["ann"])
	}
	l.put(late...)
	l.put(lost...)
	for _, m := range l.all {
		if _, ok := l.last[m.name].(Void); !ok || m.c.Epoch() != 2 {
			t.Errorf("%s: got %+v in epoch %d, want void in 2", m.name, l.last[m.name], m.c.Epoch())
		}
	}
	if ann.c.Pending() != nil {
		t.Errorf("the loser still waits")
	}
	if p, err = ann.c.Begin(Change{Edit: rename(name)}, now); err != nil {
		t.Fatal(err)
	}
	send(t, l, ann, p.Message)
	if got := bob.c.State(); got.Name != "x" || got.Gen != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestParts shows messages at the edge of a record, in many parts, interleaved, and broken ones.
func TestParts(t *testing.T) {
	l := group(t, "ann", "bob")
	ann := l.member("ann")
	for _, n := range []int{0, 1, 7500, 8000, 9000, 100_000, 900_000} {
		plain := bytes.Repeat([]byte{5}, n)
		msg, err := ann.c.Seal(plain)
		if err != nil {
			t.Fatal(err)
		}
		send(t, l, ann, msg)
		if out, ok := l.last["bob"].(Said); !ok || !bytes.Equal(out.Plain, plain) {
			t.Errorf("%d bytes: got %T", n, l.last["bob"])
		}
	}
	if _, err := ann.c.Bodies(make([]byte, PartsMax*partBytesMax+1)); err == nil {
		t.Errorf("a message over the limit went through")
	}
	if b, err := ann.c.Bodies(make([]byte, PartsMax*partBytesMax)); err != nil || len(b) != PartsMax {
		t.Errorf("a message at the limit: %d parts, %v", len(b), err)
	}
	if b, err := ann.c.Bodies(make([]byte, seal.RecordPayloadMax)); err != nil || len(b) != 1 {
		t.Errorf("a full record: %d parts, %v", len(b), err)
	}
	x, err := ann.c.Seal(make([]byte, 30_000))
	if err != nil {
		t.Fatal(err)
	}
	y, err := ann.c.Seal(make([]byte, 20_000))
	if err != nil {
		t.Fatal(err)
	}
	bx, err := ann.c.Bodies(x)
	if err != nil {
		t.Fatal(err)
	}
	by, err := ann.c.Bodies(y)
	if err != nil {
		t.Fatal(err)
	}
	// Interleaved and with a part twice: both arrive. Bob is restored in the middle.
	l.put(bx[0], by[0], bx[1], bx[0], by[1])
	bob := l.member("bob")
	bob.c = reload(t, bob.c, stored(bob.c, nil))
	l.put(bx[2:]...)
	if _, ok := l.last["bob"].(Said); !ok {
		t.Errorf("x: got %T", l.last["bob"])
	}
	l.put(by[2:]...)
	if _, ok := l.last["bob"].(Said); !ok {
		t.Errorf("y: got %T", l.last["bob"])
	}
	if len(bob.c.partial) != 0 {
		t.Errorf("%d parts are left", len(bob.c.partial))
	}
	// A hole ends the attempt; the whole again is fine.
	z, err := ann.c.Seal(make([]byte, 30_000))
	if err != nil {
		t.Fatal(err)
	}
	bz, err := ann.c.Bodies(z)
	if err != nil {
		t.Fatal(err)
	}
	l.put(bz[0], bz[2], bz[3])
	l.put(bz...)
	if _, ok := l.last["bob"].(Said); !ok {
		t.Errorf("z: got %T", l.last["bob"])
	}
	// Starting very many leaves no more than the limit.
	for i := range 3 * partialsMax {
		h := sha256.Sum256([]byte{byte(i)})
		b, err := seal.SealRecord(ann.c.env, ann.c.id, slices.Concat([]byte{partMark}, h[:8], []byte{0, 9}, []byte("x")))
		if err != nil {
			t.Fatal(err)
		}
		l.put(b)
	}
	if got := len(bob.c.partial); got != partialsMax {
		t.Errorf("got %d, want %d", got, partialsMax)
	}
}

// stored applies changes to what is stored.
func stored(c *Convo, m map[string][]byte) map[string][]byte {
	if m == nil {
		m = map[string][]byte{}
		c.dirty.head, c.dirty.cold, c.dirty.epoch = true, true, true
		for _, p := range c.partial {
			for i, d := range p.have {
				c.dirty.put(p.key(i), encode(storedPart{First: p.first, Count: p.count, Data: d}))
			}
		}
	}
	for _, p := range c.Changes() {
		if p.Value == nil {
			delete(m, p.Key)
		} else {
			m[p.Key] = p.Value
		}
	}
	return m
}

func reload(t *testing.T, c *Convo, m map[string][]byte) *Convo {
	t.Helper()
	var list []Pair
	for k, v := range m {
		list = append(list, Pair{k, v})
	}
	x, err := Load(c.id, identify, list)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestStore restores a member after every record and wants it to go on as if nothing had been.
func TestStore(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	m := stored(bob.c, nil)
	pend := stored(ann.c, nil)
	for i := range 10 {
		msg, err := ann.c.Seal([]byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		send(t, l, ann, msg)
		if out, ok := l.last["bob"].(Said); !ok || out.Plain[0] != byte(i) {
			t.Fatalf("message %d: got %+v", i, l.last["bob"])
		}
		if i == 4 {
			p, err := ann.c.Begin(Change{NewGen: true, Tag: 3}, now)
			if err != nil {
				t.Fatal(err)
			}
			ann.c = reload(t, ann.c, stored(ann.c, pend))
			if got := ann.c.Pending(); got == nil || got.Tag != 3 || !bytes.Equal(got.Message, p.Message) {
				t.Fatalf("pending: got %+v", got)
			}
			send(t, l, ann, p.Message)
			if out, ok := l.last["ann"].(Changed); !ok || !out.Mine || !out.NewGen {
				t.Fatalf("got %+v", l.last["ann"])
			}
		}
		m = stored(bob.c, m)
		bob.c = reload(t, bob.c, m)
		pend = stored(ann.c, pend)
		ann.c = reload(t, ann.c, pend)
		n, h := bob.c.Seen()
		if ann.c.Compare(n, h) || bob.c.Forked() {
			t.Errorf("a false alarm")
		}
	}
	for _, k := range []string{"head", "cold", "group"} {
		bad := map[string][]byte{}
		maps.Copy(bad, m)
		bad[k] = []byte{1, 2, 3}
		var list []Pair
		for x, v := range bad {
			list = append(list, Pair{x, v})
		}
		if _, err := Load(bob.c.id, identify, list); err == nil {
			t.Errorf("damaged %s loads", k)
		}
	}
}

// TestDoubt shows that a device which alone could not read a commit says so when nothing opens any
// more, and takes it back at the first message of the others.
func TestDoubt(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	bob.c.suspect = 1 // as a commit that breaks M-107 leaves it
	m := stored(bob.c, nil)
	for i := range suspectMax {
		if bob.c.Doubtful() {
			t.Errorf("doubtful after %d records", i)
		}
		l.put(make([]byte, 1024))
		m = stored(bob.c, m)
		bob.c = reload(t, bob.c, m)
	}
	if !bob.c.Doubtful() {
		t.Errorf("no doubt after %d records", suspectMax)
	}
	msg, err := ann.c.Seal([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, ann, msg)
	if _, ok := l.last["bob"].(Said); !ok || bob.c.Doubtful() {
		t.Errorf("got %+v, doubtful %v", l.last["bob"], bob.c.Doubtful())
	}
}

// TestGaps shows which gaps are honest.
func TestGaps(t *testing.T) {
	for days, want := range map[int]bool{0: true, 29: true, 30: false, 31: false} {
		l := group(t, "ann", "bob")
		c := l.member("bob").c
		c.Receive(now.AddDate(0, 0, days), c.Cursor()+2, []byte("x"), none)
		if got := c.Forked(); got != want {
			t.Errorf("%d days away: got forked %v, want %v", days, got, want)
		}
		if n, _ := c.Seen(); n != 0 {
			t.Errorf("after a gap it still says what it has seen: %d", n)
		}
	}
}

// TestInvitations shows that a Welcome that leads elsewhere is refused.
func TestInvitations(t *testing.T) {
	l := group(t, "ann", "bob")
	ann := l.member("ann")
	k := signer(t)
	kp, sec := pack(t, "cid", k)
	p, err := ann.c.Begin(Change{Add: []*mls.KeyPackage{kp}}, now)
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, ann, p.Message)
	good := ann.c.Invite(p.Welcome)
	for name, f := range map[string]func(*Invitation){
		"log":     func(i *Invitation) { i.Log[0]++ },
		"gen":     func(i *Invitation) { i.Gens = []Generation{{Gen: 5}} },
		"no-gen":  func(i *Invitation) { i.Gens = nil },
		"order":   func(i *Invitation) { i.Gens = append([]Generation{{Gen: 1}}, i.Gens...) },
		"welcome": func(i *Invitation) { i.Secret = i.Secret[:len(i.Secret)-1] },
		"empty":   func(i *Invitation) { i.Secret = nil },
	} {
		i := good
		f(&i)
		if _, err := Join(JoinOptions{Invitation: i, Secret: sec, Signer: k, Identify: identify, Now: now}); err == nil {
			t.Errorf("%s: joined", name)
		}
	}
	nobody := func([]byte, []byte) (plane.PublicKey, error) { return plane.PublicKey{}, ErrState }
	if _, err := Join(JoinOptions{Invitation: good, Secret: sec, Signer: k, Identify: nobody, Now: now}); err == nil {
		t.Errorf("joined strangers")
	}
	if _, err := Join(JoinOptions{Invitation: good, Secret: sec, Signer: k, Identify: identify, Now: now}); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// TestStateLimits tries the group state at its limits and one past (G-01, G-02).
func TestStateLimits(t *testing.T) {
	good := State{Version: 2, Kind: Group, Name: "g", Gen: 1, TTLDays: 30, Owners: []plane.PublicKey{who("a"), who("b")}}
	cases := map[string]struct {
		f  func(*State)
		ok bool
	}{
		"good":         {func(s *State) {}, true},
		"name-max":     {func(s *State) { s.Name = string(bytes.Repeat([]byte{'x'}, plane.NameBytesMax)) }, true},
		"name-over":    {func(s *State) { s.Name = string(bytes.Repeat([]byte{'x'}, plane.NameBytesMax+1)) }, false},
		"pic-max":      {func(s *State) { s.Picture = make([]byte, PictureBytesMax) }, true},
		"pic-over":     {func(s *State) { s.Picture = make([]byte, PictureBytesMax+1) }, false},
		"ttl-max":      {func(s *State) { s.TTLDays = plane.TTLDaysMax }, true},
		"ttl-over":     {func(s *State) { s.TTLDays = plane.TTLDaysMax + 1 }, false},
		"ttl-zero":     {func(s *State) { s.TTLDays = 0 }, false},
		"gen-zero":     {func(s *State) { s.Gen = 0 }, false},
		"kind-over":    {func(s *State) { s.Kind = Saved + 1 }, false},
		"kind-zero":    {func(s *State) { s.Kind = 0 }, false},
		"version":      {func(s *State) { s.Version = 1 }, false},
		"no-owner":     {func(s *State) { s.Owners = nil }, false},
		"twice":        {func(s *State) { s.Owners = []plane.PublicKey{who("a"), who("a")} }, false},
		"unsorted":     {func(s *State) { s.Owners = []plane.PublicKey{who("b"), who("a")} }, false},
		"both":         {func(s *State) { s.Admins = []plane.PublicKey{who("a")} }, false},
		"admin":        {func(s *State) { s.Admins = []plane.PublicKey{who("c")} }, true},
		"leaders-max":  {func(s *State) { s.Admins = persons(LeadersMax - 2) }, true},
		"leaders-over": {func(s *State) { s.Admins = persons(LeadersMax - 1) }, false},
		"owners-over":  {func(s *State) { s.Owners = persons(LeadersMax + 1) }, false},
		"about":        {func(s *State) { s.About = "who\nwe are" }, true},
		"about-max":    {func(s *State) { s.About = strings.Repeat("x", AboutBytesMax) }, true},
		"about-over":   {func(s *State) { s.About = strings.Repeat("x", AboutBytesMax+1) }, false},
		"about-bad":    {func(s *State) { s.About = "a\x1b[0m" }, false},
		"slow-max":     {func(s *State) { s.Rules.Slow = SlowMax }, true},
		"slow-over":    {func(s *State) { s.Rules.Slow = SlowMax + 1 }, false},
		"new-max":      {func(s *State) { s.Rules.Quarantine = QuarantineMax }, true},
		"new-over":     {func(s *State) { s.Rules.Quarantine = QuarantineMax + 1 }, false},
		"hist-all":     {func(s *State) { s.Rules.History = HistoryAll }, true},
		"hist-less":    {func(s *State) { s.Rules.History = HistoryAll - 1 }, false},
		"hist-over":    {func(s *State) { s.Rules.History = HistoryDaysMax + 1 }, false},
		"pins-max":     {func(s *State) { s.Pins = keys(PinsMax) }, true},
		"pins-over":    {func(s *State) { s.Pins = keys(PinsMax + 1) }, false},
		"pins-twice":   {func(s *State) { s.Pins = append(keys(1), keys(1)...) }, false},
		"bans-max":     {func(s *State) { s.Banned = bans(BansMax) }, true},
		"bans-over":    {func(s *State) { s.Banned = bans(BansMax + 1) }, false},
		"bans-twice":   {func(s *State) { s.Banned = append(bans(1), bans(1)...) }, false},
		"links-max":    {func(s *State) { s.Links = links(LinksMax) }, true},
		"links-over":   {func(s *State) { s.Links = links(LinksMax + 1) }, false},
		"links-twice":  {func(s *State) { s.Links = append(links(1), links(1)...) }, false},
		"link-uses":    {func(s *State) { s.Links = links(1); s.Links[0].Uses = 0 }, false},
		"link-many":    {func(s *State) { s.Links = links(1); s.Links[0].Uses = plane.DoorUsesMax + 1 }, false},
		"queue":        {func(s *State) { s.Queue = &Queue{Log: plane.LogID{1}, Gen: 1} }, true},
		"queue-gen":    {func(s *State) { s.Queue = &Queue{Log: plane.LogID{1}} }, false},
		"queue-at":     {func(s *State) { s.Queue = &Queue{Log: plane.LogID{1}, Gen: 1, At: s.Gen} }, true},
		"queue-ahead":  {func(s *State) { s.Queue = &Queue{Log: plane.LogID{1}, Gen: 1, At: s.Gen + 1} }, false},
		"queue-none":   {func(s *State) { s.Queue = &Queue{} }, false},
		"moved":        {func(s *State) { s.Moved = &Moved{Gen: 1, Origin: strings.Repeat("x", originMax)} }, true},
		"moved-over":   {func(s *State) { s.Moved = &Moved{Gen: 1, Origin: strings.Repeat("x", originMax+1)} }, false},
		"moved-none":   {func(s *State) { s.Moved = &Moved{} }, false},
		"vanish-min":   {func(s *State) { s.Vanish = VanishMin }, true},
		"vanish-less":  {func(s *State) { s.Vanish = VanishMin - 1 }, false},
		"vanish-max":   {func(s *State) { s.Vanish = content.ExpiresMax }, true},
		"vanish-over":  {func(s *State) { s.Vanish = content.ExpiresMax + 1 }, false},
		"vanish-two":   {func(s *State) { s.Kind, s.Name, s.Vanish = Two, "", VanishMin }, true},
		"two-rules":    {func(s *State) { s.Kind, s.Name, s.Rules.Quiet = Two, "", true }, false},
		"two-bans":     {func(s *State) { s.Kind, s.Name, s.Banned = Two, "", bans(1) }, false},
		"two":          {func(s *State) { s.Kind, s.Name, s.Moved = Two, "", &Moved{Gen: 1, Origin: "x"} }, true},
		"all-max": {func(s *State) {
			s.Name, s.About, s.Picture = strings.Repeat("x", plane.NameBytesMax), strings.Repeat("x", AboutBytesMax), make([]byte, PictureBytesMax)
			s.Owners, s.Pins, s.Banned, s.Links = persons(LeadersMax), keys(PinsMax), bans(BansMax), links(LinksMax)
			s.Queue, s.Moved = &Queue{Log: plane.LogID{1}, Gen: 1}, &Moved{Gen: 1, Origin: strings.Repeat("x", originMax)}
		}, true},
	}
	for name, x := range cases {
		s := good
		x.f(&s)
		if _, err := ParseState(s.bytes()); (err == nil) != x.ok {
			t.Errorf("%s: got %v, want ok %v", name, err, x.ok)
		}
	}
	if _, err := ParseState(encode(&good)); err == nil {
		t.Errorf("null was taken for an empty list")
	}
	if _, err := ParseState(append(good.bytes(), 0)); err == nil {
		t.Errorf("trailing bytes were taken")
	}
	timed := good
	timed.Vanish = 3600
	if s, err := ParseState(timed.bytes()); err != nil || s.Vanish != 3600 || s.Name != "g" {
		t.Errorf("with a timer: got %d, %v", s.Vanish, err)
	}
	base := good.bytes()
	base[0] = stateTimed
	for name, tail := range map[string][]byte{"none": nil, "zero": {0}, "long": {0x19, 0, 60}, "null": {0xf6}, "text": {0x61, 'x'}, "trailing": {0x18, 60, 0}, "two": {0x18, 60, 0x18, 60}} {
		if _, err := ParseState(append(bytes.Clone(base), tail...)); err == nil {
			t.Errorf("timer %s was taken", name)
		}
	}
}

// persons and the like make lists of some length.
func persons(n int) (list []plane.PublicKey) {
	for _, k := range keys(n) {
		list = append(list, k)
	}
	return list
}

func keys(n int) (list [][32]byte) {
	for i := range n {
		list = append(list, [32]byte{9, byte(i >> 8), byte(i)})
	}
	return list
}

func bans(n int) (list []Ban) {
	for _, k := range keys(n) {
		list = append(list, Ban{Person: k, Erase: true})
	}
	return list
}

func links(n int) (list []Link) {
	for _, k := range keys(n) {
		list = append(list, Link{Door: k, Uses: plane.DoorUsesMax, Until: 1 << 20, By: k})
	}
	return list
}

// FuzzState wants no panic, and that what parses encodes to the same bytes.
func FuzzState(f *testing.F) {
	s := State{Version: 2, Kind: Group, Name: "g", Gen: 1, TTLDays: 30, Owners: []plane.PublicKey{who("a")}}
	f.Add(s.bytes())
	s.Vanish = VanishMin
	f.Add(s.bytes())
	f.Add([]byte{0x87})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseState(b)
		if err == nil && !bytes.Equal(s.bytes(), b) {
			t.Errorf("got %x, want %x", s.bytes(), b)
		}
	})
}

// FuzzReceive gives a member records whose inside is anything.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add([]byte{0, 1, 0, 2, 0})
	f.Add([]byte{1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 2, 9})
	l := group(&testing.T{}, "ann", "bob")
	c := l.member("bob").c
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > seal.RecordPayloadMax {
			return
		}
		body, err := seal.SealRecord(c.env, c.id, b)
		if err != nil {
			t.Fatal(err)
		}
		if out, ok := c.Receive(now, c.Cursor()+1, body, none).(Void); !ok || out.Old {
			t.Errorf("got %+v, want void", out)
		}
	})
}
