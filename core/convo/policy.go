package convo

import (
	"bytes"
	"slices"
	"time"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// The policy, the same for everybody and judged from the old state, the new one and the list of
// removals alone:
//
//   - Adding and changing name, picture or admins is for admins, in groups.
//   - Removing is for admins; anybody may remove whoever has asked to leave in this epoch.
//   - Anybody may refresh its own leaf. Admins, and whoever removes somebody, raise the generation
//     by one: were it everybody, one member could raise it until the server is behind all the
//     generations whose keys are kept, and nobody could open the log any more.
//   - No leaf is larger than leafBytesMax, and the name of a group is a clean one (C-31).
//   - Kind and TTL never change; credentials never change; other extensions never change.
//   - An admin who is no member does not count; without any, the lowest leaf is admin.
//
// Proposals other than SelfRemove have no effect: our commits carry what they do by value, so a
// stray proposal is never picked up, and a commit is judged by what it does, whoever proposed it.

func isAdmin(s State, list []Member, p plane.PublicKey) bool {
	any := false
	for _, m := range list {
		if slices.Contains(s.Admins, m.Person) {
			any = true
			if m.Person == p {
				return true
			}
		}
	}
	return !any && len(list) > 0 && list[0].Person == p
}

func (c *Convo) admin(p plane.PublicKey) bool {
	return isAdmin(c.state, members(c.g, c.identify), p)
}

// mayRemove says whether by may remove these leaves.
func (c *Convo) mayRemove(by plane.PublicKey, removed []uint32) bool {
	if len(removed) == 0 {
		return true
	}
	if c.state.Kind != Group {
		return false
	}
	if c.admin(by) {
		return true
	}
	for _, leaf := range removed {
		if !slices.Contains(c.leaving, leaf) {
			return false
		}
	}
	return true
}

// allowed judges a commit of the member at leaf committer that leads to next.
func (c *Convo) allowed(committer uint32, next *mls.Group, removed, left []uint32) bool {
	by, ok := person(c.g, c.identify, committer)
	if !ok {
		return false
	}
	st, err := ParseState(next.Extension(StateExtension))
	if err != nil || st.Kind != c.state.Kind || st.TTLDays != c.state.TTLDays {
		return false
	}
	if st.Gen != c.state.Gen && st.Gen != c.state.Gen+1 {
		return false
	}
	admin := c.admin(by)
	if st.Gen != c.state.Gen && !admin && len(removed)+len(left) == 0 {
		return false
	}
	if !c.state.onlyNewer(st) && (!admin || st.Kind != Group) {
		return false
	}
	if !sameOthers(c.g.Extensions(), next.Extensions()) || !c.mayRemove(by, removed) {
		return false
	}
	if len(left) > 0 && c.state.Kind != Group {
		return false
	}
	added := false
	for _, m := range next.Members() {
		if _, err := c.identify(m.Credential.Identity(), m.SignatureKey); err != nil || m.LeafBytes > leafBytesMax {
			return false
		}
		old, err := c.g.Member(m.Index)
		stays := err == nil && !slices.Contains(removed, m.Index) && !slices.Contains(left, m.Index)
		if stays {
			if !bytes.Equal(old.Credential.Identity(), m.Credential.Identity()) || !bytes.Equal(old.SignatureKey, m.SignatureKey) {
				return false
			}
			continue
		}
		added = true
	}
	if added && (!admin || c.state.Kind != Group) {
		return false
	}
	return next.Size() <= plane.GroupMembersMax
}

// sameOthers reports whether all extensions but the group state are the same.
func sameOthers(a, b []mls.Extension) bool {
	drop := func(list []mls.Extension) []mls.Extension {
		return slices.DeleteFunc(list, func(x mls.Extension) bool { return x.Type == StateExtension })
	}
	return slices.EqualFunc(drop(a), drop(b), func(x, y mls.Extension) bool { return x.Type == y.Type && bytes.Equal(x.Data, y.Data) })
}

// Change is what a commit is to do. Empty: it refreshes one's own keys.
type Change struct {
	Add     []*mls.KeyPackage
	Remove  []plane.PublicKey
	Gone    bool // remove those who asked to leave
	Name    *string
	Picture []byte // nil: unchanged
	NewGen  bool
	Tag     uint64
}

// Begin prepares an own commit. It waits in Pending until the log decides; store Changes before
// sending its Message. Errors: ErrPending, ErrNotAllowed (also when there is nothing left to do),
// ErrFull, or that of MLS (a key package out of its lifetime).
func (c *Convo) Begin(ch Change, now time.Time) (*Pending, error) {
	if c.pending != nil {
		return nil, ErrPending
	}
	o := mls.CommitOptions{Now: now}
	st := c.state
	list := members(c.g, c.identify)
	for _, kp := range ch.Add {
		p, err := c.identify(kp.Credential().Identity(), kp.SignatureKey())
		if err != nil {
			return nil, ErrNotAllowed
		}
		if slices.ContainsFunc(list, func(m Member) bool { return m.Person == p }) {
			continue // is one already
		}
		o.Add = append(o.Add, kp)
	}
	for _, m := range list {
		if m.Leaf != c.g.OwnIndex() && (slices.Contains(ch.Remove, m.Person) || ch.Gone && slices.Contains(c.leaving, m.Leaf)) {
			o.Remove = append(o.Remove, m.Leaf)
		}
	}
	if len(list)-len(o.Remove)+len(o.Add) > plane.GroupMembersMax {
		return nil, ErrFull
	}
	if st.Kind == Group && len(o.Add)+len(o.Remove) > 0 && c.OwnAdmin() {
		st.Admins = c.standing(o.Remove)
	}
	if ch.Name != nil {
		st.Name = *ch.Name
	}
	if ch.Picture != nil {
		st.Picture = ch.Picture
	}
	if ch.NewGen || len(o.Remove) > 0 {
		st.Gen++
	}
	wanted := len(ch.Add)+len(ch.Remove) > 0 || ch.Gone || ch.Name != nil || ch.Picture != nil || ch.NewGen
	if !bytes.Equal(st.bytes(), c.state.bytes()) {
		o.Extensions = extensions(&st)
	} else if len(o.Add)+len(o.Remove) == 0 && wanted {
		return nil, ErrNotAllowed
	}
	p, err := c.g.Commit(o)
	if err != nil {
		return nil, err
	}
	if !c.allowed(c.g.OwnIndex(), p.Next, o.Remove, nil) {
		return nil, ErrNotAllowed
	}
	c.pending = &Pending{Message: p.Message, Welcome: p.Welcome, Tag: ch.Tag, next: p.Next, hash: hashOf(p.Message)}
	c.dirty.pending = true
	return c.pending, nil
}

// standing returns the admins after a change of membership by this member: those who are here
// and stay, itself included. Who is an admin only for want of others, or as the lowest leaf, would
// else cease to be one when a former admin or anybody on a lower leaf is added.
func (c *Convo) standing(removed []uint32) []plane.PublicKey {
	var list []plane.PublicKey
	for _, m := range c.Members() {
		if m.Admin && !slices.Contains(removed, m.Leaf) {
			list = append(list, m.Person)
		}
	}
	slices.SortFunc(list, comparePersons)
	return slices.Compact(list)
}

// Abandon drops a pending commit that was never sent or that the server refused for good.
func (c *Convo) Abandon() { c.dropPending() }

func (c *Convo) dropPending() {
	if c.pending != nil {
		c.pending = nil
		c.dirty.pending = true
	}
}
