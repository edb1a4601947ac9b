package caps

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"paperplane/internal/inv"
	"paperplane/protocol/plane"
)

// ErrSeed is returned when a seed does not have its length: stored state is damaged.
var ErrSeed = errors.New("caps: bad seed")

// SeedBytes is the length of a Signer's seed.
const SeedBytes = ed25519.SeedSize

// Signer keeps an Ed25519 key: it signs and does not show the key. It prints as a placeholder,
// is not comparable, and is safe for concurrent use. The zero Signer is of no use.
type Signer struct {
	// The key lies inside a function because fmt does not ask unexported fields for their Format
	// and, with a verb that does not fit, looks behind pointers too. A function it does not open.
	reveal func() ed25519.PrivateKey
	pub    plane.PublicKey
}

// NewSigner makes a random key.
func NewSigner() *Signer {
	var seed [SeedBytes]byte
	_, _ = rand.Read(seed[:]) // never fails: it ends the process instead
	return newSigner(seed[:])
}

// SignerFromSeed is the inverse of Seed. The seed is copied. ErrSeed: not SeedBytes long.
func SignerFromSeed(seed []byte) (*Signer, error) {
	if len(seed) != SeedBytes {
		return nil, ErrSeed
	}
	return newSigner(seed), nil
}

func newSigner(seed []byte) *Signer {
	key := ed25519.NewKeyFromSeed(seed)
	return &Signer{reveal: func() ed25519.PrivateKey { return key }, pub: plane.PublicKey(key[32:])}
}

// Public returns the public key.
func (s *Signer) Public() plane.PublicKey { return s.pub }

// Sign signs msg. Callers sign only messages that start with a prefix of their own purpose.
func (s *Signer) Sign(msg []byte) plane.Signature {
	return plane.Signature(ed25519.Sign(s.reveal(), msg))
}

// Seed returns a copy of the seed, for the vault, and for giving the key away inside a sealed
// conversation. Nothing else has a use for it.
func (s *Signer) Seed() []byte { return bytes.Clone(s.reveal().Seed()) }

// Equal reports whether both keep the same key, in constant time.
func (s *Signer) Equal(o *Signer) bool { return s.reveal().Equal(o.reveal()) }

// Format prints a placeholder for every verb.
func (s Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// DeriveLogKeys returns a generation's read and write keys (L-09). secret is the MLS exporter's
// output for label "paperplane caps" and that generation or, for a log that belongs to one
// person, 32 random bytes. The same input always gives the same keys.
func DeriveLogKeys(secret []byte, gen plane.Gen) (read, write *Signer) {
	g := string(binary.BigEndian.AppendUint32(nil, uint32(gen)))
	return newSigner(derive(secret, "pp read v1"+g)), newSigner(derive(secret, "pp write v1"+g))
}

// MovedOwner returns the owner key of the log to which a conversation has moved (L-28): whoever owns
// its first log owns all that follow. base tells the moves apart (convo.Moved).
func MovedOwner(first *Signer, base plane.Seq) *Signer {
	return newSigner(derive(first.Seed(), "pp move v1"+string(binary.BigEndian.AppendUint64(nil, uint64(base)))))
}

// DoorSigner returns the key of the door whose seed an invite link carries (L-10).
func DoorSigner(seed [16]byte) *Signer { return newSigner(derive(seed[:], "pp door v1")) }

// derive is HKDF-SHA256 (RFC 5869) without salt.
func derive(secret []byte, info string) []byte {
	seed, err := hkdf.Key(sha256.New, secret, nil, info, SeedBytes)
	inv.That(err == nil, "hkdf gives a seed") // it fails only for lengths that are not ours
	return seed
}
