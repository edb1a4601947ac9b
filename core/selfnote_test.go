package core_test

import (
	"testing"
	"testing/cryptotest"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// TestSelfNote sets a device back to before it came into a group in which it has no contact: its later
// self has noted the group in the inbox, and it finds back. Where it had left the group again, it does not.
func TestSelfNote(t *testing.T) {
	for _, left := range []bool{false, true} {
		cryptotest.SetGlobalRandom(t, 1)
		w, ann, g, link := linked(t, core.GroupInvite{})
		other := coretest.Must[core.Joined](ann, core.NewGroup{Name: "Other"}).Chat
		second := coretest.Must[core.InviteLink](ann, core.GroupInvite{Chat: other}).Link
		bob := newcomer(t, w, "Bob", link)
		w.Pass(3 * time.Minute)
		old := bob.Vault.Clone()
		coretest.Must[core.Joined](bob, core.Join{Link: second, Name: "Bob"})
		w.Pass(3 * time.Minute)
		if left {
			coretest.Must[core.Done](bob, core.Leave{Chat: other})
			w.Pass(3 * time.Minute)
		}
		bob.Restore(old)
		w.Pass(15 * time.Minute)
		if left {
			if n := len(bob.State().Chats); n != 2 {
				t.Errorf("who had left has %d chats, want 2: the first group and Saved", n)
			}
			talk(t, w, g, "first", ann, bob)
			continue
		}
		talk(t, w, other, "second", ann, bob)
		talk(t, w, g, "first", ann, bob)
		healthy(t, w, ann, bob)
	}
}

// TestVouched sets the only owner of a group back behind the coming of Dan, and locks it out. When it has
// made the log open again it knows by its own note that Dan was in, and that Eve was not any more, and
// lets Dan in again.
func TestVouched(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	w, ann, g, link := linked(t, core.GroupInvite{})
	bob, cid := newcomer(t, w, "Bob", link), newcomer(t, w, "Cid", link)
	w.Pass(3 * time.Minute)
	old := ann.Vault.Clone()
	dan, eve := newcomer(t, w, "Dan", link), newcomer(t, w, "Eve", link)
	w.Pass(3 * time.Minute)
	for _, c := range []*coretest.Client{bob, cid, eve} {
		coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: c.Person()})
		w.Pass(2 * time.Minute)
	}
	dan.SetOffline(true)
	l := w.Server.Log(g)
	l.Expire(l.Head())
	w.Leap(40 * 24 * time.Hour)
	ann.Restore(old)
	w.Pass(10 * time.Minute)
	for range 40 {
		w.Leap(20 * time.Minute)
	}
	dan.SetOffline(false)
	for range 10 {
		w.Leap(20 * time.Minute)
	}
	talk(t, w, g, "after", ann, dan)
	for _, m := range coretest.Must[core.Members](ann, core.GetMembers{Chat: g}).Members {
		if m.Person == eve.Person() {
			t.Error("Eve, who was removed, is in again")
		}
	}
}

// TestKnockInLog sets a member back to an old copy while nobody can read the queue, nor is a contact of
// its. It asks in the log of the group, and is let in.
func TestKnockInLog(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	w, ann, g, link := linked(t, core.GroupInvite{})
	bob, cid := newcomer(t, w, "Bob", link), newcomer(t, w, "Cid", link)
	w.Pass(3 * time.Minute)
	queue, _ := core.Liar{M: ann.M}.Queue(g)
	old := bob.Vault.Clone()
	talk(t, w, g, "before", ann, bob, cid)
	w.Server.Show = func(c *coretest.Client, id plane.LogID, r wire.Record) *wire.Record {
		if id.Text() == queue {
			return nil
		}
		return &r
	}
	bob.Restore(old)
	w.Pass(2 * time.Minute)
	if got := bob.Chat("Trip").State; got != "healing" {
		t.Errorf("at first the chat is %s, want healing", got)
	}
	for range 6 {
		w.Pass(10 * time.Minute)
	}
	healthy(t, w, bob)
	talk(t, w, g, "after", ann, bob, cid)
}
