package mls

import (
	"math/bits"
	"slices"
)

// Tree arithmetic on node indexes (Appendix C): leaf i is node 2i, parents are odd.

func level(x uint32) int    { return bits.TrailingZeros32(^x) }
func left(x uint32) uint32  { return x ^ (1 << (level(x) - 1)) }
func right(x uint32) uint32 { return x ^ (3 << (level(x) - 1)) }
func parentOf(x uint32) uint32 {
	k := level(x)
	b := (x >> (k + 1)) & 1
	return (x | 1<<k) ^ (b << (k + 1))
}
func sibling(x uint32) uint32 {
	p := parentOf(x)
	if x < p {
		return right(p)
	}
	return left(p)
}

// under says whether x is in the subtree of top.
func under(top, x uint32) bool {
	k := level(top)
	return x>>(k+1) == top>>(k+1)
}

// parentNode is ParentNode (§7.1). Once in a tree it never changes, but that the tree which made a
// node alone may add to its unmerged leaves while no other tree shares it.
type parentNode struct {
	owner      *int
	key        []byte
	parentHash []byte
	unmerged   []uint32 // leaf indexes, ascending
}

// node is one place in the tree: at most one of leaf and parent is set; none means blank.
type node struct {
	leaf   *leafNode
	parent *parentNode
	hash   []byte // tree hash of the subtree (§7.8), nil = not known
}

const chunkNodes = 32

type chunk struct {
	owner *int // the tree that may write here
	nodes [chunkNodes]node
	known *digest // nil: not known
}

// tree is a copy-on-write ratchet tree (§7). A clone shares all chunks; whoever writes first
// copies the chunk. Writing a node forgets the hashes up to the root, so two trees that share a
// chunk agree on its hashes, and filling them in is safe for both.
type tree struct {
	s      *suite
	owner  *int
	chunks []*chunk
	n      uint32 // leaves, a power of two
	free   uint32 // no blank leaf below this index
	each   Each   // lent by the caller

	// Of a Cutting alone: subtrees that are known by their hash, and where the next leaves go.
	closed map[uint32]bool
	places []uint32
}

func newTree(s *suite, leaves uint32) *tree {
	t := &tree{s: s, owner: new(int)}
	t.resize(leaves)
	return t
}

// clone takes time proportional to the number of chunks.
func (t *tree) clone() *tree {
	c := *t
	c.chunks = slices.Clone(t.chunks)
	t.owner, c.owner = new(int), new(int) // neither may write what they now share
	return &c
}

// resize sets the number of leaves; new places are blank, places cut off must be blank.
func (t *tree) resize(leaves uint32) {
	k := (2*int(leaves) - 1 + chunkNodes - 1) / chunkNodes
	for len(t.chunks) < k {
		t.chunks = append(t.chunks, &chunk{owner: t.owner})
	}
	t.chunks = t.chunks[:k]
	if old := t.n; leaves < old { // the last chunk may hold nodes that are now outside
		for x := 2*leaves - 1; x < 2*old-1 && int(x/chunkNodes) < k; x++ {
			*t.write(x) = node{}
		}
	}
	t.n = leaves
}
func (t *tree) root() uint32        { return t.n - 1 }
func (t *tree) width() uint32       { return 2*t.n - 1 }
func (t *tree) at(x uint32) *node   { return &t.chunks[x/chunkNodes].nodes[x%chunkNodes] }
func (t *tree) blank(x uint32) bool { n := t.at(x); return n.leaf == nil && n.parent == nil }

// leaf returns the leaf at a leaf index, nil when blank or outside the tree.
func (t *tree) leaf(i uint32) *leafNode {
	if i >= t.n {
		return nil
	}
	return t.at(2 * i).leaf
}

// write returns a node that may be changed.
func (t *tree) write(x uint32) *node {
	c := t.chunks[x/chunkNodes]
	if c.owner != t.owner {
		d := *c
		d.owner = t.owner
		c = &d
		t.chunks[x/chunkNodes] = c
	}
	c.known = nil
	return &c.nodes[x%chunkNodes]
}

// dirty forgets the hashes from a leaf up to the root.
func (t *tree) dirty(leaf uint32) {
	for x := 2 * leaf; ; x = parentOf(x) {
		t.write(x).hash = nil // always: a shared chunk must not receive the other tree's hash later
		if x == t.root() {
			return
		}
	}
}

