package core

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"paperplane/core/archive"
	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/core/words"
	"paperplane/internal/inv"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// The vault: what twelve words bring back. Its log, whose keys follow from the words, holds records
// that each name a sealed blob with the account, the list of chats and where their history lies;
// the newest counts, and what it replaces is deleted. It holds no key of a conversation: a device
// that comes back by the words is a new one, asks to be taken in in the place of the one that kept
// the vault, and signs out all others.

const (
	// vaultEvery is how long changes gather before the vault is written again.
	vaultEvery = time.Minute
	// vaultLook is how often a device on which nothing changes looks at it: segments come of age.
	vaultLook = 24 * time.Hour
	// vaultDays is how often it is written in any case, so that its records do not expire.
	vaultDays = 7
	// alsoMax is how many devices that came back in vain a vault remembers for a chat.
	alsoMax = 3
	// laterDays is how long the offer of the words is put off.
	laterDays = 28
	// offerChats is how many chats there are before the words are offered, offerDays how many days
	// one has used the account.
	offerChats = 3
	offerDays  = 2
)

type storedWords struct {
	Secret  []byte     `cbor:"1,keyasint,omitempty"` // until the person has written them down
	Kept    bool       `cbor:"2,keyasint,omitempty"`
	Later   plane.Day  `cbor:"3,keyasint,omitempty"`
	Created bool       `cbor:"4,keyasint,omitempty"`
	Hash    [32]byte   `cbor:"5,keyasint,omitzero"` // of what the vault holds
	Day     plane.Day  `cbor:"6,keyasint,omitempty"`
	Blob    [16]byte   `cbor:"7,keyasint,omitzero"` // secret of its blob
	Keys    vaultKeys  `cbor:"8,keyasint,omitzero"`
	Old     []byte     `cbor:"9,keyasint,omitempty"`  // owner key of the vault of words before
	Drop    [][16]byte `cbor:"10,keyasint,omitempty"` // blobs that are deleted once the vault has been written anew
	Renew   bool       `cbor:"11,keyasint,omitempty"` // a device that was signed out has Keys
}

// vaultKeys is what devices keep of words that were written down: enough to write the vault, not to
// read it. So a device that was signed out, or stolen, learns nothing from it.
type vaultKeys struct {
	At     int64           `cbor:"1,keyasint"` // ms: the newest count
	Owner  []byte          `cbor:"2,keyasint"`
	Read   plane.PublicKey `cbor:"3,keyasint"`
	Write  []byte          `cbor:"4,keyasint"`
	KEM    []byte          `cbor:"5,keyasint"`
	Return plane.PublicKey `cbor:"6,keyasint"`
}

func keysOfWords(s words.Secret, now time.Time) vaultKeys {
	k := s.Keys()
	kem, err := seal.KEMKeyFromSeed(k.KEM[:])
	inv.That(err == nil, "32 bytes")
	return vaultKeys{At: now.UnixMilli(), Owner: k.Owner.Seed(), Read: k.Read.Public(), Write: k.Write.Seed(), KEM: kem.Public(), Return: k.Return.Public()}
}

func (k *vaultKeys) signers() (owner, write *caps.Signer, ok bool) {
	owner, e1 := caps.SignerFromSeed(k.Owner)
	write, e2 := caps.SignerFromSeed(k.Write)
	return owner, write, e1 == nil && e2 == nil && len(k.KEM) == seal.KEMPublicBytes
}

// returnMark starts the key that vouches for a device which comes back by words; see controlMark.
const returnMark = 2

// sayReturn tells a conversation that key. Others let in, in the place of a device of ours, one with
// another key only with its word.
func (m *Machine) sayReturn(c *chat) {
	if k := m.words.Keys.Return; m.words.Kept && c.alive() && c.kind() != ChatSaved {
		m.enqueue(c, &outbox.Item{Kind: outbox.Control, Body: append([]byte{returnMark}, k[:]...)})
	}
}

