package core_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// result is what a client shows of a poll, a line an option.
func result(c *Client, chat, id string) core.Poll {
	c.W.T.Helper()
	m, err := core.Read(c.Vault, chat, id)
	if err != nil || m == nil || m.Poll == nil || m.Kind != core.KindPoll {
		c.W.T.Fatalf("%s shows no poll: %+v, %v", c.Name, m, err)
	}
	return *m.Poll
}

// public takes out of a poll what differs from person to person.
func public(p core.Poll) core.Poll {
	p.Right, p.Why = nil, ""
	p.Options = append([]core.PollOption{}, p.Options...)
	for i := range p.Options {
		p.Options[i].Own = false
	}
	return p
}

// TestPoll (C-56, C-57, C-58) shows a poll whose votes come from three devices, some of them away, in
// another order than they were said in: all show the same. The newest vote of a person counts, over devices,
// and none behind the end.
func TestPoll(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	Must[core.Done](bob, core.SetDraft{Chat: chat, Text: "half a"})
	id := Must[core.Sent](bob, core.SendPoll{Chat: chat, Question: " What? ", Options: []string{"tea", "coffee", "water"}, Silent: true}).Message
	w.Pass(10 * time.Second)
	if got := bob.Chat("Ann").Draft; got != "half a" {
		t.Errorf("the draft beside a poll: got %q", got)
	}
	if m := last(ann, chat); !m.Silent || m.Poll.Question != "What?" || m.Text != "What?" || ann.Chat("Bob").Unread != 1 {
		t.Errorf("arrives as %+v", m)
	}
	ann.SetOffline(true)
	lap.SetOffline(true)
	Must[core.Done](ann, core.Vote{Chat: chat, Message: id, Options: []int{0}})
	Must[core.Done](lap, core.Vote{Chat: chat, Message: id, Options: []int{2}})
	Must[core.Done](bob, core.Vote{Chat: chat, Message: id, Options: []int{1}})
	lap.SetOffline(false)
	w.Pass(10 * time.Second)
	ann.SetOffline(false)
	w.Pass(10 * time.Second)
	for _, c := range []*Client{ann, bob, lap} {
		p := result(c, chat, id)
		if p.Voters != 2 || p.Options[0].Votes != 1 || p.Options[1].Votes != 1 || p.Options[2].Votes != 0 || !reflect.DeepEqual(p.Options[0].By, []string{"Ann"}) {
			t.Errorf("%s shows %+v", c.Name, p)
		}
		if mine := p.Options[0].Own; mine == (c == bob) || p.Options[1].Own != (c == bob) {
			t.Errorf("%s takes for its own %+v", c.Name, p.Options)
		}
	}
	for why, x := range map[string]core.Vote{
		"two-of-one": {Chat: chat, Message: id, Options: []int{0, 1}}, "outside": {Chat: chat, Message: id, Options: []int{3}},
		"negative": {Chat: chat, Message: id, Options: []int{-1}},
	} {
		if got := ann.Fails(x); got != core.ErrBadArguments {
			t.Errorf("%s: got %q, want bad-arguments", why, got)
		}
	}
	Must[core.Done](ann, core.Vote{Chat: chat, Message: id})
	w.Pass(5 * time.Second)
	if p := result(bob, chat, id); p.Voters != 1 {
		t.Errorf("after Ann took hers back: got %+v", p)
	}
	// The end: a vote that stands behind it does not count, whoever could not know.
	if got := ann.Fails(core.ClosePoll{Chat: chat, Message: id}); got != core.ErrNotAllowed {
		t.Errorf("Ann ends Bob's: got %q", got)
	}
	lap.SetOffline(true)
	Must[core.Done](bob, core.ClosePoll{Chat: chat, Message: id})
	Must[core.Done](lap, core.Vote{Chat: chat, Message: id, Options: []int{2}})
	lap.SetOffline(false)
	w.Pass(10 * time.Second)
	want := public(result(bob, chat, id))
	if !want.Closed || want.Voters != 1 {
		t.Errorf("after the end: got %+v", want)
	}
	for _, c := range []*Client{ann, lap} {
		if p := public(result(c, chat, id)); !reflect.DeepEqual(p, want) {
			t.Errorf("%s shows %+v, want %+v", c.Name, p, want)
		}
	}
	if got := ann.Fails(core.Vote{Chat: chat, Message: id, Options: []int{0}}); got != core.ErrNotAllowed {
		t.Errorf("a vote after the end: got %q", got)
	}
	if got := bob.Fails(core.Edit{Chat: chat, Message: id, Text: "x"}); got != core.ErrNotAllowed {
		t.Errorf("an edit: got %q", got)
	}
	Must[core.Done](bob, core.Delete{Chat: chat, Message: id})
	w.Pass(5 * time.Second)
	if m := last(ann, chat); m.Kind != core.KindDeleted || m.Poll != nil || m.Text != "" {
		t.Errorf("deleted: got %+v", m)
	}
}

