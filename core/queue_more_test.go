package core_test

import (
	"fmt"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// newcomer opens a link with a new client and returns it.
func newcomer(t testing.TB, w *coretest.World, name, link string) *coretest.Client {
	t.Helper()
	c := w.Client(name)
	coretest.Must[core.Joined](c, core.Join{Link: link, Name: name})
	return c
}

// TestLinkAdminAway shows that who knocks while nobody is there comes in when somebody is back, and
// after the group's admin has crashed at every one of its effects meanwhile.
func TestLinkAdminAway(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{})
	ann.SetOffline(true)
	w.Run()
	bob := newcomer(t, w, "Bob", link)
	w.Pass(time.Hour)
	if got := bob.Chat("Trip"); got.State != "waiting" || got.ID != g {
		t.Errorf("nobody there: got %+v", got)
	}
	ann.SetOffline(false)
	w.Pass(2 * time.Second)
	if got := bob.Chat("Trip").State; got != "open" {
		t.Errorf("the admin is back: got %s", got)
	}
	healthy(t, w, ann, bob)
}

// TestLinkCrash lets somebody in while the admin, or the newcomer, dies at each of its effects.
func TestLinkCrash(t *testing.T) {
	for _, who := range []string{"admin", "newcomer"} {
		for _, arrives := range []bool{false, true} {
			step := 9
			if *everyCrash {
				step = 1
			}
			for n := 1 + len(who)%5; ; n += step {
				w, ann, g, link := linked(t, core.GroupInvite{})
				bob := w.Client("Bob")
				c := map[string]*coretest.Client{"admin": ann, "newcomer": bob}[who]
				c.CrashIn, c.Arrives = n, arrives
				for range 30 {
					id := bob.Do(core.Join{Link: link, Name: "Bob"})
					w.Run()
					if r, ok := bob.Replies[id]; ok && r.Err == "" {
						break
					}
					w.Pass(time.Second)
				}
				w.Pass(5 * time.Minute)
				died := c.Died
				c.CrashIn = 0
				ann.Do(core.SendText{Chat: g, Text: "one"})
				bob.Do(core.SendText{Chat: g, Text: "two"})
				w.Pass(time.Minute)
				healthy(t, w, ann, bob)
				for _, x := range []*coretest.Client{ann, bob} {
					has(t, x, g, "Ann: one", "Bob: two")
				}
				if t.Failed() {
					t.Fatalf("crash %d of the %s, arrives %v: %s | %s", n, who, arrives, ann.M.DebugChat(g), bob.M.DebugChat(g))
				}
				if died == 0 {
					if n < 20 {
						t.Errorf("only %d effects of the %s: the test proves little", n, who)
					}
					break
				}
			}
		}
	}
}

// TestLinkTwoAdmins has two admins there when many knock: the log decides whose commit counts, and
// nobody is let in twice.
func TestLinkTwoAdmins(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{})
	bob := newcomer(t, w, "Bob", link)
	w.Pass(2 * time.Second)
	coretest.Must[core.Done](ann, core.SetRole{Chat: g, Person: bob.Person(), Role: core.RoleAdmin})
	w.Pass(2 * time.Second)
	var all []*coretest.Client
	for i := range 12 {
		all = append(all, newcomer(t, w, fmt.Sprintf("N%02d", i), link))
		w.Pass(200 * time.Millisecond)
	}
	w.Pass(time.Minute)
	healthy(t, w, append(all, ann, bob)...)
	added := map[string]int{}
	for _, x := range ann.Page(g) {
		if x.Kind == core.KindNotice && x.Notice.What == "came" {
			for _, n := range x.Notice.Whom {
				added[n]++
			}
		}
	}
	for _, c := range all {
		if got := c.Chat("Trip").Members; got != 14 {
			t.Errorf("%s sees %d members, want 14", c.Name, got)
		}
		if added[c.Name] != 1 {
			t.Errorf("%s was added %d times, want once", c.Name, added[c.Name])
		}
	}
}

