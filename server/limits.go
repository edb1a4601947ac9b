package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"paperplane/protocol/plane"
)

// Limits are what a server grants. A field that is zero means the default; all are counted in
// memory, so that a restart grants a day's allowance anew and nothing about anybody's use is
// stored.
type Limits struct {
	// RequestsPerSecond and RequestsBurst bound what one session may ask.
	RequestsPerSecond, RequestsBurst int
	// SignalsPerSecond and SignalsBurst bound the signals of one session.
	SignalsPerSecond, SignalsBurst int
	// LogBytesPerDay bounds what all writers of one log append in a day.
	LogBytesPerDay int64
	// LogsPerMemberDay bounds the logs that one member creates in a day.
	LogsPerMemberDay int
	// LogsPerDoorDay bounds the logs that all sessions with one door create in a day; for a door of
	// many uses, such as a link into a large group, it is LogsPerUseDay for each use left, if more.
	LogsPerDoorDay, LogsPerUseDay int
	// SubscribersPerLog bounds the subscriptions of one log: a record costs each a frame.
	SubscribersPerLog int
	// BlobBytesPerMemberDay and BlobBytesPerDoorDay bound the chunks stored in a day.
	BlobBytesPerMemberDay, BlobBytesPerDoorDay int64
	// PackagesPerDoorDay bounds the one-time key packages given through one door in a day;
	// above it the last-resort package is given (RFC 9420 §16.8: nobody drains a pool).
	PackagesPerDoorDay int
	// SessionsPerMinute and SessionsBurst bound the new sessions from one address (IPv6: /64).
	// Loopback addresses are not bound: they are the operator's own proxy.
	SessionsPerMinute, SessionsBurst int
	// DiskReserveBytes is kept free: below it nothing new is taken.
	DiskReserveBytes int64
	// TTLDaysMax is the longest life of a record here; BlobDays is the life of a blob.
	TTLDaysMax uint8
	BlobDays   int
}

// defaultLimits are generous for people and small for a disk.
var defaultLimits = Limits{
	RequestsPerSecond: 1000, RequestsBurst: 4000,
	SignalsPerSecond: 20, SignalsBurst: 60,
	LogBytesPerDay:   256 << 20,
	LogsPerMemberDay: 500, LogsPerDoorDay: 300, LogsPerUseDay: plane.LogsPerDoor,
	SubscribersPerLog:     20_000, // four devices of each of 5,000 members
	BlobBytesPerMemberDay: 2 << 30, BlobBytesPerDoorDay: 64 << 20,
	PackagesPerDoorDay: 50,
	SessionsPerMinute:  60, SessionsBurst: 120,
	DiskReserveBytes: 256 << 20,
	TTLDaysMax:       plane.TTLDaysMax,
	BlobDays:         plane.TTLDaysDefault,
}

// DefaultLimits returns what zero fields mean.
func DefaultLimits() Limits { return defaultLimits }

func (l Limits) withDefaults() Limits {
	d := defaultLimits
	or(&l.RequestsPerSecond, d.RequestsPerSecond)
	or(&l.RequestsBurst, d.RequestsBurst)
	or(&l.SignalsPerSecond, d.SignalsPerSecond)
	or(&l.SignalsBurst, d.SignalsBurst)
	or(&l.LogBytesPerDay, d.LogBytesPerDay)
	or(&l.LogsPerMemberDay, d.LogsPerMemberDay)
	or(&l.LogsPerDoorDay, d.LogsPerDoorDay)
	or(&l.LogsPerUseDay, d.LogsPerUseDay)
	or(&l.SubscribersPerLog, d.SubscribersPerLog)
	or(&l.BlobBytesPerMemberDay, d.BlobBytesPerMemberDay)
	or(&l.BlobBytesPerDoorDay, d.BlobBytesPerDoorDay)
	or(&l.PackagesPerDoorDay, d.PackagesPerDoorDay)
	or(&l.SessionsPerMinute, d.SessionsPerMinute)
	or(&l.SessionsBurst, d.SessionsBurst)
	or(&l.DiskReserveBytes, d.DiskReserveBytes)
	or(&l.TTLDaysMax, d.TTLDaysMax)
	or(&l.BlobDays, d.BlobDays)
	return l
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Bounds of memory that are not for an operator to change.
const (
	// queueBytesMax is what may wait in a Peer: above it subscriptions fall behind (and read
	// from the store later), signals are dropped and READ and BLOB GET are answered with Busy.
	queueBytesMax = 1 << 20
	// queueBytesEnd ends a Peer: whoever asks for more answers without listening is no client of
	// ours, whose unanswered requests are bounded (plane.RequestsMax).
	queueBytesEnd = 4 << 20
	// catchUpRecords is how many records one step of a subscription's catching up reads.
	catchUpRecords = 64
	// usageMax bounds the counters of one day, over all members and doors.
	usageMax = 1 << 20
	// rotationsPerDay bounds the generations that one log begins in a day: each is a row that is
	// kept as long as its records. Members who leave a group of the largest size make 4,999.
	rotationsPerDay = 6000
)

// deadMonths is after how many months without being opened a member, or a log without records,
// is removed.
const deadMonths = 13

// bucket is a token bucket. The zero value is full.
type bucket struct {
	used float64 // tokens taken and not yet back
	last int64   // Unix nanoseconds of the last look
}

// take takes a token, of which rate a second come back up to burst.
func (b *bucket) take(now time.Time, rate float64, burst int) bool {
	t := now.UnixNano()
	if t > b.last {
		b.used = max(0, b.used-float64(t-b.last)/1e9*rate)
	}
	b.last = t // also when a clock was set back
	if b.used+1 > float64(burst) {
		return false
	}
	b.used++
	return true
}

// kind of a counted use.
type useKind byte

const (
	useMemberLogs useKind = iota + 1
	useMemberBlobs
	useDoorLogs
	useDoorBlobs
	useDoorPackages
	useLogRotations
)

// usage counts what members, doors and logs used up today, under keyed hashes that mean nothing
// without a key that is only in memory and changes every day.
type usage struct {
	mu  sync.Mutex
	key [32]byte
	day plane.Day
	n   map[[16]byte]int64
}

// take adds n to a counter unless it would pass limit.
func (u *usage) take(day plane.Day, kind useKind, who plane.PublicKey, n, limit int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if day != u.day || u.n == nil {
		_, _ = rand.Read(u.key[:]) // never fails; yesterday's key is forgotten
		u.day, u.n = day, map[[16]byte]int64{}
	}
	mac := hmac.New(sha256.New, u.key[:])
	mac.Write([]byte{byte(kind)})
	mac.Write(who[:])
	k := [16]byte(mac.Sum(nil))
	have, there := u.n[k]
	if have+n > limit || !there && len(u.n) >= usageMax {
		return false
	}
	u.n[k] = have + n
	return true
}
