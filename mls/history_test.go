package mls

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var (
	historyRuns = flag.Int("histories", 6, "random group histories to run")
	historySeed = flag.Uint64("seed", 1, "seed of the first random history")
)

// Random histories with an ordering server: several members commit at once and one wins, members
// lag behind, restart from what they saved, read late and out of order, leave and come back from
// outside. At the end everybody who is in the group is in the same epoch. A failure prints its seed.
func TestHistories(t *testing.T) {
	for i := range *historyRuns {
		seed := *historySeed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := X25519AES
			if seed%3 == 0 {
				s = XWing
			}
			h := &history{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 1)), suite: s}
			h.run(60)
		})
	}
}

// client is a member that reads the log at its own pace.
type client struct {
	who     *person
	g       *Group
	save    store
	next    int // place in the log
	pending *Pending
	out     bool
}

// entry is one record of the log.
type entry struct {
	msg []byte
	by  *client
}
type history struct {
	t     *testing.T
	seed  uint64
	rnd   *rand.Rand
	suite Suite
	log   []entry
	all   []*client
	made  int
	read  int // application messages read
	races int // commits that lost

	rejoins int // members that lost everything and came back
}

func (h *history) fail(c *client, what string, err error) {
	h.t.Helper()
	h.t.Fatalf("seed %d: %s in epoch %d: %s: %v", h.seed, c.who.name, c.g.Epoch(), what, err)
}
func (h *history) person() *person {
	h.made++
	return newPerson(h.suite, fmt.Sprintf("p%d", h.made))
}

// enter makes a client of a new state, saved at once.
func (h *history) enter(p *person, g *Group) *client {
	c := &client{who: p, g: g, next: len(h.log)}
	c.save.save(g)
	h.all = append(h.all, c)
	return c
}

// restart brings a client back from what it saved, its commit under way included.
func (c *client) restart(t *testing.T) {
	c.g = c.save.load(t)
	if c.pending != nil {
		c.pending.Next = must(Restore(c.pending.Next.Snapshot(), nil))
	}
}

// step lets a client read one record.
func (h *history) step(c *client) {
	e := h.log[c.next]
	c.next++
	if c.pending != nil && string(c.pending.Message) == string(e.msg) {
		c.g, c.pending = c.pending.Next, nil // won
		c.save = store{}
		c.save.save(c.g)
		return
	}
	r, err := c.g.Process(e.msg, t0)
	switch {
	case errors.Is(err, ErrStaleEpoch), errors.Is(err, ErrOwnMessage):
		if e.by == c && errors.Is(err, ErrStaleEpoch) {
			h.races++
		}
		return // a commit that lost, something said before the commit, or our own words
	case err != nil:
		h.fail(c, "reading", err)
	}
	switch r := r.(type) {
	case Application:
		h.read++
	case CommitReceived:
		c.pending = nil // lost
		if r.RemovedSelf {
			c.out = true
			return
		}
		c.g = r.Next
		c.save = store{}
	}
	c.save.save(c.g)
}
func (h *history) catchUp(c *client) {
	for !c.out && c.next < len(h.log) {
		h.step(c)
	}
}
func (h *history) in() []*client {
	return slices.DeleteFunc(slices.Clone(h.all), func(c *client) bool { return c.out })
}

// send appends to the log.
func (h *history) send(c *client, msg []byte) { h.log = append(h.log, entry{msg, c}) }

// stage makes a commit without knowing whether it will win.
func (h *history) stage(c *client) *Pending {
	o := CommitOptions{Now: t0, UsePending: h.rnd.IntN(2) == 0, ForcePath: h.rnd.IntN(2) == 0}
	members := c.g.Members()
	if h.rnd.IntN(4) == 0 && len(members) > 3 {
		if m := members[h.rnd.IntN(len(members))]; m.Index != c.g.OwnIndex() {
			o.Remove = []uint32{m.Index}
		}
	}
	if h.rnd.IntN(5) == 0 {
		o.Signer = must(NewSigner(h.suite))
	}
	if h.rnd.IntN(5) == 0 {
		name := NewBasic(fmt.Appendf(nil, "%s/%d", c.who.name, c.g.Epoch()))
		o.Credential = &name
	}
	p, err := c.g.Commit(o)
	if err != nil {
		h.fail(c, "committing", err)
	}
	c.pending = p
	c.save.save(c.g)
	return p
}

// outside lets somebody in by the word of a member who is up to date: somebody new, or somebody who
// lost all but the signature key and takes the place of the old leaf. Who wants to leave goes too.
func (h *history) outside(c *client, in []*client) {
	p := h.person()
	o := ExternalOptions{Signer: p.sign, Credential: NewBasic([]byte(p.name)), Leaving: c.g.Leaving()}
	if lost := in[h.rnd.IntN(len(in))]; lost != c && h.rnd.IntN(2) == 0 {
		if m, err := c.g.Member(lost.g.OwnIndex()); err == nil && strings.HasPrefix(string(m.Credential.Identity())+"/", lost.who.name+"/") {
			h.rejoins++
			h.made--
			p, o.Signer, o.Remove = lost.who, lost.who.sign, &m.Index
			lost.out = true
		}
	}
	msg, g, err := JoinExternal(must(c.g.GroupInfo(true, true)), nil, o)
	if err != nil {
		h.fail(c, "joining from outside", err)
	}
	h.log = append(h.log, entry{msg, nil})
	h.enter(p, g)
}

