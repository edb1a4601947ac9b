//go:build js && wasm

package opfs

import (
	"errors"
	"fmt"
	"syscall/js"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/vaulttest"
)

// fake is the Origin Private File System as its standard describes it, in memory, so that the
// package runs under Node: exclusive handles, promises, exceptions by name, a quota, and writes
// and reads that may be short. Whether move() overwrites differs between browsers: a switch.
const fake = `
class Inode { constructor() { this.data = new Uint8Array(0); this.locked = false } }
const fail = name => { throw new DOMException("marked-text /secret/path", name) }
globalThis.fakeOPFS = { quota: Infinity, used: 0, short: 0, overwrite: true, refuse: false, moves: 0 }
const o = globalThis.fakeOPFS
class Handle {
  constructor(n) { this.n = n; this.open = true; n.locked = true }
  check() { if (!this.open) fail("InvalidStateError") }
  resize(size) {
    if (size > this.n.data.length && o.used + size - this.n.data.length > o.quota) fail("QuotaExceededError")
    o.used += size - this.n.data.length
    const d = new Uint8Array(size); d.set(this.n.data.subarray(0, size)); this.n.data = d
  }
  read(b, { at }) {
    this.check()
    const s = this.n.data.subarray(at, at + (o.short ? Math.min(o.short, b.length) : b.length))
    b.set(s); return s.length
  }
  write(b, { at }) {
    this.check()
    if (o.short) b = b.subarray(0, o.short)
    if (at + b.length > this.n.data.length) this.resize(at + b.length)
    this.n.data.set(b, at); return b.length
  }
  truncate(size) { this.check(); this.resize(size) }
  flush() { this.check() }
  getSize() { this.check(); return this.n.data.length }
  close() { if (this.open) { this.open = false; this.n.locked = false } }
}
globalThis.FileSystemFileHandle = class {
  constructor(dir, name) { this.dir = dir; this.name = name }
  async createSyncAccessHandle() {
    const n = this.dir.m.get(this.name)
    if (!n) fail("NotFoundError")
    if (n.locked) fail("NoModificationAllowedError")
    return new Handle(n)
  }
  async move(to) {
    const n = this.dir.m.get(this.name), old = this.dir.m.get(to)
    if (!n) fail("NotFoundError")
    if (n.locked || old?.locked) fail("NoModificationAllowedError")
    if (old && !o.overwrite) fail("InvalidModificationError")
    if (old) o.used -= old.data.length
    this.dir.m.delete(this.name); this.dir.m.set(to, n); this.name = to; o.moves++
  }
}
class DirHandle {
  constructor() { this.m = new Map(); this.dirs = new Map() }
  async getDirectoryHandle(name) { if (!this.dirs.has(name)) this.dirs.set(name, new DirHandle()); return this.dirs.get(name) }
  async getFileHandle(name, opt) {
    if (!this.m.has(name)) { if (!opt?.create) fail("NotFoundError"); this.m.set(name, new Inode()) }
    return new FileSystemFileHandle(this, name)
  }
  async removeEntry(name) {
    const n = this.m.get(name)
    if (!n) fail("NotFoundError")
    if (n.locked) fail("NoModificationAllowedError")
    o.used -= n.data.length; this.m.delete(name)
  }
  async *keys() { yield* [...this.m.keys()] }
}
const root = new DirHandle()
Object.defineProperty(globalThis, "navigator", { configurable: true, value: {
  storage: { getDirectory: async () => { if (o.refuse) fail("SecurityError"); return root } } } })
`

var disk js.Value

func TestMain(m *testing.M) {
	js.Global().Get("Function").New(fake).Invoke()
	disk = js.Global().Get("fakeOPFS")
	m.Run()
}

var folders int

