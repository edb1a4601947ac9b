package embedded

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// Bounds. Sizes are bytes.
const (
	// TailBytesMax bounds what lies in order of arrival, both tail files together.
	TailBytesMax = 256 << 20
	// growBytes is the step in which a tail file grows, and its least size: a new store has two.
	growBytes = 4 << 20
	// batchBytesMax bounds one write to the tail.
	batchBytesMax = 2 << 20
	// queueMax is how many appends may wait for the writer; more wait for a place.
	queueMax = 4096
	// youngMax is how many young segments there may be before all is merged early.
	youngMax = 16
)

// errDay: the day does not fit the format, which ends in the year 2149. A bug of the caller.
var errDay = errors.New("embedded: day out of range")

// Log is a store.Log in a folder. See the package comment.
type Log struct {
	d    disk
	half int64 // tail bytes at which a tail is frozen
	step int64 // bytes by which tails grow

	queue    chan *request
	closing  chan struct{} // closed by Close: the writer and the merger stop
	gone     chan struct{} // closed when the writer has stopped
	kick     chan struct{} // tells the merger that a tail is frozen
	stopped  sync.Once
	closeErr error
	wg       sync.WaitGroup // writer and merger

	// merging serialises merges. It is taken before mu.
	merging sync.Mutex
	left    []string // files that a failed merge may have left; owned by merging

	// mu guards the view. The writer and merges change it, for moments only; readers hold it
	// while they read, so that no file is closed under them.
	mu      sync.RWMutex
	closed  bool
	version uint64  // counts merges: what was looked up in an older view is looked up again
	active  *tail   // takes appends
	frozen  *tail   // full, or being merged; nil mostly
	spare   *tail   // erased, becomes active next; may be nil
	gen     uint64  // generation of the active tail
	heads   *sorted // nil before the first merge
	days    []*sorted
	young   []*sorted     // oldest first
	merged  chan struct{} // closed and replaced at the end of each merge, good or bad
	failure error         // of the last merge
}

var _ store.Log = (*Log)(nil)

// Open opens the store in folder dir and makes it when absent. It returns ErrLocked when another
// process has it open, store.ErrDamaged when the manifest is lost or unreadable. Damage to single
// records does not hinder opening; see Verify.
func Open(dir string) (*Log, error) {
	d, err := openFolder(dir, true)
	if err != nil {
		return nil, err
	}
	l, err := openOn(d, TailBytesMax/2, growBytes)
	if err != nil {
		_ = d.Close()
		return nil, err
	}
	return l, nil
}

func openOn(d disk, half, step int64) (*Log, error) {
	l := &Log{
		d: d, half: half, step: step,
		queue:   make(chan *request, queueMax),
		closing: make(chan struct{}),
		gone:    make(chan struct{}),
		kick:    make(chan struct{}, 1),
		merged:  make(chan struct{}),
	}
	if err := l.load(); err != nil {
		for _, f := range l.files() {
			_ = f.Close()
		}
		return nil, err
	}
	l.wg.Go(l.write)
	l.wg.Go(l.mergeFrozen)
	if l.frozen != nil {
		l.kick <- struct{}{}
	}
	return l, nil
}

// load reads the manifest, opens what it names, removes what it does not, replays the tails.
func (l *Log) load() error {
	m, err := readManifest(l.d)
	if err != nil {
		return err
	}
	if m == nil {
		m = &manifest{gen: 1}
		if err := writeManifest(l.d, m, 0); err != nil {
			return fmt.Errorf("embedded: first manifest: %w", err)
		}
	}
	names, err := l.d.List()
	if err != nil {
		return err
	}
	known := map[string]bool{m.heads.name: true}
	for _, s := range m.segs {
		known[s.name] = true
	}
	var tails []string
	for _, n := range names {
		switch {
		case strings.HasPrefix(n, "tail-"):
			tails = append(tails, n)
		case n == manifestNew || !known[n] && (strings.HasPrefix(n, "seg-") || strings.HasPrefix(n, "heads-")):
			if err := l.d.Remove(n); err != nil {
				return fmt.Errorf("embedded: remove left-over file: %w", err)
			}
		}
	}
	if m.heads.name != "" {
		if l.heads, err = openSorted(l.d, m.heads); err != nil {
			return fmt.Errorf("embedded: heads: %w", err)
		}
	}
	for _, ref := range m.segs {
		s, err := openSorted(l.d, ref)
		if err != nil {
			return fmt.Errorf("embedded: segment: %w", err)
		}
		if ref.young {
			l.young = append(l.young, s)
		} else {
			l.days = append(l.days, s)
		}
	}
	return l.loadTails(m.gen, tails)
}

