package mls

import (
	"errors"
	"runtime"
	"slices"
	"testing"
)

func nist(s Suite) bool { return s == P256AES || s == P384AES || s == P521AES }

// built leaves out what a browser's core does not have.
func built(suites ...Suite) []Suite {
	return slices.DeleteFunc(suites, func(s Suite) bool { return nist(s) && runtime.GOOS == "js" })
}

// A browser's core has, and claims, no suite on NIST's curves; every other build has all of ours.
func TestSuites(t *testing.T) {
	claimed := Capabilities{}.ours(suiteOf(XWing), nil).suites
	for _, s := range []Suite{X25519AES, P256AES, X25519ChaCha, P521AES, P384AES, XWing} {
		want := !nist(s) || runtime.GOOS != "js"
		if got := s.Valid(); got != want {
			t.Errorf("suite %d: got valid %t, want %t", s, got, want)
		}
		_, err := NewSigner(s)
		if got := !errors.Is(err, ErrSuite); got != want {
			t.Errorf("suite %d: got signer %t, want %t", s, got, want)
		}
		if slices.Contains(claimed, uint16(s)) && !want {
			t.Errorf("suite %d is claimed and not there", s)
		}
	}
	if !slices.Contains(claimed, uint16(P256AES)) && runtime.GOOS != "js" {
		t.Error("suite 2 is there and not claimed")
	}
	for _, s := range []Suite{0, 4, 6, 8, 0xffff} {
		if s.Valid() {
			t.Errorf("suite %d: got valid, want not", s)
		}
	}
}
