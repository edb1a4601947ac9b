package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"paperplane/client/vault"
	"paperplane/client/vault/faulty"
	"paperplane/client/vault/mem"
)

// Each limit holds at its edge and is refused one past it, without a trace.
func TestLimits(t *testing.T) {
	v := mustOpen(t, mem.New(0), vault.NewKey())
	defer v.Close()
	k := strings.Repeat("k", vault.KeyBytesMax)
	big := make([]byte, vault.ValueBytesMax)
	many := func(n int) (ops []vault.Op) {
		for i := range n {
			ops = append(ops, vault.Op{Key: fmt.Sprint(i)})
		}
		return ops
	}
	// sum makes a transaction of n bytes, keys and values together.
	sum := func(n int) (ops []vault.Op) {
		for i := 0; n > 0; i++ {
			m := min(n, vault.ValueBytesMax)
			ops = append(ops, vault.Op{Key: string(rune('a' + i)), Value: big[:m-1]})
			n -= m
		}
		return ops
	}
	for _, c := range []struct {
		name string
		ops  []vault.Op
		want error
	}{
		{"nothing", nil, nil},
		{"key at the limit", []vault.Op{{Key: k, Value: big[:1]}}, nil},
		{"key over", []vault.Op{{Key: k + "k", Value: big[:1]}}, vault.ErrLimit},
		{"value at the limit", []vault.Op{{Key: "k", Value: big}}, nil},
		{"value over", []vault.Op{{Key: "k", Value: make([]byte, vault.ValueBytesMax+1)}}, vault.ErrLimit},
		{"sum at the limit", sum(vault.CommitBytesMax), nil},
		{"sum over", sum(vault.CommitBytesMax + 1), vault.ErrLimit},
		{"ops at the limit", many(vault.OpsMax), nil},
		{"ops over", many(vault.OpsMax + 1), vault.ErrLimit},
		{"empty key", []vault.Op{{Key: "a", Value: big[:1]}, {Key: ""}}, vault.ErrName},
		{"reserved key", []vault.Op{{Key: "\x00f/f-1", Value: big[:1]}}, vault.ErrName},
	} {
		before := v.Stats()
		if err := v.Commit(c.ops); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if after := v.Stats(); c.want != nil && after != before {
			t.Errorf("%s: left a trace: %+v, was %+v", c.name, after, before)
		}
	}
	if got, err := v.Get(k); err != nil || len(got) != 1 {
		t.Errorf("the longest key reads %d bytes, %v", len(got), err)
	}
	long := "f-" + strings.Repeat("x", vault.FileNameBytesMax-2)
	for name, want := range map[string]error{
		long: nil, long + "x": vault.ErrLimit, "f-": vault.ErrName, "x": vault.ErrName, "f-A": vault.ErrName,
		"f-/": vault.ErrName, "seg-0000000000000001": vault.ErrName, "": vault.ErrName, "f-..": nil,
	} {
		_, err := v.PutFile(name, strings.NewReader("x"))
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("PutFile(%q): got %v, want %v", name, err, want)
		}
		if want != nil {
			_, oerr := v.OpenFile(name)
			if rerr := v.RemoveFile(name); !errors.Is(oerr, want) || !errors.Is(rerr, want) {
				t.Errorf("%q: OpenFile %v, RemoveFile %v; want %v", name, oerr, rerr, want)
			}
		}
	}
}

