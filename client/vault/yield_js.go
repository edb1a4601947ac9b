package vault

import "time"

// yield lets the browser's events in: it has one thread, nobody preempts us, and events are
// delivered only while every goroutine waits. runtime.Gosched would not do.
func yield() { time.Sleep(time.Nanosecond) }
