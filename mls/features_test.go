package mls

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A join from outside, in every suite: the newcomer, the members, a rejoin that replaces the old leaf.
func TestExternalJoin(t *testing.T) {
	for _, s := range built(X25519AES, P256AES, XWing) {
		w := newWorld(t, s, 4)
		w.commit(2, CommitOptions{})
		join := func(p *person, remove *uint32) CommitReceived {
			msg, g, err := JoinExternal(must(w.g[0].GroupInfo(true, true)), nil, ExternalOptions{
				Signer: p.sign, Credential: NewBasic([]byte(p.name)), AAD: []byte("aad"), Remove: remove})
			if err != nil {
				t.Fatal(err)
			}
			var last CommitReceived
			for i, h := range w.g {
				r, err := h.Process(msg, t0)
				if err != nil {
					t.Fatalf("member %d: %v", i, err)
				}
				last = r.(CommitReceived)
				if last.Next != nil {
					w.g[i] = last.Next
				}
			}
			w.g, w.by = append(w.g, g), append(w.by, p)
			return last
		}
		p := newPerson(s, "outside")
		r := join(p, nil)
		if !r.External || r.Committer != 4 || !slices.Equal(r.Added, []uint32{4}) || string(r.AAD) != "aad" {
			t.Errorf("got %+v", r)
		}
		w.agree()
		w.talk()
		// The newcomer loses its state and comes back, removing the leaf it had.
		old := w.g[4].OwnIndex()
		w.g, w.by = w.g[:4], w.by[:4]
		r = join(p, &old)
		if r.Committer != 4 || !slices.Equal(r.Removed, []uint32{4}) {
			t.Errorf("rejoin: got %+v", r)
		}
		w.agree()
		w.talk()
		w.commit(4, CommitOptions{})
		w.add(4, 2)
		w.talk()
	}
}

// The tree may travel beside the GroupInfo.
func TestExternalJoinTreeApart(t *testing.T) {
	w := newWorld(t, XWing, 3)
	p := newPerson(XWing, "outside")
	o := ExternalOptions{Signer: p.sign, Credential: NewBasic(nil)}
	info := must(w.g[0].GroupInfo(false, true))
	if _, _, err := JoinExternal(info, nil, o); err == nil {
		t.Error("joined without a tree")
	}
	if _, _, err := JoinExternal(info, w.g[0].Tree(), o); err != nil {
		t.Errorf("got %v", err)
	}
}

// SelfRemove: announced by one, carried out by another.
func TestSelfRemove(t *testing.T) {
	w := newWorld(t, XWing, 4)
	m := must(w.g[2].ProposeSelfRemove([]byte("bye")))
	for i, g := range w.g {
		if i == 2 {
			continue
		}
		r := must(g.Process(m, t0)).(ProposalReceived)
		if r.Kind != ProposalSelfRemove || r.Sender != 2 || r.Leaf != 2 || string(r.AAD) != "bye" {
			t.Errorf("got %+v", r)
		}
	}
	// Its own commits leave it out, since nobody can commit its own removal.
	if p := must(w.g[2].Commit(CommitOptions{UsePending: true})); p.Next.Size() != 4 {
		t.Errorf("own commit: got %d members, want 4", p.Next.Size())
	}
	p := must(w.g[0].Commit(CommitOptions{UsePending: true}))
	r := must(w.g[2].Process(p.Message, t0)).(CommitReceived)
	if !r.RemovedSelf || r.Next != nil || !slices.Equal(r.SelfRemoved, []uint32{2}) || len(r.Removed) != 0 {
		t.Errorf("leaver got %+v", r)
	}
	w.g[2] = nil
	w.deliver(0, p)
	w.agree()
	w.talk()
	if _, err := w.g[0].Member(2); !errors.Is(err, ErrNotMember) {
		t.Errorf("got %v, want ErrNotMember", err)
	}
}

