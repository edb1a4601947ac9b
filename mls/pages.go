package mls

import "bytes"

// Pages: the ratchet tree cut into pieces that can be stored, sent and checked one by one.
//
// A page is a full subtree: its lowest levels with the leaves, or some levels above with the tree
// hashes of what hangs below. A page's name is the tree hash of its root (§7.8), which covers all
// of it and its place in the tree, so pages are shared between epochs and groups without further
// bookkeeping: an equal hash is an equal page, and from the tree hash of the GroupContext down
// every page proves the ones below it. Subtrees without any node are no pages; their hash follows
// from their place and stands as nil.
//
// spec/pages.md has the layout. A bit for each unmerged leaf instead of a list (§7.1) keeps the upper
// pages of the largest trees below a MiB.

// cut says where pages begin and end: the lowest has the levels 0 to first, each further one step
// levels more.
type cut struct {
	id          uint8
	first, step int
}

var (
	// cutWide makes pages of 64 leaves, to be fetched: at most PageBytesMax each.
	cutWide = &cut{1, 6, 6}
	// cutFine makes pages of 8 leaves, to be saved: a commit changes the pages above one leaf.
	cutFine = &cut{2, 3, 3}
)

// PageBytesMax bounds a page of Group.Page in a group whose leaves are at most PageLeafBytesMax
// bytes, in any suite and up to MembersMax. It leaves room to seal a page into 256 KiB.
const (
	PageBytesMax     = 224 << 10
	PageLeafBytesMax = 2048
)

// bottom returns the lowest level of the page whose root has the level.
func (c *cut) bottom(level int) int {
	if level <= c.first {
		return 0
	}
	return level - (level-c.first-1)%c.step
}

// page is one decoded page. nodes are the levels from bottom to the root's, by index.
type page struct {
	cut   *cut
	root  uint32
	nodes []node
	below [][]byte // tree hashes of the subtrees under the nodes; nil without any node
}

func (p *page) bottom() int { return p.cut.bottom(level(p.root)) }

// nodeAt returns the node index of nodes[i]; place is the reverse.
func (p *page) nodeAt(i int) uint32 {
	b := p.bottom()
	return p.root - 1<<level(p.root) + 1<<b + uint32(i)<<b
}
func (p *page) place(x uint32) int { return int((x - p.nodeAt(0)) >> p.bottom()) }

// childAt returns the root of the subtree that below[i] is about.
func (p *page) childAt(i int) uint32 {
	x := p.nodeAt(i &^ 1)
	if i&1 == 0 {
		return left(x)
	}
	return right(x)
}

// newPage makes a page without contents.
func newPage(c *cut, root uint32) *page {
	p := &page{cut: c, root: root}
	n := 1 << (level(root) - p.bottom() + 1)
	p.nodes = make([]node, n-1)
	if p.bottom() > 0 {
		p.below = make([][]byte, n)
	}
	return p
}

// page copies the page with a root out of the tree.
func (t *tree) page(c *cut, root uint32) *page {
	p := newPage(c, root)
	for i := range p.nodes {
		p.nodes[i] = *t.at(p.nodeAt(i))
	}
	for i := range p.below {
		if x := p.childAt(i); t.any(x) {
			p.below[i] = t.nodeHash(x)
		}
	}
	return p
}

// any says whether a subtree has a node that is not blank. Parents have leaves below them, so a
// tree that was checked is not walked far.
func (t *tree) any(x uint32) bool {
	return !t.blank(x) || t.closed[x] || x&1 == 1 && (t.any(left(x)) || t.any(right(x)))
}

func (p *page) bytes() []byte {
	n := 64 + 33*len(p.below)
	for i := range p.nodes {
		if l := p.nodes[i].leaf; l != nil {
			n += len(l.raw)
		} else if q := p.nodes[i].parent; q != nil {
			n += len(q.key) + 48
		}
		n++
	}
	w := writer{make([]byte, 0, n)}
	w.u8(p.cut.id)
	w.u32(p.root)
	for i := range p.nodes {
		switch n := &p.nodes[i]; {
		case n.leaf != nil:
			w.u8(1)
			w.raw(n.leaf.raw)
		case n.parent != nil:
			w.u8(2)
			w.vec(n.parent.key)
			w.vec(n.parent.parentHash)
			x := p.nodeAt(i)
			first := leftmost(x)
			var bits []byte
			if k := len(n.parent.unmerged); k > 0 {
				bits = make([]byte, (n.parent.unmerged[k-1]-first)/8+1)
			}
			for _, u := range n.parent.unmerged {
				bits[(u-first)/8] |= 1 << ((u - first) % 8)
			}
			w.vec(bits)
		default:
			w.u8(0)
		}
	}
	for _, h := range p.below {
		w.vec(h)
	}
	return w.b
}

// leftmost returns the index of the first leaf under x.
func leftmost(x uint32) uint32 { return (x - (1<<level(x) - 1)) / 2 }

