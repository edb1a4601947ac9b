package core

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"time"

	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// What an answer says when it lets nobody in.
const (
	passCurrent = "current" // one is where the others are
	passOut     = "out"     // one is no member any more
	passNo      = "no"      // an admin has said no
	passGone    = "gone"    // the link is withdrawn, used up or over
	passBanned  = "banned"
	passFull    = "full"
)

// pass is the answer to a knock: a way in, or why there is none.
type pass struct {
	_          struct{} `cbor:",toarray"`
	Why        string   // "": a way in
	By         plane.PublicKey
	Sig        plane.Signature // with Why: of an account that is a member
	Digest     [8]byte         // with passCurrent
	Invitation convo.Invitation
	Tree       treeRef
	Queue      plane.Seq // the queue up to here is old for who comes in
	Seq        plane.Seq // place of the knock
	History    []byte    // with passHistory: archive.EncodeRefs
	Begun      []convo.Begun
}

// treeRef says where the ratchet tree is; empty in a sliced group, see convo.Invitation.
type treeRef struct {
	_     struct{} `cbor:",toarray"`
	Whole []byte   // the tree itself, when it is small
	Blob  plane.BlobID
	Key   []byte // seal.BlobKey
	Hash  [32]byte
	Bytes uint32
}

const (
	// treeInline is up to how many bytes the tree goes into each answer; a larger one goes into a
	// blob, once for all whom a commit lets in.
	treeInline = 24 << 10
	// treeBytesMax bounds the tree that a joiner fetches.
	treeBytesMax = ObjectBytesMax / plane.BlobChunkBytes * seal.ChunkPlainMax
	// repliesMax is how many answers are delivered at once.
	repliesMax = 16
	// passPartsMax bounds the records of an answer, and passHead the bytes in its first one.
	passPartsMax = 128
	passHead     = seal.RequestPayloadMax - 34
	passPart     = seal.RecordPayloadMax - 2
)

// reply is an answer to be delivered; with Why set it stands alone, else its share has the rest.
type reply struct {
	N       uint64      `cbor:"1,keyasint"`
	Share   uint64      `cbor:"2,keyasint,omitempty"`
	Seq     plane.Seq   `cbor:"3,keyasint,omitempty"`
	Log     plane.LogID `cbor:"4,keyasint"`
	Write   []byte      `cbor:"5,keyasint"`
	KEM     []byte      `cbor:"6,keyasint"`
	Welcome []byte      `cbor:"7,keyasint,omitempty"`
	Why     string      `cbor:"8,keyasint,omitempty"`
	Digest  [8]byte     `cbor:"9,keyasint,omitzero"`
	History []byte      `cbor:"10,keyasint,omitempty"`
	Proofs  [][]byte    `cbor:"11,keyasint,omitempty"` // into a sliced group

	busy    bool
	tries   int
	retryAt time.Time
}

// share is what the answers to all whom one commit let in have in common.
type share struct {
	N      uint64   `cbor:"1,keyasint"`
	Head   []byte   `cbor:"2,keyasint"`          // pass
	Secret [16]byte `cbor:"3,keyasint,omitzero"` // of the blob that is still to be put
	Data   []byte   `cbor:"4,keyasint,omitempty"`

	busy bool
}

func replyKey(id string, n uint64) string { return chatKey(id, fmt.Sprintf("y/%016x", n)) }
func shareKey(id string, n uint64) string { return chatKey(id, fmt.Sprintf("z/%016x", n)) }

// askFirst is the first of the numbers that requests outside of a queue get.
const askFirst plane.Seq = 1 << 62

// judgeAll looks at every knock: some are over, or can be refused.
func (m *Machine) judgeAll(c *chat) {
	q := c.qu()
	for _, k := range slices.Clone(q.knocks) {
		if why, over := m.judge(c, k); over {
			if why != "" {
				m.answerKnock(c, k, why)
			}
			if why == passCurrent {
				m.tellAgain(c, storedAdmit{Reply: k.k.Reply, Write: k.k.Write, KEM: k.k.KEM, Since: k.k.Cursor, Person: k.k.Account})
			}
			m.settleKnock(c, k)
		}
	}
}

