package mls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// Suite is a cipher suite number (§17.1). Suites 4 and 6 need X448 and Ed448, which the standard
// library does not have. XWing has no number from IANA yet: 0x004F is the provisional one that
// OpenMLS uses for the same parameters.
type Suite uint16

// The suites of this package. XWing is the default; P256AES is there for other implementations,
// P521AES and P384AES for test vectors. A browser (GOOS=js) has none of these three: they would be
// a twentieth of all it downloads.
const (
	X25519AES    Suite = 1
	P256AES      Suite = 2
	X25519ChaCha Suite = 3
	P521AES      Suite = 5
	P384AES      Suite = 7
	XWing        Suite = 0x004F
)

// Valid says whether the suite is one of ours, in this build.
func (s Suite) Valid() bool { return suiteOf(s) != nil }

// suite holds the algorithms of one Suite. Values are shared and never change.
type suite struct {
	id       Suite
	kem      hpke.KEM
	kdf      hpke.KDF
	hpkeAEAD hpke.AEAD
	newHash  func() hash.Hash
	sum      func([]byte) []byte
	nh, nk   int // bytes of a hash and of an AEAD key
	encLen   int // bytes of a KEM encapsulation
	aead     func(key []byte) (cipher.AEAD, error)
	sig      scheme
}

// scheme is a signature scheme. Private keys are what a Signer stores.
type scheme interface {
	generate() ([]byte, error)
	// load returns the public key and the signing function of a private key; ErrState if it is none.
	load(priv []byte) (pub []byte, sign func(message []byte) ([]byte, error), err error)
	verify(pub, message, sig []byte) bool
}

const nonceLen = 12 // bytes of a nonce, the same for every AEAD of ours

func newGCM(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}
func sum256(b []byte) []byte { h := sha256.Sum256(b); return h[:] }

var (
	suiteX25519AES    = &suite{X25519AES, hpke.DHKEM(ecdh.X25519()), hpke.HKDFSHA256(), hpke.AES128GCM(), sha256.New, sum256, 32, 16, 32, newGCM, ed25519Scheme{}}
	suiteX25519ChaCha = &suite{X25519ChaCha, hpke.DHKEM(ecdh.X25519()), hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), sha256.New, sum256, 32, 32, 32, chacha20poly1305.New, ed25519Scheme{}}
	suiteXWing        = &suite{XWing, hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.AES128GCM(), sha256.New, sum256, 32, 16, 1120, newGCM, ed25519Scheme{}}
)

// suiteOf returns nil for a suite that is not ours.
func suiteOf(s Suite) *suite {
	switch s {
	case X25519AES:
		return suiteX25519AES
	case X25519ChaCha:
		return suiteX25519ChaCha
	case XWing:
		return suiteXWing
	}
	return suiteNIST(s)
}

// random never fails: crypto/rand stops the program when the system has no randomness.
func random(n int) []byte { b := make([]byte, n); rand.Read(b); return b }

func (s *suite) zero() []byte { return make([]byte, s.nh) }
func (s *suite) extract(salt, ikm []byte) []byte {
	p, err := hkdf.Extract(s.newHash, ikm, salt)
	if err != nil {
		panic(err) // only with FIPS mode and short keys, which no suite of ours has
	}
	return p
}

// expandLabel is ExpandWithLabel (§8). n must be at most 255 hashes and 65,535.
func (s *suite) expandLabel(secret []byte, label string, context []byte, n int) []byte {
	var room [256]byte // for almost all; a message needs five of these
	w := writer{room[:64]}
	w.u16(uint16(n))
	w.size(len(label) + 8)
	w.b = append(w.b, "MLS 1.0 "...)
	w.b = append(w.b, label...)
	w.vec(context)
	if s.nh == 32 && n <= 32 && len(secret) <= 64 {
		return expand256(secret, append(w.b, 1))[:n:n]
	}
	o, err := hkdf.Expand(s.newHash, secret, string(w.b[64:]), n)
	if err != nil {
		panic(err) // n is bounded by every caller
	}
	return o
}

// expand256 is HKDF-Expand with SHA-256 for one block (RFC 5869 §2.3): HMAC of in[64:], which ends
// with the block's number. in[:64] is room for the key. The standard library's takes four times as
// long, most of it for memory.
func expand256(key, in []byte) []byte {
	var out [64 + 32]byte
	copy(out[:], key)
	for i, k := range out[:64] {
		in[i], out[i] = k^0x36, k^0x5c
	}
	h := sha256.Sum256(in)
	copy(out[64:], h[:])
	return sum256(out[:])
}
func (s *suite) derive(secret []byte, label string) []byte {
	return s.expandLabel(secret, label, nil, s.nh)
}

