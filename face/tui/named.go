package tui

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"paperplane/core"
	"paperplane/face/api"
	"paperplane/face/cli"
)

// This file: members named in texts, and pinned messages.

// completeMax is how many names a completion asks for.
const completeMax = 8

// typedName is what stands behind an @ at the end of a text.
var typedName = regexp.MustCompile(`(?:^|[\s([{«"'])@(\S*)$`)

// typedName returns what was typed of a member's name, when the cursor stands behind it in a group.
func (m *Model) typedName() (string, bool) {
	c := m.chat(m.open)
	if c == nil || c.Kind != core.ChatGroup || m.focus != onText {
		return "", false
	}
	value := m.text.Value()
	last := value[strings.LastIndex(value, "\n")+1:]
	if m.text.Line() != m.text.LineCount()-1 || m.text.Column() != len([]rune(last)) {
		return "", false
	}
	found := typedName.FindStringSubmatch(last)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// completeName makes the typed beginning of a name whole; of several it shows which.
func (m *Model) completeName(typed string) tea.Cmd {
	chat, value := m.open, m.text.Value()
	return call(m, "getMembers", core.GetMembers{Chat: chat, Query: typed, Limit: completeMax}, func(r core.Members, err error) tea.Cmd {
		if err != nil || m.open != chat || m.text.Value() != value {
			m.say(err)
			return nil
		}
		var names []string
		for _, x := range r.Members {
			if !x.Own && x.Name != "" {
				names = append(names, cli.Clean(x.Name, false))
			}
		}
		begin := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !hasPrefixFold(n, typed) })
		if len(begin) > 0 {
			names = begin
		}
		switch len(names) {
		case 0:
			m.flash = "Nobody of that name is in this group."
			return nil
		case 1:
			return m.write(strings.TrimSuffix(value, typed) + names[0] + " ")
		}
		m.flash = strings.Join(names, " · ")
		if r.Total > completeMax {
			m.flash += " …"
		}
		if common := commonPrefix(begin); len(common) > len(typed) {
			return m.write(strings.TrimSuffix(value, typed) + common)
		}
		return nil
	})
}

// write puts a text into the composer as if it had been typed.
func (m *Model) write(s string) tea.Cmd {
	m.text.SetValue(s)
	m.text.MoveToEnd()
	m.typed++
	m.resize()
	return m.opts.After(draftDelay, draftDue{m.typed})
}

func hasPrefixFold(s, prefix string) bool {
	r, p := []rune(s), []rune(prefix)
	return len(r) >= len(p) && strings.EqualFold(string(r[:len(p)]), prefix)
}

func commonPrefix(list []string) string {
	if len(list) == 0 {
		return ""
	}
	p := []rune(list[0])
	for _, s := range list[1:] {
		r := []rune(s)
		n := 0
		for n < min(len(p), len(r)) && p[n] == r[n] {
			n++
		}
		p = p[:n]
	}
	return string(p)
}

// sendNaming is sendText with the members whom its text names.
func (m *Model) sendNaming(x core.SendText, then func(core.Sent, error) tea.Cmd) tea.Cmd {
	var chat core.Chat
	if c := m.chat(x.Chat); c != nil {
		chat = *c
	}
	parent, c := m.ctx, m.opts.Core
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(parent, callTime)
		defer cancel()
		x.Mentions = cli.Mentions(ctx, c, chat, x.Text)
		r, err := api.Do[core.Sent](ctx, c, "sendText", x)
		return done{func(*Model) tea.Cmd { return then(r, err) }}
	}
}

// namesMe says whether a message names oneself.
func (m *Model) namesMe(x core.Message) bool {
	return m.st.Account != nil && !x.Own && slices.ContainsFunc(x.Mentions, func(n core.Mention) bool { return n.Person == m.st.Account.Person })
}

// named draws the names in a text's lines; one that a line's end cuts stays as it is.
func (m *Model) named(x core.Message, rows []string) []string {
	var names []string
	for _, n := range x.Mentions {
		if s := cli.Clean(cli.Named(x.Text, n), false); len(s) > 1 && !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	if len(names) == 0 {
		return rows
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) }) // "@Ann Lee" before "@Ann"
	var pairs []string
	for _, s := range names {
		pairs = append(pairs, s, m.look.accent.Render(s))
	}
	r := strings.NewReplacer(pairs...)
	for i := range rows {
		rows[i] = r.Replace(rows[i])
	}
	return rows
}

