package core

import (
	"slices"
	"time"

	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// Messages that expire: each says how long it lives (C-35), and each device forgets it by its own clock,
// with its notes and files. What is to go when lies in the vault, in order; the Machine knows when the
// next does.

// Forget asks for what is to be forgotten by Now. The driver does it with DoSegment; Forgotten answers.
type Forget struct {
	ID  string
	Now int64 // ms
}

// Forgotten answers Forget.
type Forgotten struct {
	ID    string
	Ops   []Op
	Files []string
	Gone  []timeline.Gone
	Next  int64 // ms: when more goes; 0: nothing does
}

func (Forget) effect()   {}
func (Forgotten) input() {}

const forgetID = "forget"

func forget(r Reader, e Forget) (Input, error) {
	s, err := timeline.Sweep(r, e.Now)
	if err != nil {
		return nil, err
	}
	out := Forgotten{ID: e.ID, Files: s.Files, Gone: s.Gone, Next: s.Next}
	for _, p := range s.Pairs {
		out.Ops = append(out.Ops, Op(p))
	}
	return out, nil
}

// goneBy: something expires at a time, in ms.
func (m *Machine) goneBy(ms int64) {
	if at := time.UnixMilli(ms); ms != 0 && (m.goneAt.IsZero() || at.Before(m.goneAt)) {
		m.goneAt = at
	}
}

// forgetSoon looks at what is there: after a start, and when history has come.
func (m *Machine) forgetSoon() { m.goneBy(m.now.UnixMilli()) }

// dueGone has forgotten what has expired.
func (m *Machine) dueGone() {
	if m.acc == nil || m.forgetting || m.goneAt.IsZero() || m.now.Before(m.goneAt) {
		return
	}
	m.goneAt, m.forgetting = time.Time{}, true
	m.emit(Forget{ID: forgetID, Now: m.now.UnixMilli()})
}

// forgotten takes what the driver found.
func (m *Machine) forgotten(in Forgotten) {
	m.forgetting = false
	m.goneBy(in.Next)
	for _, op := range in.Ops {
		m.set(op.Key, op.Value)
	}
	for _, g := range in.Gone {
		m.endMoves(g.ID)
		c := m.chats[g.Chat]
		if c == nil {
			continue
		}
		if t := m.chats[plane.LogID(g.Log).Text()]; t != nil && !g.Own && plane.Seq(g.Seq) > t.Read && c.Unread > 0 {
			c.Unread, c.dirtyNumbers = c.Unread-1, true
			if m.named(&g.Entry) {
				c.Mentions = max(0, c.Mentions-1)
			}
		}
		m.emit(Emit{MessageGone{Chat: g.Chat, Message: g.ID.Text()}})
		m.show(c)
	}
	for _, f := range in.Files {
		m.emit(RemoveFile{File: f})
	}
}

// endMoves ends the transfers of a message that has gone.
func (m *Machine) endMoves(id timeline.ID) {
	for _, t := range m.sortedMoves() {
		if t.stored.Message == id {
			m.emit(Cancel{ID: t.ID})
			m.dropMove(t)
			m.emit(RemoveFile{File: t.stored.Ref})
		}
	}
}

// goneAfter is when something that was said at a time, by its sender's clock, expires; 0: never.
func (m *Machine) goneAfter(at int64, seconds uint32) int64 {
	if seconds == 0 {
		return 0
	}
	return max(1, min(at, m.now.UnixMilli())+int64(seconds)*1000)
}

// late says whether something that expires has come too late.
func (m *Machine) late(gone int64) bool { return gone != 0 && gone <= m.now.UnixMilli() }

// noteGoes has what is noted about a message forgotten in time, and says whether it is to be noted.
func (m *Machine) noteGoes(v *chat, id [32]byte, at int64, seconds uint32) bool {
	gone := m.goneAfter(at, seconds)
	if m.late(gone) {
		return false
	}
	if gone != 0 {
		m.setPairs(timeline.PutNoteGone(v.id, id, gone))
		m.goneBy(gone)
	}
	return true
}

// left is what is left of a message's time, in seconds; 0 for one that lasts.
func (m *Machine) left(found *Found) uint32 {
	if found.Gone == 0 {
		return found.Expires
	}
	return uint32(min(content.ExpiresMax, max(1, (found.Gone-m.now.UnixMilli()+999)/1000)))
}

// expiresOf is how long a message lives, in seconds.
func expiresOf(msg content.Message) uint32 {
	switch x := msg.(type) {
	case content.Text:
		return x.Expires
	case content.Files:
		return x.Expires
	case content.Poll:
		return x.Expires
	case content.Edit:
		return x.Expires
	case content.Delete:
		return x.Expires
	case content.React:
		return x.Expires
	case content.Unreact:
		return x.Expires
	case content.Vote:
		return x.Expires
	case content.PollClose:
		return x.Expires
	}
	return 0
}

// setVanish sets how long what is said in a chat lives.
func (m *Machine) setVanish(v *chat, x SetVanish) ErrCode {
	c, code := m.canSend(v)
	switch {
	case code != "":
		return code
	case x.Seconds != 0 && (x.Seconds < VanishMin || x.Seconds > VanishMax):
		return ErrBadArguments
	case !c.c.MayVanish(m.acc.person()):
		return ErrNotAllowed
	}
	if n := uint32(x.Seconds); n != c.c.State().Vanish || slices.ContainsFunc(c.intents.List, func(i *outbox.Intent) bool { return i.Vanish != nil }) {
		m.wish(c, &outbox.Intent{Act: outbox.Set, Vanish: &n})
	}
	return ""
}

// sayTimed gives what was written while one was not in a chat the life that the chat gives.
func sayTimed(i *outbox.Item, by plane.PublicKey, c *chat) {
	n := c.c.State().Vanish
	u, err := content.Parse(i.Body)
	if n == 0 || err != nil {
		return
	}
	msg, err := u.Verify()
	if x, ok := msg.(content.Text); ok && err == nil {
		x.Expires = n
		if body, err := content.Encode(x); err == nil {
			i.Body, i.Expires, i.ID = body, n, content.NewMessageID(by, c.log, body)
		}
	}
}

// missed: a message has come when its time was over. Nothing of it is kept.
func (m *Machine) missed(c, v *chat, seq plane.Seq, e *timeline.Entry, i *outbox.Item) {
	if i != nil {
		m.setPairs(timeline.Drop(v.id, e.ID, i.Index)...)
		m.setPairs(timeline.PutNoteGone(v.id, e.ID, m.now.UnixMilli())) // where its files lie
		m.forgetSoon()
		m.emit(Emit{MessageGone{Chat: v.id, Message: e.ID.Text()}})
		m.show(v)
	}
	if !e.Own {
		c.Got, c.dirtyNumbers = seq, true
		m.receiptDue(c)
	}
}
