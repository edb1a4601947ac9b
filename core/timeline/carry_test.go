package timeline

import (
	"testing"
)

func carried(t *testing.T, s store, after, before uint64) []Carried {
	t.Helper()
	list, err := Export(s, "c", after, before, 100, 1<<20, false)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func history() store {
	s := store{}
	for i := range uint64(10) {
		e := &Entry{ID: ID{byte(i + 1)}, Index: i + 1, Seq: i + 1, At: int64(i), From: ann, Own: true, Kind: Text, State: Sent, Text: "text"}
		if i%2 == 1 {
			e.From, e.Own, e.State = bob, false, Received
		}
		s.put(Put("c", e)...)
	}
	s.put(PutEdit("c", ID{1}, Edit{By: ann, Text: "edited"}), PutEdit("c", ID{2}, Edit{By: ann, Text: "forged"}))
	s.put(PutDeletion("c", ID{3}, ann), PutPin("c", ID{5}, true))
	s.put(PutReaction("c", ID{4}, ann, Reaction{ID: ID{91}, Emoji: "x"}), PutReaction("c", ID{4}, bob, Reaction{ID: ID{92}, Emoji: "y"}))
	s.put(PutDeletion("c", ID{92}, bob), PutLocal("c", ID{4}, 0, Local{Ref: "f", State: "local"}))
	s.put(Put("c", &Entry{ID: ID{99}, Index: QueuedFirst + 1, From: ann, Own: true, Kind: Text, State: Queued, Text: "queued"})...)
	return s
}

// TestCarry (D-03) shows that what is exported shows the same on another device of the same person, edits,
// deletions, reactions and pins with it, and what waits to be sent does not travel.
func TestCarry(t *testing.T) {
	s, to := history(), store{}
	list := carried(t, s, 0, QueuedFirst)
	if len(list) != 10 {
		t.Fatalf("got %d entries, want 10", len(list))
	}
	pairs, n, err := Import(to, "c", list, ann, 0, 0)
	if err != nil || n != 10 {
		t.Fatalf("got %d, %v", n, err)
	}
	to.put(pairs...)
	for i := range byte(10) {
		a, b := fold(t, s, ID{i + 1}), fold(t, to, ID{i + 1})
		if a.Text != b.Text || a.Edited != b.Edited || a.Deleted != b.Deleted || a.Pinned != b.Pinned || len(a.Reactions) != len(b.Reactions) || a.Index != b.Index || a.Own != b.Own || a.State != b.State {
			t.Errorf("%d: got %+v, want %+v", i, b, a)
		}
	}
	if f := fold(t, to, ID{2}); f.Text != "text" {
		t.Errorf("a forged edit travelled: %q", f.Text)
	}
	for k, v := range to {
		if string(v) == "" || k == "a/c/"+(ID{4}).Text()+"/f/0" {
			t.Errorf("travelled: %s", k)
		}
	}
	// Again: nothing changes.
	if pairs, n, err := Import(to, "c", list, ann, 0, 0); err != nil || n != 0 || len(pairs) != 0 {
		t.Errorf("again: %d new, %d pairs, %v", n, len(pairs), err)
	}
}

// TestCarryPart shows the range, the bounds, and that the newest come first.
func TestCarryPart(t *testing.T) {
	s := history()
	if list := carried(t, s, 3, 7); len(list) != 3 || list[0].Entry.Index != 4 || list[2].Entry.Index != 6 {
		t.Errorf("got %v", list)
	}
	list, err := Export(s, "c", 0, QueuedFirst, 4, 1<<20, false)
	if err != nil || len(list) != 4 || list[0].Entry.Index != 7 {
		t.Errorf("got %v, %v", list, err)
	}
	if list, err = Export(s, "c", 0, QueuedFirst, 100, 1, false); err != nil || len(list) != 1 || list[0].Entry.Index != 10 {
		t.Errorf("got %v, %v", list, err)
	}
}

// TestImportAmong (D-03) shows that what is there stays: entries that are known are passed over, others
// take the free places below the next one that is known, or below last, and notes that are there win.
func TestImportAmong(t *testing.T) {
	list := carried(t, history(), 0, QueuedFirst)
	to := store{}
	to.put(Put("c", &Entry{ID: ID{10}, Index: 50, Seq: 10, From: bob, Kind: Text, Text: "mine"})...)
	to.put(Put("c", &Entry{ID: ID{77}, Index: 45, Seq: 11, From: bob, Kind: Text, Text: "other"})...)
	to.put(PutEdit("c", ID{1}, Edit{By: ann, Text: "newer"}))
	pairs, n, err := Import(to, "c", list, bob, 48, 0)
	if err != nil || n != 9 {
		t.Fatalf("got %d, %v", n, err)
	}
	to.put(pairs...)
	if f := fold(t, to, ID{10}); f.Text != "mine" || f.Index != 50 {
		t.Errorf("known entry: %+v", f.Entry)
	}
	if f := fold(t, to, ID{77}); f.Text != "other" {
		t.Errorf("other entry: %+v", f.Entry)
	}
	if f := fold(t, to, ID{1}); f.Text != "newer" || f.Own || f.State != Received {
		t.Errorf("note: %+v", f)
	}
	if f := fold(t, to, ID{9}); f.Index != 49 {
		t.Errorf("before the known one: %d, want 49", f.Index)
	}
	if f := fold(t, to, ID{5}); f.Index != 44 {
		t.Errorf("past the one that is there: %d, want 44", f.Index)
	}
	// What this device has read itself, with places kept free between, stays in order with what comes.
	to = store{}
	for id, at := range map[byte]uint64{3: 20, 4: 21, 8: 30} {
		to.put(Put("c", &Entry{ID: ID{id}, Index: at, Seq: uint64(id), From: bob, Kind: Text})...)
	}
	pairs, n, err = Import(to, "c", list, bob, 40, 0)
	if err != nil || n != 7 {
		t.Fatalf("got %d, %v", n, err)
	}
	to.put(pairs...)
	for i, want := range []uint64{18, 19, 20, 21, 27, 28, 29, 30, 39, 40} {
		if f := fold(t, to, ID{byte(i + 1)}); f.Index != want {
			t.Errorf("%d: at %d, want %d", i+1, f.Index, want)
		}
	}
	if _, n, err := Import(store{}, "c", list, bob, 3, 0); err != nil || n != 3 {
		t.Errorf("no room: got %d, %v, want 3", n, err)
	}
}

// TestImportLies (D-03) shows that a segment brings nothing that its kind may not bring.
func TestImportLies(t *testing.T) {
	good := Entry{ID: ID{1}, Index: 1, From: ann, Kind: Text, Text: "x"}
	lie := func(f func(*Entry)) Carried {
		e := good
		f(&e)
		return Carried{Entry: e}
	}
	for name, c := range map[string]Carried{
		"kind":   lie(func(e *Entry) { e.Kind = 9 }),
		"index":  lie(func(e *Entry) { e.Index = QueuedFirst }),
		"zero":   lie(func(e *Entry) { e.Index = 0 }),
		"queued": lie(func(e *Entry) { e.State = Queued }),
		"notice": lie(func(e *Entry) { e.Kind = Notice }),
		"line":   lie(func(e *Entry) { e.Line = &Line{} }),
		"local":  lie(func(e *Entry) { e.Files = []File{{Ref: "f-1"}} }),
		"long":   lie(func(e *Entry) { e.Text = string(make([]byte, 1<<14+1)) }),
		"past":   lie(func(e *Entry) { e.At = -1 }),
	} {
		if pairs, n, err := Import(store{}, "c", []Carried{c}, ann, 0, 0); err != nil || n != 0 || len(pairs) != 0 {
			t.Errorf("%s: got %d pairs, %v", name, len(pairs), err)
		}
	}
	notes := []Pair{
		PutEdit("", ID{1}, Edit{By: bob, Text: "y"}), PutDeletion("", ID{1}, bob), PutLocal("", ID{1}, 0, Local{State: "local"}),
		{noteKey("", ID{1}) + "i", make([]byte, 8)}, {noteKey("", ID{1}) + "../../s/account", []byte{1}},
		{noteKey("", ID{1}) + "r/" + person(bob) + "/00", Encode(Reaction{Emoji: "z"})},
	}
	for i := range notes {
		notes[i].Key = notes[i].Key[len(noteKey("", ID{1})):]
	}
	pairs, _, err := Import(store{}, "c", []Carried{{Entry: good, Notes: notes}}, ann, 0, 0)
	if err != nil || len(pairs) != 2 {
		t.Errorf("notes: got %d pairs, want the entry's 2; %v", len(pairs), err)
	}
}
