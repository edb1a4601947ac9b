package core_test

import (
	"fmt"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// many makes Ann and n contacts of hers.
func many(t testing.TB, n int) (w *coretest.World, ann *coretest.Client, all []*coretest.Client, chats []string) {
	t.Helper()
	w = coretest.New(t)
	ann = w.Client("Ann")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	link := coretest.Must[core.InviteLink](ann, core.Invite{Uses: n}).Link
	for i := range n {
		c := w.Client(fmt.Sprintf("C%02d", i))
		coretest.Must[core.Joined](c, core.Join{Link: link, Name: c.Name})
		all = append(all, c)
	}
	w.Pass(5 * time.Second)
	for _, c := range all {
		chats = append(chats, ann.Chat(c.Name).ID)
	}
	return w, ann, all, chats
}

// TestAddMany: one commit adds all whose packages are there, and the tree, which is the same for
// all, goes into one blob. Neither a crash on either side nor a server that takes no blobs loses one.
func TestAddMany(t *testing.T) {
	const n = 17
	for _, how := range []string{"well", "inviter-crashes", "invited-crash", "no-blobs"} {
		t.Run(how, func(t *testing.T) {
			w, ann, all, chats := many(t, n)
			puts, gets := 0, 0
			w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
				if _, ok := r.(wire.BlobStat); !ok {
					return nil
				}
				if c != ann {
					gets++
					return nil
				}
				puts++
				switch {
				case how == "inviter-crashes" && puts == 1:
					ann.CrashIn = 1
				case how == "no-blobs":
					return wire.Done{Code: plane.Full}
				}
				return nil
			}
			if how == "invited-crash" {
				w.Step = func(c *coretest.Client, in core.Input, effects []core.Effect) {
					for _, e := range effects {
						if _, ok := e.(core.GetObject); ok && c.Died == 0 {
							c.CrashIn = len(effects)
						}
					}
				}
			}
			g := coretest.Must[core.Joined](ann, core.NewGroup{Name: "Many", Members: chats}).Chat
			w.Pass(time.Minute)
			for i, c := range all {
				if how == "invited-crash" && c.Died == 0 {
					t.Errorf("%s did not crash", c.Name)
				}
				if got := c.Chat("Many").Members; got != n+1 {
					t.Errorf("%s sees %d members, want %d", c.Name, got, n+1)
				}
				coretest.Must[core.Sent](c, core.SendText{Chat: g, Text: fmt.Sprint("from ", i)})
			}
			w.Pass(time.Minute)
			got := ann.Texts(g)
			want := 0
			for _, s := range got {
				if want < n && s == fmt.Sprintf("%s: from %d", all[want].Name, want) {
					want++
				}
			}
			if want != n {
				t.Errorf("Ann reads %d of %d: %q", want, n, got)
			}
			if how == "inviter-crashes" && ann.Died == 0 {
				t.Errorf("Ann did not crash")
			}
			if how == "well" && (puts != 1 || gets != n) {
				t.Errorf("%d puts and %d gets, want 1 and %d", puts, gets, n)
			}
			for _, k := range ann.Vault.Keys() {
				if len(k) > 50 && k[:4] == "s/c/" && k[4+len(g):][:3] == "/b/" {
					t.Errorf("a tree is left: %s", k[4+len(g):])
				}
			}
		})
	}
}
