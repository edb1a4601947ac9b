package mls

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
)

// Signer keeps a member's signature key and signs with it. It prints as [redacted]. It never
// changes and may be shared between groups.
type Signer struct {
	s    *suite
	priv []byte // Ed25519 seed or ECDSA scalar
	pub  []byte
	ed   ed25519.PrivateKey
	ec   *ecdsa.PrivateKey
}

// NewSigner makes a fresh key for the suite's signature scheme. ErrSuite: the suite is not ours.
func NewSigner(s Suite) (*Signer, error) {
	x := suiteOf(s)
	if x == nil {
		return nil, ErrSuite
	}
	if x.curve == nil {
		return newSigner(x, random(ed25519.SeedSize))
	}
	k, err := ecdsa.GenerateKey(x.curve, rand.Reader)
	if err != nil {
		return nil, err
	}
	b, err := k.Bytes()
	if err != nil {
		return nil, err
	}
	return newSigner(x, b)
}

func newSigner(s *suite, priv []byte) (*Signer, error) {
	k := &Signer{s: s, priv: priv}
	if s.curve == nil {
		if len(priv) != ed25519.SeedSize {
			return nil, ErrState
		}
		k.ed = ed25519.NewKeyFromSeed(priv)
		k.pub = []byte(k.ed.Public().(ed25519.PublicKey))
		return k, nil
	}
	ec, err := ecdsa.ParseRawPrivateKey(s.curve, priv)
	if err != nil {
		return nil, ErrState
	}
	k.ec = ec
	if k.pub, err = ec.PublicKey.Bytes(); err != nil {
		return nil, ErrState
	}
	return k, nil
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
	m := labelled(label, content)
	if k.ed != nil {
		return ed25519.Sign(k.ed, m), nil
	}
	return ecdsa.SignASN1(rand.Reader, k.ec, k.s.sum(m))
}

// verify is VerifyWithLabel (§5.1.2).
func (s *suite) verify(pub []byte, label string, content, sig []byte) bool {
	m := labelled(label, content)
	if s.curve == nil {
		return len(pub) == ed25519.PublicKeySize && ed25519.Verify(pub, m, sig)
	}
	k, err := ecdsa.ParseUncompressedPublicKey(s.curve, pub)
	return err == nil && ecdsa.VerifyASN1(k, s.sum(m), sig)
}
