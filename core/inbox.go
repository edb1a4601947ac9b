package core

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
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
	// packagesFull is how many one-time packages a refill aims at: after each Welcome, and when a look
	// once a day or session finds fewer than packagesLow.
	packagesFull = 50
	packagesLow  = 25
	lookAfter    = 24 * time.Hour
	// kemDays is how long an inbox KEM key and a last-resort package are given out; kemKeptDays
	// how long they still open what was sealed before.
	kemDays     = 7
	kemsMax     = 5
	kemKeptDays = 14
	// packageDays is the lifetime of a key package, packagesKept the most secrets kept.
	packageDays  = 60
	packagesKept = 400
	// requestsKept bounds the remembered hashes of requests.
	requestsKept = 4096
	// chatsMax bounds the chats that requests and invitations of others can make; pairsMax those
	// two-person conversations that one person can make with us.
	chatsMax = 2000
	pairsMax = 8
	// contactDoorUses and contactDoorDays are those of the door that contacts get.
	contactDoorUses = plane.DoorUsesMax
	contactDoorDays = 365
	// invite defaults and bounds.
	inviteUses = 10
	inviteDays = 30
)

// inbox is one's own inbox.
type inbox struct {
	stored   storedInbox
	packages []*ownPackage // oldest first
	fresh    []*ownPackage // made in this Step, for one's other devices
	requests []string      // hashes of requests that were taken, hex

	own, handle     wire.Handle
	opening         bool
	putting, filled bool
	dooring         bool
	closing         bool
	reading         bool
	noting          bool
	head            plane.Seq
	subscribed      bool
	dropping        bool
	top             bool      // one was used
	lookAt          time.Time // when the pool is looked at again
	turn            int       // counts the inboxes
	holdAt          time.Time // another device makes the inbox until then
	refused         int       // how often in a row it did not open; see replaced
}

type storedInbox struct {
	Created bool       `cbor:"1,keyasint,omitempty"`
	Cursor  plane.Seq  `cbor:"2,keyasint,omitempty"`
	KEMs    []inboxKEM `cbor:"3,keyasint,omitempty"`  // newest first
	Renamed bool       `cbor:"9,keyasint,omitempty"`  // the newest card has an old name
	Put     bool       `cbor:"4,keyasint,omitempty"`  // the newest card is at the server
	DoorDay plane.Day  `cbor:"5,keyasint,omitempty"`  // contact door: until
	Links   []ownLink  `cbor:"10,keyasint,omitempty"` // to oneself, oldest first
	Old     [][]byte   `cbor:"11,keyasint,omitempty"` // owner keys of inboxes to be deleted
}

type inboxKEM struct {
	Seed []byte    `cbor:"1,keyasint"`
	Card []byte    `cbor:"2,keyasint"`
	Made plane.Day `cbor:"3,keyasint"`
	Last []byte    `cbor:"4,keyasint"` // the last-resort package, sealed
}

type ownPackage struct {
	ref    string
	made   plane.Day
	secret *mls.KeyPackageSecret
	signer *mls.Signer // of a package that all one's devices can use; nil: of this device alone
}

// signs returns the key of the package's leaf.
func (p *ownPackage) signs(m *Machine) *mls.Signer {
	if p.signer != nil {
		return p.signer
	}
	return m.acc.keys.Device()
}

type storedPackage struct {
	_      struct{} `cbor:",toarray"`
	Made   plane.Day
	Secret []byte
}

func loadPackage(ref string, s storedPackage) (*ownPackage, error) {
	k, err := mls.ParseKeyPackageSecret(s.Secret)
	return &ownPackage{ref: ref, made: s.Made, secret: k}, err
}

// drop forgets the session.
func (b *inbox) drop() {
	b.dropping = false
	b.own, b.handle, b.opening, b.putting, b.filled, b.dooring, b.closing, b.reading, b.noting, b.subscribed, b.head = 0, 0, false, false, false, false, false, false, false, false, 0
}

func (m *Machine) saveInbox() { m.put("s/inbox", m.inbox.stored) }

