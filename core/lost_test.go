package core_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

var (
	lostSeed = flag.Uint64("lost.seed", 1, "first seed of TestNobodyIsLost")
	lostRuns = flag.Int("lost.runs", 5, "how many seeds TestNobodyIsLost takes")
)

// TestNobodyIsLost lives random lives: members of a group and pairs talk, come by link, go away,
// crash at any effect, come back from old copies of their vaults, and their server loses records by
// age. At the end everybody is where the others are, and what is written then arrives at all, once.
func TestNobodyIsLost(t *testing.T) {
	lost, healed := 0, 0
	for seed := *lostSeed; seed < *lostSeed+uint64(*lostRuns); seed++ {
		t.Run(fmt.Sprint("seed-", seed), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed)
			h, l := life(t, seed)
			healed += h
			lost += l
		})
	}
	t.Logf("%d lives from seed %d: %d times found back, %d members lost", *lostRuns, *lostSeed, healed, lost)
}

// life lives one, and returns how often somebody found back and how many are lost.
func life(t *testing.T, seed uint64) (healed, lost int) { return lifeOf(t, seed, false) }

// lifeOf is life; light: every other member stays light while it can.
func lifeOf(t *testing.T, seed uint64, light bool) (healed, lost int) {
	r := rand.New(rand.NewPCG(seed, 1))
	w, ann, g, link := linked(t, core.GroupInvite{Days: 365})
	all := []*coretest.Client{ann}
	join := func() {
		w.Light = light && len(all)%2 == 0
		c := w.Client(fmt.Sprintf("M%d", len(all)))
		for range 20 {
			id := c.Do(core.Join{Link: link, Name: c.Name})
			w.Run()
			if x, ok := c.Replies[id]; ok && x.Err == "" {
				break
			}
			w.Pass(time.Second)
		}
		all = append(all, c)
	}
	join()
	join()
	w.Pass(time.Minute)
	copies := map[*coretest.Client]*coretest.Vault{}
	restored := map[string]bool{} // texts of those who went back behind them
	var texts []string
	by := map[string]*coretest.Client{}
	var log []string
	note := func(f string, a ...any) { log = append(log, fmt.Sprintf(f, a...)) }
	for step := range 60 {
		c := all[r.IntN(len(all))]
		switch n := r.IntN(20); {
		case n < 8:
			chats := c.State().Chats
			if c.Person() == "" || len(chats) == 0 {
				continue
			}
			x := chats[r.IntN(len(chats))]
			text := fmt.Sprintf("t%d", step)
			note("%d %s says in %s %s", step, c.Name, x.Kind, x.State)
			c.Do(core.SendText{Chat: x.ID, Text: text})
			if x.Kind == core.ChatGroup {
				texts = append(texts, text)
				by[text] = c
			}
		case n < 10:
			note("%d %s offline %v", step, c.Name, !c.Offline)
			c.SetOffline(!c.Offline)
		case n < 12:
			c.CrashIn, c.Arrives = 1+r.IntN(25), r.IntN(2) == 0
			note("%d %s crashes in %d", step, c.Name, c.CrashIn)
		case n < 14:
			copies[c] = c.Vault.Clone()
			note("%d %s copy", step, c.Name)
		case n < 15:
			if v := copies[c]; v != nil {
				note("%d %s restored", step, c.Name)
				for x, o := range by {
					if o == c {
						restored[x] = true
					}
				}
				c.Restore(v)
			}
		case n < 16 && len(all) < 6:
			note("%d join", step)
			join()
		case n < 17:
			note("%d Ann renames", step)
			ann.Do(core.SetGroup{Chat: g, Name: fmt.Sprintf("Trip %d", step)})
		case n < 18 && r.IntN(4) == 0:
			note("%d a month", step)
			w.Leap(35 * 24 * time.Hour)
			for _, x := range append(c.State().Chats, ann.State().Chats...) {
				if l := w.Server.Log(x.ID); l != nil && r.IntN(2) == 0 {
					l.Expire(l.Head())
				}
			}
		default:
			w.Pass(time.Duration(r.IntN(90)) * time.Second)
		}
		if r.IntN(3) > 0 {
			w.Run()
		}
	}
	for _, c := range all {
		c.CrashIn = 0
		c.SetOffline(false)
	}
	w.Pass(5 * time.Minute)
	for range 40 {
		if !slices.ContainsFunc(all, func(c *coretest.Client) bool { return !well(c) }) {
			break
		}
		w.Leap(20 * time.Minute)
		w.Pass(30 * time.Second)
	}
	var probes []string
	for _, c := range all {
		if !slices.ContainsFunc(c.State().Chats, func(x core.Chat) bool { return x.ID == g && x.State == "open" }) {
			continue
		}
		text := "probe of " + c.Name
		c.Do(core.SendText{Chat: g, Text: text})
		probes = append(probes, text)
	}
	w.Pass(2 * time.Minute)
	for _, c := range all {
		if c.Person() == "" {
			continue // went back behind its beginning
		}
		bad := !well(c)
		n := map[string]int{}
		for _, x := range c.Page(g) {
			n[x.Text]++
			if x.Kind == core.KindNotice && x.Notice.What == "healed" {
				healed++
			}
			if x.Own && x.Kind == core.KindText && x.State == core.StateQueued {
				bad = true
				t.Errorf("%s: still queued: %s", c.Name, x.Text)
			}
		}
		for _, x := range probes {
			if n[x] != 1 {
				bad = true
				t.Errorf("%s has %q %d times", c.Name, x, n[x])
			}
		}
		for _, x := range texts {
			if n[x] > 1 && !restored[x] {
				t.Errorf("%s has %q %d times", c.Name, x, n[x])
			}
		}
		if bad {
			lost++
		}
	}
	if t.Failed() {
		for _, c := range all {
			for _, x := range c.State().Chats {
				t.Logf("%s: %s %q %s members %d forked %v", c.Name, x.Kind, x.Name, x.State, x.Members, x.Forked)
			}
		}
		for _, c := range all {
			t.Logf("%s: %s", c.Name, c.M.DebugChat(g)+fmt.Sprintf(" %q", c.Texts(g)))
		}
		t.Logf("seed %d:\n%s", seed, strings.Join(log, "\n"))
	}
	return healed, lost
}

// well says that no chat of c waits for anything.
func well(c *coretest.Client) bool {
	for _, x := range c.State().Chats {
		if x.State != "open" {
			return false
		}
	}
	return true
}
