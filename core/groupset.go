package core

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"paperplane/core/convo"
	"paperplane/core/fold"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// inGroup says whether one is in the group, to change it.
func (m *Machine) inGroup(c *chat) ErrCode {
	switch {
	case c.Leaving || c.State == chatLeft:
		return ErrLeft
	case c.c.State().Kind != convo.Group || !c.alive():
		return ErrNotAllowed
	}
	return ""
}

// asAdmin says whether one leads the group.
func (m *Machine) asAdmin(c *chat) ErrCode {
	if code := m.inGroup(c); code != "" {
		return code
	}
	if !c.c.OwnAdmin() {
		return ErrNotAllowed
	}
	return ""
}

// rulesOf and rulesFor turn the rules of the group state into those of faces, and back.
func rulesOf(r convo.Rules) Rules {
	who := func(all bool) string {
		if all {
			return "members"
		}
		return "admins"
	}
	return Rules{
		Quiet: r.Quiet, Slow: int(r.Slow), Quarantine: int(r.Quarantine), History: int(r.History),
		Adders: who(r.Adders), Changers: who(r.Changers),
	}
}

func rulesFor(r Rules) (out convo.Rules, ok bool) {
	all := map[string]bool{"": true, "admins": true, "members": true}
	ok = r.Slow >= 0 && r.Slow <= convo.SlowMax && r.Quarantine >= 0 && r.Quarantine <= convo.QuarantineMax &&
		r.History >= convo.HistoryAll && r.History <= convo.HistoryDaysMax && all[r.Adders] && all[r.Changers]
	return convo.Rules{
		Quiet: r.Quiet, Slow: uint32(r.Slow), Quarantine: uint16(r.Quarantine), History: int32(r.History),
		Adders: r.Adders == "members", Changers: r.Changers == "members",
	}, ok
}

var roleNames = map[convo.Role]Role{convo.RoleOwner: RoleOwner, convo.RoleAdmin: RoleAdmin, convo.RoleMember: RoleMember}

func roleFor(r Role) (convo.Role, bool) {
	for k, v := range roleNames {
		if v == r {
			return k, true
		}
	}
	return 0, false
}

func (m *Machine) setGroup(c *chat, x SetGroup) ErrCode {
	if code := m.inGroup(c); code != "" {
		return code
	}
	me := m.acc.person()
	if !c.c.MayChange(me) || x.Rules != nil && !c.c.OwnAdmin() {
		return ErrNotAllowed
	}
	i := &outbox.Intent{Act: outbox.Set, Picture: x.Picture}
	if x.Name != "" {
		name, code := cleanName(x.Name)
		if code != "" {
			return code
		}
		i.Name = &name
	}
	if len(x.Picture) > PictureBytesMax {
		return ErrBadArguments
	}
	if x.About != nil {
		about := ""
		if strings.TrimSpace(*x.About) != "" {
			text, code := cleanText(*x.About)
			if code != "" {
				return code
			}
			if about = text; len(about) > AboutBytesMax {
				return ErrTextLong
			}
		}
		i.About = &about
	}
	if x.Rules != nil {
		r, ok := rulesFor(*x.Rules)
		if !ok {
			return ErrBadArguments
		}
		i.Rules = timeline.Encode(r)
	}
	if i.Name != nil || i.Picture != nil || i.About != nil || i.Rules != nil {
		m.wish(c, i)
	}
	return ""
}

func (m *Machine) setRole(c *chat, x SetRole) ErrCode {
	if code := m.asAdmin(c); code != "" {
		return code
	}
	p, err := plane.ParsePublicKey(x.Person)
	role, ok := roleFor(x.Role)
	if err != nil || !ok || !c.c.Has(p) {
		return ErrBadArguments
	}
	is := c.c.Role(p)
	if is == role {
		return ""
	}
	if c.c.Role(m.acc.person()) == convo.RoleOwner {
		last := is == convo.RoleOwner && !slices.ContainsFunc(c.c.Members(), func(x convo.Member) bool { return x.Person != p && x.Role == convo.RoleOwner })
		if last {
			return ErrNotAllowed
		}
	} else if !(is == convo.RoleMember && role == convo.RoleAdmin) && !(m.own(p) && role == convo.RoleMember) {
		return ErrNotAllowed
	}
	if st := c.c.State(); role != convo.RoleMember && is < convo.RoleAdmin && len(st.Owners)+len(st.Admins) >= convo.LeadersMax {
		return ErrGroupFull
	}
	m.wish(c, &outbox.Intent{Act: outbox.Role, Persons: [][32]byte{p}, Role: uint8(role)})
	return ""
}

