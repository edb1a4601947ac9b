package core

import (
	"slices"
	"time"

	"paperplane/core/outbox"
)

const (
	// syncsMax bounds the Syncs under way at once.
	syncsMax = 16
	// syncTries is how often a conversation may have been refused before Sync goes on without it:
	// its log may be gone for good.
	syncTries = 3
)

// syncing is a Sync under way. It is not stored: it changes nothing.
type syncing struct {
	id    string
	until time.Time
}

// sync begins to wait. Receipts that an earlier run left unsaid go out now: whoever asks comes
// and goes, and would never live to see their time come. It has passed long ago in any case.
func (m *Machine) sync(id string) {
	if len(m.syncs) >= syncsMax {
		m.reply(id, nil, ErrOffline)
		return
	}
	if len(m.syncs) == 0 {
		for _, c := range m.sortedChats() {
			if c.receipts.IsZero() && c.unsaid(m) {
				c.receipts = m.now
				m.receiptDue(c)
				m.touch(c)
			}
		}
	}
	m.syncs = append(m.syncs, syncing{id, m.now.Add(answerMax)})
}

// dueSyncs answers those that wait, when all is here or their time is over.
func (m *Machine) dueSyncs() {
	if len(m.syncs) == 0 {
		return
	}
	here := m.allHere()
	m.syncs = slices.DeleteFunc(m.syncs, func(s syncing) bool {
		switch {
		case here:
			m.emit(Reply{ID: s.id, Result: Done{}}) // not worth remembering
		case !m.now.Before(s.until):
			m.emit(Reply{ID: s.id, Err: ErrOffline})
		default:
			return false
		}
		return true
	})
}

// allHere says whether everything that the servers have is here, and what can leave has left.
func (m *Machine) allHere() bool {
	for _, s := range m.servers {
		if !s.up {
			return false
		}
	}
	if b := &m.inbox; !b.subscribed || !b.filled || b.stored.Cursor < b.head {
		return false
	}
	if !m.vaultHere() || slices.ContainsFunc(m.waits, func(w *waiting) bool { return !w.settled() }) {
		return false
	}
	if slices.ContainsFunc(m.inbox.stored.Links, func(l ownLink) bool { return l.Gone }) {
		return false
	}
	if at := m.lateDue(); !at.IsZero() && at.Sub(m.now) < answerMax/2 {
		return false // somebody who has just written, whom this device takes in when no other does
	}
	if len(m.devs.Fetch)+len(m.puts)+len(m.tellings)+len(m.hearings) > 0 {
		return false // history on its way
	}
	return !slices.ContainsFunc(m.sortedChats(), func(c *chat) bool {
		return !c.settled() || c.Carry != nil && c.First == "" && m.others() || !m.queueSettled(c) || !m.devicesSettled(c)
	})
}

// settled says that nothing of a chat is under way but what waits for a transfer or a person.
func (c *chat) settled() bool {
	if !c.alive() || c.tries >= syncTries {
		return true
	}
	return c.subscribed && c.c.Cursor() >= c.head && c.Knock == nil && c.c.Pending() == nil && c.c.Held() == nil && !c.q.Has((*outbox.Item).Ready) &&
		len(c.handed) == 0 && (len(c.intents.List) == 0 || c.wishes >= syncTries)
}

// queueSettled says that all who have knocked as far as the server knows have their answer, or wait for
// somebody else, and that links that were withdrawn here open nothing any more.
func (m *Machine) queueSettled(c *chat) bool {
	k := c.c.State().Queue
	if k == nil && c.owner != nil && c.kind() == ChatGroup && c.c.OwnAdmin() && c.c.Size() > 1 && c.alive() && !c.Leaving && c.tries < syncTries {
		return c.qu().tries >= syncTries // it is about to be made: who loses everything now asks there
	}
	if !c.alive() || c.tries >= syncTries || !m.watches(c) {
		return true
	}
	q := c.queue
	if k == nil { // who has lost the thread asks in one's inbox
		return q == nil || q.tries >= syncTries || m.stuck(c) || len(q.Asks)+len(q.replies)+len(q.shares) == 0
	}
	if q == nil || q.feed == nil {
		return false
	}
	if q.tries >= syncTries || q.feed.tries >= syncTries {
		return true
	}
	if len(q.Drop) > 0 && m.keepsQueue(c) {
		return false
	}
	if f := q.feed; !f.here() && !f.gone && !f.stalled() {
		return false
	}
	return len(q.replies) == 0 && !slices.ContainsFunc(q.knocks, func(k *knocked) bool { return k.act && !k.in })
}

// settled says that one has knocked and that no answer lies at the server.
func (w *waiting) settled() bool {
	if w.Gone != "" || w.Entered != 0 || w.Quit || w.tries >= syncTries {
		return true
	}
	if !w.Created || !w.Knocked || w.feed == nil {
		return false
	}
	f := w.feed
	return (f.here() || f.gone || f.tries >= syncTries) && w.got == nil
}

// devicesSettled says that all of one's devices are in a chat, or that another is to let them in.
func (m *Machine) devicesSettled(c *chat) bool {
	if m.devs.Out || !c.alive() || c.tries >= syncTries || !c.c.RoomForDevice() || c.deviceAt.Sub(m.now) > answerMax {
		return true
	}
	for _, d := range m.devs.List {
		_, in := c.c.LeafOf(c.c.Own(), d.Key[:])
		if !in && d.Key != m.deviceKey() && m.admits(c, d) && m.packageOf(d) != nil {
			return false
		}
	}
	return true
}
