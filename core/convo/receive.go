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

// Waits: a commit that needs pieces of its Slices; see Held.
type Waits struct{}

// Mine is an own message in a valid place, named by the SHA-256 of its MLS message.
type Mine struct{ Hash [32]byte }

// Echo is what a later self of this device has said, which is an old copy.
type Echo struct{ Plain []byte }

// Said is an application message of another member.
type Said struct {
	Person plane.PublicKey
	Leaf   uint32
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
	ByLink  bool // the commit of another says that Added came in through links
	Removed []plane.PublicKey
	Left    []plane.PublicKey
	// Devices are members with a new device, Rejoined those of whom one took the place of another.
	Devices  []plane.PublicKey
	Rejoined []plane.PublicKey
	Before   State
	NewGen   bool              // the log's keys of the next generation are known now
	Moved    bool              // the conversation goes on in another log: Place, Base
	Maker    uint32            // the leaf of who has made it
	seats    []seated          // of who has come in
	Out      bool              // this member is no longer one; the state stays as it was
	Banned   bool              // with Out: and may not come back
	Renewed  []plane.PublicKey // those of Rejoined whose device has another key, as far as is known here
	Anew     bool              // with Out: perhaps a new leaf of this device stands in the place of the old
}

// Seat returns the leaf on which somebody has come in, the last of several.
func (o *Changed) Seat(p plane.PublicKey) (leaf uint32) {
	for _, s := range o.seats {
		if s.person == p {
			leaf = s.leaf
		}
	}
	return leaf
}

func (Void) outcome()    {}
func (Waits) outcome()   {}
func (Mine) outcome()    {}
func (Echo) outcome()    {}
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
// this member has sealed in the current epoch. Not while a commit is Held.
func (c *Convo) Receive(now time.Time, seq plane.Seq, body []byte, own func([32]byte) bool) Outcome {
	if seq <= c.cursor {
		return Void{Old: true}
	}
	c.advance(now, seq, body)
	if c.deaf() {
		return Void{}
	}
	plain, err := seal.OpenRecord(c.env, c.id, body)
	if err != nil {
		if c.overtaken(now, body) {
			return Void{}
		}
		if c.suspect > 0 && c.suspect <= suspectMax {
			c.suspect++
		}
		c.void(now)
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
		c.entered = now
		return c.won(p)
	}
	if own(h) {
		c.opened = seq
		return Mine{h}
	}
	if c.ghost(h) {
		c.outdated(true)
		return Void{}
	}
	r, err := c.process(msg, now)
	if need, ok := err.(*mls.NeedSlice); ok {
		return c.hold(seq, msg, need)
	}
	return c.took(now, msg, r, err)
}

