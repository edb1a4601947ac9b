package embedded

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/store/storetest"
)

// The order attack: 200 conversations of two logs each, whose owners write in bursts at the same
// time. The attacker has the files, knows the log ids that lie in them, and pairs logs by where
// their records are. Chance is 1 in 399.
const (
	pairs    = 200
	messages = 20_000
)

// chatter calls f with the log of each message, in the order of arrival.
func chatter(f func(n, log int)) {
	rng := rand.New(rand.NewPCG(1, 1))
	var active []int
	for n := range messages {
		if len(active) < 10 || rng.Float64() < 0.02 {
			active = append(active, rng.IntN(pairs))
		}
		if len(active) > 12 {
			active = active[1:]
		}
		f(n, 2*active[rng.IntN(len(active))]+rng.IntN(2))
	}
}

// places is where in the files each log's id occurs: a number that grows with the offset.
type places [2 * pairs][]int

// search looks for the ids in raw bytes, at every offset that is a whole unit, file after file.
// Each file's places follow the last one's, as its blocks would on a disk.
func search(files [][]byte) (p places) {
	ids := map[plane.LogID]int{}
	for log := range 2 * pairs {
		ids[storetest.ID(log)] = log
	}
	base := 0
	for _, b := range files {
		for off := 0; off+len(plane.LogID{}) <= len(b); off += unit {
			if log, ok := ids[plane.LogID(b[off:])]; ok {
				p[log] = append(p[log], base+off)
			}
		}
		base += len(b)
	}
	return p
}

// attack profiles each log into 400 bins of place and pairs it with the log of the most similar
// profile (cosine). It returns the share of logs whose partner was found.
func attack(p places) float64 {
	const bins = 400
	top := 0
	for _, v := range p {
		for _, x := range v {
			top = max(top, x)
		}
	}
	var prof [2 * pairs][bins]float64
	for log, v := range p {
		for _, x := range v {
			prof[log][x*bins/(top+1)]++
		}
	}
	hits, tried := 0, 0
	for i := range prof {
		if len(p[i]) == 0 {
			continue
		}
		best, found := 0.0, -1
		for j := range prof {
			var dot, a, b float64
			for k := range bins {
				dot += prof[i][k] * prof[j][k]
				a += prof[i][k] * prof[i][k]
				b += prof[j][k] * prof[j][k]
			}
			if i != j && a*b > 0 && dot*dot/(a*b) > best {
				best, found = dot*dot/(a*b), j
			}
		}
		tried++
		if found == i^1 {
			hits++
		}
	}
	return float64(hits) / float64(max(tried, 1))
}

