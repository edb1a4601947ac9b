package seal

import (
	"crypto/hpke"
	"crypto/rand"
	"fmt"

	"paperplane/protocol/plane"
)

const (
	// CardPayloadMax and PackagePayloadMax are the longest card and key package.
	CardPayloadMax    = plane.CardBytesMax - overhead
	PackagePayloadMax = plane.PackageBytesMax - overhead

	// EncapsulationBytes is the length of an X-Wing encapsulation, KEMPublicBytes that of a
	// public key and KEMSeedBytes that of a private one.
	EncapsulationBytes = 1120
	KEMPublicBytes     = 1216
	KEMSeedBytes       = 32

	// RequestPayloadMax is the longest inner part of a contact request.
	RequestPayloadMax = requestPlain - lengthBytes

	requestPlain = plane.RecordLarge - EncapsulationBytes - tagBytes

	purposeCard    = "pp card v1"
	purposePackage = "pp package v1"
	purposeRequest = "pp req v1"
)

// SealCard seals an inbox's card into plane.CardBytesMax bytes. Errors: ErrTooLarge.
func SealCard(key CardKey, inbox plane.LogID, card []byte) ([]byte, error) {
	return key.derive(purposeCard).sealPadded(plane.CardBytesMax, bind(purposeCard, inbox), card)
}

// OpenCard is the inverse of SealCard. ErrOpen: not this inbox's card, or a changed one.
func OpenCard(key CardKey, inbox plane.LogID, body []byte) ([]byte, error) {
	if len(body) != plane.CardBytesMax {
		return nil, ErrOpen
	}
	return key.derive(purposeCard).openPadded(bind(purposeCard, inbox), body)
}

// SealPackage seals a key package into plane.PackageBytesMax bytes. Errors: ErrTooLarge.
func SealPackage(key CardKey, inbox plane.LogID, pkg []byte) ([]byte, error) {
	return key.derive(purposePackage).sealPadded(plane.PackageBytesMax, bind(purposePackage, inbox), pkg)
}

// OpenPackage is the inverse of SealPackage. ErrOpen: not this inbox's, or a changed one.
func OpenPackage(key CardKey, inbox plane.LogID, body []byte) ([]byte, error) {
	if len(body) != plane.PackageBytesMax {
		return nil, ErrOpen
	}
	return key.derive(purposePackage).openPadded(bind(purposePackage, inbox), body)
}

// KEMKey keeps an inbox's X-Wing private key. Immutable, safe for concurrent use, prints as a
// placeholder and is not comparable.
type KEMKey struct {
	reveal func() (hpke.PrivateKey, [KEMSeedBytes]byte) // hidden as in secret
}

// NewKEMKey makes a random key.
func NewKEMKey() *KEMKey {
	var seed [KEMSeedBytes]byte
	_, _ = rand.Read(seed[:])
	k, err := KEMKeyFromSeed(seed[:])
	if err != nil {
		panic(err) // any 32 bytes are a seed
	}
	return k
}

// KEMKeyFromSeed is the inverse of Seed; ErrKey for another length than KEMSeedBytes.
func KEMKeyFromSeed(seed []byte) (*KEMKey, error) {
	if len(seed) != KEMSeedBytes {
		return nil, ErrKey
	}
	key, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, ErrKey
	}
	kept := [KEMSeedBytes]byte(seed)
	return &KEMKey{reveal: func() (hpke.PrivateKey, [KEMSeedBytes]byte) { return key, kept }}, nil
}

// Seed returns a copy of the private key, for the vault.
func (k *KEMKey) Seed() []byte {
	_, seed := k.reveal()
	return seed[:]
}

// Public returns the public key, KEMPublicBytes long, for the card.
func (k *KEMKey) Public() []byte {
	key, _ := k.reveal()
	return key.PublicKey().Bytes()
}

// Format prints a placeholder for every verb.
func (k KEMKey) Format(f fmt.State, _ rune) { redact(f) }

// RequestSealer seals one contact request. It is made before the request is complete, because
// the signature inside covers the encapsulation (C-20). Not safe for concurrent use.
type RequestSealer struct {
	_      [0]func()
	enc    []byte
	sender *hpke.Sender
}

// NewRequestSealer encapsulates to the KEM public key of an inbox, which comes from its card,
// and returns the encapsulation, EncapsulationBytes long. ErrKey: not a public key.
func NewRequestSealer(pub []byte, inbox plane.LogID) (enc []byte, s *RequestSealer, err error) {
	pk, err := hpke.MLKEM768X25519().NewPublicKey(pub)
	if err != nil {
		return nil, nil, ErrKey
	}
	e, sender, err := hpke.NewSender(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), bind(purposeRequest, inbox))
	if err != nil {
		return nil, nil, ErrKey
	}
	return append([]byte(nil), e...), &RequestSealer{enc: e, sender: sender}, nil
}

// Seal returns the record's body, exactly plane.RecordLarge bytes: encapsulation ‖ sealed and
// padded payload. Errors: ErrTooLarge; ErrKey when it was used before: one encapsulation, one
// request.
func (s *RequestSealer) Seal(payload []byte) ([]byte, error) {
	if len(payload) > RequestPayloadMax {
		return nil, ErrTooLarge
	}
	if s.sender == nil {
		return nil, ErrKey
	}
	plain := make([]byte, requestPlain)
	pad(plain, payload)
	ct, err := s.sender.Seal(nil, plain)
	s.sender = nil
	if err != nil {
		return nil, ErrKey
	}
	return append(append(make([]byte, 0, plane.RecordLarge), s.enc...), ct...), nil
}

// Format prints a placeholder for every verb.
func (s RequestSealer) Format(f fmt.State, _ rune) { redact(f) }

// OpenRequest opens a contact request that lay in inbox and returns the encapsulation, which the
// signature inside must cover, and the payload. ErrOpen: not sealed to this key for this inbox.
func OpenRequest(key *KEMKey, inbox plane.LogID, body []byte) (enc, payload []byte, err error) {
	if len(body) != plane.RecordLarge {
		return nil, nil, ErrOpen
	}
	enc = append([]byte(nil), body[:EncapsulationBytes]...)
	private, _ := key.reveal()
	r, err := hpke.NewRecipient(enc, private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), bind(purposeRequest, inbox))
	if err != nil {
		return nil, nil, ErrOpen
	}
	plain, err := r.Open(nil, body[EncapsulationBytes:])
	if err != nil {
		return nil, nil, ErrOpen
	}
	payload, err = unpad(plain)
	if err != nil {
		return nil, nil, err
	}
	return enc, payload, nil
}
