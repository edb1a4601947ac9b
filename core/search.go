package core

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"paperplane/core/fold"
	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// Finder searches history. What it has read it keeps, folded, so that the next letter that is typed costs
// milliseconds: about 120 bytes a message, up to findBytesMax; of what is beyond it keeps only where it
// stands. It reads chats as far back as a search goes and no further. Changed tells it what is stored
// since, so that it never answers from what is over. A Finder is owned by a driver and is not safe for
// concurrent use.
type Finder struct {
	chats map[string]*findChat // nil: not looked yet
	list  []*findChat          // the same, by id
	bytes int                  // of texts
	names map[[32]byte]uint32  // people get numbers
	block []byte               // room for texts
}

const (
	// findBytesMax bounds the folded texts that are kept.
	findBytesMax = 48 << 20
	// findBatch is how many entries are read at once, findStep after how many a search asks whether to go on.
	findBatch = 256
	findStep  = 1024
	// findDirtyMax is how many changes of a chat are remembered before it is read anew.
	findDirtyMax = 1000
)

// findChat is what is known of a chat. Docs are told apart by their indexes.
type findChat struct {
	id    string
	old   []findDoc            // newest first, from where reading began
	fresh []findDoc            // oldest first, what came since
	tail  []findDoc            // oldest first, what has no place in the log yet
	below uint64               // what is still to be read is below it
	done  bool                 // nothing is
	late  bool                 // the tail is to be read anew
	notes map[timeline.ID]bool // edited, deleted or hidden when reading began
	all   bool                 // the same of any
	index map[uint64]bool      // changed since
	ids   map[string]bool      // the same by message
	at    int                  // while searching: the next doc
}

// findDoc is a message that can be found.
type findDoc struct {
	index uint64
	sort  int64 // ms: never rises from one doc to the next older of the chat
	at    int64
	text  []byte // folded; nil in a doc that is gone
	from  uint32
	kinds uint8
	far   bool // the text is not kept
}

// The kinds of what is searched for.
const (
	kindPhoto = 1 << iota
	kindVideo
	kindVoice
	kindFile
	kindLink
)

func kindOf(s string) (uint8, bool) {
	switch s {
	case "":
		return 0, true
	case "photo":
		return kindPhoto, true
	case "video":
		return kindVideo, true
	case "voice":
		return kindVoice, true
	case "file":
		return kindFile, true
	case "link":
		return kindLink, true
	}
	return 0, false
}

// NewFinder returns a finder that has read nothing.
func NewFinder() *Finder { return &Finder{} }

// Forget gives back what is kept.
func (f *Finder) Forget() { *f = Finder{} }

// Changed says that a pair was stored; it costs next to nothing.
func (f *Finder) Changed(key string) {
	if f.chats == nil || len(key) < 3 || key[:2] != "h/" && key[:2] != "a/" {
		return
	}
	chat, rest, _ := strings.Cut(key[2:], "/")
	c := f.chats[chat]
	if key[0] == 'h' {
		index, err := strconv.ParseUint(rest, 16, 64)
		switch {
		case err != nil:
		case c == nil:
			f.add(&findChat{id: chat, below: timeline.QueuedFirst, late: true})
		case index >= timeline.QueuedFirst:
			c.late = true
		case c.done || index >= c.below:
			c.change(func() { c.index[index] = true })
		}
		return
	}
	if c == nil || len(c.old)+len(c.fresh)+len(c.tail) == 0 {
		return
	}
	id, what, _ := strings.Cut(rest, "/")
	switch {
	case id == "x":
		f.reread(c)
	case what != "" && (what[0] == 'e' || what[0] == 'd' || what[0] == 'h'):
		c.late = true // it may be there
		if n, ok := timeline.ParseID(id); ok && c.notes != nil {
			c.notes[n] = true
		}
		c.change(func() { c.ids[id] = true })
	}
}

func (c *findChat) change(f func()) {
	if c.index == nil {
		c.index, c.ids = map[uint64]bool{}, map[string]bool{}
	}
	if len(c.index)+len(c.ids) <= findDirtyMax {
		f()
	}
}

func (f *Finder) add(c *findChat) {
	f.chats[c.id] = c
	f.list = append(f.list, c)
	sort.Slice(f.list, func(a, b int) bool { return f.list[a].id < f.list[b].id })
}

// reread forgets a chat.
func (f *Finder) reread(c *findChat) {
	for _, l := range [][]findDoc{c.old, c.fresh, c.tail} {
		for _, d := range l {
			f.bytes -= len(d.text)
		}
	}
	*c = findChat{id: c.id, below: timeline.QueuedFirst, late: true}
}