// raw returns the files whose names have the prefix, in the order of their names.
func (d *memDisk) raw(prefix string) (out [][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for n := range d.names {
		if strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		out = append(out, slices.Clone(d.names[n].data))
	}
	return out
}

// TestOrderAttack runs the attack on what Settle leaves, after ten settlings as in ten hours of
// a day, and on two mutants that it must see through.
func TestOrderAttack(t *testing.T) {
	d := newMemDisk()
	l, err := openOn(d, 64<<20, 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	arrival, err := createSorted(newMemDisk(), "seg-", fileRef{day: storetest.Day}) // mutant: not sorted
	if err != nil {
		t.Fatal(err)
	}
	var hours [][]int // mutant: what came in each hour, apart
	var now []int
	chatter(func(n, log int) {
		body := storetest.Body(n, plane.RecordSmall)
		seq, err := l.Append(t.Context(), storetest.ID(log), storetest.Day, body, false)
		if err != nil {
			t.Fatal(err)
		}
		frame := append(make([]byte, headBytes), body...)
		putHead(frame, storetest.ID(log), kindSmall, seq, storetest.Day, 0)
		if err := arrival.add(storetest.ID(log), frame); err != nil {
			t.Fatal(err)
		}
		now = append(now, log)
		if n%(messages/10) == messages/10-1 {
			hours, now = append(hours, now), nil
			if n < messages-1 {
				if err := l.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	if _, err := arrival.finish(); err != nil {
		t.Fatal(err)
	}
	mutant := attack(search(arrival.d.(*memDisk).raw("seg-")))
	young := attack(search(d.raw("tail-")))
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled := attack(search(d.raw("seg-")))
	heads := attack(search(d.raw("heads-")))
	every := attack(search(d.raw("")))
	var byHour places // the attacker sees only which hour's file a record lies in
	for h, logs := range hours {
		for _, log := range logs {
			byHour[log] = append(byHour[log], h)
		}
	}
	hourly := attack(byHour)
	fmt.Printf("order attack, pairs linked (chance 0.25 %%): settled day %.1f %%, heads %.1f %%, all files %.1f %%; tail of the last hour %.1f %%; mutants: arrival order %.1f %%, a segment an hour %.1f %%\n",
		100*settled, 100*heads, 100*every, 100*young, 100*mutant, 100*hourly)
	for _, c := range []struct {
		what string
		got  float64
	}{{"settled day", settled}, {"heads", heads}, {"all files", every}} {
		if c.got > 0.02 {
			t.Errorf("%s: got %.1f %% of pairs linked, want at most 2 %%", c.what, 100*c.got)
		}
	}
	if mutant < 0.5 {
		t.Errorf("segments in order of arrival: got %.1f %% of pairs linked, want at least 50 %%: the attack is too weak", 100*mutant)
	}
	for n, b := range d.raw("tail-") {
		if i := slices.IndexFunc(b, func(x byte) bool { return x != 0 }); i >= 0 {
			t.Errorf("tail %d after Settle: got byte %#x at %d, want zeros only", n, b[i], i)
		}
	}
	_ = l.Close()
}

// TestSameBytes: what Settle leaves depends on the records alone: not on how logs interleaved,
// nor on how often it was called in between.
func TestSameBytes(t *testing.T) {
	var first [][]byte
	for run := range 3 {
		d := newMemDisk()
		l, err := openOn(d, 1<<20, 64<<10)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(uint64(run), 3))
		var left []int // logs, each as often as it has records to come
		for log := range 30 {
			for range 20 + log*3 {
				left = append(left, log)
			}
		}
		rng.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		count := map[int]int{}
		for i, log := range left {
			size := []int{plane.RecordSmall, plane.RecordLarge}[count[log]%2]
			if _, err := l.Append(t.Context(), storetest.ID(log), storetest.Day+plane.Day(count[log]/20), storetest.Body(log*1000+count[log], size), false); err != nil {
				t.Fatal(err)
			}
			count[log]++
			if run > 0 && i%(100*run) == 0 {
				if err := l.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := l.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := append(d.raw("seg-"), d.raw("heads-")...)
		if run == 0 {
			first = got
		}
		if len(got) != len(first) {
			t.Fatalf("run %d: got %d files, want %d", run, len(got), len(first))
		}
		for i := range got {
			if !slices.Equal(got[i], first[i]) {
				t.Errorf("run %d, file %d: got other bytes than in run 0", run, i)
			}
		}
		_ = l.Close()
	}
}

// TestForgotten: after Forget and Settle no file holds the log's id or a body of it, and after
// Expire no body that has expired.
func TestForgotten(t *testing.T) {
	d := newMemDisk()
	l, err := openOn(d, 1<<20, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		for log := range 4 {
			if _, err := l.Append(t.Context(), storetest.ID(log), storetest.Day+plane.Day(i/20), storetest.Body(i*4+log, plane.RecordSmall), false); err != nil {
				t.Fatal(err)
			}
		}
		if i == 30 {
			if err := l.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	holds := func(what []byte) bool {
		return slices.ContainsFunc(d.raw(""), func(b []byte) bool { return strings.Contains(string(b), string(what)) })
	}
	id := storetest.ID(1)
	if !holds(id[:]) || !holds(storetest.Body(1, plane.RecordSmall)[:32]) {
		t.Fatal("the log is not found before Forget: the search does not work")
	}
	if err := l.Forget(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if holds(id[:]) {
		t.Error("the forgotten log's id: got it in a file, want none")
	}
	for i := range 60 {
		if holds(storetest.Body(i*4+1, plane.RecordSmall)[:32]) {
			t.Errorf("body %d of the forgotten log: got it in a file, want none", i)
		}
	}
	short := storetest.ID(2)
	if err := l.Expire(t.Context(), func(id plane.LogID) plane.Day {
		if id == short {
			return storetest.Day + 2
		}
		return storetest.Day + 1
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		for log, first := range map[int]int{0: 20, 2: 40, 3: 20} {
			if got, want := holds(storetest.Body(i*4+log, plane.RecordSmall)[:32]), i >= first; got != want {
				t.Errorf("log %d body %d after Expire: got it in a file %v, want %v", log, i, got, want)
			}
		}
	}
	// The whole day goes as one file, without a trace in the manifest.
	if n := len(d.raw(fmt.Sprintf("seg-%d-", storetest.Day))); n != 0 {
		t.Errorf("segments of the expired day: got %d, want 0", n)
	}
	_ = l.Close()
}

// TestTimes: after Settle, in a real folder, sealed files have their day's start as time; files
// that belong to no day have none, or the newest day's.
func TestTimes(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := l.Append(t.Context(), storetest.ID(1), storetest.Day+plane.Day(i), storetest.Body(i, plane.RecordSmall), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range entries {
		day, kind := plane.Day(0), strings.SplitN(e.Name(), "-", 2)[0]
		if kind == "seg" {
			_, _ = fmt.Sscanf(e.Name(), "seg-%d-", &day)
		} else if kind == "heads" || kind == manifestName {
			day = storetest.Day + 2
		}
		kinds[kind]++
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := info.ModTime().UTC(), day.Start(); !got.Equal(want) {
			t.Errorf("%s: got time %v, want %v", kind, got, want)
		}
	}
	if want := map[string]int{"seg": 3, "heads": 1, manifestName: 1, lockName: 1, "tail": 2}; !maps.Equal(kinds, want) {
		t.Errorf("files: got %v, want %v", kinds, want)
	}
	_ = l.Close()
}

// TestLocked: a folder has one owner, and its lock goes with it.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("second Open: got %v, want ErrLocked", err)
	}
	if err := Verify(dir); err != nil {
		t.Errorf("Verify beside the owner: got %v, want nil", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(dir); err != nil {
		t.Fatalf("Open after Close: got %v, want nil", err)
	}
	_ = l.Close()
}
