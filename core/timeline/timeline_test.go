package timeline

import (
	"fmt"
	"iter"
	"slices"
	"testing"
)

// store is a Reader over a map.
type store map[string][]byte

func (s store) Get(key string) ([]byte, error) { return s[key], nil }

func (s store) Range(from, to string, reverse bool) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		var keys []string
		for k := range s {
			if k >= from && k < to {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		if reverse {
			slices.Reverse(keys)
		}
		for _, k := range keys {
			if !yield(Pair{k, s[k]}, nil) {
				return
			}
		}
	}
}

func (s store) put(list ...Pair) {
	for _, p := range list {
		if p.Value == nil {
			delete(s, p.Key)
		} else {
			s[p.Key] = p.Value
		}
	}
}

var ann, bob = [32]byte{1}, [32]byte{2}

func fold(t *testing.T, s store, id ID) Folded {
	t.Helper()
	e, err := Find(s, "c", id)
	if err != nil || e == nil {
		t.Fatalf("find: %v %v", e, err)
	}
	f, err := Fold(s, "c", *e)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFold shows who may do what to a message, in whatever order it comes.
func TestFold(t *testing.T) {
	id := ID{9}
	annotations := []Pair{
		PutEdit("c", id, Edit{By: ann, Text: "third"}),
		PutEdit("c", id, Edit{By: bob, Text: "forged"}),
		PutDeletion("c", id, bob),
		PutReaction("c", id, bob, Reaction{ID: ID{4}, Emoji: "x"}),
		PutReaction("c", id, ann, Reaction{ID: ID{5}, Emoji: "x"}),
		PutReaction("c", id, ann, Reaction{ID: ID{6}, Emoji: "y"}),
		PutDeletion("c", ID{6}, bob), // not bob's to take back
		PutReaction("c", id, bob, Reaction{ID: ID{7}, Emoji: "z"}),
		PutDeletion("c", ID{7}, bob),
		PutLocal("c", id, 1, Local{Ref: "r", State: "local"}),
	}
	for _, order := range [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}} {
		s := store{}
		for _, k := range order {
			s.put(annotations[k], annotations[k])
		}
		s.put(Put("c", &Entry{ID: id, Index: 5, From: ann, Kind: Text, Text: "first"})...)
		f := fold(t, s, id)
		if f.Text != "third" || !f.Edited || f.Deleted || len(f.Reactions) != 2 || len(f.Reactions[0].By) != 2 || f.Locals[1].Ref != "r" {
			t.Errorf("got %+v", f)
		}
		s.put(PutDeletion("c", id, ann))
		if f := fold(t, s, id); !f.Deleted || f.Text != "" || f.Reactions != nil {
			t.Errorf("after deletion: got %+v", f)
		}
	}
}

// TestBefore pages through a chat, whose queued messages stand last, and not into the next.
func TestBefore(t *testing.T) {
	s := store{}
	for i := uint64(1); i <= 25; i++ {
		s.put(Put("c", &Entry{ID: ID{byte(i)}, Index: i * 3, Kind: Text})...)
		s.put(Put("c2", &Entry{ID: ID{byte(i)}, Index: i, Kind: Text})...)
	}
	s.put(Put("c", &Entry{ID: ID{99}, Index: QueuedFirst + 1, Kind: Text})...)
	var got []byte
	before := uint64(0)
	for {
		list, err := Before(s, "c", before, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, e := range slices.Backward(list) {
			got = append(got, e.ID[0])
		}
		before = list[0].Index
	}
	want := []byte{99}
	for i := byte(25); i >= 1; i-- {
		want = append(want, i)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.put(Drop("c", ID{99}, QueuedFirst+1)...)
	if e, err := Newest(s, "c"); err != nil || e.ID != (ID{25}) {
		t.Errorf("newest: %+v %v", e, err)
	}
	if e, err := Find(s, "c", ID{99}); e != nil || err != nil {
		t.Errorf("dropped: %+v %v", e, err)
	}
}

// TestOwnReaction shows which reaction stands.
func TestOwnReaction(t *testing.T) {
	s := store{}
	want := func(w *ID) {
		t.Helper()
		got, err := OwnReaction(s, "c", ID{9}, ann, "x")
		if err != nil || (got == nil) != (w == nil) || w != nil && *got != *w {
			t.Errorf("got %v %v, want %v", got, err, w)
		}
	}
	want(nil)
	s.put(PutReaction("c", ID{9}, ann, Reaction{ID: ID{4}, Emoji: "x"}))
	want(&ID{4})
	s.put(PutDeletion("c", ID{4}, ann))
	want(nil)
	s.put(PutReaction("c", ID{9}, ann, Reaction{ID: ID{5}, Emoji: "x"}))
	want(&ID{5})
}

// FuzzEntry wants no panic from a damaged vault.
func FuzzEntry(f *testing.F) {
	f.Add(Encode(Entry{ID: ID{1}, Kind: Text, Text: "x"}), "a/c/x/e/1")
	f.Fuzz(func(t *testing.T, b []byte, key string) {
		var e Entry
		if Decode(b, &e) != nil {
			return
		}
		s := store{key: b, noteKey("c", e.ID) + "r/x/1": b, noteKey("c", e.ID) + "f/0": b}
		if _, err := Fold(s, "c", e); err != nil {
			t.Errorf("fold: %v", err)
		}
	})
}

// counting counts the pairs that a Range yields.
type counting struct {
	store
	n *int
}

func (c counting) Range(from, to string, reverse bool) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		for p, err := range c.store.Range(from, to, reverse) {
			*c.n++
			if !yield(p, err) {
				return
			}
		}
	}
}

// TestFlood: however often somebody edits and reacts, to read the message costs no more than
// ReactionsMax annotations and a few: every arriving one has it read anew.
func TestFlood(t *testing.T) {
	s, id := store{}, ID{9}
	s.put(Put("c", &Entry{ID: id, Index: 5, From: ann, Kind: Text, Text: "first"})...)
	last := ""
	for i := range 4 * ReactionsMax {
		last = fmt.Sprint(i)
		s.put(PutEdit("c", id, Edit{By: ann, Text: last}), PutReaction("c", id, bob, Reaction{ID: ID{1, byte(i), byte(i >> 8)}, Emoji: last}))
	}
	n := 0
	e, err := Find(s, "c", id)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Fold(counting{s, &n}, "c", *e)
	if err != nil {
		t.Fatal(err)
	}
	if f.Text != last || len(f.Reactions) != ReactionsMax {
		t.Errorf("got %q and %d reactions, want %q and %d", f.Text, len(f.Reactions), last, ReactionsMax)
	}
	if n > ReactionsMax+8 {
		t.Errorf("read %d annotations", n)
	}
}
