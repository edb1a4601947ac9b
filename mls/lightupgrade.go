package mls

import (
	"bytes"
	"crypto/hpke"
	"slices"
)

// Upgrade makes a light member a full one in the background. It takes the pages of the tree of one
// epoch one at a time, in any order that the hashes above allow, and checks in each what Join checks
// of a whole tree: signatures, parent hashes, keys. Meanwhile the light Group goes on; the commits
// that it processed since are done again on the tree at the end. An Upgrade is not stored: after a
// restart it begins anew, and pages with the same hash need not be fetched again.
type Upgrade struct {
	s       *suite
	ctx     groupContext // of the epoch that the tree is of
	t       *tree
	roots   []uint32
	index   map[uint32]int // page by root
	hashes  [][]byte       // by page; nil = not known yet
	state   []pageState
	left    int
	heads   map[uint64]bool // starts of the keys seen
	twice   bool            // two of them were equal: look at all keys in the end
	bulk    *bulk           // signatures; nil: they are checked as they come
	changes []followed
}
type pageState uint8

const (
	pageUnknown pageState = iota
	pageWanted
	pageDone // put, or without any node
)

// change is what a light member knows of a commit it processed.
type change struct {
	list      []item
	c         *commitBody
	committer uint32
	external  bool
	epoch     uint64
	hash      []byte // tree hash after it
	keys      sliceKeys
}
type followed struct {
	*change
	sealed []byte
}

// NewUpgrade starts with the epoch of a light Group, whose pages somebody with the tree has made
// (Group.Page). ErrArgument: it has the tree.
func NewUpgrade(g *Group) (*Upgrade, error) {
	if g.light == nil {
		return nil, ErrArgument
	}
	u := &Upgrade{s: g.s, ctx: g.ctx, t: newTree(g.s, g.light.n), index: map[uint32]int{}, heads: map[uint64]bool{}, bulk: g.s.newBulk(g.light.n)}
	for i := 0; ; i++ {
		x := u.t.pageRoot(i)
		u.index[x] = i
		u.roots = append(u.roots, x)
		if x == u.t.root() {
			break
		}
	}
	u.left = len(u.roots)
	u.hashes, u.state = make([][]byte, u.left), make([]pageState, u.left)
	u.want(u.t.root(), g.ctx.treeHash)
	return u, nil
}

// PageCount returns the number of pages, as of Group.PageCount.
func (u *Upgrade) PageCount() int { return len(u.hashes) }

// PageHash returns the tree hash of a page's root, by which it may be stored; nil while it is not
// known, or when the page has no node.
func (u *Upgrade) PageHash(i int) []byte { return u.hashes[i] }

// Missing returns the pages to be put next: those whose hash is known. The last page comes first.
func (u *Upgrade) Missing() (list []int) {
	for i, s := range u.state {
		if s == pageWanted {
			list = append(list, i)
		}
	}
	return list
}

// Done says whether all pages are there.
func (u *Upgrade) Done() bool { return u.left == 0 }

// want makes a page known by its hash, or, without one, blank with all below it.
func (u *Upgrade) want(x uint32, hash []byte) {
	i, ok := u.index[x]
	if !ok {
		return
	}
	if u.hashes[i] = hash; hash != nil {
		u.state[i] = pageWanted
		return
	}
	u.state[i] = pageDone
	u.left--
	p := page{cut: cutWide, root: x}
	if p.bottom() == 0 {
		return
	}
	for k := range 1 << (level(x) - p.bottom() + 1) {
		u.want(p.childAt(k), nil)
	}
}

