package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"paperplane/core"
)

// keyHelp lists the keys; the help page and nothing else is made from it.
var keyHelp = []struct{ where, key, does string }{
	{"Everywhere", "F1, Ctrl+G", "this help"},
	{"", "Tab", "between conversations and messages"},
	{"", "Ctrl+T", "invite somebody: link and QR code"},
	{"", "Ctrl+L", "open an invite link"},
	{"", "Ctrl+N", "new group"},
	{"", "Ctrl+P", "people of this conversation; add, remove, rename, leave"},
	{"", "Ctrl+O", "send a file"},
	{"", "Ctrl+Y", "your own name"},
	{"", "F2", "pinned messages"},
	{"", "F3", "the message before that names you"},
	{"", "Ctrl+C", "quit; what you typed is kept"},
	{"Conversations", "Up, Down, Enter", "choose and open"},
	{"", "/", "search"},
	{"", "?", "this help"},
	{"Writing", "Enter", "send"},
	{"", "Alt+Enter, Ctrl+J", "new line"},
	{"", "Tab (behind @Na)", "the whole name of a member"},
	{"", "Up (first line)", "choose a message"},
	{"", "PgUp", "look back"},
	{"", "Esc", "to the conversations; or give up a reply or change"},
	{"A chosen message", "Up, Down, PgUp, PgDn", "choose another; Home and End: first and last here"},
	{"", "r", "reply"},
	{"", "+", "react"},
	{"", "e", "change your message"},
	{"", "d", "delete your message for everyone"},
	{"", "p", "pin it for everyone, or take the pin off"},
	{"", "s", "save its files"},
	{"", "x", "stop its transfer"},
	{"", "t", "try again what failed"},
	{"", "Enter, Esc", "back to writing"},
}

// key acts on a key when no dialog is open.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	if !m.ready {
		return nil
	}
	switch k.String() {
	case "f1", "ctrl+g":
		m.dialog = helpPage(m)
		return nil
	case "ctrl+t":
		return m.invite()
	case "ctrl+l":
		m.dialog = joinPrompt(m)
		return nil
	case "ctrl+n":
		m.dialog = groupPrompt(m)
		return nil
	case "ctrl+p":
		return m.people()
	case "ctrl+o":
		m.dialog = filePrompt(m)
		return nil
	case "ctrl+y":
		m.dialog = namePrompt(m)
		return nil
	case "f2":
		return m.pins()
	case "f3":
		return m.toNamed()
	case "tab":
		if typed, ok := m.typedName(); ok {
			return m.completeName(typed)
		}
		return m.turn()
	}
	switch m.focus {
	case onList:
		return m.keyList(k)
	case onSearch:
		return m.keySearch(k)
	case onPick:
		return m.keyPick(k)
	}
	return m.keyText(k)
}

// turn goes to the other pane.
func (m *Model) turn() tea.Cmd {
	if m.focus == onText || m.focus == onPick {
		m.text.Blur()
		m.pick, m.focus = "", onList
		return m.keepDraft()
	}
	if m.open == "" {
		return m.show(m.at)
	}
	m.focus = onText
	return m.text.Focus()
}

func (m *Model) step(by int) {
	list := m.found()
	if len(list) == 0 {
		return
	}
	i := slices.IndexFunc(list, func(c core.Chat) bool { return c.ID == m.at })
	m.at = list[min(max(i+by, 0), len(list)-1)].ID
}

func (m *Model) keyList(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "up":
		m.step(-1)
	case "down":
		m.step(1)
	case "pgup":
		m.step(-m.height)
	case "pgdown":
		m.step(m.height)
	case "home":
		m.step(-len(m.st.Chats))
	case "end":
		m.step(len(m.st.Chats))
	case "enter", "right":
		return m.show(m.at)
	case "/", "ctrl+f":
		m.focus = onSearch
		m.search.Reset()
		return m.search.Focus()
	case "?":
		m.dialog = helpPage(m)
	}
	return nil
}

