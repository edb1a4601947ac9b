package core

import (
	"slices"

	"paperplane/core/archive"
	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// Segments of a group's history that somebody has made for newcomers are announced to all: whoever
// lets in the next makes only what has come since. Announced is what the rules give to every newcomer
// of the day and nothing else, by those who let newcomers in and could tell them anything.

const (
	// archiveMark starts an announcement; see controlMark.
	archiveMark = 3
	// announceMin is how many entries, or records, are worth a message to the whole group.
	announceMin = 64
	// announceDays is how long an announcement counts: blobs live 30 days.
	announceDays = 20
)

// toldHistory is an announcement: all that there is from Since on.
type toldHistory struct {
	_     struct{} `cbor:",toarray"`
	Since int64    // ms; 0: from the beginning
	Day   plane.Day
	Segs  []toldSeg // oldest first
}

type toldSeg struct {
	_     struct{} `cbor:",toarray"`
	Ref   archive.Ref
	First plane.Seq // records of its first and last entry
	Last  plane.Seq
}

// historySince says from when on newcomers may read (ms), by whole days; false: nothing.
func (m *Machine) historySince(c *chat) (int64, bool) {
	switch n := c.c.State().Rules.History; n {
	case 0:
		return 0, false
	case convo.HistoryAll:
		return 0, true
	default:
		return (plane.DayOf(m.now) - min(plane.Day(n), plane.DayOf(m.now))).Start().UnixMilli(), true
	}
}

// announced returns the announced segments that the rules allow today, with what is behind a record.
func (m *Machine) announced(c *chat, behind plane.Seq) []toldSeg {
	x := c.Told
	if since, ok := m.historySince(c); x == nil || !ok || x.Since != since || x.Day+announceDays < plane.DayOf(m.now) || x.Day > plane.DayOf(m.now)+1 {
		return nil
	}
	for i, s := range x.Segs {
		if s.Last > behind {
			return x.Segs[i:]
		}
	}
	return nil
}

// told answers those for whom history was made, and announces it when it is of use to others.
func (m *Machine) told(h *telling) {
	slices.Reverse(h.segs)
	list := append(slices.Clone(h.old), h.segs...)
	list = list[max(0, len(list)-historyRefs):]
	var refs []archive.Ref
	if h.pin != nil && len(list) < historyRefs {
		refs = append(refs, *h.pin) // is announced to nobody: others are pinned tomorrow
	}
	if len(list)+len(refs) == 0 {
		return
	}
	for _, s := range list {
		refs = append(refs, s.Ref)
	}
	for _, b := range h.to {
		m.putReply(h.chat, &reply{Log: b.Reply, Write: b.Write, KEM: b.KEM, Why: passHistory, History: archive.EncodeRefs(refs)})
	}
	n := uint32(0)
	for _, s := range h.segs {
		n += s.Ref.Count
	}
	c := h.chat
	if !h.open || n == 0 || len(h.old) > 0 && n < announceMin || !c.alive() || len(h.old)+len(h.segs) > historyRefs {
		return
	}
	c.Told, c.dirtyMeta = &toldHistory{Since: h.ask.Since, Day: plane.DayOf(m.now), Segs: list}, true
	if c.c.Size() > 2 { // who else could let somebody in
		m.enqueue(c, &outbox.Item{Kind: outbox.Control, Body: append([]byte{archiveMark}, timeline.Encode(c.Told)...)})
	}
}

// hearAnnounced takes an announcement of a member who may let others in.
func (m *Machine) hearAnnounced(c *chat, who plane.PublicKey, plain []byte) {
	var x toldHistory
	if c.kind() != ChatGroup || !c.c.MayAdd(who) || timeline.Decode(plain[1:], &x) != nil || len(x.Segs) == 0 || len(x.Segs) > historyRefs || x.Day > plane.DayOf(m.now)+1 || x.Since < 0 {
		return
	}
	var refs []archive.Ref
	last := plane.Seq(0)
	for _, s := range x.Segs {
		if s.First > s.Last || s.First < last || s.Last > c.c.Cursor() {
			return
		}
		last = s.Last
		refs = append(refs, s.Ref)
	}
	if _, err := archive.ParseRefs(archive.EncodeRefs(refs)); err != nil {
		return
	}
	c.Told, c.dirtyMeta = &x, true
}
