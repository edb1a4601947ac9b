package sim

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
)

var (
	runs  = flag.Int("runs", 8, "how many seeds")
	seed  = flag.Uint64("seed", 1, "the first seed")
	child = flag.Bool("child", false, "run the seeds in this process")
	story = flag.Bool("story", false, "print what happens")
)

// TestSimulation runs the seeds from -seed on, in one process a core, and fails with the seed and
// the end of the story of every run in which a promise was broken.
func TestSimulation(t *testing.T) {
	if *child || *runs == 1 {
		total := stats{}
		for i := range *runs {
			total.add(one(t, *seed+uint64(i)))
		}
		fmt.Printf("stats %d %d %d %d %d %d %d %d\n", total.sent, total.shown, total.cuts, total.resumed, total.clientCrashes, total.serverCrashes, total.diskFull, total.jumps)
		return
	}
	workers := min(runtime.GOMAXPROCS(0), *runs)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total [8]int
	next := *seed
	last := *seed + uint64(*runs)
	const slice = 25
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				from, n := next, min(slice, max(1, uint64(*runs)/uint64(workers)))
				n = min(n, last-from)
				next += n
				mu.Unlock()
				if n == 0 {
					return
				}
				cmd := exec.Command(os.Args[0], "-test.run=^TestSimulation$", "-test.timeout=0", "-child",
					"-runs="+strconv.FormatUint(n, 10), "-seed="+strconv.FormatUint(from, 10))
				cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
				out, err := cmd.CombinedOutput()
				mu.Lock()
				if err != nil {
					t.Errorf("seeds %d to %d: %v\n%s", from, from+n-1, err, out)
				}
				for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
					if rest, ok := strings.CutPrefix(sc.Text(), "stats "); ok {
						for i, f := range strings.Fields(rest) {
							x, _ := strconv.Atoi(f)
							total[i] += x
						}
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("%d seeds from %d: %d appends, %d messages shown, %d carriers cut, %d sessions resumed, %d client crashes, %d server crashes, %d full disks, %d clock jumps",
		*runs, *seed, total[0], total[1], total[2], total[3], total[4], total[5], total[6], total[7])
	if *runs >= 8 && (total[1] == 0 || total[2] == 0 || total[3] == 0 || total[4] == 0 || total[5] == 0) {
		t.Errorf("something that must go wrong never did: the run proves nothing")
	}
}

// one runs one seed.
func one(t *testing.T, seed uint64) (st stats) {
	t.Helper()
	t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		w := newWorld(seed)
		w.verbose = *story
		w.server = newServer(w)
		w.play()
		w.heal()
		w.check()
		st = w.stats
		if len(w.failed) > 0 {
			t.Errorf("seed %d (go test ./sim -runs 1 -seed %d -story):\n%s", seed, seed, strings.Join(w.failed[:min(10, len(w.failed))], "\n"))
		}
		if *story || len(w.failed) > 0 {
			t.Log("the end of the story:\n" + strings.Join(w.log[max(0, len(w.log)-map[bool]int{true: 3000, false: 150}[*story]):], "\n"))
		}
	})
	return st
}

// TestReplay shows that a seed is a run: two runs of one seed tell the same story.
func TestReplay(t *testing.T) {
	tell := func() string {
		var out string
		t.Run("run", func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, 7)
			w := newWorld(7)
			w.server = newServer(w)
			w.play()
			w.heal()
			out = strings.Join(w.log, "\n") + fmt.Sprint(w.stats)
		})
		return out
	}
	if a, b := tell(), tell(); a != b {
		t.Errorf("two runs of one seed differ:\n%s\n---\n%s", a, b)
	}
}
