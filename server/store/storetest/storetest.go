// Package storetest is the conformance suite of store.Log: each implementation and each wrapper
// runs it. What it asserts is the contract in package store, one subtest a clause.
package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// Setup is what a test gets from an implementation: an empty store and, where the
// implementation has a life beyond one process, ways to come back.
type Setup struct {
	Log store.Log
	// Reopen closes the store in order and opens it again; nil when there is no such thing.
	Reopen func() store.Log
	// Crash drops the store as kill -9 would and opens it again; nil when there is no such thing.
	Crash func() store.Log
	// Slow: every operation waits for a real disk; the model test runs a tenth as often.
	Slow bool
}

// Run runs the suite; open is called once per subtest and returns an empty store. The suite
// closes the last store it was given.
func Run(t *testing.T, open func(t *testing.T) Setup) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, *world)
	}{
		{"order-and-gap-free", order},
		{"unknown-log", unknown},
		{"sizes", sizes},
		{"body-not-kept", bodyNotKept},
		{"read-limits", readLimits},
		{"retry-window", retryWindow},
		{"retry-concurrent", retryConcurrent},
		{"settle-keeps-all", settleKeeps},
		{"expire-by-day", expireByDay},
		{"expire-per-log", expirePerLog},
		{"head-survives-expiry", headSurvives},
		{"days-out-of-order", daysOutOfOrder},
		{"forget", forget},
		{"forget-then-append", forgetThenAppend},
		{"concurrent-appenders", concurrent},
		{"read-while-settling", readWhileSettling},
		{"cancelled", cancelled},
		{"closed", closed},
		{"reopen", reopen},
		{"crash", crash},
		{"model", model},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			w := &world{T: t, Setup: s, rng: rand.New(rand.NewPCG(1, uint64(len(c.name))))}
			c.f(t, w)
			if err := w.Log.Close(); err != nil {
				t.Errorf("Close: got %v, want nil", err)
			}
		})
	}
}

// Day is a plausible day for tests: 23 November 2026.
const Day plane.Day = 20780

// ID returns the n-th test log id; ids look random, as real ones do.
func ID(n int) plane.LogID {
	var id plane.LogID
	r := rand.New(rand.NewPCG(uint64(n), 77))
	binary.LittleEndian.PutUint64(id[:], r.Uint64())
	binary.LittleEndian.PutUint64(id[8:], r.Uint64())
	return id
}

// Body returns a body of size bytes that differs for each n.
func Body(n, size int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(uint64(n), 78))
	for i := 0; i+8 <= size; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b
}

type world struct {
	*testing.T
	Setup
	rng *rand.Rand
}

func (w *world) append(id plane.LogID, day plane.Day, body []byte, retry bool) plane.Seq {
	w.Helper()
	seq, err := w.Log.Append(w.Context(), id, day, body, retry)
	if err != nil {
		w.Fatalf("Append: got %v, want nil", err)
	}
	return seq
}

func (w *world) settle() {
	w.Helper()
	if err := w.Log.Settle(w.Context()); err != nil {
		w.Fatalf("Settle: got %v, want nil", err)
	}
}

func (w *world) expire(keep func(plane.LogID) plane.Day) {
	w.Helper()
	if err := w.Log.Expire(w.Context(), keep); err != nil {
		w.Fatalf("Expire: got %v, want nil", err)
	}
}

// wantLog checks the whole log: numbers and bodies, and its head.
func (w *world) wantLog(id plane.LogID, head plane.Seq, want []store.Record) {
	w.Helper()
	got, err := w.Log.Read(w.Context(), id, 0, len(want)+10)
	if err != nil {
		w.Fatalf("Read: got %v, want nil", err)
	}
	if len(got) != len(want) {
		w.Fatalf("Read: got %d records, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Seq != want[i].Seq || !bytes.Equal(got[i].Body, want[i].Body) {
			w.Fatalf("record %d: got seq %d, want seq %d with its body (equal: %v)", i, got[i].Seq, want[i].Seq, bytes.Equal(got[i].Body, want[i].Body))
		}
	}
	if h, err := w.Log.Head(w.Context(), id); h != head || err != nil {
		w.Fatalf("Head: got %d, %v, want %d, nil", h, err, head)
	}
}

// again brings the store back in each way it has, calling f after each, and after Settle.
func (w *world) again(f func()) {
	w.Helper()
	f()
	if w.Crash != nil {
		w.Log = w.Crash()
		f()
	}
	w.settle()
	f()
	if w.Reopen != nil {
		w.Log = w.Reopen()
		f()
	}
	if w.Crash != nil {
		w.Log = w.Crash()
		f()
	}
}

