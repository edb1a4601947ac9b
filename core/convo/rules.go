package convo

import (
	"bytes"
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"paperplane/protocol/plane"
)

// The rules of a group hold for everybody but its owners and admins, and every member judges a
// post alike, when it stands in its place, from the log alone: from the roles and rules of its
// epoch, from the times that members state, and from what of these a joiner is told in its
// invitation. No clock of a reader counts. A post that breaks a rule is void for all, like one
// that was overtaken.
//
//   - Quiet: only owners and admins post.
//   - Slow: a member states at least Slow seconds more than with its last post, and a time not
//     slackMS before the median of what the last medianOf others stated with theirs. Whose last post
//     is slackMS ahead of the median of those who posted after it has to wait until they are there.
//     So a clock that lies wins a few posts, and nobody else loses any. Nobody posts more than
//     runMax times without somebody between.
//   - Quarantine: who is new posts once an owner or admin, or two others who are not new, have
//     stated a time so many hours after the one that the commit states which let them in.

var (
	// ErrQuiet: only owners and admins post.
	ErrQuiet = errors.New("convo: quiet mode")
	// ErrSlow: too early after one's last post.
	ErrSlow = errors.New("convo: slow mode")
	// ErrNewcomer: too early after one has come in.
	ErrNewcomer = errors.New("convo: newcomer")
)

const (
	// postersMax bounds those whose last post is remembered: who has not posted for so many others
	// may post.
	postersMax = 128
	// runMax is how many posts of one member may follow each other in slow mode.
	runMax = 32
	// medianOf is how many others tell the time, mediansMin how many it takes.
	medianOf   = 15
	mediansMin = 3
	// slackMS is how far honest clocks are apart.
	slackMS = 10 * 60 * 1000
	// freshMax bounds the rows of newcomers: a row is those on neighbouring leaves who came in within
	// freshUnit. With more, those who came first are new no longer.
	freshMax  = 512
	freshUnit = 10 * 60 * 1000
	hourMS    = 60 * 60 * 1000
)

// commitHead is the authenticated data of our commits.
type commitHead struct {
	_     struct{}          `cbor:",toarray"`
	AtMS  uint64            // by the clock of its maker
	Doors []plane.PublicKey // of the links through which it lets people in, sorted, each once
	Blob  []byte            // plane.BlobID of what lies beside a sliced commit; nil for others
	From  []byte            // voucher, of a sliced commit; nil for others
}

func parseHead(b []byte) (h commitHead, ok bool) {
	ok = len(b) <= 1<<12 && decoding.Unmarshal(b, &h) == nil && bytes.Equal(encode(h), b) && ascending(h.Doors)
	if !ok {
		return commitHead{}, false
	}
	return h, true
}

func msOf(t time.Time) uint64 { return uint64(max(0, t.UnixMilli())) }

// Wall is what the rules need to remember. It is empty where no rule asks for it.
type Wall struct {
	_     struct{}        `cbor:",toarray"`
	Lead  uint64          // the latest time that an owner or admin has stated
	First uint64          // the latest of others, of By
	By    plane.PublicKey //
	Next  uint64          // the latest of others than By
	Run   plane.PublicKey // who posted last
	Count uint8           // and how often without another between
	Last  []Posted        // the last posts, the newest last
	Fresh []Fresh         // by leaf
}

// Posted is a member's last post.
type Posted struct {
	_      struct{} `cbor:",toarray"`
	Person plane.PublicKey
	AtMS   uint64 // as stated
}

// Fresh are newcomers on neighbouring leaves, who came in at At units of freshUnit.
type Fresh struct {
	_        struct{} `cbor:",toarray"`
	From, To uint32   // both included
	At       uint32
}

func (w Wall) clone() Wall {
	w.Last, w.Fresh = slices.Clone(w.Last), slices.Clone(w.Fresh)
	return w
}

func (w *Wall) check() bool {
	for i, f := range w.Fresh {
		if f.From > f.To || i > 0 && w.Fresh[i-1].To >= f.From {
			return false
		}
	}
	for i, p := range w.Last {
		if slices.ContainsFunc(w.Last[:i], func(q Posted) bool { return p.Person == q.Person }) {
			return false
		}
	}
	return len(w.Last) <= postersMax && len(w.Fresh) <= freshMax
}

// time returns what more than one liar says that it is, at the least.
func (w *Wall) time() uint64 { return max(w.Lead, w.Next) }

func (w *Wall) fresh(leaf uint32) (at uint32, ok bool) {
	i, ok := slices.BinarySearchFunc(w.Fresh, leaf, func(f Fresh, leaf uint32) int {
		switch {
		case f.To < leaf:
			return -1
		case f.From > leaf:
			return 1
		}
		return 0
	})
	if ok {
		at = w.Fresh[i].At
	}
	return at, ok
}

