package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// TestLightRemoves has a light member, made an admin, take somebody out in one act, with few pages of the
// tree, whatever effect it dies before; it stays light (G-15).
func TestLightRemoves(t *testing.T) {
	step := 4
	if *everyCrash {
		step = 1
	}
	for n := 0; ; n += step {
		w, ann, all, g, _ := lightly(t)
		a, b := all[4], all[5]
		coretest.Must[core.Done](ann, core.SetRole{Chat: g, Person: a.Person(), Role: "admin"})
		talk(t, w, g, "first", append(all, ann)...)
		coretest.Must[core.Done](a, core.RemoveMember{Chat: g, Person: b.Person(), Erase: true})
		a.CrashIn = n
		w.Pass(time.Second)
		if n == 0 && b.Chat("Trip").State != "left" {
			t.Errorf("a second later: %s, want left", b.Chat("Trip").State)
		}
		w.Pass(time.Minute)
		died := a.Died
		a.CrashIn = 0
		w.Pass(time.Minute)
		if b.Chat("Trip").State != "left" || n == 0 && full(g, a) != "" {
			t.Errorf("%s, full: %q", b.Chat("Trip").State, full(g, a))
		}
		for _, x := range a.Page(g) {
			if x.Text == "first of L1" {
				t.Error("not erased")
			}
		}
		coretest.Must[core.Done](a, core.SetGroup{Chat: g, Name: "Journey"})
		w.Pass(10 * time.Second)
		talk(t, w, g, "second", ann, all[0], all[1], all[2], all[3], a)
		if ann.Chat("Journey").Members != 6 || a.Chat("Journey").Members != 6 {
			t.Errorf("%d and %d members, want 6", ann.Chat("Journey").Members, a.Chat("Journey").Members)
		}
		if t.Failed() {
			t.Fatalf("crash %d", n)
		}
		if n > 0 && died == 0 {
			return
		}
	}
}

// TestLightRemovesTwo has it take out somebody with two devices, of which it knows one: that one goes at
// once, the other when it has the tree.
func TestLightRemovesTwo(t *testing.T) {
	w, ann, all, g, _ := lightly(t)
	a, bob := all[4], all[0]
	coretest.Must[core.Done](ann, core.SetRole{Chat: g, Person: a.Person(), Role: "admin"})
	lap := w.Client("Laptop")
	linkDevices(t, bob, lap)
	if lap.Chat("Trip").State != "open" {
		t.Fatalf("got %+v", lap.Chat("Trip"))
	}
	a.Crash() // has forgotten who came in
	talk(t, w, g, "first", bob, ann, a)
	coretest.Must[core.Done](a, core.RemoveMember{Chat: g, Person: bob.Person(), Erase: true})
	w.Pass(time.Second)
	if bob.Chat("Trip").State != "left" {
		t.Errorf("a second later: %s, want left", bob.Chat("Trip").State)
	}
	w.Pass(time.Minute)
	if lap.Chat("Trip").State != "left" || full(g, a) == "" {
		t.Errorf("the other device: %s; full: %q", lap.Chat("Trip").State, full(g, a))
	}
	for _, c := range []*coretest.Client{ann, a} {
		for _, x := range c.Page(g) {
			if x.Text == "first of "+bob.Name {
				t.Errorf("%s: not erased", c.Name)
			}
		}
		if got := c.Chat("Trip").Members; got != 6 {
			t.Errorf("%s sees %d members, want 6", c.Name, got)
		}
	}
	talk(t, w, g, "second", ann, all[1], all[2], all[3], a, all[5])
}