// lookBack bounds how many pages a search for a message loads at a time.
const lookBack = 20

// searchUp chooses the newest message from below that fits, and loads older ones until there is one.
func (m *Model) searchUp(fits func(core.Message) bool, none string, pages int) tea.Cmd {
	from := len(m.msgs)
	if m.pick != "" {
		from = slices.IndexFunc(m.msgs, func(x core.Message) bool { return x.ID == m.pick })
	}
	for i := from - 1; i >= 0; i-- {
		if fits(m.msgs[i]) {
			m.text.Blur()
			m.focus, m.pick = onPick, m.msgs[i].ID
			return nil
		}
	}
	if !m.more {
		m.flash = none
		return nil
	}
	if pages == 0 {
		m.flash = fmt.Sprintf("None in the newest %d messages. The same key looks further back.", len(m.msgs))
		return nil
	}
	return m.olderThen(func() tea.Cmd { return m.searchUp(fits, none, pages-1) })
}

// toNamed goes to the message before this one that names oneself.
func (m *Model) toNamed() tea.Cmd {
	if m.open == "" {
		return nil
	}
	return m.searchUp(m.namesMe, "No message above names you.", lookBack)
}

// pinLine is the line below a chat's head, "" where nothing is pinned.
func (m *Model) pinLine(w int) string {
	c := m.chat(m.open)
	if c == nil || len(c.Pins) == 0 {
		return ""
	}
	head, tail := "Pinned: ", ""
	if n := len(c.Pins); n > 1 {
		tail = fmt.Sprintf(" (and %d more)", n-1)
	}
	tail += "  F2"
	text := "…"
	if x, ok := m.pinned[c.Pins[0]]; ok {
		text = x.FromName + ": " + summary(x)
		if x.Own {
			text = "You: " + summary(x)
		}
	}
	return m.look.accent.Render(head) + line(text, w-len(head)-len(tail)) + m.look.quiet.Render(tail)
}

// loadPins asks for the pinned messages that are not known.
func (m *Model) loadPins() tea.Cmd {
	c := m.chat(m.open)
	if c == nil {
		return nil
	}
	var cmds []tea.Cmd
	for _, id := range c.Pins {
		if _, ok := m.pinned[id]; ok {
			continue
		}
		cmds = append(cmds, call(m, "message", map[string]string{"chat": c.ID, "message": id}, func(x core.Message, err error) tea.Cmd {
			if err == nil { // else it is not here: the line stays without its words
				m.pinned[id] = x
			}
			return nil
		}))
	}
	return tea.Batch(cmds...)
}

// pins lists the pinned messages; Enter goes to one.
func (m *Model) pins() tea.Cmd {
	c := m.chat(m.open)
	if c == nil {
		return nil
	}
	if len(c.Pins) == 0 {
		m.flash = "Nothing is pinned here. Choose a message (Up) and press p."
		return nil
	}
	d := &chooser{title: "Pinned messages", hint: "Enter goes there, p takes the pin off."}
	for _, id := range c.Pins {
		x := choice{id: id, label: "(not on this device)"}
		if msg, ok := m.pinned[id]; ok {
			x.label = nameOr(msg.FromName) + ": " + summary(msg)
			if msg.Own {
				x.label = "You: " + summary(msg)
			}
		}
		d.list = append(d.list, x)
	}
	chat := c.ID
	d.submit = func(chosen []choice) tea.Cmd {
		if len(chosen) == 0 || m.open != chat {
			return nil
		}
		m.pick = ""
		return m.searchUp(func(x core.Message) bool { return x.ID == chosen[0].id }, "This message is not on this device.", lookBack)
	}
	d.acts = map[string]func(choice) tea.Cmd{"p": func(at choice) tea.Cmd {
		m.dialog = nil
		return m.tell("pin", core.Pin{Chat: chat, Message: at.id})
	}}
	m.dialog = d
	return nil
}
