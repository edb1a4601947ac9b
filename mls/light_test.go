package mls

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// lightly adds one member by i's commit, which joins without the tree.
func (w *world) lightly(i int) *Group {
	w.t.Helper()
	p := newPerson(w.g[i].Suite(), fmt.Sprintf("member-%d", len(w.g)))
	kp, sec := p.keyPackage()
	c := must(w.g[i].Commit(CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}))
	me, _ := c.Next.tree.find(sec.kp.leaf)
	g, err := JoinLight(c.Welcome, LightOptions{Secret: sec, Signer: p.sign, SenderProof: must(c.Next.Proof(c.Next.me)), OwnProof: must(c.Next.Proof(me))})
	if err != nil {
		w.t.Fatalf("light join: %v", err)
	}
	if !g.Light() {
		w.t.Fatal("joined with the tree")
	}
	w.deliver(i, c)
	w.g, w.by = append(w.g, g), append(w.by, p)
	w.agree()
	return g
}

// annotate makes the annotations of a commit for one leaf, as a member with both trees can.
func annotate(old, next *Group, commit []byte, from, to uint32, added ...uint32) *annotatedCommit {
	x := &annotatedCommit{
		commit: commit, sender: old.tree.proof(from), hash: next.ctx.treeHash,
		senderAfter: next.tree.proof(from), receiverAfter: next.tree.proof(to),
	}
	c := 2 * from
	for _, p := range next.tree.path(from) {
		if under(p, 2*to) {
			a := &applied{tree: next.tree, isAdded: map[uint32]bool{}}
			for _, i := range added {
				a.isAdded[i] = true
			}
			for i, y := range a.recipients(sibling(c)) {
				if under(y, 2*to) && (y == 2*to || x.resolution == nil) {
					n := uint32(i)
					x.resolution = &n
				}
			}
		}
		c = p
	}
	return x
}

// A light member joins, follows annotated commits of every kind, sends, and reads whom it knows.
func TestLight(t *testing.T) {
	for _, s := range built(X25519AES, P256AES, XWing) {
		t.Run(fmt.Sprintf("suite-%d", s), func(t *testing.T) {
			w := newWorld(t, s, 5)
			w.commit(2, CommitOptions{})
			g := w.lightly(1)
			k := len(w.g) - 1
			rnd := rand.New(rand.NewPCG(1, uint64(s)))
			for round := range 12 {
				i := rnd.IntN(k)
				old := w.g[i]
				p := must(old.Commit(CommitOptions{}))
				r, err := g.ProcessAnnotated(annotate(old, p.Next, p.Message, old.me, g.me).bytes(), t0)
				if err != nil {
					t.Fatalf("round %d by %d: %v", round, i, err)
				}
				w.g[k] = nil
				w.deliver(i, p)
				g = must(Restore(r.(CommitReceived).Next.Snapshot(), nil))
				w.g[k] = g
				w.agree()
			}
			// It speaks to all, and hears whom it has met.
			m := must(g.Encrypt([]byte("light"), nil))
			for _, h := range w.g[:k] {
				if a := must(h.Process(m, t0)).(Application); string(a.Data) != "light" || a.Sender != g.me {
					t.Errorf("got %+v", a)
				}
			}
			must(g.ProposeSelfRemove(nil))
			g.light.known = map[uint32]*leafNode{g.me: g.light.known[g.me]}
			g.light.order = nil
			m = must(w.g[3].Encrypt([]byte("hello"), nil))
			for range 2 { // nothing is used up
				us, ok := errors.AsType[*UnknownSender](func() error { _, err := g.Process(m, t0); return err }())
				if !ok || us.Leaf != w.g[3].me || !errors.Is(us, ErrUnknownSender) {
					t.Fatalf("got %+v, want UnknownSender", us)
				}
			}
			if err := g.Learn(must(w.g[0].Proof(w.g[3].me))); err != nil {
				t.Fatal(err)
			}
			saved := must(Restore(g.Snapshot(), g.Delta()))
			for _, h := range []*Group{g, saved} {
				if a := must(h.Process(m, t0)).(Application); string(a.Data) != "hello" {
					t.Errorf("got %+v", a)
				}
			}
			if _, err := g.Process(m, t0); !errors.Is(err, ErrReplay) {
				t.Errorf("got %v, want ErrReplay", err)
			}
		})
	}
}

