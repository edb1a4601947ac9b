// Package words turns a secret of 128 bits into twelve words that a person can write on paper, and
// back, and into the keys of the vault that they open.
//
// The words are those of BIP-39 (English list of 2,048; the last word holds a checksum of four
// bits), so any tool for them checks them. Their keys are ours: HKDF, for the secret is random and
// needs no slow hash. Everything here is a pure function. Spec: spec/words.md.
package words

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"paperplane/internal/inv"
	"paperplane/protocol/caps"
)

const (
	// Count is how many words there are.
	Count = 12
	// SecretBytes is the length of the secret.
	SecretBytes = 16
	// TextBytesMax bounds what Parse looks at.
	TextBytesMax = 1000

	bitsEach  = 11
	prefixMin = 4 // letters that tell any word of the list from the others
)

// ErrWords: not twelve words of the list, or one is wrong. The person looks at the paper again.
var ErrWords = errors.New("words: not twelve words of ours")

//go:embed english.txt
var english string

var list = strings.Fields(english)

// Secret is what the words stand for. It prints as [redacted].
type Secret [SecretBytes]byte

// Format keeps the secret out of logs, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// New makes a random secret.
func New() (s Secret) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

// Words returns the twelve words.
func (s Secret) Words() []string {
	sum := sha256.Sum256(s[:])
	bits := append(s[:len(s):len(s)], sum[0])
	words := make([]string, Count)
	for i := range words {
		words[i] = list[take(bits, i*bitsEach)]
	}
	return words
}

// take reads the bitsEach bits at a place.
func take(b []byte, at int) (n int) {
	for i := at; i < at+bitsEach; i++ {
		n = n<<1 | int(b[i/8]>>(7-i%8))&1
	}
	return n
}

// Parse reads twelve words as people type them: in any case, with any white space, commas and
// numbers between them, each cut short after its first four letters if they like. ErrWords for
// everything else.
func Parse(text string) (s Secret, err error) {
	if len(text) > TextBytesMax {
		return Secret{}, ErrWords
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r < 'a' || r > 'z' })
	if len(words) != Count || strings.ContainsFunc(text, func(r rune) bool { return r > 0x7f && r != 0xa0 && r != 0xfeff }) {
		return Secret{}, ErrWords
	}
	bits := make([]byte, SecretBytes+1)
	for i, w := range words {
		n, ok := find(w)
		if !ok {
			return Secret{}, ErrWords
		}
		for k := range bitsEach {
			at := i*bitsEach + k
			bits[at/8] |= byte(n>>(bitsEach-1-k)&1) << (7 - at%8)
		}
	}
	copy(s[:], bits)
	if sum := sha256.Sum256(s[:]); sum[0]&0xf0 != bits[SecretBytes]&0xf0 {
		return Secret{}, ErrWords
	}
	return s, nil
}

// find returns the number of a word, or of the one word that begins so.
func find(w string) (int, bool) {
	i, ok := slices.BinarySearch(list, w)
	if ok {
		return i, true
	}
	ok = len(w) >= prefixMin && i < len(list) && strings.HasPrefix(list[i], w)
	return i, ok
}

// Keys are what the words open: the log of the vault, the seed of the KEM key to which all in it is
// sealed, and the key that vouches for a device which comes back by the words. Devices keep only
// what it takes to write: one that was signed out reads no vault and vouches for nobody.
type Keys struct {
	Owner, Read, Write, Return *caps.Signer
	KEM                        [32]byte
}

// Keys derives them (V-02).
func (s Secret) Keys() Keys {
	owner, err := caps.SignerFromSeed(derive(s, "pp vault owner v1"))
	inv.That(err == nil, "a seed of the right length is a key")
	back, err := caps.SignerFromSeed(derive(s, "pp vault return v1"))
	inv.That(err == nil, "a seed of the right length is a key")
	k := Keys{Owner: owner, Return: back, KEM: [32]byte(derive(s, "pp vault kem v1"))}
	k.Read, k.Write = caps.DeriveLogKeys(derive(s, "pp vault log v1"), 1)
	return k
}

func derive(s Secret, info string) []byte {
	b, err := hkdf.Key(sha256.New, bytes.Clone(s[:]), nil, info, 32)
	inv.That(err == nil, "hkdf gives 32 bytes")
	return b
}
