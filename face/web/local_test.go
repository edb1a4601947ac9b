package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"paperplane/client"
	"paperplane/core"
	"paperplane/face/api"
)

// fakeCore answers "echo" with its arguments and "slow" when it is released; files lie in a map.
type fakeCore struct {
	mu        sync.Mutex
	files     map[string][]byte
	full      bool
	listeners map[chan []byte]bool
	release   chan struct{}
}

func newFake() *fakeCore {
	return &fakeCore{files: map[string][]byte{}, listeners: map[chan []byte]bool{}, release: make(chan struct{})}
}

func (f *fakeCore) Call(ctx context.Context, request []byte) []byte {
	var c struct {
		ID, Cmd string
		Args    json.RawMessage
	}
	if json.Unmarshal(request, &c) != nil {
		return refused("", core.ErrBadArguments)
	}
	switch c.Cmd {
	case "echo":
		b, _ := json.Marshal(map[string]any{"id": c.ID, "ok": c.Args})
		return b
	case "slow":
		select {
		case <-f.release:
		case <-ctx.Done():
		}
		b, _ := json.Marshal(map[string]any{"id": c.ID, "ok": c.Args})
		return b
	}
	return refused(c.ID, core.ErrUnknown)
}

func (f *fakeCore) Listen() (<-chan []byte, func()) {
	ch := make(chan []byte, 16)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners[ch] = true
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.listeners[ch] {
			delete(f.listeners, ch)
			close(ch)
		}
	}
}

// end ends the core.
func (f *fakeCore) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ch := range f.listeners {
		delete(f.listeners, ch)
		close(ch)
	}
}

