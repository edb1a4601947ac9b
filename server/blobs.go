package server

import (
	"context"

	"paperplane/internal/obs"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// blobPut stores a chunk for a member, or for who holds a door. What was taken of the day's
// allowance is not given back when the same chunk comes again.
func (p *Peer) blobPut(ctx context.Context, r wire.BlobPut) wire.Answer {
	s := p.s
	member, door := p.standing()
	who, kind, limit := member, useMemberBlobs, s.limits.BlobBytesPerMemberDay
	if member == nil {
		who, kind, limit = door, useDoorBlobs, s.limits.BlobBytesPerDoorDay
	}
	if who == nil {
		return done(plane.Refused)
	}
	today := s.today()
	if !s.disk.room(s) || !s.usage.take(today, kind, *who, int64(len(r.Data)), limit) {
		return done(plane.Full)
	}
	err := s.blobs.Put(ctx, caps.NewBlobID(r.Secret), int(r.Index), int(r.Count), today, r.Data)
	if err != nil {
		return done(s.code(err))
	}
	s.obs.Count(obs.BlobBytesIn, int64(len(r.Data)))
	return done(plane.OK)
}

func (p *Peer) blobStat(ctx context.Context, r wire.BlobStat) wire.Answer {
	have, err := p.s.blobs.Stat(ctx, r.Blob)
	if err != nil {
		return done(p.s.code(err))
	}
	a := wire.BlobState{Count: uint16(len(have)), Have: make([]byte, (len(have)+7)/8)}
	for i, there := range have {
		if there {
			a.Have[i/8] |= 1 << (i % 8)
		}
	}
	return a
}

func (p *Peer) blobGet(ctx context.Context, r wire.BlobGet) wire.Answer {
	if !p.roomy() {
		return done(plane.Busy)
	}
	data, err := p.s.blobs.Get(ctx, r.Blob, int(r.Index))
	if err != nil {
		return done(p.s.code(err))
	}
	p.s.obs.Count(obs.BlobBytesOut, int64(len(data)))
	return wire.BlobData{Data: data}
}

// blobPart reads a range that lies in one chunk or in two.
func (p *Peer) blobPart(ctx context.Context, r wire.BlobPart) wire.Answer {
	if !p.roomy() {
		return done(plane.Busy)
	}
	var data []byte
	for at, left := int(r.Offset), int(r.Length); left > 0; {
		from := at % plane.BlobChunkBytes
		n := min(left, plane.BlobChunkBytes-from)
		b, err := p.s.blobs.Part(ctx, r.Blob, at/plane.BlobChunkBytes, from, n)
		if err != nil {
			return done(p.s.code(err))
		}
		if data == nil {
			data = b
		} else {
			data = append(data, b...)
		}
		at, left = at+n, left-n
	}
	p.s.obs.Count(obs.BlobBytesOut, int64(len(data)))
	return wire.BlobData{Data: data}
}

func (p *Peer) blobDelete(ctx context.Context, r wire.BlobDelete) wire.Answer {
	return done(p.s.code(p.s.blobs.Delete(ctx, caps.NewBlobID(r.Secret))))
}
