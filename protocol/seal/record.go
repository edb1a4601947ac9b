package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"paperplane/protocol/plane"
)

// RecordPayloadMax is the longest message that fits a record; RecordPayloadSmall and
// RecordPayloadMedium are the longest that fit the smaller sizes.
const (
	RecordPayloadSmall  = plane.RecordSmall - overhead
	RecordPayloadMedium = plane.RecordMedium - overhead
	RecordPayloadMax    = plane.RecordLarge - overhead
	// SignalPayloadMax is the longest signal.
	SignalPayloadMax = plane.SignalBytesMax - overhead
)

const (
	purposeEnvelope = "pp env v1"
	purposeSignal   = "pp sig v1"
	prefixChain     = "pp chain v1"
)

// SealRecord seals message as the body of a record of log, of exactly the smallest of
// plane.RecordSmall, RecordMedium and RecordLarge that holds it. Errors: ErrTooLarge, ErrKey.
func SealRecord(key EnvelopeKey, log plane.LogID, message []byte) ([]byte, error) {
	size := plane.RecordSize(len(message) + overhead)
	if size == 0 {
		return nil, ErrTooLarge
	}
	return key.sealPadded(size, bind(purposeEnvelope, log), message)
}

// OpenRecord opens the body of a record. ErrOpen: not sealed under this key for this log; the
// record is void.
func OpenRecord(key EnvelopeKey, log plane.LogID, body []byte) ([]byte, error) {
	if len(body) == 0 || plane.RecordSize(len(body)) != len(body) {
		return nil, ErrOpen
	}
	return key.openPadded(bind(purposeEnvelope, log), body)
}

// SealSignal seals a signal of at most SignalPayloadMax bytes into plane.SignalBytesMax bytes.
// Errors: ErrTooLarge, ErrKey.
func SealSignal(key SignalKey, log plane.LogID, message []byte) ([]byte, error) {
	return key.sealPadded(plane.SignalBytesMax, bind(purposeSignal, log), message)
}

// OpenSignal is the inverse of SealSignal. ErrOpen: pass over it.
func OpenSignal(key SignalKey, log plane.LogID, body []byte) ([]byte, error) {
	if len(body) != plane.SignalBytesMax {
		return nil, ErrOpen
	}
	return key.openPadded(bind(purposeSignal, log), body)
}

// HistoryHash is the hash chain over all records of a log. The zero value is the chain before
// the first record. It is no secret, but tells what somebody has seen, so it does not print.
type HistoryHash [32]byte

// Next returns the chain after the record seq with this body (E-30).
func (h HistoryHash) Next(seq plane.Seq, body []byte) HistoryHash {
	sum := sha256.Sum256(body)
	b := make([]byte, 0, len(prefixChain)+32+8+32)
	b = append(b, prefixChain...)
	b = append(b, h[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(seq))
	return sha256.Sum256(append(b, sum[:]...))
}

// Short returns the first 16 bytes, the form that messages carry.
func (h HistoryHash) Short() [16]byte { return [16]byte(h[:16]) }

// Format prints a placeholder for every verb.
func (h HistoryHash) Format(f fmt.State, _ rune) { redact(f) }
