// Package scenario is what two MLS implementations must be able to do together. A foreign stack is
// wrapped as a Member; Run then lets it and ours found groups, add, remove and update each other,
// talk and join from outside, in a fixed order and in random ones.
//
// Every failure text holds the seed of a random history; the same seed replays it.
// References: RFC 9420. Used by the modules beside this one.
package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"paperplane/mls"
)

// Member is one client of one group. All messages are encoded MLSMessages. A commit that a method
// returns has already taken effect for its maker.
type Member interface {
	Name() string
	KeyPackage() ([]byte, error)
	Found() error
	Join(welcome []byte) error
	Add(keyPackages ...[]byte) (commit, welcome []byte, err error)
	Remove(name string) (commit []byte, err error)
	Update() (commit []byte, err error)
	Process(commit []byte) error
	Send(text string) ([]byte, error)
	Receive(msg []byte) (string, error)
	GroupInfo() ([]byte, error)
	JoinExternal(groupInfo []byte) (commit []byte, err error)
	Authenticator() ([]byte, error)
	Export(label string, context []byte, n int) ([]byte, error)
}

// Maker makes a client that is in no group yet.
type Maker func(t testing.TB, name string) Member

// ours is our own implementation as a Member.
type ours struct {
	name   string
	suite  mls.Suite
	signer *mls.Signer
	secret *mls.KeyPackageSecret
	g      *mls.Group
	resume bool // the next update may mix in the resumption key of the epoch before, or rotate
	turn   int  // of updates
}

// Ours returns the Maker of our own members.
func Ours(suite mls.Suite) Maker {
	return func(t testing.TB, name string) Member {
		signer, err := mls.NewSigner(suite)
		if err != nil {
			t.Fatal(err)
		}
		return &ours{name: name, suite: suite, signer: signer}
	}
}