// parsePage decodes a page; it accepts the one encoding that bytes makes. The page aliases b.
// Nothing in it is checked yet but its form: compare its hash with one that is known.
func parsePage(s *suite, b []byte) (*page, error) {
	if len(b) > MessageBytesMax {
		return nil, broken("M-007")
	}
	r := &reader{b: b}
	id, root := r.u8(), r.u32()
	c := cutWide
	switch {
	case r.err != nil:
		return nil, r.err
	case id == cutFine.id:
		c = cutFine
	case id != cutWide.id:
		return nil, broken("M-006")
	}
	if root >= 2*MembersMax-1 {
		return nil, broken("M-045")
	}
	if len(r.b) < 1<<(level(root)-c.bottom(level(root))+1)-1 { // a byte for each node at least
		return nil, broken("M-002")
	}
	p := newPage(c, root)
	some := false
	for i := range p.nodes {
		x := p.nodeAt(i)
		switch kind := r.u8(); {
		case kind == 0:
			continue
		case kind == 1 && x&1 == 0:
			p.nodes[i].leaf = r.leaf()
		case kind == 2 && x&1 == 1:
			p.nodes[i].parent = r.pageParent(x)
		default:
			r.fail("M-006")
		}
		some = true
		if r.err != nil {
			return nil, r.err
		}
	}
	for i := range p.below {
		if h := r.vec(); len(h) > 0 {
			if len(h) != s.nh {
				r.fail("M-002")
			}
			p.below[i], some = h, true
		}
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return p, need(some, "M-045")
}

func (r *reader) pageParent(x uint32) *parentNode {
	p := &parentNode{key: r.vec(), parentHash: r.vec()}
	bits := r.vec()
	if n := len(bits); n > 0 && (bits[n-1] == 0 || n > (1<<level(x)+7)/8) {
		r.fail("M-046")
		return p
	}
	for i, b := range bits {
		for k := range 8 {
			if b>>k&1 == 0 {
				continue
			}
			u := leftmost(x) + uint32(8*i+k)
			if !under(x, 2*u) {
				r.fail("M-043")
				return p
			}
			p.unmerged = append(p.unmerged, u)
		}
	}
	return p
}

// hash returns the tree hash of the page's root, computed from the page alone, and keeps the
// hashes of the nodes on the way.
func (p *page) hash(s *suite) []byte { return p.hashAt(s, p.root) }

func (p *page) hashAt(s *suite, x uint32) []byte {
	i := p.place(x)
	n := &p.nodes[i]
	switch {
	case n.hash != nil:
	case x&1 == 0:
		n.hash = s.hashLeaf(x, n.leaf)
	case level(x) == p.bottom():
		n.hash = s.hashParent(n.parent, p.belowHash(s, i), p.belowHash(s, i+1), nil)
	default:
		n.hash = s.hashParent(n.parent, p.hashAt(s, left(x)), p.hashAt(s, right(x)), nil)
	}
	return n.hash
}
func (p *page) belowHash(s *suite, i int) []byte {
	if p.below[i] != nil {
		return p.below[i]
	}
	return s.blankHash(p.childAt(i))
}

// blankHash is the tree hash of a subtree without any node.
func (s *suite) blankHash(x uint32) []byte {
	if x&1 == 0 {
		return s.hashLeaf(x, nil)
	}
	return s.hashParent(nil, s.blankHash(left(x)), s.blankHash(right(x)), nil)
}

// put lays the page's nodes into a tree that is wide enough. hash must have been called.
func (p *page) put(t *tree) {
	for i := range p.nodes {
		if n := &p.nodes[i]; n.leaf != nil || n.parent != nil || n.hash != nil {
			*t.write(p.nodeAt(i)) = *n
		}
	}
}

// pageRoots calls f for the root of every page of a subtree, from the top down, as long as f
// returns true; where it returns false nothing below is looked at. Blank subtrees are passed over.
func (t *tree) pageRoots(c *cut, x uint32, f func(root uint32) bool) {
	if !t.any(x) || !f(x) {
		return
	}
	p := page{cut: c, root: x}
	if p.bottom() == 0 {
		return
	}
	for i := range 1 << (level(x) - p.bottom() + 1) {
		t.pageRoots(c, p.childAt(i), f)
	}
}

// treeOfPages builds the tree of n leaves with a tree hash. get returns a page by the tree hash of
// its root, nil when there is none. ErrState: a page is missing, damaged or another one, or they
// make no tree.
func treeOfPages(s *suite, c *cut, n uint32, hash []byte, get func(hash []byte) []byte) (*tree, error) {
	if n == 0 || n&(n-1) != 0 || n > MembersMax {
		return nil, ErrState
	}
	t := newTree(s, n)
	var caps *capabilities // shared across pages, too
	var load func(x uint32, hash []byte) error
	load = func(x uint32, hash []byte) error {
		p, err := parsePage(s, bytes.Clone(get(hash)))
		if err != nil || p.cut != c || p.root != x || !bytes.Equal(p.hash(s), hash) {
			return ErrState
		}
		for i := range p.nodes {
			if l := p.nodes[i].leaf; l != nil {
				if caps == nil || !bytes.Equal(l.caps.raw, caps.raw) {
					caps = l.caps
				}
				l.caps = caps
			}
		}
		p.put(t)
		for i, h := range p.below {
			if h != nil {
				if err := load(p.childAt(i), h); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := load(t.root(), hash); err != nil {
		return nil, err
	}
	if n > 1 && !t.anyLeaf(n/2, n) {
		return nil, ErrState // it would have been cut in half (§7.7)
	}
	return t, nil
}

// pageRoot returns the root of page i. Pages count from the leaves up: the first hold 64 leaves
// each, in order, those above follow, and the last has the root of the tree.
func (t *tree) pageRoot(i int) uint32 {
	top := level(t.root())
	for k := cutWide.first; ; k += cutWide.step {
		if k >= top {
			return t.root()
		}
		if n := int(t.n) >> k; i < n {
			return uint32(i)<<(k+1) + 1<<k - 1
		} else {
			i -= n
		}
	}
}

// PageCount returns how many pages the ratchet tree has: see Page. A light member has none.
func (g *Group) PageCount() int {
	if g.light != nil {
		return 0
	}
	n, top := 1, level(g.tree.root())
	for k := cutWide.first; k < top; k += cutWide.step {
		n += int(g.tree.n) >> k
	}
	return n
}

// Page returns page i of the ratchet tree, nil where the tree has no node. Page i holds the leaves
// 64·i to 64·i+63 while there are such; the pages of what stands above follow, the last holds the
// tree's root. i must be below PageCount. PageBytesMax bounds it.
func (g *Group) Page(i int) []byte {
	x := g.tree.pageRoot(i)
	if !g.tree.any(x) {
		return nil
	}
	return g.tree.page(cutWide, x).bytes()
}

// PageHashes returns the tree hash of each page's root, nil where Page is nil. A page with the same
// hash is the same page, in any epoch. The last one is TreeHash.
func (g *Group) PageHashes() [][]byte {
	o := make([][]byte, g.PageCount())
	for i := range o {
		if x := g.tree.pageRoot(i); g.tree.any(x) {
			o[i] = bytes.Clone(g.tree.nodeHash(x))
		}
	}
	return o
}
