package session

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"paperplane/protocol/plane"
	"paperplane/transport"
)

// Options of a Server; zero values mean the defaults of this package.
type Options struct {
	SessionsMax  int
	DetachedTime time.Duration
	IdleTime     time.Duration
}

// Server drives a ServerMachine over carriers. One goroutine per session runs the handler;
// another exists only while there is something to write; one for all looks for what idles.
type Server struct {
	m    *ServerMachine
	opts Options

	handshakes atomic.Int32
	wg         sync.WaitGroup // handlers, writers, the sweeper

	mu       sync.Mutex // may be held when a Session's is taken, never the other way
	sessions map[*Session]struct{}
	sweeping bool
	closed   bool
	stop     chan struct{} // closed by Close
}

// Session is the server's end of one session. Receive belongs to the handler; everything
// else may be called by anybody at any time.
type Session struct {
	srv  *Server
	s    *ServerSession
	done chan struct{}

	mu      sync.Mutex
	conn    transport.MessageConn // the attached carrier, or nil
	link    *ServerLink
	wake    chan struct{} // closed at attach; made by a Receive that waits
	writing bool          // a writer goroutine runs
	since   time.Time     // something arrived, or the carrier was lost
	err     error         // why the session ended
}

// NewServer returns a server for key. Close it when done.
func NewServer(key *PrivateKey, opts Options) *Server {
	if opts.SessionsMax == 0 {
		opts.SessionsMax = SessionsMaxDefault
	}
	if opts.DetachedTime == 0 {
		opts.DetachedTime = DetachedTime
	}
	if opts.IdleTime == 0 {
		opts.IdleTime = IdleTime
	}
	s := &Server{m: NewServerMachine(key, opts.SessionsMax), opts: opts,
		sessions: make(map[*Session]struct{}), stop: make(chan struct{})}
	s.m.created = func(ss *ServerSession) {
		ss.owner = &Session{srv: s, s: ss, done: make(chan struct{})}
	}
	return s
}

// Serve shakes hands on a carrier, which it owns from the call on, and returns when that is
// over: nil when the carrier now belongs to a session. For a new session, handler runs in a
// goroutine of its own until it returns, which ends the session; it outlives carriers.
// ctx bounds only the handshake; Close ends sessions.
func (s *Server) Serve(ctx context.Context, conn transport.MessageConn, handler func(*Session)) error {
	if s.handshakes.Add(1) > HandshakesMax {
		s.handshakes.Add(-1)
		_ = conn.Close()
		return ErrBusy
	}
	defer s.handshakes.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, HandshakeTime)
	defer cancel()
	link := s.m.Open()
	ev, err := s.shake(ctx, conn, link)
	if err == nil {
		err = s.attach(conn, link, ev, handler)
	}
	if err != nil {
		link.Close()
		_ = conn.Close()
	}
	return err
}

// shake runs the handshake; at most ASK, HELLO and GO arrive before it is over.
func (s *Server) shake(ctx context.Context, conn transport.MessageConn, link *ServerLink) (ServerEvent, error) {
	for {
		msg, err := conn.Receive(ctx)
		if err != nil {
			return ServerEvent{}, err
		}
		ev, err := link.Take(msg)
		if ev.Out != nil {
			if werr := conn.Send(ctx, ev.Out); err == nil {
				err = werr
			}
		}
		if err != nil || ev.Attached {
			return ev, err
		}
	}
}

// attach gives the carrier to its session and starts the handler of a new one.
func (s *Server) attach(conn transport.MessageConn, link *ServerLink, ev ServerEvent, handler func(*Session)) error {
	sess := ev.Session.owner
	if ev.Fresh {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			s.m.End(ev.Session)
			return ErrClosed
		}
		s.sessions[sess] = struct{}{}
		if !s.sweeping {
			s.sweeping = true
			s.wg.Go(s.sweep)
		}
		// A new goroutine, because the one of the handshake has a stack grown by it.
		s.wg.Go(func() {
			handler(sess)
			sess.end(ErrEnded)
		})
		s.mu.Unlock()
	}
	return sess.attach(conn, link)
}

// sweep closes carriers on which nothing arrives and ends sessions that nobody came back to.
func (s *Server) sweep() {
	t := time.NewTicker(SweepTime)
	defer t.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
		}
		now := time.Now()
		var idle []transport.MessageConn
		var gone []*Session
		s.mu.Lock()
		for sess := range s.sessions {
			sess.mu.Lock()
			switch quiet := now.Sub(sess.since); {
			case sess.conn != nil && quiet > s.opts.IdleTime:
				idle = append(idle, sess.conn)
			case sess.conn == nil && quiet > s.opts.DetachedTime:
				gone = append(gone, sess)
			}
			sess.mu.Unlock()
		}
		s.mu.Unlock()
		for _, c := range idle {
			_ = c.Close() // its reader notices
		}
		for _, sess := range gone {
			sess.end(ErrEnded)
		}
	}
}

