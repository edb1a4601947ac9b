// Package mem is a blob.Store in memory: for tests, the simulator and trying things out.
// A Store is safe for concurrent use.
package mem

import (
	"bytes"
	"context"
	"maps"
	"sync"

	"paperplane/protocol/plane"
	"paperplane/server/blob"
)

// Store keeps blobs in a map. The zero value is not usable; call New.
type Store struct {
	mu     sync.Mutex
	blobs  map[plane.BlobID]*entry
	closed bool
}

type entry struct {
	day    plane.Day
	chunks [][]byte // nil: not there
}

var _ blob.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store { return &Store{blobs: map[plane.BlobID]*entry{}} }

// Reopen closes s, as a stopping process would, and returns a store over the same blobs.
func (s *Store) Reopen() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return &Store{blobs: s.blobs}
}

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, id plane.BlobID, index, count int, day plane.Day, data []byte) error {
	if err := blob.Check(index, count, len(data)); err != nil {
		return err
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	e := s.blobs[id]
	if e == nil {
		e = &entry{day: day, chunks: make([][]byte, count)}
		s.blobs[id] = e
	}
	if len(e.chunks) != count || e.chunks[index] != nil && !bytes.Equal(e.chunks[index], data) {
		return blob.ErrClash
	}
	e.chunks[index] = bytes.Clone(data)
	return nil
}

// Get implements blob.Store.
func (s *Store) Get(ctx context.Context, id plane.BlobID, index int) ([]byte, error) {
	return s.part(ctx, id, index, 0, plane.BlobChunkBytes)
}

// Part implements blob.Store.
func (s *Store) Part(ctx context.Context, id plane.BlobID, index, from, n int) ([]byte, error) {
	if err := blob.CheckPart(from, n); err != nil {
		return nil, err
	}
	return s.part(ctx, id, index, from, n)
}

func (s *Store) part(ctx context.Context, id plane.BlobID, index, from, n int) ([]byte, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	e := s.blobs[id]
	if e == nil || index < 0 || index >= len(e.chunks) || e.chunks[index] == nil {
		return nil, blob.ErrAbsent
	}
	return bytes.Clone(e.chunks[index][from : from+n]), nil
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, id plane.BlobID) ([]bool, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	e := s.blobs[id]
	if e == nil {
		return nil, blob.ErrAbsent
	}
	have := make([]bool, len(e.chunks))
	for i, c := range e.chunks {
		have[i] = c != nil
	}
	return have, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, id plane.BlobID) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	delete(s.blobs, id)
	return nil
}

// Expire implements blob.Store.
func (s *Store) Expire(ctx context.Context, before plane.Day) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	maps.DeleteFunc(s.blobs, func(_ plane.BlobID, e *entry) bool { return e.day < before })
	return nil
}

// Size implements blob.Store.
func (s *Store) Size(ctx context.Context) (int64, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	n := int64(0)
	for _, e := range s.blobs {
		for _, c := range e.chunks {
			n += int64(len(c))
		}
	}
	return n, nil
}

// Close implements blob.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return blob.ErrClosed
	}
	return nil
}
