package core

import (
	"bytes"
	"testing"
	"time"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// machine makes one with an account and n two-person chats, of which it is the only member yet.
func machine(t testing.TB, n int) *Machine {
	t.Helper()
	m := New()
	m.Step(testNow, Started{})
	m.opAt = map[string]int{}
	s := m.server(ServerID{1}, "http://localhost:1")
	m.newAccount(s, &joining{name: "Ann"})
	m.saveServer(s)
	for range n {
		owner := caps.NewSigner()
		c, err := convo.New(convo.Options{
			ID: caps.NewLogID(owner.Public()), Kind: convo.Two, Signer: m.acc.keys.Device(), Credential: m.acc.keys.Credential(),
			Owner: m.acc.person(), TTLDays: 30, Identify: m.identify, Now: testNow,
		})
		if err != nil {
			t.Fatal(err)
		}
		m.newChat(c, s.id, owner.Seed())
	}
	m.run()
	return m
}

// TestContain breaks an invariant in one chat: what the Step had begun for it is taken back, the
// chat is broken and says why, its command is answered, and the others go on.
func TestContain(t *testing.T) {
	m := machine(t, 2)
	var two []*chat
	for _, c := range m.sortedChats() {
		if c.c.State().Kind == convo.Two {
			two = append(two, c)
		}
	}
	c, other := two[0], two[1]
	m.Step(testNow, Tick{})
	m.opAt = map[string]int{}
	m.set("s/before", []byte{1})
	if m.contain(c, func() {
		m.set("s/c/half", []byte{1})
		m.emit(Hangup{})
		inv.That(false, "test breaks")
	}) {
		t.Errorf("contain says that all is well")
	}
	if len(m.ops) != 1 || m.ops[0].Key != "s/before" {
		t.Errorf("operations: got %d, want the one before", len(m.ops))
	}
	for _, e := range m.effects {
		if _, ok := e.(Hangup); ok {
			t.Errorf("an effect of the broken step is left")
		}
	}
	if c.State != chatBroken || c.Why != "test breaks" || other.State != chatOpen {
		t.Errorf("states: got %s (%s) and %s", c.State, c.Why, other.State)
	}
	m.run()
	reply := func(chat string) Reply {
		for _, e := range m.Step(testNow, Do{ID: "x", Command: SendText{Chat: chat, Text: "x"}}) {
			if r, ok := e.(Reply); ok {
				return r
			}
		}
		t.Fatalf("no reply")
		return Reply{}
	}
	if got := reply(c.id).Err; got != "" || !c.q.Has(func(i *outbox.Item) bool { return i.Kind == outbox.Message && i.Msg == nil }) {
		t.Errorf("the broken chat, which heals: got %q and a queue of %d, want the text to wait", got, len(c.q.Items))
	}
	if got := reply(other.id).Err; got != "" {
		t.Errorf("the other chat: got %q", got)
	}
	other.c = nil // any use of it panics, as no invariant: that is not contained
	defer func() {
		if recover() == nil {
			t.Errorf("a plain panic was swallowed")
		}
	}()
	reply(other.id)
}

// TestReload wants a machine that loads what another has stored to be in the same state, and a
// damaged pair to be noticed.
func TestReload(t *testing.T) {
	m := machine(t, 3)
	stored := map[string][]byte{}
	for _, op := range m.ops {
		stored[op.Key] = op.Value
	}
	load := func(damage string) (ok bool) {
		x := New()
		for k, v := range stored {
			if k == damage {
				v = []byte{0xff, 1}
			}
			if x.Load(k, v) != nil {
				return false
			}
		}
		if inv.Catch(func() { x.Step(testNow, Started{}) }) != nil {
			return false
		}
		if got, want := len(x.state().Chats), len(m.state().Chats); got != want || x.acc.person() != m.acc.person() {
			t.Errorf("got %d chats, want %d", got, want)
		}
		return true
	}
	if !load("") {
		t.Errorf("what was stored does not load")
	}
	for k := range stored {
		if k[:2] == "s/" && load(k) {
			t.Errorf("damage in %q is not noticed", k)
		}
	}
	if err := New().Load("h/x", nil); err == nil {
		t.Errorf("history was loaded")
	}
}

// FuzzInside gives the machine, as from another member, the insides of messages, signals, requests
// and records of the inbox.
func FuzzInside(f *testing.F) {
	m := machine(f, 1)
	var c *chat
	for _, x := range m.sortedChats() {
		if x.c.State().Kind == convo.Two {
			c = x
		}
	}
	who := plane.PublicKey{7}
	f.Add([]byte{0, 1, 2})
	f.Add(append([]byte{controlMark}, timeline.Encode(groupInvitation{Origin: "http://localhost:1"})...))
	seq := plane.Seq(1)
	f.Fuzz(func(t *testing.T, b []byte) {
		m.now, m.ops, m.opAt, m.effects = testNow, nil, map[string]int{}, nil
		chats := len(m.chats)
		m.outcome(c, seq, convo.Said{Person: who, Plain: b})
		m.said(c, seq, who, b, 1<<62, nil)
		if body, err := c.c.SealSignal(b); err == nil {
			m.signal(c, body)
		}
		seq++
		m.inboxRecord(seq, bytes.Clone(b))
		if len(m.chats) != chats {
			t.Errorf("a stranger's bytes made a chat")
		}
	})
}
