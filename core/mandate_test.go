package core_test

import (
	"strings"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

// household is ann with two more devices, bob, a chat and a group of both.
func household(t *testing.T) (w *World, ann, lap, tab, bob *Client, chat, group string) {
	t.Helper()
	w = New(t)
	ann, bob = w.Client("ann"), w.Client("bob")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	i := Must[core.InviteLink](ann, core.Invite{})
	chat = Must[core.Joined](bob, core.Join{Link: i.Link, Name: "Bob"}).Chat
	w.Pass(time.Second)
	group = Must[core.Joined](bob, core.NewGroup{Name: "Group", Members: []string{chat}}).Chat
	w.Pass(5 * time.Second)
	lap, tab = w.Client("laptop"), w.Client("tablet")
	link(t, ann, lap, "Laptop")
	link(t, ann, tab, "Tablet")
	w.Pass(3 * time.Minute)
	return w, ann, lap, tab, bob, chat, group
}

func out(t *testing.T, by, who *Client) {
	t.Helper()
	Must[core.Done](by, core.RemoveDevice{Device: core.Liar{M: who.M}.Device().Text()})
}

// agree wants clients to know one mandate of ann's, of that generation, in a chat.
func agree(t *testing.T, chat string, gen uint32, ann *Client, all ...*Client) {
	t.Helper()
	want, _ := ann.M.Mandate(chat, ann.Person())
	for _, c := range all {
		if got, n := c.M.Mandate(chat, ann.Person()); got != want || n != gen {
			t.Errorf("%s knows ann's mandate of generation %d in %s, want %d", c.Name, n, chat, gen)
		}
	}
}

// TestSignedOutDevice plays a device that was signed out and kept its whole vault: it writes to a contact as
// the person, offers its packages, comes with a mandate of its own making. What it had of the inbox leads
// nowhere; the other devices, and who meets them anew, have what they need (D-34, D-35).
func TestSignedOutDevice(t *testing.T) {
	w, ann, lap, tab, bob, chat, g := household(t)
	saved := ann.Chat("saved").ID
	thief := core.Liar{M: lap.M}
	inbox, _ := thief.Inbox()
	link1 := Must[core.InviteLink](ann, core.Invite{}).Link
	before := thief.Pool()
	lap.SetOffline(true)
	out(t, ann, lap)
	w.Pass(2 * time.Minute)
	for _, c := range []string{chat, g, saved} {
		agree(t, c, 1, ann, ann, tab)
	}
	agree(t, chat, 1, ann, bob)
	agree(t, g, 1, ann, bob)
	if w.Server.Log(inbox) != nil {
		t.Error("the inbox from before is there still")
	}
	if a, _ := (core.Liar{M: ann.M}).Inbox(); a == inbox {
		t.Error("the inbox is the same")
	} else if b, _ := (core.Liar{M: tab.M}).Inbox(); a != b {
		t.Error("two devices have two inboxes")
	}
	// It writes to bob anew, as ann: with what it had, with a mandate of its own.
	n := bob.M.Convos()
	to, _ := core.Liar{M: bob.M}.Inbox()
	for _, forged := range []bool{false, true} {
		w.Inject(to, thief.Request(w.Now, core.Liar{M: bob.M}, forged))
		w.Pass(time.Minute)
		if got := bob.M.Convos(); got != n {
			t.Errorf("bob has %d conversations, want %d: the signed out device wrote as ann (forged %v)", got, n, forged)
		}
	}
	if core.Liar.Takes(core.Liar{M: bob.M}, ann.Person(), before) {
		t.Error("bob would add ann by a package from before")
	}
	// The link from before leads nowhere; a new one does, to all that remain.
	cid := w.Client("cid")
	cid.Do(core.Join{Link: link1, Name: "Cid"})
	w.Pass(time.Minute)
	if cid.State().Account != nil {
		t.Error("a link from before leads somewhere")
	}
	next := Must[core.InviteLink](tab, core.Invite{}).Link
	dan := w.Client("dan")
	c2 := Must[core.Joined](dan, core.Join{Link: next, Name: "Dan"}).Chat
	w.Pass(time.Minute)
	Must[core.Sent](dan, core.SendText{Chat: c2, Text: "hi"})
	w.Pass(time.Minute)
	sameTexts(t, c2, ann, tab)
	// Bob reaches ann's new inbox, to add her; a new device comes in, and may be signed out, too.
	g2 := Must[core.Joined](bob, core.NewGroup{Name: "Two", Members: []string{chat}}).Chat
	w.Pass(time.Minute)
	Must[core.Sent](bob, core.SendText{Chat: g2, Text: "new group"})
	w.Pass(time.Minute)
	sameTexts(t, g2, ann, tab)
	agree(t, g2, 1, ann, bob, tab)
	box := w.Client("box")
	link(t, tab, box, "Box")
	w.Pass(3 * time.Minute)
	for _, c := range []string{chat, g, g2, saved, c2} {
		Must[core.Sent](box, core.SendText{Chat: c, Text: "from the box"})
	}
	w.Pass(time.Minute)
	sameTexts(t, chat, box, bob)
	sameTexts(t, g, box, ann)
	out(t, ann, box)
	w.Pass(2 * time.Minute)
	agree(t, g, 2, ann, ann, tab, bob)
	agree(t, c2, 2, ann, ann, tab, dan)
	if a, b := ann.M.Devices(), tab.M.Devices(); a != 2 || b != 2 {
		t.Errorf("ann lists %d devices, tab %d", a, b)
	}
}

// TestSignedOutAtOnce has two devices sign out two others at the same time, while a third is away: all that
// remain have the same mandates, in one order, and none that the signed out ones know (D-30).
func TestSignedOutAtOnce(t *testing.T) {
	w, ann, lap, tab, bob, chat, g := household(t)
	box, far := w.Client("box"), w.Client("far")
	link(t, ann, box, "Box")
	link(t, ann, far, "Far")
	w.Pass(3 * time.Minute)
	far.SetOffline(true)
	lap.SetOffline(true)
	box.SetOffline(true)
	ann.Do(core.RemoveDevice{Device: core.Liar{M: lap.M}.Device().Text()})
	tab.Do(core.RemoveDevice{Device: core.Liar{M: box.M}.Device().Text()})
	w.Pass(2 * time.Minute)
	far.SetOffline(false)
	w.Pass(2 * time.Minute)
	agree(t, chat, 2, ann, ann, tab, far, bob)
	agree(t, g, 2, ann, ann, tab, far, bob)
	for _, c := range []*Client{ann, tab, far} {
		Must[core.Sent](c, core.SendText{Chat: chat, Text: c.Name})
		if a, _ := (core.Liar{M: c.M}).Inbox(); a != first(core.Liar{M: ann.M}.Inbox()) {
			t.Errorf("%s has another inbox", c.Name)
		}
	}
	w.Pass(time.Minute)
	sameTexts(t, chat, far, bob)
	lap.SetOffline(false)
	w.Pass(time.Minute)
	if lap.State().Notice != "signed-out" {
		t.Error("the device is not told that it was signed out")
	}
}

// TestWordsRenew (V-08): when a device is signed out, new words are due; with them all is as it was.
func TestWordsRenew(t *testing.T) {
	w, ann, _, chat, _, old := vaulted(t)
	lap, tab := w.Client("laptop"), w.Client("tablet")
	link(t, ann, lap, "Laptop")
	link(t, ann, tab, "Tablet")
	w.Pass(time.Minute)
	out(t, ann, lap)
	w.Pass(time.Minute)
	want := func(what string) {
		t.Helper()
		if a, b := ann.State().Words, tab.State().Words; a != what || b != what {
			t.Errorf("words are %q and %q, want %q", a, b, what)
		}
	}
	want("renew")
	if got := lap.Fails(core.Invite{}); got != core.ErrNotAllowed {
		t.Errorf("a device that was signed out makes a link: %q", got)
	}
	Must[core.Done](ann, core.KeepWords{Later: true})
	if got := ann.State().Words; got != "kept" {
		t.Errorf("put off: %q", got)
	}
	list := Must[core.Words](tab, core.MakeWords{}).Words
	Must[core.Done](tab, core.KeepWords{})
	w.Pass(5 * time.Minute)
	want("kept")
	new := w.Client("new")
	if got := new.Fails(core.Recover{Words: old, Origin: w.Server.Origin, Name: "New"}); got != core.ErrWordsNone {
		t.Errorf("the old words: %q", got)
	}
	Must[core.Joined](new, core.Recover{Words: strings.Join(list, " "), Origin: w.Server.Origin, Name: "New"})
	w.Pass(5 * time.Minute)
	if got := new.State().Words; got != "renew" {
		t.Errorf("after recovering: %q", got)
	}
	Must[core.Sent](new, core.SendText{Chat: chat, Text: "by words"})
	agree(t, chat, 2, new, new)
}

func first(a string, _ []byte) string { return a }

// TestSignOutCrash has the device that signs another out die at any effect: in the end the mandate is a new one
// everywhere, and there is one inbox (D-30).
func TestSignOutCrash(t *testing.T) {
	for n := 1; n < 60; n += 4 {
		w, ann, lap, tab, bob, chat, g := household(t)
		lap.SetOffline(true)
		ann.CrashIn = n
		ann.Do(core.RemoveDevice{Device: core.Liar{M: lap.M}.Device().Text()})
		w.Pass(20 * time.Second)
		ann.CrashIn = 0
		if ann.M.Devices() == 3 { // it died before anything was stored
			out(t, ann, lap)
		}
		w.Pass(3 * time.Minute)
		a, gen := ann.M.Mandate(chat, ann.Person())
		for _, c := range []*Client{ann, tab, bob} {
			for _, id := range []string{chat, g} {
				if b, k := c.M.Mandate(id, ann.Person()); gen == 0 || a != b || k != gen {
					t.Errorf("died at %d: %s knows generation %d, ann %d", n, c.Name, k, gen)
				}
			}
		}
		if a, b := first(core.Liar{M: ann.M}.Inbox()), first(core.Liar{M: tab.M}.Inbox()); a != b || w.Server.Log(a) == nil || len(w.Server.Log(a).Pool) == 0 {
			t.Errorf("died at %d: inboxes differ or are empty", n)
		}
	}
}
