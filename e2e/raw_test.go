package e2e

import (
	"context"
	"net"
	"testing"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/session"
	"paperplane/protocol/wire"
	"paperplane/transport/ws"
)

// rawLog is a log with all its keys.
type rawLog struct {
	id                 plane.LogID
	owner, read, write *caps.Signer
	handle             wire.Handle // open to append
}

// raw speaks the wire protocol itself, as a member.
type raw struct {
	t    testing.TB
	conn *session.Conn
	rid  uint32
}

// dialRaw attaches a session; source may be nil.
func dialRaw(t testing.TB, s *server, fingerprint [32]byte, source net.IP) *raw {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	carrier, err := ws.NewDialerFrom(nil, source).Dial(ctx, "ws://"+s.addr+"/s")
	if err != nil {
		t.Fatal(err)
	}
	c, err := session.NewClient(session.Config{ServerKey: session.ServerKey{Fingerprint: fingerprint}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	conn, _, err := c.Attach(ctx, carrier)
	if err != nil {
		t.Fatal(err)
	}
	return &raw{t: t, conn: conn}
}

func (r *raw) send(q wire.Request) {
	r.t.Helper()
	r.rid++
	b, err := wire.Encode(r.rid, q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer awaiting(r.t, "room for a request")()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.conn.Send(ctx, b); err != nil {
		r.t.Fatal(err)
	}
}

// answer waits for the next answer; events are passed over.
func (r *raw) answer() wire.Answer {
	r.t.Helper()
	defer awaiting(r.t, "an answer of the server")()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		b, err := r.conn.Receive(ctx)
		if err != nil {
			r.t.Fatal(err)
		}
		_, a, _, err := wire.ParseAnswerOrEvent(b)
		if err != nil {
			r.t.Fatal(err)
		}
		if a != nil {
			return a
		}
	}
}

// ask sends a request whose answer is an A; anything else fails the test.
func ask[A wire.Answer](r *raw, q wire.Request) A {
	r.t.Helper()
	r.send(q)
	return answered[A](r)
}

func answered[A wire.Answer](r *raw) A {
	r.t.Helper()
	a := r.answer()
	if d, ok := a.(wire.Done); ok && d.Code != plane.OK {
		r.t.Fatalf("got code %d, want OK", d.Code)
	}
	x, ok := a.(A)
	if !ok {
		r.t.Fatalf("got answer %T, want %T", a, x)
	}
	return x
}

// join becomes a member through the server's own link and returns the member's key.
func (r *raw) join(link seal.Link) *caps.Signer {
	r.t.Helper()
	door, me := caps.DoorSigner(link.Door), caps.NewSigner()
	o := wire.Open{Log: link.Inbox, Role: wire.RoleDoor, Key: door.Public()}
	o.Sig = door.Sign(caps.OpenMessage(r.conn.Binding(), o.Log, uint8(o.Role), 0, o.Key))
	h := ask[wire.Opened](r, o).Handle
	ask[wire.Appended](r, wire.Knock{Handle: h, Member: me.Public()})
	r.prove(me)
	return me
}

func (r *raw) prove(me *caps.Signer) {
	r.t.Helper()
	ask[wire.Done](r, wire.Member{Key: me.Public(), Sig: me.Sign(caps.MemberMessage(r.conn.Binding()))})
}

// create makes a log; the handle is the owner's.
func (r *raw) create(inbox bool) (*rawLog, wire.Handle) {
	r.t.Helper()
	l := &rawLog{owner: caps.NewSigner(), read: caps.NewSigner(), write: caps.NewSigner()}
	l.id = caps.NewLogID(l.owner.Public())
	q := wire.Create{Owner: l.owner.Public(), Read: l.read.Public(), Write: l.write.Public(), TTLDays: 30, Inbox: inbox}
	q.Sig = l.owner.Sign(caps.CreateMessage(r.conn.Binding(), q.Owner, q.Read, q.Write, q.TTLDays, q.Inbox))
	return l, ask[wire.Opened](r, q).Handle
}

// open opens a log of the first generation.
func (r *raw) open(l *rawLog, role wire.Role) wire.Handle {
	r.t.Helper()
	key, gen := l.owner, plane.Gen(0)
	switch role {
	case wire.RoleRead:
		key, gen = l.read, 1
	case wire.RoleWrite:
		key, gen = l.write, 1
	}
	q := wire.Open{Log: l.id, Role: role, Gen: gen}
	q.Sig = key.Sign(caps.OpenMessage(r.conn.Binding(), l.id, uint8(role), gen, key.Public()))
	return ask[wire.Opened](r, q).Handle
}
