package server_test

import (
	"bytes"
	"testing"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
	"paperplane/server"
)

// TestTalk: two sessions of people who know nothing but the log's keys write and read.
func TestTalk(t *testing.T) {
	w := newWorld(t, nil)
	anna, ben := w.connect(), w.connect()
	anna.join()
	l := anna.create(false)
	aw, br := anna.open(l, wire.RoleWrite), ben.open(l, wire.RoleRead)
	anna.append(aw, 1)
	anna.append(aw, 2)
	ben.want(wire.Subscribe{Handle: br, From: 1}, plane.OK)
	if got := seqs(ben.take()); got != "1 2" {
		t.Errorf("stored records: got %q, want %q", got, "1 2")
	}
	anna.append(aw, 3)
	e := ben.take()
	if got := seqs(e); got != "3" {
		t.Fatalf("coming record: got %q, want %q", got, "3")
	}
	if r := e[0].(wire.RecordEvent); !bytes.Equal(r.Body, body(3)) || r.Handle != br {
		t.Errorf("record: got handle %d and %d bytes, want handle %d and what was appended", r.Handle, len(r.Body), br)
	}
	a := ben.ask(wire.Read{Handle: br, From: 2, Limit: 10}).(wire.Records)
	if len(a.Records) != 2 || a.Records[0].Seq != 2 || a.Head != 3 {
		t.Errorf("read: got %d records, head %d; want 2 from 2 on, head 3", len(a.Records), a.Head)
	}
}

// TestAnswerBeforeEvents: the answer to SUBSCRIBE goes out before the first event.
func TestAnswerBeforeEvents(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.join()
	l := c.create(false)
	h := c.open(l, wire.RoleWrite)
	c.append(h, 1)
	r := c.open(l, wire.RoleRead)
	c.send(wire.Subscribe{Handle: r, From: 1})
	frame, _ := c.peer.Next(ctx(t))
	if _, a, _, _ := wire.ParseAnswerOrEvent(frame); a == nil {
		t.Error("first frame: got an event, want the answer")
	}
}

// TestRefusedAlike (L-08): not there, wrong key, wrong generation, wrong role and another
// session's signature are one code.
func TestRefusedAlike(t *testing.T) {
	w := newWorld(t, nil)
	c, other := w.connect(), w.connect()
	c.join()
	l := c.create(false)
	wrongGen := *l
	wrongGen.gen = 2
	wrongKey := *l
	wrongKey.owner, wrongKey.read, wrongKey.write = caps.NewSigner(), caps.NewSigner(), caps.NewSigner()
	swapped := *l
	swapped.read, swapped.write = l.write, l.read
	for name, r := range map[string]wire.Request{
		"not-there":        c.openRequest(newLog(), wire.RoleRead),
		"not-there-owner":  c.openRequest(newLog(), wire.RoleOwner),
		"wrong-generation": c.openRequest(&wrongGen, wire.RoleRead),
		"wrong-read-key":   c.openRequest(&wrongKey, wire.RoleRead),
		"wrong-write-key":  c.openRequest(&wrongKey, wire.RoleWrite),
		"wrong-owner-key":  c.openRequest(&wrongKey, wire.RoleOwner),
		"other-role's-key": c.openRequest(&swapped, wire.RoleWrite),
		"other-session":    other.openRequest(l, wire.RoleRead),
		"no-such-door":     c.openDoorRequest(l.id, [16]byte{9}),
		"no-such-handle":   wire.Read{Handle: 4000, From: 1, Limit: 1},
		"create-by-other":  other.createRequest(newLog()),
	} {
		if got := code(c.ask(r)); got != plane.Refused {
			t.Errorf("%s: got code %d, want %d", name, got, plane.Refused)
		}
	}
	read := c.open(l, wire.RoleRead)
	c.want(wire.Append{Handle: read, Body: body(1)}, plane.Refused)
	c.want(wire.Rotate{Handle: read, Gen: 2, Read: l.read.Public(), Write: l.write.Public()}, plane.Refused)
	c.want(wire.Manage{Handle: read, Delete: true}, plane.Refused)
	c.want(wire.Knock{Handle: read, Body: body(1)}, plane.Refused)
	c.want(wire.PoolTake{Handle: read}, plane.Refused)
	owner := c.open(l, wire.RoleOwner)
	c.want(wire.Read{Handle: owner, From: 1, Limit: 1}, plane.Refused)
	c.want(wire.Door{Handle: owner, Key: l.read.Public(), Left: 1}, plane.Refused) // no inbox
	c.want(wire.PoolPut{Handle: owner, Card: []byte{1}}, plane.Refused)
}

