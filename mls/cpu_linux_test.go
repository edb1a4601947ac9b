package mls

import (
	"syscall"
	"time"
)

// processorTime is what this process has used so far: what else runs on the machine does not count.
func processorTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
