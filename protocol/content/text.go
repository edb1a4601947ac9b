package content

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"paperplane/protocol/plane"
)

// What is wrong with a name or a text that a person typed. A face has words for each.
var (
	// ErrEmpty: nothing in it that can be seen.
	ErrEmpty = errors.New("content: empty")
	// ErrTooLong: over plane.NameBytesMax or plane.TextBytesMax bytes of UTF-8.
	ErrTooLong = errors.New("content: too long")
	// ErrControl: it holds control characters, or is not UTF-8.
	ErrControl = errors.New("content: control characters")
	// ErrDirection: a name holds marks that turn the direction of writing, with which it could
	// pass for another name.
	ErrDirection = errors.New("content: direction marks in a name")
)

// CleanName returns s without the white space around it, when it will do as the name of a person
// or a group. Errors: ErrEmpty, ErrTooLong, ErrControl, ErrDirection (C-31). It does not
// normalise: a name is for showing, never for comparing; people are told apart by their keys.
func CleanName(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", ErrControl
	}
	s = strings.TrimSpace(s)
	visible := false
	for _, r := range s {
		switch {
		case direction(r):
			return "", ErrDirection
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return "", ErrControl
		}
		visible = visible || seen(r)
	}
	switch {
	case !visible:
		return "", ErrEmpty
	case len(s) > plane.NameBytesMax:
		return "", ErrTooLong
	}
	return s, nil
}

// CleanText returns s with line ends as \n and without the white space around it, when it will do
// as the text of a message. Errors: ErrEmpty, ErrTooLong, ErrControl (C-30). Direction marks
// stay: writing that mixes directions needs them.
func CleanText(s string) (string, error) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r", "\n"))
	if err := checkText(s); err != nil {
		return "", err
	}
	return s, nil
}

// checkText is what a received text must fulfil; CleanText does more for a typed one.
func checkText(s string) error {
	switch {
	case !utf8.ValidString(s):
		return ErrControl
	case len(s) == 0:
		return ErrEmpty
	case len(s) > plane.TextBytesMax:
		return ErrTooLong
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ErrControl
		}
	}
	return nil
}

// FileNameBytesMax bounds the name of an attachment.
const FileNameBytesMax = 200

// CleanFileName returns a name under which a received file may be saved and shown: the last
// element of a path of either kind, without control and direction characters (a turned
// "gpj.exe" shows as a picture), cut to FileNameBytesMax, and "file" when nothing is left (C-32).
func CleanFileName(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		if badFileRune(r) {
			return -1
		}
		return r
	}, s)
	if len(s) > FileNameBytesMax {
		s = cutName(s)
	}
	s = strings.TrimSpace(s)
	if strings.Trim(s, ". ") == "" {
		return "file"
	}
	return s
}

// cutName shortens a name and keeps its extension when that is short.
func cutName(s string) string {
	ext := ""
	if i := strings.LastIndexByte(s, '.'); i > 0 && len(s)-i <= 16 {
		ext = s[i:]
	}
	n := FileNameBytesMax - len(ext)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + ext
}

func checkFileName(s string) error {
	if s != CleanFileName(s) {
		return ErrContent
	}
	return nil
}

func badFileRune(r rune) bool {
	return unicode.IsControl(r) || direction(r) || r == '/' || r == '\\' || r == '\u2028' || r == '\u2029'
}

// direction reports whether r turns the direction of writing: overrides, embeddings, isolates
// and marks.
func direction(r rune) bool {
	return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' ||
		r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// seen reports whether r leaves a mark on the screen. The fillers are letters that do not.
func seen(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800':
		return false
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsPunct(r) || unicode.IsSymbol(r)
}

// EmojiBytesMax bounds a reaction: the longest emoji sequences take about 40 bytes.
const EmojiBytesMax = 64

// checkEmoji accepts something short that can be seen and holds neither white space nor control
// or direction characters. Which emoji exist is not for the protocol to say.
func checkEmoji(s string) error {
	if len(s) > EmojiBytesMax || !utf8.ValidString(s) {
		return ErrContent
	}
	visible := false
	for _, r := range s {
		if unicode.IsControl(r) || unicode.IsSpace(r) || direction(r) {
			return ErrContent
		}
		visible = visible || seen(r)
	}
	if !visible {
		return ErrContent
	}
	return nil
}

// checkMime accepts a media type without parameters, in lower case, at most mimeBytesMax long.
func checkMime(s string) error {
	if len(s) > mimeBytesMax {
		return ErrContent
	}
	kind, sub, ok := strings.Cut(s, "/")
	if !ok || !mimeToken(kind) || !mimeToken(sub) {
		return ErrContent
	}
	return nil
}

const mimeBytesMax = 100

func mimeToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$&-^_.+", c) >= 0) {
			return false
		}
	}
	return s != ""
}
