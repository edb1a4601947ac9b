package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"paperplane/face/cli"
)

// dialog takes the place of the messages and gets all keys until it sets Model.dialog anew.
type dialog interface {
	update(m *Model, msg tea.Msg) tea.Cmd
	view(m *Model, w, h int) ([]string, *tea.Cursor)
	keys() string // what stands in the bottom line
}

// isKey says whether msg is one of the keys.
func isKey(msg tea.Msg, keys ...string) bool {
	k, ok := msg.(tea.KeyPressMsg)
	return ok && slices.Contains(keys, k.String())
}

// prompt asks for one line.
type prompt struct {
	title, hint string
	field       textinput.Model
	bad         string // why the last answer was not taken
	busy        bool
	must        bool // cannot be left
	// submit gets the answer; it closes the dialog or sets bad through refuse.
	submit func(p *prompt, answer string) tea.Cmd
}

func newPrompt(title, hint, value string, submit func(p *prompt, answer string) tea.Cmd) *prompt {
	p := &prompt{title: title, hint: hint, field: newInput(value), submit: submit}
	p.field.Focus()
	return p
}

func (p *prompt) keys() string {
	if p.must {
		return "Enter go on · Ctrl+C quit"
	}
	return "Enter go on · Esc back"
}

func (p *prompt) refuse(err error) {
	p.busy = false
	p.bad = words(err)
}

func (p *prompt) update(m *Model, msg tea.Msg) tea.Cmd {
	switch {
	case isKey(msg, "esc"):
		if !p.must {
			m.dialog = nil
		}
		return nil
	case isKey(msg, "enter"):
		if p.busy {
			return nil
		}
		p.bad, p.busy = "", true
		return p.submit(p, strings.TrimSpace(p.field.Value()))
	case p.busy:
		return nil
	}
	var cmd tea.Cmd
	p.field, cmd = p.field.Update(msg)
	return cmd
}

func (p *prompt) view(m *Model, w, h int) ([]string, *tea.Cursor) {
	rows := []string{"", m.look.title.Render(" " + p.title), ""}
	for _, l := range wrapOwn(p.hint, w-2) {
		rows = append(rows, " "+l)
	}
	rows = append(rows, "")
	p.field.SetWidth(max(w-5, 4))
	cursor := p.field.Cursor()
	if cursor != nil {
		cursor.X++
		cursor.Y = len(rows)
	}
	rows = append(rows, " "+p.field.View(), "")
	switch {
	case p.bad != "":
		for _, l := range wrapOwn(p.bad, w-2) {
			rows = append(rows, m.look.bad.Render(" "+l))
		}
	case p.busy:
		rows = append(rows, m.look.quiet.Render(" One moment…"))
	}
	return rows, cursor
}

// confirm asks before something that cannot be taken back.
type confirm struct {
	title string
	yes   func() tea.Cmd
}

func (c *confirm) keys() string { return "y yes · n no" }

func (c *confirm) update(m *Model, msg tea.Msg) tea.Cmd {
	switch {
	case isKey(msg, "y", "Y"):
		m.dialog = nil
		return c.yes()
	case isKey(msg, "n", "N", "esc", "enter"):
		m.dialog = nil
	}
	return nil
}

func (c *confirm) view(m *Model, w, h int) ([]string, *tea.Cursor) {
	rows := []string{""}
	for _, l := range wrapOwn(c.title, w-2) {
		rows = append(rows, m.look.title.Render(" "+l))
	}
	return append(rows, "", " y yes · n no"), nil
}

// choice is one line of a chooser.
type choice struct {
	id, label, note string
	on              bool
}

// chooser lets the person choose one or, with many, several lines. Further keys act on the line.
type chooser struct {
	title, hint string
	list        []choice
	many        bool
	at          int
	submit      func(chosen []choice) tea.Cmd
	acts        map[string]func(at choice) tea.Cmd
}

func (c *chooser) keys() string { return "Up, Down choose · Esc back" }

