package core

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/internal/inv"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
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
