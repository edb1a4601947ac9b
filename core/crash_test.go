package core_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// script is a whole small life: joining, talking, a group, annotations, a removal. do carries a
// command out until it was done, as a face does that repeats a command after a restart.
func script(w *coretest.World, do func(c *coretest.Client, x core.Command) core.Result, link string, ann, bob, cid *coretest.Client) string {
	id := func(r core.Result) string { return r.(core.Sent).Message }
	do(bob, core.Join{Link: link, Name: "Bob"})
	a, b := ann.Chat("Bob").ID, bob.Chat("Ann").ID
	one := id(do(bob, core.SendText{Chat: b, Text: "one"}))
	two := id(do(ann, core.SendText{Chat: a, Text: "two", ReplyTo: one}))
	do(bob, core.React{Chat: b, Message: two, Emoji: "👍", On: true})
	do(ann, core.Edit{Chat: a, Message: two, Text: "zwei"})
	do(ann, core.MarkRead{Chat: a, Message: one})
	w.Pass(40 * time.Second)
	g := do(ann, core.NewGroup{Name: "Trip", Members: []string{a, ann.Chat("Cid").ID}}).(core.Joined).Chat
	w.Pass(time.Minute)
	three := id(do(bob, core.SendText{Chat: g, Text: "three"}))
	do(cid, core.SendText{Chat: g, Text: "four"})
	do(bob, core.Delete{Chat: g, Message: three})
	do(ann, core.RemoveMember{Chat: g, Person: cid.Person()})
	w.Pass(time.Minute)
	do(bob, core.SendText{Chat: g, Text: "five"})
	do(ann, core.SetGroup{Chat: g, Name: "Journey"})
	do(bob, core.Leave{Chat: g})
	w.Pass(2 * time.Minute)
	return g
}

// run lives the script; client number who dies before its n-th effect, and what it had sent is
// lost or, with arrives, reaches the server.
func run(t *testing.T, who, n int, arrives bool) (died bool) {
	t.Helper()
	w, ann, cid := (*coretest.World)(nil), (*coretest.Client)(nil), (*coretest.Client)(nil)
	w = coretest.New(t)
	ann, bob := w.Client("Ann"), w.Client("Bob")
	cid = w.Client("Cid")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	link := coretest.Must[core.InviteLink](ann, core.Invite{}).Link
	coretest.Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"})
	w.Pass(40 * time.Second)
	all := []*coretest.Client{ann, bob, cid}
	if n > 0 {
		all[who].CrashIn, all[who].Arrives = n, arrives
	}
	count := 0
	do := func(c *coretest.Client, x core.Command) core.Result {
		count++
		id := fmt.Sprint("cmd", count)
		for range 60 {
			c.DoID(id, x)
			w.Run()
			if r, ok := c.Replies[id]; ok && r.Err == "" {
				return r.Result
			} else if ok && r.Err != core.ErrOffline {
				t.Fatalf("crash %d of %s: %T: %s", n, all[who].Name, x, r.Err)
			}
			w.Pass(time.Second)
		}
		t.Fatalf("crash %d of %s: %T is never done", n, all[who].Name, x)
		return nil
	}
	g := script(w, do, link, ann, bob, cid)
	at := fmt.Sprintf("crash %d of %s: ", n, all[who].Name)
	want := []string{"Bob: one", "Ann: zwei"}
	for _, c := range []*coretest.Client{ann, bob} {
		chat := c.Chat(map[*coretest.Client]string{ann: "Bob", bob: "Ann"}[c]).ID
		list := c.Page(chat)
		same(t, at+c.Name+" reads", c.Texts(chat), want)
		if len(list) == 2 && (len(list[1].Reactions) != 1 || list[1].ReplyTo == nil || !list[1].Edited) {
			t.Errorf("%s%s: got %+v", at, c.Name, list[1])
		}
		if c == bob && list[0].State != core.StateRead {
			t.Errorf("%sBob's first: got %s, want read", at, list[0].State)
		}
	}
	talk := []string{"Bob: (deleted)", "Cid: four", "* Ann removed Cid", "Bob: five", "* Ann renamed Journey", "* Bob left"}
	if got := ann.Texts(g); len(got) < 2 || !slices.Equal(got[2:], talk) {
		t.Errorf("%sAnn reads the group: got %q, want %q", at, got, talk)
	}
	if got := bob.Texts(g); len(got) < 1 || !slices.Equal(got[1:len(talk)], talk[:len(talk)-1]) {
		t.Errorf("%sBob reads the group: got %q, want %q", at, got, talk)
	}
	for _, c := range all {
		for _, x := range c.State().Chats {
			if x.State == "broken" || x.State == "waiting" || x.Forked {
				t.Errorf("%s%s: chat %q is %s, forked %v", at, c.Name, x.Name, x.State, x.Forked)
			}
		}
		for _, k := range c.Vault.Keys() {
			if p := strings.Split(k, "/"); len(p) > 3 && p[1] == "c" && (p[3] == "o" || p[3] == "w") {
				t.Errorf("%s%s: left in the outbox: %s", at, c.Name, p[3])
			}
		}
	}
	return all[who].Died > 0
}

var everyCrash = flag.Bool("crash", false, "crash at every effect, not at a sample of them")

// TestCrash kills each client at each of its effects in turn, with everything that was on the
// way to it lost, and wants the same end. Without -crash it takes a sample.
func TestCrash(t *testing.T) {
	run(t, 0, 0, false)
	step := 13
	if *everyCrash {
		step = 1
	}
	for who, name := range []string{"Ann", "Bob", "Cid"} {
		for _, arrives := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s-arrives-%v", name, arrives), func(t *testing.T) {
				n := 1 + who
				for ; run(t, who, n, arrives) && !t.Failed(); n += step {
				}
				if !t.Failed() && n < 30 {
					t.Errorf("only %d effects: the script proves little", n)
				}
				t.Logf("%d crash points", n/step)
			})
		}
	}
}
