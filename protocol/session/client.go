package session

import (
	"context"
	"sync"
	"time"

	"paperplane/protocol/plane"
	"paperplane/transport"
)

// Config of a Client; zero durations mean the defaults of this package.
type Config struct {
	ServerKey ServerKey
	PingIdle  time.Duration
	PingBusy  time.Duration
	PingWait  time.Duration
}

// Client keeps one session with one server alive over the carriers that it is given.
type Client struct {
	m   *ClientMachine
	cfg Config

	mu     sync.Mutex
	conn   *Conn // the current session, or nil
	closed bool
}

// Conn is the client's end of one session: what Attach returns. It outlives carriers; when
// the server has forgotten the session, Attach returns another Conn and this one ends.
// Everything may be called concurrently; concurrent Receives share the payloads.
type Conn struct {
	c    *Client
	s    *ClientSession
	done chan struct{}

	mu      sync.Mutex
	err     error
	inbox   [][]byte
	bytes   int           // in inbox
	arrived chan struct{} // closed when inbox grows; made by a Receive that waits
	room    chan struct{} // closed when inbox or queue shrink; made by whoever waits
	run     *run          // the current carrier's goroutines, or nil
}

// run is a carrier at work: a reader, a writer, and a timer for pings.
type run struct {
	conn    *Conn
	carrier transport.MessageConn
	link    *ClientLink
	wake    chan struct{} // capacity 1: the writer has work
	dead    chan struct{} // closed when the carrier is given up
	once    sync.Once
	wg      sync.WaitGroup

	mu    sync.Mutex
	heard time.Time
	asked time.Time   // when a ping went out that is not answered; zero for none
	full  bool        // the reader waits for Receive
	next  time.Time   // when timer fires
	timer *time.Timer // calls tick
}

// NewClient returns a client without a session. It returns ErrServerKey when the two forms of
// the key in cfg do not belong together.
func NewClient(cfg Config) (*Client, error) {
	if cfg.PingIdle == 0 {
		cfg.PingIdle = PingIdle
	}
	if cfg.PingBusy == 0 {
		cfg.PingBusy = PingBusy
	}
	if cfg.PingWait == 0 {
		cfg.PingWait = PingWait
	}
	m, err := NewClientMachine(cfg.ServerKey)
	if err != nil {
		return nil, err
	}
	return &Client{m: m, cfg: cfg}, nil
}

// Attach shakes hands on a carrier, which it owns from the call on, and moves the session to
// it. It returns when that is done; the carrier then works in the background until it dies
// (Conn.Detached) or the next Attach replaces it. Several Attach calls may race: the first
// that the server welcomes wins, the others return ErrLost.
//
// fresh tells that conn is a new session with a new Binding: there was none, or the server
// has forgotten it. In the second case the old Conn has ended with ErrEnded, and what became
// of its unanswered requests is unknown. ctx bounds only the handshake.
//
// ErrServerKey and ErrVersion do not go away by trying again; other errors may.
func (c *Client) Attach(ctx context.Context, carrier transport.MessageConn) (conn *Conn, fresh bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, HandshakeTime)
	defer cancel()
	link, out, err := c.m.Open()
	var ev ClientEvent
	for err == nil && !ev.Attached {
		if out != nil {
			if err = carrier.Send(ctx, out); err != nil {
				break
			}
		}
		var msg []byte
		if msg, err = carrier.Receive(ctx); err == nil {
			ev, err = link.Take(msg)
			out = ev.Out
		}
	}
	if err == nil {
		conn, err = c.attached(carrier, link, ev)
	}
	if err != nil {
		if link != nil {
			link.Close()
		}
		_ = carrier.Close()
		return nil, false, err
	}
	return conn, ev.Fresh, nil
}

