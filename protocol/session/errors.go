package session

import "errors"

// What can go wrong. The texts hold nothing personal.
var (
	// ErrServerKey: the server does not hold the pinned key, or somebody stands in between.
	// The client shows it and does not send anything; another carrier may lead to the right
	// server.
	ErrServerKey = errors.New("session: the server does not hold the expected key")
	// ErrVersion: the server speaks no common version. The client must be updated.
	ErrVersion = errors.New("session: no common version")
	// ErrBusy: the server takes no more sessions now. Try again later.
	ErrBusy = errors.New("session: server is full")
	// ErrProtocol: the peer broke the protocol or the bytes were changed on the way. The
	// carrier is dead; try again on another.
	ErrProtocol = errors.New("session: peer broke the protocol")
	// ErrLost: another carrier won the race; this one was not used and is closed.
	ErrLost = errors.New("session: another carrier was faster")
	// ErrEnded: the session is over. At a client: attach again, which gives a fresh session;
	// what became of unanswered requests is unknown. At a server: the handler returns.
	ErrEnded = errors.New("session: ended")
	// ErrOverflow: the peer does not take what is sent; the session has ended.
	ErrOverflow = errors.New("session: peer does not keep up")
	// ErrTooLarge: a payload above PayloadBytesMax, or empty. It was not sent.
	ErrTooLarge = errors.New("session: payload empty or too large")
	// ErrClosed: the Client or Server was closed by its owner.
	ErrClosed = errors.New("session: closed")
	// ErrKeyText: not the text form of a key.
	ErrKeyText = errors.New("session: not a key")

	// errStale: a message of a carrier that is no longer attached. Drivers drop the carrier.
	errStale = errors.New("session: carrier was replaced")
)
