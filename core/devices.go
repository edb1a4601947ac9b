package core

import (
	"bytes"
	"slices"
	"sort"
	"time"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/plane"
)

// One person's devices. Each has a leaf in every conversation; all hold the account key. Which
// there are is one list that all keep, told in the conversation of one's own devices (Saved). What
// follows from the list is not said but done, by whichever device sees that it is not so: a device
// of the list that is missing in a conversation is added, a leaf of one's own that is not of the
// list is taken out (pumpDevices). So nothing is lost by a crash.

const (
	// devicePackageDays is how long a device's own package serves before it makes another.
	devicePackageDays = 365
	// newDeviceFor is how long a device that was let in has time to show itself.
	newDeviceFor = 10 * time.Minute
	// goneMax bounds the remembered keys of devices that were signed out.
	goneMax = 256
	// deviceWait is how long a device waits, for each that stands before it, before it does what any
	// of them can do.
	deviceWait = 4 * time.Second
)

// devices is the list of one's devices, and what this one keeps beside it.
type devices struct {
	List   []ownDevice `cbor:"1,keyasint,omitempty"` // by key
	Gone   [][32]byte  `cbor:"2,keyasint,omitempty"` // signed out, sorted; never to come back
	Secret []byte      `cbor:"3,keyasint,omitempty"` // of this device's package
	Out    bool        `cbor:"4,keyasint,omitempty"` // this one was signed out
	Fetch  []fetching  `cbor:"5,keyasint,omitempty"` // history on its way here
	All    int         `cbor:"6,keyasint,omitempty"` // how many there were
	Said   plane.Day   `cbor:"7,keyasint,omitempty"` // the day this device last showed itself
	Held   []refSaid   `cbor:"8,keyasint,omitempty"` // history of chats that it is not in yet
	Before []byte      `cbor:"9,keyasint,omitempty"` // Secret of the mandate before
	Way    wayIn       `cbor:"10,keyasint,omitzero"`
	Newer  uint32      `cbor:"11,keyasint,omitempty"` // a mandate that another device of one's own is under; see succeeded
}

type ownDevice struct {
	Key     [32]byte  `cbor:"1,keyasint"`
	Name    string    `cbor:"2,keyasint"`
	Added   plane.Day `cbor:"3,keyasint"`
	Active  plane.Day `cbor:"4,keyasint"`
	Package []byte    `cbor:"5,keyasint"`           // to be added by; may be used for every conversation
	Until   int64     `cbor:"6,keyasint,omitempty"` // ms: to be taken out then unless it shows itself
	Named   int64     `cbor:"7,keyasint,omitempty"` // ms: the newest name wins
	Gen     uint32    `cbor:"8,keyasint,omitempty"` // of the mandate that Package is under
}

// The kinds of what devices tell each other.
const (
	syncDevices = 1 + iota
	syncChat
	syncDraft
	syncRead
	syncSelf
	syncPerson
	syncKEMs
	syncRef
	syncWords
	syncMandate
	syncMandates
	syncPackages
	syncUsed
	syncFolder
	syncPref
	syncHide
)

// syncRecord is what stands behind controlMark in Saved.
type syncRecord struct {
	_    struct{} `cbor:",toarray"`
	Kind uint8
	Data []byte
}

func (m *Machine) saveDevices() { m.put("s/devices", m.devs) }

func (m *Machine) deviceKey() [32]byte { return [32]byte(m.acc.keys.Device().Public()) }

func (m *Machine) device(key [32]byte) *ownDevice {
	for i := range m.devs.List {
		if m.devs.List[i].Key == key {
			return &m.devs.List[i]
		}
	}
	return nil
}

// saved returns the conversation of one's own devices.
func (m *Machine) saved() *chat {
	for _, c := range m.order {
		if c.c.State().Kind == convo.Saved {
			return c
		}
	}
	return nil
}

// listed puts this device on the list.
func (m *Machine) listed(name string) {
	if m.device(m.deviceKey()) != nil {
		return
	}
	today := plane.DayOf(m.now)
	kp, secret := m.devicePackage()
	m.devs.Secret = secret
	m.addDevice(ownDevice{Key: m.deviceKey(), Name: name, Added: today, Active: today, Package: kp, Named: m.now.UnixMilli(), Gen: m.acc.Gen})
	m.devs.Said = today
	m.saveDevices()
}

