package content

import (
	"bytes"

	"paperplane/protocol/plane"
)

// The private types carry CBOR of a fixed shape each (C-50, C-51, C-53 to C-58). A private type that is not
// known is Unknown.
const (
	privatePrefix = "application/x-pp-"
	typeProfile   = privatePrefix + "profile"
	typeReceipt   = privatePrefix + "receipt"
	typeOwner     = privatePrefix + "owner"
	typeOwnerAsk  = privatePrefix + "owner-ask"
	typeOwnerGive = privatePrefix + "owner-give"
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

// Owner gives a new admin the owner key of a log. It travels in the two-person conversation with
// that admin, never in the group.
type Owner struct {
	Log  plane.LogID
	Seed [32]byte // caps.SignerFromSeed; the receiver checks that it owns Log
}

// OwnerAsk, in a group, asks for the owner key of its log: for an owner or admin who has none.
type OwnerAsk struct {
	KEM []byte // seal.KEMPublicBytes: to which it is to be sealed
}

// OwnerGive answers it.
type OwnerGive struct {
	To     [16]byte // the SHA-256 of the KEM key asked with, cut
	Sealed []byte   // seal.SealHandover
}

// The lengths of their fields, which package seal has under other names.
const (
	ownerKEMBytes    = 1216
	ownerSealedBytes = 1168
)

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

func (m Owner) mimi() (Unverified, error) {
	return private(DispositionUnspecified, typeOwner, m.Log[:], m.Seed[:])
}

func (m OwnerAsk) mimi() (Unverified, error) {
	return private(DispositionUnspecified, typeOwnerAsk, m.KEM)
}

func (m OwnerGive) mimi() (Unverified, error) {
	return private(DispositionUnspecified, typeOwnerGive, m.To[:], m.Sealed)
}

func (u Unverified) verifyPrivate() (Message, error) {
	p := u.Part
	var read func(*walker, any) Message
	switch p.ContentType {
	case typePoll:
		return u.verifyPoll()
	case typeVote:
		return u.verifyVote()
	case typePollClose:
		return u.verifyClose()
	case typeProfile:
		read = (*walker).profile
	case typeReceipt:
		read = (*walker).receipt
	case typeOwner:
		read = (*walker).owner
	case typeOwnerAsk:
		read = (*walker).ownerAsk
	case typeOwnerGive:
		read = (*walker).ownerGive
	default:
		return Unknown{}, nil
	}
	if u.Expires != nil {
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

func (w *walker) owner(v any) Message {
	a := w.array(v, 2)
	if w.err != nil {
		return nil
	}
	return Owner{Log: w.b16(a[0]), Seed: w.b32(a[1])}
}

func (w *walker) ownerAsk(v any) Message {
	a := w.array(v, 1)
	if w.err != nil {
		return nil
	}
	return OwnerAsk{KEM: w.exact(a[0], ownerKEMBytes)}
}

func (w *walker) ownerGive(v any) Message {
	a := w.array(v, 2)
	if w.err != nil {
		return nil
	}
	return OwnerGive{To: w.b16(a[0]), Sealed: w.exact(a[1], ownerSealedBytes)}
}

func (w *walker) exact(v any, n int) []byte {
	b := w.bytes(v)
	if len(b) != n {
		w.fail(ErrContent)
	}
	return b
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
