package core

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// server is one server with its current session.
type server struct {
	id ServerID
	storedServer
	member *caps.Signer

	up      bool // a carrier is up
	binding plane.Binding
	rid     uint32
	wait    map[uint32]func(wire.Answer)
	chats   map[wire.Handle]*chat // read handles
	inbox   wire.Handle           // the inbox's read handle
	doors   map[plane.LogID]wire.Handle
	feeds   map[wire.Handle]*feed
	life    int // counts sessions

	stale   bool // to be looked at
	asked   bool // Info was sent
	proving bool
	proved  bool // this session is a member's
	tries   int
	retryAt time.Time
}

type storedServer struct {
	ID     ServerID `cbor:"1,keyasint"`
	Origin string   `cbor:"2,keyasint"`
	Seed   []byte   `cbor:"3,keyasint"`
	Member bool     `cbor:"4,keyasint,omitempty"`
	Door   []byte   `cbor:"5,keyasint,omitempty"` // until Member: log ‖ seed of the door held
	Keep   bool     `cbor:"6,keyasint,omitempty"` // its own link was followed: conversations may move here
}

func newServer(s storedServer) *server {
	x := &server{id: s.ID, storedServer: s}
	k, err := caps.SignerFromSeed(s.Seed)
	if err != nil {
		k = caps.NewSigner()
	}
	x.member = k
	x.Seed = k.Seed()
	x.reset()
	return x
}

// reset forgets the session.
func (s *server) reset() {
	s.rid, s.wait, s.chats, s.inbox = 0, map[uint32]func(wire.Answer){}, map[wire.Handle]*chat{}, 0
	s.doors, s.feeds = map[plane.LogID]wire.Handle{}, map[wire.Handle]*feed{}
	s.life++
	s.asked, s.proving, s.proved, s.tries, s.retryAt = false, false, false, 0, time.Time{}
}

// isUp says whether a session is attached; there may be no such server any more.
func (s *server) isUp() bool { return s != nil && s.up }

func (s *server) due(now time.Time) bool { return !s.retryAt.IsZero() && !now.Before(s.retryAt) }

func serverKey(id ServerID) string { return "s/srv/" + hex.EncodeToString(id[:]) }

func (m *Machine) saveServer(s *server) { m.put(serverKey(s.id), s.storedServer) }

// server returns a server, which is dialed when it is new. Only a link that the person follows
// makes one new: to dial is to tell one's address, so nobody else decides where to.
func (m *Machine) server(id ServerID, origin string) *server {
	s := m.servers[id]
	if s == nil {
		s = newServer(storedServer{ID: id, Origin: origin})
		m.servers[id] = s
		m.emit(Dial{Server: id, Origin: origin})
	}
	return s
}

// forget hangs up a server that nothing needs.
func (m *Machine) forget(id ServerID) {
	if s := m.servers[id]; s != nil && s.Keep || m.acc != nil && m.acc.Home == id || slices.ContainsFunc(m.sortedChats(), func(c *chat) bool { return c.Server == id }) ||
		slices.ContainsFunc(m.joins, func(j *joining) bool { return j.server == id }) || m.waitsOn(id) || m.link != nil && m.link.server == id || m.recovery != nil && m.recovery.server == id {
		return
	}
	if m.servers[id] != nil {
		delete(m.servers, id)
		m.set(serverKey(id), nil)
		m.emit(Hangup{id})
	}
}

// send asks a server; then is called with the answer, unless the session ends before.
func (m *Machine) send(s *server, r wire.Request, then func(wire.Answer)) {
	s.rid++
	s.wait[s.rid] = then
	m.emit(Send{Server: s.id, Rid: s.rid, Request: r})
}

// codeOf returns an answer's code.
func codeOf(a wire.Answer) plane.Code {
	if d, ok := a.(wire.Done); ok {
		return d.Code
	}
	return plane.OK
}

