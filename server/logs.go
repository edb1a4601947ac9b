package server

import (
	"context"
	"errors"
	"time"

	"paperplane/internal/obs"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
	"paperplane/server/tables"
)

// create makes a log. Log and first generation are one transaction: a crash leaves both or
// neither, and the client repeats the request.
func (p *Peer) create(ctx context.Context, r wire.Create) wire.Answer {
	s := p.s
	if !caps.Verify(r.Owner, caps.CreateMessage(p.binding, r.Owner, r.Read, r.Write, r.TTLDays, r.Inbox), r.Sig) {
		return done(plane.Refused)
	}
	member, door := p.standing()
	if member == nil && door == nil {
		return done(plane.Refused)
	}
	if r.TTLDays > s.limits.TTLDaysMax {
		return done(plane.TooLarge)
	}
	row := tables.Log{ID: caps.NewLogID(r.Owner), Owner: r.Owner, Gen: 1, TTLDays: r.TTLDays, Opened: s.today().Month()}
	if r.Inbox {
		row.Flags = tables.FlagInbox
	}
	first := tables.Cap{Gen: 1, Read: r.Read, Write: r.Write}
	have, err := s.tables.Log(row.ID)
	switch {
	case err == nil:
		if code := s.sameLog(have, row, first); code != plane.OK {
			return done(code)
		}
	case errors.Is(err, tables.ErrAbsent):
		if code := p.mayCreate(member, door); code != plane.OK {
			return done(code)
		}
		if err := s.tables.CreateLog(row, first); err != nil {
			return done(s.code(err))
		}
		s.obs.Count(obs.LogsCreated, 1)
	default:
		return done(s.code(err))
	}
	return p.opened(ctx, &handle{role: wire.RoleOwner}, row.ID)
}

// sameLog says OK when a log that is there is the one asked for.
func (s *Server) sameLog(have, want tables.Log, first tables.Cap) plane.Code {
	c, err := s.tables.Cap(have.ID, 1)
	switch {
	case errors.Is(err, tables.ErrAbsent): // so old that its first generation has expired
		return plane.Refused
	case err != nil:
		return s.code(err)
	case c.Read != first.Read || c.Write != first.Write || have.TTLDays != want.TTLDays ||
		have.Flags&tables.FlagInbox != want.Flags&tables.FlagInbox:
		return plane.Refused
	}
	return plane.OK
}

// standing returns by virtue of what the session may create and store.
func (p *Peer) standing() (member, door *plane.PublicKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.member, p.door
}

