// Package mem is a vault.Dir in memory, for tests and for browsers without private storage
// (private windows): what it holds is gone with the process, which the caller says on screen.
//
// A Dir and its Files are safe for concurrent use.
package mem

import (
	"errors"
	"io"
	"slices"
	"sync"

	"paperplane/client/vault"
)

var (
	errClosed = errors.New("mem: file closed")
	errOffset = errors.New("mem: offset")
	errAbsent = errors.New("mem: no such file")
)

var (
	_ vault.Dir  = (*Dir)(nil)
	_ vault.File = (*file)(nil)
)

// Dir is a folder in memory. One lock guards it and all its Files.
type Dir struct {
	mu     sync.RWMutex
	files  map[string]*inode
	used   int64
	limit  int64
	locked bool
}

type inode struct {
	data []byte
	gone bool // no name leads here: its bytes no longer count
}

// New makes an empty Dir that holds at most limit bytes (ErrFull beyond); 0 means no limit.
func New(limit int64) *Dir { return &Dir{files: make(map[string]*inode), limit: limit} }

// Open implements vault.Dir.
func (d *Dir) Open(name string) (vault.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.files[name]
	if n == nil {
		n = new(inode)
		d.files[name] = n
	}
	return &file{d: d, n: n}, nil
}

// Remove implements vault.Dir.
func (d *Dir) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(name)
	return nil
}

func (d *Dir) forget(name string) {
	if n := d.files[name]; n != nil {
		d.used -= int64(len(n.data))
		n.gone = true
		delete(d.files, name)
	}
}

// Replace implements vault.Dir.
func (d *Dir) Replace(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.files[from]
	if n == nil {
		return errAbsent
	}
	if from != to {
		d.forget(to)
		delete(d.files, from)
		d.files[to] = n
	}
	return nil
}

// List implements vault.Dir.
func (d *Dir) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make([]string, 0, len(d.files))
	for name := range d.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Lock implements vault.Dir.
func (d *Dir) Lock() (func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, vault.ErrBusy
	}
	d.locked = true
	return sync.OnceFunc(func() {
		d.mu.Lock()
		d.locked = false
		d.mu.Unlock()
	}), nil
}

// resize books the change of a file from have to want bytes. The caller holds mu.
func (d *Dir) resize(n *inode, want int64) error {
	if n.gone {
		return nil
	}
	used := d.used + want - int64(len(n.data))
	if d.limit > 0 && used > d.used && used > d.limit {
		return vault.ErrFull
	}
	d.used = used
	return nil
}

type file struct {
	d      *Dir
	n      *inode
	closed bool // guarded by d.mu
}

func (f *file) check(off int64) error {
	if f.closed {
		return errClosed
	}
	if off < 0 {
		return errOffset
	}
	return nil
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.d.mu.RLock()
	defer f.d.mu.RUnlock()
	if err := f.check(off); err != nil {
		return 0, err
	}
	n := copy(p, f.n.data[min(off, int64(len(f.n.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.check(off); err != nil {
		return 0, err
	}
	if end := off + int64(len(p)); end > int64(len(f.n.data)) {
		if err := f.setSize(end); err != nil {
			return 0, err
		}
	}
	return copy(f.n.data[off:], p), nil
}

func (f *file) setSize(size int64) error {
	if err := f.d.resize(f.n, size); err != nil {
		return err
	}
	if have := int64(len(f.n.data)); size > have {
		f.n.data = append(f.n.data, make([]byte, size-have)...)
	} else {
		clear(f.n.data[size:])
		f.n.data = f.n.data[:size]
	}
	return nil
}

func (f *file) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.check(size); err != nil {
		return err
	}
	return f.setSize(size)
}

func (f *file) Sync() error {
	f.d.mu.RLock()
	defer f.d.mu.RUnlock()
	return f.check(0)
}

func (f *file) Size() (int64, error) {
	f.d.mu.RLock()
	defer f.d.mu.RUnlock()
	return int64(len(f.n.data)), f.check(0)
}

func (f *file) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	err := f.check(0)
	f.closed = true
	return err
}
