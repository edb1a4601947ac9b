package seal

import (
	"crypto/hpke"

	"paperplane/protocol/plane"
)

// HandoverBytes is the length of a sealed owner key.
const HandoverBytes = EncapsulationBytes + KEMSeedBytes + tagBytes

const purposeHandover = "pp handover v1"

// SealHandover seals the owner key's seed of a log to a KEM public key (E-13). ErrKey: it is none.
func SealHandover(pub []byte, log plane.LogID, seed [32]byte) ([]byte, error) {
	pk, err := hpke.MLKEM768X25519().NewPublicKey(pub)
	if err != nil {
		return nil, ErrKey
	}
	b, err := hpke.Seal(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), bind(purposeHandover, log), seed[:])
	if err != nil {
		return nil, ErrKey
	}
	return b, nil
}

// OpenHandover is the inverse of SealHandover. ErrOpen: not sealed to this key for this log.
func OpenHandover(key *KEMKey, log plane.LogID, body []byte) (seed [32]byte, err error) {
	private, _ := key.reveal()
	b, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), bind(purposeHandover, log), body)
	if err != nil || len(b) != len(seed) {
		return seed, ErrOpen
	}
	return [32]byte(b), nil
}
