package core

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// stranger is somebody with Ann's link who makes requests by hand.
type stranger struct {
	t    *testing.T
	m    *Machine // Ann
	keys *account.Keys
	seq  plane.Seq
}

func newStranger(t *testing.T, m *Machine) *stranger {
	t.Helper()
	keys, err := account.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	m.now, m.ops, m.opAt, m.effects = testNow, nil, map[string]int{}, nil
	m.turnKEM()
	return &stranger{t: t, m: m, keys: keys}
}

// take gives what PoolTake gives: Ann's card and a new key package of hers.
func (s *stranger) take() (account.Card, []byte, *mls.KeyPackage) {
	s.t.Helper()
	key, err := seal.CardKeyFromBytes(s.m.acc.Card)
	if err != nil {
		s.t.Fatal(err)
	}
	inbox := s.m.acc.inboxLog()
	card, err := seal.SealCard(key, inbox, s.m.inbox.stored.KEMs[0].Card)
	if err != nil {
		s.t.Fatal(err)
	}
	c, b, kp, err := openPackage(wire.Package{Card: card, Package: s.m.newPackage(false)}, inbox, key, testNow)
	if err != nil {
		s.t.Fatal(err)
	}
	return c, b, kp
}

// request sends Ann a contact request for a conversation on a server.
func (s *stranger) request(origin string, server ServerID) *convo.Convo {
	s.t.Helper()
	card, cardBytes, kp := s.take()
	owner := caps.NewSigner()
	c, err := convo.New(convo.Options{
		ID: caps.NewLogID(owner.Public()), Kind: convo.Two, Signer: s.keys.Device(), Credential: s.keys.Credential(), Owner: s.keys.Person(),
		Also: []plane.PublicKey{card.Account}, TTLDays: 30, Identify: account.Identify, Now: testNow,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	welcome, err := c.AddFirst(kp, testNow)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := s.keys.SealRequest(card, cardBytes, account.Request{
		Invitation: timeline.Encode(c.Invite(welcome)), Owner: owner.Seed(), Origin: origin, Server: server,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.seq++
	s.m.inboxRecord(s.seq, body)
	return c
}

// group invites Ann to a new group on a server.
func (s *stranger) group(name, origin string, server ServerID, names ...namedPerson) {
	s.t.Helper()
	_, _, kp := s.take()
	c, err := convo.New(convo.Options{
		ID: caps.NewLogID(caps.NewSigner().Public()), Kind: convo.Group, Name: name, Signer: s.keys.Device(), Credential: s.keys.Credential(),
		Owner: s.keys.Person(), TTLDays: 30, Identify: account.Identify, Now: testNow,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	welcome, err := c.AddFirst(kp, testNow)
	if err != nil {
		s.t.Fatal(err)
	}
	g := groupInvitation{Invitation: c.Invite(welcome), Origin: origin, Server: server, Names: names}
	s.m.control(s.keys.Person(), append([]byte{controlMark}, timeline.Encode(g)...))
}

func (m *Machine) dials() (n int) {
	for _, e := range m.effects {
		if _, ok := e.(Dial); ok {
			n++
		}
	}
	return n
}

// TestForeignServers (C-25, C-52): nobody can make this device dial a server of theirs, and so tell them its
// address. A conversation may be on the server where the request came in, or on one in use.
func TestForeignServers(t *testing.T) {
	m := machine(t, 0)
	s := newStranger(t, m)
	chats, away := len(m.chats), ServerID{9}
	s.request("http://192.0.2.1:1", away)
	if len(m.chats) != chats || m.dials() != 0 || m.servers[away] != nil {
		t.Fatalf("a request from elsewhere: got %d chats, want %d; %d dials", len(m.chats), chats, m.dials())
	}
	s.request("http://192.0.2.1:1", m.acc.Home) // the origin that is known counts
	if len(m.chats) != chats+1 || m.dials() != 0 {
		t.Fatalf("a request: got %d chats, want %d; %d dials", len(m.chats), chats+1, m.dials())
	}
	s.group("Trap", "http://192.0.2.1:1", away)
	if len(m.chats) != chats+1 || m.dials() != 0 || m.servers[away] != nil {
		t.Fatalf("an invitation to elsewhere: got %d chats, want %d; %d dials", len(m.chats), chats+1, m.dials())
	}
	s.group("Trip", "http://192.0.2.1:1", m.acc.Home)
	if len(m.chats) != chats+2 || m.dials() != 0 {
		t.Fatalf("an invitation: got %d chats, want %d; %d dials", len(m.chats), chats+2, m.dials())
	}
}

// TestInvitationNames (C-52): the names that come with an invitation are kept for members only: else a
// contact could fill the vault with people.
func TestInvitationNames(t *testing.T) {
	m := machine(t, 0)
	s := newStranger(t, m)
	var names []namedPerson
	for i := range 50 {
		names = append(names, namedPerson{Person: plane.PublicKey{1, byte(i)}, Name: fmt.Sprintf("nobody %d", i)})
	}
	s.request("", m.acc.Home)
	people := len(m.people)
	s.group("Trip", "", m.acc.Home, append(names, namedPerson{Person: s.keys.Person(), Name: "Eve"})...)
	if got := len(m.people); got != people {
		t.Errorf("got %d people, want %d", got, people)
	}
	if got := m.nameOf(s.keys.Person()); got != "Eve" {
		t.Errorf("the member's name: got %q, want Eve", got)
	}
}

// TestFloodOfChats (C-26): requests and invitations end where a machine has chatsMax chats, and those of
// one person at pairsMax.
func TestFloodOfChats(t *testing.T) {
	m := machine(t, 0)
	s := newStranger(t, m)
	chats := len(m.chats)
	for range pairsMax + 2 {
		s.request("", m.acc.Home)
	}
	if got := len(m.chats) - chats; got != pairsMax {
		t.Errorf("one person made %d conversations, want %d", got, pairsMax)
	}
	for i := range chatsMax - len(m.chats) {
		m.chats[fmt.Sprint(i)] = m.order[0]
	}
	s.group("Trip", "", m.acc.Home)
	newStranger(t, m).request("", m.acc.Home)
	if got := len(m.chats); got != chatsMax {
		t.Errorf("got %d chats, want %d", got, chatsMax)
	}
}

// TestBadInvite: a link's card or package that is signed well and of no use ends the join, and
// leaves no account behind that would stay at a server where it is no member.
func TestBadInvite(t *testing.T) {
	ann := machine(t, 0)
	newStranger(t, ann)
	inbox := ann.acc.inboxLog()
	key, err := seal.CardKeyFromBytes(ann.acc.Card)
	if err != nil {
		t.Fatal(err)
	}
	kem := bytes.Repeat([]byte{0xff}, seal.KEMPublicBytes) // no point of any curve, no ML-KEM key
	poor, _, err := mls.NewKeyPackage(mls.KeyPackageOptions{
		Signer: ann.acc.keys.Device(), Credential: mls.NewBasic(ann.acc.keys.Credential()),
		Lifetime: mls.Lifetime{NotBefore: testNow.Add(-time.Hour), NotAfter: testNow.Add(time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal.SealPackage(key, inbox, poor)
	if err != nil {
		t.Fatal(err)
	}
	good := ann.inbox.stored.KEMs[0].Card
	bad := ann.acc.keys.NewCard("Ann", inbox, kem, plane.DayOf(testNow)+7)
	for name, x := range map[string]struct{ card, kp []byte }{
		"kem":     {bad, ann.newPackage(false)},
		"package": {good, sealed},
	} {
		t.Run(name, func(t *testing.T) {
			m := New()
			m.Step(testNow, Started{})
			m.opAt = map[string]int{}
			card, err := seal.SealCard(key, inbox, x.card)
			if err != nil {
				t.Fatal(err)
			}
			s := m.server(ServerID{1}, "http://localhost:1")
			j := &joining{id: "j", server: s.id, name: "Bob", until: testNow.Add(answerMax), link: seal.Link{
				Origin: s.Origin, Server: s.id, Inbox: inbox, Card: key, HasAccount: true, Account: seal.AccountFingerprint(ann.acc.person()),
			}}
			_, _ = rand.Read(j.link.Door[:])
			m.joins = append(m.joins, j)
			m.taken(s, j, wire.Package{Card: card, Package: x.kp})
			if m.acc != nil || len(m.chats) != 0 {
				t.Errorf("account %v, %d chats", m.acc != nil, len(m.chats))
			}
			got := ErrCode("")
			for _, e := range m.effects {
				if r, ok := e.(Reply); ok {
					got = r.Err
				}
			}
			if got != ErrBadLink {
				t.Errorf("got %q, want %q", got, ErrBadLink)
			}
		})
	}
}

// TestPackagesKept: above packagesKept the oldest one-time package is forgotten, also after a
// restart, and never the last-resort one, which is given out for weeks.
func TestPackagesKept(t *testing.T) {
	m := machine(t, 0)
	newStranger(t, m)
	last := m.inbox.packages[0]
	if !last.secret.LastResort() {
		t.Fatal("the first package is not the last-resort one")
	}
	for i := range packagesKept + 20 {
		m.now = testNow.Add(time.Duration(i) * time.Hour)
		m.newPackage(false)
	}
	if got := len(m.inbox.packages); got != packagesKept {
		t.Errorf("got %d packages, want %d", got, packagesKept)
	}
	x := New()
	for _, op := range m.ops {
		if op.Value != nil && op.Key[:2] == "s/" {
			if err := x.Load(op.Key, op.Value); err != nil {
				t.Fatal(err)
			}
		}
	}
	machine := machine(t, 0)
	for _, op := range machine.ops {
		if op.Value != nil && op.Key != "s/inbox" && op.Key[:2] == "s/" {
			if err := x.Load(op.Key, op.Value); err != nil {
				t.Fatal(err)
			}
		}
	}
	x.Step(m.now, Started{})
	newest := x.inbox.packages[0].made
	for _, p := range x.inbox.packages {
		newest = max(newest, p.made)
	}
	x.now, x.opAt = m.now, map[string]int{}
	for range 100 {
		x.newPackage(false)
	}
	kept, young := false, 0
	for _, p := range x.inbox.packages {
		kept = kept || p.ref == last.ref
		if p.made == newest {
			young++
		}
	}
	if !kept {
		t.Errorf("the last-resort package is forgotten")
	}
	if young < 100 {
		t.Errorf("got %d packages of the last day, want the 100 new ones at least", young)
	}
}

// TestGroupServer (C-25): a group is made where all its members are met, and nobody is added to one who
// would not come.
func TestGroupServer(t *testing.T) {
	m := machine(t, 3)
	away := m.server(ServerID{9}, "http://localhost:9")
	away.Member = true
	var two []*chat
	for _, c := range m.sortedChats() {
		if c.c.State().Kind == convo.Two {
			c.Person = &plane.PublicKey{byte(len(two) + 1)}
			two = append(two, c)
		}
	}
	two[1].Server, two[2].Server = away.id, away.id
	make := func(members ...*chat) (*chat, ErrCode) {
		x := NewGroup{Name: "Trip"}
		for _, c := range members {
			x.Members = append(x.Members, c.id)
		}
		for _, e := range m.Step(testNow, Do{Command: x}) {
			if r, ok := e.(Reply); ok {
				if r.Err != "" {
					return nil, r.Err
				}
				return m.chats[r.Result.(Joined).Chat], ""
			}
		}
		return nil, "no reply"
	}
	for name, x := range map[string]struct {
		with []*chat
		at   ServerID
		err  ErrCode
	}{
		"nobody": {nil, m.acc.Home, ""}, "home": {two[:1], m.acc.Home, ""}, "away": {two[1:], away.id, ""}, "both": {two, ServerID{}, ErrNotAllowed},
	} {
		c, err := make(x.with...)
		if err != x.err || c != nil && c.Server != x.at {
			t.Errorf("%s: got %q", name, err)
		}
		if name == "home" && c != nil {
			if got := m.addMembers(c, []string{two[1].id}); got != ErrNotAllowed {
				t.Errorf("adding somebody from elsewhere: got %q", got)
			}
		}
	}
}
