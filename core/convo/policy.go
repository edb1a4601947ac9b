package convo

import (
	"bytes"
	"crypto/rand"
	"slices"
	"time"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// The policy, the same for everybody and judged from the old state, the new one and what the
// commit does to the leaves:
//
//   - A person has a leaf for each device. Everybody adds and removes leaves of its own person and
//     gives its own leaf another key of its own person; nobody another's.
//   - Adding people is for admins, or for all where the rules say so; who is banned is not added.
//     Removing is for whoever stands higher: owners remove all, admins members. Anybody may take out
//     who has asked to leave in this epoch, and put a lost member's new leaf in the place of an old
//     one, if it was made for that (RejoinExtension).
//   - Name, picture, description and pins are for admins, or for all where the rules say so; rules,
//     bans, queue and how long messages live for admins, the last for all in conversations that are no groups; links for those who may add. Owners set all roles; admins make
//     admins and give up being one. There is always an owner among the members.
//   - Whoever removes somebody, and admins, raise the generation by one: were it everybody, one
//     member could raise it until the server is behind all the generations whose keys are kept, and
//     nobody could open the log any more. So members raise it so often only while nobody is there who
//     brings the server on (raise.go).
//   - A leaf that comes in for a member is under the member's newest mandate (mandate.go).
//   - No leaf is larger than leafBytesMax; kind and TTL never change, nor other extensions, but that
//     a group becomes sliced with the commit that makes it large (slices.go).
//   - An owner or admin who is no member does not count. Without an owner the admins act as owners,
//     without both the lowest leaf does.
//
// Proposals other than SelfRemove have no effect: our commits carry what they do by value, so a
// stray proposal is never picked up, and a commit is judged by what it does, whoever proposed it.

// Role is what somebody may do. Zero: no member.
type Role uint8

// The roles, rising.
const (
	_ Role = iota
	RoleMember
	RoleAdmin
	RoleOwner
)

// leaders knows the roles of an epoch.
type leaders struct {
	c              *Convo
	owners, admins bool // some are members
}

func (c *Convo) leaders() leaders {
	return leaders{c, slices.ContainsFunc(c.state.Owners, c.Has), slices.ContainsFunc(c.state.Admins, c.Has)}
}

func (l leaders) role(p plane.PublicKey) Role {
	st := &l.c.state
	switch {
	case !l.c.Has(p):
		return 0
	case l.owners && slices.Contains(st.Owners, p):
		return RoleOwner
	case slices.Contains(st.Admins, p):
		if !l.owners {
			return RoleOwner
		}
		return RoleAdmin
	case !l.owners && !l.admins && l.c.who.first() == p:
		return RoleOwner
	}
	return RoleMember
}

// Role returns what somebody may do.
func (c *Convo) Role(p plane.PublicKey) Role { return c.leaders().role(p) }

// OwnAdmin reports whether this member is an owner or admin.
func (c *Convo) OwnAdmin() bool { return c.Role(c.Own()) >= RoleAdmin }

// MayAdd reports whether somebody may add people.
func (c *Convo) MayAdd(p plane.PublicKey) bool {
	r := c.Role(p)
	return c.state.Kind == Group && (r >= RoleAdmin || r == RoleMember && c.state.Rules.Adders)
}

// MayChange reports whether somebody may change name, picture, description and pins.
func (c *Convo) MayChange(p plane.PublicKey) bool {
	r := c.Role(p)
	return c.state.Kind == Group && (r >= RoleAdmin || r == RoleMember && c.state.Rules.Changers)
}

// MayVanish reports whether somebody may change how long messages live.
func (c *Convo) MayVanish(p plane.PublicKey) bool {
	r := c.Role(p)
	return r >= RoleAdmin || r == RoleMember && c.state.Kind != Group
}

// MayRemove reports whether by may remove somebody against their will.
func (c *Convo) MayRemove(by, who plane.PublicKey) bool {
	if by == who {
		return true
	}
	r := c.Role(by)
	return c.state.Kind == Group && (r == RoleOwner || r == RoleAdmin && c.Role(who) <= RoleMember)
}

// asked reports whether a person has asked to leave in this epoch.
func (c *Convo) asked(p plane.PublicKey) bool {
	return c.state.Kind == Group && slices.ContainsFunc(c.leaving, func(leaf uint32) bool { return c.at(leaf) == p })
}

// allowed judges a commit of by that does t and leads to the state st.
func (c *Convo) allowed(by plane.PublicKey, st State, t turn) bool {
	if c.light != nil {
		return c.allowedLight(by, st, t)
	}
	list := c.tally(t)
	leaves, size := c.who.leaves+len(t.added)-len(t.removed), c.Size()
	most := plane.GroupMembersMax
	switch c.state.Kind {
	case Two:
		most = 2
	case Saved:
		most = 1
	}
	grows := false
	for p, x := range list {
		was := c.count(p)
		is := was + x.got - x.lost
		if x.lost > 0 && !c.asked(p) && !c.MayRemove(by, p) && x.rejoined < x.lost {
			return false
		}
		switch {
		case x.got == 0 || p == by:
		case was == 0 && (!c.MayAdd(by) || st.BannedAt(p) >= 0):
			return false
		case was > 0 && !c.MayAdd(by) && (x.rejoined < x.got || x.got > x.lost):
			return false
		}
		if is > was && (is > DevicesMax || leaves > plainLeavesMax && is > devicesLarge) {
			return false
		}
		grows = grows || is > was
		if was == 0 {
			size++
		}
		if is == 0 {
			size--
		}
	}
	if grows && (size > most || leaves > LeavesMax) {
		return false
	}
	return c.mandated(by, t, list) && c.mayTurn(by, st, list, len(t.removed) > 0)
}

// mayTurn judges a change of the group state.
func (c *Convo) mayTurn(by plane.PublicKey, st State, list people, removes bool) bool {
	cur := c.state
	role := c.Role(by)
	moves := st.Moved != nil && (cur.Moved == nil || *cur.Moved != *st.Moved)
	if moves && !c.mayMove(role, st) || st.Gen != cur.Gen && (st.Gen != cur.Gen+1 || !moves && !c.mayRaise(role, list, removes)) {
		return false
	}
	// What this member may change is made equal; all else, whatever it is, must be so.
	x := st
	x.Gen = cur.Gen
	if moves {
		x.Moved, x.Queue, x.Links = cur.Moved, cur.Queue, cur.Links
	}
	if c.MayChange(by) {
		x.Name, x.Picture, x.About, x.Pins = cur.Name, cur.Picture, cur.About, cur.Pins
	}
	if c.MayVanish(by) {
		x.Vanish = cur.Vanish
	}
	if c.MayAdd(by) {
		x.Links = cur.Links
		if cur.TreeKey == [32]byte{} {
			x.TreeKey = cur.TreeKey
		}
	}
	if role >= RoleAdmin && cur.Kind == Group {
		x.Rules, x.Banned, x.Queue, x.TreeKey = cur.Rules, cur.Banned, cur.Queue, cur.TreeKey
		if c.mayPromote(by, role, st, list) {
			x.Owners, x.Admins = cur.Owners, cur.Admins
		}
	}
	if !bytes.Equal(x.bytes(), cur.bytes()) {
		return false
	}
	return slices.EqualFunc(st.Banned, cur.Banned, func(a, b Ban) bool { return a == b }) || !slices.ContainsFunc(st.Banned, func(b Ban) bool {
		return c.after(list, b.Person) > 0 // nobody is banned and here
	})
}

// mayPromote judges a change of roles by an owner or admin.
func (c *Convo) mayPromote(by plane.PublicKey, role Role, st State, list people) bool {
	here := func(p plane.PublicKey) bool { return c.light != nil || c.after(list, p) > 0 }
	gone := func(p plane.PublicKey) bool { return c.light != nil || !here(p) }
	for _, p := range slices.Concat(st.Owners, st.Admins) {
		if !here(p) && !slices.Contains(c.state.Owners, p) && !slices.Contains(c.state.Admins, p) {
			return false
		}
	}
	if role == RoleOwner {
		return slices.ContainsFunc(st.Owners, here) || slices.Equal(st.Owners, c.state.Owners)
	}
	same := func(a, b []plane.PublicKey, may func(plane.PublicKey) bool) bool {
		return !slices.ContainsFunc(a, func(p plane.PublicKey) bool { return !slices.Contains(b, p) && !may(p) })
	}
	never := func(plane.PublicKey) bool { return false }
	return same(st.Owners, c.state.Owners, never) &&
		same(c.state.Owners, st.Owners, gone) &&
		same(c.state.Admins, st.Admins, func(p plane.PublicKey) bool { return p == by || gone(p) })
}

// sameOthers reports whether all extensions are the same but the group state and the one that
// makes a group sliced.
func sameOthers(a, b []mls.Extension) bool {
	drop := func(list []mls.Extension) []mls.Extension {
		return slices.DeleteFunc(list, func(x mls.Extension) bool { return x.Type == StateExtension || x.Type == mls.ExtSliced })
	}
	return slices.EqualFunc(drop(a), drop(b), func(x, y mls.Extension) bool { return x.Type == y.Type && bytes.Equal(x.Data, y.Data) })
}

// Change is what a commit is to do. Empty: it refreshes one's own keys.
type Change struct {
	// Add brings in devices: of people who are no members, of oneself, and of those who lose one of
	// Leaves. Others are passed over: they are members already.
	Add    []*mls.KeyPackage
	Remove []plane.PublicKey // with all their devices
	Leaves []uint32          // single devices: one's own, or the old one of a lost member
	Gone   bool              // remove those who asked to leave
	Edit   func(*State)      // changes the group state, a copy; its methods do what is usual
	NewGen bool
	// Signer and Credential give one's own leaf another key of the same person.
	Signer     *mls.Signer
	Credential []byte
	Doors      []plane.PublicKey // of the links through which Add comes in, sorted, each once
	// WithoutTree leaves the tree out of the Welcome: see Tree.
	WithoutTree bool
	Tag         uint64
}

// Begin prepares an own commit. It waits in Pending until the log decides; store Changes before
// sending its Message. Errors: ErrPending, ErrNotAllowed (also when there is nothing left to do),
// ErrFull, ErrState (the new group state is none), or that of MLS (a key package out of its
// lifetime).
func (c *Convo) Begin(ch Change, now time.Time) (*Pending, error) {
	if c.pending != nil {
		return nil, ErrPending
	}
	if c.light != nil && !c.mayBegin(&ch) {
		return nil, ErrNotAllowed
	}
	head := commitHead{AtMS: msOf(now), Doors: ch.Doors}
	var secret [16]byte
	if c.g.Sliced() {
		secret, head.Blob = newBlob()
		head.From = c.vouch(nil)
	}
	o := mls.CommitOptions{Now: now, Signer: ch.Signer, WithoutTree: ch.WithoutTree, AAD: encode(head)}
	if ch.Credential != nil {
		cred := mls.NewBasic(ch.Credential)
		o.Credential = &cred
		o.LeafExtensions = c.remade(ch.Credential, now)
	}
	var t turn
	st := c.state.clone()
	me := c.Own()
	out := map[uint32]bool{}
	c.eachKnown(func(leaf uint32, p plane.PublicKey) {
		if leaf == c.g.OwnIndex() {
			return
		}
		if slices.Contains(ch.Remove, p) || ch.Gone && p != me && c.asked(p) || slices.Contains(ch.Leaves, leaf) {
			o.Remove, t.removed, out[leaf] = append(o.Remove, leaf), append(t.removed, leaf), true
		}
	})
	for _, kp := range ch.Add {
		p, err := c.identify(kp.Credential().Identity(), kp.SignatureKey())
		if err != nil {
			return nil, ErrNotAllowed
		}
		if p != me && c.Has(p) && !slices.ContainsFunc(ch.Leaves, func(l uint32) bool { return c.at(l) == p }) {
			continue // is one already
		}
		o.Add = append(o.Add, kp)
		t.added = append(t.added, seated{person: p, rejoin: c.madeFor(kp.LeafExtensions()), made: madeAt(kp.LeafExtensions()), identity: kp.Credential().Identity(), key: kp.SignatureKey()})
	}
	t.maker = c.ownSeat(ch.Credential)
	list := c.tally(t)
	size := c.Size()
	for p, x := range list {
		if c.count(p) == 0 && x.got > 0 {
			size++
		}
		if c.after(list, p) == 0 {
			size--
		}
	}
	if size > plane.GroupMembersMax || c.who.leaves+len(t.added)-len(t.removed) > LeavesMax {
		return nil, ErrFull
	}
	if st.Kind == Group && len(o.Add)+len(o.Remove) > 0 && c.light == nil && c.OwnAdmin() {
		c.settle(&st, list)
	}
	if ch.Edit != nil {
		ch.Edit(&st)
	}
	if len(o.Add)+len(o.Remove) > 0 && st.TreeKey == [32]byte{} && (c.g.Sliced() || c.crosses(t)) && c.MayAdd(me) {
		_, _ = rand.Read(st.TreeKey[:])
	}
	leaves := false // somebody goes for good
	for _, x := range list {
		leaves = leaves || x.lost > x.rejoined
	}
	if ch.NewGen || leaves && c.mayRaise(c.Role(me), list, true) {
		st.Gen++
	}
	wanted := len(ch.Add)+len(ch.Remove)+len(ch.Leaves) > 0 || ch.Gone || ch.Edit != nil || ch.NewGen
	if b := st.bytes(); !bytes.Equal(b, c.state.bytes()) {
		if _, err := ParseState(b); err != nil {
			return nil, err
		}
		o.Extensions = c.withState(b)
	} else if len(o.Add)+len(o.Remove) == 0 && wanted && ch.Signer == nil {
		return nil, ErrNotAllowed
	}
	if !c.allowed(me, st, t) || !c.admitted(o.AAD) {
		return nil, ErrNotAllowed
	}
	if c.crosses(t) && !c.g.Sliced() {
		if o.Extensions == nil {
			o.Extensions = c.g.Extensions()
		}
		o.Extensions = append(o.Extensions, mls.Extension{Type: mls.ExtSliced})
	}
	var p *mls.Pending
	var err error
	if c.light != nil {
		p, err = c.g.CommitPages(c.up.Upgrade, o)
	} else {
		p, err = c.g.Commit(o)
	}
	if err != nil {
		return nil, err
	}
	// MLS fills the tree from the left.
	free := uint32(0)
	for i := range t.added {
		for c.at(free) != (plane.PublicKey{}) && !out[free] {
			free++
		}
		s, ok := c.arrival(p.Next, free)
		if !ok || s.person != t.added[i].person {
			return nil, ErrNotAllowed
		}
		t.added[i].leaf = free
		free++
	}
	if s, ok := c.arrival(p.Next, p.Next.OwnIndex()); !ok || s.person != me {
		return nil, ErrNotAllowed
	}
	c.pending = &Pending{Message: p.Message, Welcome: p.Welcome, Tag: ch.Tag, Secret: secret, next: p.Next, hash: hashOf(p.Message), turn: &t, atMS: msOf(now)}
	c.sliced(c.pending, p.Slices)
	c.pending.Pages = c.newPages(p, st.TreeKey)
	c.dirty.pending = true
	return c.pending, nil
}

// withState returns the extensions of the group with another state.
func (c *Convo) withState(b []byte) []mls.Extension {
	list := c.g.Extensions()
	for i := range list {
		if list[i].Type == StateExtension {
			list[i].Data = b
		}
	}
	return list
}

// settle writes down the roles that stand when this member changes the membership: of those who
// are here and stay, itself included. Who leads only for want of others, or as the lowest leaf,
// would else cease to when a former admin or anybody on a lower leaf is added.
func (c *Convo) settle(st *State, list people) {
	lead := c.leaders()
	owners, admins := []plane.PublicKey{}, []plane.PublicKey{}
	for _, p := range slices.Concat(st.Owners, st.Admins, []plane.PublicKey{c.Own()}) {
		if c.after(list, p) == 0 {
			continue
		}
		switch lead.role(p) {
		case RoleOwner:
			owners = append(owners, p)
		case RoleAdmin:
			admins = append(admins, p)
		}
	}
	if len(owners) > 0 {
		st.Owners = inOrder(owners)
	}
	st.Admins = inOrder(admins)
}

// Abandon drops a pending commit that was never sent or that the server refused for good.
func (c *Convo) Abandon() { c.dropPending() }

func (c *Convo) dropPending() {
	if c.pending != nil {
		c.pending = nil
		c.dirty.pending = true
	}
}
