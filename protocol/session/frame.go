package session

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"
)

// Kinds of frames (S-21). Zero is invalid.
const (
	frameGo   = 1 // client: this carrier is the one
	frameData = 2
	frameAck  = 3
	framePing = 4
	framePong = 5
	frameBye  = 6 // client: the session is over
)

// frame is the plaintext of a sealed message (S-21).
type frame struct {
	kind byte
	id   uint64 // DATA: number of the payload, from 1; GO: number of the attach, from 1
	ack  uint64 // the last payload received in order
	head []byte // DATA only, when made: comes before body
	body []byte // DATA only
}

const frameHeadBytes = 1 + 8 + 8 + 4

// buckets are the lengths of short sealed frames (S-23): control frames and small requests;
// one small, one medium, one large record with its head. Above, lengths are multiples of
// bucketStep.
var buckets = [...]int{256, 1280, 4608, 8704}

const (
	bucketStep = 4096
	// The first frames of an attach get random padding on top: their lengths would tell
	// the protocol by its opening (S-23).
	wideFrames = 8
	widePadMax = 1023
)

// bucket returns the length of the sealed frame whose content takes n bytes with its tag.
func bucket(n int) int {
	for _, b := range buckets {
		if n <= b {
			return b
		}
	}
	return (n + bucketStep - 1) / bucketStep * bucketStep
}

// appendFrame appends the plaintext of f, padded for the counter n of its direction.
func appendFrame(b []byte, f frame, n uint64) []byte {
	body := len(f.head) + len(f.body)
	size := bucket(frameHeadBytes + body + tagBytes)
	if n < wideFrames {
		var r [2]byte
		rand.Read(r[:]) // never fails
		size += int(binary.BigEndian.Uint16(r[:])) % (widePadMax + 1)
	}
	start := len(b)
	b = append(b, f.kind)
	b = binary.BigEndian.AppendUint64(b, f.id)
	b = binary.BigEndian.AppendUint64(b, f.ack)
	b = binary.BigEndian.AppendUint32(b, uint32(body))
	b = append(b, f.head...)
	b = append(b, f.body...)
	for want := start + size - tagBytes; len(b) < want; {
		b = append(b, zeros[:min(len(zeros), want-len(b))]...)
	}
	return b
}

var zeros [1024]byte

// parseFrame is the inverse of appendFrame; body points into b. It is strict: unknown kinds,
// bodies where none belong, and padding that is not zero are refused (S-22).
func parseFrame(b []byte) (frame, error) {
	if len(b) < frameHeadBytes {
		return frame{}, ErrProtocol
	}
	f := frame{kind: b[0], id: binary.BigEndian.Uint64(b[1:]), ack: binary.BigEndian.Uint64(b[9:])}
	n, rest := int64(binary.BigEndian.Uint32(b[17:])), b[frameHeadBytes:]
	if n > PayloadBytesMax || n > int64(len(rest)) || !zero(rest[n:]) {
		return frame{}, ErrProtocol
	}
	f.body = rest[:n:n]
	var ok bool
	switch f.kind {
	case frameData:
		ok = n > 0 && f.id > 0
	case frameGo:
		ok = n == 0 && f.id > 0
	case frameAck, framePing, framePong, frameBye:
		ok = n == 0 && f.id == 0
	}
	if !ok {
		return frame{}, ErrProtocol
	}
	return f, nil
}

// sealer seals the messages of one direction of one attach, in order (S-20).
type sealer struct {
	aead cipher.AEAD
	n    uint64
}

// opener is the other end of a sealer.
type opener sealer

func newSealer(key [32]byte) *sealer {
	a, err := chacha20poly1305.New(key[:])
	if err != nil {
		panic("session: " + err.Error()) // the key has the right length
	}
	return &sealer{aead: a}
}

func newOpener(key [32]byte) *opener { return (*opener)(newSealer(key)) }

func nonce(n uint64) []byte {
	var b [chacha20poly1305.NonceSize]byte
	binary.BigEndian.PutUint64(b[4:], n)
	return b[:]
}

// seal appends the sealed plain to dst, which may be plain[:0].
func (s *sealer) seal(dst, plain, aad []byte) []byte {
	n := nonce(s.n)
	s.n++
	return s.aead.Seal(dst, n, plain, aad)
}

// open opens the next message in place.
func (o *opener) open(msg, aad []byte) ([]byte, error) {
	plain, err := o.aead.Open(msg[:0], nonce(o.n), msg, aad)
	if err != nil {
		return nil, ErrProtocol
	}
	o.n++
	return plain, nil
}
