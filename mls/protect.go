package mls

import "crypto/hmac"

// Message protection (§6.2, §6.3).

// seal encrypts content that this member has signed as a PrivateMessage.
func (g *Group) seal(a *authContent) ([]byte, error) {
	s := g.s
	k, gen, err := g.secrets.next(ratchetID{g.me, a.c.typ == ContentApplication})
	if err != nil {
		return nil, err
	}
	plain := writer{make([]byte, 0, len(a.c.body)+len(a.sig)+len(a.tag)+16)}
	if a.c.typ == ContentApplication {
		plain.vec(a.c.body)
	} else {
		plain.raw(a.c.body)
	}
	a.writeAuth(&plain)
	return s.sealPrivate(a, g.es.senderData, g.me, gen, k, plain.b)
}

// sealPrivate encrypts PrivateMessageContent with one generation's keys.
func (s *suite) sealPrivate(a *authContent, senderData []byte, leaf, gen uint32, k keyNonce, plain []byte) ([]byte, error) {
	guard := random(4)
	nonce := append([]byte(nil), k.nonce...)
	for i := range guard {
		nonce[i] ^= guard[i]
	}
	p := &privateMessage{groupID: a.c.groupID, epoch: a.c.epoch, typ: a.c.typ, aad: a.c.aad}
	aead, err := s.aead(k.key)
	if err != nil {
		return nil, err
	}
	p.enc = aead.Seal(nil, nonce, plain, p.contentAAD())
	key, nonce := s.senderDataKeys(senderData, p.enc)
	if aead, err = s.aead(key); err != nil {
		return nil, err
	}
	var d writer
	d.u32(leaf)
	d.u32(gen)
	d.raw(guard)
	p.senderData = aead.Seal(nil, nonce, d.b, p.senderDataAAD())
	w := header(WirePrivate)
	w.b = append(make([]byte, 0, len(p.enc)+len(p.aad)+len(p.groupID)+len(p.senderData)+32), w.b...)
	w.vec(p.groupID)
	w.u64(p.epoch)
	w.u8(uint8(p.typ))
	w.vec(p.aad)
	w.vec(p.senderData)
	w.vec(p.enc)
	return w.b, nil
}

// senderDataAAD and contentAAD are SenderDataAAD and PrivateContentAAD (§6.3).
func (p *privateMessage) senderDataAAD() []byte {
	w := writer{make([]byte, 0, len(p.groupID)+len(p.aad)+16)}
	w.vec(p.groupID)
	w.u64(p.epoch)
	w.u8(uint8(p.typ))
	return w.b
}
func (p *privateMessage) contentAAD() []byte {
	w := writer{p.senderDataAAD()}
	w.vec(p.aad)
	return w.b
}

// senderDataKeys derives key and nonce from a sample of the ciphertext (§6.3.2).
func (s *suite) senderDataKeys(senderData, enc []byte) (key, nonce []byte) {
	sample := enc[:min(len(enc), s.nh)]
	return s.expandLabel(senderData, "key", sample, s.nk), s.expandLabel(senderData, "nonce", sample, nonceLen)
}

// senderInfo is SenderData (§6.3.2).
type senderInfo struct {
	leaf, gen uint32
	guard     [4]byte
}

func (s *suite) openSender(p *privateMessage, senderData []byte) (d senderInfo, err error) {
	key, nonce := s.senderDataKeys(senderData, p.enc)
	aead, err := s.aead(key)
	if err != nil {
		return d, err
	}
	b, err := aead.Open(nil, nonce, p.senderData, p.senderDataAAD())
	if err != nil {
		return d, broken("M-059")
	}
	r := reader{b: b}
	d.leaf, d.gen = r.u32(), r.u32()
	copy(d.guard[:], r.take(4))
	return d, r.end()
}

