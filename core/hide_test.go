package core_test

import (
	"slices"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// TestHide (D-26) shows that what is deleted for oneself is nowhere on any of one's devices, with its notes and
// files, and stays away: from one that was off, that reads it only then, that is linked later; others keep it.
func TestHide(t *testing.T) {
	w, ann, bob := pair(t)
	two := ann.Chat("Bob").ID
	lap, away := w.Client("laptop"), w.Client("tablet")
	link(t, ann, lap, "Laptop")
	link(t, ann, away, "Tablet")
	w.Pass(time.Minute)
	away.SetOffline(true)
	w.Pass(time.Second)
	text := Must[core.Sent](bob, core.SendText{Chat: two, Text: "canary one"}).Message
	file := Must[core.Sent](ann, core.SendText{Chat: two, Text: "canary file", Files: []core.File{{Ref: "own", Name: "canary", Mime: "text/plain", Size: 7}}}).Message
	uploaded(ann)
	w.Pass(time.Second)
	Must[core.Done](bob, core.Edit{Chat: two, Message: text, Text: "canary two"})
	Must[core.Done](bob, core.React{Chat: two, Message: file, Emoji: "x", On: true})
	w.Pass(5 * time.Second)
	for _, x := range []core.Hide{{Chat: two}, {Chat: two, Messages: []string{"?"}}, {Chat: two, Messages: make([]string, core.HideMax+1)}} {
		if ann.Fails(x) == "" {
			t.Errorf("%d messages that are none were hidden", len(x.Messages))
		}
	}
	Must[core.Done](ann, core.Hide{Chat: two, Messages: []string{text, file}})
	waiting := func() string {
		ann.SetOffline(true)
		defer ann.SetOffline(false)
		id := Must[core.Sent](ann, core.SendText{Chat: two, Text: "canary unsent"}).Message
		Must[core.Done](ann, core.Hide{Chat: two, Messages: []string{id}})
		return id
	}()
	w.Pass(time.Minute)
	away.SetOffline(false)
	w.Pass(time.Minute)
	late := w.Client("late")
	link(t, lap, late, "Late")
	w.Pass(5 * time.Minute)
	for _, c := range []*Client{ann, lap, away, late} {
		for _, id := range []string{text, file, waiting} {
			if m, _ := core.Read(c.Vault, two, id); m != nil {
				t.Errorf("%s still shows %+v", c.Name, m)
			}
		}
		if got := c.Texts(two); slices.ContainsFunc(got, func(s string) bool { return len(s) > 11 && s[5:11] == "canary" }) {
			t.Errorf("%s shows %q", c.Name, got)
		}
		if list := traces(c, "canary"); len(list) > 0 {
			for _, k := range list {
				v, _ := c.Vault.Get(k)
				t.Logf("%s %q", k, v)
			}
			t.Errorf("%s still holds %q", c.Name, list)
		}
	}
	if !removed(ann, "own") {
		t.Error("its file is still there")
	}
	Must[core.Sent](ann, core.SendText{Chat: two, Text: "next", ReplyTo: ""})
	if n, _ := count(bob, two, "canary two"); n != 1 {
		t.Errorf("Bob has it %d times", n)
	}
}

// TestEdits shows what a message has said and when, on both sides, and that nothing is told of one that is deleted.
func TestEdits(t *testing.T) {
	w, ann, bob := pair(t)
	two := ann.Chat("Bob").ID
	first := w.Now.UnixMilli()
	id := Must[core.Sent](ann, core.SendText{Chat: two, Text: "0"}).Message
	w.Pass(time.Second)
	for i := range core.EditsMax + 5 {
		Must[core.Done](ann, core.Edit{Chat: two, Message: id, Text: string(rune('a' + i))})
		w.Pass(time.Second)
		if i == 1 {
			for _, c := range []*Client{ann, bob} {
				want := []core.EditState{{Text: "0", At: first}, {Text: "a", At: first + 1000}, {Text: "b", At: first + 2000}}
				if got := Must[core.Edits](c, core.GetEdits{Chat: two, Message: id}).Edits; !slices.Equal(got, want) {
					t.Errorf("%s: %+v, want %+v", c.Name, got, want)
				}
				if m, _ := core.Read(c.Vault, two, id); m.Edits != 2 {
					t.Errorf("%s: %d edits", c.Name, m.Edits)
				}
			}
		}
	}
	got := Must[core.Edits](bob, core.GetEdits{Chat: two, Message: id}).Edits
	if n := len(got); n != core.EditsMax || got[0].Text != "0" || got[n-1].Text != string(rune('a'+core.EditsMax+4)) {
		t.Errorf("%d of many: %+v", n, got)
	}
	Must[core.Done](ann, core.Delete{Chat: two, Message: id})
	w.Pass(time.Second)
	if code := bob.Fails(core.GetEdits{Chat: two, Message: id}); code != core.ErrNoMessage {
		t.Errorf("of a deleted message: %q", code)
	}
}

// TestStorage shows what files take, and that clearing drops those that are old enough and leaves what is unsent
// or shared with a message that stays.
func TestStorage(t *testing.T) {
	w, ann, _ := pair(t)
	two, saved := ann.Chat("Bob").ID, ann.Chat("saved").ID
	send := func(chat, ref string, size int64) string {
		id := Must[core.Sent](ann, core.SendText{Chat: chat, Text: ref, Files: []core.File{{Ref: ref, Name: ref, Mime: "text/plain", Size: size}}}).Message
		uploaded(ann)
		w.Pass(time.Second)
		return id
	}
	a := send(two, "a", 10)
	send(two, "b", 20)
	Must[core.Done](ann, core.Forward{Chat: two, Messages: []string{a}, To: []string{saved}})
	uploaded(ann)
	w.Pass(time.Second)
	mid := w.Now.UnixMilli()
	w.Pass(time.Second)
	send(saved, "c", 100)
	ann.SetOffline(true)
	Must[core.Sent](ann, core.SendText{Chat: two, Files: []core.File{{Ref: "d", Name: "d", Mime: "text/plain", Size: 5}}})
	s := Must[core.Storage](ann, core.GetStorage{})
	sum := int64(0)
	for _, c := range s.Chats {
		sum += c.Bytes
	}
	if s.Total != 135 || sum != 135 || len(s.Chats) != 2 || s.Chats[0].Chat != saved && s.Chats[0].Bytes < s.Chats[1].Bytes {
		t.Errorf("storage is %+v", s)
	}
	if code := ann.Fails(core.ClearFiles{Chat: "?"}); code != core.ErrNoChat {
		t.Errorf("no such chat: %q", code)
	}
	if got := Must[core.Cleared](ann, core.ClearFiles{Chat: two}); got != (core.Cleared{Bytes: 20, Files: 1}) {
		t.Errorf("cleared %+v", got)
	}
	m, _ := core.Read(ann.Vault, two, a)
	if !removed(ann, "b") || removed(ann, "a") || removed(ann, "d") || m.Files[0].State != "remote" || m.Files[0].Ref != "" {
		t.Errorf("removed %v; the message's file is %+v", ann.Moves, m.Files[0])
	}
	Must[core.Done](ann, core.Fetch{Chat: two, Message: a})
	if got := Must[core.Cleared](ann, core.ClearFiles{Before: mid}); got != (core.Cleared{Bytes: 10, Files: 1}) || !removed(ann, "a") || removed(ann, "c") {
		t.Errorf("cleared %+v", got)
	}
	if got := Must[core.Cleared](ann, core.ClearFiles{}); got != (core.Cleared{Bytes: 100, Files: 1}) || removed(ann, "d") {
		t.Errorf("cleared %+v", got)
	}
}
