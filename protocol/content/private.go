package content

import (
	"bytes"

	"paperplane/protocol/plane"
)

// The private types carry CBOR of a fixed shape each (C-50…C-53). A private type that is not
// known is Unknown.
const (
	privatePrefix = "application/x-pp-"
	typeProfile   = privatePrefix + "profile"
	typeReceipt   = privatePrefix + "receipt"
	typeWelcome   = privatePrefix + "welcome"
	typeOwner     = privatePrefix + "owner"
)

// Profile says what its sender is called and, to contacts, how to reach the sender's inbox.
type Profile struct {
	Name string // passes CleanName
	Door *Door  // nil: not given
}

// Door is a contact door: with it the receiver of a profile can fetch the sender's card and
// packages, and so add the sender to a group while the sender is away.
type Door struct {
	Inbox plane.LogID
	Seed  [16]byte // caps.DoorSigner
	Card  [16]byte // seal.CardKeyFromBytes
}

// Receipt says how far its sender has got in the conversation: everything up to Delivered has
// arrived and everything up to Read was seen. 0: nothing; Read is not past Delivered.
type Receipt struct {
	Delivered, Read plane.Seq
}

// Welcome adds the receiver of a two-person conversation to a group.
type Welcome struct {
	Log    plane.LogID // the group's log
	Origin string      // its server, http(s)://host[:port]; the receiver checks it as a link's
	Server [32]byte    // that server's fingerprint
	Next   plane.Seq   // the first record that the receiver reads, at least 1
	Chain  [32]byte    // seal.HistoryHash before it
	// Welcome is MLS's. A large one lies in a blob: then Welcome is empty and Blob is set.
	Welcome []byte
	Blob    *Blob
}

// Blob is a sealed thing that is not a file of a person.
type Blob struct {
	ID   plane.BlobID
	Key  [32]byte
	Size uint32
}

// Owner gives a new admin the owner key of a log. It travels in the two-person conversation with
// that admin, never in the group.
type Owner struct {
	Log  plane.LogID
	Seed [32]byte // caps.SignerFromSeed; the receiver checks that it owns Log
}

const originBytesMax = 300

func private(d Disposition, contentType string, fields ...any) (Unverified, error) {
	b, err := enc.Marshal(fields)
	if err != nil {
		return Unverified{}, ErrContent
	}
	return Unverified{Part: single(d, contentType, b)}, nil
}

func (m Profile) mimi() (Unverified, error) {
	var door any
	if d := m.Door; d != nil {
		door = []any{d.Inbox[:], d.Seed[:], d.Card[:]}
	}
	return private(DispositionProfile, typeProfile, m.Name, door)
}

func (m Receipt) mimi() (Unverified, error) {
	return private(DispositionUnspecified, typeReceipt, uint64(m.Delivered), uint64(m.Read))
}

func (m Welcome) mimi() (Unverified, error) {
	var blob any
	if b := m.Blob; b != nil {
		blob = []any{b.ID[:], b.Key[:], b.Size}
	}
	return private(DispositionUnspecified, typeWelcome, m.Log[:], m.Origin, m.Server[:], uint64(m.Next),
		m.Chain[:], append([]byte{}, m.Welcome...), blob)
}

func (m Owner) mimi() (Unverified, error) {
	return private(DispositionUnspecified, typeOwner, m.Log[:], m.Seed[:])
}

func verifyPrivate(p Part) (Message, error) {
	var read func(*walker, any) Message
	switch p.ContentType {
	case typeProfile:
		read = (*walker).profile
	case typeReceipt:
		read = (*walker).receipt
	case typeWelcome:
		read = (*walker).welcome
	case typeOwner:
		read = (*walker).owner
	default:
		return Unknown{}, nil
	}
	var v any
	if err := dec.Unmarshal(p.Content, &v); err != nil {
		return nil, ErrContent
	}
	if again, err := enc.Marshal(v); err != nil || !bytes.Equal(again, p.Content) {
		return nil, ErrContent
	}
	w := walker{}
	m := read(&w, v)
	if w.err != nil {
		return nil, ErrContent
	}
	return m, nil
}

func (w *walker) profile(v any) Message {
	a := w.array(v, 2)
	if w.err != nil {
		return nil
	}
	m := Profile{Name: w.text(a[0])}
	if clean, err := CleanName(m.Name); err != nil || clean != m.Name {
		w.fail(ErrContent)
	}
	if a[1] == nil {
		return m
	}
	if d := w.array(a[1], 3); w.err == nil {
		m.Door = &Door{Inbox: w.b16(d[0]), Seed: w.b16(d[1]), Card: w.b16(d[2])}
	}
	return m
}

func (w *walker) receipt(v any) Message {
	a := w.array(v, 2)
	if w.err != nil {
		return nil
	}
	m := Receipt{Delivered: plane.Seq(w.uint(a[0], 1<<64-1)), Read: plane.Seq(w.uint(a[1], 1<<64-1))}
	if m.Read > m.Delivered {
		w.fail(ErrContent)
	}
	return m
}

func (w *walker) welcome(v any) Message {
	a := w.array(v, 7)
	if w.err != nil {
		return nil
	}
	m := Welcome{Log: w.b16(a[0]), Origin: w.text(a[1]), Server: w.b32(a[2]), Next: plane.Seq(w.uint(a[3], 1<<64-1)),
		Chain: w.b32(a[4]), Welcome: w.bytes(a[5])}
	if len(m.Origin) > originBytesMax || m.Next == 0 {
		w.fail(ErrContent)
	}
	if a[6] != nil {
		if b := w.array(a[6], 3); w.err == nil {
			m.Blob = &Blob{ID: w.b16(b[0]), Key: w.b32(b[1]), Size: uint32(w.uint(b[2], plane.BlobChunkBytes*plane.BlobChunksMax))}
		}
	}
	// Exactly one of the two.
	if (len(m.Welcome) == 0) == (m.Blob == nil) {
		w.fail(ErrContent)
	}
	if len(m.Welcome) == 0 {
		m.Welcome = nil
	}
	return m
}

func (w *walker) owner(v any) Message {
	a := w.array(v, 2)
	if w.err != nil {
		return nil
	}
	return Owner{Log: w.b16(a[0]), Seed: w.b32(a[1])}
}

func (w *walker) b16(v any) (out [16]byte) {
	if b := w.bytes(v); len(b) == len(out) {
		return [16]byte(b)
	}
	w.fail(ErrContent)
	return out
}

func (w *walker) b32(v any) (out [32]byte) {
	if b := w.bytes(v); len(b) == len(out) {
		return [32]byte(b)
	}
	w.fail(ErrContent)
	return out
}
