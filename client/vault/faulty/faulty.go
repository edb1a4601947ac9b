// Package faulty is a vault.Dir on a simulated disk that fails, fills up and loses power as a
// seed and the test's plan say.
//
// The disk keeps apart what was written and what is durable. After a crash, of everything that
// was not synced any part may be there: whole writes, single sectors, a write torn at any byte,
// in any order, with zeros or noise where a sector is missing; files not synced may be gone, and
// removed ones back. Sync is honest, and Replace is atomic and durable, as the contract of Dir
// asks.
//
// A Disk is safe for concurrent use; it repeats itself only when its calls come in one order.
package faulty

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"paperplane/client/vault"
)

var (
	// ErrFault is the error of an operation that the plan lets fail.
	ErrFault = errors.New("faulty: planned fault")
	// ErrCrashed is every operation's error from a crash to Restart, and that of old Files ever after.
	ErrCrashed = errors.New("faulty: crashed")

	errClosed = errors.New("faulty: file closed")
	errOpen   = errors.New("faulty: file is open")
	errAbsent = errors.New("faulty: no such file")
)

const sector = 512

var (
	_ vault.Dir  = (*Disk)(nil)
	_ vault.File = (*file)(nil)
)

// Disk is one simulated disk. An operation that changes something (a write, truncate, sync,
// creation, removal or replacement) has a number, counted from 1.
type Disk struct {
	mu      sync.Mutex
	rng     *rand.Rand
	life    int // counts restarts: handles and locks of an earlier life are dead
	names   map[string]*inode
	durable map[string]*inode
	locked  bool
	crashed bool

	ops     int
	crashAt int
	failAt  []int
	space   int64 // bytes that may still be added; < 0: no limit
}

type inode struct {
	live   []byte
	synced []byte
	lost   []change // changes since the last sync
	opens  int
}

// change is a write of data at off, or, when data is nil, a truncation to off.
type change struct {
	off  int64
	data []byte
}

// New makes an empty disk without faults; seed decides what crashes and faults leave behind.
func New(seed uint64) *Disk {
	return &Disk{
		rng:   rand.New(rand.NewPCG(seed, 0x70617065)),
		names: map[string]*inode{}, durable: map[string]*inode{}, space: -1,
	}
}

// Ops is the number of operations so far.
func (d *Disk) Ops() int { d.mu.Lock(); defer d.mu.Unlock(); return d.ops }

// CrashAt lets the disk lose power in the middle of operation n; 0 takes the plan back.
func (d *Disk) CrashAt(n int) { d.mu.Lock(); d.crashAt = n; d.mu.Unlock() }

// FailAt lets the operations ops fail with ErrFault, each with a part of its effect.
func (d *Disk) FailAt(ops ...int) { d.mu.Lock(); d.failAt = ops; d.mu.Unlock() }

// Space leaves room for n more bytes, after which writes fit in part and fail with
// vault.ErrFull; n < 0 takes the limit away.
func (d *Disk) Space(n int64) { d.mu.Lock(); d.space = n; d.mu.Unlock() }

// Crashed says whether the power is off.
func (d *Disk) Crashed() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.crashed }

// Crash takes the power away between two operations.
func (d *Disk) Crash() { d.mu.Lock(); d.crashed = true; d.mu.Unlock() }

// Restart brings the disk back after a crash with what survived it. Plans are forgotten, a
// limit of space stays.
func (d *Disk) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.life++
	d.crashed, d.locked, d.crashAt, d.failAt = false, false, 0, nil
	names := map[string]*inode{}
	all := maps.Clone(d.durable)
	maps.Copy(all, d.names)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, is := d.durable[name], d.names[name]
		n := was
		if was != is && d.coin() {
			n = is
		}
		if n != nil {
			names[name] = n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old := names[name]
		b := d.survive(old)
		names[name] = &inode{live: b, synced: slices.Clone(b)}
	}
	d.names, d.durable = names, maps.Clone(names)
}

// survive is what a crash leaves of a file.
func (d *Disk) survive(n *inode) []byte {
	b := slices.Clone(n.synced)
	how := d.rng.IntN(4)
	upto := d.rng.IntN(len(n.lost) + 1)
	for i, c := range n.lost {
		switch {
		case how == 0: // nothing more
		case how == 1: // everything
			b = apply(b, c)
		case how == 2: // a prefix, its last write torn at some byte
			if i < upto {
				b = apply(b, c)
			} else if i == upto && c.data != nil {
				b = apply(b, change{c.off, c.data[:d.rng.IntN(len(c.data)+1)]})
			}
		case c.data == nil: // any changes, any sectors of them
			if d.coin() {
				b = apply(b, c)
			}
		default:
			noise := d.coin()
			for from := int64(0); from < int64(len(c.data)); {
				to := min(int64(len(c.data)), (c.off+from)/sector*sector+sector-c.off)
				if d.coin() {
					b = apply(b, change{c.off + from, c.data[from:to]})
				} else if noise && c.off+from >= int64(len(n.synced)) {
					junk := make([]byte, to-from)
					for i := range junk {
						junk[i] = byte(d.rng.Uint32())
					}
					b = apply(b, change{c.off + from, junk})
				}
				from = to
			}
		}
	}
	return b
}

