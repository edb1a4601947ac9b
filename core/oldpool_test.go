package core_test

import (
	"testing"
	"testing/cryptotest"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// TestOldPool sets a device back behind a refill of its pool and a new card. What its later self gives out there
// it cannot open: it puts other packages and another card in their place, so that it is added to groups and
// found by new contacts at once. Who took a package before that has it come in by the group's queue.
func TestOldPool(t *testing.T) {
	for _, early := range []bool{false, true} {
		cryptotest.SetGlobalRandom(t, 1)
		w, ann, bob := pair(t)
		link := Must[core.InviteLink](bob, core.Invite{}).Link
		w.Pass(3 * time.Minute)
		old := bob.Vault.Clone()
		if !early { // else nothing is said in their chat, so that Ann is not asked there
			Must[core.Done](bob, core.SetName{Name: "Robert"})
		}
		w.Pass(3 * time.Minute)
		takePackages(w, bob, 50)
		w.Leap(25 * time.Hour)
		w.Pass(3 * time.Minute)
		if n := len(pool(w, bob)); n != 50 {
			t.Fatalf("the later self has %d packages out, want 50", n)
		}
		if early {
			bob.SetOffline(true)
		} else {
			bob.Restore(old)
			w.Pass(5 * time.Minute)
		}
		g := Must[core.Joined](ann, core.NewGroup{Name: "Trip", Members: []string{ann.State().Chats[0].ID}}).Chat
		w.Pass(time.Minute)
		if early {
			bob.Restore(old)
			bob.SetOffline(false)
		}
		w.Pass(10 * time.Minute)
		talk(t, w, g, "in the group", ann, bob)
		if early {
			continue
		}
		cid := newcomer(t, w, "Cid", link)
		w.Pass(time.Minute)
		talk(t, w, cid.Chat("Bob").ID, "by link", bob, cid)
		healthy(t, w, ann, bob, cid)
	}
}

// TestOldPair sets a device back to before it met somebody. Its note names the chat, and the contact lets it in
// again and tells what was said.
func TestOldPair(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	w, ann, bob := pair(t)
	link := Must[core.InviteLink](bob, core.Invite{}).Link
	w.Pass(3 * time.Minute)
	old := bob.Vault.Clone()
	cid := newcomer(t, w, "Cid", link)
	w.Pass(time.Minute)
	chat := cid.Chat("Bob").ID
	talk(t, w, chat, "before", bob, cid)
	w.Pass(3 * time.Minute)
	cid.SetOffline(true)
	bob.Restore(old)
	w.Pass(10 * time.Minute)
	if got := bob.Chat("Cid").State; got != "healing" {
		t.Errorf("while the contact is away the chat is %s, want healing", got)
	}
	for range 20 {
		w.Leap(20 * time.Minute) // longer than a contact's hint is followed
	}
	cid.SetOffline(false)
	for range 20 {
		w.Leap(20 * time.Minute)
	}
	talk(t, w, chat, "after", bob, cid)
	has(t, bob, chat, "Cid: before of Cid", "Bob: before of Bob")
	healthy(t, w, ann, bob, cid)
}
