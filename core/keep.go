package core

import (
	"slices"
	"strings"
	"time"

	"paperplane/core/archive"
	"paperplane/protocol/plane"
)

// History for who has the words and nothing else: what is in the chats lies in sealed segments that
// the vault names. Full segments stay until they are old, for blobs do not live for ever; the newest,
// while it is small, is made anew with what has come since.

const (
	// keepEvery is how many new entries of a chat make a segment at once; fewer wait for keepWait.
	// What has come since is told by the others, so Saved, where there may be none, does not wait.
	keepEvery = 500
	keepWait  = time.Hour
	// keepFull is from how many entries on a segment is left as it is.
	keepFull = archive.ItemsMax / 2
	// renewDays is the age at which a segment is made anew: servers keep blobs for 30 days, and a
	// vault that was not written since is to be of use for some weeks.
	renewDays = 10
)

// keeping is how far a chat's history is in segments that the vault names.
type keeping struct {
	_    struct{} `cbor:",toarray"`
	Segs []kept   // oldest first
	Upto uint64   // entries before it are in them
	Seq  plane.Seq
	At   int64 // ms: of the last
	// Edited is the last day on which something that was said became otherwise: segments of that day
	// and before tell it as it was.
	Edited plane.Day
	job    *keepJob
}

// kept is a segment of one's own.
type kept struct {
	_      struct{} `cbor:",toarray"`
	Ref    archive.Ref
	Secret [16]byte
	Made   plane.Day
}

// keepJob makes the segments of entries from From to before Goal, newest first.
type keepJob struct {
	from, goal uint64
	made       []kept
	logs       []*chat // whose records up to seqs are in it
	seqs       []plane.Seq
}

// refs are those of a chat's kept segments.
func (c *chat) refs() (list []archive.Ref) {
	if c.Keep != nil {
		for _, s := range c.Keep.Segs {
			list = append(list, s.Ref)
		}
	}
	return list
}

// keptSeq is the place in the log up to which the segments go.
func (c *chat) keptSeq() plane.Seq {
	if c.Keep == nil {
		return 0
	}
	return c.Keep.Seq
}

// keepHistory has segments made of what is new, and of what is old.
func (m *Machine) keepHistory() {
	today := plane.DayOf(m.now)
	for _, c := range m.order {
		if c.First != "" || m.fetches(c.id) {
			continue
		}
		if c.Keep == nil {
			c.Keep = &keeping{}
		}
		k := c.Keep
		k.Upto = max(k.Upto, 1)
		if k.job != nil {
			continue
		}
		wait := keepWait.Milliseconds()
		if c.kind() == ChatSaved || c.c.Size() == 1 {
			wait = 0 // nobody else has it
		}
		if c.Next > k.Upto {
			if c.Next-k.Upto >= keepEvery || m.now.UnixMilli() >= k.At+wait {
				from := k.Upto
				if n := len(k.Segs) - 1; n >= 0 && from > 1 && k.Segs[n].Ref.Count < keepFull {
					from = k.Segs[n].Ref.From
				}
				m.keep(c, from, c.Next)
				continue
			}
			m.vault.stale = true // later
		}
		for _, s := range k.Segs {
			if s.Made+renewDays <= today || s.Made <= k.Edited && s.Made < today {
				m.keep(c, s.Ref.From, s.Ref.To+1)
				break
			}
		}
	}
}

func (m *Machine) keep(c *chat, from, goal uint64) {
	j := &keepJob{from: from, goal: goal}
	for _, x := range m.order {
		if m.view(x) == c {
			j.logs, j.seqs = append(j.logs, x), append(j.seqs, x.c.Cursor())
		}
	}
	c.Keep.job = j
	m.emit(MakeSegment{ID: "keep/" + c.id, Chat: c.id, After: from - 1, Before: goal, Lasting: true})
}

// keepAnew: older entries have come into a chat than those that its segments begin with.
func (c *chat) keepAnew() {
	if c.Keep != nil && c.Keep.Upto > 1 {
		c.Keep.Upto, c.Keep.job, c.dirtyMeta = 1, nil, true
	}
}

// rewritten: something that was said was edited or deleted. What is announced for newcomers tells it
// as it was, and so do the segments of the vault, which are made anew once a day.
func (m *Machine) rewritten(c *chat) {
	if c.Told != nil {
		c.Told, c.dirtyMeta = nil, true
	}
	v := m.view(c)
	if k, today := v.Keep, plane.DayOf(m.now); k != nil && len(k.Segs) > 0 && k.Edited != today {
		k.Edited, v.dirtyMeta = today, true
	}
}

// keepMade takes a segment for the vault; false when it is none.
func (m *Machine) keepMade(in SegmentMade) bool {
	id, ok := strings.CutPrefix(in.ID, "keep/")
	c := m.chats[id]
	if !ok || c == nil || c.Keep == nil || c.Keep.job == nil || m.words.Keys.Owner == nil {
		return ok
	}
	if in.Ref.Count == 0 {
		m.kept(c)
		return true
	}
	if m.puts == nil {
		m.puts = map[string]SegmentMade{}
	}
	m.puts["kept/"+id] = in
	m.emit(PutObject{ID: "kept/" + id, Server: m.acc.Home, Secret: in.Secret, Data: in.Data})
	return true
}

func (m *Machine) keepObject(in Object) bool {
	id, ok := strings.CutPrefix(in.ID, "kept/")
	if !ok {
		return false
	}
	made := m.puts[in.ID]
	delete(m.puts, in.ID)
	c := m.chats[id]
	if c == nil || c.Keep == nil || c.Keep.job == nil || made.Ref.Count == 0 {
		return true
	}
	k, j := c.Keep, c.Keep.job
	if in.Code != plane.OK {
		k.job, k.At = nil, m.now.UnixMilli()
		return true
	}
	j.made = append(j.made, kept{Ref: made.Ref, Secret: made.Secret, Made: plane.DayOf(m.now)})
	if made.Ref.From > j.from {
		m.emit(MakeSegment{ID: "keep/" + id, Chat: id, After: j.from - 1, Before: made.Ref.From, Lasting: true})
	} else {
		m.kept(c)
	}
	return true
}

// kept: the segments take the place of those before. The old ones are deleted when the vault names
// them no more.
func (m *Machine) kept(c *chat) {
	k, j := c.Keep, c.Keep.job
	k.job = nil
	slices.Reverse(j.made)
	var list []kept
	at := -1
	for _, s := range k.Segs {
		switch {
		case s.Ref.To < j.from:
			list = append(list, s)
		case s.Ref.From >= j.goal:
			if at < 0 {
				at = len(list)
			}
			list = append(list, s)
		default:
			m.words.Drop = append(m.words.Drop, s.Secret)
		}
	}
	if at < 0 {
		at = len(list)
	}
	k.Segs = slices.Insert(list, at, j.made...)
	if j.goal >= k.Upto {
		k.Upto, k.At = j.goal, m.now.UnixMilli()
		for i, x := range j.logs {
			if x.Keep == nil {
				x.Keep = &keeping{}
			}
			x.Keep.Seq, x.dirtyMeta = j.seqs[i], true
		}
	}
	c.dirtyMeta, m.vault.stale = true, true
	m.saveWords()
	if !m.keeping() {
		m.vault.at = time.Time{} // what a program that is soon closed has made is to be found again
	}
}

// keeping says whether a chat's history is on its way into segments.
func (m *Machine) keeping() bool {
	return slices.ContainsFunc(m.order, func(c *chat) bool { return c.Keep != nil && c.Keep.job != nil })
}
