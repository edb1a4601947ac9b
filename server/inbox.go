package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"

	"paperplane/internal/obs"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
	"paperplane/server/store"
	"paperplane/server/tables"
)

// inbox returns the owner handle's log if it is an inbox that is there.
func (p *Peer) inbox(n wire.Handle) (*live, bool) {
	h := p.handle(n, wire.RoleOwner)
	if h == nil {
		return nil, false
	}
	h.log.mu.RLock()
	defer h.log.mu.RUnlock()
	return h.log, !h.log.gone && h.log.inbox
}

// putDoor adds, changes or removes a door.
func (p *Peer) putDoor(r wire.Door) wire.Answer {
	l, ok := p.inbox(r.Handle)
	if !ok {
		return done(plane.Refused)
	}
	if r.Left == 0 {
		return done(p.s.code(p.s.tables.DeleteDoor(l.id, r.Key)))
	}
	return done(p.s.code(p.s.tables.PutDoor(l.id, tables.Door{Key: r.Key, Left: r.Left, Until: r.Until})))
}

// knock takes a use of a door, takes the member in, and appends the request.
//
// The use and the member are one transaction; the record comes after it. So a record is never
// there without a use. A crash, or a full disk, between the two costs one use: the client
// repeats with Retry, the record is not found, and another use is taken. A crash after both is
// found out by the retry, which takes nothing.
func (p *Peer) knock(ctx context.Context, r wire.Knock) wire.Answer {
	h := p.handle(r.Handle, wire.RoleDoor)
	if h == nil {
		return done(plane.Refused)
	}
	s, l := p.s, h.log
	front := l.id == s.front
	if front != (len(r.Body) == 0) {
		return done(plane.Malformed)
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case l.gone:
		return done(plane.Refused)
	case l.frozen:
		return done(plane.Closed)
	case !s.disk.room(s):
		return done(plane.Full)
	}
	l.knock.Lock()
	defer l.knock.Unlock()
	if !l.room(s.today(), int64(len(r.Body)), s.limits.LogBytesPerDay) {
		return done(plane.Full) // before a use is taken
	}
	if r.Retry {
		if seq, err := s.knocked(ctx, l, r, front); seq != 0 || err != nil {
			if err != nil {
				return done(s.code(err))
			}
			if !front {
				l.publish(seq, r.Body) // the first try may have failed between storing and publishing
			}
			return wire.Appended{Seq: seq}
		}
	}
	var member *tables.Member
	if (r.Member != plane.PublicKey{}) {
		month := s.today().Month()
		member = &tables.Member{Key: r.Member, Joined: month, Seen: month, Class: classOrdinary}
	}
	if err := s.tables.TakeDoor(l.id, *h.door, s.today(), member); err != nil {
		return done(s.code(err))
	}
	s.obs.Count(obs.Knocks, 1)
	if front {
		return wire.Appended{Seq: 1} // nothing was appended; the answer must have a number
	}
	seq, code := s.append(ctx, l, r.Body, false)
	if code != plane.OK {
		return done(code)
	}
	return wire.Appended{Seq: seq}
}

// classOrdinary is the only class of members in this version.
const classOrdinary = 1

// knocked looks whether an earlier try of a knock arrived; 0 when not.
func (s *Server) knocked(ctx context.Context, l *live, r wire.Knock, front bool) (plane.Seq, error) {
	if front {
		_, err := s.tables.Member(r.Member)
		if errors.Is(err, tables.ErrAbsent) {
			return 0, nil
		}
		return 1, err
	}
	head, err := s.store.Head(ctx, l.id)
	if err != nil || head == 0 {
		return 0, err
	}
	from := plane.Seq(1)
	if head > store.RetryWindow {
		from = head - store.RetryWindow + 1
	}
	records, err := s.store.Read(ctx, l.id, from, store.RetryWindow)
	if err != nil {
		return 0, err
	}
	for _, rec := range records {
		if bytes.Equal(rec.Body, r.Body) {
			return rec.Seq, nil
		}
	}
	return 0, nil
}

