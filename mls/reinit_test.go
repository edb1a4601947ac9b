package mls

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// packages makes fresh KeyPackages of a suite for everybody but one, with new signers where the suite is new.
func (w *world) packages(but int, s Suite) (kps []*KeyPackage, secs map[int]*KeyPackageSecret, who map[int]*person) {
	secs, who = map[int]*KeyPackageSecret{}, map[int]*person{}
	for i, p := range w.by {
		if s != p.s {
			p = newPerson(s, p.name)
		}
		who[i] = p
		if i == but {
			continue
		}
		kp, sec := p.keyPackage()
		kps, secs[i] = append(kps, kp), sec
	}
	return kps, secs, who
}

// A conversation moves: one commit closes the group, its maker founds the successor, the others
// follow, also after restarts, with another suite, and one that was away all the time.
func TestReInitMove(t *testing.T) {
	for _, to := range built(X25519AES, XWing) {
		for _, byRef := range []bool{false, true} {
			w := newWorld(t, X25519AES, 4)
			w.commit(2, CommitOptions{})
			o := ReInitOptions{GroupID: []byte("elsewhere"), Suite: to, AAD: []byte("aad")}
			if byRef {
				r := must(w.g[0].Process(must(w.g[1].ProposeReInit(o)), t0)).(ProposalReceived)
				if r.Kind != ProposalReInit || r.Sender != 1 || string(r.AAD) != "aad" {
					t.Errorf("got %+v", r)
				}
				for _, i := range []int{2, 3} { // the same proposal, sent anew since generations are used once
					w.g[i].remember(&authContent{}, w.g[0].proposals[0].p, nil)
					w.g[i].proposals[0] = w.g[0].proposals[0]
				}
				o = ReInitOptions{}
			}
			if got := must(w.g[0].Commit(CommitOptions{UsePending: true})); got.Next.Closed() {
				t.Error("an ordinary commit took the ReInit along")
			}
			p := must(w.g[0].CommitReInit(o))
			for i := 1; i < 4; i++ {
				r := must(w.g[i].Process(p.Message, t0)).(CommitReceived)
				if !r.Closed {
					t.Fatalf("got %+v, want closed", r)
				}
				w.g[i] = must(Restore(r.Next.Snapshot(), nil))
			}
			w.g[0] = must(Restore(p.Next.Snapshot(), nil))
			w.agree()
			x := w.g[3].ReInit()
			if x == nil || string(x.GroupID) != "elsewhere" || x.Suite != to || x.Extensions != nil {
				t.Fatalf("got %+v", x)
			}
			kps, secs, who := w.packages(0, to)
			c, err := w.g[0].Successor(SuccessorOptions{Signer: who[0].sign, Credential: NewBasic([]byte(who[0].name)), Lifetime: alive, Members: kps, Now: t0})
			if err != nil {
				t.Fatal(err)
			}
			if c.Message != nil || c.Next.Epoch() != 1 || string(c.Next.ID()) != "elsewhere" || c.Next.Suite() != to {
				t.Errorf("got epoch %d of %q", c.Next.Epoch(), c.Next.ID())
			}
			v := &world{t: t, g: []*Group{c.Next}, by: []*person{who[0]}}
			for i := 1; i < 4; i++ {
				g, err := Join(c.Welcome, JoinOptions{Secret: secs[i], Signer: who[i].sign, ReInitFrom: w.g[i]})
				if err != nil {
					t.Fatalf("member %d: %v", i, err)
				}
				if a, b := g.Unmatched(w.g[i], nil), w.g[i].Unmatched(g, nil); a != nil || b != nil {
					t.Errorf("member %d: got %v and %v unmatched, want none", i, a, b)
				}
				v.g, v.by = append(v.g, g), append(v.by, who[i])
			}
			v.agree()
			v.talk()
			v.commit(3, CommitOptions{})
			v.talk()
			if _, err := Join(c.Welcome, JoinOptions{Secret: secs[1], Signer: who[1].sign}); !errors.Is(err, ErrUnknownPSK) {
				t.Errorf("without the old group: got %v, want ErrUnknownPSK", err)
			}
		}
	}
}

