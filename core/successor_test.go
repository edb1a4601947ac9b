package core_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
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
	about := "What is to come"
	Must[core.Done](ann, core.SetGroup{Chat: own, Picture: []byte{1, 2, 3}, About: &about, Rules: &core.Rules{Slow: 7, Adders: "members", Changers: "members"}})
	var plan string
	for _, x := range ann.Page(own) {
		if x.Text == "plan" {
			plan = x.ID
		}
	}
	Must[core.Done](ann, core.Pin{Chat: own, Message: plan, On: true})
	w.Pass(3 * time.Minute)
	ann.SetOffline(true)
	fresh := w.Client("fresh")
	Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
	w.Pass(10 * time.Second)
	c := fresh.Chat("Plans")
	if r := c.Rules; c.About != about || string(c.Picture) != "\x01\x02\x03" || r == nil || r.Slow != 7 || r.Adders != "members" || !slices.Equal(c.Pins, []string{plan}) {
		t.Errorf("got %+v with rules %+v, want all that the group said of itself", c, r)
	}
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

// TestRecoverAloneQueue (V-05): a group that has a link, and nobody in it but oneself, is made anew when nobody
// answers at its queue; what was written meanwhile is said in it.
func TestRecoverAloneQueue(t *testing.T) {
	for _, gone := range []bool{false, true} {
		w, ann, _, _, _, words := vaulted(t)
		own := Must[core.Joined](ann, core.NewGroup{Name: "Plans"}).Chat
		Must[core.Sent](ann, core.SendText{Chat: own, Text: "plan"})
		Must[core.InviteLink](ann, core.GroupInvite{Chat: own})
		w.Pass(3 * time.Minute)
		ann.SetOffline(true)
		fresh := w.Client("fresh")
		if gone { // the queue has expired
			w.Server.Refuse = func(c *Client, r wire.Request) wire.Answer {
				if x, ok := r.(wire.Open); ok && c == fresh && x.Role == wire.RoleDoor {
					return wire.Done{Code: plane.Refused}
				}
				return nil
			}
		}
		Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
		w.Pass(10 * time.Second)
		c := fresh.Chat("Plans")
		if !gone && c.State != "healing" {
			t.Errorf("got %+v, want one that heals", c)
		}
		if c.State == "healing" {
			Must[core.Sent](fresh, core.SendText{Chat: c.ID, Text: "meanwhile"})
		}
		fresh.Crash()
		w.Pass(10 * time.Minute)
		c = fresh.Chat("Plans")
		l := fresh.Texts(c.ID)
		if c.State != "open" || c.ID == own || !slices.Contains(l, "Ann: plan") || !gone && !slices.Contains(l, "Ann: meanwhile") {
			t.Errorf("gone %v: got %+v with %q", gone, c, l)
		}
		Must[core.InviteLink](fresh, core.GroupInvite{Chat: c.ID})
		w.Server.Refuse = nil
	}
}

// TestRecoverSavedOnly (V-05) has a person come back by words who has no conversation but Saved: the old device
// finds its inbox gone, says that the account goes on elsewhere, after a restart, too, and leaves the vault to the
// new one. A server that refuses the inbox for a while can make it say so, and it takes it back.
func TestRecoverSavedOnly(t *testing.T) {
	for _, lies := range []bool{false, true} {
		w, ann := alone(t)
		list := Must[core.Words](ann, core.MakeWords{}).Words
		Must[core.Done](ann, core.KeepWords{})
		w.Pass(5 * time.Minute)
		if s := ann.State(); s.Notice != "" || s.Words != "kept" {
			t.Fatalf("at first: %q, words %q", s.Notice, s.Words)
		}
		inbox, _ := core.Liar{M: ann.M}.Inbox()
		ann.SetOffline(true)
		if lies {
			w.Server.Refuse = func(c *Client, r wire.Request) wire.Answer {
				if o, ok := r.(wire.Open); ok && c == ann && o.Log.Text() == inbox && o.Role == wire.RoleOwner {
					return wire.Done{Code: plane.Refused}
				}
				return nil
			}
		} else {
			fresh := w.Client("fresh")
			Must[core.Joined](fresh, core.Recover{Words: strings.Join(list, " "), Origin: w.Server.Origin, Name: "New"})
			w.Pass(time.Minute)
			Must[core.Sent](fresh, core.SendText{Chat: fresh.Chat("saved").ID, Text: "new"})
			w.Pass(2 * time.Minute)
			fresh.SetOffline(true)
		}
		ann.SetOffline(false)
		saved := ann.Chat("saved").ID
		Must[core.Sent](ann, core.SendText{Chat: saved, Text: "old"})
		w.Pass(10 * time.Minute)
		if s := ann.State(); s.Notice != "replaced" {
			t.Errorf("lies %v: got %q, want replaced", lies, s.Notice)
		}
		ann.Crash()
		w.Pass(10 * time.Minute)
		if s := ann.State(); s.Notice != "replaced" {
			t.Errorf("lies %v, after a restart: got %q, want replaced", lies, s.Notice)
		}
		if w.Server.Refuse = nil; lies {
			w.Pass(20 * time.Minute)
			if s := ann.State(); s.Notice != "" || ann.M.Out() {
				t.Errorf("once the inbox opens again: got %q, out %v", s.Notice, ann.M.Out())
			}
			continue
		}
		again := w.Client("again")
		Must[core.Joined](again, core.Recover{Words: strings.Join(list, " "), Origin: w.Server.Origin, Name: "Again"})
		w.Pass(time.Minute)
		if got := again.Texts(again.Chat("saved").ID); !slices.Contains(got, "Ann: new") {
			t.Errorf("the vault is the old device's: got %q", got)
		}
	}
}
