package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// tail is one tail file: batches of frames in order of arrival, then zeros. It is written ahead
// with zeros, because overwriting takes one disk write a batch where growing takes two or three,
// and used again after it was erased, that is overwritten with zeros.
//
// The file is owned by the writer while the tail is active and by the merger once it is frozen;
// the index is guarded by Log.mu.
type tail struct {
	f     file
	name  string
	gen   uint64 // unknown (0) while the tail is empty
	end   int64  // bytes of whole batches
	size  int64  // bytes of the file
	step  int64  // bytes by which it grows, and its least size
	batch uint64 // number of the next batch

	recs    []tailRec
	last    map[plane.LogID]int32 // newest record of each log
	forgets int                   // forget frames within
	broken  int                   // frames that were acknowledged, perhaps, and cannot be read
}

// tailRec is a record, or a forget, in the index. 32 bytes.
type tailRec struct {
	seq  plane.Seq
	at   uint32 // unit of its frame
	prev int32  // the log's record before, or -1
	sum  uint32 // CRC-32C of the body, to find retries without reading
	day  uint16
	kind kind
	bad  bool // the body does not match its sum
}

func newTail(f file, name string, size, step int64) *tail {
	return &tail{f: f, name: name, size: size, step: step, last: map[plane.LogID]int32{}}
}

// add puts a record into the index.
func (t *tail) add(id plane.LogID, r tailRec) {
	r.prev = -1
	if p, ok := t.last[id]; ok {
		r.prev = p
	}
	if r.kind == kindForget {
		t.forgets++
	}
	t.last[id] = int32(len(t.recs))
	t.recs = append(t.recs, r)
}

// head returns the log's head; ok is false when the tail does not know it.
func (t *tail) head(id plane.LogID) (seq plane.Seq, ok bool) {
	if t == nil {
		return 0, false
	}
	i, ok := t.last[id]
	if !ok {
		return 0, false
	}
	return t.recs[i].seq, true // a forget has seq 0
}

// since collects the log's records from seq from on, newest first. forgot tells that nothing
// older than this tail counts any more.
func (t *tail) since(id plane.LogID, from plane.Seq) (recs []tailRec, forgot bool) {
	if t == nil {
		return nil, false
	}
	i, ok := t.last[id]
	if !ok {
		return nil, false
	}
	for ; i >= 0; i = t.recs[i].prev {
		if t.recs[i].kind == kindForget {
			return recs, true
		}
		if t.recs[i].seq >= from {
			recs = append(recs, t.recs[i])
		} else if t.forgets == 0 {
			return recs, false
		}
	}
	return recs, false
}

// body reads and checks a record's body.
func (t *tail) body(id plane.LogID, r tailRec) ([]byte, error) {
	b := make([]byte, headBytes+r.kind.bodyBytes())
	if _, err := t.f.ReadAt(b, int64(r.at)*unit); err != nil {
		return nil, fmt.Errorf("embedded: read tail: %w", short(err))
	}
	h, ok := parseHead(b)
	if !ok || h.id != id || h.seq != r.seq || !intact(b) {
		return nil, store.ErrDamaged
	}
	return b[headBytes:], nil
}

// batchID is what the id field of a batch's head says.
func batchID(gen, number uint64) (id plane.LogID) {
	binary.BigEndian.PutUint64(id[:], gen)
	binary.BigEndian.PutUint64(id[8:], number)
	return id
}

// putBatch completes b, whose first 32 bytes are left for the head.
func putBatch(b []byte, gen, number uint64) {
	putHead(b, batchID(gen, number), kindBatch, plane.Seq(len(b)/unit), 0, 0)
}

// parseBatch reads the head of a batch.
func parseBatch(b []byte) (gen, number uint64, size int64, ok bool) {
	h, ok := parseHead(b)
	if !ok || h.kind != kindBatch || h.day != 0 || !intact(b[:headBytes]) || h.seq == 0 || h.seq > batchBytesMax/unit {
		return 0, 0, 0, false
	}
	return binary.BigEndian.Uint64(h.id[:]), binary.BigEndian.Uint64(h.id[8:]), int64(h.seq) * unit, true
}

