package vaulttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/faulty"
)

// state is the model: what a vault holds. Files are kept under their names, which no key has.
type state map[string]string

// step is one thing a script does: the same on the vault and on the model.
type step struct {
	what string
	ops  []vault.Op // "commit"
	name string     // "put", "remove"
	data []byte     // "put"
}

// script draws n steps from seed. Keys and names are few, so that they are overwritten often.
func script(seed uint64, n int) (steps []step) {
	r := rand.New(rand.NewPCG(seed, 1))
	bytesOf := func(max int) []byte {
		b := make([]byte, r.IntN(max+1))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range n {
		s := step{what: "commit"}
		switch p := r.IntN(20); {
		case p < 13:
			for range 1 + r.IntN(5) {
				op := vault.Op{Key: fmt.Sprintf("k%02d", r.IntN(20))}
				switch q := r.IntN(12); {
				case q == 0:
					op.Value = bytesOf(40 << 10) // several chunks
				case q < 9:
					op.Value = bytesOf(300)
				}
				s.ops = append(s.ops, op)
			}
		case p < 15:
			s.what, s.name, s.data = "put", fmt.Sprintf("f-%d", r.IntN(4)), bytesOf(150<<10)
		case p < 17:
			s.what, s.name = "remove", fmt.Sprintf("f-%d", r.IntN(4))
		case p < 18:
			s.what = "compact"
		default:
			s.what = "reopen"
		}
		steps = append(steps, s)
	}
	return steps
}

// apply does s on the model.
func (s step) apply(m state) state {
	m = maps.Clone(m)
	switch s.what {
	case "commit":
		for _, op := range s.ops {
			if op.Value == nil {
				delete(m, op.Key)
			} else {
				m[op.Key] = string(op.Value)
			}
		}
	case "put":
		if _, taken := m[s.name]; !taken {
			m[s.name] = string(s.data)
		}
	case "remove":
		delete(m, s.name)
	}
	return m
}

// world is a vault on a simulated disk with its model beside it.
type world struct {
	d   *faulty.Disk
	key vault.Key
	v   *vault.Vault
	m   state
}

// do does s on the vault; expected refusals are no errors.
func (w *world) do(s step) (err error) {
	switch s.what {
	case "commit":
		return w.v.Commit(s.ops)
	case "put":
		_, taken := w.m[s.name]
		n, err := w.v.PutFile(s.name, bytes.NewReader(s.data))
		if errors.Is(err, vault.ErrExists) == taken && taken {
			return nil
		}
		if err == nil && n != int64(len(s.data)) {
			return fmt.Errorf("PutFile: got size %d, want %d", n, len(s.data))
		}
		return err
	case "remove":
		_, there := w.m[s.name]
		if err := w.v.RemoveFile(s.name); there || !errors.Is(err, vault.ErrAbsent) {
			return err
		}
	case "compact":
		return w.v.Compact()
	case "reopen":
		if err := w.v.Close(); err != nil && !errors.Is(err, faulty.ErrFault) {
			return err
		}
		w.v, err = vault.Open(w.d, w.key)
	}
	return err
}

// held reads the whole vault, each value by Range and by Get, each file by ReadAt.
func held(v *vault.Vault) (state, error) {
	m := state{}
	for op, err := range v.Range("", "", false) {
		if err != nil {
			return nil, err
		}
		m[op.Key] = string(op.Value)
		if got, err := v.Get(op.Key); err != nil || !bytes.Equal(got, op.Value) {
			return nil, errors.Join(errors.New("get and range differ"), err)
		}
	}
	for fi, err := range v.Files() {
		if err != nil {
			return nil, err
		}
		f, err := v.OpenFile(fi.Name)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
		if err != nil || f.Size() != fi.Size {
			return nil, errors.Join(errors.New("sealed file"), err)
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		m[fi.Name] = string(b)
	}
	return m, nil
}

// diff names a key in which two states differ.
func diff(got, want state) string {
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			return fmt.Sprintf("%s: there %v with %d bytes, want %d bytes", k, ok, len(g), len(v))
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			return k + ": there, want absent"
		}
	}
	return ""
}

// litter names a file in the folder that the state does not account for.
func (w *world) litter() string {
	names, _ := w.d.List()
	segs := 0
	for _, name := range names {
		if _, ok := w.m[name]; ok {
			continue
		}
		if segs++; segs > 1 || !strings.HasPrefix(name, "seg-") {
			return name
		}
	}
	return ""
}

