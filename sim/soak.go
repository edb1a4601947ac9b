package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"paperplane/core"
)

// A soak is one long life of many: a week in which people come, make groups, come in by link, are
// made admins and removed, talk, are away for hours, lose their devices, put old backups back, and
// whose server crashes. What happens to whom is drawn from the seed; the promises are those of every
// run, and nobody does anything by hand to heal what went wrong.
const (
	soakDays    = 7
	soakEvents  = 1 << 40
	soakRough   = 0.04 // of the usual chances of a fault: there are so many more effects
	soakPerDay  = 4    // things that a person does in a day
	soakHarms   = 30   // larger misfortunes a day, for each 100 people
	soakAway    = 0.02 // chance of going away in an hour, for up to 20 hours
	soakGroups  = 8    // one group for so many people at the beginning
	soakMembers = 24   // about how many come into one by link
)

// soak is what the whole of it goes by.
type soak struct {
	*world
	accounts int
	devices  int // of each account
	links    map[string]string
	groups   []string
	backups  map[*simClient]*backup
	counts   map[string]int
	missing  map[string]bool // commands that there are not in this version
	restores bool            // old backups are put back
}

// backup is a device's disk as it was, with what its person had been promised by then.
type backup struct {
	disk   disk
	files  map[string][]byte
	said   int
	drafts map[string]string
	hidden *bool
}

func newSoak(w *world, accounts, devices int) *soak {
	return &soak{world: w, accounts: accounts, devices: devices, links: map[string]string{}, backups: map[*simClient]*backup{},
		counts: map[string]int{}, missing: map[string]bool{}}
}

// live is the week.
func (s *soak) live() {
	w, accounts := s.world, s.accounts
	w.rough, w.eventsMost, w.usedUp = soakRough, soakEvents, true
	w.server = newServer(w)
	w.faults = true
	for i := range accounts {
		w.after(time.Duration(i)*5*time.Second, func() {
			hosts := w.people
			c := newClient(w, fmt.Sprintf("p%d", i))
			w.joined(c, func() (string, bool) {
				if len(hosts) == 0 {
					return w.server.invite(), true
				}
				return w.invitation(hosts[w.rng.IntN(len(hosts))])
			})
		})
	}
	w.run(w.now.Add(time.Duration(accounts)*5*time.Second + 10*time.Minute))
	if s.devices > 1 {
		w.shared = true
		s.manyDevices()
	}
	for range max(1, accounts/soakGroups) {
		w.after(w.between(0, time.Hour), s.group)
	}
	w.run(w.now.Add(2 * time.Hour))
	end := w.now.Add(soakDays * 24 * time.Hour)
	for range accounts * soakPerDay * soakDays {
		w.after(w.between(0, end.Sub(w.now)), s.act)
	}
	for range max(3, accounts*soakHarms*soakDays/100) {
		w.after(w.between(0, end.Sub(w.now)), s.harm)
	}
	for hour := range soakDays * 24 {
		w.after(time.Duration(hour)*time.Hour, s.hourly)
	}
	w.run(end)
	w.stats[days] += soakDays
}

// manyDevices links further devices of everybody, one after the other.
func (s *soak) manyDevices() {
	for i, c := range slices.Clone(s.people) {
		s.after(time.Duration(i)*2*time.Second, func() { s.another(c, 2) })
	}
	s.run(s.now.Add(time.Duration(s.accounts)*2*time.Second + time.Duration(s.devices)*20*time.Minute))
	for _, c := range s.people {
		if c.linked && c.account == "" {
			s.counts["devices that were not linked"]++
		}
	}
}

// another links device number n of an account, then the next.
func (s *soak) another(old *simClient, n int) {
	if n > s.devices || !old.up || old.account == "" {
		return
	}
	young := newClient(s.world, fmt.Sprintf("%s.%d", old.name, n))
	young.linked = true
	old.linking, young.linking = core.Linking{}, core.Linking{}
	id := old.call(core.LinkDevice{})
	asked, confirmed := false, false
	var look func()
	tries := 0
	look = func() {
		if tries++; tries > 1500 || len(s.failed) > 0 {
			return
		}
		link, ok := old.replies[id].Result.(core.DeviceLink)
		switch {
		case ok && !asked && young.up:
			asked = true
			young.call(core.AddDevice{Link: link.Link, Name: young.name})
		case !confirmed && old.linking.Stage == "digits" && young.linking.Stage == "digits":
			if old.linking.Digits != young.linking.Digits {
				s.fail("%s and %s show other digits", old.name, young.name)
			}
			confirmed = true
			old.call(core.ConfirmDevice{Yes: true})
			young.call(core.ConfirmDevice{Yes: true})
		case young.account != "":
			s.counts["devices linked"]++
			s.another(old, n+1)
			return
		case old.linking.Stage == "failed" || young.linking.Stage == "failed" || tries%330 == 0: // one of them crashed: they begin anew
			s.tell("linking of %s failed: %s %s", young.name, old.linking.Err, young.linking.Err)
			old.linking, young.linking = core.Linking{}, core.Linking{}
			asked, confirmed = false, false
			id = old.call(core.LinkDevice{})
		}
		s.after(2*time.Second, look)
	}
	s.after(2*time.Second, look)
}

// hourly sends some away.
func (s *soak) hourly() {
	for _, c := range s.people {
		if !c.away && s.rng.Float64() < soakAway {
			c.setAway(true)
			s.counts["spells away"]++
			s.after(s.between(10*time.Minute, 20*time.Hour), func() { c.setAway(false) })
		}
	}
}

