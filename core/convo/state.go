package convo

import (
	"bytes"
	"errors"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// StateExtension is the GroupContext extension that holds the group state, of the private range.
const StateExtension uint16 = 0xF0A1

// Kind says what a conversation is. Zero is invalid.
type Kind uint8

// The kinds of conversations. Fixed: they are inside the group state.
const (
	_ Kind = iota
	Two
	Group
	Saved
)

const stateVersion = 1

// Limits of the group state.
const (
	// StateBytesMax bounds the encoded group state.
	StateBytesMax = 16 << 10
	// PictureBytesMax bounds the picture in it.
	PictureBytesMax = 3000
	// leafBytesMax bounds a member's leaf in the tree: ours have about 1,500. Everybody stores the
	// tree with each epoch and every joiner fetches it, so it may not grow by one member's will.
	leafBytesMax = 2048
)

// ErrState: the bytes are not a group state. A commit or Welcome that brings them is void.
var ErrState = errors.New("convo: bad group state")

// State is what every member agrees on besides the membership. It is one GroupContext extension,
// so a member who joins gets it with the Welcome and a change is a commit.
type State struct {
	_       struct{} `cbor:",toarray"`
	Version uint8
	Kind    Kind
	Name    string
	Picture []byte
	Gen     plane.Gen         // generation of the log's keys
	Admins  []plane.PublicKey // sorted, each once
	TTLDays uint8
}

var (
	encoding = func() cbor.EncMode {
		m, err := cbor.CoreDetEncOptions().EncMode()
		if err != nil {
			panic(err) // constant options
		}
		return m
	}()
	decoding = func() cbor.DecMode {
		m, err := cbor.DecOptions{
			DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
			MaxNestedLevels: 8, MaxArrayElements: 4096, MaxMapPairs: 64, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		}.DecMode()
		if err != nil {
			panic(err) // constant options
		}
		return m
	}()
)

func encode(v any) []byte {
	b, err := encoding.Marshal(v)
	if err != nil {
		panic(err) // plain values always encode
	}
	return b
}

// ParseState reads a group state. It accepts the one encoding that bytes makes, nothing else.
func ParseState(b []byte) (State, error) {
	var s State
	if len(b) > StateBytesMax || decoding.Unmarshal(b, &s) != nil || !bytes.Equal(s.bytes(), b) {
		return State{}, ErrState
	}
	return s, s.check()
}

func (s *State) bytes() []byte { return encode(s) }

func (s *State) check() error {
	ok := s.Version == stateVersion && s.Kind >= Two && s.Kind <= Saved &&
		len(s.Picture) <= PictureBytesMax && s.Gen >= 1 &&
		s.TTLDays >= plane.TTLDaysMin && s.TTLDays <= plane.TTLDaysMax &&
		len(s.Admins) >= 1 && len(s.Admins) <= plane.GroupMembersMax &&
		slices.IsSortedFunc(s.Admins, comparePersons)
	if s.Kind == Group {
		// Faces show it as it is, terminals too: what may not be in a name does not come in here.
		name, err := content.CleanName(s.Name)
		ok = ok && err == nil && name == s.Name
	} else {
		ok = ok && s.Name == ""
	}
	for i := 1; ok && i < len(s.Admins); i++ {
		ok = s.Admins[i] != s.Admins[i-1]
	}
	if !ok {
		return ErrState
	}
	return nil
}

func comparePersons(a, b plane.PublicKey) int { return bytes.Compare(a[:], b[:]) }

// onlyNewer reports whether next differs from s in nothing but the next generation: the one
// change that a member may make who is no admin (a leaver is removed by whoever is there).
func (s State) onlyNewer(next State) bool {
	if next.Gen != s.Gen && next.Gen != s.Gen+1 {
		return false
	}
	next.Gen = s.Gen
	return bytes.Equal(next.bytes(), s.bytes())
}
