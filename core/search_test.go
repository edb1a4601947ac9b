package core_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
	"paperplane/core/timeline"
)

// found searches to the end, in steps that stop as often as they may, and returns the ids.
func found(t *testing.T, c *Client, x core.Search, steps *rand.Rand) (ids []string) {
	t.Helper()
	for range 10000 {
		res, code, err := c.Finder.Search(c.Vault, x, func() bool { return steps.IntN(3) > 0 })
		if err != nil || code != "" {
			t.Fatalf("search %+v: %v %q", x, err, code)
		}
		for _, h := range res.Hits {
			ids = append(ids, h.Message.ID)
		}
		if x.Cursor = res.Next; x.Cursor == "" {
			return ids
		}
	}
	t.Fatalf("search %+v does not end", x)
	return nil
}

// naive is what a search is to find: words as they are typed here, without the index.
func naive(c *Client, x core.Search) (ids []string) {
	var list []core.Message
	for _, chat := range c.State().Chats {
		if x.Chat == "" || x.Chat == chat.ID {
			list = append(list, c.Page(chat.ID)...)
		}
	}
	for _, m := range list {
		words := strings.FieldsFunc(strings.ToLower(m.Text), func(r rune) bool { return r < 'a' || r > 'z' })
		ok := m.Kind == core.KindText && (x.From == "" || x.From == m.From) && m.At >= x.After && (x.Before == 0 || m.At < x.Before) &&
			(x.Kind == "" || x.Kind == "link" && strings.Contains(m.Text, "https://"))
		for w := range strings.FieldsSeq(strings.ToLower(x.Query)) {
			ok = ok && slices.ContainsFunc(words, func(s string) bool { return strings.HasPrefix(s, w) })
		}
		if ok {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// TestSearchAgrees shows on random lives of a few chats, with edits, deletions for all and for oneself,
// messages that wait, and searches in between that stop anywhere, that a search finds exactly what reading
// everything finds, and each once.
func TestSearchAgrees(t *testing.T) {
	words := []string{"ab", "abc", "Bcd", "cab", "xy", "XYZ", "zz", "https://a.b"}
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		w, ann, bob := pair(t)
		g := Must[core.Joined](ann, core.NewGroup{Name: "G", Members: []string{ann.Chat("Bob").ID}}).Chat
		w.Pass(time.Second)
		two, saved := ann.Chat("Bob").ID, ann.Chat("saved").ID
		text := func() string {
			var list []string
			for range 1 + r.IntN(4) {
				list = append(list, words[r.IntN(len(words))])
			}
			return strings.Join(list, " ")
		}
		for step := range 60 {
			by, chat := ann, []string{two, g, saved}[r.IntN(3)]
			if chat != saved && r.IntN(2) == 0 {
				by = bob
			}
			page := by.Page(chat)
			var own []core.Message
			for _, m := range page {
				if m.Own && m.Kind == core.KindText {
					own = append(own, m)
				}
			}
			switch k := r.IntN(10); {
			case k == 0 && len(own) > 0:
				by.Do(core.Edit{Chat: chat, Message: own[r.IntN(len(own))].ID, Text: text()})
			case k == 1 && len(own) > 0:
				by.Do(core.Delete{Chat: chat, Message: own[r.IntN(len(own))].ID})
			case k == 2 && len(page) > 0:
				by.Do(core.Hide{Chat: chat, Messages: []string{page[r.IntN(len(page))].ID}})
			case k == 3:
				by.Do(core.SendText{Chat: chat, Text: text(), At: w.Now.Add(time.Duration(r.IntN(20)) * time.Second).UnixMilli()})
			case k == 4:
				ann.SetOffline(!ann.Offline)
			default:
				by.Do(core.SendText{Chat: chat, Text: text()})
			}
			w.Pass(time.Duration(r.IntN(3000)) * time.Millisecond)
			if r.IntN(3) > 0 {
				continue
			}
			x := core.Search{Limit: 1 + r.IntN(5)}
			for range r.IntN(3) {
				q := words[r.IntN(len(words)-1)]
				x.Query += " " + q[:1+r.IntN(len(q))]
			}
			if r.IntN(3) == 0 {
				x.Chat = []string{two, g, saved}[r.IntN(3)]
			}
			if r.IntN(4) == 0 {
				x.From = bob.Person()
			}
			if r.IntN(4) == 0 {
				x.After = w.Now.Add(-20 * time.Second).UnixMilli()
			}
			if r.IntN(4) == 0 {
				x.Before = w.Now.Add(-10 * time.Second).UnixMilli()
			}
			if x.Query == "" || r.IntN(5) == 0 {
				x.Query, x.Kind = "", "link"
			}
			got, want := found(t, ann, x, r), naive(ann, x)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d: %+v found %d %q, want %d %q", seed, step, x, len(got), got, len(want), want)
			}
		}
	}
}

// TestSearchOrder shows that hits come newest first through all chats, with the place of the word, and what
// is refused.
func TestSearchOrder(t *testing.T) {
	w, ann, bob := pair(t)
	two, saved := ann.Chat("Bob").ID, ann.Chat("saved").ID
	for i := range 12 {
		w.Pass(time.Second)
		by, chat := ann, []string{two, saved}[i%2]
		if i%4 == 0 {
			by = bob
		}
		Must[core.Sent](by, core.SendText{Chat: chat, Text: fmt.Sprintf("no %d می\u200cخواهم", i)})
	}
	Must[core.Sent](ann, core.SendText{Chat: two, Files: []core.File{{Ref: "f", Name: "Straße.PDF", Mime: "application/pdf", Size: 1}}})
	x := core.Search{Query: "خواهم NO", Limit: 5}
	last := int64(1 << 62)
	n := 0
	for {
		res := Must[core.Results](ann, x)
		for _, h := range res.Hits {
			if h.Message.At > last {
				t.Errorf("%q comes after an older one", h.Message.Text)
			}
			if h.Start != 0 || h.Length != 2 {
				t.Errorf("the word is at %d, %d long", h.Start, h.Length)
			}
			last = h.Message.At
			n++
		}
		if x.Cursor = res.Next; x.Cursor == "" {
			break
		}
	}
	if n != 12 {
		t.Errorf("%d found, want 12", n)
	}
	for q, want := range map[string]int{"strasse": 0, "straße pdf": 1, "STRAẞE": 1, "…": 0, "Bob": 0, "": 13} {
		if res := Must[core.Results](ann, core.Search{Query: q, Chat: ""}); len(res.Hits) != want {
			t.Errorf("%q: %d found, want %d", q, len(res.Hits), want)
		}
	}
	if res := Must[core.Results](ann, core.Search{Kind: "file"}); len(res.Hits) != 1 {
		t.Errorf("files: %d found", len(res.Hits))
	}
	for _, x := range []core.Search{
		{Query: strings.Repeat("x", core.QueryBytesMax+1)}, {Kind: "song"}, {Cursor: "x"}, {Limit: core.HitsMax + 1}, {Limit: -1}, {From: "?"},
	} {
		if code := ann.Fails(x); code != core.ErrBadArguments {
			t.Errorf("%+v: %q", x, code)
		}
	}
	Must[core.Results](ann, core.Search{Query: strings.Repeat("x", core.QueryBytesMax), Limit: core.HitsMax})
}

// TestDayIndex shows where days begin in a chat, and that a page from there reads on.
func TestDayIndex(t *testing.T) {
	w, ann, _ := pair(t)
	chat := ann.Chat("Bob").ID
	var days []int64
	for d := range 9 {
		w.Pass(24 * time.Hour)
		days = append(days, w.Now.UnixMilli())
		for i := range d % 3 {
			Must[core.Sent](ann, core.SendText{Chat: chat, Text: fmt.Sprintf("day %d, %d", d, i)})
		}
	}
	for d, day := range days {
		p := Must[core.Place](ann, core.DayIndex{Chat: chat, Day: day})
		want := fmt.Sprintf("day %d, 0", d)
		if d%3 == 0 {
			want = fmt.Sprintf("day %d, 0", d+1)
		}
		list, err := core.PageFrom(ann.Vault, chat, p.Index, 3)
		if err != nil || len(list) == 0 || list[0].Text != want {
			t.Errorf("day %d: index %d begins %+v (%v), want %q", d, p.Index, list, err, want)
		}
	}
	if p := Must[core.Place](ann, core.DayIndex{Chat: chat, Day: w.Now.UnixMilli() + 1000}); p.Index != 0 {
		t.Errorf("nothing is so new: got %d", p.Index)
	}
	if p := Must[core.Place](ann, core.DayIndex{Chat: chat, Day: 0}); p.Index != ann.Page(chat)[0].Index {
		t.Errorf("the first: got %d, want %d", p.Index, ann.Page(chat)[0].Index)
	}
}

// TestSearchMeanwhile shows that a search that has read a part of a long chat takes in what changes meanwhile:
// before where it stands, behind it, and history that comes into the middle.
func TestSearchMeanwhile(t *testing.T) {
	w := New(t)
	c := w.Client("ann")
	put := func(index uint64, text string) timeline.ID {
		e := &timeline.Entry{ID: timeline.ID{byte(index), byte(index >> 8)}, Index: index, Seq: index, At: int64(index), From: [32]byte{1}, Kind: timeline.Text, Text: text}
		for _, p := range timeline.Put("chat", e) {
			c.Vault.Set(p.Key, p.Value)
			c.Finder.Changed(p.Key)
		}
		return e.ID
	}
	note := func(p timeline.Pair) {
		c.Vault.Set(p.Key, p.Value)
		c.Finder.Changed(p.Key)
	}
	for i := range uint64(2000) {
		if i != 500 {
			put(i+1, "hay")
		}
	}
	find := func(query, cursor string) core.Results {
		res, _, err := c.Finder.Search(c.Vault, core.Search{Query: query, Cursor: cursor}, func() bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	all := func(query, cursor string) (n int) {
		for {
			res := find(query, cursor)
			if n += len(res.Hits); res.Next == "" {
				return n
			}
			cursor = res.Next
		}
	}
	part := find("needle", "")
	if part.Next == "" || len(part.Hits) != 0 {
		t.Fatalf("the first step: %+v", part)
	}
	for _, index := range []uint64{10, 1990} { // not read yet, and read
		note(timeline.PutEdit("chat", timeline.ID{byte(index), byte(index >> 8)}, timeline.Edit{By: [32]byte{1}, Text: "needle"}))
	}
	put(2001, "needles")
	if n := all("needle", part.Next); n != 1 && n != 3 {
		t.Errorf("going on: %d found, want what is behind", n)
	}
	if n := all("needle", ""); n != 3 {
		t.Errorf("anew: %d found, want 3", n)
	}
	put(501, "needle")
	if n := all("needle", ""); n != 4 {
		t.Errorf("with history in the middle: %d found, want 4", n)
	}
	if n := all("hay", ""); n != 1997 {
		t.Errorf("all: %d found, want 1997", n)
	}
	c.Finder.Forget()
	if n := all("needle", ""); n != 4 {
		t.Errorf("after forgetting: %d found, want 4", n)
	}
}
