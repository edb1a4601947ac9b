// Package account is who a person is: the account key, the device key it vouches for, the inbox
// with its card and key packages, and the contact requests that come into it.
//
// An account is told by its account key; contacts pin it. A device is an MLS leaf whose
// signature key the account key has certified. Cards and requests go Parse → Verify; nothing of
// them is believed before. Everything here is a pure function or an immutable value.
// Spec: docs/internals/architecture.md, "Account, invite, contact".
package account

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"github.com/fxamacker/cbor/v2"

	"paperplane/mls"
	"paperplane/protocol/canon"
	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

var (
	// ErrCredential: a leaf's credential is not one, or its certificate does not hold.
	ErrCredential = errors.New("account: bad credential")
	// ErrCard: a card is malformed, expired, or not signed by the account that was expected.
	ErrCard = errors.New("account: bad card")
	// ErrRequest: a contact request is malformed or its signature does not hold.
	ErrRequest = errors.New("account: bad request")
	// ErrDamaged: a stored key does not decode.
	ErrDamaged = errors.New("account: damaged state")
)

// Prefixes of what account keys sign. None is a prefix of another, nor of those of caps.
const (
	prefixDevice  = "pp device v1"
	prefixCard    = "pp card sig v1"
	prefixRequest = "pp req v1"
)

const version = 1

var decoding = canon.Decoder(cbor.DecOptions{
	MaxNestedLevels: 8, MaxArrayElements: 1024, MaxMapPairs: 64, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
})

func encode(v any) []byte { return canon.Encode(v) }

// decode reads the one encoding of v and nothing else.
func decode(b []byte, v any) bool {
	return decoding.Unmarshal(b, v) == nil && bytes.Equal(encode(v), b)
}

// Keys are an account on this device.
type Keys struct {
	account *caps.Signer
	device  *mls.Signer
	// later are the keys of the mandates after the first, the newest last; gen is the newest's.
	later []*caps.Signer
	gen   uint32
}

// NewKeys makes a new account with its first device.
func NewKeys() (*Keys, error) {
	d, err := mls.NewSigner(mls.XWing)
	if err != nil {
		return nil, err
	}
	return &Keys{account: caps.NewSigner(), device: d}, nil
}

type storedKeys struct {
	_       struct{} `cbor:",toarray"`
	Account []byte
	Device  []byte
}

// Marshal returns the keys for sealed storage; ParseKeys reads them.
func (k *Keys) Marshal() []byte {
	return encode(storedKeys{Account: k.account.Seed(), Device: k.device.Marshal()})
}

// ParseKeys is the inverse of Marshal. ErrDamaged: it is not.
func ParseKeys(b []byte) (*Keys, error) {
	var s storedKeys
	if !decode(b, &s) {
		return nil, ErrDamaged
	}
	a, err := caps.SignerFromSeed(s.Account)
	if err != nil {
		return nil, ErrDamaged
	}
	d, err := mls.ParseSigner(s.Device)
	if err != nil {
		return nil, ErrDamaged
	}
	return &Keys{account: a, device: d}, nil
}

// Person returns the account's public key.
func (k *Keys) Person() plane.PublicKey { return k.account.Public() }

// Device returns the keeper of the device's MLS signature key.
func (k *Keys) Device() *mls.Signer { return k.device }

type credential struct {
	_       struct{} `cbor:",toarray"`
	Account plane.PublicKey
	Device  plane.PublicKey
	Cert    plane.Signature
}

// Credential returns the identity of this device's leaves, for who knows the mandate before at least.
func (k *Keys) Credential() []byte { return k.CredentialAfter(caps.Mandate{}) }

// CredentialAfter is Credential for where cur is the newest mandate known of the account.
func (k *Keys) CredentialAfter(cur caps.Mandate) []byte {
	if k.gen > 0 {
		return k.mandated(cur)
	}
	d := plane.PublicKey(k.device.Public())
	return encode(credential{Account: k.account.Public(), Device: d, Cert: k.account.Sign(deviceMessage(d))})
}

func deviceMessage(device plane.PublicKey) []byte {
	return append([]byte(prefixDevice), device[:]...)
}

