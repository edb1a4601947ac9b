package session

// stream is one end of a session: what it has sent and may have to send again, what it has
// received, and the sealed link it currently runs on (S-30 to S-35). It is the same at both
// ends but for server. It is not safe for concurrent use.
type stream struct {
	server bool

	queue []payload // sent or to be sent, not acknowledged: payloads base+1, base+2, …
	bytes int       // in queue
	base  uint64    // the peer has received everything up to this
	sent  int       // how many of queue went out on the current link
	top   uint64    // the last payload that ever went out: what the peer may acknowledge

	in        uint64 // the last payload received
	owedCount int    // received since the last frame went out
	owedBytes int

	seal *sealer // nil: detached
	open *opener

	goDue uint64 // client: number of the attach to announce in the next frame
	ack   bool   // what is to be sent on the current link
	ping  bool
	pong  bool
	bye   bool
}

// payload is head and body behind each other: many sessions may share a body.
type payload struct{ head, body []byte }

func (p payload) size() int { return len(p.head) + len(p.body) }

// limits of a stream's queue; what happens above them is the caller's business.
func (s *stream) full(n, bytesMax, countMax int) bool {
	return len(s.queue) >= countMax || s.bytes+n > bytesMax
}

// push queues a payload. The stream keeps it until it is acknowledged.
func (s *stream) push(p payload) {
	s.queue = append(s.queue, p)
	s.bytes += p.size()
}

// attach starts a new link. cursor is what the peer says it has received: everything after
// it goes out again (S-34).
func (s *stream) attach(out, in [32]byte, cursor uint64) error {
	if cursor > s.top {
		return ErrProtocol
	}
	s.acknowledged(cursor)
	s.seal, s.open = newSealer(out), newOpener(in)
	s.sent = 0
	s.goDue, s.ack, s.ping, s.pong = 0, false, false, false
	return nil
}

func (s *stream) detach() { s.seal, s.open = nil, nil }

// acknowledged forgets everything up to cursor. An old cursor changes nothing.
func (s *stream) acknowledged(cursor uint64) {
	if cursor <= s.base {
		return
	}
	n := int(cursor - s.base)
	for i, p := range s.queue[:n] {
		s.bytes -= p.size()
		s.queue[i] = payload{}
	}
	s.queue = s.queue[n:]
	s.base = cursor
	s.sent = max(0, s.sent-n)
	if len(s.queue) == 0 {
		s.queue = nil // an idle session holds no buffer
	}
}

// took is what one received message meant.
type took struct {
	payload []byte // delivered exactly once, in order
	acked   bool   // room in the queue
	bye     bool
}

// take opens a message of the current link. Every error is fatal for the carrier.
func (s *stream) take(msg []byte) (took, error) {
	if s.open.n >= framesPerAttachMax {
		return took{}, ErrProtocol
	}
	plain, err := s.open.open(msg, nil)
	if err != nil {
		return took{}, err
	}
	f, err := parseFrame(plain)
	if err != nil {
		return took{}, err
	}
	if f.ack > s.top { // never sent
		return took{}, ErrProtocol
	}
	t := took{acked: f.ack > s.base}
	s.acknowledged(f.ack)
	switch {
	case f.kind == frameData && f.id <= s.in: // sent again, but it had arrived (S-32)
	case f.kind == frameData && f.id == s.in+1:
		s.in++
		s.owedCount++
		s.owedBytes += len(f.body)
		t.payload = f.body
	case f.kind == frameAck, f.kind == framePong:
	case f.kind == framePing:
		s.pong = true
	case f.kind == frameBye && s.server:
		t.bye = true
	default: // a gap, or a frame that only the other end may send
		return took{}, ErrProtocol
	}
	return t, nil
}

// pending tells whether next has something to send.
func (s *stream) pending() bool {
	return s.seal != nil && (s.goDue > 0 || s.ack || s.pong || s.ping || s.bye || s.sent < len(s.queue) ||
		s.owedCount >= ackAfterCount || s.owedBytes >= ackAfterBytes)
}

// next returns the next sealed message for the carrier, or nil; in buf if it is large enough. GO
// comes first, then the answer to a ping, so that a long queue does not make this end look dead.
func (s *stream) next(buf []byte) ([]byte, error) {
	if !s.pending() {
		return nil, nil
	}
	if s.seal.n >= framesPerAttachMax {
		return nil, ErrProtocol
	}
	f := frame{kind: frameAck, ack: s.in}
	switch {
	case s.goDue > 0:
		f.kind, f.id, s.goDue = frameGo, s.goDue, 0
	case s.pong:
		f.kind, s.pong = framePong, false
	case s.bye && s.sent >= len(s.queue):
		f.kind, s.bye = frameBye, false
	case s.sent < len(s.queue):
		f.kind, f.id, f.head, f.body = frameData, s.base+uint64(s.sent)+1, s.queue[s.sent].head, s.queue[s.sent].body
		s.sent++
		s.top = max(s.top, f.id)
	case s.ping:
		f.kind, s.ping = framePing, false
	}
	s.owedCount, s.owedBytes, s.ack = 0, 0, false
	size := bucket(frameHeadBytes+len(f.head)+len(f.body)+tagBytes) + widePadMax
	if cap(buf) < size {
		buf = make([]byte, 0, size)
	}
	b := appendFrame(buf[:0], f, s.seal.n)
	return s.seal.seal(b[:0], b, nil), nil
}
