package mls

import (
	"bytes"
	"slices"
	"time"
)

// Extension is an extension as it stands in a leaf, KeyPackage, GroupContext or GroupInfo (§13).
type Extension struct {
	Type uint16
	Data []byte
}

// Extension types this package knows (§17.3; draft-ietf-mls-extensions for the last).
const (
	ExtApplicationID        uint16 = 1
	ExtRatchetTree          uint16 = 2
	ExtRequiredCapabilities uint16 = 3
	ExtExternalPub          uint16 = 4
	ExtExternalSenders      uint16 = 5
	ExtLastResort           uint16 = 0x000a
)

func (w *writer) extensions(e []Extension) {
	w.sub(func(w *writer) {
		for _, x := range e {
			w.u16(x.Type)
			w.vec(x.Data)
		}
	})
}

// extensions reads a list and refuses the same type twice (M-008).
func (r *reader) extensions() []Extension {
	var o []Extension
	var seen map[uint16]bool // only for long lists, which only a stranger makes
	r.each(func(r *reader) {
		x := Extension{r.u16(), r.vec()}
		if len(o) == 16 {
			seen = map[uint16]bool{}
			for _, y := range o {
				seen[y.Type] = true
			}
		}
		twice := seen[x.Type]
		if seen == nil {
			_, twice = findExtension(o, x.Type)
		}
		if r.refuse(twice, "M-008") {
			return
		}
		if seen != nil {
			seen[x.Type] = true
		}
		o = append(o, x)
	})
	return o
}
func findExtension(e []Extension, t uint16) ([]byte, bool) {
	for _, x := range e {
		if x.Type == t {
			return x.Data, true
		}
	}
	return nil, false
}
func cloneExtensions(e []Extension) []Extension {
	if e == nil {
		return nil
	}
	o := make([]Extension, len(e))
	for i, x := range e {
		o[i] = Extension{x.Type, slices.Clone(x.Data)}
	}
	return o
}

// placed: of the extension types that RFC 9420 fixes, only those allowed stand in a list (§17.3,
// M-016). Types that it does not know may stand anywhere.
func placed(e []Extension, allowed ...uint16) error {
	for _, x := range e {
		if err := refuse(defaultExtension(x.Type) && !slices.Contains(allowed, x.Type), "M-016"); err != nil {
			return err
		}
	}
	return nil
}

// CredentialBasic is the credential type of an opaque identity (§5.3).
const CredentialBasic uint16 = 1

// Credential says who a leaf belongs to. The package carries it; whether an identity may use a
// signature key is for the caller to decide.
type Credential struct {
	typ uint16
	id  []byte
	raw []byte // the whole encoding
}

// NewBasic makes a basic credential of an identity.
func NewBasic(identity []byte) Credential {
	var w writer
	w.u16(CredentialBasic)
	w.vec(identity)
	return Credential{CredentialBasic, slices.Clone(identity), w.b}
}

// Type returns the credential type; CredentialBasic for those of NewBasic.
func (c Credential) Type() uint16 { return c.typ }

// Identity returns the identity of a basic credential and nil of any other.
func (c Credential) Identity() []byte { return slices.Clone(c.id) }

func (r *reader) credential() (c Credential) {
	start := r.b
	c.typ = r.u16()
	switch c.typ {
	case CredentialBasic:
		c.id = r.vec()
	case 2: // X.509: a vector of certificates (§5.3)
		r.each(func(r *reader) { r.vec() })
	default:
		// §5.3 fixes no body for unknown types; a single vector is what every registered one has.
		r.vec()
	}
	c.raw = r.since(start)
	return c
}

// Lifetime is the time in which a KeyPackage may be used (§7.2), in whole seconds.
type Lifetime struct{ NotBefore, NotAfter time.Time }

func seconds(t time.Time) uint64 { return uint64(max(t.Unix(), 0)) }

// Capabilities is what a leaf says its client can do beyond the defaults (§7.2). Versions, suites
// and credential types are filled in by the package.
type Capabilities struct {
	Extensions []uint16 // extension types
	Proposals  []uint16 // proposal types
}

