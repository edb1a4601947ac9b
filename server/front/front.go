// Package front is a server's face to the network: one HTTP server for the health check, the
// sessions' carrier and the pages, with bounds against whoever comes to waste it.
//
// Nobody's address is stored or printed: it is turned into a key of a bucket in memory at once
// and the key changes every hour (B01). There is no access log. Safe for concurrent use.
package front

import (
	"encoding/hex"
	"io"
	"net/http"
	"time"
)

// Bounds of the HTTP server. A client that is slow to say what it wants is cut off.
const (
	HeadTime      = 5 * time.Second
	ReadTime      = 10 * time.Second
	WriteTime     = 2 * time.Minute // of a page or asset; a session's carrier leaves HTTP
	IdleTime      = time.Minute
	HeadBytesMax  = 8 << 10
	SessionPath   = "/s"
	HealthPath    = "/healthz"
	KeyPath       = "/server.key" // the fingerprint, in hex: see spec/words.md
	pathBytesMax  = 1024
	bodyBytesMax  = 0 // nothing here takes a body
	healthMessage = "ok\n"
)

// Config says what stands behind the front.
type Config struct {
	// Session takes the carriers of sessions.
	Session http.Handler
	// Pages answers all other paths.
	Pages http.Handler
	// Limiter bounds new sessions; nil: unbounded.
	Limiter *Limiter
	// Fingerprint is that of the server's key, which is public.
	Fingerprint [32]byte
	// Healthy says whether the server can do its work.
	Healthy func() bool
}

// Handler returns the front.
func Handler(c Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case len(r.URL.Path) > pathBytesMax:
			http.Error(w, "too long", http.StatusRequestURITooLong)
		case r.ContentLength > bodyBytesMax:
			http.Error(w, "no body expected", http.StatusRequestEntityTooLarge)
		case r.URL.Path == HealthPath:
			health(w, c.Healthy())
		case r.URL.Path == KeyPath:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Access-Control-Allow-Origin", "*") // apps of other servers ask, too
			_, _ = io.WriteString(w, hex.EncodeToString(c.Fingerprint[:])+"\n")
		case r.URL.Path == SessionPath:
			if c.Limiter != nil && !c.Limiter.Allow(r.RemoteAddr) {
				w.Header().Set("Retry-After", "30")
				http.Error(w, "too many connections", http.StatusTooManyRequests)
				return
			}
			c.Session.ServeHTTP(w, r)
		default:
			c.Pages.ServeHTTP(w, r)
		}
	})
}

func health(w http.ResponseWriter, ok bool) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "not taking anything new\n")
		return
	}
	_, _ = io.WriteString(w, healthMessage)
}

// Server returns an HTTP server with all bounds set, that prints nothing.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: HeadTime, ReadTimeout: ReadTime, WriteTimeout: WriteTime,
		IdleTimeout: IdleTime, MaxHeaderBytes: HeadBytesMax,
		// net/http would print addresses.
		ErrorLog: silent(),
		// HTTP/2 has no upgrade; its streams cost three times the memory.
		TLSNextProto: nil,
	}
}
