package core

import (
	"slices"
	"strconv"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

const (
	// healFirst is how long a device waits before it asks to be taken in again, where the next
	// message of another may show that nothing is amiss; healBroken the same after a failure of ours,
	// which may come again.
	healFirst  = 20 * time.Second
	healBroken = time.Minute
	// healEach spreads the requests of those who all miss the same, for each leaf of the group.
	healEach = 20 * time.Millisecond
)

// stuck says that a device may not write into a conversation: it has lost the thread.
func (m *Machine) stuck(c *chat) bool { return c.c.Lost() != 0 || c.State == chatBroken }

// healing says that it is about to find back.
func (m *Machine) healing(c *chat) bool {
	return (c.State == chatOpen || c.State == chatWaiting || c.State == chatBroken) && m.stuck(c)
}

// forsakenAfter is how many requests of one's own go without an answer before a device that has
// merely missed something helps those who know less: all may have missed it.
const forsakenAfter = 3

// forsaken says that nobody answers who has not lost the thread. Of those who have, the one who has
// come furthest goes on: no other is known to be further, and who is after all finds back to them.
func (m *Machine) forsaken(c *chat) bool {
	w := m.waitOf(c.id)
	l := c.c.Lost()
	return w != nil && w.Again && w.Try >= forsakenAfter && (l == convo.LostGap || l == convo.LostVoid || l == convo.LostOwn || l == convo.LostSlices || (l == convo.LostReplaced || l == convo.LostEnded) && w.Try >= 2*forsakenAfter) && c.State != chatBroken
}

// goesOn says that a device may let others in, in a conversation whose thread it has lost or not: it is
// where the log ends, and its keys are fresh, or nobody is who answers.
func (m *Machine) goesOn(c *chat) bool {
	return !m.stuck(c) || c.c.Lost() == convo.LostPast && c.State != chatBroken || m.forsaken(c)
}

// upToDate says that it needs no one else for that.
func (m *Machine) upToDate(c *chat) bool {
	return !m.stuck(c) || c.c.Lost() == convo.LostPast && c.State != chatBroken
}

// behind says that who asks to come back has not come as far as this device.
func behind(c *chat, k *knocked) bool {
	d := c.c.Digest()
	return k.k.Again && (k.k.Epoch < c.c.Epoch() || k.k.Epoch == c.c.Epoch() && string(k.k.Digest[:]) < string(d[:]))
}

// suspectEach is how often a device asks because somebody else has come as far in another way.
const suspectEach = 10 * time.Minute

// suspect: somebody is in another branch of the conversation. Asking shows which of the two goes on.
func (m *Machine) suspect(c *chat) {
	if !c.suspectAt.IsZero() && m.now.Before(c.suspectAt.Add(suspectEach)) {
		return
	}
	c.suspectAt = m.now
	c.c.Lose(convo.LostVoid)
	m.show(c)
}

// ahead: an invitation leads into a branch that does not go on. Those who are in it are told, by a
// knock that says how far they have come.
func (m *Machine) ahead(c *chat, p *pass) {
	n := len(p.Begun)
	if n == 0 || p.Begun[n-1].Epoch <= c.farther || c.kind() != ChatGroup {
		return
	}
	c.farther = p.Begun[n-1].Epoch
	if w := m.waitOf(c.id); w != nil && w.Again {
		m.dropWait(w)
	}
	c.c.Lose(convo.LostVoid)
	m.show(c)
}

// refusalsMax is how often in a row a log may open with no key that is known before one asks.
const refusalsMax = 3

// keyless: the log did not open with any key that is known here.
func (m *Machine) keyless(c *chat) {
	if c.refusals++; c.refusals >= refusalsMax && c.Created {
		c.c.Lose(convo.LostKeys)
		m.show(c)
	}
}

// heals begins to find back wherever a device has lost the thread.
func (m *Machine) heals() {
	for _, c := range m.sortedChats() {
		if m.devs.Out && (m.healing(c) || c.alive() && c.kind() == ChatSaved) {
			m.close(c) // nobody lets it in any more
		}
		if !m.healing(c) { // who wants to leave has to find back, too: the others count them
			c.healAt = time.Time{}
			continue
		}
		if w := m.waitOf(c.id); w != nil {
			c.healAt = time.Time{}
			if l := c.c.Lost(); w.Again && w.Entered == 0 && w.Try >= forsakenAfter && c.c.Lonely() && !c.locked() && (l == convo.LostOwn || l == convo.LostPast || l == convo.LostVoid) {
				m.dropWait(w) // whoever was here when it asked has left, and nobody came
				m.alone(c)
			}
			continue
		}
		if c.healAt.IsZero() {
			d := time.Duration(0)
			switch {
			case c.State == chatBroken:
				d = healBroken
			case c.c.Lost() == convo.LostVoid, c.c.Lost() == convo.LostReplaced:
				d = between(healFirst/2, healFirst)
			case c.c.Lost() == convo.LostSlices: // perhaps all, who would ask at once
				d = between(0, time.Duration(c.c.Leaves())*healEach)
			}
			c.healAt = m.now.Add(d)
			m.show(c)
		}
		s := m.servers[c.Server]
		if m.now.Before(c.healAt) || !s.isUp() || len(m.waits) >= waitsMax || c.c.Lost() != convo.LostKeys && c.State != chatBroken && c.read != 0 && !c.subscribed {
			continue
		}
		m.heal(s, c)
	}
}

// heal asks to be taken in again.
func (m *Machine) heal(s *server, c *chat) {
	x := storedWait{Server: s.id, Again: true, Chat: c.log}
	switch st := c.c.State(); {
	case st.Kind == convo.Group && m.way(&x, c):
	case st.Kind == convo.Group && !c.c.Lonely():
		c.healAt = m.now.Add(askAgainMax) // nobody has made a queue yet
		return
	case st.Kind == convo.Two && c.Person != nil:
		p := m.person(*c.Person)
		if p.stored.Door == [16]byte{} || p.stored.Server != s.id {
			c.healAt = m.now.Add(askAgainMax)
			return
		}
		x.Inbox, x.Queue, x.Door, x.Card = true, plane.LogID(p.stored.Inbox), p.stored.Door, p.stored.Card
	case c.c.Lonely() && !c.locked():
		m.alone(c)
		return
	default: // one's own devices answer
		x.Inbox, x.Queue, x.Door, x.Card = true, m.acc.inboxLog(), m.acc.Door, [16]byte(m.acc.Card)
		if w := m.devs.Way; w != (wayIn{}) {
			x.Queue, x.Door, x.Card = w.Inbox, w.Door, w.Card
		}
	}
	c.c.Abandon()
	m.newWait(x)
	m.show(c)
}

// alone: nobody else is in the conversation to stay, so what is here is all there is. New keys, for what
// was written by a later state under the old ones.
func (m *Machine) alone(c *chat) {
	m.goneOn(c)
	c.c.Found()
	if c.State != chatBroken {
		m.wish(c, &outbox.Intent{Act: outbox.Refresh})
	}
	m.healed(c)
}

// roomEach is how many places of the history stay free for each record that is not read.
const roomEach = 2

// keepRoom keeps places free for what a device that has lost the thread does not read, where it stands.
func (m *Machine) keepRoom(c *chat, gone plane.Seq, out convo.Outcome) {
	if c.c.Lost() == 0 {
		return
	}
	if _, void := out.(convo.Void); void {
		gone++
	}
	if gone > 0 {
		v := m.view(c)
		v.Next += roomEach * uint64(gone)
		v.dirtyNumbers = true
	}
}

// healed: the thread is found.
func (m *Machine) healed(c *chat) { m.back(c, "healed") }

// back says in a conversation that this device is in it again, or in the place of another.
func (m *Machine) back(c *chat, what string) {
	c.healAt, c.retryAt, c.tries, c.refusals = time.Time{}, time.Time{}, 0, 0
	m.notify(c, c.c.Cursor(), 16+int(c.Heals%1000), timeline.Line{What: what, Who: m.acc.person()})
	c.Heals++
	c.dirtyMeta = true
	m.touch(c)
	m.show(c)
}

// askedAgain takes a request of somebody who has lost the thread of a two-person conversation, or of one's
// own devices, from the inbox.
func (m *Machine) askedAgain(k account.Knock) {
	c := m.chats[k.Conversation.Text()]
	if c == nil || !c.alive() || !k.Again {
		return
	}
	two := c.c.State().Kind == convo.Two && c.Person != nil && *c.Person == k.Account
	st := c.c.State()
	if !two && !(st.Kind == convo.Saved && m.own(k.Account)) && !(st.Kind == convo.Group && c.c.Has(k.Account)) {
		return
	}
	q := c.qu()
	if len(q.knocks) >= knocksMax || len(q.replies) >= knocksMax {
		return // it asks again
	}
	q.Asked++
	seq := askFirst + plane.Seq(q.Asked)
	q.dirty = true
	if m.knock(c, seq, k) {
		q.Asks = append(q.Asks[max(0, len(q.Asks)-asksMax+1):], timeline.Encode(k))
		m.touch(c)
	}
}

// loadAsks brings back the requests that were stored.
func (m *Machine) loadAsks(c *chat) {
	q := c.qu()
	if q.loaded {
		return
	}
	q.loaded = true
	for _, b := range q.Asks {
		var k account.Knock
		if timeline.Decode(b, &k) == nil {
			q.Asked++
			q.Seen = slices.DeleteFunc(q.Seen, func(s seenKnock) bool { return s.Seq >= askFirst })
			m.knock(c, askFirst+plane.Seq(q.Asked), k)
		}
	}
}

// hintMark starts a hint, which is no Frame either: see controlMark.
const hintMark = 1

// hintsMax bounds the hints that are followed at once.
const hintsMax = 8

// hint tells somebody that they are in a group, and where to knock.
type hint struct {
	_      struct{} `cbor:",toarray"`
	Server ServerID
	Chat   plane.LogID
	Queue  plane.LogID
	Rejoin [16]byte
	Card   [16]byte
}

// hint: a device from an old copy does not know whom it has added since, and whether they were ever
// told. Those of its contacts who have come in since are: who is in passes over it.
func (m *Machine) hint(c *chat, fresh []plane.PublicKey) {
	k := c.c.State().Queue
	if k == nil {
		return
	}
	body := append([]byte{hintMark}, timeline.Encode(hint{Server: c.Server, Chat: c.log, Queue: k.Log, Rejoin: k.Rejoin, Card: k.Card})...)
	for _, who := range fresh {
		if p := m.people[who]; p != nil && !m.own(who) {
			if two := m.chats[p.stored.Chat]; two != nil && two.alive() {
				m.enqueue(m.sender(two), &outbox.Item{Kind: outbox.Control, Body: body})
			}
		}
	}
}

// hintAll tells a contact whose device may be an old copy of the groups that both are in: that copy may
// be from before it came into them.
func (m *Machine) hintAll(who plane.PublicKey) {
	for _, c := range m.sortedChats() {
		if c.kind() == ChatGroup && c.alive() && !m.stuck(c) && c.c.Has(who) {
			m.hint(c, []plane.PublicKey{who})
		}
	}
}

// hinted takes a hint of a contact.
func (m *Machine) hinted(c *chat, plain []byte) {
	var h hint
	if timeline.Decode(plain[1:], &h) == nil && h.Server == c.Server {
		m.lead(storedWait{Server: h.Server, Chat: h.Chat, Queue: h.Queue, Door: h.Rejoin, Card: h.Card})
	}
}

// lead follows what a contact says of a chat that one is not in.
func (m *Machine) lead(x storedWait) {
	n := 0
	for _, w := range m.waits {
		if w.Hinted {
			n++
		}
		if x.Inbox && w.Hinted && w.Asked == x.Asked {
			return // one at a time
		}
	}
	if n >= hintsMax {
		return // a contact says what it likes; room stays for what one has lost
	}
	if m.waitOf(x.Chat.Text()) != nil || len(m.waits) >= waitsMax || len(m.chats) >= chatsMax {
		return
	}
	if c := m.chats[x.Chat.Text()]; c != nil && c.State != chatLeft {
		return // and who has left may have been added since
	}
	x.Again, x.Hinted = true, true
	m.newWait(x)
}

func parseNumber(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }
