package core

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"paperplane/core/archive"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// passHistory is an answer that comes after the way in: what was said before.
const passHistory = "history"

const (
	// historyRoom is how many places a newcomer's chat keeps free for what was said before.
	historyRoom = 1 << 20
	// historiesMax bounds the segments under way each way, and historyRefs those of one answer.
	historiesMax = 32
	historyRefs  = 4
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
	if days := c.c.State().Rules.History; days != 0 && len(fresh) > 0 {
		x := MakeSegment{Chat: m.view(c).id, Before: timeline.QueuedFirst, Others: true}
		if days != convo.HistoryAll {
			x.Since = m.now.Add(-time.Duration(days) * 24 * time.Hour).UnixMilli()
		}
		m.newTelling(c, x, fresh)
	}
}

// tellAgain makes history for who comes back.
func (m *Machine) tellAgain(c *chat, b storedAdmit) {
	if b.Since >= c.c.Cursor() {
		return
	}
	v := m.view(c)
	behind := uint64(c.c.Cursor()-b.Since)*4 + 512 // places; notices take some, too, and some are free
	x := MakeSegment{Chat: v.id, After: v.Next - min(v.Next, behind), Before: timeline.QueuedFirst, Others: !m.own(b.Person)}
	if c.kind() == ChatGroup {
		x.For = b.Person // nothing from before they were added
	}
	m.newTelling(c, x, []storedAdmit{b})
}

func (m *Machine) newTelling(c *chat, x MakeSegment, to []storedAdmit) {
	if len(m.tellings) >= historiesMax {
		return
	}
	m.histories++
	x.ID = fmt.Sprint("tell/", m.histories)
	m.tellings = append(m.tellings, &telling{id: x.ID, chat: c, ask: x, to: to})
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
		if s := m.servers[c.Server]; s.isUp() && h.life != s.life {
			h.life = s.life
			m.emit(GetObject{ID: h.id, Server: s.id, Blob: h.ref.Blob})
		}
	}
}

// historyMade: what is to be told lies sealed here.
func (m *Machine) historyMade(in SegmentMade) {
	for i, h := range m.tellings {
		if h.id != in.ID || h.made != nil {
			continue
		}
		if in.Ref.Count == 0 {
			m.tellings = slices.Delete(m.tellings, i, i+1)
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
		m.tellings = slices.Delete(m.tellings, i, i+1)
		if in.Code == plane.OK {
			for _, b := range h.to {
				m.putReply(h.chat, &reply{Log: b.Reply, Write: b.Write, KEM: b.KEM, Why: passHistory, History: archive.EncodeRefs([]archive.Ref{h.made.Ref})})
			}
		}
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
		m.emit(OpenSegment{ID: h.id, Chat: m.view(c).id, Ref: h.ref, Data: in.Data, Person: m.acc.person(), Last: h.last})
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
	for _, r := range refs[:min(len(refs), historyRefs)] {
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
