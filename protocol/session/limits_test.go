package session

import (
	"bytes"
	"errors"
	"testing"
)

// TestBuckets (S-23): the lengths of sealed frames at each edge and one past it, on a link
// whose first frames are behind it.
func TestBuckets(t *testing.T) {
	const over = frameHeadBytes + tagBytes
	for _, c := range []struct{ body, want int }{
		{0, 256}, {256 - over, 256}, {256 - over + 1, 1280}, {1280 - over, 1280}, {1280 - over + 1, 4608},
		{4608 - over, 4608}, {4608 - over + 1, 8704}, {8704 - over, 8704}, {8704 - over + 1, 12288},
		{12288 - over, 12288}, {12288 - over + 1, 16384}, {PayloadBytesMax, 270336},
	} {
		f := frame{kind: frameAck}
		if c.body > 0 {
			f = frame{kind: frameData, id: 1, body: make([]byte, c.body)}
		}
		if got := len(appendFrame(nil, f, wideFrames)) + tagBytes; got != c.want {
			t.Errorf("body of %d: sealed %d, want %d", c.body, got, c.want)
		}
	}
}

// TestWidePadding (S-23): the first frames of an attach are longer than their bucket by a
// random number up to widePadMax; the ones after are not.
func TestWidePadding(t *testing.T) {
	f := frame{kind: frameAck}
	seen := map[int]bool{}
	for range 200 {
		n := len(appendFrame(nil, f, wideFrames-1)) + tagBytes
		if n < 256 || n > 256+widePadMax {
			t.Fatalf("length %d, want 256 to %d", n, 256+widePadMax)
		}
		seen[n] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d different lengths of 200, want many", len(seen))
	}
}

// TestStrictFrames (S-21, S-22): each case breaks one rule of the frame format; the valid frame
// beside it passes.
func TestStrictFrames(t *testing.T) {
	valid := func() []byte {
		return appendFrame(nil, frame{kind: frameData, id: 1, ack: 2, body: []byte("body")}, wideFrames)
	}
	if _, err := parseFrame(valid()); err != nil {
		t.Fatalf("the valid frame: %v", err)
	}
	for name, breakIt := range map[string]func(b []byte) []byte{
		"empty":             func([]byte) []byte { return nil },
		"cut":               func(b []byte) []byte { return b[:frameHeadBytes-1] },
		"kind-zero":         func(b []byte) []byte { b[0] = 0; return b },
		"kind-unknown":      func(b []byte) []byte { b[0] = frameBye + 1; return b },
		"data-without-id":   func(b []byte) []byte { clear(b[1:9]); return b },
		"data-without-body": func(b []byte) []byte { clear(b[17:25]); return b },
		"body-beyond-end":   func(b []byte) []byte { b[18] = 1; return b },
		"length-huge":       func(b []byte) []byte { b[17] = 0xff; return b },
		"padding-not-zero":  func(b []byte) []byte { b[len(b)-1] = 1; return b },
		"ack-with-body":     func(b []byte) []byte { b[0] = frameAck; clear(b[1:9]); return b },
		"ack-with-id":       func(b []byte) []byte { b[0] = frameAck; clear(b[17:25]); return b },
		"go-without-id":     func(b []byte) []byte { b[0] = frameGo; clear(b[1:9]); clear(b[17:25]); return b },
		"go-with-body":      func(b []byte) []byte { b[0] = frameGo; return b },
	} {
		if f, err := parseFrame(breakIt(valid())); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: kind %d, error %v; want ErrProtocol", name, f.kind, err)
		}
	}
	big := frame{kind: frameData, id: 1, body: make([]byte, PayloadBytesMax)}
	if _, err := parseFrame(appendFrame(nil, big, wideFrames)); err != nil {
		t.Errorf("the largest payload: %v", err)
	}
	big.body = make([]byte, PayloadBytesMax+1)
	if _, err := parseFrame(appendFrame(nil, big, wideFrames)); !errors.Is(err, ErrProtocol) {
		t.Errorf("one byte more: %v, want ErrProtocol", err)
	}
}

