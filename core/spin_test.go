package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// TestUsedUpDoor: a door that was used up between a join and its knock is not knocked at for ever:
// the world comes to rest.
func TestUsedUpDoor(t *testing.T) {
	w, ann, _ := pair(t)
	link := coretest.Must[core.InviteLink](ann, core.Invite{})
	cid := w.Client("Cid")
	w.Server.Refuse = func(_ *coretest.Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.Knock); ok {
			return wire.Done{Code: plane.Busy}
		}
		return nil
	}
	coretest.Must[core.Joined](cid, core.Join{Link: link.Link, Name: "Cid"})
	w.Server.CloseDoors()
	w.Server.Refuse = nil
	cid.Drop()
	w.Run()
	w.Pass(time.Minute)
	if got := cid.State().Chats; len(got) == 0 {
		t.Errorf("no chat is left to tell of it")
	}
}

// TestStalePages: a server that answers READ with records from before and a head far away is
// asked again after a delay, not at once for ever; the same for the inbox.
func TestStalePages(t *testing.T) {
	w, ann, bob := pair(t)
	coretest.Must[core.Sent](bob, core.SendText{Chat: bob.Chat("Ann").ID, Text: "x"})
	asked := 0
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.Read); ok && c == ann {
			asked++
			return wire.Records{Head: 1 << 40, Records: []wire.Record{{Seq: 1, Body: make([]byte, plane.RecordSmall)}}}
		}
		return nil
	}
	coretest.Must[core.Sent](bob, core.SendText{Chat: bob.Chat("Ann").ID, Text: "y"})
	ann.SetOffline(true)
	coretest.Must[core.Sent](bob, core.SendText{Chat: bob.Chat("Ann").ID, Text: "z"})
	ann.SetOffline(false)
	w.Run()
	w.Pass(10 * time.Second)
	if asked == 0 || asked > 100 {
		t.Errorf("asked %d times in ten seconds", asked)
	}
}

// TestRollback: a server that comes back with fewer records than were read (restored from a
// backup, or lying) is shown to have two histories: it numbers new records as it did old ones.
func TestRollback(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	coretest.Must[core.Sent](bob, core.SendText{Chat: a, Text: "x"})
	ann.Drop()
	w.Run()
	if ann.Chat("Bob").Forked {
		t.Fatalf("forked without a reason")
	}
	w.Server.Log(a).Rollback(1)
	ann.Drop()
	w.Run()
	if !ann.Chat("Bob").Forked {
		t.Errorf("records that were taken back are not noticed")
	}
}

// TestInboxRollback: requests that come into an inbox whose server has taken records back are
// read, though their numbers were read before.
func TestInboxRollback(t *testing.T) {
	w, ann, _ := pair(t)
	inbox := plane.LogID{}
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		if o, ok := r.(wire.Open); ok && o.Role == wire.RoleDoor && c != ann {
			inbox = o.Log
		}
		return nil
	}
	join := func(name string) {
		link := coretest.Must[core.InviteLink](ann, core.Invite{})
		coretest.Must[core.Joined](w.Client(name), core.Join{Link: link.Link, Name: name})
	}
	join("Cid")
	w.Server.Log(inbox.Text()).Rollback(2) // Bob's request and Cid's
	ann.Drop()
	w.Run()
	join("Dan")
	w.Pass(5 * time.Second)
	ann.Chat("Dan")
}
