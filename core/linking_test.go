package core_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
	"paperplane/protocol/wire"
)

var longHistory = flag.Bool("history", false, "link a device with 9,990 messages of history")

func alone(t *testing.T) (*World, *Client) {
	w := New(t)
	ann := w.Client("ann")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	return w, ann
}

// TestLinkRefused (D-10, D-11, D-12) shows the ways in which a linking ends without a device: No, a second user of the
// link, a link that is damaged, over, or leads nowhere any more. No account comes to the new device
// and no device to the list.
func TestLinkRefused(t *testing.T) {
	w, ann := alone(t)
	none := func(what string, c *Client, want core.ErrCode) {
		t.Helper()
		if l := stage(c); l.Stage != "failed" || l.Err != want || c.State().Account != nil && c != ann {
			t.Errorf("%s: got %+v, want %q", what, l, want)
		}
		if n := len(Must[core.Devices](ann, core.GetDevices{}).Devices); n != 1 {
			t.Errorf("%s: %d devices, want 1", what, n)
		}
	}
	l := Must[core.DeviceLink](ann, core.LinkDevice{})
	no := w.Client("no")
	Must[core.Done](no, core.AddDevice{Link: l.Link, Name: "x"})
	Must[core.Done](ann, core.ConfirmDevice{})
	none("no, old", ann, core.ErrDigits)
	none("no, new", no, core.ErrDigits)

	// Who stands between uses the link first: the person's device shows nothing, and the old one ends
	// it when the second comes.
	l = Must[core.DeviceLink](ann, core.LinkDevice{})
	mallory, mine := w.Client("mallory"), w.Client("mine")
	Must[core.Done](mallory, core.AddDevice{Link: l.Link, Name: "x"})
	Must[core.Done](mine, core.AddDevice{Link: l.Link, Name: "x"})
	w.Pass(time.Second)
	none("used twice", ann, core.ErrLinkUsedUp)
	if s := stage(mine); s.Stage == "digits" && s.Digits == stage(mallory).Digits {
		t.Errorf("both show %+v", s)
	}
	if got := ann.Fails(core.ConfirmDevice{Yes: true}); got != core.ErrBadArguments {
		t.Errorf("confirmed nothing: %q", got)
	}
	w.Pass(11 * time.Minute)
	none("nobody answers", mine, core.ErrOffline)

	for _, s := range []string{"", l.Link[:len(l.Link)-1], l.Link + "A", "http://x" + l.Link, w.Server.Link()} {
		if got := w.Client("bad").Fails(core.AddDevice{Link: s, Name: "x"}); got != core.ErrBadLink {
			t.Errorf("%q: got %q", s, got)
		}
	}
	if got := ann.Fails(core.AddDevice{Link: l.Link, Name: "x"}); got != core.ErrNotAllowed {
		t.Errorf("an account on an account: %q", got)
	}
	// Nobody comes.
	Must[core.DeviceLink](ann, core.LinkDevice{})
	w.Pass(11 * time.Minute)
	none("nobody comes", ann, core.ErrOffline)
}

// TestLinkMeddled (D-11) shows that a server that changes what passes between the two has no success: the
// digits do not come, or differ.
func TestLinkMeddled(t *testing.T) {
	for n := range 4 {
		w, ann := alone(t)
		l := Must[core.DeviceLink](ann, core.LinkDevice{})
		c, count := w.Client("c"), 0
		w.Server.Refuse = func(_ *Client, r wire.Request) wire.Answer {
			if a, ok := r.(wire.Append); ok {
				if count == n {
					a.Body[100] ^= 1
				}
				count++
			}
			return nil
		}
		Must[core.Done](c, core.AddDevice{Link: l.Link, Name: "x"})
		if a, b := stage(ann), stage(c); a.Stage == "digits" && b.Stage == "digits" && n < 3 {
			t.Errorf("record %d was changed: %+v, %+v", n, a, b)
		}
	}
}

