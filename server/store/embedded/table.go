package embedded

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"sort"
	"sync"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// table is a sorted array of entries in a file, with one key in 128 kept in memory. It is safe
// for concurrent reading.
type table struct {
	f    file
	off  int64 // where the entries begin
	n    int   // how many there are
	keys []key // sparse: the first intact key of each page
}

// key is an entry's key and its place in the table.
type key struct {
	id  plane.LogID
	seq plane.Seq
	i   int
}

// pageEntries is how many entries lie between two keys in memory: 4 KiB, one read.
const pageEntries = 128

// pages saves an allocation of a page for each look-up.
var pages = sync.Pool{New: func() any { return new([pageEntries * headBytes]byte) }}

func compareKeys(aid plane.LogID, aseq plane.Seq, bid plane.LogID, bseq plane.Seq) int {
	if c := bytes.Compare(aid[:], bid[:]); c != 0 {
		return c
	}
	return cmp.Compare(aseq, bseq)
}

// openTable reads the sparse keys. A damaged key only makes the page before it longer.
func openTable(f file, off int64, n int) (*table, error) {
	t := &table{f: f, off: off, n: n}
	var b [headBytes]byte
	for i := 0; i < n; i += pageEntries {
		if _, err := f.ReadAt(b[:], off+int64(i)*headBytes); err != nil {
			return nil, fmt.Errorf("embedded: read table: %w", short(err))
		}
		e, ok := parseEntry(b[:])
		if !ok {
			continue
		}
		if len(t.keys) > 0 {
			if last := t.keys[len(t.keys)-1]; compareKeys(last.id, last.seq, e.id, e.seq) >= 0 {
				continue // out of order: damaged in a way the sum does not see
			}
		}
		t.keys = append(t.keys, key{e.id, e.seq, i})
	}
	return t, nil
}

// find returns the last intact entry not after (id, seq), the first intact one after it, and
// whether a damaged one lies between them. has tells which of the two there are.
func (t *table) find(id plane.LogID, seq plane.Seq) (at, next entry, hasAt, hasNext, gap bool, err error) {
	p := sort.Search(len(t.keys), func(i int) bool { return compareKeys(t.keys[i].id, t.keys[i].seq, id, seq) > 0 })
	i := 0
	if p > 0 {
		i = t.keys[p-1].i
	}
	buf := pages.Get().(*[pageEntries * headBytes]byte)
	defer pages.Put(buf)
	for i < t.n {
		b := buf[:min(pageEntries, t.n-i)*headBytes]
		if _, err := t.f.ReadAt(b, t.off+int64(i)*headBytes); err != nil {
			return at, next, hasAt, hasNext, gap, fmt.Errorf("embedded: read table: %w", short(err))
		}
		for ; len(b) > 0; b = b[headBytes:] {
			e, ok := parseEntry(b)
			switch {
			case !ok:
				gap = true
			case compareKeys(e.id, e.seq, id, seq) > 0:
				return at, e, hasAt, true, gap, nil
			default:
				at, hasAt, gap = e, true, false
			}
			i++
		}
	}
	return at, next, hasAt, hasNext, gap, nil
}

// head looks id up in a table of heads.
func (t *table) head(id plane.LogID) (plane.Seq, error) {
	if t == nil || t.n == 0 {
		return 0, nil
	}
	at, _, ok, _, gap, err := t.find(id, seqMax)
	switch {
	case err != nil:
		return 0, err
	case ok && at.id == id:
		return at.seq, nil
	case gap:
		return 0, store.ErrDamaged // the damaged entry may be this log's
	}
	return 0, nil
}

// short turns the end of a file where data should be into damage.
func short(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return store.ErrDamaged
	}
	return err
}
