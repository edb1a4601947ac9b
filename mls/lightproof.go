package mls

import (
	"bytes"
	"crypto/hpke"
	"math/bits"
	"slices"
)

// proof is a MembershipProof: the nodes from a leaf up to the root, and the hashes beside them.
type proof struct {
	leaf, n uint32
	l       *leafNode
	nodes   []*parentNode // bottom up, nil = blank
	copath  [][]byte
}

// proof makes the proof of a leaf that is not blank.
func (t *tree) proof(leaf uint32) *proof {
	p := &proof{leaf: leaf, n: t.n, l: t.leaf(leaf)}
	c := 2 * leaf
	for _, x := range t.path(leaf) {
		p.nodes = append(p.nodes, t.at(x).parent)
		p.copath = append(p.copath, t.nodeHash(sibling(c)))
		c = x
	}
	return p
}

// Proof proves to light members that a leaf is in the tree of this epoch. It is some KiB: 13 hashes
// and what keys there are on the way up at 5,000 members. ErrLight: a light member makes none;
// ErrNotMember: nobody has the index.
func (g *Group) Proof(leaf uint32) ([]byte, error) {
	if g.light != nil {
		return nil, ErrLight
	}
	if g.tree.leaf(leaf) == nil {
		return nil, ErrNotMember
	}
	return g.tree.proof(leaf).bytes(), nil
}

// Learn takes a Proof of this epoch, from whomever, and knows that member from then on. It is an
// error of rules M-160 and M-161 when the proof is not one; a full member has nothing to learn.
func (g *Group) Learn(b []byte) error {
	p, err := parseProof(slices.Clone(b))
	if err != nil || g.light == nil {
		return err
	}
	if err := p.check(g.s, &g.ctx); err != nil {
		return err
	}
	if p.n != g.light.n {
		return broken("M-161")
	}
	if p.leaf != g.me {
		g.light.learn(p.leaf, p.l)
	}
	return nil
}

func (p *proof) bytes() []byte {
	var w writer
	w.proof(p)
	return w.b
}
func (w *writer) proof(p *proof) {
	w.u32(p.leaf)
	w.u32(p.n)
	w.sub(func(w *writer) {
		w.u16(0x0101) // present, a leaf
		w.raw(p.l.raw)
		for _, n := range p.nodes {
			w.opt(n != nil)
			if n != nil {
				w.u8(2)
				n.write(w, nil)
			}
		}
	})
	w.sub(func(w *writer) {
		for _, h := range p.copath {
			w.vec(h)
		}
	})
}

// proof reads a MembershipProof and checks its shape (M-160).
func (r *reader) proof() *proof {
	p := &proof{leaf: r.u32(), n: r.u32()}
	r.each(func(r *reader) {
		switch {
		case p.l == nil:
			if r.u16() != 0x0101 {
				r.fail("M-160")
				return
			}
			p.l = r.leaf()
		case len(p.nodes) == 16: // no tree is deeper
			r.fail("M-160")
		case !r.opt():
			p.nodes = append(p.nodes, nil)
		case r.u8() != 2:
			r.fail("M-160")
		default:
			p.nodes = append(p.nodes, r.parentNode())
		}
	})
	r.each(func(r *reader) {
		if p.copath = append(p.copath, r.vec()); len(p.copath) > 16 {
			r.fail("M-160")
		}
	})
	if r.err == nil && (bits.OnesCount32(p.n) != 1 || p.n > MembersMax || p.leaf >= p.n || p.l == nil ||
		1<<len(p.nodes) != p.n || len(p.copath) != len(p.nodes)) {
		r.fail("M-160")
	}
	return p
}
func parseProof(b []byte) (*proof, error) {
	r := reader{b: b}
	p := r.proof()
	return p, r.end()
}

// path returns the node indexes above the leaf, bottom up.
func (p *proof) path() []uint32 {
	t := tree{n: p.n}
	return t.path(p.leaf)
}

// root is the tree hash that the proof leads to.
func (p *proof) root(s *suite) []byte {
	x := 2 * p.leaf
	h := s.hashLeaf(x, p.l)
	for i, y := range p.path() {
		if x < y {
			h = s.hashParent(p.nodes[i], h, p.copath[i], nil)
		} else {
			h = s.hashParent(p.nodes[i], p.copath[i], h, nil)
		}
		x = y
	}
	return h
}

// check compares the proof with an epoch's tree hash (M-161). That the leaf is a good one was for
// whoever has the tree to check; its signature is checked again, for it is what names the member.
func (p *proof) check(s *suite, ctx *groupContext) error {
	if err := refuse(!bytes.Equal(p.root(s), ctx.treeHash), "M-161"); err != nil {
		return err
	}
	if err := p.l.check(s); err != nil {
		return err
	}
	return need(p.l.signedBy(s, ctx.groupID, p.leaf), "M-021")
}

// install derives the keys that a path secret of another leaf's path leads to, from where the two
// paths meet, checks them against the proof's nodes and returns the commit secret. Above a commit's
// leaf the nodes that are not blank are its filtered direct path (§4.1.2).
func (p *proof) install(s *suite, priv map[uint32]hpke.PrivateKey, from uint32, secret []byte) ([]byte, error) {
	first := true
	for i, x := range p.path() {
		if !under(x, 2*from) {
			continue
		}
		n := p.nodes[i]
		if n == nil {
			if first {
				return nil, broken("M-107")
			}
			continue
		}
		first = false
		key, err := s.keyPair(secret)
		if err != nil || !bytes.Equal(key.PublicKey().Bytes(), n.key) {
			return nil, broken("M-107")
		}
		priv[x] = key
		secret = s.derive(secret, "path")
	}
	return secret, need(!first, "M-107")
}
