package core_test

import (
	"fmt"
	"testing"
	"testing/cryptotest"
	"time"

	"paperplane/core"
	"paperplane/core/convo"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// small makes groups large with more than n leaves, for one test.
func small(t testing.TB, n int) {
	was := convo.PlainLeavesMax
	convo.PlainLeavesMax = n
	t.Cleanup(func() { convo.PlainLeavesMax = was })
}

// largeGroup makes Ann's group, whose link brought four more: its commits are sliced from the last on.
func largeGroup(t testing.TB) (w *coretest.World, ann *coretest.Client, all []*coretest.Client, g, link string) {
	t.Helper()
	small(t, 4)
	w, ann, g, link = linked(t, core.GroupInvite{})
	for i := range 4 {
		all = append(all, newcomer(t, w, fmt.Sprintf("N%d", i), link))
		w.Pass(2 * time.Second)
	}
	w.Pass(3 * time.Minute)
	healthy(t, w, append(all, ann)...)
	for _, c := range append(all, ann) {
		if got := c.Chat("Trip").Members; got != 5 {
			t.Fatalf("%s sees %d members, want 5", c.Name, got)
		}
		if got := c.M.Sliced(g); !got {
			t.Fatalf("%s: not sliced", c.Name)
		}
	}
	return w, ann, all, g, link
}

// talk has everybody say something and fails unless all read it.
func talk(t testing.TB, w *coretest.World, g, what string, all ...*coretest.Client) {
	t.Helper()
	var want []string
	for _, c := range all {
		text := what + " of " + c.Name
		c.Do(core.SendText{Chat: g, Text: text})
		want = append(want, c.Name+": "+text)
	}
	w.Pass(30 * time.Second)
	healthy(t, w, all...)
	for _, c := range all {
		has(t, c, g, want...)
	}
}

// TestLargeGroup removes, adds by link, renames and refreshes in a group whose commits are sliced;
// somebody who was away meanwhile reads them one after the other.
func TestLargeGroup(t *testing.T) {
	w, ann, all, g, link := largeGroup(t)
	gets := 0
	w.Step = func(_ *coretest.Client, _ core.Input, effects []core.Effect) {
		for _, e := range effects {
			if x, ok := e.(core.GetObject); ok && x.Length > 0 {
				gets++
			}
		}
	}
	talk(t, w, g, "first", append(all, ann)...)
	away := all[3]
	away.SetOffline(true)
	coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: all[0].Person()})
	w.Pass(5 * time.Second)
	coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "between"})
	late := newcomer(t, w, "Late", link)
	w.Pass(5 * time.Second)
	coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Name: "Journey"})
	coretest.Must[core.Done](all[1], core.Leave{Chat: g})
	w.Pass(time.Minute)
	if gets == 0 {
		t.Error("nobody read a slice")
	}
	away.SetOffline(false)
	w.Pass(time.Minute)
	has(t, away, g, "Ann: between")
	talk(t, w, g, "second", ann, all[2], away, late)
	if got := all[0].Chat("Trip").State; got != "left" {
		t.Errorf("who was removed is %s", got)
	}
	if got := away.Chat("Journey").Members; got != 4 {
		t.Errorf("%d members, want 4", got)
	}
	w.Leap(8 * 24 * time.Hour) // new keys
	w.Pass(time.Minute)
	talk(t, w, g, "third", ann, all[2], away, late)
}

