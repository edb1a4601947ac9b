package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// trioLinked makes Ann's group with Bob and Cid, who came by its link.
func trioLinked(t testing.TB) (w *coretest.World, ann, bob, cid *coretest.Client, g string) {
	t.Helper()
	w, ann, g, link := linked(t, core.GroupInvite{})
	bob, cid = w.Client("Bob"), w.Client("Cid")
	coretest.Must[core.Joined](bob, core.Join{Link: link, Name: "Bob"})
	coretest.Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"})
	w.Pass(3 * time.Minute)
	return w, ann, bob, cid, g
}

// healthy fails the test unless all clients have open chats and nothing waits.
func healthy(t testing.TB, w *coretest.World, clients ...*coretest.Client) {
	t.Helper()
	for _, c := range clients {
		for _, x := range c.State().Chats {
			if x.State != "open" {
				t.Errorf("%s: chat %q is %s", c.Name, x.Name, x.State)
			}
		}
	}
}

// has fails the test unless c reads all of want, each once.
func has(t testing.TB, c *coretest.Client, g string, want ...string) {
	t.Helper()
	n := map[string]int{}
	for _, x := range c.Texts(g) {
		n[x]++
	}
	for _, x := range want {
		if n[x] != 1 {
			t.Errorf("%s has %q %d times, want once: %q", c.Name, x, n[x], c.Texts(g))
		}
	}
}

// TestRejoinOldCopy restores an old copy of a member's vault after it has written more: it sees so
// by its own messages, comes back by itself and what it writes meanwhile is not lost.
func TestRejoinOldCopy(t *testing.T) {
	w, ann, bob, cid, g := trioLinked(t)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "before"})
	old := bob.Vault.Clone()
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "forgotten"})
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "heard"})
	w.Run()
	bob.Restore(old)
	bob.Do(core.SendText{Chat: g, Text: "from the old copy"})
	w.Pass(2 * time.Minute)
	healthy(t, w, ann, bob, cid)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "all well"})
	for _, c := range []*coretest.Client{ann, cid} {
		has(t, c, g, "Bob: before", "Bob: forgotten", "Cid: heard", "Bob: from the old copy", "Bob: all well")
	}
	has(t, bob, g, "Bob: before", "Cid: heard", "Bob: from the old copy", "Bob: all well", "* Bob healed")
}

// TestRejoinOldCopyTwo is the same in a conversation of two, through the other's contact door, while
// the other is away at first.
func TestRejoinOldCopyTwo(t *testing.T) {
	w, ann, bob := pair(t)
	w.Pass(time.Minute)
	g := ann.Chat("Bob").ID
	old := bob.Vault.Clone()
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "forgotten"})
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "heard"})
	ann.SetOffline(true)
	bob.Restore(old)
	bob.Do(core.SendText{Chat: g, Text: "from the old copy"})
	w.Pass(time.Minute)
	if got := bob.Chat("Ann").State; got != "healing" {
		t.Errorf("nobody there: got %s, want healing", got)
	}
	ann.SetOffline(false)
	w.Pass(2 * time.Minute)
	healthy(t, w, ann, bob)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "all well"})
	has(t, ann, g, "Bob: forgotten", "Ann: heard", "Bob: from the old copy", "Bob: all well")
	has(t, bob, g, "Ann: heard", "Bob: from the old copy", "Bob: all well")
}

// TestRejoinGap lets a member be away for so long that commits and messages have expired.
func TestRejoinGap(t *testing.T) {
	w, ann, bob, cid, g := trioLinked(t)
	bob.SetOffline(true)
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "expired"})
	coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Name: "Journey"})
	w.Run()
	w.Leap(40 * 24 * time.Hour)
	w.Pass(time.Minute)
	l := w.Server.Log(g)
	l.Expire(l.Head())
	bob.SetOffline(false)
	bob.Do(core.SendText{Chat: g, Text: "back"})
	w.Pass(3 * time.Minute)
	healthy(t, w, ann, bob, cid)
	if got := bob.Chat("Journey"); got.Members != 3 {
		t.Errorf("Bob's chat: %+v", got)
	}
	for _, c := range []*coretest.Client{ann, cid} {
		has(t, c, g, "Cid: expired", "Bob: back")
	}
	has(t, bob, g, "Bob: back", "* Bob healed")
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "hello Bob"})
	has(t, bob, g, "Ann: hello Bob")
}

// TestRejoinGapTwo is the same between two, both of whom were away.
func TestRejoinGapTwo(t *testing.T) {
	w, ann, bob := pair(t)
	w.Pass(time.Minute)
	g := ann.Chat("Bob").ID
	bob.SetOffline(true)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "expired"})
	ann.SetOffline(true)
	w.Leap(40 * 24 * time.Hour)
	l := w.Server.Log(g)
	l.Expire(l.Head())
	bob.SetOffline(false)
	bob.Do(core.SendText{Chat: g, Text: "back"})
	w.Pass(time.Minute)
	ann.SetOffline(false)
	w.Pass(3 * time.Minute)
	healthy(t, w, ann, bob)
	has(t, ann, g, "Ann: expired", "Bob: back")
	has(t, bob, g, "Bob: back")
}

// TestRejoinSaved restores an old copy where nobody else is in the conversation.
func TestRejoinSaved(t *testing.T) {
	w := coretest.New(t)
	ann := w.Client("Ann")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	g := ann.Chat("saved").ID
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "one"})
	old := ann.Vault.Clone()
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "two"})
	ann.Restore(old)
	w.Pass(time.Minute)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "three"})
	w.Pass(time.Minute)
	healthy(t, w, ann)
	has(t, ann, g, "Ann: one", "Ann: three")
}

// TestHint sets an admin back behind an add whose invitation never left: the one who was added
// learns of it when the admin has come back, and is in.
func TestHint(t *testing.T) {
	w, ann, bob := pair(t)
	link := coretest.Must[core.InviteLink](ann, core.Invite{}).Link
	cid := w.Client("Cid")
	coretest.Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"})
	w.Pass(time.Minute)
	g := coretest.Must[core.Joined](ann, core.NewGroup{Name: "Trip", Members: []string{ann.Chat("Bob").ID}}).Chat
	w.Pass(2 * time.Minute)
	old := ann.Vault.Clone()
	ann.Do(core.AddMembers{Chat: g, Members: []string{ann.Chat("Cid").ID}})
	for range 400 { // until the commit has its place, and no longer
		if bob.Chat("Trip").Members == 3 {
			break
		}
		for _, c := range w.Clients {
			w.Turn(c)
		}
	}
	ann.Restore(old)
	w.Pass(10 * time.Minute)
	healthy(t, w, ann, bob, cid)
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "in"})
	for _, c := range w.Clients {
		if got := c.Chat("Trip").Members; got != 3 {
			t.Errorf("%s sees %d members, want 3", c.Name, got)
		}
		has(t, c, g, "Cid: in")
	}
}
