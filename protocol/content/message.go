package content

import (
	"strings"

	"paperplane/protocol/plane"
)

// Message is one of the kinds that this version shows or acts on: Text, Edit, Delete, React,
// Unreact, Files, Poll, Vote, PollClose, Profile, Receipt, Owner, OwnerAsk, OwnerGive, Unknown. The sum is
// closed.
type Message interface {
	// mimi returns the message as MIMI, without a salt; or ErrContent.
	mimi() (Unverified, error)
}

// Text is a text message, and a reply when ReplyTo is not zero.
type Text struct {
	Text     string
	ReplyTo  MessageID
	Mentions []Mention // in order, none over another
	Extra
}

// Edit replaces the text of the message Of, which is the first version, not an earlier edit.
// The caller allows it to the author alone.
type Edit struct {
	Of      MessageID
	Text    string
	Expires uint32 // seconds, with the message: see Extra
}

// Delete takes back the message Of for everyone. The caller allows it to the author alone.
type Delete struct {
	Of      MessageID
	Expires uint32
}

// React adds a reaction to the message To. Its own id is what Unreact names.
type React struct {
	To      MessageID
	Emoji   string
	Expires uint32
}

// Unreact takes back the reaction that the message Reaction made on To.
type Unreact struct {
	Reaction, To MessageID
	Expires      uint32
}

// Files is one attachment or a group of them, with an optional text.
type Files struct {
	Text     string // may be empty
	ReplyTo  MessageID
	Files    []Attachment // 1 to FilesMax
	Mentions []Mention    // in order, none over another
	// Sticker, of one file that may be one (C-49), makes it a sticker: nil for others.
	Sticker *Sticker
	Extra
}

// FilesMax bounds the attachments of one message, PreviewBytesMax one's preview.
const (
	FilesMax        = 10
	PreviewBytesMax = 600
)

// Attachment is a file in a blob.
type Attachment struct {
	Blob plane.BlobID
	// Key is a seal.BlobKey's bytes: the chunks' key, not MIMI's one AEAD (C-45).
	Key  [32]byte
	Size uint64 // bytes of the file
	// Name passes CleanFileName; it may be empty for a picture.
	Name string
	// Mime is a media type without parameters; it is a claim of the sender.
	Mime string
	// Inline: shown in the conversation, as a photo; else offered as a file.
	Inline bool
	// Duration is how long it plays, in milliseconds, at most DurationMax; 0 when not known.
	Duration uint32
	// Wave is how loud it is from its beginning to its end, at most WaveBytesMax values.
	Wave []byte
	// Width and Height are a picture's, 0 when not known; both or none.
	Width, Height uint16
	// Preview is a tiny JPEG, shown blurred until the file is there; may be empty.
	Preview []byte
	// Hash is the SHA-256 of the file; zero: not given. When given, a client checks it.
	Hash [32]byte
}

// Unknown is a well-formed message of a kind that this version does not know. It cannot be encoded.
type Unknown struct{}

const (
	typeText    = "text/plain;charset=utf-8"
	typePreview = "image/jpeg"
	schemeBlob  = "pp:b/"

	// encChunks is an AEAD number for private use (RFC 5116 §6: 32768 and up): the chunks of
	// spec/envelope.md, which no registered number describes.
	encChunks = 0xf0a1

	// extSizes is a private extension: [[width, height], …] of the files of a message.
	extSizes = int64(-1)
)

// Encode returns m as the body of a Frame, with a new random salt: encoding twice gives two
// messages with two ids. Errors: ErrContent for a field against the rules, ErrTooLarge for a
// message over FrameBytesMax (drop the previews, or send the files apart).
func Encode(m Message) ([]byte, error) { return encode(m, newSalt()) }

func encode(m Message, salt [SaltBytes]byte) ([]byte, error) {
	u, err := m.mimi()
	if err != nil {
		return nil, err
	}
	u.Salt = salt
	b, err := u.Bytes()
	if err != nil {
		return nil, err
	}
	// One set of rules for both directions: what Verify would refuse is not sent.
	switch m, err := u.Verify(); {
	case err != nil:
		return nil, err
	case m == Unknown{}:
		return nil, ErrContent
	}
	return b, nil
}

