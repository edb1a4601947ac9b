package mls

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// monster is an input that is wrong in exactly one way. make builds it, by means of members that do
// the wrong thing with all keys at hand, and returns what feeds it to an honest client: the error
// of that, the same whenever it is called.
type monster struct {
	rule string
	make func(t *testing.T) func() error
}

// suspend lets nothing enforce a rule while f runs.
func suspend[T any](rule string, f func() T) T {
	suspended = map[string]bool{rule: true}
	defer func() { suspended = nil }()
	return f()
}

// Each rule has a monster, which is refused for that rule and no other. Where rules.tsv says so in
// its last column, the monster is accepted as soon as that one check is suspended: nothing else
// would catch it. Otherwise the column says why that cannot be, and the monster is still refused,
// or nothing could be made of it.
func TestMonsters(t *testing.T) {
	alone := map[string]string{}
	for _, f := range lines(t, "rules.tsv") {
		if len(f) != 5 || f[4] == "" {
			t.Fatalf("%s: got %d columns, want 5", f[0], len(f))
		}
		alone[f[0]] = f[4]
	}
	had, n := map[string]bool{}, map[string]int{}
	for _, list := range [][]monster{codecMonsters, leafMonsters, treeMonsters, messageMonsters, listMonsters, externalMonsters, pathMonsters, welcomeMonsters, lightMonsters} {
		for _, m := range list {
			had[m.rule] = true
			n[m.rule]++
			t.Run(fmt.Sprintf("%s-%d", m.rule, n[m.rule]), func(t *testing.T) {
				feed := suspend(m.rule, func() func() error { return m.make(t) })
				broke(t, m.rule, feed())
				if alone[m.rule] != "yes" {
					return
				}
				if err := suspend(m.rule, feed); err != nil {
					t.Errorf("without the check: got %v, want it accepted", err)
				}
				broke(t, m.rule, feed())
			})
		}
	}
	for rule := range alone {
		if !had[rule] {
			t.Errorf("%s has no monster", rule)
		}
	}
	for rule := range had {
		if alone[rule] == "" {
			t.Errorf("%s is not in rules.tsv", rule)
		}
	}
}

// Nothing but tests suspends a check.
func TestNothingSuspends(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		b, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if e.Name() == "errors.go" {
			want = 3 // its comment, its declaration, its use
		}
		if got := strings.Count(string(b), "suspended"); got != want {
			t.Errorf("%s: got %d mentions of suspended, want %d", e.Name(), got, want)
		}
	}
}

var errElsewhere = errors.New("accepted, and led to another epoch than its maker's")

// to feeds a message to a member as it is now. A commit must lead to next, unless nil.
func (w *world) to(i int, msg []byte, next *Group) func() error {
	snapshot := w.g[i].Snapshot()
	return func() error {
		g, err := Restore(snapshot, nil)
		if err != nil {
			return err
		}
		r, err := g.Process(msg, t0)
		if err != nil {
			return err
		}
		if c, ok := r.(CommitReceived); ok && next != nil && (c.Next == nil || !bytes.Equal(c.Next.EpochAuthenticator(), next.EpochAuthenticator())) {
			return errElsewhere
		}
		return nil
	}
}

// verifying feeds a KeyPackage to whoever would add it.
func verifying(b []byte) func() error {
	return func() error {
		u, err := ParseKeyPackage(b)
		if err != nil {
			return err
		}
		_, err = u.Verify(t0)
		return err
	}
}

// warm is a group in which everybody has committed, the first member last.
func warm(t *testing.T, n int) *world {
	w := newWorld(t, X25519AES, n)
	for i := range w.g {
		w.commit(len(w.g)-1-i, CommitOptions{})
	}
	return w
}

// byValue lists proposals to be carried out.
func byValue(ps ...*proposal) (list []item) {
	for _, p := range ps {
		list = append(list, item{p: p})
	}
	return list
}