// TestLinkApproval shows a link that needs a yes: the knock waits, is listed, survives a restart, and
// is answered either way.
func TestLinkApproval(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{Approve: true})
	bob, cid := newcomer(t, w, "Bob", link), newcomer(t, w, "Cid", link)
	w.Pass(10 * time.Second)
	if got := bob.Chat("Trip").State; got != "waiting" {
		t.Errorf("before the yes: got %s", got)
	}
	ann.Crash()
	w.Pass(10 * time.Second)
	list := coretest.Must[core.Knocks](ann, core.GetKnocks{Chat: g}).Knocks
	if len(list) != 2 || list[0].Name != "Bob" || list[1].Name != "Cid" || ann.Chat("Trip").Knocks != 2 {
		t.Fatalf("knocks: got %+v and %d", list, ann.Chat("Trip").Knocks)
	}
	coretest.Must[core.Done](ann, core.Answer{Chat: g, Person: list[0].Person, Yes: true})
	coretest.Must[core.Done](ann, core.Answer{Chat: g, Person: list[1].Person})
	w.Pass(5 * time.Second)
	if got := bob.Chat("Trip").State; got != "open" {
		t.Errorf("after yes: got %s", got)
	}
	if got := cid.Chat("Trip"); got.State != "refused" || got.Refused != core.ErrNotAllowed {
		t.Errorf("after no: got %s, %q", got.State, got.Refused)
	}
	if got := ann.Chat("Trip").Knocks; got != 0 {
		t.Errorf("still %d knocks", got)
	}
	if got := bob.Fails(core.Answer{Chat: g, Person: cid.Person(), Yes: true}); got != core.ErrNotAllowed {
		t.Errorf("a member answers: got %q, want not-allowed", got)
	}
	coretest.Must[core.Done](cid, core.Leave{Chat: g})
	for _, x := range cid.State().Chats {
		if x.ID == g {
			t.Errorf("still there after leaving: %+v", x)
		}
	}
}

