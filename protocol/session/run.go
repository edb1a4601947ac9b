package session

import (
	"context"
	"sync"
	"time"

	"paperplane/transport"
)

// run is a carrier at work: a reader, a writer, and a timer for pings.
type run struct {
	conn    *Conn
	carrier transport.MessageConn
	link    *ClientLink
	wake    chan struct{} // capacity 1: the writer has work
	dead    chan struct{} // closed when the carrier is given up
	once    sync.Once
	wg      sync.WaitGroup

	mu    sync.Mutex
	heard time.Time
	asked time.Time   // when a ping went out that is not answered; zero for none
	full  bool        // the reader waits for Receive
	next  time.Time   // when timer fires
	timer *time.Timer // calls tick
}

func (r *run) start() {
	r.mu.Lock()
	d := r.conn.c.cfg.PingIdle
	r.next = time.Now().Add(d)
	r.timer = time.AfterFunc(d, r.tick)
	r.mu.Unlock()
	r.wg.Go(r.read)
	r.wg.Go(r.write)
}

// stop gives the carrier up. Its goroutines end by themselves: both only wait for the
// carrier, for dead, or for room.
func (r *run) stop() {
	r.once.Do(func() {
		r.link.Close()
		_ = r.carrier.Close()
		close(r.dead)
		r.mu.Lock()
		if r.timer != nil {
			r.timer.Stop()
		}
		r.mu.Unlock()
		r.conn.mu.Lock()
		if r.conn.run == r {
			r.conn.run = nil
		}
		r.conn.mu.Unlock()
	})
}

func (r *run) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *run) read() {
	defer r.stop()
	for {
		msg, err := r.carrier.Receive(context.Background())
		if err != nil {
			return
		}
		if r.take(msg) != nil {
			return
		}
		r.mu.Lock()
		r.heard, r.asked = time.Now(), time.Time{} // whatever came: it lives
		r.mu.Unlock()
		if r.link.pending() {
			r.nudge()
		}
		r.soon(AckDelay)
		if !r.waitRoom() {
			return
		}
	}
}

// take gives a message to the machine and what it carried to the inbox, in one step: else a
// payload of the next carrier could overtake this one. What the machine has counted as
// received must be delivered, so it goes in even above the limit.
func (r *run) take(msg []byte) error {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	ev, err := r.link.Take(msg)
	if err != nil {
		return err
	}
	if ev.Acked {
		signal(&c.room)
	}
	if ev.Payload != nil {
		c.inbox = append(c.inbox, ev.Payload)
		c.bytes += len(ev.Payload)
		signal(&c.arrived)
	}
	return nil
}

// waitRoom waits while the inbox is full; false: the carrier was given up meanwhile.
func (r *run) waitRoom() bool {
	c := r.conn
	for {
		c.mu.Lock()
		full := len(c.inbox) >= inboxCountMax || c.bytes >= inboxBytesMax
		if full && c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room // seen full and made in one step, so that nothing is missed
		c.mu.Unlock()
		r.mu.Lock()
		r.full = full
		if !full {
			r.heard = time.Now()
		}
		r.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-room:
		case <-r.dead:
			return false
		}
	}
}

func (r *run) write() {
	defer r.stop()
	for {
		msg, err := r.link.Next()
		if err != nil {
			return
		}
		if msg != nil {
			if r.carrier.Send(context.Background(), msg) != nil {
				return
			}
			continue
		}
		if r.conn.s.over() {
			return // BYE is out
		}
		select {
		case <-r.wake:
		case <-r.dead:
			return
		}
	}
}

// soon makes the next check come within d.
func (r *run) soon(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := time.Now().Add(d); at.Before(r.next) {
		r.schedule(at)
	}
}

// schedule sets the time of the next check; r.mu is held.
func (r *run) schedule(at time.Time) {
	select {
	case <-r.dead:
	default:
		r.next = at
		r.timer.Reset(time.Until(at))
	}
}

// tick sends an acknowledgement that found nothing to go along with, asks a silent carrier
// for a sign of life, and gives up one that did not answer.
func (r *run) tick() {
	cfg := &r.conn.c.cfg
	owes, waits := r.link.open()
	r.mu.Lock()
	now := time.Now()
	quietMax := cfg.PingIdle
	if waits {
		quietMax = min(quietMax, cfg.PingBusy)
	}
	next := r.heard.Add(quietMax)
	switch {
	case r.full: // the reader waits for Receive: silence is not the carrier's fault
		next = now.Add(quietMax)
	case !r.asked.IsZero():
		next = r.asked.Add(cfg.PingWait)
		if !next.After(now) {
			r.mu.Unlock()
			r.stop()
			return
		}
	case !next.After(now):
		r.asked = now
		r.link.Ping()
		next = now.Add(cfg.PingWait)
	}
	r.schedule(next)
	r.mu.Unlock()
	if owes {
		r.link.Ack()
	}
	r.nudge()
}