// TestCreate: needs standing; is idempotent; other fields are refused.
func TestCreate(t *testing.T) {
	w := newWorld(t, nil)
	stranger := w.connect()
	stranger.want(stranger.createRequest(newLog()), plane.Refused)
	c := w.connect()
	c.join()
	l := c.create(true)
	c.want(c.createRequest(l), plane.OK)
	other := *l
	other.read = caps.NewSigner()
	c.want(c.createRequest(&other), plane.Refused)
	other = *l
	other.inbox = false
	c.want(c.createRequest(&other), plane.Refused)
	bad := c.createRequest(newLog())
	bad.TTLDays++ // not what was signed
	c.want(bad, plane.Refused)
	w.start()
	again := w.connect()
	again.openDoor(w.front, w.seed)
	again.want(again.createRequest(l), plane.OK)
}

// TestLogsPerDoor: a session that holds a door creates plane.LogsPerDoor logs and not one more;
// one that is there already does not count; a member's are not bounded so.
func TestLogsPerDoor(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.openDoor(w.front, w.seed)
	first := c.create(false)
	for range plane.LogsPerDoor - 1 {
		c.create(false)
	}
	c.want(c.createRequest(first), plane.OK)
	c.want(c.createRequest(newLog()), plane.TooLarge)
	c.join()
	c.create(false)
}

// TestRotate: old write keys append nothing, old read keys read up to there, new keys work, and
// repeating is done.
func TestRotate(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.join()
	l := c.create(false)
	owner, ow, or := c.open(l, wire.RoleOwner), c.open(l, wire.RoleWrite), c.open(l, wire.RoleRead)
	c.append(ow, 1)
	c.append(ow, 2)
	next := *l
	next.gen, next.read, next.write = 2, caps.NewSigner(), caps.NewSigner()
	rotate := wire.Rotate{Handle: owner, Gen: 2, Read: next.read.Public(), Write: next.write.Public()}
	c.want(wire.Rotate{Handle: owner, Gen: 3, Read: rotate.Read, Write: rotate.Write}, plane.Refused)
	c.want(rotate, plane.OK)
	c.want(rotate, plane.OK)
	c.want(wire.Rotate{Handle: owner, Gen: 2, Read: rotate.Write, Write: rotate.Read}, plane.Refused)
	c.want(wire.Append{Handle: ow, Body: body(9)}, plane.Refused)
	c.want(wire.Signal{Handle: ow, Body: []byte("x")}, plane.Refused)
	c.want(c.openRequest(l, wire.RoleWrite), plane.Refused)
	nw, nr := c.open(&next, wire.RoleWrite), c.open(&next, wire.RoleRead)
	if seq := c.append(nw, 3); seq != 3 {
		t.Errorf("first of the new generation: got %d, want 3", seq)
	}
	check := func(c *client, what string, h wire.Handle, n int, head plane.Seq) {
		t.Helper()
		a := c.ask(wire.Read{Handle: h, From: 1, Limit: 100}).(wire.Records)
		if len(a.Records) != n || a.Head != head {
			t.Errorf("%s: got %d records and head %d, want %d and %d", what, len(a.Records), a.Head, n, head)
		}
	}
	check(c, "old handle", or, 2, 2)
	check(c, "new key", nr, 3, 3)
	w.start() // and after a restart
	again := w.connect()
	a := again.ask(again.openRequest(l, wire.RoleRead)).(wire.Opened)
	if a.Head != 2 || a.Gen != 2 {
		t.Errorf("open with the old key: got head %d and generation %d, want 2 and 2", a.Head, a.Gen)
	}
	check(again, "old key", a.Handle, 2, 2)
}

