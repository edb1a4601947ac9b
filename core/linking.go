package core

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
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
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// Linking a device. The one that has the account makes a log to meet at, and shows a link: the
// server, the seed of the log's keys, the hash of a fresh KEM key. The new one reads the key from
// the log, checks it, and goes first, with a commitment to a nonce; the other answers with a nonce;
// the first is opened. Six digits follow from all that was said, so whoever stands between shows
// two persons different digits and has one guess in a million. After a yes the old device seals the
// account to the new one's key, and after a yes of its own the new one takes it: whoever got it to follow
// another link would else push an account of theirs onto it. Nothing of it is stored before all is
// there: who dies begins anew.

const (
	linkingFor = 10 * time.Minute
	// silentFor is how long the other device may say nothing once the digits are confirmed on both: from
	// there on no person has to do anything.
	silentFor  = 2 * time.Minute
	nonceBytes = 32
)

// linking is the linking under way, on either side.
type linking struct {
	id      string // of the command
	replied bool
	old     bool
	server  ServerID
	seed    [16]byte
	want    [32]byte // new: hash of the old one's KEM key
	kem     *seal.KEMKey
	peer    []byte // the other's KEM key
	nonce   [nonceBytes]byte
	hello   []byte // as sent, for the digits
	said    helloSaid
	device  *mls.Signer
	name    string
	stage   int
	until   time.Time
	feed    *feed
	reader  passReader
	acc     *snapshot
	secret  []byte // new: of the device's package
	kp      []byte
	digits  string
	sure    bool // the person has said yes on this device

	life    int
	write   wire.Handle
	busy    bool
	created bool
	out     [][]byte
	tries   int
	retryAt time.Time
}

// What the sides say, in order; the first byte of a message counts them.
const (
	linkHello  = 1 // new: commitment, device key, KEM key, name
	linkNonce  = 2 // old
	linkOpen   = 3 // new: the nonce
	linkState  = 4 // old, after the yes: the account
	linkOwn    = 5 // new: its package, with a credential of the account
	linkSaved  = 6 // old: the way into Saved
	linkRefuse = 7 // either: no
)

type helloSaid struct {
	_      struct{} `cbor:",toarray"`
	Commit [32]byte
	Device [32]byte
	KEM    []byte
	Name   string
}

type deviceLink struct {
	_      struct{} `cbor:",toarray"`
	Server ServerID
	Seed   [16]byte
	Hash   [32]byte
}

const deviceLinkMark = "/d#"

// parseDeviceLink reads a DeviceLink.
func parseDeviceLink(s string) (origin string, l deviceLink, ok bool) {
	origin, text, ok := strings.Cut(s, deviceLinkMark)
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if !ok || len(s) > 512 || err != nil || timeline.Decode(b, &l) != nil || !bytes.Equal(timeline.Encode(l), b) {
		return "", l, false
	}
	// The origin is judged as that of every link.
	x, err := seal.ParseLink(seal.Link{Origin: origin, Card: seal.NewCardKey()}.String())
	return origin, l, err == nil && x.Origin == origin
}

// keys of the log to meet at.
func meetingKeys(seed [16]byte) (owner, read, write *caps.Signer) {
	part := func(what string) []byte {
		h := sha256.Sum256(append([]byte(what), seed[:]...))
		return h[:]
	}
	owner, err := caps.SignerFromSeed(part("pp meet owner v1"))
	inv.That(err == nil, "32 bytes")
	read, write = caps.DeriveLogKeys(part("pp meet keys v1"), 1)
	return owner, read, write
}

func (l *linking) log() plane.LogID {
	owner, _, _ := meetingKeys(l.seed)
	return caps.NewLogID(owner.Public())
}

func (m *Machine) linkDevice(id string) {
	if m.devs.Out {
		m.reply(id, nil, ErrNotAllowed)
		return
	}
	m.listed(defaultDevice)
	if len(m.devs.List) >= DevicesMax {
		m.reply(id, nil, ErrDevicesFull)
		return
	}
	m.endLinking("")
	l := &linking{id: id, old: true, server: m.acc.Home, kem: seal.NewKEMKey(), until: m.now.Add(linkingFor)}
	_, _ = rand.Read(l.seed[:])
	_, _ = rand.Read(l.nonce[:])
	m.link = l
	m.pokeLinking()
}

