package caps_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

func signer(t *testing.T, b byte) *caps.Signer {
	t.Helper()
	s, err := caps.SignerFromSeed(bytes.Repeat([]byte{b}, caps.SeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMessagesDiffer checks that each field of each message changes it, and that no message of
// one purpose is one of another (L-03, L-04, L-05, L-06).
func TestMessagesDiffer(t *testing.T) {
	b, b2 := plane.Binding{1}, plane.Binding{2}
	k, k2 := plane.PublicKey{1}, plane.PublicKey{2}
	id, id2 := plane.LogID{1}, plane.LogID{2}
	messages := [][]byte{
		caps.CreateMessage(b, k, k, k, 30, false), caps.CreateMessage(b2, k, k, k, 30, false),
		caps.CreateMessage(b, k2, k, k, 30, false), caps.CreateMessage(b, k, k2, k, 30, false),
		caps.CreateMessage(b, k, k, k2, 30, false), caps.CreateMessage(b, k, k, k, 31, false),
		caps.CreateMessage(b, k, k, k, 30, true),
		caps.OpenMessage(b, id, 1, 1, k), caps.OpenMessage(b2, id, 1, 1, k), caps.OpenMessage(b, id2, 1, 1, k),
		caps.OpenMessage(b, id, 2, 1, k), caps.OpenMessage(b, id, 1, 256, k), caps.OpenMessage(b, id, 1, 1, k2),
		caps.MemberMessage(b), caps.MemberMessage(b2),
	}
	for i, m := range messages {
		for j, o := range messages[:i] {
			if bytes.HasPrefix(m, o) || bytes.HasPrefix(o, m) {
				t.Errorf("message %d (%q) and %d are not apart", i, m, j)
			}
		}
	}
	prefixes := []string{"pp create v1", "pp open v1", "pp member v1"}
	for i, m := range messages {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(string(m), p) }) {
			t.Errorf("message %d starts with none of the prefixes", i)
		}
	}
}

// TestVerify signs and checks; any flipped bit of key, message or signature ends it.
func TestVerify(t *testing.T) {
	s := signer(t, 1)
	msg := caps.MemberMessage(plane.Binding{1})
	sig := s.Sign(msg)
	if !caps.Verify(s.Public(), msg, sig) {
		t.Fatal("a good signature does not verify")
	}
	for i := range 64 * 8 {
		bad := sig
		bad[i/8] ^= 1 << (i % 8)
		if caps.Verify(s.Public(), msg, bad) {
			t.Errorf("verifies with bit %d of the signature flipped", i)
		}
	}
	for i := range 32 * 8 {
		bad := s.Public()
		bad[i/8] ^= 1 << (i % 8)
		if caps.Verify(bad, msg, sig) {
			t.Errorf("verifies with bit %d of the key flipped", i)
		}
	}
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 1
		if caps.Verify(s.Public(), bad, sig) {
			t.Errorf("verifies with byte %d of the message changed", i)
		}
	}
	if caps.Verify(signer(t, 2).Public(), msg, sig) {
		t.Error("verifies under another key")
	}
}

// TestVerifyDummy checks that the dummy never says yes (L-08), not even to a signature that is
// valid under the dummy's key, the base point: its secret scalar is 1, so anybody makes one.
func TestVerifyDummy(t *testing.T) {
	msg := []byte("pp open v1")
	base := bytes.Repeat([]byte{0x66}, 32)
	base[0] = 0x58
	// R is the base point too; S = 1 + SHA-512(R, A, msg) modulo the order of the group.
	h := sha512.Sum512(slices.Concat(base, base, msg))
	slices.Reverse(h[:])
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := new(big.Int).SetBytes(h[:])
	s.Add(s, big.NewInt(1)).Mod(s, order)
	sig := plane.Signature(slices.Concat(base, make([]byte, 32)))
	s.FillBytes(sig[32:])
	slices.Reverse(sig[32:])
	if !caps.Verify(plane.PublicKey(base), msg, sig) {
		t.Fatal("the signature made for this test is not valid under the base point")
	}
	if caps.VerifyDummy(msg, sig) || caps.VerifyDummy(msg, signer(t, 1).Sign(msg)) {
		t.Error("the dummy verified")
	}
}

// badKeys are encodings that ValidKey must refuse: the points of small order with either sign,
// and y not below p.
func badKeys(t *testing.T) map[string]plane.PublicKey {
	t.Helper()
	m := map[string]plane.PublicKey{}
	for name, h := range map[string]string{
		"order-1":            "0100000000000000000000000000000000000000000000000000000000000000",
		"order-2":            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order-4":            "0000000000000000000000000000000000000000000000000000000000000000",
		"order-8-a":          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"order-8-b":          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"not-canonical-0":    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"not-canonical-1":    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"not-canonical-3":    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"not-canonical-last": "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		k := plane.PublicKey(b)
		m[name] = k
		k[31] |= 0x80
		m[name+"-sign"] = k
	}
	return m
}

