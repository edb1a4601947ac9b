package fold

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func folded(s string) string { return strings.TrimPrefix(string(Append(nil, s, false)), " ") }

// TestFold shows what is the same for a reader, one row a language, and what is not.
func TestFold(t *testing.T) {
	for _, x := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"case", "Hello, WORLD!  2x", "hello world 2x"},
		{"turkish", "İSTANBUL ISPARTA ısı ğüşöç", "istanbul isparta isi gusoc"},
		{"latin", "Ångström naïve Škoda Łódź œuvre ÿ Ÿ", "angstrom naive skoda lodz ouvre y y"},
		{"marks-apart", "A\u030angstro\u0308m", "angstrom"},
		{"sharp-s", "Straße STRAẞE", "straße straße"},
		{"vietnamese", "Tiếng Việt Ơ ư Ỹ", "tieng viet o u y"},
		{"romanian", "Știință Țară", "stiinta tara"},
		{"russian", "Ёлка ещё ЙОД и\u0306од", "елка еще иод иод"},
		{"ukrainian", "Їжак і\u0308жак", "іжак іжак"},
		{"greek", "Άνθρωπος ΛΌΓΟΣ", "ανθρωποσ λογοσ"},
		{"persian-yeh-kaf", "كتاب علي", "کتاب علی"},
		{"persian-joiner", "می\u200cخواهم کتاب\u200cها", "میخواهم کتابها"},
		{"arabic-marks", "مُحَمَّد الأُولى إلى آخر", "محمد الاولی الی اخر"},
		{"arabic-stretch", "سـلام", "سلام"},
		{"arabic-heh", "مدرسة خانۀ", "مدرسه خانه"},
		{"digits", "۱۲۳ ٤٥٦ ７", "123 456 7"},
		{"hebrew", "שָׁלוֹם", "שלום"},
		{"hindi-vowels", "हिन्दी", "हिन्दी"},
		{"chinese", "你好，world吗", "你 好 world 吗"},
		{"emoji", "ok👍🏽 ❤️", "ok👍🏽 ❤"},
		{"bidi", "a\u202eb\u2066c\u2069", "abc"},
		{"punctuation", "a-b_c.d@e #f «g»", "a b c d e f g"},
		{"broken", "a\xffb", "a b"},
	} {
		if got := folded(x.in); got != x.want {
			t.Errorf("%s: %q became %q, want %q", x.name, x.in, got, x.want)
		}
		if again := folded(folded(x.in)); again != folded(x.in) {
			t.Errorf("%s: folded twice %q, once %q", x.name, again, folded(x.in))
		}
	}
}

// TestParts shows that a Persian word is found however its parts are joined.
func TestParts(t *testing.T) {
	text := string(Append(nil, "من می\u200cخواهم.", true))
	if want := " من میخواهم خواهم"; text != want {
		t.Fatalf("parts: %q, want %q", text, want)
	}
	for _, q := range []string{"می خواهم", "میخواهم", "می\u200cخواهم", "مي خواهم", "خوا"} {
		for _, w := range Words(q) {
			if !strings.Contains(text, " "+w) {
				t.Errorf("%q: the word %q is not found", q, w)
			}
		}
	}
	// A flood of joiners costs no more than a few times its length.
	flood := strings.Repeat("ی\u200c", 8000)
	if n := len(Append(nil, flood, true)); n > 8*len(flood) {
		t.Errorf("%d bytes became %d", len(flood), n)
	}
}

// TestFind shows where a word stands, in the units of browsers.
func TestFind(t *testing.T) {
	for _, x := range []struct {
		text, query   string
		start, length int
	}{
		{"Hello world", "wor", 6, 3},
		{"👍👍 Ёлка", "елк", 5, 3},
		{"naïve", "naiv", 0, 4},
		{"nai\u0308ve", "naiv", 0, 5},
		{"من می\u200cخواهم", "میخوا", 3, 6},
		{"من می\u200cخواهم", "خواهم", 6, 5},
		{"unworldly", "world", 0, 0},
		{"a 你好", "好", 3, 1},
		{"", "a", 0, 0},
		{"abc", "abcd", 0, 0},
	} {
		if s, n := Find(x.text, Words(x.query)); s != x.start || n != x.length {
			t.Errorf("%q in %q: at %d, %d long; want %d, %d", x.query, x.text, s, n, x.start, x.length)
		}
	}
}

// TestFindAgrees shows on random texts that Find finds a word exactly where Append says that one begins so.
func TestFindAgrees(t *testing.T) {
	letters := []rune("abAB یيک\u200c\u200cهـёй 你.\u0301👍ß")
	word := func(r *rand.Rand, n int) string {
		var b strings.Builder
		for range 1 + r.IntN(n) {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		text, query := word(r, 12), Words(word(r, 3))
		if len(query) == 0 || strings.Count(text, "\u200c") > partsMax {
			continue
		}
		_, n := Find(text, query[:1])
		if got, want := n > 0, strings.Contains(string(Append(nil, text, true)), " "+query[0]); got != want {
			t.Fatalf("seed %d: %q in %q: found %v, want %v", seed, query[0], text, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("می\u200cخواهم İ", "ی")
	f.Fuzz(func(t *testing.T, s, q string) {
		once := folded(s)
		if folded(once) != once {
			t.Errorf("%q: once %q, twice %q", s, once, folded(once))
		}
		if start, n := Find(s, Words(q)); start < 0 || n < 0 || start+n > 2*len(s) {
			t.Errorf("%q in %q: %d, %d", q, s, start, n)
		}
	})
}
