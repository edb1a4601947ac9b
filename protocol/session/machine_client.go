package session

import (
	"crypto/hpke"
	"slices"
	"sync"

	"paperplane/protocol/plane"
)

// ClientMachine is the client's side of the protocol without any carrier: it opens links,
// takes their messages, and says what to send. Safe for concurrent use.
type ClientMachine struct {
	key ServerKey

	mu   sync.Mutex
	pub  hpke.PublicKey // once known
	cur  *ClientSession // nil before the first session and after Drop
	link *ClientLink    // the attached link, or nil
	gen  uint64         // counts attaches: a link that started before another attached has lost
}

// ClientSession is the client's end of one session. Its fields belong to its machine's lock.
type ClientSession struct {
	m        *ClientMachine
	id       sessionID
	secret   [32]byte
	binding  plane.Binding
	attaches uint64
	known    bool // the server has answered on it: it got a GO
	ended    bool
	stream   stream
}

// ClientLink is one carrier's worth of protocol: handshake, then frames if it wins.
// Take belongs to the goroutine that reads the carrier, Next to the one that writes it.
type ClientLink struct {
	m       *ClientMachine
	gen     uint64
	session *ClientSession // to be resumed, later: attached to; nil for a first session
	known   bool           // the server knew the session before this link's HELLO
	asked   bool           // ASK went out, KEY has not come
	hs      *clientHandshake
	done    bool
}

// ClientEvent is what one message from the carrier meant.
type ClientEvent struct {
	// Out is to be written to the carrier (handshake only), nil for nothing.
	Out []byte
	// Attached: the handshake is over and this link won. Session is set; Fresh tells that it
	// is a new one and that an earlier session, if any, has ended.
	Attached, Fresh bool
	Session         *ClientSession
	// Payload was received, exactly once and in order; nil for none.
	Payload []byte
	// Acked: there is more room in the queue.
	Acked bool
}

// NewClientMachine returns a machine without a session.
func NewClientMachine(key ServerKey) (*ClientMachine, error) {
	m := &ClientMachine{key: key}
	if key.Full != nil {
		pub, err := parsePublicKey(key.Full, key.Fingerprint)
		if err != nil {
			return nil, err
		}
		m.pub = pub
	}
	return m, nil
}

// Open starts a handshake on a new carrier and returns the first message for it.
func (m *ClientMachine) Open() (*ClientLink, []byte, error) {
	m.mu.Lock()
	l := &ClientLink{m: m, gen: m.gen, session: m.cur, known: m.cur != nil && m.cur.known}
	pub := m.pub
	m.mu.Unlock()
	if pub == nil {
		l.asked = true
		return l, []byte{msgAsk, version}, nil
	}
	out, err := l.hello(pub)
	return l, out, err
}

func (l *ClientLink) hello(pub hpke.PublicKey) (out []byte, err error) {
	eph, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return nil, err
	}
	var t *ticket
	if s := l.session; s != nil {
		t = &ticket{id: s.id, secret: s.secret} // both never change
	}
	l.hs, out, err = hello(pub, eph, t, padLen())
	return out, err
}

// Take handles one message from the carrier. Every error is fatal for the carrier; ErrLost
// and ErrServerKey are told apart from other failures.
func (l *ClientLink) Take(msg []byte) (ClientEvent, error) {
	if l.done {
		return l.frame(msg)
	}
	if len(msg) == headBytes+1 && msg[0] == msgRefuse {
		switch msg[2] {
		case refuseKey:
			return ClientEvent{}, ErrServerKey
		case refuseVersion:
			return ClientEvent{}, ErrVersion
		case refuseBusy:
			return ClientEvent{}, ErrBusy
		}
		return ClientEvent{}, ErrProtocol
	}
	if l.asked {
		return l.gotKey(msg)
	}
	w, err := l.hs.welcome(msg)
	if err != nil {
		return ClientEvent{}, err
	}
	l.hs = nil
	return l.attach(w)
}

func (l *ClientLink) gotKey(msg []byte) (ClientEvent, error) {
	if len(msg) < headBytes || msg[0] != msgKey || msg[1] != version {
		return ClientEvent{}, ErrProtocol
	}
	pub, err := parsePublicKey(msg[headBytes:], l.m.key.Fingerprint)
	if err != nil {
		return ClientEvent{}, err
	}
	l.m.mu.Lock()
	l.m.pub = pub
	l.m.mu.Unlock()
	l.asked = false
	out, err := l.hello(pub)
	return ClientEvent{Out: out}, err
}

