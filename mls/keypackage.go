package mls

import (
	"bytes"
	"crypto/hpke"
	"fmt"
	"slices"
	"time"
)

// version is mls10, the only protocol version there is (§6).
const version = 1

// keyPackage is a decoded KeyPackage (§10).
type keyPackage struct {
	version   uint16
	suite     Suite
	initKey   []byte
	leaf      *leafNode
	exts      []Extension
	sig       []byte
	raw       []byte
	signedLen int
}

func (r *reader) keyPackage() *keyPackage {
	start := r.b
	k := &keyPackage{version: r.u16(), suite: Suite(r.u16()), initKey: r.vec(), leaf: r.leaf(), exts: r.extensions()}
	k.signedLen = len(r.since(start))
	k.sig = r.vec()
	k.raw = r.since(start)
	return k
}
func (k *keyPackage) ref(s *suite) []byte {
	return s.refHash("MLS 1.0 KeyPackage Reference", k.raw)
}

// check is everything of §10.1 but the lifetime, which only a sender may judge (M-025).
func (k *keyPackage) check(s *suite) error {
	if err := refuse(k.version != version || k.suite != s.id, "M-010"); err != nil {
		return err
	}
	if err := refuse(k.leaf.source != sourceKeyPackage, "M-014"); err != nil {
		return err
	}
	if err := refuse(bytes.Equal(k.initKey, k.leaf.encKey), "M-013"); err != nil {
		return err
	}
	if err := refuse(!s.goodKey(k.initKey), "M-015"); err != nil {
		return err
	}
	if err := k.leaf.check(s); err != nil {
		return err
	}
	// Of KeyPackages only: official vectors have groups of members that do not list their own suite.
	c := k.leaf.caps
	if err := need(slices.Contains(c.versions, version) && slices.Contains(c.suites, uint16(s.id)), "M-017"); err != nil {
		return err
	}
	if err := placed(k.exts); err != nil {
		return err
	}
	for _, x := range k.exts {
		if err := need(c.extension(x.Type), "M-018"); err != nil {
			return err
		}
	}
	if err := refuse(!s.verify(k.leaf.sigKey, "KeyPackageTBS", k.raw[:k.signedLen], k.sig), "M-012"); err != nil {
		return err
	}
	return need(k.leaf.signedBy(s, nil, 0), "M-021")
}

// KeyPackageOptions says what goes into a new KeyPackage.
type KeyPackageOptions struct {
	Suite          Suite // zero means XWing
	Signer         *Signer
	Credential     Credential
	Lifetime       Lifetime
	LastResort     bool        // may be used more than once (draft-ietf-mls-extensions)
	LeafExtensions []Extension // of the leaf; the leaf's capabilities follow them
	Extensions     []Extension // of the KeyPackage
	Capabilities   Capabilities
}

// KeyPackageSecret is the private half of a KeyPackage. It prints as [redacted].
type KeyPackageSecret struct {
	kp         *keyPackage
	s          *suite
	init, leaf hpke.PrivateKey
}

// NewKeyPackage makes a KeyPackage as an MLSMessage and the secret that opens a Welcome to it.
// A one-time KeyPackage's secret must be deleted after its Join. ErrSuite: unknown suite;
// ErrSigner: no signer, or one of another suite; ErrArgument: duplicate extension types or a
// lifetime that ends before it starts.
func NewKeyPackage(o KeyPackageOptions) ([]byte, *KeyPackageSecret, error) {
	if o.Suite == 0 {
		o.Suite = XWing
	}
	s := suiteOf(o.Suite)
	if s == nil {
		return nil, nil, ErrSuite
	}
	exts := cloneExtensions(o.Extensions)
	var more []uint16
	if o.LastResort {
		exts = append(exts, Extension{Type: ExtLastResort})
	}
	for _, x := range exts {
		more = append(more, x.Type)
	}
	sec := &KeyPackageSecret{s: s}
	var err error
	if sec.init, err = s.kem.GenerateKey(); err != nil {
		return nil, nil, err
	}
	l, key, err := newLeaf(s, o.Signer, o.Credential, o.Lifetime, o.LeafExtensions, o.Capabilities, more)
	if err != nil {
		return nil, nil, err
	}
	sec.leaf = s.park(key)
	w := header(WireKeyPackage)
	start := len(w.b)
	w.u16(version)
	w.u16(uint16(s.id))
	w.vec(sec.init.PublicKey().Bytes())
	sec.init = s.park(sec.init)
	w.raw(l.raw)
	w.extensions(exts)
	sig, err := o.Signer.sign("KeyPackageTBS", w.b[start:])
	if err != nil {
		return nil, nil, err
	}
	w.vec(sig)
	r := reader{b: slices.Clone(w.b[start:])}
	sec.kp = r.keyPackage()
	if r.end() != nil {
		return nil, nil, ErrArgument
	}
	return w.b, sec, nil
}

// newLeaf makes a signed leaf with source key_package and a fresh encryption key.
func newLeaf(s *suite, k *Signer, c Credential, lt Lifetime, exts []Extension, caps Capabilities, more []uint16) (*leafNode, hpke.PrivateKey, error) {
	if k == nil || k.s != s {
		return nil, nil, ErrSigner
	}
	if len(c.raw) == 0 || lt.NotAfter.Before(lt.NotBefore) {
		return nil, nil, ErrArgument
	}
	key, err := s.kem.GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	exts = cloneExtensions(exts)
	l := &leafNode{
		encKey: key.PublicKey().Bytes(), sigKey: k.pub, cred: c, caps: caps.ours(s, exts, more...),
		source: sourceKeyPackage, notBefore: seconds(lt.NotBefore), notAfter: seconds(lt.NotAfter), exts: exts,
	}
	if err := l.sign(k, nil, 0); err != nil {
		return nil, nil, err
	}
	r := reader{b: l.raw}
	if r.leaf(); r.end() != nil {
		return nil, nil, ErrArgument
	}
	return l, key, nil
}

