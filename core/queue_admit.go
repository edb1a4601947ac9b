package core

import (
	"fmt"
	"slices"
	"sort"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/mls"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// What an answer says when it lets nobody in.
const (
	passCurrent = "current" // one is where the others are
	passOut     = "out"     // one is no member any more
	passOld     = "old"     // the members know a newer mandate of one's account
	passNo      = "no"      // an admin has said no
	passGone    = "gone"    // the link is withdrawn, used up or over
	passBanned  = "banned"
	passFull    = "full"
)

const (
	// treeInline is up to how many bytes the tree goes into each answer; a larger one goes into a
	// blob, once for all whom a commit lets in.
	treeInline = 24 << 10
	// treeBytesMax bounds the tree that a joiner fetches.
	treeBytesMax = ObjectBytesMax / plane.BlobChunkBytes * seal.ChunkPlainMax
	// repliesMax is how many answers are delivered at once.
	repliesMax = 16
	// passPartsMax bounds the records of an answer, and passHead the bytes in its first one.
	passPartsMax = 128
	passHead     = seal.RequestPayloadMax - 34
	passPart     = seal.RecordPayloadMax - 2
)

// share is what the answers to all whom one commit let in have in common.
type share struct {
	N      uint64   `cbor:"1,keyasint"`
	Head   []byte   `cbor:"2,keyasint"`          // pass
	Secret [16]byte `cbor:"3,keyasint,omitzero"` // of the blob that is still to be put
	Data   []byte   `cbor:"4,keyasint,omitempty"`

	busy bool
}

func replyKey(id string, n uint64) string { return chatKey(id, fmt.Sprintf("y/%016x", n)) }
func shareKey(id string, n uint64) string { return chatKey(id, fmt.Sprintf("z/%016x", n)) }

// askFirst is the first of the numbers that requests outside of a queue get.
const askFirst plane.Seq = 1 << 62

// judgeAll looks at every knock: some are over, or can be refused.
func (m *Machine) judgeAll(c *chat) {
	q := c.qu()
	for _, k := range slices.Clone(q.knocks) {
		if why, over := m.judge(c, k); over {
			if why != "" {
				m.answerKnock(c, k, why)
			}
			if why == passCurrent {
				m.tellAgain(c, storedAdmit{Reply: k.k.Reply, Write: k.k.Write, KEM: k.k.KEM, Since: k.k.Cursor, Person: k.k.Account})
			}
			m.settleKnock(c, k)
		}
	}
}

// settleKnock: nothing more is to be done about a knock.
func (m *Machine) settleKnock(c *chat, k *knocked) {
	q := c.qu()
	if k.seq >= askFirst {
		q.Asks = slices.DeleteFunc(q.Asks, func(b []byte) bool {
			var x account.Knock
			return timeline.Decode(b, &x) == nil && x.Reply == k.k.Reply
		})
		q.dirty = true
	}
	q.settle(k.seq)
	m.show(c)
	m.emit(Emit{KnocksChanged{Chat: c.id}})
}

// judge says whether a knock is over and, when it is for this device to say, why.
func (m *Machine) judge(c *chat, k *knocked) (why string, over bool) {
	if slices.ContainsFunc(c.qu().Batch, func(b storedAdmit) bool { return b.Reply == k.k.Reply }) {
		return "", false
	}
	st := c.c.State()
	if m.own(k.k.Account) && string(k.kp.SignatureKey()) == string(m.acc.keys.Device().Public()) {
		return "", true // one's own: for others
	}
	if !m.goesOn(c) {
		return "", false // what is known here is old
	}
	if k.k.Again && k.k.Digest == c.c.Digest() {
		// Any member knows the digest; what follows is for the one whose leaf it is.
		if _, ok := c.c.LeafOf(k.k.Account, k.k.Old[:]); ok {
			return passCurrent, true
		}
	}
	if !m.upToDate(c) && !behind(c, k) {
		return "", false
	}
	if k.k.Again {
		if _, ok := c.c.LeafOf(k.k.Account, k.k.Old[:]); ok {
			k.split = k.k.Digest != [8]byte{} && k.k.Epoch >= c.c.Epoch()
			return "", false
		}
	}
	if _, ok := c.c.LeafOf(k.k.Account, k.kp.SignatureKey()); ok {
		if !k.in {
			// Somebody let them in and tells them now; if nothing is heard of that, we do it again.
			k.in, k.due = true, m.now.Add(takeOver+m.gather(c))
		}
		return "", false
	}
	k.in = false
	switch {
	case m.vouched(c, &k.k):
		return "", false
	case k.k.Again:
		return passOut, true
	case !mayAdd(c):
		return "", false
	}
	i := slices.IndexFunc(st.Links, func(l convo.Link) bool { return l.Door == k.k.Door })
	switch {
	case st.BannedAt(k.k.Account) >= 0:
		return passBanned, true
	case c.c.Size() >= plane.GroupMembersMax || c.c.Leaves() >= convo.LeavesMax:
		return passFull, true
	case i < 0 || plane.DayOf(m.now) > st.Links[i].Until || c.qu().used(k.k.Door) >= int(st.Links[i].Uses):
		return passGone, true
	case c.c.Has(k.k.Account):
		return passGone, true
	}
	return "", false
}

// ready says whether a knock can be answered by letting in now.
func (m *Machine) ready(c *chat, k *knocked) bool {
	if k.in {
		return !m.now.Before(k.due)
	}
	if !m.upToDate(c) && !behind(c, k) {
		return false
	}
	if k.k.Again {
		_, ok := c.c.LeafOf(k.k.Account, k.k.Old[:])
		return ok || m.vouched(c, &k.k)
	}
	if !mayAdd(c) {
		return false
	}
	for _, l := range c.c.State().Links {
		if l.Door == k.k.Door {
			return !l.Approve || slices.Contains(c.qu().Yes, said{Seq: k.seq, Who: k.k.Account})
		}
	}
	return false
}

// used counts whom a link has let in, as far as this device has seen.
func (q *queue) used(door plane.PublicKey) int {
	for _, u := range q.Used {
		if u.Door == door {
			return u.N
		}
	}
	return 0
}

func (q *queue) count(door plane.PublicKey) {
	q.dirty = true
	for i := range q.Used {
		if q.Used[i].Door == door {
			q.Used[i].N++
			return
		}
	}
	q.Used = append(q.Used[max(0, len(q.Used)-usedMax+1):], usedLink{Door: door, N: 1})
}

// admit makes the commit that lets in who has knocked.
func (m *Machine) admit(c *chat) {
	q := c.qu()
	if c.c.Pending() != nil {
		return
	}
	if len(q.Batch) > 0 {
		q.Batch, q.dirty = nil, true // it was given up
	}
	if c.c.Leaving() || c.State != chatOpen && c.State != chatWaiting || !m.goesOn(c) {
		return
	}
	var list []*knocked
	due := false
	links := map[plane.PublicKey]int{}
	for _, k := range q.knocks {
		ready := m.ready(c, k)
		k.act = ready || k.in && m.now.Before(k.due)
		if !ready || len(list) == admitMax {
			continue
		}
		if !k.k.Again && !k.in {
			if u := q.used(k.k.Door) + links[k.k.Door]; u >= usesOf(c.c.State(), k.k.Door) {
				k.act = false
				continue
			}
			links[k.k.Door]++
		}
		list = append(list, k)
		due = due || !m.now.Before(k.due)
	}
	if !due {
		return
	}
	_, err := m.beginAdmit(c, list)
	if err != nil && len(list) > 1 {
		// One of them spoils it for all: they come one at a time, and that one not at all.
		for _, k := range list {
			if _, err = m.beginAdmit(c, []*knocked{k}); err == nil {
				return
			}
			m.settleKnock(c, k)
		}
	} else if err != nil {
		m.settleKnock(c, list[0])
	}
}

func usesOf(st convo.State, door plane.PublicKey) int {
	for _, l := range st.Links {
		if l.Door == door {
			return int(l.Uses)
		}
	}
	return 0
}

// beginAdmit begins a commit with those of list whom the policy lets in; used says which.
func (m *Machine) beginAdmit(c *chat, list []*knocked) (used []bool, err error) {
	ch := convo.Change{WithoutTree: true, Tag: tagAdmit}
	used = make([]bool, len(list))
	come := map[plane.PublicKey]bool{}
	for i, k := range list {
		old := k.k.Old
		if k.in {
			old = plane.PublicKey(k.kp.SignatureKey())
		}
		leaf, is := c.c.LeafOf(k.k.Account, old[:])
		switch {
		case come[k.k.Account]:
			continue // one leaf of a person at a time
		case !is && m.vouched(c, &k.k):
		case k.k.Again || k.in:
			if !is || leaf == c.c.OwnLeaf() {
				continue
			}
			ch.Leaves = append(ch.Leaves, leaf)
		case c.c.Has(k.k.Account):
			continue
		default:
			if !slices.Contains(ch.Doors, k.k.Door) {
				ch.Doors = append(ch.Doors, k.k.Door)
			}
		}
		come[k.k.Account], used[i] = true, true
		ch.Add = append(ch.Add, k.kp)
	}
	sort.Slice(ch.Doors, func(a, b int) bool { return slices.Compare(ch.Doors[a][:], ch.Doors[b][:]) < 0 })
	if len(ch.Add) == 0 {
		return used, convo.ErrNotAllowed
	}
	if _, err := c.c.Begin(ch, m.now); err != nil {
		return nil, err
	}
	q := c.qu()
	q.Batch, q.dirty = nil, true
	for i, k := range list {
		if used[i] {
			q.Batch = append(q.Batch, storedAdmit{Seq: k.seq, Ref: k.kp.Ref(), Reply: k.k.Reply, Write: k.k.Write, KEM: k.k.KEM, Since: k.k.Cursor, Again: k.k.Again, Person: k.k.Account})
		}
	}
	m.touch(c)
	return used, nil
}

// mayAdd says whether one may add people to a chat.
func mayAdd(c *chat) bool { return c.c.MayAdd(c.c.Own()) }

// admitted: the own commit that lets people in has won. What they are to be told is stored with it.
func (m *Machine) admitted(c *chat, out convo.Changed) {
	q := c.qu()
	h := pass{Invitation: c.c.Invite(nil), Queue: q.low(), Begun: c.c.Begun()}
	q.Next++
	x := &share{N: q.Next}
	if c.c.Sliced() {
		// They come in light.
	} else if tree := c.c.Tree(); len(tree) <= treeInline {
		h.Tree.Whole = tree
	} else {
		h.Tree, x.Secret, x.Data = sealTree(tree)
	}
	x.Head = timeline.Encode(h)
	q.shares = append(q.shares, x)
	m.put(shareKey(c.id, x.N), x)
	if !m.upToDate(c) {
		m.goneOn(c)
		c.c.Found() // nobody has come further: from here on all go on together, under new keys
		m.healed(c)
	}
	m.tellEarlier(c)
	split := false
	for _, b := range q.Batch {
		w, err := mls.WelcomeFor(out.Own.Welcome, b.Ref)
		if err != nil {
			continue
		}
		m.putReply(c, &reply{Share: x.N, Seq: b.Seq, Log: b.Reply, Write: b.Write, KEM: b.KEM, Welcome: w, Proofs: c.c.Proofs(out.Seat(b.Person))})
		for _, k := range q.knocks {
			if k.seq == b.Seq && !k.k.Again && !k.in {
				q.count(k.k.Door)
			}
			if k.seq == b.Seq {
				split = split || k.split
				if k.k.Again && k.k.Digest == [8]byte{} {
					m.hintAll(b.Person)
				}
			}
		}
		if b.Seq >= askFirst {
			q.Asks = nil
		}
		q.settle(b.Seq)
	}
	q.Batch, q.dirty = nil, true
	m.emit(Emit{KnocksChanged{Chat: c.id}})
	if split {
		m.suspect(c)
	}
}

// heard: who writes is in, and needs nothing more.
func (m *Machine) heard(c *chat, who plane.PublicKey) {
	if c.queue == nil {
		return
	}
	for _, k := range slices.Clone(c.queue.knocks) {
		if k.in && k.k.Account == who {
			m.settleKnock(c, k)
		}
	}
}

// overtaken: another commit has won. Who has come in by it is told by its maker.
func (m *Machine) overtaken(c *chat) {
	q := c.queue
	if q == nil {
		return
	}
	if len(q.Batch) > 0 {
		q.Batch, q.dirty = nil, true
	}
	for _, k := range q.knocks {
		if !k.in && k.due.Before(m.now) {
			k.due = m.now.Add(m.gather(c))
		}
	}
}

// answerKnock tells somebody why they do not come in.
func (m *Machine) answerKnock(c *chat, k *knocked, why string) {
	r := &reply{Seq: k.seq, Log: k.k.Reply, Write: k.k.Write, KEM: k.k.KEM, Why: why}
	if why == passCurrent {
		r.Digest = k.k.Digest
	}
	m.putReply(c, r)
}

// opensMax bounds the answers that are put together at once; the oldest go first.
const opensMax = 4
