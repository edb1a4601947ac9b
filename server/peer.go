package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"paperplane/internal/inv"
	"paperplane/internal/obs"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// ErrPeer: the peer broke the protocol so that it cannot even be answered, or does not listen to
// its answers. The driver ends the session.
var ErrPeer = errors.New("server: peer broke the protocol")

// Peer is one session's state at the server. Begin and Handle belong to one goroutine, Next to
// one goroutine (another or the same); what Begin returns may run in any; Close may be called
// by anybody.
type Peer struct {
	s       *Server
	binding plane.Binding
	wake    func()

	// Owned by the goroutine of Begin.
	requests, signals bucket
	fresh             *sub // begun by the request under way

	mu      sync.Mutex
	closed  bool
	handles map[wire.Handle]*handle
	last    wire.Handle
	queue   []item
	bytes   int    // in queue
	behind  []*sub // subscriptions that read from the store
	waiting int    // appends accepted and not answered
	member  *plane.PublicKey
	door    *plane.PublicKey // a door whose key was proven
	uses    int              // left of it then
	created int              // logs created by virtue of the door
}

// handle is an open log.
type handle struct {
	log  *live
	role wire.Role
	gen  plane.Gen        // RoleRead and RoleWrite
	door *plane.PublicKey // RoleDoor
	sub  *sub             // guarded by Peer.mu

	// The appends of a handle are done one after the other, so that they keep their order.
	// Guarded by Peer.mu.
	lane    []appendRequest
	running bool
}

type appendRequest struct {
	rid   uint32
	body  []byte
	retry bool
	since time.Time
}

// item is something to be sent: an encoded frame, or an event that is encoded when it is sent,
// so that the queues of thousands share one body.
type item struct {
	frame  []byte     // the frame, when event is nil
	event  wire.Event // but a record
	length int

	// A record: its body, and what the frame's head is made of.
	body   []byte
	handle wire.Handle
	seq    plane.Seq
}

// itemBytes is what an item costs in a queue besides its body, about.
const itemBytes = 96

// Attach starts the state of a session. wake is called, from any goroutine and with locks held,
// when Next may have something new: it must not block and not call back.
func (s *Server) Attach(binding plane.Binding, wake func()) *Peer {
	s.obs.Move(obs.SessionsNow, 1)
	s.obs.Count(obs.SessionsOpened, 1)
	return &Peer{s: s, binding: binding, wake: wake}
}

// Handle is Begin and what it returns, one after the other.
func (p *Peer) Handle(ctx context.Context, frame []byte) error {
	run, err := p.Begin(ctx, frame)
	if run != nil {
		run(ctx)
	}
	return err
}

// Begin takes one request. Most are done when it returns; where the rest may take the time of a
// disk, it returns a function that the caller runs in a goroutine of its own (it owns it) or at
// once. An error ends the session. Begin keeps no reference to frame.
func (p *Peer) Begin(ctx context.Context, frame []byte) (run func(context.Context), err error) {
	if failure := inv.Catch(func() { run, err = p.begin(ctx, frame) }); failure != nil {
		p.s.obs.Log(obs.InvariantFail)
		return nil, failure
	}
	return run, err
}

func (p *Peer) begin(ctx context.Context, frame []byte) (func(context.Context), error) {
	if p.waits() >= queueBytesEnd {
		return nil, ErrPeer
	}
	now := p.s.now()
	rid, req, err := wire.ParseRequest(frame)
	if err != nil {
		p.s.obs.Count(obs.Malformed, 1)
		if rid == 0 {
			return nil, ErrPeer
		}
		code := plane.Malformed
		if errors.Is(err, wire.ErrTooLarge) {
			code = plane.TooLarge
		}
		p.answer(rid, done(code))
		return nil, nil
	}
	l := &p.s.limits
	if !p.requests.take(now, float64(l.RequestsPerSecond), l.RequestsBurst) {
		p.answer(rid, done(plane.Busy))
		return nil, nil
	}
	if r, ok := req.(wire.Append); ok {
		return p.beginAppend(rid, r, now), nil
	}
	if changes(req) {
		p.s.pause.RLock()
	}
	a := p.serve(ctx, req)
	if changes(req) {
		p.s.pause.RUnlock()
	}
	p.s.obs.Observe(obs.RequestTime, p.s.now().Sub(now))
	p.answer(rid, a)
	if sub := p.fresh; sub != nil {
		p.fresh = nil
		p.mu.Lock()
		p.behind = append(p.behind, sub)
		p.mu.Unlock()
		p.wake()
	}
	return nil, nil
}

// changes says whether a request may change what is stored.
func changes(req wire.Request) bool {
	switch req.(type) {
	case wire.Create, wire.Rotate, wire.Manage, wire.Door, wire.Knock, wire.PoolPut, wire.PoolTake, wire.BlobPut, wire.BlobDelete:
		return true
	}
	return false
}

