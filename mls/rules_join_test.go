package mls

import (
	"errors"
	"slices"
	"testing"
)

// seat is somebody about to be welcomed, with what the Welcome is made of.
type seat struct {
	p   *person
	sec *KeyPackageSecret
	w   *world
	a   *applied
	ps  []pathSecret
	g   *Group // the committer's next state
}

// newSeat stages an add with a path; the Welcome is then built in parts.
func newSeat(t *testing.T) *seat {
	w := newWorld(t, X25519AES, 3)
	p := newPerson(X25519AES, "new")
	kp, sec := p.keyPackage()
	g := w.g[0]
	list := []item{{p: add(kp.kp).encode(), sender: senderMember, index: 0, sound: true}}
	a := must(g.apply(list))
	next := g.successor(a)
	c := &commitBody{props: []proposalOrRef{{p: list[0].p}}}
	path, ps, secret, err := next.newPath(a, g.tree.leaf(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.path = path
	var b writer
	c.write(&b)
	m := must(g.sign(ContentCommit, b.b, nil))
	next.advance(g.interim, m, g.es.init, secret, a.psk)
	return &seat{p, sec, w, a, ps, next}
}
func (s *seat) join(x *welcome) error {
	_, err := Join(x.bytes(), JoinOptions{Secret: s.sec, Signer: s.p.sign})
	return err
}
func (s *seat) welcome() *welcome { return must(s.g.welcome(s.a, s.ps, false)) }

// rebuild seals another GroupInfo and the group secrets that open it.
func (s *seat) rebuild(edit func(*groupInfo), sign *Signer, secrets func(*groupSecrets)) *welcome {
	gi := must(s.g.groupInfo([]Extension{{ExtRatchetTree, s.g.tree.bytes()}}))
	if edit != nil {
		edit(gi)
	}
	gi.sig = must(sign.sign("GroupInfoTBS", gi.toBeSigned()))
	gs := &groupSecrets{joiner: s.g.es.joiner}
	for _, p := range s.ps {
		if under(p.node, 2*s.a.added[0].leaf) {
			gs.path = p.secret
			break
		}
	}
	if secrets != nil {
		secrets(gs)
	}
	x := &welcome{suite: s.g.s.id}
	x.info = must(s.g.s.sealInfo(s.g.es.welcome, gi.bytes()))
	x.secrets = []encryptedSecrets{{s.sec.Ref(), must(s.g.s.encrypt(s.sec.kp.initKey, labelled("Welcome", x.info), gs.rebuilt()))}}
	return x
}

// Welcomes (§12.4.3.1).
func TestRuleWelcome(t *testing.T) {
	s := newSeat(t)
	if err := s.join(s.welcome()); err != nil {
		t.Fatalf("untouched: got %v", err)
	}
	signer := s.g.signer
	if err := s.join(s.rebuild(nil, signer, nil)); err != nil {
		t.Fatalf("rebuilt: got %v", err)
	}
	t.Run("M-120", func(t *testing.T) {
		x := s.welcome()
		x.secrets[0].ref[0] ^= 1
		err := s.join(x)
		broke(t, "M-120", err)
		if !errors.Is(err, ErrNotForUs) {
			t.Errorf("got %v, want ErrNotForUs", err)
		}
		x.secrets = nil
		broke(t, "M-120", s.join(x))
	})
	t.Run("M-121", func(t *testing.T) {
		x := s.welcome()
		x.suite = X25519ChaCha
		broke(t, "M-121", s.join(x))
		broke(t, "M-121", s.join(s.rebuild(func(g *groupInfo) { g.ctx.suite = X25519ChaCha }, signer, nil)))
	})
	t.Run("M-122", func(t *testing.T) {
		x := s.welcome()
		x.secrets[0].ct.ct[0] ^= 1
		broke(t, "M-122", s.join(x))
		x = s.welcome()
		x.secrets[0].ct.kem = x.secrets[0].ct.kem[1:]
		broke(t, "M-122", s.join(x))
		x = s.welcome()
		x.info[0] ^= 1 // the secrets are bound to the GroupInfo
		broke(t, "M-122", s.join(x))
	})
	t.Run("M-123", func(t *testing.T) {
		broke(t, "M-123", s.join(s.rebuild(nil, signer, func(g *groupSecrets) { g.joiner = make([]byte, 32) })))
	})
	t.Run("M-124", func(t *testing.T) {
		broke(t, "M-124", s.join(s.rebuild(nil, s.p.sign, nil)))
		broke(t, "M-124", s.join(s.rebuild(func(g *groupInfo) { g.signer = 1 }, signer, nil)))
		broke(t, "M-124", s.join(s.rebuild(func(g *groupInfo) { g.signer = 1 << 31 }, signer, nil)))
		broke(t, "M-124", s.join(s.rebuild(func(g *groupInfo) { g.signer = 7 }, signer, nil)))
	})
	t.Run("M-126", func(t *testing.T) {
		broke(t, "M-126", s.join(s.rebuild(func(g *groupInfo) {
			g.exts[0].Data = s.w.g[0].Tree()
			g.ctx.treeHash = s.w.g[0].TreeHash()
		}, signer, nil)))
	})
	t.Run("M-127", func(t *testing.T) {
		broke(t, "M-127", s.join(s.rebuild(nil, signer, func(g *groupSecrets) { g.path = random(32) })))
		// A group of nobody but the joiner, which leaves no node for a path secret to belong to.
		alone := *s
		lone := newTree(s.g.s, 1)
		lone.setLeaf(0, s.sec.kp.leaf)
		g := *s.g
		g.tree, g.me, g.signer, g.ctx.treeHash = lone, 0, s.p.sign, lone.rootHash()
		alone.g = &g
		broke(t, "M-127", alone.join(alone.rebuild(nil, s.p.sign, func(g *groupSecrets) { g.path = random(32) })))
	})
	t.Run("M-128", func(t *testing.T) {
		broke(t, "M-128", s.join(s.rebuild(func(g *groupInfo) { g.tag = make([]byte, 32) }, signer, nil)))
		broke(t, "M-128", s.join(s.rebuild(func(g *groupInfo) { g.ctx.epoch++ }, signer, func(g *groupSecrets) {})))
	})
	t.Run("M-129", func(t *testing.T) {
		broke(t, "M-129", s.join(must(s.g.welcome(s.a, s.ps, true))))
	})
	t.Run("M-008", func(t *testing.T) {
		broke(t, "M-008", s.join(s.rebuild(func(g *groupInfo) { g.exts = append(g.exts, g.exts[0]) }, signer, nil)))
	})
	t.Run("M-031", func(t *testing.T) {
		broke(t, "M-031", s.join(s.rebuild(func(g *groupInfo) { g.ctx.exts = []Extension{{0xff01, nil}} }, signer, nil)))
	})
	t.Run("M-083", func(t *testing.T) {
		broke(t, "M-083", s.join(s.rebuild(nil, signer, func(g *groupSecrets) {
			g.psks = []pskID{{typ: pskExternal, id: []byte("unknown"), nonce: make([]byte, 32)}}
		})))
		broke(t, "M-083", s.join(s.rebuild(nil, signer, func(g *groupSecrets) {
			g.psks = []pskID{{typ: pskResumption, usage: usageBranch, nonce: make([]byte, 32)}}
		})))
	})
	t.Run("signer", func(t *testing.T) {
		for _, k := range []*Signer{nil, signer} {
			if _, err := Join(s.welcome().bytes(), JoinOptions{Secret: s.sec, Signer: k}); !errors.Is(err, ErrSigner) {
				t.Errorf("got %v, want ErrSigner", err)
			}
		}
	})
}

// External commits (§12.4.3.2).
func TestRuleExternal(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	defer w.alive()
	info := must(w.g[0].GroupInfo(true, true))
	p := newPerson(X25519AES, "outside")
	o := ExternalOptions{Signer: p.sign, Credential: NewBasic([]byte("outside"))}
	// evil makes an external commit whose body is edited before it is signed.
	evil := func(edit func(*commitBody)) []byte {
		m := must(parseMessage(info))
		gi := m.info
		s := suiteOf(gi.ctx.suite)
		tr := must(gi.verify(s, nil, nil))
		ext, _ := findExtension(gi.exts, ExtExternalPub)
		r := reader{b: ext}
		kem, init, err := s.externalSend(r.vec())
		if err != nil {
			t.Fatal(err)
		}
		l, _, err := newLeaf(s, p.sign, o.Credential, Lifetime{}, nil, Capabilities{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		g := &Group{s: s, ctx: gi.ctx, tree: tr, me: NoSender, signer: p.sign, interim: s.interimHash(gi.ctx.confirmed, gi.tag)}
		g.context = g.ctx.bytes()
		st := &staging{external: true, init: init, newLeaf: l, list: []item{{p: (&proposal{typ: ProposalExternalInit, kem: kem}).encode(), sender: senderNewCommit}}}
		st.tamper = func(c *commitBody, _ *authContent) {
			if c != nil {
				edit(c)
			}
		}
		return must(g.stage(st)).Message
	}
	bad := func(rule, name string, edit func(*commitBody)) {
		t.Run(rule+"-"+name, func(t *testing.T) { w.refused(t, rule, -1, evil(edit)) })
	}
	extra := func(p *proposal) func(*commitBody) {
		return func(c *commitBody) { c.props = append(c.props, proposalOrRef{p: p.encode()}) }
	}
	bad("M-090", "none", func(c *commitBody) { c.props = nil })
	bad("M-090", "two", func(c *commitBody) { c.props = append(c.props, c.props[0]) })
	bad("M-091", "two", func(c *commitBody) {
		c.props = append(c.props, proposalOrRef{p: removal(1)}, proposalOrRef{p: removal(2)})
	})
	bad("M-092", "add", extra(add(newPerson(X25519AES, "x").forged(nil, nil))))
	bad("M-092", "extensions", extra(&proposal{typ: ProposalGroupContextExtensions}))
	bad("M-092", "reinit", extra(&proposal{typ: ProposalReInit, reinit: reInit{nil, 1, XWing, nil}}))
	bad("M-087", "update", extra(&proposal{typ: ProposalUpdate, leaf: p.leaf(nil)}))
	bad("M-088", "self-remove-by-value", extra(&proposal{typ: ProposalSelfRemove}))
	bad("M-080", "remove-nobody", func(c *commitBody) { c.props = append(c.props, proposalOrRef{p: removal(5)}) })
	bad("M-095", "short-kem", func(c *commitBody) {
		c.props = []proposalOrRef{{p: (&proposal{typ: ProposalExternalInit, kem: []byte("x")}).encode()}}
	})
	bad("M-101", "source", func(c *commitBody) {
		l := *c.path.leaf
		l.source = sourceUpdate
		l.sign(p.sign, []byte("group"), 4)
		c.path.leaf = &l
	})
	bad("M-106", "parent-hash", func(c *commitBody) {
		l := *c.path.leaf
		l.parentHash = make([]byte, 32)
		l.sign(p.sign, []byte("group"), 4)
		c.path.leaf = &l
	})
	t.Run("M-096", func(t *testing.T) { // coming back with the key of the leaf it removes
		leaf := w.g[0].tree.leaf(3)
		w.refused(t, "M-096", 3, evil(func(c *commitBody) {
			l := *c.path.leaf
			l.encKey = leaf.encKey
			l.sign(p.sign, []byte("group"), 4)
			c.path.leaf = &l
			c.props = append(c.props, proposalOrRef{p: removal(3)})
		}))
	})
	t.Run("M-094", func(t *testing.T) {
		broke(t, "M-094", func() error {
			a := &authContent{wire: WirePublic, c: content{[]byte("group"), w.g[0].Epoch(), senderNewCommit, 0, nil, ContentCommit, []byte{0, 0}}}
			_, err := w.g[0].Process(must(w.g[0].frame(a)), t0)
			return err
		}())
	})
	t.Run("M-093", func(t *testing.T) {
		v := newWorld(t, X25519AES, 3)
		w, info = v, must(v.g[0].GroupInfo(true, true))
		v.everywhere(1, must(v.g[1].ProposeRemove(2, nil)))
		bad("M-093", "remove-by-reference", func(c *commitBody) {
			c.props = append(c.props, proposalOrRef{ref: v.g[0].proposals[0].ref})
		})
	})
	t.Run("M-132", func(t *testing.T) {
		_, _, err := JoinExternal(must(w.g[0].GroupInfo(true, false)), nil, o)
		broke(t, "M-132", err)
		for _, pub := range [][]byte{{}, {0}, {3, 1, 2, 3}, append(append([]byte{32}, make([]byte, 32)...), 0)} {
			gi := must(w.g[0].groupInfo([]Extension{{ExtExternalPub, pub}}))
			m := header(WireGroupInfo)
			m.raw(gi.bytes())
			_, _, err = JoinExternal(m.b, w.g[0].Tree(), o)
			broke(t, "M-132", err)
		}
	})
	t.Run("M-124", func(t *testing.T) {
		b := slices.Clone(must(w.g[0].GroupInfo(true, true)))
		b[len(b)-1] ^= 1
		_, _, err := JoinExternal(b, nil, o)
		broke(t, "M-124", err)
	})
	t.Run("M-009", func(t *testing.T) {
		b := slices.Clone(must(w.g[0].GroupInfo(true, true)))
		b[7] = 4
		_, _, err := JoinExternal(b, nil, o)
		broke(t, "M-009", err)
	})
	t.Run("M-027", func(t *testing.T) { // somebody who is in already
		_, _, err := JoinExternal(must(w.g[0].GroupInfo(true, true)), nil, ExternalOptions{Signer: w.by[1].sign, Credential: NewBasic(nil)})
		broke(t, "M-027", err)
	})
}
