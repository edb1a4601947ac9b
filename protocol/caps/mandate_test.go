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
	x = caps.Mandated{Account: account.Public(), Device: caps.NewSigner().Public(), Mandate: caps.Mandate{Gen: 2, Key: second.Public()}}
	m := caps.MandateMessage(x.Account, x.Mandate)
	x.By, x.Link, x.Cert = account.Sign(m), first.Sign(m), second.Sign(x.DeviceMessage())
	return x, account, first, second
}

// TestMandated (D-31, D-32) shows what holds of a credential under a mandate: all of its bytes but the
// link by themselves, and the link by the mandate before.
func TestMandated(t *testing.T) {
	x, account, first, second := mandated()
	b := x.Bytes()
	if y, ok := caps.ParseMandated(b); !ok || y != x || !y.Verify() || len(b) != caps.MandatedBytes {
		t.Fatalf("%d bytes do not come back", len(b))
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		y, ok := caps.ParseMandated(bad)
		inLink := i >= caps.MandatedBytes-64
		if holds := ok && y.Verify(); holds != inLink {
			t.Errorf("byte %d changed: holds %v, want %v", i, holds, inLink)
		}
		if inLink && y.Follows(caps.Mandate{Gen: 1, Key: first.Public()}) {
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
		if got := x.Follows(c.cur); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	zero := x
	zero.Mandate.Gen = 0
	if _, ok := caps.ParseMandated(zero.Bytes()); ok || zero.Verify() {
		t.Error("a mandate of generation 0 in the form of a later one")
	}
	old := []byte{0x83, 1}
	if !caps.Follows(old, x.Account, caps.Mandate{Key: x.Account}) || caps.Follows(old, x.Account, x.Mandate) {
		t.Error("a credential of generation 0 follows the first mandate and no other")
	}
}

// FuzzMandated wants one encoding and no belief in strangers' bytes.
func FuzzMandated(f *testing.F) {
	x, _, _, _ := mandated()
	f.Add(x.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		y, ok := caps.ParseMandated(b)
		if ok && !bytes.Equal(y.Bytes(), b) {
			t.Error("two encodings of one credential")
		}
		if ok && !bytes.Equal(b, x.Bytes()) && y.Verify() && y.Link == x.Link {
			t.Error("a stranger's bytes hold")
		}
		if caps.MandateOf(b, plane.PublicKey{}).Gen > 0 != ok {
			t.Error("a mandate of something that names none")
		}
	})
}