// A ReInit that loses its race closes nothing; afterwards it is made again.
func TestReInitLostRace(t *testing.T) {
	w := newWorld(t, X25519AES, 3)
	o := ReInitOptions{GroupID: []byte("elsewhere")}
	must(w.g[0].CommitReInit(o))
	w.commit(1, CommitOptions{})
	w.talk()
	if w.g[0].Closed() || w.g[0].ReInit() != nil {
		t.Error("the lost ReInit closed the group")
	}
	w.commit(2, CommitOptions{})
	w.deliver(0, must(w.g[0].CommitReInit(o)))
	for i, g := range w.g {
		if !g.Closed() {
			t.Errorf("member %d is not closed", i)
		}
	}
}

// A branch: some of the members, bound to the parent's epoch; the parent goes on.
func TestBranch(t *testing.T) {
	w := newWorld(t, XWing, 4)
	w.commit(1, CommitOptions{})
	a, sa := w.by[2].keyPackage()
	b, sb := w.by[3].keyPackage()
	c, err := w.g[1].Branch(BranchOptions{GroupID: []byte("aside"), SuccessorOptions: SuccessorOptions{
		Signer: w.by[1].sign, Credential: NewBasic([]byte(w.by[1].name)), Lifetime: alive, Members: []*KeyPackage{a, b}, WithoutTree: true, Now: t0}})
	if err != nil {
		t.Fatal(err)
	}
	parent := w.g[2]
	w.commit(0, CommitOptions{}) // a joiner that has gone on kept the parent's state or restored it
	v := &world{t: t, g: []*Group{c.Next}, by: w.by[1:]}
	for _, x := range []struct {
		i   int
		sec *KeyPackageSecret
	}{{2, sa}, {3, sb}} {
		g, err := Join(c.Welcome, JoinOptions{Secret: x.sec, Signer: w.by[x.i].sign, Tree: c.Next.Tree(), BranchFrom: parent})
		if err != nil {
			t.Fatalf("member %d: %v", x.i, err)
		}
		v.g = append(v.g, g)
	}
	v.agree()
	v.talk()
	w.talk()
	if got := v.g[0].Unmatched(parent, nil); got != nil {
		t.Errorf("got %v unmatched in the parent, want none", got)
	}
	if got := parent.Unmatched(v.g[0], nil); !slices.Equal(got, []uint32{0}) {
		t.Errorf("got %v of the parent unmatched, want 0", got)
	}
	if got := v.g[0].Unmatched(parent, func(Member) string { return "" }); got != nil {
		t.Errorf("all the same: got %v", got)
	}
	if got := parent.Unmatched(v.g[0], func(Member) string { return "" }); !slices.Equal(got, []uint32{3}) {
		t.Errorf("four of the same against three: got %v, want the last", got)
	}
	// At another epoch of the parent it is not the branch that was meant.
	_, err = Join(c.Welcome, JoinOptions{Secret: sa, Signer: w.by[2].sign, Tree: c.Next.Tree(), BranchFrom: w.g[2]})
	broke(t, "M-141", err)
}

// Resumption secrets of the group's own past: in commits, in Welcomes, from outside.
func TestResume(t *testing.T) {
	w := newWorld(t, X25519AES, 3)
	w.commit(0, CommitOptions{})
	w.commit(1, CommitOptions{})
	w.commit(0, CommitOptions{Resume: []uint64{1, 3}})
	_, err := w.g[0].Commit(CommitOptions{Resume: []uint64{99}})
	if broke(t, "M-083", err); !errors.Is(err, ErrUnknownPSK) {
		t.Errorf("got %v, want ErrUnknownPSK", err)
	}
	// A newcomer that was here before can be asked for it.
	former := w.g[2]
	w.g, w.by = w.g[:2], w.by[:2]
	w.commit(1, CommitOptions{Remove: []uint32{2}})
	p := newPerson(X25519AES, "member-2")
	kp, sec := p.keyPackage()
	c := must(w.g[0].Commit(CommitOptions{Add: []*KeyPackage{kp}, Resume: []uint64{former.Epoch()}, Now: t0}))
	o := JoinOptions{Secret: sec, Signer: p.sign}
	if _, err := Join(c.Welcome, o); !errors.Is(err, ErrUnknownPSK) {
		t.Errorf("got %v, want ErrUnknownPSK", err)
	}
	o.Resume = []*Group{former}
	w.deliver(0, c)
	w.g, w.by = append(w.g, must(Join(c.Welcome, o))), append(w.by, p)
	w.agree()
	w.talk()
	// From outside, as proof of having been inside.
	msg, g := p.outside(t, must(w.g[0].GroupInfo(true, true)), func(o *ExternalOptions) {
		o.Remove, o.Former = new(uint32(2)), w.g[2]
	})
	w.g[2] = nil
	w.everyone(t, msg)
	w.g[2] = g
	w.agree()
	w.talk()
	other := newWorld(t, X25519AES, 1, func(o *GroupOptions) { o.GroupID = []byte("other") })
	_, _, err = JoinExternal(must(w.g[0].GroupInfo(true, true)), nil, ExternalOptions{Signer: newPerson(X25519AES, "x").sign, Credential: NewBasic(nil), Former: other.g[0]})
	if !errors.Is(err, ErrArgument) {
		t.Errorf("a former state of another group: got %v, want ErrArgument", err)
	}
}

