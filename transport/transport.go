// Package transport is the seam between the sealed session and whatever carries it: a way to
// move bounded messages in order to and from one peer until the carrier dies.
//
// A carrier promises order and no corruption as long as it lives; it may die at any byte and
// then says so. It promises no secrecy and no authenticity: package session does.
package transport

import (
	"context"
	"errors"
)

// MessageBytesMax bounds one message on a carrier: a frame of the session and its seal.
const MessageBytesMax = 300 << 10

var (
	// ErrClosed: this end closed the connection.
	ErrClosed = errors.New("transport: closed")
	// ErrUnreachable: the peer could not be reached this way. Try another way or later.
	ErrUnreachable = errors.New("transport: unreachable")
	// ErrTooLarge: a message above MessageBytesMax; the connection is dead.
	ErrTooLarge = errors.New("transport: message too large")
)

// MessageConn carries messages in order. One goroutine may call Receive while another calls
// Send; Close may be called by anybody, at any time, more than once, and unblocks both.
type MessageConn interface {
	// Send hands one message to the carrier; it keeps no reference to b.
	Send(ctx context.Context, b []byte) error
	// Receive returns the next message, which belongs to the caller.
	Receive(ctx context.Context) ([]byte, error)
	Close() error
}

// Dialer opens a carrier to an address of its own kind ("ws://…", "wss://…", "mem:…").
type Dialer interface {
	Dial(ctx context.Context, address string) (MessageConn, error)
}

// Listener hands out incoming carriers. Accept returns ErrClosed after Close.
type Listener interface {
	Accept(ctx context.Context) (MessageConn, error)
	Close() error
}

// Traits says what a carrier is like, for the policy that chooses among them.
type Traits struct {
	Kind   string // a fixed word: "ws", "tls", "mem"; safe for metrics
	Stream bool   // low latency both ways
	Hidden bool   // an observer cannot name the protocol
}