// tell waits until somebody listens, and then tells all.
func (f *fakeCore) tell(t *testing.T, e string) {
	t.Helper()
	for range 500 {
		f.mu.Lock()
		n := len(f.listeners)
		for ch := range f.listeners {
			ch <- []byte(e)
		}
		f.mu.Unlock()
		if n > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nobody listens")
}

func (f *fakeCore) PutFile(_ context.Context, r io.Reader) (string, int64, error) {
	var b bytes.Buffer
	_, err := io.CopyN(&b, r, 1<<20) // keeps the beginning
	rest, err2 := io.Copy(io.Discard, r)
	if err != nil && !errors.Is(err, io.EOF) || err2 != nil {
		return "", 0, errors.Join(err, err2)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return "", 0, errors.New("full")
	}
	f.files["f-1"] = b.Bytes()
	return "f-1", int64(b.Len()) + rest, nil
}

func (f *fakeCore) OpenFile(_ context.Context, ref string) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.files[ref]
	if !ok {
		return nil, errors.New("absent")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

const testToken = "the-right-token"

func newLocal(t *testing.T) (*fakeCore, *httptest.Server) {
	t.Helper()
	f := newFake()
	f.files["f-9"] = []byte("secret file")
	s := httptest.NewServer(Local(f, testToken))
	t.Cleanup(s.Close)
	return f, s
}

// TestLocalGuards shows who gets in: only who has the token, asks this machine by its own name, and
// does not come from another page. Each refused case differs from an allowed one in one thing.
func TestLocalGuards(t *testing.T) {
	_, s := newLocal(t)
	here := strings.TrimPrefix(s.URL, "http://")
	_, port, _ := strings.Cut(here, ":")
	cases := []struct {
		name, method, path, host, origin, site, bearer, cookie string
		want                                                   int
	}{
		{name: "bearer", path: "/files/f-9", bearer: testToken, want: 200},
		{name: "cookie", path: "/files/f-9", cookie: testToken, want: 200},
		{name: "localhost", path: "/files/f-9", host: "localhost:" + port, cookie: testToken, want: 200},
		{name: "own-origin", path: "/files/f-9", origin: s.URL, site: "same-origin", cookie: testToken, want: 200},
		{name: "typed-address", path: "/files/f-9", site: "none", cookie: testToken, want: 200},
		{name: "nothing", path: "/files/f-9", want: 403},
		{name: "wrong-bearer", path: "/files/f-9", bearer: testToken + "x", want: 403},
		{name: "short-bearer", path: "/files/f-9", bearer: testToken[:5], want: 403},
		{name: "wrong-cookie", path: "/files/f-9", cookie: "x", want: 403},
		{name: "wrong-bearer-beats-cookie", path: "/files/f-9", bearer: "x", cookie: testToken, want: 403},
		{name: "rebound-name", path: "/files/f-9", host: "evil.example:" + port, cookie: testToken, want: 403},
		{name: "name-that-begins-well", path: "/files/f-9", host: "127.0.0.1.evil.example:" + port, cookie: testToken, want: 403},
		{name: "bracket-that-begins-well", path: "/files/f-9", host: "[::1].evil.example:" + port, cookie: testToken, want: 403},
		{name: "no-port", path: "/files/f-9", host: "localhost", cookie: testToken, want: 403},
		{name: "other-origin", path: "/files/f-9", origin: "https://evil.example", cookie: testToken, want: 403},
		{name: "other-port", path: "/files/f-9", origin: "http://127.0.0.1:1", cookie: testToken, want: 403},
		{name: "null-origin", path: "/files/f-9", origin: "null", cookie: testToken, want: 403},
		{name: "other-port-without-origin", path: "/files/f-9", site: "same-site", cookie: testToken, want: 403},
		{name: "other-site", path: "/files/f-9", site: "cross-site", cookie: testToken, want: 403},
		{name: "socket-nothing", path: "/api", want: 403},
		{name: "socket-other-origin", path: "/api", origin: "https://evil.example", cookie: testToken, want: 403},
		{name: "socket-no-upgrade", path: "/api", bearer: testToken, want: 426},
		{name: "put-nothing", method: "POST", path: "/files", want: 403},
		{name: "put", method: "POST", path: "/files", bearer: testToken, want: 200},
		{name: "absent-file", path: "/files/f-8", bearer: testToken, want: 404},
		{name: "page-nothing", path: "/", want: 403},
		{name: "page-wrong-token", path: "/?token=wrong", want: 403},
		{name: "page-empty-token", path: "/?token=", want: 403},
		{name: "page-token-other-host", path: "/?token=" + testToken, host: "evil.example:" + port, want: 403},
		{name: "page-token-by-post", method: "POST", path: "/?token=" + testToken, want: 403},
		{name: "page-token", path: "/?token=" + testToken, want: 303},
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.host != "" {
				r.Host = c.host
			}
			set := func(k, v string) {
				if v != "" {
					r.Header.Set(k, v)
				}
			}
			set("Origin", c.origin)
			set("Sec-Fetch-Site", c.site)
			if c.bearer != "" {
				r.Header.Set("Authorization", "Bearer "+c.bearer)
			}
			if c.cookie != "" {
				r.AddCookie(&http.Cookie{Name: "pp-local-" + port, Value: c.cookie})
			}
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != c.want {
				t.Errorf("got %d, want %d", res.StatusCode, c.want)
			}
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != 200 && bytes.Contains(body, []byte("secret file")) {
				t.Error("the refusal holds the file")
			}
			if got := res.Header.Get("Content-Security-Policy"); c.want != 404 && got != Policy {
				t.Errorf("policy: got %q", got)
			}
		})
	}
}

// TestLocalCookie shows that the printed address makes a cookie that no script and no other site
// gets, takes the token out of the address, and opens the socket.
func TestLocalCookie(t *testing.T) {
	_, s := newLocal(t)
	jar, _ := cookiejar.New(nil)
	var landed string
	c := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error { landed = r.URL.String(); return nil }}
	res, err := c.Get(s.URL + "/?token=" + testToken)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if landed != s.URL+"/" {
		t.Errorf("landed at %q, want %q", landed, s.URL+"/")
	}
	if res.StatusCode == http.StatusForbidden {
		t.Error("the page is refused with the cookie")
	}
	none := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err = none.Get(s.URL + "/?token=" + testToken)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	set := res.Header.Get("Set-Cookie")
	if !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") {
		t.Errorf("cookie: got %q, want HttpOnly and SameSite=Strict", set)
	}
	conn, _, err := websocket.Dial(t.Context(), s.URL+"/api", &websocket.DialOptions{HTTPClient: c, HTTPHeader: http.Header{"Origin": {s.URL}}})
	if err != nil {
		t.Fatalf("socket with the cookie: %v", err)
	}
	_ = conn.CloseNow()
}

