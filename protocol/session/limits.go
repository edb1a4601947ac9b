package session

import (
	"time"

	"paperplane/protocol/plane"
)

// Bounds of the protocol (S-40). Sizes are bytes.
const (
	// PayloadBytesMax bounds one payload: one frame of the protocol above.
	PayloadBytesMax = plane.FrameBytesMax

	// ClientQueueBytes and ClientQueueCount bound what a client has sent and the server has
	// not acknowledged. Send waits when either is reached.
	ClientQueueBytes = 4 << 20
	ClientQueueCount = 1024

	// ServerQueueBytes and ServerQueueCount bound the same at the server, for one session.
	// A session that goes over ends: its client does not keep up.
	ServerQueueBytes = 8 << 20
	ServerQueueCount = 4096

	// ServerQueueBytesAll bounds the queues of all sessions of a server together.
	ServerQueueBytesAll = 512 << 20

	// SessionsMaxDefault bounds the sessions of a server when its Options say nothing.
	SessionsMaxDefault = 200_000
	// HandshakesMax bounds the carriers that are shaking hands at one time.
	HandshakesMax = 4096

	// inboxBytesMax and inboxCountMax bound what a client holds for Receive before it stops
	// reading from the carrier.
	inboxBytesMax = 4 << 20
	inboxCountMax = 1024

	// handshakePadMax bounds the random padding of HELLO and WELCOME.
	handshakePadMax = 512
	// handshakeBytesMax bounds every message before the first sealed frame.
	handshakeBytesMax = 4096

	// framesPerAttachMax is how many frames one direction of one attach may carry.
	framesPerAttachMax = 1 << 40

	// ackAfterCount and ackAfterBytes: so much is received before an acknowledgement is sent
	// for its own sake; every other frame carries one anyway (S-33). A client acknowledges
	// the rest after AckDelay: what it leaves open fills the server's memory.
	ackAfterCount = 16
	ackAfterBytes = 64 << 10
)

// Times of the drivers (S-41).
const (
	// HandshakeTime bounds the handshake of one carrier at the server, and at a client whose
	// context has no earlier deadline.
	HandshakeTime = 15 * time.Second
	// DetachedTime is how long a server keeps a session that no carrier serves.
	DetachedTime = 2 * time.Minute
	// IdleTime is how long a server keeps a carrier on which nothing arrives. It is above the
	// client's PingIdle + PingWait with room for one lost ping.
	IdleTime = 75 * time.Second
	// PingIdle: a client that heard nothing for so long asks whether the carrier is alive.
	PingIdle = 25 * time.Second
	// PingBusy: the same while something sent is not acknowledged yet.
	PingBusy = 5 * time.Second
	// SweepTime is how often a server looks for idle carriers and abandoned sessions.
	SweepTime = 5 * time.Second
	// AckDelay is how long a client waits for something to send along with an
	// acknowledgement.
	AckDelay = 500 * time.Millisecond
	// PingWait: a carrier that does not answer within this time is dead.
	PingWait = 10 * time.Second
)
