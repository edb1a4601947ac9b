package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// syncing carries out a Sync and returns what look sees at the very step that answers it.
func syncing[T any](t *testing.T, w *coretest.World, c *coretest.Client, look func() T) (seen T) {
	t.Helper()
	id, done := "sync-under-test", false
	w.Step = func(x *coretest.Client, _ core.Input, effects []core.Effect) {
		for _, e := range effects {
			switch e := e.(type) {
			case core.Persist:
				if x == c && !done { // before what follows it, as always
					for _, op := range e.Ops {
						c.Vault.Set(op.Key, op.Value)
					}
				}
			case core.Reply:
				if e.ID == id && !done {
					done = true
					if e.Err != "" {
						t.Errorf("Sync: got error %s", e.Err)
					}
					seen = look()
				}
			}
		}
	}
	defer func() { w.Step = nil }()
	c.DoID(id, core.Sync{})
	if done {
		t.Error("Sync was answered before the server was asked")
	}
	w.Run()
	if !done {
		t.Error("Sync was not answered")
	}
	return seen
}

// TestSyncBringsAll shows that Sync is answered when new messages and new conversations are here,
// and not earlier.
func TestSyncBringsAll(t *testing.T) {
	w, ann, bob := pair(t)
	link := coretest.Must[core.InviteLink](ann, core.Invite{})
	ann.SetOffline(true)
	w.Run()
	b := bob.Chat("Ann")
	for _, s := range []string{"one", "two", "three"} {
		coretest.Must[core.Sent](bob, core.SendText{Chat: b.ID, Text: s})
	}
	cid := w.Client("Cid")
	c := coretest.Must[core.Joined](cid, core.Join{Link: link.Link, Name: "Cid"}).Chat
	coretest.Must[core.Sent](cid, core.SendText{Chat: c, Text: "four"})
	ann.Crash()
	ann.SetOffline(false)
	got := syncing(t, w, ann, func() []string { return append(ann.Texts(b.ID), ann.Texts(c)...) })
	same(t, "Ann has at Sync's end", got, []string{"Bob: one", "Bob: two", "Bob: three", "Cid: four"})
}

// TestSyncTakesAll shows that Sync is answered when what was written offline has left.
func TestSyncTakesAll(t *testing.T) {
	w, ann, _ := pair(t)
	a := ann.Chat("Bob")
	ann.SetOffline(true)
	w.Run()
	coretest.Must[core.Sent](ann, core.SendText{Chat: a.ID, Text: "later"})
	if got := ann.Page(a.ID)[0].State; got != core.StateQueued {
		t.Fatalf("offline: got state %s, want queued", got)
	}
	ann.Crash()
	ann.SetOffline(false)
	got := syncing(t, w, ann, func() core.MessageState { return ann.Page(a.ID)[0].State })
	if got != core.StateSent {
		t.Errorf("at Sync's end: got state %s, want sent", got)
	}
}

// TestSyncSaysReceipts shows that receipts which a short run left unsaid go out with the next
// Sync, without waiting for their random time again.
func TestSyncSaysReceipts(t *testing.T) {
	w, ann, bob := pair(t)
	b := bob.Chat("Ann")
	bob.SetOffline(true) // hears no signals
	w.Run()
	coretest.Must[core.Sent](bob, core.SendText{Chat: b.ID, Text: "there?"})
	ann.SetOffline(true)
	bob.SetOffline(false)
	w.Run()
	bob.SetOffline(true)
	ann.SetOffline(false)
	w.Run()
	ann.Crash() // has the message and has said nothing of it
	coretest.Must[core.Done](ann, core.Sync{})
	bob.SetOffline(false)
	w.Run()
	if got := bob.Page(b.ID)[0].State; got != core.StateDelivered {
		t.Errorf("Bob's message: got %s, want delivered", got)
	}
}

// TestSyncOffline shows that Sync gives up after its time and not before, and that only so many
// wait at once.
func TestSyncOffline(t *testing.T) {
	w, ann, _ := pair(t)
	ann.SetOffline(true)
	w.Run()
	id := ann.Do(core.Sync{})
	w.Pass(14 * time.Second)
	if r, ok := ann.Replies[id]; ok {
		t.Errorf("after 14 s: got reply %+v, want none", r)
	}
	w.Pass(2 * time.Second)
	if got := ann.Replies[id].Err; got != core.ErrOffline {
		t.Errorf("after 16 s: got %q, want %q", got, core.ErrOffline)
	}
	for range 16 {
		id = ann.Do(core.Sync{})
	}
	if r, ok := ann.Replies[id]; ok {
		t.Errorf("the 16th: got reply %+v, want none yet", r)
	}
	if got := ann.Fails(core.Sync{}); got != core.ErrOffline {
		t.Errorf("the 17th: got %q, want %q at once", got, core.ErrOffline)
	}
}

// TestSyncClosesDoors shows that Sync is answered when a link that was withdrawn opens nothing any
// more: whoever withdraws one by a command goes away after it, and says that nobody comes in.
func TestSyncClosesDoors(t *testing.T) {
	w, ann, g, _ := linked(t, core.GroupInvite{})
	coretest.Must[core.InviteLink](ann, core.Invite{})
	for _, chat := range []string{g, ""} {
		link := coretest.Must[core.Links](ann, core.GetLinks{Chat: chat}).Links[0].ID
		before := w.Server.Doors()
		ann.SetOffline(true)
		w.Run()
		coretest.Must[core.Done](ann, core.RevokeLink{Chat: chat, Link: link})
		ann.SetOffline(false)
		if got := syncing(t, w, ann, w.Server.Doors); got != before-1 {
			t.Errorf("a link withdrawn: got %d doors at Sync's end, want %d", got, before-1)
		}
	}
}

// TestSyncTakesIn shows that Sync is answered when whoever has just written is there, though one's other
// device, which would have taken them in, is away.
func TestSyncTakesIn(t *testing.T) {
	w, ann, _ := pair(t)
	phone := w.Client("Ann's phone")
	link(t, ann, phone, "phone")
	url := coretest.Must[core.InviteLink](ann, core.Invite{}).Link
	phone.SetOffline(true)
	ann.SetOffline(true)
	w.Run()
	cid := w.Client("Cid")
	coretest.Must[core.Joined](cid, core.Join{Link: url, Name: "Cid"})
	w.Run()
	ann.SetOffline(false)
	w.Run()
	n := len(ann.State().Chats)
	id := ann.Do(core.Sync{})
	for range 10 {
		if _, ok := ann.Replies[id]; ok {
			break
		}
		w.Pass(time.Second)
	}
	if r, ok := ann.Replies[id]; !ok || r.Err != "" {
		t.Fatalf("got reply %+v (%v), want Done", r, ok)
	}
	if got := len(ann.State().Chats); got != n+1 {
		t.Errorf("got %d conversations, want %d", got, n+1)
	}
}
