package core_test

import (
	"fmt"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
	"paperplane/protocol/plane"
)

func recovered(t *testing.T, w *World, name, words string) *Client {
	t.Helper()
	c := w.Client(name)
	Must[core.Joined](c, core.Recover{Words: words, Origin: w.Server.Origin, Name: name})
	return c
}

// TestKeepLate (V-07) shows that what came between the last segments and the loss of the device is there, too:
// from the others, and what one kept for oneself from the vault.
func TestKeepLate(t *testing.T) {
	w, ann, bob, chat, group, words := vaulted(t)
	saved := ann.Chat("saved").ID
	for i := range 3 {
		Must[core.Sent](bob, core.SendText{Chat: chat, Text: fmt.Sprint("late ", i)})
		Must[core.Sent](ann, core.SendText{Chat: group, Text: fmt.Sprint("grouped late ", i)})
		Must[core.Sent](ann, core.SendText{Chat: saved, Text: fmt.Sprint("noted late ", i)})
		w.Pass(2 * time.Minute) // the vault is written, segments are not yet
	}
	ann.SetOffline(true)
	fresh := recovered(t, w, "fresh", words)
	w.Pass(3 * time.Minute)
	for i := range 3 {
		has(t, fresh, chat, fmt.Sprint("Bob: late ", i))
		has(t, fresh, group, fmt.Sprint("Ann: grouped late ", i))
		has(t, fresh, fresh.Chat("saved").ID, fmt.Sprint("Ann: noted late ", i))
	}
	has(t, fresh, chat, "Bob: one")
}

// TestKeepRenew (V-07) shows that segments are made anew before their blobs expire, that the small one at the
// end grows instead of being followed by others, and that what is replaced is deleted.
func TestKeepRenew(t *testing.T) {
	w, ann, bob, chat, group, words := vaulted(t)
	first := map[plane.BlobID]bool{}
	for id := range w.Server.Blobs {
		first[id] = true
	}
	for i := range 6 {
		Must[core.Sent](bob, core.SendText{Chat: chat, Text: fmt.Sprint("day ", i)})
		w.Leap(4 * 24 * time.Hour)
		w.Pass(5 * time.Minute)
	}
	for id := range w.Server.Blobs {
		if first[id] {
			t.Error("a blob of the first day is there still")
		}
	}
	if n := len(w.Server.Blobs); n != 4 { // Saved, two chats, the vault
		t.Errorf("%d blobs, want 4", n)
	}
	ann.SetOffline(true)
	bob.SetOffline(true)
	fresh := recovered(t, w, "fresh", words)
	w.Pass(time.Minute)
	for i := range 6 {
		has(t, fresh, chat, fmt.Sprint("Bob: day ", i))
	}
	has(t, fresh, chat, "Bob: one")
	has(t, fresh, group, "Bob: in group")
}

// TestKeepTwice (V-07) shows that a device that was brought back and lost again, before anybody let it in, costs
// nothing: its vault names what it was itself told.
func TestKeepTwice(t *testing.T) {
	w, ann, bob, chat, group, words := vaulted(t)
	ann.SetOffline(true)
	bob.SetOffline(true)
	first := recovered(t, w, "first", words)
	w.Pass(5 * time.Minute)
	has(t, first, chat, "Bob: one")
	first.SetOffline(true)
	second := recovered(t, w, "second", words)
	w.Pass(time.Minute)
	has(t, second, chat, "Bob: one")
	has(t, second, group, "Bob: in group")
	bob.SetOffline(false)
	w.Pass(5 * time.Minute)
	Must[core.Sent](second, core.SendText{Chat: group, Text: "back"})
	w.Pass(10 * time.Second)
	has(t, bob, group, "Ann: back")
	if n := bob.Chat("Group").Members; n != 2 {
		t.Errorf("%d members, want 2", n)
	}
}

// TestKeepDeleted (V-07) shows that what is deleted after it went into a segment comes back no more a day later,
// when the words are used; and that a newcomer is not given it out of an announced segment.
func TestKeepDeleted(t *testing.T) {
	w, ann, bob, chat, _, words := vaulted(t)
	id := Must[core.Sent](bob, core.SendText{Chat: chat, Text: "regretted"}).Message
	w.Leap(2 * 24 * time.Hour)
	w.Pass(5 * time.Minute)
	Must[core.Done](bob, core.Delete{Chat: chat, Message: id})
	w.Pass(5 * time.Minute)
	w.Leap(25 * time.Hour)
	w.Pass(5 * time.Minute)
	ann.SetOffline(true)
	bob.SetOffline(true)
	fresh := recovered(t, w, "fresh", words)
	w.Pass(time.Minute)
	has(t, fresh, chat, "Bob: one")
	for _, x := range fresh.Texts(chat) {
		if x == "Bob: regretted" {
			t.Errorf("what was deleted is back: %q", fresh.Texts(chat))
		}
	}

	w, ann, bob, _, g := trioLinked(t)
	link := Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].Link
	Must[core.Done](ann, core.SetGroup{Chat: g, Rules: &core.Rules{History: -1}})
	id = Must[core.Sent](bob, core.SendText{Chat: g, Text: "regretted"}).Message
	has(t, newcomer(t, w, "first", link), g)
	w.Pass(30 * time.Second)
	if ann.M.Told(g) == 0 {
		t.Error("nothing was announced")
	}
	Must[core.Done](bob, core.Delete{Chat: g, Message: id})
	w.Pass(10 * time.Second)
	second := newcomer(t, w, "second", link)
	w.Pass(30 * time.Second)
	same(t, "the second reads", says(second, g), []string{"Bob: (deleted)"})
}
