package convo

import (
	"errors"
	"slices"
	"time"

	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// Outcome is what a record turned out to be. The sum is closed.
type Outcome interface{ outcome() }

// Void: nothing, for everybody. Old is true for a record at or before the cursor.
type Void struct{ Old bool }

// Mine is an own message in a valid place, named by the SHA-256 of its MLS message.
type Mine struct{ Hash [32]byte }

// Said is an application message of another member.
type Said struct {
	Person plane.PublicKey
	Plain  []byte
}

// Leaving says that a member asked to leave.
type Leaving struct{ Person plane.PublicKey }

// Changed is a commit: a new epoch has begun.
type Changed struct {
	By      plane.PublicKey
	Mine    bool     // an own commit has won; Own is it
	Own     *Pending // its Welcome is due now
	Lost    *Pending // an own commit that is void now
	Added   []plane.PublicKey
	Removed []plane.PublicKey
	Left    []plane.PublicKey
	Before  State
	NewGen  bool // the log's keys of the next generation are known now
	Out     bool // this member is no longer one; the state stays as it was
}

func (Void) outcome()    {}
func (Mine) outcome()    {}
func (Said) outcome()    {}
func (Leaving) outcome() {}
func (Changed) outcome() {}

// suspectMax is how many records in a row may fail to open after a commit whose secrets were wrong
// for this leaf, before this device doubts that it is where the others are (Doubtful).
const suspectMax = 4

// Doubtful reports that the others have probably gone on without this device: a malicious member
// can leave one out by a commit that is wrong for its leaf alone. It may as well be a commit that
// was wrong for all, with rubbish after it, so it is no end: the next message of somebody else in
// this epoch takes the doubt away.
func (c *Convo) Doubtful() bool { return c.suspect > suspectMax }

// privateHead starts every MLS message that counts: version mls10, PrivateMessage.
var privateHead = [4]byte{0, 1, 0, 2}

// contentTypeAt is where a PrivateMessage of a group whose id is a LogID says what it is: behind
// its head, the id with its length, and the epoch.
const contentTypeAt = len(privateHead) + 1 + len(plane.LogID{}) + 8

// Receive reads the record seq. own tells whether an MLS message, by its SHA-256, is one that
// this member has sealed in the current epoch.
func (c *Convo) Receive(now time.Time, seq plane.Seq, body []byte, own func([32]byte) bool) Outcome {
	if seq <= c.cursor {
		return Void{Old: true}
	}
	c.advance(now, seq, body)
	plain, err := seal.OpenRecord(c.env, c.id, body)
	if err != nil {
		if c.suspect > 0 && c.suspect <= suspectMax {
			c.suspect++
		}
		return Void{}
	}
	msg := c.assemble(seq, plain)
	if len(msg) < len(privateHead) || [4]byte(msg[:4]) != privateHead {
		return Void{}
	}
	if len(msg) > seal.RecordPayloadMax && msg[contentTypeAt] == byte(mls.ContentProposal) {
		return Void{} // MLS keeps thousands of them an epoch; ours fit into one record
	}
	h := hashOf(msg)
	if p := c.pending; p != nil && p.hash == h {
		return c.won(p)
	}
	if own(h) {
		return Mine{h}
	}
	r, err := c.g.Process(msg, now)
	if err != nil {
		if rule, ok := errors.AsType[*mls.RuleError](err); ok && rule.Rule == "M-107" {
			// The path secret for this leaf is wrong: a commit that is void for all, or one that
			// everybody else accepts. What comes next tells.
			c.suspect = max(c.suspect, 1)
		}
		return Void{}
	}
	c.suspect = 0 // somebody else is still in this epoch
	switch r := r.(type) {
	case mls.Application:
		p, ok := person(c.g, c.identify, r.Sender)
		if !ok {
			return Void{}
		}
		return Said{p, r.Data}
	case mls.ProposalReceived:
		if r.Kind != mls.ProposalSelfRemove {
			return Void{} // never committed by our clients: see policy.go
		}
		p, ok := person(c.g, c.identify, r.Sender)
		if !ok || c.state.Kind != Group || slices.Contains(c.leaving, r.Sender) {
			return Void{}
		}
		c.leaving = append(c.leaving, r.Sender)
		c.dirty.head = true
		return Leaving{p}
	case mls.CommitReceived:
		return c.commit(r)
	}
	return Void{}
}

// Placed tells the Convo that its own wish to leave has its place.
func (c *Convo) Placed() {
	if me := c.g.OwnIndex(); !slices.Contains(c.leaving, me) {
		c.leaving = append(c.leaving, me)
		c.dirty.head = true
	}
}

// commit judges another member's commit.
func (c *Convo) commit(r mls.CommitReceived) Outcome {
	by, ok := person(c.g, c.identify, r.Committer)
	if !ok || r.External || r.Closed || len(r.Updated) > 0 {
		return Void{}
	}
	out := Changed{By: by, Before: c.state, Lost: c.pending}
	if r.RemovedSelf {
		// The new state cannot be seen, so only the right to remove is checked.
		if !c.mayRemove(by, r.Removed) {
			return Void{}
		}
		out.Out = true
		return out
	}
	if !c.allowed(r.Committer, r.Next, r.Removed, r.SelfRemoved) {
		return Void{}
	}
	return c.adopt(out, r.Next)
}

// won makes an own commit the truth.
func (c *Convo) won(p *Pending) Outcome {
	by, _ := person(c.g, c.identify, c.g.OwnIndex())
	return c.adopt(Changed{By: by, Mine: true, Own: p, Before: c.state}, p.next)
}

func (c *Convo) adopt(out Changed, next *mls.Group) Outcome {
	old, leaving := c.g, c.leaving
	was, is := members(old, c.identify), members(next, c.identify)
	err := c.enter(next)
	inv.That(err == nil, "a judged commit has a group state")
	for _, m := range was {
		if old.OwnIndex() == m.Leaf || same(is, m) {
			continue
		}
		if slices.Contains(leaving, m.Leaf) {
			out.Left = append(out.Left, m.Person)
		} else {
			out.Removed = append(out.Removed, m.Person)
		}
	}
	for _, m := range is {
		if !same(was, m) {
			out.Added = append(out.Added, m.Person)
		}
	}
	c.dropPending()
	if c.state.Gen != out.Before.Gen {
		c.learn()
		out.NewGen = true
	}
	return out
}

func same(list []Member, m Member) bool {
	return slices.ContainsFunc(list, func(o Member) bool { return o.Leaf == m.Leaf && o.Person == m.Person })
}
