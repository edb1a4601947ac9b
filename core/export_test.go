package core

import (
	"fmt"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// DebugChat describes a chat for the log of a failed test.
func (m *Machine) DebugChat(id string) string {
	c := m.chats[id]
	if c == nil {
		return "none"
	}
	s := fmt.Sprintf("state %s why %q lost %d doubt %v epoch %d cursor %d head %d gen %d/%d gens %d read %d write %d subscribed %v tries %d retry %v owner %v items %d wishes %d pending %v size %d digest %x",
		c.State, c.Why, c.c.Lost(), c.c.Doubtful(), c.c.Epoch(), c.c.Cursor(), c.head, c.gen, c.c.State().Gen, len(c.c.Generations()), c.read, c.write,
		c.subscribed, c.tries, c.retryAt, c.owner != nil, len(c.q.Items), len(c.intents.List), c.c.Pending() != nil, c.c.Size(), c.c.Digest())
	if q := c.queue; q != nil {
		s += fmt.Sprintf("; queue knocks %d replies %d shares %d batch %d marks %d done %v", len(q.knocks), len(q.replies), len(q.shares), len(q.Batch), len(q.marks), q.Done)
		if q.feed != nil {
			s += fmt.Sprintf(" feed live %v cursor %d head %d", q.feed.live, q.feed.cursor, q.feed.head)
		}
	}
	if w := m.waitOf(id); w != nil {
		s += fmt.Sprintf("; wait again %v created %v knocked %v try %d entered %d body %d gone %q retry %v", w.Again, w.Created, w.Knocked, w.Try, w.Entered, len(w.Body), w.Gone, w.retryAt)
	}
	return s
}

// Liar makes what a dishonest member, or somebody who was one, can make.
type Liar struct{ M *Machine }

// Queue returns the queue of a chat and its KEM key.
func (l Liar) Queue(chat string) (string, []byte) {
	k := l.M.chats[chat].c.State().Queue
	return k.Log.Text(), queueKEM(k.Secret).Public()
}

// Knock returns a knock of the liar's account about a conversation, as edit leaves it.
func (l Liar) Knock(now time.Time, queue string, kem []byte, about string, edit func(*account.Knock)) []byte {
	l.M.now = now
	q, _ := plane.ParseLogID(queue)
	c, _ := plane.ParseLogID(about)
	kp, _ := l.M.leafPackage(l.M.acc.keys.Credential(), &c)
	k := account.Knock{
		Again: true, Conversation: c, Credential: l.M.acc.keys.Credential(), Package: kp, Reply: plane.LogID{1}, Write: make([]byte, 32),
		KEM: seal.NewKEMKey().Public(), At: now.UnixMilli(), Old: plane.PublicKey(l.M.acc.keys.Device().Public()),
	}
	edit(&k)
	b, err := l.M.acc.keys.SealKnock(kem, q, k)
	if err != nil {
		panic(err)
	}
	return b
}

// Device is the signature key of the account's device.
func (l Liar) Device() (k plane.PublicKey) { return plane.PublicKey(l.M.acc.keys.Device().Public()) }

// Wait returns the reply log of a wait and the KEM key of its answers.
func (l Liar) Wait(chat string) (string, []byte) {
	w := l.M.waitOf(chat)
	return w.id, w.kem.Public()
}

// Package returns a key package that a wait would join with, as its knock has one.
func (l Liar) Package(chat string) *mls.KeyPackage {
	w := l.M.waitOf(chat)
	b, secret := l.M.leafPackage(l.M.acc.keys.Credential(), nil)
	w.Packages = append(w.Packages, secret)
	u, err := mls.ParseKeyPackage(b)
	if err != nil {
		panic(err)
	}
	kp, err := u.Verify(l.M.now)
	if err != nil {
		panic(err)
	}
	return kp
}

// Invite returns the records of an answer that leads into one of the liar's own conversations,
// under the name of another, with words of refusal or without.
func (l Liar) Invite(now time.Time, own string, as string, kp *mls.KeyPackage, reply string, kem []byte, why string) [][]byte {
	p := pass{Why: why}
	log, _ := plane.ParseLogID(reply)
	if why != "" {
		p.By = l.M.acc.person()
		p.Sig = l.M.acc.keys.SignPass(p.said(log))
	} else {
		var c *convo.Convo
		trap := false
		if x := l.M.chats[own]; x != nil {
			c = x.c
		} else {
			// Another group of the same id.
			trap = true
			id, _ := plane.ParseLogID(as)
			c, _ = convo.New(convo.Options{
				ID: id, Kind: convo.Group, Name: "Trap", Signer: l.M.acc.keys.Device(), Credential: l.M.acc.keys.Credential(),
				Owner: l.M.acc.person(), TTLDays: 30, Identify: l.M.identify, Now: now,
			})
		}
		pend, err := c.Begin(convo.Change{Add: []*mls.KeyPackage{kp}, WithoutTree: trap}, now)
		if err != nil {
			panic(err)
		}
		if trap {
			list, _ := c.Bodies(pend.Message)
			for i, b := range list {
				c.Receive(now, plane.Seq(i+1), b, func([32]byte) bool { return false })
			}
			p.Tree.Whole = c.Tree()
		}
		p.Invitation = c.Invite(pend.Welcome)
		p.Invitation.Log, _ = plane.ParseLogID(as)
		if !trap {
			p.Tree.Whole = []byte{}
			c.Abandon()
		}
	}
	list, err := sealPass(kem, log, timeline.Encode(p))
	if err != nil {
		panic(err)
	}
	return list
}

// KnocksHeld is how many knocks a device holds for a chat.
func (m *Machine) KnocksHeld(chat string) int { return len(m.chats[chat].qu().knocks) }

// Stranger makes a machine with an account and nothing else.
func Stranger(now time.Time) *Machine {
	m := New()
	m.Step(now, Started{})
	m.opAt = map[string]int{}
	m.newAccount(m.server(ServerID{9}, "http://localhost:9"), &joining{name: "Stranger"})
	return m
}

// Sliced says whether a chat's commits are sliced.
func (m *Machine) Sliced(chat string) bool { return m.chats[chat].c.Sliced() }

// Light says whether a chat's tree is not here.
func (m *Machine) Light(chat string) bool { return m.chats[chat].c.Light() }

// PathSize is to how many nodes a commit of this device would be sealed.
func (m *Machine) PathSize(chat string) int { return m.chats[chat].c.PathSize() }

// Epoch is a chat's.
func (m *Machine) Epoch(chat string) uint64 { return m.chats[chat].c.Epoch() }

// Person is the account.
func (l Liar) Person() string { return l.M.acc.person().Text() }

// Digest is that of a chat's epoch, which every member knows.
func (l Liar) Digest(chat string) [8]byte { return l.M.chats[chat].c.Digest() }

// Tellings counts the pieces of history that were made for others.
func (m *Machine) Tellings() int { return int(m.histories) }

// Inbox returns the inbox and its KEM key.
func (l Liar) Inbox() (string, []byte) {
	kem, err := seal.KEMKeyFromSeed(l.M.inbox.stored.KEMs[0].Seed)
	if err != nil {
		panic(err)
	}
	return l.M.acc.inboxLog().Text(), kem.Public()
}

// HasLeaf says whether somebody's device has a leaf in a chat.
func (m *Machine) HasLeaf(chat, person string, key plane.PublicKey) bool {
	who, _ := plane.ParsePublicKey(person)
	_, in := m.chats[chat].c.LeafOf(who, key[:])
	return in
}

// KeepsWords says whether a device could read the vault.
func (m *Machine) KeepsWords() bool { return len(m.words.Secret) > 0 }

// Hints has the liar say, to each contact, that there is a group of some name to knock at.
func (l Liar) Hints(n int) {
	for i := range n {
		for _, c := range l.M.order {
			if c.c.State().Kind == convo.Two {
				h := hint{Server: c.Server, Chat: plane.LogID{byte(i), 1}, Queue: plane.LogID{byte(i), 2}}
				l.M.enqueue(c, &outbox.Item{Kind: outbox.Control, Body: append([]byte{hintMark}, timeline.Encode(h)...)})
			}
		}
	}
}

// Waits is how many knocks of one's own wait, Replies how many answers a device is to deliver.
func (m *Machine) Waits() int              { return len(m.waits) }
func (m *Machine) Replies(chat string) int { return len(m.chats[chat].qu().replies) }

// Mandate is the newest mandate of somebody in a chat: its key, and its generation.
func (m *Machine) Mandate(chat, person string) (plane.PublicKey, uint32) {
	who, _ := plane.ParsePublicKey(person)
	c := m.chats[chat]
	if c == nil {
		return plane.PublicKey{}, 0
	}
	x := c.c.Mandate(who)
	return x.Key, x.Gen
}

// Devices counts the devices of the list; Out says that this one was signed out.
func (m *Machine) Devices() int { return len(m.devs.List) }
func (m *Machine) Out() bool    { return m.devs.Out }

// Pool returns a key package as the pool gives it out.
func (l Liar) Pool() *mls.KeyPackage {
	b, _, err := mls.NewKeyPackage(mls.KeyPackageOptions{
		Signer: l.M.acc.keys.Device(), Credential: mls.NewBasic(l.M.acc.keys.Credential()), Capabilities: convo.Capabilities(),
		Lifetime: mls.Lifetime{NotBefore: l.M.now.Add(-time.Hour), NotAfter: l.M.now.Add(time.Hour)},
	})
	if err != nil {
		panic(err)
	}
	u, err := mls.ParseKeyPackage(b)
	if err != nil {
		panic(err)
	}
	kp, err := u.Verify(l.M.now)
	if err != nil {
		panic(err)
	}
	return kp
}

// Takes says whether a machine would add somebody by a package.
func (l Liar) Takes(person string, kp *mls.KeyPackage) bool {
	who, _ := plane.ParsePublicKey(person)
	return caps.Follows(identityOf(kp), who, l.M.mandateIn(who))
}

// Request returns a contact request of the liar's account to somebody; forged: under a mandate of its own.
func (l Liar) Request(now time.Time, to Liar, forged bool) []byte {
	l.M.now = now
	keys := l.M.acc.keys
	if forged {
		keys, _ = keys.WithMandates(9, [][]byte{caps.NewSigner().Seed(), caps.NewSigner().Seed()})
	}
	k := to.M.inbox.stored.KEMs[0]
	card, err := account.VerifyCard(k.Card, to.M.acc.inboxLog(), plane.DayOf(to.M.now))
	if err != nil {
		panic(err)
	}
	owner := caps.NewSigner()
	c, err := convo.New(convo.Options{
		ID: caps.NewLogID(owner.Public()), Kind: convo.Two, Signer: keys.Device(), Credential: keys.Credential(),
		Owner: keys.Person(), Also: []plane.PublicKey{card.Account}, TTLDays: plane.TTLDaysDefault, Identify: l.M.identify, Now: now,
	})
	if err != nil {
		panic(err)
	}
	u, err := mls.ParseKeyPackage(to.M.poolPackage())
	if err != nil {
		panic(err)
	}
	kp, err := u.Verify(now)
	if err != nil {
		panic(err)
	}
	welcome, err := c.AddFirst(kp, now)
	if err != nil {
		panic(err)
	}
	b, err := keys.SealRequest(card, k.Card, account.Request{
		Invitation: timeline.Encode(c.Invite(welcome)), Owner: owner.Seed(), Origin: "http://127.0.0.1:8765", Server: to.M.acc.Home,
	})
	if err != nil {
		panic(err)
	}
	return b
}

// poolPackage opens one of the packages that the machine gives out.
func (m *Machine) poolPackage() []byte {
	key, _ := seal.CardKeyFromBytes(m.acc.Card)
	b, err := seal.OpenPackage(key, m.acc.inboxLog(), m.inbox.stored.KEMs[0].Last)
	if err != nil {
		panic(err)
	}
	return b
}

// Convos counts the conversations, those behind others, too.
func (m *Machine) Convos() int { return len(m.order) }

// QueueKeys is what a member knows of a group's queue.
func (l Liar) QueueKeys(chat string) convo.Queue { return *l.M.chats[chat].c.State().Queue }

// Opens says whether a record of a queue is a knock to who knows those keys.
func (l Liar) Opens(now time.Time, k convo.Queue, body []byte) bool {
	_, err := account.OpenKnock(queueKEM(k.Secret), k.Log, body, now)
	return err == nil
}

// Answered counts the answers to knocks that a device has made in a chat.
func (m *Machine) Answered(chat string) uint64 { return m.chats[chat].qu().Next }
