package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// stands is how a chat stands in a client's list.
func stands(c *Client, chat string) (s struct {
	muted                    int64
	archived, pinned, marked bool
}) {
	for _, x := range c.State().Chats {
		if x.ID == chat {
			s.muted, s.archived, s.pinned, s.marked = x.Muted, x.Archived, x.Pinned, x.Marked
		}
	}
	return s
}

// TestSetChat (D-25) shows what can be said of a chat, at its limits and one past them, that reading takes the mark
// away, and that a message brings a chat out of the archive unless it is muted.
func TestSetChat(t *testing.T) {
	w, ann, bob := pair(t)
	two := ann.Chat("Bob").ID
	for _, x := range []struct {
		set  core.SetChat
		want core.ErrCode
	}{
		{core.SetChat{Chat: "?"}, core.ErrNoChat},
		{core.SetChat{Chat: two, Muted: new(int64(-2))}, core.ErrBadArguments},
		{core.SetChat{Chat: two, Muted: new(int64(-1))}, ""},
		{core.SetChat{Chat: two, Archived: new(true), Pinned: new(true), Unread: new(true)}, ""},
	} {
		if got := ann.Fails(x.set); got != x.want {
			t.Errorf("%+v: got %q, want %q", x.set, got, x.want)
		}
	}
	if s := stands(ann, two); s.muted != -1 || !s.archived || !s.pinned || !s.marked {
		t.Errorf("the chat stands as %+v", s)
	}
	ann.Crash()
	w.Pass(time.Second)
	Must[core.Sent](bob, core.SendText{Chat: two, Text: "one"})
	w.Pass(time.Second)
	if s := stands(ann, two); !s.archived {
		t.Error("a muted chat came out of the archive")
	}
	until := w.Now.Add(time.Minute).UnixMilli()
	Must[core.Done](ann, core.SetChat{Chat: two, Muted: &until})
	if s := stands(ann, two); s.muted != until {
		t.Errorf("muted until %d, want %d", s.muted, until)
	}
	w.Pass(time.Minute)
	if s := stands(ann, two); s.muted != 0 {
		t.Errorf("muted until %d when that is over", s.muted)
	}
	Must[core.Sent](ann, core.SendText{Chat: two, Text: "own"})
	w.Pass(time.Second)
	if s := stands(ann, two); !s.archived {
		t.Error("an own message brought it out of the archive")
	}
	m := Must[core.Sent](bob, core.SendText{Chat: two, Text: "two"}).Message
	w.Pass(time.Second)
	if s := stands(ann, two); s.archived || !s.pinned || !s.marked {
		t.Errorf("after a message it stands as %+v", s)
	}
	Must[core.Done](ann, core.MarkRead{Chat: two, Message: m})
	if s := stands(ann, two); s.marked {
		t.Error("what was read is still marked")
	}
	for n := range core.ChatPinsMax {
		g := Must[core.Joined](ann, core.NewGroup{Name: "G"}).Chat
		want := core.ErrCode("")
		if n == core.ChatPinsMax-1 {
			want = core.ErrChatsPinned
		}
		if got := ann.Fails(core.SetChat{Chat: g, Pinned: new(true)}); got != want {
			t.Errorf("%d more on top: got %q, want %q", n+1, got, want)
		}
	}
	Must[core.Done](ann, core.SetChat{Chat: two, Pinned: new(true)}) // it is
}

// TestSetChatElsewhere (D-25) shows that all devices show a chat the same: one that was linked later, two that said
// something while they were away, of which the newest word of each kind counts, and one that twelve words bring back.
func TestSetChatElsewhere(t *testing.T) {
	w, ann, bob, two, group, words := vaulted(t)
	Must[core.Done](ann, core.SetChat{Chat: two, Muted: new(int64(-1))})
	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	if s := stands(lap, two); s.muted != -1 {
		t.Errorf("the linked device shows %+v", s)
	}
	ann.SetOffline(true)
	lap.SetOffline(true)
	Must[core.Done](lap, core.SetChat{Chat: two, Muted: new(int64(0)), Pinned: new(true)})
	Must[core.Done](ann, core.SetChat{Chat: group, Archived: new(true), Muted: new(int64(-1))})
	w.Pass(time.Second)
	Must[core.Done](ann, core.SetChat{Chat: two, Pinned: new(false), Unread: new(true)}) // not said before: nothing to take away
	Must[core.Done](ann, core.SetChat{Chat: two, Muted: new(w.Now.Add(time.Hour * 1000).UnixMilli())})
	w.Pass(time.Second)
	Must[core.Done](lap, core.SetChat{Chat: group, Archived: new(true)})
	Must[core.Done](lap, core.SetChat{Chat: group, Archived: new(false)})
	ann.SetOffline(false)
	w.Pass(time.Minute)
	lap.SetOffline(false)
	w.Pass(time.Minute)
	for _, chat := range []string{two, group} {
		if a, l := stands(ann, chat), stands(lap, chat); a != l {
			t.Errorf("the phone shows %+v, the laptop %+v", a, l)
		}
	}
	if s := stands(ann, two); s.muted <= 0 || !s.pinned || !s.marked {
		t.Errorf("the conversation stands as %+v", s)
	}
	if s := stands(ann, group); s.archived || s.muted != -1 {
		t.Errorf("the group stands as %+v", s)
	}
	// One archives while the other has not read yet what was there: it stays archived.
	lap.SetOffline(true)
	Must[core.Sent](bob, core.SendText{Chat: two, Text: "before"})
	w.Pass(time.Second)
	Must[core.Done](ann, core.SetChat{Chat: two, Muted: new(int64(0)), Archived: new(true)})
	w.Pass(time.Second)
	lap.SetOffline(false)
	w.Pass(time.Minute)
	if a, l := stands(ann, two), stands(lap, two); !a.archived || !l.archived {
		t.Errorf("archived: the phone shows %+v, the laptop %+v", a, l)
	}
	w.Pass(2 * time.Hour)
	ann.SetOffline(true)
	lap.SetOffline(true)
	want := stands(ann, group)
	fresh := w.Client("fresh")
	Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
	w.Pass(3 * time.Minute)
	if got := stands(fresh, group); got != want {
		t.Errorf("recovered: %+v, want %+v", got, want)
	}
}

// TestSetChatArchivedUpTo (D-25) shows that what was there when another device archived a chat does not bring it back
// when it is read only then, and what came later does.
func TestSetChatArchivedUpTo(t *testing.T) {
	for _, x := range []struct {
		ahead int64 // of what is read here
		want  bool
	}{{100, true}, {0, false}} {
		w, ann, bob := pair(t)
		two := ann.Chat("Bob").ID
		core.ArchiveSaid(ann.M, two, x.ahead)
		if !stands(ann, two).archived {
			t.Fatal("it is not archived")
		}
		Must[core.Sent](bob, core.SendText{Chat: two, Text: "one"})
		w.Pass(time.Second)
		if got := stands(ann, two).archived; got != x.want {
			t.Errorf("archived %d records ahead: after a message %v, want %v", x.ahead, got, x.want)
		}
	}
}
