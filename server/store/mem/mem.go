// Package mem is a store.Log in memory: for tests, the simulator and trying things out.
//
// It keeps the contract of package store except that nothing survives the process; Reopen
// stands for a restart over the same memory. A Log is safe for concurrent use.
package mem

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// Log keeps records in a map. The zero value is not usable; call New.
type Log struct {
	mu     sync.Mutex
	logs   map[plane.LogID]*entry
	closed bool
}

type entry struct {
	head plane.Seq
	recs []rec // in order of seq; expired ones are gone
}

type rec struct {
	seq  plane.Seq
	day  plane.Day
	body []byte
}

var _ store.Log = (*Log)(nil)

// New returns an empty store.
func New() *Log { return &Log{logs: map[plane.LogID]*entry{}} }

// Reopen closes l, as a stopping process would, and returns a store over the same records.
func (l *Log) Reopen() *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return &Log{logs: l.logs}
}

// Append implements store.Log.
func (l *Log) Append(ctx context.Context, id plane.LogID, day plane.Day, body []byte, retry bool) (plane.Seq, error) {
	if !store.SizeOK(len(body)) {
		return 0, store.ErrSize
	}
	if err := l.lock(ctx); err != nil {
		return 0, err
	}
	defer l.mu.Unlock()
	e := l.logs[id]
	if e == nil {
		e = &entry{}
		l.logs[id] = e
	}
	if retry {
		for _, r := range slices.Backward(e.recs) {
			if r.seq+store.RetryWindow <= e.head {
				break
			}
			if bytes.Equal(r.body, body) {
				return r.seq, nil
			}
		}
	}
	e.head++
	e.recs = append(e.recs, rec{e.head, day, bytes.Clone(body)})
	return e.head, nil
}

// Read implements store.Log.
func (l *Log) Read(ctx context.Context, id plane.LogID, from plane.Seq, limit int) ([]store.Record, error) {
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	e := l.logs[id]
	if e == nil || limit <= 0 {
		return nil, nil
	}
	i, _ := slices.BinarySearchFunc(e.recs, from, func(r rec, s plane.Seq) int {
		if r.seq < s {
			return -1
		}
		return min(int(r.seq-s), 1)
	})
	var out []store.Record
	for _, r := range e.recs[i:min(len(e.recs), i+limit)] {
		out = append(out, store.Record{Seq: r.seq, Body: bytes.Clone(r.body)})
	}
	return out, nil
}

// Head implements store.Log.
func (l *Log) Head(ctx context.Context, id plane.LogID) (plane.Seq, error) {
	if err := l.lock(ctx); err != nil {
		return 0, err
	}
	defer l.mu.Unlock()
	if e := l.logs[id]; e != nil {
		return e.head, nil
	}
	return 0, nil
}

// Forget implements store.Log.
func (l *Log) Forget(ctx context.Context, id plane.LogID) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	delete(l.logs, id)
	return nil
}

// Expire implements store.Log.
func (l *Log) Expire(ctx context.Context, keep func(plane.LogID) plane.Day) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	for id, e := range l.logs {
		first := keep(id)
		e.recs = slices.DeleteFunc(e.recs, func(r rec) bool { return r.day < first })
	}
	return nil
}

// Settle implements store.Log; there is nothing to settle.
func (l *Log) Settle(ctx context.Context) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	l.mu.Unlock()
	return nil
}

// Close implements store.Log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

func (l *Log) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return store.ErrClosed
	}
	return nil
}