// returnKey is that key of somebody, zero when none is known.
func (m *Machine) returnKey(who plane.PublicKey) plane.PublicKey {
	if m.own(who) {
		return m.words.Keys.Return
	}
	if p := m.people[who]; p != nil {
		return p.stored.Return
	}
	return plane.PublicKey{}
}

// vaultNow is what is under way with the vault.
type vaultNow struct {
	at     time.Time // of the last look
	busy   bool
	life   int
	stale  bool // something was stored since
	ref    treeRef
	hash   [32]byte
	secret [16]byte
	gen    uint32    // the mandate that it has
	until  time.Time // mandateAt, while conversations wait until the vault has the newest
	drop   int       // how many of words.Drop it names no more
}

// vaulted is what the vault holds.
type vaulted struct {
	_       struct{} `cbor:",toarray"`
	Account snapshot
	Key     [32]byte // of the device that wrote it
	Devices [][32]byte
	Gone    [][32]byte
	Chats   []lostChat
	Saved   []archive.Ref // history of Saved
}

// lostChat is a conversation as the vault knows it.
type lostChat struct {
	_       struct{} `cbor:",toarray"`
	Log     plane.LogID
	Kind    convo.Kind
	Name    string
	Key     [32]byte  // of the leaf to be replaced
	Cursor  plane.Seq // the log up to here is in Refs
	Meta    chatMeta
	Numbers chatNumbers
	Queue   plane.LogID // where to ask, zero: in the inbox of the other
	Door    [16]byte
	Card    [16]byte
	Refs    []archive.Ref
	Ask     plane.PublicKey // a contact in the group, while it has no queue; oneself: nobody else is in it
	Alone   *convo.State    // what the group says of itself, when nobody else is in it
	Also    [][32]byte      // devices that came back by words before, and may have been let in since
}

func (m *Machine) saveWords() { m.put("s/words", m.words) }

// wordsView is State.Words.
func (m *Machine) wordsView() string {
	switch today := plane.DayOf(m.now); {
	case m.acc == nil || m.devs.Out:
		return ""
	case m.words.Kept && m.words.Renew && today >= m.words.Later:
		return "renew"
	case m.words.Kept:
		return "kept"
	case today < m.words.Later:
		return ""
	default:
		chats, old := 0, false
		for _, c := range m.order {
			if c.First == "" && c.kind() != ChatSaved && c.Next > 1 {
				chats++
				old = old || today >= plane.DayOf(time.UnixMilli(c.Started))+offerDays
			}
		}
		if chats >= offerChats || chats > 0 && old {
			return "offer"
		}
	}
	return ""
}

func (m *Machine) makeWords() (Words, ErrCode) {
	if m.devs.Out {
		return Words{}, ErrNotAllowed
	}
	if len(m.words.Secret) != words.SecretBytes {
		s := words.New()
		m.words.Secret = s[:]
		m.saveWords()
	}
	return Words{Words: words.Secret(m.words.Secret).Words()}, ""
}

func (m *Machine) keepWords(x KeepWords) ErrCode {
	switch {
	case x.Later:
		m.words.Later = plane.DayOf(m.now) + laterDays
	case len(m.words.Secret) != words.SecretBytes:
		return ErrBadArguments
	default:
		m.keepKeys(keysOfWords(words.Secret(m.words.Secret), m.now))
		m.tell(syncWords, "words", m.words.Keys)
		for _, c := range m.sortedChats() {
			m.sayReturn(c)
		}
	}
	m.saveWords()
	m.sayState()
	return ""
}

// wordsElsewhere: another of one's devices keeps the words.
func (m *Machine) wordsElsewhere(x vaultKeys) {
	if _, _, ok := x.signers(); ok && x.At > m.words.Keys.At {
		m.keepKeys(x)
		m.saveWords()
		m.sayState()
	}
}

// keepKeys forgets the words and keeps what it takes to write their vault.
func (m *Machine) keepKeys(x vaultKeys) {
	old := m.words
	m.words = storedWords{Kept: true, Keys: x, Blob: old.Blob, Old: old.Keys.Owner, Drop: old.Drop}
	m.vault.stale, m.vault.at, m.vault.busy = true, time.Time{}, false
}

