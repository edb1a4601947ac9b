package core_test

import (
	"testing"
	"testing/cryptotest"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// TestRemake sets the owner of a group back behind two turns of the log's keys, while nobody else is
// there: its log opens with no key that it has. After some hours of asking it makes the log open again,
// writes into it, and whoever comes later is let in. Alone it does the same.
func TestRemake(t *testing.T) {
	for _, alone := range []bool{false, true} {
		cryptotest.SetGlobalRandom(t, 1)
		w, ann, g, link := linked(t, core.GroupInvite{})
		var all []*coretest.Client
		for _, name := range []string{"Bob", "Cid", "Dan", "Eve"} {
			all = append(all, newcomer(t, w, name, link))
			w.Pass(2 * time.Second)
		}
		w.Pass(3 * time.Minute)
		old, out := ann.Vault.Clone(), all[2:]
		if alone {
			out = all
		}
		for _, c := range out {
			coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: c.Person()})
			w.Pass(time.Minute)
		}
		bob, cid := all[0], all[1]
		bob.SetOffline(true)
		cid.SetOffline(true)
		l := w.Server.Log(g)
		l.Expire(l.Head())
		w.Leap(40 * 24 * time.Hour)
		ann.Restore(old)
		ann.Do(core.SendText{Chat: g, Text: "from the old copy"})
		w.Pass(10 * time.Minute)
		if got := ann.Chat("Trip").State; got != "healing" {
			t.Errorf("alone %v: at first the chat is %s, want healing", alone, got)
		}
		for range 40 {
			w.Leap(20 * time.Minute)
		}
		healthy(t, w, ann)
		has(t, ann, g, "Ann: from the old copy")
		if alone {
			continue
		}
		bob.SetOffline(false)
		cid.SetOffline(false)
		for range 10 {
			w.Leap(20 * time.Minute)
		}
		talk(t, w, g, "after", ann, bob, cid)
		if t.Failed() {
			t.Log(ann.M.DebugChat(g), "\n", bob.M.DebugChat(g))
		}
	}
}