// Proposals by reference: add, remove, update; the committer picks those that fit together.
func TestPendingProposals(t *testing.T) {
	w := newWorld(t, X25519AES, 5)
	p := newPerson(X25519AES, "new")
	kp, sec := p.keyPackage()
	w.everywhere(1, must(w.g[1].ProposeAdd(kp, nil, t0)))
	w.everywhere(2, must(w.g[2].ProposeUpdate(nil)))
	w.everywhere(3, must(w.g[3].ProposeUpdate(nil)))
	w.everywhere(1, must(w.g[1].ProposeRemove(3, nil))) // clashes with 3's update, and wins
	w.everywhere(4, must(w.g[4].ProposeAdd(kp, nil, t0)))
	before := w.g[2].tree.leaf(2).encKey
	c := must(w.g[0].Commit(CommitOptions{UsePending: true, Now: t0}))
	r := must(w.g[3].Process(c.Message, t0)).(CommitReceived)
	if !r.RemovedSelf {
		t.Errorf("got %+v", r)
	}
	w.g[3] = nil
	r = must(w.g[1].Process(c.Message, t0)).(CommitReceived)
	if !slices.Equal(r.Added, []uint32{3}) || !slices.Equal(r.Removed, []uint32{3}) || !slices.Equal(r.Updated, []uint32{2}) {
		t.Errorf("got %+v", r)
	}
	w.g[1] = r.Next
	for _, i := range []int{2, 4} {
		w.g[i] = must(w.g[i].Process(c.Message, t0)).(CommitReceived).Next
	}
	w.g[0] = c.Next
	w.g[3] = must(Join(c.Welcome, JoinOptions{Secret: sec, Signer: p.sign}))
	w.agree()
	if bytes.Equal(before, w.g[2].tree.leaf(2).encKey) {
		t.Error("the update changed nothing")
	}
	w.talk()
	for i := range w.g {
		w.commit(i, CommitOptions{})
	}
}

// External pre-shared keys: who has the key follows, who has not says so and is unharmed.
func TestPSK(t *testing.T) {
	w := newWorld(t, XWing, 3)
	k := PSK{[]byte("id"), []byte("secret")}
	w.g[1].SetPSK(k)
	p := must(w.g[0].Commit(CommitOptions{PSKs: []PSK{k}}))
	if _, err := w.g[2].Process(p.Message, t0); !errors.Is(err, ErrUnknownPSK) {
		t.Errorf("got %v, want ErrUnknownPSK", err)
	}
	w.g[1] = must(w.g[1].Process(p.Message, t0)).(CommitReceived).Next
	if !bytes.Equal(w.g[1].EpochAuthenticator(), p.Next.EpochAuthenticator()) {
		t.Error("epochs differ")
	}
	w.g[0], w.g, w.by = p.Next, w.g[:2], w.by[:2]
	w.talk()
	// The same key with another secret leads elsewhere.
	v := newWorld(t, XWing, 2)
	v.g[1].SetPSK(PSK{k.ID, []byte("wrong")})
	_, err := v.g[1].Process(must(v.g[0].Commit(CommitOptions{PSKs: []PSK{k}})).Message, t0)
	broke(t, "M-108", err)
	// A joiner needs it as well; the key outlives a restart.
	late := newPerson(XWing, "late")
	kp, sec := late.keyPackage()
	c := must(w.g[0].Commit(CommitOptions{Add: []*KeyPackage{kp}, PSKs: []PSK{k}, Now: t0}))
	if _, err := Join(c.Welcome, JoinOptions{Secret: sec, Signer: late.sign}); !errors.Is(err, ErrUnknownPSK) {
		t.Errorf("got %v, want ErrUnknownPSK", err)
	}
	g := must(Restore(w.g[1].Snapshot(), nil))
	w.g[1] = must(g.Process(c.Message, t0)).(CommitReceived).Next
	w.g[0] = c.Next
	w.g, w.by = append(w.g, must(Join(c.Welcome, JoinOptions{Secret: sec, Signer: late.sign, PSKs: []PSK{k}}))), append(w.by, late)
	w.agree()
	w.talk()
}

// Group settings in the GroupContext: required capabilities, changes, and who may be added after.
func TestGroupExtensions(t *testing.T) {
	const feature = 0xff01
	able := func(k *KeyPackageOptions) { k.Capabilities.Extensions = []uint16{feature} }
	w := newWorld(t, XWing, 1, func(o *GroupOptions) { o.Capabilities.Extensions = []uint16{feature} })
	w.add(0, 2, able)
	exts := []Extension{RequiredCapabilities([]uint16{feature}, []uint16{uint16(ProposalSelfRemove)}, nil), {feature, []byte("name")}}
	p := must(w.g[0].Commit(CommitOptions{Extensions: exts}))
	if r := must(w.g[1].Process(p.Message, t0)).(CommitReceived); !r.ExtensionsChanged {
		t.Errorf("got %+v", r)
	} else {
		w.g[1] = r.Next
	}
	w.g[0], w.g[2] = p.Next, must(w.g[2].Process(p.Message, t0)).(CommitReceived).Next
	if got := w.g[2].Extension(feature); string(got) != "name" || len(w.g[2].Extensions()) != 2 {
		t.Errorf("got %q, want name", got)
	}
	w.commit(1, CommitOptions{LeafExtensions: []Extension{{0xff02, []byte("manifest")}}})
	if m := must(w.g[0].Member(1)); len(m.LeafExtensions) != 1 || string(m.LeafExtensions[0].Data) != "manifest" {
		t.Errorf("got %+v", m)
	}
	kp, _ := newPerson(XWing, "plain").keyPackage()
	_, err := w.g[0].Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0})
	broke(t, "M-022", err)
	w.add(2, 1, able)
	w.talk()
}

