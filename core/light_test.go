package core_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/cryptotest"
	"time"

	"paperplane/core"
	"paperplane/core/convo"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

var warmN = flag.Int("warm", 0, "how many people TestWarmCrowd takes, and 64 nodes as for everybody")

// lightly makes a group like largeGroup's, whose last two members came in light and stay so.
func lightly(t testing.TB) (w *coretest.World, ann *coretest.Client, all []*coretest.Client, g, link string) {
	t.Helper()
	w, ann, all, g, link = largeGroup(t)
	w.Light = true
	for i := range 2 {
		c := newcomer(t, w, fmt.Sprint("L", i), link)
		w.Pass(5 * time.Second)
		if !c.M.Light(g) {
			t.Fatalf("%s came in with the tree", c.Name)
		}
		all = append(all, c)
	}
	w.Light = false
	return w, ann, all, g, link
}

// full says who has the tree.
func full(g string, list ...*coretest.Client) (out string) {
	for _, c := range list {
		if !c.M.Light(g) {
			out += c.Name + " "
		}
	}
	return out
}

// TestLightMember joins, reads, writes and follows without the tree, over restarts, and gets it when
// there is something that only a full member can do.
func TestLightMember(t *testing.T) {
	w, ann, all, g, link := lightly(t)
	a, b := all[4], all[5]
	talk(t, w, g, "first", append(all, ann)...)
	if got := a.Chat("Trip").Members; got != 7 {
		t.Errorf("%d members, want 7", got)
	}
	coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Name: "Journey"})
	coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: all[0].Person()})
	w.Pass(20 * time.Second)
	a.Crash()
	b.SetOffline(true)
	late := newcomer(t, w, "Late", link)
	w.Pass(10 * time.Second)
	coretest.Must[core.Done](all[1], core.Leave{Chat: g})
	w.Pass(time.Minute)
	b.SetOffline(false)
	w.Pass(time.Minute)
	talk(t, w, g, "second", ann, all[2], all[3], a, b, late)
	for _, c := range []*coretest.Client{ann, a, b, late} {
		if got := c.Chat("Journey").Members; got != 6 {
			t.Errorf("%s sees %d members, want 6", c.Name, got)
		}
	}
	if got := full(g, a, b, late); got != "Late " {
		t.Errorf("full: %q, want who came last alone", got)
	}
	// A light one that becomes an admin, removes somebody without the tree, and gets it for what it
	// cannot judge without.
	coretest.Must[core.Done](ann, core.SetRole{Chat: g, Person: a.Person(), Role: "admin"})
	w.Pass(5 * time.Second)
	coretest.Must[core.Done](a, core.RemoveMember{Chat: g, Person: b.Person()})
	w.Pass(time.Minute)
	if got := b.Chat("Journey").State; got != "left" {
		t.Errorf("removed by who was light: %s, want left", got)
	}
	if got := full(g, a); got != "" {
		t.Errorf("full: %q, want nobody", got)
	}
	coretest.Must[core.Done](a, core.SetRole{Chat: g, Person: late.Person(), Role: "admin"})
	w.Pass(time.Minute)
	if got := full(g, a); got != "L0 " {
		t.Errorf("full: %q, want L0", got)
	}
	talk(t, w, g, "third", ann, all[2], all[3], a, late)
}

// TestLightLost loses a light member's thread: it comes back by itself.
func TestLightLost(t *testing.T) {
	w, ann, all, g, _ := lightly(t)
	a := all[4]
	copied := a.Vault.Clone()
	talk(t, w, g, "first", append(all, ann)...)
	coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: all[0].Person()})
	w.Pass(10 * time.Second)
	a.Restore(copied)
	w.Pass(10 * time.Minute)
	talk(t, w, g, "second", append(all[1:], ann)...)
}

// TestTreeCrash lets who gets the tree, and who puts it, die at each of their effects (G-16).
func TestTreeCrash(t *testing.T) {
	for _, who := range []string{"gets", "puts"} {
		step := 3
		if *everyCrash {
			step = 1
		}
		for n := 1; ; n += step {
			w, ann, all, g, link := largeGroup(t)
			c := ann
			if who == "puts" {
				c.CrashIn = n
			}
			late := newcomer(t, w, "Late", link)
			w.Pass(1500 * time.Millisecond)
			if who == "gets" {
				c = late
				c.CrashIn = n
			}
			w.Pass(30 * time.Second)
			died := c.Died
			c.CrashIn = 0
			w.Pass(5 * time.Minute) // the pages were there before anybody came in
			talk(t, w, g, "after", append(all, ann, late)...)
			if got := full(g, late); got == "" {
				t.Fatalf("%s, crash %d: stays light", who, n)
			}
			if t.Failed() {
				t.Fatalf("%s, crash %d", who, n)
			}
			if died == 0 {
				break
			}
		}
	}
}

