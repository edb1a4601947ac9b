// Package blobtest is the conformance suite of blob.Store: each implementation and each wrapper
// runs it. What it asserts is the contract in package blob, one subtest a clause.
package blobtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/blob"
)

// Setup is what a test gets from an implementation.
type Setup struct {
	Store blob.Store
	// Reopen closes the store in order and opens it again; nil when there is no such thing.
	Reopen func() blob.Store
}

// Run runs the suite; open is called once per subtest and returns an empty store. The suite
// closes the last store it was given.
func Run(t *testing.T, open func(t *testing.T) Setup) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, *world)
	}{
		{"put-get", putGet},
		{"absent", absent},
		{"part", part},
		{"sizes", sizes},
		{"clash", clash},
		{"resume", resume},
		{"delete", del},
		{"expire-by-day", expire},
		{"size", size},
		{"concurrent", concurrent},
		{"cancelled", cancelled},
		{"closed", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{T: t, Setup: open(t)}
			c.f(t, w)
			if err := w.Store.Close(); err != nil {
				t.Errorf("Close: got %v, want nil", err)
			}
		})
	}
}

// Day is a plausible day for tests: 23 November 2026.
const Day plane.Day = 20780

// ID returns the n-th test id; ids look random, as real ones do.
func ID(n int) plane.BlobID {
	var id plane.BlobID
	r := rand.New(rand.NewPCG(uint64(n), 79))
	binary.LittleEndian.PutUint64(id[:], r.Uint64())
	binary.LittleEndian.PutUint64(id[8:], r.Uint64())
	return id
}

// Chunk returns a chunk that differs for each n.
func Chunk(n int) []byte {
	b := make([]byte, plane.BlobChunkBytes)
	r := rand.New(rand.NewPCG(uint64(n), 80))
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b
}

type world struct {
	*testing.T
	Setup
}

func (w *world) put(id plane.BlobID, index, count int, day plane.Day, data []byte) {
	w.Helper()
	if err := w.Store.Put(w.Context(), id, index, count, day, data); err != nil {
		w.Fatalf("Put: got %v, want nil", err)
	}
}

func (w *world) wantChunk(id plane.BlobID, index int, want []byte) {
	w.Helper()
	got, err := w.Store.Get(w.Context(), id, index)
	if err != nil || !bytes.Equal(got, want) {
		w.Fatalf("Get %d: got %d bytes, equal %v, %v, want the chunk, nil", index, len(got), bytes.Equal(got, want), err)
	}
}

func (w *world) wantAbsent(id plane.BlobID, index int) {
	w.Helper()
	if got, err := w.Store.Get(w.Context(), id, index); !errors.Is(err, blob.ErrAbsent) || got != nil {
		w.Fatalf("Get %d: got %d bytes, %v, want ErrAbsent", index, len(got), err)
	}
}

func (w *world) wantStat(id plane.BlobID, want []bool) {
	w.Helper()
	got, err := w.Store.Stat(w.Context(), id)
	if want == nil {
		if !errors.Is(err, blob.ErrAbsent) {
			w.Fatalf("Stat: got %v, %v, want ErrAbsent", got, err)
		}
		return
	}
	if err != nil || !slices.Equal(got, want) {
		w.Fatalf("Stat: got %v, %v, want %v, nil", got, err, want)
	}
}

// again calls f, and once more after a restart.
func (w *world) again(f func()) {
	w.Helper()
	f()
	if w.Reopen != nil {
		w.Store = w.Reopen()
		f()
	}
}

func putGet(_ *testing.T, w *world) {
	for i := range 3 {
		w.put(ID(1), i, 3, Day, Chunk(i))
	}
	w.put(ID(2), 0, 1, Day+1, Chunk(7))
	w.again(func() {
		w.Helper()
		for i := range 3 {
			w.wantChunk(ID(1), i, Chunk(i))
		}
		w.wantChunk(ID(2), 0, Chunk(7))
		w.wantStat(ID(1), []bool{true, true, true})
	})
	// The caller may reuse its slice and change what Get gave it.
	b := Chunk(9)
	w.put(ID(3), 0, 1, Day, b)
	clear(b)
	got, _ := w.Store.Get(w.Context(), ID(3), 0)
	clear(got)
	w.wantChunk(ID(3), 0, Chunk(9))
}

func absent(_ *testing.T, w *world) {
	w.put(ID(1), 1, 3, Day, Chunk(1))
	w.again(func() {
		w.Helper()
		w.wantAbsent(ID(2), 0)
		w.wantStat(ID(2), nil)
		for _, i := range []int{-1, 0, 2, 3, 1 << 30} {
			w.wantAbsent(ID(1), i)
		}
	})
	if err := w.Store.Delete(w.Context(), ID(2)); err != nil {
		w.Errorf("Delete of an unknown blob: got %v, want nil", err)
	}
}

