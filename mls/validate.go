package mls

import (
	"bytes"
	"slices"
)

// item is one proposal of a commit with where it came from.
type item struct {
	p      *proposal
	sender uint8
	index  uint32 // leaf of the sender
	byRef  bool
	sound  bool // the proposal by itself was checked already
}

// checkDistinct: no type twice (M-008), in a list that was not decoded.
func checkDistinct(exts []Extension) error {
	w := writer{}
	w.extensions(exts)
	r := reader{b: w.b}
	r.extensions()
	return r.err
}

// checkContextExtensions: the extensions of a GroupContext that this package reads must decode.
func checkContextExtensions(exts []Extension) error {
	if err := checkDistinct(exts); err != nil {
		return err
	}
	if err := placed(exts, ExtRequiredCapabilities, ExtExternalSenders); err != nil {
		return err
	}
	if _, err := requiredOf(exts); err != nil {
		return err
	}
	b, _ := findExtension(exts, ExtSliced)
	if err := refuse(len(b) > 0, "M-170"); err != nil {
		return err
	}
	if b, ok := findExtension(exts, ExtExternalSenders); ok {
		r := reader{b: b}
		r.each(func(r *reader) { r.vec(); r.credential() })
		return r.end()
	}
	return nil
}

// checkProposal is what can be said of one proposal by itself (§12.1), on receipt or in a commit.
func (g *Group) checkProposal(q *item) error {
	p := q.p
	if g.light != nil && p.changesTree() {
		return nil // for whoever has the tree
	}
	switch p.typ {
	case ProposalAdd:
		return p.kp.check(g.s)
	case ProposalUpdate:
		old := g.tree.leaf(q.index)
		if q.sender != senderMember || old == nil {
			return broken("M-087")
		}
		if err := refuse(p.leaf.source != sourceUpdate, "M-026"); err != nil {
			return err
		}
		if err := refuse(bytes.Equal(p.leaf.encKey, old.encKey), "M-030"); err != nil {
			return err
		}
		if err := p.leaf.check(g.s); err != nil {
			return err
		}
		return need(p.leaf.signedBy(g.s, g.ctx.groupID, q.index), "M-021")
	case ProposalRemove:
		return need(g.tree.leaf(p.removed) != nil, "M-080")
	case ProposalPSK:
		if err := refuse(len(p.psk.nonce) != g.s.nh, "M-081"); err != nil {
			return err
		}
		return need(p.psk.typ == pskExternal || p.psk.usage == usageApplication, "M-082")
	case ProposalReInit:
		return need(p.reinit.version >= version, "M-086")
	case ProposalGroupContextExtensions:
		return checkContextExtensions(p.exts)
	case ProposalSelfRemove:
		return need(q.sender == senderMember && (g.light != nil || g.tree.leaf(q.index) != nil), "M-088")
	}
	return nil
}

