package core

import (
	"bytes"
	"slices"

	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// What devices say to each other of chats and of oneself.
type draftSaid struct {
	_          struct{} `cbor:",toarray"`
	Chat, Text string
}

type readSaid struct {
	_      struct{} `cbor:",toarray"`
	Chat   string
	Log    plane.LogID
	Read   plane.Seq
	Got    plane.Seq
	Unread int
	Upto   []byte
}

type selfSaid struct {
	_                    struct{} `cbor:",toarray"`
	Name                 string
	NoReceipts, NoTyping bool
}

type personSaid struct {
	_      struct{} `cbor:",toarray"`
	Key    plane.PublicKey
	Stored storedPerson
}

func (m *Machine) tellRead(v, c *chat) {
	m.tell(syncRead, "read/"+c.id, readSaid{Chat: v.id, Log: c.log, Read: c.Read, Got: c.Got, Unread: v.Unread, Upto: v.ReadUpTo})
}

func (m *Machine) readElsewhere(x readSaid) {
	v, c := m.chats[x.Chat], m.chats[x.Log.Text()]
	if v == nil || c == nil || x.Read <= c.Read || len(x.Upto) != 32 {
		return
	}
	c.Read, v.ReadUpTo = x.Read, x.Upto
	newer := 0
	if c.Got > x.Got {
		newer = int(min(c.Got-x.Got, unreadMax)) // at most: some of these places hold no message
	}
	v.Unread = min(v.Unread, max(0, x.Unread)+newer)
	if v.Unread == 0 {
		v.Mentions = 0
	}
	c.dirtyNumbers, v.dirtyNumbers = true, true
	m.show(v)
	m.receiptDue(c)
}

func (m *Machine) tellSelf() {
	m.tell(syncSelf, "self", selfSaid{Name: m.acc.Name, NoReceipts: m.acc.NoReceipts, NoTyping: m.acc.NoTyping})
}

func (m *Machine) selfElsewhere(x selfSaid) {
	name, err := content.CleanName(x.Name)
	if err != nil || name != x.Name {
		return
	}
	m.acc.Name, m.acc.NoReceipts, m.acc.NoTyping = x.Name, x.NoReceipts, x.NoTyping
	m.saveSelf()
	p := m.person(m.acc.person())
	p.stored.Name = name
	m.savePerson(p)
	m.emit(Emit{AccountChanged{Account: m.account(), Settings: m.settings()}})
}

// mergeKEMs takes over the inbox keys that another of one's devices has made.
func (m *Machine) mergeKEMs(list []inboxKEM) {
	b := &m.inbox.stored
	for _, k := range list {
		if !m.kemOfInbox(k) || slices.ContainsFunc(b.KEMs, func(x inboxKEM) bool { return bytes.Equal(x.Seed, k.Seed) }) {
			continue
		}
		i := 0
		for i < len(b.KEMs) && b.KEMs[i].Made > k.Made {
			i++
		}
		b.KEMs = append(b.KEMs[:i:i], append([]inboxKEM{k}, b.KEMs[i:]...)...)
	}
	b.KEMs = b.KEMs[:min(len(b.KEMs), kemsMax)]
	m.saveInbox()
}
