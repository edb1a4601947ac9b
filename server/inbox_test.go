package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
	"paperplane/server"
	"paperplane/server/store"
	"paperplane/server/tables"
)

// inbox makes an inbox with one door; it returns the owner's handle.
func (c *client) inbox(seed [16]byte, left uint16) (*log, wire.Handle) {
	c.w.t.Helper()
	l := c.create(true)
	owner := c.open(l, wire.RoleOwner)
	c.want(wire.Door{Handle: owner, Key: caps.DoorSigner(seed).Public(), Left: left, Until: plane.DayOf(c.w.now) + 2}, plane.OK)
	return l, owner
}

// TestKnock: a knock takes one use, appends, makes a member; the last use is the last; only who
// proves to hold the door is told so; a day late the door is used up, and then gone.
func TestKnock(t *testing.T) {
	w := newWorld(t, nil)
	c, stranger := w.connect(), w.connect()
	c.join()
	seed := [16]byte{7}
	l, owner := c.inbox(seed, 2)
	rd := c.open(l, wire.RoleRead)
	c.want(wire.Subscribe{Handle: rd, From: 1}, plane.OK)
	h := stranger.openDoor(l.id, seed)
	k := caps.NewSigner()
	stranger.want(stranger.memberRequest(k), plane.Refused)
	if a := stranger.ask(wire.Knock{Handle: h, Body: body(1), Member: k.Public()}).(wire.Appended); a.Seq != 1 {
		t.Errorf("knock: got seq %d, want 1", a.Seq)
	}
	stranger.prove(k)
	forged := stranger.memberRequest(k)
	forged.Sig[0] ^= 1
	stranger.want(forged, plane.Refused)
	if got := seqs(c.take()); got != "1" {
		t.Errorf("owner: got %q, want the request", got)
	}
	stranger.want(wire.Knock{Handle: h}, plane.Malformed) // empty only at the front door
	stranger.want(wire.Knock{Handle: h, Body: body(2)}, plane.OK)
	stranger.want(wire.Knock{Handle: h, Body: body(3)}, plane.UsedUp)
	stranger.want(stranger.openDoorRequest(l.id, seed), plane.UsedUp)
	bad := stranger.openDoorRequest(l.id, seed)
	bad.Sig[0] ^= 1
	stranger.want(bad, plane.Refused) // no proof, no news
	late := [16]byte{8}
	c.want(wire.Door{Handle: owner, Key: caps.DoorSigner(late).Public(), Left: 1, Until: plane.DayOf(w.now)}, plane.OK)
	stranger.openDoor(l.id, late)
	w.now = w.now.Add(24 * time.Hour)
	stranger.want(stranger.openDoorRequest(l.id, late), plane.UsedUp)
	c.want(wire.Door{Handle: owner, Key: caps.DoorSigner(late).Public()}, plane.OK) // removed
	stranger.want(stranger.openDoorRequest(l.id, late), plane.Refused)
}

// TestKnockFrozen: a frozen inbox takes no requests and no use.
func TestKnockFrozen(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.join()
	seed := [16]byte{7}
	l, owner := c.inbox(seed, 1)
	h := c.openDoor(l.id, seed)
	c.want(wire.Manage{Handle: owner, Freeze: true}, plane.OK)
	c.want(wire.Knock{Handle: h, Body: body(1)}, plane.Closed)
	if d, err := w.tables.Door(l.id, caps.DoorSigner(seed).Public()); err != nil || d.Left != 1 {
		t.Errorf("door: got %d uses, error %v; want 1, none", d.Left, err)
	}
}

