package wire

import (
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// featuresMax and featureBytesMax bound ServerInfo.Features.
const (
	featuresMax     = 32
	featureBytesMax = 32
)

// check says whether the fields of m are within the protocol's rules (W-10 and up). Encode and
// Parse both call it: what one lets out the other lets in.
func check(m any) error {
	switch m := m.(type) {
	case Append:
		return record(m.Body)
	case RecordEvent:
		return all(m.Seq != 0, record(m.Body))
	case Create: // W-13, W-16
		return all(caps.ValidKey(m.Owner) && caps.ValidKey(m.Read) && caps.ValidKey(m.Write), ttl(m.TTLDays))
	case Open:
		return m.check()
	case Read: // W-21
		return all(m.Limit >= 1, limit(int(m.Limit), plane.ReadRecordsMax))
	case Signal:
		return signal(m.Body)
	case SignalEvent:
		return signal(m.Body)
	case Rotate: // W-22, W-13
		return all(m.Gen >= 2 && caps.ValidKey(m.Read) && caps.ValidKey(m.Write), nil)
	case Manage:
		if m.TTLDays == 0 {
			return nil
		}
		return ttl(m.TTLDays)
	case Door: // W-17
		return all(caps.ValidKey(m.Key), limit(int(m.Left), plane.DoorUsesMax))
	case Knock:
		return m.check()
	case PoolPut:
		return m.check()
	case Member:
		return all(caps.ValidKey(m.Key), nil)
	case BlobPut: // W-19
		return all(m.Index < m.Count && len(m.Data) == plane.BlobChunkBytes,
			limit(int(m.Count), plane.BlobChunksMax))
	case BlobGet:
		return all(m.Index < plane.BlobChunksMax, nil)
	case BlobPart: // W-29; 64 bits, for the sum may pass 32
		return all(m.Length >= 1 && uint64(m.Offset)+uint64(m.Length) <= plane.BlobChunksMax*plane.BlobChunkBytes,
			limit(int(m.Length), plane.BlobChunkBytes))
	case Done: // W-23; codes of later days pass
		return all(m.Code != 0, nil)
	case GoneEvent:
		return all(m.Code != 0, nil)
	case ServerInfo:
		return m.check()
	case Appended:
		return all(m.Seq != 0, nil)
	case Opened:
		return all(m.Handle != 0, nil)
	case Records:
		return m.check()
	case Pool:
		return limit(int(m.Left), plane.PoolPackagesMax)
	case Package:
		return first(limit(len(m.Card), plane.CardBytesMax), limit(len(m.Package), plane.PackageBytesMax))
	case BlobState:
		return m.check()
	case BlobData:
		return all(len(m.Data) >= 1, limit(len(m.Data), plane.BlobChunkBytes))
	case Info, Close, Subscribe, PoolTake, BlobStat, BlobDelete, Ping:
		return nil
	}
	return ErrKind
}

// check: which key signs follows from the role (W-15).
func (m Open) check() error {
	switch m.Role {
	case RoleRead, RoleWrite:
		return all(m.Gen >= 1 && m.Key == plane.PublicKey{}, nil)
	case RoleOwner:
		return all(m.Gen == 0 && m.Key == plane.PublicKey{}, nil)
	case RoleDoor:
		return all(m.Gen == 0 && caps.ValidKey(m.Key), nil)
	}
	return ErrMalformed
}

func (m Knock) check() error {
	ok := m.Member == plane.PublicKey{} || caps.ValidKey(m.Member)
	if len(m.Body) == 0 {
		return all(ok, nil)
	}
	return all(ok, record(m.Body))
}

// recordHeadMax bounds what a record takes in Records besides its body: the map, two keys, a
// number of 8 bytes and the body's length. recordsHeadMax is the same for the frame around them.
const (
	recordHeadMax  = 1 + 1 + 9 + 1 + 3
	recordsHeadMax = headBytesMax + 1 + 1 + 3 + 1 + 9
)

// FitRecords returns how many of the records, from the first, fit into one Records answer:
// plane.ReadRecordsMax at most, and less when the frame would be over plane.FrameBytesMax. A
// server cuts its page there; the client asks on from the last one it got. At least 1 fits (W-26).
func FitRecords(records []Record) int {
	left := plane.FrameBytesMax - recordsHeadMax
	for i, r := range records {
		left -= recordHeadMax + len(r.Body)
		if left < 0 || i == plane.ReadRecordsMax {
			return i
		}
	}
	return len(records)
}

// check: W-18.
func (m PoolPut) check() error {
	err := first(
		limit(len(m.Card), plane.CardBytesMax),
		limit(len(m.LastResort), plane.PackageBytesMax),
		limit(len(m.Packages), plane.PoolPackagesMax))
	for _, p := range m.Packages {
		err = first(err, limit(len(p), plane.PackageBytesMax), all(len(p) > 0, nil))
	}
	return err
}

// check: W-24, W-16.
func (m ServerInfo) check() error {
	err := first(ttl(m.TTLDaysMax), limit(int(m.BlobChunks), plane.BlobChunksMax),
		limit(len(m.Features), featuresMax))
	for _, f := range m.Features {
		err = first(err, all(len(f) > 0, limit(len(f), featureBytesMax)))
	}
	return err
}

func (m Records) check() error {
	err := limit(len(m.Records), plane.ReadRecordsMax)
	last := plane.Seq(0)
	for _, r := range m.Records {
		// Ascending and not past the head, so that a client may go on from the last one (W-14).
		err = first(err, all(r.Seq > last && r.Seq <= m.Head, record(r.Body)))
		last = r.Seq
	}
	return err
}

func (m BlobState) check() error {
	err := limit(int(m.Count), plane.BlobChunksMax)
	ok := len(m.Have) == (int(m.Count)+7)/8
	if rest := m.Count % 8; ok && rest != 0 {
		ok = m.Have[len(m.Have)-1]>>rest == 0 // bits past Count are zero: one form only (W-27)
	}
	return first(err, all(ok, nil))
}

// record allows the three sizes of a record and nothing else (W-11).
func record(b []byte) error {
	switch len(b) {
	case plane.RecordSmall, plane.RecordMedium, plane.RecordLarge:
		return nil
	}
	return first(limit(len(b), plane.RecordLarge), ErrMalformed)
}

// signal: W-12.
func signal(b []byte) error { return all(len(b) > 0, limit(len(b), plane.SignalBytesMax)) }

func ttl(days uint8) error {
	return all(days >= plane.TTLDaysMin, limit(int(days), plane.TTLDaysMax))
}

func limit(n, most int) error {
	if n > most {
		return ErrTooLarge
	}
	return nil
}

// all is err, or ErrMalformed when ok is false.
func all(ok bool, err error) error {
	if err == nil && !ok {
		return ErrMalformed
	}
	return err
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
