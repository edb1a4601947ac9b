package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"paperplane/core"
	"paperplane/face/cli"
)

// listWidth is the width of the chat list beside the messages.
func (m *Model) listWidth() int { return min(max(m.width/3, 22), 36) }

func (m *Model) twoPanes() bool { return m.width >= PanesMin }

// bodyWidth is the width of the message pane.
func (m *Model) bodyWidth() int {
	if m.twoPanes() {
		return m.width - m.listWidth() - 1
	}
	return m.width
}

// bodyHeight is how many lines of messages are seen: all but header, composer, what it is about,
// and the bottom line.
func (m *Model) bodyHeight() int {
	return max(m.height-3-m.text.Height()-m.aboutLines()-m.pinLines(), 1)
}

func (m *Model) pinLines() int {
	if c := m.chat(m.open); c != nil && len(c.Pins) > 0 && m.height > 8 {
		return 1
	}
	return 0
}

func (m *Model) aboutLines() int {
	if m.replyTo != nil || m.editing != nil {
		return 1
	}
	return 0
}

// resize fits the fields to the window; the composer follows its text by itself.
func (m *Model) resize() {
	m.text.MaxHeight = min(composerMax, max(m.height-6, 1))
	m.text.SetWidth(max(m.bodyWidth(), 4))
	m.search.SetWidth(max(m.listWidth()-4, 4))
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	rows, cursor := m.rows()
	for i, r := range rows {
		rows[i] = ansi.Truncate(r, m.width, "")
	}
	v := tea.NewView(strings.Join(rows[:min(len(rows), m.height)], "\n"))
	v.AltScreen, v.ReportFocus, v.Cursor = true, true, cursor
	v.WindowTitle = "Paperplane"
	if n := m.unread(); n > 0 {
		v.WindowTitle = fmt.Sprintf("Paperplane (%d)", n)
	}
	return v
}

func (m *Model) unread() (n int) {
	for _, c := range m.st.Chats {
		n += c.Unread
	}
	return n
}

// rows draws the whole screen, the bottom line last.
func (m *Model) rows() ([]string, *tea.Cursor) {
	h := m.height - 1
	if !m.ready {
		return append(blank(h), m.bottom()), nil
	}
	s, _ := m.dialog.(*sheet)
	if m.dialog != nil && (m.st.Account == nil || s != nil && s.wide) {
		rows, cursor := m.dialog.view(m, m.width, h)
		return append(fill(rows, h), m.bottom()), cursor
	}
	var list, right []string
	var listCursor, cursor *tea.Cursor
	inList := m.focus == onList || m.focus == onSearch
	if m.twoPanes() || inList && m.dialog == nil {
		w := m.width
		if m.twoPanes() {
			w = m.listWidth()
		}
		list, listCursor = m.list(w, h)
	}
	if m.twoPanes() || !inList || m.dialog != nil {
		if m.dialog != nil {
			right, cursor = m.dialog.view(m, m.bodyWidth(), h)
		} else {
			right, cursor = m.conversation(m.bodyWidth(), h)
		}
	}
	if !m.twoPanes() {
		if right == nil {
			return append(fill(list, h), m.bottom()), listCursor
		}
		return append(fill(right, h), m.bottom()), cursor
	}
	list, right = fill(list, h), fill(right, h)
	rows := make([]string, h)
	for i := range h {
		rows[i] = pad(list[i], m.listWidth()) + m.look.quiet.Render("│") + right[i]
	}
	if cursor != nil {
		cursor.X += m.listWidth() + 1
	} else {
		cursor = listCursor
	}
	return append(rows, m.bottom()), cursor
}

func blank(n int) []string { return make([]string, max(n, 0)) }

// fill makes rows exactly n long.
func fill(rows []string, n int) []string {
	n = max(n, 0)
	if len(rows) >= n {
		return rows[:n]
	}
	return append(rows, blank(n-len(rows))...)
}

