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

func done(t testing.TB, c *coretest.Client, x core.Command) {
	t.Helper()
	coretest.Must[core.Done](c, x)
}

func newest(c *coretest.Client, chat string) string {
	list := c.Texts(chat)
	return list[len(list)-1]
}

// TestRoles shows who makes whom what, and that everybody's client holds to it.
func TestRoles(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	role := func(by, of *coretest.Client, r core.Role) core.ErrCode {
		return by.Fails(core.SetRole{Chat: g, Person: of.Person(), Role: r})
	}
	is := func(want ...core.Role) {
		t.Helper()
		for i, c := range []*coretest.Client{ann, bob, cid} {
			if got := c.Chat("Trip").Role; got != want[i] {
				t.Errorf("%s is %q, want %q", c.Name, got, want[i])
			}
		}
	}
	is(core.RoleOwner, core.RoleMember, core.RoleMember)
	if got := role(bob, bob, core.RoleAdmin); got != core.ErrNotAllowed {
		t.Errorf("Bob makes himself admin: %q", got)
	}
	if got := role(ann, ann, core.RoleMember); got != core.ErrNotAllowed {
		t.Errorf("the last owner gives up: %q", got)
	}
	if got := role(ann, bob, "king"); got != core.ErrBadArguments {
		t.Errorf("an unknown role: %q", got)
	}
	done(t, ann, core.SetRole{Chat: g, Person: bob.Person(), Role: core.RoleAdmin})
	is(core.RoleOwner, core.RoleAdmin, core.RoleMember)
	if got := newest(cid, g); got != "* Ann role Bobadmin" {
		t.Errorf("Cid reads %q", got)
	}
	for _, x := range []struct {
		of   *coretest.Client
		role core.Role
	}{{ann, core.RoleAdmin}, {ann, core.RoleMember}, {cid, core.RoleOwner}, {bob, core.RoleOwner}} {
		if got := role(bob, x.of, x.role); got != core.ErrNotAllowed {
			t.Errorf("an admin makes %s %s: %q", x.of.Name, x.role, got)
		}
	}
	if got := bob.Fails(core.RemoveMember{Chat: g, Person: ann.Person()}); got != core.ErrNotAllowed {
		t.Errorf("an admin removes the owner: %q", got)
	}
	done(t, bob, core.SetRole{Chat: g, Person: cid.Person(), Role: core.RoleAdmin})
	if got := bob.Fails(core.RemoveMember{Chat: g, Person: cid.Person()}); got != core.ErrNotAllowed {
		t.Errorf("an admin removes another: %q", got)
	}
	done(t, bob, core.SetRole{Chat: g, Person: bob.Person(), Role: core.RoleMember})
	is(core.RoleOwner, core.RoleMember, core.RoleAdmin)
	done(t, ann, core.SetRole{Chat: g, Person: bob.Person(), Role: core.RoleOwner})
	done(t, bob, core.SetRole{Chat: g, Person: ann.Person(), Role: core.RoleMember})
	is(core.RoleMember, core.RoleOwner, core.RoleAdmin)
	// The owner key came with the role: Bob can end the log's generation alone.
	ann.SetOffline(true)
	before := w.Server.Gen(g)
	done(t, bob, core.RemoveMember{Chat: g, Person: cid.Person()})
	w.Pass(2 * time.Minute)
	if got := w.Server.Gen(g); got != before+1 {
		t.Errorf("generation %d at the server, want %d", got, before+1)
	}
	ann.SetOffline(false)
	w.Pass(time.Minute)
	list := coretest.Must[core.Members](ann, core.GetMembers{Chat: g})
	if got := fmt.Sprint(list.Total, list.Members[0].Name, list.Members[0].Role, list.Members[1].Role); got != "2Bobownermember" {
		t.Errorf("members: %s", got)
	}
}

