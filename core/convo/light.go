package convo

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// Light members. Who comes into a sliced group comes in without the tree: a Welcome and two proofs,
// some KiB, and reads and writes at once. It follows every commit, and becomes a full member when it
// has fetched the tree (pages.go); it may as well stay light.
//
// What it does not know are the others: of a leaf it knows whose it is when it was proved or came in
// since, else each message says it (voucher), signed by the account that speaks. Commits are for a
// full member alone to make. What a light member cannot judge it lets pass: whom a commit removes,
// and who of the leaders is still there. So an insider who breaks the rules can lead it astray,
// where nobody else is; then the next records do not open, and it comes back like anybody who has
// lost the thread. spec/pages.md has all that it trusts.

// heardMax bounds the leaves that are known by their own word; all are forgotten when there are more.
const heardMax = 256

// voucher says whose a message is to who does not know the leaf. It is in the authenticated data of
// a sliced group's messages, in commits within commitHead.
type voucher struct {
	_          struct{} `cbor:",toarray"`
	Digest     []byte   // as in the groups that are not sliced; empty in commits
	Credential []byte
	Key        []byte // the leaf's signature key
	Name       string
}

// voucherMax bounds an encoded voucher.
const voucherMax = 1024

func parseVoucher(b []byte) (v voucher, ok bool) {
	ok = len(b) <= voucherMax && decoding.Unmarshal(b, &v) == nil && len(v.Key) > 0 && bytes.Equal(encode(v), b)
	return v, ok
}

// vouch returns the voucher of this member, nil where the group is not sliced.
func (c *Convo) vouch(digest []byte) []byte {
	if !c.g.Sliced() {
		return digest
	}
	m, err := c.g.Member(c.g.OwnIndex())
	if err != nil {
		return digest
	}
	return encode(voucher{Digest: digest, Credential: m.Credential.Identity(), Key: m.SignatureKey, Name: LeafName(m.LeafExtensions)})
}

// digestIn returns the epoch's digest that the authenticated data of an application message state.
func (c *Convo) digestIn(aad []byte) []byte {
	if v, ok := parseVoucher(aad); ok && c.g.Sliced() {
		return v.Digest
	}
	return aad
}

// known is what a light member knows of the others, besides what MLS keeps.
type known struct {
	sure   map[uint32]plane.PublicKey // of leaves that MLS knows: credentials that were checked
	heard  map[uint32]plane.PublicKey // of others: by their own word
	names  map[plane.PublicKey]string // of heard, and of who has just come in
	people int
	seats  map[plane.PublicKey][]uint32 // whose leaves are which, nil: to be made; a commit asks for each of a hundred
}

// Light reports whether this member has no tree.
func (c *Convo) Light() bool { return c.g.Light() }

// at returns whose leaf it is; zero: nobody's, or not known here.
func (c *Convo) at(leaf uint32) plane.PublicKey {
	k := c.light
	if k == nil {
		return c.who.at(leaf)
	}
	m, err := c.g.Member(leaf)
	if err != nil {
		return k.heard[leaf]
	}
	if p, ok := k.sure[leaf]; ok {
		return p
	}
	p, err := c.identify(m.Credential.Identity(), m.SignatureKey)
	if err != nil {
		return plane.PublicKey{}
	}
	k.sure[leaf] = p
	return p
}

// eachKnown calls f for the leaves whose person is known, in order: all of them to a full member.
func (c *Convo) eachKnown(f func(leaf uint32, p plane.PublicKey)) {
	if c.light == nil {
		for i, p := range c.who.leaf {
			if p != (plane.PublicKey{}) {
				f(uint32(i), p)
			}
		}
		return
	}
	var list []uint32
	for _, m := range c.g.Members() {
		list = append(list, m.Index)
	}
	for leaf := range c.light.heard {
		list = append(list, leaf)
	}
	slices.Sort(list)
	for _, leaf := range slices.Compact(list) {
		if p := c.at(leaf); p != (plane.PublicKey{}) {
			f(leaf, p)
		}
	}
}

// of returns a person's leaves, as far as they are known.
func (c *Convo) of(p plane.PublicKey) (list []uint32) {
	if c.light == nil {
		return c.who.of(p)
	}
	if c.light.seats == nil {
		c.light.seats = map[plane.PublicKey][]uint32{}
		c.eachKnown(func(leaf uint32, q plane.PublicKey) { c.light.seats[q] = append(c.light.seats[q], leaf) })
	}
	return c.light.seats[p]
}

// count returns how many leaves a person has, as far as they are known.
func (c *Convo) count(p plane.PublicKey) int {
	if c.light == nil {
		return c.who.count[p]
	}
	return len(c.of(p))
}

// has is Has for a light member: leaders are taken to be there.
func (k *known) has(c *Convo, p plane.PublicKey) bool {
	if slices.Contains(c.state.Owners, p) || slices.Contains(c.state.Admins, p) {
		return true
	}
	for _, q := range k.heard {
		if p == q {
			return true
		}
	}
	for _, q := range k.sure {
		if p == q {
			return true
		}
	}
	return c.count(p) > 0
}