// TestPeerBreaksTheProtocol (S-31 to S-33): frames that are sealed well but may not come.
func TestPeerBreaksTheProtocol(t *testing.T) {
	for name, f := range map[string]frame{
		"gap":            {kind: frameData, id: 2, body: []byte("x")},
		"ack-of-unsent":  {kind: frameAck, ack: 2},
		"second-go":      {kind: frameGo, id: 9},
		"ack-far-beyond": {kind: frameAck, ack: 1 << 63},
	} {
		t.Run("to-server-"+name, func(t *testing.T) {
			l := newLab(t)
			w, cev, sev := l.attach()
			queue(t, sev.Session.Queue, "1") // so that 1 may be acknowledged, once sent
			w.serverNext()
			st := &cev.Session.stream
			msg := st.seal.seal(nil, appendFrame(nil, f, wideFrames), nil)
			if ev, err := w.s.Take(msg); !errors.Is(err, ErrProtocol) || ev.Payload != nil {
				t.Errorf("%v, want ErrProtocol", err)
			}
		})
	}
	for name, f := range map[string]frame{
		"go":  {kind: frameGo, id: 9},
		"bye": {kind: frameBye},
		"gap": {kind: frameData, id: 3, body: []byte("x")},
	} {
		t.Run("to-client-"+name, func(t *testing.T) {
			l := newLab(t)
			w, _, sev := l.attach()
			msg := sev.Session.stream.seal.seal(nil, appendFrame(nil, f, wideFrames), nil)
			if _, err := w.c.Take(msg); !errors.Is(err, ErrProtocol) {
				t.Errorf("%v, want ErrProtocol", err)
			}
		})
	}
	t.Run("ack-of-queued-but-unsent", func(t *testing.T) {
		l := newLab(t)
		w, cev, sev := l.attach()
		queue(t, sev.Session.Queue, "1")
		msg := cev.Session.stream.seal.seal(nil, appendFrame(nil, frame{kind: frameAck, ack: 1}, wideFrames), nil)
		if _, err := w.s.Take(msg); !errors.Is(err, ErrProtocol) {
			t.Errorf("%v, want ErrProtocol", err)
		}
	})
	t.Run("order-of-the-carrier", func(t *testing.T) { // S-20: counters are nonces
		l := newLab(t)
		w, cev, _ := l.attach()
		queue(t, cev.Session.Queue, "1", "2")
		w.clientNext()
		if _, err := w.s.Take(w.clientNext()); !errors.Is(err, ErrProtocol) {
			t.Errorf("a frame before its turn: %v, want ErrProtocol", err)
		}
	})
}

// TestPayloadLimits (S-40): payloads at the limits and one past, at both ends.
func TestPayloadLimits(t *testing.T) {
	l := newLab(t)
	w, cev, sev := l.attach()
	for name, q := range map[string]func([]byte) error{"client": cev.Session.Queue, "server": sev.Session.Queue} {
		if err := q(nil); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: empty payload: %v, want ErrTooLarge", name, err)
		}
		if err := q(make([]byte, PayloadBytesMax+1)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: one above the limit: %v, want ErrTooLarge", name, err)
		}
		if err := q(bytes.Repeat([]byte{7}, PayloadBytesMax)); err != nil {
			t.Errorf("%s: at the limit: %v", name, err)
		}
	}
	up, down := w.settle()
	if len(up) != 1 || len(up[0]) != PayloadBytesMax || len(down) != 1 || len(down[0]) != PayloadBytesMax {
		t.Errorf("%d up, %d down; want one of the largest each way", len(up), len(down))
	}
}

