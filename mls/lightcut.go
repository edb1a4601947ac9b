package mls

import (
	"bytes"
	"crypto/hpke"
	"math/bits"
	"slices"
)

// A commit without the tree: a light member asks somebody who has it for a Cutting, the tree with
// everything left away, but for hashes, that its commit does not touch. It proves itself by the tree
// hash. What it leaves out the committer cannot check, above all that keys are unique; the members
// with the tree refuse such a commit, and nothing is lost but the attempt.
//
//	cutting = leaves (4) ‖ leaf (4) ‖ removed<V> ‖ places<V> ‖ node     the lists of 4-byte leaf indexes
//	node    = 0 ‖ hash<V> | 1 ‖ optional<LeafNode> | 1 ‖ optional<ParentNode> ‖ node ‖ node
//
// A ParentNode above the leaf that it has the private key of stands without its public key.

// CuttingPlacesMax bounds the adds that one Cutting has room for.
const CuttingPlacesMax = 256

// Cutting cuts the tree down to what a commit by a leaf needs that removes some members and adds up
// to so many. ErrLight: a light member has no tree; ErrNotMember: nobody has one of the indexes;
// ErrArgument: more than CuttingPlacesMax adds, or more than the tree has room for.
func (g *Group) Cutting(leaf uint32, remove []uint32, adds int) ([]byte, error) {
	if g.light != nil {
		return nil, ErrLight
	}
	if adds < 0 || adds > CuttingPlacesMax {
		return nil, ErrArgument
	}
	was, is := g.tree, g.tree.clone()
	open := map[uint32]bool{}
	touch := func(i uint32) { // a leaf and all above it
		if i < was.n {
			open[2*i] = true
			for _, x := range was.path(i) {
				open[x] = true
			}
		}
	}
	touch(leaf)
	for _, i := range append([]uint32{leaf}, remove...) {
		if was.leaf(i) == nil {
			return nil, ErrNotMember
		}
	}
	for _, i := range remove {
		is.remove(i)
		touch(i)
	}
	is.truncate()
	var places []uint32
	for range adds {
		if is.full() {
			return nil, ErrArgument
		}
		i := is.add(was.leaf(leaf))
		places = append(places, i)
		touch(i)
	}
	if is.leaf(leaf) == nil {
		return nil, ErrArgument // it removes itself
	}
	_, copath := is.filtered(leaf)
	for _, x := range copath {
		is.expand(x, func(y uint32) {
			if y < was.width() {
				open[y] = true
			}
		})
	}
	var w writer
	w.u32(was.n)
	w.u32(leaf)
	for _, list := range [][]uint32{remove, places} {
		w.size(4 * len(list))
		for _, i := range list {
			w.u32(i)
		}
	}
	was.cutting(&w, was.root(), leaf, open)
	return w.b, nil
}

// expand calls f for all nodes that finding the resolution of x looks at.
func (t *tree) expand(x uint32, f func(y uint32)) {
	f(x)
	n := t.at(x)
	switch {
	case n.parent != nil:
		for _, u := range n.parent.unmerged {
			for y := 2 * u; y != x; y = parentOf(y) {
				f(y)
			}
		}
	case x&1 == 1:
		for _, y := range []uint32{left(x), right(x)} {
			if !t.empty(y) {
				t.expand(y, f)
			}
		}
	}
}

func (t *tree) cutting(w *writer, x, leaf uint32, open map[uint32]bool) {
	if !open[x] {
		w.u8(0)
		w.vec(t.nodeHash(x))
		return
	}
	w.u8(1)
	n := t.at(x)
	if x&1 == 0 {
		w.opt(n.leaf != nil)
		if n.leaf != nil {
			w.raw(n.leaf.raw)
		}
		return
	}
	w.opt(n.parent != nil)
	if p := n.parent; p != nil {
		if under(x, 2*leaf) && !contains(p.unmerged, leaf) {
			p = &parentNode{parentHash: p.parentHash, unmerged: p.unmerged}
		}
		p.write(w, nil)
	}
	t.cutting(w, left(x), leaf, open)
	t.cutting(w, right(x), leaf, open)
}

// cutTree is a decoded Cutting.
type cutTree struct {
	t       *tree
	leaf    uint32
	removed []uint32
}

