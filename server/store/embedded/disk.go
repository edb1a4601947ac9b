package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// disk is the folder as the store uses it. It exists so that tests can put a disk under the
// store that forgets, tears and fills up; folder is the real one.
type disk interface {
	// Open opens name for reading and writing and makes it when it is absent.
	Open(name string) (file, error)
	Remove(name string) error
	// Rename replaces to, at once or not at all.
	Rename(from, to string) error
	// List returns all names in order.
	List() ([]string, error)
	// Stamp sets the file's times to the day's start, so that they tell no more than the day.
	Stamp(name string, day plane.Day) error
	// Sync makes names durable: what was made, renamed and removed before.
	Sync() error
	// Close gives the folder back; files are closed one by one before.
	Close() error
}

// file is one open file. Sync makes its contents durable, not its name.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Size() (int64, error)
	Close() error
}

// ErrLocked: another process has the folder open. The operator stops one of the two.
var ErrLocked = errors.New("embedded: folder is in use")

// lockName is the file whose lock keeps a second process out. It is empty.
const lockName = "lock"

// folder is a disk over a directory.
type folder struct {
	root *os.Root
	dir  *os.File // for fsync of the names
	lock *os.File // nil for readers (Verify)
}

// openFolder opens dir; with own set it makes dir when absent and takes the lock.
func openFolder(dir string, own bool) (*folder, error) {
	if own {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("embedded: make folder: %w", cause(err))
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded: open folder: %w", cause(err))
	}
	f := &folder{root: root}
	if own {
		if f.lock, err = root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
			err = lockFile(f.lock)
		}
		if err == nil { // its time would tell when the store was made
			err = f.Stamp(lockName, 0)
		}
	}
	if err == nil {
		f.dir, err = root.Open(".")
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("embedded: open folder: %w", cause(err))
	}
	return f, nil
}

func (f *folder) Open(name string) (file, error) {
	flags := os.O_RDWR | os.O_CREATE
	if f.lock == nil {
		flags = os.O_RDONLY
	}
	h, err := f.root.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, cause(err)
	}
	return osFile{h}, nil
}

func (f *folder) Remove(name string) error     { return cause(f.root.Remove(name)) }
func (f *folder) Rename(from, to string) error { return cause(f.root.Rename(from, to)) }
func (f *folder) Sync() error                  { return cause(syncDir(f.dir)) }

func (f *folder) List() ([]string, error) {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return nil, cause(err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (f *folder) Stamp(name string, day plane.Day) error {
	return cause(f.root.Chtimes(name, day.Start(), day.Start()))
}

func (f *folder) Close() error {
	var errs []error
	if f.dir != nil {
		errs = append(errs, f.dir.Close())
	}
	if f.lock != nil {
		errs = append(errs, f.lock.Close())
	}
	return errors.Join(append(errs, f.root.Close())...)
}

type osFile struct{ *os.File }

func (f osFile) Sync() error               { return cause(dataSync(f.File)) }
func (f osFile) Truncate(size int64) error { return cause(f.File.Truncate(size)) }
func (f osFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, cause(err)
}
func (f osFile) ReadAt(p []byte, off int64) (n int, err error) {
	if n, err = f.File.ReadAt(p, off); err != nil && err != io.EOF {
		err = cause(err)
	}
	return n, err
}

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, cause(err)
	}
	return st.Size(), nil
}

// cause strips the path from an error of package os, because names stay out of error texts,
// and turns "no space" into store.ErrFull.
func cause(err error) error {
	if err == nil {
		return nil
	}
	if noSpace(err) {
		return store.ErrFull
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
