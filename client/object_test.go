package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"paperplane/core"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/session"
	"paperplane/protocol/wire"
	"paperplane/server"
	"paperplane/transport"
	"paperplane/transport/mem"
)

// objects is a driver without a machine: the test is the machine.
type objects struct {
	*testing.T
	c     *Client
	id    core.ServerID
	net   mem.Net
	mu    sync.Mutex
	conns []transport.MessageConn
}

func (o *objects) Dial(ctx context.Context, _ string) (transport.MessageConn, error) {
	c, err := o.net.Dial(ctx, "mem:h")
	if err == nil {
		o.mu.Lock()
		o.conns = append(o.conns, c)
		o.mu.Unlock()
	}
	return c, err
}

// next returns the driver's next report of type T.
func next[T core.Input](o *objects) T {
	o.Helper()
	for {
		select {
		case in := <-o.c.inputs:
			if x, ok := in.(T); ok {
				return x
			}
		case <-time.After(time.Minute):
			var none T
			o.Fatalf("got no %T", none)
		}
	}
}

func (o *objects) do(e core.Effect) core.Object {
	o.Helper()
	o.c.do(e)
	return next[core.Object](o)
}

// newObjects starts a server and a session that may store blobs.
func newObjects(t *testing.T) *objects {
	o, prove := newUnproved(t)
	prove()
	return o
}

// newUnproved starts a server and a session that may store blobs only when it has proved who it is.
func newUnproved(t *testing.T) (o *objects, prove func()) {
	key, err := session.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	o = &objects{T: t, id: key.Fingerprint()}
	at := ServeTest(t, &o.net, "h", key, server.Limits{BlobBytesPerDoorDay: 1 << 30})
	ctx, cancel := context.WithCancel(context.Background())
	o.c = &Client{opts: Options{Dialer: o, Now: time.Now}, inputs: make(chan core.Input, inputsMax), ctx: ctx, stop: cancel,
		links: map[core.ServerID]*link{}, moves: map[string]*move{}, servers: map[core.ServerID]*link{}, wake: time.NewTimer(time.Hour)}
	t.Cleanup(func() {
		cancel()
		o.c.dropAll()
	})
	o.c.do(core.Dial{Server: o.id, Origin: "http://h"})
	up := next[core.Connected](o)
	return o, func() {
		door := caps.DoorSigner(at.Seed)
		o.c.do(core.Send{Server: o.id, Rid: 1, Request: wire.Open{Log: at.Front, Role: wire.RoleDoor, Key: door.Public(),
			Sig: door.Sign(caps.OpenMessage(up.Binding, at.Front, uint8(wire.RoleDoor), 0, door.Public()))}})
		if a, ok := next[core.Answered](o).Answer.(wire.Opened); !ok {
			t.Fatalf("open the front door: got %T", a)
		}
	}
}

