package core

import (
	"time"

	"paperplane/protocol/plane"
)

// A device whose leaf is replaced by one of its own person under a mandate that it does not know was
// signed out: by the twelve words, which begin Saved anew and so cannot say it there (V-05). A device that
// was away hears of a mandate in Saved, where it stands before any commit brings it; so it reads
// Saved to its end first.

// successorWait is how long the record of Saved may be behind that of another log.
const successorWait = 3 * time.Second

// succeeded: a device of one's own under the mandate of that generation stands in the place of this one.
func (m *Machine) succeeded(gen uint32) {
	if m.acc != nil && gen > max(m.acc.Gen, m.devs.Newer) && !m.devs.Out {
		m.devs.Newer = gen
		m.saveDevices()
	}
}

// dueSuccessor signs this device out when Saved says nothing of that mandate.
func (m *Machine) dueSuccessor() {
	c := m.saved()
	switch {
	case m.devs.Newer == 0 || m.devs.Out || m.acc == nil:
	case m.devs.Newer <= m.acc.Gen:
		m.devs.Newer, m.newerAt = 0, time.Time{}
		m.saveDevices()
		return
	case c != nil && c.alive() && (m.stuck(c) || !m.savedHere()):
		m.newerAt = time.Time{}
		return
	case m.newerAt.IsZero():
		m.newerAt = m.now.Add(successorWait)
		return
	case m.now.Before(m.newerAt):
		return
	default:
		m.signedOut()
		for _, c := range m.sortedChats() {
			if c.alive() {
				m.close(c)
			}
		}
	}
	m.newerAt = time.Time{}
}

// replacedAfter is how often in a row the inbox opens no more before a person is told.
const replacedAfter = 3

// replaced says that the account probably goes on elsewhere: who comes back by words makes another inbox and
// deletes this one (D-34), and a device that has nothing but Saved hears of it in no conversation. A
// server can make it seem so, so nothing ends; but the vault is left to whoever has the inbox.
func (m *Machine) replaced() bool {
	return m.words.Kept && m.inbox.refused >= replacedAfter && m.savedHere() && !m.devs.Out
}

// inboxOpened takes what the server says to the key of the inbox.
func (m *Machine) inboxOpened(code plane.Code) {
	b := &m.inbox
	if code == plane.Refused && b.stored.Created {
		b.refused++
	} else if code == plane.OK {
		b.refused = 0
	}
	if m.replaced() != (m.notice == "replaced") && (m.notice == "" || m.notice == "replaced") {
		m.setNotice("")
	}
}

// close ends a conversation here, for a device that was signed out. Nothing is erased.
func (m *Machine) close(c *chat) {
	if w := m.waitOf(c.id); w != nil {
		m.dropWait(w)
	}
	c.State, c.Leaving, c.dirtyMeta = chatLeft, false, true
	c.healAt = time.Time{}
	m.ended(c)
	m.hangChat(c)
	m.show(c)
}
