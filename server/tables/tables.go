// Package tables is the seam behind which a server keeps what it must know besides records and
// blobs: which logs there are, which keys open them, the doors and pools of inboxes, members,
// and its own settings. Every column is accounted for in server/inventory.go and spec/threat.md.
//
// A Tables is safe for concurrent use. Every method that changes something is one transaction:
// when it has returned nil the change survives kill -9 and power loss, and a crash in the middle
// leaves the state before it. Nothing here is finer than a day, and nothing on disk may show in
// which order rows came, so implementations cluster rows by their random ids.
package tables

import (
	"errors"

	"paperplane/protocol/plane"
)

var (
	// ErrAbsent: no such row. The caller answers plane.Refused.
	ErrAbsent = errors.New("tables: absent")
	// ErrExists: the row is there. The caller compares it with what was asked for.
	ErrExists = errors.New("tables: exists")
	// ErrUsedUp: the door has no use left or its day is past. The caller answers plane.UsedUp.
	ErrUsedUp = errors.New("tables: door used up")
	// ErrLimit: one more row would pass a limit of package plane. The caller answers TooLarge.
	ErrLimit = errors.New("tables: limit reached")
	// ErrFull: no space left; nothing changed. The caller answers plane.Full.
	ErrFull = errors.New("tables: disk full")
	// ErrDamaged: the database does not hold together. The operator runs doctor and restores.
	ErrDamaged = errors.New("tables: damaged data")
)

// CapsMax bounds the generations of one log whose read keys are kept; the oldest goes first.
const CapsMax = 256

// Flags of a log.
type Flags uint8

// The flags. Values are stored: fixed for ever.
const (
	FlagFrozen Flags = 1 << iota // appends are answered with plane.Closed
	FlagInbox                    // has doors and a pool
)

// Log is a row of table log.
type Log struct {
	ID      plane.LogID
	Owner   plane.PublicKey
	Gen     plane.Gen // the current generation
	TTLDays uint8
	Opened  plane.Month // last month in which somebody opened it, for the collection of dead logs
	Flags   Flags
}

// Cap is a row of table cap: the keys of one generation. LastSeq is the last record that an old
// generation may read; it is meaningless for the current one.
type Cap struct {
	Gen     plane.Gen
	Read    plane.PublicKey
	Write   plane.PublicKey
	LastSeq plane.Seq
}

// Door is a row of table door.
type Door struct {
	Key   plane.PublicKey
	Left  uint16
	Until plane.Day // the last day on which the door opens
}

// Member is a row of table member.
type Member struct {
	Key    plane.PublicKey
	Joined plane.Month
	Seen   plane.Month
	Class  uint8 // 1 = ordinary; others are for later
}

// Setting numbers the rows of table setting. Values are stored: fixed for ever.
type Setting uint8

// The settings.
const (
	_              Setting = iota
	SettingKeyMark         // SHA-256 over the server's public identity: its key file belongs to these tables
	SettingFront           // LogID of the front door
)

// Tables keeps the rows. Implementations: lite (SQLite, one file) and mem; see tablestest.
type Tables interface {
	Logs
	Doors
	Pools
	Members
	Settings
	// Tidy makes the files show no order of arrival and no deleted row: it empties journals and,
	// with rewrite, lays all rows down anew. The server calls it every minute and hourly.
	Tidy(rewrite bool) error
	// Close frees all resources.
	Close() error
}

// Logs are the tables log and cap.
type Logs interface {
	// Log returns one row, or ErrAbsent.
	Log(id plane.LogID) (Log, error)
	// Cap returns the keys of one generation, or ErrAbsent.
	Cap(id plane.LogID, gen plane.Gen) (Cap, error)
	// CreateLog adds a log with its first generation; ErrExists when the id is taken.
	CreateLog(l Log, c Cap) error
	// Rotate sets the LastSeq of generation c.Gen-1, adds c and makes it the current one.
	// ErrAbsent when the log is not there, ErrExists when c.Gen-1 is not its generation.
	Rotate(id plane.LogID, lastSeq plane.Seq, c Cap) error
	// SetLog changes TTL and flags. ErrAbsent when the log is not there.
	SetLog(id plane.LogID, ttlDays uint8, f Flags) error
	// DropCaps removes the old generations whose LastSeq lies before seq.
	DropCaps(id plane.LogID, before plane.Seq) error
	// DeleteLog removes a log with its generations, doors and pool; absent is no error.
	DeleteLog(id plane.LogID) error
	// MarkOpened sets the month of the given logs and members; absent ones are passed over.
	// One transaction for all, so that the order within the batch leaves no trace.
	MarkOpened(m plane.Month, logs []plane.LogID, members []plane.PublicKey) error
	// EachLog calls f for every log, in order of ids, over one snapshot; f may call the others.
	EachLog(f func(Log) error) error
}

// Doors is the table door.
type Doors interface {
	// Door returns one row, or ErrAbsent.
	Door(id plane.LogID, key plane.PublicKey) (Door, error)
	// PutDoor adds or replaces a door; ErrLimit above plane.DoorsMax, ErrAbsent without the log.
	PutDoor(id plane.LogID, d Door) error
	// DeleteDoor removes a door; absent is no error.
	DeleteDoor(id plane.LogID, key plane.PublicKey) error
	// TakeDoor takes one use and, when member is given, adds that member (there already: no
	// error): both or neither. ErrAbsent, or ErrUsedUp when no use is left or Until < today.
	TakeDoor(id plane.LogID, key plane.PublicKey, today plane.Day, member *Member) error
	// DropDoors removes all doors whose Until lies before day.
	DropDoors(before plane.Day) error
}

// Pools are the tables card and package.
type Pools interface {
	// PutPool replaces card and last-resort package where not nil and adds one-time packages,
	// each once. A last-resort package takes the place of all packages before. It returns how many one-time packages are there then. ErrLimit above
	// plane.PoolPackagesMax (nothing changed), ErrAbsent without the log.
	PutPool(id plane.LogID, card, lastResort []byte, packages [][]byte) (left int, err error)
	// Card returns the card, or ErrAbsent.
	Card(id plane.LogID) ([]byte, error)
	// TakePackage removes and returns a one-time package, or returns the last-resort one when
	// there is none or oneTime is false; ErrAbsent when there is neither.
	TakePackage(id plane.LogID, oneTime bool) (p []byte, lastResort bool, err error)
}

// Members is the table member.
type Members interface {
	// Member returns one row, or ErrAbsent.
	Member(key plane.PublicKey) (Member, error)
	// DropMembers removes the members not seen since the month.
	DropMembers(before plane.Month) error
}

// Settings is the table setting.
type Settings interface {
	// Setting returns a value, or ErrAbsent.
	Setting(s Setting) ([]byte, error)
	// SetSetting stores a value of at most 64 bytes.
	SetSetting(s Setting, value []byte) error
}
