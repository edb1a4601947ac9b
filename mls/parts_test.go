package mls

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// parts is what a vault holds of a group stored in parts.
type parts struct {
	head, pending []byte
	pages         map[string][]byte
	stored        []*SavedTree
	wrote         int
}

// save stores g, and the commit that waits if there is one, and drops what is not needed any more.
func (p *parts) save(t *testing.T, g, pending *Group) {
	t.Helper()
	is := []*SavedTree{g.SavedTree()}
	p.head, p.pending = g.SnapshotHead(), nil
	if pending != nil {
		is = append(is, pending.SavedTree())
		p.pending = pending.SnapshotHead()
	}
	put, drop := TreeChanges(p.stored, is)
	p.stored, p.wrote = is, len(p.head)+len(p.pending)
	for _, d := range put {
		if p.pages[d.Key] != nil {
			t.Errorf("a page is written again")
		}
		p.pages[d.Key] = d.Value
		p.wrote += len(d.Key) + len(d.Value)
	}
	for _, k := range drop {
		if p.pages[k] == nil {
			t.Errorf("a page is deleted twice")
		}
		delete(p.pages, k)
	}
}
func (p *parts) page(key string) []byte { return p.pages[key] }

// check: what is stored makes the same groups again, and nothing else is stored.
func (p *parts) check(t *testing.T, g, pending *Group) {
	t.Helper()
	need := map[string]bool{}
	for _, x := range []struct {
		head []byte
		g    *Group
	}{{p.head, g}, {p.pending, pending}} {
		if x.g == nil {
			continue
		}
		got, err := RestoreHead(x.head, p.page, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Snapshot(), x.g.Snapshot()) {
			t.Fatalf("epoch %d comes back as another", x.g.Epoch())
		}
		got.SavedTree().TreeKeys(func(k string) { need[k] = true })
	}
	if got, want := len(p.pages), len(need); got != want {
		t.Fatalf("epoch %d: %d pages stored, want %d", g.Epoch(), got, want)
	}
}

// Through adds and removals that make the tree grow and shrink, lost commits and won ones, what
// is stored in parts is what is needed, no more, and makes the same group again.
func TestParts(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	g := newPerson(X25519AES, "founder").found()
	p := &parts{pages: map[string][]byte{}}
	p.save(t, g, nil)
	p.check(t, g, nil)
	for range 60 {
		var o CommitOptions
		o.Now = t0
		switch rnd.IntN(4) {
		case 0:
			o.Add, _, _ = crowd(t, X25519AES, 2+rnd.IntN(40))
		case 1:
			for _, m := range g.Members() {
				if m.Index != g.OwnIndex() && rnd.IntN(3) == 0 {
					o.Remove = append(o.Remove, m.Index)
				}
			}
		case 2:
			o.Add, _, _ = crowd(t, X25519AES, 2)
			o.ForcePath = true
		}
		next := must(g.Commit(o)).Next
		p.save(t, g, next)
		p.check(t, g, next)
		if rnd.IntN(4) > 0 {
			g = next
		}
		p.save(t, g, nil)
		p.check(t, g, nil)
	}
}

