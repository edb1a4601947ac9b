package embedded

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/store"
	"paperplane/server/store/storetest"
)

// errNoSpace is what the real disk says through cause.
var errNoSpace = store.ErrFull

// smallTail makes tails fill and merge within a test.
const (
	smallTail = 24 << 10
	smallStep = 16 << 10
)

var everyPoint = flag.Bool("every-point", false, "crash at every point, not at some 80 of them")

func mustOpen(t testing.TB, d disk) *Log {
	t.Helper()
	l, err := openOn(d, smallTail, smallStep)
	if err != nil {
		t.Fatalf("open: got %v, want nil", err)
	}
	return l
}

// The conformance suite on a disk that forgets what was not synced, with tails so small that
// young segments come and go, and with a power failure wherever the suite asks for a crash.
func TestConformanceCrashing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	storetest.Run(t, func(t *testing.T) storetest.Setup {
		rng := rand.New(rand.NewPCG(seed, 0))
		d := newMemDisk()
		l := mustOpen(t, d)
		return storetest.Setup{
			Log: l,
			Reopen: func() store.Log {
				if err := l.Close(); err != nil {
					t.Fatalf("Close: got %v, want nil", err)
				}
				l = mustOpen(t, d)
				return l
			},
			Crash: func() store.Log {
				d.mu.Lock()
				d.dieAt = d.ops + 1
				d.mu.Unlock()
				after := d.crash(rng)
				_ = l.Close()
				d = after
				l = mustOpen(t, d)
				return l
			},
		}
	})
}

// play is what a crash test does to the store, with a note of what it may find afterwards.
type play struct {
	want  map[plane.LogID]map[plane.Seq][]byte // acknowledged and to be kept
	maybe map[plane.LogID]map[plane.Seq][]byte // under way when the power failed
	heads map[plane.LogID]plane.Seq
}

// act runs a fixed mix of everything until the end or the first error.
func (p *play) act(l *Log) error {
	ctx := context.Background()
	p.want, p.maybe = map[plane.LogID]map[plane.Seq][]byte{}, map[plane.LogID]map[plane.Seq][]byte{}
	p.heads = map[plane.LogID]plane.Seq{}
	day := func(i int) plane.Day { return storetest.Day + plane.Day(i/15) }
	add := func(log, i int) error {
		id, body := storetest.ID(log), storetest.Body(i*10+log, plane.RecordSmall)
		if p.want[id] == nil {
			p.want[id] = map[plane.Seq][]byte{}
		}
		p.maybe[id] = map[plane.Seq][]byte{p.heads[id] + 1: body}
		seq, err := l.Append(ctx, id, day(i), body, false)
		if err != nil {
			return err
		}
		if seq != p.heads[id]+1 {
			return fmt.Errorf("Append: got seq %d, want %d", seq, p.heads[id]+1)
		}
		delete(p.maybe, id)
		p.want[id][seq] = body
		p.heads[id] = seq
		return nil
	}
	for i := range 45 {
		for log := range 3 {
			if err := add(log, i); err != nil {
				return err
			}
		}
		switch i {
		case 10, 25, 40:
			if err := l.Settle(ctx); err != nil {
				return err
			}
		case 20: // from here on log 2 may be there or not; it starts anew
			id := storetest.ID(2)
			p.maybe[id] = p.want[id]
			delete(p.want, id)
			if err := l.Forget(ctx, id); err != nil {
				return err
			}
			delete(p.maybe, id)
			delete(p.heads, id)
		case 33: // log 1 loses its first day
			id := storetest.ID(1)
			p.maybe[id] = map[plane.Seq][]byte{}
			for seq, b := range p.want[id] {
				if seq <= 15 {
					p.maybe[id][seq] = b
					delete(p.want[id], seq)
				}
			}
			err := l.Expire(ctx, func(l plane.LogID) plane.Day {
				if l == id {
					return storetest.Day + 1
				}
				return storetest.Day
			})
			if err != nil {
				return err
			}
			delete(p.maybe, id)
		}
	}
	return nil
}

