//go:build !js

package ws_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"paperplane/transport"
	"paperplane/transport/ws"
)

// TestHostileClient: messages above the limit, text messages and broken frames end the
// connection at the listener's end with an error of its own, and nothing is delivered.
func TestHostileClient(t *testing.T) {
	l := ws.NewListener()
	srv := httptest.NewServer(l)
	defer srv.Close()
	for name, c := range map[string]struct {
		send func(*testing.T, *gorilla.Conn)
		want error
	}{
		"too-large": {func(t *testing.T, c *gorilla.Conn) {
			_ = c.WriteMessage(gorilla.BinaryMessage, make([]byte, transport.MessageBytesMax+1))
		}, transport.ErrTooLarge},
		"too-large-in-fragments": {func(t *testing.T, c *gorilla.Conn) {
			w, err := c.NextWriter(gorilla.BinaryMessage)
			if err != nil {
				t.Fatal(err)
			}
			for range transport.MessageBytesMax/1000 + 1 {
				_, _ = w.Write(make([]byte, 1000))
			}
			_ = w.Close()
		}, transport.ErrTooLarge},
		"text": {func(t *testing.T, c *gorilla.Conn) {
			_ = c.WriteMessage(gorilla.TextMessage, []byte("hello"))
		}, transport.ErrUnreachable},
		"rubbish": {func(t *testing.T, c *gorilla.Conn) {
			_, _ = c.NetConn().Write([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
		}, transport.ErrUnreachable},
		"not-masked": {func(t *testing.T, c *gorilla.Conn) {
			_, _ = c.NetConn().Write([]byte{0x82, 1, 'x'})
		}, transport.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan transport.MessageConn, 1)
			go func() {
				c, err := l.Accept(context.Background())
				if err != nil {
					t.Errorf("accept: %v", err)
				}
				done <- c
			}()
			g, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			conn := <-done
			defer conn.Close()
			go c.send(t, g)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if b, err := conn.Receive(ctx); !errors.Is(err, c.want) || b != nil {
				t.Errorf("%d bytes, error %v; want %v", len(b), err, c.want)
			}
		})
	}
}

// TestHostileServer: the same at the dialer's end.
func TestHostileServer(t *testing.T) {
	var send func(context.Context, *websocket.Conn)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		send(r.Context(), c)
		_, _, _ = c.Read(r.Context())
	}))
	defer srv.Close()
	address := "ws" + strings.TrimPrefix(srv.URL, "http")
	for name, c := range map[string]struct {
		kind websocket.MessageType
		size int
		want error
	}{
		"at-the-limit": {websocket.MessageBinary, transport.MessageBytesMax, nil},
		"too-large":    {websocket.MessageBinary, transport.MessageBytesMax + 1, transport.ErrTooLarge},
		"text":         {websocket.MessageText, 5, transport.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			send = func(ctx context.Context, w *websocket.Conn) { _ = w.Write(ctx, c.kind, make([]byte, c.size)) }
			conn, err := ws.NewDialer(nil).Dial(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if b, err := conn.Receive(t.Context()); !errors.Is(err, c.want) || (err == nil && len(b) != c.size) {
				t.Errorf("%d bytes, error %v; want %v", len(b), err, c.want)
			}
		})
	}
}

// TestNotAnUpgrade: ordinary requests get a plain 400, and 503 after Close; an answer that is
// no upgrade, and a redirect, are ErrUnreachable for the dialer.
func TestNotAnUpgrade(t *testing.T) {
	l := ws.NewListener()
	srv := httptest.NewServer(l)
	defer srv.Close()
	status(t, srv.URL, http.StatusBadRequest)
	_ = l.Close()
	status(t, srv.URL, http.StatusServiceUnavailable)
	other := httptest.NewServer(http.RedirectHandler(srv.URL, http.StatusFound))
	defer other.Close()
	for _, url := range []string{srv.URL, other.URL} {
		if _, err := ws.NewDialer(nil).Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http")); !errors.Is(err, transport.ErrUnreachable) {
			t.Errorf("dial: %v, want ErrUnreachable", err)
		}
	}
}

func status(t *testing.T, url string, want int) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("status %d, want %d", resp.StatusCode, want)
	}
}
