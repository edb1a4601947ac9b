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
	// ErrLimit: a key, value, transaction or file is over its limit below; nothing was written.
	ErrLimit = errors.New("vault: over a limit")
	// ErrName: an empty key, one that begins with a zero byte (those are the vault's own), or a
	// file name that is not f- and [a-z0-9.-].
	ErrName = errors.New("vault: not a name the vault takes")
	// ErrExists: PutFile on a name that is taken.
	ErrExists = errors.New("vault: file exists")
	// ErrNewer: a later version of the program wrote this vault; the caller asks for an update.
	ErrNewer = errors.New("vault: written by a newer version")
	// ErrBroken: a write failed and could not be undone. Reads go on; to commit again the caller
	// closes the vault and opens it anew. The failed transaction is then there whole or not at all.
	ErrBroken = errors.New("vault: storage failed, open again")
)

// File is what the vault needs of a file system; os.File has it, and so has an OPFS handle.
// After Sync the bytes, the size and the name of the file survive a crash. What was not synced
// may survive in any part and order. ReadAt may run beside itself and WriteAt. An error for lack
// of space is ErrFull (errors.Is); the file may then hold a part of what was written.
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
//
// The vault never has two Files of one name open, and never removes or replaces an open one
// (OPFS and Windows could not). Removing what is not there is no error; a Remove may come undone
// in a crash. List also names files that were never synced, but not what the lock needs. No
// error text holds a name or a path.
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
	KeyBytesMax = 256
	// ValueBytesMax leaves room for the largest group: a commit that waits holds its tree twice.
	ValueBytesMax = 4 << 20
	// CommitBytesMax bounds one transaction, keys and values together.
	CommitBytesMax = 16 << 20
	// OpsMax bounds the ops of one transaction.
	OpsMax = 1 << 16
	// FileBytesMax bounds one sealed file.
	FileBytesMax = 4 << 30
	// FileNameBytesMax bounds its name.
	FileNameBytesMax = 64
)
