package content

import "strings"

// Sticker says what a message of one file means when it is a sticker.
type Sticker struct {
	Emoji string // which it stands for, as a reaction is written (C-47)
	Pack  string // link to its pack, of printable ASCII; may be empty
}

// Limits of media.
const (
	// DurationMax is the longest that a file can say to play, in milliseconds: a day.
	DurationMax = 86400000
	// WaveBytesMax bounds the values of a waveform.
	WaveBytesMax = 64
	// StickerBytesMax bounds the file of a sticker, StickerEmojiMax and PackLinkMax what it says.
	StickerBytesMax = 512 << 10
	StickerEmojiMax = 32
	PackLinkMax     = 300
)

const (
	// extMedia is a private extension: [[duration, wave], …] of the files of a message.
	extMedia = int64(-4)
	// extSticker is a private extension: [emoji, pack].
	extSticker = int64(-5)
)

// StickerType reports whether a file of a media type can be a sticker.
func StickerType(mime string) bool {
	switch mime {
	case "image/webp", "image/png", "video/webm", "application/x-tgsticker":
		return true
	}
	return false
}

// Voice reports whether m is a voice message: one sound that is shown in the conversation (C-49).
func (m Files) Voice() bool {
	return len(m.Files) == 1 && m.Files[0].Inline && strings.HasPrefix(m.Files[0].Mime, "audio/")
}

// media adds what m says of how its files play.
func (u *Unverified) media(m Files) {
	list, some := make([]any, 0, len(m.Files)), false
	for _, f := range m.Files {
		list = append(list, []any{uint64(f.Duration), append([]byte{}, f.Wave...)})
		some = some || f.Duration != 0 || len(f.Wave) > 0
	}
	if some {
		u.extend(extMedia, list)
	}
	if s := m.Sticker; s != nil {
		u.extend(extSticker, []any{s.Emoji, s.Pack})
	}
}

// readMedia reads what media has added.
func (u Unverified) readMedia(m *Files) error {
	w := walker{}
	if v, ok := u.Extensions[extMedia]; ok {
		a := w.array(v, len(m.Files))
		for i := range a {
			if pair := w.array(a[i], 2); w.err == nil {
				f := &m.Files[i]
				f.Duration = uint32(w.uint(pair[0], DurationMax))
				if wave := w.bytes(pair[1]); len(wave) > WaveBytesMax {
					return ErrContent
				} else if len(wave) > 0 {
					f.Wave = wave
				}
			}
		}
	}
	if v, ok := u.Extensions[extSticker]; ok {
		a := w.array(v, 2)
		if w.err != nil {
			return ErrContent
		}
		s := Sticker{Emoji: w.text(a[0]), Pack: w.text(a[1])}
		f := m.Files[0]
		if m.Text != "" || len(m.Files) != 1 || !f.Inline || f.Size > StickerBytesMax || !StickerType(f.Mime) || s.check() != nil {
			return ErrContent
		}
		m.Sticker = &s
	}
	if w.err != nil {
		return ErrContent
	}
	return nil
}

func (s Sticker) check() error {
	if len(s.Emoji) > StickerEmojiMax || checkEmoji(s.Emoji) != nil || len(s.Pack) > PackLinkMax {
		return ErrContent
	}
	for i := range len(s.Pack) {
		if s.Pack[i] <= ' ' || s.Pack[i] > '~' {
			return ErrContent
		}
	}
	return nil
}
