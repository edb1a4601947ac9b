package mls

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"slices"
	"time"
)

// Received is what Process made of a message: Application, ProposalReceived or CommitReceived.
type Received interface{ received() }

// Application is application data from another member.
type Application struct {
	Sender    uint32
	AAD, Data []byte
}

// ProposalReceived says that a proposal is now pending.
type ProposalReceived struct {
	Sender uint32 // leaf index; NoSender when the sender is not a member
	Kind   ProposalType
	Leaf   uint32 // the leaf that a Remove, Update or SelfRemove is about
	AAD    []byte
}

// NoSender stands for a sender that is not a member.
const NoSender = ^uint32(0)

// CommitReceived is a valid commit. The Group that processed it is still the old epoch.
type CommitReceived struct {
	Committer         uint32      // leaf index in the new epoch
	Next              *Group      // the new epoch; nil when this member was removed
	Added             []uint32    // leaf indexes in the new epoch, an external joiner included
	Removed           []uint32    // leaf indexes in the old epoch, by Remove proposals
	SelfRemoved       []uint32    // the same, by SelfRemove proposals
	Updated           []uint32    // leaves with new keys by Update proposals
	Rotated           []uint32    // members with another signature key or credential than before: judge it (§5.3.1)
	Replaced          uint32      // the leaf that an external joiner removes and takes the place of, also in Removed; NoSender if none
	RemovedSelf       bool        // this member is out; Removed or SelfRemoved names it
	External          bool        // the committer joined from outside
	ExtensionsChanged bool        // of the GroupContext
	Extensions        []Extension // of the GroupContext, with RemovedSelf: as the commit says, which this member cannot confirm
	Closed            bool        // by ReInit: nothing more can be sent
	OutOfLifetime     []uint32    // added leaves whose lifetime does not contain now
	AAD               []byte
	Joined            []Member // of Added, to a light member, which does not keep them all, and with RemovedSelf: whose leaves are not confirmed

	change *change // of a light member's: for Upgrade
}

func (Application) received()      {}
func (ProposalReceived) received() {}
func (CommitReceived) received()   {}

// Process takes one message of this group.
//
// now is only used to fill OutOfLifetime: a commit is judged alike by all members whenever they
// read it, or the group would fall apart over a wrong clock (§7.3 only recommends the check).
//
// Besides rule errors: ErrStaleEpoch, ErrFutureEpoch and ErrOtherGroup mean another Group (or none)
// is the one to ask; ErrOwnMessage, that the head names this member, which within the group anyone
// can claim: compare with what was sent; ErrReplay and ErrGenerationTooFar, that there is no key;
// ErrUnknownPSK and ErrUnknownProposal, that something was not given or not seen here.
//
// A commit uses up its generation too: save CommitReceived.Next together with g's Delta or not at all.
func (g *Group) Process(msg []byte, now time.Time) (Received, error) {
	return g.process(msg, nil, nil, now)
}

// ProcessFrom is Process by a light member that knows the sender's signature key from elsewhere,
// where it has no proof of the leaf. That the key is the leaf's is on whoever gave it; nothing is
// kept of it. A leaf that is known here goes before, and a full member asks nobody.
func (g *Group) ProcessFrom(msg, key []byte, now time.Time) (Received, error) {
	return g.process(msg, nil, key, now)
}

// ProcessSliced is Process of a commit for which it asked with NeedSlice. Keys that are not the
// committer's are an error of rule M-175, a slice of M-176, a proof of M-177. Nothing is used up by
// an error, so the same may be tried with pieces from elsewhere.
func (g *Group) ProcessSliced(msg []byte, parts SliceParts, now time.Time) (Received, error) {
	return g.process(msg, &parts, nil, now)
}

func (g *Group) process(msg []byte, parts *SliceParts, key []byte, now time.Time) (Received, error) {
	m, err := parseMessage(msg)
	if err != nil {
		return nil, err
	}
	a, u, err := g.open(m, parts, key)
	if err != nil {
		return nil, err
	}
	out, err := g.receive(a, parts, now)
	if err == nil || a.c.typ != ContentCommit || !g.Sliced() {
		u.commit() // also where it is refused: it is genuine, and comes once. Slices may be wrong for other reasons
	}
	return out, err
}

// receive takes authenticated content.
func (g *Group) receive(a *authContent, parts *SliceParts, now time.Time) (Received, error) {
	r := reader{b: a.c.body}
	switch a.c.typ {
	case ContentApplication:
		return Application{a.c.index, a.c.aad, a.c.body}, nil
	case ContentProposal:
		return g.receiveProposal(a, r.proposal())
	}
	return g.receiveCommit(a, r.commitBody(), parts, now)
}