// TestPutBeforeProof puts an object before the session has proved who it is, as happens when a
// session begins while a transfer waits for it: the refusal is not the last word. In a session that
// is proved, or never is, it is.
func TestPutBeforeProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, prove := newUnproved(t)
		o.c.do(core.PutObject{ID: "early", Server: o.id, Secret: [16]byte{1}, Data: random(5)})
		time.Sleep(moveDelayMin / 2)
		prove()
		if x := next[core.Object](o); x.Code != plane.OK {
			t.Errorf("put before the proof: got code %d, want OK", x.Code)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		o, _ := newUnproved(t)
		o.c.do(core.PutObject{ID: "never", Server: o.id, Secret: [16]byte{1}, Data: random(5)})
		var x core.Object
		for range 20 {
			select {
			case in := <-o.c.inputs:
				x, _ = in.(core.Object)
			case <-time.After(time.Minute):
			}
			if x.ID != "" {
				break
			}
		}
		if x.ID != "never" || x.Code != plane.Refused {
			t.Errorf("put without a proof: got %q, code %d, want refused", x.ID, x.Code)
		}
	})
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// TestObjects puts and gets what is in memory: sizes at their edges and one past, ranges over the
// ends of chunks, what is not there, and what is there already.
func TestObjects(t *testing.T) {
	o := newObjects(t)
	const chunk = plane.BlobChunkBytes
	for i, size := range []int{1, chunk - 1, chunk, chunk + 1, core.ObjectBytesMax} {
		secret, data := [16]byte{byte(i + 1)}, random(size)
		if x := o.do(core.PutObject{ID: "p", Server: o.id, Secret: secret, Data: data}); x.Code != plane.OK || x.ID != "p" || x.Data != nil {
			t.Fatalf("put %d bytes: got code %d, id %q", size, x.Code, x.ID)
		}
		blob := caps.NewBlobID(secret)
		x := o.do(core.GetObject{ID: "g", Server: o.id, Blob: blob})
		if x.Code != plane.OK || len(x.Data)%chunk != 0 || len(x.Data)-size >= chunk || !bytes.Equal(x.Data[:size], data) {
			t.Fatalf("get %d bytes: got %d, code %d", size, len(x.Data), x.Code)
		}
		x = o.do(core.GetObject{ID: "g", Server: o.id, Blob: blob, Length: int64(size)})
		if x.Code != plane.OK || !bytes.Equal(x.Data, data) {
			t.Fatalf("get %d bytes by length: got %d, code %d", size, len(x.Data), x.Code)
		}
		if from := size / 3; size > 1 {
			x = o.do(core.GetObject{ID: "g", Server: o.id, Blob: blob, Offset: int64(from), Length: int64(size - from)})
			if x.Code != plane.OK || !bytes.Equal(x.Data, data[from:]) {
				t.Fatalf("get %d bytes at %d: got %d, code %d", size-from, from, len(x.Data), x.Code)
			}
		}
	}
	secret := [16]byte{2} // chunk - 1 bytes
	blob := caps.NewBlobID(secret)
	for _, c := range []struct {
		what string
		e    core.Effect
		want plane.Code
	}{
		{"put nothing", core.PutObject{ID: "x", Server: o.id}, plane.TooLarge},
		{"put too much", core.PutObject{ID: "x", Server: o.id, Data: make([]byte, core.ObjectBytesMax+1)}, plane.TooLarge},
		{"put what is there with other bytes", core.PutObject{ID: "x", Server: o.id, Secret: secret, Data: random(chunk)}, plane.OK},
		{"put what is there with more chunks", core.PutObject{ID: "x", Server: o.id, Secret: secret, Data: random(chunk + 1)}, plane.Refused},
		{"get an unknown blob", core.GetObject{ID: "x", Server: o.id, Blob: plane.BlobID{9}}, plane.Refused},
		{"get a part of an unknown blob", core.GetObject{ID: "x", Server: o.id, Blob: plane.BlobID{9}, Length: 1}, plane.Refused},
		{"get past the end", core.GetObject{ID: "x", Server: o.id, Blob: blob, Offset: chunk, Length: 1}, plane.Refused},
		{"get over the end", core.GetObject{ID: "x", Server: o.id, Blob: blob, Offset: chunk - 1, Length: 2}, plane.Refused},
		{"get too much", core.GetObject{ID: "x", Server: o.id, Blob: blob, Length: core.ObjectBytesMax + 1}, plane.TooLarge},
		{"get at a bad place", core.GetObject{ID: "x", Server: o.id, Blob: blob, Offset: -1, Length: 1}, plane.TooLarge},
		{"get past all blobs", core.GetObject{ID: "x", Server: o.id, Blob: blob, Offset: 1 << 62, Length: 1}, plane.TooLarge},
	} {
		if x := o.do(c.e); x.Code != c.want || x.Code != plane.OK && x.Data != nil && len(x.Data) != 0 {
			t.Errorf("%s: got code %d and %d bytes, want code %d", c.what, x.Code, len(x.Data), c.want)
		}
	}
}

// TestObjectsThroughLoss cuts four carriers while objects move: they arrive whole; and
// what is cancelled says nothing more.
func TestObjectsThroughLoss(t *testing.T) { synctest.Test(t, objectsThroughLoss) }

func objectsThroughLoss(t *testing.T) {
	o := newObjects(t)
	var cutter sync.WaitGroup
	cutter.Go(func() {
		for cuts := 0; cuts < 4; {
			time.Sleep(30 * time.Millisecond)
			o.mu.Lock()
			for _, c := range o.conns {
				_ = c.Close()
				cuts++
			}
			o.conns = nil
			o.mu.Unlock()
		}
	})
	want := map[string][]byte{}
	for i, id := range []string{"a", "b", "c", "no"} {
		want[id] = random(5*plane.BlobChunkBytes + i)
		o.c.do(core.PutObject{ID: id, Server: o.id, Secret: [16]byte{byte(i)}, Data: want[id]})
	}
	o.c.do(core.Cancel{ID: "no"})
	for range 3 {
		if x := next[core.Object](o); x.Code != plane.OK || x.ID == "no" {
			t.Fatalf("put: got code %d", x.Code)
		}
	}
	for i, id := range []string{"a", "b", "c"} {
		o.c.do(core.GetObject{ID: id, Server: o.id, Blob: caps.NewBlobID([16]byte{byte(i)}), Length: int64(len(want[id]))})
	}
	for range 3 {
		if x := next[core.Object](o); x.Code != plane.OK || !bytes.Equal(x.Data, want[x.ID]) {
			t.Fatalf("get: got code %d, %d bytes", x.Code, len(x.Data))
		}
	}
	cutter.Wait()
}
