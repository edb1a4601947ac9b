package core

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

const (
	// waitsMax bounds the knocks that wait for an answer here.
	waitsMax = 64
	// A knock is made anew after askAgain, then after twice as long each time, up to askAgainMax: its
	// answer may have been lost with a member. A link's uses are few, so linkAgain is longer.
	askAgain    = time.Minute
	linkAgain   = 10 * time.Minute
	askAgainMax = 6 * time.Hour
	// packagesWaiting is how many of the key packages of one wait are kept: answers may be late.
	packagesWaiting = 3
	// lingering is how long the log of an answer is read after one has come in: two members may
	// have answered.
	lingering = time.Minute
	// hintTries is how often one follows a hint.
	hintTries = 6
	// waysAfter is how often a place to knock at is tried that does not take a knock.
	waysAfter = 2
)

// waiting is a knock of one's own: the way into a group through a link or, with Again, back into a
// conversation whose thread this device has lost.
type waiting struct {
	storedWait
	id     string // of its reply log
	kem    *seal.KEMKey
	feed   *feed
	reader passReader
	got    *pass // whose tree is on the way

	life    int
	door    wire.Handle
	busy    bool
	tries   int
	retryAt time.Time
}

type storedWait struct {
	Server   ServerID    `cbor:"1,keyasint"`
	Again    bool        `cbor:"2,keyasint,omitempty"`
	Chat     plane.LogID `cbor:"3,keyasint"`
	Queue    plane.LogID `cbor:"4,keyasint"` // the queue or inbox to knock at
	Door     [16]byte    `cbor:"5,keyasint"`
	Card     [16]byte    `cbor:"6,keyasint"`
	Name     string      `cbor:"7,keyasint,omitempty"`
	Picture  []byte      `cbor:"8,keyasint,omitempty"`
	Members  int         `cbor:"9,keyasint,omitempty"`
	Packages [][]byte    `cbor:"10,keyasint,omitempty"` // secrets, newest first
	Owner    []byte      `cbor:"11,keyasint"`           // of the reply log
	Secret   []byte      `cbor:"12,keyasint"`           // of its keys
	KEM      []byte      `cbor:"13,keyasint"`
	Body     []byte      `cbor:"14,keyasint,omitempty"` // the knock; nil: to be made
	Digest   [8]byte     `cbor:"15,keyasint,omitzero"`
	Created  bool        `cbor:"16,keyasint,omitempty"`
	Knocked  bool        `cbor:"17,keyasint,omitempty"`
	Tried    bool        `cbor:"18,keyasint,omitempty"`
	Since    int64       `cbor:"19,keyasint"`           // ms: of the first knock
	At       int64       `cbor:"20,keyasint,omitempty"` // ms: of the newest
	Try      int         `cbor:"21,keyasint,omitempty"`
	Gone     string      `cbor:"22,keyasint,omitempty"` // refused, and why
	Entered  int64       `cbor:"23,keyasint,omitempty"` // ms: when one has come in
	Inbox    bool        `cbor:"24,keyasint,omitempty"` // Queue is a person's inbox
	QueueKEM []byte      `cbor:"25,keyasint,omitempty"`
	Missed   uint64      `cbor:"26,keyasint,omitempty"` // records that were not read here
	Last     uint64      `cbor:"27,keyasint,omitempty"` // the newest place for what was said before
	Lost     *lostChat   `cbor:"40,keyasint,omitempty"` // recovered by words
	Return   []byte      `cbor:"41,keyasint,omitempty"` // what the words' key says of it: a signature for each leaf that it may replace
	// Said is what was written into a Lost chat meanwhile.
	Said []*outbox.Item `cbor:"42,keyasint,omitempty"`
	// Quit: the person waits no more. Who knocked may be let in all the same, and then leaves.
	Quit bool `cbor:"43,keyasint,omitempty"`
	// Hinted: a contact says that one has been added, to a chat that one is not in.
	Hinted bool `cbor:"44,keyasint,omitempty"`
	// Way numbers the places to knock at, see elsewhere; with Asked it is the inbox of a member.
	Way   int             `cbor:"45,keyasint,omitempty"`
	Asked plane.PublicKey `cbor:"46,keyasint,omitzero"`
	InLog bool            `cbor:"47,keyasint,omitempty"` // it is the log of the conversation
	// Old: members say that they know newer devices of the account than this one does.
	Old bool `cbor:"48,keyasint,omitempty"`
}

func waitKey(id string) string { return "s/j/" + id }

func (m *Machine) saveWait(w *waiting) { m.put(waitKey(w.id), w.storedWait) }

// newWait begins to wait.
func (m *Machine) newWait(x storedWait) *waiting {
	owner := caps.NewSigner()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	x.Owner, x.Secret, x.KEM, x.Since = owner.Seed(), secret, seal.NewKEMKey().Seed(), m.now.UnixMilli()
	w, err := loadWait(caps.NewLogID(owner.Public()).Text(), x)
	inv.That(err == nil, "a new wait loads")
	m.waits = append(m.waits, w)
	m.saveWait(w)
	return w
}

func loadWait(id string, x storedWait) (*waiting, error) {
	kem, err := seal.KEMKeyFromSeed(x.KEM)
	if err != nil || len(x.Secret) != 32 {
		return nil, ErrDamaged
	}
	return &waiting{storedWait: x, id: id, kem: kem}, nil
}

// waitOf returns the wait for a conversation, nil without one.
func (m *Machine) waitOf(id string) *waiting {
	for _, w := range m.waits {
		if w.Chat.Text() == id {
			return w
		}
	}
	return nil
}

func (m *Machine) waitsOn(id ServerID) bool {
	return slices.ContainsFunc(m.waits, func(w *waiting) bool { return w.Server == id })
}

// dropWait ends a wait; the log of the answer is deleted.
func (m *Machine) dropWait(w *waiting) {
	i := slices.Index(m.waits, w)
	if i < 0 {
		return
	}
	m.waits = slices.Delete(m.waits, i, i+1)
	m.set(waitKey(w.id), nil)
	if c := m.chats[w.Chat.Text()]; c != nil {
		m.takeSaid(c, w) // in by another way
	}
	s := m.servers[w.Server]
	if w.feed != nil {
		m.hangFeed(s, w.feed)
	}
	if owner, err := caps.SignerFromSeed(w.Owner); err == nil && s.isUp() && w.Created {
		m.send(s, s.open(caps.NewLogID(owner.Public()), wire.RoleOwner, 0, owner), func(a wire.Answer) {
			if o, ok := a.(wire.Opened); ok {
				m.send(s, wire.Manage{Handle: o.Handle, Delete: true}, func(wire.Answer) {})
			}
		})
	}
	m.forget(w.Server)
}

// leafPackage makes a key package for one leaf, and its secret.
func (m *Machine) leafPackage(credential []byte, again *plane.LogID) ([]byte, []byte) {
	kp, secret, err := mls.NewKeyPackage(mls.KeyPackageOptions{
		Signer: m.acc.keys.Device(), Credential: mls.NewBasic(credential),
		Lifetime:     mls.Lifetime{NotBefore: m.now.Add(-24 * time.Hour), NotAfter: m.now.Add(packageDays * 24 * time.Hour)},
		Capabilities: convo.Capabilities(), LeafExtensions: m.nameLeaf(again),
	})
	inv.That(err == nil, "a key package can be made")
	return kp, secret.Marshal()
}

