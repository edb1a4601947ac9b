package mls

import (
	"crypto/hpke"
	"fmt"
	"maps"
	"slices"
)

// Group is one member's state in one epoch of a group; see the package comment for what changes it.
type Group struct {
	s       *suite
	ctx     groupContext
	context []byte // ctx encoded
	tree    *tree
	light   *lightState // of a member without tree; nil otherwise
	me      uint32
	signer  *Signer
	priv    map[uint32]hpke.PrivateKey // keys of the nodes this member knows
	es      *epochSecrets
	secrets *secretTree
	interim []byte  // interim transcript hash
	tag     []byte  // confirmation tag
	reinit  *reInit // what ended the group, nil while it is open
	parent  *Group  // only while a group is being founded by reinit or branch: whose secret it takes up

	proposals  []*pendingProposal // in the order received
	psks       map[string][]byte  // external, by id
	resumption map[uint64][]byte  // by epoch of this group

	// What Delta has to report.
	proposalsSaved int
	pskChanged     map[string]bool
}

// pendingProposal waits to be referred to by a commit of this epoch.
type pendingProposal struct {
	ref    []byte
	p      *proposal
	sender uint8
	index  uint32
	key    hpke.PrivateKey // of an own Update
}

// PSK is an external pre-shared key (§8.4): an id that all know and a secret that members have. It
// prints as [redacted].
type PSK struct{ ID, Secret []byte }

// Format keeps keys out of logs, whatever the verb; the same goes for Group, Pending and Delta.
func (PSK) Format(f fmt.State, _ rune) { f.Write([]byte("[redacted]")) }

// Format keeps keys out of logs, whatever the verb.
func (*Group) Format(f fmt.State, _ rune) { f.Write([]byte("[redacted]")) }

// Member is what a group knows of one member.
type Member struct {
	Index          uint32
	Credential     Credential
	SignatureKey   []byte
	LeafExtensions []Extension
	LeafBytes      int // of the leaf's encoding
}

// GroupOptions says what a new group looks like.
type GroupOptions struct {
	Suite          Suite // zero means XWing
	GroupID        []byte
	Signer         *Signer
	Credential     Credential
	Lifetime       Lifetime
	Extensions     []Extension // of the GroupContext; the founder's leaf claims support for them
	LeafExtensions []Extension
	Capabilities   Capabilities
}

// NewGroup makes a group whose only member is its maker (§11). Errors as NewKeyPackage, and a
// RuleError when the founder does not meet the extensions.
func NewGroup(o GroupOptions) (*Group, error) {
	if o.Suite == 0 {
		o.Suite = XWing
	}
	s := suiteOf(o.Suite)
	if s == nil {
		return nil, ErrSuite
	}
	exts := cloneExtensions(o.Extensions)
	var more []uint16
	for _, x := range exts {
		more = append(more, x.Type)
	}
	l, key, err := newLeaf(s, o.Signer, o.Credential, o.Lifetime, o.LeafExtensions, o.Capabilities, more)
	if err != nil {
		return nil, err
	}
	t := newTree(s, 1)
	t.setLeaf(0, l)
	t.free = 1
	if err := checkContextExtensions(exts); err != nil {
		return nil, err
	}
	if err := t.checkSupport(exts, nil); err != nil {
		return nil, err
	}
	g := &Group{
		s: s, tree: t, signer: o.Signer, priv: map[uint32]hpke.PrivateKey{0: key},
		ctx: groupContext{suite: s.id, groupID: slices.Clone(o.GroupID), treeHash: t.rootHash(), exts: exts},
	}
	g.context = g.ctx.bytes()
	g.enter(s.epochFrom(random(s.nh), nil, nil))
	return g, nil
}

// enter sets what follows from the epoch's secrets. ctx, tree and context are set before.
func (g *Group) enter(es *epochSecrets) {
	s := g.s
	g.park()
	g.es = es
	g.tag = s.mac(es.confirm, g.ctx.confirmed)
	g.interim = s.interimHash(g.ctx.confirmed, g.tag)
	g.secrets = newSecretTree(s, g.leaves(), es.encryption)
	es.encryption = nil // lives on in the secret tree only, which forgets it (§9.2)
	g.resumption = maps.Clone(g.resumption)
	if g.resumption == nil {
		g.resumption = map[uint64][]byte{}
	}
	g.resumption[g.ctx.epoch] = es.resumption
	for len(g.resumption) > ResumptionSecretsMax {
		oldest := g.ctx.epoch
		for e := range g.resumption {
			oldest = min(oldest, e)
		}
		delete(g.resumption, oldest)
	}
}

// Suite returns the group's cipher suite.
func (g *Group) Suite() Suite { return g.s.id }

// ID returns the group id.
func (g *Group) ID() []byte { return slices.Clone(g.ctx.groupID) }

// Epoch returns the epoch number of this state.
func (g *Group) Epoch() uint64 { return g.ctx.epoch }

// OwnIndex returns this member's leaf index.
func (g *Group) OwnIndex() uint32 { return g.me }

// Closed says whether a ReInit proposal ended the group (§11.2).
func (g *Group) Closed() bool { return g.reinit != nil }

// Size returns the number of members; 0 for a light member, which cannot tell.
func (g *Group) Size() int {
	n := 0
	if g.light != nil {
		return n
	}
	g.tree.leaves(func(uint32, *leafNode) bool { n++; return true })
	return n
}

