package e2e

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bounds of what a test waits for. They are far above what anything takes on a busy machine, and far
// below the time-out of the package: a test that stands still says itself what it awaits.
const (
	patience      = time.Minute     // one thing that happens at once
	longPatience  = 2 * time.Minute // several, or what has to find back first
	commandMax    = 3 * time.Minute // a command of the program
	testMax       = 6 * time.Minute // a whole test
	watchInterval = time.Second
)

// watch knows what runs, so that a test that stands still can be named in a few lines. The runtime's
// own time-out prints every goroutine, and who reads the end of it learns nothing.
var watch = watcher{tests: map[string]time.Time{}, awaits: map[int]await{}, processes: map[*os.Process]bool{}}

type watcher struct {
	mu        sync.Mutex
	tests     map[string]time.Time // since when they run
	awaits    map[int]await
	last      int
	processes map[*os.Process]bool
}

type await struct {
	test, what string
	since      time.Time
}

// runs makes a test known until it ends.
func (w *watcher) runs(t testing.TB) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := t.Name()
	if _, ok := w.tests[name]; ok {
		return
	}
	w.tests[name] = time.Now()
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.tests, name)
	})
}

// awaiting says what a test waits for until the function it returns is called.
func awaiting(t testing.TB, format string, args ...any) (over func()) {
	watch.runs(t)
	watch.mu.Lock()
	defer watch.mu.Unlock()
	watch.last++
	id := watch.last
	watch.awaits[id] = await{t.Name(), fmt.Sprintf(format, args...), time.Now()}
	return func() {
		watch.mu.Lock()
		defer watch.mu.Unlock()
		delete(watch.awaits, id)
	}
}

// started keeps a process in mind: none may outlive a test run that is given up.
func (w *watcher) started(p *os.Process) (over func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.processes[p] = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.processes, p)
	}
}

// guard gives up when a test has run for too long, or when all of them together are about to reach
// the package's time-out, and says in a few lines which stood still, where, and for what it waited.
func (w *watcher) guard(dir string) {
	end := time.Now().AddDate(1, 0, 0)
	if f := flag.Lookup("test.timeout"); f != nil {
		if d, ok := f.Value.(flag.Getter).Get().(time.Duration); ok && d > 0 {
			end = time.Now().Add(d - min(d/10, 20*time.Second))
		}
	}
	for range time.Tick(watchInterval) {
		w.mu.Lock()
		now := time.Now()
		late := now.After(end)
		for _, since := range w.tests {
			late = late || now.Sub(since) > testMax && !measuring()
		}
		if late {
			fmt.Fprint(os.Stderr, w.report(now))
			for p := range w.processes {
				_ = p.Kill()
			}
			_ = os.RemoveAll(dir)
			os.Exit(1)
		}
		w.mu.Unlock()
	}
}

// measuring says whether the run measures something large, which takes its time.
func measuring() (yes bool) {
	flag.Visit(func(f *flag.Flag) {
		yes = yes || *slow || slices.Contains([]string{"group", "fan", "memory", "latency", "rounds"}, f.Name)
	})
	return yes
}

// report is what guard says; w.mu is held.
func (w *watcher) report(now time.Time) string {
	var b strings.Builder
	fmt.Fprintln(&b, "e2e: given up, because it stood still. Running:")
	for name, since := range w.tests {
		fmt.Fprintf(&b, "  %s, for %v\n", name, now.Sub(since).Round(time.Second))
	}
	list := []await{}
	for _, a := range w.awaits {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b await) int { return a.since.Compare(b.since) })
	for _, a := range list[:min(len(list), 20)] {
		fmt.Fprintf(&b, "  %s awaits, for %v: %s\n", a.test, now.Sub(a.since).Round(time.Second), a.what)
	}
	stacks := make([]byte, 4<<20)
	for _, s := range places(string(stacks[:runtime.Stack(stacks, true)])) {
		fmt.Fprintln(&b, "  at", s)
	}
	return b.String()
}

var place = regexp.MustCompile(`/e2e/(\w+_test\.go:\d+)`)

// places are where goroutines of the tests stand, innermost first.
func places(stacks string) (list []string) {
	for g := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(g, "e2e.TestMain(") || strings.Contains(g, "(*watcher)") {
			continue
		}
		var at []string
		for _, m := range place.FindAllStringSubmatch(g, -1) {
			at = append(at, m[1])
		}
		if s := strings.Join(at, " from "); s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list[:min(len(list), 20)]
}
