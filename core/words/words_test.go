package words

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// The published vectors of BIP-39 for 128 bits: secret and words.
var vectors = map[string]string{
	"00000000000000000000000000000000": "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
	"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f": "legal winner thank year wave sausage worth useful legal winner thank yellow",
	"80808080808080808080808080808080": "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
	"ffffffffffffffffffffffffffffffff": "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
	"9e885d952ad362caeb4efe34a8e91bd2": "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic",
	"c0ba5a8e914111210f2bd131f3d5e08d": "scheme spot photo card baby mountain device kick cradle pact join borrow",
	"23db8160a31d3e0dca3688ed941adbf3": "cat swing flag economy stadium alone churn speed unique patch report train",
	"f30f8c1da665478f49b001d94c5fc452": "vessel ladder alter error federal sibling chat ability sun glass valve picture",
}

// TestVectors (V-01).
func TestVectors(t *testing.T) {
	if got := crc32.ChecksumIEEE([]byte(english)); got != 0xc1dbd296 || !slices.IsSorted(list) || len(list) != 2048 {
		t.Fatalf("the list: got checksum %x and %d words, want c1dbd296 and 2048 in order", got, len(list))
	}
	for secret, words := range vectors {
		b, err := hex.DecodeString(secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(Secret(b).Words(), " "); got != words {
			t.Errorf("%s: got %s, want %s", secret, got, words)
		}
		if got, err := Parse(words); err != nil || got != Secret(b) {
			t.Errorf("%s: got %x and %v back", words, got[:], err)
		}
	}
}

// TestParse (V-01): people type words in many ways; whatever is wrong is told.
func TestParse(t *testing.T) {
	const right = "legal winner thank year wave sausage worth useful legal winner thank yellow"
	want, err := Parse(right)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"capitals": strings.ToUpper(right), "lines": strings.ReplaceAll(right, " ", "\r\n"), "tabs": "\t" + strings.ReplaceAll(right, " ", "\t ") + "\n",
		"commas": strings.ReplaceAll(right, " ", ", "), "numbers": "1. legal 2. winner 3. thank 4. year 5. wave 6. sausage 7. worth 8. useful 9. legal 10. winner 11. thank 12. yellow",
		"four-letters": "lega winn than year wave saus wort usef lega winn than yell", "no-break-spaces": strings.ReplaceAll(right, " ", "\u00a0"),
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: got %v, want the secret", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "eleven": right[:strings.LastIndex(right, " ")], "thirteen": right + " zoo", "misspelt": strings.Replace(right, "sausage", "sasage", 1),
		"checksum": strings.Replace(right, "yellow", "year", 1), "order": "winner legal thank year wave sausage worth useful legal winner thank yellow",
		"three-letters": strings.Replace(right, "sausage", "sau", 1), "long": strings.Repeat(" ", TextBytesMax) + right,
		"too-much-of-a-word": strings.Replace(right, "yellow", "yellows", 1), "other-letters": strings.Replace(right, "year", "yeаr", 1), "rubbish": "\x00\xff\xfe",
	} {
		if _, err := Parse(text); !errors.Is(err, ErrWords) {
			t.Errorf("%s: got %v, want %v", name, err, ErrWords)
		}
	}
	if _, err := Parse(right + strings.Repeat(" ", TextBytesMax-len(right))); err != nil {
		t.Errorf("at the limit: got %v, want nil", err)
	}
}

// TestKeys (V-02).
func TestKeys(t *testing.T) {
	a, b := New(), New()
	if a == b {
		t.Fatal("two secrets are one")
	}
	k, again, other := a.Keys(), a.Keys(), b.Keys()
	if !k.Owner.Equal(again.Owner) || !k.Read.Equal(again.Read) || !k.Write.Equal(again.Write) || k.KEM != again.KEM || !k.Return.Equal(again.Return) {
		t.Error("the same words, other keys")
	}
	if k.Owner.Equal(other.Owner) || k.Read.Equal(other.Read) || k.Write.Equal(other.Write) || k.KEM == other.KEM || k.Return.Equal(other.Return) || k.Return.Equal(k.Owner) ||
		k.Owner.Equal(k.Read) || k.Owner.Equal(k.Write) || k.Read.Equal(k.Write) {
		t.Error("two keys are one")
	}
	if got := fmt.Sprintf("%v %s %x %+v %#v", a, a, a, a, a); strings.ReplaceAll(got, "[redacted]", "") != "    " {
		t.Errorf("a secret prints as %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, words := range vectors {
		f.Add(words)
	}
	f.Add("1) Zoo, zoo")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(strings.Join(s.Words(), " ")); err != nil || again != s {
			t.Errorf("got another secret back, %v", err)
		}
	})
}
