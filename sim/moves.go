package sim

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"paperplane/core"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// ownRids is the first number of requests that are the driver's own, as in package client.
const ownRids = 1 << 31

// move is one transfer of this life of the device: the driver's part, chunk after chunk.
type move struct {
	c    *simClient
	id   string
	turn int // what an older turn asked for counts no more
	over bool

	up     bool
	raw    bool  // an object: bytes in memory, sealed already
	from   int64 // of a part of an object
	file   string
	secret [16]byte
	blob   plane.BlobID
	key    seal.BlobKey
	size   int64
	count  int
	next   int
	have   []byte
	data   []byte
}

// transfer begins or ends one.
func (c *simClient) transfer(e core.Effect) {
	m := &move{c: c}
	var key [32]byte
	switch e := e.(type) {
	case core.Upload:
		data, ok := c.files[e.File]
		if !ok {
			c.w.fail("%s: a file to send is gone", c.name)
			return
		}
		m.id, m.up, m.file, m.secret, m.blob, key = e.ID, true, e.File, e.Secret, caps.NewBlobID(e.Secret), e.Key
		m.data, m.size = data, int64(len(data))
	case core.Download:
		m.id, m.file, m.blob, m.size, key = e.ID, e.File, e.Blob, e.Size, e.Key
	case core.Cancel:
		if old := c.moves[e.ID]; old != nil {
			old.end()
			if old.up && !old.raw {
				c.ask(wire.BlobDelete{Secret: old.secret}, func(wire.Answer) {})
			}
		}
		return
	case core.RemoveFile:
		delete(c.files, e.File)
		return
	}
	if _, again := c.moves[m.id]; again {
		return
	}
	var err error
	if m.key, err = seal.BlobKeyFromBytes(key[:]); err != nil {
		c.w.fail("%s: blob key: %v", c.name, err)
		return
	}
	m.count = seal.Chunks(m.size)
	c.moves[m.id] = m
	c.in(0, m.start)
}

// ask sends a request of the driver's own.
func (c *simClient) ask(r wire.Request, then func(wire.Answer)) {
	frame, err := wire.Encode(c.ownRid, r)
	if err != nil {
		c.w.fail("%s: %T does not encode: %v", c.name, r, err)
		return
	}
	if c.current == nil {
		return // the moves begin when there is a session
	}
	c.asks[c.ownRid] = then
	c.ownRid++
	c.queue(frame)
}

// restartMoves begins again on a fresh session.
func (c *simClient) restartMoves() {
	var ids []string
	for id := range c.moves {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c.moves[id].start()
	}
}

func (m *move) end() {
	m.over = true
	delete(m.c.moves, m.id)
}

func (m *move) report(code plane.Code) {
	if m.over {
		return
	}
	m.end()
	if code == plane.OK {
		m.c.w.stats[moved]++
	}
	if m.raw {
		o := core.Object{ID: m.id, Code: code}
		if code == plane.OK && !m.up {
			o.Data = m.data
		}
		m.c.step(o)
		return
	}
	m.c.step(core.Transfer{ID: m.id, Done: m.size, Total: m.size, Finished: true, Code: code})
}

// ask asks for this turn.
func (m *move) ask(r wire.Request, then func(wire.Answer)) {
	turn := m.turn
	m.c.ask(r, func(a wire.Answer) {
		if m.turn == turn && !m.over {
			then(a)
		}
	})
}

func (m *move) start() {
	if m.over {
		return
	}
	m.turn++
	m.next = 0
	if !m.up {
		m.data = nil
		if m.raw && m.size == 0 {
			m.measure()
			return
		}
		m.chunk()
		return
	}
	m.ask(wire.BlobStat{Blob: m.blob}, func(a wire.Answer) {
		m.have = nil
		if st, ok := a.(wire.BlobState); ok && int(st.Count) == m.count {
			m.have = st.Have
		}
		m.chunk()
	})
}

// chunk moves the next chunk.
func (m *move) chunk() {
	if m.next >= m.count {
		if !m.up && !m.raw {
			m.c.files[m.file] = m.data
		}
		m.report(plane.OK)
		return
	}
	i := m.next
	if m.up && m.have != nil && m.have[i/8]&(1<<(i%8)) != 0 {
		m.next++
		m.chunk()
		return
	}
	var r wire.Request = wire.BlobGet{Blob: m.blob, Index: uint16(i)}
	if m.raw {
		r = m.part(i)
	} else if m.up {
		from := min(int64(i)*seal.ChunkPlainMax, m.size)
		body, err := seal.SealChunk(m.key, i, m.count, m.data[from:min(from+seal.ChunkPlainMax, m.size)])
		if err != nil {
			m.c.w.fail("%s: chunk: %v", m.c.name, err)
			return
		}
		r = wire.BlobPut{Secret: m.secret, Index: uint16(i), Count: uint16(m.count), Data: body}
	}
	m.ask(r, func(a wire.Answer) { m.answered(i, a) })
}

func (m *move) answered(i int, a wire.Answer) {
	switch a := a.(type) {
	case wire.BlobData:
		if m.raw {
			m.data = append(m.data, a.Data...)
			break
		}
		plain, err := seal.OpenChunk(m.key, i, m.count, a.Data)
		if err != nil {
			m.report(plane.Failed)
			return
		}
		m.data = append(m.data, plain...)
	case wire.Done:
		if a.Code == plane.Refused && m.raw && m.up {
			m.clashed(i)
			return
		}
		if a.Code != plane.OK {
			m.failed(a.Code)
			return
		}
	}
	m.next++
	m.chunk()
}

// failed tries again later what another time may go well, and reports the rest.
func (m *move) failed(code plane.Code) {
	switch code {
	case plane.Busy, plane.Full, plane.Failed:
		m.turn++
		m.c.in(m.c.w.between(200*time.Millisecond, 5*time.Second), m.start)
	default:
		m.report(code)
	}
}

// fileSizeMax is a little over one chunk, so that some files have two.
const fileSizeMax = seal.ChunkPlainMax + 4000

// newFile puts a file into the device and returns how to send it.
func (c *simClient) newFile() core.File {
	c.w.count++
	name := fmt.Sprintf("file-%d", c.w.count)
	size := c.w.rng.IntN(3000)
	if c.w.rng.IntN(4) == 0 {
		size = c.w.rng.IntN(fileSizeMax)
	}
	data := make([]byte, size)
	_, _ = rand.Read(data)
	c.files["up-"+name], c.w.files[name] = data, data
	return core.File{Ref: "up-" + name, Name: name, Mime: "application/octet-stream", Size: int64(size)}
}
