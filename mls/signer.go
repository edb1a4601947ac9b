package mls

import (
	"crypto/ed25519"
	"fmt"
)

// Signer keeps a member's signature key and signs with it. It prints as [redacted]. It never
// changes and may be shared between groups.
type Signer struct {
	s    *suite
	priv []byte // as s.sig stores it
	pub  []byte
	key  func(message []byte) ([]byte, error) // signs
}

// NewSigner makes a fresh key for the suite's signature scheme. ErrSuite: the suite is not ours.
func NewSigner(s Suite) (*Signer, error) {
	x := suiteOf(s)
	if x == nil {
		return nil, ErrSuite
	}
	b, err := x.sig.generate()
	if err != nil {
		return nil, err
	}
	return newSigner(x, b)
}

func newSigner(s *suite, priv []byte) (*Signer, error) {
	pub, key, err := s.sig.load(priv)
	if err != nil {
		return nil, err
	}
	return &Signer{s: s, priv: priv, pub: pub, key: key}, nil
}

// Public returns the signature key as it stands in a leaf (§5.1.2).
func (k *Signer) Public() []byte { return append([]byte(nil), k.pub...) }

// Suite returns the suite the key was made for. A key of an Ed25519 suite serves only that suite.
func (k *Signer) Suite() Suite { return k.s.id }

// Marshal returns the private key for the caller's sealed storage; ParseSigner reads it.
func (k *Signer) Marshal() []byte {
	var w writer
	w.u8(stateVersion)
	w.u16(uint16(k.s.id))
	w.vec(k.priv)
	return w.b
}

// ParseSigner reads what Marshal wrote. ErrState: damaged.
func ParseSigner(b []byte) (*Signer, error) {
	r := reader{b: append([]byte(nil), b...)}
	v, s := r.u8(), suiteOf(Suite(r.u16()))
	priv := r.vec()
	if r.end() != nil || v != stateVersion || s == nil {
		return nil, ErrState
	}
	return newSigner(s, priv)
}

// String keeps the key out of logs.
func (k *Signer) String() string { return "[redacted]" }

// Format keeps the key out of logs, whatever the verb.
func (k *Signer) Format(f fmt.State, _ rune) { f.Write([]byte("[redacted]")) }

// sign is SignWithLabel (§5.1.2).
func (k *Signer) sign(label string, content []byte) ([]byte, error) {
	return k.key(labelled(label, content))
}

// verify is VerifyWithLabel (§5.1.2).
func (s *suite) verify(pub []byte, label string, content, sig []byte) bool {
	return s.sig.verify(pub, labelled(label, content), sig)
}

// vouched is a signature with what it is for.
type vouched struct{ pub, message, sig []byte }

// ed25519Scheme signs messages whole. Its private keys are seeds.
type ed25519Scheme struct{}

func (ed25519Scheme) generate() ([]byte, error) { return random(ed25519.SeedSize), nil }

func (ed25519Scheme) load(priv []byte) ([]byte, func([]byte) ([]byte, error), error) {
	if len(priv) != ed25519.SeedSize {
		return nil, nil, ErrState
	}
	k := ed25519.NewKeyFromSeed(priv)
	return []byte(k.Public().(ed25519.PublicKey)), func(m []byte) ([]byte, error) { return ed25519.Sign(k, m), nil }, nil
}

func (ed25519Scheme) verify(pub, message, sig []byte) bool {
	return len(pub) == ed25519.PublicKeySize && ed25519.Verify(pub, message, sig)
}
