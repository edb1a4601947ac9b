package mls

import (
	"crypto/hpke"
	"slices"
	"testing"
)

// forgery is a commit by a member that knows all it should, computes everything right but for what
// is named here, and signs, tags and encrypts the result as it must be. What it changes it changes
// before anything depends on it, so that the rest fits.
type forgery struct {
	list   []item // carried out without being judged; sender and index of those by value are filled in
	noPath bool   // also where one is needed
	path   bool   // also where none is needed

	tree     func(*tree)                  // after the proposals, before the path
	leafKey  hpke.PrivateKey              // of the committer's new leaf
	leaf     func(*leafNode)              // before it is signed
	sign     *Signer                      // of the leaf
	signAt   func(uint32) uint32          // the place that the leaf is signed for
	keys     func(i int, k []byte) []byte // public keys of the path
	nodes    func(*updatePath)            // when all is computed
	treeHash []byte
	props    func([]proposalOrRef) []proposalOrRef
	tag      func([]byte) []byte

	external bool
	init     []byte
	newLeaf  *leafNode
}

// forge makes the commit and the state it leads to, with what a Welcome is made of.
func (g *Group) forge(t *testing.T, f forgery) ([]byte, *Group, *applied) {
	t.Helper()
	s := g.s
	for i := range f.list {
		if q := &f.list[i]; !q.byRef {
			q.sender, q.index = senderMember, g.me
			if f.external {
				q.sender, q.index = senderNewCommit, 0
			}
			q.p.encode()
		}
	}
	a, err := g.apply(f.list)
	if err != nil {
		t.Fatalf("forging: %v", err)
	}
	next := g.successor(a)
	old := g.tree.leaf(g.me)
	if f.external {
		next.me = a.tree.add(f.newLeaf)
		a.isAdded[next.me] = true
		old = f.newLeaf
	}
	c := g.bodyOf(f.list)
	if f.props != nil {
		c.props = f.props(c.props)
	}
	tr := next.tree
	if f.tree != nil {
		f.tree(tr)
	}
	commitSecret := s.zero()
	if !f.noPath && (f.external || f.path || a.needPath || len(f.list) == 0) {
		nodes, copath := tr.filtered(next.me)
		key := f.leafKey
		if key == nil {
			key = must(s.kem.GenerateKey())
		}
		for _, x := range tr.path(next.me) {
			delete(next.priv, x)
		}
		next.priv[2*next.me] = key
		secret := random(s.nh)
		var secrets, keys [][]byte
		for i, x := range nodes {
			k := must(s.keyPair(secret))
			next.priv[x] = k
			pub := k.PublicKey().Bytes()
			if f.keys != nil {
				pub = f.keys(i, pub)
			}
			secrets, keys = append(secrets, secret), append(keys, pub)
			secret = s.derive(secret, "path")
		}
		l := *old
		l.encKey, l.source, l.parentHash = key.PublicKey().Bytes(), sourceCommit, tr.merge(next.me, nodes, copath, keys)
		l.notBefore, l.notAfter = 0, 0
		if f.leaf != nil {
			f.leaf(&l)
		}
		sign, at := g.signer, next.me
		if f.sign != nil {
			sign = f.sign
		}
		if f.signAt != nil {
			at = f.signAt(at)
		}
		if err := l.sign(sign, g.ctx.groupID, at); err != nil {
			t.Fatal(err)
		}
		tr.setLeaf(next.me, &l)
		next.ctx.treeHash = tr.rootHash()
		if f.treeHash != nil {
			next.ctx.treeHash = f.treeHash
		}
		info := labelled("UpdatePathNode", next.ctx.bytes())
		c.path = &updatePath{leaf: &l, nodes: make([]pathNode, len(nodes))}
		for i := range nodes {
			c.path.nodes[i].key = keys[i]
			for _, x := range a.recipients(copath[i]) {
				c.path.nodes[i].cts = append(c.path.nodes[i].cts, must(s.encrypt(tr.public(x), info, secrets[i])))
			}
		}
		commitSecret = secret
		if f.nodes != nil {
			f.nodes(c.path)
		}
	} else {
		next.ctx.treeHash = tr.rootHash()
		if f.treeHash != nil {
			next.ctx.treeHash = f.treeHash
		}
	}
	init := f.init
	m := &authContent{wire: WirePrivate, c: content{g.ctx.groupID, g.ctx.epoch, senderMember, g.me, nil, ContentCommit, nil}}
	if f.external {
		m.wire, m.c.sender, m.c.index = WirePublic, senderNewCommit, 0
	} else {
		init = g.es.init
	}
	var w writer
	c.write(&w)
	m.c.body = w.b
	m.sig = must(g.signer.sign("FramedContentTBS", m.toBeSigned(g.context)))
	next.advance(g.interim, m, init, commitSecret, a.psk)
	m.tag = next.tag
	if f.tag != nil {
		m.tag = f.tag(slices.Clone(m.tag))
	}
	return must(g.frame(m)), next, a
}

// rewelcome is welcome with another GroupInfo, signer or group secrets.
func (g *Group) rewelcome(a *applied, edit func(*groupInfo), sign *Signer, secrets func(*groupSecrets)) *welcome {
	gi := must(g.groupInfo([]Extension{{ExtRatchetTree, g.tree.bytes()}}))
	if edit != nil {
		edit(gi)
	}
	if sign == nil {
		sign = g.signer
	}
	gi.sig = must(sign.sign("GroupInfoTBS", gi.toBeSigned()))
	x := &welcome{suite: g.s.id, info: must(g.s.sealInfo(g.es.welcome, gi.bytes()))}
	for _, j := range a.added {
		gs := &groupSecrets{joiner: g.es.joiner, psks: a.pskIDs}
		if secrets != nil {
			secrets(gs)
		}
		x.secrets = append(x.secrets, encryptedSecrets{j.kp.ref(g.s), must(g.s.encrypt(j.kp.initKey, labelled("Welcome", x.info), gs.rebuilt()))})
	}
	return x
}

// stranger starts an external commit: the group as its GroupInfo shows it, and what is particular
// about such a commit.
func (w *world) stranger(p *person) (*Group, forgery) {
	gi := must(parseMessage(must(w.g[0].GroupInfo(true, true)))).info
	s := suiteOf(gi.ctx.suite)
	ext, _ := findExtension(gi.exts, ExtExternalPub)
	r := reader{b: ext}
	kem, init, err := s.externalSend(r.vec())
	if err != nil {
		w.t.Fatal(err)
	}
	l, _, err := newLeaf(s, p.sign, NewBasic([]byte(p.name)), Lifetime{}, nil, Capabilities{}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	g := &Group{s: s, ctx: gi.ctx, tree: must(gi.verify(s, nil, nil)), me: NoSender, signer: p.sign, interim: s.interimHash(gi.ctx.confirmed, gi.tag)}
	g.context = g.ctx.bytes()
	g.proposals = w.g[0].proposals
	return g, forgery{external: true, init: init, newLeaf: l, list: []item{{p: &proposal{typ: ProposalExternalInit, kem: kem}}}}
}
