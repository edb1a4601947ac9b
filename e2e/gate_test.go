package e2e

import (
	"net"
	"sync"
	"testing"
)

// gate stands between a server and its clients, counts what passes, and calls upon whoever is to
// die at an exact moment: before the n-th piece of a direction gets through. A piece is what one
// read brings, which is one message of the carrier but for large ones. So processes are killed at
// points that their own behaviour sets, without a hook in the program.
type gate struct {
	addr string

	mu     sync.Mutex
	target string
	conns  int     // that came so far
	armed  *charge // nil: all passes
}

// charge is what is to happen at a moment.
type charge struct {
	conn int  // which connection counts; -1 for all
	down bool // from the server, else to it
	n    int  // the piece that does not get through any more
	seen int
	hit  chan struct{} // closed when it happens
	kill func()
}

// newGate opens a gate; whither, its owner says later.
func newGate(t *testing.T) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{addr: l.Addr().String()}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.mu.Lock()
			conn := g.conns
			g.conns++
			g.mu.Unlock()
			go g.pass(c, conn)
		}
	}()
	return g
}

// next is the number of the connection that comes next.
func (g *gate) next() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.conns
}

// arm sets the next charge; there is one at a time.
func (g *gate) arm(c *charge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.hit = make(chan struct{})
	g.armed = c
}

// disarm lets everything pass and says how many pieces were counted.
func (g *gate) disarm() (seen int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.armed != nil {
		seen = g.armed.seen
	}
	g.armed = nil
	return seen
}

func (g *gate) pass(c net.Conn, conn int) {
	defer c.Close()
	g.mu.Lock()
	target := g.target
	g.mu.Unlock()
	s, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer s.Close()
	var both sync.WaitGroup
	both.Go(func() { g.carry(s, c, conn, false) })
	both.Go(func() { g.carry(c, s, conn, true) })
	both.Wait()
}

// carry moves pieces until one end is gone; then the other goes, too.
func (g *gate) carry(to, from net.Conn, conn int, down bool) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil || !g.lets(conn, down) {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// lets says whether a piece gets through.
func (g *gate) lets(conn int, down bool) bool {
	g.mu.Lock()
	c := g.armed
	if c == nil || c.down != down || c.conn >= 0 && c.conn != conn {
		g.mu.Unlock()
		return true
	}
	c.seen++
	now := c.seen == c.n
	if now {
		g.armed = nil
	}
	g.mu.Unlock()
	if now {
		c.kill()
		close(c.hit)
	}
	return !now
}
