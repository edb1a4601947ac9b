package content

import (
	"unicode/utf16"

	"paperplane/protocol/plane"
)

// MentionsMax bounds the people whom one message names.
const MentionsMax = 20

// Mention is a place in a text that names a person (C-48). Start and Length count UTF-16 units.
type Mention struct {
	Start, Length int
	Person        plane.PublicKey
}

// extMentions is a private extension: [[start, length, account key], …].
const extMentions = int64(-2)

// mention adds the extension to u.
func (u *Unverified) mention(list []Mention) {
	if len(list) == 0 {
		return
	}
	tree := make([]any, 0, len(list))
	for _, m := range list {
		tree = append(tree, []any{uint64(m.Start), uint64(m.Length), m.Person[:]})
	}
	u.extend(extMentions, tree)
}

// mentions reads it for a message with that text.
func (u Unverified) mentions(text string) ([]Mention, error) {
	v, ok := u.Extensions[extMentions]
	if !ok {
		return nil, nil
	}
	tree, ok := v.([]any)
	if !ok || len(tree) < 1 || len(tree) > MentionsMax {
		return nil, ErrContent
	}
	size := 0
	for _, r := range text {
		size += utf16.RuneLen(r)
	}
	w := walker{}
	var list []Mention
	end := 0
	for _, x := range tree {
		a := w.array(x, 3)
		if w.err != nil {
			return nil, ErrContent
		}
		m := Mention{Start: int(w.uint(a[0], plane.TextBytesMax)), Length: int(w.uint(a[1], plane.TextBytesMax)), Person: w.b32(a[2])}
		if w.err != nil || m.Start < end || m.Length < 1 || m.Start+m.Length > size {
			return nil, ErrContent
		}
		end = m.Start + m.Length
		list = append(list, m)
	}
	return list, nil
}