// Members returns all members in order of their index; for a light member those it knows.
func (g *Group) Members() []Member {
	var o []Member
	if g.light != nil {
		for _, i := range inOrder(g.light.known) {
			o = append(o, memberOf(i, g.light.known[i]))
		}
		return o
	}
	g.tree.leaves(func(i uint32, l *leafNode) bool { o = append(o, memberOf(i, l)); return true })
	return o
}

// Member returns one member. ErrNotMember: nobody has the index; ErrUnknownSender: a light member
// does not know the leaf. LeafBytes is 0 where a light member knows a leaf other than its own.
func (g *Group) Member(i uint32) (Member, error) {
	l := g.leaf(i)
	if l == nil {
		if g.light != nil && i < g.light.n {
			return Member{}, &UnknownSender{i}
		}
		return Member{}, ErrNotMember
	}
	return memberOf(i, l), nil
}
func memberOf(i uint32, l *leafNode) Member {
	return Member{i, l.cred, slices.Clone(l.sigKey), cloneExtensions(l.exts), len(l.raw)}
}

// Extensions returns the GroupContext extensions.
func (g *Group) Extensions() []Extension { return cloneExtensions(g.ctx.exts) }

// Extension returns the data of one GroupContext extension, nil when there is none.
func (g *Group) Extension(t uint16) []byte {
	b, _ := findExtension(g.ctx.exts, t)
	return slices.Clone(b)
}

// Export derives n bytes from the epoch for use outside MLS (§8.5). All members get the same for
// the same label and context. ErrArgument: n is out of range (at most 255 hashes).
func (g *Group) Export(label string, context []byte, n int) ([]byte, error) {
	if n < 0 || n > 255*g.s.nh {
		return nil, ErrArgument
	}
	return g.s.export(g.es.exporter, label, context, n), nil
}

// EpochAuthenticator is equal for members whose views of the epoch agree (§8.7).
func (g *Group) EpochAuthenticator() []byte { return slices.Clone(g.es.authenticator) }

// TreeHash returns the hash of the ratchet tree (§7.8).
func (g *Group) TreeHash() []byte { return slices.Clone(g.ctx.treeHash) }

// Tree returns the ratchet tree as JoinOptions.Tree takes it; nil for a light member.
func (g *Group) Tree() []byte {
	if g.light != nil {
		return nil
	}
	return g.tree.bytes()
}

// SetPSK stores an external pre-shared key for commits of this and later epochs that use it.
func (g *Group) SetPSK(p PSK) {
	g.psks = maps.Clone(g.psks)
	if g.psks == nil {
		g.psks = map[string][]byte{}
	}
	g.psks[string(p.ID)] = slices.Clone(p.Secret)
	if g.pskChanged == nil {
		g.pskChanged = map[string]bool{}
	}
	g.pskChanged[string(p.ID)] = true
}

// Encrypt protects application data for the epoch's members. aad is authenticated but readable by
// anyone. It advances this member's ratchet: save Delta before sending. ErrClosed: see Closed;
// ErrArgument: together they are larger than MessageBytesMax less 4 KiB.
func (g *Group) Encrypt(data, aad []byte) ([]byte, error) {
	if g.Closed() {
		return nil, ErrClosed
	}
	if err := sendable(len(data) + len(aad)); err != nil {
		return nil, err
	}
	a, err := g.sign(ContentApplication, data, aad)
	if err != nil {
		return nil, err
	}
	return g.seal(a)
}

// overheadMax is above all that framing adds to data and additional data; a group id is short.
const overheadMax = 4096

// sendable refuses contents of so many bytes that receivers would refuse the message (M-007).
func sendable(n int) error {
	if n > MessageBytesMax-overheadMax {
		return ErrArgument
	}
	return nil
}

// sign makes content from this member, signed for a PrivateMessage.
func (g *Group) sign(typ ContentType, body, aad []byte) (*authContent, error) {
	a := &authContent{wire: WirePrivate, c: content{g.ctx.groupID, g.ctx.epoch, senderMember, g.me, aad, typ, body}}
	var err error
	a.sig, err = g.signer.sign("FramedContentTBS", a.toBeSigned(g.context))
	return a, err
}

// groupInfo signs a GroupInfo of this epoch (§12.4.3).
func (g *Group) groupInfo(exts []Extension) (*groupInfo, error) {
	i := &groupInfo{ctx: g.ctx, exts: exts, tag: g.tag, signer: g.me}
	var err error
	i.sig, err = g.signer.sign("GroupInfoTBS", i.toBeSigned())
	return i, err
}

// GroupInfo returns a signed GroupInfo as an MLSMessage. withTree puts the ratchet tree inside;
// withExternalPub the key that JoinExternal needs. Whoever has the latter can join, so it is as
// secret as the group's membership is. ErrLight: a light member has no tree to put inside.
func (g *Group) GroupInfo(withTree, withExternalPub bool) ([]byte, error) {
	var exts []Extension
	if withTree {
		if g.light != nil {
			return nil, ErrLight
		}
		exts = append(exts, Extension{ExtRatchetTree, g.tree.bytes()})
	}
	if withExternalPub {
		k, err := g.s.kem.DeriveKeyPair(g.es.external)
		if err != nil {
			return nil, err
		}
		var w writer
		w.vec(k.PublicKey().Bytes())
		exts = append(exts, Extension{ExtExternalPub, w.b})
	}
	i, err := g.groupInfo(exts)
	if err != nil {
		return nil, err
	}
	w := header(WireGroupInfo)
	w.raw(i.bytes())
	return w.b, nil
}
