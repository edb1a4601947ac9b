package mls

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// putAll puts all pages of a full member's tree.
func putAll(t testing.TB, u *Upgrade, g *Group, rnd *rand.Rand) {
	t.Helper()
	for !u.Done() {
		list := u.Missing()
		if len(list) == 0 {
			t.Fatal("nothing missing and not done")
		}
		i := list[rnd.IntN(len(list))]
		if err := u.Put(i, g.Page(i)); err != nil {
			t.Fatalf("page %d: %v", i, err)
		}
	}
}

// crowded is a sliced group of n with one full and one light member beside the founder, after some
// commits.
func crowded(t testing.TB, s Suite, n, commits int) *world {
	t.Helper()
	w := newWorld(t, s, 1, sliced)
	kps, secs, who := crowd(t, s, n)
	p := must(w.g[0].Commit(CommitOptions{Add: kps, WithoutTree: true, Now: t0}))
	tree := p.Next.Tree()
	w.g = []*Group{p.Next}
	for k := range 1 + commits {
		i := k * (len(kps) - 1) / (1 + commits)
		w.g = append(w.g, must(Join(p.Welcome, JoinOptions{Secret: secs[i], Signer: who[i].sign, Tree: tree})))
	}
	i := len(kps) - 1
	me, _ := p.Next.tree.find(secs[i].kp.leaf)
	w.g = append(w.g, must(JoinLight(p.Welcome, LightOptions{Secret: secs[i], Signer: who[i].sign, SenderProof: must(p.Next.Proof(0)), OwnProof: must(p.Next.Proof(me))})))
	for k := range commits {
		w.hand(1+k, must(w.g[1+k].Commit(CommitOptions{})))
	}
	return w
}

// A light member becomes a full one while the group moves on, and is then like any other.
func TestUpgrade(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			w := crowded(t, X25519AES, 150+rnd.IntN(150), rnd.IntN(6))
			last := len(w.g) - 1
			u := must(NewUpgrade(w.g[last]))
			old := w.g[0]
			steps := rnd.IntN(5)
			for step := range steps {
				var p *Pending
				by := 0
				switch step {
				case 1:
					kp, _ := newPerson(X25519AES, "new").keyPackage()
					p = must(w.g[0].Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0}))
				case 2:
					by = 1
					var out []uint32
					for i := uint32(40); len(out) < 2; i += 31 {
						if !slices.ContainsFunc(w.g, func(g *Group) bool { return g.me == i }) {
							out = append(out, i)
						}
					}
					p = must(w.g[1].Commit(CommitOptions{Remove: out, Now: t0}))
				default:
					p = must(w.g[0].Commit(CommitOptions{}))
				}
				got, _, err := fetch(w.g[last], p)
				if err != nil {
					t.Fatal(err)
				}
				r := got.(CommitReceived)
				k := u.Keys(r)
				if err := u.Follow(r, p.Slices.Blob()[k.Off:k.Off+k.Len]); err != nil {
					t.Fatal(err)
				}
				if err := u.Follow(r, nil); !errors.Is(err, ErrArgument) {
					t.Errorf("twice: got %v", err)
				}
				if u.PageHash(0) == nil && step == 0 {
					if _, err := u.Finish(w.g[last]); !errors.Is(err, ErrArgument) {
						t.Errorf("too early: got %v", err)
					}
				}
				w.g[last] = nil
				w.hand(by, p)
				w.g[last] = r.Next
			}
			g := w.g[last]
			said := must(w.g[0].Encrypt([]byte("before"), nil))
			must(g.Process(said, t0))
			first := must(g.Encrypt([]byte("one"), nil))
			putAll(t, u, old, rnd)
			full, err := u.Finish(g)
			if err != nil {
				t.Fatal(err)
			}
			if full.Light() || full.Size() != w.g[0].Size() || !slices.Equal(full.Tree(), w.g[0].Tree()) {
				t.Error("not the tree of the others")
			}
			if _, err := full.Process(said, t0); !errors.Is(err, ErrReplay) {
				t.Errorf("an old message: got %v, want ErrReplay", err)
			}
			second := must(full.Encrypt([]byte("two"), nil))
			for _, m := range [][]byte{first, second} {
				must(w.g[0].Process(m, t0))
			}
			w.g[last] = must(Restore(full.Snapshot(), nil))
			w.hand(last, must(w.g[last].Commit(CommitOptions{})))
			w.hand(0, must(w.g[0].Commit(CommitOptions{})))
		})
	}
}