func (p *Peer) poolPut(r wire.PoolPut) wire.Answer {
	l, ok := p.inbox(r.Handle)
	if !ok {
		return done(plane.Refused)
	}
	if !p.s.disk.room(p.s) {
		return done(plane.Full)
	}
	left, err := p.s.tables.PutPool(l.id, r.Card, r.LastResort, r.Packages)
	if err != nil {
		return done(p.s.code(err))
	}
	return wire.Pool{Left: uint16(left)}
}

// poolTake gives the card and a key package. A one-time package is removed, durably, before it
// is given: a crash in between wastes it, and nobody gets it twice.
func (p *Peer) poolTake(r wire.PoolTake) wire.Answer {
	h := p.handle(r.Handle, wire.RoleDoor)
	if h == nil {
		return done(plane.Refused)
	}
	s, l := p.s, h.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.gone {
		return done(plane.Refused)
	}
	var a wire.Package
	var err error
	if a.Card, err = s.tables.Card(l.id); err != nil {
		return done(s.code(err))
	}
	if r.Package {
		fresh := s.usage.take(s.today(), useDoorPackages, *h.door, 1, int64(s.limits.PackagesPerDoorDay))
		if a.Package, a.LastResort, err = s.tables.TakePackage(l.id, fresh); err != nil {
			return done(s.code(err))
		}
	}
	return a
}

// proveMember proves a membership. The signature is checked whether there is such a member or
// not (L-08).
func (p *Peer) proveMember(r wire.Member) wire.Answer {
	m, err := p.s.tables.Member(r.Key)
	ok := caps.Verify(r.Key, caps.MemberMessage(p.binding), r.Sig)
	switch {
	case err != nil:
		return done(p.s.code(err))
	case !ok:
		return done(plane.Refused)
	}
	p.mu.Lock()
	p.member = &r.Key
	p.mu.Unlock()
	p.s.seenMember(m)
	return done(plane.OK)
}

// Front makes sure that there is a front door that opens: a door of a log that the server made
// for itself and that nobody can read. It returns the log's id. seed is the door's; when the
// door is there with a use left and in time, nothing changes.
func (s *Server) Front(seed [16]byte, uses uint16, until plane.Day) (id plane.LogID, made bool, err error) {
	if (s.front == plane.LogID{}) {
		// Its owner key is thrown away: nobody but the server opens or closes doors here.
		id := caps.NewLogID(caps.NewSigner().Public())
		if err := s.tables.SetSetting(tables.SettingFront, id[:]); err != nil {
			return id, false, err
		}
		s.front = id
	}
	// The row may be missing after a crash between the two steps.
	if _, err := s.tables.Log(s.front); errors.Is(err, tables.ErrAbsent) {
		var keys tables.Cap
		keys.Gen = 1
		keys.Read, keys.Write = caps.NewSigner().Public(), caps.NewSigner().Public()
		row := tables.Log{ID: s.front, Owner: caps.NewSigner().Public(), Gen: 1, TTLDays: plane.TTLDaysMin,
			Opened: s.today().Month(), Flags: tables.FlagInbox}
		if err := s.tables.CreateLog(row, keys); err != nil {
			return s.front, false, err
		}
	} else if err != nil {
		return s.front, false, err
	}
	key := caps.DoorSigner(seed).Public()
	d, err := s.tables.Door(s.front, key)
	switch {
	case err == nil && d.Left > 0 && d.Until >= s.today():
		return s.front, false, nil
	case err != nil && !errors.Is(err, tables.ErrAbsent):
		return s.front, false, err
	}
	err = s.tables.PutDoor(s.front, tables.Door{Key: key, Left: uses, Until: until})
	return s.front, true, err
}

// FrontOpens says whether the door of seed is the front door's and still opens.
func (s *Server) FrontOpens(seed [16]byte) (bool, error) {
	d, err := s.tables.Door(s.front, caps.DoorSigner(seed).Public())
	if errors.Is(err, tables.ErrAbsent) {
		return false, nil
	}
	return err == nil && d.Left > 0 && d.Until >= s.today(), err
}

// NewSeed returns the seed of a new door.
func NewSeed() (seed [16]byte) {
	_, _ = rand.Read(seed[:]) // never fails
	return seed
}
