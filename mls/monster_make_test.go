package mls

import (
	"bytes"
	"slices"
	"testing"
)

// updating is an Update proposal of member 1.
func updating(edit func(*world, *leafNode)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := newWorld(t, X25519AES, 3)
		g := w.g[1]
		l := *g.tree.leaf(1)
		l.encKey, l.source = must(g.s.kem.GenerateKey()).PublicKey().Bytes(), sourceUpdate
		edit(w, &l)
		l.sign(g.signer, g.ctx.groupID, 1)
		return w.to(0, g.public(ContentProposal, (&proposal{typ: ProposalUpdate, leaf: &l}).encode().raw, nil), nil)
	}
}

// saying is a public proposal of member 1 with a changed head.
func saying(edit func(*authContent)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := newWorld(t, X25519AES, 3)
		return w.to(0, w.g[1].public(ContentProposal, removal(2).raw, edit), nil)
	}
}

// keyed is a commit with pre-shared keys, of which all know the external one.
func keyed(ids ...pskID) func(*testing.T) func() error {
	return lying(3, func(w *world) forgery {
		for _, g := range w.g {
			g.SetPSK(PSK{[]byte("known"), make([]byte, 32)})
		}
		var ps []*proposal
		for _, id := range ids {
			ps = append(ps, &proposal{typ: ProposalPSK, psk: id})
		}
		return forgery{list: byValue(ps...)}
	})
}

// coming is an external commit, fed to member 1.
func coming(edit func(*world, *forgery)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := warm(t, 5)
		g, f := w.stranger(newPerson(X25519AES, "outside"))
		edit(w, &f)
		g.proposals = w.g[0].proposals
		msg, next, _ := g.forge(t, f)
		return w.to(1, msg, next)
	}
}

// joiningAs is a Welcome about to be fed to its addressee.
type joiningAs struct {
	msg  []byte
	o    JoinOptions
	next *Group
	a    *applied
}

func (j *joiningAs) feed() error {
	g, err := Join(j.msg, j.o)
	if err == nil && !bytes.Equal(g.EpochAuthenticator(), j.next.EpochAuthenticator()) {
		return errElsewhere
	}
	return err
}

// joining is an addition by member 0 of a group of n.
func joining(t *testing.T, n int, f forgery, edit func(*world)) *joiningAs {
	w := warm(t, n)
	if edit != nil {
		edit(w)
	}
	p := newPerson(X25519AES, "joiner")
	kp, sec := p.keyPackage()
	f.list = append(f.list, byValue(add(kp.kp))...)
	_, next, a := w.g[0].forge(t, f)
	return &joiningAs{next.rewelcome(a, nil, nil, nil).bytes(), JoinOptions{Secret: sec, Signer: p.sign}, next, a}
}

// growing is a Welcome to a tree that was changed before anything was computed from it.
func growing(n int, edit func(*world, *tree)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := new(world)
		return joining(t, n, forgery{tree: func(tr *tree) { edit(w, tr) }}, func(x *world) { *w = *x }).feed
	}
}

// parental changes a parent node.
func parental(tr *tree, x uint32, edit func(*parentNode)) {
	p := *tr.at(x).parent
	p.unmerged = slices.Clone(p.unmerged)
	edit(&p)
	tr.write(x).parent = &p
	k := level(x)
	tr.dirty(x >> (k + 1) << k) // any leaf below it
}

// welcoming is a good commit with a Welcome that is not.
func welcoming(info func(*Group, *groupInfo), sign func(*world) *Signer, secrets func(*Group, *groupSecrets)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		var w *world
		j := joining(t, 5, forgery{}, func(x *world) { w = x })
		var k *Signer
		if sign != nil {
			k = sign(w)
		}
		j.msg = j.next.rewelcome(j.a, func(gi *groupInfo) {
			if info != nil {
				info(j.next, gi)
			}
		}, k, func(gs *groupSecrets) {
			if secrets != nil {
				secrets(j.next, gs)
			}
		}).bytes()
		return j.feed
	}
}

// unsealed is a Welcome changed from outside.
func unsealed(edit func(*joiningAs, *welcome)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		j := joining(t, 3, forgery{}, nil)
		m := must(parseMessage(j.msg)).welcome
		edit(j, m)
		j.msg = m.bytes()
		return j.feed
	}
}