// vaultDue is when the vault is looked at again.
func (m *Machine) vaultDue() time.Time {
	if !m.words.Kept || m.acc == nil || m.devs.Out || m.vault.busy || !m.servers[m.acc.Home].isUp() || m.inbox.own == 0 {
		return time.Time{} // without the inbox: see replaced
	}
	if !m.vault.stale {
		return m.vault.at.Add(vaultLook)
	}
	return m.vault.at.Add(vaultEvery)
}

// pumpVault writes the vault when it is time.
func (m *Machine) pumpVault() {
	if m.acc == nil || !m.words.Kept {
		return
	}
	v, s := &m.vault, m.servers[m.acc.Home]
	if s.isUp() && v.life != s.life {
		v.life, v.busy, v.stale = s.life, false, true
	}
	if at := m.vaultDue(); at.IsZero() || m.now.Before(at) {
		return
	}
	v.at, v.stale = m.now, false
	m.keepHistory()
	b := timeline.Encode(m.vaulted())
	today := plane.DayOf(m.now)
	if v.hash = hashOf(b); v.hash == m.words.Hash && today < m.words.Day+vaultDays {
		return
	}
	v.busy, v.drop, v.gen = true, len(m.words.Drop), m.acc.Gen
	if !m.words.Created {
		m.createVault(s)
		return
	}
	var data []byte
	v.ref, v.secret, data = sealTree(b)
	m.emit(PutObject{ID: "vault/" + hex.EncodeToString(v.secret[:4]), Server: s.id, Secret: v.secret, Data: data})
}

// ask is for requests about the vault; what comes of an earlier session is passed over.
func (m *Machine) askVault(s *server, r wire.Request, then func(wire.Answer)) {
	life := s.life
	m.send(s, r, func(a wire.Answer) {
		if m.vault.life == life {
			then(a)
		}
	})
}

func (m *Machine) createVault(s *server) {
	owner, write, ok := m.words.Keys.signers()
	inv.That(ok, "kept keys are keys")
	r := wire.Create{Owner: owner.Public(), Read: m.words.Keys.Read, Write: write.Public(), TTLDays: plane.TTLDaysMax}
	r.Sig = owner.Sign(caps.CreateMessage(s.binding, r.Owner, r.Read, r.Write, r.TTLDays, false))
	m.askVault(s, r, func(a wire.Answer) {
		m.vault.busy, m.vault.stale = false, true
		if o, ok := a.(wire.Opened); ok {
			m.words.Created = true
			m.saveWords()
			m.vault.at = time.Time{}
			m.send(s, wire.Close{Handle: o.Handle}, func(wire.Answer) {})
		}
	})
}