// A last-resort KeyPackage says so and serves two groups; an ordinary one does not say so.
func TestLastResort(t *testing.T) {
	p := newPerson(XWing, "a")
	kp, sec := p.keyPackage(func(o *KeyPackageOptions) { o.LastResort = true })
	if !kp.LastResort() || !sec.LastResort() {
		t.Error("not marked as last resort")
	}
	if plain, _ := p.keyPackage(); plain.LastResort() {
		t.Error("marked as last resort")
	}
	for i := range 2 {
		q := newPerson(XWing, fmt.Sprint(i))
		c := must(q.found().Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0}))
		if _, err := Join(c.Welcome, JoinOptions{Secret: sec, Signer: p.sign}); err != nil {
			t.Errorf("group %d: %v", i, err)
		}
	}
}

// Messages out of order, within the limits.
func TestOutOfOrder(t *testing.T) {
	w := newWorld(t, XWing, 2)
	var msgs [][]byte
	for i := range 40 {
		msgs = append(msgs, must(w.g[0].Encrypt([]byte{byte(i)}, nil)))
	}
	for _, i := range []int{39, 0, 7, 6, 38, 20} {
		r := must(w.g[1].Process(msgs[i], t0)).(Application)
		if int(r.Data[0]) != i {
			t.Errorf("got %d, want %d", r.Data[0], i)
		}
		if _, err := w.g[1].Process(msgs[i], t0); !errors.Is(err, ErrReplay) {
			t.Errorf("again: got %v, want ErrReplay", err)
		}
	}
}

// Skipped keys are bounded per sender and per group, and it is the oldest that are given up.
func TestSkippedKeysBounded(t *testing.T) {
	s := suiteXWing
	st := newSecretTree(s, 64, random(s.nh))
	for leaf := range uint32(18) {
		id := ratchetID{leaf, true}
		for gen := uint32(GenerationsAheadMax); gen <= 2*GenerationsAheadMax; gen += GenerationsAheadMax {
			u, err := st.look(id, gen)
			if err != nil {
				t.Fatal(err)
			}
			u.commit()
		}
		if n := len(st.ratchets[id].skipped); n > SkippedKeysMax {
			t.Fatalf("one sender: got %d keys, want at most %d", n, SkippedKeysMax)
		}
	}
	n := 0
	for _, r := range st.ratchets {
		n += len(r.skipped)
	}
	if n != SkippedKeysGroupMax || st.skipped != n || len(st.order) > 2*SkippedKeysGroupMax {
		t.Errorf("group: got %d keys (%d counted, %d in order), want %d", n, st.skipped, len(st.order), SkippedKeysGroupMax)
	}
	if _, err := st.look(ratchetID{0, true}, 1999); !errors.Is(err, ErrReplay) {
		t.Errorf("oldest sender: got %v, want its keys gone", err)
	}
	if _, err := st.look(ratchetID{17, true}, 1999); err != nil {
		t.Errorf("newest sender: got %v, want its keys kept", err)
	}
}

// A ReInit ends the group: nothing can be sent after it.
func TestReInit(t *testing.T) {
	w := newWorld(t, XWing, 2)
	p := (&proposal{typ: ProposalReInit, reinit: reInit{[]byte("new"), version, XWing, nil}}).encode()
	r := must(w.g[1].Process(w.evil(0, []item{{p: p}}, nil), t0)).(CommitReceived)
	if !r.Closed || !r.Next.Closed() {
		t.Errorf("got %+v, want closed", r)
	}
	_, e1 := r.Next.Encrypt(nil, nil)
	_, e2 := r.Next.Commit(CommitOptions{})
	_, e3 := r.Next.ProposeSelfRemove(nil)
	for _, err := range []error{e1, e2, e3} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
	if !must(Restore(r.Next.Snapshot(), nil)).Closed() {
		t.Error("open again after a restart")
	}
}

