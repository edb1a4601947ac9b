package sim

import (
	"context"
	"time"

	"paperplane/protocol/plane"
	"paperplane/protocol/session"
	"paperplane/server"
	blobmem "paperplane/server/blob/mem"
	"paperplane/server/store"
	storemem "paperplane/server/store/mem"
	"paperplane/server/tables"
	tablesmem "paperplane/server/tables/mem"
)

// crash is what a write panics with when the server dies there.
type crash struct{}

// simServer is the server's process over disks that outlive it.
type simServer struct {
	w        *world
	key      *session.PrivateKey
	store    store.Log
	tables   tables.Tables
	blobs    *blobmem.Store
	full     bool
	fuse     int // writes until the crash, 0 = none; negative = after that write
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
	pumped bool // a pump is scheduled
}

func newServer(w *world) *simServer {
	key, err := session.GenerateKey()
	if err != nil {
		panic(err)
	}
	s := &simServer{w: w, key: key, blobs: blobmem.New(), seed: server.NewSeed()}
	s.store = &fusedStore{storemem.New(), s}
	s.tables = &fusedTables{tablesmem.New(), s}
	s.boot()
	var front error
	s.front, _, front = s.process.Front(s.seed, 1000, plane.DayOf(w.now)+3650)
	if front != nil {
		panic(front)
	}
	return s
}

func (s *simServer) invite() string {
	return server.Link(origin, s.key.Fingerprint(), s.front, s.seed)
}

// origin names the one server; the simulator has no addresses.
const origin = "http://127.0.0.1:8765"

// boot starts a process on the disks.
func (s *simServer) boot() {
	p, err := server.New(server.Config{Store: s.store, Tables: s.tables, Blobs: s.blobs,
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

// die ends the process and starts another a little later. Carriers die with it.
func (s *simServer) die() {
	if !s.up {
		return
	}
	s.w.stats.serverCrashes++
	s.w.tell("server crashes")
	s.up, s.fuse = false, 0
	s.life++
	for _, c := range s.w.people {
		c.lose("server crashed")
	}
	s.sessions = nil
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

// burn counts a write down; it panics before or after the one that the fuse names.
func (s *simServer) burn(write func() error) error {
	if s.fuse == 0 && s.w.chance(0.0015) {
		s.fuse = []int{1, -1, 2, -2}[s.w.rng.IntN(4)]
	}
	if s.fuse == 1 {
		panic(crash{})
	}
	err := write()
	switch {
	case s.fuse == -1:
		panic(crash{})
	case s.fuse > 0:
		s.fuse--
	case s.fuse < 0:
		s.fuse++
	}
	return err
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
			ss = &serverSession{s: ev.Session}
			ss.peer = s.process.Attach(ev.Session.Binding(), func() { s.wake(ss) })
			s.sessions[ev.Session] = ss
		}
		ss.link, e.session = e, ss
	}
	if ss := e.session; ss != nil {
		if ev.Payload != nil {
			ctx := context.Background()
			run, err := ss.peer.Begin(ctx, ev.Payload)
			if err != nil {
				s.w.fail("the server ends a session: %v", err)
				return
			}
			if run != nil {
				s.in(s.w.between(0, 20*time.Millisecond), func() { run(ctx) })
			}
		}
		s.wake(ss)
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
			if ss.s.Queue(frame) != nil {
				break
			}
		}
		if ss.link != nil {
			ss.link.flush(ss.link.server.Next)
		}
	})
}

// fusedStore and fusedTables are disks beside which the process may die at any write.
type fusedStore struct {
	*storemem.Log
	s *simServer
}

func (f *fusedStore) Append(ctx context.Context, id plane.LogID, day plane.Day, body []byte, retry bool) (seq plane.Seq, err error) {
	err = f.s.burn(func() error { seq, err = f.Log.Append(ctx, id, day, body, retry); return err })
	return seq, err
}

type fusedTables struct {
	*tablesmem.Tables
	s *simServer
}

func (f *fusedTables) CreateLog(l tables.Log, c tables.Cap) error {
	return f.s.burn(func() error { return f.Tables.CreateLog(l, c) })
}

func (f *fusedTables) Rotate(id plane.LogID, last plane.Seq, c tables.Cap) error {
	return f.s.burn(func() error { return f.Tables.Rotate(id, last, c) })
}
