// Package wire is what a client and a server say to each other inside a session: requests,
// their answers and events, and the codec for them (deterministic CBOR, RFC 8949 §4.2).
//
// A frame is the CBOR array [kind, rid, body]. rid is chosen by the client, counts up from 1
// within a session and returns in the answer; events have rid 0. Parse never trusts: it
// rejects unknown kinds, unknown fields, duplicates, non-canonical forms, trailing bytes and
// everything over a limit of package plane. The types are plain values without behaviour and
// may be used concurrently. Spec: spec/wire.md, CDDL in spec/wire.cddl.
package wire

import "paperplane/protocol/plane"

// Kind numbers a message. Fixed for ever; 0 is invalid, 240–255 are for experiments.
type Kind uint8

// Requests are 1–79, answers 80–159, events 160–239.
const (
	_ Kind = iota
	KindInfo
	KindCreate
	KindOpen
	KindClose
	KindAppend
	KindRead
	KindSubscribe
	KindSignal
	KindRotate
	KindManage
	KindDoor
	KindKnock
	KindPoolPut
	KindPoolTake
	KindMember
	KindBlobPut
	KindBlobStat
	KindBlobGet
	KindBlobDelete
	KindPing
	KindBlobPart

	KindDone       Kind = 80
	KindServerInfo Kind = 81
	KindOpened     Kind = 82
	KindAppended   Kind = 83
	KindRecords    Kind = 84
	KindPool       Kind = 85
	KindPackage    Kind = 86
	KindBlobState  Kind = 87
	KindBlobData   Kind = 88

	KindRecordEvent Kind = 160
	KindSignalEvent Kind = 161
	KindGoneEvent   Kind = 162
)

// Role says what a handle may do.
type Role uint8

// The roles of a log's keys. Zero is invalid.
const (
	_         Role = iota
	RoleRead       // READ, SUBSCRIBE
	RoleWrite      // APPEND, SIGNAL
	RoleOwner      // ROTATE, MANAGE, DOOR, POOL
	RoleDoor       // KNOCK, POOL TAKE on an inbox
)

// Handle names an open log within one session; it dies with the session's binding.
type Handle uint32

// Request is what a client asks. Each request has exactly one Answer.
type Request interface {
	RequestKind() Kind
}

// Answer is what the server says to one request.
type Answer interface {
	AnswerKind() Kind
}

// Event is what the server says unasked, to a session that subscribed.
type Event interface {
	EventKind() Kind
}

// Info asks for the server's public settings. Answer: ServerInfo.
type Info struct{}

// Create makes a log whose id follows from Owner. Sig is the owner's signature over
// caps.CreateMessage(binding, …). Answer: Opened with an owner handle; creating a log that is
// there with the same fields opens it (idempotent), with other fields is Refused.
// Needs a session that is a member's (Member) or holds a door (at most plane.LogsPerDoor).
type Create struct {
	Owner   plane.PublicKey `cbor:"1,keyasint"`
	Read    plane.PublicKey `cbor:"2,keyasint"`
	Write   plane.PublicKey `cbor:"3,keyasint"`
	TTLDays uint8           `cbor:"4,keyasint"`
	Inbox   bool            `cbor:"5,keyasint,omitempty"`
	Sig     plane.Signature `cbor:"6,keyasint"`
}

// Open opens a log in a role. Key is the public key that signs: the door's for RoleDoor, else
// zero (the server knows the key of role and Gen). Sig: caps.OpenMessage(binding, …).
// Answer: Opened. A read key of an old generation reads up to that generation's last record.
type Open struct {
	Log  plane.LogID     `cbor:"1,keyasint"`
	Role Role            `cbor:"2,keyasint"`
	Gen  plane.Gen       `cbor:"3,keyasint,omitempty"`
	Key  plane.PublicKey `cbor:"4,keyasint,omitzero"`
	Sig  plane.Signature `cbor:"5,keyasint"`
}

// Close closes a handle and its subscription. Answer: Done.
type Close struct {
	Handle Handle `cbor:"1,keyasint"`
}