// move closes the group and lets everybody follow to its successor, each from what it saved.
func (h *history) move() {
	var in []*client
	for _, c := range h.in() {
		if h.catchUp(c); !c.out {
			in = append(in, c)
		}
	}
	p, err := in[0].g.CommitReInit(ReInitOptions{GroupID: fmt.Appendf(nil, "next %d", h.seed)})
	if err != nil {
		h.fail(in[0], "closing", err)
	}
	w := &world{t: h.t}
	var kps []*KeyPackage
	var secs []*KeyPackageSecret
	for i, c := range in {
		next := p.Next
		if i > 0 {
			r, err := c.g.Process(p.Message, t0)
			if err != nil {
				h.fail(c, "reading the end", err)
			}
			next = must(Restore(r.(CommitReceived).Next.Snapshot(), nil))
		}
		w.g = append(w.g, next)
		kp, sec := c.who.keyPackage()
		kps, secs = append(kps, kp), append(secs, sec)
	}
	f, err := w.g[0].Successor(SuccessorOptions{Signer: in[0].who.sign, Credential: NewBasic([]byte("founder")), Lifetime: alive, Members: kps[1:], Now: t0})
	if err != nil {
		h.fail(in[0], "founding the successor", err)
	}
	v := &world{t: h.t, g: []*Group{f.Next}}
	for i, c := range in[1:] {
		g, err := Join(f.Welcome, JoinOptions{Secret: secs[i+1], Signer: c.who.sign, ReInitFrom: w.g[i+1]})
		if err != nil {
			h.fail(c, "following", err)
		}
		v.g = append(v.g, g)
	}
	v.agree()
	v.talk()
}

func (h *history) run(steps int) {
	a := h.person()
	h.enter(a, a.found(func(o *GroupOptions) { o.Suite = h.suite }))
	for range steps {
		in := h.in()
		c := in[h.rnd.IntN(len(in))]
		switch h.rnd.IntN(12) {
		case 0, 1: // a race: several commit from where they are; the log decides
			var staged []*client
			for _, x := range in {
				if x.pending == nil && h.rnd.IntN(2) == 0 {
					h.catchUp(x)
					if !x.out {
						h.stage(x)
						staged = append(staged, x)
					}
				}
			}
			h.rnd.Shuffle(len(staged), func(i, k int) { staged[i], staged[k] = staged[k], staged[i] })
			for _, x := range staged {
				if h.rnd.IntN(8) > 0 {
					h.send(x, x.pending.Message)
				} else {
					x.pending = nil // gave up before sending
				}
			}
		case 2: // adding needs the commit to win, so its maker is up to date and nobody is in between
			h.catchUp(c)
			if c.out || c.pending != nil || len(in) > 9 {
				continue
			}
			var kps []*KeyPackage
			var secs []*KeyPackageSecret
			var who []*person
			for range 1 + h.rnd.IntN(3) {
				p := h.person()
				kp, sec := p.keyPackage()
				kps, secs, who = append(kps, kp), append(secs, sec), append(who, p)
			}
			p, err := c.g.Commit(CommitOptions{Add: kps, Now: t0, UsePending: h.rnd.IntN(2) == 0})
			if err != nil {
				h.fail(c, "adding", err)
			}
			c.pending = p
			h.send(c, p.Message)
			for i := range who {
				g, err := Join(p.Welcome, JoinOptions{Secret: secs[i], Signer: who[i].sign})
				if err != nil {
					h.fail(c, "welcoming", err)
				}
				h.enter(who[i], g)
			}
		case 3: // from outside, by the word of somebody up to date
			h.catchUp(c)
			if c.out || len(in) > 9 {
				continue
			}
			h.outside(c, in)
		case 4:
			h.catchUp(c)
			if c.out {
				continue
			}
			propose := c.g.ProposeUpdate
			if len(in) > 4 && h.rnd.IntN(3) == 0 {
				propose = c.g.ProposeSelfRemove
			}
			m, err := propose(nil)
			if err != nil {
				h.fail(c, "proposing", err)
			}
			c.save.save(c.g)
			h.send(c, m)
		case 5:
			c.restart(h.t)
		case 6, 7:
			for range h.rnd.IntN(4) {
				if !c.out && c.next < len(h.log) {
					h.step(c)
				}
			}
		default:
			for range 1 + h.rnd.IntN(3) {
				m, err := c.g.Encrypt([]byte("x"), nil)
				if err != nil {
					h.fail(c, "talking", err)
				}
				c.save.save(c.g)
				h.send(c, m)
			}
		}
	}
	// Heal: everybody reads everything and must agree; then each commits once more.
	for round := range 2 {
		w := &world{t: h.t}
		for _, c := range h.in() {
			h.catchUp(c)
			if !c.out {
				w.g = append(w.g, c.g)
			}
		}
		w.agree()
		if round == 0 {
			c := h.in()[0]
			h.send(c, h.stage(c).Message)
		}
	}
	h.move()
	h.t.Logf("seed %d: %d records, %d members of %d, epoch %d, %d messages read, %d lost races, %d rejoins",
		h.seed, len(h.log), len(h.in()), len(h.all), h.in()[0].g.Epoch(), h.read, h.races, h.rejoins)
}
