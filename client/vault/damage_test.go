package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/faulty"
)

const seg1 = "seg-0000000000000001"

// recording makes a vault of commits whose states are known: ends[i] is the length of the log
// after commit i (ends[0]: the bare header), and Range then gives states[i].
func recording(t testing.TB, values ...int) (log []byte, ends []int, states [][]string, key vault.Key) {
	t.Helper()
	d := faulty.New(1)
	key = vault.NewKey()
	v := mustOpen(t, d, key)
	size := func() (n int) {
		d.Edit(seg1, func(b []byte) []byte { n, log = len(b), b; return b })
		return n
	}
	ends, states = append(ends, size()), append(states, nil)
	for i, n := range values {
		put(t, v, fmt.Sprint("key", i), strings.Repeat("v", n), "last", fmt.Sprint(i))
		ends, states = append(ends, size()), append(states, keys(t, v, "", "", false))
	}
	return log, ends, states, key
}

// opened opens a log of these bytes and reads all of it.
func opened(t testing.TB, log []byte, key vault.Key) (state []string, err error) {
	t.Helper()
	d := faulty.New(1)
	f, _ := d.Open(seg1)
	_ = f.Close()
	d.Edit(seg1, func([]byte) []byte { return log })
	v, err := vault.Open(d, key)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	for op, err := range v.Range("", "", false) {
		if err != nil {
			return nil, err
		}
		state = append(state, op.Key+"="+string(op.Value))
	}
	return state, nil
}

// A log cut at any length holds exactly the commits that fit, and says so only of its header.
func TestCutAnywhere(t *testing.T) {
	log, ends, states, key := recording(t, 10, 0, 700, 40)
	for n := range len(log) + 1 {
		got, err := opened(t, log[:n:n], key)
		if n < ends[0] {
			if !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("cut at %d: got %v, want ErrDamaged", n, err)
			}
			continue
		}
		i := 0
		for i+1 < len(ends) && ends[i+1] <= n {
			i++
		}
		if err != nil || !slices.Equal(got, states[i]) {
			t.Errorf("cut at %d: got %q, %v; want %q", n, got, err, states[i])
		}
	}
}

// One changed bit: in the header and in every frame that has a successor it is ErrDamaged; in
// the last frame, which no successor vouches for, it is taken for a torn tail.
func TestRotAnywhere(t *testing.T) {
	log, ends, states, key := recording(t, 10, 0, 700, 40)
	last := ends[len(ends)-2]
	for i := range log {
		bad := bytes.Clone(log)
		bad[i] ^= 1 << (i % 8)
		got, err := opened(t, bad, key)
		if i < last {
			if !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("byte %d of %v: got %q, %v; want ErrDamaged", i, ends, got, err)
			}
		} else if err != nil || !slices.Equal(got, states[len(states)-2]) {
			t.Errorf("byte %d in the last frame: got %q, %v; want %q", i, got, err, states[len(states)-2])
		}
	}
}

// After a proper Close rot in the last transaction is told as well.
func TestCloseVouches(t *testing.T) {
	d, key := faulty.New(1), vault.NewKey()
	v := mustOpen(t, d, key)
	put(t, v, "a", "1")
	var end int
	d.Edit(seg1, func(b []byte) []byte { end = len(b); return b })
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	var log []byte
	d.Edit(seg1, func(b []byte) []byte { log = b; return b })
	for i := range log {
		bad := bytes.Clone(log)
		bad[i] ^= 0x10
		got, err := opened(t, bad, key)
		if i < end && !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("byte %d: got %q, %v; want ErrDamaged", i, got, err)
		}
		if i >= end && (err != nil || !slices.Equal(got, []string{"a=1"})) {
			t.Errorf("byte %d of the mark: got %q, %v; want a=1", i, got, err)
		}
	}
	// The mark is written once, not at every opening.
	for range 3 {
		if err := mustOpen(t, d, key).Close(); err != nil {
			t.Fatal(err)
		}
	}
	d.Edit(seg1, func(b []byte) []byte {
		if len(b) != len(log) {
			t.Errorf("size after idle openings: got %d, want %d", len(b), len(log))
		}
		return b
	})
}

// Ranges of the file lost to zeros or noise, of frames shortened, doubled, swapped or left out:
// wherever an authentic frame lies behind the harm it is ErrDamaged.
func TestHarmBeforeTheEnd(t *testing.T) {
	log, ends, states, key := recording(t, 10, 300, 300, 40, 500)
	frame := func(i int) []byte { return log[ends[i]:ends[i+1]] }
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	zeros := func(from, to int) []byte {
		b := bytes.Clone(log)
		clear(b[from:to])
		return b
	}
	if a, b := len(frame(1)), len(frame(2)); a != b {
		t.Fatalf("frames of equal content have sizes %d and %d", a, b)
	}
	for what, bad := range map[string][]byte{
		"a frame of zeros":               zeros(ends[1], ends[2]),
		"two frames of zeros":            zeros(ends[1], ends[3]),
		"zeros over a border":            zeros(ends[1]+100, ends[2]+10),
		"a frame left out":               join(log[:ends[1]], log[ends[2]:]),
		"equal frames swapped":           join(log[:ends[1]], frame(2), frame(1), log[ends[3]:]),
		"a frame over its neighbour":     join(log[:ends[2]], frame(1), log[ends[3]:]),
		"a body cut short":               join(log[:ends[2]-64], log[ends[2]:]),
		"64 bytes put between":           join(log[:ends[2]], make([]byte, 64), log[ends[2]:]),
		"more junk than one transaction": join(log, make([]byte, 20<<20)),
		"the first frame again":          join(log, frame(0)),
		"the last frame again":           join(log, frame(4)),
		"the last but one left out":      join(log[:ends[3]], frame(4)),
		"not a vault":                    []byte(strings.Repeat("not a vault", 100)),
		"empty":                          nil,
	} {
		if got, err := opened(t, bad, key); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("%s: got %q, %v; want ErrDamaged", what, got, err)
		}
	}
	for what, bad := range map[string][]byte{
		"zeros behind":    join(log, make([]byte, 1000)),
		"64 zeros behind": join(log, make([]byte, 64)),
		"a byte behind":   join(log, []byte{1}),
	} {
		if got, err := opened(t, bad, key); err != nil || !slices.Equal(got, states[5]) {
			t.Errorf("%s: got %q, %v; want the whole log", what, got, err)
		}
	}
}

