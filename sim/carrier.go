package sim

import (
	"time"

	"paperplane/core"
	"paperplane/protocol/plane"
	"paperplane/protocol/session"
)

// carrier is one connection: in order and unchanged while it lives, gone at any message. One end
// may learn of that later than the other, so that messages of a carrier that is gone for the client
// still reach the server when a newer one is up, and the other way round.
type carrier struct {
	w        *world
	client   *simClient
	life     int // the client's, when it was dialed
	link     *session.ClientLink
	far      *carrierEnd
	attached bool
	dead     bool // for the client
	lastUp   time.Time
	lastDown time.Time
	acking   bool
}

// carrierEnd is the server's end.
type carrierEnd struct {
	k       *carrier
	server  *session.ServerLink
	session *serverSession
	dead    bool
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

// broken draws whether the carrier dies with this message, and this message with it.
func (k *carrier) broken() bool {
	if k.w.chance(0.004) {
		k.w.stats[cuts]++
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
		k.fade()
		return
	}
	srv := k.w.server
	life := srv.life
	k.w.after(k.delay(&k.lastUp), func() {
		if !k.far.dead && srv.up && srv.life == life {
			srv.alive(func() { srv.take(k.far, msg) })
		}
	})
}

// send carries a message to the client.
func (e *carrierEnd) send(msg []byte) {
	k := e.k
	if e.dead {
		return
	}
	if k.broken() {
		k.fade()
		return
	}
	k.w.after(k.delay(&k.lastDown), func() {
		if !k.dead && k.client.up && k.client.life == k.life {
			k.client.take(k, msg)
		}
	})
}

// lateMax is how much later than the other one end may learn that the carrier is gone.
const lateMax = 3 * time.Second

// fade ends the carrier as the network does.
func (k *carrier) fade() {
	switch k.w.rng.IntN(3) {
	case 0:
		k.cut("carrier lost")
	case 1:
		k.end("carrier lost; the server does not know yet")
		k.w.after(k.w.between(0, lateMax), k.far.end)
	case 2:
		k.far.end()
		k.w.after(k.w.between(0, lateMax), func() { k.end("carrier lost a while ago") })
	}
}

func (e *carrierEnd) cut(why string) { e.k.cut(why) }

// cut ends the carrier for both ends at once.
func (k *carrier) cut(why string) {
	k.far.end()
	k.end(why)
}

// end ends it for the server.
func (e *carrierEnd) end() {
	if e.dead {
		return
	}
	e.dead = true
	e.server.Close()
	if e.session != nil && e.session.link == e {
		e.session.link = nil
	}
}

// end ends it for the client.
func (k *carrier) end(why string) {
	if k.dead {
		return
	}
	k.dead = true
	k.link.Close()
	c := k.client
	if c.carrier != k {
		return
	}
	c.carrier = nil
	k.w.tell("%s loses its carrier: %s", c.name, why)
	c.hanging = true // nothing is dialed before the machine was told
	c.in(k.w.between(0, 200*time.Millisecond), func() {
		c.hanging = false
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
	for !e.dead {
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
