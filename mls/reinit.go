package mls

import (
	"bytes"
	"slices"
	"time"
)

// Reinitialisation (§11.2) and branches (§11.3): groups that descend from a group.
//
// A ReInit ends a group and says what its successor looks like. It serves to change what a group
// cannot change otherwise: its suite, or its id, as when a conversation moves to another place.
// The steps, with the messages that each needs:
//
//  1. Somebody allowed to commits: CommitReInit (or ProposeReInit, and another commits it with
//     CommitReInit). Once that commit has won, everybody's Next is Closed and its ReInit says what
//     comes. A closed Group sends nothing more and is kept until the successor is joined.
//  2. One member, usually the committer, gathers a KeyPackage of the new suite from each of the
//     others and makes the successor: Successor. Its Next is usable at once; its Welcome goes to
//     the others, where the old group's messages went or wherever the old group was told of
//     before it closed. If two members do this at once there are two successors, and whichever
//     Welcome comes first in the old log's order is the one to take.
//  3. The others Join with JoinOptions.ReInitFrom, which refuses a Welcome that leads to anything
//     but what was agreed upon. That the same people are in it is for the caller: compare both
//     ways with Unmatched.
//
// A member that is away finds the commit, then the Welcome, in the same order later.

// ReInit says what a group's successor will look like.
type ReInit struct {
	GroupID    []byte
	Suite      Suite
	Extensions []Extension // of the GroupContext
}

// ReInitOptions is what a ReInit proposal asks for.
type ReInitOptions struct {
	GroupID    []byte      // of the successor, new to all its members
	Suite      Suite       // zero = unchanged
	Extensions []Extension // of the GroupContext, all of them; nil = unchanged
	AAD        []byte
}

// SuccessorOptions says who founds a successor or branch and who else is in it.
type SuccessorOptions struct {
	Signer         *Signer // of the new group's suite
	Credential     Credential
	Lifetime       Lifetime
	LeafExtensions []Extension
	Capabilities   Capabilities
	Members        []*KeyPackage // of the others
	WithoutTree    bool          // as in CommitOptions
	Now            time.Time     // for the lifetimes of Members
}

// BranchOptions says what a branch looks like; its suite is its parent's.
type BranchOptions struct {
	GroupID    []byte
	Extensions []Extension // of the GroupContext
	SuccessorOptions
}

// clone lets go of the message that a proposal came in.
func (x *reInit) clone() *reInit {
	return &reInit{slices.Clone(x.groupID), x.version, x.suite, cloneExtensions(x.exts)}
}
func (w *writer) reinit(x *reInit) {
	w.opt(x != nil)
	if x != nil {
		w.vec((&proposal{typ: ProposalReInit, reinit: *x}).encode().raw)
	}
}
func (r *reader) reinit() *reInit {
	if !r.opt() {
		return nil
	}
	b := reader{b: r.vec(), err: r.err}
	p := b.proposal()
	if b.end() != nil || p.typ != ProposalReInit {
		r.failErr(ErrState)
		return nil
	}
	return &p.reinit
}

// ReInit returns what the successor of a closed group is to look like, nil for an open group.
func (g *Group) ReInit() *ReInit {
	if g.reinit == nil {
		return nil
	}
	x := g.reinit.clone()
	return &ReInit{x.groupID, x.suite, x.exts}
}

// proposal makes the ReInit proposal of some options.
func (o *ReInitOptions) proposal(g *Group) (*proposal, error) {
	x := reInit{slices.Clone(o.GroupID), version, o.Suite, cloneExtensions(o.Extensions)}
	if x.suite == 0 {
		x.suite = g.s.id
	}
	if !x.suite.Valid() {
		return nil, ErrSuite
	}
	if o.Extensions == nil {
		x.exts = cloneExtensions(g.ctx.exts)
	}
	if bytes.Equal(x.groupID, g.ctx.groupID) {
		return nil, ErrArgument
	}
	return (&proposal{typ: ProposalReInit, reinit: x}).encode(), checkContextExtensions(x.exts)
}

// ProposeReInit proposes to end the group for a successor. ErrSuite: not a suite of ours;
// ErrArgument: the successor would have the group's own id.
func (g *Group) ProposeReInit(o ReInitOptions) ([]byte, error) {
	p, err := o.proposal(g)
	if err != nil {
		return nil, err
	}
	return g.propose(p, nil, o.AAD)
}

// CommitReInit ends the group if the commit wins. With a nil GroupID it commits the ReInit that is
// pending (ErrArgument if none is), otherwise one of its own. A ReInit stands alone in its commit
// (M-077), so what else is pending is lost. Errors otherwise as Commit and ProposeReInit; a light
// member can do all else that is in this file.
func (g *Group) CommitReInit(o ReInitOptions) (*Pending, error) {
	if g.Closed() {
		return nil, ErrClosed
	}
	if g.light != nil {
		return nil, ErrLight
	}
	var q *item
	if o.GroupID == nil {
		for _, x := range g.proposals {
			if x.p.typ == ProposalReInit {
				q = &item{x.p, x.sender, x.index, true, true}
			}
		}
		if q == nil {
			return nil, ErrArgument
		}
	} else {
		p, err := o.proposal(g)
		if err != nil {
			return nil, err
		}
		q = &item{p: p, sender: senderMember, index: g.me}
	}
	st := staging{list: []item{*q}, aad: o.AAD}
	if err := g.validateList(st.list, g.me, false); err != nil {
		return nil, err
	}
	return g.stage(&st)
}

