package core

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// The states of a chat.
const (
	chatOpen    = "open"
	chatWaiting = "waiting"
	chatRefused = "refused"
	chatLeft    = "left"
	chatBroken  = "broken"
	chatHealing = "healing"
)

// chat is one conversation. Two conversations with the same person (each opened the other's link)
// show as one: the later has First set to the id of the other, which shows both.
type chat struct {
	id  string
	log plane.LogID
	c   *convo.Convo
	chatMeta
	chatNumbers
	q         outbox.Queue
	intents   outbox.Intents
	owner     *caps.Signer
	held      *heldInvitation
	handed    []*handed
	queue     *queue    // of knocks, nil until there is need
	readGen   plane.Gen // whose key opened the log for reading
	refusals  int       // how often the log did not open with any key
	healAt    time.Time // when this device asks to be taken in again
	suspectAt time.Time // see suspect
	schedAt   time.Time // when the next scheduled message is due
	farther   uint64    // the epoch that those in another branch have reached
	slicing   slicing   // under way beside commits
	paging    paging    // under way with the tree

	dirtyMeta, dirtyNumbers bool
	skipConvo               bool // after a failure its state is not stored any more

	line // the session's side
}

// chatMeta changes rarely.
type chatMeta struct {
	Server  ServerID         `cbor:"1,keyasint"`
	Owner   []byte           `cbor:"2,keyasint,omitempty"`
	Person  *plane.PublicKey `cbor:"3,keyasint,omitempty"`
	State   string           `cbor:"4,keyasint"`
	Created bool             `cbor:"5,keyasint,omitempty"` // the log is at the server
	Draft   string           `cbor:"6,keyasint,omitempty"`
	First   string           `cbor:"7,keyasint,omitempty"`
	Knock   *knock           `cbor:"8,keyasint,omitempty"`
	Leaving bool             `cbor:"9,keyasint,omitempty"` // the person wants to leave
	GenDay  plane.Day        `cbor:"10,keyasint,omitempty"`
	Started int64            `cbor:"11,keyasint"`           // ms: when the chat was made here
	Why     string           `cbor:"12,keyasint,omitempty"` // the invariant that broke it
	Heals   uint64           `cbor:"13,keyasint,omitempty"` // how often the thread was found again
	AskSeed []byte           `cbor:"21,keyasint,omitempty"` // of the key to which the owner key is to be sealed
	Keep    *keeping         `cbor:"24,keyasint,omitempty"` // history that the vault names
	Told    *toldHistory     `cbor:"25,keyasint,omitempty"` // history that was announced here
	Carry   *carrying        `cbor:"20,keyasint,omitempty"` // history on its way to another device
	Pages   bool             `cbor:"28,keyasint,omitempty"` // of the tree, still to be put
	Noted   []byte           `cbor:"26,keyasint,omitempty"` // who is in it by a note of a later self, see selfnote.go
	Behind  bool             `cbor:"27,keyasint,omitempty"` // this device went on from an old copy
	Gap     uint64           `cbor:"23,keyasint,omitempty"` // the newest place for what came between leaving and coming back
}

// knock is a contact request that waits to be delivered.
type knock struct {
	Inbox plane.LogID `cbor:"1,keyasint"`
	Door  [16]byte    `cbor:"2,keyasint"`
	Body  []byte      `cbor:"3,keyasint"`
	Tried bool        `cbor:"4,keyasint,omitempty"`
}

// chatNumbers changes with every message.
type chatNumbers struct {
	Next      uint64    `cbor:"1,keyasint"`           // index of the next placed entry
	Waiting   uint64    `cbor:"2,keyasint,omitempty"` // provisional indexes given out
	Unread    int       `cbor:"3,keyasint,omitempty"`
	At        int64     `cbor:"4,keyasint,omitempty"`
	Got       plane.Seq `cbor:"5,keyasint,omitempty"` // newest shown message of others
	Read      plane.Seq `cbor:"6,keyasint,omitempty"` // newest that was read here
	SaidGot   plane.Seq `cbor:"7,keyasint,omitempty"` // what the last durable receipt said
	SaidRead  plane.Seq `cbor:"8,keyasint,omitempty"`
	Delivered plane.Seq `cbor:"9,keyasint,omitempty"`  // what others have said of own messages
	Seen      plane.Seq `cbor:"10,keyasint,omitempty"` //
	ReadUpTo  []byte    `cbor:"11,keyasint,omitempty"` // id of the newest message read here
	Mentions  int       `cbor:"12,keyasint,omitempty"` // unread ones of oneself
}