// descending is a Welcome to the successor or branch of a closed group; edit changes what is founded
// and what binds it, and what the joiner compares it with.
func descending(usage uint8, edit func(d *descent)) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := newWorld(t, X25519AES, 2)
		w.deliver(0, must(w.g[0].CommitReInit(ReInitOptions{GroupID: []byte("next")})))
		d := &descent{usage: usage, x: *w.g[0].reinit, parent: w.g[0], from: w.g[1], w: w}
		if edit != nil {
			edit(d)
		}
		kp, sec := w.by[1].keyPackage()
		child := must(NewGroup(GroupOptions{Suite: X25519AES, GroupID: d.x.groupID, Signer: w.by[0].sign, Credential: NewBasic(nil), Lifetime: alive, Extensions: d.x.exts}))
		child.parent = d.parent
		if d.epoch > 0 {
			child.ctx.epoch = d.epoch
			child.context = child.ctx.bytes()
		}
		if d.bonds == nil {
			d.bonds = []*proposal{d.parent.resumes(usage, d.parent.ctx.epoch, child.s)}
		}
		_, next, a := child.forge(t, forgery{list: append(byValue(d.bonds...), byValue(add(kp.kp))...)})
		o := JoinOptions{Secret: sec, Signer: w.by[1].sign}
		if usage == usageBranch {
			o.BranchFrom = d.from
		} else {
			o.ReInitFrom = d.from
		}
		return (&joiningAs{next.rewelcome(a, nil, nil, nil).bytes(), o, next, a}).feed
	}
}

type descent struct {
	usage        uint8
	x            reInit
	parent, from *Group // the founder's and the joiner's
	epoch        uint64 // that the founder starts from
	bonds        []*proposal
	w            *world
}

