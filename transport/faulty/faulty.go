// Package faulty wraps carriers so that they fail as real ones do: cut before, in the middle
// of, or after a message; slow; or silent for ever without an error. What happens when is
// drawn from a seed, so that a failing run can be repeated.
//
// A faulty carrier keeps the promises of package transport: as long as it lives, messages
// come in order, whole, and once. Safe for concurrent use.
package faulty

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"paperplane/transport"
)

// Faults says what may go wrong; the zero value is a perfect carrier.
type Faults struct {
	// CutMean is the mean number of messages, both ways together, until a connection dies.
	CutMean int
	// StallMean is the same until it falls silent: nothing fails and nothing arrives.
	StallMean int
	// DelayMax bounds the random delay of each received message.
	DelayMax time.Duration
	// DialFails is the probability that a Dial fails.
	DialFails float64
}

// Dialer makes every connection of another dialer faulty.
type Dialer struct {
	next   transport.Dialer
	faults Faults

	mu    sync.Mutex
	rand  *rand.Rand
	off   bool
	conns map[*conn]struct{}
}

var (
	_ transport.Dialer      = (*Dialer)(nil)
	_ transport.MessageConn = (*conn)(nil)
)

// New returns a dialer whose faults come from seed.
func New(next transport.Dialer, seed uint64, f Faults) *Dialer {
	return &Dialer{next: next, faults: f, rand: rand.New(rand.NewPCG(seed, 0x9aa)), conns: map[*conn]struct{}{}}
}

// Heal ends all faults: stalled connections die, new ones are perfect.
func (d *Dialer) Heal() {
	d.mu.Lock()
	d.off = true
	all := make([]*conn, 0, len(d.conns))
	for c := range d.conns {
		all = append(all, c)
	}
	d.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

// Stall makes every connection that is open now fall silent.
func (d *Dialer) Stall() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		c.mu.Lock()
		c.stalled = true
		c.mu.Unlock()
	}
}

// Dial connects, or fails as drawn.
func (d *Dialer) Dial(ctx context.Context, address string) (transport.MessageConn, error) {
	d.mu.Lock()
	off := d.off
	fails := !off && d.rand.Float64() < d.faults.DialFails
	r := rand.New(rand.NewPCG(d.rand.Uint64(), d.rand.Uint64()))
	d.mu.Unlock()
	if fails {
		return nil, transport.ErrUnreachable
	}
	next, err := d.next.Dial(ctx, address)
	if err != nil || off {
		return next, err
	}
	c := &conn{next: next, d: d, rand: r, dead: make(chan struct{}), cut: draw(r, d.faults.CutMean), stall: draw(r, d.faults.StallMean)}
	d.mu.Lock()
	d.conns[c] = struct{}{}
	d.mu.Unlock()
	return c, nil
}

// draw returns after how many messages something happens; negative: never.
func draw(r *rand.Rand, mean int) int {
	if mean <= 0 {
		return -1
	}
	return int(r.ExpFloat64() * float64(mean))
}

type conn struct {
	next transport.MessageConn
	d    *Dialer
	dead chan struct{} // closed by Close
	once sync.Once

	mu         sync.Mutex
	rand       *rand.Rand
	cut, stall int // messages left; negative: never, or already
	stalled    bool
	failed     bool
}

// What happens to one message.
const (
	pass    = iota
	cutOff  // it does not arrive, and the caller is told
	cutLost // it does not arrive, and the caller is not told yet
	cutLate // it arrives, and the caller is told that it failed
	silence
)

func (c *conn) step() (what int, delay time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.d.faults.DelayMax > 0 {
		delay = time.Duration(c.rand.Int64N(int64(c.d.faults.DelayMax)))
	}
	switch {
	case c.failed:
		return cutOff, 0
	case c.stalled:
		return silence, 0
	case c.cut == 0:
		c.failed = true
		return cutOff + c.rand.IntN(3), delay
	case c.stall == 0:
		c.stalled = true
		return silence, 0
	}
	if c.cut > 0 {
		c.cut--
	}
	if c.stall > 0 {
		c.stall--
	}
	return pass, delay
}

func (c *conn) Send(ctx context.Context, b []byte) error {
	if len(b) > transport.MessageBytesMax {
		_ = c.Close()
		return transport.ErrTooLarge
	}
	what, _ := c.step()
	switch what {
	case silence, cutLost:
		return c.err(ctx, nil)
	case cutLate:
		_ = c.next.Send(ctx, b)
		return c.fail()
	case cutOff:
		return c.fail()
	}
	return c.err(ctx, c.next.Send(ctx, b))
}

func (c *conn) Receive(ctx context.Context) ([]byte, error) {
	b, err := c.next.Receive(ctx)
	if err != nil {
		return nil, c.err(ctx, err)
	}
	what, delay := c.step()
	if delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.dead:
			return nil, transport.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	switch what {
	case silence:
		select {
		case <-c.dead:
			return nil, transport.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case cutOff, cutLost:
		return nil, c.fail()
	}
	return b, nil // cutLate: this one came through, the next call fails
}

// err prefers the truth about this end over what the carrier below says.
func (c *conn) err(ctx context.Context, err error) error {
	select {
	case <-c.dead:
		return transport.ErrClosed
	default:
	}
	if err == nil {
		return ctx.Err()
	}
	return err
}

func (c *conn) fail() error {
	_ = c.next.Close()
	select {
	case <-c.dead:
		return transport.ErrClosed
	default:
		return transport.ErrUnreachable
	}
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.dead)
		c.d.mu.Lock()
		delete(c.d.conns, c)
		c.d.mu.Unlock()
	})
	return c.next.Close()
}
