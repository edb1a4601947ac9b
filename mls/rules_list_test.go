package mls

import (
	"errors"
	"slices"
	"testing"
)

// evil makes member by send a commit that its own checks would not let through: the list is not
// validated, and edit (if not nil) changes body and message before they are signed.
func (w *world) evil(by int, list []item, edit func(*commitBody, *authContent)) []byte {
	w.t.Helper()
	g := w.g[by]
	work := *g
	work.psks = map[string][]byte{"known": make([]byte, 32)}
	for i := range list {
		if !list[i].byRef {
			list[i].sender, list[i].index = senderMember, g.me
		}
	}
	p, err := work.stage(&staging{list: list, tamper: func(c *commitBody, a *authContent) {
		if c != nil && edit != nil {
			edit(c, a)
		}
	}})
	if err != nil {
		w.t.Fatalf("evil commit: %v", err)
	}
	return p.Message
}

// instead makes the commit carry these proposals in place of those it was computed with.
func instead(ps ...*proposal) func(*commitBody, *authContent) {
	return func(c *commitBody, _ *authContent) {
		c.props = nil
		for _, p := range ps {
			if p.raw == nil {
				p.encode()
			}
			c.props = append(c.props, proposalOrRef{p: p})
		}
	}
}

// refused lets every other member process a bad message and checks the rule.
func (w *world) refused(t *testing.T, rule string, by int, msg []byte) {
	t.Helper()
	for k, g := range w.g {
		if k == by || g == nil {
			continue
		}
		auth := g.EpochAuthenticator()
		_, err := g.Process(msg, t0)
		broke(t, rule, err)
		if string(auth) != string(g.EpochAuthenticator()) {
			t.Error("the state changed")
		}
	}
}

// alive shows that refusals did no harm: everybody follows a good commit.
func (w *world) alive() {
	w.t.Helper()
	w.talk()
	w.commit(len(w.g)-1, CommitOptions{})
	w.talk()
}

func add(kp *keyPackage) *proposal { return &proposal{typ: ProposalAdd, kp: kp} }

