// Package store is the seam behind which a server keeps logs: append-only sequences of opaque,
// padded records, each under its log's id, kept by UTC day and deleted a whole day at a time.
//
// A Log is safe for concurrent use. Append returns only after the record is on stable storage;
// a record whose Append returned survives kill -9 and power loss and is never given another
// number. What an implementation writes must not show, once it is older than the tail (at most
// an hour), in which order records of different logs arrived (privacy: spec/threat.md).
// The package knows nothing of keys, doors or people; those are tables of package server.
package store

import (
	"context"
	"errors"

	"paperplane/protocol/plane"
)

var (
	// ErrFull: no space left; nothing was stored. The caller answers plane.Full and goes on.
	ErrFull = errors.New("store: disk full")
	// ErrClosed: the store is closing. The caller drops the connection.
	ErrClosed = errors.New("store: closed")
	// ErrDamaged: stored bytes do not match their checksum. The caller answers plane.Failed,
	// counts it and tells the operator; other logs go on.
	ErrDamaged = errors.New("store: damaged data")
	// ErrSize: the body has none of the record sizes of package plane. A bug of the caller.
	ErrSize = errors.New("store: not a record size")
)

// Record is one stored record. Body belongs to the caller after a Read.
type Record struct {
	Seq  plane.Seq
	Body []byte
}

// Log keeps records. Implementations: embedded (a folder), mem, faulty; see storetest.
type Log interface {
	// Append stores body durably as the next record of id, filed under day, and returns its
	// number: one more than the highest ever given for id, even when older records have
	// expired. When retry is set and one of the last RetryWindow records of id has the same
	// body, that record's number is returned and nothing is stored: the caller repeats an
	// append whose outcome it does not know. Append keeps no reference to body.
	// Cancelling ctx may leave the record stored.
	Append(ctx context.Context, id plane.LogID, day plane.Day, body []byte, retry bool) (plane.Seq, error)
	// Read returns up to limit records of id from seq from on, in order. Expired records are
	// left out silently. An unknown id reads as an empty log.
	Read(ctx context.Context, id plane.LogID, from plane.Seq, limit int) ([]Record, error)
	// Head returns the highest number ever given for id; 0 for an unknown id.
	Head(ctx context.Context, id plane.LogID) (plane.Seq, error)
	// Forget removes all records of id and its head so that no file holds them once it has
	// returned and Settle has run.
	Forget(ctx context.Context, id plane.LogID) error
	// Expire removes, for each log, the records filed before the day that keep gives for it;
	// it removes whole day files where it can. keep is called for every log id met.
	Expire(ctx context.Context, keep func(plane.LogID) plane.Day) error
	// Settle merges the tail into the sorted day segments and erases the tail. The server calls
	// it hourly and before a backup; tests call it to look at what is left on the disk.
	Settle(ctx context.Context) error
	// Close settles nothing; it makes durable what was acknowledged and frees all resources.
	Close() error
}

// RetryWindow is how many of a log's newest records a retried Append is compared with.
const RetryWindow = 256

// SizeOK reports whether n is one of the record sizes; implementations answer ErrSize otherwise.
func SizeOK(n int) bool {
	return n == plane.RecordSmall || n == plane.RecordMedium || n == plane.RecordLarge
}
