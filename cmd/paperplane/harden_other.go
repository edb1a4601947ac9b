//go:build !linux

package main

import "runtime/debug"

// harden keeps traces of goroutines out of a crash's text. Core dumps are the system's setting.
func harden() bool {
	debug.SetTraceback("none")
	return true
}
