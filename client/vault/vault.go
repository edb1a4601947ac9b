// Package vault keeps a client's state at rest: an ordered set of keys and values in one sealed,
// append-only log over a six-method File, the same bytes on a desktop and in a browser.
//
// Every record is sealed with XChaCha20-Poly1305 under a data key; keys of records never appear
// in the clear. Commit is atomic and durable: after a crash the vault holds every committed
// transaction whole and nothing of any other. A torn tail is cut; damage before it is
// ErrDamaged, never silently skipped. See vaulttest for the contract of a Dir.
package vault

import (
	"errors"
	"io"
)

var (
	// ErrDamaged: stored bytes fail authentication before the tail. The caller stops, tells the
	// person and offers recovery; it never goes on with part of the state.
	ErrDamaged = errors.New("vault: damaged")
	// ErrKey: the data key does not open this vault.
	ErrKey = errors.New("vault: wrong key")
	// ErrFull: no space left; the transaction left no trace and the vault stays usable.
	ErrFull = errors.New("vault: disk full")
	// ErrBusy: another process or tab holds the vault.
	ErrBusy = errors.New("vault: in use")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("vault: closed")
	// ErrAbsent: no such key.
	ErrAbsent = errors.New("vault: absent")
)

// File is what the vault needs of a file system; os.File has it, and so has an OPFS handle.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Size() (int64, error)
	Close() error
}

// Dir is a flat folder of Files. Names are [a-z0-9.-], at most 64 bytes. Open creates a missing
// file. Replace makes from take the name to, atomically and durably. Lock keeps others out and
// returns ErrBusy when somebody else holds it.
type Dir interface {
	Open(name string) (File, error)
	Remove(name string) error
	Replace(from, to string) error
	List() ([]string, error)
	Lock() (unlock func(), err error)
}

// Op sets Key to Value, or deletes Key when Value is nil.
type Op struct {
	Key   string
	Value []byte
}

// Limits of one vault.
const (
	KeyBytesMax   = 256
	ValueBytesMax = 1 << 20
	// CommitBytesMax bounds one transaction, keys and values together.
	CommitBytesMax = 16 << 20
)
