// Package transporttest is the suite that every carrier passes: the promises of package
// transport, one subtest each. Only tests import it.
package transporttest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"paperplane/transport"
)

// patience bounds what should happen at once.
const patience = 10 * time.Second

// Way is one kind of carrier, ready to be used: a listener, and how to reach it.
type Way struct {
	Dialer   transport.Dialer
	Listener transport.Listener
	Address  string
	Nowhere  string // an address of the same kind where nobody listens
}

// Pair connects both ends and lets one message go each way: some carriers finish their own
// handshake only with the first message. Both ends are closed when the test ends.
func (w Way) Pair(t *testing.T) (client, server transport.MessageConn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	accepted := make(chan transport.MessageConn, 1)
	go func() {
		defer close(accepted)
		c, err := w.Listener.Accept(ctx)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		b, err := c.Receive(ctx)
		if err == nil {
			err = c.Send(ctx, b)
		}
		if err != nil {
			t.Errorf("first message at the listener's end: %v", err)
		}
		accepted <- c
	}()
	client, err := w.Dialer.Dial(ctx, w.Address)
	if err == nil {
		if err = client.Send(ctx, []byte("hello")); err == nil {
			_, err = client.Receive(ctx)
		}
	}
	if err != nil {
		cancel()
	}
	server, ok := <-accepted
	if err != nil {
		t.Fatalf("dial, or the first message at the dialer's end: %v", err)
	}
	if !ok {
		t.FailNow()
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	return client, server
}

// Run runs the suite; open makes a fresh Way for each subtest and cleans up after it.
func Run(t *testing.T, open func(t *testing.T) Way) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, Way)
	}{
		{"order-and-sizes", testOrder},
		{"size-at-the-limit", testLimit},
		{"send-keeps-nothing", testOwnership},
		{"close-unblocks-receive", testCloseReceive},
		{"close-unblocks-send", testCloseSend},
		{"peer-sees-the-close", testPeerClose},
		{"after-close", testAfterClose},
		{"receive-obeys-context", testReceiveContext},
		{"send-obeys-context", testSendContext},
		{"dial-nowhere", testNowhere},
		{"dial-obeys-context", testDialContext},
		{"accept-obeys-context", testAcceptContext},
		{"listener-close", testListenerClose},
	} {
		t.Run(c.name, func(t *testing.T) { c.f(t, open(t)) })
	}
}

// payload is different for every i and n.
func payload(i, n int) []byte {
	b := make([]byte, n)
	for j := range b {
		b[j] = byte(i + j*7)
	}
	return b
}

// testOrder sends messages of many sizes both ways at once and wants them whole and in order.
func testOrder(t *testing.T, w Way) {
	sizes := []int{1, 2, 125, 126, 127, 1000, 0, 4095, 4096, 16384, 65535, 65536, 100000}
	const rounds = 20
	a, b := w.Pair(t)
	var wg sync.WaitGroup
	for _, pair := range [][2]transport.MessageConn{{a, b}, {b, a}} {
		wg.Go(func() {
			for i := range rounds * len(sizes) {
				if err := pair[0].Send(t.Context(), payload(i, sizes[i%len(sizes)])); err != nil {
					t.Errorf("send %d: %v", i, err)
					return
				}
			}
		})
		wg.Go(func() {
			for i := range rounds * len(sizes) {
				got, err := pair[1].Receive(t.Context())
				if want := payload(i, sizes[i%len(sizes)]); err != nil || !bytes.Equal(got, want) {
					t.Errorf("message %d: %d bytes, error %v; want %d bytes", i, len(got), err, len(want))
					return
				}
			}
		})
	}
	wg.Wait()
}

// testLimit wants a message of the maximal size to arrive and one byte more to be refused.
func testLimit(t *testing.T, w Way) {
	a, b := w.Pair(t)
	for i, pair := range [][2]transport.MessageConn{{a, b}, {b, a}} {
		want := payload(i, transport.MessageBytesMax)
		sent := make(chan error, 1)
		go func() { sent <- pair[0].Send(t.Context(), want) }()
		got, err := pair[1].Receive(t.Context())
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("at the limit: %d bytes, error %v; want %d", len(got), err, len(want))
		}
		if err := <-sent; err != nil {
			t.Fatalf("send at the limit: %v", err)
		}
	}
	if err := a.Send(t.Context(), make([]byte, transport.MessageBytesMax+1)); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("one above the limit: %v, want ErrTooLarge", err)
	}
	if _, err := within(t, func() ([]byte, error) { return b.Receive(t.Context()) }); err == nil {
		t.Error("the peer received something after a message above the limit")
	}
}

// testOwnership changes slices after Send and after Receive.
func testOwnership(t *testing.T, w Way) {
	a, b := w.Pair(t)
	buf := []byte("first")
	if err := a.Send(t.Context(), buf); err != nil {
		t.Fatal(err)
	}
	copy(buf, "XXXXX")
	if err := a.Send(t.Context(), []byte("other")); err != nil {
		t.Fatal(err)
	}
	one, err := b.Receive(t.Context())
	if err != nil || string(one) != "first" {
		t.Fatalf("received %q, error %v; want \"first\"", one, err)
	}
	two, err := b.Receive(t.Context())
	if err != nil || string(two) != "other" || string(one) != "first" {
		t.Errorf("received %q, error %v, and the one before is now %q; want \"other\", \"first\"", two, err, one)
	}
}

