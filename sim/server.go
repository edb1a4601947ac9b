package sim

import (
	"context"
	"errors"
	"time"

	"paperplane/protocol/plane"
	"paperplane/protocol/session"
	"paperplane/protocol/wire"
	"paperplane/server"
	"paperplane/server/tables"
)

// simServer is the server's process over disks that outlive it.
type simServer struct {
	w        *world
	key      *session.PrivateKey
	disks    disks
	full     bool
	up       bool
	life     int // grows with each start, so that work of a dead process is dropped
	process  *server.Server
	machine  *session.ServerMachine
	sessions map[*session.ServerSession]*serverSession
	seed     [16]byte
	front    plane.LogID
}

type serverSession struct {
	s      *session.ServerSession
	peer   *server.Peer
	link   *carrierEnd
	client *simClient
	pumped bool // a pump is scheduled
	lies   *sessionLies
}

func newServer(w *world) *simServer {
	key, err := session.GenerateKey()
	if err != nil {
		panic(err)
	}
	s := &simServer{w: w, key: key, seed: server.NewSeed()}
	s.disks = newDisks(s)
	s.boot()
	s.front, _, err = s.process.Front(s.seed, 1000, plane.DayOf(w.now)+3650)
	if err != nil {
		panic(err)
	}
	s.upkeep()
	return s
}

func (s *simServer) invite() string {
	return server.Link(origin, s.key.Fingerprint(), s.front, s.seed)
}

// origin names the one server; the simulator has no addresses.
const origin = "http://127.0.0.1:8765"

// boot starts a process on the disks.
func (s *simServer) boot() {
	p, err := server.New(server.Config{Store: s.disks.store, Tables: s.disks.tables, Blobs: s.disks.blobs,
		Now: func() time.Time { return s.w.now }, Free: func() (int64, error) {
			if s.full {
				return 0, nil
			}
			return 1 << 40, nil
		}, Limits: server.Limits{RequestsPerSecond: 100000, RequestsBurst: 100000}})
	if err != nil {
		panic(err)
	}
	s.life++
	s.process, s.machine, s.up = p, session.NewServerMachine(s.key, 1000), true
	s.sessions = map[*session.ServerSession]*serverSession{}
}

// upkeepEvery is how often Tick runs: expiry at midnight, settling each hour.
const upkeepEvery = 10 * time.Minute

func (s *simServer) upkeep() {
	s.w.after(upkeepEvery, func() {
		if s.up {
			s.alive(func() {
				if err := s.process.Tick(context.Background()); err != nil && !errors.Is(err, errDisk) && !errors.Is(err, tables.ErrFull) {
					s.w.fail("upkeep: %v", err)
				}
			})
		}
		s.upkeep()
	})
}

// die ends the process and starts another a little later. Carriers die with it.
func (s *simServer) die() {
	if !s.up {
		return
	}
	s.w.stats[serverCrashes]++
	s.w.tell("server crashes")
	s.up = false
	s.life++
	for _, c := range s.w.people {
		c.lose("server crashed")
	}
	s.sessions = nil
	s.disks.crashed()
	s.w.after(s.w.between(50*time.Millisecond, 4*time.Second), func() {
		s.w.tell("server starts")
		s.boot()
	})
}

// alive runs f as the process; a write may end the process in the middle of it.
func (s *simServer) alive(f func()) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
			s.die()
		}
	}()
	f()
}

// in does something as the process of this life, later.
func (s *simServer) in(d time.Duration, f func()) {
	life := s.life
	s.w.after(d, func() {
		if s.life == life && s.up {
			s.alive(f)
		}
	})
}

// take handles one message of a carrier.
func (s *simServer) take(e *carrierEnd, msg []byte) {
	ev, err := e.server.Take(msg)
	if ev.Out != nil {
		e.send(ev.Out)
	}
	if err != nil {
		e.cut("server refuses: " + err.Error())
		return
	}
	if ev.Attached {
		ss := s.sessions[ev.Session]
		if ss == nil {
			ss = &serverSession{s: ev.Session, client: e.k.client}
			ss.peer = s.process.Attach(ev.Session.Binding(), func() { s.wake(ss) })
			s.sessions[ev.Session] = ss
			if s.w.liar != nil {
				ss.lies = s.w.liar.session(ss.client)
			}
		}
		ss.link, e.session = e, ss
	}
	if ss := e.session; ss != nil {
		if ev.Payload != nil {
			s.begin(ss, ev.Payload)
		}
		s.wake(ss)
	}
}

// begin starts a request.
func (s *simServer) begin(ss *serverSession, payload []byte) {
	ctx := context.Background()
	if ss.lies != nil {
		if rid, r, err := wire.ParseRequest(payload); err == nil {
			ss.lies.asked(rid, r)
		}
	}
	run, err := ss.peer.Begin(ctx, payload)
	if err != nil {
		s.w.fail("the server ends a session: %v", err)
		return
	}
	if run != nil {
		s.in(s.w.between(0, 20*time.Millisecond), func() { run(ctx) })
	}
}

// wake schedules a pump of a session.
func (s *simServer) wake(ss *serverSession) {
	if ss.pumped {
		return
	}
	ss.pumped = true
	s.in(0, func() {
		ss.pumped = false
		for {
			frame, ok := ss.peer.Next(context.Background())
			if !ok {
				break
			}
			if ss.lies != nil {
				for _, f := range ss.lies.tell(frame) {
					_ = ss.s.Queue(f)
				}
				continue
			}
			if ss.s.Queue(frame) != nil {
				break
			}
		}
		if ss.link != nil {
			ss.link.flush(ss.link.server.Next)
		}
	})
}

// head is the number of a log's newest record.
func (s *simServer) head(id plane.LogID) plane.Seq {
	h, err := s.disks.store.Head(context.Background(), id)
	if err != nil {
		panic(err)
	}
	return h
}
