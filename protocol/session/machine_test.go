package session

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// testKey is one key for all tests: making one takes longer than most tests.
var testKey = sync.OnceValue(func() *PrivateKey {
	k, err := GenerateKey()
	if err != nil {
		panic(err)
	}
	return k
})

// lab is a client and a server machine, and the messages between them, in one goroutine.
type lab struct {
	t      *testing.T
	client *ClientMachine
	server *ServerMachine
}

func newLab(t *testing.T) *lab {
	t.Helper()
	k := testKey()
	c, err := NewClientMachine(ServerKey{Fingerprint: k.Fingerprint(), Full: k.PublicKey()})
	if err != nil {
		t.Fatal(err)
	}
	return &lab{t: t, client: c, server: NewServerMachine(k, 100)}
}

// wire is one carrier: a link at both ends.
type wire struct {
	l       *lab
	c       *ClientLink
	s       *ServerLink
	hello   []byte
	welcome []byte
}

// open starts a handshake and brings HELLO to the server and its answer to the wire.
func (l *lab) open() *wire {
	l.t.Helper()
	cl, hello, err := l.client.Open()
	if err != nil {
		l.t.Fatal(err)
	}
	w := &wire{l: l, c: cl, s: l.server.Open(), hello: hello}
	ev, err := w.s.Take(bytes.Clone(hello))
	if err != nil {
		l.t.Fatalf("hello: %v", err)
	}
	w.welcome = ev.Out
	return w
}

// welcomed gives WELCOME to the client.
func (w *wire) welcomed() (ClientEvent, error) { return w.c.Take(bytes.Clone(w.welcome)) }

// attach finishes a handshake on a new wire.
func (l *lab) attach() (*wire, ClientEvent, ServerEvent) {
	l.t.Helper()
	w := l.open()
	cev, err := w.welcomed()
	if err != nil || !cev.Attached {
		l.t.Fatalf("welcome: attached %v, error %v", cev.Attached, err)
	}
	sev, err := w.s.Take(w.clientNext())
	if err != nil || !sev.Attached {
		l.t.Fatalf("go: attached %v, error %v", sev.Attached, err)
	}
	return w, cev, sev
}

func (w *wire) clientNext() []byte {
	w.l.t.Helper()
	b, err := w.c.Next()
	if err != nil {
		w.l.t.Fatalf("client next: %v", err)
	}
	return b
}

func (w *wire) serverNext() []byte {
	w.l.t.Helper()
	b, err := w.s.Next()
	if err != nil {
		w.l.t.Fatalf("server next: %v", err)
	}
	return b
}

// settle moves everything that wants to go both ways and returns what was delivered.
func (w *wire) settle() (atServer, atClient []string) {
	w.l.t.Helper()
	for {
		up, down := w.clientNext(), w.serverNext()
		if up == nil && down == nil {
			return atServer, atClient
		}
		if up != nil {
			ev, err := w.s.Take(up)
			if err != nil {
				w.l.t.Fatalf("server: %v", err)
			}
			if ev.Payload != nil {
				atServer = append(atServer, string(ev.Payload))
			}
		}
		if down != nil {
			ev, err := w.c.Take(down)
			if err != nil {
				w.l.t.Fatalf("client: %v", err)
			}
			if ev.Payload != nil {
				atClient = append(atClient, string(ev.Payload))
			}
		}
	}
}

func check(t *testing.T, what string, got, want []string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func queue(t *testing.T, q func([]byte) error, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := q([]byte(p)); err != nil {
			t.Fatalf("queue: %v", err)
		}
	}
}

// TestLoserCannotSteal (S-15): of two handshakes at once the first to be welcomed wins; the
// other is refused by the client itself, sends no GO, and the session works on.
func TestLoserCannotSteal(t *testing.T) {
	for _, kind := range []string{"fresh", "resume"} {
		t.Run(kind, func(t *testing.T) {
			l := newLab(t)
			if kind == "resume" {
				w, _, _ := l.attach()
				w.c.Close()
				w.s.Close()
			}
			slow, fast := l.open(), l.open()
			cev, err := fast.welcomed()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fast.s.Take(fast.clientNext()); err != nil {
				t.Fatal(err)
			}
			if ev, err := slow.welcomed(); !errors.Is(err, ErrLost) || ev.Attached {
				t.Errorf("the slow one: attached %v, error %v; want false, ErrLost", ev.Attached, err)
			}
			if b, err := slow.c.Next(); b != nil || err == nil {
				t.Errorf("the slow one sends %d bytes, error %v; want none and an error", len(b), err)
			}
			if got := len(l.server.sessions); got != 1 {
				t.Errorf("the server has %d sessions, want 1", got)
			}
			queue(t, cev.Session.Queue, "a")
			up, _ := fast.settle()
			check(t, "at the server", up, []string{"a"})
		})
	}
}

