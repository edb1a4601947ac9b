package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"paperplane/core"
	"paperplane/protocol/plane"
	"paperplane/protocol/session"
	"paperplane/protocol/wire"
)

const (
	// dialDelayMin and dialDelayMax bound the pause between tries; each is spread by half, so
	// that clients do not come back in step after a server's restart.
	dialDelayMin = 300 * time.Millisecond
	dialDelayMax = 10 * time.Second
	// dialTime bounds one try to open a carrier.
	dialTime = 15 * time.Second
	// aliveFor is how long a carrier must have lived for the next try to be at once.
	aliveFor = 20 * time.Second
	// ownRids is where the request ids of the driver itself begin; the machine's count from 1.
	ownRids = uint32(1) << 31
)

// errAway: no session, or it ended before the answer; try again.
var errAway = errors.New("client: server is away")

// link keeps one session with one server up and hands frames between it and the machine.
type link struct {
	c      *Client
	id     core.ServerID
	dial   string // carrier address
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	// order is held while something is handed to the machine, so that a frame of an ended session
	// cannot come after the news of the next one. It is taken before mu.
	order sync.Mutex

	mu      sync.Mutex
	conn    *session.Conn // the current session, or nil
	queue   [][]byte      // frames for conn; the machine's own bound limits them
	wake    chan struct{}
	rid     uint32
	waiting map[uint32]chan wire.Answer
	up      chan struct{} // closed while a session is attached
	proof   uint32        // the machine's last request by which it may store: as a member, or at a door
	proved  bool          // it was answered OK
}

// carrierAddress turns a server's origin into where carriers lead: http://h → ws://h/s.
func carrierAddress(origin string) string {
	carrier, ok := strings.CutPrefix(origin, "http") // seal.ValidOrigin holds for it
	if !ok {
		return ""
	}
	return "ws" + carrier + "/s"
}

func (c *Client) startLink(id core.ServerID, origin string) *link {
	ctx, cancel := context.WithCancel(c.ctx)
	l := &link{c: c, id: id, dial: carrierAddress(origin), ctx: ctx, cancel: cancel,
		wake: make(chan struct{}, 1), rid: ownRids, waiting: map[uint32]chan wire.Answer{}, up: make(chan struct{})}
	c.mu.Lock()
	c.servers[id] = l
	c.mu.Unlock()
	l.tasks.Go(l.run)
	return l
}

func (l *link) stop() {
	l.c.mu.Lock()
	if l.c.servers[l.id] == l {
		delete(l.c.servers, l.id)
	}
	l.c.mu.Unlock()
	l.cancel()
}

// run dials until it is stopped.
func (l *link) run() {
	s, err := session.NewClient(session.Config{ServerKey: session.ServerKey{Fingerprint: l.id}})
	if err != nil {
		return // only contradicting key forms fail
	}
	defer s.Close()
	delay := dialDelayMin
	for l.ctx.Err() == nil {
		began := time.Now()
		why := l.attach(s)
		if l.ctx.Err() != nil {
			return
		}
		_ = l.c.post(l.ctx, core.Disconnected{Server: l.id, Why: why})
		switch {
		case why == plane.Refused:
			delay = dialDelayMax
		case time.Since(began) > aliveFor:
			delay = dialDelayMin
		default:
			delay = min(2*delay, dialDelayMax)
		}
		_ = sleep(l.ctx, delay/2+rand.N(delay))
	}
}

// attach opens a carrier and returns when it has died, with the reason.
func (l *link) attach(s *session.Client) plane.Code {
	ctx, cancel := context.WithTimeout(l.ctx, dialTime)
	defer cancel()
	carrier, err := l.c.opts.Dialer.Dial(ctx, l.dial)
	if err != nil {
		return plane.OK
	}
	conn, fresh, err := s.Attach(ctx, carrier)
	if err != nil {
		if errors.Is(err, session.ErrServerKey) {
			return plane.Refused
		}
		return plane.OK
	}
	dead := conn.Detached()
	l.order.Lock()
	l.mu.Lock()
	known := l.conn == conn
	if !known {
		l.conn, l.queue, l.proof, l.proved = conn, nil, 0, false
		for rid, w := range l.waiting {
			close(w)
			delete(l.waiting, rid)
		}
	}
	close(l.up)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.up = make(chan struct{})
		l.mu.Unlock()
	}()
	err = l.c.post(l.ctx, core.Connected{Server: l.id, Binding: conn.Binding(), Fresh: fresh || !known})
	l.order.Unlock()
	if err != nil {
		return plane.OK
	}
	if !known {
		l.tasks.Go(func() { l.read(conn) })
		l.tasks.Go(func() { l.write(conn) })
	}
	select {
	case <-dead:
	case <-conn.Done():
	case <-l.ctx.Done():
	}
	return plane.OK
}