func order(_ *testing.T, w *world) {
	const logs, n = 5, 40
	want := make([][]store.Record, logs)
	sizes := []int{plane.RecordSmall, plane.RecordMedium, plane.RecordLarge}
	for i := range n {
		for l := range logs {
			b := Body(i*logs+l, sizes[(i+l)%3])
			seq := w.append(ID(l), Day, b, false)
			if want := plane.Seq(i + 1); seq != want {
				w.Fatalf("Append: got seq %d, want %d", seq, want)
			}
			want[l] = append(want[l], store.Record{Seq: seq, Body: b})
		}
	}
	w.again(func() {
		w.Helper()
		for l := range logs {
			w.wantLog(ID(l), n, want[l])
		}
	})
}

func unknown(_ *testing.T, w *world) {
	w.append(ID(1), Day, Body(1, plane.RecordSmall), false)
	w.again(func() {
		w.Helper()
		w.wantLog(ID(2), 0, nil)
	})
	if err := w.Log.Forget(w.Context(), ID(2)); err != nil {
		w.Errorf("Forget of an unknown log: got %v, want nil", err)
	}
}

func sizes(_ *testing.T, w *world) {
	seq := plane.Seq(0)
	for _, size := range []int{plane.RecordSmall, plane.RecordMedium, plane.RecordLarge} {
		seq++
		if got := w.append(ID(1), Day, Body(size, size), false); got != seq {
			w.Errorf("Append of %d bytes: got seq %d, want %d", size, got, seq)
		}
		for _, bad := range []int{0, 1, size - 1, size + 1} {
			if _, err := w.Log.Append(w.Context(), ID(1), Day, make([]byte, bad), false); !errors.Is(err, store.ErrSize) {
				w.Errorf("Append of %d bytes: got %v, want ErrSize", bad, err)
			}
		}
	}
	if h, err := w.Log.Head(w.Context(), ID(1)); h != seq || err != nil {
		w.Errorf("Head: got %d, %v, want %d, nil", h, err, seq)
	}
}

// bodyNotKept: the caller may reuse its slice, and change what Read gave it.
func bodyNotKept(_ *testing.T, w *world) {
	b := Body(1, plane.RecordSmall)
	want := bytes.Clone(b)
	w.append(ID(1), Day, b, false)
	clear(b)
	got, err := w.Log.Read(w.Context(), ID(1), 1, 1)
	if err != nil || len(got) != 1 {
		w.Fatalf("Read: got %d records, %v, want 1, nil", len(got), err)
	}
	clear(got[0].Body)
	w.wantLog(ID(1), 1, []store.Record{{Seq: 1, Body: want}})
}

func readLimits(_ *testing.T, w *world) {
	const n = 300
	for i := range n {
		w.append(ID(1), Day+plane.Day(i/100), Body(i, plane.RecordSmall), false)
		if i == n/2 {
			w.settle()
		}
	}
	check := func() {
		w.Helper()
		for _, c := range []struct {
			from         plane.Seq
			limit        int
			first, count int
		}{
			{0, 10, 1, 10}, {1, 10, 1, 10}, {1, n, 1, n}, {1, n + 1, 1, n}, {145, 20, 145, 20}, {250, n, 250, 51},
			{n, 5, n, 1}, {n + 1, 5, 0, 0}, {1 << 60, 5, 0, 0}, {^plane.Seq(0), 5, 0, 0}, {1, 0, 0, 0}, {1, -1, 0, 0}, {150, 1, 150, 1},
		} {
			got, err := w.Log.Read(w.Context(), ID(1), c.from, c.limit)
			if err != nil || len(got) != c.count {
				w.Errorf("Read(from %d, limit %d): got %d records, %v, want %d, nil", c.from, c.limit, len(got), err, c.count)
				continue
			}
			for i, r := range got {
				if want := plane.Seq(c.first + i); r.Seq != want || !bytes.Equal(r.Body, Body(int(want)-1, plane.RecordSmall)) {
					w.Fatalf("Read(from %d, limit %d) record %d: got seq %d, want %d with its body", c.from, c.limit, i, r.Seq, want)
				}
			}
		}
	}
	w.again(check)
}

