package content

import (
	"bytes"
	"crypto/rand"
	"errors"
	"reflect"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/canon"
)

var (
	// ErrMalformed: not a MIMI content message, or not in its one canonical form. The message is
	// passed over.
	ErrMalformed = errors.New("content: malformed")
	// ErrContent: a MIMI message that breaks a rule of its kind, such as a text with control
	// characters. The message is passed over. From Encode: a bug of the caller.
	ErrContent = errors.New("content: against the rules of its kind")
	// ErrVersion: a frame of a later version of the protocol. The face says that the app is older.
	ErrVersion = errors.New("content: later version")
	// ErrTooLarge: longer than FrameBytesMax, or more parts than allowed.
	ErrTooLarge = errors.New("content: too large")
)

// SaltBytes is the length of the random salt that every message starts with.
const SaltBytes = 16

// Disposition says what a part is for.
type Disposition uint8

// The dispositions of draft-ietf-mimi-content-08 §8.2.2 that are used here.
const (
	DispositionUnspecified Disposition = 0
	DispositionRender      Disposition = 1
	DispositionReaction    Disposition = 2
	DispositionProfile     Disposition = 3
	DispositionInline      Disposition = 4
	DispositionAttachment  Disposition = 6
	DispositionPreview     Disposition = 8
)

// Cardinality says what a part consists of.
type Cardinality uint8

// The cardinalities.
const (
	CardinalityNull     Cardinality = 0
	CardinalitySingle   Cardinality = 1
	CardinalityExternal Cardinality = 2
	CardinalityMulti    Cardinality = 3
)

// SemanticsProcessAll: all parts of a multipart are shown. The others are chooseOne and singleUnit.
const SemanticsProcessAll = 2

const (
	partsMax     = 24 // of one multipart: text, and 10 files with previews
	partDepthMax = 4  // draft §6.3
	extraMax     = 16 // extensions
)

// Unverified is a well-formed MIMI message of any kind. It shares no memory with what was parsed.
type Unverified struct {
	Salt       [SaltBytes]byte
	Replaces   MessageID // zero: none
	TopicID    []byte
	Expires    *Expires
	InReplyTo  MessageID // zero: none
	Extensions map[any]any
	Part       Part
}

// Expires is MIMI's hint when to delete a message.
type Expires struct {
	Relative bool
	Time     uint32 // seconds after reading, or since 1970
}

// Part is a NestedPart. Which fields are set follows from Cardinality.
type Part struct {
	Disposition Disposition
	Language    string
	Cardinality Cardinality
	ContentType string // single, external
	Content     []byte // single
	External    External
	Semantics   uint8  // multi
	Parts       []Part // multi, 2 to partsMax
}

// External is an ExternalPart without its content type.
type External struct {
	URL         string
	Expires     uint32
	Size        uint64
	EncAlg      uint16
	Key         []byte
	Nonce       []byte
	AAD         []byte
	HashAlg     uint8
	Hash        []byte
	Description string
	Filename    string
}

// Parse parses the body of a Frame: any MIMI message in deterministic CBOR, within the limits.
// Errors: ErrMalformed, ErrTooLarge.
func Parse(body []byte) (Unverified, error) {
	if len(body) > FrameBytesMax {
		return Unverified{}, ErrTooLarge
	}
	var v any
	if err := dec.Unmarshal(body, &v); err != nil {
		return Unverified{}, ErrMalformed
	}
	// What the bytes mean must encode to the same bytes: that rejects every form but one (C-40).
	if again, err := enc.Marshal(v); err != nil || !bytes.Equal(again, body) {
		return Unverified{}, ErrMalformed
	}
	w := walker{}
	u := w.message(v)
	if w.err != nil {
		return Unverified{}, w.err
	}
	return u, nil
}

// Bytes encodes the message: the inverse of Parse. Errors: ErrMalformed, ErrTooLarge.
func (u Unverified) Bytes() ([]byte, error) {
	b, err := enc.Marshal(u.tree())
	if err != nil {
		return nil, ErrMalformed
	}
	if _, err := Parse(b); err != nil {
		return nil, err
	}
	return b, nil
}

func newSalt() (s [SaltBytes]byte) {
	_, _ = rand.Read(s[:]) // never fails: it ends the process instead
	return s
}

// tree returns u as the CBOR library's generic values; walker is the way back.
func (u Unverified) tree() []any {
	var expires any
	if u.Expires != nil {
		expires = []any{u.Expires.Relative, u.Expires.Time}
	}
	extra := u.Extensions
	if extra == nil {
		extra = map[any]any{}
	}
	return []any{u.Salt[:], idTree(u.Replaces), append([]byte{}, u.TopicID...), expires, idTree(u.InReplyTo),
		extra, u.Part.tree()}
}

func idTree(id MessageID) any {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

func (p Part) tree() []any {
	head := []any{uint64(p.Disposition), p.Language, uint64(p.Cardinality)}
	switch p.Cardinality {
	case CardinalitySingle:
		return append(head, p.ContentType, append([]byte{}, p.Content...))
	case CardinalityExternal:
		e := p.External
		return append(head, p.ContentType, e.URL, e.Expires, e.Size, e.EncAlg, append([]byte{}, e.Key...),
			append([]byte{}, e.Nonce...), append([]byte{}, e.AAD...), e.HashAlg, append([]byte{}, e.Hash...),
			e.Description, e.Filename)
	case CardinalityMulti:
		parts := make([]any, 0, len(p.Parts))
		for _, q := range p.Parts {
			parts = append(parts, q.tree())
		}
		return append(head, p.Semantics, parts)
	}
	return head
}

// walker turns generic values into an Unverified and remembers the first thing that is wrong.
type walker struct{ err error }

func (w *walker) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *walker) message(v any) Unverified {
	a := w.array(v, 7)
	var u Unverified
	if w.err != nil {
		return u
	}
	salt := w.bytes(a[0])
	if len(salt) != SaltBytes {
		w.fail(ErrMalformed)
		return u
	}
	u.Salt = [SaltBytes]byte(salt)
	u.Replaces = w.id(a[1])
	u.TopicID = w.bytes(a[2])
	if a[3] != nil {
		if e := w.array(a[3], 2); w.err == nil {
			u.Expires = &Expires{Relative: w.bool(e[0]), Time: uint32(w.uint(e[1], 1<<32-1))}
		}
	}
	u.InReplyTo = w.id(a[4])
	u.Extensions = w.extensions(a[5])
	u.Part = w.part(a[6], 1)
	return u
}

