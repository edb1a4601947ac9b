package convo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// act makes an own commit, which has to win.
func act(t *testing.T, l *log, name string, ch Change) Changed {
	t.Helper()
	m := l.member(name)
	p, err := m.c.Begin(ch, now)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	send(t, l, m, p.Message)
	out, ok := l.last[name].(Changed)
	if !ok || !out.Mine {
		t.Fatalf("%s: got %+v, want one's own commit", name, l.last[name])
	}
	return out
}

// device adds a leaf of a person that is a member, who asks for it.
func device(t *testing.T, l *log, by, name, as string, ch Change, exts ...mls.Extension) *member {
	t.Helper()
	k := signer(t)
	kp, sec := packWith(t, name, k, exts)
	ch.Add = []*mls.KeyPackage{kp}
	out := act(t, l, by, ch)
	x, err := Join(JoinOptions{Invitation: l.member(by).c.Invite(out.Own.Welcome), Secret: sec, Signer: k, Identify: identify, Now: now})
	if err != nil {
		t.Fatalf("%s: %v", as, err)
	}
	m := &member{name: as, c: x, k: k}
	l.all = append(l.all, m)
	return m
}

// void has a member make a commit that MLS allows: nobody takes it.
func void(t *testing.T, l *log, name string, o mls.CommitOptions) {
	t.Helper()
	m := l.member(name)
	o.Now = now
	p, err := m.c.g.Commit(o)
	if err != nil {
		t.Fatal(err)
	}
	before := m.c.Epoch()
	send(t, l, m, p.Message)
	for _, x := range l.all {
		if out, ok := l.last[x.name].(Changed); ok || x.c.Epoch() != before {
			t.Errorf("%s took it: %+v", x.name, out)
		}
	}
}

func stated(c *Convo, f func(*State)) mls.CommitOptions {
	st := c.State().clone()
	f(&st)
	return mls.CommitOptions{Extensions: c.withState(st.bytes())}
}

// led is a group with an owner, two admins and two members.
func led(t *testing.T) *log {
	l := group(t, "ann", "bob", "bea", "cid", "dan")
	act(t, l, "ann", Change{Edit: func(s *State) { s.SetRole(who("bob"), RoleAdmin); s.SetRole(who("bea"), RoleAdmin) }})
	return l
}