// settleKnock: nothing more is to be done about a knock.
func (m *Machine) settleKnock(c *chat, k *knocked) {
	q := c.qu()
	if k.seq >= askFirst {
		q.Asks = slices.DeleteFunc(q.Asks, func(b []byte) bool {
			var x account.Knock
			return timeline.Decode(b, &x) == nil && x.Reply == k.k.Reply
		})
		q.dirty = true
	}
	q.settle(k.seq)
	m.show(c)
	m.emit(Emit{KnocksChanged{Chat: c.id}})
}

// judge says whether a knock is over and, when it is for this device to say, why.
func (m *Machine) judge(c *chat, k *knocked) (why string, over bool) {
	if slices.ContainsFunc(c.qu().Batch, func(b storedAdmit) bool { return b.Reply == k.k.Reply }) {
		return "", false
	}
	st := c.c.State()
	if m.own(k.k.Account) && string(k.kp.SignatureKey()) == string(m.acc.keys.Device().Public()) {
		return "", true // one's own: for others
	}
	if !m.goesOn(c) {
		return "", false // what is known here is old
	}
	if k.k.Again && k.k.Digest == c.c.Digest() {
		// Any member knows the digest; what follows is for the one whose leaf it is.
		if _, ok := c.c.LeafOf(k.k.Account, k.k.Old[:]); ok {
			return passCurrent, true
		}
	}
	if !m.upToDate(c) && !behind(c, k) {
		return "", false
	}
	if k.k.Again {
		if _, ok := c.c.LeafOf(k.k.Account, k.k.Old[:]); ok {
			k.split = k.k.Digest != [8]byte{} && k.k.Epoch >= c.c.Epoch()
			return "", false
		}
	}
	if _, ok := c.c.LeafOf(k.k.Account, k.kp.SignatureKey()); ok {
		if !k.in {
			// Somebody let them in and tells them now; if nothing is heard of that, we do it again.
			k.in, k.due = true, m.now.Add(takeOver+m.gather(c))
		}
		return "", false
	}
	k.in = false
	switch {
	case k.k.Again:
		return passOut, true
	case !mayAdd(c):
		return "", false
	}
	i := slices.IndexFunc(st.Links, func(l convo.Link) bool { return l.Door == k.k.Door })
	switch {
	case st.BannedAt(k.k.Account) >= 0:
		return passBanned, true
	case c.c.Size() >= plane.GroupMembersMax || c.c.Leaves() >= convo.LeavesMax:
		return passFull, true
	case i < 0 || plane.DayOf(m.now) > st.Links[i].Until || c.qu().used(k.k.Door) >= int(st.Links[i].Uses):
		return passGone, true
	case c.c.Has(k.k.Account):
		return passGone, true
	}
	return "", false
}

// ready says whether a knock can be answered by letting in now.
func (m *Machine) ready(c *chat, k *knocked) bool {
	if k.in {
		return !m.now.Before(k.due)
	}
	if !m.upToDate(c) && !behind(c, k) {
		return false
	}
	if k.k.Again {
		_, ok := c.c.LeafOf(k.k.Account, k.k.Old[:])
		return ok
	}
	if !mayAdd(c) {
		return false
	}
	for _, l := range c.c.State().Links {
		if l.Door == k.k.Door {
			return !l.Approve || slices.Contains(c.qu().Yes, said{Seq: k.seq, Who: k.k.Account})
		}
	}
	return false
}

// used counts whom a link has let in, as far as this device has seen.
func (q *queue) used(door plane.PublicKey) int {
	for _, u := range q.Used {
		if u.Door == door {
			return u.N
		}
	}
	return 0
}

func (q *queue) count(door plane.PublicKey) {
	q.dirty = true
	for i := range q.Used {
		if q.Used[i].Door == door {
			q.Used[i].N++
			return
		}
	}
	q.Used = append(q.Used[max(0, len(q.Used)-usedMax+1):], usedLink{Door: door, N: 1})
}

