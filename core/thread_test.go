package core_test

import (
	"slices"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// TestThread shows that answers, and answers to answers, stand in the thread of the first message on every device,
// in whatever order they come, and that the first counts them; also where it is not here.
func TestThread(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	say := func(c *Client, text, to string) string {
		t.Helper()
		id := Must[core.Sent](c, core.SendText{Chat: chat, Text: text, ReplyTo: to}).Message
		w.Pass(time.Second)
		return id
	}
	texts := func(c *Client, root string, before uint64, limit int) (list []string) {
		page, err := core.ThreadPage(c.Vault, chat, root, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			list = append(list, m.Text)
		}
		return list
	}
	root := say(ann, "root", "")
	other := say(bob, "other", "")
	a := say(bob, "a", root)
	b := say(ann, "b", a)
	say(ann, "x", other)
	bob.Events = nil
	c := say(bob, "c", b)
	if !slices.ContainsFunc(bob.Events, func(e core.Event) bool {
		m, ok := e.(core.MessageChanged)
		return ok && m.Message.ID == root && m.Message.Thread.Count == 3
	}) {
		t.Errorf("nobody is told that the root has an answer more")
	}
	for _, at := range []*Client{ann, bob} {
		for id, want := range map[string]core.Thread{root: {Root: root, Count: 3}, a: {Root: root}, b: {Root: root}, c: {Root: root}, other: {Root: other, Count: 1}} {
			m, err := core.Read(at.Vault, chat, id)
			if err != nil || m == nil || m.Thread == nil || *m.Thread != want {
				t.Errorf("%s: %+v, %v, want %+v", at.Name, m, err, want)
			}
		}
		same(t, at.Name, texts(at, root, 0, 10), []string{"root", "a", "b", "c"})
		same(t, at.Name, texts(at, root, 0, 2), []string{"b", "c"})
	}
	if m := say(ann, "alone", ""); last(ann, chat).Thread != nil || last(ann, chat).ID != m {
		t.Errorf("who answers nothing has %+v", last(ann, chat).Thread)
	}
	page, _ := core.ThreadPage(ann.Vault, chat, root, 0, 2)
	same(t, "before", texts(ann, root, page[0].Index, 10), []string{"root", "a"})
	// A new device gets the same with its history.
	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	same(t, "laptop", texts(lap, root, 0, 10), []string{"root", "a", "b", "c"})
	// Without the first the rest stays together.
	Must[core.Done](ann, core.SetVanish{Chat: chat, Seconds: 60})
	w.Pass(time.Second)
	short := say(ann, "short", "")
	Must[core.Done](ann, core.SetVanish{Chat: chat})
	w.Pass(time.Second)
	long := say(bob, "long", short)
	longer := say(ann, "longer", long)
	w.Pass(time.Minute)
	for _, id := range []string{long, longer} {
		if m, err := core.Read(bob.Vault, chat, id); err != nil || m == nil || m.Thread == nil || m.Thread.Root != short {
			t.Errorf("the first has gone: %+v, %v", m, err)
		}
	}
	same(t, "without the first", texts(bob, short, 0, 10), []string{"long", "longer"})
}
