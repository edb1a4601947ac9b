package convo

import "testing"

// TestNoPastEpoch shows how long the keys of an epoch live: up to the commit that ends it, in the log's order. The
// last record before the commit is read by all; the first behind it is void for all, its sender, who
// seals it anew, included; and so is one that is five or six commits late.
func TestNoPastEpoch(t *testing.T) {
	for _, commits := range []int{1, 5, 6} {
		l := group(t, "ann", "bob")
		ann, bob := l.member("ann"), l.member("bob")
		seal := func(text string) [][]byte {
			m, err := bob.c.Seal([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			b, err := bob.c.Bodies(m)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		before, behind := seal("before"), seal("behind")
		l.put(before...)
		if out, ok := l.last["ann"].(Said); !ok || string(out.Plain) != "before" {
			t.Errorf("the last before the commit: got %+v, want it read", l.last["ann"])
		}
		for range commits {
			p, err := ann.c.Begin(Change{}, now)
			if err != nil {
				t.Fatal(err)
			}
			send(t, l, ann, p.Message)
		}
		l.put(behind...)
		for _, m := range l.all {
			if _, ok := l.last[m.name].(Void); !ok {
				t.Errorf("%s, %d commits later: got %+v, want void", m.name, commits, l.last[m.name])
			}
		}
		l.put(seal("behind")...)
		if out, ok := l.last["ann"].(Said); !ok || string(out.Plain) != "behind" {
			t.Errorf("sealed anew: got %+v, want it read", l.last["ann"])
		}
	}
}
