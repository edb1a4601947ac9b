// Package timeline is the history of a chat as it lies in the vault: entries in the order of
// the log, and annotations (edits, deletions, reactions, files) beside them, which are folded
// when somebody reads.
//
// An annotation never rewrites an entry and is written without looking at what is there: the
// keys alone make repeats harmless and the last one in log order win. So the Machine needs no
// history in memory, and what an annotation may do (only an author edits) is decided when it is
// folded, from the entry and the annotation alone: equally on every device.
//
// Keys, below the chat's id C:
//
//	h/C/INDEX           an Entry; INDEX is 16 hex digits
//	a/C/ID/i            the index of message ID, 8 bytes
//	a/C/ID/e/PERSON     the newest Edit by PERSON
//	a/C/ID/d/PERSON     a Deletion by PERSON
//	a/C/ID/r/PERSON/HEX a Reaction; HEX are the first 16 bytes of the emoji
//	a/C/ID/f/N          a Local: where file N of the message lies on this device
//	a/C/ID/b/PERSON/SEQ a Vote
//	a/C/ID/k/PERSON/SEQ the end of a poll; SEQ is its place, 16 hex digits
//	a/C/ID/p            the message is pinned
//	a/C/ID/c/ANSWER     see thread.go
//	g/…, u/…            see vanish.go
//	a/C/ID/h            the message is deleted for oneself
//	a/C/g/ID/PERSON/SEQ an EditKept: what an edit by PERSON said
//	a/C/x/LOG/PERSON    all that PERSON wrote into LOG up to a place is deleted: its seq, 8 bytes
//
// All functions are pure; nothing here keeps state.
package timeline

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/canon"
)

// Pair is a stored key with its value; in a change a nil Value deletes.
type Pair struct {
	Key   string
	Value []byte
}

// Reader is what reading history needs of a vault.
type Reader interface {
	// Get returns the value of key, nil when there is none.
	Get(key string) ([]byte, error)
	// Range yields the pairs with from <= key < to, ascending or descending. It ends after the
	// first error.
	Range(from, to string, reverse bool) iter.Seq2[Pair, error]
}

// ID is a message's id.
type ID [32]byte

// Text returns the id as faces see it: base64url, 43 characters.
func (id ID) Text() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// ParseID is the inverse of Text.
func ParseID(s string) (ID, bool) {
	var id ID
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, false
	}
	return ID(b), true
}

// NoticeID is the id of a line that no member wrote: it follows from its place.
func NoticeID(log [16]byte, seq uint64, n int) ID {
	h := sha256.New()
	h.Write([]byte("pp notice v1"))
	h.Write(log[:])
	h.Write(binary.BigEndian.AppendUint64(nil, seq))
	h.Write([]byte{byte(n)})
	return ID(h.Sum(nil))
}

// QueuedFirst is the first index of messages that have no place in the log yet: they stand
// after all others. It is below 2^53, so that JavaScript can count it.
const QueuedFirst uint64 = 1 << 52

// ScheduledFirst is the first index of messages that wait for a time: they stand after those.
const ScheduledFirst = QueuedFirst + 1<<51

// Kind says what an entry is. Zero is invalid.
type Kind uint8

// The kinds of entries.
const (
	_ Kind = iota
	Text
	Files
	Notice
	Question // a poll
)

// State says how far an own entry has got; what others have seen is kept per log, not here.
type State uint8

// The states.
const (
	Received State = iota
	Queued
	Sent
	Failed
	Scheduled
)

// Entry is one line of a chat.
type Entry struct {
	ID      ID       `cbor:"1,keyasint"`
	Index   uint64   `cbor:"2,keyasint"`
	Log     [16]byte `cbor:"3,keyasint"`
	Seq     uint64   `cbor:"4,keyasint,omitempty"` // 0: no place yet
	At      int64    `cbor:"5,keyasint"`           // ms since 1970 by the sender's clock, clamped
	From    [32]byte `cbor:"6,keyasint"`           // person
	Own     bool     `cbor:"7,keyasint,omitempty"`
	Kind    Kind     `cbor:"8,keyasint"`
	State   State    `cbor:"9,keyasint,omitempty"`
	Text    string   `cbor:"10,keyasint,omitempty"`
	ReplyTo *ID      `cbor:"11,keyasint,omitempty"`
	Files   []File   `cbor:"12,keyasint,omitempty"`
	Line    *Line    `cbor:"13,keyasint,omitempty"`
	// Mentions are places in Text; an edit takes them away.
	Mentions []Mention `cbor:"14,keyasint,omitempty"`
	Gone     int64     `cbor:"15,keyasint,omitempty"` // ms since 1970: when it is forgotten
	Expires  uint32    `cbor:"19,keyasint,omitempty"` // seconds, while it has no place
	// Forwarded is whose words these are.
	Forwarded string `cbor:"16,keyasint,omitempty"`
	Silent    bool   `cbor:"17,keyasint,omitempty"`
	Poll      *Poll  `cbor:"18,keyasint,omitempty"` // Text is what it asks
}