// retryWindow: the oldest record of the window is found, the one past it is not.
func retryWindow(_ *testing.T, w *world) {
	for i := range store.RetryWindow {
		w.append(ID(1), Day, Body(i, plane.RecordSmall), false)
		if i == 100 {
			w.settle()
		}
	}
	w.again(func() {
		w.Helper()
		for _, i := range []int{0, 99, 100, 101, store.RetryWindow - 1} {
			if got, want := w.append(ID(1), Day+1, Body(i, plane.RecordSmall), true), plane.Seq(i+1); got != want {
				w.Fatalf("retry of record %d: got seq %d, want %d", i+1, got, want)
			}
		}
		if h, _ := w.Log.Head(w.Context(), ID(1)); h != store.RetryWindow {
			w.Fatalf("Head after retries: got %d, want %d", h, store.RetryWindow)
		}
	})
	// Without retry the same body is a new record; it pushes record 1 out of the window.
	if got, want := w.append(ID(1), Day, Body(200, plane.RecordSmall), false), plane.Seq(store.RetryWindow+1); got != want {
		w.Errorf("Append of a known body: got seq %d, want %d", got, want)
	}
	if got, want := w.append(ID(1), Day, Body(0, plane.RecordSmall), true), plane.Seq(store.RetryWindow+2); got != want {
		w.Errorf("retry one past the window: got seq %d, want a new record %d", got, want)
	}
	// Another log's record and another body are no matches; a retry may be the first append.
	if got := w.append(ID(2), Day, Body(1, plane.RecordSmall), true); got != 1 {
		w.Errorf("retry in another log: got seq %d, want 1", got)
	}
}

// retryConcurrent: the same append repeated at the same time is stored once.
func retryConcurrent(_ *testing.T, w *world) {
	for round := range 20 {
		var wg sync.WaitGroup
		got := make([]plane.Seq, 8)
		for i := range got {
			wg.Go(func() {
				got[i], _ = w.Log.Append(w.Context(), ID(1), Day, Body(round, plane.RecordSmall), true)
			})
		}
		wg.Wait()
		for i, seq := range got {
			if want := plane.Seq(round + 1); seq != want {
				w.Fatalf("round %d, caller %d: got seq %d, want %d", round, i, seq, want)
			}
		}
	}
}

func settleKeeps(_ *testing.T, w *world) {
	var want []store.Record
	for i := range 50 {
		b := Body(i, plane.RecordSmall)
		want = append(want, store.Record{Seq: w.append(ID(1), Day+plane.Day(i/20), b, false), Body: b})
		w.append(ID(2+i), Day, b, false)
		if i%7 == 0 {
			w.settle()
			w.settle() // twice: the second has nothing to do
		}
		w.wantLog(ID(1), plane.Seq(i+1), want)
	}
	w.again(func() { w.Helper(); w.wantLog(ID(1), 50, want) })
}

func expireByDay(_ *testing.T, w *world) {
	var want []store.Record
	for i := range 30 {
		b := Body(i, plane.RecordSmall)
		seq := w.append(ID(1), Day+plane.Day(i/10), b, false)
		want = append(want, store.Record{Seq: seq, Body: b})
		if i == 15 {
			w.settle()
		}
	}
	all := func(d plane.Day) func(plane.LogID) plane.Day { return func(plane.LogID) plane.Day { return d } }
	w.expire(all(0))
	w.wantLog(ID(1), 30, want)
	w.expire(all(Day)) // the day itself is kept
	w.wantLog(ID(1), 30, want)
	w.expire(all(Day + 1))
	w.again(func() { w.Helper(); w.wantLog(ID(1), 30, want[10:]) })
	w.expire(all(Day + 2))
	w.again(func() { w.Helper(); w.wantLog(ID(1), 30, want[20:]) })
	w.expire(all(Day + 3))
	w.again(func() { w.Helper(); w.wantLog(ID(1), 30, nil) })
}

// expirePerLog: a log with a short life loses its records out of days that others still need.
func expirePerLog(_ *testing.T, w *world) {
	const n = 20
	for i := range n {
		for l := range 3 {
			w.append(ID(l), Day+plane.Day(i/10), Body(i, plane.RecordSmall), false)
		}
	}
	w.settle()
	met := map[plane.LogID]bool{}
	w.expire(func(id plane.LogID) plane.Day {
		met[id] = true
		switch id {
		case ID(0):
			return Day + 1
		case ID(1):
			return Day + 2
		}
		return Day
	})
	for l := range 3 {
		if !met[ID(l)] {
			w.Errorf("keep was not called for log %d", l)
		}
	}
	w.again(func() {
		w.Helper()
		for l, first := range []int{10, 20, 0} {
			var want []store.Record
			for i := first; i < n; i++ {
				want = append(want, store.Record{Seq: plane.Seq(i + 1), Body: Body(i, plane.RecordSmall)})
			}
			w.wantLog(ID(l), n, want)
		}
	})
}