func (l *Log) loadTails(live uint64, names []string) error {
	var full, empty []*tail
	for _, n := range names {
		f, err := l.d.Open(n)
		if err != nil {
			return fmt.Errorf("embedded: tail: %w", err)
		}
		size, err := f.Size()
		t := newTail(f, n, size, l.step)
		if err == nil {
			err = t.open(live)
		}
		if err == nil && t.gen == 0 {
			err = l.d.Stamp(n, 0)
		}
		if err != nil {
			_ = f.Close()
			return fmt.Errorf("embedded: tail: %w", err)
		}
		if t.gen != 0 {
			full = append(full, t)
		} else {
			empty = append(empty, t)
		}
	}
	slices.SortFunc(full, func(a, b *tail) int { return int(a.gen) - int(b.gen) })
	l.gen = live
	for _, t := range full {
		l.frozen, l.active = l.active, t
		l.gen = t.gen
	}
	if len(full) > 2 || len(full) == 2 && full[0].gen == full[1].gen {
		return fmt.Errorf("embedded: too many tails: %w", store.ErrDamaged)
	}
	for _, t := range empty {
		switch {
		case l.active == nil:
			l.active = t
		case l.spare == nil:
			l.spare = t
		default:
			_ = t.f.Close()
			if err := l.d.Remove(t.name); err != nil {
				return err
			}
		}
	}
	var err error
	if l.active == nil {
		if l.active, err = l.newTail(l.step); err != nil {
			return err
		}
	}
	if l.spare == nil && l.frozen == nil {
		l.spare, err = l.newTail(l.step)
	}
	return err
}

// open replays a tail file, or erases it when its generation was merged before a crash.
func (t *tail) open(live uint64) error {
	var b [headBytes]byte
	if t.size >= headBytes {
		if _, err := t.f.ReadAt(b[:], 0); err != nil {
			return err
		}
	}
	if gen, _, _, ok := parseBatch(b[:]); ok && gen < live {
		t.size = max(t.size, t.step)
		return t.erase(t.size)
	}
	return t.replay(live, true)
}

// newTail makes an empty tail file whose name is durable.
func (l *Log) newTail(size int64) (*tail, error) {
	name := "tail-" + randomName()
	f, err := l.d.Open(name)
	if err != nil {
		return nil, err
	}
	t := newTail(f, name, size, l.step)
	if err = zero(f, 0, size); err == nil {
		err = l.d.Stamp(name, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.d.Sync()
	}
	if err != nil {
		_ = f.Close()
		_ = l.d.Remove(name)
		return nil, fmt.Errorf("embedded: make tail: %w", err)
	}
	return t, nil
}

func (l *Log) files() (out []file) {
	for _, t := range []*tail{l.active, l.frozen, l.spare} {
		if t != nil {
			out = append(out, t.f)
		}
	}
	for _, s := range slices.Concat(l.days, l.young, []*sorted{l.heads}) {
		if s != nil {
			out = append(out, s.f)
		}
	}
	return out
}

// Append implements store.Log. Concurrent appends share one write and one fdatasync.
func (l *Log) Append(ctx context.Context, id plane.LogID, day plane.Day, body []byte, retry bool) (plane.Seq, error) {
	k := kindOf(len(body))
	if k == 0 {
		return 0, store.ErrSize
	}
	if day > dayMax {
		return 0, errDay
	}
	r := newRequest(opAppend, id)
	r.day, r.kind, r.retry = day, k, retry
	r.sum = crc32.Checksum(body, castagnoli)
	r.body = append(r.body[:0], body...)
	if done, err := l.look(ctx, r); done || err != nil {
		return r.seq, err
	}
	return l.ask(ctx, r)
}

// look finds out, before the writer has its turn and in the caller's time, what the writer will
// need: the log's head, and whether a retry is stored already.
func (l *Log) look(ctx context.Context, r *request) (done bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return false, store.ErrClosed
	}
	r.version = l.version
	if r.head, err = l.head(r.id); err != nil {
		return false, err
	}
	if r.retry {
		r.seq, err = l.match(r.id, r.head, r.body)
	}
	return r.seq != 0, err
}

