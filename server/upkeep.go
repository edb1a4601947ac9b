package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"paperplane/internal/obs"
	"paperplane/protocol/plane"
	"paperplane/server/tables"
)

// ticks remembers what is due.
type ticks struct {
	mu   sync.Mutex // one Tick at a time
	day  plane.Day  // the day for which expiry has run; 0 before the first
	hour int64      // the hour in which it was settled
	// forgot: a log was deleted and its records still lie in the files. soonest is when they may
	// be settled away: settling costs more the more a day holds, and deleting must not be a way
	// to keep the disk busy.
	forgot  atomic.Bool
	soonest time.Time
}

// settleShare bounds the part of the time that settling for deletions may take: one in so many.
const settleShare = 50

// Tick does what is due: at the first call and after each midnight (UTC) the expiry, each hour
// and after a deletion (B13) the settling of the store and the rewriting of the tables, each time
// the emptying of their journal. The driver calls it before it lets anybody in, and then every minute. What fails is
// due again at the next call.
func (s *Server) Tick(ctx context.Context) error {
	s.tick.mu.Lock()
	defer s.tick.mu.Unlock()
	s.pause.RLock()
	defer s.pause.RUnlock()
	now := s.now()
	err := s.due(ctx, now)
	if err != nil {
		s.obs.Log(obs.UpkeepFailed, obs.Cause(err))
	}
	return err
}

func (s *Server) due(ctx context.Context, now time.Time) error {
	day, hour := plane.DayOf(now), now.Unix()/3600
	if day != s.tick.day {
		start := s.now()
		if err := s.expire(ctx, day); err != nil {
			return err
		}
		s.tick.day = day
		s.obs.Count(obs.UpkeepRuns, 1)
		s.obs.Log(obs.UpkeepDone, obs.Took(s.now().Sub(start)))
	}
	forgot := s.tick.forgot.Load() && !now.Before(s.tick.soonest)
	if hour != s.tick.hour || forgot {
		s.tick.forgot.Store(false)
		if err := s.settle(ctx); err != nil {
			s.tick.forgot.Store(forgot)
			return err
		}
		s.tick.hour = hour
		end := s.now()
		s.tick.soonest = end.Add(settleShare * end.Sub(now))
		return nil
	}
	return s.tables.Tidy(false)
}

// settle leaves the disk as it is between the hours: sorted, journals empty.
func (s *Server) settle(ctx context.Context) error {
	return errors.Join(s.store.Settle(ctx), s.Flush(ctx), s.tables.Tidy(true))
}

// expire removes what has lived its life: records by their log's TTL, blobs, doors, members and
// logs that nobody opens, old generations that have nothing left to read, and the records of
// logs that are no longer there (a crash in the middle of a deletion).
func (s *Server) expire(ctx context.Context, today plane.Day) error {
	var failed error
	var orphans []plane.LogID
	err := s.store.Expire(ctx, func(id plane.LogID) plane.Day {
		row, err := s.tables.Log(id)
		switch {
		case err == nil:
			return before(today, int(row.TTLDays))
		case errors.Is(err, tables.ErrAbsent):
			orphans = append(orphans, id)
		default:
			failed = err // nothing is removed for want of a row that could not be read
		}
		return 0
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	for _, id := range orphans {
		// Looked up again: it may have been created since.
		if _, err := s.tables.Log(id); errors.Is(err, tables.ErrAbsent) {
			if err := s.store.Forget(ctx, id); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(
		s.blobs.Expire(ctx, before(today, s.limits.BlobDays)),
		s.tables.DropDoors(today),
		s.tables.DropMembers(monthsBefore(today, deadMonths)),
	); err != nil {
		return err
	}
	return s.expireLogs(ctx, today)
}

// expireLogs removes old generations and dead logs.
func (s *Server) expireLogs(ctx context.Context, today plane.Day) error {
	return s.tables.EachLog(func(row tables.Log) error {
		if row.ID == s.front {
			return nil
		}
		dead := row.Opened < monthsBefore(today, deadMonths)
		if row.Gen == 1 && !dead {
			return nil
		}
		records, err := s.store.Read(ctx, row.ID, 1, 1)
		if err != nil {
			return err
		}
		switch {
		case len(records) > 0:
			return s.tables.DropCaps(row.ID, records[0].Seq)
		case dead:
			if err := s.tables.DeleteLog(row.ID); err != nil {
				return err
			}
			return s.store.Forget(ctx, row.ID)
		}
		head, err := s.store.Head(ctx, row.ID)
		if err != nil {
			return err
		}
		return s.tables.DropCaps(row.ID, head+1)
	})
}

// before returns the first day whose records are kept when a record lives for days.
func before(today plane.Day, days int) plane.Day {
	return plane.Day(max(0, int(today)-days))
}

func monthsBefore(today plane.Day, n plane.Month) plane.Month {
	m := today.Month()
	return m - min(n, m)
}
