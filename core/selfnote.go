package core

import (
	"bytes"
	"slices"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// A device that is set back to an old copy of its vault knows nothing of the groups that it came into
// since, nor of whom it met, and in those it has to go on by itself, nothing of whom it let in. Nobody
// else can tell it when there is no contact. So each device leaves notes for a later self of it in its
// own inbox, whose keys the copy has. That there is one that it has not written tells it, too,
// that its pool may hold what only its later self can open.

const (
	// noteGroupsMax bounds the groups that a note tells of, and notePeopleMax the members, of groups in
	// which one may add people.
	noteGroupsMax = 512
	notePeopleMax = 64
	// noteEach is how long a note waits for more to be told; noteDays is when the same is said again.
	noteEach = time.Minute
	noteDays = 10
	// noteKeyBytes is how much of a key stands in a note: nobody makes another key that begins alike.
	noteKeyBytes = 16
	// notePart is how many bytes of groups go into a record.
	notePart = 6 << 10
	// noteOwn is how many records of one's own are known again.
	noteOwn = 256
	// pairTries is how often one asks into a chat of two that a note names: for about two weeks.
	pairTries = 64
)

// noted is a group in a note.
type noted struct {
	_      struct{} `cbor:",toarray"`
	Hint   hint
	People []byte // the first noteKeyBytes of each one's key
}

// notedPair is a chat of two in a note; its hint leads to the inbox of the other.
type notedPair struct {
	_      struct{} `cbor:",toarray"`
	Hint   hint
	Person plane.PublicKey
	Name   string
	Owner  []byte // of the log, where it is known
}

// selfNote is a record of a note; the first takes the place of all before.
type selfNote struct {
	_      struct{} `cbor:",toarray"`
	First  bool
	Groups []noted
	Pairs  []notedPair
	Pool   [8]byte // says that the pool is another
}

// storedNote is what a device knows of the notes in its inbox.
type storedNote struct {
	Said [8]byte     `cbor:"1,keyasint,omitzero"` // hash of what this device said last
	Day  plane.Day   `cbor:"2,keyasint,omitempty"`
	Own  [][8]byte   `cbor:"3,keyasint,omitempty"` // hashes of its records
	News []hint      `cbor:"4,keyasint,omitempty"` // groups of which only another's note tells
	Met  []notedPair `cbor:"5,keyasint,omitempty"` // and chats of two
}

func short(b []byte) [8]byte { h := hashOf(b); return [8]byte(h[:8]) }

func (m *Machine) noteKey() seal.EnvelopeKey {
	h := hashOf(append([]byte("pp inbox note v1"), m.acc.inboxOwner.Seed()...))
	k, err := seal.NewEnvelopeKey(h[:])
	inv.That(err == nil, "32 bytes")
	return k
}

// noteSoon has the note looked at: something in it may have changed.
func (m *Machine) noteSoon() {
	if m.noteAt.IsZero() {
		m.noteAt = m.now.Add(between(noteEach/2, noteEach))
	}
}

// dueNote follows what a later self has said, and has the inbox looked at for the next note.
func (m *Machine) dueNote() {
	s := m.home()
	if !s.isUp() || m.noteAt.IsZero() || m.now.Before(m.noteAt) || m.inbox.noting || m.devs.Out {
		return
	}
	s.stale = true
	if m.inbox.subscribed && len(m.noted.News)+len(m.noted.Met) > 0 {
		for _, h := range m.noted.News {
			m.follow(h)
		}
		for _, p := range m.noted.Met {
			m.meet(p)
		}
		m.noted.News, m.noted.Met = nil, nil
		m.saveNote()
	}
}

func (m *Machine) home() *server {
	if m.acc == nil {
		return nil
	}
	return m.servers[m.acc.Home]
}

// pumpNote says what there is, when all of the inbox has been read.
func (m *Machine) pumpNote(s *server) {
	b := &m.inbox
	if !b.subscribed || b.noting || m.noteAt.IsZero() || m.now.Before(m.noteAt) || m.devs.Out {
		return
	}
	m.noteAt = time.Time{}
	parts := m.notes()
	said := short(timeline.Encode(parts))
	today := plane.DayOf(m.now)
	if said == m.noted.Said && today < m.noted.Day+noteDays {
		return
	}
	var bodies [][]byte
	for _, p := range parts {
		body, err := seal.SealRecord(m.noteKey(), m.acc.inboxLog(), timeline.Encode(p))
		if err != nil {
			return // never: parts fit
		}
		bodies = append(bodies, body)
		m.noted.Own = append(m.noted.Own[max(0, len(m.noted.Own)-noteOwn+1):], short(body))
	}
	m.saveNote()
	b.noting = true
	done := func(ok bool) {
		b.noting = false
		if !ok {
			m.noteSoon()
			return
		}
		m.noted.Said, m.noted.Day = said, today
		m.saveNote()
	}
	m.sendInbox(s, s.open(m.acc.inboxLog(), wire.RoleWrite, 1, m.acc.inboxWrite), func(a wire.Answer) {
		o, ok := a.(wire.Opened)
		if !ok {
			done(false)
			return
		}
		left, worst := len(bodies), plane.OK
		for _, body := range bodies {
			m.sendInbox(s, wire.Append{Handle: o.Handle, Body: body}, func(a wire.Answer) {
				if code := codeOf(a); code != plane.OK {
					worst = code
				}
				if left--; left > 0 {
					return
				}
				m.send(s, wire.Close{Handle: o.Handle}, func(wire.Answer) {})
				done(worst == plane.OK)
			})
		}
	})
}

func (m *Machine) saveNote() { m.put("s/note", m.noted) }

// notes are the records of a note.
func (m *Machine) notes() []selfNote {
	parts := []selfNote{{First: true, Pool: m.poolMark()}}
	size, n := 0, 0
	room := func(b int) *selfNote {
		if size+b > notePart {
			parts, size = append(parts, selfNote{}), 0
		}
		size, n = size+b, n+1
		return &parts[len(parts)-1]
	}
	for _, c := range m.sortedChats() {
		if c.Person != nil && c.alive() && !c.Leaving && c.Created && c.Knock == nil && n < noteGroupsMax {
			if p := m.person(*c.Person); p.stored.Door != [16]byte{} && p.stored.Server == c.Server {
				x := notedPair{Person: p.key, Name: p.stored.Name, Owner: c.Owner}
				x.Hint = hint{Server: c.Server, Chat: c.log, Queue: plane.LogID(p.stored.Inbox), Rejoin: p.stored.Door, Card: p.stored.Card}
				last := room(len(timeline.Encode(x)))
				last.Pairs = append(last.Pairs, x)
			}
		}
		k := c.c.State().Queue
		if c.kind() != ChatGroup || !c.alive() || c.Leaving || k == nil || n == noteGroupsMax {
			continue
		}
		x := noted{Hint: hint{Server: c.Server, Chat: c.log, Queue: k.Log, Rejoin: k.Rejoin, Card: k.Card}}
		if !c.c.Light() && c.c.Size() <= notePeopleMax && mayAdd(c) {
			for _, p := range c.c.Members() {
				x.People = append(x.People, p.Person[:noteKeyBytes]...)
			}
			if c.Behind {
				x.People = append(x.People, c.Noted...)
			}
		}
		last := room(len(timeline.Encode(x)))
		last.Groups = append(last.Groups, x)
	}
	return parts
}

// readNote takes a record of one's own inbox that is a note; false: it is something else.
func (m *Machine) readNote(body []byte) bool {
	plain, err := seal.OpenRecord(m.noteKey(), m.acc.inboxLog(), body)
	if err != nil {
		return false
	}
	var n selfNote
	if slices.Contains(m.noted.Own, short(body)) || timeline.Decode(plain, &n) != nil {
		return true
	}
	if n.First {
		m.noted.News, m.noted.Met = nil, nil
	}
	m.poolAnew()
	for _, p := range n.Pairs {
		if m.chats[p.Hint.Chat.Text()] == nil && !m.own(p.Person) {
			m.noted.Met = append(m.noted.Met[max(0, len(m.noted.Met)-noteGroupsMax+1):], p)
		}
	}
	for _, g := range n.Groups {
		if c := m.chats[g.Hint.Chat.Text()]; c == nil || c.State == chatLeft {
			m.noted.News = append(m.noted.News[max(0, len(m.noted.News)-noteGroupsMax+1):], g.Hint)
		} else if len(g.People)%noteKeyBytes == 0 && len(g.People) <= 2*noteKeyBytes*notePeopleMax && !bytes.Equal(c.Noted, g.People) {
			c.Noted, c.dirtyMeta = g.People, true
		}
	}
	m.saveNote()
	m.noteSoon()
	return true
}

// follow knocks at a group that only a note tells of. Where this device is no member any more, it is
// told so.
func (m *Machine) follow(h hint) {
	c := m.chats[h.Chat.Text()]
	if m.servers[h.Server] == nil || m.waitOf(h.Chat.Text()) != nil || c != nil && (c.State != chatLeft || c.Leaving) || len(m.waits) >= waitsMax || len(m.chats) >= chatsMax {
		return
	}
	m.newWait(storedWait{Server: h.Server, Again: true, Hinted: true, Chat: h.Chat, Queue: h.Queue, Door: h.Rejoin, Card: h.Card})
}

// meet asks into a chat of two that only a note tells of.
func (m *Machine) meet(x notedPair) {
	h := x.Hint
	if m.servers[h.Server] == nil || m.waitOf(h.Chat.Text()) != nil || m.chats[h.Chat.Text()] != nil || len(m.waits) >= waitsMax || len(m.chats) >= chatsMax {
		return
	}
	p := m.person(x.Person)
	if p.stored.Door == [16]byte{} {
		p.stored.Inbox, p.stored.Door, p.stored.Card, p.stored.Server = h.Queue, h.Rejoin, h.Card, h.Server
		if p.stored.Name == "" {
			p.stored.Name = x.Name
		}
		m.savePerson(p)
	}
	l := &lostChat{Log: h.Chat, Kind: convo.Two, Key: m.deviceKey(), Numbers: chatNumbers{Next: 1, At: m.now.UnixMilli()}}
	l.Meta = chatMeta{Server: h.Server, Owner: x.Owner, Person: &x.Person, State: chatOpen, Started: m.now.UnixMilli()}
	m.emit(Emit{ChatChanged{m.waitView(m.newWait(storedWait{Server: h.Server, Again: true, Inbox: true, Chat: h.Chat, Queue: h.Queue, Door: h.Rejoin, Card: h.Card, Lost: l}))}})
}

// setBack says of a wait that it is for what only a note tells of.
func (w *waiting) setBack(m *Machine) bool { return w.Lost != nil && w.Lost.Key == m.deviceKey() }

// poolMark changes with what the pool holds. One's other devices have what several made.
func (m *Machine) poolMark() (mark [8]byte) {
	b := &m.inbox
	if m.others() || len(b.stored.KEMs) == 0 || len(b.packages) == 0 {
		return mark
	}
	return short(append([]byte(b.packages[len(b.packages)-1].ref), b.stored.KEMs[0].Seed...))
}

// poolAnew puts other packages and another card in the place of those of a later self, which this device
// cannot open. Where cards are another too often, its own takes that place (see turnKEM).
func (m *Machine) poolAnew() {
	if m.others() {
		return
	}
	m.inbox.stored.Renamed, m.inbox.stored.Put, m.inbox.filled = true, false, false
	m.saveInbox()
	m.home().stale = true
}

// vouched says that who asks to come back is no member as far as this device knows, which has gone on
// from an old copy, but was one for its later self.
func (m *Machine) vouched(c *chat, k *account.Knock) bool {
	st := c.c.State()
	return c.Behind && k.Again && mayAdd(c) && c.notedAt(k.Account) >= 0 && !c.c.Has(k.Account) && st.BannedAt(k.Account) < 0 && caps.Follows(k.Credential, k.Account, m.mandateIn(k.Account))
}

// notedAt returns where in Noted somebody stands, or -1.
func (c *chat) notedAt(who plane.PublicKey) int {
	for i := 0; i+noteKeyBytes <= len(c.Noted); i += noteKeyBytes {
		if bytes.Equal(c.Noted[i:i+noteKeyBytes], who[:noteKeyBytes]) {
			return i
		}
	}
	return -1
}

// unnote: what a later self knew of these people is over.
func (c *chat) unnote(list []plane.PublicKey) {
	for _, who := range list {
		if i := c.notedAt(who); i >= 0 {
			c.Noted, c.dirtyMeta = slices.Delete(slices.Clone(c.Noted), i, i+noteKeyBytes), true
		}
	}
}

// goneOn: this device goes on from an old copy, without what others may know.
func (m *Machine) goneOn(c *chat) {
	if c.c.State().Kind == convo.Group && !c.Behind {
		c.Behind, c.dirtyMeta = true, true
	}
}
