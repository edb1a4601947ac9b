package embedded

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/store"
	"paperplane/server/store/storetest"
)

const damageLogs = 40

// fillForDamage appends to damageLogs logs, settles a part and leaves a part in the tail.
func fillForDamage(t *testing.T, d disk, settled, tail int) *Log {
	t.Helper()
	l, err := openOn(d, 8<<20, 512<<10)
	if err != nil {
		t.Fatalf("open: got %v, want nil", err)
	}
	sizes := []int{plane.RecordSmall, plane.RecordSmall, plane.RecordMedium, plane.RecordLarge}
	for i := range settled + tail {
		for log := range damageLogs {
			if _, err := l.Append(t.Context(), storetest.ID(log), storetest.Day, storetest.Body(i*100+log, sizes[(i+log)%4]), false); err != nil {
				t.Fatalf("Append: got %v, want nil", err)
			}
		}
		if i == settled-1 {
			if err := l.Settle(t.Context()); err != nil {
				t.Fatalf("Settle: got %v, want nil", err)
			}
		}
	}
	return l
}

// judge reads every log: each must be whole and right, or answer ErrDamaged; mayLack logs may
// lack one record, for a tail's frame with a broken head does not say whose it was. It returns how
// many answered ErrDamaged.
func judge(t *testing.T, l *Log, n, mayLack int) (damaged int) {
	t.Helper()
	sizes := []int{plane.RecordSmall, plane.RecordSmall, plane.RecordMedium, plane.RecordLarge}
	for log := range damageLogs {
		recs, err := l.Read(t.Context(), storetest.ID(log), 1, n+10)
		if errors.Is(err, store.ErrDamaged) {
			damaged++
			continue
		}
		if err == nil && len(recs) == n-1 && mayLack > 0 {
			mayLack--
			damaged++
			continue
		}
		if err != nil || len(recs) != n {
			t.Fatalf("log %d: got %d records, %v, want %d, nil or ErrDamaged", log, len(recs), err, n)
		}
		for i, r := range recs {
			if want := storetest.Body(i*100+log, sizes[(i+log)%4]); r.Seq != plane.Seq(i+1) || !bytes.Equal(r.Body, want) {
				t.Fatalf("log %d record %d: got seq %d with other bytes", log, i, r.Seq)
			}
		}
	}
	return damaged
}

func (d *memDisk) only(t *testing.T, prefix string) *inode {
	t.Helper()
	var found *inode
	for n, i := range d.names {
		if strings.HasPrefix(n, prefix) && (prefix != "tail-" || bytes.ContainsFunc(i.data, func(r rune) bool { return r != 0 })) {
			if found != nil {
				t.Fatalf("got two files %s…, want one", prefix)
			}
			found = i
		}
	}
	if found == nil {
		t.Fatalf("got no file %s…, want one", prefix)
	}
	return found
}

