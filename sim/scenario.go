package sim

import (
	"fmt"
	"time"

	"paperplane/core"
	"paperplane/core/timeline"
)

// What happens in a run, drawn from its seed.
const (
	peopleMin, peopleMax = 3, 12
	actionsMin           = 40
	actionsMax           = 160
	setUpTime            = 3 * time.Minute
	actTime              = 4 * time.Minute
	healTime             = 8 * time.Hour // an owner who is locked out waits for six, see core.remakeAfter
)

// play is the safety phase: people join, then write, regroup and suffer.
func (w *world) play() {
	n := peopleMin + w.rng.IntN(peopleMax-peopleMin+1)
	w.tell("%d people", n)
	first := newClient(w, "p0")
	w.joined(first, func() (string, bool) { return w.server.invite(), true })
	for i := 1; i < n; i++ {
		w.after(time.Duration(i)*w.between(500*time.Millisecond, 4*time.Second), func() {
			host := w.people[w.rng.IntN(len(w.people))]
			c := newClient(w, fmt.Sprintf("p%d", i))
			w.joined(c, func() (string, bool) { return w.invitation(host) })
		})
	}
	w.run(begin.Add(setUpTime))
	actions := actionsMin + w.rng.IntN(actionsMax-actionsMin+1)
	for range actions {
		w.after(w.between(0, actTime), w.act)
	}
	w.after(w.between(0, actTime), w.harm)
	for range w.rng.IntN(6) {
		w.after(w.between(0, actTime), w.harm)
	}
	w.run(begin.Add(setUpTime + actTime))
	if w.rng.IntN(5) == 0 {
		w.weeks()
	}
}

// weeksMax stays below the life of a record: nobody misses any.
const weeksMax = 24

// weeks lets days go by, in which somebody is away and the others say something now and then:
// keys are refreshed, cards and packages turn, generations follow each other.
func (w *world) weeks() {
	n := 1 + w.rng.IntN(weeksMax)
	w.stats[days] += n
	w.tell("%d days go by", n)
	all := time.Duration(n) * 24 * time.Hour
	end := w.now.Add(all)
	away := w.people[w.rng.IntN(len(w.people))]
	away.setAway(true)
	for range 2 * n {
		w.after(w.between(0, all), w.act)
	}
	w.after(w.between(0, all), w.harm)
	w.run(end)
	away.setAway(false)
}

// joined makes c try to join, through link, until it has an account.
func (w *world) joined(c *simClient, link func() (string, bool)) {
	var try func()
	try = func() {
		if c.account != "" || len(w.failed) > 0 {
			return
		}
		if l, ok := link(); ok && c.up {
			id := c.call(core.Join{Link: l, Name: c.name})
			w.after(18*time.Second, func() {
				if c.account == "" {
					w.tell("%s: join answered %q", c.name, c.replies[id].Err)
				}
			})
		}
		w.after(20*time.Second, try)
	}
	try()
}

// invitation returns a link of host, asking for one when there is none yet.
func (w *world) invitation(host *simClient) (string, bool) {
	for n := host.calls; n > 0; n-- {
		if l, ok := host.replies[fmt.Sprintf("%s-%d", host.name, n)].Result.(core.InviteLink); ok {
			return l.Link, true
		}
	}
	if host.up && host.account != "" {
		host.call(core.Invite{Uses: 100})
	}
	return "", false
}

