package wire_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// TestLimits holds for every bound of a message the last value inside and the first outside. A
// message outside is refused by Encode and, encoded by other means, by Parse (W-10).
func TestLimits(t *testing.T) {
	good, weak := plane.PublicKey{0: 9, 5: 1}, plane.PublicKey{0: 1}
	n := func(n int) []byte { return make([]byte, n) }
	list := func(count, size int) [][]byte {
		l := make([][]byte, count)
		for i := range l {
			l[i] = n(size)
		}
		return l
	}
	words := func(count, size int) []string {
		l := make([]string, count)
		for i := range l {
			l[i] = strings.Repeat("w", size)
		}
		return l
	}
	rec := func(seqs ...plane.Seq) (l []wire.Record) {
		for _, s := range seqs {
			l = append(l, wire.Record{Seq: s, Body: n(plane.RecordSmall)})
		}
		return l
	}
	create := wire.Create{Owner: good, Read: good, Write: good, TTLDays: 30}
	with := func(f func(*wire.Create)) wire.Create { c := create; f(&c); return c }
	many := func(count int) wire.Records {
		r := wire.Records{Head: 1000}
		for i := range count {
			r.Records = append(r.Records, wire.Record{Seq: plane.Seq(i + 1), Body: n(plane.RecordSmall)})
		}
		return r
	}
	malformed, large := wire.ErrMalformed, wire.ErrTooLarge
	for _, c := range []struct {
		rule string
		m    any
		want error
	}{
		{"W-11", wire.Append{Body: n(plane.RecordSmall)}, nil},
		{"W-11", wire.Append{Body: n(plane.RecordMedium)}, nil},
		{"W-11", wire.Append{Body: n(plane.RecordLarge)}, nil},
		{"W-11", wire.Append{}, malformed},
		{"W-11", wire.Append{Body: n(plane.RecordSmall - 1)}, malformed},
		{"W-11", wire.Append{Body: n(plane.RecordSmall + 1)}, malformed},
		{"W-11", wire.Append{Body: n(plane.RecordLarge - 1)}, malformed},
		{"W-11", wire.Append{Body: n(plane.RecordLarge + 1)}, large},
		{"W-11", wire.RecordEvent{Seq: 1, Body: n(plane.RecordSmall + 1)}, malformed},
		{"W-11", wire.RecordEvent{Seq: 0, Body: n(plane.RecordSmall)}, malformed},
		{"W-11", wire.Knock{Body: n(1)}, malformed},
		{"W-11", wire.Knock{Body: n(plane.RecordLarge)}, nil},
		{"W-12", wire.Signal{}, malformed},
		{"W-12", wire.Signal{Body: n(1)}, nil},
		{"W-12", wire.Signal{Body: n(plane.SignalBytesMax)}, nil},
		{"W-12", wire.Signal{Body: n(plane.SignalBytesMax + 1)}, large},
		{"W-12", wire.SignalEvent{Body: n(plane.SignalBytesMax + 1)}, large},
		{"W-13", with(func(c *wire.Create) { c.Owner = weak }), malformed},
		{"W-13", with(func(c *wire.Create) { c.Read = plane.PublicKey{} }), malformed},
		{"W-13", with(func(c *wire.Create) { c.Write = weak }), malformed},
		{"W-13", wire.Rotate{Gen: 2, Read: weak, Write: good}, malformed},
		{"W-13", wire.Rotate{Gen: 2, Read: good, Write: weak}, malformed},
		{"W-13", wire.Door{Key: weak}, malformed},
		{"W-13", wire.Knock{Member: weak}, malformed},
		{"W-13", wire.Knock{}, nil},
		{"W-13", wire.Member{Key: weak}, malformed},
		{"W-13", wire.Open{Role: wire.RoleDoor, Key: weak}, malformed},
		{"W-14", wire.Records{Records: rec(1, 2), Head: 2}, nil},
		{"W-14", wire.Records{Records: rec(1, 1), Head: 2}, malformed},
		{"W-14", wire.Records{Records: rec(2, 1), Head: 2}, malformed},
		{"W-14", wire.Records{Records: rec(0), Head: 2}, malformed},
		{"W-14", wire.Records{Records: rec(3), Head: 2}, malformed},
		{"W-14", many(plane.ReadRecordsMax - 10), nil}, // 256 small records are over the frame's limit
		{"W-14", many(plane.ReadRecordsMax + 1), large},
		{"W-15", wire.Open{Role: wire.RoleRead, Gen: 1}, nil},
		{"W-15", wire.Open{Role: wire.RoleRead}, malformed},
		{"W-15", wire.Open{Role: wire.RoleWrite}, malformed},
		{"W-15", wire.Open{Role: wire.RoleRead, Gen: 1, Key: good}, malformed},
		{"W-15", wire.Open{Role: wire.RoleOwner}, nil},
		{"W-15", wire.Open{Role: wire.RoleOwner, Gen: 1}, malformed},
		{"W-15", wire.Open{Role: wire.RoleOwner, Key: good}, malformed},
		{"W-15", wire.Open{Role: wire.RoleDoor, Key: good}, nil},
		{"W-15", wire.Open{Role: wire.RoleDoor}, malformed},
		{"W-15", wire.Open{Role: wire.RoleDoor, Key: good, Gen: 1}, malformed},
		{"W-15", wire.Open{Role: 0}, malformed},
		{"W-15", wire.Open{Role: 5, Key: good}, malformed},
		{"W-16", with(func(c *wire.Create) { c.TTLDays = 0 }), malformed},
		{"W-16", with(func(c *wire.Create) { c.TTLDays = plane.TTLDaysMin }), nil},
		{"W-16", with(func(c *wire.Create) { c.TTLDays = plane.TTLDaysMax }), nil},
		{"W-16", with(func(c *wire.Create) { c.TTLDays = plane.TTLDaysMax + 1 }), large},
		{"W-16", wire.Manage{TTLDays: plane.TTLDaysMax}, nil},
		{"W-16", wire.Manage{TTLDays: plane.TTLDaysMax + 1}, large},
		{"W-16", wire.ServerInfo{TTLDaysMax: plane.TTLDaysMax + 1}, large},
		{"W-16", wire.ServerInfo{}, malformed},
		{"W-17", wire.Door{Key: good, Left: plane.DoorUsesMax}, nil},
		{"W-17", wire.Door{Key: good, Left: plane.DoorUsesMax + 1}, large},
		{"W-18", wire.PoolPut{Card: n(plane.CardBytesMax)}, nil},
		{"W-18", wire.PoolPut{Card: n(plane.CardBytesMax + 1)}, large},
		{"W-18", wire.PoolPut{LastResort: n(plane.PackageBytesMax)}, nil},
		{"W-18", wire.PoolPut{LastResort: n(plane.PackageBytesMax + 1)}, large},
		{"W-18", wire.PoolPut{Packages: list(2, plane.PackageBytesMax)}, nil},
		{"W-18", wire.PoolPut{Packages: list(2, plane.PackageBytesMax+1)}, large},
		{"W-18", wire.PoolPut{Packages: list(1, 0)}, malformed},
		{"W-18", wire.PoolPut{Packages: list(plane.PoolPackagesMax, 1)}, nil},
		{"W-18", wire.PoolPut{Packages: list(plane.PoolPackagesMax+1, 1)}, large},
		{"W-18", wire.Pool{Left: plane.PoolPackagesMax}, nil},
		{"W-18", wire.Pool{Left: plane.PoolPackagesMax + 1}, large},
		{"W-18", wire.Package{Card: n(plane.CardBytesMax), Package: n(plane.PackageBytesMax)}, nil},
		{"W-18", wire.Package{Card: n(plane.CardBytesMax + 1)}, large},
		{"W-18", wire.Package{Package: n(plane.PackageBytesMax + 1)}, large},
		{"W-19", wire.BlobPut{Count: 1, Data: n(plane.BlobChunkBytes)}, nil},
		{"W-19", wire.BlobPut{Count: 1, Data: n(plane.BlobChunkBytes - 1)}, malformed},
		{"W-19", wire.BlobPut{Count: 1, Data: n(plane.BlobChunkBytes + 1)}, malformed},
		{"W-19", wire.BlobPut{Count: 0, Data: n(plane.BlobChunkBytes)}, malformed},
		{"W-19", wire.BlobPut{Index: 1, Count: 1, Data: n(plane.BlobChunkBytes)}, malformed},
		{"W-19", wire.BlobPut{Count: plane.BlobChunksMax + 1, Data: n(plane.BlobChunkBytes)}, large},
		{"W-19", wire.BlobGet{Index: plane.BlobChunksMax - 1}, nil},
		{"W-19", wire.BlobGet{Index: plane.BlobChunksMax}, malformed},
		{"W-29", wire.BlobData{Data: n(0)}, malformed},
		{"W-29", wire.BlobData{Data: n(1)}, nil},
		{"W-29", wire.BlobData{Data: n(plane.BlobChunkBytes)}, nil},
		{"W-29", wire.BlobData{Data: n(plane.BlobChunkBytes + 1)}, large},
		{"W-29", wire.BlobPart{}, malformed},
		{"W-29", wire.BlobPart{Length: 1}, nil},
		{"W-29", wire.BlobPart{Length: plane.BlobChunkBytes}, nil},
		{"W-29", wire.BlobPart{Length: plane.BlobChunkBytes + 1}, large},
		{"W-29", wire.BlobPart{Offset: plane.BlobChunksMax*plane.BlobChunkBytes - 1, Length: 1}, nil},
		{"W-29", wire.BlobPart{Offset: plane.BlobChunksMax*plane.BlobChunkBytes - 1, Length: 2}, malformed},
		{"W-29", wire.BlobPart{Offset: 1<<32 - 1, Length: 1}, malformed},
		{"W-19", wire.ServerInfo{TTLDaysMax: 1, BlobChunks: plane.BlobChunksMax + 1}, large},
		{"W-27", wire.BlobState{Have: []byte{}}, nil},
		{"W-27", wire.BlobState{Count: 8, Have: []byte{0xff}}, nil},
		{"W-27", wire.BlobState{Count: 9, Have: []byte{0xff}}, malformed},
		{"W-27", wire.BlobState{Count: 8, Have: []byte{0xff, 0}}, malformed},
		{"W-27", wire.BlobState{Count: 9, Have: []byte{0xff, 2}}, malformed},
		{"W-27", wire.BlobState{Count: plane.BlobChunksMax, Have: n(plane.BlobChunksMax / 8)}, nil},
		{"W-27", wire.BlobState{Count: plane.BlobChunksMax + 1, Have: n(plane.BlobChunksMax/8 + 1)}, large},
		{"W-21", wire.Read{Limit: 0}, malformed},
		{"W-21", wire.Read{Limit: 1}, nil},
		{"W-21", wire.Read{Limit: plane.ReadRecordsMax}, nil},
		{"W-21", wire.Read{Limit: plane.ReadRecordsMax + 1}, large},
		{"W-22", wire.Rotate{Gen: 1, Read: good, Write: good}, malformed},
		{"W-22", wire.Rotate{Gen: 2, Read: good, Write: good}, nil},
		{"W-23", wire.Done{}, malformed},
		{"W-28", wire.Opened{Head: 5, Gen: 1}, malformed},
		{"W-23", wire.Done{Code: 255}, nil}, // a code of later days
		{"W-23", wire.GoneEvent{}, malformed},
		{"W-23", wire.Appended{}, malformed},
		{"W-24", wire.ServerInfo{TTLDaysMax: 1, Features: words(32, 32)}, nil},
		{"W-24", wire.ServerInfo{TTLDaysMax: 1, Features: words(33, 1)}, large},
		{"W-24", wire.ServerInfo{TTLDaysMax: 1, Features: words(1, 33)}, large},
		{"W-24", wire.ServerInfo{TTLDaysMax: 1, Features: words(1, 0)}, malformed},
	} {
		name := c.rule + " " + reflect.TypeOf(c.m).Name()
		if _, err := wire.Encode(ridOf(c.m), c.m); !errors.Is(err, c.want) {
			t.Errorf("%s: encode: got %v, want %v", name, err, c.want)
		}
		_, _, err := parse(unchecked(t, c.m))
		if c.want == nil && err != nil || c.want != nil && err == nil {
			t.Errorf("%s: parse: got %v, want %v", name, err, c.want)
		}
	}
}

