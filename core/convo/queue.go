package convo

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"paperplane/mls"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// LeafOf returns the person's leaf with that signature key.
func (c *Convo) LeafOf(p plane.PublicKey, key []byte) (uint32, bool) {
	for _, leaf := range c.of(p) {
		if m, err := c.g.Member(leaf); err == nil && string(m.SignatureKey) == string(key) {
			return leaf, true
		}
	}
	return 0, false
}

// linkHolds says whether the group has that link on a day.
func (c *Convo) linkHolds(door plane.PublicKey, day plane.Day) bool {
	return slices.ContainsFunc(c.state.Links, func(l Link) bool { return l.Door == door && day <= l.Until })
}

// admitted judges the authenticated data of a commit: the links that it names stand, on the day by
// its maker's clock, so that all judge alike whenever they read it.
func (c *Convo) admitted(aad []byte) bool {
	h, _ := parseHead(aad)
	day := plane.DayOf(time.UnixMilli(int64(min(h.AtMS, 1<<52))))
	return !slices.ContainsFunc(h.Doors, func(d plane.PublicKey) bool { return !c.linkHolds(d, day) })
}

// Tree returns the ratchet tree of the current epoch, for those who were let in without it.
func (c *Convo) Tree() []byte { return c.g.Tree() }

// Digest is equal for all who are in the same epoch of the same history.
func (c *Convo) Digest() [8]byte { return c.g.Digest() }

// Lost says why this device cannot follow the conversation, or must not write into it. Zero: it can.
type Lost uint8

// The reasons. Fixed: they are stored.
const (
	_            Lost = iota
	LostGap           // records expired, or were withheld, before they were read
	LostOwn           // the own leaf has written what this state knows nothing of: it is an old copy
	LostReplaced      // the own leaf was removed and another put in its place
	LostVoid          // the others write what does not open
	LostBroken        // an invariant broke
	LostKeys          // the log opens with no key that is known here
	LostSlices        // what lies beside a commit could not be had
	LostEnded         // the epoch has ended: by an own commit that this state knows nothing of, or one of an admin that replaced the own leaf
	LostPast          // as LostOwn, in epochs that are over: what it writes now is no second time
)

// A record that does not open counts voidWeight, one that does counts 1 against it; at voidsMax this
// device asks whether it is still where the others are. So it asks, too, where it understands some and
// not the others, who are as many: see begun.go. Messages that a commit overtook are void for
// everybody: those that are known as such do not count (past.go), and it only asks.
const (
	voidsMax   = 14
	voidWeight = 2
)

// Lost returns why, zero while all is well.
func (c *Convo) Lost() Lost { return c.lost }

// Lose notes that this device cannot go on; the first reason stays.
func (c *Convo) Lose(why Lost) {
	if c.lost == 0 {
		c.lost, c.lostAt, c.dirty.head = why, c.cursor, true
	}
}

// ended: a commit has ended the epoch that this device cannot follow: it puts another leaf in the place
// of its own, or is its own, from a later state. Whether it is valid the others know. So nothing more can
// be said in this epoch, and no own commit can win in it.
func (c *Convo) ended(why Lost) {
	c.Lose(why)
	c.lost, c.dirty.head = why, true
	c.dropPending()
}

// deaf says that what opens here is void for the others. After a commit of somebody who may only replace
// leaves that is not known: who lies would make others deaf.
func (c *Convo) deaf() bool { return c.lost == LostEnded }

// LostAt returns the last record that was read before this device lost the thread.
func (c *Convo) LostAt() plane.Seq {
	if c.lost == 0 {
		return c.cursor
	}
	return c.lostAt
}

// Found takes it back: another member is in the same epoch.
func (c *Convo) Found() {
	c.lost, c.voids, c.suspect, c.dirty.head = 0, 0, 0, true
}

// void notes a record that did not open.
func (c *Convo) void(now time.Time) {
	if c.Doubtful() {
		c.Lose(LostVoid)
	}
	if d := now.Sub(c.entered); d >= 0 && d <= overtakenMax {
		return
	}
	if d := now.Sub(c.came); d >= 0 && d <= overtakenLate {
		return
	}
	c.dirty.head = true
	if c.voids += voidWeight; c.voids >= voidsMax {
		c.voids = voidsMax
		c.Lose(LostVoid)
	}
}

// Unvoid: the last record was no message, and says nothing of a branch.
func (c *Convo) Unvoid() { c.voids -= min(c.voids, voidWeight) }

// outdated: the own leaf has written in this epoch what is not known here.
func (c *Convo) outdated(commit bool) {
	if commit {
		c.ended(LostEnded)
		return
	}
	c.Lose(LostOwn)
	if c.lost == LostPast {
		c.lost, c.dirty.head = LostOwn, true
	}
}

// foreign looks at an MLS message that did not open.
func (c *Convo) foreign(msg []byte, err error) Outcome {
	if errors.Is(err, mls.ErrOwnMessage) {
		if data, ok := c.g.OwnMessage(msg); ok {
			c.outdated(msg[contentTypeAt] == byte(mls.ContentCommit))
			if len(data) > 0 {
				return Echo{data}
			}
		}
	}
	return Void{}
}

// LeafName returns the name that leaf extensions say, "" when they say none or one that is not clean.
func LeafName(list []mls.Extension) string {
	for _, x := range list {
		if x.Type == NameExtension {
			if name := cleanName(string(x.Data)); name != "" {
				return name
			}
		}
	}
	return ""
}

// cleanName returns a name that is clean, and "" in the place of any other.
func cleanName(s string) string {
	if name, err := content.CleanName(s); err == nil && name == s {
		return name
	}
	return ""
}

// NameLeaf returns the leaf extensions that say a name; again, that the leaf is made to take the
// place of a lost one of the same person in that conversation; made, in ms since 1970, when it was
// made, which leaves say that have again or are under a later mandate than the first; else 0.
func NameLeaf(name string, again *plane.LogID, made int64) []mls.Extension {
	var list []mls.Extension
	if name != "" {
		list = append(list, mls.Extension{Type: NameExtension, Data: []byte(name)})
	}
	var data []byte
	if again != nil {
		data = append(data, again[:]...)
	}
	if again != nil || made > 0 {
		list = append(list, mls.Extension{Type: RejoinExtension, Data: binary.BigEndian.AppendUint64(data, uint64(max(0, made)))})
	}
	return list
}

// NameOf returns the name that the leaves of somebody say, "" when they say none.
func (c *Convo) NameOf(p plane.PublicKey) string {
	if c.light != nil && c.light.names[p] != "" {
		return c.light.names[p]
	}
	for _, leaf := range c.of(p) {
		if m, err := c.g.Member(leaf); err == nil {
			if name := LeafName(m.LeafExtensions); name != "" {
				return name
			}
		}
	}
	return ""
}

// LeafNames calls f with each leaf's person and the name that the leaf says.
func (c *Convo) LeafNames(f func(p plane.PublicKey, name string)) {
	for _, m := range c.g.Members() {
		if name := LeafName(m.LeafExtensions); name != "" {
			if p := c.at(m.Index); p != (plane.PublicKey{}) {
				f(p, name)
			}
		}
	}
}
