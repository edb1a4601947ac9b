package core_test

import (
	"fmt"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// TestManyGenerations: who was away for 29 days, in which the log's keys changed every week, has
// everything within a second: generations that have ended are no reason to wait.
func TestManyGenerations(t *testing.T) {
	w, ann, bob, _, g := trio(t)
	first := w.Server.Log(g).Gen()
	bob.SetOffline(true)
	for day := range 29 {
		w.Leap(24 * time.Hour)
		w.Pass(5 * time.Second)
		coretest.Must[core.Sent](ann, core.SendText{Chat: g, Text: fmt.Sprintf("day %d", day)})
	}
	if n := w.Server.Log(g).Gen() - first; n < 3 {
		t.Fatalf("got %d changes of the log's keys, want some", n)
	}
	bob.SetOffline(false)
	w.Run()
	w.Pass(time.Second)
	page := bob.Page(g)
	if n := len(page); n < 29 || page[n-1].Text != "day 28" {
		t.Errorf("after a second: got %d messages, the last %q, want all up to day 28", n, page[max(0, n-1)].Text)
	}
}
