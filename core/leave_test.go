package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// TestLeaveOnAll shows that who leaves a group without other people leaves it on all devices.
func TestLeaveOnAll(t *testing.T) {
	w, ann := alone(t)
	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	g := Must[core.Joined](ann, core.NewGroup{Name: "Group"}).Chat
	w.Pass(time.Minute)
	if s := lap.Chat("Group").State; s != "open" {
		t.Fatalf("the laptop's is %s", s)
	}
	Must[core.Done](lap, core.Leave{Chat: g})
	w.Pass(time.Minute)
	for _, c := range []*Client{ann, lap} {
		if s := c.Chat("Group").State; s != "left" {
			t.Errorf("%s: the chat is %s, want left", c.Name, s)
		}
	}
}

// TestLeaveLost shows that who leaves with a device from an old copy is a member for nobody any more.
func TestLeaveLost(t *testing.T) {
	w, ann, bob, cid, g := trioLinked(t)
	old := bob.Vault.Clone()
	Must[core.Sent](bob, core.SendText{Chat: g, Text: "forgotten"})
	w.Run()
	bob.Restore(old)
	bob.Do(core.Leave{Chat: g})
	w.Pass(30 * time.Minute)
	for _, c := range []*Client{ann, cid} {
		if n := len(Must[core.Members](c, core.GetMembers{Chat: g}).Members); n != 2 {
			t.Errorf("%s counts %d members, want 2", c.Name, n)
		}
	}
	for _, x := range bob.State().Chats {
		if x.ID == g && x.State != "left" {
			t.Errorf("Bob's chat is %s, want left", x.State)
		}
	}
}

// TestQuitWaiting lets somebody give up waiting to be let in, and be let in later all the same: they are
// no member for long, and nobody whom a link leads there again is kept out.
func TestQuitWaiting(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{})
	bob := newcomer(t, w, "Bob", link)
	w.Pass(time.Minute)
	ann.SetOffline(true)
	bob.SetOffline(true)
	cid := w.Client("Cid")
	Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"})
	w.Pass(10 * time.Second)
	Must[core.Done](cid, core.Leave{Chat: g})
	for _, x := range cid.State().Chats {
		if x.ID == g {
			t.Errorf("who gave up still has the chat, %s", x.State)
		}
	}
	cid.Crash()
	cid.SetOffline(true)
	ann.SetOffline(false)
	w.Pass(time.Minute)
	if n := ann.Chat("Trip").Members; n != 3 {
		t.Fatalf("%d members, want 3: Cid was to be let in", n)
	}
	cid.SetOffline(false)
	bob.SetOffline(false)
	w.Pass(2 * time.Minute)
	for _, c := range []*Client{ann, bob} {
		if n := c.Chat("Trip").Members; n != 2 {
			t.Errorf("%s counts %d members, want 2", c.Name, n)
		}
	}
	Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"})
	w.Pass(2 * time.Minute)
	healthy(t, w, ann, bob, cid)
	talk(t, w, g, "back", ann, bob, cid)
}
