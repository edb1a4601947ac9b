package core_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// linked makes Ann with an account and a group of hers, and a link into it.
func linked(t testing.TB, x core.GroupInvite) (w *coretest.World, ann *coretest.Client, g, link string) {
	t.Helper()
	w = coretest.New(t)
	ann = w.Client("Ann")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	g = coretest.Must[core.Joined](ann, core.NewGroup{Name: "Trip"}).Chat
	x.Chat = g
	return w, ann, g, coretest.Must[core.InviteLink](ann, x).Link
}

// says are a chat's messages without notices.
func says(c *coretest.Client, g string) (out []string) {
	for _, x := range c.Texts(g) {
		if !strings.HasPrefix(x, "* ") {
			out = append(out, x)
		}
	}
	return out
}

// TestLinkJoin shows a newcomer without an account who opens a group's link: the chat is there at
// once, waiting, and open within a second when an admin is online.
func TestLinkJoin(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{})
	if got := coretest.Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].Uses; got != 0 {
		t.Errorf("a link without a bound: got %d uses, want 0", got)
	}
	bob := w.Client("Bob")
	if got := coretest.Must[core.LinkInfo](bob, core.CheckLink{Link: link}); !got.Group || got.Person {
		t.Errorf("the link leads to %+v, want a group", got)
	}
	if got := coretest.Must[core.Joined](bob, core.Join{Link: link, Name: "Bob"}).Chat; got != g {
		t.Fatalf("joined %q, want %q", got, g)
	}
	if got := bob.Chat("Trip"); got.State != "waiting" || got.ID != g {
		t.Errorf("before the answer: got %+v", got)
	}
	w.Pass(time.Second)
	if got := bob.Chat("Trip"); got.State != "open" || got.Members != 2 {
		t.Fatalf("a second later: got %+v", got)
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "welcome"})
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "thanks"})
	want := []string{"Ann: welcome", "Bob: thanks"}
	same(t, "Ann reads", says(ann, g), want)
	same(t, "Bob reads", says(bob, g), want)
	w.Pass(3 * time.Minute)
	for _, k := range bob.Vault.Keys() {
		if strings.HasPrefix(k, "s/j/") {
			t.Errorf("left behind: %s", k)
		}
	}
	// Who is a member is led to the chat; another one comes in with an account of before.
	if got := coretest.Must[core.Joined](bob, core.Join{Link: link}).Chat; got != g {
		t.Errorf("again: got %q", got)
	}
	links := coretest.Must[core.Links](ann, core.GetLinks{Chat: g}).Links
	if len(links) != 1 || links[0].Link != link || links[0].Used != 1 || links[0].By != "Ann" {
		t.Errorf("links: got %+v", links)
	}
}

// TestLinkCrowd lets many in at once, with two admins there, and shows that few commits do it.
func TestLinkCrowd(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{})
	const n = 24
	var all []*coretest.Client
	for i := range n {
		c := w.Client(fmt.Sprintf("G%02d", i))
		c.Do(core.Join{Link: link, Name: c.Name})
		all = append(all, c)
	}
	w.Pass(5 * time.Second)
	for _, c := range all {
		if got := c.Chat("Trip"); got.State != "open" || got.Members != n+1 {
			t.Fatalf("%s: got %+v", c.Name, got)
		}
	}
	if r, ok := ann.Replies[ann.Do(core.SetRole{Chat: g, Person: all[0].Person(), Role: core.RoleAdmin})]; !ok {
		_ = r
	}
	w.Pass(5 * time.Second)
	var more []*coretest.Client
	for i := range 8 {
		c := w.Client(fmt.Sprintf("H%02d", i))
		c.Do(core.Join{Link: link, Name: c.Name})
		more = append(more, c)
	}
	w.Pass(10 * time.Second)
	coretest.Must[core.Sent](more[3], core.SendText{Chat: g, Text: "all here"})
	for _, c := range slices.Concat([]*coretest.Client{ann}, all, more) {
		if got := says(c, g); len(got) != 1 || got[0] != "H03: all here" {
			t.Errorf("%s reads %q", c.Name, got)
		}
		if got := c.Chat("Trip").Members; got != n+9 {
			t.Errorf("%s sees %d members, want %d", c.Name, got, n+9)
		}
	}
}

// TestLinkJoinAgain shows who was taken out as soon as it had come in, and opens the link again at once: it knocks anew,
// learns that it is banned, and comes in when it may. What is left of the first knock is none that waits.
func TestLinkJoinAgain(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{})
	bob := newcomer(t, w, "Bob", link)
	w.Pass(2 * time.Second)
	coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: bob.Person()})
	w.Pass(2 * time.Second)
	if got := bob.Chat("Trip").State; got != "left" {
		t.Fatalf("taken out: got state %q, want left", got)
	}
	coretest.Must[core.Joined](bob, core.Join{Link: link})
	if got := bob.Chat("Trip").State; got != "waiting" {
		t.Errorf("after the link was opened again: got state %q, want waiting", got)
	}
	w.Pass(2 * time.Second)
	if got := bob.Chat("Trip"); got.State != "open" || got.Members != 2 {
		t.Errorf("later: got %+v, want open with 2 members", got)
	}
	coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: bob.Person(), Ban: true})
	w.Pass(2 * time.Second)
	coretest.Must[core.Joined](bob, core.Join{Link: link})
	w.Pass(2 * time.Second)
	if got := bob.Chat("Trip"); got.State != "refused" || got.Refused != core.ErrBanned {
		t.Errorf("banned: got %+v, want refused", got)
	}
	coretest.Must[core.Done](ann, core.Unban{Chat: g, Person: bob.Person()})
	w.Pass(2 * time.Second)
	coretest.Must[core.Joined](bob, core.Join{Link: link})
	w.Pass(2 * time.Second)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "back"})
	w.Pass(time.Second)
	same(t, "Ann reads", says(ann, g), []string{"Bob: back"})
}
