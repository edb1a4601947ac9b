//go:build !js

package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"paperplane/protocol/session"
	"paperplane/transport"
	"paperplane/transport/transporttest"
)

// world is a server behind one kind of carrier.
type world struct {
	key *session.PrivateKey
	srv *session.Server
	way transporttest.Way
}

var testKey = sync.OnceValue(func() *session.PrivateKey {
	k, err := session.GenerateKey()
	if err != nil {
		panic(err)
	}
	return k
})

// newWorld starts a server whose handler is h.
func newWorld(t *testing.T, way transporttest.Way, opts session.Options, h func(*session.Session)) *world {
	t.Helper()
	w := &world{key: testKey(), srv: session.NewServer(testKey(), opts), way: way}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := way.Listener.Accept(context.Background())
			if err != nil {
				return
			}
			srv := w.srv
			wg.Go(func() { _ = srv.Serve(context.Background(), c, h) })
		}
	})
	t.Cleanup(func() {
		_ = way.Listener.Close()
		w.srv.Close()
		wg.Wait()
	})
	return w
}

func (w *world) dial(t *testing.T) transport.MessageConn {
	t.Helper()
	c, err := w.way.Dialer.Dial(t.Context(), w.way.Address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) client(t *testing.T) *session.Client {
	t.Helper()
	c, err := session.NewClient(session.Config{ServerKey: session.ServerKey{Fingerprint: w.key.Fingerprint()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// attach gives the client a carrier and wants it to be taken.
func (w *world) attach(t *testing.T, c *session.Client, fresh bool) *session.Conn {
	t.Helper()
	conn, got, err := c.Attach(t.Context(), w.dial(t))
	if err != nil || got != fresh {
		t.Fatalf("attach: fresh %v, error %v; want %v, nil", got, err, fresh)
	}
	return conn
}

// echo sends back what it receives.
func echo(s *session.Session) {
	for {
		p, err := s.Receive(context.Background())
		if err != nil || s.Send(p) != nil {
			return
		}
	}
}

// exchange sends payloads numbered from up to to and wants them back in order.
func exchange(t *testing.T, conn *session.Conn, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := conn.Send(t.Context(), fmt.Appendf(nil, "payload %d", i)); err != nil {
			t.Fatalf("send: %v", err)
		}
	}
	for i := from; i < to; i++ {
		got, err := conn.Receive(t.Context())
		if want := fmt.Sprintf("payload %d", i); err != nil || string(got) != want {
			t.Fatalf("received %q, error %v; want %q", got, err, want)
		}
	}
}

// TestEcho shows over every carrier that payloads go both ways in order, the largest too;
// that the binding is the same at both ends; and that all this goes on after a resume (S-17).
func TestEcho(t *testing.T) {
	transporttest.Each(t, func(t *testing.T, way transporttest.Way) {
		bindings := make(chan [32]byte, 4)
		w := newWorld(t, way, session.Options{}, func(s *session.Session) {
			bindings <- s.Binding()
			echo(s)
		})
		c := w.client(t)
		carrier := w.dial(t)
		conn, fresh, err := c.Attach(t.Context(), carrier)
		if err != nil || !fresh {
			t.Fatalf("attach: fresh %v, error %v; want true, nil", fresh, err)
		}
		binding := conn.Binding()
		if got := <-bindings; got != [32]byte(binding) {
			t.Errorf("binding at the server %x, at the client %x", got, [32]byte(binding))
		}
		exchange(t, conn, 0, 100)
		big := make([]byte, session.PayloadBytesMax)
		if err := conn.Send(t.Context(), big); err != nil {
			t.Fatal(err)
		}
		if got, err := conn.Receive(t.Context()); err != nil || len(got) != len(big) {
			t.Fatalf("received %d bytes, error %v; want %d", len(got), err, len(big))
		}
		_ = carrier.Close()
		<-conn.Detached()
		if again := w.attach(t, c, false); again != conn || conn.Binding() != binding {
			t.Error("the resume made another session")
		}
		exchange(t, conn, 100, 200)
		w.attach(t, c, false) // while the old carrier is alive
		exchange(t, conn, 200, 300)
		if got := w.srv.Len(); got != 1 {
			t.Errorf("the server has %d sessions, want 1", got)
		}
	})
}

// TestGoodbye: Close tells the server, which ends the session at once (over every carrier).
func TestGoodbye(t *testing.T) {
	transporttest.Each(t, func(t *testing.T, way transporttest.Way) {
		ended := make(chan error, 1)
		w := newWorld(t, way, session.Options{}, func(s *session.Session) {
			echo(s)
			ended <- s.Err()
		})
		c := w.client(t)
		conn := w.attach(t, c, true)
		exchange(t, conn, 0, 1)
		c.Close()
		if err := <-ended; !errors.Is(err, session.ErrEnded) {
			t.Errorf("the server's end: %v, want ErrEnded", err)
		}
		if err := conn.Send(t.Context(), []byte("x")); !errors.Is(err, session.ErrEnded) {
			t.Errorf("send after close: %v, want ErrEnded", err)
		}
		if _, _, err := c.Attach(t.Context(), w.dial(t)); !errors.Is(err, session.ErrClosed) {
			t.Errorf("attach after close: %v, want ErrClosed", err)
		}
	})
}

// TestRestart shows that a client of a server that has forgotten it gets a fresh session, and
// that the old one ends with ErrEnded.
func TestRestart(t *testing.T) {
	w := newWorld(t, transporttest.Mem(t), session.Options{}, echo)
	c := w.client(t)
	conn := w.attach(t, c, true)
	exchange(t, conn, 0, 1)
	w.srv.Close()
	<-conn.Detached()
	w.srv = session.NewServer(w.key, session.Options{})
	next := w.attach(t, c, true)
	if next == conn || next.Binding() == conn.Binding() {
		t.Error("the fresh session is the old one, or has its binding")
	}
	if err := conn.Send(t.Context(), []byte("x")); !errors.Is(err, session.ErrEnded) {
		t.Errorf("send on the old session: %v, want ErrEnded", err)
	}
	if _, err := conn.Receive(t.Context()); !errors.Is(err, session.ErrEnded) {
		t.Errorf("receive on the old session: %v, want ErrEnded", err)
	}
	exchange(t, next, 0, 10)
}

// TestWrongKey shows over every carrier that a server with another key is refused with
// ErrServerKey, whether the client pins the fingerprint or the whole key (S-11, S-19).
func TestWrongKey(t *testing.T) {
	other, err := session.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	transporttest.Each(t, func(t *testing.T, way transporttest.Way) {
		w := newWorld(t, way, session.Options{}, echo)
		for name, pin := range map[string]session.ServerKey{
			"fingerprint": {Fingerprint: other.Fingerprint()},
			"full":        {Fingerprint: other.Fingerprint(), Full: other.PublicKey()},
		} {
			c, err := session.NewClient(session.Config{ServerKey: pin})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err = c.Attach(t.Context(), w.dial(t)); !errors.Is(err, session.ErrServerKey) {
				t.Errorf("%s: %v, want ErrServerKey", name, err)
			}
			c.Close()
		}
	})
}

// TestRace (S-15): several carriers shake hands at once; one wins, the others say ErrLost,
// and the session works.
func TestRace(t *testing.T) {
	transporttest.Each(t, func(t *testing.T, way transporttest.Way) {
		w := newWorld(t, way, session.Options{}, echo)
		c := w.client(t)
		var conn *session.Conn
		for round := range 3 {
			conns := make([]*session.Conn, 4)
			errs := make([]error, len(conns))
			var wg sync.WaitGroup
			for i := range conns {
				carrier := w.dial(t)
				wg.Go(func() { conns[i], _, errs[i] = c.Attach(t.Context(), carrier) })
			}
			wg.Wait()
			won := 0
			for i, got := range conns {
				if errs[i] == nil {
					won++
					conn = got
				} else if !errors.Is(errs[i], session.ErrLost) {
					t.Errorf("round %d: %v, want ErrLost", round, errs[i])
				}
			}
			if won == 0 {
				t.Fatalf("round %d: nobody won", round)
			}
			exchange(t, conn, round*10, round*10+10)
		}
		if got := w.srv.Len(); got != 1 {
			t.Errorf("the server has %d sessions, want 1", got)
		}
	})
}

// TestSlowReader: a client that does not call Receive stops its carrier, not itself; when it
// goes on, everything is there.
func TestSlowReader(t *testing.T) {
	transporttest.Each(t, func(t *testing.T, way transporttest.Way) {
		const chunks, size = 40, 200 << 10 // 8 MB: above what the client holds unread
		w := newWorld(t, way, session.Options{}, func(s *session.Session) {
			b := make([]byte, size)
			for range chunks {
				if err := s.Send(b); err != nil {
					t.Errorf("send: %v", err)
				}
			}
			echo(s)
		})
		conn := w.attach(t, w.client(t), true)
		for i := range chunks {
			if i == 3 {
				time.Sleep(50 * time.Millisecond) // so that the buffers between fill up
			}
			if got, err := conn.Receive(t.Context()); err != nil || len(got) != size {
				t.Fatalf("chunk %d: %d bytes, error %v; want %d", i, len(got), err, size)
			}
		}
		exchange(t, conn, 0, 10)
	})
}

// TestManyWriters: concurrent Sends at both ends, for the race detector and the counters.
func TestManyWriters(t *testing.T) {
	const writers, each = 8, 50
	transporttest.Each(t, func(t *testing.T, way transporttest.Way) {
		var got sync.Map
		w := newWorld(t, way, session.Options{}, func(s *session.Session) {
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for range each {
						if err := s.Send([]byte("down")); err != nil {
							t.Errorf("server: %v", err)
						}
					}
				})
			}
			for {
				p, err := s.Receive(context.Background())
				if err != nil {
					break
				}
				got.Store(string(p), true)
				if err := s.Send([]byte("ack")); err != nil {
					break
				}
			}
			wg.Wait()
		})
		conn := w.attach(t, w.client(t), true)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for j := range each {
					if err := conn.Send(t.Context(), fmt.Appendf(nil, "%d/%d", i, j)); err != nil {
						t.Errorf("client: %v", err)
					}
				}
			})
		}
		for range 2 * writers * each {
			if _, err := conn.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		wg.Wait()
		n := 0
		got.Range(func(any, any) bool { n++; return true })
		if n != writers*each {
			t.Errorf("%d different payloads, want %d", n, writers*each)
		}
	})
}

// TestRubbish: strangers who send random bytes get no session and cost no goroutine for long.
func TestRubbish(t *testing.T) {
	w := newWorld(t, transporttest.Mem(t), session.Options{}, echo)
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		c := w.dial(t)
		b := make([]byte, r.IntN(6000))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if err := c.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for { // the server hangs up, perhaps after a refusal
			if _, err := c.Receive(t.Context()); err != nil {
				break
			}
		}
		_ = c.Close()
	}
	if got := w.srv.Len(); got != 0 {
		t.Errorf("%d sessions, want 0", got)
	}
}
