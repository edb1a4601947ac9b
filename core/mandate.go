package core

import (
	"crypto/rand"
	"slices"
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

// What a device that was signed out still has, and what is exchanged for it. It keeps the account
// key for ever, for others know the person by it, and all else that its siblings had. So whoever has
// taken it out of Saved says there, in the epoch that it cannot read, a seed: of the next mandate
// (caps.Mandate) and of a new inbox. Saved is a log, and its order numbers the seeds: two that are
// said at once are two mandates, one after the other, and nothing has to be agreed on. The new mandate
// comes into each conversation by a commit, that which takes the device out if it can be.

const (
	// mandateWait is how long taking a device out of the other conversations waits for the new
	// mandate; its home server may be away.
	mandateWait = 10 * time.Second
	// inboxWait is how long devices leave a new inbox to the one that has begun it.
	inboxWait = 30 * time.Second
	// oldInboxes bounds the inboxes that are to be deleted.
	oldInboxes = 8
)

// mandatesSaid is all mandates, for a device that was not there when they were said.
type mandatesSaid struct {
	_     struct{} `cbor:",toarray"`
	Gen   uint32
	Seeds [][]byte
}

// sayMandate begins the next mandate.
func (m *Machine) sayMandate() {
	seed := make([]byte, caps.SeedBytes)
	_, _ = rand.Read(seed)
	if !m.others() {
		m.nextMandate(seed, true)
		return
	}
	m.tell(syncMandate, "", seed)
}

// sayMandates tells all of them to a device that comes in.
func (m *Machine) sayMandates() {
	if m.acc.Gen > 0 {
		m.tell(syncMandates, "mandates", mandatesSaid{Gen: m.acc.Gen, Seeds: m.acc.Mandates})
	}
}

// ownSynced: what this device has said to the others has its place.
func (m *Machine) ownSynced(plain []byte) {
	var r syncRecord
	var seed []byte
	if timeline.Decode(plain[1:], &r) == nil && r.Kind == syncMandate && timeline.Decode(r.Data, &seed) == nil {
		m.nextMandate(seed, true)
	}
}

// nextMandate takes a seed in its place in Saved. mine: this device has said it.
func (m *Machine) nextMandate(seed []byte, mine bool) {
	if len(seed) != caps.SeedBytes || m.acc.Gen == 1<<32-1 {
		return
	}
	m.setMandates(mandatesSaid{Gen: m.acc.Gen + 1, Seeds: account.NextMandate(m.acc.Mandates, seed)}, mine)
}

// setMandates takes over the mandates, if they are newer than those that are known.
func (m *Machine) setMandates(x mandatesSaid, mine bool) {
	if x.Gen <= m.acc.Gen {
		return
	}
	keys, err := m.acc.keys.WithMandates(x.Gen, x.Seeds)
	if err != nil {
		return
	}
	old := m.acc.InboxOwner
	m.acc.keys, m.acc.Gen, m.acc.Mandates = keys, x.Gen, x.Seeds
	seed := x.Seeds[len(x.Seeds)-1]
	part := func(what string) []byte {
		h := hashOf(append([]byte(what), seed...))
		return h[:]
	}
	acc := m.acc
	acc.InboxOwner, acc.InboxKeys, acc.Card = part("pp inbox owner v1"), part("pp inbox keys v1"), part("pp inbox card v1")[:16]
	copy(acc.Door[:], part("pp inbox door v1"))
	err = acc.openInbox()
	inv.That(err == nil, "32 bytes are keys")
	m.saveSelf()
	b := &m.inbox
	s := m.servers[acc.Home]
	if s != nil {
		s.inbox = 0 // its handles end with the old one
	}
	b.drop()
	b.refused = 0
	b.turn++
	for _, i := range m.invites {
		i.sent = false
	}
	b.stored = storedInbox{Old: b.stored.Old}
	b.holdAt = m.now.Add(inboxWait)
	if mine {
		b.stored.Old = append(slices.Clone(b.stored.Old[max(0, len(b.stored.Old)-oldInboxes+1):]), old)
		b.holdAt = time.Time{}
		m.turnKEM()
	}
	m.saveInbox()
	if d := m.device(m.deviceKey()); d != nil {
		m.devs.Before = m.devs.Secret
		d.Package, m.devs.Secret = m.devicePackage()
		d.Gen = x.Gen
		m.tellDevices()
	}
	m.words.Renew = m.words.Kept
	m.words.Later = 0
	m.saveWords()
	m.vault.stale, m.vault.at = true, time.Time{}
	m.sayState()
	m.devs.Way, m.mandateAt = wayIn{}, time.Time{}
	if m.words.Kept {
		// The vault has it before the conversations do: who came back by words without it would be let in nowhere.
		m.mandateAt = m.now.Add(mandateWait)
		m.vault.until = m.mandateAt
	}
	m.devicesChanged()
	if mine {
		for _, c := range m.sortedChats() {
			if c.kind() == ChatTwo && c.alive() {
				m.sayProfile(c)
			}
		}
	}
	if s != nil {
		m.touchServer(s)
	}
}

// mandateKept: the vault has the mandates up to that one, so conversations may be told of it.
func (m *Machine) mandateKept(gen uint32) {
	if gen != m.acc.Gen || m.mandateAt.IsZero() || m.mandateAt != m.vault.until {
		return // none is waited for, or the one after it is
	}
	m.mandateAt = time.Time{}
	for _, c := range m.sortedChats() {
		c.deviceAt = time.Time{}
		m.touch(c)
	}
}

// dropInboxes deletes inboxes that were exchanged: their owner keys are in other hands.
func (m *Machine) dropInboxes(s *server) {
	b := &m.inbox
	if len(b.stored.Old) == 0 || b.dropping || !b.filled {
		return // the new one first
	}
	owner, err := caps.SignerFromSeed(b.stored.Old[0])
	inv.That(err == nil, "owner seed")
	b.dropping = true
	end := func(ok bool) {
		if !ok {
			return // with the next session
		}
		b.dropping = false
		b.stored.Old = b.stored.Old[1:]
		m.saveInbox()
		m.touchServer(s)
	}
	m.sendInbox(s, s.open(caps.NewLogID(owner.Public()), wire.RoleOwner, 0, owner), func(a wire.Answer) {
		o, ok := a.(wire.Opened)
		if !ok {
			end(codeOf(a) == plane.Refused) // is gone
			return
		}
		m.sendInbox(s, wire.Manage{Handle: o.Handle, Delete: true}, func(a wire.Answer) { end(codeOf(a) == plane.OK) })
	})
}

// mandateIn returns what is known of somebody's mandates from the conversations of two with them.
func (m *Machine) mandateIn(who plane.PublicKey) (cur caps.Mandate) {
	cur = caps.Mandate{Key: who}
	for _, c := range m.order {
		if c.Person != nil && *c.Person == who && c.c.State().Kind == convo.Two && c.c.Has(who) {
			if x := c.c.Mandate(who); x.Gen > cur.Gen {
				cur = x
			}
		}
	}
	return cur
}

// credentialFor is this device's credential for a conversation.
func (m *Machine) credentialFor(c *chat) []byte {
	return m.acc.keys.CredentialAfter(c.c.Mandate(m.acc.person()))
}

// behindMandate says that a conversation has not been told of the newest mandate.
func (m *Machine) behindMandate(c *chat) bool {
	return c.c.Mandate(m.acc.person()).Gen < m.acc.Gen
}

// underMandate says whether a package is by a device under the newest mandate.
func (m *Machine) underMandate(kp *mls.KeyPackage) bool {
	return caps.MandateOf(identityOf(kp), m.acc.person()) == m.acc.keys.Mandate()
}

// nameLeaf is the extensions of a leaf that is made now: see convo.NameLeaf.
func (m *Machine) nameLeaf(again *plane.LogID) []mls.Extension {
	made := int64(0)
	if again != nil || m.acc.Gen > 0 {
		made = m.now.UnixMilli()
	}
	return convo.NameLeaf(m.acc.Name, again, made)
}

// wayIn is a contact door of one's own inbox, as another of one's devices says it to a contact. A
// device that has lost the thread of Saved, and with it which inbox is the new one, asks there.
type wayIn struct {
	Inbox [16]byte `cbor:"1,keyasint,omitzero"`
	Door  [16]byte `cbor:"2,keyasint,omitzero"`
	Card  [16]byte `cbor:"3,keyasint,omitzero"`
}

// kemOfInbox says whether a KEM key that another device has made is one of the inbox as it is now.
func (m *Machine) kemOfInbox(k inboxKEM) bool {
	_, err := seal.KEMKeyFromSeed(k.Seed)
	c, bad := account.VerifyCard(k.Card, m.acc.inboxLog(), plane.DayOf(m.now))
	return err == nil && bad == nil && c.Account == m.acc.person()
}
