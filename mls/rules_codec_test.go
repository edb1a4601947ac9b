package mls

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"
)

// What the decoders refuse.
func TestRuleCodec(t *testing.T) {
	p := newPerson(X25519AES, "a")
	kp, _, err := NewKeyPackage(KeyPackageOptions{Suite: p.s, Signer: p.sign, Credential: NewBasic([]byte("a")), Lifetime: alive})
	if err != nil {
		t.Fatal(err)
	}
	parse := func(b []byte) error { _, err := parseMessage(b); return err }
	private := func(gid []byte) []byte { // a private message with a hand-made group id vector
		return slices.Concat([]byte{0, 1, 0, 2}, gid, make([]byte, 8), []byte{1, 0, 0, 0})
	}
	t.Run("M-001", func(t *testing.T) {
		broke(t, "M-001", parse(private([]byte{0x40, 0x01, 'x'})))              // one byte in two
		broke(t, "M-001", parse(private([]byte{0x80, 0, 0, 1, 'x'})))           // in four
		broke(t, "M-001", parse(private([]byte{0xc0, 0, 0, 0, 0, 0, 0, 0})))    // eight-byte form
		broke(t, "M-001", parse(private(append([]byte{0x40, 63}, kp[:63]...)))) // 63 still fits one
		if err := parse(private(append([]byte{0x40, 64}, kp[:64]...))); err != nil {
			t.Errorf("64 bytes in the two-byte form: got %v", err)
		}
	})
	t.Run("M-002", func(t *testing.T) {
		for n := range kp {
			if err := parse(kp[:n]); !errors.Is(err, ErrInvalid) {
				t.Fatalf("prefix of %d bytes: got %v, want ErrInvalid", n, err)
			}
		}
		broke(t, "M-002", parse(kp[:len(kp)-1]))
		broke(t, "M-002", parse(private([]byte{0xbf, 0xff, 0xff, 0xff}))) // 2^30-1 bytes announced
		r := reader{b: []byte{3, 0, 1, 0}}
		r.u16s()
		broke(t, "M-002", r.end())
		_, err := parseTree(suiteX25519AES, []byte{9, 0, 1, 2, 0, 0, 3, 0, 0, 0}) // unmerged leaves of three bytes
		broke(t, "M-002", err)
	})
	t.Run("M-003", func(t *testing.T) {
		broke(t, "M-003", parse(append(slices.Clone(kp), 0)))
		_, err := parseTree(suiteX25519AES, []byte{0, 0})
		broke(t, "M-003", err)
	})
	t.Run("M-004", func(t *testing.T) {
		b := slices.Clone(kp)
		b[1] = 2
		broke(t, "M-004", parse(b))
		_, _, _, _, err := Peek(b)
		broke(t, "M-004", err)
		b = must(p.found().GroupInfo(false, false))
		b[5] = 2 // of the GroupContext
		broke(t, "M-004", parse(b))
		_, _, _, _, err = Peek(b)
		broke(t, "M-004", err)
	})
	t.Run("M-005", func(t *testing.T) {
		_, err := parseTree(suiteX25519AES, []byte{1, 2})
		broke(t, "M-005", err)
		r := reader{b: []byte{0, 3}} // a Commit without proposals and with a path "3"
		r.commitBody()
		broke(t, "M-005", r.end())
	})
	t.Run("M-006", func(t *testing.T) {
		for _, wire := range []byte{0, 6, 255} {
			b := slices.Clone(kp)
			b[3] = wire
			broke(t, "M-006", parse(b))
			_, _, _, _, err := Peek(b)
			broke(t, "M-006", err)
		}
		b := private([]byte{0})
		for _, typ := range []byte{0, 4} {
			b[13] = typ
			broke(t, "M-006", parse(b))
			_, _, _, _, err := Peek(b)
			broke(t, "M-006", err)
		}
		for _, sender := range []byte{0, 5} {
			broke(t, "M-006", parse(slices.Concat([]byte{0, 1, 0, 1, 0}, make([]byte, 8), []byte{sender, 0, 0, 0, 0, 0, 1, 0})))
		}
		for _, typ := range []byte{0, 4} { // of a public message from a new member, followed by an empty signature
			broke(t, "M-006", parse(slices.Concat([]byte{0, 1, 0, 1, 0}, make([]byte, 8), []byte{senderNewProposal, 0, typ, 0})))
		}
		for what, b := range map[string][]byte{"proposal": {0, 99}, "psk": {0, 4, 3}, "usage": {0, 4, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}} {
			r := reader{b: b}
			if r.proposal(); r.err == nil {
				t.Errorf("%s: accepted", what)
			}
			broke(t, "M-006", r.err)
		}
		_, err := parseTree(suiteX25519AES, []byte{2, 1, 3})
		broke(t, "M-006", err)
		r := reader{b: []byte{1, 3}} // neither proposal nor reference
		r.commitBody()
		broke(t, "M-006", r.err)
		l := p.leaf(nil)
		l.raw = bytes.Replace(l.raw, []byte{1, 0, 0, 0, 0}, []byte{4, 0, 0, 0, 0}, 1) // the source before the lifetime
		r = reader{b: l.raw}
		r.leaf()
		broke(t, "M-006", r.err)
		// The right message in the wrong place.
		if _, err := Join(kp, JoinOptions{}); err == nil {
			t.Error("joined by a KeyPackage")
		} else {
			broke(t, "M-006", err)
		}
		_, _, err = JoinExternal(kp, nil, ExternalOptions{})
		broke(t, "M-006", err)
		_, err = p.found().Process(kp, t0)
		broke(t, "M-006", err)
		_, err = ParseKeyPackage(must(p.found().GroupInfo(true, true)))
		broke(t, "M-006", err)
	})
	t.Run("M-008", func(t *testing.T) {
		twice := []Extension{{0xff01, nil}, {0xff02, nil}, {0xff01, []byte("x")}}
		broke(t, "M-008", checkContextExtensions(twice))
		b := p.forge(nil, func(k *keyPackage) { k.exts = twice })
		_, err := ParseKeyPackage(b)
		broke(t, "M-008", err)
		var long []Extension
		for i := range 40 {
			long = append(long, Extension{uint16(0xf000 + i), nil})
		}
		if err := checkContextExtensions(long); err != nil {
			t.Errorf("40 types: got %v", err)
		}
		broke(t, "M-008", checkContextExtensions(append(long, long[3])))
		broke(t, "M-008", checkContextExtensions(append(long, long[39])))
	})
}

