package mls

import (
	"slices"
	"testing"
)

// Update paths and the rest of a commit (§12.4).
func TestRulePath(t *testing.T) {
	w := newWorld(t, X25519AES, 6)
	for i := range w.g {
		w.commit(i, CommitOptions{})
	}
	defer w.alive()
	g := w.g[1]
	// leaf re-signs the committer's leaf after an edit.
	leaf := func(edit func(*leafNode)) func(*commitBody, *authContent) {
		return func(c *commitBody, _ *authContent) {
			l := *c.path.leaf
			edit(&l)
			l.sign(g.signer, g.ctx.groupID, 1)
			c.path.leaf = &l
		}
	}
	path := func(edit func(*updatePath)) func(*commitBody, *authContent) {
		return func(c *commitBody, _ *authContent) { edit(c.path) }
	}
	bad := func(rule, name string, edit func(*commitBody, *authContent)) {
		t.Run(rule+"-"+name, func(t *testing.T) { w.refused(t, rule, 1, w.evil(1, nil, edit)) })
	}
	none := func(c *commitBody, _ *authContent) { c.path = nil }
	bad("M-100", "empty", none)
	for name, p := range map[string]*proposal{
		"remove": removal(3), "extensions": (&proposal{typ: ProposalGroupContextExtensions}).encode(),
	} {
		bad("M-100", name, func(c *commitBody, a *authContent) { instead(p)(c, a); none(c, a) })
	}
	t.Run("M-100-references", func(t *testing.T) {
		for what, propose := range map[string]func(*Group) ([]byte, error){
			"update":      func(g *Group) ([]byte, error) { return g.ProposeUpdate(nil) },
			"self-remove": func(g *Group) ([]byte, error) { return g.ProposeSelfRemove(nil) },
		} {
			v := newWorld(t, X25519AES, 3)
			v.everywhere(2, must(propose(v.g[2])))
			ref := v.g[1].proposals[0].ref
			t.Log(what)
			v.refused(t, "M-100", 1, v.evil(1, nil, func(c *commitBody, a *authContent) {
				c.props = []proposalOrRef{{ref: ref}}
				c.path = nil
			}))
		}
	})
	bad("M-101", "key-package", leaf(func(l *leafNode) { l.source = sourceKeyPackage }))
	bad("M-101", "update", leaf(func(l *leafNode) { l.source = sourceUpdate }))
	bad("M-102", "same-key", leaf(func(l *leafNode) { l.encKey = g.tree.leaf(1).encKey }))
	bad("M-103", "leaf-key-of-another", leaf(func(l *leafNode) { l.encKey = g.tree.leaf(3).encKey }))
	bad("M-103", "key-of-a-parent", path(func(u *updatePath) { u.nodes[1].key = g.tree.public(g.tree.root()) }))
	bad("M-103", "key-of-a-leaf", path(func(u *updatePath) { u.nodes[0].key = g.tree.leaf(4).encKey }))
	bad("M-103", "twice-in-the-path", path(func(u *updatePath) { u.nodes[0].key = u.nodes[1].key }))
	bad("M-103", "own-leaf-in-the-path", path(func(u *updatePath) { u.nodes[0].key = u.leaf.encKey }))
	bad("M-104", "short", path(func(u *updatePath) { u.nodes = u.nodes[:1] }))
	bad("M-104", "long", path(func(u *updatePath) { u.nodes = append(u.nodes, u.nodes[0]) }))
	bad("M-105", "too-few", path(func(u *updatePath) { u.nodes[2].cts = u.nodes[2].cts[1:] }))
	bad("M-105", "too-many", path(func(u *updatePath) { u.nodes[0].cts = append(u.nodes[0].cts, u.nodes[0].cts[0]) }))
	bad("M-106", "changed", leaf(func(l *leafNode) { l.parentHash = slices.Clone(l.parentHash); l.parentHash[0] ^= 1 }))
	bad("M-106", "other-keys", path(func(u *updatePath) { u.nodes[0].key = must(g.s.kem.GenerateKey()).PublicKey().Bytes() }))
	bad("M-015", "path-key", path(func(u *updatePath) { u.nodes[0].key = u.nodes[0].key[1:] }))
	bad("M-024", "leaf-extension", leaf(func(l *leafNode) { l.exts = []Extension{{0xff01, nil}} }))
	bad("M-027", "signature-key", func(c *commitBody, _ *authContent) { // a member that knows another's key
		l := *c.path.leaf
		l.sigKey = w.by[3].sign.pub
		l.sign(w.by[3].sign, g.ctx.groupID, 1)
		c.path.leaf = &l
	})
	bad("M-021", "leaf-signature", path(func(u *updatePath) {
		l := *u.leaf
		l.sign(g.signer, g.ctx.groupID, 2)
		u.leaf = &l
	}))
	bad("M-107", "ciphertext", path(func(u *updatePath) {
		for i := range u.nodes {
			for k := range u.nodes[i].cts {
				u.nodes[i].cts[k].ct = slices.Clone(u.nodes[i].cts[k].ct)
				u.nodes[i].cts[k].ct[0] ^= 1
			}
		}
	}))
	t.Run("M-107-wrong-secret", func(t *testing.T) { // it opens, and leads elsewhere
		work := *g
		p := must(work.stage(&staging{tamper: func(c *commitBody, a *authContent) {
			if c == nil {
				return
			}
			// Encrypt something else to everyone, in the context that receivers compute.
			next := g.ctx
			next.epoch++
			t1 := g.tree.clone()
			nodes, copath := t1.filtered(1)
			var keys [][]byte
			for i := range nodes {
				keys = append(keys, c.path.nodes[i].key)
			}
			t1.merge(1, nodes, copath, keys)
			t1.setLeaf(1, c.path.leaf)
			next.treeHash = t1.rootHash()
			info := labelled("UpdatePathNode", next.bytes())
			for i := range c.path.nodes {
				for k, x := range g.tree.resolve(copath[i], nil) {
					c.path.nodes[i].cts[k] = must(g.s.encrypt(g.tree.public(x), info, random(32)))
				}
			}
		}}))
		w.refused(t, "M-107", 1, p.Message)
	})
	t.Run("M-107-no-key", func(t *testing.T) { // a member whose own keys are gone
		h := must(Restore(w.g[3].Snapshot(), nil))
		clear(h.priv)
		_, err := h.Process(must(g.Commit(CommitOptions{})).Message, t0)
		broke(t, "M-107", err)
	})
	t.Run("M-107-own-update", func(t *testing.T) { // a member that lost the key of its Update
		v := newWorld(t, X25519AES, 3)
		v.everywhere(2, must(v.g[2].ProposeUpdate(nil)))
		v.g[2].proposals[0].key = nil
		_, err := v.g[2].Process(must(v.g[0].Commit(CommitOptions{UsePending: true})).Message, t0)
		broke(t, "M-107", err)
	})
	t.Run("M-108", func(t *testing.T) {
		work := *g
		p := must(work.stage(&staging{tamper: func(c *commitBody, a *authContent) {
			if c == nil {
				a.tag = slices.Clone(a.tag)
				a.tag[0] ^= 1
			}
		}}))
		w.refused(t, "M-108", 1, p.Message)
	})
}

