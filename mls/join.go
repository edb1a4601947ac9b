package mls

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"slices"
)

// JoinOptions is what a Welcome needs to be opened.
type JoinOptions struct {
	Secret *KeyPackageSecret
	Signer *Signer // whose public key the KeyPackage's leaf has
	Tree   []byte  // as of Group.Tree; nil when the Welcome carries it
	PSKs   []PSK
	Each   Each // for the checks of a large tree; the Group keeps it, as after SetEach

	// For a Welcome to a group made by Successor: the closed group it succeeds, at its last epoch.
	ReInitFrom *Group
	// For a Welcome to a group made by Branch: the parent, at the epoch it was branched from. The
	// Welcome is refused unless it leads to just that.
	BranchFrom *Group
	// States whose resumption secrets the Welcome may ask for otherwise (§8.6).
	Resume []*Group
}

// Join makes the Group that a Welcome leads to, after checking the whole tree (§12.4.3.1).
//
// Lifetimes are not checked: leaves that were added long ago are valid members (§7.3).
// ErrNotForUs: the Welcome has no entry for the KeyPackage. ErrSigner: the signer is not the
// KeyPackage's. ErrUnknownPSK: a needed key is not among PSKs, or the group succeeds or branches off
// one that was not given. Anything else wraps ErrInvalid.
func Join(msg []byte, o JoinOptions) (*Group, error) {
	w, err := o.open(msg)
	if err != nil {
		return nil, err
	}
	s, sec, gs, gi := w.s, o.Secret, w.secrets, w.info
	t, err := gi.verify(s, o.Tree, o.Each)
	if err != nil {
		return nil, err
	}
	me, ok := t.find(sec.kp.leaf)
	if !ok {
		return nil, broken("M-126")
	}
	g := &Group{s: s, ctx: gi.ctx, tree: t, me: me, signer: o.Signer, priv: map[uint32]hpke.PrivateKey{2 * me: sec.leaf}, psks: w.known}
	if gs.path != nil {
		nodes, _ := t.filtered(gi.signer)
		k := slices.IndexFunc(nodes, func(n uint32) bool { return under(n, 2*me) })
		if k < 0 {
			return nil, broken("M-127")
		}
		if _, err := g.install(nodes[k:], gs.path); fails(err != nil, "M-127") {
			return nil, broken("M-127")
		}
	}
	g.context = g.ctx.bytes()
	g.enter(s.epoch(gs.joiner, w.psk, g.context))
	g.es.joiner, g.es.welcome = nil, nil
	if err := refuse(!hmac.Equal(g.tag, gi.tag), "M-128"); err != nil {
		return nil, err
	}
	return g, nil
}

// opened is a Welcome that decrypted. Nothing in it is verified but that its maker had the
// KeyPackage and, with pre-shared keys, those.
type opened struct {
	s       *suite
	secrets *groupSecrets
	info    *groupInfo
	psk     []byte            // psk_secret
	known   map[string][]byte // the pre-shared keys given
}

// open decrypts the entry for a KeyPackage and the GroupInfo.
func (o *JoinOptions) open(msg []byte) (*opened, error) {
	m, err := parseMessage(msg)
	if err != nil {
		return nil, err
	}
	if m.welcome == nil {
		return nil, broken("M-006")
	}
	sec := o.Secret
	if sec == nil || o.Signer == nil || !bytes.Equal(o.Signer.pub, sec.kp.leaf.sigKey) {
		return nil, ErrSigner
	}
	s, x := sec.s, m.welcome
	if fails(x.suite != s.id, "M-121") {
		return nil, brokenBy("M-121", ErrSuite)
	}
	gs, err := x.open(s, sec)
	if err != nil {
		return nil, err
	}
	known := map[string][]byte{}
	for _, p := range o.PSKs {
		known[string(p.ID)] = slices.Clone(p.Secret)
	}
	var psks [][]byte
	for _, id := range gs.psks {
		k, ok := known[string(id.id)]
		if id.typ == pskResumption {
			k, ok = o.resumption(&id)
		}
		if !ok {
			return nil, brokenBy("M-083", ErrUnknownPSK)
		}
		psks = append(psks, k)
	}
	if err := o.checkPSKs(s, gs.psks); err != nil {
		return nil, err
	}
	psk := s.pskSecret(gs.psks, psks)
	plain, err := s.openInfo(s.welcomeSecret(gs.joiner, psk), x.info)
	if err != nil {
		return nil, err
	}
	r := reader{b: plain}
	gi := r.groupInfo()
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := o.checkDescent(&gi.ctx); err != nil {
		return nil, err
	}
	return &opened{s, gs, gi, psk, known}, nil
}

// groupSecrets is GroupSecrets (§12.4.3.1); path is nil when absent.
type groupSecrets struct {
	joiner, path []byte
	psks         []pskID
}

func (r *reader) groupSecrets() *groupSecrets {
	g := &groupSecrets{joiner: r.vec()}
	if r.opt() {
		g.path = r.vec()
	}
	r.each(func(r *reader) { g.psks = append(g.psks, r.pskID()) })
	return g
}

// open finds and decrypts the entry for a KeyPackage.
func (x *welcome) open(s *suite, sec *KeyPackageSecret) (*groupSecrets, error) {
	ref := sec.kp.ref(s)
	k := slices.IndexFunc(x.secrets, func(e encryptedSecrets) bool { return bytes.Equal(e.ref, ref) })
	if k < 0 {
		return nil, brokenBy("M-120", ErrNotForUs)
	}
	b, err := s.decrypt(sec.init, labelled("Welcome", x.info), x.secrets[k].ct)
	if err != nil {
		return nil, broken("M-122")
	}
	r := reader{b: b}
	gs := r.groupSecrets()
	return gs, r.end()
}

