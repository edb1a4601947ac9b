package plane

import "time"

// Every bound of the protocol has its name here and a test at the limit and one past it.
// Sizes are bytes.
const (
	// RecordSmall, RecordMedium and RecordLarge are the only sizes of a record's body (privacy:
	// the length says one of three things). The largest is what fits inline in a 32 KiB page.
	RecordSmall  = 1024
	RecordMedium = 4096
	RecordLarge  = 8160

	// SignalBytesMax bounds the body of a SIGNAL, which is never stored.
	SignalBytesMax = 512

	// BlobChunkBytes is the size of every stored chunk; the last one is padded.
	BlobChunkBytes = 256 << 10
	// BlobChunksMax bounds a blob: 64 MiB.
	BlobChunksMax = 256

	// CardBytesMax bounds a sealed card; PackageBytesMax bounds a sealed key package.
	CardBytesMax    = 8192
	PackageBytesMax = 4096
	// PoolPackagesMax bounds the one-time key packages kept for an inbox.
	PoolPackagesMax = 100

	// FrameBytesMax bounds one message of the protocol: a blob chunk and its head.
	FrameBytesMax = BlobChunkBytes + 4096
	// ReadRecordsMax bounds the records in one answer to READ.
	ReadRecordsMax = 256
	// HandlesMax bounds the open handles of one session.
	HandlesMax = 4096
	// RequestsMax bounds the unanswered requests of one session.
	RequestsMax = 256

	// TTLDaysMin, TTLDaysDefault and TTLDaysMax bound how long a record is kept.
	TTLDaysMin     = 1
	TTLDaysDefault = 30
	TTLDaysMax     = 180

	// DoorsMax bounds the doors of one log; DoorUsesMax the appends through one door.
	DoorsMax    = 256
	DoorUsesMax = 10000

	// LogsPerDoor is how many logs a session that holds a door, but no membership, may create:
	// enough for an account's inbox, its saved messages and the conversation with its inviter.
	LogsPerDoor = 6

	// NameBytesMax bounds the name of a person or a group in UTF-8; TextBytesMax one message's
	// text. A longer text is refused at the sender with a clear error.
	NameBytesMax = 128
	TextBytesMax = 6000

	// GroupMembersMax bounds the people of a group.
	GroupMembersMax = 5000
)

// ClockSkewMax is how far a client's clock may be from its server's day before the person is
// told that the clock is wrong.
const ClockSkewMax = 12 * time.Hour

// RecordSize returns the smallest record size that holds n bytes, or 0 when none does.
func RecordSize(n int) int {
	switch {
	case n <= RecordSmall:
		return RecordSmall
	case n <= RecordMedium:
		return RecordMedium
	case n <= RecordLarge:
		return RecordLarge
	}
	return 0
}
