package vault

import (
	"io"
	"iter"
	"sync"
)

// cache keeps the last chunk that was opened: neighbours in key order are neighbours in a
// compacted log.
type cache struct {
	mu    sync.Mutex
	frame uint32 // 0: empty
	chunk int
	plain []byte
}

func (c *cache) drop() {
	c.mu.Lock()
	clear(c.plain)
	c.frame, c.plain = 0, nil
	c.mu.Unlock()
}

// oneRead bounds what is fetched of a frame together with its head.
const oneRead = 4 << 10

// read opens the value at e. The caller holds mu for reading, or w.
func (v *Vault) read(s *segment, e entry) ([]byte, error) {
	value := make([]byte, 0, e.n)
	if e.n == 0 {
		return value, nil
	}
	pos, last := int(e.pos), int(e.pos+e.n)
	if first := pos / chunkSize; first == (last-1)/chunkSize {
		v.cache.mu.Lock()
		if v.cache.frame == e.frame && v.cache.chunk == first && v.cache.plain != nil {
			value = append(value, v.cache.plain[pos-first*chunkSize:last-first*chunkSize]...)
			v.cache.mu.Unlock()
			return value, nil
		}
		v.cache.mu.Unlock()
	}
	off := int64(e.frame) * align
	// A frame is at least as long as what is in it, so all of this is in the file if the frame is
	// whole. Small frames come in this one read; of a large one only the head and a chunk or two.
	n := frameSize(padded(last))
	if n > oneRead {
		n = headSize
	}
	b := make([]byte, prevSize+n)
	if err := readFull(s.f, b, off-prevSize); err != nil {
		return nil, err
	}
	at, b := place{off, b[:prevSize]}, b[prevSize:]
	h, ok := s.openHead(b)
	if !ok || last > h.n {
		return nil, ErrDamaged
	}
	for i := pos / chunkSize; i*chunkSize < last; i++ {
		from := headSize + i*(chunkSize+tagSize)
		to := min(from+chunkSize+tagSize, frameSize(h.n))
		var sealed []byte
		if to <= len(b) {
			sealed = b[from:to]
		} else {
			sealed = make([]byte, to-from)
			if err := readFull(s.f, sealed, off+int64(from)); err != nil {
				return nil, err
			}
		}
		plain, ok := s.openChunk(make([]byte, 0, len(sealed)), b, sealed, at, h, i)
		if !ok {
			return nil, ErrDamaged
		}
		value = append(value, plain[max(0, pos-i*chunkSize):min(len(plain), last-i*chunkSize)]...)
		v.cache.mu.Lock()
		v.cache.frame, v.cache.chunk, v.cache.plain = e.frame, i, plain
		v.cache.mu.Unlock()
	}
	return value, nil
}

// Get returns the value of key, a copy that the caller owns; it is never nil. ErrAbsent when
// there is none, ErrDamaged when its bytes no longer authenticate.
func (v *Vault) Get(key string) ([]byte, error) {
	if key == "" || key[0] == 0 {
		return nil, ErrAbsent
	}
	return v.get(key)
}

func (v *Vault) get(key string) ([]byte, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.closed {
		return nil, ErrClosed
	}
	e, ok := v.idx.get(key)
	if !ok {
		return nil, ErrAbsent
	}
	return v.read(v.seg, e)
}

// Range yields the keys in [from, to) with their values, ascending or descending; an empty to
// means to the end. The loop's body may use the vault, Commit included: a key that is
// committed or deleted meanwhile may or may not be seen, every other key is seen once. The
// iteration ends after the first error.
func (v *Vault) Range(from, to string, reverse bool) iter.Seq2[Op, error] {
	if from == "" || from[0] == 0 {
		from = "\x01" // the vault's own keys are below
	}
	return v.scan(from, to, reverse)
}

// Keys yields the keys in [from, to), ascending, without reading what they hold. It is as Range otherwise.
func (v *Vault) Keys(from, to string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if from == "" || from[0] == 0 {
			from = "\x01"
		}
		for next := from; next != ""; {
			var list []string
			var err error
			if list, next, err = v.someKeys(next, to); err != nil {
				yield("", err)
				return
			}
			for _, k := range list {
				if !yield(k, nil) {
					return
				}
			}
		}
	}
}

// someKeys returns a few hundred keys, and where to go on, empty at the end.
func (v *Vault) someKeys(from, to string) (list []string, next string, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.closed {
		return nil, "", ErrClosed
	}
	bi, ei, _ := v.idx.seek(from)
	for ; bi < len(v.idx.blocks); bi, ei = bi+1, 0 {
		b := v.idx.blocks[bi]
		for ; ei < len(b.ents); ei++ {
			key := string(b.key(ei))
			if to != "" && key >= to {
				return list, "", nil
			}
			if list = append(list, key); len(list) >= 4*scanOps {
				return list, key + "\x00", nil
			}
		}
	}
	return list, "", nil
}

const (
	scanOps   = 128
	scanBytes = 256 << 10
)

// scan is Range over all keys. It reads in batches, so that no lock is held while it yields.
func (v *Vault) scan(from, to string, reverse bool) iter.Seq2[Op, error] {
	return func(yield func(Op, error) bool) {
		from, to := from, to // an iterator may be used again
		for want := 8; ; want = min(2*want, scanOps) {
			batch, more, err := v.batch(from, to, reverse, want)
			for _, op := range batch {
				if !yield(op, nil) {
					return
				}
			}
			if err != nil {
				yield(Op{}, err)
			}
			if err != nil || !more {
				return
			}
			if last := batch[len(batch)-1].Key; reverse {
				to = last
			} else {
				from = last + "\x00"
			}
		}
	}
}

// batch reads up to want ops; more says that it stopped before the end of the range.
func (v *Vault) batch(from, to string, reverse bool, want int) (ops []Op, more bool, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.closed {
		return nil, false, ErrClosed
	}
	bi, ei := len(v.idx.blocks), 0
	if !reverse {
		bi, ei, _ = v.idx.seek(from)
	} else if to != "" {
		bi, ei, _ = v.idx.seek(to)
	}
	for bytes := 0; ; {
		if reverse {
			if ei--; ei < 0 {
				if bi--; bi < 0 {
					return ops, false, nil
				}
				ei = len(v.idx.blocks[bi].ents) - 1
			}
		} else if bi < len(v.idx.blocks) && ei == len(v.idx.blocks[bi].ents) {
			bi, ei = bi+1, 0
		}
		if bi >= len(v.idx.blocks) {
			return ops, false, nil
		}
		b := v.idx.blocks[bi]
		key := string(b.key(ei))
		if reverse && key < from || !reverse && to != "" && key >= to {
			return ops, false, nil
		}
		if len(ops) == want || bytes > scanBytes {
			return ops, true, nil
		}
		value, err := v.read(v.seg, b.ents[ei])
		if err != nil {
			return ops, false, err
		}
		ops = append(ops, Op{key, value})
		bytes += len(value)
		if !reverse {
			ei++
		}
	}
}

// Stats says how large a vault is.
type Stats struct {
	// Keys that are set, the vault's own included.
	Keys int
	// LogBytes on disk, and LiveBytes of them in use.
	LogBytes, LiveBytes int64
}

// Stats reads the vault's size.
func (v *Vault) Stats() Stats {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return Stats{v.idx.n, v.seg.end, v.idx.bytes}
}

var _ io.ReaderAt = (*SealedFile)(nil)

// eof is what a ReaderAt returns for a short read.
func eof(got, want int) error {
	if got < want {
		return io.EOF
	}
	return nil
}
