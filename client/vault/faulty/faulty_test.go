package faulty_test

import (
	"bytes"
	"errors"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/faulty"
	"paperplane/client/vault/vaulttest"
)

// A disk without a plan is a good Dir.
func TestDir(t *testing.T) {
	vaulttest.Run(t, func(*testing.T) func() vault.Dir {
		d := faulty.New(1)
		return func() vault.Dir { return d }
	})
}

// Over many seeds a crash keeps what was synced and shows every kind of loss of what was not:
// a simulation that is too kind proves nothing.
func TestCrashLoses(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(400) {
		d := faulty.New(seed)
		f, _ := d.Open("a")
		_, _ = f.WriteAt(bytes.Repeat([]byte{'s'}, 600), 0)
		_ = f.Sync()
		for i := range 3 {
			_, _ = f.WriteAt(bytes.Repeat([]byte{'1' + byte(i)}, 1000), 600+int64(i)*1000)
		}
		g, _ := d.Open("b")
		_ = g.Close()
		d.Crash()
		if _, err := f.WriteAt([]byte{1}, 0); !errors.Is(err, faulty.ErrCrashed) {
			t.Fatalf("seed %d: write after the crash: %v", seed, err)
		}
		d.Restart()
		if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, faulty.ErrCrashed) {
			t.Fatalf("seed %d: an old handle works after the restart: %v", seed, err)
		}
		names, _ := d.List()
		if len(names) == 1 {
			seen["unsynced file gone"]++
		} else {
			seen["unsynced file kept"]++
		}
		f, _ = d.Open("a")
		size, _ := f.Size()
		b := make([]byte, size)
		_, _ = f.ReadAt(b, 0)
		if len(b) < 600 || !bytes.Equal(b[:600], bytes.Repeat([]byte{'s'}, 600)) {
			t.Fatalf("seed %d: synced bytes lost", seed)
		}
		one, three := bytes.Count(b, []byte("1")), bytes.Count(b, []byte("3"))
		switch {
		case size == 600:
			seen["nothing"]++
		case size == 3600 && one == 1000 && three == 1000:
			seen["everything"]++
		case size < 3600 && size%sector != 0 && (size-600)%1000 != 0:
			seen["torn at a byte"]++
		case one < 1000 && three > 0:
			seen["later kept, earlier lost"]++
		}
		if size > 600 && bytes.Contains(b, make([]byte, 100)) {
			seen["hole of zeros"]++
		}
	}
	for _, what := range []string{"nothing", "everything", "torn at a byte", "later kept, earlier lost", "hole of zeros", "unsynced file gone", "unsynced file kept"} {
		if seen[what] < 5 {
			t.Errorf("%s: seen %d times in 400 crashes, want at least 5 (all: %v)", what, seen[what], seen)
		}
	}
}

const sector = 512

// The plan's fault comes at its number and once; a full disk takes what fits.
func TestPlan(t *testing.T) {
	d := faulty.New(7)
	d.FailAt(2)
	f, err := d.Open("a") // 1
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.WriteAt(make([]byte, 100), 0); !errors.Is(err, faulty.ErrFault) || n > 100 { // 2
		t.Errorf("planned fault: got %d, %v", n, err)
	}
	if err := f.Truncate(0); err != nil { // 3
		t.Errorf("after the fault: %v", err)
	}
	if got := d.Ops(); got != 3 {
		t.Errorf("Ops = %d, want 3", got)
	}
	d.Space(50)
	if n, err := f.WriteAt(make([]byte, 51), 0); n != 50 || !errors.Is(err, vault.ErrFull) {
		t.Errorf("one byte too many = %d, %v; want 50, ErrFull", n, err)
	}
	if _, err := f.WriteAt(make([]byte, 50), 0); err != nil {
		t.Errorf("what fits: %v", err)
	}
	d.CrashAt(d.Ops() + 1)
	if err := f.Sync(); !errors.Is(err, faulty.ErrCrashed) || !d.Crashed() {
		t.Errorf("planned crash: %v, %v", err, d.Crashed())
	}
}
