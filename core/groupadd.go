package core

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/mls"
	"paperplane/protocol/plane"
)

// Contacts come into a group through the two-person conversation with whoever adds them: hundreds
// by one commit, which has no path, and each gets its own part of the Welcome. The ratchet tree is
// the same for all; when it is large it goes into a blob, and the invitations wait until it is there.

const (
	// fetchesMax bounds the packages that are asked for at once.
	fetchesMax = 32
	// namesMax bounds the names in an invitation: leaves say them, too.
	namesMax = 256
	// enteringsMax bounds the invitations whose trees are being fetched.
	enteringsMax = 64
	// handedBytes is the size of the pieces in which a tree on its way is stored.
	handedBytes = 1 << 20
)

// packages fetches a key package of everybody to be added, or of the next few.
func (m *Machine) packages(c *chat, i *outbox.Intent) (ch convo.Change, ready bool) {
	if c.fetches == nil {
		c.fetches = map[plane.PublicKey]*fetch{}
	}
	ready = true
	asked := 0
	for _, f := range c.fetches {
		if f.asked && f.kp == nil && !f.failed {
			asked++
		}
	}
	var left [][32]byte
	most := c.c.AddsMax()
	i.Refs = nil
	for _, who := range i.Persons {
		if c.c.Has(who) {
			continue
		}
		left = append(left, who)
		if len(left) > most {
			continue
		}
		f := c.fetches[who]
		if f == nil {
			if ready = false; asked >= fetchesMax {
				continue
			}
			f = m.fetchPackage(c, who)
			if f.asked {
				asked++
			}
		}
		switch {
		case f.failed:
			left = left[:len(left)-1] // no way to reach them: the others are added without
		case f.kp == nil:
			ready = false
		default:
			ch.Add = append(ch.Add, f.kp)
			i.Refs = append(i.Refs, outbox.Ref{Person: who, Ref: f.kp.Ref()})
		}
	}
	if !ready {
		return ch, false
	}
	ch.WithoutTree = true
	clear(c.fetches) // a package is for one commit
	i.Persons = left
	m.put(intentKey(c.id, i.N), i)
	return ch, true
}

// handed is a ratchet tree on its way into a blob.
type handed struct {
	n      uint64
	secret [16]byte
	data   []byte
	busy   bool
}

func handedKey(id string, n uint64, piece int) string {
	return chatKey(id, fmt.Sprintf("b/%016x/%04x", n, piece))
}

// marker marks the invitations that wait for it.
func (h *handed) marker() [32]byte { return hashOf(h.secret[:]) }

// inviteAdded sends those whom an own commit has added their Welcome, in the two-person chats.
func (m *Machine) inviteAdded(c *chat, out convo.Changed, refs []outbox.Ref) {
	s := m.servers[c.Server]
	if len(out.Own.Welcome) == 0 || s == nil {
		return
	}
	g := groupInvitation{Invitation: c.c.Invite(nil), Origin: s.Origin, Server: s.id}
	for _, x := range c.c.Members() {
		if name := m.nameOf(x.Person); name != "" && len(g.Names) < namesMax {
			g.Names = append(g.Names, namedPerson{Person: x.Person, Name: name})
		}
	}
	sort.Slice(g.Names, func(a, b int) bool { return slices.Compare(g.Names[a].Person[:], g.Names[b].Person[:]) < 0 }) // slices.SortFunc of structs is 2 KB each in the browser
	var h *handed
	if c.c.Sliced() {
		// They come in light.
	} else if tree := c.c.Tree(); len(tree) <= treeInline {
		g.Tree.Whole = tree
	} else {
		h = &handed{n: c.c.Epoch()}
		g.Tree, h.secret, h.data = sealTree(tree)
	}
	sent := false
	for _, r := range refs {
		two := m.chats[m.person(r.Person).stored.Chat]
		w, err := mls.WelcomeFor(out.Own.Welcome, r.Ref)
		if two == nil || err != nil {
			continue
		}
		g.Invitation.Secret, g.Invitation.Proofs = w, c.c.Proofs(out.Seat(r.Person))
		i := &outbox.Item{Kind: outbox.Control, Body: append([]byte{controlMark}, timeline.Encode(g)...)}
		if h != nil {
			i.ID, i.Waits = h.marker(), 1
		}
		m.enqueue(m.sender(two), i)
		sent = true
	}
	if h == nil || !sent {
		return
	}
	c.handed = append(c.handed, h)
	n := 0
	for b := range slices.Chunk(append(h.secret[:], h.data...), handedBytes) {
		m.set(handedKey(c.id, h.n, n), b)
		n++
	}
	m.handTrees(c)
}

