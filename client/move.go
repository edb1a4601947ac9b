package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"paperplane/core"
	"paperplane/internal/inv"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

const (
	// chunksAhead is how many chunks of one transfer are under way at once.
	chunksAhead = 4
	// moveDelayMin and moveDelayMax bound the pause before a transfer is tried again.
	moveDelayMin = 500 * time.Millisecond
	moveDelayMax = 30 * time.Second
	// earlyMax is how many refusals a transfer takes from sessions that have not proved who we are.
	earlyMax = 16
)

// errGiveUp ends a transfer for good with a code; anything else is tried again.
type errGiveUp struct{ code plane.Code }

func (e *errGiveUp) Error() string { return "client: transfer refused" }

// move is one upload or download, of a file or of an object. It is resumed after every loss until it is done, refused or
// cancelled.
type move struct {
	c     *Client
	id    string
	ctx   context.Context
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu        sync.Mutex
	cancelled bool
	done      int64
	early     int // refusals before the proof
}

func (c *Client) startMove(id string, f func(*move)) {
	if old := c.moves[id]; old != nil {
		old.stop()
	}
	ctx, stop := context.WithCancel(c.ctx)
	m := &move{c: c, id: id, ctx: ctx, stop: stop}
	c.moves[id] = m
	m.tasks.Go(func() { f(m) })
}

// endMove forgets a transfer that has reported its end, so that thousands cost nothing.
func (c *Client) endMove(id string) {
	if m := c.moves[id]; m != nil {
		m.stop()
		delete(c.moves, id)
	}
}

// cancel stops the transfer and lets an upload delete what it has put.
func (m *move) cancel() {
	m.mu.Lock()
	m.cancelled = true
	m.mu.Unlock()
	m.stop()
}

func (m *move) wasCancelled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cancelled
}

// attempt tries f with growing delays until it succeeds or gives up; false when the transfer was
// stopped, and nobody wants to hear of it.
func (m *move) attempt(f func() error) (code plane.Code, over bool) {
	for delay := moveDelayMin; ; delay = min(2*delay, moveDelayMax) {
		err := f()
		if m.ctx.Err() != nil {
			return 0, false
		}
		if err == nil {
			return plane.OK, true
		}
		if up, ok := errors.AsType[*errGiveUp](err); ok {
			return up.code, true
		}
		if sleep(m.ctx, delay) != nil {
			return 0, false
		}
	}
}

// until is attempt for a file: it reports the end.
func (m *move) until(total int64, f func() error) {
	if code, over := m.attempt(f); over {
		_ = m.c.post(m.ctx, core.Transfer{ID: m.id, Done: total, Total: total, Finished: true, Code: code})
	}
}

// progress reports bytes done. Reports may be dropped when the machine is busy: the next or the
// last one says it again.
func (m *move) progress(n, total int64) {
	m.mu.Lock()
	m.done += n
	done := min(m.done, total)
	m.mu.Unlock()
	select {
	case m.c.inputs <- core.Transfer{ID: m.id, Done: done, Total: total}:
	default:
	}
}

// call asks the server and gives the answer as A. A refusal is final, everything else is not.
func call[A wire.Answer](m *move, server core.ServerID, req wire.Request) (A, error) {
	var none A
	ans, err := m.c.ask(m.ctx, server, req)
	if err != nil {
		return none, err
	}
	if a, ok := ans.(A); ok {
		return a, nil
	}
	if d, ok := ans.(wire.Done); ok {
		switch d.Code {
		case plane.Busy, plane.Full, plane.Failed:
			return none, errAway
		default:
			return none, &errGiveUp{d.Code}
		}
	}
	return none, &errGiveUp{plane.Malformed}
}

// upload seals the file chunk by chunk and puts what the server does not have yet.
func (m *move) upload(e core.Upload) {
	f, err := m.c.opts.Vault.OpenFile(e.File)
	if err != nil {
		_ = m.c.post(m.ctx, core.Transfer{ID: m.id, Finished: true, Code: plane.Failed})
		return
	}
	defer f.Close()
	size := f.Size()
	count := seal.Chunks(size)
	if count == 0 {
		_ = m.c.post(m.ctx, core.Transfer{ID: m.id, Total: size, Finished: true, Code: plane.TooLarge})
		return
	}
	key, err := seal.BlobKeyFromBytes(e.Key[:])
	inv.That(err == nil, "client: a blob key is 32 bytes")
	blob := caps.NewBlobID(e.Secret)
	m.until(size, func() error {
		have, err := m.have(e.Server, blob, count)
		if err != nil {
			return err
		}
		m.mu.Lock()
		m.done = 0
		m.mu.Unlock()
		return m.each(count, func(i int) error {
			n := min(seal.ChunkPlainMax, size-int64(i)*seal.ChunkPlainMax)
			if !have(i) {
				plain := make([]byte, n)
				if _, err := f.ReadAt(plain, int64(i)*seal.ChunkPlainMax); err != nil && !errors.Is(err, io.EOF) {
					return &errGiveUp{plane.Failed}
				}
				body, err := seal.SealChunk(key, i, count, plain)
				if err != nil {
					return &errGiveUp{plane.Failed}
				}
				if err := m.putChunk(e.Server, wire.BlobPut{Secret: e.Secret, Index: uint16(i), Count: uint16(count), Data: body}); err != nil {
					return err
				}
			}
			m.progress(n, size)
			return nil
		})
	})
	if m.wasCancelled() {
		// Best effort: what stays behind is sealed, has no reference and expires.
		ctx, stop := context.WithTimeout(m.c.ctx, 5*time.Second)
		defer stop()
		_, _ = m.c.ask(ctx, e.Server, wire.BlobDelete{Secret: e.Secret})
	}
}