func (m *Machine) pin(c *chat, x Pin, found *Found) ErrCode {
	if code := m.inGroup(c); code != "" {
		return code
	}
	if !c.c.MayChange(m.acc.person()) {
		return ErrNotAllowed
	}
	id, ok := timeline.ParseID(x.Message)
	pins := c.c.State().Pins
	switch on := slices.Contains(pins, [32]byte(id)); {
	case !ok || x.On && (found == nil || found.Notice || found.Deleted || found.Seq == 0):
		return ErrNoMessage
	case on == x.On:
		return ""
	case x.On && len(pins) >= PinsMax:
		return ErrPinsFull
	}
	m.wish(c, &outbox.Intent{Act: outbox.Pin, Message: id, On: x.On})
	return ""
}

func (m *Machine) removeMember(c *chat, x RemoveMember) ErrCode {
	if code := m.inGroup(c); code != "" {
		return code
	}
	p, err := plane.ParsePublicKey(x.Person)
	if err != nil {
		return ErrBadArguments
	}
	if m.own(p) {
		return m.leave(c)
	}
	ban := x.Ban || x.Erase
	if !c.c.MayRemove(m.acc.person(), p) || ban && !c.c.OwnAdmin() {
		return ErrNotAllowed
	}
	if c.c.Has(p) || ban || c.c.Light() {
		m.wish(c, &outbox.Intent{Act: outbox.Remove, Persons: [][32]byte{p}, Ban: ban, Erase: x.Erase})
	}
	return ""
}

func (m *Machine) unban(c *chat, x Unban) ErrCode {
	if code := m.asAdmin(c); code != "" {
		return code
	}
	p, err := plane.ParsePublicKey(x.Person)
	if err != nil {
		return ErrBadArguments
	}
	if st := c.c.State(); st.BannedAt(p) >= 0 {
		m.wish(c, &outbox.Intent{Act: outbox.Unban, Persons: [][32]byte{p}})
	}
	return ""
}

// edit changes the group state as an intent wants it.
func edit(st *convo.State, i *outbox.Intent) {
	switch i.Act {
	case outbox.Set:
		if i.Name != nil {
			st.Name = *i.Name
		}
		if i.Picture != nil {
			st.Picture = i.Picture
		}
		if i.About != nil {
			st.About = *i.About
		}
		if i.Vanish != nil {
			st.Vanish = *i.Vanish
		}
		if i.Rules != nil {
			_ = timeline.Decode(i.Rules, &st.Rules) // we wrote it
		}
	case outbox.Role:
		for _, p := range i.Persons {
			st.SetRole(p, convo.Role(i.Role))
		}
	case outbox.Pin:
		st.Pin(i.Message, i.On)
	case outbox.Remove:
		for _, p := range i.Persons {
			if i.Ban {
				st.Ban(p, i.Erase)
			} else {
				st.SetRole(p, convo.RoleMember)
			}
		}
	case outbox.Unban:
		for _, p := range i.Persons {
			st.Unban(p)
		}
	}
}

