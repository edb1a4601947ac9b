package core

import (
	"paperplane/core/archive"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// Announces has the liar announce n segments of a group's history.
func (l Liar) Announces(chat string, n int) {
	c := l.M.chats[chat]
	x := toldHistory{Day: plane.DayOf(l.M.now)}
	for i := range n {
		x.Segs = append(x.Segs, toldSeg{Ref: archive.Ref{Blob: plane.BlobID{byte(i)}, Count: 1, Bytes: 1}})
	}
	l.M.enqueue(c, &outbox.Item{Kind: outbox.Control, Body: append([]byte{archiveMark}, timeline.Encode(x)...)})
}

// Told counts the announced segments that a device knows of.
func (m *Machine) Told(chat string) int {
	if x := m.chats[chat].Told; x != nil {
		return len(x.Segs)
	}
	return 0
}
