package core

import (
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"

	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

const (
	// receiptsMembersMax: in larger chats nobody sends receipts.
	receiptsMembersMax = 32
	// The durable receipt goes out after a random time in between, so that it does not tell when
	// a message was read (NDSS 2021, "who knows I'm here").
	receiptDelayMin = time.Second
	receiptDelayMax = 30 * time.Second
	// typingEvery is the least time between typing signals, TypingFor how long one shows.
	typingEvery = 3 * time.Second
	// TypingFor is how long a typing signal shows.
	TypingFor = 6 * time.Second
	// typistsMax bounds the typists shown in one chat.
	typistsMax = 8
)

// The kinds of signals. A signal is a CBOR array [kind, leaf, delivered, read]. It is sealed to
// the members, not signed: a member could pretend to be another who types, and no more.
const (
	signalTyping  = 1
	signalReceipt = 2
)

type signalBody struct {
	_         struct{} `cbor:",toarray"`
	Kind      uint8
	Leaf      uint32
	Delivered plane.Seq
	Read      plane.Seq
}

// receiptDue: there is something to say about others' messages.
func (m *Machine) receiptDue(c *chat) {
	if c.c.State().Kind == convo.Saved || c.c.Size() > receiptsMembersMax || !c.unsaid(m) {
		return
	}
	if c.receipts.IsZero() {
		c.receipts = m.now.Add(between(receiptDelayMin, receiptDelayMax))
	}
	s := m.servers[c.Server]
	if s != nil && s.up && c.write != 0 && c.c.Cursor() >= c.head {
		m.sendSignal(s, c, signalBody{Kind: signalReceipt, Delivered: c.Got, Read: m.readSaid(c)})
	}
}

// readSaid is what others are told to be read.
func (m *Machine) readSaid(c *chat) plane.Seq {
	if m.acc.NoReceipts {
		return c.SaidRead
	}
	return min(c.Read, c.Got)
}

func (c *chat) unsaid(m *Machine) bool { return c.Got > c.SaidGot || m.readSaid(c) > c.SaidRead }

// receipts queues the durable receipt when it is due.
func (m *Machine) receipts(s *server, c *chat) {
	if c.receipts.IsZero() {
		if c.unsaid(m) && c.c.State().Kind != convo.Saved && c.c.Size() <= receiptsMembersMax {
			c.receipts = m.now.Add(between(receiptDelayMin, receiptDelayMax)) // after a restart
		}
		return
	}
	if m.now.Before(c.receipts) {
		return
	}
	c.receipts = time.Time{}
	if c.unsaid(m) {
		c.SaidGot, c.SaidRead, c.dirtyNumbers = c.Got, m.readSaid(c), true
		m.note(c, content.Receipt{Delivered: c.SaidGot, Read: c.SaidRead})
	}
}

// receipt: another member says how far it has got.
func (m *Machine) receipt(c *chat, got, read plane.Seq) {
	got, read = min(got, c.c.Cursor()), min(read, c.c.Cursor())
	if got <= c.Delivered && read <= c.Seen {
		return
	}
	from := c.Delivered
	if read > c.Seen {
		from = min(from, c.Seen)
	}
	c.Delivered, c.Seen = max(c.Delivered, got), max(c.Seen, read)
	c.dirtyNumbers = true
	v := m.view(c)
	m.emit(Emit{ReceiptMoved{Chat: v.id, Log: c.log, From: from, To: max(c.Delivered, c.Seen)}})
	m.show(v)
}

func (m *Machine) sendSignal(s *server, c *chat, b signalBody) {
	b.Leaf = c.c.OwnLeaf()
	body, err := c.c.SealSignal(timeline.Encode(b))
	if err != nil {
		return
	}
	m.send(s, wire.Signal{Handle: c.write, Body: body}, func(wire.Answer) {})
}

// signal reads another member's signal.
func (m *Machine) signal(c *chat, body []byte) {
	plain, err := c.c.OpenSignal(body)
	if err != nil || !c.alive() {
		return
	}
	var b signalBody
	if cbor.Unmarshal(plain, &b) != nil {
		return
	}
	who, ok := c.c.PersonAt(b.Leaf)
	if !ok || m.own(who) {
		return
	}
	switch b.Kind {
	case signalReceipt:
		m.receipt(c, b.Delivered, b.Read)
	case signalTyping:
		k := slices.IndexFunc(c.typing, func(t typist) bool { return t.who == who })
		if k < 0 {
			if len(c.typing) >= typistsMax {
				return
			}
			c.typing = append(c.typing, typist{who: who})
			k = len(c.typing) - 1
		}
		c.typing[k].until = m.now.Add(TypingFor)
		m.sayTyping(c)
	}
}

func (m *Machine) sayTyping(c *chat) {
	names := []string{}
	for _, t := range c.typing {
		names = append(names, m.nameOf(t.who))
	}
	m.emit(Emit{TypingChanged{Chat: m.view(c).id, Who: names}})
}

// fadeTyping takes away who has stopped.
func (m *Machine) fadeTyping(c *chat) {
	n := len(c.typing)
	c.typing = slices.DeleteFunc(c.typing, func(t typist) bool { return !m.now.Before(t.until) })
	if len(c.typing) != n {
		m.sayTyping(c)
	}
}

// stopTyping: whoever has sent a message types no longer; the message tells the faces.
func (c *chat) stopTyping(who plane.PublicKey) {
	for k := range c.typing {
		if c.typing[k].who == who {
			c.typing[k].until = time.UnixMilli(1)
		}
	}
}
