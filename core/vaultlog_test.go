package core_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// vaulted makes a world in which Ann, who talks with Bob and in a group, keeps her words.
func vaulted(t *testing.T) (w *World, ann, bob *Client, chat, group, words string) {
	w = New(t)
	ann, bob = w.Client("ann"), w.Client("bob")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	i := Must[core.InviteLink](ann, core.Invite{})
	chat = Must[core.Joined](bob, core.Join{Link: i.Link, Name: "Bob"}).Chat
	w.Pass(time.Second)
	group = Must[core.Joined](bob, core.NewGroup{Name: "Group", Members: []string{chat}}).Chat
	w.Pass(5 * time.Second)
	Must[core.Sent](bob, core.SendText{Chat: chat, Text: "one"})
	Must[core.Sent](ann, core.SendText{Chat: chat, Text: "two"})
	Must[core.Sent](bob, core.SendText{Chat: group, Text: "in group"})
	Must[core.Sent](ann, core.SendText{Chat: ann.Chat("saved").ID, Text: "note"})
	Must[core.Done](ann, core.SetDraft{Chat: chat, Text: "half"})
	list := Must[core.Words](ann, core.MakeWords{}).Words
	if again := Must[core.Words](ann, core.MakeWords{}).Words; !slices.Equal(list, again) || len(list) != 12 {
		t.Fatalf("got %v and %v", list, again)
	}
	Must[core.Done](ann, core.KeepWords{})
	w.Pass(5 * time.Minute)
	return w, ann, bob, chat, group, strings.Join(list, " ")
}

// TestRecover (V-04, V-05) shows that twelve words bring everything back on a new device, when the only other is
// lost: contacts, chats, history, drafts, Saved; and that both sides write on.
func TestRecover(t *testing.T) {
	w, ann, bob, chat, group, words := vaulted(t)
	me := ann.Person()
	if s := ann.State().Words; s != "kept" {
		t.Errorf("words %q, want kept", s)
	}
	ann.SetOffline(true) // for good
	fresh := w.Client("fresh")
	Must[core.Joined](fresh, core.Recover{Words: strings.ToUpper(words), Origin: w.Server.Origin, Name: "New"})
	if fresh.Person() != me {
		t.Fatalf("another person")
	}
	// Whoever was killed before it could say so tries again.
	Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
	other := "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	if got := fresh.Fails(core.Recover{Words: other, Origin: w.Server.Origin, Name: "New"}); got != core.ErrNotAllowed {
		t.Errorf("other words where there is an account: got %q, want not-allowed", got)
	}
	w.Pass(3 * time.Minute)
	for _, x := range []struct{ chat, text string }{{chat, "Bob: one"}, {chat, "Ann: two"}, {group, "Bob: in group"}, {fresh.Chat("saved").ID, "Ann: note"}} {
		if list := fresh.Texts(x.chat); !slices.Contains(list, x.text) {
			t.Errorf("%q is not in %q", x.text, list)
		}
	}
	if c := fresh.Chat("Bob"); c.State != "open" || c.Draft != "half" || c.ID != chat {
		t.Errorf("got %+v", c)
	}
	for _, id := range []string{chat, group} { // both sides see a new device, not one that had lost the thread
		for _, c := range []*Client{fresh, bob} {
			if list := c.Texts(id); !slices.Contains(list, "* Ann device") || slices.Contains(list, "* Ann healed") || slices.Contains(list, "* Ann rejoined") {
				t.Errorf("%s: %q, want that Ann uses a new device", c.Name, list)
			}
		}
	}
	Must[core.Sent](fresh, core.SendText{Chat: chat, Text: "back"})
	Must[core.Sent](bob, core.SendText{Chat: chat, Text: "welcome"})
	Must[core.Sent](fresh, core.SendText{Chat: group, Text: "back too"})
	w.Pass(10 * time.Second)
	if list := bob.Texts(chat); !slices.Contains(list, "Ann: back") {
		t.Errorf("bob: %q", list)
	}
	if list := fresh.Texts(chat); !slices.Contains(list, "Bob: welcome") {
		t.Errorf("fresh: %q", list)
	}
	if list := bob.Texts(group); !slices.Contains(list, "Ann: back too") {
		t.Errorf("bob: %q", list)
	}
	if n := bob.Chat("Group").Members; n != 2 {
		t.Errorf("%d members, want 2", n)
	}
	// Whoever comes by a link of the new device is let in: no package of the lost one is left.
	carl := w.Client("carl")
	l := Must[core.InviteLink](fresh, core.Invite{})
	chat2 := Must[core.Joined](carl, core.Join{Link: l.Link, Name: "Carl"}).Chat
	Must[core.Sent](carl, core.SendText{Chat: chat2, Text: "hello"})
	w.Pass(5 * time.Second)
	if list := fresh.Texts(chat2); !slices.Contains(list, "Carl: hello") {
		t.Errorf("from a new contact: %q", list)
	}
	// The lost device turns up: it was signed out, and keeps what it has.
	ann.SetOffline(false)
	w.Pass(2 * time.Minute)
	if list := ann.Texts(chat); slices.Contains(list, "Bob: welcome") || !slices.Contains(list, "Bob: one") {
		t.Errorf("the lost device reads %q", list)
	}
}

