package core

import (
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// answerMax is how long a command that needs the server waits for it.
const answerMax = 15 * time.Second

// joining is a Join under way. It is not stored: until its Reply nothing has happened that
// matters, and the person tries again. What comes after the Reply is stored in the chat.
type joining struct {
	id     string
	link   seal.Link
	server ServerID
	name   string
	device string
	until  time.Time
	step   joinStep
}

type joinStep int

const (
	joinOpen  joinStep = iota // the door is to be opened
	joinAsked                 // an answer is awaited
)

// restart begins again on a fresh session.
func (j *joining) restart() { j.step = joinOpen }

// parseLink turns what is wrong with a link into what the person is told.
func parseLink(s string) (seal.Link, ErrCode) {
	l, err := seal.ParseLink(s)
	switch {
	case errors.Is(err, seal.ErrLinkVersion):
		return l, ErrLinkVersion
	case err != nil:
		return l, ErrBadLink
	}
	return l, ""
}

// ownLink says whether l leads to the person who holds it.
func (m *Machine) ownLink(l seal.Link) bool {
	return m.acc != nil && (l.Inbox == m.acc.inboxLog() || l.HasAccount && l.Account == seal.AccountFingerprint(m.acc.person()))
}

func (m *Machine) join(id string, x Join) {
	l, code := parseLink(x.Link)
	if code != "" {
		m.reply(id, nil, code)
		return
	}
	name := ""
	if m.acc == nil {
		if name, code = cleanName(x.Name); code != "" {
			m.reply(id, nil, code)
			return
		}
	} else if m.ownLink(l) {
		m.reply(id, nil, ErrLinkSelf)
		return
	} else if l.HasAccount {
		for _, c := range m.sortedChats() {
			if c.Person != nil && c.First == "" && c.alive() && seal.AccountFingerprint(*c.Person) == l.Account {
				m.reply(id, Joined{Chat: c.id}, "")
				return
			}
		}
	} else if s := m.servers[l.Server]; s != nil && s.Member && !l.Group {
		m.reply(id, Joined{}, "")
		return
	}
	for _, j := range m.joins {
		if j.id == id && id != "" {
			return // asked again while under way: one Reply answers both
		}
	}
	if len(m.joins) >= joinsMax {
		m.reply(id, nil, ErrOffline)
		return
	}
	s := m.server(l.Server, l.Origin)
	m.joins = append(m.joins, &joining{id: id, link: l, server: s.id, name: name, device: x.Device, until: m.now.Add(answerMax)})
	s.stale = true
}

// joinsMax bounds the joins under way at once.
const joinsMax = 8

// dueJoins ends joins and invites that waited too long.
func (m *Machine) dueJoins() {
	for _, j := range slices.Clone(m.joins) {
		if !m.now.Before(j.until) {
			m.endJoin(j, nil, ErrOffline)
		}
	}
	for _, i := range slices.Clone(m.invites) {
		if !m.now.Before(i.until) {
			m.endInvite(i, nil, ErrOffline)
		}
	}
}

func (m *Machine) failJoins(id ServerID, code ErrCode) {
	for _, j := range slices.Clone(m.joins) {
		if j.server == id {
			m.endJoin(j, nil, code)
		}
	}
}

// endJoin replies; a server that nothing else needs is hung up.
func (m *Machine) endJoin(j *joining, r Result, code ErrCode) {
	k := slices.Index(m.joins, j)
	if k < 0 {
		return
	}
	m.joins = slices.Delete(m.joins, k, k+1)
	m.reply(j.id, r, code)
	m.forget(j.server)
}

func (m *Machine) pumpJoin(s *server, j *joining) {
	if j.step != joinOpen {
		return
	}
	j.step = joinAsked
	m.openDoor(s, j.link.Inbox, j.link.Door, func(h wire.Handle, code plane.Code) {
		switch {
		case code == plane.OK:
		case code == plane.Refused || code == plane.UsedUp:
			m.endJoin(j, nil, ErrLinkUsedUp)
			return
		default:
			m.again(s, j)
			return
		}
		if !j.link.HasAccount && !j.link.Group {
			m.knockFront(s, j, h)
			return
		}
		m.send(s, wire.PoolTake{Handle: h, Package: !j.link.Group}, func(a wire.Answer) {
			p, ok := a.(wire.Package)
			if !ok {
				if code := codeOf(a); code == plane.Refused || code == plane.UsedUp {
					m.endJoin(j, nil, ErrLinkUsedUp)
				} else {
					m.again(s, j)
				}
				return
			}
			if j.link.Group {
				m.takenGroup(s, j, p)
				return
			}
			m.taken(s, j, p)
		})
	})
}

// again tries a join once more after a delay, until its time is over.
func (m *Machine) again(s *server, j *joining) {
	j.restart()
	m.delay(s)
}

// knockFront becomes a member through the server's own link.
func (m *Machine) knockFront(s *server, j *joining, h wire.Handle) {
	m.send(s, wire.Knock{Handle: h, Member: s.member.Public()}, func(a wire.Answer) {
		switch codeOf(a) {
		case plane.OK:
			m.newAccount(s, j)
			s.Keep = true
			m.saveServer(s)
			m.nowMember(s)
			m.endJoin(j, Joined{}, "")
		case plane.UsedUp, plane.Refused:
			m.endJoin(j, nil, ErrLinkUsedUp)
		default:
			m.again(s, j)
		}
	})
}

// taken makes the conversation with whoever made the link. From here on all is stored.
func (m *Machine) taken(s *server, j *joining, p wire.Package) {
	card, cardBytes, kp, err := openPackage(p, j.link.Inbox, j.link.Card, m.now)
	if err != nil || seal.AccountFingerprint(card.Account) != j.link.Account {
		m.endJoin(j, nil, ErrBadLink)
		return
	}
	if m.own(card.Account) {
		m.endJoin(j, nil, ErrLinkSelf)
		return
	}
	// An account begins when all that the link gave has proved good: it would stay at this server.
	acc := m.acc
	if acc == nil {
		acc = newSelf(s, j.name)
	}
	owner := caps.NewSigner()
	c, err := convo.New(convo.Options{
		ID: caps.NewLogID(owner.Public()), Kind: convo.Two, Signer: acc.keys.Device(), Credential: acc.keys.Credential(),
		Owner: acc.person(), Also: []plane.PublicKey{card.Account}, TTLDays: plane.TTLDaysDefault,
		Identify: m.identify, Now: m.now,
	})
	inv.That(err == nil, "a new conversation can be made")
	welcome, err := c.AddFirst(kp, m.now)
	if err != nil {
		m.endJoin(j, nil, ErrBadLink) // the package does not fit; another one may: ask again
		return
	}
	body, err := acc.keys.SealRequest(card, cardBytes, account.Request{
		Invitation: timeline.Encode(c.Invite(welcome)), Owner: owner.Seed(), Origin: s.Origin, Server: s.id,
	})
	if err != nil {
		m.endJoin(j, nil, ErrBadLink) // the KEM key on the card is none
		return
	}
	m.beginSelf(s, acc)
	m.nameThis(j)
	x := m.newChat(c, s.id, owner.Seed())
	x.State, x.Person = chatWaiting, &card.Account
	x.Knock = &knock{Inbox: j.link.Inbox, Door: j.link.Door, Body: body}
	if !s.Member {
		s.Door = append(slices.Clone(j.link.Inbox[:]), j.link.Door[:]...)
	}
	m.saveServer(s)
	if p := m.person(card.Account); p.stored.Name == "" { // until they say it themselves
		p.stored.Name = card.Name
	}
	m.befriend(x, card.Account)
	m.sayProfile(x)
	m.touchServer(s)
	m.endJoin(j, Joined{Chat: x.id}, "")
}

// befriend makes c the chat with a person, or a second one behind the first.
func (m *Machine) befriend(c *chat, who plane.PublicKey) {
	p := m.person(who)
	if f := m.chats[p.stored.Chat]; f != nil && f != c && f.alive() {
		c.First, c.dirtyMeta = f.id, true
		m.show(f)
	} else {
		p.stored.Chat = c.id
	}
	p.stored.Server = c.Server
	m.savePerson(p)
}

// openPackage opens what PoolTake gave: a card and a key package of the same account.
func openPackage(p wire.Package, inbox plane.LogID, key seal.CardKey, now time.Time) (account.Card, []byte, *mls.KeyPackage, error) {
	b, err := seal.OpenCard(key, inbox, p.Card)
	if err != nil {
		return account.Card{}, nil, nil, err
	}
	card, err := account.VerifyCard(b, inbox, plane.DayOf(now))
	if err != nil {
		return account.Card{}, nil, nil, err
	}
	kb, err := seal.OpenPackage(key, inbox, p.Package)
	if err != nil {
		return account.Card{}, nil, nil, err
	}
	u, err := mls.ParseKeyPackage(kb)
	if err != nil {
		return account.Card{}, nil, nil, err
	}
	kp, err := u.Verify(now)
	if err != nil {
		return account.Card{}, nil, nil, err
	}
	if who, err := account.Identify(kp.Credential().Identity(), kp.SignatureKey()); err != nil || who != card.Account {
		return account.Card{}, nil, nil, account.ErrCard
	}
	return card, b, kp, nil
}

// newAccount makes the account on its home server, unless there is one.
func (m *Machine) newAccount(s *server, j *joining) {
	if m.acc == nil {
		m.beginSelf(s, newSelf(s, j.name))
		m.nameThis(j)
	}
}

// nameThis puts the first device of an account on the list, if it has a name of its own.
func (m *Machine) nameThis(j *joining) {
	if name, code := cleanName(j.device); code == "" {
		m.listed(name)
	}
}

// newSelf makes what beginSelf makes the account of.
func newSelf(s *server, name string) *self {
	keys, err := account.NewKeys()
	inv.That(err == nil, "keys can be made")
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	var door [16]byte
	_, _ = rand.Read(door[:])
	acc, err := loadSelf(storedSelf{
		Keys: keys.Marshal(), Name: name, Home: s.id, InboxOwner: caps.NewSigner().Seed(), InboxKeys: secret,
		Card: seal.NewCardKey().Bytes(), Door: door,
	})
	inv.That(err == nil, "a new account loads")
	return acc
}

// beginSelf makes acc the account, with its saved messages, unless it is already.
func (m *Machine) beginSelf(s *server, acc *self) {
	if m.acc != nil {
		return
	}
	m.acc = acc
	m.saveSelf()
	p := m.person(acc.person())
	p.stored.Name, p.stored.Own = acc.Name, true
	m.savePerson(p)

	// The life of records is the same for every kind of conversation: a server sees it.
	owner := caps.NewSigner()
	c, err := convo.New(convo.Options{
		ID: caps.NewLogID(owner.Public()), Kind: convo.Saved, Signer: acc.keys.Device(), Credential: acc.keys.Credential(),
		Owner: acc.person(), TTLDays: plane.TTLDaysDefault, Identify: m.identify, Now: m.now,
	})
	inv.That(err == nil, "a new conversation can be made")
	m.newChat(c, s.id, owner.Seed())
	m.emit(Emit{AccountChanged{Account: m.account(), Settings: m.settings()}})
	if len(acc.Folders) > 0 { // it was brought back
		m.sayFolders()
	}
	m.emit(Emit{OnlineChanged{m.online()}})
}