func (c *Client) attached(carrier transport.MessageConn, link *ClientLink, ev ClientEvent) (*Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		c.m.Drop(false)
		return nil, ErrClosed
	}
	if !link.current() { // replaced between the handshake and here
		return nil, ErrLost
	}
	conn := c.conn
	if conn == nil || conn.s != ev.Session {
		if conn != nil {
			conn.end(ErrEnded)
		}
		conn = &Conn{c: c, s: ev.Session, done: make(chan struct{})}
		c.conn = conn
	}
	r := &run{conn: conn, carrier: carrier, link: link, wake: make(chan struct{}, 1),
		dead: make(chan struct{}), heard: time.Now()}
	conn.mu.Lock()
	old := conn.run
	conn.run = r
	conn.mu.Unlock()
	if old != nil {
		old.stop()
	}
	r.start()
	return conn, nil
}

// ServerKey returns what is known of the server's key; once attached, with the key itself,
// which is worth keeping: it saves a round trip.
func (c *Client) ServerKey() ServerKey { return c.m.ServerKey() }

// Close ends the session, telling the server if a carrier is attached (within a second).
func (c *Client) Close() {
	c.mu.Lock()
	conn := c.conn
	c.conn, c.closed = nil, true
	c.mu.Unlock()
	c.m.Drop(true)
	if conn != nil {
		conn.close()
	}
}

// Binding ties capabilities to this session; it never changes.
func (c *Conn) Binding() plane.Binding { return c.s.binding }

// Done is closed when the session has ended; Err then tells why.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err tells why the session ended, and nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Detached returns a channel that is closed when the carrier that is attached now has died;
// it is closed already when there is none.
func (c *Conn) Detached() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run == nil {
		ch := make(chan struct{})
		close(ch)
		return ch
	}
	return c.run.dead
}

