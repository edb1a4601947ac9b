package mls

// groupContext is GroupContext (§8.1).
type groupContext struct {
	suite     Suite
	groupID   []byte
	epoch     uint64
	treeHash  []byte
	confirmed []byte // confirmed transcript hash
	exts      []Extension
}

func (g *groupContext) bytes() []byte {
	var w writer
	w.u16(version)
	w.u16(uint16(g.suite))
	w.vec(g.groupID)
	w.u64(g.epoch)
	w.vec(g.treeHash)
	w.vec(g.confirmed)
	w.extensions(g.exts)
	return w.b
}
func (r *reader) groupContext() (g groupContext) {
	r.refuse(r.u16() != version, "M-004")
	g.suite, g.groupID, g.epoch, g.treeHash, g.confirmed, g.exts = Suite(r.u16()), r.vec(), r.u64(), r.vec(), r.vec(), r.extensions()
	return g
}

// epochSecrets are the secrets of one epoch (§8, figure 22 and table 4).
type epochSecrets struct {
	init, senderData, encryption, exporter, authenticator []byte
	external, confirm, membership, resumption             []byte
	welcome, joiner                                       []byte
}

// joiner derives joiner_secret.
func (s *suite) joiner(init, commitSecret, context []byte) []byte {
	return s.expandLabel(s.extract(init, commitSecret), "joiner", context, s.nh)
}

// welcomeSecret derives welcome_secret; psk is all zeros when there is none.
func (s *suite) welcomeSecret(joiner, psk []byte) []byte {
	return s.derive(s.extract(joiner, psk), "welcome")
}

// epoch derives everything else from joiner_secret and psk_secret.
func (s *suite) epoch(joiner, psk, context []byte) *epochSecrets {
	return s.epochFrom(s.expandLabel(s.extract(joiner, psk), "epoch", context, s.nh), joiner, s.welcomeSecret(joiner, psk))
}

// epochFrom derives the epoch's secrets from epoch_secret, which a new group draws at random (§11).
func (s *suite) epochFrom(epoch, joiner, welcome []byte) *epochSecrets {
	d := func(label string) []byte { return s.derive(epoch, label) }
	return &epochSecrets{
		init: d("init"), senderData: d("sender data"), encryption: d("encryption"), exporter: d("exporter"),
		authenticator: d("authentication"), external: d("external"), confirm: d("confirm"),
		membership: d("membership"), resumption: d("resumption"), welcome: welcome, joiner: joiner,
	}
}

// pskSecret combines pre-shared keys (§8.4); it is all zeros for none.
func (s *suite) pskSecret(ids []pskID, keys [][]byte) []byte {
	secret := s.zero()
	for i := range ids {
		extracted := s.extract(s.zero(), keys[i])
		var w writer
		ids[i].write(&w)
		w.u16(uint16(i))
		w.u16(uint16(len(ids)))
		secret = s.extract(s.expandLabel(extracted, "derived psk", w.b, s.nh), secret)
	}
	return secret
}

// confirmedHash and interimHash are the transcript hashes of §8.2.
func (s *suite) confirmedHash(interim, input []byte) []byte {
	b := make([]byte, 0, len(interim)+len(input))
	return s.sum(append(append(b, interim...), input...))
}
func (s *suite) interimHash(confirmed, tag []byte) []byte {
	w := writer{append(make([]byte, 0, len(confirmed)+len(tag)+2), confirmed...)}
	w.vec(tag)
	return s.sum(w.b)
}

// export is MLS-Exporter (§8.5).
func (s *suite) export(exporter []byte, label string, context []byte, n int) []byte {
	return s.expandLabel(s.derive(exporter, label), "exported", s.sum(context), n)
}
