package mls

import (
	"errors"
	"slices"
	"testing"
)

// public frames content from a member as a signed and tagged PublicMessage.
func (g *Group) public(typ ContentType, body []byte, edit func(*authContent)) []byte {
	a := &authContent{wire: WirePublic, c: content{g.ctx.groupID, g.ctx.epoch, senderMember, g.me, nil, typ, body}}
	if edit != nil {
		edit(a)
	}
	a.sig = must(g.signer.sign("FramedContentTBS", a.toBeSigned(g.context)))
	return must(g.frame(a))
}

// removal is an encoded Remove proposal.
func removal(i uint32) *proposal {
	return (&proposal{typ: ProposalRemove, removed: i}).encode()
}

// What is wrong with a message before anything is made of its content (§6, §9).
func TestRuleMessage(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	from, to := w.g[1], w.g[0]
	process := func(b []byte) error { _, err := to.Process(b, t0); return err }
	flipped := func(b []byte, at int) []byte {
		c := slices.Clone(b)
		if at < 0 {
			at += len(c)
		}
		c[at] ^= 1
		return c
	}
	t.Run("M-050", func(t *testing.T) {
		other := newWorld(t, X25519AES, 2, func(o *GroupOptions) { o.GroupID = []byte("other") })
		err := process(must(other.g[1].Encrypt(nil, nil)))
		broke(t, "M-050", err)
		if !errors.Is(err, ErrOtherGroup) {
			t.Errorf("got %v, want ErrOtherGroup", err)
		}
		broke(t, "M-050", process(other.g[1].public(ContentProposal, removal(0).raw, nil)))
	})
	t.Run("M-051", func(t *testing.T) {
		m := must(from.Encrypt(nil, nil))
		next := must(to.Commit(CommitOptions{})).Next
		_, err := next.Process(m, t0)
		broke(t, "M-051", err)
		if !errors.Is(err, ErrStaleEpoch) {
			t.Errorf("got %v, want ErrStaleEpoch", err)
		}
		err = process(must(next.Encrypt(nil, nil)))
		broke(t, "M-051", err)
		if !errors.Is(err, ErrFutureEpoch) {
			t.Errorf("got %v, want ErrFutureEpoch", err)
		}
	})
	t.Run("M-052", func(t *testing.T) {
		g := *from
		g.signer = must(NewSigner(X25519AES))
		broke(t, "M-052", process(must(g.Encrypt([]byte("x"), nil))))
		broke(t, "M-052", process(g.public(ContentProposal, removal(2).raw, nil)))
	})
	t.Run("M-053", func(t *testing.T) {
		broke(t, "M-053", process(flipped(from.public(ContentProposal, removal(2).raw, nil), -1)))
	})
	t.Run("M-054", func(t *testing.T) {
		broke(t, "M-054", process(from.public(ContentApplication, []byte("x"), nil)))
	})
	private := func(leaf, gen uint32, k keyNonce, plain []byte) []byte {
		a := must(from.sign(ContentApplication, []byte("x"), nil))
		return must(from.s.sealPrivate(a, from.es.senderData, leaf, gen, k, plain))
	}
	t.Run("M-055", func(t *testing.T) {
		k := keyNonce{make([]byte, from.s.nk), make([]byte, nonceLen)}
		for _, leaf := range []uint32{4, 1 << 31, NoSender} {
			broke(t, "M-055", process(private(leaf, 0, k, nil)))
		}
		broke(t, "M-055", process(from.public(ContentProposal, removal(2).raw, func(a *authContent) { a.c.index = 4 })))
	})
	t.Run("M-056", func(t *testing.T) {
		broke(t, "M-056", process(from.public(ContentProposal, removal(2).raw, func(a *authContent) { a.c.sender = senderNewProposal })))
		broke(t, "M-056", process(from.public(ContentProposal, removal(2).raw, func(a *authContent) { a.c.sender = senderNewCommit })))
		broke(t, "M-056", process(from.public(ContentCommit, []byte{0, 0}, func(a *authContent) { a.c.sender = senderNewProposal })))
	})
	t.Run("M-057", func(t *testing.T) {
		outside := newPerson(X25519AES, "outside")
		var ext writer
		ext.sub(func(w *writer) { w.vec(outside.sign.pub); w.raw(NewBasic([]byte("outside")).raw) })
		g := newWorld(t, X25519AES, 2, func(o *GroupOptions) { o.Extensions = []Extension{{ExtExternalSenders, ext.b}} }).g[0]
		send := func(typ ContentType, body []byte, index uint32) error {
			o := *g
			o.signer = outside.sign
			_, err := g.Process(o.public(typ, body, func(a *authContent) { a.c.sender, a.c.index = senderExternal, index }), t0)
			return err
		}
		if err := send(ContentProposal, removal(1).raw, 0); err != nil {
			t.Errorf("allowed: got %v", err)
		}
		broke(t, "M-057", send(ContentProposal, removal(1).raw, 1))
		broke(t, "M-057", send(ContentCommit, []byte{0, 0}, 0))
		broke(t, "M-057", send(ContentProposal, (&proposal{typ: ProposalSelfRemove}).encode().raw, 0))
		broke(t, "M-057", send(ContentProposal, (&proposal{typ: ProposalUpdate, leaf: outside.leaf(nil)}).encode().raw, 0))
		// A group without the extension has no external senders at all.
		broke(t, "M-057", process(from.public(ContentProposal, removal(2).raw, func(a *authContent) { a.c.sender, a.c.index = senderExternal, 0 })))
	})
	t.Run("M-058", func(t *testing.T) {
		broke(t, "M-058", process(padded(t, from, 1)))
		broke(t, "M-058", process(padded(t, from, 0, 0, 1)))
		if err := process(padded(t, from, 0, 0, 0)); err != nil {
			t.Errorf("zeros: got %v", err)
		}
	})
	t.Run("M-059", func(t *testing.T) {
		m := must(from.Encrypt([]byte("x"), nil))
		p := must(parseMessage(m)).private
		for at := len(m) - len(p.enc) - len(p.senderData) - 2; at < len(m); at += 7 {
			if err := process(flipped(m, at)); !errors.Is(err, ErrInvalid) {
				t.Errorf("byte %d changed: got %v", at, err)
			}
		}
		broke(t, "M-059", process(flipped(m, -1)))
		broke(t, "M-059", process(flipped(m, len(m)-len(p.enc)-4)))
		if err := process(m); err != nil {
			t.Errorf("the true message after its forgeries: got %v", err)
		}
	})
	t.Run("M-060", func(t *testing.T) {
		m := must(from.Encrypt([]byte("x"), nil))
		if err := process(m); err != nil {
			t.Fatal(err)
		}
		err := process(m)
		broke(t, "M-060", err)
		if !errors.Is(err, ErrReplay) {
			t.Errorf("got %v, want ErrReplay", err)
		}
		for range GenerationsAheadMax {
			must(from.Encrypt(nil, nil))
		}
		edge, past := must(from.Encrypt([]byte("edge"), nil)), must(from.Encrypt(nil, nil))
		err = process(past)
		broke(t, "M-060", err)
		if !errors.Is(err, ErrGenerationTooFar) {
			t.Errorf("one past: got %v, want ErrGenerationTooFar", err)
		}
		if err := process(edge); err != nil {
			t.Errorf("at the limit: got %v", err)
		}
		if err := process(past); err != nil {
			t.Errorf("now near enough: got %v", err)
		}
	})
	t.Run("own", func(t *testing.T) {
		for _, m := range [][]byte{must(to.Encrypt(nil, nil)), to.public(ContentProposal, removal(2).raw, nil)} {
			if err := process(m); !errors.Is(err, ErrOwnMessage) {
				t.Errorf("got %v, want ErrOwnMessage", err)
			}
		}
	})
}

// padded is a message of a member whose padding is what the test says.
func padded(t *testing.T, from *Group, pad ...byte) []byte {
	t.Helper()
	a := must(from.sign(ContentApplication, []byte("x"), nil))
	k, gen, err := from.secrets.next(ratchetID{1, true})
	if err != nil {
		t.Fatal(err)
	}
	var plain writer
	plain.vec(a.c.body)
	a.writeAuth(&plain)
	return must(from.s.sealPrivate(a, from.es.senderData, 1, gen, k, append(plain.b, pad...)))
}
