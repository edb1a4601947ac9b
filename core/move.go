package core

import (
	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// A conversation moves by one commit (convo.MoveTo). Who is here or comes back before the old log
// has forgotten that commit reads it, and goes on at the new server; the log there is made by
// whoever owned the old one and may make logs there: the mover, or another admin when the mover
// is gone before. The new server is dialed although no link was followed: see spec/threat.md.

// ownerNow is the owner key of the log that holds the conversation now.
func (c *chat) ownerNow() *caps.Signer {
	if base := c.c.Base(); base > 0 {
		return caps.MovedOwner(c.owner, base)
	}
	return c.owner
}

// moveChat wishes a conversation to another server.
func (m *Machine) moveChat(v *chat, origin string) ErrCode {
	c := m.sender(v)
	switch {
	case c.Leaving || c.State == chatLeft:
		return ErrLeft
	case !c.alive() || c.owner == nil || c.c.State().Kind == convo.Group && !c.c.OwnAdmin():
		return ErrNotAllowed
	}
	for _, s := range m.sortedServers() {
		if s.Origin != origin {
			continue
		}
		switch {
		case s.id == c.Server:
			return ErrBadArguments
		case !s.Member:
			return ErrNotAllowed // only members of a server make logs there
		}
		m.wish(c, &outbox.Intent{Act: outbox.Move, Origin: origin, Server: s.id})
		return ""
	}
	return ErrNotAllowed
}

// moving makes the change of a Move, or nothing when the conversation is there already.
func (m *Machine) moving(c *chat, i *outbox.Intent) (ch convo.Change, ready bool) {
	if c.Server == i.Server || c.owner == nil {
		return ch, true
	}
	base := c.c.Base()
	ch.NewGen = true
	ch.Edit = func(st *convo.State) {
		c.c.MoveTo(st, i.Origin, i.Server, caps.NewLogID(caps.MovedOwner(c.owner, convo.NextBase(base)).Public()))
	}
	return ch, true
}

// dropQueue forgets the queue of knocks at the old server; the next admin there makes another.
func (m *Machine) dropQueue(c *chat) {
	q := c.queue
	if q == nil {
		return
	}
	if q.feed != nil {
		m.hangFeed(m.servers[c.Server], q.feed)
	}
	c.queue = nil
	c.qu().dirty = true
}

// moved follows a conversation to its new log.
func (m *Machine) moved(c *chat, seq plane.Seq, by plane.PublicKey) {
	to := c.c.State().Moved
	old := m.servers[c.Server]
	if old != nil {
		delete(old.chats, c.read)
	}
	m.dropQueue(c)
	c.drop()
	from := c.Server
	c.Server, c.dirtyMeta = to.Server, true
	s := m.server(to.Server, to.Origin)
	m.saveServer(s)
	if c.owner != nil && caps.NewLogID(c.ownerNow().Public()) != to.Log {
		c.owner, c.Owner = nil, nil // whoever moved it keeps this log to themselves
	}
	c.Created = c.owner == nil || !s.Member
	m.forget(from)
	m.notify(c, seq, 14, timeline.Line{What: "moved", Who: by, Text: to.Origin})
}

// serverList is what faces show of the servers: the home server first.
func (m *Machine) serverList() []Server {
	var list []Server
	for _, s := range m.sortedServers() {
		x := Server{Origin: s.Origin, Home: s.id == m.acc.Home, Member: s.Member, Online: s.up}
		if x.Home {
			list = append([]Server{x}, list...)
		} else {
			list = append(list, x)
		}
	}
	return list
}

// serversChanged tells the faces of the servers, once there are several: of the one that is the
// home OnlineChanged tells.
func (m *Machine) serversChanged() {
	if m.acc != nil && len(m.servers) > 1 {
		m.sayState()
	}
}