// path returns the direct path of a leaf, bottom up, without the leaf (§4.1.1).
func (t *tree) path(leaf uint32) []uint32 {
	var p []uint32
	for x := 2 * leaf; x != t.root(); {
		x = parentOf(x)
		p = append(p, x)
	}
	return p
}

// setLeaf puts a leaf in place without touching its path's keys.
func (t *tree) setLeaf(i uint32, l *leafNode) {
	t.write(2 * i).leaf = l
	t.dirty(i)
}

// full says whether there is no place for another leaf (M-045).
func (t *tree) full() bool {
	if t.closed != nil {
		return len(t.places) == 0
	}
	for t.free < t.n && t.at(2*t.free).leaf != nil {
		t.free++
	}
	return t.free == MembersMax
}

// add puts a leaf into the leftmost blank place, growing the tree if need be (§7.7, §12.1.1). The
// tree must not be full.
func (t *tree) add(l *leafNode) uint32 {
	for t.free < t.n && t.at(2*t.free).leaf != nil {
		t.free++
	}
	if t.closed != nil {
		t.free, t.places = t.places[0], t.places[1:]
	}
	i := t.free
	t.free++
	if i == t.n {
		t.resize(2 * t.n)
	}
	t.write(2 * i).leaf = l
	for _, p := range t.path(i) {
		if n := t.at(p).parent; n != nil {
			k, _ := slices.BinarySearch(n.unmerged, i)
			if n.owner != t.owner { // else thousands of adds would copy it thousands of times
				c := *n
				c.owner, c.unmerged = t.owner, slices.Clone(n.unmerged)
				n = &c
			}
			n.unmerged = slices.Insert(n.unmerged, k, i)
			t.write(p).parent = n
		}
	}
	t.dirty(i)
	return i
}
func (t *tree) blankPath(i uint32) {
	for _, p := range t.path(i) {
		if t.at(p).parent != nil {
			t.write(p).parent = nil
		}
	}
	t.dirty(i)
}

// update is §12.1.2, remove §12.1.3 without the truncation, which comes after all removals.
func (t *tree) update(i uint32, l *leafNode) {
	t.write(2 * i).leaf = l
	t.blankPath(i)
}
func (t *tree) remove(i uint32) {
	t.write(2 * i).leaf = nil
	t.blankPath(i)
	t.free = min(t.free, i)
}

// truncate halves the tree while its right half has no leaf (§7.7).
func (t *tree) truncate() {
	n := t.n
	for n > 1 && !t.anyLeaf(n/2, n) {
		n /= 2
	}
	if n != t.n {
		t.resize(n)
	}
	t.free = min(t.free, t.n)
}
func (t *tree) anyLeaf(from, to uint32) bool {
	for i := from; i < to; i++ {
		if t.at(2*i).leaf != nil {
			return true
		}
	}
	for x := range t.closed {
		if i := leftmost(x); i >= from && i < to {
			return true
		}
	}
	return false
}

// resolve appends the resolution of x (§4.1.1).
func (t *tree) resolve(x uint32, o []uint32) []uint32 {
	n := t.at(x)
	switch {
	case n.leaf != nil:
		return append(o, x)
	case n.parent != nil:
		o = append(o, x)
		for _, u := range n.parent.unmerged {
			o = append(o, 2*u)
		}
		return o
	case x&1 == 0:
		return o
	}
	return t.resolve(right(x), t.resolve(left(x), o))
}

// empty says whether the resolution of x is empty.
func (t *tree) empty(x uint32) bool {
	n := t.at(x)
	if n.leaf != nil || n.parent != nil {
		return false
	}
	return x&1 == 0 || t.empty(left(x)) && t.empty(right(x))
}

// filtered returns the filtered direct path of a leaf with the copath node beside each (§4.1.2).
func (t *tree) filtered(leaf uint32) (nodes, copath []uint32) {
	c := 2 * leaf
	for _, p := range t.path(leaf) {
		if s := sibling(c); !t.empty(s) {
			nodes, copath = append(nodes, p), append(copath, s)
		}
		c = p
	}
	return nodes, copath
}

