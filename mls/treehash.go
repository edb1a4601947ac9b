package mls

import (
	"bytes"
	"slices"
)

// Tree hashes (§7.8) and parent hashes (§7.9).

func (s *suite) hashLeaf(x uint32, l *leafNode) []byte {
	n := 8
	if l != nil {
		n += len(l.raw)
	}
	w := writer{make([]byte, 0, n)}
	w.u8(1)
	w.u32(x / 2)
	w.opt(l != nil)
	if l != nil {
		w.raw(l.raw)
	}
	return s.sum(w.b)
}
func (s *suite) hashParent(p *parentNode, l, r []byte, drop []uint32) []byte {
	var w writer
	w.u8(2)
	w.opt(p != nil)
	if p != nil {
		p.write(&w, drop)
	}
	w.vec(l)
	w.vec(r)
	return s.sum(w.b)
}

// nodeHash returns the tree hash of a subtree, computing what is not known yet.
func (t *tree) nodeHash(x uint32) []byte {
	n := t.at(x)
	if n.hash != nil {
		return n.hash
	}
	var h []byte
	if x&1 == 0 {
		h = t.s.hashLeaf(x, n.leaf)
	} else {
		h = t.s.hashParent(n.parent, t.nodeHash(left(x)), t.nodeHash(right(x)), nil)
	}
	n.hash = h
	return h
}
func (t *tree) rootHash() []byte {
	if t.each != nil && t.n > 1<<grain && t.at(t.root()).hash == nil {
		t.each(int(t.n)>>grain, func(i int) { t.nodeHash(uint32(i)<<(grain+1) + 1<<grain - 1) })
	}
	return t.nodeHash(t.root())
}

// hashWithout is the tree hash of x as if the leaves in drop (ascending) were blank and not
// unmerged anywhere: the "original sibling tree hash" of §7.9.
func (t *tree) hashWithout(x uint32, drop []uint32) []byte {
	k := level(x)
	lo, hi := x>>(k+1)<<k, (x>>(k+1)+1)<<k // leaf indexes of the subtree
	i, _ := slices.BinarySearch(drop, lo)
	j, _ := slices.BinarySearch(drop, hi)
	if i == j {
		return t.nodeHash(x)
	}
	d := drop[i:j]
	if x&1 == 0 {
		return t.s.hashLeaf(x, nil)
	}
	return t.s.hashParent(t.at(x).parent, t.hashWithout(left(x), d), t.hashWithout(right(x), d), d)
}

// parentHash is ParentHashInput of p hashed, with the given node as the sibling.
func (t *tree) parentHash(p *parentNode, sibling uint32) []byte {
	var w writer
	w.vec(p.key)
	w.vec(p.parentHash)
	w.vec(t.hashWithout(sibling, p.unmerged))
	return t.s.sum(w.b)
}

// checkParentHashes: every parent is linked to by exactly one node below it (§7.9.2, M-041).
func (t *tree) checkParentHashes() error {
	return t.eachSubtree(t.checkParentHash)
}
func (t *tree) checkParentHash(x uint32) error {
	p := t.at(x).parent
	return refuse(p != nil && !t.linked(p, left(x), right(x)) && !t.linked(p, right(x), left(x)), "M-041")
}

// linked says whether a node in the resolution of child carries p's parent hash, and the rest of
// that resolution is exactly p's unmerged leaves below child.
func (t *tree) linked(p *parentNode, child, sib uint32) bool {
	lo, _ := slices.BinarySearch(p.unmerged, leftmost(child))
	hi, _ := slices.BinarySearch(p.unmerged, leftmost(child)+1<<level(child))
	in := p.unmerged[lo:hi]
	// One node more than those is all the resolution may have: a longer one is not looked at.
	res := t.resolveMost(child, len(in)+1, nil)
	if len(res) != len(in)+1 {
		return false
	}
	k := slices.IndexFunc(res, func(x uint32) bool { return x&1 == 1 || !contains(in, x/2) })
	if k < 0 || slices.ContainsFunc(res[k+1:], func(x uint32) bool { return x&1 == 1 || !contains(in, x/2) }) {
		return false
	}
	var ph []byte
	if n := t.at(res[k]); n.leaf != nil {
		ph = n.leaf.parentHash
	} else {
		ph = n.parent.parentHash
	}
	return len(ph) > 0 && bytes.Equal(ph, t.parentHash(p, sib))
}
func contains(sorted []uint32, u uint32) bool {
	_, ok := slices.BinarySearch(sorted, u)
	return ok
}

// resolveMost is resolve for a resolution of at most so many nodes; of a longer one it returns
// some more than that.
func (t *tree) resolveMost(x uint32, most int, o []uint32) []uint32 {
	switch n := t.at(x); {
	case len(o) > most:
	case n.leaf != nil || n.parent != nil:
		o = t.resolve(x, o)
	case x&1 == 1:
		o = t.resolveMost(right(x), most, t.resolveMost(left(x), most, o))
	}
	return o
}

// grain is the level of the subtrees that are worth giving to an Each.
const grain = 5

// eachSubtree calls f for the parents of the tree; it returns the error of the first that has one.
// All tree hashes must be known.
func (t *tree) eachSubtree(f func(x uint32) error) error {
	const width = 2 << grain
	return t.each.check(int(t.width())/width+1, func(i int) error {
		for x := uint32(i)*width + 1; x < min(t.width(), uint32(i+1)*width); x += 2 {
			if err := f(x); err != nil {
				return err
			}
		}
		return nil
	})
}

