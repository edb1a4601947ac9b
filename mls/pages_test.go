package mls

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// fakeTree is a tree of n leaf places with random blanks, parents and unmerged leaves. Nothing in
// it is signed; its shape is a valid one.
func fakeTree(s *suite, rnd *rand.Rand, n uint32, leafBytes int) *tree {
	raw := func(k int) []byte {
		b := make([]byte, k)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return b
	}
	proto, _, err := newLeaf(s, must(NewSigner(s.id)), NewBasic([]byte("x")), alive, nil, Capabilities{}, nil)
	if err != nil {
		panic(err)
	}
	t := newTree(s, n)
	for i := range n {
		if rnd.IntN(4) == 0 && i != n-1 && leafBytes == 0 {
			continue
		}
		l := *proto
		l.encKey, l.sig = raw(len(l.encKey)), raw(64)
		var w writer
		l.writeSigned(&w)
		l.signedLen = len(w.b)
		if k := leafBytes - len(w.b) - 66; k > 0 {
			l.sig = raw(64 + k)
		}
		w.vec(l.sig)
		l.raw = w.b
		t.setLeaf(i, &l)
	}
	for x := uint32(1); x < t.width(); x += 2 {
		if !t.any(x) || rnd.IntN(3) == 0 && leafBytes == 0 {
			continue
		}
		p := &parentNode{key: raw(len(proto.encKey)), parentHash: raw(s.nh)}
		for i := leftmost(x); i < leftmost(x)+1<<level(x); i++ {
			if t.leaf(i) != nil && (leafBytes > 0 || rnd.IntN(8) == 0) {
				p.unmerged = append(p.unmerged, i)
			}
		}
		t.write(x).parent = p
	}
	return t
}

// pagesOf returns all pages of a tree by their hash.
func pagesOf(t *tree, c *cut) map[string][]byte {
	m := map[string][]byte{}
	t.pageRoots(c, t.root(), func(x uint32) bool {
		m[string(t.nodeHash(x))] = t.page(c, x).bytes()
		return true
	})
	return m
}

// A tree of any size comes back from its pages, each page gives the hash it is named by without
// the others, and is encoded the same way again. Whatever is done to one of them is found.
func TestPages(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := suiteOf(X25519AES)
	for _, n := range []uint32{1, 2, 4, 8, 16, 64, 128, 512, 4096, 8192} {
		for _, c := range []*cut{cutWide, cutFine} {
			tr := fakeTree(s, rnd, n, 0)
			all := pagesOf(tr, c)
			for h, b := range all {
				p, err := parsePage(s, bytes.Clone(b))
				if err != nil {
					t.Fatalf("%d leaves: %v", n, err)
				}
				if got := p.hash(s); string(got) != h {
					t.Errorf("%d leaves, root %d: hash %x, want %x", n, p.root, got, h)
				}
				if !bytes.Equal(p.bytes(), b) {
					t.Errorf("%d leaves, root %d: encodes differently", n, p.root)
				}
			}
			get := func(h []byte) []byte { return all[string(h)] }
			got, err := treeOfPages(s, c, n, tr.rootHash(), get)
			if err != nil {
				t.Fatalf("%d leaves: %v", n, err)
			}
			if !bytes.Equal(got.bytes(), tr.bytes()) || !bytes.Equal(got.rootHash(), tr.rootHash()) {
				t.Errorf("%d leaves: another tree", n)
			}
			for h, b := range all {
				bad := bytes.Clone(b)
				bad[rnd.IntN(len(bad))] ^= 1 << rnd.IntN(8)
				for what, v := range map[string][]byte{"missing": nil, "damaged": bad, "longer": append(bytes.Clone(b), 0), "cut": b[:len(b)-1]} {
					all[h] = v
					if _, err := treeOfPages(s, c, n, tr.rootHash(), get); !errors.Is(err, ErrState) {
						t.Errorf("%d leaves, a page %s: got %v, want ErrState", n, what, err)
					}
				}
				all[h] = b
				if len(all) > 20 {
					break
				}
			}
		}
	}
	// The wrong cut, the wrong size and an empty page.
	tr := fakeTree(s, rnd, 16, 0)
	all := pagesOf(tr, cutFine)
	for _, n := range []uint32{0, 3, 8, 32, 2 * MembersMax} {
		if _, err := treeOfPages(s, cutFine, n, tr.rootHash(), func(h []byte) []byte { return all[string(h)] }); !errors.Is(err, ErrState) {
			t.Errorf("as %d leaves: got %v, want ErrState", n, err)
		}
	}
	if _, err := treeOfPages(s, cutWide, 16, tr.rootHash(), func(h []byte) []byte { return all[string(h)] }); !errors.Is(err, ErrState) {
		t.Errorf("as other pages: got %v, want ErrState", err)
	}
	if _, err := parsePage(s, newPage(cutFine, 7).bytes()); !errors.Is(err, ErrInvalid) {
		t.Errorf("an empty page: got %v, want ErrInvalid", err)
	}
}

