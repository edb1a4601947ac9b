// Package fold writes words the way a reader takes them, for finding: without case, without marks, one
// letter for those that people do not tell apart when they type, and one space between words.
//
// It is no normalization of Unicode: it knows the scripts of the languages of this program and of their
// neighbours, and leaves other letters as they are. The tables are small because they travel to every
// browser. All functions are pure, and linear in the length of their input.
package fold

import (
	"unicode"
	"unicode/utf8"
)

// latin are the base letters of U+0100 to U+017F, each with how many come one after another; vietnamese
// those of U+1EA0 to U+1EF9.
const (
	latin      = "a\x06c\x08d\x04e\x0ag\x08h\x04i\x0cj\x02k\x03l\x0an\x09o\x08r\x06s\x08t\x06u\x0cw\x02y\x03z\x06s\x01"
	latin1     = "aaaaaaæceeeeiiiiðnooooo\x00ouuuuyþß"
	vietnamese = "a\x18e\x10i\x04o\x18u\x0ey\x08"
)

// same is the letter that stands for one which its readers do not tell apart from it.
func same(r rune) rune {
	switch r {
	case 0x64a, 0x649, 0x626, 0x6d0: // yeh of all kinds
		return 0x6cc
	case 0x643, 0x6aa: // kaf
		return 0x6a9
	case 0x629, 0x6be, 0x6c0, 0x6c1, 0x6c2, 0x6c3, 0x6d5: // heh
		return 0x647
	case 0x622, 0x623, 0x625, 0x671: // alef
		return 0x627
	case 0x624: // waw
		return 0x648
	case 'ё', 'ѐ':
		return 'е'
	case 'й', 'ѝ': // and with a mark of its own, as some systems write it
		return 'и'
	case 'ў':
		return 'у'
	case 'ї':
		return 'і'
	case 'ѓ':
		return 'г'
	case 'ќ':
		return 'к'
	case 0x3ac:
		return 'α'
	case 0x3ad:
		return 'ε'
	case 0x3ae:
		return 'η'
	case 0x3af, 0x3ca, 0x390:
		return 'ι'
	case 0x3cc:
		return 'ο'
	case 0x3cd, 0x3cb, 0x3b0:
		return 'υ'
	case 0x3ce:
		return 'ω'
	case 0x3c2:
		return 'σ'
	case 0x1a1:
		return 'o'
	case 0x1b0:
		return 'u'
	case 0x219:
		return 's'
	case 0x21b:
		return 't'
	}
	return r
}

// What a character is.
type class uint8

const (
	gap    class = iota // ends a word
	letter              // part of a word
	none                // as if it were not there
	joint               // the same, but the word has parts: what follows may be looked for by itself
	alone               // a word of its own, in scripts that write without spaces
)

// runs finds the base letter at n in a table.
func runs(table string, n rune) rune {
	for i := 0; i+1 < len(table); i += 2 {
		if n -= rune(table[i+1]); n < 0 {
			return rune(table[i])
		}
	}
	return 0
}

// one folds a character.
func one(r rune) (rune, class) {
	switch {
	case r < 0x80:
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A', letter
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r, letter
		}
		return 0, gap
	case r >= 0xc0 && r <= 0x17f:
		if r == 0xd7 || r == 0xf7 {
			return 0, gap
		}
		if r < 0x100 {
			if r == 0xff {
				return 'y', letter
			}
			if r >= 0xe0 {
				r -= 0x20
			}
			if r == 0xdf { // ß, the last of the small ones that has no large one here
				return r, letter
			}
			return at(latin1, int(r-0xc0)), letter
		}
		return runs(latin, r-0x100), letter
	case r == 0xad || r == 0x640 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff:
		if r == 0x200c {
			return 0, joint
		}
		return 0, none
	case mark(r):
		return 0, none
	case r >= 0x660 && r <= 0x669:
		return '0' + r - 0x660, letter
	case r >= 0x6f0 && r <= 0x6f9:
		return '0' + r - 0x6f0, letter
	case r >= 0x1ea0 && r <= 0x1ef9:
		return runs(vietnamese, r-0x1ea0), letter
	case r >= 0xff01 && r <= 0xff5e:
		return one(r - 0xfee0)
	case r == 0x1e9e: // large ß
		return 0xdf, letter
	case r >= 0x2e80 && r <= 0x9fff && !unicode.IsPunct(r) && r != 0x3000, r >= 0xe00 && r <= 0xe7f, r >= 0x20000 && r <= 0x3ffff:
		return r, alone
	}
	if l := unicode.ToLower(r); l != r && l < 0x180 {
		return one(l) // the signs for Ångström and Kelvin
	} else {
		r = same(l)
	}
	if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || r >= 0x2190 && r != utf8.RuneError && unicode.IsSymbol(r) {
		return r, letter
	}
	return 0, gap
}

