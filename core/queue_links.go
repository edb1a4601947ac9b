package core

import (
	"crypto/rand"
	"slices"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// rejoinDays is how long the door for lost members is made to stand, rejoinRenew when it is renewed.
// rejoinPast is how long one stands that another has taken the place of: those who have lost the thread
// since before know no other, and so do those who have gone.
const (
	rejoinDays  = 365
	rejoinRenew = 30
	rejoinPast  = 90
)

// keepsQueue says whether the queue is this device's to keep.
func (m *Machine) keepsQueue(c *chat) bool {
	if c.owner == nil || !c.c.OwnAdmin() || c.Leaving {
		return false
	}
	st := c.c.State()
	return st.Queue == nil || st.Queue.Log == queueOf(c.owner).Log // else whoever has that owner key keeps it
}

// keepQueue makes a group's queue and keeps its card, its doors and the links in the group state.
// Only who has the owner key of the group's log can.
func (m *Machine) keepQueue(s *server, c *chat) {
	q := c.qu()
	if q.busy || m.now.Before(q.retryAt) || m.stuck(c) { // lost: its keys may be nobody's but its own
		return
	}
	if !m.keepsQueue(c) {
		for _, l := range slices.Clone(q.making) {
			m.endLink(c, l, ErrNotAllowed)
		}
		return
	}
	st, k := c.c.State(), queueOf(c.owner)
	if st.Queue != nil {
		k = st.Queue
	}
	if st.Queue == nil && c.c.Size() < 2 && len(q.making) == 0 {
		return // nobody to come back, nobody to come in
	}
	today := plane.DayOf(m.now)
	card := m.queueCard(c, k)
	// Before the group state names the queue, its keys are not the ones to be used.
	stale := st.Queue != nil && (q.Carded != k.Gen || hashOf(card) != q.Card && len(st.Links)+len(q.making) > 0)
	// The door is there before the state names it: whoever is lost then may be all that is left.
	want := k
	if st.Queue == nil || k.At < st.Gen || q.Gen > k.Gen || q.torn(k) { // somebody has gone since, who knows the keys, or the state is that of an old copy
		if !q.planned(k) {
			q.Plan, q.dirty = k.Next(st.Gen), true
			q.Plan.Gen = max(q.Plan.Gen, q.Gen+1)
		}
		want = q.Plan
	}
	doorless := q.Door != want.Rejoin || q.Until <= today+rejoinRenew
	behind := st.Queue != nil && q.Gen < k.Gen
	past := q.Past != [16]byte{} && q.Past != want.Rejoin
	if q.Made && !stale && !doorless && !behind && !past && len(q.making)+len(q.Drop) == 0 {
		m.keepLinks(c, k)
		return
	}
	owner := queueOwner(c.owner)
	switch {
	case q.own == 0 && !q.Made:
		if !s.canCreate() {
			return
		}
		first := queueOf(c.owner).Secret
		read, write := caps.DeriveLogKeys(first[:], 1) // so that making it again is harmless
		r := wire.Create{Owner: owner.Public(), Read: read.Public(), Write: write.Public(), TTLDays: plane.TTLDaysDefault, Inbox: true}
		r.Sig = owner.Sign(caps.CreateMessage(s.binding, r.Owner, r.Read, r.Write, r.TTLDays, r.Inbox))
		m.askQueue(s, c, r, func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			if q.own = o.Handle; ok {
				q.Made, q.Gen, q.dirty = true, o.Gen, true
			}
			return ok
		})
	case q.own == 0:
		m.askQueue(s, c, s.open(k.Log, wire.RoleOwner, 0, owner), func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			if q.own = o.Handle; ok {
				q.Gen, q.dirty = o.Gen, true
			}
			return ok
		})
	case behind:
		// Whatever generations lie between, these keys are theirs: nobody else has any.
		gen := q.Gen + 1
		read, write := caps.DeriveLogKeys(k.Secret[:], gen)
		m.askQueue(s, c, wire.Rotate{Handle: q.own, Gen: gen, Read: read.Public(), Write: write.Public()}, func(a wire.Answer) bool {
			if codeOf(a) != plane.OK {
				q.own = 0 // another admin was there first: the server says how far it is
				return false
			}
			q.Gen, q.write, q.dirty = gen, 0, true
			return true
		})
	case stale:
		key, err := seal.CardKeyFromBytes(k.Card[:])
		inv.That(err == nil, "card key")
		b, err := seal.SealCard(key, k.Log, m.signedCard(c, k))
		inv.That(err == nil, "a card fits")
		m.askQueue(s, c, wire.PoolPut{Handle: q.own, Card: b}, func(a wire.Answer) bool {
			_, ok := a.(wire.Pool)
			if ok {
				q.Card, q.Carded, q.dirty = hashOf(card), k.Gen, true
			}
			return ok
		})
	case past:
		door := q.Past
		m.askQueue(s, c, wire.Door{Handle: q.own, Key: caps.DoorSigner(door).Public(), Left: plane.DoorUsesMax, Until: today + rejoinPast}, func(a wire.Answer) bool {
			ok := codeOf(a) == plane.OK
			if ok && q.Past == door {
				q.Past, q.dirty = [16]byte{}, true
			}
			return ok
		})
	case doorless:
		until := today + rejoinDays
		m.askQueue(s, c, wire.Door{Handle: q.own, Key: caps.DoorSigner(want.Rejoin).Public(), Left: plane.DoorUsesMax, Until: until}, func(a wire.Answer) bool {
			ok := codeOf(a) == plane.OK
			if ok {
				if q.Door != want.Rejoin {
					q.Past = q.Door
				}
				q.Until, q.Door, q.dirty = until, want.Rejoin, true
			}
			return ok
		})
	default:
		for _, l := range q.making {
			if l.door == 0 {
				m.askQueue(s, c, wire.Door{Handle: q.own, Key: l.link.Door, Left: l.link.Uses, Until: l.link.Until}, func(a wire.Answer) bool {
					if codeOf(a) == plane.OK {
						l.door = 2
					} else if code := codeOf(a); code != plane.Busy && code != plane.Failed && code != plane.Full {
						m.endLink(c, l, ErrInternal)
					}
					return l.door == 2
				})
				return
			}
		}
		if len(q.Drop) > 0 && !slices.ContainsFunc(st.Links, func(l convo.Link) bool { return l.Door == q.Drop[0] }) {
			door := q.Drop[0]
			m.askQueue(s, c, wire.Door{Handle: q.own, Key: door, Left: 0, Until: today}, func(a wire.Answer) bool {
				ok := codeOf(a) == plane.OK
				if ok && len(q.Drop) > 0 && q.Drop[0] == door {
					q.Drop, q.dirty = q.Drop[1:], true
				}
				return ok
			})
			return
		}
		m.keepLinks(c, k)
	}
}

