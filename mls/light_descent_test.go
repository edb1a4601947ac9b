package mls

import (
	"errors"
	"slices"
	"testing"
)

// A group of light and full members moves: all follow the end, and each enters the successor as it
// is, light members by proofs, bound to the old group all the same.
func TestLightReInit(t *testing.T) {
	w := newWorld(t, X25519AES, 1, sliced)
	w.enter(0, 7, CommitOptions{})
	w.hand(1, must(w.g[1].Commit(CommitOptions{})))
	for _, g := range w.g {
		if _, err := g.CommitReInit(ReInitOptions{GroupID: []byte("next")}); g.Light() != errors.Is(err, ErrLight) {
			t.Errorf("light %v: got %v", g.Light(), err)
		}
	}
	w.hand(0, must(w.g[0].CommitReInit(ReInitOptions{GroupID: []byte("next")})))
	for i, g := range w.g {
		g = must(Restore(g.Snapshot(), nil))
		if w.g[i] = g; !g.Closed() || string(g.ReInit().GroupID) != "next" {
			t.Fatalf("member %d (light: %v) is not closed", i, g.Light())
		}
		if _, err := g.Encrypt(nil, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("member %d: got %v, want ErrClosed", i, err)
		}
	}
	kps, secs, who := w.packages(0, X25519AES)
	c := must(w.g[0].Successor(SuccessorOptions{Signer: who[0].sign, Credential: NewBasic([]byte(who[0].name)), Lifetime: alive, Members: kps, WithoutTree: true, Now: t0}))
	if !c.Next.Sliced() {
		t.Error("the successor is not sliced")
	}
	v := &world{t: t, g: []*Group{c.Next}, by: w.by}
	lights := 0
	for i := 1; i < len(w.g); i++ {
		var g *Group
		var err error
		if w.g[i].Light() {
			lights++
			me, _ := c.Next.tree.find(secs[i].kp.leaf)
			o := LightOptions{Secret: secs[i], Signer: who[i].sign, SenderProof: must(c.Next.Proof(c.Next.me)), OwnProof: must(c.Next.Proof(me))}
			if _, err := JoinLight(c.Welcome, o); !errors.Is(err, ErrUnknownPSK) {
				t.Errorf("without the old group: got %v, want ErrUnknownPSK", err)
			}
			o.BranchFrom = w.g[i]
			_, err = JoinLight(c.Welcome, o)
			broke(t, "M-141", err)
			o.ReInitFrom = w.g[i]
			g, err = JoinLight(c.Welcome, o)
		} else {
			g, err = Join(c.Welcome, JoinOptions{Secret: secs[i], Signer: who[i].sign, Tree: c.Next.Tree(), ReInitFrom: w.g[i]})
		}
		if err != nil {
			t.Fatalf("member %d (light: %v): %v", i, w.g[i].Light(), err)
		}
		v.g = append(v.g, g)
	}
	if lights == 0 {
		t.Error("nobody was light")
	}
	v.agree()
	v.hand(0, must(v.g[0].Commit(CommitOptions{})))
	// A light member founds a branch as well as any other.
	for _, g := range v.g {
		if g.Light() {
			b, err := g.Branch(BranchOptions{GroupID: []byte("aside"), SuccessorOptions: SuccessorOptions{Signer: g.signer, Credential: NewBasic(nil), Lifetime: alive, Now: t0}})
			if err != nil || b.Next.Epoch() != 1 || b.Next.Light() {
				t.Errorf("a branch: got %v", err)
			}
			break
		}
	}
}

// Light members are told who has another key or credential, and who takes whose place from outside.
func TestLightRotateAndRejoin(t *testing.T) {
	w := newWorld(t, X25519AES, 1, sliced)
	w.enter(0, 7, CommitOptions{})
	w.hand(1, must(w.g[1].Commit(CommitOptions{})))
	told := func(by int, p *Pending, check func(i int, r CommitReceived)) {
		t.Helper()
		for i, g := range w.g {
			if i == by || g == nil {
				continue
			}
			r, _, err := fetch(g, p)
			if err != nil {
				t.Fatalf("member %d (light: %v): %v", i, g.Light(), err)
			}
			check(i, r.(CommitReceived))
			w.g[i] = r.(CommitReceived).Next
		}
		w.g[by] = p.Next
		w.agree()
	}
	cred := NewBasic([]byte("renamed"))
	told(1, must(w.g[1].Commit(CommitOptions{Signer: must(NewSigner(X25519AES)), Credential: &cred})), func(i int, r CommitReceived) {
		if !slices.Equal(r.Rotated, []uint32{1}) || r.Replaced != NoSender {
			t.Errorf("member %d (light: %v): got %v rotated, %d replaced", i, w.g[i].Light(), r.Rotated, r.Replaced)
		}
	})
	told(0, must(w.g[0].Commit(CommitOptions{})), func(i int, r CommitReceived) {
		if r.Rotated != nil {
			t.Errorf("member %d (light: %v): got %v rotated, want nobody", i, w.g[i].Light(), r.Rotated)
		}
	})
	// Member 3 has lost all but its signature key; member 5 wants to leave; one commit does both.
	for _, g := range w.g {
		if g.Light() && g != w.g[5] {
			if err := g.Learn(must(w.g[0].Proof(5))); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.everywhere(5, must(w.g[5].ProposeSelfRemove(nil)))
	p, err := JoinExternalPending(must(w.g[0].GroupInfo(true, true)), nil, ExternalOptions{
		Signer: w.by[3].sign, Credential: NewBasic([]byte("back")), Remove: new(uint32(3)), Leaving: w.g[0].Leaving()})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{3, 5} {
		if r, _, err := fetch(w.g[i], p); err != nil || !r.(CommitReceived).RemovedSelf {
			t.Errorf("member %d (light: %v): got %+v, %v, want it out", i, w.g[i].Light(), r, err)
		}
		w.g[i] = nil
	}
	told(3, p, func(i int, r CommitReceived) {
		if r.Replaced != 3 || !r.External || !slices.Equal(r.SelfRemoved, []uint32{5}) || !slices.Equal(r.Removed, []uint32{3}) {
			t.Errorf("member %d (light: %v): got %+v", i, w.g[i].Light(), r)
		}
	})
	w.hand(3, must(w.g[3].Commit(CommitOptions{})))
}
