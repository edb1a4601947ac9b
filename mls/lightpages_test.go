package mls

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// sketched fetches what a light member needs for a commit; it returns what it has read.
func sketched(t testing.TB, full, light *Group, remove []uint32) (u *Upgrade, pages, size int) {
	t.Helper()
	u = must(NewUpgrade(light))
	for {
		list, err := light.Needs(u, remove)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return u, pages, size
		}
		if _, err := light.CommitPages(u, CommitOptions{Remove: remove}); !errors.Is(err, ErrArgument) {
			t.Fatalf("a page is missing: got %v, want ErrArgument", err)
		}
		for _, i := range list {
			b := full.Page(i)
			if err := u.Put(i, b); err != nil {
				t.Fatal(err)
			}
			pages++
			size += len(b)
		}
	}
}

// A light member with some pages of the tree refreshes, removes, and changes extensions, in trees of many
// shapes; everybody follows, and the pages it says are new are those of the members with the tree.
func TestCommitPages(t *testing.T) {
	few := false
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 29))
			w := crowded(t, X25519AES, 150+rnd.IntN(300), rnd.IntN(12))
			last := len(w.g) - 1
			for range 6 {
				full, light := w.g[0], w.g[last]
				switch rnd.IntN(4) {
				case 0:
					w.hand(0, must(full.Commit(CommitOptions{})))
					continue
				case 1:
					kp, _ := newPerson(X25519AES, "new").keyPackage()
					w.hand(0, must(full.Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0, WithoutTree: true})))
					continue
				}
				o := CommitOptions{Now: t0}
				if rnd.IntN(4) == 0 {
					o.Extensions = full.Extensions()
				}
				for _, m := range full.Members() {
					here := slices.ContainsFunc(w.g, func(g *Group) bool { return g != nil && g.me == m.Index })
					if !here && rnd.IntN(120) == 0 {
						o.Remove = append(o.Remove, m.Index)
					}
				}
				u, pages, _ := sketched(t, full, light, o.Remove)
				few = few || pages < full.PageCount()
				before := map[string]bool{}
				for _, h := range full.PageHashes() {
					before[string(h)] = true
				}
				p := must(light.CommitPages(u, o))
				p.Next = must(Restore(p.Next.Snapshot(), nil))
				w.hand(last, p)
				got := map[int][]byte{}
				p.Tree.Pages(func(i int, hash []byte) { got[i] = hash })
				for i, h := range w.g[0].PageHashes() {
					if h == nil || got[i] == nil && before[string(h)] {
						continue
					}
					if !bytes.Equal(got[i], h) || !bytes.Equal(p.Tree.Page(i), w.g[0].Page(i)) {
						t.Fatalf("page %d differs, or is not known", i)
					}
					delete(got, i)
				}
				if len(got) > 0 {
					t.Fatalf("%d pages that are not there", len(got))
				}
				if _, err := light.Needs(u, nil); err != nil {
					t.Errorf("the old epoch still stands: got %v", err)
				}
				if _, err := p.Next.Needs(u, nil); !errors.Is(err, ErrArgument) {
					t.Errorf("another epoch: got %v, want ErrArgument", err)
				}
			}
		})
	}
	if !few {
		t.Error("every commit needed the whole tree")
	}
}

// Options and indexes that do not fit.
func TestCommitPagesRefuses(t *testing.T) {
	w := crowded(t, X25519AES, 200, 4)
	full, light := w.g[0], w.g[len(w.g)-1]
	u, _, _ := sketched(t, full, light, []uint32{9})
	kp, _ := newPerson(X25519AES, "x").keyPackage()
	for what, o := range map[string]CommitOptions{"add": {Add: []*KeyPackage{kp}, Now: t0}, "pending": {UsePending: true}} {
		if _, err := light.CommitPages(u, o); !errors.Is(err, ErrArgument) {
			t.Errorf("%s: got %v, want ErrArgument", what, err)
		}
	}
	for what, list := range map[string][]uint32{"itself": {light.me}, "nobody": {201}, "outside": {256}, "far": {1 << 20}} {
		if _, err := light.CommitPages(u, CommitOptions{Remove: list}); !errors.Is(err, ErrNotMember) && !errors.Is(err, ErrArgument) {
			t.Errorf("%s: got %v, want ErrNotMember", what, err)
		}
	}
	if _, err := full.Needs(u, nil); !errors.Is(err, ErrArgument) {
		t.Errorf("a member with the tree: got %v, want ErrArgument", err)
	}
	if _, err := light.CommitPages(u, CommitOptions{Remove: []uint32{9}}); err != nil {
		t.Errorf("one that fits: got %v", err)
	}
}

// lightOf is a member without the tree.
func lightOf(g *Group) *Group {
	h := *g
	h.light = &lightState{n: g.tree.n, known: map[uint32]*leafNode{g.me: g.tree.leaf(g.me).detach()}, fresh: map[uint32]bool{}}
	h.ctx.treeHash = g.tree.rootHash()
	h.tree = nil
	return &h
}