// grow writes zeros so that n more bytes fit.
func (t *tail) grow(n int64) error {
	for t.end+n > t.size {
		if _, err := t.f.WriteAt(make([]byte, t.step), t.size); err != nil {
			return err
		}
		t.size += t.step
	}
	return nil
}

// erase overwrites the tail with zeros and makes it size bytes long. The first page goes last: a
// tail that begins with zeros is erased.
func (t *tail) erase(size int64) error {
	if err := zero(t.f, pageBytes, max(t.size, size)); err != nil {
		return err
	}
	if err := t.f.Truncate(size); err != nil {
		return err
	}
	if err := t.f.Sync(); err != nil {
		return err
	}
	if err := zero(t.f, 0, pageBytes); err != nil {
		return err
	}
	return t.f.Sync()
}

const pageBytes = 4096

// zero writes zeros over [from, to), a megabyte at a time, made durable in steps so that the
// disk's queue stays short for the appends beside it.
func zero(f file, from, to int64) error {
	b := make([]byte, 1<<20)
	for from < to {
		n := min(int64(len(b)), to-from)
		if _, err := f.WriteAt(b[:n], from); err != nil {
			return err
		}
		from += n
		if from&(8<<20-1) < n {
			if err := f.Sync(); err != nil {
				return err
			}
		}
	}
	return nil
}

// replay reads the tail at opening, up to where its batches end. A batch that was being written
// at the end (nobody was told that it is stored) is cut at its first bad frame. A bad frame with
// a later batch behind it is damage: the frame is marked, the rest counts. With fix set the cut
// is made durable; Verify leaves it alone.
func (t *tail) replay(live uint64, fix bool) error {
	r := replayer{t: t, win: window{f: t.f, size: t.size}}
	for {
		gen, number, n, ok := parseBatch(r.win.at(t.end, headBytes))
		if ok && gen >= live && t.end+n <= t.size && (t.gen == 0 || gen == t.gen && number == t.batch) {
			t.gen, t.batch = gen, number
			cut, err := r.frames(t.end, n)
			if err != nil {
				return err
			}
			t.batch = number + 1
			if cut >= 0 { // torn: keep what came before, and say so in the batch's head
				if fix {
					b := make([]byte, cut-t.end)
					if _, err := t.f.ReadAt(b, t.end); err != nil {
						return short(err)
					}
					putBatch(b, gen, number)
					if _, err := t.f.WriteAt(b[:headBytes], t.end); err != nil {
						return err
					}
				}
				t.end = cut
				break
			}
			t.end += n
			continue
		}
		if r.win.err != nil {
			return r.win.err
		}
		next, ok := r.later(t.end, live)
		if !ok {
			break
		}
		t.broken++ // a batch's head is broken and a later batch is whole: read its frames one by one
		r.loose(t.end+headBytes, next)
		_, t.batch, _, _ = parseBatch(r.win.at(next, headBytes))
		if t.gen == 0 {
			t.gen, _, _, _ = parseBatch(r.win.at(next, headBytes))
		}
		t.end = next
	}
	if r.win.err != nil {
		return r.win.err
	}
	if !fix {
		return nil
	}
	// What lies behind the cut can only be the rest of one unfinished write.
	to := min(t.size, t.end+batchBytesMax)
	if dirty, err := anyBut0(t.f, t.end, to); err != nil || !dirty {
		return err
	}
	if err := zero(t.f, t.end, to); err != nil {
		return err
	}
	return t.f.Sync()
}

func anyBut0(f file, from, to int64) (bool, error) {
	b := make([]byte, 1<<16)
	for from < to {
		n := min(int64(len(b)), to-from)
		if _, err := f.ReadAt(b[:n], from); err != nil {
			return false, short(err)
		}
		if slices.Max(b[:n]) != 0 {
			return true, nil
		}
		from += n
	}
	return false, nil
}

// replayer walks a tail's frames.
type replayer struct {
	t   *tail
	win window
}

