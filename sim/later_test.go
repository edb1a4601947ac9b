package sim

import (
	"strings"
	"testing"

	"paperplane/core"
	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// TestLaterSelf: who was set back to before a membership has what was said in it, and only that; somebody
// who was out and came back without being let in is found.
func TestLaterSelf(t *testing.T) {
	log := [16]byte{1}
	me, ann, bob := plane.PublicKey{1}, plane.PublicKey{2}, plane.PublicKey{3}
	line := func(seq plane.Seq, what string, who [32]byte, whom ...[32]byte) timeline.Entry {
		return timeline.Entry{ID: timeline.NoticeID(log, uint64(seq), 16), Log: log, Seq: uint64(seq), Kind: timeline.Notice, Line: &timeline.Line{What: what, Who: who, Whom: whom}}
	}
	came, gone := line(50, "came", ann, me), line(60, "left", me)
	for _, x := range []struct {
		name     string
		restored bool
		others   []timeline.Entry
		has      []plane.Seq // messages that its own history has
		want     string      // how the only violation begins
	}{
		{"a later self had come in", true, []timeline.Entry{came}, []plane.Seq{10, 55, 75}, ""},
		{"and what was said in it is missing", true, []timeline.Entry{came}, []plane.Seq{10, 75}, "me: message"},
		{"something from before it came in", true, []timeline.Entry{came}, []plane.Seq{10, 45, 55, 75}, "me: message"},
		{"it was out again", true, []timeline.Entry{came, gone}, []plane.Seq{10, 55, 75}, "me: message"},
		{"it was removed again", true, []timeline.Entry{came, line(60, "removed", ann, me)}, []plane.Seq{10, 55, 75}, "me: message"},
		{"nobody let it in", true, nil, []plane.Seq{10, 55, 75}, "me: message"},
		{"it was not set back", false, []timeline.Entry{came}, []plane.Seq{10, 55, 75}, "me: message"},
		{"somebody else came in", true, []timeline.Entry{line(50, "came", ann, bob)}, []plane.Seq{10, 55, 75}, "me: message"},
		{"it lacks the line of who came back and told it", true, []timeline.Entry{came, line(65, "rejoined", bob)}, []plane.Seq{10, 55, 75}, ""},
		{"it lacks such a line since", true, []timeline.Entry{came, line(72, "rejoined", bob)}, []plane.Seq{10, 55, 75}, "me: line"},
		{"it lacks a line that all others have", true, []timeline.Entry{came, line(65, "renamed", ann)}, []plane.Seq{10, 55, 75}, "me: line"},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(1)
			have := func(name string, who plane.PublicKey) *history {
				return &history{c: &simClient{w: w, name: name, account: who.Text()}, chat: core.Chat{State: "left"},
					entries: map[timeline.ID]plane.Seq{}, lines: map[timeline.ID]timeline.Entry{}, spans: []span{{open: true}}}
			}
			say := func(h *history, list ...plane.Seq) {
				for _, n := range list {
					id := timeline.ID{byte(n)}
					h.entries[id] = n
					h.order = append(h.order, id)
				}
			}
			other, third, own := have("ann", ann), have("bob", bob), have("me", me)
			say(other, 10, 45, 55, 75)
			say(third, 10, 45, 55, 75)
			own.c.restored = x.restored
			for _, e := range []timeline.Entry{line(1, "joined", me), line(40, "left", me), line(70, "joined", me)} {
				own.notice(e, me)
			}
			say(own, x.has...)
			for _, e := range append([]timeline.Entry{line(40, "left", me)}, x.others...) {
				other.notice(e, ann)
				if e.Line.What != "rejoined" || e.Line.Who != bob { // of oneself one is told otherwise
					third.notice(e, bob)
				}
			}
			w.agree(log, []*history{other, third, own})
			if got := strings.Join(w.failed, "\n"); (got == "") != (x.want == "") || !strings.HasPrefix(got, x.want) || len(w.failed) > 1 {
				t.Errorf("got %q, want one that begins with %q", w.failed, x.want)
			}
		})
	}
}
