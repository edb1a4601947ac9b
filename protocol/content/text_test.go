package content

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"paperplane/protocol/plane"
)

// TestCleanName holds names against the rule, at its edges and with what could mislead (C-31).
func TestCleanName(t *testing.T) {
	long := strings.Repeat("n", plane.NameBytesMax)
	for _, c := range []struct {
		name, in, want string
		err            error
	}{
		{"plain", "Ann", "Ann", nil},
		{"trimmed", " \t\n Ann Lee \u00a0\u3000", "Ann Lee", nil},
		{"persian", "آنا\u200cبانو", "آنا\u200cبانو", nil}, // a joiner is part of the writing
		{"emoji", "👩🏽‍⚕️", "👩🏽‍⚕️", nil},
		{"composed-or-not", "e\u0301", "e\u0301", nil}, // not normalised
		{"digit", "7", "7", nil},
		{"longest", long, long, nil},
		{"longest-trimmed", " " + long + " ", long, nil},
		{"too-long", long + "n", "", ErrTooLong},
		{"too-long-by-bytes", strings.Repeat("ж", plane.NameBytesMax/2) + "n", "", ErrTooLong},
		{"empty", "", "", ErrEmpty},
		{"spaces", " \u2003 ", "", ErrEmpty},
		{"zero-width", "\u200b\u200d\ufeff", "", ErrEmpty},
		{"filler", "\u3164\u115f\u2800", "", ErrEmpty},
		{"combining-only", "\u0301", "", ErrEmpty},
		{"nul", "a\x00b", "", ErrControl},
		{"line", "a\nb", "", ErrControl},
		{"tab", "a\tb", "", ErrControl},
		{"escape", "a\x1bb", "", ErrControl},
		{"c1", "a\u0085b", "", ErrControl},
		{"delete", "a\x7fb", "", ErrControl},
		{"line-separator", "a\u2028b", "", ErrControl},
		{"paragraph-separator", "a\u2029b", "", ErrControl},
		{"not-utf-8", "a\xffb", "", ErrControl},
		{"before-the-marks", "a\u2029", "a", nil}, // trimmed as white space
		{"override-left", "a\u202db", "", ErrDirection},
		{"override-right", "a\u202eb", "", ErrDirection},
		{"embedding-first", "\u202aa", "", ErrDirection},
		{"pop", "a\u202c", "", ErrDirection},
		{"isolate-first", "\u2066a", "", ErrDirection},
		{"isolate-last", "\u2069a", "", ErrDirection},
		{"mark-left", "a\u200e", "", ErrDirection},
		{"mark-right", "a\u200f", "", ErrDirection},
		{"mark-arabic", "a\u061c", "", ErrDirection},
		{"beside-the-ranges", "a\u2065\u206a\u202f\u2010", "a\u2065\u206a\u202f\u2010", nil},
	} {
		got, err := CleanName(c.in)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: got %q, %v, want %q, %v", c.name, got, err, c.want, c.err)
		}
	}
}

// TestCleanText holds texts against the rule (C-30).
func TestCleanText(t *testing.T) {
	long := strings.Repeat("t", plane.TextBytesMax)
	for _, c := range []struct {
		name, in, want string
		err            error
	}{
		{"plain", "hello", "hello", nil},
		{"lines", "\r\n a\r\nb\rc\n\nd\t\n", "a\nb\nc\n\nd", nil},
		{"direction-stays", "a\u202eb\u202c\u200f", "a\u202eb\u202c\u200f", nil},
		{"longest", long, long, nil},
		{"too-long", long + "t", "", ErrTooLong},
		{"empty", "", "", ErrEmpty},
		{"white", " \r\n\t", "", ErrEmpty},
		{"nul", "a\x00", "", ErrControl},
		{"escape", "\x1b[2J", "", ErrControl},
		{"c1", "a\u009bb", "", ErrControl},
		{"not-utf-8", "a\xc3", "", ErrControl},
	} {
		got, err := CleanText(c.in)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: got %q, %v, want %q, %v", c.name, got, err, c.want, c.err)
		}
	}
}

// TestCleanFileName makes names of files safe to show and to save (C-32).
func TestCleanFileName(t *testing.T) {
	for in, want := range map[string]string{
		"a.txt":                            "a.txt",
		"/etc/passwd":                      "passwd",
		`C:\Users\ann\a.txt`:               "a.txt",
		"../../x":                          "x",
		"..":                               "file",
		".":                                "file",
		"":                                 "file",
		"dir/":                             "file",
		" . ":                              "file",
		"photo\u202egpj.exe":               "photogpj.exe",
		"a\x00b\nc":                        "abc",
		"a\xffb":                           "ab",
		"\u200e":                           "file",
		" a.txt ":                          "a.txt",
		"عکس.jpg":                          "عکس.jpg",
		strings.Repeat("n", 200):           strings.Repeat("n", 200),
		strings.Repeat("n", 201):           strings.Repeat("n", 200),
		strings.Repeat("n", 300) + ".jpeg": strings.Repeat("n", 195) + ".jpeg",
		strings.Repeat("ж", 150) + ".jpg":  strings.Repeat("ж", 98) + ".jpg",
		"a." + strings.Repeat("e", 300):    "a." + strings.Repeat("e", 198),
	} {
		got := CleanFileName(in)
		if got != want || len(got) > FileNameBytesMax || !utf8.ValidString(got) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		if again := CleanFileName(got); again != got {
			t.Errorf("%q: cleaned to %q, and that to %q", in, got, again)
		}
	}
}

// FuzzText holds that cleaning twice is cleaning once, and that what is clean can be sent.
func FuzzText(f *testing.F) {
	for _, s := range []string{"Ann", " a\r\nb ", "a\u202eb", "../x.txt", "\xff", "\u3164", strings.Repeat("ж", 150) + ".jpg"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := CleanName(s); err == nil {
			if b, err := CleanName(a); err != nil || a != b {
				t.Errorf("name %q: cleaned to %q, and that to %q, %v", s, a, b, err)
			}
			if _, err := Encode(Profile{Name: a}); err != nil {
				t.Errorf("name %q is clean and cannot be sent: %v", a, err)
			}
		}
		if a, err := CleanText(s); err == nil {
			if b, err := CleanText(a); err != nil || a != b {
				t.Errorf("text %q: cleaned to %q, and that to %q, %v", s, a, b, err)
			}
			if _, err := Encode(Text{Text: a}); err != nil {
				t.Errorf("text %q is clean and cannot be sent: %v", a, err)
			}
		}
		a := CleanFileName(s)
		if b := CleanFileName(a); a != b || len(a) > FileNameBytesMax || a == "" {
			t.Errorf("file name %q: cleaned to %q, and that to %q", s, a, b)
		}
	})
}
