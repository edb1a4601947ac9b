package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	bin "encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
)

// scanner looks for many facts at once in bytes of any kind: raw, reversed, as hex, as base64 of
// both alphabets at each of the three offsets, as UTF-16, in upper and lower case, and as SHA-256.
type scanner struct {
	first  map[uint64][]needle
	filter []uint64 // a bit for each hash of a needle's first eight bytes
}

type needle struct {
	what, form string
	bytes      []byte
}

// needleMin is the shortest thing searched for: shorter ones turn up in random bytes.
const needleMin = 8

func newScanner() *scanner {
	return &scanner{first: map[uint64][]needle{}, filter: make([]uint64, 1<<18)}
}

func mix(w uint64) uint64 { return w * 0x9E3779B97F4A7C15 >> 40 }

func (s *scanner) put(what, form string, b []byte) {
	if len(b) < needleMin {
		return
	}
	w := bin.LittleEndian.Uint64(b)
	for _, n := range s.first[w] {
		if bytes.Equal(n.bytes, b) {
			return
		}
	}
	s.first[w] = append(s.first[w], needle{what, form, slices.Clone(b)})
	s.filter[mix(w)/64] |= 1 << (mix(w) % 64)
}

// add makes a fact findable in all its forms.
func (s *scanner) add(what string, fact []byte) {
	s.forms(what, "", fact)
	for _, b := range [][]byte{bytes.ToLower(fact), bytes.ToUpper(fact)} {
		s.forms(what, "case ", b)
	}
	sum := sha256.Sum256(fact)
	s.forms(what, "sha256 ", sum[:])
}

func (s *scanner) forms(what, of string, fact []byte) {
	s.put(what, of+"raw", fact)
	back := slices.Clone(fact)
	slices.Reverse(back)
	s.put(what, of+"reversed", back)
	h := hex.EncodeToString(fact)
	s.put(what, of+"hex", []byte(h))
	s.put(what, of+"hex", []byte(strings.ToUpper(h)))
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for off := range 3 {
			// What precedes and follows the fact spoils a character or two at each end.
			t := e.EncodeToString(append(make([]byte, off), fact...))
			t = t[[]int{0, 2, 3}[off]:]
			if (len(fact)+off)%3 != 0 {
				t = t[:len(t)-1]
			}
			s.put(what, of+"base64", []byte(t))
		}
	}
	var little, big []byte
	for _, u := range utf16.Encode([]rune(string(fact))) {
		little, big = bin.LittleEndian.AppendUint16(little, u), bin.BigEndian.AppendUint16(big, u)
	}
	s.put(what, of+"utf-16", little)
	s.put(what, of+"utf-16", big)
}

// scan returns what it finds in b, each fact once, as "fact (form)".
func (s *scanner) scan(b []byte) (found []string) {
	seen := map[string]bool{}
	for i := 0; i+needleMin <= len(b); i++ {
		w := bin.LittleEndian.Uint64(b[i:])
		m := mix(w)
		if s.filter[m/64]>>(m%64)&1 == 0 {
			continue
		}
		for _, n := range s.first[w] {
			if text := n.what + " (" + n.form + ")"; !seen[text] && bytes.HasPrefix(b[i:], n.bytes) {
				seen[text] = true
				found = append(found, text)
			}
		}
	}
	return found
}