// makeKnock makes the knock, with a fresh key package.
func (m *Machine) makeKnock(w *waiting) bool {
	x := account.Knock{Again: w.Again, Conversation: w.Chat, Credential: m.acc.keys.Credential(), At: m.now.UnixMilli()}
	var again *plane.LogID
	if c := m.chats[w.Chat.Text()]; w.Again && c == nil {
		again, x.Old = &w.Chat, plane.PublicKey(m.acc.keys.Device().Public()) // see hint
		if w.Lost != nil {
			x.Old, x.Cursor = w.Lost.Key, w.Lost.Cursor
			n := w.Try % (1 + len(w.Lost.Also))
			if n > 0 {
				x.Old = w.Lost.Also[n-1]
			}
			copy(x.Return[:], w.Return[min(n*len(x.Return), len(w.Return)):])
		}
	} else if w.Again {
		again = &w.Chat
		x.Credential = m.credentialFor(c)
		x.Old, x.Cursor, x.Epoch = plane.PublicKey(m.acc.keys.Device().Public()), c.c.LostAt(), max(c.c.Epoch(), c.farther)
		w.Digest = [8]byte{}
		if l := c.c.Lost(); (l == convo.LostGap || l == convo.LostVoid || l == convo.LostSlices) && c.State != chatBroken {
			w.Digest = c.c.Digest()
		}
		x.Digest = w.Digest
	} else {
		x.Door = caps.DoorSigner(w.Door).Public()
	}
	var secret []byte
	x.Package, secret = m.leafPackage(x.Credential, again)
	owner, err := caps.SignerFromSeed(w.Owner)
	inv.That(err == nil, "owner seed")
	_, write := caps.DeriveLogKeys(w.Secret, 1)
	x.Reply, x.Write, x.KEM = caps.NewLogID(owner.Public()), write.Seed(), w.kem.Public()
	if w.Body, err = m.acc.keys.SealKnock(w.QueueKEM, w.Queue, x); err != nil {
		return false
	}
	w.Packages = append([][]byte{secret}, w.Packages...)
	w.Packages = w.Packages[:min(len(w.Packages), packagesWaiting)]
	w.Knocked, w.Tried, w.At = false, false, m.now.UnixMilli()
	m.saveWait(w)
	return true
}

// takenGroup takes the card of a group's queue: from here on all is stored.
func (m *Machine) takenGroup(s *server, j *joining, p wire.Package) {
	b, err := seal.OpenCard(j.link.Card, j.link.Inbox, p.Card)
	if err != nil {
		m.endJoin(j, nil, ErrBadLink)
		return
	}
	card, err := account.VerifyQueueCard(b, j.link.Inbox)
	if err != nil {
		m.endJoin(j, nil, ErrBadLink)
		return
	}
	id := card.Group.Text()
	if c := m.chats[id]; c != nil && c.alive() && !c.Leaving {
		m.endJoin(j, Joined{Chat: id}, "")
		return
	}
	if w := m.waitOf(id); w != nil {
		if w.Gone == "" && w.Entered == 0 { // one that has come in lingers for a while
			if w.Quit {
				w.Quit = false
				m.saveWait(w)
				m.showWait(w)
			}
			m.endJoin(j, Joined{Chat: id}, "")
			return
		}
		m.dropWait(w)
	}
	if len(m.waits) >= waitsMax || len(m.chats) >= chatsMax {
		m.endJoin(j, nil, ErrNotAllowed)
		return
	}
	m.newAccount(s, j)
	w := m.newWait(storedWait{
		Server: s.id, Chat: card.Group, Queue: j.link.Inbox, Door: j.link.Door, Card: [16]byte(j.link.Card.Bytes()), QueueKEM: card.KEM,
		Name: card.Name, Picture: card.Picture, Members: int(min(card.Members, 1<<30)),
	})
	if !m.makeKnock(w) {
		m.dropWait(w)
		m.endJoin(j, nil, ErrBadLink)
		return
	}
	if !s.Member {
		s.Door = append(slices.Clone(j.link.Inbox[:]), j.link.Door[:]...)
	}
	m.saveServer(s)
	m.showWait(w)
	m.touchServer(s)
	m.endJoin(j, Joined{Chat: id}, "")
}

// waitView is the chat as it shows before one is in.
func (m *Machine) waitView(w *waiting) Chat {
	if l := w.Lost; l != nil {
		v := Chat{ID: w.Chat.Text(), Kind: ChatGroup, Name: l.Name, State: chatHealing, At: l.Numbers.At, Draft: l.Meta.Draft, Unread: l.Numbers.Unread}
		if l.Kind == convo.Two {
			v.Kind, v.Name, v.Person = ChatTwo, m.nameOf(*l.Meta.Person), l.Meta.Person.Text()
		}
		v.Refused = w.old()
		m.viewPrefs(w.Chat, &v)
		return v
	}
	v := Chat{ID: w.Chat.Text(), Kind: ChatGroup, Name: w.Name, Picture: w.Picture, Members: w.Members, State: chatWaiting, At: w.Since}
	if w.Gone != "" {
		v.State, v.Refused = chatRefused, refusal(w.Gone)
	}
	m.viewPrefs(w.Chat, &v)
	return v
}