// What the makers refuse.
func TestReInitArguments(t *testing.T) {
	w := newWorld(t, X25519AES, 2)
	g := w.g[0]
	_, e1 := g.CommitReInit(ReInitOptions{})
	_, e2 := g.CommitReInit(ReInitOptions{GroupID: []byte("group")})
	_, e3 := g.CommitReInit(ReInitOptions{GroupID: []byte("x"), Suite: 4})
	_, e4 := g.Successor(SuccessorOptions{})
	_, e5 := g.ProposeReInit(ReInitOptions{GroupID: []byte("x"), Extensions: []Extension{{0xff01, nil}, {0xff01, nil}}})
	closed := must(g.CommitReInit(ReInitOptions{GroupID: []byte("x"), Extensions: []Extension{{0xff01, []byte("y")}}})).Next
	_, e6 := closed.CommitReInit(ReInitOptions{GroupID: []byte("y")})
	_, e7 := closed.Branch(BranchOptions{})
	_, e8 := closed.Successor(SuccessorOptions{Signer: must(NewSigner(XWing)), Credential: NewBasic(nil)})
	for i, x := range []struct{ got, want error }{{e1, ErrArgument}, {e2, ErrArgument}, {e3, ErrSuite}, {e4, ErrArgument}, {e6, ErrClosed}, {e7, ErrClosed}, {e8, ErrSigner}} {
		if !errors.Is(x.got, x.want) {
			t.Errorf("case %d: got %v, want %v", i, x.got, x.want)
		}
	}
	broke(t, "M-008", e5)
	if x := closed.ReInit(); len(x.Extensions) != 1 || string(x.Extensions[0].Data) != "y" {
		t.Errorf("got %+v", x)
	}
	// Alone, with the extension it asked for.
	c := must(closed.Successor(SuccessorOptions{Signer: w.by[0].sign, Credential: NewBasic(nil), Lifetime: alive, Now: t0}))
	if c.Welcome != nil || c.Next.Size() != 1 || string(c.Next.Extension(0xff01)) != "y" {
		t.Errorf("got %d members", c.Next.Size())
	}
	later := *closed
	later.reinit = closed.reinit.clone()
	later.reinit.version = 2
	if _, err := later.Successor(SuccessorOptions{}); !errors.Is(err, ErrSuite) {
		t.Errorf("a later version: got %v, want ErrSuite", err)
	}
}

