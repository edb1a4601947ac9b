package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/canon"
	"paperplane/protocol/plane"
)

var (
	// ErrMalformed: the bytes are not a message in its one canonical form, or break a rule of
	// spec/wire.md. A server answers plane.Malformed; a client ends the session.
	ErrMalformed = errors.New("wire: malformed message")
	// ErrKind: the kind is unknown, or not one that may come from this side. Treated like
	// ErrMalformed; it tells version skew from damage in a counter.
	ErrKind = errors.New("wire: unknown kind")
	// ErrTooLarge: the message is longer than plane.FrameBytesMax, or one of its parts is over a
	// named limit. A server answers plane.TooLarge.
	ErrTooLarge = errors.New("wire: over a limit")
)

// Encode returns the frame [kind, rid, body] of m, which must be a Request, Answer or Event
// type of this package by value. rid is at least 1 for requests and answers and 0 for events.
// The checks are those of Parse: an error is a bug of the caller, and nothing was encoded.
func Encode(rid uint32, m any) ([]byte, error) {
	kind, err := kindOf(rid, m)
	if err != nil {
		return nil, err
	}
	if err := check(m); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	buf.Grow(sizeHint(m))
	buf.Write(appendHead(make([]byte, 0, headBytesMax), kind, rid))
	if err := enc.MarshalToBuffer(m, &buf); err != nil {
		return nil, ErrMalformed
	}
	if buf.Len() > plane.FrameBytesMax {
		return nil, ErrTooLarge
	}
	return buf.Bytes(), nil
}

// RecordHead returns all of a RecordEvent's frame but its body of n bytes, which comes behind it:
// the frames of thousands of subscribers share one body. handle and seq are at least 1.
func RecordHead(handle Handle, seq plane.Seq, n int) []byte {
	b := appendHead(make([]byte, 0, headBytesMax+1+1+5+1+9+1+3), KindRecordEvent, 0)
	b = appendUint(append(b, 0xa3, 1), uint32(handle)) // map of 3
	b = append(b, 2)
	if seq < 1<<32 {
		b = appendUint(b, uint32(seq))
	} else {
		b = binary.BigEndian.AppendUint64(append(b, 27), uint64(seq))
	}
	return binary.BigEndian.AppendUint16(append(b, 3, 0x59), uint16(n)) // a record has over 255 bytes
}

// ParseRequest parses what a client sent. The request shares no memory with b (W-25). rid is the
// request's number whenever the head could be read, also with an error, so that the server can
// answer it (W-06); else 0. Errors: ErrMalformed, ErrKind, ErrTooLarge.
func ParseRequest(b []byte) (rid uint32, r Request, err error) {
	kind, rid, body, err := parseHead(b)
	if err != nil {
		return 0, nil, err
	}
	if rid == 0 {
		return 0, nil, ErrMalformed
	}
	switch kind {
	case KindInfo:
		r, err = decode[Info](body)
	case KindCreate:
		r, err = decode[Create](body)
	case KindOpen:
		r, err = decode[Open](body)
	case KindClose:
		r, err = decode[Close](body)
	case KindAppend:
		r, err = decode[Append](body)
	case KindRead:
		r, err = decode[Read](body)
	case KindSubscribe:
		r, err = decode[Subscribe](body)
	case KindSignal:
		r, err = decode[Signal](body)
	case KindRotate:
		r, err = decode[Rotate](body)
	case KindManage:
		r, err = decode[Manage](body)
	case KindDoor:
		r, err = decode[Door](body)
	case KindKnock:
		r, err = decode[Knock](body)
	case KindPoolPut:
		r, err = decode[PoolPut](body)
	case KindPoolTake:
		r, err = decode[PoolTake](body)
	case KindMember:
		r, err = decode[Member](body)
	case KindBlobPut:
		r, err = decode[BlobPut](body)
	case KindBlobStat:
		r, err = decode[BlobStat](body)
	case KindBlobGet:
		r, err = decode[BlobGet](body)
	case KindBlobDelete:
		r, err = decode[BlobDelete](body)
	case KindPing:
		r, err = decode[Ping](body)
	case KindBlobPart:
		r, err = decode[BlobPart](body)
	default:
		err = ErrKind
	}
	if err != nil {
		return rid, nil, err
	}
	return rid, r, nil
}