// refusal puts why one does not come in into the codes of faces.
func refusal(why string) ErrCode {
	switch why {
	case passFull:
		return ErrGroupFull
	case passBanned:
		return ErrBanned
	case passNo:
		return ErrNotAllowed
	case passOld:
		return ErrOutdated
	}
	return ErrLinkUsedUp
}

// old is what a chat shows that members do not let this device into, because of its mandate.
func (w *waiting) old() ErrCode {
	if w != nil && w.Again && w.Entered == 0 && w.Old {
		return ErrOutdated
	}
	return ""
}

// outdated: somebody says that they know a newer mandate. It is no end, for who lies may say so, and
// one's other devices may let this one in: it is shown, and this device asks on.
func (m *Machine) outdated(w *waiting, by plane.PublicKey) {
	c := m.chats[w.Chat.Text()]
	switch {
	case c != nil && !c.c.Has(by), c == nil && (w.Lost == nil || w.Lost.Kind == convo.Two && by != *w.Lost.Meta.Person):
		return
	}
	w.Old = true
	m.saveWait(w)
	if c != nil {
		m.show(c)
	} else {
		m.emit(Emit{ChatChanged{m.waitView(w)}})
	}
}

// showWait tells the faces of it.
func (m *Machine) showWait(w *waiting) {
	if w.Again || w.Entered != 0 || w.Quit {
		return
	}
	if c := m.chats[w.Chat.Text()]; c != nil {
		m.show(c)
	} else {
		m.emit(Emit{ChatChanged{m.waitView(w)}})
	}
}

// pumpWaits does what every wait needs next.
func (m *Machine) pumpWaits() {
	for _, w := range slices.Clone(m.waits) {
		s := m.servers[w.Server]
		if m.devs.Out {
			m.dropWait(w) // nobody lets in who was signed out
		} else if w.Entered != 0 && m.now.Sub(time.UnixMilli(w.Entered)) > lingering {
			m.unheard(w)
			m.dropWait(w)
		} else if w.Entered == 0 && (w.Again && m.needless(w) || w.Quit && m.now.Sub(time.UnixMilli(w.At)) > plane.TTLDaysDefault*24*time.Hour) {
			m.dropWait(w)
		} else if s.isUp() && w.Gone == "" && m.acc != nil {
			m.pumpWait(s, w)
		}
	}
}

// needless says that there is nothing to come back for: one is in, has left, or is not known.
func (m *Machine) needless(w *waiting) bool {
	c := m.chats[w.Chat.Text()]
	if c == nil || w.Hinted && c.State == chatLeft {
		return w.Lost == nil && !w.Inbox && w.Try >= hintTries || (w.Lost == nil || w.setBack(m)) && w.Try >= pairTries // one's own chats are waited for, however long
	}
	return !m.healing(c)
}

// next is when a wait wants to be looked at.
func (w *waiting) next() (at time.Time) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	switch {
	case w.Gone != "":
	case w.Entered != 0:
		sooner(time.UnixMilli(w.Entered).Add(lingering + time.Second))
	default:
		sooner(w.retryAt)
		if w.Knocked && w.got == nil && !w.Quit {
			sooner(w.again())
		}
	}
	if w.Gone == "" && w.feed != nil && !w.feed.busy && !w.feed.live && !w.feed.gone {
		sooner(w.feed.retryAt)
	}
	return at
}

// again is when the knock is made anew.
func (w *waiting) again() time.Time {
	d := askAgain
	if !w.Again {
		d = linkAgain
	}
	return time.UnixMilli(w.At).Add(min(d<<min(w.Try, 10), askAgainMax))
}

