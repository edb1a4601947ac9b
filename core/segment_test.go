package core_test

import (
	"testing"

	"paperplane/core"
	"paperplane/core/timeline"
)

// TestOwnOut leaves out of what is for others that one was removed oneself: they have that under another
// id, and would show it twice.
func TestOwnOut(t *testing.T) {
	log := [16]byte{7}
	line := func(n int, what string) timeline.Carried {
		return timeline.Carried{Entry: timeline.Entry{ID: timeline.NoticeID(log, 9, n), Log: log, Seq: 9, Kind: timeline.Notice, Line: &timeline.Line{What: what}}}
	}
	for _, x := range []struct {
		n    int
		what string
		in   bool
	}{{0, "removed", false}, {0, "banned", false}, {12, "removed", false}, {1, "removed", true}, {0, "renamed", true}} {
		for _, others := range []bool{true, false} {
			got := len(core.Within(core.MakeSegment{Others: others}, []timeline.Carried{line(x.n, x.what)})) == 1
			if want := x.in || !others; got != want {
				t.Errorf("%s of number %d, for others %v: got %v, want %v", x.what, x.n, others, got, want)
			}
		}
	}
}