// read hands one session's frames to the machine, or to whoever asked.
func (l *link) read(conn *session.Conn) {
	for {
		frame, err := conn.Receive(l.ctx)
		if err != nil {
			return
		}
		rid, answer, event, err := wire.ParseAnswerOrEvent(frame)
		if err != nil {
			continue // a server that talks rubbish cannot hurt; what it owes us stays owed
		}
		if !l.hand(conn, rid, answer, event) {
			return
		}
	}
}

// hand gives one frame to the machine or to whoever asked; false ends the reading.
func (l *link) hand(conn *session.Conn, rid uint32, answer wire.Answer, event wire.Event) bool {
	l.order.Lock()
	defer l.order.Unlock()
	l.mu.Lock()
	current := l.conn == conn
	w := l.waiting[rid]
	delete(l.waiting, rid)
	if current && answer != nil && rid == l.proof {
		d, done := answer.(wire.Done)
		l.proved = l.proved || !done || d.Code == plane.OK
	}
	l.mu.Unlock()
	var err error
	switch {
	case !current:
		return false // frames of an ended session mean nothing to the machine
	case event != nil:
		err = l.c.post(l.ctx, core.Pushed{Server: l.id, Event: event})
	case w != nil:
		w <- answer
	case rid < ownRids:
		err = l.c.post(l.ctx, core.Answered{Server: l.id, Rid: rid, Answer: answer})
	}
	return err == nil
}

// write sends the queue on one session.
func (l *link) write(conn *session.Conn) {
	for {
		l.mu.Lock()
		if l.conn != conn {
			l.mu.Unlock()
			l.nudge() // the wake-up may have been meant for the writer after this one
			return
		}
		queue := l.queue
		l.queue = nil
		l.mu.Unlock()
		for _, f := range queue {
			if conn.Send(l.ctx, f) != nil {
				return
			}
		}
		if len(queue) > 0 {
			continue
		}
		select {
		case <-l.wake:
		case <-conn.Done():
			return
		case <-l.ctx.Done():
			return
		}
	}
}

func (l *link) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func isMember(req wire.Request) bool {
	_, ok := req.(wire.Member)
	return ok
}

// send queues one of the machine's requests. Without a session it is dropped: the machine starts
// over at the next fresh one.
func (l *link) send(rid uint32, req wire.Request) {
	frame, err := wire.Encode(rid, req)
	if err != nil {
		return // over a limit: the machine checks before it asks, and tests say so
	}
	l.mu.Lock()
	if l.conn != nil {
		l.queue = append(l.queue, frame)
		if q, ok := req.(wire.Open); ok && q.Role == wire.RoleDoor || isMember(req) {
			l.proof = rid
		}
	}
	l.mu.Unlock()
	l.nudge()
}

// ask sends a request of the driver's own and waits for the answer; errAway means that nobody
// knows the outcome.
func (c *Client) ask(ctx context.Context, server core.ServerID, req wire.Request) (wire.Answer, error) {
	a, _, err := c.askProved(ctx, server, req)
	return a, err
}

// askProved also says whether the session had proved who we are before the request was sent. Without
// that a refusal means little: requests of transfers go out as soon as there is a session, and the
// machine's proof may come behind them.
func (c *Client) askProved(ctx context.Context, server core.ServerID, req wire.Request) (ans wire.Answer, proved bool, err error) {
	c.mu.Lock()
	l := c.servers[server]
	c.mu.Unlock()
	if l == nil {
		return nil, false, errAway
	}
	l.mu.Lock()
	up := l.up
	l.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case <-l.ctx.Done():
		return nil, false, errAway
	}
	answer := make(chan wire.Answer, 1)
	l.mu.Lock()
	conn := l.conn
	proved = l.proved
	l.rid = max(l.rid+1, ownRids)
	rid := l.rid
	l.waiting[rid] = answer
	l.mu.Unlock()
	forget := func() {
		l.mu.Lock()
		delete(l.waiting, rid)
		l.mu.Unlock()
	}
	frame, err := wire.Encode(rid, req)
	if err == nil {
		err = conn.Send(ctx, frame)
	}
	if err != nil {
		forget()
		return nil, false, errAway
	}
	select {
	case a, ok := <-answer:
		if !ok {
			return nil, false, errAway
		}
		return a, proved, nil
	case <-conn.Done():
		forget()
		return nil, false, errAway
	case <-ctx.Done():
		forget()
		return nil, false, ctx.Err()
	}
}