// resumes is a proposal to mix a resumption secret of this group into an epoch of a group of the
// suite s.
func (g *Group) resumes(usage uint8, epoch uint64, s *suite) *proposal {
	return &proposal{typ: ProposalPSK, psk: pskID{typ: pskResumption, usage: usage, gid: g.ctx.groupID, epoch: epoch, nonce: random(s.nh)}}
}

// Successor makes the group that a closed group's ReInit asked for. Pending.Next is in its first
// epoch and needs no confirmation; Message is nil; Welcome is for the Members. ErrArgument: the
// group is not closed. ErrSuite: the ReInit asks for a suite or protocol version that is not ours.
// Otherwise errors as NewGroup and Commit.
func (g *Group) Successor(o SuccessorOptions) (*Pending, error) {
	if g.reinit == nil {
		return nil, ErrArgument
	}
	if g.reinit.version != version {
		return nil, ErrSuite
	}
	return g.descend(g.reinit.clone(), usageReInit, &o)
}

// Branch makes a group of some of this group's members, bound to its present epoch. Results and
// errors as Successor, which it is like; the parent goes on.
func (g *Group) Branch(o BranchOptions) (*Pending, error) {
	if g.Closed() {
		return nil, ErrClosed
	}
	return g.descend(&reInit{o.GroupID, version, g.s.id, o.Extensions}, usageBranch, &o.SuccessorOptions)
}

func (g *Group) descend(x *reInit, usage uint8, o *SuccessorOptions) (*Pending, error) {
	child, err := NewGroup(GroupOptions{
		Suite: x.suite, GroupID: x.groupID, Signer: o.Signer, Credential: o.Credential, Lifetime: o.Lifetime,
		Extensions: x.exts, LeafExtensions: o.LeafExtensions, Capabilities: o.Capabilities,
	})
	if err != nil {
		return nil, err
	}
	child.parent = g
	// Only here is a key of this usage right, so M-082 does not apply to it.
	bond := item{p: g.resumes(usage, g.ctx.epoch, child.s).encode(), sender: senderMember, sound: true}
	p, err := child.commit(CommitOptions{Add: o.Members, WithoutTree: o.WithoutTree, Now: o.Now}, bond)
	if err != nil {
		return nil, err
	}
	p.Message = nil
	return p, nil
}

// Unmatched lists the leaves of g whose member is not in other too; each member of other stands for
// one of g. id tells who a member is; nil compares whole credentials.
//
// A successor is right if neither has anybody unmatched in the other, a branch if it has nobody
// unmatched in its parent (§11.2, §11.3). A light member knows few of the others and cannot tell.
func (g *Group) Unmatched(other *Group, id func(Member) string) (out []uint32) {
	if id == nil {
		id = func(m Member) string { return string(m.Credential.raw) }
	}
	have := map[string]int{}
	for _, m := range other.Members() {
		have[id(m)]++
	}
	for _, m := range g.Members() {
		k := id(m)
		if have[k]--; have[k] < 0 {
			out = append(out, m.Index)
		}
	}
	return out
}

// descent is the group that a Welcome must lead on from, and how; nil for an ordinary one.
func (o *JoinOptions) descent() (*Group, uint8) {
	switch {
	case o.ReInitFrom != nil:
		return o.ReInitFrom, usageReInit
	case o.BranchFrom != nil:
		return o.BranchFrom, usageBranch
	}
	return nil, 0
}

// resumption finds the secret that a Welcome asks for.
func (o *JoinOptions) resumption(id *pskID) ([]byte, bool) {
	from := o.Resume
	if id.usage != usageApplication {
		g, _ := o.descent()
		if g == nil {
			return nil, false
		}
		from = []*Group{g}
	}
	for _, g := range from {
		if bytes.Equal(g.ctx.groupID, id.gid) {
			if k, ok := g.resumption[id.epoch]; ok {
				return k, true
			}
		}
	}
	return nil, false
}

// checkPSKs is what is to be said of a Welcome's pre-shared keys: nonces (M-081), and that exactly
// one says what the group descends from, as expected (M-140, M-141).
func (o *JoinOptions) checkPSKs(s *suite, ids []pskID) error {
	from, usage := o.descent()
	n := 0
	for i := range ids {
		id := &ids[i]
		if err := refuse(len(id.nonce) != s.nh, "M-081"); err != nil {
			return err
		}
		if id.typ != pskResumption || id.usage == usageApplication {
			continue
		}
		n++
		if err := refuse(id.usage != usage || id.epoch != from.ctx.epoch, "M-141"); err != nil {
			return err
		}
	}
	if err := refuse(n > 1, "M-140"); err != nil {
		return err
	}
	return need(n > 0 || from == nil, "M-141")
}

// checkDescent compares the group that a Welcome leads to with what was agreed upon (§12.4.3.1).
func (o *JoinOptions) checkDescent(ctx *groupContext) error {
	from, usage := o.descent()
	if from == nil {
		return nil
	}
	if err := refuse(ctx.epoch != 1, "M-142"); err != nil {
		return err
	}
	if usage == usageBranch {
		return need(ctx.suite == from.s.id, "M-144")
	}
	x := from.reinit
	if x == nil {
		return refuse(true, "M-143")
	}
	var a, b writer
	a.extensions(x.exts)
	b.extensions(ctx.exts)
	return need(x.version == version && ctx.suite == x.suite && bytes.Equal(ctx.groupID, x.groupID) && bytes.Equal(a.b, b.b), "M-143")
}
