package archive

import (
	"bytes"
	"errors"
	"testing"

	"paperplane/protocol/caps"
)

func items(n int) []Item {
	list := make([]Item, n)
	for i := range list {
		list[i] = Item{Entry: []byte{byte(i), byte(i >> 8), 1}, Notes: []Note{{Key: "p", Value: []byte{1}}}}
	}
	return list
}

// TestSeal shows that a segment comes back as it was, and that nothing else does (D-01): every
// changed byte of the reference or of some bytes of the blob is refused.
func TestSeal(t *testing.T) {
	ref, secret, data, err := Seal(items(ItemsMax))
	if err != nil {
		t.Fatal(err)
	}
	if ref.Blob != caps.NewBlobID(secret) || ref.Count != ItemsMax {
		t.Errorf("got blob %v count %d", ref.Blob, ref.Count)
	}
	got, err := Open(ref, data)
	if err != nil || len(got) != ItemsMax || !bytes.Equal(got[7].Entry, items(8)[7].Entry) || got[7].Notes[0].Key != "p" {
		t.Fatalf("got %d items, %v", len(got), err)
	}
	bad := func(what string, r Ref, d []byte) {
		t.Helper()
		if _, err := Open(r, d); !errors.Is(err, ErrSegment) {
			t.Errorf("%s: got %v, want ErrSegment", what, err)
		}
	}
	for i := 0; i < len(data); i += 997 {
		d := bytes.Clone(data)
		d[i] ^= 1
		bad("changed byte", ref, d)
	}
	bad("cut", ref, data[:len(data)-1])
	bad("empty", ref, nil)
	r := ref
	r.Hash[3] ^= 1
	bad("hash", r, data)
	r = ref
	r.Key[3] ^= 1
	bad("key", r, data)
	r = ref
	r.Count--
	bad("count", r, data)
	r = ref
	r.Bytes = BytesMax + 1
	bad("bytes", r, data)
	other, _, otherData, err := Seal(items(ItemsMax))
	if err != nil {
		t.Fatal(err)
	}
	bad("another's data", ref, otherData)
	if bytes.Equal(other.Key[:], ref.Key[:]) {
		t.Error("two segments have one key")
	}
}

// TestLimits shows the bounds at the edge and one past it (D-02).
func TestLimits(t *testing.T) {
	for _, x := range []struct {
		name string
		list []Item
		ok   bool
	}{
		{"items", items(ItemsMax), true},
		{"items-past", items(ItemsMax + 1), false},
		{"notes", []Item{{Notes: make([]Note, NotesMax)}}, true},
		{"notes-past", []Item{{Notes: make([]Note, NotesMax+1)}}, false},
		{"bytes", []Item{{Entry: make([]byte, BytesMax-10)}}, true},
		{"bytes-past", []Item{{Entry: make([]byte, BytesMax-9)}}, false},
	} {
		b, err := Encode(x.list)
		if (err == nil) != x.ok {
			t.Errorf("%s: got %v (%d bytes), want ok %v", x.name, err, len(b), x.ok)
		}
		if err == nil {
			if _, err := Parse(b); err != nil {
				t.Errorf("%s: does not parse: %v", x.name, err)
			}
		}
	}
}

// TestRefs shows that only sane references parse.
func TestRefs(t *testing.T) {
	good := Ref{Count: 1, Bytes: 10, From: 1, To: 1}
	if got, err := ParseRefs(EncodeRefs([]Ref{good, good})); err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	for name, r := range map[string]Ref{
		"no-entries": {Bytes: 10}, "many": {Count: ItemsMax + 1, Bytes: 10}, "large": {Count: 1, Bytes: BytesMax + 1},
		"backwards": {Count: 1, Bytes: 1, From: 2, To: 1}, "days": {Count: 1, Bytes: 1, Days: [2]uint32{2, 1}}, "no-bytes": {Count: 1},
	} {
		if _, err := ParseRefs(EncodeRefs([]Ref{r})); !errors.Is(err, ErrRef) {
			t.Errorf("%s: got %v, want ErrRef", name, err)
		}
	}
	if _, err := ParseRefs(EncodeRefs(make([]Ref, refsMax+1))); !errors.Is(err, ErrRef) {
		t.Error("too many references parse")
	}
}

// FuzzParse shows that nothing makes Parse or ParseRefs panic and that what parses has one form.
func FuzzParse(f *testing.F) {
	b, _ := Encode(items(3))
	f.Add(b)
	f.Add(EncodeRefs([]Ref{{Count: 1, Bytes: 10, From: 1, To: 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := Parse(b); err == nil {
			if again, err := Encode(list); err != nil || !bytes.Equal(again, b) {
				t.Errorf("another form: %x", again)
			}
		}
		if list, err := ParseRefs(b); err == nil && !bytes.Equal(EncodeRefs(list), b) {
			t.Error("another form")
		}
	})
}