// attach decides the race (S-15): the first link that is welcomed wins, and every link that
// was opened before that has lost. One of those may still take over a session that has no
// link left. "Fresh" does not win over a live session whose GO may have been on the way still
// when the server answered.
func (l *ClientLink) attach(w *welcomed) (ClientEvent, error) {
	m := l.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.gen != m.gen && !(w.resumed && m.cur == l.session && m.link == nil) {
		return ClientEvent{}, ErrLost
	}
	if !w.resumed && m.cur != nil && m.link != nil && !l.known {
		return ClientEvent{}, ErrLost
	}
	s := l.session
	if w.resumed {
		s.known = true
		if s.ended { // closed by its owner meanwhile
			return ClientEvent{}, ErrEnded
		}
	} else {
		if w.cursor != 0 {
			return ClientEvent{}, ErrProtocol
		}
		s = &ClientSession{m: m, id: w.id, secret: w.keys.secret, binding: w.keys.binding}
	}
	if err := s.stream.attach(w.keys.client, w.keys.server, w.cursor); err != nil {
		return ClientEvent{}, err
	}
	if m.cur != nil && m.cur != s {
		m.cur.end()
	}
	s.attaches++
	s.stream.goDue = s.attaches
	m.gen++
	m.cur, m.link = s, l
	l.session, l.done = s, true
	return ClientEvent{Attached: true, Fresh: !w.resumed, Session: s}, nil
}

func (l *ClientLink) frame(msg []byte) (ClientEvent, error) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.link != l {
		return ClientEvent{}, errStale
	}
	t, err := l.session.stream.take(msg)
	l.session.known = l.session.known || err == nil
	return ClientEvent{Payload: t.payload, Acked: t.acked}, err
}

// Next returns the next message to write, or nil when there is none now. After an error the
// carrier is to be dropped.
func (l *ClientLink) Next() ([]byte, error) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.link != l {
		return nil, errStale
	}
	return l.session.stream.next(nil)
}

// Close says that the carrier is gone. The session waits for another link.
func (l *ClientLink) Close() {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.link == l {
		l.m.link = nil
		l.session.stream.detach()
	}
}

// Ping asks the peer for a sign of life with the next message.
func (l *ClientLink) Ping() {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.link == l {
		l.session.stream.ping = true
	}
}

// Ack acknowledges with the next message what was received and is not acknowledged yet.
func (l *ClientLink) Ack() {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if s := &l.session.stream; l.m.link == l && s.owedCount > 0 {
		s.ack = true
	}
}

// open tells whether the peer waits for an acknowledgement, and whether this end does.
func (l *ClientLink) open() (owes, waits bool) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.link != l {
		return false, false
	}
	s := &l.session.stream
	return s.owedCount > 0, len(s.queue) > 0
}

// pending tells whether Next has something.
func (l *ClientLink) pending() bool {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.m.link == l && l.session.stream.pending()
}

func (l *ClientLink) current() bool {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.m.link == l
}

// over tells whether the session has ended.
func (s *ClientSession) over() bool {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.ended
}

func (s *ClientSession) end() {
	s.ended = true
	s.stream = stream{}
}

// Binding returns the session's binding; it never changes (S-17).
func (s *ClientSession) Binding() plane.Binding { return s.binding }

// Queue takes a payload for sending and keeps it: the caller does not change it any more.
// It returns ErrTooLarge, ErrEnded, or ErrOverflow when the queue is full for now (S-40).
func (s *ClientSession) Queue(p []byte) error {
	if len(p) == 0 || len(p) > PayloadBytesMax {
		return ErrTooLarge
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	switch {
	case s.ended:
		return ErrEnded
	case s.stream.full(len(p), ClientQueueBytes, ClientQueueCount):
		return ErrOverflow
	}
	s.stream.push(payload{body: p})
	return nil
}

// Drop forgets the session; the next link starts a fresh one. With bye the server is told,
// if a link is attached, by what Next returns until it returns nil.
func (m *ClientMachine) Drop(bye bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cur == nil {
		return
	}
	s := m.cur
	s.ended = true
	m.cur = nil
	m.gen++ // no link that is still shaking hands may bring it back
	if bye && m.link != nil {
		s.stream.bye = true
		return
	}
	m.link = nil
	s.end()
}

// ServerKey returns what is known of the server's key, with the key itself once it was
// learned: keeping it saves a round trip at the next start.
func (m *ClientMachine) ServerKey() ServerKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := ServerKey{Fingerprint: m.key.Fingerprint, Full: slices.Clone(m.key.Full)}
	if m.pub != nil {
		k.Full = m.pub.Bytes()
	}
	return k
}
