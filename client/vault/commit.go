package vault

import "errors"

const (
	// compactMin is the garbage below which a vault is left alone.
	compactMin = 4 << 20
	// compactFrame is the plain text of one frame that compaction writes: a few milliseconds of
	// work in a browser, up to 50 when every record comes from another chunk.
	compactFrame = 256 << 10
	// bufferKeep is how large a buffer is kept for the next commit. Most commits are a few KiB; one
	// that stores a tree is a MiB, and comes seldom.
	bufferKeep = 64 << 10
)

// Commit applies ops in their order, all or none. When it returns nil they survive any crash.
// The ops' slices belong to the caller again on return.
//
// Errors: ErrLimit, ErrName, ErrFull (no trace is left, the vault goes on), ErrClosed, ErrBroken,
// or the Dir's own error; after that last the transaction is not in the vault, and the next may
// be tried.
func (v *Vault) Commit(ops []Op) error {
	if len(ops) > OpsMax {
		return ErrLimit
	}
	total := 0
	for _, op := range ops {
		if op.Key == "" || op.Key[0] == 0 {
			return ErrName
		}
		total += len(op.Key) + len(op.Value)
		if len(op.Key) > KeyBytesMax || len(op.Value) > ValueBytesMax || total > CommitBytesMax {
			return ErrLimit
		}
	}
	v.w.Lock()
	defer v.w.Unlock()
	if err := v.writable(); err != nil || len(ops) == 0 {
		return err
	}
	if err := v.append(ops); err != nil {
		return err
	}
	v.maybeCompact()
	return nil
}

// writable says whether the writer, who holds w, may go on.
func (v *Vault) writable() error {
	if v.closed {
		return ErrClosed
	}
	return v.broken
}

// append writes one frame of checked ops, syncs it and shows it to readers. The caller holds w.
func (v *Vault) append(ops []Op) error {
	s := v.seg
	p := v.plain[:0]
	for _, op := range ops {
		kind := byte(opSet)
		if op.Value == nil {
			kind = opDelete
		}
		p = appendOp(p, op.Key, op.Value, kind)
	}
	if s.end+int64(frameSize(padded(len(p)))) > segmentMax {
		return ErrFull
	}
	p, err := v.writeFrame(s, p)
	if err != nil {
		return v.undo(err)
	}
	v.mu.Lock()
	off := s.end
	s.advance(v.frame)
	for i := 0; ; {
		op, next, end, ok := nextOp(p, i)
		if end || !ok {
			break
		}
		v.idx.apply(p, op, off)
		i = next
	}
	v.mu.Unlock()
	s.marked = len(ops) == 0
	clear(p)
	if v.plain = p; cap(v.plain) > bufferKeep {
		v.plain, v.frame = nil, nil
	}
	return nil
}

// writeFrame seals and syncs p as the next frame of s and returns p padded; s is not advanced.
func (v *Vault) writeFrame(s *segment, p []byte) ([]byte, error) {
	p = append(p, make([]byte, padded(max(1, len(p)))-len(p))...)
	v.frame = s.seal(v.frame[:0], place{s.end, s.prev[:]}, s.seq+1, p)
	if _, err := s.f.WriteAt(v.frame, s.end); err != nil {
		return p, err
	}
	return p, s.f.Sync()
}

// advance steps over a frame that was written.
func (s *segment) advance(frame []byte) {
	s.end += int64(len(frame))
	s.seq++
	copy(s.prev[:], frame[len(frame)-prevSize:])
}

// undo takes back a frame that failed. If that fails too the file's end is unknown, and another
// frame behind it could make the failed one look like damage.
func (v *Vault) undo(cause error) error {
	err := v.seg.f.Truncate(v.seg.end)
	if err == nil {
		err = v.seg.f.Sync()
	}
	if err != nil {
		v.broken = ErrBroken
		return errors.Join(ErrBroken, cause)
	}
	return cause
}

