package embedded

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

func randomName() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Settle implements store.Log: afterwards each day is one sorted segment, and the tail that
// was is erased. Appends go on meanwhile.
func (l *Log) Settle(ctx context.Context) error { return l.settle(ctx, nil) }

// Expire implements store.Log. A day that no log needs any more is removed without being read
// but for its table; a day that some logs need is written anew without the others.
func (l *Log) Expire(ctx context.Context, keep func(plane.LogID) plane.Day) error {
	return l.settle(ctx, keep)
}

func (l *Log) settle(ctx context.Context, keep func(plane.LogID) plane.Day) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.RLock()
	first := l.gen // of the tail that has to go
	l.mu.RUnlock()
	for {
		// Not under merging: the writer may be waiting for a merge itself, and takes no request
		// until it got one.
		if _, err := l.ask(ctx, newRequest(opFreeze, plane.LogID{})); err != nil {
			return err
		}
		done, err := l.settleFrozen(first, keep)
		if done || err != nil {
			return err
		}
	}
}

// settleFrozen merges what is frozen. It is done when no tail up to generation first is left;
// until then another one was in the way of the freeze.
func (l *Log) settleFrozen(first uint64, keep func(plane.LogID) plane.Day) (done bool, err error) {
	l.merging.Lock()
	defer l.merging.Unlock()
	l.mu.RLock()
	closed := l.closed
	done = l.gen > first || l.active.end == 0
	l.mu.RUnlock()
	switch {
	case closed:
		return true, store.ErrClosed
	case done:
		return true, l.merge(true, keep)
	}
	return false, l.merge(false, nil)
}

// mergeFrozen is the merger: it turns a full tail into young segments while the next one fills.
func (l *Log) mergeFrozen() {
	for {
		select {
		case <-l.kick:
		case <-l.closing:
			return
		}
		if !l.merging.TryLock() {
			// Settle is at it, or Close. Settle merges what is frozen when it began; what froze
			// later waits for the lock.
			locked := make(chan struct{})
			go func() { l.merging.Lock(); close(locked) }()
			select {
			case <-locked:
			case <-l.closing:
				go func() { <-locked; l.merging.Unlock() }()
				return
			}
		}
		l.mu.RLock()
		frozen, young, closed := l.frozen, len(l.young), l.closed
		l.mu.RUnlock()
		if frozen != nil && !closed {
			_ = l.merge(young >= youngMax, nil) // its error is kept in l.failure
		}
		l.merging.Unlock()
	}
}

// merge writes the frozen tail, if there is one, into sorted files and erases it. With full set
// each day becomes one file again; otherwise the tail's days become young segments. keep, if
// any, tells the first day of each log that stays. Called with merging held.
func (l *Log) merge(full bool, keep func(plane.LogID) plane.Day) error {
	l.mu.RLock()
	m := &merger{l: l, keep: keep, frozen: l.frozen}
	old := slices.Concat(l.days, l.young)
	days, young, heads := l.days, l.young, l.heads
	m.next = manifest{gen: l.gen}
	l.mu.RUnlock()
	if m.frozen != nil {
		m.groups = m.frozen.groups()
		// A forgotten log must vanish from all days, which only a full merge does.
		full = full || m.frozen.forgets > 0
		m.next.gen = m.frozen.gen + 1
	} else if !full || len(young) == 0 && keep == nil {
		return nil
	}

	err := m.files(full, days, young)
	if err == nil {
		err = m.mergeHeads(heads)
	}
	changed := m.frozen != nil || len(m.made) > 0 || len(m.days)+len(m.young) != len(old)
	if err == nil && changed {
		err = m.commit()
	}
	if err != nil {
		m.undo()
		err = fmt.Errorf("embedded: merge: %w", err)
	}

	l.mu.Lock()
	l.failure = err
	if err == nil && changed {
		l.days, l.young, l.heads = m.days, m.young, m.heads
		if m.frozen != nil { // a merge without one may have seen the writer freeze a tail meanwhile
			l.frozen = nil
		}
		l.version++
	}
	close(l.merged)
	l.merged = make(chan struct{})
	l.mu.Unlock()
	if err != nil || !changed {
		return err
	}

	// The new state stands. What follows only clears up, and opening does it too.
	if heads != nil && heads != m.heads {
		old = append(old, heads)
	}
	for _, s := range old {
		if !slices.Contains(m.days, s) && !slices.Contains(m.young, s) && s != m.heads {
			_ = s.f.Close()
			l.left = append(l.left, s.name)
		}
	}
	l.left = slices.DeleteFunc(l.left, func(n string) bool { return l.d.Remove(n) == nil })
	if err := l.d.Sync(); err != nil {
		return fmt.Errorf("embedded: remove merged files: %w", err)
	}
	if m.frozen != nil {
		return l.recycle(m.frozen)
	}
	return nil
}

