package mls

import (
	"crypto/hpke"
	"fmt"
	"maps"
	"slices"
	"time"
)

// CommitOptions says what a commit does. With nothing set it refreshes the committer's keys.
type CommitOptions struct {
	Add            []*KeyPackage
	Remove         []uint32
	Extensions     []Extension // new GroupContext extensions, all of them; nil = unchanged
	LeafExtensions []Extension // new extensions of the committer's leaf; nil = unchanged. Needs a path
	Signer         *Signer     // the committer's signature key from the next epoch on; nil = unchanged. Needs a path
	Credential     *Credential // the committer's credential from the next epoch on; nil = unchanged. Needs a path
	PSKs           []PSK       // external pre-shared keys to mix in
	Resume         []uint64    // epochs of this group to mix in; who joined later cannot follow (§8.6)
	UsePending     bool        // include the pending proposals that are valid together
	ForcePath      bool        // also where the RFC allows a commit without new keys
	WithoutTree    bool        // leave the ratchet tree out of the Welcome; joiners get Tree otherwise
	AAD            []byte
	Now            time.Time // for the lifetimes of added KeyPackages
}

// Pending is a commit that has not won yet. Save Next and the old Group before sending Message.
type Pending struct {
	Message []byte   // PrivateMessage for the group
	Welcome []byte   // for the added members, nil without any
	Next    *Group   // the state if the commit wins
	Slices  *Slices  // to be stored before Message is sent, where members find it; nil unless the group is sliced
	Proofs  [][]byte // of CommitLight alone: Proof in Next of its maker, then of each added leaf
	// Tree is what the maker of CommitPages knows of the tree of Next; of others' nil.
	Tree *SavedTree
}

// Format keeps keys out of logs, whatever the verb.
func (*Pending) Format(f fmt.State, _ rune) { f.Write([]byte("[redacted]")) }

// Commit prepares the next epoch. g can do afterwards whatever it could before: process another's
// commit, commit again, open messages; only its handshake ratchet has moved, which Delta shows.
//
// A RuleError says which rule the wanted commit would break, M-025 for a KeyPackage outside its
// lifetime. ErrNotMember: a Remove index is nobody's. ErrClosed: the group has ended. ErrArgument:
// commit or Welcome would pass MessageBytesMax; add fewer at once, or leave the tree out. ErrSigner:
// a new signer that is not of the group's suite. ErrLight: see Light.
func (g *Group) Commit(o CommitOptions) (*Pending, error) { return g.commit(o) }

// commit is Commit with proposals that the caller has judged.
func (g *Group) commit(o CommitOptions, more ...item) (*Pending, error) {
	if g.Closed() {
		return nil, ErrClosed
	}
	if g.light != nil {
		return nil, ErrLight
	}
	st := staging{list: more, forcePath: o.ForcePath || o.LeafExtensions != nil, leafExts: cloneExtensions(o.LeafExtensions), aad: o.AAD, withoutTree: o.WithoutTree}
	if err := checkDistinct(o.LeafExtensions); err != nil {
		return nil, err
	}
	if err := placed(o.LeafExtensions, ExtApplicationID); err != nil {
		return nil, err
	}
	if err := st.rotate(g, &o); err != nil {
		return nil, err
	}
	own := func(p *proposal) item { return item{p: p.encode(), sender: senderMember, index: g.me, sound: true} }
	for _, i := range o.Remove {
		if g.tree.leaf(i) == nil {
			return nil, ErrNotMember
		}
		st.list = append(st.list, own(&proposal{typ: ProposalRemove, removed: i}))
	}
	for _, k := range o.Add {
		if k.s != g.s {
			return nil, broken("M-010")
		}
		if !k.kp.leaf.lives(o.Now) {
			return nil, broken("M-025")
		}
		st.list = append(st.list, own(&proposal{typ: ProposalAdd, kp: k.kp}))
	}
	if o.Extensions != nil {
		if err := checkContextExtensions(o.Extensions); err != nil {
			return nil, err
		}
		st.list = append(st.list, own(&proposal{typ: ProposalGroupContextExtensions, exts: cloneExtensions(o.Extensions)}))
	}
	work := *g // so that PSKs given here are known to apply and to Next, not to g
	for _, p := range o.PSKs {
		work.pskChanged = nil
		work.SetPSK(p)
		st.list = append(st.list, own(&proposal{typ: ProposalPSK, psk: pskID{typ: pskExternal, id: slices.Clone(p.ID), nonce: random(g.s.nh)}}))
	}
	for _, e := range o.Resume {
		st.list = append(st.list, own(g.resumes(usageApplication, e, g.s)))
	}
	if o.UsePending {
		st.list = append(work.choose(st.list), st.list...)
	}
	if err := work.validateList(st.list, g.me, false); err != nil {
		return nil, err
	}
	return work.stage(&st)
}

