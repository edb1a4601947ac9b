package convo

import (
	"slices"
	"testing"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// risen brings everybody to a generation, by an owner's commit.
func risen(t *testing.T, l *log, gen plane.Gen) {
	t.Helper()
	for _, m := range l.all {
		m.c.state.Gen = gen - 1
	}
	act(t, l, "ann", Change{NewGen: true})
}

// TestRaise (G-08) has members take out devices of their own, and who has left, at the bounds of the
// generations that they may raise, and one past them: they do, and the generation stays; who raises it
// all the same is passed over. An admin raises it always, and who has the owner key begins the count anew.
func TestRaise(t *testing.T) {
	l := group(t, "ann", "bob", "cid", "dan", "eve")
	gen := func() plane.Gen { return l.member("cid").c.State().Gen }
	raises := func(what string, do func(), want plane.Gen) {
		t.Helper()
		before := gen()
		do()
		for _, m := range l.all {
			if got := m.c.State().Gen; m.name != "out" && got != before+want {
				t.Errorf("%s: %s is at %d, want %d", what, m.name, got, before+want)
			}
		}
	}
	out := func(by string) {
		t.Helper()
		device(t, l, by, by, "out", Change{})
		l.all = l.all[:len(l.all)-1]
		c := l.member(by).c
		var leaves []uint32
		for leaf := range c.OwnKeys() {
			leaves = append(leaves, leaf)
		}
		act(t, l, by, Change{Leaves: leaves})
	}
	risen(t, l, GensOwn-1)
	raises("own device at the edge", func() { out("bob") }, 1)
	raises("own device past it", func() { out("bob") }, 0)
	device(t, l, "bob", "bob", "out", Change{})
	l.all = l.all[:len(l.all)-1]
	void(t, l, "bob", func() mls.CommitOptions {
		o := stated(l.member("bob").c, func(s *State) { s.Gen++ })
		for leaf := range l.member("bob").c.OwnKeys() {
			o.Remove = append(o.Remove, leaf)
		}
		return o
	}())
	raises("an admin", func() { out("ann") }, 1)
	if st := l.member("ann").c.State(); !st.Behind() {
		t.Error("the owner is not told that devices went without")
	}
	act(t, l, "ann", Change{NewGen: true, Edit: func(s *State) { s.Queue = &Queue{Log: plane.LogID{7}, Gen: 2, At: s.Gen} }})
	if st := l.member("ann").c.State(); st.Behind() {
		t.Error("the count did not begin anew")
	}
	raises("own device once an owner was there", func() { out("bob") }, 1)

	leaves := func(name string) func() {
		return func() {
			t.Helper()
			m := l.member(name)
			msg, err := m.c.SealLeave()
			if err != nil {
				t.Fatal(err)
			}
			send(t, l, m, msg)
			m.lost = true
			act(t, l, "bob", Change{Gone: true})
			l.all = slices.DeleteFunc(l.all, func(x *member) bool { return x == m })
		}
	}
	risen(t, l, l.member("ann").c.State().Queue.At+gensLeft-1)
	raises("own device beside those who leave", func() { out("bob") }, 0)
	raises("who leaves at the edge", leaves("dan"), 1)
	raises("who leaves past it", leaves("eve"), 0)
}
