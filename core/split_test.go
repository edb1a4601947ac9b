package core_test

import (
	"fmt"
	"testing"
	"testing/cryptotest"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// TestSplit has the server show a commit to one half of a group and rubbish in its place to the other,
// which then makes a commit of its own: two halves that each understand themselves. All come to the half
// whose commit stood first, by themselves, and read each other again.
func TestSplit(t *testing.T) {
	for _, chatty := range []string{"both", "first", "second"} {
		t.Run(chatty, func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, 1)
			w, ann, g, link := linked(t, core.GroupInvite{})
			all := []*coretest.Client{ann}
			for i := range 3 {
				all = append(all, newcomer(t, w, fmt.Sprintf("N%d", i), link))
				w.Pass(2 * time.Second)
			}
			coretest.Must[core.Done](ann, core.SetRole{Chat: g, Person: all[2].Person(), Role: core.RoleAdmin})
			w.Pass(3 * time.Minute)
			healthy(t, w, all...)
			first, second := all[:2], all[2:]
			at := w.Server.Log(g).Head() + 1
			w.Server.Show = func(c *coretest.Client, id plane.LogID, r wire.Record) *wire.Record {
				if id.Text() == g && r.Seq == at && (c == second[0] || c == second[1]) {
					return &wire.Record{Seq: r.Seq, Body: make([]byte, plane.RecordSmall)}
				}
				return &r
			}
			ann.Do(core.SetGroup{Chat: g, Name: "First"})
			w.Pass(time.Minute)
			second[0].Do(core.SetGroup{Chat: g, Name: "Second"})
			w.Pass(time.Minute)
			w.Server.Show = nil
			for i, c := range all {
				if want := []string{"First", "Second"}[i/2]; c.State().Chats == nil || nameOf(c, g) != want {
					t.Fatalf("%s is in %q, want %q: no split to heal", c.Name, nameOf(c, g), want)
				}
			}
			speakers := map[string][]*coretest.Client{"both": all, "first": first, "second": second}[chatty]
			for i := range 30 {
				for _, c := range speakers {
					c.Do(core.SendText{Chat: g, Text: fmt.Sprintf("%d of %s", i, c.Name)})
					w.Pass(7 * time.Second)
				}
			}
			w.Pass(10 * time.Minute)
			talk(t, w, g, "after", all...)
			for _, c := range all {
				// Who hears nobody goes to those whom it does not understand; else the first commit decides.
				if got := nameOf(c, g); got != nameOf(ann, g) || got != "First" && chatty == "first" {
					t.Errorf("%s is in %q, Ann in %q", c.Name, got, nameOf(ann, g))
				}
			}
		})
	}
}

func nameOf(c *coretest.Client, id string) string {
	for _, x := range c.State().Chats {
		if x.ID == id {
			return x.Name
		}
	}
	return ""
}