// Sizes and counts, each at its limit and one above.
func TestRuleLimits(t *testing.T) {
	t.Run("M-007", func(t *testing.T) {
		_, err := parseMessage(make([]byte, MessageBytesMax+1))
		broke(t, "M-007", err)
		_, err = parseMessage(make([]byte, MessageBytesMax))
		broke(t, "M-004", err) // long enough, and nonsense
		_, err = parseTree(suiteX25519AES, make([]byte, MessageBytesMax+1))
		broke(t, "M-007", err)
		commit := func(n int) error {
			c := commitBody{props: make([]proposalOrRef, n)}
			for i := range c.props {
				c.props[i] = proposalOrRef{ref: []byte{1}}
			}
			var w writer
			c.write(&w)
			r := reader{b: w.b}
			r.commitBody()
			return r.end()
		}
		if err := commit(CommitProposalsMax); err != nil {
			t.Errorf("at the limit: got %v", err)
		}
		broke(t, "M-007", commit(CommitProposalsMax+1))
		path := func(nodes, cts int) error {
			u := updatePath{leaf: newPerson(X25519AES, "a").leaf(nil)}
			for range nodes {
				u.nodes = append(u.nodes, pathNode{cts: make([]ciphertext, cts)})
			}
			var w writer
			u.write(&w)
			r := reader{b: w.b}
			r.updatePath()
			return r.end()
		}
		if err := errors.Join(path(32, 0), path(1, MembersMax)); err != nil {
			t.Errorf("at the limit: got %v", err)
		}
		broke(t, "M-007", path(33, 0))
		broke(t, "M-007", path(1, MembersMax+1))
		welcomes := func(n int) error {
			_, err := parseMessage((&welcome{suite: X25519AES, secrets: make([]encryptedSecrets, n)}).bytes())
			return err
		}
		if err := welcomes(MembersMax); err != nil {
			t.Errorf("at the limit: got %v", err)
		}
		broke(t, "M-007", welcomes(MembersMax+1))
	})
	t.Run("sendable", func(t *testing.T) {
		if err := sendable(MessageBytesMax - overheadMax); err != nil {
			t.Errorf("at the limit: got %v", err)
		}
		if err := sendable(MessageBytesMax - overheadMax + 1); !errors.Is(err, ErrArgument) {
			t.Errorf("one past: got %v, want ErrArgument", err)
		}
		g := newPerson(X25519AES, "a").found()
		if m := must(g.Encrypt(nil, nil)); len(m) > overheadMax {
			t.Errorf("framing takes %d bytes, want at most %d", len(m), overheadMax)
		}
	})
	t.Run("M-089", func(t *testing.T) {
		g := newPerson(X25519AES, "a").found()
		for range PendingProposalsMax {
			g.proposals = append(g.proposals, &pendingProposal{p: &proposal{}})
		}
		_, err := g.ProposeRemove(0, nil)
		broke(t, "M-089", err)
		g.proposals = g.proposals[1:]
		if _, err := g.ProposeRemove(0, nil); err != nil {
			t.Errorf("at the limit: got %v", err)
		}
	})
}

