package server_test

import (
	"bytes"
	"context"
	"runtime"
	"testing"
	"time"

	"paperplane/protocol/plane"
	"paperplane/protocol/session"
	"paperplane/protocol/wire"
	"paperplane/server"
	"paperplane/transport"
	"paperplane/transport/mem"
)

// line is one client over a real session.
type line struct {
	t    *testing.T
	conn *session.Conn
	rid  uint32
}

func (l *line) send(r wire.Request) {
	l.t.Helper()
	l.rid++
	frame, err := wire.Encode(l.rid, r)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.conn.Send(l.t.Context(), frame); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) next() (wire.Answer, wire.Event) {
	l.t.Helper()
	frame, err := l.conn.Receive(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	_, a, e, err := wire.ParseAnswerOrEvent(frame)
	if err != nil {
		l.t.Fatal(err)
	}
	return a, e
}

func (l *line) ask(r wire.Request) wire.Answer {
	l.t.Helper()
	l.send(r)
	a, _ := l.next()
	return a
}

// served is a server with sessions.
type served struct {
	*world
	key      *session.PrivateKey
	sessions *session.Server
}

func serve(t *testing.T, change func(*world)) *served {
	t.Helper()
	key, err := session.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &served{world: newWorld(t, change), key: key, sessions: session.NewServer(key, session.Options{})}
	t.Cleanup(s.sessions.Close)
	return s
}

func (s *served) dial() *line {
	s.t.Helper()
	a, b := mem.Pair()
	return s.over(a, b)
}

func (s *served) over(a, b transport.MessageConn) *line {
	s.t.Helper()
	c, err := session.NewClient(session.Config{ServerKey: session.ServerKey{Fingerprint: s.key.Fingerprint()}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	go func() { _ = s.sessions.Serve(context.Background(), b, s.ServeSession) }()
	conn, _, err := c.Attach(s.t.Context(), a)
	if err != nil {
		s.t.Fatal(err)
	}
	return &line{t: s.t, conn: conn}
}

// TestCatchUpOverSession: a client that subscribes far behind, with more waiting than a session
// may queue, and that reads slowly, gets everything in order and keeps its session.
func TestCatchUpOverSession(t *testing.T) {
	s := serve(t, nil)
	owner := s.connect()
	owner.join()
	l := owner.create(false)
	h := owner.open(l, wire.RoleWrite)
	big := make([]byte, plane.RecordLarge)
	const n = 2 * session.ServerQueueBytes / plane.RecordLarge
	for i := range n {
		copy(big, body(i))
		if _, err := s.store.Append(t.Context(), l.id, plane.DayOf(s.now), big, false); err != nil {
			t.Fatal(err)
		}
	}
	c := s.dial()
	binding := c.conn.Binding()
	r := (&client{w: s.world, binding: binding}).openRequest(l, wire.RoleRead)
	opened, ok := c.ask(r).(wire.Opened)
	if !ok || opened.Head != n {
		t.Fatalf("open: got %v with head %d, want head %d", ok, opened.Head, n)
	}
	c.send(wire.Subscribe{Handle: opened.Handle, From: 1})
	if a, _ := c.next(); code(a) != plane.OK {
		t.Fatalf("subscribe: got code %d, want OK", code(a))
	}
	time.Sleep(50 * time.Millisecond) // the server runs ahead as far as it may
	owner.append(h, n)                // one more while it is behind
	for want := plane.Seq(1); want <= n+1; want++ {
		_, e := c.next()
		rec, ok := e.(wire.RecordEvent)
		if !ok || rec.Seq != want {
			t.Fatalf("event: got %s, want record %d", seqs([]wire.Event{e}), want)
		}
		if !bytes.HasPrefix(rec.Body, bytes.TrimRight(body(int(want) - 1)[:20], "\x00")) {
			t.Fatalf("record %d holds something else", want)
		}
	}
}

// TestPipelined: many appends sent at once over a session are all answered, in order.
func TestPipelined(t *testing.T) {
	s := serve(t, nil)
	owner := s.connect()
	owner.join()
	l := owner.create(false)
	c := s.dial()
	w := (&client{w: s.world, binding: c.conn.Binding()}).openRequest(l, wire.RoleWrite)
	h := c.ask(w).(wire.Opened).Handle
	for i := range plane.RequestsMax {
		c.send(wire.Append{Handle: h, Body: body(i)})
	}
	for i := range plane.RequestsMax {
		a, _ := c.next()
		if got, ok := a.(wire.Appended); !ok || got.Seq != plane.Seq(i+1) {
			t.Fatalf("answer %d: got %v, want record %d", i, a, i+1)
		}
	}
}

// TestRubbishEndsSession: a frame that cannot be answered ends its session and no other.
func TestRubbishEndsSession(t *testing.T) {
	s := serve(t, nil)
	good, bad := s.dial(), s.dial()
	if err := bad.conn.Send(t.Context(), []byte("rubbish")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-bad.conn.Detached():
	case <-time.After(5 * time.Second):
		t.Error("after rubbish: the session goes on, want its end")
	}
	if got := code(good.ask(wire.Ping{})); got != plane.OK {
		t.Errorf("another session: got code %d, want OK", got)
	}
}

// TestIdlePeerMemory: what the service itself keeps for a session with ten open logs, five of
// them subscribed, stays small. (Carrier and session are measured in bench.)
func TestIdlePeerMemory(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.LogsPerMemberDay = 1000 })
	c := w.connect()
	c.join()
	var all []*log
	for range 5 {
		all = append(all, c.create(false))
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const n = 400
	peers := make([]*server.Peer, 0, n)
	before := heap()
	for range n {
		x := w.connect()
		for _, l := range all {
			x.want(wire.Subscribe{Handle: x.open(l, wire.RoleRead), From: 1}, plane.OK)
			x.open(l, wire.RoleWrite)
		}
		peers = append(peers, x.peer)
	}
	each := (heap() - before) / n
	runtime.KeepAlive(peers)
	t.Logf("%d bytes for each peer", each)
	if each > 6<<10 {
		t.Errorf("got %d bytes for each peer, want at most %d", each, 6<<10)
	}
}
