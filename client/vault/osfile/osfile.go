// Package osfile is a vault.Dir over a folder of the operating system.
//
// The folder is made with mode 0700 and its files with 0600; every path goes through an
// os.Root, so a link planted in the folder leads nowhere outside. What is synced is on the disk
// as far as the system tells the truth (on macOS by F_FULLFSYNC). The lock is the system's own
// on an open file: it ends with the process, and it holds between two Dirs of one process too.
// A Dir is safe for concurrent use.
package osfile

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"

	"paperplane/client/vault"
)

// lockName is the file that Lock locks; List does not show it.
const lockName = "lock"

var _ vault.Dir = (*Dir)(nil)

// Dir is one folder. Close it when its vault is closed.
type Dir struct{ root *os.Root }

// Open opens the folder at path and makes it, with its parents, when it is missing.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, plain(err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, plain(err)
	}
	return &Dir{root}, nil
}

// Close lets go of the folder.
func (d *Dir) Close() error { return plain(d.root.Close()) }

// plain takes the path out of an error and maps a full disk to vault.ErrFull.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		err = le.Err
	}
	if isFull(err) {
		return errors.Join(vault.ErrFull, err)
	}
	return err
}

// Open implements vault.Dir.
func (d *Dir) Open(name string) (vault.File, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = d.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err == nil {
			// The name must not be lost once the file is synced: cheapest is to sync it now.
			if err = d.syncDir(); err != nil {
				_ = f.Close()
			}
		}
	}
	if err != nil {
		return nil, plain(err)
	}
	return file{f}, nil
}

// Remove implements vault.Dir.
func (d *Dir) Remove(name string) error {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return plain(err)
	}
	return nil
}

// Replace implements vault.Dir.
func (d *Dir) Replace(from, to string) error {
	if err := d.root.Rename(from, to); err != nil {
		return plain(err)
	}
	return plain(d.syncDir())
}

// List implements vault.Dir.
func (d *Dir) List() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, plain(err)
	}
	names, err := f.Readdirnames(-1)
	_ = f.Close()
	if err != nil {
		return nil, plain(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == lockName })
	slices.Sort(names)
	return names, nil
}

// Lock implements vault.Dir.
func (d *Dir) Lock() (func(), error) {
	f, err := d.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, plain(err)
	}
	if err := lock(f); err != nil {
		_ = f.Close()
		return nil, plain(err)
	}
	return sync.OnceFunc(func() { _ = f.Close() }), nil // closing unlocks
}

// file is an os.File whose errors hold no path.
type file struct{ f *os.File }

func (f file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.f.ReadAt(p, off)
	return n, plain(err)
}

func (f file) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.f.WriteAt(p, off)
	return n, plain(err)
}

func (f file) Truncate(size int64) error { return plain(f.f.Truncate(size)) }
func (f file) Sync() error               { return plain(f.f.Sync()) }
func (f file) Close() error              { return plain(f.f.Close()) }

func (f file) Size() (int64, error) {
	st, err := f.f.Stat()
	if err != nil {
		return 0, plain(err)
	}
	return st.Size(), nil
}
