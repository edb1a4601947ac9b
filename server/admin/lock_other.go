//go:build !unix

package admin

import (
	"errors"
	"math"
	"os"
)

// lock opens a file that one process at a time can hold: Windows refuses to remove or make a
// file that is open elsewhere, so a file that can be removed is one that nobody holds.
func lock(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, ErrInUse
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// Free does not know here how much is left: writes meet the full disk itself.
func Free(string) (int64, error) { return math.MaxInt64, nil }

// syncDir does nothing where folders cannot be synced (Windows).
func syncDir(string) error { return nil }
