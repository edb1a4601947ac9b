package embedded

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// sorted is an immutable file of one day's records in order of (id, seq), or of the heads of all
// logs: a header of one unit, the frames, a table of where each log begins.
//
// Its bytes depend on what it holds and on nothing else, so they cannot tell in which merge, and
// so at which hour, a record came.
type sorted struct {
	fileRef
	f   file
	tab *table
}

// stretchBytes is how far apart the table's entries of one log are.
const stretchBytes = 64 << 10

var fileMagic = []byte("paperplane segm1")

// header is the first unit of a sorted file.
func header(day plane.Day) []byte {
	b := make([]byte, headBytes)
	copy(b, fileMagic)
	b[16], b[17] = byte(day>>8), byte(day)
	s := crc32.Checksum(b[:28], castagnoli)
	b[28], b[29], b[30], b[31] = byte(s>>24), byte(s>>16), byte(s>>8), byte(s)
	return b
}

// openSorted opens the file that ref names.
func openSorted(d disk, ref fileRef) (*sorted, error) {
	f, err := d.Open(ref.name)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err == nil && size < (1+ref.units+int64(ref.entries))*unit {
		err = fmt.Errorf("embedded: file is cut short: %w", store.ErrDamaged)
	}
	s := &sorted{fileRef: ref, f: f}
	if err == nil {
		s.tab, err = openTable(f, (1+ref.units)*unit, ref.entries)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return s, nil
}

// read appends to out up to limit records of id with numbers in [from, below). It returns
// ErrDamaged when a record in that range cannot be read; damage elsewhere is not this log's.
func (s *sorted) read(out []store.Record, id plane.LogID, from, below plane.Seq, limit int) ([]store.Record, error) {
	at, next, hasAt, hasNext, gap, err := s.tab.find(id, from)
	if err != nil {
		return out, err
	}
	// Walk from the last entry not after (id, from). When that is another log's, there is
	// nothing to be found before the next entry, unless a damaged one lies between.
	off := int64(0)
	switch {
	case hasAt && (at.id == id || gap):
		off = int64(at.at)
	case gap: // damage before the first intact entry
	case hasNext && next.id == id && next.seq < below:
		off = int64(next.at)
	default:
		return out, nil
	}
	win := window{f: s.f, size: (1 + s.units) * unit}
	if limit < 128 { // a small answer needs no large read
		win.buf = make([]byte, 0, min(1<<18, max(16<<10, (limit+2)*(headBytes+plane.RecordSmall))))
	}
	for off = (1 + off) * unit; off < win.size && limit > 0; {
		h, ok := parseHead(win.at(off, headBytes))
		if win.err != nil {
			return out, win.err
		}
		if !ok {
			if s.foreign(id, off) {
				return out, nil
			}
			return out, store.ErrDamaged
		}
		n := h.bytes()
		switch c := bytes.Compare(h.id[:], id[:]); {
		case c > 0 || c == 0 && h.seq >= below:
			return out, nil
		case c == 0 && h.seq >= from:
			frame := win.at(off, n)
			if win.err != nil {
				return out, win.err
			}
			if frame == nil || !intact(frame) {
				return out, store.ErrDamaged
			}
			out = append(out, store.Record{Seq: h.seq, Body: bytes.Clone(frame[headBytes:])})
			limit--
		}
		off += int64(n)
	}
	return out, nil
}

// foreign reports whether the frame at off, whose head is damaged, is known to belong to the
// next log and not to id.
func (s *sorted) foreign(id plane.LogID, off int64) bool {
	_, next, _, ok, gap, err := s.tab.find(id, seqMax)
	return err == nil && ok && !gap && off >= (1+int64(next.at))*unit
}

// logs calls f for each log in the table, once, in order.
func (s *sorted) logs(f func(plane.LogID) error) error {
	r := bufio.NewReaderSize(io.NewSectionReader(s.f, s.tab.off, int64(s.tab.n)*headBytes), 64<<10)
	var b [headBytes]byte
	var last plane.LogID
	for i := range s.tab.n {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return short(err)
		}
		e, ok := parseEntry(b[:])
		if !ok || i > 0 && e.id == last {
			continue
		}
		last = e.id
		if err := f(e.id); err != nil {
			return err
		}
	}
	return nil
}

