// Package outbox is what waits to be sent in one conversation: messages and notes with the MLS
// messages they are sealed in, and intents, the changes of membership that become commits.
//
// An item leaves the queue only when its own record was seen in a valid place, so nothing is lost
// by a crash, a refused request or a lost race. What it was sealed in is forgotten when the epoch
// ends, for then it is void for everybody; until then the same MLS message is sent again, which
// members accept once. Order is kept, but when the server refuses one of several that are under way
// (its disk is full): those behind it then stand before it. Nothing here is safe for concurrent use.
package outbox

import (
	"crypto/sha256"
	"slices"
	"sort"
)

// Kind says what an item is. Zero is invalid.
type Kind uint8

// The kinds of items. Fixed: they are stored.
const (
	_       Kind = iota
	Message      // shown in the history
	Note         // changes or says something beside the history: edit, reaction, receipt, profile
	Leave        // the wish to leave
	Control      // not MIMI: an invitation to a group
)

// Item is one thing to send.
type Item struct {
	N      uint64   `cbor:"1,keyasint"`
	Kind   Kind     `cbor:"2,keyasint"`
	ID     [32]byte `cbor:"3,keyasint"`
	Index  uint64   `cbor:"4,keyasint,omitempty"` // of a Message: its provisional place
	Body   []byte   `cbor:"5,keyasint,omitempty"`
	SentMS uint64   `cbor:"6,keyasint,omitempty"`
	Refs   []string `cbor:"7,keyasint,omitempty"` // local files it was made from
	Waits  int      `cbor:"8,keyasint,omitempty"` // uploads not done yet
	Failed bool     `cbor:"9,keyasint,omitempty"`
	// Msg is the MLS message it is sealed in, of epoch Epoch.
	Msg   []byte `cbor:"10,keyasint,omitempty"`
	Epoch uint64 `cbor:"11,keyasint,omitempty"`
	// Profile marks a Note that says one's name: only the newest matters.
	Profile bool `cbor:"12,keyasint,omitempty"`
	// After is the message that a Note is about: the Note waits until that has its place, or
	// whoever reads the log in order would meet it before what it changes. Zero: about none.
	After [32]byte `cbor:"13,keyasint,omitzero"`

	// Expires is how many seconds after it was sent it is forgotten, 0: never.
	Expires uint32 `cbor:"14,keyasint,omitempty"`

	// Sync names what a Control to one's own devices is about: the newest unsent one is enough.
	Sync string `cbor:"20,keyasint,omitempty"`

	// At is when a Message is to be sent, ms since 1970: until then it is not ready. 0: now.
	At int64 `cbor:"21,keyasint,omitempty"`

	// Sent says that this session has sent it; Tried, that some session may have.
	Sent, Tried bool `cbor:"-"`
	hash        [32]byte
}

// Seal records the MLS message that carries the item in an epoch.
func (i *Item) Seal(msg []byte, epoch uint64) {
	i.Msg, i.Epoch, i.hash = msg, epoch, sha256.Sum256(msg)
	i.Sent, i.Tried = false, false
}

// Unseal forgets it.
func (i *Item) Unseal() {
	i.Msg, i.Epoch, i.hash = nil, 0, [32]byte{}
	i.Sent, i.Tried = false, false
}

// Ready says whether the item can go out.
func (i *Item) Ready() bool { return !i.Failed && i.Waits == 0 && i.At == 0 }

// Queue is the items of a conversation in order.
type Queue struct {
	Items []*Item
	next  uint64
}

// Add appends an item and numbers it.
func (q *Queue) Add(i *Item) *Item {
	q.next++
	i.N = q.next
	q.Items = append(q.Items, i)
	return i
}

// Restore puts a stored item back.
func (q *Queue) Restore(i *Item) {
	if i.Msg != nil {
		i.hash, i.Tried = sha256.Sum256(i.Msg), true
	}
	q.next = max(q.next, i.N)
	at, _ := slices.BinarySearchFunc(q.Items, i.N, func(x *Item, n uint64) int {
		switch {
		case x.N < n:
			return -1
		case x.N > n:
			return 1
		}
		return 0
	})
	q.Items = append(q.Items[:at:at], append([]*Item{i}, q.Items[at:]...)...)
}