func (m *Machine) pokeLinking() {
	if s := m.servers[m.link.server]; s != nil {
		s.stale = true
	}
}

func (m *Machine) addThisDevice(id string, x AddDevice) {
	origin, d, ok := parseDeviceLink(x.Link)
	name, code := cleanName(x.Name)
	switch {
	case !ok:
		code = ErrBadLink
	case m.acc != nil:
		code = ErrNotAllowed
	}
	if code != "" {
		m.reply(id, nil, code)
		return
	}
	m.endLinking("")
	signer, err := mls.NewSigner(mls.XWing)
	inv.That(err == nil, "keys can be made")
	s := m.server(d.Server, origin)
	l := &linking{
		id: id, replied: true, server: s.id, seed: d.Seed, want: d.Hash, kem: seal.NewKEMKey(), device: signer, name: name,
		until: m.now.Add(linkingFor), created: true,
	}
	_, _ = rand.Read(l.nonce[:])
	m.link = l
	m.emit(Reply{ID: id, Result: Done{}})
	m.emit(Emit{Linking{Stage: "waiting", Name: name}})
	s.stale = true
}

func (m *Machine) confirmDevice(x ConfirmDevice) ErrCode {
	l := m.link
	if l == nil || l.stage != linkOpen || l.sure && x.Yes {
		return ErrBadArguments
	}
	if !x.Yes {
		m.sayLink(l, linkRefuse, nil)
		m.endLinking(ErrDigits)
		return ""
	}
	l.sure = true
	l.prolong(m.now)
	if l.old || l.acc == nil {
		m.emit(Emit{Linking{Stage: "confirmed", Digits: l.digits, Name: l.name}})
	}
	if l.old {
		l.stage = linkState
		m.sayLink(l, linkState, timeline.Encode(m.snapshot()))
	} else {
		m.takeAccount(l)
	}
	return ""
}

// endLinking ends it; code says why it failed, "" that nobody needs to hear.
func (m *Machine) endLinking(code ErrCode) {
	l := m.link
	if l == nil {
		return
	}
	if !l.replied {
		m.reply(l.id, nil, ErrOffline)
	}
	if code != "" {
		m.emit(Emit{Linking{Stage: "failed", Err: code}})
	}
	s := m.servers[l.server]
	if l.feed != nil {
		m.hangFeed(s, l.feed)
	}
	if s.isUp() && len(l.out) > 0 && l.write != 0 && (l.old || code == ErrDigits) {
		m.link = nil
		for i, b := range l.out {
			m.send(s, wire.Append{Handle: l.write, Body: b}, func(wire.Answer) {
				if i == len(l.out)-1 {
					m.forget(l.server)
				}
			})
		}
		return // its last word is to be read; it expires
	}
	if s.isUp() && l.old && l.created {
		owner, _, _ := meetingKeys(l.seed)
		m.send(s, s.open(l.log(), wire.RoleOwner, 0, owner), func(a wire.Answer) {
			if o, ok := a.(wire.Opened); ok {
				m.send(s, wire.Manage{Handle: o.Handle, Delete: true}, func(wire.Answer) {})
			}
		})
	}
	m.link = nil
	m.forget(l.server)
}

// lateLinking ends a linking whose time is up.
func (m *Machine) lateLinking(l *linking) {
	code := ErrOffline
	switch {
	case l.old && l.stage == linkSaved:
		code = "" // all was said; the meeting was left to the new device
	case l.sure && m.servers[l.server].isUp() && len(l.out) == 0:
		code = ErrSilent
	}
	m.endLinking(code)
}

// sayLink seals one message to the other side.
func (m *Machine) sayLink(l *linking, kind byte, data []byte) {
	bodies, err := sealPass(l.peer, l.log(), append([]byte{kind}, data...))
	if err != nil {
		m.endLinking(ErrInternal)
		return
	}
	l.out = append(l.out, bodies...)
	m.pokeLinking()
}