func (m *Machine) connected(in Connected) {
	s := m.servers[in.Server]
	if s == nil {
		m.emit(Hangup{in.Server})
		return
	}
	was := m.online()
	if in.Fresh {
		s.reset()
		s.binding = in.Binding
		for _, c := range m.sortedChats() {
			if c.Server == s.id {
				c.drop()
			}
		}
		for _, j := range m.joins {
			if j.server == s.id {
				j.restart()
			}
		}
		if m.acc != nil && m.acc.Home == s.id {
			m.inbox.drop()
			for _, i := range m.invites {
				i.sent = false
			}
		}
		for _, c := range m.sortedChats() {
			c.dropFetches(s.id)
		}
	}
	s.up, s.stale = true, true
	for _, c := range m.sortedChats() {
		if c.Server == s.id {
			m.touch(c)
		}
	}
	if m.notice == "server-key" {
		m.setNotice("")
	}
	m.sayOnline(was)
	m.serversChanged()
}

func (m *Machine) disconnected(in Disconnected) {
	s := m.servers[in.Server]
	if s == nil {
		return
	}
	was := m.online()
	s.up = false
	if in.Why == plane.Refused {
		m.setNotice("server-key")
		m.failJoins(in.Server, ErrServerKey)
	}
	m.sayOnline(was)
	m.serversChanged()
}

func (m *Machine) sayOnline(was bool) {
	if is := m.online(); is != was {
		m.emit(Emit{OnlineChanged{is}})
	}
}

func (m *Machine) answered(in Answered) {
	s := m.servers[in.Server]
	if s == nil {
		return
	}
	then := s.wait[in.Rid]
	if then == nil {
		return
	}
	delete(s.wait, in.Rid)
	s.stale = true
	then(in.Answer)
}

func (m *Machine) pushed(in Pushed) {
	s := m.servers[in.Server]
	if s == nil {
		return
	}
	switch e := in.Event.(type) {
	case wire.RecordEvent:
		if c := s.chats[e.Handle]; c != nil {
			m.record(c, e.Seq+c.c.Base(), e.Body)
		} else if e.Handle == s.inbox && s.inbox != 0 {
			m.inboxRecord(e.Seq, e.Body)
		} else if f := s.feeds[e.Handle]; f != nil {
			f.pass(e.Seq, e.Body)
		}
	case wire.SignalEvent:
		if c := s.chats[e.Handle]; c != nil {
			m.contain(c, func() { m.signal(c, e.Body) })
		}
	case wire.GoneEvent:
		m.gone(s, e)
	}
}

// gone: a handle is dead. The log is opened again, with the keys that are known by now.
func (m *Machine) gone(s *server, e wire.GoneEvent) {
	if e.Handle == s.inbox && s.inbox != 0 {
		s.inbox = 0
		m.inbox.drop()
		s.stale = true
		return
	}
	if f := s.feeds[e.Handle]; f != nil {
		delete(s.feeds, e.Handle)
		f.handle, f.live, f.retryAt = 0, false, m.now.Add(backoff(f.tries))
		f.tries++
		return
	}
	for _, c := range m.sortedChats() {
		if c.Server != s.id || c.read != e.Handle && c.write != e.Handle && c.own != e.Handle {
			continue
		}
		delete(s.chats, c.read)
		c.drop()
		// A generation that has ended is no reason to wait. When it happens again before anything
		// could be opened for writing, it is: who has other keys than the others would go in circles.
		if c.tries > 0 {
			m.waitChat(c)
		} else {
			c.tries = 1
		}
		m.touch(c)
	}
}

// open returns the request that opens a log with key.
func (s *server) open(log plane.LogID, role wire.Role, gen plane.Gen, key *caps.Signer) wire.Open {
	o := wire.Open{Log: log, Role: role, Gen: gen}
	pub := key.Public()
	if role == wire.RoleDoor {
		o.Key = pub
	}
	o.Sig = key.Sign(caps.OpenMessage(s.binding, log, uint8(role), gen, pub))
	return o
}

