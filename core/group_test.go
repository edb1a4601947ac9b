package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
)

// trio makes Ann, Bob and Cid; Bob and Cid know Ann. The group has all three.
func trio(t testing.TB) (w *coretest.World, ann, bob, cid *coretest.Client, group string) {
	t.Helper()
	w, ann, bob = pair(t)
	cid = w.Client("Cid")
	link := coretest.Must[core.InviteLink](ann, core.Invite{})
	coretest.Must[core.Joined](cid, core.Join{Link: link.Link, Name: "Cid"})
	group = coretest.Must[core.Joined](ann, core.NewGroup{Name: "Trip", Members: []string{ann.Chat("Bob").ID, ann.Chat("Cid").ID}}).Chat
	w.Pass(5 * time.Second)
	return w, ann, bob, cid, group
}

func sameAll(t testing.TB, group string, want []string, all ...*coretest.Client) {
	t.Helper()
	for _, c := range all {
		same(t, c.Name+" reads", c.Texts(group), want)
	}
}

// messages returns what a chat shows without the notices, which depend on when one joined.
func messages(c *coretest.Client, chat string) []string {
	var out []string
	for _, x := range c.Page(chat) {
		if x.Kind != core.KindNotice {
			out = append(out, x.FromName+": "+x.Text+" "+string(x.State))
		}
	}
	return out
}

// TestGroup shows a group of three through talk, rename, removal, adding again and leaving.
func TestGroup(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	if got := ann.Chat("Trip").Members; got != 3 {
		t.Fatalf("members: got %d, want 3", got)
	}
	for _, c := range []*coretest.Client{ann, bob, cid} {
		coretest.Must[core.Sent](c, core.SendText{Chat: g, Text: "from " + c.Name})
	}
	talk := []string{"Ann: from Ann", "Bob: from Bob", "Cid: from Cid"}
	sameAll(t, g, append([]string{"* Ann created Trip", "* Ann added Bob,Cid"}, talk...), ann)
	sameAll(t, g, append([]string{"* Bob joined"}, talk...), bob)
	sameAll(t, g, append([]string{"* Cid joined"}, talk...), cid)
	if got := bob.Chat("Trip"); got.Admin || !ann.Chat("Trip").Admin {
		t.Errorf("admin: Bob %v, Ann %v", got.Admin, ann.Chat("Trip").Admin)
	}
	if got := bob.Fails(core.SetGroup{Chat: g, Name: "Mine"}); got != core.ErrNotAllowed {
		t.Errorf("Bob renames: got %q, want not-allowed", got)
	}
	coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Name: "Journey"})
	if got := bob.Chat("Journey").Name; got != "Journey" {
		t.Errorf("name: got %q", got)
	}
	coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: bob.Person()})
	w.Pass(time.Minute)
	if got := bob.Chat("Journey").State; got != "left" {
		t.Errorf("Bob's state: got %s, want left", got)
	}
	if got := bob.Fails(core.SendText{Chat: g, Text: "still here"}); got != core.ErrLeft {
		t.Errorf("Bob writes: got %q, want left", got)
	}
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "without Bob"})
	if got := ann.Texts(g); got[len(got)-1] != "Cid: without Bob" {
		t.Errorf("Ann reads %q", got)
	}
	if got := bob.Texts(g); got[len(got)-1] != "* Ann removed Bob" {
		t.Errorf("Bob reads %q", got)
	}
	coretest.Must[core.Done](ann, core.AddMembers{Chat: g, Members: []string{ann.Chat("Bob").ID}})
	w.Pass(time.Minute)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "back"})
	for _, c := range []*coretest.Client{ann, bob, cid} {
		if got := c.Texts(g); got[len(got)-1] != "Bob: back" {
			t.Errorf("%s reads %q", c.Name, got)
		}
	}
	coretest.Must[core.Done](cid, core.Leave{Chat: g})
	w.Pass(time.Minute)
	if got := cid.Chat("Journey").State; got != "left" {
		t.Errorf("Cid's state: got %s, want left", got)
	}
	for _, c := range []*coretest.Client{ann, bob} {
		got := c.Texts(g)
		if got[len(got)-1] != "* Cid left" || c.Chat("Journey").Members != 2 {
			t.Errorf("%s reads %q, members %d", c.Name, got, c.Chat("Journey").Members)
		}
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "two of us"})
	if got := bob.Texts(g); got[len(got)-1] != "Ann: two of us" {
		t.Errorf("Bob reads %q", got)
	}
}

