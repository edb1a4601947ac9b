package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/account"
	. "paperplane/core/coretest"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// TestQueueTurns has somebody who was a member keep all that it knew of the queue: it opens neither the log
// nor what lies there, the links from before lead in still, and whoever has lost the thread finds
// back.
func TestQueueTurns(t *testing.T) {
	for _, by := range []string{"admin", "nobody"} {
		w, ann, bob, cid, g := trio(t)
		link := Must[core.InviteLink](ann, core.GroupInvite{Chat: g}).Link
		w.Pass(time.Minute)
		thief := core.Liar{M: cid.M}
		before := thief.QueueKeys(g)
		cid.SetOffline(true)
		if by == "admin" {
			done(t, ann, core.RemoveMember{Chat: g, Person: cid.Person()})
		} else {
			// It leaves: whoever is first takes it out, who may not change the queue.
			cid.SetOffline(false)
			ann.SetOffline(true)
			cid.Do(core.Leave{Chat: g})
			w.Pass(time.Minute)
			ann.SetOffline(false)
		}
		w.Pass(2 * time.Minute)
		log, _ := core.Liar{M: ann.M}.Queue(g)
		if got := w.Server.Gen(log); got < 2 {
			t.Fatalf("%s: the queue's log is at generation %d", by, got)
		}
		if now := (core.Liar{M: ann.M}).QueueKeys(g); now.Secret == before.Secret || now.Rejoin == before.Rejoin || now.Log != before.Log || now.Card != before.Card {
			t.Errorf("%s: secret or door are as they were, or the link is another", by)
		}
		day := plane.DayOf(w.Now)
		for what, x := range map[string]struct {
			seed [16]byte
			want plane.Day
		}{"old": {before.Rejoin, day + 90}, "new": {core.Liar{M: ann.M}.QueueKeys(g).Rejoin, day + 365}} {
			if got := w.Server.DoorUntil(log, caps.DoorSigner(x.seed).Public()); got != x.want {
				t.Errorf("%s: the %s rejoin door stands until day %d, want %d", by, what, got, x.want)
			}
		}
		// A newcomer by the link from before: nobody who has gone can read who it is.
		from := len(w.Server.Log(log).Records)
		dan := w.Client("Dan")
		Must[core.Joined](dan, core.Join{Link: link, Name: "Dan"})
		w.Pass(time.Minute)
		Must[core.Sent](dan, core.SendText{Chat: g, Text: "hi"})
		if len(w.Server.Log(log).Records) == from {
			t.Error("nobody has knocked")
		}
		for _, r := range w.Server.Log(log).Records[from:] {
			if thief.Opens(w.Now, before, r.Body) {
				t.Errorf("%s: who has gone reads who knocks", by)
			}
		}
		w.Pass(10 * time.Second)
		sameTexts(t, g, dan, bob)
	}
}

// TestQueueTurnsAway has bob lose the thread before the queue's keys are others, and the owner be away
// while a member is to answer: he finds back.
func TestQueueTurnsAway(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	dan := w.Client("Dan")
	link := Must[core.InviteLink](ann, core.GroupInvite{Chat: g}).Link
	Must[core.Joined](dan, core.Join{Link: link, Name: "Dan"})
	w.Pass(time.Minute)
	old := bob.Vault.Clone()
	Must[core.Sent](bob, core.SendText{Chat: g, Text: "lost"})
	w.Pass(time.Minute)
	bob.SetOffline(true)
	done(t, ann, core.RemoveMember{Chat: g, Person: cid.Person()})
	w.Pass(time.Minute)
	ann.SetOffline(true)
	bob.Restore(old)
	bob.SetOffline(false)
	bob.Do(core.SendText{Chat: g, Text: "from the old copy"})
	w.Pass(5 * time.Minute)
	Must[core.Sent](bob, core.SendText{Chat: g, Text: "back"})
	Must[core.Sent](dan, core.SendText{Chat: g, Text: "good"})
	w.Pass(time.Minute)
	has(t, bob, g, "Bob: from the old copy", "Bob: back", "Dan: good", "* Bob healed")
	has(t, dan, g, "Bob: lost", "Bob: from the old copy", "Bob: back")
}

// TestOldKnock has a server play the request of a member to come back again when it is old: nobody
// puts the key package of then in the place of the leaf, whose keys the device has forgotten.
func TestOldKnock(t *testing.T) {
	for age, want := range map[time.Duration]bool{32 * 24 * time.Hour: true, 32*24*time.Hour + time.Second: false} {
		w, ann, bob, _, g := trio(t)
		w.Pass(time.Minute)
		for range 7 {
			w.Leap(5 * 24 * time.Hour)
			w.Pass(time.Minute)
		}
		log, kem := core.Liar{M: ann.M}.Queue(g)
		bob.SetOffline(true)
		w.Inject(log, core.Liar{M: bob.M}.Knock(w.Now, log, kem, g, func(k *account.Knock) { k.At = w.Now.Add(-age).UnixMilli() }))
		w.Run()
		old := ann.M.KnocksHeld(g)
		if (old > 0) != want {
			t.Errorf("%v old: %d knocks count, want some: %v", age, old, want)
		}
	}
}
