package vault

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
)

// keyPrefix marks a data key's text form, so that one found in the wrong place is recognised.
const keyPrefix = "ppvaultkey:"

// Key is the data key of one vault: 32 random bytes that wrap the keys of its segments. It
// prints as [redacted] under every verb and cannot be compared with ==. The zero Key opens
// nothing. A Key is a value; copies are independent and safe for concurrent use.
type Key struct {
	_   [0]func() // incomparable: == on secrets is not constant-time
	set bool
	b   [32]byte
}

// NewKey draws a fresh data key.
func NewKey() Key {
	k := Key{set: true}
	_, _ = rand.Read(k.b[:]) // never fails: crypto/rand ends the program instead
	return k
}

// KeyFrom takes 32 raw bytes, as unwrapped from a passphrase or a passkey; any other length
// is ErrKey. It copies raw.
func KeyFrom(raw []byte) (Key, error) {
	k := Key{set: true}
	if len(raw) != len(k.b) {
		return Key{}, ErrKey
	}
	copy(k.b[:], raw)
	return k, nil
}

// ParseKey reads the form that Text writes and nothing else; ErrKey otherwise.
func ParseKey(text string) (Key, error) {
	if len(text) != len(keyPrefix)+64 || text[:len(keyPrefix)] != keyPrefix {
		return Key{}, ErrKey
	}
	raw, err := hex.DecodeString(text[len(keyPrefix):])
	if err != nil || hex.EncodeToString(raw) != text[len(keyPrefix):] {
		return Key{}, ErrKey // upper-case digits are a second spelling, refused
	}
	return KeyFrom(raw)
}

// Text is the secret itself, for a key file or a platform key store: the one way out.
func (k Key) Text() string { return keyPrefix + hex.EncodeToString(k.b[:]) }

// Bytes is a copy of the raw secret, for wrapping it.
func (k Key) Bytes() []byte { return append([]byte(nil), k.b[:]...) }

// Equal compares in constant time.
func (k Key) Equal(o Key) bool {
	return k.set && o.set && subtle.ConstantTimeCompare(k.b[:], o.b[:]) == 1
}

// Format prints [redacted] for every verb.
func (k Key) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[redacted]")) }

// MarshalText refuses: a key must not slip into JSON unseen. Use Text.
func (k Key) MarshalText() ([]byte, error) {
	return nil, errors.New("vault: a key is not marshalled")
}