// TestLateGo (S-16): a GO that was held back on an abandoned carrier arrives after the client
// has moved on. It must not take the session from the newer carrier.
func TestLateGo(t *testing.T) {
	l := newLab(t)
	first, _, sev := l.attach()
	first.c.Close()
	old := l.open()
	if _, err := old.welcomed(); err != nil {
		t.Fatal(err)
	}
	late := old.clientNext()
	old.c.Close()
	cur, cev, _ := l.attach()
	if ev, err := old.s.Take(late); err == nil || ev.Attached {
		t.Errorf("the late GO: attached %v, error %v; want false and an error", ev.Attached, err)
	}
	queue(t, cev.Session.Queue, "up")
	queue(t, sev.Session.Queue, "down")
	up, down := cur.settle()
	check(t, "at the server", up, []string{"up"})
	check(t, "at the client", down, []string{"down"})
}

// TestOrphanRescues: a handshake that lost may still take over a session whose winner died,
// because nothing else carries it.
func TestOrphanRescues(t *testing.T) {
	l := newLab(t)
	w, _, _ := l.attach()
	w.c.Close()
	one, two := l.open(), l.open()
	if _, err := one.welcomed(); err != nil {
		t.Fatal(err)
	}
	one.c.Close()
	ev, err := two.welcomed()
	if err != nil || !ev.Attached || ev.Fresh {
		t.Fatalf("the second: attached %v, fresh %v, error %v; want true, false, nil", ev.Attached, ev.Fresh, err)
	}
	if sev, err := two.s.Take(two.clientNext()); err != nil || sev.Fresh {
		t.Errorf("its GO: fresh %v, error %v; want false, nil", sev.Fresh, err)
	}
}

// TestFreshDoesNotBeatLive (S-15): a second handshake that the server answered before the GO
// of the first reached it says fresh. The client stays with its live session.
func TestFreshDoesNotBeatLive(t *testing.T) {
	l := newLab(t)
	one := l.open()
	first, err := one.welcomed()
	if err != nil {
		t.Fatal(err)
	}
	two := l.open()
	if _, err := one.s.Take(one.clientNext()); err != nil {
		t.Fatal(err)
	}
	if ev, err := two.welcomed(); !errors.Is(err, ErrLost) {
		t.Errorf("the second: attached %v, error %v; want ErrLost", ev.Attached, err)
	}
	queue(t, first.Session.Queue, "a")
	up, _ := one.settle()
	check(t, "at the server", up, []string{"a"})
}

// TestReplayedHello (S-18): a recorded handshake, played again, attaches nothing and leaves
// nothing behind; the live session does not notice.
func TestReplayedHello(t *testing.T) {
	l := newLab(t)
	w := l.open()
	if _, err := w.welcomed(); err != nil {
		t.Fatal(err)
	}
	goMsg := w.clientNext()
	sev, err := w.s.Take(bytes.Clone(goMsg))
	if err != nil {
		t.Fatal(err)
	}
	again := l.server.Open()
	ev, err := again.Take(bytes.Clone(w.hello))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(ev.Out, w.welcome) {
		t.Error("the same WELCOME twice")
	}
	if ev, err := again.Take(bytes.Clone(goMsg)); !errors.Is(err, ErrProtocol) || ev.Attached {
		t.Errorf("the replayed GO: attached %v, error %v; want false, ErrProtocol", ev.Attached, err)
	}
	if got := len(l.server.sessions); got != 1 {
		t.Errorf("the server has %d sessions, want 1", got)
	}
	if sev.Session.link != w.s {
		t.Error("the session has moved")
	}
}

