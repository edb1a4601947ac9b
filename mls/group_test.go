package mls

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// t0 is the time of all tests; alive contains it.
var (
	t0    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	alive = Lifetime{t0.Add(-time.Hour), t0.Add(90 * 24 * time.Hour)}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// person is somebody with a signature key.
type person struct {
	name string
	sign *Signer
	s    Suite
}

func newPerson(s Suite, name string) *person { return &person{name, must(NewSigner(s)), s} }
func (p *person) keyPackage(edit ...func(*KeyPackageOptions)) (*KeyPackage, *KeyPackageSecret) {
	o := KeyPackageOptions{Suite: p.s, Signer: p.sign, Credential: NewBasic([]byte(p.name)), Lifetime: alive}
	for _, f := range edit {
		f(&o)
	}
	b, sec, err := NewKeyPackage(o)
	if err != nil {
		panic(err)
	}
	return must(must(ParseKeyPackage(b)).Verify(t0)), sec
}
func (p *person) found(edit ...func(*GroupOptions)) *Group {
	o := GroupOptions{Suite: p.s, GroupID: []byte("group"), Signer: p.sign, Credential: NewBasic([]byte(p.name)), Lifetime: alive}
	for _, f := range edit {
		f(&o)
	}
	return must(NewGroup(o))
}

// world is a group with every member's state.
type world struct {
	t  testing.TB
	g  []*Group
	by []*person
}

// newWorld makes a group of n members, added in one path-less commit.
func newWorld(t testing.TB, s Suite, n int, edit ...func(*GroupOptions)) *world {
	t.Helper()
	w := &world{t: t}
	a := newPerson(s, "member-0")
	w.g, w.by = []*Group{a.found(edit...)}, []*person{a}
	if n > 1 {
		w.add(0, n-1)
	}
	return w
}

// add lets member i add n people.
func (w *world) add(i, n int, edit ...func(*KeyPackageOptions)) {
	w.t.Helper()
	var kps []*KeyPackage
	var secs []*KeyPackageSecret
	var who []*person
	for k := range n {
		p := newPerson(w.g[0].Suite(), fmt.Sprintf("member-%d", len(w.g)+k))
		kp, sec := p.keyPackage(edit...)
		kps, secs, who = append(kps, kp), append(secs, sec), append(who, p)
	}
	p := must(w.g[i].Commit(CommitOptions{Add: kps, Now: t0}))
	w.deliver(i, p)
	for k := range n {
		g, err := Join(p.Welcome, JoinOptions{Secret: secs[k], Signer: who[k].sign})
		if err != nil {
			w.t.Fatalf("join: %v", err)
		}
		w.g, w.by = append(w.g, g), append(w.by, who[k])
	}
	w.agree()
}

// deliver makes a commit win: everybody else processes it, its maker goes on with Next.
func (w *world) deliver(by int, p *Pending) {
	w.t.Helper()
	for k, g := range w.g {
		if k == by {
			w.g[k] = p.Next
			continue
		}
		if g == nil {
			continue
		}
		r, err := g.Process(p.Message, t0)
		if err != nil {
			w.t.Fatalf("member %d: %v", k, err)
		}
		w.g[k] = r.(CommitReceived).Next
	}
}

// commit makes member i commit and everybody follow.
func (w *world) commit(i int, o CommitOptions) *Pending {
	w.t.Helper()
	if o.Now.IsZero() {
		o.Now = t0
	}
	p, err := w.g[i].Commit(o)
	if err != nil {
		w.t.Fatalf("commit by %d: %v", i, err)
	}
	w.deliver(i, p)
	w.agree()
	return p
}

// agree checks that all states are of the same epoch, down to the exporter and a message each way.
func (w *world) agree() {
	w.t.Helper()
	var first *Group
	for k, g := range w.g {
		if g == nil {
			continue
		}
		if first == nil {
			first = g
			continue
		}
		if !bytes.Equal(g.EpochAuthenticator(), first.EpochAuthenticator()) || g.Epoch() != first.Epoch() {
			w.t.Fatalf("member %d is in another epoch", k)
		}
		if a, b := must(g.Export("x", []byte("y"), 32)), must(first.Export("x", []byte("y"), 32)); !bytes.Equal(a, b) {
			w.t.Fatalf("member %d exports something else", k)
		}
	}
}

// talk sends one message from each member to all others.
func (w *world) talk() {
	w.t.Helper()
	for i, g := range w.g {
		if g == nil {
			continue
		}
		m := must(g.Encrypt([]byte("hello"), []byte("aad")))
		for k, h := range w.g {
			if k == i || h == nil {
				continue
			}
			r, err := h.Process(m, t0)
			if err != nil {
				w.t.Fatalf("from %d to %d: %v", i, k, err)
			}
			a, ok := r.(Application)
			if !ok || string(a.Data) != "hello" || string(a.AAD) != "aad" || a.Sender != g.OwnIndex() {
				w.t.Fatalf("from %d to %d: got %+v", i, k, r)
			}
		}
	}
}

// The life of a group in every suite that is for more than vectors: join, talk, path-less and full commits, removal.
func TestLife(t *testing.T) {
	for _, s := range built(X25519AES, P256AES, X25519ChaCha, XWing) {
		t.Run(fmt.Sprintf("suite-%d", s), func(t *testing.T) {
			w := newWorld(t, s, 5)
			w.talk()
			for i := range w.g {
				w.commit(i, CommitOptions{})
			}
			w.add(3, 2)
			w.talk()
			r := must(w.g[1].Commit(CommitOptions{Remove: []uint32{2}, Now: t0}))
			got := must(w.g[2].Process(r.Message, t0)).(CommitReceived)
			if !got.RemovedSelf || got.Next != nil || !slices.Equal(got.Removed, []uint32{2}) {
				t.Fatalf("removed member got %+v", got)
			}
			w.g[2] = nil
			w.deliver(1, r)
			w.agree()
			w.talk()
			if n := w.g[0].Size(); n != 6 {
				t.Errorf("got %d members, want 6", n)
			}
			w.add(0, 3)
			for i := range w.g {
				if w.g[i] != nil {
					w.commit(i, CommitOptions{ForcePath: true})
				}
			}
			w.talk()
		})
	}
}

// The failure that made us write this package: four members, A and D have committed before; A
// stages a commit, D's wins, A must process it.
func TestLostRace(t *testing.T) {
	for _, s := range []Suite{X25519AES, XWing} {
		w := newWorld(t, s, 4)
		w.commit(0, CommitOptions{})
		w.commit(3, CommitOptions{})
		before := w.g[0].Snapshot()
		lost := must(w.g[0].Commit(CommitOptions{}))
		won := must(w.g[3].Commit(CommitOptions{}))
		w.deliver(3, won)
		w.agree()
		auth := w.g[3].EpochAuthenticator()
		w.talk()
		if _, err := w.g[1].Process(lost.Message, t0); !errors.Is(err, ErrStaleEpoch) {
			t.Errorf("loser's commit: got %v, want ErrStaleEpoch", err)
		}
		w.commit(0, CommitOptions{}) // A rebases
		// The same with A restarted in between.
		g := must(Restore(before, nil))
		next := must(g.Process(won.Message, t0)).(CommitReceived).Next
		if got := next.EpochAuthenticator(); !bytes.Equal(got, auth) {
			t.Errorf("restored loser: got authenticator %x, want %x", got, auth)
		}
	}
}