func (m *Model) keySearch(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		m.search.Reset()
		m.search.Blur()
		m.focus = onList
		return nil
	case "enter":
		list := m.found()
		m.search.Reset()
		m.search.Blur()
		m.focus = onList
		if slices.ContainsFunc(list, func(c core.Chat) bool { return c.ID == m.at }) {
			return m.show(m.at)
		}
		return nil
	case "up":
		m.step(-1)
		return nil
	case "down":
		m.step(1)
		return nil
	}
	var cmd tea.Cmd
	m.search, cmd = m.search.Update(k)
	if list := m.found(); len(list) > 0 && !slices.ContainsFunc(list, func(c core.Chat) bool { return c.ID == m.at }) {
		m.at = list[0].ID
	}
	return cmd
}

func (m *Model) keyText(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		return m.send()
	case "esc":
		if m.replyTo != nil || m.editing != nil {
			m.giveUp()
			return nil
		}
		return m.turn()
	case "up":
		if m.text.Line() == 0 && m.text.LineInfo().RowOffset == 0 {
			return m.toPick(0)
		}
	case "pgup":
		return m.toPick(-m.bodyHeight() / 3)
	case "ctrl+f":
		m.text.Blur()
		m.focus = onSearch
		m.search.Reset()
		return m.search.Focus()
	}
	return m.type_(k)
}

// giveUp ends a reply or a change; the text of a change goes with it.
func (m *Model) giveUp() {
	if m.editing != nil {
		m.text.SetValue(m.draft)
	}
	m.replyTo, m.editing = nil, nil
	m.resize()
}

// type_ hands a key or a paste to the field that has the focus.
func (m *Model) type_(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	if m.focus == onSearch {
		m.search, cmd = m.search.Update(msg)
		return cmd
	}
	if m.focus != onText {
		return nil
	}
	before := m.text.Value()
	m.text, cmd = m.text.Update(msg)
	if m.text.Value() == before {
		return cmd
	}
	m.typed++
	m.resize()
	cmds := []tea.Cmd{cmd, m.opts.After(draftDelay, draftDue{m.typed})}
	if now := m.opts.Now(); m.st.Settings.TypingShown && m.text.Value() != "" && now.Sub(m.typedAt) >= typingEvery {
		m.typedAt = now
		cmds = append(cmds, m.tell("typing", core.Typing{Chat: m.open}))
	}
	return tea.Batch(cmds...)
}

// send sends, or changes, what was typed.
func (m *Model) send() tea.Cmd {
	s := strings.TrimSpace(m.text.Value())
	if s == "" || m.open == "" {
		return nil
	}
	chat, value, draft := m.open, m.text.Value(), m.draft
	back := func(err error) { // nothing typed is ever lost
		m.say(err)
		if err != nil && m.open == chat && m.text.Value() == "" {
			m.text.SetValue(value)
			m.draft = draft
			m.resize()
		}
	}
	reply, edit := m.replyTo, m.editing
	m.replyTo, m.editing = nil, nil
	m.text.Reset()
	m.typed++
	m.resize()
	if edit != nil {
		m.text.SetValue(m.draft)
		return call(m, "edit", core.Edit{Chat: chat, Message: edit.ID, Text: s}, func(_ core.Done, err error) tea.Cmd {
			if err != nil && m.open == chat {
				m.editing = edit
			}
			back(err)
			return nil
		})
	}
	m.draft = "" // the core forgets it with the message
	msg := core.SendText{Chat: chat, Text: s}
	if reply != nil {
		msg.ReplyTo = reply.ID
	}
	m.newFrom, m.scroll = "", 0
	return m.sendNaming(msg, func(_ core.Sent, err error) tea.Cmd {
		if err != nil && m.open == chat {
			m.replyTo = reply
		}
		back(err)
		return nil
	})
}

