package vault

import (
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"sync"
)

const (
	segPrefix  = "seg-"
	segTemp    = "new.seg"
	filePrefix = "f-"
	// readAhead is the piece in which Open reads the log.
	readAhead = 1 << 20
)

// segment is the open log file.
type segment struct {
	*sealer
	f      File
	number uint64
	end    int64  // where the next frame goes
	seq    uint64 // number of the last frame
	prev   [prevSize]byte
	marked bool // the last frame is a close marker
}

// Vault is an open vault. All methods are safe for concurrent use: commits wait for each
// other, reads run beside them.
type Vault struct {
	dir    Dir
	key    Key
	unlock func()

	// w is the writer's lock, taken before mu. mu guards what readers see.
	w  sync.Mutex
	mu sync.RWMutex

	seg    *segment
	idx    *index
	closed bool
	broken error // a write that could not be undone: nothing more is committed

	plain, frame []byte // the writer's buffers
	compactAt    int64  // no automatic compaction below this size, after one that failed

	cache   cache
	files   files
	fileMax int64 // FileBytesMax; tests lower it
}

// Open takes the folder's lock and reads the log, which it makes when the folder has none.
//
// Errors: ErrBusy when another holder has the lock; ErrKey when the data key is another one;
// ErrDamaged, see there; ErrNewer when a later program wrote it; ErrFull; or the Dir's own.
// On an error nothing stored was changed, and the lock is free again.
func Open(dir Dir, key Key) (*Vault, error) {
	if !key.set {
		return nil, ErrKey
	}
	unlock, err := dir.Lock()
	if err != nil {
		return nil, err
	}
	v := &Vault{dir: dir, key: key, unlock: unlock, idx: new(index), fileMax: FileBytesMax}
	v.files.init()
	if err := v.open(); err != nil {
		if v.seg != nil && v.seg.f != nil {
			_ = v.seg.f.Close()
		}
		unlock()
		return nil, err
	}
	return v, nil
}

func segName(n uint64) string {
	var b [8]byte
	for i := range b {
		b[i] = byte(n >> (56 - 8*i))
	}
	return segPrefix + hex.EncodeToString(b[:])
}

func parseSegName(name string) (n uint64, ok bool) {
	b, err := hex.DecodeString(strings.TrimPrefix(name, segPrefix))
	if err != nil || len(b) != 8 || !strings.HasPrefix(name, segPrefix) {
		return 0, false
	}
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n, n > 0 && segName(n) == name
}

func (v *Vault) open() error {
	names, err := v.dir.List()
	if err != nil {
		return err
	}
	var number uint64
	hasFiles := false
	for _, name := range names {
		if n, ok := parseSegName(name); ok {
			number = max(number, n)
		}
		hasFiles = hasFiles || strings.HasPrefix(name, filePrefix)
	}
	if number == 0 {
		if hasFiles {
			return ErrDamaged // sealed files without the log that has their keys
		}
		v.seg, _, err = v.create(1, nil)
		return err
	}
	f, err := v.dir.Open(segName(number))
	if err != nil {
		return err
	}
	v.seg = &segment{f: f, number: number}
	if err := v.load(); err != nil {
		return err
	}
	v.collect(names)
	return nil
}

// collect removes what a crash left behind: half-made and outdated segments, and sealed files
// that no commit mentions. It may fail and is then done at the next Open.
func (v *Vault) collect(names []string) {
	for _, name := range names {
		n, ok := parseSegName(name)
		switch {
		case ok && n < v.seg.number:
			v.erase(name)
		case name == segTemp:
			_ = v.dir.Remove(name)
		case strings.HasPrefix(name, filePrefix):
			if _, ok := v.idx.get(fileKey(name)); !ok {
				_ = v.dir.Remove(name)
			}
		}
	}
}

// erase removes an outdated segment, its wrapped key first: what a deleted file leaves on the
// disk is then worth nothing, as far as the disk overwrites in place.
func (v *Vault) erase(name string) {
	if f, err := v.dir.Open(name); err == nil {
		var zero [headerSize]byte
		if _, err := f.WriteAt(zero[:], 0); err == nil {
			_ = f.Sync()
		}
		_ = f.Close()
	}
	_ = v.dir.Remove(name)
}

