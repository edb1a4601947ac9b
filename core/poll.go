package core

import (
	"slices"

	"paperplane/core/timeline"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
)

// sendPoll queues a poll.
func (m *Machine) sendPoll(v *chat, x SendPoll) (string, ErrCode) {
	c, code := m.canPost(v)
	if code != "" {
		return "", code
	}
	p, code := askOf(c, x, "")
	if code != "" {
		return "", code
	}
	return m.say(v, c, p, nil, 0)
}

// askOf makes a poll.
func askOf(c *chat, x SendPoll, forwarded string) (content.Message, ErrCode) {
	p := content.Poll{Several: x.Several, Hidden: x.Hidden, Quiz: x.Right != nil, Extra: content.Extra{Silent: x.Silent, Forwarded: forwarded, Expires: c.c.State().Vanish}}
	if p.Quiz {
		p.Right = *x.Right
	}
	texts := append([]string{x.Question}, x.Options...)
	if x.Why != "" {
		texts = append(texts, x.Why)
	}
	for i, s := range texts {
		var code ErrCode
		if texts[i], code = cleanText(s); code != "" {
			return nil, code
		}
	}
	p.Question, p.Options = texts[0], texts[1:1+len(x.Options)]
	if x.Why != "" {
		p.Why = texts[1+len(x.Options)]
	}
	return p, ""
}

// vote says what one chooses in a poll.
func (m *Machine) vote(v *chat, x Vote, found *Found) ErrCode {
	c, code := m.target(v, found)
	switch {
	case code != "":
		return code
	case found.Poll == nil || found.Deleted:
		return ErrNoMessage
	case found.Poll.Closed || found.Poll.Voted && found.Poll.Quiz:
		return ErrNotAllowed
	}
	options := slices.Clone(x.Options)
	slices.Sort(options)
	if !found.Poll.Takes(options) || found.Poll.Quiz && len(options) == 0 {
		return ErrBadArguments
	}
	m.noteOn(c, found.ID, content.Vote{Of: content.MessageID(found.ID), Options: options, Expires: m.left(found)})
	return ""
}

// closePoll ends an own poll.
func (m *Machine) closePoll(v *chat, found *Found) ErrCode {
	c, code := m.target(v, found)
	switch {
	case code != "":
		return code
	case found.Poll == nil || found.Deleted:
		return ErrNoMessage
	case !found.Own:
		return ErrNotAllowed
	case !found.Poll.Closed:
		m.noteOn(c, found.ID, content.PollClose{Of: content.MessageID(found.ID), Expires: m.left(found)})
	}
	return ""
}

// FoundPoll is what Found says of a poll.
type FoundPoll struct {
	timeline.Poll
	Closed, Voted bool
}

// foundPoll looks at a poll for a command; account is one's own person id.
func foundPoll(f *timeline.Folded, account string) *FoundPoll {
	p := &FoundPoll{Closed: f.Ballot.Closed}
	p.Poll = *f.Poll
	p.Voted = slices.ContainsFunc(f.Ballot.Votes, func(v timeline.Choice) bool { return len(v.Options) > 0 && plane.PublicKey(v.Person).Text() == account })
	return p
}

// pollNamesMax bounds the names beside one option.
const pollNamesMax = 50

// poll is a poll as faces see it.
func (b *book) poll(f *timeline.Folded) (*Poll, error) {
	p := &Poll{Question: f.Text, Several: f.Poll.Several, Hidden: f.Poll.Hidden, Quiz: f.Poll.Quiz, Closed: f.Ballot.Closed, Voters: f.Ballot.Voters}
	for _, o := range f.Poll.Options {
		p.Options = append(p.Options, PollOption{Text: o})
	}
	told := f.Own || p.Closed
	for _, v := range f.Ballot.Votes {
		who, err := b.person(v.Person)
		if err != nil {
			return nil, err
		}
		for _, n := range v.Options {
			o := &p.Options[n]
			o.Votes++
			o.Own = o.Own || who.Own
			if !p.Hidden && len(o.By) < pollNamesMax {
				o.By = append(o.By, who.Name)
			}
		}
		told = told || who.Own && len(v.Options) > 0
	}
	if p.Quiz && told {
		p.Right, p.Why = new(f.Poll.Right), f.Poll.Why
	}
	return p, nil
}
