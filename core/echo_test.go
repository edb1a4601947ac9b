package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
)

// TestEcho sets a member back to when a message still waited, which its later self has sent: it finds it in
// the log under its own signature, and does not send it once more.
func TestEcho(t *testing.T) {
	w, ann, bob, cid, g := trioLinked(t)
	bob.SetOffline(true)
	w.Run()
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "once"})
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "and again"})
	old := bob.Vault.Clone()
	bob.SetOffline(false)
	w.Pass(time.Minute)
	coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "later"})
	coretest.Must[core.Sent](cid, core.SendText{Chat: g, Text: "heard"})
	w.Pass(time.Minute)
	bob.Restore(old)
	w.Pass(10 * time.Minute)
	healthy(t, w, ann, bob, cid)
	want := []string{"Bob: once", "Bob: and again", "Bob: later", "Cid: heard"}
	same(t, "Ann reads", says(ann, g), want)
	same(t, "Cid reads", says(cid, g), want)
	same(t, "Bob reads", says(bob, g), want)
	for _, x := range bob.Page(g) {
		if x.Own && x.Kind != core.KindNotice && x.State == core.StateQueued {
			t.Errorf("Bob's %q still waits", x.Text)
		}
	}
}