// choose picks pending proposals that are valid together and with the given ones. As §12.2 wants
// it, removals win over updates and later updates over earlier ones; a ReInit is left to a caller
// that wants one.
func (g *Group) choose(given []item) []item {
	var all []item
	take := func(q *pendingProposal) { all = append(all, item{q.p, q.sender, q.index, true, true}) }
	for _, q := range g.proposals {
		if q.p.typ == ProposalRemove || q.p.typ == ProposalSelfRemove {
			take(q)
		}
	}
	for _, q := range slices.Backward(g.proposals) {
		if q.p.typ == ProposalUpdate {
			take(q)
		}
	}
	for _, q := range g.proposals {
		switch q.p.typ {
		case ProposalAdd, ProposalPSK, ProposalGroupContextExtensions:
			take(q)
		}
	}
	fits := func(list []item) bool {
		list = append(slices.Clone(list), given...)
		if g.validateList(list, g.me, false) != nil {
			return false
		}
		_, err := g.apply(list)
		return err == nil
	}
	if fits(all) { // the usual case; below, each is tried on its own
		return all
	}
	var got []item
	for _, q := range all {
		if try := append(slices.Clone(got), q); fits(try) {
			got = try
		}
	}
	return got
}

// staging is a commit under construction.
type staging struct {
	list        []item
	forcePath   bool
	leafExts    []Extension
	aad         []byte
	withoutTree bool
	signer      *Signer    // the committer's new one, or nil
	cred        Credential // the committer's new one, or empty

	external bool      // a join from outside: g is the group as its GroupInfo shows it
	init     []byte    // the external init secret
	newLeaf  *leafNode // the joiner's leaf, not signed yet

	tamper func(*commitBody, *authContent) // tests make bad commits with it; nil otherwise
}

// stage builds commit, Welcome and next state from a validated list. g is not changed, except for
// its handshake ratchet.
func (g *Group) stage(st *staging) (*Pending, error) {
	s := g.s
	a, err := g.apply(st.list)
	if err != nil {
		return nil, err
	}
	next := g.successor(a)
	old := g.tree.leaf(g.me)
	if st.rotates() {
		old = st.rotated(next, old)
	}
	if st.external {
		if a.tree.full() {
			return nil, broken("M-045")
		}
		next.me = a.tree.add(st.newLeaf)
		a.isAdded[next.me] = true
		old = st.newLeaf
	}
	c := g.bodyOf(st.list)
	commitSecret := s.zero()
	var secrets []pathSecret
	if st.external || st.forcePath || a.needPath || len(st.list) == 0 {
		if c.path, secrets, commitSecret, err = next.newPath(a, old, st.leafExts); err != nil {
			return nil, err
		}
		if st.rotates() {
			if err := next.checkRotated(); err != nil {
				return nil, err
			}
		}
	} else {
		next.ctx.treeHash = a.tree.rootHash()
	}
	init := st.init
	msg := &authContent{wire: WirePrivate, c: content{g.ctx.groupID, g.ctx.epoch, senderMember, g.me, st.aad, ContentCommit, nil}}
	if st.external {
		msg.wire, msg.c.sender, msg.c.index = WirePublic, senderNewCommit, 0
	} else {
		init = g.es.init
	}
	out := &Pending{Next: next}
	if g.Sliced() {
		if out.Slices, err = g.slice(next, a, c, st.init); err != nil {
			return nil, err
		}
	}
	if st.tamper != nil {
		st.tamper(c, msg)
	}
	var w writer
	c.write(&w)
	msg.c.body = w.b
	if msg.sig, err = g.signer.sign("FramedContentTBS", msg.toBeSigned(g.context)); err != nil {
		return nil, err
	}
	next.advance(g.interim, msg, init, commitSecret, a.psk)
	msg.tag = next.tag
	if st.tamper != nil {
		st.tamper(nil, msg)
	}
	if out.Message, err = g.frame(msg); err != nil {
		return nil, err
	}
	if len(a.added) > 0 {
		x, err := next.welcome(a, secrets, st.withoutTree)
		if err != nil {
			return nil, err
		}
		out.Welcome = x.bytes()
	}
	next.es.joiner, next.es.welcome = nil, nil
	if len(out.Message) > MessageBytesMax || len(out.Welcome) > MessageBytesMax {
		return nil, ErrArgument // nobody would take it
	}
	return out, nil
}