func dialFake(t *testing.T, s *httptest.Server) *Remote {
	t.Helper()
	r, err := DialLocal(t.Context(), s.URL, testToken)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// TestRemote shows calls that overtake each other, the same id twice at once, a refusal, events,
// and what happens when the other process ends.
func TestRemote(t *testing.T) {
	f, s := newLocal(t)
	if _, err := DialLocal(t.Context(), s.URL, "wrong"); err == nil {
		t.Error("a wrong token gets in")
	}
	r := dialFake(t, s)
	events, stop := r.Listen()
	defer stop()
	slow := make(chan []byte, 2)
	for range 2 {
		go func() { slow <- r.Call(t.Context(), []byte(`{"id":"same","cmd":"slow","args":1}`)) }()
	}
	got, err := api.Do[string](t.Context(), r, "echo", "salām")
	if err != nil || got != "salām" {
		t.Errorf("echo: got %q, %v", got, err)
	}
	close(f.release)
	for range 2 {
		if a := string(<-slow); a != `{"id":"same","ok":1}` {
			t.Errorf("slow: got %s", a)
		}
	}
	var e *client.Error
	if _, err := api.Do[string](t.Context(), r, "nonsense", 1); !errors.As(err, &e) || e.Code != core.ErrUnknown {
		t.Errorf("nonsense: got %v, want %s", err, core.ErrUnknown)
	}
	big := `{"id":"big","cmd":"echo","args":"` + strings.Repeat("x", api.CallBytesMax) + `"}`
	if a := string(r.Call(t.Context(), []byte(big))); !strings.Contains(a, string(core.ErrBadArguments)) {
		t.Errorf("a call over the limit: got %.80s, want %s", a, core.ErrBadArguments)
	}
	f.tell(t, `{"event":"resync"}`)
	if e := string(<-events); e != `{"event":"resync"}` {
		t.Errorf("event: got %s", e)
	}
	f.end()
	select {
	case <-r.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the end of the other process is not seen")
	}
	for range events { // ends
	}
	if _, err := api.Do[string](t.Context(), r, "echo", "x"); !errors.As(err, &e) || e.Code != core.ErrOffline {
		t.Errorf("after the end: got %v, want %s", err, core.ErrOffline)
	}
	if ch, _ := r.Listen(); ch != nil {
		if _, ok := <-ch; ok {
			t.Error("a listener after the end gets an event")
		}
	}
}

// TestRemoteFiles shows files going both ways, one byte over the limit, and a full disk.
func TestRemoteFiles(t *testing.T) {
	f, s := newLocal(t)
	r := dialFake(t, s)
	want := bytes.Repeat([]byte("paper"), 100_000)
	ref, n, err := r.PutFile(t.Context(), bytes.NewReader(want))
	if err != nil || n != int64(len(want)) {
		t.Fatalf("put: got %d bytes, %v", n, err)
	}
	src, err := r.OpenFile(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(src)
	src.Close()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("get: got %d bytes, %v; want %d", len(got), err, len(want))
	}
	if _, err := r.OpenFile(t.Context(), "f-0"); err == nil {
		t.Error("an absent file opens")
	}
	var e *client.Error
	if _, n, err := r.PutFile(t.Context(), zeros(uploadBytesMax)); err != nil || n != uploadBytesMax {
		t.Errorf("at the limit: got %d, %v", n, err)
	}
	if _, _, err := r.PutFile(t.Context(), zeros(uploadBytesMax+1)); !errors.As(err, &e) || e.Code != core.ErrFileLarge {
		t.Errorf("one byte over: got %v, want %s", err, core.ErrFileLarge)
	}
	f.mu.Lock()
	f.full = true
	f.mu.Unlock()
	if _, _, err := r.PutFile(t.Context(), strings.NewReader("x")); !errors.As(err, &e) || e.Code != core.ErrDiskFull {
		t.Errorf("disk full: got %v, want %s", err, core.ErrDiskFull)
	}
}

func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestLocalFileType shows that a file that is a page is given out as a download that no browser runs,
// keeps or guesses a type for.
func TestLocalFileType(t *testing.T) {
	f, s := newLocal(t)
	f.files["f-9"] = []byte("<!doctype html><script>alert(1)</script>")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/files/f-9", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for name, want := range map[string]string{"Content-Type": "application/octet-stream", "Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