func (m *Machine) pumpWait(s *server, w *waiting) {
	if w.life != s.life {
		w.life, w.door, w.busy, w.tries, w.retryAt, w.got = s.life, 0, false, 0, time.Time{}, nil
	}
	if w.busy || m.now.Before(w.retryAt) {
		return
	}
	w.retryAt = time.Time{}
	ask := func(r wire.Request, then func(wire.Answer) bool) {
		w.busy = true
		life := w.life
		m.send(s, r, func(a wire.Answer) {
			if w.life != life || !slices.Contains(m.waits, w) {
				return
			}
			w.busy = false
			if then(a) {
				w.tries = 0
				return
			}
			w.retryAt = m.now.Add(backoff(w.tries))
			w.tries++
		})
	}
	closed := func(a wire.Answer) bool {
		code := codeOf(a)
		if code != plane.Refused && code != plane.UsedUp {
			return false
		}
		switch {
		case code == plane.UsedUp && (w.Try > 0 || w.Tried) && m.now.Sub(time.UnixMilli(w.Since)) < plane.TTLDaysDefault*24*time.Hour:
			// The uses may have gone on one's own knocks: an earlier one may lie in the queue, and
			// whoever reads it lets one in.
			w.Knocked, w.Tried, w.Body, w.At = true, false, nil, m.now.UnixMilli()
			m.saveWait(w)
		case w.tries > waysAfter || code == plane.UsedUp:
			if m.nobodyElse(w) {
				return true // the queue is no more
			}
			m.refuseWait(w, passGone)
			m.elsewhere(w)
		}
		return false
	}
	switch {
	case w.Entered != 0 || w.Created && w.Knocked:
		if w.feed == nil {
			w.feed = m.replyFeed(w)
		}
		m.pumpFeed(s, w.feed)
		if w.Entered == 0 && w.feed.gone {
			m.waitAnew(s, w)
			return
		}
		if w.Entered == 0 && !w.Quit && !m.now.Before(w.again()) && w.got == nil {
			if w.Try++; w.Try >= forsakenAfter && m.nobodyElse(w) {
				return
			}
			if w.Try < forsakenAfter || !m.elsewhere(w) {
				m.knockAnew(w)
			}
			m.pumpWait(s, w)
		}
	case !w.Created:
		if !s.canCreate() {
			return
		}
		owner, err := caps.SignerFromSeed(w.Owner)
		inv.That(err == nil, "owner seed")
		read, write := caps.DeriveLogKeys(w.Secret, 1)
		r := wire.Create{Owner: owner.Public(), Read: read.Public(), Write: write.Public(), TTLDays: plane.TTLDaysDefault}
		r.Sig = owner.Sign(caps.CreateMessage(s.binding, r.Owner, r.Read, r.Write, r.TTLDays, false))
		ask(r, func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			if ok {
				w.Created = true
				m.saveWait(w)
				m.send(s, wire.Close{Handle: o.Handle}, func(wire.Answer) {})
			}
			return ok
		})
	case w.InLog:
		m.knockInLog(w, ask)
	case w.door == 0:
		ask(s.open(w.Queue, wire.RoleDoor, 0, caps.DoorSigner(w.Door)), func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			w.door = o.Handle
			return ok || closed(a)
		})
	case w.Body == nil:
		ask(wire.PoolTake{Handle: w.door}, func(a wire.Answer) bool {
			p, ok := a.(wire.Package)
			if ok = ok && m.cardOf(w, p) && m.makeKnock(w); !ok && w.tries > waysAfter {
				m.elsewhere(w)
			}
			return ok
		})
	default:
		r := wire.Knock{Handle: w.door, Body: w.Body, Retry: w.Tried}
		if !s.Member {
			r.Member = s.member.Public()
		}
		w.Tried = true
		m.saveWait(w)
		ask(r, func(a wire.Answer) bool {
			if codeOf(a) != plane.OK {
				return closed(a)
			}
			w.Knocked, w.Body = true, nil
			m.saveWait(w)
			m.nowMember(s)
			return true
		})
	}
}

// waitAnew waits with another log for the answer: that of an old copy was deleted by its later self, whom
// the answer had reached.
func (m *Machine) waitAnew(s *server, w *waiting) {
	x := w.storedWait
	x.Created, x.Knocked, x.Tried, x.Body, x.Packages = false, false, false, nil, nil
	i := slices.Index(m.waits, w)
	m.waits = slices.Delete(m.waits, i, i+1)
	m.set(waitKey(w.id), nil)
	n := m.newWait(x)
	n.Since = w.Since
	m.saveWait(n)
	m.pumpWait(s, n)
}

// knockAnew makes another knock: nobody may have lived to answer the last.
func (m *Machine) knockAnew(w *waiting) {
	w.Body, w.Knocked = nil, false
	if s := m.servers[w.Server]; w.door != 0 && s.isUp() {
		m.send(s, wire.Close{Handle: w.door}, func(wire.Answer) {})
	}
	w.door = 0
	m.saveWait(w)
}

