package main

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"paperplane/core"
	"paperplane/face/api"
)

// steady is a core that outlives the program that holds the account. When that one ends, steady
// opens the account itself, or finds whoever was quicker, and tells its listeners that they may
// have missed something. Calls under way are made again: their ids keep that from doing anything
// twice.
type steady struct {
	open func(context.Context) (api.Core, func(), error)
	ctx  context.Context
	stop context.CancelFunc
	task sync.WaitGroup

	mu        sync.Mutex
	core      api.Core
	done      func()
	next      chan struct{} // closed when core has been replaced, or for good
	failed    bool
	listeners map[chan []byte]bool
}

var _ api.Core = (*steady)(nil)

// mortal is a core that can end before its user does.
type mortal interface{ Done() <-chan struct{} }

// eventsAhead bounds what waits for one listener; then it is told to start over.
const eventsAhead = 1024

func openSteady(ctx context.Context) (api.Core, func(), error) {
	h, err := openHome()
	if err != nil {
		return nil, nil, err
	}
	c, done, err := h.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	s := newSteady(c, done, h.open)
	return s, s.close, nil
}

func newSteady(c api.Core, done func(), open func(context.Context) (api.Core, func(), error)) *steady {
	s := &steady{open: open, core: c, done: done, next: make(chan struct{}), listeners: map[chan []byte]bool{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	events, end := c.Listen()
	s.task.Go(func() { s.run(events, end) })
	return s
}

func (s *steady) close() {
	s.stop()
	s.task.Wait()
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done != nil {
		done()
	}
}

// run hands events on and replaces a core that has ended.
func (s *steady) run(events <-chan []byte, end func()) {
	defer func() {
		end()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failed = true
		close(s.next)
		for ch := range s.listeners {
			delete(s.listeners, ch)
			close(ch)
		}
	}()
	for {
		select {
		case <-s.ctx.Done():
			return
		case e, ok := <-events:
			if ok {
				s.tell(e)
				continue
			}
		}
		end()
		m, can := s.core.(mortal) // only run replaces it
		if !can {
			end = func() {}
			return // one's own core has given up: so has the disk
		}
		select {
		case <-m.Done():
			s.mu.Lock()
			done := s.done
			s.core, s.done = nil, nil
			s.mu.Unlock()
			done()
			c, done, err := s.open(s.ctx)
			if err != nil {
				end = func() {}
				return
			}
			events, end = c.Listen()
			s.mu.Lock()
			s.core, s.done = c, done
			close(s.next)
			s.next = make(chan struct{})
			s.mu.Unlock()
		default: // alive, but this listener fell behind
			events, end = s.core.Listen()
		}
		s.tell(api.ResyncEvent())
	}
}

func (s *steady) tell(e []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.listeners {
		select {
		case ch <- e:
			continue
		default:
		}
		// It fell behind: what waits is worth nothing without what is missing.
		for len(ch) > 0 {
			<-ch
		}
		ch <- api.ResyncEvent()
	}
}

// current returns the core, and what is closed when there is another one.
func (s *steady) current(ctx context.Context) (api.Core, <-chan struct{}) {
	for {
		s.mu.Lock()
		c, next, failed := s.core, s.next, s.failed
		s.mu.Unlock()
		if c != nil || failed {
			return c, next
		}
		select {
		case <-next:
		case <-ctx.Done():
			return nil, next
		}
	}
}

// ended says whether c has ended; it waits a moment, since calls fail before the end is known.
func ended(c api.Core) bool {
	m, ok := c.(mortal)
	if !ok {
		return false
	}
	select {
	case <-m.Done():
		return true
	case <-time.After(50 * time.Millisecond):
		return false
	}
}

// Call implements api.Core.
func (s *steady) Call(ctx context.Context, request []byte) []byte {
	for {
		c, next := s.current(ctx)
		if c == nil {
			return away(request)
		}
		answer := c.Call(ctx, request)
		var a struct {
			Err core.ErrCode `json:"err"`
		}
		if json.Unmarshal(answer, &a) != nil || a.Err != core.ErrOffline || !ended(c) {
			return answer
		}
		select {
		case <-next:
		case <-ctx.Done():
			return answer
		}
	}
}

// away is the answer when there is no core.
func away(request []byte) []byte {
	var head struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(request, &head)
	b, _ := json.Marshal(map[string]string{"id": head.ID, "err": string(core.ErrBusyElse)})
	return b
}

// Listen implements api.Core.
func (s *steady) Listen() (<-chan []byte, func()) {
	ch := make(chan []byte, eventsAhead)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed {
		close(ch)
		return ch, func() {}
	}
	s.listeners[ch] = true
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.listeners[ch] {
			delete(s.listeners, ch)
			close(ch)
		}
	}
}

// PutFile implements api.Core. It is not made again: the reader has been used.
func (s *steady) PutFile(ctx context.Context, r io.Reader) (string, int64, error) {
	c, _ := s.current(ctx)
	if c == nil {
		return "", 0, errBusyElse
	}
	return c.PutFile(ctx, r)
}

// OpenFile implements api.Core.
func (s *steady) OpenFile(ctx context.Context, ref string) (io.ReadCloser, error) {
	c, _ := s.current(ctx)
	if c == nil {
		return nil, errBusyElse
	}
	return c.OpenFile(ctx, ref)
}