// TestFrameLimit checks the whole frame at its limit and past it (W-01).
func TestFrameLimit(t *testing.T) {
	l := make([][]byte, plane.PoolPackagesMax)
	for i := range l {
		l[i] = make([]byte, plane.PackageBytesMax)
	}
	if _, err := wire.Encode(1, wire.PoolPut{Packages: l}); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("encode %d packages: got %v, want ErrTooLarge", len(l), err)
	}
	if b, err := wire.Encode(1, wire.PoolPut{Packages: l[:20]}); err != nil || len(b) > plane.FrameBytesMax {
		t.Errorf("encode 20 packages: %d bytes, %v", len(b), err)
	}
	for _, n := range []int{plane.FrameBytesMax, plane.FrameBytesMax + 1} {
		b := make([]byte, n)
		b[0] = 0x83
		_, _, err := wire.ParseRequest(b)
		want := wire.ErrMalformed
		if n > plane.FrameBytesMax {
			want = wire.ErrTooLarge
		}
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", n, err, want)
		}
	}
}

// TestFitRecords cuts pages of each record size: what fits is encoded, one more would not be
// (W-26).
func TestFitRecords(t *testing.T) {
	for _, size := range []int{plane.RecordSmall, plane.RecordMedium, plane.RecordLarge} {
		const from = 1 << 62 // the longest numbers
		var all []wire.Record
		for i := range 400 {
			all = append(all, wire.Record{Seq: from + plane.Seq(i), Body: make([]byte, size)})
		}
		n := wire.FitRecords(all)
		if n < plane.FrameBytesMax/(size+64) || n > plane.ReadRecordsMax {
			t.Errorf("size %d: %d fit", size, n)
		}
		b, err := wire.Encode(1<<32-1, wire.Records{Records: all[:n], Head: from + 1000})
		if err != nil {
			t.Errorf("size %d: %d records: %v", size, n, err)
		}
		if len(b)+size < plane.FrameBytesMax-64 && n < plane.ReadRecordsMax {
			t.Errorf("size %d: %d records leave %d bytes unused", size, n, plane.FrameBytesMax-len(b))
		}
		if got := wire.FitRecords(all[:1]); got != 1 {
			t.Errorf("size %d: one record: %d fit", size, got)
		}
	}
	if got := wire.FitRecords(nil); got != 0 {
		t.Errorf("no records: %d fit", got)
	}
}
