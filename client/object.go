package client

import (
	"crypto/rand"
	"errors"

	"paperplane/core"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// object tries f as every transfer is tried, and reports what came of it.
func (m *move) object(f func() ([]byte, error)) {
	var data []byte
	if code, over := m.attempt(func() (err error) {
		data, err = f()
		return err
	}); over {
		if code != plane.OK {
			data = nil
		}
		_ = m.c.post(m.ctx, core.Object{ID: m.id, Code: code, Data: data})
	}
}

// put puts what the server does not have of an object yet. The last chunk is filled up with random
// bytes, which nobody tells from what is sealed; so a chunk that another try, or another member,
// has put in the meantime is other bytes, is refused, and counts as there.
func (m *move) put(e core.PutObject) {
	count := (len(e.Data) + plane.BlobChunkBytes - 1) / plane.BlobChunkBytes
	blob := caps.NewBlobID(e.Secret)
	m.object(func() ([]byte, error) {
		if count == 0 || len(e.Data) > core.ObjectBytesMax {
			return nil, &errGiveUp{plane.TooLarge}
		}
		have, err := m.have(e.Server, blob, count)
		if err != nil {
			return nil, err
		}
		return nil, m.each(count, func(i int) error {
			if have(i) {
				return nil
			}
			chunk := make([]byte, plane.BlobChunkBytes)
			rand.Read(chunk[copy(chunk, e.Data[i*plane.BlobChunkBytes:]):])
			err := m.putChunk(e.Server, wire.BlobPut{Secret: e.Secret, Index: uint16(i), Count: uint16(count), Data: chunk})
			if up, ok := errors.AsType[*errGiveUp](err); ok && up.code == plane.Refused {
				there, statErr := m.have(e.Server, blob, count)
				if statErr != nil {
					return statErr
				}
				if there(i) {
					return nil
				}
			}
			return err
		})
	})
}

// get reads a range of a blob, or all of it.
func (m *move) get(e core.GetObject) {
	m.object(func() ([]byte, error) {
		from, size := e.Offset, e.Length
		if size == 0 && from == 0 {
			st, err := call[wire.BlobState](m, e.Server, wire.BlobStat{Blob: e.Blob})
			if err != nil {
				return nil, err
			}
			size = int64(st.Count) * plane.BlobChunkBytes
		}
		if from < 0 || size <= 0 || size > core.ObjectBytesMax || from > plane.BlobChunksMax*plane.BlobChunkBytes-size {
			return nil, &errGiveUp{plane.TooLarge}
		}
		data := make([]byte, size)
		err := m.each(int((size+plane.BlobChunkBytes-1)/plane.BlobChunkBytes), func(i int) error {
			at := int64(i) * plane.BlobChunkBytes
			part := data[at:min(at+plane.BlobChunkBytes, size)]
			d, err := call[wire.BlobData](m, e.Server, wire.BlobPart{Blob: e.Blob, Offset: uint32(from + at), Length: uint32(len(part))})
			if err != nil {
				return err
			}
			if copy(part, d.Data) != len(d.Data) || len(d.Data) != len(part) {
				return &errGiveUp{plane.Malformed}
			}
			return nil
		})
		return data, err
	})
}

// segment makes or opens a piece of history. A vault that cannot be read says so at the next write.
func (m *move) segment(e core.Effect) {
	if in, err := core.DoSegment(reader{m.c.opts.Vault}, e); err == nil && in != nil {
		_ = m.c.post(m.ctx, in)
	}
}

// fetchKey asks a server for its key, once: the person tries again.
func (m *move) fetchKey(e core.FetchKey) {
	in := core.KeyFetched{ID: e.ID, Code: plane.Failed}
	if f := m.c.opts.FetchKey; f != nil {
		if id, err := f(m.ctx, e.Origin); err == nil {
			in.Server, in.Code = id, plane.OK
		}
	}
	_ = m.c.post(m.ctx, in)
}