// Welcomes to successors and branches that are not what was agreed upon (§11.2, §11.3, §12.4.3.1).
func TestRuleDescent(t *testing.T) {
	w := newWorld(t, X25519AES, 2)
	p := must(w.g[0].CommitReInit(ReInitOptions{GroupID: []byte("next")}))
	stale := must(w.g[0].Encrypt(nil, nil))
	w.deliver(0, p)
	founder, joiner := w.g[0], w.g[1]
	// made founds what the joiner is to join, as x and usage say and whatever was agreed upon.
	made := func(parent *Group, x reInit, usage uint8, edit func(*Group, *item) []item, then func(*Group)) error {
		kp, sec := w.by[1].keyPackage()
		child := must(NewGroup(GroupOptions{Suite: X25519AES, GroupID: x.groupID, Signer: w.by[0].sign, Credential: NewBasic(nil), Lifetime: alive, Extensions: x.exts}))
		if then != nil {
			then(child)
		}
		child.parent = parent
		bond := item{p: parent.resumes(usage, parent.ctx.epoch, child.s).encode(), sender: senderMember, sound: true}
		list := []item{bond}
		if edit != nil {
			list = edit(child, &bond)
		}
		c := must(child.commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0}, list...))
		o := JoinOptions{Secret: sec, Signer: w.by[1].sign}
		if usage == usageBranch {
			o.BranchFrom = joiner
		} else {
			o.ReInitFrom = joiner
		}
		_, err := Join(c.Welcome, o)
		return err
	}
	right := *founder.reinit
	if err := made(founder, right, usageReInit, nil, nil); err != nil {
		t.Fatalf("untouched: %v", err)
	}
	if err := made(founder, right, usageBranch, nil, nil); err != nil {
		t.Fatalf("untouched branch: %v", err)
	}
	other := func(usage uint8, epoch uint64) func(*Group, *item) []item {
		return func(g *Group, _ *item) []item {
			return []item{{p: founder.resumes(usage, epoch, g.s).encode(), sender: senderMember, sound: true}}
		}
	}
	t.Run("M-140", func(t *testing.T) {
		two := func(g *Group, b *item) []item { return append(other(usageReInit, founder.ctx.epoch)(g, b), *b) }
		broke(t, "M-140", made(founder, right, usageReInit, two, nil))
	})
	t.Run("M-141", func(t *testing.T) {
		broke(t, "M-141", made(founder, right, usageReInit, other(usageBranch, founder.ctx.epoch), nil))
		broke(t, "M-141", made(founder, right, usageBranch, other(usageReInit, founder.ctx.epoch), nil))
		broke(t, "M-141", made(founder, right, usageReInit, other(usageReInit, 1), nil))
		broke(t, "M-141", made(founder, right, usageReInit, func(*Group, *item) []item { return nil }, nil))
		broke(t, "M-083", made(founder, right, usageReInit, other(usageApplication, founder.ctx.epoch), nil)) // not among Resume
	})
	t.Run("M-142", func(t *testing.T) {
		older := func(g *Group) {
			g.ctx.epoch = 1
			g.context = g.ctx.bytes()
		}
		broke(t, "M-142", made(founder, right, usageReInit, nil, older))
		broke(t, "M-142", made(founder, right, usageBranch, nil, older))
	})
	t.Run("M-143", func(t *testing.T) {
		broke(t, "M-143", made(founder, reInit{[]byte("another"), version, X25519AES, nil}, usageReInit, nil, nil))
		broke(t, "M-143", made(founder, reInit{[]byte("next"), version, X25519AES, []Extension{RequiredCapabilities(nil, nil, nil)}}, usageReInit, nil, nil))
		open := *joiner
		open.reinit = nil
		joiner = &open // a group that is not closed has no successor
		broke(t, "M-143", made(founder, right, usageReInit, nil, nil))
		joiner = w.g[1]
		suite := *joiner
		suite.reinit = joiner.reinit.clone()
		suite.reinit.suite = XWing
		joiner = &suite
		broke(t, "M-143", made(founder, right, usageReInit, nil, nil))
		joiner = w.g[1]
	})
	t.Run("M-144", func(t *testing.T) { // from a parent of another suite
		v := newWorld(t, X25519ChaCha, 1)
		parent := *v.g[0]
		parent.ctx.groupID, joiner = w.g[1].ctx.groupID, &parent
		broke(t, "M-144", made(&parent, right, usageBranch, nil, nil))
		joiner = w.g[1]
	})
	t.Run("M-145", func(t *testing.T) {
		open := *founder // a member that does not hold its peace
		open.reinit = nil
		for _, m := range [][]byte{must(open.Encrypt(nil, nil)), must(open.Commit(CommitOptions{})).Message, must(open.ProposeRemove(1, nil)), open.public(ContentProposal, removal(1).raw, nil)} {
			_, err := joiner.Process(m, t0)
			if broke(t, "M-145", err); !errors.Is(err, ErrClosed) {
				t.Errorf("got %v, want ErrClosed", err)
			}
		}
		msg, _ := newPerson(X25519AES, "x").outside(t, must(founder.GroupInfo(true, true)), nil)
		_, err := joiner.Process(msg, t0)
		broke(t, "M-145", err)
		if _, err := joiner.Process(stale, t0); !errors.Is(err, ErrStaleEpoch) {
			t.Errorf("a message from before: got %v, want ErrStaleEpoch", err)
		}
	})
	t.Run("M-081", func(t *testing.T) {
		broke(t, "M-081", made(founder, right, usageReInit, func(_ *Group, b *item) []item {
			b.p.psk.nonce = make([]byte, 31)
			b.p.encode()
			return []item{*b}
		}, nil))
	})
	if !bytes.Equal(founder.EpochAuthenticator(), joiner.EpochAuthenticator()) {
		t.Error("the old group fell apart")
	}
}
