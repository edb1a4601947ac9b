package core_test

import (
	"bytes"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/account"
	. "paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// TestSignedOutKnocks has a device that was signed out, and has the account key still, ask to be put
// in the place of a device that remains: in a group, between two, among one's own. Nobody
// does it, whether or not words were kept, and whatever it says of their key.
func TestSignedOutKnocks(t *testing.T) {
	for _, kept := range []bool{false, true} {
		w, ann, bob, chat, g, _ := vaulted(t)
		if !kept {
			w = New(t)
			ann, bob = w.Client("ann"), w.Client("bob")
			Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
			i := Must[core.InviteLink](ann, core.Invite{})
			chat = Must[core.Joined](bob, core.Join{Link: i.Link, Name: "Bob"}).Chat
			w.Pass(time.Second)
			g = Must[core.Joined](bob, core.NewGroup{Name: "Group", Members: []string{chat}}).Chat
		}
		w.Pass(time.Minute)
		lap, tab := w.Client("laptop"), w.Client("tablet")
		link(t, ann, lap, "Laptop")
		link(t, ann, tab, "Tablet")
		w.Pass(3 * time.Minute)
		saved := ann.Chat("saved").ID
		thief, phone := core.Liar{M: lap.M}, core.Liar{M: ann.M}
		if lap.M.KeepsWords() || kept && ann.M.KeepsWords() {
			t.Error("a device keeps the words")
		}
		lap.SetOffline(true)
		inbox, kem := phone.Inbox()
		Must[core.Done](ann, core.RemoveDevice{Device: thief.Device().Text()})
		w.Pass(time.Minute)
		if w.Server.Log(inbox) != nil {
			t.Error("the inbox from before is there still")
		}
		if now, after := phone.Inbox(); now == inbox || len(w.Server.Log(now).Pool) == 0 || bytes.Equal(kem, after) {
			t.Errorf("another inbox: %v, another KEM key: %v", now != inbox, !bytes.Equal(kem, after))
		}
		for _, x := range []struct {
			chat, log string
			kem       []byte
			at        []*Client
		}{
			{chat: g, at: []*Client{bob}}, {chat: chat, at: []*Client{bob}}, {chat: saved, at: []*Client{ann, tab}},
		} {
			ann.SetOffline(x.chat != saved) // who would put it right
			tab.SetOffline(x.chat != saved)
			switch x.chat {
			case g:
				x.log, x.kem = core.Liar{M: bob.M}.Queue(g)
			case chat:
				x.log, x.kem = core.Liar{M: bob.M}.Inbox()
			case saved:
				x.log, x.kem = phone.Inbox()
			}
			for _, old := range []core.Liar{phone, {M: tab.M}} {
				w.Inject(x.log, thief.Knock(w.Now, x.log, x.kem, x.chat, func(k *account.Knock) {
					k.Old = old.Device()
					k.Return[0] = 1
				}))
				w.Pass(time.Minute)
			}
			for _, c := range x.at {
				if c.M.HasLeaf(x.chat, ann.Person(), thief.Device()) {
					t.Errorf("kept %v: %s sees the thief in %q", kept, c.Name, x.chat)
				}
				for _, d := range []core.Liar{phone, {M: tab.M}} {
					if !c.M.HasLeaf(x.chat, ann.Person(), d.Device()) {
						t.Errorf("kept %v: %s misses a device in %q", kept, c.Name, x.chat)
					}
				}
			}
		}
	}
}

// TestHintsBound has a contact give hints for ever: a few are followed, and there is room for what
// one has lost oneself.
func TestHintsBound(t *testing.T) {
	w, ann, bob := pair(t)
	w.Pass(time.Minute)
	core.Liar{M: ann.M}.Hints(64)
	Must[core.Sent](ann, core.SendText{Chat: ann.Chat("Bob").ID, Text: "hi"})
	w.Pass(10 * time.Second)
	if got := bob.M.Waits(); got != 8 {
		t.Errorf("follows %d hints, want 8", got)
	}
}

// TestRepliesBound has somebody who was a member ask to come back a thousand times, under names that
// nobody knows, while no answer gets through: what a device keeps of that is bounded.
func TestRepliesBound(t *testing.T) {
	w, ann, bob, _, g := trioLinked(t)
	w.Server.Refuse = func(_ *Client, r wire.Request) wire.Answer {
		if o, ok := r.(wire.Open); ok && o.Log == (plane.LogID{1}) {
			return wire.Done{Code: plane.Failed}
		}
		return nil
	}
	log, kem := core.Liar{M: bob.M}.Queue(g)
	for range 600 {
		x := core.Liar{M: core.Stranger(w.Now)}
		w.Inject(log, x.Knock(w.Now, log, kem, g, func(*account.Knock) {}))
	}
	w.Pass(time.Minute)
	// A page of the queue is read to its end.
	if got := ann.M.Replies(g); got < 200 || got > 256+plane.ReadRecordsMax {
		t.Errorf("keeps %d answers, want at most %d", got, 256+plane.ReadRecordsMax)
	}
}

// TestStrangerKnowsDigest has a member who may not see what was said before it came ask for it under
// another account, with the digest that members know: nobody tells a stranger anything.
func TestStrangerKnowsDigest(t *testing.T) {
	w, ann, bob, cid, g := trioLinked(t)
	Must[core.Sent](ann, core.SendText{Chat: g, Text: "old"})
	w.Pass(time.Minute)
	log, kem := core.Liar{M: cid.M}.Queue(g)
	was := ann.M.Tellings() + bob.M.Tellings()
	x := core.Liar{M: core.Stranger(w.Now)}
	w.Inject(log, x.Knock(w.Now, log, kem, g, func(k *account.Knock) { k.Digest = core.Liar{M: cid.M}.Digest(g) }))
	w.Pass(time.Minute)
	if got := ann.M.Tellings() + bob.M.Tellings(); got != was {
		t.Errorf("%d pieces of history are on their way, want none", got-was)
	}
}

// TestYesIsForOne has a server put the knock of somebody else in the place of one to which an admin
// has said yes while it was away: the yes is for a person, not for a place.
func TestYesIsForOne(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{Approve: true})
	bob := newcomer(t, w, "Bob", link)
	w.Pass(10 * time.Second)
	list := Must[core.Knocks](ann, core.GetKnocks{Chat: g}).Knocks
	if len(list) != 1 || list[0].Person != bob.Person() {
		t.Fatalf("got %+v", list)
	}
	door, err := plane.ParsePublicKey(Must[core.Links](ann, core.GetLinks{Chat: g}).Links[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	ann.SetOffline(true)
	ann.Do(core.SetGroup{Chat: g, Name: "Trip 2"}) // a commit waits, so the yes does, too
	Must[core.Done](ann, core.Answer{Chat: g, Person: list[0].Person, Yes: true})
	log, kem := core.Liar{M: ann.M}.Queue(g)
	eve := core.Stranger(w.Now)
	body := core.Liar{M: eve}.Knock(w.Now, log, kem, g, func(k *account.Knock) {
		k.Again, k.Door, k.Old = false, door, plane.PublicKey{}
	})
	records := w.Server.Log(log).Records
	for i := range records {
		records[i].Body = body
	}
	ann.Crash()
	ann.SetOffline(false)
	w.Pass(time.Minute)
	if ann.M.HasLeaf(g, core.Liar{M: eve}.Person(), core.Liar{M: eve}.Device()) {
		t.Error("somebody came in to whom nobody has said yes")
	}
}
