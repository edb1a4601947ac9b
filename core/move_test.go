package core_test

import (
	"slices"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// twoServers is a world in which Ann is at home on one server and a member of another; Bob and Cleo
// know only the first.
func twoServers(t *testing.T) (w *coretest.World, other *coretest.Server, ann, bob, cleo *coretest.Client) {
	w = coretest.New(t)
	other = w.Another("http://127.0.0.1:9999")
	ann, bob, cleo = w.Client("ann"), w.Client("bob"), w.Client("cleo")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	w.Run()
	link := coretest.Must[core.InviteLink](ann, core.Invite{Uses: 5})
	coretest.Must[core.Joined](bob, core.Join{Link: link.Link, Name: "Bob"})
	coretest.Must[core.Joined](cleo, core.Join{Link: link.Link, Name: "Cleo"})
	w.Run()
	coretest.Must[core.Joined](ann, core.Join{Link: other.Link()})
	w.Run()
	w.Pass(5 * time.Second)
	return w, other, ann, bob, cleo
}

// A group moves while a member is away, who follows on coming back; nobody misses or doubles
// anything, in the order of the log, and what was queued on the way is sent at the new server.
func TestMoveGroup(t *testing.T) {
	for _, crash := range []int{0, 1, 2, 3, 5, 8, 13} {
		w, other, ann, bob, cleo := twoServers(t)
		chat := coretest.Must[core.Joined](ann, core.NewGroup{Name: "Trip", Members: []string{ann.Chat("Bob").ID, ann.Chat("Cleo").ID}}).Chat
		w.Pass(5 * time.Second)
		coretest.Must[core.Sent](bob, core.SendText{Chat: chat, Text: "one"})
		w.Run()
		cleo.SetOffline(true)
		coretest.Must[core.Sent](cleo, core.SendText{Chat: chat, Text: "written away"})
		if got := bob.Fails(core.MoveChat{Chat: chat, Origin: other.Origin}); got != core.ErrNotAllowed {
			t.Fatalf("a member moves the group: got %q, want %q", got, core.ErrNotAllowed)
		}
		if got := ann.Fails(core.MoveChat{Chat: chat, Origin: w.Server.Origin}); got != core.ErrBadArguments {
			t.Fatalf("a move to where it is: got %q, want %q", got, core.ErrBadArguments)
		}
		ann.CrashIn = crash
		ann.Do(core.MoveChat{Chat: chat, Origin: other.Origin})
		w.Run()
		w.Pass(2 * time.Minute)
		ann.Do(core.MoveChat{Chat: chat, Origin: other.Origin}) // again, where the crash came before
		w.Pass(2 * time.Minute)
		coretest.Must[core.Sent](bob, core.SendText{Chat: chat, Text: "two"})
		w.Pass(time.Minute)
		cleo.SetOffline(false)
		w.Pass(2 * time.Minute)
		cleo.Crash() // who starts anew knows the new server
		w.Run()
		coretest.Must[core.Sent](cleo, core.SendText{Chat: chat, Text: "three"})
		w.Pass(time.Minute)
		want := []string{"one", "two", "written away", "three"}
		for _, c := range []*coretest.Client{ann, bob, cleo} {
			if got := texts(c, chat); !slices.Equal(got, want) {
				t.Errorf("crash %d, %s: got %q, want %q", crash, c.Name, got, want)
			}
			if x := c.Chat("Trip"); x.Forked || x.State != "open" {
				t.Errorf("crash %d, %s: got state %q, forked %v, want open", crash, c.Name, x.State, x.Forked)
			}
		}
		// The old log gets nothing any more; what comes after the move is at the new one.
		before := len(w.Server.Log(chat).Records)
		coretest.Must[core.Sent](ann, core.SendText{Chat: chat, Text: "four"})
		w.Pass(time.Minute)
		if got := len(w.Server.Log(chat).Records); got != before {
			t.Errorf("crash %d: the old log grew from %d to %d records", crash, before, got)
		}
		// Removing raises the generation at the new server, too.
		coretest.Must[core.Done](ann, core.RemoveMember{Chat: chat, Person: cleo.Person()})
		w.Pass(time.Minute)
		coretest.Must[core.Sent](bob, core.SendText{Chat: chat, Text: "five"})
		w.Pass(time.Minute)
		if got := texts(ann, chat); !slices.Equal(got, append(want, "four", "five")) {
			t.Errorf("crash %d, after a removal: got %q, want four and five at the end", crash, got)
		}
		if got := texts(cleo, chat); slices.Contains(got, "five") {
			t.Errorf("crash %d: who was removed got %q", crash, got)
		}
	}
}

// A conversation of two moves, and back again.
func TestMoveTwo(t *testing.T) {
	w, other, ann, bob, _ := twoServers(t)
	chat := ann.Chat("Bob").ID
	coretest.Must[core.Done](ann, core.MoveChat{Chat: chat, Origin: other.Origin})
	w.Pass(2 * time.Minute)
	coretest.Must[core.Sent](bob, core.SendText{Chat: chat, Text: "there"})
	w.Pass(time.Minute)
	coretest.Must[core.Done](ann, core.MoveChat{Chat: chat, Origin: w.Server.Origin})
	w.Pass(2 * time.Minute)
	coretest.Must[core.Sent](bob, core.SendText{Chat: chat, Text: "and back"})
	w.Pass(time.Minute)
	for _, c := range []*coretest.Client{ann, bob} {
		if got, want := texts(c, chat), []string{"there", "and back"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", c.Name, got, want)
		}
	}
}

// texts are the texts that a chat shows, without notices.
func texts(c *coretest.Client, chat string) (list []string) {
	for _, m := range c.Page(chat) {
		if m.Kind == core.KindText {
			list = append(list, m.Text)
		}
	}
	return list
}