// TestQueueLimits (S-40): both ends, by count and by bytes, at the limit and one past; room
// comes back with acknowledgements.
func TestQueueLimits(t *testing.T) {
	chunk := make([]byte, 256<<10)
	for _, c := range []struct {
		name          string
		server        bool
		payload       []byte
		limit, excess int
	}{
		{"client-count", false, []byte{1}, ClientQueueCount, 1},
		{"client-bytes", false, chunk, ClientQueueBytes / len(chunk), 1},
		{"server-count", true, []byte{1}, ServerQueueCount, 1},
		{"server-bytes", true, chunk, ServerQueueBytes / len(chunk), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			w, cev, sev := l.attach()
			q := cev.Session.Queue
			if c.server {
				q = sev.Session.Queue
			}
			for i := range c.limit {
				if err := q(c.payload); err != nil {
					t.Fatalf("payload %d of %d: %v", i+1, c.limit, err)
				}
			}
			if err := q([]byte{1}); !errors.Is(err, ErrOverflow) {
				t.Fatalf("one past the limit: %v, want ErrOverflow", err)
			}
			w.settle()
			cev.Session.stream.ack, sev.Session.stream.ack = true, true
			w.settle()
			if err := q(c.payload); err != nil {
				t.Errorf("after acknowledgement: %v", err)
			}
		})
	}
}

