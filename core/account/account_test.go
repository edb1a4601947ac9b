package account

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

func keys(t testing.TB) *Keys {
	t.Helper()
	k, err := NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestCredential shows that a leaf is its account's only with the certified key.
func TestCredential(t *testing.T) {
	k, o := keys(t), keys(t)
	again, err := ParseKeys(k.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if p, err := Identify(again.Credential(), k.Device().Public()); err != nil || p != k.Person() {
		t.Errorf("got %v", err)
	}
	if _, err := Identify(k.Credential(), o.Device().Public()); !errors.Is(err, ErrCredential) {
		t.Errorf("another device's key: got %v", err)
	}
	c := k.Credential()
	for i := range c {
		bad := bytes.Clone(c)
		bad[i] ^= 1
		if _, err := Identify(bad, k.Device().Public()); err == nil {
			t.Fatalf("byte %d changed and still good", i)
		}
	}
	if _, err := Identify(append(c, 0), k.Device().Public()); err == nil {
		t.Errorf("trailing byte taken")
	}
	if _, err := ParseKeys(k.Marshal()[1:]); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged keys: got %v", err)
	}
}

// TestCard shows what makes a card bad: any changed byte, another inbox, its day.
func TestCard(t *testing.T) {
	k := keys(t)
	inbox, kem := plane.LogID{1}, seal.NewKEMKey()
	b := k.NewCard("Ann", inbox, kem.Public(), 100)
	for today, ok := range map[plane.Day]bool{50: true, 100: true, 101: true, 102: false} {
		if c, err := VerifyCard(b, inbox, today); (err == nil) != ok || ok && c.Account != k.Person() {
			t.Errorf("day %d: got %v, want ok %v", today, err, ok)
		}
	}
	if _, err := VerifyCard(b, plane.LogID{2}, 50); !errors.Is(err, ErrCard) {
		t.Errorf("another inbox: got %v", err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, err := VerifyCard(bad, inbox, 50); err == nil {
			t.Fatalf("byte %d changed and still good", i)
		}
	}
}

// TestRequest shows that a request counts only for the owner, card and encapsulation it was made
// for: leaving one out of the signature broke authentication in the symbolic model.
func TestRequest(t *testing.T) {
	owner, asker, other := keys(t), keys(t), keys(t)
	inbox := plane.LogID{1}
	kem := seal.NewKEMKey()
	cb := owner.NewCard("Ann", inbox, kem.Public(), 100)
	card, err := VerifyCard(cb, inbox, 50)
	if err != nil {
		t.Fatal(err)
	}
	r := Request{Invitation: make([]byte, 5500), Owner: caps.NewSigner().Seed(), Origin: "http://localhost:1"}
	body, err := asker.SealRequest(card, cb, r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := owner.OpenRequest(kem, sha256.Sum256(cb), inbox, body)
	if err != nil || got.Account != asker.Person() || !bytes.Equal(got.Owner, r.Owner) {
		t.Fatalf("got %v", err)
	}
	if _, err := owner.OpenRequest(kem, sha256.Sum256([]byte("another card")), inbox, body); !errors.Is(err, ErrRequest) {
		t.Errorf("another card: got %v", err)
	}
	if _, err := owner.OpenRequest(seal.NewKEMKey(), sha256.Sum256(cb), inbox, body); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another key: got %v", err)
	}
	// A dishonest owner passes it on to another owner, sealed anew with the signature as it is.
	enc, s, err := seal.NewRequestSealer(kem.Public(), inbox)
	if err != nil {
		t.Fatal(err)
	}
	_ = enc
	passed, err := s.Seal(encode(got))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.OpenRequest(kem, sha256.Sum256(cb), inbox, passed); !errors.Is(err, ErrRequest) {
		t.Errorf("another encapsulation: got %v", err)
	}
	if _, err := other.OpenRequest(kem, sha256.Sum256(cb), inbox, body); !errors.Is(err, ErrRequest) {
		t.Errorf("another owner: got %v", err)
	}
	r.Invitation = make([]byte, seal.RequestPayloadMax)
	if _, err := asker.SealRequest(card, cb, r); !errors.Is(err, seal.ErrTooLarge) {
		t.Errorf("too large: got %v", err)
	}
}

// FuzzCard wants no panic from bytes of strangers.
func FuzzCard(f *testing.F) {
	k := keys(f)
	f.Add(k.NewCard("Ann", plane.LogID{1}, seal.NewKEMKey().Public(), 100))
	f.Add(k.Credential())
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := VerifyCard(b, plane.LogID{1}, 50); err == nil && !bytes.Equal(encode(c), b) {
			t.Errorf("two encodings of one card")
		}
		if _, err := Identify(b, b); err == nil {
			t.Errorf("a stranger's bytes identify somebody")
		}
	})
}

// FuzzRequest gives an owner requests whose inside is anything.
func FuzzRequest(f *testing.F) {
	k := keys(f)
	kem := seal.NewKEMKey()
	f.Add(encode(Request{Version: 1, Owner: make([]byte, 32)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, s, err := seal.NewRequestSealer(kem.Public(), plane.LogID{1})
		if err != nil {
			t.Fatal(err)
		}
		body, err := s.Seal(b)
		if err != nil {
			return
		}
		if _, err := k.OpenRequest(kem, [32]byte{}, plane.LogID{1}, body); err == nil {
			t.Errorf("a request without a signature was taken")
		}
	})
}