// bottom is the line for what the person must know, else for the keys.
func (m *Model) bottom() string {
	switch {
	case m.flash != "":
		return m.look.bad.Render(ansi.Truncate(m.flash, m.width, "…"))
	case !m.ready:
		return "Opening…"
	case m.st.Notice != "":
		return m.look.bad.Render(ansi.Truncate(noticeWords(m.st.Notice), m.width, "…"))
	case m.st.Account != nil && !m.st.Online:
		return m.look.bad.Render(ansi.Truncate("Offline. You can go on writing; it leaves when the server is back.", m.width, "…"))
	case m.dialog != nil:
		return m.look.quiet.Render(ansi.Truncate(m.dialog.keys(), m.width, "…"))
	}
	keys := "F1 help · Tab messages · Enter open · / search · Ctrl+T invite"
	switch m.focus {
	case onSearch:
		keys = "Enter open · Esc back"
	case onText:
		keys = "F1 help · Tab conversations · Enter send · Up choose a message"
		if _, ok := m.typedName(); ok {
			keys = "Tab whole name · Enter send"
		}
	case onPick:
		keys = "r reply · + react · p pin · e change · d delete · s save files · Esc back"
	}
	return m.look.quiet.Render(ansi.Truncate(keys, m.width, "…"))
}

func noticeWords(kind string) string {
	switch kind {
	case "clock":
		return "The clock of this machine is wrong. Please set it."
	case "server-key":
		return cli.Say(core.ErrServerKey)
	case "disk-full":
		return cli.Say(core.ErrDiskFull)
	case "signed-out":
		return cli.SignedOut
	case "replaced":
		return cli.Replaced
	case "volatile":
		return "Nothing is kept after you quit: there is no place to store it."
	}
	return "Something needs your attention: " + cli.Clean(kind, false)
}

// list draws the chat list.
func (m *Model) list(w, h int) ([]string, *tea.Cursor) {
	head := m.look.title.Render("Paperplane")
	var cursor *tea.Cursor
	if m.focus == onSearch {
		head = m.search.View()
		cursor = m.search.Cursor()
	}
	rows := []string{head}
	chats := m.found()
	at := 0
	for i, c := range chats {
		if c.ID == m.at {
			at = i
		}
	}
	room := max(h-1, 1)
	away := 0
	if strings.TrimSpace(m.search.Value()) == "" {
		if away = len(m.st.Chats) - len(chats); away > 0 {
			room = max(room-1, 1)
		}
	}
	first := min(max(at-room/2, 0), max(len(chats)-room, 0))
	for _, c := range chats[first:min(first+room, len(chats))] {
		rows = append(rows, m.listLine(c, w))
	}
	if away > 0 {
		rows = append(rows, m.look.quiet.Render(line(fmt.Sprintf("  %d archived, found by name", away), w)))
	}
	switch {
	case len(chats) == 0 && m.focus == onSearch:
		rows = append(rows, m.look.quiet.Render("Nothing found."))
	case len(m.st.Chats) <= 1:
		rows = append(rows, "")
		for _, l := range wrapOwn("Invite somebody: press Ctrl+T and send them the link.", w-2) {
			rows = append(rows, m.look.quiet.Render(" "+l))
		}
	}
	return rows, cursor
}

func (m *Model) listLine(c core.Chat, w int) string {
	mark := "  "
	if c.ID == m.at {
		mark = "> "
	} else if c.ID == m.open {
		mark = "· "
	}
	tail := ""
	switch {
	case c.Mentions > 0:
		tail = fmt.Sprintf(" @ (%d)", c.Unread)
	case c.Unread > 0:
		tail = fmt.Sprintf(" (%d)", c.Unread)
	case c.Marked:
		tail = " (•)"
	case c.Draft != "" && c.ID != m.open:
		tail = " draft"
	case c.State == "waiting":
		tail = " …"
	case c.State == "left":
		tail = " left"
	case c.State == "healing" && c.Refused == "":
		tail = " …"
	case c.State == "refused" || c.State == "broken" || c.State == "healing":
		tail = " !"
	}
	name := line(cli.ChatName(c), w-len(mark)-ansi.StringWidth(tail))
	name = pad(name, w-len(mark)-ansi.StringWidth(tail))
	s := mark + name
	if c.Unread > 0 {
		s += m.look.accent.Render(tail)
	} else {
		s += m.look.quiet.Render(tail)
	}
	if c.ID == m.at && (m.focus == onList || m.focus == onSearch) {
		return m.look.chosen.Render(ansi.Strip(s))
	}
	return s
}