func parseCutting(s *suite, priv map[uint32]hpke.PrivateKey, b []byte) (*cutTree, error) {
	r := &reader{b: b}
	n := r.u32()
	c := &cutTree{leaf: r.u32()}
	if bits.OnesCount32(n) != 1 || n > MembersMax || c.leaf >= n {
		r.fail("M-180")
		return nil, r.err
	}
	c.removed = r.indexes(int(n))
	places := r.indexes(CuttingPlacesMax)
	if r.err != nil {
		return nil, r.err
	}
	c.t = newTree(s, n)
	c.t.closed, c.t.places = map[uint32]bool{}, places
	var node func(x uint32)
	node = func(x uint32) {
		at := c.t.write(x)
		switch r.u8() {
		case 0:
			at.hash = r.vec()
			if r.err == nil && !bytes.Equal(at.hash, s.blankHash(x)) {
				c.t.closed[x] = true
			}
		case 1:
			some := r.opt()
			switch {
			case r.err != nil:
			case x&1 == 0 && some:
				at.leaf = r.leaf()
			case x&1 == 1:
				if some {
					at.parent = r.parentNode()
					if k := priv[x]; k != nil && len(at.parent.key) == 0 {
						at.parent.key = k.PublicKey().Bytes()
					}
				}
				node(left(x))
				node(right(x))
			}
		default:
			r.fail("M-006")
		}
	}
	node(c.t.root())
	return c, r.end()
}
func (r *reader) indexes(most int) (list []uint32) {
	b := reader{b: r.vec(), err: r.err}
	if len(b.b)%4 != 0 || len(b.b) > 4*most {
		r.fail("M-180")
		return nil
	}
	for len(b.b) > 0 {
		list = append(list, b.u32())
	}
	return list
}

// CommitLight is Commit by a light member with a Cutting for it in this epoch. Of the options
// Remove is the Cutting's list, Add no longer than it has places, and UsePending cannot be. Proofs
// of the Pending are for those who join by it, for its Next is light as well. ErrArgument: options
// that do not fit the Cutting, or this member is not light; a RuleError: M-180 for the Cutting,
// others as Commit.
func (g *Group) CommitLight(cutting []byte, o CommitOptions) (*Pending, error) {
	if g.light == nil {
		return nil, ErrArgument
	}
	c, err := parseCutting(g.s, g.priv, slices.Clone(cutting))
	if err != nil {
		return nil, err
	}
	t := c.t
	own := t.leaf(g.me)
	if err := refuse(c.leaf != g.me || t.n != g.light.n || own == nil || !bytes.Equal(t.rootHash(), g.ctx.treeHash), "M-180"); err != nil {
		return nil, err
	}
	if o.UsePending || !slices.Equal(o.Remove, c.removed) || len(o.Add) > len(t.places) {
		return nil, ErrArgument
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	p, err := g.commitCut(t, o)
	if err != nil {
		return nil, err
	}
	is := p.Tree.t
	p.Proofs = [][]byte{is.proof(g.me).bytes()}
	for i := range o.Add {
		at := t.places[i]
		p.Next.light.learn(at, is.leaf(at))
		p.Proofs = append(p.Proofs, is.proof(at).bytes())
	}
	return p, nil
}

// commitCut commits on a tree of which some is known by its hash alone, and that was checked.
func (g *Group) commitCut(t *tree, o CommitOptions) (*Pending, error) {
	work := *g
	work.light, work.tree = nil, t
	o.WithoutTree = true
	p, err := work.commit(o)
	if err != nil {
		return nil, err
	}
	next := p.Next
	is := next.tree
	next.light = g.light.clone()
	next.light.n = is.n
	for _, i := range o.Remove {
		next.light.forget(i)
	}
	next.light.known[next.me] = is.leaf(next.me).detach()
	p.Tree = &SavedTree{is}
	next.tree = nil
	next.park()
	return p, nil
}

// check makes sure that a commit with the cutting's removals looks at nothing that it knows by a
// hash alone (M-180): where path secrets are sealed to, and the blank places, from left to right, that
// new leaves come to. Which is the leftmost blank one is for others to know.
func (c *cutTree) check() error {
	t := c.t.clone()
	for _, i := range c.removed {
		if t.leaf(i) == nil || i == c.leaf {
			return broken("M-180")
		}
		t.remove(i)
	}
	t.truncate()
	ok := true
	n := t.n
	for k, i := range c.t.places {
		if k > 0 && i <= c.t.places[k-1] || i > n || i == n && n == MembersMax {
			return broken("M-180")
		}
		if i == n {
			n *= 2
		}
		for x := 2 * i; i < t.n; x = parentOf(x) {
			ok = ok && !t.closed[x]
			if x == t.root() {
				ok = ok && t.leaf(i) == nil
				break
			}
		}
	}
	t.unseen(c.leaf, func(uint32) { ok = false })
	return need(ok, "M-180")
}

// unseen calls f for the nodes known by their hash alone that a commit by a leaf looks at.
func (t *tree) unseen(leaf uint32, f func(x uint32)) {
	var walk func(x uint32)
	walk = func(x uint32) {
		n := t.at(x)
		switch {
		case t.closed[x]:
			f(x)
		case n.parent != nil:
			for _, u := range n.parent.unmerged {
				t.above(u, f)
			}
		case x&1 == 1:
			walk(left(x))
			walk(right(x))
		}
	}
	x := 2 * leaf
	for _, p := range t.path(leaf) {
		walk(sibling(x))
		x = p
	}
}

// above calls f for the node over a leaf that is known by its hash alone, or, where the leaf should be
// there and is not, for the leaf.
func (t *tree) above(leaf uint32, f func(x uint32)) {
	if t.leaf(leaf) != nil {
		return
	}
	for x := 2 * leaf; ; x = parentOf(x) {
		if t.closed[x] {
			f(x)
			return
		}
		if x == t.root() {
			f(2 * leaf)
			return
		}
	}
}
