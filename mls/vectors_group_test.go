package mls

import (
	"crypto/hpke"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

type treeValidation struct {
	Suite       Suite      `json:"cipher_suite"`
	Tree        hexBytes   `json:"tree"`
	GroupID     hexBytes   `json:"group_id"`
	Resolutions [][]uint32 `json:"resolutions"`
	Hashes      []hexBytes `json:"tree_hashes"`
}

func checkTreeValidation(v *treeValidation) error {
	t, err := parseTree(suiteOf(v.Suite), v.Tree)
	if err != nil {
		return err
	}
	if err := same("tree", t.bytes(), v.Tree); err != nil {
		return err
	}
	for x := range v.Hashes {
		if got := t.resolve(uint32(x), nil); !slices.Equal(got, v.Resolutions[x]) {
			return fmt.Errorf("resolution of %d: got %d, want %d", x, got, v.Resolutions[x])
		}
		if err := same(fmt.Sprintf("tree hash of %d", x), t.nodeHash(uint32(x)), v.Hashes[x]); err != nil {
			return err
		}
	}
	ctx := &groupContext{suite: v.Suite, groupID: v.GroupID, treeHash: t.rootHash()}
	if err := t.validate(ctx); err != nil {
		return err
	}
	// The same tree with any one parent key changed must be refused.
	for x := uint32(1); x < t.width(); x += 2 {
		if p := t.at(x).parent; p != nil {
			q := *p
			q.key = slices.Clone(p.key)
			q.key[len(q.key)/2] ^= 1
			t.at(x).parent = &q
			if t.checkParentHashes() == nil {
				return fmt.Errorf("changed key at %d accepted", x)
			}
			t.at(x).parent = p
		}
	}
	return nil
}

type treeOperations struct {
	Suite      Suite    `json:"cipher_suite"`
	Before     hexBytes `json:"tree_before"`
	Proposal   hexBytes
	Sender     uint32   `json:"proposal_sender"`
	HashBefore hexBytes `json:"tree_hash_before"`
	After      hexBytes `json:"tree_after"`
	HashAfter  hexBytes `json:"tree_hash_after"`
}

func checkTreeOperations(v *treeOperations) error {
	t, err := parseTree(suiteOf(v.Suite), v.Before)
	if err != nil {
		return err
	}
	if err := same("hash before", t.rootHash(), v.HashBefore); err != nil {
		return err
	}
	r := reader{b: v.Proposal}
	p := r.proposal()
	if err := r.end(); err != nil {
		return err
	}
	before := t
	t = t.clone()
	switch p.typ {
	case ProposalAdd:
		t.add(p.kp.leaf)
	case ProposalRemove:
		t.remove(p.removed)
		t.truncate()
	case ProposalUpdate:
		t.update(v.Sender, p.leaf)
	default:
		return fmt.Errorf("proposal type %d", p.typ)
	}
	return errors.Join(same("tree after", t.bytes(), v.After), same("hash after", t.rootHash(), v.HashAfter),
		same("tree before, after all", before.bytes(), v.Before))
}

type treeKEM struct {
	Suite     Suite    `json:"cipher_suite"`
	GroupID   hexBytes `json:"group_id"`
	Epoch     uint64
	Confirmed hexBytes `json:"confirmed_transcript_hash"`
	Tree      hexBytes `json:"ratchet_tree"`
	Leaves    []struct {
		Index uint32
		Enc   hexBytes `json:"encryption_priv"`
		Sig   hexBytes `json:"signature_priv"`
		Paths []struct {
			Node   uint32
			Secret hexBytes `json:"path_secret"`
		} `json:"path_secrets"`
	} `json:"leaves_private"`
	Updates []struct {
		Sender  uint32
		Path    hexBytes   `json:"update_path"`
		Secrets []hexBytes `json:"path_secrets"`
		Commit  hexBytes   `json:"commit_secret"`
		Hash    hexBytes   `json:"tree_hash_after"`
	} `json:"update_paths"`
}

func checkTreeKEM(v *treeKEM) error {
	s := suiteOf(v.Suite)
	// member makes the state of one leaf before the update; the keys are derived once.
	made := make([]*Group, len(v.Leaves))
	member := func(i int) (*Group, error) {
		if g := made[i]; g != nil {
			c := *g
			c.tree, c.priv = g.tree.clone(), maps.Clone(g.priv)
			return &c, nil
		}
		l := v.Leaves[i]
		t, err := parseTree(s, v.Tree)
		if err != nil {
			return nil, err
		}
		g := &Group{s: s, tree: t, me: l.Index, priv: map[uint32]hpke.PrivateKey{},
			ctx: groupContext{v.Suite, v.GroupID, v.Epoch, nil, v.Confirmed, nil}}
		if g.signer, err = newSigner(s, pad(s, l.Sig)); err != nil {
			return nil, err
		}
		if g.priv[2*l.Index], err = s.kem.NewPrivateKey(pad(s, l.Enc)); err != nil {
			return nil, err
		}
		for _, p := range l.Paths {
			if g.priv[p.Node], err = s.keyPair(p.Secret); err != nil {
				return nil, err
			}
		}
		c := *g
		c.tree, c.priv = t.clone(), maps.Clone(g.priv)
		made[i] = &c
		return g, nil
	}
	// follow lets every other leaf process a path and checks what it arrives at.
	follow := func(sender uint32, path []byte, commit []byte, secrets []hexBytes, hash []byte) error {
		for i, l := range v.Leaves {
			if l.Index == sender {
				continue
			}
			g, err := member(i)
			if err != nil {
				return err
			}
			r := reader{b: path}
			up := r.updatePath()
			if err := r.end(); err != nil {
				return err
			}
			a := &applied{tree: g.tree}
			nodes, copath, err := g.mergePath(a, up, sender)
			if err != nil {
				return fmt.Errorf("leaf %d: merge: %w", l.Index, err)
			}
			got, err := g.openPath(a, up, nodes, copath, sliceKeys{}, nil)
			if err != nil {
				return fmt.Errorf("leaf %d: open: %w", l.Index, err)
			}
			if err := errors.Join(same("commit secret", got, commit), same("tree hash", g.ctx.treeHash, hash)); err != nil {
				return err
			}
			if secrets != nil { // the key at the common ancestor follows from the path secret
				k := slices.IndexFunc(nodes, func(x uint32) bool { return under(x, 2*l.Index) })
				key, err := s.keyPair(secrets[l.Index])
				if err != nil {
					return err
				}
				if err := same("path key", key.PublicKey().Bytes(), up.nodes[k].key); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for n, u := range v.Updates {
		if err := follow(u.Sender, u.Path, u.Commit, u.Secrets, u.Hash); err != nil {
			return err
		}
		if n > 0 || v.Suite == P521AES || v.Suite == P384AES {
			continue // once is enough, and those curves are slow
		}
		// A path made here is followed by everyone too.
		i := slices.IndexFunc(v.Leaves, func(l struct {
			Index uint32
			Enc   hexBytes `json:"encryption_priv"`
			Sig   hexBytes `json:"signature_priv"`
			Paths []struct {
				Node   uint32
				Secret hexBytes `json:"path_secret"`
			} `json:"path_secrets"`
		}) bool {
			return l.Index == u.Sender
		})
		g, err := member(i)
		if err != nil {
			return err
		}
		up, _, commit, err := g.newPath(&applied{tree: g.tree}, g.tree.leaf(u.Sender), nil)
		if err != nil {
			return err
		}
		var w writer
		up.write(&w)
		if err := follow(u.Sender, w.b, commit, nil, g.ctx.treeHash); err != nil {
			return fmt.Errorf("own path: %w", err)
		}
	}
	return nil
}

type welcomeVector struct {
	Suite   Suite    `json:"cipher_suite"`
	Init    hexBytes `json:"init_priv"`
	KP      hexBytes `json:"key_package"`
	Signer  hexBytes `json:"signer_pub"`
	Welcome hexBytes `json:"welcome"`
}

func checkWelcome(v *welcomeVector) error {
	s := suiteOf(v.Suite)
	k, err := parseMessage(v.KP)
	if err != nil {
		return err
	}
	m, err := parseMessage(v.Welcome)
	if err != nil {
		return err
	}
	init, err := s.kem.NewPrivateKey(pad(s, v.Init))
	if err != nil {
		return err
	}
	gs, err := m.welcome.open(s, &KeyPackageSecret{kp: k.kp, s: s, init: init})
	if err != nil {
		return err
	}
	plain, err := s.openInfo(s.welcomeSecret(gs.joiner, s.zero()), m.welcome.info)
	if err != nil {
		return err
	}
	r := reader{b: plain}
	gi := r.groupInfo()
	if err := r.end(); err != nil {
		return err
	}
	if !s.verify(v.Signer, "GroupInfoTBS", gi.toBeSigned(), gi.sig) {
		return errors.New("group info signature")
	}
	e := s.epoch(gs.joiner, s.zero(), gi.ctx.bytes())
	return errors.Join(same("confirmation tag", s.mac(e.confirm, gi.ctx.confirmed), gi.tag), same("group info", gi.bytes(), plain))
}

type passive struct {
	Suite Suite `json:"cipher_suite"`
	PSKs  []struct {
		ID  hexBytes `json:"psk_id"`
		PSK hexBytes
	} `json:"external_psks"`
	KP      hexBytes `json:"key_package"`
	Sig     hexBytes `json:"signature_priv"`
	Enc     hexBytes `json:"encryption_priv"`
	Init    hexBytes `json:"init_priv"`
	Welcome hexBytes
	Tree    hexBytes `json:"ratchet_tree"`
	Auth    hexBytes `json:"initial_epoch_authenticator"`
	Epochs  []struct {
		Proposals []hexBytes
		Commit    hexBytes
		Auth      hexBytes `json:"epoch_authenticator"`
	}
}

// checkPassive follows a scenario through the public API, with the state saved and restored
// before each epoch.
func checkPassive(v *passive) error {
	s := suiteOf(v.Suite)
	m, err := parseMessage(v.KP)
	if err != nil {
		return err
	}
	sec := &KeyPackageSecret{kp: m.kp, s: s}
	if sec.init, err = s.kem.NewPrivateKey(pad(s, v.Init)); err != nil {
		return err
	}
	if sec.leaf, err = s.kem.NewPrivateKey(pad(s, v.Enc)); err != nil {
		return err
	}
	if sec, err = ParseKeyPackageSecret(sec.Marshal()); err != nil {
		return err
	}
	signer, err := newSigner(s, pad(s, v.Sig))
	if err != nil {
		return err
	}
	o := JoinOptions{Secret: sec, Signer: signer, Tree: v.Tree}
	for _, p := range v.PSKs {
		o.PSKs = append(o.PSKs, PSK{p.ID, p.PSK})
	}
	g, err := Join(v.Welcome, o)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if err := same("initial authenticator", g.EpochAuthenticator(), v.Auth); err != nil {
		return err
	}
	for i, e := range v.Epochs {
		if g, err = nextEpoch(g, e.Proposals, e.Commit, e.Auth, (*Group).Process); err != nil {
			return fmt.Errorf("epoch %d: %w", i, err)
		}
	}
	return nil
}

// nextEpoch takes a saved and restored group through the messages of an epoch, the last of which process reads.
func nextEpoch(g *Group, proposals []hexBytes, commit, auth []byte, process func(*Group, []byte, time.Time) (Received, error)) (*Group, error) {
	g, err := Restore(g.Snapshot(), nil)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	for _, p := range proposals {
		if _, err := g.Process(p, t0); err != nil {
			return nil, fmt.Errorf("proposal: %w", err)
		}
	}
	r, err := process(g, commit, t0)
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	g = r.(CommitReceived).Next
	return g, same("authenticator", g.EpochAuthenticator(), auth)
}
