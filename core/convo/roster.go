package convo

import (
	"encoding/binary"
	"slices"

	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// roster is who sits on which leaf in an epoch. It is kept along with the epochs, so that a commit
// costs what it changes and not what there is: a credential is checked once, when its leaf comes in.
type roster struct {
	leaf   []plane.PublicKey // by index; zero: nobody
	leaves int
	count  map[plane.PublicKey]int // leaves of each person
	// mandates are those of leaves after the first: see mandate.go.
	mandates map[uint32]caps.Mandate
}

func (r *roster) at(leaf uint32) (p plane.PublicKey) {
	if int64(leaf) < int64(len(r.leaf)) {
		p = r.leaf[leaf]
	}
	return p
}

func (r *roster) put(leaf uint32, p plane.PublicKey) {
	for int64(len(r.leaf)) <= int64(leaf) {
		r.leaf = append(r.leaf, plane.PublicKey{})
	}
	r.take(leaf)
	r.leaf[leaf] = p
	r.leaves++
	r.count[p]++
}

func (r *roster) take(leaf uint32) {
	p := r.at(leaf)
	if p == (plane.PublicKey{}) {
		return
	}
	r.leaf[leaf] = plane.PublicKey{}
	delete(r.mandates, leaf)
	r.leaves--
	if r.count[p]--; r.count[p] == 0 {
		delete(r.count, p)
	}
}

// first returns who has the lowest leaf.
func (r *roster) first() (p plane.PublicKey) {
	for _, p := range r.leaf {
		if p != (plane.PublicKey{}) {
			return p
		}
	}
	return p
}

// of returns a person's leaves.
func (r *roster) of(p plane.PublicKey) (list []uint32) {
	if r.count[p] == 0 {
		return nil
	}
	for i, q := range r.leaf {
		if p == q {
			list = append(list, uint32(i))
		}
	}
	return list
}

// seat fills the roster from a tree. checked: the leaves were judged before, when they came in.
// It reports whether all leaves may be there.
func (c *Convo) seat(g *mls.Group, checked bool) bool {
	if c.light != nil {
		for _, m := range g.Members() {
			if !checked && c.at(m.Index) == (plane.PublicKey{}) {
				return false
			}
		}
		return true
	}
	c.who = roster{count: map[plane.PublicKey]int{}, mandates: map[uint32]caps.Mandate{}}
	for _, m := range g.Members() {
		key := m.SignatureKey
		if checked {
			key = nil
		}
		p, err := c.identify(m.Credential.Identity(), key)
		if err != nil || !checked && m.LeafBytes > leafBytesMax {
			return false
		}
		c.who.put(m.Index, p)
		c.who.setMandate(m.Index, m.Credential.Identity())
	}
	return true
}

// seated is a leaf that a commit brings.
type seated struct {
	leaf   uint32
	person plane.PublicKey
	rejoin bool   // made for a lost member of this conversation, see RejoinExtension
	made   uint64 // when, see madeAt
	// identity is the leaf's credential, key its signature key.
	identity, key []byte
	name          string // to a light member
}

// turn is what a commit does to the roster.
type turn struct {
	removed []uint32
	added   []seated
	maker   seated // its leaf as it is after
}

// arrival judges the leaf i of next by itself.
func (c *Convo) arrival(next *mls.Group, i uint32) (s seated, ok bool) {
	m, err := next.Member(i)
	if err != nil || m.LeafBytes > leafBytesMax {
		return s, false
	}
	p, err := c.identify(m.Credential.Identity(), m.SignatureKey)
	return seated{leaf: i, person: p, rejoin: c.madeFor(m.LeafExtensions), made: madeAt(m.LeafExtensions), identity: m.Credential.Identity(), key: m.SignatureKey}, err == nil
}

// madeBytes is the length of the time in a RejoinExtension, after the id if there is one.
const madeBytes = 8

func (c *Convo) madeFor(list []mls.Extension) bool {
	return slices.ContainsFunc(list, func(x mls.Extension) bool {
		return x.Type == RejoinExtension && len(x.Data) == len(c.id)+madeBytes && string(x.Data[:len(c.id)]) == string(c.id[:])
	})
}

// madeAt returns when a leaf was made, in ms since 1970 by the clock of its device, 0 if it does not say.
func madeAt(list []mls.Extension) uint64 {
	for _, x := range list {
		if n := len(x.Data) - madeBytes; x.Type == RejoinExtension && (n == 0 || n == len(plane.LogID{})) {
			return binary.BigEndian.Uint64(x.Data[n:])
		}
	}
	return 0
}

// turnTo finds out what leads from this epoch to next, where nobody has kept it: after a restart.
func (c *Convo) turnTo(next *mls.Group) (t turn) {
	seen := map[uint32]bool{}
	for _, m := range next.Members() {
		seen[m.Index] = true
		old, err := c.g.Member(m.Index)
		p, bad := c.identify(m.Credential.Identity(), nil)
		if bad != nil || err == nil && string(old.SignatureKey) == string(m.SignatureKey) {
			continue
		}
		if m.Index == c.g.OwnIndex() {
			continue // a new key on one's own leaf
		}
		if err == nil {
			t.removed = append(t.removed, m.Index)
		}
		t.added = append(t.added, seated{leaf: m.Index, person: p, identity: m.Credential.Identity(), key: m.SignatureKey})
	}
	c.eachKnown(func(leaf uint32, _ plane.PublicKey) {
		if !seen[leaf] {
			t.removed = append(t.removed, leaf)
		}
	})
	return t
}

// people says what a turn does to each person: how many leaves they lose and get.
type people map[plane.PublicKey]*tally

type tally struct{ lost, got, rejoined int }

func (c *Convo) tally(t turn) people {
	list := people{}
	of := func(p plane.PublicKey) *tally {
		if list[p] == nil {
			list[p] = &tally{}
		}
		return list[p]
	}
	for _, leaf := range t.removed {
		of(c.at(leaf)).lost++
	}
	for _, s := range t.added {
		x := of(s.person)
		x.got++
		if s.rejoin {
			x.rejoined++
		}
	}
	return list
}

// after returns how many leaves a person has after the turn.
func (c *Convo) after(list people, p plane.PublicKey) int {
	n := c.count(p)
	if x := list[p]; x != nil {
		n += x.got - x.lost
	}
	return n
}

// Member is one person in the conversation.
type Member struct {
	Person plane.PublicKey
	Leaf   uint32 // the lowest of theirs
	Leaves int
	Own    bool
	Role   Role
}

// Admin reports whether the member is an owner or admin.
func (m Member) Admin() bool { return m.Role >= RoleAdmin }

// Members returns the people by their lowest leaf; a light member knows but some. It costs what
// there are.
func (c *Convo) Members() []Member {
	list := make([]Member, 0, c.Size())
	at := make(map[plane.PublicKey]int, c.Size())
	me := c.Own()
	lead := c.leaders()
	c.eachKnown(func(leaf uint32, p plane.PublicKey) {
		i, again := at[p]
		if !again {
			i = len(list)
			at[p], list = i, append(list, Member{Person: p, Leaf: leaf, Own: p == me, Role: lead.role(p)})
		}
		list[i].Leaves++
	})
	return list
}

// Has reports whether somebody is a member, as far as a light member can tell.
func (c *Convo) Has(p plane.PublicKey) bool {
	if c.light != nil {
		return c.light.has(c, p)
	}
	return c.count(p) > 0
}

// Own returns this member's person.
func (c *Convo) Own() plane.PublicKey { return c.at(c.g.OwnIndex()) }

// Size returns the number of people, Leaves that of their devices.
func (c *Convo) Size() int {
	if c.light != nil {
		return c.light.people
	}
	return len(c.who.count)
}

// Leaves returns the number of devices in the conversation.
func (c *Convo) Leaves() int { return c.who.leaves }

// LeavesOf returns the leaves of a person's devices.
func (c *Convo) LeavesOf(p plane.PublicKey) []uint32 { return c.of(p) }

// OwnLeaf returns this member's leaf index.
func (c *Convo) OwnLeaf() uint32 { return c.g.OwnIndex() }

// PersonAt returns whose leaf it is.
func (c *Convo) PersonAt(leaf uint32) (plane.PublicKey, bool) {
	p := c.at(leaf)
	return p, p != plane.PublicKey{}
}