// Mention is a place in a text that names a person, in UTF-16 units.
type Mention struct {
	_             struct{} `cbor:",toarray"`
	Start, Length int
	Person        [32]byte
}

// File is an attachment.
type File struct {
	Name    string   `cbor:"1,keyasint"`
	Mime    string   `cbor:"2,keyasint"`
	Size    int64    `cbor:"3,keyasint"`
	Width   int      `cbor:"4,keyasint,omitempty"`
	Height  int      `cbor:"5,keyasint,omitempty"`
	Preview []byte   `cbor:"6,keyasint,omitempty"`
	Blob    [16]byte `cbor:"7,keyasint"`
	Key     [32]byte `cbor:"8,keyasint"`
	Ref     string   `cbor:"9,keyasint,omitempty"` // own: the file it was sent from
	// Duration is in ms. Inline: it is shown in the conversation.
	Duration int64  `cbor:"10,keyasint,omitempty"`
	Wave     []byte `cbor:"11,keyasint,omitempty"`
	Inline   bool   `cbor:"12,keyasint,omitempty"`
	Sticker  string `cbor:"13,keyasint,omitempty"`
	Pack     string `cbor:"14,keyasint,omitempty"`
}

// Line is a notice.
type Line struct {
	What string     `cbor:"1,keyasint"`
	Who  [32]byte   `cbor:"2,keyasint"`
	Whom [][32]byte `cbor:"3,keyasint,omitempty"`
	Text string     `cbor:"4,keyasint,omitempty"`
}

// Edit replaces a message's text if By wrote it.
type Edit struct {
	By   [32]byte `cbor:"1,keyasint"`
	Text string   `cbor:"2,keyasint"`
}

// Reaction is one person's emoji. ID is the reaction's own message id, which takes it back.
type Reaction struct {
	ID    ID       `cbor:"1,keyasint"`
	Emoji string   `cbor:"2,keyasint"`
	Log   [16]byte `cbor:"3,keyasint,omitzero"` // where it stands
	Seq   uint64   `cbor:"4,keyasint,omitempty"`
}

// Local says where a file lies on this device.
type Local struct {
	Ref   string `cbor:"1,keyasint,omitempty"`
	State string `cbor:"2,keyasint"` // "loading", "local", "failed", "uploading"
}

// EntryBytesMax bounds a stored value, so that a damaged vault cannot make us allocate. A vault
// takes values of this size.
const EntryBytesMax = 4 << 20

var decoding = canon.Decoder(cbor.DecOptions{})

// Encode returns a stored value's bytes.
func Encode(v any) []byte {
	b, err := cbor.Marshal(v)
	if err != nil {
		panic(err) // plain values always encode
	}
	return b
}

// Decode reads what Encode wrote.
func Decode(b []byte, v any) error {
	if len(b) > EntryBytesMax {
		return fmt.Errorf("timeline: stored value too large")
	}
	return decoding.Unmarshal(b, v)
}

// EntryKey returns the key of an entry.
func EntryKey(chat string, index uint64) string { return fmt.Sprintf("h/%s/%016x", chat, index) }

func noteKey(chat string, id ID) string { return "a/" + chat + "/" + id.Text() + "/" }

// IndexKey returns the key under which a message's index stands.
func IndexKey(chat string, id ID) string { return noteKey(chat, id) + "i" }

// Put returns the pairs that store an entry.
func Put(chat string, e *Entry) []Pair {
	list := []Pair{{EntryKey(chat, e.Index), Encode(e)}, {IndexKey(chat, e.ID), be(e.Index)}}
	if e.Gone != 0 && e.Index < QueuedFirst {
		list = append(list, Pair{goneKey(e.Gone, chat, e.Index, e.ID), []byte{1}})
	}
	if e.ReplyTo != nil {
		list = append(list, Pair{answerKey(chat, *e.ReplyTo, e.ID), []byte{1}})
	}
	return list
}

