package main

import (
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// harden keeps what is in the server's memory out of files: no core dumps, no attaching by
// other processes of the same user, no traces of goroutines in a crash (B18).
func harden() bool {
	debug.SetTraceback("none")
	limit := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	dump := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	return limit == nil && dump == nil
}
