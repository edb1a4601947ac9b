package client

import (
	"context"
	"sync"
	"testing"
	"time"

	"paperplane/protocol/plane"
	"paperplane/protocol/session"
	"paperplane/server"
	blobmem "paperplane/server/blob/mem"
	storemem "paperplane/server/store/mem"
	tablesmem "paperplane/server/tables/mem"
	"paperplane/transport/mem"
)

// Served is a real server over stores in memory, with its front door.
type Served struct {
	Front plane.LogID
	Seed  [16]byte
	Stop  func() // may be called again; the end of the test does it too
}

// ServeTest starts a server under a name of net.
func ServeTest(t *testing.T, net *mem.Net, name string, key *session.PrivateKey, limits server.Limits) Served {
	t.Helper()
	s, err := server.New(server.Config{Store: storemem.New(), Blobs: blobmem.New(), Tables: tablesmem.New(), Now: time.Now,
		Limits: limits, Free: func() (int64, error) { return 1 << 40, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	seed := server.NewSeed()
	front, _, err := s.Front(seed, 100, plane.DayOf(time.Now())+30)
	if err != nil {
		t.Fatal(err)
	}
	l := net.Listen(name)
	sessions := session.NewServer(key, session.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			conn, err := l.Accept(ctx)
			if err != nil {
				return
			}
			tasks.Go(func() { _ = sessions.Serve(ctx, conn, s.ServeSession) })
		}
	})
	stop := sync.OnceFunc(func() {
		cancel()
		_ = l.Close()
		sessions.Close()
		tasks.Wait()
	})
	t.Cleanup(stop)
	return Served{Front: front, Seed: seed, Stop: stop}
}
