package mls

import (
	"crypto/hmac"
	"errors"
	"fmt"
)

type cryptoBasics struct {
	Suite   Suite `json:"cipher_suite"`
	RefHash struct {
		Label      string
		Value, Out hexBytes
	} `json:"ref_hash"`
	Expand struct {
		Secret, Context, Out hexBytes
		Label                string
		Length               int
	} `json:"expand_with_label"`
	Derive struct {
		Secret, Out hexBytes
		Label       string
	} `json:"derive_secret"`
	Tree struct {
		Secret, Out hexBytes
		Label       string
		Generation  uint32
		Length      int
	} `json:"derive_tree_secret"`
	Sign struct {
		Priv, Pub, Content, Signature hexBytes
		Label                         string
	} `json:"sign_with_label"`
	Encrypt struct {
		Priv, Pub, Context, Plaintext, Ciphertext hexBytes
		KEM                                       hexBytes `json:"kem_output"`
		Label                                     string
	} `json:"encrypt_with_label"`
}

func checkCryptoBasics(v *cryptoBasics) error {
	s := suiteOf(v.Suite)
	k, err := newSigner(s, pad(s, v.Sign.Priv))
	if err != nil {
		return err
	}
	sig, err := k.sign(v.Sign.Label, v.Sign.Content)
	if err != nil {
		return err
	}
	if !s.verify(v.Sign.Pub, v.Sign.Label, v.Sign.Content, sig) || !s.verify(v.Sign.Pub, v.Sign.Label, v.Sign.Content, v.Sign.Signature) {
		return errors.New("signature does not verify")
	}
	priv, err := s.kem.NewPrivateKey(pad(s, v.Encrypt.Priv))
	if err != nil {
		return err
	}
	info := labelled(v.Encrypt.Label, v.Encrypt.Context)
	plain, err := s.decrypt(priv, info, ciphertext{v.Encrypt.KEM, v.Encrypt.Ciphertext})
	if err != nil {
		return err
	}
	c, err := s.encrypt(v.Encrypt.Pub, info, v.Encrypt.Plaintext)
	if err != nil {
		return err
	}
	again, err := s.decrypt(priv, info, c)
	if err != nil {
		return err
	}
	return errors.Join(
		same("ref hash", s.refHash(v.RefHash.Label, v.RefHash.Value), v.RefHash.Out),
		same("expand", s.expandLabel(v.Expand.Secret, v.Expand.Label, v.Expand.Context, v.Expand.Length), v.Expand.Out),
		same("derive", s.derive(v.Derive.Secret, v.Derive.Label), v.Derive.Out),
		same("derive tree", s.deriveTree(v.Tree.Secret, v.Tree.Label, v.Tree.Generation, v.Tree.Length), v.Tree.Out),
		same("public key", k.pub, v.Sign.Pub),
		same("plaintext", plain, v.Encrypt.Plaintext),
		same("own plaintext", again, v.Encrypt.Plaintext),
	)
}

type deserialization struct {
	Header hexBytes `json:"vlbytes_header"`
	Length int
}

func checkDeserialization(v *deserialization) error {
	r := reader{b: v.Header}
	if n := r.size(); n != v.Length || r.err != nil || len(r.b) != 0 {
		return fmt.Errorf("got length %d (%v, %d left), want %d", n, r.err, len(r.b), v.Length)
	}
	var w writer
	w.size(v.Length)
	return same("header", w.b, v.Header)
}

type keySchedule struct {
	Suite   Suite    `json:"cipher_suite"`
	GroupID hexBytes `json:"group_id"`
	Init    hexBytes `json:"initial_init_secret"`
	Epochs  []struct {
		TreeHash   hexBytes `json:"tree_hash"`
		Commit     hexBytes `json:"commit_secret"`
		PSK        hexBytes `json:"psk_secret"`
		Confirmed  hexBytes `json:"confirmed_transcript_hash"`
		Context    hexBytes `json:"group_context"`
		Joiner     hexBytes `json:"joiner_secret"`
		Welcome    hexBytes `json:"welcome_secret"`
		Init       hexBytes `json:"init_secret"`
		SenderData hexBytes `json:"sender_data_secret"`
		Encryption hexBytes `json:"encryption_secret"`
		Exporter   hexBytes `json:"exporter_secret"`
		Auth       hexBytes `json:"epoch_authenticator"`
		External   hexBytes `json:"external_secret"`
		Confirm    hexBytes `json:"confirmation_key"`
		Membership hexBytes `json:"membership_key"`
		Resumption hexBytes `json:"resumption_psk"`
		ExtPub     hexBytes `json:"external_pub"`
		Export     struct {
			Label           string
			Context, Secret hexBytes
			Length          int
		} `json:"exporter"`
	}
}

func checkKeySchedule(v *keySchedule) error {
	s := suiteOf(v.Suite)
	init := []byte(v.Init)
	for i, y := range v.Epochs {
		ctx := groupContext{v.Suite, v.GroupID, uint64(i), y.TreeHash, y.Confirmed, nil}
		joiner := s.joiner(init, y.Commit, ctx.bytes())
		e := s.epoch(joiner, y.PSK, ctx.bytes())
		k, err := s.kem.DeriveKeyPair(e.external)
		if err != nil {
			return err
		}
		if err := errors.Join(
			same("context", ctx.bytes(), y.Context), same("joiner", joiner, y.Joiner), same("welcome", e.welcome, y.Welcome),
			same("init", e.init, y.Init), same("sender data", e.senderData, y.SenderData), same("encryption", e.encryption, y.Encryption),
			same("exporter", e.exporter, y.Exporter), same("authenticator", e.authenticator, y.Auth), same("external", e.external, y.External),
			same("confirm", e.confirm, y.Confirm), same("membership", e.membership, y.Membership), same("resumption", e.resumption, y.Resumption),
			same("external pub", k.PublicKey().Bytes(), y.ExtPub),
			same("exported", s.export(e.exporter, y.Export.Label, y.Export.Context, y.Export.Length), y.Export.Secret),
		); err != nil {
			return fmt.Errorf("epoch %d: %w", i, err)
		}
		init = e.init
	}
	return nil
}

