package core_test

import (
	"slices"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// TestRecoverOthersOut (V-05, D-22) has a person come back by twelve words while the old devices are there: each of
// them says within seconds, and after a restart, that it was signed out; it keeps what it has, takes
// nothing more and waits for nothing.
func TestRecoverOthersOut(t *testing.T) {
	for _, x := range []struct{ two, away bool }{{}, {two: true}, {away: true}, {two: true, away: true}} {
		w, ann, bob, chat, group, words := vaulted(t)
		old := []*Client{ann}
		if x.two {
			lap := w.Client("laptop")
			link(t, ann, lap, "Laptop")
			w.Pass(5 * time.Minute)
			old = append(old, lap)
		}
		for _, c := range old {
			c.SetOffline(x.away)
		}
		fresh := w.Client("fresh")
		Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
		w.Pass(20 * time.Second)
		Must[core.Sent](bob, core.SendText{Chat: chat, Text: "secret"})
		for _, c := range old {
			c.SetOffline(false)
		}
		w.Pass(15 * time.Second)
		for _, c := range old {
			for range 2 {
				if n := c.State().Notice; n != "signed-out" {
					t.Errorf("%+v: %s shows %q, want signed-out", x, c.Name, n)
				}
				for _, id := range []string{chat, group, c.Chat("saved").ID} {
					if got := c.Fails(core.SendText{Chat: id, Text: "lost"}); got == "" {
						t.Errorf("%+v: %s takes what one writes", x, c.Name)
					}
				}
				for _, v := range c.State().Chats {
					if v.State != "left" {
						t.Errorf("%+v: %s: %q is %q, want left", x, c.Name, v.Name, v.State)
					}
				}
				if l := c.Texts(chat); slices.Contains(l, "Bob: secret") || !slices.Contains(l, "Bob: one") {
					t.Errorf("%+v: %s has %q", x, c.Name, l)
				}
				if n := c.M.Waits(); n != 0 {
					t.Errorf("%+v: %s waits for %d answers, want none", x, c.Name, n)
				}
				c.Crash()
				w.Pass(time.Minute)
			}
		}
		if fresh.State().Notice != "" || fresh.Chat("Bob").State != "open" {
			t.Errorf("%+v: the new device shows %q, %+v", x, fresh.State().Notice, fresh.Chat("Bob"))
		}
	}
}

// TestRecoverAlone (V-05) has twelve words bring back a group in which nobody else is: it is there at once, with
// what was written, and people can be added to it.
func TestRecoverAlone(t *testing.T) {
	w, ann, bob, chat, _, words := vaulted(t)
	own := Must[core.Joined](ann, core.NewGroup{Name: "Plans"}).Chat
	Must[core.Sent](ann, core.SendText{Chat: own, Text: "plan"})
	Must[core.Done](ann, core.SetDraft{Chat: own, Text: "half"})
	w.Pass(3 * time.Minute)
	ann.SetOffline(true)
	fresh := w.Client("fresh")
	Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
	w.Pass(10 * time.Second)
	c := fresh.Chat("Plans")
	if l := fresh.Texts(c.ID); c.State != "open" || c.Draft != "half" || !slices.Contains(l, "Ann: plan") {
		t.Errorf("got %+v with %q", c, l)
	}
	fresh.Crash()
	Must[core.Done](fresh, core.AddMembers{Chat: c.ID, Members: []string{chat}})
	Must[core.Sent](fresh, core.SendText{Chat: c.ID, Text: "more"})
	w.Pass(10 * time.Second)
	if l := bob.Texts(bob.Chat("Plans").ID); !slices.Contains(l, "Ann: more") {
		t.Errorf("bob has %q", l)
	}
}