// Crash runs the script of seed once for every operation that it makes on the disk, takes the
// power away in the middle of that operation, opens the vault again (at times through a second
// crash while it opens) and compares: every acknowledged step is there whole, the interrupted
// one whole or not at all, and nothing else. Then the vault must go on working.
func Crash(t *testing.T, seed uint64, steps int) {
	t.Helper()
	plan := script(seed, steps)
	dry := &world{d: faulty.New(seed), key: vault.NewKey(), m: state{}}
	if at, err := dry.run(plan); err != nil {
		t.Fatalf("seed %d: step %d fails without a crash: %v", seed, at, err)
	}
	for op := 1; op <= dry.d.Ops(); op++ {
		w := &world{d: faulty.New(seed*1_000_003 + uint64(op)), key: vault.NewKey(), m: state{}}
		w.d.CrashAt(op)
		at, err := w.run(plan)
		if !w.d.Crashed() {
			t.Fatalf("seed %d op %d: the crash did not happen (step %d: %v)", seed, op, at, err)
		}
		after := w.m
		if at >= 0 && at < len(plan) && err != nil {
			after = plan[at].apply(w.m)
		}
		if !w.recover(t, fmt.Sprintf("seed %d op %d step %d", seed, op, at), after, op%3 == 0) {
			return
		}
	}
}

// run opens the vault and does all steps; on an error it says at which (-1: at Open).
func (w *world) run(plan []step) (at int, err error) {
	if w.v, err = vault.Open(w.d, w.key); err != nil {
		return -1, err
	}
	for i, s := range plan {
		if err := w.do(s); err != nil {
			return i, err
		}
		w.m = s.apply(w.m)
		if w.d.Crashed() { // in a part of the step that may fail unseen, erasing say
			return i, nil
		}
	}
	return len(plan), w.v.Close()
}

// recover brings the disk back, opens and checks.
func (w *world) recover(t *testing.T, where string, after state, twice bool) bool {
	t.Helper()
	fail := func(format string, args ...any) bool {
		t.Helper()
		t.Errorf(where+": "+format, args...)
		return false
	}
	w.d.Restart()
	if twice {
		w.d.CrashAt(w.d.Ops() + 1 + w.d.Ops()%4)
		if v, err := vault.Open(w.d, w.key); err == nil {
			_, _ = held(v)
			w.d.Crash()
		} else if !errors.Is(err, faulty.ErrCrashed) {
			return fail("open into the second crash: %v", err)
		}
		w.d.Restart()
	}
	for round := range 4 {
		var err error
		if w.v, err = vault.Open(w.d, w.key); err != nil {
			return fail("open %d: %v", round, err)
		}
		got, err := held(w.v)
		if err != nil {
			return fail("read %d: %v", round, err)
		}
		if was := diff(got, w.m); was != "" {
			if is := diff(got, after); is != "" {
				return fail("neither the state before (%s) nor after (%s)", was, is)
			}
			w.m = after
		}
		if name := w.litter(); name != "" {
			return fail("left in the folder: %s", name)
		}
		// Shorter than what was torn, or as long: a tail that was not cut would show.
		more := step{what: "commit", ops: []vault.Op{{Key: fmt.Sprint("more", round), Value: make([]byte, 100*round)}}}
		after = more.apply(w.m)
		if round < 2 { // first in the middle of the commit, then right after it
			w.d.CrashAt(w.d.Ops() + 1 + w.d.Ops()%2 + 2*round)
		}
		err = w.do(more)
		if err != nil && !w.d.Crashed() {
			return fail("commit %d after the crash: %v", round, err)
		}
		if err == nil {
			w.m = after
		}
		if round < 2 {
			w.d.Crash()
			w.d.Restart()
		} else if err := w.v.Close(); err != nil {
			return fail("close: %v", err)
		}
	}
	return true
}