// newPackage makes a key package, remembers its secret and returns it sealed for the pool.
func (m *Machine) newPackage(last bool) []byte {
	signer, credential := m.packageSigner()
	kp, secret, err := mls.NewKeyPackage(mls.KeyPackageOptions{
		Signer: signer, Credential: mls.NewBasic(credential), LastResort: last,
		Lifetime:     mls.Lifetime{NotBefore: m.now.Add(-24 * time.Hour), NotAfter: m.now.Add(packageDays * 24 * time.Hour)},
		Capabilities: convo.Capabilities(), LeafExtensions: m.nameLeaf(nil),
	})
	inv.That(err == nil, "a key package can be made")
	p := &ownPackage{ref: hex.EncodeToString(secret.Ref()[:16]), made: plane.DayOf(m.now), secret: secret}
	if signer != m.acc.keys.Device() {
		p.signer = signer
		m.inbox.fresh = append(m.inbox.fresh, p)
	}
	m.keepPackage(p)
	key, err := seal.CardKeyFromBytes(m.acc.Card)
	inv.That(err == nil, "card key")
	b, err := seal.SealPackage(key, m.acc.inboxLog(), kp)
	inv.That(err == nil, "a key package fits")
	return b
}

func (m *Machine) dropPackage(p *ownPackage) {
	if i := slices.Index(m.inbox.packages, p); i >= 0 {
		m.inbox.packages = slices.Delete(m.inbox.packages, i, i+1)
		m.set("s/kp/"+p.ref, nil)
		if p.signer != nil {
			m.set(signerKey(p.ref), nil)
		}
	}
}

// turnKEM makes a new KEM key, card and last-resort package when the week is over, or one's name is
// another, and forgets what can open nothing any more. Names that change often wait for the week:
// what was sealed to a card that is still out must open.
func (m *Machine) turnKEM() {
	b := &m.inbox.stored
	today := plane.DayOf(m.now)
	renamed := b.Renamed && len(b.KEMs) < kemsMax-1
	if len(b.KEMs) > 0 && !renamed && today < b.KEMs[0].Made+kemDays && today+1 >= b.KEMs[0].Made {
		return
	}
	b.Renamed = false
	k := seal.NewKEMKey()
	card := m.acc.keys.NewCard(m.acc.Name, m.acc.inboxLog(), k.Public(), today+kemDays+kemKeptDays)
	b.KEMs = append([]inboxKEM{{Seed: k.Seed(), Card: card, Made: today, Last: m.newPackage(true)}}, b.KEMs...)
	b.KEMs = slices.DeleteFunc(b.KEMs, func(x inboxKEM) bool {
		return x.Made+kemDays+kemKeptDays < today || x.Made > today+1
	})
	b.KEMs = b.KEMs[:min(len(b.KEMs), kemsMax)]
	b.Put, m.inbox.filled = false, false
	m.tell(syncKEMs, "kems", b.KEMs)
	for _, p := range slices.Clone(m.inbox.packages) {
		if keep := plane.Day(packageDays + kemKeptDays); p.made+keep < today || p.secret.LastResort() && p.made+kemDays+kemKeptDays < today {
			m.dropPackage(p)
		}
	}
	m.shareFresh()
	m.saveInbox()
}