// check compares what a store reads with what it may: all of want, nothing but want and maybe,
// each once, in order.
func (p *play) check(l *Log) error {
	ctx := context.Background()
	for log := range 3 {
		id := storetest.ID(log)
		got, err := l.Read(ctx, id, 0, 1000)
		if err != nil {
			return fmt.Errorf("log %d: Read: got %w, want nil", log, err)
		}
		last, found := plane.Seq(0), 0
		for _, r := range got {
			if r.Seq <= last {
				return fmt.Errorf("log %d: seq %d after %d", log, r.Seq, last)
			}
			last = r.Seq
			if w, ok := p.want[id][r.Seq]; ok && string(w) == string(r.Body) {
				found++
			} else if m, ok := p.maybe[id][r.Seq]; !ok || string(m) != string(r.Body) {
				return fmt.Errorf("log %d: seq %d: got a record that nobody stored", log, r.Seq)
			}
		}
		if found != len(p.want[id]) {
			return fmt.Errorf("log %d: got %d of %d acknowledged records", log, found, len(p.want[id]))
		}
		h, err := l.Head(ctx, id)
		if err != nil || h < p.heads[id] && len(p.maybe[id]) == 0 || h < last {
			return fmt.Errorf("log %d: Head: got %d, %v, want at least %d", log, h, err, max(last, p.heads[id]))
		}
	}
	return nil
}

// TestCrashAtEveryPoint cuts the power before each single change of the disk, in turn, with
// different luck as to what had reached it; the store must open and have all it acknowledged,
// and go on. A second crash comes during that recovery.
func TestCrashAtEveryPoint(t *testing.T) {
	full := newMemDisk()
	l := mustOpen(t, full)
	if err := new(play).act(l); err != nil {
		t.Fatalf("without a crash: got %v, want nil", err)
	}
	_ = l.Close()
	points := full.ops
	t.Logf("%d points", points)
	seed := rand.Uint64()
	step, first := 1, 1
	if !*everyPoint {
		step = max(1, points/80)
		first = 1 + rand.IntN(step)
	}
	for at := first; at <= points; at += step {
		for luck := range uint64(2) {
			rng := rand.New(rand.NewPCG(seed+luck, uint64(at)))
			d := newMemDisk()
			d.dieAt = at
			p := &play{}
			l, err := openOn(d, smallTail, smallStep)
			if err == nil {
				err = p.act(l)
				_ = l.Close()
			}
			if err != nil && !errors.Is(err, errDead) && !errors.Is(err, store.ErrClosed) {
				t.Fatalf("seed %d, point %d: got %v, want errDead", seed, at, err)
			}
			d = d.crash(rng)
			d.dieAt = 1 + rng.IntN(20)
			if l, err := openOn(d, smallTail, smallStep); err == nil {
				_ = l.Settle(t.Context())
				_ = l.Close()
			}
			d = d.crash(rng)
			if l, err = openOn(d, smallTail, smallStep); err != nil {
				t.Fatalf("seed %d, point %d: open after crash: got %v, want nil", seed, at, err)
			}
			for _, when := range []string{"opened", "settled"} {
				if err := p.check(l); err != nil {
					t.Fatalf("seed %d, point %d, luck %d, %s: %v", seed, at, luck, when, err)
				}
				if _, err := l.Append(t.Context(), storetest.ID(9), storetest.Day, storetest.Body(1, plane.RecordLarge), false); err != nil {
					t.Fatalf("seed %d, point %d: append after crash: got %v, want nil", seed, at, err)
				}
				if err := l.Settle(t.Context()); err != nil {
					t.Fatalf("seed %d, point %d: settle after crash: got %v, want nil", seed, at, err)
				}
			}
			_ = l.Close()
		}
	}
}
