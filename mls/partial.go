package mls

import (
	"bytes"
	"slices"
	"time"
)

// Partial MLS as others speak it (draft-ietf-mls-partial): commits of a group without slices reach
// a light member with annotations that anybody with the tree can make. Groups of ours above 256
// leaves use sliced commits instead.

// annotatedCommit is AnnotatedCommit.
type annotatedCommit struct {
	commit        []byte // MLSMessage
	sender        *proof // before the commit; nil when absent
	hash          []byte
	resolution    *uint32 // which ciphertext of the path node; nil without path
	senderAfter   *proof
	receiverAfter *proof
}

func parseAnnotatedCommit(b []byte) (*annotatedCommit, error) {
	if len(b) > MessageBytesMax {
		return nil, broken("M-007")
	}
	r := &reader{b: b}
	a := &annotatedCommit{}
	r.message()
	a.commit = r.since(b)
	if r.opt() {
		a.sender = r.proof()
	}
	a.hash = r.vec()
	if r.opt() {
		i := r.u32()
		a.resolution = &i
	}
	a.senderAfter, a.receiverAfter = r.proof(), r.proof()
	return a, r.end()
}
func (a *annotatedCommit) bytes() []byte {
	var w writer
	w.raw(a.commit)
	w.opt(a.sender != nil)
	if a.sender != nil {
		w.proof(a.sender)
	}
	w.vec(a.hash)
	w.opt(a.resolution != nil)
	if a.resolution != nil {
		w.u32(*a.resolution)
	}
	w.proof(a.senderAfter)
	w.proof(a.receiverAfter)
	return w.b
}

// ProcessAnnotated is Process of an AnnotatedCommit by a light member. ErrArgument: for a member
// that has the tree, which needs no annotations.
func (g *Group) ProcessAnnotated(annotated []byte, now time.Time) (Received, error) {
	if g.light == nil {
		return nil, ErrArgument
	}
	x, err := parseAnnotatedCommit(slices.Clone(annotated))
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(x.commit)
	if err != nil {
		return nil, err
	}
	if x.sender != nil {
		if err := g.Learn(x.sender.bytes()); err != nil {
			return nil, err
		}
	}
	a, u, err := g.open(m, nil, nil)
	if err != nil {
		return nil, err
	}
	if a.c.typ != ContentCommit {
		return nil, broken("M-006")
	}
	r := reader{b: a.c.body}
	c := r.commitBody()
	if (x.sender != nil) != (a.c.sender == senderMember) || x.sender != nil && x.sender.leaf != a.c.index || (c.path != nil) != (x.resolution != nil) {
		return nil, broken("M-162")
	}
	u.commit()
	out, err := g.receiveLight(a, c, x.follow(g, c), now)
	if o, ok := out.(CommitReceived); ok && o.Next != nil {
		if x.receiverAfter.leaf != g.me || !bytes.Equal(x.receiverAfter.l.raw, o.Next.light.known[g.me].raw) ||
			x.senderAfter.n != x.receiverAfter.n || !bytes.Equal(x.senderAfter.root(g.s), x.hash) || !bytes.Equal(x.receiverAfter.root(g.s), x.hash) {
			return nil, broken("M-162")
		}
	}
	return out, err
}

func (x *annotatedCommit) follow(g *Group, c *commitBody) *follow {
	f := &follow{hash: slices.Clone(x.hash), n: x.receiverAfter.n, committer: x.senderAfter.leaf}
	f.secret = func(next *Group) ([]byte, error) {
		return next.annotatedSecret(c.path, *x.resolution, x.senderAfter, x.receiverAfter, next.ctx.bytes())
	}
	return f
}

// annotatedSecret opens a path by where the annotations say the secret is. g is the next state,
// context its encoded GroupContext with the transcript hash of the old.
func (g *Group) annotatedSecret(up *updatePath, resolution uint32, sender, own *proof, context []byte) ([]byte, error) {
	if own.leaf != g.me || sender.leaf == g.me || sender.n != own.n {
		return nil, broken("M-162")
	}
	k := 0 // the place of the common ancestor among the sender's nodes that are not blank
	for i, x := range sender.path() {
		if under(x, 2*g.me) {
			if sender.nodes[i] == nil {
				return nil, broken("M-162")
			}
			break
		}
		if sender.nodes[i] != nil {
			k++
		}
	}
	if k >= len(up.nodes) || int(resolution) >= len(up.nodes[k].cts) {
		return nil, broken("M-162")
	}
	path := own.path()
	key, _ := g.topKey(sender.leaf, func(x uint32) bool {
		n := own.nodes[slices.Index(path, x)]
		return n != nil && bytes.Equal(n.key, g.priv[x].PublicKey().Bytes())
	})
	if key == nil {
		return nil, broken("M-107")
	}
	secret, err := g.s.decrypt(key, labelled("UpdatePathNode", context), up.nodes[k].cts[resolution])
	if err != nil {
		return nil, broken("M-107")
	}
	return own.install(g.s, g.priv, sender.leaf, secret)
}
