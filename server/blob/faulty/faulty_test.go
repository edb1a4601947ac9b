package faulty_test

import (
	"context"
	"testing"

	"paperplane/server/blob"
	"paperplane/server/blob/blobtest"
	"paperplane/server/blob/faulty"
	"paperplane/server/blob/mem"
)

// A wrapper without faults is a store like any other.
func TestConformance(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blobtest.Setup {
		m := mem.New()
		return blobtest.Setup{Store: faulty.New(m, 1, faulty.Plan{}), Reopen: func() blob.Store {
			m = m.Reopen()
			return faulty.New(m, 1, faulty.Plan{})
		}}
	})
}

// An uploader that retries gets every chunk through, and the same seed fails the same calls.
func TestRetryThroughFaults(t *testing.T) {
	run := func(seed uint64) (tries, faults int) {
		waits := 0
		s := faulty.New(mem.New(), seed, faulty.Plan{Full: .2, Before: .2, After: .2, Delay: .5, Wait: func(context.Context) { waits++ }})
		seen := map[error]int{}
		for i := range 20 {
			for {
				tries++
				err := s.Put(t.Context(), blobtest.ID(1), i, 20, blobtest.Day, blobtest.Chunk(i))
				if err == nil {
					break
				}
				seen[err]++
			}
		}
		if seen[blob.ErrFull] == 0 || seen[faulty.ErrFault] == 0 || len(seen) != 2 || waits == 0 {
			t.Errorf("faults: got %v and %d waits, want some of ErrFull, ErrFault and waits", seen, waits)
		}
		faults = s.Faults()
		s.Heal()
		have, err := s.Stat(t.Context(), blobtest.ID(1))
		if err != nil || len(have) != 20 {
			t.Fatalf("Stat: got %d chunks, %v, want 20, nil", len(have), err)
		}
		for i, h := range have {
			if !h {
				t.Errorf("chunk %d: got absent, want there", i)
			}
		}
		return tries, faults
	}
	t1, f1 := run(3)
	t2, f2 := run(3)
	if t1 != t2 || f1 != f2 || f1 != t1-20 {
		t.Errorf("seed 3 twice: got %d tries %d faults, then %d and %d, want the same and one fault for each try too many", t1, f1, t2, f2)
	}
}
