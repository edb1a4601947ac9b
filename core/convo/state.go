package convo

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"sort"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/canon"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// The extensions of ours, of the private range.
const (
	// StateExtension is the GroupContext extension that holds the group state.
	StateExtension uint16 = 0xF0A1
	// NameExtension, in a leaf, is what its person is called.
	NameExtension uint16 = 0xF0A2
	// RejoinExtension, in the leaf of a key package, is the id of the conversation in which a lost
	// member asks for it to take the place of an old leaf, and when the leaf was made. Any member may
	// do that, and with no other package: else one member could throw out another with a package
	// from its pool. A leaf under a later mandate than the first has the time alone (mandate.go).
	RejoinExtension uint16 = 0xF0A4
)

// Kind says what a conversation is. Zero is invalid.
type Kind uint8

// The kinds of conversations. Fixed: they are inside the group state.
const (
	_ Kind = iota
	Two
	Group
	Saved
)

const stateVersion = 2

// stateTimed is the head of the encoding with Vanish: an array of 17.
const stateTimed = 0x91

// Limits of the group state.
const (
	// StateBytesMax bounds the encoded group state: everything below at its most is 30 KiB.
	StateBytesMax = 32 << 10
	// PictureBytesMax bounds the picture in it, AboutBytesMax the description.
	PictureBytesMax = 3000
	AboutBytesMax   = 1000
	// LeadersMax bounds the owners and admins together.
	LeadersMax = 64
	// PinsMax bounds the pinned messages, BansMax those kept out (the oldest are forgotten), LinksMax
	// the links into the group that stand.
	PinsMax  = 10
	BansMax  = 512
	LinksMax = 32
	// SlowMax is the longest slow mode in seconds, QuarantineMax that of newcomers in hours.
	SlowMax       = 86400
	QuarantineMax = 168
	// VanishMin is the shortest life of messages that a conversation sets, in seconds.
	VanishMin = 60
	// HistoryAll is Rules.History for all there is; HistoryDaysMax the most days else.
	HistoryAll     = -1
	HistoryDaysMax = 36500
	// LeavesMax bounds the devices of all members of a group, DevicesMax those of one member. In a
	// group of more than plainLeavesMax leaves a member adds at most devicesLarge.
	LeavesMax      = 20000
	DevicesMax     = 12
	devicesLarge   = 4
	plainLeavesMax = 256
	// originMax bounds the text of a server's address.
	originMax = 255
	// leafBytesMax bounds a member's leaf in the tree: ours have about 1,500. Everybody stores the
	// tree with each epoch and every joiner fetches it, so it may not grow by one member's will.
	leafBytesMax = 2048
)

// ErrState: the bytes are not a group state. A commit or Welcome that brings them is void.
var ErrState = errors.New("convo: bad group state")

// State is what every member agrees on besides the membership. It is one GroupContext extension,
// so a member who joins gets it with the Welcome and a change is a commit. Who may change what is
// in policy.go.
type State struct {
	_       struct{} `cbor:",toarray"`
	Version uint8
	Kind    Kind
	Name    string // of a group
	Picture []byte
	About   string
	Gen     plane.Gen // generation of the log's keys
	TTLDays uint8
	Owners  []plane.PublicKey // sorted, each once, never empty; who is no member does not count
	Admins  []plane.PublicKey // the same, may be empty, none is an owner
	Rules   Rules
	Pins    [][32]byte // message ids, newest first
	Banned  []Ban      // oldest first
	Links   []Link     // oldest first
	Queue   *Queue     // nil until it is made
	Moved   *Moved     // nil: the conversation is here
	TreeKey [32]byte   // seals the pages of a large group's tree; zero in others
	Vanish  uint32     `cbor:"-"` // seconds that messages live, 0: for ever; in the encoding only when it is not 0
}

// Rules hold for everybody but owners and admins; see rules.go.
type Rules struct {
	_          struct{} `cbor:",toarray"`
	Quiet      bool     // only owners and admins post
	Slow       uint32   // seconds between two posts of one member
	Quarantine uint16   // hours until a newcomer may post
	History    int32    // days of history that a newcomer gets, HistoryAll for all
	Adders     bool     // every member adds people
	Changers   bool     // every member changes name, picture, description and pins
}

// Ban keeps a person out. With Erase all that they wrote before is deleted for everyone.
type Ban struct {
	_      struct{} `cbor:",toarray"`
	Person plane.PublicKey
	Erase  bool
}