// TestStatePolicy has members and admins change what is not theirs to change: void for all. The
// same by whoever may is fine (G-05, G-06, G-08).
func TestStatePolicy(t *testing.T) {
	l := led(t)
	eve := who("eve")
	all := map[string]func(*State){
		"name":         rename("mine"),
		"about":        func(s *State) { s.About = "mine" },
		"picture":      func(s *State) { s.Picture = []byte{1} },
		"pins":         func(s *State) { s.Pin([32]byte{1}, true) },
		"rules":        func(s *State) { s.Rules.Quiet = true },
		"ban":          func(s *State) { s.Ban(eve, true) },
		"vanish":       func(s *State) { s.Vanish = 3600 },
		"link":         func(s *State) { s.Links = links(1) },
		"tree-key":     func(s *State) { s.TreeKey = [32]byte{1} },
		"moved":        func(s *State) { s.Moved = &Moved{Gen: 1, Origin: "x"} }, // how it is done: TestMove
		"role":         func(s *State) { s.SetRole(who("cid"), RoleAdmin) },
		"generation":   func(s *State) { s.Gen++ },
		"owner":        func(s *State) { s.SetRole(who("cid"), RoleOwner) },
		"depose":       func(s *State) { s.SetRole(who("ann"), RoleMember); s.SetRole(who("cid"), RoleOwner) },
		"time-to-live": func(s *State) { s.TTLDays++ },
		"kind":         func(s *State) { s.Kind, s.Name = Two, "" },
		"two-steps":    func(s *State) { s.Gen += 2 },
		"back":         func(s *State) { s.Gen-- },
	}
	for name, f := range all {
		t.Run("member-"+name, func(t *testing.T) { void(t, l, "cid", stated(l.member("cid").c, f)) })
	}
	for _, name := range []string{"owner", "depose", "time-to-live", "kind", "two-steps", "back"} {
		t.Run("admin-"+name, func(t *testing.T) { void(t, l, "bob", stated(l.member("bob").c, all[name])) })
	}
	for name, f := range map[string]func(*State){
		"admin":       func(s *State) { s.SetRole(who("bea"), RoleMember) },
		"stranger":    func(s *State) { s.SetRole(eve, RoleAdmin) },
		"himself":     func(s *State) { s.SetRole(who("bob"), RoleOwner) },
		"ban-owner":   func(s *State) { s.Ban(who("ann"), false) },
		"ban-present": func(s *State) { s.Banned = append(s.Banned, Ban{Person: who("cid")}) },
	} {
		t.Run("admin-"+name, func(t *testing.T) { void(t, l, "bob", stated(l.member("bob").c, f)) })
	}
	for _, name := range []string{"time-to-live", "kind", "two-steps"} {
		t.Run("owner-"+name, func(t *testing.T) { void(t, l, "ann", stated(l.member("ann").c, all[name])) })
	}
	t.Run("owner-no-owner", func(t *testing.T) {
		void(t, l, "ann", stated(l.member("ann").c, func(s *State) { s.Owners = []plane.PublicKey{eve} }))
	})
	t.Run("other-extension", func(t *testing.T) {
		c := l.member("ann").c
		list := c.withState(c.state.bytes())
		list[0] = mls.RequiredCapabilities([]uint16{StateExtension, NameExtension}, nil, nil)
		void(t, l, "ann", mls.CommitOptions{Extensions: list})
	})
	t.Run("too-many-leaders", func(t *testing.T) {
		void(t, l, "ann", stated(l.member("ann").c, func(s *State) { s.Admins = persons(LeadersMax) }))
	})
	t.Run("too-large", func(t *testing.T) {
		void(t, l, "ann", stated(l.member("ann").c, func(s *State) { s.About = string(bytes.Repeat([]byte{'x'}, StateBytesMax)) }))
	})
	t.Run("not-one-encoding", func(t *testing.T) {
		c := l.member("ann").c
		void(t, l, "ann", mls.CommitOptions{Extensions: c.withState(append(c.state.bytes(), 0))})
	})
	for _, name := range []string{"name", "about", "picture", "pins", "rules", "ban", "vanish", "link", "tree-key", "role", "generation"} {
		act(t, l, "bob", Change{Edit: all[name]})
	}
	// A former state, as it was: its generation is over.
	old := l.member("ann").c.State()
	act(t, l, "ann", Change{NewGen: true})
	t.Run("replayed", func(t *testing.T) {
		void(t, l, "ann", mls.CommitOptions{Extensions: l.member("ann").c.withState(old.bytes())})
	})
	if _, err := l.member("cid").c.Begin(Change{Edit: all["about"]}, now); err != ErrNotAllowed {
		t.Errorf("a member begins: got %v, want %v", err, ErrNotAllowed)
	}
	if _, err := l.member("ann").c.Begin(Change{Edit: func(s *State) { s.Name = "" }}, now); err != ErrState {
		t.Errorf("a group without a name: got %v, want %v", err, ErrState)
	}
	act(t, l, "ann", Change{Edit: func(s *State) { s.SetRole(who("bea"), RoleOwner) }})
	t.Run("admin-depose-one", func(t *testing.T) {
		void(t, l, "bob", stated(l.member("bob").c, func(s *State) { s.SetRole(who("bea"), RoleMember) }))
	})
	t.Run("absent-owner-alone", func(t *testing.T) {
		c := l.member("ann").c
		was := c.state
		c.state = was.clone()
		c.state.SetRole(eve, RoleOwner)
		for _, left := range []plane.PublicKey{who("bea"), eve} {
			st := c.state.clone()
			st.Owners = []plane.PublicKey{left}
			if got, want := c.allowed(who("ann"), st, turn{}), left != eve; got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		c.state = was
	})
	// Where the rules say so, everybody changes the text and adds, and nothing else.
	act(t, l, "ann", Change{Edit: func(s *State) { s.Rules = Rules{Adders: true, Changers: true} }})
	act(t, l, "dan", Change{Edit: func(s *State) { s.Name, s.Pins, s.Links = "ours", nil, nil }})
	all["tree-key"] = func(s *State) { s.TreeKey = [32]byte{2} }
	all["vanish"] = func(s *State) { s.Vanish = 0 }
	for _, name := range []string{"rules", "vanish", "owner", "generation", "tree-key"} {
		t.Run("any-member-"+name, func(t *testing.T) { void(t, l, "dan", stated(l.member("dan").c, all[name])) })
	}
}

// TestRemovePolicy shows who removes whom (G-07).
func TestRemovePolicy(t *testing.T) {
	l := led(t)
	leaf := func(name string) []uint32 { return l.member(name).c.LeavesOf(who(name)) }
	for by, list := range map[string][]string{"cid": {"ann", "bob", "dan"}, "bob": {"ann", "bea"}} {
		for _, name := range list {
			t.Run(by+"-"+name, func(t *testing.T) { void(t, l, by, mls.CommitOptions{Remove: leaf(name)}) })
		}
	}
	out := act(t, l, "bob", Change{Remove: []plane.PublicKey{who("dan")}, Edit: func(s *State) { s.Ban(who("dan"), true) }})
	if !slices.Equal(out.Removed, []plane.PublicKey{who("dan")}) || !out.NewGen {
		t.Errorf("got %+v", out)
	}
	l.all = slices.DeleteFunc(l.all, func(m *member) bool { return m.name == "dan" })
	kp, _ := pack(t, "dan", signer(t))
	t.Run("banned", func(t *testing.T) { void(t, l, "ann", mls.CommitOptions{Add: []*mls.KeyPackage{kp}}) })
	if _, err := l.member("ann").c.Begin(Change{Add: []*mls.KeyPackage{kp}}, now); err != ErrNotAllowed {
		t.Errorf("adding who is banned: got %v, want %v", err, ErrNotAllowed)
	}
	out = act(t, l, "ann", Change{Remove: []plane.PublicKey{who("bob"), who("bea")}})
	l.all = slices.DeleteFunc(l.all, func(m *member) bool { return m.name == "bob" || m.name == "bea" })
	if st := l.member("cid").c.State(); len(st.Admins) != 0 || len(out.Removed) != 2 {
		t.Errorf("admins %d, removed %d", len(st.Admins), len(out.Removed))
	}
}

// TestDevices shows a person with several leaves: its own to add, remove and give other keys, and
// nobody else's (G-03, G-09).
func TestDevices(t *testing.T) {
	l := group(t, "ann", "bob", "cid")
	bob2 := device(t, l, "bob", "bob", "bob2", Change{})
	if out, ok := l.last["ann"].(Changed); !ok || !slices.Equal(out.Devices, []plane.PublicKey{who("bob")}) || len(out.Added) != 0 {
		t.Errorf("ann: got %+v", l.last["ann"])
	}
	ann := l.member("ann").c
	if ann.Size() != 3 || ann.Leaves() != 4 || len(ann.Members()) != 3 {
		t.Errorf("%d people on %d leaves", ann.Size(), ann.Leaves())
	}
	// A device of somebody else: neither add, nor remove, nor speak for.
	kp, _ := pack(t, "bob", signer(t))
	t.Run("add", func(t *testing.T) { void(t, l, "cid", mls.CommitOptions{Add: []*mls.KeyPackage{kp}}) })
	t.Run("remove", func(t *testing.T) { void(t, l, "cid", mls.CommitOptions{Remove: []uint32{bob2.c.OwnLeaf()}}) })
	cred := mls.NewBasic([]byte("bob"))
	t.Run("become", func(t *testing.T) { void(t, l, "cid", mls.CommitOptions{Credential: &cred}) })
	t.Run("update", func(t *testing.T) {
		// An Update of one member in the commit of another.
		msg, err := l.member("bob").c.g.ProposeUpdate(nil)
		if err != nil {
			t.Fatal(err)
		}
		send(t, l, l.member("bob"), msg)
		void(t, l, "cid", mls.CommitOptions{UsePending: true})
	})
	// One's own leaf gets another key of the same person.
	k := signer(t)
	before := ann.Epoch()
	act(t, l, "bob2", Change{Signer: k, Credential: []byte("bob")})
	if ann.Epoch() != before+1 || !ann.Has(who("bob")) || ann.Leaves() != 4 {
		t.Errorf("a new key was not taken")
	}
	out := act(t, l, "bob2", Change{Leaves: []uint32{l.member("bob").c.OwnLeaf()}})
	if len(out.Removed)+len(out.Left) != 0 || ann.Size() != 3 || ann.Leaves() != 3 || !out.NewGen {
		t.Errorf("a device removed: %+v", out)
	}
	if x, ok := l.last["bob"].(Changed); !ok || !x.Out {
		t.Errorf("the device removed: got %+v", l.last["bob"])
	}
	l.all = slices.DeleteFunc(l.all, func(m *member) bool { return m.name == "bob" })
	// As many as there may be, and one more.
	var more []*mls.KeyPackage
	for range DevicesMax - 1 {
		kp, _ := pack(t, "cid", signer(t))
		more = append(more, kp)
	}
	over, _ := pack(t, "cid", signer(t))
	t.Run("too-many", func(t *testing.T) { void(t, l, "cid", mls.CommitOptions{Add: append(more, over)}) })
	act(t, l, "cid", Change{Add: more})
	if got := ann.Leaves(); got != 3+DevicesMax-1 {
		t.Errorf("%d leaves", got)
	}
	t.Run("one-more", func(t *testing.T) { void(t, l, "cid", mls.CommitOptions{Add: []*mls.KeyPackage{over}}) })
	// Who is removed is removed with everything.
	act(t, l, "ann", Change{Remove: []plane.PublicKey{who("cid")}})
	if ann.Size() != 2 || ann.Leaves() != 2 {
		t.Errorf("%d people on %d leaves, want 2 on 2", ann.Size(), ann.Leaves())
	}
}

// TestTwoDevices: in a conversation of two each may have several devices, and no third comes in (G-03, G-09).
func TestTwoDevices(t *testing.T) {
	k, ka := signer(t), signer(t)
	c, err := New(Options{ID: plane.LogID{1}, Kind: Two, Signer: ka, Credential: []byte("ann"), Owner: who("ann"), Also: []plane.PublicKey{who("bob")}, TTLDays: 30, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	kp, sec := pack(t, "bob", k)
	w, err := c.AddFirst(kp, now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Join(JoinOptions{Invitation: c.Invite(w), Secret: sec, Signer: k, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	l := &log{t: t, last: map[string]Outcome{}, all: []*member{{name: "ann", c: c, k: ka}, {name: "bob", c: b, k: k}}}
	device(t, l, "bob", "bob", "bob2", Change{})
	device(t, l, "ann", "ann", "ann2", Change{})
	if c.Size() != 2 || c.Leaves() != 4 {
		t.Errorf("%d people on %d leaves", c.Size(), c.Leaves())
	}
	third, _ := pack(t, "cid", signer(t))
	t.Run("third", func(t *testing.T) { void(t, l, "ann", mls.CommitOptions{Add: []*mls.KeyPackage{third}}) })
	t.Run("remove", func(t *testing.T) { void(t, l, "ann", mls.CommitOptions{Remove: b.LeavesOf(who("bob"))}) })
	t.Run("rename", func(t *testing.T) { void(t, l, "ann", stated(c, rename("x"))) })
	l.member("bob").lost = true
	act(t, l, "bob2", Change{Leaves: []uint32{b.OwnLeaf()}})
}

// TestRejoinPolicy: anybody puts a lost member's new leaf in the place of the old one, if it is made
// for that (G-10).
func TestRejoinPolicy(t *testing.T) {
	l := group(t, "ann", "bob", "cid")
	bob := l.member("bob")
	leaf := []uint32{bob.c.OwnLeaf()}
	ext := func(id plane.LogID) mls.Extension {
		return mls.Extension{Type: RejoinExtension, Data: append(id[:], make([]byte, madeBytes)...)}
	}
	plain, _ := pack(t, "bob", signer(t))
	other, _ := packWith(t, "bob", signer(t), []mls.Extension{ext(plane.LogID{9})})
	dan, _ := packWith(t, "dan", signer(t), []mls.Extension{ext(bob.c.id)})
	one, _ := packWith(t, "bob", signer(t), []mls.Extension{ext(bob.c.id)})
	two, _ := packWith(t, "bob", signer(t), []mls.Extension{ext(bob.c.id)})
	for name, o := range map[string]mls.CommitOptions{
		"from-the-pool":      {Remove: leaf, Add: []*mls.KeyPackage{plain}},
		"for-another":        {Remove: leaf, Add: []*mls.KeyPackage{other}},
		"of-another":         {Remove: leaf, Add: []*mls.KeyPackage{dan}},
		"two-for-one":        {Remove: leaf, Add: []*mls.KeyPackage{one, two}},
		"none-removed":       {Add: []*mls.KeyPackage{one}},
		"another-is-removed": {Remove: []uint32{l.member("ann").c.OwnLeaf()}, Add: []*mls.KeyPackage{one}},
	} {
		t.Run(name, func(t *testing.T) { void(t, l, "cid", o) })
	}
	t.Run("who-leaves", func(t *testing.T) {
		msg, err := bob.c.SealLeave()
		if err != nil {
			t.Fatal(err)
		}
		send(t, l, bob, msg)
		void(t, l, "cid", mls.CommitOptions{Remove: leaf, Add: []*mls.KeyPackage{plain}})
	})
	act(t, l, "ann", Change{})
	gen := l.member("ann").c.State().Gen
	bob.lost = true
	again := device(t, l, "cid", "bob", "bob again", Change{Leaves: leaf}, ext(bob.c.id))
	out, ok := l.last["ann"].(Changed)
	if !ok || !slices.Equal(out.Rejoined, []plane.PublicKey{who("bob")}) || len(out.Added)+len(out.Removed) != 0 || out.NewGen != (again.c.State().Gen != gen) {
		t.Errorf("ann: got %+v", l.last["ann"])
	}
	if _, ok := l.last["bob"].(Void); !ok {
		t.Errorf("the lost device: got %+v, want void", l.last["bob"])
	}
}

// full fills a roster with people as if they were members.
func full(c *Convo, people, leaves int) {
	for i := range 2 * leaves {
		if c.Leaves() >= leaves {
			return
		}
		var p plane.PublicKey
		copy(p[:], fmt.Sprintf("member %d", i%people))
		if c.Size() >= people && !c.Has(p) {
			continue
		}
		c.who.put(uint32(100+i), p)
	}
}

// TestGroupLimits tries people and devices at their limits and one past (G-03).
func TestGroupLimits(t *testing.T) {
	ann := who("ann")
	add := func(c *Convo, by plane.PublicKey, names ...string) bool {
		var t turn
		for _, n := range names {
			t.added = append(t.added, seated{leaf: 1 << 20, person: who(n)})
		}
		return c.allowed(by, c.state, t)
	}
	c := group(t, "ann", "bob").member("ann").c
	full(c, plane.GroupMembersMax-1, plane.GroupMembersMax-1)
	if c.Size() != plane.GroupMembersMax-1 {
		t.Fatalf("%d people", c.Size())
	}
	if !add(c, ann, "new") || add(c, ann, "new", "newer") {
		t.Errorf("the last one %v, and one more %v, want true and false", add(c, ann, "new"), add(c, ann, "new", "newer"))
	}
	kp, _ := pack(t, "new", signer(t))
	kp2, _ := pack(t, "newer", signer(t))
	if _, err := c.Begin(Change{Add: []*mls.KeyPackage{kp, kp2}}, now); err != ErrFull {
		t.Errorf("begin: got %v, want %v", err, ErrFull)
	}
	if got := c.Size(); got != plane.GroupMembersMax-1 {
		t.Errorf("%d people after what was not done", got)
	}
	// In a large group a person has four devices; those there were before stay.
	if !add(c, ann, "ann", "ann", "ann") || add(c, ann, "ann", "ann", "ann", "ann") {
		t.Errorf("four devices %v, five %v, want true and false", add(c, ann, "ann", "ann", "ann"), add(c, ann, "ann", "ann", "ann", "ann"))
	}
	c = group(t, "ann", "bob").member("ann").c
	full(c, plane.GroupMembersMax-1, LeavesMax-1)
	if c.Leaves() != LeavesMax-1 {
		t.Fatalf("%d leaves", c.Leaves())
	}
	if !add(c, ann, "ann") || add(c, ann, "ann", "new") {
		t.Errorf("the last leaf %v, and one more %v, want true and false", add(c, ann, "ann"), add(c, ann, "ann", "new"))
	}
	c = group(t, "ann", "bob").member("ann").c
	full(c, plainLeavesMax-5, plainLeavesMax-5)
	five := slices.Repeat([]string{"ann"}, 5)
	if !add(c, ann, five...) || add(c, ann, append(five, "ann")...) {
		t.Errorf("up to plainLeavesMax %v, above %v, want true and false", add(c, ann, five...), add(c, ann, append(five, "ann")...))
	}
}

// TestEquivocation: an admin makes two commits for one epoch and shows both. All take the one that
// stands first, whichever they see first by other ways.
func TestEquivocation(t *testing.T) {
	l := led(t)
	bob := l.member("bob").c
	first, err := bob.g.Commit(stated(bob, rename("first")))
	if err != nil {
		t.Fatal(err)
	}
	second, err := bob.g.Commit(stated(bob, rename("second")))
	if err != nil {
		t.Fatal(err)
	}
	l.all = slices.DeleteFunc(l.all, func(m *member) bool { return m.name == "bob" })
	send(t, l, &member{c: bob}, first.Message)
	send(t, l, &member{c: bob}, second.Message)
	for _, m := range l.all {
		if got := m.c.State().Name; got != "first" {
			t.Errorf("%s: %q", m.name, got)
		}
	}
}

// TestRestartedCommit: an own commit that wins after a restart does the same to the roster.
func TestRestartedCommit(t *testing.T) {
	l := group(t, "ann", "bob", "cid")
	ann := l.member("ann")
	d := disk{}
	ann.c.dirty.head, ann.c.dirty.cold, ann.c.dirty.epoch = true, true, true
	d.put(t, ann.c.Changes())
	var add []*mls.KeyPackage
	for _, n := range []string{"dan", "eve", "ann"} {
		kp, _ := pack(t, n, signer(t))
		add = append(add, kp)
	}
	p, err := ann.c.Begin(Change{Add: add, Remove: []plane.PublicKey{who("bob")}}, now)
	if err != nil {
		t.Fatal(err)
	}
	d.put(t, ann.c.Changes())
	if ann.c, err = d.load(); err != nil {
		t.Fatal(err)
	}
	send(t, l, ann, p.Message)
	cid := l.member("cid").c
	if got, want := fmt.Sprint(ann.c.who), fmt.Sprint(cid.who); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	out := l.last["ann"].(Changed)
	if len(out.Added) != 2 || len(out.Removed) != 1 || len(out.Devices) != 1 {
		t.Errorf("got %+v", out)
	}
	d.put(t, ann.c.Changes())
	c, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.who), fmt.Sprint(cid.who); got != want {
		t.Errorf("loaded %s\nwant %s", got, want)
	}
}

// TestLeaders: who leads when the owner has gone, and when the admins have; and that it is written
// down before it could change (G-04).
func TestLeaders(t *testing.T) {
	l := led(t)
	dan := l.member("dan").c
	is := func(want string) {
		t.Helper()
		var got strings.Builder
		for _, m := range dan.Members() {
			got.WriteString(fmt.Sprintf("%s%d ", bytes.TrimRight(m.Person[:], "\x00"), m.Role))
		}
		if got.String() != want {
			t.Errorf("got %s, want %s", got.String(), want)
		}
	}
	leave := func(name string) {
		t.Helper()
		m := l.member(name)
		msg, err := m.c.SealLeave()
		if err != nil {
			t.Fatal(err)
		}
		send(t, l, m, msg)
		m.lost = true
		act(t, l, "dan", Change{Gone: true})
		l.all = slices.DeleteFunc(l.all, func(x *member) bool { return x == m })
	}
	is("ann3 bob2 bea2 cid1 dan1 ")
	leave("ann")
	is("bob3 bea3 cid1 dan1 ")
	leave("bob")
	leave("bea")
	is("cid3 dan1 ")
	// Cid leads for want of others. Ann comes back to a lower leaf, and leads no more.
	kp, _ := pack(t, "ann", signer(t))
	act(t, l, "cid", Change{Add: []*mls.KeyPackage{kp}})
	is("ann1 cid3 dan1 ")
	if st := dan.State(); len(st.Owners) != 1 || st.Owners[0] != who("cid") || len(st.Admins) != 0 {
		t.Errorf("the state says %+v", st)
	}
}