// mark makes the one on a leaf new since at, or no newcomer with 0.
func (w *Wall) mark(leaf, at uint32) {
	var list []Fresh
	add := func(f Fresh) {
		if n := len(list) - 1; n >= 0 && list[n].To+1 == f.From && list[n].At == f.At {
			list[n].To = f.To
		} else if f.From <= f.To {
			list = append(list, f)
		}
	}
	put := at == 0
	for _, f := range w.Fresh {
		if f.From <= leaf && leaf > 0 {
			add(Fresh{From: f.From, To: min(f.To, leaf-1), At: f.At})
		}
		if !put && f.To >= leaf {
			add(Fresh{From: leaf, To: leaf, At: at})
			put = true
		}
		if f.To > leaf {
			add(Fresh{From: max(f.From, leaf+1), To: f.To, At: f.At})
		}
	}
	if !put {
		add(Fresh{From: leaf, To: leaf, At: at})
	}
	w.Fresh = list
	for len(w.Fresh) > freshMax {
		first := slices.MinFunc(w.Fresh, func(a, b Fresh) int { return int(int64(a.At) - int64(b.At)) }).At
		w.Fresh = slices.DeleteFunc(w.Fresh, func(f Fresh) bool { return f.At == first })
	}
}

// Hear takes the time that a message states, before it is judged.
func (c *Convo) Hear(leaf uint32, ms uint64) {
	w := &c.wall
	p := c.at(leaf)
	if c.state.Rules.Quarantine == 0 || c.newcomer(leaf) {
		return
	}
	was := *w
	switch {
	case c.Role(p) >= RoleAdmin:
		w.Lead = max(w.Lead, ms)
	case p == w.By:
		w.First = max(w.First, ms)
	case ms > w.First:
		w.First, w.By, w.Next = ms, p, w.First
	default:
		w.Next = max(w.Next, ms)
	}
	if was.Lead != w.Lead || was.First != w.First || was.By != w.By || was.Next != w.Next {
		c.saveWall()
	}
}

func (c *Convo) newcomer(leaf uint32) bool {
	at, ok := c.wall.fresh(leaf)
	return ok && c.wall.time() < uint64(at)*freshUnit+uint64(c.state.Rules.Quarantine)*hourMS
}

// median returns the middle one of the times that the last others than p have stated, of those
// from place from on.
func (w *Wall) median(from int, p plane.PublicKey) (uint64, bool) {
	var list []uint64
	for i := len(w.Last) - 1; i >= from && len(list) < medianOf; i-- {
		if w.Last[i].Person != p {
			list = append(list, w.Last[i].AtMS)
		}
	}
	if len(list) < mediansMin {
		return 0, false
	}
	slices.Sort(list)
	return list[len(list)/2], true
}

// Judge says whether the member on a leaf may post and state ms: nil, ErrQuiet, ErrSlow or
// ErrNewcomer. With an error at is when it may, in milliseconds since 1970 as that member counts;
// 0: that is not known. post is false for what changes a post: it need not be slow.
func (c *Convo) Judge(leaf uint32, ms uint64, post bool) (at uint64, err error) {
	p, w, r := c.at(leaf), &c.wall, c.state.Rules
	if c.state.Kind != Group || c.Role(p) >= RoleAdmin {
		return 0, nil
	}
	if r.Quiet {
		return 0, ErrQuiet
	}
	if c.newcomer(leaf) {
		since, _ := w.fresh(leaf)
		return uint64(since)*freshUnit + uint64(r.Quarantine)*hourMS, ErrNewcomer
	}
	if r.Slow == 0 || !post {
		return 0, nil
	}
	i := slices.IndexFunc(w.Last, func(q Posted) bool { return q.Person == p })
	if m, ok := w.median(0, p); ok && ms+slackMS < m {
		return m - slackMS, ErrSlow
	}
	if w.Run == p && w.Count >= runMax {
		return 0, ErrSlow
	}
	if i < 0 {
		return 0, nil
	}
	last := w.Last[i].AtMS
	if m, ok := w.median(i+1, p); ok && last > m+slackMS {
		return last, ErrSlow
	}
	if next := last + uint64(r.Slow)*1000; ms < next {
		return next, ErrSlow
	}
	return 0, nil
}

// Post takes a post that was not void.
func (c *Convo) Post(leaf uint32, ms uint64) {
	if c.state.Kind != Group || c.state.Rules.Slow == 0 {
		return
	}
	w, p := &c.wall, c.at(leaf)
	if w.Run != p {
		w.Run, w.Count = p, 0
	}
	w.Count = min(w.Count+1, runMax)
	// The slot that is freed is written again.
	slot := len(w.Last)
	if i := slices.IndexFunc(w.Last, func(q Posted) bool { return q.Person == p }); i >= 0 {
		slot = c.slots[i]
		w.Last, c.slots = slices.Delete(w.Last, i, i+1), slices.Delete(c.slots, i, i+1)
	} else if slot >= postersMax {
		slot = c.slots[0]
		w.Last, c.slots = slices.Delete(w.Last, 0, 1), slices.Delete(c.slots, 0, 1)
	}
	w.Last, c.slots = append(w.Last, Posted{Person: p, AtMS: ms}), append(c.slots, slot)
	c.posts++
	c.dirty.put(slotKey(slot), encode(storedPost{N: c.posts, Person: p, AtMS: ms}))
	c.saveWall()
}