// pumpLinking does what the linking needs next.
func (m *Machine) pumpLinking(s *server) {
	l := m.link
	if l == nil || l.server != s.id {
		return
	}
	if !m.now.Before(l.until) {
		m.lateLinking(l)
		return
	}
	if l.life != s.life {
		l.life, l.write, l.busy, l.retryAt = s.life, 0, false, time.Time{}
	}
	if l.feed != nil {
		m.pumpFeed(s, l.feed)
	}
	if l.busy || m.now.Before(l.retryAt) || m.link != l {
		return
	}
	owner, read, write := meetingKeys(l.seed)
	ask := func(r wire.Request, then func(wire.Answer) bool) {
		l.busy = true
		life := l.life
		m.send(s, r, func(a wire.Answer) {
			if m.link != l || l.life != life {
				return
			}
			l.busy = false
			if then(a) {
				l.tries = 0
			} else if m.link == l {
				l.retryAt = m.now.Add(backoff(l.tries))
				l.tries++
			}
		})
	}
	switch {
	case !l.created:
		if !s.canCreate() {
			return
		}
		r := wire.Create{Owner: owner.Public(), Read: read.Public(), Write: write.Public(), TTLDays: plane.TTLDaysMin}
		r.Sig = owner.Sign(caps.CreateMessage(s.binding, r.Owner, r.Read, r.Write, r.TTLDays, false))
		ask(r, func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			if ok {
				l.created = true
				m.send(s, wire.Close{Handle: o.Handle}, func(wire.Answer) {})
				key, err := seal.NewEnvelopeKey(meetingSecret(l.seed))
				inv.That(err == nil, "32 bytes")
				b, err := seal.SealRecord(key, l.log(), append([]byte{0}, l.kem.Public()...))
				inv.That(err == nil, "a key fits")
				l.out = append(l.out, b)
			}
			return ok
		})
	case l.write == 0:
		ask(s.open(l.log(), wire.RoleWrite, 1, write), func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			if ok {
				l.write = o.Handle
			} else if codeOf(a) == plane.Refused {
				m.endLinking(ErrLinkUsedUp)
			}
			return ok
		})
	case l.feed == nil:
		l.feed = &feed{log: l.log(), key: read, server: s.id, take: func(_ plane.Seq, b []byte) { m.linkRecord(l, b) }}
		m.pumpFeed(s, l.feed)
	case len(l.out) > 0:
		ask(wire.Append{Handle: l.write, Body: l.out[0], Retry: true}, func(a wire.Answer) bool {
			if _, ok := a.(wire.Appended); !ok {
				return false
			}
			l.out = l.out[1:]
			if l.old && !l.replied {
				l.replied = true
				text := base64.RawURLEncoding.EncodeToString(timeline.Encode(deviceLink{Server: s.id, Seed: l.seed, Hash: hashOf(l.kem.Public())}))
				m.reply(l.id, DeviceLink{Link: s.Origin + deviceLinkMark + text}, "")
				m.emit(Emit{Linking{Stage: "waiting"}})
			}
			if l.old && l.stage == linkSaved && len(l.out) == 0 {
				m.emit(Emit{Linking{Stage: "done", Name: l.name}})
			}
			s.stale = true
			return true
		})
	}
}

func meetingSecret(seed [16]byte) []byte {
	h := sha256.Sum256(append([]byte("pp meet seal v1"), seed[:]...))
	return h[:]
}

// linkRecord reads a record of the log.
func (m *Machine) linkRecord(l *linking, body []byte) {
	if m.link != l {
		return
	}
	if !l.old && l.peer == nil {
		key, err := seal.NewEnvelopeKey(meetingSecret(l.seed))
		inv.That(err == nil, "32 bytes")
		plain, err := seal.OpenRecord(key, l.log(), body)
		if err != nil || len(plain) < 1 || hashOf(plain[1:]) != l.want {
			return
		}
		l.peer, l.stage = plain[1:], linkHello
		commit := sha256.Sum256(append([]byte("pp link nonce v1"), l.nonce[:]...))
		l.said = helloSaid{Commit: commit, Device: [32]byte(l.device.Public()), KEM: l.kem.Public(), Name: l.name}
		l.hello = timeline.Encode(l.said)
		m.sayLink(l, linkHello, l.hello)
		return
	}
	plain := l.reader.read(l.kem, l.log(), body)
	if len(plain) < 1 {
		return
	}
	kind, data := plain[0], plain[1:]
	if kind == linkRefuse && (!l.old || l.stage >= linkHello) {
		m.endLinking(ErrDigits)
		return
	}
	if l.old {
		m.linkOld(l, kind, data)
	} else {
		m.linkNew(l, kind, data)
	}
}

