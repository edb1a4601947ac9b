package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const curvesProgram = `package main

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"fmt"
)

func main() {
	for _, kem := range []hpke.KEM{hpke.MLKEM768X25519(), hpke.DHKEM(ecdh.X25519())} {
		k, err := kem.GenerateKey()
		if err != nil {
			panic(err)
		}
		enc, s, err := hpke.NewSender(k.PublicKey(), hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), nil)
		if err != nil {
			panic(err)
		}
		sealed, _ := s.Seal(nil, []byte("alive"))
		r, err := hpke.NewRecipient(enc, k, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), nil)
		if err != nil {
			panic(err)
		}
		plain, err := r.Open(nil, sealed)
		fmt.Println(string(plain), err)
	}
	_, err := ecdh.P256().GenerateKey(rand.Reader)
	fmt.Println(err)
}
`

// Without NIST's curves X25519 and X-Wing work as before, and the program is smaller.
func TestOverlay(t *testing.T) {
	plain := program(t, curvesProgram)
	flag, err := overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	small := program(t, curvesProgram, flag)
	want := "alive <nil>\nalive <nil>\ncrypto/ecdh: this build has no NIST curves\n"
	if got, err := execute(t, small); err != nil || got != want {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
	if got, err := execute(t, plain); err != nil || !strings.HasPrefix(got, "alive <nil>\nalive <nil>\n<nil>\n") {
		t.Errorf("with all curves: got %q and %v", got, err)
	}
	if len(plain)-len(small) < 200_000 {
		t.Errorf("got %d bytes of %d, want 200,000 less", len(small), len(plain))
	}
}

// Another source ends the build.
func TestOverlayRefuses(t *testing.T) {
	goroot := strings.TrimSpace(execOutput(t, "go", "env", "GOROOT"))
	b, err := os.ReadFile(filepath.Join(goroot, "src", "crypto", "ecdh", "ecdh.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range onlyNIST {
		for name, text := range map[string]string{"missing": strings.Replace(string(b), line, "", 1), "twice": string(b) + line} {
			if _, err := withoutNIST(text); !errors.Is(err, errCurves) {
				t.Errorf("%q %s: got %v, want %v", line, name, err, errCurves)
			}
		}
	}
}
