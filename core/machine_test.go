package core_test

import (
	"slices"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// pair makes Ann, who starts with the server's link, and Bob, who opens hers.
func pair(t testing.TB) (w *coretest.World, ann, bob *coretest.Client) {
	t.Helper()
	w = coretest.New(t)
	ann, bob = w.Client("Ann"), w.Client("Bob")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	link := coretest.Must[core.InviteLink](ann, core.Invite{})
	coretest.Must[core.Joined](bob, core.Join{Link: link.Link, Name: "Bob"})
	return w, ann, bob
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// TestTwoTalk shows the whole way from a server's link to two people who read each other.
func TestTwoTalk(t *testing.T) {
	w, ann, bob := pair(t)
	a, b := ann.Chat("Bob"), bob.Chat("Ann")
	if a.ID != b.ID || a.Kind != core.ChatTwo {
		t.Fatalf("got chats %+v and %+v", a, b)
	}
	coretest.Must[core.Sent](bob, core.SendText{Chat: b.ID, Text: "hello"})
	coretest.Must[core.Sent](ann, core.SendText{Chat: a.ID, Text: "good day"})
	want := []string{"Bob: hello", "Ann: good day"}
	same(t, "Ann reads", ann.Texts(a.ID), want)
	same(t, "Bob reads", bob.Texts(b.ID), want)
	if got := ann.Chat("Bob").Unread; got != 1 {
		t.Errorf("Ann's unread: got %d, want 1", got)
	}
	w.Pass(40 * time.Second)
	for _, x := range bob.Page(b.ID) {
		if x.Own && x.State != core.StateDelivered {
			t.Errorf("Bob's message: got %s, want delivered", x.State)
		}
	}
	if got := bob.Chat("Ann").State; got != "open" {
		t.Errorf("Bob's chat: got %s, want open", got)
	}
}
