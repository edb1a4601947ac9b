package core

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

func hashOf(b []byte) [32]byte { return sha256.Sum256(b) }

// record reads one record of a chat's log.
func (m *Machine) record(c *chat, seq plane.Seq, body []byte) {
	if c.State == chatBroken || c.State == chatLeft {
		return
	}
	c.head = max(c.head, seq)
	m.touch(c)
	if c.c.Held() != nil {
		c.keepBehind(seq, body)
		return
	}
	forked, doubt := c.c.Forked(), c.c.Doubtful()
	at := c.c.Cursor()
	m.contain(c, func() {
		out := c.c.Receive(m.now, seq, body, c.q.Own)
		if v, is := out.(convo.Void); is && !v.Old {
			m.heardInLog(c, body)
		}
		m.keepRoom(c, seq-min(seq, at+1), out)
		m.outcome(c, seq, out)
		m.succeeded(c.c.Successor())
	})
	if c.c.Doubtful() {
		m.contain(c, func() { m.release(c) })
	}
	if forked != c.c.Forked() || doubt != c.c.Doubtful() {
		m.show(c)
	}
}

func (m *Machine) outcome(c *chat, seq plane.Seq, out convo.Outcome) {
	switch out := out.(type) {
	case convo.Mine:
		m.mine(c, seq, c.q.Sealed(out.Hash))
	case convo.Echo:
		f, err := content.ParseFrame(out.Plain)
		if err != nil || c.judge(c.c.OwnLeaf(), f.SentMS, f.Body) != "" {
			return
		}
		var again *outbox.Item // what is here to be said, it has said
		for _, i := range c.q.Items {
			if bytes.Equal(i.Body, f.Body) && i.Waits == 0 {
				again = i
			}
		}
		if again != nil {
			m.dropItem(c, again)
		}
		m.said(c, seq, m.acc.person(), f.Body, int64(f.SentMS), again)
	case convo.Said:
		if len(out.Plain) > 0 && out.Plain[0] == controlMark {
			switch c.c.State().Kind {
			case convo.Two:
				m.control(out.Person, out.Plain)
			case convo.Saved:
				m.synced(out.Plain)
			}
			return
		}
		m.heard(c, out.Person)
		if c.c.Light() {
			m.learnNamesOf(c, []plane.PublicKey{out.Person})
		}
		if len(out.Plain) > 0 && out.Plain[0] == hintMark {
			if c.c.State().Kind == convo.Two {
				m.hinted(c, out.Plain)
			}
			return
		}
		if len(out.Plain) > 0 && out.Plain[0] == archiveMark {
			m.hearAnnounced(c, out.Person, out.Plain)
			return
		}
		if len(out.Plain) == 1+len(plane.PublicKey{}) && out.Plain[0] == returnMark {
			p := m.person(out.Person)
			p.stored.Return = [32]byte(out.Plain[1:])
			m.savePerson(p)
			return
		}
		f, err := content.ParseFrame(out.Plain)
		if err != nil {
			return
		}
		if c.c.Compare(f.Seen, f.SeenHash) {
			m.notify(c, seq, 15, timeline.Line{What: "forked", Who: out.Person})
		}
		if c.State == chatWaiting && !m.own(out.Person) {
			c.State, c.dirtyMeta = chatOpen, true
			m.show(c)
		}
		if c.judge(out.Leaf, f.SentMS, f.Body) != "" {
			return // against the rules: void for everybody
		}
		m.said(c, seq, out.Person, f.Body, int64(f.SentMS), nil)
	case convo.Leaving:
		if m.own(out.Person) && !c.Leaving {
			c.Leaving, c.dirtyMeta = true, true // another device of one's own has asked
		}
		if m.own(out.Person) {
			m.lastLeft(c, seq)
		}
		m.show(c)
	case convo.Changed:
		m.epochChanged(c, seq, out)
	}
}

// mine: an own message has its place.
func (m *Machine) mine(c *chat, seq plane.Seq, i *outbox.Item) {
	if i.Kind == outbox.Message || i.Kind == outbox.Note {
		if code := c.judge(c.c.OwnLeaf(), i.SentMS, i.Body); code != "" {
			m.voided(c, i, code)
			return
		}
	}
	m.dropItem(c, i)
	c.tries = 0
	switch i.Kind {
	case outbox.Control:
		if c.kind() == ChatSaved {
			m.ownSynced(i.Body)
		}
	case outbox.Leave:
		c.c.Placed()
		m.lastLeft(c, seq)
	case outbox.Message, outbox.Note:
		m.said(c, seq, m.acc.person(), i.Body, int64(i.SentMS), i)
	}
}

