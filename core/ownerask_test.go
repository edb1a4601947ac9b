package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// TestOwnerAsk: who came in by a link and is made an admin knows nobody there. It asks for the owner
// key, one of those who have it answers, and with it the admin ends a generation of the log alone.
// Who is no admin gets none (C-54, C-55).
func TestOwnerAsk(t *testing.T) {
	w, ann, bob, cid, g := trio(t)
	done(t, ann, core.SetRole{Chat: g, Person: bob.Person(), Role: core.RoleAdmin})
	w.Pass(time.Minute)
	link := coretest.Must[core.InviteLink](ann, core.GroupInvite{Chat: g}).Link
	dan := w.Client("Dan")
	coretest.Must[core.Joined](dan, core.Join{Link: link, Name: "Dan"})
	w.Pass(time.Minute)
	if got := dan.Fails(core.GroupInvite{Chat: g}); got != core.ErrNotAllowed {
		t.Errorf("a member makes a link: %q", got)
	}
	done(t, ann, core.SetRole{Chat: g, Person: dan.Person(), Role: core.RoleAdmin})
	// The question is asked and then everybody dies: it is asked again after the start.
	w.Pass(25 * time.Second)
	for _, c := range []*coretest.Client{ann, bob, dan} {
		c.Crash()
	}
	w.Pass(2 * time.Minute)
	ann.SetOffline(true)
	bob.SetOffline(true)
	before := w.Server.Gen(g)
	done(t, dan, core.RemoveMember{Chat: g, Person: cid.Person()})
	w.Pass(2 * time.Minute)
	if got := w.Server.Gen(g); got != before+1 {
		t.Errorf("generation %d at the server, want %d", got, before+1)
	}
	coretest.Must[core.InviteLink](dan, core.GroupInvite{Chat: g})
}
