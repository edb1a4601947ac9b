package mls

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"fmt"
	"slices"
)

// The vectors of draft-ietf-mls-partial (mlswg/mls-partial, test-vectors). What each file asks for
// is in that repository's test-vectors.md.

func init() {
	vectorKinds["test-vector-partial-annotated-commit"] = vector(checkPartialCommit)
	vectorKinds["test-vector-partial-annotated-welcome"] = vector(checkPartialWelcome)
	vectorKinds["test-vector-partial-membership-proofs"] = vector(checkPartialProofs)
	vectorKinds["test-vector-partial-message-syntax"] = vector(checkPartialSyntax)
	vectorKinds["test-vector-partial-passive-client-scenarios"] = vector(checkPartialPassive)
	vectorKinds["test-vector-partial-sender-authenticated-messages"] = vector(checkPartialSender)
	vectorKinds["test-vector-partial-tree-operations"] = vector(checkPartialTree)
}

type partialProofs struct {
	Suite Suite      `json:"cipher_suite"`
	Hash  hexBytes   `json:"tree_hash"`
	Proof []hexBytes `json:"proofs"`
}

func checkPartialProofs(v *partialProofs) error {
	s := suiteOf(v.Suite)
	var first *proof
	for i, b := range v.Proof {
		p, err := parseProof(b)
		if err != nil {
			return err
		}
		if err := errors.Join(same("proof", p.bytes(), b), same("root", p.root(s), v.Hash)); err != nil {
			return fmt.Errorf("proof %d: %w", i, err)
		}
		if first == nil {
			first = p
		}
		if p.n != first.n {
			return fmt.Errorf("proof %d: got %d leaves, want %d", i, p.n, first.n)
		}
		q := *p
		l := *p.l
		l.raw = slices.Clone(l.raw)
		l.raw[len(l.raw)/2] ^= 1
		if q.l = &l; bytes.Equal(q.root(s), v.Hash) {
			return fmt.Errorf("proof %d: another leaf has the same root", i)
		}
	}
	return nil
}

type partialSyntax struct {
	Suite    Suite    `json:"cipher_suite"`
	Copath   hexBytes `json:"copath_hash"`
	Proof    hexBytes `json:"membership_proof"`
	Welcome  hexBytes `json:"sender_authenticated_welcome"`
	Info     hexBytes `json:"sender_authenticated_group_info"`
	Public   hexBytes `json:"sender_authenticated_public_message"`
	Private  hexBytes `json:"sender_authenticated_private_message"`
	AWelcome hexBytes `json:"annotated_welcome"`
	ACommit  hexBytes `json:"annotated_commit"`
}

// with decodes some structure followed by proofs and encodes it again.
func with(b []byte, proofs int, f func(*reader) []byte) ([]byte, []*proof, error) {
	r := &reader{b: slices.Clone(b)}
	w := writer{f(r)}
	var list []*proof
	for range proofs {
		p := r.proof()
		if r.err != nil {
			return nil, nil, r.err
		}
		list = append(list, p)
		w.proof(p)
	}
	return w.b, list, r.end()
}
func readWelcome(r *reader) []byte { return r.welcome().bytes()[4:] }
func readPublic(r *reader) []byte {
	a := r.publicMessage()
	var w writer
	a.c.write(&w)
	a.writeAuth(&w)
	if a.c.sender == senderMember {
		w.vec(a.memb)
	}
	return w.b
}
func readPrivate(r *reader) []byte {
	p := &privateMessage{r.vec(), r.u64(), ContentType(r.u8()), r.vec(), r.vec(), r.vec()}
	w := writer{p.contentAAD()}
	w.vec(p.senderData)
	w.vec(p.enc)
	return w.b
}

