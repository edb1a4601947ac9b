package core

import (
	"strings"
	"time"
	"unicode/utf16"

	"paperplane/core/convo"
	"paperplane/core/outbox"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// mayPost says whether one may post in the chat now, and if not, when (0: not known).
func (m *Machine) mayPost(c *chat, post bool) (at int64, code ErrCode) {
	if !c.c.Posts() || !c.alive() {
		return 0, ""
	}
	ms, err := c.c.Judge(c.c.OwnLeaf(), uint64(m.now.UnixMilli()), post)
	if err == convo.ErrSlow && ms != 0 && int64(ms) <= m.now.UnixMilli() {
		err = nil // only the clock here is behind: see stamp
	}
	return int64(ms), postCode(err)
}

func postCode(err error) ErrCode {
	switch err {
	case nil:
		return ""
	case convo.ErrQuiet:
		return ErrQuiet
	case convo.ErrNewcomer:
		return ErrNewcomer
	}
	return ErrSlow
}

// isPost says whether the rules of a group hold for a message, and whether it need be slow.
func isPost(msg content.Message) (rules, slow bool) {
	switch msg.(type) {
	case content.Text, content.Files, content.Poll:
		return true, true
	case content.Edit:
		return true, false
	}
	return false, false
}

// judge says whether a message in its place is void because of the rules, and takes it if not.
func (c *chat) judge(leaf uint32, ms uint64, body []byte) ErrCode {
	if !c.c.Posts() {
		return ""
	}
	c.c.Hear(leaf, ms)
	u, err := content.Parse(body)
	if err != nil {
		return ""
	}
	msg, err := u.Verify()
	if err != nil {
		return ""
	}
	rules, slow := isPost(msg)
	if !rules {
		return ""
	}
	if _, err := c.c.Judge(leaf, ms, slow); err != nil {
		return postCode(err)
	}
	if slow {
		c.c.Post(leaf, ms)
	}
	return ""
}

// hold says whether an item may not go out now. One that is only too early waits.
func (m *Machine) holdPost(c *chat, i *outbox.Item) bool {
	if i.Kind != outbox.Message && i.Kind != outbox.Note || !c.c.Posts() || i.Msg != nil && i.Epoch == c.c.Epoch() {
		return false
	}
	u, err := content.Parse(i.Body)
	if err != nil {
		return false
	}
	msg, err := u.Verify()
	if err != nil {
		return false
	}
	rules, slow := isPost(msg)
	if !rules {
		return false
	}
	at, code := m.mayPost(c, slow)
	slow = slow && c.c.State().Rules.Slow > 0 && !c.c.OwnAdmin()
	switch code {
	case "":
		if slow && c.q.Has(func(o *outbox.Item) bool { return o != i && o.Kind == outbox.Message && o.Msg != nil }) {
			return true // one at a time: each is judged by the one before
		}
		if slow {
			i.SentMS = max(uint64(m.now.UnixMilli()), uint64(at)) // when it was written may be long ago
		}
		return false
	case ErrSlow:
		wait := m.now.Add(slowRetry)
		if at > m.now.UnixMilli() {
			wait = time.UnixMilli(at)
		}
		if c.postAt.IsZero() || wait.Before(c.postAt) {
			c.postAt = wait
		}
		return true
	}
	m.failItem(c, i)
	return true
}

// waitsSlow says whether a post waits already, in slow mode.
func (c *chat) waitsSlow() bool {
	return c.c.State().Rules.Slow > 0 && !c.c.OwnAdmin() && c.q.Has(func(i *outbox.Item) bool { return i.Kind == outbox.Message && !i.Failed && i.At == 0 })
}

// voided: an own post stood where the rules did not let it. One that was too early is sealed anew
// when it may be; others wait for a person.
func (m *Machine) voided(c *chat, i *outbox.Item, code ErrCode) {
	i.Unseal()
	if code == ErrSlow {
		m.saveItem(c, i)
		m.touch(c)
		return
	}
	m.failItem(c, i)
}

// mentionsOf reads the mentions of a text whose white space is trimmed.
func mentionsOf(x SendText, text string) (list []content.Mention, ok bool) {
	if len(x.Mentions) == 0 {
		return nil, true
	}
	at := strings.Index(x.Text, text)
	if at < 0 || len(x.Mentions) > content.MentionsMax {
		return nil, at < 0 && len(x.Mentions) <= content.MentionsMax // line ends have moved: the names stay as text
	}
	trimmed := len(utf16.Encode([]rune(x.Text[:at])))
	for _, n := range x.Mentions {
		p, err := plane.ParsePublicKey(n.Person)
		if err != nil {
			return nil, false
		}
		list = append(list, content.Mention{Start: n.Start - trimmed, Length: n.Length, Person: p})
	}
	return list, true
}
