package convo

import "paperplane/protocol/plane"

// Where a conversation has split, its members must come to one branch again without asking a person.
// Order makes truth here, too: of two branches that one goes on whose commit stood first in the log
// where they parted. Each device remembers where its epochs began, and an invitation brings the list.
// So all prefer the same branch whenever they look, and nobody moves to and fro.

// begunMax bounds the epochs whose beginning is remembered.
const begunMax = 64

// Begun says where in the log an epoch began.
type Begun struct {
	_     struct{} `cbor:",toarray"`
	Epoch uint64
	Seq   plane.Seq
}

// begin notes where the current epoch began: at the record that was read last.
func (c *Convo) begin() {
	c.begun = append(c.begun[max(0, len(c.begun)-begunMax+1):], Begun{Epoch: c.g.Epoch(), Seq: c.cursor})
	c.dirty.begun, c.opened = true, c.cursor
	if c.lost == LostOwn {
		c.lost = LostPast // the keys of this epoch are new
	}
}

// Begun returns where the epochs began, the newest last, as far as it is known. Not to be changed.
func (c *Convo) Begun() []Begun { return c.begun }

// Opened returns the last record that this device may have opened: what was written up to it is known.
func (c *Convo) Opened() plane.Seq { return c.opened }

// Inherit takes the list that came with an invitation. One that does not end where the invitation
// leads is passed over.
func (c *Convo) Inherit(list []Begun) {
	if n := len(list); n == 0 || n > begunMax || list[n-1] != (Begun{Epoch: c.g.Epoch(), Seq: c.cursor}) {
		list = []Begun{{Epoch: c.g.Epoch(), Seq: c.cursor}}
	}
	c.begun, c.dirty.begun, c.opened = list, true, c.cursor
}

// Parted says whether another list is that of another branch, and whether that one goes before.
func (c *Convo) Parted(list []Begun) (parted, before bool) {
	for _, a := range c.begun {
		for _, b := range list {
			if a.Epoch == b.Epoch && a.Seq != b.Seq {
				return true, b.Seq < a.Seq
			}
		}
	}
	return false, false
}
