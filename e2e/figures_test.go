//go:build linux

package e2e

import (
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

var (
	latency = flag.Int("latency", 0, "measure so many messages from send to shown at the other's client")
	memory  = flag.Bool("memory", false, "measure the server's memory")
	clients = flag.Int("clients", 0, "with -memory: also with so many connected clients, without TLS")
)

// TestLatency sends messages one at a time from one native client to another, through the real
// server and its disk, and measures until the receiver's client shows each.
func TestLatency(t *testing.T) {
	n := *latency
	if n == 0 {
		n = 50 // only that it works
	}
	srv := serve(t)
	ann := newPerson(t, "Ann", srv.invite())
	bob := newPerson(t, "Bob", ann.invite())
	chat := ann.chatWith("Bob")
	bob.chatWith("Ann")
	hear := bob.c.Listen()
	defer hear.Close()
	took := make([]time.Duration, 0, n)
	for i := range n {
		text := fmt.Sprintf("message %d of a usual length, or so", i)
		start := time.Now()
		ann.send(chat, text)
		deadline := time.After(patience)
	shown:
		for {
			select {
			case e, ok := <-hear.C:
				if !ok {
					t.Fatal("the receiver's events ended")
				}
				if m, ok := e.(core.MessageChanged); ok && m.Message.Text == text {
					break shown
				}
			case <-deadline:
				t.Fatalf("message %d was not shown within %v; Bob: %s; Ann: %s", i, patience, standing(bob.c), standing(ann.c))
			}
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	at := func(p int) time.Duration {
		return took[min(len(took)-1, len(took)*p/1000)].Round(10 * time.Microsecond)
	}
	t.Logf("FIGURE message n=%d p50=%v p90=%v p99=%v max=%v", n, at(500), at(900), at(990), took[len(took)-1].Round(10*time.Microsecond))
}

// idleMaxKB is the budget of a server that nobody uses.
const idleMaxKB = 40_000

// TestServerMemory measures the resident memory of the real server, alone and with people.
func TestServerMemory(t *testing.T) {
	if !*memory {
		return // behind its flag: builds of others on one machine do not disturb it, but it waits
	}
	srv := serve(t)
	time.Sleep(3 * time.Second)
	idle := srv.rss()
	t.Logf("FIGURE idle-rss %d KB", idle)
	if idle > idleMaxKB {
		t.Errorf("idle: got %d KB, want at most %d", idle, idleMaxKB)
	}
	if *clients > 0 {
		srv.crowd(*clients, idle)
	}
}

// perClientMaxKB is the budget of a connected client. Here it comes without TLS, with which
// protocol/session measures, but with a subscription.
const perClientMaxKB = 24

// crowd connects n sessions that read and follow one log, and measures what each costs.
func (s *server) crowd(n, idle int) {
	s.t.Helper()
	link, err := seal.ParseLink(s.invite())
	if err != nil {
		s.t.Fatal(err)
	}
	r := dialRaw(s.t, s, link.Server, nil)
	r.join(link)
	l, _ := r.create(false)
	w := r.open(l, wire.RoleWrite)
	ask[wire.Appended](r, wire.Append{Handle: w, Body: make([]byte, plane.RecordSmall)})
	start := time.Now()
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := worker; i < n; i += 32 {
				x := dialRaw(s.t, s, link.Server, net.IPv4(127, 0, 2, byte(1+worker%8)))
				ask[wire.Opened](x, wire.Subscribe{Handle: x.open(l, wire.RoleRead), From: 1})
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	storm := s.rss()
	time.Sleep(20 * time.Second) // the runtime gives memory back bit by bit
	per := float64(s.rss()-idle) / float64(n)
	s.t.Logf("FIGURE rss-per-subscriber %.1f KB each (%.1f right after %d came in %v)", per, float64(storm-idle)/float64(n), n, took.Round(time.Millisecond))
	if per > perClientMaxKB {
		s.t.Errorf("got %.1f KB for each client, want at most %d", per, perClientMaxKB)
	}
}

// rss returns the server's resident memory in KB.
func (s *server) rss() (kb int) {
	s.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		s.t.Fatal(err)
	}
	return kb
}
