package canon_test

import (
	"encoding/hex"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/canon"
)

// TestDecoder shows that a reader takes one well-formed map and none of the forms that say the same otherwise,
// and that the caller's bounds hold at the edge and one past it.
func TestDecoder(t *testing.T) {
	d := canon.Decoder(cbor.DecOptions{MaxArrayElements: 16, MaxMapPairs: 16, MaxNestedLevels: 4})
	for _, c := range []struct {
		name, hex string
		ok        bool
	}{
		{"a-map", "a2616101616202", true},
		{"key-twice", "a2616101616102", false},
		{"open-length", "bf616101ff", false},
		{"tag", "c100", false},
		{"behind-it", "a000", false},
		{"array-at-the-bound", "90" + "00000000000000000000000000000000", true},
		{"array-past-it", "91" + "0000000000000000000000000000000000", false},
		{"nested-at-the-bound", "8181818100", true},
		{"nested-past-it", "818181818100", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := hex.DecodeString(c.hex)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := d.Unmarshal(b, &v); (err == nil) != c.ok {
				t.Errorf("got %v, want taken %v", err, c.ok)
			}
		})
	}
}

// TestEncode shows the order of keys and the shortest numbers.
func TestEncode(t *testing.T) {
	b := canon.Encode(map[string]uint64{"b": 24, "a": 23, "aa": 256})
	if got, want := hex.EncodeToString(b), "a361611761621818626161190100"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzDecoder shows that what strangers send costs no panic.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0xa1, 0x61, 0x61, 0x01})
	d := canon.Decoder(cbor.DecOptions{MaxArrayElements: 16, MaxMapPairs: 16, MaxNestedLevels: 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		var v any
		_ = d.Unmarshal(b, &v)
	})
}