// The largest pages there can be, with every node filled and every leaf unmerged everywhere, stay
// below PageBytesMax, at the bottom and at the top of the largest tree.
func TestPageBytes(t *testing.T) {
	s := suiteOf(XWing)
	rnd := rand.New(rand.NewPCG(1, 2))
	full := fakeTree(s, rnd, 64, PageLeafBytesMax)
	if got := len(full.leaf(3).raw); got != PageLeafBytesMax {
		t.Fatalf("a leaf of %d bytes, want %d", got, PageLeafBytesMax)
	}
	if got := len(full.page(cutWide, full.root()).bytes()); got > PageBytesMax || got < PageBytesMax*3/4 {
		t.Errorf("64 leaves: a page of %d bytes, most %d", got, PageBytesMax)
	}
	for _, root := range []uint32{4095, MembersMax - 1} {
		p := newPage(cutWide, root)
		for i := range p.nodes {
			q := &parentNode{key: make([]byte, 1216), parentHash: make([]byte, 32)}
			x := p.nodeAt(i)
			for u := range uint32(1) << level(x) {
				q.unmerged = append(q.unmerged, leftmost(x)+u)
			}
			p.nodes[i].parent = q
		}
		for i := range p.below {
			p.below[i] = make([]byte, 32)
		}
		got := p.bytes()
		t.Logf("level %d: %d bytes", level(root), len(got))
		if len(got) > PageBytesMax {
			t.Errorf("level %d: a page of %d bytes, most %d", level(root), len(got), PageBytesMax)
		}
		if _, err := parsePage(s, got); err != nil {
			t.Errorf("level %d: %v", level(root), err)
		}
	}
	if _, err := parsePage(s, newPage(cutWide, MembersMax-1).bytes()[:5]); !errors.Is(err, ErrInvalid) {
		t.Errorf("a head without a page: got %v", err)
	}
}

// What Page and PageHashes say of a group: the last hash is the tree's, a page is named by its
// hash, and a commit changes only the pages above its leaf.
func TestGroupPages(t *testing.T) {
	for _, n := range []int{1, 2, 64, 65, 200} {
		w := newWorld(t, X25519AES, 2)
		if n > 2 {
			kps, _, _ := crowd(t, X25519AES, n-1)
			w.commit(0, CommitOptions{Add: kps, Now: t0})
		}
		g := w.g[0]
		if n == 1 {
			g = newPerson(X25519AES, "alone").found()
		}
		before := g.PageHashes()
		if !bytes.Equal(before[len(before)-1], g.TreeHash()) {
			t.Errorf("%d members: the last hash is not the tree's", n)
		}
		for i, h := range before {
			b := g.Page(i)
			if (b == nil) != (h == nil) {
				t.Fatalf("%d members: page %d of %d bytes, hash %x", n, i, len(b), h)
			}
			if b == nil {
				continue
			}
			p := must(parsePage(g.s, b))
			if !bytes.Equal(p.hash(g.s), h) {
				t.Errorf("%d members: page %d has another hash", n, i)
			}
			if b := p.bottom(); b == 0 && p.root>>(cutWide.first+1) != uint32(i) {
				t.Errorf("%d members: page %d has root %d", n, i, p.root)
			}
		}
		after := must(g.Commit(CommitOptions{})).Next.PageHashes()
		changed := 0
		for i := range after {
			if !slices.Equal(after[i], before[i]) {
				changed++
			}
		}
		if want := map[int]int{1: 1, 2: 1, 64: 1, 65: 2, 200: 2}[n]; changed != want {
			t.Errorf("%d members: %d of %d pages changed, want %d", n, changed, len(after), want)
		}
	}
}

func FuzzParsePage(f *testing.F) {
	for _, id := range []Suite{X25519AES, XWing} {
		s := suiteOf(id)
		tr := fakeTree(s, rand.New(rand.NewPCG(3, uint64(id))), 256, 0)
		for _, b := range pagesOf(tr, cutFine) {
			if len(b) < 4000 {
				f.Add(b)
			}
		}
		tr = fakeTree(s, rand.New(rand.NewPCG(4, uint64(id))), 1, 0)
		for _, b := range pagesOf(tr, cutWide) {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := suiteOf(X25519AES)
		p, err := parsePage(s, bytes.Clone(b))
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
			return
		}
		if got := p.bytes(); !bytes.Equal(got, b) {
			t.Errorf("encodes differently: %s", fmt.Sprintf("%x, want %x", got, b))
		}
		p.hash(s)
	})
}

// Whoever adds to a tree changes no other that shares its nodes, in whatever order the trees were
// cloned and added to.
func TestAddShares(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	tr := fakeTree(suiteOf(X25519AES), rnd, 64, 0)
	l := tr.leaf(63)
	trees := []*tree{tr}
	was := [][]byte{tr.bytes()}
	for range 40 {
		i := rnd.IntN(len(trees))
		c := trees[i].clone()
		for range 1 + rnd.IntN(3) {
			c.add(l)
		}
		trees, was = append(trees, c), append(was, c.bytes())
		for k, x := range trees {
			if !bytes.Equal(x.bytes(), was[k]) {
				t.Fatalf("tree %d changed when one of tree %d was added to", k, i)
			}
		}
	}
}