// TestChangedBytes (S-13, S-14): whatever byte of the handshake is changed on the way, one of
// the two ends notices and nothing attaches.
func TestChangedBytes(t *testing.T) {
	l := newLab(t)
	for i := 0; i < headBytes+encBytes+helloPlainBytes; i += 97 {
		cl, hello, err := l.client.Open()
		if err != nil {
			t.Fatal(err)
		}
		hello[i] ^= 0x40
		ev, err := l.server.Open().Take(hello)
		if err == nil {
			if cev, err := cl.Take(ev.Out); err == nil {
				t.Errorf("byte %d of HELLO changed: attached %v", i, cev.Attached)
			}
		}
	}
	for i := 0; i < headBytes+encBytes+welcomePlainBytes; i += 31 {
		w := l.open()
		w.welcome[i] ^= 1
		if ev, err := w.welcomed(); err == nil {
			t.Errorf("byte %d of WELCOME changed: attached %v", i, ev.Attached)
		}
	}
	if got := len(l.server.sessions); got != 0 {
		t.Errorf("the server has %d sessions, want 0", got)
	}
}

// TestForeignWelcome (S-14): the answer to another HELLO does not fit, not even from the true
// server to the same client.
func TestForeignWelcome(t *testing.T) {
	l := newLab(t)
	a, b := l.open(), l.open()
	a.welcome = b.welcome
	if ev, err := a.welcomed(); err == nil {
		t.Errorf("attached %v by the answer to another HELLO", ev.Attached)
	}
}

// TestWrongServer (S-11, S-19): a server with another key cannot answer, and says so.
func TestWrongServer(t *testing.T) {
	l := newLab(t)
	k, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	impostor := NewServerMachine(k, 1)
	cl, hello, err := l.client.Open()
	if err != nil {
		t.Fatal(err)
	}
	ev, err := impostor.Open().Take(hello)
	if !errors.Is(err, ErrServerKey) {
		t.Errorf("the other server: %v, want ErrServerKey", err)
	}
	if _, err := cl.Take(ev.Out); !errors.Is(err, ErrServerKey) {
		t.Errorf("the client: %v, want ErrServerKey", err)
	}
	if _, err := NewClientMachine(ServerKey{Fingerprint: k.Fingerprint(), Full: testKey().PublicKey()}); !errors.Is(err, ErrServerKey) {
		t.Errorf("a key that does not fit its fingerprint: %v, want ErrServerKey", err)
	}
}

// TestAskForKey (S-11): with only a fingerprint pinned the client asks, checks, and
// remembers; a server may be asked once a carrier.
func TestAskForKey(t *testing.T) {
	k := testKey()
	m, err := NewClientMachine(ServerKey{Fingerprint: k.Fingerprint()})
	if err != nil {
		t.Fatal(err)
	}
	srv := NewServerMachine(k, 1).Open()
	cl, ask, err := m.Open()
	if err != nil || len(ask) != headBytes {
		t.Fatalf("ask of %d bytes, error %v; want %d", len(ask), err, headBytes)
	}
	ev, err := srv.Take(ask)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Take([]byte{msgAsk, version}); !errors.Is(err, ErrProtocol) {
		t.Errorf("asked twice: %v, want ErrProtocol", err)
	}
	changed := bytes.Clone(ev.Out)
	changed[700] ^= 1
	other, _, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Take(changed); !errors.Is(err, ErrServerKey) {
		t.Errorf("a changed key: %v, want ErrServerKey", err)
	}
	cev, err := cl.Take(ev.Out)
	if err != nil || len(cev.Out) < encBytes {
		t.Errorf("hello of %d bytes, error %v", len(cev.Out), err)
	}
	if got := m.ServerKey().Full; !bytes.Equal(got, k.PublicKey()) {
		t.Error("the key is not remembered")
	}
}

// TestVersions (S-10): another version is refused by name at both messages of the client.
func TestVersions(t *testing.T) {
	l := newLab(t)
	cl, hello, err := l.client.Open()
	if err != nil {
		t.Fatal(err)
	}
	hello[1] = version + 1
	for _, msg := range [][]byte{hello, {msgAsk, version + 1}} {
		ev, err := l.server.Open().Take(msg)
		if !errors.Is(err, ErrVersion) {
			t.Errorf("the server: %v, want ErrVersion", err)
		}
		if _, err := cl.Take(ev.Out); !errors.Is(err, ErrVersion) {
			t.Errorf("the client: %v, want ErrVersion", err)
		}
	}
}