// Verify returns the message that u is. ErrContent: it breaks a rule of its kind and is void.
func (u Unverified) Verify() (Message, error) {
	m, err := u.verify()
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (u Unverified) verify() (Message, error) {
	p := u.Part
	switch {
	case !u.knownExpiry():
		return Unknown{}, nil // showing it for ever would be wrong (C-44)
	case p.Cardinality == CardinalityNull:
		return u.verifyNull()
	case p.Disposition == DispositionReaction:
		return u.verifyReaction()
	case p.Cardinality == CardinalitySingle && p.ContentType == typeText:
		return u.verifyText()
	case p.Cardinality == CardinalitySingle && strings.HasPrefix(p.ContentType, privatePrefix):
		return u.verifyPrivate()
	case u.Replaces.IsZero() && (p.isFile() || p.Cardinality == CardinalityMulti):
		return u.verifyFiles()
	}
	return Unknown{}, nil
}

func (u Unverified) verifyNull() (Message, error) {
	switch {
	case u.Replaces.IsZero():
		return nil, ErrContent // takes back nothing
	case u.Part.Disposition == DispositionReaction && u.InReplyTo.IsZero():
		return nil, ErrContent
	case u.Part.Disposition == DispositionReaction:
		return Unreact{Reaction: u.Replaces, To: u.InReplyTo, Expires: u.expires()}, nil
	}
	return Delete{Of: u.Replaces, Expires: u.expires()}, nil
}

func (u Unverified) verifyReaction() (Message, error) {
	p := u.Part
	if p.Cardinality != CardinalitySingle || p.ContentType != typeText || !u.Replaces.IsZero() {
		return Unknown{}, nil // pictures as reactions, changed reactions
	}
	if u.InReplyTo.IsZero() {
		return nil, ErrContent
	}
	emoji := string(p.Content)
	return React{To: u.InReplyTo, Emoji: emoji, Expires: u.expires()}, checkEmoji(emoji)
}

func (u Unverified) verifyText() (Message, error) {
	p := u.Part
	if p.Disposition != DispositionRender && p.Disposition != DispositionUnspecified && p.Disposition != DispositionInline {
		return Unknown{}, nil
	}
	text := string(p.Content)
	if checkText(text) != nil {
		return nil, ErrContent
	}
	if !u.Replaces.IsZero() {
		return Edit{Of: u.Replaces, Text: text, Expires: u.expires()}, nil
	}
	list, err := u.mentions(text)
	if err != nil {
		return nil, err
	}
	x, err := u.extras()
	return Text{Text: text, ReplyTo: u.InReplyTo, Mentions: list, Extra: x}, err
}

func single(d Disposition, contentType string, content []byte) Part {
	return Part{Disposition: d, Cardinality: CardinalitySingle, ContentType: contentType, Content: content}
}

func (m Text) mimi() (Unverified, error) {
	u := Unverified{InReplyTo: m.ReplyTo, Part: single(DispositionRender, typeText, []byte(m.Text))}
	u.mention(m.Mentions)
	u.extra(m.Extra)
	return u, nil
}

func (m Edit) mimi() (Unverified, error) {
	u := Unverified{Replaces: m.Of, Part: single(DispositionRender, typeText, []byte(m.Text))}
	u.expire(m.Expires)
	return u, need(m.Of)
}

func (m Delete) mimi() (Unverified, error) {
	u := Unverified{Replaces: m.Of, Part: Part{Disposition: DispositionRender}}
	u.expire(m.Expires)
	return u, need(m.Of)
}

func (m React) mimi() (Unverified, error) {
	u := Unverified{InReplyTo: m.To, Part: single(DispositionReaction, typeText, []byte(m.Emoji))}
	u.expire(m.Expires)
	return u, need(m.To)
}

func (m Unreact) mimi() (Unverified, error) {
	u := Unverified{Replaces: m.Reaction, InReplyTo: m.To, Part: Part{Disposition: DispositionReaction}}
	u.expire(m.Expires)
	return u, need(m.Reaction, m.To)
}

func (Unknown) mimi() (Unverified, error) { return Unverified{}, ErrContent }

// need says ErrContent when an id is missing.
func need(ids ...MessageID) error {
	for _, id := range ids {
		if id[0] != hashSHA256 {
			return ErrContent
		}
	}
	return nil
}