// TestQueueLimitOfAll (S-40): the sum over all sessions, and that it goes down again with
// acknowledgements and with the end of a session.
func TestQueueLimitOfAll(t *testing.T) {
	l := newLab(t)
	w, cev, sev := l.attach()
	l.server.queued.Store(ServerQueueBytesAll - 3)
	if err := sev.Session.Queue([]byte("abcd")); !errors.Is(err, ErrOverflow) {
		t.Errorf("one past the limit: %v, want ErrOverflow", err)
	}
	if err := sev.Session.Queue([]byte("abc")); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	w.settle()
	cev.Session.stream.ack = true
	w.settle()
	if got := l.server.queued.Load(); got != ServerQueueBytesAll-3 {
		t.Errorf("after acknowledgement %d, want %d", got, ServerQueueBytesAll-3)
	}
	if err := sev.Session.Queue([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	l.server.End(sev.Session)
	if got := l.server.queued.Load(); got != ServerQueueBytesAll-3 {
		t.Errorf("after the end %d, want %d", got, ServerQueueBytesAll-3)
	}
}

// TestSessionsMax (S-40): the last session that fits, and one past it, at HELLO and at GO.
func TestSessionsMax(t *testing.T) {
	l := newLab(t)
	l.server.max = 2
	other := func() *lab {
		o := newLab(t)
		o.server = l.server
		return o
	}
	l.attach()
	late := other().open() // HELLO while there is room, GO when there is none
	if _, err := late.welcomed(); err != nil {
		t.Fatal(err)
	}
	last := other()
	w, _, _ := last.attach()
	if _, err := late.s.Take(late.clientNext()); !errors.Is(err, ErrBusy) {
		t.Errorf("GO past the limit: %v, want ErrBusy", err)
	}
	c := other()
	cl, hello, err := c.client.Open()
	if err != nil {
		t.Fatal(err)
	}
	ev, err := l.server.Open().Take(hello)
	if !errors.Is(err, ErrBusy) {
		t.Errorf("HELLO past the limit: %v, want ErrBusy", err)
	}
	if _, err := cl.Take(ev.Out); !errors.Is(err, ErrBusy) {
		t.Errorf("its client: %v, want ErrBusy", err)
	}
	w.c.Close()
	if _, ev, _ := last.attach(); ev.Fresh {
		t.Error("a full server refused to resume")
	}
}

// TestHandshakeLimits (S-12, S-40): the longest HELLO, one byte past it, the shortest, and
// one byte less.
func TestHandshakeLimits(t *testing.T) {
	k := testKey()
	pub, err := parsePublicKey(k.pub, k.fp)
	if err != nil {
		t.Fatal(err)
	}
	eph := testKey().key // any key will do
	for _, c := range []struct {
		pad  int
		want error
	}{{0, nil}, {handshakePadMax, nil}, {handshakePadMax + 1, ErrProtocol}} {
		_, msg, err := hello(pub, eph, nil, c.pad)
		if err != nil {
			t.Fatal(err)
		}
		if len(msg) > handshakeBytesMax {
			t.Errorf("HELLO of %d bytes, above %d", len(msg), handshakeBytesMax)
		}
		if _, err := openHello(k, msg); !errors.Is(err, c.want) {
			t.Errorf("padding of %d: %v, want %v", c.pad, err, c.want)
		}
		if c.pad == 0 {
			if _, err := openHello(k, msg[:len(msg)-1]); !errors.Is(err, ErrProtocol) {
				t.Errorf("one byte short: %v, want ErrProtocol", err)
			}
		}
	}
	for _, msg := range [][]byte{nil, {}, {msgHello}, {0, version}, {msgGoClear, version}, make([]byte, 1<<20)} {
		if ev, err := NewServerMachine(k, 1).Open().Take(msg); !errors.Is(err, ErrProtocol) || ev.Out != nil {
			t.Errorf("%d bytes of nothing: answer of %d bytes, error %v; want silence, ErrProtocol", len(msg), len(ev.Out), err)
		}
	}
}

// msgGoClear is a type of message that does not exist.
const msgGoClear = 6

// TestFramesPerAttach (S-20): a direction ends before its counter could come near to repeat.
func TestFramesPerAttach(t *testing.T) {
	l := newLab(t)
	w, cev, sev := l.attach()
	queue(t, cev.Session.Queue, "1")
	cev.Session.stream.seal.n, sev.Session.stream.open.n = framesPerAttachMax-1, framesPerAttachMax-1
	if ev, err := w.s.Take(w.clientNext()); err != nil || string(ev.Payload) != "1" {
		t.Errorf("the last frame: %q, %v", ev.Payload, err)
	}
	queue(t, cev.Session.Queue, "2")
	if _, err := w.c.Next(); !errors.Is(err, ErrProtocol) {
		t.Errorf("one past: %v, want ErrProtocol", err)
	}
	if _, err := w.s.Take(make([]byte, 256)); !errors.Is(err, ErrProtocol) {
		t.Errorf("one past at the receiver: %v, want ErrProtocol", err)
	}
}

// TestAcknowledgements (S-33): a receiver acknowledges by itself after ackAfterCount payloads
// or ackAfterBytes, not before; and with every frame that it sends anyway.
func TestAcknowledgements(t *testing.T) {
	l := newLab(t)
	w, cev, sev := l.attach()
	send := func(n, size int) {
		for range n {
			queue(t, sev.Session.Queue, string(make([]byte, size)))
			if _, err := w.c.Take(w.serverNext()); err != nil {
				t.Fatal(err)
			}
		}
	}
	st := &cev.Session.stream
	send(ackAfterCount-1, 1)
	if st.pending() {
		t.Error("acknowledges early")
	}
	send(1, 1)
	if !st.pending() {
		t.Errorf("%d payloads and no acknowledgement", ackAfterCount)
	}
	w.settle()
	if got := len(sev.Session.stream.queue); got != 0 {
		t.Errorf("%d payloads still kept, want 0", got)
	}
	send(1, ackAfterBytes-1)
	if st.pending() {
		t.Error("acknowledges early by bytes")
	}
	send(1, 1)
	if !st.pending() {
		t.Errorf("%d bytes and no acknowledgement", ackAfterBytes)
	}
	w.settle()
	send(1, 1)
	queue(t, cev.Session.Queue, "along")
	w.settle()
	if got := len(sev.Session.stream.queue); got != 0 {
		t.Errorf("%d payloads still kept after a frame the other way, want 0", got)
	}
}

// TestPrivateKeyText: Marshal and ParsePrivateKey are inverse; anything else is refused.
func TestPrivateKeyText(t *testing.T) {
	k := testKey()
	text, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePrivateKey(text)
	if err != nil || !again.Equal(k) || again.Fingerprint() != k.Fingerprint() {
		t.Errorf("read back: equal %v, error %v", err == nil && again.Equal(k), err)
	}
	for name, bad := range map[string][]byte{
		"empty": nil, "prefix-only": []byte(privatePrefix), "short": text[:len(text)-3],
		"long": append(bytes.TrimSpace(bytes.Clone(text)), 'A'), "two-lines": append(bytes.Clone(text), '\n'),
		"no-prefix": text[len(privatePrefix):], "not-canonical": append(bytes.Clone(text[:len(text)-2]), '_', '\n'),
	} {
		if _, err := ParsePrivateKey(bad); !errors.Is(err, ErrKeyText) {
			t.Errorf("%s: %v, want ErrKeyText", name, err)
		}
	}
}
