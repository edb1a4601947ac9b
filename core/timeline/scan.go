package timeline

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
)

// each calls f for the pairs of a range until it says false. Loops over functions are twice as large in
// the browser.
func each(r Reader, from, to string, reverse bool, f func(p Pair) bool) (err error) {
	r.Range(from, to, reverse)(func(p Pair, e error) bool {
		err = e
		return e == nil && f(p)
	})
	return err
}

// entries is each for entries of a chat.
func entries(r Reader, chat string, from, to uint64, reverse bool, f func(e *Entry) bool) (err error) {
	e2 := each(r, EntryKey(chat, from), EntryKey(chat, to), reverse, func(p Pair) bool {
		e := &Entry{}
		err = Decode(p.Value, e)
		return err == nil && f(e)
	})
	if err == nil {
		err = e2
	}
	return err
}

// Entries calls f for all entries of a chat as they are stored, oldest first, until it says false.
func Entries(r Reader, chat string, f func(e *Entry) bool) error {
	return entries(r, chat, 0, ^uint64(0), false, f)
}

// Chats returns the ids of the chats that have entries, in their order.
func Chats(r Reader) (list []string, err error) {
	for from := "h/"; from != "" && err == nil; {
		next := ""
		err = each(r, from, "h0", false, func(p Pair) bool {
			if n := len(p.Key) - 17; n > 2 && p.Key[n] == '/' {
				list = append(list, p.Key[2:n])
				next = p.Key[:n] + "0"
			}
			return false
		})
		from = next
	}
	return list, err
}

// After returns up to limit entries from an index on, oldest first.
func After(r Reader, chat string, from uint64, limit int) (list []Entry, err error) {
	e2 := entries(r, chat, from, ^uint64(0), false, func(e *Entry) bool {
		var ok bool
		if ok, err = stands(r, chat, e); ok {
			list = append(list, *e)
		}
		return err == nil && len(list) < limit
	})
	if err == nil {
		err = e2
	}
	return list, err
}

// Raw returns up to limit entries below an index that have a place in the log, newest first, as they are
// stored: some may not be seen, see At.
func Raw(r Reader, chat string, below uint64, limit int) (list []Entry, err error) {
	err = entries(r, chat, 0, min(below, QueuedFirst), true, func(e *Entry) bool {
		list = append(list, *e)
		return len(list) < limit
	})
	return list, err
}

// At returns what stands at an index, with its annotations; nil when there is nothing to be seen.
func At(r Reader, chat string, index uint64) (*Folded, error) {
	v, err := r.Get(EntryKey(chat, index))
	if err != nil || v == nil {
		return nil, err
	}
	var e Entry
	if err := Decode(v, &e); err != nil {
		return nil, err
	}
	if ok, err := stands(r, chat, &e); err != nil || !ok {
		return nil, err
	}
	f, err := Fold(r, chat, e)
	return &f, err
}

// IndexOf returns where a message stands, 0 when it is not here.
func IndexOf(r Reader, chat string, id ID) (uint64, error) {
	b, err := r.Get(IndexKey(chat, id))
	if err != nil || len(b) != 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(b), nil
}

// Since returns the index of the first entry that has a place in the log and is from a time on, ms since
// 1970; 0 when there is none. It looks at a few dozen entries: where clocks differ it may be some
// messages off.
func Since(r Reader, chat string, at int64) (uint64, error) {
	var e *Entry
	take := func(x *Entry) bool { e = x; return false }
	err := entries(r, chat, 0, QueuedFirst, true, take)
	if err != nil || e == nil || e.At < at {
		return 0, err
	}
	low, high := uint64(0), e.Index // an entry before low is older, that at high is not
	for low < high {
		mid := low + (high-low)/2
		if err := entries(r, chat, mid, QueuedFirst, false, take); err != nil {
			return 0, err
		}
		if e.At >= at {
			high = mid
		} else {
			low = e.Index + 1
		}
	}
	err = entries(r, chat, low, QueuedFirst, false, take)
	return e.Index, err
}

func localKey(chat string, id ID, n int) string { return noteKey(chat, id) + fmt.Sprintf("f/%d", n) }

// LocalOf says where file n of a message lies on this device; nil when nothing is known.
func LocalOf(r Reader, chat string, id ID, n int) (*Local, error) {
	v, err := r.Get(localKey(chat, id, n))
	if err != nil || v == nil {
		return nil, err
	}
	var l Local
	return &l, Decode(v, &l)
}

// DropLocal returns the pair that forgets where file n of a message lies.
func DropLocal(chat string, id ID, n int) Pair { return Pair{localKey(chat, id, n), nil} }

// keyer is what a Reader may have besides: the keys with from <= key < to, ascending, without their values.
type keyer interface {
	Keys(from, to string) iter.Seq2[string, error]
}

// Rewritten returns the messages of a chat that are not what their entries say alone: edited, deleted,
// hidden. all: so may be any of them.
func Rewritten(r Reader, chat string) (ids map[ID]bool, all bool, err error) {
	prefix, to := "a/"+chat+"/", "a/"+chat+"0"
	ids = map[ID]bool{}
	take := func(key string, e error) bool {
		if err = e; e != nil {
			return false
		}
		rest := key[len(prefix):]
		all = all || strings.HasPrefix(rest, "x/")
		if len(rest) > 44 && (rest[44] == 'e' || rest[44] == 'd' || rest[44] == 'h') {
			if id, ok := ParseID(rest[:43]); ok {
				ids[id] = true
			}
		}
		return true
	}
	if k, ok := r.(keyer); ok {
		k.Keys(prefix, to)(take)
	} else {
		r.Range(prefix, to, false)(func(p Pair, e error) bool { return take(p.Key, e) })
	}
	return ids, all, err
}