// TestAnnotations shows replies, edits, reactions and deletions, and who may do what.
func TestAnnotations(t *testing.T) {
	_, ann, bob, cid, g := trio(t)
	one := coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "one"}).Message
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "two", ReplyTo: one})
	coretest.Must[core.Done](ann, core.Edit{Chat: g, Message: one, Text: "uno"})
	coretest.Must[core.Done](ann, core.Edit{Chat: g, Message: one, Text: "ein"})
	coretest.Must[core.Done](bob, core.React{Chat: g, Message: one, Emoji: "👍", On: true})
	coretest.Must[core.Done](cid, core.React{Chat: g, Message: one, Emoji: "👍", On: true})
	coretest.Must[core.Done](cid, core.React{Chat: g, Message: one, Emoji: "❤️", On: true})
	coretest.Must[core.Done](cid, core.React{Chat: g, Message: one, Emoji: "❤️", On: false})
	for _, c := range []*coretest.Client{ann, bob, cid} {
		list := c.Page(g)
		x, y := list[len(list)-2], list[len(list)-1]
		if x.Text != "ein" || !x.Edited || len(x.Reactions) != 1 || len(x.Reactions[0].By) != 2 {
			t.Errorf("%s: got %+v", c.Name, x)
		}
		if x.Reactions[0].Own != (c != ann) {
			t.Errorf("%s: own reaction %v", c.Name, x.Reactions[0].Own)
		}
		if y.ReplyTo == nil || y.ReplyTo.Text != "ein" || y.ReplyTo.FromName != "Ann" {
			t.Errorf("%s: reply %+v", c.Name, y.ReplyTo)
		}
	}
	coretest.Must[core.Done](cid, core.React{Chat: g, Message: one, Emoji: "❤️", On: true})
	if got := len(ann.Page(g)[len(ann.Page(g))-2].Reactions); got != 2 {
		t.Errorf("reacting again: got %d emoji, want 2", got)
	}
	for _, x := range []core.Command{core.Edit{Chat: g, Message: one, Text: "x"}, core.Delete{Chat: g, Message: one}} {
		if got := bob.Fails(x); got != core.ErrNotAllowed {
			t.Errorf("Bob's %T: got %q, want not-allowed", x, got)
		}
	}
	coretest.Must[core.Done](ann, core.Delete{Chat: g, Message: one})
	for _, c := range []*coretest.Client{ann, bob, cid} {
		list := c.Page(g)
		x := list[len(list)-2]
		if x.Kind != core.KindDeleted || x.Text != "" || len(x.Reactions) != 0 {
			t.Errorf("%s: got %+v", c.Name, x)
		}
	}
	if got := ann.Fails(core.Edit{Chat: g, Message: one, Text: "x"}); got != core.ErrNotAllowed {
		t.Errorf("edit after delete: got %q", got)
	}
	if got := ann.Fails(core.React{Chat: g, Message: "nonsense", Emoji: "x", On: true}); got != core.ErrNoMessage {
		t.Errorf("no such message: got %q", got)
	}
}

// TestRaces shows commits that meet: two admins of a two-person log cannot, so Ann adds Cid while
// her own rename is under way elsewhere, and messages in flight are shown once to all.
func TestRaces(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	dan := w.Client("Dan")
	link := coretest.Must[core.InviteLink](ann, core.Invite{})
	coretest.Must[core.Joined](dan, core.Join{Link: link.Link, Name: "Dan"})
	w.Pass(40 * time.Second)
	// All of this goes out before anybody has seen anything of the others.
	ann.Do(core.AddMembers{Chat: g, Members: []string{ann.Chat("Dan").ID}})
	ann.Do(core.SetGroup{Chat: g, Name: "Race"})
	for range 3 {
		for _, c := range []*coretest.Client{ann, bob, cid} {
			c.Do(core.SendText{Chat: g, Text: "in flight"})
		}
	}
	cid.Do(core.Leave{Chat: g})
	bob.Do(core.SendText{Chat: g, Text: "last"})
	w.Pass(2 * time.Minute)
	want := messages(ann, g)
	n := 0
	for _, x := range ann.Page(g) {
		if x.Text == "in flight" {
			n++
		}
		if x.Own && x.Kind != core.KindNotice && x.State == core.StateQueued {
			t.Errorf("still queued: %+v", x)
		}
	}
	if n != 9 {
		t.Errorf("got %d messages in flight, want 9: %q", n, want)
	}
	texts := func(c *coretest.Client) (out []string) {
		for _, x := range c.Page(g) {
			if x.Kind != core.KindNotice {
				out = append(out, x.FromName+": "+x.Text)
			}
		}
		return out
	}
	same(t, "Bob reads", texts(bob), texts(ann))
	if got := ann.Chat("Race").Members; got != 3 {
		t.Errorf("members: got %d, want 3", got)
	}
	if got := dan.Chat("Race").State; got != "open" {
		t.Errorf("Dan's chat: got %s", got)
	}
}

