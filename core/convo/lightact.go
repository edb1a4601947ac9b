package convo

import (
	"encoding/binary"
	"slices"

	"paperplane/protocol/plane"
)

// Commits of a light member. It fetches those pages of the tree that its commit looks at, makes the
// commit, puts the pages that are new, and stays light. What it does not know it must not decide: it adds
// nobody, leads only where the state names it, and removes people whose leaves it knows, having seen
// them in the tree. All else is for who has the tree.
//
// Whose other leaves are it does not know. Where there are as many devices as people, nobody has
// others. Else it takes out those leaves of a person that it knows, at once, and the rest, the ban and
// what is to be erased follow when it has the tree.

// fewPagesMax is how many pages a commit with some of them takes at most: about a third of the tree of
// 5,000. One that takes more takes the tree.
const fewPagesMax = 28

// WithFew tells how a light member makes a commit without the whole tree: as it is, or with the leaves alone
// that it knows of those who are to go (part). ok is false where it takes the tree. Of the change only
// Remove, Edit, NewGen and Tag may be set.
func (c *Convo) WithFew(ch Change) (out Change, part, ok bool) {
	me := c.Own()
	leads := slices.Contains(c.state.Owners, me) || slices.Contains(c.state.Admins, me)
	if c.light == nil || c.held != nil || c.state.Kind != Group || c.state.TreeKey == [32]byte{} {
		return ch, false, false
	}
	if !leads && (len(ch.Remove) > 0 || ch.NewGen || ch.Edit != nil && !c.MayChange(me)) {
		return ch, false, false
	}
	for _, p := range ch.Remove {
		if p == me || !c.MayRemove(me, p) || len(c.of(p)) == 0 {
			return ch, false, false
		}
	}
	if len(ch.Remove) == 0 || c.who.leaves == c.light.people {
		return ch, false, true
	}
	out = Change{Tag: ch.Tag}
	for _, p := range ch.Remove {
		out.Leaves = append(out.Leaves, c.of(p)...)
	}
	return out, true, true
}

// leavesOut returns the leaves that a change of a light member takes out.
func (c *Convo) leavesOut(ch *Change) (list []uint32) {
	c.eachKnown(func(leaf uint32, p plane.PublicKey) {
		if leaf != c.g.OwnIndex() && (slices.Contains(ch.Remove, p) || slices.Contains(ch.Leaves, leaf)) {
			list = append(list, leaf)
		}
	})
	return list
}

// Stale reports whether the tree that is being fetched is of an epoch that is over. It will do as a
// whole; for a commit see Again.
func (c *Convo) Stale() bool { return c.up != nil && c.up.n > 0 }

// Few reports whether pages are being fetched for a commit.
func (c *Convo) Few() bool { return c.up != nil && c.up.few != nil }

// Again begins to fetch pages for a commit, with those of the attempt before that are still the same.
func (c *Convo) Again() bool {
	old := c.up
	if !c.BeginUpgrade() {
		return false
	}
	c.up.few = map[string][]byte{}
	if old == nil {
		return true
	}
	for list := c.up.Missing(); len(list) > 0; list = list[1:] {
		h := string(c.up.PageHash(list[0]))
		if b := old.few[h]; b != nil && c.put(list[0], b) {
			c.up.few[h], list = b, append(list[:1], c.up.Missing()...)
		}
	}
	return true
}

// FewPages returns the pages to be fetched next for a change that WithFew has made, none when Begin can make
// it. Not ok: it takes the tree, or what is known of a leaf is not so.
func (c *Convo) FewPages(ch Change) (list []Page, ok bool) {
	if !c.Few() || c.Stale() {
		return nil, false
	}
	need, err := c.g.Needs(c.up.Upgrade, c.leavesOut(&ch))
	if err != nil || len(need)+len(c.up.few) > fewPagesMax {
		c.up.few = nil // it goes on to the whole
		return nil, false
	}
	for _, i := range need {
		list = append(list, c.page(i, c.up.PageHash(i)))
	}
	return list, len(need) > 0 || c.mayBegin(&ch)
}

// mayBegin judges a change that a light member begins: those whom it takes out are who they are said to be.
func (c *Convo) mayBegin(ch *Change) bool {
	if c.up == nil || c.Stale() || len(ch.Add) > 0 || ch.Gone || ch.Signer != nil || ch.Credential != nil {
		return false
	}
	for _, leaf := range c.leavesOut(ch) {
		if c.up.sure[leaf].person != c.at(leaf) {
			return false
		}
	}
	return true
}

// keyTurn is where the leaves are that the own commit of a light member takes out: what it knows of the
// tree does not tell.
const keyTurn = "turn"

// keepTurn stores them.
func (c *Convo) keepTurn(p *Pending) []Pair {
	var b []byte
	if p != nil && p.turn != nil && p.next.Light() {
		for _, leaf := range p.turn.removed {
			b = binary.BigEndian.AppendUint32(b, leaf)
		}
	}
	if b == nil && !c.dirty.turn {
		return nil
	}
	c.dirty.turn = b != nil
	return []Pair{{keyTurn, b}}
}

// loadTurn brings them back.
func (c *Convo) loadTurn(b []byte) {
	c.dirty.turn = b != nil
	if c.pending == nil || !c.pending.next.Light() {
		return
	}
	c.pending.turn = &turn{maker: c.ownSeat(nil)}
	for ; len(b) >= 4; b = b[4:] {
		c.pending.turn.removed = append(c.pending.turn.removed, binary.BigEndian.Uint32(b))
	}
}