// leaf makes a signed leaf of a KeyPackage, edited before signing.
func (p *person) leaf(edit func(*leafNode)) *leafNode {
	s := suiteOf(p.s)
	key := must(s.kem.GenerateKey())
	l := &leafNode{encKey: key.PublicKey().Bytes(), sigKey: p.sign.pub, cred: NewBasic([]byte(p.name)),
		caps: Capabilities{}.ours(s, nil), source: sourceKeyPackage, notBefore: 0, notAfter: 1 << 62}
	if edit != nil {
		edit(l)
	}
	if err := l.sign(p.sign, nil, 0); err != nil {
		panic(err)
	}
	return l
}

// forge makes a KeyPackage message, edited before signing.
func (p *person) forge(leaf func(*leafNode), edit func(*keyPackage)) []byte {
	s := suiteOf(p.s)
	k := &keyPackage{version: version, suite: p.s, initKey: must(s.kem.GenerateKey()).PublicKey().Bytes(), leaf: p.leaf(leaf)}
	if edit != nil {
		edit(k)
	}
	var w writer
	w.u16(k.version)
	w.u16(uint16(k.suite))
	w.vec(k.initKey)
	w.raw(k.leaf.raw)
	w.extensions(k.exts)
	w.vec(must(p.sign.sign("KeyPackageTBS", w.b)))
	m := header(WireKeyPackage)
	m.raw(w.b)
	return m.b
}

// forged is forge, decoded.
func (p *person) forged(leaf func(*leafNode), edit func(*keyPackage)) *keyPackage {
	return must(parseMessage(p.forge(leaf, edit))).kp
}

