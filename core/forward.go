package core

import (
	"paperplane/core/timeline"
	"paperplane/protocol/content"
)

// Copy is what a message that is to be forwarded says. Files have the Ref of where they lie here, which
// is empty where they do not.
type Copy struct {
	ID    [32]byte
	By    string // its author's name, or who it came from before
	Text  string
	Files []timeline.File
	Poll  *timeline.Poll
}

// findCopies looks up the messages of a Forward. Notices and what is deleted leave Copies short.
func findCopies(r Reader, x Forward) (*Found, error) {
	out := &Found{}
	b := newBook(r, x.Chat)
	for _, name := range x.Messages[:min(len(x.Messages), ForwardMax)] {
		id, ok := timeline.ParseID(name)
		if !ok {
			continue
		}
		e, err := timeline.Find(r, x.Chat, id)
		if err != nil {
			return nil, err
		}
		if e == nil || e.Kind == timeline.Notice {
			continue
		}
		f, err := timeline.Fold(r, x.Chat, *e)
		if err != nil {
			return nil, err
		}
		who, err := b.person(e.From)
		if err != nil {
			return nil, err
		}
		if f.Deleted {
			continue
		}
		c := Copy{ID: e.ID, By: f.Forwarded, Text: f.Text, Poll: f.Poll}
		if c.By == "" {
			c.By = who.Name
		}
		for n, a := range f.Files {
			if l := f.Locals[n]; a.Ref == "" && l.State == "local" {
				a.Ref = l.Ref
			}
			c.Files = append(c.Files, a)
		}
		out.Copies = append(out.Copies, c)
	}
	return out, nil
}

// saying is a message that is about to be queued.
type saying struct {
	v, c  *chat
	msg   content.Message
	moves []*transfer
	from  Copy
}

// forward says messages once more. It does all or nothing.
func (m *Machine) forward(x Forward, found *Found) ErrCode {
	n := len(x.Messages)
	if n == 0 || len(x.To) == 0 || n*len(x.To) > ForwardMax {
		return ErrBadArguments
	}
	if found == nil || len(found.Copies) != n {
		return ErrNoMessage
	}
	for _, f := range found.Copies {
		for _, a := range f.Files {
			if a.Ref == "" {
				return ErrFileAway
			}
		}
	}
	var list []saying
	for _, id := range x.To {
		v := m.chats[id]
		if v == nil || v.First != "" {
			return ErrNoChat
		}
		c, code := m.canPost(v)
		if code == "" && n > 1 && c.c.State().Rules.Slow > 0 && !c.c.OwnAdmin() {
			code = ErrSlow
		}
		for _, f := range found.Copies {
			s := saying{v: v, c: c, from: f}
			if code == "" {
				s.msg, s.moves, code = m.copyOf(c, x, f)
			}
			if code == "" {
				_, code = m.bodyOf(s.msg)
			}
			list = append(list, s)
		}
		if code != "" {
			return code
		}
	}
	for _, s := range list {
		name, _ := m.say(s.v, s.c, s.msg, s.moves, 0) // its body has been made once
		id, _ := timeline.ParseID(name)
		for _, t := range s.moves { // one file for two messages
			m.setPairs(timeline.Share(t.stored.Ref, x.Chat, s.from.ID), timeline.Share(t.stored.Ref, s.v.id, id))
		}
	}
	return ""
}

// copyOf makes one message of a Forward. Names of members stay as text: those who read it are others.
func (m *Machine) copyOf(c *chat, x Forward, f Copy) (content.Message, []*transfer, ErrCode) {
	by, code := cleanName(f.By)
	if x.Hide || code != "" {
		by = ""
	}
	if p := f.Poll; p != nil {
		ask := SendPoll{Question: f.Text, Options: p.Options, Several: p.Several, Hidden: p.Hidden, Why: p.Why}
		if p.Quiz {
			ask.Right = &p.Right
		}
		msg, code := askOf(c, ask, by)
		return msg, nil, code
	}
	say := SendText{Text: f.Text}
	for _, a := range f.Files {
		say.Files = append(say.Files, File{
			Ref: a.Ref, Name: a.Name, Mime: a.Mime, Size: a.Size, Width: a.Width, Height: a.Height, Preview: a.Preview,
			Duration: a.Duration, Wave: a.Wave, Voice: a.Inline && a.Width == 0, Sticker: a.Sticker, Pack: a.Pack,
		})
	}
	return m.compose(c, say, content.MessageID{}, by)
}