func checkPartialSyntax(v *partialSyntax) error {
	r := reader{b: v.Copath}
	var w writer
	w.vec(r.vec())
	err := errors.Join(r.end(), same("copath hash", w.b, v.Copath))
	p, e := parseProof(v.Proof)
	if e != nil {
		return e
	}
	err = errors.Join(err, same("proof", p.bytes(), v.Proof))
	for _, x := range []struct {
		what   string
		b      []byte
		proofs int
		f      func(*reader) []byte
	}{
		{"welcome", v.Welcome, 1, readWelcome},
		{"group info", v.Info, 1, func(r *reader) []byte { return r.groupInfo().bytes() }},
		{"public message", v.Public, 1, readPublic},
		{"private message", v.Private, 1, readPrivate},
		{"annotated welcome", v.AWelcome, 2, readWelcome},
	} {
		b, _, e := with(x.b, x.proofs, x.f)
		if e != nil {
			return fmt.Errorf("%s: %w", x.what, e)
		}
		err = errors.Join(err, same(x.what, b, x.b))
	}
	a, e := parseAnnotatedCommit(v.ACommit)
	if e != nil {
		return e
	}
	return errors.Join(err, same("annotated commit", a.bytes(), v.ACommit))
}

type partialSender struct {
	Suite Suite    `json:"cipher_suite"`
	Kind  string   `json:"message_type"`
	Msg   hexBytes `json:"sender_authenticated_message"`
}

// checkPartialSender: the files give no GroupContext, which is part of what is signed, so the
// message's own signature is checked in the scenarios. Here: the syntax, that the proof is of the
// sender, that its leaf is a good one, and that it leads to one tree.
func checkPartialSender(v *partialSender) error {
	s := suiteOf(v.Suite)
	b, proofs, err := with(v.Msg, 1, readPublic)
	if err != nil {
		return err
	}
	r := reader{b: v.Msg}
	a, p := r.publicMessage(), proofs[0]
	want := ContentCommit
	if v.Kind == "PublicMessageProposal" {
		want = ContentProposal
	}
	if a.c.typ != want || a.c.sender != senderMember || a.c.index != p.leaf {
		return fmt.Errorf("%s: got content %d of sender %d, leaf %d, proof of %d", v.Kind, a.c.typ, a.c.sender, a.c.index, p.leaf)
	}
	return errors.Join(same("message", b, v.Msg), p.check(s, &groupContext{groupID: a.c.groupID, treeHash: p.root(s)}))
}

type partialWelcome struct {
	Suite Suite `json:"cipher_suite"`
	PSKs  []struct {
		ID  hexBytes `json:"psk_id"`
		PSK hexBytes
	} `json:"external_psks"`
	KP      hexBytes `json:"key_package"`
	Sig     hexBytes `json:"signature_priv"`
	Enc     hexBytes `json:"encryption_priv"`
	Init    hexBytes `json:"init_priv"`
	Welcome hexBytes `json:"annotated_welcome"`
	Leaf    *uint32  `json:"joiner_leaf_index"`
	Auth    hexBytes `json:"epoch_authenticator"`
	First   hexBytes `json:"initial_epoch_authenticator"`
	Epochs  []struct {
		Proposals []hexBytes
		Commit    hexBytes   `json:"annotated_commit"`
		Messages  []hexBytes `json:"application_messages"`
		Auth      hexBytes   `json:"epoch_authenticator"`
	}
}

// join makes the light member of a vector.
func (v *partialWelcome) join() (*Group, error) {
	s := suiteOf(v.Suite)
	m, err := parseMessage(v.KP)
	if err != nil {
		return nil, err
	}
	sec := &KeyPackageSecret{kp: m.kp, s: s}
	if sec.init, err = s.kem.NewPrivateKey(pad(s, v.Init)); err != nil {
		return nil, err
	}
	if sec.leaf, err = s.kem.NewPrivateKey(pad(s, v.Enc)); err != nil {
		return nil, err
	}
	signer, err := newSigner(s, pad(s, v.Sig))
	if err != nil {
		return nil, err
	}
	_, proofs, err := with(v.Welcome, 2, readWelcome)
	if err != nil {
		return nil, err
	}
	r := reader{b: v.Welcome}
	o := LightOptions{Secret: sec, Signer: signer, SenderProof: proofs[0].bytes(), OwnProof: proofs[1].bytes()}
	for _, p := range v.PSKs {
		o.PSKs = append(o.PSKs, PSK{p.ID, p.PSK})
	}
	return JoinLight(r.welcome().bytes(), o)
}