// Suite returns the suite of the KeyPackage.
func (k *KeyPackageSecret) Suite() Suite { return k.s.id }

// Ref returns the KeyPackageRef, by which Welcomes name the KeyPackage (§5.2).
func (k *KeyPackageSecret) Ref() []byte { return k.kp.ref(k.s) }

// LastResort says whether the KeyPackage may be used again after a Join.
func (k *KeyPackageSecret) LastResort() bool {
	_, ok := findExtension(k.kp.exts, ExtLastResort)
	return ok
}

// Marshal returns the secret for the caller's sealed storage; ParseKeyPackageSecret reads it.
func (k *KeyPackageSecret) Marshal() []byte {
	var w writer
	w.u8(stateVersion)
	w.vec(k.kp.raw)
	w.privateKey(k.init)
	w.privateKey(k.leaf)
	return w.b
}

// ParseKeyPackageSecret reads what Marshal wrote. ErrState: damaged.
func ParseKeyPackageSecret(b []byte) (*KeyPackageSecret, error) {
	r := reader{b: slices.Clone(b)}
	if r.u8() != stateVersion {
		return nil, ErrState
	}
	kr := reader{b: r.vec()}
	k := &KeyPackageSecret{kp: kr.keyPackage()}
	if kr.end() != nil {
		return nil, ErrState
	}
	if k.s = suiteOf(k.kp.suite); k.s == nil {
		return nil, ErrState
	}
	k.init, k.leaf = r.privateKey(k.s), r.privateKey(k.s)
	if r.end() != nil {
		return nil, ErrState
	}
	k.init, k.leaf = k.s.park(k.init), k.s.park(k.leaf)
	return k, nil
}

// String keeps the keys out of logs.
func (k *KeyPackageSecret) String() string { return "[redacted]" }

// Format keeps the keys out of logs, whatever the verb.
func (k *KeyPackageSecret) Format(f fmt.State, _ rune) { f.Write([]byte("[redacted]")) }

// UnverifiedKeyPackage is a KeyPackage that decodes and says nothing yet.
type UnverifiedKeyPackage struct{ kp *keyPackage }

// KeyPackage is one that passed Verify. It never changes.
type KeyPackage struct {
	kp *keyPackage
	s  *suite
}

// ParseKeyPackage decodes an MLSMessage that holds a KeyPackage.
func ParseKeyPackage(b []byte) (*UnverifiedKeyPackage, error) {
	m, err := parseMessage(b)
	if err != nil {
		return nil, err
	}
	if m.wire != WireKeyPackage {
		return nil, broken("M-006")
	}
	return &UnverifiedKeyPackage{m.kp}, nil
}

// Verify checks the KeyPackage (§10.1) and that now is in its lifetime. Whether the credential may
// use the signature key is for the caller to decide.
func (u *UnverifiedKeyPackage) Verify(now time.Time) (*KeyPackage, error) {
	s := suiteOf(u.kp.suite)
	if s == nil {
		return nil, brokenBy("M-009", ErrSuite)
	}
	if err := u.kp.check(s); err != nil {
		return nil, err
	}
	if err := refuse(!u.kp.leaf.lives(now), "M-025"); err != nil {
		return nil, err
	}
	return &KeyPackage{u.kp, s}, nil
}

// Suite returns the suite of the KeyPackage.
func (k *KeyPackage) Suite() Suite { return k.s.id }

// Credential returns the leaf's credential.
func (k *KeyPackage) Credential() Credential { return k.kp.leaf.cred }

// Lifetime returns the time in which the KeyPackage may be used, as its owner says. How long is too
// long is for the caller to decide (§7.2).
func (k *KeyPackage) Lifetime() Lifetime {
	at := func(s uint64) time.Time { return time.Unix(int64(min(s, 1<<40)), 0).UTC() } // some 35,000 years
	return Lifetime{at(k.kp.leaf.notBefore), at(k.kp.leaf.notAfter)}
}

// SignatureKey returns the leaf's signature key.
func (k *KeyPackage) SignatureKey() []byte { return slices.Clone(k.kp.leaf.sigKey) }

// LeafExtensions returns the leaf's extensions.
func (k *KeyPackage) LeafExtensions() []Extension { return cloneExtensions(k.kp.leaf.exts) }

// Extensions returns the KeyPackage's own extensions.
func (k *KeyPackage) Extensions() []Extension { return cloneExtensions(k.kp.exts) }

// Ref returns the KeyPackageRef.
func (k *KeyPackage) Ref() []byte { return k.kp.ref(k.s) }

// LastResort says whether the owner allows use by more than one group.
func (k *KeyPackage) LastResort() bool {
	_, ok := findExtension(k.kp.exts, ExtLastResort)
	return ok
}

// Bytes returns the KeyPackage as an MLSMessage.
func (k *KeyPackage) Bytes() []byte {
	w := header(WireKeyPackage)
	w.raw(k.kp.raw)
	return w.b
}