func (g *Group) receiveProposal(a *authContent, p *proposal) (Received, error) {
	q := item{p: p, sender: a.c.sender, index: a.c.index}
	if err := g.checkProposal(&q); err != nil {
		return nil, err
	}
	if err := g.remember(a, p, nil); err != nil {
		return nil, err
	}
	out := ProposalReceived{Sender: NoSender, Kind: p.typ, Leaf: NoSender, AAD: a.c.aad}
	if a.c.sender == senderMember {
		out.Sender = a.c.index
	}
	switch p.typ {
	case ProposalRemove:
		out.Leaf = p.removed
	case ProposalUpdate, ProposalSelfRemove:
		out.Leaf = a.c.index
	}
	return out, nil
}

// remember keeps a proposal until the end of the epoch (M-089).
func (g *Group) remember(a *authContent, p *proposal, key hpke.PrivateKey) error {
	ref := g.s.refHash("MLS 1.0 Proposal Reference", a.bytes())
	if g.pending(ref) != nil {
		return nil
	}
	if err := refuse(len(g.proposals) >= PendingProposalsMax, "M-089"); err != nil {
		return err
	}
	g.proposals = append(g.proposals, &pendingProposal{ref, p, a.c.sender, a.c.index, key})
	return nil
}
func (g *Group) pending(ref []byte) *pendingProposal {
	for _, q := range g.proposals {
		if bytes.Equal(q.ref, ref) {
			return q
		}
	}
	return nil
}

// resolve turns a commit's proposals and references into items (M-085).
func (g *Group) resolve(a *authContent, c *commitBody) ([]item, error) {
	list := make([]item, 0, len(c.props))
	for _, p := range c.props {
		if p.p != nil {
			list = append(list, item{p: p.p, sender: a.c.sender, index: a.c.index})
			continue
		}
		q := g.pending(p.ref)
		if q == nil {
			return nil, brokenBy("M-085", ErrUnknownProposal)
		}
		list = append(list, item{q.p, q.sender, q.index, true, true})
	}
	return list, nil
}

func (g *Group) receiveCommit(m *authContent, c *commitBody, parts *SliceParts, now time.Time) (Received, error) {
	external := m.c.sender == senderNewCommit
	if g.light != nil && c.sliced == nil {
		return nil, ErrLight
	}
	if err := refuse((c.sliced != nil) != g.Sliced(), "M-171"); err != nil {
		return nil, err
	}
	list, err := g.resolve(m, c)
	if err != nil {
		return nil, err
	}
	var keys sliceKeys
	gone := leavesIn(list, g.me)
	if c.sliced != nil {
		init, err := g.externalOf(list, external)
		if err != nil {
			return nil, err
		}
		keys = g.sliceKeys(c.sliced.seed, init)
		if err := g.ask(c, keys, false, gone, parts); err != nil {
			return nil, err
		}
		if g.light != nil {
			return g.receiveLight(m, c, c.follow(m, keys, parts), now)
		}
	}
	if err := g.validateList(list, m.c.index, external); err != nil {
		return nil, err
	}
	a, err := g.apply(list)
	if err != nil {
		return nil, err
	}
	if err := refuse(c.path == nil && (a.needPath || len(list) == 0), "M-100"); err != nil {
		return nil, err
	}
	out := CommitReceived{
		Committer: m.c.index, Removed: a.removed, SelfRemoved: a.selfRemoved, External: external, Replaced: NoSender,
		ExtensionsChanged: a.extsChanged, Closed: a.reinit != nil, AAD: m.c.aad,
	}
	for i := range a.updated {
		out.Updated = append(out.Updated, i)
	}
	slices.Sort(out.Updated)
	next := g.successor(a)
	init := g.es.init
	if external {
		if init, err = g.externalInit(a.kem); err != nil {
			return nil, err
		}
		if a.tree.full() {
			return nil, broken("M-045")
		}
		for _, i := range a.removed { // the joiner's former leaf: as for an Update (§12.2)
			out.Replaced = i
			if err := refuse(bytes.Equal(g.tree.leaf(i).encKey, c.path.leaf.encKey), "M-096"); err != nil {
				return nil, err
			}
		}
		out.Committer = a.tree.add(c.path.leaf)
		a.isAdded[out.Committer] = true
		out.Added = append(out.Added, out.Committer)
		if err := a.tree.checkFresh(out.Added); err != nil {
			return nil, err
		}
	}
	for _, j := range a.added {
		out.Added = append(out.Added, j.leaf)
		if !j.kp.leaf.lives(now) {
			out.OutOfLifetime = append(out.OutOfLifetime, j.leaf)
		}
	}
	out.RemovedSelf = a.gone(g.me)
	commitSecret := g.s.zero()
	var nodes, copath []uint32
	if c.path == nil {
		next.ctx.treeHash = a.tree.rootHash()
	} else if !out.RemovedSelf || c.sliced == nil { // who is out does not read slices
		if c.sliced != nil {
			if err := c.path.openKeys(keys, parts.Keys); err != nil {
				return nil, err
			}
		}
		if nodes, copath, err = next.mergePath(a, c.path, out.Committer); err != nil {
			return nil, err
		}
		if c.sliced != nil {
			if err := next.checkSliced(a, c, out.Committer, external, nodes, copath); err != nil {
				return nil, err
			}
		}
		if !out.RemovedSelf {
			if err := next.ownUpdate(g, a); err != nil {
				return nil, err
			}
			if commitSecret, err = next.openPath(a, c.path, nodes, copath, keys, parts); err != nil {
				return nil, err
			}
		}
	}
	if changed := out.Updated; !external {
		if c.path != nil {
			changed = append(slices.Clone(changed), m.c.index)
			slices.Sort(changed)
		}
		out.Rotated = rotatedLeaves(g.tree, a.tree, changed)
	}
	if out.RemovedSelf {
		out.Extensions, out.Joined = a.exts, a.joined()
		return out, nil // the new epoch's secrets are not for us, so the tag cannot be checked
	}
	if c.sliced != nil && c.path == nil {
		if err := next.checkSliced(a, c, out.Committer, external, nil, nil); err != nil {
			return nil, err
		}
	}
	next.advance(g.interim, m, init, commitSecret, a.psk)
	next.es.joiner, next.es.welcome = nil, nil
	if err := refuse(!hmac.Equal(next.tag, m.tag), "M-108"); err != nil {
		return nil, err
	}
	out.Next = next
	return out, nil
}

