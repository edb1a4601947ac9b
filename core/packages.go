package core

import (
	"encoding/hex"
	"slices"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/plane"
)

// Packages of the pool are shared. Who has several devices makes each under a key of its own, told to
// the others in Saved, so any of them takes up what comes through it: it comes in on the package's
// leaf, gives the leaf its own key at once (pumpLeaf) and lets the others in (pumpDevices). So that
// seldom two do it, they wait for each other in the order of their keys; if two do, the log decides,
// and who comes second is told the way in by the first.

const (
	// sharedMax bounds the packages of one message to one's other devices.
	sharedMax = 8
	// latesMax bounds what waits for another device; more is taken up at once.
	latesMax = 64
	// lateAtLeast is how long even the first device waits, for what the others say of it, and
	// lateAtMost how long any waits for Saved to be read.
	lateAtLeast = 500 * time.Millisecond
	lateAtMost  = time.Minute
)

// sharedPackage is a package for one's other devices.
type sharedPackage struct {
	_      struct{} `cbor:",toarray"`
	Stored storedPackage
	Signer []byte
}

// packageSigner returns the key under which a package is made, and the credential for it.
func (m *Machine) packageSigner() (*mls.Signer, []byte) {
	if !m.others() {
		return m.acc.keys.Device(), m.acc.keys.Credential()
	}
	s, err := mls.NewSigner(mls.XWing)
	inv.That(err == nil, "keys can be made")
	return s, m.acc.keys.As(s).Credential()
}

// share tells one's other devices of packages.
func (m *Machine) share(list []*ownPackage) {
	var x []sharedPackage
	for i, p := range list {
		if p.signer != nil {
			x = append(x, sharedPackage{Stored: storedPackage{Made: p.made, Secret: p.secret.Marshal()}, Signer: p.signer.Marshal()})
		}
		if len(x) == sharedMax || i == len(list)-1 && len(x) > 0 {
			m.tell(syncPackages, "", x)
			x = nil
		}
	}
}

// shareFresh tells the others of those that were made in this Step.
func (m *Machine) shareFresh() {
	list := m.inbox.fresh
	m.inbox.fresh = nil
	m.share(list)
}

// sharedHere takes packages that another of one's devices has made.
func (m *Machine) sharedHere(list []sharedPackage) {
	for _, x := range list[:min(len(list), sharedMax)] {
		secret, err := mls.ParseKeyPackageSecret(x.Stored.Secret)
		signer, err2 := mls.ParseSigner(x.Signer)
		if err != nil || err2 != nil {
			continue
		}
		ref := hex.EncodeToString(secret.Ref()[:16])
		if slices.ContainsFunc(m.inbox.packages, func(p *ownPackage) bool { return p.ref == ref }) {
			continue
		}
		m.keepPackage(&ownPackage{ref: ref, made: min(x.Stored.Made, plane.DayOf(m.now)), secret: secret, signer: signer})
	}
}

func signerKey(ref string) string { return "s/ks/" + ref }

// keepPackage stores a package, and forgets the oldest one when there are too many.
func (m *Machine) keepPackage(p *ownPackage) {
	m.inbox.packages = append(m.inbox.packages, p)
	m.put("s/kp/"+p.ref, storedPackage{Made: p.made, Secret: p.secret.Marshal()})
	if p.signer != nil {
		m.set(signerKey(p.ref), p.signer.Marshal())
	}
	if len(m.inbox.packages) > packagesKept {
		// The oldest one-time package; the last-resort one is given out for weeks.
		if i := slices.IndexFunc(m.inbox.packages, func(p *ownPackage) bool { return !p.secret.LastResort() }); i >= 0 {
			m.dropPackage(m.inbox.packages[i])
		}
	}
}

// newDevice: another device is in Saved. It is told of the packages that are out; those that only
// this device could use are taken in.
func (m *Machine) newDevice() {
	m.share(m.inbox.packages)
	if len(m.devs.List) == 2 {
		m.inbox.stored.Renamed = true
		m.saveInbox()
		m.touchServer(m.servers[m.acc.Home])
	}
}

// borrowed says that one's leaf in a conversation has the key of a package still.
func (m *Machine) borrowed(c *chat) bool {
	return m.acc != nil && string(c.c.OwnKey()) != string(m.acc.keys.Device().Public())
}

// pumpLeaf gives a leaf that came in by a shared package this device's key.
func (m *Machine) pumpLeaf(c *chat) bool {
	if !m.borrowed(c) || m.devs.Out || c.c.Pending() != nil || !c.alive() {
		return false
	}
	_, err := c.c.Begin(convo.Change{Signer: m.acc.keys.Device(), Credential: m.credentialFor(c), Tag: tagLeaf}, m.now)
	return err == nil
}

// late is what came through a package and waits for another of one's devices to take it up.
type late struct {
	name string
	storedLate
}

type storedLate struct {
	_       struct{} `cbor:",toarray"`
	At      int64    // ms: when this device does it
	By      plane.PublicKey
	Plain   []byte // an invitation to a group, or
	Request *account.Request
}

func lateKey(name string) string { return "s/l/" + name }

// later puts something off; false when it is to be done now.
func (m *Machine) later(x storedLate) bool {
	if !m.others() || len(m.lates) >= latesMax {
		return false
	}
	d := lateAtLeast
	me := m.deviceKey()
	for _, o := range m.devs.List {
		if slices.Compare(o.Key[:], me[:]) < 0 {
			d += deviceWait
		}
	}
	x.At = m.now.Add(d).UnixMilli()
	h := hashOf(timeline.Encode(x))
	l := &late{name: hex.EncodeToString(h[:16]), storedLate: x}
	m.lates = append(m.lates, l)
	m.put(lateKey(l.name), l.storedLate)
	return true
}

// dueAt is when something that was put off is taken up: later when Saved is not read by then.
func (m *Machine) dueAt(l *late) time.Time {
	at := time.UnixMilli(l.At)
	if !m.now.Before(at) && !m.savedHere() {
		at = at.Add(lateAtMost)
	}
	return at
}

// lateDue is when something that was put off is to be looked at.
func (m *Machine) lateDue() (at time.Time) {
	for _, l := range m.lates {
		if t := m.dueAt(l); at.IsZero() || t.Before(at) {
			at = t
		}
	}
	return at
}

// savedHere says whether all that one's other devices have said is known here.
func (m *Machine) savedHere() bool {
	c := m.saved()
	return c == nil || !c.alive() || c.subscribed && c.c.Cursor() >= c.head
}

// dueLates takes up what no other device has.
func (m *Machine) dueLates() {
	for _, l := range slices.Clone(m.lates) {
		if m.now.Before(m.dueAt(l)) {
			continue
		}
		m.lates = slices.DeleteFunc(m.lates, func(o *late) bool { return o == l })
		m.set(lateKey(l.name), nil)
		if l.Request != nil {
			m.request(*l.Request)
		} else {
			m.comeIn(l.By, l.Plain, nil)
		}
	}
}

// usedElsewhere: another device has come in through a package.
func (m *Machine) usedElsewhere(ref string) {
	for _, p := range m.inbox.packages {
		if p.ref == ref && !p.secret.LastResort() {
			m.dropPackage(p)
			return
		}
	}
}
