package mls

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"maps"
	"math/bits"
	"slices"
	"time"
)

// How a light member follows a commit. Proposals that change the tree are for whoever has it; what
// the tree has become comes as a hash, and where the path secret lies, from outside: see follow.

// follow is what a light member is told of a commit beside the commit itself. The confirmation tag
// proves the hash, and with it all that a proof of the new tree shows.
type follow struct {
	hash      []byte // tree hash after the commit
	n         uint32 // leaves after it
	committer uint32 // leaf index after it
	added     []uint32
	keys      sliceKeys // of a sliced commit
	// secret returns the commit secret of a path and puts the keys it leads to into next.priv.
	secret func(next *Group) ([]byte, error)
}

// applyLight is apply without a tree.
func (g *Group) applyLight(list []item, committer uint32, external bool) (*applied, error) {
	if err := g.validateList(list, committer, external); err != nil {
		return nil, err
	}
	a := &applied{exts: g.ctx.exts, updated: map[uint32]bool{}}
	var psks [][]byte
	for _, q := range list {
		a.needPath = a.needPath || q.p.needsPath()
		switch p := q.p; p.typ {
		case ProposalAdd:
			a.added = append(a.added, joiner{kp: p.kp})
		case ProposalUpdate:
			a.updated[q.index] = true
		case ProposalRemove:
			a.removed = append(a.removed, p.removed)
		case ProposalSelfRemove:
			a.selfRemoved = append(a.selfRemoved, q.index)
		case ProposalGroupContextExtensions:
			a.exts, a.extsChanged = p.exts, true
		case ProposalExternalInit:
			a.kem = p.kem
		case ProposalReInit:
			a.reinit = &p.reinit
		case ProposalPSK:
			k, err := g.pskOf(&p.psk)
			if err != nil {
				return nil, err
			}
			psks, a.pskIDs = append(psks, k), append(a.pskIDs, p.psk)
		}
	}
	a.psk = g.s.pskSecret(a.pskIDs, psks)
	return a, nil
}

// receiveLight is receiveCommit without a tree.
func (g *Group) receiveLight(m *authContent, c *commitBody, f *follow, now time.Time) (Received, error) {
	s := g.s
	external := m.c.sender == senderNewCommit
	list, err := g.resolve(m, c)
	if err != nil {
		return nil, err
	}
	a, err := g.applyLight(list, m.c.index, external)
	if err != nil {
		return nil, err
	}
	if c.path == nil && (a.needPath || len(list) == 0) {
		return nil, broken("M-100")
	}
	out := CommitReceived{
		Committer: f.committer, Added: f.added, Removed: a.removed, SelfRemoved: a.selfRemoved, External: external, Replaced: NoSender,
		ExtensionsChanged: a.extsChanged, Closed: a.reinit != nil, AAD: m.c.aad, RemovedSelf: a.gone(g.me),
	}
	for i := range a.updated {
		out.Updated = append(out.Updated, i)
	}
	slices.Sort(out.Updated)
	if external && len(a.removed) > 0 {
		out.Replaced = a.removed[0]
	}
	if out.RemovedSelf {
		out.Extensions, out.Joined = a.exts, a.joined()
		return out, nil
	}
	if bits.OnesCount32(f.n) != 1 || f.n > MembersMax || f.committer >= f.n || g.me >= f.n || len(f.hash) != s.nh ||
		!external && f.committer != m.c.index {
		return nil, broken("M-163")
	}
	next := g.successor(a)
	next.light.n, next.ctx.treeHash = f.n, f.hash
	// renew takes up another leaf of a member, and reports new keys of one that was known.
	renew := func(i uint32, l *leafNode) error {
		if !l.signedBy(s, g.ctx.groupID, i) {
			return broken("M-021")
		}
		if old := next.light.known[i]; old != nil && (!bytes.Equal(old.sigKey, l.sigKey) || !bytes.Equal(old.cred.raw, l.cred.raw)) {
			out.Rotated = append(out.Rotated, i)
		}
		next.light.learn(i, l)
		return nil
	}
	for _, q := range list {
		if q.p.typ != ProposalUpdate {
			continue
		}
		if q.index != g.me {
			if err := renew(q.index, q.p.leaf); err != nil {
				return nil, err
			}
			continue
		}
		next.light.known[g.me] = q.p.leaf.detach()
		next.light.fresh[g.me] = true
		if err := next.ownUpdate(g, a); err != nil {
			return nil, err
		}
	}
	joined := len(a.added)
	if external {
		joined++
	}
	if err := refuse(c.sliced != nil && len(f.added) != joined, "M-173"); err != nil {
		return nil, err
	}
	for k, i := range f.added {
		// A leaf that is known to be there is no place for another: who says so means to speak in its name.
		if err := refuse(next.light.known[i] != nil || i >= f.n, "M-173"); err != nil {
			return nil, err
		}
		if k == len(a.added) {
			break // who joins from outside, as for the path below
		}
		l := a.added[k].kp.leaf
		out.Joined = append(out.Joined, memberOf(i, l))
		if !l.lives(now) {
			out.OutOfLifetime = append(out.OutOfLifetime, i)
		}
		if k >= len(f.added)-KnownLeavesMax/2 && i != g.me { // of a crowd only the last, and not at the cost of all others
			if err := renew(i, l); err != nil {
				return nil, err
			}
		}
	}
	commitSecret, init := s.zero(), g.es.init
	if external {
		if init, err = g.externalInit(a.kem); err != nil {
			return nil, err
		}
	}
	if c.path != nil {
		if c.path.leaf.source != sourceCommit {
			return nil, broken("M-101")
		}
		if err := c.path.leaf.check(s); err != nil {
			return nil, err
		}
		if err := renew(f.committer, c.path.leaf); err != nil {
			return nil, err
		}
		next.unpath(f.committer)
		if commitSecret, err = f.secret(next); err != nil {
			return nil, err
		}
	}
	slices.Sort(out.Rotated)
	next.advance(g.interim, m, init, commitSecret, a.psk)
	next.es.joiner, next.es.welcome = nil, nil
	if !hmac.Equal(next.tag, m.tag) {
		return nil, broken("M-108")
	}
	out.Next, out.change = next, &change{list, c, f.committer, external, g.ctx.epoch, next.ctx.treeHash, f.keys}
	return out, nil
}

// unpath drops the keys above a leaf, whose nodes were blanked or got other ones.
func (g *Group) unpath(leaf uint32) {
	for x := range g.priv {
		if x&1 == 1 && under(x, 2*leaf) {
			delete(g.priv, x)
		}
	}
}

// lightSuccessor is successor's part without a tree: keys and leaves that the proposals leave alone.
func (next *Group) lightSuccessor(g *Group, a *applied) {
	next.light = g.light.clone()
	maps.Copy(next.priv, g.priv)
	for _, list := range [][]uint32{a.removed, a.selfRemoved} {
		for _, i := range list {
			next.unpath(i)
			next.light.forget(i)
		}
	}
	for i := range a.updated {
		next.unpath(i)
	}
}

// topKey returns the highest node below the one where a leaf's path meets this member's, of those
// that own says to be there and whose key this member has: the one that a path secret is sealed to.
func (g *Group) topKey(from uint32, own func(x uint32) bool) (hpke.PrivateKey, uint32) {
	x := 2 * g.me
	for p := parentOf(x); !under(p, 2*from); p = parentOf(p) {
		if g.priv[p] != nil && own(p) {
			x = p
		}
	}
	return g.priv[x], x
}
