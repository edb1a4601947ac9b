package session

import "testing"

// BenchmarkHandshake is a whole attach: HELLO, WELCOME, GO, both ends on one core.
func BenchmarkHandshake(b *testing.B) {
	k := testKey()
	srv := NewServerMachine(k, 1<<30)
	b.ReportAllocs()
	for b.Loop() {
		m, err := NewClientMachine(ServerKey{Fingerprint: k.fp, Full: k.pub})
		if err != nil {
			b.Fatal(err)
		}
		cl, hello, err := m.Open()
		if err != nil {
			b.Fatal(err)
		}
		sl := srv.Open()
		ev, err := sl.Take(hello)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := cl.Take(ev.Out); err != nil {
			b.Fatal(err)
		}
		msg, err := cl.Next()
		if err != nil {
			b.Fatal(err)
		}
		sev, err := sl.Take(msg)
		if err != nil {
			b.Fatal(err)
		}
		srv.End(sev.Session)
	}
}

// BenchmarkServerHandshake is the server's share of it.
func BenchmarkServerHandshake(b *testing.B) {
	k := testKey()
	srv := NewServerMachine(k, 1<<30)
	m, err := NewClientMachine(ServerKey{Fingerprint: k.fp, Full: k.pub})
	if err != nil {
		b.Fatal(err)
	}
	_, hello, err := m.Open()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := srv.Open().Take(hello); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFrame seals and opens one payload of 1 KB.
func BenchmarkFrame(b *testing.B) {
	var key [32]byte
	tx, rx := new(stream), &stream{server: true}
	if err := tx.attach(key, key, 0); err != nil {
		b.Fatal(err)
	}
	if err := rx.attach(key, key, 0); err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 1024)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		tx.push(payload{body: p})
		msg, err := tx.next(nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rx.take(msg); err != nil {
			b.Fatal(err)
		}
		tx.acknowledged(rx.in)
	}
}
