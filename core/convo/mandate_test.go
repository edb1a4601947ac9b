package convo

import (
	"testing"
	"time"

	"paperplane/mls"
	"paperplane/protocol/caps"
)

// under returns a credential under a mandate of bob's, with the word of some key about it.
func under(k *mls.Signer, gen uint32, key, word *caps.Signer) []byte {
	if word == nil {
		word = key
	}
	x := caps.NewMandated(key, key, word, gen, k.Public())
	p := who("bob")
	copy(x[1:], p[:]) // bob's account key is no key
	sig := word.Sign(x.Message())
	copy(x[len(x)-len(sig):], sig[:])
	return x
}

// TestMandate plays a device of bob's that was signed out, and a member who helps it: with the account key and
// all that it had it does not come in again, in whosever place; bob's other devices go on (D-31 to D-33).
func TestMandate(t *testing.T) {
	l := group(t, "ann", "bob", "cid")
	bob2 := device(t, l, "bob", "bob", "bob2", Change{})
	device(t, l, "bob", "bob", "thief", Change{})
	whole := stored(l.member("ann").c, nil)
	again := NameLeaf("", &l.member("ann").c.id, now.UnixMilli())
	pack := func(k *mls.Signer, identity []byte) *mls.KeyPackage {
		b, _, err := mls.NewKeyPackage(mls.KeyPackageOptions{
			Signer: k, Credential: mls.NewBasic(identity), Capabilities: Capabilities(), LeafExtensions: again,
			Lifetime: mls.Lifetime{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)},
		})
		if err != nil {
			t.Fatal(err)
		}
		u, err := mls.ParseKeyPackage(b)
		if err != nil {
			t.Fatal(err)
		}
		kp, err := u.Verify(now)
		if err != nil {
			t.Fatal(err)
		}
		return kp
	}
	one, two, three, forged := caps.NewSigner(), caps.NewSigner(), caps.NewSigner(), caps.NewSigner()
	bob := l.member("bob")
	leafOf := func(m *member) uint32 { return m.c.OwnLeaf() }
	act(t, l, "bob", Change{Leaves: []uint32{leafOf(l.member("thief"))}, Credential: under(bob.k, 1, one, nil)})
	l.all = l.all[:len(l.all)-1]
	if got := l.member("cid").c.Mandate(who("bob")); got != (caps.Mandate{Gen: 1, Key: one.Public()}) {
		t.Fatalf("cid knows the mandate of generation %d", got.Gen)
	}
	act(t, l, "bob2", Change{}) // who has not heard of it yet goes on

	k := signer(t)
	bad := map[string][]byte{
		"as-it-was":      []byte("bob"),
		"another-first":  under(k, 1, forged, nil),
		"later-unsigned": under(k, 2, forged, nil),
		"later-forged":   under(k, 2, forged, forged),
		"much-later":     under(k, 1<<31, forged, forged),
	}
	for name, identity := range bad {
		t.Run("in-the-place-of-another-"+name, func(t *testing.T) {
			void(t, l, "cid", mls.CommitOptions{Remove: []uint32{leafOf(bob2)}, Add: []*mls.KeyPackage{pack(k, identity)}})
			ch := Change{Leaves: []uint32{leafOf(bob2)}, Add: []*mls.KeyPackage{pack(k, identity)}}
			if _, err := l.member("cid").c.Begin(ch, now); err != ErrNotAllowed {
				t.Errorf("an honest member: got %v, want %v", err, ErrNotAllowed)
			}
		})
		t.Run("let-in-by-a-sibling-"+name, func(t *testing.T) {
			void(t, l, "bob2", mls.CommitOptions{Add: []*mls.KeyPackage{pack(k, identity)}})
		})
		if name != "as-it-was" { // bob2 is so still
			cred := mls.NewBasic(identity)
			t.Run("own-leaf-"+name, func(t *testing.T) {
				void(t, l, "bob2", mls.CommitOptions{Credential: &cred, ForcePath: true})
			})
		}
	}
	t.Run("forgotten", func(t *testing.T) {
		cred := mls.NewBasic([]byte("bob"))
		void(t, l, "bob", mls.CommitOptions{Credential: &cred, ForcePath: true})
	})
	// bob2 has lost the thread before it heard: its own place is its own.
	bob2.lost = true
	act(t, l, "cid", Change{Leaves: []uint32{leafOf(bob2)}, Add: []*mls.KeyPackage{pack(bob2.k, []byte("bob"))}})
	l.all = l.all[:len(l.all)-1]
	leaf, ok := l.member("ann").c.LeafOf(who("bob"), bob2.k.Public())
	if !ok {
		t.Fatal("bob2 is not in its place")
	}
	t.Run("the-place-of-another-by-the-same-mandate", func(t *testing.T) {
		void(t, l, "cid", mls.CommitOptions{Remove: []uint32{leaf}, Add: []*mls.KeyPackage{pack(k, []byte("bob"))}})
	})
	// The next by the word of the one before, and one further on.
	act(t, l, "bob", Change{Credential: under(bob.k, 2, two, one)})
	k = signer(t)
	act(t, l, "cid", Change{Leaves: []uint32{leaf}, Add: []*mls.KeyPackage{pack(k, under(k, 4, three, two))}})
	leaf, _ = l.member("ann").c.LeafOf(who("bob"), k.Public())
	// Who comes in later, or again from its vault, knows the same.
	dk := signer(t)
	kp, secret := packWith(t, "dan", dk, nil)
	out := act(t, l, "ann", Change{Add: []*mls.KeyPackage{kp}})
	dan, err := Join(JoinOptions{Invitation: l.member("ann").c.Invite(out.Own.Welcome), Secret: secret, Signer: dk, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	l.all = append(l.all, &member{name: "dan", c: dan, k: dk})
	whole = stored(l.member("ann").c, whole)
	for name, c := range map[string]*Convo{"dan": dan, "ann": reload(t, l.member("ann").c, whole)} {
		if got := c.Mandate(who("bob")); got != (caps.Mandate{Gen: 4, Key: three.Public()}) {
			t.Errorf("%s knows the mandate of generation %d", name, got.Gen)
		}
		if c.Mandate(who("cid")) != (caps.Mandate{Key: who("cid")}) {
			t.Errorf("%s knows another mandate of cid than the first", name)
		}
	}
	void(t, l, "bob", mls.CommitOptions{Remove: []uint32{leaf}})
	act(t, l, "bob", Change{Leaves: []uint32{leaf}, Credential: under(bob.k, 4, three, two)})
	if bob.c.OwnMandate().Gen != 4 {
		t.Errorf("got %d", bob.c.OwnMandate().Gen)
	}
}

// TestMandateSetBack has a person's only device, set back to before it signed another out, come back to
// its own place: it is not shut out for good.
func TestMandateSetBack(t *testing.T) {
	l := group(t, "ann", "bob")
	bob := l.member("bob")
	act(t, l, "bob", Change{Credential: under(bob.k, 1, caps.NewSigner(), nil)})
	kp, _ := packWith(t, "bob", bob.k, NameLeaf("", &bob.c.id, now.UnixMilli()+1))
	bob.lost = true
	act(t, l, "ann", Change{Leaves: []uint32{bob.c.OwnLeaf()}, Add: []*mls.KeyPackage{kp}})
	if got := l.member("ann").c.Mandate(who("bob")).Gen; got != 0 {
		t.Errorf("generation %d, want that of the device", got)
	}
}
