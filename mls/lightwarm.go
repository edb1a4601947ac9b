package mls

import "math/bits"

// A tree filled by adds alone is cold: its parents are blank, and a commit is sealed to every leaf.
// Each commit warms the path above its maker. They help most when their makers are spread.

// WarmOrder returns the leaf indexes below leaves in the order in which commits warm a tree best:
// counted with their bits reversed. 64 commits in this order bring the ciphertexts of the next one
// from 4,999 to some 67 among 5,000.
func WarmOrder(leaves int) []uint32 {
	width := bits.Len(uint(max(leaves, 1) - 1))
	o := make([]uint32, 0, max(leaves, 0))
	for i := range uint32(1) << width {
		if x := uint32(uint64(bits.Reverse32(i)) >> (32 - width)); x < uint32(max(leaves, 0)) {
			o = append(o, x)
		}
	}
	return o
}

// PathSize returns to how many nodes a commit by a member would be sealed now: what it costs to
// make. 0 for a light member, which cannot tell, and where nobody has the index.
func (g *Group) PathSize(leaf uint32) (n int) {
	if g.light != nil || g.tree.leaf(leaf) == nil {
		return 0
	}
	_, copath := g.tree.filtered(leaf)
	for _, x := range copath {
		n += len(g.tree.resolve(x, nil))
	}
	return n
}

// warmLevels is how many levels below the root warming looks after: 64 commits cover them.
const warmLevels = 6

// Warms says whether a commit by a member makes those of others cheaper: whether some node above it,
// up to warmLevels from the root, is blank or has leaves that do not know its key. False for a light
// member, which cannot tell.
func (g *Group) Warms(leaf uint32) bool {
	if g.light != nil || g.tree.leaf(leaf) == nil {
		return false
	}
	nodes, _ := g.tree.filtered(leaf)
	for _, x := range nodes {
		if n := g.tree.at(x); level(x)+warmLevels >= level(g.tree.root()) && (n.parent == nil || len(n.parent.unmerged) > 0) {
			return true
		}
	}
	return false
}

// WarmRank returns the place of a leaf in WarmOrder of that many leaves, a power of two.
func WarmRank(leaf, leaves uint32) uint32 {
	return uint32(uint64(bits.Reverse32(leaf)) >> (32 - bits.Len32(leaves-1)))
}

// WarmTurns returns how many leaves are between one that has made a commit and another in the order
// of WarmOrder, going round. 0 for a light member.
func (g *Group) WarmTurns(from, to uint32) uint32 {
	n := g.leaves()
	if g.light != nil || n < 2 {
		return 0
	}
	return (WarmRank(to, n) - WarmRank(from, n) - 1) & (n - 1)
}