// Frames of another vault or segment under the same key are foreign.
func TestForeignFrames(t *testing.T) {
	d, key := faulty.New(1), vault.NewKey()
	v := mustOpen(t, d, key)
	put(t, v, "a", "1")
	_ = v.Close()
	e := faulty.New(2)
	v = mustOpen(t, e, key)
	put(t, v, "a", "2")
	put(t, v, "b", "2")
	_ = v.Close()
	var mine, theirs []byte
	d.Edit(seg1, func(b []byte) []byte { mine = b; return b })
	e.Edit(seg1, func(b []byte) []byte { theirs = b; return b })
	got, err := opened(t, slices.Concat(mine[:128], theirs[128:]), key)
	if err != nil || len(got) != 0 {
		t.Errorf("another vault's frames behind this header: got %q, %v; want an empty vault", got, err)
	}
	// A segment under another number is not that segment.
	f, _ := d.Open("seg-0000000000000002")
	_ = f.Close()
	d.Edit("seg-0000000000000002", func([]byte) []byte { return mine })
	if _, err := vault.Open(d, key); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("a renamed segment: got %v, want ErrDamaged", err)
	}
}

// The wrong key, the zero key and a later version are told apart, and change nothing.
func TestWrongKeyChangesNothing(t *testing.T) {
	d, key := faulty.New(1), vault.NewKey()
	v := mustOpen(t, d, key)
	put(t, v, "a", "1")
	if _, err := v.PutFile("f-x", strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	_ = v.Close()
	ops := d.Ops()
	for what, k := range map[string]vault.Key{"another key": vault.NewKey(), "no key": {}} {
		if _, err := vault.Open(d, k); !errors.Is(err, vault.ErrKey) {
			t.Errorf("%s: got %v, want ErrKey", what, err)
		}
	}
	if got := d.Ops(); got != ops {
		t.Errorf("writes while the key was wrong: got %d, want 0", got-ops)
	}
	v = mustOpen(t, d, key) // the lock was given back
	_ = v.Close()
}

// Sealed files without any log are not thrown away for a fresh vault.
func TestFilesWithoutLog(t *testing.T) {
	d := faulty.New(1)
	f, _ := d.Open("f-x")
	_ = f.Close()
	if _, err := vault.Open(d, vault.NewKey()); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
	if names, _ := d.List(); !slices.Equal(names, []string{"f-x"}) {
		t.Errorf("folder afterwards: %q, want only f-x", names)
	}
}

// Rot that comes while the vault is open is an error of the read, never a wrong value.
func TestRotUnderAnOpenVault(t *testing.T) {
	for _, at := range []int{128 + 5, 128 + 30, 128 + 70} { // nonce, head, chunk
		d := faulty.New(1)
		v := mustOpen(t, d, vault.NewKey())
		put(t, v, "a", "a value")
		d.Edit(seg1, func(b []byte) []byte { b[at] ^= 1; return b })
		if got, err := v.Get("a"); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("byte %d: got %q, %v; want ErrDamaged", at, got, err)
		}
		for op, err := range v.Range("", "", false) {
			if !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("byte %d: Range gives %q, %v; want ErrDamaged", at, op.Value, err)
			}
		}
		if err := v.Compact(); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("byte %d: Compact: %v, want ErrDamaged", at, err)
		}
		if names, _ := d.List(); !slices.Equal(names, []string{seg1}) {
			t.Errorf("byte %d: folder after a failed Compact: %q", at, names)
		}
		_ = v.Close()
	}
}

// Mutated bytes never panic and never give a value that was not committed: either an error or
// one of the states that the log went through.
func FuzzOpen(f *testing.F) {
	log, _, states, key := recording(f, 3, 200, 17_000, 40)
	f.Add(uint32(5), []byte{1}, uint32(0))
	f.Add(uint32(200), []byte("xxxxxxxxxxxxxxxx"), uint32(10))
	f.Add(uint32(17000), []byte{}, uint32(300))
	f.Fuzz(func(t *testing.T, at uint32, with []byte, cut uint32) {
		bad := bytes.Clone(log)
		off := int(at) % len(bad)
		for i, c := range with {
			if off+i < len(bad) {
				bad[off+i] ^= c
			}
		}
		bad = bad[:len(bad)-int(cut)%len(bad)]
		got, err := opened(t, bad, key)
		if err != nil {
			if !errors.Is(err, vault.ErrDamaged) && !errors.Is(err, vault.ErrKey) && !errors.Is(err, vault.ErrNewer) {
				t.Fatalf("got %v, want ErrDamaged, ErrKey or ErrNewer", err)
			}
			return
		}
		if !slices.ContainsFunc(states, func(s []string) bool { return slices.Equal(s, got) }) {
			t.Fatalf("a state that never was: %.200q", got)
		}
	})
}
