package embedded

import (
	"bytes"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/store/storetest"
)

// seedStore returns a disk with a manifest, a segment, heads and a tail.
func seedStore(f *testing.F) *memDisk {
	d := newMemDisk()
	l, err := openOn(d, 1<<20, 16<<10)
	if err != nil {
		f.Fatal(err)
	}
	for i := range 6 {
		if _, err := l.Append(f.Context(), storetest.ID(i%2), storetest.Day, storetest.Body(i, plane.RecordSmall), false); err != nil {
			f.Fatal(err)
		}
		if i == 3 {
			if err := l.Settle(f.Context()); err != nil {
				f.Fatal(err)
			}
		}
	}
	_ = l.Close()
	return d
}

// FuzzTail: a tail file with any bytes opens or is refused; opened, its records can be read or
// are damaged, and opening it once more gives the same.
func FuzzTail(f *testing.F) {
	for _, b := range seedStore(f).raw("tail-") {
		f.Add(b)
		cut := bytes.TrimRight(b, "\x00")
		f.Add(cut)
		f.Add(cut[:max(0, len(cut)-500)]) // within the last batch
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newMemDisk()
		if err := writeManifest(d, &manifest{gen: 1}, 0); err != nil {
			t.Fatal(err)
		}
		h, _ := d.Open("tail-0")
		if _, err := h.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		_ = verifyOn(d)
		heads := map[plane.LogID]plane.Seq{}
		for run := range 2 {
			l, err := openOn(d, 1<<20, 16<<10)
			if err != nil {
				if run == 1 {
					t.Fatalf("opened once, then: got %v, want nil", err)
				}
				return
			}
			for id := range l.active.last {
				h, err := l.Head(t.Context(), id)
				if run == 1 && (err != nil || h != heads[id]) {
					t.Errorf("head at the second opening: got %d, %v, want %d, nil", h, err, heads[id])
				}
				heads[id] = h
				_, _ = l.Read(t.Context(), id, 0, 10)
			}
			_ = l.Close()
		}
	})
}

// FuzzSegment: a segment file with any bytes, of any announced shape, opens or is refused, and
// reading and merging it neither panics nor reads without bound.
func FuzzSegment(f *testing.F) {
	for _, b := range seedStore(f).raw("seg-") {
		f.Add(b, uint16(4*33), uint16(2))
		f.Add(b, uint16(4*33), uint16(1))
	}
	for _, b := range seedStore(f).raw("heads-") {
		f.Add(b, uint16(0), uint16(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, units, entries uint16) {
		d := newMemDisk()
		h, _ := d.Open("seg-20780-0")
		if _, err := h.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		h, _ = d.Open("heads-0")
		if _, err := h.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		m := &manifest{gen: 1, segs: []fileRef{{name: "seg-20780-0", day: 20780, units: int64(units), entries: int(entries)}}}
		if units == 0 {
			m.heads = fileRef{name: "heads-0", entries: int(entries)}
		}
		if err := writeManifest(d, m, 0); err != nil {
			t.Fatal(err)
		}
		_ = verifyOn(d)
		l, err := openOn(d, 1<<20, 16<<10)
		if err != nil {
			return
		}
		for i := range 3 {
			_, _ = l.Read(t.Context(), storetest.ID(i), 0, 10)
			_, _ = l.Head(t.Context(), storetest.ID(i))
			_, _ = l.Append(t.Context(), storetest.ID(i), 20780, storetest.Body(i, plane.RecordSmall), true)
		}
		_ = l.Settle(t.Context())
		_ = l.Expire(t.Context(), func(plane.LogID) plane.Day { return 20781 })
		_ = l.Close()
	})
}

// FuzzManifest: what parses is what bytes would write.
func FuzzManifest(f *testing.F) {
	for _, b := range seedStore(f).raw(manifestName) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err == nil && !bytes.Equal(m.bytes(), b) {
			t.Errorf("parse, then bytes: got %q, want %q", m.bytes(), b)
		}
	})
}

// FuzzHead: a head that parses is what putHead would write.
func FuzzHead(f *testing.F) {
	b := make([]byte, headBytes)
	putHead(b, storetest.ID(1), kindSmall, 7, storetest.Day, 0)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parseHead(b)
		if !ok {
			return
		}
		again := make([]byte, headBytes)
		putHead(again, h.id, h.kind, h.seq, h.day, 0)
		if !bytes.Equal(again[:28], b[:28]) {
			t.Errorf("parse, then put: got %x, want %x", again[:28], b[:28])
		}
	})
}