func place(t *testing.T) func() vault.Dir {
	folders++
	name := fmt.Sprint("folder-", folders)
	return func() vault.Dir {
		d, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

func set(t *testing.T, key string, value any) {
	t.Helper()
	old := disk.Get(key)
	disk.Set(key, value)
	t.Cleanup(func() { disk.Set(key, old) })
}

func TestDir(t *testing.T) { vaulttest.Run(t, place) }

// Reads and writes may stop early at any point.
func TestDirWithShortTransfers(t *testing.T) {
	set(t, "short", 1000)
	vaulttest.Run(t, place)
}

// Where move() refuses an existing target, Replace still ends in the right state.
func TestDirWithoutOverwrite(t *testing.T) {
	set(t, "overwrite", false)
	vaulttest.Run(t, place)
	if got := disk.Get("moves").Int(); got == 0 {
		t.Error("move was never called")
	}
}

// A window that refuses storage, and a context without handles, are told before anything is
// lost; a busy probe of another tab still means yes.
func TestAvailable(t *testing.T) {
	if !Available() {
		t.Error("Available = false, want true")
	}
	root, err := storageRoot()
	if err != nil {
		t.Fatal(err)
	}
	h, err := openHandle(root, "paperplane-probe")
	if err != nil {
		t.Fatalf("the probe was not cleaned up: %v", err)
	}
	if !Available() {
		t.Error("Available while another tab probes = false, want true")
	}
	_, _ = call(h, "close")
	set(t, "refuse", true)
	if _, err := Open("x"); Available() || !errors.Is(err, ErrUnavailable) {
		t.Errorf("refused: Available = %v, Open: %v; want false, ErrUnavailable", Available(), err)
	}
	disk.Set("refuse", false)
	class := js.Global().Get("FileSystemFileHandle")
	js.Global().Set("FileSystemFileHandle", js.Undefined())
	defer js.Global().Set("FileSystemFileHandle", class)
	if _, err := Open("x"); Available() || !errors.Is(err, ErrUnavailable) {
		t.Errorf("no handles: Available = %v, Open: %v; want false, ErrUnavailable", Available(), err)
	}
}

// The browser's quota is ErrFull: the transaction leaves no trace and the vault goes on.
func TestQuota(t *testing.T) {
	key := vault.NewKey()
	open := place(t)
	v, err := vault.Open(open(), key)
	if err != nil {
		t.Fatal(err)
	}
	used := disk.Get("used").Int()
	set(t, "quota", used+5000)
	big := []vault.Op{{Key: "big", Value: make([]byte, 5000)}}
	if err := v.Commit(big); !errors.Is(err, vault.ErrFull) {
		t.Errorf("Commit over the quota: got %v, want ErrFull", err)
	}
	if got := disk.Get("used").Int(); got != used {
		t.Errorf("bytes used after ErrFull: got %d, want %d", got, used)
	}
	if err := v.Commit([]vault.Op{{Key: "small", Value: []byte("x")}}); err != nil {
		t.Errorf("a small Commit after ErrFull: %v", err)
	}
	disk.Set("quota", js.Global().Get("Infinity"))
	if err := v.Commit(big); err != nil {
		t.Errorf("Commit with space again: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}

// Exceptions become errors without their text.
func TestErrorsHoldNoText(t *testing.T) {
	d := place(t)()
	f, err := d.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	_, again := d.Open("a")
	for what, got := range map[string]error{
		"second handle": again, "remove an open file": d.Remove("a"), "replace a missing file": d.Replace("x", "y"),
		"negative offset": func() error { _, err := f.ReadAt(make([]byte, 1), -1); return err }(),
		"not an object":   mapError(js.ValueOf(1)),
	} {
		if got == nil || len(got.Error()) > 40 || got.Error()[:5] != "opfs:" {
			t.Errorf("%s: got %v, want one of the package's own errors", what, got)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	d, err := Open("bench")
	if err != nil {
		b.Fatal(err)
	}
	v, err := vault.Open(d, vault.NewKey())
	if err != nil {
		b.Fatal(err)
	}
	value := make([]byte, 300)
	for i := 0; b.Loop(); i++ {
		if err := v.Commit([]vault.Op{{Key: fmt.Sprint(i % 1000), Value: value}}); err != nil {
			b.Fatal(err)
		}
	}
	_ = v.Close()
}
