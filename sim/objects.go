package sim

import (
	"time"

	"paperplane/core"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// object begins a PutObject or GetObject: a move whose bytes are in memory, sealed already.
func (c *simClient) object(e core.Effect) {
	m := &move{c: c, raw: true}
	switch e := e.(type) {
	case core.PutObject:
		m.id, m.up, m.secret, m.blob = e.ID, true, e.Secret, caps.NewBlobID(e.Secret)
		m.count = (len(e.Data) + plane.BlobChunkBytes - 1) / plane.BlobChunkBytes
		m.data = append(append([]byte{}, e.Data...), make([]byte, m.count*plane.BlobChunkBytes-len(e.Data))...)
	case core.GetObject:
		m.id, m.blob, m.from, m.size = e.ID, e.Blob, e.Offset, e.Length
		m.count = int((e.Length + plane.BlobChunkBytes - 1) / plane.BlobChunkBytes)
	}
	if _, again := c.moves[m.id]; again {
		return
	}
	c.moves[m.id] = m
	c.in(0, m.start)
}

// segment carries out a MakeSegment, OpenSegment or Forget beside the machine: the vault is read at once or
// a while later.
func (c *simClient) segment(e core.Effect) {
	c.in(c.w.between(0, 200*time.Millisecond), func() {
		in, err := core.DoSegment(&c.disk, e)
		if err != nil {
			c.w.fail("%s: a segment: %v", c.name, err)
			return
		}
		c.in(c.w.between(0, 200*time.Millisecond), func() { c.step(in) })
	})
}

// part is the request for the next piece of an object.
func (m *move) part(i int) wire.Request {
	at := i * plane.BlobChunkBytes
	if m.up {
		return wire.BlobPut{Secret: m.secret, Index: uint16(i), Count: uint16(m.count), Data: m.data[at : at+plane.BlobChunkBytes]}
	}
	n := min(plane.BlobChunkBytes, m.size-int64(at))
	return wire.BlobPart{Blob: m.blob, Offset: uint32(m.from + int64(at)), Length: uint32(n)}
}

// measure asks for the size of a blob that is to be read whole.
func (m *move) measure() {
	m.ask(wire.BlobStat{Blob: m.blob}, func(a wire.Answer) {
		switch a := a.(type) {
		case wire.BlobState:
			m.count, m.size = int(a.Count), int64(a.Count)*plane.BlobChunkBytes
			m.chunk()
		case wire.Done:
			m.failed(a.Code)
		}
	})
}

// clashed looks whether a chunk that was refused is there, put by another member.
func (m *move) clashed(i int) {
	m.ask(wire.BlobStat{Blob: m.blob}, func(a wire.Answer) {
		if st, ok := a.(wire.BlobState); ok && int(st.Count) == m.count && st.Have[i/8]&(1<<(i%8)) != 0 {
			m.next++
			m.chunk()
			return
		}
		m.report(plane.Refused)
	})
}
