package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// samples holds one or more valid values of every message, with and without optional fields.
func samples() []any {
	small, large := bytes.Repeat([]byte{7}, plane.RecordSmall), bytes.Repeat([]byte{8}, plane.RecordLarge)
	chunk := bytes.Repeat([]byte{9}, plane.BlobChunkBytes)
	k := func(b byte) plane.PublicKey { return plane.PublicKey{0: 9, 5: b} }
	sig := plane.Signature{1, 2, 3}
	return []any{
		wire.Info{},
		wire.Create{Owner: k(1), Read: k(2), Write: k(3), TTLDays: 30, Sig: sig},
		wire.Create{Owner: k(1), Read: k(2), Write: k(3), TTLDays: 180, Inbox: true, Sig: sig},
		wire.Open{Log: plane.LogID{1}, Role: wire.RoleRead, Gen: 1, Sig: sig},
		wire.Open{Log: plane.LogID{1}, Role: wire.RoleWrite, Gen: 1 << 31, Sig: sig},
		wire.Open{Log: plane.LogID{1}, Role: wire.RoleOwner, Sig: sig},
		wire.Open{Log: plane.LogID{1}, Role: wire.RoleDoor, Key: k(4), Sig: sig},
		wire.Close{Handle: 3},
		wire.Append{Handle: 1, Body: small},
		wire.Append{Handle: 70000, Body: large, Retry: true},
		wire.Read{Handle: 1, From: 1, Limit: 256},
		wire.Subscribe{Handle: 1, From: 1 << 40},
		wire.Signal{Handle: 2, Body: []byte{1}},
		wire.Rotate{Handle: 2, Gen: 2, Read: k(2), Write: k(3)},
		wire.Manage{Handle: 2},
		wire.Manage{Handle: 2, TTLDays: 7, Freeze: true, Delete: true},
		wire.Door{Handle: 2, Key: k(5), Left: 10, Until: 20500},
		wire.Knock{Handle: 2, Body: large, Member: k(6), Retry: true},
		wire.Knock{Handle: 2, Member: k(6)},
		wire.PoolPut{Handle: 2},
		wire.PoolPut{Handle: 2, Card: []byte{1}, LastResort: []byte{2}, Packages: [][]byte{{3}, {4}}},
		wire.PoolTake{Handle: 2},
		wire.PoolTake{Handle: 2, Package: true},
		wire.Member{Key: k(7), Sig: sig},
		wire.BlobPut{Secret: [16]byte{1}, Index: 255, Count: 256, Data: chunk},
		wire.BlobStat{Blob: plane.BlobID{1}},
		wire.BlobGet{Blob: plane.BlobID{1}, Index: 255},
		wire.BlobDelete{Secret: [16]byte{1}},
		wire.Ping{},
		wire.BlobPart{Blob: plane.BlobID{1}, Offset: 70000, Length: 262144},

		wire.Done{Code: plane.OK},
		wire.ServerInfo{Day: 20500, TTLDaysMax: 180, BlobChunks: 256, Features: wire.Features()},
		wire.ServerInfo{Day: 20500, TTLDaysMax: 30},
		wire.Opened{Handle: 1, Head: 5, Gen: 1},
		wire.Appended{Seq: 1 << 60},
		wire.Records{Records: []wire.Record{{Seq: 1, Body: small}, {Seq: 3, Body: large}}, Head: 3},
		wire.Records{},
		wire.Pool{Left: 20},
		wire.Package{},
		wire.Package{Card: []byte{1}, Package: []byte{2}, LastResort: true},
		wire.BlobState{Count: 9, Have: []byte{0xff, 1}},
		wire.BlobData{Data: chunk},
		wire.BlobData{Data: []byte{9}},

		wire.RecordEvent{Handle: 1, Seq: 1, Body: small},
		wire.SignalEvent{Handle: 1, Body: []byte{1, 2}},
		wire.GoneEvent{Handle: 1, Code: plane.Refused},
	}
}

// parse parses a frame from whichever side it is.
func parse(b []byte) (rid uint32, m any, err error) {
	rid, r, err := wire.ParseRequest(b)
	if err == nil {
		return rid, r, nil
	}
	rid, a, e, err2 := wire.ParseAnswerOrEvent(b)
	switch {
	case err2 != nil:
		return rid, nil, err
	case a != nil:
		return rid, a, nil
	default:
		return rid, e, nil
	}
}

func ridOf(m any) uint32 {
	if _, ok := m.(wire.Event); ok {
		return 0
	}
	return 77
}

// TestRoundTrip encodes every message and parses it back: the value and the number return.
func TestRoundTrip(t *testing.T) {
	for _, m := range samples() {
		name := reflect.TypeOf(m).Name()
		b, err := wire.Encode(ridOf(m), m)
		if err != nil {
			t.Errorf("%s: encode: %v", name, err)
			continue
		}
		rid, got, err := parse(b)
		if err != nil || rid != ridOf(m) {
			t.Errorf("%s: parse: rid %d, error %v; want rid %d", name, rid, err, ridOf(m))
			continue
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("%s: got %+v, want %+v", name, got, m)
		}
	}
}

// TestRids takes numbers of requests around each length of their encoding there and back (W-03).
func TestRids(t *testing.T) {
	for _, rid := range []uint32{1, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1} {
		b, err := wire.Encode(rid, wire.Ping{})
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := wire.ParseRequest(b); err != nil || got != rid {
			t.Errorf("rid %d came back as %d, %v", rid, got, err)
		}
		b, err = wire.Encode(rid, wire.Done{Code: plane.OK})
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _, err := wire.ParseAnswerOrEvent(b); err != nil || got != rid {
			t.Errorf("answer to %d came back as %d, %v", rid, got, err)
		}
	}
}

// TestRecordHead: head and body are the frame that Encode makes, whatever the lengths of the numbers.
func TestRecordHead(t *testing.T) {
	for _, size := range []int{plane.RecordSmall, plane.RecordMedium, plane.RecordLarge} {
		for _, h := range []wire.Handle{1, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1} {
			for _, seq := range []plane.Seq{1, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
				body := bytes.Repeat([]byte{5}, size)
				want, err := wire.Encode(0, wire.RecordEvent{Handle: h, Seq: seq, Body: body})
				if err != nil {
					t.Fatal(err)
				}
				if got := append(wire.RecordHead(h, seq, size), body...); !bytes.Equal(got, want) {
					t.Errorf("handle %d, seq %d, %d bytes: got another frame than Encode", h, seq, size)
				}
			}
		}
	}
}
