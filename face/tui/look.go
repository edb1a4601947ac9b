package tui

import (
	"image/color"
	"strings"

	"charm.land/bubbles/v2/textarea"
	"charm.land/bubbles/v2/textinput"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"paperplane/face/cli"
)

// look is how things are drawn on a dark or light terminal.
type look struct {
	title, own, other, quiet, accent, bad, chosen lipgloss.Style
}

func newLook(dark bool) look {
	c := func(light, night string) color.Color {
		return lipgloss.LightDark(dark)(lipgloss.Color(light), lipgloss.Color(night))
	}
	s := lipgloss.NewStyle()
	return look{
		title:  s.Bold(true),
		own:    s.Bold(true).Foreground(c("#1a56b0", "#7ab4ff")),
		other:  s.Bold(true).Foreground(c("#8a3c00", "#ffb37a")),
		quiet:  s.Foreground(c("#5c5c5c", "#a0a0a0")),
		accent: s.Bold(true).Foreground(c("#00695c", "#5fd7c0")),
		bad:    s.Bold(true).Foreground(c("#b00020", "#ff8080")),
		chosen: s.Reverse(true),
	}
}

// newInput makes a one-line field.
func newInput(value string) textinput.Model {
	f := textinput.New()
	f.Prompt = "> "
	f.SetVirtualCursor(false)
	f.SetValue(value)
	f.CursorEnd()
	return f
}

// newComposer makes the field for messages: Enter sends, so a new line has other keys.
func newComposer() textarea.Model {
	t := textarea.New()
	t.Prompt = "> "
	t.ShowLineNumbers = false
	t.CharLimit = 0
	t.DynamicHeight, t.MaxHeight = true, composerMax
	t.SetVirtualCursor(false)
	t.KeyMap.InsertNewline.SetKeys("alt+enter", "ctrl+j", "shift+enter")
	t.SetHeight(1)
	return t
}

// composer takes the colours that would hide text on some terminals away.
func (l look) composer(t *textarea.Model) {
	st := t.Styles()
	plain := lipgloss.NewStyle()
	for _, s := range []*textarea.StyleState{&st.Focused, &st.Blurred} {
		s.Base, s.Text, s.CursorLine, s.EndOfBuffer, s.Prompt = plain, plain, plain, plain, l.quiet
	}
	t.SetStyles(st)
}

// line is somebody's text on one line of at most w cells, isolated.
func line(s string, w int) string {
	return cli.Isolate(ansi.Truncate(cli.Clean(s, false), max(w, 0), "…"))
}

// pad fills s up to w cells, or cuts it.
func pad(s string, w int) string {
	if n := ansi.StringWidth(s); n < w {
		return s + strings.Repeat(" ", w-n)
	}
	return ansi.Truncate(s, w, "")
}

// wrap breaks somebody's text into isolated lines of at most w cells.
func wrap(s string, w int) []string {
	w = max(w, 1)
	lines := strings.Split(ansi.Wrap(cli.Clean(s, true), w, ""), "\n")
	for i, l := range lines {
		lines[i] = cli.Isolate(l)
	}
	return lines
}

// own text of the program is wrapped without isolates.
func wrapOwn(s string, w int) []string {
	return strings.Split(ansi.Wrap(s, max(w, 1), ""), "\n")
}

// centre puts s into the middle of w cells.
func centre(s string, w int) string {
	n := ansi.StringWidth(s)
	if n >= w {
		return ansi.Truncate(s, w, "…")
	}
	return strings.Repeat(" ", (w-n)/2) + s
}