func (c *chooser) update(m *Model, msg tea.Msg) tea.Cmd {
	switch {
	case isKey(msg, "esc"):
		m.dialog = nil
	case isKey(msg, "up"):
		c.at = max(c.at-1, 0)
	case isKey(msg, "down"):
		c.at = min(c.at+1, max(len(c.list)-1, 0))
	case isKey(msg, "home"):
		c.at = 0
	case isKey(msg, "end"):
		c.at = max(len(c.list)-1, 0)
	case isKey(msg, "space") && c.many:
		if len(c.list) > 0 {
			c.list[c.at].on = !c.list[c.at].on
		}
	case isKey(msg, "enter") && c.submit != nil:
		var chosen []choice
		for i, x := range c.list {
			if x.on || !c.many && i == c.at {
				chosen = append(chosen, x)
			}
		}
		m.dialog = nil
		return c.submit(chosen)
	default:
		if k, ok := msg.(tea.KeyPressMsg); ok && c.acts[k.String()] != nil {
			var at choice
			if len(c.list) > 0 {
				at = c.list[c.at]
			}
			return c.acts[k.String()](at)
		}
	}
	return nil
}

func (c *chooser) view(m *Model, w, h int) ([]string, *tea.Cursor) {
	rows := []string{"", m.look.title.Render(" " + line(c.title, w-2)), ""}
	for _, l := range wrapOwn(c.hint, w-2) {
		rows = append(rows, m.look.quiet.Render(" "+l))
	}
	rows = append(rows, "")
	room := max(h-len(rows), 1)
	first := min(max(c.at-room/2, 0), max(len(c.list)-room, 0))
	for i := first; i < min(first+room, len(c.list)); i++ {
		x := c.list[i]
		s := "   "
		if i == c.at {
			s = " > "
		}
		if c.many && x.on {
			s += "[x] "
		} else if c.many {
			s += "[ ] "
		}
		s += line(x.label, w-len(s)-len(x.note)-2)
		if x.note != "" {
			s += "  " + x.note
		}
		if i == c.at {
			s = m.look.chosen.Render(s)
		}
		rows = append(rows, s)
	}
	return rows, nil
}

// sheet shows lines to read.
type sheet struct {
	title string
	body  func(w int) []string
	top   int
	wide  bool // over the list too: what it shows is copied with the mouse, or needs the room
}

func (s *sheet) keys() string { return "Up, Down scroll · Esc back" }

func (s *sheet) update(m *Model, msg tea.Msg) tea.Cmd {
	switch {
	case isKey(msg, "esc", "enter", "q", "?", "f1"):
		m.dialog = nil
	case isKey(msg, "up"):
		s.top = max(s.top-1, 0)
	case isKey(msg, "down"):
		s.top++
	case isKey(msg, "pgup"):
		s.top = max(s.top-m.height/2, 0)
	case isKey(msg, "pgdown", "space"):
		s.top += m.height / 2
	}
	return nil
}

func (s *sheet) view(m *Model, w, h int) ([]string, *tea.Cursor) {
	rows := []string{m.look.title.Render(" " + s.title), ""}
	body := s.body(w)
	s.top = min(s.top, max(len(body)-(h-len(rows)), 0))
	return append(rows, body[s.top:]...), nil
}

// helpPage lists the keys.
func helpPage(m *Model) dialog {
	return &sheet{title: "Keys", body: func(w int) (rows []string) {
		for _, k := range keyHelp {
			if k.where != "" {
				if len(rows) > 0 {
					rows = append(rows, "")
				}
				rows = append(rows, m.look.accent.Render(" "+k.where))
			}
			lines := wrapOwn(k.does, w-26)
			rows = append(rows, " "+pad(k.key, 23)+" "+lines[0])
			for _, l := range lines[1:] {
				rows = append(rows, strings.Repeat(" ", 25)+l)
			}
		}
		return rows
	}}
}

// qrRows draws a code with half blocks. Its quiet zone is part of it, and its colours are set:
// some cameras do not read light on dark.
func qrRows(text string) []string {
	var b strings.Builder
	if cli.WriteQR(&b, text) != nil {
		return nil
	}
	rows := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	for i, r := range rows {
		rows[i] = lipgloss.NewStyle().Foreground(lipgloss.Color("#ffffff")).Background(lipgloss.Color("#000000")).Render(r)
	}
	return rows
}