// ownUpdate takes up the key of an Update of ours that the commit includes.
func (g *Group) ownUpdate(old *Group, a *applied) error {
	if !a.updated[g.me] {
		return nil
	}
	key := g.leaf(g.me).encKey
	for _, q := range old.proposals {
		if q.key != nil && bytes.Equal(q.p.leaf.encKey, key) {
			g.priv[2*g.me] = q.key
			return nil
		}
	}
	return broken("M-107")
}

// mergePath checks an update path against the tree and puts it in (§7.5, §12.4.2). g is the next
// state; committer is its place in that tree.
func (g *Group) mergePath(a *applied, up *updatePath, committer uint32) (nodes, copath []uint32, err error) {
	s, t := g.s, g.tree
	old := t.leaf(committer)
	if up.leaf.source != sourceCommit {
		return nil, nil, broken("M-101")
	}
	if err := refuse(old != up.leaf && bytes.Equal(old.encKey, up.leaf.encKey), "M-102"); err != nil {
		return nil, nil, err
	}
	if err := up.leaf.check(s); err != nil {
		return nil, nil, err
	}
	nodes, copath = t.filtered(committer)
	if err := refuse(len(nodes) != len(up.nodes), "M-104"); err != nil {
		return nil, nil, err
	}
	keys := make([][]byte, len(nodes))
	for i := range nodes {
		keys[i] = slices.Clone(up.nodes[i].key)
		if !s.goodKey(keys[i]) {
			return nil, nil, broken("M-015")
		}
		if err := refuse(up.sliced == nil && len(up.nodes[i].cts) != len(a.recipients(copath[i])), "M-105"); err != nil {
			return nil, nil, err
		}
	}
	all := keys
	if old != up.leaf {
		all = append(slices.Clone(keys), up.leaf.encKey)
	} else if fails(slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, up.leaf.encKey) }), "M-103") {
		return nil, nil, broken("M-103")
	}
	if err := t.checkPathKeys(all); err != nil {
		return nil, nil, err
	}
	ph := t.merge(committer, nodes, copath, keys)
	if err := refuse(!hmac.Equal(ph, up.leaf.parentHash), "M-106"); err != nil {
		return nil, nil, err
	}
	if err := refuse(!up.leaf.signedBy(s, g.ctx.groupID, committer), "M-021"); err != nil {
		return nil, nil, err
	}
	t.setLeaf(committer, up.leaf.detach())
	changed := []uint32{committer}
	if !bytes.Equal(old.sigKey, up.leaf.sigKey) {
		if err := t.checkFresh(changed); err != nil {
			return nil, nil, err
		}
	}
	if err := t.checkSupport(g.ctx.exts, changed); err != nil {
		return nil, nil, err
	}
	g.ctx.treeHash = t.rootHash()
	for _, p := range t.path(committer) {
		delete(g.priv, p)
	}
	return nodes, copath, nil
}

