package mls

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"errors"
	"maps"
	"math/bits"
	"slices"
)

// Light members (draft-ietf-mls-partial): a member that has no tree. It joins with two membership
// proofs, of itself and of the signer of its GroupInfo, holds the epoch's secrets like everyone, and
// learns other members' leaves one by one as it needs them.
//
// What a light member takes on trust: that the tree whose hash it knows is a valid one. The
// committer signed that hash and the confirmation tag binds it, so a lie splits the group: the full
// members refuse the commit and go on elsewhere, which Digest shows to both sides.

// KnownLeavesMax is how many other members' leaves a light member keeps; the oldest go first.
const KnownLeavesMax = 128

// lightState is what a light member has in place of the tree. A Group's is its own.
type lightState struct {
	n     uint32               // leaves of the tree, a power of two
	known map[uint32]*leafNode // proved in this epoch or an earlier one and not changed since
	order []uint32             // the known leaves but one's own, oldest first
	fresh map[uint32]bool      // known leaves that changed since the last delta
}

func (l *lightState) clone() *lightState {
	return &lightState{n: l.n, known: maps.Clone(l.known), order: slices.Clone(l.order), fresh: map[uint32]bool{}}
}

// forget drops a leaf that changed or left.
func (l *lightState) forget(i uint32) {
	if l.known[i] != nil {
		delete(l.known, i)
		l.order = slices.DeleteFunc(l.order, func(x uint32) bool { return x == i })
	}
}

// learn keeps what verifying and showing a member takes; the leaf is known to be in the tree.
func (l *lightState) learn(i uint32, leaf *leafNode) {
	l.forget(i)
	l.known[i] = leaf.essence()
	l.order = append(l.order, i)
	l.fresh[i] = true
	if len(l.order) > KnownLeavesMax {
		delete(l.known, l.order[0])
		l.order = l.order[1:]
	}
}

// essence is the leaf without what only a tree needs, on memory of its own.
func (l *leafNode) essence() *leafNode {
	var w writer
	w.essence(l)
	r := reader{b: w.b}
	return r.essence()
}
func (w *writer) essence(l *leafNode) {
	w.vec(l.sigKey)
	w.raw(l.cred.raw)
	w.extensions(l.exts)
}
func (r *reader) essence() *leafNode {
	return &leafNode{sigKey: r.vec(), cred: r.credential(), exts: r.extensions()}
}

// parkedKey is a private key that is kept as it is stored. The keys of an X-Wing path are some 10 KB
// each once they are unpacked, of which a commit needs one.
type parkedKey struct {
	hpke.PrivateKey // nil: s.decrypt unpacks it before anything else is asked of it
	s               *suite
	raw             []byte
}

func (k *parkedKey) unpack() hpke.PrivateKey {
	p, err := k.s.kem.NewPrivateKey(k.raw)
	if err != nil {
		panic(err) // it was one
	}
	return p
}

// Bytes and PublicKey are those of the key.
func (k *parkedKey) Bytes() ([]byte, error)    { return k.raw, nil }
func (k *parkedKey) PublicKey() hpke.PublicKey { return k.unpack().PublicKey() }

// park packs a member's keys until they are needed.
func (g *Group) park() {
	for x, k := range g.priv {
		g.priv[x] = g.s.park(k)
	}
}

// park packs a key.
func (s *suite) park(k hpke.PrivateKey) hpke.PrivateKey {
	if _, ok := k.(*parkedKey); ok {
		return k
	}
	raw, err := k.Bytes()
	if err != nil {
		return k
	}
	return &parkedKey{s: s, raw: slices.Clone(raw)}
}

// UnknownSender is a message from a member whose leaf a light member does not know. Learn a Proof
// of the leaf and process the message again; nothing was used up. It wraps ErrUnknownSender.
type UnknownSender struct{ Leaf uint32 }

func (*UnknownSender) Error() string { return ErrUnknownSender.Error() }

// Unwrap makes errors.Is(err, ErrUnknownSender) true.
func (*UnknownSender) Unwrap() error { return ErrUnknownSender }

var (
	// ErrUnknownSender: a light member does not know the sender's leaf; see UnknownSender.
	ErrUnknownSender = errors.New("mls: sender not known to a light member")
	// ErrLight: this needs the tree, which a light member does not have.
	ErrLight = errors.New("mls: needs the tree")
)

// Light says whether this member has no tree: it can do everything but commit, list the others and
// make proofs.
func (g *Group) Light() bool { return g.light != nil }

// leaf returns a leaf, nil when there is none or a light member does not know it.
func (g *Group) leaf(i uint32) *leafNode {
	if g.light != nil {
		return g.light.known[i]
	}
	return g.tree.leaf(i)
}