func headSurvives(_ *testing.T, w *world) {
	for range 3 {
		w.append(ID(1), Day, Body(1, plane.RecordSmall), false)
	}
	w.expire(func(plane.LogID) plane.Day { return Day + 1 })
	w.again(func() { w.Helper(); w.wantLog(ID(1), 3, nil) })
	// An expired record is no longer in the window of a retry.
	if got := w.append(ID(1), Day+1, Body(1, plane.RecordSmall), true); got != 4 {
		w.Errorf("Append after expiry: got seq %d, want 4", got)
	}
	w.again(func() {
		w.Helper()
		w.wantLog(ID(1), 4, []store.Record{{Seq: 4, Body: Body(1, plane.RecordSmall)}})
	})
}

// daysOutOfOrder: clocks jump; the order of a log is that of its numbers all the same.
func daysOutOfOrder(_ *testing.T, w *world) {
	var want []store.Record
	for i, d := range []plane.Day{Day, Day + 2, Day - 1, Day + 2, Day, Day - 1, Day + 1} {
		b := Body(i, plane.RecordSmall)
		want = append(want, store.Record{Seq: w.append(ID(1), d, b, false), Body: b})
		if i == 3 {
			w.settle()
		}
	}
	w.again(func() { w.Helper(); w.wantLog(ID(1), 7, want) })
	w.expire(func(plane.LogID) plane.Day { return Day + 1 })
	left := []store.Record{want[1], want[3], want[6]}
	w.again(func() { w.Helper(); w.wantLog(ID(1), 7, left) })
}

func forget(_ *testing.T, w *world) {
	for i := range 10 {
		w.append(ID(1), Day+plane.Day(i/5), Body(i, plane.RecordSmall), false)
		w.append(ID(2), Day, Body(100+i, plane.RecordSmall), false)
		if i == 4 {
			w.settle()
		}
	}
	if err := w.Log.Forget(w.Context(), ID(1)); err != nil {
		w.Fatalf("Forget: got %v, want nil", err)
	}
	var want []store.Record
	for i := range 10 {
		want = append(want, store.Record{Seq: plane.Seq(i + 1), Body: Body(100+i, plane.RecordSmall)})
	}
	w.again(func() {
		w.Helper()
		w.wantLog(ID(1), 0, nil)
		w.wantLog(ID(2), 10, want)
	})
}

// forgetThenAppend: a log made again under the same id starts afresh and sees nothing old.
func forgetThenAppend(_ *testing.T, w *world) {
	for i := range 5 {
		w.append(ID(1), Day, Body(i, plane.RecordSmall), false)
	}
	w.settle()
	w.append(ID(1), Day, Body(5, plane.RecordSmall), false)
	for range 2 {
		if err := w.Log.Forget(w.Context(), ID(1)); err != nil {
			w.Fatalf("Forget: got %v, want nil", err)
		}
	}
	b := Body(4, plane.RecordSmall)
	if got := w.append(ID(1), Day, b, true); got != 1 {
		w.Fatalf("Append after Forget: got seq %d, want 1", got)
	}
	want := []store.Record{{Seq: 1, Body: b}}
	w.again(func() { w.Helper(); w.wantLog(ID(1), 1, want) })
	w.append(ID(1), Day, b, false)
	want = append(want, store.Record{Seq: 2, Body: b})
	w.again(func() { w.Helper(); w.wantLog(ID(1), 2, want) })
}

