package mls

import (
	"bytes"
	"math/bits"
	"slices"
	"sort"
)

// Sliced commits: in a group with the extension ExtSliced a commit carries hashes in place of the
// keys and ciphertexts of its path. Those lie beside it as one blob, of which each member reads the
// piece that is for it. This is not RFC 9420, and only large groups should use it. spec/slices.md
// has the layout, the argument and what an observer sees; rules M-170 to M-178 are about it.

// ExtSliced is the GroupContext extension that makes a group's commits sliced from the next epoch
// on. The number is private; its data are empty.
const ExtSliced uint16 = 0xf0a3

// Sliced says whether commits of this epoch are sliced.
func (g *Group) Sliced() bool { _, ok := findExtension(g.ctx.exts, ExtSliced); return ok }

// Slices is what lies beside a sliced commit. All of it is sealed under keys of the epoch that the
// commit ends. Keys is for members with the tree, Proof for light members that do not know the
// committer, Body is Count pieces of Size bytes. A commit without path has only a Proof.
type Slices struct {
	Keys, Proof, Body []byte
	Size, Count       int
}

// Blob is Keys, Proof and Body one after the other; NeedSlice names ranges of it.
func (s *Slices) Blob() []byte { return slices.Concat(s.Keys, s.Proof, s.Body) }

// Range is Len bytes from Off on; nothing where Len is 0.
type Range struct{ Off, Len int }

// NeedSlice is the error of Process for a commit that needs pieces of its Slices: read the ranges
// and come again with ProcessSliced. Nothing was used up. Where all readers of a short blob read it
// whole, nobody sees who read which slice.
type NeedSlice struct {
	Keys, Proof, Slice Range
	Total              int // bytes of the blob
}

func (*NeedSlice) Error() string { return "mls: needs slices of the commit" }

// SliceParts are the pieces that NeedSlice named.
type SliceParts struct{ Keys, Proof, Slice []byte }

// Cut takes the pieces out of a whole blob; they are empty where it is too short.
func (n *NeedSlice) Cut(blob []byte) SliceParts {
	cut := func(r Range) []byte {
		if r.Off > len(blob) || r.Len > len(blob)-r.Off {
			return nil
		}
		return blob[r.Off : r.Off+r.Len]
	}
	return SliceParts{cut(n.Keys), cut(n.Proof), cut(n.Slice)}
}

// sliceTail is what a sliced commit says of the epoch it leads to.
type sliceTail struct {
	hash   []byte // tree hash
	leaves uint32
	added  runs   // node indexes of the added leaves
	seed   []byte // of the keys of the Slices
	proof  uint32 // bytes of Slices.Proof
}

// slicedPath is a path without its keys and ciphertexts.
type slicedPath struct {
	committer uint32 // leaf index in the next epoch
	levels    uint32 // bit k is set when the path has a node of level k+1
	keys      []byte // hash of the new keys
	to        runs   // the nodes that the path secrets are sealed to: one slice each
	root      []byte // of the Merkle tree over the slices
}

const (
	seedLen = 16
	maxKeys = 16 // no tree is deeper
)

// runs is an ascending list of node indexes, most of which are two apart as neighbouring leaves are.
type runs []run
type run struct{ first, n uint32 }

func runsOf(nodes []uint32) (o runs) {
	for _, x := range nodes {
		if k := len(o) - 1; k >= 0 && o[k].first+2*o[k].n == x {
			o[k].n++
		} else {
			o = append(o, run{x, 1})
		}
	}
	return o
}
func (o runs) count() (n int) {
	for _, r := range o {
		n += int(r.n)
	}
	return n
}

// rank returns the place of a node in the list.
func (o runs) rank(x uint32) (uint32, bool) {
	n := uint32(0)
	for _, r := range o {
		if x >= r.first && x < r.first+2*r.n && (x-r.first)%2 == 0 {
			return n + (x-r.first)/2, true
		}
		n += r.n
	}
	return 0, false
}
func (o runs) nodes() (list []uint32) {
	for _, r := range o {
		for i := range r.n {
			list = append(list, r.first+2*i)
		}
	}
	return list
}

