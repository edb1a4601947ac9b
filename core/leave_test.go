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
