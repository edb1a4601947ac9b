//go:build js

package browser_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"paperplane/transport"
	"paperplane/transport/browser"
	"paperplane/transport/transporttest"
)

// TestBrowser runs the suite of every carrier. A script cannot listen: accepted connections
// are browser connections, too, which the relay of TestUnderNode joins with dialed ones.
func TestBrowser(t *testing.T) {
	relay := os.Getenv("PP_TEST_RELAY")
	if relay == "" {
		return // TestUnderNode sets it
	}
	var n atomic.Int32
	transporttest.Run(t, func(t *testing.T) transporttest.Way {
		room := relay + string(rune('a'+n.Add(1)))
		l := &listener{room: room, closed: make(chan struct{})}
		return transporttest.Way{Dialer: browser.Dialer{}, Listener: l, Address: room + "/dial", Nowhere: "ws://127.0.0.1:1/"}
	})
}

type listener struct {
	room   string
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept(ctx context.Context) (transport.MessageConn, error) {
	select {
	case <-l.closed:
		return nil, transport.ErrClosed
	default:
	}
	type result struct {
		c   transport.MessageConn
		err error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ch := make(chan result, 1)
	go func() {
		c, err := browser.Dialer{}.Dial(ctx, l.room+"/accept")
		if err == nil {
			if _, err = c.Receive(ctx); err == nil { // the relay asks whether it is still wanted
				err = c.Send(ctx, []byte("here"))
			}
			if err != nil {
				_ = c.Close()
			}
		}
		ch <- result{c, err}
	}()
	select {
	case r := <-ch:
		return r.c, r.err
	case <-l.closed:
		return nil, transport.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		if c, err := (browser.Dialer{}).Dial(context.Background(), l.room+"/close"); err == nil {
			_, _ = c.Receive(context.Background()) // until the relay hangs up
			_ = c.Close()
		}
	})
	return nil
}
