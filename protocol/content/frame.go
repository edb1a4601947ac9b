package content

import (
	"bytes"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/plane"
)

// FrameBytesMax bounds an encoded Frame, so that it fits the largest record with MLS's framing
// (at most 300 bytes) and the envelope's around it.
const FrameBytesMax = 7800

const frameVersion = 1

// Frame is the plaintext of an MLS application message (C-42).
type Frame struct {
	// Seen and SeenHash are the newest record that the sender had seen and the first 16 bytes of
	// its chain there (seal.HistoryHash.Short): so a server that shows two histories is caught.
	Seen     plane.Seq
	SeenHash [16]byte
	// SentMS is the sender's clock in milliseconds since 1970. Shown, and trusted for nothing.
	SentMS uint64
	// Body is a MIMI message, from Encode or for Parse.
	Body []byte
}

type frameArray struct {
	_        struct{} `cbor:",toarray"`
	Version  uint64
	Seen     uint64
	SeenHash [16]byte
	SentMS   uint64
	Body     cbor.RawMessage
}

// sentMax is the year 9999: later times make trouble in every face.
const sentMax = 253402300799999

// Encode returns the frame's bytes. Errors: ErrMalformed when Body is no MIMI message or SentMS
// is out of range, ErrTooLarge.
func (f Frame) Encode() ([]byte, error) {
	if _, err := Parse(f.Body); err != nil {
		return nil, err
	}
	if f.SentMS > sentMax {
		return nil, ErrMalformed
	}
	b, err := enc.Marshal(frameArray{Version: frameVersion, Seen: uint64(f.Seen), SeenHash: f.SeenHash,
		SentMS: f.SentMS, Body: f.Body})
	if err != nil {
		return nil, ErrMalformed
	}
	if len(b) > FrameBytesMax {
		return nil, ErrTooLarge
	}
	return b, nil
}

// ParseFrame is the inverse of Encode; Body is canonical and shares no memory with b. Errors:
// ErrMalformed, ErrTooLarge; ErrVersion for a frame of a later version.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) > FrameBytesMax {
		return Frame{}, ErrTooLarge
	}
	// The version is told before the shape: a later one may be longer.
	if len(b) > 1 && b[0]>>5 == 4 && frameVersion < b[1] && b[1] < 24 {
		return Frame{}, ErrVersion
	}
	var a frameArray
	if err := dec.Unmarshal(b, &a); err != nil {
		return Frame{}, ErrMalformed
	}
	if again, err := enc.Marshal(a); err != nil || !bytes.Equal(again, b) {
		return Frame{}, ErrMalformed
	}
	if a.Version != frameVersion || a.SentMS > sentMax {
		return Frame{}, ErrMalformed
	}
	if _, err := Parse(a.Body); err != nil {
		return Frame{}, err
	}
	return Frame{Seen: plane.Seq(a.Seen), SeenHash: a.SeenHash, SentMS: a.SentMS, Body: a.Body}, nil
}