// queueCard is what the card says, without what differs each time.
func (m *Machine) queueCard(c *chat, k *convo.Queue) []byte {
	st := c.c.State()
	n := c.c.Size()
	for round := 1; round < n; round *= 2 { // a newcomer is not told each time that one has come
		if n < 2*round {
			n = round
		}
	}
	return timeline.Encode([]any{st.Name, st.Picture, n, k.Secret[:]})
}

func (m *Machine) signedCard(c *chat, k *convo.Queue) []byte {
	st := c.c.State()
	return account.NewQueueCard(queueOwner(c.owner), account.QueueCard{
		Group: c.log, KEM: queueKEM(k.Secret).Public(), Name: st.Name, Picture: st.Picture, Members: uint32(c.c.Size()),
	})
}

// planned says whether there is a plan for a turn of a queue's keys.
func (q *queue) planned(k *convo.Queue) bool { return q.Plan != nil && q.Plan.Gen > max(k.Gen, q.Gen) }

// keepLinks brings queue and links into the group state.
func (m *Machine) keepLinks(c *chat, k *convo.Queue) {
	q, st := c.qu(), c.c.State()
	for _, l := range slices.Clone(q.making) {
		if slices.ContainsFunc(st.Links, func(x convo.Link) bool { return x.Door == l.link.Door }) {
			m.endLink(c, l, "")
		}
	}
	if c.c.Pending() != nil || m.stuck(c) || c.State != chatOpen {
		return
	}
	today := plane.DayOf(m.now)
	over := func(l convo.Link) bool {
		return slices.Contains(q.Drop, l.Door) || l.Until+1 < today && len(st.Links) >= convo.LinksMax/2
	}
	if st.Queue != nil && st.Queue.At == st.Gen && q.Gen <= k.Gen && !q.torn(k) && len(q.making) == 0 && !slices.ContainsFunc(st.Links, over) {
		return
	}
	_, err := c.c.Begin(convo.Change{Tag: tagState, NewGen: st.Queue != nil && st.Behind(), Edit: func(st *convo.State) {
		if p := q.Plan; q.planned(k) && q.Door == p.Rejoin {
			x := *p
			x.At = st.Gen
			st.Queue = &x
		}
		st.Links = slices.DeleteFunc(st.Links, over)
		for _, l := range q.making {
			if l.door == 2 && len(st.Links) < convo.LinksMax {
				st.Links = append(st.Links, l.link)
			}
		}
	}}, m.now)
	if err == nil {
		m.touch(c)
	}
}