// TestLinkEnds shows links that are used up, over, withdrawn, and of a group that has banned one.
func TestLinkEnds(t *testing.T) {
	t.Run("used-up", func(t *testing.T) {
		w, ann, _, link := linked(t, core.GroupInvite{Uses: 1})
		newcomer(t, w, "Bob", link)
		w.Pass(2 * time.Second)
		cid := w.Client("Cid")
		if got := cid.Fails(core.Join{Link: link, Name: "Cid"}); got != core.ErrLinkUsedUp {
			t.Errorf("the second: got %q, want link-used-up", got)
		}
		if got := ann.Chat("Trip").Members; got != 2 {
			t.Errorf("members: got %d, want 2", got)
		}
	})
	t.Run("over", func(t *testing.T) {
		w, _, _, link := linked(t, core.GroupInvite{Days: 3})
		w.Leap(5 * 24 * time.Hour)
		if got := w.Client("Bob").Fails(core.Join{Link: link, Name: "Bob"}); got != core.ErrLinkUsedUp {
			t.Errorf("got %q, want link-used-up", got)
		}
	})
	t.Run("over-while-waiting", func(t *testing.T) {
		w, ann, _, link := linked(t, core.GroupInvite{Days: 3})
		ann.SetOffline(true)
		bob := newcomer(t, w, "Bob", link)
		w.Leap(5 * 24 * time.Hour)
		ann.SetOffline(false)
		w.Pass(5 * time.Second)
		if got := bob.Chat("Trip").State; got != "refused" {
			t.Errorf("got %s, want refused", got)
		}
	})
	t.Run("withdrawn", func(t *testing.T) {
		w, ann, g, link := linked(t, core.GroupInvite{})
		ann.SetOffline(true)
		bob := newcomer(t, w, "Bob", link)
		ann.Do(core.RevokeLink{Chat: g, Link: coretest.Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].ID})
		ann.SetOffline(false)
		w.Pass(5 * time.Second)
		if got := bob.Chat("Trip"); got.State != "refused" || got.Refused != core.ErrLinkUsedUp {
			t.Errorf("knocked before: got %s, %q; want refused, link-used-up", got.State, got.Refused)
		}
		if got := w.Client("Cid").Fails(core.Join{Link: link, Name: "Cid"}); got != core.ErrLinkUsedUp {
			t.Errorf("after: got %q, want link-used-up", got)
		}
		if got := coretest.Must[core.Links](ann, core.GetLinks{Chat: g}).Links; len(got) != 0 {
			t.Errorf("links: got %+v", got)
		}
	})
	t.Run("banned", func(t *testing.T) {
		w, ann, g, link := linked(t, core.GroupInvite{})
		bob := newcomer(t, w, "Bob", link)
		w.Pass(2 * time.Minute)
		coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: bob.Person(), Ban: true})
		w.Pass(5 * time.Second)
		if got := bob.Chat("Trip").State; got != "left" {
			t.Fatalf("banned: got %s, want left", got)
		}
		coretest.Must[core.Joined](bob, core.Join{Link: link})
		w.Pass(5 * time.Second)
		if got := bob.Chat("Trip"); got.State != "refused" || got.Refused != core.ErrBanned {
			t.Errorf("comes back by link: got %s, %q; want refused, banned", got.State, got.Refused)
		}
		coretest.Must[core.Done](ann, core.Unban{Chat: g, Person: bob.Person()})
		coretest.Must[core.Joined](bob, core.Join{Link: link})
		w.Pass(5 * time.Second)
		if got := bob.Chat("Trip").State; got != "open" {
			t.Errorf("allowed in again: got %s, want open", got)
		}
	})
	t.Run("links-full", func(t *testing.T) {
		_, ann, g, _ := linked(t, core.GroupInvite{})
		for range 31 {
			coretest.Must[core.InviteLink](ann, core.GroupInvite{Chat: g})
		}
		if got := ann.Fails(core.GroupInvite{Chat: g}); got != core.ErrLinksFull {
			t.Errorf("one over: got %q, want links-full", got)
		}
	})
	t.Run("not-allowed", func(t *testing.T) {
		w, _, g, link := linked(t, core.GroupInvite{})
		bob := newcomer(t, w, "Bob", link)
		w.Pass(2 * time.Second)
		if got := bob.Fails(core.GroupInvite{Chat: g}); got != core.ErrNotAllowed {
			t.Errorf("a member makes a link: got %q, want not-allowed", got)
		}
		if got := bob.Fails(core.RevokeLink{Chat: g, Link: w.Clients[0].Person()}); got != core.ErrNotAllowed {
			t.Errorf("a member withdraws one: got %q, want not-allowed", got)
		}
	})
}

// TestLinkOffline shows that a GroupInvite without its server says so, in time.
func TestLinkOffline(t *testing.T) {
	w, ann, g, _ := linked(t, core.GroupInvite{})
	ann.SetOffline(true)
	id := ann.Do(core.GroupInvite{Chat: g})
	w.Pass(20 * time.Second)
	if got := ann.Replies[id].Err; got != core.ErrOffline {
		t.Errorf("got %q, want offline", got)
	}
}

