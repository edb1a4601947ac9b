package mls

import (
	"errors"
	"slices"
	"testing"
)

// The fuzz targets show that no input panics, that what is accepted is encoded the same way again,
// and that a refusal changes nothing. Their seeds are genuine messages of every kind.

func fuzzMessages(f *testing.F) (w *world, msgs [][]byte) {
	f.Helper()
	w = newWorld(f, X25519AES, 3)
	w.commit(1, CommitOptions{})
	p := newPerson(X25519AES, "new")
	kp, _ := p.keyPackage()
	c := must(w.g[1].Commit(CommitOptions{Add: []*KeyPackage{kp}, Remove: []uint32{2}, Now: t0}))
	ext, _, err := JoinExternal(must(w.g[0].GroupInfo(true, true)), nil, ExternalOptions{Signer: p.sign, Credential: NewBasic(nil)})
	if err != nil {
		f.Fatal(err)
	}
	return w, [][]byte{
		kp.Bytes(), c.Message, c.Welcome, ext, must(w.g[1].Encrypt([]byte("text"), []byte("aad"))),
		must(w.g[1].ProposeSelfRemove(nil)), must(w.g[1].ProposeUpdate(nil)), must(w.g[0].GroupInfo(true, true)),
		w.g[1].public(ContentProposal, removal(2).raw, nil),
		w.g[1].public(ContentProposal, add(p.forged(nil, nil)).encode().raw, nil),
		w.evil(1, nil, nil), // an empty commit with a path
		must(w.g[1].ProposeReInit(ReInitOptions{GroupID: []byte("next")})),
		w.g[1].public(ContentProposal, w.g[1].resumes(usageApplication, 1, w.g[1].s).encode().raw, nil),
	}
}

func FuzzProcess(f *testing.F) {
	w, msgs := fuzzMessages(f)
	for _, m := range msgs {
		f.Add(m)
	}
	g := w.g[0]
	snap := g.Snapshot()
	f.Fuzz(func(t *testing.T, b []byte) {
		h := must(Restore(snap, nil))
		_, err := h.Process(b, t0)
		wire, _, _, _, peekErr := Peek(b)
		if err == nil && peekErr != nil {
			t.Errorf("processed what Peek refuses: %v", peekErr)
		}
		if err != nil && wire == WirePublic && !errors.Is(err, ErrOwnMessage) && string(h.Snapshot()) != string(snap) {
			t.Errorf("refused (%v), and the state changed", err)
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	_, msgs := fuzzMessages(f)
	for _, m := range msgs {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
			return
		}
		switch {
		case m.kp != nil:
			w := header(WireKeyPackage)
			w.raw(m.kp.rebuilt())
			if string(w.b) != string(b) {
				t.Error("KeyPackage encodes differently")
			}
		case m.welcome != nil:
			if string(m.welcome.bytes()) != string(b) {
				t.Error("Welcome encodes differently")
			}
		case m.info != nil:
			w := header(WireGroupInfo)
			w.raw(m.info.bytes())
			if string(w.b) != string(b) {
				t.Error("GroupInfo encodes differently")
			}
		}
	})
}

func FuzzParseKeyPackage(f *testing.F) {
	for _, s := range built(X25519AES, P256AES, XWing) {
		f.Add(newPerson(s, "a").forge(nil, nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := ParseKeyPackage(b)
		if err != nil {
			return
		}
		k, err := u.Verify(t0)
		if err == nil && string(k.Bytes()) != string(b) {
			t.Error("a verified KeyPackage encodes differently")
		}
	})
}

func FuzzJoin(f *testing.F) {
	s := X25519AES
	p := newPerson(s, "new")
	kp, sec := p.keyPackage()
	c := must(newPerson(s, "a").found().Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0}))
	bare := must(newPerson(s, "a").found().Commit(CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}))
	f.Add(c.Welcome, []byte(nil))
	f.Add(bare.Welcome, bare.Next.Tree())
	f.Fuzz(func(t *testing.T, b, tree []byte) {
		g, err := Join(b, JoinOptions{Secret: sec, Signer: p.sign, Tree: tree})
		if err == nil {
			must(g.Encrypt(nil, nil))
		}
	})
}

func FuzzJoinExternal(f *testing.F) {
	w := newWorld(f, X25519AES, 3)
	p := newPerson(X25519AES, "new")
	f.Add(must(w.g[0].GroupInfo(true, true)), []byte(nil))
	f.Add(must(w.g[0].GroupInfo(false, true)), w.g[0].Tree())
	f.Fuzz(func(t *testing.T, info, tree []byte) {
		_, g, err := JoinExternal(info, tree, ExternalOptions{Signer: p.sign, Credential: NewBasic(nil)})
		if err == nil {
			must(g.Encrypt(nil, nil))
		}
	})
}

func FuzzTree(f *testing.F) {
	w := newWorld(f, X25519AES, 5)
	f.Add(w.g[0].Tree())
	w.commit(3, CommitOptions{})
	w.add(0, 1)
	f.Add(w.g[0].Tree())
	ctx := &w.g[0].ctx
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := parseTree(suiteX25519AES, b)
		if err != nil {
			return
		}
		if string(tr.bytes()) != string(b) {
			t.Error("encodes differently")
		}
		c := *ctx
		c.treeHash = tr.rootHash()
		if tr.validate(&c) == nil {
			tr.filtered(0)
		}
	})
}

func FuzzRestore(f *testing.F) {
	w := newWorld(f, X25519AES, 3)
	snap := w.g[1].Snapshot()
	w.g[0].next3(f)
	must(w.g[1].Process(must(w.g[0].Encrypt(nil, nil)), t0))
	w.everywhere(0, must(w.g[0].ProposeUpdate(nil)))
	for _, d := range w.g[1].Delta() {
		f.Add(snap, d.Value)
	}
	f.Add(must(w.g[1].CommitReInit(ReInitOptions{GroupID: []byte("next"), Extensions: []Extension{RequiredCapabilities(nil, nil, nil)}})).Next.Snapshot(), []byte{})
	f.Fuzz(func(t *testing.T, snapshot, delta []byte) {
		g, err := Restore(snapshot, []Delta{{"k", delta}})
		if err != nil {
			if !errors.Is(err, ErrState) {
				t.Errorf("got %v, want ErrState", err)
			}
			return
		}
		if string(g.Snapshot()) != string(must(Restore(g.Snapshot(), nil)).Snapshot()) {
			t.Error("a restored state saves differently")
		}
	})
}

// next3 sends three messages nobody reads, so that the next one skips some.
func (g *Group) next3(tb testing.TB) {
	tb.Helper()
	for range 3 {
		must(g.Encrypt(nil, nil))
	}
}

func FuzzSavedSecrets(f *testing.F) {
	for _, s := range built(X25519AES, P256AES) {
		p := newPerson(s, "a")
		_, sec := p.keyPackage()
		f.Add(p.sign.Marshal(), sec.Marshal())
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if k, err := ParseSigner(a); err == nil && !slices.Equal(k.Marshal(), a) {
			t.Error("a signer saves differently")
		}
		// A private key may come in more than one form (X25519 ignores some bits) but leaves in one.
		if k, err := ParseKeyPackageSecret(b); err == nil && !slices.Equal(must(ParseKeyPackageSecret(k.Marshal())).Marshal(), k.Marshal()) {
			t.Error("a KeyPackage secret saves differently")
		}
	})
}
