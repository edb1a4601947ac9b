package core_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// TestWrittenWhileHealing (V-05) shows that what is written into a chat that twelve words have brought back, while nobody
// has answered yet, is kept, over a restart and however long that takes, and goes out once.
func TestWrittenWhileHealing(t *testing.T) {
	w, ann, bob, chat, group, words := vaulted(t)
	ann.SetOffline(true) // for good
	bob.SetOffline(true)
	fresh := w.Client("fresh")
	Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
	w.Pass(time.Minute)
	if c := fresh.Chat("Bob"); c.State != "healing" {
		t.Fatalf("the chat is %q, want healing", c.State)
	}
	Must[core.Sent](fresh, core.SendText{Chat: chat, Text: "first"})
	slip := Must[core.Sent](fresh, core.SendText{Chat: chat, Text: "slip"})
	Must[core.Sent](fresh, core.SendText{Chat: chat, Text: "second"})
	Must[core.Sent](fresh, core.SendText{Chat: group, Text: "to all"})
	Must[core.Done](fresh, core.Delete{Chat: chat, Message: slip.Message})
	Must[core.Done](fresh, core.SetDraft{Chat: chat, Text: "third"})
	if got := fresh.Fails(core.SendText{Chat: chat, Text: " "}); got != core.ErrTextEmpty {
		t.Errorf("an empty text: got %q, want %q", got, core.ErrTextEmpty)
	}
	if got := fresh.Fails(core.Discard{Chat: chat, Message: slip.Message}); got != core.ErrNoMessage {
		t.Errorf("what was taken back already: got %q, want %q", got, core.ErrNoMessage)
	}
	want := []string{"Ann: first", "Ann: second"}
	own := func(c *Client) (list []string) {
		for _, x := range c.Texts(chat) {
			if slices.Contains([]string{"Ann: first", "Ann: second", "Ann: slip"}, x) {
				list = append(list, x)
			}
		}
		return list
	}
	if got := own(fresh); !slices.Equal(got, want) {
		t.Errorf("while healing it shows %q, want %q", got, want)
	}
	fresh.Crash()
	w.Pass(3 * time.Hour) // more knocks than are made on a mere hint
	if c := fresh.Chat("Bob"); c.State != "healing" || c.Draft != "third" {
		t.Errorf("after a restart: got %+v", c)
	}
	bob.SetOffline(false)
	w.Pass(7 * time.Hour) // it knocks again at the latest after six
	for _, c := range []*Client{fresh, bob} {
		if got := own(c); !slices.Equal(got, want) {
			t.Errorf("once healed %q, want %q", got, want)
		}
	}
	if list := bob.Texts(group); !slices.Contains(list, "Ann: to all") {
		t.Errorf("the group: %q", list)
	}
	for _, x := range fresh.Page(chat) {
		if x.Own && x.State == "queued" {
			t.Errorf("%q is still %s", x.Text, x.State)
		}
	}
}

// TestWrittenWhileHealingBound shows how much waits there: as much as is said, and not one more.
func TestWrittenWhileHealingBound(t *testing.T) {
	w, ann, bob, chat, _, words := vaulted(t)
	ann.SetOffline(true)
	bob.SetOffline(true)
	fresh := w.Client("fresh")
	Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
	for n := range 64 {
		Must[core.Sent](fresh, core.SendText{Chat: chat, Text: fmt.Sprint("text ", n)})
	}
	if got := fresh.Fails(core.SendText{Chat: chat, Text: "one more"}); got != core.ErrWaiting {
		t.Errorf("the 65th: got %q, want %q", got, core.ErrWaiting)
	}
}
