package session

import (
	"errors"
	"testing"

	"paperplane/transport"
	"paperplane/transport/mem"
)

// TestDriversFollowTheMachine: between a machine's decision and its driver's bookkeeping a
// newer carrier may come first. The late one is refused by the drivers of both ends.
func TestDriversFollowTheMachine(t *testing.T) {
	l := newLab(t)
	srv := NewServer(testKey(), Options{})
	defer srv.Close()
	l.server = srv.m
	c, err := NewClient(Config{ServerKey: ServerKey{Fingerprint: testKey().fp, Full: testKey().pub}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l.client = c.m

	w1, cev1, sev := l.attach()
	w2, cev2, _ := l.attach()
	newer, _ := mem.Pair()
	older, _ := mem.Pair()
	s := sev.Session.owner
	if err := s.attach(newer, w2.s); err != nil {
		t.Errorf("server: the newer carrier: %v", err)
	}
	if err := s.attach(older, w1.s); !errors.Is(err, errStale) || s.conn != newer {
		t.Errorf("server: the older carrier after it: %v, want errStale", err)
	}
	s.end(ErrEnded)
	if err := s.attach(newer, w2.s); !errors.Is(err, errStale) {
		t.Errorf("server: after the end: %v, want errStale", err)
	}

	newer, _ = mem.Pair()
	conn, err := c.attached(newer, w2.c, cev2)
	if err != nil {
		t.Fatalf("client: the newer carrier: %v", err)
	}
	if _, err := c.attached(older, w1.c, cev1); !errors.Is(err, ErrLost) || conn.run.carrier != transport.MessageConn(newer) {
		t.Errorf("client: the older carrier after it: %v, want ErrLost", err)
	}
}
