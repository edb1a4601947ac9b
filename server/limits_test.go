package server_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
	"paperplane/server"
)

// TestRequestRate: RequestsBurst requests pass at once, one more is Busy, a second later
// RequestsPerSecond more pass.
func TestRequestRate(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.RequestsPerSecond, w.limits.RequestsBurst = 3, 5 })
	c := w.connect()
	count := func() (ok int) {
		for code(c.ask(wire.Ping{})) == plane.OK {
			ok++
		}
		return ok
	}
	if got := count(); got != 5 {
		t.Errorf("at once: got %d, want 5", got)
	}
	w.now = w.now.Add(time.Second)
	if got := count(); got != 3 {
		t.Errorf("a second later: got %d, want 3", got)
	}
	w.now = w.now.Add(-time.Hour) // a clock that is set back blocks nobody
	c.ask(wire.Ping{})
	w.now = w.now.Add(10 * time.Second)
	if got := count(); got != 5 {
		t.Errorf("after the clock went back: got %d, want 5", got)
	}
}

// TestSignalRate: the same for signals.
func TestSignalRate(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.SignalsPerSecond, w.limits.SignalsBurst = 1, 2 })
	c := w.connect()
	c.join()
	h := c.open(c.create(false), wire.RoleWrite)
	for i, want := range []plane.Code{plane.OK, plane.OK, plane.Busy} {
		if got := code(c.ask(wire.Signal{Handle: h, Body: []byte{1}})); got != want {
			t.Errorf("signal %d: got %d, want %d", i, got, want)
		}
	}
}

// TestLogBytes: a log takes exactly its bytes of a day from all writers, then Full, and again
// the next day.
func TestLogBytes(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.LogBytesPerDay = 2 * plane.RecordSmall })
	c, d := w.connect(), w.connect()
	c.join()
	l := c.create(false)
	ch, dh := c.open(l, wire.RoleWrite), d.open(l, wire.RoleWrite)
	c.append(ch, 1)
	d.append(dh, 2)
	c.want(wire.Append{Handle: ch, Body: body(3)}, plane.Full)
	w.now = w.now.Add(24 * time.Hour)
	c.append(ch, 3)
}

// TestBlobBytes: a member's and a door's chunks of a day, at the edge and one past.
func TestBlobBytes(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.limits.BlobBytesPerMemberDay, w.limits.BlobBytesPerDoorDay = 2*plane.BlobChunkBytes, plane.BlobChunkBytes
	})
	data := make([]byte, plane.BlobChunkBytes)
	put := func(n byte, i uint16) wire.BlobPut {
		return wire.BlobPut{Secret: [16]byte{n}, Index: i, Count: 3, Data: data}
	}
	c := w.connect()
	c.want(put(1, 0), plane.Refused) // a stranger stores nothing
	c.openDoor(w.front, w.seed)
	c.want(put(1, 0), plane.OK)
	c.want(put(1, 1), plane.Full)
	other := w.connect() // the door counts, not the session
	other.openDoor(w.front, w.seed)
	other.want(put(1, 1), plane.Full)
	k := c.join()
	c.want(put(1, 1), plane.OK)
	again := w.connect()
	again.prove(k)
	again.want(put(1, 2), plane.OK)
	again.want(put(2, 0), plane.Full)
	w.now = w.now.Add(24 * time.Hour)
	again.want(put(2, 0), plane.OK)
}

// TestLogsPerDay: a member's and a door's logs of a day, at the edge and one past.
func TestLogsPerDay(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.LogsPerMemberDay, w.limits.LogsPerDoorDay, w.limits.LogsPerUseDay = 3, 3, 2 })
	c := w.connect()
	c.join()
	small, large := [16]byte{1}, [16]byte{2}
	inbox, owner := c.inbox(small, 1)
	c.want(wire.Door{Handle: owner, Key: caps.DoorSigner(large).Public(), Left: 4, Until: plane.DayOf(w.now) + 2}, plane.OK)
	c.create(false)
	c.create(false)
	c.want(c.createRequest(newLog()), plane.Busy)
	for seed, most := range map[[16]byte]int{small: 3, large: 8} {
		for i := range most + 1 { // each of another session, so not plane.LogsPerDoor
			d := w.connect()
			d.openDoor(inbox.id, seed)
			want := plane.OK
			if i == most {
				want = plane.Busy
			}
			d.want(d.createRequest(newLog()), want)
		}
	}
}