func concurrent(_ *testing.T, w *world) {
	const writers, each, logs = 16, 60, 7
	var (
		mu  sync.Mutex
		got = map[plane.LogID]map[plane.Seq]int{}
		wg  sync.WaitGroup
	)
	for g := range writers {
		wg.Go(func() {
			for i := range each {
				id, n := ID((g+i)%logs), g*each+i
				seq, err := w.Log.Append(w.Context(), id, Day+plane.Day(i%2), Body(n, plane.RecordSmall), false)
				if err != nil {
					w.Errorf("Append: got %v, want nil", err)
					return
				}
				mu.Lock()
				if got[id] == nil {
					got[id] = map[plane.Seq]int{}
				}
				if _, twice := got[id][seq]; twice {
					w.Errorf("seq %d was given twice", seq)
				}
				got[id][seq] = n
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for range 3 {
			if err := w.Log.Settle(w.Context()); err != nil {
				w.Errorf("Settle: got %v, want nil", err)
			}
		}
	})
	wg.Wait()
	if w.Failed() {
		return
	}
	w.again(func() {
		w.Helper()
		for id, seqs := range got {
			var want []store.Record
			for s := plane.Seq(1); int(s) <= len(seqs); s++ {
				n, ok := seqs[s]
				if !ok {
					w.Fatalf("no append was given seq %d of %d: a gap", s, len(seqs))
				}
				want = append(want, store.Record{Seq: s, Body: Body(n, plane.RecordSmall)})
			}
			w.wantLog(id, plane.Seq(len(seqs)), want)
		}
	})
}

// readWhileSettling: a reader never misses or doubles a record while files change under it.
func readWhileSettling(_ *testing.T, w *world) {
	const n = 120
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			head, err := w.Log.Head(w.Context(), ID(1))
			if err != nil {
				w.Errorf("Head: got %v, want nil", err)
				return
			}
			got, err := w.Log.Read(w.Context(), ID(1), 1, n)
			if err != nil || len(got) < int(head) {
				w.Errorf("Read: got %d records, %v, want at least %d", len(got), err, head)
				return
			}
			for i, r := range got {
				if r.Seq != plane.Seq(i+1) {
					w.Errorf("Read record %d: got seq %d, want %d", i, r.Seq, i+1)
					return
				}
			}
		}
	})
	for i := range n {
		if _, err := w.Log.Append(w.Context(), ID(1), Day+plane.Day(i/50), Body(i, plane.RecordSmall), false); err != nil {
			w.Errorf("Append: got %v, want nil", err)
		}
		if i%10 == 9 {
			if err := w.Log.Settle(w.Context()); err != nil {
				w.Errorf("Settle: got %v, want nil", err)
			}
		}
	}
	close(stop)
	wg.Wait()
}

func cancelled(_ *testing.T, w *world) {
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	if _, err := w.Log.Append(ctx, ID(1), Day, Body(1, plane.RecordSmall), false); !errors.Is(err, context.Canceled) {
		w.Errorf("Append: got %v, want context.Canceled", err)
	}
	if _, err := w.Log.Read(ctx, ID(1), 1, 1); !errors.Is(err, context.Canceled) {
		w.Errorf("Read: got %v, want context.Canceled", err)
	}
	// Whatever became of it, the retry stores it once.
	first := w.append(ID(1), Day, Body(1, plane.RecordSmall), true)
	if again := w.append(ID(1), Day, Body(1, plane.RecordSmall), true); again != first || first != 1 {
		w.Errorf("retry after a cancelled append: got seq %d, then %d, want 1, 1", first, again)
	}
}

func closed(_ *testing.T, w *world) {
	w.append(ID(1), Day, Body(1, plane.RecordSmall), false)
	if err := w.Log.Close(); err != nil {
		w.Fatalf("Close: got %v, want nil", err)
	}
	_, err := w.Log.Append(w.Context(), ID(1), Day, Body(1, plane.RecordSmall), false)
	w.wantClosed("Append", err)
	_, err = w.Log.Read(w.Context(), ID(1), 1, 1)
	w.wantClosed("Read", err)
	_, err = w.Log.Head(w.Context(), ID(1))
	w.wantClosed("Head", err)
	w.wantClosed("Forget", w.Log.Forget(w.Context(), ID(1)))
	w.wantClosed("Expire", w.Log.Expire(w.Context(), func(plane.LogID) plane.Day { return 0 }))
	w.wantClosed("Settle", w.Log.Settle(w.Context()))
}

func (w *world) wantClosed(what string, err error) {
	w.Helper()
	if !errors.Is(err, store.ErrClosed) {
		w.Errorf("%s after Close: got %v, want ErrClosed", what, err)
	}
}

func reopen(_ *testing.T, w *world) { comeBack(w, w.Reopen) }
func crash(_ *testing.T, w *world)  { comeBack(w, w.Crash) }

// comeBack appends, settles now and then and comes back each time, with nothing lost.
func comeBack(w *world, back func() store.Log) {
	if back == nil {
		return // stated by the implementation: it has no life beyond the process
	}
	var want []store.Record
	for i := range 12 {
		b := Body(i, plane.RecordMedium)
		want = append(want, store.Record{Seq: w.append(ID(1), Day+plane.Day(i/4), b, false), Body: b})
		if i%5 == 4 {
			w.settle()
		}
		w.Log = back()
		w.wantLog(ID(1), plane.Seq(i+1), want)
	}
}
