package mls

import "bytes"

// Rotation: a commit may give its maker's leaf another signature key and credential (§7.3, §12.4).
// The commit itself is signed with the old key, which is the one that the others know; the leaf
// inside with the new one, and so is everything from the next epoch on. Where such a commit loses
// its race, the old Group goes on with the old key, so keep the old Signer until one has won.

// rotate takes the new key and credential over from a commit's options.
func (st *staging) rotate(g *Group, o *CommitOptions) error {
	if o.Signer != nil {
		if o.Signer.s != g.s {
			return ErrSigner
		}
		st.signer, st.forcePath = o.Signer, true
	}
	if o.Credential != nil {
		if len(o.Credential.raw) == 0 {
			return ErrArgument
		}
		st.cred, st.forcePath = *o.Credential, true
	}
	return nil
}
func (st *staging) rotates() bool { return st.signer != nil || st.cred.raw != nil }

// rotated is the committer's leaf with what is new in it, unsigned. next is the next state.
func (st *staging) rotated(next *Group, old *leafNode) *leafNode {
	l := *old
	if st.signer != nil {
		next.signer, l.sigKey = st.signer, st.signer.pub
	}
	if st.cred.raw != nil {
		l.cred = st.cred
	}
	return &l
}

// checkRotated refuses what receivers of the commit would refuse of the leaf.
func (g *Group) checkRotated() error {
	me := []uint32{g.me}
	if err := g.tree.leaf(g.me).check(g.s); err != nil {
		return err
	}
	if err := g.tree.checkFresh(me); err != nil {
		return err
	}
	return g.tree.checkSupport(g.ctx.exts, me)
}

// rotatedLeaves lists, in order, who of both trees has another signature key or credential in the
// second; only leaves in among can have.
func rotatedLeaves(old, now *tree, among []uint32) (out []uint32) {
	for _, i := range among {
		if a, b := old.leaf(i), now.leaf(i); a != nil && b != nil &&
			(!bytes.Equal(a.sigKey, b.sigKey) || !bytes.Equal(a.cred.raw, b.cred.raw)) {
			out = append(out, i)
		}
	}
	return out
}
