package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"paperplane/internal/obs"
	"paperplane/protocol/plane"
	"paperplane/server/blob"
	"paperplane/server/store"
	"paperplane/server/tables"
)

// Config says what a Server works with. Store, Blobs, Tables and Now are needed.
type Config struct {
	Store  store.Log
	Blobs  blob.Store
	Tables tables.Tables
	Now    func() time.Time
	// Free returns the bytes left on the disk; nil means that the disk is never full.
	Free func() (int64, error)
	// Limits that are zero are the defaults.
	Limits Limits
	Obs    *obs.Obs // may be nil
}

// Server keeps logs. Make it with New; it has no Close, since it owns nothing: end its peers,
// call Flush, then close store, blobs and tables.
type Server struct {
	store  store.Log
	blobs  blob.Store
	tables tables.Tables
	now    func() time.Time
	free   func() (int64, error)
	limits Limits
	obs    *obs.Obs
	front  plane.LogID // the front door's log; zero before Front was called

	mu   sync.Mutex
	live map[plane.LogID]*live
	// months holds the logs and members opened in a month other than the stored one; Tick
	// stores them in one go.
	seenLogs    map[plane.LogID]struct{}
	seenMembers map[plane.PublicKey]struct{}

	// pause is held shared by whatever changes something, and alone by Quiesce.
	pause sync.RWMutex

	usage usage
	disk  disk
	tick  ticks
}

// New returns a Server. It reads the settings and nothing else.
func New(c Config) (*Server, error) {
	s := &Server{
		store: c.Store, blobs: c.Blobs, tables: c.Tables, now: c.Now, free: c.Free,
		limits: c.Limits.withDefaults(), obs: c.Obs,
		live:        map[plane.LogID]*live{},
		seenLogs:    map[plane.LogID]struct{}{},
		seenMembers: map[plane.PublicKey]struct{}{},
	}
	v, err := s.tables.Setting(tables.SettingFront)
	switch {
	case err == nil && len(v) == len(s.front):
		s.front = plane.LogID(v)
	case !errors.Is(err, tables.ErrAbsent):
		return nil, fmt.Errorf("read the front door's id: %w", err)
	}
	return s, nil
}

func (s *Server) today() plane.Day { return plane.DayOf(s.now()) }

// live is a log that some handle is open on.
type live struct {
	id   plane.LogID
	refs int // guarded by Server.mu

	// mu is held shared by whoever appends and by whoever looks at what follows, and alone by
	// whoever changes it: so no append of an old generation is under way when ROTATE counts.
	mu     sync.RWMutex
	loaded bool
	gone   bool // deleted, or never there
	frozen bool
	inbox  bool
	gen    plane.Gen
	ttl    uint8

	// knock keeps two knocks with one body from being appended twice.
	knock sync.Mutex

	hub  sync.Mutex // guards what follows
	subs []*sub
	day  plane.Day // of bytes
	used int64     // bytes appended on that day
}

// acquire returns the live log of an id, loading its row; release must follow. A log that is
// not there comes as gone.
func (s *Server) acquire(id plane.LogID) (*live, error) {
	s.mu.Lock()
	l := s.live[id]
	if l == nil {
		l = &live{id: id}
		s.live[id] = l
		s.obs.Move(obs.LogsOpen, 1)
	}
	l.refs++
	s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loaded {
		return l, nil
	}
	row, err := s.tables.Log(id)
	switch {
	case errors.Is(err, tables.ErrAbsent):
		l.gone = true
	case err != nil:
		s.release(l)
		return nil, err
	}
	l.loaded = true
	l.gen, l.ttl = row.Gen, row.TTLDays
	l.frozen, l.inbox = row.Flags&tables.FlagFrozen != 0, row.Flags&tables.FlagInbox != 0
	return l, nil
}

func (s *Server) release(l *live) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.refs--
	if l.refs == 0 && s.live[l.id] == l {
		delete(s.live, l.id)
		s.obs.Move(obs.LogsOpen, -1)
	}
}

// forget makes the next acquire of a deleted log start anew.
func (s *Server) forget(l *live) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[l.id] == l {
		delete(s.live, l.id)
		s.obs.Move(obs.LogsOpen, -1)
	}
}

