package convo

import (
	"slices"
	"time"

	"paperplane/protocol/seal"
)

// Records that a commit overtook are void for everybody, and are no sign that this device is not where
// the others are: they were sealed in an epoch through which it has come itself. In a crowd on slow
// machines they come for longer than a moment, and when all who read them asked whether they are lost,
// their asking made more commits, which overtook more. So the envelope keys of epochs that are over are
// kept for a while: they open the padding around a message and nothing in it. What was sealed on
// another branch opens with none of them. Others who never left the epoch, because they could not read
// the commit, are known by going on in it.

const (
	// pastMax bounds the epochs that are known again. A crowd that comes in makes two a second.
	pastMax = 64
	// overtakenMax is how long after a commit messages that it overtook may still come in whose
	// epoch is not known here, overtakenLate the same of those whose epoch is known, and of all after
	// one has come in.
	overtakenMax  = 10 * time.Second
	overtakenLate = 2 * time.Minute
)

// over is an epoch that is over.
type over struct {
	env seal.EnvelopeKey
	at  time.Time // when it ended here
}

// pass keeps an epoch that is over.
func (c *Convo) pass(x over) {
	if len(c.past) == pastMax {
		c.past = slices.Delete(c.past, 0, 1)
	}
	c.past = append(c.past, x)
}

// overtaken says whether a record that does not open was sealed in an epoch that has just ended.
func (c *Convo) overtaken(now time.Time, body []byte) bool {
	for i := len(c.past) - 1; i >= 0; i-- {
		x := c.past[i]
		if d := now.Sub(x.at); d < 0 || d > overtakenLate {
			return false // and so are those before
		}
		if _, err := seal.OpenRecord(x.env, c.id, body); err == nil {
			return true
		}
	}
	return false
}