// leaves returns the number of places for leaves.
func (g *Group) leaves() uint32 {
	if g.light != nil {
		return g.light.n
	}
	return g.tree.n
}

// unknown is the error for a leaf that cannot be found.
func (g *Group) unknown(i uint32, rule string) error {
	if g.light != nil && i < g.light.n {
		return &UnknownSender{i}
	}
	return broken(rule)
}

// LightOptions is what a light join needs.
type LightOptions struct {
	Secret      *KeyPackageSecret
	Signer      *Signer // whose public key the KeyPackage's leaf has
	PSKs        []PSK
	SenderProof []byte // Proof of the leaf that signed the GroupInfo, in the Welcome's epoch
	OwnProof    []byte // Proof of the leaf of the KeyPackage

	ReInitFrom, BranchFrom *Group // as in JoinOptions
	Resume                 []*Group
}

// JoinLight makes the Group of a light member from a Welcome and two proofs. Errors as Join, and
// M-160 and M-161 for what is wrong with a proof.
func JoinLight(msg []byte, o LightOptions) (*Group, error) {
	w, err := (&JoinOptions{Secret: o.Secret, Signer: o.Signer, PSKs: o.PSKs, ReInitFrom: o.ReInitFrom, BranchFrom: o.BranchFrom, Resume: o.Resume}).open(msg)
	if err != nil {
		return nil, err
	}
	s, gi := w.s, w.info
	if gi.ctx.suite != s.id {
		return nil, brokenBy("M-121", ErrSuite)
	}
	if err := checkContextExtensions(gi.ctx.exts); err != nil {
		return nil, err
	}
	if err := placed(gi.exts, ExtRatchetTree, ExtExternalPub); err != nil {
		return nil, err
	}
	sender, err := parseProof(slices.Clone(o.SenderProof))
	if err != nil {
		return nil, err
	}
	own, err := parseProof(slices.Clone(o.OwnProof))
	if err != nil {
		return nil, err
	}
	if sender.n != own.n {
		return nil, broken("M-161")
	}
	if sender.leaf != gi.signer || !s.verify(sender.l.sigKey, "GroupInfoTBS", gi.toBeSigned(), gi.sig) {
		return nil, broken("M-124")
	}
	for _, p := range []*proof{sender, own} {
		if err := p.check(s, &gi.ctx); err != nil {
			return nil, err
		}
	}
	if !bytes.Equal(own.l.raw, o.Secret.kp.leaf.raw) {
		return nil, broken("M-126")
	}
	g := &Group{
		s: s, ctx: gi.ctx, me: own.leaf, signer: o.Signer, priv: map[uint32]hpke.PrivateKey{2 * own.leaf: o.Secret.leaf}, psks: w.known,
		light: &lightState{n: own.n, known: map[uint32]*leafNode{}, fresh: map[uint32]bool{}},
	}
	g.light.learn(gi.signer, sender.l)
	g.light.forget(g.me) // who adds itself is no sender to itself
	g.light.known[g.me] = own.l
	if w.secrets.path != nil {
		if _, err := own.install(s, g.priv, gi.signer, w.secrets.path); err != nil {
			return nil, broken("M-127")
		}
	}
	g.context = g.ctx.bytes()
	g.enter(s.epoch(w.secrets.joiner, w.psk, g.context))
	g.es.joiner, g.es.welcome = nil, nil
	if !hmac.Equal(g.tag, gi.tag) {
		return nil, broken("M-128")
	}
	return g, nil
}

// light writes what a light member has in place of the tree: leaves, its own leaf, and what it knows
// of others, oldest first.
func (w *writer) light(l *lightState, me uint32) {
	w.u32(l.n)
	w.vec(l.known[me].raw)
	w.sub(func(w *writer) {
		for _, i := range l.order {
			w.u32(i)
			w.essence(l.known[i])
		}
	})
}

// light reads it; the own leaf is put in place by whoever knows which it is.
func (r *reader) light(me *uint32) *lightState {
	l := &lightState{n: r.u32(), known: map[uint32]*leafNode{}, fresh: map[uint32]bool{}}
	own := reader{b: r.vec(), err: r.err}
	leaf := own.leaf()
	r.each(func(r *reader) {
		if i := r.u32(); i >= l.n || l.known[i] != nil || len(l.order) == KnownLeavesMax {
			r.failErr(ErrState)
		} else {
			l.known[i] = r.essence()
			l.order = append(l.order, i)
		}
	})
	*me = r.u32()
	if own.end() != nil || bits.OnesCount32(l.n) != 1 || l.n > MembersMax || *me >= l.n || l.known[*me] != nil {
		r.failErr(ErrState)
	}
	l.known[*me] = leaf
	return l
}