// len and doc see a chat's docs as one list, newest first.
func (c *findChat) len() int { return len(c.tail) + len(c.fresh) + len(c.old) }

func (c *findChat) doc(i int) *findDoc {
	if i < len(c.tail) {
		return &c.tail[len(c.tail)-1-i]
	}
	if i -= len(c.tail); i < len(c.fresh) {
		return &c.fresh[len(c.fresh)-1-i]
	}
	return &c.old[i-len(c.fresh)]
}

// place returns the doc with an index, nil when there is none.
func (c *findChat) place(index uint64) *findDoc {
	n := c.len()
	i := sort.Search(n, func(i int) bool { return c.doc(i).index <= index })
	if i < n && c.doc(i).index == index {
		return c.doc(i)
	}
	return nil
}

// make makes a doc of an entry.
func (f *Finder) make(x *timeline.Folded) findDoc {
	d := findDoc{index: x.Index, sort: x.At, at: x.At}
	if x.Deleted || x.Kind == timeline.Notice {
		return d
	}
	n, ok := f.names[x.From]
	if !ok {
		n = uint32(len(f.names)) + 1
		f.names[x.From] = n
	}
	d.from, d.kinds = n, kindsOf(x)
	if d.far = f.bytes > findBytesMax; d.far {
		return d
	}
	if cap(f.block)-len(f.block) < 4*len(x.Text)+64 {
		f.block = make([]byte, 0, 64<<10)
	}
	from := len(f.block)
	b := foldOf(f.block, x)
	d.text = b[from:len(b):len(b)]
	if len(b) <= cap(f.block) {
		f.block = b
	}
	f.bytes += len(d.text)
	return d
}

// foldOf appends what can be found of a message. It is never nil.
func foldOf(b []byte, x *timeline.Folded) []byte {
	if b = fold.Append(b, x.Text, true); b == nil {
		b = []byte{}
	}
	for i := range x.Files {
		b = fold.Append(b, x.Files[i].Name, true)
	}
	if x.Poll != nil {
		for _, s := range x.Poll.Options {
			b = fold.Append(b, s, true)
		}
	}
	return b
}

func kindsOf(x *timeline.Folded) (k uint8) {
	for i := range x.Files {
		switch a := &x.Files[i]; {
		case a.Sticker != "":
		case strings.HasPrefix(a.Mime, "image/"):
			k |= kindPhoto
		case strings.HasPrefix(a.Mime, "video/"):
			k |= kindVideo
		case a.Inline && len(x.Files) == 1 && strings.HasPrefix(a.Mime, "audio/"):
			k |= kindVoice
		default:
			k |= kindFile
		}
	}
	if strings.Contains(x.Text, "http://") || strings.Contains(x.Text, "https://") {
		k |= kindLink
	}
	return k
}

// open finds out which chats there are.
func (f *Finder) open(r Reader) error {
	if f.chats != nil {
		return nil
	}
	ids, err := timeline.Chats(r)
	if err != nil {
		return err
	}
	f.chats, f.names = map[string]*findChat{}, map[[32]byte]uint32{}
	for _, id := range ids {
		f.chats[id] = &findChat{id: id, below: timeline.QueuedFirst, late: true}
		f.list = append(f.list, f.chats[id])
	}
	return nil
}

// refresh takes in what has changed of a chat.
func (f *Finder) refresh(r Reader, c *findChat) error {
	if len(c.index)+len(c.ids) > findDirtyMax {
		f.reread(c)
	}
	for s := range c.ids {
		id, _ := timeline.ParseID(s)
		n, err := timeline.IndexOf(r, c.id, id)
		if err != nil {
			return err
		}
		if c.index[n] = true; n == 0 || n >= timeline.QueuedFirst {
			delete(c.index, n)
		}
	}
	list := make([]uint64, 0, len(c.index))
	for n := range c.index {
		list = append(list, n)
	}
	slices.Sort(list)
	c.index, c.ids = nil, nil
	for _, n := range list {
		d := c.place(n)
		if d == nil && (n < c.below && !c.done || len(c.old) == 0 && !c.done) {
			continue // not read yet
		}
		x, err := timeline.At(r, c.id, n)
		if err != nil {
			return err
		}
		top := len(c.tail)
		switch {
		case d == nil && x == nil:
		case d == nil && top < c.len() && n < c.doc(top).index:
			f.reread(c) // history has come into the middle
			return nil
		case d == nil:
			y := f.make(x)
			if top < c.len() {
				y.sort = max(y.sort, c.doc(top).sort)
			}
			c.fresh = append(c.fresh, y)
		default:
			f.bytes -= len(d.text)
			y := findDoc{index: d.index, at: d.at}
			if x != nil {
				y = f.make(x)
			}
			y.sort = d.sort // a cursor may stand here
			*d = y
		}
	}
	return nil
}

