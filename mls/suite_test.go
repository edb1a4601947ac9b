package mls

import (
	"bytes"
	"crypto/hkdf"
	"errors"
	"fmt"
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

// The check of an X-Wing key says what the standard library's parser says: for every value of a
// coefficient at its edges, for each place, and for lengths.
func TestGoodKey(t *testing.T) {
	s := suiteXWing
	good := must(s.kem.GenerateKey()).PublicKey().Bytes()
	same := func(what string, b []byte) {
		t.Helper()
		_, err := s.kem.NewPublicKey(b)
		if got, want := s.goodKey(b), err == nil; got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	same("a key", good)
	same("nothing", nil)
	same("short", good[:len(good)-1])
	same("long", append(slices.Clone(good), 0))
	for i := range 768 {
		for _, v := range []int{0, 3328, 3329, 4095} {
			b := slices.Clone(good)
			at := i / 2 * 3
			if i%2 == 0 {
				b[at], b[at+1] = byte(v), b[at+1]&0xf0|byte(v>>8)
			} else {
				b[at+1], b[at+2] = b[at+1]&0x0f|byte(v<<4), byte(v>>4)
			}
			same(fmt.Sprintf("coefficient %d is %d", i, v), b)
		}
	}
	for i := 1152; i < len(good); i++ {
		b := slices.Clone(good)
		b[i] = 0xff
		same(fmt.Sprintf("byte %d", i), b)
	}
}

// Short outputs are made by hand: as HKDF-Expand makes them, for all lengths of key and context.
func TestExpand(t *testing.T) {
	for _, id := range built(XWing, P384AES) {
		s := suiteOf(id)
		for _, kl := range []int{0, 16, 32, 64, 65, 200} {
			for _, cl := range []int{0, 1, 32, 63, 64, 190, 1000} {
				for _, n := range []int{12, 16, 32, 33, 48, 64} {
					key, context := random(kl), random(cl)
					var w writer
					w.u16(uint16(n))
					w.vec([]byte("MLS 1.0 label"))
					w.vec(context)
					want := must(hkdf.Expand(s.newHash, key, string(w.b), n))
					if got := s.expandLabel(key, "label", context, n); !bytes.Equal(got, want) {
						t.Errorf("suite %d, key %d, context %d: %d bytes are %x, want %x", id, kl, cl, n, got, want)
					}
				}
			}
		}
	}
}