// endLink answers a GroupInvite.
func (m *Machine) endLink(c *chat, l *makingLink, code ErrCode) {
	q := c.qu()
	i := slices.Index(q.making, l)
	if i < 0 {
		return
	}
	q.making = slices.Delete(q.making, i, i+1)
	if code != "" {
		m.reply(l.id, nil, code)
		return
	}
	q.Seeds, q.dirty = append(q.Seeds[max(0, len(q.Seeds)-convo.LinksMax+1):], l.seed), true
	m.reply(l.id, InviteLink{
		ID: l.link.Door.Text(), Link: m.groupLink(c, l.seed), Uses: usesView(l.link.Uses), Until: l.link.Until.Start().Format(time.DateOnly),
	}, "")
	m.show(c)
}

// groupLink is the text of the link whose door has that seed.
func (m *Machine) groupLink(c *chat, seed [16]byte) string {
	k := c.c.State().Queue
	s := m.servers[c.Server]
	if k == nil || s == nil {
		return ""
	}
	card, err := seal.CardKeyFromBytes(k.Card[:])
	inv.That(err == nil, "card key")
	return seal.Link{Origin: s.Origin, Server: s.id, Inbox: k.Log, Door: seed, Card: card, Group: true}.String()
}

// groupInvite makes a link into a group.
func (m *Machine) groupInvite(id string, c *chat, x GroupInvite) {
	uses, days := x.Uses, x.Days
	if uses == 0 {
		uses = plane.DoorUsesMax
	}
	if days == 0 {
		days = inviteDays
	}
	q := c.qu()
	var code ErrCode
	switch {
	case c.Leaving || c.State == chatLeft:
		code = ErrLeft
	case !c.alive() || !mayAdd(c) || c.owner == nil:
		code = ErrNotAllowed
	case uses < 1 || uses > plane.DoorUsesMax || days < 1 || days > 365:
		code = ErrBadArguments
	case len(c.c.State().Links)+len(q.making) >= convo.LinksMax:
		code = ErrLinksFull
	}
	if code != "" {
		m.reply(id, nil, code)
		return
	}
	if slices.ContainsFunc(q.making, func(l *makingLink) bool { return l.id == id && id != "" }) {
		return
	}
	l := &makingLink{id: id, until: m.now.Add(answerMax)}
	_, _ = rand.Read(l.seed[:])
	l.link = convo.Link{
		Door: caps.DoorSigner(l.seed).Public(), Until: plane.DayOf(m.now) + plane.Day(days), Uses: uint16(uses), Approve: x.Approve, By: m.acc.person(),
	}
	q.making = append(q.making, l)
	m.touch(c)
}

