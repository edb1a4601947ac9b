package account

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

func aKnock(k *Keys, now time.Time) Knock {
	return Knock{
		Conversation: plane.LogID{9}, Credential: k.Credential(), Package: []byte("package"), Reply: plane.LogID{8}, Write: make([]byte, caps.SeedBytes),
		KEM: seal.NewKEMKey().Public(), Door: plane.PublicKey{7}, At: now.UnixMilli(),
	}
}

// TestKnock seals knocks and shows which are believed: those that their account has signed, for this
// queue and key, at a possible time.
func TestKnock(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	k, o := keys(t), keys(t)
	kem, queue := seal.NewKEMKey(), plane.LogID{1}
	body, err := k.SealKnock(kem.Public(), queue, aKnock(k, now))
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenKnock(kem, queue, body, now)
	if err != nil || got.Account != k.Person() || got.Conversation != (plane.LogID{9}) {
		t.Fatalf("a good knock: got %v", err)
	}
	if _, err := OpenKnock(seal.NewKEMKey(), queue, body, now); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another key: got %v, want ErrOpen", err)
	}
	if _, err := OpenKnock(kem, plane.LogID{2}, body, now); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another queue: got %v, want ErrOpen", err)
	}
	if _, err := OpenKnock(kem, queue, bytes.Repeat([]byte{1}, plane.RecordLarge), now); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("rubbish: got %v, want ErrOpen", err)
	}
	for name, edit := range map[string]func(*Knock){
		"another's-credential": func(x *Knock) { x.Credential = o.Credential() },
		"no-credential":        func(x *Knock) { x.Credential = nil },
		"from-the-future":      func(x *Knock) { x.At = now.Add(knockAheadMax + time.Millisecond).UnixMilli() },
		"short-seed":           func(x *Knock) { x.Write = x.Write[1:] },
		"short-kem":            func(x *Knock) { x.KEM = x.KEM[1:] },
	} {
		x := aKnock(k, now)
		edit(&x)
		body, err := k.SealKnock(kem.Public(), queue, x)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKnock(kem, queue, body, now); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: got %v, want ErrRequest", name, err)
		}
	}
	x := aKnock(k, now)
	x.At = now.Add(knockAheadMax).UnixMilli()
	if body, err = k.SealKnock(kem.Public(), queue, x); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKnock(kem, queue, body, now); err != nil {
		t.Errorf("at the edge of the future: got %v", err)
	}
	// Forged: what somebody else's account key has signed, sent in the name of k.
	enc, s, err := seal.NewRequestSealer(kem.Public(), queue)
	if err != nil {
		t.Fatal(err)
	}
	f := aKnock(k, now)
	f.Version, f.Account = knockVersion, k.Person()
	f.Sig = o.account.Sign(f.message(queue, [32]byte{}, enc))
	if body, err = s.Seal(encode(f)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKnock(kem, queue, body, now); !errors.Is(err, ErrRequest) {
		t.Errorf("forged: got %v, want ErrRequest", err)
	}
	// Passed on: a good inner part under another encapsulation, as a dishonest member could.
	_, s, err = seal.NewRequestSealer(kem.Public(), queue)
	if err != nil {
		t.Fatal(err)
	}
	if body, err = s.Seal(encode(got)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKnock(kem, queue, body, now); !errors.Is(err, ErrRequest) {
		t.Errorf("passed on: got %v, want ErrRequest", err)
	}
}

// TestQueueCard shows which cards are believed: those signed by the key that the queue's id follows
// from.
func TestQueueCard(t *testing.T) {
	owner := caps.NewSigner()
	queue := caps.NewLogID(owner.Public())
	c := QueueCard{Group: plane.LogID{1}, KEM: seal.NewKEMKey().Public(), Name: "Trip", Picture: make([]byte, queueCardPicture), Members: 3}
	b := NewQueueCard(owner, c)
	if got, err := VerifyQueueCard(b, queue); err != nil || got.Name != "Trip" || got.Members != 3 || len(got.Picture) != queueCardPicture {
		t.Errorf("a good card: got %v", err)
	}
	if len(b) > seal.CardPayloadMax {
		t.Errorf("the largest card has %d bytes, over %d", len(b), seal.CardPayloadMax)
	}
	if _, err := VerifyQueueCard(b, plane.LogID{2}); !errors.Is(err, ErrCard) {
		t.Errorf("another queue: got %v, want ErrCard", err)
	}
	for i := 0; i < len(b); i += 13 {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, err := VerifyQueueCard(bad, queue); !errors.Is(err, ErrCard) {
			t.Errorf("byte %d changed: got %v, want ErrCard", i, err)
		}
	}
	c.Picture = make([]byte, queueCardPicture+1)
	if got, err := VerifyQueueCard(NewQueueCard(owner, c), queue); err != nil || got.Picture != nil {
		t.Errorf("a large picture is left out: got %d bytes, %v", len(got.Picture), err)
	}
	c.Name = "a\u202eb"
	if _, err := VerifyQueueCard(NewQueueCard(owner, c), queue); !errors.Is(err, ErrCard) {
		t.Errorf("a name that misleads: got %v, want ErrCard", err)
	}
}

// TestPassSignature shows that an answer's signature is of its words, its log and its maker.
func TestPassSignature(t *testing.T) {
	k, o := keys(t), keys(t)
	said := [32]byte{1}
	sig := k.SignPass(said)
	if !VerifyPass(k.Person(), said, sig) {
		t.Error("a good one does not hold")
	}
	if VerifyPass(o.Person(), said, sig) || VerifyPass(k.Person(), [32]byte{2}, sig) {
		t.Error("it holds for another maker or other words")
	}
}

// FuzzKnock holds that nothing in a knock or a card that is not ours does harm.
func FuzzKnock(f *testing.F) {
	k, err := NewKeys()
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Add(encode(aKnock(k, now)))
	owner := caps.NewSigner()
	f.Add(NewQueueCard(owner, QueueCard{KEM: seal.NewKEMKey().Public(), Name: "x"}))
	f.Add([]byte{0x85})
	kem, queue := seal.NewKEMKey(), plane.LogID{1}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := VerifyQueueCard(b, caps.NewLogID(owner.Public())); err == nil && !bytes.Equal(encode(c), b) {
			t.Error("a card has two encodings")
		}
		_, s, err := seal.NewRequestSealer(kem.Public(), queue)
		if err != nil {
			t.Fatal(err)
		}
		body, err := s.Seal(b)
		if err != nil {
			return
		}
		if _, err := OpenKnock(kem, queue, body, now); err == nil {
			t.Error("a knock that nobody has signed")
		}
	})
}