// getMembers lists who is in a chat, or kept out of it.
func (m *Machine) getMembers(c *chat, x GetMembers) Members {
	type row struct {
		convo.Member
		name, fold string
		inner      bool // the query stands within a word only
	}
	var list []row
	group := c.c.State().Kind == convo.Group
	typed := strings.TrimSpace(x.Query)
	query := strings.TrimPrefix(string(fold.Append(nil, typed, false)), " ")
	add := func(p convo.Member) {
		r := row{Member: p, name: m.nameOf(p.Person)}
		r.fold = string(fold.Append(nil, r.name, true))
		if query == "" && strings.Contains(r.name, typed) || query != "" && strings.Contains(r.fold, query) {
			r.inner = !strings.Contains(r.fold, " "+query)
			list = append(list, r)
		}
	}
	if x.Banned {
		for _, b := range c.c.State().Banned {
			add(convo.Member{Person: b.Person})
		}
	} else {
		for _, p := range c.c.Members() {
			add(p)
		}
	}
	sort.SliceStable(list, func(a, b int) bool { // slices.SortFunc of structs is 2 KB each in the browser
		x, y := list[a], list[b]
		if x.inner != y.inner {
			return y.inner
		}
		return x.Role > y.Role || x.Role == y.Role && x.fold < y.fold
	})
	out := Members{Members: []Member{}, Total: len(list)}
	list = list[min(max(0, x.Offset), len(list)):]
	if x.Limit > 0 {
		list = list[:min(x.Limit, len(list))]
	}
	for _, r := range list {
		v := Member{Person: r.Person.Text(), Name: r.name, Own: r.Own}
		if group {
			v.Admin, v.Role = r.Admin(), roleNames[r.Role]
		}
		if p := m.people[r.Person]; p != nil && !r.Own {
			v.Chat = p.stored.Chat
		}
		out.Members = append(out.Members, v)
	}
	return out
}

// whomMax bounds the people whom one notice names; where there are more its Text is how many.
const whomMax = 16

// firstNotice is the number of a commit's first notice: lower ones are taken.
const firstNotice = 16

// notices writes what a commit did into the history.
func (m *Machine) notices(c *chat, seq plane.Seq, out convo.Changed) {
	was, is := &out.Before, c.c.State()
	named := out.Added
	if c.c.Light() {
		// A light member knows who speaks by their own word: thousands of names need not be kept here.
		named = named[:min(len(named), whomMax)]
	}
	m.learnNamesOf(c, named)
	n := firstNotice
	line := func(what string, by plane.PublicKey, text string, whom ...plane.PublicKey) {
		l := timeline.Line{What: what, Who: by, Text: text}
		if len(whom) > whomMax {
			l.Text = strconv.Itoa(len(whom))
		}
		for _, p := range whom[:min(len(whom), whomMax)] {
			l.Whom = append(l.Whom, p)
		}
		m.notify(c, seq, n, l)
		n++
	}
	for _, p := range out.Rejoined {
		if n < firstNotice+whomMax {
			what := "rejoined"
			if slices.Contains(out.Renewed, p) {
				what = "device"
			}
			line(what, p, "")
		}
	}
	if is.Vanish != was.Vanish {
		line("vanish", out.By, strconv.Itoa(int(is.Vanish)))
	}
	if is.Kind != convo.Group {
		for _, p := range out.Devices {
			line("device", p, "")
		}
		return
	}
	if len(out.Left) > whomMax {
		line("left", out.Left[0], "", out.Left...)
	} else {
		for _, p := range out.Left {
			line("left", p, "")
		}
	}
	var removed, banned, erased []plane.PublicKey
	for _, b := range is.Banned {
		switch k := was.BannedAt(b.Person); {
		case b.Erase && (k < 0 || !was.Banned[k].Erase):
			erased = append(erased, b.Person)
		case k < 0:
			banned = append(banned, b.Person)
		}
	}
	for _, p := range out.Removed {
		if !slices.Contains(banned, p) && !slices.Contains(erased, p) {
			removed = append(removed, p)
		}
	}
	added := "added"
	if out.ByLink || out.Own != nil && out.Own.Tag == tagAdmit {
		added = "came"
	}
	for _, x := range []struct {
		what string
		whom []plane.PublicKey
	}{{"removed", removed}, {"banned", banned}, {"erased", erased}, {added, out.Added}} {
		if len(x.whom) > 0 {
			line(x.what, out.By, "", x.whom...)
		}
	}
	for _, p := range erased {
		m.erase(c, seq, p)
		m.rewritten(c)
	}
	if is.Name != was.Name {
		line("renamed", out.By, is.Name)
	}
	if string(is.Picture) != string(was.Picture) {
		line("picture", out.By, "")
	}
	if is.About != was.About {
		line("about", out.By, "")
	}
	if is.Rules != was.Rules {
		line("rules", out.By, "")
	}
	m.pinned(c, was.Pins, is.Pins, func(what string) { line(what, out.By, "") })
	told := map[plane.PublicKey]bool{}
	for _, p := range slices.Concat(is.Owners, is.Admins, was.Owners, was.Admins) {
		before, after := roleIn(was, p), roleIn(&is, p)
		// Who was first for want of others has it written down with the next change; that is no news.
		if before == after || !c.c.Has(p) || p == out.By && after > before || told[p] {
			continue
		}
		told[p] = true
		line("role", out.By, string(roleNames[after]), p)
		if out.Mine && after > convo.RoleMember && before == convo.RoleMember {
			m.giveKey(c, p)
		}
	}
}