// openPath decrypts the path secret meant for this member and derives the keys above (§7.5, M-107).
func (g *Group) openPath(a *applied, up *updatePath, nodes, copath []uint32, keys sliceKeys, parts *SliceParts) ([]byte, error) {
	if up.sliced != nil {
		secret, err := g.openSlice(up.sliced, keys, parts.Slice)
		if err != nil {
			return nil, err
		}
		k := slices.IndexFunc(nodes, func(x uint32) bool { return under(x, 2*g.me) })
		return g.install(nodes[k:], secret)
	}
	info := labelled("UpdatePathNode", g.ctx.bytes())
	for k := range nodes {
		if !under(nodes[k], 2*g.me) {
			continue
		}
		for slot, x := range a.recipients(copath[k]) {
			key, ok := g.priv[x]
			if !ok {
				continue
			}
			secret, err := g.s.decrypt(key, info, up.nodes[k].cts[slot])
			if err := refuse(err != nil, "M-107"); err != nil {
				return nil, err
			}
			return g.install(nodes[k:], secret)
		}
		break
	}
	return nil, broken("M-107") // no key of ours is among those it is encrypted to
}

// install derives the keys of nodes, bottom up, from the first one's path secret, checks them
// against the tree and returns the commit secret.
func (g *Group) install(nodes []uint32, secret []byte) ([]byte, error) {
	for _, x := range nodes {
		key, err := g.s.keyPair(secret)
		if err := refuse(err != nil || !bytes.Equal(key.PublicKey().Bytes(), g.tree.public(x)), "M-107"); err != nil {
			return nil, err
		}
		g.priv[x] = key
		secret = g.s.derive(secret, "path")
	}
	return secret, nil
}

// externalInit opens the init secret of an external commit (§8.3).
func (g *Group) externalInit(kem []byte) ([]byte, error) {
	k, err := g.s.kem.DeriveKeyPair(g.es.external)
	if err != nil {
		return nil, err
	}
	init, err := g.s.externalReceive(k, kem)
	if err != nil {
		return nil, broken("M-095")
	}
	return init, nil
}

// propose signs a proposal, keeps it as pending here too and returns the PrivateMessage.
func (g *Group) propose(p *proposal, key hpke.PrivateKey, aad []byte) ([]byte, error) {
	if g.Closed() {
		return nil, ErrClosed
	}
	q := item{p: p.encode(), sender: senderMember, index: g.me}
	if err := g.checkProposal(&q); err != nil {
		return nil, err
	}
	if err := g.checkTypes([]item{q}); err != nil {
		return nil, err
	}
	a, err := g.sign(ContentProposal, p.raw, aad)
	if err != nil {
		return nil, err
	}
	if err := g.remember(a, p, key); err != nil {
		return nil, err
	}
	return g.seal(a)
}

// ProposeAdd proposes to add a member. now is for the KeyPackage's lifetime (M-025).
func (g *Group) ProposeAdd(k *KeyPackage, aad []byte, now time.Time) ([]byte, error) {
	if !k.kp.leaf.lives(now) {
		return nil, broken("M-025")
	}
	return g.propose(&proposal{typ: ProposalAdd, kp: k.kp}, nil, aad)
}

// ProposeRemove proposes to remove a member. ErrNotMember: nobody has the index, as far as this
// member can tell.
func (g *Group) ProposeRemove(i uint32, aad []byte) ([]byte, error) {
	if g.light == nil && g.tree.leaf(i) == nil {
		return nil, ErrNotMember
	}
	return g.propose(&proposal{typ: ProposalRemove, removed: i}, nil, aad)
}

// ProposeSelfRemove announces that this member leaves; any other member's commit with UsePending,
// also an external one, carries it out.
func (g *Group) ProposeSelfRemove(aad []byte) ([]byte, error) {
	return g.propose(&proposal{typ: ProposalSelfRemove}, nil, aad)
}

// ProposeUpdate proposes fresh keys for this member's leaf.
func (g *Group) ProposeUpdate(aad []byte) ([]byte, error) {
	key, err := g.s.kem.GenerateKey()
	if err != nil {
		return nil, err
	}
	l := *g.leaf(g.me)
	l.encKey, l.source, l.notBefore, l.notAfter, l.parentHash = key.PublicKey().Bytes(), sourceUpdate, 0, 0, nil
	if err := l.sign(g.signer, g.ctx.groupID, g.me); err != nil {
		return nil, err
	}
	return g.propose(&proposal{typ: ProposalUpdate, leaf: &l}, key, aad)
}
