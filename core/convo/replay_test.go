package convo

import (
	"slices"
	"testing"
	"time"

	"paperplane/mls"
	"paperplane/protocol/caps"
)

// TestMandateReplay has members, also one who may remove and add, play again the packages by which bob's device
// came back before it signed another out, to bring back the mandate of that time and the device with it (D-33).
func TestMandateReplay(t *testing.T) {
	l := group(t, "ann", "bob", "cid")
	bob, id := l.member("bob"), l.member("bob").c.id
	at := func(ms int64) *mls.KeyPackage {
		kp, _ := packWith(t, "bob", bob.k, NameLeaf("", &id, now.UnixMilli()+ms))
		return kp
	}
	early, same, late := at(-1), at(0), at(1)
	pool, _ := packWith(t, "bob", bob.k, NameLeaf("", nil, now.UnixMilli()+1))
	bare, _ := packWith(t, "bob", bob.k, nil)
	elsewhere := id
	elsewhere[0]++
	other, _ := packWith(t, "bob", bob.k, NameLeaf("", &elsewhere, now.UnixMilli()+1))
	bob2 := device(t, l, "bob", "bob", "bob2", Change{})
	sibling, _ := packWith(t, "bob", bob2.k, NameLeaf("", &id, now.UnixMilli()+1))
	thief := device(t, l, "bob", "bob", "thief", Change{})
	one := caps.NewSigner()
	cred := under(bob.k, 1, one, nil)
	act(t, l, "bob", Change{Leaves: []uint32{thief.c.OwnLeaf()}, Credential: cred})
	l.all = l.all[:len(l.all)-1]
	act(t, l, "bob", Change{}) // the time stays
	// Who is taken out by somebody who may do that cannot see what comes in, so they do not judge here.
	l.all = slices.DeleteFunc(l.all, func(m *member) bool { return m == bob || m == bob2 })
	leafOf := func(c *Convo) uint32 {
		leaf, ok := c.LeafOf(who("bob"), bob.k.Public())
		if !ok {
			t.Fatal("bob is not there")
		}
		return leaf
	}
	replayed := func(t *testing.T, by string, kp *mls.KeyPackage) {
		t.Helper()
		c := l.member(by).c
		void(t, l, by, mls.CommitOptions{Remove: []uint32{leafOf(c)}, Add: []*mls.KeyPackage{kp}})
		if _, err := c.Begin(Change{Leaves: []uint32{leafOf(c)}, Add: []*mls.KeyPackage{kp}}, now); err != ErrNotAllowed {
			t.Errorf("an honest member: got %v, want %v", err, ErrNotAllowed)
		}
		if c.Mandated(who("bob"), kp) {
			t.Error("a request with it is answered")
		}
		if got := c.Mandate(who("bob")).Gen; got != 1 {
			t.Errorf("the mandate is of generation %d, want 1", got)
		}
	}
	all := func(t *testing.T) {
		for name, kp := range map[string]*mls.KeyPackage{"early": early, "same-time": same, "from-the-pool": pool, "bare": bare, "for-another": other} {
			t.Run(name, func(t *testing.T) { replayed(t, "ann", kp) })
		}
		t.Run("by-a-member", func(t *testing.T) { replayed(t, "cid", early) })
	}
	t.Run("told-by-commit", all)
	t.Run("the-only-one-under-it-goes", func(t *testing.T) {
		gone := []uint32{bob.c.OwnLeaf(), bob2.c.OwnLeaf()}
		void(t, l, "ann", mls.CommitOptions{Remove: gone, Add: []*mls.KeyPackage{sibling}})
		void(t, l, "ann", mls.CommitOptions{Remove: gone, Add: []*mls.KeyPackage{sibling, early}})
	})

	// It has come back by a package under the mandate.
	again, _, err := mls.NewKeyPackage(mls.KeyPackageOptions{
		Signer: bob.k, Credential: mls.NewBasic(cred), Capabilities: Capabilities(), LeafExtensions: NameLeaf("", &id, now.UnixMilli()),
		Lifetime: mls.Lifetime{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := mls.ParseKeyPackage(again)
	if err != nil {
		t.Fatal(err)
	}
	kp, err := u.Verify(now)
	if err != nil {
		t.Fatal(err)
	}
	act(t, l, "cid", Change{Leaves: []uint32{leafOf(l.member("cid").c)}, Add: []*mls.KeyPackage{kp}})
	t.Run("back-under-it", all)

	// Set back, and with a package of now: its place is its own. The one before comes too late again.
	c := l.member("cid").c
	if !c.Mandated(who("bob"), late) {
		t.Error("a fresh request is not answered")
	}
	act(t, l, "cid", Change{Leaves: []uint32{leafOf(c)}, Add: []*mls.KeyPackage{late}})
	for _, m := range l.all {
		if got := m.c.Mandate(who("bob")).Gen; got != 0 {
			t.Errorf("%s knows generation %d, want that of the device", m.name, got)
		}
	}
}

// TestRemade has the time in one's own leaf rise, whatever the clock says.
func TestRemade(t *testing.T) {
	l := group(t, "ann", "bob")
	bob := l.member("bob")
	made := func() uint64 {
		m, err := l.member("ann").c.g.Member(bob.c.OwnLeaf())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(m.LeafExtensions); n > 1 {
			t.Errorf("%d extensions, want one at most", n)
		}
		return madeAt(m.LeafExtensions)
	}
	if got := made(); got != 0 {
		t.Errorf("got %d before a mandate, want 0", got)
	}
	one := caps.NewSigner()
	act(t, l, "bob", Change{Credential: under(bob.k, 1, one, nil)})
	first := made()
	if want := uint64(now.UnixMilli()); first != want {
		t.Errorf("got %d, want %d", first, want)
	}
	act(t, l, "bob", Change{})
	if got := made(); got != first {
		t.Errorf("got %d after another commit, want %d", got, first)
	}
	p, err := bob.c.Begin(Change{Credential: under(bob.k, 2, caps.NewSigner(), one)}, now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, bob, p.Message)
	if got := made(); got != first+1 {
		t.Errorf("got %d with a clock that went back, want %d", got, first+1)
	}
}