// match returns the record with this body among the last RetryWindow ones, or 0.
func (l *Log) match(id plane.LogID, head plane.Seq, body []byte) (plane.Seq, error) {
	from := plane.Seq(1)
	if head > store.RetryWindow {
		from = head - store.RetryWindow + 1
	}
	recs, err := l.read(id, from, store.RetryWindow)
	if err != nil {
		return 0, err
	}
	for _, r := range slices.Backward(recs) {
		if string(r.Body) == string(body) {
			return r.Seq, nil
		}
	}
	return 0, nil
}

// Read implements store.Log.
func (l *Log) Read(ctx context.Context, id plane.LogID, from plane.Seq, limit int) ([]store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return nil, store.ErrClosed
	}
	return l.read(id, max(from, 1), limit)
}

// read is Read with mu held.
func (l *Log) read(id plane.LogID, from plane.Seq, limit int) ([]store.Record, error) {
	if limit <= 0 {
		return nil, nil
	}
	recent, forgot := l.active.since(id, from)
	owner := len(recent) // recent[:owner] lie in the active tail, the rest in the frozen one
	if !forgot {
		var older []tailRec
		older, forgot = l.frozen.since(id, from)
		recent = append(recent, older...)
	}
	var out []store.Record
	if !forgot && (len(recent) == 0 || recent[len(recent)-1].seq > from) {
		if head, err := l.head(id); err != nil || head < from {
			return nil, err
		}
		var err error
		if out, err = l.readSorted(id, from, limit); err != nil {
			return nil, err
		}
	}
	for i := len(recent) - 1; i >= 0 && len(out) < limit; i-- {
		r := recent[i]
		if r.bad || i < len(recent)-1 && recent[i+1].seq+1 != r.seq {
			return nil, store.ErrDamaged
		}
		t := l.frozen
		if i < owner {
			t = l.active
		}
		body, err := t.body(id, r)
		if err != nil {
			return nil, err
		}
		out = append(out, store.Record{Seq: r.seq, Body: body})
	}
	return out, nil
}

// readSorted reads from the segments. Days are nearly always in the order of numbers, but a
// clock may have jumped, so all are asked; one that begins too late costs a look at its table.
func (l *Log) readSorted(id plane.LogID, from plane.Seq, limit int) ([]store.Record, error) {
	var out []store.Record
	below := plane.Seq(seqMax)
	for _, set := range [2][]*sorted{l.days, l.young} {
		for _, s := range set {
			n := len(out)
			var err error
			if out, err = s.read(out, id, from, below, limit); err != nil {
				return nil, err
			}
			if n > 0 && len(out) > n {
				slices.SortFunc(out, func(a, b store.Record) int { return int(int64(a.Seq) - int64(b.Seq)) })
			}
			if len(out) >= limit {
				out = out[:limit]
				below = out[limit-1].Seq
			}
		}
	}
	return out, nil
}

// Head implements store.Log.
func (l *Log) Head(ctx context.Context, id plane.LogID) (plane.Seq, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return 0, store.ErrClosed
	}
	return l.head(id)
}

// head is Head with mu held.
func (l *Log) head(id plane.LogID) (plane.Seq, error) {
	if seq, ok := l.active.head(id); ok {
		return seq, nil
	}
	if seq, ok := l.frozen.head(id); ok {
		return seq, nil
	}
	if l.heads == nil {
		return 0, nil
	}
	return l.heads.tab.head(id)
}

// Forget implements store.Log. The records are out of reach at once and off the disk with the
// next Settle.
func (l *Log) Forget(ctx context.Context, id plane.LogID) error {
	r := newRequest(opForget, id)
	if _, err := l.look(ctx, r); err != nil {
		return err
	}
	_, err := l.ask(ctx, r)
	return err
}

// Close implements store.Log. Appends under way are finished or get ErrClosed; a second Close
// does nothing.
func (l *Log) Close() error {
	l.stopped.Do(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		close(l.closing)
		l.merging.Lock() // a merge under way ends first
		defer l.merging.Unlock()
		l.wg.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		var errs []error
		for _, f := range l.files() {
			errs = append(errs, f.Close())
		}
		l.closeErr = errors.Join(append(errs, l.d.Close())...)
	})
	return l.closeErr
}