// Link is a link into the group, by the key of its door.
type Link struct {
	_       struct{} `cbor:",toarray"`
	Door    plane.PublicKey
	Until   plane.Day // the last day
	Uses    uint16    // granted
	Approve bool      // only after an admin has said yes
	By      plane.PublicKey
}

// Queue is the log through which people come in by link and lost members come back.
type Queue struct {
	_      struct{} `cbor:",toarray"`
	Log    plane.LogID
	Secret [32]byte // of its read and write keys, and of the KEM key to which requests are sealed
	Card   [16]byte // seals its card
	Rejoin [16]byte // seed of the door for lost members
	// Gen is the generation of the queue's log that Secret is of, At that of the conversation at which
	// it was made: whoever has left since knows it.
	Gen, At plane.Gen
}

// Next returns the queue with another secret and another door, at a generation of the conversation.
func (q Queue) Next(at plane.Gen) *Queue {
	q.Gen, q.At = q.Gen+1, at
	_, _ = rand.Read(q.Secret[:])
	_, _ = rand.Read(q.Rejoin[:])
	return &q
}

// Moved says where the conversation goes on: nobody writes here any more.
type Moved struct {
	_      struct{} `cbor:",toarray"`
	Origin string
	Server [32]byte // fingerprint
	Log    plane.LogID
	Base   plane.Seq // see Convo.Base
	Gen    plane.Gen // the new log's first generation
}

var (
	// stateEncoding has one form of nothing: an empty list.
	stateEncoding = func() cbor.EncMode {
		o := cbor.CoreDetEncOptions()
		o.NilContainers = cbor.NilContainerAsEmpty
		return canon.Encoder(o)
	}()
	decoding = canon.Decoder(cbor.DecOptions{
		MaxNestedLevels: 8, MaxArrayElements: 4096, MaxMapPairs: 64, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	})
)

func encode(v any) []byte { return canon.Encode(v) }

// ParseState reads a group state. It accepts the one encoding that bytes makes, nothing else.
func ParseState(b []byte) (State, error) {
	var s State
	if len(b) > StateBytesMax || len(b) == 0 {
		return State{}, ErrState
	}
	if b[0] == stateTimed {
		base := bytes.Clone(b)
		base[0]--
		rest, err := decoding.UnmarshalFirst(base, &s)
		if err != nil || decoding.Unmarshal(rest, &s.Vanish) != nil {
			return State{}, ErrState
		}
	} else if decoding.Unmarshal(b, &s) != nil {
		return State{}, ErrState
	}
	if !bytes.Equal(s.bytes(), b) {
		return State{}, ErrState
	}
	return s, s.check()
}

func (s *State) bytes() []byte {
	b, err := stateEncoding.Marshal(s)
	if err != nil {
		panic(err) // plain values always encode
	}
	if s.Vanish != 0 { // one more element than in states without
		n, _ := stateEncoding.Marshal(s.Vanish)
		b = append(b, n...)
		b[0]++
	}
	return b
}

func (s *State) check() error {
	ok := s.Version == stateVersion && s.Kind >= Two && s.Kind <= Saved && s.Gen >= 1 &&
		s.TTLDays >= plane.TTLDaysMin && s.TTLDays <= plane.TTLDaysMax &&
		len(s.Owners) >= 1 && len(s.Owners)+len(s.Admins) <= LeadersMax && ascending(s.Owners) && ascending(s.Admins) &&
		!slices.ContainsFunc(s.Admins, func(p plane.PublicKey) bool { return slices.Contains(s.Owners, p) }) &&
		(s.Moved == nil || s.Moved.Gen >= 1 && s.Moved.Gen <= s.Gen && s.Moved.Origin != "" && len(s.Moved.Origin) <= originMax && utf8.ValidString(s.Moved.Origin))
	ok = ok && (s.Vanish == 0 || s.Vanish >= VanishMin && s.Vanish <= content.ExpiresMax)
	if s.Kind == Group {
		ok = ok && s.checkGroup()
	} else {
		bare := State{
			Version: s.Version, Kind: s.Kind, Gen: s.Gen, TTLDays: s.TTLDays, Owners: s.Owners, Moved: s.Moved, Vanish: s.Vanish,
		}
		ok = ok && bytes.Equal(bare.bytes(), s.bytes())
	}
	if !ok {
		return ErrState
	}
	return nil
}