// part: exactly the bytes asked for, from the first to the last of a chunk, and none past it.
func part(_ *testing.T, w *world) {
	const all = plane.BlobChunkBytes
	w.put(ID(1), 0, 3, Day, Chunk(1))
	w.put(ID(1), 2, 3, Day, Chunk(2))
	w.again(func() {
		w.Helper()
		for _, c := range []struct {
			index, from, n int
			want           error
		}{
			{0, 0, 1, nil}, {0, 0, all, nil}, {2, all - 1, 1, nil}, {2, 1, all - 1, nil}, {0, 4097, 5000, nil},
			{0, 0, 0, blob.ErrSize}, {0, 0, -1, blob.ErrSize}, {0, -1, 2, blob.ErrSize}, {0, all, 1, blob.ErrSize},
			{0, all - 1, 2, blob.ErrSize}, {0, 0, all + 1, blob.ErrSize}, {0, 1 << 62, 1 << 62, blob.ErrSize},
			{1, 0, 1, blob.ErrAbsent}, {3, 0, 1, blob.ErrAbsent}, {-1, 0, 1, blob.ErrAbsent},
		} {
			got, err := w.Store.Part(w.Context(), ID(1), c.index, c.from, c.n)
			if !errors.Is(err, c.want) {
				w.Errorf("Part(chunk %d, from %d, %d bytes): got %v, want %v", c.index, c.from, c.n, err, c.want)
			}
			if c.want == nil && !bytes.Equal(got, Chunk(1 + c.index/2)[c.from:c.from+c.n]) {
				w.Errorf("Part(chunk %d, from %d, %d bytes): got %d other bytes", c.index, c.from, c.n, len(got))
			}
		}
		if _, err := w.Store.Part(w.Context(), ID(9), 0, 0, 1); !errors.Is(err, blob.ErrAbsent) {
			w.Errorf("Part of an unknown blob: got %v, want ErrAbsent", err)
		}
	})
}

func sizes(_ *testing.T, w *world) {
	full := Chunk(1)
	for _, c := range []struct {
		index, count int
		data         []byte
		want         error
	}{
		{0, 1, full, nil},
		{plane.BlobChunksMax - 1, plane.BlobChunksMax, full, nil},
		{0, plane.BlobChunksMax + 1, full, blob.ErrSize},
		{0, 0, full, blob.ErrSize},
		{-1, 1, full, blob.ErrSize},
		{1, 1, full, blob.ErrSize},
		{0, 1, full[1:], blob.ErrSize},
		{0, 1, append(Chunk(1), 0), blob.ErrSize},
		{0, 1, nil, blob.ErrSize},
	} {
		if err := w.Store.Put(w.Context(), ID(c.count), c.index, c.count, Day, c.data); !errors.Is(err, c.want) {
			w.Errorf("Put(index %d, count %d, %d bytes): got %v, want %v", c.index, c.count, len(c.data), err, c.want)
		}
	}
}

func clash(_ *testing.T, w *world) {
	w.put(ID(1), 0, 2, Day, Chunk(1))
	w.again(func() {
		w.Helper()
		w.put(ID(1), 0, 2, Day, Chunk(1)) // again: no error
		w.put(ID(1), 0, 2, Day+1, Chunk(1))
		for _, c := range []struct {
			index, count, n int
		}{{0, 2, 2}, {0, 3, 1}, {1, 3, 1}, {0, 1, 1}} {
			if err := w.Store.Put(w.Context(), ID(1), c.index, c.count, Day, Chunk(c.n)); !errors.Is(err, blob.ErrClash) {
				w.Errorf("Put(index %d, count %d, chunk %d): got %v, want ErrClash", c.index, c.count, c.n, err)
			}
		}
		w.wantChunk(ID(1), 0, Chunk(1))
		w.wantStat(ID(1), []bool{true, false})
	})
}

// resume: an upload broken off goes on where Stat says, also on the next day.
func resume(_ *testing.T, w *world) {
	w.put(ID(1), 2, 4, Day, Chunk(2))
	w.put(ID(1), 0, 4, Day, Chunk(0))
	w.again(func() { w.Helper(); w.wantStat(ID(1), []bool{true, false, true, false}) })
	w.put(ID(1), 3, 4, Day+1, Chunk(3))
	w.put(ID(1), 1, 4, Day+1, Chunk(1))
	w.again(func() {
		w.Helper()
		w.wantStat(ID(1), []bool{true, true, true, true})
		for i := range 4 {
			w.wantChunk(ID(1), i, Chunk(i))
		}
	})
	// The whole blob is filed under its first chunk's day: no half of it outlives the other.
	if err := w.Store.Expire(w.Context(), Day+1); err != nil {
		w.Fatalf("Expire: got %v, want nil", err)
	}
	w.again(func() { w.Helper(); w.wantStat(ID(1), nil) })
}