func at(s string, n int) rune {
	for _, r := range s {
		if n--; n < 0 {
			return r
		}
	}
	return 0
}

// mark says whether r only changes how another letter is written or said. Those of scripts in which they
// are vowels are none.
func mark(r rune) bool {
	return r >= 0x300 && r <= 0x36f || r >= 0x483 && r <= 0x489 || r >= 0x591 && r <= 0x5c7 && r != 0x5be && r != 0x5c0 && r != 0x5c3 ||
		r >= 0x610 && r <= 0x61a || r >= 0x64b && r <= 0x65f || r == 0x670 || r >= 0x6d6 && r <= 0x6ed && r != 0x6dd && r != 0x6de && r != 0x6e9 ||
		r >= 0x1ab0 && r <= 0x1aff || r >= 0x1dc0 && r <= 0x1dff || r >= 0x20d0 && r <= 0x20ff || r >= 0xfe00 && r <= 0xfe0f || r >= 0xfe20 && r <= 0xfe2f
}

// Append appends the words of s, each behind a space. With parts it appends what follows a zero-width
// non-joiner as words, too: Persian is written with it, with a space, or with nothing.
func Append(dst []byte, s string, parts bool) []byte {
	in, from := false, -1 // inside a word; where its last part begins in s
	for i, r := range s {
		c, k := one(r)
		if k == letter || k == alone {
			if !in || k == alone {
				dst = append(dst, ' ')
			}
			dst = utf8.AppendRune(dst, c)
			in = k == letter
			continue
		}
		if k == joint && in && parts && from < 0 {
			from = i
		}
		if k == gap {
			dst = tail(dst, s, from, i)
			in, from = false, -1
		}
	}
	return tail(dst, s, from, len(s))
}

// partsMax bounds the parts of a word: what they take is its length for each.
const partsMax = 4

// tail appends what follows each joint of s[from:to].
func tail(dst []byte, s string, from, to int) []byte {
	if from < 0 {
		return dst
	}
	n := 0
	for i, r := range s[from:to] {
		if _, k := one(r); k == joint {
			if n++; n > partsMax {
				break
			}
			dst = Append(dst, s[from+i:to], false)
		}
	}
	return dst
}

// Words returns the words to look for in a query.
func Words(s string) (list []string) {
	b := Append(nil, s, false)
	from := 1
	for i := 1; i <= len(b); i++ {
		if i == len(b) || b[i] == ' ' {
			list = append(list, string(b[from:i]))
			from = i + 1
		}
	}
	return list
}

// Find returns where in s, in UTF-16 units, the first word begins that begins with one of words, and how
// long that is there. Length 0: nowhere.
func Find(s string, words []string) (start, length int) {
	in, unit := false, 0
	for i, r := range s {
		_, k := one(r)
		if k == alone || k == letter && !in {
			for _, w := range words {
				if n := begins(s[i:], w); n > 0 {
					return unit, n
				}
			}
		}
		switch k {
		case letter:
			in = true
		case gap, joint, alone:
			in = false
		}
		unit += units(r)
	}
	return 0, 0
}

func units(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// begins says how many UTF-16 units of s are w, 0 when it does not begin so.
func begins(s, w string) (n int) {
	for _, r := range s {
		c, k := one(r)
		if w == "" && k != none {
			break
		}
		if n += units(r); k == none || k == joint {
			continue
		}
		b, size := utf8.DecodeRuneInString(w)
		if k == gap || b != c {
			return 0
		}
		w = w[size:]
	}
	if w != "" {
		return 0
	}
	return n
}
