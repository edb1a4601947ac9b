// Package convo keeps one conversation: an MLS group over one log.
//
// Order makes truth. Every member reads every record in order and applies one rule (Receive), so
// that all agree without asking:
//
//   - a record that does not open under the current epoch's envelope key is void;
//   - a valid commit ends the epoch; one that breaks MLS or the policy (policy.go) is void;
//   - an application message of the current epoch counts once.
//
// What is void is void for everybody, its sender included, who seals it again under the new
// epoch. No past epoch is kept. An own commit is made in full before it is sent (Begin) and takes
// effect only when it comes back from the log in winning position.
//
// A message too large for one record goes in parts, which stand where the last part stands; parts
// do not outlive the epoch (parts.go).
//
// A Convo has one owner and is not safe for concurrent use. It does no I/O: Changes tells what to
// store, before anything made from it is sent. Spec: docs/internals/architecture.md, RFC 9420.
package convo

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

var (
	// ErrPending: an own commit waits for its place; the caller waits too.
	ErrPending = errors.New("convo: a commit is under way")
	// ErrNotAllowed: the policy forbids the change to this member.
	ErrNotAllowed = errors.New("convo: not allowed")
	// ErrFull: the group would have more than plane.GroupMembersMax members.
	ErrFull = errors.New("convo: group full")
	// ErrInvitation: the invitation or its Welcome is not a valid way into a conversation.
	ErrInvitation = errors.New("convo: bad invitation")
	// ErrDamaged: stored state does not decode.
	ErrDamaged = errors.New("convo: damaged state")
)

// MLS exporter labels.
const (
	labelEnvelope = "paperplane envelope"
	labelSignal   = "paperplane signal"
	labelCaps     = "paperplane caps"
)

const (
	// gensMax bounds the generations of log keys that are kept: the newest, and those from the
	// one on under which the server still is while nobody has sent ROTATE. Each commit that takes out
	// leavers makes one, and whoever has the owner key may be away while all others leave.
	gensMax = 4096
	// windowMax is how many past links of the chain can be compared with what others have seen.
	windowMax = 512
)

// Identify checks a credential against the leaf's signature key and returns whose it is. Without a
// key it only tells whose: of a leaf that was checked when it came in.
type Identify func(identity, signatureKey []byte) (plane.PublicKey, error)

// Generation is the secret from which a generation's log keys are derived.
type Generation struct {
	_      struct{} `cbor:",toarray"`
	Gen    plane.Gen
	Secret [32]byte
}

// Convo is one member's side of a conversation.
type Convo struct {
	id       plane.LogID
	identify Identify
	g        *mls.Group
	state    State
	who      roster
	light    *known     // of a light member; nil of one with the tree
	up       *upgrading // nil: none is under way
	wall     Wall
	slots    []int  // where the posts of the wall are stored
	posts    uint64 // numbers them
	env      seal.EnvelopeKey
	past     []over // of epochs that are over, the newest last; see overtaken
	sig      seal.SignalKey
	gens     []Generation // oldest first

	cursor plane.Seq
	day    plane.Day // of the last record read
	chain  seal.HistoryHash
	known  bool // chain is the true chain up to cursor; false after expired records
	window []seen
	forked bool
	// suspect is 0, or 1 plus how many records have not opened since a commit whose secrets were
	// wrong for this leaf: see Receive.
	suspect uint8
	voids   uint8 // records in a row that did not open
	lost    Lost
	lostAt  plane.Seq
	entered time.Time // when the epoch began here; zero after a start
	came    time.Time // when this member came in; zero after a start
	begun   []Begun
	opened  plane.Seq // the last record that opened; after a start, the last one

	successor uint32 // see Successor

	leaving []uint32 // leaves that asked to go, in this epoch
	partial []*partial
	pending *Pending
	held    *Held
	ghosts  [][32]byte

	dirty changes
}

// seen is one link of the chain.
type seen struct {
	seq  plane.Seq
	hash [16]byte
}

// Pending is an own commit that waits for its place.
type Pending struct {
	Message []byte // sealed by MLS, not yet in envelopes
	Welcome []byte // for the added, when it has won
	Tag     uint64 // the caller's: which intent it serves
	// Slices is to be the blob of Secret before anything is sent; then Stored makes it nil.
	Slices []byte
	Secret [16]byte
	// Pages are those of the tree that are new with it, to be put before anything is sent, so that
	// nobody waits for them who comes in by it: then Stored makes it nil.
	Pages *TreePages
	next  *mls.Group
	hash  [32]byte
	atMS  uint64 // what it states
	turn  *turn  // nil after a restart
}

