package caps_test

import (
	"bytes"
	"testing"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// mandated is a device under the second mandate of an account, and the signers of account and mandates.
func mandated() (x caps.Mandated, account, first, second *caps.Signer) {
	account, first, second = caps.NewSigner(), caps.NewSigner(), caps.NewSigner()
	d := caps.NewSigner().Public()
	return caps.NewMandated(account, second, first, 2, d[:]), account, first, second
}

// TestMandated (D-31, D-32) shows what holds of a credential under a mandate: all of its bytes but the
// link by themselves, and the link by the mandate before.
func TestMandated(t *testing.T) {
	x, account, first, second := mandated()
	who := account.Public()
	if y := caps.ParseMandated(x); y == nil || !y.Verify() || len(x) != caps.MandatedBytes || y.Account() != who ||
		y.Mandate() != (caps.Mandate{Gen: 2, Key: second.Public()}) {
		t.Fatalf("%d bytes do not come back", len(x))
	}
	for i := range x {
		bad := bytes.Clone(x)
		bad[i] ^= 1
		y := caps.ParseMandated(bad)
		inLink := i >= caps.MandatedBytes-64
		if holds := y != nil && y.Verify(); holds != inLink {
			t.Errorf("byte %d changed: holds %v, want %v", i, holds, inLink)
		}
		if inLink && caps.Follows(bad, who, caps.Mandate{Gen: 1, Key: first.Public()}) {
			t.Errorf("byte %d of the link changed, and it follows", i)
		}
	}
	for name, c := range map[string]struct {
		cur  caps.Mandate
		want bool
	}{
		"the-first":       {caps.Mandate{Key: account.Public()}, true},
		"the-one-before":  {caps.Mandate{Gen: 1, Key: first.Public()}, true},
		"itself":          {caps.Mandate{Gen: 2, Key: second.Public()}, true},
		"another-before":  {caps.Mandate{Gen: 1, Key: account.Public()}, false},
		"another-as-late": {caps.Mandate{Gen: 2, Key: first.Public()}, false},
		"a-later-one":     {caps.Mandate{Gen: 3, Key: second.Public()}, false},
	} {
		if got := caps.Follows(x, who, c.cur); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	zero := bytes.Clone(x)
	clear(zero[65:69])
	if caps.ParseMandated(zero) != nil || caps.ParseMandated(x[1:]) != nil || caps.ParseMandated(append(bytes.Clone(x), 0)) != nil {
		t.Error("a mandate of generation 0 in the form of a later one, or another length")
	}
	old := []byte{0x83, 1}
	if !caps.Follows(old, who, caps.Mandate{Key: who}) || caps.Follows(old, who, x.Mandate()) {
		t.Error("a credential of generation 0 follows the first mandate and no other")
	}
}

// FuzzMandated wants one encoding and no belief in strangers' bytes.
func FuzzMandated(f *testing.F) {
	x, _, _, _ := mandated()
	f.Add([]byte(x))
	f.Fuzz(func(t *testing.T, b []byte) {
		y := caps.ParseMandated(b)
		if y != nil && y.Verify() && !bytes.Equal(b[:caps.MandatedBytes-64], x[:caps.MandatedBytes-64]) {
			t.Error("a stranger's bytes hold")
		}
		if caps.MandateOf(b, plane.PublicKey{}).Gen > 0 != (y != nil) {
			t.Error("a mandate of something that names none")
		}
	})
}