// Put takes a page that Missing names; it works on at most 64 leaves, but for their signatures: those of a
// large tree are checked a few hundred at a time, the last in Finish. A page that is not the one
// named by its hash is refused by M-179 and can be put again. Any other rule broken means that the
// group's tree is bad: stay light, and let the fork be seen. ErrArgument: not a missing page.
func (u *Upgrade) Put(i int, b []byte) error {
	if i < 0 || i >= len(u.state) || u.state[i] != pageWanted {
		return ErrArgument
	}
	p, err := parsePage(u.s, slices.Clone(b))
	if err != nil {
		return err
	}
	if err := refuse(p.cut != cutWide || u.index[p.root] != i || !bytes.Equal(p.hash(u.s), u.hashes[i]), "M-179"); err != nil {
		return err
	}
	p.put(u.t)
	for k := range p.nodes {
		x := p.nodeAt(k)
		switch n := &p.nodes[k]; {
		case n.leaf != nil:
			if err := n.leaf.check(u.s); err != nil {
				return err
			}
			if err := u.signed(n.leaf, x/2); err != nil {
				return err
			}
			u.see(n.leaf.sigKey)
			u.see(n.leaf.encKey)
		case n.parent != nil:
			u.see(n.parent.key)
		}
		if p.bottom() == 0 && x&1 == 1 { // all below is here
			if err := u.parent(x); err != nil {
				return err
			}
		}
	}
	u.state[i] = pageDone
	u.left--
	for k := range p.below {
		u.want(p.childAt(k), p.below[k])
	}
	return nil
}

// signed checks a leaf's signature, at the latest in Finish.
func (u *Upgrade) signed(l *leafNode, i uint32) error {
	if u.bulk == nil {
		return need(l.signedBy(u.s, u.ctx.groupID, i), "M-021")
	}
	if u.bulk.add(l.vouched(u.ctx.groupID, i)) {
		return nil
	}
	return u.oneByOne()
}

// oneByOne checks the signatures of all leaves that are there.
func (u *Upgrade) oneByOne() error {
	u.bulk = nil
	var err error
	u.t.leaves(func(i uint32, l *leafNode) bool {
		err = need(l.signedBy(u.s, u.ctx.groupID, i), "M-021")
		return err == nil
	})
	return err
}

// Members returns the members in a page that was put; the others have none.
func (u *Upgrade) Members(i int) (list []Member) {
	x := u.roots[i]
	if k := level(x); k <= cutWide.first && u.state[i] == pageDone {
		for l := leftmost(x); l < leftmost(x)+1<<k; l++ {
			if n := u.t.leaf(l); n != nil {
				list = append(list, memberOf(l, n))
			}
		}
	}
	return list
}
func (u *Upgrade) see(key []byte) {
	h := keyHead(key)
	u.twice = u.twice || u.heads[h]
	u.heads[h] = true
}
func (u *Upgrade) parent(x uint32) error {
	if err := u.t.checkUnmergedAt(x); err != nil {
		return err
	}
	return u.t.checkParentHash(x)
}

// Keys says where the keys of a sliced commit's path are in its Slices, which a light member itself
// does not need; no bytes for a commit without a path.
func (u *Upgrade) Keys(r CommitReceived) Range {
	if c := r.change; c != nil && c.c.path != nil && c.c.path.sliced != nil {
		return Range{0, c.c.path.keysSize()}
	}
	return Range{}
}

// Follow is to be told of every commit that the light Group processed since NewUpgrade, in order,
// with the bytes that Keys names. ErrArgument: another commit is due.
func (u *Upgrade) Follow(r CommitReceived, keys []byte) error {
	due := u.ctx.epoch + uint64(len(u.changes))
	if r.change == nil || r.change.epoch != due || len(keys) != u.Keys(r).Len {
		return ErrArgument
	}
	u.changes = append(u.changes, followed{r.change, slices.Clone(keys)})
	return nil
}