// TestRecoverErrors shows that wrong words, unknown words, a server that is away and one that is
// another are told apart.
func TestRecoverErrors(t *testing.T) {
	w, _, _, _, _, words := vaulted(t)
	other := "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	c := w.Client("c")
	for _, x := range []struct {
		words string
		want  core.ErrCode
	}{
		{words + " zoo", core.ErrWords},
		{strings.Replace(words, " ", " x", 1), core.ErrWords},
		{other, core.ErrWordsNone},
	} {
		if got := c.Fails(core.Recover{Words: x.words, Origin: w.Server.Origin, Name: "n"}); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
	c.SetOffline(true)
	if got := c.Fails(core.Recover{Words: words, Origin: w.Server.Origin, Name: "n"}); got != core.ErrOffline {
		t.Errorf("got %q, want %q", got, core.ErrOffline)
	}
	c.SetOffline(false)
	// A server that has no time says nothing of the words.
	busy, d := true, w.Client("d")
	w.Server.Refuse = func(x *Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.Open); ok && x == d && busy {
			busy = false
			return wire.Done{Code: plane.Busy}
		}
		return nil
	}
	d.Do(core.Recover{Words: words, Origin: w.Server.Origin, Name: "n"})
	w.Pass(5 * time.Second)
	if d.State().Account == nil {
		t.Error("got no account from a server that was busy at first")
	}
	if busy {
		t.Error("the server was not busy")
	}
	// A server that lies about the blob is no recovery, and stores nothing.
	w.Server.Refuse = func(x *Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.BlobStat); ok && x == c {
			return wire.BlobData{Data: make([]byte, plane.BlobChunkBytes)}
		}
		return nil
	}
	if got := c.Fails(core.Recover{Words: words, Origin: w.Server.Origin, Name: "n"}); got != core.ErrWordsNone || c.State().Account != nil {
		t.Errorf("got %q, want %q", got, core.ErrWordsNone)
	}
}

// TestRecoverCrash (V-05) shows that a device that dies at any effect of a recovery has either no account or
// all of it.
func TestRecoverCrash(t *testing.T) {
	for n := 1; n < 60; n += 4 {
		w, ann, _, chat, _, words := vaulted(t)
		ann.SetOffline(true)
		c := w.Client("c")
		c.CrashIn = n
		c.Do(core.Recover{Words: words, Origin: w.Server.Origin, Name: "n"})
		w.Run()
		c.CrashIn = 0
		if c.State().Account == nil {
			Must[core.Joined](c, core.Recover{Words: words, Origin: w.Server.Origin, Name: "n"})
		}
		w.Pass(3 * time.Minute)
		if list := c.Texts(chat); c.Chat("Bob").State != "open" || !slices.Contains(list, "Bob: one") {
			t.Errorf("died at %d (%d times): %q, %+v", n, c.Died, list, c.Chat("Bob"))
		}
	}
}

// TestWordsOffer shows when the words are offered.
func TestWordsOffer(t *testing.T) {
	w := New(t)
	ann := w.Client("ann")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	want := func(s string) {
		t.Helper()
		if got := ann.State().Words; got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	}
	w.Leap(100 * time.Hour)
	want("")
	for i := range 3 {
		l := Must[core.InviteLink](ann, core.Invite{})
		c := w.Client(string(rune('b' + i)))
		chat := Must[core.Joined](c, core.Join{Link: l.Link, Name: "X"}).Chat
		w.Pass(time.Second)
		Must[core.Sent](c, core.SendText{Chat: chat, Text: "hi"})
		want([]string{"", "", "offer"}[i])
	}
	Must[core.Done](ann, core.KeepWords{Later: true})
	want("")
	w.Leap(29 * 24 * time.Hour)
	want("offer")
	if got := ann.Fails(core.KeepWords{}); got != core.ErrBadArguments {
		t.Errorf("kept what was never shown: %q", got)
	}
}

// TestVaultLastChange (V-03) shows that the last change of a device that then falls quiet is in the vault
// within two minutes: nothing else has to happen on it.
func TestVaultLastChange(t *testing.T) {
	for _, x := range []struct {
		name string
		do   func(c *Client, chat string)
		got  func(c *Client, chat string) string
		want string
	}{
		{"draft", func(c *Client, chat string) { Must[core.Done](c, core.SetDraft{Chat: chat, Text: "the rest"}) }, func(c *Client, chat string) string { return c.Chat("Bob").Draft }, "the rest"},
		{"settings", func(c *Client, chat string) { Must[core.Done](c, core.SetSettings{ReadReceipts: new(false)}) }, func(c *Client, chat string) string { return fmt.Sprint(c.State().Settings.ReadReceipts) }, "false"},
		{"name", func(c *Client, chat string) { Must[core.Done](c, core.SetName{Name: "Anna"}) }, func(c *Client, chat string) string { return c.State().Account.Name }, "Anna"},
	} {
		t.Run(x.name, func(t *testing.T) {
			w, ann, _, chat, _, words := vaulted(t)
			w.Pass(time.Hour)
			x.do(ann, chat)
			w.Pass(2 * time.Minute)
			ann.SetOffline(true)
			fresh := w.Client("fresh")
			Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
			w.Pass(time.Minute)
			if got := x.got(fresh, chat); got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
}
