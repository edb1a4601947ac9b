package cli

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"paperplane/core"
	"paperplane/face/api"
	"paperplane/protocol/content"
)

// Mentions finds whom a text for a chat names: @ and the whole name of a member. A text that names
// nobody asks the core nothing; one whose members cannot be had names nobody.
func Mentions(ctx context.Context, c api.Core, chat core.Chat, text string) []core.Mention {
	if chat.Kind != core.ChatGroup || !strings.Contains(text, "@") {
		return nil
	}
	r, err := api.Do[core.Members](ctx, c, "getMembers", core.GetMembers{Chat: chat.ID})
	if err != nil {
		return nil
	}
	return mentionsIn(text, r.Members)
}

// mentionsIn finds the members that stand in text behind an @, in order. Of several names at one place
// the longest counts; a name that several members have names nobody.
func mentionsIn(text string, members []core.Member) (out []core.Mention) {
	who := map[string]string{} // name → person
	for _, m := range members {
		if _, again := who[m.Name]; again {
			who[m.Name] = ""
		} else {
			who[m.Name] = m.Person
		}
	}
	units, before := 0, rune(' ')
	for i := 0; i < len(text) && len(out) < content.MentionsMax; {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == '@' && !inWord(before) {
			if name := longest(text[i+1:], who); name != "" {
				length := 1 + units16(name)
				out = append(out, core.Mention{Start: units, Length: length, Person: who[name]})
				i, units, before = i+1+len(name), units+length, 'x'
				continue
			}
		}
		i, units, before = i+n, units+units16(text[i:i+n]), r
	}
	return out
}

// longest is the longest name that text begins with and that ends there.
func longest(text string, who map[string]string) string {
	best := ""
	for name, person := range who {
		if person == "" || len(name) <= len(best) || !strings.HasPrefix(text, name) {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(text[len(name):]); len(text) == len(name) || !inWord(r) {
			best = name
		}
	}
	return best
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_'
}

func units16(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// Named cuts the name of a mention out of its text, with its @; "" when it lies outside.
func Named(text string, m core.Mention) string {
	u := utf16.Encode([]rune(text))
	if m.Start < 0 || m.Length < 1 || m.Length > len(u) || m.Start > len(u)-m.Length {
		return ""
	}
	return string(utf16.Decode(u[m.Start : m.Start+m.Length]))
}