// What is wrong with a KeyPackage, its leaf included (§7.3, §10.1).
func TestRuleKeyPackage(t *testing.T) {
	p, other := newPerson(X25519AES, "a"), newPerson(X25519AES, "b")
	verify := func(b []byte) error {
		u, err := ParseKeyPackage(b)
		if err != nil {
			t.Fatalf("parse: %v", err)
		}
		_, err = u.Verify(t0)
		return err
	}
	if err := verify(p.forge(nil, nil)); err != nil {
		t.Fatalf("untouched: got %v", err)
	}
	flip := func(b []byte, at int) []byte { c := slices.Clone(b); c[at] ^= 1; return c }
	b := p.forge(nil, nil)
	unknown := slices.Clone(b)
	unknown[7] = 4 // suite 4
	for rule, b := range map[string][]byte{
		"M-009": unknown,
		"M-010": p.forge(nil, func(k *keyPackage) { k.version = 2 }),
		"M-012": flip(b, len(b)-1),
		"M-013": p.forge(nil, func(k *keyPackage) { k.initKey = k.leaf.encKey }),
		"M-014": p.forge(func(l *leafNode) { l.source = sourceUpdate }, nil),
		"M-015": p.forge(nil, func(k *keyPackage) { k.initKey = k.initKey[1:] }),
		"M-020": p.forge(func(l *leafNode) { l.caps.credentials = []uint16{2} }, nil),
		"M-021": p.forge(nil, func(k *keyPackage) {
			l := *k.leaf
			l.sign(other.sign, nil, 0)
			k.leaf = &l
		}),
		"M-016": p.forge(nil, func(k *keyPackage) { k.exts = []Extension{{ExtApplicationID, nil}} }),
		"M-017": p.forge(func(l *leafNode) { l.caps.suites = []uint16{uint16(XWing)} }, nil),
		"M-018": p.forge(nil, func(k *keyPackage) { k.exts = []Extension{{0xff01, nil}} }),
		"M-024": p.forge(func(l *leafNode) { l.exts = []Extension{{0xff01, nil}} }, nil),
	} {
		t.Run(rule, func(t *testing.T) { broke(t, rule, verify(b)) })
	}
	t.Run("M-016-elsewhere", func(t *testing.T) {
		for typ, where := range map[uint16]int{ExtApplicationID: 0, ExtRatchetTree: 1, ExtRequiredCapabilities: 2, ExtExternalPub: 1, ExtExternalSenders: 2, ExtLastResort: 9, 0xff01: 9} {
			x := []Extension{{typ, nil}}
			for i, allowed := range [][]uint16{{ExtApplicationID}, {ExtRatchetTree, ExtExternalPub}, {ExtRequiredCapabilities, ExtExternalSenders}} {
				if err := placed(x, allowed...); (err == nil) != (i == where || where == 9) {
					t.Errorf("type %d in list %d: got %v", typ, i, err)
				}
			}
		}
		g := p.found()
		for _, o := range []CommitOptions{{Extensions: []Extension{{ExtRatchetTree, nil}}}, {LeafExtensions: []Extension{{ExtExternalPub, nil}}}} {
			_, err := g.Commit(o)
			broke(t, "M-016", err)
		}
		if _, err := g.Commit(CommitOptions{LeafExtensions: []Extension{{ExtApplicationID, []byte("id")}}}); err != nil {
			t.Errorf("application_id in a leaf: got %v", err)
		}
	})
	t.Run("M-017-version", func(t *testing.T) {
		broke(t, "M-017", verify(p.forge(func(l *leafNode) { l.caps.versions = []uint16{2} }, nil)))
	})
	t.Run("lifetime", func(t *testing.T) {
		kp, _ := p.keyPackage()
		if got := kp.Lifetime(); got != alive {
			t.Errorf("got %v, want %v", got, alive)
		}
		far := (&KeyPackage{p.forged(func(l *leafNode) { l.notAfter = 1<<64 - 1 }, nil), nil}).Lifetime()
		if !far.NotAfter.After(t0.AddDate(1000, 0, 0)) {
			t.Errorf("no end: got %v", far.NotAfter)
		}
	})
	t.Run("M-015-leaf", func(t *testing.T) {
		broke(t, "M-015", verify(p.forge(func(l *leafNode) { l.encKey = l.encKey[1:] }, nil)))
	})
	t.Run("M-010-suite", func(t *testing.T) {
		c := newPerson(X25519ChaCha, "c")
		kp, _ := c.keyPackage()
		_, err := p.found().Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0})
		broke(t, "M-010", err)
	})
}

// The lifetime, at both ends, for its judge (who adds) and its witness (who receives).
func TestRuleLifetime(t *testing.T) {
	p, q := newPerson(X25519AES, "a"), newPerson(X25519AES, "b")
	b, _, err := NewKeyPackage(KeyPackageOptions{Suite: q.s, Signer: q.sign, Credential: NewBasic([]byte("b")), Lifetime: alive})
	if err != nil {
		t.Fatal(err)
	}
	u := must(ParseKeyPackage(b))
	for _, x := range []struct {
		now time.Time
		ok  bool
	}{{alive.NotBefore.Add(-time.Second), false}, {alive.NotBefore, true}, {alive.NotAfter, true}, {alive.NotAfter.Add(time.Second), false}} {
		kp, err := u.Verify(x.now)
		if (err == nil) != x.ok {
			t.Errorf("verify at %v: got %v", x.now, err)
		}
		if !x.ok {
			broke(t, "M-025", err)
			kp = must(u.Verify(t0))
		}
		g := p.found()
		if _, err := g.Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: x.now}); (err == nil) != x.ok {
			t.Errorf("commit at %v: got %v", x.now, err)
		}
		if _, err := g.ProposeAdd(kp, nil, x.now); (err == nil) != x.ok {
			t.Errorf("propose at %v: got %v", x.now, err)
		}
	}
	w := newWorld(t, X25519AES, 2)
	c := must(w.g[0].Commit(CommitOptions{Add: []*KeyPackage{must(u.Verify(t0))}, Now: t0}))
	r := must(w.g[1].Process(c.Message, alive.NotAfter.Add(time.Hour))).(CommitReceived)
	if !slices.Equal(r.OutOfLifetime, []uint32{2}) || r.Next == nil {
		t.Errorf("late reader: got %+v, want leaf 2 out of lifetime and the commit accepted", r)
	}
	if _, _, err := NewKeyPackage(KeyPackageOptions{Suite: q.s, Signer: q.sign, Credential: NewBasic(nil), Lifetime: Lifetime{t0, t0.Add(-1)}}); !errors.Is(err, ErrArgument) {
		t.Errorf("lifetime that ends before it starts: got %v", err)
	}
}
