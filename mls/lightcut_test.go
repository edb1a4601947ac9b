package mls

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Light members commit: refresh, remove, add with and without a path, in trees of many shapes; who
// joins by such a commit does so with the proofs that come with it. Everybody follows.
func TestCommitLight(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 11))
			w := newWorld(t, X25519AES, 1, sliced)
			w.enter(0, 3+rnd.IntN(12), CommitOptions{})
			pick := func(light bool) int {
				for {
					if k := rnd.IntN(len(w.g)); w.g[k] != nil && w.g[k].Light() == light {
						return k
					}
				}
			}
			for range 14 {
				full := pick(false)
				if rnd.IntN(3) == 0 {
					w.hand(full, must(w.g[full].Commit(CommitOptions{})))
					continue
				}
				lights := 0
				for _, g := range w.g {
					if g != nil && g.Light() {
						lights++
					}
				}
				if lights == 0 {
					w.enter(full, 2, CommitOptions{})
					continue
				}
				by := pick(true)
				g := w.g[by]
				o := CommitOptions{Now: t0, ForcePath: rnd.IntN(2) == 0}
				var gone []int
				for k, h := range w.g {
					if k > 0 && k != by && h != nil && rnd.IntN(6) == 0 && len(gone) < len(w.g)/2 {
						o.Remove, gone = append(o.Remove, h.me), append(gone, k)
					}
				}
				var secs []*KeyPackageSecret
				var who []*person
				for range rnd.IntN(4) {
					p := newPerson(X25519AES, fmt.Sprintf("member-%d", len(w.g)+len(who)))
					kp, sec := p.keyPackage()
					o.Add, secs, who = append(o.Add, kp), append(secs, sec), append(who, p)
				}
				cut := must(w.g[full].Cutting(g.me, o.Remove, len(o.Add)))
				if c, err := parseCutting(g.s, g.priv, slices.Clone(cut)); err != nil || c.t.n > 8 && len(c.t.closed) == 0 && rnd.IntN(9) < 0 {
					t.Fatalf("got %v", err)
				}
				before := g.Snapshot()
				p, err := g.CommitLight(cut, o)
				if err != nil {
					t.Fatal(err)
				}
				if !p.Next.Light() || !g.Light() || g.Epoch() == p.Next.Epoch() || bytes.Equal(before, p.Next.Snapshot()) {
					t.Fatal("not light, or not next")
				}
				p.Next = must(Restore(p.Next.Snapshot(), nil))
				for _, k := range gone {
					if r, _, err := fetch(w.g[k], p); err != nil || !r.(CommitReceived).RemovedSelf {
						t.Fatalf("removed: got %+v, %v", r, err)
					}
					w.g[k] = nil
				}
				w.hand(by, p)
				for i := range who {
					h, err := JoinLight(p.Welcome, LightOptions{Secret: secs[i], Signer: who[i].sign, SenderProof: p.Proofs[0], OwnProof: p.Proofs[1+i]})
					if i%2 == 1 {
						h, err = Join(p.Welcome, JoinOptions{Secret: secs[i], Signer: who[i].sign, Tree: w.g[0].Tree()})
					}
					if w.g[0].Light() || err != nil {
						t.Fatalf("joining: %v", err)
					}
					w.g, w.by = append(w.g, h), append(w.by, who[i])
				}
				w.agree()
			}
		})
	}
}