// admit makes the commit that lets in who has knocked.
func (m *Machine) admit(c *chat) {
	q := c.qu()
	if c.c.Pending() != nil {
		return
	}
	if len(q.Batch) > 0 {
		q.Batch, q.dirty = nil, true // it was given up
	}
	if c.c.Leaving() || c.State != chatOpen && c.State != chatWaiting || !m.goesOn(c) {
		return
	}
	var list []*knocked
	due := false
	links := map[plane.PublicKey]int{}
	for _, k := range q.knocks {
		ready := m.ready(c, k)
		k.act = ready || k.in && m.now.Before(k.due)
		if !ready || len(list) == admitMax {
			continue
		}
		if !k.k.Again && !k.in {
			if u := q.used(k.k.Door) + links[k.k.Door]; u >= usesOf(c.c.State(), k.k.Door) {
				k.act = false
				continue
			}
			links[k.k.Door]++
		}
		list = append(list, k)
		due = due || !m.now.Before(k.due)
	}
	if !due {
		return
	}
	_, err := m.beginAdmit(c, list)
	if err != nil && len(list) > 1 {
		// One of them spoils it for all: they come one at a time, and that one not at all.
		for _, k := range list {
			if _, err = m.beginAdmit(c, []*knocked{k}); err == nil {
				return
			}
			m.settleKnock(c, k)
		}
	} else if err != nil {
		m.settleKnock(c, list[0])
	}
}

func usesOf(st convo.State, door plane.PublicKey) int {
	for _, l := range st.Links {
		if l.Door == door {
			return int(l.Uses)
		}
	}
	return 0
}

// beginAdmit begins a commit with those of list whom the policy lets in; used says which.
func (m *Machine) beginAdmit(c *chat, list []*knocked) (used []bool, err error) {
	ch := convo.Change{WithoutTree: true, Tag: tagAdmit}
	used = make([]bool, len(list))
	come := map[plane.PublicKey]bool{}
	for i, k := range list {
		old := k.k.Old
		if k.in {
			old = plane.PublicKey(k.kp.SignatureKey())
		}
		leaf, is := c.c.LeafOf(k.k.Account, old[:])
		switch {
		case come[k.k.Account]:
			continue // one leaf of a person at a time
		case k.k.Again || k.in:
			if !is || leaf == c.c.OwnLeaf() {
				continue
			}
			ch.Leaves = append(ch.Leaves, leaf)
		case c.c.Has(k.k.Account):
			continue
		default:
			if !slices.Contains(ch.Doors, k.k.Door) {
				ch.Doors = append(ch.Doors, k.k.Door)
			}
		}
		come[k.k.Account], used[i] = true, true
		ch.Add = append(ch.Add, k.kp)
	}
	sort.Slice(ch.Doors, func(a, b int) bool { return slices.Compare(ch.Doors[a][:], ch.Doors[b][:]) < 0 })
	if len(ch.Add) == 0 {
		return used, convo.ErrNotAllowed
	}
	if _, err := c.c.Begin(ch, m.now); err != nil {
		return nil, err
	}
	q := c.qu()
	q.Batch, q.dirty = nil, true
	for i, k := range list {
		if used[i] {
			q.Batch = append(q.Batch, storedAdmit{Seq: k.seq, Ref: k.kp.Ref(), Reply: k.k.Reply, Write: k.k.Write, KEM: k.k.KEM, Since: k.k.Cursor, Again: k.k.Again, Person: k.k.Account})
		}
	}
	m.touch(c)
	return used, nil
}

// mayAdd says whether one may add people to a chat.
func mayAdd(c *chat) bool { return c.c.MayAdd(c.c.Own()) }

