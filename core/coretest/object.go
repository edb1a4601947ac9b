package coretest

import (
	"slices"

	"paperplane/core"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// objectNext does what the driver does with a PutObject or GetObject, one at a time, the first whose server is there. The server's hook
// Refuse sees a BlobStat before a put and the BlobPart of a get (with Length 0 the BlobStat), and
// may answer with a code, or with a BlobData of its own.
func (c *Client) objectNext() bool {
	if c.HoldObjects {
		return false
	}
	for i, e := range c.objects {
		put, isPut := e.(core.PutObject)
		get, _ := e.(core.GetObject)
		id := get.Server
		if isPut {
			id = put.Server
		}
		s := c.W.at(id)
		if s == nil || c.on(s) == nil {
			continue
		}
		c.objects = slices.Delete(c.objects, i, i+1)
		if isPut {
			c.push(core.Object{ID: put.ID, Code: s.put(c, put)})
			return true
		}
		data, code := s.get(c, get)
		c.push(core.Object{ID: get.ID, Code: code, Data: data})
		return true
	}
	return false
}

func objectID(e core.Effect) string {
	if put, ok := e.(core.PutObject); ok {
		return put.ID
	}
	return e.(core.GetObject).ID
}

// addObject begins one, unless one of that name is under way.
func (c *Client) addObject(e core.Effect) {
	if !slices.ContainsFunc(c.objects, func(o core.Effect) bool { return objectID(o) == objectID(e) }) {
		c.objects = append(c.objects, e)
	}
}

// dropObject takes a cancelled one from what waits.
func (c *Client) dropObject(id string) {
	c.objects = slices.DeleteFunc(c.objects, func(e core.Effect) bool { return objectID(e) == id })
}

func (s *Server) put(c *Client, e core.PutObject) plane.Code {
	id := caps.NewBlobID(e.Secret)
	if len(e.Data) == 0 || len(e.Data) > core.ObjectBytesMax {
		return plane.TooLarge
	}
	if s.Refuse != nil {
		if d, ok := s.Refuse(c, wire.BlobStat{Blob: id}).(wire.Done); ok {
			return d.Code
		}
	}
	size := (len(e.Data) + plane.BlobChunkBytes - 1) / plane.BlobChunkBytes * plane.BlobChunkBytes
	if have, ok := s.Blobs[id]; !ok {
		s.Blobs[id] = append(slices.Clone(e.Data), make([]byte, size-len(e.Data))...)
	} else if len(have) != size {
		return plane.Refused
	}
	return plane.OK
}

func (s *Server) get(c *Client, e core.GetObject) ([]byte, plane.Code) {
	all := e.Offset == 0 && e.Length == 0
	if e.Offset < 0 || !all && e.Length < 1 || e.Length > core.ObjectBytesMax || e.Offset > plane.BlobChunksMax*plane.BlobChunkBytes-e.Length {
		return nil, plane.TooLarge
	}
	if s.Refuse != nil {
		var r wire.Request = wire.BlobPart{Blob: e.Blob, Offset: uint32(e.Offset), Length: uint32(e.Length)}
		if all {
			r = wire.BlobStat{Blob: e.Blob}
		}
		switch a := s.Refuse(c, r).(type) {
		case wire.Done:
			return nil, a.Code
		case wire.BlobData:
			return a.Data, plane.OK
		}
	}
	have := s.Blobs[e.Blob]
	if all {
		e.Length = int64(len(have))
	}
	if e.Length == 0 || e.Offset+e.Length > int64(len(have)) {
		return nil, plane.Refused
	}
	return slices.Clone(have[e.Offset : e.Offset+e.Length]), plane.OK
}