// TestDamagedByte changes one byte anywhere in a segment, a heads file or a tail: no log reads
// wrong or (but for one record of a tail whose head is broken) short without an error, nearly all go on, Verify notices, and a merge keeps it so.
func TestDamagedByte(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, c := range []struct {
		file          string
		settled, tail int
		most          int // logs that one byte may cost
		lack          int // logs that may lack a record without an error of their own
	}{
		{"seg-", 6, 0, 1, 0},
		{"heads-", 6, 0, 1, 0},
		{"tail-", 0, 3, 2, 1},
	} {
		t.Run(strings.TrimSuffix(c.file, "-"), func(t *testing.T) {
			d := newMemDisk()
			if err := fillForDamage(t, d, c.settled, c.tail).Close(); err != nil {
				t.Fatalf("Close: got %v, want nil", err)
			}
			if err := verifyOn(d); err != nil {
				t.Fatalf("Verify of a sound store: got %v, want nil", err)
			}
			worst, silent := 0, 0
			end := len(bytes.TrimRight(d.only(t, c.file).data, "\x00"))
			for try := range 60 {
				d := d.crash(rng) // a copy: nothing is unsynced
				i := d.only(t, c.file)
				at := rng.IntN(end)
				if try%3 == 0 && c.file == "seg-" { // the table is small: aim at it
					at = end - 1 - rng.IntN(damageLogs*6/2*headBytes)
				}
				flip := byte(1 + rng.IntN(255))
				i.data[at] ^= flip
				i.durable[at] ^= flip
				if err := verifyOn(d); !errors.Is(err, store.ErrDamaged) {
					// The last write of a tail looks torn, not damaged; that is all there may be.
					if c.file != "tail-" || at < end-frameBytes-unit {
						t.Fatalf("seed %d, byte %d of %d: Verify: got %v, want ErrDamaged", seed, at, end, err)
					}
					silent++
					continue
				}
				l, err := openOn(d, 8<<20, 512<<10)
				if err != nil {
					t.Fatalf("seed %d, byte %d of %d: open: got %v, want nil", seed, at, end, err)
				}
				n := judge(t, l, c.settled+c.tail, c.lack)
				if err := l.Settle(t.Context()); err != nil {
					t.Fatalf("Settle: got %v, want nil", err)
				}
				for log := range damageLogs { // one more each, so that all is merged once more
					_, err := l.Append(t.Context(), storetest.ID(log), storetest.Day, storetest.Body((c.settled+c.tail)*100+log, []int{plane.RecordSmall, plane.RecordSmall, plane.RecordMedium, plane.RecordLarge}[(c.settled+c.tail+log)%4]), false)
					if err != nil && !errors.Is(err, store.ErrDamaged) {
						t.Fatalf("Append: got %v, want nil or ErrDamaged", err)
					}
					if err != nil && c.file != "heads-" {
						t.Fatalf("Append beside damage: got %v, want nil", err)
					}
				}
				if c.file == "seg-" {
					if err := l.Settle(t.Context()); err != nil {
						t.Fatalf("Settle: got %v, want nil", err)
					}
					n = max(n, judge(t, l, c.settled+c.tail+1, c.lack))
				}
				worst = max(worst, n)
				_ = l.Close()
			}
			t.Logf("one byte cost at most %d of %d logs; %d looked like an unfinished write", worst, damageLogs, silent)
			if worst > c.most {
				t.Errorf("seed %d: one byte cost %d logs, want at most %d", seed, worst, c.most)
			}
		})
	}
}

// TestDamagedPage overwrites a page of 4 KiB in a segment: what it held is ErrDamaged, the rest
// goes on.
func TestDamagedPage(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	d := newMemDisk()
	if err := fillForDamage(t, d, 6, 0).Close(); err != nil {
		t.Fatalf("Close: got %v, want nil", err)
	}
	hit := 0
	for range 60 {
		d := d.crash(rng)
		i := d.only(t, "seg-")
		at := rng.IntN(len(i.data)-pageBytes) / pageBytes * pageBytes
		for j := range pageBytes {
			i.data[at+j] = byte(rng.Uint32())
		}
		copy(i.durable, i.data)
		if err := verifyOn(d); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("seed %d: Verify: got %v, want ErrDamaged", seed, err)
		}
		l, err := openOn(d, 8<<20, 512<<10)
		if err != nil {
			t.Fatalf("seed %d: open: got %v, want nil", seed, err)
		}
		if n := judge(t, l, 6, 0); n > 0 {
			hit++
			if n > 4 && at < len(i.data)-2*damageLogs*6*headBytes {
				t.Errorf("seed %d, page at %d: got %d logs damaged, want at most 4", seed, at, n)
			}
		}
		_ = l.Close()
	}
	if hit == 0 {
		t.Errorf("no page cost any log: the test did nothing")
	}
}

// TestDamagedManifest: without its manifest the store does not guess.
func TestDamagedManifest(t *testing.T) {
	d := newMemDisk()
	if err := fillForDamage(t, d, 1, 0).Close(); err != nil {
		t.Fatalf("Close: got %v, want nil", err)
	}
	good := bytes.Clone(d.names[manifestName].data)
	for i := range good {
		d.names[manifestName].data = bytes.Clone(good)
		d.names[manifestName].data[i] ^= 1
		if _, err := openOn(d, 1<<20, 64<<10); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("byte %d changed: open: got %v, want ErrDamaged", i, err)
		}
	}
	_ = d.Remove(manifestName)
	if _, err := openOn(d, 1<<20, 64<<10); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("manifest lost: open: got %v, want ErrDamaged", err)
	}
	if err := verifyOn(d); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("manifest lost: Verify: got %v, want ErrDamaged", err)
	}
}

