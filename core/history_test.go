package core_test

import (
	"slices"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// TestNewcomersHistory shows what a newcomer reads of the time before: as many days as the rules say.
func TestNewcomersHistory(t *testing.T) {
	w, ann, bob, cid, g := trioLinked(t)
	link := coretest.Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].Link
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "old"})
	w.Leap(4 * 24 * time.Hour)
	w.Pass(time.Minute)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "new"})
	for days, want := range map[int][]string{0: nil, 2: {"Bob: new"}, -1: {"Ann: old", "Bob: new"}} {
		coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Rules: &core.Rules{History: days}})
		w.Pass(5 * time.Second)
		name := map[int]string{0: "None", 2: "Two", -1: "All"}[days]
		c := newcomer(t, w, name, link)
		w.Pass(20 * time.Second)
		got := says(c, g)
		if !slices.Equal(got, want) {
			t.Errorf("%d days: reads %q, want %q", days, got, want)
		}
		coretest.Must[core.Done](c, core.Leave{Chat: g})
		w.Pass(10 * time.Second)
	}
	_ = cid
}

// TestNewcomersPins: what is pinned comes with the history, however old; where newcomers get none, they
// see no pins, but for admins, who may take them off.
func TestNewcomersPins(t *testing.T) {
	w, ann, bob, _, g := trioLinked(t)
	link := coretest.Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].Link
	var ids []string
	for _, text := range []string{"one", "two", "three"} {
		ids = append(ids, coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: text}).Message)
		w.Pass(time.Second)
	}
	for _, i := range []int{2, 0} {
		coretest.Must[core.Done](ann, core.Pin{Chat: g, Message: ids[i], On: true})
		w.Pass(5 * time.Second)
	}
	w.Leap(4 * 24 * time.Hour)
	w.Pass(time.Minute)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "new"})
	for i, x := range []struct {
		days int
		want []string
		pins []string
	}{
		{0, nil, nil}, {2, []string{"Ann: one", "Ann: three", "Bob: new"}, []string{ids[0], ids[2]}},
		{2, []string{"Ann: one", "Ann: three", "Bob: new"}, []string{ids[0], ids[2]}}, // of what was announced
		{-1, []string{"Ann: one", "Ann: two", "Ann: three", "Bob: new"}, []string{ids[0], ids[2]}},
	} {
		coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Rules: &core.Rules{History: x.days}})
		w.Pass(5 * time.Second)
		c := newcomer(t, w, string(rune('P'+i)), link)
		w.Pass(20 * time.Second)
		if got := says(c, g); !slices.Equal(got, x.want) || !slices.Equal(c.Chat("Trip").Pins, x.pins) {
			t.Errorf("%d days: reads %q with pins %q, want %q with %q", x.days, got, c.Chat("Trip").Pins, x.want, x.pins)
		}
		for _, m := range c.Page(g) {
			if m.Kind == core.KindText && m.Pinned != slices.Contains(x.pins, m.ID) {
				t.Errorf("%d days: %q pinned %v", x.days, m.Text, m.Pinned)
			}
		}
		if x.days == 0 {
			coretest.Must[core.Done](ann, core.SetRole{Chat: g, Person: c.Person(), Role: "admin"})
			w.Pass(5 * time.Second)
			if got := len(c.Chat("Trip").Pins); got != 2 {
				t.Errorf("an admin sees %d pins, want 2", got)
			}
		}
		coretest.Must[core.Done](c, core.Leave{Chat: g})
		w.Pass(10 * time.Second)
	}
}

// TestRejoinHistory shows that who missed something reads it after all, in its place, and nothing
// from before they were added.
func TestRejoinHistory(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{Days: 365})
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "before Bob"})
	bob := newcomer(t, w, "Bob", link)
	w.Pass(2 * time.Minute)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "one"})
	bob.SetOffline(true)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "two"})
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "three"})
	w.Leap(40 * 24 * time.Hour)
	w.Pass(time.Minute)
	l := w.Server.Log(g)
	l.Expire(l.Head())
	bob.SetOffline(false)
	w.Pass(2 * time.Minute)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "four"})
	want := []string{"Ann: one", "Ann: two", "Ann: three", "Ann: four"}
	same(t, "Bob reads", says(bob, g), want)
	if slices.ContainsFunc(bob.Texts(g), func(x string) bool { return len(x) > 12 && x[:12] == "* Bob missed" }) {
		t.Errorf("told that something is missing: %q", bob.Texts(g))
	}
}

// TestRejoinNoHistory shows that what nobody can give is said in plain words, with its number.
func TestRejoinNoHistory(t *testing.T) {
	w, ann, bob, _, g := trioLinked(t)
	bob.SetOffline(true)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "gone"})
	w.Leap(40 * 24 * time.Hour)
	w.Pass(time.Minute)
	l := w.Server.Log(g)
	l.Expire(l.Head())
	for _, c := range w.Clients {
		if c != bob {
			for _, k := range slices.Clone(c.Vault.Keys()) { // they have lost their history
				if k[0] == 'h' {
					c.Vault.Set(k, nil)
				}
			}
		}
	}
	bob.SetOffline(false)
	w.Pass(5 * time.Minute)
	if !slices.ContainsFunc(bob.Page(g), func(x core.Message) bool {
		return x.Kind == core.KindNotice && x.Notice.What == "missed" && x.Notice.Text != "" && x.Notice.Text != "0"
	}) {
		t.Errorf("Bob is told nothing: %q", bob.Texts(g))
	}
}
