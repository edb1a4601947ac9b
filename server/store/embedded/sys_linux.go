package embedded

import (
	"os"
	"syscall"
)

// dataSync is fdatasync: it leaves out times, which we do not want to write anyway.
func dataSync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