// loadHanded puts the stored pieces of trees together; they come in order.
func (c *chat) loadHanded(key string, value []byte) bool {
	a, _, _ := strings.Cut(key, "/")
	n, err := strconv.ParseUint(a, 16, 64)
	if k := len(c.handed) - 1; k < 0 || c.handed[k].n != n {
		if err != nil || len(value) < 16 {
			return false
		}
		c.handed = append(c.handed, &handed{n: n, secret: [16]byte(value), data: slices.Clone(value[16:])})
	} else {
		c.handed[k].data = append(c.handed[k].data, value...)
	}
	return true
}

// handTrees asks the driver to put trees into their blobs.
func (m *Machine) handTrees(c *chat) {
	for _, h := range c.handed {
		if !h.busy {
			h.busy = true
			m.emit(PutObject{ID: "add/" + c.id + "/" + strconv.FormatUint(h.n, 16), Server: c.Server, Secret: h.secret, Data: h.data})
		}
	}
}

// addObject takes what the driver has to say of a blob of ours; false when it is somebody else's.
func (m *Machine) addObject(in Object) bool {
	kind, id, _ := strings.Cut(in.ID, "/")
	a, b, _ := strings.Cut(id, "/")
	switch kind {
	case "add":
		if c := m.chats[a]; c != nil {
			m.handedOver(c, b, in.Code)
		}
	case "enter":
		if e := m.entering[a]; e != nil && strconv.FormatUint(uint64(e.After), 16) == b {
			m.dropEntering(a)
			var g groupInvitation
			if in.Code == plane.OK && timeline.Decode(e.Plain[1:], &g) == nil {
				if tree := g.Tree.openTree(in.Data); tree != nil {
					m.comeIn(e.By, e.Plain, tree)
				}
			}
		}
	default:
		return false
	}
	return true
}

// handedOver: a tree is in its blob, or the server takes none: then it goes into the invitations.
func (m *Machine) handedOver(c *chat, n string, code plane.Code) {
	k := slices.IndexFunc(c.handed, func(h *handed) bool { return strconv.FormatUint(h.n, 16) == n })
	if k < 0 {
		return
	}
	h := c.handed[k]
	c.handed = slices.Delete(c.handed, k, k+1)
	for i := range (16 + len(h.data) + handedBytes - 1) / handedBytes {
		m.set(handedKey(c.id, h.n, i), nil)
	}
	mark := h.marker()
	for _, two := range m.sortedChats() {
		for _, i := range two.q.Items {
			if i.Kind != outbox.Control || i.ID != mark || i.Waits == 0 {
				continue
			}
			i.Waits = 0
			var g groupInvitation
			if code != plane.OK && timeline.Decode(i.Body[1:], &g) == nil {
				g.Tree = treeRef{Whole: g.Tree.openTree(h.data)}
				i.Body = append([]byte{controlMark}, timeline.Encode(g)...)
			}
			m.saveItem(two, i)
			m.touch(two)
		}
	}
}

// fetchTree keeps an invitation while its tree is fetched.
func (m *Machine) fetchTree(by plane.PublicKey, plain []byte, g *groupInvitation) {
	id := g.Invitation.Log.Text()
	if g.Tree.Bytes > treeBytesMax || m.entering[id] == nil && len(m.entering) >= enteringsMax {
		return
	}
	e := &heldInvitation{By: by, After: g.Invitation.After, Plain: plain}
	if m.entering == nil {
		m.entering = map[string]*heldInvitation{}
	}
	m.entering[id] = e
	m.put(enteringKey(id), e)
	m.emit(GetObject{ID: "enter/" + id + "/" + strconv.FormatUint(uint64(e.After), 16), Server: g.Server, Blob: g.Tree.Blob})
}

func enteringKey(id string) string { return "s/gi/" + id }

func (m *Machine) dropEntering(id string) {
	delete(m.entering, id)
	m.set(enteringKey(id), nil)
}

// goOnAdding asks again, after a start, for the blobs that were on their way.
func (m *Machine) goOnAdding() {
	for _, c := range m.sortedChats() {
		m.handTrees(c)
	}
	ids := make([]string, 0, len(m.entering))
	for id := range m.entering {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		e := m.entering[id]
		m.dropEntering(id)
		m.comeIn(e.By, e.Plain, nil)
	}
}
