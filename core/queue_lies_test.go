package core_test

import (
	"flag"
	"slices"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/account"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
)

// unmoved fails the test when what a liar did has changed the group, or hurt a member.
func unmoved(t *testing.T, w *coretest.World, g string, members int, all ...*coretest.Client) {
	t.Helper()
	w.Pass(2 * time.Minute)
	healthy(t, w, all...)
	for _, c := range all {
		for _, x := range c.State().Chats {
			if x.ID == g && x.Members != members {
				t.Errorf("%s sees %d members, want %d", c.Name, x.Members, members)
			}
		}
		coretest.Must[core.Sent](c, core.SendText{Chat: g, Text: "from " + c.Name})
	}
	for _, c := range all {
		for _, o := range all {
			has(t, c, g, o.Name+": from "+o.Name)
		}
	}
}

// TestQueueLies has a member, or one who was a member, lie to the queue and to those who wait there (Q-04, Q-09,
//
func TestQueueLies(t *testing.T) {
	t.Run("knock-for-another-group", func(t *testing.T) {
		w, ann, bob, cid, g := trioLinked(t)
		h := coretest.Must[core.Joined](cid, core.NewGroup{Name: "Other"}).Chat
		log, kem := core.Liar{M: ann.M}.Queue(g)
		// About another conversation, and by somebody who has no link.
		w.Inject(log, core.Liar{M: cid.M}.Knock(w.Now, log, kem, h, func(*account.Knock) {}))
		dan := newcomer(t, w, "Dan", coretest.Must[core.InviteLink](cid, core.GroupInvite{Chat: h}).Link)
		w.Pass(2 * time.Minute)
		w.Inject(log, core.Liar{M: dan.M}.Knock(w.Now, log, kem, g, func(k *account.Knock) { k.Again = false }))
		unmoved(t, w, g, 3, ann, bob, cid)
	})
	t.Run("replayed", func(t *testing.T) {
		w, ann, g, link := linked(t, core.GroupInvite{})
		bob := newcomer(t, w, "Bob", link)
		w.Pass(2 * time.Minute)
		log, _ := core.Liar{M: ann.M}.Queue(g)
		for _, r := range slices.Clone(w.Server.Log(log).Records) {
			w.Inject(log, r.Body)
		}
		unmoved(t, w, g, 2, ann, bob)
		for _, x := range bob.Texts(g) {
			if x == "* Bob healed" {
				t.Error("a repeated knock threw the member out")
			}
		}
	})
	t.Run("not-a-member", func(t *testing.T) {
		w, ann, bob, cid, g := trioLinked(t)
		log, kem := core.Liar{M: ann.M}.Queue(g)
		body := core.Liar{M: cid.M}.Knock(w.Now, log, kem, g, func(*account.Knock) {})
		coretest.Must[core.Done](ann, core.RemoveMember{Chat: g, Person: cid.Person()})
		w.Pass(5 * time.Second)
		w.Inject(log, body)
		w.Inject(log, core.Liar{M: cid.M}.Knock(w.Now.Add(time.Second), log, kem, g, func(k *account.Knock) { k.Old = core.Liar{M: bob.M}.Device() }))
		unmoved(t, w, g, 2, ann, bob)
	})
	t.Run("anothers-device", func(t *testing.T) {
		w, ann, bob, cid, g := trioLinked(t)
		log, kem := core.Liar{M: ann.M}.Queue(g)
		w.Inject(log, core.Liar{M: cid.M}.Knock(w.Now, log, kem, g, func(k *account.Knock) { k.Old = core.Liar{M: bob.M}.Device() }))
		// A key package that is not of the one who asks.
		w.Inject(log, core.Liar{M: cid.M}.Knock(w.Now.Add(time.Second), log, kem, g, func(k *account.Knock) { k.Package = []byte("none") }))
		unmoved(t, w, g, 3, ann, bob, cid)
	})
	t.Run("invited-elsewhere", func(t *testing.T) {
		w, ann, g, link := linked(t, core.GroupInvite{})
		cid := newcomer(t, w, "Cid", link)
		w.Pass(2 * time.Minute)
		h := coretest.Must[core.Joined](cid, core.NewGroup{Name: "Trap"}).Chat
		ann.SetOffline(true)
		bob := newcomer(t, w, "Bob", link)
		reply, kem := core.Liar{M: bob.M}.Wait(g)
		kp := core.Liar{M: bob.M}.Package(g)
		for _, x := range [][2]string{{h, g}, {h, h}, {"", g}} {
			for _, b := range (core.Liar{M: cid.M}).Invite(w.Now, x[0], x[1], kp, reply, kem, "") {
				w.Inject(reply, b)
			}
		}
		w.Inject(reply, make([]byte, plane.RecordLarge))
		w.Pass(10 * time.Second)
		if got := bob.Chat("Trip").State; got != "waiting" {
			t.Errorf("after the lies: got %s, want waiting", got)
		}
		ann.SetOffline(false)
		unmoved(t, w, g, 3, ann, bob, cid)
		for _, x := range bob.State().Chats {
			if x.Name == "Trap" {
				t.Errorf("Bob is in the trap: %+v", x)
			}
		}
	})
	t.Run("told-to-leave", func(t *testing.T) {
		w, ann, bob, cid, g := trioLinked(t)
		old := bob.Vault.Clone()
		coretest.Must[core.Sent](bob, core.SendText{Chat: g, Text: "later"})
		ann.SetOffline(true)
		cid.SetOffline(true)
		bob.Restore(old)
		w.Pass(time.Minute)
		reply, kem := core.Liar{M: bob.M}.Wait(g)
		for _, why := range []string{"out", "current", "no", "banned", "rubbish"} {
			for _, b := range (core.Liar{M: cid.M}).Invite(w.Now, "", g, nil, reply, kem, why) {
				w.Inject(reply, b)
			}
		}
		w.Pass(10 * time.Second)
		if got := bob.Chat("Trip").State; got != "healing" {
			t.Errorf("after the lies of a member: got %s, want healing", got)
		}
		ann.SetOffline(false)
		cid.SetOffline(false)
		unmoved(t, w, g, 3, ann, bob, cid)
	})
}

