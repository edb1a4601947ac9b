package core_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// TestOffline shows that what is written while the server is away goes out later, once and in
// order, also when the client is restarted in between.
func TestOffline(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	bob.SetOffline(true)
	w.Run()
	if bob.State().Online {
		t.Errorf("Bob is online")
	}
	var want []string
	for _, x := range []string{"1", "2", "3"} {
		coretest.Must[core.Sent](bob, core.SendText{Chat: a, Text: x})
		coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "a" + x})
		want = append(want, "Ann: a"+x)
	}
	list := bob.Page(a)
	for _, x := range list {
		if x.State != core.StateQueued || x.Index < 1<<52 {
			t.Errorf("got %s at %d, want queued", x.State, x.Index)
		}
	}
	bob.Crash()
	w.Run()
	bob.SetOffline(false)
	w.Run()
	want = append(want, "Bob: 1", "Bob: 2", "Bob: 3")
	same(t, "Ann reads", ann.Texts(a), want)
	same(t, "Bob reads", bob.Texts(a), want)
	for _, x := range bob.Page(a) {
		if x.Index >= 1<<52 || x.State == core.StateQueued {
			t.Errorf("got %s at %d", x.State, x.Index)
		}
	}
	if got := bob.Fails(core.Invite{}); got != "" {
		t.Errorf("invite: got %q", got)
	}
	bob.SetOffline(true)
	w.Run()
	id := bob.Do(core.Invite{})
	w.Pass(20 * time.Second)
	if got := bob.Replies[id].Err; got != core.ErrOffline {
		t.Errorf("invite without the server: got %q, want offline", got)
	}
}

// TestRepeats shows that records given twice, sessions that end at any time and commands given
// twice change nothing.
func TestRepeats(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	for _, x := range []string{"1", "2", "3", "4"} {
		ann.DoID("send"+x, core.SendText{Chat: a, Text: x})
		ann.Drop() // before the answer
		w.Run()
		ann.DoID("send"+x, core.SendText{Chat: a, Text: x})
		w.Run()
		bob.Drop()
		w.Run()
	}
	// The server's copies once more, as new records: replays.
	l := w.Server.Log(a)
	for _, r := range slices.Clone(l.Records) {
		w.Inject(a, r.Body)
	}
	w.Run()
	// And as old events.
	for h := range wire.Handle(40) {
		for _, r := range l.Records {
			bob.Give(core.Pushed{Server: w.Server.ID, Event: wire.RecordEvent{Handle: h, Seq: r.Seq, Body: r.Body}})
		}
	}
	w.Run()
	want := []string{"Ann: 1", "Ann: 2", "Ann: 3", "Ann: 4"}
	same(t, "Ann reads", ann.Texts(a), want)
	same(t, "Bob reads", bob.Texts(a), want)
	ann.Crash()
	w.Run()
	ann.DoID("send4", core.SendText{Chat: a, Text: "4"})
	w.Run()
	same(t, "after a restart", bob.Texts(a), want)
	if ann.Chat("Bob").Forked || bob.Chat("Ann").Forked {
		t.Errorf("replays look like a fork")
	}
}

