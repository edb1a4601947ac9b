package core

import (
	"fmt"
	"slices"
	"strconv"

	"paperplane/core/archive"
	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// passHistory is an answer that comes after the way in: what was said before.
const passHistory = "history"

const (
	// historyRoom is how many places a newcomer's chat keeps free for what was said before.
	historyRoom = 1 << 20
	// historiesMax bounds the segments under way each way, and historyRefs those of one answer: the
	// newest 32,000 entries.
	historiesMax = 32
	historyRefs  = 16
)

// telling is history on its way to those whom an own commit has let in. It is not stored: who gets
// none is told what is missing.
type telling struct {
	id   string
	chat *chat
	ask  MakeSegment
	to   []storedAdmit
	made *SegmentMade
	life int
	segs []toldSeg  // made so far, the newest first
	old  []toldSeg  // announced before, the oldest first
	open bool       // of the group's rules: to be announced
	pins [][32]byte // messages to go along, however old
	pin  *archive.Ref
}

// hearing is history that comes in.
type hearing struct {
	id   string
	chat string
	wait string
	ref  archive.Ref
	last uint64
	life int
}

// tellEarlier makes history for those who were let in: newcomers get the days of the group's rules, who
// comes back what stands behind the last place that they know.
func (m *Machine) tellEarlier(c *chat) {
	var fresh []storedAdmit
	for _, b := range c.qu().Batch {
		if !b.Again {
			fresh = append(fresh, b)
			continue
		}
		m.tellAgain(c, b)
	}
	if since, ok := m.historySince(c); ok && len(fresh) > 0 {
		h := &telling{chat: c, to: fresh, open: true, pins: slices.Clone(c.c.State().Pins), old: m.announced(c, 0), ask: MakeSegment{Chat: m.view(c).id, Before: timeline.QueuedFirst, Since: since, Others: true, Lasting: true}}
		m.newTelling(h)
	}
}

// tellAgain makes history for who comes back.
func (m *Machine) tellAgain(c *chat, b storedAdmit) {
	if b.Since >= c.c.Cursor() {
		return
	}
	v := m.view(c)
	n := uint64(c.c.Cursor() - b.Since)
	behind := n*4 + 512 // places; notices take some, too, and some are free
	h := &telling{chat: c, to: []storedAdmit{b}, ask: MakeSegment{Chat: v.id, After: v.Next - min(v.Next, behind), Before: timeline.QueuedFirst, Others: !m.own(b.Person)}}
	if c.kind() == ChatGroup {
		h.ask.For = b.Person // nothing from before they were added
		if since, ok := m.historySince(c); ok && since == 0 && n >= announceMin {
			h.old = m.announced(c, b.Since)
		}
	}
	m.newTelling(h)
}

func (m *Machine) newTelling(h *telling) {
	if len(m.tellings) >= historiesMax {
		return
	}
	if n := len(h.old); n > 0 {
		h.ask.Behind = uint64(h.old[n-1].Last)
	}
	m.histories++
	h.id = fmt.Sprint("tell/", m.histories)
	h.ask.ID = h.id
	m.tellings = append(m.tellings, h)
}

// pumpHistory asks the driver for what is wanted, again after a new session.
func (m *Machine) pumpHistory() {
	for _, h := range m.tellings {
		if s := m.servers[h.chat.Server]; s.isUp() && h.life != s.life {
			h.life = s.life
			if h.made == nil {
				m.emit(h.ask)
			} else {
				m.emit(PutObject{ID: h.id, Server: s.id, Secret: h.made.Secret, Data: h.made.Data})
			}
		}
	}
	for _, h := range m.hearings {
		c := m.chats[h.chat]
		if c == nil {
			continue
		}
		if i := slices.IndexFunc(m.hearings, func(o *hearing) bool { return o.chat == h.chat }); m.hearings[i] != h {
			continue // the newest first: each takes the places below
		}
		if s := m.servers[c.Server]; s.isUp() && h.life != s.life {
			h.life = s.life
			m.emit(GetObject{ID: h.id, Server: s.id, Blob: h.ref.Blob})
		}
	}
}

// historyMade: a piece of what is to be told lies sealed here, or there is no more.
func (m *Machine) historyMade(in SegmentMade) {
	for i, h := range m.tellings {
		if h.id != in.ID || h.made != nil {
			continue
		}
		if in.Ref.Count == 0 && len(h.pins) > 0 {
			h.ask.Only, h.pins, h.life = h.pins, nil, 0
			return
		}
		if in.Ref.Count == 0 {
			m.tellings = slices.Delete(m.tellings, i, i+1)
			m.told(h)
			return
		}
		h.made, h.life = &in, 0
		return
	}
}

// historyObject takes what the driver says of a segment's blob; false when it is none.
func (m *Machine) historyObject(in Object) bool {
	for i, h := range m.tellings {
		if h.id != in.ID || h.made == nil {
			continue
		}
		r := h.made.Ref
		if in.Code == plane.OK && h.ask.Only != nil {
			h.pin = &r
		} else if in.Code == plane.OK {
			h.segs = append(h.segs, toldSeg{Ref: r, First: plane.Seq(h.made.First), Last: plane.Seq(h.made.Last)})
			if r.From > h.ask.After+1 && len(h.segs) < historyRefs {
				h.made, h.life, h.ask.Before = nil, 0, r.From
				return true
			}
		}
		m.tellings = slices.Delete(m.tellings, i, i+1)
		m.told(h)
		return true
	}
	for i, h := range m.hearings {
		if h.id != in.ID {
			continue
		}
		c := m.chats[h.chat]
		if in.Code != plane.OK || c == nil {
			m.hearings = slices.Delete(m.hearings, i, i+1)
			return true
		}
		m.emit(OpenSegment{ID: h.id, Chat: m.view(c).id, Ref: h.ref, Data: in.Data, Person: m.acc.person(), Last: h.last, Now: m.now.UnixMilli()})
		return true
	}
	return false
}

// earlier takes the references that came after the way in.
func (m *Machine) earlier(c *chat, w *waiting, history []byte) {
	refs, err := archive.ParseRefs(history)
	if err != nil || w.Last == 0 {
		return
	}
	for _, r := range slices.Backward(refs[max(0, len(refs)-historyRefs):]) {
		if len(m.hearings) < historiesMax && !slices.ContainsFunc(m.hearings, func(h *hearing) bool { return h.ref.Blob == r.Blob }) {
			m.histories++
			m.hearings = append(m.hearings, &hearing{id: fmt.Sprint("hear/", m.histories), chat: c.id, wait: w.id, ref: r, last: w.Last})
		}
	}
}

// historyOpened: it is what the reference names, and goes into the history.
func (m *Machine) historyOpened(in SegmentOpened) {
	for i, h := range m.hearings {
		if h.id != in.ID {
			continue
		}
		m.hearings = slices.Delete(m.hearings, i, i+1)
		c := m.chats[h.chat]
		if c == nil || in.Bad {
			return
		}
		for _, op := range in.Ops {
			m.set(op.Key, op.Value)
		}
		m.forgetSoon()
		if in.Count > 0 {
			m.view(c).keepAnew()
		}
		if w := m.waitOf(c.id); w != nil && w.id == h.wait && in.Count > 0 {
			w.Missed = 0
			m.saveWait(w)
			if !w.Again && m.others() && c.First == "" {
				from := h.last + 1
				if c.Carry != nil {
					from = max(from, c.Carry.Before)
				}
				m.carryFrom(c, from) // one's other devices came in without it
			}
		}
		m.show(m.view(c))
		return
	}
}

// unheard says how much of what was said nobody could give this device any more.
func (m *Machine) unheard(w *waiting) {
	if c := m.chats[w.Chat.Text()]; c != nil && w.Missed > 0 {
		m.notify(c, c.c.Cursor(), 1016+int(c.Heals%1000), timeline.Line{What: "missed", Who: m.acc.person(), Text: strconv.FormatUint(w.Missed, 10)})
	}
}
