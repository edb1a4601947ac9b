package mls

import (
	"runtime"
	"testing"
)

// What a light member of a large X-Wing group stores, in a warm tree and having heard as many
// others as it remembers, and what it holds in memory.
func TestLightSize(t *testing.T) {
	const limit = 64 << 10
	w := newWorld(t, XWing, 1, sliced)
	w.enter(0, 2, CommitOptions{})
	g := w.g[2]
	if !g.Light() {
		t.Fatal("not light")
	}
	// The rest of 8,192 leaves, as far as a light member has to do with it.
	g.light.n = 8192
	g.secrets = newSecretTree(g.s, 8192, random(g.s.nh))
	x := 2 * g.me
	for x != 8191 {
		x = parentOf(x)
		g.priv[x] = must(g.s.kem.GenerateKey())
	}
	for i := range uint32(KnownLeavesMax) {
		if i == 20 {
			state := g.Snapshot()
			t.Logf("20 others heard: stored %d bytes, in memory %d", len(state), inMemory(state))
		}
		who := newPerson(XWing, "user-000000-device-0000000000000000")
		at := 50*i + 3
		g.light.learn(at, who.found().tree.leaf(0))
		must(g.secrets.look(ratchetID{at, true}, 3)).commit()
	}
	for e := range uint64(ResumptionSecretsMax) {
		g.resumption[e+100] = random(32)
	}
	state := g.Snapshot()
	t.Logf("at most: stored %d bytes, in memory %d", len(state), inMemory(state))
	if len(state) > limit {
		t.Errorf("stored: got %d bytes, want at most %d", len(state), limit)
	}
}

// inMemory is what a restored state takes on the heap.
func inMemory(state []byte) uint64 {
	const n = 50
	var before, after runtime.MemStats
	var held [n]*Group
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range held {
		held[i] = must(Restore(state, nil))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(held)
	return (after.HeapAlloc - before.HeapAlloc) / n
}