// TestLinks shows what happens to links that do not lead anywhere.
func TestLinks(t *testing.T) {
	w, ann, bob := pair(t)
	link := coretest.Must[core.InviteLink](ann, core.Invite{Uses: 1}).Link
	if got := ann.Fails(core.Join{Link: link}); got != core.ErrLinkSelf {
		t.Errorf("own link: got %q", got)
	}
	if got := ann.Fails(core.CheckLink{Link: link}); got != core.ErrLinkSelf {
		t.Errorf("own link, only looked at: got %q, want %q", got, core.ErrLinkSelf)
	}
	if got := coretest.Must[core.LinkInfo](bob, core.CheckLink{Link: link}); !got.Person {
		t.Errorf("another's link, looked at: got %+v, want a person's", got)
	}
	if got := coretest.Must[core.Joined](bob, core.Join{Link: link}).Chat; got != bob.Chat("Ann").ID {
		t.Errorf("a contact's link: got %q, want the chat there is", got)
	}
	cid, dan := w.Client("Cid"), w.Client("Dan")
	for link, want := range map[string]core.ErrCode{
		"nonsense": core.ErrBadLink, link[:len(link)-5]: core.ErrBadLink, strings.Replace(link, "#1.", "#2.", 1): core.ErrLinkVersion,
	} {
		if got := cid.Fails(core.Join{Link: link, Name: "Cid"}); got != want {
			t.Errorf("link: got %q, want %q", got, want)
		}
	}
	for name, want := range map[string]core.ErrCode{"": core.ErrNameEmpty, strings.Repeat("x", 129): core.ErrNameLong, "a\u202eb": core.ErrNameBad} {
		if got := cid.Fails(core.Join{Link: link, Name: name}); got != want {
			t.Errorf("name: got %q, want %q", got, want)
		}
	}
	if got := cid.Fails(core.SendText{Chat: "x", Text: "x"}); got != core.ErrNoAccount {
		t.Errorf("no account: got %q", got)
	}
	coretest.Must[core.Joined](cid, core.Join{Link: link, Name: strings.Repeat("x", 128)})
	w.Run()
	if got := dan.Fails(core.Join{Link: link, Name: "Dan"}); got != core.ErrLinkUsedUp {
		t.Errorf("used up: got %q", got)
	}
	if s := dan.State(); s.Account != nil || len(dan.Vault.Keys()) != 0 {
		t.Errorf("a link that did not work left something: %q", dan.Vault.Keys())
	}
	late := coretest.Must[core.InviteLink](ann, core.Invite{Days: 1}).Link
	w.Leap(50 * time.Hour)
	if got := dan.Fails(core.Join{Link: late, Name: "Dan"}); got != core.ErrLinkUsedUp {
		t.Errorf("expired: got %q", got)
	}
	dan.SetOffline(true)
	id := dan.Do(core.Join{Link: link, Name: "Dan"})
	w.Pass(20 * time.Second)
	if got := dan.Replies[id].Err; got != core.ErrOffline {
		t.Errorf("no server: got %q", got)
	}
	dan.SetOffline(false)
	id = dan.Do(core.Join{Link: link, Name: "Dan"})
	dan.Give(core.Disconnected{Server: w.Server.ID, Why: plane.Refused})
	if got := dan.Replies[id].Err; got != core.ErrServerKey || dan.State().Notice != "server-key" {
		t.Errorf("another key: got %q, notice %q", got, dan.State().Notice)
	}
}

// TestUsedUpMeanwhile shows the chat of a link that is used up between the join and the knock.
func TestUsedUpMeanwhile(t *testing.T) {
	w, ann, _ := pair(t)
	cid := w.Client("Cid")
	link := coretest.Must[core.InviteLink](ann, core.Invite{Uses: 1}).Link
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.Knock); ok {
			return wire.Done{Code: plane.UsedUp}
		}
		return nil
	}
	chat := coretest.Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"}).Chat
	if got := cid.State().Chats; len(got) != 2 || got[0].ID != chat && got[1].ID != chat {
		t.Fatalf("chats %+v", got)
	}
	for _, x := range cid.State().Chats {
		if x.ID == chat && x.State != "refused" {
			t.Errorf("got %s, want refused", x.State)
		}
	}
	if got := cid.Fails(core.SendText{Chat: chat, Text: "x"}); got != core.ErrNotAllowed {
		t.Errorf("write: got %q", got)
	}
}

// TestReceipts shows delivered and read marks, by signal at once and durably after a while, and
// that who does not want to tell does not.
func TestReceipts(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	state := func(want core.MessageState, what string) {
		t.Helper()
		list := ann.Page(a)
		if got := list[len(list)-1].State; got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	bob.SetOffline(true)
	w.Run()
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "x"})
	state(core.StateSent, "Bob is away")
	bob.SetOffline(false)
	w.Run()
	w.Pass(31 * time.Second)
	state(core.StateDelivered, "Bob is back")
	ann.Events = nil
	last := bob.Page(a)[0].ID
	if got := bob.Chat("Ann").Unread; got != 1 {
		t.Errorf("unread: got %d", got)
	}
	n := len(w.Server.Log(a).Records)
	coretest.Must[core.Done](bob, core.MarkRead{Chat: a, Message: last})
	state(core.StateRead, "by signal")
	if len(w.Server.Log(a).Records) != n {
		t.Errorf("the durable receipt went out at once")
	}
	if got := bob.Chat("Ann"); got.Unread != 0 || got.ReadUpTo != last {
		t.Errorf("after reading: %+v", got)
	}
	seen := false
	for _, e := range ann.Events {
		if x, ok := e.(core.MessageChanged); ok && x.Message.State == core.StateRead {
			seen = true
		}
	}
	if !seen {
		t.Errorf("no event tells that the message was read")
	}
	w.Pass(31 * time.Second)
	if len(w.Server.Log(a).Records) != n+1 {
		t.Errorf("durable receipts: got %d records, want one more than %d", len(w.Server.Log(a).Records), n)
	}
	ann.Crash()
	w.Run()
	state(core.StateRead, "after a restart")
	off := false
	coretest.Must[core.Done](bob, core.SetSettings{ReadReceipts: &off})
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "y"})
	list := bob.Page(a)
	coretest.Must[core.Done](bob, core.MarkRead{Chat: a, Message: list[len(list)-1].ID})
	w.Pass(31 * time.Second)
	state(core.StateDelivered, "Bob does not tell")
}