// lying is a commit by member 1, fed to member 0.
func lying(n int, f func(w *world) forgery) func(*testing.T) func() error {
	return func(t *testing.T) func() error {
		w := warm(t, n)
		msg, next, _ := w.g[1].forge(t, f(w))
		return w.to(0, msg, next)
	}
}

// listing is lying with nothing but these proposals.
func listing(ps ...*proposal) func(*testing.T) func() error {
	return lying(6, func(*world) forgery { return forgery{list: byValue(ps...)} })
}

// packaging is a KeyPackage with a changed leaf or head.
func packaging(leaf func(*leafNode), edit func(*keyPackage)) func(*testing.T) func() error {
	return func(*testing.T) func() error {
		return verifying(newPerson(X25519AES, "a").forge(leaf, edit))
	}
}

// adding is a commit that adds a KeyPackage with a changed leaf.
func adding(leaf func(w *world, l *leafNode)) func(*testing.T) func() error {
	return lying(4, func(w *world) forgery {
		kp := newPerson(X25519AES, "new").forged(func(l *leafNode) { leaf(w, l) }, nil)
		return forgery{list: byValue(add(kp))}
	})
}

var (
	codecMonsters = []monster{
		{"M-001", func(*testing.T) func() error { // a key of 32 bytes with its length in two
			p := newPerson(X25519AES, "a")
			var w writer
			w.u16(version)
			w.u16(uint16(p.s))
			w.raw([]byte{0x40, 32})
			w.raw(must(suiteOf(p.s).kem.GenerateKey()).PublicKey().Bytes())
			w.raw(p.leaf(nil).raw)
			w.extensions(nil)
			w.vec(must(p.sign.sign("KeyPackageTBS", w.b)))
			m := header(WireKeyPackage)
			m.raw(w.b)
			return verifying(m.b)
		}},
		{"M-002", func(*testing.T) func() error {
			b := newPerson(X25519AES, "a").forge(nil, nil)
			return verifying(b[:len(b)-1])
		}},
		{"M-003", func(*testing.T) func() error {
			return verifying(append(newPerson(X25519AES, "a").forge(nil, nil), 0))
		}},
		{"M-004", func(*testing.T) func() error {
			b := newPerson(X25519AES, "a").forge(nil, nil)
			b[1] = 2
			return verifying(b)
		}},
		{"M-005", func(t *testing.T) func() error { // a leaf that is there twice over, so to speak
			j := joining(t, 3, forgery{}, nil)
			j.o.Tree = j.next.Tree()
			if j.o.Tree[2] != 1 {
				t.Fatalf("got %x, want the first leaf's presence", j.o.Tree[:4])
			}
			j.o.Tree[2] = 2
			return j.feed
		}},
		{"M-006", func(*testing.T) func() error {
			b := newPerson(X25519AES, "a").forge(nil, nil)
			b[3] = 6
			return verifying(b)
		}},
		{"M-007", func(t *testing.T) func() error { // a Welcome for more than a group can hold
			j := joining(t, 2, forgery{}, nil)
			m := must(parseMessage(j.msg)).welcome
			m.secrets = append(make([]encryptedSecrets, MembersMax), m.secrets...)
			j.msg = m.bytes()
			return j.feed
		}},
		{"M-008", packaging(func(l *leafNode) { l.caps.extensions = []uint16{0xff01} }, func(k *keyPackage) { k.exts = []Extension{{0xff01, nil}, {0xff01, nil}} })},
		{"M-009", func(*testing.T) func() error {
			b := newPerson(X25519AES, "a").forge(nil, nil)
			b[7] = 4
			return verifying(b)
		}},
	}

	leafMonsters = []monster{
		{"M-010", packaging(nil, func(k *keyPackage) { k.version = 2 })},
		{"M-012", func(*testing.T) func() error {
			b := newPerson(X25519AES, "a").forge(nil, nil)
			b[len(b)-1] ^= 1
			return verifying(b)
		}},
		{"M-013", packaging(nil, func(k *keyPackage) { k.initKey = k.leaf.encKey })},
		{"M-014", packaging(func(l *leafNode) { l.source = sourceUpdate }, nil)},
		{"M-014", packaging(func(l *leafNode) { l.source = sourceCommit }, nil)},
		{"M-015", packaging(nil, func(k *keyPackage) { k.initKey = k.initKey[1:] })},
		{"M-015", packaging(func(l *leafNode) { l.encKey = append(l.encKey, 0) }, nil)},
		{"M-016", packaging(nil, func(k *keyPackage) { k.exts = []Extension{{ExtApplicationID, nil}} })},
		{"M-016", packaging(func(l *leafNode) { l.exts = []Extension{{ExtRatchetTree, nil}} }, nil)},
		{"M-016", listing(&proposal{typ: ProposalGroupContextExtensions, exts: []Extension{{ExtExternalPub, nil}}})},
		{"M-017", packaging(func(l *leafNode) { l.caps.suites = []uint16{uint16(XWing)} }, nil)},
		{"M-017", packaging(func(l *leafNode) { l.caps.versions = nil }, nil)},
		{"M-018", packaging(nil, func(k *keyPackage) { k.exts = []Extension{{0xff01, nil}} })},
		{"M-020", packaging(func(l *leafNode) { l.caps.credentials = []uint16{2} }, nil)},
		{"M-021", packaging(nil, func(k *keyPackage) {
			l := *k.leaf
			l.sign(must(NewSigner(X25519AES)), nil, 0)
			k.leaf = &l
		})},
		{"M-021", lying(6, func(*world) forgery { return forgery{signAt: func(i uint32) uint32 { return i + 1 }} })},
		{"M-022", listing(&proposal{typ: ProposalGroupContextExtensions, exts: []Extension{RequiredCapabilities([]uint16{0xff01}, nil, nil)}})},
		{"M-022", listing(&proposal{typ: ProposalGroupContextExtensions, exts: []Extension{RequiredCapabilities(nil, []uint16{0xff01}, nil)}})},
		{"M-022", listing(&proposal{typ: ProposalGroupContextExtensions, exts: []Extension{RequiredCapabilities(nil, nil, []uint16{2})}})},
		{"M-023", adding(func(_ *world, l *leafNode) { // a kind of credential that the others do not know
			l.cred, l.caps.credentials = Credential{typ: 0xf001, raw: []byte{0xf0, 1, 0}}, []uint16{1, 0xf001}
		})},
		{"M-023", lying(6, func(*world) forgery { // somebody who no longer knows the kind that the others have
			return forgery{leaf: func(l *leafNode) {
				l.cred, l.caps.credentials = Credential{typ: 0xf001, raw: []byte{0xf0, 1, 0}}, []uint16{0xf001}
			}}
		})},
		{"M-024", packaging(func(l *leafNode) { l.exts = []Extension{{0xff01, nil}} }, nil)},
		{"M-024", lying(6, func(*world) forgery {
			return forgery{leaf: func(l *leafNode) { l.exts = []Extension{{0xff01, nil}} }}
		})},
		{"M-025", packaging(func(l *leafNode) { l.notAfter = seconds(t0) - 1 }, nil)},
		{"M-025", packaging(func(l *leafNode) { l.notBefore = seconds(t0) + 1 }, nil)},
		{"M-025", packaging(func(l *leafNode) { l.notBefore, l.notAfter = 1<<63, 1 }, nil)}, // ends before it starts
		{"M-026", updating(func(_ *world, l *leafNode) { l.source = sourceCommit })},
		{"M-026", updating(func(_ *world, l *leafNode) { l.source = sourceKeyPackage })},
		{"M-027", lying(4, func(w *world) forgery { return forgery{list: byValue(add(w.by[2].forged(nil, nil)))} })},
		{"M-027", lying(6, func(w *world) forgery { // by path
			return forgery{leaf: func(l *leafNode) { l.sigKey = w.by[3].sign.pub }, sign: w.by[3].sign}
		})},
		{"M-028", adding(func(w *world, l *leafNode) { l.encKey = w.g[0].tree.leaf(2).encKey })},
		{"M-030", updating(func(w *world, l *leafNode) { l.encKey = w.g[1].tree.leaf(1).encKey })},
		{"M-031", listing(&proposal{typ: ProposalGroupContextExtensions, exts: []Extension{{0xff01, nil}}})},
	}

	messageMonsters = []monster{
		{"M-050", saying(func(a *authContent) { a.c.groupID = []byte("other") })},
		{"M-051", saying(func(a *authContent) { a.c.epoch-- })},
		{"M-051", saying(func(a *authContent) { a.c.epoch++ })},
		{"M-052", func(t *testing.T) func() error { // private
			w := newWorld(t, X25519AES, 3)
			g := *w.g[1]
			g.signer = must(NewSigner(X25519AES))
			return w.to(0, must(g.Encrypt([]byte("x"), nil)), nil)
		}},
		{"M-052", func(t *testing.T) func() error { // public, with a fitting membership tag
			w := newWorld(t, X25519AES, 3)
			g := *w.g[1]
			g.signer = must(NewSigner(X25519AES))
			return w.to(0, g.public(ContentProposal, removal(2).raw, nil), nil)
		}},
		{"M-053", func(t *testing.T) func() error {
			w := newWorld(t, X25519AES, 3)
			m := w.g[1].public(ContentProposal, removal(2).raw, nil)
			m[len(m)-1] ^= 1
			return w.to(0, m, nil)
		}},
		{"M-054", func(t *testing.T) func() error {
			w := newWorld(t, X25519AES, 3)
			return w.to(0, w.g[1].public(ContentApplication, []byte("x"), nil), nil)
		}},
		{"M-055", saying(func(a *authContent) { a.c.index = 3 })},
		{"M-056", saying(func(a *authContent) { a.c.sender = senderNewProposal })},
		{"M-056", saying(func(a *authContent) { a.c.sender = senderNewCommit })},
		{"M-057", func(t *testing.T) func() error { // a listed external sender that sends what it may not
			outside := newPerson(X25519AES, "outside")
			var ext writer
			ext.sub(func(w *writer) { w.vec(outside.sign.pub); w.raw(NewBasic([]byte("outside")).raw) })
			w := newWorld(t, X25519AES, 2, func(o *GroupOptions) { o.Extensions = []Extension{{ExtExternalSenders, ext.b}} })
			g := *w.g[0]
			g.signer = outside.sign
			p := (&proposal{typ: ProposalExternalInit, kem: []byte("x")}).encode()
			return w.to(0, g.public(ContentProposal, p.raw, func(a *authContent) { a.c.sender, a.c.index = senderExternal, 0 }), nil)
		}},
		{"M-058", func(t *testing.T) func() error {
			w := newWorld(t, X25519AES, 3)
			return w.to(0, padded(t, w.g[1], 0, 1), nil)
		}},
		{"M-059", func(t *testing.T) func() error {
			w := newWorld(t, X25519AES, 3)
			m := must(w.g[1].Encrypt([]byte("x"), nil))
			m[len(m)-1] ^= 1
			return w.to(0, m, nil)
		}},
		{"M-060", func(t *testing.T) func() error {
			w := newWorld(t, X25519AES, 3)
			for range GenerationsAheadMax + 1 {
				if _, _, err := w.g[1].secrets.next(ratchetID{1, true}); err != nil {
					t.Fatal(err)
				}
			}
			return w.to(0, must(w.g[1].Encrypt([]byte("x"), nil)), nil)
		}},
	}
)
