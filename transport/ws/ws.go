//go:build !js

// Package ws carries messages in binary WebSocket messages (RFC 6455), one each, plain or
// over TLS: a carrier that passes reverse proxies, content networks and browsers.
//
// The Listener is an http.Handler; the connection leaves net/http with the upgrade, so that
// its goroutine and buffers are freed: an accepted connection costs one small read buffer,
// and TLS. Safe for concurrent use as package transport says; a context that ends in the
// middle of a Send or Receive closes the connection.
package ws

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"paperplane/transport"
)

const (
	// readBufferBytes is kept for each accepted connection; longer reads go around it.
	readBufferBytes = 512
	// writeBufferBytes are pooled: they are held only while a message is written.
	writeBufferBytes = 4096
	upgradeTime      = 10 * time.Second
	// dialHeaderBytesMax bounds the answer to the upgrade request.
	dialHeaderBytesMax = 16 << 10
)

var (
	_ transport.Dialer   = (*Dialer)(nil)
	_ transport.Listener = (*Listener)(nil)
	_ http.Handler       = (*Listener)(nil)
)

// Traits returns what the carrier is like over TLS.
func Traits() transport.Traits { return transport.Traits{Kind: "ws", Stream: true, Hidden: true} }

// Dialer connects to "ws://HOST/PATH" and "wss://HOST/PATH".
type Dialer struct {
	client *http.Client
}

// NewDialer returns a dialer; config may be nil. Of config, RootCAs and ServerName matter
// most; ALPN is set to what WebSocket needs.
func NewDialer(config *tls.Config) *Dialer { return NewDialerFrom(config, nil) }

// NewDialerFrom is NewDialer with a source address; nil leaves it to the system.
func NewDialerFrom(config *tls.Config, source net.IP) *Dialer {
	dialer := new(net.Dialer)
	if source != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: source}
	}
	if config == nil {
		config = new(tls.Config)
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	return &Dialer{client: &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: config, DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment,
			MaxResponseHeaderBytes: dialHeaderBytesMax,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Dial connects; every failure is ErrUnreachable or the context's error.
func (d *Dialer) Dial(ctx context.Context, address string) (transport.MessageConn, error) {
	c, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: d.client})
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, transport.ErrUnreachable
	}
	c.SetReadLimit(transport.MessageBytesMax)
	return &clientConn{c: c, closed: make(chan struct{})}, nil
}

type clientConn struct {
	c      *websocket.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *clientConn) Send(ctx context.Context, b []byte) error {
	if len(b) > transport.MessageBytesMax {
		_ = c.Close()
		return transport.ErrTooLarge
	}
	if err := c.c.Write(ctx, websocket.MessageBinary, b); err != nil {
		return c.fail(ctx, err)
	}
	return nil
}

func (c *clientConn) Receive(ctx context.Context) ([]byte, error) {
	kind, b, err := c.c.Read(ctx)
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	if kind != websocket.MessageBinary {
		return nil, c.fail(ctx, transport.ErrUnreachable)
	}
	return b, nil
}

// fail closes the connection and gives the cause its name.
func (c *clientConn) fail(ctx context.Context, err error) error {
	closed := isClosed(c.closed)
	_ = c.Close()
	switch {
	case closed:
		return transport.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, websocket.ErrMessageTooBig):
		return transport.ErrTooLarge
	}
	return transport.ErrUnreachable
}

func (c *clientConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	_ = c.c.CloseNow()
	return nil
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// Listener upgrades requests and hands out the connections. It answers any origin: a session
// brings its own keys, and no cookie or address gives rights here.
type Listener struct {
	up     gorilla.Upgrader
	conns  chan transport.MessageConn
	closed chan struct{}
	once   sync.Once
}

// NewListener returns a listener to be mounted in an HTTP server.
func NewListener() *Listener {
	return &Listener{
		up: gorilla.Upgrader{
			HandshakeTimeout: upgradeTime, ReadBufferSize: readBufferBytes,
			WriteBufferSize: writeBufferBytes, WriteBufferPool: new(sync.Pool),
			CheckOrigin: func(*http.Request) bool { return true },
			Error: func(w http.ResponseWriter, _ *http.Request, _ int, _ error) {
				w.WriteHeader(http.StatusBadRequest)
			},
		},
		conns: make(chan transport.MessageConn), closed: make(chan struct{}),
	}
}

// ServeHTTP upgrades one request and returns as soon as somebody accepts the connection.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isClosed(l.closed) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	g, err := l.up.Upgrade(w, r, nil)
	if err != nil {
		return // answered already
	}
	g.SetReadLimit(transport.MessageBytesMax)
	c := &serverConn{c: g, closed: make(chan struct{})}
	select {
	case l.conns <- c:
	case <-l.closed:
		_ = c.Close()
	}
}

// Accept returns the next connection. To keep it small, use it in a goroutine of its own.
func (l *Listener) Accept(ctx context.Context) (transport.MessageConn, error) {
	if isClosed(l.closed) {
		return nil, transport.ErrClosed
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

// Close stops upgrading; connections that were accepted go on.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

type serverConn struct {
	c      *gorilla.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *serverConn) Send(ctx context.Context, b []byte) error {
	if len(b) > transport.MessageBytesMax {
		_ = c.Close()
		return transport.ErrTooLarge
	}
	defer c.watch(ctx)()
	if err := c.c.WriteMessage(gorilla.BinaryMessage, b); err != nil {
		return c.fail(ctx, err)
	}
	return nil
}

func (c *serverConn) Receive(ctx context.Context) ([]byte, error) {
	if isClosed(c.closed) {
		return nil, transport.ErrClosed
	}
	defer c.watch(ctx)()
	kind, b, err := c.c.ReadMessage()
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	if kind != gorilla.BinaryMessage {
		return nil, c.fail(ctx, transport.ErrUnreachable)
	}
	return b, nil
}

// watch closes the socket when ctx ends before the returned func is called.
func (c *serverConn) watch(ctx context.Context) func() bool {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = c.c.NetConn().Close() })
}

func (c *serverConn) fail(ctx context.Context, err error) error {
	closed := isClosed(c.closed)
	_ = c.Close()
	switch {
	case closed:
		return transport.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, gorilla.ErrReadLimit):
		return transport.ErrTooLarge
	}
	return transport.ErrUnreachable
}

func (c *serverConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		_ = c.c.Close() // the socket is gone either way
	})
	return nil
}