func apply(b []byte, c change) []byte {
	if c.data == nil {
		return resize(b, c.off)
	}
	if end := c.off + int64(len(c.data)); end > int64(len(b)) {
		b = resize(b, end)
	}
	copy(b[c.off:], c.data)
	return b
}

func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

func (d *Disk) coin() bool { return d.rng.IntN(2) == 0 }

// Edit changes a file's bytes behind the vault's back, as rot or a stranger would; it is
// durable. It says whether there is such a file.
func (d *Disk) Edit(name string, f func([]byte) []byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[name]
	if n == nil {
		return false
	}
	n.live = f(slices.Clone(n.live))
	n.synced, n.lost = slices.Clone(n.live), nil
	return true
}

// begin numbers an operation and says what the plan has for it.
func (d *Disk) begin() error {
	d.ops++
	if d.ops == d.crashAt {
		d.crashed = true
		return ErrCrashed
	}
	if slices.Contains(d.failAt, d.ops) {
		return ErrFault
	}
	return nil
}

func (d *Disk) up() error {
	if d.crashed {
		return ErrCrashed
	}
	return nil
}

// Open implements vault.Dir. It refuses a second File of one name, which OPFS could not give.
func (d *Disk) Open(name string) (vault.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.up(); err != nil {
		return nil, err
	}
	n := d.names[name]
	if n == nil {
		err := d.begin()
		n = new(inode)
		if err == nil || d.coin() {
			d.names[name] = n
		}
		if err != nil {
			return nil, err
		}
	}
	if n.opens > 0 {
		return nil, errOpen
	}
	n.opens++
	return &file{d: d, n: n, name: name, life: d.life}, nil
}

// Remove implements vault.Dir.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.up(); err != nil {
		return err
	}
	n := d.names[name]
	if n == nil {
		return nil
	}
	if n.opens > 0 {
		return errOpen
	}
	err := d.begin()
	if err == nil || d.coin() {
		delete(d.names, name)
	}
	if err == nil && d.space >= 0 {
		d.space += int64(len(n.live))
	}
	return err
}

// Replace implements vault.Dir.
func (d *Disk) Replace(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.up(); err != nil {
		return err
	}
	n := d.names[from]
	if n == nil {
		return errAbsent
	}
	if old := d.names[to]; n.opens > 0 || old != nil && old.opens > 0 {
		return errOpen
	}
	err := d.begin()
	if err == nil || d.coin() {
		for _, names := range []map[string]*inode{d.names, d.durable} {
			delete(names, from)
			names[to] = n
		}
	}
	return err
}

// List implements vault.Dir, in no order.
func (d *Disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := slices.Sorted(maps.Keys(d.names))
	d.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names, d.up()
}

// Lock implements vault.Dir. A crash frees it.
func (d *Disk) Lock() (func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.up(); err != nil {
		return nil, err
	}
	if d.locked {
		return nil, vault.ErrBusy
	}
	d.locked = true
	life := d.life
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.life == life {
			d.locked = false
		}
	}), nil
}

type file struct {
	d      *Disk
	n      *inode
	name   string
	life   int
	closed bool
}

func (f *file) up() error {
	if f.life != f.d.life {
		return ErrCrashed
	}
	if f.closed {
		return errClosed
	}
	return f.d.up()
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.up(); err != nil {
		return 0, err
	}
	n := copy(p, f.n.live[min(off, int64(len(f.n.live))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.up(); err != nil {
		return 0, err
	}
	err := f.d.begin()
	n := len(p)
	if errors.Is(err, ErrFault) {
		n = f.d.rng.IntN(len(p) + 1)
	}
	if more := off + int64(n) - int64(len(f.n.live)); f.d.space >= 0 && more > f.d.space {
		n = max(0, n-int(more-f.d.space))
		err = errors.Join(err, vault.ErrFull)
	}
	f.change(change{off, slices.Clone(p[:n])})
	return n, err
}

// change makes c and books its space.
func (f *file) change(c change) {
	if c.data != nil && len(c.data) == 0 {
		return
	}
	was := len(f.n.live)
	f.n.live = apply(f.n.live, c)
	f.n.lost = append(f.n.lost, c)
	if f.d.space >= 0 {
		f.d.space -= int64(len(f.n.live) - was)
	}
}

func (f *file) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.up(); err != nil {
		return err
	}
	err := f.d.begin()
	if err == nil || f.d.coin() {
		f.change(change{off: size})
	}
	return err
}

func (f *file) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.up(); err != nil {
		return err
	}
	err := f.d.begin()
	if err == nil || f.d.coin() {
		f.n.synced, f.n.lost = slices.Clone(f.n.live), nil
		if f.d.names[f.name] == f.n {
			f.d.durable[f.name] = f.n
		}
	}
	return err
}

func (f *file) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.n.live)), f.up()
}

func (f *file) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.up(); err != nil {
		return err
	}
	f.closed = true
	f.n.opens--
	return nil
}
