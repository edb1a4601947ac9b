package server

import (
	"context"
	"slices"

	"paperplane/internal/obs"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
	"paperplane/server/store"
)

// sub is a subscription. What follows log is guarded by peer.mu.
//
// It is either live, and gets each record from publish, or behind, and reads from the store in
// catchUp. It falls behind when a record is not the next one (another append of the log has not
// been published yet) or when the peer's queue is full; nothing is ever left out, and a slow
// peer holds no records in memory.
type sub struct {
	place  int // in log.subs, -1 when not there; guarded by log.hub
	peer   *Peer
	handle wire.Handle
	log    *live
	gen    plane.Gen

	next   plane.Seq // the next record to be queued
	newest plane.Seq // the newest record known of
	last   plane.Seq // with limited: nothing after it may be read
	limit  bool
	behind bool
	dead   bool
}

// publish tells the subscribers of a record that is durable; l.mu is held shared.
func (l *live) publish(seq plane.Seq, body []byte) {
	l.hub.Lock()
	defer l.hub.Unlock()
	for _, sub := range l.subs {
		sub.offer(seq, body)
	}
}

// doubt is called after an append that failed: the record may be stored all the same, and its
// sender may find it there and never try again. Whoever subscribes reads up to the head.
func (s *Server) doubt(ctx context.Context, l *live) {
	head, err := s.store.Head(context.WithoutCancel(ctx), l.id)
	if err != nil {
		return // the next append that succeeds, or the next session, shows what there is
	}
	l.hub.Lock()
	defer l.hub.Unlock()
	for _, sub := range l.subs {
		sub.lookUpTo(head)
	}
}

// lookUpTo makes the subscription read what it has not seen up to head.
func (sub *sub) lookUpTo(head plane.Seq) {
	p := sub.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	if sub.dead || head < sub.next || sub.limit && head > sub.last {
		return
	}
	sub.newest = max(sub.newest, head)
	sub.fallBehind()
	p.wake()
}

func (sub *sub) offer(seq plane.Seq, body []byte) {
	p := sub.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	if sub.dead || seq < sub.next || sub.limit && seq > sub.last {
		return
	}
	sub.newest = max(sub.newest, seq)
	switch {
	case sub.behind:
		return // whoever set it has woken the driver
	case seq == sub.next && p.bytes < queueBytesMax:
		p.pushRecord(sub, seq, body)
	default:
		sub.fallBehind()
	}
	p.wake()
}

// pushRecord queues a record; p.mu is held.
func (p *Peer) pushRecord(sub *sub, seq plane.Seq, body []byte) {
	p.push(item{body: body, handle: sub.handle, seq: seq, length: itemBytes + len(body)})
	sub.next = seq + 1
	p.s.obs.Count(obs.RecordsSent, 1)
}

// fallBehind makes the subscription read from the store; p.mu is held.
func (sub *sub) fallBehind() {
	if !sub.behind {
		sub.behind = true
		sub.peer.behind = append(sub.peer.behind, sub)
	}
}