// TestLargeGroupCrash lets who commits, or who reads, die at each of its effects.
func TestLargeGroupCrash(t *testing.T) {
	for _, who := range []int{0, 1} {
		for _, arrives := range []bool{false, true} {
			step := 3
			if *everyCrash {
				step = 1
			}
			for n := 1 + who; ; n += step {
				w, ann, all, g, _ := largeGroup(t)
				c := []*coretest.Client{ann, all[1]}[who]
				c.CrashIn, c.Arrives = n, arrives
				ann.Do(core.RemoveMember{Chat: g, Person: all[0].Person()})
				w.Pass(20 * time.Second)
				all[2].Do(core.SendText{Chat: g, Text: "hello"})
				w.Pass(20 * time.Second)
				died := c.Died
				c.CrashIn = 0
				if ann.Chat("Trip").Members == 5 { // died before the command was stored
					ann.Do(core.RemoveMember{Chat: g, Person: all[0].Person()})
					w.Pass(20 * time.Second)
				}
				talk(t, w, g, "after", ann, all[1], all[2], all[3])
				for _, x := range []*coretest.Client{ann, all[1], all[2], all[3]} {
					has(t, x, g, "N2: hello")
					if got := x.Chat("Trip").Members; got != 4 {
						t.Errorf("%s sees %d members, want 4", x.Name, got)
					}
					for _, l := range x.Texts(g) {
						if l == "* "+x.Name+" healed" {
							t.Errorf("%s lost the thread", x.Name)
						}
					}
				}
				if t.Failed() {
					t.Fatalf("crash %d of %d, arrives %v: %s | %s", n, who, arrives, ann.M.DebugChat(g), all[1].M.DebugChat(g))
				}
				if died == 0 {
					if n < 5 {
						t.Errorf("only %d effects: the test proves little", n)
					}
					break
				}
			}
		}
	}
}

// TestLargeGroupBlobMissing keeps a blob from one member: it is taken in again, and nobody else is
// disturbed; then from all but its maker, who has left with it: they go on without the commit.
func TestLargeGroupBlobMissing(t *testing.T) {
	for _, how := range []string{"missing", "wrong", "late"} {
		t.Run(how, func(t *testing.T) {
			w, ann, all, g, _ := largeGroup(t)
			asked := 0
			w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
				x, ok := r.(wire.BlobPart)
				if !ok || c != all[1] {
					return nil
				}
				asked++
				switch {
				case how == "late" && asked > 2:
					return nil
				case how == "wrong":
					return wire.BlobData{Data: make([]byte, x.Length)}
				}
				return wire.Done{Code: plane.Refused}
			}
			coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: all[0].Person()})
			coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: "behind"})
			w.Pass(3 * time.Minute)
			w.Server.Refuse = nil
			talk(t, w, g, "after", ann, all[1], all[2], all[3])
			healed := map[string]bool{}
			for _, c := range all[1:] {
				for _, l := range c.Texts(g) {
					healed[c.Name] = healed[c.Name] || l == "* "+c.Name+" healed"
				}
			}
			if healed["N1"] != (how != "late") || healed["N2"] || healed["N3"] {
				t.Errorf("healed: %v", healed)
			}
			if how == "late" {
				has(t, all[1], g, "Ann: behind")
			}
		})
	}
}

// TestLargeGroupBlobNowhere loses the blob of a commit for all who read it: they tell each other so
// and go on, and its maker comes back to them.
func TestLargeGroupBlobNowhere(t *testing.T) {
	w, ann, all, g, _ := largeGroup(t)
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		if _, ok := r.(wire.BlobPart); ok {
			return wire.Done{Code: plane.Refused}
		}
		return nil
	}
	coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Name: "Journey"})
	w.Run()
	ann.SetOffline(true)
	w.Pass(20 * time.Minute)
	w.Server.Refuse = nil
	for i := range 4 {
		talk(t, w, g, fmt.Sprint("without ", i), all...)
	}
	ann.SetOffline(false)
	w.Pass(30 * time.Minute)
	talk(t, w, g, "after", append(all, ann)...)
}

// TestNobodyIsLostLarge lives the lives of TestNobodyIsLost in groups whose commits are sliced.
func TestNobodyIsLostLarge(t *testing.T) {
	small(t, 2)
	for seed := *lostSeed; seed < *lostSeed+uint64(*lostRuns); seed++ {
		t.Run(fmt.Sprint("seed-", seed), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed)
			if _, lost := life(t, seed); lost > 0 {
				t.Errorf("%d members lost", lost)
			}
		})
	}
}