// tails reads what waits in a chat.
func (f *Finder) tails(r Reader, c *findChat) error {
	if !c.late {
		return nil
	}
	list, err := timeline.After(r, c.id, timeline.QueuedFirst, 1<<12)
	if err != nil {
		return err
	}
	c.late, c.tail = false, nil
	last := int64(0)
	if c.len() > 0 {
		last = c.doc(0).sort
	}
	for _, e := range list {
		x, err := timeline.Fold(r, c.id, e)
		if err != nil {
			return err
		}
		d := f.make(&x)
		f.bytes -= len(d.text) // few, and read anew with each change
		last = max(last, d.sort)
		d.sort = last
		c.tail = append(c.tail, d)
	}
	return nil
}

// read reads a chat further back. What an entry says is enough for most; a message that stands twice, which
// a lying server may bring about, is told apart when it is a hit.
func (f *Finder) read(r Reader, c *findChat) error {
	if c.notes == nil {
		var err error
		if c.notes, c.all, err = timeline.Rewritten(r, c.id); err != nil {
			return err
		}
	}
	list, err := timeline.Raw(r, c.id, c.below, findBatch)
	if err != nil {
		return err
	}
	for i := range list {
		x := &timeline.Folded{Entry: list[i]}
		if c.all || c.notes[x.ID] {
			if x, err = timeline.At(r, c.id, list[i].Index); err != nil {
				return err
			}
		}
		d := findDoc{index: list[i].Index, sort: list[i].At}
		if x != nil {
			d = f.make(x)
		}
		if n := c.len(); n > len(c.tail) {
			d.sort = min(d.sort, c.doc(n-1).sort)
		}
		c.old, c.below = append(c.old, d), d.index
	}
	if c.done = len(list) < findBatch; c.done {
		c.notes = map[timeline.ID]bool{}
	}
	return nil
}

// cursor is where a search stands: the doc that was looked at last.
type cursor struct {
	sort  int64
	chat  string
	index uint64
}

func (c cursor) String() string {
	return strconv.FormatInt(c.sort, 36) + "." + c.chat + "." + strconv.FormatUint(c.index, 36)
}

func parseCursor(s string) (c cursor, ok bool) {
	part := strings.Split(s, ".")
	if len(part) != 3 {
		return c, false
	}
	var e1, e2 error
	c.sort, e1 = strconv.ParseInt(part[0], 36, 64)
	c.index, e2 = strconv.ParseUint(part[2], 36, 64)
	c.chat = part[1]
	return c, e1 == nil && e2 == nil
}

// behind says whether a doc comes after the cursor.
func (c *cursor) behind(chat string, d *findDoc) bool {
	switch {
	case d.sort != c.sort:
		return d.sort < c.sort
	case chat != c.chat:
		return chat > c.chat
	}
	return d.index < c.index
}

// Search answers a Search. more is asked now and then whether to go on; each call gets somewhere.
func (f *Finder) Search(r Reader, x Search, more func() bool) (Results, ErrCode, error) {
	res := Results{Hits: []Hit{}}
	kind, ok := kindOf(x.Kind)
	limit := x.Limit
	if limit == 0 {
		limit = HitsMax / 2
	}
	last := cursor{sort: 1<<63 - 1}
	if x.Cursor != "" {
		var good bool
		last, good = parseCursor(x.Cursor)
		ok = ok && good
	}
	var who [32]byte
	if x.From != "" {
		p, err := plane.ParsePublicKey(x.From)
		ok, who = ok && err == nil, p
	}
	words := fold.Words(x.Query)
	if !ok || len(x.Query) > QueryBytesMax || limit < 0 || limit > HitsMax {
		return Results{}, ErrBadArguments, nil
	}
	if len(words) == 0 && x.Query != "" {
		return res, "", nil // of signs alone there is nothing to be found
	}
	if err := f.open(r); err != nil {
		return Results{}, "", err
	}
	list := f.list
	if x.Chat != "" {
		if list = nil; f.chats[x.Chat] != nil {
			list = []*findChat{f.chats[x.Chat]}
		}
	}
	q := query{f: f, r: r, x: &x, kind: kind, limit: limit, who: who}
	for _, w := range words {
		q.words = append(q.words, []byte(" "+w))
	}
	err := q.run(list, last, &res, more)
	if err == nil {
		for i := range res.Hits {
			h := &res.Hits[i]
			h.Start, h.Length = fold.Find(h.Message.Text, words)
		}
	}
	return res, "", err
}