// TestGroupText shows description, pins and what everybody may do where the rules say so.
func TestGroupText(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	about := "  what we\nplan "
	if got := bob.Fails(core.SetGroup{Chat: g, About: &about}); got != core.ErrNotAllowed {
		t.Errorf("Bob describes: %q", got)
	}
	done(t, ann, core.SetGroup{Chat: g, About: &about})
	if got := bob.Chat("Trip").About; got != "what we\nplan" {
		t.Errorf("about: got %q", got)
	}
	long := strings.Repeat("x", core.AboutBytesMax+1)
	if got := ann.Fails(core.SetGroup{Chat: g, About: &long}); got != core.ErrTextLong {
		t.Errorf("a long description: %q", got)
	}
	long = long[1:]
	done(t, ann, core.SetGroup{Chat: g, About: &long})
	none := " "
	done(t, ann, core.SetGroup{Chat: g, About: &none})
	if got := bob.Chat("Trip").About; got != "" {
		t.Errorf("about: got %q, want none", got)
	}
	for name, r := range map[string]core.Rules{
		"slow": {Slow: 86401}, "less": {Slow: -1}, "new": {Quarantine: 169}, "history": {History: -2}, "who": {Adders: "owners"},
	} {
		if got := ann.Fails(core.SetGroup{Chat: g, Rules: &r}); got != core.ErrBadArguments {
			t.Errorf("rules %s: %q", name, got)
		}
	}
	var ids []string
	for i := range core.PinsMax + 1 {
		ids = append(ids, coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: fmt.Sprint("text ", i)}).Message)
	}
	if got := bob.Fails(core.Pin{Chat: g, Message: ids[0], On: true}); got != core.ErrNotAllowed {
		t.Errorf("Bob pins: %q", got)
	}
	for _, id := range ids[:core.PinsMax] {
		done(t, ann, core.Pin{Chat: g, Message: id, On: true})
	}
	if got := ann.Fails(core.Pin{Chat: g, Message: ids[core.PinsMax], On: true}); got != core.ErrPinsFull {
		t.Errorf("one more pin: %q", got)
	}
	if got := ann.Fails(core.Pin{Chat: g, Message: "nothing", On: true}); got != core.ErrNoMessage {
		t.Errorf("a pin on nothing: %q", got)
	}
	done(t, ann, core.Pin{Chat: g, Message: ids[3], On: false})
	for _, c := range []*coretest.Client{ann, bob, cid} {
		pins := c.Chat("Trip").Pins
		if len(pins) != core.PinsMax-1 || pins[0] != ids[core.PinsMax-1] || slices.Contains(pins, ids[3]) {
			t.Errorf("%s: pins %v", c.Name, pins)
		}
		for _, x := range c.Page(g) {
			if want := slices.Contains(pins, x.ID); x.Pinned != want {
				t.Errorf("%s: %q pinned %v, want %v", c.Name, x.Text, x.Pinned, want)
			}
		}
	}
	done(t, ann, core.SetGroup{Chat: g, Rules: &core.Rules{Adders: "members", Changers: "members", History: -1}})
	if got := newest(bob, g); got != "* Ann rules" {
		t.Errorf("Bob reads %q", got)
	}
	done(t, bob, core.SetGroup{Chat: g, Name: "Ours"})
	done(t, bob, core.Pin{Chat: g, Message: ids[3], On: true})
	if got := bob.Fails(core.SetGroup{Chat: g, Rules: &core.Rules{}}); got != core.ErrNotAllowed {
		t.Errorf("Bob changes the rules: %q", got)
	}
	if got := cid.Chat("Ours").Rules; got == nil || got.Adders != "members" || got.History != -1 {
		t.Errorf("rules: got %+v", got)
	}
	dan := w.Client("Dan")
	link := coretest.Must[core.InviteLink](bob, core.Invite{})
	coretest.Must[core.Joined](dan, core.Join{Link: link.Link, Name: "Dan"})
	w.Pass(5 * time.Second)
	done(t, bob, core.AddMembers{Chat: g, Members: []string{bob.Chat("Dan").ID}})
	w.Pass(5 * time.Second)
	if got := dan.Chat("Ours"); got.Members != 4 || len(got.Pins) != core.PinsMax {
		t.Errorf("Dan's group: %+v", got)
	}
}

