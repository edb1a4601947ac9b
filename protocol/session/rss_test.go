//go:build linux

package session_test

import (
	"bufio"
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"paperplane/protocol/session"
	"paperplane/transport/transporttest"
	"paperplane/transport/ws"
)

var (
	rssConns = flag.Int("rss", 0, "measure the server's memory with this many sessions over TLS WebSocket")
	rssServe = flag.Bool("rss.serve", false, "be the server of that measurement")
)

// rssMaxKB is the budget per connected client, TLS and session included.
const rssMaxKB = 24

// TestMemoryPerSession opens sessions from this process to a server in another one and wants
// the server's resident memory below the budget for each. It runs with -rss N.
func TestMemoryPerSession(t *testing.T) {
	switch {
	case *rssServe:
		serveRSS(t)
		return
	case *rssConns == 0:
		return // behind its flag: it takes half a minute and most of the file descriptors
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestMemoryPerSession$", "-rss.serve", "-test.timeout=10m")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	ask := func(args ...any) {
		t.Helper()
		fmt.Fprintln(in, "say")
		if !lines.Scan() {
			t.Fatal("the server is gone")
		}
		if _, err := fmt.Sscan(lines.Text(), args...); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
	}
	lines.Scan()
	var address string
	var fp, der []byte
	if _, err := fmt.Sscanf(lines.Text(), "%s %x %x", &address, &fp, &der); err != nil {
		t.Fatalf("%q: %v", lines.Text(), err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)

	var storm, idle, n0, rss0 int
	ask(&n0, &storm, &rss0)
	start := time.Now()
	conns := make([]*session.Conn, *rssConns)
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			dialer := ws.NewDialerFrom(&stdtls.Config{RootCAs: pool, ServerName: "localhost"}, net.IPv4(127, 0, 1, byte(1+w%8)))
			for i := w; i < len(conns); i += 64 {
				carrier, err := dialer.Dial(t.Context(), address)
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				c, err := session.NewClient(session.Config{ServerKey: session.ServerKey{Fingerprint: [32]byte(fp)}})
				if err != nil {
					t.Error(err)
					return
				}
				if conns[i], _, err = c.Attach(t.Context(), carrier); err != nil {
					t.Errorf("attach: %v", err)
					return
				}
				if err := conns[i].Send(t.Context(), make([]byte, 1024)); err != nil {
					t.Error(err)
				}
				if _, err := conns[i].Receive(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	time.Sleep(2 * session.AckDelay) // a real wait for a real process
	var n int
	ask(&n, &storm, &idle)
	if n != *rssConns {
		t.Errorf("the server has %d sessions, want %d", n, *rssConns)
	}
	per := float64(idle-rss0) / float64(n)
	t.Logf("%d sessions in %v (%.0f/s): %.1f KB each after GC, %.1f right after the storm; server idle %d KB",
		n, took.Round(time.Millisecond), float64(n)/took.Seconds(), per, float64(storm-rss0)/float64(n), rss0)
	if per > rssMaxKB {
		t.Errorf("%.1f KB per session, want at most %d", per, rssMaxKB)
	}
}

func serveRSS(t *testing.T) {
	cert, _ := transporttest.Certificate(t)
	key, err := session.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := ws.NewListener()
	web := &http.Server{Handler: h, TLSConfig: &stdtls.Config{Certificates: []stdtls.Certificate{cert}}}
	go web.ServeTLS(l, "", "")
	srv := session.NewServer(key, session.Options{})
	go func() {
		for {
			c, err := h.Accept(context.Background())
			if err != nil {
				return
			}
			go srv.Serve(context.Background(), c, echo)
		}
	}()
	fmt.Printf("wss://%s/s %x %x\n", l.Addr(), key.Fingerprint(), cert.Certificate[0])
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		before := rss(t)
		for range 4 { // stacks shrink by half at each collection
			runtime.GC()
		}
		debug.FreeOSMemory()
		fmt.Println(srv.Len(), before, rss(t))
	}
	os.Exit(0)
}

// rss returns the resident memory of this process in KB.
func rss(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var kb int
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}