// act is one thing that one person does.
func (w *world) act() {
	c := w.people[w.rng.IntN(len(w.people))]
	if !c.up || c.account == "" {
		return
	}
	chats := c.state().Chats
	if len(chats) == 0 {
		return
	}
	chat := chats[w.rng.IntN(len(chats))]
	switch roll := w.rng.IntN(100); {
	case roll < 4:
		c.call(core.SendText{Chat: chat.ID, Text: fmt.Sprintf("%s sends %d", c.name, w.calls()), Files: []core.File{c.newFile()}})
	case roll < 7:
		w.onMessage(c, chat, func(m core.Message) core.Command {
			if m.Kind == core.KindFile && w.rng.IntN(5) == 0 {
				return core.Stop{Chat: chat.ID, Message: m.ID}
			}
			return core.Fetch{Chat: chat.ID, Message: m.ID}
		})
	case roll < 8:
		x := core.SendPoll{Chat: chat.ID, Question: fmt.Sprintf("%s asks %d", c.name, w.calls()), Options: []string{"a", "b", "c"}, Several: w.rng.IntN(2) == 0}
		if !x.Several && w.rng.IntN(2) == 0 {
			x.Right = new(w.rng.IntN(3))
		}
		c.call(x)
	case roll < 9:
		c.call(core.SetDraft{Chat: chat.ID, Text: fmt.Sprintf("draft %d", w.calls())})
	case roll < 10:
		c.call(core.SetSettings{ReadReceipts: new(w.rng.IntN(2) == 0)})
	case roll < 55:
		for range 1 + w.rng.IntN(3) {
			w.count++
			c.call(core.SendText{Chat: chat.ID, Text: fmt.Sprintf("%s says %d", c.name, w.count)})
		}
	case roll < 63:
		w.onMessage(c, chat, func(m core.Message) core.Command {
			if m.Poll != nil && w.rng.IntN(10) == 0 {
				return core.ClosePoll{Chat: chat.ID, Message: m.ID}
			}
			if m.Poll != nil && w.rng.IntN(3) > 0 {
				x := core.Vote{Chat: chat.ID, Message: m.ID}
				for n := range m.Poll.Options {
					if w.rng.IntN(3) == 0 {
						x.Options = append(x.Options, n)
					}
				}
				return x
			}
			if w.rng.IntN(2) == 0 && m.Own {
				return core.Edit{Chat: chat.ID, Message: m.ID, Text: m.Text + "!"}
			}
			return core.React{Chat: chat.ID, Message: m.ID, Emoji: []string{"👍", "❤️"}[w.rng.IntN(2)], On: w.rng.IntN(3) > 0}
		})
	case roll < 67:
		w.onMessage(c, chat, func(m core.Message) core.Command {
			if m.Own {
				return core.Delete{Chat: chat.ID, Message: m.ID}
			}
			return core.SendText{Chat: chat.ID, Text: fmt.Sprintf("%s answers %d", c.name, w.calls()), ReplyTo: m.ID}
		})
	case roll < 72:
		w.onMessage(c, chat, func(m core.Message) core.Command { return core.MarkRead{Chat: chat.ID, Message: m.ID} })
	case roll < 74:
		c.call(core.Typing{Chat: chat.ID})
	case roll < 80:
		c.call(core.NewGroup{Name: fmt.Sprintf("group of %s", c.name), Members: w.some(chats)})
	case roll < 87 && chat.Kind == core.ChatGroup:
		c.call(core.AddMembers{Chat: chat.ID, Members: w.some(chats)})
	case roll < 91 && chat.Kind == core.ChatGroup:
		id := c.call(core.GetMembers{Chat: chat.ID})
		if r, ok := c.replies[id].Result.(core.Members); ok && len(r.Members) > 1 {
			c.call(core.RemoveMember{Chat: chat.ID, Person: r.Members[w.rng.IntN(len(r.Members))].Person})
		}
	case roll < 95 && chat.Kind == core.ChatGroup:
		w.govern(c, chat)
	case roll < 97 && chat.Kind == core.ChatGroup:
		c.call(core.Leave{Chat: chat.ID})
	default:
		c.call(core.SetName{Name: c.name})
	}
}

// govern changes what a group is and who leads it.
func (w *world) govern(c *simClient, chat core.Chat) {
	somebody := func(banned bool) string {
		id := c.call(core.GetMembers{Chat: chat.ID, Banned: banned})
		if r, ok := c.replies[id].Result.(core.Members); ok && len(r.Members) > 0 {
			return r.Members[w.rng.IntN(len(r.Members))].Person
		}
		return ""
	}
	switch w.rng.IntN(7) {
	case 0:
		c.call(core.SetGroup{Chat: chat.ID, Name: fmt.Sprintf("named by %s", c.name), About: new(fmt.Sprintf("about %d", w.calls()))})
	case 1:
		// What waits in slow mode goes out before the world is looked at.
		c.call(core.SetGroup{Chat: chat.ID, Rules: &core.Rules{Slow: w.rng.IntN(3), Adders: []string{"admins", "members"}[w.rng.IntN(2)]}})
	case 2, 3:
		c.call(core.SetRole{Chat: chat.ID, Person: somebody(false), Role: []core.Role{core.RoleOwner, core.RoleAdmin, core.RoleMember}[w.rng.IntN(3)]})
	case 4:
		w.onMessage(c, chat, func(m core.Message) core.Command { return core.Pin{Chat: chat.ID, Message: m.ID, On: !m.Pinned} })
	case 5:
		c.call(core.RemoveMember{Chat: chat.ID, Person: somebody(false), Ban: w.rng.IntN(2) == 0})
	default:
		c.call(core.Unban{Chat: chat.ID, Person: somebody(true)})
	}
}

