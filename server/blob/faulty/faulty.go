// Package faulty wraps any blob.Store with faults drawn from a seed: a full disk, failure before
// a change, failure after it (the caller cannot know), and delays.
//
// The same seed and the same sequence of calls give the same faults. A Store is safe for
// concurrent use; concurrent callers draw in the order in which they come.
package faulty

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"

	"paperplane/protocol/plane"
	"paperplane/server/blob"
)

// ErrFault is a failure made here: the outcome is unknown to the caller, who may retry.
var ErrFault = errors.New("faulty: made-up failure")

// Plan says how often what happens. Each field is a chance between 0 and 1 per call.
type Plan struct {
	Full   float64 // Put answers blob.ErrFull; nothing is stored
	Before float64 // ErrFault, nothing was done
	After  float64 // ErrFault, all was done
	Delay  float64 // Wait is called first
	// Wait is the delay; may be nil. It must return at once when ctx ends.
	Wait func(ctx context.Context)
}

// Store is a blob.Store with faults.
type Store struct {
	store blob.Store
	plan  Plan

	mu     sync.Mutex
	rng    *rand.Rand
	off    bool
	faults int
}

var _ blob.Store = (*Store)(nil)

// New wraps store; Close closes it.
func New(store blob.Store, seed uint64, plan Plan) *Store {
	return &Store{store: store, plan: plan, rng: rand.New(rand.NewPCG(seed, 0xb10b))}
}

// Heal turns all faults off, for the phase of a test that demands progress.
func (s *Store) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = true
}

// Faults returns how many failures there were, so that a test can tell that it met some.
func (s *Store) Faults() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// do runs f with the fault drawn for it. Two random values are taken whatever the plan.
func (s *Store) do(ctx context.Context, canFull bool, f func() error) error {
	s.mu.Lock()
	what, wait := s.rng.Float64(), s.rng.Float64()
	p := s.plan
	if s.off {
		p = Plan{}
	}
	full := canFull && what < p.Full
	before := what >= p.Full && what < p.Full+p.Before
	after := what >= p.Full+p.Before && what < p.Full+p.Before+p.After
	if full || before || after {
		s.faults++
	}
	s.mu.Unlock()
	if wait < p.Delay && p.Wait != nil {
		p.Wait(ctx)
	}
	switch {
	case full:
		return blob.ErrFull
	case before:
		return ErrFault
	}
	if err := f(); err != nil {
		return err
	}
	if after {
		return ErrFault
	}
	return nil
}

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, id plane.BlobID, index, count int, day plane.Day, data []byte) error {
	return s.do(ctx, true, func() error { return s.store.Put(ctx, id, index, count, day, data) })
}

// Get implements blob.Store.
func (s *Store) Get(ctx context.Context, id plane.BlobID, index int) (data []byte, err error) {
	err = s.do(ctx, false, func() (err error) {
		data, err = s.store.Get(ctx, id, index)
		return err
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Part implements blob.Store.
func (s *Store) Part(ctx context.Context, id plane.BlobID, index, from, n int) (data []byte, err error) {
	err = s.do(ctx, false, func() (err error) {
		data, err = s.store.Part(ctx, id, index, from, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, id plane.BlobID) (have []bool, err error) {
	err = s.do(ctx, false, func() (err error) {
		have, err = s.store.Stat(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return have, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, id plane.BlobID) error {
	return s.do(ctx, false, func() error { return s.store.Delete(ctx, id) })
}

// Expire implements blob.Store.
func (s *Store) Expire(ctx context.Context, before plane.Day) error {
	return s.do(ctx, false, func() error { return s.store.Expire(ctx, before) })
}

// Size implements blob.Store.
func (s *Store) Size(ctx context.Context) (n int64, err error) {
	err = s.do(ctx, false, func() (err error) {
		n, err = s.store.Size(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Close implements blob.Store; it never fails by itself.
func (s *Store) Close() error { return s.store.Close() }
