package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// TestLastUse: whoever took the last use of a link comes in, though nobody is there to answer until
// long after the knock was made anew, for which there is no use left; whoever comes after does not.
func TestLastUse(t *testing.T) {
	w, ann, _ := pair(t)
	g := coretest.Must[core.Joined](ann, core.NewGroup{Name: "Hall"}).Chat
	w.Pass(10 * time.Second)
	id := ann.Do(core.GroupInvite{Chat: g, Uses: 1})
	w.Pass(10 * time.Second)
	link, ok := ann.Replies[id].Result.(core.InviteLink)
	if !ok {
		t.Fatalf("a link: got %+v", ann.Replies[id])
	}
	ann.SetOffline(true)
	first, late := w.Client("First"), w.Client("Late")
	coretest.Must[core.Joined](first, core.Join{Link: link.Link, Name: "First"})
	late.Do(core.Join{Link: link.Link, Name: "Late"})
	for range 12 {
		w.Leap(10 * time.Minute)
	}
	if got := first.Chat("Hall").State; got != "waiting" {
		t.Fatalf("while nobody answers: got %q, want waiting", got)
	}
	ann.SetOffline(false)
	w.Pass(time.Minute)
	if got := first.Chat("Hall").State; got != "open" {
		t.Errorf("who took the last use: got %q, want open", got)
	}
	for _, x := range late.State().Chats {
		if x.Name == "Hall" && x.State == "open" {
			t.Error("who came after the last use is in")
		}
	}
}
