package core

import (
	"time"

	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// Input is one thing that happened outside. The sum is closed.
type Input interface{ input() }

// Effect is one thing for the driver to do. The sum is closed. The effects of one Step are done
// in order: a Persist is durable before anything after it starts.
type Effect interface{ effect() }

// ServerID names a server by the fingerprint of its key.
type ServerID [32]byte

// Do is a person's command. ID makes it idempotent: a command whose ID was done before (the
// last CommandsKept of them) gets the same Result and does nothing. Found is what Find answers for
// the command, and nil where it does.
type Do struct {
	ID      string
	Command Command
	Found   *Found
}

// Started is the first input after the Loads.
type Started struct {
	// Volatile says that the vault is in memory only, so the person must be told.
	Volatile bool
	// Light has this device stay without the trees of large groups, as long as it can.
	Light bool
}

// Tick says that the time asked for by Wake has come.
type Tick struct{}

// Connected says that a session with a server is attached. Fresh: a new session, so handles are
// gone and the outcome of unanswered requests is unknown; else everything goes on.
type Connected struct {
	Server  ServerID
	Binding plane.Binding
	Fresh   bool
}

// Disconnected says that no carrier is up; the session may yet be resumed. Why is OK for an
// ordinary loss, Refused when the server's key is not the pinned one.
type Disconnected struct {
	Server ServerID
	Why    plane.Code
}

// Answered is the answer to the request Rid of this session.
type Answered struct {
	Server ServerID
	Rid    uint32
	Answer wire.Answer
}

// Pushed is an event of a server.
type Pushed struct {
	Server ServerID
	Event  wire.Event
}

// Transfer reports on an Upload or Download: Done and Total are bytes. Finished with Code OK:
// it is complete (an upload is durable at the server, a download lies in the local file).
// Another Code: it failed for good. Busy transfers are retried by the driver and not reported.
type Transfer struct {
	ID       string
	Done     int64
	Total    int64
	Finished bool
	Code     plane.Code
}

// Object reports the end of a PutObject or GetObject. With Code OK Data is what was read. Busy
// servers and lost connections are retried by the driver and not reported, until Cancel.
type Object struct {
	ID   string
	Code plane.Code
	Data []byte
}

// ObjectBytesMax bounds the bytes of a PutObject or GetObject.
const ObjectBytesMax = 16 << 20

func (Do) input()           {}
func (Started) input()      {}
func (Tick) input()         {}
func (Connected) input()    {}
func (Disconnected) input() {}
func (Answered) input()     {}
func (Pushed) input()       {}
func (Transfer) input()     {}
func (Object) input()       {}

// Persist changes the vault, all or nothing. A nil Value deletes.
type Persist struct{ Ops []Op }

// Op is one change of a stored pair. Machine state lies below "s/", history below "h/", "a/",
// "g/" and "u/".
type Op struct {
	Key   string
	Value []byte
}

// Dial asks for a session with a server: until Hangup the driver keeps it up, with growing
// delays between tries. Origin is "http://host:port" or "https://host".
type Dial struct {
	Server ServerID
	Origin string
}

// Hangup ends the wish for a session.
type Hangup struct{ Server ServerID }

// Send sends a request on the session. Rids count up from 1 after each fresh Connected.
type Send struct {
	Server  ServerID
	Rid     uint32
	Request wire.Request
}

// Upload asks the driver to seal the local file and put it as a blob; Transfer reports. The
// driver asks BlobStat first, so a repeated Upload goes on where it stopped.
type Upload struct {
	ID     string
	Server ServerID
	File   string // name of a local vault file
	Secret [16]byte
	Key    [32]byte
}

// Download asks the driver to fetch a blob into a local vault file; Transfer reports.
type Download struct {
	ID     string
	Server ServerID
	File   string
	Blob   plane.BlobID
	Key    [32]byte
	Size   int64
}

// Cancel stops a transfer or an object's; a cancelled upload's chunks are deleted at the server, an
// object's are not: another member may have put the same.
type Cancel struct{ ID string }

// PutObject stores Data, which is sealed already, as the blob of Secret; Object reports. A blob
// that is there stays as it is. 1 byte to ObjectBytesMax, else TooLarge. The last chunk is filled up
// with random bytes. Like all of a Step's wishes it ends with the process: ask again after a start.
type PutObject struct {
	ID     string
	Server ServerID
	Secret [16]byte
	Data   []byte
}

// GetObject reads Length bytes at Offset of a blob; Object reports. With Offset and Length 0 all of
// it is read, with what fills up its last chunk. Refused when not all of it is there. What comes is
// whatever the server says: check it against a hash.
type GetObject struct {
	ID     string
	Server ServerID
	Blob   plane.BlobID
	Offset int64
	Length int64
}

// RemoveFile deletes a local vault file.
type RemoveFile struct{ File string }

// Wake asks for one Tick at At; a later Wake replaces an earlier one.
type Wake struct{ At time.Time }

// Emit tells the faces what changed. The driver passes the event through Complete first, and a
// Reply's Result through CompleteResult.
type Emit struct{ Event Event }

// Reply ends a command: Result is nil when Err is not empty.
type Reply struct {
	ID     string
	Result Result
	Err    ErrCode
}

func (Persist) effect()    {}
func (Dial) effect()       {}
func (Hangup) effect()     {}
func (Send) effect()       {}
func (Upload) effect()     {}
func (Download) effect()   {}
func (Cancel) effect()     {}
func (RemoveFile) effect() {}
func (PutObject) effect()  {}
func (GetObject) effect()  {}
func (Wake) effect()       {}
func (Emit) effect()       {}
func (Reply) effect()      {}
