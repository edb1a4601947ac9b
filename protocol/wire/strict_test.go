package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// unchecked encodes a message with the CBOR library alone, so that messages that Encode refuses
// can be shown to Parse.
func unchecked(t testing.TB, m any) []byte {
	t.Helper()
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	e, err := o.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	var kind wire.Kind
	switch m := m.(type) {
	case wire.Request:
		kind = m.RequestKind()
	case wire.Answer:
		kind = m.AnswerKind()
	case wire.Event:
		kind = m.EventKind()
	}
	b, err := e.Marshal([]any{uint64(kind), uint64(ridOf(m)), m})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rejects are frames that Parse refuses. Also written to spec/vectors/wire.json.
var rejects = []struct {
	name, hex string
	answer    bool // parsed as an answer or event, else as a request
	want      error
}{
	// Close {1: 5}, rid 7, is 83 04 07 a1 01 05.
	{"W-01-empty", "", false, wire.ErrMalformed},
	{"W-01-not-an-array", "a1040705", false, wire.ErrMalformed},
	{"W-01-array-of-2", "820407", false, wire.ErrMalformed},
	{"W-01-array-of-4", "840407a1010500", false, wire.ErrMalformed},
	{"W-01-no-body", "830407", false, wire.ErrMalformed},
	{"W-01-head-cut", "8304", false, wire.ErrMalformed},
	{"W-01-body-cut", "830407a101", false, wire.ErrMalformed},
	{"W-01-trailing-byte", "830407a1010500", false, wire.ErrMalformed},
	{"W-01-second-message", "830407a10105830407a10105", false, wire.ErrMalformed},
	{"W-01-indefinite-array", "9f0407a10105ff", false, wire.ErrMalformed},
	{"W-01-array-head-long", "98030407a10105", false, wire.ErrMalformed},
	{"W-02-kind-long", "83180407a10105", false, wire.ErrMalformed},
	{"W-02-kind-longer", "8319000407a10105", false, wire.ErrMalformed},
	{"W-02-rid-long", "83041807a10105", false, wire.ErrMalformed},
	{"W-02-rid-longer", "83041a00000007a10105", false, wire.ErrMalformed},
	{"W-02-rid-of-8-bytes", "83041b0000000100000000a10105", false, wire.ErrMalformed},
	{"W-02-rid-negative", "830426a10105", false, wire.ErrMalformed},
	{"W-02-kind-text", "83613407a10105", false, wire.ErrMalformed},
	{"W-02-kind-over-255", "8319010007a10105", false, wire.ErrMalformed},
	{"W-02-value-long", "830407a1011805", false, wire.ErrMalformed},
	{"W-02-key-long", "830407a1180105", false, wire.ErrMalformed},
	{"W-02-map-head-long", "830407b8010105", false, wire.ErrMalformed},
	{"W-02-indefinite-map", "830407bf0105ff", false, wire.ErrMalformed},
	{"W-02-duplicate-key", "830407a201050105", false, wire.ErrMalformed},
	{"W-02-tag", "830407c0a10105", false, wire.ErrMalformed},
	{"W-02-tagged-value", "830407a101c005", false, wire.ErrMalformed},
	{"W-02-value-float", "830407a101f94500", false, wire.ErrMalformed},
	{"W-02-value-null", "830407a101f6", false, wire.ErrMalformed},
	{"W-02-value-undefined", "830407a101f7", false, wire.ErrMalformed},
	{"W-02-value-negative", "830407a10124", false, wire.ErrMalformed},
	{"W-02-value-text", "830407a1016135", false, wire.ErrMalformed},
	{"W-02-value-over-32-bits", "830407a1011b0000000100000000", false, wire.ErrMalformed},
	{"W-02-body-array", "8304078105", false, wire.ErrMalformed},
	{"W-02-body-null", "830407f6", false, wire.ErrMalformed},
	{"W-02-key-text", "830407a1613105", false, wire.ErrMalformed},
	{"W-02-keys-unsorted", "830607a3030102010105", false, wire.ErrMalformed}, // Read
	{"W-02-false-written-out", "830e07a2010502f4", false, wire.ErrMalformed}, // PoolTake
	{"W-02-bool-as-number", "830e07a201050201", false, wire.ErrMalformed},
	{"W-02-reserved-simple", "830407a101f818", false, wire.ErrMalformed},
	{"W-02-nested-deep", "830407" + strings.Repeat("81", 40) + "00", false, wire.ErrMalformed},
	{"W-02-length-lies", "830807a2010502" + "5b7fffffffffffffff00", false, wire.ErrMalformed},
	{"W-02-array-length-lies", "830d07a2010504" + "9b7fffffffffffffff", false, wire.ErrMalformed},
	{"W-10-unknown-field", "830407a201050905", false, wire.ErrMalformed},
	{"W-10-missing-field", "830407a0", false, wire.ErrMalformed},
	{"W-10-info-with-field", "830107a10105", false, wire.ErrMalformed},
	{"W-10-short-id", "83111807a1014f000102030405060708090a0b0c0d0e", false, wire.ErrMalformed},
	{"W-10-long-id", "83111819a10151000102030405060708090a0b0c0d0e0f10", false, wire.ErrMalformed},
	{"W-03-request-rid-0", "830400a10105", false, wire.ErrMalformed},
	{"W-03-answer-rid-0", "83185000a10101", true, wire.ErrMalformed},
	{"W-03-event-with-rid", "8318a207a201050202", true, wire.ErrMalformed},
	{"W-04-kind-0", "830007a0", false, wire.ErrKind},
	{"W-04-kind-unknown", "83184f07a0", false, wire.ErrKind},
	{"W-04-answer-as-request", "83185007a10101", false, wire.ErrKind},
	{"W-04-event-as-request", "8318a207a201050202", false, wire.ErrKind},
	{"W-04-request-as-answer", "830407a10105", true, wire.ErrKind},
	{"W-04-experiment", "8318f007a0", true, wire.ErrKind},
	{"W-23-done-code-0", "83185007a10100", true, wire.ErrMalformed},
}

// TestRejects parses every reject vector and looks for its error.
func TestRejects(t *testing.T) {
	if _, r, err := wire.ParseRequest([]byte{0x83, 4, 7, 0xa1, 1, 5}); err != nil || r != (wire.Close{Handle: 5}) {
		t.Fatalf("the good frame next to the bad ones: %v, %v", r, err)
	}
	for _, c := range rejects {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if c.answer {
			_, _, _, err = wire.ParseAnswerOrEvent(b)
		} else {
			_, _, err = wire.ParseRequest(b)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// TestRidSurvives checks that the number of a damaged request is known, so that it can be
// answered (W-06).
func TestRidSurvives(t *testing.T) {
	for _, h := range []string{"83041903e8a0", "83184f1903e8a0", "83041903e8", "83041903e8a10105ff"} {
		b, _ := hex.DecodeString(h)
		if rid, r, err := wire.ParseRequest(b); rid != 1000 || r != nil || err == nil {
			t.Errorf("%s: got rid %d, %v, %v, want 1000, nothing, an error", h, rid, r, err)
		}
	}
}

// TestEncodeRefuses checks what Encode takes for a caller's mistake (W-03, W-04).
func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		rid  uint32
		m    any
		want error
	}{
		{"nothing", 1, nil, wire.ErrKind},
		{"foreign", 1, 5, wire.ErrKind},
		{"pointer", 1, &wire.Close{}, wire.ErrKind},
		{"record", 1, wire.Record{}, wire.ErrKind},
		{"request-0", 0, wire.Close{}, wire.ErrMalformed},
		{"answer-0", 0, wire.Done{Code: plane.OK}, wire.ErrMalformed},
		{"event-1", 1, wire.GoneEvent{Code: plane.Busy}, wire.ErrMalformed},
	} {
		if _, err := wire.Encode(c.rid, c.m); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// TestNoAlias overwrites the input after parsing: the message must not change (W-25).
func TestNoAlias(t *testing.T) {
	for _, m := range samples() {
		b, err := wire.Encode(ridOf(m), m)
		if err != nil {
			t.Fatal(err)
		}
		in := bytes.Clone(b)
		_, got, err := parse(in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range in {
			in[i] = 0xee
		}
		again, err := wire.Encode(ridOf(m), got)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%T changed with the bytes it was parsed from, %v", m, err)
		}
	}
}

// TestCutAnywhere cuts and grows every frame: no part of a message is a message (W-01).
func TestCutAnywhere(t *testing.T) {
	for _, m := range samples() {
		b, err := wire.Encode(ridOf(m), m)
		if err != nil {
			t.Fatal(err)
		}
		for n := range min(len(b), 300) {
			if _, got, err := parse(b[:n]); err == nil {
				t.Errorf("%T cut to %d bytes parses as %T", m, n, got)
			}
		}
		if _, got, err := parse(append(b, 0)); err == nil {
			t.Errorf("%T with a byte more parses as %T", m, got)
		}
	}
}

// FuzzParse holds that what parses encodes to the same bytes, from either side, and that nothing
// panics (W-02).
func FuzzParse(f *testing.F) {
	for _, m := range samples() {
		if b := unchecked(f, m); len(b) < 10000 {
			f.Add(b)
		}
	}
	for _, c := range rejects {
		b, _ := hex.DecodeString(c.hex)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if rid, r, err := wire.ParseRequest(b); err == nil {
			if again, err := wire.Encode(rid, r); err != nil || !bytes.Equal(again, b) {
				t.Errorf("request %T: parsed from %x, encodes to %x, %v", r, b, again, err)
			}
		} else if r != nil {
			t.Errorf("a request beside the error %v", err)
		}
		rid, a, e, err := wire.ParseAnswerOrEvent(b)
		if err != nil {
			if a != nil || e != nil {
				t.Errorf("a message beside the error %v", err)
			}
			return
		}
		var m any = a
		if a == nil {
			m = e
		}
		if again, err := wire.Encode(rid, m); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%T: parsed from %x, encodes to %x, %v", m, b, again, err)
		}
	})
}

func benchEncode(b *testing.B, rid uint32, m any) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Encode(rid, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeAppend(b *testing.B) {
	benchEncode(b, 1000, wire.Append{Handle: 300, Body: make([]byte, plane.RecordSmall)})
}

func BenchmarkEncodeRecordEvent(b *testing.B) {
	benchEncode(b, 0, wire.RecordEvent{Handle: 300, Seq: 100000, Body: make([]byte, plane.RecordSmall)})
}

func BenchmarkParseAppend(b *testing.B) {
	f, err := wire.Encode(1000, wire.Append{Handle: 300, Body: make([]byte, plane.RecordSmall)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wire.ParseRequest(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseRecordEvent(b *testing.B) {
	f, err := wire.Encode(0, wire.RecordEvent{Handle: 300, Seq: 100000, Body: make([]byte, plane.RecordSmall)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := wire.ParseAnswerOrEvent(f); err != nil {
			b.Fatal(err)
		}
	}
}