func (w *walker) part(v any, depth int) (p Part) {
	if depth > partDepthMax {
		w.fail(ErrTooLarge)
		return p
	}
	a, ok := v.([]any)
	if !ok || len(a) < 3 {
		w.fail(ErrMalformed)
		return p
	}
	p.Disposition = Disposition(w.uint(a[0], 255))
	p.Language = w.text(a[1])
	p.Cardinality = Cardinality(w.uint(a[2], uint64(CardinalityMulti)))
	switch p.Cardinality {
	case CardinalityNull:
		w.array(v, 3)
	case CardinalitySingle:
		if a = w.array(v, 5); w.err == nil {
			p.ContentType, p.Content = w.text(a[3]), w.bytes(a[4])
		}
	case CardinalityExternal:
		if a = w.array(v, 15); w.err == nil {
			p.ContentType, p.External = w.text(a[3]), w.external(a[4:])
		}
	case CardinalityMulti:
		if a = w.array(v, 5); w.err == nil {
			p.Semantics = uint8(w.uint(a[3], SemanticsProcessAll))
			p.Parts = w.parts(a[4], depth+1)
		}
	}
	return p
}

func (w *walker) parts(v any, depth int) []Part {
	a, ok := v.([]any)
	switch {
	case !ok || len(a) < 2:
		w.fail(ErrMalformed)
		return nil
	case len(a) > partsMax:
		w.fail(ErrTooLarge)
		return nil
	}
	parts := make([]Part, 0, len(a))
	for _, q := range a {
		parts = append(parts, w.part(q, depth))
	}
	return parts
}

func (w *walker) external(a []any) External {
	return External{
		URL:         w.text(a[0]),
		Expires:     uint32(w.uint(a[1], 1<<32-1)),
		Size:        w.uint(a[2], 1<<64-1),
		EncAlg:      uint16(w.uint(a[3], 1<<16-1)),
		Key:         w.bytes(a[4]),
		Nonce:       w.bytes(a[5]),
		AAD:         w.bytes(a[6]),
		HashAlg:     uint8(w.uint(a[7], 255)),
		Hash:        w.bytes(a[8]),
		Description: w.text(a[9]),
		Filename:    w.text(a[10]),
	}
}

// extensions checks the keys (draft §6.2); values are any CBOR without tags, at most 4 levels
// deep with the map itself.
func (w *walker) extensions(v any) map[any]any {
	m, ok := v.(map[any]any)
	if !ok || len(m) > extraMax {
		w.fail(ErrMalformed)
		return nil
	}
	if len(m) == 0 {
		return nil
	}
	const intMax = 1<<53 - 1
	for k, x := range m {
		switch k := k.(type) {
		case uint64:
			ok = k <= intMax
		case int64:
			ok = -intMax <= k
		case string:
			ok = 1 <= len(k) && len(k) <= 255
		default:
			ok = false
		}
		if !ok || depth(x) > 3 {
			w.fail(ErrMalformed)
		}
	}
	return m
}

func depth(v any) int {
	most := 0
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			most = max(most, depth(x))
		}
		return most + 1
	case map[any]any:
		for _, x := range v {
			most = max(most, depth(x))
		}
		return most + 1
	}
	return 0
}

func (w *walker) array(v any, n int) []any {
	a, ok := v.([]any)
	if !ok || len(a) != n {
		w.fail(ErrMalformed)
		return nil
	}
	return a
}

func (w *walker) bytes(v any) []byte {
	b, ok := v.([]byte)
	if !ok {
		w.fail(ErrMalformed)
	}
	return b
}

func (w *walker) text(v any) string {
	s, ok := v.(string)
	if !ok || !utf8.ValidString(s) {
		w.fail(ErrMalformed)
	}
	return s
}

func (w *walker) bool(v any) bool {
	b, ok := v.(bool)
	if !ok {
		w.fail(ErrMalformed)
	}
	return b
}

func (w *walker) uint(v any, most uint64) uint64 {
	n, ok := v.(uint64)
	if !ok || n > most {
		w.fail(ErrMalformed)
		return 0
	}
	return n
}

func (w *walker) id(v any) MessageID {
	if v == nil {
		return MessageID{}
	}
	b := w.bytes(v)
	// Zero stands for "none" here, and no hash starts with 0.
	if len(b) != len(MessageID{}) || b[0] != hashSHA256 {
		w.fail(ErrMalformed)
		return MessageID{}
	}
	return MessageID(b)
}

var (
	enc = func() cbor.EncMode {
		o := cbor.CoreDetEncOptions()
		o.TagsMd = cbor.TagsForbidden
		return canon.Encoder(o)
	}()
	dec = canon.Decoder(cbor.DecOptions{
		MapKeyByteString: cbor.MapKeyByteStringForbidden,
		MaxNestedLevels:  16,
		MaxArrayElements: 32,
		MaxMapPairs:      extraMax,
		DefaultMapType:   reflect.TypeFor[map[any]any](),
	})
)
