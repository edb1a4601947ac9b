package mls

import (
	"crypto/hpke"
	"errors"
	"fmt"
)

type messageProtection struct {
	Suite           Suite    `json:"cipher_suite"`
	GroupID         hexBytes `json:"group_id"`
	Epoch           uint64
	TreeHash        hexBytes `json:"tree_hash"`
	Confirmed       hexBytes `json:"confirmed_transcript_hash"`
	SigPriv         hexBytes `json:"signature_priv"`
	SigPub          hexBytes `json:"signature_pub"`
	Encryption      hexBytes `json:"encryption_secret"`
	SenderData      hexBytes `json:"sender_data_secret"`
	Membership      hexBytes `json:"membership_key"`
	Proposal        hexBytes
	ProposalPriv    hexBytes `json:"proposal_priv"`
	ProposalPub     hexBytes `json:"proposal_pub"`
	Commit          hexBytes
	CommitPriv      hexBytes `json:"commit_priv"`
	CommitPub       hexBytes `json:"commit_pub"`
	Application     hexBytes
	ApplicationPriv hexBytes `json:"application_priv"`
}

// checkMessageProtection opens the given messages and our own, public and private.
func checkMessageProtection(v *messageProtection) error {
	s := suiteOf(v.Suite)
	signer, err := newSigner(s, pad(s, v.SigPriv))
	if err != nil {
		return err
	}
	if err := same("public key", signer.pub, v.SigPub); err != nil {
		return err
	}
	// Two members; the vectors' sender is leaf 1.
	member := func(me uint32) *Group {
		t := newTree(s, 2)
		t.setLeaf(0, &leafNode{})
		t.setLeaf(1, &leafNode{sigKey: v.SigPub})
		g := &Group{s: s, tree: t, me: me, signer: signer, priv: map[uint32]hpke.PrivateKey{},
			ctx:     groupContext{v.Suite, v.GroupID, v.Epoch, v.TreeHash, v.Confirmed, nil},
			es:      &epochSecrets{senderData: v.SenderData, membership: v.Membership},
			secrets: newSecretTree(s, 2, v.Encryption)}
		g.context = g.ctx.bytes()
		return g
	}
	open := func(what string, msg, want []byte) error {
		m, err := parseMessage(msg)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		a, _, err := member(0).open(m, nil, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return same(what, a.c.body, want)
	}
	own := func(typ ContentType, body []byte, wire WireFormat) ([]byte, error) {
		g := member(1)
		a := &authContent{wire: wire, c: content{v.GroupID, v.Epoch, senderMember, 1, nil, typ, body}}
		if a.sig, err = signer.sign("FramedContentTBS", a.toBeSigned(g.context)); err != nil {
			return nil, err
		}
		if typ == ContentCommit {
			a.tag = random(s.nh)
		}
		return g.frame(a)
	}
	for _, x := range []struct {
		what string
		typ  ContentType
		body []byte
		msgs map[WireFormat][]byte
	}{
		{"proposal", ContentProposal, v.Proposal, map[WireFormat][]byte{WirePrivate: v.ProposalPriv, WirePublic: v.ProposalPub}},
		{"commit", ContentCommit, v.Commit, map[WireFormat][]byte{WirePrivate: v.CommitPriv, WirePublic: v.CommitPub}},
		{"application", ContentApplication, v.Application, map[WireFormat][]byte{WirePrivate: v.ApplicationPriv}},
	} {
		for wire, msg := range x.msgs {
			mine, err := own(x.typ, x.body, wire)
			if err != nil {
				return err
			}
			if err := errors.Join(open(x.what, msg, x.body), open("own "+x.what, mine, x.body)); err != nil {
				return err
			}
		}
	}
	mine, err := own(ContentApplication, v.Application, WirePublic)
	if err != nil {
		return err
	}
	if err := open("public application", mine, nil); !errors.Is(err, ErrInvalid) {
		return fmt.Errorf("application data in the clear: got %v, want ErrInvalid", err)
	}
	return nil
}

type messagesVector struct {
	Welcome    hexBytes `json:"mls_welcome"`
	GroupInfo  hexBytes `json:"mls_group_info"`
	KeyPackage hexBytes `json:"mls_key_package"`

	Tree    hexBytes `json:"ratchet_tree"`
	Secrets hexBytes `json:"group_secrets"`

	Add          hexBytes `json:"add_proposal"`
	Update       hexBytes `json:"update_proposal"`
	Remove       hexBytes `json:"remove_proposal"`
	PSK          hexBytes `json:"pre_shared_key_proposal"`
	ReInit       hexBytes `json:"re_init_proposal"`
	ExternalInit hexBytes `json:"external_init_proposal"`
	Extensions   hexBytes `json:"group_context_extensions_proposal"`
	Commit       hexBytes

	PublicApplication hexBytes `json:"public_message_application"`
	PublicProposal    hexBytes `json:"public_message_proposal"`
	PublicCommit      hexBytes `json:"public_message_commit"`
	Private           hexBytes `json:"private_message"`
}

// The encoders below rebuild each structure from its fields, so that equality with the input shows
// that every field was read right.

func (l *leafNode) rebuilt() []byte {
	var w writer
	l.writeSigned(&w)
	w.vec(l.sig)
	return w.b
}
func (k *keyPackage) rebuilt() []byte {
	var w writer
	w.u16(k.version)
	w.u16(uint16(k.suite))
	w.vec(k.initKey)
	w.raw(k.leaf.rebuilt())
	w.extensions(k.exts)
	w.vec(k.sig)
	return w.b
}
func (p *proposal) rebuilt() []byte {
	q := *p
	switch p.typ {
	case ProposalAdd:
		q.kp = &keyPackage{raw: p.kp.rebuilt()}
	case ProposalUpdate:
		q.leaf = &leafNode{raw: p.leaf.rebuilt()}
	}
	return q.encode().raw
}
func (c *commitBody) rebuilt() []byte {
	d := &commitBody{path: c.path}
	for _, x := range c.props {
		if x.p != nil {
			x.p = &proposal{raw: x.p.rebuilt()}
		}
		d.props = append(d.props, x)
	}
	if c.path != nil {
		d.path = &updatePath{leaf: &leafNode{raw: c.path.leaf.rebuilt()}, nodes: c.path.nodes}
	}
	var w writer
	d.write(&w)
	return w.b
}
func (g *groupSecrets) rebuilt() []byte {
	var w writer
	w.vec(g.joiner)
	w.opt(g.path != nil)
	if g.path != nil {
		w.vec(g.path)
	}
	w.sub(func(w *writer) {
		for i := range g.psks {
			g.psks[i].write(w)
		}
	})
	return w.b
}

func checkMessages(v *messagesVector) error {
	whole := func(what string, b []byte, enc func(*message) []byte) error {
		m, err := parseMessage(b)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return same(what, enc(m), b)
	}
	// part decodes b whole with f, which returns the encoding rebuilt.
	part := func(what string, b []byte, f func(*reader) func() []byte) error {
		r := &reader{b: b}
		enc := f(r)
		if err := r.end(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return same(what, enc(), b)
	}
	prop := func(what string, typ ProposalType, b []byte) error {
		typed := append([]byte{byte(typ >> 8), byte(typ)}, b...)
		return part(what, typed, func(r *reader) func() []byte { p := r.proposal(); return p.rebuilt })
	}
	public := func(m *message) []byte {
		w := header(WirePublic)
		a := *m.public
		r := reader{b: a.c.body}
		switch a.c.typ {
		case ContentProposal:
			a.c.body = r.proposal().rebuilt()
		case ContentCommit:
			a.c.body = r.commitBody().rebuilt()
		}
		a.c.write(w)
		a.writeAuth(w)
		if a.c.sender == senderMember {
			w.vec(a.memb)
		}
		return w.b
	}
	return errors.Join(
		whole("welcome", v.Welcome, func(m *message) []byte { return m.welcome.bytes() }),
		whole("group info", v.GroupInfo, func(m *message) []byte {
			w := header(WireGroupInfo)
			w.raw(m.info.bytes())
			return w.b
		}),
		whole("key package", v.KeyPackage, func(m *message) []byte {
			w := header(WireKeyPackage)
			w.raw(m.kp.rebuilt())
			return w.b
		}),
		whole("public application", v.PublicApplication, public),
		whole("public proposal", v.PublicProposal, public),
		whole("public commit", v.PublicCommit, public),
		whole("private", v.Private, func(m *message) []byte {
			p := m.private
			w := header(WirePrivate)
			w.vec(p.groupID)
			w.u64(p.epoch)
			w.u8(uint8(p.typ))
			w.vec(p.aad)
			w.vec(p.senderData)
			w.vec(p.enc)
			return w.b
		}),
		part("ratchet tree", v.Tree, func(r *reader) func() []byte {
			b := r.b
			r.b = nil
			t, err := parseTree(suiteX25519AES, b)
			if err != nil {
				r.failErr(err)
				return nil
			}
			return t.bytes
		}),
		part("group secrets", v.Secrets, func(r *reader) func() []byte { g := r.groupSecrets(); return g.rebuilt }),
		prop("add", ProposalAdd, v.Add),
		prop("update", ProposalUpdate, v.Update),
		prop("remove", ProposalRemove, v.Remove),
		prop("psk", ProposalPSK, v.PSK),
		prop("reinit", ProposalReInit, v.ReInit),
		prop("external init", ProposalExternalInit, v.ExternalInit),
		prop("extensions", ProposalGroupContextExtensions, v.Extensions),
		part("commit", v.Commit, func(r *reader) func() []byte { c := r.commitBody(); return c.rebuilt }),
	)
}
