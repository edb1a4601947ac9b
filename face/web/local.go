package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"paperplane/face/api"
	"paperplane/protocol/plane"
)

const (
	// callTime bounds one call; the core answers sooner or says that it is offline.
	callTime = 60 * time.Second
	// callsMax bounds the calls under way on one connection; a further one waits.
	callsMax = 64
	// uploadBytesMax bounds one file put through the local door: what a server takes, and no less.
	uploadBytesMax = plane.BlobChunksMax * plane.BlobChunkBytes
)

// NewToken returns a fresh secret for Local.
func NewToken() string {
	var b [18]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Local serves one account's core, and the app over it, to the same person's programs on this
// machine. Bind it to a loopback address only.
//
// Who holds token gets everything; nobody else gets anything: other users of the machine lack
// the token, and web pages are kept out by the checks of Host and Origin and by the cookie,
// which is SameSite=Strict. "/?token=…" turns the token into the cookie. Browsers show a cookie to
// every port of a host, so whoever opens a page that another user of the same machine serves on
// loopback shows that user the token; it dies with the process.
func Local(c api.Core, token string) http.Handler {
	l := &local{core: c, token: token, app: Handler(CoreLocal)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api", l.guarded(l.socket))
	mux.HandleFunc("POST /files", l.guarded(l.put))
	mux.HandleFunc("GET /files/{ref}", l.guarded(l.get))
	mux.HandleFunc("/", l.page)
	return mux
}

type local struct {
	core  api.Core
	token string
	app   http.Handler
}

// loopbackHost says whether a Host header names this machine by a name that no other machine's
// owner can give to it.
func loopbackHost(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return false // always with a port: we never listen on 80
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil && (name == "127.0.0.1" || name == "::1" || name == "localhost")
}

// cookieName tells the cookies of several accounts on one machine apart: cookies know no ports.
func cookieName(host string) string {
	_, port, _ := net.SplitHostPort(host)
	return "pp-local-" + port
}

func (l *local) holds(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(secret), []byte(l.token)) == 1
}

// allowed checks Host (DNS rebinding), Origin (other pages) and the token.
func (l *local) allowed(r *http.Request) bool {
	if !loopbackHost(r.Host) {
		return false
	}
	if o := r.Header.Get("Origin"); o != "" && o != "http://"+r.Host {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return false
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return l.holds(bearer)
	}
	c, err := r.Cookie(cookieName(r.Host))
	return err == nil && l.holds(c.Value)
}

func (l *local) guarded(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		SetHeaders(w.Header())
		if !l.allowed(r) {
			http.Error(w, "This is somebody's messenger. Open it with the address that `paperplane app` prints.", http.StatusForbidden)
			return
		}
		f(w, r)
	}
}

func (l *local) page(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && loopbackHost(r.Host) && l.holds(r.URL.Query().Get("token")) {
		SetHeaders(w.Header())
		http.SetCookie(w, &http.Cookie{Name: cookieName(r.Host), Value: l.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	l.guarded(l.app.ServeHTTP)(w, r)
}

// socket carries calls up and answers and events down, one JSON text a message.
func (l *local) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(api.CallBytesMax)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	events, stop := l.core.Listen()
	defer stop()
	tasks.Go(func() {
		defer cancel()
		for {
			select {
			case <-ctx.Done():
				return
			case e, ok := <-events:
				if !ok || conn.Write(ctx, websocket.MessageText, e) != nil {
					return
				}
			}
		}
	})
	slots := make(chan struct{}, callsMax)
	for {
		_, msg, err := conn.Read(ctx)
		if err != nil {
			return
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		tasks.Go(func() {
			defer func() { <-slots }()
			callCtx, done := context.WithTimeout(ctx, callTime)
			defer done()
			_ = conn.Write(ctx, websocket.MessageText, l.core.Call(callCtx, msg))
		})
	}
}

// put answers {"ref", "size"}.
func (l *local) put(w http.ResponseWriter, r *http.Request) {
	ref, size, err := l.core.PutFile(r.Context(), http.MaxBytesReader(w, r.Body, uploadBytesMax))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		http.Error(w, "the file is too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the file could not be stored", http.StatusInsufficientStorage)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(putAnswer{ref, size})
}

type putAnswer struct {
	Ref  string `json:"ref"`
	Size int64  `json:"size"`
}

func (l *local) get(w http.ResponseWriter, r *http.Request) {
	f, err := l.core.OpenFile(r.Context(), r.PathValue("ref"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	// Never shown inline by type: the page makes its own blob of the bytes.
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.Copy(w, f)
}
