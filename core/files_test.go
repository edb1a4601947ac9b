package core_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

func moves[T core.Effect](c *coretest.Client) []T {
	var out []T
	for _, e := range c.Moves {
		if x, ok := e.(T); ok {
			out = append(out, x)
		}
	}
	return out
}

func last(c *coretest.Client, chat string) core.Message {
	list := c.Page(chat)
	return list[len(list)-1]
}

// TestFiles shows photos and files up and down: nothing is sent before the upload is durable, an
// upload goes on after a restart, progress and failure show, and who stops one discards it.
func TestFiles(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	files := []core.File{
		{Ref: "f1", Name: "../../trip.jpg", Mime: "image/jpeg", Size: 300_000, Width: 800, Height: 600, Preview: []byte("tiny")},
		{Ref: "f2", Name: "notes.txt", Mime: "text/plain", Size: 12},
	}
	id := coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "look", Files: files}).Message
	up := moves[core.Upload](ann)
	if len(up) != 2 || up[0].File != "f1" {
		t.Fatalf("uploads: got %+v", up)
	}
	if x := last(ann, a); x.State != core.StateQueued || x.Kind != core.KindFile || x.Files[0].State != "uploading" || x.Files[0].Ref != "f1" {
		t.Errorf("while uploading: got %+v", x)
	}
	ann.Give(core.Transfer{ID: up[0].ID, Done: 1000, Total: 300_000})
	if e, ok := ann.Events[len(ann.Events)-1].(core.MessageChanged); !ok || e.Message.Files[0].Done != 1000 {
		t.Errorf("progress: got %+v", ann.Events[len(ann.Events)-1])
	}
	ann.Give(core.Transfer{ID: up[0].ID, Finished: true, Code: plane.OK})
	w.Run()
	if got := len(bob.Page(a)); got != 0 {
		t.Errorf("sent before all is uploaded")
	}
	ann.Moves = nil
	ann.Crash()
	w.Run()
	if again := moves[core.Upload](ann); len(again) != 1 || again[0] != up[1] {
		t.Fatalf("after a restart: got %+v, want the one that was not done", again)
	}
	ann.Give(core.Transfer{ID: up[1].ID, Finished: true, Code: plane.OK})
	w.Run()
	x := last(bob, a)
	if x.ID != id || x.Text != "look" || len(x.Files) != 2 || x.Files[0].Name != "trip.jpg" || x.Files[0].State != "remote" || x.Files[0].Width != 800 || string(x.Files[0].Preview) != "tiny" {
		t.Errorf("Bob sees %+v", x)
	}
	if y := last(ann, a); y.Files[1].State != "local" || y.Files[1].Ref != "f2" || y.State == core.StateQueued {
		t.Errorf("Ann sees %+v", y)
	}
	if got := bob.Fails(core.Fetch{Chat: a, Message: id, File: 2}); got != core.ErrNoMessage {
		t.Errorf("no such file: got %q", got)
	}
	coretest.Must[core.Done](bob, core.Fetch{Chat: a, Message: id})
	coretest.Must[core.Done](bob, core.Fetch{Chat: a, Message: id}) // twice is once
	down := moves[core.Download](bob)
	if len(down) != 1 || down[0].Size != 300_000 || down[0].Key != up[0].Key {
		t.Fatalf("downloads: got %+v", down)
	}
	bob.Give(core.Transfer{ID: down[0].ID, Finished: true, Code: plane.OK})
	if y := last(bob, a); y.Files[0].State != "local" || y.Files[0].Ref != down[0].File {
		t.Errorf("after the download: got %+v", y.Files[0])
	}
	coretest.Must[core.Done](bob, core.Fetch{Chat: a, Message: id, File: 1})
	coretest.Must[core.Done](bob, core.Stop{Chat: a, Message: id, File: 1})
	if y := last(bob, a); y.Files[1].State != "remote" || len(moves[core.Cancel](bob)) != 1 {
		t.Errorf("after stopping: got %+v", y.Files[1])
	}
}

