package session

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"

	"paperplane/protocol/plane"
)

// ServerMachine is the server's side of the protocol without any carrier: a table of
// sessions, and links that attach to them. Safe for concurrent use.
type ServerMachine struct {
	key *PrivateKey
	max int

	// created, if set, is called with each new session before anybody else can see it.
	created func(*ServerSession)

	queued atomic.Int64 // bytes in the queues of all sessions

	mu       sync.Mutex
	sessions map[sessionID]*ServerSession
}

// ServerSession is the server's end of one session.
type ServerSession struct {
	m       *ServerMachine
	id      sessionID
	secret  [32]byte
	binding plane.Binding

	mu       sync.Mutex
	link     *ServerLink // the attached link, or nil
	attaches uint64      // number of the last GO
	ended    bool
	stream   stream

	owner *Session // the driver's side; set by created
}

// ServerLink is one carrier's worth of protocol. Take belongs to the goroutine that reads
// the carrier, Next to the one that writes it.
type ServerLink struct {
	m       *ServerMachine
	told    bool           // KEY went out once
	pending *serverPending // WELCOME went out, GO has not come
	session *ServerSession // attached
}

type serverPending struct {
	keys   keys
	id     sessionID
	resume *ServerSession // nil: fresh
}

// ServerEvent is what one message from the carrier meant.
type ServerEvent struct {
	// Out is to be written to the carrier (handshake only), even beside an error.
	Out []byte
	// Attached: GO came and this link is the session's one; any earlier link is replaced.
	Attached, Fresh bool
	Session         *ServerSession
	// Payload was received, exactly once and in order; nil for none.
	Payload []byte
	// Ended: the client said that the session is over.
	Ended bool
}

// NewServerMachine returns a machine that keeps at most sessionsMax sessions.
func NewServerMachine(key *PrivateKey, sessionsMax int) *ServerMachine {
	return &ServerMachine{key: key, max: sessionsMax, sessions: make(map[sessionID]*ServerSession)}
}

// Open starts a handshake on a new carrier; the client speaks first.
func (m *ServerMachine) Open() *ServerLink { return &ServerLink{m: m} }

// Take handles one message from the carrier. Every error is fatal for the carrier, after Out
// was written.
func (l *ServerLink) Take(msg []byte) (ServerEvent, error) {
	switch {
	case l.session != nil:
		return l.frame(msg)
	case l.pending != nil:
		return l.attach(msg)
	case !l.told && len(msg) == headBytes && msg[0] == msgAsk:
		if msg[1] != version {
			return refuse(refuseVersion), ErrVersion
		}
		l.told = true
		return ServerEvent{Out: append([]byte{msgKey, version}, l.m.key.pub...)}, nil
	}
	return l.hello(msg)
}

func refuse(reason byte) ServerEvent { return ServerEvent{Out: []byte{msgRefuse, version, reason}} }

// hello answers HELLO. Nothing is kept for the client until its GO: a replayed or lost HELLO
// costs one WELCOME and leaves no trace (S-18).
func (l *ServerLink) hello(msg []byte) (ServerEvent, error) {
	hs, err := openHello(l.m.key, msg)
	switch {
	case errors.Is(err, errOpenHello):
		return refuse(refuseKey), ErrServerKey
	case errors.Is(err, errVersion):
		return refuse(refuseVersion), ErrVersion
	case err != nil:
		return ServerEvent{}, err
	}
	p := new(serverPending)
	var cursor uint64
	var secret *[32]byte
	s, busy := l.m.find(hs)
	if s != nil {
		p.id, p.resume, secret, cursor = s.id, s, &s.secret, s.received()
	} else if busy {
		return refuse(refuseBusy), ErrBusy
	} else {
		rand.Read(p.id[:]) // never fails
	}
	out, keys, err := hs.welcome(p.id, cursor, secret, padLen())
	if err != nil {
		return ServerEvent{}, err
	}
	p.keys = keys
	l.pending = p
	return ServerEvent{Out: out}, nil
}

// find looks for the session that a HELLO may resume. A wrong proof and an unknown session
// are the same: fresh.
func (m *ServerMachine) find(hs *serverHandshake) (s *ServerSession, busy bool) {
	m.mu.Lock()
	s = m.sessions[hs.id]
	busy = len(m.sessions) >= m.max
	m.mu.Unlock()
	if s == nil || !hs.holds(s.secret) {
		return nil, busy
	}
	return s, false
}