func (m *Machine) addDevice(d ownDevice) {
	m.devs.List = append(m.devs.List, d)
	sort.Slice(m.devs.List, func(a, b int) bool { return bytes.Compare(m.devs.List[a].Key[:], m.devs.List[b].Key[:]) < 0 }) // slices.SortFunc of structs is 2 KB each in the browser
}

// devicePackage makes the package by which one's own devices add this one.
func (m *Machine) devicePackage() (kp, secret []byte) {
	kp, s, err := mls.NewKeyPackage(mls.KeyPackageOptions{
		Signer: m.acc.keys.Device(), Credential: mls.NewBasic(m.acc.keys.Credential()), LastResort: true,
		Lifetime:     mls.Lifetime{NotBefore: m.now.Add(-24 * time.Hour), NotAfter: m.now.AddDate(0, 0, 2*devicePackageDays)},
		Capabilities: convo.Capabilities(), LeafExtensions: m.nameLeaf(nil),
	})
	inv.That(err == nil, "a key package can be made")
	return kp, s.Marshal()
}

// others says whether there are other devices.
func (m *Machine) others() bool { return len(m.devs.List) > 1 && !m.devs.Out }

// tell says something to one's other devices. What key names and is unsent yet is replaced.
func (m *Machine) tell(kind uint8, key string, v any) {
	c := m.saved()
	if c == nil || !m.others() || !c.alive() {
		return
	}
	for _, i := range slices.Clone(c.q.Items) {
		if key != "" && i.Sync == key && i.Msg == nil {
			m.dropItem(c, i)
		}
	}
	body := append([]byte{controlMark}, timeline.Encode(syncRecord{Kind: kind, Data: timeline.Encode(v)})...)
	m.enqueue(c, &outbox.Item{Kind: outbox.Control, Body: body, Sync: key})
}

func (m *Machine) tellDevices() {
	m.tell(syncDevices, "devices", devices{List: m.devs.List, Gone: m.devs.Gone})
}

// synced takes what another of one's devices says.
func (m *Machine) synced(plain []byte) {
	var r syncRecord
	if m.devs.Out || timeline.Decode(plain[1:], &r) != nil {
		return
	}
	read := func(v any) bool { return timeline.Decode(r.Data, v) == nil }
	switch r.Kind {
	case syncDevices:
		if x := (devices{}); read(&x) {
			m.mergeDevices(x)
		}
	case syncChat:
		if x := (chatGiven{}); read(&x) {
			m.given(x)
		}
	case syncDraft:
		if x := (draftSaid{}); read(&x) && len(x.Text) <= plane.TextBytesMax {
			if c := m.chats[x.Chat]; c != nil && c.Draft != x.Text {
				c.Draft, c.dirtyMeta = x.Text, true
				m.show(c)
			}
		}
	case syncRead:
		if x := (readSaid{}); read(&x) {
			m.readElsewhere(x)
		}
	case syncSelf:
		if x := (selfSaid{}); read(&x) {
			m.selfElsewhere(x)
		}
	case syncPerson:
		if x := (personSaid{}); read(&x) && !m.own(x.Key) {
			m.person(x.Key).stored = x.Stored
			m.savePerson(m.person(x.Key))
		}
	case syncKEMs:
		if x := ([]inboxKEM{}); read(&x) {
			m.mergeKEMs(x)
		}
	case syncWords:
		if x := (vaultKeys{}); read(&x) {
			m.wordsElsewhere(x)
		}
	case syncMandate:
		if x := ([]byte{}); read(&x) {
			m.nextMandate(x, false)
		}
	case syncMandates:
		if x := (mandatesSaid{}); read(&x) {
			m.setMandates(x, false)
		}
	case syncPackages:
		if x := ([]sharedPackage{}); read(&x) {
			m.sharedHere(x)
		}
	case syncUsed:
		if x := ""; read(&x) {
			m.usedElsewhere(x)
		}
	case syncFolder:
		if x := (folder{}); read(&x) {
			m.folderElsewhere(x)
		}
	case syncPref:
		if x := (prefSaid{}); read(&x) {
			m.prefElsewhere(x)
		}
	case syncHide:
		if x := (hideSaid{}); read(&x) {
			m.hiddenElsewhere(x)
		}
	case syncRef:
		if x := (refSaid{}); read(&x) {
			m.wantHistory(x)
		}
	}
}

