// Package obs is what the program says about itself to its operator: log lines and metrics.
// It is the only importer of log/slog.
//
// Nothing personal can pass through it: events, quantities and labels are closed sets of
// constants of this package, values are numbers, and there is no function that takes a free
// string or an error's text (B18). Level error is kept for bugs of ours. An Obs is safe for
// concurrent use; a nil *Obs says and counts nothing, so that tests need none.
package obs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"syscall"
	"time"

	"paperplane/protocol/plane"
)

// Event names something worth a line. The set is closed.
type Event uint8

// The events.
const (
	_ Event = iota
	Started
	Stopped
	FrontDoorMade
	StoreDamaged  // stored bytes do not match their checksum: run doctor
	StoreFailed   // the store answered with an unexpected error
	TablesFailed  // the same of the tables
	BlobsFailed   // the same of the blobs
	DiskFull      // appends are refused until there is room
	DiskFree      // there is room again
	UpkeepDone    // the daily expiry has run
	UpkeepFailed  // expiry, settling or tidying did not work; it is tried again
	InvariantFail // a bug of ours; the session was ended
	CertFailed    // no certificate could be had
	AcceptFailed  // the listener had an error
	BackupDone
	CoreDumpsOn // the process could not forbid core dumps
)

type line struct {
	level slog.Level
	text  string
}

// events gives each Event its level and text: an array, so that none is forgotten.
var events = [...]line{
	Started:       {slog.LevelInfo, "started"},
	Stopped:       {slog.LevelInfo, "stopped"},
	FrontDoorMade: {slog.LevelInfo, "new first invite made"},
	StoreDamaged:  {slog.LevelError, "stored data is damaged; run doctor"},
	StoreFailed:   {slog.LevelWarn, "store failed"},
	TablesFailed:  {slog.LevelWarn, "tables failed"},
	BlobsFailed:   {slog.LevelWarn, "blob store failed"},
	DiskFull:      {slog.LevelWarn, "disk is full; nothing new is taken"},
	DiskFree:      {slog.LevelInfo, "disk has room again"},
	UpkeepDone:    {slog.LevelInfo, "expiry done"},
	UpkeepFailed:  {slog.LevelWarn, "upkeep failed; it will be tried again"},
	InvariantFail: {slog.LevelError, "invariant broken; session ended"},
	CertFailed:    {slog.LevelWarn, "no certificate"},
	AcceptFailed:  {slog.LevelWarn, "listener failed"},
	BackupDone:    {slog.LevelInfo, "backup written"},
	CoreDumpsOn:   {slog.LevelWarn, "core dumps could not be forbidden"},
}

// Quantity names a number in a line. The set is closed.
type Quantity uint8

// The quantities.
const (
	_ Quantity = iota
	Logs
	Records
	Bytes
	Sessions
	Days
)

var quantities = [...]string{Logs: "logs", Records: "records", Bytes: "bytes", Sessions: "sessions", Days: "days"}

// Attr is a detail of a line. Make it with N, Took, Code or Cause.
type Attr struct{ attr slog.Attr }

// N gives a number.
func N(q Quantity, n int64) Attr { return Attr{slog.Int64(quantities[q], n)} }

// Took gives a duration, cut to milliseconds.
func Took(d time.Duration) Attr { return Attr{slog.Int64("took_ms", d.Milliseconds())} }

// Code gives what a peer was answered.
func Code(c plane.Code) Attr { return Attr{slog.Int("code", int(c))} }

// Cause gives what the operating system said, as a number, and nothing else of an error: texts
// of errors may hold names of files or addresses.
func Cause(err error) Attr {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return Attr{slog.Int("errno", int(errno))}
	case errors.Is(err, context.DeadlineExceeded):
		return Attr{slog.String("cause", "timeout")}
	}
	return Attr{slog.String("cause", "other")}
}

// Obs writes lines and keeps the metrics.
type Obs struct {
	log  *slog.Logger
	last [len(events)]atomic.Int64 // Unix second of the last line of each event
	Metrics
}

// New returns an Obs that writes one line of text for each event to w.
func New(w io.Writer) *Obs {
	return &Obs{log: slog.New(slog.NewTextHandler(w, nil))}
}

// Log writes one line. Of a warning or error at most one a second is written, so that a broken
// disk does not fill itself with complaints.
func (o *Obs) Log(ev Event, attrs ...Attr) {
	if o == nil {
		return
	}
	as := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		as[i] = a.attr
	}
	e := events[ev]
	if now := time.Now().Unix(); o.last[ev].Swap(now) == now && e.level > slog.LevelInfo {
		return
	}
	o.log.LogAttrs(context.Background(), e.level, e.text, as...)
}