// ParseAnswerOrEvent parses what a server sent: an Answer with the rid of its request, or an
// Event with rid 0; exactly one of the two is not nil. They share no memory with b. Errors as
// for ParseRequest.
func ParseAnswerOrEvent(b []byte) (rid uint32, a Answer, e Event, err error) {
	kind, rid, body, err := parseHead(b)
	if err != nil {
		return 0, nil, nil, err
	}
	switch kind {
	case KindDone:
		a, err = decode[Done](body)
	case KindServerInfo:
		a, err = decode[ServerInfo](body)
	case KindOpened:
		a, err = decode[Opened](body)
	case KindAppended:
		a, err = decode[Appended](body)
	case KindRecords:
		a, err = decode[Records](body)
	case KindPool:
		a, err = decode[Pool](body)
	case KindPackage:
		a, err = decode[Package](body)
	case KindBlobState:
		a, err = decode[BlobState](body)
	case KindBlobData:
		a, err = decode[BlobData](body)
	case KindRecordEvent:
		e, err = decode[RecordEvent](body)
	case KindSignalEvent:
		e, err = decode[SignalEvent](body)
	case KindGoneEvent:
		e, err = decode[GoneEvent](body)
	default:
		err = ErrKind
	}
	if err == nil && (e != nil) != (rid == 0) {
		err = ErrMalformed
	}
	if err != nil {
		return rid, nil, nil, err
	}
	return rid, a, e, nil
}

// kindOf returns the kind of m and checks that rid suits it (W-03).
func kindOf(rid uint32, m any) (Kind, error) {
	switch m := m.(type) {
	case Request:
		if rid == 0 {
			return 0, ErrMalformed
		}
		return m.RequestKind(), nil
	case Answer:
		if rid == 0 {
			return 0, ErrMalformed
		}
		return m.AnswerKind(), nil
	case Event:
		if rid != 0 {
			return 0, ErrMalformed
		}
		return m.EventKind(), nil
	}
	return 0, ErrKind
}

// headBytesMax: array head, kind in 2 bytes, rid in 5.
const headBytesMax = 1 + 2 + 5

// The head is written and read by hand: it must be read before the type of the body is known,
// and rid must survive a damaged body.
func appendHead(b []byte, k Kind, rid uint32) []byte {
	b = append(b, 0x83) // array of 3
	b = appendUint(b, uint32(k))
	return appendUint(b, rid)
}

func appendUint(b []byte, v uint32) []byte {
	switch {
	case v < 24:
		return append(b, byte(v))
	case v <= 0xff:
		return append(b, 24, byte(v))
	case v <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, 25), uint16(v))
	}
	return binary.BigEndian.AppendUint32(append(b, 26), v)
}

func parseHead(b []byte) (k Kind, rid uint32, body []byte, err error) {
	if len(b) > plane.FrameBytesMax {
		return 0, 0, nil, ErrTooLarge
	}
	if len(b) == 0 || b[0] != 0x83 {
		return 0, 0, nil, ErrMalformed
	}
	kind, b, ok := cutUint(b[1:])
	if !ok || kind > 0xff {
		return 0, 0, nil, ErrMalformed
	}
	rid, b, ok = cutUint(b)
	if !ok {
		return 0, 0, nil, ErrMalformed
	}
	return Kind(kind), rid, b, nil
}

// cutUint reads an unsigned integer below 2^32 in its shortest form (W-02).
func cutUint(b []byte) (v uint32, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	switch head := b[0]; {
	case head < 24:
		return uint32(head), b[1:], true
	case head == 24 && len(b) >= 2:
		return uint32(b[1]), b[2:], b[1] >= 24
	case head == 25 && len(b) >= 3:
		v = uint32(binary.BigEndian.Uint16(b[1:]))
		return v, b[3:], v > 0xff
	case head == 26 && len(b) >= 5:
		v = binary.BigEndian.Uint32(b[1:])
		return v, b[5:], v > 0xffff
	}
	return 0, nil, false
}

// decode parses one body strictly: what it decodes to must encode to the same bytes. That one
// comparison rejects every unsorted, missing, over-long, null or otherwise equivalent form (W-02).
func decode[T any](body []byte) (m T, err error) {
	if err := dec.Unmarshal(body, &m); err != nil {
		return m, ErrMalformed
	}
	var buf bytes.Buffer
	buf.Grow(len(body))
	if err := enc.MarshalToBuffer(m, &buf); err != nil || !bytes.Equal(buf.Bytes(), body) {
		return m, ErrMalformed
	}
	return m, check(m)
}

// enc is immutable and safe for concurrent use.
var enc = func() cbor.UserBufferEncMode {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty // no null anywhere: an absent list is an empty one
	o.TagsMd = cbor.TagsForbidden
	e, err := o.UserBufferEncMode()
	if err != nil {
		panic(err) // constants of this file are wrong; every test would fail
	}
	return e
}()

var dec = canon.Decoder(cbor.DecOptions{
	ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	MaxNestedLevels:   4,
	MaxArrayElements:  plane.ReadRecordsMax,
	MaxMapPairs:       16,
	DefaultMapType:    reflect.TypeFor[map[uint64]any](),
})

// sizeHint is a guess at the length of m's frame, so that the buffer grows once.
func sizeHint(m any) int {
	const fields = 64
	switch m := m.(type) {
	case Append:
		return fields + len(m.Body)
	case RecordEvent:
		return fields + len(m.Body)
	case BlobPut:
		return fields + len(m.Data)
	case BlobData:
		return fields + len(m.Data)
	case Records:
		n := fields
		for _, r := range m.Records {
			n += 16 + len(r.Body)
		}
		return n
	}
	return 4 * fields
}