// TestWeakKeys shows what crypto/ed25519 does and we do not (L-07): under the key of order 1 the
// signature (R = identity, S = 0) holds for every message; and non-canonical keys are taken.
func TestWeakKeys(t *testing.T) {
	forged := plane.Signature{0: 1}
	accepted := 0
	for name, k := range badKeys(t) {
		if caps.ValidKey(k) {
			t.Errorf("%s is valid", name)
		}
		for i := range 32 { // with order 8 one message in 8 would do
			msg := fmt.Appendf(nil, "message %d", i)
			if ed25519.Verify(k[:], msg, forged[:]) {
				accepted++
			}
			if caps.Verify(k, msg, forged) {
				t.Errorf("%s: a forgery verifies", name)
			}
		}
	}
	if accepted == 0 {
		t.Error("crypto/ed25519 refuses all these keys by itself now: ValidKey may go")
	}
	for b := range byte(200) {
		if k := signer(t, b).Public(); !caps.ValidKey(k) {
			t.Errorf("the key of seed %d is not valid", b)
		}
	}
	// One below p is a canonical y (and -1, of order 2, is the only small one up there).
	edge := badKeys(t)["order-2"]
	edge[0] = 0xeb
	if !caps.ValidKey(edge) {
		t.Error("the largest canonical y of no small order is refused")
	}
	for i := 1; i < 31; i++ { // far below p, though it begins and ends as p does
		inner := badKeys(t)["not-canonical-last"]
		inner[i] = 0xfe
		if !caps.ValidKey(inner) {
			t.Errorf("y with byte %d below that of p is refused", i)
		}
	}
}

// TestSigner checks the ways to a key, and that the keeper shows none of it.
func TestSigner(t *testing.T) {
	s := caps.NewSigner()
	again, err := caps.SignerFromSeed(s.Seed())
	if err != nil || !again.Equal(s) || again.Public() != s.Public() {
		t.Errorf("the seed gives another key, %v", err)
	}
	if caps.NewSigner().Equal(s) {
		t.Error("two random keys are equal")
	}
	s.Seed()[0] ^= 1
	if !again.Equal(s) {
		t.Error("changing a returned seed changes the key")
	}
	for _, n := range []int{0, caps.SeedBytes - 1, caps.SeedBytes + 1, 64} {
		if _, err := caps.SignerFromSeed(make([]byte, n)); !errors.Is(err, caps.ErrSeed) {
			t.Errorf("seed of %d bytes: got %v, want ErrSeed", n, err)
		}
	}
	holder := struct {
		hidden *caps.Signer
		Shown  *caps.Signer
	}{s, s}
	secret := hex.EncodeToString(s.Seed()[:8])
	dec := strings.Trim(fmt.Sprint(s.Seed()[:8]), "[]")
	for _, v := range []any{s, *s, holder, &holder} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, secret) || strings.Contains(got, dec) || strings.Contains(got, string(s.Seed()[:8])) {
				t.Errorf("%T with %s printed the seed", v, verb)
			}
		}
	}
	if got := fmt.Sprint(s); got != "[redacted]" {
		t.Errorf("printed %q, want [redacted]", got)
	}
}

// TestDerive checks that derived keys differ by secret, generation and purpose, and repeat (L-09, L-10).
func TestDerive(t *testing.T) {
	seen := map[plane.PublicKey]string{}
	add := func(name string, s *caps.Signer) {
		if other, ok := seen[s.Public()]; ok {
			t.Errorf("%s is the key of %s", name, other)
		}
		seen[s.Public()] = name
	}
	for _, secret := range []string{"", "a", strings.Repeat("s", 32)} {
		for _, gen := range []plane.Gen{0, 1, 2, 256, 1 << 24} {
			r, w := caps.DeriveLogKeys([]byte(secret), gen)
			add(fmt.Sprintf("read %q %d", secret, gen), r)
			add(fmt.Sprintf("write %q %d", secret, gen), w)
			r2, w2 := caps.DeriveLogKeys([]byte(secret), gen)
			if !r.Equal(r2) || !w.Equal(w2) {
				t.Errorf("%q %d: derived twice, two keys", secret, gen)
			}
		}
	}
	add("door 0", caps.DoorSigner([16]byte{}))
	add("door 1", caps.DoorSigner([16]byte{1}))
}

func BenchmarkVerify(b *testing.B) {
	s := caps.NewSigner()
	msg := caps.MemberMessage(plane.Binding{})
	sig := s.Sign(msg)
	for b.Loop() {
		caps.Verify(s.Public(), msg, sig)
	}
}

// BenchmarkVerifyDummy must show the time of BenchmarkVerify (L-08).
func BenchmarkVerifyDummy(b *testing.B) {
	s := caps.NewSigner()
	msg := caps.MemberMessage(plane.Binding{})
	sig := s.Sign(msg)
	for b.Loop() {
		caps.VerifyDummy(msg, sig)
	}
}