// TestQuiz shows that in a quiz the first vote stands, that the answer is told to who has voted, and that
// names can be hidden.
func TestQuiz(t *testing.T) {
	w, ann, bob := pair(t)
	chat := ann.Chat("Bob").ID
	id := Must[core.Sent](ann, core.SendPoll{Chat: chat, Question: "1+1", Options: []string{"2", "3"}, Hidden: true, Right: new(0), Why: "count"}).Message
	w.Pass(5 * time.Second)
	if p := result(bob, chat, id); p.Right != nil || p.Why != "" || !p.Quiz || !p.Hidden {
		t.Errorf("before a vote Bob knows %+v", p)
	}
	if got := bob.Fails(core.Vote{Chat: chat, Message: id}); got != core.ErrBadArguments {
		t.Errorf("no option: got %q", got)
	}
	// Two votes at once: the first that stands in the log counts.
	bob.SetOffline(true)
	Must[core.Done](bob, core.Vote{Chat: chat, Message: id, Options: []int{1}})
	Must[core.Done](bob, core.Vote{Chat: chat, Message: id, Options: []int{0}})
	bob.SetOffline(false)
	w.Pass(5 * time.Second)
	for _, c := range []*Client{ann, bob} {
		p := result(c, chat, id)
		if p.Options[1].Votes != 1 || p.Options[0].Votes != 0 || p.Right == nil || *p.Right != 0 || p.Why != "count" || p.Options[1].By != nil {
			t.Errorf("%s shows %+v", c.Name, p)
		}
	}
	if got := bob.Fails(core.Vote{Chat: chat, Message: id, Options: []int{0}}); got != core.ErrNotAllowed {
		t.Errorf("another vote: got %q", got)
	}
}

// TestPollBounds tries each bound of a poll at the limit and one past it.
func TestPollBounds(t *testing.T) {
	_, ann, _ := pair(t)
	chat := ann.Chat("Bob").ID
	options := func(n int) (list []string) {
		for i := range n {
			list = append(list, strings.Repeat("o", core.PollOptionBytesMax-1)+string(rune('a'+i)))
		}
		return list
	}
	q := strings.Repeat("q", core.PollTextBytesMax)
	for _, x := range []struct {
		p    core.SendPoll
		want core.ErrCode
	}{
		{core.SendPoll{Question: q, Options: options(core.PollOptionsMax)}, ""},
		{core.SendPoll{Question: q, Options: options(2), Right: new(1), Why: q}, ""},
		{core.SendPoll{Question: q + "q", Options: options(2)}, core.ErrBadArguments},
		{core.SendPoll{Question: q, Options: options(core.PollOptionsMax + 1)}, core.ErrBadArguments},
		{core.SendPoll{Question: q, Options: options(1)}, core.ErrBadArguments},
		{core.SendPoll{Question: "", Options: options(2)}, core.ErrTextEmpty},
		{core.SendPoll{Question: q, Options: []string{"a", " "}}, core.ErrTextEmpty},
		{core.SendPoll{Question: q, Options: []string{"a", " a"}}, core.ErrBadArguments},
		{core.SendPoll{Question: q, Options: []string{"a", options(1)[0] + "x"}}, core.ErrBadArguments},
		{core.SendPoll{Question: q, Options: options(2), Right: new(2)}, core.ErrBadArguments},
		{core.SendPoll{Question: q, Options: options(2), Right: new(-1)}, core.ErrBadArguments},
		{core.SendPoll{Question: q, Options: options(2), Right: new(0), Several: true}, core.ErrBadArguments},
		{core.SendPoll{Question: q, Options: options(2), Right: new(0), Why: q + "q"}, core.ErrBadArguments},
	} {
		x.p.Chat = chat
		if got := ann.Fails(x.p); got != x.want {
			t.Errorf("%d options, question of %d: got %q, want %q", len(x.p.Options), len(x.p.Question), got, x.want)
		}
	}
}