func lifetime() mls.Lifetime {
	now := time.Now()
	return mls.Lifetime{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
}
func (m *ours) Name() string { return m.name }
func (m *ours) KeyPackage() (b []byte, err error) {
	b, m.secret, err = mls.NewKeyPackage(mls.KeyPackageOptions{Suite: m.suite, Signer: m.signer, Credential: mls.NewBasic([]byte(m.name)), Lifetime: lifetime()})
	return b, err
}
func (m *ours) Found() (err error) {
	m.g, err = mls.NewGroup(mls.GroupOptions{Suite: m.suite, GroupID: []byte("interop " + m.name), Signer: m.signer, Credential: mls.NewBasic([]byte(m.name)), Lifetime: lifetime()})
	return err
}
func (m *ours) Join(welcome []byte) (err error) {
	m.g, err = mls.Join(welcome, mls.JoinOptions{Secret: m.secret, Signer: m.signer})
	return err
}
func (m *ours) commit(o mls.CommitOptions) (commit, welcome []byte, err error) {
	o.Now = time.Now()
	p, err := m.g.Commit(o)
	if err != nil {
		return nil, nil, err
	}
	m.g = p.Next
	return p.Message, p.Welcome, nil
}
func (m *ours) Add(keyPackages ...[]byte) (commit, welcome []byte, err error) {
	var o mls.CommitOptions
	for _, b := range keyPackages {
		u, err := mls.ParseKeyPackage(b)
		if err != nil {
			return nil, nil, err
		}
		k, err := u.Verify(time.Now())
		if err != nil {
			return nil, nil, err
		}
		o.Add = append(o.Add, k)
	}
	return m.commit(o)
}
func (m *ours) Remove(name string) ([]byte, error) {
	for _, x := range m.g.Members() {
		if string(x.Credential.Identity()) == name {
			b, _, err := m.commit(mls.CommitOptions{Remove: []uint32{x.Index}})
			return b, err
		}
	}
	return nil, mls.ErrNotMember
}
func (m *ours) Update() ([]byte, error) {
	o := mls.CommitOptions{ForcePath: true}
	if m.turn++; m.resume && m.turn%3 == 1 { // every third: a pre-shared key that all members have
		o.Resume = []uint64{m.g.Epoch() - 1}
	}
	if m.resume && m.turn%3 == 2 { // and a new signature key
		k, err := mls.NewSigner(m.suite)
		if err != nil {
			return nil, err
		}
		o.Signer = k
	}
	b, _, err := m.commit(o)
	return b, err
}
func (m *ours) Process(commit []byte) error {
	r, err := m.g.Process(commit, time.Now())
	if err != nil {
		return err
	}
	c, ok := r.(mls.CommitReceived)
	if !ok {
		return fmt.Errorf("got %T, want a commit", r)
	}
	if c.RemovedSelf {
		return errors.New("removed")
	}
	m.g = c.Next
	return nil
}
func (m *ours) Send(text string) ([]byte, error) { return m.g.Encrypt([]byte(text), []byte("aad")) }
func (m *ours) Receive(msg []byte) (string, error) {
	r, err := m.g.Process(msg, time.Now())
	if err != nil {
		return "", err
	}
	a, ok := r.(mls.Application)
	if !ok {
		return "", fmt.Errorf("got %T, want application data", r)
	}
	return string(a.Data), nil
}
func (m *ours) GroupInfo() ([]byte, error) { return m.g.GroupInfo(true, true) }
func (m *ours) JoinExternal(info []byte) (commit []byte, err error) {
	commit, m.g, err = mls.JoinExternal(info, nil, mls.ExternalOptions{Signer: m.signer, Credential: mls.NewBasic([]byte(m.name))})
	return commit, err
}
func (m *ours) Authenticator() ([]byte, error) { return m.g.EpochAuthenticator(), nil }
func (m *ours) Export(label string, context []byte, n int) ([]byte, error) {
	return m.g.Export(label, context, n)
}

// group is a running group of both kinds of members.
type group struct {
	t       testing.TB
	what    string // prefix of failures: seed and step
	members []Member
	makers  []Maker
	made    int
	o       Options
	spoke   map[Member]bool // in this epoch
	settled bool            // all members know the epoch before this one
}

func (g *group) fail(err error, format string, a ...any) {
	g.t.Helper()
	if err != nil {
		g.t.Fatalf("%s: %s: %v", g.what, fmt.Sprintf(format, a...), err)
	}
}
func (g *group) fresh(kind int) Member {
	g.made++
	return g.makers[kind](g.t, fmt.Sprintf("%s-%d", []string{"ours", "theirs"}[kind], g.made))
}

// spread lets everybody but the committer process a commit, and checks that all agree.
func (g *group) spread(by Member, commit []byte) {
	g.t.Helper()
	for _, m := range g.members {
		if m != by {
			g.fail(m.Process(commit), "%s processes the commit of %s", m.Name(), by.Name())
		}
	}
}
func (g *group) agree() {
	g.t.Helper()
	g.spoke = map[Member]bool{}
	first := g.members[0]
	want, err := first.Authenticator()
	g.fail(err, "authenticator of %s", first.Name())
	key, err := first.Export("label", []byte("context"), 32)
	g.fail(err, "export of %s", first.Name())
	for _, m := range g.members[1:] {
		got, err := m.Authenticator()
		g.fail(err, "authenticator of %s", m.Name())
		if !bytes.Equal(got, want) {
			g.t.Fatalf("%s: %s is in another epoch than %s: got %x, want %x", g.what, m.Name(), first.Name(), got, want)
		}
		k, err := m.Export("label", []byte("context"), 32)
		g.fail(err, "export of %s", m.Name())
		if !bytes.Equal(k, key) {
			g.t.Fatalf("%s: %s exports %x, %s exports %x", g.what, m.Name(), k, first.Name(), key)
		}
	}
}
func (g *group) talk(from Member) {
	g.t.Helper()
	text := "hello from " + from.Name()
	g.spoke[from] = true
	msg, err := from.Send(text)
	g.fail(err, "%s sends", from.Name())
	for _, m := range g.members {
		if m == from {
			continue
		}
		got, err := m.Receive(msg)
		g.fail(err, "%s reads %s", m.Name(), from.Name())
		if got != text {
			g.t.Fatalf("%s: %s read %q, want %q", g.what, m.Name(), got, text)
		}
	}
}

// ready makes room for a commit of by; see Options.SilentCommitter.
func (g *group) ready(by Member) {
	g.t.Helper()
	if _, own := by.(*ours); !own || !g.o.SilentCommitter || !g.spoke[by] {
		return
	}
	for _, m := range g.members {
		if _, own := m.(*ours); !own {
			g.update(m)
			return
		}
	}
}
func (g *group) add(by Member, who ...Member) {
	g.t.Helper()
	g.ready(by)
	var kps [][]byte
	for _, m := range who {
		k, err := m.KeyPackage()
		g.fail(err, "key package of %s", m.Name())
		kps = append(kps, k)
	}
	commit, welcome, err := by.Add(kps...)
	g.fail(err, "%s adds", by.Name())
	g.spread(by, commit)
	var lost []Member
	for _, m := range who {
		err := m.Join(welcome)
		if d := g.o.JoinDefect; err != nil && d != "" && strings.Contains(err.Error(), d) {
			g.t.Logf("%s: %s cannot join for a known defect of the peer: %v", g.what, m.Name(), err)
			lost = append(lost, m)
			continue
		}
		g.fail(err, "%s joins by %s", m.Name(), by.Name())
		g.members = append(g.members, m)
		g.settled = false
	}
	g.agree()
	for _, m := range lost {
		g.remove(by, m)
	}
}
func (g *group) update(by Member) {
	g.t.Helper()
	g.ready(by)
	if own, ok := by.(*ours); ok {
		own.resume = g.o.Resume && g.settled
	}
	commit, err := by.Update()
	g.fail(err, "%s updates", by.Name())
	g.spread(by, commit)
	g.agree()
	g.settled = true
}
func (g *group) remove(by, who Member) {
	g.t.Helper()
	g.ready(by)
	for i, m := range g.members {
		if m == who {
			g.members = append(g.members[:i:i], g.members[i+1:]...)
			break
		}
	}
	commit, err := by.Remove(who.Name())
	g.fail(err, "%s removes %s", by.Name(), who.Name())
	g.spread(by, commit)
	g.agree()
}
func (g *group) external(by, who Member) {
	g.t.Helper()
	info, err := by.GroupInfo()
	g.fail(err, "group info of %s", by.Name())
	commit, err := who.JoinExternal(info)
	g.fail(err, "%s joins from outside", who.Name())
	g.spread(who, commit)
	g.members = append(g.members, who)
	g.settled = false
	g.agree()
}

// Options of Run.
type Options struct {
	Histories int // random ones for each founder
	Steps     int
	External  bool // the peer can join from outside and be joined so
	Resume    bool // the peer follows commits with resumption keys, and rotations
	OneByOne  bool // the peer adds one member at a time

	// SilentCommitter: the peer cannot read a private commit of somebody who has sent an application
	// message in the same epoch. Another member's update then comes first.
	SilentCommitter bool

	// JoinDefect is part of the error with which the peer wrongly refuses some Welcomes in random
	// histories. Who cannot join for it is removed again. In the fixed order nobody may fail.
	JoinDefect string
}

const (
	kindOurs   = 0
	kindTheirs = 1
)

// Run runs the fixed scenario and random histories, founded by either side.
func Run(t *testing.T, suite mls.Suite, theirs Maker, o Options) {
	makers := []Maker{Ours(suite), theirs}
	for _, founder := range []int{kindOurs, kindTheirs} {
		name := []string{"ours", "theirs"}[founder]
		t.Run("fixed-founded-by-"+name, func(t *testing.T) { fixed(t, makers, founder, o) })
		for seed := range o.Histories {
			t.Run(fmt.Sprintf("random-founded-by-%s-%d", name, seed), func(t *testing.T) { random(t, makers, founder, uint64(seed), o) })
		}
	}
}

func fixed(t *testing.T, makers []Maker, founder int, o Options) {
	o.JoinDefect = ""
	g := &group{t: t, what: "fixed", makers: makers, o: o}
	a := g.fresh(founder)
	g.fail(a.Found(), "%s founds", a.Name())
	g.members = []Member{a}
	b, c, d := g.fresh(1-founder), g.fresh(founder), g.fresh(1-founder)
	g.add(a, b)
	g.talk(a)
	g.talk(b)
	g.update(b)
	g.update(a)
	g.add(b, c)
	g.add(a, d)
	for _, m := range []Member{a, b, c, d} {
		g.talk(m)
		g.update(m)
	}
	g.remove(d, c)
	g.update(b)
	g.remove(a, d)
	g.talk(b)
	if o.External {
		e, f := g.fresh(founder), g.fresh(1-founder)
		g.external(a, f)
		g.talk(f)
		g.update(f)
		g.external(b, e)
		g.talk(e)
		g.update(e)
	}
	for _, m := range g.members {
		g.update(m)
		g.talk(m)
	}
}

// random makes a history of o.Steps steps from a seed.
func random(t *testing.T, makers []Maker, founder int, seed uint64, o Options) {
	rnd := rand.New(rand.NewPCG(seed, 9420))
	g := &group{t: t, makers: makers, o: o, what: fmt.Sprintf("seed %d founding", seed)}
	a := g.fresh(founder)
	g.fail(a.Found(), "%s founds", a.Name())
	g.members = []Member{a}
	g.add(a, g.fresh(1-founder))
	for step := range o.Steps {
		g.what = fmt.Sprintf("seed %d step %d", seed, step)
		by := g.members[rnd.IntN(len(g.members))]
		_, own := by.(*ours)
		switch n := rnd.IntN(10); {
		case n < 3 && len(g.members) < 12:
			who := []Member{g.fresh(rnd.IntN(2))}
			if own || !o.OneByOne {
				for range rnd.IntN(3) {
					who = append(who, g.fresh(rnd.IntN(2)))
				}
			}
			g.add(by, who...)
		case n < 5 && len(g.members) > 2:
			if who := g.members[rnd.IntN(len(g.members))]; who != by {
				g.remove(by, who)
			}
		case n < 6 && o.External && len(g.members) < 12:
			g.external(by, g.fresh(rnd.IntN(2)))
		default:
			g.update(by)
		}
		g.talk(g.members[rnd.IntN(len(g.members))])
	}
}