// TestUploadFails shows an upload that fails, is tried again, fails and is discarded.
func TestUploadFails(t *testing.T) {
	w, ann, _ := pair(t)
	a := ann.Chat("Bob").ID
	id := coretest.Must[core.Sent](ann, core.SendText{Chat: a, Files: []core.File{{Ref: "f", Name: "x", Mime: "text/plain", Size: 5}}}).Message
	for range 2 {
		up := moves[core.Upload](ann)
		ann.Give(core.Transfer{ID: up[len(up)-1].ID, Finished: true, Code: plane.Full})
		if x := last(ann, a); x.State != core.StateFailed || x.Files[0].State != "failed" {
			t.Fatalf("got %+v", x)
		}
		ann.Crash()
		w.Run()
		coretest.Must[core.Done](ann, core.Retry{Chat: a, Message: id})
		if x := last(ann, a); x.State != core.StateQueued || x.Files[0].State != "uploading" {
			t.Fatalf("after trying again: got %+v", x)
		}
	}
	coretest.Must[core.Done](ann, core.Stop{Chat: a, Message: id})
	if got := ann.Page(a); len(got) != 0 || len(moves[core.Cancel](ann)) != 1 {
		t.Errorf("after stopping: got %+v", got)
	}
	if _, ok := ann.Events[len(ann.Events)-2].(core.MessageGone); !ok {
		t.Errorf("events: got %T", ann.Events[len(ann.Events)-2])
	}
}