// dueLinks ends GroupInvites that waited too long.
func (m *Machine) dueLinks(c *chat) {
	if c.queue == nil {
		return
	}
	for _, l := range slices.Clone(c.queue.making) {
		if !m.now.Before(l.until) {
			m.endLink(c, l, ErrOffline)
		}
	}
}

// usesView is what people are told of a door's uses: as many as it can have are no bound.
func usesView(n uint16) int {
	if n == plane.DoorUsesMax {
		return 0
	}
	return int(n)
}

// links lists the links into a group. Only the texts of those that were made here are known.
func (m *Machine) links(c *chat) Links {
	out := Links{Links: []LinkState{}}
	for _, l := range c.c.State().Links {
		x := LinkState{
			ID: l.Door.Text(), Uses: usesView(l.Uses), Used: c.qu().used(l.Door), Until: l.Until.Start().Format(time.DateOnly), Approve: l.Approve, By: m.nameOf(l.By),
		}
		for _, seed := range c.qu().Seeds {
			if caps.DoorSigner(seed).Public() == l.Door {
				x.Link = m.groupLink(c, seed)
			}
		}
		out.Links = append(out.Links, x)
	}
	return out
}

// revoke withdraws a link: from the group state, so that nobody lets in through it any more, and
// its door from the server.
func (m *Machine) revoke(c *chat, id string) ErrCode {
	door, err := plane.ParsePublicKey(id)
	switch {
	case err != nil:
		return ErrBadArguments
	case c.Leaving || c.State == chatLeft:
		return ErrLeft
	case !c.alive() || !mayAdd(c) || c.owner == nil:
		return ErrNotAllowed
	}
	q := c.qu()
	if slices.ContainsFunc(c.c.State().Links, func(l convo.Link) bool { return l.Door == door }) && !slices.Contains(q.Drop, door) {
		q.Drop, q.dirty = append(q.Drop, door), true
		m.touch(c)
	}
	return ""
}

// approvals lists the knocks that wait for an admin's yes.
func (m *Machine) approvals(c *chat) (list []*knocked) {
	if c.queue == nil || !mayAdd(c) {
		return nil
	}
	for _, k := range c.queue.knocks {
		if !k.k.Again && !k.in && !m.ready(c, k) {
			list = append(list, k)
		}
	}
	return list
}

// knocks lists them for a face.
func (m *Machine) knockList(c *chat) Knocks {
	out := Knocks{Knocks: []Knock{}}
	for _, k := range m.approvals(c) {
		out.Knocks = append(out.Knocks, Knock{Person: k.k.Account.Text(), Name: knockName(k), At: k.k.At})
	}
	return out
}

func knockName(k *knocked) string { return convo.LeafName(k.kp.LeafExtensions()) }

// answer lets somebody in who waits, or refuses.
func (m *Machine) answer(c *chat, x Answer) ErrCode {
	p, err := plane.ParsePublicKey(x.Person)
	if err != nil {
		return ErrBadArguments
	}
	if !c.alive() || !mayAdd(c) || !c.c.OwnAdmin() {
		return ErrNotAllowed
	}
	q := c.qu()
	for _, k := range m.approvals(c) {
		if k.k.Account != p {
			continue
		}
		if x.Yes {
			q.Yes, q.dirty = append(q.Yes, said{Seq: k.seq, Who: p}), true
			k.due = m.now
		} else {
			m.answerKnock(c, k, passNo)
			m.settleKnock(c, k)
		}
		m.touch(c)
	}
	m.show(c)
	m.emit(Emit{KnocksChanged{Chat: c.id}})
	return ""
}