func checkPartialWelcome(v *partialWelcome) error {
	g, err := v.join()
	if err != nil {
		return err
	}
	if !g.Light() || g.OwnIndex() != *v.Leaf {
		return fmt.Errorf("got leaf %d, want %d", g.OwnIndex(), *v.Leaf)
	}
	return same("authenticator", g.EpochAuthenticator(), v.Auth)
}

// checkPartialPassive follows the scenario, with the state saved and restored before each epoch.
func checkPartialPassive(v *partialWelcome) error {
	g, err := v.join()
	if err != nil {
		return err
	}
	if err := same("initial authenticator", g.EpochAuthenticator(), v.First); err != nil {
		return err
	}
	for i, e := range v.Epochs {
		if g, err = nextEpoch(g, e.Proposals, e.Commit, e.Auth, (*Group).ProcessAnnotated); err != nil {
			return fmt.Errorf("epoch %d: %w", i, err)
		}
		for _, b := range e.Messages {
			r := reader{b: slices.Clone(b)}
			r.message()
			msg := r.since(b)
			p := r.proof()
			if err := r.end(); err != nil {
				return err
			}
			g.light.forget(p.leaf)
			var us *UnknownSender
			if _, err := g.Process(b[:len(msg)], t0); !errors.As(err, &us) || us.Leaf != p.leaf {
				return fmt.Errorf("epoch %d: message of an unknown member: got %v", i, err)
			}
			if err := g.Learn(p.bytes()); err != nil {
				return fmt.Errorf("epoch %d: sender: %w", i, err)
			}
			if _, err := g.Process(b[:len(msg)], t0); err != nil {
				return fmt.Errorf("epoch %d: message: %w", i, err)
			}
		}
	}
	return nil
}

type partialTree struct {
	Suite    Suite        `json:"cipher_suite"`
	Path     hexBytes     `json:"update_path"`
	Hash     hexBytes     `json:"tree_hash_after"`
	Index    uint32       `json:"resolution_index"`
	Sender   hexBytes     `json:"sender_membership_proof_after"`
	Receiver hexBytes     `json:"receiver_membership_proof_after"`
	Keys     []partialKey `json:"receiver_path_state"`
	Commit   hexBytes     `json:"commit_secret"`
}
type partialKey struct {
	Node   uint32
	Enc    hexBytes `json:"encryption_priv"`
	Secret hexBytes `json:"path_secret"`
}

// checkPartialTree: the ciphertexts of these files are bound to the tree hash alone in place of a
// GroupContext, which the files do not give.
func checkPartialTree(v *partialTree) error {
	s := suiteOf(v.Suite)
	r := reader{b: v.Path}
	up := r.updatePath()
	sender, e1 := parseProof(v.Sender)
	own, e2 := parseProof(v.Receiver)
	if err := errors.Join(r.end(), e1, e2); err != nil {
		return err
	}
	err := errors.Join(same("sender's root", sender.root(s), v.Hash), same("receiver's root", own.root(s), v.Hash),
		same("sender's leaf", up.leaf.raw, sender.l.raw))
	k := 0
	for _, n := range sender.nodes {
		if n == nil {
			continue
		}
		if k >= len(up.nodes) {
			return errors.New("more nodes in the tree than in the path")
		}
		err = errors.Join(err, same("path key", up.nodes[k].key, n.key))
		k++
	}
	if err != nil || k != len(up.nodes) {
		return fmt.Errorf("%d of %d path nodes in the tree: %w", k, len(up.nodes), err)
	}
	g := &Group{s: s, me: own.leaf, priv: map[uint32]hpke.PrivateKey{}}
	for _, x := range v.Keys {
		if g.priv[x.Node], err = s.kem.NewPrivateKey(pad(s, x.Enc)); err != nil {
			return err
		}
	}
	g.unpath(sender.leaf)
	got, err := g.annotatedSecret(up, v.Index, sender, own, v.Hash)
	if err != nil {
		return err
	}
	for x, k := range g.priv { // what the member holds now are the keys of the new tree
		if i := slices.Index(own.path(), x); i >= 0 {
			err = errors.Join(err, same(fmt.Sprintf("key of %d", x), k.PublicKey().Bytes(), own.nodes[i].key))
		}
	}
	return errors.Join(err, same("commit secret", got, v.Commit))
}