// Posts reports whether a rule asks for Hear, Judge and Post.
func (c *Convo) Posts() bool { r := c.state.Rules; return r.Quiet || r.Slow > 0 || r.Quarantine > 0 }

// turnWall carries the wall over a commit of by, after the roster has changed. marks are those of
// the leaves before.
func (c *Convo) turnWall(before *Rules, t turn, maker uint32, marks map[plane.PublicKey]uint32, ms uint64) {
	w, r := &c.wall, c.state.Rules
	if before.Slow == 0 && r.Slow == 0 && before.Quarantine == 0 && r.Quarantine == 0 {
		return
	}
	if r.Slow == 0 {
		w.Last, w.Run, w.Count = nil, plane.PublicKey{}, 0
	}
	w.Last = slices.DeleteFunc(slices.Clone(w.Last), func(q Posted) bool { return c.light == nil && !c.Has(q.Person) })
	if r.Quarantine == 0 {
		*w = Wall{Run: w.Run, Count: w.Count, Last: w.Last}
	} else {
		if c.at(maker) != (plane.PublicKey{}) {
			c.Hear(maker, ms)
		}
		joined := uint32((max(ms, w.time()) + freshUnit - 1) / freshUnit)
		for _, leaf := range t.removed {
			w.mark(leaf, 0)
		}
		for _, s := range t.added {
			at, old := marks[s.person]
			if !old {
				at = joined
			}
			w.mark(s.leaf, at)
		}
		w.Fresh = slices.DeleteFunc(slices.Clone(w.Fresh), func(f Fresh) bool {
			return uint64(f.At)*freshUnit+uint64(r.Quarantine)*hourMS <= w.time()
		})
	}
	c.saveWallWhole()
}

// marks returns since when the people whom a turn gives leaves are new, 0 for those who are not.
func (c *Convo) marks(t turn) map[plane.PublicKey]uint32 {
	list := map[plane.PublicKey]uint32{}
	if c.state.Rules.Quarantine == 0 {
		for _, s := range t.added {
			if c.Has(s.person) {
				list[s.person] = 0
			}
		}
		return list
	}
	for _, s := range t.added {
		if _, ok := list[s.person]; ok || !c.Has(s.person) {
			continue
		}
		list[s.person] = 0
		for _, leaf := range c.of(s.person) {
			if at, ok := c.wall.fresh(leaf); ok {
				list[s.person] = max(list[s.person], at)
			}
		}
	}
	return list
}

// The stored keys of the wall: "wall" without the posts, which stand in "w/SLOT".
const keyWall = "wall"

type storedPost struct {
	_      struct{} `cbor:",toarray"`
	N      uint64   // rising
	Person plane.PublicKey
	AtMS   uint64
}

func slotKey(i int) string { return "w/" + strconv.Itoa(i) }

func (c *Convo) saveWall() {
	w := c.wall
	w.Last = nil
	c.dirty.put(keyWall, encode(w))
}

// saveWallWhole stores all of it, with the posts in slots anew.
func (c *Convo) saveWallWhole() {
	for _, slot := range c.slots {
		c.dirty.put(slotKey(slot), nil)
	}
	c.slots = nil
	for i, p := range c.wall.Last {
		c.slots = append(c.slots, i)
		c.posts++
		c.dirty.put(slotKey(i), encode(storedPost{N: c.posts, Person: p.Person, AtMS: p.AtMS}))
	}
	if w := c.wall; w.Lead == 0 && w.First == 0 && w.Count == 0 && len(w.Fresh) == 0 {
		c.dirty.put(keyWall, nil)
		return
	}
	c.saveWall()
}

// loadWall takes the stored pairs that are the wall's.
func (c *Convo) loadWall(pairs []Pair) bool {
	type numbered struct {
		slot int
		p    storedPost
	}
	var list []numbered
	for _, x := range pairs {
		if x.Key == keyWall {
			if decoding.Unmarshal(x.Value, &c.wall) != nil {
				return false
			}
		} else if n, ok := strings.CutPrefix(x.Key, "w/"); ok {
			slot, err := strconv.Atoi(n)
			var p storedPost
			if err != nil || decoding.Unmarshal(x.Value, &p) != nil {
				return false
			}
			list = append(list, numbered{slot, p})
		}
	}
	sort.Slice(list, func(a, b int) bool { return list[a].p.N < list[b].p.N }) // slices.SortFunc of structs is 2 KB each in the browser
	for _, x := range list {
		c.wall.Last, c.slots = append(c.wall.Last, Posted{Person: x.p.Person, AtMS: x.p.AtMS}), append(c.slots, x.slot)
		c.posts = x.p.N
	}
	return c.wall.check()
}