// Finish returns the full Group in place of the light one, which is now and shall not be used any
// more: snapshot the result and forget the deltas. ErrArgument: pages or commits are missing. A
// rule broken means what it means in Put.
func (u *Upgrade) Finish(now *Group) (*Group, error) {
	if u.left > 0 || now.light == nil || now.ctx.epoch != u.ctx.epoch+uint64(len(u.changes)) || !bytes.Equal(now.ctx.groupID, u.ctx.groupID) {
		return nil, ErrArgument
	}
	if u.bulk != nil && !u.bulk.done() {
		if err := u.oneByOne(); err != nil {
			return nil, err
		}
	}
	u.bulk = nil
	for i, x := range u.roots { // what stands above several pages
		if p := (page{cut: cutWide, root: x}); p.bottom() > 0 && u.hashes[i] != nil {
			for k := range 1<<(level(x)-p.bottom()+1) - 1 {
				if y := p.nodeAt(k); y&1 == 1 {
					if err := u.parent(y); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	if u.t.n > 1 && !u.t.anyLeaf(u.t.n/2, u.t.n) {
		return nil, broken("M-045")
	}
	if u.twice {
		if err := u.t.checkUnique(); err != nil {
			return nil, err
		}
	}
	if err := u.t.checkSupport(u.ctx.exts, nil); err != nil {
		return nil, err
	}
	for len(u.changes) > 0 {
		if err := u.advance(now); err != nil {
			return nil, err
		}
	}
	me := u.t.leaf(now.me)
	if !bytes.Equal(u.t.rootHash(), now.ctx.treeHash) || me == nil || !bytes.Equal(me.raw, now.leaf(now.me).raw) {
		return nil, broken("M-179")
	}
	g := *now
	g.light, g.tree, g.priv, g.proposals = nil, u.t, map[uint32]hpke.PrivateKey{}, nil
	for x, k := range now.priv {
		if x >= g.tree.width() || g.tree.blank(x) {
			continue
		}
		// A key that a committer made this member believe in, and that is not the tree's.
		if err := refuse(!bytes.Equal(g.tree.public(x), k.PublicKey().Bytes()), "M-107"); err != nil {
			return nil, err
		}
		g.priv[x] = k
	}
	for _, q := range now.proposals { // a light member took them unseen
		if g.checkProposal(&item{p: q.p, sender: q.sender, index: q.index}) == nil {
			g.proposals = append(g.proposals, q)
		}
	}
	return &g, nil
}

// advance does the oldest commit again, on the tree and with all checks.
func (u *Upgrade) advance(now *Group) error {
	x := u.changes[0]
	g := &Group{s: u.s, ctx: u.ctx, tree: u.t, me: now.me}
	list := slices.Clone(x.list)
	for i := range list {
		list[i].sound = false
	}
	if err := g.validateList(list, x.committer, x.external); err != nil {
		return err
	}
	a, err := g.apply(slices.DeleteFunc(list, func(q item) bool { return q.p.typ == ProposalPSK }))
	if err != nil {
		return err
	}
	next := g.successor(a)
	if x.external {
		if a.tree.full() {
			return broken("M-045")
		}
		at := a.tree.add(x.c.path.leaf)
		a.isAdded[at] = true
		if err := refuse(at != x.committer, "M-174"); err != nil {
			return err
		}
		if err := a.tree.checkFresh([]uint32{at}); err != nil {
			return err
		}
	}
	var nodes, copath []uint32
	if x.c.path == nil {
		next.ctx.treeHash = a.tree.rootHash()
	} else {
		if x.c.sliced != nil {
			if err := x.c.path.openKeys(x.keys, x.sealed); err != nil {
				return err
			}
		}
		if nodes, copath, err = next.mergePath(a, x.c.path, x.committer); err != nil {
			return err
		}
	}
	if x.c.sliced != nil {
		if err := next.checkSliced(a, x.c, x.committer, x.external, nodes, copath); err != nil {
			return err
		}
	}
	if err := refuse(!bytes.Equal(next.ctx.treeHash, x.hash), "M-172"); err != nil {
		return err
	}
	u.t, u.ctx = next.tree, next.ctx
	u.changes = u.changes[1:]
	return nil
}

// EachPage calls f with the number and the hash of every page that is known to be there.
func (u *Upgrade) EachPage(f func(i int, hash []byte)) {
	for i, h := range u.hashes {
		if h != nil {
			f(i, h)
		}
	}
}
