package seal_test

import (
	"errors"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// TestHandover: an owner key opens with the right key, for the right log, unchanged, and not else
// (E-13).
func TestHandover(t *testing.T) {
	key, other := seal.NewKEMKey(), seal.NewKEMKey()
	log, seed := plane.LogID{1}, [32]byte{2}
	b, err := seal.SealHandover(key.Public(), log, seed)
	if err != nil || len(b) != seal.HandoverBytes {
		t.Fatalf("%d bytes, want %d, %v", len(b), seal.HandoverBytes, err)
	}
	if got, err := seal.OpenHandover(key, log, b); err != nil || got != seed {
		t.Errorf("got %x, %v", got, err)
	}
	for name, f := range map[string]func() error{
		"key":  func() error { _, err := seal.OpenHandover(other, log, b); return err },
		"log":  func() error { _, err := seal.OpenHandover(key, plane.LogID{2}, b); return err },
		"cut":  func() error { _, err := seal.OpenHandover(key, log, b[:len(b)-1]); return err },
		"none": func() error { _, err := seal.OpenHandover(key, log, nil); return err },
	} {
		if err := f(); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: got %v, want %v", name, err, seal.ErrOpen)
		}
	}
	if _, err := seal.SealHandover(make([]byte, 7), log, seed); !errors.Is(err, seal.ErrKey) {
		t.Errorf("no key: got %v", err)
	}
}
