package convo

import (
	"fmt"
	"testing"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// treeFill is what the inner nodes add to a tree of plainLeavesMax leaves when all of them are filled:
// an X-Wing key, its hash and a few unmerged leaves each. TestStoredSizes has none of them.
const treeFill = plainLeavesMax * (1216 + 32 + 64)

// TestStoredSizes: the largest group whose tree travels and is stored as one, in its heaviest form, stays within what a
// vault takes for one value: the Welcome that waits holds the tree, and so does the state to come.
func TestStoredSizes(t *testing.T) {
	const valueMax = 4 << 20 // timeline.EntryBytesMax, vault.ValueBytesMax
	identify := func(identity, _ []byte) (plane.PublicKey, error) {
		var p plane.PublicKey
		copy(p[:], identity)
		return p, nil
	}
	name := func(i int) []byte {
		b := make([]byte, 136) // as long as an account's credential
		copy(b, fmt.Sprintf("member %d", i))
		return b
	}
	owner, _ := identify(name(0), nil)
	c, err := New(Options{ID: plane.LogID{1}, Kind: Group, Name: "g", Signer: signer(t), Credential: name(0), Owner: owner, TTLDays: 30, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	c.Changes()
	largest := 0
	for n := 1; n < plainLeavesMax; {
		var add []*mls.KeyPackage
		for range min(51, plainLeavesMax-n) {
			kp, _ := pack(t, string(name(n)), signer(t))
			add = append(add, kp)
			n++
		}
		p, err := c.Begin(Change{Add: add}, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range c.Changes() {
			largest = max(largest, len(x.Value))
		}
		c.won(p)
		for _, m := range c.g.Members() {
			if m.LeafBytes > leafBytesMax {
				t.Fatalf("an honest leaf has %d bytes, most %d", m.LeafBytes, leafBytesMax)
			}
		}
		// What is to be sent goes in parts, and lies in the outbox before and after it is sealed.
		if got := len(p.Welcome) + treeFill; 2*got > valueMax || got > PartsMax*partBytesMax {
			t.Errorf("%d members: a Welcome of %d bytes", n, got)
		}
	}
	if got := largest + 2*treeFill; got > valueMax {
		t.Errorf("got a value of %d bytes, most %d", got, valueMax)
	}
	t.Logf("largest value %d bytes, with a filled tree up to %d", largest, largest+2*treeFill)
}

// TestHeavyLeaf: a leaf that is larger than ours can be would make every member store and every
// joiner fetch its weight. A commit that brings one is void for all, and so is an Add of one.
func TestHeavyLeaf(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	heavy := []mls.Extension{{Type: mls.ExtApplicationID, Data: make([]byte, leafBytesMax)}}
	p, err := bob.c.g.Commit(mls.CommitOptions{LeafExtensions: heavy, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	was := ann.c.Epoch()
	send(t, l, bob, p.Message)
	if got := ann.c.Epoch(); got != was {
		t.Errorf("epoch %d after a heavy leaf, want %d", got, was)
	}
	kp, _ := packWith(t, "dan", signer(t), heavy)
	if _, err := ann.c.Begin(Change{Add: []*mls.KeyPackage{kp}}, now); err != ErrNotAllowed {
		t.Errorf("adding a heavy leaf: got %v, want %v", err, ErrNotAllowed)
	}
}

// TestProposalInParts: members keep the proposals of an epoch, 4,096 of them. One of a MiB is
// never read; ours fit into one record.
func TestProposalInParts(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	msg, err := bob.c.g.ProposeSelfRemove(make([]byte, 3*partBytesMax))
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, bob, msg)
	if out, ok := l.last["ann"].(Void); !ok {
		t.Errorf("got %+v, want void", out)
	}
	// A commit may be as large, and so may a message.
	if msg, err = bob.c.Seal(make([]byte, 3*partBytesMax)); err != nil {
		t.Fatal(err)
	}
	send(t, l, bob, msg)
	if _, ok := l.last["ann"].(Said); !ok {
		t.Errorf("got %+v, want said", l.last["ann"])
	}
	if ann.c.Leaving() {
		t.Errorf("Bob leaves")
	}
}

// TestGroupName: what may not be in a name (control characters, marks that turn the direction of
// writing) may not come in through the group state either, where any admin writes it.
func TestGroupName(t *testing.T) {
	for name, ok := range map[string]bool{"Trip": true, "": false, "a\x1b]0;b": false, "a\u202eb": false, " a": false, "a\nb": false} {
		s := State{Version: stateVersion, Kind: Group, Name: name, Gen: 1, Owners: []plane.PublicKey{{1}}, TTLDays: 30}
		if _, err := ParseState(s.bytes()); (err == nil) != ok {
			t.Errorf("%q: got %v", name, err)
		}
	}
	s := State{Version: stateVersion, Kind: Two, Name: "x", Gen: 1, Owners: []plane.PublicKey{{1}}, TTLDays: 30}
	if _, err := ParseState(s.bytes()); err == nil {
		t.Errorf("a conversation of two has a name")
	}
}