// pumpInbox makes or opens the inbox, keeps card, packages and the contact door there, and reads
// what comes in.
func (m *Machine) pumpInbox(s *server) {
	b := &m.inbox
	a := m.acc
	if b.opening || b.stored.KEMs == nil && m.now.Before(b.holdAt) {
		return
	}
	failed := func(code plane.Code) {
		b.drop()
		m.delay(s)
	}
	if b.own == 0 {
		var r wire.Request = s.open(a.inboxLog(), wire.RoleOwner, 0, a.inboxOwner)
		if !b.stored.Created {
			if !s.canCreate() {
				return
			}
			x := wire.Create{Owner: a.inboxOwner.Public(), Read: a.inboxRead.Public(), Write: a.inboxWrite.Public(), TTLDays: plane.TTLDaysDefault, Inbox: true}
			x.Sig = a.inboxOwner.Sign(caps.CreateMessage(s.binding, x.Owner, x.Read, x.Write, x.TTLDays, x.Inbox))
			r = x
		}
		b.opening = true
		m.sendInbox(s, r, func(an wire.Answer) {
			b.opening = false
			o, ok := an.(wire.Opened)
			if m.inboxOpened(codeOf(an)); !ok {
				failed(codeOf(an))
				return
			}
			b.own = o.Handle
			if !b.stored.Created {
				b.stored.Created = true
				m.saveInbox()
			}
		})
		return
	}
	if !b.putting {
		m.turnKEM() // what is being put would be taken for the new
	}
	if !b.filled && !b.putting {
		b.putting = true
		m.putPool(s, 0)
	}
	if today := plane.DayOf(m.now); b.stored.DoorDay < today+30 && !b.dooring {
		b.dooring = true
		until := today + contactDoorDays
		m.sendInbox(s, wire.Door{Handle: b.own, Key: caps.DoorSigner(a.Door).Public(), Left: contactDoorUses, Until: until}, func(an wire.Answer) {
			if codeOf(an) == plane.OK {
				b.stored.DoorDay = until
				m.saveInbox()
			} else {
				m.delay(s)
			}
			b.dooring = false
		})
	}
	m.closeLinks(s)
	m.dropInboxes(s)
	for _, i := range m.invites {
		m.sendInvite(s, i)
	}
	m.readInbox(s)
	m.pumpNote(s)
}

// sendInbox sends a request about the inbox; what comes of one that was exchanged is passed over.
func (m *Machine) sendInbox(s *server, r wire.Request, then func(wire.Answer)) {
	turn := m.inbox.turn
	m.send(s, r, func(a wire.Answer) {
		if m.inbox.turn == turn {
			then(a)
		}
	})
}

// dueInbox has the pool looked at when it is time.
func (m *Machine) dueInbox() {
	if b := &m.inbox; b.filled && !m.now.Before(b.lookAt) {
		b.filled = false
		m.noteSoon()
		if s := m.servers[m.acc.Home]; s != nil {
			s.stale = true
		}
	}
}

// putPool gives the server the card when it is new, and packages when few are left. left is what
// the server said of them, 0 when it was not asked yet.
func (m *Machine) putPool(s *server, more int) {
	b := &m.inbox
	r := wire.PoolPut{Handle: b.own}
	card := !b.stored.Put
	if card {
		key, err := seal.CardKeyFromBytes(m.acc.Card)
		inv.That(err == nil, "card key")
		if r.Card, err = seal.SealCard(key, m.acc.inboxLog(), b.stored.KEMs[0].Card); err != nil {
			inv.That(false, "a card fits")
		}
		r.LastResort = b.stored.KEMs[0].Last
	}
	for range more {
		r.Packages = append(r.Packages, m.newPackage(false))
	}
	m.shareFresh()
	m.sendInbox(s, r, func(a wire.Answer) {
		p, ok := a.(wire.Pool)
		if !ok {
			b.putting = false
			m.delay(s)
			return
		}
		if card {
			b.stored.Put = true
			m.saveInbox()
		}
		if more == 0 && (p.Left < packagesLow || b.top && p.Left < packagesFull) {
			m.putPool(s, packagesFull-int(p.Left))
			return
		}
		b.top, b.lookAt = false, m.now.Add(between(lookAfter/2, lookAfter))
		b.putting, b.filled = false, true
		m.noteSoon()
	})
}