// runs writes for each run the distance from the end of the one before, and its length.
func (w *writer) runs(o runs) {
	w.sub(func(w *writer) {
		at := uint32(0)
		for _, r := range o {
			w.size(int(r.first - at))
			w.size(int(r.n))
			at = r.first + 2*r.n - 2
		}
	})
}
func (r *reader) runs() (o runs) {
	at, total := 0, 0
	r.each(func(r *reader) {
		d, n := r.size(), r.size()
		first := at + d
		at = first + 2*n - 2
		total += n
		if n < 1 || total > MembersMax || at >= 2*MembersMax || len(o) > 0 && (d == 0 || d == 2) { // one form only
			r.fail("M-178")
			return
		}
		o = append(o, run{uint32(first), uint32(n)})
	})
	return o
}

func (w *writer) sliceTail(t *sliceTail) {
	w.vec(t.hash)
	w.u32(t.leaves)
	w.runs(t.added)
	w.raw(t.seed)
	w.u32(t.proof)
}
func (r *reader) sliceTail() *sliceTail {
	t := &sliceTail{r.vec(), r.u32(), r.runs(), r.take(seedLen), r.u32()}
	if bits.OnesCount32(t.leaves) != 1 || t.leaves > MembersMax || t.proof > 1<<20 {
		r.fail("M-178")
	}
	return t
}
func (w *writer) slicedPath(u *updatePath) {
	w.raw(u.leaf.raw)
	p := u.sliced
	w.u32(p.committer)
	w.u32(p.levels)
	w.vec(p.keys)
	w.runs(p.to)
	w.vec(p.root)
}
func (r *reader) slicedPath() *updatePath {
	u := &updatePath{leaf: r.leaf(), sliced: &slicedPath{r.u32(), r.u32(), r.vec(), r.runs(), r.vec()}}
	if p := u.sliced; p.committer >= MembersMax || p.levels >= 1<<maxKeys {
		r.fail("M-178")
	}
	return u
}

// slice turns a commit that is being made into a sliced one. g is the epoch it ends, next the one it
// leads to; init is the external init secret of a join from outside.
func (g *Group) slice(next *Group, a *applied, c *commitBody, init []byte) (*Slices, error) {
	s := g.s
	c.sliced = &sliceTail{hash: next.ctx.treeHash, leaves: next.tree.n, added: addedRuns(a, next.me, init != nil), seed: random(seedLen)}
	k := g.sliceKeys(c.sliced.seed, init)
	out := &Slices{}
	var err error
	if init == nil {
		if out.Proof, err = k.seal(partProof, 0, g.tree.proof(g.me).bytes()); err != nil {
			return nil, err
		}
		c.sliced.proof = uint32(len(out.Proof))
	}
	if c.path == nil {
		return out, nil
	}
	p := &slicedPath{committer: next.me}
	c.path.sliced = p
	type piece struct {
		to uint32
		ct *ciphertext
	}
	var pieces []piece
	var keys writer
	nodes, copath := next.tree.filtered(next.me)
	for i, x := range nodes {
		p.levels |= 1 << (level(x) - 1)
		keys.vec(c.path.nodes[i].key)
		for j, y := range a.recipients(copath[i]) {
			pieces = append(pieces, piece{y, &c.path.nodes[i].cts[j]})
		}
	}
	p.keys = s.sum(keys.b)
	if out.Keys, err = k.seal(partKeys, 0, keys.b); err != nil {
		return nil, err
	}
	sort.Slice(pieces, func(i, j int) bool { return pieces[i].to < pieces[j].to })
	out.Count, out.Size = len(pieces), s.sliceSize(len(pieces))
	to := make([]uint32, len(pieces))
	hashes := make([][]byte, len(pieces))
	for i := range pieces {
		to[i], hashes[i] = pieces[i].to, s.sliceHash(uint32(i), pieces[i].ct)
	}
	p.to = runsOf(to)
	rows := s.merkle(hashes)
	p.root = s.zero()
	if len(pieces) > 0 {
		p.root = rows[len(rows)-1][0]
	}
	out.Body = make([]byte, out.Count*out.Size)
	order := k.order(len(pieces))
	for i := range pieces {
		var w writer
		pieces[i].ct.write(&w)
		for j, row := 0, i; j < depth(len(pieces)); j, row = j+1, row/2 {
			h := s.zero()
			if row^1 < len(rows[j]) {
				h = rows[j][row^1]
			}
			w.raw(h)
		}
		b, err := k.seal(partSlice, order[i], w.b)
		if err != nil {
			return nil, err
		}
		if copy(out.Body[int(order[i])*out.Size:], b) != len(b) || len(b) != out.Size {
			return nil, ErrArgument // unreachable: every ciphertext of a suite is of one size
		}
	}
	c.path.nodes = nil
	return out, nil
}