// Faults runs the script of seed once for every operation and lets that one fail (a torn write,
// a sync of which nobody knows), at times with the next one or two, and at times takes the power
// away soon after. A failed step left nothing behind, or the vault says ErrBroken, refuses to
// commit and is opened anew, then the step is there whole or not at all.
func Faults(t *testing.T, seed uint64, steps int) {
	t.Helper()
	plan := script(seed, steps)
	dry := &world{d: faulty.New(seed), key: vault.NewKey(), m: state{}}
	if at, err := dry.run(plan); err != nil {
		t.Fatalf("seed %d: step %d fails without a fault: %v", seed, at, err)
	}
	for op := 1; op <= dry.d.Ops(); op++ {
		for faults := 1; faults <= 3; faults++ {
			r := rand.New(rand.NewPCG(seed, uint64(op<<2|faults)))
			w := &world{d: faulty.New(r.Uint64()), key: vault.NewKey(), m: state{}}
			w.d.FailAt([]int{op, op + 1, op + 2}[:faults]...)
			if r.IntN(2) == 0 {
				w.d.CrashAt(op + faults + r.IntN(6))
			}
			if !w.through(t, fmt.Sprintf("seed %d op %d faults %d", seed, op, faults), r, plan, faulty.ErrFault, nil) {
				return
			}
		}
	}
}

// Full runs the script of seed and before every second step leaves the disk a little space or
// none: a step that fails does so with ErrFull and leaves no trace, the vault is never broken by
// it, and goes on when there is space again.
func Full(t *testing.T, seed uint64, steps int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	w := &world{d: faulty.New(seed), key: vault.NewKey(), m: state{}}
	fulls := 0
	w.through(t, fmt.Sprintf("seed %d", seed), r, script(seed, steps), vault.ErrFull, func(i int, failed bool) {
		if failed {
			fulls++
		}
		if i%2 == 1 && !failed {
			w.d.Space(r.Int64N(2 << r.IntN(16)))
		} else {
			w.d.Space(-1)
		}
	})
	if fulls == 0 {
		t.Errorf("seed %d: the disk was never full", seed)
	}
}

// through does plan, in which steps may fail with allowed, and checks after each that did;
// then it tries the step again or leaves it. before is called ahead of each try and after each
// failure. It says whether to go on with other runs.
func (w *world) through(t *testing.T, where string, r *rand.Rand, plan []step, allowed error, before func(i int, failed bool)) bool {
	t.Helper()
	if before == nil {
		before = func(int, bool) {}
	}
	var err error
	at := -1
	fail := func(format string, args ...any) bool {
		t.Helper()
		what := "open"
		if at >= 0 && at < len(plan) {
			what = plan[at].what
		}
		t.Errorf("%s step %d %s: "+format, append([]any{where, at, what}, args...)...)
		return false
	}
	// reopen opens until the plan's faults are used up.
	reopen := func() error {
		for range 5 {
			if w.v, err = vault.Open(w.d, w.key); err == nil || !errors.Is(err, allowed) {
				break
			}
		}
		return err
	}
	after := w.m
	if err = reopen(); err != nil && !w.d.Crashed() {
		return fail("%v", err)
	}
	for at = 0; at < len(plan) && !w.d.Crashed(); at++ {
		s := plan[at]
		after = s.apply(w.m)
		failed := false
		for tries := 0; ; tries++ {
			before(at, failed)
			if err = w.do(s); w.d.Crashed() {
				break
			}
			if err == nil {
				w.m = after
				break
			}
			if !errors.Is(err, allowed) || tries > 4 {
				return fail("%v", err)
			}
			failed = true
			before(at, failed)
			broken := errors.Is(err, vault.ErrBroken)
			if broken && allowed == vault.ErrFull {
				return fail("a full disk broke the vault: %v", err)
			}
			if broken {
				if err := w.v.Commit([]vault.Op{{Key: "k", Value: []byte{}}}); !errors.Is(err, vault.ErrBroken) {
					return fail("commit on a broken vault: got %v, want ErrBroken", err)
				}
				_ = w.v.Close()
			}
			if broken || s.what == "reopen" {
				if err = reopen(); w.d.Crashed() {
					break
				} else if err != nil {
					return fail("open after a fault: %v", err)
				}
			}
			got, err := held(w.v)
			if err != nil {
				return fail("read after a fault: %v", err)
			}
			was := diff(got, w.m)
			if broken && was != "" && diff(got, after) == "" {
				w.m = after
				break
			}
			if was != "" {
				return fail("a failed step left a trace: %s", was)
			}
			if r.IntN(2) == 0 {
				break
			}
		}
	}
	before(len(plan), true)
	if w.d.Crashed() {
		return w.recover(t, where+" crash", after, false)
	}
	w.d.CrashAt(0)
	_ = w.v.Close()
	if err = reopen(); err != nil {
		return fail("last open: %v", err)
	}
	got, err := held(w.v)
	if was := diff(got, w.m); was != "" || err != nil {
		return fail("at the end: %s %v", was, err)
	}
	return true
}
