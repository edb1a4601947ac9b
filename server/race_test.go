package server_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
	"paperplane/server"
)

// TestConcurrent: many sessions append to few logs and subscribe to them, each driven by its
// own goroutines as in real life, while generations of another log rotate. Every subscriber
// sees every record once and in order; every handle's own records keep their order.
func TestConcurrent(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.join()
	const logs, writers, each = 3, 8, 60
	var all []*log
	for range logs {
		all = append(all, c.create(false))
	}
	var wg sync.WaitGroup
	subscribers := make([]*client, logs)
	got := make([][]plane.Seq, logs)
	for i, l := range all {
		wake := make(chan struct{}, 1)
		s := &client{w: w, answers: map[uint32]wire.Answer{}, binding: plane.Binding{byte(i), 1}}
		s.peer = w.Attach(s.binding, func() {
			select {
			case wake <- struct{}{}:
			default:
			}
		})
		subscribers[i] = s
		s.want(wire.Subscribe{Handle: s.open(l, wire.RoleRead), From: 1}, plane.OK)
		wg.Go(func() {
			for len(got[i]) < writers*each {
				frame, ok := s.peer.Next(context.Background())
				if !ok {
					<-wake
					continue
				}
				if _, _, e, _ := wire.ParseAnswerOrEvent(frame); e != nil {
					got[i] = append(got[i], e.(wire.RecordEvent).Seq)
				}
			}
		})
	}
	for n := range writers {
		x := w.connect()
		var handles []wire.Handle
		for _, l := range all {
			handles = append(handles, x.open(l, wire.RoleWrite))
		}
		wg.Go(func() {
			var runs sync.WaitGroup
			for i := range each {
				for _, h := range handles {
					x.rid++
					frame, err := wire.Encode(x.rid, wire.Append{Handle: h, Body: body(n*1000 + i)})
					if err != nil {
						t.Error(err)
					}
					run, err := x.peer.Begin(context.Background(), frame)
					if err != nil {
						t.Error(err)
					}
					if run != nil {
						runs.Go(func() { run(context.Background()) })
					}
				}
			}
			runs.Wait()
		})
	}
	wg.Wait()
	for i, s := range got {
		for j, seq := range s {
			if seq != plane.Seq(j+1) {
				t.Fatalf("log %d, event %d: got record %d, want %d", i, j, seq, j+1)
			}
		}
		records, err := w.store.Read(t.Context(), all[i].id, 1, writers*each)
		if err != nil {
			t.Fatal(err)
		}
		next := map[byte]int{}
		for _, r := range records {
			for n := range writers {
				if string(r.Body[:20]) == string(body(n*1000 + next[byte(n)])[:20]) {
					next[byte(n)]++
					break
				}
			}
		}
		for n := range writers {
			if next[byte(n)] != each {
				t.Errorf("log %d, writer %d: got %d records in order, want %d", i, n, next[byte(n)], each)
			}
		}
	}
}

// TestCloseWhile: a peer that closes while its requests run harms nobody, and leaves no
// subscription behind.
func TestCloseWhile(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect()
	c.join()
	l := c.create(false)
	var wg sync.WaitGroup
	for range 50 {
		x := w.connect()
		h, r := x.open(l, wire.RoleWrite), x.open(l, wire.RoleRead)
		x.want(wire.Subscribe{Handle: r, From: 1}, plane.OK)
		wg.Go(func() {
			for i := range 10 {
				frame, _ := wire.Encode(uint32(100+i), wire.Append{Handle: h, Body: body(i)})
				_ = x.peer.Handle(context.Background(), frame)
			}
		})
		wg.Go(x.peer.Close)
	}
	wg.Wait()
	c.append(c.open(l, wire.RoleWrite), 1)
}

// FuzzHandle: random bytes, and requests changed at random, never panic and never get through
// to other people's logs.
func FuzzHandle(f *testing.F) {
	for _, r := range []wire.Request{wire.Info{}, wire.Ping{}, wire.Read{Handle: 1, From: 1, Limit: 5},
		wire.Append{Handle: 1, Body: make([]byte, plane.RecordSmall)}, wire.Subscribe{Handle: 1}, wire.Manage{Handle: 2, Delete: true},
		wire.Knock{Handle: 1, Member: plane.PublicKey{7}}, wire.BlobGet{}, wire.Close{Handle: 1}, wire.PoolTake{Handle: 1, Package: true}} {
		frame, err := wire.Encode(1, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame, uint64(1))
	}
	f.Add([]byte("rubbish"), uint64(2))
	f.Fuzz(func(t *testing.T, frame []byte, seed uint64) {
		w := newWorld(t, nil)
		owner, c := w.connect(), w.connect()
		owner.join()
		l := owner.create(true)
		c.join()
		c.open(l, wire.RoleWrite)
		c.open(l, wire.RoleRead)
		before, err := w.tables.Log(l.id)
		if err != nil {
			t.Fatal(err)
		}
		stranger := w.connect()
		rnd := rand.New(rand.NewPCG(seed, 1))
		for range 4 {
			for _, x := range []*client{c, stranger} {
				if err := x.peer.Handle(t.Context(), frame); err != nil && err != server.ErrPeer {
					t.Fatalf("got %v, want none or %v", err, server.ErrPeer)
				}
				x.take()
			}
			if len(frame) > 0 {
				frame[rnd.IntN(len(frame))] ^= byte(1 << rnd.IntN(8))
			}
		}
		if after, err := w.tables.Log(l.id); err != nil || after.Owner != before.Owner || after.Gen != before.Gen {
			t.Errorf("the log changed without its owner's handle: error %v", err)
		}
	})
}