func addedRuns(a *applied, me uint32, external bool) runs {
	var nodes []uint32
	for _, j := range a.added {
		nodes = append(nodes, 2*j.leaf)
	}
	if external {
		nodes = append(nodes, 2*me)
	}
	return runsOf(nodes)
}

// ownSlice returns which of a path's slices is for this member, and the node it is sealed to.
func (g *Group) ownSlice(p *slicedPath) (rank, node uint32, err error) {
	if rank, ok := p.to.rank(2 * g.me); ok {
		return rank, 2 * g.me, nil
	}
	for x := parentOf(2 * g.me); !under(x, 2*p.committer); x = parentOf(x) {
		if rank, ok := p.to.rank(x); ok {
			return rank, x, nil
		}
	}
	return 0, 0, broken("M-107")
}

// needs says which parts of its Slices a commit needs here; nil if none.
func (g *Group) needs(c *commitBody, k sliceKeys, proof, out bool) (*NeedSlice, error) {
	n := &NeedSlice{Total: int(c.sliced.proof)}
	if proof {
		n.Proof = Range{0, int(c.sliced.proof)}
	}
	if c.path != nil {
		keys := c.path.keysSize()
		count := c.path.sliced.to.count()
		size := g.s.sliceSize(count)
		n.Total += keys + count*size
		n.Proof.Off += keys
		if !out {
			rank, _, err := g.ownSlice(c.path.sliced)
			if err != nil {
				return nil, err
			}
			if g.light == nil {
				n.Keys = Range{0, keys}
			}
			n.Slice = Range{keys + int(c.sliced.proof) + int(k.order(count)[rank])*size, size}
		}
	}
	if n.Keys.Len+n.Proof.Len+n.Slice.Len == 0 {
		return nil, nil
	}
	return n, nil
}

// ask is the error that asks for parts of the Slices unless they were given.
func (g *Group) ask(c *commitBody, k sliceKeys, proof, out bool, parts *SliceParts) error {
	if parts != nil && (c.path == nil || out || parts.Slice != nil && (parts.Keys != nil || g.light != nil)) && (!proof || parts.Proof != nil) {
		return nil // without a shuffle
	}
	n, err := g.needs(c, k, proof, out)
	if err != nil || n == nil {
		return err
	}
	return n
}

// introduce gets to know the committer of a sliced commit by the proof in its Slices. The commit's
// signature is not checked yet; the proof is.
func (g *Group) introduce(a *authContent, parts *SliceParts) (*leafNode, error) {
	r := reader{b: a.c.body}
	c := r.commitBody()
	if c.sliced == nil || c.sliced.proof == 0 {
		return nil, &UnknownSender{a.c.index}
	}
	list, err := g.resolve(a, c)
	if err != nil {
		return nil, err
	}
	k := g.sliceKeys(c.sliced.seed, nil)
	if err := g.ask(c, k, true, leavesIn(list, g.me), parts); err != nil {
		return nil, err
	}
	b, err := k.open(partProof, 0, parts.Proof, "M-177")
	if err != nil {
		return nil, err
	}
	p, err := parseProof(b)
	if err != nil {
		return nil, err
	}
	if err := refuse(p.leaf != a.c.index || p.n != g.light.n, "M-177"); err != nil {
		return nil, err
	}
	if err := p.check(g.s, &g.ctx); err != nil {
		return nil, err
	}
	g.light.learn(p.leaf, p.l)
	return p.l, nil
}

// openKeys puts the path's new keys into it.
func (u *updatePath) openKeys(k sliceKeys, sealed []byte) error {
	b, err := k.open(partKeys, 0, sealed, "M-175")
	if err != nil {
		return err
	}
	if err := refuse(!bytes.Equal(k.s.sum(b), u.sliced.keys), "M-175"); err != nil {
		return err
	}
	u.nodes = nil
	for r := (&reader{b: b}); len(r.b) > 0; {
		if u.nodes = append(u.nodes, pathNode{key: r.vec()}); r.err != nil || len(u.nodes) > maxKeys {
			return broken("M-175")
		}
	}
	return nil
}

