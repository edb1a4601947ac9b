package core_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/convo"
	"paperplane/core/coretest"
	"paperplane/mls"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// lying is a group of an owner, two members and a liar who is one, too.
type lying struct {
	*testing.T
	w      *coretest.World
	g      string
	liar   *coretest.Client
	honest []*coretest.Client
}

func liarIn(t *testing.T, role core.Role) *lying {
	w, ann, bob, cid, g := trioLinked(t)
	eve := newcomer(t, w, "Eve", coretest.Must[core.InviteLink](ann, core.GroupInvite{Chat: g}).Link)
	w.Pass(time.Minute)
	if role != core.RoleMember {
		coretest.Must[core.Done](ann, core.SetRole{Chat: g, Person: eve.Person(), Role: role})
	}
	w.Pass(2 * time.Minute)
	x := &lying{T: t, w: w, g: g, liar: eve, honest: []*coretest.Client{ann, bob, cid}}
	talk(t, w, g, "before", append(x.honest, eve)...)
	return x
}

func (x *lying) core() core.Liar { return core.Liar{M: x.liar.M} }

// group is a new copy of the liar's group.
func (x *lying) group() *mls.Group { return x.core().Group(x.g, x.liar.Vault.Get, x.liar.Vault.Keys()) }

// commit is a commit that MLS allows and the liar's own client would not make.
func (x *lying) commit(o func(*mls.Group) mls.CommitOptions) []byte {
	x.Helper()
	g := x.group()
	opts := o(g)
	opts.Now = x.w.Now
	p, err := g.Commit(opts)
	if err != nil {
		x.Fatal(err)
	}
	return p.Message
}

func (x *lying) rename(name string) []byte {
	return x.commit(func(g *mls.Group) mls.CommitOptions {
		return mls.CommitOptions{Extensions: x.core().Stated(x.g, g, func(st *convo.State) { st.Name = name })}
	})
}

// put has the records of a message stand in the log.
func (x *lying) put(msg []byte) {
	for _, b := range x.core().Records(x.g, msg) {
		x.w.Inject(x.g, b)
	}
	x.w.Run()
}

// void is put for what nobody may take: the honest ones stay in the epoch in which they are.
func (x *lying) void(msg []byte) {
	x.Helper()
	was := core.Liar{M: x.honest[0].M}.Digest(x.g)
	x.put(msg)
	for _, c := range x.honest {
		if got := (core.Liar{M: c.M}).Digest(x.g); got != was {
			x.Errorf("%s has taken it: digest %x, want %x", c.Name, got, was)
		}
	}
}

// agreed fails the test unless the honest ones are in the group of that name, as many as they were, are
// alarmed by nothing, and read each other.
func (x *lying) agreed(name string) {
	x.Helper()
	talk(x.T, x.w, x.g, "after", x.honest...)
	for _, c := range x.honest {
		s := chatIn(c, x.g)
		if s.Name != name || s.Members != 4 || s.Forked {
			x.Errorf("%s: got %q of %d, forked %v; want %q of 4", c.Name, s.Name, s.Members, s.Forked, name)
		}
		for _, n := range c.Texts(x.g) {
			if strings.HasSuffix(n, " healed") || strings.HasSuffix(n, " removed") {
				x.Errorf("%s was disturbed: %q", c.Name, n)
			}
		}
	}
}

func chatIn(c *coretest.Client, id string) core.Chat {
	for _, s := range c.State().Chats {
		if s.ID == id {
			return s
		}
	}
	return core.Chat{}
}

