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

// Who comes into a large group comes in light and gets the tree in the background, one page a Step
// (core/convo/light.go, pages.go). Whoever makes a commit puts the pages that it has changed into
// their blobs, before it sends the commit (slices.go): it knows them, and is there. When it has won, it
// looks after the others, which may have expired.

const (
	// pagesAtOnce is how many pages are on their way at a time.
	pagesAtOnce = 4
	// pageTries is how often one goes without a page before one begins again with the tree of a later
	// epoch, after a while.
	pageTries = 5
	// A tree is fetched when what the person waits for has come: from treeFirst to treeLast after.
	treeFirst, treeLast = 2 * time.Second, 6 * time.Second
	// treeAgain is when one begins again, then twice as late each time up to treeAgainMax.
	treeAgain    = time.Minute
	treeAgainMax = time.Hour
	// treeHelp is how long a light member leaves knocks to those who have the tree.
	treeHelp = 90 * time.Second
)

// paging is what is under way with the pages of a chat's tree.
type paging struct {
	n     uint64 // numbers what is asked of the driver
	at    time.Time
	tries int
	fails int // upgrades that came to nothing
	busy  map[string]convo.Page

	turned time.Time // when the last commit came
	warm   time.Time // when it is our turn to warm the tree

	takesTree uint64 // the intent for which a few pages are not enough

	put  []treePage // to be put, the root last
	have map[plane.BlobID]bool
	day  plane.Day // of have
}

// treePage is a page of a tree.
type treePage struct {
	tree *convo.TreePages
	page *convo.Page
	put  bool // it is not there: see pageObject
}

// wantsTree says whether a light member is to become a full one: who stays light becomes full when
// there is something that only full members can do.
func (m *Machine) wantsTree(c *chat) bool {
	return !m.light || len(c.intents.List) > 0 || len(m.devs.List) > 1
}

// unanswered is when a light member gets the tree to let somebody in: when they have knocked, and
// nobody who has it commits. Zero: nobody waits.
func (c *chat) unanswered() (at time.Time) {
	if c.queue == nil || len(c.queue.knocks) == 0 {
		return at
	}
	at = c.queue.knocks[0].due
	if at.Before(c.paging.turned) {
		at = c.paging.turned
	}
	return at.Add(treeHelp)
}

// pumpTree gets the tree of a light member.
func (m *Machine) pumpTree(c *chat) {
	x := &c.paging
	if !c.c.Upgrading() {
		x.busy = nil
		if !m.wantsTree(c) {
			if at := c.unanswered(); at.IsZero() || m.now.Before(at) {
				x.at = at
				return
			}
		} else if x.at.IsZero() {
			x.at = m.now.Add(between(treeFirst, treeLast))
		}
		if m.now.Before(x.at) || !c.c.BeginUpgrade() {
			return
		}
		x.busy, x.tries, x.at = map[string]convo.Page{}, 0, time.Time{}
	}
	if !x.at.IsZero() && m.now.Before(x.at) {
		return
	}
	x.at = time.Time{}
	list := c.c.MissingPages()
	if len(list) == 0 && len(x.busy) == 0 {
		if c.c.FinishUpgrade() {
			x.fails = 0
			m.touch(c)
			m.learnNames(c)
			m.show(c)
		} else {
			m.laterTree(c)
		}
		return
	}
	m.askPages(c, list)
}

// askPages asks for some pages.
func (m *Machine) askPages(c *chat, list []convo.Page) {
	x := &c.paging
	for _, p := range list {
		if len(x.busy) >= pagesAtOnce {
			return
		}
		id := c.pageID("page", p.Index)
		if _, ok := x.busy[id]; !ok {
			x.busy[id] = p
			m.emit(GetObject{ID: id, Server: c.Server, Blob: p.Blob()})
		}
	}
}

func (c *chat) pageID(kind string, i int) string {
	return fmt.Sprintf("%s/%s/%d/%d", kind, c.id, c.paging.n, i)
}

// endTree gives up the upgrade under way.
func (m *Machine) endTree(c *chat) {
	c.c.EndUpgrade()
	c.paging.n++
	c.paging.busy = nil
}

// laterTree gives up the upgrade under way and begins another later.
func (m *Machine) laterTree(c *chat) {
	x := &c.paging
	m.endTree(c)
	d := min(treeAgain<<min(x.fails, 10), treeAgainMax)
	x.fails++
	x.at = m.now.Add(between(d/2, d))
}

// putPages begins to put the pages of the tree that an own commit has made.
func (m *Machine) putPages(c *chat) {
	t := c.c.TreePages()
	if t == nil {
		return
	}
	if !c.Pages {
		c.Pages, c.dirtyMeta = true, true
	}
	x := &c.paging
	x.today(m.now)
	for i := range t.List {
		p := &t.List[i]
		if b := p.Blob(); !x.have[b] {
			x.have[b] = true
			x.put = append(x.put, treePage{tree: t, page: p})
		}
	}
	m.touch(c)
}

// today begins what is known to be there anew each day: blobs do not live for ever.
func (x *paging) today(now time.Time) {
	if day := plane.DayOf(now); x.day != day || x.have == nil {
		x.day, x.have = day, map[plane.BlobID]bool{}
	}
}

// there notes that a page is.
func (x *paging) there(now time.Time, p *convo.Page) {
	x.today(now)
	x.have[p.Blob()] = true
}

// pumpPages asks for what is to be put, whether it is there, and puts what is not.
func (m *Machine) pumpPages(c *chat) {
	x := &c.paging
	if c.Pages && len(x.put) == 0 && x.have == nil {
		m.putPages(c) // after a start
	}
	if !x.at.IsZero() && m.now.Before(x.at) {
		return
	}
	x.at = time.Time{}
	if len(x.put) == 0 && c.Pages {
		c.Pages, c.dirtyMeta = false, true
		m.touch(c)
	}
	for i := range x.put {
		if i >= pagesAtOnce || i > 0 && i == len(x.put)-1 {
			return // the root comes when all below it is there
		}
		t := &x.put[i]
		id := c.pageID("tp", t.page.Index)
		if _, ok := x.busy[id]; ok {
			continue
		}
		if x.busy == nil {
			x.busy = map[string]convo.Page{}
		}
		x.busy[id] = *t.page
		if t.put {
			m.emit(PutObject{ID: id, Server: c.Server, Secret: t.page.Secret, Data: t.tree.Sealed(t.page)})
		} else {
			m.emit(GetObject{ID: id, Server: c.Server, Blob: t.page.Blob(), Length: 1})
		}
	}
}

// pageObject takes what the driver has to say of pages; false when it is somebody else's.
func (m *Machine) pageObject(in Object) bool {
	p := strings.Split(in.ID, "/")
	if len(p) != 4 || p[0] != "page" && p[0] != "tp" {
		return false
	}
	c := m.chats[p[1]]
	if c == nil || p[2] != strconv.FormatUint(c.paging.n, 10) {
		return true
	}
	x := &c.paging
	page, ok := x.busy[in.ID]
	if !ok {
		return true
	}
	delete(x.busy, in.ID)
	m.touch(c)
	if p[0] == "page" {
		m.contain(c, func() { m.gotPage(c, page, in) })
		return true
	}
	i := slices.IndexFunc(x.put, func(t treePage) bool { return t.page.Secret == page.Secret })
	switch {
	case i < 0:
	case in.Code == plane.OK:
		x.put, x.tries = slices.Delete(x.put, i, i+1), 0
	case !x.put[i].put:
		x.put[i].put = true
	default:
		x.tries++
		x.at = m.now.Add(backoff(x.tries))
		if x.tries >= pageTries {
			x.put, x.have, x.busy, x.tries = nil, nil, nil, 0
			x.n++
			c.Pages, c.dirtyMeta = false, true // with the next commit
		}
	}
	return true
}

// gotPage takes a page of the tree that is being fetched, or its not being there.
func (m *Machine) gotPage(c *chat, p convo.Page, in Object) {
	x := &c.paging
	if !c.c.Upgrading() {
		return
	}
	if in.Code == plane.OK && c.c.PutPage(p, in.Data) {
		x.tries = 0
		return
	}
	if x.tries++; x.tries >= pageTries {
		m.laterTree(c)
		return
	}
	x.at = m.now.Add(backoff(x.tries))
}

const (
	// warmPause is between two commits that warm the tree: each voids what was said at the same time, and
	// on a slow machine it takes seconds until all have read it. warmEach is the time that each member
	// has for its turn; warmQuiet is how long nobody begins while people come in.
	warmPause = 10 * time.Second
	warmEach  = 2 * time.Second
	warmQuiet = 30 * time.Second
)

// warm sets this device's turn at warming the tree after a commit.
func (m *Machine) warm(c *chat, out convo.Changed) {
	c.paging.warm = time.Time{}
	turns, ok := c.c.WarmTurn(out.Maker)
	if !ok || m.stuck(c) {
		return
	}
	d := warmPause + time.Duration(turns)*warmEach
	if len(out.Added) > 0 {
		d += warmQuiet
	}
	c.paging.warm = m.now.Add(between(d, d+warmEach/2))
}