// took judges what MLS has made of a message.
func (c *Convo) took(now time.Time, msg []byte, r mls.Received, err error) Outcome {
	if err != nil {
		if rule, ok := errors.AsType[*mls.RuleError](err); ok && rule.Rule == "M-107" {
			// The path secret for this leaf is wrong: a commit that is void for all, or one that
			// everybody else accepts. What comes next tells.
			c.suspect = max(c.suspect, 1)
		}
		return c.foreign(msg, err)
	}
	c.opened = c.cursor
	// Somebody else is still in this epoch. That takes the doubt about a commit away at once, and that
	// about records which do not open when most do: there may be a branch of theirs.
	if c.voids -= min(c.voids, 1); c.lost == LostSlices || c.lost == LostVoid && (c.suspect > 0 || c.voids == 0) {
		c.Found()
	}
	c.suspect = 0
	switch r := r.(type) {
	case mls.Application:
		p, ok := c.PersonAt(r.Sender)
		if !ok {
			return Void{}
		}
		if d := c.g.Digest(); len(r.AAD) > 0 && string(c.digestIn(r.AAD)) != string(d[:]) && !c.forked {
			c.forked, c.dirty.cold = true, true
		}
		return Said{p, r.Sender, r.Data}
	case mls.ProposalReceived:
		if r.Kind != mls.ProposalSelfRemove {
			return Void{} // never committed by our clients: see policy.go
		}
		p, ok := c.PersonAt(r.Sender)
		if !ok || c.state.Kind != Group || slices.Contains(c.leaving, r.Sender) {
			return Void{}
		}
		c.leaving = append(c.leaving, r.Sender)
		c.dirty.head = true
		return Leaving{p}
	case mls.CommitReceived:
		c.entered = now
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
	by, ok := c.PersonAt(r.Committer)
	if !ok || r.External || r.Closed || len(r.Updated) > 0 {
		return Void{}
	}
	out := Changed{By: by, Before: c.state, Lost: c.pending}
	if r.RemovedSelf {
		c.succeed(r.Joined)
		// The new state cannot be seen, so only the right to remove is checked. Who has it not may
		// have put another device of ours in the place of this one, which cannot be seen either.
		if me := c.Own(); !c.MayRemove(by, me) && !c.asked(me) {
			if len(r.Added) > 0 {
				c.ended(LostReplaced)
			}
			return Void{}
		}
		if out.Out, out.Anew = true, len(r.Added) > 0; out.Anew {
			c.ended(LostEnded)
		}
		for _, x := range r.Extensions {
			if st, err := ParseState(x.Data); x.Type == StateExtension && err == nil {
				out.Banned = st.BannedAt(c.Own()) >= 0
			}
		}
		return out
	}
	t := turn{removed: slices.Concat(r.Removed, r.SelfRemoved)}
	if c.light != nil {
		if t.added, ok = c.arrivals(r.Joined); !ok {
			return Void{}
		}
		r.Added = nil
	}
	for _, i := range r.Added {
		s, ok := c.arrival(r.Next, i)
		if !ok {
			return Void{}
		}
		t.added = append(t.added, s)
	}
	// The one leaf that can have another key is the maker's own, where there are no Updates; its person
	// is the same. A light member knows it after a commit with a path.
	if t.maker, ok = c.arrival(r.Next, r.Committer); (!ok || t.maker.person != by) && !(c.light != nil && t.maker.person == (plane.PublicKey{})) {
		return Void{}
	}
	st, err := ParseState(r.Next.Extension(StateExtension))
	if err != nil || !c.mayExtend(r.Next, t) || !c.admitted(r.AAD) || !c.allowed(by, st, t) {
		return Void{}
	}
	head, _ := parseHead(r.AAD)
	out.ByLink = len(head.Doors) > 0
	c.followUp(r)
	return c.adopt(out, r.Next, t, r.Committer, head.AtMS)
}

// won makes an own commit the truth.
func (c *Convo) won(p *Pending) Outcome {
	t := p.turn
	c.up = nil // it does not know this commit
	if t == nil {
		x := c.turnTo(p.next)
		t = &x
	}
	return c.adopt(Changed{By: c.Own(), Mine: true, Own: p, Before: c.state}, p.next, *t, c.g.OwnIndex(), p.atMS)
}

func (c *Convo) adopt(out Changed, next *mls.Group, t turn, maker uint32, ms uint64) Outcome {
	list := c.tally(t)
	seen := map[plane.PublicKey]bool{}
	strangers := 0 // whose leaf is removed, and not known here
	once := func(p plane.PublicKey) bool {
		was := seen[p]
		seen[p] = true
		return !was
	}
	for _, leaf := range t.removed {
		p := c.at(leaf)
		switch {
		case p == (plane.PublicKey{}):
			strangers++
		case c.after(list, p) > 0 || !once(p):
		case c.asked(p):
			out.Left = append(out.Left, p)
		default:
			out.Removed = append(out.Removed, p)
		}
	}
	for _, s := range t.added {
		if !once(s.person) {
			continue
		}
		switch x := list[s.person]; {
		case c.light != nil && s.rejoin && strangers > 0 && c.count(s.person) == 0:
			strangers--
			out.Rejoined = append(out.Rejoined, s.person)
		case c.count(s.person) == 0:
			out.Added = append(out.Added, s.person)
		case x.lost > 0:
			out.Rejoined = append(out.Rejoined, s.person)
			if _, same := c.place(s, t); c.light == nil && !same {
				out.Renewed = append(out.Renewed, s.person)
			}
		default:
			out.Devices = append(out.Devices, s.person)
		}
	}
	marks := c.marks(t)
	err := c.enter(next)
	inv.That(err == nil, "a judged commit has a group state")
	if c.light != nil {
		c.turnLight(t, &out, strangers)
	} else {
		for _, leaf := range t.removed {
			c.who.take(leaf)
		}
		for _, s := range t.added {
			c.who.put(s.leaf, s.person)
			c.who.setMandate(s.leaf, s.identity)
		}
		if m, err := next.Member(maker); err == nil {
			c.who.setMandate(maker, m.Credential.Identity())
		}
	}
	out.seats, out.Maker = t.added, maker
	c.turnWall(&out.Before.Rules, t, maker, marks, ms)
	c.dropPending()
	if c.state.Gen != out.Before.Gen {
		c.learn()
		out.NewGen = true
	}
	out.Moved = c.follow(out.Before.Moved)
	c.begin()
	return out
}