func del(_ *testing.T, w *world) {
	for i := range 3 {
		w.put(ID(1), i, 3, Day, Chunk(i))
	}
	w.put(ID(2), 0, 1, Day, Chunk(9))
	if err := w.Store.Delete(w.Context(), ID(1)); err != nil {
		w.Fatalf("Delete: got %v, want nil", err)
	}
	w.again(func() {
		w.Helper()
		w.wantStat(ID(1), nil)
		w.wantAbsent(ID(1), 0)
		w.wantChunk(ID(2), 0, Chunk(9))
	})
	w.put(ID(1), 0, 1, Day, Chunk(5)) // the id is free again
	w.again(func() { w.Helper(); w.wantChunk(ID(1), 0, Chunk(5)) })
}

func expire(_ *testing.T, w *world) {
	for i := range 4 {
		w.put(ID(i), 0, 1, Day+plane.Day(i), Chunk(i))
	}
	for first := range 5 {
		if err := w.Store.Expire(w.Context(), Day+plane.Day(first)); err != nil {
			w.Fatalf("Expire: got %v, want nil", err)
		}
		w.again(func() {
			w.Helper()
			for i := range 4 {
				if i < first {
					w.wantAbsent(ID(i), 0)
				} else {
					w.wantChunk(ID(i), 0, Chunk(i))
				}
			}
		})
	}
}

func size(_ *testing.T, w *world) {
	want := func(chunks int64) {
		w.Helper()
		w.again(func() {
			w.Helper()
			got, err := w.Store.Size(w.Context())
			// An implementation may add a little per chunk and per blob.
			if lo := chunks * plane.BlobChunkBytes; err != nil || got < lo || got > lo+lo/100 {
				w.Fatalf("Size: got %d, %v, want %d and at most 1%% more, nil", got, err, lo)
			}
		})
	}
	want(0)
	for i := range 3 {
		w.put(ID(1), i, 3, Day, Chunk(i))
	}
	w.put(ID(1), 0, 3, Day, Chunk(0))
	want(3)
	w.put(ID(2), 0, 2, Day+1, Chunk(1))
	want(4)
	if err := w.Store.Delete(w.Context(), ID(1)); err != nil {
		w.Fatalf("Delete: got %v, want nil", err)
	}
	want(1)
	if err := w.Store.Expire(w.Context(), Day+2); err != nil {
		w.Fatalf("Expire: got %v, want nil", err)
	}
	want(0)
}

func concurrent(_ *testing.T, w *world) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 8 { // pairs of goroutines put the same chunks
				if err := w.Store.Put(w.Context(), ID(g/2), i, 8, Day, Chunk(g/2*8+i)); err != nil {
					w.Errorf("Put: got %v, want nil", err)
				}
				if _, err := w.Store.Get(w.Context(), ID(g/2), i); err != nil {
					w.Errorf("Get: got %v, want nil", err)
				}
			}
		})
	}
	wg.Wait()
	for b := range 4 {
		for i := range 8 {
			w.wantChunk(ID(b), i, Chunk(b*8+i))
		}
	}
	if got, err := w.Store.Size(w.Context()); err != nil || got < 32*plane.BlobChunkBytes || got > 33*plane.BlobChunkBytes {
		w.Errorf("Size: got %d, %v, want that of 32 chunks", got, err)
	}
}

func cancelled(_ *testing.T, w *world) {
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	if err := w.Store.Put(ctx, ID(1), 0, 1, Day, Chunk(1)); !errors.Is(err, context.Canceled) {
		w.Errorf("Put: got %v, want context.Canceled", err)
	}
	if _, err := w.Store.Get(ctx, ID(1), 0); !errors.Is(err, context.Canceled) {
		w.Errorf("Get: got %v, want context.Canceled", err)
	}
	w.put(ID(1), 0, 1, Day, Chunk(1))
	w.wantChunk(ID(1), 0, Chunk(1))
}

func closed(_ *testing.T, w *world) {
	w.put(ID(1), 0, 1, Day, Chunk(1))
	if err := w.Store.Close(); err != nil {
		w.Fatalf("Close: got %v, want nil", err)
	}
	want := func(what string, err error) {
		w.Helper()
		if !errors.Is(err, blob.ErrClosed) {
			w.Errorf("%s after Close: got %v, want ErrClosed", what, err)
		}
	}
	want("Put", w.Store.Put(w.Context(), ID(1), 0, 1, Day, Chunk(1)))
	_, err := w.Store.Get(w.Context(), ID(1), 0)
	want("Get", err)
	_, err = w.Store.Part(w.Context(), ID(1), 0, 0, 1)
	want("Part", err)
	_, err = w.Store.Stat(w.Context(), ID(1))
	want("Stat", err)
	want("Delete", w.Store.Delete(w.Context(), ID(1)))
	want("Expire", w.Store.Expire(w.Context(), Day))
	_, err = w.Store.Size(w.Context())
	want("Size", err)
}