// TestInputs tries each bound of what a person can ask for at the limit and one past it.
func TestInputs(t *testing.T) {
	_, ann, _ := pair(t)
	a := ann.Chat("Bob").ID
	file := func(size int64) []core.File {
		return []core.File{{Ref: "f", Name: "x", Mime: "text/plain", Size: size}}
	}
	largest := int64(plane.BlobChunksMax * seal.ChunkPlainMax)
	preview := file(1)
	preview[0].Preview = make([]byte, core.PreviewBytesMax+1)
	many := func(n int) []core.File { return slices.Repeat(file(1), n) }
	for name, x := range map[string]struct {
		c    core.Command
		want core.ErrCode
	}{
		"text-max":     {core.SendText{Chat: a, Text: strings.Repeat("x", plane.TextBytesMax)}, ""},
		"text-over":    {core.SendText{Chat: a, Text: strings.Repeat("x", plane.TextBytesMax+1)}, core.ErrTextLong},
		"text-empty":   {core.SendText{Chat: a, Text: " \n "}, core.ErrTextEmpty},
		"text-control": {core.SendText{Chat: a, Text: "a\x00b"}, core.ErrBadArguments},
		"reply-absent": {core.SendText{Chat: a, Text: "x", ReplyTo: strings.Repeat("A", 43)}, core.ErrNoMessage},
		"no-chat":      {core.SendText{Chat: "nothing", Text: "x"}, core.ErrNoChat},
		"file-max":     {core.SendText{Chat: a, Files: file(largest)}, ""},
		"file-over":    {core.SendText{Chat: a, Files: file(largest + 1)}, core.ErrFileLarge},
		"file-minus":   {core.SendText{Chat: a, Files: file(-1)}, core.ErrBadArguments},
		"files-max":    {core.SendText{Chat: a, Files: many(core.FilesMax)}, ""},
		"files-over":   {core.SendText{Chat: a, Files: many(core.FilesMax + 1)}, core.ErrBadArguments},
		"preview-over": {core.SendText{Chat: a, Files: preview}, core.ErrBadArguments},
		"group-name":   {core.NewGroup{Name: ""}, core.ErrNameEmpty},
		"group-member": {core.NewGroup{Name: "g", Members: []string{"x"}}, core.ErrNoChat},
		"picture-max":  {core.NewGroup{Name: "g", Picture: make([]byte, core.PictureBytesMax)}, ""},
		"picture-over": {core.NewGroup{Name: "g", Picture: make([]byte, core.PictureBytesMax+1)}, core.ErrBadArguments},
		"uses-over":    {core.Invite{Uses: plane.DoorUsesMax + 1}, core.ErrBadArguments},
		"uses-max":     {core.Invite{Uses: plane.DoorUsesMax}, ""},
		"days-minus":   {core.Invite{Days: -1}, core.ErrBadArguments},
		"leave-two":    {core.Leave{Chat: a}, core.ErrNotAllowed},
		"add-two":      {core.AddMembers{Chat: a, Members: []string{a}}, core.ErrNotAllowed},
		"draft-over":   {core.SetDraft{Chat: a, Text: strings.Repeat("x", plane.TextBytesMax+1)}, core.ErrTextLong},
		"name-bad":     {core.SetName{Name: "a\u202eb"}, core.ErrNameBad},
		"unknown":      {nil, core.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ann.Fails(x.c); got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
}

// TestNames shows that a new name and a draft arrive where they belong.
func TestNames(t *testing.T) {
	w, ann, bob := pair(t)
	a := ann.Chat("Bob").ID
	coretest.Must[core.Sent](bob, core.SendText{Chat: a, Text: "x"})
	coretest.Must[core.Done](bob, core.SetName{Name: "Robert"})
	w.Run()
	if got := ann.Texts(a); len(got) != 1 || got[0] != "Robert: x" || ann.Chat("Robert").ID != a {
		t.Errorf("got %q", got)
	}
	coretest.Must[core.Done](ann, core.SetDraft{Chat: a, Text: "dear"})
	ann.Crash()
	w.Run()
	if got := ann.Chat("Robert").Draft; got != "dear" {
		t.Errorf("draft: got %q", got)
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "dear Robert"})
	if got := ann.Chat("Robert").Draft; got != "" {
		t.Errorf("draft after sending: got %q", got)
	}
	saved := ann.Chat("saved").ID
	coretest.Must[core.Sent](ann, core.SendText{Chat: saved, Text: "note"})
	if x := last(ann, saved); x.State != core.StateSent {
		t.Errorf("saved: got %s", x.State)
	}
}

// TestKeysTurn shows what happens by the calendar: the inbox key and its card weekly, the pool
// when it runs low, the log's keys weekly and after a removal; and that old links go on working.
func TestKeysTurn(t *testing.T) {
	w, ann, bob, _, g := trio(t)
	w.Pass(40 * time.Second)
	gen := w.Server.Log(g).Gen()
	coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: bob.Person()})
	w.Pass(time.Minute)
	if got := w.Server.Log(g).Gen(); got != gen+1 {
		t.Errorf("after a removal: generation %d, want %d", got, gen+1)
	}
	link := coretest.Must[core.InviteLink](ann, core.Invite{}).Link
	for week := range 3 {
		w.Leap(8 * 24 * time.Hour)
		for _, c := range w.Clients {
			c.Drop()
		}
		w.Run()
		w.Pass(2 * time.Minute)
		coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "x"})
		if got := w.Server.Log(g).Gen(); int(got) < int(gen)+2+week {
			t.Errorf("week %d: generation %d", week, got)
		}
	}
	for i := range 15 {
		c := w.Client("Guest")
		if i == 9 {
			link = coretest.Must[core.InviteLink](ann, core.Invite{}).Link
		}
		ann.SetOffline(i < 5) // the inviter need not be there
		coretest.Must[core.Joined](c, core.Join{Link: link, Name: "Guest"})
		w.Run()
	}
	ann.SetOffline(false)
	w.Run()
	w.Pass(time.Minute)
	n := 0
	for _, x := range ann.State().Chats {
		if x.Name == "Guest" && x.State == "open" {
			n++
		}
	}
	if n != 15 {
		t.Errorf("got %d guests, want 15", n)
	}
}