// one draws somebody who can do something now.
func (s *soak) one() *simClient {
	c := s.people[s.rng.IntN(len(s.people))]
	if !c.up || c.account == "" {
		return nil
	}
	return c
}

// try gives a command and counts it, unless there is none such in this version.
func (s *soak) try(c *simClient, what string, cmd core.Command) (core.Reply, bool) {
	name := fmt.Sprintf("%T", cmd)
	if s.missing[name] {
		return core.Reply{}, false
	}
	id := c.call(cmd)
	r, done := c.replies[id]
	if done && (r.Err == core.ErrUnknown || r.Err == core.ErrBadArguments) {
		s.missing[name] = true
		return r, false
	}
	s.counts[what]++
	return r, done && r.Err == ""
}

// group makes a group of somebody's contacts, and a link by which others come in.
func (s *soak) group() {
	c := s.one()
	if c == nil {
		return
	}
	r, ok := s.try(c, "groups", core.NewGroup{Name: "group of " + c.name, Members: s.some(c.state().Chats)})
	joined, is := r.Result.(core.Joined)
	if !ok || !is {
		return
	}
	s.groups = append(s.groups, joined.Chat)
	s.after(time.Minute, func() { s.link(c, joined.Chat) })
}

// link makes a link into a group, through which some come in during the next hour.
func (s *soak) link(c *simClient, chat string) {
	if !c.up {
		return
	}
	n := 1 + s.rng.IntN(soakMembers)
	cmd := core.GroupInvite{Chat: chat, Uses: 2 * n}
	if s.missing[fmt.Sprintf("%T", cmd)] {
		return
	}
	id := c.call(cmd)
	s.after(2*time.Minute, func() {
		r := c.replies[id]
		l, ok := r.Result.(core.InviteLink)
		if !ok {
			if r.Err == core.ErrBadArguments || r.Err == core.ErrUnknown {
				s.missing[fmt.Sprintf("%T", cmd)] = true
			}
			return
		}
		s.counts["links"]++
		s.links[chat] = l.Link
		for range n {
			s.after(s.between(0, time.Hour), func() { s.follow(l.Link) })
		}
	})
}

// follow comes in by a link.
func (s *soak) follow(link string) {
	if c := s.one(); c != nil {
		s.try(c, "followed links", core.Join{Link: link, Name: c.name})
	}
}

// act is one thing that one person does.
func (s *soak) act() {
	c := s.one()
	if c == nil {
		return
	}
	chats := c.state().Chats
	if len(chats) == 0 {
		return
	}
	chat := chats[s.rng.IntN(len(chats))]
	if chat.Kind != core.ChatGroup {
		s.world.act() // what people do with each other is what they do in every run
		return
	}
	other := func(f func(person string)) {
		r, ok := s.try(c, "looks at members", core.GetMembers{Chat: chat.ID})
		if m, is := r.Result.(core.Members); ok && is && len(m.Members) > 1 {
			f(m.Members[s.rng.IntN(len(m.Members))].Person)
		}
	}
	switch roll := s.rng.IntN(100); {
	case roll < 70:
		s.count++
		s.try(c, "texts", core.SendText{Chat: chat.ID, Text: fmt.Sprintf("%s says %d", c.name, s.count)})
	case roll < 74:
		other(func(p string) { s.try(c, "removals", core.RemoveMember{Chat: chat.ID, Person: p}) })
	case roll < 80:
		s.try(c, "additions", core.AddMembers{Chat: chat.ID, Members: s.some(chats)})
	case roll < 84:
		other(func(p string) {
			roles := []core.Role{core.RoleOwner, core.RoleAdmin, core.RoleMember}
			s.try(c, "roles", core.SetRole{Chat: chat.ID, Person: p, Role: roles[s.rng.IntN(len(roles))]})
		})
	case roll < 87: // also who waits to be let in, and perhaps is, later
		s.try(c, "departures", core.Leave{Chat: chat.ID})
	case roll < 90:
		s.try(c, "names", core.SetGroup{Chat: chat.ID, Name: "named by " + c.name})
	case roll < 94 && len(s.groups) > 0:
		if l := s.links[s.groups[s.rng.IntN(len(s.groups))]]; l != "" {
			s.follow(l)
		}
	case roll < 96:
		s.link(c, chat.ID)
	default:
		s.world.act()
	}
}

// harm is one larger misfortune.
func (s *soak) harm() {
	c := s.people[s.rng.IntN(len(s.people))]
	switch {
	case s.rng.IntN(4) > 0:
		s.world.harm()
	case s.backups[c] == nil || !s.restores:
		s.backups[c] = &backup{c.disk.clone(), maps.Clone(c.files), len(c.said), maps.Clone(c.drafts), c.hidden}
		s.counts["backups"]++
	default:
		s.setBack(c)
	}
}

// setBack puts an old backup back, as somebody does who lost a device and kept a copy of its disk.
func (s *soak) setBack(c *simClient) {
	b := s.backups[c]
	delete(s.backups, c)
	if !c.up || c.account == "" || len(b.disk.keys) == 0 {
		return
	}
	s.tell("%s is set back to a backup", c.name)
	s.counts["restored backups"]++
	c.die("it is set back", s.between(time.Second, time.Hour))
	c.disk, c.files, c.drafts, c.hidden, c.restored = b.disk, b.files, b.drafts, b.hidden, true
	for i := b.said; i < len(c.said); i++ {
		c.said[i].back = true // the device knows nothing of it; what was sent is with the others
	}
	for _, id := range slices.Collect(maps.Keys(c.undone)) {
		delete(c.undone, id)
	}
}