// digits are what both show: of the link, both keys and both nonces.
func linkDigits(l *linking, link [32]byte, first, second []byte) string {
	h := sha256.New()
	h.Write([]byte("pp link digits v1"))
	h.Write(l.seed[:])
	h.Write(link[:])
	x := sha256.Sum256(l.hello)
	h.Write(x[:])
	h.Write(first)
	h.Write(second)
	n := binary.BigEndian.Uint64(h.Sum(nil)[:8]) % 1000000
	return fmt.Sprintf("%06d", n)
}

func (m *Machine) linkOld(l *linking, kind byte, data []byte) {
	switch {
	case kind == linkHello && l.stage == 0:
		var x helloSaid
		name := ""
		if timeline.Decode(data, &x) == nil {
			name, _ = cleanName(x.Name)
		}
		if name == "" || name != x.Name || len(x.KEM) != seal.KEMPublicBytes {
			m.endLinking(ErrBadLink)
			return
		}
		l.said, l.hello, l.peer, l.name, l.stage = x, slices.Clone(data), x.KEM, name, linkHello
		m.sayLink(l, linkNonce, l.nonce[:])
	case kind == linkHello && l.stage != 0 && !bytes.Equal(data, l.hello):
		// Two have used the link: one of them is not the person's.
		m.endLinking(ErrLinkUsedUp)
	case kind == linkOpen && l.stage == linkHello:
		if sha256.Sum256(append([]byte("pp link nonce v1"), data...)) != l.said.Commit {
			m.endLinking(ErrDigits)
			return
		}
		l.stage = linkOpen
		l.digits = linkDigits(l, hashOf(l.kem.Public()), data, l.nonce[:])
		m.emit(Emit{Linking{Stage: "digits", Digits: l.digits, Name: l.name}})
	case kind == linkOwn && l.stage == linkState:
		today := plane.DayOf(m.now)
		d := ownDevice{
			Key: l.said.Device, Name: l.said.Name, Added: today, Active: today, Package: slices.Clone(data),
			Until: m.now.Add(newDeviceFor).UnixMilli(), Named: m.now.UnixMilli(),
		}
		if m.packageOf(d) == nil || slices.Contains(m.devs.Gone, d.Key) || len(m.devs.List) >= DevicesMax {
			m.endLinking(ErrBadLink)
			return
		}
		l.stage, m.adding, l.until = linkOwn, d.Key, m.now.Add(newDeviceFor)
		m.emit(Emit{Linking{Stage: "sending", Name: l.name}})
		m.addDevice(d)
		m.tellDevices()
		m.devicesChanged()
	}
}

// letIn: the new device is in Saved; it is told so.
func (m *Machine) letIn(g chatGiven) {
	if l := m.link; l != nil && l.old && l.stage == linkOwn {
		l.stage = linkSaved
		m.sayLink(l, linkSaved, timeline.Encode(ownGiven{List: m.devs.List, Gone: m.devs.Gone, Saved: g}))
	}
}

// ownGiven is the last that the old device says.
type ownGiven struct {
	_     struct{} `cbor:",toarray"`
	List  []ownDevice
	Gone  [][32]byte
	Saved chatGiven
}

func (m *Machine) linkNew(l *linking, kind byte, data []byte) {
	switch {
	case kind == linkNonce && l.stage == linkHello && len(data) == nonceBytes:
		l.stage = linkOpen
		l.digits = linkDigits(l, l.want, l.nonce[:], data)
		m.sayLink(l, linkOpen, l.nonce[:])
		m.emit(Emit{Linking{Stage: "digits", Digits: l.digits, Name: l.name}})
	case kind == linkState && l.stage == linkOpen && l.acc == nil:
		var x snapshot
		if timeline.Decode(data, &x) != nil || !x.check(l.server) {
			m.endLinking(ErrBadLink)
			return
		}
		l.acc = &x
		l.prolong(m.now)
		m.takeAccount(l)
	case kind == linkSaved && l.stage == linkState:
		var g ownGiven
		if timeline.Decode(data, &g) != nil {
			m.endLinking(ErrBadLink)
			return
		}
		m.linked(l, g)
	}
}

