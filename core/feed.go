package core

import (
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// feed reads a log that is no conversation: a knock queue, or the log of an answer.
type feed struct {
	log    plane.LogID
	key    *caps.Signer // read key of generation 1
	keys   []feedKey    // instead of key: what may open it, the newest first
	at     int          // which of keys did, or is tried
	cursor plane.Seq
	take   func(seq plane.Seq, body []byte)
	poke   func()      // something has changed; nil: nobody is to know
	full   func() bool // nothing more is taken in for now; nil: never

	server ServerID

	// Of the session.
	life       int
	handle     wire.Handle
	busy, live bool
	head       plane.Seq
	gone       bool // the server knows no such log
	refused    bool // that was its last answer
	closed     int  // how often in a row no key opened it, also in sessions before
	tries      int
	retryAt    time.Time
}

// feedKey opens a log for reading that has generations.
type feedKey struct {
	gen plane.Gen
	key *caps.Signer
}

// stalled says that nothing more is taken in; what comes is read again later.
func (f *feed) stalled() bool { return f.full != nil && f.full() }

// here says that all that the server has was taken.
func (f *feed) here() bool { return f.live && f.cursor >= f.head }

// pumpFeed opens, reads and subscribes, one step at a time.
func (m *Machine) pumpFeed(s *server, f *feed) {
	if f.life != s.life {
		f.life, f.handle, f.busy, f.live, f.gone, f.refused, f.tries, f.retryAt = s.life, 0, false, false, false, false, 0, time.Time{}
	}
	if f.busy || f.gone || m.now.Before(f.retryAt) {
		return
	}
	f.retryAt = time.Time{}
	ask := func(r wire.Request, then func(wire.Answer) bool) {
		f.busy = true
		life := f.life
		m.send(s, r, func(a wire.Answer) {
			if f.life != life {
				return
			}
			f.busy = false
			if f.poke != nil {
				f.poke()
			}
			if then(a) {
				return
			}
			delete(s.feeds, f.handle)
			f.handle, f.live = 0, false
			if f.refused = codeOf(a) == plane.Refused; f.refused {
				f.closed++
			}
			f.gone = f.refused && f.tries > 2+len(f.keys)
			f.retryAt = m.now.Add(backoff(f.tries))
			f.tries++
		})
	}
	switch {
	case f.handle == 0:
		gen, key := plane.Gen(1), f.key
		if len(f.keys) > 0 {
			f.at %= len(f.keys)
			gen, key = f.keys[f.at].gen, f.keys[f.at].key
		}
		ask(s.open(f.log, wire.RoleRead, gen, key), func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			if !ok && codeOf(a) == plane.Refused {
				f.at++ // the server may be behind
			}
			if ok {
				f.handle, f.head = o.Handle, o.Head // of a generation that is over it can be read, and no more
				f.cursor = min(f.cursor, o.Head)    // less than was read: its server is an old copy
				s.feeds[f.handle] = f
			}
			return ok
		})
	case f.stalled():
		if f.live {
			// Close, or what is pushed would be lost without a trace.
			delete(s.feeds, f.handle)
			m.send(s, wire.Close{Handle: f.handle}, func(wire.Answer) {})
			f.handle, f.live = 0, false
		}
	case f.live:
	case f.cursor < f.head:
		ask(wire.Read{Handle: f.handle, From: f.cursor + 1, Limit: plane.ReadRecordsMax / 4}, func(a wire.Answer) bool {
			r, ok := a.(wire.Records)
			if !ok {
				return false
			}
			for _, x := range r.Records {
				f.pass(x.Seq, x.Body)
			}
			f.head = max(f.head, r.Head)
			if len(r.Records) == 0 {
				f.cursor = f.head
			}
			f.tries = 0
			return true
		})
	default:
		ask(wire.Subscribe{Handle: f.handle, From: f.cursor + 1}, func(a wire.Answer) bool {
			o, ok := a.(wire.Opened)
			if ok {
				f.live, f.head, f.tries, f.closed = true, max(f.head, o.Head), 0, 0
			}
			return ok
		})
	}
}

// pass takes one record, once.
func (f *feed) pass(seq plane.Seq, body []byte) {
	f.head = max(f.head, seq)
	if seq <= f.cursor || f.stalled() {
		return
	}
	f.cursor = seq
	f.take(seq, body)
}

// hangFeed ends the reading of a log.
func (m *Machine) hangFeed(s *server, f *feed) {
	if s != nil && f.life == s.life && f.handle != 0 {
		delete(s.feeds, f.handle)
		if s.up {
			m.send(s, wire.Close{Handle: f.handle}, func(wire.Answer) {})
		}
		f.handle, f.live = 0, false
	}
}
