package core_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
	"paperplane/protocol/plane"
)

// uploaded ends the uploads of a client that are under way.
func uploaded(c *Client) {
	for _, u := range moves[core.Upload](c) {
		c.Give(core.Transfer{ID: u.ID, Finished: true, Code: plane.OK})
	}
	c.Moves = nil
	c.W.Run()
}

// TestMedia (C-34, C-49) sends a voice message, a sticker and a film: all arrive as what they are, and what is none
// is refused.
func TestMedia(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	voice := core.File{Ref: "v", Name: "voice.webm", Mime: "audio/webm", Size: 9000, Voice: true, Duration: 4200, Wave: []byte{0, 9, 255}}
	sticker := core.File{Ref: "s", Name: "s.webp", Mime: "image/webp", Size: 512 << 10, Width: 512, Height: 512, Sticker: "👋", Pack: "https://example.org/p#x"}
	film := core.File{Ref: "m", Name: "m.mp4", Mime: "video/mp4", Size: 100000, Width: 640, Height: 360, Duration: 60000}
	for _, f := range []core.File{voice, sticker, film} {
		Must[core.Sent](ann, core.SendText{Chat: chat, Files: []core.File{f}, Silent: f.Voice})
		uploaded(ann)
		w.Pass(time.Second)
		m := last(bob, chat)
		if len(m.Files) != 1 || m.Silent != f.Voice {
			t.Fatalf("%s: arrives as %+v", f.Mime, m)
		}
		if a := m.Files[0]; a.Voice != f.Voice || a.Duration != f.Duration || !bytes.Equal(a.Wave, f.Wave) || a.Sticker != f.Sticker || a.Pack != f.Pack || a.Width != f.Width {
			t.Errorf("%s: arrives as %+v", f.Mime, a)
		}
	}
	large, other, named := sticker, sticker, sticker
	large.Size++
	other.Mime = "image/gif"
	named.Sticker = "two words"
	late, loud := voice, voice
	late.Duration = 86400001
	loud.Wave = make([]byte, 65)
	for name, x := range map[string]core.SendText{
		"large": {Files: []core.File{large}}, "type": {Files: []core.File{other}}, "emoji": {Files: []core.File{named}},
		"with-text": {Files: []core.File{sticker}, Text: "x"}, "two": {Files: []core.File{sticker, sticker}},
		"long": {Files: []core.File{late}}, "wave": {Files: []core.File{loud}},
	} {
		x.Chat = chat
		if got := ann.Fails(x); got != core.ErrBadArguments {
			t.Errorf("%s: got %q, want bad-arguments", name, got)
		}
	}
}

// TestForward (C-33) forwards words, a file and a poll: with the author's name or without, once more, and only what
// is here.
func TestForward(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	saved := ann.Chat("saved").ID
	cid := w.Client("cid")
	Must[core.Joined](cid, core.Join{Link: Must[core.InviteLink](ann, core.Invite{}).Link, Name: "Cid"})
	w.Pass(time.Second)
	second := ann.Chat("Cid").ID
	words := Must[core.Sent](bob, core.SendText{Chat: chat, Text: "first"}).Message
	file := Must[core.Sent](bob, core.SendText{Chat: chat, Text: "caption", Files: []core.File{{Ref: "b", Name: "v.webm", Mime: "audio/webm", Size: 70, Voice: true, Duration: 5, Wave: []byte{1}}}}).Message
	uploaded(bob)
	poll := Must[core.Sent](bob, core.SendPoll{Chat: chat, Question: "?", Options: []string{"a", "b"}}).Message
	Must[core.Done](bob, core.Vote{Chat: chat, Message: poll, Options: []int{1}})
	w.Pass(time.Second)
	all := core.Forward{Chat: chat, Messages: []string{words, file, poll}, To: []string{second, saved}}
	if got := ann.Fails(all); got != core.ErrFileAway {
		t.Fatalf("a file that is not here: got %q", got)
	}
	if n := len(ann.Page(second)) + len(ann.Page(saved)); n != 0 {
		t.Errorf("refused, and %d messages are sent", n)
	}
	Must[core.Done](ann, core.Fetch{Chat: chat, Message: file})
	down := moves[core.Download](ann)[0]
	ann.Give(core.Transfer{ID: down.ID, Finished: true, Code: plane.OK})
	ann.Moves = nil
	Must[core.Done](ann, all)
	up := moves[core.Upload](ann)
	if len(up) != 2 || up[0].File != down.File || up[0].Secret == up[1].Secret || up[0].Key == up[1].Key {
		t.Fatalf("uploads: got %+v, want two blobs of one file", up)
	}
	uploaded(ann)
	w.Pass(time.Second)
	got := cid.Page(second)
	if len(got) != 3 {
		t.Fatalf("Cid has %d messages", len(got))
	}
	// What waits for its file stands behind what did not.
	at := func(kind core.MessageKind) core.Message {
		return got[slices.IndexFunc(got, func(m core.Message) bool { return m.Kind == kind })]
	}
	if m := at(core.KindText); m.Text != "first" || m.Forwarded != "Bob" || m.FromName != "Ann" {
		t.Errorf("words: got %+v", m)
	}
	if m := at(core.KindFile); m.Text != "caption" || m.Forwarded != "Bob" || !m.Files[0].Voice || m.Files[0].Duration != 5 {
		t.Errorf("file: got %+v", m)
	}
	if m := at(core.KindPoll); m.Poll.Voters != 0 || m.Forwarded != "Bob" || len(m.Poll.Options) != 2 {
		t.Errorf("poll: got %+v", m.Poll)
	}
	if n := len(ann.Page(saved)); n != 3 {
		t.Errorf("saved has %d", n)
	}
	// On from Cid: it stays Bob's; hidden it is Cid's.
	first := at(core.KindText).ID
	Must[core.Done](cid, core.Forward{Chat: second, Messages: []string{first}, To: []string{second}})
	Must[core.Done](cid, core.Forward{Chat: second, Messages: []string{first}, To: []string{second}, Hide: true})
	w.Pass(time.Second)
	list := ann.Page(second)
	if a, b := list[len(list)-2], list[len(list)-1]; a.Forwarded != "Bob" || b.Forwarded != "" || a.Text != "first" || b.Text != "first" {
		t.Errorf("on from Cid: got %+v and %+v", a, b)
	}
	many := make([]string, core.ForwardMax+1)
	for i := range many {
		many[i] = words
	}
	for name, c := range map[string]struct {
		x    core.Forward
		want core.ErrCode
	}{
		"nothing":    {core.Forward{Chat: chat, To: []string{saved}}, core.ErrBadArguments},
		"nowhere":    {core.Forward{Chat: chat, Messages: []string{words}}, core.ErrBadArguments},
		"too-many":   {core.Forward{Chat: chat, Messages: many, To: []string{saved}}, core.ErrBadArguments},
		"at-most":    {core.Forward{Chat: chat, Messages: many[1:], To: []string{saved}}, ""},
		"no-chat":    {core.Forward{Chat: chat, Messages: []string{words}, To: []string{saved, "x"}}, core.ErrNoChat},
		"no-message": {core.Forward{Chat: chat, Messages: []string{words, "x"}, To: []string{saved}}, core.ErrNoMessage},
	} {
		if got := ann.Fails(c.x); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