// load reads the segment from its header to its end and cuts a torn tail.
//
// What decides between torn and damaged: every frame but the last was synced before its
// successor was written. So a frame that does not open is a torn tail only if nothing was ever
// written behind it: its authenticated length reaches the end of the file, or its head is bad
// too, no place behind it holds an authentic head, and no more is left than one frame can be.
// (A frame that was acknowledged, is the last, and rots looks torn. Close writes an empty frame
// behind it, so that this needs a crash *and* rot of the same frame.)
func (v *Vault) load() error {
	s := v.seg
	size, err := s.f.Size()
	if err != nil {
		return err
	}
	if size < headerSize || size > segmentMax {
		return ErrDamaged
	}
	r := &reader{f: s.f, size: size}
	b, err := r.at(0, headerSize)
	if err != nil {
		return err
	}
	if s.sealer, err = openHeader(v.key, b, s.number); err != nil {
		return err
	}
	s.end = headerSize
	copy(s.prev[:], b[headerSize-prevSize:])
	torn := false
	var plain []byte
	for !torn && s.end < size {
		if plain, torn, err = v.loadFrame(r, plain[:0]); err != nil {
			return err
		}
	}
	if torn {
		if err := s.f.Truncate(s.end); err != nil {
			return err
		}
	}
	// What was read need not be durable: a process may have been killed, or a sync may have
	// failed, between write and sync. It must be before anything is written behind it.
	if err := s.f.Sync(); err != nil {
		return err
	}
	v.idx.shrink()
	return nil
}

// loadFrame indexes the frame at s.end and steps over it, or says that the rest is a torn tail.
func (v *Vault) loadFrame(r *reader, buf []byte) (plain []byte, torn bool, err error) {
	s := v.seg
	left := r.size - s.end
	if left < headSize {
		return buf, true, nil
	}
	b, err := r.at(s.end, headSize)
	if err != nil {
		return nil, false, err
	}
	h, ok := s.openHead(b)
	if !ok {
		torn, err = v.noHeadBehind(r)
		return buf, torn, err
	}
	if h.seq != s.seq+1 {
		return nil, false, ErrDamaged
	}
	n := int64(frameSize(h.n))
	if n > left {
		return buf, true, nil
	}
	if b, err = r.at(s.end, int(n)); err != nil {
		return nil, false, err
	}
	plain, ok = s.openBody(buf, b, place{s.end, s.prev[:]}, h)
	if !ok {
		if n < left {
			return nil, false, ErrDamaged
		}
		return buf, true, nil
	}
	any := false
	for i := 0; ; {
		op, next, end, ok := nextOp(plain, i)
		if !ok {
			return nil, false, ErrDamaged
		}
		if end {
			break
		}
		any = true
		v.idx.apply(plain, op, s.end)
		i = next
	}
	s.marked = !any
	s.advance(b)
	return plain, false, nil
}

// apply takes one op of the frame at off.
func (x *index) apply(plain []byte, op rawOp, off int64) {
	key := plain[op.key:op.value]
	if op.kind == opDelete {
		x.del(key)
		return
	}
	x.set(key, uint32(off/align), uint32(op.value), uint32(op.n))
}

// noHeadBehind reports that the bad head at s.end is the start of a torn tail, or ErrDamaged.
func (v *Vault) noHeadBehind(r *reader) (bool, error) {
	s := v.seg
	if r.size-s.end > int64(frameSize(padded(plainMax))) {
		return false, ErrDamaged // more than one transaction can leave
	}
	for off := s.end + align; off+headSize <= r.size; off += align {
		b, err := r.at(off, headSize)
		if err != nil {
			return false, err
		}
		if _, ok := s.openHead(b); ok {
			return false, ErrDamaged
		}
	}
	return true, nil
}

// reader reads a file forward through a window.
type reader struct {
	f    File
	size int64
	buf  []byte
	off  int64 // of buf
}

// at returns n bytes at off, valid until the next call; the caller stays within size.
func (r *reader) at(off int64, n int) ([]byte, error) {
	if off < r.off || off+int64(n) > r.off+int64(len(r.buf)) {
		want := int(min(int64(max(n, readAhead)), r.size-off))
		if cap(r.buf) < want {
			r.buf = make([]byte, want)
		}
		r.buf, r.off = r.buf[:want], off
		if off > readAhead { // not for a small vault
			yield()
		}
		if err := readFull(r.f, r.buf, off); err != nil {
			r.buf = r.buf[:0]
			return nil, err
		}
	}
	return r.buf[off-r.off:][:n:n], nil
}

// readFull fills b; a file that is shorter than its owner knows is damaged.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return ErrDamaged
	}
	return err
}