// frame encodes a signed commit in its wire format.
func (g *Group) frame(a *authContent) ([]byte, error) {
	if a.wire == WirePrivate {
		return g.seal(a)
	}
	w := header(WirePublic)
	a.c.write(w)
	a.writeAuth(w)
	if a.c.sender == senderMember {
		w.vec(g.s.mac(g.es.membership, a.toBeMACed(g.context)))
	}
	return w.b, nil
}

// bodyOf lists what a commit commits, by value or by reference.
func (g *Group) bodyOf(list []item) *commitBody {
	c := &commitBody{}
	for _, q := range list {
		if q.byRef {
			c.props = append(c.props, proposalOrRef{ref: g.refOf(q.p)})
		} else {
			c.props = append(c.props, proposalOrRef{p: q.p})
		}
	}
	return c
}

// refOf finds the reference of a pending proposal.
func (g *Group) refOf(p *proposal) []byte {
	for _, q := range g.proposals {
		if q.p == p {
			return q.ref
		}
	}
	return nil
}

// successor is the next state before its keys: tree, extensions, epoch number, and of the private
// keys those whose nodes are still there.
func (g *Group) successor(a *applied) *Group {
	next := &Group{
		s: g.s, ctx: g.ctx, tree: a.tree, me: g.me, signer: g.signer, priv: map[uint32]hpke.PrivateKey{},
		psks: maps.Clone(g.psks), resumption: g.resumption, reinit: a.reinit,
	}
	next.ctx.exts = a.exts
	next.ctx.epoch++
	if g.light != nil {
		next.lightSuccessor(g, a)
		return next
	}
	for x, k := range g.priv {
		if x < a.tree.width() && !a.tree.blank(x) {
			next.priv[x] = k
		}
	}
	return next
}

// advance derives the new epoch from an authenticated commit (§8).
func (g *Group) advance(interim []byte, commit *authContent, init, commitSecret, psk []byte) {
	g.ctx.confirmed = g.s.confirmedHash(interim, commit.confirmedInput())
	g.context = g.ctx.bytes()
	g.enter(g.s.epoch(g.s.joiner(init, commitSecret, g.context), psk, g.context))
}

// pathSecret is the secret of one node of an update path.
type pathSecret struct {
	node   uint32
	secret []byte
}

