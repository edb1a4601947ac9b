package sim

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"
)

var (
	soaking      = flag.Bool("soak", false, "a week of many accounts")
	soakAccounts = flag.Int("accounts", 200, "how many, with -soak")
	soakRestores = flag.Bool("restores", false, "put old backups back, with -soak")
	soakDevices  = flag.Int("devices", 1, "how many devices each")
)

// TestSoak lives one seed of a week: with -soak of -accounts people, else of a few. Nothing is lost,
// nothing stays unreadable, everybody agrees at the end, and nobody did anything by hand.
func TestSoak(t *testing.T) {
	accounts := 6
	if *soaking {
		accounts = *soakAccounts
	}
	cryptotest.SetGlobalRandom(t, *seed)
	began := time.Now()
	w := newWorld(*seed)
	w.verbose = *story
	s := newSoak(w, accounts, *soakDevices)
	s.restores = *soakRestores
	s.live()
	lived := time.Since(began)
	w.heal()
	w.check()
	var line strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s.counts)) {
		fmt.Fprintf(&line, ", %d %s", s.counts[k], k)
	}
	for i, n := range w.stats {
		fmt.Fprintf(&line, ", %d %s", n, statNames[i])
	}
	fmt.Printf("soak: seed %d, %d accounts, %d days in %v, then %v of healing; %d violations%s; without %v\n", *seed, accounts, soakDays,
		lived.Round(time.Second), (time.Since(began) - lived).Round(time.Second), len(w.failed), line.String(), slices.Sorted(maps.Keys(s.missing)))
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d events, %d MB", w.done, m.Sys>>20)
	if len(w.failed) > 0 {
		t.Errorf("seed %d:\n%s", *seed, strings.Join(w.failed[:min(10, len(w.failed))], "\n"))
		kept := 150
		if *story {
			kept = len(w.log)
		}
		t.Log("the end of the story:\n" + strings.Join(w.log[max(0, len(w.log)-kept):], "\n"))
	}
}
