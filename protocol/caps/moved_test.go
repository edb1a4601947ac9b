package caps_test

import (
	"testing"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// TestMovedOwner (L-28): one key for each owner and base, the same each time.
func TestMovedOwner(t *testing.T) {
	a, err := caps.SignerFromSeed(make([]byte, caps.SeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[plane.PublicKey]bool{a.Public(): true}
	for _, owner := range []*caps.Signer{a, caps.NewSigner()} {
		for _, base := range []plane.Seq{0, 1, 1 << 32, 2 << 32, 1 << 48} {
			k := caps.MovedOwner(owner, base)
			if seen[k.Public()] {
				t.Errorf("base %d: got a key that was given before", base)
			}
			seen[k.Public()] = true
			if !k.Equal(caps.MovedOwner(owner, base)) {
				t.Errorf("base %d: derived twice, two keys", base)
			}
		}
	}
	if got, want := caps.MovedOwner(a, 1<<32).Public().Text(), "DOU7qQ4dIhvsk3nc8ibfkAaFtIvzZm1f6yf7N_rnubU"; got != want {
		t.Errorf("zero seed, base 2^32: got %s, want %s", got, want)
	}
}
