package mls

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"
)

// store keeps a snapshot and the latest delta of each key, as a vault would.
type store struct {
	snapshot []byte
	deltas   map[string][]byte
}

func (s *store) save(g *Group) (bytes int) {
	if s.snapshot == nil {
		s.snapshot, s.deltas = g.Snapshot(), map[string][]byte{}
	}
	for _, d := range g.Delta() {
		s.deltas[d.Key] = d.Value
		bytes += len(d.Key) + len(d.Value)
	}
	return bytes
}
func (s *store) load(t *testing.T) *Group {
	t.Helper()
	var list []Delta
	for _, k := range slices.Sorted(maps.Keys(s.deltas)) {
		list = append(list, Delta{k, s.deltas[k]})
	}
	g, err := Restore(s.snapshot, list)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A member that restarts after every single thing it does stays in the group: the deltas hold all
// that matters. Nothing it has read can be read again.
func TestRestartAfterEverything(t *testing.T) {
	w := newWorld(t, XWing, 4)
	st := &store{}
	st.save(w.g[1])
	restart := func() {
		st.save(w.g[1])
		w.g[1] = st.load(t)
	}
	restart()
	var late [][]byte
	for i := range 30 {
		m := must(w.g[0].Encrypt([]byte{byte(i)}, nil))
		if i%3 == 0 {
			late = append(late, m)
			continue
		}
		must(w.g[1].Process(m, t0))
		restart()
		if _, err := w.g[1].Process(m, t0); !errors.Is(err, ErrReplay) {
			t.Fatalf("message %d after a restart: got %v, want ErrReplay", i, err)
		}
		own := must(w.g[1].Encrypt([]byte{byte(i)}, nil))
		restart()
		if got := must(w.g[2].Process(own, t0)).(Application).Data[0]; int(got) != i {
			t.Fatalf("own message %d came as %d", i, got)
		}
	}
	slices.Reverse(late)
	for _, m := range late {
		must(w.g[1].Process(m, t0))
		restart()
		if _, err := w.g[1].Process(m, t0); !errors.Is(err, ErrReplay) {
			t.Fatalf("late message after a restart: got %v, want ErrReplay", err)
		}
	}
	// Proposals of its own and of others, a key, a lost commit.
	w.everywhere(1, must(w.g[1].ProposeUpdate(nil)))
	restart()
	w.everywhere(3, must(w.g[3].ProposeUpdate(nil)))
	restart()
	w.g[1].SetPSK(PSK{[]byte("id"), []byte("secret")})
	restart()
	must(w.g[1].Commit(CommitOptions{})) // never sent
	restart()
	for _, i := range []int{2, 3} {
		w.g[i].SetPSK(PSK{[]byte("id"), []byte("secret")})
	}
	w.commit(0, CommitOptions{UsePending: true, PSKs: []PSK{{[]byte("id"), []byte("secret")}}})
	// The new epoch starts a new series; old deltas beside it do no harm.
	old := st.deltas
	st = &store{}
	st.save(w.g[1])
	maps.Copy(st.deltas, old)
	restart()
	w.talk()
	w.commit(1, CommitOptions{})
}

// Deltas in the order they were made do as well as the latest of each key.
func TestDeltasInOrder(t *testing.T) {
	w := newWorld(t, XWing, 2)
	snap := w.g[1].Snapshot()
	var log []Delta
	var last []byte
	for i := range 12 {
		last = must(w.g[0].Encrypt([]byte{byte(i)}, nil))
		if i%4 != 1 {
			must(w.g[1].Process(last, t0))
			log = append(log, w.g[1].Delta()...)
		}
	}
	g := must(Restore(snap, log))
	if _, err := g.Process(last, t0); !errors.Is(err, ErrReplay) {
		t.Errorf("got %v, want ErrReplay", err)
	}
	if a, b := g.Snapshot(), w.g[1].Snapshot(); !bytes.Equal(a, b) {
		t.Errorf("snapshots differ: %d and %d bytes", len(a), len(b))
	}
	if d := g.Delta(); d != nil {
		t.Errorf("nothing changed, got %d deltas", len(d))
	}
}

// A message costs at most 1 KiB of state, in small groups and large ones alike, in order or late.
func TestDeltaSize(t *testing.T) {
	for _, n := range []int{2, 300} {
		w := newWorld(t, XWing, 2)
		if n > 2 {
			var kps []*KeyPackage
			for range n - 2 {
				kp, _ := newPerson(XWing, "x").keyPackage()
				kps = append(kps, kp)
			}
			w.commit(0, CommitOptions{Add: kps})
		}
		var st store
		st.save(w.g[1])
		most := 0
		for i := range 64 {
			m := must(w.g[0].Encrypt(make([]byte, 500), nil))
			if i%8 == 5 {
				continue // lost
			}
			must(w.g[1].Process(m, t0))
			most = max(most, st.save(w.g[1]))
			must(w.g[1].Encrypt(make([]byte, 500), nil))
			most = max(most, st.save(w.g[1]))
		}
		t.Logf("%d members: at most %d bytes a message", n, most)
		if most > 1024 {
			t.Errorf("%d members: got %d bytes, want at most 1024", n, most)
		}
	}
}

// Damaged state is refused, never believed and never a panic.
func TestRestoreDamaged(t *testing.T) {
	w := newWorld(t, X25519AES, 3)
	w.everywhere(0, must(w.g[0].ProposeUpdate(nil)))
	snap := w.g[1].Snapshot()
	must(w.g[1].Process(must(w.g[0].Encrypt(nil, nil)), t0))
	ds := w.g[1].Delta()
	for n := range len(snap) {
		if _, err := Restore(snap[:n], nil); !errors.Is(err, ErrState) {
			t.Fatalf("%d of %d bytes: got %v", n, len(snap), err)
		}
	}
	if _, err := Restore(append(slices.Clone(snap), 0), nil); !errors.Is(err, ErrState) {
		t.Errorf("one byte more: got %v", err)
	}
	for _, d := range ds {
		for n := range len(d.Value) {
			if _, err := Restore(snap, []Delta{{d.Key, d.Value[:n]}}); !errors.Is(err, ErrState) {
				t.Errorf("delta of %d bytes: got %v", n, err)
			}
		}
	}
}