// TestPackagesPerDoor: above the day's number a door gets the last-resort package, and the
// pool keeps its own.
func TestPackagesPerDoor(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.PackagesPerDoorDay = 2 })
	c := w.connect()
	c.join()
	seed := [16]byte{7}
	l, owner := c.inbox(seed, 9)
	c.want(wire.PoolPut{Handle: owner, Card: []byte("c"), LastResort: []byte("l"), Packages: [][]byte{{1}, {2}, {3}}}, plane.OK)
	h := c.openDoor(l.id, seed)
	for i, want := range []bool{false, false, true} {
		if p := c.ask(wire.PoolTake{Handle: h, Package: true}).(wire.Package); p.LastResort != want {
			t.Errorf("take %d: got last resort %v, want %v", i, p.LastResort, want)
		}
	}
	if a := c.ask(wire.PoolPut{Handle: owner}).(wire.Pool); a.Left != 1 {
		t.Errorf("left: got %d, want 1", a.Left)
	}
}

// TestDiskReserve: at the reserve everything is taken; a byte below it nothing new is, without
// loss of a door's use, while reading, rotating and deleting go on; when there is room again
// all goes on.
func TestDiskReserve(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.DiskReserveBytes = 1000; w.free = 1000 })
	c := w.connect()
	k := c.join()
	seed := [16]byte{7}
	l, owner := c.inbox(seed, 1)
	h, r, door := c.open(l, wire.RoleWrite), c.open(l, wire.RoleRead), c.openDoor(l.id, seed)
	c.append(h, 1)
	if !w.Healthy() {
		t.Error("at the reserve: got not healthy, want healthy")
	}
	w.free = 999
	w.now = w.now.Add(2 * time.Second)
	if w.Healthy() {
		t.Error("below the reserve: got healthy, want not")
	}
	c.want(wire.Append{Handle: h, Body: body(2)}, plane.Full)
	c.want(wire.Knock{Handle: door, Body: body(2)}, plane.Full)
	c.want(wire.PoolPut{Handle: owner, Card: []byte("c")}, plane.Full)
	c.want(c.createRequest(newLog()), plane.Full)
	c.want(wire.BlobPut{Secret: [16]byte{1}, Count: 1, Data: make([]byte, plane.BlobChunkBytes)}, plane.Full)
	c.want(wire.Read{Handle: r, From: 1, Limit: 1}, plane.OK)
	next := caps.NewSigner().Public()
	c.want(wire.Rotate{Handle: owner, Gen: 2, Read: next, Write: next}, plane.OK)
	w.free = 1 << 30
	w.now = w.now.Add(2 * time.Second)
	c.want(wire.Knock{Handle: door, Body: body(2)}, plane.OK)
	c.prove(k)
	c.create(false)
}

// TestQueueBound: a peer that asks for large answers and takes none is told Busy before much is
// held, and one that takes them goes on.
func TestQueueBound(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.join()
	secret := [16]byte{1}
	c.want(wire.BlobPut{Secret: secret, Count: 1, Data: make([]byte, plane.BlobChunkBytes)}, plane.OK)
	for range 64 {
		c.send(wire.BlobGet{Blob: caps.NewBlobID(secret)})
	}
	c.drain()
	got := map[plane.Code]int{}
	for _, a := range c.answers {
		got[code(a)]++
	}
	if got[plane.Busy] != 60 {
		t.Errorf("got %d Busy of 64, want 60: 4 chunks fill the queue", got[plane.Busy])
	}
	c.want(wire.BlobGet{Blob: caps.NewBlobID(secret)}, plane.OK)
}

