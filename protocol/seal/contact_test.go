package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// TestRequest checks that the encapsulation is known before and after, and that a sealer seals
// once (C-20, C-21).
func TestRequest(t *testing.T) {
	kem, inbox := seal.NewKEMKey(), plane.LogID{1}
	enc, s, err := seal.NewRequestSealer(kem.Public(), inbox)
	if err != nil {
		t.Fatal(err)
	}
	if len(enc) != seal.EncapsulationBytes {
		t.Errorf("encapsulation of %d bytes, want %d", len(enc), seal.EncapsulationBytes)
	}
	kept := bytes.Clone(enc)
	enc[0] ^= 1 // the caller's copy: it must not reach the record
	if _, err := s.Seal(make([]byte, seal.RequestPayloadMax+1)); !errors.Is(err, seal.ErrTooLarge) {
		t.Errorf("a payload too large: got %v, want ErrTooLarge", err)
	}
	body, err := s.Seal([]byte("hello"))
	if err != nil || len(body) != plane.RecordLarge {
		t.Fatalf("sealed to %d bytes, %v", len(body), err)
	}
	if _, err := s.Seal([]byte("again")); !errors.Is(err, seal.ErrKey) {
		t.Errorf("sealed twice: got %v, want ErrKey", err)
	}
	got, payload, err := seal.OpenRequest(kem, inbox, body)
	if err != nil || !bytes.Equal(got, kept) || string(payload) != "hello" {
		t.Errorf("opened: same encapsulation %v, payload of %d bytes, %v", bytes.Equal(got, kept), len(payload), err)
	}
}

// TestRequestKey gives public keys that are none.
func TestRequestKey(t *testing.T) {
	good := seal.NewKEMKey().Public()
	high := bytes.Repeat([]byte{0xff}, seal.KEMPublicBytes) // coefficients not below q
	for name, pub := range map[string][]byte{"none": nil, "short": good[1:], "long": append(good, 0), "not-reduced": high} {
		if _, _, err := seal.NewRequestSealer(pub, plane.LogID{}); !errors.Is(err, seal.ErrKey) {
			t.Errorf("%s: got %v, want ErrKey", name, err)
		}
	}
}
