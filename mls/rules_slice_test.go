package mls

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// tampered makes a sliced commit by g whose header or slices are changed.
func tampered(t *testing.T, g *Group, o CommitOptions, edit func(*commitBody), slice func(*Slices)) *Pending {
	t.Helper()
	st := &staging{forcePath: len(o.Add) == 0, withoutTree: true, tamper: func(c *commitBody, _ *authContent) {
		if c != nil && edit != nil {
			edit(c)
		}
	}}
	for _, k := range o.Add {
		st.list = append(st.list, item{p: (&proposal{typ: ProposalAdd, kp: k.kp}).encode(), sender: senderMember, index: g.me, sound: true})
	}
	work := *g
	p, err := work.stage(st)
	if err != nil {
		t.Fatal(err)
	}
	if slice != nil {
		slice(p.Slices)
	}
	return p
}

// Commits and slices of a member or server that lies. Each is refused by one rule, by members with
// the tree and, where they can tell, by light ones; nothing is used up, so the truth may follow.
func TestRuleSliced(t *testing.T) {
	w := newWorld(t, X25519AES, 1, sliced)
	w.enter(0, 7, CommitOptions{})
	w.hand(1, must(w.g[1].Commit(CommitOptions{})))
	maker, full, light := w.g[0], w.g[3], w.g[4]
	if full.Light() || !light.Light() {
		t.Fatal("not who was wanted")
	}
	kp, _ := newPerson(X25519AES, "x").keyPackage()
	add := CommitOptions{Add: []*KeyPackage{kp}, Now: t0}
	check := func(t *testing.T, g *Group, rule string, p *Pending) {
		t.Helper()
		g.Process(p.Message, t0) // derives what is needed to look at it
		before := g.Snapshot()
		_, _, err := fetch(g, p)
		broke(t, rule, err)
		if !bytes.Equal(g.Snapshot(), before) {
			t.Error("a refusal changed the state")
		}
	}
	// Header lies. lightRule is what a light member says; empty where it cannot tell or its keys do not fit.
	for _, x := range []struct {
		rule, name, lightRule string
		o                     CommitOptions
		edit                  func(*commitBody)
	}{
		{"M-172", "tree-hash", "", CommitOptions{}, func(c *commitBody) { c.sliced.hash = random(32) }},
		{"M-172", "tree-hash-pathless", "", add, func(c *commitBody) { c.sliced.hash = random(32) }},
		{"M-173", "size", "", CommitOptions{}, func(c *commitBody) { c.sliced.leaves *= 2 }},
		{"M-173", "size-pathless", "", add, func(c *commitBody) { c.sliced.leaves *= 2 }},
		{"M-173", "added-in-place-of-its-maker", "M-173", add, func(c *commitBody) { c.sliced.added = runsOf([]uint32{0}) }},
		{"M-173", "added-in-place-of-the-reader", "M-173", add, func(c *commitBody) { c.sliced.added = runsOf([]uint32{8}) }},
		{"M-173", "more-added", "M-173", add, func(c *commitBody) { c.sliced.added = runsOf([]uint32{22, 24, 26}) }},
		{"M-173", "added", "", add, func(c *commitBody) { c.sliced.added = runsOf([]uint32{2}) }},
		{"M-173", "added-none", "M-173", add, func(c *commitBody) { c.sliced.added = nil }},
		{"M-174", "committer", "M-163", CommitOptions{}, func(c *commitBody) { c.path.sliced.committer = 6 }},
		{"M-174", "levels", "", CommitOptions{}, func(c *commitBody) { c.path.sliced.levels ^= 1 | 8 }},
		{"M-174", "recipients", "", CommitOptions{}, func(c *commitBody) {
			n := c.path.sliced.to.nodes()
			n[len(n)-1] += 40
			c.path.sliced.to = runsOf(n)
		}},
		{"M-175", "keys-hash", "", CommitOptions{}, func(c *commitBody) { c.path.sliced.keys = random(32) }},
		{"M-176", "root", "M-176", CommitOptions{}, func(c *commitBody) { c.path.sliced.root = random(32) }},
		{"M-178", "leaves", "M-178", CommitOptions{}, func(c *commitBody) { c.sliced.leaves = 9 }},
		{"M-178", "too-many-leaves", "M-178", CommitOptions{}, func(c *commitBody) { c.sliced.leaves = 2 * MembersMax }},
		{"M-178", "proof", "M-178", CommitOptions{}, func(c *commitBody) { c.sliced.proof = 1<<20 + 1 }},
		{"M-178", "far-committer", "M-178", CommitOptions{}, func(c *commitBody) { c.path.sliced.committer = MembersMax }},
		{"M-178", "deep", "M-178", CommitOptions{}, func(c *commitBody) { c.path.sliced.levels |= 1 << 16 }},
		{"M-178", "two-runs-for-one", "M-178", CommitOptions{}, func(c *commitBody) {
			n := c.path.sliced.to.nodes()
			c.path.sliced.to = runs{{n[0], 1}, {n[0] + 2, 1}}
		}},
		{"M-178", "empty-run", "M-178", CommitOptions{}, func(c *commitBody) { c.path.sliced.to = runs{{2, 0}} }},
		{"M-178", "run-outside", "M-178", CommitOptions{}, func(c *commitBody) { c.path.sliced.to = runs{{0, MembersMax + 1}} }},
		{"M-171", "plain", "", CommitOptions{}, func(c *commitBody) { c.sliced = nil; c.path = &updatePath{leaf: c.path.leaf} }},
		{"M-101", "leaf-source", "M-101", CommitOptions{}, func(c *commitBody) {
			l := *c.path.leaf
			l.source, l.parentHash = sourceUpdate, nil
			must(0, l.sign(maker.signer, maker.ctx.groupID, maker.me))
			c.path.leaf = &l
		}},
		{"M-021", "leaf-signature", "M-021", CommitOptions{}, func(c *commitBody) {
			l := *c.path.leaf
			must(0, l.sign(maker.signer, maker.ctx.groupID, maker.me+1))
			c.path.leaf = &l
		}},
	} {
		t.Run(x.rule+"-"+x.name, func(t *testing.T) {
			p := tampered(t, maker, x.o, x.edit, nil)
			check(t, full, x.rule, p)
			if x.rule >= "M-172" && x.rule <= "M-176" { // nothing else would catch it
				if err := suspend(x.rule, func() error { _, _, err := fetch(must(Restore(full.Snapshot(), nil)), p); return err }); err != nil {
					t.Errorf("without the check: got %v", err)
				}
			}
			if x.lightRule != "" {
				check(t, light, x.lightRule, p)
			}
		})
	}
	// Slices that are not the committer's: each piece by itself.
	good := must(maker.Commit(CommitOptions{}))
	for _, x := range []struct {
		rule, name string
		who        *Group
		edit       func(*Slices)
	}{
		{"M-175", "other-keys", full, func(s *Slices) { s.Keys = random(len(s.Keys)) }},
		{"M-175", "of-another-commit", full, func(s *Slices) { s.Keys = must(maker.Commit(CommitOptions{})).Slices.Keys }},
		{"M-176", "other-slice", full, func(s *Slices) { s.Body = random(len(s.Body)) }},
		{"M-176", "other-slice-light", light, func(s *Slices) { s.Body = random(len(s.Body)) }},
		{"M-176", "of-another-commit", light, func(s *Slices) { s.Body = must(maker.Commit(CommitOptions{})).Slices.Body }},
		{"M-176", "swapped", light, func(s *Slices) {
			s.Body = append(slices.Clone(s.Body[s.Size:]), s.Body[:s.Size]...)
		}},
		{"M-176", "cut", light, func(s *Slices) { s.Body = nil }},
		{"M-176", "cut-full", full, func(s *Slices) { s.Body = nil }},
	} {
		t.Run(x.rule+"-"+x.name, func(t *testing.T) {
			p := *good
			s := *p.Slices
			x.edit(&s)
			p.Slices = &s
			before := x.who.Snapshot()
			_, err := x.who.Process(p.Message, t0)
			n, ok := errors.AsType[*NeedSlice](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			parts := n.Cut(s.Blob())
			if parts.Slice == nil {
				parts.Slice = []byte{}
			}
			_, err = x.who.ProcessSliced(p.Message, parts, t0)
			broke(t, x.rule, err)
			if !bytes.Equal(x.who.Snapshot(), before) {
				t.Error("a refusal changed the state")
			}
		})
	}
	// Who knows the epoch can seal slices that open, of its own making: the root tells.
	t.Run("M-176-equivocation", func(t *testing.T) {
		p := tampered(t, maker, CommitOptions{}, nil, nil)
		other := tampered(t, maker, CommitOptions{}, nil, nil)
		k1, k2 := keysOf(t, full, p), keysOf(t, full, other)
		for _, g := range []*Group{full, light} {
			_, err := g.Process(p.Message, t0)
			n, _ := errors.AsType[*NeedSlice](err)
			_, err = g.Process(other.Message, t0)
			m, _ := errors.AsType[*NeedSlice](err)
			count := uint32(p.Slices.Count)
			a, b := uint32(n.Slice.Off-len(p.Slices.Keys)-len(p.Slices.Proof))/uint32(p.Slices.Size), uint32(m.Slice.Off-len(p.Slices.Keys)-len(p.Slices.Proof))/uint32(p.Slices.Size)
			if a >= count || b >= count {
				t.Fatal("outside")
			}
			parts := n.Cut(p.Slices.Blob())
			parts.Slice = must(k1.seal(partSlice, a, must(k2.open(partSlice, b, other.Slices.Body[int(b)*other.Slices.Size:][:other.Slices.Size], ""))))
			_, err = g.ProcessSliced(p.Message, parts, t0)
			broke(t, "M-176", err)
			parts = n.Cut(p.Slices.Blob()) // a slice that opens and is too long
			parts.Slice = must(k1.seal(partSlice, a, append(must(k1.open(partSlice, a, parts.Slice, "")), 0)))
			_, err = g.ProcessSliced(p.Message, parts, t0)
			broke(t, "M-176", err)
		}
	})
	t.Run("M-175-cut", func(t *testing.T) { // keys that open and are not a list
		p := tampered(t, maker, CommitOptions{}, func(c *commitBody) { c.path.sliced.keys = maker.s.sum([]byte{63}) }, nil)
		_, err := full.Process(p.Message, t0)
		n, _ := errors.AsType[*NeedSlice](err)
		parts := n.Cut(p.Slices.Blob())
		parts.Keys = must(keysOf(t, full, p).seal(partKeys, 0, []byte{63}))
		_, err = full.ProcessSliced(p.Message, parts, t0)
		broke(t, "M-175", err)
	})
	t.Run("M-177", func(t *testing.T) {
		p := tampered(t, maker, CommitOptions{}, nil, nil)
		g := must(Restore(light.Snapshot(), nil))
		g.light.forget(maker.me)
		_, err := g.Process(p.Message, t0)
		n, ok := errors.AsType[*NeedSlice](err)
		if !ok || n.Proof.Len == 0 || n.Slice.Len == 0 || n.Keys.Len != 0 {
			t.Fatalf("got %+v", err)
		}
		parts := n.Cut(p.Slices.Blob())
		for _, bad := range [][]byte{random(n.Proof.Len), parts.Proof[1:], parts.Slice, must(keysOf(t, full, p).seal(partProof, 0, must(full.Proof(3))))} {
			_, err = g.ProcessSliced(p.Message, SliceParts{Proof: bad, Slice: parts.Slice}, t0)
			broke(t, "M-177", err)
		}
		_, err = g.ProcessSliced(p.Message, SliceParts{Proof: must(keysOf(t, full, p).seal(partProof, 0, must(p.Next.Proof(0)))), Slice: parts.Slice}, t0)
		broke(t, "M-161", err)
		if _, err = g.ProcessSliced(p.Message, parts, t0); err != nil {
			t.Errorf("as it should be: got %v", err)
		}
	})
	t.Run("M-171-in-a-plain-group", func(t *testing.T) {
		v := newWorld(t, X25519AES, 3)
		v.refused(t, "M-171", 1, v.evil(1, nil, func(c *commitBody, _ *authContent) {
			c.sliced = &sliceTail{hash: v.g[0].ctx.treeHash, leaves: 4, seed: random(seedLen)}
			c.path.sliced = &slicedPath{root: random(32)}
		}))
	})
	t.Run("M-170", func(t *testing.T) {
		_, err := maker.Commit(CommitOptions{Extensions: []Extension{{ExtSliced, []byte{1}}}})
		broke(t, "M-170", err)
	})
	// After all of this the true commit is taken by everybody.
	w.hand(0, good)
}

// keysOf are the keys of a commit's slices, as every member of its epoch can derive them.
func keysOf(t *testing.T, g *Group, p *Pending) sliceKeys {
	t.Helper()
	h := must(Restore(g.Snapshot(), nil))
	a, _, err := h.open(must(parseMessage(p.Message)), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := reader{b: a.c.body}
	return g.sliceKeys(r.commitBody().sliced.seed, nil)
}
