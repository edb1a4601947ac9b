package mls

import "bytes"

// WelcomeFor returns the Welcome with nothing but the entry for the KeyPackage of ref (see
// KeyPackage.Ref): what one of many joiners needs (§12.4.3: a Welcome may be sent in parts). The
// result is valid by itself. ErrNotForUs: there is no such entry.
func WelcomeFor(msg, ref []byte) ([]byte, error) {
	m, err := parseMessage(msg)
	if err != nil {
		return nil, err
	}
	if m.welcome == nil {
		return nil, broken("M-006")
	}
	x := *m.welcome
	for _, e := range x.secrets {
		if bytes.Equal(e.ref, ref) {
			x.secrets = []encryptedSecrets{e}
			return x.bytes(), nil
		}
	}
	return nil, ErrNotForUs
}

// SentByOwnLeaf says that msg is a PrivateMessage of this epoch which this member's leaf has signed
// and this state cannot have sent: its generation is ahead of the own ratchet. So this state is a
// copy from before it, and may send nothing more in this epoch: its next messages would be taken
// for repeats. What others claim in this member's name is not signed by it, and gives false.
func (g *Group) SentByOwnLeaf(msg []byte) bool {
	_, ok := g.OwnMessage(msg)
	return ok
}

// OwnMessage is SentByOwnLeaf, and what the message says, empty for a handshake message.
func (g *Group) OwnMessage(msg []byte) (data []byte, ok bool) {
	m, err := parseMessage(msg)
	if err != nil || m.private == nil || g.fits(m.private.groupID, m.private.epoch) != nil {
		return nil, false
	}
	p := m.private
	d, err := g.s.openSender(p, g.es.senderData)
	leaf := g.leaf(g.me)
	if err != nil || d.leaf != g.me || leaf == nil {
		return nil, false
	}
	id := ratchetID{d.leaf, p.typ == ContentApplication}
	if r := g.secrets.ratchet(id); r == nil || d.gen < r.gen {
		return nil, false
	}
	u, err := g.secrets.look(id, d.gen)
	if err != nil {
		return nil, false
	}
	a, err := g.s.openPrivate(p, d, u.keys)
	if err != nil || !g.s.verify(leaf.sigKey, "FramedContentTBS", a.toBeSigned(g.context), a.sig) {
		return nil, false
	}
	if a.c.typ != ContentApplication {
		return nil, true
	}
	return a.c.body, true
}
