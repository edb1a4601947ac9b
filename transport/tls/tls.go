//go:build !js

// Package tls carries messages over a TLS connection of its own, each behind its length in
// four bytes: the carrier with the least around it.
//
// An accepted connection shakes hands in its first Receive or Send, under that call's
// context, so that a slow peer never holds up Accept. Safe for concurrent use as package
// transport says; a context that ends in the middle of a Send or Receive closes the connection.
package tls

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"paperplane/transport"
)

// firstRead is how much is reserved for a message before any of it has come: a length alone
// costs its sender nothing, so it must not cost us memory.
const firstRead = 2048

var (
	_ transport.Dialer   = (*Dialer)(nil)
	_ transport.Listener = (*Listener)(nil)
)

// Traits returns what the carrier is like.
func Traits() transport.Traits { return transport.Traits{Kind: "tls", Stream: true} }

// Dialer connects to "tls:HOST:PORT".
type Dialer struct{ config *tls.Config }

// NewDialer returns a dialer; config may be nil.
func NewDialer(config *tls.Config) *Dialer {
	if config == nil {
		config = new(tls.Config)
	}
	config = config.Clone()
	if config.NextProtos == nil {
		config.NextProtos = []string{"h2", "http/1.1"} // as a browser does: none at all is a mark
	}
	return &Dialer{config: config}
}

// Dial connects; every failure is ErrUnreachable or the context's error.
func (d *Dialer) Dial(ctx context.Context, address string) (transport.MessageConn, error) {
	host, ok := strings.CutPrefix(address, "tls:")
	if !ok {
		return nil, transport.ErrUnreachable
	}
	c, err := (&tls.Dialer{Config: d.config}).DialContext(ctx, "tcp", host)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, transport.ErrUnreachable
	}
	return newConn(c), nil
}

// Listener hands out the connections of a net.Listener.
type Listener struct {
	l      net.Listener
	config *tls.Config
	once   sync.Once
	start  sync.Once
	conns  chan net.Conn
	closed chan struct{}
	wg     sync.WaitGroup
}

// NewListener owns l from now on.
func NewListener(l net.Listener, config *tls.Config) *Listener {
	config = config.Clone()
	if config.NextProtos == nil {
		config.NextProtos = []string{"http/1.1"}
	}
	return &Listener{l: l, config: config, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept returns the next connection.
func (l *Listener) Accept(ctx context.Context) (transport.MessageConn, error) {
	select {
	case <-l.closed:
		return nil, transport.ErrClosed
	default:
	}
	l.start.Do(func() { l.wg.Go(l.run) })
	select {
	case c := <-l.conns:
		return newConn(tls.Server(c, l.config)), nil
	case <-l.closed:
		return nil, transport.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run makes net.Listener.Accept obey contexts.
func (l *Listener) run() {
	for {
		c, err := l.l.Accept()
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				continue
			}
			_ = l.stop()
			return
		}
		select {
		case l.conns <- c:
		case <-l.closed:
			_ = c.Close()
			return
		}
	}
}

func (l *Listener) stop() (err error) {
	l.once.Do(func() {
		close(l.closed)
		err = l.l.Close()
	})
	return err
}

// Close stops accepting; connections that were accepted go on.
func (l *Listener) Close() error {
	err := l.stop()
	l.wg.Wait()
	return err
}

type conn struct {
	c      net.Conn
	head   [4]byte // of the message being read
	once   sync.Once
	closed chan struct{}
}

func newConn(c net.Conn) *conn { return &conn{c: c, closed: make(chan struct{})} }

func (c *conn) Send(ctx context.Context, b []byte) error {
	if len(b) > transport.MessageBytesMax {
		_ = c.Close()
		return transport.ErrTooLarge
	}
	defer c.watch(ctx)()
	msg := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b)))
	if _, err := c.c.Write(append(msg, b...)); err != nil { // one write: one record if it fits
		return c.fail(ctx)
	}
	return nil
}

func (c *conn) Receive(ctx context.Context) ([]byte, error) {
	defer c.watch(ctx)()
	if _, err := io.ReadFull(c.c, c.head[:]); err != nil {
		return nil, c.fail(ctx)
	}
	n := binary.BigEndian.Uint32(c.head[:])
	if n > transport.MessageBytesMax {
		_ = c.Close()
		return nil, transport.ErrTooLarge
	}
	b := make([]byte, 0, min(n, firstRead))
	for len(b) < int(n) {
		if len(b) == cap(b) {
			b = slices.Grow(b, min(len(b), int(n)-len(b)))
		}
		part := b[len(b):min(cap(b), int(n))]
		if _, err := io.ReadFull(c.c, part); err != nil {
			return nil, c.fail(ctx)
		}
		b = b[:len(b)+len(part)]
	}
	return b, nil
}

// watch closes the socket when ctx ends before the returned func is called.
func (c *conn) watch(ctx context.Context) func() bool {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = c.c.Close() })
}

// fail closes the connection and gives the cause its name.
func (c *conn) fail(ctx context.Context) error {
	select {
	case <-c.closed:
		return transport.ErrClosed
	default:
	}
	_ = c.Close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return transport.ErrUnreachable
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		_ = c.c.Close() // the socket is gone either way
	})
	return nil
}
