package coretest

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"paperplane/core"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// Server keeps logs in memory and means what the wire's messages mean. It checks signatures and
// capabilities, and nothing of what a real server must bound.
type Server struct {
	ID     core.ServerID
	Origin string
	// Front is the server's own door.
	Front   *caps.Signer
	frontID plane.LogID
	seed    [16]byte

	logs    map[plane.LogID]*Log
	members map[plane.PublicKey]bool
	Day     plane.Day
	Away    bool                    // takes no new sessions
	Blobs   map[plane.BlobID][]byte // whole chunks

	// Refuse, when set, may answer a request instead of the server.
	Refuse func(c *Client, r wire.Request) wire.Answer
	// Show, when set, may change a record for one reader; nil withholds it.
	Show func(c *Client, id plane.LogID, r wire.Record) *wire.Record
}

// Log is one log.
type Log struct {
	owner   plane.PublicKey
	gen     plane.Gen
	caps    map[plane.Gen]*generation
	inbox   bool
	Records []wire.Record
	head    plane.Seq
	doors   map[plane.PublicKey]*wire.Door
	card    []byte
	last    []byte
	Pool    [][]byte
	ttl     uint8
}

type generation struct {
	read, write plane.PublicKey
	last        plane.Seq // 0: still open
}

type handle struct {
	id   plane.LogID
	role wire.Role
	gen  plane.Gen
	key  plane.PublicKey
	sub  plane.Seq // next record to send, 0: not subscribed
}

// session is what the server has of one client.
type session struct {
	c       *Client
	binding plane.Binding
	next    wire.Handle
	handles map[wire.Handle]*handle
	proved  bool
}

// NewServer makes an empty server.
func NewServer(origin string) *Server {
	s := &Server{Origin: origin, ID: sha256.Sum256([]byte(origin)), logs: map[plane.LogID]*Log{}, members: map[plane.PublicKey]bool{}, Blobs: map[plane.BlobID][]byte{}}
	s.seed = [16]byte{1, 2, 3}
	s.Front = caps.DoorSigner(s.seed)
	owner := caps.NewSigner()
	s.frontID = caps.NewLogID(owner.Public())
	s.logs[s.frontID] = &Log{owner: owner.Public(), gen: 1, caps: map[plane.Gen]*generation{1: {}}, inbox: true, doors: map[plane.PublicKey]*wire.Door{
		s.Front.Public(): {Key: s.Front.Public(), Left: 1000, Until: 1 << 30},
	}}
	return s
}

// Link is the server's own first link.
func (s *Server) Link() string {
	return seal.Link{Origin: s.Origin, Server: s.ID, Inbox: s.frontID, Door: s.seed, Card: seal.NewCardKey()}.String()
}

// Log returns a log by its chat id.
func (s *Server) Log(chat string) *Log {
	id, err := plane.ParseLogID(chat)
	if err != nil {
		return nil
	}
	return s.logs[id]
}

// Doors counts the doors that open.
func (s *Server) Doors() (n int) {
	for _, l := range s.logs {
		for _, d := range l.doors {
			if d.Left > 0 && d.Until >= s.Day {
				n++
			}
		}
	}
	return n
}

// DoorUntil returns the last day of a door of a log, zero when there is none.
func (s *Server) DoorUntil(log string, key plane.PublicKey) plane.Day {
	if l := s.Log(log); l != nil && l.doors[key] != nil {
		return l.doors[key].Until
	}
	return 0
}

// CloseDoors uses up every door of every inbox but the front door.
func (s *Server) CloseDoors() {
	for id, l := range s.logs {
		if id != s.frontID {
			for _, d := range l.doors {
				d.Left = 0
			}
		}
	}
}

// Expire removes a log's records up to seq.
func (l *Log) Expire(seq plane.Seq) {
	l.Records = slices.DeleteFunc(l.Records, func(r wire.Record) bool { return r.Seq <= seq })
}

// Head returns the number of the newest record.
func (l *Log) Head() plane.Seq { return l.head }