func chatKey(id, rest string) string { return "s/c/" + id + "/" + rest }

func itemKey(id string, n uint64) string   { return chatKey(id, fmt.Sprintf("o/%016x", n)) }
func intentKey(id string, n uint64) string { return chatKey(id, fmt.Sprintf("w/%016x", n)) }

// view returns the chat that shows c's messages.
func (m *Machine) view(c *chat) *chat {
	if f := m.chats[c.First]; f != nil {
		return f
	}
	return c
}

// sender returns the conversation that sends for the chat v: of several with one person, both
// sides take the one with the smallest id, so that they meet in one.
func (m *Machine) sender(v *chat) *chat {
	best := v
	for _, c := range m.sortedChats() {
		if c.First == v.id && c.alive() && (c.id < best.id || !best.alive()) {
			best = c
		}
	}
	return best
}

func (c *chat) alive() bool { return c.State == chatOpen || c.State == chatWaiting }

// kind returns what the chat is.
func (c *chat) kind() ChatKind {
	switch c.c.State().Kind {
	case convo.Two:
		return ChatTwo
	case convo.Group:
		return ChatGroup
	}
	return ChatSaved
}

// newChat puts a conversation into the machine.
func (m *Machine) newChat(cv *convo.Convo, srv ServerID, owner []byte) *chat {
	c := &chat{id: cv.ID().Text(), log: cv.ID(), c: cv}
	c.Server, c.Owner, c.State = srv, owner, chatOpen
	c.Started = m.now.UnixMilli()
	c.At, c.Next = c.Started, 1
	c.GenDay = plane.DayOf(m.now)
	if owner != nil {
		k, err := caps.SignerFromSeed(owner)
		inv.That(err == nil, "owner seed")
		c.owner = k
	}
	c.dirtyMeta, c.dirtyNumbers = true, true
	m.addChat(c)
	m.noteSoon()
	m.touch(c)
	m.show(c)
	return c
}

// saveChat stores what has changed.
func (m *Machine) saveChat(c *chat) {
	if c.dirtyMeta {
		m.put(chatKey(c.id, "m"), c.chatMeta)
		if c.State == chatLeft {
			m.noteSoon()
		}
		c.dirtyMeta = false
	}
	if c.dirtyNumbers {
		m.put(chatKey(c.id, "n"), c.chatNumbers)
		c.dirtyNumbers = false
	}
	if c.skipConvo || !c.c.Unsaved() {
		return
	}
	for _, p := range c.c.Changes() {
		m.set(chatKey(c.id, "v/"+p.Key), p.Value)
	}
}

