package mls

import (
	"bytes"
	"errors"
	"testing"
)

// TestWelcomeFor shows that each of several joiners gets in with its own part of the Welcome, that
// the part is small, that it is of no use to the others, and that the tree may come beside it.
func TestWelcomeFor(t *testing.T) {
	a := newPerson(XWing, "a")
	g := a.found()
	var kps []*KeyPackage
	var secs []*KeyPackageSecret
	var who []*person
	for _, n := range []string{"b", "c", "d"} {
		p := newPerson(XWing, n)
		kp, sec := p.keyPackage()
		kps, secs, who = append(kps, kp), append(secs, sec), append(who, p)
	}
	p := must(g.Commit(CommitOptions{Add: kps, WithoutTree: true, Now: t0}))
	tree := p.Next.Tree()
	for i, kp := range kps {
		w := must(WelcomeFor(p.Welcome, kp.Ref()))
		if len(w) >= len(p.Welcome)-1000 {
			t.Errorf("part %d: got %d bytes of %d", i, len(w), len(p.Welcome))
		}
		j, err := Join(w, JoinOptions{Secret: secs[i], Signer: who[i].sign, Tree: tree})
		if err != nil || !bytes.Equal(j.EpochAuthenticator(), p.Next.EpochAuthenticator()) {
			t.Errorf("joiner %d: got %v", i, err)
		}
		if _, err := Join(w, JoinOptions{Secret: secs[(i+1)%3], Signer: who[(i+1)%3].sign, Tree: tree}); !errors.Is(err, ErrNotForUs) {
			t.Errorf("another's part: got %v, want ErrNotForUs", err)
		}
	}
	if _, err := WelcomeFor(p.Welcome, []byte("nobody")); !errors.Is(err, ErrNotForUs) {
		t.Errorf("no such entry: got %v, want ErrNotForUs", err)
	}
	if _, err := WelcomeFor(p.Message, kps[0].Ref()); err == nil {
		t.Error("a commit was taken for a Welcome")
	}
}

// TestSentByOwnLeaf shows that a state from an old copy sees by a message of its own leaf that it
// is one, that the state which sent it does not, and that a member who pretends to be another is
// not believed.
func TestSentByOwnLeaf(t *testing.T) {
	w := newWorld(t, XWing, 3)
	old := must(Restore(w.g[1].Snapshot(), nil))
	msg := must(w.g[1].Encrypt([]byte("later"), nil))
	if w.g[1].SentByOwnLeaf(msg) {
		t.Error("the sender takes its own message for one of a later self")
	}
	if !old.SentByOwnLeaf(msg) {
		t.Error("the copy does not see that it is one")
	}
	if w.g[2].SentByOwnLeaf(msg) || w.g[0].SentByOwnLeaf(msg) {
		t.Error("another member takes it for its own")
	}
	// Member 2 makes a message in the name of member 1: it has all keys but the signature key.
	liar := must(Restore(w.g[2].Snapshot(), nil))
	liar.me = 1
	if forged := must(liar.Encrypt([]byte("forged"), nil)); old.SentByOwnLeaf(forged) {
		t.Error("a forged message was believed")
	}
	if old.SentByOwnLeaf([]byte("rubbish")) {
		t.Error("rubbish was believed")
	}
}
