package convo

import (
	"encoding/hex"
	"slices"
	"sort"
	"strconv"
	"strings"

	"paperplane/mls"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// Pair is a change of stored state: Key is relative to the conversation, a nil Value deletes.
type Pair struct {
	Key   string
	Value []byte
}

// The stored keys: "head" changes with every record, "cold" rarely, "group" with every epoch,
// "d/…" are the deltas since, "held" is a commit that waits for its slices, "ghosts" are hashes of own ones, "turn" says whom one of a light member takes out, "begun" says where the epochs began, "pending" is an own commit that waits, with what is large of it in
// "p/…", "t/…" are the pieces of the trees of both, which share what is the same in them, "q/…" are
// parts, "wall" and "w/…" what the rules remember.
const (
	keyHead    = "head"
	keyCold    = "cold"
	keyGroup   = "group"
	keyPending = "pending"
	keyBegun   = "begun"
)

// bulkBytesMax bounds one piece of what an own commit says: vaults take 4 MiB for a value.
const bulkBytesMax = 1 << 20

// changes collects what is to be stored.
type changes struct {
	head, cold, epoch, pending bool
	begun                      bool
	puts                       []Pair
	deltas                     []string         // keys of deltas that are stored
	isDelta                    map[string]bool  // the same: two for each member who has spoken
	trees                      []*mls.SavedTree // whose pieces are stored
	bulk                       int              // pieces of the own commit that are stored
	light                      bool             // what a light member knows is stored
	turn                       bool             // whom its own commit takes out is stored
}

func (d *changes) put(key string, value []byte) { d.puts = append(d.puts, Pair{key, value}) }

type storedHead struct {
	_       struct{} `cbor:",toarray"`
	Cursor  plane.Seq
	Day     plane.Day
	Chain   [32]byte
	Known   bool
	Leaving []uint32
	Suspect uint8
	Lost    Lost
	Voids   uint8
	LostAt  plane.Seq
}

type storedCold struct {
	_      struct{} `cbor:",toarray"`
	Gens   []Generation
	Forked bool
}

// storedPending has no Message when that and Welcome are stored in pieces, one behind the other;
// in the place of Welcome stand their sizes.
type storedPending struct {
	_       struct{} `cbor:",toarray"`
	Message []byte
	Welcome []byte
	Tag     uint64
	Next    []byte
	AtMS    uint64
}

type storedSizes struct {
	_                struct{} `cbor:",toarray"`
	Message, Welcome int
}

type storedPart struct {
	_     struct{} `cbor:",toarray"`
	First plane.Seq
	Count int
	Data  []byte
}

// Unsaved reports whether Changes has something to tell. It costs next to nothing.
func (c *Convo) Unsaved() bool {
	d := &c.dirty
	return d.head || d.cold || d.epoch || d.pending || d.begun || len(d.puts) > 0 || c.g.Unsaved()
}

// Changes returns what has changed since the last call, in an order that does not matter: it is
// to be stored as one.
func (c *Convo) Changes() []Pair {
	d := &c.dirty
	out := d.puts
	if d.epoch {
		out = append(out, Pair{keyGroup, c.g.SnapshotHead()})
		if c.light != nil {
			d.light = true
			out = append(out, Pair{keyLight, encode(storedLight{People: c.light.people, Leaves: c.who.leaves})})
		} else if d.light {
			d.light = false
			out = append(out, Pair{keyLight, nil})
		}
		for _, k := range d.deltas {
			out = append(out, Pair{"d/" + k, nil})
		}
		d.deltas, d.isDelta = nil, nil
		d.head = true
	}
	for _, x := range c.g.Delta() {
		out = append(out, Pair{"d/" + x.Key, x.Value})
		d.keepDelta(x.Key)
	}
	if d.head {
		out = append(out, Pair{keyHead, encode(storedHead{Cursor: c.cursor, Day: c.day, Chain: c.chain, Known: c.known, Leaving: c.leaving, Suspect: c.suspect, Lost: c.lost, Voids: c.voids, LostAt: c.lostAt})})
	}
	if d.cold {
		out = append(out, Pair{keyCold, encode(storedCold{Gens: c.gens, Forked: c.forked})})
	}
	if d.begun {
		out = append(out, Pair{keyBegun, encode(c.begun)})
	}
	if d.pending {
		var v []byte
		n := 0
		if p := c.kept(); p != nil {
			s := storedPending{Message: p.Message, Welcome: p.Welcome, Tag: p.Tag, Next: p.next.SnapshotHead(), AtMS: p.atMS}
			if len(p.Message)+len(p.Welcome) > bulkBytesMax {
				s.Message, s.Welcome = nil, encode(storedSizes{Message: len(p.Message), Welcome: len(p.Welcome)})
				for b := range slices.Chunk(slices.Concat(p.Message, p.Welcome), bulkBytesMax) {
					out = append(out, Pair{bulkKey(n), b})
					n++
				}
			}
			v = encode(s)
		}
		out = append(out, Pair{keyPending, v})
		for i := n; i < d.bulk; i++ {
			out = append(out, Pair{bulkKey(i), nil})
		}
		d.bulk = n
		out = append(out, c.keepTurn(c.kept())...)
	}
	if d.epoch || d.pending {
		trees := c.trees()
		put, drop := mls.TreeChanges(d.trees, trees)
		for _, x := range put {
			out = append(out, Pair{"t/" + x.Key, x.Value})
		}
		for _, k := range drop {
			out = append(out, Pair{"t/" + k, nil})
		}
		d.trees = trees
	}
	c.dirty = changes{deltas: d.deltas, isDelta: d.isDelta, trees: d.trees, bulk: d.bulk, light: d.light, turn: d.turn}
	return out
}

func (d *changes) keepDelta(key string) {
	if d.isDelta == nil {
		d.isDelta = map[string]bool{}
	}
	if !d.isDelta[key] {
		d.isDelta[key] = true
		d.deltas = append(d.deltas, key)
	}
}

func bulkKey(i int) string { return "p/" + strconv.Itoa(i) }

// trees are those that must be stored: of the epoch and of the commit that waits.
func (c *Convo) trees() []*mls.SavedTree {
	t := []*mls.SavedTree{c.g.SavedTree()}
	if p := c.kept(); p != nil {
		t = append(t, p.next.SavedTree())
	}
	return t
}

// Load rebuilds a Convo from its stored pairs. ErrDamaged: they do not decode.
func Load(id plane.LogID, identify Identify, pairs []Pair) (*Convo, error) {
	c := &Convo{id: id, identify: identify}
	var head storedHead
	var cold storedCold
	var pend storedPending
	var group []byte
	var deltas []mls.Delta
	var held, ghosts, out []byte
	var some storedLight
	var parts []Pair
	pages, bulk := map[string][]byte{}, map[string][]byte{}
	ok := true
	for _, p := range pairs {
		switch {
		case p.Key == keyHead:
			ok = ok && decoding.Unmarshal(p.Value, &head) == nil
		case p.Key == keyCold:
			ok = ok && decoding.Unmarshal(p.Value, &cold) == nil
		case p.Key == keyBegun:
			ok = ok && decoding.Unmarshal(p.Value, &c.begun) == nil && len(c.begun) <= begunMax
		case p.Key == keyPending:
			ok = ok && decoding.Unmarshal(p.Value, &pend) == nil
		case p.Key == keyGroup:
			group = p.Value
		case p.Key == keyHeld:
			held = p.Value
		case p.Key == keyGhosts:
			ghosts = p.Value
		case p.Key == keyTurn:
			out = p.Value
		case p.Key == keyLight:
			ok = ok && decoding.Unmarshal(p.Value, &some) == nil && some.People > 0
		case strings.HasPrefix(p.Key, "d/"):
			deltas = append(deltas, mls.Delta{Key: p.Key[2:], Value: p.Value})
		case strings.HasPrefix(p.Key, "q/"):
			parts = append(parts, p)
		case strings.HasPrefix(p.Key, "t/"):
			pages[p.Key[2:]] = p.Value
		case strings.HasPrefix(p.Key, "p/"):
			bulk[p.Key] = p.Value
		}
	}
	if !ok || group == nil {
		return nil, ErrDamaged
	}
	page := func(key string) []byte { return pages[key] }
	g, err := mls.RestoreHead(group, page, deltas)
	if err != nil {
		return nil, ErrDamaged
	}
	if g.Light() {
		c.light, c.who.leaves = newKnown(some.People), some.Leaves
	}
	if err := c.enter(g); err != nil {
		return nil, ErrDamaged
	}
	if g.Light() == (some.People == 0) || !c.seat(g, true) || !c.loadWall(pairs) {
		return nil, ErrDamaged
	}
	c.cursor, c.day, c.chain, c.known = head.Cursor, head.Day, seal.HistoryHash(head.Chain), head.Known
	c.leaving, c.suspect, c.lost, c.voids, c.lostAt = head.Leaving, head.Suspect, head.Lost, head.Voids, head.LostAt
	c.gens, c.forked, c.opened = cold.Gens, cold.Forked, head.Cursor
	if len(c.gens) == 0 {
		return nil, ErrDamaged
	}
	if len(bulk) > 0 {
		var n storedSizes
		var b []byte
		for i := range len(bulk) {
			b = append(b, bulk[bulkKey(i)]...)
		}
		if pend.Message != nil || decoding.Unmarshal(pend.Welcome, &n) != nil || n.Message <= 0 || n.Message > len(b) || n.Welcome != len(b)-n.Message {
			return nil, ErrDamaged
		}
		pend.Message, pend.Welcome = b[:n.Message:n.Message], b[n.Message:]
	} else if pend.Message == nil && pend.Next != nil {
		return nil, ErrDamaged
	}
	if pend.Message != nil {
		next, err := mls.RestoreHead(pend.Next, page, nil)
		if err != nil {
			return nil, ErrDamaged
		}
		c.pending = &Pending{Message: pend.Message, Welcome: pend.Welcome, Tag: pend.Tag, next: next, hash: hashOf(pend.Message), atMS: pend.AtMS}
	}
	if err := c.loadParts(parts); err != nil {
		return nil, err
	}
	c.loadGhosts(ghosts)
	if held != nil {
		if err := c.loadHeld(held); err != nil {
			return nil, err
		}
	}
	if c.known && c.cursor > 0 {
		c.window = []seen{{c.cursor, c.chain.Short()}}
	}
	c.dirty = changes{bulk: len(bulk), light: some.People > 0}
	c.loadTurn(out)
	for _, x := range deltas {
		c.dirty.keepDelta(x.Key)
	}
	if len(pages) > 0 || c.g.Light() {
		c.dirty.trees = c.trees()
	} else { // stored whole, before there were pieces: as pieces with the next record
		c.dirty.epoch, c.dirty.pending = true, true
	}
	return c, nil
}

// loadParts puts the stored parts back: keys order the parts of one message.
func (c *Convo) loadParts(parts []Pair) error {
	sort.Slice(parts, func(a, b int) bool { return parts[a].Key < parts[b].Key }) // slices.SortFunc of structs is 2 KB each in the browser
	for _, p := range parts {
		var s storedPart
		id, err := hex.DecodeString(p.Key[2:min(len(p.Key), 18)])
		if decoding.Unmarshal(p.Value, &s) != nil || err != nil || len(id) != 8 {
			return ErrDamaged
		}
		k := slices.IndexFunc(c.partial, func(q *partial) bool { return q.id == [8]byte(id) })
		if k < 0 {
			c.partial = append(c.partial, &partial{id: [8]byte(id), first: s.First, count: s.Count})
			k = len(c.partial) - 1
		}
		c.partial[k].have = append(c.partial[k].have, s.Data)
	}
	sort.Slice(c.partial, func(a, b int) bool { return c.partial[a].first < c.partial[b].first })
	return nil
}

// Forget makes the next Changes delete everything that is stored, for a chat that is joined anew.
func (c *Convo) Forget() {
	c.dropParts()
	puts := c.dirty.puts
	for _, k := range c.dirty.deltas {
		puts = append(puts, Pair{"d/" + k, nil})
	}
	for _, k := range []string{keyHead, keyCold, keyGroup, keyPending, keyHeld, keyGhosts, keyBegun, keyLight, keyTurn} {
		puts = append(puts, Pair{k, nil})
	}
	for i := range c.dirty.bulk {
		puts = append(puts, Pair{bulkKey(i), nil})
	}
	puts = append(puts, Pair{keyWall, nil})
	for _, i := range c.slots {
		puts = append(puts, Pair{slotKey(i), nil})
	}
	_, drop := mls.TreeChanges(c.dirty.trees, nil)
	for _, k := range drop {
		puts = append(puts, Pair{"t/" + k, nil})
	}
	c.g.Delta()
	c.dirty = changes{puts: puts}
}
