package convo

import (
	"slices"
	"time"

	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// Mandates: which devices of a person may be here now. All hold the account key, one that was signed
// out, too. So a credential names, besides, the key by which the account certifies its devices at the
// time; it changes with each device that is signed out, told by the commit that takes the device out
// or the next of the same person. The newest that stands in the tree counts: whoever reads the log
// knows it, newcomers, too, and nothing beside the tree has to be agreed on.

// newest returns the newest mandate of a person in this epoch. Of two of one generation, which only
// who adds people can bring about, that on the lower leaf counts.
func (r *roster) newest(p plane.PublicKey) caps.Mandate {
	best, at := caps.Mandate{Key: p}, uint32(0)
	for leaf, m := range r.mandates {
		if r.at(leaf) == p && (m.Gen > best.Gen || m.Gen == best.Gen && leaf < at) {
			best, at = m, leaf
		}
	}
	return best
}

// mandate returns that of a leaf.
func (r *roster) mandate(leaf uint32) caps.Mandate {
	if m, ok := r.mandates[leaf]; ok {
		return m
	}
	return caps.Mandate{Key: r.at(leaf)}
}

// setMandate notes that of the leaf with that credential; the first is not kept.
func (r *roster) setMandate(leaf uint32, identity []byte) {
	if m := caps.MandateOf(identity, plane.PublicKey{}); m.Gen > 0 {
		r.mandates[leaf] = m
	} else {
		delete(r.mandates, leaf)
	}
}

// Mandate returns the newest mandate of a member.
func (c *Convo) Mandate(p plane.PublicKey) caps.Mandate {
	if c.light == nil {
		return c.who.newest(p)
	}
	best := caps.Mandate{Key: p}
	for _, leaf := range c.of(p) {
		if m := c.mandateAt(leaf, p); m.Gen > best.Gen {
			best = m
		}
	}
	return best
}

// mandateAt returns that of a leaf to a light member, the first where it does not know the leaf.
func (c *Convo) mandateAt(leaf uint32, p plane.PublicKey) caps.Mandate {
	if m, err := c.g.Member(leaf); err == nil {
		return caps.MandateOf(m.Credential.Identity(), p)
	}
	return caps.Mandate{Key: p}
}

// Mandated reports whether a device may come in for a member with a key package, or in the place of the
// leaf of the same signature key.
func (c *Convo) Mandated(p plane.PublicKey, kp *mls.KeyPackage) bool {
	s := seated{person: p, rejoin: c.madeFor(kp.LeafExtensions()), made: madeAt(kp.LeafExtensions()), identity: kp.Credential().Identity()}
	leaf, ok := c.LeafOf(p, kp.SignatureKey())
	return ok && (c.light != nil || c.returns(s, leaf)) || caps.Follows(s.identity, p, c.who.newest(p))
}

// mandated judges what a commit does to the leaves of those who were members before and are after:
// what comes in is under the newest mandate or one that it has signed; a device that has lost the
// thread may take its own place again; and the newest is not forgotten.
func (c *Convo) mandated(by plane.PublicKey, t turn, list people) bool {
	for p := range list {
		if c.who.count[p] > 0 && c.after(list, p) > 0 && !c.mandateHolds(p, t) {
			return false
		}
	}
	return list[by] != nil || c.mandateHolds(by, t)
}

func (c *Convo) mandateHolds(p plane.PublicKey, t turn) bool {
	cur := c.who.newest(p)
	held := cur.Gen == 0
	for _, s := range t.added {
		if s.person != p {
			continue
		}
		if caps.Follows(s.identity, p, cur) {
			held = true
			continue
		}
		leaf, ok := c.place(s, t)
		if !ok || !c.returns(s, leaf) {
			return false
		}
		held = held || c.who.mandate(leaf) == cur
	}
	if m := t.maker; m.person == p {
		if caps.Follows(m.identity, p, cur) {
			held = true
		} else if caps.MandateOf(m.identity, p) != c.who.mandate(m.leaf) {
			return false
		}
	}
	gone := map[uint32]bool{t.maker.leaf: true}
	for _, leaf := range t.removed {
		gone[leaf] = true
	}
	for leaf, m := range c.who.mandates {
		held = held || m == cur && c.who.at(leaf) == p && !gone[leaf]
	}
	return held
}

// place returns the leaf with the same key that a leaf comes in the place of.
func (c *Convo) place(s seated, t turn) (uint32, bool) {
	for _, leaf := range t.removed {
		m, err := c.g.Member(leaf)
		if err == nil && c.who.at(leaf) == s.person && string(m.SignatureKey) == string(s.key) {
			return leaf, true
		}
	}
	return 0, false
}

// returns says whether a device may take its own place again without following the newest mandate: it
// has lost the thread before it heard of it; or it was set back, perhaps to before the mandate that its
// leaf is under. Then it has made what comes in after that leaf. Else anybody could play again what it
// came back by before the mandate, for all have that, and bring back with it who was signed out.
func (c *Convo) returns(s seated, leaf uint32) bool {
	if caps.MandateOf(s.identity, s.person) == c.who.mandate(leaf) {
		return true
	}
	m, err := c.g.Member(leaf)
	return err == nil && s.rejoin && s.made > madeAt(m.LeafExtensions)
}

// remade returns the extensions of one's own leaf as it gets a credential; nil: as they are.
func (c *Convo) remade(credential []byte, now time.Time) []mls.Extension {
	m, err := c.g.Member(c.g.OwnIndex())
	if err != nil || caps.MandateOf(credential, plane.PublicKey{}).Gen == 0 {
		return nil
	}
	made := max(now.UnixMilli(), int64(madeAt(m.LeafExtensions))+1)
	list := slices.DeleteFunc(m.LeafExtensions, func(x mls.Extension) bool { return x.Type == RejoinExtension })
	return append(list, NameLeaf("", nil, made)...)
}

// ownSeat is the leaf of this device as it is after an own commit.
func (c *Convo) ownSeat(credential []byte) seated {
	s := seated{leaf: c.g.OwnIndex(), person: c.Own(), identity: credential}
	if m, err := c.g.Member(s.leaf); err == nil && credential == nil {
		s.identity = m.Credential.Identity()
	}
	return s
}

// succeed notes who comes in by a commit that takes this device out, if it is a device of its own person
// under a later mandate.
func (c *Convo) succeed(joined []mls.Member) {
	me := c.Own()
	own, _ := c.g.Member(c.g.OwnIndex())
	for _, x := range joined {
		id := x.Credential.Identity()
		who, err := c.identify(id, x.SignatureKey)
		if m := caps.MandateOf(id, me); err == nil && who == me && string(x.SignatureKey) != string(own.SignatureKey) && m.Gen > c.who.newest(me).Gen && caps.Follows(id, me, c.who.newest(me)) {
			c.successor = m.Gen
		}
	}
}

// Successor returns the generation of the mandate of a device of one's own that came in as this one was
// taken out, zero if there was none. The account, and the mandate before, stand behind it. It is not stored.
func (c *Convo) Successor() uint32 { return c.successor }

// OwnMandate returns that of this device's leaf.
func (c *Convo) OwnMandate() caps.Mandate {
	if c.light != nil {
		return c.mandateAt(c.g.OwnIndex(), c.Own())
	}
	return c.who.mandate(c.g.OwnIndex())
}
