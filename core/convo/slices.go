package convo

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"time"

	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// Large groups. The commit that brings a group above PlainLeavesMax leaves makes it sliced for ever
// (mls.ExtSliced, spec/slices.md): from then on the keys and ciphertexts of a commit's path lie in
// a blob, which its authenticated data name, and each member reads the pieces that are for it. The
// blob is at the server before the commit is sent. Who meets such a commit holds it, and all that
// stands behind it in the log, until the pieces are there.
//
// That a blob is missing is not agreed: a server may show it to some. So who does not get it has
// lost the thread (LostSlices) and is taken in again by those who have; where nobody has got it,
// all say so to each other, and the commit is void for all.

// PlainLeavesMax is how many leaves a group has at most whose commits are those of RFC 9420. All
// must agree on it: a variable for tests alone.
var PlainLeavesMax = plainLeavesMax

const (
	// addsMax is how many leaves a commit may add; addsCrossing the same of one that makes a group
	// sliced, which still has a path over all leaves in parts.
	addsMax      = 256
	addsCrossing = 128
	// wholeBytes is up to how many bytes a blob is read whole, so that nobody sees who reads what.
	wholeBytes = 48 << 10
)

// AddsMax returns how many leaves the next commit may add.
func (c *Convo) AddsMax() int {
	if !c.g.Sliced() && c.who.leaves > addsCrossing && c.who.leaves+addsMax > PlainLeavesMax {
		return addsCrossing
	}
	return addsMax
}

// crosses reports whether a turn makes the group a large one.
func (c *Convo) crosses(t turn) bool {
	n := c.who.leaves + len(t.added) - len(t.removed)
	return n > c.who.leaves && n > PlainLeavesMax
}

// mayExtend judges the extensions besides the group state: none changes, but the group becomes
// sliced when it becomes large.
func (c *Convo) mayExtend(next *mls.Group, t turn) bool {
	return next.Sliced() == (c.g.Sliced() || c.crosses(t)) && sameOthers(c.g.Extensions(), next.Extensions())
}

// sliced takes what lies beside an own commit. Its hash is stored: a copy of the vault from before
// the commit was, and set back later, sees by it that it has made what it finds in the log.
func (c *Convo) sliced(p *Pending, s *mls.Slices) {
	if s == nil || len(s.Keys) == 0 {
		return
	}
	p.Slices = s.Blob()
	c.ghosts = append(c.ghosts[max(0, len(c.ghosts)-ghostsMax+1):], p.hash)
	var b []byte
	for _, h := range c.ghosts {
		b = append(b, h[:]...)
	}
	c.dirty.put(keyGhosts, b)
}

// ghost reports whether a message is a commit of this epoch that was made here and is no more.
func (c *Convo) ghost(h [32]byte) bool {
	return slices.Contains(c.ghosts, h)
}

func (c *Convo) loadGhosts(b []byte) {
	for ; len(b) >= 32; b = b[32:] {
		c.ghosts = append(c.ghosts, [32]byte(b))
	}
}

func newBlob() (secret [16]byte, id []byte) {
	_, _ = rand.Read(secret[:])
	b := caps.NewBlobID(secret)
	return secret, b[:]
}

// Stored tells that the Slices and Pages of the own commit that waits are where members find them: it
// may be sent. Store Changes first.
func (c *Convo) Stored() {
	if p := c.pending; p != nil && !p.Ready() {
		p.Slices, p.Pages, c.dirty.pending = nil, nil, true
	}
}

// Ready reports whether nothing is left to be put before the commit is sent.
func (p *Pending) Ready() bool { return p.Slices == nil && p.Pages == nil }

// kept is the own commit as it is stored: not before all that lies beside it is where others find it.
// After a crash it is made anew, for nobody has seen it.
func (c *Convo) kept() *Pending {
	if c.pending != nil && c.pending.Ready() {
		return c.pending
	}
	return nil
}

// Held is a commit that waits for pieces of its Slices.
type Held struct {
	Seq  plane.Seq
	Blob plane.BlobID
	msg  []byte
	need *mls.NeedSlice
	keys mls.Range // of the path's keys, for who has the tree or is getting it
}

const (
	keyHeld   = "held"
	keyGhosts = "ghosts"
	// ghostsMax bounds the own commits of an epoch that are remembered by their hashes.
	ghostsMax = 64
)

