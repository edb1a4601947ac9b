package mls

import (
	"bytes"
	"slices"
)

// A commit by a light member with pages of the tree: those that the commit looks at, and no others.
// They are put into an Upgrade, which may go on to the whole tree or be forgotten. What is said of a
// Cutting holds here: keys in the pages that are not there cannot be compared.

// Needs returns the pages to be put next for a commit by a light member that removes some members;
// those below them are known later. None: CommitPages has what it needs. Before a hash above it is
// known, a page is not known to be needed. ErrArgument: u is of another epoch; ErrNotMember: nobody has
// one of the indexes, or it is this member.
func (g *Group) Needs(u *Upgrade, remove []uint32) (list []int, err error) {
	t, err := g.sketch(u)
	if err != nil {
		return nil, err
	}
	wants := func(x uint32) {
		i, ok := u.index[x]
		if !ok || u.state[i] != pageWanted {
			err = ErrNotMember // a leaf that is not where it should be
		} else if !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	for _, i := range append([]uint32{g.me}, remove...) {
		if i >= t.n {
			return nil, ErrNotMember
		}
		t.above(i, wants)
	}
	if len(list) > 0 || err != nil {
		return list, err
	}
	for _, i := range remove {
		if i == g.me {
			return nil, ErrNotMember
		}
		t.remove(i)
	}
	t.truncate()
	t.unseen(g.me, wants)
	slices.Sort(list)
	return list, err
}

// sketch is what u has of the tree, the rest closed.
func (g *Group) sketch(u *Upgrade) (*tree, error) {
	if g.light == nil || len(u.changes) > 0 || u.ctx.epoch != g.ctx.epoch || !bytes.Equal(u.ctx.treeHash, g.ctx.treeHash) {
		return nil, ErrArgument
	}
	t := u.t.clone()
	t.closed = map[uint32]bool{}
	for i, x := range u.roots {
		if u.state[i] == pageWanted {
			t.write(x).hash = u.hashes[i]
			t.closed[x] = true
		}
	}
	return t, nil
}

// CommitPages is Commit by a light member that has put into u what Needs names. Add and UsePending
// cannot be: who adds must know which place is the leftmost blank one. Its Next is light as well. The
// pages of the Pending's Tree that u has not put are new. Errors as Needs and Commit; ErrArgument also
// while pages are missing.
func (g *Group) CommitPages(u *Upgrade, o CommitOptions) (*Pending, error) {
	list, err := g.Needs(u, o.Remove)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 || len(o.Add) > 0 || o.UsePending {
		return nil, ErrArgument
	}
	t, err := g.sketch(u)
	if err != nil {
		return nil, err
	}
	return g.commitCut(t, o)
}

// hidden says whether a page is under a node that is known by its hash alone.
func (t *tree) hidden(x uint32) bool {
	if len(t.closed) == 0 {
		return false
	}
	for ; x != t.root(); x = parentOf(x) {
		if t.closed[x] {
			return true
		}
	}
	return t.closed[x]
}
