package mls

import (
	"crypto/hpke"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// workers runs n things on so many goroutines, as a driver would.
func workers(k int) Each {
	if k <= 1 {
		return nil
	}
	return func(n int, do func(int)) {
		var next atomic.Int64
		var wg sync.WaitGroup
		for range min(k, n) {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
					do(i)
				}
			})
		}
		wg.Wait()
	}
}

// hall is a large group in which anybody can act: the secrets of an epoch are the same for all, so
// one Group serves as each of them in turn.
type hall struct {
	s    Suite
	kps  []*KeyPackage
	secs []*KeyPackageSecret
	who  []*person
	made *Pending // the commit that added everybody, or the last of them
	g    *Group   // the founder's after that, then the last committer's
	priv map[uint32]hpke.PrivateKey
}

// newHall founds a group of n.
func newHall(t testing.TB, s Suite, n int, each Each, edit ...func(*GroupOptions)) *hall {
	t.Helper()
	h := &hall{s: s, priv: map[uint32]hpke.PrivateKey{}}
	h.kps, h.secs, h.who = make([]*KeyPackage, n-1), make([]*KeyPackageSecret, n-1), make([]*person, n-1)
	run := each
	if run == nil {
		run = func(n int, do func(int)) {
			for i := range n {
				do(i)
			}
		}
	}
	run(n-1, func(i int) {
		h.who[i] = newPerson(s, fmt.Sprintf("user-%06d-device-0000000000000000", i))
		h.kps[i], h.secs[i] = h.who[i].keyPackage()
	})
	founder := newPerson(s, "founder").found(edit...)
	founder.SetEach(each)
	h.g = founder
	for kps := range slices.Chunk(h.kps, 17_000) { // more do not fit into one commit
		h.made = must(h.g.Commit(CommitOptions{Add: kps, WithoutTree: true, Now: t0}))
		h.g = h.made.Next
	}
	return h
}

// as returns the Group of the member on leaf i > 0, with all the private keys that it knows.
func (h *hall) as(i uint32) *Group {
	g := *h.g
	g.me, g.signer = i, h.who[i-1].sign
	g.priv = map[uint32]hpke.PrivateKey{2 * i: h.secs[i-1].leaf}
	if k := h.priv[2*i]; k != nil {
		g.priv[2*i] = k
	}
	for _, x := range g.tree.path(i) {
		if k := h.priv[x]; k != nil && !g.tree.blank(x) {
			g.priv[x] = k
		}
	}
	g.secrets = newSecretTree(g.s, g.tree.n, g.s.derive(g.es.exporter, "a stand-in for the encryption secret"))
	return &g
}

// warm lets k members commit, spread over the tree.
func (h *hall) warm(k int) {
	width := bits.Len32(h.g.tree.n) - 1
	for i := range h.g.tree.n {
		leaf := bits.Reverse32(i) >> (32 - width)
		if k == 0 {
			return
		}
		if leaf == 0 || h.g.tree.leaf(leaf) == nil {
			continue
		}
		k--
		h.g = must(h.as(leaf).Commit(CommitOptions{})).Next
		maps.Copy(h.priv, h.g.priv)
	}
}