// openPrivate decrypts the content with the keys of the sender's generation.
func (s *suite) openPrivate(p *privateMessage, d senderInfo, k keyNonce) (*authContent, error) {
	nonce := append([]byte(nil), k.nonce...)
	for i := range d.guard {
		nonce[i] ^= d.guard[i]
	}
	aead, err := s.aead(k.key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(p.enc[:0], nonce, p.enc, p.contentAAD()) // in its place: parseMessage has made it ours
	if err != nil {
		return nil, broken("M-059")
	}
	a := &authContent{wire: WirePrivate, c: content{p.groupID, p.epoch, senderMember, d.leaf, p.aad, p.typ, nil}}
	r := reader{b: plain}
	a.c.body = r.body(p.typ)
	a.sig = r.vec()
	if p.typ == ContentCommit {
		a.tag = r.vec()
	}
	for _, b := range r.b {
		if err := refuse(b != 0, "M-058"); err != nil {
			return nil, err
		}
	}
	return a, r.err
}

// open authenticates a message of this epoch. The caller decides whether the generation is used
// up; a public message has none. parts or key is what a light member needs to know the sender by.
func (g *Group) open(m *message, parts *SliceParts, key []byte) (*authContent, *use, error) {
	switch {
	case m.private != nil:
		return g.openPrivate(m.private, parts, key)
	case m.public != nil:
		a, err := g.openPublic(m.public)
		return a, nil, err
	}
	return nil, nil, broken("M-006")
}

// fits checks group and epoch (M-050, M-051).
func (g *Group) fits(groupID []byte, epoch uint64) error {
	switch {
	case fails(string(groupID) != string(g.ctx.groupID), "M-050"):
		return brokenBy("M-050", ErrOtherGroup)
	case fails(epoch < g.ctx.epoch, "M-051"):
		return brokenBy("M-051", ErrStaleEpoch)
	case fails(epoch > g.ctx.epoch, "M-051"):
		return brokenBy("M-051", ErrFutureEpoch)
	case fails(g.Closed(), "M-145"):
		return brokenBy("M-145", ErrClosed)
	}
	return nil
}

func (g *Group) openPrivate(p *privateMessage, parts *SliceParts, key []byte) (*authContent, *use, error) {
	if err := g.fits(p.groupID, p.epoch); err != nil {
		return nil, nil, err
	}
	d, err := g.s.openSender(p, g.es.senderData)
	if err != nil {
		return nil, nil, err
	}
	leaf := g.leaf(d.leaf)
	if leaf == nil && g.light != nil && key != nil && d.leaf < g.light.n {
		leaf = &leafNode{sigKey: key}
	}
	stranger := leaf == nil && g.light != nil && p.typ == ContentCommit && d.leaf < g.light.n // its commit may introduce it
	if leaf == nil && !stranger {
		return nil, nil, g.unknown(d.leaf, "M-055")
	}
	if d.leaf == g.me {
		return nil, nil, ErrOwnMessage
	}
	u, err := g.secrets.look(ratchetID{d.leaf, p.typ == ContentApplication}, d.gen)
	if err != nil {
		return nil, nil, err
	}
	a, err := g.s.openPrivate(p, d, u.keys)
	if err != nil {
		return nil, nil, err
	}
	if stranger {
		if leaf, err = g.introduce(a, parts); err != nil {
			return nil, nil, err
		}
	}
	if err := refuse(!g.s.verify(leaf.sigKey, "FramedContentTBS", a.toBeSigned(g.context), a.sig), "M-052"); err != nil {
		return nil, nil, err
	}
	return a, u, nil
}

func (g *Group) openPublic(a *authContent) (*authContent, error) {
	if err := g.fits(a.c.groupID, a.c.epoch); err != nil {
		return nil, err
	}
	if err := refuse(a.c.typ == ContentApplication, "M-054"); err != nil {
		return nil, err
	}
	key, err := g.publicSender(a)
	if err != nil {
		return nil, err
	}
	if err := refuse(!g.s.verify(key, "FramedContentTBS", a.toBeSigned(g.context), a.sig), "M-052"); err != nil {
		return nil, err
	}
	if a.c.sender == senderMember && a.c.index == g.me {
		return nil, ErrOwnMessage
	}
	return a, nil
}

// publicSender finds the key that must have signed a public message (§6.1) and checks that the
// sender may send such content at all.
func (g *Group) publicSender(a *authContent) ([]byte, error) {
	r := reader{b: a.c.body}
	switch a.c.sender {
	case senderMember:
		leaf := g.leaf(a.c.index)
		if leaf == nil {
			return nil, g.unknown(a.c.index, "M-055")
		}
		if err := refuse(!hmac.Equal(a.memb, g.s.mac(g.es.membership, a.toBeMACed(g.context))), "M-053"); err != nil {
			return nil, err
		}
		return leaf.sigKey, nil
	case senderNewCommit:
		if a.c.typ != ContentCommit {
			return nil, broken("M-056")
		}
		c := r.commitBody()
		if c.path == nil {
			return nil, broken("M-094")
		}
		return c.path.leaf.sigKey, nil
	case senderNewProposal:
		if a.c.typ != ContentProposal {
			return nil, broken("M-056")
		}
		p := r.proposal()
		if p.typ != ProposalAdd {
			return nil, broken("M-056")
		}
		return p.kp.leaf.sigKey, nil
	}
	return g.externalSender(a)
}

// externalSender looks the sender up in the external_senders extension (§12.1.8.1, M-057).
func (g *Group) externalSender(a *authContent) ([]byte, error) {
	if a.c.typ != ContentProposal {
		return nil, broken("M-057")
	}
	r := reader{b: a.c.body}
	switch r.proposal().typ {
	case ProposalAdd, ProposalRemove, ProposalPSK, ProposalReInit, ProposalGroupContextExtensions:
	default:
		if err := refuse(true, "M-057"); err != nil {
			return nil, err
		}
	}
	ext, _ := findExtension(g.ctx.exts, ExtExternalSenders)
	r = reader{b: ext}
	var key []byte
	i := uint32(0)
	r.each(func(r *reader) {
		k := r.vec()
		r.credential()
		if i == a.c.index {
			key = k
		}
		i++
	})
	if r.err != nil || key == nil {
		return nil, broken("M-057")
	}
	return key, nil
}