// Options says what a new conversation is.
type Options struct {
	ID         plane.LogID
	Kind       Kind
	Name       string
	Picture    []byte
	Signer     *mls.Signer
	Credential []byte
	Owner      plane.PublicKey // the founder
	Also       []plane.PublicKey
	Called     string // what the founder is called, for a group
	TTLDays    uint8
	Like       *State // a group that this one takes the place of: all but roles, links, queue and place are as there
	Identify   Identify
	Now        time.Time
}

// New makes a conversation whose only member is its founder.
func New(o Options) (*Convo, error) {
	st := State{
		Version: stateVersion, Kind: o.Kind, Name: o.Name, Picture: o.Picture, Gen: 1, TTLDays: o.TTLDays,
		Owners: inOrder(append([]plane.PublicKey{o.Owner}, o.Also...)),
	}
	if x := o.Like; x != nil {
		st.Name, st.Picture, st.About, st.TTLDays, st.Rules, st.Pins, st.Banned = x.Name, x.Picture, x.About, x.TTLDays, x.Rules, x.Pins, x.Banned
		st.Unban(o.Owner)
	}
	if err := st.check(); err != nil {
		return nil, err
	}
	g, err := mls.NewGroup(mls.GroupOptions{
		GroupID: o.ID[:], Signer: o.Signer, Credential: mls.NewBasic(o.Credential),
		Lifetime:   mls.Lifetime{NotBefore: o.Now.Add(-24 * time.Hour), NotAfter: o.Now.AddDate(10, 0, 0)},
		Extensions: extensions(&st), LeafExtensions: NameLeaf(o.Called, nil, 0), Capabilities: Capabilities(),
	})
	if err != nil {
		return nil, err
	}
	c := &Convo{id: o.ID, identify: o.Identify, known: true, day: plane.DayOf(o.Now)}
	if err := c.enter(g); err != nil {
		return nil, err
	}
	if !c.seat(g, false) {
		return nil, ErrNotAllowed
	}
	c.learn()
	return c, nil
}

func extensions(st *State) []mls.Extension {
	return []mls.Extension{mls.RequiredCapabilities([]uint16{StateExtension}, nil, nil), {Type: StateExtension, Data: st.bytes()}}
}

// Capabilities are what every leaf must claim to take part.
func Capabilities() mls.Capabilities {
	return mls.Capabilities{Extensions: []uint16{StateExtension, NameExtension, RejoinExtension}}
}

// enter makes g the current epoch.
func (c *Convo) enter(g *mls.Group) error {
	st, err := ParseState(g.Extension(StateExtension))
	if err != nil {
		return err
	}
	b, err := g.Export(labelEnvelope, nil, 32)
	if err != nil {
		return err
	}
	env, err := seal.NewEnvelopeKey(b)
	if err != nil {
		return err
	}
	if b, err = g.Export(labelSignal, nil, 32); err != nil {
		return err
	}
	if c.sig, err = seal.NewSignalKey(b); err != nil {
		return err
	}
	if c.env.Bytes() != nil {
		c.pass(over{c.env, c.entered})
	}
	c.g, c.env, c.state, c.leaving, c.suspect = g, env, st, nil, 0
	c.dropParts()
	if c.ghosts != nil {
		c.ghosts = nil
		c.dirty.put(keyGhosts, nil)
	}
	c.dirty.epoch = true
	return nil
}

// learn derives the keys of the generation that the current epoch makes.
func (c *Convo) learn() {
	b, err := c.g.Export(labelCaps, binary.BigEndian.AppendUint32(nil, uint32(c.state.Gen)), 32)
	inv.That(err == nil, "exporter gives 32 bytes")
	c.gens = append(c.gens, Generation{Gen: c.state.Gen, Secret: [32]byte(b)})
	c.gens = c.gens[max(0, len(c.gens)-gensMax):]
	c.dirty.cold = true
}

// AddFirst adds the other person of a new two-person conversation before its log exists: the
// commit is on no log, nobody else has seen epoch 0. It returns the Welcome.
func (c *Convo) AddFirst(kp *mls.KeyPackage, now time.Time) ([]byte, error) {
	p, err := c.g.Commit(mls.CommitOptions{Add: []*mls.KeyPackage{kp}, Now: now})
	if err != nil {
		return nil, err
	}
	if err := c.enter(p.Next); err != nil {
		return nil, err
	}
	if !c.seat(p.Next, false) {
		return nil, ErrNotAllowed
	}
	c.gens = nil
	c.learn()
	return p.Welcome, nil
}

// Invitation is what a joiner needs besides the Welcome.
type Invitation struct {
	_      struct{} `cbor:",toarray"`
	Log    plane.LogID
	After  plane.Seq // the joiner reads from After+1 on
	Chain  [32]byte
	Known  bool
	Gens   []Generation // of the log's keys: the newest last, the server may be at an older one
	Secret []byte       // Welcome
	Wall   Wall         // what the rules need to know
	// Into a sliced group one comes light: with proofs of the leaf that let one in and of one's own,
	// and told how many people and devices there are.
	Proofs         [][]byte
	People, Leaves uint32
}

