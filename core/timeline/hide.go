package timeline

import "encoding/binary"

// hideKey is the key that says that a message is deleted for oneself.
func hideKey(chat string, id ID) string { return noteKey(chat, id) + "h" }

// Hide returns the pairs that delete a message for oneself, whether it is here or comes later: a mark that
// stays, and the wish to Sweep what is here.
func Hide(chat string, id ID, now int64) []Pair {
	return []Pair{{hideKey(chat, id), []byte{1}}, PutNoteGone(chat, id, now)}
}

// Hidden says whether a message is deleted for oneself.
func Hidden(r Reader, chat string, id ID) (bool, error) {
	v, err := r.Get(hideKey(chat, id))
	return v != nil, err
}

// stands says whether an entry is to be seen. A message stands where it came last: it comes twice only
// when a server lies to its sender, who then sends it again under a new epoch.
func stands(r Reader, chat string, e *Entry) (bool, error) {
	at, err := r.Get(IndexKey(chat, e.ID))
	if err != nil || len(at) == 8 && binary.BigEndian.Uint64(at) != e.Index {
		return false, err
	}
	gone, err := Hidden(r, chat, e.ID)
	return !gone, err
}
