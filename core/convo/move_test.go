package convo

import (
	"testing"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// TestMove has an admin and a member make commits that move the group: one right, the others void
// for all.
func TestMove(t *testing.T) {
	l := group(t, "ann", "bob")
	right := func(c *Convo) State {
		st := c.State()
		st.Gen++
		st.Moved = &Moved{Origin: "https://b", Server: [32]byte{2}, Log: plane.LogID{9}, Base: NextBase(c.Base()), Gen: st.Gen}
		return st
	}
	for name, x := range map[string]struct {
		by    string
		spoil func(*State)
	}{
		"by a member":          {"bob", func(*State) {}},
		"base too small":       {"ann", func(s *State) { s.Moved.Base-- }},
		"base too large":       {"ann", func(s *State) { s.Moved.Base *= 2 }},
		"no new generation":    {"ann", func(s *State) { s.Gen--; s.Moved.Gen-- }},
		"an older generation":  {"ann", func(s *State) { s.Moved.Gen-- }},
		"to where it is":       {"ann", func(s *State) { s.Moved.Log = plane.LogID{1} }},
		"without an origin":    {"ann", func(s *State) { s.Moved.Origin = "" }},
		"with another kind":    {"ann", func(s *State) { s.Kind = Two }},
		"with the old queue":   {"ann", func(s *State) { s.Queue = &Queue{} }},
		"generation of nobody": {"ann", func(s *State) { s.Moved.Gen = s.Gen + 1 }},
	} {
		m := l.member(x.by)
		st := right(m.c)
		x.spoil(&st)
		p, err := m.c.g.Commit(mls.CommitOptions{Extensions: m.c.withState(st.bytes()), AAD: encode(commitHead{AtMS: msOf(now)})})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := m.c.Epoch()
		send(t, l, m, p.Message)
		for _, o := range l.all {
			if o != m && o.c.Epoch() != before {
				t.Errorf("%s: %s accepted it", name, o.name)
			}
		}
	}
	ann, bob := l.member("ann"), l.member("bob")
	for turn := range plane.Seq(3) {
		p, err := ann.c.Begin(Change{NewGen: true, Edit: func(st *State) { ann.c.MoveTo(st, "https://b", [32]byte{2}, plane.LogID{9, byte(turn)}) }}, now)
		if err != nil {
			t.Fatalf("move %d: %v", turn, err)
		}
		gen := ann.c.State().Gen
		send(t, l, ann, p.Message)
		l.seq = (turn + 1) << 32 // the new log begins
		for _, m := range l.all {
			if out, ok := l.last[m.name].(Changed); !ok || !out.Moved {
				t.Fatalf("move %d, %s: got %+v, want moved", turn, m.name, l.last[m.name])
			}
			if m.c.Cursor() != l.seq || m.c.Base() != l.seq || m.c.Place() != (plane.LogID{9, byte(turn)}) || m.c.GenBase() != gen || m.c.ID() != (plane.LogID{1}) {
				t.Errorf("move %d, %s: got cursor %d, base %d, generations from %d", turn, m.name, m.c.Cursor(), m.c.Base(), m.c.GenBase())
			}
			if g := m.c.Generations(); len(g) != 1 || g[0].Gen != gen+1 {
				t.Errorf("move %d, %s: got %d generations, want the new log's", turn, m.name, len(g))
			}
		}
		pairs := stored(bob.c, map[string][]byte{})
		bob.c = reload(t, bob.c, pairs)
		plain, err := bob.c.Seal([]byte("here"))
		if err != nil {
			t.Fatal(err)
		}
		send(t, l, bob, plain)
		if out, ok := l.last["ann"].(Said); !ok || string(out.Plain) != "here" {
			t.Errorf("move %d: got %+v, want bob's message", turn, l.last["ann"])
		}
		if n, h := ann.c.Seen(); bob.c.Compare(n, h) {
			t.Errorf("move %d: bob takes ann's history for another", turn)
		}
	}
}
