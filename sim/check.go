package sim

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"paperplane/core"
	"paperplane/core/account"
	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// promise is a message of which the person was told that it is saved.
type promise struct {
	chat, id, text string
	file           bool
	back           bool // taken back by the person
}

// replied keeps what a command's answer promises.
func (c *simClient) replied(e core.Reply) {
	if old, again := c.replies[e.ID]; again {
		if _, ok := e.Result.(core.Sent); ok && !reflect.DeepEqual(old, e) {
			c.w.fail("%s: a command was answered twice, and not the same", c.name)
		}
		return
	}
	c.replies[e.ID] = e
	cmd := c.undone[e.ID]
	delete(c.undone, e.ID)
	if e.Err != "" {
		return
	}
	switch x := cmd.(type) {
	case core.SendText:
		c.said = append(c.said, promise{chat: x.Chat, id: e.Result.(core.Sent).Message, text: x.Text, file: len(x.Files) > 0})
		delete(c.drafts, x.Chat)
	case core.SendPoll:
		c.said = append(c.said, promise{chat: x.Chat, id: e.Result.(core.Sent).Message, text: x.Question})
	case core.SetDraft:
		c.drafts[x.Chat] = x.Text
	case core.SetSettings:
		c.hidden = x.ReadReceipts
	default:
		c.takeBackBy(cmd)
	}
}

// takeBackBy notes what a command takes back, if it is one that does.
func (c *simClient) takeBackBy(cmd core.Command) {
	switch x := cmd.(type) {
	case core.Delete:
		c.takeBack(x.Message)
	case core.Discard:
		c.takeBack(x.Message)
	case core.Stop:
		c.takeBack(x.Message)
	}
}

func (c *simClient) takeBack(id string) {
	for i := range c.said {
		if c.said[i].id == id {
			c.said[i].back = true
		}
	}
}

// waits lists what a device has still to do: everything in its outboxes, wishes, commits under
// way, invitations that are held and transfers. What failed waits for the person.
func (c *simClient) waits() (list []string) {
	for _, k := range c.disk.keys {
		p := strings.Split(k, "/")
		switch {
		case len(p) > 2 && p[0] == "s" && p[1] == "t":
			list = append(list, "a transfer")
		case len(p) < 4 || p[0] != "s" || p[1] != "c":
		case p[3] == "o":
			var i outbox.Item
			if err := timeline.Decode(c.disk.pairs[k], &i); err != nil || !i.Failed {
				list = append(list, fmt.Sprintf("item of kind %d in %s", i.Kind, p[2][:6]))
			}
		case p[3] == "w":
			list = append(list, "wish in "+p[2][:6])
		case p[3] == "j":
			list = append(list, "invitation held for "+p[2][:6])
		case p[3] == "v" && p[4] == "pending":
			list = append(list, "commit in "+p[2][:6])
		}
	}
	return list
}

// span is a time in a conversation: after the record that let one in, up to that which let one out.
type span struct {
	from, to plane.Seq
	open     bool
}

func (s span) has(n plane.Seq) bool { return n > s.from && (s.open || n <= s.to) }

// history is what one person has of one conversation, from what is stored.
type history struct {
	c       *simClient
	chat    core.Chat
	entries map[timeline.ID]plane.Seq
	lines   map[timeline.ID]timeline.Entry
	order   []timeline.ID
	spans   []span
	back    plane.Seq // of the newest record by which this device came in, first or again
	texts   map[timeline.ID]core.Message
}

func (h *history) has(n plane.Seq) bool {
	return slices.ContainsFunc(h.spans, func(s span) bool { return s.has(n) })
}

// person says whether somebody is the history's own person.
func (h *history) person(who [32]byte) bool {
	me, _ := plane.ParsePublicKey(h.c.account)
	return who == me
}

// gone says whether nobody would give a place to this device any more: it was set back to before it, and
// its person was out before it could fetch it.
func (h *history) gone(n plane.Seq) bool {
	return h.c.restored && (!h.in() || !h.spans[len(h.spans)-1].has(n))
}

func (h *history) in() bool { return len(h.spans) > 0 && h.spans[len(h.spans)-1].open }