type capabilities struct {
	versions, suites, extensions, proposals, credentials []uint16

	raw []byte // as they were read; nil in a leaf under construction
}

// ours returns the capabilities of a leaf that this package makes.
func (c Capabilities) ours(s *suite, leafExts []Extension, more ...uint16) *capabilities {
	o := &capabilities{
		versions:    []uint16{version},
		suites:      []uint16{uint16(XWing), uint16(X25519AES), uint16(X25519ChaCha)},
		credentials: []uint16{CredentialBasic},
	}
	if P256AES.Valid() {
		o.suites = append(o.suites, uint16(P256AES))
	}
	if !slices.Contains(o.suites, uint16(s.id)) {
		o.suites = append(o.suites, uint16(s.id))
	}
	ext := func(t uint16) {
		if !defaultExtension(t) && !slices.Contains(o.extensions, t) {
			o.extensions = append(o.extensions, t)
		}
	}
	for _, t := range c.Extensions {
		ext(t)
	}
	for _, x := range leafExts {
		ext(x.Type)
	}
	for _, t := range more {
		ext(t)
	}
	ext(ExtSliced)
	o.proposals = append(o.proposals, uint16(ProposalSelfRemove))
	for _, p := range c.Proposals {
		if !defaultProposal(p) && !slices.Contains(o.proposals, p) {
			o.proposals = append(o.proposals, p)
		}
	}
	return o
}

// defaultExtension: types that every client supports and none lists (§7.2, §17.3).
func defaultExtension(t uint16) bool { return t >= 1 && t <= 5 }

// defaultProposal: the same for proposal types (§17.4).
func defaultProposal(t uint16) bool { return t >= 1 && t <= 7 }

func (c *capabilities) extension(t uint16) bool {
	return defaultExtension(t) || slices.Contains(c.extensions, t)
}
func (c *capabilities) proposal(t uint16) bool {
	return defaultProposal(t) || slices.Contains(c.proposals, t)
}
func (c *capabilities) credential(t uint16) bool { return slices.Contains(c.credentials, t) }

func (w *writer) capabilities(c *capabilities) {
	w.u16s(c.versions)
	w.u16s(c.suites)
	w.u16s(c.extensions)
	w.u16s(c.proposals)
	w.u16s(c.credentials)
}

// capabilities shares what it returns with the leaf read before, if that has the same.
func (r *reader) capabilities() *capabilities {
	start := r.b
	if r.caps != nil && r.caps.raw != nil && bytes.HasPrefix(start, r.caps.raw) { // no encoding is the start of another
		r.take(len(r.caps.raw))
		return r.caps
	}
	c := &capabilities{r.u16s(), r.u16s(), r.u16s(), r.u16s(), r.u16s(), nil}
	if r.err == nil {
		c.raw = slices.Clone(r.since(start))
		r.caps = c
	}
	return c
}

// requiredCapabilities is the extension of §11.1.
type requiredCapabilities struct{ extensions, proposals, credentials []uint16 }

// RequiredCapabilities makes the GroupContext extension that obliges every member to support
// these types (§11.1).
func RequiredCapabilities(extensions, proposals, credentials []uint16) Extension {
	var w writer
	w.u16s(extensions)
	w.u16s(proposals)
	w.u16s(credentials)
	return Extension{ExtRequiredCapabilities, w.b}
}
func requiredOf(e []Extension) (requiredCapabilities, error) {
	b, ok := findExtension(e, ExtRequiredCapabilities)
	if !ok {
		return requiredCapabilities{}, nil
	}
	r := reader{b: b}
	c := requiredCapabilities{r.u16s(), r.u16s(), r.u16s()}
	return c, r.end()
}
func (q *requiredCapabilities) metBy(c *capabilities) bool {
	for _, t := range q.extensions {
		if !c.extension(t) {
			return false
		}
	}
	for _, t := range q.proposals {
		if !c.proposal(t) {
			return false
		}
	}
	for _, t := range q.credentials {
		if !c.credential(t) {
			return false
		}
	}
	return true
}

