package coretest

import (
	"maps"
	"slices"
	"testing"
	"time"

	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// Fork returns a copy of the world as it would be after a power cut of all clients: what they have
// stored, and the server's logs. Many small stories begin in one place that took long to get to.
func (w *World) Fork(t testing.TB) *World {
	n := &World{T: t, Now: w.Now, count: w.count}
	s := *w.Server
	s.logs = map[plane.LogID]*Log{}
	for id, l := range w.Server.logs {
		x := *l
		x.caps, x.doors = map[plane.Gen]*generation{}, map[plane.PublicKey]*wire.Door{}
		for k, v := range l.caps {
			x.caps[k] = new(*v)
		}
		for k, v := range l.doors {
			x.doors[k] = new(*v)
		}
		x.Records, x.Pool = slices.Clone(l.Records), slices.Clone(l.Pool)
		s.logs[id] = &x
	}
	s.members, s.Blobs = maps.Clone(s.members), maps.Clone(s.Blobs)
	n.Server = &s
	for _, c := range w.Clients {
		x := n.ready(c.Name)
		x.cmd = c.cmd
		x.Vault = c.Vault.Clone()
		x.start()
	}
	return n
}

// Clone copies a vault: a backup.
func (v *Vault) Clone() *Vault { return &Vault{maps.Clone(v.m), slices.Clone(v.keys)} }

// Restore puts an older copy of its vault back and starts the client from it.
func (c *Client) Restore(v *Vault) {
	c.hang()
	c.links, c.wake, c.objects, c.Vault = nil, time.Time{}, nil, v.Clone()
	c.start()
}

// Turn lets one client do one thing, and says whether there was any.
func (w *World) Turn(c *Client) bool { return w.turn(c) }

// Until is when the next client wants to look at the clock; false when nobody does.
func (w *World) Until() (at time.Time, ok bool) {
	for _, c := range w.Clients {
		if !c.wake.IsZero() && (!ok || c.wake.Before(at)) {
			at, ok = c.wake, true
		}
	}
	return at, ok
}