// clockAheadMax is how far in the future a message may say to be from before it is shown as now.
const clockAheadMax = 10 * time.Minute

// said takes a message in its place: one's own (i is its outbox item) or another's.
func (m *Machine) said(c *chat, seq plane.Seq, by plane.PublicKey, body []byte, at int64, i *outbox.Item) {
	if at > m.now.Add(clockAheadMax).UnixMilli() {
		at = m.now.UnixMilli()
	}
	u, err := content.Parse(body)
	if err != nil {
		return
	}
	msg, err := u.Verify()
	if err != nil {
		return
	}
	v := m.view(c)
	id := timeline.ID(content.NewMessageID(by, c.log, body))
	switch msg := msg.(type) {
	case content.Edit:
		if !m.noteGoes(v, msg.Of, at, msg.Expires) {
			return
		}
		m.setPairs(timeline.PutEdit(v.id, timeline.ID(msg.Of), timeline.Edit{By: by, Text: msg.Text}),
			timeline.KeepEdit(v.id, timeline.ID(msg.Of), by, uint64(seq), timeline.EditKept{Text: msg.Text, At: at}))
		m.rewritten(c)
		m.changedMessage(v, timeline.ID(msg.Of))
	case content.Delete:
		if !m.noteGoes(v, msg.Of, at, msg.Expires) {
			return
		}
		m.setPairs(timeline.PutDeletion(v.id, timeline.ID(msg.Of), by))
		m.rewritten(c)
		m.changedMessage(v, timeline.ID(msg.Of))
	case content.React:
		if !m.noteGoes(v, msg.To, at, msg.Expires) {
			return
		}
		m.setPairs(timeline.PutReaction(v.id, timeline.ID(msg.To), by, timeline.Reaction{ID: id, Emoji: msg.Emoji, Log: c.log, Seq: uint64(seq)}))
		m.changedMessage(v, timeline.ID(msg.To))
	case content.Unreact:
		if !m.noteGoes(v, msg.To, at, msg.Expires) || !m.noteGoes(v, msg.Reaction, at, msg.Expires) {
			return
		}
		m.setPairs(timeline.PutDeletion(v.id, timeline.ID(msg.Reaction), by))
		m.changedMessage(v, timeline.ID(msg.To))
	case content.Profile:
		m.profile(c, by, msg)
	case content.Receipt:
		if !m.own(by) {
			m.receipt(c, msg.Delivered, msg.Read)
		}
	case content.OwnerAsk:
		if i == nil {
			m.ownerAsked(c, by, msg)
		}
	case content.OwnerGive:
		m.ownerGiven(c, msg)
	case content.Owner:
		m.ownerKey(c, msg)
	case content.Vote:
		if !m.noteGoes(v, msg.Of, at, msg.Expires) {
			return
		}
		m.setPairs(timeline.PutVote(v.id, timeline.ID(msg.Of), by, timeline.Vote{Options: msg.Options, Log: c.log, Seq: uint64(seq)}))
		m.changedMessage(v, timeline.ID(msg.Of))
	case content.PollClose:
		if !m.noteGoes(v, msg.Of, at, msg.Expires) {
			return
		}
		m.setPairs(timeline.PutClose(v.id, timeline.ID(msg.Of), by, uint64(seq)))
		m.changedMessage(v, timeline.ID(msg.Of))
	case content.Text, content.Files, content.Poll:
		e := entryOf(msg)
		e.ID, e.At, e.From, e.Own = id, at, by, m.own(by)
		e.Gone, e.Expires = m.goneAfter(at, e.Expires), 0
		m.shown(c, v, seq, e, i)
	}
}

// shown puts a message into the history.
func (m *Machine) shown(c, v *chat, seq plane.Seq, e *timeline.Entry, i *outbox.Item) {
	if i != nil {
		e.State = timeline.Sent
		for n := range e.Files {
			if n < len(i.Refs) {
				e.Files[n].Ref = i.Refs[n]
			}
		}
		if i.Index != 0 {
			m.set(timeline.EntryKey(v.id, i.Index), nil)
		}
	}
	if m.late(e.Gone) {
		m.missed(c, v, seq, e, i)
		return
	}
	m.place(c, e, seq)
	m.hiddenComes(v, e.ID)
	if e.Own {
		return
	}
	c.stopTyping(e.From)
	m.unarchive(c, v, seq, e)
	c.Got, c.dirtyNumbers = seq, true
	v.Unread++
	if m.named(e) {
		v.Mentions++
	}
	v.dirtyNumbers = true
	m.receiptDue(c)
}