// TestBan shows a ban that erases: one act takes a spammer out, deletes what he wrote everywhere
// and keeps him out until he is let in again.
func TestBan(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	spam := coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "buy"}).Message
	said := coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "hello", ReplyTo: spam}).Message
	done(t, cid, core.React{Chat: g, Message: said, Emoji: "💰", On: true})
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "now"})
	if got := bob.Fails(core.RemoveMember{Chat: g, Person: cid.Person(), Erase: true}); got != core.ErrNotAllowed {
		t.Errorf("Bob bans: %q", got)
	}
	bob.Events = nil
	done(t, ann, core.RemoveMember{Chat: g, Person: cid.Person(), Erase: true})
	w.Pass(time.Minute)
	for _, c := range []*coretest.Client{ann, bob} {
		want := []string{"Cid: (deleted)", "Bob: hello", "Cid: (deleted)", "* Ann erased Cid"}
		got := c.Texts(g)
		same(t, c.Name, got[len(got)-4:], want)
		for _, x := range c.Page(g) {
			if len(x.Reactions) > 0 || x.ReplyTo != nil && x.ReplyTo.Text != "" {
				t.Errorf("%s still sees %+v", c.Name, x)
			}
		}
	}
	if got := cid.Texts(g); got[len(got)-1] != "* Ann banned Cid" {
		t.Errorf("Cid is told %q, want that Ann banned Cid", got[len(got)-1])
	}
	told := 0
	for _, e := range bob.Events {
		if x, ok := e.(core.MessageChanged); ok && x.Message.Kind == core.KindDeleted {
			told++
		}
	}
	if told != 2 {
		t.Errorf("Bob's face was told of %d deleted messages, want 2", told)
	}
	if got := cid.Chat("Trip").State; got != "left" {
		t.Errorf("Cid: %s", got)
	}
	list := coretest.Must[core.Members](bob, core.GetMembers{Chat: g, Banned: true})
	if list.Total != 1 || list.Members[0].Person != cid.Person() || list.Members[0].Name != "Cid" {
		t.Errorf("banned: %+v", list)
	}
	back := core.AddMembers{Chat: g, Members: []string{ann.Chat("Cid").ID}}
	if got := ann.Fails(back); got != core.ErrBanned {
		t.Errorf("adding who is banned: %q", got)
	}
	if got := bob.Fails(core.Unban{Chat: g, Person: cid.Person()}); got != core.ErrNotAllowed {
		t.Errorf("Bob lets Cid in: %q", got)
	}
	done(t, ann, core.Unban{Chat: g, Person: cid.Person()})
	done(t, ann, back)
	w.Pass(time.Minute)
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "sorry"})
	for _, c := range []*coretest.Client{ann, bob, cid} {
		if got := newest(c, g); got != "Cid: sorry" {
			t.Errorf("%s reads %q", c.Name, got)
		}
	}
	if got := bob.Texts(g); slices.Contains(got, "Cid: buy") {
		t.Errorf("what was deleted is back: %q", got)
	}
}