// cardOf takes the card of what a wait knocks at, for its KEM key.
func (m *Machine) cardOf(w *waiting, p wire.Package) bool {
	key, err := seal.CardKeyFromBytes(w.Card[:])
	inv.That(err == nil, "card key")
	b, err := seal.OpenCard(key, w.Queue, p.Card)
	if err != nil {
		return false
	}
	if w.Inbox {
		// One that is over will do: while no newer is out, its owner has its key.
		card, err := account.VerifyCard(b, w.Queue, 0)
		c := m.chats[w.Chat.Text()]
		if w.Lost != nil && err == nil && card.Account == w.Lost.who() {
			w.QueueKEM = card.KEM
			return true
		}
		if err != nil || c == nil && card.Account != w.Asked || !m.own(card.Account) && card.Account != w.Asked && (c == nil || c.Person == nil || card.Account != *c.Person) {
			return false
		}
		w.QueueKEM = card.KEM
		return true
	}
	card, err := account.VerifyQueueCard(b, w.Queue)
	if err != nil || card.Group != w.Chat {
		return false
	}
	w.QueueKEM = card.KEM
	return true
}

func (m *Machine) replyFeed(w *waiting) *feed {
	owner, err := caps.SignerFromSeed(w.Owner)
	inv.That(err == nil, "owner seed")
	read, _ := caps.DeriveLogKeys(w.Secret, 1)
	log := caps.NewLogID(owner.Public())
	return &feed{log: log, key: read, server: w.Server, take: func(_ plane.Seq, body []byte) {
		plain := w.reader.read(w.kem, log, body)
		if plain == nil || !slices.Contains(m.waits, w) {
			return
		}
		var p pass
		if timeline.Decode(plain, &p) == nil {
			m.gotPass(w, &p, log)
		}
	}}
}

// gotPass takes an answer. Who sealed it knows the knock, and so holds, or held, the queue's key:
// what it says is believed as far as it proves itself.
func (m *Machine) gotPass(w *waiting, p *pass, log plane.LogID) {
	if p.Why != "" {
		m.toldWhy(w, p, log)
		return
	}
	t := &p.Tree
	if t.Whole == nil && p.Invitation.Proofs == nil {
		if t.Bytes == 0 || t.Bytes > treeBytesMax || w.got != nil {
			return
		}
		w.got = p
		m.emit(GetObject{ID: "wait/" + w.id, Server: w.Server, Blob: t.Blob})
		return
	}
	m.enter(w, p, t.Whole)
}

// toldWhy: somebody says why one does not come in, or that there is no need.
func (m *Machine) toldWhy(w *waiting, p *pass, log plane.LogID) {
	if !account.VerifyPass(p.By, p.said(log), p.Sig) || (w.Entered != 0) != (p.Why == passHistory) {
		return
	}
	c := m.chats[w.Chat.Text()]
	switch {
	case p.Why == passHistory:
		if c != nil && c.c.Has(p.By) {
			m.earlier(c, w, p.History)
		}
	case !w.Again:
		m.refuseWait(w, p.Why)
	case p.Why == passOld:
		m.outdated(w, p.By)
	case c == nil && p.Why == passOut && w.Lost != nil && w.Try <= 2*len(w.Lost.Also):
		// Another device may stand where that one stood.
		w.At = m.now.UnixMilli()
		w.At -= w.again().Sub(m.now).Milliseconds() - between(time.Second, 4*time.Second).Milliseconds()
		m.saveWait(w)
	case c == nil || !c.c.Has(p.By) && !c.c.Light():
	case p.Why == passCurrent && p.Digest == w.Digest && w.Digest != [8]byte{}:
		// So one was when one asked, and has followed since.
		m.room(c, w, c.c.Cursor())
		c.c.Found()
		w.Entered = m.now.UnixMilli()
		m.saveWait(w)
		m.healed(c)
	case p.Why == passOut && (c.kind() != ChatGroup || c.c.Role(p.By) >= convo.RoleAdmin || w.Try >= forsakenAfter): // whoever is asked so often would have let one in
		m.dropWait(w)
		if c.State == chatLeft {
			return // as it was
		}
		c.State, c.Leaving, c.dirtyMeta = chatLeft, false, true
		m.ended(c)
		m.notify(c, c.c.Cursor(), toldOut, timeline.Line{What: "removed", Who: p.By, Whom: [][32]byte{m.acc.person()}})
		m.hangChat(c)
		m.show(c)
	}
}

