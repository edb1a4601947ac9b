package core

import (
	"slices"
	"sort"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

const (
	// knocksMax bounds the knocks that a device holds; the others stay in the queue until there is
	// room. asksMax bounds the requests of two-person chats.
	knocksMax = 256
	asksMax   = 2
	// admitMax is how many one commit lets in, admitFirst and admitLast how long knocks are
	// gathered: by chance, so that two who are there do not come at the same time.
	admitMax   = 100
	admitFirst = 300 * time.Millisecond
	admitLast  = 800 * time.Millisecond
	// memberLast is the same for those who only help out: the admins go first.
	memberLast = 6 * time.Second
	// takeOver is how long whoever has let somebody in has time to tell them so.
	takeOver = 20 * time.Second
	// knockBefore is how far back of one's own coming in a knock may have been made, by its clock.
	knockBefore = time.Hour
	// knockLife is how long a knock counts: as long as its record lives, and two days for clocks that
	// differ. Who plays it again later may have kept it from a device that has other keys now.
	knockLife = (plane.TTLDaysDefault + 2) * 24 * time.Hour
	// watchersMax is about how many members of a large group look after those who lost the thread.
	watchersMax = 64
	// watchersLight is the same of those who have to get the tree first.
	watchersLight = 8
	// spansMax bounds what is remembered of places out of order, usedMax the links counted.
	spansMax = 1024
	usedMax  = 64
	// seenMax bounds the knocks that are known again.
	seenMax = 512
)

// Tags of commits that serve no intent.
const (
	tagAdmit = ^uint64(0)
	tagState = ^uint64(1)
	// tagDevices is that of commits that bring one's own leaves in line.
	tagDevices = ^uint64(2)
	// tagWarm is that of commits that warm the tree.
	tagWarm = ^uint64(3)
	// tagLeaf is that of commits that give one's leaf this device's key.
	tagLeaf = ^uint64(4)
	// tagPart is that of commits that take out what a light member knows of somebody's leaves.
	tagPart = ^uint64(5)
)

// span is a run of places in a queue.
type span struct {
	_        struct{} `cbor:",toarray"`
	From, To plane.Seq
}

// queue is what a device has of a conversation's knocks.
type queue struct {
	storedQueue
	feed    *feed
	knocks  []*knocked
	replies []*reply
	shares  []*share
	marks   []plane.Seq // dealt with, to be said to the others
	making  []*makingLink
	dirty   bool
	loaded  bool // asks

	kems                 []*seal.KEMKey // of Keys
	cardAt               time.Time      // until when the card is not made anew for what does not open
	life                 int            // of the session
	own, write           wire.Handle
	busy, doored, carded bool
	sending              int
	retryAt              time.Time
	tries                int
}

type storedQueue struct {
	Done   []span            `cbor:"1,keyasint,omitempty"` // places that are dealt with, in order
	Yes    []said            `cbor:"2,keyasint,omitempty"` // to which an admin has said yes here
	Seeds  [][16]byte        `cbor:"3,keyasint,omitempty"` // of the doors of links made here
	Used   []usedLink        `cbor:"4,keyasint,omitempty"`
	Asks   [][]byte          `cbor:"5,keyasint,omitempty"` // account.Knock, of a two-person conversation
	Batch  []storedAdmit     `cbor:"6,keyasint,omitempty"` // of the commit under way
	Made   bool              `cbor:"7,keyasint,omitempty"` // the log is at the server
	Drop   []plane.PublicKey `cbor:"8,keyasint,omitempty"` // doors to be closed
	Next   uint64            `cbor:"9,keyasint,omitempty"`
	Card   [32]byte          `cbor:"10,keyasint,omitzero"`  // hash of what the card at the server says
	Until  plane.Day         `cbor:"11,keyasint,omitempty"` // of the rejoin door
	Asked  uint64            `cbor:"12,keyasint,omitempty"` // counts Asks
	Seen   []seenKnock       `cbor:"13,keyasint,omitempty"` // the newest knocks, by when they were taken in
	Keys   []queueSecret     `cbor:"14,keyasint,omitempty"` // the newest first; see pastKeys
	Door   [16]byte          `cbor:"15,keyasint,omitzero"`  // the rejoin door that Until is of
	Gen    plane.Gen         `cbor:"16,keyasint,omitempty"` // of the log at the server, as far as is known
	Carded plane.Gen         `cbor:"17,keyasint,omitempty"` // that the card at the server is of
	Plan   *convo.Queue      `cbor:"18,keyasint,omitempty"` // what the group state is to name next
	Past   [16]byte          `cbor:"19,keyasint,omitzero"`  // the rejoin door before Door, which is to stand for rejoinPast
}

// queueSecret is what a queue's keys were derived from in a generation.
type queueSecret struct {
	_      struct{} `cbor:",toarray"`
	Gen    plane.Gen
	Secret [32]byte
}

// pastKeys bounds the generations of a queue's keys that are kept: who keeps the queue may be away
// for some, and a knock that waits for an admin's yes may be sealed to a key from before.
const pastKeys = 4

// cardAgain is how often the card is made anew at most, because something does not open.
const cardAgain = 10 * time.Minute

// torn says that the log opens with no key that is known, though it is at the generation of k.
func (q *queue) torn(k *convo.Queue) bool {
	return q.feed != nil && q.feed.log == k.Log && q.feed.closed > 2+len(q.feed.keys) && len(q.Keys) > 0 && q.Keys[0].Gen == k.Gen && q.Gen >= k.Gen
}

// said is a yes: for a place and who stood there, as a server may put another in it.
type said struct {
	_   struct{} `cbor:",toarray"`
	Seq plane.Seq
	Who plane.PublicKey
}

type usedLink struct {
	_    struct{} `cbor:",toarray"`
	Door plane.PublicKey
	N    int
}

// seenKnock is the newest knock of somebody: an older one is a repeat, whose key package may be used up.
type seenKnock struct {
	_    struct{} `cbor:",toarray"`
	Who  [8]byte
	AtMS int64
	Seq  plane.Seq
}

// repeated says whether a knock, or a newer one of the same person, was there before, and notes it.
func (q *queue) repeated(seq plane.Seq, x account.Knock) bool {
	who := [8]byte(x.Account[:8])
	i := slices.IndexFunc(q.Seen, func(s seenKnock) bool { return s.Who == who })
	if i >= 0 {
		if s := q.Seen[i]; s.AtMS >= x.At {
			return s.AtMS > x.At || s.Seq != seq
		}
		q.Seen = slices.Delete(q.Seen, i, i+1)
	}
	q.Seen, q.dirty = append(q.Seen[max(0, len(q.Seen)-seenMax+1):], seenKnock{Who: who, AtMS: x.At, Seq: seq}), true
	return false
}

// storedAdmit is whom a commit lets in and how to tell them.
type storedAdmit struct {
	_      struct{} `cbor:",toarray"`
	Seq    plane.Seq
	Ref    []byte
	Reply  plane.LogID
	Write  []byte
	KEM    []byte
	Since  plane.Seq // with Again: what is missed begins here
	Again  bool
	Person plane.PublicKey
}

// knocked is somebody who has knocked.
type knocked struct {
	seq plane.Seq
	k   account.Knock
	kp  *mls.KeyPackage
	due time.Time
	in  bool // was let in by somebody; due is when we do it
	act bool // due counts
	// split: it has come as far as this device, and elsewhere.
	split bool
}

// makingLink is a GroupInvite that waits.
type makingLink struct {
	id    string
	seed  [16]byte
	link  convo.Link
	until time.Time
	door  int // 0: to be made, 1: asked for, 2: made
}

// The keys of a queue follow from its secret, which all members know from the group state, and the
// owner key from that of the conversation's log: whoever may change the one may change the other.
func queueOwner(owner *caps.Signer) *caps.Signer {
	h := hashOf(append([]byte("pp queue owner v1"), owner.Seed()...))
	k, err := caps.SignerFromSeed(h[:])
	inv.That(err == nil, "32 bytes")
	return k
}

func queueOf(owner *caps.Signer) *convo.Queue {
	part := func(what string) [32]byte { return hashOf(append([]byte(what), owner.Seed()...)) }
	card, door := part("pp queue card v1"), part("pp queue door v1")
	return &convo.Queue{
		Log: caps.NewLogID(queueOwner(owner).Public()), Secret: part("pp queue secret v1"), Card: [16]byte(card[:16]), Rejoin: [16]byte(door[:16]), Gen: 1,
	}
}

func queueKEM(secret [32]byte) *seal.KEMKey {
	h := hashOf(append([]byte("pp queue kem v1"), secret[:]...))
	k, err := seal.KEMKeyFromSeed(h[:])
	inv.That(err == nil, "32 bytes")
	return k
}

func markKey(g convo.Generation) seal.EnvelopeKey {
	h := hashOf(append([]byte("pp queue mark v1"), g.Secret[:]...))
	k, err := seal.NewEnvelopeKey(h[:])
	inv.That(err == nil, "32 bytes")
	return k
}

func queueKey(id string) string { return chatKey(id, "u") }

// qu returns the chat's queue.
func (c *chat) qu() *queue {
	if c.queue == nil {
		c.queue = &queue{}
	}
	return c.queue
}

func (m *Machine) saveQueue(c *chat) {
	if c.queue != nil && c.queue.dirty {
		c.queue.dirty = false
		m.put(queueKey(c.id), c.queue.storedQueue)
	}
}

// has says whether a place is dealt with.
func (q *queue) has(seq plane.Seq) bool {
	i := sort.Search(len(q.Done), func(i int) bool { return q.Done[i].To >= seq })
	return i < len(q.Done) && q.Done[i].From <= seq
}

// settle notes that a place is dealt with.
func (q *queue) settle(seq plane.Seq) {
	q.knocks = slices.DeleteFunc(q.knocks, func(k *knocked) bool { return k.seq == seq })
	q.Yes = slices.DeleteFunc(q.Yes, func(y said) bool { return y.Seq == seq })
	if seq == 0 || q.has(seq) {
		return
	}
	q.dirty = true
	i := sort.Search(len(q.Done), func(i int) bool { return q.Done[i].From > seq })
	before, after := i > 0 && q.Done[i-1].To+1 == seq, i < len(q.Done) && q.Done[i].From == seq+1
	switch {
	case before && after:
		q.Done[i-1].To = q.Done[i].To
		q.Done = slices.Delete(q.Done, i, i+1)
	case before:
		q.Done[i-1].To = seq
	case after:
		q.Done[i].From = seq
	default:
		q.Done = append(q.Done[:i:i], append([]span{{From: seq, To: seq}}, q.Done[i:]...)...)
	}
	if len(q.Done) > spansMax {
		q.Done[1].From = q.Done[0].From // what has waited longest is given up
		q.Done = q.Done[1:]
	}
}

// low is the last place before which all is dealt with.
func (q *queue) low() plane.Seq {
	if len(q.Done) > 0 && q.Done[0].From <= 1 {
		return q.Done[0].To
	}
	return 0
}

// watches says whether this device answers knocks: who may add people, and in a large group some
// members by chance, another set each day, for those who have lost the thread.
func (m *Machine) watches(c *chat) bool {
	n, most := c.c.Size(), watchersMax
	if c.c.Light() {
		most = watchersLight
	}
	if n <= most || c.c.OwnAdmin() || mayAdd(c) && n <= 4*watchersMax {
		return true
	}
	day := plane.DayOf(m.now)
	h := hashOf([]byte{byte(c.c.OwnLeaf()), byte(c.c.OwnLeaf() >> 8), byte(day), byte(day >> 8), c.log[0], c.log[1]})
	return (int(h[0])<<16|int(h[1])<<8|int(h[2]))%n < most
}

// pumpQueue does what the knocks of a conversation need next. All of its log has been read.
func (m *Machine) pumpQueue(s *server, c *chat) {
	q := c.qu()
	if q.life != s.life {
		q.life, q.own, q.write, q.busy, q.doored, q.carded, q.sending, q.retryAt, q.tries = s.life, 0, 0, false, false, false, 0, time.Time{}, 0
		for _, l := range q.making {
			l.door = 0
		}
		for _, r := range q.replies {
			r.busy = false
		}
		for _, x := range q.shares {
			x.busy = false
		}
	}
	if !m.now.Before(q.retryAt) {
		q.retryAt = time.Time{}
	}
	st := c.c.State()
	if st.Kind == convo.Group && !c.c.Light() && !m.stuck(c) {
		m.keepQueue(s, c)
	}
	if k := st.Queue; k != nil && m.watches(c) {
		if fresh := len(q.Keys) == 0 || q.Keys[0].Secret != k.Secret; fresh {
			q.Keys = append([]queueSecret{{Gen: k.Gen, Secret: k.Secret}}, q.Keys[:min(len(q.Keys), pastKeys-1)]...)
			q.dirty = true
			q.unlock(k.Log)
		}
		if q.feed == nil || q.feed.log != k.Log {
			q.feed = m.queueFeed(c, k)
			q.unlock(k.Log)
		}
		q.feed.server = s.id
		m.pumpFeed(s, q.feed)
	}
	if c.c.Light() {
		return // see unanswered
	}
	m.loadAsks(c)
	m.judgeAll(c)
	m.admit(c)
	m.deliver(s, c)
	m.sayMarks(s, c)
}

func (m *Machine) queueFeed(c *chat, k *convo.Queue) *feed {
	q := c.qu()
	q.knocks = slices.DeleteFunc(q.knocks, func(x *knocked) bool { return x.seq != 0 })
	return &feed{
		log: k.Log, cursor: q.low(),
		take: func(seq plane.Seq, body []byte) { m.contain(c, func() { m.queueRecord(c, k.Log, seq, body) }) },
		full: func() bool { return len(q.knocks) >= knocksMax || len(q.replies) >= knocksMax },
		poke: func() { m.touch(c) },
	}
}

// unlock gives the feed the keys that are known.
func (q *queue) unlock(log plane.LogID) {
	if q.feed == nil || q.feed.log != log {
		return
	}
	f := q.feed
	f.keys, f.at, f.gone, f.tries, f.closed, q.kems = nil, 0, false, 0, 0, nil
	for _, x := range q.Keys {
		read, _ := caps.DeriveLogKeys(x.Secret[:], x.Gen)
		f.keys, q.kems = append(f.keys, feedKey{x.Gen, read}), append(q.kems, queueKEM(x.Secret))
	}
}

// queueRecord reads a knock, or what another member says of some. Anybody with a link can leave
// rubbish.
func (m *Machine) queueRecord(c *chat, log plane.LogID, seq plane.Seq, body []byte) {
	q := c.qu()
	m.touch(c)
	if q.has(seq) {
		return
	}
	for _, kem := range q.kems {
		x, err := account.OpenKnock(kem, log, body, m.now)
		if err != nil {
			continue
		}
		// What was said before one came in oneself, others have answered.
		if x.Conversation == c.log && x.At >= c.Started-knockBefore.Milliseconds() && m.knock(c, seq, x) {
			m.show(c)
		} else {
			q.settle(seq)
		}
		return
	}
	if !m.readMarks(c, log, body) && !m.now.Before(q.cardAt) {
		// Rubbish, or sealed by the card of a device that was lost when it made it: see keepQueue.
		q.Carded, q.dirty, q.cardAt = 0, true, m.now.Add(cardAgain)
	}
	q.settle(seq)
}

// knock takes a knock in; false when there is nothing to it.
func (m *Machine) knock(c *chat, seq plane.Seq, x account.Knock) bool {
	if m.now.Sub(time.UnixMilli(x.At)) > knockLife {
		return false
	}
	u, err := mls.ParseKeyPackage(x.Package)
	if err != nil {
		return false
	}
	kp, err := u.Verify(m.now)
	if err != nil || string(kp.Credential().Identity()) != string(x.Credential) {
		return false
	}
	if who, err := m.identify(x.Credential, kp.SignatureKey()); err != nil || who != x.Account {
		return false
	}
	if x.Again && c.c.Has(x.Account) && !c.c.Mandated(x.Account, kp) ||
		!x.Again && !caps.Follows(x.Credential, x.Account, m.mandateIn(x.Account)) {
		// It is not noted: who was signed out must not make the knocks of those who remain repeats.
		if m.goesOn(c) && (x.Again || mayAdd(c)) {
			m.answerKnock(c, &knocked{seq: seq, k: x}, passOld)
		}
		return false
	}
	if key := plane.PublicKey(kp.SignatureKey()); x.Again && key != x.Old &&
		!account.VerifyReturn(m.returnKey(x.Account), x.Conversation, x.Old, key, x.Return) {
		return false
	}
	q := c.qu()
	for _, o := range q.knocks {
		if o.k.Account == x.Account && o.k.Again == x.Again && string(o.kp.SignatureKey()) == string(kp.SignatureKey()) {
			if o.k.At > x.At {
				return false
			}
			q.settle(o.seq) // the newer counts
			break
		}
	}
	if q.repeated(seq, x) {
		return false
	}
	q.knocks = append(q.knocks, &knocked{seq: seq, k: x, kp: kp, due: m.now.Add(m.gather(c))})
	if !x.Again {
		m.emit(Emit{KnocksChanged{Chat: c.id}})
	}
	return true
}

func (m *Machine) gather(c *chat) time.Duration {
	if c.c.OwnAdmin() || c.c.Size() <= 2 {
		return between(admitFirst, admitLast)
	}
	return between(admitLast, memberLast)
}

// readMarks takes what another member says of knocks: they are dealt with. False: it is something else.
func (m *Machine) readMarks(c *chat, log plane.LogID, body []byte) bool {
	gens := c.c.Generations()
	for i := len(gens) - 1; i >= max(0, len(gens)-3); i-- {
		plain, err := seal.OpenRecord(markKey(gens[i]), log, body)
		if err != nil {
			continue
		}
		var list []plane.Seq
		if timeline.Decode(plain, &list) == nil && len(list) <= admitMax {
			for _, seq := range list {
				c.qu().settle(seq)
			}
		}
		return true
	}
	return false
}

// sayMarks tells the others what was dealt with.
func (m *Machine) sayMarks(s *server, c *chat) {
	q, k := c.qu(), c.c.State().Queue
	if len(q.marks) == 0 || k == nil || q.busy || m.now.Before(q.retryAt) {
		return
	}
	if q.write == 0 {
		x := queueSecret{Gen: k.Gen, Secret: k.Secret}
		if f := q.feed; f != nil && f.at < len(q.Keys) {
			x = q.Keys[f.at] // what the server is at
		}
		_, write := caps.DeriveLogKeys(x.Secret[:], x.Gen)
		m.askQueue(s, c, s.open(k.Log, wire.RoleWrite, x.Gen, write), func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			q.write = o.Handle
			return ok
		})
		return
	}
	gens := c.c.Generations()
	list := slices.Clone(q.marks[:min(len(q.marks), admitMax)])
	body, err := seal.SealRecord(markKey(gens[len(gens)-1]), k.Log, timeline.Encode(list))
	inv.That(err == nil, "marks fit")
	m.askQueue(s, c, wire.Append{Handle: q.write, Body: body}, func(a wire.Answer) bool {
		if _, ok := a.(wire.Appended); !ok {
			q.write = 0
			return false
		}
		q.marks = q.marks[min(len(q.marks), len(list)):]
		return true
	})
}

