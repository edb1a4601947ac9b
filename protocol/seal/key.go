package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"paperplane/internal/inv"
)

var (
	// ErrOpen: the bytes were not sealed under this key for this place, or were changed. On
	// purpose there is one such error; the caller passes over the bytes.
	ErrOpen = errors.New("seal: does not open")
	// ErrTooLarge: the plaintext does not fit into the largest size. The caller tells the
	// person, or uses a blob.
	ErrTooLarge = errors.New("seal: too large")
	// ErrKey: the bytes given as a key are not one: a bug, damaged state or, for a public key, a
	// bad card.
	ErrKey = errors.New("seal: bad key")
	// ErrChunk: a chunk's index or count is out of range, or a chunk that is not the last one is
	// not full. A bug of the caller.
	ErrChunk = errors.New("seal: bad chunk")
)

// EnvelopeKey opens the records of one epoch of a conversation: 32 bytes from the MLS exporter.
// The zero value seals and opens nothing: it gives ErrKey and ErrOpen.
type EnvelopeKey struct{ secret }

// SignalKey opens the signals of one epoch: 32 bytes from the MLS exporter, other than those of
// the EnvelopeKey.
type SignalKey struct{ secret }

// BlobKey opens one blob's chunks. It is random, and is used for one blob only.
type BlobKey struct{ secret }

// CardKey opens an inbox's card and key packages; it travels in invite links. 16 bytes.
type CardKey struct {
	_   [0]func()
	key [CardKeyBytes]byte
}

// CardKeyBytes is the length of a CardKey and of a door's seed.
const CardKeyBytes = 16

// NewEnvelopeKey makes a key of 32 secret bytes; ErrKey for another length.
func NewEnvelopeKey(b []byte) (EnvelopeKey, error) {
	s, err := newSecret(b)
	return EnvelopeKey{s}, err
}

// NewSignalKey makes a key of 32 secret bytes; ErrKey for another length.
func NewSignalKey(b []byte) (SignalKey, error) {
	s, err := newSecret(b)
	return SignalKey{s}, err
}

// NewBlobKey makes a random key.
func NewBlobKey() BlobKey {
	var k BlobKey
	_, _ = rand.Read(k.key[:]) // never fails: it ends the process instead
	k.set = true
	return k
}

// BlobKeyFromBytes is the inverse of BlobKey.Bytes; ErrKey for another length than 32.
func BlobKeyFromBytes(b []byte) (BlobKey, error) {
	s, err := newSecret(b)
	return BlobKey{s}, err
}

// NewCardKey makes a random key.
func NewCardKey() CardKey {
	var k CardKey
	_, _ = rand.Read(k.key[:])
	return k
}

// CardKeyFromBytes is the inverse of CardKey.Bytes; ErrKey for another length than 16.
func CardKeyFromBytes(b []byte) (CardKey, error) {
	var k CardKey
	if len(b) != CardKeyBytes {
		return k, ErrKey
	}
	copy(k.key[:], b)
	return k, nil
}

// Bytes returns a copy of the key, to be put into a profile message or the vault.
func (k CardKey) Bytes() []byte { return append([]byte(nil), k.key[:]...) }

// Equal reports whether the keys are the same, in constant time.
func (k CardKey) Equal(o CardKey) bool { return subtle.ConstantTimeCompare(k.key[:], o.key[:]) == 1 }

// Format prints a placeholder for every verb.
func (k CardKey) Format(f fmt.State, _ rune) { redact(f) }

// derive returns the secret for one purpose (E-12).
func (k CardKey) derive(purpose string) secret {
	b, err := hkdf.Key(sha256.New, k.key[:], nil, purpose, chacha20poly1305.KeySize)
	inv.That(err == nil, "hkdf gives a key") // it fails only for lengths that are not ours
	s, err := newSecret(b)
	inv.That(err == nil, "hkdf gives 32 bytes")
	return s
}

// secret is a 32-byte key that knows whether it was set.
type secret struct {
	_   [0]func()
	key [chacha20poly1305.KeySize]byte
	set bool
}

func newSecret(b []byte) (secret, error) {
	var s secret
	if len(b) != len(s.key) {
		return s, ErrKey
	}
	copy(s.key[:], b)
	s.set = true
	return s, nil
}

// Bytes returns a copy of the key, for the vault or for a message inside a conversation.
func (s secret) Bytes() []byte { return append([]byte(nil), s.key[:]...) }

// Format prints a placeholder for every verb.
func (s secret) Format(f fmt.State, _ rune) { redact(f) }

func redact(w io.Writer) { _, _ = io.WriteString(w, "[redacted]") }