// Send queues a payload and keeps it until the server has it: nobody may change p any more.
// It waits while the queue is full (ClientQueueBytes, ClientQueueCount), whether or not a
// carrier is attached, and fails when ctx is done, the session has ended, or p is too large.
func (c *Conn) Send(ctx context.Context, p []byte) error {
	for {
		room := c.wait(&c.room) // before looking, so that nothing is missed
		err := c.s.Queue(p)
		if err == nil {
			c.mu.Lock()
			r := c.run
			c.mu.Unlock()
			if r != nil {
				r.nudge()
				r.soon(c.c.cfg.PingBusy)
			}
			return nil
		}
		if err != ErrOverflow {
			return err
		}
		select {
		case <-room:
		case <-c.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Receive returns the next payload, which belongs to the caller. It waits through changes of
// the carrier. After the session has ended it returns what had arrived, then the reason.
func (c *Conn) Receive(ctx context.Context) ([]byte, error) {
	for {
		c.mu.Lock()
		if len(c.inbox) > 0 {
			p := c.inbox[0]
			c.inbox[0] = nil
			c.inbox = c.inbox[1:]
			c.bytes -= len(p)
			if len(c.inbox) == 0 {
				c.inbox = nil
			}
			signal(&c.room)
			c.mu.Unlock()
			return p, nil
		}
		err := c.err
		c.mu.Unlock()
		if err != nil {
			return nil, err
		}
		arrived := c.wait(&c.arrived)
		c.mu.Lock()
		empty := len(c.inbox) == 0 && c.err == nil
		c.mu.Unlock()
		if !empty {
			continue
		}
		select {
		case <-arrived:
		case <-c.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// wait returns a channel that the next signal closes.
func (c *Conn) wait(ch *chan struct{}) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *ch == nil {
		*ch = make(chan struct{})
	}
	return *ch
}

// signal wakes all who wait; the owner of ch holds its lock.
func signal(ch *chan struct{}) {
	if *ch != nil {
		close(*ch)
		*ch = nil
	}
}

func (c *Conn) end(why error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = why
		close(c.done)
	}
	r := c.run
	c.run = nil
	c.mu.Unlock()
	if r != nil {
		r.stop()
	}
}

// close lets the writer say goodbye, then ends.
func (c *Conn) close() {
	c.mu.Lock()
	r := c.run
	c.mu.Unlock()
	if r != nil {
		r.nudge()
		t := time.NewTimer(time.Second)
		select {
		case <-r.dead:
		case <-t.C:
		}
		t.Stop()
	}
	c.end(ErrClosed)
}

func (r *run) start() {
	r.mu.Lock()
	d := r.conn.c.cfg.PingIdle
	r.next = time.Now().Add(d)
	r.timer = time.AfterFunc(d, r.tick)
	r.mu.Unlock()
	r.wg.Go(r.read)
	r.wg.Go(r.write)
}

// stop gives the carrier up. Its goroutines end by themselves: both only wait for the
// carrier, for dead, or for room.
func (r *run) stop() {
	r.once.Do(func() {
		r.link.Close()
		_ = r.carrier.Close()
		close(r.dead)
		r.mu.Lock()
		if r.timer != nil {
			r.timer.Stop()
		}
		r.mu.Unlock()
		r.conn.mu.Lock()
		if r.conn.run == r {
			r.conn.run = nil
		}
		r.conn.mu.Unlock()
	})
}

func (r *run) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *run) read() {
	defer r.stop()
	for {
		msg, err := r.carrier.Receive(context.Background())
		if err != nil {
			return
		}
		if r.take(msg) != nil {
			return
		}
		r.mu.Lock()
		r.heard, r.asked = time.Now(), time.Time{} // whatever came: it lives
		r.mu.Unlock()
		r.nudge()
		r.soon(AckDelay)
		if !r.waitRoom() {
			return
		}
	}
}

// take gives a message to the machine and what it carried to the inbox, in one step: else a
// payload of the next carrier could overtake this one. What the machine has counted as
// received must be delivered, so it goes in even above the limit.
func (r *run) take(msg []byte) error {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	ev, err := r.link.Take(msg)
	if err != nil {
		return err
	}
	if ev.Acked {
		signal(&c.room)
	}
	if ev.Payload != nil {
		c.inbox = append(c.inbox, ev.Payload)
		c.bytes += len(ev.Payload)
		signal(&c.arrived)
	}
	return nil
}

// waitRoom waits while the inbox is full; false: the carrier was given up meanwhile.
func (r *run) waitRoom() bool {
	c := r.conn
	for {
		room := c.wait(&c.room)
		c.mu.Lock()
		full := len(c.inbox) >= inboxCountMax || c.bytes >= inboxBytesMax
		c.mu.Unlock()
		r.mu.Lock()
		r.full = full
		if !full {
			r.heard = time.Now()
		}
		r.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-room:
		case <-r.dead:
			return false
		}
	}
}

func (r *run) write() {
	defer r.stop()
	for {
		msg, err := r.link.Next()
		if err != nil {
			return
		}
		if msg != nil {
			if r.carrier.Send(context.Background(), msg) != nil {
				return
			}
			continue
		}
		if r.conn.s.over() {
			return // BYE is out
		}
		select {
		case <-r.wake:
		case <-r.dead:
			return
		}
	}
}

// soon makes the next check come within d.
func (r *run) soon(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := time.Now().Add(d); at.Before(r.next) {
		r.schedule(at)
	}
}

// schedule sets the time of the next check; r.mu is held.
func (r *run) schedule(at time.Time) {
	select {
	case <-r.dead:
	default:
		r.next = at
		r.timer.Reset(time.Until(at))
	}
}

// tick sends an acknowledgement that found nothing to go along with, asks a silent carrier
// for a sign of life, and gives up one that did not answer.
func (r *run) tick() {
	cfg := &r.conn.c.cfg
	owes, waits := r.link.open()
	r.mu.Lock()
	now := time.Now()
	quietMax := cfg.PingIdle
	if waits {
		quietMax = min(quietMax, cfg.PingBusy)
	}
	next := r.heard.Add(quietMax)
	switch {
	case r.full: // the reader waits for Receive: silence is not the carrier's fault
		next = now.Add(quietMax)
	case !r.asked.IsZero():
		next = r.asked.Add(cfg.PingWait)
		if !next.After(now) {
			r.mu.Unlock()
			r.stop()
			return
		}
	case !next.After(now):
		r.asked = now
		r.link.Ping()
		next = now.Add(cfg.PingWait)
	}
	r.schedule(next)
	r.mu.Unlock()
	if owes {
		r.link.Ack()
	}
	r.nudge()
}
