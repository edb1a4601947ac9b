//go:build !js

package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"paperplane/protocol/session"
	"paperplane/transport"
	"paperplane/transport/faulty"
	"paperplane/transport/transporttest"
)

// bubble runs f in a bubble of virtual time with a server behind mem.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	testKey() // outside, because it is shared
	synctest.Test(t, func(t *testing.T) {
		f(t, newWorld(t, transporttest.Mem(t), session.Options{}, echo))
	})
}

// took fails the test unless about d of virtual time has gone by since start.
func took(t *testing.T, what string, start time.Time, d, slack time.Duration) {
	t.Helper()
	if got := time.Since(start); got < d || got > d+slack {
		t.Errorf("%s after %v, want %v to %v", what, got, d, d+slack)
	}
}

// TestHandshakeDeadline (S-41): a carrier on which nothing, or only half a handshake, comes
// is closed by the server after HandshakeTime; a client gives up after the same time.
func TestHandshakeDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for name, first := range map[string][]byte{"silent": nil, "asks-only": {1, 1}} {
			c := w.dial(t)
			start := time.Now()
			if first != nil {
				if err := c.Send(t.Context(), first); err != nil {
					t.Fatal(err)
				}
			}
			for {
				if _, err := c.Receive(t.Context()); err != nil {
					break
				}
			}
			took(t, name+": the server hung up", start, session.HandshakeTime, time.Second)
		}
	})
	bubble(t, func(t *testing.T, w *world) {
		way := transporttest.Mem(t) // nobody answers here
		go func() {
			if c, err := way.Listener.Accept(context.Background()); err == nil {
				_, _ = c.Receive(context.Background())
			}
		}()
		carrier, err := way.Dialer.Dial(t.Context(), way.Address)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, _, err = w.client(t).Attach(t.Context(), carrier)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("attach: %v, want a deadline", err)
		}
		took(t, "the client gave up", start, session.HandshakeTime, time.Second)
		if err := carrier.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("the carrier after a failed attach: %v, want ErrClosed", err)
		}
	})
}

// TestIdleStaysAlive (S-41): pings keep an idle session on its carrier for hours.
func TestIdleStaysAlive(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		conn := w.attach(t, w.client(t), true)
		select {
		case <-conn.Detached():
			t.Error("an idle carrier was given up")
		case <-time.After(3 * time.Hour):
		}
		exchange(t, conn, 0, 3)
	})
}

// TestDeadCarrier (S-41): a carrier that falls silent without an error is given up after
// PingIdle + PingWait when idle, PingBusy + PingWait when something is under way, and nothing
// is lost.
func TestDeadCarrier(t *testing.T) {
	for name, busy := range map[string]bool{"idle": false, "busy": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				f := faulty.New(w.way.Dialer, 1, faulty.Faults{})
				c := w.client(t)
				carrier, err := f.Dial(t.Context(), w.way.Address)
				if err != nil {
					t.Fatal(err)
				}
				conn, _, err := c.Attach(t.Context(), carrier)
				if err != nil {
					t.Fatal(err)
				}
				exchange(t, conn, 0, 2)
				time.Sleep(2 * time.Second)
				f.Stall()
				start := time.Now()
				want := session.PingIdle + session.PingWait - 2*time.Second
				if busy {
					if err := conn.Send(t.Context(), []byte("payload 2")); err != nil {
						t.Fatal(err)
					}
					want = session.PingBusy + session.PingWait - 2*time.Second
				}
				<-conn.Detached()
				took(t, "given up", start, want, 3*time.Second)
				w.attach(t, c, false)
				if busy {
					if got, err := conn.Receive(t.Context()); err != nil || string(got) != "payload 2" {
						t.Errorf("received %q, error %v; want \"payload 2\"", got, err)
					}
				}
				exchange(t, conn, 3, 5)
			})
		})
	}
}