// TestMemberLies has a member put into the log what its own client would never say, among clients that
// do as they should: nothing of it counts, for anybody, and nobody is held up by it.
func TestMemberLies(t *testing.T) {
	none := func(st *convo.State) {}
	for name, edit := range map[string]func(x *lying, g *mls.Group) mls.CommitOptions{
		"renames": func(x *lying, g *mls.Group) mls.CommitOptions {
			return mls.CommitOptions{Extensions: x.core().Stated(x.g, g, func(st *convo.State) { st.Name = "Mine" })}
		},
		"makes-itself-owner": func(x *lying, g *mls.Group) mls.CommitOptions {
			return mls.CommitOptions{Extensions: x.core().Stated(x.g, g, func(st *convo.State) { x.core().Me(st, convo.RoleOwner) })}
		},
		"throws-the-owner-out": func(x *lying, g *mls.Group) mls.CommitOptions {
			return mls.CommitOptions{Remove: []uint32{x.core().Leaf(x.g, core.Liar{M: x.honest[0].M})}}
		},
		"takes-the-state-away": func(x *lying, g *mls.Group) mls.CommitOptions {
			return mls.CommitOptions{Extensions: slices.DeleteFunc(x.core().Stated(x.g, g, none), func(e mls.Extension) bool { return e.Type == convo.StateExtension })}
		},
		"brings-a-heavy-leaf": func(x *lying, g *mls.Group) mls.CommitOptions {
			return mls.CommitOptions{LeafExtensions: []mls.Extension{{Type: mls.ExtApplicationID, Data: make([]byte, 1<<16)}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := liarIn(t, core.RoleMember)
			x.void(x.commit(func(g *mls.Group) mls.CommitOptions { return edit(x, g) }))
			x.agreed("Trip")
		})
	}
	t.Run("spoils-a-commit", func(t *testing.T) {
		x := liarIn(t, core.RoleAdmin)
		msg := x.rename("Spoilt")
		for _, i := range []int{0, len(msg) / 2, len(msg) - 1} {
			bad := bytes.Clone(msg)
			bad[i] ^= 1
			x.void(bad)
			x.void(msg[:len(msg)-i/2-1])
		}
		x.agreed("Trip")
	})
	t.Run("commits-to-an-old-epoch", func(t *testing.T) {
		x := liarIn(t, core.RoleAdmin)
		msg := x.rename("Old")
		bodies := x.core().Records(x.g, msg)
		coretest.Must[core.Done](x.honest[0], core.SetGroup{Chat: x.g, Name: "New"})
		x.w.Pass(time.Minute)
		for _, b := range bodies { // as it would have been then, and in the keys of now
			x.w.Inject(x.g, b)
		}
		x.void(msg)
		x.agreed("New")
	})
	t.Run("says-two-things", func(t *testing.T) {
		x := liarIn(t, core.RoleAdmin)
		first, second := x.rename("First"), x.rename("Second")
		bodies := x.core().Records(x.g, second)
		x.put(first)
		for _, b := range bodies {
			x.w.Inject(x.g, b)
		}
		x.w.Run()
		x.agreed("First")
	})
	t.Run("repeats-everything", func(t *testing.T) {
		x := liarIn(t, core.RoleMember)
		before := x.honest[1].Texts(x.g)
		for _, r := range slices.Clone(x.w.Server.Log(x.g).Records) {
			x.w.Inject(x.g, r.Body)
		}
		x.w.Run()
		same(t, "after the repeats", x.honest[1].Texts(x.g), before)
		x.agreed("Trip")
	})
}

// TestServerLies has the server show one member of a group other records than the rest, for a while:
// nothing is shown twice or that was not said, all read each other again by themselves, and it is said in
// words where two histories were shown.
func TestServerLies(t *testing.T) {
	for _, how := range []string{"withholds", "changes", "repeats", "reorders", "withholds-a-commit", "repeats-a-commit"} {
		t.Run(how, func(t *testing.T) {
			w, ann, bob, cid, g := trioLinked(t)
			talk(t, w, g, "before", ann, bob, cid)
			at := w.Server.Log(g).Head() + 2
			lied := 0
			bodies := map[plane.Seq][]byte{}
			w.Server.Show = func(c *coretest.Client, id plane.LogID, r wire.Record) *wire.Record {
				if id.Text() != g {
					return &r
				}
				bodies[r.Seq] = r.Body
				if c != bob || r.Seq < at || r.Seq > at+1 {
					return &r
				}
				lied++
				switch kind, _, _ := strings.Cut(how, "-"); {
				case kind == "withholds" && r.Seq == at:
					return nil
				case kind == "changes" && r.Seq == at:
					b := bytes.Clone(r.Body)
					b[len(b)/2] ^= 1
					return &wire.Record{Seq: r.Seq, Body: b}
				case kind == "repeats":
					return &wire.Record{Seq: r.Seq, Body: bodies[at-1]}
				case kind == "reorders":
					for _, x := range w.Server.Log(g).Records {
						if x.Seq == at+at+1-r.Seq {
							return &wire.Record{Seq: r.Seq, Body: x.Body}
						}
					}
				}
				return &r
			}
			bob.SetOffline(how == "reorders")
			for i, text := range []string{"1", "2", "3", "4"} {
				if i == 1 && strings.HasSuffix(how, "commit") {
					coretest.Must[core.Done](ann, core.SetGroup{Chat: g, Name: "Journey"})
				}
				coretest.Must[core.Sent]([]*coretest.Client{ann, cid}[i%2], core.SendText{Chat: g, Text: text})
			}
			bob.SetOffline(false)
			w.Pass(time.Minute)
			w.Server.Show = nil
			if lied == 0 {
				t.Fatal("no lies: the test proves nothing")
			}
			for range 8 { // what one has seen is told with one's next words
				for _, c := range []*coretest.Client{ann, bob, cid} {
					c.Do(core.SendText{Chat: g, Text: "more"})
				}
				w.Pass(2 * time.Minute)
			}
			talk(t, w, g, "after", ann, bob, cid)
			told := false
			for _, c := range []*coretest.Client{ann, bob, cid} {
				n := map[string]int{}
				for _, x := range c.Texts(g) {
					n[x]++
					told = told || strings.HasSuffix(x, " forked") || strings.HasSuffix(x, " healed")
				}
				for _, x := range []string{"Ann: 1", "Cid: 2", "Ann: 3", "Cid: 4"} {
					if n[x] > 1 || n[x] == 0 && c != bob {
						t.Errorf("%s has %q %d times", c.Name, x, n[x])
					}
				}
			}
			if !told {
				t.Errorf("nobody is told: %q", bob.Texts(g))
			}
		})
	}
}

// TestTreeAnswers has a member answer a knock with trees that are none, or larger than any may be: the
// newcomer asks for none above the bound, is kept waiting by nothing, and comes in by an honest answer.
func TestTreeAnswers(t *testing.T) {
	w, ann, g, link := linked(t, core.GroupInvite{})
	cid := newcomer(t, w, "Cid", link)
	w.Pass(2 * time.Minute)
	ann.SetOffline(true)
	bob := newcomer(t, w, "Bob", link)
	reply, kem := core.Liar{M: bob.M}.Wait(g)
	asked := 0
	w.Step = func(c *coretest.Client, _ core.Input, effects []core.Effect) {
		for _, e := range effects {
			if _, ok := e.(core.GetObject); ok && c == bob {
				asked++
			}
		}
	}
	answer := func(more int, whole []byte, want int) {
		t.Helper()
		asked = 0
		for _, b := range (core.Liar{M: cid.M}).TreeAnswer(reply, kem, more, whole) {
			w.Inject(reply, b)
		}
		w.Pass(10 * time.Second)
		if got := bob.Chat("Trip").State; asked != want || got != "waiting" {
			t.Errorf("%d above the bound, %d bytes at hand: asked for %d, want %d; state %s, want waiting", more, len(whole), asked, want, got)
		}
	}
	answer(1, nil, 0)
	answer(0, nil, 1)
	answer(0, make([]byte, 1<<16), 0)
	answer(0, []byte{1}, 0)
	ann.SetOffline(false)
	unmoved(t, w, g, 3, ann, bob, cid)
}