// TestTyping shows that typing shows, is not sent too often, and fades.
func TestTyping(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	signals := 0
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.Signal); ok {
			signals++
		}
		return nil
	}
	who := func() []string {
		var last []string
		for _, e := range ann.Events {
			if x, ok := e.(core.TypingChanged); ok {
				last = x.Who
			}
		}
		return last
	}
	for range 5 {
		coretest.Must[core.Done](bob, core.Typing{Chat: a})
	}
	if signals != 1 {
		t.Errorf("got %d signals, want 1", signals)
	}
	same(t, "typing", who(), []string{"Bob"})
	w.Pass(7 * time.Second)
	same(t, "typing later", who(), nil)
}

// TestHistories shows that a server that shows two histories is found out, whichever way it does
// it, and that records that expired while one was away are no false alarm.
func TestHistories(t *testing.T) {
	t.Run("another-record", func(t *testing.T) {
		w, ann, bob := pair(t)
		a := ann.Chat("Bob").ID
		w.Pass(40 * time.Second)
		w.Server.Show = func(c *coretest.Client, id plane.LogID, r wire.Record) *wire.Record {
			if c == bob && id.Text() == a && r.Seq == 4 {
				return &wire.Record{Seq: r.Seq, Body: bytes.Repeat([]byte{7}, 1024)}
			}
			return &r
		}
		for _, x := range []string{"1", "2", "3", "4", "5"} {
			coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: x})
		}
		if !bob.Chat("Ann").Forked {
			t.Errorf("Bob does not notice")
		}
		list := bob.Texts(a)
		if !slices.Contains(list, "* Ann forked") {
			t.Errorf("no line says so: %q", list)
		}
	})
	t.Run("withheld", func(t *testing.T) {
		w, ann, bob := pair(t)
		a := ann.Chat("Bob").ID
		w.Server.Show = func(c *coretest.Client, id plane.LogID, r wire.Record) *wire.Record {
			if c == bob && id.Text() == a && r.Seq == 4 {
				return nil
			}
			return &r
		}
		for _, x := range []string{"1", "2", "3", "4", "5"} {
			coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: x})
		}
		if !bob.Chat("Ann").Forked {
			t.Errorf("Bob does not notice")
		}
	})
	t.Run("expired", func(t *testing.T) {
		w, ann, bob := pair(t)
		a := ann.Chat("Bob").ID
		bob.SetOffline(true)
		w.Run()
		for _, x := range []string{"1", "2", "3"} {
			coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: x})
		}
		w.Leap(3 * 24 * time.Hour)
		coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "4"})
		w.Leap(28 * 24 * time.Hour)
		w.Server.Log(a).Expire(4)
		bob.SetOffline(false)
		w.Run()
		w.Pass(time.Minute)
		coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "5"})
		coretest.Must[core.Sent](bob, core.SendText{Chat: a, Text: "6"})
		if bob.Chat("Ann").Forked || ann.Chat("Bob").Forked {
			t.Errorf("a false alarm")
		}
		if got := ann.Texts(a); got[len(got)-1] != "Bob: 6" {
			t.Errorf("Ann reads %q", got)
		}
	})
}

// TestGarbage shows that records which nobody can read pass over everybody alike.
func TestGarbage(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	for i, n := range []int{0, 1, 1024, 4096, 8160, 9000} {
		w.Inject(a, bytes.Repeat([]byte{byte(i)}, n))
	}
	w.Run()
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "x"})
	coretest.Must[core.Sent](bob, core.SendText{Chat: a, Text: "y"})
	same(t, "Bob reads", bob.Texts(a), []string{"Ann: x", "Bob: y"})
	if ann.Chat("Bob").Forked || bob.Chat("Ann").Forked {
		t.Errorf("a false alarm")
	}
}