// TestDeviceLinkCrash (D-12) shows that whichever side dies at any effect of a linking, nothing is half done: the
// new device has the account whole or not at all, and can be linked then; a device that never
// showed itself is off the list in the end.
func TestDeviceLinkCrash(t *testing.T) {
	for n := 1; n < 40; n += 3 {
		for side := range 2 {
			w, ann := alone(t)
			l := Must[core.DeviceLink](ann, core.LinkDevice{})
			c := w.Client("c")
			Must[core.Done](c, core.AddDevice{Link: l.Link, Name: "x"})
			[]*Client{ann, c}[side].CrashIn = n
			ann.Do(core.ConfirmDevice{Yes: true})
			c.Do(core.ConfirmDevice{Yes: true})
			w.Pass(10 * time.Second)
			ann.CrashIn, c.CrashIn = 0, 0
			if c.State().Account == nil {
				w.Pass(12 * time.Minute)
				if k := len(Must[core.Devices](ann, core.GetDevices{}).Devices); k != 1 {
					t.Errorf("side %d died at %d: %d devices", side, n, k)
				}
				link(t, ann, c, "x")
			}
			w.Pass(time.Minute)
			Must[core.Sent](c, core.SendText{Chat: c.Chat("saved").ID, Text: "here"})
			w.Pass(10 * time.Second)
			sameTexts(t, ann.Chat("saved").ID, ann, c)
		}
	}
}

// TestTenDevices (D-20, D-21) shows ten devices of one person, each of which writes what all show.
func TestTenDevices(t *testing.T) {
	w, ann := alone(t)
	saved := ann.Chat("saved").ID
	bob := w.Client("bob")
	i := Must[core.InviteLink](ann, core.Invite{})
	chat := Must[core.Joined](bob, core.Join{Link: i.Link, Name: "Bob"}).Chat
	all := []*Client{ann}
	for n := range 9 {
		c := w.Client(fmt.Sprint("d", n))
		link(t, all[n/2], c, fmt.Sprint("Device ", n))
		all = append(all, c)
	}
	w.Pass(30 * time.Second)
	for _, c := range all {
		Must[core.Sent](c, core.SendText{Chat: chat, Text: c.Name})
		Must[core.Sent](c, core.SendText{Chat: saved, Text: c.Name})
	}
	w.Pass(10 * time.Second)
	for _, c := range all[1:] {
		sameTexts(t, chat, ann, c)
		sameTexts(t, saved, ann, c)
		if n := len(Must[core.Devices](c, core.GetDevices{}).Devices); n != 10 {
			t.Errorf("%s lists %d devices", c.Name, n)
		}
	}
	if got := len(bob.Texts(chat)); got < 10 {
		t.Errorf("bob has %d lines", got)
	}
}

// TestLinkHistory (D-21) measures a linking with a long history: what the new device gets, and how many
// bytes of segments it takes. World time is not wall time: the network takes none here.
func TestLinkHistory(t *testing.T) {
	count := 600
	if *longHistory {
		count = 9990 // a page has 10,000 lines, and one says that a device came
	}
	w, ann := alone(t)
	saved := ann.Chat("saved").ID
	for n := range count {
		ann.Do(core.SendText{Chat: saved, Text: fmt.Sprintf("message %d of the history that a new device gets to see", n)})
		if n%200 == 0 {
			w.Run()
		}
	}
	w.Pass(time.Second)
	began, wall, blobs := w.Now, time.Now(), len(w.Server.Blobs)
	c := w.Client("c")
	link(t, ann, c, "x")
	for range 60 {
		if len(c.Texts(saved)) == count && c.State().Syncing == nil {
			break
		}
		w.Pass(time.Second)
	}
	bytes := 0
	for _, b := range w.Server.Blobs {
		bytes += len(b)
	}
	t.Logf("%d messages: %v of world time, %v of one core, %d blobs, %d bytes", count, w.Now.Sub(began), time.Since(wall).Round(time.Millisecond), len(w.Server.Blobs)-blobs, bytes)
	sameTexts(t, saved, ann, c)
	if d := w.Now.Sub(began); d > time.Minute {
		t.Errorf("%v, want a minute at most", d)
	}
}