// recycle erases a merged tail and keeps it for the next turn, or, if that fails, removes it.
func (l *Log) recycle(t *tail) error {
	// A tail that was full comes back twice as large; one that was not shrinks to what was used.
	// So sizes follow the traffic.
	size := min(l.half, 2*t.size)
	if t.end < t.size/2 {
		size = (t.end + t.step) / t.step * t.step
	}
	err := t.erase(max(size, t.step))
	if err == nil {
		err = l.d.Stamp(t.name, 0) // it belongs to no day now
	}
	if err == nil {
		t.size, err = t.f.Size()
	}
	if err != nil {
		_ = t.f.Close()
		if e := l.d.Remove(t.name); e != nil {
			return fmt.Errorf("embedded: erase tail: %w", errors.Join(err, e))
		}
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spare = newTail(t.f, t.name, t.size, t.step)
	return nil
}

// merger is one merge.
type merger struct {
	l      *Log
	keep   func(plane.LogID) plane.Day
	frozen *tail
	groups []group
	next   manifest

	days, young []*sorted
	heads       *sorted
	made        []*sorted
}

// dead tells whether what older files hold of id under day is dropped.
func (m *merger) dead(id plane.LogID, day plane.Day) bool {
	i, ok := slices.BinarySearchFunc(m.groups, id, func(g group, id plane.LogID) int { return bytes.Compare(g.id[:], id[:]) })
	return ok && m.groups[i].forgot || m.expired(id, day)
}

func (m *merger) expired(id plane.LogID, day plane.Day) bool {
	return m.keep != nil && day < m.keep(id)
}

// files makes the segments of the new state.
func (m *merger) files(full bool, days, young []*sorted) error {
	fresh := map[plane.Day]bool{} // days that the frozen tail has records of
	for _, g := range m.groups {
		for _, i := range g.recs {
			fresh[plane.Day(m.frozen.recs[i].day)] = true
		}
	}
	if !full {
		m.days, m.young = slices.Clone(days), slices.Clone(young)
		for _, day := range sortedDays(fresh) {
			s, err := m.segment(day, true, nil)
			if err != nil {
				return err
			}
			if s != nil {
				m.young = append(m.young, s)
			}
		}
		return nil
	}
	all := map[plane.Day]bool{}
	for _, s := range slices.Concat(days, young) {
		all[s.day] = true
	}
	for d := range fresh {
		all[d] = true
	}
	for _, day := range sortedDays(all) {
		var from []*sorted
		for _, s := range slices.Concat(days, young) {
			if s.day == day {
				from = append(from, s)
			}
		}
		if len(from) == 1 && !from[0].young && !fresh[day] {
			if drops, err := m.drops(from[0]); err != nil {
				return err
			} else if !drops {
				m.days = append(m.days, from[0])
				continue
			}
		}
		s, err := m.segment(day, false, from)
		if err != nil {
			return err
		}
		if s != nil {
			m.days = append(m.days, s)
		}
	}
	return nil
}

func sortedDays(set map[plane.Day]bool) []plane.Day {
	var out []plane.Day
	for d := range set {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}

// drops tells whether anything in s has to go.
func (m *merger) drops(s *sorted) (bool, error) {
	drops := false
	err := s.logs(func(id plane.LogID) error {
		drops = m.dead(id, s.day) || drops // keep is called for every log
		return nil
	})
	return drops, err
}

// segment writes day's records out of older files and the frozen tail; nil when none are left.
func (m *merger) segment(day plane.Day, young bool, from []*sorted) (*sorted, error) {
	ins := make([]*cursor, 0, len(from))
	for _, s := range from {
		c := newCursor(s)
		if err := c.step(); err != nil {
			return nil, err
		}
		ins = append(ins, c)
	}
	var w *writer
	put := func(id plane.LogID, frames []byte) (err error) {
		if w == nil {
			if w, err = createSorted(m.l.d, fmt.Sprintf("seg-%d-", day), fileRef{day: day, young: young}); err != nil {
				return err
			}
		}
		return w.add(id, frames)
	}
	err := m.weave(day, ins, put)
	if w == nil {
		return nil, err
	}
	if err != nil {
		w.abort()
		return nil, err
	}
	s, err := w.finish()
	if err == nil {
		m.made = append(m.made, s)
	}
	return s, err
}

// weave calls put with all that stays, log by log; within a log the older files come first,
// which is the order of its numbers.
func (m *merger) weave(day plane.Day, ins []*cursor, put func(plane.LogID, []byte) error) error {
	groups := m.groups
	var buf []byte
	for {
		var id plane.LogID
		any := false
		for _, c := range ins {
			if !c.end && (!any || bytes.Compare(c.id[:], id[:]) < 0) {
				id, any = c.id, true
			}
		}
		if len(groups) > 0 && (!any || bytes.Compare(groups[0].id[:], id[:]) < 0) {
			id, any = groups[0].id, true
		}
		if !any {
			return nil
		}
		dead := m.dead(id, day)
		for _, c := range ins {
			for !c.end && c.id == id {
				if !dead {
					if err := put(id, c.frames); err != nil {
						return err
					}
				}
				if err := c.step(); err != nil {
					return err
				}
			}
		}
		if len(groups) == 0 || groups[0].id != id {
			continue
		}
		expired := m.expired(id, day)
		for _, i := range groups[0].recs {
			r := m.frozen.recs[i]
			if plane.Day(r.day) != day || expired {
				continue
			}
			buf = slices.Grow(buf[:0], frameBytes)[:headBytes+r.kind.bodyBytes()]
			if _, err := m.frozen.f.ReadAt(buf, int64(r.at)*unit); err != nil {
				return short(err)
			}
			if err := put(id, buf); err != nil {
				return err
			}
		}
		groups = groups[1:]
	}
}

// mergeHeads writes the heads file of the new state, or keeps the old one.
func (m *merger) mergeHeads(old *sorted) error {
	m.heads = old
	if m.frozen == nil {
		return nil
	}
	w, err := createSorted(m.l.d, "heads-", fileRef{})
	if err != nil {
		return err
	}
	err = m.weaveHeads(old, w)
	if err == nil && w.ref.entries == 0 {
		w.abort()
		m.heads = nil
		return nil
	}
	if err != nil {
		w.abort()
		return err
	}
	w.ref.day = m.stamp()
	s, err := w.finish()
	if err == nil {
		m.heads, m.made = s, append(m.made, s)
	}
	return err
}

func (m *merger) weaveHeads(old *sorted, w *writer) error {
	groups := m.groups
	flush := func(id *plane.LogID) error { // writes the groups before id
		for len(groups) > 0 && (id == nil || bytes.Compare(groups[0].id[:], id[:]) < 0) {
			if g := groups[0]; g.head > 0 {
				if err := w.addHead(g.id, g.head); err != nil {
					return err
				}
			}
			groups = groups[1:]
		}
		return nil
	}
	if old != nil {
		r := bufio.NewReaderSize(io.NewSectionReader(old.f, old.tab.off, int64(old.tab.n)*headBytes), 64<<10)
		var b [headBytes]byte
		for range old.tab.n {
			if _, err := io.ReadFull(r, b[:]); err != nil {
				return short(err)
			}
			e, ok := parseEntry(b[:])
			if !ok { // stays as it is, damaged, so that its log goes on answering ErrDamaged
				w.ref.entries++
				if _, err := w.w.Write(b[:]); err != nil {
					return err
				}
				continue
			}
			if err := flush(&e.id); err != nil {
				return err
			}
			if len(groups) > 0 && groups[0].id == e.id {
				continue // the tail knows better
			}
			if err := w.addHead(e.id, e.seq); err != nil {
				return err
			}
		}
	}
	return flush(nil)
}

// stamp is the newest day there is: the time that files get which belong to no day.
func (m *merger) stamp() (day plane.Day) {
	for _, s := range slices.Concat(m.days, m.young) {
		day = max(day, s.day)
	}
	return day
}

// commit makes the new state durable, all at once.
func (m *merger) commit() error {
	for _, s := range slices.Concat(m.days, m.young) {
		m.next.segs = append(m.next.segs, s.fileRef)
	}
	if m.heads != nil {
		m.next.heads = m.heads.fileRef
	}
	return writeManifest(m.l.d, &m.next, m.stamp())
}

// undo closes what a failed merge made. The files are removed, but not before a later merge has
// put its manifest in place: it is not known whether this one's manifest stands.
func (m *merger) undo() {
	for _, s := range m.made {
		_ = s.f.Close()
		m.l.left = append(m.l.left, s.name)
	}
}

// cursor walks a segment in pieces that belong to one log each.
type cursor struct {
	s      *sorted
	frameR *bufio.Reader
	tableR *bufio.Reader
	i      int   // rows of the table read
	at     int64 // unit up to which frames were read
	next   entry // first intact row not yet reached
	more   bool  // next is set
	gap    bool  // a damaged row came before next
	region []byte
	rest   []byte // of region, not yet given out

	end    bool
	id     plane.LogID
	frames []byte // raw bytes of the piece
}

func newCursor(s *sorted) *cursor {
	return &cursor{
		s:      s,
		frameR: bufio.NewReaderSize(io.NewSectionReader(s.f, unit, s.units*unit), 256<<10),
		tableR: bufio.NewReaderSize(io.NewSectionReader(s.f, s.tab.off, int64(s.tab.n)*headBytes), 64<<10),
	}
}

// row reads the next intact row of the table into next.
func (c *cursor) row() error {
	var b [headBytes]byte
	c.gap = false
	for c.more = false; !c.more && c.i < c.s.tab.n; c.i++ {
		if _, err := io.ReadFull(c.tableR, b[:]); err != nil {
			return short(err)
		}
		c.next, c.more = parseEntry(b[:])
		c.gap = c.gap || !c.more
	}
	return nil
}

// step moves on to the next piece: what lies between two rows of the table. Where a row is
// damaged the frames' own heads tell where a log ends.
func (c *cursor) step() error {
	for {
		if len(c.rest) > 0 {
			h, ok := parseHead(c.rest)
			if !ok { // row and frame damaged: whose it was is lost
				c.rest = nil
				continue
			}
			n := 0
			for p := h; ok && p.id == h.id && n < len(c.rest); p, ok = parseHead(c.rest[n:]) {
				n = min(n+p.bytes(), len(c.rest))
			}
			if !ok {
				n = len(c.rest)
			}
			c.id, c.frames, c.rest = h.id, c.rest[:n], c.rest[n:]
			return nil
		}
		if c.at == c.s.units {
			c.end = true
			return nil
		}
		cur := c.next // none at the very beginning
		if c.i == 0 || c.more {
			first := c.i == 0
			if err := c.row(); err != nil {
				return err
			}
			if first && !c.gap && c.more {
				continue // the first row begins at 0: on to the second
			}
		}
		to := c.s.units
		if c.more {
			to = int64(c.next.at)
		}
		if to < c.at || to > c.s.units {
			return store.ErrDamaged
		}
		c.region = slices.Grow(c.region[:0], int(to-c.at)*unit)[:(to-c.at)*unit]
		if _, err := io.ReadFull(c.frameR, c.region); err != nil {
			return short(err)
		}
		c.at = to
		if c.gap {
			c.rest = c.region
			continue
		}
		c.id, c.frames = cur.id, c.region
		return nil
	}
}
