package content

import "strings"

// Sticker says what a message of one file means when it is a sticker.
type Sticker struct {
	_     struct{} `cbor:",toarray"`
	Emoji string   // which it stands for, as a reaction is written (C-47)
	Pack  string   // link to its pack, of printable ASCII; may be empty
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

// playing is how a file plays.
type playing struct {
	_        struct{} `cbor:",toarray"`
	Duration uint32
	Wave     []byte
}

// media adds what m says of how its files play.
func (u *Unverified) media(m Files) {
	list, some := make([]playing, len(m.Files)), false
	for i, f := range m.Files {
		list[i].Duration, list[i].Wave = f.Duration, append([]byte{}, f.Wave...)
		some = some || f.Duration != 0 || len(f.Wave) > 0
	}
	if some {
		u.extend(extMedia, list)
	}
	if m.Sticker != nil {
		u.extend(extSticker, *m.Sticker)
	}
}

// readMedia reads what media has added.
func (u Unverified) readMedia(m *Files) error {
	var list []playing
	ok, err := u.read(extMedia, &list)
	if err != nil || ok && len(list) != len(m.Files) {
		return ErrContent
	}
	for i, x := range list {
		if x.Wave == nil || len(x.Wave) > WaveBytesMax || x.Duration > DurationMax {
			return ErrContent
		}
		if m.Files[i].Duration = x.Duration; len(x.Wave) > 0 {
			m.Files[i].Wave = x.Wave
		}
	}
	var s Sticker
	if ok, err = u.read(extSticker, &s); err != nil {
		return err
	}
	if ok {
		f := &m.Files[0]
		if m.Text != "" || len(m.Files) != 1 || !f.Inline || f.Size > StickerBytesMax || !StickerType(f.Mime) || s.check() != nil {
			return ErrContent
		}
		m.Sticker = &s
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