// conversation draws header, messages, typing line and composer.
func (m *Model) conversation(w, h int) ([]string, *tea.Cursor) {
	c := m.chat(m.open)
	if c == nil {
		hint := "Choose a conversation and press Enter."
		if len(m.st.Chats) <= 1 {
			hint = "Press Ctrl+T to invite somebody, Ctrl+L to open a link."
		}
		return append(blank(h/2), m.look.quiet.Render(centre(hint, w))), nil
	}
	rows := []string{m.head(*c, w)}
	if m.pinLines() > 0 {
		rows = append(rows, m.pinLine(w))
	}
	rows = append(rows, m.body(w, m.bodyHeight())...)
	rows = append(rows, m.typingLine(w))
	switch {
	case m.replyTo != nil:
		rows = append(rows, m.look.accent.Render("Reply to ")+line(m.replyTo.FromName+": "+summary(*m.replyTo), w-9))
	case m.editing != nil:
		rows = append(rows, m.look.accent.Render("Change your message")+m.look.quiet.Render(" (Esc gives up)"))
	}
	var cursor *tea.Cursor
	if m.focus == onText {
		if cursor = m.text.Cursor(); cursor != nil {
			cursor.Y += len(rows)
		}
	}
	return append(rows, strings.Split(m.text.View(), "\n")...), cursor
}

func (m *Model) head(c core.Chat, w int) string {
	note := cli.ChatNote(c)
	if note == "" && c.Kind == core.ChatGroup {
		note = groupNote(c)
	}
	name := line(cli.ChatName(c), w)
	if note == "" {
		return m.look.title.Render(name)
	}
	return ansi.Truncate(m.look.title.Render(name)+m.look.quiet.Render("  "+note), w, "…")
}

// groupNote says how large a group is and what one has to know before one writes there.
func groupNote(c core.Chat) string {
	note := fmt.Sprintf("%d people", c.Members)
	if c.Role == core.RoleOwner || c.Role == core.RoleAdmin {
		note += ", you are " + string(c.Role)
	}
	switch {
	case c.Admin && c.Knocks > 0:
		note += fmt.Sprintf("; %d waiting to be let in", c.Knocks)
	case c.Rules == nil || c.Admin:
	case c.Rules.Quiet:
		note += "; only admins write"
	case c.PostAt > time.Now().UnixMilli():
		note += "; you can write again from " + time.UnixMilli(c.PostAt).Format("15:04:05") + " on"
	case c.Rules.Slow > 0:
		note += fmt.Sprintf("; slow mode, %d s", c.Rules.Slow)
	}
	return note
}

func (m *Model) typingLine(w int) string {
	who := m.typing[m.open]
	switch len(who) {
	case 0:
		return m.look.quiet.Render(strings.Repeat("─", max(w, 0)))
	case 1:
		return m.look.quiet.Render(line(who[0], w-13) + " is typing…")
	}
	return m.look.quiet.Render(line(strings.Join(who, ", "), w-14) + " are typing…")
}

// day puts a date into words.
func (m *Model) day(t time.Time) string {
	now := m.opts.Now().In(m.opts.Zone)
	switch {
	case sameDay(t, now):
		return "Today"
	case sameDay(t, now.AddDate(0, 0, -1)):
		return "Yesterday"
	case t.Year() == now.Year():
		return t.Format("Monday, 2 January")
	}
	return t.Format("2 January 2006")
}

func sameDay(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}