// refuseWait: one does not come in. The person sees it until they leave the chat.
func (m *Machine) refuseWait(w *waiting, why string) {
	if w.Again {
		return // the door may stand again another day
	}
	if w.Quit {
		m.dropWait(w)
		return
	}
	w.Gone, w.Packages, w.Body = why, nil, nil
	m.saveWait(w)
	if w.feed != nil {
		m.hangFeed(m.servers[w.Server], w.feed)
	}
	m.showWait(w)
}

// object takes what the driver has to say of a blob of ours; false when it is somebody else's.
func (m *Machine) queueObject(in Object) bool {
	kind, id, _ := strings.Cut(in.ID, "/")
	switch kind {
	case "tree":
		chat, n, _ := strings.Cut(id, "/")
		if k, err := parseNumber(n); err == nil {
			m.putTree(chat, k, in.Code)
		}
	case "wait":
		for _, w := range slices.Clone(m.waits) {
			if w.id != id || w.got == nil {
				continue
			}
			p := w.got
			w.got = nil
			if tree := p.Tree.openTree(in.Data); in.Code == plane.OK && tree != nil {
				m.enter(w, p, tree)
			}
		}
	default:
		return false
	}
	return true
}

// enter follows an invitation, if it leads where one has knocked.
func (m *Machine) enter(w *waiting, p *pass, tree []byte) {
	s, c := m.servers[w.Server], m.chats[w.Chat.Text()]
	if s == nil || p.Invitation.Log != w.Chat {
		return
	}
	in := c != nil && c.alive() && (w.Again || w.Entered != 0 && !c.Leaving) && !m.stuck(c)
	if in && !(w.Again && w.Digest != [8]byte{}) {
		return // one is in already
	}
	if in {
		if parted, before := c.c.Parted(p.Begun); !parted {
			return
		} else if !before {
			m.ahead(c, p)
			return
		}
	}
	if c != nil && !in && (w.Again || w.Entered != 0) && p.Invitation.After < c.c.Opened() && c.c.Lost() != convo.LostVoid && c.c.Lost() != convo.LostSlices && !c.c.Forked() {
		return // an older way into what has been read since
	}
	cv := m.tryPackages(w, p, tree)
	if cv == nil {
		return
	}
	cv.Inherit(p.Begun)
	st := cv.State()
	if l := w.Lost; l != nil && c == nil {
		if st.Kind != l.Kind || st.Kind == convo.Two && !cv.Has(*l.Meta.Person) {
			return
		}
	} else if c == nil && w.Inbox {
		if st.Kind != convo.Group || !cv.Has(w.Asked) {
			return
		}
	} else if (!w.Again || c == nil) && (st.Kind != convo.Group || st.Queue == nil || st.Queue.Log != w.Queue) {
		return // not the group whose link it was
	}
	if c != nil && (w.Again || w.Entered != 0) {
		parted, _ := c.c.Parted(p.Begun)
		if old := c.c.State(); st.Kind != old.Kind || st.TTLDays != old.TTLDays || st.Gen < old.Gen && !c.c.Forked() && !parted || !m.meetsAgain(c, cv) {
			return
		}
	}
	again := c != nil && c.State != chatLeft
	var fresh []plane.PublicKey
	if c == nil {
		c = m.newChat(cv, s.id, nil)
		c.Created = true
		if w.Lost == nil {
			w.Last, c.Next = historyRoom, historyRoom+1
		} else {
			m.foundAgain(c, w, p.Invitation.After)
			again = true
		}
		if w.Quit {
			c.Leaving = true
			m.askToLeave(c)
		}
	} else {
		if w.Again {
			m.room(c, w, p.Invitation.After)
		}
		for _, x := range cv.Members() {
			// An old copy may have added again somebody of whom it does not even know that they had left.
			if w.Again && (w.Digest == [8]byte{} || !c.c.Has(x.Person)) {
				fresh = append(fresh, x.Person)
			}
		}
		leaving := c.Leaving && w.Again || w.Quit
		m.rejoin(c, cv, s.id)
		if leaving {
			c.Leaving = true
			m.askToLeave(c)
		}
	}
	m.learnNames(c)
	m.enterState(c)
	q := c.qu()
	if st.Kind == convo.Group {
		q.feed, q.Done, q.dirty = nil, nil, true
		if p.Queue > 0 {
			q.Done = []span{{From: 1, To: p.Queue}}
		}
		if p.Seq != 0 && p.Seq < askFirst {
			q.marks = append(q.marks, p.Seq)
		}
	}
	first := w.Entered == 0
	w.Entered = m.now.UnixMilli()
	m.saveWait(w)
	m.hint(c, fresh)
	switch {
	case w.Again && again && first && w.Lost != nil && !w.setBack(m):
		m.back(c, "device")
	case w.Again && again:
		m.healed(c)
	case first:
		m.notify(c, cv.Cursor(), 14, timeline.Line{What: "joined", Who: m.acc.person()})
	}
	if !w.Quit {
		m.introduce(c)
	}
}