// mayCreate counts a log against the member's or the door's allowance.
func (p *Peer) mayCreate(member, door *plane.PublicKey) plane.Code {
	s := p.s
	if !s.disk.room(s) {
		return plane.Full
	}
	if member != nil {
		if !s.usage.take(s.today(), useMemberLogs, *member, 1, int64(s.limits.LogsPerMemberDay)) {
			return plane.Busy
		}
		return plane.OK
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.created >= plane.LogsPerDoor {
		return plane.TooLarge
	}
	if !s.usage.take(s.today(), useDoorLogs, *door, 1, int64(max(s.limits.LogsPerDoorDay, p.uses*s.limits.LogsPerUseDay))) {
		return plane.Busy
	}
	p.created++
	return plane.OK
}

// opened finishes an opening: it takes hold of the log, checks again what may have changed since
// its row was read, and gives the handle a number.
func (p *Peer) opened(ctx context.Context, h *handle, id plane.LogID) wire.Answer {
	l, err := p.s.acquire(id)
	if err != nil {
		return done(p.s.code(err))
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.gone {
		// Deleted in this moment; or deleted, made again, and a peer still holds the old one.
		p.s.forget(l)
		p.s.release(l)
		return done(plane.Refused)
	}
	h.log = l
	limited, last, code := false, plane.Seq(0), plane.OK
	switch h.role {
	case wire.RoleWrite:
		if h.gen != l.gen {
			code = plane.Refused
		}
	case wire.RoleRead:
		limited, last, code = p.readable(h)
	}
	var head plane.Seq
	if code == plane.OK && h.role != wire.RoleDoor { // a stranger at a door learns no number
		head, err = p.s.store.Head(ctx, id)
		code = p.s.code(err)
	}
	if limited {
		head = min(head, last)
	}
	var n wire.Handle
	if code == plane.OK {
		n, code = p.addHandle(h)
	}
	if code != plane.OK {
		p.s.release(l)
		return done(code)
	}
	a := wire.Opened{Handle: n, Head: head, Gen: l.gen}
	if h.role == wire.RoleDoor {
		a.Gen = 1
	}
	return a
}

// readable says whether a read handle's generation may read, and up to where; h.log.mu is held.
func (p *Peer) readable(h *handle) (limited bool, last plane.Seq, code plane.Code) {
	switch {
	case h.log.gone || h.gen > h.log.gen:
		return false, 0, plane.Refused
	case h.gen == h.log.gen:
		return false, 0, plane.OK
	}
	c, err := p.s.tables.Cap(h.log.id, h.gen)
	return true, c.LastSeq, p.s.code(err)
}

// open opens a log. Both rows are read and one signature is checked whatever is there (L-08),
// and nothing that depends on whether other people have the log open is looked at before.
func (p *Peer) open(ctx context.Context, r wire.Open) wire.Answer {
	s := p.s
	// The message names the key that signs; without a key it is as long, so it costs the same.
	message := func(key plane.PublicKey) []byte {
		return caps.OpenMessage(p.binding, r.Log, uint8(r.Role), r.Gen, key)
	}
	row, err := s.tables.Log(r.Log)
	var key *plane.PublicKey
	var door tables.Door
	switch r.Role {
	case wire.RoleOwner:
		if err == nil {
			key = &row.Owner
		}
	case wire.RoleRead, wire.RoleWrite:
		c, capErr := s.tables.Cap(r.Log, r.Gen)
		if err = errors.Join(err, capErr); err == nil {
			key = &c.Read
			if r.Role == wire.RoleWrite {
				key = &c.Write
			}
		}
	case wire.RoleDoor:
		var doorErr error
		door, doorErr = s.tables.Door(r.Log, r.Key)
		if err = errors.Join(err, doorErr); err == nil {
			key = &r.Key
		}
	}
	if key == nil {
		caps.VerifyDummy(message(r.Key), r.Sig)
		return done(s.code(err))
	}
	if !caps.Verify(*key, message(*key), r.Sig) {
		return done(plane.Refused)
	}
	h := &handle{role: r.Role, gen: r.Gen}
	if r.Role == wire.RoleDoor {
		if door.Left == 0 || door.Until < s.today() {
			return done(plane.UsedUp)
		}
		h.door = &r.Key
	}
	a := p.opened(ctx, h, r.Log)
	if _, ok := a.(wire.Opened); ok {
		if h.door != nil {
			p.mu.Lock()
			p.door, p.uses = h.door, int(door.Left)
			p.mu.Unlock()
		} else {
			s.seenLog(row)
		}
	}
	return a
}

// beginAppend puts an append on its handle's lane. Appends of one handle keep their order;
// those of different handles overlap, and so share the disk's flushes.
func (p *Peer) beginAppend(rid uint32, r wire.Append, now time.Time) func(context.Context) {
	h := p.handle(r.Handle, wire.RoleWrite)
	if h == nil {
		p.answer(rid, done(plane.Refused))
		return nil
	}
	p.mu.Lock()
	if p.waiting >= plane.RequestsMax {
		p.mu.Unlock()
		p.answer(rid, done(plane.Busy))
		return nil
	}
	p.waiting++
	h.lane = append(h.lane, appendRequest{rid: rid, body: r.Body, retry: r.Retry, since: now})
	start := !h.running
	h.running = true
	p.mu.Unlock()
	if !start {
		return nil // whoever runs the lane takes it
	}
	return func(ctx context.Context) { p.runLane(ctx, h) }
}

func (p *Peer) runLane(ctx context.Context, h *handle) {
	for {
		p.mu.Lock()
		if len(h.lane) == 0 {
			h.lane, h.running = nil, false
			p.mu.Unlock()
			return
		}
		r := h.lane[0]
		h.lane = h.lane[1:]
		p.mu.Unlock()
		p.s.pause.RLock()
		seq, code := p.append(ctx, h, r)
		p.s.pause.RUnlock()
		p.s.obs.Observe(obs.AppendTime, p.s.now().Sub(r.since))
		p.mu.Lock()
		p.waiting--
		p.mu.Unlock()
		if code == plane.OK {
			p.answer(r.rid, wire.Appended{Seq: seq})
		} else {
			p.answer(r.rid, done(code))
		}
	}
}

func (p *Peer) append(ctx context.Context, h *handle, r appendRequest) (plane.Seq, plane.Code) {
	l := h.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case l.gone || h.gen != l.gen:
		return 0, plane.Refused
	case l.frozen:
		return 0, plane.Closed
	}
	return p.s.append(ctx, l, r.body, r.retry)
}

// append stores a record and publishes it; l.mu is held shared.
func (s *Server) append(ctx context.Context, l *live, body []byte, retry bool) (plane.Seq, plane.Code) {
	today := s.today()
	if !s.disk.room(s) || !l.take(today, int64(len(body)), s.limits.LogBytesPerDay) {
		return 0, plane.Full
	}
	// Once begun an append is finished: one that is stored but not published would leave
	// subscribers waiting for the next.
	seq, err := s.store.Append(context.WithoutCancel(ctx), l.id, today, body, retry)
	if err != nil {
		s.doubt(ctx, l)
		return 0, s.code(err)
	}
	s.obs.Count(obs.RecordsAppended, 1)
	l.publish(seq, body)
	return seq, plane.OK
}

// room says whether take would.
func (l *live) room(day plane.Day, n, limit int64) bool {
	l.hub.Lock()
	defer l.hub.Unlock()
	return l.day != day || l.used+n <= limit
}

// take counts bytes against the log's day.
func (l *live) take(day plane.Day, n, limit int64) bool {
	l.hub.Lock()
	defer l.hub.Unlock()
	if l.day != day {
		l.day, l.used = day, 0
	}
	if l.used+n > limit {
		return false
	}
	l.used += n
	return true
}

func (p *Peer) read(ctx context.Context, r wire.Read) wire.Answer {
	h := p.handle(r.Handle, wire.RoleRead)
	if h == nil {
		return done(plane.Refused)
	}
	if !p.roomy() {
		return done(plane.Busy)
	}
	l := h.log
	l.mu.RLock()
	limited, last, code := p.readable(h)
	l.mu.RUnlock()
	if code != plane.OK {
		return done(code)
	}
	records, err := p.s.store.Read(ctx, l.id, max(r.From, 1), int(r.Limit))
	if err != nil {
		return done(p.s.code(err))
	}
	head, err := p.s.store.Head(ctx, l.id)
	if err != nil {
		return done(p.s.code(err))
	}
	if limited {
		head = min(head, last)
	}
	a := wire.Records{Head: head}
	for _, rec := range records {
		if rec.Seq > head {
			break
		}
		a.Records = append(a.Records, wire.Record(rec))
	}
	a.Records = a.Records[:wire.FitRecords(a.Records)]
	p.s.obs.Count(obs.RecordsSent, int64(len(a.Records)))
	return a
}

// rotate starts a generation. It holds the log alone: the head it reads is the last record of the
// old generation, and nothing is appended with an old key after it. One transaction: a crash
// before it leaves the old generation, a crash after it the new one, and repeating says OK.
func (p *Peer) rotate(ctx context.Context, r wire.Rotate) wire.Answer {
	h := p.handle(r.Handle, wire.RoleOwner)
	if h == nil {
		return done(plane.Refused)
	}
	s, l := p.s, h.log
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.gone:
		return done(plane.Refused)
	case r.Gen == l.gen:
		c, err := s.tables.Cap(l.id, r.Gen)
		if err != nil || c.Read != r.Read || c.Write != r.Write {
			return done(max(s.code(err), plane.Refused))
		}
		return done(plane.OK)
	case r.Gen != l.gen+1:
		return done(plane.Refused)
	}
	var who plane.PublicKey
	copy(who[:], l.id[:])
	if !s.usage.take(s.today(), useLogRotations, who, 1, rotationsPerDay) {
		return done(plane.Busy)
	}
	head, err := s.store.Head(ctx, l.id)
	if err != nil {
		return done(s.code(err))
	}
	if err := s.tables.Rotate(l.id, head, tables.Cap{Gen: r.Gen, Read: r.Read, Write: r.Write}); err != nil {
		return done(s.code(err))
	}
	l.gen = r.Gen
	l.endGenerations(r.Gen, head)
	return done(plane.OK)
}