// TestBlobs: put, stat, get and delete by secret and id.
func TestBlobs(t *testing.T) {
	w := newWorld(t, nil)
	c, other := w.connect(), w.connect()
	c.join()
	secret := [16]byte{1}
	id := caps.NewBlobID(secret)
	data := make([]byte, plane.BlobChunkBytes)
	data[5] = 9
	other.want(wire.BlobStat{Blob: id}, plane.Refused)
	other.want(wire.BlobGet{Blob: id}, plane.Refused)
	c.want(wire.BlobPut{Secret: secret, Index: 8, Count: 9, Data: data}, plane.OK)
	c.want(wire.BlobPut{Secret: secret, Index: 8, Count: 9, Data: data}, plane.OK)
	c.want(wire.BlobPut{Secret: secret, Index: 8, Count: 9, Data: make([]byte, plane.BlobChunkBytes)}, plane.Refused)
	a := other.ask(wire.BlobStat{Blob: id}).(wire.BlobState)
	if a.Count != 9 || len(a.Have) != 2 || a.Have[0] != 0 || a.Have[1] != 1 {
		t.Errorf("stat: got %d chunks, %v; want 9 with only the last", a.Count, a.Have)
	}
	other.want(wire.BlobGet{Blob: id, Index: 7}, plane.Refused)
	if d := other.ask(wire.BlobGet{Blob: id, Index: 8}).(wire.BlobData); d.Data[5] != 9 {
		t.Error("get: got other bytes")
	}
	other.want(wire.BlobDelete{Secret: secret}, plane.OK)
	other.want(wire.BlobDelete{Secret: secret}, plane.OK)
	other.want(wire.BlobStat{Blob: id}, plane.Refused)
}

// TestRotationsPerDay: a log begins a bounded number of generations in a day, and more the next:
// each is a row that stays for months, so an owner could else fill the disk without a record.
func TestRotationsPerDay(t *testing.T) {
	const most = 6000
	w := newWorld(t, func(w *world) { w.limits.RequestsBurst = 2 * most })
	c := w.connect()
	c.join()
	owner := c.open(c.create(false), wire.RoleOwner)
	key := caps.NewSigner().Public()
	gen := plane.Gen(2)
	for ; gen < most+2; gen++ {
		c.want(wire.Rotate{Handle: owner, Gen: gen, Read: key, Write: key}, plane.OK)
	}
	c.want(wire.Rotate{Handle: owner, Gen: gen, Read: key, Write: key}, plane.Busy)
	c.want(wire.Rotate{Handle: owner, Gen: gen - 1, Read: key, Write: key}, plane.OK) // a repeat begins none
	w.now = w.now.Add(24 * time.Hour)
	c.want(wire.Rotate{Handle: owner, Gen: gen, Read: key, Write: key}, plane.OK)
}

// TestDeafPeer: a peer that asks and never listens is ended before its answers fill the memory.
// One that listens late, with as many requests under way as a session may have, is not.
func TestDeafPeer(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.RequestsPerSecond, w.limits.RequestsBurst = 1<<30, 1<<30 })
	c := w.connect()
	ask := func(rid uint32) error {
		frame, err := wire.Encode(rid, wire.Info{})
		if err != nil {
			t.Fatal(err)
		}
		return c.peer.Handle(t.Context(), frame)
	}
	for rid := range uint32(4 * plane.RequestsMax) {
		if err := ask(rid + 1); err != nil {
			t.Fatalf("request %d: %v", rid, err)
		}
	}
	c.drain()
	const most = 100_000
	for rid := range uint32(most) {
		if err := ask(rid + 1); errors.Is(err, server.ErrPeer) {
			return
		} else if err != nil {
			t.Fatalf("request %d: %v", rid, err)
		}
	}
	t.Errorf("%d answers wait", most)
}

