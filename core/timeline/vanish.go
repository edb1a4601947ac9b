package timeline

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// What expires is listed by when it does, so that nothing has to be searched for it: below "g/".
//
//	g/MS/C/INDEX/ID    the entry of message ID at INDEX goes at MS, 12 hex digits
//	g/MS/C/0…0/ID      what is noted about message ID goes, unless the message is there; with it, when it is
//	                   deleted for oneself
//	u/REF/C/ID         message ID uses the local file REF, as another one does: see Share

func goneKey(at int64, chat string, index uint64, id ID) string {
	return fmt.Sprintf("g/%012x/%s/%016x/%s", max(at, 0), chat, index, id.Text())
}

// PutNoteGone returns the pair that has what is noted about a message forgotten at a time, in ms: for
// what comes when the message is gone already.
func PutNoteGone(chat string, id ID, at int64) Pair { return Pair{goneKey(at, chat, 0, id), []byte{1}} }

// Share returns the pair that says that a message uses a local file which another uses, too.
func Share(ref, chat string, id ID) Pair {
	return Pair{"u/" + ref + "/" + chat + "/" + id.Text(), []byte{1}}
}

// Gone is a message that has been forgotten.
type Gone struct {
	Chat   string
	ID     ID
	Unread bool
	Named  bool // it named me
}

// Swept is what Sweep found.
type Swept struct {
	Pairs []Pair   // to be stored
	Files []string // local files to be removed
	Gone  []Gone
	Next  int64 // when something else goes, 0: nothing does
}

// sweepMax bounds the pairs of one sweep, about.
const sweepMax = 4000

// Sweep returns what it takes to forget what has expired by now. unread says how many messages of a
// chat are unread; me is one's own person.
func Sweep(r Reader, now int64, unread func(chat string) int, me [32]byte) (s Swept, err error) {
	x := sweep{r: r, drop: map[string]bool{}, first: map[string]uint64{}, unread: unread, out: &s}
	for p, err := range r.Range("g/", "g0", false) {
		if err != nil {
			return s, err
		}
		f := strings.Split(p.Key, "/")
		var at int64
		if len(f) == 5 {
			at, _ = strconv.ParseInt(f[1], 16, 64)
		}
		if at > now || len(s.Pairs) >= sweepMax {
			s.Next = max(at, now)
			break
		}
		s.Pairs = append(s.Pairs, Pair{p.Key, nil})
		if len(f) != 5 {
			continue
		}
		index, _ := strconv.ParseUint(f[3], 16, 64)
		if id, ok := ParseID(f[4]); ok {
			if err := x.forget(f[2], index, id, me); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

type sweep struct {
	r      Reader
	drop   map[string]bool   // keys that go
	first  map[string]uint64 // the lowest unread index of a chat
	unread func(string) int
	out    *Swept
}

func (x *sweep) forget(chat string, index uint64, id ID, me [32]byte) error {
	v, err := x.r.Get(IndexKey(chat, id))
	if err != nil {
		return err
	}
	stands := len(v) == 8 // the message is here
	hidden, err := Hidden(x.r, chat, id)
	if err != nil {
		return err
	}
	if hidden && stands {
		index = binary.BigEndian.Uint64(v)
	}
	if index == 0 && stands {
		return nil
	}
	here := stands && string(v) == string(be(index))
	if index != 0 {
		v, err := x.r.Get(EntryKey(chat, index))
		if err != nil {
			return err
		}
		var e Entry
		if v != nil && Decode(v, &e) == nil && e.ID == id {
			x.del(EntryKey(chat, index))
			if here {
				if err := x.entry(chat, &e, me); err != nil {
					return err
				}
			}
		}
		if stands && !here {
			return nil // it stands elsewhere, and goes from there
		}
	}
	prefix := noteKey(chat, id)
	for p, err := range x.r.Range(prefix, strings.TrimSuffix(prefix, "/")+"0", false) {
		if err != nil {
			return err
		}
		if strings.HasPrefix(p.Key[len(prefix):], "c/") {
			continue // answers that stay find each other by it
		}
		if p.Key == hideKey(chat, id) {
			continue // or it could come again
		}
		var l Local
		if strings.HasPrefix(p.Key[len(prefix):], "f/") && Decode(p.Value, &l) == nil {
			if err := x.file(chat, id, l.Ref); err != nil {
				return err
			}
		}
		x.del(p.Key)
	}
	prefix = editsOf(chat, id)
	for p, err := range x.r.Range(prefix, strings.TrimSuffix(prefix, "/")+"0", false) {
		if err != nil {
			return err
		}
		x.del(p.Key)
	}
	return nil
}

func (x *sweep) del(key string) {
	if !x.drop[key] {
		x.drop[key] = true
		x.out.Pairs = append(x.out.Pairs, Pair{key, nil})
	}
}

// entry forgets the files of a message, and finds out whether it was unread.
func (x *sweep) entry(chat string, e *Entry, me [32]byte) error {
	for _, f := range e.Files {
		if err := x.file(chat, e.ID, f.Ref); err != nil {
			return err
		}
	}
	if e.ReplyTo != nil {
		x.del(answerKey(chat, *e.ReplyTo, e.ID))
	}
	g := Gone{Chat: chat, ID: e.ID}
	if n := x.unread(chat); n > 0 && !e.Own {
		first, ok := x.first[chat]
		if !ok {
			first = QueuedFirst
			for p, err := range x.r.Range("h/"+chat+"/", EntryKey(chat, QueuedFirst), true) {
				if err != nil {
					return err
				}
				var y Entry
				if Decode(p.Value, &y) == nil && !y.Own && y.Kind != Notice {
					first = y.Index
					n--
				}
				if n <= 0 {
					break
				}
			}
			x.first[chat] = first
		}
		g.Unread = e.Index >= first
		for _, m := range e.Mentions {
			g.Named = g.Named || m.Person == me
		}
	}
	x.out.Gone = append(x.out.Gone, g)
	return nil
}

// file forgets a local file, unless another message uses it.
func (x *sweep) file(chat string, id ID, ref string) error {
	if ref == "" || x.drop["file "+ref] {
		return nil
	}
	pairs, free, err := Release(x.r, ref, chat, id, func(key string) bool { return x.drop[key] })
	if err != nil {
		return err
	}
	for _, p := range pairs {
		x.del(p.Key)
	}
	if free {
		x.drop["file "+ref] = true
		x.out.Files = append(x.out.Files, ref)
	}
	return nil
}

// Release returns what to store when a message uses a local file no more, and whether the file can be
// removed: no other message uses it. gone, if not nil, says which keys are dropped already.
func Release(r Reader, ref, chat string, id ID, gone func(key string) bool) (pairs []Pair, free bool, err error) {
	free = true
	own := Share(ref, chat, id).Key
	for p, err := range r.Range("u/"+ref+"/", "u/"+ref+"0", false) {
		switch {
		case err != nil:
			return nil, false, err
		case p.Key == own:
			pairs = append(pairs, Pair{own, nil})
		case gone == nil || !gone(p.Key):
			free = false
		}
	}
	return pairs, free, nil
}