// Rollback takes back the newest n records.
func (l *Log) Rollback(n plane.Seq) {
	l.head -= n
	l.Records = slices.DeleteFunc(l.Records, func(r wire.Record) bool { return r.Seq > l.head })
}

func code(c plane.Code) wire.Answer { return wire.Done{Code: c} }

func (l *Log) add(s *Server, body []byte) plane.Seq {
	l.head++
	l.Records = append(l.Records, wire.Record{Seq: l.head, Body: bytes.Clone(body)})
	return l.head
}

// Inject appends a record as somebody who has the write key would.
func (w *World) Inject(chat string, body []byte) {
	l := w.Server.Log(chat)
	l.add(w.Server, body)
	w.Server.spread(w)
}

// append stores a body, once if it was tried before.
func (l *Log) append(s *Server, body []byte, retry bool) plane.Seq {
	if retry {
		for _, r := range l.Records {
			if bytes.Equal(r.Body, body) {
				return r.Seq
			}
		}
	}
	return l.add(s, body)
}

// spread sends new records to whoever has subscribed.
func (s *Server) spread(w *World) {
	for _, c := range w.Clients {
		on := c.on(s)
		if on == nil {
			continue
		}
		for h := wire.Handle(1); h <= on.next; h++ {
			x := on.handles[h]
			if x == nil || x.sub == 0 {
				continue
			}
			l := s.logs[x.id]
			for _, r := range l.Records {
				if r.Seq < x.sub {
					continue
				}
				x.sub = r.Seq + 1
				if v := s.shown(c, x.id, r); v != nil {
					c.push(core.Pushed{Server: s.ID, Event: wire.RecordEvent{Handle: h, Seq: v.Seq, Body: v.Body}})
				}
			}
		}
	}
}

func (s *Server) shown(c *Client, id plane.LogID, r wire.Record) *wire.Record {
	if s.Show != nil {
		return s.Show(c, id, r)
	}
	return &r
}

