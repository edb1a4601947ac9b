package core_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
	"paperplane/protocol/plane"
)

// traces returns the keys of a vault in which an expired message is still to be found: by its id in the key of
// an entry or note, or by marked words in any value.
func traces(c *Client, marked string, ids ...string) (list []string) {
	for _, k := range c.Vault.Keys() {
		v, _ := c.Vault.Get(k)
		if bytes.Contains(v, []byte(marked)) || slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(k, id) }) {
			list = append(list, k)
		}
	}
	return list
}

// removed says whether a client has removed a local file.
func removed(c *Client, ref string) bool {
	return slices.Contains(moves[core.RemoveFile](c), core.RemoveFile{File: ref})
}

// TestVanish (C-35) shows that what expires is nowhere on any device when its time is over, with edits, reactions,
// votes and files, on one that was restarted and one that was away, and that what lasts stays.
func TestVanish(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	Must[core.Sent](ann, core.SendText{Chat: chat, Text: "stays"})
	Must[core.Done](bob, core.SetVanish{Chat: chat, Seconds: 100})
	w.Pass(5 * time.Second)
	for _, c := range []*Client{ann, bob, lap} {
		if got := c.Chat(map[bool]string{true: "Ann", false: "Bob"}[c == bob]).Vanish; got != 100 {
			t.Fatalf("%s: the timer is %d", c.Name, got)
		}
		if m := last(c, chat); m.Notice == nil || m.Notice.What != "vanish" || m.Notice.Text != "100" || m.Notice.Who != "Bob" {
			t.Errorf("%s: notice %+v", c.Name, m.Notice)
		}
	}
	away := w.Client("tablet")
	link(t, ann, away, "Tablet")
	w.Pass(time.Minute)
	away.SetOffline(true)
	sent := w.Now
	text := Must[core.Sent](ann, core.SendText{Chat: chat, Text: "canary one"}).Message
	file := Must[core.Sent](ann, core.SendText{Chat: chat, Text: "canary file", Files: []core.File{{Ref: "own", Name: "canary.webm", Mime: "audio/webm", Size: 70, Voice: true}}}).Message
	uploaded(ann)
	poll := Must[core.Sent](bob, core.SendPoll{Chat: chat, Question: "canary?", Options: []string{"a", "b"}}).Message
	w.Pass(time.Second)
	Must[core.Done](ann, core.Edit{Chat: chat, Message: text, Text: "canary two"})
	Must[core.Done](bob, core.React{Chat: chat, Message: text, Emoji: "👍", On: true})
	Must[core.Done](bob, core.React{Chat: chat, Message: text, Emoji: "👎", On: true})
	Must[core.Done](bob, core.React{Chat: chat, Message: text, Emoji: "👎"})
	Must[core.Done](ann, core.Vote{Chat: chat, Message: poll, Options: []int{1}})
	Must[core.Done](bob, core.Fetch{Chat: chat, Message: file})
	down := moves[core.Download](bob)[0]
	bob.Give(core.Transfer{ID: down.ID, Finished: true, Code: plane.OK})
	Must[core.Done](lap, core.Fetch{Chat: chat, Message: file}) // never done
	half := moves[core.Download](lap)[0]
	w.Pass(5 * time.Second)
	m, err := core.Read(bob.Vault, chat, text)
	if err != nil || m == nil || m.Text != "canary two" || len(m.Reactions) != 1 || m.Gone < sent.Add(100*time.Second).UnixMilli() || m.Gone > sent.Add(101*time.Second).UnixMilli() {
		t.Fatalf("before its time: %+v, %v", m, err)
	}
	if bob.Chat("Ann").Unread == 0 || ann.Chat("Bob").Unread != 1 {
		t.Errorf("unread: got %d and %d", bob.Chat("Ann").Unread, ann.Chat("Bob").Unread)
	}
	lap.Crash() // it wakes up when all is over
	bob.SetOffline(true)
	w.Leap(102 * time.Second)
	w.Pass(time.Second)
	for _, c := range []*Client{ann, bob, lap} {
		if got := traces(c, "canary", text, file, poll); len(got) > 0 {
			t.Errorf("%s still has %q", c.Name, got)
		}
		if c.Chat(map[bool]string{true: "Ann", false: "Bob"}[c == bob]).Last.Notice == nil {
			t.Errorf("%s: the chat list shows %+v", c.Name, c.Chat("Bob").Last)
		}
		if !slices.ContainsFunc(c.Texts(chat), func(s string) bool { return s == "Ann: stays" }) {
			t.Errorf("%s has lost what stays: %q", c.Name, c.Texts(chat))
		}
		if !slices.ContainsFunc(c.Events, func(e core.Event) bool { return e == core.MessageGone{Chat: chat, Message: text} }) {
			t.Errorf("%s: the face was not told", c.Name)
		}
	}
	if !removed(ann, "own") || !removed(bob, down.File) || !removed(lap, half.File) {
		t.Errorf("files left: %v, %v, %v", removed(ann, "own"), removed(bob, down.File), removed(lap, half.File))
	}
	if a, b := ann.Chat("Bob").Unread, bob.Chat("Ann").Unread; a != 0 || b != 1 {
		t.Errorf("unread: got %d and %d, want none, and what stays", a, b)
	}
	away.SetOffline(false)
	w.Pass(10 * time.Second)
	if got := traces(away, "canary", text, file, poll); len(got) > 0 {
		t.Errorf("what was away has %q", got)
	}
	if n := away.Chat("Bob").Unread; n != 0 {
		t.Errorf("away: %d unread", n)
	}
	for _, e := range away.Events {
		if m, ok := e.(core.MessageChanged); ok && strings.Contains(m.Message.Text, "canary") {
			t.Errorf("what was away has shown %+v", m.Message)
		}
	}
	// Off again.
	Must[core.Done](ann, core.SetVanish{Chat: chat})
	bob.SetOffline(false)
	w.Pass(5 * time.Second)
	Must[core.Sent](bob, core.SendText{Chat: chat, Text: "for ever"})
	w.Leap(time.Hour)
	if m := last(ann, chat); m.Text != "for ever" || m.Gone != 0 {
		t.Errorf("with the timer off: got %+v", m)
	}
}