// named says whether a message names oneself.
func (m *Machine) named(e *timeline.Entry) bool {
	return slices.ContainsFunc(e.Mentions, func(x timeline.Mention) bool { return m.own(x.Person) })
}

// entryOf makes the entry of a message that is shown.
func entryOf(msg content.Message) *timeline.Entry {
	e := &timeline.Entry{Kind: timeline.Text}
	reply := func(id content.MessageID) {
		if !id.IsZero() {
			e.ReplyTo = (*timeline.ID)(&id)
		}
	}
	name := func(list []content.Mention) {
		for _, x := range list {
			e.Mentions = append(e.Mentions, timeline.Mention{Start: x.Start, Length: x.Length, Person: x.Person})
		}
	}
	extra := func(x content.Extra) { e.Forwarded, e.Silent, e.Expires = x.Forwarded, x.Silent, x.Expires }
	switch msg := msg.(type) {
	case content.Text:
		e.Text = msg.Text
		extra(msg.Extra)
		name(msg.Mentions)
		reply(msg.ReplyTo)
	case content.Files:
		e.Kind, e.Text = timeline.Files, msg.Text
		extra(msg.Extra)
		name(msg.Mentions)
		reply(msg.ReplyTo)
		for _, f := range msg.Files {
			e.Files = append(e.Files, timeline.File{
				Name: f.Name, Mime: f.Mime, Size: int64(f.Size), Width: int(f.Width), Height: int(f.Height),
				Preview: f.Preview, Blob: f.Blob, Key: f.Key, Duration: int64(f.Duration), Wave: f.Wave, Inline: f.Inline,
			})
		}
		if s := msg.Sticker; s != nil {
			e.Files[0].Sticker, e.Files[0].Pack = s.Emoji, s.Pack
		}
	case content.Poll:
		e.Kind, e.Text = timeline.Question, msg.Question
		e.Poll = &timeline.Poll{Options: msg.Options, Several: msg.Several, Hidden: msg.Hidden, Quiz: msg.Quiz, Right: msg.Right, Why: msg.Why}
		extra(msg.Extra)
	}
	return e
}

// changedMessage: an annotation has come. The chat list may show the message, too.
func (m *Machine) changedMessage(v *chat, id timeline.ID) {
	m.stale(v, id)
	m.show(v)
}

// profile: somebody says their name and, a contact, how to be reached.
func (m *Machine) profile(c *chat, by plane.PublicKey, msg content.Profile) {
	if m.own(by) {
		if d := msg.Door; d != nil && c.c.State().Kind == convo.Two && d.Inbox != m.acc.inboxLog() {
			m.devs.Way = wayIn{Inbox: d.Inbox, Door: d.Seed, Card: d.Card}
			m.saveDevices()
		}
		return
	}
	p := m.person(by)
	p.stored.Name = msg.Name
	if msg.Door != nil && c.c.State().Kind == convo.Two {
		p.stored.Inbox, p.stored.Door, p.stored.Card = msg.Door.Inbox, msg.Door.Seed, msg.Door.Card
		p.stored.Server = c.Server
		m.noteSoon()
	}
	m.savePerson(p)
	m.show(c)
	if t := m.chats[p.stored.Chat]; t != nil {
		m.show(t)
	}
}

// ownerKey: an admin hands on the owner key of a log.
func (m *Machine) ownerKey(c *chat, msg content.Owner) {
	k, err := caps.SignerFromSeed(msg.Seed[:])
	if err != nil || caps.NewLogID(k.Public()) != msg.Log {
		return
	}
	if t := m.chats[msg.Log.Text()]; t != nil && t.owner == nil && (t == c || c.c.State().Kind == convo.Two) {
		t.owner, t.Owner, t.dirtyMeta = k, k.Seed(), true
		m.touch(t)
	}
}

// ended gives up what waits in a conversation that one is no longer in; messages show as failed.
func (m *Machine) ended(c *chat) {
	c.c.Abandon()
	for _, i := range slices.Clone(c.q.Items) {
		if i.Kind == outbox.Message {
			m.failItem(c, i)
		} else {
			m.dropItem(c, i)
		}
	}
	for _, i := range slices.Clone(c.intents.List) {
		m.dropWish(c, i)
	}
}

