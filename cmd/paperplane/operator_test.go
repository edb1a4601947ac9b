package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"paperplane/transport"
)

// output collects what a command prints; safe for concurrent use.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func runCommand(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e output
	code = dispatch(t.Context(), &environment{in: strings.NewReader(""), out: &o, err: &e}, args)
	return code, o.String(), e.String()
}

// startServe runs "serve" until the test's end or stop; it returns what it printed and where it is.
func startServe(t *testing.T, dir string) (origin string, out *output, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out = &output{}
	done := make(chan int, 1)
	go func() {
		done <- dispatch(ctx, &environment{in: strings.NewReader(""), out: out, err: out},
			[]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"})
	}()
	stopped := false
	stop = func() (code int) {
		cancel()
		if !stopped {
			stopped = true
			code = <-done
		}
		return code
	}
	t.Cleanup(func() { stop() })
	for range 1500 {
		if _, rest, ok := strings.Cut(out.String(), "Paperplane serves "); ok && strings.Contains(rest, "/i#1.") {
			origin, _, _ = strings.Cut(rest, "\n")
			return origin, out, stop
		}
		time.Sleep(20 * time.Millisecond) // until the other goroutine listens
	}
	t.Fatalf("serve did not start:\n%s", out)
	return "", nil, nil
}

// TestUsage: wrong usage is exit code 2 with a hint, help is 0, and every command's help begins
// with its usage.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "usage: paperplane [--account NAME] COMMAND"},
		{[]string{"fly"}, 2, "no command \"fly\""},
		{[]string{"help"}, 0, "usage: paperplane [--account NAME] COMMAND"},
		{[]string{"help", "serve"}, 0, "usage: paperplane serve"},
		{[]string{"serve", "--help"}, 0, "usage: paperplane serve"},
		{[]string{"help", "fly"}, 2, "no command \"fly\""},
		{[]string{"version"}, 0, "paperplane "},
		{[]string{"serve"}, 2, "--data DIR"},
		{[]string{"serve", "--data", "x", "--nonsense"}, 2, "There is no option --nonsense."},
		{[]string{"chat", "--bogus"}, 2, "There is no option --bogus."},
		{[]string{"app", "--bogus"}, 2, "There is no option --bogus."},
		{[]string{"open", "--bogus"}, 2, "paperplane app: There is no option --bogus."},
		{[]string{"send", "--bogus"}, 2, "There is no option --bogus."},
		{[]string{"serve", "--data", "x", "--listen", "nowhere"}, 2, "listen must be"},
		{[]string{"serve", "--data", "x", "extra"}, 2, "extra"},
		{[]string{"backup", "--data", "x"}, 2, "where to write"},
		{[]string{"restore", "x"}, 2, "--data DIR"},
		{[]string{"doctor"}, 2, "--data DIR"},
		{[]string{"blank-sheet"}, 2, "--data DIR"},
		{[]string{"config"}, 2, "describe"},
		{[]string{"config", "describe"}, 0, "# listen ="},
	} {
		code, out, errs := runCommand(t, c.args...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%v: got %d and %q, want %d and %q", c.args, code, out+errs, c.code, c.want)
		}
	}
	for _, c := range commands() {
		if !strings.HasPrefix(c.help, "usage: paperplane "+c.name) || c.short == "" || c.run == nil {
			t.Errorf("%s: its help does not begin with its usage, or something of it is missing", c.name)
		}
	}
}

// TestListenDefault: with a domain the server listens for the world unless told otherwise.
func TestListenDefault(t *testing.T) {
	for want, args := range map[string][]string{
		"127.0.0.1:8765": {"--data", "x"},
		":443":           {"--data", "x", "--domain", "chat.example"},
		"127.0.0.1:99":   {"--data", "x", "--domain", "chat.example", "--listen", "127.0.0.1:99"},
	} {
		if _, cfg, err := serveFlags(args); err != nil || cfg.Listen != want {
			t.Errorf("%v: got %q, error %v; want %q", args, cfg.Listen, err, want)
		}
	}
}

