package convo

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// hear has c judge a post as core does, and returns what it says.
func hear(c *Convo, leaf uint32, ms uint64) string {
	c.Hear(leaf, ms)
	if _, err := c.Judge(leaf, ms, true); err != nil {
		return err.Error()
	}
	c.Post(leaf, ms)
	return ""
}

// ruled is a group of an owner and members with rules.
func ruled(t *testing.T, r Rules, names ...string) *log {
	t.Helper()
	l := group(t, append([]string{"ann"}, names...)...)
	act(t, l, "ann", Change{Edit: func(s *State) { s.Rules = r }})
	return l
}

var today = msOf(now)

// TestQuiet: only owners and admins post, and what is said besides goes on (G-20).
func TestQuiet(t *testing.T) {
	l := ruled(t, Rules{Quiet: true}, "bob", "cid")
	c := l.member("bob").c
	for name, want := range map[string]error{"ann": nil, "bob": ErrQuiet} {
		leaf := c.LeavesOf(who(name))[0]
		for _, post := range []bool{true, false} {
			if _, err := c.Judge(leaf, today, post); err != want {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
	}
	act(t, l, "ann", Change{Edit: func(s *State) { s.SetRole(who("bob"), RoleAdmin) }})
	if _, err := c.Judge(c.OwnLeaf(), today, true); err != nil {
		t.Errorf("an admin: got %v", err)
	}
}

// TestSlow shows slow mode at its edges: the last post, the run, and clocks that lie (G-21, G-22).
func TestSlow(t *testing.T) {
	names := []string{"bob", "cid", "dan", "eve", "fay"}
	start := func() *Convo { return ruled(t, Rules{Slow: 60}, names...).member("bob").c }
	type post struct {
		who string
		at  int64 // seconds
		ok  bool
	}
	others := func(at int64) (list []post) {
		for _, n := range names[1:] {
			list = append(list, post{n, at, true})
		}
		return list
	}
	run := func(n int) (list []post) {
		for i := range n {
			list = append(list, post{"bob", int64(60 * i), true})
		}
		return list
	}
	for name, list := range map[string][]post{
		"edge":           {{"bob", 0, true}, {"bob", 59, false}, {"bob", 60, true}, {"bob", 119, false}},
		"not-backwards":  {{"bob", 0, true}, {"bob", -100, false}},
		"owner":          {{"ann", 0, true}, {"ann", 1, true}, {"ann", 0, true}},
		"each-by-itself": {{"bob", 0, true}, {"cid", 0, true}, {"bob", 30, false}},
		"past":           append(others(10000), post{"bob", 10000 - 601, false}, post{"bob", 10000 - 600, true}),
		"past-unknown":   append(others(10000)[:2], post{"bob", 0, true}),
		// Bob says that it is a day later. The others post, and he waits until they are there.
		"future":      append(append([]post{{"bob", 86400, true}}, others(10)...), post{"bob", 90000, false}),
		"future-over": append(append([]post{{"bob", 86400, true}}, others(86400-600)...), post{"bob", 90000, true}),
		"alone":       {{"bob", 0, true}, {"bob", 86400, true}, {"bob", 2 * 86400, true}},
		"run":         append(run(runMax), post{"bob", 60 * runMax, false}),
		"run-broken":  append(append(run(runMax), post{"ann", 60 * runMax, true}), post{"bob", 60 * runMax, true}),
	} {
		t.Run(name, func(t *testing.T) {
			c := start()
			for i, p := range list {
				got := hear(c, c.LeavesOf(who(p.who))[0], uint64(int64(today)+p.at*1000))
				if (got == "") != p.ok {
					t.Errorf("post %d, %+v: got %q", i, p, got)
				}
			}
		})
	}
	t.Run("when", func(t *testing.T) {
		c := start()
		hear(c, c.OwnLeaf(), today)
		if at, err := c.Judge(c.OwnLeaf(), today+1000, true); err != ErrSlow || at != today+60000 {
			t.Errorf("got %d, %v; want %d", at, err, today+60000)
		}
		if _, err := c.Judge(c.OwnLeaf(), today+1000, false); err != nil {
			t.Errorf("an edit: %v", err)
		}
	})
	t.Run("removed", func(t *testing.T) {
		l := ruled(t, Rules{Slow: 60}, names...)
		ann := l.member("ann").c
		hear(ann, ann.LeavesOf(who("bob"))[0], today)
		act(t, l, "ann", Change{Remove: []plane.PublicKey{who("bob")}})
		if got := len(ann.wall.Last); got != 0 {
			t.Errorf("%d posts are remembered of who is removed", got)
		}
	})
	t.Run("forgotten", func(t *testing.T) {
		// Of very many the one who posted first is forgotten, by all alike.
		l := ruled(t, Rules{Slow: 60}, names...)
		for _, m := range l.all {
			full(m.c, 200, 200)
			hear(m.c, m.c.LeavesOf(who("bob"))[0], today)
			n := 0
			for leaf, p := range m.c.who.leaf {
				if leaf >= 100 && p != (plane.PublicKey{}) && n < postersMax {
					hear(m.c, uint32(leaf), today)
					n++
				}
			}
			if len(m.c.wall.Last) != postersMax {
				t.Errorf("%s remembers %d posts, want %d", m.name, len(m.c.wall.Last), postersMax)
			}
			if got := hear(m.c, m.c.LeavesOf(who("bob"))[0], today+1); got != "" {
				t.Errorf("%s: %s", m.name, got)
			}
		}
	})
}

// TestNewcomers shows who waits, and until when (G-23).
func TestNewcomers(t *testing.T) {
	const hour = 3600 * 1000
	l := ruled(t, Rules{Quarantine: 2}, "bob", "cid", "dan")
	k := signer(t)
	kp, sec := pack(t, "eve", k)
	out := act(t, l, "ann", Change{Add: []*mls.KeyPackage{kp}})
	x, err := Join(JoinOptions{Invitation: l.member("ann").c.Invite(out.Own.Welcome), Secret: sec, Signer: k, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	l.all = append(l.all, &member{name: "eve", c: x, k: k})
	// A device that she adds is as new as she is.
	device(t, l, "eve", "eve", "eve2", Change{})
	said := func(name string, ms uint64) string {
		t.Helper()
		c := l.member("bob").c
		leaf := c.LeavesOf(who(name))
		first := hear(c, leaf[len(leaf)-1], ms)
		for _, m := range l.all {
			if m.name != "bob" {
				if got := hear(m.c, leaf[len(leaf)-1], ms); got != first {
					t.Errorf("%s says %q, bob %q", m.name, got, first)
				}
			}
		}
		return first
	}
	newcomer := ErrNewcomer.Error()
	device(t, l, "cid", "cid", "cid2", Change{}) // who is not new has no new devices
	if got := said("cid", today); got != "" {
		t.Errorf("cid's new device: %q", got)
	}
	for i, s := range []struct {
		who  string
		ms   uint64
		want string
	}{
		{"bob", today, ""}, {"eve", today, newcomer},
		{"eve", today + 9*hour, newcomer}, // that she says that it is late is no proof
		{"bob", today + 9*hour, ""},
		{"bob", today + 10*hour, ""}, {"eve", today + 3*hour, newcomer}, // nor that one other says so
		{"cid", today + 2*hour - 1, ""}, {"eve", today + 3*hour, newcomer},
		{"cid", today + 2*hour, ""}, {"eve", today, ""},
	} {
		if got := said(s.who, s.ms); got != s.want {
			t.Errorf("%d, %+v: got %q", i, s, got)
		}
	}
	act(t, l, "ann", Change{Edit: func(s *State) { s.Rules.Quarantine = 0 }})
	if w := l.member("eve").c.wall; len(w.Fresh) != 0 || w.Lead != 0 {
		t.Errorf("without quarantine: %+v", w)
	}
	// An admin's word is enough; but the commit itself is one.
	act(t, l, "ann", Change{Edit: func(s *State) { s.Rules.Quarantine = 1 }})
	kp, _ = pack(t, "fay", signer(t))
	act(t, l, "ann", Change{Add: []*mls.KeyPackage{kp}})
	if got := said("fay", today); got != newcomer {
		t.Errorf("fay: %q", got)
	}
	if got := said("ann", today+hour); got != "" {
		t.Errorf("ann: %q", got)
	}
	if got := said("fay", today); got != "" {
		t.Errorf("fay, an hour later: %q", got)
	}
	// Whoever lets somebody in cannot make them older than the others say that it is.
	kp, _ = pack(t, "gil", signer(t))
	p, err := l.member("ann").c.Begin(Change{Add: []*mls.KeyPackage{kp}}, now.Add(-50*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, l.member("ann"), p.Message)
	said("ann", today+hour+50*60*1000)
	if got := said("gil", today); got != newcomer {
		t.Errorf("gil: %q", got)
	}
}

// TestFreshRows compares the rows of newcomers with a plain table, at random.
func TestFreshRows(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var w Wall
	plain := map[uint32]uint32{}
	for range 4000 {
		leaf, at := uint32(r.IntN(60)), uint32(r.IntN(4))
		w.mark(leaf, at)
		if plain[leaf] = at; at == 0 {
			delete(plain, leaf)
		}
		for i := range uint32(61) {
			got, ok := w.fresh(i)
			if want, is := plain[i]; got != want || ok != is {
				t.Fatalf("leaf %d: got %d %v, want %d %v in %v", i, got, ok, want, is, w.Fresh)
			}
		}
		if !w.check() {
			t.Fatalf("rows out of order: %v", w.Fresh)
		}
	}
	w = Wall{}
	for i := range uint32(freshMax + 1) {
		w.mark(2*i, 1+i/2)
	}
	if _, ok := w.fresh(0); ok || len(w.Fresh) > freshMax || len(w.Fresh) < freshMax-2 {
		t.Errorf("%d rows, the first %v; want at most %d and false", len(w.Fresh), ok, freshMax)
	}
}

// TestRulesAgree has members, among them liars, post at random while others join, leave, link
// devices and restart: all who are there judge every post alike (G-24, G-25).
func TestRulesAgree(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	names := []string{"bob", "cid", "dan", "eve", "fay", "gil"}
	l := ruled(t, Rules{Slow: 60, Quarantine: 1, Adders: true}, names...)
	clock := today
	refused := map[string]int{}
	disks := map[string]disk{}
	few := func() bool {
		return refused[""] < 50 || refused[ErrSlow.Error()] < 20 || refused[ErrNewcomer.Error()] == 0
	}
	for i := 0; i < 400 || few() && i < 4000; i++ { // a draw may have hardly any rules
		for _, m := range l.all {
			if disks[m.name] == nil {
				disks[m.name] = disk{}
			}
			disks[m.name].put(t, m.c.Changes())
		}
		clock += uint64(r.IntN(40_000))
		list := l.all[0].c.Members()
		by := l.all[r.IntN(len(l.all))]
		switch k := r.IntN(30); {
		case k == 0 && len(list) < 12:
			name := fmt.Sprint("new", i)
			key := signer(t)
			kp, sec := pack(t, name, key)
			out := act(t, l, by.name, Change{Add: []*mls.KeyPackage{kp}})
			x, err := Join(JoinOptions{Invitation: by.c.Invite(out.Own.Welcome), Secret: sec, Signer: key, Identify: identify, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			l.all = append(l.all, &member{name: name, c: x, k: key})
		case k == 1 && len(list) > 5:
			out := list[1+r.IntN(len(list)-1)].Person
			if slices.ContainsFunc(l.all, func(m *member) bool { return who(m.name) == out }) && l.all[0].c.Own() != out {
				act(t, l, "ann", Change{Remove: []plane.PublicKey{out}})
				l.all = slices.DeleteFunc(l.all, func(m *member) bool { return m.c.Own() == out })
			}
		case k == 2:
			act(t, l, "ann", Change{NewGen: true, Edit: func(s *State) {
				s.Rules.Slow, s.Rules.Quarantine = uint32(min(1, r.IntN(4))*60), uint16(min(1, r.IntN(4)))
			}})
		case k == 3:
			x, err := disks[by.name].load()
			if err != nil {
				t.Fatal(err)
			}
			by.c = x
		default:
			p := list[r.IntN(len(list))]
			ms := clock
			if r.IntN(4) == 0 {
				ms = clock - 3_600_000 + uint64(r.IntN(7_200_000)) // a liar
			}
			first := hear(l.all[0].c, p.Leaf, ms)
			refused[first]++
			for _, m := range l.all[1:] {
				if got := hear(m.c, p.Leaf, ms); got != first {
					t.Fatalf("post %d: %s says %q, %s %q", i, m.name, got, l.all[0].name, first)
				}
			}
		}
	}
	if few() {
		t.Errorf("that was no test: %v", refused)
	}
}

// TestWallSize: what rules remember is small, in an invitation and with each post.
func TestWallSize(t *testing.T) {
	l := ruled(t, Rules{Slow: 60, Quarantine: 168}, "bob")
	c := l.member("bob").c
	full(c, 2*postersMax, 2*postersMax)
	for leaf, p := range c.who.leaf {
		if p != (plane.PublicKey{}) {
			hear(c, uint32(leaf), today)
		}
	}
	for i := range uint32(freshMax) {
		c.wall.mark(2*i, 3_000_000+i)
	}
	if got := len(encode(c.wall)); got > 16<<10 {
		t.Errorf("a wall of %d bytes, most 16 KiB", got)
	} else {
		t.Logf("the largest wall has %d bytes", got)
	}
	c.wall.Fresh = nil
	c.Changes()
	hear(c, c.OwnLeaf(), today+60_000)
	n := 0
	for _, p := range c.Changes() {
		n += len(p.Key) + len(p.Value)
	}
	if n == 0 || n > 512 {
		t.Errorf("a post stores %d bytes, most 512", n)
	}
}

// TestInvitedWall: an invitation with a wall that cannot be is refused.
func TestInvitedWall(t *testing.T) {
	for name, w := range map[string]Wall{
		"many-posts": {Last: make([]Posted, postersMax+1)}, "twice": {Last: make([]Posted, 2)},
		"turned": {Fresh: []Fresh{{From: 2, To: 1}}}, "over": {Fresh: []Fresh{{From: 1, To: 3}, {From: 3, To: 4}}},
		"many-rows": {Fresh: rows(freshMax + 1)},
	} {
		if w.check() {
			t.Errorf("%s was taken", name)
		}
	}
	for name, w := range map[string]Wall{"none": {}, "rows": {Fresh: rows(freshMax)}, "posts": {Last: posts(postersMax)}} {
		if !w.check() {
			t.Errorf("%s was refused", name)
		}
	}
}

func rows(n int) (list []Fresh) {
	for i := range uint32(n) {
		list = append(list, Fresh{From: 2 * i, To: 2 * i, At: 1})
	}
	return list
}

func posts(n int) (list []Posted) {
	for _, p := range persons(n) {
		list = append(list, Posted{Person: p})
	}
	return list
}

// FuzzHead wants no panic, and one encoding of what a commit states.
func FuzzHead(f *testing.F) {
	f.Add(encode(commitHead{AtMS: 5, Doors: persons(2)}))
	f.Add(binary.BigEndian.AppendUint64(nil, 5))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, ok := parseHead(b); ok && string(encode(h)) != string(b) {
			t.Errorf("got %x, want %x", encode(h), b)
		}
	})
}
