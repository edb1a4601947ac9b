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

// TestLinkSilent (D-12) has one side die after the digits were confirmed: the other says so after two minutes, and
// a device that was put on the list is off it again.
func TestLinkSilent(t *testing.T) {
	for _, newDies := range []bool{true, false} {
		w, ann := alone(t)
		l := Must[core.DeviceLink](ann, core.LinkDevice{})
		c := w.Client("c")
		Must[core.Done](c, core.AddDevice{Link: l.Link, Name: "x"})
		w.Pass(5 * time.Minute) // a person may take their time with the digits
		stays := c
		if newDies {
			stays = ann
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
		w.Pass(110 * time.Second)
		if s := stage(stays); s.Stage != "sending" {
			t.Errorf("new dies %v: too early: %+v", newDies, s)
		}
		w.Pass(15 * time.Second)
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