// readInbox opens the inbox for reading, catches up and subscribes.
func (m *Machine) readInbox(s *server) {
	b := &m.inbox
	if b.reading || b.subscribed {
		return
	}
	b.reading = true
	failed := func(a wire.Answer) {
		b.handle, s.inbox, b.reading = 0, 0, false
		m.delay(s)
	}
	switch {
	case b.handle == 0:
		m.sendInbox(s, s.open(m.acc.inboxLog(), wire.RoleRead, 1, m.acc.inboxRead), func(a wire.Answer) {
			o, ok := a.(wire.Opened)
			if !ok {
				failed(a)
				return
			}
			b.handle, s.inbox, b.head, b.reading = o.Handle, o.Handle, o.Head, false
			if o.Head < b.stored.Cursor {
				// The server has taken records back, as from an old backup: what comes next has
				// numbers that were read. Requests that were taken are known.
				b.stored.Cursor = 0
				m.saveInbox()
			}
		})
	case b.stored.Cursor < b.head:
		m.sendInbox(s, wire.Read{Handle: b.handle, From: b.stored.Cursor + 1, Limit: plane.ReadRecordsMax}, func(a wire.Answer) {
			r, ok := a.(wire.Records)
			if n := len(r.Records); !ok || n > 0 && r.Records[n-1].Seq <= b.stored.Cursor {
				failed(a)
				return
			}
			for _, x := range r.Records {
				m.inboxRecord(x.Seq, x.Body)
			}
			b.head = max(b.head, r.Head)
			if len(r.Records) == 0 {
				b.stored.Cursor = max(b.stored.Cursor, b.head)
				m.saveInbox()
			}
			b.reading = false
		})
	default:
		m.sendInbox(s, wire.Subscribe{Handle: b.handle, From: b.stored.Cursor + 1}, func(a wire.Answer) {
			o, ok := a.(wire.Opened)
			if !ok {
				failed(a)
				return
			}
			b.reading, b.subscribed, b.head = false, true, max(b.head, o.Head)
			m.noteSoon()
		})
	}
}

// inboxRecord reads a contact request. Rubbish is passed over: anybody with a link can leave some.
func (m *Machine) inboxRecord(seq plane.Seq, body []byte) {
	b := &m.inbox
	if seq <= b.stored.Cursor || m.acc == nil {
		return
	}
	b.stored.Cursor = seq
	m.saveInbox()
	if m.readNote(body) {
		return
	}
	h := hashOf(body)
	name := hex.EncodeToString(h[:])
	if slices.Contains(b.requests, name) {
		return
	}
	for _, k := range b.stored.KEMs {
		kem, err := seal.KEMKeyFromSeed(k.Seed)
		inv.That(err == nil, "KEM seed")
		r, err := m.acc.keys.OpenRequest(kem, hashOf(k.Card), m.acc.inboxLog(), body)
		knock := account.Knock{}
		if err != nil {
			if knock, err = account.OpenKnock(kem, m.acc.inboxLog(), body, m.now); err != nil {
				continue
			}
		}
		b.requests = append(b.requests, name)
		m.set("s/rq/"+name, []byte{1})
		if len(b.requests) > requestsKept {
			m.set("s/rq/"+b.requests[0], nil)
			b.requests = b.requests[1:]
		}
		if knock.Again {
			m.askedAgain(knock)
			return
		}
		if !m.later(storedLate{Request: &r}) {
			m.request(r)
		}
		return
	}
}

// request accepts a contact request that came through one's own link.
func (m *Machine) request(r account.Request) {
	var i convo.Invitation
	owner, err := caps.SignerFromSeed(r.Owner)
	if err != nil || timeline.Decode(r.Invitation, &i) != nil || caps.NewLogID(owner.Public()) != i.Log || m.own(r.Account) {
		return
	}
	// It leads to the server that it came through: see server.
	if !caps.Follows(r.Credential, r.Account, m.mandateIn(r.Account)) {
		return // of a device that they have signed out
	}
	if r.Server != m.acc.Home || m.chats[i.Log.Text()] != nil || len(m.chats) >= chatsMax || m.pairs(r.Account) >= pairsMax {
		return
	}
	c, kp := m.joinConvo(i)
	if c == nil {
		return
	}
	if c.State().Kind != convo.Two || c.Size() != 2 || !c.Has(r.Account) || c.Mandate(r.Account) != caps.MandateOf(r.Credential, r.Account) {
		return
	}
	m.usePackage(kp)
	s := m.servers[m.acc.Home]
	x := m.newChat(c, s.id, r.Owner)
	x.Person, x.Created = &r.Account, true
	m.befriend(x, r.Account)
	m.freshen(x, kp)
	m.sayProfile(x)
	if s.up {
		m.touchServer(s)
	}
}