// epochChanged: a commit has won.
func (m *Machine) epochChanged(c *chat, seq plane.Seq, out convo.Changed) {
	c.commitSent, c.goneAt, c.paging.turned = false, time.Time{}, m.now
	if out.Out {
		if out.Anew {
			// Perhaps one's own new leaf: whoever is asked tells.
			c.c.Lose(convo.LostReplaced)
			m.show(c)
			return
		}
		if m.own(out.By) && !c.Leaving {
			m.signedOut()
		}
		l := timeline.Line{What: "removed", Who: out.By, Whom: [][32]byte{m.acc.person()}}
		if out.Banned {
			l.What = "banned"
		}
		if c.Leaving {
			l = timeline.Line{What: "left", Who: m.acc.person()}
		}
		c.State, c.Leaving, c.dirtyMeta = chatLeft, false, true
		m.ended(c)
		m.notify(c, seq, ownOut, l)
		m.hangChat(c)
		m.show(c)
		m.release(c)
		return
	}
	if c.kind() == ChatGroup && len(out.Added)+len(out.Removed)+len(out.Left) > 0 || c.c.State().Queue != nil && out.Before.Queue == nil {
		c.unnote(out.Added)
		c.unnote(out.Removed)
		c.unnote(out.Left)
		m.noteSoon()
	}
	// What was sealed in the old epoch and has no place is void for everybody.
	for _, i := range c.q.Items {
		if i.Msg != nil {
			i.Unseal()
			m.saveItem(c, i)
		}
	}
	if out.Mine {
		m.putPages(c)
		var refs []outbox.Ref
		if i := c.intents.Find(out.Own.Tag); i != nil {
			if refs = i.Refs; c.Leaving || !m.unfinished(c, i) {
				m.dropWish(c, i)
			}
		}
		switch {
		case out.Own.Tag == tagDevices:
			m.deviceCommit(c, out)
		case out.Own.Tag == tagAdmit:
			m.admitted(c, out)
		case len(out.Added) > 0:
			m.inviteAdded(c, out, refs)
		}
	} else {
		m.overtaken(c)
		for _, i := range slices.Clone(c.intents.List) {
			if c.Leaving {
				m.dropWish(c, i)
			}
		}
	}
	if out.NewGen {
		c.GenDay, c.dirtyMeta = plane.DayOf(m.now), true
		for _, i := range slices.Clone(c.intents.List) {
			if i.Act == outbox.Refresh {
				m.dropWish(c, i)
			}
		}
		if !out.Mine {
			// Whoever committed sends ROTATE; when nothing comes of it, another admin does.
			c.rotateAt = m.now.Add(between(5*time.Second, 30*time.Second))
		}
	}
	m.warm(c, out)
	m.notices(c, seq, out)
	if out.Moved {
		m.moved(c, seq, out.By)
	}
	if !m.lastLeft(c, seq) {
		m.askToLeave(c)
		m.show(c)
	}
}

// lastLeft ends a chat that the person leaves and in which nobody is left who could take this
// device out.
func (m *Machine) lastLeft(c *chat, seq plane.Seq) bool {
	if !c.Leaving || c.c.Size() > 1 {
		return false
	}
	c.State, c.Leaving, c.dirtyMeta = chatLeft, false, true
	m.ended(c)
	m.notify(c, seq, 13, timeline.Line{What: "left", Who: m.acc.person()})
	m.hangChat(c)
	m.show(c)
	return true
}

// askToLeave asks once more, where the person wants to leave: what was said in an older epoch is void.
func (m *Machine) askToLeave(c *chat) {
	if c.Leaving && !c.q.Has(func(i *outbox.Item) bool { return i.Kind == outbox.Leave }) {
		m.enqueue(c, &outbox.Item{Kind: outbox.Leave})
	}
}

// unfinished says whether an Add has more to add than one commit could take.
func (m *Machine) unfinished(c *chat, i *outbox.Intent) bool {
	return i.Act == outbox.Add && slices.ContainsFunc(i.Persons, func(who [32]byte) bool { return !c.c.Has(who) })
}

// hangChat closes what the session has of a chat that is over.
func (m *Machine) hangChat(c *chat) {
	if s := m.servers[c.Server]; s != nil {
		delete(s.chats, c.read)
	}
	c.drop()
}