// TestFrontDoor: the server's own door makes members without a record, gives one membership for
// one use however often it is retried, and cannot be read, owned or deleted by anybody.
func TestFrontDoor(t *testing.T) {
	w := newWorld(t, func(w *world) {})
	c := w.connect()
	k := caps.NewSigner()
	h := c.openDoor(w.front, w.seed)
	c.want(wire.Knock{Handle: h, Member: k.Public(), Retry: true}, plane.OK)
	c.want(wire.Knock{Handle: h, Member: k.Public(), Retry: true}, plane.OK)
	d, err := w.tables.Door(w.front, caps.DoorSigner(w.seed).Public())
	if err != nil || d.Left != 99 {
		t.Errorf("uses after one member: got %d, error %v; want 99, none", d.Left, err)
	}
	c.want(wire.Knock{Handle: h, Body: body(1)}, plane.Malformed)
	if head, _ := w.store.Head(ctx(t), w.front); head != 0 {
		t.Errorf("front door's log: got head %d, want 0", head)
	}
	w.start()
	if _, made, err := w.Front(w.seed, 100, plane.DayOf(w.now)+30); made || err != nil {
		t.Errorf("after a restart: got made %v, error %v; want the same door, none", made, err)
	}
	if open, err := w.FrontOpens(w.seed); !open || err != nil {
		t.Errorf("front door: got open %v, error %v; want true, none", open, err)
	}
	w.now = w.now.Add(31 * 24 * time.Hour)
	if open, err := w.FrontOpens(w.seed); open || err != nil {
		t.Errorf("front door past its day: got open %v, error %v; want false, none", open, err)
	}
}

// TestPool: what was put in comes out, a one-time package once, the last-resort one for ever.
func TestPool(t *testing.T) {
	w := newWorld(t, nil)
	c, s := w.connect(), w.connect()
	c.join()
	seed := [16]byte{7}
	l, owner := c.inbox(seed, 9)
	h := s.openDoor(l.id, seed)
	s.want(wire.PoolTake{Handle: h}, plane.Refused)
	a := c.ask(wire.PoolPut{Handle: owner, Card: []byte("card"), LastResort: []byte("last"), Packages: [][]byte{[]byte("one")}}).(wire.Pool)
	if a.Left != 1 {
		t.Errorf("put: got %d left, want 1", a.Left)
	}
	for i, want := range []string{"one", "last", "last"} {
		p := s.ask(wire.PoolTake{Handle: h, Package: true}).(wire.Package)
		if string(p.Card) != "card" || string(p.Package) != want || p.LastResort != (want == "last") {
			t.Errorf("take %d: got card %q, package %q, last resort %v; want card, %q", i, p.Card, p.Package, p.LastResort, want)
		}
	}
	if p := s.ask(wire.PoolTake{Handle: h}).(wire.Package); p.Package != nil || string(p.Card) != "card" {
		t.Errorf("card alone: got %d bytes of package, want none", len(p.Package))
	}
	c.want(wire.PoolPut{Handle: h, Card: []byte("x")}, plane.Refused) // a door is no owner
}

// crash is what the faulty parts below panic with.
type crash struct{}

// crashTables dies before or after its n-th change.
type crashTables struct {
	tables.Tables
	at    *int
	after bool
}

func (c crashTables) change(f func() error) error {
	*c.at--
	if *c.at == 0 && !c.after {
		panic(crash{})
	}
	err := f()
	if *c.at == 0 {
		panic(crash{})
	}
	return err
}

func (c crashTables) CreateLog(l tables.Log, k tables.Cap) error {
	return c.change(func() error { return c.Tables.CreateLog(l, k) })
}

func (c crashTables) Rotate(id plane.LogID, last plane.Seq, k tables.Cap) error {
	return c.change(func() error { return c.Tables.Rotate(id, last, k) })
}

func (c crashTables) TakeDoor(id plane.LogID, k plane.PublicKey, d plane.Day, m *tables.Member) error {
	return c.change(func() error { return c.Tables.TakeDoor(id, k, d, m) })
}

func (c crashTables) DeleteLog(id plane.LogID) error {
	return c.change(func() error { return c.Tables.DeleteLog(id) })
}

// crashStore shares the count.
type crashStore struct {
	store.Log
	t crashTables
}

func (c crashStore) Append(ctx context.Context, id plane.LogID, day plane.Day, b []byte, retry bool) (seq plane.Seq, err error) {
	err = c.t.change(func() error { seq, err = c.Log.Append(ctx, id, day, b, retry); return err })
	return seq, err
}

func (c crashStore) Forget(ctx context.Context, id plane.LogID) error {
	return c.t.change(func() error { return c.Log.Forget(ctx, id) })
}