// validate is what a joiner checks of a whole tree (§12.4.3.1).
func (t *tree) validate(ctx *groupContext) error {
	if err := refuse(!bytes.Equal(t.rootHash(), ctx.treeHash), "M-040"); err != nil {
		return err
	}
	if err := t.checkUnmerged(); err != nil {
		return err
	}
	if err := t.checkParentHashes(); err != nil {
		return err
	}
	if err := t.checkUnique(); err != nil {
		return err
	}
	signed := t.allSigned(ctx.groupID)
	err := t.each.check(int(t.n), func(i int) error {
		l := t.leaf(uint32(i))
		if l == nil {
			return nil
		}
		if err := l.check(t.s); err != nil || signed {
			return err
		}
		return need(l.signedBy(t.s, ctx.groupID, uint32(i)), "M-021")
	})
	if err != nil {
		return err
	}
	return t.checkSupport(ctx.exts, nil)
}

// allSigned says that every leaf's signature is good; false, that they are to be looked at.
func (t *tree) allSigned(groupID []byte) bool {
	var list []uint32
	t.leaves(func(i uint32, _ *leafNode) bool { list = append(list, i); return true })
	return t.s.allGood(len(list), func(k int) vouched {
		return t.leaf(list[k]).vouched(groupID, list[k])
	}, t.each)
}

// checkUnmerged: unmerged leaves are members below the parent, and unmerged at every parent in
// between (§12.4.3.1, M-043).
func (t *tree) checkUnmerged() error {
	return t.eachSubtree(t.checkUnmergedAt)
}
func (t *tree) checkUnmergedAt(x uint32) error {
	p := t.at(x).parent
	if p == nil {
		return nil
	}
	if err := refuse(!t.s.goodKey(p.key), "M-015"); err != nil {
		return err
	}
	for _, u := range p.unmerged {
		if u >= t.n || !under(x, 2*u) || t.at(2*u).leaf == nil {
			if err := refuse(true, "M-043"); err != nil {
				return err
			}
			continue
		}
		for y := parentOf(2 * u); y != x; y = parentOf(y) {
			if q := t.at(y).parent; q != nil {
				if _, ok := slices.BinarySearch(q.unmerged, u); fails(!ok, "M-043") {
					return broken("M-043")
				}
			}
		}
	}
	return nil
}

// checkUnique: no two members share a signature key (M-027) and no two nodes an encryption key
// (M-028, M-044).
func (t *tree) checkUnique() error {
	// The first bytes of the keys tell almost always; an equal start makes us look at all of them.
	heads := make(map[uint64]bool, 3*t.n)
	twice := false
	add := func(k []byte) { h := keyHead(k); twice = twice || heads[h]; heads[h] = true }
	for x := uint32(0); x < t.width() && !twice; x++ {
		switch n := t.at(x); {
		case n.leaf != nil:
			add(n.leaf.sigKey)
			add(n.leaf.encKey)
		case n.parent != nil:
			add(n.parent.key)
		}
	}
	if !twice {
		return nil
	}
	sig := make(map[string]struct{}, t.n)
	enc := make(map[string]struct{}, t.n)
	fresh := func(m map[string]struct{}, k []byte) bool {
		_, dup := m[string(k)]
		m[string(k)] = struct{}{}
		return !dup
	}
	for x := range t.width() {
		switch n := t.at(x); {
		case n.leaf != nil:
			if err := refuse(!fresh(sig, n.leaf.sigKey), "M-027"); err != nil {
				return err
			}
			if err := refuse(!fresh(enc, n.leaf.encKey), "M-028"); err != nil {
				return err
			}
		case n.parent != nil:
			if err := refuse(!fresh(enc, n.parent.key), "M-044"); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSupport: what the group uses is supported by everyone who is in it: required capabilities
// (M-022), GroupContext extensions (M-031), credential types in use (M-023). With changed nil all
// leaves are checked against each other; otherwise only those leaves are new and the others are
// known to fit together.
func (t *tree) checkSupport(exts []Extension, changed []uint32) error {
	req, err := requiredOf(exts)
	if err != nil {
		return err
	}
	one := func(l *leafNode) error {
		if err := refuse(!req.metBy(l.caps), "M-022"); err != nil {
			return err
		}
		for _, x := range exts {
			if err := refuse(!l.caps.extension(x.Type), "M-031"); err != nil {
				return err
			}
		}
		return nil
	}
	inUse := t.credentialTypes()
	var added []uint16
	isNew := map[uint32]bool{}
	for _, i := range changed {
		isNew[i] = true
		added = addType(added, t.leaf(i).cred.typ)
	}
	look := t.leaves
	if changed != nil && len(inUse) == 1 { // the others support what all of them are
		look = func(f func(uint32, *leafNode) bool) {
			for _, i := range changed {
				if !f(i, t.leaf(i)) {
					return
				}
			}
		}
	}
	look(func(i uint32, l *leafNode) bool {
		types := added
		if changed == nil || isNew[i] {
			types = inUse
			if err = one(l); err != nil {
				return false
			}
		}
		for _, c := range types {
			if err = need(l.caps.credential(c), "M-023"); err != nil {
				return false
			}
		}
		return true
	})
	return err
}
