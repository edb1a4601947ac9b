package mls

import (
	"slices"
	"testing"
)

// The order is a permutation, the well-known one for powers of two.
func TestWarmOrder(t *testing.T) {
	if got, want := WarmOrder(8), []uint32{0, 4, 2, 6, 1, 5, 3, 7}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, n := range []int{-1, 0, 1, 2, 3, 100, 5000} {
		got := WarmOrder(n)
		slices.Sort(got)
		for i, x := range got {
			if x != uint32(i) {
				t.Fatalf("%d leaves: %d in place %d", n, x, i)
			}
		}
		if len(got) != max(n, 0) {
			t.Errorf("%d leaves: got %d", n, len(got))
		}
	}
}

// What commits in this order do to a cold tree of 5,000, as they change its shape.
func TestWarming(t *testing.T) {
	const n = 5000
	tr := newTree(suiteXWing, 8192)
	leaf := newPerson(XWing, "user-000000-device-0000000000000000").found().tree.leaf(0)
	for i := range uint32(n) {
		tr.write(2 * i).leaf = leaf
	}
	g := &Group{tree: tr}
	average := func() float64 {
		sum, count := 0, 0
		for i := uint32(3); i < n; i += 97 {
			sum += g.PathSize(i)
			count++
		}
		return float64(sum) / float64(count)
	}
	order := WarmOrder(n)
	done := 0
	for _, x := range []struct {
		commits  int
		at, most float64
	}{{0, 4999, 4999}, {4, 800, 1700}, {16, 180, 260}, {64, 60, 75}, {256, 18, 28}, {1024, 11, 16}} {
		for ; done < x.commits; done++ {
			nodes, _ := tr.filtered(order[done])
			tr.blankPath(order[done])
			for _, y := range nodes {
				tr.write(y).parent = &parentNode{key: make([]byte, 1216)}
			}
		}
		got := average()
		tr.dirty(order[0])
		for i := range order[:done] {
			tr.dirty(order[i])
		}
		cutting := len(must(g.Cutting(4003, nil, 0)))
		t.Logf("%d commits: %.0f ciphertexts, a cutting of %d bytes, with room for adds %d", x.commits, got, cutting, len(must(g.Cutting(4003, nil, 10))))
		if x.commits >= 256 && cutting > 60<<10 {
			t.Errorf("%d commits: got a cutting of %d bytes, want at most 60 KiB", x.commits, cutting)
		}
		if got < x.at || got > x.most {
			t.Errorf("%d commits: got %.0f ciphertexts, want %.0f to %.0f", x.commits, got, x.at, x.most)
		}
	}
	if g.PathSize(n) != 0 {
		t.Error("a blank leaf has a path")
	}
}

// TestWarms: who is next in the order, going round, and that a commit by somebody whose path was
// refreshed helps nobody, but a new leaf below it makes it help again.
func TestWarms(t *testing.T) {
	for i, x := range WarmOrder(16) {
		if got := WarmRank(x, 16); got != uint32(i) {
			t.Errorf("leaf %d: rank %d, want %d", x, got, i)
		}
	}
	w := newWorld(t, X25519AES, 8)
	g := w.g[0]
	if got := g.WarmTurns(4, 0); got != 6 { // rank 1, rank 0 of 8
		t.Errorf("got %d turns between, want 6", got)
	}
	if !g.Warms(0) || g.Warms(15) {
		t.Errorf("cold: got %v, and for nobody %v", g.Warms(0), g.Warms(15))
	}
	g = must(g.Commit(CommitOptions{})).Next
	if g.Warms(0) || !g.Warms(4) {
		t.Errorf("after its commit: got %v, for the other half %v", g.Warms(0), g.Warms(4))
	}
	kp, _ := newPerson(X25519AES, "x").keyPackage()
	if g = must(g.Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0})).Next; !g.Warms(0) {
		t.Error("a new leaf below: helps nobody")
	}
}