// Resumption secrets of past epochs can be mixed in by others.
func TestResumptionPSK(t *testing.T) {
	w := newWorld(t, XWing, 3)
	w.commit(0, CommitOptions{})
	p := (&proposal{typ: ProposalPSK, psk: pskID{typ: pskResumption, usage: usageApplication, gid: w.g[0].ID(), epoch: 1, nonce: random(32)}}).encode()
	msg := w.evil(1, []item{{p: p}}, nil)
	for _, i := range []int{0, 2} {
		if _, err := w.g[i].Process(msg, t0); err != nil {
			t.Errorf("member %d: %v", i, err)
		}
	}
}

// Secret types print nothing, whatever the verb.
func TestRedacted(t *testing.T) {
	p := newPerson(XWing, "a")
	_, sec := p.keyPackage()
	g := p.found()
	for _, v := range []any{p.sign, sec, g, must(g.Commit(CommitOptions{})), PSK{[]byte("id"), []byte("x")}, Delta{"k", []byte("x")}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			if got := fmt.Sprintf(verb, v); got != "[redacted]" {
				t.Errorf("%s: got %q, want [redacted]", verb, got)
			}
		}
	}
	if err := broken("M-001"); strings.ContainsAny(err.Error(), "\n") {
		t.Error("error text with a line break")
	}
}

// Saved signers and KeyPackage secrets come back the same; damaged ones are refused.
func TestSavedSecrets(t *testing.T) {
	for _, s := range built(X25519AES, P256AES, P384AES, P521AES, XWing) {
		p := newPerson(s, "a")
		b := p.sign.Marshal()
		k := must(ParseSigner(b))
		if !bytes.Equal(k.Public(), p.sign.Public()) || k.Suite() != s {
			t.Errorf("suite %d: another key came back", s)
		}
		_, sec := p.keyPackage()
		kb := sec.Marshal()
		if got := must(ParseKeyPackageSecret(kb)); !bytes.Equal(got.Ref(), sec.Ref()) || got.Suite() != s {
			t.Errorf("suite %d: another KeyPackage came back", s)
		}
		for n := range len(b) {
			if _, err := ParseSigner(b[:n]); !errors.Is(err, ErrState) {
				t.Errorf("signer of %d bytes: got %v", n, err)
			}
		}
		if _, err := ParseSigner(append(b, 0)); !errors.Is(err, ErrState) {
			t.Errorf("signer with a byte more: got %v", err)
		}
		if _, err := ParseKeyPackageSecret(kb[:len(kb)-1]); !errors.Is(err, ErrState) {
			t.Errorf("short secret: got %v", err)
		}
		if _, err := ParseKeyPackageSecret(append(kb, 0)); !errors.Is(err, ErrState) {
			t.Errorf("long secret: got %v", err)
		}
	}
	if _, err := NewSigner(4); !errors.Is(err, ErrSuite) {
		t.Errorf("suite 4: got %v, want ErrSuite", err)
	}
	if Suite(4).Valid() || Suite(6).Valid() || !XWing.Valid() {
		t.Error("Valid is wrong about 4, 6 or X-Wing")
	}
}

// Peek reads heads and nothing else.
func TestPeek(t *testing.T) {
	w := newWorld(t, XWing, 2)
	for _, x := range []struct {
		name    string
		msg     []byte
		wire    WireFormat
		content ContentType
		id      string
	}{
		{"application", must(w.g[0].Encrypt(nil, []byte("aad"))), WirePrivate, ContentApplication, "group"},
		{"commit", must(w.g[0].Commit(CommitOptions{})).Message, WirePrivate, ContentCommit, "group"},
		{"proposal", w.g[0].public(ContentProposal, removal(1).raw, nil), WirePublic, ContentProposal, "group"},
		{"group-info", must(w.g[0].GroupInfo(false, false)), WireGroupInfo, 0, "group"},
		{"key-package", newPerson(XWing, "a").forge(nil, nil), WireKeyPackage, 0, ""},
	} {
		wire, id, epoch, content, err := Peek(x.msg)
		wantEpoch := uint64(1)
		if x.id == "" {
			wantEpoch = 0
		}
		if err != nil || wire != x.wire || content != x.content || string(id) != x.id || epoch != wantEpoch {
			t.Errorf("%s: got %d %q %d %d %v", x.name, wire, id, epoch, content, err)
		}
	}
}