// validateList checks a commit's proposals against each other (§12.2). committer is the leaf of a
// member; external commits have rules of their own.
func (g *Group) validateList(list []item, committer uint32, external bool) error {
	err := g.lent().check(len(list), func(i int) error {
		if list[i].sound {
			return nil
		}
		return g.checkProposal(&list[i])
	})
	if err != nil {
		return err
	}
	if external {
		if err := validateExternal(list); err != nil {
			return err
		}
	}
	if err := g.checkTypes(list); err != nil {
		return err
	}
	leaves := map[uint32]bool{} // updated or removed
	signers := map[string]bool{}
	psks := map[string]bool{}
	contexts := 0
	once := func(leaf uint32) error {
		if err := refuse(leaves[leaf], "M-072"); err != nil {
			return err
		}
		leaves[leaf] = true
		return nil
	}
	for _, q := range list {
		var err error
		switch p := q.p; p.typ {
		case ProposalAdd:
			err = need(!signers[string(p.kp.leaf.sigKey)], "M-073")
			signers[string(p.kp.leaf.sigKey)] = true
		case ProposalUpdate:
			if err := refuse(q.index == committer, "M-070"); err != nil {
				return err
			}
			err = once(q.index)
		case ProposalRemove:
			if p.removed == committer && !external {
				return broken("M-071")
			}
			err = once(p.removed)
		case ProposalSelfRemove:
			if err := refuse(!q.byRef || q.index == committer && !external, "M-088"); err != nil {
				return err
			}
			err = once(q.index)
		case ProposalPSK:
			var w writer
			p.psk.write(&w)
			err = need(!psks[string(w.b)], "M-075")
			psks[string(w.b)] = true
		case ProposalReInit:
			err = need(len(list) == 1, "M-077")
		case ProposalExternalInit:
			err = need(external, "M-078")
		case ProposalGroupContextExtensions:
			contexts++
			err = need(contexts == 1, "M-076")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkTypes: every member that will process the commit supports the types of its proposals; those
// that the commit removes need not (§12.2, M-079).
func (g *Group) checkTypes(list []item) error {
	var types []uint16
	gone := map[uint32]bool{}
	for _, q := range list {
		t := uint16(q.p.typ)
		if !defaultProposal(t) && !slices.Contains(types, t) {
			types = append(types, t)
		}
		switch q.p.typ {
		case ProposalRemove:
			gone[q.p.removed] = true
		case ProposalSelfRemove:
			gone[q.index] = true
		}
	}
	if types == nil || g.light != nil {
		return nil
	}
	var err error
	g.tree.leaves(func(i uint32, l *leafNode) bool {
		for _, t := range types {
			if err == nil {
				err = need(gone[i] || l.caps.proposal(t), "M-079")
			}
		}
		return err == nil
	})
	return err
}

// validateExternal is the list of §12.2 for external commits.
func validateExternal(list []item) error {
	inits, removes := 0, 0
	for _, q := range list {
		if err := refuse(q.byRef && q.p.typ != ProposalSelfRemove, "M-093"); err != nil {
			return err
		}
		switch q.p.typ {
		case ProposalExternalInit:
			inits++
		case ProposalRemove:
			removes++
		case ProposalPSK, ProposalSelfRemove:
		default:
			if err := refuse(true, "M-092"); err != nil {
				return err
			}
		}
	}
	if err := refuse(inits != 1, "M-090"); err != nil {
		return err
	}
	return need(removes <= 1, "M-091")
}

// applied is the outcome of a proposal list.
type applied struct {
	tree        *tree
	exts        []Extension
	extsChanged bool
	added       []joiner
	isAdded     map[uint32]bool
	updated     map[uint32]bool
	removed     []uint32 // leaf indexes before the commit
	selfRemoved []uint32
	needPath    bool
	psk         []byte // psk_secret
	pskIDs      []pskID
	kem         []byte // of ExternalInit
	reinit      *reInit
}
type joiner struct {
	leaf uint32
	kp   *keyPackage
}

// joined is who comes in by Add proposals.
func (a *applied) joined() (list []Member) {
	for _, j := range a.added {
		list = append(list, memberOf(j.leaf, j.kp.leaf))
	}
	return list
}

// gone says whether the leaf was removed.
func (a *applied) gone(leaf uint32) bool {
	return slices.Contains(a.removed, leaf) || slices.Contains(a.selfRemoved, leaf)
}

// apply carries out a validated list in the order of §12.3 and checks the resulting tree.
func (g *Group) apply(list []item) (*applied, error) {
	a := &applied{tree: g.tree.clone(), exts: g.ctx.exts, isAdded: map[uint32]bool{}, updated: map[uint32]bool{}}
	t := a.tree
	var psks [][]byte
	var changed []uint32
	for _, q := range list {
		a.needPath = a.needPath || q.p.needsPath()
		switch q.p.typ {
		case ProposalGroupContextExtensions:
			a.exts, a.extsChanged = q.p.exts, true
		case ProposalUpdate:
			t.update(q.index, q.p.leaf)
			a.updated[q.index] = true
			changed = append(changed, q.index)
		case ProposalPSK:
			k, err := g.pskOf(&q.p.psk)
			if err != nil {
				return nil, err
			}
			psks, a.pskIDs = append(psks, k), append(a.pskIDs, q.p.psk)
		case ProposalExternalInit:
			a.kem = q.p.kem
		case ProposalReInit:
			a.reinit = q.p.reinit.clone()
		}
	}
	for _, q := range list {
		switch q.p.typ {
		case ProposalRemove:
			t.remove(q.p.removed)
			a.removed = append(a.removed, q.p.removed)
		case ProposalSelfRemove:
			t.remove(q.index)
			a.selfRemoved = append(a.selfRemoved, q.index)
		}
	}
	t.truncate()
	for _, q := range list {
		if q.p.typ != ProposalAdd {
			continue
		}
		if t.full() {
			return nil, broken("M-045")
		}
		i := t.add(q.p.kp.leaf.detach())
		a.isAdded[i] = true
		a.added = append(a.added, joiner{i, q.p.kp})
		changed = append(changed, i)
	}
	a.psk = g.s.pskSecret(a.pskIDs, psks)
	if err := t.checkFresh(changed); err != nil {
		return nil, err
	}
	switch {
	case a.extsChanged:
		return a, t.checkSupport(a.exts, nil)
	case len(changed) > 0:
		return a, t.checkSupport(a.exts, changed)
	}
	return a, nil
}

// pskOf finds a pre-shared key (M-083).
func (g *Group) pskOf(p *pskID) ([]byte, error) {
	if p.typ == pskExternal {
		if k, ok := g.psks[string(p.id)]; ok {
			return k, nil
		}
	} else if bytes.Equal(p.gid, g.ctx.groupID) {
		if k, ok := g.resumption[p.epoch]; ok {
			return k, nil
		}
	} else if g.parent != nil && bytes.Equal(p.gid, g.parent.ctx.groupID) {
		return g.parent.resumption[p.epoch], nil
	}
	return nil, brokenBy("M-083", ErrUnknownPSK)
}

// checkFresh: the changed leaves' keys are nobody else's (M-027, M-028). The rest of the tree is
// known to be free of duplicates; where one turns up, a closer look tells of what kind it is.
func (t *tree) checkFresh(changed []uint32) error {
	if len(changed) == 0 {
		return nil
	}
	var w wanted
	isNew := make(map[uint32]bool, len(changed))
	for _, i := range changed {
		l := t.leaf(i)
		if w.has(l.encKey) || w.has(l.sigKey) {
			return t.checkUnique()
		}
		w.add(l.encKey)
		w.add(l.sigKey)
		isNew[2*i] = true
	}
	if _, ok := t.findKey(&w, true, isNew); ok {
		return t.checkUnique()
	}
	return nil
}

// checkPathKeys: the keys of an update path are distinct and stand nowhere in the tree (M-103).
func (t *tree) checkPathKeys(keys [][]byte) error {
	var w wanted
	for _, k := range keys {
		if fails(w.has(k), "M-103") {
			return broken("M-103")
		}
		w.add(k)
	}
	_, ok := t.findKey(&w, false, nil)
	return refuse(ok, "M-103")
}
