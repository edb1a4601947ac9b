package server

import (
	"context"
	"sync"
	"time"

	"paperplane/protocol/session"
)

// What a session may hold before the server stops feeding it, and how often it looks again. The
// session's own bounds are higher: answers always fit.
const (
	sessionBytesMax = 2 << 20
	sessionCountMax = 1024
	roomDelayMin    = 5 * time.Millisecond
	roomDelayMax    = 200 * time.Millisecond
)

// ServeSession drives a Peer over a session until the session has ended. It is the handler of
// session.Server.Serve: its goroutine reads; another exists only while there is something to
// send, and one for each log on which an append is under way. It waits for all of them.
func (s *Server) ServeSession(sess *session.Session) {
	d := &driver{sess: sess}
	d.peer = s.Attach(sess.Binding(), d.wake)
	defer d.finish()
	// The background context is on purpose: a carrier that must watch a context costs memory,
	// and Close of the session unblocks Receive.
	ctx := context.Background()
	for {
		frame, err := sess.Receive(ctx)
		if err != nil {
			return
		}
		run, err := d.peer.Begin(ctx, frame)
		if err != nil {
			return
		}
		if run != nil {
			d.wg.Go(func() { run(ctx) })
		}
	}
}

type driver struct {
	sess *session.Session
	peer *Peer
	wg   sync.WaitGroup

	mu       sync.Mutex
	sending  bool // a sender runs
	again    bool // it must look again before it ends
	finished bool
}

// finish ends the session and waits for whoever works for it.
func (d *driver) finish() {
	d.sess.Close()
	d.peer.Close()
	d.mu.Lock()
	d.finished = true
	d.mu.Unlock()
	d.wg.Wait()
}

// wake makes sure that a sender runs.
func (d *driver) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.again = true
	if d.sending || d.finished {
		return
	}
	d.sending = true
	d.wg.Go(d.send) // not after finish: nothing is added while it waits
}

func (d *driver) send() {
	for {
		d.mu.Lock()
		if !d.again {
			d.sending = false
			d.mu.Unlock()
			return
		}
		d.again = false
		d.mu.Unlock()
		for d.room() {
			head, body, ok := d.peer.NextParts(context.Background())
			if !ok {
				break
			}
			if d.sess.SendNow(head, body) != nil {
				break // the session has ended, and the reader knows
			}
		}
	}
}

// room waits until the session has room; false when it has ended.
func (d *driver) room() bool {
	for delay := roomDelayMin; ; delay = min(2*delay, roomDelayMax) {
		if bytes, count := d.sess.Queued(); bytes < sessionBytesMax && count < sessionCountMax {
			return true
		}
		t := time.NewTimer(delay)
		select {
		case <-d.sess.Done():
			t.Stop()
			return false
		case <-t.C:
		}
	}
}