// TestBlobPart: exactly the bytes asked for, over a chunk's end too, or Refused (W-29).
func TestBlobPart(t *testing.T) {
	w := newWorld(t, nil)
	c, other := w.connect(), w.connect()
	c.join()
	secret := [16]byte{7}
	id := caps.NewBlobID(secret)
	const size = plane.BlobChunkBytes
	all := make([]byte, 3*size)
	for i := range all {
		all[i] = byte(i * 7 >> 8)
	}
	other.want(wire.BlobPart{Blob: id, Length: 1}, plane.Refused)
	for _, i := range []int{0, 1} {
		c.want(wire.BlobPut{Secret: secret, Index: uint16(i), Count: 3, Data: all[i*size : (i+1)*size]}, plane.OK)
	}
	for _, x := range []struct {
		offset, length uint32
		there          bool
	}{
		{0, 1, true}, {0, size, true}, {5, size, true}, {size - 1, 2, true}, {2*size - 1, 1, true}, {size, size, true},
		{2*size - 1, 2, false}, {2 * size, 1, false}, {3*size - 1, 1, false}, {3 * size, 1, false}, {255 * size, size, false},
	} {
		a := other.ask(wire.BlobPart{Blob: id, Offset: x.offset, Length: x.length})
		if !x.there {
			if a != (wire.Done{Code: plane.Refused}) {
				t.Errorf("%d bytes at %d: got %T, want Refused", x.length, x.offset, a)
			}
			continue
		}
		if d, ok := a.(wire.BlobData); !ok || !bytes.Equal(d.Data, all[x.offset:x.offset+x.length]) {
			t.Errorf("%d bytes at %d: got %T with other bytes", x.length, x.offset, a)
		}
	}
	other.want(wire.BlobDelete{Secret: secret}, plane.OK)
	other.want(wire.BlobPart{Blob: id, Length: 1}, plane.Refused)
}

// TestSubscribersPerLog: as many subscriptions as the limit says, and one more when one has gone; all
// of those who are in get the next record.
func TestSubscribersPerLog(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.SubscribersPerLog = 3 })
	c := w.connect()
	c.join()
	l := c.create(false)
	write := c.open(l, wire.RoleWrite)
	var crowd []*client
	var handles []wire.Handle
	subscribe := func(want plane.Code) {
		t.Helper()
		d := w.connect()
		h := d.open(l, wire.RoleRead)
		d.want(wire.Subscribe{Handle: h, From: 1}, want)
		if want == plane.OK {
			crowd, handles = append(crowd, d), append(handles, h)
			return
		}
		d.want(wire.Read{Handle: h, From: 1, Limit: 1}, plane.OK) // the handle lives
	}
	for range 3 {
		subscribe(plane.OK)
	}
	subscribe(plane.Busy)
	crowd[0].want(wire.Close{Handle: handles[0]}, plane.OK)
	subscribe(plane.OK)
	subscribe(plane.Busy)
	crowd[2].peer.Close()
	subscribe(plane.OK)
	subscribe(plane.Busy)
	c.append(write, 1)
	for i, want := range []string{"", "1", "", "1", "1"} {
		if got := seqs(crowd[i].take()); got != want {
			t.Errorf("subscriber %d: got records %q, want %q", i, got, want)
		}
	}
}

// TestKnockFlood: a door gives as many knocks as it has uses, up to the most there are, and not one
// more; the knocks of all doors fill no more than a log's day, and what does not fit takes no use.
func TestKnockFlood(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.limits.RequestsPerSecond, w.limits.RequestsBurst = 1<<30, 1<<30
		w.limits.LogBytesPerDay = (plane.DoorUsesMax + 1) * plane.RecordSmall
	})
	c := w.connect()
	c.join()
	seed, other := [16]byte{7}, [16]byte{8}
	queue, owner := c.inbox(seed, plane.DoorUsesMax)
	c.want(wire.Door{Handle: owner, Key: caps.DoorSigner(other).Public(), Left: 2, Until: plane.DayOf(w.now) + 2}, plane.OK)
	flood := w.connect()
	h := flood.openDoor(queue.id, seed)
	for i := range plane.DoorUsesMax {
		if a := flood.ask(wire.Knock{Handle: h, Body: body(i)}); code(a) != plane.OK {
			t.Fatalf("knock %d: got code %d, want OK", i, code(a))
		}
		clear(flood.answers)
	}
	flood.want(wire.Knock{Handle: h, Body: body(1)}, plane.UsedUp)
	d := w.connect()
	h = d.openDoor(queue.id, other)
	d.want(wire.Knock{Handle: h, Body: body(1)}, plane.OK)
	d.want(wire.Knock{Handle: h, Body: body(2)}, plane.Full)
	w.now = w.now.Add(24 * time.Hour)
	d.want(wire.Knock{Handle: h, Body: body(2)}, plane.OK)
	d.want(wire.Knock{Handle: h, Body: body(3)}, plane.UsedUp)
}
