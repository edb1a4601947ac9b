package core

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"paperplane/core/account"
	"paperplane/core/archive"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/core/words"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// FetchKey asks the driver for the fingerprint of a server's key, as the server says it: what comes
// is checked against the vault. KeyFetched answers.
type FetchKey struct {
	ID     string
	Origin string
}

// KeyFetched answers FetchKey: Code is not OK when there is no server to be reached.
type KeyFetched struct {
	ID     string
	Server ServerID
	Code   plane.Code
}

func (FetchKey) effect()  {}
func (KeyFetched) input() {}

// recovering is a Recover under way. It is not stored: until its Reply nothing has happened.
type recovering struct {
	id     string
	keys   words.Keys
	words  words.Secret
	origin string
	name   string
	server ServerID
	until  time.Time
	feed   *feed
	newest *treeRef
	asked  bool
}

func (m *Machine) recover(id string, x Recover) {
	name, code := cleanName(x.Name)
	secret, err := words.Parse(x.Words)
	_, lerr := seal.ParseLink(seal.Link{Origin: x.Origin, Card: seal.NewCardKey()}.String())
	switch {
	case code != "":
	case m.acc != nil && err == nil && m.words.Kept && secret.Keys().Return.Public() == m.words.Keys.Return:
		m.reply(id, Joined{}, "") // done before, by somebody who was killed before it could be said
		return
	case m.acc != nil || m.recovery != nil:
		code = ErrNotAllowed
	case err != nil:
		code = ErrWords
	case lerr != nil:
		code = ErrBadLink
	}
	if code != "" {
		m.reply(id, nil, code)
		return
	}
	m.recovery = &recovering{id: id, words: secret, keys: secret.Keys(), origin: x.Origin, name: name, until: m.now.Add(answerMax)}
	m.emit(FetchKey{ID: id, Origin: x.Origin})
}

func (m *Machine) keyFetched(in KeyFetched) {
	r := m.recovery
	if r == nil || r.id != in.ID || r.server != (ServerID{}) {
		return
	}
	if in.Code != plane.OK {
		m.endRecovery(nil, ErrOffline)
		return
	}
	r.server = in.Server
	m.server(in.Server, r.origin).stale = true
}

func (m *Machine) endRecovery(res Result, code ErrCode) {
	r := m.recovery
	m.recovery = nil
	if s := m.servers[r.server]; s != nil && r.feed != nil {
		m.hangFeed(s, r.feed)
	}
	m.reply(r.id, res, code)
	m.forget(r.server)
}

// pumpRecovery reads the vault's log to its end and fetches what the newest record names.
func (m *Machine) pumpRecovery(s *server) {
	r := m.recovery
	if r == nil || r.server != s.id {
		return
	}
	log := caps.NewLogID(r.keys.Owner.Public())
	kem, err := seal.KEMKeyFromSeed(r.keys.KEM[:])
	inv.That(err == nil, "32 bytes")
	if r.feed == nil {
		r.feed = &feed{log: log, key: r.keys.Read, server: s.id, poke: func() { s.stale = true }, take: func(_ plane.Seq, body []byte) {
			var t treeRef
			if b := new(passReader).read(kem, log, body); b != nil && timeline.Decode(b, &t) == nil && t.Bytes > 0 && t.Bytes <= ObjectBytesMax {
				r.newest = &t
			}
		}}
	}
	m.pumpFeed(s, r.feed)
	switch {
	case r.feed.refused: // no such log; what else is wrong with the server says nothing of the words
		m.endRecovery(nil, ErrWordsNone)
	case !r.feed.here() || r.asked:
	case r.newest == nil:
		m.endRecovery(nil, ErrWordsNone)
	default:
		r.asked = true
		m.emit(GetObject{ID: "recover/" + r.id, Server: s.id, Blob: r.newest.Blob})
	}
}

func (m *Machine) recoverObject(in Object) bool {
	id, ok := strings.CutPrefix(in.ID, "recover/")
	r := m.recovery
	if !ok || r == nil || r.id != id {
		return ok
	}
	var x vaulted
	switch b := r.newest.openTree(in.Data); {
	case in.Code != plane.OK || b == nil || timeline.Decode(b, &x) != nil:
		m.endRecovery(nil, ErrWordsNone)
	case !x.Account.check(r.server):
		m.endRecovery(nil, ErrServerKey) // the vault is of another server than the one that answers
	default:
		m.recovered(r, &x)
	}
	return true
}

