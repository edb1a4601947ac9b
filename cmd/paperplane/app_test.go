package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// startApp runs `paperplane app` and returns the address that it prints; stop interrupts it.
func startApp(t *testing.T) (addr *url.URL, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		code := dispatch(ctx, &environment{strings.NewReader(""), w, w}, []string{"app"})
		_ = w.Close()
		done <- code
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("no address: %v", err)
	}
	addr, err = url.Parse(strings.TrimSpace(line))
	if err != nil || addr.Query().Get("token") == "" {
		t.Fatalf("got %q, %v, want an address with a token", line, err)
	}
	return addr, func() {
		t.Helper()
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("exit code: got %d, want 0", code)
		}
	}
}

// TestApp shows what keeps others out of the local app besides the checks of face/web: it listens on
// loopback alone, the secret lies where only its owner reads, is another at each start and ends with it.
func TestApp(t *testing.T) {
	private()
	root := filepath.Join(t.TempDir(), "home")
	t.Setenv("PAPERPLANE_HOME", root)
	t.Setenv("PAPERPLANE_ACCOUNT", "")
	first, stop := startApp(t)
	if ip := net.ParseIP(first.Hostname()); first.Scheme != "http" || !ip.IsLoopback() {
		t.Errorf("got %s, want http on loopback", first)
	}
	away := elsewhere(t)
	for _, ip := range away {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort(ip, first.Port())); err == nil {
			_ = conn.Close()
			t.Errorf("it answers at %s", ip)
		}
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]os.FileMode{"": 0o700, "local.json": 0o600, "key": 0o600} {
			info, err := os.Stat(filepath.Join(root, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%q: got %v, %v, want %v", name, info.Mode().Perm(), err, want)
			}
		}
	}
	for path, want := range map[string]int{"/": http.StatusForbidden, "/api": http.StatusForbidden, "/files/x": http.StatusForbidden} {
		if got := status(t, "http://"+first.Host+path); got != want {
			t.Errorf("%s without the secret: got %d, want %d", path, got, want)
		}
	}
	if got := status(t, first.String()); got != http.StatusSeeOther {
		t.Errorf("with the secret: got %d, want %d", got, http.StatusSeeOther)
	}
	if code, out := runLine(t, "open"); code != 0 || out != first.String()+"\n" {
		t.Errorf("a second one, by its old name: got %d %q, want 0 and %q", code, out, first)
	}
	stop()
	if _, err := os.Stat(filepath.Join(root, "local.json")); err == nil {
		t.Error("the secret stays after the end")
	}
	second, stop := startApp(t)
	defer stop()
	if first.Query().Get("token") == second.Query().Get("token") {
		t.Error("two starts have the same secret")
	}
	q := url.Values{"token": first.Query()["token"]}
	if got := status(t, "http://"+second.Host+"/?"+q.Encode()); got != http.StatusForbidden {
		t.Errorf("with the secret of before: got %d, want %d", got, http.StatusForbidden)
	}
}

// status asks for one page.
func status(t *testing.T, addr string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// elsewhere are the addresses of this machine that others can reach.
func elsewhere(t *testing.T) (list []string) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	return list
}