func be(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Drop returns the pairs that remove an entry that got no place in the log.
func Drop(chat string, id ID, index uint64) []Pair {
	return []Pair{{EntryKey(chat, index), nil}, {IndexKey(chat, id), nil}}
}

// PutEdit returns the pair for an edit, which takes the place of the person's last one.
func PutEdit(chat string, id ID, e Edit) Pair {
	return Pair{noteKey(chat, id) + "e/" + person(e.By), Encode(e)}
}

// PutDeletion returns the pair that takes back a message or a reaction.
func PutDeletion(chat string, id ID, by [32]byte) Pair {
	return Pair{noteKey(chat, id) + "d/" + person(by), []byte{1}}
}

// PutPin returns the pair that pins a message or takes the pin off.
func PutPin(chat string, id ID, on bool) Pair {
	p := Pair{noteKey(chat, id) + "p", nil}
	if on {
		p.Value = []byte{1}
	}
	return p
}

func eraseKey(chat string, log [16]byte, who [32]byte) string {
	return "a/" + chat + "/x/" + hex.EncodeToString(log[:]) + "/" + person(who)
}

// PutErasure returns the pair that deletes all that somebody wrote into a log up to a place.
func PutErasure(chat string, log [16]byte, who [32]byte, seq uint64) Pair {
	return Pair{eraseKey(chat, log, who), binary.BigEndian.AppendUint64(nil, seq)}
}

// Erased says whether what somebody wrote at a place of a log is deleted by such a pair.
func Erased(r Reader, chat string, log [16]byte, who [32]byte, seq uint64) (bool, error) {
	v, err := r.Get(eraseKey(chat, log, who))
	return len(v) == 8 && seq > 0 && seq <= binary.BigEndian.Uint64(v), err
}

// PutReaction returns the pair for a reaction.
func PutReaction(chat string, id ID, by [32]byte, r Reaction) Pair {
	return Pair{reactionKey(chat, id, by, r.Emoji), Encode(r)}
}

// PutLocal returns the pair that says where file n of a message lies.
func PutLocal(chat string, id ID, n int, l Local) Pair {
	return Pair{localKey(chat, id, n), Encode(l)}
}

func person(p [32]byte) string { return base64.RawURLEncoding.EncodeToString(p[:]) }

func reactionKey(chat string, id ID, by [32]byte, emoji string) string {
	e := emoji[:min(len(emoji), 16)]
	return noteKey(chat, id) + "r/" + person(by) + "/" + hex.EncodeToString([]byte(e))
}

// Newest returns the newest entry that has a place in the log or waits for one, but not for a time; nil
// when there is none.
func Newest(r Reader, chat string) (*Entry, error) {
	list, err := Before(r, chat, ScheduledFirst, 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Before returns up to limit entries below index before (0: from the end), oldest first.
func Before(r Reader, chat string, before uint64, limit int) ([]Entry, error) {
	to := "h/" + chat + "0" // '0' follows '/'
	if before != 0 {
		to = EntryKey(chat, before)
	}
	var list []Entry
	for p, err := range r.Range("h/"+chat+"/", to, true) {
		if err != nil {
			return nil, err
		}
		var e Entry
		if err := Decode(p.Value, &e); err != nil {
			return nil, err
		}
		if ok, err := stands(r, chat, &e); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		list = append(list, e)
		if len(list) >= limit {
			break
		}
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list, nil
}

// Find returns the entry of a message, nil when there is none.
func Find(r Reader, chat string, id ID) (*Entry, error) {
	e, err := find(r, chat, id)
	if e == nil || err != nil {
		return nil, err
	}
	if gone, err := Hidden(r, chat, id); err != nil || gone {
		return nil, err
	}
	return e, nil
}

// find is Find of one that is deleted for oneself, too.
func find(r Reader, chat string, id ID) (*Entry, error) {
	b, err := r.Get(IndexKey(chat, id))
	if err != nil || len(b) != 8 {
		return nil, err
	}
	v, err := r.Get(EntryKey(chat, binary.BigEndian.Uint64(b)))
	if err != nil || v == nil {
		return nil, err
	}
	var e Entry
	return &e, Decode(v, &e)
}

// OwnReaction returns the id of a person's reaction that stands, if there is one.
func OwnReaction(r Reader, chat string, id ID, by [32]byte, emoji string) (*ID, error) {
	v, err := r.Get(reactionKey(chat, id, by, emoji))
	if err != nil || v == nil {
		return nil, err
	}
	var x Reaction
	if err := Decode(v, &x); err != nil {
		return nil, err
	}
	gone, err := r.Get(noteKey(chat, x.ID) + "d/" + person(by))
	if err != nil || gone != nil {
		return nil, err
	}
	return &x.ID, nil
}

// Folded is an entry with its annotations applied.
type Folded struct {
	Entry
	Deleted   bool
	Edited    bool
	Pinned    bool
	Reactions []Group
	Locals    map[int]Local
	Ballot    *Ballot // of a poll
}

// Group is one emoji with the people who gave it, in order of their ids.
type Group struct {
	Emoji string
	By    [][32]byte
}

// ReactionsMax bounds the reactions folded into one message, and so what a flood of them costs.
const ReactionsMax = 512

// Fold applies the annotations of e.
func Fold(r Reader, chat string, e Entry) (Folded, error) {
	f := Folded{Entry: e}
	if e.Kind != Notice {
		var err error
		if f.Deleted, err = Erased(r, chat, e.Log, e.From, e.Seq); err != nil {
			return f, err
		}
	}
	if e.Poll != nil && !f.Deleted {
		var err error
		if f.Ballot, err = count(r, chat, &e); err != nil {
			return f, err
		}
	}
	prefix := noteKey(chat, e.ID)
	to := strings.TrimSuffix(prefix, "/") + "0"
	n := 0
	for p, err := range r.Range(prefix, to, false) {
		if err != nil {
			return f, err
		}
		rest := strings.Split(p.Key[len(prefix):], "/")
		switch {
		case rest[0] == "b" || rest[0] == "k" || rest[0] == "c": // see count and Answers
		case rest[0] == "e" && len(rest) == 2:
			var x Edit
			if Decode(p.Value, &x) == nil && x.By == e.From && e.Kind == Text {
				f.Text, f.Edited = x.Text, true
			} else if x.By == e.From && e.Kind == Files {
				f.Text, f.Edited = x.Text, true
			}
		case rest[0] == "d" && len(rest) == 2:
			f.Deleted = f.Deleted || rest[1] == person(e.From) && e.Kind != Notice
		case rest[0] == "p" && len(rest) == 1:
			f.Pinned = true
		case rest[0] == "r" && len(rest) == 3:
			if n++; n > ReactionsMax || e.Kind == Notice {
				return f.end(), nil // reactions are the last of the annotations
			}
			if err := f.react(r, chat, rest[1], p.Value); err != nil {
				return f, err
			}
		case rest[0] == "f" && len(rest) == 2:
			var x Local
			var i int
			if _, err := fmt.Sscanf(rest[1], "%d", &i); err == nil && Decode(p.Value, &x) == nil {
				if f.Locals == nil {
					f.Locals = map[int]Local{}
				}
				f.Locals[i] = x
			}
		}
	}
	return f.end(), nil
}

// end takes away what a deleted message does not show.
func (f Folded) end() Folded {
	if f.Deleted {
		f.Text, f.Files, f.Reactions, f.ReplyTo, f.Edited, f.Forwarded, f.Poll, f.Ballot = "", nil, nil, nil, false, "", nil, nil
	}
	if f.Deleted || f.Edited {
		f.Mentions = nil
	}
	return f
}

func (f *Folded) react(r Reader, chat, by string, value []byte) error {
	var x Reaction
	b, err := base64.RawURLEncoding.DecodeString(by)
	if err != nil || len(b) != 32 || Decode(value, &x) != nil {
		return nil
	}
	gone, err := r.Get(noteKey(chat, x.ID) + "d/" + by)
	if err != nil || gone != nil {
		return err
	}
	if erased, err := Erased(r, chat, x.Log, [32]byte(b), x.Seq); err != nil || erased {
		return err
	}
	for i := range f.Reactions {
		if f.Reactions[i].Emoji == x.Emoji {
			f.Reactions[i].By = append(f.Reactions[i].By, [32]byte(b))
			return nil
		}
	}
	f.Reactions = append(f.Reactions, Group{x.Emoji, [][32]byte{[32]byte(b)}})
	return nil
}
