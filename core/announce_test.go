package core_test

import (
	"fmt"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// TestAnnounce shows that segments made for a newcomer serve the next, whoever lets them in; that what has
// come since is added; and that the rules of the day decide what anybody gets.
func TestAnnounce(t *testing.T) {
	w, ann, bob, _, g := trioLinked(t)
	link := Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].Link
	Must[core.Done](ann, core.SetGroup{Chat: g, Rules: &core.Rules{History: -1, Adders: "members"}})
	var want []string
	say := func(n int) {
		for range n {
			Must[core.Sent](bob, core.SendText{Chat: g, Text: fmt.Sprint("n", len(want))})
			want = append(want, fmt.Sprint("Bob: n", len(want)))
		}
		w.Pass(10 * time.Second)
	}
	blobs := func(what string, before, fresh int) int {
		t.Helper()
		if got := len(w.Server.Blobs) - before; got != fresh {
			t.Errorf("%s: %d new blobs, want %d", what, got, fresh)
		}
		return len(w.Server.Blobs)
	}
	say(5)
	first := newcomer(t, w, "first", link)
	w.Pass(30 * time.Second)
	n := blobs("first", 0, 1)
	same(t, "the first reads", says(first, g), want)
	ann.SetOffline(true)
	second := newcomer(t, w, "second", link)
	w.Pass(30 * time.Second)
	n = blobs("second", n, 1) // that the first came in
	same(t, "the second reads", says(second, g), want)
	say(70)
	third := newcomer(t, w, "third", link)
	w.Pass(30 * time.Second)
	blobs("third", n, 1)
	same(t, "the third reads", says(third, g), want)
	// That nothing is made anew shows when what was announced is gone.
	clear(w.Server.Blobs)
	say(1)
	late := newcomer(t, w, "late", link)
	w.Pass(30 * time.Second)
	same(t, "the late one reads", says(late, g), want[len(want)-1:])
	n = len(w.Server.Blobs)
	ann.SetOffline(false)
	w.Pass(30 * time.Second)
	Must[core.Done](ann, core.SetGroup{Chat: g, Rules: &core.Rules{Adders: "members"}})
	w.Pass(10 * time.Second)
	fourth := newcomer(t, w, "fourth", link)
	w.Pass(30 * time.Second)
	blobs("fourth", n, 0)
	same(t, "the fourth reads", says(fourth, g), nil)
}

// TestLongHistory (Q-13, D-02) shows that a newcomer gets more than one segment holds, in order.
func TestLongHistory(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{})
	Must[core.Done](ann, core.SetGroup{Chat: g, Rules: &core.Rules{History: -1}})
	var want []string
	for i := range 2001 {
		Must[core.Sent](ann, core.SendText{Chat: g, Text: fmt.Sprint(i)})
		want = append(want, fmt.Sprint("Ann: ", i))
	}
	c := newcomer(t, w, "c", link)
	w.Pass(time.Minute)
	same(t, "the newcomer reads", says(c, g), want)
	if n := len(w.Server.Blobs); n != 2 {
		t.Errorf("%d segments, want 2", n)
	}
}

// TestAnnounceLies shows that who may not add people announces nothing, and who may, at most 16 segments.
func TestAnnounceLies(t *testing.T) {
	w, ann, bob, cid, g := trioLinked(t)
	say := func(from *Client, n, want int) {
		t.Helper()
		core.Liar{M: from.M}.Announces(g, n)
		Must[core.Sent](from, core.SendText{Chat: g, Text: "x"})
		w.Pass(5 * time.Second)
		if got := cid.M.Told(g); got != want {
			t.Errorf("%s announces %d: Cid knows of %d, want %d", from.Name, n, got, want)
		}
	}
	say(bob, 3, 0)
	say(ann, 17, 0)
	say(ann, 16, 16)
	say(bob, 3, 16)
	say(ann, 0, 16)
}

// TestHistoryDays shows that "two days" are today and the two days before, and not the third.
func TestHistoryDays(t *testing.T) {
	w, ann, bob, _, g := trioLinked(t)
	link := Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].Link
	Must[core.Done](ann, core.SetGroup{Chat: g, Rules: &core.Rules{History: 2}})
	for i := range 5 {
		if i > 0 {
			w.Leap(24 * time.Hour)
		}
		Must[core.Sent](bob, core.SendText{Chat: g, Text: fmt.Sprint("day ", i)})
	}
	w.Pass(time.Minute)
	for range 2 { // made, then announced
		c := newcomer(t, w, "c", link)
		w.Pass(30 * time.Second)
		same(t, "the newcomer reads", says(c, g), []string{"Bob: day 2", "Bob: day 3", "Bob: day 4"})
	}
	w.Leap(24 * time.Hour)
	c := newcomer(t, w, "c", link)
	w.Pass(30 * time.Second)
	same(t, "a day later", says(c, g), []string{"Bob: day 3", "Bob: day 4"})
}
