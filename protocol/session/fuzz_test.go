package session

import (
	"bytes"
	"crypto/hpke"
	"testing"
)

// FuzzHello: no bytes make the server panic, and none that it did not get from a client
// attach anything. Each input is tried as it is and as the plaintext of a well sealed HELLO.
func FuzzHello(f *testing.F) {
	k := testKey()
	m, err := NewClientMachine(ServerKey{Fingerprint: k.fp, Full: k.pub})
	if err != nil {
		f.Fatal(err)
	}
	_, msg, err := m.Open()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{nil, {msgAsk, version}, {msgHello, version}, msg, msg[:len(msg)-1], make([]byte, helloPlainBytes)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		srv := NewServerMachine(k, 1)
		for _, in := range [][]byte{b, sealHello(t, b)} {
			l := srv.Open()
			ev, _ := l.Take(bytes.Clone(in))
			if len(ev.Out) > handshakeBytesMax {
				t.Errorf("an answer of %d bytes", len(ev.Out))
			}
			if ev, err := l.Take(bytes.Clone(b)); err == nil && (ev.Attached || ev.Payload != nil) {
				t.Error("attached by rubbish")
			}
		}
		if len(srv.sessions) != 0 {
			t.Error("rubbish made a session")
		}
	})
}

// sealHello seals any plaintext as a HELLO.
func sealHello(t *testing.T, plain []byte) []byte {
	t.Helper()
	kdf, aead := suite()
	h0 := hash0(testKey().pub)
	enc, sender, err := hpke.NewSender(testKey().key.PublicKey(), kdf, aead, h0[:])
	if err != nil {
		t.Fatal(err)
	}
	msg := []byte{msgHello, version}
	ct, err := sender.Seal(msg, plain)
	if err != nil {
		t.Fatal(err)
	}
	return append(append(msg, enc...), ct...)
}

// FuzzWelcome: no bytes make the client panic or attach.
func FuzzWelcome(f *testing.F) {
	k := testKey()
	m, err := NewClientMachine(ServerKey{Fingerprint: k.fp, Full: k.pub})
	if err != nil {
		f.Fatal(err)
	}
	_, hello, err := m.Open()
	if err != nil {
		f.Fatal(err)
	}
	ev, err := NewServerMachine(k, 1).Open().Take(hello)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{nil, {msgRefuse, version, refuseKey}, {msgKey, version}, ev.Out, append([]byte{msgKey, version}, k.pub...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, _, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		if ev, err := l.Take(bytes.Clone(b)); err == nil {
			t.Errorf("accepted, attached %v", ev.Attached)
		}
		asking, err := NewClientMachine(ServerKey{Fingerprint: k.fp})
		if err != nil {
			t.Fatal(err)
		}
		if l, _, err = asking.Open(); err != nil {
			t.Fatal(err)
		}
		if ev, err := l.Take(bytes.Clone(b)); err == nil && (ev.Attached || !bytes.Equal(b[headBytes:], k.pub)) {
			t.Errorf("accepted as the key, attached %v", ev.Attached)
		}
	})
}

// FuzzFrame: what parses is what would be written, byte for byte up to the padding.
func FuzzFrame(f *testing.F) {
	for _, fr := range []frame{{kind: frameGo, id: 1}, {kind: frameData, id: 1, ack: 7, body: []byte("x")}, {kind: frameAck, ack: 3}, {kind: framePing}} {
		f.Add(appendFrame(nil, fr, wideFrames))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := parseFrame(b)
		if err != nil {
			return
		}
		again := appendFrame(nil, fr, wideFrames)
		n := frameHeadBytes + len(fr.body)
		if !bytes.Equal(again[:n], b[:n]) || !zero(b[n:]) || !zero(again[n:]) {
			t.Errorf("parsed %x, written %x", b[:n], again[:n])
		}
	})
}

// FuzzLink: sealed well or not, no message makes an attached link panic at either end.
func FuzzLink(f *testing.F) {
	f.Add(byte(0), []byte{})
	f.Add(byte(1), appendFrame(nil, frame{kind: frameData, id: 1, body: []byte("x")}, wideFrames))
	f.Add(byte(2), appendFrame(nil, frame{kind: frameAck, ack: 1}, wideFrames))
	f.Add(byte(3), make([]byte, 256))
	f.Fuzz(func(t *testing.T, how byte, b []byte) {
		var key [32]byte
		s := &stream{server: how&2 != 0}
		if err := s.attach(key, key, 0); err != nil {
			t.Fatal(err)
		}
		msg := bytes.Clone(b)
		if how&1 != 0 {
			msg = newSealer(key).seal(nil, b, nil)
		}
		if took, err := s.take(msg); err == nil && took.payload != nil && s.in != 1 {
			t.Errorf("payload delivered, count %d; want 1", s.in)
		}
		if s.in > 1 || s.base != 0 {
			t.Errorf("received %d, acknowledged %d by one message; want at most 1 and 0", s.in, s.base)
		}
	})
}