// TestResume (S-17, S-34): payloads that were lost with a carrier go out again after the
// resume, those that arrived do not arrive twice, and the binding stays.
func TestResume(t *testing.T) {
	l := newLab(t)
	w, cev, sev := l.attach()
	binding := cev.Session.Binding()
	if sev.Session.Binding() != binding {
		t.Error("the ends have different bindings")
	}
	queue(t, cev.Session.Queue, "1", "2", "3")
	queue(t, sev.Session.Queue, "A", "B", "C")
	// 1 and A arrive, but no acknowledgement; 2 and B are lost on the way; 3 and C never left.
	ev, err := w.s.Take(w.clientNext())
	if err != nil || string(ev.Payload) != "1" {
		t.Fatalf("payload %q, error %v; want 1", ev.Payload, err)
	}
	down := w.serverNext()
	if got, err := w.c.Take(down); err != nil || string(got.Payload) != "A" {
		t.Fatalf("payload %q, error %v; want A", got.Payload, err)
	}
	w.clientNext()
	w.serverNext()
	w.c.Close()

	w2, cev2, sev2 := l.attach()
	if n := len(cev.Session.stream.queue); n != 2 {
		t.Errorf("the client keeps %d payloads after a cursor of 1 of 3, want 2", n)
	}
	if n := len(sev.Session.stream.queue); n != 2 {
		t.Errorf("the server keeps %d payloads after a cursor of 1 of 3, want 2", n)
	}
	if cev2.Fresh || sev2.Fresh || cev2.Session != cev.Session || sev2.Session != sev.Session {
		t.Fatal("not resumed")
	}
	if cev2.Session.Binding() != binding || sev2.Session.Binding() != binding {
		t.Error("the binding has changed")
	}
	if _, err := w.s.Next(); !errors.Is(err, errStale) {
		t.Errorf("the old link: %v, want errStale", err)
	}
	up, dn := w2.settle()
	check(t, "at the server", up, []string{"2", "3"})
	check(t, "at the client", dn, []string{"B", "C"})
}

// TestSentAgain (S-32): the old carrier still delivers between WELCOME and GO, so the cursor
// is behind and payloads go out twice. The second copies are dropped and harm nothing.
func TestSentAgain(t *testing.T) {
	l := newLab(t)
	w, cev, _ := l.attach()
	queue(t, cev.Session.Queue, "1", "2")
	late := [][]byte{w.clientNext(), w.clientNext()}
	w.c.Close()
	w2 := l.open()
	for _, msg := range late {
		if ev, err := w.s.Take(msg); err != nil || ev.Payload == nil {
			t.Fatalf("payload %q, error %v", ev.Payload, err)
		}
	}
	if _, err := w2.welcomed(); err != nil {
		t.Fatal(err)
	}
	if _, err := w2.s.Take(w2.clientNext()); err != nil {
		t.Fatal(err)
	}
	queue(t, cev.Session.Queue, "3")
	up, _ := w2.settle()
	check(t, "at the server", up, []string{"3"})
}

// Unacked tells the tests outside of the package how many payloads a server still keeps.
func (s *Session) Unacked() int {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	return len(s.s.stream.queue)
}

// TestForgotten: a server that does not know the session, or is shown a wrong proof, says
// fresh; the new session has another binding, and the old one ends (S-13, S-35).
func TestForgotten(t *testing.T) {
	l := newLab(t)
	w, old, sev := l.attach()
	queue(t, sev.Session.Queue, "hello")
	w.settle() // now the client knows that the server knows the session
	queue(t, old.Session.Queue, "lost")
	l.client.cur.secret[0] ^= 1
	w2, forged, sev2 := l.attach()
	if !forged.Fresh || !sev2.Fresh || sev2.Session == sev.Session {
		t.Fatal("a wrong proof resumed the session")
	}
	if err := old.Session.Queue([]byte("x")); !errors.Is(err, ErrEnded) {
		t.Errorf("queue on the old session: %v, want ErrEnded", err)
	}
	if sev.Session.ended {
		t.Error("a wrong proof ended somebody's session")
	}
	l.server.End(sev2.Session)
	w2.c.Close()
	w, next, _ := l.attach()
	if !next.Fresh || next.Session.Binding() == forged.Session.Binding() {
		t.Error("not a fresh session with a binding of its own")
	}
	up, _ := w.settle()
	check(t, "at the server", up, nil)
}

// TestBye: the client's goodbye comes after what it has queued and ends the session.
func TestBye(t *testing.T) {
	l := newLab(t)
	w, cev, _ := l.attach()
	queue(t, cev.Session.Queue, "last")
	l.client.Drop(true)
	if ev, err := w.s.Take(w.clientNext()); err != nil || string(ev.Payload) != "last" || ev.Ended {
		t.Errorf("payload %q, ended %v, error %v; want last, false", ev.Payload, ev.Ended, err)
	}
	if ev, err := w.s.Take(w.clientNext()); err != nil || !ev.Ended {
		t.Errorf("ended %v, error %v; want true", ev.Ended, err)
	}
	if _, ev, _ := l.attach(); !ev.Fresh {
		t.Error("a dropped session was resumed")
	}
}