// TestLinkSilent (D-12) has one side die after the digits were confirmed on both: the other says so, the new
// one after two minutes, the old one, which cannot know whether there is a person who thinks, after ten; and
// a device that was put on the list is off it again.
func TestLinkSilent(t *testing.T) {
	for _, newDies := range []bool{true, false} {
		w, ann := alone(t)
		l := Must[core.DeviceLink](ann, core.LinkDevice{})
		c := w.Client("c")
		Must[core.Done](c, core.AddDevice{Link: l.Link, Name: "x"})
		w.Pass(5 * time.Minute) // a person may take their time with the digits
		stays, early, late := c, "sending", 125*time.Second
		if newDies {
			stays, early, late = ann, "confirmed", 305*time.Second
			c.SetOffline(true)
		} else {
			w.Server.Refuse = func(x *Client, r wire.Request) wire.Answer {
				if a, ok := r.(wire.Append); ok && x == c && len(a.Body) > 0 {
					ann.SetOffline(true) // dies as the new one answers
				}
				return nil
			}
		}
		Must[core.Done](ann, core.ConfirmDevice{Yes: true})
		Must[core.Done](c, core.ConfirmDevice{Yes: true})
		w.Pass(late - 15*time.Second)
		if s := stage(stays); s.Stage != early {
			t.Errorf("new dies %v: too early: %+v, want %s", newDies, s, early)
		}
		w.Pass(20 * time.Second)
		if s := stage(stays); s.Stage != "failed" || s.Err != core.ErrSilent {
			t.Errorf("new dies %v: got %+v, want failed, device-silent", newDies, s)
		}
		ann.SetOffline(false)
		w.Pass(12 * time.Minute)
		if n := len(Must[core.Devices](ann, core.GetDevices{}).Devices); n != 1 {
			t.Errorf("new dies %v: %d devices, want 1", newDies, n)
		}
	}
}

// TestLinkBothSay (D-12) has the two say yes one after the other, with a while between, in either order: the
// account is taken with the second yes and not before, and it is said so on the first.
func TestLinkBothSay(t *testing.T) {
	for _, newFirst := range []bool{true, false} {
		w, ann := alone(t)
		c := w.Client("c")
		first, second := ann, c
		if newFirst {
			first, second = c, ann
		}
		l := Must[core.DeviceLink](ann, core.LinkDevice{})
		Must[core.Done](c, core.AddDevice{Link: l.Link, Name: "x"})
		w.Pass(9*time.Minute + 30*time.Second)
		Must[core.Done](first, core.ConfirmDevice{Yes: true})
		if got := first.Fails(core.ConfirmDevice{Yes: true}); got != core.ErrBadArguments {
			t.Errorf("new first %v: a second yes: got %q", newFirst, got)
		}
		if w.Pass(20 * time.Second); !newFirst {
			w.Pass(40 * time.Second) // the new device knows that the old one said yes, and waits longer
		}
		if s := stage(first); s.Stage != "confirmed" || s.Name != "x" {
			t.Errorf("new first %v: got %+v, want confirmed", newFirst, s)
		}
		if c.State().Account != nil || len(Must[core.Devices](ann, core.GetDevices{}).Devices) != 1 {
			t.Errorf("new first %v: the account is there before both said yes", newFirst)
		}
		Must[core.Done](second, core.ConfirmDevice{Yes: true})
		w.Pass(10 * time.Second)
		if s := stage(c); s.Stage != "done" || c.Person() != ann.Person() {
			t.Errorf("new first %v: got %+v", newFirst, s)
		}
	}
}

// TestLinkPushed (D-12) has whoever gets somebody to follow another link say yes at once: the account that they
// push is on the new device only when its person, too, says that the digits are the same. A no is told.
func TestLinkPushed(t *testing.T) {
	w, eve := alone(t)
	l := Must[core.DeviceLink](eve, core.LinkDevice{})
	c := w.Client("c")
	Must[core.Done](c, core.AddDevice{Link: l.Link, Name: "x"})
	Must[core.Done](eve, core.ConfirmDevice{Yes: true})
	w.Pass(time.Minute)
	if s := stage(c); s.Stage != "digits" || c.State().Account != nil {
		t.Fatalf("got %+v, account %v, want digits and none", s, c.State().Account)
	}
	Must[core.Done](c, core.ConfirmDevice{})
	for _, x := range []*Client{c, eve} {
		if s := stage(x); s.Stage != "failed" || s.Err != core.ErrDigits {
			t.Errorf("%s: got %+v, want failed, digits-differ", x.Name, s)
		}
	}
	if got := c.Fails(core.ConfirmDevice{Yes: true}); got != core.ErrBadArguments {
		t.Errorf("yes after no: got %q", got)
	}
	w.Pass(15 * time.Minute)
	if c.State().Account != nil || len(Must[core.Devices](eve, core.GetDevices{}).Devices) != 1 {
		t.Error("linked after a no")
	}
	link(t, eve, c, "x") // and may be, still
}
