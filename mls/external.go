package mls

import "slices"

// Leaving is a pending SelfRemove proposal as somebody outside needs it to carry it out: an external
// commit may refer to one (draft-ietf-mls-extensions), but its maker has not seen it.
type Leaving struct {
	Leaf uint32
	Ref  []byte // the proposal's reference (§5.2)
}

// Leaving lists the pending SelfRemove proposals, to be handed out beside GroupInfo. A member that
// has not seen one of them will refuse the commit with ErrUnknownProposal until it has.
func (g *Group) Leaving() (out []Leaving) {
	for _, q := range g.proposals {
		if q.p.typ == ProposalSelfRemove && !slices.ContainsFunc(out, func(l Leaving) bool { return l.Leaf == q.index }) {
			out = append(out, Leaving{q.index, slices.Clone(q.ref)})
		}
	}
	return out
}

// leaving makes a joiner believe in the proposals it was told of, so that its commit can refer to
// them. Its own former leaf goes by Remove.
func (g *Group) leaving(o *ExternalOptions) (list []item) {
	for _, l := range o.Leaving {
		if o.Remove != nil && *o.Remove == l.Leaf {
			continue
		}
		p := (&proposal{typ: ProposalSelfRemove}).encode()
		g.proposals = append(g.proposals, &pendingProposal{ref: slices.Clone(l.Ref), p: p, sender: senderMember, index: l.Leaf})
		list = append(list, item{p, senderMember, l.Leaf, true, false})
	}
	return list
}

// Digest is eight bytes that members whose views of the epoch agree have in common, and others do
// not: put into the additional data of messages, it shows a fork to whoever can read them (§8.7).
// It tells outsiders nothing but that two messages are of one epoch.
func (g *Group) Digest() (d [8]byte) {
	copy(d[:], g.s.expandLabel(g.es.authenticator, "digest", nil, len(d)))
	return d
}