// vaultObject takes what the driver says of the vault's blob; false when it is another.
func (m *Machine) vaultObject(in Object) bool {
	id, ok := strings.CutPrefix(in.ID, "vault/")
	if !ok {
		return false
	}
	v := &m.vault
	s := m.servers[m.acc.Home]
	if id != hex.EncodeToString(v.secret[:4]) || !v.busy {
		return true
	}
	again := func() { v.busy, v.stale = false, true }
	if in.Code != plane.OK || !s.isUp() {
		again()
		return true
	}
	owner, write, ok := m.words.Keys.signers()
	inv.That(ok, "kept keys are keys")
	log := caps.NewLogID(owner.Public())
	bodies, err := sealPass(m.words.Keys.KEM, log, timeline.Encode(v.ref))
	if err != nil || len(bodies) != 1 {
		v.busy = false
		return true // a key that another device said is none
	}
	body := bodies[0]
	m.askVault(s, s.open(log, wire.RoleWrite, 1, write), func(a wire.Answer) {
		o, ok := a.(wire.Opened)
		if !ok {
			again()
			return
		}
		m.askVault(s, wire.Append{Handle: o.Handle, Body: body}, func(a wire.Answer) {
			m.send(s, wire.Close{Handle: o.Handle}, func(wire.Answer) {})
			if _, ok := a.(wire.Appended); !ok {
				again()
				return
			}
			if old := m.words.Blob; old != [16]byte{} {
				m.send(s, wire.BlobDelete{Secret: old}, func(wire.Answer) {})
			}
			if old, err := caps.SignerFromSeed(m.words.Old); err == nil && !old.Equal(owner) {
				m.send(s, s.open(caps.NewLogID(old.Public()), wire.RoleOwner, 0, old), func(a wire.Answer) {
					if o, ok := a.(wire.Opened); ok {
						m.send(s, wire.Manage{Handle: o.Handle, Delete: true}, func(wire.Answer) {})
					}
				})
			}
			for _, x := range m.words.Drop[:min(v.drop, len(m.words.Drop))] {
				m.send(s, wire.BlobDelete{Secret: x}, func(wire.Answer) {})
			}
			m.words.Drop = m.words.Drop[min(v.drop, len(m.words.Drop)):]
			m.words.Hash, m.words.Day, m.words.Blob, m.words.Old = v.hash, plane.DayOf(m.now), v.secret, nil
			m.saveWords()
			v.busy = false
			m.mandateKept(v.gen)
		})
	})
	return true
}

// vaultHere says whether nothing is to be written to the vault now.
func (m *Machine) vaultHere() bool {
	if m.acc == nil || !m.words.Kept || m.devs.Out {
		return true
	}
	at := m.vaultDue()
	return !m.vault.busy && !m.keeping() && (at.IsZero() || m.now.Before(at))
}

// vaulted is what the vault is to hold now.
func (m *Machine) vaulted() vaulted {
	m.listed(defaultDevice)
	x := vaulted{Account: m.snapshot(), Key: m.deviceKey(), Gone: m.devs.Gone}
	for _, d := range m.devs.List {
		x.Devices = append(x.Devices, d.Key)
	}
	x.Account.Inbox.Cursor = 0
	for _, c := range m.order {
		st := c.c.State()
		if st.Kind == convo.Saved {
			x.Saved = c.refs()
			continue
		}
		l := lostChat{Log: c.log, Kind: st.Kind, Name: st.Name, Key: m.deviceKey(), Meta: c.chatMeta, Numbers: c.chatNumbers, Cursor: c.keptSeq(), Refs: c.refs()}
		// What changes with every record and helps little would have the vault written for ever.
		l.Meta.Knock, l.Meta.Carry, l.Meta.Keep, l.Meta.AskSeed, l.Meta.Told = nil, nil, nil, nil, nil
		if st.Kind == convo.Group && c.c.Size() == 1 {
			like := st
			like.Links, like.Queue, like.Moved, like.TreeKey = nil, nil, nil, [32]byte{}
			l.Ask, l.Alone = m.acc.person(), &like
		}
		if st.Queue != nil {
			l.Queue, l.Door, l.Card = st.Queue.Log, st.Queue.Rejoin, st.Queue.Card
		} else if st.Kind == convo.Group && l.Alone == nil {
			for _, y := range c.c.Members() {
				if p := m.people[y.Person]; !y.Own && p != nil && p.stored.Door != [16]byte{} && p.stored.Server == c.Server {
					l.Ask = y.Person
					break
				}
			}
		}
		x.Chats = append(x.Chats, l)
	}
	for _, w := range m.waits { // who comes back by words and is lost before all have let it in
		if w.Lost != nil && m.chats[w.Chat.Text()] == nil {
			l := *w.Lost
			l.Also = append(slices.Clone(l.Also[max(0, len(l.Also)-alsoMax+1):]), m.deviceKey())
			x.Chats = append(x.Chats, l)
		}
	}
	return x
}

// Recovery.

// who is the person in whose inbox one asks, if there is one.
func (l *lostChat) who() plane.PublicKey {
	if l.Kind == convo.Two && l.Meta.Person != nil {
		return *l.Meta.Person
	}
	return l.Ask
}