// TestFullDisk: when space runs out appends and merges answer ErrFull, what was stored is read,
// and when space is back the store goes on, with nothing half done.
func TestFullDisk(t *testing.T) {
	for _, space := range []int64{0, 1000, 20 << 10, 33 << 10, 50 << 10, 90 << 10, 200 << 10} {
		d := newMemDisk()
		l := mustOpen(t, d)
		d.mu.Lock()
		d.space = space
		d.mu.Unlock()
		var want []store.Record
		full := 0
		add := func(i int) {
			b := storetest.Body(i, plane.RecordMedium)
			seq, err := l.Append(t.Context(), storetest.ID(1), storetest.Day+plane.Day(i/40), b, false)
			if errors.Is(err, store.ErrFull) {
				full++
				return
			}
			if err != nil || seq != plane.Seq(len(want)+1) {
				t.Fatalf("space %d: Append: got seq %d, %v, want %d, nil or ErrFull", space, seq, err, len(want)+1)
			}
			want = append(want, store.Record{Seq: seq, Body: b})
		}
		check := func() {
			t.Helper()
			got, err := l.Read(t.Context(), storetest.ID(1), 1, 1000)
			if err != nil || len(got) != len(want) {
				t.Fatalf("space %d: Read: got %d records, %v, want %d, nil", space, len(got), err, len(want))
			}
			for i := range got {
				if got[i].Seq != want[i].Seq || !bytes.Equal(got[i].Body, want[i].Body) {
					t.Fatalf("space %d: record %d: got seq %d, want %d with its body", space, i, got[i].Seq, want[i].Seq)
				}
			}
		}
		for i := range 80 {
			add(i)
			if i%30 == 29 {
				if err := l.Settle(t.Context()); err != nil && !errors.Is(err, store.ErrFull) {
					t.Fatalf("space %d: Settle: got %v, want nil or ErrFull", space, err)
				}
				check()
			}
		}
		if full == 0 {
			t.Errorf("space %d: no append met a full disk: the test did nothing", space)
		}
		check()
		d.mu.Lock()
		d.space = -1
		d.mu.Unlock()
		refused := full
		for i := range 20 {
			add(100 + i)
		}
		if full != refused {
			t.Errorf("space %d: got %d refusals after space was back, want 0", space, full-refused)
		}
		if err := l.Settle(t.Context()); err != nil {
			t.Fatalf("space %d: Settle with space back: got %v, want nil", space, err)
		}
		check()
		_ = l.Close()
		l = mustOpen(t, d)
		check()
		_ = l.Close()
		if err := verifyOn(d); err != nil {
			t.Errorf("space %d: Verify: got %v, want nil", space, err)
		}
	}
}

// TestFailingDisk: writes and syncs fail now and then. What an append says is true: a number
// means stored, ErrFull means not stored, anything else means either.
func TestFailingDisk(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 2))
	errDisk := errors.New("memdisk: i/o error")
	for range 30 {
		d := newMemDisk()
		l := mustOpen(t, d)
		d.mu.Lock()
		d.fault = func(string, string) error {
			if rng.IntN(12) == 0 {
				return errDisk
			}
			return nil
		}
		d.mu.Unlock()
		failed := 0
		for i := range 60 {
			// Each caller repeats until it is told a number, as the server's clients do.
			for retry := false; ; retry = true {
				seq, err := l.Append(t.Context(), storetest.ID(1), storetest.Day, storetest.Body(i, plane.RecordSmall), retry)
				if err == nil {
					if seq != plane.Seq(i+1) {
						t.Fatalf("seed %d: Append: got seq %d, want %d", seed, seq, i+1)
					}
					break
				}
				failed++
			}
			if i%20 == 19 {
				_ = l.Settle(t.Context())
			}
		}
		if failed == 0 {
			t.Errorf("seed %d: nothing failed: the test did nothing", seed)
		}
		d.mu.Lock()
		d.fault = nil
		d.mu.Unlock()
		for _, when := range []string{"healed", "settled", "opened"} {
			recs, err := l.Read(t.Context(), storetest.ID(1), 1, 100)
			if err != nil || len(recs) != 60 {
				t.Fatalf("seed %d, %s: Read: got %d records, %v, want 60, nil", seed, when, len(recs), err)
			}
			for i, r := range recs {
				if !bytes.Equal(r.Body, storetest.Body(i, plane.RecordSmall)) {
					t.Fatalf("seed %d, %s: record %d: got another body", seed, when, i)
				}
			}
			if when == "healed" {
				if err := l.Settle(t.Context()); err != nil {
					t.Fatalf("seed %d: Settle: got %v, want nil", seed, err)
				}
			} else if when == "settled" {
				_ = l.Close()
				l = mustOpen(t, d)
			}
		}
		_ = l.Close()
	}
}
