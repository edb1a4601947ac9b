package embedded

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

type op uint8

const (
	opAppend op = iota
	opForget
	opFreeze // end the active tail, so that it can be merged
)

// request is what callers hand to the writer. It belongs to the writer from ask on until done
// is told; a caller that stops waiting leaves it to the garbage collector.
type request struct {
	op      op
	id      plane.LogID
	day     plane.Day
	kind    kind
	retry   bool
	sum     uint32 // CRC-32C of body
	body    []byte
	head    plane.Seq // as of version
	version uint64

	seq  plane.Seq
	err  error
	done chan struct{} // holds one
}

var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

func newRequest(o op, id plane.LogID) *request {
	r := requests.Get().(*request)
	*r = request{op: o, id: id, done: r.done, body: r.body[:0]}
	return r
}

// ask queues r and waits for the writer's answer.
func (l *Log) ask(ctx context.Context, r *request) (plane.Seq, error) {
	select {
	case l.queue <- r:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-l.gone:
		return 0, store.ErrClosed
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-l.gone:
		select {
		case <-r.done: // answered in its last moment
		default:
			return 0, store.ErrClosed
		}
	}
	seq, err := r.seq, r.err
	requests.Put(r)
	return seq, err
}

// batch is what the writer gathers for one write.
type batch struct {
	reqs []*request
	buf  []byte
	recs []pending
	last map[plane.LogID]int // newest in recs of each log
}

type pending struct {
	id   plane.LogID
	rec  tailRec
	body []byte // of a record, within its request
	prev int    // the same log's one before in recs, or -1
}

// write is the writer: the only goroutine that writes the active tail. It takes what gathered
// while the last write was on its way to the disk, gives numbers, writes, syncs, answers.
func (l *Log) write() {
	defer close(l.gone)
	b := &batch{last: map[plane.LogID]int{}}
	var heal int64 // bytes behind the tail's end that a failed write may have left
	for {
		var first *request
		select {
		case first = <-l.queue:
		case <-l.closing:
			l.refuse()
			return
		}
		b.reqs = append(b.reqs[:0], first)
		// Callers that were just answered come back at once: let them in before counting.
		runtime.Gosched()
		size := len(first.body)
	gather:
		for size < batchBytesMax-2*frameBytes-len(b.reqs)*headBytes && len(b.reqs) < queueMax {
			select {
			case r := <-l.queue:
				b.reqs = append(b.reqs, r)
				size += len(r.body)
			default:
				break gather
			}
		}
		l.run(b, &heal)
		for _, r := range b.reqs {
			r.done <- struct{}{}
		}
		clear(b.reqs)
		clear(b.recs)
	}
}

// refuse answers what still waits when the store closes.
func (l *Log) refuse() {
	for {
		select {
		case r := <-l.queue:
			r.err = store.ErrClosed
			r.done <- struct{}{}
		default:
			return
		}
	}
}

// run answers every request of the batch.
func (l *Log) run(b *batch, heal *int64) {
	b.buf = append(b.buf[:0], make([]byte, headBytes)...)
	b.recs = b.recs[:0]
	clear(b.last)
	most := int64(headBytes)
	for _, r := range b.reqs {
		most += headBytes + int64(len(r.body))
	}
	room := l.room(most)
	freeze := false
	for _, r := range b.reqs {
		switch {
		case r.op == opFreeze:
			freeze = true
		case room != nil:
			r.err = room
		default:
			r.err = l.take(b, r)
		}
	}
	if len(b.recs) > 0 {
		if err := l.commit(b, heal); err != nil {
			for _, r := range b.reqs {
				if r.op != opFreeze && r.err == nil {
					r.seq, r.err = 0, err
				}
			}
		}
	}
	if freeze {
		err := l.freeze(*heal, false)
		for _, r := range b.reqs {
			if r.op == opFreeze {
				r.err = err
			}
		}
	}
}

// take gives r its number and adds its frame to the batch.
func (l *Log) take(b *batch, r *request) error {
	var head plane.Seq
	var err error
	at := -1
	if i, ok := b.last[r.id]; ok {
		head, at = b.recs[i].rec.seq, i
	} else if head, err = l.headNow(r); err != nil {
		return err
	}
	rec := tailRec{day: uint16(r.day), kind: r.kind, sum: r.sum}
	switch {
	case r.op == opForget && head == 0:
		return nil // unknown: nothing to forget
	case r.op == opForget:
		rec = tailRec{kind: kindForget}
	case r.retry:
		if seq, err := l.matchNow(b, r, head, at); err != nil || seq != 0 {
			r.seq = seq
			return err
		}
		fallthrough
	default:
		rec.seq = head + 1
		r.seq = rec.seq
	}
	off := len(b.buf)
	rec.at = uint32(off / unit) // in the batch; commit adds where the batch lies
	b.buf = append(b.buf, make([]byte, headBytes)...)
	var body []byte
	sum := uint32(0)
	if rec.kind.isRecord() {
		b.buf = append(b.buf, r.body...)
		body, sum = r.body, r.sum
	}
	putHead(b.buf[off:], r.id, rec.kind, rec.seq, plane.Day(rec.day), sum)
	b.last[r.id] = len(b.recs)
	b.recs = append(b.recs, pending{r.id, rec, body, at})
	return nil
}