// Proposals that may not stand together or at all (§12.1, §12.2).
func TestRuleList(t *testing.T) {
	w := newWorld(t, X25519AES, 5)
	defer w.alive()
	bad := func(rule string, ps ...*proposal) {
		t.Run(rule, func(t *testing.T) { w.refused(t, rule, 1, w.evil(1, nil, instead(ps...))) })
	}
	one, two := newPerson(X25519AES, "one"), newPerson(X25519AES, "two")
	kp := one.forged(nil, nil)
	psk := func(edit func(*pskID)) *proposal {
		p := &proposal{typ: ProposalPSK, psk: pskID{typ: pskExternal, id: []byte("known"), nonce: make([]byte, 32)}}
		if edit != nil {
			edit(&p.psk)
		}
		return p
	}
	for _, g := range w.g {
		g.SetPSK(PSK{[]byte("known"), make([]byte, 32)})
	}
	again := psk(nil)
	update := &proposal{typ: ProposalUpdate, leaf: func() *leafNode {
		l := *w.g[1].tree.leaf(1)
		l.encKey, l.source = must(w.g[1].s.kem.GenerateKey()).PublicKey().Bytes(), sourceUpdate
		l.sign(w.g[1].signer, w.g[1].ctx.groupID, 1)
		return &l
	}()}
	bad("M-070", update)
	bad("M-071", removal(1))
	bad("M-072", removal(2), removal(2))
	bad("M-073", add(kp), add(one.forged(nil, nil)))
	bad("M-075", again, again)
	bad("M-076", &proposal{typ: ProposalGroupContextExtensions}, &proposal{typ: ProposalGroupContextExtensions})
	bad("M-077", &proposal{typ: ProposalReInit, reinit: reInit{[]byte("g"), 1, XWing, nil}}, removal(2))
	bad("M-078", &proposal{typ: ProposalExternalInit, kem: []byte("x")})
	bad("M-080", removal(6))
	bad("M-080", removal(1<<31))
	bad("M-081", psk(func(p *pskID) { p.nonce = make([]byte, 31) }))
	bad("M-082", psk(func(p *pskID) { *p = pskID{typ: pskResumption, usage: usageReInit, nonce: p.nonce} }))
	bad("M-082", psk(func(p *pskID) { *p = pskID{typ: pskResumption, usage: usageBranch, nonce: p.nonce} }))
	bad("M-083", psk(func(p *pskID) { p.id = []byte("unknown") }))
	bad("M-083", psk(func(p *pskID) {
		*p = pskID{typ: pskResumption, usage: usageApplication, gid: []byte("group"), epoch: 99, nonce: p.nonce}
	}))
	bad("M-083", psk(func(p *pskID) {
		*p = pskID{typ: pskResumption, usage: usageApplication, gid: []byte("another"), nonce: p.nonce}
	}))
	bad("M-086", &proposal{typ: ProposalReInit, reinit: reInit{[]byte("g"), 0, XWing, nil}})
	bad("M-088", &proposal{typ: ProposalSelfRemove})
	bad("M-021", add(two.forged(nil, func(k *keyPackage) { l := *k.leaf; l.sign(one.sign, nil, 0); k.leaf = &l })))

	t.Run("M-085", func(t *testing.T) {
		msg := w.evil(1, nil, func(c *commitBody, _ *authContent) { c.props = []proposalOrRef{{ref: []byte("nothing")}} })
		w.refused(t, "M-085", 1, msg)
		_, err := w.g[0].Process(w.evil(1, nil, func(c *commitBody, _ *authContent) { c.props = []proposalOrRef{{ref: []byte("nothing")}} }), t0)
		if !errors.Is(err, ErrUnknownProposal) {
			t.Errorf("got %v, want ErrUnknownProposal", err)
		}
	})
	t.Run("M-083-sentinel", func(t *testing.T) {
		_, err := w.g[0].Process(w.evil(1, nil, instead(psk(func(p *pskID) { p.id = []byte("unknown") }))), t0)
		if !errors.Is(err, ErrUnknownPSK) {
			t.Errorf("got %v, want ErrUnknownPSK", err)
		}
	})
	t.Run("M-072-pending", func(t *testing.T) { // an Update and a Remove of its sender
		v := newWorld(t, X25519AES, 4)
		v.everywhere(2, must(v.g[2].ProposeUpdate(nil)))
		ref := v.g[1].proposals[0].ref
		v.refused(t, "M-072", 1, v.evil(1, nil, func(c *commitBody, _ *authContent) {
			c.props = []proposalOrRef{{ref: ref}, {p: removal(2)}}
		}))
		v.alive()
	})
	t.Run("M-070-pending", func(t *testing.T) { // by reference, the committer's own
		v := newWorld(t, X25519AES, 4)
		v.everywhere(2, must(v.g[2].ProposeUpdate(nil)))
		ref := v.g[2].proposals[0].ref
		v.refused(t, "M-070", 2, v.evil(2, nil, func(c *commitBody, _ *authContent) { c.props = []proposalOrRef{{ref: ref}} }))
		v.alive()
	})
	t.Run("M-088-own", func(t *testing.T) { // a SelfRemove of the committer
		v := newWorld(t, X25519AES, 4)
		v.everywhere(2, must(v.g[2].ProposeSelfRemove(nil)))
		ref := v.g[2].proposals[0].ref
		v.refused(t, "M-088", 2, v.evil(2, nil, func(c *commitBody, _ *authContent) { c.props = []proposalOrRef{{ref: ref}} }))
		v.alive()
	})
	t.Run("M-088-new-member", func(t *testing.T) {
		q := item{p: (&proposal{typ: ProposalSelfRemove}).encode(), sender: senderNewProposal, byRef: true}
		broke(t, "M-088", w.g[0].checkProposal(&q))
	})
	t.Run("M-079", func(t *testing.T) {
		v := newWorld(t, X25519AES, 2)
		p := newPerson(X25519AES, "plain")
		b := p.forge(func(l *leafNode) { l.caps.proposals = nil }, nil)
		c := must(v.g[0].Commit(CommitOptions{Add: []*KeyPackage{must(must(ParseKeyPackage(b)).Verify(t0))}, Now: t0}))
		v.deliver(0, c)
		_, err := v.g[1].ProposeSelfRemove(nil)
		broke(t, "M-079", err)
		msg := v.g[1].public(ContentProposal, (&proposal{typ: ProposalSelfRemove}).encode().raw, nil)
		if _, err := v.g[0].Process(msg, t0); err != nil {
			t.Fatalf("by itself: got %v", err)
		}
		ref := []proposalOrRef{{ref: v.g[0].proposals[0].ref}}
		_, err = v.g[0].Process(v.evil(1, nil, func(c *commitBody, _ *authContent) { c.props = ref }), t0)
		broke(t, "M-079", err)
		// Once the member that lacks it is on its way out too, nothing is in the way.
		if err := v.g[0].checkTypes([]item{{p: removal(2)}, {p: &proposal{typ: ProposalSelfRemove}, index: 1}}); err != nil {
			t.Errorf("with the removal: got %v", err)
		}
		v.alive()
	})
	t.Run("own-checks", func(t *testing.T) { // Commit refuses what receivers would
		g := w.g[0]
		for rule, o := range map[string]CommitOptions{
			"M-071": {Remove: []uint32{0}},
			"M-072": {Remove: []uint32{1, 1}},
			"M-008": {Extensions: []Extension{{0xff01, nil}, {0xff01, nil}}},
			"M-031": {Extensions: []Extension{{0xff01, nil}}},
		} {
			_, err := g.Commit(o)
			broke(t, rule, err)
		}
		_, err := g.Commit(CommitOptions{LeafExtensions: []Extension{{0xff01, nil}, {0xff01, nil}}})
		broke(t, "M-008", err)
		if _, err := g.Commit(CommitOptions{Remove: []uint32{77}}); !errors.Is(err, ErrNotMember) {
			t.Errorf("got %v, want ErrNotMember", err)
		}
	})
}