// Own reports whether hash is of an MLS message that an item is sealed in.
func (q *Queue) Own(hash [32]byte) bool { return q.Sealed(hash) != nil }

// Sealed returns the item sealed in the MLS message with that hash, nil when there is none.
func (q *Queue) Sealed(hash [32]byte) *Item {
	for _, i := range q.Items {
		if i.Msg != nil && i.hash == hash {
			return i
		}
	}
	return nil
}

// Find returns the item of a message, nil when there is none.
func (q *Queue) Find(id [32]byte) *Item {
	for _, i := range q.Items {
		if i.ID == id && i.Kind == Message {
			return i
		}
	}
	return nil
}

// Behind reports whether an item waits for another to have its place.
func (q *Queue) Behind(i *Item) bool {
	return i.After != [32]byte{} && q.Find(i.After) != nil
}

// Has reports whether an item for which is is true waits.
func (q *Queue) Has(is func(*Item) bool) bool { return slices.ContainsFunc(q.Items, is) }

// Remove takes an item out.
func (q *Queue) Remove(i *Item) {
	if k := slices.Index(q.Items, i); k >= 0 {
		q.Items = slices.Delete(q.Items, k, k+1)
	}
}

// Act says what an intent changes. Zero is invalid.
type Act uint8

// The acts of intents. Fixed: they are stored.
const (
	_       Act = iota
	Add         // Persons
	Remove      // Persons; with Ban they stay out, with Erase what they wrote goes
	Set         // Name, Picture, About, Rules, Vanish
	Gone        // take out who asked to leave
	Refresh     // new keys of the log, and one's own
	Role        // Persons get Role
	Pin         // Message, On
	Unban       // Persons
	Move        // Origin, Server
)

// Intent is a wished change of membership or group state, which becomes a commit.
type Intent struct {
	N       uint64     `cbor:"1,keyasint"`
	Act     Act        `cbor:"2,keyasint"`
	Persons [][32]byte `cbor:"3,keyasint,omitempty"`
	Name    *string    `cbor:"4,keyasint,omitempty"`
	Picture []byte     `cbor:"5,keyasint,omitempty"`
	About   *string    `cbor:"6,keyasint,omitempty"`
	Rules   []byte     `cbor:"7,keyasint,omitempty"` // the caller's encoding
	Ban     bool       `cbor:"8,keyasint,omitempty"`
	Erase   bool       `cbor:"9,keyasint,omitempty"`
	Role    uint8      `cbor:"10,keyasint,omitempty"`
	Message [32]byte   `cbor:"11,keyasint,omitzero"`
	On      bool       `cbor:"12,keyasint,omitempty"`
	Vanish  *uint32    `cbor:"13,keyasint,omitempty"`
	Refs    []Ref      `cbor:"22,keyasint,omitempty"` // of an Add: the packages of the commit that was made
	Origin  string     `cbor:"20,keyasint,omitempty"`
	Server  [32]byte   `cbor:"21,keyasint,omitzero"`
}

// Ref says whose a key package is.
type Ref struct {
	_      struct{} `cbor:",toarray"`
	Person [32]byte
	Ref    []byte
}

// Intents is a conversation's intents in order.
type Intents struct {
	List []*Intent
	next uint64
}

// Add appends an intent and numbers it.
func (q *Intents) Add(i *Intent) *Intent {
	q.next++
	i.N = q.next
	q.List = append(q.List, i)
	return i
}

// Restore puts a stored intent back; they come in order of their numbers.
func (q *Intents) Restore(i *Intent) {
	q.next = max(q.next, i.N)
	q.List = append(q.List, i)
	sort.Slice(q.List, func(a, b int) bool { return q.List[a].N < q.List[b].N })
}

// Find returns the intent with the number n, nil when there is none.
func (q *Intents) Find(n uint64) *Intent {
	for _, i := range q.List {
		if i.N == n {
			return i
		}
	}
	return nil
}

// Remove takes an intent out.
func (q *Intents) Remove(i *Intent) {
	if k := slices.Index(q.List, i); k >= 0 {
		q.List = slices.Delete(q.List, k, k+1)
	}
}
