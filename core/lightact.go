package core

import (
	"time"

	"paperplane/core/convo"
	"paperplane/core/outbox"
)

// Commits without the tree (core/convo/lightact.go): a light member that removes somebody, changes
// what the group says of itself or refreshes its keys fetches a few pages, some hundred KiB, commits,
// and puts those that are new. Where that is not to be had it gets the tree, as for all else.

// pumpFew makes the next commit of a light member with the pages that it needs. It returns whether one
// is under way; if not, the tree is fetched where it is wanted.
func (m *Machine) pumpFew(c *chat) bool {
	x := &c.paging
	switch {
	case c.c.Pending() != nil:
		return true
	case len(c.intents.List) == 0 || c.State != chatOpen && c.State != chatWaiting:
		if c.c.Few() {
			m.endTree(c)
		}
		return false
	case c.c.Upgrading() && !c.c.Few():
		return false // the tree is on its way
	}
	i := c.intents.List[0]
	switch i.Act {
	case outbox.Remove, outbox.Set, outbox.Pin, outbox.Unban, outbox.Refresh:
	default:
		return false
	}
	if x.takesTree == i.N || !c.c.Upgrading() && !x.at.IsZero() && m.now.Before(x.at) && x.fails > 0 {
		return false
	}
	ch, ready := m.change(c, i)
	if !ready {
		return false
	}
	ch, part, ok := c.c.WithFew(ch)
	if !ok {
		x.takesTree = i.N
		return false
	}
	if !c.c.Upgrading() || c.c.Stale() {
		x.n++
		x.busy, x.tries, x.at = map[string]convo.Page{}, 0, time.Time{}
		if !c.c.Again() {
			x.takesTree = i.N
			return false
		}
	}
	if !x.at.IsZero() && m.now.Before(x.at) {
		return true
	}
	x.at = time.Time{}
	list, ok := c.c.FewPages(ch)
	switch {
	case !ok:
		x.takesTree = i.N
		return false
	case len(list) > 0:
		m.askPages(c, list)
		return true
	case len(x.busy) > 0:
		return true
	}
	ch.Tag = i.N
	if part {
		ch.Tag = tagPart
	}
	if _, err := c.c.Begin(ch, m.now); err != nil {
		x.takesTree = i.N
		return false
	}
	return true
}