// everywhere delivers a proposal to all but its sender.
func (w *world) everywhere(by int, msg []byte) {
	w.t.Helper()
	for k, g := range w.g {
		if k != by && g != nil {
			if _, err := g.Process(msg, t0); err != nil {
				w.t.Fatalf("member %d: %v", k, err)
			}
		}
	}
}

// Updates (§12.1.2).
func TestRuleUpdate(t *testing.T) {
	w := newWorld(t, X25519AES, 3)
	defer w.alive()
	g := w.g[1]
	send := func(edit func(*leafNode), by uint8) []byte {
		l := *g.tree.leaf(1)
		l.encKey, l.source = must(g.s.kem.GenerateKey()).PublicKey().Bytes(), sourceUpdate
		edit(&l)
		l.sign(g.signer, g.ctx.groupID, 1)
		return g.public(ContentProposal, (&proposal{typ: ProposalUpdate, leaf: &l}).encode().raw, func(a *authContent) { a.c.sender = by })
	}
	w.refused(t, "M-026", 1, send(func(l *leafNode) { l.source = sourceCommit }, senderMember))
	w.refused(t, "M-026", 1, send(func(l *leafNode) { l.source = sourceKeyPackage }, senderMember))
	w.refused(t, "M-030", 1, send(func(l *leafNode) { l.encKey = g.tree.leaf(1).encKey }, senderMember))
	w.refused(t, "M-015", 1, send(func(l *leafNode) { l.encKey = l.encKey[1:] }, senderMember))
	w.refused(t, "M-024", 1, send(func(l *leafNode) { l.exts = []Extension{{0xff01, nil}} }, senderMember))
	w.refused(t, "M-056", 1, send(func(*leafNode) {}, senderNewProposal))
	t.Run("M-021", func(t *testing.T) { // signed for another place
		l := *g.tree.leaf(1)
		l.encKey, l.source = must(g.s.kem.GenerateKey()).PublicKey().Bytes(), sourceUpdate
		l.sign(g.signer, g.ctx.groupID, 2)
		w.refused(t, "M-021", 1, g.public(ContentProposal, (&proposal{typ: ProposalUpdate, leaf: &l}).encode().raw, nil))
	})
	t.Run("M-087", func(t *testing.T) {
		q := item{p: &proposal{typ: ProposalUpdate, leaf: g.tree.leaf(1)}, sender: senderExternal, index: 1}
		broke(t, "M-087", w.g[0].checkProposal(&q))
	})
}

