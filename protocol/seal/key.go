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
	reveal func() [CardKeyBytes]byte // a function, as in secret; nil: not set
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
	var key [chacha20poly1305.KeySize]byte
	_, _ = rand.Read(key[:]) // never fails: it ends the process instead
	return BlobKey{hide(key)}
}

// BlobKeyFromBytes is the inverse of BlobKey.Bytes; ErrKey for another length than 32.
func BlobKeyFromBytes(b []byte) (BlobKey, error) {
	s, err := newSecret(b)
	return BlobKey{s}, err
}

// NewCardKey makes a random key.
func NewCardKey() CardKey {
	var key [CardKeyBytes]byte
	_, _ = rand.Read(key[:])
	return cardKey(key)
}

// CardKeyFromBytes is the inverse of CardKey.Bytes; ErrKey for another length than 16.
func CardKeyFromBytes(b []byte) (CardKey, error) {
	if len(b) != CardKeyBytes {
		return CardKey{}, ErrKey
	}
	return cardKey([CardKeyBytes]byte(b)), nil
}

func cardKey(key [CardKeyBytes]byte) CardKey {
	return CardKey{reveal: func() [CardKeyBytes]byte { return key }}
}

// Bytes returns a copy of the key, to be put into a profile message or the vault. The zero
// CardKey gives zeros.
func (k CardKey) Bytes() []byte {
	var b [CardKeyBytes]byte
	if k.reveal != nil {
		b = k.reveal()
	}
	return b[:]
}

// Equal reports whether the keys are the same, in constant time.
func (k CardKey) Equal(o CardKey) bool { return subtle.ConstantTimeCompare(k.Bytes(), o.Bytes()) == 1 }

// Format prints a placeholder for every verb.
func (k CardKey) Format(f fmt.State, _ rune) { redact(f) }

// derive returns the secret for one purpose (E-12).
func (k CardKey) derive(purpose string) secret {
	if k.reveal == nil {
		return secret{}
	}
	b, err := hkdf.Key(sha256.New, k.Bytes(), nil, purpose, chacha20poly1305.KeySize)
	inv.That(err == nil, "hkdf gives a key") // it fails only for lengths that are not ours
	s, err := newSecret(b)
	inv.That(err == nil, "hkdf gives 32 bytes")
	return s
}

// secret is a 32-byte key. It lies inside a function because fmt does not ask unexported fields
// for their Format: of a struct that holds a key it would print the bytes, and with a verb that
// does not fit it looks behind pointers too. Of a function it prints the address. Functions do
// not compare either. nil: not set.
type secret struct {
	reveal func() [chacha20poly1305.KeySize]byte
}

func hide(key [chacha20poly1305.KeySize]byte) secret {
	return secret{reveal: func() [chacha20poly1305.KeySize]byte { return key }}
}

func newSecret(b []byte) (secret, error) {
	if len(b) != chacha20poly1305.KeySize {
		return secret{}, ErrKey
	}
	return hide([chacha20poly1305.KeySize]byte(b)), nil
}

// Bytes returns a copy of the key, for the vault or for a message inside a conversation; nil
// when it is not set.
func (s secret) Bytes() []byte {
	if s.reveal == nil {
		return nil
	}
	key := s.reveal()
	return key[:]
}

// Format prints a placeholder for every verb.
func (s secret) Format(f fmt.State, _ rune) { redact(f) }

func redact(w io.Writer) { _, _ = io.WriteString(w, "[redacted]") }
