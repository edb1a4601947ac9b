package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
	"paperplane/server"
	"paperplane/server/blob"
	blobmem "paperplane/server/blob/mem"
	"paperplane/server/store"
	storemem "paperplane/server/store/mem"
	"paperplane/server/tables"
	tablesmem "paperplane/server/tables/mem"
)

// world is a server over memory with a clock of its own, driven in one goroutine.
type world struct {
	t      *testing.T
	now    time.Time
	limits server.Limits
	store  store.Log
	blobs  blob.Store
	tables tables.Tables
	free   int64
	seed   [16]byte // of the front door
	front  plane.LogID
	*server.Server
}

var day0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, change func(*world)) *world {
	t.Helper()
	w := &world{t: t, now: day0, free: 1 << 40, seed: [16]byte{1, 2, 3},
		store: storemem.New(), blobs: blobmem.New(), tables: tablesmem.New()}
	if change != nil {
		change(w)
	}
	w.start()
	var err error
	if w.front, _, err = w.Front(w.seed, 100, plane.DayOf(w.now)+30); err != nil {
		t.Fatal(err)
	}
	return w
}

// start makes a server over what is stored: what is only in memory is gone, as after a crash.
func (w *world) start() {
	w.t.Helper()
	s, err := server.New(server.Config{
		Store: w.store, Blobs: w.blobs, Tables: w.tables, Limits: w.limits,
		Now:  func() time.Time { return w.now },
		Free: func() (int64, error) { return w.free, nil },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Server = s
	if err := s.Tick(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// client speaks for one session.
type client struct {
	w       *world
	peer    *server.Peer
	binding plane.Binding
	rid     uint32
	events  []wire.Event
	answers map[uint32]wire.Answer
}

func (w *world) connect() *client {
	c := &client{w: w, answers: map[uint32]wire.Answer{}}
	_, _ = rand.Read(c.binding[:])
	c.peer = w.Attach(c.binding, func() {})
	return c
}

// ask sends a request and returns its answer; events that came are kept.
func (c *client) ask(r wire.Request) wire.Answer {
	c.w.t.Helper()
	rid := c.send(r)
	c.drain()
	a := c.answers[rid]
	if a == nil {
		c.w.t.Fatalf("%T: got no answer", r)
	}
	return a
}

func (c *client) send(r wire.Request) uint32 {
	c.w.t.Helper()
	c.rid++
	frame, err := wire.Encode(c.rid, r)
	if err != nil {
		c.w.t.Fatalf("encode %T: %v", r, err)
	}
	if err := c.peer.Handle(c.w.t.Context(), frame); err != nil {
		c.w.t.Fatalf("handle %T: %v", r, err)
	}
	return c.rid
}

func (c *client) drain() {
	c.w.t.Helper()
	for {
		frame, ok := c.peer.Next(c.w.t.Context())
		if !ok {
			return
		}
		rid, a, e, err := wire.ParseAnswerOrEvent(frame)
		if err != nil {
			c.w.t.Fatalf("the server sent what is no message: %v", err)
		}
		if e != nil {
			c.events = append(c.events, e)
		} else {
			c.answers[rid] = a
		}
	}
}

// take returns the events so far and forgets them.
func (c *client) take() []wire.Event {
	c.w.t.Helper()
	c.drain()
	e := c.events
	c.events = nil
	return e
}

// code returns an answer's code: OK for what is not Done.
func code(a wire.Answer) plane.Code {
	if d, ok := a.(wire.Done); ok {
		return d.Code
	}
	return plane.OK
}

func (c *client) want(r wire.Request, want plane.Code) wire.Answer {
	c.w.t.Helper()
	a := c.ask(r)
	if got := code(a); got != want {
		c.w.t.Errorf("%T: got code %d, want %d", r, got, want)
	}
	return a
}

// log is a log with all its keys.
type log struct {
	id                 plane.LogID
	owner, read, write *caps.Signer
	gen                plane.Gen
	inbox              bool
}

func newLog() *log {
	l := &log{owner: caps.NewSigner(), read: caps.NewSigner(), write: caps.NewSigner(), gen: 1}
	l.id = caps.NewLogID(l.owner.Public())
	return l
}

func (c *client) createRequest(l *log) wire.Create {
	r := wire.Create{Owner: l.owner.Public(), Read: l.read.Public(), Write: l.write.Public(), TTLDays: 30, Inbox: l.inbox}
	r.Sig = l.owner.Sign(caps.CreateMessage(c.binding, r.Owner, r.Read, r.Write, r.TTLDays, r.Inbox))
	return r
}

func (c *client) openRequest(l *log, role wire.Role) wire.Open {
	k, gen := l.owner, plane.Gen(0)
	switch role {
	case wire.RoleRead:
		k, gen = l.read, l.gen
	case wire.RoleWrite:
		k, gen = l.write, l.gen
	}
	r := wire.Open{Log: l.id, Role: role, Gen: gen}
	r.Sig = k.Sign(caps.OpenMessage(c.binding, l.id, uint8(role), gen, k.Public()))
	return r
}

func (c *client) open(l *log, role wire.Role) wire.Handle {
	c.w.t.Helper()
	a, ok := c.ask(c.openRequest(l, role)).(wire.Opened)
	if !ok {
		c.w.t.Fatalf("open in role %d: refused", role)
	}
	return a.Handle
}

func (c *client) openDoorRequest(id plane.LogID, seed [16]byte) wire.Open {
	k := caps.DoorSigner(seed)
	r := wire.Open{Log: id, Role: wire.RoleDoor, Key: k.Public()}
	r.Sig = k.Sign(caps.OpenMessage(c.binding, id, uint8(wire.RoleDoor), 0, r.Key))
	return r
}

func (c *client) openDoor(id plane.LogID, seed [16]byte) wire.Handle {
	c.w.t.Helper()
	a, ok := c.ask(c.openDoorRequest(id, seed)).(wire.Opened)
	if !ok {
		c.w.t.Fatal("open door: refused")
	}
	return a.Handle
}

// join makes the session a member's, by way of the front door.
func (c *client) join() *caps.Signer {
	c.w.t.Helper()
	k := caps.NewSigner()
	h := c.openDoor(c.w.front, c.w.seed)
	c.want(wire.Knock{Handle: h, Member: k.Public()}, plane.OK)
	c.prove(k)
	return k
}

func (c *client) memberRequest(k *caps.Signer) wire.Member {
	return wire.Member{Key: k.Public(), Sig: k.Sign(caps.MemberMessage(c.binding))}
}

func (c *client) prove(k *caps.Signer) {
	c.w.t.Helper()
	c.want(c.memberRequest(k), plane.OK)
}

// create makes a log.
func (c *client) create(inbox bool) *log {
	c.w.t.Helper()
	l := newLog()
	l.inbox = inbox
	c.want(c.createRequest(l), plane.OK)
	return l
}

func body(n int) []byte {
	b := make([]byte, plane.RecordSmall)
	copy(b, fmt.Sprintf("record %d", n))
	return b
}

func (c *client) append(h wire.Handle, n int) plane.Seq {
	c.w.t.Helper()
	a, ok := c.want(wire.Append{Handle: h, Body: body(n)}, plane.OK).(wire.Appended)
	if !ok {
		c.w.t.Fatal("append: refused")
	}
	return a.Seq
}

// seqs turns events into a text such as "1 2 3 gone2".
func seqs(events []wire.Event) string {
	var b bytes.Buffer
	for _, e := range events {
		switch e := e.(type) {
		case wire.RecordEvent:
			fmt.Fprintf(&b, " %d", e.Seq)
		case wire.SignalEvent:
			fmt.Fprintf(&b, " signal:%s", e.Body)
		case wire.GoneEvent:
			fmt.Fprintf(&b, " gone%d", e.Code)
		}
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

func ctx(t *testing.T) context.Context { return t.Context() }
