package content

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"paperplane/protocol/plane"
)

const (
	saltHex = "50" + "000102030405060708090a0b0c0d0e0f"
	partHex = "8501600178" + "18746578742f706c61696e3b636861727365743d7574662d38" + "4568656c6c6f" // "hello"
	idHex   = "5820" + "01" + "00000000000000000000000000000000000000000000000000000000000000"
	goodHex = "87" + saltHex + "f6" + "40" + "f6" + "f6" + "a0" + partHex
)

// rejects are bodies that Parse refuses. Also written to spec/vectors/content.json.
func rejects() []struct {
	name, hex string
	want      error
} {
	swap := func(old, with string) string { return strings.Replace(goodHex, old, with, 1) }
	nest := func(depth int) string {
		p := partHex
		for range depth - 1 {
			p = "850160030282" + p + partHex
		}
		return swap(partHex, p)
	}
	return []struct {
		name, hex string
		want      error
	}{
		{"C-40-empty", "", ErrMalformed},
		{"C-40-cut", goodHex[:len(goodHex)-2], ErrMalformed},
		{"C-40-trailing", goodHex + "00", ErrMalformed},
		{"C-40-array-of-6", "86" + goodHex[2:len(goodHex)-len(partHex)], ErrMalformed},
		{"C-40-array-of-8", "88" + goodHex[2:] + "00", ErrMalformed},
		{"C-40-indefinite", "9f" + goodHex[2:] + "ff", ErrMalformed},
		{"C-40-array-head-long", "9807" + goodHex[2:], ErrMalformed},
		{"C-40-tagged", "c0" + goodHex, ErrMalformed},
		{"C-40-map", "a0", ErrMalformed},
		{"C-40-salt-short", swap(saltHex, "4f"+saltHex[2:32]), ErrMalformed},
		{"C-40-salt-long", swap(saltHex, "51"+saltHex[2:]+"10"), ErrMalformed},
		{"C-40-salt-text", swap(saltHex, "70"+saltHex[2:]), ErrMalformed},
		{"C-40-salt-head-long", swap(saltHex, "5810"+saltHex[2:]), ErrMalformed},
		{"C-40-replaces-short", swap("f640f6f6", "4101"+"40f6f6"), ErrMalformed},
		{"C-40-replaces-undefined", swap("f640f6f6", "f740f6f6"), ErrMalformed},
		{"C-43-replaces-other-hash", swap("f640f6f6", strings.Replace(idHex, "582001", "582002", 1)+"40f6f6"), ErrMalformed},
		{"C-43-reply-zero", swap("40f6f6", "40f6"+strings.Replace(idHex, "582001", "582000", 1)), ErrMalformed},
		{"C-40-topic-null", swap("f640f6f6", "f6f6f6f6"), ErrMalformed},
		{"C-40-expires-short", swap("40f6f6", "40"+"81f5"+"f6"), ErrMalformed},
		{"C-40-expires-not-bool", swap("40f6f6", "40"+"820101"+"f6"), ErrMalformed},
		{"C-40-expires-large", swap("40f6f6", "40"+"82f51b0000000100000000"+"f6"), ErrMalformed},
		{"C-40-extensions-null", swap("f6f6a0", "f6f6f6"), ErrMalformed},
		{"C-40-extensions-array", swap("f6f6a0", "f6f680"), ErrMalformed},
		{"C-40-extension-key-bytes", swap("f6f6a0", "f6f6a1410100"), ErrMalformed},
		{"C-40-extension-key-empty", swap("f6f6a0", "f6f6a16000"), ErrMalformed},
		{"C-40-extension-key-long", swap("f6f6a0", "f6f6a1"+"790100"+strings.Repeat("61", 256)+"00"), ErrMalformed},
		{"C-40-extension-key-2-53", swap("f6f6a0", "f6f6a1"+"1b0020000000000000"+"00"), ErrMalformed},
		{"C-40-extension-key-minus-2-53", swap("f6f6a0", "f6f6a1"+"3b001fffffffffffff"+"00"), ErrMalformed},
		{"C-40-extension-twice", swap("f6f6a0", "f6f6a201000100"), ErrMalformed},
		{"C-40-extensions-unsorted", swap("f6f6a0", "f6f6a202000100"), ErrMalformed},
		{"C-40-extension-deep", swap("f6f6a0", "f6f6a101818181"+"80"), ErrMalformed},
		{"C-40-extension-deep-map", swap("f6f6a0", "f6f6a101a101a101a101a1"+"0101"), ErrMalformed},
		{"C-40-extension-nested-unsorted", swap("f6f6a0", "f6f6a101a202000100"), ErrMalformed},
		{"C-40-extensions-17", swap("f6f6a0", "f6f6b1"+"000001000200030004000500060007000800090"+"00a000b000c000d000e000f001000"), ErrMalformed},
		{"C-40-extension-tag", swap("f6f6a0", "f6f6a101c000"), ErrMalformed},
		{"C-40-extension-float-long", swap("f6f6a0", "f6f6a101fa3f800000"), ErrMalformed},
		{"C-40-part-empty", swap(partHex, "80"), ErrMalformed},
		{"C-40-part-null", swap(partHex, "f6"), ErrMalformed},
		{"C-40-part-disposition-256", swap(partHex, "8319010060"+"00"), ErrMalformed},
		{"C-40-part-language-bytes", swap(partHex, "83014000"), ErrMalformed},
		{"C-40-part-language-not-utf-8", swap(partHex, "830161ff00"), ErrMalformed},
		{"C-40-part-cardinality-4", swap(partHex, "83016004"), ErrMalformed},
		{"C-40-null-part-long", swap(partHex, "8401600000"), ErrMalformed},
		{"C-40-single-short", swap(partHex, "8401600160"), ErrMalformed},
		{"C-40-single-content-text", swap(partHex, "85016001606161"), ErrMalformed},
		{"C-40-external-short", swap(partHex, "8e0660026060000000404040004060"), ErrMalformed},
		{"C-40-multi-of-1", swap(partHex, "850160030281"+partHex), ErrMalformed},
		{"C-40-multi-semantics-3", swap(partHex, "850160030382"+partHex+partHex), ErrMalformed},
		{"C-40-parts-25", swap(partHex, "85016003029819"+strings.Repeat("83016000", 25)), ErrTooLarge},
		{"C-40-depth-5", nest(5), ErrTooLarge},
		{"C-40-length-lies", swap(partHex, "8501600160"+"5b7fffffffffffffff"), ErrMalformed},
	}
}

