package timeline

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// Carried is an entry with its annotations, on its way to another device. Keys of notes are what
// stands behind the message's id.
type Carried struct {
	Entry Entry
	Notes []Pair
}

// carriedBytes is about what an entry takes besides its text and notes.
const carriedBytes = 256

// Export returns the newest entries with after < index < before that have a place in the log, oldest
// first: at most items, and not many more bytes than limit. What is taken back does not travel, and
// where a file lies on this device does not either. With lasting what expires does not.
func Export(r Reader, chat string, after, before uint64, items, limit int, lasting bool) ([]Carried, error) {
	var list []Carried
	size := 0
	for p, err := range r.Range(EntryKey(chat, after+1), EntryKey(chat, min(before, QueuedFirst)), true) {
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
		if lasting && e.Gone != 0 {
			continue
		}
		c, err := carry(r, chat, e)
		if err != nil {
			return nil, err
		}
		n := carriedBytes + len(p.Value)
		for _, x := range c.Notes {
			n += len(x.Key) + len(x.Value)
		}
		if len(list) > 0 && size+n > limit {
			break
		}
		size += n
		if list = append(list, c); len(list) >= items {
			break
		}
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list, nil
}

func carry(r Reader, chat string, e Entry) (c Carried, err error) {
	for i := range e.Files {
		e.Files[i].Ref = ""
	}
	c.Entry = e
	f, err := Fold(r, chat, e)
	if err != nil {
		return c, err
	}
	if f.Deleted {
		c.Entry.Text, c.Entry.Files, c.Entry.ReplyTo, c.Entry.Mentions, c.Entry.Poll, c.Entry.Forwarded = "", nil, nil, nil, nil, ""
		if c.Entry.Kind == Question {
			c.Entry.Kind = Text
		}
		c.Notes = []Pair{{"d/" + person(e.From), []byte{1}}}
		return c, nil
	}
	prefix := noteKey(chat, e.ID)
	for p, err := range r.Range(prefix, strings.TrimSuffix(prefix, "/")+"0", false) {
		if err != nil {
			return c, err
		}
		k := p.Key[len(prefix):]
		if len(c.Notes) >= ReactionsMax || !noteFits(&e, k, p.Value) {
			continue
		}
		if k[0] == 'r' { // one that was taken back stays here
			var x Reaction
			if err := Decode(p.Value, &x); err != nil {
				continue
			}
			by := strings.Split(k, "/")[1]
			gone, err := r.Get(noteKey(chat, x.ID) + "d/" + by)
			if err != nil {
				return c, err
			}
			who, _ := base64.RawURLEncoding.DecodeString(by)
			erased, err := Erased(r, chat, x.Log, [32]byte(who), x.Seq)
			if err != nil {
				return c, err
			}
			if gone != nil || erased {
				continue
			}
		}
		c.Notes = append(c.Notes, Pair{k, p.Value})
	}
	return c, nil
}

// noteFits says whether a note is one that travels with e.
func noteFits(e *Entry, key string, value []byte) bool {
	rest := strings.Split(key, "/")
	if key == "p" {
		return len(value) == 1 && value[0] == 1
	}
	if len(rest) < 2 || e.Kind == Notice {
		return false
	}
	by, err := base64.RawURLEncoding.Strict().DecodeString(rest[1])
	if err != nil || len(by) != 32 {
		return false
	}
	switch {
	case rest[0] == "e" && len(rest) == 2:
		var x Edit
		return Decode(value, &x) == nil && string(x.By[:]) == string(by) && x.By == e.From && len(value) <= 1<<14
	case rest[0] == "d" && len(rest) == 2:
		return [32]byte(by) == e.From && len(value) == 1
	case rest[0] == "b" && len(rest) == 3:
		var x Vote
		return e.Poll != nil && len(value) <= 128 && Decode(value, &x) == nil && rest[2] == place(x.Seq)
	case rest[0] == "k" && len(rest) == 3:
		_, ok := placed(rest[2])
		return e.Poll != nil && ok && [32]byte(by) == e.From && len(value) == 1
	case rest[0] == "r" && len(rest) == 3:
		var x Reaction
		return len(value) <= 512 && Decode(value, &x) == nil && reactionKey("", e.ID, x32(by), x.Emoji) == noteKey("", e.ID)+key
	}
	return false
}

func x32(b []byte) [32]byte { return [32]byte(b) }

// Import returns the pairs that bring carried entries into a chat. What is there stays as it is, so
// it may be done again. With last 0 entries stand where they stood; else those that
// are new get free indexes: up to last, and below the next of them that is there. me is one's own person. It
// returns how many entries are new. What has expired by now, in ms, stays out.
func Import(r Reader, chat string, list []Carried, me [32]byte, last uint64, now int64) (out []Pair, added int, err error) {
	at := last
	for i := len(list) - 1; i >= 0; i-- {
		e := list[i].Entry
		if !carriable(&e) || e.Gone != 0 && e.Gone <= now {
			continue
		}
		if gone, err := Hidden(r, chat, e.ID); err != nil {
			return nil, 0, err
		} else if gone {
			continue
		}
		have, err := r.Get(IndexKey(chat, e.ID))
		if err != nil {
			return nil, 0, err
		}
		if n := len(have); n == 8 && last != 0 && e.Kind != Notice {
			// What is older goes below it: places were kept free there for what could not be read.
			if x := binary.BigEndian.Uint64(have); x < QueuedFirst {
				at = x - min(x, 1)
			}
		}
		if have == nil {
			ok := false
			if last == 0 {
				at = e.Index
				ok, err = free(r, chat, at)
			} else {
				for ; at > 0 && !ok && err == nil; at-- {
					if ok, err = free(r, chat, at); ok {
						break
					}
				}
			}
			if err != nil {
				return nil, 0, err
			}
			if ok {
				e.Index, e.Own, e.State = at, e.From == me, Received
				if e.Own && e.Kind != Notice {
					e.State = Sent
				}
				out = append(out, Put(chat, &e)...)
				added++
				if last != 0 {
					at--
				}
			}
		}
		for _, n := range list[i].Notes[:min(len(list[i].Notes), ReactionsMax)] {
			if !noteFits(&e, n.Key, n.Value) {
				continue
			}
			key := noteKey(chat, e.ID) + n.Key
			old, err := r.Get(key)
			if err != nil {
				return nil, 0, err
			}
			if old == nil {
				out = append(out, Pair{key, n.Value})
			}
		}
	}
	return out, added, nil
}

// free says whether no entry has an index.
func free(r Reader, chat string, index uint64) (bool, error) {
	if index == 0 || index >= QueuedFirst {
		return false, nil
	}
	v, err := r.Get(EntryKey(chat, index))
	return v == nil, err
}

// carriable says whether an entry may come from another device.
func carriable(e *Entry) bool {
	for _, f := range e.Files {
		if f.Ref != "" {
			return false
		}
	}
	return e.Kind >= Text && e.Kind <= Question && (e.Kind == Question) == (e.Poll != nil) && e.Poll.fits() && e.Index > 0 && e.Index < QueuedFirst && (e.Kind == Notice) == (e.Line != nil) &&
		e.State != Queued && e.State != Failed && len(e.Text) <= 1<<14 && len(e.Files) <= 32 && e.Gone >= 0 && e.At >= 0 && e.At < 253402300800000
}