// Held returns the commit that waits, nil without one. Until Give or GiveUp the log is not read on.
func (c *Convo) Held() *Held { return c.held }

// Reads returns the ranges of the blob that are to be read.
func (h *Held) Reads() []mls.Range {
	if h.need.Total <= wholeBytes {
		return []mls.Range{{Off: 0, Len: h.need.Total}}
	}
	var list []mls.Range
	for _, r := range []mls.Range{h.keys, h.need.Proof, h.need.Slice} {
		if r.Len > 0 {
			list = append(list, r)
		}
	}
	return list
}

// keysOf returns where the keys of a commit's path are, nothing for who does not need them.
func (c *Convo) keysOf(need *mls.NeedSlice) mls.Range {
	if c.up != nil {
		return mls.Range{Len: need.Proof.Off} // they are in front of the proof
	}
	return need.Keys
}

// hold keeps a commit that needs pieces. One that names no blob is void.
func (c *Convo) hold(seq plane.Seq, msg []byte, need *mls.NeedSlice) Outcome {
	h, _ := parseHead(aadOf(msg))
	if len(h.Blob) != len(plane.BlobID{}) {
		return Void{}
	}
	c.held = &Held{Seq: seq, Blob: plane.BlobID(h.Blob), msg: msg, need: need, keys: c.keysOf(need)}
	c.dirty.put(keyHeld, append(binary.BigEndian.AppendUint64(nil, uint64(seq)), msg...))
	return Waits{}
}

func (c *Convo) letGo() {
	c.held = nil
	c.dirty.put(keyHeld, nil)
}

// Give takes what the Reads brought, in their order, and judges the commit. nil: the pieces are
// wrong, and the commit goes on waiting.
func (c *Convo) Give(now time.Time, pieces [][]byte) Outcome {
	h := c.held
	if h == nil || len(pieces) != len(h.Reads()) {
		return nil
	}
	var parts mls.SliceParts
	if h.need.Total <= wholeBytes {
		if parts = h.need.Cut(pieces[0]); h.keys.Len <= len(pieces[0]) {
			parts.Keys = pieces[0][:h.keys.Len]
		}
	} else {
		for _, x := range []struct {
			r  mls.Range
			to *[]byte
		}{{h.keys, &parts.Keys}, {h.need.Proof, &parts.Proof}, {h.need.Slice, &parts.Slice}} {
			if x.r.Len > 0 {
				*x.to, pieces = pieces[0], pieces[1:]
			}
		}
	}
	r, err := c.g.ProcessSliced(h.msg, parts, now)
	if mls.WrongSlice(err) {
		return nil
	}
	c.letGo()
	if c.up != nil {
		c.up.keys = parts.Keys
	}
	return c.took(now, h.msg, r, err)
}

// GiveUp passes over the commit that waits. Whether the others could read it is not known here.
func (c *Convo) GiveUp() {
	if c.held != nil {
		c.letGo()
		c.Lose(LostSlices)
	}
}

// loadHeld brings back the commit that waited.
func (c *Convo) loadHeld(b []byte) error {
	if len(b) < 8 {
		return ErrDamaged
	}
	seq, msg := plane.Seq(binary.BigEndian.Uint64(b)), b[8:]
	_, err := c.g.Process(msg, time.Time{})
	need, ok := err.(*mls.NeedSlice)
	h, _ := parseHead(aadOf(msg))
	if !ok || len(h.Blob) != len(plane.BlobID{}) {
		return ErrDamaged
	}
	c.held = &Held{Seq: seq, Blob: plane.BlobID(h.Blob), msg: msg, need: need, keys: c.keysOf(need)}
	return nil
}

// aadOf returns the authenticated data of a PrivateMessage of this group; what opens has them as
// they stand here.
func aadOf(msg []byte) []byte {
	if len(msg) <= contentTypeAt+1 {
		return nil
	}
	b := msg[contentTypeAt+1:]
	k := 1 << (b[0] >> 6) // bytes of the length, RFC 9000 §16
	if k > 4 || len(b) < k {
		return nil
	}
	n := int(b[0] & 0x3f)
	for _, x := range b[1:k] {
		n = n<<8 | int(x)
	}
	if b = b[k:]; n > len(b) {
		return nil
	}
	return b[:n]
}

// Sliced reports whether commits are sliced.
func (c *Convo) Sliced() bool { return c.g.Sliced() }
