// Package sim runs many clients and a server in one goroutine, with every fault drawn from a
// seed: carriers that are slow, are cut, resumed, and gone for one end before the other; clients
// that crash between any two effects and whose faces ask twice; a server that crashes before or
// after any write to store, tables or blobs, whose writes fail or find the disk full; full disks
// of clients; clocks that jump by a day; weeks that go by. In liar.go the server is dishonest too.
//
// All parts but carriers, disks, clocks and the driver's transfers are the product's own:
// core.Machine, the session's machines, server.Server. Files are not cut in the middle: that a
// write is whole or not there is what store, blob, tables and vault promise and test themselves.
//
// A run has a safety phase, in which things go wrong while the checkers look on, and then heals
// and demands progress (check.go): whatever was said to be saved has its place in the log, every
// message stands at one place for all, all who were in at that place show it and nobody else,
// nothing is shown twice, all who are in have the same epoch, chain and membership, nothing waits.
// Mutants (mutant_test.go) show that the checkers bite.
//
// The same seed and commit give the same run: one goroutine, virtual time, crypto/rand seeded by
// testing/cryptotest. Run it with `go test ./sim -runs N -seed S`; a failure prints its seed, and
// -story tells all of it.
package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"
)

// world is virtual time and what happens in it.
type world struct {
	rng   *rand.Rand
	now   time.Time
	queue events
	count uint64
	done  int
	// eventsMost is far above what the run needs.
	eventsMost int
	usedUp     bool    // links into groups may be used up
	shared     bool    // people have several devices, which share drafts and settings
	faults     bool    // false from the moment of healing on
	rough      float64 // how much likelier than usual each fault is
	mutant     mutant
	liar       *liar // makes the server dishonest, when set
	server     *simServer
	people     []*simClient
	files      map[string][]byte // what was sent, by the file's name
	epochs     map[string]string // by conversation, see states
	log        []string          // the last lines of the story, for a failure's report
	failed     []string
	verbose    bool
	stats      stats
}

// stats say what a run went through, so that a run in which nothing happened is seen.
type stats [statsCount]int

// What is counted.
const (
	appends = iota
	shown
	cuts
	resumed
	clientCrashes
	serverCrashes
	diskFull
	diskErrors
	jumps
	moved
	days
	statsCount
)

var statNames = [statsCount]string{
	"appends", "messages shown", "carriers cut", "sessions resumed", "client crashes", "server crashes",
	"full disks", "disk errors", "clock jumps", "files moved", "days passed",
}

func (s *stats) add(o stats) {
	for i := range s {
		s[i] += o[i]
	}
}

// mutant is a fault that the product must not survive unseen: what it breaks, the checkers find.
type mutant int

// The mutants.
const (
	sound             mutant = iota
	ackBeforeStore           // the server answers an append before it is stored
	sendBeforePersist        // the client sends before it has persisted
	outboxForgotten          // the client's vault does not store the outbox
	lastWriteLost            // the client's vault loses its last write in a crash
	packagesTwice            // the server gives a one-time package to more than one
	mutantsCount
)

var mutantNames = [mutantsCount]string{"sound", "ack-before-store", "send-before-persist", "outbox-forgotten", "last-write-lost", "packages-twice"}

type event struct {
	at  time.Time
	n   uint64 // ties are broken by age
	run func()
}

type events []event

func (e events) Len() int      { return len(e) }
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e events) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].n < e[j].n
}
func (e *events) Push(x any) { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return x
}

// begin is the moment at which every world begins.
var begin = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func newWorld(seed uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, 0x70617065)), now: begin, rough: 1, eventsMost: eventsMax, files: map[string][]byte{}, epochs: map[string]string{}}
}

// after runs f when d has passed.
func (w *world) after(d time.Duration, f func()) {
	w.count++
	heap.Push(&w.queue, event{w.now.Add(max(0, d)), w.count, f})
}

// eventsMax is far above what an ordinary run needs.
const eventsMax = 400_000

// run lets time pass until there is nothing to do or the deadline has come.
func (w *world) run(until time.Time) {
	for len(w.queue) > 0 && len(w.failed) == 0 && !w.queue[0].at.After(until) {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		if w.done++; w.done > w.eventsMost {
			w.fail("%d events and no end: somebody goes in circles", w.done)
			return
		}
		e.run()
	}
	if len(w.failed) == 0 && w.now.Before(until) {
		w.now = until
	}
}

// chance is true with probability p while things may go wrong.
func (w *world) chance(p float64) bool { return w.faults && w.rng.Float64() < p*w.rough }

// between draws a duration.
func (w *world) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.rng.Int64N(int64(b-a)+1))
}

const linesKept = 4000

// tell adds a line to the story.
func (w *world) tell(format string, args ...any) {
	if len(w.log) >= linesKept && !w.verbose {
		w.log = append(w.log[:0], w.log[linesKept/4:]...)
	}
	w.log = append(w.log, fmt.Sprintf("%8.3fs ", w.now.Sub(begin).Seconds())+fmt.Sprintf(format, args...))
}

// fail records a violation; the run ends.
func (w *world) fail(format string, args ...any) {
	w.failed = append(w.failed, fmt.Sprintf(format, args...))
	w.tell("VIOLATION: "+format, args...)
}