// deriveTree is DeriveTreeSecret (§9).
func (s *suite) deriveTree(secret []byte, label string, generation uint32, n int) []byte {
	return s.expandLabel(secret, label, []byte{byte(generation >> 24), byte(generation >> 16), byte(generation >> 8), byte(generation)}, n)
}

// refHash is RefHash (§5.2).
func (s *suite) refHash(label string, value []byte) []byte {
	w := writer{make([]byte, 0, len(label)+len(value)+8)}
	w.vec([]byte(label))
	w.vec(value)
	return s.sum(w.b)
}
func (s *suite) mac(key, data []byte) []byte {
	h := hmac.New(s.newHash, key)
	h.Write(data)
	return h.Sum(nil)
}

// labelled is the struct that SignWithLabel and EncryptWithLabel work on (§5.1.2, §5.1.3).
func labelled(label string, content []byte) []byte {
	w := writer{make([]byte, 0, len(content)+len(label)+24)}
	w.size(len(label) + 8)
	w.raw([]byte("MLS 1.0 "))
	w.raw([]byte(label))
	w.vec(content)
	return w.b
}

// ciphertext is HPKECiphertext (§5.1.3).
type ciphertext struct{ kem, ct []byte }

func (c *ciphertext) write(w *writer) { w.vec(c.kem); w.vec(c.ct) }
func (r *reader) ciphertext() ciphertext {
	return ciphertext{r.vec(), r.vec()}
}

// encrypt seals to pub; info comes from labelled.
func (s *suite) encrypt(pub, info, plain []byte) (ciphertext, error) {
	pk, err := s.kem.NewPublicKey(pub)
	if err != nil {
		return ciphertext{}, err
	}
	c, err := hpke.Seal(pk, s.kdf, s.hpkeAEAD, info, plain)
	if err != nil {
		return ciphertext{}, err
	}
	return ciphertext{c[:s.encLen:s.encLen], c[s.encLen:]}, nil
}
func (s *suite) decrypt(k hpke.PrivateKey, info []byte, c ciphertext) ([]byte, error) {
	if p, ok := k.(*parkedKey); ok {
		k = p.unpack()
	}
	if len(c.kem) != s.encLen {
		return nil, ErrInvalid
	}
	both := make([]byte, 0, len(c.kem)+len(c.ct))
	return hpke.Open(k, s.kdf, s.hpkeAEAD, info, append(append(both, c.kem...), c.ct...))
}

// goodKey says whether pub is a well-formed key of the suite's KEM.
func (s *suite) goodKey(pub []byte) bool {
	if s == suiteXWing { // what its NewPublicKey checks, without the work of preparing to encrypt
		return len(pub) == xwingKeyBytes && goodMLKEM(pub[:xwingKeyBytes-32])
	}
	_, err := s.kem.NewPublicKey(pub)
	return err == nil
}

// keyPair derives a tree node's key pair from its path secret (§7.4).
func (s *suite) keyPair(pathSecret []byte) (hpke.PrivateKey, error) {
	return s.kem.DeriveKeyPair(s.derive(pathSecret, "node"))
}

// externalLabel is the exporter context of the external init secret (§8.3).
const externalLabel = "MLS 1.0 external init secret"

func (s *suite) externalSend(pub []byte) (kem, secret []byte, err error) {
	pk, err := s.kem.NewPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	kem, ctx, err := hpke.NewSender(pk, s.kdf, s.hpkeAEAD, nil)
	if err != nil {
		return nil, nil, err
	}
	secret, err = ctx.Export(externalLabel, s.nh)
	return kem, secret, err
}
func (s *suite) externalReceive(k hpke.PrivateKey, kem []byte) ([]byte, error) {
	ctx, err := hpke.NewRecipient(kem, k, s.kdf, s.hpkeAEAD, nil)
	if err != nil {
		return nil, err
	}
	return ctx.Export(externalLabel, s.nh)
}

// xwingKeyBytes is the length of an X-Wing public key: ML-KEM-768, then X25519.
const xwingKeyBytes = 1184 + 32

// goodMLKEM is the modulus check of FIPS 203 §7.2 on an ML-KEM-768 key of the right length: each of
// the 768 coefficients of 12 bits is below 3329. The 32 bytes behind them may be any.
func goodMLKEM(pub []byte) bool {
	for b := pub[:1152]; len(b) >= 3; b = b[3:] {
		if uint32(b[0])|uint32(b[1]&15)<<8 >= 3329 || uint32(b[1])>>4|uint32(b[2])<<4 >= 3329 {
			return false
		}
	}
	return true
}
