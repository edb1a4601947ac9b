package core

import (
	"errors"
	"slices"
	"sort"
	"strings"
	"time"

	"paperplane/core/account"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// ErrDamaged: a stored pair does not decode. The driver stops and offers recovery.
var ErrDamaged = errors.New("core: damaged state")

// Machine is the client. It has one owner, does nothing by itself, and is thrown away after a
// failed Persist: what is stored makes an equal one.
type Machine struct {
	acc     *self // nil before the first Join
	inbox   inbox
	servers map[ServerID]*server
	chats   map[string]*chat
	order   []*chat // the same by id
	people  map[plane.PublicKey]*person
	moves   map[string]*transfer
	done    []doneCommand
	doneN   uint64

	entering map[string]*heldInvitation // by log, while their trees are fetched

	joins     []*joining
	invites   []*inviting
	syncs     []syncing
	waits     []*waiting // own knocks, by when they began
	devs      devices
	link      *linking  // under way
	mandateAt time.Time // until then, devices that were signed out wait for the new mandate
	adding    [32]byte  // the device that was let in or signed out here: what follows is this one's work
	puts      map[string]SegmentMade
	lates     []*late
	words     storedWords
	vault     vaultNow

	recovery *recovering
	hidden   [][32]byte // lately deleted for oneself

	tellings  []*telling // history that goes out, and that comes in
	hearings  []*hearing
	histories uint64

	identities map[[32]byte]plane.PublicKey // see identify

	loaded     map[string][]byte // pairs whose meaning needs others: see assemble
	started    bool
	volatile   bool
	light      bool // stays light where it can
	notice     string
	woken      time.Time // the Tick asked for
	newerAt    time.Time // see dueSuccessor
	goneAt     time.Time // when something that was said expires; zero: nothing does, or it is being forgotten
	forgetting bool
	noted      storedNote
	noteAt     time.Time // when the note is looked at
	soonest    time.Time // before it no timer of a chat is due; zero: none is
	idle       bool      // that is known

	last time.Time // of the Step before

	// Of the current Step.
	now     time.Time
	ops     []Op
	opAt    map[string]int
	effects []Effect
	changed []string // chats to tell the faces of, once each
	touched []*chat
}

// New returns a machine that knows nothing.
func New() *Machine {
	return &Machine{
		servers: map[ServerID]*server{}, chats: map[string]*chat{}, people: map[plane.PublicKey]*person{},
		moves: map[string]*transfer{}, loaded: map[string][]byte{}, identities: map[[32]byte]plane.PublicKey{},
	}
}

// Load gives the machine a stored pair below "s/". All come before the first Step, in any order.
// ErrDamaged may come here or, as a panic of inv, from the Started step.
func (m *Machine) Load(key string, value []byte) error {
	inv.That(!m.started, "Load before Step")
	rest, ok := strings.CutPrefix(key, "s/")
	if !ok {
		return ErrDamaged
	}
	m.loaded[rest] = slices.Clone(value)
	return nil
}

// Step takes one input and returns what is to be done, in order. now never goes back by more
// than clocks do; a clock that jumps does no harm but to what is shown.
func (m *Machine) Step(now time.Time, in Input) []Effect {
	m.now, m.ops, m.opAt, m.effects = now, nil, map[string]int{}, nil
	m.changed, m.touched = nil, nil
	if now.Before(m.last) {
		m.setBack(m.last.Sub(now))
	}
	m.last = now
	switch in := in.(type) {
	case Started:
		m.start(in)
	case Do:
		m.do(in)
	case Tick:
		m.woken = time.Time{}
	case Connected:
		m.idle = false
		m.connected(in)
	case Disconnected:
		m.idle = false
		m.disconnected(in)
	case Answered:
		m.answered(in)
	case Pushed:
		m.pushed(in)
	case Transfer:
		m.transferred(in)
	case Object:
		_ = m.sliceObject(in) || m.pageObject(in) || m.addObject(in) || m.queueObject(in) || m.historyObject(in) || m.carryObject(in)
	case KeyFetched:
		m.keyFetched(in)
	case SegmentMade:
		m.historyMade(in)
		m.segmentMade(in)
	case Forgotten:
		m.forgotten(in)
	case SegmentOpened:
		m.historyOpened(in)
		m.segmentOpened(in)
	}
	if m.started {
		m.run()
	}
	return m.flush()
}

// setBack moves all that is due later along with a clock that was set back: a retry in a second
// is not to become one in a day.
func (m *Machine) setBack(d time.Duration) {
	back := func(list ...*time.Time) {
		for _, t := range list {
			if !t.IsZero() {
				*t = t.Add(-d)
			}
		}
	}
	for _, c := range m.chats {
		back(&c.strangeAt, &c.deviceAt, &c.healAt, &c.retryAt, &c.receipts, &c.goneAt, &c.rotateAt, &c.wishAt, &c.postAt, &c.askAt, &c.typedAt, &c.slicing.at, &c.slicing.putAt, &c.paging.at, &c.paging.turned, &c.paging.warm)
		for i := range c.typing {
			back(&c.typing[i].until)
		}
	}
	for _, s := range m.servers {
		back(&s.retryAt)
	}
	for _, j := range m.joins {
		back(&j.until)
	}
	for _, i := range m.invites {
		back(&i.until)
	}
	for i := range m.syncs {
		back(&m.syncs[i].until)
	}
	for _, w := range m.waits {
		back(&w.retryAt)
	}
	if l := m.link; l != nil {
		back(&l.until, &l.retryAt)
	}
	m.woken, m.idle = time.Time{}, false // ask again
}

// start puts the loaded pairs together and asks for the servers.
func (m *Machine) start(in Started) {
	inv.That(!m.started, "Started once")
	inv.That(m.assemble() == nil, "stored state decodes")
	m.started, m.volatile, m.light = true, in.Volatile, in.Light
	if in.Volatile {
		m.setNotice("volatile")
	}
	for _, s := range m.sortedServers() {
		m.emit(Dial{Server: s.id, Origin: s.Origin})
	}
	for _, t := range m.sortedMoves() {
		m.resume(t)
	}
	m.forgetSoon()
	m.goOnAdding()
	m.goOnCarrying()
	if m.devs.Out {
		m.setNotice("signed-out")
	}
}

// run does all that can be done now: due timers, then whatever the input made possible.
func (m *Machine) run() {
	// A Step walks the chats twice, and looks at each for a few nanoseconds.
	if !m.idle || !m.soonest.IsZero() && !m.now.Before(m.soonest) {
		for _, c := range m.sortedChats() {
			if c.due(m.now, m.servers[c.Server].isUp()) {
				m.contain(c, func() { m.dueScheduled(c) })
				m.touch(c)
			}
		}
	}
	m.dueJoins()
	m.dueSuccessor()
	m.dueNote()
	m.heals()
	m.pumpWaits()
	m.dueDevices()
	m.dueInbox()
	m.dueLates()
	m.pumpHistory()
	if l := m.link; l != nil && !m.now.Before(l.until) {
		m.lateLinking(l)
	}
	m.dueGone()
	m.pumpVault()
	if r := m.recovery; r != nil && !m.now.Before(r.until) {
		m.endRecovery(nil, ErrOffline)
	} else if r != nil && r.feed != nil && !r.feed.retryAt.IsZero() && !m.now.Before(r.feed.retryAt) {
		m.server(r.server, r.origin).stale = true
	}
	for _, s := range m.sortedServers() {
		if s.stale || s.due(m.now) {
			s.stale = false
			m.pumpServer(s)
		}
	}
	for len(m.touched) > 0 {
		c := m.touched[0]
		m.touched = m.touched[1:]
		m.contain(c, func() { m.pumpChat(c) })
	}
	for _, c := range m.sortedChats() {
		m.dueLinks(c)
		m.saveQueue(c)
		m.saveChat(c)
	}
	for _, id := range m.changed {
		if c := m.chats[id]; c != nil {
			m.emit(Emit{ChatChanged{m.chatView(c)}})
		}
	}
	m.vault.stale = m.vault.stale || len(m.ops) > 0 // before wake, which sets the time to write it
	m.dueSyncs()
	m.wake()
}

// contain runs f for a chat: a broken invariant stops that chat and nothing else, and what f had
// begun in this Step is taken back. It reports whether all is well.
func (m *Machine) contain(c *chat, f func()) bool {
	ops, effects := len(m.ops), len(m.effects)
	failure := inv.Catch(f)
	if failure == nil {
		return true
	}
	for k, i := range m.opAt {
		if i >= ops {
			delete(m.opAt, k)
		}
	}
	m.ops, m.effects = m.ops[:ops], m.effects[:effects]
	c.State, c.Why = chatBroken, failure.What
	c.dirtyMeta, c.skipConvo = true, true
	m.show(c)
	return false
}

// touch has a chat looked at before the Step ends.
func (m *Machine) touch(c *chat) {
	if !slices.Contains(m.touched, c) {
		m.touched = append(m.touched, c)
	}
}

// show tells the faces of a chat at the end of the Step.
func (m *Machine) show(c *chat) {
	id := m.view(c).id
	if !slices.Contains(m.changed, id) {
		m.changed = append(m.changed, id)
	}
}

// set changes the vault; a nil value deletes.
func (m *Machine) set(key string, value []byte) {
	if i, ok := m.opAt[key]; ok {
		m.ops[i].Value = value
		return
	}
	m.opAt[key] = len(m.ops)
	m.ops = append(m.ops, Op{key, value})
}

func (m *Machine) put(key string, v any) { m.set(key, timeline.Encode(v)) }

func (m *Machine) setPairs(list ...timeline.Pair) {
	for _, p := range list {
		m.set(p.Key, p.Value)
	}
}

func (m *Machine) emit(e Effect) { m.effects = append(m.effects, e) }

// flush returns the Step's effects: first, and in one, everything that is to be stored.
func (m *Machine) flush() []Effect {
	if len(m.ops) == 0 {
		return m.effects
	}
	return append([]Effect{Persist{m.ops}}, m.effects...)
}

// wake asks for a Tick at the earliest time at which something is due.
func (m *Machine) wake() {
	var at time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	var id ServerID
	up := false
	for i, c := range m.order {
		if i == 0 || c.Server != id {
			id, up = c.Server, m.servers[c.Server].isUp()
		}
		sooner(c.next(up))
	}
	m.soonest, m.idle = at, true
	for _, s := range m.servers {
		if s.up {
			sooner(s.retryAt)
		}
	}
	for _, j := range m.joins {
		sooner(j.until)
	}
	for _, i := range m.invites {
		sooner(i.until)
	}
	for _, s := range m.syncs {
		sooner(s.until)
	}
	sooner(m.vaultDue())
	if b := &m.inbox; b.filled {
		sooner(b.lookAt)
	}
	sooner(m.lateDue())
	if m.inbox.stored.KEMs == nil {
		sooner(m.inbox.holdAt)
	}
	for _, d := range m.devs.List {
		if d.Until != 0 && !m.devs.Out {
			sooner(time.UnixMilli(d.Until + 1))
		}
	}
	sooner(m.newerAt)
	sooner(m.goneAt)
	if m.home().isUp() {
		sooner(m.noteAt)
	}
	if r := m.recovery; r != nil {
		sooner(r.until)
		if s := m.servers[r.server]; r.feed != nil && s.isUp() && s.retryAt.IsZero() {
			sooner(r.feed.retryAt)
		}
	}
	if l := m.link; l != nil {
		sooner(l.until)
		sooner(l.retryAt)
	}
	for _, w := range m.waits {
		if m.servers[w.Server].isUp() || w.Entered != 0 {
			sooner(w.next())
		}
	}
	if at.IsZero() || at.Equal(m.woken) {
		return
	}
	// What is due and was not served now waits for something else: it may not make us spin.
	if !at.After(m.now) {
		at = m.now.Add(time.Second)
	}
	m.woken = at
	m.emit(Wake{at})
}

func (m *Machine) setNotice(kind string) {
	if kind == "" && m.volatile {
		kind = "volatile" // that still holds
	}
	if kind == "" && m.devs.Out {
		kind = "signed-out"
	}
	if kind == "" && m.replaced() {
		kind = "replaced"
	}
	if m.notice != kind {
		m.notice = kind
		m.emit(Emit{Notice{kind}})
	}
}

// doneCommand is a command that was done, so that a repeat does nothing.
type doneCommand struct {
	_      struct{} `cbor:",toarray"`
	N      uint64
	ID     string
	Kind   string
	Result []byte
}

// reply ends a command and, when it changed something, remembers that it is done.
func (m *Machine) reply(id string, r Result, code ErrCode) {
	if code != "" {
		m.emit(Reply{ID: id, Err: code})
		return
	}
	m.emit(Reply{ID: id, Result: r})
	kind := ""
	switch r.(type) {
	case Done:
		kind = "done"
	case Sent:
		kind = "sent"
	case Joined:
		kind = "joined"
	case InviteLink:
		kind = "link"
	}
	if kind == "" || id == "" {
		return
	}
	d := doneCommand{N: m.doneN, ID: id, Kind: kind, Result: timeline.Encode(r)}
	m.doneN++
	if len(m.done) >= CommandsKept {
		m.done = m.done[1:]
	}
	m.done = append(m.done, d)
	m.put("s/d/"+string(rune('0'+d.N%CommandsKept/100))+string(rune('0'+d.N%CommandsKept/10%10))+string(rune('0'+d.N%CommandsKept%10)), d)
}

// repeated answers a command that was done before.
func (m *Machine) repeated(id string) bool {
	if id == "" {
		return false
	}
	for _, d := range m.done {
		if d.ID != id {
			continue
		}
		var r Result
		switch d.Kind {
		case "done":
			r = Done{}
		case "sent":
			r = decodeResult[Sent](d.Result)
		case "joined":
			r = decodeResult[Joined](d.Result)
		case "link":
			r = decodeResult[InviteLink](d.Result)
		}
		m.emit(Reply{ID: id, Result: r})
		return true
	}
	return false
}

func decodeResult[R Result](b []byte) R {
	var r R
	_ = timeline.Decode(b, &r) // we wrote it
	return r
}

// assemble makes sense of the loaded pairs.
func (m *Machine) assemble() error {
	keys := make([]string, 0, len(m.loaded))
	for k := range m.loaded {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	byChat := map[string][]string{}
	ok := true
	read := func(key string, v any) {
		ok = ok && timeline.Decode(m.loaded[key], v) == nil
	}
	for _, k := range keys {
		kind, rest, _ := strings.Cut(k, "/")
		switch kind {
		case "account":
			var s storedSelf
			read(k, &s)
			acc, err := loadSelf(s)
			ok = ok && err == nil
			m.acc = acc
		case "words":
			read(k, &m.words)
		case "devices":
			read(k, &m.devs)
		case "inbox":
			read(k, &m.inbox.stored)
		case "note":
			read(k, &m.noted)
		case "kp":
			var s storedPackage
			read(k, &s)
			p, err := loadPackage(rest, s)
			ok = ok && err == nil
			m.inbox.packages = append(m.inbox.packages, p)
		case "ks":
			s, err := mls.ParseSigner(m.loaded[k])
			ok = ok && err == nil
			for _, p := range m.inbox.packages {
				if p.ref == rest {
					p.signer = s
				}
			}
		case "l":
			l := &late{name: rest}
			read(k, &l.storedLate)
			m.lates = append(m.lates, l)
		case "rq":
			m.inbox.requests = append(m.inbox.requests, rest)
		case "srv":
			var s storedServer
			read(k, &s)
			if ok {
				srv := newServer(s)
				m.servers[srv.id] = srv
			}
		case "p":
			p := &person{}
			read(k, &p.stored)
			key, err := plane.ParsePublicKey(rest)
			ok = ok && err == nil
			p.key = key
			m.people[key] = p
		case "j":
			var x storedWait
			read(k, &x)
			if ok {
				w, err := loadWait(rest, x)
				ok = err == nil
				m.waits = append(m.waits, w)
			}
		case "d":
			var d doneCommand
			read(k, &d)
			m.done = append(m.done, d)
			m.doneN = max(m.doneN, d.N+1)
		case "t":
			t := &transfer{ID: rest}
			read(k, &t.stored)
			m.moves[rest] = t
		case "gi":
			e := &heldInvitation{}
			read(k, e)
			if m.entering == nil {
				m.entering = map[string]*heldInvitation{}
			}
			m.entering[rest] = e
		case "c":
			id, _, _ := strings.Cut(rest, "/")
			byChat[id] = append(byChat[id], k)
		}
	}
	sort.Slice(m.done, func(a, b int) bool { return m.done[a].N < m.done[b].N }) // slices.SortFunc of structs is 2 KB each in the browser
	sort.SliceStable(m.inbox.packages, func(a, b int) bool { return m.inbox.packages[a].made < m.inbox.packages[b].made })
	ids := make([]string, 0, len(byChat))
	for id := range byChat {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c, err := m.loadChat(id, byChat[id])
		if err != nil {
			return err
		}
		m.addChat(c)
	}
	m.loaded = nil
	if !ok || len(m.chats) > 0 && m.acc == nil || m.acc != nil && m.servers[m.acc.Home] == nil {
		return ErrDamaged
	}
	return nil
}

func (m *Machine) sortedServers() []*server {
	list := make([]*server, 0, len(m.servers))
	for _, s := range m.servers {
		list = append(list, s)
	}
	sort.Slice(list, func(a, b int) bool { return slices.Compare(list[a].id[:], list[b].id[:]) < 0 })
	return list
}

// sortedChats returns the chats by id. addChat keeps the list, which a Step walks more than once.
func (m *Machine) sortedChats() []*chat { return m.order }

func (m *Machine) addChat(c *chat) {
	m.chats[c.id] = c
	i, _ := slices.BinarySearchFunc(m.order, c.id, func(c *chat, id string) int { return strings.Compare(c.id, id) })
	m.order = append(m.order[:i:i], append([]*chat{c}, m.order[i:]...)...) // a new list: a Step may be walking the old one
}

func (m *Machine) sortedMoves() []*transfer {
	list := make([]*transfer, 0, len(m.moves))
	for _, t := range m.moves {
		list = append(list, t)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].ID < list[b].ID })
	return list
}

// identitiesMax bounds the remembered credentials.
const identitiesMax = 8192

// identify is account.Identify, which costs a signature check, remembered: a member's credential
// is asked about with every record.
func (m *Machine) identify(identity, signatureKey []byte) (plane.PublicKey, error) {
	if signatureKey == nil {
		return account.Identify(identity, nil) // nothing is checked, nothing to remember
	}
	key := hashOf(slices.Concat(signatureKey, identity)) // a key has one length; thousands of members have one each
	if p, ok := m.identities[key]; ok {
		return p, nil
	}
	p, err := account.Identify(identity, signatureKey)
	if err == nil {
		if len(m.identities) >= identitiesMax {
			clear(m.identities)
		}
		m.identities[key] = p
	}
	return p, err
}

// openInbox makes the keys of the inbox from what is stored of them.
func (a *self) openInbox() (err error) {
	if a.inboxOwner, err = caps.SignerFromSeed(a.InboxOwner); err != nil {
		return err
	}
	if len(a.InboxKeys) != 32 || len(a.Card) != 16 {
		return ErrDamaged
	}
	a.inboxRead, a.inboxWrite = caps.DeriveLogKeys(a.InboxKeys, 1)
	return nil
}
