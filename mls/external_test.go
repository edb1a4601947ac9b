package mls

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// outside makes an external commit from a GroupInfo.
func (p *person) outside(t *testing.T, info []byte, edit func(*ExternalOptions)) ([]byte, *Group) {
	t.Helper()
	o := ExternalOptions{Signer: p.sign, Credential: NewBasic([]byte(p.name))}
	if edit != nil {
		edit(&o)
	}
	msg, g, err := JoinExternal(info, nil, o)
	if err != nil {
		t.Fatalf("joining from outside: %v", err)
	}
	return msg, g
}

// everyone lets all members process an external commit and go on from there. Those removed are out.
func (w *world) everyone(t *testing.T, msg []byte) (last CommitReceived) {
	t.Helper()
	for i, g := range w.g {
		if g == nil {
			continue
		}
		r, err := g.Process(msg, t0)
		if err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
		last = r.(CommitReceived)
		w.g[i] = last.Next
	}
	return last
}

// A member that lost its state comes back from outside: one commit takes its old leaf out, puts the
// new one in, and carries out the leaving of others. Everybody is told who was replaced.
func TestRejoin(t *testing.T) {
	for _, s := range built(X25519AES, XWing) {
		w := newWorld(t, s, 6)
		for _, i := range []int{0, 3, 5} {
			w.commit(i, CommitOptions{})
		}
		w.everywhere(2, must(w.g[2].ProposeSelfRemove(nil)))
		w.everywhere(4, must(w.g[4].ProposeSelfRemove(nil)))
		leaving := w.g[0].Leaving()
		if len(leaving) != 2 || leaving[0].Leaf != 2 || leaving[1].Leaf != 4 {
			t.Fatalf("got %+v, want leaves 2 and 4", leaving)
		}
		lost := w.by[5]
		msg, g := lost.outside(t, must(w.g[0].GroupInfo(true, true)), func(o *ExternalOptions) {
			o.Remove, o.Leaving = new(uint32(5)), leaving
		})
		// Nobody else may open what was sent before the loss; the lost member's old state sees its end.
		r := must(w.g[5].Process(msg, t0)).(CommitReceived)
		if !r.RemovedSelf || r.Next != nil {
			t.Errorf("the lost state: got %+v", r)
		}
		for _, i := range []int{2, 4} {
			if r := must(w.g[i].Process(msg, t0)).(CommitReceived); !r.RemovedSelf {
				t.Errorf("leaver %d: got %+v", i, r)
			}
			w.g[i] = nil
		}
		w.g[5] = nil
		r = w.everyone(t, msg)
		if !r.External || r.Replaced != 5 || !slices.Equal(r.Removed, []uint32{5}) || !slices.Equal(r.SelfRemoved, []uint32{2, 4}) || r.Rotated != nil {
			t.Errorf("got %+v", r)
		}
		m := must(r.Next.Member(r.Committer))
		if !bytes.Equal(m.SignatureKey, lost.sign.Public()) || r.Next.Size() != 4 {
			t.Errorf("got %d members and committer %d", r.Next.Size(), r.Committer)
		}
		w.g[5] = g
		w.agree()
		w.talk()
		w.commit(5, CommitOptions{})
		w.commit(0, CommitOptions{})
	}
}

// The old leaf may be among the leavers too: the joiner's Remove stands for it.
func TestRejoinOfLeaver(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	w.everywhere(3, must(w.g[3].ProposeSelfRemove(nil)))
	msg, g := w.by[3].outside(t, must(w.g[0].GroupInfo(true, true)), func(o *ExternalOptions) {
		o.Remove, o.Leaving = new(uint32(3)), w.g[0].Leaving()
	})
	w.g[3] = nil
	if r := w.everyone(t, msg); r.Replaced != 3 || r.SelfRemoved != nil {
		t.Errorf("got %+v", r)
	}
	w.g[3] = g
	w.agree()
	w.talk()
	// A joiner without an old leaf replaces nobody.
	msg, g = newPerson(X25519AES, "new").outside(t, must(w.g[0].GroupInfo(true, true)), nil)
	if r := w.everyone(t, msg); r.Replaced != NoSender {
		t.Errorf("got %+v", r)
	}
	w.g = append(w.g, g)
	w.agree()
}

// A GroupInfo that is too old leads to a commit that nobody takes and that harms nobody.
func TestExternalStale(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	info := must(w.g[0].GroupInfo(true, true))
	w.commit(1, CommitOptions{})
	p := newPerson(X25519AES, "late")
	msg, _ := p.outside(t, info, nil)
	for i, g := range w.g {
		if _, err := g.Process(msg, t0); !errors.Is(err, ErrStaleEpoch) {
			t.Errorf("member %d: got %v, want ErrStaleEpoch", i, err)
		}
	}
	msg, g := p.outside(t, must(w.g[2].GroupInfo(true, true)), nil)
	w.everyone(t, msg)
	w.g, w.by = append(w.g, g), append(w.by, p)
	w.agree()
	w.talk()
}