// Len returns the number of live sessions.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Close ends all sessions and waits for their handlers.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
	all := make([]*Session, 0, len(s.sessions))
	for sess := range s.sessions {
		all = append(all, sess)
	}
	s.mu.Unlock()
	for _, sess := range all {
		sess.end(ErrClosed)
	}
	s.wg.Wait()
}

// Binding returns the session's binding; it never changes.
func (s *Session) Binding() plane.Binding { return s.s.binding }

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err tells why the session ended, and nil while it lives.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Send hands a payload to the session and never waits for the peer. The session keeps p until
// the client has it: nobody may change it any more (one slice may go to many sessions).
// After ErrOverflow the session has ended: the client will attach to a fresh one.
func (s *Session) Send(p []byte) error {
	err := s.queue(payload{body: p})
	if err == nil {
		s.write()
	}
	return err
}

// SendNow is Send of head and body as one payload, of which many sessions may share the body, and
// writes it to the carrier itself unless somebody else does: it may take as long as the carrier
// does, and saves a goroutine for each of thousands of sessions.
func (s *Session) SendNow(head, body []byte) error {
	err := s.queue(payload{head, body})
	if err == nil && s.mayWrite() {
		s.writeAll()
	}
	return err
}

func (s *Session) queue(p payload) error {
	err := s.s.queue(p)
	if err == ErrOverflow {
		s.end(ErrOverflow)
	}
	return err
}

// Close ends the session.
func (s *Session) Close() { s.end(ErrEnded) }

// Receive returns the next payload, which belongs to the caller. It waits through changes of
// the carrier and fails when the session has ended or ctx is done; the latter may cost the
// carrier. The handler comes back to it soon (within PingWait): pings and acknowledgements
// are read here, too.
func (s *Session) Receive(ctx context.Context) ([]byte, error) {
	for {
		conn, link, err := s.carrier(ctx)
		if err != nil {
			return nil, err
		}
		msg, err := conn.Receive(ctx)
		if err != nil {
			s.drop(conn, link)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		}
		ev, err := link.Take(msg)
		if err != nil {
			s.drop(conn, link)
			continue
		}
		if ev.Ended {
			s.end(ErrEnded)
			continue
		}
		s.mu.Lock()
		s.since = time.Now()
		s.mu.Unlock()
		s.write()
		if ev.Payload != nil {
			return ev.Payload, nil
		}
	}
}

// carrier returns the attached carrier and waits for one when there is none.
func (s *Session) carrier(ctx context.Context) (transport.MessageConn, *ServerLink, error) {
	for {
		s.mu.Lock()
		conn, link, err := s.conn, s.link, s.err
		if conn == nil && err == nil && s.wake == nil {
			s.wake = make(chan struct{})
		}
		wake := s.wake
		s.mu.Unlock()
		if err != nil || conn != nil {
			return conn, link, err
		}
		select {
		case <-wake:
		case <-s.done:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

func (s *Session) attach(conn transport.MessageConn, link *ServerLink) error {
	s.mu.Lock()
	if s.err != nil || !s.s.attachedTo(link) { // a newer GO was faster to get here
		s.mu.Unlock()
		return errStale
	}
	old := s.conn
	s.conn, s.link, s.since = conn, link, time.Now()
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
	s.mu.Unlock()
	if old != nil {
		_ = old.Close() // whoever reads it or writes to it moves to the new one
	}
	s.write()
	return nil
}

// drop gives up a carrier; the session waits for another one.
func (s *Session) drop(conn transport.MessageConn, link *ServerLink) {
	_ = conn.Close()
	link.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == conn {
		s.conn, s.link, s.since = nil, nil, time.Now()
	}
}

// write starts a writer if there is something to write and none runs.
func (s *Session) write() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begin() {
		// The session lives, so its handler keeps the wait group above zero.
		s.srv.wg.Go(s.writeAll)
	}
}

// mayWrite says whether the caller is the writer from now on.
func (s *Session) mayWrite() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begin()
}

// begin makes somebody the writer if there is something to write and nobody is; s.mu is held.
func (s *Session) begin() bool {
	if s.writing || s.conn == nil || s.err != nil || !s.s.pendingOn(s.link) {
		return false
	}
	s.writing = true
	return true
}

// buffers are for the messages being written: a carrier keeps none.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, bufferBytes)) }}

// bufferBytes is enough for all but blobs and pages of records.
const bufferBytes = 10 << 10

func (s *Session) writeAll() {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		s.mu.Lock()
		conn, link := s.conn, s.link
		if conn == nil || !s.s.pendingOn(link) {
			s.writing = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		msg, err := link.next(*buf)
		if err == nil && msg != nil {
			err = conn.Send(context.Background(), msg)
		}
		if err != nil {
			s.drop(conn, link)
		}
	}
}

func (s *Session) end(why error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = why
	conn := s.conn
	s.conn, s.link = nil, nil
	close(s.done)
	s.mu.Unlock()
	s.srv.m.End(s.s)
	s.srv.mu.Lock()
	delete(s.srv.sessions, s)
	s.srv.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}
