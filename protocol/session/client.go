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
