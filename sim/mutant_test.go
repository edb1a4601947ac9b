package sim

import (
	"fmt"
	"strings"
	"testing"
	"testing/cryptotest"
)

// liveOn lives a seed in a subtest, whose random bytes follow from the seed too. A mutant may
// also break an invariant of whoever lives with it: that is found as well.
func liveOn(t *testing.T, name string, seed uint64, f func(*world)) (found string) {
	t.Run(fmt.Sprintf("%s-seed-%d", name, seed), func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		defer func() {
			if r := recover(); r != nil {
				found = fmt.Sprint(r)
			}
		}()
		w := newWorld(seed)
		w.verbose = *story
		f(w)
		if len(w.failed) > 0 {
			found = w.failed[0]
			if *story {
				t.Log("the story:\n" + strings.Join(w.log, "\n"))
			}
		}
	})
	return found
}

// mutantRuns is how many seeds may pass until a mutant is found.
const mutantRuns = 40

// TestMutants shows that the checkers bite: each of a list of faults, which no product may have,
// is found within some seeds, and the same rough worlds without one pass. A server that does not
// recognise repeated appends is not in the list: MLS generations make the second record void, so
// nobody sees it.
func TestMutants(t *testing.T) {
	for x := range mutantsCount {
		t.Run(mutantNames[x], func(t *testing.T) {
			for seed := uint64(1); seed <= mutantRuns; seed++ {
				found := liveOn(t, mutantNames[x], seed, func(w *world) { w.lived(func(w *world) { w.mutant, w.rough = x, 4 }) })
				switch {
				case found != "" && x == sound:
					t.Errorf("seed %d without a mutant: %s", seed, found)
				case found != "":
					t.Logf("found with seed %d: %s", seed, found)
					return
				case x == sound && seed == 3:
					return
				}
			}
			t.Errorf("not found within %d seeds", mutantRuns)
		})
	}
}

// TestDishonest shows what a dishonest server can do to people: withhold and delay, but not put
// words into anybody's mouth, show a message twice, or show two who talk two histories unseen.
func TestDishonest(t *testing.T) {
	lies := 0
	for n := range uint64(*liars) {
		seed := *seed + n
		if found := liveOn(t, "dishonest", seed, func(w *world) { w.betrayed(); lies += w.liar.lies }); found != "" {
			t.Errorf("seed %d (go test ./sim -run TestDishonest -liars 1 -seed %d): %s", seed, seed, found)
		}
	}
	if lies == 0 {
		t.Errorf("no lies: the run proves nothing")
	}
	t.Logf("%d seeds from %d, %d lies", *liars, *seed, lies)
}