// prolong: one has said yes, and the other's yes may take its time, too.
func (l *linking) prolong(now time.Time) {
	if at := now.Add(silentFor); l.until.Before(at) {
		l.until = at
	}
}

// takeAccount answers what the old device has handed over, once the person has said yes here.
func (m *Machine) takeAccount(l *linking) {
	if !l.sure || l.acc == nil {
		return
	}
	acc, err := l.acc.self(l.device)
	if err != nil {
		m.endLinking(ErrBadLink)
		return
	}
	l.stage, l.until = linkState, m.now.Add(silentFor)
	m.emit(Emit{Linking{Stage: "sending", Name: l.name}})
	m.acc = acc // for the package; nothing is stored, and it is taken back
	l.kp, l.secret = m.devicePackage()
	m.acc = nil
	m.sayLink(l, linkOwn, l.kp)
}

// linked: this device is one of the account's. All of it is stored in this Step.
func (m *Machine) linked(l *linking, g ownGiven) {
	acc, err := l.acc.self(l.device)
	inv.That(err == nil, "it was made before")
	m.acc = acc
	m.devs = devices{List: g.List, Gone: g.Gone, Secret: l.secret, Said: plane.DayOf(m.now)}
	c := m.given(g.Saved)
	if c == nil || m.device(m.deviceKey()) == nil {
		m.acc, m.devs = nil, devices{}
		m.endLinking(ErrBadLink)
		return
	}
	m.device(m.deviceKey()).Until = 0
	m.takeSnapshot(l.acc)
	m.saveSelf()
	m.saveDevices()
	m.tellDevices()
	m.emit(Emit{AccountChanged{Account: m.account(), Settings: m.settings()}})
	m.sayFolders()
	m.emit(Emit{OnlineChanged{m.online()}})
	m.emit(Emit{Linking{Stage: "done", Name: l.name}})
	m.endLinking("")
	m.touchServer(m.servers[acc.Home])
}

// snapshot is the account for a new device: what is not in conversations.
type snapshot struct {
	_       struct{} `cbor:",toarray"`
	Version uint8
	Account []byte // seed of the account key
	Self    storedSelf
	Inbox   storedInbox
	Servers []storedServer
	People  []personSaid
}

func (m *Machine) snapshot() snapshot {
	x := snapshot{Version: 1, Account: m.acc.keys.Seed(), Self: m.acc.storedSelf, Inbox: m.inbox.stored}
	x.Self.Keys = nil
	for _, s := range m.sortedServers() {
		x.Servers = append(x.Servers, s.storedServer)
	}
	for _, p := range m.sortedPeople() {
		x.People = append(x.People, personSaid{Key: p.key, Stored: p.stored})
	}
	return x
}

func (m *Machine) sortedPeople() []*person {
	list := make([]*person, 0, len(m.people))
	for _, p := range m.people {
		list = append(list, p)
	}
	sort.Slice(list, func(a, b int) bool { return bytes.Compare(list[a].key[:], list[b].key[:]) < 0 })
	return list
}

// check says whether the snapshot is one of an account at home on that server, whose keys are keys.
func (x *snapshot) check(home ServerID) bool {
	for _, k := range x.Inbox.KEMs {
		if _, err := seal.KEMKeyFromSeed(k.Seed); err != nil {
			return false
		}
	}
	if slices.ContainsFunc(x.Inbox.Old, func(b []byte) bool { return len(b) != caps.SeedBytes }) {
		return false
	}
	return x.Version == 1 && x.Self.Home == home && len(x.People) <= 100000 &&
		slices.ContainsFunc(x.Servers, func(s storedServer) bool { return s.ID == home && len(s.Seed) == caps.SeedBytes })
}

// self is the account on this device.
func (x *snapshot) self(device *mls.Signer) (*self, error) {
	keys, err := account.KeysOf(x.Account, device)
	if err != nil {
		return nil, err
	}
	s := x.Self
	s.Keys = keys.Marshal()
	return loadSelf(s)
}

// takeSnapshot stores what came.
func (m *Machine) takeSnapshot(x *snapshot) {
	for _, s := range x.Servers {
		m.adopt(s)
	}
	m.inbox.stored = x.Inbox
	m.saveInbox()
	for _, p := range x.People {
		y := m.person(p.Key)
		y.stored = p.Stored
		m.savePerson(y)
	}
}