// headNow is the log's head as the writer knows it. The tails' index changes only under the
// writer's hand or, like the files, with a new version.
func (l *Log) headNow(r *request) (plane.Seq, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if seq, ok := l.active.head(r.id); ok {
		return seq, nil
	}
	if seq, ok := l.frozen.head(r.id); ok {
		return seq, nil
	}
	if r.version == l.version {
		return r.head, nil // in neither tail, and no tail was merged: nothing came since
	}
	return l.head(r.id)
}

// matchNow looks for a retried record among those that came after look: in this batch, or in
// the tails, or anywhere when a merge came between. at is the log's newest one in the batch.
func (l *Log) matchNow(b *batch, r *request, head plane.Seq, at int) (plane.Seq, error) {
	stored := head
	for ; at >= 0; at = b.recs[at].prev {
		p := b.recs[at]
		if p.rec.kind == kindForget {
			return 0, nil
		}
		if p.rec.seq+store.RetryWindow > head && p.rec.sum == r.sum && string(p.body) == string(r.body) {
			return p.rec.seq, nil
		}
		stored = p.rec.seq - 1
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if r.version == l.version && stored == r.head {
		return 0, nil
	}
	from := plane.Seq(1)
	if head > store.RetryWindow {
		from = head - store.RetryWindow + 1
	}
	if r.version == l.version && r.head < stored {
		from = max(from, r.head+1)
	}
	recs, err := l.read(r.id, from, store.RetryWindow)
	if err != nil {
		return 0, err
	}
	for _, rec := range slices.Backward(recs) {
		if string(rec.Body) == string(r.body) {
			return rec.Seq, nil
		}
	}
	return 0, nil
}

// commit writes the batch, makes it durable and shows it to readers. When it fails nothing of
// the batch is shown. ErrFull says that nothing is stored; after another error that is unknown.
func (l *Log) commit(b *batch, heal *int64) error {
	t := l.active
	if *heal > 0 { // clear away what an earlier failure may have left
		if err := l.wipe(t, *heal); err != nil {
			return fmt.Errorf("embedded: repair tail: %w", err)
		}
		*heal = 0
	}
	n := int64(len(b.buf))
	if err := t.grow(n); err != nil {
		return err // only zeros were written
	}
	putBatch(b.buf, l.gen, t.batch)
	_, err := t.f.WriteAt(b.buf, t.end)
	if err == nil {
		err = t.f.Sync()
	}
	if err != nil {
		*heal = n
		if e := l.wipe(t, n); e != nil {
			return fmt.Errorf("embedded: write tail: %w", hide(err))
		}
		*heal = 0
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.gen == 0 {
		t.gen = l.gen
	}
	base := uint32(t.end / unit)
	for _, p := range b.recs {
		p.rec.at += base
		t.add(p.id, p.rec)
	}
	t.end += n
	t.batch++
	return nil
}

// hide makes of ErrFull an error that does not promise that nothing was stored.
func hide(err error) error {
	if err == store.ErrFull {
		return fmt.Errorf("outcome unknown: %v", err)
	}
	return err
}

// wipe zeroes n bytes behind the tail's end for good.
func (l *Log) wipe(t *tail, n int64) error {
	if err := zero(t.f, t.end, min(t.size, t.end+n)); err != nil {
		return err
	}
	return t.f.Sync()
}

// room makes sure that the active tail may take n bytes. When its file is full the other one
// takes over, if it is free; it has been zeroed in the background, and growing a file in use
// costs every waiting append a journal commit. Only a tail that cannot be replaced grows, up to
// half of TailBytesMax. After that appends wait for the merge: that is what slows writers down
// to the disk.
func (l *Log) room(n int64) error {
	for {
		if l.active.end+n <= l.active.size {
			return nil
		}
		l.mu.RLock()
		busy, spare, merged := l.frozen != nil, l.spare != nil, l.merged
		l.mu.RUnlock()
		full := l.active.end+n > l.half
		if !busy && (spare || full) && l.active.end > 0 {
			return l.freeze(0, true)
		}
		if !full || l.active.end == 0 {
			return nil // commit grows the file
		}
		l.wake()
		select {
		case <-merged:
		case <-l.closing:
			return store.ErrClosed
		}
		l.mu.RLock()
		err := l.failure
		l.mu.RUnlock()
		if err != nil {
			return err
		}
	}
}

// wake tells the merger that there is something to do.
func (l *Log) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// freeze ends the active tail, unless it is empty or another one is frozen still.
// With merge set the merger is told; otherwise the caller merges.
func (l *Log) freeze(heal int64, merge bool) error {
	l.mu.RLock()
	t, next, busy := l.active, l.spare, l.frozen != nil
	l.mu.RUnlock()
	if t.end == 0 || busy {
		return nil
	}
	if heal > 0 {
		if err := l.wipe(t, heal); err != nil {
			return err
		}
	}
	if next == nil {
		var err error
		if next, err = l.newTail(t.size); err != nil {
			return err
		}
	}
	l.mu.Lock()
	l.frozen, l.active, l.spare = t, next, nil
	l.gen++
	l.mu.Unlock()
	if merge {
		l.wake()
	}
	return nil
}