var (
	treeMonsters = []monster{
		{"M-040", func(t *testing.T) func() error {
			return joining(t, 5, forgery{treeHash: make([]byte, 32)}, nil).feed
		}},
		{"M-041", growing(5, func(w *world, tr *tree) { // keys that nobody below vouches for
			parental(tr, 1, func(p *parentNode) { p.key = must(w.g[0].s.kem.GenerateKey()).PublicKey().Bytes() })
		})},
		{"M-041", growing(5, func(w *world, tr *tree) { parental(tr, 3, func(p *parentNode) { p.parentHash = make([]byte, 32) }) })},
		{"M-043", growing(5, func(w *world, tr *tree) { // a leaf that no tree of this size has
			parental(tr, tr.root(), func(p *parentNode) { p.unmerged = append(p.unmerged, 1<<20) })
		})},
		{"M-044", growing(6, func(w *world, tr *tree) { // a path of member 1 with a key from beside it
			nodes, copath := tr.filtered(1)
			var keys [][]byte
			for range nodes {
				keys = append(keys, must(w.g[1].s.kem.GenerateKey()).PublicKey().Bytes())
			}
			keys[len(keys)-1] = tr.public(9)
			l := *tr.leaf(1)
			l.parentHash = tr.merge(1, nodes, copath, keys)
			l.sign(w.g[1].signer, w.g[1].ctx.groupID, 1)
			tr.setLeaf(1, &l)
		})},
		{"M-045", func(t *testing.T) func() error { // two blank nodes at the end
			j := joining(t, 4, forgery{}, nil)
			r := reader{b: j.next.Tree()}
			var w writer
			w.vec(append(slices.Clone(r.vec()), 0, 0))
			j.o.Tree = w.b
			return j.feed
		}},
		{"M-046", func(t *testing.T) func() error { // 2 and 6 are unmerged at the root, in the other order
			w := newWorld(t, X25519AES, 8)
			w.g[2], w.g[6] = nil, nil
			p := must(w.g[5].Commit(CommitOptions{Remove: []uint32{2, 6}}))
			w.deliver(5, p)
			one, _ := newPerson(X25519AES, "one").keyPackage()
			p = must(w.g[5].Commit(CommitOptions{Add: []*KeyPackage{one}, Now: t0}))
			w.deliver(5, p)
			q := newPerson(X25519AES, "joiner")
			kp, sec := q.keyPackage()
			_, next, a := w.g[0].forge(t, forgery{list: byValue(add(kp.kp)), tree: func(tr *tree) {
				parental(tr, tr.root(), func(p *parentNode) {
					if !slices.Equal(p.unmerged, []uint32{2, 6}) {
						t.Fatalf("got %v, want 2 and 6", p.unmerged)
					}
					slices.Reverse(p.unmerged)
				})
			}})
			return (&joiningAs{next.rewelcome(a, nil, nil, nil).bytes(), JoinOptions{Secret: sec, Signer: q.sign}, next, a}).feed
		}},
	}

	welcomeMonsters = []monster{
		{"M-120", unsealed(func(_ *joiningAs, x *welcome) { x.secrets[0].ref[0] ^= 1 })},
		{"M-121", unsealed(func(_ *joiningAs, x *welcome) { x.suite = X25519ChaCha })},
		{"M-122", unsealed(func(_ *joiningAs, x *welcome) { x.secrets[0].ct.ct[0] ^= 1 })},
		{"M-123", welcoming(nil, nil, func(_ *Group, gs *groupSecrets) { gs.joiner = make([]byte, 32) })},
		{"M-124", welcoming(nil, func(*world) *Signer { return must(NewSigner(X25519AES)) }, nil)},
		{"M-124", welcoming(func(_ *Group, gi *groupInfo) { gi.signer = 1 }, nil, nil)}, // a member, and not the one
		{"M-126", func(t *testing.T) func() error { // a KeyPackage that was not added
			j := joining(t, 3, forgery{}, nil)
			p := newPerson(X25519AES, "another")
			kp, sec := p.keyPackage()
			j.a.added[0].kp = kp.kp
			j.o = JoinOptions{Secret: sec, Signer: p.sign}
			j.msg = j.next.rewelcome(j.a, nil, nil, nil).bytes()
			return j.feed
		}},
		{"M-127", welcoming(nil, nil, func(_ *Group, gs *groupSecrets) { gs.path = random(32) })},
		{"M-128", welcoming(func(_ *Group, gi *groupInfo) { gi.tag = make([]byte, 32) }, nil, nil)},
		{"M-129", welcoming(func(_ *Group, gi *groupInfo) { gi.exts = nil }, nil, nil)},

		{"M-140", descending(usageReInit, func(d *descent) {
			s := d.parent.s
			d.bonds = []*proposal{d.parent.resumes(usageReInit, d.parent.ctx.epoch, s), d.parent.resumes(usageReInit, d.parent.ctx.epoch, s)}
		})},
		{"M-141", descending(usageReInit, func(d *descent) { d.bonds = []*proposal{} })},
		{"M-141", descending(usageBranch, func(d *descent) { d.bonds = []*proposal{d.parent.resumes(usageReInit, d.parent.ctx.epoch, d.parent.s)} })},
		{"M-141", descending(usageReInit, func(d *descent) { d.bonds = []*proposal{d.parent.resumes(usageReInit, 1, d.parent.s)} })},
		{"M-142", descending(usageReInit, func(d *descent) { d.epoch = 1 })},
		{"M-142", descending(usageBranch, func(d *descent) { d.epoch = 7 })},
		{"M-143", descending(usageReInit, func(d *descent) { d.x.groupID = []byte("another") })},
		{"M-143", descending(usageReInit, func(d *descent) { d.x.exts = []Extension{RequiredCapabilities(nil, nil, nil)} })},
		{"M-143", descending(usageReInit, func(d *descent) { // of a group that is not closed
			d.parent, d.from = reopened(d.parent), reopened(d.from)
		})},
		{"M-143", descending(usageReInit, func(d *descent) { // another suite was agreed upon
			d.from = reopened(d.from)
			d.from.reinit = &reInit{d.x.groupID, version, XWing, d.x.exts}
		})},
		{"M-144", descending(usageBranch, func(d *descent) {
			d.parent = newWorld(d.w.t, X25519ChaCha, 1).g[0]
			d.from = d.parent
		})},
		{"M-145", func(t *testing.T) func() error {
			w := newWorld(t, X25519AES, 2)
			w.deliver(0, must(w.g[0].CommitReInit(ReInitOptions{GroupID: []byte("next")})))
			return w.to(1, must(reopened(w.g[0]).Encrypt(nil, nil)), nil)
		}},
	}
)

// reopened is the state of a member that takes no notice of a ReInit.
func reopened(g *Group) *Group {
	o := *g
	o.reinit = nil
	return &o
}
