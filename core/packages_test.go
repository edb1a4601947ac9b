package core_test

import (
	"fmt"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// twoDevices makes a world with Ann on two devices; none of their chats but Saved.
func twoDevices(t *testing.T) (w *World, ann, lap *Client, link string) {
	t.Helper()
	w = New(t)
	ann, lap = w.Client("ann"), w.Client("laptop")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	w.Pass(time.Second)
	linkDevices(t, ann, lap)
	return w, ann, lap, Must[core.InviteLink](ann, core.Invite{}).Link
}

func linkDevices(t *testing.T, ann, lap *Client) {
	t.Helper()
	link(t, ann, lap, "Laptop")
	ann.W.Pass(time.Minute)
}

// converse fails the test unless all devices read what each of them, and the other person, writes.
func converse(t *testing.T, chat string, other *Client, devices ...*Client) {
	t.Helper()
	all := append([]*Client{other}, devices...)
	for i, c := range all {
		Must[core.Sent](c, core.SendText{Chat: chat, Text: fmt.Sprint("word of ", c.Name)})
		c.W.Pass(5 * time.Second)
		name := "Ann"
		if i == 0 {
			name = other.Name
		}
		for _, o := range all {
			has(t, o, chat, fmt.Sprintf("%s: word of %s", name, c.Name))
		}
	}
}

// TestSharedPackages (D-23) shows that any device takes a request up, whichever made the package: the one that is
// there at once, and the other finds the chat when it comes; and that groups are entered so, too.
func TestSharedPackages(t *testing.T) {
	for n := range 2 {
		w, ann, lap, link := twoDevices(t)
		here, away := ann, lap
		if n == 1 {
			here, away = lap, ann
		}
		away.SetOffline(true)
		carl := w.Client("Carl")
		chat := Must[core.Joined](carl, core.Join{Link: link, Name: "Carl"}).Chat
		Must[core.Sent](carl, core.SendText{Chat: chat, Text: "hi"})
		w.Pass(20 * time.Second)
		has(t, here, chat, "Carl: hi")
		if s := here.Chat("Carl").State; s != "open" {
			t.Errorf("%s: the chat is %s", here.Name, s)
		}
		Must[core.Sent](here, core.SendText{Chat: chat, Text: "hello"})
		w.Pass(5 * time.Second)
		has(t, carl, chat, "Ann: hello")
		away.SetOffline(false)
		w.Pass(time.Minute)
		has(t, away, chat, "Carl: hi", "Ann: hello")
		converse(t, chat, carl, ann, lap)

		away.SetOffline(true)
		g := Must[core.Joined](carl, core.NewGroup{Name: "Group", Members: []string{chat}}).Chat
		w.Pass(20 * time.Second)
		Must[core.Sent](carl, core.SendText{Chat: g, Text: "all here"})
		w.Pass(5 * time.Second)
		has(t, here, g, "Carl: all here")
		away.SetOffline(false)
		w.Pass(time.Minute)
		converse(t, g, carl, ann, lap)
		if n := carl.Chat("Group").Members; n != 2 {
			t.Errorf("Carl sees %d members, want 2", n)
		}
		healthy(t, w, ann, lap, carl)
	}
}

// TestSharedRace (D-23) shows that two devices which both take a request up end in one chat: the log decides. The
// first one is kept from hearing of the second's until it has come in itself.
func TestSharedRace(t *testing.T) {
	for n := range 2 {
		w, ann, lap, link := twoDevices(t)
		one, two := ann, lap
		if n == 1 {
			one, two = lap, ann
		}
		one.SetOffline(true)
		carl := w.Client("Carl")
		chat := Must[core.Joined](carl, core.Join{Link: link, Name: "Carl"}).Chat
		Must[core.Sent](carl, core.SendText{Chat: chat, Text: "hi"})
		w.Pass(20 * time.Second)
		saved, _ := plane.ParseLogID(one.Chat("saved").ID)
		w.Server.Refuse = func(x *Client, r wire.Request) wire.Answer {
			if o, ok := r.(wire.Open); ok && x == one && o.Log == saved {
				return wire.Done{Code: plane.Busy}
			}
			return nil
		}
		one.SetOffline(false)
		w.Pass(90 * time.Second)
		has(t, one, chat, "Carl: hi") // it came in, too
		w.Server.Refuse = nil
		w.Pass(3 * time.Minute)
		converse(t, chat, carl, one, two)
		healthy(t, w, ann, lap, carl)
	}
}

// TestSharedCrash (D-23) lets the device that takes a request up die at any effect: it goes on where it was.
func TestSharedCrash(t *testing.T) {
	for n := 1; n < 40; n += 3 {
		w, ann, lap, link := twoDevices(t)
		lap.SetOffline(true)
		carl := w.Client("Carl")
		ann.CrashIn = n
		chat := Must[core.Joined](carl, core.Join{Link: link, Name: "Carl"}).Chat
		w.Pass(20 * time.Second)
		ann.CrashIn = 0
		lap.SetOffline(false)
		w.Pass(time.Minute)
		converse(t, chat, carl, ann, lap)
		if t.Failed() {
			t.Fatalf("died at effect %d", n)
		}
	}
}
