package mls

import (
	"errors"
	"slices"
	"testing"
)

// Monsters for light members and sliced groups.
var lightMonsters = []monster{
	{"M-160", learning(func(p *proof) { p.copath = p.copath[1:] })},
	{"M-161", learning(func(p *proof) { p.copath[0] = make([]byte, 32) })},
	{"M-162", annotating(func(x *annotatedCommit) { x.sender = nil })},
	{"M-163", annotating(func(x *annotatedCommit) { x.hash = nil })},
	{"M-170", listing(&proposal{typ: ProposalGroupContextExtensions, exts: []Extension{{ExtSliced, []byte{1}}}})},
	{"M-171", func(t *testing.T) func() error { // a plain commit in a sliced group
		w := newWorld(t, X25519AES, 1, sliced)
		w.enter(0, 3, CommitOptions{})
		msg, next, _ := w.g[0].forge(t, forgery{})
		return w.to(1, msg, next)
	}},
	{"M-172", slicing(func(c *commitBody) { c.sliced.hash = random(32) })},
	{"M-173", slicing(func(c *commitBody) { c.sliced.leaves *= 2 })},
	{"M-174", slicing(func(c *commitBody) { c.path.sliced.levels ^= 1 | 8 })},
	{"M-175", slicing(func(c *commitBody) { c.path.sliced.keys = random(32) })},
	{"M-176", slicing(func(c *commitBody) { c.path.sliced.root = random(32) })},
	{"M-178", slicing(func(c *commitBody) { c.sliced.leaves = 9 })},
	{"M-177", func(t *testing.T) func() error { // the proof of a member that did not make the commit
		w := slicedWorld(t)
		g := w.g[4]
		g.light.forget(0)
		p := tampered(t, w.g[0], CommitOptions{}, nil, nil)
		proof := must(keysOf(t, w.g[3], p).seal(partProof, 0, must(w.g[3].Proof(3))))
		snapshot := g.Snapshot()
		return func() error {
			h := must(Restore(snapshot, nil))
			_, err := h.Process(p.Message, t0)
			n, ok := errors.AsType[*NeedSlice](err)
			if !ok {
				return err
			}
			parts := p.Slices.parts(n)
			parts.Proof = proof
			_, err = h.ProcessSliced(p.Message, parts, t0)
			return err
		}
	}},
	{"M-179", func(t *testing.T) func() error { // a page with another signature in it
		w := crowded(t, X25519AES, 200, 3)
		u := must(NewUpgrade(w.g[len(w.g)-1]))
		last := u.PageCount() - 1
		if err := u.Put(last, w.g[0].Page(last)); err != nil {
			t.Fatal(err)
		}
		b := slices.Clone(w.g[0].Page(1))
		b[len(b)-1] ^= 1
		return func() error { return u.Put(1, b) }
	}},
	{"M-180", func(t *testing.T) func() error { // the tree of an epoch ago
		w := slicedWorld(t)
		cut := must(w.g[3].Cutting(w.g[4].me, nil, 0))
		w.hand(1, must(w.g[1].Commit(CommitOptions{})))
		snapshot := w.g[4].Snapshot()
		return func() error { _, err := must(Restore(snapshot, nil)).CommitLight(cut, CommitOptions{}); return err }
	}},
}

// slicedWorld is a sliced group that is warm; members 2, 4, 6 are light.
func slicedWorld(t *testing.T) *world {
	w := newWorld(t, X25519AES, 1, sliced)
	w.enter(0, 7, CommitOptions{})
	w.hand(1, must(w.g[1].Commit(CommitOptions{})))
	if w.g[3].Light() || !w.g[4].Light() {
		t.Fatal("not who was wanted")
	}
	return w
}

// slicing is a sliced commit with a changed head, fed to a full member.
func slicing(edit func(*commitBody)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := slicedWorld(t)
		p := tampered(t, w.g[0], CommitOptions{}, edit, nil)
		snapshot := w.g[3].Snapshot()
		return func() error {
			_, _, err := fetch(must(Restore(snapshot, nil)), p)
			return err
		}
	}
}

// learning is a changed proof, fed to a light member.
func learning(edit func(*proof)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := newWorld(t, X25519AES, 6)
		w.commit(0, CommitOptions{})
		g := w.lightly(3)
		p := must(parseProof(must(w.g[0].Proof(5))))
		edit(p)
		return func() error { return g.Learn(p.bytes()) }
	}
}

// annotating is a commit with changed annotations, fed to a light member.
func annotating(edit func(*annotatedCommit)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := newWorld(t, X25519AES, 6)
		w.commit(0, CommitOptions{})
		g := w.lightly(3)
		old := w.g[2]
		if err := g.Learn(must(old.Proof(old.me))); err != nil {
			t.Fatal(err)
		}
		p := must(old.Commit(CommitOptions{}))
		x := annotate(old, p.Next, p.Message, old.me, g.me)
		edit(x)
		snapshot := g.Snapshot()
		return func() error {
			_, err := must(Restore(snapshot, nil)).ProcessAnnotated(x.bytes(), t0)
			return err
		}
	}
}
