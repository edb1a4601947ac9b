// Package caps makes and checks capabilities: the ids that follow from keys, the messages that
// a signature opens a log with, and the keepers of the keys that sign them.
//
// A capability is an Ed25519 key. Everything signed starts with a prefix that names its purpose
// and, where a session is involved, holds the session's binding: a signature for one purpose or
// session is worthless for another (L-03). All functions are pure and may be used concurrently;
// a Signer is immutable. Spec: spec/log.md.
package caps

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"

	"paperplane/protocol/plane"
)

// The prefixes of everything that is hashed or signed here. None is a prefix of another (L-03).
const (
	prefixLog    = "pp log v1"
	prefixBlob   = "pp blob v1"
	prefixCreate = "pp create v1"
	prefixOpen   = "pp open v1"
	prefixMember = "pp member v1"
)

// NewLogID returns the id of the log that owner owns: it follows from the key, so that nobody
// can create a log under an id of their choice (L-01).
func NewLogID(owner plane.PublicKey) plane.LogID {
	h := sha256.New()
	h.Write([]byte(prefixLog))
	h.Write(owner[:])
	return plane.LogID(h.Sum(nil)[:16])
}

// NewBlobID returns the id of the blob that is written with secret (L-02). Who knows the id can
// read and cannot find the secret, so cannot write or delete.
func NewBlobID(secret [16]byte) plane.BlobID {
	h := sha256.New()
	h.Write([]byte(prefixBlob))
	h.Write(secret[:])
	return plane.BlobID(h.Sum(nil)[:16])
}

// CreateMessage returns what the owner signs to create a log (L-04). The fields are those of
// wire.Create.
func CreateMessage(b plane.Binding, owner, read, write plane.PublicKey, ttlDays uint8, inbox bool) []byte {
	m := make([]byte, 0, len(prefixCreate)+4*32+2)
	m = append(m, prefixCreate...)
	m = append(m, b[:]...)
	m = append(m, owner[:]...)
	m = append(m, read[:]...)
	m = append(m, write[:]...)
	m = append(m, ttlDays)
	if inbox {
		return append(m, 1)
	}
	return append(m, 0)
}

// OpenMessage returns what the key of a role signs to open a log (L-05). role is a wire.Role;
// gen is 0 for owners and doors; key is the public key that signs.
func OpenMessage(b plane.Binding, log plane.LogID, role uint8, gen plane.Gen, key plane.PublicKey) []byte {
	m := make([]byte, 0, len(prefixOpen)+32+16+1+4+32)
	m = append(m, prefixOpen...)
	m = append(m, b[:]...)
	m = append(m, log[:]...)
	m = append(m, role)
	m = binary.BigEndian.AppendUint32(m, uint32(gen))
	return append(m, key[:]...)
}

// MemberMessage returns what a member's key signs to prove the membership for one session (L-06).
func MemberMessage(b plane.Binding) []byte {
	m := make([]byte, 0, len(prefixMember)+32)
	m = append(m, prefixMember...)
	return append(m, b[:]...)
}

// Verify reports whether sig is pk's signature of msg. Keys for which ValidKey is false never
// verify. It takes the same time for every pk that ValidKey and Ed25519 accept; a caller that
// has no key calls VerifyDummy instead, so that absence costs the same (L-08).
func Verify(pk plane.PublicKey, msg []byte, sig plane.Signature) bool {
	ok := ed25519.Verify(pk[:], msg, sig[:])
	return ValidKey(pk) && ok
}

// VerifyDummy does the work of Verify against a key that nobody holds and returns false (L-08).
func VerifyDummy(msg []byte, sig plane.Signature) bool {
	Verify(dummyKey, msg, sig)
	return false
}

// dummyKey is the Ed25519 base point, a valid key of full order. Its secret scalar is 1, so
// anybody can sign under it: VerifyDummy ignores the outcome.
var dummyKey = plane.PublicKey{
	0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
}

// ValidKey reports whether pk is a canonical encoding and not a point of small order (L-07).
// crypto/ed25519 accepts both, and under a key of small order a signature is easily made that
// holds for any message. Servers check it where a key is registered. It does not check that pk
// lies on the curve: a key that does not verifies nothing and harms only who registered it.
func ValidKey(pk plane.PublicKey) bool {
	pk[31] &= 0x7f // the sign of x; a small-order point has small order under either sign
	if notCanonical(pk) {
		return false
	}
	for _, s := range smallOrder {
		if pk == s {
			return false
		}
	}
	return true
}

// notCanonical reports whether y, little-endian and below 2^255, is p = 2^255-19 or more.
func notCanonical(y plane.PublicKey) bool {
	if y[31] != 0x7f || y[0] < 0xed {
		return false
	}
	for _, b := range y[1:31] {
		if b != 0xff {
			return false
		}
	}
	return true
}

// smallOrder holds the canonical y of every point whose order divides 8, without the sign of x.
var smallOrder = [...]plane.PublicKey{
	{},  // order 4
	{1}, // order 1
	{ // order 2: y = -1
		0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
	},
	{ // order 8
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	},
	{ // order 8
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	},
}
