package convo

import (
	"encoding/hex"
	"slices"

	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// A record's plaintext is one MLSMessage, which starts with the byte 0, or one part of an
// MLSMessage: 1 ‖ first 8 bytes of the message's SHA-256 ‖ index ‖ count ‖ bytes. Parts come in
// order; the message stands where its last part stands. A part out of order ends the attempt. So
// everybody who reads the log in order puts together the same messages.
const (
	partMark     = 1
	partHead     = 1 + 8 + 1 + 1
	partBytesMax = seal.RecordPayloadMax - partHead
	// PartsMax bounds the parts of one message: about 1 MiB, a Welcome of plainLeavesMax members.
	PartsMax = 128
	// partialsMax bounds the messages that may be incomplete at once; the oldest goes first.
	partialsMax = 8
)

// partial is a message of which not all parts have come.
type partial struct {
	id    [8]byte
	first plane.Seq
	count int
	have  [][]byte
}

func (p *partial) key(i int) string {
	return "q/" + hex.EncodeToString(p.id[:]) + "/" + hex.EncodeToString([]byte{byte(i)})
}

// Bodies puts an MLS message of the current epoch into envelopes, each one record.
func (c *Convo) Bodies(msg []byte) ([][]byte, error) {
	if len(msg) <= seal.RecordPayloadMax {
		b, err := seal.SealRecord(c.env, c.id, msg)
		return [][]byte{b}, err
	}
	count := (len(msg) + partBytesMax - 1) / partBytesMax
	if count > PartsMax {
		return nil, seal.ErrTooLarge
	}
	h := hashOf(msg)
	var out [][]byte
	i := 0
	for chunk := range slices.Chunk(msg, partBytesMax) {
		plain := append([]byte{partMark}, h[:8]...)
		plain = append(plain, byte(i), byte(count))
		b, err := seal.SealRecord(c.env, c.id, append(plain, chunk...))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
		i++
	}
	return out, nil
}

// assemble returns the message that plain completes, nil when it completes none.
func (c *Convo) assemble(seq plane.Seq, plain []byte) []byte {
	if len(plain) == 0 || plain[0] != partMark {
		return plain
	}
	if len(plain) <= partHead {
		return nil
	}
	id, i, count, data := [8]byte(plain[1:9]), int(plain[9]), int(plain[10]), plain[partHead:]
	if count < 2 || count > PartsMax || i >= count {
		return nil
	}
	k := slices.IndexFunc(c.partial, func(p *partial) bool { return p.id == id })
	if k < 0 {
		if i != 0 {
			return nil
		}
		if len(c.partial) >= partialsMax {
			c.dropPart(0)
		}
		c.partial = append(c.partial, &partial{id: id, first: seq, count: count})
		k = len(c.partial) - 1
	}
	p := c.partial[k]
	switch {
	case count != p.count || i > len(p.have):
		c.dropPart(k)
		return nil
	case i < len(p.have):
		return nil // sent again
	}
	p.have = append(p.have, data)
	if len(p.have) < p.count {
		c.dirty.put(p.key(i), encode(storedPart{First: p.first, Count: p.count, Data: data}))
		return nil
	}
	msg := slices.Concat(p.have...)
	c.dropPart(k)
	if h := hashOf(msg); [8]byte(h[:8]) != id {
		return nil
	}
	return msg
}

func (c *Convo) dropPart(k int) {
	for i := range c.partial[k].have {
		c.dirty.put(c.partial[k].key(i), nil)
	}
	c.partial = slices.Delete(c.partial, k, k+1)
}

func (c *Convo) dropParts() {
	for len(c.partial) > 0 {
		c.dropPart(len(c.partial) - 1)
	}
}
