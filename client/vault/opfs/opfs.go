//go:build js && wasm

package opfs

import (
	"errors"
	"io"
	"slices"
	"sync"
	"syscall/js"

	"paperplane/client/vault"
)

// ErrUnavailable: this context has no private file system with synchronous handles.
var ErrUnavailable = errors.New("opfs: not available here")

var (
	errClosed = errors.New("opfs: file closed")
	errOpen   = errors.New("opfs: file is in use")
	errAbsent = errors.New("opfs: no such file")
	errOffset = errors.New("opfs: offset")
	errShort  = errors.New("opfs: short read")
	errOther  = errors.New("opfs: browser error")
)

const (
	lockName = "lock"
	// copyBytes is the buffer on the JavaScript side; larger transfers go through it in pieces.
	copyBytes = 256 << 10
)

var (
	_ vault.Dir  = (*Dir)(nil)
	_ vault.File = (*file)(nil)
)

// Dir is one folder of the origin's private file system.
type Dir struct {
	mu  sync.Mutex
	dir js.Value
}

// Available tries whether Open would work, by opening a handle on a probe file.
func Available() bool {
	root, err := storageRoot()
	if err != nil {
		return false
	}
	const probe = "paperplane-probe"
	h, err := openHandle(root, probe)
	if err != nil {
		return errors.Is(err, errOpen) // another tab is probing: so it works
	}
	_, err = call(h, "close")
	_, _ = await(call(root, "removeEntry", probe))
	return err == nil
}

// Open opens the folder name and makes it when it is missing. ErrUnavailable where the browser
// has no such file system, or none in this window.
func Open(name string) (*Dir, error) {
	root, err := storageRoot()
	if err != nil {
		return nil, ErrUnavailable
	}
	dir, err := await(call(root, "getDirectoryHandle", name, options("create", true)))
	if err != nil {
		return nil, ErrUnavailable
	}
	return &Dir{dir: dir}, nil
}

func storageRoot() (js.Value, error) {
	g := js.Global()
	proto := g.Get("FileSystemFileHandle")
	if proto.Type() != js.TypeFunction || proto.Get("prototype").Get("createSyncAccessHandle").Type() != js.TypeFunction {
		return js.Value{}, ErrUnavailable
	}
	nav := g.Get("navigator")
	if nav.Type() != js.TypeObject || nav.Get("storage").Type() != js.TypeObject {
		return js.Value{}, ErrUnavailable
	}
	return await(call(nav.Get("storage"), "getDirectory"))
}

func options(key string, value any) js.Value {
	o := js.Global().Get("Object").New()
	o.Set(key, value)
	return o
}

// call calls a method and turns an exception into an error.
func call(v js.Value, method string, args ...any) (r js.Value, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case js.Error:
			err = mapError(e.Value)
		default:
			panic(e)
		}
	}()
	return v.Call(method, args...), nil
}

// await parks the goroutine until the promise settles. It takes call's two results.
func await(p js.Value, err error) (js.Value, error) {
	if err != nil {
		return js.Value{}, err
	}
	type result struct {
		v   js.Value
		err error
	}
	done := make(chan result, 1)
	first := func(args []js.Value) js.Value {
		if len(args) == 0 {
			return js.Undefined()
		}
		return args[0]
	}
	good := js.FuncOf(func(_ js.Value, args []js.Value) any { done <- result{v: first(args)}; return nil })
	defer good.Release()
	bad := js.FuncOf(func(_ js.Value, args []js.Value) any { done <- result{err: mapError(first(args))}; return nil })
	defer bad.Release()
	if _, err := call(p, "then", good, bad); err != nil {
		return js.Value{}, err
	}
	r := <-done
	return r.v, r.err
}

// mapError keeps an exception's kind and drops its text, which may hold a name.
func mapError(e js.Value) error {
	if e.Type() != js.TypeObject {
		return errOther
	}
	name := e.Get("name")
	if name.Type() != js.TypeString {
		return errOther
	}
	switch name.String() {
	case "QuotaExceededError":
		return vault.ErrFull
	case "NoModificationAllowedError":
		return errOpen
	case "NotFoundError":
		return errAbsent
	case "InvalidStateError":
		return errClosed
	}
	return errOther
}

