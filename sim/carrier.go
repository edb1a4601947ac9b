package sim

import (
	"time"

	"paperplane/core"
	"paperplane/protocol/plane"
	"paperplane/protocol/session"
)

// carrier is one connection: in order and unchanged while it lives, gone at any message.
type carrier struct {
	w        *world
	client   *simClient
	life     int // the client's, when it was dialed
	link     *session.ClientLink
	far      *carrierEnd
	attached bool
	dead     bool
	lastUp   time.Time
	lastDown time.Time
	acking   bool
}

// carrierEnd is the server's end.
type carrierEnd struct {
	k       *carrier
	server  *session.ServerLink
	session *serverSession
	acking  bool
}

// delay draws a message's time on the way; the order of one direction stays.
func (k *carrier) delay(last *time.Time) time.Duration {
	at := k.w.now.Add(k.w.between(time.Millisecond, 40*time.Millisecond))
	if k.w.chance(0.02) {
		at = at.Add(k.w.between(0, 2*time.Second))
	}
	if at.Before(*last) {
		at = *last
	}
	*last = at
	return at.Sub(k.w.now)
}

// broken draws whether the carrier dies with this message, before or after it.
func (k *carrier) broken() bool {
	if k.w.chance(0.004) {
		k.w.stats.cuts++
		return true
	}
	return false
}

// up carries a message to the server.
func (k *carrier) up(msg []byte) {
	if k.dead {
		return
	}
	if k.broken() {
		k.cut("carrier lost")
		return
	}
	srv := k.w.server
	life := srv.life
	k.w.after(k.delay(&k.lastUp), func() {
		if !k.dead && srv.up && srv.life == life {
			srv.alive(func() { srv.take(k.far, msg) })
		}
	})
}

// send carries a message to the client.
func (e *carrierEnd) send(msg []byte) {
	k := e.k
	if k.dead {
		return
	}
	if k.broken() {
		k.cut("carrier lost")
		return
	}
	k.w.after(k.delay(&k.lastDown), func() {
		if !k.dead && k.client.up && k.client.life == k.life {
			k.client.take(k, msg)
		}
	})
}

func (e *carrierEnd) cut(why string) { e.k.cut(why) }

// cut ends the carrier: what is on the way is lost, both ends learn of it.
func (k *carrier) cut(why string) {
	if k.dead {
		return
	}
	k.dead = true
	k.link.Close()
	k.far.server.Close()
	if k.far.session != nil && k.far.session.link == k.far {
		k.far.session.link = nil
	}
	c := k.client
	if c.carrier != k {
		return
	}
	c.carrier = nil
	k.w.tell("%s loses its carrier: %s", c.name, why)
	c.in(k.w.between(0, 200*time.Millisecond), func() {
		c.step(core.Disconnected{Server: c.server(), Why: plane.OK})
		c.in(k.w.between(50*time.Millisecond, 2*time.Second), c.dial)
	})
}

// flushUp sends what the session has to say.
func (k *carrier) flushUp() {
	for !k.dead {
		msg, err := k.link.Next()
		if err != nil {
			k.cut("session: " + err.Error())
			return
		}
		if msg == nil {
			return
		}
		k.up(msg)
	}
}

// flush does the same at the server's end.
func (e *carrierEnd) flush(next func() ([]byte, error)) {
	for !e.k.dead {
		msg, err := next()
		if err != nil {
			e.cut("session: " + err.Error())
			return
		}
		if msg == nil {
			return
		}
		e.send(msg)
	}
}

// ackDelay is how long an acknowledgement waits for company, as in the drivers.
const ackDelay = 500 * time.Millisecond

func (k *carrier) ackSoon() {
	if k.acking {
		return
	}
	k.acking = true
	k.w.after(ackDelay, func() {
		k.acking = false
		if !k.dead {
			k.link.Ack()
			k.flushUp()
		}
	})
}
