//go:build !linux

package embedded

import "os"

func dataSync(f *os.File) error { return f.Sync() }
