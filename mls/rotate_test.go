package mls

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// A member changes its signature key and credential in a commit: the others follow, are told who to
// look at, and take the new key only; newcomers are welcomed under it; it survives a restart.
func TestRotate(t *testing.T) {
	for _, s := range built(X25519AES, P256AES, XWing) {
		w := newWorld(t, s, 4)
		fresh, cred := must(NewSigner(s)), NewBasic([]byte("renamed"))
		late := newPerson(s, "late")
		kp, sec := late.keyPackage()
		p := must(w.g[1].Commit(CommitOptions{Signer: fresh, Credential: &cred, Add: []*KeyPackage{kp}, Now: t0}))
		saved := w.g[1].Snapshot()
		for _, i := range []int{0, 2, 3} {
			r := must(w.g[i].Process(p.Message, t0)).(CommitReceived)
			if !slices.Equal(r.Rotated, []uint32{1}) || r.Replaced != NoSender || len(r.Updated) != 0 {
				t.Errorf("member %d: got %+v, want leaf 1 rotated", i, r)
			}
			m := must(r.Next.Member(1))
			if !bytes.Equal(m.SignatureKey, fresh.Public()) || string(m.Credential.Identity()) != "renamed" {
				t.Errorf("member %d: the leaf did not change", i)
			}
			w.g[i] = r.Next
		}
		stale := *p.Next // the new epoch signed with the old key
		stale.signer = w.g[1].signer
		w.g[1] = must(Restore(p.Next.Snapshot(), nil))
		w.g, w.by = append(w.g, must(Join(p.Welcome, JoinOptions{Secret: sec, Signer: late.sign}))), append(w.by, late)
		w.agree()
		_, err := w.g[0].Process(must(stale.Encrypt(nil, nil)), t0)
		broke(t, "M-052", err)
		w.talk()
		w.commit(1, CommitOptions{})
		w.commit(0, CommitOptions{})
		if r := must(w.g[2].Process(must(w.g[1].Commit(CommitOptions{})).Message, t0)).(CommitReceived); r.Rotated != nil {
			t.Errorf("a plain commit: got %v rotated", r.Rotated)
		}
		if g := must(Restore(saved, nil)); g.signer.pub == nil || bytes.Equal(g.signer.pub, fresh.pub) {
			t.Error("the old state has the new key")
		}
	}
}

// Only one of the two may change as well.
func TestRotateHalf(t *testing.T) {
	w := newWorld(t, X25519AES, 3)
	cred := NewBasic([]byte("renamed"))
	for i, o := range []CommitOptions{{Signer: must(NewSigner(X25519AES))}, {Credential: &cred}} {
		before := must(w.g[0].Member(1))
		p := must(w.g[1].Commit(o))
		for _, k := range []int{0, 2} {
			r := must(w.g[k].Process(p.Message, t0)).(CommitReceived)
			if !slices.Equal(r.Rotated, []uint32{1}) {
				t.Errorf("got %+v", r)
			}
			w.g[k] = r.Next
		}
		w.g[1] = p.Next
		after := must(w.g[0].Member(1))
		if key := !bytes.Equal(before.SignatureKey, after.SignatureKey); key != (i == 0) {
			t.Errorf("commit %d: signature key changed: %v", i, key)
		}
		if c := !bytes.Equal(before.Credential.Identity(), after.Credential.Identity()); c != (i == 1) {
			t.Errorf("commit %d: credential changed: %v", i, c)
		}
		w.agree()
		w.talk()
	}
}

// A rotation that loses its race leaves the old key in force, also after a restart; made again it wins.
func TestRotateLostRace(t *testing.T) {
	w := newWorld(t, XWing, 4)
	w.commit(0, CommitOptions{})
	w.commit(3, CommitOptions{})
	fresh := must(NewSigner(XWing))
	lost := must(w.g[0].Commit(CommitOptions{Signer: fresh}))
	w.g[0] = must(Restore(w.g[0].Snapshot(), nil))
	w.commit(3, CommitOptions{})
	w.talk()
	if _, err := w.g[1].Process(lost.Message, t0); !errors.Is(err, ErrStaleEpoch) {
		t.Errorf("loser's commit: got %v, want ErrStaleEpoch", err)
	}
	if m := must(w.g[2].Member(0)); bytes.Equal(m.SignatureKey, fresh.Public()) {
		t.Error("the lost commit's key is in force")
	}
	w.commit(0, CommitOptions{Signer: fresh})
	w.talk()
	w.commit(0, CommitOptions{Remove: []uint32{2}})
}

// A rotation by an Update that somebody else commits is reported too.
func TestRotateByUpdate(t *testing.T) {
	w := newWorld(t, X25519AES, 4)
	g := w.g[2]
	l := *g.tree.leaf(2)
	fresh := must(NewSigner(X25519AES))
	key := must(g.s.kem.GenerateKey())
	l.encKey, l.source, l.sigKey = key.PublicKey().Bytes(), sourceUpdate, fresh.pub
	l.sign(fresh, g.ctx.groupID, 2)
	w.everywhere(2, must(g.propose(&proposal{typ: ProposalUpdate, leaf: &l}, key, nil)))
	p := must(w.g[0].Commit(CommitOptions{UsePending: true}))
	r := must(w.g[1].Process(p.Message, t0)).(CommitReceived)
	if !slices.Equal(r.Rotated, []uint32{2}) || !slices.Equal(r.Updated, []uint32{2}) {
		t.Errorf("got %+v", r)
	}
}

// What cannot be rotated to.
func TestRotateRefused(t *testing.T) {
	w := newWorld(t, X25519AES, 3)
	defer w.alive()
	none, odd := Credential{}, Credential{typ: 0xf001, raw: []byte{0xf0, 1, 0}}
	late := newPerson(X25519AES, "late")
	kp, _ := late.keyPackage()
	for name, x := range map[string]struct {
		o    CommitOptions
		rule string
		err  error
	}{
		"other-suite":          {CommitOptions{Signer: must(NewSigner(XWing))}, "", ErrSigner},
		"no-credential":        {CommitOptions{Credential: &none}, "", ErrArgument},
		"key-of-another":       {CommitOptions{Signer: w.by[1].sign}, "M-027", nil},
		"key-of-the-added":     {CommitOptions{Signer: late.sign, Add: []*KeyPackage{kp}, Now: t0}, "M-027", nil},
		"unclaimed-credential": {CommitOptions{Credential: &odd}, "M-020", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.g[0].Commit(x.o)
			if x.rule != "" {
				broke(t, x.rule, err)
			} else if !errors.Is(err, x.err) {
				t.Errorf("got %v, want %v", err, x.err)
			}
		})
	}
	t.Run("receiver", func(t *testing.T) { // who does it all the same
		work := *w.g[0]
		evil := func(k *Signer, c Credential) []byte {
			return must(work.stage(&staging{tamper: func(b *commitBody, _ *authContent) {
				if b != nil {
					l := *b.path.leaf
					l.sigKey, l.cred = k.pub, c
					l.sign(k, work.ctx.groupID, 0)
					b.path.leaf = &l
				}
			}})).Message
		}
		w.refused(t, "M-027", 0, evil(w.by[1].sign, NewBasic(nil)))
		w.refused(t, "M-020", 0, evil(late.sign, odd))
	})
}
