//go:build unix

package dir

import (
	"errors"
	"os"
	"syscall"
)

func syncFolder(d *os.File) error { return d.Sync() }

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
