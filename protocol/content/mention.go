package content

import (
	"unicode/utf16"

	"paperplane/protocol/plane"
)

// MentionsMax bounds the people whom one message names.
const MentionsMax = 20

// Mention is a place in a text that names a person (C-48). Start and Length count UTF-16 units.
type Mention struct {
	_             struct{} `cbor:",toarray"`
	Start, Length int
	Person        plane.PublicKey
}

// extMentions is a private extension: [[start, length, account key], …].
const extMentions = int64(-2)

// mention adds the extension to u.
func (u *Unverified) mention(list []Mention) {
	if len(list) > 0 {
		u.extend(extMentions, list)
	}
}

// mentions reads it for a message with that text.
func (u Unverified) mentions(text string) (list []Mention, err error) {
	ok, err := u.read(extMentions, &list)
	if !ok || err != nil {
		return nil, err
	}
	if len(list) < 1 || len(list) > MentionsMax {
		return nil, ErrContent
	}
	size := 0
	for _, r := range text {
		size += utf16.RuneLen(r)
	}
	end := 0
	for _, m := range list {
		if m.Start < end || m.Length < 1 || m.Length > size || m.Start > size-m.Length {
			return nil, ErrContent
		}
		end = m.Start + m.Length
	}
	return list, nil
}