// TestCrashAnywhere: the server dies before or after any write of CREATE, ROTATE, KNOCK and
// DELETE; it starts again and the client repeats. All come to their end, a knock's record is
// there once, never without a use, and at most one use more than records is gone.
func TestCrashAnywhere(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			at := 0
			w := newWorld(t, func(w *world) {
				ct := crashTables{w.tables, &at, after}
				w.store, w.tables = crashStore{w.store, ct}, ct
			})
			crashed := false
			// do repeats a step on a new session when the server died in it.
			do := func(f func(c *client, retry bool)) {
				t.Helper()
				func() {
					defer func() {
						if r := recover(); r == (crash{}) {
							crashed = true
						} else if r != nil {
							panic(r)
						}
					}()
					f(w.connect(), false)
				}()
				if crashed && at == 0 {
					at = -1
					w.start()
					f(w.connect(), true)
				}
			}
			k := caps.NewSigner()
			c := w.connect()
			h := c.openDoor(w.front, w.seed)
			c.want(wire.Knock{Handle: h, Member: k.Public()}, plane.OK)
			at = n

			l := newLog()
			l.inbox = true
			do(func(c *client, _ bool) { c.prove(k); c.want(c.createRequest(l), plane.OK) })
			next := *l
			next.gen, next.read, next.write = 2, caps.NewSigner(), caps.NewSigner()
			do(func(c *client, _ bool) {
				c.want(wire.Rotate{Handle: c.open(l, wire.RoleOwner), Gen: 2, Read: next.read.Public(), Write: next.write.Public()}, plane.OK)
			})
			seed, member := [16]byte{5}, caps.NewSigner()
			do(func(c *client, _ bool) {
				c.want(wire.Door{Handle: c.open(l, wire.RoleOwner), Key: caps.DoorSigner(seed).Public(), Left: 9, Until: plane.DayOf(w.now)}, plane.OK)
			})
			do(func(c *client, retry bool) {
				c.want(wire.Knock{Handle: c.openDoor(l.id, seed), Body: body(1), Member: member.Public(), Retry: retry}, plane.OK)
			})
			records, err := w.store.Read(ctx(t), l.id, 1, 10)
			d, doorErr := w.tables.Door(l.id, caps.DoorSigner(seed).Public())
			if err := errors.Join(err, doorErr); err != nil {
				t.Fatal(err)
			}
			if used := 9 - int(d.Left); len(records) != 1 || used < 1 || used > 2 {
				t.Errorf("crash %d, after=%v: got %d records for %d uses, want 1 for 1 or 2", n, after, len(records), used)
			}
			if _, err := w.tables.Member(member.Public()); err != nil {
				t.Errorf("crash %d, after=%v: the member is not there: %v", n, after, err)
			}
			do(func(c *client, retry bool) {
				a := c.ask(c.openRequest(l, wire.RoleOwner))
				if o, ok := a.(wire.Opened); ok {
					c.want(wire.Manage{Handle: o.Handle, Delete: true}, plane.OK)
				} else if !retry {
					t.Errorf("crash %d, after=%v: log lost before its deletion", n, after)
				}
			})
			if head, err := w.store.Head(ctx(t), l.id); head != 0 || err != nil {
				t.Errorf("crash %d, after=%v: deleted log has head %d, error %v", n, after, head, err)
			}
			if !crashed {
				if n < 6 {
					t.Errorf("only %d writes were met, want at least 5: the test is blind", n-1)
				}
				break
			}
		}
	}
}

// TestLink: the server's link is the one that clients read, and only it gives back its seed.
func TestLink(t *testing.T) {
	fp, id, seed := [32]byte{1, 31: 2}, plane.LogID{3, 15: 4}, [16]byte{5, 15: 6}
	text := server.Link("https://chat.example:8443", fp, id, seed)
	l, err := seal.ParseLink(text)
	if err != nil {
		t.Fatalf("parse: got %v, want none", err)
	}
	if l.Origin != "https://chat.example:8443" || l.Server != fp || l.Inbox != id || l.Door != seed || l.HasAccount {
		t.Error("parse: got other values than were put in")
	}
	if l.String() != text {
		t.Error("their text of it differs from ours")
	}
	if got, ok := server.LinkSeed(text, fp); !ok || got != seed {
		t.Errorf("seed: got ok %v, want the seed", ok)
	}
	for _, bad := range []string{"", "x", text + "A", text[:len(text)-1], "https://chat.example/i#1.AAAA"} {
		if _, ok := server.LinkSeed(bad, fp); ok {
			t.Errorf("seed of %d bytes of something else: got one, want none", len(bad))
		}
	}
	if _, ok := server.LinkSeed(text, [32]byte{9}); ok {
		t.Error("seed of another server's link: got one, want none")
	}
}
