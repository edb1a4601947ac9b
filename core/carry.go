package core

import (
	"fmt"
	"slices"
	"strings"

	"paperplane/core/archive"
	"paperplane/protocol/plane"
)

// Old history for one's own new devices: whoever has let a device into a conversation makes sealed
// segments of what stood before, newest first, and tells where they are. A crash costs what the
// last segment took.

// carrying is the history of a chat that is being carried: entries before Before are to come.
type carrying struct {
	_      struct{} `cbor:",toarray"`
	Before uint64
}

// fetching is a segment on its way here.
type fetching struct {
	_      struct{} `cbor:",toarray"`
	Chat   string
	Server ServerID
	Ref    archive.Ref
	Last   uint64 // the newest place for it; 0: each entry stands where it stood
}

type refSaid struct {
	_      struct{} `cbor:",toarray"`
	Chat   string
	Server ServerID
	Ref    archive.Ref
	Last   bool // nothing stands before it
}

// carryFrom begins to carry.
func (m *Machine) carryFrom(c *chat, before uint64) {
	c.Carry, c.dirtyMeta = &carrying{Before: before}, true
	m.carry(c)
}

func (m *Machine) carry(c *chat) {
	if c.Carry != nil && c.First == "" && m.others() && !m.fetches(c.id) { // what comes here is to go on, too
		m.emit(MakeSegment{ID: "carry/" + c.carrying(), Chat: c.id, Before: c.Carry.Before})
	}
}

// carrying names the segment that is next: it may begin again from above while one is on its way,
// for another device that comes in.
func (c *chat) carrying() string { return fmt.Sprintf("%s/%x", c.id, c.Carry.Before) }

// carried returns the chat whose next segment id names, nil when it has become another.
func (m *Machine) carried(id string) *chat {
	name, _, _ := strings.Cut(id, "/")
	if c := m.chats[name]; c != nil && c.Carry != nil && c.carrying() == id {
		return c
	}
	return nil
}

// goOnCarrying does after a start what was left undone.
func (m *Machine) goOnCarrying() {
	for _, c := range m.sortedChats() {
		m.carry(c)
	}
	for i, f := range m.devs.Fetch {
		if i < carriesMax {
			m.fetchRef(f)
		}
	}
}

// carriesMax is how many segments are fetched at once.
const carriesMax = 3

func (m *Machine) segmentMade(in SegmentMade) {
	if m.keepMade(in) {
		return
	}
	id, ok := strings.CutPrefix(in.ID, "carry/")
	c := m.carried(id)
	if _, put := m.puts["seg/"+id]; !ok || c == nil || put {
		return
	}
	if in.Ref.Count == 0 {
		c.Carry, c.dirtyMeta = nil, true
		return
	}
	if m.puts == nil {
		m.puts = map[string]SegmentMade{}
	}
	m.puts["seg/"+id] = in
	m.emit(PutObject{ID: "seg/" + id, Server: c.Server, Secret: in.Secret, Data: in.Data})
}

// carryObject takes what the driver has to say of a segment's blob; false when it is none.
func (m *Machine) carryObject(in Object) bool {
	if m.keepObject(in) || m.vaultObject(in) || m.recoverObject(in) {
		return true
	}
	if id, ok := strings.CutPrefix(in.ID, "seg/"); ok {
		made := m.puts[in.ID]
		delete(m.puts, in.ID)
		c := m.carried(id)
		if c == nil || made.Ref.Count == 0 {
			return true
		}
		if in.Code != plane.OK { // a server that takes no blobs: there is no other way
			c.Carry, c.dirtyMeta = nil, true
			return true
		}
		m.tell(syncRef, "", refSaid{Chat: c.id, Server: c.Server, Ref: made.Ref, Last: made.Ref.From <= 1})
		c.Carry, c.dirtyMeta = &carrying{Before: made.Ref.From}, true
		m.carry(c)
		return true
	}
	n, ok := strings.CutPrefix(in.ID, "hist/")
	if !ok {
		return false
	}
	i := slices.IndexFunc(m.devs.Fetch, func(f fetching) bool { return f.Ref.Blob.Text() == n })
	switch {
	case i < 0:
	case in.Code != plane.OK:
		m.fetched(i)
	default:
		f := m.devs.Fetch[i]
		m.emit(OpenSegment{ID: in.ID, Chat: f.Chat, Ref: f.Ref, Data: in.Data, Person: m.acc.person(), Last: f.Last, Now: m.now.UnixMilli()})
	}
	return true
}

