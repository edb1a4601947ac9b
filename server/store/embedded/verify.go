package embedded

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// Verify reads every byte of the store in folder dir and checks all sums, orders and heads. It
// changes nothing, takes no lock and may run beside a server. It returns an error that wraps
// store.ErrDamaged, with the count of damaged places, when something is wrong: the operator
// restores a backup or goes on without the records concerned. An unfinished write at a tail's
// end, as a crash leaves it, is not damage.
func Verify(dir string) error {
	d, err := openFolder(dir, false)
	if err != nil {
		return err
	}
	defer d.Close()
	return verifyOn(d)
}

func verifyOn(d disk) error {
	for {
		before, err := readManifest(d)
		if err != nil {
			return err
		}
		if before == nil {
			return nil // an empty folder is an empty store
		}
		err = verifyFiles(d, before)
		if err == nil {
			return nil
		}
		// A server may have merged meanwhile: files that went away are no damage.
		after, e := readManifest(d)
		if e != nil {
			return e
		}
		if bytes.Equal(after.bytes(), before.bytes()) {
			return err
		}
	}
}

func verifyFiles(d disk, m *manifest) error {
	names, err := d.List()
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, n := range names {
		there[n] = true
	}
	v := &verifier{max: map[plane.LogID]plane.Seq{}}
	for _, ref := range m.segs {
		if err := v.file(d, ref, there, v.segment); err != nil {
			return err
		}
	}
	for _, n := range names {
		if len(n) > 5 && n[:5] == "tail-" {
			if err := v.tail(d, n, m.gen); err != nil {
				return err
			}
		}
	}
	if m.heads.name != "" {
		if err := v.file(d, m.heads, there, v.heads); err != nil {
			return err
		}
	}
	if v.bad > 0 {
		return fmt.Errorf("embedded: %d damaged places: %w", v.bad, store.ErrDamaged)
	}
	return nil
}

// verifier counts what is wrong.
type verifier struct {
	bad int
	// max is the highest number seen of each log in the segments; its head is at least that.
	max map[plane.LogID]plane.Seq
}

func (v *verifier) file(d disk, ref fileRef, there map[string]bool, check func(*sorted) error) error {
	if !there[ref.name] {
		return fmt.Errorf("embedded: a file is missing: %w", store.ErrDamaged)
	}
	s, err := openSorted(d, ref)
	if err != nil {
		return err
	}
	defer s.f.Close()
	b := make([]byte, headBytes)
	if _, err := s.f.ReadAt(b, 0); err != nil {
		return short(err)
	}
	if !bytes.Equal(b, header(ref.day)) {
		v.bad++
	}
	return check(s)
}

// segment checks frames and table against each other.
func (v *verifier) segment(s *sorted) error {
	w := &writer{w: bufio.NewWriter(io.Discard)} // makes the table that there should be
	win := window{f: s.f, size: (1 + s.units) * unit}
	var last head
	for off := int64(unit); off < win.size; {
		h, ok := parseHead(win.at(off, headBytes))
		if win.err != nil {
			return win.err
		}
		if !ok || !h.kind.isRecord() || off+int64(h.bytes()) > win.size {
			v.bad++ // the length is lost: what follows cannot be told apart
			return nil
		}
		frame := win.at(off, h.bytes())
		if win.err != nil {
			return win.err
		}
		if !intact(frame) || h.day != s.day || off > unit && compareKeys(last.id, last.seq, h.id, h.seq) >= 0 {
			v.bad++
		}
		v.max[h.id] = max(v.max[h.id], h.seq)
		if err := w.add(h.id, frame); err != nil {
			return err
		}
		last, off = h, off+int64(h.bytes())
	}
	table := make([]byte, s.tab.n*headBytes)
	if _, err := s.f.ReadAt(table, s.tab.off); err != nil && len(table) > 0 {
		return short(err)
	}
	if !bytes.Equal(table, w.table) {
		v.bad++
	}
	return nil
}

func (v *verifier) heads(s *sorted) error {
	r := bufio.NewReader(io.NewSectionReader(s.f, s.tab.off, int64(s.tab.n)*headBytes))
	b := make([]byte, headBytes)
	var last entry
	for i := range s.tab.n {
		if _, err := io.ReadFull(r, b); err != nil {
			return short(err)
		}
		e, ok := parseEntry(b)
		if !ok || i > 0 && bytes.Compare(last.id[:], e.id[:]) >= 0 || e.seq < v.max[e.id] {
			v.bad++
		}
		if ok {
			last = e
			delete(v.max, e.id)
		}
	}
	v.bad += len(v.max) // records of logs that have no head
	return nil
}

func (v *verifier) tail(d disk, name string, live uint64) error {
	f, err := d.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	t := newTail(f, name, size, growBytes)
	if err := t.replay(live, false); err != nil {
		return err
	}
	v.bad += t.broken
	return nil
}
