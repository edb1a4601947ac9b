package core

import (
	"slices"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// ownLinksMax bounds the links to oneself that are remembered; the oldest are forgotten.
const ownLinksMax = 64

// ownLink is a link to oneself that stands. Gone: its door is to be closed.
type ownLink struct {
	_     struct{} `cbor:",toarray"`
	Door  [16]byte
	Uses  uint16
	Until plane.Day
	Gone  bool
}

// ownLinkText is the text of the link whose door has that seed.
func (m *Machine) ownLinkText(door [16]byte) string {
	s := m.servers[m.acc.Home]
	card, err := seal.CardKeyFromBytes(m.acc.Card)
	if err != nil || s == nil {
		return ""
	}
	return seal.Link{
		Origin: s.Origin, Server: s.id, Inbox: m.acc.inboxLog(), Door: door, Card: card,
		Account: seal.AccountFingerprint(m.acc.person()), HasAccount: true,
	}.String()
}

// keepLink remembers a link, and forgets those that are over.
func (m *Machine) keepLink(l ownLink) {
	b := &m.inbox.stored
	today := plane.DayOf(m.now)
	b.Links = slices.DeleteFunc(b.Links, func(o ownLink) bool { return o.Until < today })
	b.Links = append(b.Links[max(0, len(b.Links)-ownLinksMax+1):], l)
	m.saveInbox()
}

// ownLinks lists the links to oneself. How often one was used only the server knows.
func (m *Machine) ownLinks() Links {
	out := Links{Links: []LinkState{}}
	for _, l := range m.inbox.stored.Links {
		if !l.Gone && l.Until >= plane.DayOf(m.now) {
			out.Links = append(out.Links, LinkState{
				ID: caps.DoorSigner(l.Door).Public().Text(), Link: m.ownLinkText(l.Door), Uses: int(l.Uses),
				Until: l.Until.Start().Format(time.DateOnly), By: m.acc.Name,
			})
		}
	}
	return out
}

// revokeOwn withdraws a link to oneself; its door is closed as soon as the server is there.
func (m *Machine) revokeOwn(id string) ErrCode {
	door, err := plane.ParsePublicKey(id)
	if err != nil {
		return ErrBadArguments
	}
	for i, l := range m.inbox.stored.Links {
		if caps.DoorSigner(l.Door).Public() == door {
			m.inbox.stored.Links[i].Gone = true
			m.saveInbox()
			if s := m.servers[m.acc.Home]; s != nil {
				s.stale = true
			}
		}
	}
	return ""
}

// closeLinks closes the doors of withdrawn links.
func (m *Machine) closeLinks(s *server) {
	b := &m.inbox
	for _, l := range b.stored.Links {
		if !l.Gone || b.closing {
			continue
		}
		b.closing = true
		m.sendInbox(s, wire.Door{Handle: b.own, Key: caps.DoorSigner(l.Door).Public(), Left: 0, Until: plane.DayOf(m.now)}, func(a wire.Answer) {
			b.closing = false
			if codeOf(a) != plane.OK {
				m.delay(s)
				return
			}
			b.stored.Links = slices.DeleteFunc(b.stored.Links, func(o ownLink) bool { return o.Door == l.Door })
			m.saveInbox()
		})
	}
}