// TestBothJoin shows two people who open each other's links at the same time: one chat each, and
// nothing that either wrote is lost.
func TestBothJoin(t *testing.T) {
	w := coretest.New(t)
	ann, bob := w.Client("Ann"), w.Client("Bob")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	coretest.Must[core.Joined](bob, core.Join{Link: w.Server.Link(), Name: "Bob"})
	la := coretest.Must[core.InviteLink](ann, core.Invite{}).Link
	lb := coretest.Must[core.InviteLink](bob, core.Invite{}).Link
	ia, ib := ann.Do(core.Join{Link: lb}), bob.Do(core.Join{Link: la})
	w.Run()
	a, b := ann.Replies[ia].Result.(core.Joined).Chat, bob.Replies[ib].Result.(core.Joined).Chat
	if a == b {
		t.Fatalf("they did not meet: the test proves nothing")
	}
	a, b = ann.Chat("Bob").ID, bob.Chat("Ann").ID
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "1"})
	coretest.Must[core.Sent](bob, core.SendText{Chat: b, Text: "2"})
	w.Pass(40 * time.Second)
	want := []string{"Ann: 1", "Bob: 2"}
	same(t, "Ann reads", ann.Texts(a), want)
	same(t, "Bob reads", bob.Texts(b), want)
	for _, c := range []*coretest.Client{ann, bob} {
		if got := len(c.State().Chats); got != 2 {
			t.Errorf("%s has %d chats, want Saved and one more", c.Name, got)
		}
	}
	one := ann.Page(a)[0].ID
	coretest.Must[core.Done](bob, core.React{Chat: b, Message: one, Emoji: "👍", On: true})
	if got := ann.Page(a)[0]; len(got.Reactions) != 1 || got.State == core.StateSent {
		t.Errorf("got %+v", got)
	}
	ann.Crash()
	w.Run()
	same(t, "after a restart", ann.Texts(a), want)
}

// TestClock shows that a clock that is a day off is told of.
func TestClock(t *testing.T) {
	w, ann, _ := pair(t)
	w.Now = w.Now.Add(48 * time.Hour)
	ann.Crash()
	w.Run()
	if got := ann.State().Notice; got != "clock" {
		t.Errorf("got notice %q, want clock", got)
	}
	w.Now = w.Now.Add(-48 * time.Hour)
	ann.Drop()
	w.Run()
	if got := ann.State().Notice; got != "" {
		t.Errorf("got notice %q, want none", got)
	}
}

// TestBusy shows growing delays and no loss with a server that is full or busy.
func TestBusy(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	tries := 0
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.Append); ok && c == ann {
			tries++
			return wire.Done{Code: []plane.Code{plane.Busy, plane.Full, plane.Failed}[tries%3]}
		}
		return nil
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "x"})
	w.Pass(2 * time.Minute)
	if tries < 4 || tries > 15 {
		t.Errorf("got %d tries in two minutes", tries)
	}
	w.Server.Refuse = nil
	w.Pass(6 * time.Minute)
	same(t, "Bob reads", bob.Texts(a), []string{"Ann: x"})
}

// TestLastResort empties a pool: who comes in through the last-resort package gets new keys at
// once, and the same request again is not a second conversation.
func TestLastResort(t *testing.T) {
	w, ann, _ := pair(t)
	link := coretest.Must[core.InviteLink](ann, core.Invite{}).Link
	ann.SetOffline(true)
	w.Run()
	w.Server.DrainPools()
	cid := w.Client("Cid")
	chat := coretest.Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"}).Chat
	coretest.Must[core.Sent](cid, core.SendText{Chat: chat, Text: "through the last resort"})
	ann.SetOffline(false)
	w.Run()
	w.Pass(time.Minute)
	if got := w.Server.Log(chat).Gen(); got != 2 {
		t.Errorf("generation: got %d, want 2", got)
	}
	w.Server.RepeatRequests(w)
	w.Run()
	if got := len(ann.State().Chats); got != 3 {
		t.Errorf("after the request came again: %d chats, want Saved, Bob and Cid", got)
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: chat, Text: "welcome"})
	same(t, "Cid reads", cid.Texts(chat), []string{"Cid: through the last resort", "Ann: welcome"})
}

// TestDiscard shows what becomes of a message that is discarded before it was sent, and after.
func TestDiscard(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.Append); ok && c == ann {
			return wire.Done{Code: plane.Busy}
		}
		return nil
	}
	sealed := coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "sealed"}).Message
	ann.SetOffline(true)
	w.Run()
	fresh := coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "fresh"}).Message
	coretest.Must[core.Done](ann, core.Discard{Chat: a, Message: fresh})
	coretest.Must[core.Done](ann, core.Discard{Chat: a, Message: sealed})
	if got := ann.Fails(core.Discard{Chat: a, Message: fresh}); got != core.ErrNoMessage {
		t.Errorf("twice: got %q", got)
	}
	w.Server.Refuse = nil
	ann.SetOffline(false)
	w.Run()
	w.Pass(6 * time.Minute)
	same(t, "Bob reads", bob.Texts(a), []string{"Ann: (deleted)"})
	same(t, "Ann reads", ann.Texts(a), []string{"Ann: (deleted)"})
}
