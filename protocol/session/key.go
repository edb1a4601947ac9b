package session

import (
	"bytes"
	"crypto/hpke"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
)

// Sizes of X-Wing (draft-connolly-cfrg-xwing-kem), in bytes.
const (
	PublicKeyBytes = 1216
	encBytes       = 1120
	seedBytes      = 32
)

const privatePrefix = "pp-session-key-1 "

// PrivateKey is a server's X-Wing key. It prints as a placeholder; Marshal gives its text.
type PrivateKey struct {
	_   [0]func() // incomparable
	key hpke.PrivateKey
	pub []byte
	fp  [32]byte
}

// GenerateKey makes a new server key.
func GenerateKey() (*PrivateKey, error) {
	k, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return nil, err
	}
	return newPrivateKey(k), nil
}

// ParsePrivateKey is the inverse of Marshal; it returns ErrKeyText for anything else.
// One line feed at the end is allowed: keys are kept in files of their own.
func ParsePrivateKey(text []byte) (*PrivateKey, error) {
	b64, ok := bytes.CutPrefix(bytes.TrimSuffix(text, []byte("\n")), []byte(privatePrefix))
	if !ok || base64.RawURLEncoding.DecodedLen(len(b64)) != seedBytes {
		return nil, ErrKeyText
	}
	seed, err := base64.RawURLEncoding.Strict().DecodeString(string(b64))
	if err != nil || len(seed) != seedBytes {
		return nil, ErrKeyText
	}
	k, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, ErrKeyText
	}
	return newPrivateKey(k), nil
}

func newPrivateKey(k hpke.PrivateKey) *PrivateKey {
	pub := k.PublicKey().Bytes()
	return &PrivateKey{key: k, pub: pub, fp: sha256.Sum256(pub)}
}

// Marshal returns the secret key as one line of text.
func (k *PrivateKey) Marshal() ([]byte, error) {
	seed, err := k.key.Bytes()
	if err != nil {
		return nil, err
	}
	return append([]byte(privatePrefix), base64.RawURLEncoding.EncodeToString(seed)+"\n"...), nil
}

// PublicKey returns the public half, PublicKeyBytes long.
func (k *PrivateKey) PublicKey() []byte { return bytes.Clone(k.pub) }

// Fingerprint returns SHA-256 of the public key: what an invite pins.
func (k *PrivateKey) Fingerprint() [32]byte { return k.fp }

// Equal compares in constant time.
func (k *PrivateKey) Equal(o *PrivateKey) bool {
	a, errA := k.key.Bytes()
	b, errB := o.key.Bytes()
	return errA == nil && errB == nil && subtle.ConstantTimeCompare(a, b) == 1
}

// Format prints a placeholder for every verb.
func (k *PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// ServerKey is what a client knows of a server's key: the fingerprint, and with Full the key
// itself, which saves a round trip. Full must match the fingerprint when both are given.
type ServerKey struct {
	Fingerprint [32]byte
	Full        []byte // PublicKeyBytes long, or nil
}

// Format prints a placeholder: which server somebody uses does not belong into logs.
func (k ServerKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[server key]") }

// parsePublicKey checks key against the fingerprint (S-11).
func parsePublicKey(key []byte, fp [32]byte) (hpke.PublicKey, error) {
	if len(key) != PublicKeyBytes || sha256.Sum256(key) != fp {
		return nil, ErrServerKey
	}
	pk, err := hpke.MLKEM768X25519().NewPublicKey(key)
	if err != nil {
		return nil, ErrServerKey
	}
	return pk, nil
}