// putChunk puts a chunk: nil, a reason to try again, or the end.
func (m *move) putChunk(server core.ServerID, req wire.BlobPut) error {
	ans, proved, err := m.c.askProved(m.ctx, server, req)
	if err != nil {
		return err
	}
	d, ok := ans.(wire.Done)
	if !ok {
		return &errGiveUp{plane.Malformed}
	}
	switch d.Code {
	case plane.OK:
		return nil
	case plane.Busy, plane.Full, plane.Failed:
		return errAway
	case plane.Refused:
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.early++; !proved && m.early <= earlyMax {
			return errAway
		}
	}
	return &errGiveUp{d.Code}
}

// have asks which chunks are there already; an unknown blob has none.
func (m *move) have(server core.ServerID, blob plane.BlobID, count int) (func(int) bool, error) {
	ans, err := m.c.ask(m.ctx, server, wire.BlobStat{Blob: blob})
	if err != nil {
		return nil, err
	}
	st, ok := ans.(wire.BlobState)
	if !ok || int(st.Count) != count || len(st.Have) < (count+7)/8 {
		return func(int) bool { return false }, nil
	}
	return func(i int) bool { return st.Have[i/8]&(1<<(i%8)) != 0 }, nil
}

// each runs f for 0…n-1, chunksAhead at a time, and returns the first error.
func (m *move) each(n int, f func(i int) error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		next  int
		first error
	)
	for range min(n, chunksAhead) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := first != nil || i >= n || m.ctx.Err() != nil
				mu.Unlock()
				if stop {
					return
				}
				if err := f(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	if first == nil {
		first = m.ctx.Err()
	}
	return first
}

// download fetches the blob's chunks in order into a local file. Chunks are asked for ahead.
func (m *move) download(e core.Download) {
	count := seal.Chunks(e.Size)
	if count == 0 {
		_ = m.c.post(m.ctx, core.Transfer{ID: m.id, Finished: true, Code: plane.TooLarge})
		return
	}
	key, err := seal.BlobKeyFromBytes(e.Key[:])
	inv.That(err == nil, "client: a blob key is 32 bytes")
	m.until(e.Size, func() error {
		if f, err := m.c.opts.Vault.OpenFile(e.File); err == nil { // complete before a crash
			return f.Close()
		}
		m.mu.Lock()
		m.done = 0
		m.mu.Unlock()
		src := &chunkReader{m: m, e: e, key: key, count: count}
		n, err := m.c.opts.Vault.PutFile(e.File, src)
		if src.err != nil {
			return src.err
		}
		if err != nil {
			return err // the local disk: try again later
		}
		if n != e.Size {
			return &errGiveUp{plane.Failed}
		}
		return nil
	})
}

// chunkReader reads a blob as one stream, chunksAhead chunks at a time.
type chunkReader struct {
	m     *move
	e     core.Download
	key   seal.BlobKey
	count int
	next  int
	buf   []byte
	err   error
}

func (r *chunkReader) Read(p []byte) (int, error) {
	if len(r.buf) == 0 {
		if r.next >= r.count {
			return 0, io.EOF
		}
		if r.err = r.fill(); r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

func (r *chunkReader) fill() error {
	first, n := r.next, min(chunksAhead, r.count-r.next)
	parts := make([][]byte, n)
	err := r.m.each(n, func(i int) error {
		d, err := call[wire.BlobData](r.m, r.e.Server, wire.BlobGet{Blob: r.e.Blob, Index: uint16(first + i)})
		if err != nil {
			return err
		}
		plain, err := seal.OpenChunk(r.key, first+i, r.count, d.Data)
		if err != nil {
			return &errGiveUp{plane.Failed}
		}
		parts[i] = plain
		r.m.progress(int64(len(plain)), r.e.Size)
		return nil
	})
	if err != nil {
		return err
	}
	r.next += n
	for _, p := range parts {
		r.buf = append(r.buf, p...)
	}
	if len(r.buf) == 0 && r.e.Size > 0 {
		return &errGiveUp{plane.Failed}
	}
	return nil
}

// sleep waits or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