// The loop over a Range may commit, delete and compact; untouched keys are all seen once.
func TestRangeWhileWriting(t *testing.T) {
	for _, reverse := range []bool{false, true} {
		v := mustOpen(t, mem.New(0), vault.NewKey())
		for i := range 500 {
			put(t, v, fmt.Sprintf("%04d", i), "x")
		}
		seen := map[string]int{}
		for op, err := range v.Range("", "", reverse) {
			if err != nil {
				t.Fatal(err)
			}
			seen[op.Key]++
			put(t, v, op.Key+"new", "x")
			if err := v.Commit([]vault.Op{{Key: op.Key}}); err != nil {
				t.Fatal(err)
			}
			if len(seen)%100 == 0 {
				if err := v.Compact(); err != nil {
					t.Fatal(err)
				}
			}
			if len(seen) > 2000 {
				t.Fatal("the range does not end")
			}
		}
		for i := range 500 {
			if n := seen[fmt.Sprintf("%04d", i)]; n != 1 {
				t.Fatalf("reverse %v: key %d seen %d times, want once", reverse, i, n)
			}
		}
		_ = v.Close()
	}
}

// Readers beside a writer that compacts: each sees whole transactions' values, never damage.
// Worth most under -race.
func TestConcurrent(t *testing.T) {
	v := mustOpen(t, mem.New(0), vault.NewKey())
	value := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 1+i%3000) }
	put(t, v, "a", string(value(0)))
	var wg sync.WaitGroup
	var stop atomic.Bool
	good := func(b []byte) bool { return len(b) > 0 && bytes.Count(b, b[:1]) == len(b) }
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				if got, err := v.Get("a"); err != nil || !good(got) {
					t.Errorf("Get: %d bytes, %v", len(got), err)
					return
				}
				for op, err := range v.Range("", "", true) {
					if err != nil || !good(op.Value) {
						t.Errorf("Range: %d bytes, %v", len(op.Value), err)
						return
					}
				}
			}
		})
	}
	wg.Go(func() {
		for i := 0; !stop.Load(); i++ {
			name := fmt.Sprint("f-", i%3)
			if _, err := v.PutFile(name, bytes.NewReader(value(i))); err != nil {
				t.Errorf("PutFile: %v", err)
				return
			}
			f, err := v.OpenFile(name)
			if err != nil {
				t.Errorf("OpenFile: %v", err)
				return
			}
			if err := errors.Join(v.RemoveFile(name), f.Close()); err != nil {
				t.Errorf("RemoveFile, Close: %v", err)
				return
			}
		}
	})
	for i := range 300 {
		if err := v.Commit([]vault.Op{{Key: "a", Value: value(i)}, {Key: fmt.Sprint("k", i%50), Value: value(i)}}); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			if err := v.Compact(); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop.Store(true)
	wg.Wait()
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}