// TestRotateEndsSubscriptions: a subscription of an old generation gets all up to the rotation
// and then says it is gone, whether it was live or behind; a new one goes on.
func TestRotateEndsSubscriptions(t *testing.T) {
	w := newWorld(t, nil)
	c, live, late := w.connect(), w.connect(), w.connect()
	c.join()
	l := c.create(false)
	owner, ow := c.open(l, wire.RoleOwner), c.open(l, wire.RoleWrite)
	lh := live.open(l, wire.RoleRead)
	live.want(wire.Subscribe{Handle: lh, From: 1}, plane.OK)
	c.append(ow, 1)
	if got := seqs(live.take()); got != "1" {
		t.Fatalf("live: got %q, want %q", got, "1")
	}
	behind := late.open(l, wire.RoleRead)
	late.send(wire.Subscribe{Handle: behind, From: 1}) // not drained: it is still behind
	c.append(ow, 2)
	next := *l
	next.gen, next.read, next.write = 2, caps.NewSigner(), caps.NewSigner()
	c.want(wire.Rotate{Handle: owner, Gen: 2, Read: next.read.Public(), Write: next.write.Public()}, plane.OK)
	c.append(c.open(&next, wire.RoleWrite), 3)
	if got := seqs(live.take()); got != "2 gone2" {
		t.Errorf("live one: got %q, want %q", got, "2 gone2")
	}
	if got := seqs(late.take()); got != "1 2 gone2" {
		t.Errorf("one that was behind: got %q, want %q", got, "1 2 gone2")
	}
	live.want(wire.Read{Handle: lh, From: 1, Limit: 1}, plane.Refused) // the handle is dead
	old := live.open(l, wire.RoleRead)
	live.want(wire.Subscribe{Handle: old, From: 2}, plane.OK)
	if got := seqs(live.take()); got != "2 gone2" {
		t.Errorf("subscribed with an old key: got %q, want %q", got, "2 gone2")
	}
	fresh := live.open(&next, wire.RoleRead)
	live.want(wire.Subscribe{Handle: fresh, From: 3}, plane.OK)
	if got := seqs(live.take()); got != "3" {
		t.Errorf("new generation: got %q, want %q", got, "3")
	}
}

// TestManage: freezing ends appending and not reading; a TTL above the server's is refused;
// deletion ends everything at once and leaves nothing in store or tables.
func TestManage(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.TTLDaysMax = 90 })
	c, reader := w.connect(), w.connect()
	c.join()
	l := c.create(false)
	owner, wr := c.open(l, wire.RoleOwner), c.open(l, wire.RoleWrite)
	rd := reader.open(l, wire.RoleRead)
	reader.want(wire.Subscribe{Handle: rd, From: 1}, plane.OK)
	c.append(wr, 1)
	c.want(wire.Manage{Handle: owner, TTLDays: 90}, plane.OK)
	c.want(wire.Manage{Handle: owner, TTLDays: 91}, plane.TooLarge)
	c.want(wire.Manage{Handle: owner, Freeze: true}, plane.OK)
	c.want(wire.Append{Handle: wr, Body: body(2)}, plane.Closed)
	reader.want(wire.Read{Handle: rd, From: 1, Limit: 9}, plane.OK)
	row, err := w.tables.Log(l.id)
	if err != nil || row.TTLDays != 90 {
		t.Errorf("row: got TTL %d, error %v; want 90, none", row.TTLDays, err)
	}
	reader.take()
	c.want(wire.Manage{Handle: owner, Delete: true}, plane.OK)
	if got := seqs(reader.take()); got != "gone2" {
		t.Errorf("subscriber of a deleted log: got %q, want %q", got, "gone2")
	}
	c.want(wire.Append{Handle: wr, Body: body(2)}, plane.Refused)
	c.want(wire.Manage{Handle: owner, Delete: true}, plane.Refused)
	c.want(c.openRequest(l, wire.RoleOwner), plane.Refused)
	if head, err := w.store.Head(ctx(t), l.id); head != 0 || err != nil {
		t.Errorf("store after deletion: got head %d, error %v; want 0, none", head, err)
	}
	c.want(c.createRequest(l), plane.OK) // the id is free again
	if seq := c.append(c.open(l, wire.RoleWrite), 1); seq != 1 {
		t.Errorf("first record of the new log: got %d, want 1", seq)
	}
}

