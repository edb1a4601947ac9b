package mls

import (
	"bytes"
	"encoding/hex"
	"slices"
)

// A large group is stored in parts: SnapshotHead, some KiB, and the tree as records of 8 leaves or
// 7 nodes each, named by what they hold. Epochs, and a commit that waits, share what they have in
// common, so a commit that has gone round writes a record for every third level above one leaf.

// SnapshotHead is Snapshot without the tree, which SavedTree stands for. RestoreHead takes it.
func (g *Group) SnapshotHead() []byte { return g.snapshot(false) }

// SavedTree is the tree of one epoch, to find out what is to be stored of it. It holds no secrets
// and nothing of the Group but the tree, and never changes.
type SavedTree struct{ t *tree }

// SavedTree returns the tree of this epoch, nil for a light member.
func (g *Group) SavedTree() *SavedTree {
	if g.light != nil {
		return nil
	}
	return &SavedTree{g.tree}
}

// Pages calls f with the number and the hash of every page, as Group.PageHashes counts them. Of a
// Pending's Tree those that its maker has.
func (n *SavedTree) Pages(f func(i int, hash []byte)) {
	for i := 0; ; i++ {
		x := n.t.pageRoot(i)
		if n.t.any(x) && !n.t.hidden(x) {
			f(i, n.t.nodeHash(x))
		}
		if x == n.t.root() {
			return
		}
	}
}

// Page returns what Group.Page returned in the epoch of the tree.
func (n *SavedTree) Page(i int) []byte { return n.t.page(cutWide, n.t.pageRoot(i)).bytes() }

// TreeChanges tells what to do where the trees of was are stored and those of is shall be: records
// to put, and keys to delete. Its time grows with what differs. Values are not secret but tell who
// is in the group. To be stored together with the heads that need them. A nil tree, of a light
// member, has no records.
func TreeChanges(was, is []*SavedTree) (put []Delta, drop []string) {
	for i, n := range is {
		n.missing(slices.Concat(was, is[:i]), func(x uint32, h []byte) {
			put = append(put, Delta{pageKey(h), n.t.page(cutFine, x).bytes()})
		})
	}
	for i, o := range was {
		o.missing(slices.Concat(is, was[:i]), func(_ uint32, h []byte) { drop = append(drop, pageKey(h)) })
	}
	return put, drop
}

// missing calls f for the pages of n that no other tree has.
func (n *SavedTree) missing(others []*SavedTree, f func(root uint32, hash []byte)) {
	if n == nil {
		return
	}
	n.t.pageRoots(cutFine, n.t.root(), func(x uint32) bool {
		h := n.t.nodeHash(x)
		for _, o := range others {
			if o != nil && o.t.hasPage(cutFine, x, h) {
				return false // and all below it
			}
		}
		f(x, h)
		return true
	})
}

// hasPage says whether the page with root x has the hash.
func (t *tree) hasPage(c *cut, x uint32, hash []byte) bool {
	k := level(x)
	return (x == t.root() || x < t.width() && k >= c.first && (k-c.first)%c.step == 0) && bytes.Equal(t.nodeHash(x), hash)
}

// TreeKeys calls f with the key of every record that the tree is stored in.
func (n *SavedTree) TreeKeys(f func(key string)) {
	n.missing(nil, func(_ uint32, h []byte) { f(pageKey(h)) })
}

// pageKey names a page. Half a hash is enough: whoever finds two pages with the same half destroys
// what its own group stores, and a page is compared with the whole hash when it is read.
func pageKey(hash []byte) string { return hex.EncodeToString(hash[:16]) }
