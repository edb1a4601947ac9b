package mls

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// A membership proof encodes as it was read, and never teaches a leaf that is not in the tree.
func FuzzProof(f *testing.F) {
	w := newWorld(f, X25519AES, 6)
	w.commit(0, CommitOptions{})
	g := w.lightly(3)
	for i := range uint32(7) {
		f.Add(must(w.g[0].Proof(i)))
	}
	snap := g.Snapshot()
	f.Fuzz(func(t *testing.T, b []byte) {
		h := must(Restore(snap, nil))
		err := h.Learn(b)
		p, perr := parseProof(slices.Clone(b))
		if perr == nil && !bytes.Equal(p.bytes(), b) {
			t.Error("encodes differently")
		}
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
			return
		}
		if l := w.g[0].tree.leaf(p.leaf); l == nil || !bytes.Equal(l.raw, p.l.raw) {
			t.Error("learned who is not there")
		}
	})
}

// Annotations never panic, and lead nowhere but to the epoch that everybody goes to.
func FuzzAnnotated(f *testing.F) {
	w := newWorld(f, X25519AES, 6)
	w.commit(0, CommitOptions{})
	g := w.lightly(3)
	old := w.g[2]
	p := must(old.Commit(CommitOptions{}))
	f.Add(annotate(old, p.Next, p.Message, old.me, g.me).bytes())
	snap, want := g.Snapshot(), p.Next.EpochAuthenticator()
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := parseAnnotatedCommit(slices.Clone(b)); err == nil && !bytes.Equal(x.bytes(), b) {
			t.Error("encodes differently")
		}
		r, err := must(Restore(snap, nil)).ProcessAnnotated(b, t0)
		if err == nil && !bytes.Equal(r.(CommitReceived).Next.EpochAuthenticator(), want) {
			t.Error("led elsewhere")
		}
	})
}

// The body of a sliced commit encodes as it was read.
func FuzzSlicedCommit(f *testing.F) {
	w := newWorld(f, X25519AES, 1, sliced)
	w.enter(0, 5, CommitOptions{})
	kp, _ := newPerson(X25519AES, "x").keyPackage()
	for _, o := range []CommitOptions{{}, {Add: []*KeyPackage{kp}, Now: t0}, {Remove: []uint32{2}}} {
		p := must(w.g[0].Commit(o))
		a, _, err := must(Restore(w.g[1].Snapshot(), nil)).open(must(parseMessage(p.Message)), nil, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.c.body)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: b}
		c := r.commitBody()
		if r.end() != nil {
			return
		}
		var v writer
		if c.write(&v); !bytes.Equal(v.b, b) {
			t.Error("encodes differently")
		}
		if c.sliced == nil {
			return
		}
		for _, g := range w.g { // finding one's slice ends, whatever the header says
			g.needs(c, g.sliceKeys(c.sliced.seed, nil), true, false)
		}
	})
}

// Pieces of any kind are refused unless they are the committer's.
func FuzzSliceParts(f *testing.F) {
	w := newWorld(f, X25519AES, 1, sliced)
	w.enter(0, 5, CommitOptions{})
	p := must(w.g[0].Commit(CommitOptions{}))
	w.g[2].light.forget(0)
	for _, g := range w.g[1:3] {
		_, err := g.Process(p.Message, t0)
		n, _ := errors.AsType[*NeedSlice](err)
		x := n.Cut(p.Slices.Blob())
		f.Add(x.Keys, x.Proof, x.Slice)
	}
	states := [][]byte{w.g[1].Snapshot(), w.g[2].Snapshot()}
	want := p.Next.EpochAuthenticator()
	f.Fuzz(func(t *testing.T, keys, proof, slice []byte) {
		for _, s := range states {
			r, err := must(Restore(s, nil)).ProcessSliced(p.Message, SliceParts{keys, proof, slice}, t0)
			if err == nil && !bytes.Equal(r.(CommitReceived).Next.EpochAuthenticator(), want) {
				t.Error("led elsewhere")
			}
		}
	})
}

// A light state that is damaged is refused, and never a panic.
func FuzzRestoreLight(f *testing.F) {
	w := newWorld(f, X25519AES, 4)
	g := w.lightly(0)
	snap := g.Snapshot()
	must(0, g.Learn(must(w.g[0].Proof(2))))
	for _, d := range g.Delta() {
		f.Add(snap, d.Value)
	}
	f.Fuzz(func(t *testing.T, snapshot, delta []byte) {
		h, err := Restore(snapshot, []Delta{{"k", delta}})
		if err != nil {
			if !errors.Is(err, ErrState) {
				t.Errorf("got %v, want ErrState", err)
			}
			return
		}
		if b := h.Snapshot(); !bytes.Equal(b, must(Restore(b, nil)).Snapshot()) {
			t.Error("a restored state saves differently")
		}
		h.Learn(delta)
		h.Members()
	})
}
