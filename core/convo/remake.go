package convo

import (
	"time"

	"paperplane/protocol/plane"
)

// remadeMax bounds the generations that Remake makes, each by a commit.
const remadeMax = 256

// Remake makes a conversation go on whose log opens with no key that anybody has who is there: with new
// keys, up to the generation behind gen, at which the server is. What stands in the log up to head stays
// unread. The commits are in no log, so nobody may have written since who could have answered; whoever
// comes later finds the log closed, and is let in again. ErrNotAllowed: this member may not do it.
func (c *Convo) Remake(now time.Time, gen plane.Gen, head plane.Seq) error {
	if gen > c.state.Gen+remadeMax {
		return ErrNotAllowed
	}
	c.dropPending()
	c.held = nil
	c.dirty.put(keyHeld, nil)
	if c.cursor < head {
		c.cursor, c.known, c.window = head, false, nil
	}
	c.day, c.dirty.head = max(c.day, plane.DayOf(now)), true
	for first := true; first || c.state.Gen <= gen; first = false {
		p, err := c.Begin(Change{NewGen: true}, now)
		if err != nil {
			return err
		}
		c.won(p)
	}
	return nil
}