// TestLinkTreeBlob lets many in so that the tree goes through a blob, once a batch; on a server that
// takes no blobs it goes into each answer.
func TestLinkTreeBlob(t *testing.T) {
	for _, blobs := range []bool{true, false} {
		w, ann, g, link := linked(t, core.GroupInvite{})
		puts, largest := 0, 0
		w.Step = func(_ *coretest.Client, _ core.Input, effects []core.Effect) {
			for _, e := range effects {
				switch e := e.(type) {
				case core.PutObject:
					puts++
				case core.Persist:
					n := 0
					for _, op := range e.Ops {
						n += len(op.Value)
					}
					largest = max(largest, n)
				}
			}
		}
		w.Server.Refuse = func(_ *coretest.Client, r wire.Request) wire.Answer {
			if _, ok := r.(wire.BlobStat); ok && !blobs {
				return wire.Done{Code: plane.Refused}
			}
			return nil
		}
		var all []*coretest.Client
		for i := range 30 {
			c := w.Client(fmt.Sprintf("N%02d", i))
			c.Do(core.Join{Link: link, Name: c.Name})
			all = append(all, c)
		}
		w.Pass(10 * time.Second)
		healthy(t, w, append(all, ann)...)
		for _, c := range all {
			if got := c.Chat("Trip").Members; got != 31 {
				t.Errorf("blobs %v: %s sees %d members, want 31", blobs, c.Name, got)
			}
		}
		if puts == 0 || puts > 3 {
			t.Errorf("blobs %v: %d trees put, want 1 to 3", blobs, puts)
		}
		t.Logf("blobs %v: largest Persist %d bytes", blobs, largest)
		if largest > 16<<20 {
			t.Errorf("blobs %v: largest Persist %d bytes, over the vault's 16 MiB", blobs, largest)
		}
		coretest.Must[core.Sent](all[29], core.SendText{Chat: g, Text: "hello"})
		has(t, all[0], g, "N29: hello")
	}
}

// TestLinkQuiet shows that nobody is woken again and again while somebody waits for a yes, or for an
// admin who is away.
func TestLinkQuiet(t *testing.T) {
	w, ann, _, link := linked(t, core.GroupInvite{Approve: true})
	bob := newcomer(t, w, "Bob", link)
	w.Pass(5 * time.Minute)
	ticks := map[string]int{}
	w.Step = func(c *coretest.Client, in core.Input, _ []core.Effect) {
		if _, ok := in.(core.Tick); ok {
			ticks[c.Name]++
		}
	}
	w.Pass(5 * time.Minute)
	ann.SetOffline(true)
	w.Pass(5 * time.Minute)
	bob.Drop()
	w.Pass(5 * time.Minute)
	for name, n := range ticks {
		if n > 30 {
			t.Errorf("%s was woken %d times in 15 minutes", name, n)
		}
	}
}

// TestOwnLinks lists the links to oneself and withdraws one, while the server is away at first.
func TestOwnLinks(t *testing.T) {
	w := coretest.New(t)
	ann := w.Client("Ann")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	one := coretest.Must[core.InviteLink](ann, core.Invite{Uses: 3})
	two := coretest.Must[core.InviteLink](ann, core.Invite{})
	list := coretest.Must[core.Links](ann, core.GetLinks{}).Links
	if len(list) != 2 || list[0].ID != one.ID || list[0].Link != one.Link || list[0].Uses != 3 || list[1].Link != two.Link {
		t.Fatalf("links: got %+v", list)
	}
	ann.SetOffline(true)
	coretest.Must[core.Done](ann, core.RevokeLink{Link: one.ID})
	ann.Crash()
	ann.SetOffline(false)
	w.Pass(5 * time.Second)
	if got := coretest.Must[core.Links](ann, core.GetLinks{}).Links; len(got) != 1 || got[0].ID != two.ID {
		t.Errorf("after: got %+v", got)
	}
	if got := w.Client("Bob").Fails(core.Join{Link: one.Link, Name: "Bob"}); got != core.ErrLinkUsedUp {
		t.Errorf("the withdrawn link: got %q, want link-used-up", got)
	}
	coretest.Must[core.Joined](w.Client("Cid"), core.Join{Link: two.Link, Name: "Cid"})
	if got := ann.Fails(core.RevokeLink{Link: "nonsense"}); got != core.ErrBadArguments {
		t.Errorf("nonsense: got %q, want bad-arguments", got)
	}
}
