//go:build !js

package browser_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"paperplane/transport"
	"paperplane/transport/ws"
)

// TestUnderNode builds the suite for the browser, runs it under Node (whose WebSocket has the
// browser's interface) and relays between its connections. It needs Node 20.10 or later.
func TestUnderNode(t *testing.T) {
	if testing.Short() {
		return // it builds for another platform first
	}
	r := &relay{rooms: map[string]*room{}}
	srv := httptest.NewServer(r)
	defer r.wg.Wait()
	defer srv.CloseClientConnections()
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	wrapper := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "go_js_wasm_exec")
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-run=^TestBrowser$", "-v", "-timeout=60s", "-exec="+wrapper, ".")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "NODE_OPTIONS=--experimental-websocket",
		"PP_TEST_RELAY=ws"+strings.TrimPrefix(srv.URL, "http")+"/")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS: TestBrowser/") < 10 {
		t.Fatalf("%v\n%s", err, out)
	}
}

// relay joins a connection to ROOM/dial with one to ROOM/accept.
type relay struct {
	wg    sync.WaitGroup
	mu    sync.Mutex
	rooms map[string]*room
}

type room struct {
	waiting chan transport.MessageConn
	closed  bool
}

func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	name, what := path.Split(req.URL.Path)
	r.mu.Lock()
	rm := r.rooms[name]
	if rm == nil {
		rm = &room{waiting: make(chan transport.MessageConn, 16)}
		r.rooms[name] = rm
	}
	if what == "close" {
		rm.closed = true
	}
	closed := rm.closed
	r.mu.Unlock()
	if what == "dial" && closed {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	l := ws.NewListener()
	r.wg.Go(func() {
		c, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		switch what {
		case "accept":
			rm.waiting <- c
		case "dial":
			r.join(rm, c)
		default:
			_ = c.Close()
		}
	})
	l.ServeHTTP(w, req)
	_ = l.Close()
}

// join finds a live accepter: some have given up waiting.
func (r *relay) join(rm *room, c transport.MessageConn) {
	for {
		a := <-rm.waiting
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := a.Send(ctx, []byte("joined"))
		if err == nil {
			_, err = a.Receive(ctx)
		}
		cancel()
		if err != nil {
			continue
		}
		r.wg.Go(func() { pump(c, a) })
		pump(a, c)
		return
	}
}

// pump moves messages one way. The largest go slowly: a browser reads whether or not anybody
// calls Receive, and the suite wants Send to wait.
func pump(from, to transport.MessageConn) {
	defer from.Close()
	defer to.Close()
	for {
		b, err := from.Receive(context.Background())
		if err != nil {
			return
		}
		if len(b) == transport.MessageBytesMax {
			time.Sleep(20 * time.Millisecond)
		}
		if to.Send(context.Background(), b) != nil {
			return
		}
	}
}