// handle answers one request.
func (s *Server) handle(w *World, x *session, r wire.Request) wire.Answer {
	if s.Refuse != nil {
		if a := s.Refuse(x.c, r); a != nil {
			return a
		}
	}
	get := func(h wire.Handle, role wire.Role) (*Log, *handle) {
		y := x.handles[h]
		if y == nil || y.role != role {
			return nil, nil
		}
		return s.logs[y.id], y
	}
	opened := func(id plane.LogID, role wire.Role, gen plane.Gen, key plane.PublicKey) wire.Answer {
		x.next++
		x.handles[x.next] = &handle{id: id, role: role, gen: gen, key: key}
		l := s.logs[id]
		head := l.head
		if g := l.caps[gen]; role == wire.RoleRead && g != nil && g.last != 0 {
			head = g.last
		}
		return wire.Opened{Handle: x.next, Head: head, Gen: l.gen}
	}
	switch r := r.(type) {
	case wire.Info:
		return wire.ServerInfo{Day: s.Day, TTLDaysMax: plane.TTLDaysMax, BlobChunks: plane.BlobChunksMax}
	case wire.Member:
		if !caps.Verify(r.Key, caps.MemberMessage(x.binding), r.Sig) || !s.members[r.Key] {
			return code(plane.Refused)
		}
		x.proved = true
		return code(plane.OK)
	case wire.Create:
		door := false
		for _, h := range x.handles {
			door = door || h.role == wire.RoleDoor
		}
		if !x.proved && !door || !caps.Verify(r.Owner, caps.CreateMessage(x.binding, r.Owner, r.Read, r.Write, r.TTLDays, r.Inbox), r.Sig) {
			return code(plane.Refused)
		}
		id := caps.NewLogID(r.Owner)
		if l := s.logs[id]; l == nil {
			s.logs[id] = &Log{owner: r.Owner, gen: 1, inbox: r.Inbox, ttl: r.TTLDays, caps: map[plane.Gen]*generation{1: {read: r.Read, write: r.Write}}, doors: map[plane.PublicKey]*wire.Door{}}
		} else if l.caps[1].read != r.Read || l.caps[1].write != r.Write {
			return code(plane.Refused)
		}
		return opened(id, wire.RoleOwner, 0, r.Owner)
	case wire.Open:
		l := s.logs[r.Log]
		if l == nil {
			return code(plane.Refused)
		}
		key := r.Key
		switch r.Role {
		case wire.RoleOwner:
			key = l.owner
		case wire.RoleRead, wire.RoleWrite:
			g := l.caps[r.Gen]
			if g == nil || r.Role == wire.RoleWrite && r.Gen != l.gen {
				return code(plane.Refused)
			}
			key = g.read
			if r.Role == wire.RoleWrite {
				key = g.write
			}
		case wire.RoleDoor:
			if l.doors[r.Key] == nil {
				return code(plane.Refused)
			}
		}
		if !caps.Verify(key, caps.OpenMessage(x.binding, r.Log, uint8(r.Role), r.Gen, key), r.Sig) {
			return code(plane.Refused)
		}
		if d := l.doors[r.Key]; r.Role == wire.RoleDoor && (d.Left == 0 || d.Until < s.Day) {
			return code(plane.UsedUp)
		}
		return opened(r.Log, r.Role, r.Gen, key)
	case wire.Close:
		delete(x.handles, r.Handle)
		return code(plane.OK)
	case wire.Append:
		l, h := get(r.Handle, wire.RoleWrite)
		if l == nil || h.gen != l.gen {
			return code(plane.Refused)
		}
		return wire.Appended{Seq: l.append(s, r.Body, r.Retry)}
	case wire.Read:
		l, h := get(r.Handle, wire.RoleRead)
		if l == nil {
			return code(plane.Refused)
		}
		out := wire.Records{Head: l.head}
		if g := l.caps[h.gen]; g.last != 0 {
			out.Head = g.last
		}
		for _, y := range l.Records {
			if y.Seq >= r.From && y.Seq <= out.Head && len(out.Records) < min(int(r.Limit), 7) {
				if v := s.shown(x.c, h.id, y); v != nil {
					out.Records = append(out.Records, *v)
				}
			}
		}
		return out
	case wire.Subscribe:
		l, h := get(r.Handle, wire.RoleRead)
		if l == nil || l.caps[h.gen].last != 0 {
			return code(plane.Refused)
		}
		h.sub = r.From
		return wire.Opened{Handle: r.Handle, Head: l.head, Gen: l.gen}
	case wire.Signal:
		_, h := get(r.Handle, wire.RoleWrite)
		if h == nil {
			return code(plane.Refused)
		}
		for _, c := range w.Clients {
			on := c.on(s)
			if c == x.c || on == nil {
				continue
			}
			for i := wire.Handle(1); i <= on.next; i++ {
				if y := on.handles[i]; y != nil && y.id == h.id && y.sub != 0 {
					c.push(core.Pushed{Server: s.ID, Event: wire.SignalEvent{Handle: i, Body: bytes.Clone(r.Body)}})
				}
			}
		}
		return code(plane.OK)
	case wire.Rotate:
		l, h := get(r.Handle, wire.RoleOwner)
		if l == nil {
			return code(plane.Refused)
		}
		if g := l.caps[r.Gen]; g != nil && g.read == r.Read && g.write == r.Write {
			return code(plane.OK)
		}
		if r.Gen != l.gen+1 {
			return code(plane.Refused)
		}
		l.caps[l.gen].last = max(1, l.head)
		l.gen = r.Gen
		l.caps[r.Gen] = &generation{read: r.Read, write: r.Write}
		s.endGeneration(w, h.id)
		return code(plane.OK)
	case wire.Manage:
		l, h := get(r.Handle, wire.RoleOwner)
		if l == nil || !r.Delete {
			return code(plane.Refused)
		}
		delete(s.logs, h.id)
		s.endLog(w, h.id)
		return code(plane.OK)
	case wire.Door:
		l, _ := get(r.Handle, wire.RoleOwner)
		if l == nil {
			return code(plane.Refused)
		}
		l.doors[r.Key] = &r
		return code(plane.OK)
	case wire.Knock:
		l, h := get(r.Handle, wire.RoleDoor)
		if l == nil {
			return code(plane.Refused)
		}
		d := l.doors[h.key]
		for _, y := range l.Records {
			if r.Retry && bytes.Equal(y.Body, r.Body) {
				return wire.Appended{Seq: y.Seq}
			}
		}
		if d.Left == 0 || d.Until < s.Day {
			return code(plane.UsedUp)
		}
		d.Left--
		if r.Member != (plane.PublicKey{}) {
			s.members[r.Member] = true
			x.proved = true
		}
		if len(r.Body) == 0 {
			return wire.Appended{Seq: 0}
		}
		return wire.Appended{Seq: l.add(s, r.Body)}
	case wire.PoolPut:
		l, _ := get(r.Handle, wire.RoleOwner)
		if l == nil {
			return code(plane.Refused)
		}
		if r.Card != nil {
			l.card = r.Card
		}
		if r.LastResort != nil {
			l.last, l.Pool = r.LastResort, nil
		}
		l.Pool = append(l.Pool, r.Packages...)
		return wire.Pool{Left: uint16(len(l.Pool))}
	case wire.BlobDelete:
		delete(s.Blobs, caps.NewBlobID(r.Secret))
		return code(plane.OK)
	case wire.PoolTake:
		l, _ := get(r.Handle, wire.RoleDoor)
		if l == nil {
			return code(plane.Refused)
		}
		p := wire.Package{Card: l.card}
		if r.Package && len(l.Pool) > 0 {
			p.Package = l.Pool[0]
			l.Pool = l.Pool[1:]
		} else if r.Package {
			p.Package, p.LastResort = l.last, true
		}
		return p
	}
	return code(plane.Malformed)
}

