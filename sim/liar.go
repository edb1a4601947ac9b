package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"paperplane/core"
	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

// liar makes the server dishonest: on the way to one client it changes, withholds, repeats and
// reorders records, and puts old ones into new places. Others get the truth, so histories differ.
type liar struct {
	w     *world
	lies  int
	trust bool // no lies now
}

// sessionLies is what a dishonest server knows of one session.
type sessionLies struct {
	l       *liar
	opens   map[uint32]bool // requests that open a conversation's log for reading
	reads   map[uint32]bool
	handles map[wire.Handle]bool
	old     [][]byte // bodies to show again
	later   []byte   // a frame to give after the next
}

// lieChance is that of a lie about one record.
const lieChance = 0.03

func (l *liar) session(c *simClient) *sessionLies {
	return &sessionLies{l: l, opens: map[uint32]bool{}, reads: map[uint32]bool{}, handles: map[wire.Handle]bool{}}
}

func (s *sessionLies) asked(rid uint32, r wire.Request) {
	switch r := r.(type) {
	case wire.Open:
		s.opens[rid] = r.Role == wire.RoleRead
	case wire.Read:
		s.reads[rid] = s.handles[r.Handle]
	}
}

// tell turns a frame into what the client gets instead.
func (s *sessionLies) tell(frame []byte) [][]byte {
	rid, a, e, err := wire.ParseAnswerOrEvent(frame)
	if err != nil {
		s.l.w.fail("the server says what does not parse: %v", err)
		return nil
	}
	out := [][]byte{frame}
	switch x := a.(type) {
	case wire.Opened:
		if s.opens[rid] {
			s.handles[x.Handle] = true
		}
	case wire.Records:
		if s.reads[rid] && s.lie() && len(x.Records) > 0 {
			i := s.l.w.rng.IntN(len(x.Records))
			if s.l.w.rng.IntN(2) == 0 {
				x.Records = slices.Delete(x.Records, i, i+1)
			} else {
				x.Records[i].Body = s.another(x.Records[i].Body)
			}
			out[0] = s.encode(rid, x)
		}
	}
	if x, ok := e.(wire.RecordEvent); ok && s.handles[x.Handle] {
		if s.lie() {
			switch s.l.w.rng.IntN(5) {
			case 0: // withheld
				out = nil
			case 1: // another
				x.Body = s.another(x.Body)
				out[0] = s.encode(0, x)
			case 2: // twice
				out = append(out, frame)
			case 3: // and an old one after it
				out = append(out, s.encode(0, wire.RecordEvent{Handle: x.Handle, Seq: x.Seq + 1, Body: s.another(x.Body)}))
			case 4: // after the next
				if s.later == nil {
					s.later = frame
					return nil
				}
			}
		}
		s.old = append(s.old, slices.Clone(x.Body))
		if s.later != nil {
			out = append(out, s.later)
			s.later = nil
		}
	}
	return out
}

func (s *sessionLies) lie() bool {
	if s.l.trust || s.l.w.rng.Float64() >= lieChance {
		return false
	}
	s.l.lies++
	return true
}

// another returns an old body, or this one with a bit turned over.
func (s *sessionLies) another(body []byte) []byte {
	if len(s.old) > 0 && s.l.w.rng.IntN(2) == 0 {
		return s.old[s.l.w.rng.IntN(len(s.old))]
	}
	b := slices.Clone(body)
	b[s.l.w.rng.IntN(len(b))] ^= 1
	return b
}

func (s *sessionLies) encode(rid uint32, m any) []byte {
	b, err := wire.Encode(rid, m)
	if err != nil {
		s.l.w.fail("a lie does not encode: %v", err)
	}
	return b
}

// betrayed lives a seed on a dishonest server.
func (w *world) betrayed() {
	w.liar = &liar{w: w, trust: true}
	w.server = newServer(w)
	w.faults = true
	w.after(setUpTime, func() { w.liar.trust = false })
	w.play()
	w.faults, w.liar.trust = false, true
	for _, c := range w.people {
		c.full, c.skew = false, 0
		c.setAway(false)
	}
	w.server.full = false
	w.run(w.now.Add(10 * time.Minute))
	for range 2 { // what one has seen is told with one's next words
		for _, c := range w.people {
			for _, chat := range c.state().Chats {
				if chat.State == "open" {
					c.call(core.SendText{Chat: chat.ID, Text: c.name + " says " + time.Duration(w.calls()).String()})
				}
			}
		}
		w.run(w.now.Add(10 * time.Minute))
	}
	w.judge()
}

// judge wants of clients of a dishonest server that none shows a message twice or one that was
// not said, and that two who talk and were shown two histories are told.
func (w *world) judge() {
	said := map[string]string{}
	for _, c := range w.people {
		for _, p := range c.said {
			said[p.id] = c.account
		}
	}
	forked := map[plane.LogID]bool{}
	type view struct {
		who string
		cv  *convo.Convo
	}
	two := map[plane.LogID][]view{}
	for _, c := range w.people {
		if !c.up || len(w.failed) > 0 {
			continue
		}
		w.histories(c) // nothing twice
		for _, chat := range c.state().Chats {
			for _, m := range c.messages(chat.ID) {
				if m.Kind != core.KindNotice && m.State == core.StateReceived && said[m.ID] != m.From {
					w.fail("%s shows %q, which nobody said", c.name, m.Text)
				}
			}
		}
		for id, cv := range c.convos() {
			forked[id] = forked[id] || cv.Forked()
			if cv.State().Kind == convo.Two && cv.Epoch() == 1 {
				two[id] = append(two[id], view{c.name, cv})
			}
		}
	}
	for id, views := range two {
		for _, v := range views {
			n, hash := v.cv.Seen()
			if len(views) == 2 && !forked[id] && (n == 0 || hash != w.chain(id, n)) {
				w.fail("%s was shown another history up to %d and nobody is told", v.who, v.cv.Cursor())
			}
		}
	}
}

// convos loads the conversations that a device is in.
func (c *simClient) convos() map[plane.LogID]*convo.Convo {
	out := map[plane.LogID]*convo.Convo{}
	pairs := map[string][]convo.Pair{}
	for _, k := range c.disk.keys {
		if p := strings.SplitN(k, "/", 5); len(p) == 5 && p[0] == "s" && p[1] == "c" && p[3] == "v" {
			pairs[p[2]] = append(pairs[p[2]], convo.Pair{Key: p[4], Value: c.disk.pairs[k]})
		}
	}
	for name, list := range pairs {
		id, err := plane.ParseLogID(name)
		if err != nil {
			c.w.fail("%s: a chat has no id", c.name)
			continue
		}
		cv, err := convo.Load(id, account.Identify, list)
		if err != nil {
			c.w.fail("%s: a chat does not load: %v", c.name, err)
			continue
		}
		out[id] = cv
	}
	return out
}

// chain is the true chain of a log up to n.
func (w *world) chain(id plane.LogID, n plane.Seq) [16]byte {
	list, err := w.server.disks.store.Read(context.Background(), id, 1, int(n))
	var h seal.HistoryHash
	for _, r := range list {
		h = h.Next(r.Seq, r.Body)
	}
	if err != nil || len(list) != int(n) {
		w.fail("%d records of %d", len(list), n)
	}
	return h.Short()
}
