//go:build js

package api

import (
	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/canon"
)

// In a browser the same values travel as CBOR, whose codec the program has anyway: encoding/json would be 90 KB more to load. The
// codec goes by the json tags. The one difference: a []byte field is a byte string, where JSON has base64 (web/lib/cbor.ts knows).

// raw is a value that is not read yet.
type raw = cbor.RawMessage

var decoding = canon.Decoder(cbor.DecOptions{
	MaxNestedLevels: 8, MaxArrayElements: 4096, MaxMapPairs: 64, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
})

// decode reads into v, a pointer, strict CBOR: no unknown names, nothing after the value. No bytes are a value of nothing.
func decode(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	return decoding.Unmarshal(b, v)
}

// unmarshal reads what this program's own encode wrote.
func unmarshal(b []byte, v any) error { return cbor.Unmarshal(b, v) }

// marshal fails only for what no API type holds.
func marshal(v any) ([]byte, error) { return cbor.Marshal(v) }

// named puts the event's name before the fields of its encoding, body: a map of fewer than 23, so its head is one byte and counts them.
func named(name string, body []byte) []byte {
	out := []byte{body[0] + 1}
	for _, s := range []string{"event", name} {
		b, _ := marshal(s) // a string always encodes
		out = append(out, b...)
	}
	return append(out, body[1:]...)
}
