package sim

import (
	"fmt"
	"slices"

	"paperplane/core"
)

// check holds the healed world against what was promised.
func (w *world) check() {
	if len(w.failed) > 0 {
		return
	}
	for _, c := range w.people {
		switch {
		case !c.up:
			w.fail("%s does not start", c.name)
		case c.account == "":
			w.fail("%s has not joined", c.name)
		}
		for _, text := range c.waiting() {
			w.fail("%s: %q still waits to be sent", c.name, text)
		}
	}
	if len(w.failed) > 0 {
		return
	}
	views := map[string][]view{}
	var order []string
	for _, c := range w.people {
		for _, chat := range c.state().Chats {
			v := w.view(c, chat)
			if _, ok := views[chat.ID]; !ok {
				order = append(order, chat.ID)
			}
			views[chat.ID] = append(views[chat.ID], v)
		}
	}
	for _, id := range order {
		w.agree(views[id])
	}
}

// view is what one person sees of one chat.
type view struct {
	c       *simClient
	chat    core.Chat
	list    []core.Message // without notices
	members []string
}

func (w *world) view(c *simClient, chat core.Chat) view {
	v := view{c: c, chat: chat}
	seen := map[string]bool{}
	texts := map[string]bool{}
	for _, m := range c.messages(chat.ID) {
		if m.Kind == core.KindNotice {
			continue
		}
		if seen[m.ID] {
			w.fail("%s: a message is shown twice", c.name)
		}
		seen[m.ID] = true
		if m.Kind == core.KindText && texts[m.Text] {
			w.fail("%s: %q is shown twice", c.name, m.Text)
		}
		texts[m.Text] = true
		if m.State == core.StateFailed || m.State == core.StateQueued {
			continue
		}
		v.list = append(v.list, m)
	}
	id := c.call(core.GetMembers{Chat: chat.ID})
	if r, ok := c.replies[id].Result.(core.Members); ok {
		for _, m := range r.Members {
			v.members = append(v.members, m.Person)
		}
	}
	slices.Sort(v.members)
	return v
}

// agree compares the views of everybody who is still in a chat: the same members, name and, from
// where the later one joined, the same messages in the same order with the same contents.
func (w *world) agree(views []view) {
	var in []view
	for _, v := range views {
		if v.chat.State == "open" {
			in = append(in, v)
		}
	}
	if len(in) == 0 {
		return
	}
	if in[0].chat.Kind != core.ChatSaved && len(in) != len(in[0].members) {
		w.fail("chat of kind %s: %d people are in it, %s counts %d members", in[0].chat.Kind, len(in), in[0].c.name, len(in[0].members))
	}
	longest := slices.MaxFunc(in, func(a, b view) int { return len(a.list) - len(b.list) })
	for _, v := range in {
		if !slices.Equal(v.members, longest.members) {
			w.fail("%s and %s disagree on who is in their chat", v.c.name, longest.c.name)
		}
		if v.chat.Kind == core.ChatGroup && v.chat.Name != longest.chat.Name {
			w.fail("%s calls the group %q, %s %q", v.c.name, v.chat.Name, longest.c.name, longest.chat.Name)
		}
		tail := longest.list[len(longest.list)-len(v.list):]
		for i, m := range v.list {
			if a, b := shown(m), shown(tail[i]); a != b {
				w.fail("%s shows %q where %s shows %q (%d and %d messages)", v.c.name, a, longest.c.name, b, len(v.list), len(longest.list))
				break
			}
		}
	}
}

// shown is what of a message must be the same for all.
func shown(m core.Message) string {
	s := m.ID[:8] + " " + string(m.Kind) + " " + m.Text
	if m.Edited {
		s += " (edited)"
	}
	for _, r := range m.Reactions {
		s += fmt.Sprintf(" %s×%d", r.Emoji, len(r.By))
	}
	return s
}