// Compact writes the live keys to a new segment under a new key and erases the old one: from
// then on what was deleted or overwritten cannot be read even with the data key. Commits wait
// for it, reads do not. On an error the vault is as before, or ErrBroken.
func (v *Vault) Compact() error {
	v.w.Lock()
	defer v.w.Unlock()
	if err := v.writable(); err != nil {
		return err
	}
	return v.compact()
}

func (v *Vault) maybeCompact() {
	end := v.seg.end
	garbage := end - headerSize - v.idx.bytes
	if garbage <= compactMin || garbage <= end/2 || end < v.compactAt {
		return
	}
	if err := v.compact(); err != nil {
		// The commit stands whatever becomes of the compaction: try again when there is more.
		v.compactAt = end + compactMin
	}
}

func (v *Vault) compact() error {
	old := v.seg
	idx := new(index)
	seg, placed, err := v.create(old.number+1, func(s *segment) error { return v.copyLive(s, idx) })
	if err != nil {
		if placed {
			// The next Open may find the new segment: nothing may be added to the old one.
			v.broken = ErrBroken
			return errors.Join(ErrBroken, err)
		}
		_ = v.dir.Remove(segTemp)
		return err
	}
	idx.shrink()
	v.mu.Lock()
	v.seg, v.idx = seg, idx
	v.cache.drop()
	v.mu.Unlock()
	v.compactAt = 0
	_ = old.f.Close() // no reader is left: they read under mu
	v.erase(segName(old.number))
	return nil
}

// create makes segment number: fill writes its frames. The segment gets its name only when it
// is whole and synced. placed says that the name may be taken although err is not nil.
func (v *Vault) create(number uint64, fill func(*segment) error) (_ *segment, placed bool, err error) {
	f, err := v.dir.Open(segTemp)
	if err != nil {
		return nil, false, err
	}
	sealer, header := newHeader(v.key, number)
	s := &segment{sealer: sealer, f: f, number: number, end: headerSize, marked: true}
	copy(s.prev[:], header[headerSize-prevSize:])
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(header, 0)
	}
	if err == nil && fill != nil {
		err = fill(s)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, false, err
	}
	if err = v.dir.Replace(segTemp, segName(number)); err != nil {
		return nil, true, err
	}
	s.f, err = v.dir.Open(segName(number))
	return s, true, err
}

// copyLive writes every live key to s in key order and indexes it in idx. The caller holds w,
// so the index stands still.
func (v *Vault) copyLive(s *segment, idx *index) error {
	var plain, frame []byte
	flush := func() error {
		if len(plain) == 0 {
			return nil
		}
		plain = append(plain, make([]byte, padded(len(plain))-len(plain))...)
		frame = s.seal(frame[:0], place{s.end, s.prev[:]}, s.seq+1, plain)
		if _, err := s.f.WriteAt(frame, s.end); err != nil {
			return err
		}
		s.advance(frame)
		s.marked = false
		plain = plain[:0]
		return nil
	}
	for _, b := range v.idx.blocks {
		for i := range b.ents {
			e, key := b.ents[i], b.key(i)
			value, err := v.read(v.seg, e)
			if err != nil {
				return err
			}
			pos := len(plain) + opOverhead + len(key)
			plain = appendOp(plain, string(key), value, opSet)
			idx.set(key, uint32(s.end/align), uint32(pos), e.n)
			if len(plain) >= compactFrame {
				if err := flush(); err != nil {
					return err
				}
				yield()
			}
		}
	}
	return flush()
}

// Close marks the end of the log, so that later damage to the last transaction is told from a
// torn tail, and gives the folder back. It waits for commits, closes sealed files still open,
// and lets a PutFile under way fail. A second Close is ErrClosed.
func (v *Vault) Close() error {
	err := v.shut()
	if err == ErrClosed {
		return err
	}
	v.files.closeAll()
	v.unlock()
	return err
}

func (v *Vault) shut() error {
	v.w.Lock()
	defer v.w.Unlock()
	if v.closed {
		return ErrClosed
	}
	if v.broken == nil && !v.seg.marked {
		_ = v.append(nil) // without the mark nothing is lost
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	v.idx = new(index)
	v.cache.drop()
	return v.seg.f.Close()
}