func (w *world) calls() uint64 { w.count++; return w.count }

// onMessage does something with one of the newest messages of a chat.
func (w *world) onMessage(c *simClient, chat core.Chat, f func(core.Message) core.Command) {
	page, err := core.Page(&c.disk, chat.ID, 0, 10)
	if err != nil {
		w.fail("%s: page: %v", c.name, err)
		return
	}
	if len(page) > 0 {
		c.call(f(page[w.rng.IntN(len(page))]))
	}
}

// some draws contacts.
func (w *world) some(chats []core.Chat) (ids []string) {
	for _, c := range chats {
		if c.Kind == core.ChatTwo && w.rng.IntN(2) == 0 {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// harm is one larger misfortune.
func (w *world) harm() {
	c := w.people[w.rng.IntN(len(w.people))]
	switch w.rng.IntN(6) {
	case 0:
		c.die("power", w.between(0, 30*time.Second))
	case 1:
		w.tell("%s has no network", c.name)
		c.setAway(true)
		w.after(w.between(time.Second, 90*time.Second), func() { c.setAway(false) })
	case 2:
		w.server.die()
	case 3:
		w.tell("the server's disk is full")
		w.stats[diskFull]++
		w.server.full = true
		w.after(w.between(time.Second, 30*time.Second), func() { w.server.full = false })
	case 4:
		w.tell("%s has a full disk", c.name)
		c.full = true
		w.after(w.between(time.Second, 20*time.Second), func() { c.full = false })
	case 5:
		w.stats[jumps]++
		c.skew = w.between(-26*time.Hour, 26*time.Hour)
		w.tell("%s: clock jumps to %v", c.name, c.skew)
		w.after(w.between(time.Second, 120*time.Second), func() { c.skew = 0 })
	}
}

// heal ends all faults and gives everybody time.
func (w *world) heal() {
	w.faults = false
	w.server.full = false
	for _, c := range w.people {
		c.full, c.skew = false, 0
		c.setAway(false)
	}
	deadline := w.now.Add(healTime)
	for step := w.now.Add(time.Minute); len(w.failed) == 0 && w.now.Before(deadline); step = step.Add(time.Minute) {
		w.run(step)
		if w.settled() {
			w.run(w.now.Add(2 * time.Minute)) // whatever is still on the way
			if w.settled() && !w.again() {
				return
			}
		}
	}
}

// settled says whether nobody has anything left to do.
func (w *world) settled() bool {
	for _, c := range w.people {
		if !c.up || c.account == "" || len(c.waits()) > 0 || c.joining() {
			return false
		}
	}
	return true
}

// joining says whether a chat is not open yet or about to be left.
func (c *simClient) joining() bool {
	for _, k := range c.disk.keys {
		if len(k) > 2 && k[len(k)-2:] == "/m" {
			var meta struct {
				State   string `cbor:"4,keyasint"`
				Leaving bool   `cbor:"9,keyasint"`
			}
			if err := timeline.Decode(c.disk.pairs[k], &meta); err == nil && (meta.State == "waiting" || meta.Leaving) {
				return true
			}
		}
	}
	return false
}

// again has everybody try again what failed, and fetch the files that are not here yet. It
// returns whether there was anything.
func (w *world) again() (any bool) {
	for _, c := range w.people {
		for _, chat := range c.state().Chats {
			if chat.State != "open" {
				continue
			}
			for _, m := range c.messages(chat.ID) {
				if m.State == core.StateFailed && !c.tried[m.ID] {
					c.tried[m.ID], any = true, true
					c.call(core.Retry{Chat: chat.ID, Message: m.ID})
				}
				for _, f := range m.Files {
					if (f.State == "remote" || f.State == "failed") && !m.Own && !c.tried[m.ID] {
						c.tried[m.ID], any = true, true
						c.call(core.Fetch{Chat: chat.ID, Message: m.ID})
					}
				}
			}
		}
	}
	return any
}
