package embedded

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"paperplane/protocol/plane"
)

// memDisk is a disk that knows what is durable and what is not, and can be told to fail. Crash
// gives the disk that a machine would find after losing power: of what was not synced, any
// 512-byte sector and any prefix of the name changes may have made it.
type memDisk struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	pending []func(map[string]*inode) // name changes since Sync
	ops     int                       // changes asked for so far
	dieAt   int                       // from this change on everything fails with errDead; 0: never
	fault   func(op, name string) error
	space   int64 // bytes left; negative: no limit
	closed  bool
}

type inode struct {
	data    []byte
	durable []byte
	dirty   map[int64]bool // sectors
	mtime   plane.Day
}

const sector = 512

var errDead = errors.New("memdisk: dead")

func newMemDisk() *memDisk {
	return &memDisk{names: map[string]*inode{}, durable: map[string]*inode{}, space: -1}
}

// crash returns the disk as found after the power failed; rng picks what had reached it.
func (d *memDisk) crash(rng *rand.Rand) *memDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := newMemDisk()
	names := maps.Clone(d.durable)
	// A journal keeps the order of name changes; not every file system has one.
	upTo, any := rng.IntN(len(d.pending)+1), rng.IntN(2) == 0
	for i, p := range d.pending {
		if any && rng.IntN(2) == 0 || !any && i < upTo {
			p(names)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old := names[name]
		i := &inode{dirty: map[int64]bool{}, mtime: old.mtime}
		i.durable = slices.Clone(old.durable)
		if rng.IntN(2) == 0 && len(old.data) != len(i.durable) {
			i.durable = slices.Grow(i.durable, max(0, len(old.data)-len(i.durable)))[:min(len(old.data), cap(i.durable))]
			if len(old.durable) < len(i.durable) {
				clear(i.durable[len(old.durable):])
			}
		}
		mode := rng.IntN(3) // none, all or some of the sectors
		for _, s := range slices.Sorted(maps.Keys(old.dirty)) {
			from, to := s*sector, min((s+1)*sector, int64(len(old.data)))
			if mode == 0 || mode == 2 && rng.IntN(2) == 0 || from >= to {
				continue
			}
			if int64(len(i.durable)) < to {
				i.durable = append(i.durable, make([]byte, to-int64(len(i.durable)))...)
			}
			copy(i.durable[from:to], old.data[from:to])
		}
		i.data = slices.Clone(i.durable)
		n.names[name], n.durable[name] = i, i
	}
	return n
}

// step is called before every change; with mu held.
func (d *memDisk) step(op, name string) error {
	d.ops++
	if d.dieAt > 0 && d.ops >= d.dieAt {
		return errDead
	}
	if d.fault != nil {
		return d.fault(op, name)
	}
	return nil
}

func (d *memDisk) Open(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dieAt > 0 && d.ops >= d.dieAt {
		return nil, errDead
	}
	if i, ok := d.names[name]; ok {
		return &memFile{d, name, i}, nil
	}
	if err := d.step("create", name); err != nil {
		return nil, err
	}
	i := &inode{dirty: map[int64]bool{}}
	d.names[name] = i
	d.pending = append(d.pending, func(m map[string]*inode) { m[name] = i })
	return &memFile{d, name, i}, nil
}

func (d *memDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("remove", name); err != nil {
		return err
	}
	i, ok := d.names[name]
	if !ok {
		return fs.ErrNotExist
	}
	if d.space >= 0 {
		d.space += int64(len(i.data))
	}
	delete(d.names, name)
	d.pending = append(d.pending, func(m map[string]*inode) { delete(m, name) })
	return nil
}

func (d *memDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("rename", from); err != nil {
		return err
	}
	i, ok := d.names[from]
	if !ok {
		return fs.ErrNotExist
	}
	if old := d.names[to]; old != nil && d.space >= 0 {
		d.space += int64(len(old.data))
	}
	delete(d.names, from)
	d.names[to] = i
	d.pending = append(d.pending, func(m map[string]*inode) { delete(m, from); m[to] = i })
	return nil
}

func (d *memDisk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names)), nil
}

func (d *memDisk) Stamp(name string, day plane.Day) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("stamp", name); err != nil {
		return err
	}
	d.names[name].mtime = day
	return nil
}

func (d *memDisk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("syncdir", ""); err != nil {
		return err
	}
	d.durable = maps.Clone(d.names)
	d.pending = nil
	return nil
}

func (d *memDisk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return nil
}

type memFile struct {
	d    *memDisk
	name string
	i    *inode
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if off >= int64(len(f.i.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.i.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	err := f.d.step("write", f.name)
	if grow := off + int64(len(p)) - int64(len(f.i.data)); err == nil && grow > 0 && f.d.space >= 0 {
		if grow > f.d.space { // what fits is written, as a real disk does
			p = p[:max(0, int64(len(p))-(grow-f.d.space))]
			err = errNoSpace
		}
		f.d.space -= min(grow, f.d.space)
	} else if err != nil && len(p) > 0 && err != errDead {
		p = p[:len(p)/2] // a failed write may have written a part
	}
	if err != errDead {
		f.put(p, off)
	} else if f.d.ops == f.d.dieAt { // the write under way when the power fails
		f.put(p, off)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *memFile) put(p []byte, off int64) {
	if n := off + int64(len(p)); n > int64(len(f.i.data)) {
		f.i.data = append(f.i.data, make([]byte, n-int64(len(f.i.data)))...)
	}
	copy(f.i.data[off:], p)
	for s := off / sector; s*sector < off+int64(len(p)); s++ {
		f.i.dirty[s] = true
	}
}

func (f *memFile) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step("truncate", f.name); err != nil {
		return err
	}
	if size < int64(len(f.i.data)) {
		if f.d.space >= 0 {
			f.d.space += int64(len(f.i.data)) - size
		}
		f.i.data = f.i.data[:size:size]
	} else {
		f.i.data = append(f.i.data, make([]byte, size-int64(len(f.i.data)))...)
	}
	return nil
}

func (f *memFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step("sync", f.name); err != nil {
		return err
	}
	// Only dirty sectors are copied: a whole copy at each append would be quadratic.
	n := len(f.i.data)
	if len(f.i.durable) > n {
		f.i.durable = f.i.durable[:n:n]
	} else {
		f.i.durable = append(f.i.durable, make([]byte, n-len(f.i.durable))...)
	}
	for s := range f.i.dirty {
		if from := s * sector; from < int64(n) {
			copy(f.i.durable[from:min(from+sector, int64(n))], f.i.data[from:])
		}
	}
	clear(f.i.dirty)
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.i.data)), nil
}

func (f *memFile) Close() error { return nil }
