package core

import (
	"slices"
	"time"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/internal/inv"
	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// drop forgets what the session had of a chat, so that all of it is made anew.
func (c *chat) drop() {
	keep := c.line
	c.line = line{turn: keep.turn + 1, typing: keep.typing, receipts: keep.receipts, goneAt: keep.goneAt, rotateAt: keep.rotateAt, deviceAt: keep.deviceAt, strangeAt: keep.strangeAt, wishAt: keep.wishAt, wishes: keep.wishes, postAt: keep.postAt, askAt: keep.askAt, asks: keep.asks, tries: keep.tries, retryAt: keep.retryAt, fetches: keep.fetches}
	for _, i := range c.q.Items {
		if i.Sent {
			i.Sent, i.Tried = false, true
		}
	}
}

// ask sends a request about a chat; its answer is passed over when everything was dropped since.
func (m *Machine) ask(s *server, c *chat, r wire.Request, then func(wire.Answer)) {
	turn := c.turn
	m.send(s, r, func(a wire.Answer) {
		if c.turn == turn {
			m.contain(c, func() { then(a) })
		}
	})
}

// waitChat has the chat looked at again after a growing delay.
func (m *Machine) waitChat(c *chat) {
	c.retryAt = m.now.Add(backoff(c.tries))
	c.tries++
}

// inflightMax bounds the records of a chat that are sent and not answered.
const inflightMax = 32

// pumpChat asks for the next thing that a chat needs. It is called whenever something may have
// changed, looks at the state alone, and so does after a crash what was left undone.
func (m *Machine) pumpChat(c *chat) {
	s := m.servers[c.Server]
	if c.State == chatBroken || c.State == chatLeft {
		return
	}
	m.fadeTyping(c)
	if !m.now.Before(c.postAt) {
		c.postAt = time.Time{}
	}
	if s == nil || !s.up {
		return
	}
	if !c.retryAt.IsZero() {
		if m.now.Before(c.retryAt) {
			return
		}
		c.retryAt = time.Time{}
	}
	switch {
	case c.busy:
	case !c.Created:
		m.createLog(s, c)
	case c.read == 0:
		if !m.remake(s, c) {
			m.openRead(s, c)
		}
	case c.c.Held() != nil:
		m.fetchSlices(c)
	case !c.subscribed:
		m.readOn(s, c)
	case c.c.Cursor() >= c.head:
		m.work(s, c)
	}
}

// createLog makes the conversation's log at the server; again is harmless.
func (m *Machine) createLog(s *server, c *chat) {
	if !s.canCreate() {
		return
	}
	inv.That(c.owner != nil, "the maker of a log owns it")
	g := c.c.Generations()[0]
	read, write := caps.DeriveLogKeys(g.Secret[:], g.Gen)
	owner := c.ownerNow()
	r := wire.Create{Owner: owner.Public(), Read: read.Public(), Write: write.Public(), TTLDays: c.c.State().TTLDays}
	r.Sig = owner.Sign(caps.CreateMessage(s.binding, r.Owner, r.Read, r.Write, r.TTLDays, false))
	c.busy = true
	m.ask(s, c, r, func(a wire.Answer) {
		c.busy = false
		m.touch(c)
		if o, ok := a.(wire.Opened); ok {
			c.own, c.gen = o.Handle, o.Gen+c.c.GenBase()
			c.Created, c.dirtyMeta, c.tries = true, true, 0
			return
		}
		m.waitChat(c)
	})
}

// openRead opens the log for reading, with the newest keys first: the server may be behind, when
// nobody has sent ROTATE yet.
func (m *Machine) openRead(s *server, c *chat) {
	gens := c.c.Generations()
	g := gens[len(gens)-1-min(c.tryGen, len(gens)-1)]
	key, _ := caps.DeriveLogKeys(g.Secret[:], g.Gen)
	c.busy = true
	m.ask(s, c, s.open(c.c.Place(), wire.RoleRead, g.Gen-c.c.GenBase(), key), func(a wire.Answer) {
		c.busy = false
		m.touch(c)
		if o, ok := a.(wire.Opened); ok {
			c.read, c.readGen, c.gen, c.tryGen = o.Handle, g.Gen, o.Gen+c.c.GenBase(), 0
			c.head = o.Head + c.c.Base()
			s.chats[c.read] = c
			if c.c.TakenBack(c.head) {
				m.show(c)
			}
			return
		}
		if codeOf(a) == plane.Refused && c.tryGen+1 < len(c.c.Generations()) {
			c.tryGen++
			return
		}
		c.tryGen = 0
		if codeOf(a) == plane.Refused {
			m.keyless(c)
		}
		m.waitChat(c)
	})
}

// readOn fetches what is missing, page by page, and then subscribes. Only an empty page tells
// that the records up to the head have expired.
func (m *Machine) readOn(s *server, c *chat) {
	if c.reading {
		return
	}
	c.reading = true
	base := c.c.Base()
	failed := func(a wire.Answer) {
		m.touch(c)
		if codeOf(a) == plane.Refused {
			delete(s.chats, c.read)
			c.drop()
			m.keyless(c)
			if c.tries == 0 { // as in gone
				c.tries = 1
				return
			}
		}
		m.waitChat(c)
	}
	if c.c.Cursor() >= c.head {
		m.ask(s, c, wire.Subscribe{Handle: c.read, From: c.c.Cursor() + 1 - base}, func(a wire.Answer) {
			c.reading = false
			if o, ok := a.(wire.Opened); ok {
				c.subscribed, c.head, c.refusals = true, max(c.head, o.Head+base), 0
				if o.Gen != 0 {
					c.gen = o.Gen + c.c.GenBase()
				}
				c.c.Prune(c.gen)
				m.touch(c)
				return
			}
			failed(a)
		})
		return
	}
	m.ask(s, c, wire.Read{Handle: c.read, From: c.c.Cursor() + 1 - base, Limit: plane.ReadRecordsMax}, func(a wire.Answer) {
		c.reading = false
		r, ok := a.(wire.Records)
		if !ok {
			failed(a)
			return
		}
		if n := len(r.Records); n > 0 && r.Records[n-1].Seq+base <= c.c.Cursor() {
			failed(a) // nothing that was asked for: not at once again
			return
		}
		if len(r.Records) > 0 {
			c.tries, c.refusals = 0, 0 // what ends after something new was read is no circle: months may be generations
		}
		for _, x := range r.Records {
			if c.c.Base() != base {
				return // moved by the record before: the rest of this log is void
			}
			m.record(c, x.Seq+base, x.Body)
		}
		if c.c.Base() != base {
			return
		}
		c.head = max(c.head, r.Head+base)
		if len(r.Records) == 0 {
			m.contain(c, func() { c.c.Skip(m.now, c.head) })
		}
		m.touch(c)
	})
}

// work sends what waits. The log has been read up to its head, so an own record that arrived
// before a crash has been recognised.
func (m *Machine) work(s *server, c *chat) {
	m.openWrite(s, c)
	m.rotate(s, c)
	if c.write == 0 {
		return
	}
	if c.c.Light() {
		if !m.stuck(c) {
			m.pumpQueue(s, c)
			if !m.pumpFew(c) {
				m.pumpTree(c)
			}
			m.sendCommit(s, c)
			m.sendItems(s, c)
			m.receipts(s, c)
		}
		return // the rest is for who has the tree
	}
	if !m.stuck(c) {
		if h := c.held; h != nil && c.c.Opened() >= h.After && !c.c.Doubtful() {
			c.held = nil // one came back in another way, or was never out
			m.set(heldKey(c.id), nil)
		}
		m.pumpPages(c)
		m.deliverKnock(s, c)
		m.refresh(c)
		m.askOwner(c)
	}
	m.pumpQueue(s, c)
	if m.stuck(c) {
		if m.goesOn(c) {
			m.sendCommit(s, c)
		}
		return // it finds back first: see rejoin.go
	}
	if !m.pumpLeaf(c) && !m.pumpDevices(c) {
		m.pumpIntents(c)
	}
	m.sendCommit(s, c)
	m.sendItems(s, c)
	m.receipts(s, c)
}

func (m *Machine) openWrite(s *server, c *chat) {
	if c.write != 0 || c.writing {
		return
	}
	for _, g := range c.c.Generations() {
		if g.Gen != c.gen {
			continue
		}
		_, key := caps.DeriveLogKeys(g.Secret[:], g.Gen)
		c.writing = true
		m.ask(s, c, s.open(c.c.Place(), wire.RoleWrite, g.Gen-c.c.GenBase(), key), func(a wire.Answer) {
			c.writing = false
			m.touch(c)
			if o, ok := a.(wire.Opened); ok {
				c.write, c.tries = o.Handle, 0
				return
			}
			// The generation may have ended meanwhile: begin with the read key again.
			delete(s.chats, c.read)
			c.drop()
			m.waitChat(c)
		})
		return
	}
	// The server is ahead of what this device has read: the commit is on its way, or was read just now.
	if gens := c.c.Generations(); gens[len(gens)-1].Gen <= c.readGen {
		m.waitChat(c)
		m.keyless(c)
	}
	delete(s.chats, c.read)
	c.drop()
	m.touch(c)
}

// rotate starts the log's next generation when the server is behind and this member can.
func (m *Machine) rotate(s *server, c *chat) {
	if c.owner == nil || c.gen == 0 || c.gen >= c.c.State().Gen {
		c.rotateAt = time.Time{}
		return
	}
	if !c.rotateAt.IsZero() && m.now.Before(c.rotateAt) || c.owning {
		return
	}
	c.rotateAt = time.Time{}
	if c.own == 0 {
		c.owning = true
		m.ask(s, c, s.open(c.c.Place(), wire.RoleOwner, 0, c.ownerNow()), func(a wire.Answer) {
			c.owning = false
			m.touch(c)
			if o, ok := a.(wire.Opened); ok {
				c.own, c.gen = o.Handle, o.Gen+c.c.GenBase()
				return
			}
			c.rotateAt = m.now.Add(backoff(c.tries))
			c.tries++
		})
		return
	}
	for _, g := range c.c.Generations() {
		if g.Gen != c.gen+1 {
			continue
		}
		read, write := caps.DeriveLogKeys(g.Secret[:], g.Gen)
		c.owning = true
		m.ask(s, c, wire.Rotate{Handle: c.own, Gen: g.Gen - c.c.GenBase(), Read: read.Public(), Write: write.Public()}, func(a wire.Answer) {
			c.owning = false
			m.touch(c)
			if codeOf(a) == plane.OK {
				// The old handles are dead or soon will be.
				delete(s.chats, c.read)
				gen := g.Gen
				c.drop()
				c.gen = gen
				m.remade(c, plane.OK)
				return
			}
			m.remade(c, codeOf(a))
			c.own = 0
			c.rotateAt = m.now.Add(backoff(c.tries))
			c.tries++
		})
		return
	}
}

// deliverKnock delivers the contact request once one's profile is in the log.
func (m *Machine) deliverKnock(s *server, c *chat) {
	k := c.Knock
	if k == nil || c.knocking || c.q.Has(func(i *outbox.Item) bool { return i.Profile }) {
		return
	}
	c.knocking = true
	m.openDoor(s, k.Inbox, k.Door, func(h wire.Handle, code plane.Code) {
		if code != plane.OK {
			m.knocked(c, code)
			return
		}
		r := wire.Knock{Handle: h, Body: k.Body, Retry: k.Tried}
		if !s.Member {
			r.Member = s.member.Public()
		}
		k.Tried, c.dirtyMeta = true, true
		m.ask(s, c, r, func(a wire.Answer) { m.knocked(c, codeOf(a)) })
	})
}

func (m *Machine) knocked(c *chat, code plane.Code) {
	c.knocking = false
	s := m.servers[c.Server]
	m.touch(c)
	switch code {
	case plane.OK:
		c.Knock, c.dirtyMeta, c.tries = nil, true, 0
		m.nowMember(s)
	case plane.UsedUp, plane.Refused, plane.Malformed, plane.TooLarge:
		c.Knock, c.State, c.dirtyMeta = nil, chatRefused, true
		m.show(c)
	default:
		m.waitChat(c)
	}
}

// nowMember: the server has accepted the member key.
func (m *Machine) nowMember(s *server) {
	if !s.Member {
		s.Member, s.Door = true, nil
		m.serversChanged()
		m.saveServer(s)
		m.touchServer(s)
	}
}

// sendItems seals and appends what the outbox holds, in order.
func (m *Machine) sendItems(s *server, c *chat) {
	if m.awaits(c) {
		return
	}
	n, most := 0, inflightMax
	if c.tries > 0 {
		most = 1 // the server refused the last: one tells whether it takes the others, and keeps the order
	}
	for _, i := range slices.Clone(c.q.Items) {
		if n >= most {
			return
		}
		if !i.Ready() || c.q.Behind(i) {
			continue
		}
		if m.holdPost(c, i) {
			continue
		}
		n++
		if i.Sent && i.Epoch == c.c.Epoch() {
			continue
		}
		if i.Kind == outbox.Leave && n > 1 {
			continue // what was said before must stand before
		}
		if i.Msg == nil || i.Epoch != c.c.Epoch() {
			if !m.sealItem(c, i) {
				continue
			}
		}
		m.sendItem(s, c, i)
	}
}

// awaits reports whether nobody else is in a group yet whose first members are being added: what is said waits for them.
func (m *Machine) awaits(c *chat) bool {
	return c.c.State().Kind == convo.Group && c.c.Size() == 1 && len(c.intents.List) > 0 && c.intents.List[0].Act == outbox.Add
}

func (m *Machine) sealItem(c *chat, i *outbox.Item) bool {
	var msg []byte
	var err error
	switch i.Kind {
	case outbox.Leave:
		if c.c.LeavingSelf() {
			return false
		}
		msg, err = c.c.SealLeave()
	case outbox.Control:
		msg, err = c.c.Seal(i.Body)
	default:
		if i.Expires != 0 {
			i.SentMS = uint64(m.now.UnixMilli()) // its time begins when it leaves
		}
		f := content.Frame{SentMS: i.SentMS, Body: i.Body}
		f.Seen, f.SeenHash = c.c.Seen()
		var plain []byte
		if plain, err = f.Encode(); err == nil {
			msg, err = c.c.Seal(plain)
		}
	}
	if err != nil {
		m.failItem(c, i)
		return false
	}
	i.Seal(msg, c.c.Epoch())
	m.saveItem(c, i)
	return true
}

func (m *Machine) sendItem(s *server, c *chat, i *outbox.Item) {
	bodies, err := c.c.Bodies(i.Msg)
	if err != nil {
		m.failItem(c, i)
		return
	}
	i.Sent = true
	epoch, retry, left := i.Epoch, i.Tried, len(bodies)
	worst := plane.OK
	for _, b := range bodies {
		m.send(s, wire.Append{Handle: c.write, Body: b, Retry: retry}, func(a wire.Answer) {
			left--
			if code := codeOf(a); code != plane.OK {
				worst = code
			}
			if left == 0 {
				m.contain(c, func() { m.appended(s, c, i, epoch, worst, a) })
			}
		})
	}
}

// appended takes the server's word for an item's last record. What counts is the record itself.
func (m *Machine) appended(s *server, c *chat, i *outbox.Item, epoch uint64, code plane.Code, a wire.Answer) {
	if c.q.Sealed(hashOf(i.Msg)) != i || i.Epoch != epoch || !i.Sent {
		return
	}
	m.touch(c)
	switch code {
	case plane.OK:
		c.tries = 0
		if x, ok := a.(wire.Appended); ok && x.Seq+c.c.Base() <= c.c.Cursor() {
			// That place was read and held something else: a lie. What others were shown there is not
			// known, so the same MLS message goes out again, as a new record: who has it knows it.
			i.Sent, i.Tried = false, false
			m.waitChat(c)
		}
	case plane.TooLarge, plane.Malformed, plane.Closed:
		m.failItem(c, i)
	case plane.Refused:
		i.Sent, i.Tried = false, true
		m.refused(s, c)
	default:
		i.Sent, i.Tried = false, true
		m.waitChat(c)
	}
}

// refused: the write key's generation may be over. Everything is opened again.
func (m *Machine) refused(s *server, c *chat) {
	if c.write == 0 {
		return
	}
	delete(s.chats, c.read)
	c.drop()
	m.waitChat(c)
}

func (m *Machine) failItem(c *chat, i *outbox.Item) {
	if i.Kind != outbox.Message {
		m.dropItem(c, i)
		return
	}
	i.Unseal()
	i.Failed = true
	m.saveItem(c, i)
	m.putQueued(c, i)
}

// sendCommit sends the own commit that waits.
func (m *Machine) sendCommit(s *server, c *chat) {
	p := c.c.Pending()
	if p == nil {
		c.commitSent = false
	}
	if p == nil || c.commitSent {
		return
	}
	if !p.Ready() {
		m.store(c, p)
		if !p.Ready() {
			return
		}
	}
	bodies, err := c.c.Bodies(p.Message)
	if err != nil {
		if i := c.intents.Find(p.Tag); i != nil {
			m.dropWish(c, i)
		}
		c.c.Abandon()
		return
	}
	c.commitSent = true
	left, worst := len(bodies), plane.OK
	for _, b := range bodies {
		m.send(s, wire.Append{Handle: c.write, Body: b, Retry: true}, func(a wire.Answer) {
			left--
			if code := codeOf(a); code != plane.OK {
				worst = code
			}
			if left > 0 || c.c.Pending() != p || worst == plane.OK {
				return
			}
			c.commitSent = false
			m.touch(c)
			if worst == plane.Refused {
				m.refused(s, c)
			} else {
				m.waitChat(c)
			}
		})
	}
}

// waitWish has an Add tried again after a growing delay; everything else goes on meanwhile.
func (m *Machine) waitWish(c *chat) {
	c.wishAt = m.now.Add(backoff(c.wishes))
	c.wishes++
}

// pumpIntents makes the next commit out of the oldest intent that is ready.
func (m *Machine) pumpIntents(c *chat) {
	if c.c.Pending() != nil || c.State != chatOpen && c.State != chatWaiting {
		return
	}
	if c.c.Leaving() && (!c.c.LeavingSelf() || c.c.Deserted()) && c.goneAt.IsZero() {
		// Who is first in the tree commits first; the others wait a little longer each.
		c.goneAt = m.now.Add(time.Duration(c.c.Rank()) * 2 * time.Second)
	}
	if !c.goneAt.IsZero() && !m.now.Before(c.goneAt) {
		c.goneAt = time.Time{}
		if c.c.Leaving() {
			if _, err := c.c.Begin(convo.Change{Gone: true}, m.now); err == nil {
				return
			}
		}
	}
	if !c.paging.warm.IsZero() && !m.now.Before(c.paging.warm) {
		c.paging.warm = time.Time{}
		if len(c.intents.List) == 0 {
			if _, err := c.c.Begin(convo.Change{Tag: tagWarm}, m.now); err == nil {
				return
			}
		}
	}
	if !c.wishAt.IsZero() && m.now.Before(c.wishAt) {
		return
	}
	c.wishAt = time.Time{}
	for len(c.intents.List) > 0 {
		i := c.intents.List[0]
		ch, ready := m.change(c, i)
		if !ready {
			return
		}
		if i.Act == outbox.Add && len(ch.Add) == 0 {
			m.dropWish(c, i) // all are members, or cannot be reached
			continue
		}
		ch.Tag = i.N
		_, err := c.c.Begin(ch, m.now)
		if err == nil {
			c.wishes = 0
			return
		}
		m.dropWish(c, i) // done by somebody else, or not allowed any more
	}
}
