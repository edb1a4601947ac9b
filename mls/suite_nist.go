//go:build !js

package mls

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
)

func sum384(b []byte) []byte { h := sha512.Sum384(b); return h[:] }
func sum512(b []byte) []byte { h := sha512.Sum512(b); return h[:] }

var (
	suiteP256AES = &suite{P256AES, hpke.DHKEM(ecdh.P256()), hpke.HKDFSHA256(), hpke.AES128GCM(), sha256.New, sum256, 32, 16, 65, newGCM, ecdsaScheme{elliptic.P256(), sum256}}
	suiteP521AES = &suite{P521AES, hpke.DHKEM(ecdh.P521()), hpke.HKDFSHA512(), hpke.AES256GCM(), sha512.New, sum512, 64, 32, 133, newGCM, ecdsaScheme{elliptic.P521(), sum512}}
	suiteP384AES = &suite{P384AES, hpke.DHKEM(ecdh.P384()), hpke.HKDFSHA384(), hpke.AES256GCM(), sha512.New384, sum384, 48, 32, 97, newGCM, ecdsaScheme{elliptic.P384(), sum384}}
)

// suiteNIST returns nil for a suite that is not on one of NIST's curves.
func suiteNIST(s Suite) *suite {
	switch s {
	case P256AES:
		return suiteP256AES
	case P521AES:
		return suiteP521AES
	case P384AES:
		return suiteP384AES
	}
	return nil
}

// ecdsaScheme signs the hash of a message. Its private keys are scalars of the curve's length.
type ecdsaScheme struct {
	curve elliptic.Curve
	sum   func([]byte) []byte
}

func (e ecdsaScheme) generate() ([]byte, error) {
	k, err := ecdsa.GenerateKey(e.curve, rand.Reader)
	if err != nil {
		return nil, err
	}
	return k.Bytes()
}

func (e ecdsaScheme) load(priv []byte) ([]byte, func([]byte) ([]byte, error), error) {
	k, err := ecdsa.ParseRawPrivateKey(e.curve, priv)
	if err != nil {
		return nil, nil, ErrState
	}
	pub, err := k.PublicKey.Bytes()
	if err != nil {
		return nil, nil, ErrState
	}
	return pub, func(m []byte) ([]byte, error) { return ecdsa.SignASN1(rand.Reader, k, e.sum(m)) }, nil
}

func (e ecdsaScheme) verify(pub, message, sig []byte) bool {
	k, err := ecdsa.ParseUncompressedPublicKey(e.curve, pub)
	return err == nil && ecdsa.VerifyASN1(k, e.sum(message), sig)
}
