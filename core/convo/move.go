package convo

import (
	"paperplane/protocol/plane"
)

// A conversation moves to a log on another server by one commit that sets State.Moved. The MLS
// group, its id and its members stay; only where records are kept changes. Places go on counting:
// the first record of the new log is Base+1 for everybody, so chain, receipts and order need to
// know nothing of the move. Records behind that commit in the old log are void.

// moveSeqs is how far a move sets the places on: further than a log can grow.
const moveSeqs plane.Seq = 1 << 32

// movesMax bounds how often a conversation can move: places stay whole numbers for a browser.
const movesMax = 1 << 16

// NextBase is the Base after the next move.
func NextBase(base plane.Seq) plane.Seq { return base + moveSeqs }

// MoveTo is for Change.Edit: the conversation goes on in a log on another server. The caller makes
// that log, with the generation that the commit begins (Change.NewGen) as its first. What belongs to the old
// server, queue and links, ends.
func (c *Convo) MoveTo(st *State, origin string, server [32]byte, log plane.LogID) {
	st.Moved = &Moved{Origin: origin, Server: server, Log: log, Base: NextBase(c.Base()), Gen: st.Gen + 1}
	st.Queue, st.Links = nil, []Link{}
}

// mayMove reports whether by may lead the conversation from its log to that of st: whoever leads a
// group, and both people of a conversation of two.
func (c *Convo) mayMove(role Role, st State) bool {
	a, b := c.state.Moved, st.Moved
	if b == nil || role < RoleAdmin && c.state.Kind != Two {
		return false
	}
	base := NextBase(c.Base())
	return b.Base == base && b.Base <= moveSeqs*movesMax && b.Gen == st.Gen && st.Gen == c.state.Gen+1 &&
		b.Log != c.Place() && st.Queue == nil && len(st.Links) == 0 && (a == nil || *a != *b)
}

// Place is the log that holds the conversation now.
func (c *Convo) Place() plane.LogID {
	if m := c.state.Moved; m != nil {
		return m.Log
	}
	return c.id
}

// Base is what to add to the server's numbers of records to get places.
func (c *Convo) Base() plane.Seq {
	if m := c.state.Moved; m != nil {
		return m.Base
	}
	return 0
}

// GenBase is what to add to the server's numbers of generations to get the conversation's.
func (c *Convo) GenBase() plane.Gen {
	if m := c.state.Moved; m != nil {
		return m.Gen - 1
	}
	return 0
}

// follow takes up the new log after a commit that has moved the conversation.
func (c *Convo) follow(before *Moved) (moved bool) {
	if c.state.Moved == nil || before != nil && *before == *c.state.Moved {
		return false
	}
	c.cursor = c.state.Moved.Base
	c.dirty.head, c.dirty.cold = true, true
	for len(c.gens) > 1 && c.gens[0].Gen < c.state.Moved.Gen {
		c.gens = c.gens[1:]
	}
	return true
}
