package core

import (
	"slices"
	"time"

	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/content"
)

// Messages that wait for a time are items of the outbox that are not ready. They lie on this device alone,
// sealed in nothing, and their files are not sent before; so they go out once, however often it dies.

// scheduledIndex is where a message that waits for a time stands: behind all others, in order of their times.
func (m *Machine) scheduledIndex(v *chat, at int64) uint64 {
	for {
		v.Waiting++
		v.dirtyNumbers = true
		i := timeline.ScheduledFirst + uint64(at)<<7 + v.Waiting&127
		if !slices.ContainsFunc(m.order, func(c *chat) bool {
			return m.view(c) == v && c.q.Has(func(x *outbox.Item) bool { return x.Index == i })
		}) {
			return i
		}
	}
}

// checkTime says when a message is to be sent: 0 now.
func (m *Machine) checkTime(v *chat, at int64) (int64, ErrCode) {
	switch {
	case at < 0 || at > m.now.AddDate(0, 0, ScheduleDaysMax).UnixMilli():
		return 0, ErrBadArguments
	case at <= m.now.UnixMilli():
		return 0, ""
	case m.scheduled(v) >= ScheduledMax:
		return 0, ErrScheduled
	}
	return at, ""
}

// scheduled counts the messages of a chat that wait for a time.
func (m *Machine) scheduled(v *chat) (n int) {
	for _, c := range m.order {
		if m.view(c) == v {
			for _, i := range c.q.Items {
				if i.At != 0 {
					n++
				}
			}
		}
	}
	return n
}

// schedule finds out when the next is due.
func (c *chat) schedule() {
	c.schedAt = time.Time{}
	for _, i := range c.q.Items {
		if t := time.UnixMilli(i.At); i.At != 0 && !i.Failed && (c.schedAt.IsZero() || t.Before(c.schedAt)) {
			c.schedAt = t
		}
	}
}

// dueScheduled puts among those to be sent what has its time now. What has it together goes in that order.
func (m *Machine) dueScheduled(c *chat) {
	if c.schedAt.IsZero() || m.now.Before(c.schedAt) {
		return
	}
	for !c.schedAt.IsZero() && !m.now.Before(c.schedAt) && c.State != chatBroken {
		for _, i := range c.q.Items {
			if i.At == c.schedAt.UnixMilli() && !i.Failed {
				m.sendScheduled(c, i)
				break
			}
		}
		c.schedule()
	}
	if c.State == chatBroken {
		c.schedAt = time.Time{}
	}
}

func (m *Machine) sendScheduled(c *chat, i *outbox.Item) {
	v := m.view(c)
	old := i.ID
	m.setPairs(timeline.Drop(v.id, old, i.Index)...)
	m.dropItem(c, i)
	v.Waiting++
	i.At, i.SentMS, i.Index = 0, uint64(m.now.UnixMilli()), timeline.QueuedFirst+v.Waiting
	if i.ID = content.NewMessageID(m.acc.person(), c.log, i.Body); i.ID != old { // it was edited
		m.emit(Emit{MessageGone{Chat: v.id, Message: timeline.ID(old).Text()}})
	}
	v.At, v.dirtyNumbers = m.now.UnixMilli(), true
	m.enqueue(c, i) // behind what was said meanwhile
	if !c.alive() && !m.healing(c) {
		m.failItem(c, i)
		return
	}
	m.putQueued(c, i)
	for _, t := range m.sortedMoves() {
		if t.stored.Message == old && t.stored.Up {
			t.stored.Message = i.ID
			m.beginMove(t)
		}
	}
}

func (m *Machine) sendNow(v *chat, x SendNow) ErrCode {
	id, ok := timeline.ParseID(x.Message)
	i, c := m.queuedIn(v, id)
	if !ok || i == nil || i.At == 0 {
		return ErrNoMessage
	}
	if _, code := m.canSend(v); code != "" {
		return code
	}
	if _, code := m.mayPost(c, true); code != "" {
		return code
	}
	i.Failed = false
	m.sendScheduled(c, i)
	c.schedule()
	return ""
}

// editScheduled changes what waits for a time, or the time.
func (m *Machine) editScheduled(v, c *chat, i *outbox.Item, x Edit) ErrCode {
	msg, err := parseBody(i.Body)
	if err != nil {
		return ErrNoMessage
	}
	text := ""
	if _, files := msg.(content.Files); !files || x.Text != "" {
		var code ErrCode
		if text, code = cleanText(x.Text); code != "" {
			return code
		}
	}
	switch y := msg.(type) {
	case content.Text:
		if y.Text != text {
			y.Text, y.Mentions = text, nil
		}
		msg = y
	case content.Files:
		if y.Text != text {
			y.Text, y.Mentions = text, nil
		}
		msg = y
	}
	body, err := content.Encode(msg)
	if err == nil {
		_, err = content.Frame{Body: body, SentMS: uint64(m.now.UnixMilli())}.Encode()
	}
	if err != nil {
		return ErrTextLong
	}
	at := i.At
	if x.At != 0 {
		if x.At < 0 || x.At > m.now.AddDate(0, 0, ScheduleDaysMax).UnixMilli() {
			return ErrBadArguments
		}
		at = x.At
	}
	m.setPairs(timeline.Drop(v.id, i.ID, i.Index)...)
	i.Body, i.At, i.SentMS = body, at, uint64(at)
	i.Index = m.scheduledIndex(v, at)
	m.saveItem(c, i)
	m.putQueued(c, i)
	c.schedule()
	return ""
}

func parseBody(body []byte) (content.Message, error) {
	u, err := content.Parse(body)
	if err != nil {
		return nil, err
	}
	return u.Verify()
}