// Leaf sources (§7.2).
const (
	sourceKeyPackage = 1
	sourceUpdate     = 2
	sourceCommit     = 3
)

// leafNode is a LeafNode (§7.2). Once made it never changes.
type leafNode struct {
	encKey, sigKey      []byte
	cred                Credential
	caps                *capabilities // shared, never changed
	source              uint8
	notBefore, notAfter uint64 // only with sourceKeyPackage; seconds
	parentHash          []byte // only with sourceCommit
	exts                []Extension
	sig                 []byte
	raw                 []byte // the whole encoding
	signedLen           int    // how much of raw the signature covers
}

func (l *leafNode) writeSigned(w *writer) {
	w.vec(l.encKey)
	w.vec(l.sigKey)
	w.raw(l.cred.raw)
	w.capabilities(l.caps)
	w.u8(l.source)
	switch l.source {
	case sourceKeyPackage:
		w.u64(l.notBefore)
		w.u64(l.notAfter)
	case sourceCommit:
		w.vec(l.parentHash)
	}
	w.extensions(l.exts)
}

// toBeSigned is LeafNodeTBS; group and index count only for leaves made inside a group.
func (l *leafNode) toBeSigned(groupID []byte, index uint32) []byte {
	w := writer{make([]byte, 0, l.signedLen+len(groupID)+8)}
	w.raw(l.raw[:l.signedLen])
	if l.source != sourceKeyPackage {
		w.vec(groupID)
		w.u32(index)
	}
	return w.b
}

// sign completes a leaf under construction: sig, raw and signedLen.
func (l *leafNode) sign(k *Signer, groupID []byte, index uint32) error {
	var w writer
	l.writeSigned(&w)
	l.raw, l.signedLen = w.b, len(w.b)
	sig, err := k.sign("LeafNodeTBS", l.toBeSigned(groupID, index))
	if err != nil {
		return err
	}
	l.sig = sig
	w.vec(sig)
	l.raw = w.b
	return nil
}
func (l *leafNode) signedBy(s *suite, groupID []byte, index uint32) bool {
	return s.verify(l.sigKey, "LeafNodeTBS", l.toBeSigned(groupID, index), l.sig)
}

// vouched is what signedBy checks.
func (l *leafNode) vouched(groupID []byte, index uint32) vouched {
	return vouched{l.sigKey, labelled("LeafNodeTBS", l.toBeSigned(groupID, index)), l.sig}
}

// lives checks the lifetime; leaves of other sources have none (M-025).
func (l *leafNode) lives(now time.Time) bool {
	if l.source != sourceKeyPackage {
		return true
	}
	t := seconds(now)
	return l.notBefore <= t && t <= l.notAfter
}

// detach returns the leaf on memory of its own, so that keeping it does not keep the message it
// came in.
func (l *leafNode) detach() *leafNode {
	r := reader{b: slices.Clone(l.raw), caps: l.caps}
	return r.leaf()
}

func (r *reader) leaf() *leafNode {
	start := r.b
	l := &leafNode{encKey: r.vec(), sigKey: r.vec(), cred: r.credential(), caps: r.capabilities(), source: r.u8()}
	switch l.source {
	case sourceKeyPackage:
		l.notBefore, l.notAfter = r.u64(), r.u64()
	case sourceUpdate:
	case sourceCommit:
		l.parentHash = r.vec()
	default:
		r.fail("M-006")
	}
	l.exts = r.extensions()
	l.signedLen = len(r.since(start))
	l.sig = r.vec()
	l.raw = r.since(start)
	return l
}

// check is what can be said of a leaf alone (§7.3).
func (l *leafNode) check(s *suite) error {
	if err := refuse(!s.goodKey(l.encKey), "M-015"); err != nil {
		return err
	}
	for _, x := range l.exts {
		if err := refuse(!l.caps.extension(x.Type), "M-024"); err != nil {
			return err
		}
	}
	if err := placed(l.exts, ExtApplicationID); err != nil {
		return err
	}
	return need(l.caps.credential(l.cred.typ), "M-020")
}
