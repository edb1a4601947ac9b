//go:build !js

package tls_test

import (
	"context"
	stdtls "crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"paperplane/transport"
	"paperplane/transport/tls"
	"paperplane/transport/transporttest"
)

// open returns a listener and a raw TLS connection to it, with the accepted end.
func open(t *testing.T) (raw net.Conn, accepted transport.MessageConn) {
	t.Helper()
	cert, pool := transporttest.Certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := tls.NewListener(l, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
	t.Cleanup(func() { _ = ln.Close() })
	tcp, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tcp.Close() })
	if accepted, err = ln.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	return stdtls.Client(tcp, &stdtls.Config{RootCAs: pool, ServerName: "localhost"}), accepted
}

// TestHostilePeer: a length above the limit is refused before anything is read, and a stream
// that ends in the middle of a message delivers nothing.
func TestHostilePeer(t *testing.T) {
	for name, c := range map[string]struct {
		length uint32
		body   int
		want   error
	}{
		"one-above":  {transport.MessageBytesMax + 1, 0, transport.ErrTooLarge},
		"four-giga":  {1<<32 - 1, 0, transport.ErrTooLarge},
		"cut-short":  {1000, 999, transport.ErrUnreachable},
		"no-message": {0, -1, transport.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			raw, conn := open(t)
			go func() {
				if c.body >= 0 {
					msg := append(binary.BigEndian.AppendUint32(nil, c.length), make([]byte, c.body)...)
					_, _ = raw.Write(msg)
				}
				if errors.Is(c.want, transport.ErrUnreachable) {
					_ = raw.Close()
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if b, err := conn.Receive(ctx); !errors.Is(err, c.want) {
				t.Errorf("%d bytes, error %v; want %v", len(b), err, c.want)
			}
		})
	}
}

// TestNotTLS: rubbish instead of a hello, and silence, end with Receive's context at the
// latest; Accept is not held up by either.
func TestNotTLS(t *testing.T) {
	_, conn := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := conn.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v, want a deadline", err)
	}
	raw, conn := open(t)
	go func() { _, _ = raw.(*stdtls.Conn).NetConn().Write([]byte(strings.Repeat("GET / HTTP/1.1\r\n", 10))) }()
	if _, err := conn.Receive(t.Context()); !errors.Is(err, transport.ErrUnreachable) {
		t.Errorf("rubbish: %v, want ErrUnreachable", err)
	}
}

// TestLengthCostsNothing: many announced messages of the largest size, of which nothing
// comes, do not reserve their memory.
func TestLengthCostsNothing(t *testing.T) {
	const conns = 50
	var before, after runtime.MemStats
	var held []transport.MessageConn
	raws := make([]net.Conn, conns)
	for i := range raws {
		raw, c := open(t)
		raws[i] = raw
		held = append(held, c)
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i, c := range held {
		go func() { _, _ = c.Receive(context.Background()) }()
		if _, err := raws[i].Write(binary.BigEndian.AppendUint32(nil, transport.MessageBytesMax)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond) // nothing tells when a peer has read a length
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > conns*100<<10 {
		t.Errorf("%d KB for each announced message, want far below %d", grown>>10/conns, transport.MessageBytesMax>>10)
	}
}
