package vault_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/mem"
	"paperplane/client/vault/osfile"
)

func osDir(b *testing.B) vault.Dir {
	d, err := osfile.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = d.Close() })
	return d
}

// fill commits n records of 300 bytes one at a time, as messages come.
func fill(b *testing.B, v *vault.Vault, n int) {
	value := make([]byte, 300)
	for i := range n {
		if err := v.Commit([]vault.Op{{Key: recordKey(i), Value: value}}); err != nil {
			b.Fatal(err)
		}
	}
}

// recordKey is like a real one: a kind, a conversation, a number; conversations interleave.
func recordKey(i int) string { return fmt.Sprintf("msg/%08x/%012x", i%97*7919, i) }

// One transaction of 300 bytes, durable on this machine's disk.
func BenchmarkCommit(b *testing.B) {
	v := mustOpen(b, osDir(b), vault.NewKey())
	value := make([]byte, 300)
	for i := 0; b.Loop(); i++ {
		if err := v.Commit([]vault.Op{{Key: recordKey(i), Value: value}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
	_ = v.Close()
}

// What the disk alone allows: the same bytes appended and synced, nothing else.
func BenchmarkCommitFloor(b *testing.B) {
	f, err := osDir(b).Open("floor")
	if err != nil {
		b.Fatal(err)
	}
	frame := make([]byte, 448)
	for i := int64(0); b.Loop(); i++ {
		if _, err := f.WriteAt(frame, i*448); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
	_ = f.Close()
}

// The same without a disk: the vault's own share.
func BenchmarkCommitMem(b *testing.B) {
	v := mustOpen(b, mem.New(0), vault.NewKey())
	value := make([]byte, 300)
	for i := 0; b.Loop(); i++ {
		if err := v.Commit([]vault.Op{{Key: recordKey(i % 10_000), Value: value}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
	_ = v.Close()
}

// Opening 100,000 records that were committed one by one (the worst case) and after Compact.
func BenchmarkOpen100k(b *testing.B) {
	const n = 100_000
	d, key := mem.New(0), vault.NewKey()
	v := mustOpen(b, d, key)
	fill(b, v, n)
	_ = v.Close()
	// The same bytes on a real disk.
	o := osDir(b)
	names, _ := d.List()
	for _, name := range names {
		from, _ := d.Open(name)
		to, _ := o.Open(name)
		size, _ := from.Size()
		buf := make([]byte, size)
		_, _ = from.ReadAt(buf, 0)
		_, _ = to.WriteAt(buf, 0)
		_ = to.Close()
	}
	run := func(b *testing.B) {
		for b.Loop() {
			v := mustOpen(b, o, key)
			if got := v.Stats().Keys; got != n {
				b.Fatalf("got %d keys, want %d", got, n)
			}
			_ = v.Close()
		}
	}
	b.Run("one-by-one", run)
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			before := heap()
			v := mustOpen(b, o, key)
			b.ReportMetric(float64(heap()-before)/1e6, "MB-held")
			_ = v.Close()
		}
	})
	v = mustOpen(b, o, key)
	b.Run("range", func(b *testing.B) { rangeAll(b, v, n) })
	b.Run("get", func(b *testing.B) { getOne(b, v) })
	if err := v.Compact(); err != nil {
		b.Fatal(err)
	}
	b.Run("range-compacted", func(b *testing.B) { rangeAll(b, v, n) })
	b.Run("get-compacted", func(b *testing.B) { getOne(b, v) })
	_ = v.Close()
	b.Run("compacted", run)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func rangeAll(b *testing.B, v *vault.Vault, want int) {
	for b.Loop() {
		n := 0
		for _, err := range v.Range("", "", true) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != want {
			b.Fatalf("got %d, want %d", n, want)
		}
	}
	b.ReportMetric(float64(b.N)*float64(want)/b.Elapsed().Seconds(), "records/s")
}

func getOne(b *testing.B, v *vault.Vault) {
	for i := 0; b.Loop(); i += 7919 {
		if _, err := v.Get(recordKey(i % 100_000)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompact(b *testing.B) {
	v := mustOpen(b, osDir(b), vault.NewKey())
	value := strings.Repeat("x", 300)
	for i := range 100 {
		var ops []vault.Op
		for j := range 1000 {
			ops = append(ops, vault.Op{Key: recordKey(i*1000 + j), Value: []byte(value)})
		}
		if err := v.Commit(ops); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(v.Stats().LiveBytes)
	for b.Loop() {
		if err := v.Compact(); err != nil {
			b.Fatal(err)
		}
	}
	_ = v.Close()
}

func BenchmarkPutFile(b *testing.B) {
	v := mustOpen(b, osDir(b), vault.NewKey())
	text := strings.Repeat("x", 4<<20)
	b.SetBytes(int64(len(text)))
	for i := 0; b.Loop(); i++ {
		if _, err := v.PutFile("f-1", strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
		if err := v.RemoveFile("f-1"); err != nil {
			b.Fatal(err)
		}
	}
	_ = v.Close()
}