type pskSecretVector struct {
	Suite Suite `json:"cipher_suite"`
	PSKs  []struct {
		ID    hexBytes `json:"psk_id"`
		PSK   hexBytes
		Nonce hexBytes `json:"psk_nonce"`
	}
	Secret hexBytes `json:"psk_secret"`
}

func checkPSKSecret(v *pskSecretVector) error {
	var ids []pskID
	var keys [][]byte
	for _, p := range v.PSKs {
		ids, keys = append(ids, pskID{typ: pskExternal, id: p.ID, nonce: p.Nonce}), append(keys, p.PSK)
	}
	return same("psk secret", suiteOf(v.Suite).pskSecret(ids, keys), v.Secret)
}

type secretTreeVector struct {
	Suite      Suite    `json:"cipher_suite"`
	Encryption hexBytes `json:"encryption_secret"`
	SenderData struct {
		Secret     hexBytes `json:"sender_data_secret"`
		Ciphertext hexBytes
		Key, Nonce hexBytes
	} `json:"sender_data"`
	Leaves [][]struct {
		Gen uint32   `json:"generation"`
		HK  hexBytes `json:"handshake_key"`
		HN  hexBytes `json:"handshake_nonce"`
		AK  hexBytes `json:"application_key"`
		AN  hexBytes `json:"application_nonce"`
	}
}

func checkSecretTree(v *secretTreeVector) error {
	s := suiteOf(v.Suite)
	key, nonce := s.senderDataKeys(v.SenderData.Secret, v.SenderData.Ciphertext)
	if err := errors.Join(same("sender key", key, v.SenderData.Key), same("sender nonce", nonce, v.SenderData.Nonce)); err != nil {
		return err
	}
	st := newSecretTree(s, uint32(len(v.Leaves)), v.Encryption)
	for i, l := range v.Leaves {
		for _, g := range l {
			h, err := st.look(ratchetID{uint32(i), false}, g.Gen)
			if err != nil {
				return err
			}
			a, err := st.look(ratchetID{uint32(i), true}, g.Gen)
			if err != nil {
				return err
			}
			h.commit()
			a.commit()
			if err := errors.Join(same("handshake key", h.keys.key, g.HK), same("handshake nonce", h.keys.nonce, g.HN),
				same("application key", a.keys.key, g.AK), same("application nonce", a.keys.nonce, g.AN)); err != nil {
				return fmt.Errorf("leaf %d generation %d: %w", i, g.Gen, err)
			}
		}
	}
	return nil
}

type transcript struct {
	Suite     Suite    `json:"cipher_suite"`
	Key       hexBytes `json:"confirmation_key"`
	Content   hexBytes `json:"authenticated_content"`
	Before    hexBytes `json:"interim_transcript_hash_before"`
	Confirmed hexBytes `json:"confirmed_transcript_hash_after"`
	After     hexBytes `json:"interim_transcript_hash_after"`
}

func checkTranscript(v *transcript) error {
	s := suiteOf(v.Suite)
	r := &reader{b: v.Content}
	wire := WireFormat(r.u16())
	// AuthenticatedContent is a public message without its membership tag: lend it an empty one.
	r.b = append(append([]byte{}, r.b...), 0)
	a := r.publicMessage()
	a.wire = wire
	if a.c.typ != ContentCommit || r.err != nil {
		return fmt.Errorf("content type %d: %v", a.c.typ, r.err)
	}
	confirmed := s.confirmedHash(v.Before, a.confirmedInput())
	if !hmac.Equal(s.mac(v.Key, confirmed), a.tag) {
		return errors.New("confirmation tag differs")
	}
	return errors.Join(same("content", a.bytes(), v.Content), same("confirmed", confirmed, v.Confirmed),
		same("interim", s.interimHash(confirmed, a.tag), v.After))
}

type treeMath struct {
	Leaves  uint32 `json:"n_leaves"`
	Nodes   uint32 `json:"n_nodes"`
	Root    uint32
	Left    []*uint32
	Right   []*uint32
	Parent  []*uint32
	Sibling []*uint32
}

func checkTreeMath(v *treeMath) error {
	t := newTree(suiteXWing, v.Leaves)
	if t.width() != v.Nodes || t.root() != v.Root {
		return fmt.Errorf("got width %d root %d, want %d and %d", t.width(), t.root(), v.Nodes, v.Root)
	}
	for x := range v.Nodes {
		for name, f := range map[string]struct {
			want *uint32
			got  func(uint32) uint32
		}{"left": {v.Left[x], left}, "right": {v.Right[x], right}, "parent": {v.Parent[x], parentOf}, "sibling": {v.Sibling[x], sibling}} {
			if f.want != nil && f.got(x) != *f.want {
				return fmt.Errorf("%s of %d: got %d, want %d", name, x, f.got(x), *f.want)
			}
		}
		if (v.Left[x] == nil) != (level(x) == 0) || (v.Parent[x] == nil) != (x == t.root()) {
			return fmt.Errorf("node %d: leaf or root differs", x)
		}
	}
	return nil
}