// What needs the tree says so; what was learned since a snapshot is in the deltas.
func TestLightState(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	g := w.lightly(0)
	snap := g.Snapshot()
	if err := g.Learn(must(w.g[0].Proof(2))); err != nil {
		t.Fatal(err)
	}
	h := must(Restore(snap, g.Delta()))
	if m, err := h.Member(2); err != nil || string(m.Credential.Identity()) != "member-2" {
		t.Errorf("member 2 after restoring: got %v", err)
	}
	if !bytes.Equal(h.Snapshot(), g.Snapshot()) {
		t.Error("restored state differs")
	}
	if _, err := h.Member(3); !errors.Is(err, ErrUnknownSender) {
		t.Errorf("member 3: got %v, want ErrUnknownSender", err)
	}
	if _, err := h.Member(h.light.n); !errors.Is(err, ErrNotMember) {
		t.Errorf("outside: got %v, want ErrNotMember", err)
	}
	if _, err := g.Commit(CommitOptions{}); !errors.Is(err, ErrLight) {
		t.Errorf("commit: got %v, want ErrLight", err)
	}
	if _, err := g.Proof(0); !errors.Is(err, ErrLight) {
		t.Errorf("proof: got %v, want ErrLight", err)
	}
	if _, err := g.GroupInfo(true, false); !errors.Is(err, ErrLight) {
		t.Errorf("group info: got %v, want ErrLight", err)
	}
	if _, err := w.g[0].Proof(7); !errors.Is(err, ErrNotMember) {
		t.Errorf("proof of nobody: got %v, want ErrNotMember", err)
	}
	if _, err := w.g[0].ProcessAnnotated(nil, t0); !errors.Is(err, ErrArgument) {
		t.Errorf("annotated for a full member: got %v, want ErrArgument", err)
	}
	if _, err := g.Process(must(w.g[0].Commit(CommitOptions{})).Message, t0); !errors.Is(err, ErrLight) {
		t.Errorf("bare commit: got %v, want ErrLight", err)
	}
	if g.Tree() != nil || g.Size() != 0 || g.PageCount() != 0 || g.SavedTree() != nil || len(g.PageHashes()) != 0 || len(g.Members()) != 3 {
		t.Error("a light member shows a tree")
	}
	if _, err := g.GroupInfo(false, true); err != nil {
		t.Errorf("group info without tree: got %v", err)
	}
}

// A light member keeps KnownLeavesMax others; the oldest goes first.
func TestLightForgets(t *testing.T) {
	l := &lightState{n: 1 << 12, known: map[uint32]*leafNode{}, fresh: map[uint32]bool{}}
	leaf := newPerson(X25519AES, "x").found().tree.leaf(0)
	for i := range uint32(KnownLeavesMax) {
		l.learn(i, leaf)
	}
	l.learn(0, leaf) // again: it is the youngest now
	if len(l.known) != KnownLeavesMax || l.known[1] == nil {
		t.Fatalf("at the limit: got %d", len(l.known))
	}
	l.learn(1000, leaf)
	if len(l.known) != KnownLeavesMax || l.known[1] != nil || l.known[0] == nil || l.known[1000] == nil {
		t.Errorf("one above: got %d", len(l.known))
	}
}

