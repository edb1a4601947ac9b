package embedded

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paperplane/protocol/plane"
	"paperplane/server/store/storetest"
)

var figures = flag.Duration("figures", 0, "print append figures beside the raw floor, running each for this long (5s is enough)")

// closedLoop runs writers goroutines that call f again and again for about d and returns all
// latencies, sorted, and the rate per second.
func closedLoop(writers int, d time.Duration, f func(rng *rand.Rand) error) ([]time.Duration, float64, error) {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		all  []time.Duration
		fail atomic.Pointer[error]
	)
	start := time.Now()
	for g := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			var mine []time.Duration
			for t := time.Now(); t.Sub(start) < d; {
				if err := f(rng); err != nil {
					fail.Store(&err)
					break
				}
				now := time.Now()
				mine = append(mine, now.Sub(t))
				t = now
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	took := time.Since(start)
	if e := fail.Load(); e != nil {
		return nil, 0, *e
	}
	slices.Sort(all)
	return all, float64(len(all)) / took.Seconds(), nil
}

// floor is a bare append-only file: what gathered during the last fdatasync is written in one
// piece and synced; no index, no sums, no numbers. ahead is how far it is written with zeros
// before: overwriting is the best any file can do, growing is what a plain log does.
type floor struct {
	f  *os.File
	in chan floorReq
	wg sync.WaitGroup
}

type floorReq struct {
	body []byte
	done chan error
}

func newFloor(path string, ahead int64) (*floor, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := zero(osFile{f}, 0, ahead); err != nil {
		return nil, err
	}
	fl := &floor{f: f, in: make(chan floorReq, 4096)}
	fl.wg.Go(func() {
		var buf []byte
		var reqs []floorReq
		var off int64
		for r := range fl.in {
			reqs, buf = append(reqs[:0], r), append(buf[:0], r.body...)
			for more := true; more; {
				select {
				case r, ok := <-fl.in:
					if more = ok; ok {
						reqs, buf = append(reqs, r), append(buf, r.body...)
					}
				default:
					more = false
				}
			}
			if ahead > 0 && off+int64(len(buf)) > ahead {
				off = 0
			}
			_, err := f.WriteAt(buf, off)
			off += int64(len(buf))
			if err == nil {
				err = dataSync(f)
			}
			for _, r := range reqs {
				r.done <- err
			}
		}
	})
	return fl, nil
}

func (fl *floor) append(body []byte) error {
	r := floorReq{body, make(chan error, 1)}
	fl.in <- r
	return <-r.done
}

func (fl *floor) close() {
	close(fl.in)
	fl.wg.Wait()
	_ = fl.f.Close()
}

// TestFigures prints the figures of docs/internals/store.md: durable appends of 1 KB by 64
// writers into 100,000 logs at random, between two runs of the floor. It judges nothing: a
// shared machine is no judge.
func TestFigures(t *testing.T) {
	if *figures == 0 {
		t.Log("not asked for: -figures 5s")
		return
	}
	body := storetest.Body(1, plane.RecordSmall)
	row := func(what string, all []time.Duration, rate float64) {
		fmt.Printf("%-34s %8.0f/s  p50 %8v  p99 %8v  p99.9 %8v\n", what, rate,
			all[len(all)/2].Round(time.Microsecond), all[len(all)*99/100].Round(time.Microsecond), all[len(all)*999/1000].Round(time.Microsecond))
	}
	for _, writers := range []int{1, 64, 1024} {
		runFloor := func(what string, ahead int64) float64 {
			fl, err := newFloor(filepath.Join(t.TempDir(), "floor"), ahead)
			if err != nil {
				t.Fatal(err)
			}
			defer fl.close()
			all, rate, err := closedLoop(writers, *figures, func(*rand.Rand) error { return fl.append(body) })
			if err != nil {
				t.Fatal(err)
			}
			row(fmt.Sprintf("%s, %d writers", what, writers), all, rate)
			return rate
		}
		grow := runFloor("floor: growing file", 0)
		over := runFloor("floor: overwriting 128 MB", 128<<20)
		dir := t.TempDir()
		l, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		all, rate, err := closedLoop(writers, *figures, func(rng *rand.Rand) error {
			_, err := l.Append(t.Context(), storetest.ID(rng.IntN(100_000)), storetest.Day, body, false)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		row(fmt.Sprintf("embedded, %d writers", writers), all, rate)
		fmt.Printf("%-34s growing %.2f, overwriting %.2f\n", "ratio to floor", rate/grow, rate/over)
		start := time.Now()
		if err := l.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%-34s %v for %d MB\n", "settle", time.Since(start).Round(time.Millisecond), len(all)>>10)
		all, rate, err = closedLoop(4, *figures/5, func(rng *rand.Rand) error {
			_, err := l.Read(t.Context(), storetest.ID(rng.IntN(100_000)), 1, 20)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		row("read a log (≤ 20 records), 4 readers", all, rate)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		if l, err = Open(dir); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%-34s %v\n", "open again", time.Since(start).Round(time.Microsecond))
		_ = l.Close()
	}
}

// BenchmarkAppend64 is one durable append of 1 KB as 64 writers to random logs see it.
func BenchmarkAppend64(b *testing.B) {
	l, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	body := storetest.Body(1, plane.RecordSmall)
	b.SetBytes(plane.RecordSmall)
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 2))
			for left.Add(-1) >= 0 {
				if _, err := l.Append(b.Context(), storetest.ID(rng.IntN(100_000)), storetest.Day, body, false); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