// quit ends the person's waiting. A knock that is made cannot be taken back.
func (m *Machine) quit(w *waiting) {
	if w.Gone == "" && (w.Knocked || w.Tried) {
		w.Quit = true
		m.saveWait(w)
	} else {
		m.dropWait(w)
	}
}

// room keeps places free for what was missed up to a record.
func (m *Machine) room(c *chat, w *waiting, upto plane.Seq) {
	w.Missed = uint64(upto - min(upto, c.c.LostAt()))
	if w.Missed > 0 {
		v := m.view(c)
		v.Next += 2*w.Missed + 64
		v.dirtyNumbers = true
		w.Last = v.Next - 1
	}
}

// tryPackages joins with whichever key package the invitation is for.
func (m *Machine) tryPackages(w *waiting, p *pass, tree []byte) *convo.Convo {
	for _, b := range w.Packages {
		secret, err := mls.ParseKeyPackageSecret(b)
		if err != nil {
			continue
		}
		cv, err := convo.Join(convo.JoinOptions{Invitation: p.Invitation, Secret: secret, Tree: tree, Signer: m.acc.keys.Device(), Identify: m.identify, Now: m.now})
		if err == nil {
			return cv
		}
	}
	return nil
}

// meetsAgain says whether somebody whom one knows from before is in the conversation still.
func (m *Machine) meetsAgain(c *chat, cv *convo.Convo) bool {
	if c.kind() == ChatTwo {
		return c.Person != nil && cv.Has(*c.Person)
	}
	if c.kind() == ChatSaved {
		return true
	}
	if c.c.Light() || cv.Light() {
		// Neither need know more than some of the others: leaders are taken to be there.
		st := cv.State()
		return slices.ContainsFunc(slices.Concat(st.Owners, st.Admins), c.c.Has) || slices.ContainsFunc(cv.Members(), func(x convo.Member) bool { return !x.Own && c.c.Has(x.Person) })
	}
	return slices.ContainsFunc(c.c.Members(), func(x convo.Member) bool { return !x.Own && cv.Has(x.Person) })
}

// learnNames takes the names from the leaves of a conversation that is new here.
func (m *Machine) learnNames(c *chat) {
	c.c.LeafNames(func(who plane.PublicKey, name string) {
		if p := m.person(who); p.stored.Name == "" {
			p.stored.Name = name
			m.savePerson(p)
		}
	})
}

// learnNamesOf is learnNames for people who have just come in: a notice is about to name them.
func (m *Machine) learnNamesOf(c *chat, list []plane.PublicKey) {
	for _, who := range list {
		if p := m.person(who); p.stored.Name == "" {
			if p.stored.Name = c.c.NameOf(who); p.stored.Name != "" {
				m.savePerson(p)
			}
		}
	}
}

// doWaiting carries out a command about a chat that one is not in yet.
func (m *Machine) doWaiting(in Do, w *waiting) {
	if w.Lost != nil {
		m.doLost(in, w)
		return
	}
	switch in.Command.(type) {
	case Leave:
		m.quit(w)
		m.emit(Emit{ChatGone{Chat: w.Chat.Text()}})
		m.finish(in.ID, "")
	case GetMembers:
		m.reply(in.ID, Members{Members: []Member{}}, "")
	default:
		code := ErrWaiting
		if w.Gone != "" {
			code = ErrNotAllowed
		}
		m.reply(in.ID, nil, code)
	}
}