// TestTreeLies has a server withhold pages, damage them, or give those of another tree: the member
// stays light and at ease, and gets the tree once the server is honest.
func TestTreeLies(t *testing.T) {
	for _, how := range []string{"withheld", "damaged", "other"} {
		t.Run(how, func(t *testing.T) {
			w, ann, all, g, link := largeGroup(t)
			var late *coretest.Client
			asked := 0
			seen := []byte(nil)
			w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
				x, ok := r.(wire.BlobStat)
				if !ok || c != late || late == nil {
					return nil
				}
				asked++
				switch b := w.Server.Blobs[x.Blob]; {
				case how == "withheld" || b == nil:
					return wire.Done{Code: plane.Refused}
				case how == "damaged":
					return wire.BlobData{Data: make([]byte, len(b))}
				default:
					if seen == nil {
						seen = b
					}
					return wire.BlobData{Data: seen[:len(seen)-1]}
				}
			}
			late = newcomer(t, w, "Late", link)
			w.Pass(10 * time.Minute)
			talk(t, w, g, "meanwhile", append(all, ann, late)...)
			if asked == 0 || full(g, late) != "" {
				t.Fatalf("asked %d times, full %q", asked, full(g, late))
			}
			w.Server.Refuse = nil
			w.Pass(3 * time.Hour)
			talk(t, w, g, "after", append(all, ann, late)...)
			if full(g, late) == "" {
				t.Error("stays light")
			}
		})
	}
}

// TestNobodyIsLostLight lives the lives of TestNobodyIsLost in sliced groups where every other member
// stays light until it has to commit.
func TestNobodyIsLostLight(t *testing.T) {
	small(t, 2)
	warmly(t, 2)
	for seed := *lostSeed; seed < *lostSeed+uint64(*lostRuns); seed++ {
		t.Run(fmt.Sprint("seed-", seed), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed)
			if _, lost := lifeOf(t, seed, true); lost > 0 {
				t.Errorf("%d members lost", lost)
			}
		})
	}
}

// warmly lets members warm a tree that has more than so many nodes to seal to.
func warmly(t testing.TB, n int) {
	was := convo.WarmEnough
	convo.WarmEnough = n
	t.Cleanup(func() { convo.WarmEnough = was })
}

// TestWarm lets members warm a tree that was filled by adds: one after the other, until commits are
// cheap, and then no more (G-17).
func TestWarm(t *testing.T) {
	warmly(t, 5)
	small(t, 3)
	w, ann, g, link := linked(t, core.GroupInvite{})
	all := []*coretest.Client{ann}
	for i := range 11 {
		all = append(all, newcomer(t, w, fmt.Sprint("N", i), link))
		w.Pass(time.Second)
	}
	w.Pass(20 * time.Second)
	healthy(t, w, all...)
	cold := ann.M.PathSize(g)
	epoch := ann.M.Epoch(g)
	w.Pass(10 * time.Minute)
	warm, turns := ann.M.PathSize(g), ann.M.Epoch(g)-epoch
	if cold <= 5 || warm > 8 || turns == 0 || turns > 12 {
		t.Errorf("sealed to %d nodes, after %d commits to %d; want at most 8 after a few", cold, turns, warm)
	}
	w.Pass(time.Hour)
	if got := ann.M.Epoch(g) - epoch; got != turns {
		t.Errorf("%d commits more in a warm tree", got-turns)
	}
	talk(t, w, g, "after", all...)
}

// TestWarmCrowd warms the tree of a crowd while its members talk, some read slowly and some have no
// tree: nobody stands still, and it takes no more commits than there are nodes to seal to (G-17).
func TestWarmCrowd(t *testing.T) {
	n, enough := 40, 8
	if *warmN > 0 {
		n, enough = *warmN, 64
	}
	warmly(t, enough)
	small(t, 8)
	w, ann, g, link := linked(t, core.GroupInvite{Uses: n})
	all := []*coretest.Client{ann}
	r := rand.New(rand.NewPCG(uint64(n), 7))
	for i := range n {
		w.Light = i%4 == 3 && i > 8
		all = append(all, newcomer(t, w, fmt.Sprint("N", i), link))
		if i%20 == 0 {
			w.Pass(time.Second)
		}
	}
	w.Light = false
	w.Pass(20 * time.Second)
	healthy(t, w, all...)
	cold, epoch := ann.M.PathSize(g), ann.M.Epoch(g)
	var said []string
	for still, last := 0, epoch; still < 10; still++ { // until none has come for a while
		if now := ann.M.Epoch(g); now != last {
			still, last = 0, now
		}
		c := all[r.IntN(len(all))]
		text := fmt.Sprint("word ", len(said))
		c.Do(core.SendText{Chat: g, Text: text})
		said = append(said, c.Name+": "+text)
		slow := all[r.IntN(len(all))]
		slow.HoldObjects = true
		w.Pass(time.Duration(1+r.IntN(15)) * time.Second)
		slow.HoldObjects = false
	}
	w.Pass(time.Minute)
	turns := ann.M.Epoch(g) - epoch
	t.Logf("%d members: sealed to %d nodes, after %d commits to %d; %d words meanwhile", n+1, cold, turns, ann.M.PathSize(g), len(said))
	if warm := ann.M.PathSize(g); cold <= enough || warm > 2*enough || turns > 64 {
		t.Errorf("sealed to %d nodes, after %d commits to %d; want at most 64, to about %d", cold, turns, warm, enough)
	}
	healthy(t, w, all...)
	for _, c := range all {
		has(t, c, g, said...)
		if got, want := c.M.Epoch(g), ann.M.Epoch(g); got != want {
			t.Errorf("%s is in epoch %d, want %d", c.Name, got, want)
		}
	}
}