// recovered: this device has the account. All is stored in this Step; the chats come back by
// asking their members.
func (m *Machine) recovered(r *recovering, x *vaulted) {
	signer, err := mls.NewSigner(mls.XWing)
	inv.That(err == nil, "keys can be made")
	acc, err := x.Account.self(signer)
	if err != nil {
		m.endRecovery(nil, ErrWordsNone)
		return
	}
	m.takeSnapshot(&x.Account)
	s := m.servers[acc.Home]
	m.words = storedWords{Kept: true, Created: true, Keys: keysOfWords(r.words, m.now)}
	m.saveWords()
	m.beginSelf(s, acc)
	m.devs = devices{Gone: x.Gone}
	for _, k := range x.Devices {
		m.deviceGone(k)
	}
	m.listed(r.name)
	seed := make([]byte, caps.SeedBytes)
	_, _ = rand.Read(seed)
	m.nextMandate(seed, true)
	if c := m.saved(); c != nil {
		for _, ref := range x.Saved {
			c.Next = max(c.Next, ref.To+1)
		}
		c.dirtyNumbers = true
		m.wantRefs(c.id, s.id, x.Saved)
	}
	for _, l := range x.Chats {
		m.lose(l, s, r.keys.Return)
	}
	m.endRecovery(Joined{}, "")
	m.touchServer(s)
}

// wantRefs fetches segments, the newest first.
func (m *Machine) wantRefs(chat string, srv ServerID, refs []archive.Ref) {
	for _, ref := range slices.Backward(refs) {
		if _, err := archive.ParseRefs(archive.EncodeRefs([]archive.Ref{ref})); err != nil {
			continue
		}
		f := fetching{Chat: chat, Server: srv, Ref: ref}
		m.devs.Fetch = append(m.devs.Fetch, f)
		m.devs.All++
		if len(m.devs.Fetch) <= carriesMax {
			m.fetchRef(f)
		}
	}
	m.saveDevices()
}

// lose begins to find back into a conversation of the vault.
func (m *Machine) lose(l lostChat, home *server, back *caps.Signer) {
	id := l.Log.Text()
	if l.Alone != nil && l.Queue == (plane.LogID{}) && m.servers[l.Meta.Server] != nil && l.Meta.State == chatOpen {
		m.anew(l, home)
		return
	}
	if m.servers[l.Meta.Server] == nil || l.Meta.State != chatOpen && l.Meta.State != chatWaiting || m.waitOf(id) != nil {
		return
	}
	x := storedWait{Server: l.Meta.Server, Again: true, Chat: l.Log, Name: l.Name, Lost: &l}
	for _, k := range append([][32]byte{l.Key}, l.Also...) {
		sig := account.SignReturn(back, l.Log, k, m.deviceKey())
		x.Return = append(x.Return, sig[:]...)
	}
	switch {
	case l.Kind == convo.Group && l.Queue != plane.LogID{}:
		x.Queue, x.Door, x.Card = l.Queue, l.Door, l.Card
	case l.who() != plane.PublicKey{}:
		p := m.person(l.who())
		x.Inbox, x.Queue, x.Door, x.Card = true, plane.LogID(p.stored.Inbox), p.stored.Door, p.stored.Card
	default:
		return
	}
	m.newWait(x)
	m.wantRefs(id, home.id, l.Refs)
}

// anew makes a group again in which nobody else is, as Saved: nobody can let this device in, and nobody
// is left behind. The old log, whose keys are lost, expires.
func (m *Machine) anew(l lostChat, home *server) *chat {
	c := m.makeGroup(l.Meta.Server, l.Name, nil, l.Alone)
	m.enterState(c)
	c.Draft, c.At = l.Meta.Draft, l.Numbers.At
	for _, ref := range l.Refs {
		c.Next = max(c.Next, ref.To+1)
	}
	m.wantRefs(c.id, home.id, l.Refs)
	m.back(c, "device")
	return c
}

// nobodyElse makes a group again that somebody may have come into by its queue since the vault was written,
// and where nobody answers.
func (m *Machine) nobodyElse(w *waiting) bool {
	if w.Lost == nil || w.Lost.Alone == nil || w.Entered != 0 || m.servers[w.Server] == nil || m.chats[w.Chat.Text()] != nil {
		return false
	}
	m.emit(Emit{ChatGone{Chat: w.Chat.Text()}})
	c := m.anew(*w.Lost, m.servers[m.acc.Home])
	for _, i := range w.Said {
		m.setPairs(timeline.Drop(w.Chat.Text(), i.ID, i.Index)...)
		i.ID = content.NewMessageID(m.acc.person(), c.log, i.Body)
	}
	m.takeSaid(c, w)
	m.dropWait(w)
	return true
}

// foundAgain puts what the vault knew into a conversation that has taken this device in again, and
// keeps room for what was said since.
func (m *Machine) foundAgain(c *chat, w *waiting, after plane.Seq) {
	l := w.Lost
	c.Owner, c.Person, c.Draft, c.First, c.Started = l.Meta.Owner, l.Meta.Person, l.Meta.Draft, l.Meta.First, l.Meta.Started
	if c.Owner != nil {
		if k, err := caps.SignerFromSeed(c.Owner); err == nil {
			c.owner = k
		}
	}
	c.chatNumbers = l.Numbers
	if w.Missed = uint64(after - min(after, l.Cursor)); w.Missed > 0 {
		c.Next += 2*w.Missed + 64
		w.Last = c.Next - 1
	}
	c.Waiting, c.Created, c.dirtyMeta, c.dirtyNumbers = 0, true, true, true
	if c.Person != nil {
		m.befriend(c, *c.Person)
	}
	m.takeSaid(c, w)
}