// check holds the healed world against what was promised.
func (w *world) check() {
	if len(w.failed) > 0 {
		return
	}
	all := map[[16]byte][]*history{}
	var logs [][16]byte
	for _, c := range w.people {
		switch {
		case !c.up:
			w.fail("%s does not start", c.name)
			return
		case c.account == "":
			w.fail("%s has not joined", c.name)
			return
		}
		for _, x := range c.waits() {
			w.fail("%s: %s still waits", c.name, x)
		}
		if len(w.failed) > 0 {
			return // nobody answers any more
		}
		for _, h := range w.histories(c) {
			if all[h.log] == nil {
				logs = append(logs, h.log)
			}
			all[h.log] = append(all[h.log], h.history)
		}
		c.kept()
	}
	if len(w.failed) > 0 {
		return // nobody answers any more
	}
	for _, log := range logs {
		w.agree(log, all[log])
	}
	for _, c := range w.people {
		w.states(c)
	}
}

// kept checks what was promised to one person: messages, drafts, settings.
func (c *simClient) kept() {
	st := c.state()
	chats := map[string]core.Chat{}
	for _, x := range st.Chats {
		chats[x.ID] = x
		switch {
		case x.State == "refused" && x.Kind == core.ChatGroup && c.w.usedUp: // so many followed the link
		case x.State == "waiting" || x.State == "refused":
			c.w.fail("%s: chat %s is %s", c.name, x.ID[:6], x.State)
		case x.Kind == core.ChatTwo && x.Name == "":
			c.w.fail("%s: chat %s has no name", c.name, x.ID[:6])
		}
		if d, ok := c.drafts[x.ID]; ok && d != x.Draft && !c.w.shared {
			c.w.fail("%s: the draft %q is %q", c.name, d, x.Draft)
		}
	}
	if c.hidden != nil && !c.w.shared && st.Settings.ReadReceipts != *c.hidden {
		c.w.fail("%s: a setting is lost", c.name)
	}
	newest := map[[16]byte]promise{}
	placed := map[[16]byte]uint64{}
	for _, p := range c.said {
		if p.back {
			continue
		}
		id, _ := timeline.ParseID(p.id)
		x, ok := chats[p.chat]
		if !ok {
			// A second conversation with the person took the place of the first in the list.
			continue
		}
		e, err := timeline.Find(&c.disk, p.chat, id)
		switch {
		case err != nil || e == nil:
			c.w.fail("%s: %q was saved and is gone", c.name, p.text)
			continue
		case e.Seq == 0 && x.State == "open":
			c.w.fail("%s: %q has no place", c.name, p.text)
			continue
		case e.Seq == 0 || p.file:
			continue // left, or waited for its file
		}
		// Several are sent at once; when the server refuses one for want of space, those behind it
		// stand before it. That is the price of not waiting for each answer, see core/outbox.
		if e.Seq < placed[e.Log] && c.w.stats[diskFull]+c.w.stats[diskErrors] == 0 {
			c.w.fail("%s: %q stands before %q, which was said first", c.name, p.text, newest[e.Log].text)
		}
		newest[e.Log], placed[e.Log] = p, e.Seq
	}
}

type logHistory struct {
	log [16]byte
	*history
}

// histories reads what a person has of every conversation.
func (w *world) histories(c *simClient) (out []logHistory) {
	me, _ := plane.ParsePublicKey(c.account)
	for _, chat := range c.state().Chats {
		at := map[[16]byte]*history{}
		shown := map[timeline.ID]core.Message{}
		texts := map[string]bool{}
		for _, m := range c.messages(chat.ID) {
			id, _ := timeline.ParseID(m.ID)
			if _, twice := shown[id]; twice {
				w.fail("%s: a message is shown twice: %s %q %+v", c.name, m.Kind, m.Text, m.Notice)
			}
			if m.Kind == core.KindText && m.Text != "" && texts[m.Text] && !m.Edited {
				w.fail("%s: %q is shown twice", c.name, m.Text)
			}
			shown[id], texts[m.Text] = m, true
		}
		for p := range c.disk.Range("h/"+chat.ID+"/", "h/"+chat.ID+"0", false) {
			var e timeline.Entry
			if err := timeline.Decode(p.Value, &e); err != nil {
				w.fail("%s: an entry does not decode", c.name)
				return nil
			}
			h := at[e.Log]
			if h == nil {
				h = &history{c: c, chat: chat, entries: map[timeline.ID]plane.Seq{}, lines: map[timeline.ID]timeline.Entry{}, texts: shown, spans: []span{{open: true}}}
				at[e.Log] = h
				out = append(out, logHistory{e.Log, h})
			}
			if e.Kind == timeline.Notice {
				h.notice(e, me)
			} else if e.Seq > 0 {
				h.entries[e.ID] = plane.Seq(e.Seq)
				h.order = append(h.order, e.ID)
			}
		}
	}
	return out
}