var (
	seeds     = flag.Int("seeds", 15, "how many seeds the exactly-once tests draw")
	firstSeed = flag.Uint64("seed", 0, "the first of them")
)

// Seeds gives the flags to the tests outside of the package.
func Seeds() (n int, first uint64) { return *seeds, *firstSeed }

// TestExactlyOnce (S-30): both ends send numbered payloads while carriers die at every point
// of handshake and traffic, and several shake hands at once. Each payload must arrive once
// and in order. Everything is drawn from the seed in the subtest's name.
func TestExactlyOnce(t *testing.T) {
	for i := range uint64(*seeds) {
		seed := *firstSeed + i
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) { exactlyOnce(t, seed) })
	}
}

func exactlyOnce(t *testing.T, seed uint64) {
	l := newLab(t)
	r := rand.New(rand.NewPCG(seed, 1))
	type pipe struct {
		*wire
		up, down       [][]byte // on the way
		greeted, ready bool
	}
	var pipes []*pipe
	var cs *ClientSession
	var ss *ServerSession
	var sentUp, sentDown, gotUp, gotDown int
	const each = 60
	dial := func() {
		w := l.open()
		pipes = append(pipes, &pipe{wire: w, down: [][]byte{w.welcome}})
	}
	drop := func(i int) {
		pipes[i].c.Close()
		if r.IntN(2) == 0 { // the server may notice late
			pipes[i].s.Close()
		}
		pipes = append(pipes[:i], pipes[i+1:]...)
	}
	want := func(got []byte, n *int, dir string) {
		*n++
		if w := fmt.Sprintf("%s %d", dir, *n); string(got) != w {
			t.Fatalf("seed %d: got %q, want %q", seed, got, w)
		}
	}
	step := func(i int) {
		p := pipes[i]
		switch r.IntN(4) {
		case 0: // the client writes
			if b, err := p.c.Next(); p.greeted && err == nil && b != nil {
				p.up = append(p.up, b)
			}
		case 1: // the server writes
			if !p.ready {
				return
			}
			if b, err := p.s.Next(); err == nil && b != nil {
				p.down = append(p.down, b)
			}
		case 2: // the server reads
			if len(p.up) == 0 {
				return
			}
			ev, err := p.s.Take(p.up[0])
			p.up = p.up[1:]
			if err != nil {
				drop(i)
				return
			}
			if ev.Attached {
				p.ready, ss = true, ev.Session
			}
			if ev.Payload != nil {
				want(ev.Payload, &gotUp, "up")
			}
		case 3: // the client reads
			if len(p.down) == 0 {
				return
			}
			ev, err := p.c.Take(p.down[0])
			p.down = p.down[1:]
			if err != nil {
				drop(i)
				return
			}
			if ev.Attached {
				if ev.Fresh && sentUp+sentDown > 0 {
					t.Fatalf("seed %d: the session was lost", seed)
				}
				p.greeted, cs = true, ev.Session
			}
			if ev.Payload != nil {
				want(ev.Payload, &gotDown, "down")
			}
		}
	}
	for n := 0; gotUp < each || gotDown < each; n++ {
		if n > 200000 {
			t.Fatalf("seed %d: stuck at %d up, %d down", seed, gotUp, gotDown)
		}
		heal := n > 20000
		// Several at once only when both ends hold the same session: before, it may be replaced.
		both := ss != nil && cs != nil && cs.id == ss.id
		if len(pipes) == 0 || (both && !heal && len(pipes) < 3 && r.IntN(60) == 0) {
			dial()
		}
		if !heal && r.IntN(25) == 0 {
			drop(r.IntN(len(pipes)))
			continue
		}
		if both {
			if sentUp < each && r.IntN(8) == 0 {
				sentUp++
				queue(t, cs.Queue, fmt.Sprintf("up %d", sentUp))
			}
			if sentDown < each && r.IntN(8) == 0 {
				sentDown++
				queue(t, ss.Queue, fmt.Sprintf("down %d", sentDown))
			}
		}
		step(r.IntN(len(pipes)))
	}
}
