package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"paperplane/protocol/session"
	"paperplane/transport"
	"paperplane/transport/mem"
)

// world is a server with one handler and a way to it.
type world struct {
	key *session.PrivateKey
	srv *session.Server
	net mem.Net
}

// newWorld starts a server whose handler is h.
func newWorld(t *testing.T, opts session.Options, h func(*session.Session)) *world {
	t.Helper()
	key, err := session.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{key: key, srv: session.NewServer(key, opts)}
	l := w.net.Listen("server")
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			wg.Go(func() { _ = w.srv.Serve(context.Background(), c, h) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.srv.Close()
		wg.Wait()
	})
	return w
}

func (w *world) dial(t *testing.T) transport.MessageConn {
	t.Helper()
	c, err := w.net.Dial(t.Context(), "mem:server")
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

// echo sends back what it receives.
func echo(s *session.Session) {
	for {
		p, err := s.Receive(context.Background())
		if err != nil {
			return
		}
		if s.Send(p) != nil {
			return
		}
	}
}

// TestEcho shows that payloads go both ways in order, that the binding is the same at both
// ends, and that it stays the same after a resume (S-17).
func TestEcho(t *testing.T) {
	bindings := make(chan [32]byte, 4)
	w := newWorld(t, session.Options{}, func(s *session.Session) {
		bindings <- s.Binding()
		echo(s)
	})
	c := w.client(t)
	carrier := w.dial(t)
	conn, fresh, err := c.Attach(t.Context(), carrier)
	if err != nil || !fresh {
		t.Fatalf("attach: fresh %v, error %v; want true, nil", fresh, err)
	}
	if got, want := [32]byte(conn.Binding()), <-bindings; got != want {
		t.Errorf("binding at the client %x, at the server %x", got, want)
	}
	pingPong(t, conn, 0, 50)
	_ = carrier.Close()
	<-conn.Detached()
	again, fresh, err := c.Attach(t.Context(), w.dial(t))
	if err != nil || fresh || again != conn {
		t.Fatalf("resume: fresh %v, same conn %v, error %v; want false, true, nil", fresh, again == conn, err)
	}
	pingPong(t, conn, 50, 100)
}

func pingPong(t *testing.T, conn *session.Conn, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := conn.Send(t.Context(), fmt.Appendf(nil, "payload %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := from; i < to; i++ {
		got, err := conn.Receive(t.Context())
		if want := fmt.Appendf(nil, "payload %d", i); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("received %q, error %v; want %q", got, err, want)
		}
	}
}

// TestRestart shows that a client of a server that has forgotten it gets a fresh session, and
// that the old one ends with ErrEnded.
func TestRestart(t *testing.T) {
	w := newWorld(t, session.Options{}, echo)
	c := w.client(t)
	conn, _, err := c.Attach(t.Context(), w.dial(t))
	if err != nil {
		t.Fatal(err)
	}
	w.srv.Close()
	<-conn.Detached()
	w.srv = session.NewServer(w.key, session.Options{})
	next, fresh, err := c.Attach(t.Context(), w.dial(t))
	if err != nil || !fresh || next == conn {
		t.Fatalf("attach: fresh %v, same conn %v, error %v; want true, false, nil", fresh, next == conn, err)
	}
	if next.Binding() == conn.Binding() {
		t.Error("the fresh session has the old binding")
	}
	if err := conn.Send(t.Context(), []byte("x")); !errors.Is(err, session.ErrEnded) {
		t.Errorf("send on the old session: %v, want ErrEnded", err)
	}
	if _, err := conn.Receive(t.Context()); !errors.Is(err, session.ErrEnded) {
		t.Errorf("receive on the old session: %v, want ErrEnded", err)
	}
	pingPong(t, next, 0, 10)
	w.srv.Close()
}

// TestWrongKey shows that a server with another key is refused with ErrServerKey, whether
// the client pins the fingerprint or the whole key.
func TestWrongKey(t *testing.T) {
	w := newWorld(t, session.Options{}, echo)
	other, err := session.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, pin := range map[string]session.ServerKey{
		"fingerprint": {Fingerprint: other.Fingerprint()},
		"full":        {Fingerprint: other.Fingerprint(), Full: other.PublicKey()},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := session.NewClient(session.Config{ServerKey: pin})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _, err = c.Attach(t.Context(), w.dial(t))
			if !errors.Is(err, session.ErrServerKey) {
				t.Errorf("attach: %v, want ErrServerKey", err)
			}
		})
	}
}
