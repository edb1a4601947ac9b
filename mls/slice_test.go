package mls

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func sliced(o *GroupOptions) { o.Extensions = append(o.Extensions, Extension{Type: ExtSliced}) }

// fetch lets a member process a commit with the slices it asks for. It returns how many bytes of
// them it read.
func fetch(g *Group, p *Pending) (Received, int, error) {
	r, err := g.Process(p.Message, t0)
	n, ok := errors.AsType[*NeedSlice](err)
	if !ok {
		return r, 0, err
	}
	r, err = g.ProcessSliced(p.Message, p.Slices.parts(n), t0)
	return r, n.Keys.Len + n.Proof.Len + n.Slice.Len, err
}

// parts is Cut without joining the blob first.
func (s *Slices) parts(n *NeedSlice) SliceParts {
	cut := func(r Range, part []byte, off int) []byte {
		if r.Len == 0 || r.Off-off > len(part) || r.Len > len(part)-(r.Off-off) {
			return nil
		}
		return part[r.Off-off : r.Off-off+r.Len]
	}
	return SliceParts{cut(n.Keys, s.Keys, 0), cut(n.Proof, s.Proof, len(s.Keys)), cut(n.Slice, s.Body, len(s.Keys)+len(s.Proof))}
}

// hand makes a sliced commit win.
func (w *world) hand(by int, p *Pending) {
	w.t.Helper()
	for k, g := range w.g {
		if k == by {
			w.g[k] = p.Next
		} else if g != nil {
			r, _, err := fetch(g, p)
			if err != nil {
				w.t.Fatalf("member %d of epoch %d (light: %v): %v", k, g.Epoch(), g.Light(), err)
			}
			w.g[k] = r.(CommitReceived).Next
		}
	}
	w.agree()
}

// enter lets member by add n people, of whom every other joins without the tree.
func (w *world) enter(by, n int, o CommitOptions) {
	w.t.Helper()
	var secs []*KeyPackageSecret
	var who []*person
	for k := range n {
		p := newPerson(w.g[by].Suite(), fmt.Sprintf("member-%d", len(w.g)+k))
		kp, sec := p.keyPackage()
		o.Add, secs, who = append(o.Add, kp), append(secs, sec), append(who, p)
	}
	o.Now, o.WithoutTree = t0, true
	p, err := w.g[by].Commit(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.hand(by, p)
	for k := range n {
		var g *Group
		if k%2 == 0 {
			g, err = Join(p.Welcome, JoinOptions{Secret: secs[k], Signer: who[k].sign, Tree: p.Next.Tree()})
		} else {
			me, _ := p.Next.tree.find(secs[k].kp.leaf)
			g, err = JoinLight(p.Welcome, LightOptions{Secret: secs[k], Signer: who[k].sign, SenderProof: must(p.Next.Proof(p.Next.me)), OwnProof: must(p.Next.Proof(me))})
		}
		if err != nil {
			w.t.Fatalf("join: %v", err)
		}
		w.g, w.by = append(w.g, g), append(w.by, who[k])
	}
	w.agree()
}

// A sliced group lives like any other, and its light members through every kind of commit.
func TestSliced(t *testing.T) {
	for _, s := range built(X25519AES, P256AES, XWing) {
		for seed := range map[Suite]uint64{X25519AES: 3, P256AES: 1, XWing: 1}[s] {
			t.Run(fmt.Sprintf("suite-%d-seed-%d", s, seed), func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 7))
				w := newWorld(t, s, 1, sliced)
				w.enter(0, 6, CommitOptions{})
				full := func() int {
					for {
						if k := rnd.IntN(len(w.g)); w.g[k] != nil && !w.g[k].Light() {
							return k
						}
					}
				}
				any := func() int {
					for {
						if k := rnd.IntN(len(w.g)); w.g[k] != nil {
							return k
						}
					}
				}
				for step := range 24 {
					by := full()
					switch rnd.IntN(8) {
					case 0, 1:
						w.enter(by, 1+rnd.IntN(3), CommitOptions{ForcePath: rnd.IntN(3) == 0})
					case 2:
						if k := any(); k != by && len(w.g[by].Members()) > 3 {
							p := must(w.g[by].Commit(CommitOptions{Remove: []uint32{w.g[k].me}, Now: t0}))
							r, n, err := fetch(w.g[k], p)
							if err != nil && !errors.Is(err, ErrUnknownSender) || err == nil && (!r.(CommitReceived).RemovedSelf || n > 0 && !w.g[k].Light()) {
								t.Fatalf("removed: got %+v, %d bytes, %v", r, n, err)
							}
							w.g[k] = nil
							w.hand(by, p)
						}
					case 3: // an update of somebody's, who may be light
						k := any()
						m := must(w.g[k].ProposeUpdate(nil))
						for i, g := range w.g {
							if i == k || g == nil {
								continue
							}
							if g.Light() {
								must(0, g.Learn(must(w.g[by].Proof(w.g[k].me))))
							}
							must(g.Process(m, t0))
						}
						if k == by {
							continue
						}
						w.hand(by, must(w.g[by].Commit(CommitOptions{UsePending: true})))
					case 4: // somebody leaves by itself
						k := any()
						if k == by || len(w.g[by].Members()) < 4 {
							continue
						}
						m := must(w.g[k].ProposeSelfRemove(nil))
						for i, g := range w.g {
							if i != k && g != nil {
								if g.Light() {
									must(0, g.Learn(must(w.g[by].Proof(w.g[k].me))))
								}
								must(g.Process(m, t0))
							}
						}
						w.g[k] = nil
						w.hand(by, must(w.g[by].Commit(CommitOptions{UsePending: true})))
					case 5: // from outside
						p := newPerson(s, fmt.Sprintf("outside-%d", step))
						j := must(JoinExternalPending(must(w.g[any()].GroupInfo(false, true)), w.g[by].Tree(), ExternalOptions{Signer: p.sign, Credential: NewBasic(nil)}))
						w.g, w.by = append(w.g, nil), append(w.by, p)
						w.hand(len(w.g)-1, j)
					case 6:
						for k, g := range w.g {
							if g != nil {
								w.g[k] = must(Restore(g.Snapshot(), g.Delta()))
							}
						}
					default:
						w.hand(by, must(w.g[by].Commit(CommitOptions{})))
					}
				}
				// Everybody reads everybody, once introduced.
				for i, g := range w.g {
					if g == nil {
						continue
					}
					m := must(g.Encrypt([]byte("hello"), nil))
					for k, h := range w.g {
						if k == i || h == nil {
							continue
						}
						if h.Light() {
							must(0, h.Learn(must(w.g[full()].Proof(g.me))))
						}
						if a := must(h.Process(m, t0)).(Application); string(a.Data) != "hello" {
							t.Errorf("from %d to %d: got %+v", i, k, a)
						}
					}
				}
			})
		}
	}
}