// hear keeps whose a leaf is by its own word.
func (k *known) hear(leaf uint32, p plane.PublicKey, name string) {
	k.seats = nil
	if len(k.heard) >= heardMax {
		clear(k.heard)
		clear(k.names)
	}
	k.heard[leaf] = p
	if name = cleanName(name); name != "" {
		k.names[p] = name
	}
}

// process is Process, for a light member with the word of who speaks.
func (c *Convo) process(msg []byte, now time.Time) (mls.Received, error) {
	r, err := c.g.Process(msg, now)
	if err == nil || c.light == nil {
		return r, err
	}
	if need, ok := err.(*mls.NeedSlice); !errors.Is(err, mls.ErrUnknownSender) && !(ok && need.Slice.Len == 0) {
		return r, err
	}
	aad := aadOf(msg)
	if h, ok := parseHead(aad); ok && msg[contentTypeAt] == byte(mls.ContentCommit) {
		aad = h.From
	}
	v, ok := parseVoucher(aad)
	if !ok {
		return nil, mls.ErrUnknownSender
	}
	p, err := c.identify(v.Credential, v.Key)
	if err != nil || c.state.BannedAt(p) >= 0 {
		return nil, mls.ErrUnknownSender
	}
	if r, err = c.g.ProcessFrom(msg, v.Key, now); err != nil {
		return nil, err
	}
	switch r := r.(type) {
	case mls.Application:
		c.light.hear(r.Sender, p, v.Name)
	case mls.ProposalReceived:
		c.light.hear(r.Sender, p, v.Name)
	case mls.CommitReceived:
		c.light.hear(r.Committer, p, v.Name)
	}
	return r, nil
}

// allowedLight is allowed for who does not know everybody.
func (c *Convo) allowedLight(by plane.PublicKey, st State, t turn) bool {
	list := c.tally(t)
	strangers := 0 // removed leaves of whom is not known
	if x := list[plane.PublicKey{}]; x != nil {
		strangers = x.lost
		delete(list, plane.PublicKey{})
	}
	for p, x := range list {
		if x.lost > 0 && !c.asked(p) && !c.MayRemove(by, p) && x.rejoined < x.lost {
			return false
		}
		if x.got == 0 || p == by || c.MayAdd(by) && (c.Has(p) || st.BannedAt(p) < 0) {
			continue
		}
		if x.rejoined < x.got {
			return false
		}
		if n := x.got - x.lost; n > 0 { // in the place of leaves that are not known to be theirs
			if strangers -= n; strangers < 0 {
				return false
			}
		}
	}
	if n := c.who.leaves + len(t.added) - len(t.removed); n > LeavesMax && n > c.who.leaves {
		return false
	}
	return c.mayTurn(by, st, list, len(t.removed) > 0)
}

// turnLight carries what is known over a commit. stay is how many of the removed leaves that are
// not known have another in their place.
func (c *Convo) turnLight(t turn, out *Changed, stay int) {
	k := c.light
	k.seats = nil
	clear(k.sure)
	clear(k.names)
	strangers := 0
	for _, leaf := range t.removed {
		if k.heard[leaf] == (plane.PublicKey{}) {
			strangers++
		}
		delete(k.heard, leaf)
	}
	for _, s := range t.added {
		delete(k.heard, s.leaf)
		if s.name != "" {
			k.names[s.person] = s.name
		}
	}
	c.who.leaves += len(t.added) - len(t.removed)
	k.people = max(1, k.people+len(out.Added)-len(out.Removed)-len(out.Left)-max(0, stay))
}

// arrivals judges the leaves that a commit brings to a light member, each by itself.
func (c *Convo) arrivals(list []mls.Member) (out []seated, ok bool) {
	for _, m := range list {
		p, err := c.identify(m.Credential.Identity(), nil) // who speaks is checked when it does
		if err != nil || m.LeafBytes > leafBytesMax {
			return nil, false
		}
		out = append(out, seated{leaf: m.Index, person: p, rejoin: c.madeFor(m.LeafExtensions), name: LeafName(m.LeafExtensions)})
	}
	return out, true
}

// joinLight enters as a light member.
func joinLight(o *JoinOptions) (*mls.Group, *known, error) {
	i := &o.Invitation
	g, err := mls.JoinLight(i.Secret, mls.LightOptions{Secret: o.Secret, Signer: o.Signer, SenderProof: i.Proofs[0], OwnProof: i.Proofs[1]})
	if err != nil {
		return nil, nil, err
	}
	if !g.Sliced() || i.People < 1 || int64(i.People) > plane.GroupMembersMax || i.Leaves < i.People || int64(i.Leaves) > LeavesMax {
		return nil, nil, ErrInvitation
	}
	return g, newKnown(int(i.People)), nil
}

func newKnown(people int) *known {
	return &known{sure: map[uint32]plane.PublicKey{}, heard: map[uint32]plane.PublicKey{}, names: map[plane.PublicKey]string{}, people: people}
}

// storedLight is what is stored of a light member.
type storedLight struct {
	_              struct{} `cbor:",toarray"`
	People, Leaves int
}

const keyLight = "light"