// askQueue sends one request at a time about a queue.
func (m *Machine) askQueue(s *server, c *chat, r wire.Request, then func(wire.Answer) bool) {
	q, life := c.qu(), s.life
	q.busy = true
	m.send(s, r, func(a wire.Answer) {
		if q.life != life {
			return
		}
		q.busy = false
		m.touch(c)
		m.contain(c, func() {
			if then(a) {
				q.tries = 0
				return
			}
			q.retryAt = m.now.Add(backoff(q.tries))
			q.tries++
		})
	})
}

// queueNext is when the queue wants to be looked at.
func (q *queue) next(c *chat) (at time.Time) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if q.busyWith() {
		sooner(q.retryAt)
	}
	if q.feed != nil && !q.feed.busy && !q.feed.live && !q.feed.gone {
		sooner(q.feed.retryAt)
	}
	if c.c.Pending() == nil && len(q.Batch) == 0 {
		for _, k := range q.knocks {
			if k.act {
				sooner(k.due)
			}
		}
	}
	for _, r := range q.replies {
		sooner(r.retryAt)
	}
	for _, l := range q.making {
		sooner(l.until)
	}
	return at
}

func (q *queue) busyWith() bool {
	return len(q.marks)+len(q.making)+len(q.Drop) > 0 || q.Past != [16]byte{} || !q.Made || len(q.Keys) > 0 && (q.Gen < q.Keys[0].Gen || q.Carded != q.Keys[0].Gen)
}