// TestRetry: a repeated append is stored once, and published once.
func TestRetry(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.join()
	l := c.create(false)
	h, r := c.open(l, wire.RoleWrite), c.open(l, wire.RoleRead)
	c.want(wire.Subscribe{Handle: r, From: 1}, plane.OK)
	c.append(h, 1)
	a := c.ask(wire.Append{Handle: h, Body: body(1), Retry: true}).(wire.Appended)
	if a.Seq != 1 {
		t.Errorf("retry: got %d, want 1", a.Seq)
	}
	if got := seqs(c.take()); got != "1" {
		t.Errorf("subscriber: got %q, want %q", got, "1")
	}
}

// TestCatchUp: a subscription from far behind, and one whose peer does not read, get every
// record once and in order, and hold little in memory meanwhile.
func TestCatchUp(t *testing.T) {
	w := newWorld(t, nil)
	c, slow := w.connect(), w.connect()
	c.join()
	l := c.create(false)
	h, r := c.open(l, wire.RoleWrite), slow.open(l, wire.RoleRead)
	const n = 3000 // of 1 KiB: three times what may wait in a queue
	for i := range 300 {
		c.append(h, i)
	}
	slow.want(wire.Subscribe{Handle: r, From: 1}, plane.OK)
	for i := 300; i < n; i++ {
		c.append(h, i)
	}
	want := plane.Seq(1)
	for _, e := range slow.take() {
		r, ok := e.(wire.RecordEvent)
		if !ok || r.Seq != want || !bytes.Equal(r.Body, body(int(r.Seq)-1)) {
			t.Fatalf("event: got %s, want record %d", seqs([]wire.Event{e}), want)
		}
		want++
	}
	if want != n+1 {
		t.Errorf("got %d records, want %d", want-1, n)
	}
	c.append(h, n)
	if got := seqs(slow.take()); got != "3001" {
		t.Errorf("after catching up: got %q, want %q", got, "3001")
	}
}

// TestSignal: a signal reaches others who are subscribed now, not the sender's own session, and
// is not stored.
func TestSignal(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.connect(), w.connect()
	a.join()
	l := a.create(false)
	for _, c := range []*client{a, b} {
		c.want(wire.Subscribe{Handle: c.open(l, wire.RoleRead), From: 1}, plane.OK)
	}
	a.want(wire.Signal{Handle: a.open(l, wire.RoleWrite), Body: []byte("typing")}, plane.OK)
	if got := seqs(b.take()); got != "signal:typing" {
		t.Errorf("other: got %q, want the signal", got)
	}
	if got := seqs(a.take()); got != "" {
		t.Errorf("sender: got %q, want nothing", got)
	}
	if head, _ := w.store.Head(ctx(t), l.id); head != 0 {
		t.Errorf("head: got %d, want 0: a signal is not stored", head)
	}
}

// TestClose: a closed handle and its subscription are dead.
func TestClose(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.join()
	l := c.create(false)
	h, r := c.open(l, wire.RoleWrite), c.open(l, wire.RoleRead)
	c.want(wire.Subscribe{Handle: r, From: 1}, plane.OK)
	c.want(wire.Subscribe{Handle: r, From: 1}, plane.Malformed)
	c.want(wire.Close{Handle: r}, plane.OK)
	c.want(wire.Close{Handle: r}, plane.Refused)
	c.append(h, 1)
	if got := seqs(c.take()); got != "" {
		t.Errorf("after close: got %q, want nothing", got)
	}
}

// TestHandlesMax: plane.HandlesMax handles may be open and not one more; closing one makes room.
func TestHandlesMax(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.RequestsBurst = 2 * plane.HandlesMax })
	c := w.connect()
	c.join() // one handle, of the door
	l := c.create(false)
	r := c.openRequest(l, wire.RoleRead)
	for range plane.HandlesMax - 2 {
		c.send(r)
	}
	c.drain()
	c.want(r, plane.TooLarge)
	c.want(wire.Close{Handle: 1}, plane.OK)
	c.want(r, plane.OK)
	c.want(r, plane.TooLarge)
}