// frames reads the frames of the batch at off, n bytes long with its head. cut is where a torn
// batch ends, or -1 for one that is whole or was once.
func (r *replayer) frames(off, n int64) (cut int64, err error) {
	_, later := int64(0), false
	looked := false
	end := off + n
	for off += headBytes; off < end; {
		h, ok := parseHead(r.win.at(off, headBytes))
		ok = ok && h.kind != kindBatch && off+int64(h.bytes()) <= end
		good := ok && intact(r.win.at(off, h.bytes()))
		if r.win.err != nil {
			return -1, r.win.err
		}
		if !good && !looked {
			_, later = r.later(end, 0)
			looked = true
		}
		switch {
		case good:
			r.add(h, off, false)
			off += int64(h.bytes())
		case !later:
			return off, nil
		case ok:
			r.add(h, off, true)
			off += int64(h.bytes())
		default:
			r.t.broken++
			off += unit
		}
	}
	return -1, nil
}

// loose reads what frames there are in [off, end), whatever lies between them.
func (r *replayer) loose(off, end int64) {
	for off < end {
		h, ok := parseHead(r.win.at(off, headBytes))
		if ok && h.kind != kindBatch && off+int64(h.bytes()) <= end {
			r.add(h, off, !intact(r.win.at(off, h.bytes())))
			off += int64(h.bytes())
			continue
		}
		off += unit
	}
}

// later looks for a whole batch at or behind off: what lies before it was acknowledged.
func (r *replayer) later(off int64, live uint64) (int64, bool) {
	w := window{f: r.win.f, size: r.win.size}
	for end := min(r.t.size, off+2*batchBytesMax); off < end; off += unit {
		b := w.at(off, headBytes)
		if b == nil {
			return 0, false
		}
		if kind(b[16]) != kindBatch {
			continue
		}
		gen, number, n, ok := parseBatch(b)
		if ok && off+n <= r.t.size && (r.t.gen == 0 && gen >= live || gen == r.t.gen && number > r.t.batch) {
			return off, true
		}
	}
	return 0, false
}

func (r *replayer) add(h head, off int64, bad bool) {
	rec := tailRec{seq: h.seq, at: uint32(off / unit), day: uint16(h.day), kind: h.kind, bad: bad}
	if bad {
		r.t.broken++
	} else if h.kind.isRecord() {
		rec.sum = crc32.Checksum(r.win.at(off, h.bytes())[headBytes:], castagnoli)
	}
	r.t.add(h.id, rec)
}

// window reads a file forward through one buffer.
type window struct {
	f    file
	size int64
	buf  []byte
	off  int64
	err  error
}

// at returns n bytes at off, valid until the next call; nil behind the end or after an error.
func (w *window) at(off int64, n int) []byte {
	if w.err != nil || off+int64(n) > w.size {
		return nil
	}
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		if w.buf == nil {
			w.buf = make([]byte, 0, 1<<18)
		}
		w.buf = w.buf[:min(int64(cap(w.buf)), w.size-off)]
		w.off = off
		if _, err := w.f.ReadAt(w.buf, off); err != nil {
			w.err = fmt.Errorf("embedded: read tail: %w", short(err))
			return nil
		}
	}
	return w.buf[off-w.off:][:n]
}

// group is the live records of one log in a frozen tail, in order.
type group struct {
	id     plane.LogID
	recs   []int32
	head   plane.Seq
	forgot bool // drop what older files have of this log
}

// groups returns the frozen tail's logs in order of their ids.
func (t *tail) groups() []group {
	out := make([]group, 0, len(t.last))
	all := make([]int32, 0, len(t.recs)) // one array for all groups
	for id, i := range t.last {
		g := group{id: id, head: t.recs[i].seq}
		start := len(all)
		for ; i >= 0; i = t.recs[i].prev {
			if t.recs[i].kind == kindForget {
				g.forgot = true
				break
			}
			all = append(all, i)
		}
		g.recs = all[start:len(all):len(all)]
		slices.Reverse(g.recs)
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b group) int { return bytes.Compare(a.id[:], b.id[:]) })
	return out
}
