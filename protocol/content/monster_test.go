package content

import (
	"errors"
	"strings"
	"testing"

	"paperplane/protocol/plane"
)

// change returns a valid message as MIMI with one thing made wrong.
func change(t *testing.T, m Message, f func(*Unverified)) Unverified {
	t.Helper()
	u, err := m.mimi()
	if err != nil {
		t.Fatal(err)
	}
	f(&u)
	return u
}

// TestMonsters shows messages to Verify that each break one rule: all are ErrContent (C-30, C-32,
// C-33 to C-35, C-45, C-46, C-48, C-49, C-50, C-51, C-53, C-54, C-55, C-56 to C-58: C-34, C-57).
func TestMonsters(t *testing.T) {
	text := Text{Text: "hello"}
	photo := file(1)
	photo.Width, photo.Height, photo.Preview = 4, 3, []byte{1}
	files := Files{Text: "look", Files: []Attachment{photo, file(2)}}
	content := func(s string) func(*Unverified) {
		return func(u *Unverified) { u.Part.Content = []byte(s) }
	}
	private := func(fields ...any) func(*Unverified) {
		return func(u *Unverified) {
			b, err := enc.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			u.Part.Content = b
		}
	}
	part := func(i int, f func(*Part)) func(*Unverified) {
		return func(u *Unverified) { f(&u.Part.Parts[i]) }
	}
	b16, b32 := make([]byte, 16), make([]byte, 32)
	mentions := func(list ...any) func(*Unverified) {
		return func(u *Unverified) { u.Extensions = map[any]any{extMentions: append([]any{}, list...)} }
	}
	ext := func(key int64, v any) func(*Unverified) {
		return func(u *Unverified) { u.extend(key, v) }
	}
	sticker := Files{Files: []Attachment{{Blob: plane.BlobID{4}, Size: 9, Mime: "image/webp", Inline: true}}, Sticker: &Sticker{Emoji: "👋"}}
	two := []any{"a", "b"}
	poll := Poll{Question: "?", Options: []string{"a", "b"}}
	quiz := Poll{Question: "?", Options: []string{"a", "b"}, Quiz: true}
	longest := strings.Repeat("x", PollTextBytesMax+1)
	none := uint64(0)
	var many []any
	for i := range MentionsMax + 1 {
		many = append(many, []any{uint64(i), uint64(1), b32})
	}
	for _, c := range []struct {
		name string
		m    Message
		f    func(*Unverified)
	}{
		{"C-30-empty", text, content("")},
		{"C-30-too-long", text, content(strings.Repeat("x", plane.TextBytesMax+1))},
		{"C-30-nul", text, content("a\x00b")},
		{"C-30-escape", text, content("a\x1b[31mb")},
		{"C-30-return", text, content("a\r\nb")},
		{"C-30-c1", text, content("a\u0085b")},
		{"C-30-delete-character", text, content("a\x7fb")},
		{"C-30-not-utf-8", text, content("a\xffb")},
		{"C-30-surrogate", text, content("a\xed\xa0\x80b")},
		{"C-30-edit", Edit{Of: someID(1), Text: "x"}, content("a\x00b")},
		{"C-48-past-the-end", text, mentions([]any{uint64(3), uint64(3), b32})},
		{"C-48-empty", text, mentions([]any{uint64(3), uint64(0), b32})},
		{"C-48-over-another", text, mentions([]any{uint64(0), uint64(2), b32}, []any{uint64(1), uint64(2), b32})},
		{"C-48-order", text, mentions([]any{uint64(3), uint64(1), b32}, []any{uint64(1), uint64(1), b32})},
		{"C-48-short-key", text, mentions([]any{uint64(0), uint64(1), b16})},
		{"C-48-shape", text, mentions([]any{uint64(0), uint64(1)})},
		{"C-48-none", text, mentions()},
		{"C-48-no-list", text, func(u *Unverified) { u.Extensions = map[any]any{extMentions: "x"} }},
		{"C-48-too-many", Text{Text: strings.Repeat("x", 50)}, mentions(many...)},
		{"C-48-files", Files{Text: "hello", Files: []Attachment{photo}}, mentions([]any{uint64(3), uint64(3), b32})},
		{"C-54-short", OwnerAsk{KEM: make([]byte, ownerKEMBytes)}, private(b32)},
		{"C-54-more", OwnerAsk{KEM: make([]byte, ownerKEMBytes)}, private(make([]byte, ownerKEMBytes), uint64(1))},
		{"C-55-short", OwnerGive{Sealed: make([]byte, ownerSealedBytes)}, private(b16, b32)},
		{"C-55-name", OwnerGive{Sealed: make([]byte, ownerSealedBytes)}, private(b32, make([]byte, ownerSealedBytes))},
		{"C-30-caption", files, part(0, func(p *Part) { p.Content = []byte("\x00") })},
		{"C-33-forwarded-direction", text, ext(extForwarded, "A\u202eb")},
		{"C-33-forwarded-untrimmed", text, ext(extForwarded, " A")},
		{"C-33-forwarded-empty", text, ext(extForwarded, "")},
		{"C-33-forwarded-long", text, ext(extForwarded, strings.Repeat("A", plane.NameBytesMax+1))},
		{"C-33-forwarded-bytes", files, ext(extForwarded, []byte("A"))},
		{"C-33-forwarded-poll", poll, ext(extForwarded, "\n")},
		{"C-34-silent-false", text, ext(extSilent, false)},
		{"C-34-silent-number", files, ext(extSilent, uint64(1))},
		{"C-34-silent-poll", poll, ext(extSilent, nil)},
		{"C-49-media-few", files, ext(extMedia, []any{[]any{none, []byte{}}})},
		{"C-49-media-shape", files, ext(extMedia, []any{[]any{none, []byte{}}, []any{none}})},
		{"C-49-media-no-list", files, ext(extMedia, none)},
		{"C-49-duration-long", Files{Files: []Attachment{photo}}, ext(extMedia, []any{[]any{uint64(DurationMax + 1), []byte{}}})},
		{"C-49-duration-negative", Files{Files: []Attachment{photo}}, ext(extMedia, []any{[]any{int64(-1), []byte{}}})},
		{"C-49-wave-long", Files{Files: []Attachment{photo}}, ext(extMedia, []any{[]any{none, make([]byte, WaveBytesMax+1)}})},
		{"C-49-wave-text", Files{Files: []Attachment{photo}}, ext(extMedia, []any{[]any{none, "x"}})},
		{"C-49-sticker-shape", sticker, ext(extSticker, []any{"👋"})},
		{"C-49-sticker-emoji-long", sticker, ext(extSticker, []any{strings.Repeat("x", StickerEmojiMax+1), ""})},
		{"C-49-sticker-emoji-empty", sticker, ext(extSticker, []any{"", ""})},
		{"C-49-sticker-emoji-space", sticker, ext(extSticker, []any{"a b", ""})},
		{"C-49-sticker-emoji-bytes", sticker, ext(extSticker, []any{[]byte("x"), ""})},
		{"C-49-sticker-pack-long", sticker, ext(extSticker, []any{"x", strings.Repeat("x", PackLinkMax+1)})},
		{"C-49-sticker-pack-space", sticker, ext(extSticker, []any{"x", "http://a b"})},
		{"C-49-sticker-pack-letters", sticker, ext(extSticker, []any{"x", "http://é"})},
		{"C-49-sticker-large", sticker, func(u *Unverified) { u.Part.External.Size = StickerBytesMax + 1 }},
		{"C-49-sticker-type", sticker, func(u *Unverified) { u.Part.ContentType = "image/gif" }},
		{"C-49-sticker-attached", sticker, func(u *Unverified) { u.Part.Disposition = DispositionAttachment }},
		{"C-49-sticker-of-two", Files{Files: []Attachment{sticker.Files[0], sticker.Files[0]}}, ext(extSticker, []any{"x", ""})},
		{"C-49-sticker-text", Files{Text: "x", Files: sticker.Files}, ext(extSticker, []any{"x", ""})},
		{"C-56-question-empty", poll, private("", two, none, nil, "")},
		{"C-56-question-long", poll, private(longest, two, none, nil, "")},
		{"C-56-question-control", poll, private("a\x00", two, none, nil, "")},
		{"C-56-one-option", poll, private("?", two[:1], none, nil, "")},
		{"C-56-thirteen-options", poll, private("?", []any{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"}, none, nil, "")},
		{"C-56-option-empty", poll, private("?", []any{"a", ""}, none, nil, "")},
		{"C-56-option-twice", poll, private("?", []any{"a", "a"}, none, nil, "")},
		{"C-56-option-long", poll, private("?", []any{"a", strings.Repeat("b", PollOptionBytesMax+1)}, none, nil, "")},
		{"C-56-option-line", poll, private("?", []any{"a", "b\nc"}, none, nil, "")},
		{"C-56-option-bytes", poll, private("?", []any{"a", []byte("b")}, none, nil, "")},
		{"C-56-flags", poll, private("?", two, uint64(8), nil, "")},
		{"C-56-right-of-no-quiz", poll, private("?", two, none, none, "")},
		{"C-56-why-of-no-quiz", poll, private("?", two, none, nil, "why")},
		{"C-56-quiz-of-several", quiz, private("?", two, uint64(5), none, "")},
		{"C-56-quiz-without-right", quiz, private("?", two, uint64(4), nil, "")},
		{"C-56-quiz-right-outside", quiz, private("?", two, uint64(4), uint64(2), "")},
		{"C-56-why-long", quiz, private("?", two, uint64(4), none, longest)},
		{"C-56-why-control", quiz, private("?", two, uint64(4), none, "a\x1b")},
		{"C-56-fields", quiz, private("?", two, uint64(4), none)},
		{"C-57-order", Vote{Of: someID(1)}, private(uint64(1), none)},
		{"C-57-twice", Vote{Of: someID(1)}, private(uint64(1), uint64(1))},
		{"C-57-outside", Vote{Of: someID(1)}, private(uint64(PollOptionsMax))},
		{"C-57-text", Vote{Of: someID(1)}, private("1")},
		{"C-57-of-nothing", Vote{Of: someID(1)}, func(u *Unverified) { u.InReplyTo = MessageID{} }},
		{"C-58-fields", PollClose{Of: someID(1)}, private(none)},
		{"C-58-of-nothing", PollClose{Of: someID(1)}, func(u *Unverified) { u.InReplyTo = MessageID{} }},
		{"delete-of-nothing", Delete{Of: someID(1)}, func(u *Unverified) { u.Replaces = MessageID{} }},
		{"unreact-of-nothing", Unreact{Reaction: someID(1), To: someID(2)}, func(u *Unverified) { u.Replaces = MessageID{} }},
		{"unreact-to-nothing", Unreact{Reaction: someID(1), To: someID(2)}, func(u *Unverified) { u.InReplyTo = MessageID{} }},
		{"react-to-nothing", React{To: someID(1), Emoji: "x"}, func(u *Unverified) { u.InReplyTo = MessageID{} }},
		{"C-47-emoji-empty", React{To: someID(1), Emoji: "x"}, content("")},
		{"C-47-emoji-long", React{To: someID(1), Emoji: "x"}, content(strings.Repeat("x", EmojiBytesMax+1))},
		{"C-47-emoji-space", React{To: someID(1), Emoji: "x"}, content("a b")},
		{"C-47-emoji-control", React{To: someID(1), Emoji: "x"}, content("a\nb")},
		{"C-47-emoji-direction", React{To: someID(1), Emoji: "x"}, content("a\u202eb")},
		{"C-47-emoji-invisible", React{To: someID(1), Emoji: "x"}, content("\u200d")},
		{"C-47-emoji-not-utf-8", React{To: someID(1), Emoji: "x"}, content("\xff")},
		{"C-32-name-path", files, part(1, func(p *Part) { p.External.Filename = "../x" })},
		{"C-32-name-backslash", files, part(1, func(p *Part) { p.External.Filename = `a\x` })},
		{"C-32-name-direction", files, part(1, func(p *Part) { p.External.Filename = "a\u202egpj.exe" })},
		{"C-32-name-control", files, part(1, func(p *Part) { p.External.Filename = "a\nb" })},
		{"C-32-name-dots", files, part(1, func(p *Part) { p.External.Filename = ".." })},
		{"C-32-name-long", files, part(1, func(p *Part) { p.External.Filename = strings.Repeat("n", FileNameBytesMax+1) })},
		{"C-45-mime-empty", files, part(1, func(p *Part) { p.ContentType = "" })},
		{"C-45-mime-parameter", files, part(1, func(p *Part) { p.ContentType = "text/html;charset=x" })},
		{"C-45-mime-upper", files, part(1, func(p *Part) { p.ContentType = "Image/JPEG" })},
		{"C-45-mime-long", files, part(1, func(p *Part) { p.ContentType = "a/" + strings.Repeat("b", 99) })},
		{"C-45-key-short", files, part(1, func(p *Part) { p.External.Key = p.External.Key[1:] })},
		{"C-45-nonce", files, part(1, func(p *Part) { p.External.Nonce = []byte{1} })},
		{"C-45-aad", files, part(1, func(p *Part) { p.External.AAD = []byte{1} })},
		{"C-45-hash-short", files, part(1, func(p *Part) { p.External.HashAlg, p.External.Hash = 1, []byte{1} })},
		{"C-45-hash-other", files, part(1, func(p *Part) { p.External.HashAlg, p.External.Hash = 2, b32 })},
		{"C-45-hash-without-kind", files, part(1, func(p *Part) { p.External.Hash = b32 })},
		{"C-45-size", files, part(1, func(p *Part) { p.External.Size = plane.BlobChunkBytes*plane.BlobChunksMax + 1 })},
		{"C-45-blob-id", files, part(1, func(p *Part) { p.External.URL = schemeBlob + "AAAA" })},
		{"C-45-disposition", files, part(1, func(p *Part) { p.Disposition = DispositionProfile })},
		{"C-46-preview-first", files, func(u *Unverified) { u.Part.Parts[0] = u.Part.Parts[2] }},
		{"C-46-preview-twice", files, func(u *Unverified) { u.Part.Parts[3] = u.Part.Parts[2] }},
		{"C-46-preview-large", files, part(2, func(p *Part) { p.Content = make([]byte, PreviewBytesMax+1) })},
		{"C-46-preview-empty", files, part(2, func(p *Part) { p.Content = nil })},
		{"C-46-sizes-few", files, func(u *Unverified) { u.Extensions[extSizes] = []any{[]any{uint64(4), uint64(3)}} }},
		{"C-46-sizes-shape", files, func(u *Unverified) { u.Extensions[extSizes] = "4x3" }},
		{"C-46-sizes-half", files, func(u *Unverified) {
			u.Extensions[extSizes] = []any{[]any{uint64(4), uint64(0)}, []any{uint64(0), uint64(0)}}
		}},
		{"C-46-sizes-large", files, func(u *Unverified) {
			u.Extensions[extSizes] = []any{[]any{uint64(65536), uint64(3)}, []any{uint64(0), uint64(0)}}
		}},
		{"C-46-files-11", files, func(u *Unverified) {
			for len(u.Part.Parts) < FilesMax+3 {
				u.Part.Parts = append(u.Part.Parts, u.Part.Parts[3])
			}
		}},
		{"C-50-not-cbor", Profile{Name: "A"}, content("\xff")},
		{"C-50-not-canonical", Profile{Name: "A"}, content("\x82\x78\x01A\xf6")},
		{"C-50-trailing", Profile{Name: "A"}, content("\x82\x61A\xf6\x00")},
		{"C-50-fields", Profile{Name: "A"}, private("A")},
		{"C-50-name-direction", Profile{Name: "A"}, private("A\u202eb", nil)},
		{"C-50-name-untrimmed", Profile{Name: "A"}, private(" A", nil)},
		{"C-50-name-long", Profile{Name: "A"}, private(strings.Repeat("A", plane.NameBytesMax+1), nil)},
		{"C-50-name-bytes", Profile{Name: "A"}, private([]byte("A"), nil)},
		{"C-50-door-short", Profile{Name: "A"}, private("A", []any{b16, b16})},
		{"C-50-door-lengths", Profile{Name: "A"}, private("A", []any{b16, b16, b32})},
		{"C-51-read-past-delivered", Receipt{}, private(uint64(1), uint64(2))},
		{"C-51-negative", Receipt{}, private(-1, -1)},
		{"C-51-fields", Receipt{}, private(uint64(1))},
		{"C-53-fields", Owner{}, private(b16)},
		{"C-53-seed-short", Owner{}, private(b16, b16)},
	} {
		u := change(t, c.m, c.f)
		if m, err := u.Verify(); !errors.Is(err, ErrContent) || m != nil {
			t.Errorf("%s: got a %T, %v, want ErrContent", c.name, m, err)
		}
	}
}

// TestUnknown shows well-formed messages of other kinds: they are accepted and not understood (C-44).
func TestUnknown(t *testing.T) {
	files := Files{Text: "look", Files: []Attachment{file(1)}}
	for name, u := range map[string]Unverified{
		"markdown":        change(t, Text{Text: "x"}, func(u *Unverified) { u.Part.ContentType = "text/markdown" }),
		"expires-then":    change(t, Text{Text: "x"}, func(u *Unverified) { u.Expires = &Expires{Time: 60} }),
		"expires-at-once": change(t, Text{Text: "x"}, func(u *Unverified) { u.Expires = &Expires{Relative: true} }),
		"expires-late":    change(t, Files{Files: []Attachment{file(1)}}, func(u *Unverified) { u.Expires = &Expires{Relative: true, Time: ExpiresMax + 1} }),
		"expires-delete":  change(t, Delete{Of: someID(1)}, func(u *Unverified) { u.Expires = &Expires{Time: 60} }),
		"expires-profile": change(t, Profile{Name: "A"}, func(u *Unverified) { u.Expires = &Expires{Relative: true, Time: 60} }),
		"text-as-icon":    change(t, Text{Text: "x"}, func(u *Unverified) { u.Part.Disposition = 5 }),
		"private":         change(t, Owner{}, func(u *Unverified) { u.Part.ContentType = privatePrefix + "pool" }),
		"choose-one":      change(t, files, func(u *Unverified) { u.Part.Semantics = 0 }),
		"files-edited":    change(t, files, func(u *Unverified) { u.Replaces = someID(1) }),
		"reaction-edited": change(t, React{To: someID(1), Emoji: "x"}, func(u *Unverified) { u.Replaces = someID(1) }),
		"reaction-image":  change(t, React{To: someID(1), Emoji: "x"}, func(u *Unverified) { u.Part.ContentType = "image/png" }),
		"other-part":      change(t, files, func(u *Unverified) { u.Part.Parts[0].ContentType = "text/html" }),
		"only-texts":      change(t, files, func(u *Unverified) { u.Part.Parts = u.Part.Parts[:1] }),
	} {
		if m, err := u.Verify(); err != nil || m != (Unknown{}) {
			t.Errorf("%s: got a %T, %v, want Unknown", name, m, err)
		}
	}
	if _, err := Encode(Unknown{}); !errors.Is(err, ErrContent) {
		t.Errorf("encode Unknown: got %v, want ErrContent", err)
	}
}

// TestEncodeRefuses gives Encode what a caller must not: missing ids, bad texts, too much.
func TestEncodeRefuses(t *testing.T) {
	big := file(1)
	big.Preview = make([]byte, PreviewBytesMax)
	var ten []Attachment
	for range FilesMax {
		ten = append(ten, big)
	}
	for name, c := range map[string]struct {
		m    Message
		want error
	}{
		"no-text":           {Text{}, ErrContent},
		"control":           {Text{Text: "a\x00"}, ErrContent},
		"edit-of-nothing":   {Edit{Text: "x"}, ErrContent},
		"delete-of-nothing": {Delete{}, ErrContent},
		"react-to-nothing":  {React{Emoji: "x"}, ErrContent},
		"unreact-nothing":   {Unreact{To: someID(1)}, ErrContent},
		"no-files":          {Files{Text: "x"}, ErrContent},
		"eleven-files":      {Files{Files: append(ten, file(1))}, ErrContent},
		"ten-with-a-text":   {Files{Text: strings.Repeat("x", 1000), Files: ten}, ErrTooLarge},
		"bad-name":          {Profile{Name: "\u202e"}, ErrContent},
		"poll-right":        {Poll{Question: "?", Options: []string{"a", "b"}, Quiz: true, Right: -1}, ErrContent},
		"vote-of-nothing":   {Vote{}, ErrContent},
		"forwarded-control": {Text{Text: "x", Extra: Extra{Forwarded: "a\x00"}}, ErrContent},
		"expires-late":      {Text{Text: "x", Extra: Extra{Expires: ExpiresMax + 1}}, ErrContent},
		"reply-to-rubbish":  {Text{Text: "x", ReplyTo: MessageID{0: 2}}, ErrMalformed},
	} {
		if b, err := Encode(c.m); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: got %d bytes, %v, want %v", name, len(b), err, c.want)
		}
	}
}
