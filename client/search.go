package client

import (
	"sync"
	"time"

	"paperplane/client/vault"
	"paperplane/core"
)

const (
	// searchStep is how long one Search works before it answers with what it has: in the browser nothing
	// else happens meanwhile.
	searchStep = 20 * time.Millisecond
	// searchIdle is how long after the last Search what it has read is kept.
	searchIdle = 10 * time.Minute
)

// searcher keeps what searching has read. The vault's changes come from the run goroutine, searches from
// callers of Do, one at a time.
type searcher struct {
	mu     sync.Mutex
	finder core.Finder
	used   time.Time
}

// changed tells it what was stored.
func (s *searcher) changed(now time.Time, ops []vault.Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used.IsZero() {
		return
	}
	if now.Sub(s.used) > searchIdle {
		s.finder.Forget()
		s.used = time.Time{}
		return
	}
	for i := range ops {
		s.finder.Changed(ops[i].Key)
	}
}

// answerHere answers a command that asks for history.
func (c *Client) answerHere(cmd core.Command) (core.Result, error) {
	s := &c.search
	if _, ok := cmd.(core.Search); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.used = c.opts.Now()
	}
	end := time.Now().Add(searchStep)
	res, code, err := core.Ask(reader{c.opts.Vault}, &s.finder, cmd, func() bool { return time.Now().Before(end) })
	switch {
	case err != nil:
		return nil, &Error{Code: core.ErrInternal}
	case code != "":
		return nil, &Error{Code: code}
	}
	if x, ok := res.(core.Storage); ok {
		x.Texts = c.opts.Vault.Stats().LogBytes
		res = x
	}
	return res, nil
}

// MessagesFrom returns the oldest limit messages of chat with an index of at least from, oldest first.
func (c *Client) MessagesFrom(chat string, from uint64, limit int) ([]core.Message, error) {
	return core.PageFrom(reader{c.opts.Vault}, chat, from, limit)
}