// notice follows the lines that say when one came and went.
func (h *history) notice(e timeline.Entry, me [32]byte) {
	last := &h.spans[len(h.spans)-1]
	n := plane.Seq(e.Seq)
	if e.Line.Who == me && (e.Line.What == "joined" || e.Line.What == "healed") {
		h.back = max(h.back, n)
	}
	switch {
	case e.Line.What == "joined" && e.Line.Who == me:
		if !last.open || len(h.spans) > 1 || last.from != 0 || len(h.entries) > 0 {
			h.spans = append(h.spans, span{from: n, open: true})
		} else {
			last.from = n
		}
	case (e.Line.What == "removed" || e.Line.What == "banned") && slices.Contains(e.Line.Whom, me), e.Line.What == "left" && e.Line.Who == me:
		last.to, last.open = n, false
	case e.Line.What == "healed" || e.Line.What == "missed": // of this device alone
	case e.Line.What == "forked":
		h.c.w.tell("%s: told of two histories", h.c.name)
	case e.Seq > 0:
		h.lines[e.ID] = e
	}
}

// agree compares what all who are or were in a conversation have of it: each message stands at
// the same place for everybody, everybody who was in at that place has it, nobody else, and in the
// order of the places. Those who are still in see the same texts, annotations and files.
func (w *world) agree(log [16]byte, all []*history) {
	truth, by := map[timeline.ID]plane.Seq{}, map[timeline.ID]*history{}
	lines := map[timeline.ID]*history{}
	var ids, notices []timeline.ID
	for _, h := range all {
		before := plane.Seq(0)
		for _, id := range h.order {
			seq := h.entries[id]
			if seq <= before {
				w.fail("%s has a message out of order", h.c.name)
			}
			before = seq
			if n, ok := truth[id]; !ok {
				truth[id], by[id] = seq, h
				ids = append(ids, id)
			} else if n != seq {
				w.fail("message %q stands at %d for %s and at %d for %s", h.texts[id].Text, n, by[id].c.name, seq, h.c.name)
			}
		}
		for id := range h.lines {
			if lines[id] == nil {
				lines[id] = h
				notices = append(notices, id)
			}
		}
	}
	for _, h := range all {
		h.laterSelf(all)
		for _, id := range ids {
			_, have := h.entries[id]
			if should := h.has(truth[id]); have != should && !(should && h.gone(truth[id])) {
				w.fail("%s: message %s at %d: has it %v, should %v; spans %v; %s has %q", h.c.name, id.Text()[:6], truth[id], have, should, h.spans, by[id].c.name, by[id].texts[id].Text)
			}
		}
		if w.shared {
			continue // a device that came later has the words, and not every line about coming and going
		}
		for _, id := range notices {
			seq := plane.Seq(lines[id].lines[id].Seq)
			if l := lines[id].lines[id].Line; l.What == "rejoined" && h.person(l.Who) {
				continue // who has come back is told otherwise
			}
			last := slices.ContainsFunc(h.spans, func(s span) bool { return !s.open && s.to == seq })
			if _, have := h.lines[id]; have != h.has(seq) && !last && !h.gone(seq) && (have || !h.ungiven(id, seq, all)) {
				w.fail("%s: line %q of %x at %d: has it %v, should %v; spans %v; %s has it", h.c.name, lines[id].lines[id].Line.What, lines[id].lines[id].Line.Who[:3], seq, have, !have, h.spans, lines[id].c.name)
			}
		}
	}
	slices.SortStableFunc(ids, func(a, b timeline.ID) int { return int(truth[a]) - int(truth[b]) })
	w.sameTexts(ids, truth, all)
	w.sameMembers(log, all)
}

// sameTexts compares how messages look to those who are in a conversation since before them.
func (w *world) sameTexts(ids []timeline.ID, truth map[timeline.ID]plane.Seq, all []*history) {
	for _, id := range ids {
		var first *history
		for _, h := range all {
			if !h.in() || !h.spans[len(h.spans)-1].has(truth[id]) {
				continue
			}
			m := h.texts[id]
			for _, f := range m.Files {
				if f.State == "local" && !bytes.Equal(h.c.files[f.Ref], w.files[f.Name]) {
					w.fail("%s: a file came out changed", h.c.name)
				}
			}
			if first == nil {
				first = h
			} else if a, b := looks(m), looks(first.texts[id]); a != b {
				w.fail("%s shows %q where %s shows %q", h.c.name, a, first.c.name, b)
			}
		}
	}
}

