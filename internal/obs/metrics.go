package obs

import (
	"bufio"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"paperplane/protocol/plane"
)

// Counter names a number that only grows. The set is closed.
type Counter uint8

// The counters.
const (
	SessionsOpened  Counter = iota
	SessionsRefused         // over a limit, or the handshake failed
	RecordsAppended
	RecordsSent
	SignalsSent
	SignalsDropped
	LogsCreated
	Knocks
	BlobBytesIn
	BlobBytesOut
	Malformed // frames that broke the protocol
	UpkeepRuns
	counters
)

var counterTexts = [counters]struct{ name, help string }{
	SessionsOpened:  {"sessions_opened_total", "Sessions that finished their handshake."},
	SessionsRefused: {"sessions_refused_total", "Connections that got no session."},
	RecordsAppended: {"records_appended_total", "Records made durable."},
	RecordsSent:     {"records_sent_total", "Records given to readers and subscribers."},
	SignalsSent:     {"signals_sent_total", "Signals passed on."},
	SignalsDropped:  {"signals_dropped_total", "Signals that a full queue dropped."},
	LogsCreated:     {"logs_created_total", "Logs created."},
	Knocks:          {"knocks_total", "Uses taken of doors."},
	BlobBytesIn:     {"blob_in_bytes_total", "Bytes of blob chunks stored."},
	BlobBytesOut:    {"blob_out_bytes_total", "Bytes of blob chunks read."},
	Malformed:       {"malformed_total", "Frames that broke the protocol."},
	UpkeepRuns:      {"upkeep_runs_total", "Runs of the daily expiry."},
}

// Gauge names a number that goes up and down. The set is closed.
type Gauge uint8

// The gauges.
const (
	SessionsNow Gauge = iota
	SubscriptionsNow
	LogsOpen // logs that some session has open
	gauges
)

var gaugeTexts = [gauges]struct{ name, help string }{
	SessionsNow:      {"sessions", "Sessions now."},
	SubscriptionsNow: {"subscriptions", "Subscriptions now."},
	LogsOpen:         {"logs_open", "Logs that some session has open."},
}

// Histogram names a distribution of durations. The set is closed.
type Histogram uint8

// The histograms.
const (
	AppendTime  Histogram = iota // from accepting an APPEND to its record being durable
	RequestTime                  // handling of any other request
	histograms
)

var histogramTexts = [histograms]struct{ name, help string }{
	AppendTime:  {"append_seconds", "Time until a record was durable."},
	RequestTime: {"request_seconds", "Time to answer any other request."},
}

// bounds are the buckets of every histogram.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second, 5 * time.Second,
}

// codes bounds the label of answers: above it every code counts as the last.
const codes = 16

// Metrics counts. The zero value is ready.
type Metrics struct {
	counter   [counters]atomic.Int64
	gauge     [gauges]atomic.Int64
	answers   [codes]atomic.Int64
	histogram [histograms]struct {
		bucket [len(bounds) + 1]atomic.Int64
		micros atomic.Int64
	}
}

// Count adds n to a counter.
func (o *Obs) Count(c Counter, n int64) {
	if o != nil {
		o.counter[c].Add(n)
	}
}

// Move adds n, which may be negative, to a gauge.
func (o *Obs) Move(g Gauge, n int64) {
	if o != nil {
		o.gauge[g].Add(n)
	}
}

// Answered counts an answer by its code.
func (o *Obs) Answered(c plane.Code) {
	if o != nil {
		o.answers[min(int(c), codes-1)].Add(1)
	}
}

// Observe adds a duration to a histogram.
func (o *Obs) Observe(h Histogram, d time.Duration) {
	if o == nil {
		return
	}
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	o.histogram[h].bucket[i].Add(1)
	o.histogram[h].micros.Add(d.Microseconds())
}

// WriteTo writes all metrics in Prometheus' text format. Labels are codes and bucket bounds.
func (m *Metrics) WriteTo(w io.Writer) (int64, error) {
	b := bufio.NewWriter(w)
	head := func(name, help, kind string) {
		fmt.Fprintf(b, "# HELP paperplane_%s %s\n# TYPE paperplane_%s %s\n", name, help, name, kind)
	}
	for i, t := range counterTexts {
		head(t.name, t.help, "counter")
		fmt.Fprintf(b, "paperplane_%s %d\n", t.name, m.counter[i].Load())
	}
	for i, t := range gaugeTexts {
		head(t.name, t.help, "gauge")
		fmt.Fprintf(b, "paperplane_%s %d\n", t.name, m.gauge[i].Load())
	}
	head("answers_total", "Answers by code.", "counter")
	for i := range m.answers {
		if n := m.answers[i].Load(); n > 0 {
			fmt.Fprintf(b, "paperplane_answers_total{code=\"%d\"} %d\n", i, n)
		}
	}
	for i, t := range histogramTexts {
		head(t.name, t.help, "histogram")
		h, sum := &m.histogram[i], int64(0)
		for j := range h.bucket {
			sum += h.bucket[j].Load()
			le := "+Inf"
			if j < len(bounds) {
				le = fmt.Sprint(bounds[j].Seconds())
			}
			fmt.Fprintf(b, "paperplane_%s_bucket{le=\"%s\"} %d\n", t.name, le, sum)
		}
		fmt.Fprintf(b, "paperplane_%s_sum %g\npaperplane_%s_count %d\n", t.name, float64(h.micros.Load())/1e6, t.name, sum)
	}
	return 0, b.Flush()
}