// A part that is missing, damaged or of another group is found, each of them.
func TestPartsDamaged(t *testing.T) {
	w := newWorld(t, X25519AES, 40)
	p, other := &parts{pages: map[string][]byte{}}, &parts{pages: map[string][]byte{}}
	p.save(t, w.g[1], nil)
	other.save(t, newWorld(t, X25519AES, 2).g[0], nil)
	for n := range p.head {
		if _, err := RestoreHead(p.head[:n], p.page, nil); !errors.Is(err, ErrState) {
			t.Fatalf("%d of %d bytes of the head: got %v", n, len(p.head), err)
		}
	}
	if _, err := RestoreHead(append(bytes.Clone(p.head), 0), p.page, nil); !errors.Is(err, ErrState) {
		t.Errorf("a head with a byte more: got %v", err)
	}
	if _, err := Restore(p.head, nil); !errors.Is(err, ErrState) {
		t.Errorf("a head as a snapshot: got %v", err)
	}
	var foreign []byte
	for _, v := range other.pages {
		foreign = v
	}
	keys := slices.Sorted(maps.Keys(p.pages))
	for i, k := range keys {
		was := p.pages[k]
		for what, v := range map[string][]byte{"missing": nil, "foreign": foreign, "another": p.pages[keys[(i+1)%len(keys)]], "cut": was[:len(was)-1]} {
			p.pages[k] = v
			if _, err := RestoreHead(p.head, p.page, nil); !errors.Is(err, ErrState) {
				t.Errorf("page %d %s: got %v, want ErrState", i, what, err)
			}
		}
		for at := 0; at < len(was); at += 97 {
			bad := bytes.Clone(was)
			bad[at] ^= 1
			p.pages[k] = bad
			if _, err := RestoreHead(p.head, p.page, nil); !errors.Is(err, ErrState) {
				t.Errorf("page %d with byte %d changed: got %v, want ErrState", i, at, err)
			}
		}
		p.pages[k] = was
	}
	if _, err := RestoreHead(p.head, p.page, nil); err != nil {
		t.Errorf("all of them: got %v", err)
	}
}

// In a warm X-Wing tree of 5,000, a commit writes less than 64 KiB of pages, a fifth of what may be.
func TestPartsSize(t *testing.T) {
	s := suiteOf(XWing)
	was := fakeTree(s, rand.New(rand.NewPCG(5, 5)), 8192, 0)
	is := was.clone()
	var keys [][]byte
	nodes, copath := is.filtered(77)
	for range nodes {
		keys = append(keys, random(1216))
	}
	is.merge(77, nodes, copath, keys)
	is.rootHash()
	put, drop := TreeChanges([]*SavedTree{{was}}, []*SavedTree{{is}})
	n, most := 0, 0
	for _, d := range put {
		n += len(d.Key) + len(d.Value)
		most = max(most, len(d.Value))
	}
	t.Logf("%d pages of %d bytes, the largest %d; %d dropped", len(put), n, most, len(drop))
	if n > 64<<10 || len(put) != 5 || len(drop) != 5 {
		t.Errorf("got %d pages of %d bytes, %d dropped, want 5 of at most 64 KiB, 5 dropped", len(put), n, len(drop))
	}
	if put, drop = TreeChanges([]*SavedTree{{is}, {was}}, []*SavedTree{{is}, {is}}); put != nil || len(drop) != 5 {
		t.Errorf("going on with what is stored: %d put and %d dropped, want 0 and 5", len(put), len(drop))
	}
}

// A light member has no tree to store: its head is all, beside a full member's too.
func TestPartsLight(t *testing.T) {
	w := newWorld(t, X25519AES, 20)
	l := w.lightly(0)
	if got := l.PageCount(); got != 0 {
		t.Errorf("%d pages, want none", got)
	}
	put, drop := TreeChanges([]*SavedTree{l.SavedTree()}, []*SavedTree{l.SavedTree(), w.g[0].SavedTree()})
	all, _ := TreeChanges(nil, []*SavedTree{w.g[0].SavedTree()})
	if len(put) != len(all) || drop != nil {
		t.Errorf("%d put and %d dropped, want %d and 0", len(put), len(drop), len(all))
	}
	if put, drop = TreeChanges([]*SavedTree{w.g[0].SavedTree()}, []*SavedTree{l.SavedTree()}); put != nil || len(drop) != len(all) {
		t.Errorf("%d put and %d dropped, want 0 and %d", len(put), len(drop), len(all))
	}
	got := must(RestoreHead(l.SnapshotHead(), nil, nil))
	if !bytes.Equal(got.SnapshotHead(), l.SnapshotHead()) {
		t.Errorf("came back as something else")
	}
}
