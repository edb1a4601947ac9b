package core_test

import (
	"slices"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// count is how often a chat shows a text, and in which state it shows it last.
func count(c *Client, chat, text string) (n int, state core.MessageState) {
	for _, m := range c.Page(chat) {
		if m.Text == text {
			n, state = n+1, m.State
		}
	}
	return n, state
}

// TestScheduled shows that what is written for later goes out then, once, also through crashes and when it was
// due while the server was away, and that till then nobody else has it and the chat's last line is another.
func TestScheduled(t *testing.T) {
	w, ann, bob := pair(t)
	two := ann.Chat("Bob").ID
	at := func(d time.Duration) int64 { return w.Now.Add(d).UnixMilli() }
	Must[core.Sent](ann, core.SendText{Chat: two, Text: "now"})
	later := Must[core.Sent](ann, core.SendText{Chat: two, Text: "later", At: at(time.Hour)}).Message
	Must[core.Sent](ann, core.SendText{Chat: two, Text: "first", At: at(30 * time.Minute)})
	Must[core.Sent](ann, core.SendText{Chat: two, Text: "after"})
	w.Pass(time.Minute)
	if c := ann.Chat("Bob"); c.Scheduled != 2 || c.Last.Text != "after" {
		t.Errorf("%d wait, the last line is %q", c.Scheduled, c.Last.Text)
	}
	page := ann.Page(two)
	if n := len(page); n < 4 || page[n-1].ID != later || page[n-1].State != core.StateScheduled || page[n-1].At != w.Now.Add(59*time.Minute).UnixMilli() || page[n-2].Text != "first" {
		t.Errorf("the page ends %+v", page[max(0, len(page)-2):])
	}
	for _, code := range []core.ErrCode{
		ann.Fails(core.React{Chat: two, Message: later, Emoji: "x", On: true}), ann.Fails(core.SendText{Chat: two, Text: "x", ReplyTo: later}),
		ann.Fails(core.SendText{Chat: two, Text: "x", At: at((core.ScheduleDaysMax + 1) * 24 * time.Hour)}), ann.Fails(core.SendText{Chat: two, Text: "x", At: -1}),
	} {
		if code == "" {
			t.Error("something was taken that should not have been")
		}
	}
	for _, text := range []string{"later", "first", "x"} {
		if n, _ := count(bob, two, text); n != 0 {
			t.Errorf("Bob has %q already", text)
		}
	}
	ann.Crash()
	ann.Arrives = true
	for n := range 12 { // it dies at each step on the way out
		ann.CrashIn = n + 1
		w.Pass(3 * time.Minute)
	}
	ann.CrashIn = 0
	ann.SetOffline(true)
	w.Pass(time.Hour)
	if n, state := count(ann, two, "later"); n != 1 || state != core.StateQueued {
		t.Errorf("away: %d times, %q", n, state)
	}
	ann.SetOffline(false)
	w.Pass(time.Minute)
	want := []string{"Ann: now", "Ann: after", "Ann: first", "Ann: later"}
	for _, c := range []*Client{ann, bob} {
		if got := c.Texts(two); !slices.Equal(got[len(got)-4:], want) {
			t.Errorf("%s has %q, want %q", c.Name, got, want)
		}
	}
	if ann.Died == 0 {
		t.Error("it never died")
	}
	if c := ann.Chat("Bob"); c.Scheduled != 0 {
		t.Errorf("%d still wait", c.Scheduled)
	}
}

// TestScheduledChanged shows how such a message is changed, put off, sent at once and dropped, with a file that
// does not leave before, and how many there may be.
func TestScheduledChanged(t *testing.T) {
	w, ann, bob := pair(t)
	two := ann.Chat("Bob").ID
	at := func(d time.Duration) int64 { return w.Now.Add(d).UnixMilli() }
	send := func(text string, d time.Duration, files ...core.File) string {
		return Must[core.Sent](ann, core.SendText{Chat: two, Text: text, At: at(d), Files: files}).Message
	}
	a, b, c := send("a", time.Hour), send("b", time.Hour), send("c", time.Hour)
	file := send("f", time.Hour, core.File{Ref: "f", Name: "n", Mime: "text/plain", Size: 9})
	if len(ann.Moves) != 0 {
		t.Errorf("its file goes already: %+v", ann.Moves)
	}
	Must[core.Done](ann, core.Edit{Chat: two, Message: a, Text: "a2"})
	Must[core.Done](ann, core.Edit{Chat: two, Message: b, Text: "b", At: at(2 * time.Hour)})
	Must[core.Done](ann, core.Discard{Chat: two, Message: c})
	if m, _ := core.Read(ann.Vault, two, a); m == nil || m.Text != "a2" || m.Edited {
		t.Errorf("the changed one is %+v", m)
	}
	ann.Crash()
	if len(ann.Moves) != 0 {
		t.Errorf("after a restart its file goes already: %+v", ann.Moves)
	}
	Must[core.Done](ann, core.SendNow{Chat: two, Message: file})
	if code := ann.Fails(core.SendNow{Chat: two, Message: c}); code != core.ErrNoMessage {
		t.Errorf("what was dropped: %q", code)
	}
	uploaded(ann)
	w.Pass(time.Minute)
	if n, _ := count(bob, two, "f"); n != 1 {
		t.Errorf("Bob has the file %d times", n)
	}
	w.Pass(time.Hour)
	for text, want := range map[string]int{"a": 0, "a2": 1, "b": 0, "c": 0} {
		if n, _ := count(bob, two, text); n != want {
			t.Errorf("after an hour Bob has %q %d times, want %d", text, n, want)
		}
	}
	if m, _ := core.Read(ann.Vault, two, a); m != nil || !slices.Contains(ann.Events, core.Event(core.MessageGone{Chat: two, Message: a})) {
		t.Errorf("under its old id: %+v, or nobody was told", m)
	}
	w.Pass(time.Hour)
	if n, _ := count(bob, two, "b"); n != 1 {
		t.Errorf("Bob has b %d times", n)
	}
	for range core.ScheduledMax {
		send("many", time.Hour)
	}
	if code := ann.Fails(core.SendText{Chat: two, Text: "one more", At: at(time.Hour)}); code != core.ErrScheduled {
		t.Errorf("one too many: %q", code)
	}
	w.Pass(2 * time.Hour)
	if n, _ := count(bob, two, "many"); n != core.ScheduledMax {
		t.Errorf("Bob has %d of %d", n, core.ScheduledMax)
	}
}
