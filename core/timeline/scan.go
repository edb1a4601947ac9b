package timeline

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
)

// Chats returns the ids of the chats that have entries, in their order.
func Chats(r Reader) (list []string, err error) {
	from := "h/"
	for from != "" {
		next := ""
		for p, err := range r.Range(from, "h0", false) {
			if err != nil {
				return nil, err
			}
			if chat, _, ok := splitKey(p.Key); ok {
				list = append(list, chat)
				next = "h/" + chat + "0"
			}
			break
		}
		from = next
	}
	return list, nil
}

// splitKey takes the key of an entry apart.
func splitKey(key string) (chat string, index uint64, ok bool) {
	n := len(key) - 17
	if n < 3 || key[:2] != "h/" || key[n] != '/' {
		return "", 0, false
	}
	_, err := fmt.Sscanf(key[n+1:], "%016x", &index)
	return key[2:n], index, err == nil
}

// After returns up to limit entries from an index on, oldest first.
func After(r Reader, chat string, from uint64, limit int) ([]Entry, error) {
	var list []Entry
	for p, err := range r.Range(EntryKey(chat, from), "h/"+chat+"0", false) {
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
		if list = append(list, e); len(list) >= limit {
			break
		}
	}
	return list, nil
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
	first := func(from uint64, last bool) (*Entry, error) {
		for p, err := range r.Range(EntryKey(chat, from), EntryKey(chat, QueuedFirst), last) {
			var e Entry
			if err == nil {
				err = Decode(p.Value, &e)
			}
			return &e, err
		}
		return nil, nil
	}
	e, err := first(0, true)
	if err != nil || e == nil || e.At < at {
		return 0, err
	}
	low, high := uint64(0), e.Index // an entry before low is older, that at high is not
	for low < high {
		e, err := first(low+(high-low)/2, false)
		if err != nil || e == nil {
			return 0, err
		}
		if mid := low + (high-low)/2; e.At >= at {
			high = mid
		} else {
			low = e.Index + 1
		}
	}
	e, err = first(low, false)
	if err != nil || e == nil {
		return 0, err
	}
	return e.Index, nil
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
	prefix := "a/" + chat + "/"
	take := func(key string) {
		rest := key[len(prefix):]
		if strings.HasPrefix(rest, "x/") {
			all = true
		}
		if len(rest) > 44 && (rest[44] == 'e' || rest[44] == 'd' || rest[44] == 'h') {
			if id, ok := ParseID(rest[:43]); ok {
				ids[id] = true
			}
		}
	}
	ids = map[ID]bool{}
	if k, ok := r.(keyer); ok {
		for key, err := range k.Keys(prefix, "a/"+chat+"0") {
			if err != nil {
				return nil, false, err
			}
			take(key)
		}
		return ids, all, nil
	}
	for p, err := range r.Range(prefix, "a/"+chat+"0", false) {
		if err != nil {
			return nil, false, err
		}
		take(p.Key)
	}
	return ids, all, nil
}

// Raw returns up to limit entries below an index that have a place in the log, newest first, as they are
// stored: some may not be seen, see At.
func Raw(r Reader, chat string, below uint64, limit int) ([]Entry, error) {
	list := make([]Entry, 0, limit)
	for p, err := range r.Range("h/"+chat+"/", EntryKey(chat, min(below, QueuedFirst)), true) {
		if err != nil {
			return nil, err
		}
		var e Entry
		if err := Decode(p.Value, &e); err != nil {
			return nil, err
		}
		if list = append(list, e); len(list) >= limit {
			break
		}
	}
	return list, nil
}
