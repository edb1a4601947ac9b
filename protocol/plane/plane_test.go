package plane

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCodeWords checks that every code has its own word and that unknown codes share one.
func TestCodeWords(t *testing.T) {
	want := "other ok refused malformed too-large busy full closed failed used-up later other other"
	var got []string
	for c := range Code(12) {
		got = append(got, c.String())
	}
	got = append(got, Code(255).String())
	if g := strings.Join(got, " "); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

// TestIDText parses what Text gives, for all bits of an id, and rejects every near miss.
func TestIDText(t *testing.T) {
	for i := range 16 {
		var id LogID
		id[i] = 0xfb
		if got, err := ParseLogID(id.Text()); err != nil || got != id {
			t.Errorf("byte %d: log id did not come back, %v", i, err)
		}
		if got, err := ParseBlobID(BlobID(id).Text()); err != nil || got != BlobID(id) {
			t.Errorf("byte %d: blob id did not come back, %v", i, err)
		}
		var k PublicKey
		k[2*i] = 0xfb
		if got, err := ParsePublicKey(k.Text()); err != nil || got != k {
			t.Errorf("byte %d: key did not come back, %v", i, err)
		}
	}
	good := LogID{1}.Text()
	for name, s := range map[string]string{
		"empty":         "",
		"short":         good[:21],
		"long":          good + "A",
		"padded":        good + "==",
		"spare-bits":    good[:21] + "B",
		"other-letters": "+" + good[1:],
		"line-end":      good[:21] + "\n" + good[21:],
		"line-inside":   good[:21] + "\n",
		"space":         " " + good[1:],
	} {
		if _, err := ParseLogID(s); !errors.Is(err, ErrText) {
			t.Errorf("%s: got %v, want ErrText", name, err)
		}
		if _, err := ParseBlobID(s); !errors.Is(err, ErrText) {
			t.Errorf("%s: blob: got %v, want ErrText", name, err)
		}
		if _, err := ParsePublicKey(s); !errors.Is(err, ErrText) {
			t.Errorf("%s: key: got %v, want ErrText", name, err)
		}
	}
}

// TestNothingPrints formats every identifier with many verbs: none shows a byte of itself. (fmt
// never asks a Formatter for %p; go vet refuses that verb for these types.)
func TestNothingPrints(t *testing.T) {
	raw := bytes.Repeat([]byte{0xab}, 64)
	values := []any{LogID(raw[:16]), BlobID(raw[:16]), PublicKey(raw[:32]), Signature(raw), Binding(raw[:32])}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c"} {
			got := fmt.Sprintf(verb, v)
			if !strings.HasPrefix(got, "[") || strings.Contains(strings.ToLower(got), "ab") || strings.Contains(got, "171") {
				t.Errorf("%T with %s printed %q", v, verb, got)
			}
		}
	}
}

// TestDays checks days and months at their edges, against the calendar.
func TestDays(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		at    string
		day   Day
		month Month
	}{
		{"1970-01-01T00:00:00Z", 0, 0},
		{"1970-01-01T23:59:59Z", 0, 0},
		{"1970-01-02T00:00:00Z", 1, 0},
		{"1970-02-01T00:00:00Z", 31, 1},
		{"1969-12-31T23:59:59Z", 0, 0}, // before the epoch: a broken clock, not a large day
		{"2000-02-29T12:00:00Z", 11016, 361},
		{"2000-03-01T00:00:00Z", 11017, 362},
		{"2026-12-31T23:59:59Z", 20818, 683},
		{"2027-01-01T00:00:00Z", 20819, 684},
		{"2027-01-01T01:00:00+02:00", 20818, 683}, // days are UTC's
	} {
		d := DayOf(at(c.at))
		if d != c.day || d.Month() != c.month {
			t.Errorf("%s: got day %d, month %d, want %d, %d", c.at, d, d.Month(), c.day, c.month)
		}
	}
	for _, d := range []Day{0, 1, 20818, 1 << 20} {
		if got := DayOf(d.Start()); got != d {
			t.Errorf("day %d starts on day %d", d, got)
		}
		if got := DayOf(d.Start().Add(24*time.Hour - time.Nanosecond)); got != d {
			t.Errorf("day %d ends on day %d", d, got)
		}
	}
}

// TestRecordSize checks the three sizes at the limit and one past it (W-11).
func TestRecordSize(t *testing.T) {
	for _, c := range []struct{ n, want int }{
		{0, 1024}, {1, 1024}, {1024, 1024}, {1025, 4096}, {4096, 4096}, {4097, 8160}, {8160, 8160}, {8161, 0},
	} {
		if got := RecordSize(c.n); got != c.want {
			t.Errorf("RecordSize(%d) = %d, want %d", c.n, got, c.want)
		}
	}
}

// FuzzText checks that an accepted text is the one text of its id.
func FuzzText(f *testing.F) {
	f.Add(LogID{1}.Text())
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseLogID(s); err == nil && id.Text() != s {
			t.Errorf("%q parses to the id of %q", s, id.Text())
		}
		if k, err := ParsePublicKey(s); err == nil && k.Text() != s {
			t.Errorf("%q parses to the key of %q", s, k.Text())
		}
	})
}