func openHandle(dir js.Value, name string) (js.Value, error) {
	fh, err := await(call(dir, "getFileHandle", name, options("create", true)))
	if err != nil {
		return js.Value{}, err
	}
	return await(call(fh, "createSyncAccessHandle"))
}

// Open implements vault.Dir.
func (d *Dir) Open(name string) (vault.File, error) {
	if name == lockName {
		return nil, errOpen
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	h, err := openHandle(d.dir, name)
	if err != nil {
		return nil, err
	}
	return &file{h: h, at: options("at", 0)}, nil
}

// Remove implements vault.Dir.
func (d *Dir) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := await(call(d.dir, "removeEntry", name)); err != nil && !errors.Is(err, errAbsent) {
		return err
	}
	return nil
}

// Replace implements vault.Dir, see the package comment for its limits.
func (d *Dir) Replace(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	fh, err := await(call(d.dir, "getFileHandle", from))
	if err != nil {
		return err
	}
	if _, err = await(call(fh, "move", to)); err == nil {
		return nil
	}
	if _, there := await(call(d.dir, "getFileHandle", to)); there != nil {
		return err
	}
	if _, err := await(call(d.dir, "removeEntry", to)); err != nil {
		return err
	}
	_, err = await(call(fh, "move", to))
	return err
}

// List implements vault.Dir.
func (d *Dir) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	it, err := call(d.dir, "keys")
	if err != nil {
		return nil, err
	}
	var names []string
	for {
		r, err := await(call(it, "next"))
		if err != nil {
			return nil, err
		}
		if r.Get("done").Truthy() {
			slices.Sort(names)
			return names, nil
		}
		if name := r.Get("value").String(); name != lockName {
			names = append(names, name)
		}
	}
}

// Lock implements vault.Dir.
func (d *Dir) Lock() (func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, err := openHandle(d.dir, lockName)
	if errors.Is(err, errOpen) {
		return nil, vault.ErrBusy
	}
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { _, _ = call(h, "close") }), nil
}

// file is one synchronous access handle.
type file struct {
	mu     sync.Mutex
	h      js.Value
	at     js.Value // the options object of every call
	buf    js.Value // Uint8Array of bufLen
	bufLen int
	closed bool
}

// view is a Uint8Array of n ≤ copyBytes bytes over the reused buffer.
func (f *file) view(n int) js.Value {
	if n > f.bufLen {
		f.bufLen = min(max(n, 4<<10, 2*f.bufLen), copyBytes)
		f.buf = js.Global().Get("Uint8Array").New(f.bufLen)
	}
	if n == f.bufLen {
		return f.buf
	}
	return f.buf.Call("subarray", 0, n)
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

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(off); err != nil {
		return 0, err
	}
	for n < len(p) {
		want := min(len(p)-n, copyBytes)
		v := f.view(want)
		f.at.Set("at", float64(off+int64(n)))
		r, err := call(f.h, "read", v, f.at)
		if err != nil {
			return n, err
		}
		got := r.Int()
		if got < 0 || got > want {
			return n, errShort
		}
		if got == 0 {
			return n, io.EOF
		}
		if got < want {
			v = f.buf.Call("subarray", 0, got)
		}
		js.CopyBytesToGo(p[n:n+got], v)
		n += got
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(off); err != nil {
		return 0, err
	}
	for n < len(p) {
		want := min(len(p)-n, copyBytes)
		v := f.view(want)
		js.CopyBytesToJS(v, p[n:n+want])
		f.at.Set("at", float64(off+int64(n)))
		r, err := call(f.h, "write", v, f.at)
		if err != nil {
			return n, err
		}
		got := r.Int()
		if got <= 0 || got > want {
			return n, vault.ErrFull // a write that gets nowhere without saying why
		}
		n += got
	}
	return n, nil
}

func (f *file) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(size); err != nil {
		return err
	}
	_, err := call(f.h, "truncate", float64(size))
	return err
}

func (f *file) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(0); err != nil {
		return err
	}
	_, err := call(f.h, "flush")
	return err
}

func (f *file) Size() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(0); err != nil {
		return 0, err
	}
	r, err := call(f.h, "getSize")
	if err != nil {
		return 0, err
	}
	return int64(r.Float()), nil
}

func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(0); err != nil {
		return err
	}
	f.closed = true
	_, err := call(f.h, "close")
	return err
}
