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
	runs       = flag.Int("runs", 8, "how many seeds")
	seed       = flag.Uint64("seed", 1, "the first seed")
	child      = flag.Bool("child", false, "run the seeds in this process")
	workersMax = flag.Int("workers", 0, "how many processes; 0: one a core")
	liars      = flag.Int("liars", 6, "how many seeds on a dishonest server")
	story      = flag.Bool("story", false, "print what happens")
)

// TestSimulation runs the seeds from -seed on, in one process a core, and fails with the seed and
// the end of the story of every run in which a promise was broken.
func TestSimulation(t *testing.T) {
	if *child || *runs == 1 {
		total := stats{}
		for i := range *runs {
			total.add(one(t, *seed+uint64(i)))
		}
		fmt.Println("stats", strings.Trim(fmt.Sprint(total), "[]"))
		return
	}
	workers := min(runtime.GOMAXPROCS(0), *runs)
	if *workersMax > 0 {
		workers = min(workers, *workersMax)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total stats
	bad := 0
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
				cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
				out, err := cmd.CombinedOutput()
				mu.Lock()
				bad += bytes.Count(out, []byte("--- FAIL: TestSimulation/seed-"))
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
	var line strings.Builder
	line.WriteString(fmt.Sprintf("%d seeds from %d, %d of them with a violation", *runs, *seed, bad))
	for i, n := range total {
		line.WriteString(fmt.Sprintf(", %d %s", n, statNames[i]))
		if n == 0 && *runs >= 100 {
			t.Errorf("no %s: the run proves nothing", statNames[i])
		}
	}
	fmt.Println(line.String())
}

// live lives the whole of one seed.
func live(seed uint64, with func(*world)) *world {
	w := newWorld(seed)
	w.lived(with)
	return w
}

func (w *world) lived(with func(*world)) {
	with(w)
	w.server = newServer(w)
	w.faults = true
	w.play()
	w.heal()
	w.check()
}

// one runs one seed.
func one(t *testing.T, seed uint64) (st stats) {
	t.Helper()
	t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		w := live(seed, func(w *world) { w.verbose = *story })
		st = w.stats
		if len(w.failed) > 0 {
			t.Errorf("seed %d (go test ./sim -runs 1 -seed %d -story):\n%s", seed, seed, strings.Join(w.failed[:min(10, len(w.failed))], "\n"))
		}
		if *story || len(w.failed) > 0 {
			t.Log("the end of the story:\n" + strings.Join(w.log[max(0, len(w.log)-map[bool]int{true: 1 << 30, false: 150}[*story]):], "\n"))
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
			w := live(7, func(*world) {})
			out = strings.Join(w.log, "\n") + fmt.Sprint(w.stats)
		})
		return out
	}
	if a, b := tell(), tell(); a != b {
		t.Errorf("two runs of one seed differ:\n%s\n---\n%s", a, b)
	}
}
