//go:build unix

package main

import (
	"os"
	"syscall"
)

// quiet starts a server anew, in the same process, with the traces of panics turned off: the
// arguments in a trace are ids and keys of whoever was being served (B18), and the runtime lets a
// program ask for more than its environment says, never for less. Whoever looks for a bug sets
// GOTRACEBACK. What remains: when the runtime itself is broken it prints stacks in any case.
func quiet(args []string) {
	if len(args) == 0 || args[0] != "serve" || os.Getenv("GOTRACEBACK") != "" {
		return
	}
	if path, err := os.Executable(); err == nil {
		_ = syscall.Exec(path, os.Args, append(os.Environ(), "GOTRACEBACK=none")) // or else with traces
	}
}