// TestVanishQueued shows that the time of a message begins when it leaves, not when it was written.
func TestVanishQueued(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	Must[core.Done](ann, core.SetVanish{Chat: chat, Seconds: 60})
	w.Pass(5 * time.Second)
	ann.SetOffline(true)
	w.Run()
	id := Must[core.Sent](ann, core.SendText{Chat: chat, Text: "later"}).Message
	Must[core.Done](ann, core.React{Chat: chat, Message: id, Emoji: "👍", On: true})
	w.Leap(time.Hour)
	if m := last(ann, chat); m.Text != "later" || m.Gone != 0 || m.State != core.StateQueued {
		t.Errorf("while it waits: got %+v", m)
	}
	ann.SetOffline(false)
	w.Pass(5 * time.Second)
	for _, c := range []*Client{ann, bob} {
		if m := last(c, chat); m.Text != "later" || len(m.Reactions) != 1 || m.Gone < w.Now.Add(50*time.Second).UnixMilli() {
			t.Errorf("%s: got %+v", c.Name, m)
		}
	}
	w.Pass(70 * time.Second)
	for _, c := range []*Client{ann, bob} {
		if got := traces(c, "later", id); len(got) > 0 {
			t.Errorf("%s still has %q", c.Name, got)
		}
	}
}

// TestVanishShared shows that a file that two messages use stays until the last of them goes.
func TestVanishShared(t *testing.T) {
	w, ann, _ := pair(t)
	chat := ann.Chat("Bob").ID
	saved := ann.Chat("saved").ID
	Must[core.Done](ann, core.SetVanish{Chat: chat, Seconds: 60})
	w.Pass(5 * time.Second)
	one := Must[core.Sent](ann, core.SendText{Chat: chat, Files: []core.File{{Ref: "own", Name: "x", Mime: "text/plain", Size: 7}}}).Message
	uploaded(ann)
	w.Pass(20 * time.Second)
	Must[core.Done](ann, core.SetVanish{Chat: saved, Seconds: 60})
	w.Pass(time.Second)
	Must[core.Done](ann, core.Forward{Chat: chat, Messages: []string{one}, To: []string{saved, chat}})
	uploaded(ann)
	w.Pass(50 * time.Second)
	if got := traces(ann, "none", one); len(got) > 0 || removed(ann, "own") {
		t.Errorf("the first has gone: left %q, file removed %v", got, removed(ann, "own"))
	}
	w.Pass(30 * time.Second)
	if !removed(ann, "own") || len(traces(ann, "own")) > 0 {
		t.Errorf("all have gone, and the file is removed: %v; left %q", removed(ann, "own"), traces(ann, "own"))
	}
}

// TestVanishArchives shows that what expires goes into no archive for newcomers and no vault of words, goes to one's
// own new device with its time, and that there it goes in time.
func TestVanishArchives(t *testing.T) {
	w, ann, bob, _, g := trioLinked(t)
	gate := Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].Link
	Must[core.Words](ann, core.MakeWords{})
	Must[core.Done](ann, core.KeepWords{})
	Must[core.Done](ann, core.SetGroup{Chat: g, Rules: &core.Rules{History: -1}})
	if got := bob.Fails(core.SetVanish{Chat: g, Seconds: 3600}); got != core.ErrNotAllowed {
		t.Errorf("a member sets the timer: got %q", got)
	}
	Must[core.Sent](ann, core.SendText{Chat: g, Text: "stays"})
	Must[core.Done](ann, core.SetVanish{Chat: g, Seconds: 3600})
	w.Pass(5 * time.Second)
	id := Must[core.Sent](ann, core.SendText{Chat: g, Text: "canary"}).Message
	w.Pass(2 * time.Minute)
	dan := newcomer(t, w, "Dan", gate)
	w.Pass(20 * time.Second)
	if got := says(dan, g); !slices.Equal(got, []string{"Ann: stays"}) {
		t.Errorf("a newcomer reads %q", got)
	}
	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	if m, err := core.Read(lap.Vault, g, id); err != nil || m == nil || m.Gone == 0 {
		t.Errorf("on one's new device: %+v, %v", m, err)
	}
	w.Leap(time.Hour)
	w.Pass(5 * time.Second)
	for _, c := range []*Client{ann, bob, lap} {
		if got := traces(c, "canary", id); len(got) > 0 {
			t.Errorf("%s still has %q", c.Name, got)
		}
	}
	late := w.Client("late")
	link(t, lap, late, "Late")
	w.Pass(time.Minute)
	if got := traces(late, "canary", id); len(got) > 0 {
		t.Errorf("a device that came when it had gone has %q", got)
	}
}

