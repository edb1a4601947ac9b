// Package mem is the carrier inside one process: pairs of connections over channels, and a
// network of named listeners. Tests and simulations use it; under testing/synctest it blocks
// durably, so that time moves on.
//
// It keeps the promises of package transport to the letter: order, no loss while alive, and
// what was sent before a Close may be lost with it. Safe for concurrent use.
package mem

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"paperplane/transport"
)

// Buffer is how many messages one direction holds before Send waits.
const Buffer = 64

var _ transport.MessageConn = (*conn)(nil)

// Traits returns what the carrier is like.
func Traits() transport.Traits { return transport.Traits{Kind: "mem", Stream: true} }

type conn struct {
	in, out chan []byte
	closed  chan struct{} // this end
	peer    chan struct{} // the other end's closed
	once    *sync.Once
}

// Pair returns two connected ends.
func Pair() (a, b transport.MessageConn) {
	ab, ba := make(chan []byte, Buffer), make(chan []byte, Buffer)
	x := &conn{in: ba, out: ab, closed: make(chan struct{}), once: new(sync.Once)}
	y := &conn{in: ab, out: ba, closed: make(chan struct{}), once: new(sync.Once)}
	x.peer, y.peer = y.closed, x.closed
	return x, y
}

func (c *conn) Send(ctx context.Context, b []byte) error {
	if len(b) > transport.MessageBytesMax {
		_ = c.Close()
		return transport.ErrTooLarge
	}
	if err := c.dead(ctx); err != nil {
		return err
	}
	select {
	case c.out <- bytes.Clone(b):
		return nil
	case <-c.closed:
		return transport.ErrClosed
	case <-c.peer:
		return transport.ErrUnreachable
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dead makes the outcome certain where select would choose at random.
func (c *conn) dead(ctx context.Context) error {
	select {
	case <-c.closed:
		return transport.ErrClosed
	default:
	}
	select {
	case <-c.peer:
		return transport.ErrUnreachable
	default:
	}
	return ctx.Err()
}

func (c *conn) Receive(ctx context.Context) ([]byte, error) {
	select {
	case <-c.closed:
		return nil, transport.ErrClosed
	default:
	}
	select {
	case b := <-c.in: // before the peer's close: what it sent comes first
		return b, nil
	default:
	}
	select {
	case b := <-c.in:
		return b, nil
	case <-c.closed:
		return nil, transport.ErrClosed
	case <-c.peer:
		select {
		case b := <-c.in:
			return b, nil
		default:
			return nil, transport.ErrUnreachable
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// Net is a network of listeners by name; its zero value is ready. It is a transport.Dialer
// for addresses of the form "mem:NAME".
type Net struct {
	mu        sync.Mutex
	listeners map[string]*listener
}

var _ transport.Dialer = (*Net)(nil)

type listener struct {
	net    *Net
	name   string
	conns  chan transport.MessageConn
	closed chan struct{}
	once   sync.Once
}

// Listen opens a listener and replaces an earlier one of that name.
func (n *Net) Listen(name string) transport.Listener {
	l := &listener{net: n, name: name, conns: make(chan transport.MessageConn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = make(map[string]*listener)
	}
	n.listeners[name] = l
	return l
}

// Dial connects to a listener; ErrUnreachable when there is none of that name.
func (n *Net) Dial(ctx context.Context, address string) (transport.MessageConn, error) {
	name, ok := strings.CutPrefix(address, "mem:")
	n.mu.Lock()
	l := n.listeners[name]
	n.mu.Unlock()
	if !ok || l == nil {
		return nil, transport.ErrUnreachable
	}
	a, b := Pair()
	select {
	case l.conns <- b:
		return a, nil
	case <-l.closed:
		return nil, transport.ErrUnreachable
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept(ctx context.Context) (transport.MessageConn, error) {
	select {
	case <-l.closed: // certain, where select would choose at random
		return nil, transport.ErrClosed
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, transport.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.net.mu.Lock()
		defer l.net.mu.Unlock()
		if l.net.listeners[l.name] == l {
			delete(l.net.listeners, l.name)
		}
	})
	return nil
}