// TestRejects parses every reject vector and looks for its error; and what stands right inside
// each bound parses.
func TestRejects(t *testing.T) {
	for _, c := range rejects() {
		if _, err := Parse(unhex(t, c.hex)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	swap := func(old, with string) string { return strings.Replace(goodHex, old, with, 1) }
	for name, h := range map[string]string{
		"good":               goodHex,
		"replaces":           swap("f640f6f6", idHex+"40f6f6"),
		"topic":              swap("f640f6f6", "f64101f6f6"),
		"expires":            swap("40f6f6", "40"+"82f51affffffff"+"f6"),
		"extension-keys":     swap("f6f6a0", "f6f6a3"+"1b001fffffffffffff"+"00"+"3b001ffffffffffffe"+"00"+"6161"+"00"),
		"extension-key-long": swap("f6f6a0", "f6f6a1"+"78ff"+strings.Repeat("61", 255)+"00"),
		"extension-depth":    swap("f6f6a0", "f6f6a1018181"+"80"),
		"extension-map":      swap("f6f6a0", "f6f6a101a101a101a1"+"0101"),
		"extensions-16":      swap("f6f6a0", "f6f6b0"+"000001000200030004000500060007000800090"+"00a000b000c000d000e000f00"),
		"extension-float":    swap("f6f6a0", "f6f6a101f93c00"),
		"parts-24":           swap(partHex, "85016003029818"+strings.Repeat("83016000", 24)),
		"depth-4":            swap(partHex, "850160030282"+"850160030282"+"850160030282"+partHex+partHex+partHex+partHex),
	} {
		if _, err := Parse(unhex(t, h)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse(make([]byte, FrameBytesMax+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a long body: got %v, want ErrTooLarge", err)
	}
}

// TestFrames checks the frame's own bounds and versions (C-42).
func TestFrames(t *testing.T) {
	good := Frame{Seen: 1<<64 - 1, SentMS: sentMax, Body: unhex(t, goodHex)}
	b, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseFrame(b)
	if err != nil || f.Seen != good.Seen || f.SentMS != good.SentMS || !bytes.Equal(f.Body, good.Body) {
		t.Errorf("a frame at its bounds came back different, %v", err)
	}
	for i := range b {
		b[i] ^= 0xff
	}
	if !bytes.Equal(f.Body, good.Body) {
		t.Error("the body shares memory with what it was parsed from")
	}
	const head = "8501" + "05" + "50000102030405060708090a0b0c0d0e0f" + "0a"
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"good", head + goodHex, nil},
		{"version-2", "8502" + head[4:] + goodHex, ErrVersion},
		{"version-2-longer", "8602" + head[4:] + goodHex + "00", ErrVersion},
		{"version-0", "8500" + head[4:] + goodHex, ErrMalformed},
		{"version-24", "851818" + head[4:] + goodHex, ErrMalformed},
		{"version-map", "a501" + head[4:] + goodHex, ErrMalformed},
		{"trailing", head + goodHex + "00", ErrMalformed},
		{"no-body", "8401" + head[4:], ErrMalformed},
		{"body-null", head + "f6", ErrMalformed},
		{"body-cut", head + goodHex[:40], ErrMalformed},
		{"body-bytes", head + "41" + "00", ErrMalformed},
		{"seen-long", "8501" + "1805" + head[6:] + goodHex, ErrMalformed},
		{"seen-negative", "8501" + "24" + head[6:] + goodHex, ErrMalformed},
		{"hash-short", "850105" + "4f000102030405060708090a0b0c0d0e" + "0a" + goodHex, ErrMalformed},
		{"sent-late", "850105" + head[6:40] + "1b0000e677d21fdc00" + goodHex, ErrMalformed},
		{"sent-float", "850105" + head[6:40] + "f94900" + goodHex, ErrMalformed},
	} {
		if _, err := ParseFrame(unhex(t, c.hex)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		f    Frame
		want error
	}{
		"no-body":   {Frame{}, ErrMalformed},
		"sent-late": {Frame{SentMS: sentMax + 1, Body: good.Body}, ErrMalformed},
	} {
		if _, err := c.f.Encode(); !errors.Is(err, c.want) {
			t.Errorf("encode %s: got %v, want %v", name, err, c.want)
		}
	}
	// The largest body that is one still has no room for the frame around it.
	big, err := private(DispositionUnspecified, privatePrefix+"big", make([]byte, FrameBytesMax-70))
	if err != nil {
		t.Fatal(err)
	}
	body, err := big.Bytes()
	if err != nil || len(body) < FrameBytesMax-50 {
		t.Fatalf("a body of %d bytes, %v: this test needs one near %d", len(body), err, FrameBytesMax)
	}
	if _, err := (Frame{SentMS: sentMax, Seen: 1 << 60, Body: body}).Encode(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a frame past its limit: got %v, want ErrTooLarge", err)
	}
}

// TestIDs checks the text form and that an id binds sender, log, content and salt (C-43).
func TestIDs(t *testing.T) {
	body := unhex(t, goodHex)
	other := bytes.Clone(body)
	other[5] ^= 1 // the salt
	seen := map[MessageID]string{}
	for name, id := range map[string]MessageID{
		"same":   NewMessageID(plane.PublicKey{1}, plane.LogID{1}, body),
		"sender": NewMessageID(plane.PublicKey{2}, plane.LogID{1}, body),
		"log":    NewMessageID(plane.PublicKey{1}, plane.LogID{2}, body),
		"salt":   NewMessageID(plane.PublicKey{1}, plane.LogID{1}, other),
		"short":  NewMessageID(plane.PublicKey{1}, plane.LogID{1}, nil),
	} {
		if prev, ok := seen[id]; ok {
			t.Errorf("%s has the id of %s", name, prev)
		}
		seen[id] = name
		if got, err := ParseMessageID(id.Text()); err != nil || got != id || len(id.Text()) != 43 || id.IsZero() {
			t.Errorf("%s: the text form does not come back, %v", name, err)
		}
		if got := fmt.Sprintf("%v %+v %#v %x", id, id, id, id); got != "[message] [message] [message] [message]" {
			t.Errorf("%s: printed %q", name, got)
		}
	}
	good := someID(1).Text()
	for name, s := range map[string]string{"empty": "", "short": good[:42], "long": good + "A", "spare-bits": good[:42] + "B",
		"line-end": good[:42] + "\n" + good[42:], "padded": good + "="} {
		if _, err := ParseMessageID(s); !errors.Is(err, plane.ErrText) {
			t.Errorf("%s: got %v, want ErrText", name, err)
		}
	}
}

// TestNothingPrints formats every message: what people write does not print.
func TestNothingPrints(t *testing.T) {
	for _, v := range []any{Door{}, Unverified{}, Part{}, External{URL: "canary"}, Frame{}, Attachment{Name: "canary"}} {
		if got := fmt.Sprintf("%v %+v %s", v, v, v); got != "[content] [content] [content]" {
			t.Errorf("%T printed %q", v, got)
		}
	}
	for _, m := range append(samples(), Text{Text: "canary"}, Profile{Name: "canary"}) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			got := fmt.Sprintf(verb, m)
			switch m.(type) {
			case Delete, Unreact, Receipt, PollClose: // ids print as placeholders, places are numbers
				continue
			}
			if got != "[content]" {
				t.Errorf("%T with %s printed %q", m, verb, got)
			}
		}
	}
}

// FuzzParse holds that what parses encodes to the same bytes, and that what verifies can be
// encoded again to a message that verifies to the same.
func FuzzParse(f *testing.F) {
	for _, m := range samples() {
		b, err := encode(m, [SaltBytes]byte{1})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, c := range draftMessages(f) {
		b, err := c.u.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, c := range rejects() {
		b, _ := hex.DecodeString(c.hex)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := Parse(b)
		if err != nil {
			return
		}
		if again, err := u.Bytes(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("parsed from %x, encodes to %x, %v", b, again, err)
		}
		m, err := u.Verify()
		if err != nil || m == (Message)(nil) {
			return
		}
		if _, ok := m.(Unknown); ok {
			return
		}
		if _, err := encode(m, u.Salt); err != nil {
			t.Fatalf("%x verifies as a %T that does not encode: %v", b, m, err)
		}
	})
}

// FuzzParseFrame holds that a frame that parses encodes to the same bytes.
func FuzzParseFrame(f *testing.F) {
	b, err := Frame{Seen: 5, SentMS: 10, Body: unhex(f, goodHex)}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0x85, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := ParseFrame(b)
		if err != nil {
			return
		}
		if again, err := fr.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("parsed from %x, encodes to %x, %v", b, again, err)
		}
	})
}