// Pages and trees that are not what they should be.
func TestRuleUpgrade(t *testing.T) {
	w := crowded(t, X25519AES, 200, 3)
	light, g := w.g[len(w.g)-1], w.g[0]
	if _, err := NewUpgrade(g); !errors.Is(err, ErrArgument) {
		t.Errorf("a full member: got %v", err)
	}
	u := must(NewUpgrade(light))
	last := u.PageCount() - 1
	if got := u.Missing(); !slices.Equal(got, []int{last}) || u.PageCount() != g.PageCount() {
		t.Fatalf("got %v of %d pages", got, u.PageCount())
	}
	for _, i := range []int{-1, 0, last + 1} {
		if err := u.Put(i, g.Page(0)); !errors.Is(err, ErrArgument) {
			t.Errorf("page %d: got %v, want ErrArgument", i, err)
		}
	}
	broke(t, "M-179", u.Put(last, g.Page(0)))
	broke(t, "M-002", u.Put(last, g.Page(last)[:40]))
	if err := u.Put(last, g.Page(last)); err != nil {
		t.Fatal(err)
	}
	b := g.Page(1)
	b[len(b)-1] ^= 1 // in a signature
	broke(t, "M-179", u.Put(1, b))
	broke(t, "M-179", u.Put(1, g.Page(2)))
	if err := u.Put(1, g.Page(1)); err != nil {
		t.Errorf("the right one after all: got %v", err)
	}
	// A tree that its committer has signed and is bad: only now can it be seen. Each is one that
	// Join refuses by the same rule.
	cold := crowded(t, X25519AES, 200, 0) // a leaf that changes there changes no parent hash
	for _, x := range []struct {
		rule string
		edit func(*tree)
	}{
		{"M-021", func(tr *tree) {
			l := *tr.leaf(70)
			must(0, l.sign(g.signer, []byte("other"), 3))
			l.raw = slices.Clone(l.raw)
			l.raw[len(l.raw)-1] ^= 1
			r := reader{b: l.raw}
			tr.setLeaf(70, r.leaf())
		}},
		{"M-027", func(tr *tree) { tr.setLeaf(70, tr.leaf(150)) }},
		{"M-041", func(tr *tree) {
			x := tr.path(0)[3]
			p := *tr.at(x).parent
			p.parentHash = random(32)
			tr.write(x).parent = &p
			tr.dirty(0)
		}},
		{"M-041", func(tr *tree) { // above the pages with leaves
			x := tr.root()
			p := *tr.at(x).parent
			p.key = must(g.s.kem.GenerateKey()).PublicKey().Bytes()
			tr.write(x).parent = &p
			tr.dirty(0)
		}},
		{"M-043", func(tr *tree) {
			x := tr.path(0)[2]
			p := *tr.at(x).parent
			p.unmerged = []uint32{3}
			tr.write(x).parent = &p
			tr.dirty(0)
		}},
		{"M-031", func(tr *tree) {
			l := *tr.leaf(70)
			c := *l.caps
			c.extensions = nil
			l.caps = &c
			p := newPerson(X25519AES, "old")
			l.sigKey, l.source, l.parentHash = p.sign.pub, sourceUpdate, nil
			must(0, l.sign(p.sign, g.ctx.groupID, 70))
			tr.setLeaf(70, &l)
		}},
	} {
		t.Run(x.rule, func(t *testing.T) {
			g, light := g, light
			if x.rule != "M-041" && x.rule != "M-043" {
				g, light = cold.g[0], cold.g[2]
			}
			bad := *g
			bad.tree = g.tree.clone()
			x.edit(bad.tree)
			lied := *light
			lied.ctx.treeHash = bad.tree.rootHash()
			u := must(NewUpgrade(&lied))
			err := func() error {
				for !u.Done() {
					i := u.Missing()[0]
					if err := u.Put(i, bad.Page(i)); err != nil {
						return err
					}
				}
				_, err := u.Finish(&lied)
				return err
			}()
			broke(t, x.rule, err)
		})
	}
	t.Run("M-107-key", func(t *testing.T) { // a key that is not the tree's
		lied := must(Restore(light.Snapshot(), nil))
		for x := range lied.priv {
			if x&1 == 1 {
				lied.priv[x] = must(g.s.kem.GenerateKey())
			}
		}
		u := must(NewUpgrade(lied))
		putAll(t, u, g, rand.New(rand.NewPCG(1, 1)))
		_, err := u.Finish(lied)
		broke(t, "M-107", err)
	})
	t.Run("M-179-leaf", func(t *testing.T) {
		lied := must(Restore(light.Snapshot(), nil))
		lied.light.known[lied.me] = g.tree.leaf(3)
		u := must(NewUpgrade(lied))
		putAll(t, u, g, rand.New(rand.NewPCG(1, 1)))
		_, err := u.Finish(lied)
		broke(t, "M-179", err)
	})
	t.Run("M-175-keys", func(t *testing.T) { // keys that were never the committer's
		u := must(NewUpgrade(light))
		p := must(g.Commit(CommitOptions{}))
		r, _, err := fetch(must(Restore(light.Snapshot(), nil)), p)
		if err != nil {
			t.Fatal(err)
		}
		c := r.(CommitReceived)
		if err := u.Follow(c, make([]byte, u.Keys(c).Len)); err != nil {
			t.Fatal(err)
		}
		putAll(t, u, g, rand.New(rand.NewPCG(1, 1)))
		_, err = u.Finish(c.Next)
		broke(t, "M-175", err)
	})
}