type partialState struct {
	Context  hexBytes     `json:"confirmed_transcript_hash"`
	Keys     []partialKey `json:"direct_path_secrets"`
	Enc      hexBytes     `json:"encryption_secret"`
	Epoch    uint64
	GroupID  hexBytes `json:"group_id"`
	Init     hexBytes `json:"init_secret"`
	Interim  hexBytes `json:"interim_transcript_hash"`
	Memb     hexBytes `json:"membership_key"`
	Leaf     uint32   `json:"receiver_leaf_index"`
	Sender   hexBytes `json:"sender_data_secret"`
	TreeHash hexBytes `json:"tree_hash"`
}
type partialCommit struct {
	Suite  Suite        `json:"cipher_suite"`
	Commit hexBytes     `json:"annotated_commit"`
	Secret hexBytes     `json:"commit_secret"`
	Auth   hexBytes     `json:"epoch_authenticator_after"`
	Hash   hexBytes     `json:"tree_hash_after"`
	Before partialState `json:"state_before"`
	After  partialState `json:"state_after"`
}

// checkPartialCommit: the state before has no private keys, so the commit secret is taken from the
// vector; all else is done as ProcessAnnotated does it.
func checkPartialCommit(v *partialCommit) error {
	s, st := suiteOf(v.Suite), &v.Before
	signer, err := NewSigner(v.Suite)
	if err != nil {
		return err
	}
	x, err := parseAnnotatedCommit(v.Commit)
	if err != nil {
		return err
	}
	g := &Group{
		s: s, me: st.Leaf, signer: signer, priv: map[uint32]hpke.PrivateKey{}, interim: st.Interim,
		ctx:     groupContext{v.Suite, st.GroupID, st.Epoch, st.TreeHash, st.Context, nil},
		es:      &epochSecrets{init: st.Init, senderData: st.Sender, membership: st.Memb},
		secrets: newSecretTree(s, x.sender.n, st.Enc),
		light:   &lightState{n: x.sender.n, known: map[uint32]*leafNode{st.Leaf: x.receiverAfter.l}, fresh: map[uint32]bool{}},
	}
	g.context = g.ctx.bytes()
	m, err := parseMessage(x.commit)
	if err != nil {
		return err
	}
	var us *UnknownSender
	if _, _, err := g.open(m, nil, nil); !errors.As(err, &us) || us.Leaf != x.sender.leaf {
		return fmt.Errorf("sender not learned: got %v", err)
	}
	if err := g.Learn(x.sender.bytes()); err != nil {
		return err
	}
	a, _, err := g.open(m, nil, nil)
	if err != nil {
		return err
	}
	r := reader{b: a.c.body}
	c := r.commitBody()
	f := x.follow(g, c)
	f.secret = func(next *Group) ([]byte, error) {
		got, err := x.receiverAfter.install(s, next.priv, x.senderAfter.leaf, v.After.Keys[0].Secret)
		if err != nil {
			return nil, err
		}
		key, err := s.kem.NewPrivateKey(pad(s, v.After.Keys[0].Enc))
		if err != nil {
			return nil, err
		}
		return got, errors.Join(same("commit secret", got, v.Secret),
			same("key", next.priv[v.After.Keys[0].Node].PublicKey().Bytes(), key.PublicKey().Bytes()))
	}
	out, err := g.receiveLight(a, c, f, t0)
	if err != nil {
		return err
	}
	n, after := out.(CommitReceived).Next, &v.After
	return errors.Join(same("authenticator", n.EpochAuthenticator(), v.Auth), same("tree hash", n.ctx.treeHash, v.Hash),
		same("tree hash in the state", n.ctx.treeHash, after.TreeHash), same("confirmed transcript", n.ctx.confirmed, after.Context),
		same("interim transcript", n.interim, after.Interim), same("init secret", n.es.init, after.Init),
		same("membership key", n.es.membership, after.Memb), same("sender data secret", n.es.senderData, after.Sender),
		same("encryption secret", n.secrets.node[n.secrets.leaves-1], after.Enc))
}