// TestMentions shows names in texts, and the count of unread ones of oneself.
func TestMentions(t *testing.T) {
	_, ann, bob, _, g := trio(t)
	at := func(start, n int, c *coretest.Client) core.Mention {
		return core.Mention{Start: start, Length: n, Person: c.Person()}
	}
	id := coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: " 👋 Bob!", Mentions: []core.Mention{at(4, 3, bob)}}).Message
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "nobody"})
	if got := bob.Chat("Trip").Mentions; got != 1 {
		t.Errorf("Bob has %d mentions, want 1", got)
	}
	list := bob.Page(g)
	x := list[len(list)-2]
	if want := at(3, 3, bob); x.Text != "👋 Bob!" || len(x.Mentions) != 1 || x.Mentions[0] != want {
		t.Errorf("got %q %+v, want %+v", x.Text, x.Mentions, want)
	}
	done(t, bob, core.MarkRead{Chat: g, Message: id})
	if got := bob.Chat("Trip"); got.Mentions != 0 || got.Unread != 1 {
		t.Errorf("read: %d mentions and %d unread, want 0 and 1", got.Mentions, got.Unread)
	}
	for name, list := range map[string][]core.Mention{
		"past-the-end": {at(0, 9, bob)}, "negative": {at(-1, 1, bob)}, "empty": {at(0, 0, bob)},
		"over":     {at(0, 2, bob), at(1, 2, bob)},
		"nobody":   {{Start: 0, Length: 1, Person: "x"}},
		"too-many": slices.Repeat([]core.Mention{at(0, 1, bob)}, 21),
	} {
		if got := ann.Fails(core.SendText{Chat: g, Text: "hello", Mentions: list}); got != core.ErrBadArguments {
			t.Errorf("%s: %q", name, got)
		}
	}
	done(t, ann, core.Edit{Chat: g, Message: id, Text: "bye"})
	if x := bob.Page(g)[len(list)-2]; x.Text != "bye" || x.Mentions != nil {
		t.Errorf("edited: %q %+v", x.Text, x.Mentions)
	}
}

// TestMembers shows the list of members by role and name, searched and in pages.
func TestMembers(t *testing.T) {
	_, ann, bob, cid, g := trio(t)
	done(t, ann, core.SetRole{Chat: g, Person: cid.Person(), Role: core.RoleAdmin})
	names := func(x core.GetMembers) string {
		x.Chat = g
		r := coretest.Must[core.Members](bob, x)
		var out strings.Builder
		out.WriteString(fmt.Sprint(r.Total))
		for _, m := range r.Members {
			out.WriteString(" " + m.Name + ":" + string(m.Role))
		}
		return out.String()
	}
	for want, x := range map[string]core.GetMembers{
		"3 Ann:owner Cid:admin Bob:member": {},
		"3 Cid:admin":                      {Offset: 1, Limit: 1},
		"3":                                {Offset: 5},
		"1 Cid:admin":                      {Query: " cI "},
		"0":                                {Query: "zoe"},
		"0 ":                               {Banned: true},
	} {
		if got := names(x); got != strings.TrimSpace(want) {
			t.Errorf("%+v: got %q, want %q", x, got, want)
		}
	}
	// Whose word begins so comes before whose name only has it somewhere: else three letters would find nobody among thousands.
	done(t, bob, core.SetName{Name: "Tom Nobb"})
	if got, want := names(core.GetMembers{Query: "n"}), "2 Tom Nobb:member Ann:owner"; got != want {
		t.Errorf("begins with the query: got %q, want %q", got, want)
	}
}

func rules(t testing.TB, by *coretest.Client, g string, r core.Rules) {
	t.Helper()
	done(t, by, core.SetGroup{Chat: g, Rules: &r})
}

// TestQuietMode: members are told before anything goes out; what waited shows as failed.
func TestQuietMode(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	id := coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "before"}).Message
	bob.SetOffline(true)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "too late"})
	rules(t, ann, g, core.Rules{Quiet: true})
	bob.SetOffline(false)
	w.Pass(time.Minute)
	list := bob.Page(g)
	if x := list[len(list)-1]; x.Text != "too late" || x.State != core.StateFailed {
		t.Errorf("what waited: %q %s", x.Text, x.State)
	}
	if got := bob.Fails(core.SendText{Chat: g, Text: "hello?"}); got != core.ErrQuiet {
		t.Errorf("Bob posts: %q", got)
	}
	if got := bob.Fails(core.Edit{Chat: g, Message: id, Text: "after"}); got != core.ErrQuiet {
		t.Errorf("Bob edits: %q", got)
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "news"})
	done(t, bob, core.React{Chat: g, Message: id, Emoji: "👍", On: true})
	rules(t, ann, g, core.Rules{})
	done(t, bob, core.Retry{Chat: g, Message: list[len(list)-1].ID})
	w.Pass(time.Minute)
	for _, c := range []*coretest.Client{ann, bob, cid} {
		if got := newest(c, g); got != "Bob: too late" {
			t.Errorf("%s reads %q", c.Name, got)
		}
	}
}