// Identify returns whose leaf it is, when the credential holds for its signature key.
// Without a key it only tells whose: of a leaf that was checked before.
func Identify(identity, signatureKey []byte) (plane.PublicKey, error) {
	var c credential
	if x := caps.ParseMandated(identity); x != nil {
		if signatureKey != nil && (!bytes.Equal(x.Device(), signatureKey) || !x.Verify()) {
			return plane.PublicKey{}, ErrCredential
		}
		return x.Account(), nil
	}
	if len(identity) > 256 || !decode(identity, &c) || signatureKey != nil && (!bytes.Equal(c.Device[:], signatureKey) ||
		!caps.Verify(c.Account, deviceMessage(c.Device), c.Cert)) {
		return plane.PublicKey{}, ErrCredential
	}
	return c.Account, nil
}

// Card is what an invite leads to: who the inviter is and how to seal a request to them.
type Card struct {
	_          struct{} `cbor:",toarray"`
	Version    uint8
	Account    plane.PublicKey
	Credential []byte
	Name       string // so that who opens an invite sees from whom it is, at once
	Inbox      plane.LogID
	KEM        []byte // seal.KEMPublicBytes
	Until      plane.Day
	Sig        plane.Signature
}

func (c Card) message() []byte {
	c.Sig = plane.Signature{}
	return append([]byte(prefixCard), encode(c)...)
}

// NewCard returns a signed card's bytes, to be sealed under the card key.
func (k *Keys) NewCard(name string, inbox plane.LogID, kem []byte, until plane.Day) []byte {
	c := Card{Version: version, Account: k.account.Public(), Credential: k.Credential(), Name: name, Inbox: inbox, KEM: kem, Until: until}
	c.Sig = k.account.Sign(c.message())
	return encode(c)
}

// VerifyCard parses a card and checks it: signature, inbox and day. Whose it is, is for the
// caller to compare with the link or the pinned key. ErrCard for everything that is wrong.
func VerifyCard(b []byte, inbox plane.LogID, today plane.Day) (Card, error) {
	var c Card
	if !decode(b, &c) || c.Version != version || c.Inbox != inbox || len(c.KEM) != seal.KEMPublicBytes ||
		!caps.Verify(c.Account, c.message(), c.Sig) {
		return Card{}, ErrCard
	}
	if name, err := content.CleanName(c.Name); err != nil || name != c.Name {
		return Card{}, ErrCard
	}
	if c.Until+1 < today { // a day of grace for a clock that is ahead
		return Card{}, ErrCard
	}
	return c, nil
}

// Request is the inner part of a contact request: who asks, and the way into a two-person
// conversation that the asker has made.
type Request struct {
	_          struct{} `cbor:",toarray"`
	Version    uint8
	Account    plane.PublicKey
	Credential []byte
	Invitation []byte // convo.Invitation, encoded by the caller
	Owner      []byte // seed of the log's owner key
	Origin     string // of the log's server
	Server     [32]byte
	Sig        plane.Signature
}

// SealRequest signs and seals a request to the owner of card. The signature covers the card, the
// encapsulation, the owner and everything before: leaving any out lets a dishonest owner pass the
// request on as if it were meant for another.
func (k *Keys) SealRequest(card Card, cardBytes []byte, r Request) ([]byte, error) {
	enc, s, err := seal.NewRequestSealer(card.KEM, card.Inbox)
	if err != nil {
		return nil, err
	}
	r.Version, r.Account, r.Credential = version, k.account.Public(), k.Credential()
	r.Sig = k.account.Sign(requestMessage(r, sha256.Sum256(cardBytes), enc, card.Account))
	return s.Seal(encode(r))
}

func requestMessage(r Request, card [32]byte, enc []byte, owner plane.PublicKey) []byte {
	r.Sig = plane.Signature{}
	before := sha256.Sum256(encode(r))
	m := append([]byte(prefixRequest), card[:]...)
	m = append(m, enc...)
	m = append(m, owner[:]...)
	return append(m, before[:]...)
}

// OpenRequest opens a request in one's inbox. card is the SHA-256 of the card of that KEM key.
// seal.ErrOpen: sealed to another key (try the previous one); ErrRequest: rubbish.
func (k *Keys) OpenRequest(kem *seal.KEMKey, card [32]byte, inbox plane.LogID, body []byte) (Request, error) {
	enc, payload, err := seal.OpenRequest(kem, inbox, body)
	if err != nil {
		return Request{}, err
	}
	var r Request
	if !decode(payload, &r) || r.Version != version || len(r.Origin) > 300 || len(r.Owner) != caps.SeedBytes ||
		!caps.Verify(r.Account, requestMessage(r, card, enc, k.account.Public()), r.Sig) {
		return Request{}, ErrRequest
	}
	if !certified(r.Credential, r.Account) {
		return Request{}, ErrRequest
	}
	return r, nil
}