// Invite returns the invitation that goes with a Welcome into the current epoch. It is to be
// made at once when the adding commit has won, before another record is read.
func (c *Convo) Invite(welcome []byte) Invitation {
	return Invitation{
		Log: c.id, After: c.cursor, Chain: c.chain, Known: c.known, Gens: slices.Clone(c.gens), Secret: welcome, Wall: c.wall.clone(),
		People: uint32(c.Size()), Leaves: uint32(c.Leaves()),
	}
}

// Proofs returns the Invitation's Proofs for who has come in on a leaf with the current epoch; nil
// where the joiner needs the tree, or this member has none.
func (c *Convo) Proofs(leaf uint32) [][]byte {
	if !c.g.Sliced() {
		return nil
	}
	sender, err := c.g.Proof(c.g.OwnIndex())
	own, bad := c.g.Proof(leaf)
	if err != nil || bad != nil {
		return nil
	}
	return [][]byte{sender, own}
}

// JoinOptions is what Join needs.
type JoinOptions struct {
	Invitation Invitation
	Secret     *mls.KeyPackageSecret
	Tree       []byte // nil: it is in the Welcome
	Signer     *mls.Signer
	Identify   Identify
	Now        time.Time
}

// Join enters the conversation that an invitation leads to, after checking group state and every
// member's credential. ErrInvitation covers everything that is wrong with it.
func Join(o JoinOptions) (*Convo, error) {
	var g *mls.Group
	var k *known
	var err error
	if len(o.Invitation.Proofs) == 2 {
		g, k, err = joinLight(&o)
	} else {
		g, err = mls.Join(o.Invitation.Secret, mls.JoinOptions{Secret: o.Secret, Signer: o.Signer, Tree: o.Tree})
	}
	if err != nil {
		return nil, errors.Join(ErrInvitation, err)
	}
	if string(g.ID()) != string(o.Invitation.Log[:]) {
		return nil, ErrInvitation
	}
	c := &Convo{
		id: o.Invitation.Log, identify: o.Identify, cursor: o.Invitation.After, day: plane.DayOf(o.Now),
		chain: o.Invitation.Chain, known: o.Invitation.Known, gens: slices.Clone(o.Invitation.Gens), light: k, g: g, came: o.Now,
	}
	c.who.leaves = int(o.Invitation.Leaves)
	if !c.seat(g, false) || c.Size() > plane.GroupMembersMax || c.who.leaves > LeavesMax {
		return nil, ErrInvitation
	}
	if err := c.enter(g); err != nil || len(c.gens) == 0 || len(c.gens) > gensMax || c.gens[len(c.gens)-1].Gen != c.state.Gen {
		return nil, ErrInvitation
	}
	for i := 1; i < len(c.gens); i++ {
		if c.gens[i].Gen <= c.gens[i-1].Gen {
			return nil, ErrInvitation
		}
	}
	if c.wall = o.Invitation.Wall.clone(); !c.wall.check() {
		return nil, ErrInvitation
	}
	c.saveWallWhole()
	c.dirty.cold = true
	return c, nil
}

// ID returns the conversation's log.
func (c *Convo) ID() plane.LogID { return c.id }

// State returns the group state. Its slices are not to be changed.
func (c *Convo) State() State { return c.state }

// Epoch returns the current epoch's number.
func (c *Convo) Epoch() uint64 { return c.g.Epoch() }

// Cursor returns the last record read.
func (c *Convo) Cursor() plane.Seq { return c.cursor }

// Forked reports whether two histories were seen.
func (c *Convo) Forked() bool { return c.forked }

// Generations returns the generations of log keys that are known, oldest first.
func (c *Convo) Generations() []Generation { return c.gens }

// Prune forgets the keys of generations that are over for the server, which is at gen: all but
// the one before, under which records may still be read.
func (c *Convo) Prune(gen plane.Gen) {
	n := len(c.gens)
	c.gens = slices.DeleteFunc(c.gens, func(g Generation) bool { return g.Gen+1 < gen && g.Gen < c.state.Gen })
	c.dirty.cold = c.dirty.cold || len(c.gens) != n
}

// Pending returns the own commit that waits, nil without one.
func (c *Convo) Pending() *Pending { return c.pending }

// Leaving reports whether somebody's wish to leave waits for a commit.
func (c *Convo) Leaving() bool { return len(c.leaving) > 0 }

// LeavingSelf reports whether one's own wish to leave, on this device or another of one's own, has
// its place in this epoch.
func (c *Convo) LeavingSelf() bool { return c.asked(c.Own()) }

