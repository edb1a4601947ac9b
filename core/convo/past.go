package convo

import (
	"slices"
	"time"

	"paperplane/protocol/seal"
)

// Records that a commit overtook are void for everybody, and are no sign that this device is not where
// the others are: they were sealed in an epoch through which it has come itself. In a crowd on slow
// machines they come for minutes after a commit, and when all who read them asked whether they are lost,
// their asking made more commits, which overtook more. So the envelope keys of epochs that are over are
// kept for a while: they open the padding around a message and nothing in it. What was sealed on
// another branch opens with none of them.

const (
	// pastMax bounds the epochs that are known again. A crowd that comes in makes two a second.
	pastMax = 64
	// overtakenMax is how long after a commit messages that it overtook may still come in whose
	// epoch is not known here, overtakenFresh the same after one has come in: what was sealed before is not.
	overtakenMax   = 10 * time.Second
	overtakenFresh = 2 * time.Minute
)

// pass keeps the envelope key of an epoch that is over.
func (c *Convo) pass(env seal.EnvelopeKey) {
	if len(c.past) == pastMax {
		c.past = slices.Delete(c.past, 0, 1)
	}
	c.past = append(c.past, env)
}

// overtaken says whether a record that does not open was sealed in an epoch that is over.
func (c *Convo) overtaken(body []byte) bool {
	for i := len(c.past) - 1; i >= 0; i-- {
		if _, err := seal.OpenRecord(c.past[i], c.id, body); err == nil {
			return true
		}
	}
	return false
}
