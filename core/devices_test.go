package core_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// stage returns the last Linking event of a client.
func stage(c *Client) core.Linking {
	for _, e := range slices.Backward(c.Events) {
		if l, ok := e.(core.Linking); ok {
			return l
		}
	}
	return core.Linking{}
}

// link makes to a device of the person of from.
func link(t *testing.T, from, to *Client, name string) {
	t.Helper()
	l := Must[core.DeviceLink](from, core.LinkDevice{})
	Must[core.Done](to, core.AddDevice{Link: l.Link, Name: name})
	a, b := stage(from), stage(to)
	if a.Stage != "digits" || b.Stage != "digits" || a.Digits != b.Digits || len(a.Digits) != 6 || a.Name != name {
		t.Fatalf("got %+v and %+v", a, b)
	}
	Must[core.Done](from, core.ConfirmDevice{Yes: true})
	Must[core.Done](to, core.ConfirmDevice{Yes: true})
	from.W.Pass(10 * time.Second)
	if s, o := stage(to), stage(from); s.Stage != "done" || o.Stage != "done" || o.Name != name {
		t.Fatalf("new device: %+v; old: %+v", s, o)
	}
}

func sameTexts(t *testing.T, chat string, a, b *Client) {
	t.Helper()
	x, y := a.Texts(chat), b.Texts(chat)
	drop := func(l []string) []string {
		return slices.DeleteFunc(l, func(s string) bool { return strings.HasPrefix(s, "*") })
	}
	if x, y = drop(x), drop(y); !slices.Equal(x, y) || len(x) == 0 {
		t.Errorf("%s shows %q, %s %q", a.Name, x, b.Name, y)
	}
}

// TestLinkDevice (D-21) shows that a linked device has all chats with their history, drafts and read
// positions, that both devices show what either says, and that others see one person.
func TestLinkDevice(t *testing.T) {
	w := New(t)
	ann, bob := w.Client("ann"), w.Client("bob")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	i := Must[core.InviteLink](ann, core.Invite{})
	chat := Must[core.Joined](bob, core.Join{Link: i.Link, Name: "Bob"}).Chat
	w.Pass(time.Second)
	for n := range 20 {
		Must[core.Sent](bob, core.SendText{Chat: chat, Text: fmt.Sprintf("b%d", n)})
		Must[core.Sent](ann, core.SendText{Chat: chat, Text: fmt.Sprintf("a%d", n)})
	}
	saved := ann.Chat("saved").ID
	Must[core.Sent](ann, core.SendText{Chat: saved, Text: "note"})
	Must[core.Done](ann, core.SetDraft{Chat: chat, Text: "half a"})
	g := Must[core.Joined](ann, core.NewGroup{Name: "Group", Members: []string{chat}}).Chat
	w.Pass(5 * time.Second)
	Must[core.Sent](bob, core.SendText{Chat: g, Text: "in group"})
	page := ann.Page(chat)
	Must[core.Done](ann, core.MarkRead{Chat: chat, Message: page[len(page)-1].ID})

	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	if lap.Person() != ann.Person() {
		t.Fatalf("another person: %s", lap.Person())
	}
	for _, c := range []string{chat, saved, g} {
		sameTexts(t, c, ann, lap)
	}
	a, l := ann.Chat("Bob"), lap.Chat("Bob")
	if l.Draft != "half a" || l.Unread != a.Unread || l.ReadUpTo != a.ReadUpTo || l.State != "open" {
		t.Errorf("got %+v, want %+v", l, a)
	}
	if s := lap.State(); s.Syncing != nil {
		t.Errorf("still syncing: %d", *s.Syncing)
	}
	// Both write, both see; Bob sees one person.
	Must[core.Sent](lap, core.SendText{Chat: chat, Text: "from the laptop"})
	Must[core.Sent](ann, core.SendText{Chat: chat, Text: "from the phone"})
	Must[core.Sent](bob, core.SendText{Chat: chat, Text: "to both"})
	Must[core.Sent](lap, core.SendText{Chat: g, Text: "laptop in group"})
	Must[core.Sent](lap, core.SendText{Chat: saved, Text: "laptop note"})
	w.Pass(10 * time.Second)
	for _, c := range []string{chat, saved, g} {
		sameTexts(t, c, ann, lap)
	}
	sameTexts(t, chat, lap, bob)
	if n := bob.Chat("Group").Members; n != 2 {
		t.Errorf("bob sees %d members, want 2", n)
	}
	// Reading and drafts follow.
	page = lap.Page(chat)
	Must[core.Done](lap, core.MarkRead{Chat: chat, Message: page[len(page)-1].ID})
	Must[core.Done](lap, core.SetDraft{Chat: chat, Text: "other"})
	w.Pass(5 * time.Second)
	if c := ann.Chat("Bob"); c.Unread != 0 || c.Draft != "other" {
		t.Errorf("phone: unread %d draft %q", c.Unread, c.Draft)
	}
	// A chat made later is on both.
	carl := w.Client("carl")
	i = Must[core.InviteLink](lap, core.Invite{})
	chat2 := Must[core.Joined](carl, core.Join{Link: i.Link, Name: "Carl"}).Chat
	w.Pass(20 * time.Second)
	Must[core.Sent](carl, core.SendText{Chat: chat2, Text: "hi"})
	w.Pass(5 * time.Second)
	sameTexts(t, chat2, ann, lap)
	if n := ann.Chat("Carl").ID; n != chat2 {
		t.Errorf("phone has %q", n)
	}
	d := Must[core.Devices](lap, core.GetDevices{})
	if len(d.Devices) != 2 {
		t.Errorf("devices: %+v", d)
	}
}

// TestRemoveDevice (D-22) shows that a device that was signed out says so, erases nothing, and reads nothing
// that is sent after, with all that it has.
func TestRemoveDevice(t *testing.T) {
	w := New(t)
	ann, bob, lap := w.Client("ann"), w.Client("bob"), w.Client("laptop")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	i := Must[core.InviteLink](ann, core.Invite{})
	chat := Must[core.Joined](bob, core.Join{Link: i.Link, Name: "Bob"}).Chat
	w.Pass(time.Second)
	Must[core.Sent](bob, core.SendText{Chat: chat, Text: "before"})
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	saved := ann.Chat("saved").ID
	var id string
	for _, d := range Must[core.Devices](ann, core.GetDevices{}).Devices {
		if !d.This {
			id = d.ID
		}
	}
	lap.SetOffline(true)
	Must[core.Done](ann, core.RemoveDevice{Device: id})
	w.Pass(30 * time.Second)
	Must[core.Sent](bob, core.SendText{Chat: chat, Text: "secret"})
	Must[core.Sent](ann, core.SendText{Chat: saved, Text: "secret"})
	w.Pass(10 * time.Second)
	lap.SetOffline(false)
	w.Pass(3 * time.Minute)
	for _, c := range []string{chat, saved} {
		if s := strings.Join(lap.Texts(c), "\n"); strings.Contains(s, "secret") {
			t.Errorf("reads on: %s", s)
		}
	}
	if s := lap.State(); s.Notice != "signed-out" || !slices.Contains(lap.Texts(chat), "Bob: before") {
		t.Errorf("notice %q, texts %q", s.Notice, lap.Texts(chat))
	}
	if n := len(Must[core.Devices](ann, core.GetDevices{}).Devices); n != 1 {
		t.Errorf("%d devices, want 1", n)
	}
	sameTexts(t, chat, ann, bob)
}