// Whole trees, as a joiner gets them (§12.4.3.1). Each is changed in one way, with its hash made to fit.
func TestRuleTree(t *testing.T) {
	w := newWorld(t, X25519AES, 6)
	for i := range w.g {
		w.commit(i, CommitOptions{})
	}
	w.add(0, 1) // leaf 6 is unmerged at parents of its path
	g := w.g[0]
	check := func(edit func(*tree)) error {
		tr := must(parseTree(g.s, g.Tree()))
		edit(tr)
		tr = must(parseTree(g.s, tr.bytes())) // forget all hashes
		ctx := g.ctx
		ctx.treeHash = tr.rootHash()
		return tr.validate(&ctx)
	}
	if err := check(func(*tree) {}); err != nil {
		t.Fatalf("untouched: got %v", err)
	}
	parent := func(tr *tree, x uint32, edit func(*parentNode)) {
		p := *tr.at(x).parent
		p.unmerged = slices.Clone(p.unmerged)
		edit(&p)
		tr.write(x).parent = &p
	}
	root := g.tree.root()
	t.Run("M-040", func(t *testing.T) {
		ctx := g.ctx
		ctx.treeHash = make([]byte, 32)
		broke(t, "M-040", must(parseTree(g.s, g.Tree())).validate(&ctx))
		// Through Join: the tree of another epoch.
		p := newPerson(X25519AES, "late")
		kp, sec := p.keyPackage()
		c := must(g.Commit(CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}))
		_, err := Join(c.Welcome, JoinOptions{Secret: sec, Signer: p.sign, Tree: g.Tree()})
		broke(t, "M-040", err)
		if _, err := Join(c.Welcome, JoinOptions{Secret: sec, Signer: p.sign, Tree: c.Next.Tree()}); err != nil {
			t.Errorf("the right tree: got %v", err)
		}
	})
	t.Run("M-041", func(t *testing.T) {
		broke(t, "M-041", check(func(tr *tree) {
			parent(tr, 3, func(p *parentNode) { p.key = must(g.s.kem.GenerateKey()).PublicKey().Bytes() })
		}))
		broke(t, "M-041", check(func(tr *tree) {
			parent(tr, 3, func(p *parentNode) { p.parentHash = make([]byte, 32) })
		}))
		broke(t, "M-041", check(func(tr *tree) { tr.write(1).parent = &parentNode{key: g.tree.public(3)[:32:32], parentHash: nil} }))
	})
	t.Run("M-043", func(t *testing.T) {
		for _, u := range []uint32{7, 1 << 20} { // blank, outside
			broke(t, "M-043", check(func(tr *tree) {
				parent(tr, root, func(p *parentNode) { p.unmerged = append(p.unmerged, u) })
			}))
		}
		broke(t, "M-043", check(func(tr *tree) { // not below
			parent(tr, 3, func(p *parentNode) { p.unmerged = append(p.unmerged, 6) })
		}))
		broke(t, "M-043", check(func(tr *tree) { // merged half way up
			parent(tr, root, func(p *parentNode) { p.unmerged = []uint32{4, 6} })
		}))
	})
	t.Run("M-044", func(t *testing.T) {
		tr := must(parseTree(g.s, g.Tree()))
		parent(tr, 3, func(p *parentNode) { p.key = tr.public(root) })
		broke(t, "M-044", tr.checkUnique())
		tr = must(parseTree(g.s, g.Tree()))
		parent(tr, 3, func(p *parentNode) { p.key = tr.leaf(5).encKey })
		if err := tr.checkUnique(); err == nil {
			t.Error("a parent with a leaf's key: accepted")
		}
	})
	t.Run("M-027", func(t *testing.T) {
		tr := must(parseTree(g.s, g.Tree()))
		l := *tr.leaf(2)
		l.sigKey = tr.leaf(3).sigKey
		tr.setLeaf(2, &l)
		broke(t, "M-027", tr.checkUnique())
		l = *g.tree.leaf(2)
		l.encKey = tr.leaf(3).encKey
		tr.setLeaf(2, &l)
		broke(t, "M-028", tr.checkUnique())
	})
	t.Run("M-021", func(t *testing.T) {
		broke(t, "M-021", check(func(tr *tree) {
			a := *tr.leaf(6)
			a.sign(w.g[0].signer, nil, 0)
			tr.setLeaf(6, &a)
		}))
	})
	t.Run("M-015", func(t *testing.T) {
		broke(t, "M-015", check(func(tr *tree) { parent(tr, 3, func(p *parentNode) { p.key = p.key[1:] }) }))
	})
	t.Run("M-045", func(t *testing.T) {
		leaf := append([]byte{1, 1}, g.tree.leaf(0).raw...)
		node := []byte{1, 2, 0, 0, 0}
		list := func(nodes ...[]byte) error {
			var w writer
			w.vec(slices.Concat(nodes...))
			_, err := parseTree(g.s, w.b)
			return err
		}
		broke(t, "M-045", list())
		broke(t, "M-045", list([]byte{0}))                        // ends blank
		broke(t, "M-045", list(leaf, []byte{0}))                  // ends in a parent's place
		broke(t, "M-045", list(leaf, []byte{0}, []byte{0}))       // ends blank
		broke(t, "M-045", list(node, []byte{0}, leaf))            // a parent in a leaf's place
		broke(t, "M-045", list(leaf, leaf, leaf))                 // a leaf in a parent's place
		broke(t, "M-045", list(make([]byte, 2*MembersMax), leaf)) // one leaf too many
		broke(t, "M-045", list(make([]byte, 2*MembersMax-2), leaf, []byte{0}, leaf))
		if err := list(leaf, make([]byte, 2*MembersMax-3), leaf); err != nil {
			t.Errorf("at the limit: got %v", err)
		}
	})
	t.Run("M-045-full", func(t *testing.T) { // no room for one more, whichever way it comes
		v := newWorld(t, X25519AES, 2)
		info := must(v.g[0].GroupInfo(true, true))
		p := newPerson(X25519AES, "late")
		ext, _, err := JoinExternal(info, nil, ExternalOptions{Signer: p.sign, Credential: NewBasic(nil)})
		if err != nil {
			t.Fatal(err)
		}
		kp, _ := p.keyPackage()
		packed := newTree(v.g[0].s, MembersMax) // the same leaf everywhere, which nothing gets to notice
		for i := range uint32(MembersMax) {
			packed.write(2 * i).leaf = v.g[0].tree.leaf(i % 2)
		}
		v.g[0].tree = packed
		_, err = v.g[0].Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0})
		broke(t, "M-045", err)
		_, err = v.g[0].Process(ext, t0)
		broke(t, "M-045", err)
		packed.write(2 * 77).leaf = nil
		if packed.full() || packed.add(kp.kp.leaf) != 77 || !packed.full() {
			t.Error("the last place was not found")
		}
	})
	t.Run("M-046", func(t *testing.T) {
		for _, u := range [][]byte{{0, 0, 0, 1, 0, 0, 0, 0}, {0, 0, 0, 1, 0, 0, 0, 1}} {
			var n writer
			n.raw([]byte{0, 1, 2, 0, 0})
			n.vec(u)
			var l writer
			l.vec(n.b)
			_, err := parseTree(g.s, l.b)
			broke(t, "M-046", err)
		}
	})
	t.Run("M-022", func(t *testing.T) {
		tr := must(parseTree(g.s, g.Tree()))
		broke(t, "M-022", tr.checkSupport([]Extension{RequiredCapabilities([]uint16{0xff01}, nil, nil)}, nil))
		broke(t, "M-031", tr.checkSupport([]Extension{{0xff01, nil}}, nil))
		l := *tr.leaf(2)
		l.cred.typ = 0xf001
		tr.setLeaf(2, &l)
		broke(t, "M-023", tr.checkSupport(nil, nil))
	})
}
