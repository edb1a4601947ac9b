package convo

import (
	"bytes"
	"testing"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// few has a light member fetch the pages that a change needs out of those that by has put, and returns how
// many; false when it takes the tree.
func few(t *testing.T, m, by *member, ch Change) (n int, ok bool) {
	t.Helper()
	blobs := map[plane.BlobID][]byte{}
	for pages, i := by.c.TreePages(), 0; i < len(pages.List); i++ {
		blobs[pages.List[i].Blob()] = pages.Sealed(&pages.List[i])
	}
	if !m.c.Few() && !m.c.Again() {
		t.Fatal("nothing begins")
	}
	for {
		list, ok := m.c.FewPages(ch)
		if !ok || len(list) == 0 {
			return n, ok
		}
		if _, err := m.c.Begin(ch, now); err == nil {
			t.Fatal("a commit without the pages that it needs")
		}
		for _, p := range list {
			if !m.c.PutPage(p, blobs[p.Blob()]) {
				t.Fatal("a page was not taken")
			}
			n++
		}
	}
}

// TestLightActs has a light member commit with some pages of the tree: it renames, removes, bans and
// refreshes, over a restart and against another's commit, and puts the pages that are new (G-15, G-16).
func TestLightActs(t *testing.T) {
	l, lou := lightGroup(t, "ann", "bob", "cid", "dan", "eve")
	ann := l.member("ann")
	rename1 := Change{Edit: rename("lou's")}
	if _, _, ok := lou.c.WithFew(rename1); ok {
		t.Error("no admin, and it means to rename")
	}
	if _, _, ok := lou.c.WithFew(Change{}); !ok {
		t.Error("anybody refreshes")
	}
	path(t, l, "ann", Change{Edit: func(s *State) { s.SetRole(who("lou"), RoleAdmin) }})
	d := map[string][]byte{}
	acts := func(ch Change) {
		t.Helper()
		ch, part, ok := lou.c.WithFew(ch)
		if !ok || part {
			t.Fatalf("with few pages: %v, in part: %v", ok, part)
		}
		if n, ok := few(t, lou, ann, ch); !ok || n == 0 {
			t.Fatalf("%d pages, %v", n, ok)
		}
		p, err := lou.c.Begin(ch, now)
		if err != nil {
			t.Fatal(err)
		}
		blob, pages := p.Slices, p.Pages
		if pages == nil || p.Ready() {
			t.Fatal("nothing to put")
		}
		stored(lou.c, d)
		if d[keyPending] != nil || d[keyTurn] != nil {
			t.Error("stored before it may be sent")
		}
		lou.c.Stored()
		stored(lou.c, d)
		lou.c = reload(t, lou.c, d)
		bodies, err := lou.c.Bodies(lou.c.Pending().Message)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bodies {
			l.seq++
			for _, x := range l.all {
				out := x.c.Receive(now, l.seq, b, none)
				if x.c.Held() != nil {
					out = give(x, blob)
				}
				l.last[x.name] = out
			}
		}
		for _, x := range l.all {
			if o, ok := l.last[x.name].(Changed); !ok || !o.Out && x.c.Digest() != lou.c.Digest() {
				t.Errorf("%s: got %#v, or another epoch", x.name, l.last[x.name])
			}
		}
		if !lou.c.Light() || lou.c.Size() != ann.c.Size() || lou.c.Leaves() != ann.c.Leaves() {
			t.Errorf("light %v, %d people, %d leaves; want %d and %d", lou.c.Light(), lou.c.Size(), lou.c.Leaves(), ann.c.Size(), ann.c.Leaves())
		}
		stored(lou.c, d)
		if d[keyPending] != nil || d[keyTurn] != nil {
			t.Error("still stored when it has won")
		}
		now := ann.c.TreePages()
		has := map[plane.BlobID][]byte{}
		for i := range now.List {
			has[now.List[i].Blob()] = now.Sealed(&now.List[i])
		}
		for i := range pages.List {
			if b := pages.List[i].Blob(); !bytes.Equal(has[b], pages.Sealed(&pages.List[i])) {
				t.Error("a page that is not one of the tree")
			}
		}
	}
	drop := func(name string) {
		for i, m := range l.all {
			if m.name == name {
				l.all = append(l.all[:i:i], l.all[i+1:]...)
				return
			}
		}
	}
	acts(rename1)
	hears(t, l, "bob")
	acts(Change{Remove: []plane.PublicKey{who("bob")}})
	drop("bob")
	hears(t, l, "cid")
	acts(Change{Remove: []plane.PublicKey{who("cid")}, Edit: func(s *State) { s.Ban(who("cid"), true) }})
	drop("cid")
	acts(Change{})

	// Another's commit comes between: the pages are fetched again, but for those that are the same.
	next := Change{Edit: rename("again")}
	few(t, lou, ann, next)
	path(t, l, "dan", Change{})
	if _, err := lou.c.Begin(next, now); err != ErrNotAllowed || !lou.c.Stale() {
		t.Errorf("on another tree: got %v", err)
	}
	if !lou.c.Again() {
		t.Fatal("nothing begins")
	}
	acts(next)
	hears(t, l, "lou")

	// What it cannot judge takes the tree.
	kp, _ := pack(t, "fay", signer(t))
	few(t, lou, ann, Change{})
	if _, err := lou.c.Begin(Change{Add: []*mls.KeyPackage{kp}}, now); err != ErrNotAllowed {
		t.Errorf("adding: got %v, want ErrNotAllowed", err)
	}
	lou.c = reload(t, lou.c, d) // has never heard of eve
	for _, p := range []string{"zoe", "ann", "lou"} {
		if _, _, ok := lou.c.WithFew(Change{Remove: []plane.PublicKey{who(p)}}); ok {
			t.Errorf("%s: is to go with few pages", p)
		}
	}

	// Who has a second device goes with the one that is known, at once.
	hears(t, l, "eve")
	kp, _ = pack(t, "eve", signer(t))
	act(t, l, "eve", Change{Add: []*mls.KeyPackage{kp}})
	lou.c = reload(t, lou.c, stored(lou.c, d))
	hears(t, l, "eve")
	ch, part, ok := lou.c.WithFew(Change{Remove: []plane.PublicKey{who("eve")}, Edit: func(s *State) { s.Ban(who("eve"), true) }})
	if !ok || !part || ch.Edit != nil || len(ch.Leaves) == 0 {
		t.Errorf("got %+v, %v, %v; want the leaves that are known", ch, part, ok)
	}
	if _, ok := few(t, lou, ann, ch); !ok {
		t.Fatal("takes the tree")
	}
	path(t, l, "lou", ch)
	if out, ok := l.last["eve"].(Changed); !ok || !out.Out {
		t.Errorf("eve's first device: got %#v, want out", l.last["eve"])
	}
}

// TestLightLies: whose a leaf is that is to go is looked up in the tree, whatever was heard.
func TestLightLies(t *testing.T) {
	l, lou := lightGroup(t, "ann", "bob", "cid")
	ann := l.member("ann")
	path(t, l, "ann", Change{Edit: func(s *State) { s.SetRole(who("lou"), RoleAdmin) }})
	lou.c.light.heard[l.member("cid").c.OwnLeaf()] = who("bob")
	ch, _, ok := lou.c.WithFew(Change{Remove: []plane.PublicKey{who("bob")}})
	if !ok {
		t.Fatal("takes the tree")
	}
	if _, ok := few(t, lou, ann, ch); ok {
		t.Error("means to take cid out for bob")
	}
	if _, err := lou.c.Begin(ch, now); err != ErrNotAllowed {
		t.Errorf("got %v, want ErrNotAllowed", err)
	}
}
