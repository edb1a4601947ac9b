package core_test

import (
	"fmt"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// TestCarryToTwo shows that what was said in a chat reaches each of several devices that are let in
// one right after the other, while the history for the first is still on its way.
func TestCarryToTwo(t *testing.T) {
	w := New(t)
	ann, bob, one, two := w.Client("ann"), w.Client("bob"), w.Client("one"), w.Client("two")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	chat := Must[core.Joined](bob, core.Join{Link: Must[core.InviteLink](ann, core.Invite{}).Link, Name: "Bob"}).Chat
	w.Pass(time.Second)
	link(t, ann, one, "One")
	link(t, ann, two, "Two")
	w.Pass(time.Minute)
	for _, c := range []*Client{ann, one, two} {
		c.SetOffline(true)
	}
	g := Must[core.Joined](bob, core.NewGroup{Name: "Group", Members: []string{chat}}).Chat
	w.Pass(time.Minute)
	for n := range 9 {
		Must[core.Sent](bob, core.SendText{Chat: g, Text: fmt.Sprint(n)})
	}
	w.Pass(time.Minute)
	// The blobs of the first device's history take longer than the second's way in.
	ann.HoldObjects = true
	ann.SetOffline(false)
	w.Pass(30 * time.Second)
	ann.HoldObjects = false
	one.SetOffline(false)
	two.SetOffline(false)
	w.Pass(5 * time.Minute)
	sameTexts(t, g, ann, bob)
	sameTexts(t, g, ann, one)
	sameTexts(t, g, ann, two)
}

// TestCarryOn shows that a device whose own history is still on its way hands it on when it has come.
func TestCarryOn(t *testing.T) {
	w := New(t)
	ann, bob, one, two := w.Client("ann"), w.Client("bob"), w.Client("one"), w.Client("two")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	chat := Must[core.Joined](bob, core.Join{Link: Must[core.InviteLink](ann, core.Invite{}).Link, Name: "Bob"}).Chat
	for n := range 9 {
		Must[core.Sent](bob, core.SendText{Chat: chat, Text: fmt.Sprint(n)})
	}
	w.Pass(time.Second)
	one.HoldObjects = true
	link(t, ann, one, "One")
	w.Pass(time.Minute)
	ann.SetOffline(true)
	link(t, one, two, "Two")
	w.Pass(time.Minute)
	one.HoldObjects = false
	w.Pass(time.Minute)
	sameTexts(t, chat, bob, one)
	sameTexts(t, chat, bob, two)
}

// TestCarryAgain shows what a further device gets of a group that its person left and came back to:
// what was said since, and nothing from between.
func TestCarryAgain(t *testing.T) {
	w := New(t)
	ann, bob, one := w.Client("ann"), w.Client("bob"), w.Client("one")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	chat := Must[core.Joined](bob, core.Join{Link: Must[core.InviteLink](ann, core.Invite{}).Link, Name: "Bob"}).Chat
	w.Pass(time.Second)
	link(t, ann, one, "One")
	w.Pass(time.Minute)
	g := Must[core.Joined](bob, core.NewGroup{Name: "Group", Members: []string{chat}}).Chat
	w.Pass(time.Minute)
	say := func(text string) {
		for n := range 3 {
			Must[core.Sent](bob, core.SendText{Chat: g, Text: fmt.Sprint(text, n)})
		}
		w.Pass(time.Minute)
	}
	say("first")
	one.SetOffline(true)
	Must[core.Done](bob, core.RemoveMember{Chat: g, Person: ann.Person()})
	w.Pass(time.Minute)
	say("between")
	ann.SetOffline(true)
	Must[core.Done](bob, core.AddMembers{Chat: g, Members: []string{chat}})
	w.Pass(time.Minute)
	say("since")
	ann.SetOffline(false)
	w.Pass(time.Minute)
	one.SetOffline(false)
	w.Pass(time.Minute)
	say("now")
	sameTexts(t, g, ann, one)
	if got := len(one.Texts(g)); got < 9 {
		t.Errorf("%d lines, want 9 and more: %q", got, one.Texts(g))
	}
}