// Cuttings and options that do not fit.
func TestRuleCutting(t *testing.T) {
	w := crowded(t, X25519AES, 200, 4)
	other := w.g[0]
	w.hand(1, must(w.g[1].Commit(CommitOptions{})))
	full, light := w.g[0], w.g[len(w.g)-1]
	good := must(full.Cutting(light.me, nil, 2))
	kp, _ := newPerson(X25519AES, "x").keyPackage()
	try := func(b []byte, o CommitOptions) error {
		o.Now = t0
		_, err := light.CommitLight(b, o)
		return err
	}
	for name, o := range map[string]CommitOptions{"refresh": {}, "add": {Add: []*KeyPackage{kp}}, "add-with-path": {Add: []*KeyPackage{kp}, ForcePath: true}} {
		if err := try(good, o); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	broke(t, "M-180", try(must(other.Cutting(light.me, nil, 2)), CommitOptions{}))
	broke(t, "M-180", try(must(full.Cutting(3, nil, 2)), CommitOptions{}))
	for what, o := range map[string]CommitOptions{
		"pending": {UsePending: true}, "remove": {Remove: []uint32{7}}, "adds": {Add: []*KeyPackage{kp, kp, kp}},
	} {
		if err := try(good, o); !errors.Is(err, ErrArgument) {
			t.Errorf("%s: got %v, want ErrArgument", what, err)
		}
	}
	if _, err := full.CommitLight(good, CommitOptions{}); !errors.Is(err, ErrArgument) {
		t.Errorf("a full member: got %v", err)
	}
	if _, err := light.Cutting(0, nil, 0); !errors.Is(err, ErrLight) {
		t.Errorf("of a light member: got %v", err)
	}
	for _, x := range []struct {
		leaf   uint32
		remove []uint32
		adds   int
		want   error
	}{
		{250, nil, 0, ErrNotMember}, {0, []uint32{250}, 0, ErrNotMember}, {0, []uint32{0}, 0, ErrArgument},
		{0, nil, -1, ErrArgument}, {0, nil, CuttingPlacesMax + 1, ErrArgument}, {0, nil, CuttingPlacesMax, nil},
	} {
		if _, err := full.Cutting(x.leaf, x.remove, x.adds); !errors.Is(err, x.want) {
			t.Errorf("%+v: got %v", x, err)
		}
	}
	// forged is a cutting where some of what is needed is left away, or the lists say otherwise.
	forged := func(removed, places []uint32, drop ...uint32) []byte {
		c := must(parseCutting(full.s, light.priv, slices.Clone(must(full.Cutting(light.me, removed, len(places))))))
		open := map[uint32]bool{}
		var walk func(x uint32)
		walk = func(x uint32) {
			if c.t.closed[x] || slices.Contains(drop, x) {
				return
			}
			open[x] = true
			if x&1 == 1 {
				walk(left(x))
				walk(right(x))
			}
		}
		walk(c.t.root())
		var w writer
		w.u32(full.tree.n)
		w.u32(light.me)
		for _, list := range [][]uint32{removed, places} {
			w.size(4 * len(list))
			for _, i := range list {
				w.u32(i)
			}
		}
		full.tree.cutting(&w, full.tree.root(), light.me, open)
		return w.b
	}
	if err := try(forged(nil, []uint32{200}), CommitOptions{Add: []*KeyPackage{kp}}); err != nil {
		t.Errorf("forged as it should be: got %v", err)
	}
	beside := sibling(2 * light.me)
	for _, x := range []struct {
		name            string
		removed, places []uint32
		drop            []uint32
		o               CommitOptions
	}{
		{"copath", nil, nil, []uint32{beside}, CommitOptions{}},
		{"far-copath", nil, nil, []uint32{left(full.tree.root())}, CommitOptions{}},
		{"own-leaf", nil, nil, []uint32{2 * light.me}, CommitOptions{}},
		{"place-closed", nil, []uint32{230}, []uint32{2 * 230}, CommitOptions{Add: []*KeyPackage{kp}}},
		{"place-taken", nil, []uint32{light.me}, nil, CommitOptions{Add: []*KeyPackage{kp}}},
		{"place-outside", nil, []uint32{300}, nil, CommitOptions{Add: []*KeyPackage{kp}}},
		{"places-backwards", nil, []uint32{201, 200}, nil, CommitOptions{Add: []*KeyPackage{kp}}},
		{"removed-closed", []uint32{77}, nil, []uint32{2 * 77}, CommitOptions{Remove: []uint32{77}}},
	} {
		t.Run("M-180-"+x.name, func(t *testing.T) {
			err := try(forged(x.removed, x.places, x.drop...), x.o)
			if x.name == "place-closed" && err == nil {
				return // a blank place shows by its hash
			}
			broke(t, "M-180", err)
		})
	}
	for name, b := range map[string][]byte{
		"size": append([]byte{0, 0, 1, 1}, good[4:]...), "leaf": append(slices.Clone(good[:4]), append([]byte{0, 0, 1, 0}, good[8:]...)...),
		"list": append(slices.Clone(good[:8]), 3, 0, 0, 0),
	} {
		t.Run("M-180-"+name, func(t *testing.T) { broke(t, "M-180", try(b, CommitOptions{})) })
	}
	if err := try(good[:len(good)-1], CommitOptions{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("cut: got %v", err)
	}
}

// No cutting of strangers' making panics or leads to a commit that members with the tree accept and
// that leaves somebody out.
func FuzzCutting(f *testing.F) {
	w := newWorld(f, X25519AES, 1, sliced)
	w.enter(0, 9, CommitOptions{})
	w.hand(1, must(w.g[1].Commit(CommitOptions{})))
	light := w.g[2]
	f.Add(must(w.g[0].Cutting(light.me, nil, 2)))
	f.Add(must(w.g[0].Cutting(light.me, []uint32{3, 4}, 0)))
	snap := light.Snapshot()
	kp, _ := newPerson(X25519AES, "x").keyPackage()
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCutting(light.s, light.priv, slices.Clone(b))
		if err != nil {
			return
		}
		for _, add := range [][]*KeyPackage{nil, {kp}} {
			p, err := must(Restore(snap, nil)).CommitLight(b, CommitOptions{Remove: c.removed, Add: add, Now: t0})
			if err != nil {
				continue
			}
			if _, _, err := fetch(must(Restore(w.g[0].Snapshot(), nil)), p); err != nil {
				continue // refused, as it should be when the places are wrong
			}
			if slices.Contains(c.removed, w.g[4].me) {
				continue
			}
			if _, _, err := fetch(must(Restore(w.g[4].Snapshot(), nil)), p); err != nil {
				t.Errorf("left out: %v", err)
			}
		}
	})
}