// public returns the encryption key of a node that is not blank.
func (t *tree) public(x uint32) []byte {
	if n := t.at(x); n.leaf != nil {
		return n.leaf.encKey
	} else if n.parent != nil {
		return n.parent.key
	}
	return nil
}

// merge installs the public keys of an update path and returns the parent hash that the
// committer's leaf must carry (§7.5, §7.9).
func (t *tree) merge(leaf uint32, nodes, copath []uint32, keys [][]byte) []byte {
	t.blankPath(leaf)
	ph := []byte{}
	for i := len(nodes) - 1; i >= 0; i-- {
		n := &parentNode{key: keys[i], parentHash: ph}
		t.write(nodes[i]).parent = n
		ph = t.parentHash(n, copath[i])
	}
	return ph
}

// leaves calls f for every member, in order, until it returns false.
func (t *tree) leaves(f func(i uint32, l *leafNode) bool) {
	for i := range t.n {
		if l := t.at(2 * i).leaf; l != nil && !f(i, l) {
			return
		}
	}
}

func (p *parentNode) write(w *writer, drop []uint32) {
	w.vec(p.key)
	w.vec(p.parentHash)
	if len(drop) == 0 {
		w.size(4 * len(p.unmerged))
		for _, u := range p.unmerged {
			w.u32(u)
		}
		return
	}
	n := 0
	for _, u := range p.unmerged {
		if _, ok := slices.BinarySearch(drop, u); !ok {
			n++
		}
	}
	w.size(4 * n)
	for _, u := range p.unmerged {
		if _, ok := slices.BinarySearch(drop, u); !ok {
			w.u32(u)
		}
	}
}

// bytes is the ratchet_tree extension's body (§12.4.3.3).
func (t *tree) bytes() []byte {
	last := uint32(0)
	t.leaves(func(i uint32, _ *leafNode) bool { last = 2 * i; return true })
	var w writer
	w.sub(func(w *writer) {
		for x := range last + 1 {
			n := t.at(x)
			w.opt(n.leaf != nil || n.parent != nil)
			switch {
			case n.leaf != nil:
				w.u8(1)
				w.raw(n.leaf.raw)
			case n.parent != nil:
				w.u8(2)
				n.parent.write(w, nil)
			}
		}
	})
	return w.b
}

// parseTree decodes a ratchet_tree extension and checks its shape; validate does the rest.
func parseTree(s *suite, b []byte) (*tree, error) {
	if len(b) > MessageBytesMax {
		return nil, broken("M-007")
	}
	r := reader{b: b}
	var list []node
	r.each(func(r *reader) {
		var n node
		if r.opt() {
			leaf := len(list)%2 == 0
			switch typ := r.u8(); {
			case typ == 1 && leaf:
				n.leaf = r.leaf()
			case typ == 2 && !leaf:
				n.parent = r.parentNode()
			case typ == 1 || typ == 2:
				r.fail("M-045")
			default:
				r.fail("M-006")
			}
		}
		if len(list) >= 2*MembersMax-1 {
			r.fail("M-045")
			return
		}
		list = append(list, n)
	})
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := refuse(len(list)%2 == 0 || list[len(list)-1].leaf == nil, "M-045"); err != nil {
		return nil, err // the last node must be a leaf that is not blank
	}
	n := uint32(1)
	for 2*n-1 < uint32(len(list)) {
		n *= 2
	}
	t := newTree(s, n)
	for x := range list {
		*t.write(uint32(x)) = list[x]
	}
	return t, nil
}
func (r *reader) parentNode() *parentNode {
	p := &parentNode{key: r.vec(), parentHash: r.vec()}
	u := reader{b: r.vec(), err: r.err}
	if len(u.b)%4 != 0 {
		r.fail("M-002")
		return p
	}
	for len(u.b) > 0 {
		x := u.u32()
		if k := len(p.unmerged); r.refuse(k > 0 && p.unmerged[k-1] >= x, "M-046") {
			return p
		}
		p.unmerged = append(p.unmerged, x)
	}
	return p
}

// find returns the place of a leaf.
func (t *tree) find(want *leafNode) (at uint32, ok bool) {
	t.leaves(func(i uint32, l *leafNode) bool {
		if string(l.raw) == string(want.raw) {
			at, ok = i, true
		}
		return !ok
	})
	return at, ok
}