// admitted: the own commit that lets people in has won. What they are to be told is stored with it.
func (m *Machine) admitted(c *chat, out convo.Changed) {
	q := c.qu()
	h := pass{Invitation: c.c.Invite(nil), Queue: q.low(), Begun: c.c.Begun()}
	q.Next++
	x := &share{N: q.Next}
	if c.c.Sliced() {
		// They come in light.
	} else if tree := c.c.Tree(); len(tree) <= treeInline {
		h.Tree.Whole = tree
	} else {
		h.Tree, x.Secret, x.Data = sealTree(tree)
	}
	x.Head = timeline.Encode(h)
	q.shares = append(q.shares, x)
	m.put(shareKey(c.id, x.N), x)
	if !m.upToDate(c) {
		c.c.Found() // nobody has come further: from here on all go on together, under new keys
		m.healed(c)
	}
	m.tellEarlier(c)
	split := false
	for _, b := range q.Batch {
		w, err := mls.WelcomeFor(out.Own.Welcome, b.Ref)
		if err != nil {
			continue
		}
		m.putReply(c, &reply{Share: x.N, Seq: b.Seq, Log: b.Reply, Write: b.Write, KEM: b.KEM, Welcome: w, Proofs: c.c.Proofs(out.Seat(b.Person))})
		for _, k := range q.knocks {
			if k.seq == b.Seq && !k.k.Again && !k.in {
				q.count(k.k.Door)
			}
			if k.seq == b.Seq {
				split = split || k.split
				if k.k.Again && k.k.Digest == [8]byte{} {
					m.hintAll(b.Person)
				}
			}
		}
		if b.Seq >= askFirst {
			q.Asks = nil
		}
		q.settle(b.Seq)
	}
	q.Batch, q.dirty = nil, true
	m.emit(Emit{KnocksChanged{Chat: c.id}})
	if split {
		m.suspect(c)
	}
}

// heard: who writes is in, and needs nothing more.
func (m *Machine) heard(c *chat, who plane.PublicKey) {
	if c.queue == nil {
		return
	}
	for _, k := range slices.Clone(c.queue.knocks) {
		if k.in && k.k.Account == who {
			m.settleKnock(c, k)
		}
	}
}

// overtaken: another commit has won. Who has come in by it is told by its maker.
func (m *Machine) overtaken(c *chat) {
	q := c.queue
	if q == nil {
		return
	}
	if len(q.Batch) > 0 {
		q.Batch, q.dirty = nil, true
	}
	for _, k := range q.knocks {
		if !k.in && k.due.Before(m.now) {
			k.due = m.now.Add(m.gather(c))
		}
	}
}

// sealTree puts a tree into the chunks of a blob.
func sealTree(tree []byte) (r treeRef, secret [16]byte, data []byte) {
	_, _ = rand.Read(secret[:])
	key := seal.NewBlobKey()
	n := seal.Chunks(int64(len(tree)))
	for i := range n {
		b, err := seal.SealChunk(key, i, n, tree[i*seal.ChunkPlainMax:min(len(tree), (i+1)*seal.ChunkPlainMax)])
		inv.That(err == nil, "a tree fits")
		data = append(data, b...)
	}
	return treeRef{Blob: caps.NewBlobID(secret), Key: key.Bytes(), Hash: hashOf(tree), Bytes: uint32(len(tree))}, secret, data
}

// openTree is the inverse of sealTree.
func (r *treeRef) openTree(data []byte) []byte {
	key, err := seal.BlobKeyFromBytes(r.Key)
	n := seal.Chunks(int64(r.Bytes))
	if err != nil || len(data) != n*plane.BlobChunkBytes {
		return nil
	}
	var tree []byte
	for i := range n {
		b, err := seal.OpenChunk(key, i, n, data[i*plane.BlobChunkBytes:(i+1)*plane.BlobChunkBytes])
		if err != nil {
			return nil
		}
		tree = append(tree, b...)
	}
	if hashOf(tree) != r.Hash {
		return nil
	}
	return tree
}