// Append appends a record. Retry says that an earlier try may have arrived. Answer: Appended,
// after the record is durable.
type Append struct {
	Handle Handle `cbor:"1,keyasint"`
	Body   []byte `cbor:"2,keyasint"`
	Retry  bool   `cbor:"3,keyasint,omitempty"`
}

// Read asks for up to Limit records from From on. Answer: Records.
type Read struct {
	Handle Handle    `cbor:"1,keyasint"`
	From   plane.Seq `cbor:"2,keyasint"`
	Limit  uint16    `cbor:"3,keyasint"`
}

// Subscribe asks for all records from From on, stored and coming, as RecordEvents in order and
// without gaps (but for expired records), and for signals. Answer: Opened (head), then events.
type Subscribe struct {
	Handle Handle    `cbor:"1,keyasint"`
	From   plane.Seq `cbor:"2,keyasint"`
}

// Signal sends bytes to whoever is subscribed now. Never stored. Answer: Done.
type Signal struct {
	Handle Handle `cbor:"1,keyasint"`
	Body   []byte `cbor:"2,keyasint"`
}

// Rotate starts generation Gen (the current one plus 1) with new keys. Answer: Done; repeating
// it with the same keys is Done too. Old write keys stop; old read keys read up to here.
type Rotate struct {
	Handle Handle          `cbor:"1,keyasint"`
	Gen    plane.Gen       `cbor:"2,keyasint"`
	Read   plane.PublicKey `cbor:"3,keyasint"`
	Write  plane.PublicKey `cbor:"4,keyasint"`
}

// Manage changes TTL (0 = keep), freezes or deletes a log. Answer: Done.
type Manage struct {
	Handle  Handle `cbor:"1,keyasint"`
	TTLDays uint8  `cbor:"2,keyasint,omitempty"`
	Freeze  bool   `cbor:"3,keyasint,omitempty"`
	Delete  bool   `cbor:"4,keyasint,omitempty"`
}

// Door adds or, with Left 0, removes a door of an inbox. Answer: Done.
type Door struct {
	Handle Handle          `cbor:"1,keyasint"`
	Key    plane.PublicKey `cbor:"2,keyasint"`
	Left   uint16          `cbor:"3,keyasint"`
	Until  plane.Day       `cbor:"4,keyasint"`
}

// Knock appends a contact request through a door, takes one use of it and, when Member is not
// zero, makes that key a member of the server: all or nothing. Body may be empty only on the
// server's own front door. Retry as in Append. Answer: Appended. UsedUp when no use is left.
type Knock struct {
	Handle Handle          `cbor:"1,keyasint"`
	Body   []byte          `cbor:"2,keyasint,omitempty"`
	Member plane.PublicKey `cbor:"3,keyasint,omitzero"`
	Retry  bool            `cbor:"4,keyasint,omitempty"`
}

// PoolPut replaces the inbox's sealed card where given, all packages where a last-resort package is
// given, and adds one-time packages. Answer: Pool with how many one-time packages are left.
type PoolPut struct {
	Handle     Handle   `cbor:"1,keyasint"`
	Card       []byte   `cbor:"2,keyasint,omitempty"`
	LastResort []byte   `cbor:"3,keyasint,omitempty"`
	Packages   [][]byte `cbor:"4,keyasint,omitempty"`
}

// PoolTake fetches the sealed card and one key package: a one-time one, which is then gone, or
// the last-resort one. Without Package only the card comes. Answer: Package.
type PoolTake struct {
	Handle  Handle `cbor:"1,keyasint"`
	Package bool   `cbor:"2,keyasint,omitempty"`
}

// Member proves a membership for this session. Sig: caps.MemberMessage(binding). Answer: Done.
type Member struct {
	Key plane.PublicKey `cbor:"1,keyasint"`
	Sig plane.Signature `cbor:"2,keyasint"`
}

// BlobPut stores one chunk. The blob's id is caps.NewBlobID(Secret); who knows the secret may
// write and delete, who knows the id may read. Answer: Done.
type BlobPut struct {
	Secret [16]byte `cbor:"1,keyasint"`
	Index  uint16   `cbor:"2,keyasint"`
	Count  uint16   `cbor:"3,keyasint"`
	Data   []byte   `cbor:"4,keyasint"`
}

