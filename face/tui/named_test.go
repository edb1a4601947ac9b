package tui

import (
	"fmt"
	"strings"
	"testing"

	"paperplane/core"
)

// club opens a group with 200 messages, of which the 10th and 190th name Ann, and two pins.
func club(t *testing.T, h int) *driver {
	t.Helper()
	st := people()
	st.Chats = []core.Chat{{ID: "c-club", Kind: core.ChatGroup, Name: "Club", State: "open", Members: 6, Admin: true, Role: core.RoleOwner,
		Unread: 3, Mentions: 1, At: ms(0), Pins: []string{"n20", "gone"}}}
	d := start(t, 90, h, st)
	for i := range 200 {
		x := core.Message{ID: fmt.Sprintf("n%d", i+1), Chat: "c-club", Index: uint64(i + 1), At: ms(0), FromName: "Bob", Kind: core.KindText,
			Text: fmt.Sprintf("line %d", i+1), State: core.StateReceived}
		if i+1 == 10 || i+1 == 190 {
			x.Text = fmt.Sprintf("@Ann look, @سارا: %d", i+1)
			x.Mentions = []core.Mention{{Start: 0, Length: 4, Person: "p-ann"}, {Start: 11, Length: 5, Person: "p-sara"}}
		}
		if i+1 == 20 {
			x.Text, x.Pinned = "the rules", true
		}
		d.core.pages["c-club"] = append(d.core.pages["c-club"], x)
	}
	d.core.members = []core.Member{{Person: "p-ann", Name: "Ann", Own: true}, {Person: "p-anna", Name: "Anna"}, {Person: "p-anton", Name: "Anton"},
		{Person: "p-hannes", Name: "Hannes"}, {Person: "p-sara", Name: "سارا"}, {Person: "p-lee", Name: "Bo Lee"}}
	return d
}

// TestPins shows what is pinned: the line, the list, the way to a message far above, pinning and unpinning.
func TestPins(t *testing.T) {
	d := club(t, 24)
	d.keys("enter")
	d.shows("Pinned: \u2068Bob: the rules\u2069 (and 1 more)  F2", true)
	d.give(named["f2"])
	d.shows("Pinned messages", true)
	d.shows("(not on this device)", true)
	d.keys("enter")
	if d.m.pick != "n20" {
		t.Fatalf("chosen %q, want n20, two pages above", d.m.pick)
	}
	d.shows("12:00 pinned", true)
	d.core.calls = nil
	d.keys("p")
	d.asked(`pin {"chat":"c-club","message":"n20","on":false}`)
	d.keys("up", "p")
	d.asked(`pin {"chat":"c-club","message":"n19","on":true}`)
	d.keys("esc")
	d.give(named["f2"])
	d.keys("down", "p")
	d.asked(`pin {"chat":"c-club","message":"gone","on":false}`)
	d.give(named["f2"])
	d.keys("down", "enter")
	d.shows("This message is not on this device.", true)
	// A window of few lines keeps them for messages.
	small := club(t, 8)
	small.keys("enter")
	small.shows("Pinned:", false)
	// Taken off elsewhere.
	c := *d.m.chat("c-club")
	c.Pins = nil
	d.event(core.ChatChanged{Chat: c})
	d.shows("Pinned:", false)
	d.give(named["f2"])
	d.shows("Nothing is pinned here", true)
}

// TestNamed shows who is named: in the list, at the message, in its text; and F3 goes from one to the one before.
func TestNamed(t *testing.T) {
	d := club(t, 30)
	d.shows(" @ (3)", true)
	d.keys("enter")
	d.shows("12:00 names you", true)
	if raw := d.m.View().Content; !strings.Contains(raw, d.m.look.accent.Render("@سارا")) {
		t.Errorf("another's name does not stand out:\n%q", raw)
	}
	for _, want := range []string{"n190", "n10", "n10"} {
		d.give(named["f3"])
		if d.m.pick != want {
			t.Errorf("F3 chose %q, want %q", d.m.pick, want)
		}
	}
	d.shows("No message above names you.", true)
}

// TestLookBack shows that a search stops after a bounded number of pages, says so, and goes on when asked again.
func TestLookBack(t *testing.T) {
	d := club(t, 24)
	var all []core.Message
	for i := range lookBack*pageSize + pageSize + 1 {
		all = append(all, core.Message{ID: fmt.Sprintf("z%d", i+1), Chat: "c-club", Index: uint64(i + 1), At: ms(0), FromName: "Bob", Kind: core.KindText, Text: "x", State: core.StateReceived})
	}
	all[0].Mentions = []core.Mention{{Start: 0, Length: 1, Person: "p-ann"}}
	d.core.pages["c-club"] = all
	d.keys("enter")
	d.give(named["f3"])
	d.shows(fmt.Sprintf("None in the newest %d messages.", (lookBack+1)*pageSize), true)
	d.give(named["f3"])
	if d.m.pick != "z1" {
		t.Errorf("chosen %q, want the first message", d.m.pick)
	}
}

// TestNameWhole shows the completion of names, and that a sent text carries whom it names.
func TestNameWhole(t *testing.T) {
	for _, c := range []struct{ typed, want, says string }{
		{"hi @han", "hi @Hannes ", ""},
		{"hi @an", "hi @an", "Anna · Anton"},
		{"@ant", "@Anton ", ""},
		{"@Ann", "@Anna ", ""},
		{"@lee", "@Bo Lee ", ""},
		{"@سا", "@سارا ", ""},
		{"@x", "@x", "Nobody of that name is in this group."},
	} {
		d := club(t, 24)
		d.keys("enter", c.typed, "tab")
		if got := d.m.text.Value(); got != c.want {
			t.Errorf("%q: got %q, want %q", c.typed, got, c.want)
		}
		d.shows(c.says, true)
	}
	d := club(t, 24)
	d.keys("enter", "me@an", "tab")
	if d.m.focus != onList {
		t.Error("Tab behind an address did not go to the list")
	}
	d.keys("tab", "backspace", "backspace", "backspace", "backspace", "backspace", "@Anna see")
	d.core.calls = nil
	d.keys("enter")
	d.asked(`sendText {"chat":"c-club","text":"@Anna see","mentions":[{"start":0,"length":5,"person":"p-anna"}]}`)
}