// manage changes, freezes or deletes a log. Deleting removes the rows first: after a crash in
// between nobody can open the log, and the expiry at the next start removes its records.
func (p *Peer) manage(ctx context.Context, r wire.Manage) wire.Answer {
	h := p.handle(r.Handle, wire.RoleOwner)
	if h == nil {
		return done(plane.Refused)
	}
	s, l := p.s, h.log
	if r.TTLDays > s.limits.TTLDaysMax {
		return done(plane.TooLarge)
	}
	l.mu.Lock()
	if l.gone {
		l.mu.Unlock()
		return done(plane.Refused)
	}
	if r.Delete {
		code := s.deleteLog(ctx, l)
		subs := l.subscribers()
		l.mu.Unlock()
		if code == plane.OK {
			for _, sub := range subs {
				sub.peer.gone(sub, plane.Refused)
			}
		}
		return done(code)
	}
	defer l.mu.Unlock()
	ttl, frozen := l.ttl, l.frozen
	if r.TTLDays != 0 {
		l.ttl = r.TTLDays
	}
	l.frozen = l.frozen || r.Freeze
	if err := s.tables.SetLog(l.id, l.ttl, l.flags()); err != nil {
		l.ttl, l.frozen = ttl, frozen
		return done(s.code(err))
	}
	return done(plane.OK)
}

// deleteLog removes a log; l.mu is held alone.
func (s *Server) deleteLog(ctx context.Context, l *live) plane.Code {
	if l.id == s.front {
		return plane.Refused
	}
	if err := s.tables.DeleteLog(l.id); err != nil {
		return s.code(err)
	}
	l.gone = true
	s.forget(l)
	s.tick.forgot.Store(true)
	if err := s.store.Forget(ctx, l.id); err != nil {
		return s.code(err) // the rows are gone; expiry forgets the records
	}
	return plane.OK
}
