package core

import (
	"slices"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// The queue of a group is no way to be heard where another branch has changed its keys, or nobody is
// left who keeps it. Who gets no answer there asks in the log of the conversation itself, which it can
// write as long as the server has keys that it knows, and in the inboxes of contacts.

// way sets the place of number Way to knock at for a group: its queue, its log, then the inboxes of
// contacts who are members. False: there is none.
func (m *Machine) way(w *storedWait, c *chat) bool {
	w.Inbox, w.InLog, w.Asked = false, false, plane.PublicKey{}
	k := c.c.State().Queue
	if k == nil && c.locked() && c.owner != nil {
		k = queueOf(c.owner) // it may have a queue that came later
	}
	if k == nil && w.Way == 0 {
		w.Way = 1
	}
	list := m.contactsIn(c)
	i := w.Way - 2
	if w.Way > len(list) {
		w.Way = -1 // then the queue again
	}
	switch {
	case i == -2:
		w.Queue, w.Door, w.Card = k.Log, k.Rejoin, k.Card
	case i < 0 || i >= len(list):
		w.InLog, w.Queue = true, c.log
	default:
		p := list[i]
		w.Inbox, w.Asked, w.Queue, w.Door, w.Card = true, p.key, plane.LogID(p.stored.Inbox), p.stored.Door, p.stored.Card
	}
	return !w.InLog || !c.locked() || len(list) > 0
}

// contactsIn are the members of a group whose inboxes are known, in the order of the group.
func (m *Machine) contactsIn(c *chat) (list []*person) {
	for _, x := range c.c.Members() {
		if p := m.people[x.Person]; p != nil && !x.Own && p.stored.Door != [16]byte{} && p.stored.Server == c.Server {
			list = append(list, p)
		}
	}
	return list
}

// elsewhere makes the next knock of one who is lost at another place, if there is one.
func (m *Machine) elsewhere(w *waiting) bool {
	c := m.chats[w.Chat.Text()]
	if !w.Again || c == nil || c.kind() != ChatGroup {
		return false
	}
	w.Way++
	if !m.way(&w.storedWait, c) {
		return false
	}
	m.knockAnew(w)
	return true
}

// logKEM is the key to which who is lost seals its knock in the log: all who read it know it.
func logKEM(c *chat, gen plane.Gen) *seal.KEMKey {
	for _, g := range c.c.Generations() {
		if g.Gen == gen {
			h := hashOf(append([]byte("pp log knock v1"), g.Secret[:]...))
			k, err := seal.KEMKeyFromSeed(h[:])
			if err == nil {
				return k
			}
		}
	}
	return nil
}

// knockInLog puts a knock into the log, if one can write there.
func (m *Machine) knockInLog(w *waiting, ask func(wire.Request, func(wire.Answer) bool)) {
	c := m.chats[w.Chat.Text()]
	if c == nil || c.write == 0 || w.tries > waysAfter {
		w.retryAt = m.now.Add(backoff(w.tries))
		if w.tries++; w.tries > waysAfter && c != nil {
			m.elsewhere(w)
		}
		return
	}
	if k := logKEM(c, c.gen); w.Body == nil && k != nil {
		w.QueueKEM = k.Public()
		m.makeKnock(w)
	}
	if w.Body == nil {
		m.elsewhere(w)
		return
	}
	r := wire.Append{Handle: c.write, Body: w.Body, Retry: w.Tried}
	w.Tried = true
	m.saveWait(w)
	ask(r, func(a wire.Answer) bool {
		if codeOf(a) != plane.OK {
			return false
		}
		w.Knocked, w.Body = true, nil
		m.saveWait(w)
		return true
	})
}

// heardInLog takes a record that is nothing to the conversation: it may be a knock.
func (m *Machine) heardInLog(c *chat, body []byte) {
	if len(body) != plane.RecordLarge || c.c.State().Kind != convo.Group || c.c.Light() || !m.watches(c) {
		return
	}
	for _, g := range slices.Backward(c.c.Generations()) {
		if g.Gen > c.gen || g.Gen+1 < c.gen {
			continue
		}
		if k, err := account.OpenKnock(logKEM(c, g.Gen), c.log, body, m.now); err == nil && k.Conversation == c.log {
			c.c.Unvoid()
			if !m.own(k.Account) {
				m.askedAgain(k)
			}
			return
		}
	}
}
