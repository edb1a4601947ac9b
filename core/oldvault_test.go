package core_test

import (
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/account"
	. "paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// TestVaultBeforeMandate (D-35) has the vault be written before conversations are told of a new mandate, where
// that can be had in ten seconds: whoever comes back by words at any moment after is let in everywhere. Where it
// could not, and the vault stays from before, the new device is told in every chat why nobody lets it in.
func TestVaultBeforeMandate(t *testing.T) {
	for _, blocked := range []bool{false, true} {
		w, ann, bob, chat, group, words := vaulted(t)
		lap := w.Client("laptop")
		link(t, ann, lap, "Laptop")
		w.Pass(5 * time.Minute)
		lap.SetOffline(true)
		if blocked {
			w.Server.Refuse = func(c *Client, r wire.Request) wire.Answer {
				if _, ok := r.(wire.BlobStat); ok && c == ann {
					return wire.Done{Code: plane.Failed}
				}
				return nil
			}
		}
		gen := func() uint32 {
			_, n := bob.M.Mandate(group, ann.Person())
			return n
		}
		Must[core.Done](ann, core.RemoveDevice{Device: core.Liar{M: lap.M}.Device().Text()})
		for n := 0; gen() == 0; n++ {
			if w.Pass(100 * time.Millisecond); n > 200 {
				t.Fatal("no mandate in 20 s")
			}
			if blocked && n < 80 && gen() != 0 {
				t.Fatalf("told after %d00 ms, before the vault", n)
			}
		}
		ann.SetOffline(true) // for good
		w.Server.Refuse = nil
		fresh := w.Client("fresh")
		Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
		w.Pass(2 * time.Minute)
		want, why := "open", core.ErrCode("")
		if blocked {
			want, why = "healing", core.ErrOutdated
		}
		for name, id := range map[string]string{"Bob": chat, "Group": group} {
			c := fresh.Chat(name)
			if c.State != want || c.Refused != why {
				t.Errorf("blocked %v: got %q, %q, want %q, %q", blocked, c.State, c.Refused, want, why)
			}
			if got := bob.M.HasLeaf(id, ann.Person(), core.Liar{M: fresh.M}.Device()); got == blocked {
				t.Errorf("blocked %v: the new device is in: %v", blocked, got)
			}
		}
		if blocked {
			fresh.Crash()
			if c := fresh.Chat("Group"); c.Refused != core.ErrOutdated {
				t.Errorf("after a restart: got %q", c.Refused)
			}
		}
	}
}

// TestOldKnockAnswered (Q-04, D-35) has a device that was signed out, and has lost the thread, ask as an honest one
// would: it is told so at once, and not for the sake of one liar who is no member. Its knocks, however late by
// its clock, make those of the devices that remain no repeats.
func TestOldKnockAnswered(t *testing.T) {
	w, ann, lap, _, bob, chat, g := household(t)
	thief := core.Liar{M: lap.M}
	lap.SetOffline(true)
	Must[core.Done](ann, core.RemoveDevice{Device: thief.Device().Text()})
	w.Pass(time.Minute)
	ann.SetOffline(true)
	for _, id := range []string{g, chat} {
		log, kem := core.Liar{M: bob.M}.Queue(g)
		if id == chat {
			log, kem = core.Liar{M: bob.M}.Inbox()
		}
		was := bob.M.Answered(id)
		w.Inject(log, thief.Knock(w.Now, log, kem, id, func(k *account.Knock) {
			k.Old, k.At = thief.Device(), w.Now.Add(40*time.Hour).UnixMilli()
		}))
		w.Pass(10 * time.Second)
		if got := bob.M.Answered(id) - was; got != 1 {
			t.Errorf("%d answers, want 1", got)
		}
		// The phone asks after that, by an honest clock.
		phone := core.Liar{M: ann.M}
		epoch := bob.M.Epoch(id)
		w.Inject(log, phone.Knock(w.Now, log, kem, id, func(k *account.Knock) { k.Old, k.Digest = phone.Device(), [8]byte{} }))
		w.Pass(10 * time.Second)
		if bob.M.Epoch(id) == epoch {
			t.Error("the device that remains is passed over")
		}
	}
}