// TestExpiry: records go when they have lived their TTL and a day, with old generations that
// have nothing left to read; doors, members and logs nobody opens go too; orphans are forgotten.
func TestExpiry(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	k := c.join()
	l := c.create(true)
	owner, wr := c.open(l, wire.RoleOwner), c.open(l, wire.RoleWrite)
	c.append(wr, 1)
	next := *l
	next.gen, next.read, next.write = 2, caps.NewSigner(), caps.NewSigner()
	c.want(wire.Rotate{Handle: owner, Gen: 2, Read: next.read.Public(), Write: next.write.Public()}, plane.OK)
	door := caps.NewSigner()
	c.want(wire.Door{Handle: owner, Key: door.Public(), Left: 3, Until: plane.DayOf(w.now) + 5}, plane.OK)
	orphan := newLog()
	if _, err := w.store.Append(ctx(t), orphan.id, plane.DayOf(w.now), body(1), false); err != nil {
		t.Fatal(err)
	}
	days := func(n int) {
		t.Helper()
		w.now = w.now.Add(time.Duration(n) * 24 * time.Hour)
		if err := w.Tick(ctx(t)); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int {
		t.Helper()
		r, err := w.store.Read(ctx(t), l.id, 1, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(r)
	}
	days(5)
	if head, _ := w.store.Head(ctx(t), orphan.id); head != 0 {
		t.Errorf("records of no log: got head %d, want 0", head)
	}
	if _, err := w.tables.Door(l.id, door.Public()); err != nil {
		t.Errorf("door on its last day: got %v, want it there", err)
	}
	days(1)
	if _, err := w.tables.Door(l.id, door.Public()); err == nil {
		t.Error("door a day late: it is there")
	}
	days(24)
	if n := count(); n != 1 {
		t.Errorf("after 30 days: got %d records, want 1", n)
	}
	if _, err := w.tables.Cap(l.id, 1); err != nil {
		t.Errorf("old generation with a record to read: got %v, want it there", err)
	}
	days(1)
	if n := count(); n != 0 {
		t.Errorf("after 31 days: got %d records, want 0", n)
	}
	if _, err := w.tables.Cap(l.id, 1); err == nil {
		t.Error("old generation with nothing to read: it is there")
	}
	c.prove(k)
	c.open(&next, wire.RoleRead) // opening and proving are remembered by month
	if err := w.Flush(ctx(t)); err != nil {
		t.Fatal(err)
	}
	days(380)
	if _, err := w.tables.Log(l.id); err != nil {
		t.Errorf("log opened 12 to 13 months ago: got %v, want it there", err)
	}
	if _, err := w.tables.Member(k.Public()); err != nil {
		t.Errorf("member seen 12 to 13 months ago: got %v, want it there", err)
	}
	days(60)
	if _, err := w.tables.Log(l.id); err == nil {
		t.Error("log not opened for 14 months and empty: it is there")
	}
	if _, err := w.tables.Member(k.Public()); err == nil {
		t.Error("member not seen for 14 months: it is there")
	}
}

// TestInfo: the server says its day and what it grants.
func TestInfo(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.TTLDaysMax = 60 })
	i := w.connect().ask(wire.Info{}).(wire.ServerInfo)
	if i.Day != plane.DayOf(w.now) || i.TTLDaysMax != 60 || i.BlobChunks == 0 || len(i.Features) == 0 {
		t.Errorf("info: got %+v, want the day, 60 and all features", i)
	}
}

// TestTooManyBroken: a frame whose number can be read is answered, one that cannot ends the
// session.
func TestBroken(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	frame, err := wire.Encode(7, wire.Ping{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.peer.Handle(ctx(t), append(frame, 0)); err != nil {
		t.Fatalf("trailing byte: got %v, want an answer", err)
	}
	c.drain()
	if got := code(c.answers[7]); got != plane.Malformed {
		t.Errorf("trailing byte: got code %d, want %d", got, plane.Malformed)
	}
	if err := c.peer.Handle(ctx(t), []byte("rubbish")); err != server.ErrPeer {
		t.Errorf("rubbish: got %v, want %v", err, server.ErrPeer)
	}
}