// mergeDevices joins two lists: of a device the newest word counts, and who is gone stays gone.
func (m *Machine) mergeDevices(x devices) {
	for _, k := range x.Gone {
		m.deviceGone(k)
	}
	for _, d := range x.List {
		if len(d.Name) > plane.NameBytesMax || slices.Contains(m.devs.Gone, d.Key) {
			continue
		}
		old := m.device(d.Key)
		if old == nil {
			if len(m.devs.List) < DevicesMax {
				m.addDevice(d)
			}
			continue
		}
		if d.Named > old.Named {
			old.Name, old.Named = d.Name, d.Named
		}
		if d.Gen > old.Gen || d.Gen == old.Gen && d.Active > old.Active {
			old.Package, old.Gen = d.Package, d.Gen
		}
		old.Active = max(old.Active, d.Active)
		if d.Until == 0 {
			old.Until = 0
		}
	}
	m.devicesChanged()
}

func (m *Machine) devicesChanged() {
	m.saveDevices()
	m.emit(Emit{DevicesChanged{}})
	for _, c := range m.sortedChats() {
		c.deviceAt = time.Time{}
		m.touch(c)
	}
}

// deviceGone signs a device out.
func (m *Machine) deviceGone(key [32]byte) {
	if slices.Contains(m.devs.Gone, key) {
		return
	}
	m.devs.Gone = append(m.devs.Gone[max(0, len(m.devs.Gone)-goneMax+1):], key)
	m.devs.List = slices.DeleteFunc(m.devs.List, func(d ownDevice) bool { return d.Key == key })
	m.mandateAt = m.now.Add(mandateWait)
}

// signedOut: another device has taken this one out. Nothing is erased: what is here stays readable.
func (m *Machine) signedOut() {
	if !m.devs.Out {
		m.devs.Out = true
		m.saveDevices()
		m.setNotice("signed-out")
		m.emit(Emit{DevicesChanged{}})
		m.sayState() // no history comes any more
	}
}

// pumpDevices brings a conversation's leaves in line with the list, unless another of one's devices
// does it first.
func (m *Machine) pumpDevices(c *chat) bool {
	if m.devs.Out || len(m.devs.List) == 0 || c.c.Pending() != nil || c.Leaving || c.c.Leaving() || !c.alive() {
		return false
	}
	have := c.c.OwnKeys()
	me := m.deviceKey()
	ch := convo.Change{Tag: tagDevices, WithoutTree: c.c.Sliced()}
	mine := false // at once: nobody else is as near
	strange := false
	for _, leaf := range sortedLeaves(have) {
		key := [32]byte([]byte(have[leaf]))
		if gone := slices.Contains(m.devs.Gone, key); m.device(key) == nil {
			if strange = strange || !gone; !gone && (c.strangeAt.IsZero() || m.now.Before(c.strangeAt)) {
				continue // perhaps one that another device has just let in
			}
			ch.Leaves = append(ch.Leaves, leaf)
			mine = mine || have[leaf] == string(m.adding[:])
		}
	}
	if !strange {
		c.strangeAt = time.Time{}
	} else if c.strangeAt.IsZero() {
		c.strangeAt = m.now.Add(newDeviceFor)
	}
	behind := m.behindMandate(c)
	if (len(ch.Leaves) > 0 || behind) && c != m.saved() && m.now.Before(m.mandateAt) {
		c.deviceAt = m.mandateAt
		return false
	}
	if c.c.OwnMandate() != m.acc.keys.Mandate() && (behind || len(ch.Leaves) > 0) {
		ch.Credential = m.credentialFor(c)
	}
	if len(ch.Leaves) == 0 && !behind && c.c.RoomForDevice() {
		for _, d := range m.devs.List {
			if _, in := c.c.LeafOf(c.c.Own(), d.Key[:]); in || d.Key == me || !m.admits(c, d) {
				continue
			}
			mine = mine || d.Key == m.adding
			if kp := m.packageOf(d); kp != nil {
				ch.Add = append(ch.Add, kp)
				break // one at a time: each gets its invitation
			}
		}
	}
	if len(ch.Leaves)+len(ch.Add) == 0 && !behind {
		c.deviceAt = time.Time{}
		return false
	}
	if c.deviceAt.IsZero() {
		c.deviceAt = m.now
		if !mine {
			for _, k := range have {
				if bytes.Compare([]byte(k), me[:]) < 0 {
					c.deviceAt = c.deviceAt.Add(deviceWait)
				}
			}
		}
	}
	if m.now.Before(c.deviceAt) {
		return false
	}
	c.deviceAt = m.now.Add(time.Hour) // when this one comes to nothing
	if strange {
		c.strangeAt = m.now.Add(time.Hour)
	}
	_, err := c.c.Begin(ch, m.now)
	return err == nil
}

