package admin

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A folder that is served answers its tools at a loopback port; address and secret stand in
// DIR/admin, which only the server's user can read.

// ServeTools answers the tools until ctx is done, and removes the file that leads here.
func (s *Source) ServeTools(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	word := secret()
	path := s.Folder.Path(doorFile)
	if err := WriteFile(path, []byte(l.Addr().String()+" "+word+"\n")); err != nil {
		return errors.Join(err, l.Close())
	}
	hs := &http.Server{
		Handler: s.tools(word), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 8 << 10,
		ErrorLog:    log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	go func() { // ends with ctx; waited for below
		defer close(done)
		<-ctx.Done()
		_ = os.Remove(path)
		_ = hs.Close()
	}()
	err = hs.Serve(l)
	<-done
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Source) tools(word string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sheet", func(w http.ResponseWriter, r *http.Request) {
		sheet, err := s.MakeSheet(r.Context(), r.URL.Query().Get("id"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(sheet)
	})
	mux.HandleFunc("GET /check", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(s.Check(r.Context()))
	})
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		// Writes wait while this goes on: a tool that stands still must not keep them waiting.
		to := &impatient{w: w, c: http.NewResponseController(w)}
		if err := s.WriteBackup(r.Context(), to); err != nil {
			panic(http.ErrAbortHandler) // the tool sees a cut-off answer, and says so
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(got), []byte(word)) != 1 {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// backupWriteTime is how long one write of a backup may take.
const backupWriteTime = 10 * time.Second

type impatient struct {
	w io.Writer
	c *http.ResponseController
}

func (i *impatient) Write(p []byte) (int, error) {
	_ = i.c.SetWriteDeadline(time.Now().Add(backupWriteTime))
	return i.w.Write(p)
}

// Serving is how to reach the process that serves a folder.
type Serving struct{ address, word string }

// findTime is how long a server that has just started, or is stopping, may take to answer.
const findTime = 3 * time.Second

// FindServing returns how to reach the process that serves dir; nil when nobody does. Of a server
// that was killed the door's file is still there until the next one has written its own: so who is
// not reached is looked for again, for findTime.
func FindServing(dir string) (*Serving, error) {
	if ok, err := exists(filepath.Join(dir, TablesFile)); err != nil || !ok {
		return nil, errors.Join(err, ErrNoData)
	}
	for end := time.Now().Add(findTime); ; time.Sleep(50 * time.Millisecond) {
		f, err := lock(filepath.Join(dir, lockFile))
		if err == nil {
			return nil, f.Close()
		}
		if !errors.Is(err, ErrInUse) {
			return nil, err
		}
		text, err := os.ReadFile(filepath.Join(dir, doorFile))
		address, word, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
		if err == nil && ok {
			c, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				return &Serving{address, word}, c.Close()
			}
		}
		if time.Now().After(end) {
			return nil, ErrInUse
		}
	}
}

func (s *Serving) ask(ctx context.Context, method, path string, f func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.word)
	c := http.Client{Transport: &http.Transport{Proxy: nil}}
	defer c.CloseIdleConnections()
	resp, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("the server that uses this folder does not answer: %w", errors.Unwrap(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return errors.New(strings.TrimSpace(string(text)))
	}
	return f(resp.Body)
}

// MakeSheet is Source.MakeSheet, asked of the serving process.
func (s *Serving) MakeSheet(ctx context.Context, id string) (sheet *Sheet, err error) {
	if _, err := parseID(id); err != nil {
		return nil, err
	}
	err = s.ask(ctx, "GET", "/sheet?id="+id, func(r io.Reader) error {
		d := json.NewDecoder(r)
		d.UseNumber() // 64-bit numbers stay what they are
		return d.Decode(&sheet)
	})
	return sheet, err
}

// Check is Source.Check, asked of the serving process.
func (s *Serving) Check(ctx context.Context) (f []Finding, err error) {
	err = s.ask(ctx, "GET", "/check", func(r io.Reader) error { return json.NewDecoder(r).Decode(&f) })
	return f, err
}

// WriteBackup is Source.WriteBackup, asked of the serving process.
func (s *Serving) WriteBackup(ctx context.Context, w io.Writer) error {
	return s.ask(ctx, "POST", "/backup", func(r io.Reader) error { _, err := io.Copy(w, r); return err })
}
