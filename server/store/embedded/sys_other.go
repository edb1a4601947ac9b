//go:build !unix || solaris || aix

package embedded

import (
	"errors"
	"os"
	"syscall"
)

// syncDir does nothing: these systems make names durable by themselves or not at all.
func syncDir(*os.File) error { return nil }

// lockFile does nothing where there is no flock; the port that the server listens on keeps a
// second server out.
func lockFile(*os.File) error { return nil }

// noSpace knows ENOSPC and the two numbers of Windows (disk full, handle disk full).
func noSpace(err error) bool {
	e, ok := errors.AsType[syscall.Errno](err)
	return ok && (e == syscall.ENOSPC || e == 112 || e == 39)
}
