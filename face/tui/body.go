package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"paperplane/core"
	"paperplane/face/cli"
)

// at is a message's time on this machine's clock.
func (m *Model) when(x core.Message) time.Time { return time.UnixMilli(x.At).In(m.opts.Zone) }

// blockOf draws the message at index i with the lines that stand above it.
func (m *Model) blockOf(i, w int) []string {
	x := m.msgs[i]
	var rows []string
	if i == 0 || !sameDay(m.when(x), m.when(m.msgs[i-1])) {
		rows = append(rows, m.look.quiet.Render(centre("── "+m.day(m.when(x))+" ──", w)))
	}
	if x.ID == m.newFrom {
		rows = append(rows, m.look.accent.Render(centre("── new ──", w)))
	}
	gutter := "  "
	if x.ID == m.pick {
		gutter = m.look.accent.Render("▌ ")
	}
	for _, l := range m.message(x, w-2) {
		rows = append(rows, gutter+l)
	}
	return rows
}

// message draws one message.
func (m *Model) message(x core.Message, w int) []string {
	if x.Kind == core.KindNotice && x.Notice != nil {
		var rows []string
		for _, l := range wrap(cli.NoticeText(*x.Notice), w) {
			rows = append(rows, m.look.quiet.Render(l))
		}
		return rows
	}
	stamp := m.when(x).Format("15:04")
	if x.Edited {
		stamp += " changed"
	}
	if x.Pinned {
		stamp += " pinned"
	}
	name := m.look.own.Render("You")
	if !x.Own {
		name = m.look.other.Render(line(nameOr(x.FromName), w-8))
	} else {
		stamp += " " + mark(x.State)
	}
	head := name + "  "
	if x.State == core.StateFailed {
		head += m.look.bad.Render(stamp)
	} else {
		head += m.look.quiet.Render(stamp)
	}
	if m.namesMe(x) {
		head += m.look.accent.Render(" names you")
	}
	rows := []string{head}
	if q := x.ReplyTo; q != nil {
		rows = append(rows, m.look.quiet.Render("│ "+line(nameOr(q.FromName)+": "+strings.ReplaceAll(q.Text, "\n", " "), w-2)))
	}
	if x.Kind == core.KindDeleted {
		return append(rows, m.look.quiet.Render("deleted"))
	}
	if x.Forwarded != "" {
		rows = append(rows, m.look.quiet.Render(line("forwarded from "+x.Forwarded, w)))
	}
	if x.Text != "" {
		rows = append(rows, m.named(x, wrap(x.Text, w))...)
	}
	if x.Poll != nil {
		for _, s := range cli.PollText(x.Poll) {
			rows = append(rows, line(s, w))
		}
	}
	for _, f := range x.Files {
		rows = append(rows, m.file(f, w))
	}
	if len(x.Reactions) > 0 {
		var parts []string
		for _, r := range x.Reactions {
			s := cli.Isolate(cli.Clean(r.Emoji, false)) + fmt.Sprintf(" %d", len(r.By))
			if r.Own {
				s += " (you)"
			}
			parts = append(parts, s)
		}
		rows = append(rows, m.look.quiet.Render(ansi.Truncate(strings.Join(parts, "  "), w, "…")))
	}
	return rows
}

func nameOr(name string) string {
	if name == "" {
		return "(name not known yet)"
	}
	return name
}

// mark shows how far an own message has got, in signs that need no colour.
func mark(s core.MessageState) string {
	switch s {
	case core.StateScheduled:
		return "waits for this time"
	case core.StateQueued:
		return "waiting"
	case core.StateSent:
		return "✓"
	case core.StateDelivered:
		return "✓✓"
	case core.StateRead:
		return "✓✓ read"
	case core.StateFailed:
		return "not sent; choose it: t tries again, d drops it"
	}
	return ""
}

// file draws one attachment.
func (m *Model) file(f core.Attachment, w int) string {
	state := ""
	switch f.State {
	case "loading", "uploading":
		state = "  " + f.State
		if f.Size > 0 {
			state += fmt.Sprintf(" %d %%", min(100*f.Done/f.Size, 100))
		}
	case "failed":
		state = "  could not be loaded"
	case "local":
		state = "  here"
	}
	tail := "  " + size(f.Size) + state
	if f.Voice || f.Sticker != "" {
		return line("["+cli.FileText(f)+"]", w-ansi.StringWidth(state)) + m.look.quiet.Render(state)
	}
	return "[file] " + line(f.Name, w-7-ansi.StringWidth(tail)) + m.look.quiet.Render(tail)
}

// size is a number of bytes in words.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// summary is a message in one line.
func summary(x core.Message) string {
	switch {
	case x.Text != "":
		return strings.ReplaceAll(x.Text, "\n", " ")
	case len(x.Files) > 0:
		return cli.FileText(x.Files[0])
	}
	return "…"
}

// body draws h lines of messages: from the newest back until the window is full.
func (m *Model) body(w, h int) []string {
	var rows []string // from below
	for i := len(m.msgs) - 1; i >= 0 && len(rows) < m.scroll+h; i-- {
		b := m.blockOf(i, w)
		slices.Reverse(b)
		rows = append(rows, b...)
	}
	rows = rows[min(m.scroll, len(rows)):]
	rows = rows[:min(h, len(rows))]
	slices.Reverse(rows)
	if len(rows) < h { // the newest message stands above the composer
		rows = append(blank(h-len(rows)), rows...)
	}
	return rows
}

// follow scrolls so that the chosen message is seen; without one the newest is.
func (m *Model) follow() {
	if m.pick == "" {
		m.scroll = 0
		return
	}
	w, h := m.bodyWidth(), m.bodyHeight()
	low := 0 // lines below the chosen message
	for i := len(m.msgs) - 1; i >= 0; i-- {
		n := len(m.blockOf(i, w))
		if m.msgs[i].ID != m.pick {
			low += n
			continue
		}
		if low < m.scroll {
			m.scroll = low
		}
		if low+n > m.scroll+h {
			m.scroll = low + n - h
		}
		return
	}
}
