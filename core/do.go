package core

import (
	"errors"
	"slices"
	"time"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// do carries out a command.
func (m *Machine) do(in Do) {
	if m.repeated(in.ID) {
		return
	}
	switch x := in.Command.(type) {
	case GetState:
		m.reply(in.ID, m.state(), "")
		return
	case CheckLink:
		if origin, _, ok := parseDeviceLink(x.Link); ok {
			m.reply(in.ID, LinkInfo{Origin: origin, Device: true}, "")
			return
		}
		l, code := parseLink(x.Link)
		if code == "" && m.ownLink(l) {
			code = ErrLinkSelf
		}
		m.reply(in.ID, LinkInfo{Origin: l.Origin, Person: l.HasAccount, Group: l.Group}, code)
		return
	case Join:
		m.join(in.ID, x)
		return
	case Recover:
		m.recover(in.ID, x)
		return
	case AddDevice:
		m.addThisDevice(in.ID, x)
		return
	case ConfirmDevice:
		m.finish(in.ID, m.confirmDevice(x))
		return
	case nil:
		m.reply(in.ID, nil, ErrUnknown)
		return
	}
	if m.acc == nil {
		m.reply(in.ID, nil, ErrNoAccount)
		return
	}
	switch x := in.Command.(type) {
	case Invite:
		m.invite(in.ID, x)
	case Sync:
		m.sync(in.ID)
	case GetLinks:
		if x.Chat != "" {
			m.doChat(in)
			return
		}
		m.reply(in.ID, m.ownLinks(), "")
	case RevokeLink:
		if x.Chat != "" {
			m.doChat(in)
			return
		}
		m.finish(in.ID, m.revokeOwn(x.Link))
	case NewGroup:
		m.newGroup(in.ID, x)
	case GetDevices:
		m.reply(in.ID, m.getDevices(), "")
	case MakeWords:
		w, code := m.makeWords()
		m.reply(in.ID, w, code)
	case KeepWords:
		m.finish(in.ID, m.keepWords(x))
	case LinkDevice:
		m.linkDevice(in.ID)
	case NameDevice:
		m.finish(in.ID, m.nameDevice(x))
	case RemoveDevice:
		m.finish(in.ID, m.removeDevice(x))
	case SetName:
		m.finish(in.ID, m.setName(x))
	case SetFolder:
		m.finish(in.ID, m.setFolder(x))
	case SetChat:
		m.finish(in.ID, m.setChat(x))
	case ClearFiles:
		c, code := m.clearFiles(x, in.Found)
		m.reply(in.ID, c, code)
	case SetSettings:
		m.setSettings(x)
		m.finish(in.ID, "")
	default:
		m.doChat(in)
	}
}

// finish replies Done, or why not.
func (m *Machine) finish(id string, code ErrCode) { m.reply(id, Done{}, code) }

// doChat carries out a command about one chat.
func (m *Machine) doChat(in Do) {
	c := m.chats[chatOf(in.Command)]
	if w := m.waitOf(chatOf(in.Command)); w != nil && (!w.Again || w.Lost != nil) && !w.Quit {
		if _, leave := in.Command.(Leave); leave && c != nil && !c.alive() && !w.Again && w.Entered == 0 {
			m.quit(w) // who had been here before gives up
		}
		if c == nil {
			m.doWaiting(in, w)
			return
		}
	}
	if c == nil || c.First != "" {
		code := ErrNoChat
		if chatOf(in.Command) == "" {
			code = ErrBadArguments
		}
		m.reply(in.ID, nil, code)
		return
	}
	ok := m.contain(c, func() {
		switch x := in.Command.(type) {
		case SendText:
			id, code := m.sendText(c, x, in.Found)
			m.reply(in.ID, Sent{Message: id}, code)
		case Forward:
			m.finish(in.ID, m.forward(x, in.Found))
		case SendPoll:
			id, code := m.sendPoll(c, x)
			m.reply(in.ID, Sent{Message: id}, code)
		case SetVanish:
			m.finish(in.ID, m.setVanish(c, x))
		case Vote:
			m.finish(in.ID, m.vote(c, x, in.Found))
		case ClosePoll:
			m.finish(in.ID, m.closePoll(c, in.Found))
		case Edit:
			m.finish(in.ID, m.edit(c, x, in.Found))
		case Delete:
			m.finish(in.ID, m.remove(c, in.Found))
		case React:
			m.finish(in.ID, m.react(c, x, in.Found))
		case MarkRead:
			m.finish(in.ID, m.markRead(c, x, in.Found))
		case Typing:
			m.typing(c)
			m.emit(Reply{ID: in.ID, Result: Done{}}) // not worth remembering
		case SetDraft:
			m.finish(in.ID, m.setDraft(c, x))
		case SendNow:
			m.finish(in.ID, m.sendNow(c, x))
		case Hide:
			m.finish(in.ID, m.hide(c, x, in.Found))
		case Retry:
			m.finish(in.ID, m.retry(c, x.Message))
		case Discard:
			m.finish(in.ID, m.discard(c, x.Message))
		case Fetch:
			m.finish(in.ID, m.fetch(c, x, in.Found))
		case Stop:
			m.finish(in.ID, m.stop(c, x, in.Found))
		case SetGroup:
			m.finish(in.ID, m.setGroup(c, x))
		case AddMembers:
			m.finish(in.ID, m.addMembers(c, x.Members))
		case RemoveMember:
			m.finish(in.ID, m.removeMember(c, x))
		case SetRole:
			m.finish(in.ID, m.setRole(c, x))
		case Pin:
			m.finish(in.ID, m.pin(c, x, in.Found))
		case Unban:
			m.finish(in.ID, m.unban(c, x))
		case Leave:
			m.finish(in.ID, m.leave(c))
		case GroupInvite:
			m.groupInvite(in.ID, c, x)
		case GetLinks:
			m.reply(in.ID, m.links(c), "")
		case RevokeLink:
			m.finish(in.ID, m.revoke(c, x.Link))
		case GetKnocks:
			m.reply(in.ID, m.knockList(c), "")
		case Answer:
			m.finish(in.ID, m.answer(c, x))
		case MoveChat:
			m.finish(in.ID, m.moveChat(c, x.Origin))
		case GetMembers:
			m.reply(in.ID, m.getMembers(c, x), "")
		default:
			m.reply(in.ID, nil, ErrUnknown)
		}
	})
	if !ok {
		m.reply(in.ID, nil, ErrInternal)
	}
}

// chatOf returns the chat that a command is about.
func chatOf(x Command) string {
	switch x := x.(type) {
	case SendText:
		return x.Chat
	case Forward:
		return x.Chat
	case SendPoll:
		return x.Chat
	case SetVanish:
		return x.Chat
	case Vote:
		return x.Chat
	case ClosePoll:
		return x.Chat
	case Edit:
		return x.Chat
	case Delete:
		return x.Chat
	case React:
		return x.Chat
	case MarkRead:
		return x.Chat
	case Typing:
		return x.Chat
	case SetDraft:
		return x.Chat
	case Retry:
		return x.Chat
	case Discard:
		return x.Chat
	case Fetch:
		return x.Chat
	case Stop:
		return x.Chat
	case SetGroup:
		return x.Chat
	case AddMembers:
		return x.Chat
	case RemoveMember:
		return x.Chat
	case Leave:
		return x.Chat
	case GetMembers:
		return x.Chat
	case MoveChat:
		return x.Chat
	case GroupInvite:
		return x.Chat
	case GetLinks:
		return x.Chat
	case RevokeLink:
		return x.Chat
	case GetKnocks:
		return x.Chat
	case Answer:
		return x.Chat
	case SetRole:
		return x.Chat
	case Pin:
		return x.Chat
	case Unban:
		return x.Chat
	case SendNow:
		return x.Chat
	case Hide:
		return x.Chat
	}
	return ""
}

// cleanText and cleanName turn what is wrong with an input into the person's words.
func cleanText(s string) (string, ErrCode) {
	t, err := content.CleanText(s)
	switch {
	case errors.Is(err, content.ErrEmpty):
		return "", ErrTextEmpty
	case errors.Is(err, content.ErrTooLong):
		return "", ErrTextLong
	case err != nil:
		return "", ErrBadArguments
	}
	return t, ""
}

func cleanName(s string) (string, ErrCode) {
	n, err := content.CleanName(s)
	switch {
	case errors.Is(err, content.ErrEmpty):
		return "", ErrNameEmpty
	case errors.Is(err, content.ErrTooLong):
		return "", ErrNameLong
	case err != nil:
		return "", ErrNameBad
	}
	return n, ""
}

// canSend says whether anything can be written into the chat.
func (m *Machine) canSend(v *chat) (*chat, ErrCode) {
	c := m.sender(v)
	switch {
	case v.Leaving || c.State == chatLeft:
		return nil, ErrLeft
	case !c.alive() && !m.healing(c): // what is written while it heals waits
		return nil, ErrNotAllowed
	}
	return c, ""
}

// sendText queues a message. It is shown at once, after all that has a place.
func (m *Machine) sendText(v *chat, x SendText, found *Found) (string, ErrCode) {
	when, code := m.checkTime(v, x.At)
	if code != "" {
		return "", code
	}
	c, code := m.canPost(v)
	if when != 0 {
		c, code = m.canSend(v) // what may be posted then is found out then
	}
	if code != "" {
		return "", code
	}
	var reply content.MessageID
	if x.ReplyTo != "" {
		if found == nil || found.Index >= timeline.ScheduledFirst {
			return "", ErrNoMessage
		}
		reply = content.MessageID(found.ID)
	}
	msg, moves, code := m.compose(c, x, reply, "")
	if code != "" {
		return "", code
	}
	id, code := m.say(v, c, msg, moves, when)
	if v.Draft != "" && code == "" {
		v.Draft, v.dirtyMeta = "", true
		m.tell(syncDraft, "draft/"+v.id, draftSaid{Chat: v.id})
	}
	return id, code
}

// compose makes a message and the uploads of its files.
func (m *Machine) compose(c *chat, x SendText, reply content.MessageID, forwarded string) (content.Message, []*transfer, ErrCode) {
	text, code := "", ErrCode("")
	if x.Text != "" || len(x.Files) == 0 {
		if text, code = cleanText(x.Text); code != "" {
			return nil, nil, code
		}
	}
	named, ok := mentionsOf(x, text)
	if !ok {
		return nil, nil, ErrBadArguments
	}
	extra := content.Extra{Silent: x.Silent, Forwarded: forwarded, Expires: c.c.State().Vanish}
	if len(x.Files) == 0 {
		return content.Text{Text: text, ReplyTo: reply, Mentions: named, Extra: extra}, nil, ""
	}
	files := content.Files{Text: text, ReplyTo: reply, Mentions: named, Extra: extra}
	moves, code := m.uploads(x.Files, &files)
	return files, moves, code
}

// canPost says whether one may post something new in a chat now.
func (m *Machine) canPost(v *chat) (*chat, ErrCode) {
	c, code := m.canSend(v)
	if code == "" {
		_, code = m.mayPost(c, true)
	}
	if code == "" && c.waitsSlow() {
		code = ErrSlow
	}
	return c, code
}

// say queues a message with the uploads of its files, to be sent at when: 0 is now.
func (m *Machine) say(v, c *chat, msg content.Message, moves []*transfer, when int64) (string, ErrCode) {
	body, code := m.bodyOf(msg)
	if code != "" {
		return "", code
	}
	i := &outbox.Item{
		Kind: outbox.Message, Body: body, SentMS: uint64(m.now.UnixMilli()), Waits: len(moves), Expires: expiresOf(msg),
		ID: content.NewMessageID(m.acc.person(), c.log, body),
	}
	for _, t := range moves {
		i.Refs = append(i.Refs, t.stored.Ref)
	}
	if when != 0 {
		i.At, i.SentMS, i.Index = when, uint64(when), m.scheduledIndex(v, when)
	} else {
		v.Waiting++
		i.Index = timeline.QueuedFirst + v.Waiting
		v.At, v.dirtyNumbers = m.now.UnixMilli(), true
	}
	m.enqueue(c, i)
	m.putQueued(c, i)
	c.schedule()
	id := timeline.ID(i.ID).Text()
	for n, t := range moves {
		t.stored.Chat, t.stored.Message, t.stored.File = c.id, i.ID, n
		m.beginMove(t)
	}
	return id, ""
}

// bodyOf encodes a message that fits a frame.
func (m *Machine) bodyOf(msg content.Message) ([]byte, ErrCode) {
	body, err := content.Encode(msg)
	if err == nil {
		_, err = content.Frame{Body: body, SentMS: uint64(m.now.UnixMilli())}.Encode()
	}
	switch {
	case errors.Is(err, content.ErrTooLarge):
		return nil, ErrTextLong
	case err != nil:
		return nil, ErrBadArguments
	}
	return body, ""
}

// putQueued stores the entry of an own message that has no place yet.
func (m *Machine) putQueued(c *chat, i *outbox.Item) {
	v := m.view(c)
	u, err := content.Parse(i.Body)
	if err != nil {
		return
	}
	msg, err := u.Verify()
	if err != nil {
		return
	}
	e := entryOf(msg)
	e.ID, e.Index, e.Log, e.At, e.From, e.Own, e.State = i.ID, i.Index, c.log, int64(i.SentMS), m.acc.person(), true, timeline.Queued
	switch {
	case i.Failed:
		e.State = timeline.Failed
	case i.At != 0:
		e.State = timeline.Scheduled
	}
	for n := range e.Files {
		if n < len(i.Refs) {
			e.Files[n].Ref = i.Refs[n]
		}
	}
	m.setPairs(timeline.Put(v.id, e)...)
	m.stale(v, e.ID)
	m.show(v)
}

// target returns the conversation that a found message is in, when it can be written to: an
// annotation goes into the conversation of its message, so that all who have one have the other.
func (m *Machine) target(v *chat, found *Found) (*chat, ErrCode) {
	if found == nil || found.Notice {
		return nil, ErrNoMessage
	}
	c := m.chats[plane.LogID(found.Log).Text()]
	if c == nil || m.view(c) != v {
		return nil, ErrNoMessage
	}
	if found.Index >= timeline.ScheduledFirst {
		return nil, ErrNotAllowed // its id may change until it is sent
	}
	switch {
	case v.Leaving || c.State == chatLeft:
		return nil, ErrLeft
	case !c.alive():
		return nil, ErrNotAllowed
	}
	return c, ""
}

func (m *Machine) edit(v *chat, x Edit, found *Found) ErrCode {
	if found != nil {
		if i, c := m.queuedIn(v, found.ID); i != nil && i.At != 0 {
			return m.editScheduled(v, c, i, x)
		}
	}
	c, code := m.target(v, found)
	if code != "" {
		return code
	}
	if !found.Own || found.Deleted || x.At != 0 || found.Poll != nil {
		return ErrNotAllowed
	}
	if _, code := m.mayPost(c, false); code != "" {
		return code
	}
	text, code := cleanText(x.Text)
	if code != "" {
		return code
	}
	m.noteOn(c, found.ID, content.Edit{Of: content.MessageID(found.ID), Text: text, Expires: m.left(found)})
	return ""
}

func (m *Machine) remove(v *chat, found *Found) ErrCode {
	if found != nil {
		if i := m.queued(v, found.ID); i != nil && i.Msg == nil {
			return m.discard(v, timeline.ID(found.ID).Text())
		}
	}
	c, code := m.target(v, found)
	if code != "" {
		return code
	}
	if !found.Own {
		return ErrNotAllowed
	}
	if !found.Deleted {
		m.noteOn(c, found.ID, content.Delete{Of: content.MessageID(found.ID), Expires: m.left(found)})
	}
	return ""
}

func (m *Machine) react(v *chat, x React, found *Found) ErrCode {
	c, code := m.target(v, found)
	if code != "" {
		return code
	}
	if found.Deleted {
		return ErrNoMessage
	}
	var msg content.Message = content.React{To: content.MessageID(found.ID), Emoji: x.Emoji, Expires: m.left(found)}
	switch {
	case x.On == (found.Reaction != nil):
		return ""
	case !x.On:
		msg = content.Unreact{Reaction: content.MessageID(*found.Reaction), To: content.MessageID(found.ID), Expires: m.left(found)}
	}
	if _, err := content.Encode(msg); err != nil {
		return ErrBadArguments
	}
	m.noteOn(c, found.ID, msg)
	return ""
}

func (m *Machine) markRead(v *chat, x MarkRead, found *Found) ErrCode {
	if found == nil {
		return ErrNoMessage
	}
	c := m.chats[plane.LogID(found.Log).Text()]
	if c == nil || m.view(c) != v {
		return ErrNoMessage
	}
	if found.Seq == 0 {
		return "" // an own message without a place
	}
	moved := plane.Seq(found.Seq) > c.Read
	if moved {
		c.Read, c.dirtyNumbers = plane.Seq(found.Seq), true
		v.ReadUpTo, v.dirtyNumbers = found.ID[:], true
	}
	if found.After < v.Unread {
		v.Unread, v.Mentions, v.dirtyNumbers = found.After, found.Mentions, true
		moved = true
	}
	m.sayPref(v.log, prefMarked, 0)
	if moved {
		m.show(v)
		m.tellRead(v, c)
		m.receiptDue(c)
	}
	return ""
}

func (m *Machine) typing(v *chat) {
	c := m.sender(v)
	s := m.servers[c.Server]
	if m.acc.NoTyping || s == nil || !s.up || c.write == 0 || !c.alive() || c.c.State().Kind == convo.Saved {
		return
	}
	if !c.typedAt.IsZero() && m.now.Sub(c.typedAt) < typingEvery && m.now.After(c.typedAt.Add(-time.Minute)) {
		return
	}
	c.typedAt = m.now
	m.sendSignal(s, c, signalBody{Kind: signalTyping})
}

func (m *Machine) setDraft(v *chat, x SetDraft) ErrCode {
	if len(x.Text) > plane.TextBytesMax {
		return ErrTextLong
	}
	if v.Draft != x.Text {
		v.Draft, v.dirtyMeta = x.Text, true
		m.tell(syncDraft, "draft/"+v.id, draftSaid{Chat: v.id, Text: x.Text})
		m.show(v)
	}
	return ""
}

// queued returns the outbox item of a message that the chat shows.
func (m *Machine) queued(v *chat, id [32]byte) *outbox.Item {
	i, _ := m.queuedIn(v, id)
	return i
}

func (m *Machine) queuedIn(v *chat, id [32]byte) (*outbox.Item, *chat) {
	for _, c := range m.sortedChats() {
		if m.view(c) == v {
			if i := c.q.Find(id); i != nil {
				return i, c
			}
		}
	}
	return nil, nil
}

func (m *Machine) retry(v *chat, message string) ErrCode {
	id, ok := timeline.ParseID(message)
	i, c := m.queuedIn(v, id)
	if !ok || i == nil {
		return ErrNoMessage
	}
	if _, code := m.canSend(v); code != "" {
		return code
	}
	if i.Failed {
		i.Failed = false
		m.retryMoves(c, i)
		m.saveItem(c, i)
		m.putQueued(c, i)
		c.schedule()
	}
	c.retryAt = time.Time{}
	m.touch(c)
	return ""
}

// discard drops a message that has no place yet. One that may have been sent is taken back when
// it has got there.
func (m *Machine) discard(v *chat, message string) ErrCode {
	id, ok := timeline.ParseID(message)
	i, c := m.queuedIn(v, id)
	if !ok || i == nil {
		return ErrNoMessage
	}
	if i.Msg != nil {
		m.noteOn(c, i.ID, content.Delete{Of: i.ID, Expires: i.Expires}) // it may be at the server: take it back from there
		return ""
	}
	m.stopMoves(c, i)
	m.dropItem(c, i)
	c.schedule()
	for _, n := range slices.Clone(c.q.Items) {
		if n.After == i.ID {
			m.dropItem(c, n)
		}
	}
	m.setPairs(timeline.Drop(v.id, i.ID, i.Index)...)
	m.emit(Emit{MessageGone{Chat: v.id, Message: message}})
	m.show(v)
	return ""
}

func (m *Machine) setName(x SetName) ErrCode {
	name, code := cleanName(x.Name)
	if code != "" {
		return code
	}
	if name == m.acc.Name {
		return ""
	}
	m.acc.Name = name
	m.saveSelf()
	m.tellSelf()
	m.inbox.stored.Renamed = true
	m.saveInbox()
	if s := m.servers[m.acc.Home]; s != nil {
		m.touchServer(s)
	}
	p := m.person(m.acc.person())
	p.stored.Name = name
	m.savePerson(p)
	for _, c := range m.sortedChats() {
		if c.alive() {
			m.sayProfile(c)
		}
	}
	m.emit(Emit{AccountChanged{Account: m.account(), Settings: m.settings()}})
	return ""
}

func (m *Machine) setSettings(x SetSettings) {
	if x.ReadReceipts != nil {
		m.acc.NoReceipts = !*x.ReadReceipts
	}
	if x.TypingShown != nil {
		m.acc.NoTyping = !*x.TypingShown
	}
	m.saveSelf()
	m.tellSelf()
	m.emit(Emit{AccountChanged{Account: m.account(), Settings: m.settings()}})
}