// catchUp does one step for the first of p.behind. It is called by Next, so by one goroutine.
func (p *Peer) catchUp(ctx context.Context, sub *sub) {
	p.mu.Lock()
	if len(p.behind) == 0 || p.behind[0] != sub {
		p.mu.Unlock()
		return
	}
	p.behind = slices.Delete(p.behind, 0, 1)
	sub.behind = false
	if sub.dead {
		p.mu.Unlock()
		return
	}
	newest := sub.newest
	if sub.limit {
		newest = min(newest, sub.last)
	}
	from := sub.next
	if from > newest {
		over := sub.limit // it has read all that it may
		p.mu.Unlock()
		if over {
			p.gone(sub, plane.Refused)
		}
		return
	}
	// Set again before the lock is let go: records published during the read must not be
	// queued before those that are read.
	sub.behind = true
	p.mu.Unlock()

	records, err := p.s.store.Read(ctx, sub.log.id, from, catchUpRecords)
	if err != nil {
		p.gone(sub, p.s.code(err))
		return
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if sub.dead {
		return
	}
	p.take(sub, records, newest)
	sub.behind = false
	sub.fallBehind() // the next step sees whether there is more
}

// take queues what a catching-up step read; newest was known before the read. p.mu is held.
func (p *Peer) take(sub *sub, records []store.Record, newest plane.Seq) {
	for _, r := range records {
		if sub.limit && r.Seq > sub.last {
			break
		}
		p.pushRecord(sub, r.Seq, r.Body)
	}
	if len(records) < catchUpRecords {
		// All there is up to newest was read; what is missing has expired.
		sub.next = max(sub.next, newest+1)
	}
}

// gone ends a subscription and its handle from the server's side.
func (p *Peer) gone(sub *sub, code plane.Code) {
	p.mu.Lock()
	h := p.handles[sub.handle]
	if sub.dead || h == nil || h.sub != sub {
		p.mu.Unlock()
		return
	}
	delete(p.handles, sub.handle)
	p.push(item{event: wire.GoneEvent{Handle: sub.handle, Code: code}, length: itemBytes})
	p.mu.Unlock()
	p.drop(h)
	p.wake()
}

func (l *live) unsubscribe(sub *sub) {
	l.hub.Lock()
	defer l.hub.Unlock()
	if sub.place < 0 {
		return
	}
	n := len(l.subs) - 1
	last := l.subs[n] // the order means nothing
	l.subs[sub.place], last.place = last, sub.place
	l.subs[n], sub.place = nil, -1
	if l.subs = l.subs[:n]; n == 0 {
		l.subs = nil
	}
}

// endGenerations makes the subscriptions of generations below gen end after last; l.mu is held
// alone, so no append is under way.
func (l *live) endGenerations(gen plane.Gen, last plane.Seq) {
	l.hub.Lock()
	defer l.hub.Unlock()
	for _, sub := range l.subs {
		p := sub.peer
		p.mu.Lock()
		if sub.gen < gen && !sub.limit && !sub.dead {
			sub.limit, sub.last = true, last
			sub.newest = max(sub.newest, last)
			if !sub.behind {
				sub.fallBehind()
			}
			p.wake()
		}
		p.mu.Unlock()
	}
}

// subscribers returns who is subscribed now.
func (l *live) subscribers() []*sub {
	l.hub.Lock()
	defer l.hub.Unlock()
	return slices.Clone(l.subs)
}

func (p *Peer) subscribe(ctx context.Context, r wire.Subscribe) wire.Answer {
	h := p.handle(r.Handle, wire.RoleRead)
	if h == nil {
		return done(plane.Refused)
	}
	l := h.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	limited, last, code := p.readable(h)
	if code != plane.OK {
		return done(code)
	}
	sub := &sub{place: -1, peer: p, handle: r.Handle, log: l, gen: h.gen, next: max(r.From, 1), limit: limited, last: last, behind: true}
	p.mu.Lock()
	if h.sub != nil || p.closed {
		p.mu.Unlock()
		return done(plane.Malformed)
	}
	h.sub = sub
	p.mu.Unlock()
	l.hub.Lock()
	full := len(l.subs) >= p.s.limits.SubscribersPerLog
	if !full {
		sub.place = len(l.subs)
		l.subs = append(l.subs, sub)
	}
	l.hub.Unlock()
	if full {
		p.mu.Lock()
		if h.sub == sub { // else the peer has closed, and dropped it
			h.sub, sub.dead = nil, true
		}
		p.mu.Unlock()
		return done(plane.Busy)
	}
	p.s.obs.Move(obs.SubscriptionsNow, 1)
	// The head is read after the subscription stands: what is appended from here on is offered
	// to it, what was appended before is below the head.
	head, err := p.s.store.Head(ctx, l.id)
	p.mu.Lock()
	if err != nil {
		h.sub, sub.dead = nil, true
	} else {
		sub.newest = max(sub.newest, head)
		p.fresh = sub // begins behind, once the answer is queued: no event goes before it
	}
	p.mu.Unlock()
	if err != nil {
		l.unsubscribe(sub)
		p.s.obs.Move(obs.SubscriptionsNow, -1)
		return done(p.s.code(err))
	}
	if limited {
		head = min(head, last)
	}
	return wire.Opened{Handle: r.Handle, Head: head, Gen: l.gen}
}

// signal passes bytes on to whoever is subscribed now, but for the sender's own session.
func (p *Peer) signal(r wire.Signal) wire.Answer {
	h := p.handle(r.Handle, wire.RoleWrite)
	if h == nil {
		return done(plane.Refused)
	}
	limits := &p.s.limits
	if !p.signals.take(p.s.now(), float64(limits.SignalsPerSecond), limits.SignalsBurst) {
		return done(plane.Busy)
	}
	l := h.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.gone || h.gen != l.gen {
		return done(plane.Refused)
	}
	l.hub.Lock()
	defer l.hub.Unlock()
	for _, sub := range l.subs {
		to := sub.peer
		if to == p {
			continue
		}
		to.mu.Lock()
		if !sub.dead && sub.gen == l.gen {
			if to.bytes < queueBytesMax {
				to.push(item{event: wire.SignalEvent{Handle: sub.handle, Body: r.Body}, length: itemBytes + len(r.Body)})
				p.s.obs.Count(obs.SignalsSent, 1)
				to.wake()
			} else {
				p.s.obs.Count(obs.SignalsDropped, 1)
			}
		}
		to.mu.Unlock()
	}
	return done(plane.OK)
}