// TestManyMembers adds more people than one commit takes, some of whom are away, and removes one:
// Welcomes and commits go in many parts.
func TestManyMembers(t *testing.T) {
	w := coretest.New(t)
	ann := w.Client("Ann")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	link := coretest.Must[core.InviteLink](ann, core.Invite{Uses: 100}).Link
	const n = 40
	var all []*coretest.Client
	for i := range n {
		c := w.Client(fmt.Sprintf("G%02d", i))
		coretest.Must[core.Joined](c, core.Join{Link: link, Name: c.Name})
		w.Run()
		all = append(all, c)
	}
	w.Pass(40 * time.Second)
	var ids []string
	for _, x := range ann.State().Chats {
		if x.Kind == core.ChatTwo {
			ids = append(ids, x.ID)
		}
	}
	for _, c := range all[:5] {
		c.SetOffline(true)
	}
	w.Run()
	largest := 0
	w.Step = func(c *coretest.Client, in core.Input, effects []core.Effect) {
		for _, e := range effects {
			if p, ok := e.(core.Persist); ok {
				size := 0
				for _, op := range p.Ops {
					size += len(op.Key) + len(op.Value)
				}
				largest = max(largest, size)
			}
		}
	}
	g := coretest.Must[core.Joined](ann, core.NewGroup{Name: "All", Members: ids}).Chat
	w.Pass(20 * time.Second)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "hello all"})
	for _, c := range all[:5] {
		c.SetOffline(false)
	}
	w.Run()
	w.Pass(20 * time.Second)
	coretest.Must[core.Sent](all[3], core.SendText{Chat: g, Text: "hello Ann"})
	coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: all[7].Person()})
	w.Pass(40 * time.Second)
	coretest.Must[core.Sent](all[39], core.SendText{Chat: g, Text: "last"})
	for i, c := range append(all, ann) {
		list, x := messages(c, g), c.Chat("All")
		if i == 7 {
			if x.State != "left" {
				t.Errorf("the removed one: got %s", x.State)
			}
			continue
		}
		if x.Members != n || len(list) != 3 || !strings.HasPrefix(list[2], "G39: last") {
			t.Errorf("%s: %d members, reads %q", c.Name, x.Members, list)
		}
	}
	t.Logf("largest Persist: %d bytes", largest)
	if largest > 16<<20 {
		t.Errorf("largest Persist: %d bytes, over the vault's 16 MiB", largest)
	}
}

// TestOneLife shows that a server cannot tell kinds of log apart by how long their records live.
func TestOneLife(t *testing.T) {
	w, _, _, _, _ := trio(t)
	days := w.Server.Lives()
	if want := 3*2 + 2 + 1; len(days) < want { // inboxes and saved messages, two pairs, a group
		t.Fatalf("got %d logs, want at least %d", len(days), want)
	}
	for _, d := range days {
		if d != plane.TTLDaysDefault {
			t.Errorf("got a log of %d days, want %d", d, plane.TTLDaysDefault)
		}
	}
}

// TestFirstWordsWait shows that what is said in a new group before its members are in reaches them: nobody else could
// have read it.
func TestFirstWordsWait(t *testing.T) {
	w, ann, bob := pair(t)
	ann.SetOffline(true)
	g := coretest.Must[core.Joined](ann, core.NewGroup{Name: "Trip", Members: []string{ann.Chat("Bob").ID}}).Chat
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "first words"})
	ann.SetOffline(false)
	w.Pass(5 * time.Second)
	same(t, "Bob reads", bob.Texts(g), []string{"* Bob joined", "Ann: first words"})
	// Alone, one's words go out at once.
	own := coretest.Must[core.Joined](ann, core.NewGroup{Name: "Alone"}).Chat
	coretest.Must[core.Sent](ann, core.SendText{Chat: own, Text: "to nobody yet"})
	w.Pass(time.Second)
	same(t, "Ann's", messages(ann, own), []string{"Ann: to nobody yet sent"})
}