// serve answers every request but Append.
func (p *Peer) serve(ctx context.Context, req wire.Request) wire.Answer {
	switch r := req.(type) {
	case wire.Ping:
		return done(plane.OK)
	case wire.Info:
		return p.s.info()
	case wire.Create:
		return p.create(ctx, r)
	case wire.Open:
		return p.open(ctx, r)
	case wire.Close:
		return p.close(r)
	case wire.Read:
		return p.read(ctx, r)
	case wire.Subscribe:
		return p.subscribe(ctx, r)
	case wire.Signal:
		return p.signal(r)
	case wire.Rotate:
		return p.rotate(ctx, r)
	case wire.Manage:
		return p.manage(ctx, r)
	case wire.Door:
		return p.putDoor(r)
	case wire.Knock:
		return p.knock(ctx, r)
	case wire.PoolPut:
		return p.poolPut(r)
	case wire.PoolTake:
		return p.poolTake(r)
	case wire.Member:
		return p.proveMember(r)
	case wire.BlobPut:
		return p.blobPut(ctx, r)
	case wire.BlobStat:
		return p.blobStat(ctx, r)
	case wire.BlobGet:
		return p.blobGet(ctx, r)
	case wire.BlobPart:
		return p.blobPart(ctx, r)
	case wire.BlobDelete:
		return p.blobDelete(ctx, r)
	}
	inv.That(false, "every request of package wire has an answer")
	return nil
}

func (s *Server) info() wire.Answer {
	return wire.ServerInfo{
		Day: s.today(), TTLDaysMax: s.limits.TTLDaysMax,
		BlobChunks: plane.BlobChunksMax, Features: wire.Features(),
	}
}

func done(c plane.Code) wire.Answer { return wire.Done{Code: c} }

// answer queues the answer to a request.
func (p *Peer) answer(rid uint32, a wire.Answer) {
	frame, err := wire.Encode(rid, a)
	inv.That(err == nil, "answers are within the protocol")
	code := plane.OK
	if d, ok := a.(wire.Done); ok {
		code = d.Code
	}
	p.s.obs.Answered(code)
	p.mu.Lock()
	p.push(item{frame: frame, length: itemBytes + len(frame)})
	p.mu.Unlock()
	p.wake()
}

// push queues an item; p.mu is held.
func (p *Peer) push(it item) {
	if p.closed {
		return
	}
	p.queue = append(p.queue, it)
	p.bytes += it.length
}

// waits returns the bytes that wait to be sent.
func (p *Peer) waits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}

// roomy says whether large answers may be made now.
func (p *Peer) roomy() bool { return p.waits() < queueBytesMax }

// Next returns the next frame to be sent, if there is any now. Calling it is what makes
// subscriptions catch up: a driver calls it when it can send, and so a slow peer costs no
// memory.
func (p *Peer) Next(ctx context.Context) (frame []byte, ok bool) {
	head, body, ok := p.NextParts(ctx)
	return append(head, body...), ok
}

// NextParts is Next with the frame in two pieces, of which the second is shared among peers: nobody
// may change it.
func (p *Peer) NextParts(ctx context.Context) (head, body []byte, ok bool) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, nil, false
		}
		if len(p.queue) > 0 {
			it := p.queue[0]
			p.queue[0] = item{}
			p.queue = p.queue[1:]
			p.bytes -= it.length
			if len(p.queue) == 0 {
				p.queue = nil // an idle session keeps no array
			}
			p.mu.Unlock()
			if it.body != nil {
				return wire.RecordHead(it.handle, it.seq, len(it.body)), it.body, true
			}
			if it.event == nil {
				return it.frame, nil, true
			}
			frame, err := wire.Encode(0, it.event)
			inv.That(err == nil, "events are within the protocol")
			return frame, nil, true
		}
		if len(p.behind) == 0 {
			p.mu.Unlock()
			return nil, nil, false
		}
		sub := p.behind[0]
		p.mu.Unlock()
		p.catchUp(ctx, sub)
	}
}

// handle returns an open handle if it has the role.
func (p *Peer) handle(n wire.Handle, role wire.Role) *handle {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.handles[n]; h != nil && h.role == role {
		return h
	}
	return nil
}

// addHandle gives h, which owns a reference to its log, a number.
func (p *Peer) addHandle(h *handle) (wire.Handle, plane.Code) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return 0, plane.Failed
	case len(p.handles) >= plane.HandlesMax:
		return 0, plane.TooLarge
	}
	if p.handles == nil {
		p.handles = map[wire.Handle]*handle{}
	}
	p.last++
	p.handles[p.last] = h
	return p.last, plane.OK
}

func (p *Peer) close(r wire.Close) wire.Answer {
	p.mu.Lock()
	h := p.handles[r.Handle]
	delete(p.handles, r.Handle)
	p.mu.Unlock()
	if h == nil {
		return done(plane.Refused)
	}
	p.drop(h)
	return done(plane.OK)
}

// drop ends a handle that is no longer in p.handles.
func (p *Peer) drop(h *handle) {
	p.mu.Lock()
	sub := h.sub
	h.sub = nil
	if sub != nil {
		sub.dead = true
	}
	p.mu.Unlock()
	if sub != nil {
		h.log.unsubscribe(sub)
		p.s.obs.Move(obs.SubscriptionsNow, -1)
	}
	p.s.release(h.log)
}

// Close ends the session's state. Appends under way are finished; nobody hears of it.
func (p *Peer) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	handles := p.handles
	p.handles, p.queue, p.behind, p.bytes = nil, nil, nil, 0
	p.mu.Unlock()
	for _, h := range handles {
		p.drop(h)
	}
	p.s.obs.Move(obs.SessionsNow, -1)
}