// fetches says whether history of a chat is on its way here.
func (m *Machine) fetches(chat string) bool {
	return slices.ContainsFunc(m.devs.Fetch, func(f fetching) bool { return f.Chat == chat })
}

// refsHeld bounds the references that are kept for chats which this device is not let into yet.
const refsHeld = 64

// givenHistory: this device has just been let into a chat. What was told of its history before is
// for it, too.
func (m *Machine) givenHistory(c *chat) {
	held := m.devs.Held
	m.devs.Held = nil
	for _, x := range held {
		m.wantHistory(x)
	}
	m.saveDevices()
}

// wantHistory takes word of a segment.
func (m *Machine) wantHistory(x refSaid) {
	c := m.chats[x.Chat]
	if c == nil || !c.alive() || c.held != nil {
		m.devs.Held = append(m.devs.Held[max(0, len(m.devs.Held)-refsHeld+1):], x)
		m.saveDevices()
		return
	}
	if _, err := archive.ParseRefs(archive.EncodeRefs([]archive.Ref{x.Ref})); err != nil || m.servers[x.Server] == nil ||
		slices.ContainsFunc(m.devs.Fetch, func(f fetching) bool { return f.Ref.Blob == x.Ref.Blob }) || c.Gap == 0 && x.Ref.To >= c.Next {
		return
	}
	f := fetching{Chat: x.Chat, Server: x.Server, Ref: x.Ref, Last: c.Gap}
	m.devs.Fetch = append(m.devs.Fetch, f)
	m.devs.All++
	m.saveDevices()
	if len(m.devs.Fetch) <= carriesMax {
		m.fetchRef(f)
	}
	m.sayState()
}

func (m *Machine) fetchRef(f fetching) {
	m.emit(GetObject{ID: "hist/" + f.Ref.Blob.Text(), Server: f.Server, Blob: f.Ref.Blob})
}

// fetched ends the fetching of a segment.
func (m *Machine) fetched(i int) {
	if c := m.chats[m.devs.Fetch[i].Chat]; c != nil {
		defer m.carry(c)
	}
	m.devs.Fetch = slices.Delete(m.devs.Fetch, i, i+1)
	if len(m.devs.Fetch) == 0 {
		m.devs.All = 0
	} else if len(m.devs.Fetch) >= carriesMax {
		m.fetchRef(m.devs.Fetch[carriesMax-1])
	}
	m.saveDevices()
	m.sayState()
}

func (m *Machine) segmentOpened(in SegmentOpened) {
	n, _ := strings.CutPrefix(in.ID, "hist/")
	i := slices.IndexFunc(m.devs.Fetch, func(f fetching) bool { return f.Ref.Blob.Text() == n })
	if i < 0 {
		return
	}
	for _, op := range in.Ops {
		if strings.HasPrefix(op.Key, "h/") || strings.HasPrefix(op.Key, "a/") || strings.HasPrefix(op.Key, "g/") {
			m.set(op.Key, op.Value)
		}
	}
	m.forgetSoon()
	if c := m.chats[m.devs.Fetch[i].Chat]; c != nil {
		if in.Count > 0 {
			c.keepAnew()
		}
		m.show(c)
	}
	m.fetched(i)
}

// syncingView is how far the history has come, in percent; nil when all is here.
func (m *Machine) syncingView() *int {
	if len(m.devs.Fetch) == 0 || m.devs.All == 0 || m.devs.Out {
		return nil
	}
	return new(100 * (m.devs.All - len(m.devs.Fetch)) / m.devs.All)
}

func (m *Machine) sayState() {
	m.emit(Emit{StateChanged{Words: m.wordsView(), Servers: m.serverList(), Syncing: m.syncingView()}})
}