// TestConfigFile: an unknown key in the file of serve is refused with file and line.
func TestConfigFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "paperplane.toml")
	if err := os.WriteFile(file, []byte("listen = \"127.0.0.1:0\"\nlisten_port = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := runCommand(t, "serve", "--data", t.TempDir(), "--config", file)
	if want := file + ": line 2: there is no setting \"listen_port\""; code != 1 || !strings.Contains(errs, want) {
		t.Errorf("got %d and %q, want 1 and %q", code, errs, want)
	}
}

// TestLife: serve, look at everything while it runs, stop, start again with the same invite,
// restore its backup elsewhere; then lose the key and be refused.
func TestLife(t *testing.T) {
	dir, tmp := filepath.Join(t.TempDir(), "data"), t.TempDir()
	origin, out, stop := startServe(t, dir)
	resp, err := http.Get(origin + "/healthz")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("healthz: got error %v, want 200", err)
	}
	_ = resp.Body.Close()
	invite, err := os.ReadFile(filepath.Join(dir, "invite.txt"))
	if err != nil || !strings.Contains(out.String(), "\n"+string(invite)) || !strings.HasPrefix(string(invite), origin+"/i#1.") {
		t.Errorf("invite: want it on a line of its own and in invite.txt; error %v", err)
	}
	tar := filepath.Join(tmp, "b.tar")
	for _, args := range [][]string{
		{"doctor", "--data", dir}, {"doctor", "--data", dir, "--json"}, {"blank-sheet", "--data", dir},
		{"blank-sheet", "--data", dir, "--json"}, {"backup", "--data", dir, tar}, {"backup", "--data", dir, tmp},
	} {
		if code, out, errs := runCommand(t, args...); code != 0 {
			t.Errorf("%v while serving: got %d, %s %s", args, code, out, errs)
		}
	}
	if code, _, errs := runCommand(t, "serve", "--data", dir, "--listen", "127.0.0.1:0"); code != 1 || !strings.Contains(errs, "another paperplane process") {
		t.Errorf("a second server on the folder: got %d and %q", code, errs)
	}
	if code := stop(); code != 0 {
		t.Errorf("stopped: got %d, want 0\n%s", code, out)
	}
	_, _, stop = startServe(t, dir)
	again, _ := os.ReadFile(filepath.Join(dir, "invite.txt"))
	tail := func(b []byte) string { _, t, _ := strings.Cut(string(b), "#"); return t }
	if tail(again) != tail(invite) { // the port differs, the door does not
		t.Error("after a restart: got another invite")
	}
	stop()
	if left, _ := filepath.Glob(filepath.Join(dir, "tables.db-*")); len(left) > 0 {
		t.Errorf("after stopping: %v is left", left)
	}
	copyDir := filepath.Join(tmp, "copy")
	if code, _, errs := runCommand(t, "restore", "--data", copyDir, tar); code != 0 {
		t.Errorf("restore: got %d, %s", code, errs)
	}
	if code, _, errs := runCommand(t, "restore", "--data", copyDir, tar); code != 1 || !strings.Contains(errs, "not empty") {
		t.Errorf("restore over it: got %d, %s", code, errs)
	}
	_, _, stop = startServe(t, copyDir)
	stop()
	if err := os.Remove(filepath.Join(dir, "server.key")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"serve", "doctor"} {
		code, out, errs := runCommand(t, name, "--data", dir)
		if code != 1 || !strings.Contains(out+errs, "server.key is missing") {
			t.Errorf("%s without the key: got %d and %q, want 1 and words about it", name, code, out+errs)
		}
	}
	for _, name := range []string{"doctor", "blank-sheet"} {
		if code, out, errs := runCommand(t, name, "--data", filepath.Join(tmp, "nothing")); code != 1 || !strings.Contains(out+errs, "no server data") {
			t.Errorf("%s of nothing: got %d and %q", name, code, out+errs)
		}
	}
}

// TestSocket: random bytes, an oversized frame and a silent client at the session's socket harm
// nobody; nothing of it, nor an address, is printed.
func TestSocket(t *testing.T) {
	origin, out, stop := startServe(t, filepath.Join(t.TempDir(), "data"))
	ws := "ws" + strings.TrimPrefix(origin, "http") + "/s"
	for name, message := range map[string][]byte{
		"rubbish":   []byte("canary-rubbish at the socket"),
		"oversized": make([]byte, transport.MessageBytesMax+1),
		"silent":    nil,
	} {
		c, _, err := websocket.DefaultDialer.Dial(ws, http.Header{"User-Agent": {"canary-agent"}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer func() { _ = c.Close() }()
		if message == nil {
			continue // it is held until the handshake's time is over, and others do not notice
		}
		_ = c.WriteMessage(websocket.BinaryMessage, message)
		// Below the handshake's time, which would end it, too.
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, _, err = c.ReadMessage()
		if err == nil {
			_, _, err = c.ReadMessage() // one refusal may come before the end
		}
		if late, ok := errors.AsType[net.Error](err); err == nil || ok && late.Timeout() {
			t.Errorf("%s: the connection goes on", name)
		}
	}
	raw, err := net.Dial("tcp", strings.TrimPrefix(origin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(raw, "canary-raw\x00\x01\x02\r\n\r\n")
	_ = raw.Close()
	resp, err := http.Get(origin + "/healthz")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("afterwards: got error %v, want 200", err)
	}
	_ = resp.Body.Close()
	stop()
	text := out.String()
	_, logged, _ := strings.Cut(text, "/i#1.")
	for _, canary := range []string{"canary", "127.0.0.1"} {
		if strings.Contains(logged, canary) {
			t.Errorf("%q was printed:\n%s", canary, logged)
		}
	}
}

// TestQR: the drawing is square, framed and has the link's size.
func TestQR(t *testing.T) {
	text, err := qrText("http://127.0.0.1:8765/i#1." + strings.Repeat("A", 115))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	plain := func(s string) []rune {
		s = strings.TrimPrefix(s, "\x1b[30;107m")
		return []rune(strings.TrimSuffix(s, "\x1b[0m"))
	}
	width := len(plain(lines[0]))
	if width < 40 || len(lines) != (width+1)/2 {
		t.Errorf("got %d columns and %d lines, want a square of half blocks", width, len(lines))
	}
	if got := string(plain(lines[0])); strings.TrimSpace(got) != "" {
		t.Errorf("first line: got %q, want the quiet zone", got)
	}
}