// TestDetachedExpires (S-41): a session without a carrier is kept for DetachedTime and not
// longer than a sweep above it.
func TestDetachedExpires(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := w.client(t)
		conn := w.attach(t, c, true)
		exchange(t, conn, 0, 1)
		for _, away := range []time.Duration{session.DetachedTime - time.Second, session.DetachedTime + 2*session.SweepTime} {
			carrier := w.dial(t)
			if _, fresh, err := c.Attach(t.Context(), carrier); err != nil || fresh {
				t.Fatalf("fresh %v, error %v; want false, nil", fresh, err)
			}
			_ = carrier.Close()
			time.Sleep(away)
		}
		if got := w.srv.Len(); got != 0 {
			t.Errorf("%d sessions, want 0", got)
		}
		w.attach(t, c, true)
		if !errors.Is(conn.Err(), session.ErrEnded) {
			t.Errorf("the old session: %v, want ErrEnded", conn.Err())
		}
	})
}

// TestIdleCarrierAtServer (S-41): a client that vanishes without closing its carrier loses it
// after IdleTime, and the session DetachedTime later.
func TestIdleCarrierAtServer(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		f := faulty.New(w.way.Dialer, 1, faulty.Faults{})
		carrier, err := f.Dial(t.Context(), w.way.Address)
		if err != nil {
			t.Fatal(err)
		}
		cfg := session.Config{PingIdle: time.Hour, PingBusy: time.Hour, PingWait: time.Hour,
			ServerKey: session.ServerKey{Fingerprint: w.key.Fingerprint()}}
		c, err := session.NewClient(cfg)
		if err != nil {
			t.Fatal(err)
		}
		conn, _, err := c.Attach(t.Context(), carrier)
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, conn, 0, 1)
		time.Sleep(time.Second) // the acknowledgement goes out
		start := time.Now()
		<-conn.Detached()
		took(t, "the server dropped the carrier", start, session.IdleTime-time.Second, 2*session.SweepTime)
		time.Sleep(session.DetachedTime + 2*session.SweepTime)
		if got := w.srv.Len(); got != 0 {
			t.Errorf("%d sessions, want 0", got)
		}
		c.Close()
	})
}

// TestOverflow (S-40): a server that sends more than a detached client's queue holds ends the
// session; the client finds a fresh one.
func TestOverflow(t *testing.T) {
	ended := make(chan error, 2)
	flood := make(chan struct{})
	w := newWorld(t, transporttest.Mem(t), session.Options{}, func(s *session.Session) {
		ended <- s.Send([]byte("hello"))
		<-flood
		for {
			if err := s.Send([]byte("x")); err != nil {
				ended <- err
				return
			}
		}
	})
	c := w.client(t)
	carrier := w.dial(t)
	conn, _, err := c.Attach(t.Context(), carrier)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Receive(t.Context()); err != nil { // before, GO might be lost with the carrier
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	_ = carrier.Close()
	<-conn.Detached()
	close(flood)
	if err := <-ended; !errors.Is(err, session.ErrOverflow) {
		t.Errorf("send: %v, want ErrOverflow", err)
	}
	w.attach(t, c, true)
}

// TestSendWaits (S-40): a client without a carrier queues up to the limit, then Send waits
// for its context; once attached, everything arrives.
func TestSendWaits(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := w.client(t)
		carrier := w.dial(t)
		conn, _, err := c.Attach(t.Context(), carrier)
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, conn, 0, 1)
		time.Sleep(time.Minute)
		_ = carrier.Close()
		<-conn.Detached()
		for i := range session.ClientQueueCount {
			if err := conn.Send(t.Context(), []byte("payload 1")); err != nil {
				t.Fatalf("send %d: %v", i, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := conn.Send(ctx, []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one past the limit: %v, want a deadline", err)
		}
		sent := make(chan error, 1)
		go func() { sent <- conn.Send(t.Context(), []byte("last")) }()
		w.attach(t, c, false)
		for i := range session.ClientQueueCount {
			if got, err := conn.Receive(t.Context()); err != nil || string(got) != "payload 1" {
				t.Fatalf("payload %d: %q, error %v", i, got, err)
			}
		}
		if err := <-sent; err != nil {
			t.Errorf("the send that waited: %v", err)
		}
		if got, err := conn.Receive(t.Context()); err != nil || string(got) != "last" {
			t.Errorf("received %q, error %v; want \"last\"", got, err)
		}
	})
}

// TestFaultyCarriers (S-30): carriers are cut before, in and after messages, fall silent and
// are slow, while both ends send; each payload arrives exactly once and in order.
func TestFaultyCarriers(t *testing.T) {
	n, first := session.Seeds()
	for seed := first; seed < first+uint64(n); seed++ {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) { faultyCarriers(t, w, seed) })
		})
	}
}

