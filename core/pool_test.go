package core_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// pool returns the one-time packages of a client's inbox.
func pool(w *World, c *Client) [][]byte {
	id, _ := core.Liar{M: c.M}.Inbox()
	return w.Server.Log(id).Pool
}

// takePackages takes n away, as whoever has a link can.
func takePackages(w *World, c *Client, n int) {
	id, _ := core.Liar{M: c.M}.Inbox()
	l := w.Server.Log(id)
	l.Pool = slices.Clone(l.Pool[n:])
}

// TestPool (C-27) shows how many packages there are: 50; a look once a day makes 50 of fewer than 25, and leaves
// 25; each that was used is replaced at once; all are exchanged every week.
func TestPool(t *testing.T) {
	w, ann, _ := pair(t)
	want := func(what string, n int) {
		t.Helper()
		if got := len(pool(w, ann)); got != n {
			t.Errorf("%s: got %d packages, want %d", what, got, n)
		}
	}
	w.Pass(time.Minute)
	want("at first", 50)
	takePackages(w, ann, 25)
	w.Leap(25 * time.Hour)
	w.Pass(time.Minute)
	want("25 are left after a day", 25)
	takePackages(w, ann, 1)
	w.Pass(time.Minute)
	want("before the look", 24)
	w.Leap(25 * time.Hour)
	w.Pass(time.Minute)
	want("24 were left after a day", 50)

	takePackages(w, ann, 10)
	link := Must[core.InviteLink](ann, core.Invite{}).Link
	cid := w.Client("Cid")
	Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"})
	w.Pass(time.Minute)
	want("one was used", 50)

	before := pool(w, ann)
	w.Leap(8 * 24 * time.Hour)
	w.Pass(time.Minute)
	want("a week later", 50)
	for _, p := range pool(w, ann) {
		if slices.ContainsFunc(before, func(o []byte) bool { return bytes.Equal(o, p) }) {
			t.Fatal("a package of last week is given out still")
		}
	}
}

// TestLastResortUsed (C-27) shows that the last-resort package is exchanged when somebody has come through it.
func TestLastResortUsed(t *testing.T) {
	w, ann, _ := pair(t)
	link := Must[core.InviteLink](ann, core.Invite{}).Link
	w.Pass(time.Minute)
	_, kem := core.Liar{M: ann.M}.Inbox()
	takePackages(w, ann, 50)
	cid := w.Client("Cid")
	Must[core.Joined](cid, core.Join{Link: link, Name: "Cid"})
	w.Pass(time.Minute)
	if _, now := (core.Liar{M: ann.M}).Inbox(); bytes.Equal(now, kem) || len(pool(w, ann)) != 50 {
		t.Errorf("%d packages; the card is another: %v", len(pool(w, ann)), !bytes.Equal(now, kem))
	}
}