func (s *ServerSession) received() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream.in
}

// attach handles GO, the first sealed frame (S-15). Its number must be above that of the GO
// before it: a GO that was delayed on an abandoned carrier cannot steal the session (S-16).
func (l *ServerLink) attach(msg []byte) (ServerEvent, error) {
	p := l.pending
	in := newOpener(p.keys.client)
	plain, err := in.open(msg, nil)
	if err != nil {
		return ServerEvent{}, err
	}
	f, err := parseFrame(plain)
	if err != nil || f.kind != frameGo {
		return ServerEvent{}, ErrProtocol
	}
	s := p.resume
	if s == nil {
		s = &ServerSession{m: l.m, id: p.id, secret: p.keys.secret, binding: p.keys.binding}
		s.stream.server = true
	}
	if err := s.attach(l, p.keys, f); err != nil {
		return ServerEvent{}, err
	}
	if p.resume == nil {
		if err := l.m.add(s); err != nil {
			return ServerEvent{}, err
		}
	}
	l.session, l.pending = s, nil
	return ServerEvent{Attached: true, Fresh: p.resume == nil, Session: s}, nil
}

func (s *ServerSession) attach(l *ServerLink, k keys, f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ErrEnded
	}
	if f.id <= s.attaches {
		return errStale
	}
	defer s.account(s.stream.bytes)
	if err := s.stream.attach(k.server, k.client, f.ack); err != nil {
		return err
	}
	s.stream.open.n = 1 // GO was number 0
	s.attaches = f.id
	s.link = l
	return nil
}

func (m *ServerMachine) add(s *ServerSession) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sessions) >= m.max {
		return ErrBusy
	}
	if m.created != nil {
		m.created(s)
	}
	m.sessions[s.id] = s
	return nil
}

func (l *ServerLink) frame(msg []byte) (ServerEvent, error) {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l {
		return ServerEvent{}, errStale
	}
	defer s.account(s.stream.bytes)
	t, err := s.stream.take(msg)
	return ServerEvent{Payload: t.payload, Ended: t.bye}, err
}

// Next returns the next message to write, or nil when there is none now. After an error the
// carrier is to be dropped.
func (l *ServerLink) Next() ([]byte, error) { return l.next(nil) }

// next is Next into buf, when it is large enough.
func (l *ServerLink) next(buf []byte) ([]byte, error) {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l {
		return nil, errStale
	}
	return s.stream.next(buf)
}

// Close says that the carrier is gone. The session waits for another link.
func (l *ServerLink) Close() {
	s := l.session
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == l {
		s.link = nil
		s.stream.detach()
	}
}

// Binding returns the session's binding; it never changes (S-17).
func (s *ServerSession) Binding() plane.Binding { return s.binding }

// Queue takes a payload for sending and keeps it: the caller does not change it any more.
// It returns ErrTooLarge, ErrEnded, or ErrOverflow: the peer does not keep up, and the
// session should End.
func (s *ServerSession) Queue(p []byte) error { return s.queue(payload{body: p}) }

func (s *ServerSession) queue(p payload) error {
	if p.size() == 0 || p.size() > PayloadBytesMax {
		return ErrTooLarge
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return ErrEnded
	case s.stream.full(p.size(), ServerQueueBytes, ServerQueueCount),
		s.m.queued.Load()+int64(p.size()) > ServerQueueBytesAll:
		return ErrOverflow
	}
	defer s.account(s.stream.bytes)
	s.stream.push(p)
	return nil
}

// account keeps the sum over all sessions; before is the queue's size before the change.
func (s *ServerSession) account(before int) {
	if d := s.stream.bytes - before; d != 0 {
		s.m.queued.Add(int64(d))
	}
}

// End forgets the session: a client that asks for it gets a fresh one.
func (m *ServerMachine) End(s *ServerSession) {
	m.mu.Lock()
	if m.sessions[s.id] == s {
		delete(m.sessions, s.id)
	}
	m.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.account(s.stream.bytes)
	s.ended = true
	s.link = nil
	s.stream = stream{server: true}
}

func (s *ServerSession) pendingOn(l *ServerLink) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link == l && s.stream.pending()
}

func (s *ServerSession) attachedTo(l *ServerLink) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link == l
}