// Deserted reports whether everybody has asked to go.
func (c *Convo) Deserted() bool {
	gone := map[plane.PublicKey]bool{}
	for _, leaf := range c.leaving {
		gone[c.at(leaf)] = true
	}
	return len(gone) >= c.Size()
}

// Lonely reports whether no other device stays: there is none, or all others have asked to go.
func (c *Convo) Lonely() bool {
	if c.light != nil {
		return c.who.leaves == 1
	}
	for i, p := range c.who.leaf {
		if p != (plane.PublicKey{}) && uint32(i) != c.g.OwnIndex() && (p == c.Own() || !c.asked(p)) {
			return false
		}
	}
	return true
}

// Rank returns how many devices stand before this one among those that stay: who is first
// commits first.
func (c *Convo) Rank() int {
	n := 0
	if c.light != nil {
		return c.who.leaves
	}
	for i, p := range c.who.leaf {
		if uint32(i) == c.g.OwnIndex() {
			break
		}
		if p != (plane.PublicKey{}) && !c.asked(p) {
			n++
		}
	}
	return n
}

// Seal protects plain as an application message of the current epoch. The ratchet moves: store
// Changes before sending. Bodies makes records of it.
func (c *Convo) Seal(plain []byte) ([]byte, error) {
	d := c.g.Digest()
	return c.g.Encrypt(plain, c.vouch(d[:]))
}

// SealLeave makes the wish to leave.
func (c *Convo) SealLeave() ([]byte, error) { return c.g.ProposeSelfRemove(c.vouch(nil)) }

// SealSignal and OpenSignal protect signals of the current epoch.
func (c *Convo) SealSignal(plain []byte) ([]byte, error) { return seal.SealSignal(c.sig, c.id, plain) }

// OpenSignal opens a signal of the current epoch; others are passed over.
func (c *Convo) OpenSignal(body []byte) ([]byte, error) { return seal.OpenSignal(c.sig, c.id, body) }

// Seen returns what messages say of the history behind them; (0, zero) when it is not known.
func (c *Convo) Seen() (plane.Seq, [16]byte) {
	if !c.known {
		return 0, [16]byte{}
	}
	return c.cursor, c.chain.Short()
}

// Compare takes what another member has seen. It returns true when this shows, for the first
// time, that the server gave two histories (or that the member lies).
func (c *Convo) Compare(n plane.Seq, hash [16]byte) bool {
	if n == 0 || !c.known || c.forked {
		return false
	}
	i, ok := slices.BinarySearchFunc(c.window, n, func(s seen, n plane.Seq) int {
		return int(min(1, max(-1, int64(s.seq)-int64(n))))
	})
	// A claim about records that this device has not read yet cannot be: every message stands
	// behind what its sender had seen. One from before the window says nothing.
	if ok && c.window[i].hash == hash || n < c.cursor && !ok {
		return false
	}
	c.forked, c.dirty.cold = true, true
	return true
}

// TakenBack takes the newest record that the server has. It returns true when this shows, for the
// first time, that records are gone that were read: their numbers will stand for others.
func (c *Convo) TakenBack(head plane.Seq) bool {
	if head >= c.cursor || c.forked {
		return false
	}
	c.forked, c.dirty.cold = true, true
	return true
}

// advance moves cursor and chain to a record.
func (c *Convo) advance(now time.Time, seq plane.Seq, body []byte) {
	if seq != c.cursor+1 {
		// The records between have expired while this device was away, or the server withholds
		// them. A record lives TTLDays, so an honest gap needs that many days of absence.
		away := int64(plane.DayOf(now)) - int64(c.day)
		if away < int64(c.state.TTLDays) && !c.forked {
			c.forked, c.dirty.cold = true, true
		}
		c.known, c.window = false, nil
		c.Lose(LostGap)
	}
	c.cursor, c.day = seq, max(c.day, plane.DayOf(now))
	c.chain = c.chain.Next(seq, body)
	if c.known {
		c.window = append(c.window, seen{seq, c.chain.Short()})
		if len(c.window) > 2*windowMax {
			c.window = slices.Clone(c.window[windowMax:])
		}
	}
	c.dirty.head = true
}

func hashOf(b []byte) [32]byte { return sha256.Sum256(b) }

// Skip moves the cursor to head when the server says that nothing before it is left.
func (c *Convo) Skip(now time.Time, head plane.Seq) {
	if head <= c.cursor {
		return
	}
	away := int64(plane.DayOf(now)) - int64(c.day)
	if away < int64(c.state.TTLDays) && !c.forked {
		c.forked, c.dirty.cold = true, true
	}
	c.known, c.window = false, nil
	c.Lose(LostGap)
	c.cursor, c.day = head, max(c.day, plane.DayOf(now))
	c.dirty.head = true
}
