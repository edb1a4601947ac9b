package core

import (
	"paperplane/core/account"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// person is somebody one shares a conversation with.
type person struct {
	key    plane.PublicKey
	stored storedPerson
}

type storedPerson struct {
	Name   string    `cbor:"1,keyasint"`
	Inbox  [16]byte  `cbor:"2,keyasint,omitzero"` // the contact door
	Door   [16]byte  `cbor:"3,keyasint,omitzero"`
	Card   [16]byte  `cbor:"4,keyasint,omitzero"`
	Chat   string    `cbor:"5,keyasint,omitempty"` // the two-person chat
	Own    bool      `cbor:"6,keyasint,omitempty"`
	Server ServerID  `cbor:"7,keyasint,omitzero"`
	Said   plane.Seq `cbor:"8,keyasint,omitempty"`
	Return [32]byte  `cbor:"9,keyasint,omitzero"` // vouches for devices that come back by words
}

func (m *Machine) person(k plane.PublicKey) *person {
	p := m.people[k]
	if p == nil {
		p = &person{key: k}
		m.people[k] = p
	}
	return p
}

func (m *Machine) savePerson(p *person) { m.put(personKey(p.key), p.stored) }

func personKey(k plane.PublicKey) string { return "s/p/" + k.Text() }

// self is one's own account.
type self struct {
	storedSelf
	keys       *account.Keys
	inboxOwner *caps.Signer
	inboxRead  *caps.Signer
	inboxWrite *caps.Signer
}

type storedSelf struct {
	Keys       []byte   `cbor:"1,keyasint"`
	Name       string   `cbor:"2,keyasint"`
	Home       ServerID `cbor:"3,keyasint"`
	InboxOwner []byte   `cbor:"4,keyasint"`
	InboxKeys  []byte   `cbor:"5,keyasint"`
	Card       []byte   `cbor:"6,keyasint"` // card key
	Door       [16]byte `cbor:"7,keyasint"` // contact door
	NoReceipts bool     `cbor:"8,keyasint,omitempty"`
	NoTyping   bool     `cbor:"9,keyasint,omitempty"`
	// Mandates are the seeds of the mandates after the first, the newest last: that of Gen.
	Gen      uint32     `cbor:"10,keyasint,omitempty"`
	Mandates [][]byte   `cbor:"11,keyasint,omitempty"`
	Folders  []folder   `cbor:"12,keyasint,omitempty"` // newest word first
	Prefs    []chatPref `cbor:"13,keyasint,omitempty"`
}

func loadSelf(s storedSelf) (*self, error) {
	a := &self{storedSelf: s}
	var err error
	if a.keys, err = account.ParseKeys(s.Keys); err != nil {
		return nil, err
	}
	if a.keys, err = a.keys.WithMandates(s.Gen, s.Mandates); err != nil {
		return nil, err
	}
	return a, a.openInbox()
}

func (a *self) person() plane.PublicKey       { return a.keys.Person() }
func (a *self) inboxLog() plane.LogID         { return caps.NewLogID(a.inboxOwner.Public()) }
func (m *Machine) saveSelf()                  { m.put("s/account", m.acc.storedSelf) }
func (m *Machine) own(p plane.PublicKey) bool { return m.acc != nil && m.acc.person() == p }