// admits says whether a device can be let into a conversation: into Saved by the one that links it,
// into the others once it is in Saved, where it is told how.
func (m *Machine) admits(c *chat, d ownDevice) bool {
	s := m.saved()
	if c == s {
		return m.link != nil && m.link.stage == linkOwn && m.link.said.Device == d.Key
	}
	if s == nil {
		return false
	}
	_, in := s.c.LeafOf(s.c.Own(), d.Key[:])
	return in
}

func sortedLeaves(have map[uint32]string) []uint32 {
	list := make([]uint32, 0, len(have))
	for l := range have {
		list = append(list, l)
	}
	slices.Sort(list)
	return list
}

// packageOf returns the package that a device is added by.
func (m *Machine) packageOf(d ownDevice) *mls.KeyPackage {
	u, err := mls.ParseKeyPackage(d.Package)
	if err != nil {
		return nil
	}
	kp, err := u.Verify(m.now)
	if err != nil || !bytes.Equal(kp.SignatureKey(), d.Key[:]) {
		return nil
	}
	if who, err := m.identify(identityOf(kp), kp.SignatureKey()); err != nil || !m.own(who) || !m.underMandate(kp) {
		return nil
	}
	return kp
}

// identityOf returns the credential that a package names.
func identityOf(kp *mls.KeyPackage) []byte { return kp.Credential().Identity() }

// deviceCommit: an own commit that pumpDevices made has won. Whoever came in is told how.
func (m *Machine) deviceCommit(c *chat, out convo.Changed) {
	c.deviceAt = time.Time{}
	m.sayReturn(c) // who was taken out may have said another key
	if len(out.Own.Welcome) == 0 {
		if c.c.State().Kind == convo.Saved && out.NewGen {
			m.sayMandate()
		}
		return
	}
	g := m.give(c, out.Own.Welcome)
	g.Invitation.Proofs = c.c.Proofs(out.Seat(m.acc.person()))
	if c.c.State().Kind == convo.Saved {
		m.letIn(g)
		m.newDevice()
		m.sayMandates()
		m.tellFolders()
		m.tellSelf()
		m.tellPrefs()
		if m.words.Kept {
			m.tell(syncWords, "words", m.words.Keys)
		}
	} else {
		m.tell(syncChat, "", g)
	}
	if c.Person != nil {
		m.tell(syncPerson, "", personSaid{Key: *c.Person, Stored: m.person(*c.Person).stored})
	}
	m.carryFrom(c, g.Numbers.Next)
}

// chatGiven is a conversation for another of one's devices.
type chatGiven struct {
	_          struct{} `cbor:",toarray"`
	Invitation convo.Invitation
	Meta       chatMeta
	Numbers    chatNumbers
	Server     storedServer
}

func (m *Machine) give(c *chat, welcome []byte) chatGiven {
	g := chatGiven{Invitation: c.c.Invite(welcome), Meta: c.chatMeta, Numbers: c.chatNumbers, Server: m.servers[c.Server].storedServer}
	g.Meta.Knock, g.Meta.Carry, g.Meta.Keep, g.Meta.AskSeed, g.Meta.Gap, g.Numbers.Waiting = nil, nil, nil, nil, 0, 0
	return g
}