// newPath gives this member fresh keys up to the root (§7.5): it installs them in g, which is the
// next state, and returns the path, its secrets and the commit secret.
func (g *Group) newPath(a *applied, old *leafNode, leafExts []Extension) (*updatePath, []pathSecret, []byte, error) {
	s, t := g.s, g.tree
	nodes, copath := t.filtered(g.me)
	leafKey, err := s.kem.GenerateKey()
	if err != nil {
		return nil, nil, nil, err
	}
	for _, p := range t.path(g.me) {
		delete(g.priv, p)
	}
	g.priv[2*g.me] = leafKey
	secret := random(s.nh)
	secrets := make([]pathSecret, len(nodes))
	keys := make([][]byte, len(nodes))
	for i, x := range nodes {
		k, err := s.keyPair(secret)
		if err != nil {
			return nil, nil, nil, err
		}
		secrets[i], keys[i] = pathSecret{x, secret}, k.PublicKey().Bytes()
		g.priv[x] = k
		secret = s.derive(secret, "path")
	}
	l := *old
	l.encKey, l.source, l.parentHash = leafKey.PublicKey().Bytes(), sourceCommit, t.merge(g.me, nodes, copath, keys)
	l.notBefore, l.notAfter = 0, 0
	if leafExts != nil {
		l.exts = leafExts
		caps := *l.caps
		caps.extensions, caps.raw = slices.Clone(caps.extensions), nil
		l.caps = &caps
		for _, x := range leafExts {
			if !l.caps.extension(x.Type) {
				l.caps.extensions = append(l.caps.extensions, x.Type)
			}
		}
	}
	if err := l.sign(g.signer, g.ctx.groupID, g.me); err != nil {
		return nil, nil, nil, err
	}
	t.setLeaf(g.me, &l)
	g.ctx.treeHash = t.rootHash()
	info := labelled("UpdatePathNode", g.ctx.bytes())
	up := &updatePath{leaf: &l, nodes: make([]pathNode, len(nodes))}
	type seal struct {
		to     uint32
		secret []byte
		ct     *ciphertext
	}
	var seals []seal
	for i := range nodes {
		to := a.recipients(copath[i])
		up.nodes[i] = pathNode{keys[i], make([]ciphertext, len(to))}
		for k, x := range to {
			seals = append(seals, seal{x, secrets[i].secret, &up.nodes[i].cts[k]})
		}
	}
	err = t.each.check(len(seals), func(i int) (err error) {
		*seals[i].ct, err = s.encrypt(t.public(seals[i].to), info, seals[i].secret)
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	return up, secrets, secret, nil
}

// recipients is the resolution of a copath node without the members that this commit adds (§7.6).
func (a *applied) recipients(x uint32) []uint32 {
	return slices.DeleteFunc(a.tree.resolve(x, nil), func(y uint32) bool { return y&1 == 0 && a.isAdded[y/2] })
}

// welcome makes the Welcome for the members that the commit adds (§12.4.3.1). g is the new epoch.
func (g *Group) welcome(a *applied, secrets []pathSecret, withoutTree bool) (*welcome, error) {
	s := g.s
	var exts []Extension
	if !withoutTree {
		exts = []Extension{{ExtRatchetTree, g.tree.bytes()}}
	}
	gi, err := g.groupInfo(exts)
	if err != nil {
		return nil, err
	}
	x := &welcome{suite: s.id, secrets: make([]encryptedSecrets, len(a.added))}
	if x.info, err = s.sealInfo(g.es.welcome, gi.bytes()); err != nil {
		return nil, err
	}
	info := labelled("Welcome", x.info)
	return x, g.tree.each.check(len(a.added), func(i int) (err error) {
		j := &a.added[i]
		var w writer
		w.vec(g.es.joiner)
		k := slices.IndexFunc(secrets, func(p pathSecret) bool { return under(p.node, 2*j.leaf) })
		w.opt(k >= 0)
		if k >= 0 {
			w.vec(secrets[k].secret)
		}
		w.sub(func(w *writer) {
			for i := range a.pskIDs {
				a.pskIDs[i].write(w)
			}
		})
		x.secrets[i].ref = j.kp.ref(s)
		x.secrets[i].ct, err = s.encrypt(j.kp.initKey, info, w.b)
		return err
	})
}

func (s *suite) sealInfo(welcomeSecret, plain []byte) ([]byte, error) {
	a, err := s.aead(s.expandLabel(welcomeSecret, "key", nil, s.nk))
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, s.expandLabel(welcomeSecret, "nonce", nil, nonceLen), plain, nil), nil
}
func (s *suite) openInfo(welcomeSecret, sealed []byte) ([]byte, error) {
	a, err := s.aead(s.expandLabel(welcomeSecret, "key", nil, s.nk))
	if err != nil {
		return nil, err
	}
	b, err := a.Open(nil, s.expandLabel(welcomeSecret, "nonce", nil, nonceLen), sealed, nil)
	if err != nil {
		return nil, broken("M-123")
	}
	return b, nil
}
