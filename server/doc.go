// Package server is the service that keeps logs and blobs for people it knows nothing about.
//
// A Server answers the requests of package wire. It is driven from outside: Attach gives a Peer
// for one session, Peer.Begin takes one request, Peer.Next gives what is to be sent, and Tick does
// what is due. The package starts no goroutine of its own but in ServeSession, keeps no clock and
// opens no file, so that the simulator drives it in one goroutine and cmd drives it with
// thousands.
//
// Invariants: an APPEND is answered after its record is durable, never before (W-20); records of
// a subscription come in order and without gaps but for expired ones; a write key of an old
// generation appends nothing after ROTATE has been answered; not allowed, not there and expired
// are one code and one cost (L-08). All peers may be used concurrently; each Peer's methods say
// who may call them.
//
// Lock order: Server.pause, live.mu, live.hub, Peer.mu, Server.mu.
//
// What is kept, for how long and for whom to read is in inventory.go; what a crash between two
// writes leaves behind is stated at each request. Spec: spec/log.md, spec/wire.md, spec/threat.md.
package server
