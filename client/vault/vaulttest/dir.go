// Package vaulttest is the contract of vault.Dir as tests, and the crash suite of the vault.
//
// Run checks an implementation of Dir. Crash, Faults and Full drive the vault itself over a
// simulated disk and compare it with a model at every point where it can be interrupted.
package vaulttest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"paperplane/client/vault"
)

// Run checks one implementation. place makes a new empty folder and returns a function that
// opens it; each call gives another Dir over the same folder, as another process would have.
func Run(t *testing.T, place func(t *testing.T) (open func() vault.Dir)) {
	for _, c := range []struct {
		name string
		f    func(t *testing.T, open func() vault.Dir)
	}{
		{"read-what-was-written", readWritten},
		{"truncate", truncate},
		{"names", names},
		{"replace", replace},
		{"lock-excludes", lock},
		{"kept-for-the-next", kept},
		{"closed-file-refuses", closed},
		{"whole-vault", wholeVault},
	} {
		t.Run(c.name, func(t *testing.T) { c.f(t, place(t)) })
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
}

func content(t *testing.T, f vault.File) string {
	t.Helper()
	size, err := f.Size()
	ok(t, err)
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if n != len(b) || err != nil && err != io.EOF {
		t.Fatalf("ReadAt of the whole file: got %d, %v; want %d", n, err, len(b))
	}
	return string(b)
}

func write(t *testing.T, d vault.Dir, name, text string) {
	t.Helper()
	f, err := d.Open(name)
	ok(t, err)
	_, err = f.WriteAt([]byte(text), 0)
	ok(t, err)
	ok(t, f.Sync())
	ok(t, f.Close())
}

func read(t *testing.T, d vault.Dir, name string) string {
	t.Helper()
	f, err := d.Open(name)
	ok(t, err)
	defer f.Close()
	return content(t, f)
}

// readWritten: bytes come back from any offset, holes are zeros, reads past the end are short
// with io.EOF.
func readWritten(t *testing.T, open func() vault.Dir) {
	f, err := open().Open("a")
	ok(t, err)
	defer f.Close()
	big := bytes.Repeat([]byte("0123456789abcdef"), 20<<10) // larger than any one buffer
	for _, w := range []struct {
		off  int64
		data []byte
	}{{3, []byte("three")}, {10, big}, {0, []byte("x")}, {12, []byte("mid")}} {
		n, err := f.WriteAt(w.data, w.off)
		if n != len(w.data) || err != nil {
			t.Fatalf("WriteAt(%d bytes, %d) = %d, %v", len(w.data), w.off, n, err)
		}
	}
	want := append([]byte("x\x00\x00three\x00\x00"), big...)
	copy(want[12:], "mid")
	if got := content(t, f); got != string(want) {
		t.Errorf("content: got %d bytes, %.20q…, want %d, %.20q…", len(got), got, len(want), want)
	}
	b := make([]byte, 8)
	if n, err := f.ReadAt(b, int64(len(want)-3)); n != 3 || err != io.EOF {
		t.Errorf("ReadAt over the end = %d, %v; want 3, EOF", n, err)
	}
	if n, err := f.ReadAt(b, int64(len(want)+5)); n != 0 || err != io.EOF {
		t.Errorf("ReadAt behind the end = %d, %v; want 0, EOF", n, err)
	}
	ok(t, f.Sync())
}

// truncate: shortens and lengthens; what was cut comes back as zeros.
func truncate(t *testing.T, open func() vault.Dir) {
	f, err := open().Open("a")
	ok(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte("abcdef"), 0)
	ok(t, err)
	ok(t, f.Truncate(2))
	if got := content(t, f); got != "ab" {
		t.Errorf("after Truncate(2): got %q, want %q", got, "ab")
	}
	ok(t, f.Truncate(4))
	if got := content(t, f); got != "ab\x00\x00" {
		t.Errorf("after Truncate(4): got %q, want %q", got, "ab\x00\x00")
	}
	ok(t, f.Truncate(0))
	if n, err := f.Size(); n != 0 || err != nil {
		t.Errorf("Size = %d, %v; want 0", n, err)
	}
}

// names: every permitted name works, List has exactly what is there, Remove is idempotent.
func names(t *testing.T, open func() vault.Dir) {
	d := open()
	want := []string{"0", "a.b-c", "new.seg", strings.Repeat("z", vault.FileNameBytesMax)}
	for _, name := range want {
		write(t, d, name, name)
	}
	got, err := d.List()
	ok(t, err)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
	ok(t, d.Remove("a.b-c"))
	ok(t, d.Remove("a.b-c"))
	got, err = d.List()
	ok(t, err)
	slices.Sort(got)
	if want = slices.Delete(want, 1, 2); !slices.Equal(got, want) {
		t.Errorf("List after Remove = %q, want %q", got, want)
	}
	if got := read(t, d, "a.b-c"); got != "" {
		t.Errorf("a removed file came back with %q", got)
	}
}

// replace: onto a free name and onto a taken one.
func replace(t *testing.T, open func() vault.Dir) {
	d := open()
	write(t, d, "a", "one")
	ok(t, d.Replace("a", "b"))
	write(t, d, "a", "a longer two")
	ok(t, d.Replace("a", "b"))
	if got := read(t, d, "b"); got != "a longer two" {
		t.Errorf("after Replace: got %q, want %q", got, "a longer two")
	}
	if got, _ := d.List(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("List = %q, want only b", got)
	}
	if err := d.Replace("none", "b"); err == nil {
		t.Error("Replace from a missing file: no error")
	}
	if got := read(t, d, "b"); got != "a longer two" {
		t.Errorf("after a failed Replace: got %q", got)
	}
}

// lock: one holder, whoever asks; free again after unlock, which may be called twice.
func lock(t *testing.T, open func() vault.Dir) {
	d, e := open(), open()
	unlock, err := d.Lock()
	ok(t, err)
	for _, other := range []vault.Dir{d, e} {
		if _, err := other.Lock(); !errors.Is(err, vault.ErrBusy) {
			t.Errorf("second Lock: got %v, want ErrBusy", err)
		}
	}
	if got, err := d.List(); len(got) != 0 || err != nil {
		t.Errorf("List of a locked empty folder = %q, %v", got, err)
	}
	unlock()
	unlock()
	unlock2, err := e.Lock()
	ok(t, err)
	unlock() // of the first: must not free the second's
	if _, err := d.Lock(); !errors.Is(err, vault.ErrBusy) {
		t.Errorf("Lock after a stale unlock: got %v, want ErrBusy", err)
	}
	unlock2()
}

// kept: another Dir over the same folder sees what was synced.
func kept(t *testing.T, open func() vault.Dir) {
	write(t, open(), "a", "text")
	if got := read(t, open(), "a"); got != "text" {
		t.Errorf("got %q, want %q", got, "text")
	}
}

// closed: a closed File answers with errors, not with bytes or a panic.
func closed(t *testing.T, open func() vault.Dir) {
	d := open()
	write(t, d, "a", "text")
	f, err := d.Open("a")
	ok(t, err)
	ok(t, f.Close())
	b := make([]byte, 4)
	if _, err := f.ReadAt(b, 0); err == nil || err == io.EOF {
		t.Errorf("ReadAt after Close: got %v, want an error", err)
	}
	if _, err := f.WriteAt(b, 0); err == nil {
		t.Error("WriteAt after Close: no error")
	}
	if err := f.Sync(); err == nil {
		t.Error("Sync after Close: no error")
	}
	if got := read(t, d, "a"); got != "text" {
		t.Errorf("after writes to a closed file: got %q", got)
	}
}

// wholeVault: a vault lives on the Dir through commits, a sealed file, compaction and a second
// opening, and leaves nothing of its texts in the clear.
func wholeVault(t *testing.T, open func() vault.Dir) {
	d, key := open(), vault.NewKey()
	v, err := vault.Open(d, key)
	ok(t, err)
	if _, err := vault.Open(open(), key); !errors.Is(err, vault.ErrBusy) {
		t.Errorf("second Open: got %v, want ErrBusy", err)
	}
	ok(t, v.Commit([]vault.Op{{Key: "marked-key", Value: []byte("marked-value")}, {Key: "gone", Value: []byte("x")}}))
	ok(t, v.Commit([]vault.Op{{Key: "gone"}}))
	text := strings.Repeat("marked-file ", 20_000)
	_, err = v.PutFile("f-1", strings.NewReader(text))
	ok(t, err)
	ok(t, v.Compact())
	ok(t, v.Close())
	raw, err := d.List()
	ok(t, err)
	if len(raw) != 2 {
		t.Errorf("files after compaction: got %q, want one segment and one file", raw)
	}
	for _, name := range raw {
		if strings.Contains(read(t, d, name), "marked") {
			t.Errorf("a text lies in the clear")
		}
	}
	v, err = vault.Open(open(), key)
	ok(t, err)
	if got, err := v.Get("marked-key"); string(got) != "marked-value" || err != nil {
		t.Errorf("Get = %q, %v", got, err)
	}
	if _, err := v.Get("gone"); !errors.Is(err, vault.ErrAbsent) {
		t.Errorf("Get of a deleted key: %v", err)
	}
	f, err := v.OpenFile("f-1")
	ok(t, err)
	got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if string(got) != text || err != nil {
		t.Errorf("sealed file: got %d bytes, %v; want %d", len(got), err, len(text))
	}
	ok(t, f.Close())
	ok(t, v.RemoveFile("f-1"))
	ok(t, v.Close())
}
