package core

import (
	"slices"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// controlMark starts an application message that is no Frame, which is a CBOR array: an
// invitation to a group. It is as large as the group's tree and goes in parts.
const controlMark = 0

// groupInvitation invites the other person of a two-person conversation to a group.
type groupInvitation struct {
	_          struct{} `cbor:",toarray"`
	Invitation convo.Invitation
	Origin     string
	Server     ServerID
	Names      []namedPerson // what the inviter calls the members, until they say it themselves
	Tree       treeRef       // empty: the Welcome has it
}

type namedPerson struct {
	_      struct{} `cbor:",toarray"`
	Person plane.PublicKey
	Name   string
}

// contacts turns chat ids of two-person chats into persons.
func (m *Machine) contacts(list []string) ([][32]byte, ErrCode) {
	var out [][32]byte
	for _, id := range list {
		c := m.chats[id]
		if c == nil || c.Person == nil {
			return nil, ErrNoChat
		}
		if !slices.Contains(out, [32]byte(*c.Person)) {
			out = append(out, *c.Person)
		}
	}
	return out, ""
}

// meets says whether all of them have a conversation with us on a server: others would have to
// dial it because we say so, and they do not (see server).
func (m *Machine) meets(srv ServerID, persons [][32]byte) bool {
	for _, p := range persons {
		if !slices.ContainsFunc(m.order, func(c *chat) bool { return c.Server == srv && c.Person != nil && *c.Person == p }) {
			return false
		}
	}
	return true
}

// groupServer returns the server for a group: the home server, or another one where all are met.
func (m *Machine) groupServer(persons [][32]byte) (ServerID, bool) {
	if m.meets(m.acc.Home, persons) {
		return m.acc.Home, true
	}
	for _, s := range m.sortedServers() {
		if s.Member && m.meets(s.id, persons) {
			return s.id, true
		}
	}
	return ServerID{}, false
}

func (m *Machine) newGroup(id string, x NewGroup) {
	name, code := cleanName(x.Name)
	persons, code2 := m.contacts(x.Members)
	switch {
	case code != "":
	case code2 != "":
		code = code2
	case len(persons)+1 > plane.GroupMembersMax:
		code = ErrGroupFull
	case len(x.Picture) > PictureBytesMax:
		code = ErrBadArguments
	}
	if code != "" {
		m.reply(id, nil, code)
		return
	}
	srv, ok := m.groupServer(persons)
	if !ok {
		m.reply(id, nil, ErrNotAllowed)
		return
	}
	c := m.makeGroup(srv, name, x.Picture, nil)
	m.notify(c, 0, 0, timeline.Line{What: "created", Who: m.acc.person(), Text: name})
	if len(persons) > 0 {
		m.wish(c, &outbox.Intent{Act: outbox.Add, Persons: persons})
	}
	m.reply(id, Joined{Chat: c.id}, "")
}

// makeGroup makes a group of oneself, in the place of another like it if there is one.
func (m *Machine) makeGroup(srv ServerID, name string, picture []byte, like *convo.State) *chat {
	owner := caps.NewSigner()
	cv, err := convo.New(convo.Options{
		ID: caps.NewLogID(owner.Public()), Kind: convo.Group, Name: name, Picture: picture, Called: m.acc.Name,
		Signer: m.acc.keys.Device(), Credential: m.acc.keys.Credential(), Owner: m.acc.person(),
		TTLDays: plane.TTLDaysDefault, Like: like, Identify: m.identify, Now: m.now,
	})
	if err != nil && like != nil {
		return m.makeGroup(srv, name, picture, nil) // that was no state
	}
	inv.That(err == nil, "a new conversation can be made")
	return m.newChat(cv, srv, owner.Seed())
}

func (m *Machine) addMembers(c *chat, list []string) ErrCode {
	if code := m.inGroup(c); code != "" {
		return code
	}
	if !c.c.MayAdd(m.acc.person()) {
		return ErrNotAllowed
	}
	persons, code := m.contacts(list)
	if code != "" {
		return code
	}
	persons = slices.DeleteFunc(persons, func(p [32]byte) bool { return c.c.Has(p) })
	st := c.c.State()
	if slices.ContainsFunc(persons, func(p [32]byte) bool { return st.BannedAt(p) >= 0 }) {
		return ErrBanned
	}
	if len(persons)+c.c.Size() > plane.GroupMembersMax {
		return ErrGroupFull
	}
	if !m.meets(c.Server, persons) {
		return ErrNotAllowed
	}
	if len(persons) > 0 {
		m.wish(c, &outbox.Intent{Act: outbox.Add, Persons: persons})
	}
	return ""
}

// leave: the wish goes into the log, and whoever is there takes the leaver out.
func (m *Machine) leave(c *chat) ErrCode {
	switch {
	case c.State == chatLeft || c.Leaving:
		return ""
	case c.c.State().Kind != convo.Group:
		return ErrNotAllowed
	case !c.alive():
		c.State, c.dirtyMeta = chatLeft, true // a broken one: nobody can be told
		m.show(c)
		return ""
	}
	c.dirtyMeta = true
	for _, i := range slices.Clone(c.intents.List) {
		if p := c.c.Pending(); p == nil || p.Tag != i.N {
			m.dropWish(c, i) // whom a commit that is on its way adds is still to be told
		}
	}
	if c.c.Size() == 1 && c.c.Leaves() == 1 {
		c.State = chatLeft
		m.ended(c)
		m.hangChat(c)
	} else {
		c.Leaving = true
		m.handOver(c)
		m.enqueue(c, &outbox.Item{Kind: outbox.Leave})
	}
	m.show(c)
	return ""
}

// handOver gives the owner key to whoever will be admin when one leaves as the last: else nobody
// could change the log's keys any more.
func (m *Machine) handOver(c *chat) {
	if c.owner == nil {
		return
	}
	var heir *chat
	for _, x := range c.c.Members() {
		if x.Own {
			continue
		}
		two := m.chats[m.person(x.Person).stored.Chat]
		if two == nil {
			continue
		}
		if x.Admin() {
			heir = two
			break
		}
		if heir == nil {
			heir = two
		}
	}
	if heir != nil {
		m.note(m.sender(heir), content.Owner{Log: c.log, Seed: [32]byte(c.owner.Seed())})
	}
}

// fetch is a key package being fetched for an Add.
type fetch struct {
	server ServerID
	kp     *mls.KeyPackage
	failed bool
	asked  bool
}

// dropFetches forgets what was asked of a server whose session is gone.
func (c *chat) dropFetches(id ServerID) {
	for p, f := range c.fetches {
		if f.server == id && f.kp == nil {
			delete(c.fetches, p)
		}
	}
}

// change makes the commit's contents out of an intent; ready is false while packages are missing.
func (m *Machine) change(c *chat, i *outbox.Intent) (ch convo.Change, ready bool) {
	switch i.Act {
	case outbox.Remove:
		for _, p := range i.Persons {
			ch.Remove = append(ch.Remove, p)
		}
		if i.Ban || c.c.OwnAdmin() {
			ch.Edit = func(st *convo.State) { edit(st, i) }
		}
	case outbox.Set, outbox.Role, outbox.Pin, outbox.Unban:
		ch.Edit = func(st *convo.State) { edit(st, i) }
	case outbox.Refresh:
		ch.NewGen = c.c.OwnAdmin() // others refresh their own keys only
	case outbox.Gone:
		ch.Gone = true
	case outbox.Add:
		return m.packages(c, i)
	case outbox.Move:
		return m.moving(c, i)
	}
	return ch, true
}

// fetchPackage asks a contact's inbox for a key package.
func (m *Machine) fetchPackage(c *chat, who plane.PublicKey) *fetch {
	p := m.person(who)
	f := &fetch{server: p.stored.Server}
	c.fetches[who] = f
	s := m.servers[f.server]
	if p.stored.Door == [16]byte{} || s == nil {
		// Their profile, with the door, has not come yet.
		delete(c.fetches, who)
		m.waitWish(c)
		return f
	}
	if !s.up {
		delete(c.fetches, who)
		return f
	}
	again := func() {
		delete(c.fetches, who)
		m.waitWish(c)
	}
	done := func(code plane.Code) {
		m.touch(c)
		if code == plane.Refused || code == plane.UsedUp {
			f.failed = true
			return
		}
		again()
	}
	inbox := plane.LogID(p.stored.Inbox)
	if h, ok := s.doors[inbox]; ok && h == 0 {
		again() // another chat is opening it
		return f
	}
	f.asked = true
	m.openDoor(s, inbox, p.stored.Door, func(h wire.Handle, code plane.Code) {
		if code != plane.OK {
			done(code)
			return
		}
		m.send(s, wire.PoolTake{Handle: h, Package: true}, func(a wire.Answer) {
			x, ok := a.(wire.Package)
			if !ok {
				delete(s.doors, inbox)
				done(codeOf(a))
				return
			}
			key, err := seal.CardKeyFromBytes(p.stored.Card[:])
			inv.That(err == nil, "card key")
			card, _, kp, err := openPackage(x, inbox, key, m.now)
			m.touch(c)
			if err != nil || card.Account != who || !caps.Follows(identityOf(kp), who, m.mandateIn(who)) {
				f.failed = true
				return
			}
			f.kp = kp
		})
	})
	return f
}

// heldInvitation is an invitation to a group that one is still in, as far as one has read.
type heldInvitation struct {
	_     struct{} `cbor:",toarray"`
	By    plane.PublicKey
	After plane.Seq
	Plain []byte
}

func heldKey(id string) string { return chatKey(id, "j") }

// hold keeps an invitation until the log says that one was removed before it. The newest counts.
func (m *Machine) hold(c *chat, h *heldInvitation) {
	if c.held == nil || c.held.After < h.After {
		c.held = h
		m.put(heldKey(c.id), h)
	}
}

// release follows the invitation that was held.
func (m *Machine) release(c *chat) {
	h := c.held
	if h == nil {
		return
	}
	c.held = nil
	m.set(heldKey(c.id), nil)
	if m.own(h.By) {
		if g := (chatGiven{}); timeline.Decode(h.Plain, &g) == nil {
			m.given(g)
		}
		return
	}
	m.control(h.By, h.Plain)
}

// control reads an invitation to a group from the other person of a two-person conversation.
func (m *Machine) control(by plane.PublicKey, plain []byte) {
	if !m.later(storedLate{By: by, Plain: plain}) {
		m.comeIn(by, plain, nil)
	}
}

// comeIn follows an invitation; tree is what has been fetched for it.
func (m *Machine) comeIn(by plane.PublicKey, plain, tree []byte) {
	var g groupInvitation
	if m.own(by) || len(plain) < 2 || timeline.Decode(plain[1:], &g) != nil {
		return
	}
	id := g.Invitation.Log.Text()
	old, s := m.chats[id], m.servers[g.Server]
	if s == nil || old != nil && old.Server != s.id || old == nil && len(m.chats) >= chatsMax {
		return // see server: nobody leads us to a new one
	}
	if old != nil && g.Invitation.After <= old.c.Cursor() {
		return // an older way into what has been read since
	}
	if old != nil && old.alive() && !old.c.Doubtful() {
		// One was removed and added again, and has not read that far. Only the log can say so: else
		// any contact could lead one out of a group into another in its name.
		m.hold(old, &heldInvitation{By: by, After: g.Invitation.After, Plain: plain})
		return
	}
	if tree == nil {
		tree = g.Tree.Whole
	}
	if tree == nil && g.Tree.Bytes > 0 {
		m.fetchTree(by, plain, &g)
		return
	}
	cv, kp := m.joinTree(g.Invitation, tree)
	// That the inviter was an admin cannot be seen: it may be none any more in the state that its
	// own commit has made.
	if cv == nil || cv.State().Kind != convo.Group ||
		!cv.Has(by) {
		if p := m.person(by); cv == nil && p.stored.Door != [16]byte{} && p.stored.Server == g.Server {
			// For a package of a later self, perhaps: who invites lets in again.
			m.lead(storedWait{Server: g.Server, Inbox: true, Asked: by, Chat: g.Invitation.Log, Queue: plane.LogID(p.stored.Inbox), Door: p.stored.Door, Card: p.stored.Card})
		}
		return
	}
	m.usePackage(kp)
	for _, n := range g.Names[:min(len(g.Names), plane.GroupMembersMax)] {
		if !cv.Has(n.Person) {
			continue
		}
		p := m.person(n.Person)
		if name, err := content.CleanName(n.Name); err == nil && name == n.Name && p.stored.Name == "" {
			p.stored.Name = n.Name
			m.savePerson(p)
		}
	}
	var x *chat
	if old == nil {
		x = m.newChat(cv, s.id, nil)
		x.Created = true
	} else {
		x = m.rejoin(old, cv, s.id)
	}
	m.notify(x, cv.Cursor(), 14, timeline.Line{What: "joined", Who: m.acc.person()})
	m.enterState(x)
	m.freshen(x, kp)
	m.introduce(x)
}

// rejoin puts a new state into a chat that one had left; its history stays.
func (m *Machine) rejoin(c *chat, cv *convo.Convo, srv ServerID) *chat {
	c.c.Forget()
	for _, p := range c.c.Changes() {
		m.set(chatKey(c.id, "v/"+p.Key), p.Value)
	}
	m.hangChat(c)
	for _, i := range c.q.Items {
		if i.Msg != nil {
			i.Unseal()
			m.saveItem(c, i)
		}
	}
	c.slicing, c.paging = slicing{n: c.slicing.n}, paging{n: c.paging.n + 1}
	c.c, c.Server, c.State, c.Leaving, c.skipConvo, c.Created = cv, srv, chatOpen, false, false, true
	c.Behind, c.Noted = false, nil
	c.Got, c.SaidGot, c.SaidRead, c.Read = 0, 0, 0, 0
	c.dirtyMeta, c.dirtyNumbers = true, true
	m.touch(c)
	m.show(c)
	return c
}

// refreshDays is how often a conversation gets new keys.
const refreshDays = 7

// refresh wishes for new keys when the old are a week old, on the device that stands first among
// those who may send ROTATE.
func (m *Machine) refresh(c *chat) {
	if c.owner == nil || c.c.State().Kind == convo.Saved || plane.DayOf(m.now) < c.GenDay+refreshDays || len(c.intents.List) > 0 {
		return
	}
	c.GenDay, c.dirtyMeta = plane.DayOf(m.now), true
	m.wish(c, &outbox.Intent{Act: outbox.Refresh})
}
