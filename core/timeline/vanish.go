package timeline

import (
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
	Chat string
	Entry
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

// Sweep returns what it takes to forget what has expired by now.
func Sweep(r Reader, now int64) (s Swept, err error) {
	x := sweep{r: r, drop: map[string]bool{}, out: &s}
	err = scan(r, "g/", func(rest string, _ []byte) (bool, error) {
		f := strings.Split(rest, "/")
		at, err := strconv.ParseInt(f[0], 16, 64)
		if err != nil || len(f) != 4 {
			return true, nil
		}
		if at > now || len(s.Pairs) >= sweepMax {
			s.Next = max(at, now)
			return false, nil
		}
		x.del("g/" + rest)
		index, _ := strconv.ParseUint(f[2], 16, 64)
		id, _ := ParseID(f[3])
		return true, x.forget(f[1], index, id)
	})
	return s, err
}

type sweep struct {
	r    Reader
	drop map[string]bool // keys that go, and files
	out  *Swept
}

func (x *sweep) forget(chat string, index uint64, id ID) error {
	here, err := find(x.r, chat, id)
	if err != nil {
		return err
	}
	hidden, err := Hidden(x.r, chat, id)
	if err != nil || index == 0 && here != nil && !hidden {
		return err
	}
	if hidden && here != nil {
		index = here.Index
	}
	if index != 0 {
		key := EntryKey(chat, index)
		v, err := x.r.Get(key)
		if err != nil {
			return err
		}
		var e Entry
		if v != nil && Decode(v, &e) == nil && e.ID == id {
			x.del(key)
		}
		if here != nil && here.Index != index {
			return nil // it stands elsewhere, and goes from there
		}
	}
	if here != nil {
		for _, f := range here.Files {
			if err := x.file(chat, id, f.Ref); err != nil {
				return err
			}
		}
		if here.ReplyTo != nil {
			x.del(answerKey(chat, *here.ReplyTo, id))
		}
		x.out.Gone = append(x.out.Gone, Gone{chat, *here})
	}
	prefix := noteKey(chat, id)
	err = scan(x.r, prefix, func(rest string, value []byte) (bool, error) {
		if rest[0] == 'c' || rest == "h" {
			return true, nil // answers that stay find each other by it; what is deleted for oneself could come again
		}
		x.del(prefix + rest)
		var l Local
		if rest[0] == 'f' && Decode(value, &l) == nil {
			return true, x.file(chat, id, l.Ref)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	prefix = editsOf(chat, id)
	return scan(x.r, prefix, func(rest string, _ []byte) (bool, error) {
		x.del(prefix + rest)
		return true, nil
	})
}

func (x *sweep) del(key string) {
	if !x.drop[key] {
		x.drop[key] = true
		x.out.Pairs = append(x.out.Pairs, Pair{key, nil})
	}
}

// file forgets a local file, unless another message uses it.
func (x *sweep) file(chat string, id ID, ref string) error {
	if ref == "" || x.drop[ref] {
		return nil
	}
	pairs, free, err := Release(x.r, ref, chat, id, func(key string) bool { return x.drop[key] })
	for _, p := range pairs {
		x.del(p.Key)
	}
	if free && err == nil {
		x.drop[ref] = true
		x.out.Files = append(x.out.Files, ref)
	}
	return err
}

// Release returns what to store when a message uses a local file no more, and whether the file can be
// removed: no other message uses it. gone says which keys are dropped already.
func Release(r Reader, ref, chat string, id ID, gone func(key string) bool) (pairs []Pair, free bool, err error) {
	free = true
	prefix := "u/" + ref + "/"
	own := Share(ref, chat, id).Key
	err = scan(r, prefix, func(rest string, _ []byte) (bool, error) {
		switch key := prefix + rest; {
		case key == own:
			pairs = append(pairs, Pair{key, nil})
		case !gone(key):
			free = false
		}
		return true, nil
	})
	return pairs, free, err
}