// TestVanishBounds tries the timer at its limits and one past them.
func TestVanishBounds(t *testing.T) {
	_, ann, _ := pair(t)
	chat := ann.Chat("Bob").ID
	for n, want := range map[int]core.ErrCode{
		0: "", core.VanishMin: "", core.VanishMin - 1: core.ErrBadArguments, core.VanishMax: "", core.VanishMax + 1: core.ErrBadArguments, -1: core.ErrBadArguments,
	} {
		if got := ann.Fails(core.SetVanish{Chat: chat, Seconds: n}); got != want {
			t.Errorf("%d s: got %q, want %q", n, got, want)
		}
	}
}

// TestVanishUnread shows that what goes is unread no more, and takes nothing else from the count.
func TestVanishUnread(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	Must[core.Done](ann, core.SetVanish{Chat: chat, Seconds: 60})
	w.Pass(time.Second)
	read := Must[core.Sent](ann, core.SendText{Chat: chat, Text: "read"}).Message
	w.Pass(time.Second)
	Must[core.Done](bob, core.MarkRead{Chat: chat, Message: read})
	Must[core.Done](ann, core.SetVanish{Chat: chat})
	w.Pass(time.Second)
	Must[core.Sent](ann, core.SendText{Chat: chat, Text: "stays"})
	Must[core.Done](ann, core.SetVanish{Chat: chat, Seconds: 120})
	w.Pass(time.Second)
	Must[core.Sent](ann, core.SendText{Chat: chat, Text: "@Bob", Mentions: []core.Mention{{Length: 4, Person: bob.Person()}}})
	w.Pass(time.Second)
	for _, x := range []struct {
		d                time.Duration
		unread, mentions int
	}{{0, 2, 1}, {time.Minute, 2, 1}, {2 * time.Minute, 1, 0}} {
		w.Pass(x.d)
		if c := bob.Chat("Ann"); c.Unread != x.unread || c.Mentions != x.mentions {
			t.Errorf("after %v: %d unread, %d mentions, want %d and %d", x.d, c.Unread, c.Mentions, x.unread, x.mentions)
		}
	}
}

// TestVanishLateNote shows that what is said about a message, and arrives where the message has gone already, goes too.
func TestVanishLateNote(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	Must[core.Done](ann, core.SetVanish{Chat: chat, Seconds: 100})
	w.Pass(time.Minute)
	lap.SetOffline(true)
	id := Must[core.Sent](ann, core.SendText{Chat: chat, Text: "canary"}).Message
	w.Pass(10 * time.Second)
	bob.SetOffline(true)
	w.Run()
	Must[core.Done](bob, core.React{Chat: chat, Message: id, Emoji: "👍", On: true}) // 90 seconds, from when it leaves
	w.Pass(80 * time.Second)
	bob.SetOffline(false)
	w.Pass(20 * time.Second)
	lap.SetOffline(false)
	w.Pass(10 * time.Second)
	if m, err := core.Read(lap.Vault, chat, id); m != nil || err != nil {
		t.Errorf("shown where it came too late: %+v, %v", m, err)
	}
	if len(traces(lap, "canary", id)) == 0 {
		t.Errorf("that was no test: the reaction did not arrive")
	}
	w.Pass(80 * time.Second)
	for _, c := range []*Client{ann, bob, lap} {
		if got := traces(c, "canary", id); len(got) > 0 {
			t.Errorf("%s still has %q", c.Name, got)
		}
	}
}

// TestVanishWords shows that the vault of twelve words holds nothing that expires.
func TestVanishWords(t *testing.T) {
	w, ann, bob, chat, _, words := vaulted(t)
	Must[core.Done](bob, core.SetVanish{Chat: chat, Seconds: 86400})
	w.Pass(time.Second)
	id := Must[core.Sent](bob, core.SendText{Chat: chat, Text: "canary"}).Message
	Must[core.Done](bob, core.SetVanish{Chat: chat})
	w.Pass(time.Second)
	Must[core.Sent](bob, core.SendText{Chat: chat, Text: "stays"})
	w.Pass(2 * time.Hour)
	ann.SetOffline(true)
	bob.SetOffline(true) // or he would tell who comes back what has time left
	fresh := w.Client("fresh")
	Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
	w.Pass(3 * time.Minute)
	if list := fresh.Texts(chat); !slices.Contains(list, "Bob: stays") {
		t.Errorf("that was no test: %q", list)
	}
	if got := traces(fresh, "canary", id); len(got) > 0 {
		t.Errorf("recovered: %q", got)
	}
}
