package core

import (
	"slices"
	"strings"

	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// Reader is what reading history needs of the vault: Get (nil when there is none) and Range.
type Reader = timeline.Reader

// Pair is a stored pair as a Reader yields it.
type Pair = timeline.Pair

// MessageStale says that a message is new or differs. It never reaches a face: the driver passes
// every event through Complete, which reads the message. Files is the progress of transfers.
type MessageStale struct {
	Chat    string
	Message string
	Files   map[int]FileProgress
}

// FileProgress is how far a transfer is, in bytes.
type FileProgress struct {
	State string
	Done  int64
}

// ReceiptMoved says that own messages of a log with From < seq <= To were delivered or read. It
// never reaches a face, see MessageStale.
type ReceiptMoved struct {
	Chat     string
	Log      plane.LogID
	From, To plane.Seq
}

// PersonErased says that all that somebody wrote in a chat is deleted. It never reaches a face, see
// MessageStale.
type PersonErased struct {
	Chat   string
	Person [32]byte
}

func (PersonErased) event() {}
func (MessageStale) event() {}
func (ReceiptMoved) event() {}

// Found is what the vault has of the message that a command names. The driver asks Find for it
// and puts it into Do: so the Machine never reads history, and needs none in memory.
type Found struct {
	ID       [32]byte
	Index    uint64
	Log      [16]byte
	Seq      uint64
	Own      bool
	Notice   bool
	Deleted  bool
	After    int // for MarkRead: how many messages of others stand after it, at most unreadMax
	Mentions int // and how many of them name the account
	Reaction *[32]byte
	Files    []timeline.File
	Poll     *FoundPoll
	Gone     int64           // ms: when it expires, 0: never, or it has no place yet
	Expires  uint32          // seconds, of one that has no place yet
	Copies   []Copy          // for Forward, in its order; as many as it names, or none is of use
	Hide     [][32]byte      // for Hide: what there is
	Cleared  []ClearOne      // for ClearFiles
	Clear    []timeline.Pair // for ClearFiles: what is to be stored, and the files that then are unused
	Unused   []string
	Sum      Cleared
}

// ClearOne is a message of which a file is dropped.
type ClearOne struct {
	ID   [32]byte
	Chat string
}

// unreadMax bounds what MarkRead counts.
const unreadMax = 10000

// Find looks up the message that a command names: nil when the command names none or there is
// none. account is one's own person id, or empty.
func Find(r Reader, x Command, account string) (*Found, error) {
	message := ""
	switch x := x.(type) {
	case Hide:
		return findHidden(r, x)
	case ClearFiles:
		return findFiles(r, x)
	case SendText:
		message = x.ReplyTo
	case Edit:
		message = x.Message
	case Delete:
		message = x.Message
	case React:
		message = x.Message
	case MarkRead:
		message = x.Message
	case Pin:
		message = x.Message
	case Vote:
		message = x.Message
	case ClosePoll:
		message = x.Message
	case Fetch:
		message = x.Message
	case Stop:
		message = x.Message
	}
	if f, ok := x.(Forward); ok {
		return findCopies(r, f)
	}
	id, ok := timeline.ParseID(message)
	if !ok {
		return nil, nil
	}
	chat := chatOf(x)
	e, err := timeline.Find(r, chat, id)
	if err != nil || e == nil {
		return nil, err
	}
	f, err := timeline.Fold(r, chat, *e)
	if err != nil {
		return nil, err
	}
	out := &Found{Gone: e.Gone, Expires: e.Expires, ID: e.ID, Index: e.Index, Log: e.Log, Seq: e.Seq, Own: e.Own, Notice: e.Kind == timeline.Notice, Deleted: f.Deleted, Files: f.Files}
	if f.Poll != nil {
		out.Poll = foundPoll(&f, account)
	}
	switch x := x.(type) {
	case React:
		me, err := plane.ParsePublicKey(account)
		if err != nil {
			return out, nil
		}
		rid, err := timeline.OwnReaction(r, chat, id, me, x.Emoji)
		if err != nil {
			return nil, err
		}
		out.Reaction = (*[32]byte)(rid)
	case MarkRead:
		for p, err := range r.Range(timeline.EntryKey(chat, e.Index+1), timeline.EntryKey(chat, timeline.QueuedFirst), false) {
			if err != nil {
				return nil, err
			}
			var y timeline.Entry
			if err := timeline.Decode(p.Value, &y); err != nil {
				return nil, err
			}
			if !y.Own && y.Kind != timeline.Notice {
				out.After++
				if slices.ContainsFunc(y.Mentions, func(n timeline.Mention) bool { return plane.PublicKey(n.Person).Text() == account }) {
					out.Mentions++
				}
			}
			if out.After >= unreadMax {
				break
			}
		}
	}
	return out, nil
}

// Page returns up to limit messages of a chat with Index < before (0: the newest), oldest first,
// with everything folded in.
func Page(r Reader, chat string, before uint64, limit int) ([]Message, error) {
	list, err := timeline.Before(r, chat, before, limit)
	if err != nil {
		return nil, err
	}
	return newBook(r, chat).messages(list)
}

func (b *book) messages(list []timeline.Entry) ([]Message, error) {
	out := make([]Message, 0, len(list))
	for _, e := range list {
		msg, err := b.message(e)
		if err != nil {
			return nil, err
		}
		out = append(out, msg)
	}
	return out, nil
}

// Read returns one message, or nil.
func Read(r Reader, chat, message string) (*Message, error) {
	id, ok := timeline.ParseID(message)
	if !ok {
		return nil, nil
	}
	e, err := timeline.Find(r, chat, id)
	if err != nil || e == nil {
		return nil, err
	}
	msg, err := newBook(r, chat).message(*e)
	return &msg, err
}

// receiptsShown bounds the messages told of when a receipt moves or somebody is erased: older ones are seen anew when
// their page is read.
const receiptsShown = 200

// Complete turns an event of the Machine into those that faces get: it reads the messages that
// have changed and puts the newest message into a chat. It is to be called after the Persist of
// the same Step is durable.
func Complete(r Reader, ev Event) ([]Event, error) {
	switch ev := ev.(type) {
	case MessageStale:
		msg, err := Read(r, ev.Chat, ev.Message)
		if err != nil || msg == nil {
			return nil, err
		}
		for n, p := range ev.Files {
			if n < len(msg.Files) {
				msg.Files[n].State, msg.Files[n].Done = p.State, p.Done
			}
		}
		out := []Event{MessageChanged{*msg}}
		if t := msg.Thread; t != nil && t.Root != ev.Message {
			root, err := Read(r, ev.Chat, t.Root) // it has an answer more
			if err != nil || root == nil {
				return out, err
			}
			out = append(out, MessageChanged{*root})
		}
		return out, nil
	case ReceiptMoved:
		return recent(r, ev.Chat, func(e *timeline.Entry) bool {
			return e.Own && e.Log == ev.Log && plane.Seq(e.Seq) > ev.From && plane.Seq(e.Seq) <= ev.To
		})
	case PersonErased:
		return recent(r, ev.Chat, func(e *timeline.Entry) bool { return e.From == ev.Person && e.Seq > 0 })
	case ChatChanged:
		err := complete(r, &ev.Chat)
		return []Event{ev}, err
	}
	return []Event{ev}, nil
}

// recent returns the newest messages of a chat that differ.
func recent(r Reader, chat string, differs func(*timeline.Entry) bool) ([]Event, error) {
	list, err := timeline.Before(r, chat, timeline.QueuedFirst, receiptsShown)
	if err != nil {
		return nil, err
	}
	b := newBook(r, chat)
	var out []Event
	for _, e := range list {
		if e.Kind == timeline.Notice || !differs(&e) {
			continue
		}
		msg, err := b.message(e)
		if err != nil {
			return nil, err
		}
		out = append(out, MessageChanged{msg})
	}
	return out, nil
}

// CompleteResult does the same for the answer to a command: State gets the newest messages.
func CompleteResult(r Reader, res Result) (Result, error) {
	s, ok := res.(State)
	if !ok {
		return res, nil
	}
	s.Chats = slices.Clone(s.Chats)
	for i := range s.Chats {
		if err := complete(r, &s.Chats[i]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// complete fills in what the history says of a chat. Pins are of messages that are here: a newcomer may
// have none of before. Who may take them off sees them all.
func complete(r Reader, c *Chat) (err error) {
	if c.Last, err = Last(r, c.ID); err != nil || len(c.Pins) == 0 || c.Admin || c.Rules != nil && c.Rules.Changers == "members" {
		return err
	}
	var here []string
	for _, p := range c.Pins {
		id, _ := timeline.ParseID(p)
		e, err := timeline.Find(r, c.ID, id)
		if err != nil {
			return err
		}
		if e != nil {
			here = append(here, p)
		}
	}
	c.Pins = here
	return nil
}

// Last returns a chat's newest message, nil when it has none.
func Last(r Reader, chat string) (*Message, error) {
	e, err := timeline.Newest(r, chat)
	if err != nil || e == nil {
		return nil, err
	}
	msg, err := newBook(r, chat).message(*e)
	return &msg, err
}

// book folds messages of one chat and remembers names and receipts while it does.
type book struct {
	r       Reader
	chat    string
	names   map[[32]byte]storedPerson
	numbers map[[16]byte]chatNumbers
	roots   map[timeline.ID]timeline.ID
}

func newBook(r Reader, chat string) *book {
	return &book{r, chat, map[[32]byte]storedPerson{}, map[[16]byte]chatNumbers{}, map[timeline.ID]timeline.ID{}}
}

func (b *book) person(p [32]byte) (storedPerson, error) {
	if x, ok := b.names[p]; ok {
		return x, nil
	}
	var x storedPerson
	v, err := b.r.Get(personKey(p))
	if err == nil && v != nil {
		err = timeline.Decode(v, &x)
	}
	b.names[p] = x
	return x, err
}

func (b *book) receipts(log [16]byte) (chatNumbers, error) {
	if x, ok := b.numbers[log]; ok {
		return x, nil
	}
	var x chatNumbers
	v, err := b.r.Get(chatKey(plane.LogID(log).Text(), "n"))
	if err == nil && v != nil {
		err = timeline.Decode(v, &x)
	}
	b.numbers[log] = x
	return x, err
}

func (b *book) message(e timeline.Entry) (Message, error) {
	f, err := timeline.Fold(b.r, b.chat, e)
	if err != nil {
		return Message{}, err
	}
	from, err := b.person(e.From)
	if err != nil {
		return Message{}, err
	}
	msg := Message{
		ID: e.ID.Text(), Chat: b.chat, Index: e.Index, At: e.At, From: plane.PublicKey(e.From).Text(), FromName: from.Name,
		Own: e.Own, Kind: KindText, Text: f.Text, Edited: f.Edited, State: StateReceived, Pinned: f.Pinned,
		Forwarded: f.Forwarded, Silent: e.Silent, Gone: e.Gone,
	}
	if f.Edited {
		list, err := timeline.Edits(b.r, b.chat, &e, EditsMax)
		if err != nil {
			return msg, err
		}
		msg.Edits = max(1, len(list))
	}
	switch {
	case f.Deleted:
		msg.Kind = KindDeleted
	case e.Kind == timeline.Files:
		msg.Kind = KindFile
	case f.Poll != nil:
		msg.Kind = KindPoll
		if msg.Poll, err = b.poll(&f); err != nil {
			return msg, err
		}
	case e.Kind == timeline.Notice:
		msg.Kind = KindNotice
		if msg.Notice, err = b.line(e.Line); err != nil {
			return msg, err
		}
	}
	if msg.Thread, err = b.thread(&e); err != nil {
		return msg, err
	}
	if f.ReplyTo != nil {
		if msg.ReplyTo, err = b.quote(*f.ReplyTo); err != nil {
			return msg, err
		}
	}
	for _, x := range f.Mentions {
		msg.Mentions = append(msg.Mentions, Mention{Start: x.Start, Length: x.Length, Person: plane.PublicKey(x.Person).Text()})
	}
	for _, g := range f.Reactions {
		x := Reaction{Emoji: g.Emoji}
		for _, p := range g.By {
			who, err := b.person(p)
			if err != nil {
				return msg, err
			}
			x.By = append(x.By, who.Name)
			x.Own = x.Own || who.Own
		}
		msg.Reactions = append(msg.Reactions, x)
	}
	for n, a := range f.Files {
		x := Attachment{Name: a.Name, Mime: a.Mime, Size: a.Size, Width: a.Width, Height: a.Height, Preview: a.Preview, State: "remote",
			Duration: a.Duration, Wave: a.Wave, Sticker: a.Sticker, Pack: a.Pack,
			Voice: a.Inline && len(f.Files) == 1 && strings.HasPrefix(a.Mime, "audio/")}
		if a.Ref != "" {
			x.Ref, x.State = a.Ref, "local"
		}
		if l, ok := f.Locals[n]; ok {
			x.State = l.State
			if l.Ref != "" {
				x.Ref = l.Ref
			}
		}
		msg.Files = append(msg.Files, x)
	}
	if e.Own && e.Kind != timeline.Notice {
		msg.State, err = b.state(e)
	}
	return msg, err
}

// state is how far an own message has got.
func (b *book) state(e timeline.Entry) (MessageState, error) {
	switch e.State {
	case timeline.Queued:
		return StateQueued, nil
	case timeline.Scheduled:
		return StateScheduled, nil
	case timeline.Failed:
		return StateFailed, nil
	}
	n, err := b.receipts(e.Log)
	switch {
	case err != nil:
		return "", err
	case plane.Seq(e.Seq) <= n.Seen:
		return StateRead, nil
	case plane.Seq(e.Seq) <= n.Delivered:
		return StateDelivered, nil
	}
	return StateSent, nil
}

func (b *book) line(l *timeline.Line) (*Line, error) {
	if l == nil {
		return nil, nil
	}
	who, err := b.person(l.Who)
	if err != nil {
		return nil, err
	}
	out := &Line{What: l.What, Who: who.Name, Text: l.Text}
	for _, p := range l.Whom {
		x, err := b.person(p)
		if err != nil {
			return nil, err
		}
		out.Whom = append(out.Whom, x.Name)
		out.Self = out.Self || x.Own
	}
	return out, nil
}

// quoteMax bounds the text of a quote, in runes.
const quoteMax = 200

// quote is the message replied to; one that is not here (from before one joined) is an empty
// quote with its id.
func (b *book) quote(id timeline.ID) (*Quote, error) {
	q := &Quote{ID: id.Text()}
	e, err := timeline.Find(b.r, b.chat, id)
	if err != nil || e == nil {
		return q, err
	}
	f, err := timeline.Fold(b.r, b.chat, *e)
	if err != nil {
		return q, err
	}
	from, err := b.person(e.From)
	q.FromName = from.Name
	q.Text = f.Text
	if q.Text == "" && len(f.Files) > 0 {
		q.Text = f.Files[0].Name
	}
	if r := []rune(q.Text); len(r) > quoteMax {
		q.Text = string(r[:quoteMax]) + "…"
	}
	return q, err
}
