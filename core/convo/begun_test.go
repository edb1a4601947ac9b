package convo

import (
	"slices"
	"testing"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// TestParted compares where epochs began: of two branches that one goes on whose commit stood first
// where they parted, however far each has come since.
func TestParted(t *testing.T) {
	list := func(seqs ...int) (out []Begun) {
		for i, s := range seqs {
			out = append(out, Begun{Epoch: uint64(i + 1), Seq: plane.Seq(s)})
		}
		return out
	}
	for _, x := range []struct {
		name           string
		own, other     []Begun
		parted, before bool
	}{
		{"same", list(1, 2, 3), list(1, 2, 3), false, false},
		{"behind", list(1, 2), list(1, 2, 9), false, false},
		{"nothing-known", nil, list(1), false, false},
		{"nothing-in-common", list(1, 2), list(1, 2, 5)[2:], false, false},
		{"other-first", list(1, 5, 6), list(1, 4, 9, 10), true, true},
		{"own-first", list(1, 4, 9), list(1, 5, 6), true, false},
	} {
		c := &Convo{begun: x.own}
		if parted, before := c.Parted(x.other); parted != x.parted || before != x.before {
			t.Errorf("%s: got %v, %v, want %v, %v", x.name, parted, before, x.parted, x.before)
		}
	}
}

// TestBegun: the places where epochs began are remembered over a restart, no more than begunMax; a list
// that does not end where the invitation leads is not believed.
func TestBegun(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	d := map[string][]byte{}
	for range begunMax + 3 {
		act(t, l, "ann", Change{NewGen: true})
	}
	got, other := ann.c.Begun(), bob.c.Begun()
	if len(got) != begunMax || !slices.Equal(got, other) {
		t.Fatalf("got %d and %d places, the same: %v; want %d", len(got), len(other), slices.Equal(got, other), begunMax)
	}
	if last := got[begunMax-1]; last != (Begun{Epoch: ann.c.Epoch(), Seq: ann.c.Cursor()}) {
		t.Errorf("the newest is %+v", last)
	}
	stored(ann.c, d)
	if back := reload(t, ann.c, d); !slices.Equal(back.Begun(), got) {
		t.Errorf("after a restart: %d places, want %d", len(back.Begun()), len(got))
	}
	for name, list := range map[string][]Begun{"short": got[:3], "none": nil, "long": append([]Begun{{}}, got...)} {
		if bob.c.Inherit(list); len(bob.c.Begun()) != 1 || bob.c.Begun()[0] != got[begunMax-1] {
			t.Errorf("%s: believed: %d places", name, len(bob.c.Begun()))
		}
	}
	if bob.c.Inherit(got); !slices.Equal(bob.c.Begun(), got) {
		t.Error("a true list is not taken")
	}
}

// TestOutdated: an old copy of a member's state must not write in the epoch in which it finds what it
// has said itself, and may in the next, until it finds something there.
func TestOutdated(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	old := reload(t, bob.c, stored(bob.c, map[string][]byte{}))
	l.all = append(l.all, &member{name: "old", c: old})
	say := func() {
		msg, err := bob.c.Seal([]byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		send(t, l, bob, msg)
	}
	for i := range 2 {
		say()
		if got := old.Lost(); got != LostOwn {
			t.Fatalf("%d: its own words: lost %d, want LostOwn", i, got)
		}
		act(t, l, "ann", Change{NewGen: true})
		if got := old.Lost(); got != LostPast || old.Epoch() != ann.c.Epoch() {
			t.Fatalf("%d: an epoch later: lost %d, want LostPast; epoch %d of %d", i, got, old.Epoch(), ann.c.Epoch())
		}
	}
}

// TestReplaced: whose leaf another commit replaces may have made a commit at the same time. That one
// stands behind, and is nothing to anybody, its maker included: they would be two branches.
func TestReplaced(t *testing.T) {
	for _, by := range []string{"ann", "cid"} { // an admin, whose right is seen, and one who has none but this
		l := group(t, "ann", "bob", "cid")
		bob := l.member("bob")
		own, err := bob.c.Begin(Change{NewGen: true}, now)
		if err != nil {
			if own, err = bob.c.Begin(Change{}, now); err != nil {
				t.Fatal(err)
			}
		}
		bodies, _ := bob.c.Bodies(own.Message)
		k := signer(t)
		b, _, err := mls.NewKeyPackage(mls.KeyPackageOptions{
			Signer: k, Credential: mls.NewBasic([]byte("bob")), Capabilities: Capabilities(), LeafExtensions: NameLeaf("", &plane.LogID{1}, now.UnixMilli()),
			Lifetime: mls.Lifetime{NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, 1)},
		})
		if err != nil {
			t.Fatal(err)
		}
		u, _ := mls.ParseKeyPackage(b)
		kp, err := u.Verify(now)
		if err != nil {
			t.Fatal(err)
		}
		bob.lost = true
		act(t, l, by, Change{Add: []*mls.KeyPackage{kp}, Leaves: []uint32{bob.c.OwnLeaf()}})
		if want := map[string]Lost{"ann": LostEnded, "cid": LostReplaced}[by]; bob.c.Lost() != want || bob.c.Pending() != nil {
			t.Errorf("by %s: lost %d, want %d; pending %v", by, bob.c.Lost(), want, bob.c.Pending() != nil)
		}
		epoch := bob.c.Epoch()
		l.put(bodies...)
		if got := l.last["bob"]; got != (Void{}) || bob.c.Epoch() != epoch {
			t.Errorf("by %s: the own commit behind it: got %T in epoch %d, want Void in %d", by, got, bob.c.Epoch(), epoch)
		}
	}
}
