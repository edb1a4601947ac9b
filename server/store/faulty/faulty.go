// Package faulty wraps any store.Log with faults drawn from a seed: a full disk, failure before
// the record is stored, failure after it was (the caller cannot know), and delays.
//
// The same seed and the same sequence of calls give the same faults. What succeeds succeeds as
// the wrapped store does. A Log is safe for concurrent use; concurrent callers draw in the order
// in which they come.
package faulty

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// ErrFault is a failure made here: the outcome is unknown to the caller, who may retry.
var ErrFault = errors.New("faulty: made-up failure")

// Plan says how often what happens. Each field is a chance between 0 and 1 per call.
type Plan struct {
	Full   float64 // Append answers store.ErrFull; nothing is stored
	Before float64 // ErrFault, nothing was done
	After  float64 // ErrFault, all was done
	Delay  float64 // Wait is called first
	// Wait is the delay: a simulator advances its clock here, a test yields. May be nil. It must
	// return at once when ctx ends.
	Wait func(ctx context.Context)
}

// Log is a store.Log with faults.
type Log struct {
	log  store.Log
	plan Plan

	mu     sync.Mutex
	rng    *rand.Rand
	off    bool
	faults int
}

var _ store.Log = (*Log)(nil)

// New wraps log; Close closes it.
func New(log store.Log, seed uint64, plan Plan) *Log {
	return &Log{log: log, plan: plan, rng: rand.New(rand.NewPCG(seed, 0x5707e))}
}

// Heal turns all faults off, for the phase of a test that demands progress.
func (l *Log) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = true
}

// Faults returns how many failures there were, so that a test can tell that it met some.
func (l *Log) Faults() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults
}

type fault uint8

const (
	none fault = iota
	full
	before
	after
)

// draw always takes the same number of random values, so that one plan's calls line up with
// another's under the same seed.
func (l *Log) draw(ctx context.Context, canFull bool) fault {
	l.mu.Lock()
	what, wait := l.rng.Float64(), l.rng.Float64()
	if l.off {
		l.mu.Unlock()
		return none
	}
	f := none
	p := l.plan
	switch {
	case canFull && what < p.Full:
		f = full
	case what >= p.Full && what < p.Full+p.Before:
		f = before
	case what >= p.Full+p.Before && what < p.Full+p.Before+p.After:
		f = after
	}
	if f != none {
		l.faults++
	}
	l.mu.Unlock()
	if wait < p.Delay && p.Wait != nil {
		p.Wait(ctx)
	}
	return f
}

// do runs f with the fault drawn for it.
func (l *Log) do(ctx context.Context, canFull bool, f func() error) error {
	switch l.draw(ctx, canFull) {
	case full:
		return store.ErrFull
	case before:
		return ErrFault
	case after:
		if err := f(); err != nil {
			return err
		}
		return ErrFault
	}
	return f()
}

// Append implements store.Log.
func (l *Log) Append(ctx context.Context, id plane.LogID, day plane.Day, body []byte, retry bool) (seq plane.Seq, err error) {
	err = l.do(ctx, true, func() (err error) {
		seq, err = l.log.Append(ctx, id, day, body, retry)
		return err
	})
	if err != nil {
		return 0, err
	}
	return seq, nil
}

// Read implements store.Log.
func (l *Log) Read(ctx context.Context, id plane.LogID, from plane.Seq, limit int) (recs []store.Record, err error) {
	err = l.do(ctx, false, func() (err error) {
		recs, err = l.log.Read(ctx, id, from, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return recs, nil
}

// Head implements store.Log.
func (l *Log) Head(ctx context.Context, id plane.LogID) (seq plane.Seq, err error) {
	err = l.do(ctx, false, func() (err error) {
		seq, err = l.log.Head(ctx, id)
		return err
	})
	if err != nil {
		return 0, err
	}
	return seq, nil
}

// Forget implements store.Log.
func (l *Log) Forget(ctx context.Context, id plane.LogID) error {
	return l.do(ctx, true, func() error { return l.log.Forget(ctx, id) })
}

// Expire implements store.Log.
func (l *Log) Expire(ctx context.Context, keep func(plane.LogID) plane.Day) error {
	return l.do(ctx, true, func() error { return l.log.Expire(ctx, keep) })
}

// Settle implements store.Log.
func (l *Log) Settle(ctx context.Context) error {
	return l.do(ctx, true, func() error { return l.log.Settle(ctx) })
}

// Close implements store.Log; it never fails by itself.
func (l *Log) Close() error { return l.log.Close() }
