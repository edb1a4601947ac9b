package content

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"paperplane/protocol/plane"
)

func someID(b byte) MessageID { return MessageID{0: hashSHA256, 1: b} }

func file(n byte) Attachment {
	return Attachment{Blob: plane.BlobID{n}, Key: [32]byte{n}, Size: 12345, Name: "holiday.jpg", Mime: "image/jpeg"}
}

// samples holds valid messages of every kind, with and without optional fields.
func samples() []Message {
	photo := file(2)
	photo.Inline, photo.Width, photo.Height = true, 1600, 1200
	photo.Preview, photo.Hash = bytes.Repeat([]byte{5}, PreviewBytesMax), [32]byte{6}
	voice := Attachment{Blob: plane.BlobID{3}, Key: [32]byte{3}, Size: 9000, Mime: "audio/webm", Inline: true, Duration: DurationMax, Wave: bytes.Repeat([]byte{7}, WaveBytesMax)}
	sticker := Attachment{Blob: plane.BlobID{4}, Key: [32]byte{4}, Size: StickerBytesMax, Mime: "image/webp", Inline: true, Width: 512, Height: 512}
	film := file(5)
	film.Mime, film.Duration = "video/mp4", 1500
	options := []string{"tea", "coffee"}
	var dozen []string
	for i := range PollOptionsMax {
		dozen = append(dozen, strings.Repeat("o", PollOptionBytesMax-1)+string(rune('a'+i)))
	}
	var ten []Attachment
	for i := range FilesMax {
		ten = append(ten, file(byte(i)))
	}
	return []Message{
		Text{Text: "Hello"},
		Text{Text: "سلام 👋🏽\n\t\u200fdone", ReplyTo: someID(1)},
		Text{Text: strings.Repeat("x", plane.TextBytesMax)},
		Text{Text: "👋 Ann, Bob", Mentions: []Mention{{Start: 3, Length: 3, Person: plane.PublicKey{1}}, {Start: 8, Length: 3, Person: plane.PublicKey{2}}}},
		Edit{Of: someID(1), Text: "better"},
		Delete{Of: someID(1)},
		React{To: someID(1), Emoji: "👩🏽‍⚕️"},
		Unreact{Reaction: someID(2), To: someID(1)},
		Files{Files: []Attachment{file(1)}},
		Files{Files: []Attachment{photo}},
		Files{Text: "two", ReplyTo: someID(1), Files: []Attachment{file(1), photo}},
		Files{Files: ten},
		Text{Text: "heard", Extra: Extra{Forwarded: "آن", Silent: true, Expires: ExpiresMax}},
		Files{Files: []Attachment{voice}, Extra: Extra{Silent: true, Expires: 1}},
		Files{Files: []Attachment{sticker}, Sticker: &Sticker{Emoji: "👋🏽", Pack: strings.Repeat("p", PackLinkMax)}},
		Files{Files: []Attachment{sticker}, Sticker: &Sticker{Emoji: "x"}},
		Files{Text: "a film", Files: []Attachment{film, file(6)}, Extra: Extra{Forwarded: "Ann"}},
		Edit{Of: someID(1), Text: "better", Expires: 60},
		Delete{Of: someID(1), Expires: 60},
		React{To: someID(1), Emoji: "👍", Expires: 60},
		Unreact{Reaction: someID(2), To: someID(1), Expires: 60},
		Poll{Question: "What to drink?", Options: options},
		Poll{Question: strings.Repeat("q", PollTextBytesMax), Options: dozen, Several: true, Hidden: true},
		Poll{Question: "Which?", Options: options, Hidden: true, Quiz: true, Right: 1, Why: strings.Repeat("w", PollTextBytesMax),
			Extra: Extra{Forwarded: "Ann", Silent: true, Expires: 60}},
		Vote{Of: someID(1)},
		Vote{Of: someID(1), Options: []int{0, 11}, Expires: 60},
		PollClose{Of: someID(1)},
		PollClose{Of: someID(1), Expires: 60},
		Profile{Name: "Ann"},
		Profile{Name: "آن", Door: &Door{Inbox: plane.LogID{1}, Seed: [16]byte{2}, Card: [16]byte{3}}},
		Receipt{Delivered: 7, Read: 5},
		Receipt{},
		Owner{Log: plane.LogID{1}, Seed: [32]byte{2}},
		OwnerAsk{KEM: make([]byte, ownerKEMBytes)},
		OwnerGive{To: [16]byte{1}, Sealed: make([]byte, ownerSealedBytes)},
	}
}

// TestRoundTrip encodes every kind, parses and verifies it: the same message returns, inside a
// frame too, and encoding twice gives two ids (C-41).
func TestRoundTrip(t *testing.T) {
	for i, m := range samples() {
		b, err := Encode(m)
		if err != nil {
			t.Errorf("%d %T: encode: %v", i, m, err)
			continue
		}
		f := Frame{Seen: plane.Seq(i), SeenHash: [16]byte{1}, SentMS: 1764000000000, Body: b}
		fb, err := f.Encode()
		if err != nil {
			t.Errorf("%d %T: frame: %v", i, m, err)
			continue
		}
		g, err := ParseFrame(fb)
		if err != nil || !reflect.DeepEqual(f, g) {
			t.Errorf("%d %T: frame came back different, %v", i, m, err)
			continue
		}
		u, err := Parse(g.Body)
		if err != nil {
			t.Errorf("%d %T: parse: %v", i, m, err)
			continue
		}
		got, err := u.Verify()
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%d %T: got %#v, %v, want the same message", i, m, got, err)
		}
		again, err := Encode(m)
		if err != nil || NewMessageID(plane.PublicKey{1}, plane.LogID{1}, again) == NewMessageID(plane.PublicKey{1}, plane.LogID{1}, b) {
			t.Errorf("%d %T: two encodings have one id, %v", i, m, err)
		}
	}
}