func (m *Machine) loadChat(id string, keys []string) (*chat, error) {
	log, err := plane.ParseLogID(id)
	if err != nil {
		return nil, ErrDamaged
	}
	c := &chat{id: id, log: log}
	var pairs []convo.Pair
	ok := true
	for _, k := range keys {
		v := m.loaded[k]
		rest := strings.TrimPrefix(k, "c/"+id+"/")
		kind, sub, _ := strings.Cut(rest, "/")
		switch kind {
		case "m":
			ok = ok && timeline.Decode(v, &c.chatMeta) == nil
		case "n":
			ok = ok && timeline.Decode(v, &c.chatNumbers) == nil
		case "o":
			i := &outbox.Item{}
			ok = ok && timeline.Decode(v, i) == nil
			c.q.Restore(i)
			c.schedule()
		case "w":
			i := &outbox.Intent{}
			ok = ok && timeline.Decode(v, i) == nil
			c.intents.Restore(i)
		case "b":
			ok = ok && c.loadHanded(sub, v)
		case "j":
			c.held = &heldInvitation{}
			ok = ok && timeline.Decode(v, c.held) == nil
		case "u":
			ok = ok && timeline.Decode(v, &c.qu().storedQueue) == nil
		case "y":
			r := &reply{}
			ok = ok && timeline.Decode(v, r) == nil
			c.qu().replies = append(c.qu().replies, r)
		case "z":
			x := &share{}
			ok = ok && timeline.Decode(v, x) == nil
			c.qu().shares = append(c.qu().shares, x)
		case "v":
			pairs = append(pairs, convo.Pair{Key: sub, Value: v})
		}
	}
	if !ok {
		return nil, ErrDamaged
	}
	if c.c, err = convo.Load(log, m.identify, pairs); err != nil {
		return nil, err
	}
	if c.Owner != nil {
		if c.owner, err = caps.SignerFromSeed(c.Owner); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// chatView is the chat as faces see it, without Last: see Complete.
func (m *Machine) chatView(c *chat) Chat {
	st := c.c.State()
	v := Chat{
		ID: c.id, Kind: c.kind(), Name: st.Name, Picture: st.Picture, Members: c.c.Size(), State: c.State,
		Unread: c.Unread, Mentions: c.Mentions, Draft: c.Draft, At: c.At, Forked: c.c.Forked(),
	}
	if s := m.sender(c); s.c != nil {
		v.Vanish = int(s.c.State().Vanish)
	}
	switch v.Kind {
	case ChatTwo:
		if c.Person != nil {
			v.Person, v.Name = c.Person.Text(), m.nameOf(*c.Person)
		}
	case ChatGroup:
		m.groupView(c, &v, &st)
	}
	if m.healing(c) {
		v.State, v.Refused = chatHealing, m.waitOf(c.id).old()
	}
	if s := m.servers[c.Server]; s != nil && c.Server != m.acc.Home {
		v.Origin = s.Origin
	}
	m.viewPrefs(c.log, &v)
	v.Scheduled = m.scheduled(c)
	v.Knocks = len(m.approvals(c))
	if w := m.waitOf(c.id); w != nil && !w.Again && w.Entered == 0 && !w.Quit {
		x := m.waitView(w)
		v.State, v.Refused = x.State, x.Refused
	}
	if c.Leaving {
		v.State = chatLeft
	}
	if len(c.ReadUpTo) == 32 {
		v.ReadUpTo = timeline.ID(c.ReadUpTo).Text()
	}
	for _, d := range m.sortedChats() {
		if d.First == c.id {
			v.Forked = v.Forked || d.c.Forked()
			if c.State == chatWaiting && d.State == chatOpen {
				v.State = chatOpen
			}
		}
	}
	return v
}

func (m *Machine) nameOf(p plane.PublicKey) string {
	if x := m.people[p]; x != nil {
		return x.stored.Name
	}
	return ""
}

// state is the answer to GetState, without Last.
func (m *Machine) state() State {
	s := State{Volatile: m.volatile, Online: m.online(), Notice: m.notice, Chats: []Chat{}}
	s.Settings = m.settings()
	if m.acc != nil {
		a := m.account()
		s.Account = &a
		s.Servers, s.Folders = m.serverList(), m.folders()
	}
	for _, c := range m.sortedChats() {
		if c.First == "" {
			s.Chats = append(s.Chats, m.chatView(c))
		}
	}
	for _, w := range m.waits {
		if (!w.Again || w.Lost != nil) && !w.Quit && m.chats[w.Chat.Text()] == nil {
			s.Chats = append(s.Chats, m.waitView(w))
		}
	}
	sort.SliceStable(s.Chats, func(a, b int) bool { return s.Chats[a].At > s.Chats[b].At }) // slices.SortFunc of structs is 2 KB each in the browser
	s.Words, s.Syncing = m.wordsView(), m.syncingView()
	return s
}

func (m *Machine) settings() Settings {
	if m.acc == nil {
		return Settings{ReadReceipts: true, TypingShown: true}
	}
	return Settings{ReadReceipts: !m.acc.NoReceipts, TypingShown: !m.acc.NoTyping}
}

func (m *Machine) account() Account {
	return Account{Person: m.acc.person().Text(), Name: m.acc.Name, Origin: m.servers[m.acc.Home].Origin}
}

// online says whether the home server is there.
func (m *Machine) online() bool {
	if m.acc == nil {
		return false
	}
	s := m.servers[m.acc.Home]
	return s != nil && s.up
}

// place gives the entry e, which has a place in c's log, the next index and stores it.
func (m *Machine) place(c *chat, e *timeline.Entry, seq plane.Seq) {
	v := m.view(c)
	e.Index, e.Log, e.Seq = v.Next, c.log, uint64(seq)
	v.Next++
	v.At = max(v.At, min(e.At, m.now.UnixMilli()))
	v.dirtyNumbers = true
	m.setPairs(timeline.Put(v.id, e)...)
	m.goneBy(e.Gone)
	m.stale(v, e.ID)
	m.show(v)
}

// stale tells the faces that a message is new or differs.
func (m *Machine) stale(v *chat, id timeline.ID) {
	for _, e := range m.effects {
		if x, ok := e.(Emit); ok {
			if s, ok := x.Event.(MessageStale); ok && s.Chat == v.id && s.Message == id.Text() && s.Files == nil {
				return
			}
		}
	}
	m.emit(Emit{MessageStale{Chat: v.id, Message: id.Text()}})
}

// line writes a notice.
func (m *Machine) notify(c *chat, seq plane.Seq, n int, l timeline.Line) {
	e := &timeline.Entry{
		ID: timeline.NoticeID(c.log, uint64(seq), n), At: m.now.UnixMilli(), From: l.Who, Own: m.own(l.Who),
		Kind: timeline.Notice, Line: &l,
	}
	m.place(c, e, seq)
}

// enqueue adds an item to a conversation's outbox.
func (m *Machine) enqueue(c *chat, i *outbox.Item) *outbox.Item {
	c.q.Add(i)
	m.saveItem(c, i)
	m.touch(c)
	return i
}

func (m *Machine) saveItem(c *chat, i *outbox.Item) { m.put(itemKey(c.id, i.N), i) }

func (m *Machine) dropItem(c *chat, i *outbox.Item) {
	c.q.Remove(i)
	m.set(itemKey(c.id, i.N), nil)
}

// note queues a message that shows nothing by itself.
func (m *Machine) note(c *chat, msg content.Message) *outbox.Item {
	return m.noteOn(c, [32]byte{}, msg)
}

// noteOn queues one that is about another message, which may itself still wait.
func (m *Machine) noteOn(c *chat, about [32]byte, msg content.Message) *outbox.Item {
	body, err := content.Encode(msg)
	inv.That(err == nil, "own notes encode")
	_, profile := msg.(content.Profile)
	if profile {
		// Only the newest name matters; one that may be on its way stays.
		for _, i := range slices.Clone(c.q.Items) {
			if i.Profile && i.Msg == nil {
				m.dropItem(c, i)
			}
		}
	}
	return m.enqueue(c, &outbox.Item{
		Kind: outbox.Note, Body: body, SentMS: uint64(m.now.UnixMilli()), Profile: profile,
		ID: content.NewMessageID(m.acc.person(), c.log, body), After: about, Expires: expiresOf(msg),
	})
}

// sayProfile tells a conversation one's name and, a contact, how to be reached.
func (m *Machine) sayProfile(c *chat) {
	switch c.kind() {
	case ChatTwo:
		m.note(c, content.Profile{Name: m.acc.Name, Door: &content.Door{
			Inbox: m.acc.inboxLog(), Seed: m.acc.Door, Card: [16]byte(m.acc.Card),
		}})
	case ChatGroup:
		m.note(c, content.Profile{Name: m.acc.Name})
	}
	m.sayReturn(c)
}

// introduce is sayProfile for who has just come in. In a large group one's leaf says the name, and to
// everybody who has to know it: were each of thousands to say it once more, all would read that.
func (m *Machine) introduce(c *chat) {
	if c.c.Sliced() && c.c.NameOf(m.acc.person()) == m.acc.Name {
		m.sayReturn(c)
	} else {
		m.sayProfile(c)
	}
}

// wish queues a change of membership or group state.
func (m *Machine) wish(c *chat, i *outbox.Intent) {
	c.intents.Add(i)
	m.put(intentKey(c.id, i.N), i)
	m.touch(c)
}

func (m *Machine) dropWish(c *chat, i *outbox.Intent) {
	c.intents.Remove(i)
	m.set(intentKey(c.id, i.N), nil)
}

// line is what a chat has in the current session with its server. All of it is made anew after a
// fresh Connected.
type line struct {
	turn             int // counts the times that everything was dropped
	read, write, own wire.Handle
	gen              plane.Gen // the server's, 0: not known
	tryGen           int       // how many generations back the next OPEN of the read key goes
	busy             bool      // a request whose answer decides what comes next is under way
	reading          bool
	subscribed       bool
	head             plane.Seq
	writing          bool
	owning           bool
	knocking         bool
	commitSent       bool
	behind           []behindRecord // of the log, while a commit waits for its slices
	torn             bool           // there were more
	fetches          map[plane.PublicKey]*fetch

	tries     int
	retryAt   time.Time // after a refusal: nothing is asked before
	receipts  time.Time // the durable receipt is due
	goneAt    time.Time // when it is our turn to commit for those who leave
	rotateAt  time.Time
	strangeAt time.Time  // when leaves of one's own that are on no list are taken out
	deviceAt  time.Time  // when it is our turn to bring the own leaves in line
	wishAt    time.Time  // when a package that could not be had is asked for again
	wishes    int        // how often it could not
	postAt    time.Time  // when a post that waits for the rules may go out
	askAt     time.Time  // when the owner key is asked for
	asks      []ownerAsk // who asks for it
	typedAt   time.Time  // the last own typing signal
	typing    []typist
}

type typist struct {
	who   plane.PublicKey
	until time.Time
}

// next is when the chat wants to be looked at. Without its server only typing fades: all else
// is looked at when the server is back.
func (c *chat) next(up bool) time.Time {
	at := c.schedAt
	if up && !c.healAt.IsZero() && (at.IsZero() || c.healAt.Before(at)) {
		at = c.healAt
	}
	if up && c.State != chatBroken && c.State != chatLeft {
		for _, t := range [...]*time.Time{&c.retryAt, &c.receipts, &c.goneAt, &c.rotateAt, &c.deviceAt, &c.strangeAt, &c.wishAt, &c.postAt, &c.askAt, &c.slicing.at, &c.slicing.putAt, &c.paging.at, &c.paging.warm} {
			if !t.IsZero() && (at.IsZero() || t.Before(at)) {
				at = *t
			}
		}
		if c.queue != nil && c.c != nil && c.subscribed {
			if t := c.queue.next(c); !t.IsZero() && (at.IsZero() || t.Before(at)) {
				at = t
			}
		}
	}
	if up {
		for i := range c.asks {
			if t := c.asks[i].due; at.IsZero() || t.Before(at) {
				at = t
			}
		}
	}
	for _, t := range c.typing {
		if at.IsZero() || t.until.Before(at) {
			at = t.until
		}
	}
	if c.queue != nil {
		for _, l := range c.queue.making { // who waits for a link hears that the server is away
			if at.IsZero() || l.until.Before(at) {
				at = l.until
			}
		}
	}
	return at
}

// due says whether that time has come.
func (c *chat) due(now time.Time, up bool) bool {
	t := c.next(up)
	return !t.IsZero() && !now.Before(t)
}