// verify checks a GroupInfo with its tree and returns the tree. given, if not nil, is the tree
// from elsewhere.
func (gi *groupInfo) verify(s *suite, given []byte, each Each) (*tree, error) {
	if gi.ctx.suite != s.id {
		return nil, brokenBy("M-121", ErrSuite)
	}
	if given = slices.Clone(given); given == nil { // what is in the GroupInfo is ours already
		var ok bool
		if given, ok = findExtension(gi.exts, ExtRatchetTree); !ok {
			return nil, broken("M-129")
		}
	}
	if err := checkContextExtensions(gi.ctx.exts); err != nil {
		return nil, err
	}
	if err := placed(gi.exts, ExtRatchetTree, ExtExternalPub); err != nil {
		return nil, err
	}
	t, err := parseTree(s, given)
	if err != nil {
		return nil, err
	}
	t.each = each
	signer := t.leaf(gi.signer)
	if err := refuse(signer == nil || !s.verify(signer.sigKey, "GroupInfoTBS", gi.toBeSigned(), gi.sig), "M-124"); err != nil {
		return nil, err
	}
	return t, t.validate(&gi.ctx)
}

// ExternalOptions is what a join without a Welcome needs.
type ExternalOptions struct {
	Signer         *Signer
	Credential     Credential
	LeafExtensions []Extension
	Capabilities   Capabilities
	Remove         *uint32 // this client's former leaf, to be removed in the same commit
	Leaving        []Leaving
	Former         *Group // a former state of this client in the group: proves that it was there (§8.6). See CommitOptions.Resume
	PSKs           []PSK
	AAD            []byte
	Each           Each // as in JoinOptions
}

// JoinExternal joins by an external commit (§12.4.3.2): it returns a PublicMessage for the group
// and the state if that commit wins. groupInfo is an MLSMessage with the external_pub extension;
// tree is nil when the GroupInfo carries it. Errors as Join and Commit.
//
// The commit wins or loses like any other: made from an older epoch's GroupInfo, or after another
// commit, members refuse it with ErrStaleEpoch, and the joiner asks for a newer GroupInfo. What a
// false GroupInfo can do is no more than that; whoever may sign one is a member.
func JoinExternal(groupInfo, tree []byte, o ExternalOptions) (commit []byte, next *Group, err error) {
	p, err := JoinExternalPending(groupInfo, tree, o)
	if err != nil {
		return nil, nil, err
	}
	return p.Message, p.Next, nil
}

// JoinExternalPending is JoinExternal for groups that may be sliced: it returns the Slices too.
func JoinExternalPending(groupInfo, tree []byte, o ExternalOptions) (*Pending, error) {
	m, err := parseMessage(groupInfo)
	if err != nil {
		return nil, err
	}
	if m.info == nil {
		return nil, broken("M-006")
	}
	gi := m.info
	s := suiteOf(gi.ctx.suite)
	if s == nil {
		return nil, brokenBy("M-009", ErrSuite)
	}
	t, err := gi.verify(s, tree, o.Each)
	if err != nil {
		return nil, err
	}
	ext, ok := findExtension(gi.exts, ExtExternalPub)
	r := reader{b: ext}
	pub := r.vec()
	if err := refuse(!ok || r.end() != nil, "M-132"); err != nil {
		return nil, err
	}
	kem, init, err := s.externalSend(pub)
	if err := refuse(err != nil, "M-132"); err != nil {
		return nil, err
	}
	var more []uint16
	for _, x := range gi.ctx.exts {
		more = append(more, x.Type)
	}
	l, _, err := newLeaf(s, o.Signer, o.Credential, Lifetime{}, o.LeafExtensions, o.Capabilities, more)
	if err != nil {
		return nil, err
	}
	g := &Group{s: s, ctx: gi.ctx, tree: t, me: NoSender, signer: o.Signer, interim: s.interimHash(gi.ctx.confirmed, gi.tag)}
	g.context = g.ctx.bytes()
	st := staging{external: true, init: init, newLeaf: l, aad: o.AAD}
	add := func(p *proposal) { st.list = append(st.list, item{p: p.encode(), sender: senderNewCommit}) }
	add(&proposal{typ: ProposalExternalInit, kem: kem})
	if o.Remove != nil {
		add(&proposal{typ: ProposalRemove, removed: *o.Remove})
	}
	st.list = append(st.list, g.leaving(&o)...)
	if f := o.Former; f != nil {
		if f.s != s || !bytes.Equal(f.ctx.groupID, g.ctx.groupID) {
			return nil, ErrArgument
		}
		g.resumption = f.resumption
		add(f.resumes(usageApplication, f.ctx.epoch, s))
	}
	for _, p := range o.PSKs {
		g.SetPSK(p)
		add(&proposal{typ: ProposalPSK, psk: pskID{typ: pskExternal, id: slices.Clone(p.ID), nonce: random(s.nh)}})
	}
	if err := g.validateList(st.list, NoSender, true); err != nil {
		return nil, err
	}
	p, err := g.stage(&st)
	if err != nil {
		return nil, err
	}
	if err := p.Next.tree.checkFresh([]uint32{p.Next.me}); err != nil {
		return nil, err
	}
	if err := p.Next.tree.checkSupport(p.Next.ctx.exts, []uint32{p.Next.me}); err != nil {
		return nil, err
	}
	return p, nil
}