func faultyCarriers(t *testing.T, w *world, seed uint64) {
	const payloads = 300
	f := faulty.New(w.way.Dialer, seed, faulty.Faults{CutMean: 40, StallMean: 300, DialFails: 0.1, DelayMax: 200 * time.Millisecond})
	c := w.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	conns := make(chan *session.Conn, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { // keeps the session attached
		for ctx.Err() == nil {
			carrier, err := f.Dial(ctx, w.way.Address)
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			conn, _, err := c.Attach(ctx, carrier)
			if err != nil {
				continue
			}
			select {
			case conns <- conn:
			default:
			}
			select {
			case <-conn.Detached():
			case <-ctx.Done():
			}
		}
	})
	// The first GO may be lost with its carrier; a session that has echoed once is known.
	var conn *session.Conn
	for {
		conn = <-conns
		if err := conn.Send(ctx, []byte("payload 0")); err != nil {
			continue
		}
		if got, err := conn.Receive(ctx); err == nil && string(got) == "payload 0" {
			break
		}
	}
	wg.Go(func() {
		for i := 1; i < payloads; i++ {
			if err := conn.Send(ctx, fmt.Appendf(nil, "payload %d", i)); err != nil {
				t.Errorf("seed %d: send %d: %v", seed, i, err)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	for i := 1; i < payloads; i++ {
		got, err := conn.Receive(ctx)
		if want := fmt.Sprintf("payload %d", i); err != nil || string(got) != want {
			t.Fatalf("seed %d: received %q, error %v; want %q", seed, got, err, want)
		}
	}
}

// TestHandshakesMax (S-40): the last handshake that fits, and one past it, which is hung up
// on at once and not after a deadline.
func TestHandshakesMax(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		held := make([]transport.MessageConn, session.HandshakesMax)
		for i := range held {
			held[i] = w.dial(t)
		}
		synctest.Wait()
		start := time.Now()
		over := w.dial(t)
		if _, err := over.Receive(t.Context()); err == nil {
			t.Error("one past the limit: an answer, want none")
		}
		took(t, "one past the limit: hung up", start, 0, time.Second)
		_ = held[0].Close()
		synctest.Wait()
		w.attach(t, w.client(t), true)
	})
}

// TestAckAlone (S-33): a client with nothing to send acknowledges after AckDelay, so that an
// idle session holds no payload in the server's memory.
func TestAckAlone(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		sessions := make(chan *session.Session, 1)
		w := newWorld(t, transporttest.Mem(t), session.Options{}, func(s *session.Session) {
			sessions <- s
			echo(s)
		})
		conn := w.attach(t, w.client(t), true)
		exchange(t, conn, 0, 3)
		s := <-sessions
		if got := s.Unacked(); got == 0 {
			t.Error("acknowledged at once: this test shows nothing")
		}
		time.Sleep(session.AckDelay + time.Second)
		if got := s.Unacked(); got != 0 {
			t.Errorf("%d payloads still kept, want 0", got)
		}
	})
}

// TestReplacedCarrierIsClosed: a carrier that fell silent is closed when the next one takes
// its place, not when somebody notices.
func TestReplacedCarrierIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		f := faulty.New(w.way.Dialer, 1, faulty.Faults{})
		old, err := f.Dial(t.Context(), w.way.Address)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client(t)
		conn, _, err := c.Attach(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, conn, 0, 1)
		f.Stall()
		w.attach(t, c, false)
		if err := old.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("the old carrier: %v, want ErrClosed", err)
		}
		exchange(t, conn, 1, 2)
	})
}