// within fails the test when f takes too long.
func within[T any](t *testing.T, f func() (T, error)) (T, error) {
	t.Helper()
	type result struct {
		v   T
		err error
	}
	ch := make(chan result, 1)
	go func() {
		v, err := f()
		ch <- result{v, err}
	}()
	select {
	case r := <-ch:
		return r.v, r.err
	case <-time.After(patience):
		t.Fatal("still blocked")
		panic("unreachable")
	}
}

func testCloseReceive(t *testing.T, w Way) {
	a, _ := w.Pair(t)
	_, err := within(t, func() ([]byte, error) {
		time.AfterFunc(20*time.Millisecond, func() { _ = a.Close() })
		return a.Receive(context.Background())
	})
	if !errors.Is(err, transport.ErrClosed) {
		t.Errorf("receive on a connection closed here: %v, want ErrClosed", err)
	}
}

// fill sends until ctx ends or the carrier fails: nobody receives at the other end.
func fill(ctx context.Context, c transport.MessageConn) error {
	big := make([]byte, transport.MessageBytesMax)
	for {
		if err := c.Send(ctx, big); err != nil {
			return err
		}
	}
}

func testCloseSend(t *testing.T, w Way) {
	a, _ := w.Pair(t)
	_, err := within(t, func() (struct{}, error) {
		time.AfterFunc(100*time.Millisecond, func() { _ = a.Close() })
		return struct{}{}, fill(context.Background(), a)
	})
	if !errors.Is(err, transport.ErrClosed) {
		t.Errorf("send on a connection closed here: %v, want ErrClosed", err)
	}
}

func testPeerClose(t *testing.T, w Way) {
	a, b := w.Pair(t)
	if err := a.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	_, err := within(t, func() ([]byte, error) { return b.Receive(context.Background()) })
	if !errors.Is(err, transport.ErrUnreachable) {
		t.Errorf("receive on a connection closed there: %v, want ErrUnreachable", err)
	}
	_, err = within(t, func() (struct{}, error) { return struct{}{}, fill(context.Background(), b) })
	if err == nil {
		t.Error("send on a connection closed there never failed")
	}
}

func testAfterClose(t *testing.T, w Way) {
	a, b := w.Pair(t)
	for name, c := range map[string]transport.MessageConn{"dialed": a, "accepted": b} {
		for range 2 {
			if err := c.Close(); err != nil {
				t.Errorf("%s: close: %v", name, err)
			}
		}
		if err := c.Send(t.Context(), []byte("x")); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("%s: send after close: %v, want ErrClosed", name, err)
		}
		if _, err := c.Receive(t.Context()); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("%s: receive after close: %v, want ErrClosed", name, err)
		}
	}
}

func testReceiveContext(t *testing.T, w Way) {
	for end := range 2 {
		a, b := w.Pair(t) // each time anew: the context may cost the connection
		c := []transport.MessageConn{a, b}[end]
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := within(t, func() ([]byte, error) { return c.Receive(ctx) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("receive: %v, want the context's error", err)
		}
	}
}

func testSendContext(t *testing.T, w Way) {
	a, _ := w.Pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := within(t, func() (struct{}, error) { return struct{}{}, fill(ctx, a) })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("send: %v, want the context's error", err)
	}
}

func testNowhere(t *testing.T, w Way) {
	for _, address := range []string{w.Nowhere, "", "nonsense", "ws://", "tls:", "mem:"} {
		_, err := within(t, func() (transport.MessageConn, error) { return w.Dialer.Dial(t.Context(), address) })
		if !errors.Is(err, transport.ErrUnreachable) {
			t.Errorf("dial: %v, want ErrUnreachable", err)
		}
	}
}

func testDialContext(t *testing.T, w Way) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := w.Dialer.Dial(ctx, w.Address); !errors.Is(err, context.Canceled) {
		t.Errorf("dial: %v, %v; want the context's error", c, err)
	}
}

func testAcceptContext(t *testing.T, w Way) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := within(t, func() (transport.MessageConn, error) { return w.Listener.Accept(ctx) })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("accept: %v, want the context's error", err)
	}
	w.Pair(t) // and it still works
}

func testListenerClose(t *testing.T, w Way) {
	a, b := w.Pair(t)
	_, err := within(t, func() (transport.MessageConn, error) {
		time.AfterFunc(20*time.Millisecond, func() { _ = w.Listener.Close() })
		return w.Listener.Accept(context.Background())
	})
	if !errors.Is(err, transport.ErrClosed) {
		t.Errorf("accept while closing: %v, want ErrClosed", err)
	}
	_ = w.Listener.Close()
	if _, err := w.Listener.Accept(t.Context()); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("accept after close: %v, want ErrClosed", err)
	}
	if _, err := within(t, func() (transport.MessageConn, error) { return w.Dialer.Dial(t.Context(), w.Address) }); err == nil {
		t.Error("dialed a closed listener")
	}
	if err := a.Send(t.Context(), []byte("still")); err != nil {
		t.Fatalf("send after the listener closed: %v", err)
	}
	if got, err := b.Receive(t.Context()); err != nil || string(got) != "still" {
		t.Errorf("received %q, error %v; want \"still\"", got, err)
	}
}
