package core

import (
	"slices"

	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// saidMax is how many messages wait in a chat of the vault that this device is not in again yet:
// they are stored with the wait, which is written whole.
const saidMax = 64

// doLost carries out a command about a chat that twelve words brought back and whose members have
// not let this device in yet. What is written is kept and goes out when they have.
func (m *Machine) doLost(in Do, w *waiting) {
	switch x := in.Command.(type) {
	case SendText:
		id, code := m.sayLost(w, x, in.Found)
		m.reply(in.ID, Sent{Message: id}, code)
	case SetDraft:
		if len(x.Text) > plane.TextBytesMax {
			m.finish(in.ID, ErrTextLong)
			return
		}
		w.Lost.Meta.Draft = x.Text
		m.saveWait(w)
		m.finish(in.ID, "")
	case Delete:
		m.finish(in.ID, m.unsayLost(w, x.Message))
	case Discard:
		m.finish(in.ID, m.unsayLost(w, x.Message))
	case GetMembers:
		m.reply(in.ID, Members{Members: []Member{}}, "")
	default:
		m.reply(in.ID, nil, ErrWaiting)
	}
}

// sayLost keeps a text. Files would be sent to a place that is not known yet: they are refused.
func (m *Machine) sayLost(w *waiting, x SendText, found *Found) (string, ErrCode) {
	if x.At > m.now.UnixMilli() || len(x.Files) > 0 || len(w.Said) >= saidMax {
		return "", ErrWaiting
	}
	text, code := cleanText(x.Text)
	if code != "" {
		return "", code
	}
	msg := content.Text{Text: text}
	if x.ReplyTo != "" {
		if found == nil {
			return "", ErrNoMessage
		}
		msg.ReplyTo = content.MessageID(found.ID)
	}
	var ok bool
	if msg.Mentions, ok = mentionsOf(x, text); !ok {
		return "", ErrBadArguments
	}
	body, err := content.Encode(msg)
	now := m.now.UnixMilli()
	if err == nil {
		_, err = content.Frame{Body: body, SentMS: uint64(now)}.Encode()
	}
	if err != nil {
		return "", ErrTextLong
	}
	i := &outbox.Item{
		Kind: outbox.Message, Body: body, SentMS: uint64(now), Index: timeline.QueuedFirst + 1,
		ID: content.NewMessageID(m.acc.person(), w.Chat, body),
	}
	if n := len(w.Said); n > 0 {
		i.Index = w.Said[n-1].Index + 1
	}
	w.Said = append(w.Said, i)
	w.Lost.Meta.Draft, w.Lost.Numbers.At = "", now
	m.saveWait(w)
	e := entryOf(msg)
	e.ID, e.Index, e.Log, e.At, e.From, e.Own, e.State = i.ID, i.Index, w.Chat, now, m.acc.person(), true, timeline.Queued
	m.setPairs(timeline.Put(w.Chat.Text(), e)...)
	id := timeline.ID(i.ID).Text()
	m.emit(Emit{MessageStale{Chat: w.Chat.Text(), Message: id}})
	m.emit(Emit{ChatChanged{m.waitView(w)}})
	return id, ""
}

// unsayLost takes such a text back.
func (m *Machine) unsayLost(w *waiting, message string) ErrCode {
	id, ok := timeline.ParseID(message)
	n := slices.IndexFunc(w.Said, func(i *outbox.Item) bool { return i.ID == id })
	if !ok || n < 0 {
		return ErrNoMessage
	}
	m.setPairs(timeline.Drop(w.Chat.Text(), id, w.Said[n].Index)...)
	w.Said = slices.Delete(w.Said, n, n+1)
	m.saveWait(w)
	m.emit(Emit{MessageGone{Chat: w.Chat.Text(), Message: message}})
	m.emit(Emit{ChatChanged{m.waitView(w)}})
	return ""
}

// takeSaid puts into the outbox of a chat what was written while one was not in it.
func (m *Machine) takeSaid(c *chat, w *waiting) {
	v := m.view(c)
	for _, i := range w.Said {
		m.setPairs(timeline.Drop(w.Chat.Text(), i.ID, i.Index)...)
	}
	for _, i := range w.Said {
		if id := i.ID; c.c.State().Vanish != 0 {
			sayTimed(i, m.acc.person(), c)
			m.emit(Emit{MessageGone{Chat: v.id, Message: timeline.ID(id).Text()}})
		}
		v.Waiting++
		i.Index, v.dirtyNumbers = timeline.QueuedFirst+v.Waiting, true
		m.enqueue(c, i)
		m.putQueued(c, i)
	}
	w.Said = nil
}
