//go:build !unix

package dir

import (
	"errors"
	"os"
	"syscall"
)

// syncFolder does nothing: these systems make names durable by themselves or not at all.
func syncFolder(*os.File) error { return nil }

// noSpace knows ENOSPC and the two numbers of Windows (disk full, handle disk full).
func noSpace(err error) bool {
	e, ok := errors.AsType[syscall.Errno](err)
	return ok && (e == syscall.ENOSPC || e == 112 || e == 39)
}
