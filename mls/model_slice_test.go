package mls

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/cryptotest"
)

// The model of a sliced group is the same group without slices: RFC 9420. Both are taken through the
// same acts with the same people and the same random numbers, so that the same path secrets are
// used, and must come to the same tree, byte for byte, the same private keys at each member, and the
// same reports. Epoch secrets follow from these and from a transcript, which differs by the form of
// the commits alone; within each group all members agree on them. Sequences of two acts are gone
// through exhaustively, longer ones at random.
func TestSlicedModel(t *testing.T) {
	acts := len((&twins{}).acts())
	for a := range acts {
		for b := range acts {
			runTwins(t, fmt.Sprintf("%d-%d", a, b), uint64(a*acts+b), []int{a, b})
		}
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	for seed := range uint64(6) {
		var list []int
		for range 8 {
			list = append(list, rnd.IntN(acts))
		}
		runTwins(t, fmt.Sprint(list), 1000+seed, list)
	}
}

// twins are a plain group and a sliced one with the same members; members 2 and 4 of the latter are light.
type twins struct {
	t     *testing.T
	seed  uint64
	plain *world
	slice *world
	made  int
}

func runTwins(t *testing.T, name string, seed uint64, list []int) {
	t.Run(name, func(t *testing.T) {
		w := &twins{t: t, seed: seed << 20}
		w.found()
		for _, i := range list {
			w.acts()[i]()
			w.compare()
		}
	})
}

// again makes the random numbers that follow the same for both.
func (w *twins) again() { cryptotest.SetGlobalRandom(w.t, w.seed) }

// both does the same act in both groups and hands the commits round.
func (w *twins) both(by int, act func(g *Group) *Pending) (p, q *Pending) {
	w.seed++
	w.again()
	p = act(w.plain.g[by])
	w.again()
	q = act(w.slice.g[by])
	w.plain.deliver(by, p)
	w.plain.agree()
	w.slice.hand(by, q)
	return p, q
}

func (w *twins) found() {
	w.again()
	a := newPerson(X25519AES, "member-0")
	w.again()
	w.plain = &world{t: w.t, g: []*Group{a.found()}, by: []*person{a}}
	w.again()
	w.slice = &world{t: w.t, g: []*Group{a.found(sliced)}, by: []*person{a}}
	w.enter(0, 4, false)
}

// enter adds people; in the sliced group every other one joins without the tree.
func (w *twins) enter(by, n int, path bool) {
	var kps []*KeyPackage
	var secs []*KeyPackageSecret
	var who []*person
	for range n {
		w.made++
		w.seed++
		w.again()
		p := newPerson(X25519AES, fmt.Sprintf("member-%d", w.made))
		kp, sec := p.keyPackage()
		kps, secs, who = append(kps, kp), append(secs, sec), append(who, p)
	}
	p, q := w.both(by, func(g *Group) *Pending {
		return must(g.Commit(CommitOptions{Add: kps, ForcePath: path, WithoutTree: true, Now: t0}))
	})
	for k := range n {
		w.plain.g = append(w.plain.g, must(Join(p.Welcome, JoinOptions{Secret: secs[k], Signer: who[k].sign, Tree: p.Next.Tree()})))
		if k%2 == 0 {
			w.slice.g = append(w.slice.g, must(Join(q.Welcome, JoinOptions{Secret: secs[k], Signer: who[k].sign, Tree: q.Next.Tree()})))
			continue
		}
		me, _ := q.Next.tree.find(secs[k].kp.leaf)
		w.slice.g = append(w.slice.g, must(JoinLight(q.Welcome, LightOptions{Secret: secs[k], Signer: who[k].sign, SenderProof: must(q.Next.Proof(q.Next.me)), OwnProof: must(q.Next.Proof(me))})))
	}
}

// last returns the youngest member that is not one of the first two.
func (w *twins) last() int {
	for k := len(w.plain.g) - 1; k > 1; k-- {
		if w.plain.g[k] != nil {
			return k
		}
	}
	return -1
}

func (w *twins) acts() []func() {
	return []func(){
		func() { w.both(0, func(g *Group) *Pending { return must(g.Commit(CommitOptions{})) }) },
		func() { w.both(1, func(g *Group) *Pending { return must(g.Commit(CommitOptions{})) }) },
		func() { w.enter(0, 1, false) },
		func() { w.enter(1, 2, true) },
		func() {
			k := w.last()
			if k < 0 {
				return
			}
			out := w.plain.g[k].me
			w.plain.g[k], w.slice.g[k] = nil, nil
			w.both(0, func(g *Group) *Pending { return must(g.Commit(CommitOptions{Remove: []uint32{out}, Now: t0})) })
		},
		func() { // the neighbour of a light member
			if w.plain.g[3] != nil {
				w.both(3, func(g *Group) *Pending { return must(g.Commit(CommitOptions{})) })
			}
		},
		func() {
			if w.plain.g[3] == nil {
				return
			}
			out := w.plain.g[3].me
			w.plain.g[3], w.slice.g[3] = nil, nil
			w.both(0, func(g *Group) *Pending { return must(g.Commit(CommitOptions{Remove: []uint32{out}, Now: t0})) })
		},
		func() { // an Update of the youngest, who may be light, and a SelfRemove beside it
			k := w.last()
			if k < 0 {
				return
			}
			w.seed++
			for _, x := range []*world{w.plain, w.slice} {
				w.again()
				m := must(x.g[k].ProposeUpdate(nil))
				for i, g := range x.g {
					if i == k || g == nil {
						continue
					}
					if g.Light() {
						must(0, g.Learn(must(x.g[0].Proof(x.g[k].me))))
					}
					must(g.Process(m, t0))
				}
			}
			w.both(1, func(g *Group) *Pending { return must(g.Commit(CommitOptions{UsePending: true})) })
		},
	}
}

func (w *twins) compare() {
	w.t.Helper()
	want := w.plain.g[0].Tree()
	for k, g := range w.slice.g {
		model := w.plain.g[k]
		if (g == nil) != (model == nil) {
			w.t.Fatalf("member %d is in one group only", k)
		}
		if g == nil {
			continue
		}
		if !g.Light() && !bytes.Equal(g.Tree(), want) {
			w.t.Errorf("member %d: the trees differ", k)
		}
		if g.Light() && g.light.n != model.tree.n {
			w.t.Errorf("member %d: got %d leaves, want %d", k, g.light.n, model.tree.n)
		}
		if !bytes.Equal(w.plain.g[k].Tree(), want) {
			w.t.Fatalf("the model itself is divided at %d", k)
		}
		mine, its := slices.Sorted(maps.Keys(g.priv)), slices.Sorted(maps.Keys(model.priv))
		if !slices.Equal(mine, its) {
			w.t.Errorf("member %d (light: %v): has keys of %v, want %v", k, g.Light(), mine, its)
			continue
		}
		for _, x := range mine {
			if !bytes.Equal(must(g.priv[x].Bytes()), must(model.priv[x].Bytes())) {
				w.t.Errorf("member %d: another key of %d", k, x)
			}
		}
	}
}