// roleIn is the role that a state gives somebody, whoever else is a member.
func roleIn(st *convo.State, p plane.PublicKey) convo.Role {
	switch {
	case slices.Contains(st.Owners, p):
		return convo.RoleOwner
	case slices.Contains(st.Admins, p):
		return convo.RoleAdmin
	}
	return convo.RoleMember
}

// pinned marks the messages that are pinned now.
func (m *Machine) pinned(c *chat, was, is [][32]byte, line func(what string)) {
	for _, x := range []struct {
		a, b [][32]byte
		what string
	}{{is, was, "pinned"}, {was, is, "unpinned"}} {
		for _, id := range x.a {
			if slices.Contains(x.b, id) {
				continue
			}
			line(x.what)
			m.setPairs(timeline.PutPin(m.view(c).id, id, x.what == "pinned"))
			m.stale(m.view(c), id)
		}
	}
}

// erase deletes all that somebody wrote here: one mark, which counts when messages are read.
func (m *Machine) erase(c *chat, seq plane.Seq, who plane.PublicKey) {
	v := m.view(c)
	m.setPairs(timeline.PutErasure(v.id, c.log, who, uint64(seq)))
	m.emit(Emit{PersonErased{Chat: v.id, Person: who}})
	m.show(v)
}

// enterState takes up what a joiner finds in the group state: pins, and those whose words are
// deleted, in the history that it gets.
func (m *Machine) enterState(c *chat) {
	st := c.c.State()
	m.pinned(c, nil, st.Pins, func(string) {})
	for _, b := range st.Banned {
		if b.Erase {
			m.setPairs(timeline.PutErasure(m.view(c).id, c.log, b.Person, uint64(c.c.Cursor())))
		}
	}
}

// giveKey gives a new owner or admin the owner key of the log, where one has a conversation with
// them.
func (m *Machine) giveKey(c *chat, to plane.PublicKey) {
	if c.owner == nil || m.own(to) {
		return
	}
	if two := m.chats[m.person(to).stored.Chat]; two != nil {
		m.note(m.sender(two), content.Owner{Log: c.log, Seed: [32]byte(c.owner.Seed())})
	}
}

// slowRetry is how often one looks again where the time to post is not known.
const slowRetry = time.Minute

// groupView is what a chat shows of a group.
func (m *Machine) groupView(c *chat, v *Chat, st *convo.State) {
	if c.State == chatOpen {
		role := c.c.Role(m.acc.person())
		v.Role, v.Admin = roleNames[role], role >= convo.RoleAdmin
	}
	r := rulesOf(st.Rules)
	v.About, v.Rules = st.About, &r
	for _, id := range st.Pins {
		v.Pins = append(v.Pins, timeline.ID(id).Text())
	}
	at, code := m.mayPost(c, true)
	if code != "" {
		v.PostAt = at
	} else if c.waitsSlow() {
		for _, i := range c.q.Items {
			v.PostAt = max(v.PostAt, int64(i.SentMS)+int64(st.Rules.Slow)*1000)
		}
	}
}
