//go:build linux

package e2e

import (
	"os"
	"path/filepath"

	"paperplane/client/vault"
)

// fileDisk is a person's disk in a folder, for crowds: what thousands of vaults hold is not to count
// as their memory, and nobody pulls the plug, so that nothing needs to be synced.
type fileDisk struct{ path string }

type looseFile struct{ *os.File }

func (looseFile) Sync() error { return nil }

func (f looseFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func newFileDisk() (*fileDisk, error) {
	path, err := os.MkdirTemp("", "crowd-")
	return &fileDisk{path}, err
}

func (d *fileDisk) Open(name string) (vault.File, error) {
	f, err := os.OpenFile(filepath.Join(d.path, name), os.O_RDWR|os.O_CREATE, 0o600)
	return looseFile{f}, err
}

func (d *fileDisk) Remove(name string) error { return os.RemoveAll(filepath.Join(d.path, name)) }

func (d *fileDisk) Replace(from, to string) error {
	return os.Rename(filepath.Join(d.path, from), filepath.Join(d.path, to))
}

func (d *fileDisk) List() (names []string, err error) {
	list, err := os.ReadDir(d.path)
	for _, x := range list {
		names = append(names, x.Name())
	}
	return names, err
}

func (d *fileDisk) Lock() (func(), error) { return func() {}, nil }