// What a new leaf must have in common with the group (§7.3).
func TestRuleMember(t *testing.T) {
	const feature = 0xff01
	w := newWorld(t, X25519AES, 3)
	defer w.alive()
	p := newPerson(X25519AES, "new")
	bad := func(w *world, rule, name string, kp *keyPackage) {
		t.Run(rule+"-"+name, func(t *testing.T) {
			w.refused(t, rule, 1, w.evil(1, nil, instead(add(kp))))
			_, err := w.g[0].Commit(CommitOptions{Add: []*KeyPackage{{kp, w.g[0].s}}, Now: t0})
			broke(t, rule, err)
		})
	}
	bad(w, "M-027", "signature-key", w.by[2].forged(nil, nil))
	bad(w, "M-028", "encryption-key", p.forged(func(l *leafNode) { l.encKey = w.g[0].tree.leaf(2).encKey }, nil))
	bad(w, "M-023", "of-the-new", p.forged(func(l *leafNode) {
		l.cred = Credential{typ: 0xf001, raw: []byte{0xf0, 1, 0}}
		l.caps.credentials = []uint16{1, 0xf001}
	}, nil))
	bad(w, "M-023", "of-the-old", p.forged(func(l *leafNode) {
		l.cred = Credential{typ: 0xf001, raw: []byte{0xf0, 1, 0}}
		l.caps.credentials = []uint16{0xf001}
	}, nil))
	required := RequiredCapabilities([]uint16{feature}, []uint16{uint16(ProposalSelfRemove)}, []uint16{CredentialBasic})
	able := func(k *KeyPackageOptions) { k.Capabilities.Extensions = []uint16{feature} }
	v := newWorld(t, X25519AES, 1, func(o *GroupOptions) {
		o.Extensions = []Extension{required}
		o.Capabilities.Extensions = []uint16{feature}
	})
	v.add(0, 2, able)
	defer v.alive()
	bad(v, "M-022", "extension", p.forged(nil, nil))
	bad(v, "M-022", "proposal", p.forged(func(l *leafNode) { l.caps.extensions, l.caps.proposals = []uint16{feature}, nil }, nil))
	t.Run("M-022-credential", func(t *testing.T) {
		q := requiredCapabilities{credentials: []uint16{1, 2}}
		if q.metBy(&capabilities{credentials: []uint16{1}}) || !q.metBy(&capabilities{credentials: []uint16{2, 1}}) {
			t.Error("required credential types are not compared")
		}
	})
	u := newWorld(t, X25519AES, 1, func(o *GroupOptions) { o.Extensions = []Extension{{feature, []byte("x")}} })
	u.add(0, 2, able)
	defer u.alive()
	bad(u, "M-031", "extension", p.forged(nil, nil))
	t.Run("M-022-founder", func(t *testing.T) {
		_, err := NewGroup(GroupOptions{Suite: p.s, Signer: p.sign, Credential: NewBasic(nil), Extensions: []Extension{required}})
		broke(t, "M-022", err)
	})
	t.Run("M-022-later", func(t *testing.T) { // requirements that some member does not meet
		ext := []*proposal{{typ: ProposalGroupContextExtensions, exts: []Extension{required}}}
		w.refused(t, "M-022", 1, w.evil(1, nil, instead(ext...)))
	})
	t.Run("M-031-later", func(t *testing.T) {
		w.refused(t, "M-031", 1, w.evil(1, nil, instead(&proposal{typ: ProposalGroupContextExtensions, exts: []Extension{{feature, nil}}})))
	})
	t.Run("replaced", func(t *testing.T) { // removing the old leaf makes room for its key
		kp := w.by[2].forged(nil, nil)
		p := must(w.g[0].Commit(CommitOptions{Remove: []uint32{2}, Add: []*KeyPackage{{kp, w.g[0].s}}, Now: t0}))
		r := must(w.g[1].Process(p.Message, t0)).(CommitReceived)
		if !slices.Equal(r.Added, []uint32{2}) || !slices.Equal(r.Removed, []uint32{2}) {
			t.Errorf("got %+v", r)
		}
	})
}