// answerKnock tells somebody why they do not come in.
func (m *Machine) answerKnock(c *chat, k *knocked, why string) {
	r := &reply{Seq: k.seq, Log: k.k.Reply, Write: k.k.Write, KEM: k.k.KEM, Why: why}
	if why == passCurrent {
		r.Digest = k.k.Digest
	}
	m.putReply(c, r)
}

func (m *Machine) putReply(c *chat, r *reply) {
	q := c.qu()
	q.Next++
	r.N, q.dirty = q.Next, true
	q.replies = append(q.replies, r)
	m.put(replyKey(c.id, r.N), r)
	m.touch(c)
}

func (m *Machine) dropReply(c *chat, r *reply) {
	q := c.qu()
	if i := slices.Index(q.replies, r); i >= 0 {
		q.replies = slices.Delete(q.replies, i, i+1)
	}
	m.set(replyKey(c.id, r.N), nil)
	if r.Share != 0 && !slices.ContainsFunc(q.replies, func(o *reply) bool { return o.Share == r.Share }) {
		q.shares = slices.DeleteFunc(q.shares, func(x *share) bool { return x.N == r.Share })
		m.set(shareKey(c.id, r.Share), nil)
	}
}

// deliver puts trees into blobs and answers into their logs.
func (m *Machine) deliver(s *server, c *chat) {
	q := c.qu()
	for _, x := range q.shares {
		if x.Data != nil && !x.busy {
			x.busy = true
			m.emit(PutObject{ID: fmt.Sprintf("tree/%s/%d", c.id, x.N), Server: s.id, Secret: x.Secret, Data: x.Data})
		}
	}
	for _, r := range slices.Clone(q.replies) {
		if r.busy || q.sending >= repliesMax || m.now.Before(r.retryAt) {
			continue
		}
		r.retryAt = time.Time{}
		p := pass{Why: r.Why, Seq: r.Seq, Digest: r.Digest, History: r.History}
		if r.Share != 0 {
			i := slices.IndexFunc(q.shares, func(x *share) bool { return x.N == r.Share })
			if i < 0 {
				m.dropReply(c, r)
				continue
			}
			if q.shares[i].Data != nil {
				continue // its tree is on the way
			}
			inv.That(timeline.Decode(q.shares[i].Head, &p) == nil, "an own answer decodes")
			p.Seq, p.Invitation.Secret, p.Invitation.Proofs = r.Seq, r.Welcome, r.Proofs
		} else {
			p.By = m.acc.person()
			p.Sig = m.acc.keys.SignPass(p.said(r.Log))
		}
		bodies, err := sealPass(r.KEM, r.Log, timeline.Encode(p))
		if err != nil {
			m.dropReply(c, r) // the key on the knock is none
			continue
		}
		m.sendReply(s, c, r, bodies)
	}
}

// said is what SignPass signs.
func (p pass) said(log plane.LogID) [32]byte {
	return hashOf(timeline.Encode([]any{log[:], p.Why, p.Digest[:], p.By[:], p.History}))
}

// putTree: a tree's blob is at the server, or the server takes none.
func (m *Machine) putTree(chat string, n uint64, code plane.Code) {
	c := m.chats[chat]
	if c == nil || c.queue == nil {
		return
	}
	for _, x := range c.queue.shares {
		if x.N != n || x.Data == nil {
			continue
		}
		if code != plane.OK {
			var p pass
			inv.That(timeline.Decode(x.Head, &p) == nil, "an own answer decodes")
			p.Tree = treeRef{Whole: p.Tree.openTree(x.Data)}
			x.Head = timeline.Encode(p)
		}
		x.Data, x.Secret, x.busy = nil, [16]byte{}, false
		m.put(shareKey(c.id, x.N), x)
		m.touch(c)
	}
}

