package front_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"paperplane/server/front"
)

// TestLimiter: an address opens burst sessions at once and perMinute a minute; one more is
// refused; IPv6 counts by /64; loopback is not bound; a new hour forgets.
func TestLimiter(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	l := front.NewLimiter(2, 3, func() time.Time { return now })
	count := func(remote string) (n int) {
		for n < 50 && l.Allow(remote) {
			n++
		}
		return n
	}
	for _, c := range []struct {
		what, remote string
		want         int
	}{
		{"at once", "192.0.2.1:1000", 3},
		{"another port", "192.0.2.1:1001", 0},
		{"another address", "192.0.2.2:1000", 3},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:1000", 0},
		{"IPv6", "[2001:db8::1]:1", 3},
		{"the same /64", "[2001:db8::ffff:1]:1", 0},
		{"another /64", "[2001:db8:0:1::1]:1", 3},
		{"loopback", "127.0.0.1:1", 50},
		{"loopback, IPv6", "[::1]:1", 50},
		{"no address", "somewhere", 0},
	} {
		if got := count(c.remote); got != c.want {
			t.Errorf("%s: got %d, want %d", c.what, got, c.want)
		}
	}
	now = now.Add(time.Minute)
	if got := count("192.0.2.1:1"); got != 2 {
		t.Errorf("a minute later: got %d, want 2", got)
	}
	now = now.Add(time.Hour)
	if got := count("192.0.2.1:1"); got != 3 {
		t.Errorf("an hour later: got %d, want 3", got)
	}
}

func handler(healthy bool) http.Handler {
	say := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, what) })
	}
	return front.Handler(front.Config{Session: say("session"), Pages: say("page"), Healthy: func() bool { return healthy },
		Limiter: front.NewLimiter(1, 1, time.Now)})
}

// TestPaths: each path leads to its handler, and what is too long or has a body is refused.
func TestPaths(t *testing.T) {
	for _, c := range []struct {
		path, body string
		healthy    bool
		code       int
		want       string
	}{
		{"/healthz", "", true, 200, "ok\n"},
		{"/healthz", "", false, 503, "not taking"},
		{"/s", "", true, 200, "session"},
		{"/", "", true, 200, "page"},
		{"/i", "", true, 200, "page"},
		{"/" + strings.Repeat("x", 1023), "", true, 200, "page"},
		{"/" + strings.Repeat("x", 1024), "", true, 414, "too long"},
		{"/", "body", true, 413, "no body"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", c.path, strings.NewReader(c.body))
		r.RemoteAddr = "192.0.2.1:5"
		handler(c.healthy).ServeHTTP(w, r)
		if w.Code != c.code || !strings.HasPrefix(w.Body.String(), c.want) {
			t.Errorf("%.20s: got %d %q, want %d %q", c.path, w.Code, w.Body, c.code, c.want)
		}
	}
	h, codes := handler(true), []int{}
	for range 2 {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/s", nil)
		r.RemoteAddr = "192.0.2.1:5"
		h.ServeHTTP(w, r)
		codes = append(codes, w.Code)
	}
	if codes[0] != 200 || codes[1] != 429 {
		t.Errorf("two sessions where one is allowed: got %v, want 200 and 429", codes)
	}
}

// TestSlowAndRubbish: who sends a head byte by byte is cut off after HeadTime, who sends rubbish
// or an endless head at once, and others are served meanwhile.
func TestSlowAndRubbish(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hs := front.Server(handler(true))
	hs.ReadHeaderTimeout = 300 * time.Millisecond // stands for HeadTime, which the next lines check
	if real := front.Server(nil); real.ReadHeaderTimeout != front.HeadTime || real.ReadTimeout == 0 || real.IdleTimeout == 0 ||
		real.WriteTimeout == 0 || real.MaxHeaderBytes != front.HeadBytesMax {
		t.Error("the real server lacks a bound")
	}
	done := make(chan error, 1)
	go func() { done <- hs.Serve(l) }()
	t.Cleanup(func() { _ = hs.Close(); <-done })

	slow, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	began := time.Now()
	go func() {
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(slow, "%c", "GET / HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"[min(i, 60)]); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	for what, text := range map[string]string{
		"rubbish":      "\x00\xff\x13rubbish\r\n\r\n",
		"endless head": "GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 64<<10) + "\r\n\r\n",
	} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, text)
		_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil && resp.StatusCode < 400 {
			t.Errorf("%s: got %d, want a refusal", what, resp.StatusCode)
		}
		_ = c.Close()
	}
	resp, err := http.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("others meanwhile: got error %v, want 200", err)
	}
	_ = resp.Body.Close()
	_ = slow.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.ReadAll(slow)
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("slow head: held for %v, want cut off after the head's time", took)
	}
}