// pumpServer does what the session still lacks: the clock check, the proof of membership, joins
// under way, invites and the inbox.
func (m *Machine) pumpServer(s *server) {
	if !s.up || !s.retryAt.IsZero() && m.now.Before(s.retryAt) {
		return
	}
	s.retryAt = time.Time{}
	if !s.asked {
		s.asked = true
		m.send(s, wire.Info{}, func(a wire.Answer) { m.info(a) })
	}
	if s.Member && !s.proved && !s.proving {
		s.proving = true
		m.send(s, wire.Member{Key: s.member.Public(), Sig: s.member.Sign(caps.MemberMessage(s.binding))}, func(a wire.Answer) {
			s.proving = false
			if codeOf(a) == plane.OK {
				s.proved = true
				m.touchServer(s)
				return
			}
			m.delay(s)
		})
	}
	if !s.Member && len(s.Door) == 32 {
		log := plane.LogID(s.Door[:16])
		if h, ok := s.doors[log]; !ok {
			m.openDoor(s, log, [16]byte(s.Door[16:]), func(h wire.Handle, code plane.Code) {
				if code != plane.OK {
					m.delay(s)
				}
				m.touchServer(s)
			})
		} else if h == 0 && len(s.wait) == 0 {
			delete(s.doors, log)
		}
	}
	m.pumpLinking(s)
	m.pumpRecovery(s)
	for _, j := range slices.Clone(m.joins) {
		if j.server == s.id {
			m.pumpJoin(s, j)
		}
	}
	if m.acc != nil && m.acc.Home == s.id && !m.devs.Out {
		m.pumpInbox(s)
	}
}

// canCreate says whether the server lets this session make logs.
func (s *server) canCreate() bool {
	if s.proved {
		return true
	}
	for _, h := range s.doors {
		if h != 0 {
			return true
		}
	}
	return false
}

func (m *Machine) touchServer(s *server) {
	s.stale = true
	for _, c := range m.sortedChats() {
		if c.Server == s.id {
			m.touch(c)
		}
	}
}

// openDoor opens a door once a session; then gets its handle or why not.
func (m *Machine) openDoor(s *server, log plane.LogID, seed [16]byte, then func(wire.Handle, plane.Code)) {
	if h := s.doors[log]; h != 0 {
		then(h, plane.OK)
		return
	}
	s.doors[log] = 0
	m.send(s, s.open(log, wire.RoleDoor, 0, caps.DoorSigner(seed)), func(a wire.Answer) {
		if o, ok := a.(wire.Opened); ok {
			s.doors[log] = o.Handle
			then(o.Handle, plane.OK)
			return
		}
		delete(s.doors, log)
		then(0, codeOf(a))
	})
}

// info compares clocks.
func (m *Machine) info(a wire.Answer) {
	i, ok := a.(wire.ServerInfo)
	if !ok {
		return
	}
	start := i.Day.Start()
	wrong := m.now.Before(start.Add(-plane.ClockSkewMax)) || m.now.After(start.Add(24*time.Hour+plane.ClockSkewMax))
	switch {
	case wrong:
		m.setNotice("clock")
	case m.notice == "clock":
		m.setNotice("")
	}
}

// Delays after refusals.
const (
	delayFirst = time.Second
	delayMax   = 5 * time.Minute
)

// backoff returns how long to wait before try number n+1: doubling, with jitter, so that the
// clients of a server that comes back do not come in step.
func backoff(n int) time.Duration {
	d := delayFirst << min(n, 10)
	return between(min(d, delayMax)/2, min(d, delayMax))
}

// between returns a random duration.
func between(from, to time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return from + time.Duration(binary.BigEndian.Uint64(b[:])%uint64(to-from+1))
}

func (m *Machine) delay(s *server) {
	s.retryAt = m.now.Add(backoff(s.tries))
	s.tries++
}
