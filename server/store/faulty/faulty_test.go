package faulty_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/store"
	"paperplane/server/store/faulty"
	"paperplane/server/store/mem"
	"paperplane/server/store/storetest"
)

// A wrapper without faults is a store like any other.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Setup {
		m := mem.New()
		return storetest.Setup{Log: faulty.New(m, 1, faulty.Plan{}), Reopen: func() store.Log {
			m = m.Reopen()
			return faulty.New(m, 1, faulty.Plan{})
		}}
	})
}

// A caller that retries until it succeeds has each record stored once, in its order, whatever
// fails; that some calls failed in each way is part of the test.
func TestRetryThroughFaults(t *testing.T) {
	waits := 0
	m := mem.New()
	l := faulty.New(m, 42, faulty.Plan{Full: .1, Before: .2, After: .3, Delay: .5, Wait: func(context.Context) { waits++ }})
	seen := map[error]int{}
	for i := range 100 {
		for retry := false; ; retry = true {
			seq, err := l.Append(t.Context(), storetest.ID(1), storetest.Day, storetest.Body(i, plane.RecordSmall), retry)
			if err == nil {
				if want := plane.Seq(i + 1); seq != want {
					t.Fatalf("Append: got seq %d, want %d", seq, want)
				}
				break
			}
			seen[err]++
		}
	}
	if seen[store.ErrFull] == 0 || seen[faulty.ErrFault] == 0 || len(seen) != 2 || waits == 0 {
		t.Errorf("faults: got %v and %d waits, want some of ErrFull, ErrFault and waits", seen, waits)
	}
	if got, want := l.Faults(), seen[store.ErrFull]+seen[faulty.ErrFault]; got != want {
		t.Errorf("Faults: got %d, want %d", got, want)
	}
	if h, _ := m.Head(t.Context(), storetest.ID(1)); h != 100 {
		t.Errorf("Head: got %d, want 100", h)
	}
	l.Heal()
	for range 100 {
		if _, err := l.Head(t.Context(), storetest.ID(1)); err != nil {
			t.Fatalf("Head after Heal: got %v, want nil", err)
		}
	}
}

// The same seed gives the same faults; Full is never told to readers.
func TestSeed(t *testing.T) {
	run := func(seed uint64) (out []bool) {
		l := faulty.New(mem.New(), seed, faulty.Plan{Full: .3, Before: .3})
		for range 50 {
			_, err := l.Read(t.Context(), storetest.ID(1), 1, 1)
			if errors.Is(err, store.ErrFull) {
				t.Errorf("Read: got ErrFull, want it for changes only")
			}
			out = append(out, err == nil)
		}
		return out
	}
	if a, b := run(7), run(7); !slices.Equal(a, b) {
		t.Errorf("seed 7 twice: got %v and %v, want the same", a, b)
	}
	if a, b := run(7), run(8); slices.Equal(a, b) {
		t.Errorf("seeds 7 and 8: got the same faults, want others")
	}
}