// Two from outside at once: the first in the log wins, the other tries again with news.
func TestExternalRace(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	w.commit(2, CommitOptions{})
	info := must(w.g[0].GroupInfo(true, true))
	a, b := newPerson(X25519AES, "a"), newPerson(X25519AES, "b")
	first, ga := a.outside(t, info, nil)
	second, gb := b.outside(t, info, nil)
	w.everyone(t, first)
	w.g, w.by = append(w.g, ga), append(w.by, a)
	for i, g := range append(slices.Clone(w.g), gb) {
		if _, err := g.Process(second, t0); !errors.Is(err, ErrStaleEpoch) {
			t.Errorf("member %d: got %v, want ErrStaleEpoch", i, err)
		}
	}
	// The loser's own state is of an epoch that never was: it can open nothing and does no harm.
	if _, err := gb.Process(must(w.g[0].Encrypt(nil, nil)), t0); !errors.Is(err, ErrInvalid) {
		t.Errorf("loser reads: got %v, want ErrInvalid", err)
	}
	again, gb := b.outside(t, must(w.g[1].GroupInfo(true, true)), nil)
	w.everyone(t, again)
	w.g, w.by = append(w.g, gb), append(w.by, b)
	w.agree()
	w.talk()
	// Against a member's commit of the same epoch as well.
	msg, _ := newPerson(X25519AES, "c").outside(t, must(w.g[1].GroupInfo(true, true)), nil)
	w.commit(0, CommitOptions{})
	w.refused(t, "M-051", -1, msg)
	w.alive()
}

// A GroupInfo that mixes epochs: refused by the joiner where it can know, by the members where not.
func TestExternalMixedEpochs(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	defer w.alive()
	old := must(w.g[0].GroupInfo(false, true))
	oldTree := w.g[0].Tree()
	w.commit(1, CommitOptions{})
	p := newPerson(X25519AES, "late")
	o := ExternalOptions{Signer: p.sign, Credential: NewBasic(nil)}
	_, _, err := JoinExternal(old, w.g[0].Tree(), o)
	broke(t, "M-040", err)
	_, _, err = JoinExternal(must(w.g[0].GroupInfo(false, true)), oldTree, o)
	broke(t, "M-040", err)
	forge := func(edit func(*groupInfo)) []byte { // by a member, who signs what it likes
		gi := must(parseMessage(must(w.g[0].GroupInfo(true, true)))).info
		edit(gi)
		gi.sig = must(w.g[0].signer.sign("GroupInfoTBS", gi.toBeSigned()))
		m := header(WireGroupInfo)
		m.raw(gi.bytes())
		return m.b
	}
	for name, x := range map[string]struct {
		rule string
		edit func(*groupInfo)
	}{
		"tag":        {"M-108", func(gi *groupInfo) { gi.tag = make([]byte, 32) }},
		"transcript": {"M-052", func(gi *groupInfo) { gi.ctx.confirmed = make([]byte, 32) }}, // the signature is over the context
		"epoch":      {"M-051", func(gi *groupInfo) { gi.ctx.epoch++ }},
		"group":      {"M-050", func(gi *groupInfo) { gi.ctx.groupID = []byte("other") }},
		"external-pub": {"M-108", func(gi *groupInfo) {
			old := must(parseMessage(old)).info
			ext, _ := findExtension(old.exts, ExtExternalPub)
			for i := range gi.exts {
				if gi.exts[i].Type == ExtExternalPub {
					gi.exts[i].Data = ext
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "group" { // the leaves' signatures name the group, so only a cold tree gets that far
				v := w
				w = newWorld(t, X25519AES, 3)
				defer func() { w = v }()
			}
			msg, _ := p.outside(t, forge(x.edit), nil)
			w.refused(t, x.rule, -1, msg)
		})
	}
}

// Proposals that a joiner was told of and that do not stand up.
func TestExternalLeavingRefused(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	defer w.alive()
	w.everywhere(2, must(w.g[2].ProposeSelfRemove(nil)))
	info := must(w.g[0].GroupInfo(true, true))
	p := newPerson(X25519AES, "late")
	for _, leaf := range []uint32{4, 5, 1 << 31, NoSender} {
		_, _, err := JoinExternal(info, nil, ExternalOptions{Signer: p.sign, Credential: NewBasic(nil), Leaving: []Leaving{{leaf, nil}}})
		broke(t, "M-088", err)
	}
	twice := append(w.g[0].Leaving(), w.g[0].Leaving()...)
	_, _, err := JoinExternal(info, nil, ExternalOptions{Signer: p.sign, Credential: NewBasic(nil), Leaving: twice})
	broke(t, "M-072", err)
	msg, _ := p.outside(t, info, func(o *ExternalOptions) { o.Leaving = []Leaving{{2, []byte("made up")}} })
	w.refused(t, "M-085", -1, msg)
	wrong := w.g[0].Leaving()
	wrong[0].Leaf = 1 // the reference of one, the leaf of another: the trees differ
	msg, _ = p.outside(t, info, func(o *ExternalOptions) { o.Leaving = wrong })
	for i, g := range w.g {
		if i == 2 {
			continue // it is removed, and takes the others' word for the rest
		}
		if _, err := g.Process(msg, t0); !errors.Is(err, ErrInvalid) {
			t.Errorf("member %d: got %v, want ErrInvalid", i, err)
		}
	}
}

// The digest is the same for all members of an epoch and no others.
func TestDigest(t *testing.T) {
	w := newWorld(t, X25519AES, 3)
	seen := map[[8]byte]bool{}
	for range 3 {
		d := w.g[0].Digest()
		for i, g := range w.g {
			if g.Digest() != d {
				t.Errorf("member %d: got another digest", i)
			}
		}
		if seen[d] {
			t.Error("two epochs share a digest")
		}
		if bytes.Equal(d[:], w.g[0].EpochAuthenticator()[:8]) {
			t.Error("the digest gives the authenticator away")
		}
		seen[d] = true
		w.commit(1, CommitOptions{})
	}
	a, b := must(w.g[0].Commit(CommitOptions{})), must(w.g[1].Commit(CommitOptions{}))
	if a.Next.Digest() == b.Next.Digest() {
		t.Error("rival epochs share a digest")
	}
}