// writer writes a sorted file. Frames must come in order.
type writer struct {
	d       disk
	f       file
	ref     fileRef
	w       *bufio.Writer
	off     int64  // bytes given to w
	table   []byte // entries so far
	id      plane.LogID
	any     bool  // id is set
	stretch int64 // where the newest entry points
}

// createSorted makes a file with a random name: a counter would tell how old it is.
func createSorted(d disk, prefix string, ref fileRef) (*writer, error) {
	var r [8]byte
	rand.Read(r[:])
	ref.name = prefix + hex.EncodeToString(r[:])
	f, err := d.Open(ref.name)
	if err != nil {
		return nil, err
	}
	w := &writer{d: d, f: f, ref: ref}
	w.w = bufio.NewWriterSize(&offsetWriter{f: f}, 256<<10)
	if _, err := w.w.Write(header(ref.day)); err != nil {
		w.abort()
		return nil, err
	}
	return w, nil
}

// add writes frames of one log: raw bytes, sums and all, so that damage stays damage.
func (w *writer) add(id plane.LogID, frames []byte) error {
	for rest := frames; len(rest) > 0; {
		h, ok := parseHead(rest)
		n := h.bytes()
		if !ok || h.id != id || n > len(rest) {
			// A damaged head hides where the next frame is: the rest goes along unseen, under
			// the entry before it. A log must have an entry all the same.
			if !w.any || w.id != id {
				w.entry(id, 0)
			}
			w.off += int64(len(rest))
			break
		}
		if !w.any || w.id != id || w.off-w.stretch >= stretchBytes {
			w.entry(id, h.seq)
		}
		w.off += int64(n)
		rest = rest[n:]
	}
	_, err := w.w.Write(frames)
	return err
}

func (w *writer) entry(id plane.LogID, seq plane.Seq) {
	w.id, w.any, w.stretch = id, true, w.off
	w.table = append(w.table, make([]byte, headBytes)...)
	putEntry(w.table[len(w.table)-headBytes:], entry{id: id, seq: seq, at: uint32(w.off / unit), kind: kindEntry})
	w.ref.entries++
}

// addHead writes the head of a log into a heads file.
func (w *writer) addHead(id plane.LogID, seq plane.Seq) error {
	var b [headBytes]byte
	putEntry(b[:], entry{id: id, seq: seq, kind: kindHead})
	w.ref.entries++
	_, err := w.w.Write(b[:])
	return err
}

// finish makes the file durable, but not its name, and opens it for reading.
func (w *writer) finish() (*sorted, error) {
	w.ref.units = w.off / unit
	_, err := w.w.Write(w.table)
	if err == nil {
		err = w.w.Flush()
	}
	if err == nil {
		err = w.d.Stamp(w.ref.name, w.ref.day)
	}
	if err == nil {
		err = w.f.Sync()
	}
	if err != nil {
		w.abort()
		return nil, err
	}
	if err := w.f.Close(); err != nil {
		w.abort()
		return nil, err
	}
	s, err := openSorted(w.d, w.ref)
	if err != nil {
		_ = w.d.Remove(w.ref.name)
	}
	return s, err
}

func (w *writer) abort() {
	_ = w.f.Close()
	_ = w.d.Remove(w.ref.name)
}

// offsetWriter writes a file from its start, making it durable in steps: one large flush at the
// end would hold up the appends that share the disk.
type offsetWriter struct {
	f   file
	off int64
}

func (o *offsetWriter) Write(p []byte) (int, error) {
	n, err := o.f.WriteAt(p, o.off)
	before := o.off >> 22
	o.off += int64(n)
	if err == nil && o.off>>22 != before {
		err = o.f.Sync()
	}
	return n, err
}
