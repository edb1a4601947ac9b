//go:build js

// Package browser carries messages over the browser's own WebSocket, in a window or a
// dedicated worker: the TLS that a censor sees is a real browser's.
//
// Safe for concurrent use as package transport says. Backpressure: Send waits while the
// browser holds more than bufferedMax bytes; the browser offers no event for it, so it looks
// again every few milliseconds.
package browser

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall/js"
	"time"

	"paperplane/transport"
)

const (
	bufferedMax  = 1 << 20
	bufferedWait = 10 * time.Millisecond
	// What waits for Receive at most. The browser gives no way to slow a peer down, so above
	// it the connection dies and the session resumes. A session's server has no more than
	// half of it under way.
	inboxCountMax = 8192
	inboxBytesMax = 16 << 20
)

var (
	_ transport.Dialer      = Dialer{}
	_ transport.MessageConn = (*conn)(nil)
)

// Traits returns what the carrier is like.
func Traits() transport.Traits {
	return transport.Traits{Kind: "browser", Stream: true, Hidden: true}
}

// Dialer connects to "ws://HOST/PATH" and "wss://HOST/PATH".
type Dialer struct{}

type conn struct {
	ws     js.Value
	funcs  []js.Func
	opened chan struct{}
	inbox  chan []byte
	bytes  atomic.Int64  // in inbox
	dead   chan struct{} // closed by the browser or by Close
	once   sync.Once
	err    error // why; written before dead is closed
}

// Dial connects; every failure is ErrUnreachable or the context's error.
func (Dialer) Dial(ctx context.Context, address string) (c transport.MessageConn, err error) {
	defer func() { // the constructor throws on a malformed address
		switch r := recover().(type) {
		case nil:
		case js.Error:
			c, err = nil, transport.ErrUnreachable
		default:
			panic(r)
		}
	}()
	w := &conn{ws: js.Global().Get("WebSocket").New(address), opened: make(chan struct{}),
		inbox: make(chan []byte, inboxCountMax), dead: make(chan struct{})}
	w.ws.Set("binaryType", "arraybuffer")
	w.on("onopen", func(js.Value) { close(w.opened) })
	w.on("onmessage", w.message)
	w.on("onclose", func(js.Value) { w.end(transport.ErrUnreachable) })
	w.on("onerror", func(js.Value) { w.end(transport.ErrUnreachable) })
	select {
	case <-w.opened:
		return w, nil
	case <-w.dead:
		return nil, w.err
	case <-ctx.Done():
		w.end(transport.ErrClosed)
		return nil, ctx.Err()
	}
}

func (c *conn) on(event string, f func(js.Value)) {
	fn := js.FuncOf(func(_ js.Value, args []js.Value) any {
		f(args[0])
		return nil
	})
	c.funcs = append(c.funcs, fn)
	c.ws.Set(event, fn)
}

func (c *conn) message(event js.Value) {
	data := event.Get("data")
	if data.Type() != js.TypeObject { // a text message
		c.end(transport.ErrUnreachable)
		return
	}
	n := data.Get("byteLength").Int()
	if n > transport.MessageBytesMax {
		c.end(transport.ErrTooLarge)
		return
	}
	if c.bytes.Load()+int64(n) > inboxBytesMax {
		c.end(transport.ErrUnreachable)
		return
	}
	b := make([]byte, n)
	js.CopyBytesToGo(b, js.Global().Get("Uint8Array").New(data))
	select {
	case c.inbox <- b:
		c.bytes.Add(int64(n))
	default:
		c.end(transport.ErrUnreachable)
	}
}

// end closes the socket once. The callbacks are released later: this may be one of them.
func (c *conn) end(why error) {
	c.once.Do(func() {
		c.err = why
		close(c.dead)
		for _, event := range [...]string{"onopen", "onmessage", "onclose", "onerror"} {
			c.ws.Set(event, js.Null())
		}
		c.ws.Call("close")
		time.AfterFunc(time.Second, func() {
			for _, f := range c.funcs {
				f.Release()
			}
		})
	})
}

func (c *conn) Send(ctx context.Context, b []byte) error {
	if len(b) > transport.MessageBytesMax {
		c.end(transport.ErrClosed)
		return transport.ErrTooLarge
	}
	for {
		select {
		case <-c.dead:
			return c.err
		default:
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.ws.Get("bufferedAmount").Int() <= bufferedMax {
			break
		}
		time.Sleep(bufferedWait)
	}
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	c.ws.Call("send", a) // on a closing socket the browser drops it and tells by onclose
	return nil
}

func (c *conn) Receive(ctx context.Context) ([]byte, error) {
	select {
	case b := <-c.inbox: // before the end: what came in time counts
		return c.take(b)
	default:
	}
	select {
	case b := <-c.inbox:
		return c.take(b)
	case <-c.dead:
		return nil, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *conn) take(b []byte) ([]byte, error) {
	c.bytes.Add(-int64(len(b)))
	return b, nil
}

func (c *conn) Close() error {
	c.end(transport.ErrClosed)
	return nil
}