// flags returns what is stored of the log's state; l.mu is held.
func (l *live) flags() (f tables.Flags) {
	if l.frozen {
		f |= tables.FlagFrozen
	}
	if l.inbox {
		f |= tables.FlagInbox
	}
	return f
}

// code turns an error of store, tables or blobs into what the peer is told, and tells the
// operator what the peer is not told.
func (s *Server) code(err error) plane.Code {
	switch {
	case err == nil:
		return plane.OK
	case errors.Is(err, tables.ErrAbsent), errors.Is(err, tables.ErrExists), errors.Is(err, blob.ErrAbsent), errors.Is(err, blob.ErrClash):
		return plane.Refused
	case errors.Is(err, tables.ErrUsedUp):
		return plane.UsedUp
	case errors.Is(err, tables.ErrLimit):
		return plane.TooLarge
	case errors.Is(err, store.ErrFull), errors.Is(err, tables.ErrFull), errors.Is(err, blob.ErrFull):
		s.disk.isFull(s)
		return plane.Full
	case errors.Is(err, store.ErrSize), errors.Is(err, blob.ErrSize):
		return plane.Malformed
	case errors.Is(err, store.ErrDamaged), errors.Is(err, tables.ErrDamaged), errors.Is(err, blob.ErrDamaged):
		s.obs.Log(obs.StoreDamaged)
	default:
		s.obs.Log(obs.StoreFailed, obs.Cause(err))
	}
	return plane.Failed
}

// disk remembers whether there is room, and asks at most once a second.
type disk struct {
	full atomic.Bool
	next atomic.Int64 // Unix second from which to ask again
}

// room says whether new data may be taken: below the reserve nothing is, so that tables,
// rotations and deletions still work when the disk is nearly full.
func (d *disk) room(s *Server) bool {
	if s.free == nil {
		return true
	}
	now := s.now().Unix()
	if next := d.next.Load(); now < next && next-now <= 60 {
		return !d.full.Load()
	}
	d.next.Store(now + 1)
	free, err := s.free()
	full := err == nil && free < s.limits.DiskReserveBytes
	if was := d.full.Swap(full); was != full {
		s.obs.Log(map[bool]obs.Event{true: obs.DiskFull, false: obs.DiskFree}[full])
	}
	return !full
}

// isFull is called when a write met a full disk in spite of the reserve.
func (d *disk) isFull(s *Server) {
	if !d.full.Swap(true) {
		s.obs.Log(obs.DiskFull)
	}
}

// seen notes that somebody opened a log in a month later than the stored one.
func (s *Server) seenLog(row tables.Log) {
	if row.Opened >= s.today().Month() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seenLogs[row.ID] = struct{}{}
}

func (s *Server) seenMember(m tables.Member) {
	if m.Seen >= s.today().Month() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seenMembers[m.Key] = struct{}{}
}

// Flush stores what is only remembered in memory. The driver calls it before it closes.
func (s *Server) Flush(context.Context) error {
	s.mu.Lock()
	logs, members := s.seenLogs, s.seenMembers
	s.seenLogs, s.seenMembers = map[plane.LogID]struct{}{}, map[plane.PublicKey]struct{}{}
	s.mu.Unlock()
	if len(logs)+len(members) == 0 {
		return nil
	}
	ids := make([]plane.LogID, 0, len(logs))
	for id := range logs {
		ids = append(ids, id)
	}
	keys := make([]plane.PublicKey, 0, len(members))
	for k := range members {
		keys = append(keys, k)
	}
	// Losing these months in a crash is harmless: the next opening notes them again.
	return s.tables.MarkOpened(s.today().Month(), ids, keys)
}

// Healthy says whether the server takes anything new: its disk has room.
func (s *Server) Healthy() bool { return s.disk.room(s) }

// Quiesce runs f while nothing is being changed: store, blobs and tables are settled and their
// files stand still. Requests that change something wait; reading goes on. For backups.
func (s *Server) Quiesce(ctx context.Context, f func() error) error {
	s.pause.Lock()
	defer s.pause.Unlock()
	if err := s.settle(ctx); err != nil {
		return err
	}
	return f()
}