// sendReply opens the log of an answer, writes and closes it.
func (m *Machine) sendReply(s *server, c *chat, r *reply, bodies [][]byte) {
	q, life := c.qu(), s.life
	write, err := caps.SignerFromSeed(r.Write)
	if err != nil {
		m.dropReply(c, r)
		return
	}
	r.busy = true
	q.sending++
	end := func(code plane.Code) {
		q.sending--
		r.busy = false
		m.touch(c)
		switch code {
		case plane.OK:
			if r.Seq != 0 && r.Seq < askFirst {
				q.marks = append(q.marks, r.Seq)
			}
			m.dropReply(c, r)
		case plane.Refused, plane.Closed, plane.TooLarge, plane.Malformed:
			m.dropReply(c, r) // nobody waits there any more
		default:
			r.retryAt = m.now.Add(backoff(r.tries))
			r.tries++
		}
	}
	send := func(x wire.Request, then func(wire.Answer)) {
		m.send(s, x, func(a wire.Answer) {
			if q.life == life {
				m.contain(c, func() { then(a) })
			}
		})
	}
	send(s.open(r.Log, wire.RoleWrite, 1, write), func(a wire.Answer) {
		o, ok := a.(wire.Opened)
		if !ok {
			end(codeOf(a))
			return
		}
		left, worst := len(bodies), plane.OK
		for _, b := range bodies {
			send(wire.Append{Handle: o.Handle, Body: b}, func(a wire.Answer) {
				if code := codeOf(a); code != plane.OK {
					worst = code
				}
				if left--; left == 0 {
					m.send(s, wire.Close{Handle: o.Handle}, func(wire.Answer) {})
					end(worst)
				}
			})
		}
	})
}

// sealPass seals an answer into records: the first holds the key of the others, sealed to the KEM
// key of the asker.
func sealPass(kem []byte, log plane.LogID, plain []byte) ([][]byte, error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	key, err := seal.NewEnvelopeKey(raw)
	if err != nil {
		return nil, err
	}
	rest := plain[min(len(plain), passHead):]
	n := 1 + (len(rest)+passPart-1)/passPart
	if n > passPartsMax {
		return nil, seal.ErrTooLarge
	}
	_, s, err := seal.NewRequestSealer(kem, log)
	if err != nil {
		return nil, err
	}
	first, err := s.Seal(append(binary.BigEndian.AppendUint16(raw, uint16(n)), plain[:min(len(plain), passHead)]...))
	if err != nil {
		return nil, err
	}
	out := [][]byte{first}
	for i := 1; i < n; i++ {
		b, err := seal.SealRecord(key, log, append(binary.BigEndian.AppendUint16(nil, uint16(i)), rest[(i-1)*passPart:min(len(rest), i*passPart)]...))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// passReader puts the records of answers together.
type passReader struct {
	open []*openPass
}

type openPass struct {
	key  seal.EnvelopeKey
	have [][]byte
	left int
}

// opensMax bounds the answers that are put together at once; the oldest go first.
const opensMax = 4

// read takes a record and returns the answer that it completes, nil else.
func (r *passReader) read(kem *seal.KEMKey, log plane.LogID, body []byte) []byte {
	if _, head, err := seal.OpenRequest(kem, log, body); err == nil {
		if len(head) < 34 {
			return nil
		}
		n := int(binary.BigEndian.Uint16(head[32:]))
		key, err := seal.NewEnvelopeKey(head[:32])
		if err != nil || n < 1 || n > passPartsMax {
			return nil
		}
		p := &openPass{key: key, have: make([][]byte, n), left: n - 1}
		p.have[0] = head[34:]
		if n == 1 {
			return p.have[0]
		}
		r.open = append(r.open[max(0, len(r.open)-opensMax+1):], p)
		return nil
	}
	for k, p := range r.open {
		plain, err := seal.OpenRecord(p.key, log, body)
		if err != nil || len(plain) < 2 {
			continue
		}
		i := int(binary.BigEndian.Uint16(plain))
		if i < 1 || i >= len(p.have) || p.have[i] != nil {
			return nil
		}
		p.have[i] = plain[2:]
		if p.left--; p.left == 0 {
			r.open = slices.Delete(r.open, k, k+1)
			return slices.Concat(p.have...)
		}
		return nil
	}
	return nil
}