// After Close everything says ErrClosed, and the lock is free.
func TestClosed(t *testing.T) {
	d, key := mem.New(0), vault.NewKey()
	v := mustOpen(t, d, key)
	put(t, v, "a", "1")
	if _, err := v.PutFile("f-1", strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	f, err := v.OpenFile("f-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(d, key); !errors.Is(err, vault.ErrBusy) {
		t.Errorf("Open of an open vault: got %v, want ErrBusy", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	_, gerr := v.Get("a")
	_, perr := v.PutFile("f-2", strings.NewReader(""))
	_, oerr := v.OpenFile("f-1")
	var rerr error
	for _, rerr = range v.Range("", "", false) {
	}
	for what, err := range map[string]error{
		"Commit": v.Commit([]vault.Op{{Key: "a"}}), "Get": gerr, "Range": rerr, "PutFile": perr, "OpenFile": oerr,
		"RemoveFile": v.RemoveFile("f-1"), "Compact": v.Compact(), "Close": v.Close(),
	} {
		if !errors.Is(err, vault.ErrClosed) {
			t.Errorf("%s after Close: got %v, want ErrClosed", what, err)
		}
	}
	if _, err := f.ReadAt(make([]byte, 4), 0); err == nil {
		t.Error("a sealed file reads after Close of the vault")
	}
	if err := f.Close(); err != nil {
		t.Errorf("Close of the file after the vault: %v", err)
	}
	_ = mustOpen(t, d, key).Close()
}

// A vault whose garbage outgrows its content compacts by itself: the log stays within bounds,
// and the old key is erased before the old file is removed.
func TestCompactsItself(t *testing.T) {
	d, key := mem.New(0), vault.NewKey()
	v := mustOpen(t, d, key)
	var top int64
	put(t, v, "kept", "value")
	for i := range 40 {
		put(t, v, "k", strings.Repeat(string(rune('a'+i%26)), 1<<20))
		top = max(top, v.Stats().LogBytes)
	}
	if limit := int64(8 << 20); top > limit || top < 4<<20 {
		t.Errorf("log grew to %d, want more than 4 MiB and at most %d", top, limit)
	}
	names, _ := d.List()
	if len(names) != 1 || names[0] == seg1 {
		t.Errorf("segments: %q, want one, not the first", names)
	}
	for range 2 {
		if got, err := v.Get("k"); err != nil || len(got) != 1<<20 || got[0] != 'a'+39%26 {
			t.Errorf("newest value: %d bytes, %v", len(got), err)
		}
		if got, err := v.Get("kept"); err != nil || string(got) != "value" {
			t.Errorf("kept value: %q, %v", got, err)
		}
		_ = v.Close()
		v = mustOpen(t, d, key)
	}
	_ = v.Close()
}

// Many small transactions without garbage are left alone, however much their frames cost.
func TestDoesNotCompactForNothing(t *testing.T) {
	d := mem.New(0)
	v := mustOpen(t, d, vault.NewKey())
	defer v.Close()
	for i := range 1000 {
		put(t, v, fmt.Sprint(i), strings.Repeat("x", 8000))
	}
	if names, _ := d.List(); !slices.Equal(names, []string{seg1}) {
		t.Errorf("segments: %q, want the first", names)
	}
}

// Compaction that has no room leaves the vault as it was, without its half-made segment, and
// does not fail the commit that set it off.
func TestCompactWithoutRoom(t *testing.T) {
	d := faulty.New(1)
	v := mustOpen(t, d, vault.NewKey())
	defer v.Close()
	put(t, v, "a", strings.Repeat("x", 1<<19))
	d.Space(1 << 18)
	if err := v.Compact(); !errors.Is(err, vault.ErrFull) {
		t.Errorf("Compact: got %v, want ErrFull", err)
	}
	if names, _ := d.List(); !slices.Equal(names, []string{seg1}) {
		t.Errorf("folder: %q, want only the segment", names)
	}
	put(t, v, "b", "goes on")
	for i := range 12 { // 12 MiB of garbage, and never room for a second segment
		d.Space(1<<20 + 8192)
		put(t, v, "a", strings.Repeat(string(rune('a'+i%26)), 1<<20))
		d.Space(0)
	}
	d.Space(-1)
	put(t, v, "a", "small") // now there is room
	put(t, v, "c", strings.Repeat("x", 1<<20), "d", strings.Repeat("x", 1<<20), "e", strings.Repeat("x", 1<<20))
	put(t, v, "c", "", "d", "", "e", "")
	put(t, v, "c", strings.Repeat("x", 1<<20), "d", strings.Repeat("x", 1<<20))
	if names, _ := d.List(); slices.Contains(names, seg1) {
		t.Errorf("folder: %q, want a new segment once there is room", names)
	}
}

// An outdated segment whose removal fails is worthless already: its key is gone.
func TestErasesKeyFirst(t *testing.T) {
	left := 0
	for fault := range 12 {
		d := faulty.New(uint64(fault))
		v := mustOpen(t, d, vault.NewKey())
		put(t, v, "a", "1")
		d.FailAt(d.Ops() + fault + 1)
		err := v.Compact()
		d.Edit(seg1, func(log []byte) []byte {
			if err == nil { // the fault hit the erasing, and the file is still there
				left++
				if !bytes.Equal(log[:128], make([]byte, 128)) {
					t.Errorf("fault %d: the old header is still there", fault)
				}
			}
			return log
		})
		_ = v.Close()
	}
	if left == 0 {
		t.Error("the removal never failed: nothing was tested")
	}
}

// Sealed files: whatever goes wrong while one is put, nothing is left of it.
func TestPutFileFails(t *testing.T) {
	d := faulty.New(1)
	v := mustOpen(t, d, vault.NewKey())
	defer v.Close()
	boom := errors.New("boom")
	text := strings.Repeat("x", 200_000)
	for _, c := range []struct {
		name  string
		r     io.Reader
		space int64
		want  error
	}{
		{"reader-fails", io.MultiReader(strings.NewReader(text), iotest.ErrReader(boom)), -1, boom},
		{"disk-full", strings.NewReader(text), 100_000, vault.ErrFull},
		{"full-at-the-record", strings.NewReader(text), 200_000 + 4*16 + 50, vault.ErrFull},
		{"works", iotest.HalfReader(strings.NewReader(text)), -1, nil},
	} {
		d.Space(c.space)
		n, err := v.PutFile("f-1", c.r)
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || n != int64(len(text))) {
			t.Errorf("%s: got %d, %v; want %v", c.name, n, err, c.want)
		}
		d.Space(-1)
		names, _ := d.List()
		if _, oerr := v.OpenFile("f-1"); c.want != nil && (!errors.Is(oerr, vault.ErrAbsent) || len(names) != 1) {
			t.Errorf("%s: OpenFile %v, folder %q; want ErrAbsent and one segment", c.name, oerr, names)
		}
	}
}

// A file that is removed while somebody reads it is gone for others at once, stays readable to
// him, and its bytes go with his Close. Readers share one handle.
func TestRemoveOpenFile(t *testing.T) {
	d := faulty.New(1)
	v := mustOpen(t, d, vault.NewKey())
	defer v.Close()
	if _, err := v.PutFile("f-1", strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	a, err := v.OpenFile("f-1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := v.OpenFile("f-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Close(), a.Close()); err != nil {
		t.Errorf("two Closes: %v", err)
	}
	if err := v.RemoveFile("f-1"); err != nil {
		t.Fatal(err)
	}
	_, oerr := v.OpenFile("f-1")
	_, perr := v.PutFile("f-1", strings.NewReader("other"))
	if rerr := v.RemoveFile("f-1"); !errors.Is(oerr, vault.ErrAbsent) || !errors.Is(rerr, vault.ErrAbsent) || !errors.Is(perr, vault.ErrExists) {
		t.Errorf("while it is read: OpenFile %v, RemoveFile %v, PutFile %v; want absent, absent, exists", oerr, rerr, perr)
	}
	p := make([]byte, 4)
	if n, err := b.ReadAt(p, 0); n != 4 || err != nil || string(p) != "text" {
		t.Errorf("the open one reads %q, %v", p[:n], err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if names, _ := d.List(); len(names) != 1 {
		t.Errorf("folder: %q, want one segment", names)
	}
}

// Chunks of a sealed file that were changed, swapped or cut are ErrDamaged, the others read.
func TestFileDamage(t *testing.T) {
	const chunk = 64<<10 + 16
	data := make([]byte, 3*64<<10)
	for what, c := range map[string]struct {
		edit func([]byte) []byte
		open bool // the harm shows at OpenFile already
	}{
		"a bit":   {func(b []byte) []byte { b[chunk+5] ^= 1; return b }, false},
		"swapped": {func(b []byte) []byte { return slices.Concat(b[:chunk], b[2*chunk:], b[chunk:2*chunk]) }, false},
		"cut":     {func(b []byte) []byte { return b[:2*chunk] }, true},
		"longer":  {func(b []byte) []byte { return append(b, 0) }, true},
		"gone":    {func(b []byte) []byte { return nil }, true},
	} {
		d := faulty.New(1)
		v := mustOpen(t, d, vault.NewKey())
		if _, err := v.PutFile("f-1", bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		d.Edit("f-1", c.edit)
		f, err := v.OpenFile("f-1")
		if c.open {
			if !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("%s: OpenFile: got %v, want ErrDamaged", what, err)
			}
			_ = v.Close()
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, len(data))
		if n, err := f.ReadAt(p, 0); n != 64<<10 || !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("%s: ReadAt = %d, %v; want the first chunk and ErrDamaged", what, n, err)
		}
		_ = f.Close()
		_ = v.Close()
	}
}

// Files lists what there is.
func TestFiles(t *testing.T) {
	v := mustOpen(t, mem.New(0), vault.NewKey())
	defer v.Close()
	for i, name := range []string{"f-b", "f-a", "f-0.c"} {
		if _, err := v.PutFile(name, strings.NewReader(strings.Repeat("x", i))); err != nil {
			t.Fatal(err)
		}
	}
	put(t, v, "\x01", "not a file")
	var got []vault.FileInfo
	for fi, err := range v.Files() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fi)
	}
	if want := []vault.FileInfo{{"f-0.c", 2}, {"f-a", 1}, {"f-b", 0}}; !slices.Equal(got, want) {
		t.Errorf("Files = %v, want %v", got, want)
	}
}

// The limits that would take hours to reach: a sealed file and the log itself.
func TestLargeLimits(t *testing.T) {
	d := mem.New(0)
	v := mustOpen(t, d, vault.NewKey())
	v.SetFileMax(100_000)
	if n, err := v.PutFile("f-1", bytes.NewReader(make([]byte, 100_000))); n != 100_000 || err != nil {
		t.Errorf("a file at the limit = %d, %v", n, err)
	}
	if _, err := v.PutFile("f-2", bytes.NewReader(make([]byte, 100_001))); !errors.Is(err, vault.ErrLimit) {
		t.Errorf("a file over the limit: got %v, want ErrLimit", err)
	}
	if names, _ := d.List(); slices.Contains(names, "f-2") {
		t.Errorf("the file over the limit is still there")
	}
	v.SetLogEnd(vault.SegmentMax)
	if err := v.Commit([]vault.Op{{Key: "a", Value: []byte("x")}}); !errors.Is(err, vault.ErrFull) {
		t.Errorf("Commit on the longest log: got %v, want ErrFull", err)
	}
}

// Bytes that a failed PutFile could not remove do not spoil the next one under that name.
func TestPutFileOverLeftovers(t *testing.T) {
	d := faulty.New(1)
	v := mustOpen(t, d, vault.NewKey())
	defer v.Close()
	f, err := d.Open("f-1")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	d.Edit("f-1", func([]byte) []byte { return make([]byte, 5000) })
	if _, err := v.PutFile("f-1", strings.NewReader("short")); err != nil {
		t.Fatal(err)
	}
	g, err := v.OpenFile("f-1")
	if err != nil {
		t.Fatalf("OpenFile: %v", err)
	}
	defer g.Close()
	p := make([]byte, 5)
	if _, err := g.ReadAt(p, 0); err != nil || string(p) != "short" {
		t.Errorf("got %q, %v; want short", p, err)
	}
}

// TestKeys shows that Keys yields what Range does, for any bounds, also when there are many.
func TestKeys(t *testing.T) {
	v := mustOpen(t, mem.New(0), vault.NewKey())
	for i := range 3000 {
		if err := v.Commit([]vault.Op{{Key: fmt.Sprintf("k/%05d", i*7%3000), Value: []byte{1}}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range [][2]string{{"", ""}, {"k/", "k0"}, {"k/00100", "k/00101"}, {"k/001", "k/02500"}, {"z", ""}, {"a", "b"}} {
		var got, want []string
		for k, err := range v.Keys(x[0], x[1]) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, k)
		}
		for op, err := range v.Range(x[0], x[1], false) {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, op.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %d keys, want %d", x, len(got), len(want))
		}
	}
}