// keepDraft keeps what was typed.
func (m *Model) keepDraft() tea.Cmd {
	s := m.text.Value()
	if m.open == "" || m.editing != nil || s == m.draft {
		return nil
	}
	m.draft = s
	if c := m.chat(m.open); c != nil {
		c.Draft = s
	}
	return m.tell("setDraft", core.SetDraft{Chat: m.open, Text: s})
}

// keepDraftNow is keepDraft after the loop has ended.
func (m *Model) keepDraftNow() {
	if cmd := m.keepDraft(); cmd != nil {
		_ = cmd()
	}
}

// toPick chooses a message; by moves on from the newest.
func (m *Model) toPick(by int) tea.Cmd {
	if len(m.msgs) == 0 {
		return nil
	}
	m.text.Blur()
	m.focus = onPick
	m.pick = m.msgs[len(m.msgs)-1].ID
	return m.movePick(by)
}

func (m *Model) toText() tea.Cmd {
	m.pick, m.focus, m.scroll = "", onText, 0
	return m.text.Focus()
}

func (m *Model) movePick(by int) tea.Cmd {
	i := slices.IndexFunc(m.msgs, func(x core.Message) bool { return x.ID == m.pick })
	to := min(max(i+by, 0), len(m.msgs)-1)
	m.pick = m.msgs[to].ID
	if to == 0 {
		return m.older()
	}
	return nil
}

func (m *Model) keyPick(k tea.KeyPressMsg) tea.Cmd {
	x := m.picked()
	if x == nil {
		return m.toText()
	}
	msg := *x
	leap := max(m.bodyHeight()/3, 1)
	switch k.String() {
	case "up":
		return m.movePick(-1)
	case "down":
		if m.pick == m.msgs[len(m.msgs)-1].ID {
			return m.toText()
		}
		return m.movePick(1)
	case "pgup":
		return m.movePick(-leap)
	case "pgdown":
		return m.movePick(leap)
	case "home":
		return m.movePick(-len(m.msgs))
	case "end":
		return m.movePick(len(m.msgs))
	case "enter", "esc":
		return m.toText()
	case "?":
		m.dialog = helpPage(m)
		return nil
	}
	if msg.Kind == core.KindNotice {
		return nil
	}
	switch k.String() {
	case "r":
		if msg.Kind == core.KindDeleted {
			return nil
		}
		m.replyTo, m.editing = &msg, nil
		m.resize()
		return m.toText()
	case "e":
		if !msg.Own || msg.Kind != core.KindText {
			m.flash = "Only a text of your own can be changed."
			return nil
		}
		keep := m.keepDraft()
		m.editing, m.replyTo = &msg, nil
		m.text.SetValue(msg.Text)
		m.resize()
		return tea.Batch(keep, m.toText())
	case "d":
		if !msg.Own || msg.Kind == core.KindDeleted {
			m.flash = "Only messages of your own can be deleted."
			return nil
		}
		m.dialog = &confirm{title: "Delete this message for everyone?", yes: func() tea.Cmd {
			return m.tell("delete", core.Delete{Chat: msg.Chat, Message: msg.ID})
		}}
	case "+", "a":
		if msg.Kind != core.KindDeleted {
			m.dialog = reactPick(m, msg)
		}
	case "p":
		if msg.Kind != core.KindDeleted {
			return m.tell("pin", core.Pin{Chat: msg.Chat, Message: msg.ID, On: !msg.Pinned})
		}
	case "s":
		if len(msg.Files) == 0 {
			m.flash = "This message has no files."
			return nil
		}
		m.dialog = savePrompt(m, msg)
	case "x":
		var cmds []tea.Cmd
		for i, f := range msg.Files {
			if f.State == "loading" || f.State == "uploading" {
				cmds = append(cmds, m.tell("stop", core.Stop{Chat: msg.Chat, Message: msg.ID, File: i}))
			}
		}
		delete(m.saves, msg.ID)
		return tea.Batch(cmds...)
	case "t":
		if msg.State == core.StateFailed {
			return m.tell("retry", core.Retry{Chat: msg.Chat, Message: msg.ID})
		}
	}
	return nil
}