// endGeneration kills the handles of older generations.
func (s *Server) endGeneration(w *World, id plane.LogID) {
	s.endHandles(w, id, func(gen plane.Gen) bool { return gen != 0 && gen != s.logs[id].gen })
}

// endLog kills all handles of a log that is no more.
func (s *Server) endLog(w *World, id plane.LogID) {
	s.endHandles(w, id, func(plane.Gen) bool { return true })
}

func (s *Server) endHandles(w *World, id plane.LogID, over func(plane.Gen) bool) {
	for _, c := range w.Clients {
		on := c.on(s)
		if on == nil {
			continue
		}
		for h := wire.Handle(1); h <= on.next; h++ {
			if x := on.handles[h]; x != nil && x.id == id && over(x.gen) {
				delete(on.handles, h)
				c.push(core.Pushed{Server: s.ID, Event: wire.GoneEvent{Handle: h, Code: plane.Refused}})
			}
		}
	}
}

// Gen returns the log's generation.
func (l *Log) Gen() plane.Gen { return l.gen }

// DrainPools takes every one-time key package away.
func (s *Server) DrainPools() {
	for _, l := range s.logs {
		l.Pool = nil
	}
}

// RepeatRequests appends every contact request once more.
func (s *Server) RepeatRequests(w *World) {
	for id, l := range s.logs {
		if l.inbox && id != s.frontID {
			for _, r := range slices.Clone(l.Records) {
				l.add(s, r.Body)
			}
		}
	}
	s.spread(w)
}

// Lives returns how many days the records of each log live that a client made, inboxes too.
func (s *Server) Lives() (days []uint8) {
	for id, l := range s.logs {
		if id != s.frontID {
			days = append(days, l.ttl)
		}
	}
	return days
}

// Gen returns the generation of a log's keys.
func (s *Server) Gen(chat string) plane.Gen {
	id, err := plane.ParseLogID(chat)
	if err != nil || s.logs[id] == nil {
		return 0
	}
	return s.logs[id].gen
}