// checkGroup checks what only groups have.
func (s *State) checkGroup() bool {
	// Faces show name and description as they are, terminals too: what may not be in them does not
	// come in here.
	name, err := content.CleanName(s.Name)
	if err != nil || name != s.Name || !cleanAbout(s.About) || len(s.Picture) > PictureBytesMax {
		return false
	}
	r := s.Rules
	if r.Slow > SlowMax || r.Quarantine > QuarantineMax || r.History < HistoryAll || r.History > HistoryDaysMax {
		return false
	}
	if len(s.Pins) > PinsMax || len(s.Banned) > BansMax || len(s.Links) > LinksMax {
		return false
	}
	for i, p := range s.Pins {
		if slices.Contains(s.Pins[:i], p) {
			return false
		}
	}
	seen := map[plane.PublicKey]bool{}
	for _, b := range s.Banned {
		if seen[b.Person] {
			return false
		}
		seen[b.Person] = true
	}
	for i, l := range s.Links {
		if l.Uses < 1 || l.Uses > plane.DoorUsesMax || slices.ContainsFunc(s.Links[:i], func(o Link) bool { return o.Door == l.Door }) {
			return false
		}
	}
	return s.Queue == nil || s.Queue.Log != plane.LogID{} && s.Queue.Gen >= 1 && s.Queue.At <= s.Gen
}

// cleanAbout says whether a description may be shown as it is: a clean text, or none.
func cleanAbout(s string) bool {
	if s == "" {
		return true
	}
	t, err := content.CleanText(s)
	return err == nil && t == s && len(s) <= AboutBytesMax
}

func ascending(list []plane.PublicKey) bool {
	for i := 1; i < len(list); i++ {
		if comparePersons(list[i-1], list[i]) >= 0 {
			return false
		}
	}
	return true
}

// BannedAt returns the place of a person among the banned, -1 when there is none.
func (s *State) BannedAt(p plane.PublicKey) int {
	return slices.IndexFunc(s.Banned, func(b Ban) bool { return b.Person == p })
}

func comparePersons(a, b plane.PublicKey) int { return bytes.Compare(a[:], b[:]) }

func inOrder(list []plane.PublicKey) []plane.PublicKey {
	sort.Slice(list, func(a, b int) bool { return comparePersons(list[a], list[b]) < 0 })
	return slices.Compact(list)
}

// clone returns a state whose lists may be changed.
func (s State) clone() State {
	s.Owners, s.Admins, s.Pins = slices.Clone(s.Owners), slices.Clone(s.Admins), slices.Clone(s.Pins)
	s.Banned, s.Links = slices.Clone(s.Banned), slices.Clone(s.Links)
	return s
}

// SetRole gives somebody a role.
func (s *State) SetRole(p plane.PublicKey, r Role) {
	drop := func(list []plane.PublicKey) []plane.PublicKey {
		return slices.DeleteFunc(list, func(q plane.PublicKey) bool { return q == p })
	}
	s.Owners, s.Admins = drop(s.Owners), drop(s.Admins)
	switch r {
	case RoleOwner:
		s.Owners = inOrder(append(s.Owners, p))
	case RoleAdmin:
		s.Admins = inOrder(append(s.Admins, p))
	}
}

// Ban keeps somebody out; the oldest is forgotten when there are too many.
func (s *State) Ban(p plane.PublicKey, erase bool) {
	s.SetRole(p, RoleMember)
	if i := s.BannedAt(p); i >= 0 {
		erase = erase || s.Banned[i].Erase
		s.Banned = slices.Delete(s.Banned, i, i+1)
	}
	s.Banned = append(s.Banned, Ban{Person: p, Erase: erase})
	s.Banned = s.Banned[max(0, len(s.Banned)-BansMax):]
}

// Unban lets somebody in again.
func (s *State) Unban(p plane.PublicKey) {
	s.Banned = slices.DeleteFunc(s.Banned, func(b Ban) bool { return b.Person == p })
}

// Pin puts a message in front of the pins, or takes it off.
func (s *State) Pin(id [32]byte, on bool) {
	s.Pins = slices.DeleteFunc(s.Pins, func(x [32]byte) bool { return x == id })
	if on {
		s.Pins = append([][32]byte{id}, s.Pins...)
	}
}