// sameMembers compares who is in a conversation with who those who are in it believe to be.
func (w *world) sameMembers(log [16]byte, all []*history) {
	var in []string
	for _, h := range all {
		if h.in() && h.chat.State == "open" {
			in = append(in, h.c.account)
		}
	}
	slices.Sort(in)
	in = slices.Compact(in) // one has several devices
	for _, h := range all {
		if !h.in() || h.chat.State != "open" || h.chat.ID != plane.LogID(log).Text() || len(w.failed) > 0 { // then nobody answers any more
			continue
		}
		if h.chat.Kind == core.ChatGroup && h.chat.Name != all[slices.IndexFunc(all, (*history).in)].chat.Name {
			w.fail("a group has two names")
		}
		var list []string
		r, _ := h.c.replies[h.c.call(core.GetMembers{Chat: h.chat.ID})].Result.(core.Members)
		for _, m := range r.Members {
			list = append(list, m.Person)
		}
		slices.Sort(list)
		if !slices.Equal(list, in) {
			var states strings.Builder
			for _, x := range all {
				states.WriteString(fmt.Sprintf(" %s: %s %v", x.c.name, x.chat.State, x.spans))
			}
			for _, c := range w.people {
				if slices.Contains(list, c.account) && !slices.Contains(in, c.account) {
					states.WriteString(" and counted is " + c.name)
				}
			}
			w.fail("chat %s of kind %s: %d people are in it, %s counts %d members;%s", h.chat.ID[:6], h.chat.Kind, len(in), h.c.name, len(list), states.String())
		}
	}
}

// looks is what of a message must be the same for all.
func looks(m core.Message) string {
	var s strings.Builder
	s.WriteString(string(m.Kind) + " " + m.Text)
	if m.Edited {
		s.WriteString(" (edited)")
	}
	for _, r := range m.Reactions {
		s.WriteString(fmt.Sprintf(" %s×%d", r.Emoji, len(r.By)))
	}
	if p := m.Poll; p != nil {
		s.WriteString(fmt.Sprintf(" closed %v voters %d", p.Closed, p.Voters))
		for _, o := range p.Options {
			s.WriteString(fmt.Sprintf(" %d %q", o.Votes, o.By))
		}
	}
	for _, f := range m.Files {
		s.WriteString(fmt.Sprintf(" %s %d", f.Name, f.Size))
	}
	return s.String()
}

// states compares the stored MLS states: everybody who is in a conversation has read the log to
// its end and is in the same epoch, with the same chain of records behind it.
func (w *world) states(c *simClient) {
	for _, k := range c.disk.keys {
		p := strings.Split(k, "/")
		if len(p) != 4 || p[0] != "s" || p[1] != "c" || p[3] != "m" {
			continue
		}
		var meta struct {
			State   string `cbor:"4,keyasint"`
			Leaving bool   `cbor:"9,keyasint"`
		}
		id, err := plane.ParseLogID(p[2])
		if err != nil || timeline.Decode(c.disk.pairs[k], &meta) != nil {
			w.fail("%s: a chat does not decode", c.name)
			continue
		}
		if meta.State != "open" {
			continue
		}
		if meta.Leaving {
			w.fail("%s still waits to leave %s", c.name, p[2][:6])
		}
		prefix := "s/c/" + p[2] + "/v/"
		var pairs []convo.Pair
		for x := range c.disk.Range(prefix, "s/c/"+p[2]+"/v0", false) {
			pairs = append(pairs, convo.Pair{Key: strings.TrimPrefix(x.Key, prefix), Value: x.Value})
		}
		cv, err := convo.Load(id, account.Identify, pairs)
		if err != nil {
			w.fail("%s: %s does not load: %v", c.name, p[2][:6], err)
			continue
		}
		if head := w.server.head(id); cv.Cursor() != head {
			w.fail("%s has read %s up to %d of %d", c.name, p[2][:6], cv.Cursor(), head)
		}
		n, hash := cv.Seen()
		at := fmt.Sprintf("epoch %d, generation %d, %d records %x", cv.Epoch(), cv.State().Gen, n, hash)
		if cv.Forked() {
			at += ", forked"
		}
		if first, ok := w.epochs[p[2]]; !ok {
			w.epochs[p[2]] = at
		} else if first != at {
			w.fail("%s is at %s of %s, another at %s", c.name, at, p[2][:6], first)
		}
	}
}
