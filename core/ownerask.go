package core

import (
	"slices"
	"time"

	"paperplane/core/convo"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// The owner key of a group's log is for its owners and admins. Who becomes one gets it in the
// two-person conversation with whoever makes them; who has none, for most people in a large group
// do not know each other, asks in the group, and any who has it seals it to the key in the question.

const (
	// ownerAskFirst is how long a new admin waits for the key to come by itself, ownerAskAgain how
	// long until it asks again.
	ownerAskFirst = 20 * time.Second
	ownerAskAgain = 24 * time.Hour
	// ownerGiveMax is within what time who has the key answers: the first answer stops the others.
	ownerGiveMax = 8 * time.Second
	// ownerAsksMax bounds the questions that wait for an answer.
	ownerAsksMax = 16
)

// ownerAsk is a question that waits.
type ownerAsk struct {
	by  plane.PublicKey
	kem []byte
	due time.Time
}

func askName(kem []byte) [16]byte { h := hashOf(kem); return [16]byte(h[:16]) }

// askOwner asks for the owner key and answers who asks.
func (m *Machine) askOwner(c *chat) {
	for _, a := range slices.Clone(c.asks) {
		if m.now.Before(a.due) {
			continue
		}
		c.dropAsk(askName(a.kem))
		if c.owner == nil || c.c.Role(a.by) < convo.RoleAdmin {
			continue
		}
		if b, err := seal.SealHandover(a.kem, c.log, [32]byte(c.owner.Seed())); err == nil {
			m.note(c, content.OwnerGive{To: askName(a.kem), Sealed: b})
		}
	}
	switch {
	case c.owner != nil || c.c.State().Kind != convo.Group || !c.c.OwnAdmin() || c.c.Size() < 2 || c.Leaving:
		c.askAt = time.Time{}
	case c.askAt.IsZero():
		c.askAt = m.now.Add(ownerAskFirst)
	case !m.now.Before(c.askAt):
		c.askAt = m.now.Add(ownerAskAgain)
		if c.AskSeed == nil {
			c.AskSeed, c.dirtyMeta = seal.NewKEMKey().Seed(), true
		}
		if k, err := seal.KEMKeyFromSeed(c.AskSeed); err == nil {
			m.note(c, content.OwnerAsk{KEM: k.Public()})
		}
	}
}

func (c *chat) dropAsk(name [16]byte) {
	c.asks = slices.DeleteFunc(c.asks, func(a ownerAsk) bool { return askName(a.kem) == name })
}

// ownerAsked: somebody asks for the owner key.
func (m *Machine) ownerAsked(c *chat, by plane.PublicKey, msg content.OwnerAsk) {
	if c.owner != nil && c.c.State().Kind == convo.Group && len(c.asks) < ownerAsksMax {
		c.dropAsk(askName(msg.KEM))
		c.asks = append(c.asks, ownerAsk{by, msg.KEM, m.now.Add(between(0, ownerGiveMax))})
		m.touch(c)
	}
}

// ownerGiven: somebody answers.
func (m *Machine) ownerGiven(c *chat, msg content.OwnerGive) {
	c.dropAsk(msg.To)
	if c.owner != nil || c.AskSeed == nil {
		return
	}
	k, err := seal.KEMKeyFromSeed(c.AskSeed)
	if err != nil || askName(k.Public()) != msg.To {
		return
	}
	if seed, err := seal.OpenHandover(k, c.log, msg.Sealed); err == nil {
		m.ownerKey(c, content.Owner{Log: c.log, Seed: seed})
	}
	if c.owner != nil {
		c.AskSeed, c.dirtyMeta = nil, true
	}
}
