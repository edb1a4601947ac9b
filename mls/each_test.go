package mls

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// With work lent on several cores everything comes out as without: joins, commits processed, and
// refusals with the same rule where several things are wrong.
func TestEach(t *testing.T) {
	const n = 150
	h := newHall(t, X25519AES, n, workers(4))
	tree := h.g.Tree()
	join := func(tree []byte, e Each) (*Group, error) {
		return Join(h.made.Welcome, JoinOptions{Secret: h.secs[n-2], Signer: h.who[n-2].sign, Tree: tree, Each: e})
	}
	one, many := must(join(tree, nil)), must(join(tree, workers(4)))
	if !bytes.Equal(one.Snapshot(), many.Snapshot()) {
		t.Errorf("the joins differ")
	}
	for range 3 {
		c := must(h.as(7).Commit(CommitOptions{Add: h.more(t, 40), Remove: []uint32{uint32(20 + h.g.Epoch())}, Now: t0}))
		c.Next.SetEach(workers(4))
		r1, err1 := h.as(9).Process(c.Message, t0)
		other := h.as(9)
		other.SetEach(nil)
		r2, err2 := other.Process(c.Message, t0)
		if err1 != nil || err2 != nil {
			t.Fatalf("got %v and %v", err1, err2)
		}
		a, b := r1.(CommitReceived).Next, r2.(CommitReceived).Next
		if !bytes.Equal(a.Snapshot(), b.Snapshot()) || !bytes.Equal(a.EpochAuthenticator(), c.Next.EpochAuthenticator()) {
			t.Errorf("epoch %d differs", a.Epoch())
		}
		h.g = c.Next
	}
	// Two leaves are wrong, the first by a signature, the second by its key.
	bad := must(parseTree(one.s, bytes.Clone(tree)))
	for i, spoil := range map[uint32]func(l *leafNode){50: func(l *leafNode) { l.sig[0] ^= 1 }, 90: func(l *leafNode) { l.exts = append(l.exts, Extension{Type: 0xf000}) }} {
		spoil(bad.leaf(i))
		bad.dirty(i)
	}
	ctx := one.ctx
	ctx.treeHash = bad.rootHash()
	for _, e := range []Each{nil, workers(1), workers(4)} {
		bad.each = e
		broke(t, "M-021", bad.validate(&ctx))
	}
}

// more makes k KeyPackages of people that are not in the group yet.
func (h *hall) more(t testing.TB, k int) []*KeyPackage {
	kps, _, _ := crowd(t, h.s, k+1)
	return kps
}

// check returns what a loop would: the first failure by index, whoever comes to it first.
func TestEachFirst(t *testing.T) {
	backwards := func(n int, do func(int)) {
		for i := range n {
			do(n - 1 - i)
		}
	}
	for _, e := range []Each{nil, backwards, workers(4)} {
		for _, n := range []int{0, 1, 2, 100} {
			done := make([]bool, n)
			e.run(n, func(i int) { done[i] = true })
			for i, ok := range done {
				if !ok {
					t.Errorf("%d of %d was left out", i, n)
				}
			}
			err := e.check(n, func(i int) error {
				if i == n/2 || i > n/2 {
					return fmt.Errorf("%d", i)
				}
				return nil
			})
			if got, want := fmt.Sprint(err), fmt.Sprint(n/2); n > 0 && got != want {
				t.Errorf("of %d: got %s, want %s", n, got, want)
			}
		}
	}
	if err := Each(nil).check(3, func(int) error { return errors.ErrUnsupported }); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