// Membership proofs.
func TestRuleProof(t *testing.T) {
	w := newWorld(t, X25519AES, 6)
	w.commit(0, CommitOptions{})
	g := w.lightly(3)
	full := w.g[0]
	good := must(full.Proof(5))
	if err := full.Learn(good); err != nil {
		t.Errorf("a full member: got %v", err)
	}
	bad := func(rule, name string, edit func(*proof)) {
		t.Run(rule+"-"+name, func(t *testing.T) {
			p := must(parseProof(slices.Clone(good)))
			edit(p)
			broke(t, rule, g.Learn(p.bytes()))
			if g.light.known[5] != nil {
				t.Error("learned")
			}
		})
	}
	bad("M-160", "leaves", func(p *proof) { p.n = 6 })
	bad("M-160", "more-leaves", func(p *proof) { p.n = 16 })
	bad("M-160", "none", func(p *proof) { p.n = 0 })
	bad("M-160", "outside", func(p *proof) { p.leaf = 8 })
	bad("M-160", "hashes", func(p *proof) { p.copath = p.copath[1:] })
	bad("M-160", "nodes", func(p *proof) { p.nodes = p.nodes[1:] })
	bad("M-160", "deep", func(p *proof) {
		p.n = 1 << 17
		p.nodes, p.copath = make([]*parentNode, 17), make([][]byte, 17)
	})
	bad("M-160", "many-hashes", func(p *proof) { p.copath = make([][]byte, 17) })
	bad("M-161", "other-leaf", func(p *proof) { p.leaf = 4 })
	bad("M-161", "hash", func(p *proof) { p.copath[2] = make([]byte, 32) })
	bad("M-161", "node", func(p *proof) { p.nodes[0] = p.nodes[2] })
	bad("M-161", "epoch", func(p *proof) { *p = *w.g[0].tree.proof(5); p.nodes[2] = nil })
	for name, b := range map[string][]byte{"M-160-no-leaf": append(good[:8:8], 0, 0), "M-160-blank-leaf": append(good[:8:8], 1, 0, 0)} {
		t.Run(name, func(t *testing.T) {
			if err := g.Learn(b); !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("M-161-join", func(t *testing.T) { // proofs of another epoch, another leaf, another tree
		p := newPerson(X25519AES, "late")
		kp, sec := p.keyPackage()
		c := must(full.Commit(CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}))
		me, _ := c.Next.tree.find(sec.kp.leaf)
		own, sender := must(c.Next.Proof(me)), must(c.Next.Proof(c.Next.me))
		join := func(sender, own []byte) error {
			_, err := JoinLight(c.Welcome, LightOptions{Secret: sec, Signer: p.sign, SenderProof: sender, OwnProof: own})
			return err
		}
		if err := join(sender, own); err != nil {
			t.Fatalf("as it should be: got %v", err)
		}
		broke(t, "M-161", join(must(full.Proof(full.me)), own))
		broke(t, "M-124", join(must(c.Next.Proof(2)), own))
		broke(t, "M-126", join(sender, must(c.Next.Proof(2))))
		other := newWorld(t, X25519AES, 2)
		broke(t, "M-161", join(sender, must(other.g[0].Proof(0))))
		broke(t, "M-002", join(sender[:len(sender)-33], own))
	})
}

// Annotations of a commit for a light member.
func TestRuleAnnotated(t *testing.T) {
	w := newWorld(t, X25519AES, 6)
	w.commit(0, CommitOptions{})
	g := w.lightly(3)
	old := w.g[2]
	if err := g.Learn(must(old.Proof(old.me))); err != nil {
		t.Fatal(err)
	}
	p := must(old.Commit(CommitOptions{}))
	snap := g.Snapshot()
	try := func(edit func(*annotatedCommit)) error {
		x := annotate(old, p.Next, p.Message, old.me, g.me)
		edit(x)
		_, err := must(Restore(snap, nil)).ProcessAnnotated(x.bytes(), t0)
		return err
	}
	if err := try(func(*annotatedCommit) {}); err != nil {
		t.Fatalf("as it should be: got %v", err)
	}
	one := uint32(77)
	for name, edit := range map[string]func(*annotatedCommit){
		"no-sender":         func(x *annotatedCommit) { x.sender = nil },
		"other-sender":      func(x *annotatedCommit) { x.sender = old.tree.proof(1) },
		"no-resolution":     func(x *annotatedCommit) { x.resolution = nil },
		"resolution":        func(x *annotatedCommit) { x.resolution = &one },
		"receiver":          func(x *annotatedCommit) { x.receiverAfter = p.Next.tree.proof(5) },
		"receiver-is-maker": func(x *annotatedCommit) { x.receiverAfter = x.senderAfter },
		"sender-before":     func(x *annotatedCommit) { x.senderAfter = old.tree.proof(old.me) },
		"sender-blank":      func(x *annotatedCommit) { x.senderAfter.nodes[1], x.senderAfter.nodes[2] = nil, nil },
	} {
		t.Run("M-162-"+name, func(t *testing.T) {
			broke(t, "M-162", try(edit))
		})
	}
	t.Run("M-161-sender", func(t *testing.T) {
		broke(t, "M-161", try(func(x *annotatedCommit) { x.sender.copath[0] = make([]byte, 32) }))
	})
	t.Run("M-107-hash", func(t *testing.T) {
		broke(t, "M-107", try(func(x *annotatedCommit) { x.hash = make([]byte, 32) }))
	})
	t.Run("M-163-hash", func(t *testing.T) {
		broke(t, "M-163", try(func(x *annotatedCommit) { x.hash = nil }))
	})
	t.Run("M-163-maker", func(t *testing.T) {
		broke(t, "M-163", try(func(x *annotatedCommit) { x.senderAfter = p.Next.tree.proof(1) }))
	})
}