// given takes a conversation from another of one's devices.
func (m *Machine) given(g chatGiven) *chat {
	id := g.Invitation.Log.Text()
	old := m.chats[id]
	if old != nil && old.alive() && !m.stuck(old) && g.Invitation.After <= old.c.Cursor() {
		return nil
	}
	var cv *convo.Convo
	for _, b := range [][]byte{m.devs.Secret, m.devs.Before} {
		if secret, err := mls.ParseKeyPackageSecret(b); err == nil && cv == nil {
			cv, _ = convo.Join(convo.JoinOptions{Invitation: g.Invitation, Secret: secret, Signer: m.acc.keys.Device(), Identify: m.identify, Now: m.now})
		}
	}
	if cv == nil {
		return nil
	}
	if _, in := cv.LeafOf(m.acc.person(), m.acc.keys.Device().Public()); !in {
		return nil
	}
	if old != nil && old.alive() && !m.stuck(old) {
		// One was removed and has come back on another device, and this one has not read that far.
		m.hold(old, &heldInvitation{By: m.acc.person(), After: g.Invitation.After, Plain: timeline.Encode(g)})
		return nil
	}
	m.adopt(g.Server)
	if old != nil {
		lost, leaving := old.alive(), old.alive() && old.Leaving
		v := m.view(old)
		v.Next += historyRoom // for what was said since one's other device came back
		old.Gap, v.dirtyNumbers = v.Next-1, true
		x := m.rejoin(old, cv, g.Meta.Server)
		if lost {
			m.healed(x)
		}
		x.Leaving = leaving
		m.askToLeave(x)
		m.givenHistory(x)
		return x
	}
	x := m.newChat(cv, g.Meta.Server, g.Meta.Owner)
	x.chatMeta, x.chatNumbers = g.Meta, g.Numbers
	x.Created, x.dirtyMeta, x.dirtyNumbers = true, true, true
	if x.Person != nil {
		m.befriend(x, *x.Person)
	}
	m.enterState(x)
	m.givenHistory(x)
	return x
}

// adopt takes a server over from another of one's devices: the membership is the person's.
func (m *Machine) adopt(x storedServer) {
	s := m.servers[x.ID]
	if s == nil {
		s = newServer(x)
		m.servers[x.ID] = s
		m.emit(Dial{Server: x.ID, Origin: x.Origin})
	} else if x.Member && !s.Member {
		n := newServer(x)
		s.storedServer, s.member, s.stale = n.storedServer, n.member, true
	}
	m.saveServer(s)
}

// Commands.

func (m *Machine) getDevices() Devices {
	out := Devices{Devices: []Device{}}
	m.listed(defaultDevice)
	for _, d := range m.devs.List {
		out.Devices = append(out.Devices, Device{
			ID: plane.PublicKey(d.Key).Text(), Name: d.Name, This: d.Key == m.deviceKey(),
			Added: d.Added.Start().Format(time.DateOnly), Active: d.Active.Start().Format(time.DateOnly),
		})
	}
	return out
}

// defaultDevice is what a device is called that nobody has named.
const defaultDevice = "1"

func (m *Machine) nameDevice(x NameDevice) ErrCode {
	name, code := cleanName(x.Name)
	if code != "" {
		return code
	}
	m.listed(defaultDevice)
	k, err := plane.ParsePublicKey(x.Device)
	d := m.device(k)
	if err != nil || d == nil {
		return ErrBadArguments
	}
	d.Name, d.Named = name, max(d.Named+1, m.now.UnixMilli())
	m.devicesChanged()
	m.tellDevices()
	return ""
}

func (m *Machine) removeDevice(x RemoveDevice) ErrCode {
	k, err := plane.ParsePublicKey(x.Device)
	if err != nil || m.device(k) == nil || m.devs.Out {
		return ErrBadArguments
	}
	if k == plane.PublicKey(m.deviceKey()) {
		if !m.others() {
			return ErrNotAllowed // nobody would be left who has the account
		}
		// The others take this one out; from now on it says nothing.
		m.deviceGone(k)
		m.saveDevices()
		m.devs.List = append(m.devs.List, ownDevice{}) // for tell: there are others
		m.tellDevices()
		m.devs.List = m.devs.List[:len(m.devs.List)-1]
		m.emit(Emit{DevicesChanged{}})
		return ""
	}
	m.tell(syncDevices, "devices", devices{Gone: append(slices.Clone(m.devs.Gone), k)})
	m.deviceGone(k)
	m.adding = k // at once
	m.devicesChanged()
	return ""
}

// dueDevices shows once a day that this device is in use.
func (m *Machine) dueDevices() {
	for _, d := range slices.Clone(m.devs.List) {
		if d.Until != 0 && m.now.UnixMilli() > d.Until && !m.devs.Out {
			m.tell(syncDevices, "devices", devices{Gone: append(slices.Clone(m.devs.Gone), d.Key)})
			m.deviceGone(d.Key) // it never showed itself
			m.devicesChanged()
		}
	}
	d := m.acc
	if d == nil || !m.others() || m.devs.Said == plane.DayOf(m.now) {
		return
	}
	if x := m.device(m.deviceKey()); x != nil {
		m.devs.Said = plane.DayOf(m.now)
		x.Active = m.devs.Said
		m.saveDevices()
		m.tellDevices()
	}
}