// TestSlowMode: who is too early is told when; what has come too early waits and goes out then.
func TestSlowMode(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	bob.SetOffline(true)
	for i := range 3 {
		coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: fmt.Sprint("waited ", i)})
	}
	rules(t, ann, g, core.Rules{Slow: 60})
	bob.SetOffline(false)
	w.Pass(10 * time.Second)
	if got := newest(cid, g); got != "Bob: waited 0" {
		t.Errorf("at first Cid reads %q", got)
	}
	if got := bob.Fails(core.SendText{Chat: g, Text: "more"}); got != core.ErrSlow {
		t.Errorf("Bob posts: %q", got)
	}
	w.Pass(3 * time.Minute)
	for _, c := range []*coretest.Client{ann, bob, cid} {
		got := c.Texts(g)
		same(t, c.Name, got[len(got)-3:], []string{"Bob: waited 0", "Bob: waited 1", "Bob: waited 2"})
	}
	w.Pass(time.Minute)
	at := w.Now
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "one"})
	if got, want := cid.Chat("Trip").PostAt, at.Add(time.Minute).UnixMilli(); got != want {
		t.Errorf("Cid may post at %d, want %d", got, want)
	}
	if got := cid.Fails(core.SendText{Chat: g, Text: "two"}); got != core.ErrSlow {
		t.Errorf("Cid posts again: %q", got)
	}
	cid.Crash()
	w.Run()
	if got := cid.Fails(core.SendText{Chat: g, Text: "two"}); got != core.ErrSlow {
		t.Errorf("Cid posts again after a crash: %q", got)
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "a"})
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "b"})
	w.Pass(time.Minute)
	if got := cid.Chat("Trip").PostAt; got != 0 {
		t.Errorf("Cid may post at %d, want now", got)
	}
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "two"})
	for _, c := range []*coretest.Client{ann, bob, cid} {
		got := c.Texts(g)
		same(t, c.Name, got[len(got)-4:], []string{"Cid: one", "Ann: a", "Ann: b", "Cid: two"})
	}
}

// TestNewcomerMode: who comes in waits for some hours, as others count them.
func TestNewcomerMode(t *testing.T) {
	w, ann, bob, _, g := trio(t)
	rules(t, ann, g, core.Rules{Quarantine: 1})
	dan := w.Client("Dan")
	link := coretest.Must[core.InviteLink](ann, core.Invite{})
	coretest.Must[core.Joined](dan, core.Join{Link: link.Link, Name: "Dan"})
	w.Pass(5 * time.Second)
	done(t, ann, core.AddMembers{Chat: g, Members: []string{ann.Chat("Dan").ID}})
	w.Pass(time.Minute)
	if got := dan.Fails(core.SendText{Chat: g, Text: "hi"}); got != core.ErrNewcomer {
		t.Errorf("Dan posts: %q", got)
	}
	at := time.UnixMilli(dan.Chat("Trip").PostAt)
	if wait := at.Sub(w.Now); wait < 50*time.Minute || wait > 75*time.Minute {
		t.Errorf("Dan may post in %s", wait)
	}
	w.Leap(80 * time.Minute)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "welcome"})
	coretest.Must[core.Sent](dan, core.SendText{Chat: g, Text: "hi"})
	if got := newest(bob, g); got != "Dan: hi" {
		t.Errorf("Bob reads %q", got)
	}
}