// openSlice decrypts the path secret that is for this member, of the node where its path meets the
// committer's. g is the next state.
func (g *Group) openSlice(p *slicedPath, k sliceKeys, sealed []byte) ([]byte, error) {
	s := g.s
	rank, node, err := g.ownSlice(p)
	if err != nil {
		return nil, err
	}
	count := p.to.count()
	b, err := k.open(partSlice, k.order(count)[rank], sealed, "M-176")
	if err != nil {
		return nil, err
	}
	r := reader{b: b}
	c := r.ciphertext()
	h := s.sliceHash(rank, &c)
	for i := range depth(count) {
		if beside := r.take(s.nh); rank>>i&1 == 0 {
			h = s.pairHash(h, beside)
		} else {
			h = s.pairHash(beside, h)
		}
	}
	if r.end() != nil {
		return nil, broken("M-176")
	}
	if err := refuse(!bytes.Equal(h, p.root), "M-176"); err != nil {
		return nil, err
	}
	key := g.priv[node]
	if key == nil {
		return nil, broken("M-107")
	}
	secret, err := s.decrypt(key, labelled("UpdatePathNode", g.ctx.bytes()), c)
	if err != nil {
		return nil, broken("M-107")
	}
	return secret, nil
}

// checkSliced compares what a sliced commit says of the next epoch with what it has become. g is
// the next state; the copath is nil without path.
func (g *Group) checkSliced(a *applied, c *commitBody, committer uint32, external bool, nodes, copath []uint32) error {
	t := c.sliced
	if err := refuse(!bytes.Equal(t.hash, g.ctx.treeHash), "M-172"); err != nil {
		return err
	}
	if err := refuse(t.leaves != g.tree.n || !slices.Equal(t.added, addedRuns(a, committer, external)), "M-173"); err != nil {
		return err
	}
	if c.path == nil {
		return nil
	}
	levels := uint32(0)
	var to []uint32
	for i, x := range nodes {
		levels |= 1 << (level(x) - 1)
		to = append(to, a.recipients(copath[i])...)
	}
	slices.Sort(to)
	p := c.path.sliced
	return refuse(p.committer != committer || p.levels != levels || !slices.Equal(p.to, runsOf(to)), "M-174")
}

// externalOf returns the init secret of an external commit, nil of any other.
func (g *Group) externalOf(list []item, external bool) ([]byte, error) {
	for _, q := range list {
		if external && q.p.typ == ProposalExternalInit {
			return g.externalInit(q.p.kem)
		}
	}
	return nil, nil
}

// leavesIn says whether a list removes a leaf.
func leavesIn(list []item, leaf uint32) bool {
	return slices.ContainsFunc(list, func(q item) bool {
		return q.p.typ == ProposalRemove && q.p.removed == leaf || q.p.typ == ProposalSelfRemove && q.index == leaf
	})
}

// follow is what a sliced commit tells a light member.
func (c *commitBody) follow(m *authContent, k sliceKeys, parts *SliceParts) *follow {
	f := &follow{hash: slices.Clone(c.sliced.hash), n: c.sliced.leaves, committer: m.c.index, keys: k}
	for _, x := range c.sliced.added.nodes() {
		f.added = append(f.added, x/2)
	}
	if c.path == nil {
		return f
	}
	p := c.path.sliced
	f.committer = p.committer
	f.secret = func(g *Group) ([]byte, error) {
		secret, err := g.openSlice(p, k, parts.Slice)
		if err != nil {
			return nil, err
		}
		t := tree{n: f.n}
		first := true
		for _, x := range t.path(f.committer) {
			if !under(x, 2*g.me) {
				continue
			}
			if p.levels>>(level(x)-1)&1 == 0 {
				if first {
					return nil, broken("M-107")
				}
				continue
			}
			first = false
			if g.priv[x], err = g.s.keyPair(secret); err != nil {
				return nil, err
			}
			secret = g.s.derive(secret, "path")
		}
		return secret, nil
	}
	return f
}
