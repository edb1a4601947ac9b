package core

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"paperplane/core/convo"
	"paperplane/protocol/plane"
)

// Commits of large groups: what lies beside an own one is put into its blob before the commit is
// sent, and that of others is fetched before the log is read on (core/convo/slices.go).

const (
	// sliceTries is how often a blob that is missing or wrong is asked for before one gives up.
	sliceTries = 4
	// putTries is how often the server may refuse pages before a commit goes without them.
	putTries = 2
	// behindMax bounds the records that are kept while a commit waits; the others are read again.
	behindMax = 256
)

// slicing is what is under way beside a chat's commits.
type slicing struct {
	n   uint64 // numbers the objects
	put *convo.Pending
	get *convo.Held

	puts  []*putting // of the own commit, not there yet: the slices first
	gone  int        // tries of its pages that came to nothing
	putAt time.Time

	getID string
	got   [][]byte
	left  int
	tries int
	at    time.Time // of the next try
}

// putting is something beside an own commit that is to be put.
type putting struct {
	id   string
	page *convo.Page // nil: the slices
	busy bool
}

// behind is a record that has come while a commit waits.
type behindRecord struct {
	seq  plane.Seq
	body []byte
}

// store puts what lies beside the own commit into its blobs: its slices, without which nobody can read
// it, and the pages of the tree that are new with it. Pages are for those who come in by it or have no
// tree: where the server does not take them, the commit goes without, and they are tried again when it
// has won.
func (m *Machine) store(c *chat, p *convo.Pending) {
	x := &c.slicing
	if x.put != p {
		m.stopPuts(c, false)
		x.n++
		x.put, x.gone, x.putAt = p, 0, time.Time{}
		add := func(page *convo.Page) {
			x.puts = append(x.puts, &putting{id: fmt.Sprintf("slices/%s/%d/%d", c.id, x.n, len(x.puts)), page: page})
		}
		if p.Slices != nil {
			add(nil)
		}
		if p.Pages != nil {
			for i := range p.Pages.List {
				add(&p.Pages.List[i])
			}
		}
	}
	if m.now.Before(x.putAt) {
		return
	}
	x.putAt = time.Time{}
	for i, t := range x.puts {
		if i >= pagesAtOnce {
			return
		}
		if t.busy {
			continue
		}
		t.busy = true
		put := PutObject{ID: t.id, Server: c.Server, Secret: p.Secret, Data: p.Slices}
		if t.page != nil {
			put.Secret, put.Data = t.page.Secret, p.Pages.Sealed(t.page)
		}
		m.emit(put)
	}
	if len(x.puts) == 0 {
		x.put = nil
		c.c.Stored()
		m.touch(c)
	}
}

// stopPuts gives up what is being put, or the pages alone.
func (m *Machine) stopPuts(c *chat, pages bool) {
	x := &c.slicing
	list := x.puts
	x.puts = nil
	for _, t := range list {
		if pages && t.page == nil {
			x.puts = append(x.puts, t)
		} else if t.busy {
			m.emit(Cancel{ID: t.id})
		}
	}
	if !pages {
		x.put = nil
	}
}

// stored takes the server's word for something beside an own commit; false when it is of something else.
func (m *Machine) stored(c *chat, id string, code plane.Code) bool {
	x := &c.slicing
	for i, t := range x.puts {
		if t.id != id || !t.busy {
			continue
		}
		m.touch(c)
		t.busy = false
		own := x.put
		switch {
		case c.c.Pending() != own:
			m.stopPuts(c, false)
		case code == plane.OK:
			if t.page != nil {
				c.paging.there(m.now, t.page)
			}
			x.puts = append(x.puts[:i:i], x.puts[i+1:]...)
		case t.page == nil:
			m.stopPuts(c, false)
			c.c.Abandon() // made anew, later
			m.waitChat(c)
		default:
			if x.gone++; x.gone < putTries {
				x.putAt = m.now.Add(backoff(x.gone))
			} else {
				m.stopPuts(c, true)
			}
		}
		return true
	}
	return false
}

// fetchSlices asks for what the commit needs that waits.
func (m *Machine) fetchSlices(c *chat) {
	x, h := &c.slicing, c.c.Held()
	if x.get != h {
		x.get, x.getID, x.tries, x.at = h, "", 0, time.Time{}
	}
	if x.getID != "" || m.now.Before(x.at) {
		return
	}
	x.n++
	x.getID, x.at = fmt.Sprintf("slice/%s/%d", c.id, x.n), time.Time{}
	reads := h.Reads()
	x.got, x.left = make([][]byte, len(reads)), len(reads)
	for i, r := range reads {
		m.emit(GetObject{ID: fmt.Sprintf("%s/%d", x.getID, i), Server: c.Server, Blob: h.Blob, Offset: int64(r.Off), Length: int64(r.Len)})
	}
}

// sliceObject takes what the driver has to say of slices; false when it is somebody else's.
func (m *Machine) sliceObject(in Object) bool {
	p := strings.Split(in.ID, "/")
	if len(p) < 3 || p[0] != "slices" && p[0] != "slice" {
		return false
	}
	c := m.chats[p[1]]
	if c == nil {
		return true
	}
	x := &c.slicing
	switch {
	case m.stored(c, in.ID, in.Code):
	case len(p) == 4 && strings.HasPrefix(in.ID, x.getID+"/") && c.c.Held() == x.get && x.get != nil:
		i, err := strconv.Atoi(p[3])
		if err != nil || i < 0 || i >= len(x.got) {
			return true
		}
		if x.left--; in.Code == plane.OK {
			x.got[i] = slices.Clip(in.Data)
		}
		if x.left == 0 {
			x.getID = ""
			m.touch(c)
			m.contain(c, func() { m.sliced(c) })
		}
	}
	return true
}

// sliced gives the pieces that have come to the commit that waits for them.
func (m *Machine) sliced(c *chat) {
	x := &c.slicing
	seq, got := x.get.Seq, x.got
	x.got = nil
	out := c.c.Give(m.now, got)
	if out == nil {
		if x.tries++; x.tries < sliceTries {
			x.at = m.now.Add(backoff(x.tries))
			return
		}
		c.c.GiveUp()
		m.show(c)
	} else {
		m.outcome(c, seq, out)
	}
	x.get = nil
	m.readBehind(c)
}

// readBehind reads the records that have come while a commit waited.
func (m *Machine) readBehind(c *chat) {
	list, torn, base := c.behind, c.torn, c.c.Base()
	c.behind, c.torn = nil, false
	for _, r := range list {
		if c.c.Base() != base {
			return // moved: the rest of this log is void
		}
		m.record(c, r.seq, r.body)
	}
	if torn && c.c.Base() == base {
		if s := m.servers[c.Server]; s != nil {
			delete(s.chats, c.read)
		}
		c.drop() // what was let pass is read again
	}
}

// keepBehind keeps a record until the commit before it is judged.
func (c *chat) keepBehind(seq plane.Seq, body []byte) {
	if len(c.behind) >= behindMax {
		c.torn = true
	}
	if !c.torn {
		c.behind = append(c.behind, behindRecord{seq, body})
	}
}