// What light members are told of a commit, full members found in the tree.
func TestSlicedReport(t *testing.T) {
	w := newWorld(t, X25519AES, 1, sliced)
	w.enter(0, 8, CommitOptions{})
	kp, _ := newPerson(X25519AES, "x").keyPackage()
	p := must(w.g[0].Commit(CommitOptions{Add: []*KeyPackage{kp}, Remove: []uint32{3}, Now: t0}))
	a, _, err := fetch(w.g[1], p)
	b, _, err2 := fetch(w.g[2], p)
	if err := errors.Join(err, err2); err != nil || w.g[1].Light() == w.g[2].Light() {
		t.Fatal(err)
	}
	x, y := a.(CommitReceived), b.(CommitReceived)
	if !slices.Equal(x.Added, y.Added) || !slices.Equal(x.Removed, y.Removed) || x.Committer != y.Committer ||
		!bytes.Equal(x.Next.EpochAuthenticator(), y.Next.EpochAuthenticator()) {
		t.Errorf("got %+v and %+v", x, y)
	}
	if m, err := y.Next.Member(3); err != nil || string(m.Credential.Identity()) != "x" {
		t.Errorf("the added member: got %v, %v", m, err)
	}
}

// Rival commits of one epoch: whoever asked for pieces of the one that lost forgets it, light or not,
// also over a restart between asking and having them, and follows the one that won.
func TestSlicedRace(t *testing.T) {
	w := newWorld(t, X25519AES, 1, sliced)
	w.enter(0, 8, CommitOptions{})
	w.hand(1, must(w.g[1].Commit(CommitOptions{})))
	lost := must(w.g[3].Commit(CommitOptions{}))
	won := must(w.g[5].Commit(CommitOptions{Remove: []uint32{w.g[8].me}, Now: t0}))
	for k, g := range w.g {
		if k == 3 || k == 5 || k == 8 {
			continue
		}
		_, err := g.Process(lost.Message, t0)
		n, ok := errors.AsType[*NeedSlice](err)
		if !ok {
			t.Fatalf("member %d: got %v", k, err)
		}
		// The pieces of the one do not do for the other.
		if _, err := g.ProcessSliced(won.Message, n.Cut(lost.Slices.Blob()), t0); !errors.Is(err, ErrInvalid) {
			t.Errorf("member %d: got %v, want ErrInvalid", k, err)
		}
		w.g[k] = must(Restore(g.Snapshot(), g.Delta()))
	}
	w.g[8] = nil
	w.hand(5, won)
	for k, g := range w.g {
		if g != nil && k != 3 {
			if _, err := g.Process(lost.Message, t0); !errors.Is(err, ErrStaleEpoch) {
				t.Errorf("member %d: got %v, want ErrStaleEpoch", k, err)
			}
		}
	}
	w.hand(3, must(w.g[3].Commit(CommitOptions{})))
	// Pieces that are not there are asked for again.
	p := must(w.g[0].Commit(CommitOptions{}))
	for _, parts := range []SliceParts{{}, {Keys: p.Slices.Keys}, {Slice: []byte{1}}} {
		_, err := w.g[1].ProcessSliced(p.Message, parts, t0)
		if n, ok := errors.AsType[*NeedSlice](err); !ok || n.Total != len(p.Slices.Blob()) {
			t.Errorf("got %v, want NeedSlice", err)
		}
	}
	n, _ := errors.AsType[*NeedSlice](func() error { _, err := w.g[1].Process(p.Message, t0); return err }())
	blob := p.Slices.Blob()
	end := n.Slice.Off + n.Slice.Len
	if c := n.Cut(blob[:end]); len(c.Slice) != n.Slice.Len {
		t.Errorf("a blob that just reaches: got %d bytes, want %d", len(c.Slice), n.Slice.Len)
	}
	if c := n.Cut(blob[:end-1]); c.Slice != nil {
		t.Errorf("a blob one byte short: got %d bytes", len(c.Slice))
	}
	w.hand(0, p)
}