var flood = flag.Int("flood", 400, "how many knocks TestQueueFlood leaves")

// TestQueueFlood leaves many knocks of strangers who need a yes, and rubbish: what a device holds
// and stores stays small, and who comes after the flood gets in once it is refused.
func TestQueueFlood(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{Approve: true})
	free := coretest.Must[core.InviteLink](ann, core.GroupInvite{Chat: g}).Link
	log, kem := core.Liar{M: ann.M}.Queue(g)
	ann.SetOffline(true)
	w.Run()
	door := coretest.Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].ID
	key, err := plane.ParsePublicKey(door)
	if err != nil || link == "" {
		t.Fatal(err)
	}
	for range *flood {
		w.Inject(log, core.Liar{M: core.Stranger(w.Now)}.Knock(w.Now, log, kem, g, func(k *account.Knock) {
			k.Again, k.Door, k.Old = false, key, plane.PublicKey{}
		}))
		w.Inject(log, make([]byte, plane.RecordLarge))
	}
	dan := newcomer(t, w, "Dan", free)
	largest := 0
	w.Step = func(_ *coretest.Client, _ core.Input, effects []core.Effect) {
		for _, e := range effects {
			if p, ok := e.(core.Persist); ok {
				for _, op := range p.Ops {
					largest = max(largest, len(op.Value))
				}
			}
		}
		if n := ann.M.KnocksHeld(g); n > 256 {
			t.Fatalf("holds %d knocks", n)
		}
	}
	ann.SetOffline(false)
	w.Pass(5 * time.Second)
	refused := 0
	for {
		list := coretest.Must[core.Knocks](ann, core.GetKnocks{Chat: g}).Knocks
		if len(list) == 0 {
			break
		}
		for _, x := range list {
			coretest.Must[core.Done](ann, core.Answer{Chat: g, Person: x.Person})
			refused++
		}
		w.Pass(3 * time.Second)
	}
	w.Pass(10 * time.Second)
	if refused != *flood {
		t.Errorf("refused %d, want %d", refused, *flood)
	}
	if got := dan.Chat("Trip").State; got != "open" {
		t.Errorf("who came after the flood: got %s", got)
	}
	t.Logf("%d knocks and as much rubbish; the largest stored value has %d bytes", *flood, largest)
	if largest > 1<<20 {
		t.Errorf("the largest stored value has %d bytes", largest)
	}
}