// BlobStat asks which chunks are there. Answer: BlobState.
type BlobStat struct {
	Blob plane.BlobID `cbor:"1,keyasint"`
}

// BlobGet asks for one chunk. Answer: BlobData.
type BlobGet struct {
	Blob  plane.BlobID `cbor:"1,keyasint"`
	Index uint16       `cbor:"2,keyasint"`
}

// BlobDelete deletes a blob. Answer: Done, also when it is not there.
type BlobDelete struct {
	Secret [16]byte `cbor:"1,keyasint"`
}

// BlobPart asks for Length bytes at Offset of a blob's stored bytes, 1 to plane.BlobChunkBytes of
// them; they may reach over the end of a chunk. Answer: BlobData with exactly that many; Refused
// unless all of them are there. What comes is not held against a checksum: who asks knows a hash.
type BlobPart struct {
	Blob   plane.BlobID `cbor:"1,keyasint"`
	Offset uint32       `cbor:"2,keyasint"`
	Length uint32       `cbor:"3,keyasint"`
}

// Ping asks for Done.
type Ping struct{}

// Done answers with a Code and nothing else. It is also the answer to every request that
// failed: any request may be answered by Done with a Code other than OK.
type Done struct {
	Code plane.Code `cbor:"1,keyasint"`
}

// ServerInfo is what the server says of itself. Day lets a client see that its clock is wrong.
type ServerInfo struct {
	Day        plane.Day `cbor:"1,keyasint"`
	TTLDaysMax uint8     `cbor:"2,keyasint"`
	BlobChunks uint16    `cbor:"3,keyasint"` // most chunks of one blob; 0 = no blobs
	Features   []string  `cbor:"4,keyasint,omitempty"`
}

// Opened gives a handle, the log's newest record number and its current generation.
type Opened struct {
	Handle Handle    `cbor:"1,keyasint"`
	Head   plane.Seq `cbor:"2,keyasint"`
	Gen    plane.Gen `cbor:"3,keyasint"`
}

// Appended gives the number of a record that is durable.
type Appended struct {
	Seq plane.Seq `cbor:"1,keyasint"`
}

// Record is one record of a log.
type Record struct {
	Seq  plane.Seq `cbor:"1,keyasint"`
	Body []byte    `cbor:"2,keyasint"`
}

// Records is a page of records and the log's newest number.
type Records struct {
	Records []Record  `cbor:"1,keyasint,omitempty"`
	Head    plane.Seq `cbor:"2,keyasint"`
}

// Pool says how many one-time packages an inbox has.
type Pool struct {
	Left uint16 `cbor:"1,keyasint"`
}

// Package is a sealed card and, when asked for, a sealed key package.
type Package struct {
	Card       []byte `cbor:"1,keyasint,omitempty"`
	Package    []byte `cbor:"2,keyasint,omitempty"`
	LastResort bool   `cbor:"3,keyasint,omitempty"`
}

// BlobState says how many chunks a blob has and which are there: bit i%8 of byte i/8.
type BlobState struct {
	Count uint16 `cbor:"1,keyasint"`
	Have  []byte `cbor:"2,keyasint"`
}

// BlobData is one chunk, or the bytes that BlobPart asked for.
type BlobData struct {
	Data []byte `cbor:"1,keyasint"`
}

// RecordEvent is a record of a subscribed log.
type RecordEvent struct {
	Handle Handle    `cbor:"1,keyasint"`
	Seq    plane.Seq `cbor:"2,keyasint"`
	Body   []byte    `cbor:"3,keyasint"`
}

// SignalEvent is a signal on a subscribed log; the sender's own session does not get it.
type SignalEvent struct {
	Handle Handle `cbor:"1,keyasint"`
	Body   []byte `cbor:"2,keyasint"`
}

// GoneEvent says that a handle is dead: log deleted, generation over (Refused), or the
// subscription fell behind (Busy: open and subscribe again from the last record seen).
type GoneEvent struct {
	Handle Handle     `cbor:"1,keyasint"`
	Code   plane.Code `cbor:"2,keyasint"`
}