// joinConvo tries a Welcome with the packages that are out.
func (m *Machine) joinConvo(i convo.Invitation) (*convo.Convo, *ownPackage) {
	return m.joinTree(i, nil)
}

// joinTree is joinConvo with the tree, nil when the Welcome has it.
func (m *Machine) joinTree(i convo.Invitation, tree []byte) (*convo.Convo, *ownPackage) {
	for _, p := range m.inbox.packages {
		c, err := convo.Join(convo.JoinOptions{Invitation: i, Secret: p.secret, Tree: tree, Signer: p.signs(m), Identify: m.identify, Now: m.now})
		if err == nil {
			return c, p
		}
	}
	return nil, nil
}

// usePackage forgets a one-time package that has been used, and looks after the pool.
func (m *Machine) usePackage(p *ownPackage) {
	if p.secret.LastResort() {
		m.inbox.stored.Renamed = true // another takes its place, see turnKEM
		m.saveInbox()
	} else {
		if p.signer != nil {
			m.tell(syncUsed, "", p.ref)
		}
		m.dropPackage(p)
	}
	m.inbox.filled, m.inbox.top = false, true
	if s := m.servers[m.acc.Home]; s != nil {
		s.stale = true
	}
}

// freshen has new keys made at once where one has come in through the last-resort package: others
// may have come in through it, too, so what it opened is not forward secret.
func (m *Machine) freshen(c *chat, p *ownPackage) {
	if p.secret.LastResort() && p.signer == nil { // see pumpLeaf
		m.wish(c, &outbox.Intent{Act: outbox.Refresh})
	}
}

// pairs counts the conversations with one person.
func (m *Machine) pairs(who plane.PublicKey) (n int) {
	for _, c := range m.order {
		if c.Person != nil && *c.Person == who {
			n++
		}
	}
	return n
}

// inviting is an Invite that waits for the server.
type inviting struct {
	id    string
	uses  int
	until time.Time
	last  plane.Day
	door  [16]byte
	sent  bool
}

func (m *Machine) invite(id string, x Invite) {
	if m.devs.Out {
		m.reply(id, nil, ErrNotAllowed) // its inbox is no more
		return
	}
	uses, days := x.Uses, x.Days
	if uses == 0 {
		uses = inviteUses
	}
	if days == 0 {
		days = inviteDays
	}
	if uses < 1 || uses > plane.DoorUsesMax || days < 1 || days > 365 {
		m.reply(id, nil, ErrBadArguments)
		return
	}
	for _, i := range m.invites {
		if i.id == id && id != "" {
			return
		}
	}
	if len(m.invites) >= joinsMax {
		m.reply(id, nil, ErrOffline)
		return
	}
	i := &inviting{id: id, uses: uses, last: plane.DayOf(m.now) + plane.Day(days), until: m.now.Add(answerMax)}
	_, _ = rand.Read(i.door[:])
	m.invites = append(m.invites, i)
	if s := m.servers[m.acc.Home]; s != nil {
		s.stale = true
	}
}

func (m *Machine) sendInvite(s *server, i *inviting) {
	// The link is of use once the card and packages are there.
	if i.sent || !m.inbox.filled {
		return
	}
	i.sent = true
	key := caps.DoorSigner(i.door).Public()
	m.sendInbox(s, wire.Door{Handle: m.inbox.own, Key: key, Left: uint16(i.uses), Until: i.last}, func(a wire.Answer) {
		switch codeOf(a) {
		case plane.OK:
			m.keepLink(ownLink{Door: i.door, Uses: uint16(i.uses), Until: i.last})
			m.endInvite(i, InviteLink{ID: key.Text(), Link: m.ownLinkText(i.door), Uses: i.uses, Until: i.last.Start().Format(time.DateOnly)}, "")
		case plane.Busy, plane.Failed, plane.Full:
			i.sent = false
			m.delay(s)
		default:
			m.endInvite(i, nil, ErrInternal)
		}
	})
}

func (m *Machine) endInvite(i *inviting, r Result, code ErrCode) {
	if k := slices.Index(m.invites, i); k >= 0 {
		m.invites = slices.Delete(m.invites, k, k+1)
		m.reply(i.id, r, code)
	}
}
