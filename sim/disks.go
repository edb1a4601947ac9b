package sim

import (
	"context"
	"errors"
	"time"

	"paperplane/protocol/plane"
	"paperplane/server/blob"
	blobmem "paperplane/server/blob/mem"
	"paperplane/server/store"
	storemem "paperplane/server/store/mem"
	"paperplane/server/tables"
	tablesmem "paperplane/server/tables/mem"
)

var (
	_ store.Log     = (*diskLog)(nil)
	_ blob.Store    = (*diskBlobs)(nil)
	_ tables.Tables = (*diskTables)(nil)
)

// crash is what a write panics with when the server dies there.
type crash struct{}

// errDisk is a write that failed for no reason the server knows.
var errDisk = errors.New("sim: the disk fails")

// disks are the server's three stores. At every write the process may die before or after it:
// a write under way at a crash is there whole or not at all, which is what store, blob and tables
// promise (their own tests cut files at every byte). A write may also fail, or find the disk full
// in spite of the reserve.
type disks struct {
	s      *simServer
	store  *diskLog
	tables *diskTables
	blobs  *diskBlobs
}

func newDisks(s *simServer) disks {
	return disks{s, &diskLog{storemem.New(), s, nil}, &diskTables{tablesmem.New(), s}, &diskBlobs{blobmem.New(), s}}
}

// write does one write, with everything that may go wrong. late says that the write may have
// been done when an error is returned.
func (s *simServer) write(full error, late bool, do func() error) error {
	roll := 1.0
	if s.w.faults {
		roll = s.w.rng.Float64() / s.w.rough
	}
	switch {
	case s.full && full != nil && roll < 0.3:
		s.w.stats[diskFull]++
		return full
	case roll < 0.0008:
		panic(crash{})
	case roll < 0.0016:
		_ = do()
		panic(crash{})
	case roll < 0.0022:
		s.w.stats[diskErrors]++
		return errDisk
	case roll < 0.0028 && late:
		s.w.stats[diskErrors]++
		_ = do()
		return errDisk
	}
	return do()
}

// crashed is told of the process's end.
func (d *disks) crashed() {
	if d.s.w.mutant == ackBeforeStore {
		d.store.forgetNewest()
	}
}

type diskLog struct {
	*storemem.Log
	s       *simServer
	journal []journaled // for the mutant that acknowledges before it has stored
}

type journaled struct {
	at    time.Time
	id    plane.LogID
	day   plane.Day
	body  []byte
	retry bool
}

func (f *diskLog) Append(ctx context.Context, id plane.LogID, day plane.Day, body []byte, retry bool) (seq plane.Seq, err error) {
	w := f.s.w
	if w.mutant == ackBeforeStore {
		f.journal = append(f.journal, journaled{w.now, id, day, body, retry})
	}
	err = f.s.write(store.ErrFull, true, func() error { seq, err = f.Log.Append(ctx, id, day, body, retry); return err })
	return seq, err
}

// forgetNewest loses what was appended in the last 300 ms.
func (f *diskLog) forgetNewest() {
	f.Log = storemem.New()
	var kept []journaled
	for _, j := range f.journal {
		if f.s.w.now.Sub(j.at) > 300*time.Millisecond {
			kept = append(kept, j)
			_, _ = f.Log.Append(context.Background(), j.id, j.day, j.body, j.retry)
		}
	}
	f.journal = kept
}

func (f *diskLog) Forget(ctx context.Context, id plane.LogID) error {
	return f.s.write(nil, false, func() error { return f.Log.Forget(ctx, id) })
}

func (f *diskLog) Expire(ctx context.Context, keep func(plane.LogID) plane.Day) error {
	return f.s.write(nil, false, func() error { return f.Log.Expire(ctx, keep) })
}

func (f *diskLog) Settle(ctx context.Context) error {
	return f.s.write(store.ErrFull, false, func() error { return f.Log.Settle(ctx) })
}

type diskBlobs struct {
	*blobmem.Store
	s *simServer
}

func (f *diskBlobs) Put(ctx context.Context, id plane.BlobID, index, count int, day plane.Day, data []byte) error {
	return f.s.write(blob.ErrFull, true, func() error { return f.Store.Put(ctx, id, index, count, day, data) })
}

func (f *diskBlobs) Delete(ctx context.Context, id plane.BlobID) error {
	return f.s.write(nil, false, func() error { return f.Store.Delete(ctx, id) })
}

func (f *diskBlobs) Expire(ctx context.Context, before plane.Day) error {
	return f.s.write(nil, false, func() error { return f.Store.Expire(ctx, before) })
}

type diskTables struct {
	*tablesmem.Tables
	s *simServer
}

func (f *diskTables) CreateLog(l tables.Log, c tables.Cap) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.CreateLog(l, c) })
}

func (f *diskTables) Rotate(id plane.LogID, last plane.Seq, c tables.Cap) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.Rotate(id, last, c) })
}

func (f *diskTables) SetLog(id plane.LogID, ttlDays uint8, x tables.Flags) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.SetLog(id, ttlDays, x) })
}

func (f *diskTables) DropCaps(id plane.LogID, before plane.Seq) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.DropCaps(id, before) })
}

func (f *diskTables) DeleteLog(id plane.LogID) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.DeleteLog(id) })
}

func (f *diskTables) MarkOpened(m plane.Month, logs []plane.LogID, members []plane.PublicKey) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.MarkOpened(m, logs, members) })
}

func (f *diskTables) PutDoor(id plane.LogID, d tables.Door) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.PutDoor(id, d) })
}

func (f *diskTables) DeleteDoor(id plane.LogID, key plane.PublicKey) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.DeleteDoor(id, key) })
}

func (f *diskTables) TakeDoor(id plane.LogID, key plane.PublicKey, today plane.Day, member *tables.Member) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.TakeDoor(id, key, today, member) })
}

func (f *diskTables) DropDoors(before plane.Day) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.DropDoors(before) })
}

func (f *diskTables) PutPool(id plane.LogID, card, last []byte, packages [][]byte) (n int, err error) {
	err = f.s.write(tables.ErrFull, false, func() error { n, err = f.Tables.PutPool(id, card, last, packages); return err })
	return n, err
}

func (f *diskTables) TakePackage(id plane.LogID, oneTime bool) (b []byte, last bool, err error) {
	err = f.s.write(tables.ErrFull, false, func() error { b, last, err = f.Tables.TakePackage(id, oneTime); return err })
	if f.s.w.mutant == packagesTwice && err == nil && !last {
		_, err = f.Tables.PutPool(id, nil, nil, [][]byte{b})
	}
	return b, last, err
}

func (f *diskTables) DropMembers(before plane.Month) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.DropMembers(before) })
}

func (f *diskTables) SetSetting(x tables.Setting, value []byte) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.SetSetting(x, value) })
}

func (f *diskTables) Tidy(rewrite bool) error {
	return f.s.write(tables.ErrFull, false, func() error { return f.Tables.Tidy(rewrite) })
}
