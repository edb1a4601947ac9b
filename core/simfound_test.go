package core_test

import (
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// The tests here are small forms of what the simulator found.

// TestClockSetBack shows that a clock that goes back by a day does not make a retry in a second
// one in a day.
func TestClockSetBack(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	full := true
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.Append); ok && full {
			return wire.Done{Code: plane.Full}
		}
		return nil
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "x"})
	full = false
	w.Leap(-27 * time.Hour)
	ann.Give(core.Tick{}) // a driver's timer runs by the monotonic clock
	w.Pass(5 * time.Second)
	same(t, "Bob reads", bob.Texts(a), []string{"Ann: x"})
}

// TestLeaveAlone shows that nothing waits in a group that its only member has left.
func TestLeaveAlone(t *testing.T) {
	w, ann, _ := pair(t)
	g := coretest.Must[core.Joined](ann, core.NewGroup{Name: "Me"}).Chat
	ann.SetOffline(true)
	w.Run()
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "x"})
	coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Name: "Still me"})
	coretest.Must[core.Done](ann, core.Leave{Chat: g})
	if list := ann.Page(g); list[len(list)-1].State != core.StateFailed {
		t.Errorf("the message: got %s, want failed", list[len(list)-1].State)
	}
	for _, k := range ann.Vault.Keys() {
		if strings.HasPrefix(k, "s/c/"+g+"/w/") || strings.HasSuffix(k, g+"/v/pending") {
			t.Errorf("left behind: %s", k[len("s/c/"+g):])
		}
	}
}

// TestActingAdmin shows that whoever became admin because the founder left may add the founder
// again, is believed, and stays admin.
func TestActingAdmin(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	_ = cid
	coretest.Must[core.Done](ann, core.Leave{Chat: g})
	w.Pass(time.Minute)
	if !bob.Chat("Trip").Admin {
		t.Fatalf("Bob is no admin after Ann has left")
	}
	coretest.Must[core.Done](bob, core.AddMembers{Chat: g, Members: []string{bob.Chat("Ann").ID}})
	w.Pass(time.Minute)
	if got := ann.Chat("Trip").State; got != "open" {
		t.Fatalf("Ann's state: got %s, want open", got)
	}
	if !bob.Chat("Trip").Admin || ann.Chat("Trip").Admin {
		t.Errorf("admin: got Bob %v and Ann %v, want Bob alone", bob.Chat("Trip").Admin, ann.Chat("Trip").Admin)
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "back"})
	for _, c := range []*coretest.Client{bob, cid} {
		if got := c.Texts(g); got[len(got)-1] != "Ann: back" {
			t.Errorf("%s reads %q", c.Name, got)
		}
	}
}

// TestAllLeave shows that a group whose members all leave at once is left by all.
func TestAllLeave(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	all := []*coretest.Client{ann, bob, cid}
	for _, c := range all {
		c.SetOffline(true)
	}
	w.Run()
	for _, c := range all {
		coretest.Must[core.Done](c, core.Leave{Chat: g})
	}
	for _, c := range all {
		c.SetOffline(false)
	}
	w.Pass(2 * time.Minute)
	for _, c := range all {
		list := c.Texts(g)
		if got := list[len(list)-1]; got != "* "+c.Name+" left" {
			t.Errorf("%s reads %q at the end", c.Name, got)
		}
	}
}

// TestReactBeforeUpload shows that what changes a message which still uploads waits for it: a
// reader in the log's order would meet the reaction first and drop it. A discarded message takes
// what was said about it along.
func TestReactBeforeUpload(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	file := []core.File{{Ref: "f1", Name: "notes.txt", Mime: "text/plain", Size: 12}}
	id := coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "look", Files: file}).Message
	coretest.Must[core.Done](ann, core.React{Chat: a, Message: id, Emoji: "👍", On: true})
	w.Run()
	ann.Give(core.Transfer{ID: moves[core.Upload](ann)[0].ID, Finished: true, Code: plane.OK})
	w.Run()
	if x := last(bob, a); x.ID != id || len(x.Reactions) != 1 {
		t.Errorf("Bob sees %+v, want the file with one reaction", x)
	}
	gone := coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "no", Files: file}).Message
	coretest.Must[core.Done](ann, core.React{Chat: a, Message: gone, Emoji: "👍", On: true})
	coretest.Must[core.Done](ann, core.Discard{Chat: a, Message: gone})
	w.Run()
	for _, k := range ann.Vault.Keys() {
		if strings.HasPrefix(k, "s/c/"+a+"/o/") {
			t.Errorf("an item was left behind")
		}
	}
}
