package timeline

import (
	"fmt"
	"slices"
)

// EditKept is one of the texts that a message had.
type EditKept struct {
	Text string `cbor:"1,keyasint"`
	At   int64  `cbor:"2,keyasint"`
}

func editsOf(chat string, id ID) string { return "a/" + chat + "/g/" + id.Text() + "/" }

func editsKey(chat string, id ID, by [32]byte) string { return editsOf(chat, id) + person(by) + "/" }

// KeepEdit returns the pair that keeps what an edit said, beside the edit that counts: seq is its place
// in the log.
func KeepEdit(chat string, id ID, by [32]byte, seq uint64, e EditKept) Pair {
	return Pair{editsKey(chat, id, by) + fmt.Sprintf("%016x", seq), Encode(e)}
}

// Edits returns the newest limit texts that an entry's author gave it after the first, oldest first.
func Edits(r Reader, chat string, e *Entry, limit int) ([]EditKept, error) {
	var list []EditKept
	prefix := editsKey(chat, e.ID, e.From)
	err := each(r, prefix, prefix+"g", true, func(p Pair) bool {
		var x EditKept
		if Decode(p.Value, &x) == nil {
			list = append(list, x)
		}
		return len(list) < limit
	})
	slices.Reverse(list)
	return list, err
}
