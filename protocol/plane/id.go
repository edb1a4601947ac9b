// Package plane is the vocabulary that both sides of the protocol share: identifiers,
// sequence numbers, days, limits, error codes and redaction.
//
// It depends on the standard library alone, does no I/O and keeps no state; everything in it
// may be used concurrently. Identifiers print as a placeholder for every verb, so that none
// of them reaches a log or an error text by accident; Text gives the real form on purpose.
// Spec: spec/wire.md.
package plane

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"
)

// LogID names a log: the first 16 bytes of SHA-256("pp log v1" ‖ owner key). See caps.NewLogID.
type LogID [16]byte

// BlobID names a blob and is the capability to read it. See caps.NewBlobID.
type BlobID [16]byte

// PublicKey is an Ed25519 public key.
type PublicKey [32]byte

// Signature is an Ed25519 signature.
type Signature [64]byte

// Binding ties signatures to one session: 32 bytes that both ends of a session, and nobody
// else, derive from its handshake. A signature over it cannot be used on another session.
type Binding [32]byte

// Seq is the position of a record in its log. The first record has Seq 1; 0 is "before all".
type Seq uint64

// Gen is the generation of a log's read and write keys. The first generation is 1.
type Gen uint32

// Day counts days since 1 January 1970 UTC. Nothing that a server keeps is finer than a Day.
type Day uint32

// Month counts months since January 1970 UTC.
type Month uint16

// ErrText is returned when the text form of an identifier cannot be parsed. The caller shows
// that the input is damaged; trying again does not help.
var ErrText = errors.New("plane: not the text form of an identifier")

// DayOf returns the day of t in UTC.
func DayOf(t time.Time) Day { return Day(max(0, t.Unix()) / 86400) }

// Start returns the first instant of the day.
func (d Day) Start() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Month returns the month that the day lies in.
func (d Day) Month() Month {
	t := d.Start()
	return Month((t.Year()-1970)*12 + int(t.Month()) - 1)
}

// Text returns the id in unpadded base64url, 22 characters.
func (id LogID) Text() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// Text returns the id in unpadded base64url, 22 characters.
func (id BlobID) Text() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// Text returns the key in unpadded base64url, 43 characters.
func (k PublicKey) Text() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// ParseLogID is the inverse of LogID.Text; it returns ErrText for anything else.
func ParseLogID(s string) (LogID, error) {
	var id LogID
	err := parse(id[:], s)
	return id, err
}

// ParseBlobID is the inverse of BlobID.Text; it returns ErrText for anything else.
func ParseBlobID(s string) (BlobID, error) {
	var id BlobID
	err := parse(id[:], s)
	return id, err
}

// ParsePublicKey is the inverse of PublicKey.Text; it returns ErrText for anything else.
func ParsePublicKey(s string) (PublicKey, error) {
	var k PublicKey
	err := parse(k[:], s)
	return k, err
}

func parse(dst []byte, s string) error {
	// The decoder passes over line ends; with the length checked they cannot hide.
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(dst) || len(s) != base64.RawURLEncoding.EncodedLen(len(dst)) {
		return ErrText
	}
	copy(dst, b)
	return nil
}

// Format prints a placeholder for every verb: ids never reach a log or an error text.
func (id LogID) Format(f fmt.State, _ rune) { redact(f, "[log]") }

// Format prints a placeholder for every verb.
func (id BlobID) Format(f fmt.State, _ rune) { redact(f, "[blob]") }

// Format prints a placeholder for every verb.
func (k PublicKey) Format(f fmt.State, _ rune) { redact(f, "[key]") }

// Format prints a placeholder for every verb: a signature would tell who was there.
func (s Signature) Format(f fmt.State, _ rune) { redact(f, "[signature]") }

// Format prints a placeholder for every verb.
func (b Binding) Format(f fmt.State, _ rune) { redact(f, "[binding]") }

func redact(w io.Writer, s string) { _, _ = io.WriteString(w, s) }
