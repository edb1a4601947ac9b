package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"paperplane/client"
	"paperplane/core"
	"paperplane/face/api"
	"paperplane/protocol/plane"
)

const sendHelp = `paperplane send WHO TEXT|- [--file FILE [--original]] [--reply ID] [--silent]
paperplane send WHO QUESTION --poll OPTION --poll OPTION [--several] [--hidden]
    [--right N [--why TEXT]]

Sends TEXT, or what comes on standard input, or FILE with TEXT beside it.
A photo is scaled down and drawn anew, without the place, the time and the
camera that its file may tell. --original sends it as it is, with all of that.
WHO is a name from paperplane contacts, the beginning of one, or "saved".
--silent lets it arrive without a sound. --poll asks the members something: with
--several they may choose several, with --hidden nobody is shown who chose what,
and with --right it is a quiz.
In a group, @ and the whole name of a member tell them that they are meant.
It ends when the server has the message. When the server is away the message
waits and leaves the next time; then it says so and still ends with 0.`

// sendTime is how long send waits for the server before it leaves the message in the queue; a
// file gets more.
const (
	sendTime     = 10 * time.Second
	sendFileTime = 10 * time.Minute
	awayTime     = 4 * time.Second
)

// ruledOut are the refusals that others can lift.
var ruledOut = []core.ErrCode{core.ErrQuiet, core.ErrSlow, core.ErrNewcomer, core.ErrLeft}

// queuedWords say that a message waits.
const queuedWords = "Queued: the server is away. It leaves when it is back."

func runSend(ctx context.Context, env Env) error {
	fs := newFlags()
	file := fs.String("file", "", "a file to send")
	original := fs.Bool("original", false, "send a photo as it is")
	reply := fs.String("reply", "", "the id of the message that this answers")
	asJSON := fs.Bool("json", false, "print JSON")
	silent := fs.Bool("silent", false, "without a sound")
	poll, right := core.SendPoll{}, fs.Int("right", 0, "the number of the right option")
	fs.Func("poll", "an option of a poll", func(s string) error { poll.Options = append(poll.Options, s); return nil })
	fs.BoolVar(&poll.Several, "several", false, "several options may be chosen")
	fs.BoolVar(&poll.Hidden, "hidden", false, "who chose what is not shown")
	fs.StringVar(&poll.Why, "why", "", "why that is right")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) < 1 || len(rest) > 2 || len(rest) == 1 && *file == "" || *original && *file == "" || poll.Options != nil && *file+*reply != "" {
		return usage("Say to whom, and what.")
	}
	text := ""
	if len(rest) == 2 {
		text = rest[1]
	}
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(env.In, plane.TextBytesMax+1))
		if err != nil {
			return errors.New("Standard input could not be read.")
		}
		text = string(b)
		for len(text) > 0 && text[len(text)-1] == '\n' {
			text = text[:len(text)-1]
		}
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	chat, _, err := s.chat(ctx, rest[0])
	if err != nil {
		return err
	}
	if chat.Kind == core.ChatGroup && chat.State == "waiting" {
		s.sync(ctx) // somebody may have let one in meanwhile
	}
	msg := core.SendText{Chat: chat.ID, Text: text, ReplyTo: *reply, Mentions: Mentions(ctx, s, chat, text), Silent: *silent}
	limit := sendTime
	if *file != "" {
		f, isPhoto, err := putFile(ctx, s, *file, *original)
		if err != nil {
			return err
		}
		if *original && isPhoto {
			fmt.Fprintln(env.Err, originalWords)
		}
		msg.Files, limit = []core.File{f}, sendFileTime
	}
	what, args := "sendText", any(msg)
	if poll.Options != nil {
		if poll.Chat, poll.Question, poll.Silent = chat.ID, text, *silent; *right != 0 {
			poll.Right = new(*right - 1)
		}
		what, args = "sendPoll", poll
	}
	sent, err := api.Do[core.Sent](ctx, s, what, args)
	if e, ok := errors.AsType[*client.Error](err); ok && slices.Contains(ruledOut, e.Code) {
		// What forbids it may be over, and this program would end before it heard of that, each time anew.
		s.sync(ctx)
		sent, err = api.Do[core.Sent](ctx, s, what, args)
	}
	if err != nil {
		return err
	}
	state := s.waitSent(ctx, chat.ID, sent.Message, limit)
	if *asJSON {
		return printJSON(env.Out, map[string]any{"id": sent.Message, "state": state})
	}
	switch state {
	case core.StateQueued:
		fmt.Fprintln(env.Out, queuedWords)
	case core.StateFailed:
		return s.whyNot(ctx, chat.ID)
	}
	return nil
}

// whyNot says why a message failed, as far as the chat tells.
func (s *session) whyNot(ctx context.Context, chat string) error {
	c, _, err := s.chat(ctx, chat)
	switch {
	case err != nil:
	case c.State == "left":
		return &client.Error{Code: core.ErrLeft}
	case c.Rules == nil || c.Admin:
	case c.Rules.Quiet:
		return &client.Error{Code: core.ErrQuiet}
	case c.PostAt > time.Now().UnixMilli() && c.Rules.Slow > 0:
		return &client.Error{Code: core.ErrSlow}
	case c.PostAt > time.Now().UnixMilli():
		return &client.Error{Code: core.ErrNewcomer}
	}
	return errors.New("The message could not be sent.")
}

// waitSent waits until the server has the message, the server is away, or the time is over.
func (s *session) waitSent(ctx context.Context, chat, id string, limit time.Duration) core.MessageState {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	away := time.NewTimer(awayTime)
	defer away.Stop()
	for {
		m, err := api.Do[core.Message](ctx, s, "message", map[string]string{"chat": chat, "message": id})
		if err == nil && m.State != core.StateQueued {
			return m.State
		}
		select {
		case <-ctx.Done():
			return core.StateQueued
		case <-away.C:
			if st, err := s.state(ctx); err != nil || !st.Online {
				return core.StateQueued
			}
			away.Reset(awayTime)
		case _, ok := <-s.events:
			if !ok {
				return core.StateQueued
			}
		}
	}
}

const readHelp = `paperplane read WHO [--json [--mark-read]] [--follow] [--since N] [--limit N]

Prints the newest messages (50), oldest first. --since N prints all with an
index above N. --follow goes on printing as they come, until it is stopped.
--json prints one object a line: id, index, at, from, text, kind, replyTo,
state, files, and where they are there: forwarded, silent, poll, gone (when it
vanishes), thread (the id of its first message). What is printed for a person counts as read, and the others may
see that; what --json gives to a script does not, unless --mark-read is given.`

// messageLine is one line of read --json.
type messageLine struct {
	ID      string            `json:"id"`
	Index   uint64            `json:"index"`
	At      string            `json:"at"` // RFC 3339, UTC
	From    string            `json:"from"`
	Text    string            `json:"text"`
	Kind    core.MessageKind  `json:"kind"`
	ReplyTo string            `json:"replyTo"`
	State   core.MessageState `json:"state"`
	Files   []string          `json:"files,omitempty"`

	Forwarded string     `json:"forwarded,omitempty"`
	Silent    bool       `json:"silent,omitempty"`
	Poll      *core.Poll `json:"poll,omitempty"`
	Gone      string     `json:"gone,omitempty"`
	Thread    string     `json:"thread,omitempty"`
}

// placed says that a message has its place; before, its index means nothing to others.
func placed(m core.Message) bool {
	return m.State != core.StateQueued && m.State != core.StateFailed
}

func lineOf(m core.Message) messageLine {
	if !placed(m) {
		m.Index = 0
	}
	const format = "2006-01-02T15:04:05.000Z"
	l := messageLine{ID: m.ID, Index: m.Index, At: time.UnixMilli(m.At).UTC().Format(format), Forwarded: m.Forwarded, Silent: m.Silent, Poll: m.Poll,
		From: m.FromName, Text: m.Text, Kind: m.Kind, State: m.State}
	if m.Gone != 0 {
		l.Gone = time.UnixMilli(m.Gone).UTC().Format(format)
	}
	if m.Thread != nil {
		l.Thread = m.Thread.Root
	}
	if m.ReplyTo != nil {
		l.ReplyTo = m.ReplyTo.ID
	}
	if m.Notice != nil {
		l.Text = NoticeText(*m.Notice)
	}
	for _, f := range m.Files {
		l.Files = append(l.Files, FileText(f))
	}
	return l
}

func runRead(ctx context.Context, env Env) error {
	fs := newFlags()
	asJSON := fs.Bool("json", false, "print JSON")
	follow := fs.Bool("follow", false, "go on")
	mark := fs.Bool("mark-read", false, "tell the others that they were read")
	since := fs.Uint64("since", 0, "an index")
	limit := fs.Int("limit", 50, "how many")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || *limit < 1 || *limit > api.PageMax {
		return usage("Say whose conversation; --limit goes to %d.", api.PageMax)
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	s.sync(ctx)
	chat, _, err := s.chat(ctx, rest[0])
	if err != nil {
		return err
	}
	p := &printer{s: s, env: env, chat: chat.ID, json: *asJSON, mark: *mark || !*asJSON, wait: *follow, last: *since}
	if *since > 0 {
		err = p.catchUp(ctx)
	} else {
		err = p.newest(ctx, *limit)
	}
	if err != nil || !*follow {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-s.events:
			if !ok {
				return errors.New("The core has stopped.")
			}
			if concerns(e, chat.ID) {
				if err := p.catchUp(ctx); err != nil {
					return err
				}
			}
		}
	}
}

// concerns says whether an event can mean new messages in chat.
func concerns(event []byte, chat string) bool {
	var e struct {
		Event   string `json:"event"`
		Message struct {
			Chat string `json:"chat"`
		} `json:"message"`
	}
	if json.Unmarshal(event, &e) != nil {
		return false
	}
	return e.Event == "resync" || e.Event == "messageChanged" && e.Message.Chat == chat
}

// printer prints each message of a chat once, in order.
type printer struct {
	s    *session
	env  Env
	chat string
	json bool
	mark bool   // tell the others that it was read
	wait bool   // print own messages only when they have their place: each once, in order
	last uint64 // index of the last message printed
}

func (s *session) page(ctx context.Context, chat string, before uint64, limit int) ([]core.Message, error) {
	p, err := api.Do[api.Page](ctx, s, "messages", map[string]any{"chat": chat, "before": before, "limit": limit})
	return p.Messages, err
}

func (p *printer) newest(ctx context.Context, limit int) error {
	list, err := p.s.page(ctx, p.chat, 0, limit)
	if err != nil {
		return err
	}
	return p.print(ctx, list)
}

// catchUp prints everything above last.
func (p *printer) catchUp(ctx context.Context) error {
	var all []core.Message
	for before := uint64(0); ; {
		list, err := p.s.page(ctx, p.chat, before, 100)
		if err != nil {
			return err
		}
		all = append(list, all...)
		if len(list) == 0 || list[0].Index <= p.last+1 {
			break
		}
		before = list[0].Index
	}
	for len(all) > 0 && all[0].Index <= p.last {
		all = all[1:]
	}
	return p.print(ctx, all)
}

func (p *printer) print(ctx context.Context, list []core.Message) error {
	for _, m := range list {
		if placed(m) {
			p.last = max(p.last, m.Index)
		} else if p.wait {
			continue
		}
		l := lineOf(m)
		if p.json {
			if err := printJSON(p.env.Out, l); err != nil {
				return err
			}
			continue
		}
		at := stampOf(m.At)
		text := Clean(l.Text, true)
		for _, f := range l.Files {
			text += " [" + Clean(f, false) + "]"
		}
		if m.Poll != nil {
			text += " [" + Clean(strings.Join(PollText(m.Poll), "; "), false) + "]"
		}
		if m.Forwarded != "" {
			text = "(from " + Isolate(Clean(m.Forwarded, false)) + ") " + text
		}
		if m.Kind == core.KindDeleted {
			text = "(deleted)"
		}
		if m.Kind == core.KindNotice {
			if _, err := fmt.Fprintf(p.env.Out, "%s  %s\n", at, Isolate(text)); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(p.env.Out, "%s  %s: %s\n", at, Isolate(Clean(m.FromName, false)), Isolate(text)); err != nil {
			return err
		}
	}
	if p.mark && len(list) > 0 {
		newest := list[len(list)-1]
		_, _ = api.Do[core.Done](ctx, p.s, "markRead", core.MarkRead{Chat: p.chat, Message: newest.ID})
	}
	return nil
}

// NoticeText puts a notice into words.
func NoticeText(l core.Line) string {
	whom, they := strings.Join(l.Whom, ", "), "they"
	if l.Self { // whoever else it was done to
		whom, they = "you", "you"
	}
	switch l.What {
	case "created":
		return l.Who + " made the group"
	case "added":
		return l.Who + " added " + whom
	case "came":
		return whom + " joined by link"
	case "removed":
		return l.Who + " removed " + whom
	case "left":
		return l.Who + " left"
	case "renamed":
		return l.Who + " named the group " + l.Text
	case "picture":
		return l.Who + " changed the picture"
	case "joined":
		return l.Who + " joined"
	case "about":
		return l.Who + " changed the description"
	case "rules":
		return l.Who + " changed the rules of the group"
	case "pinned":
		return l.Who + " pinned a message"
	case "unpinned":
		return l.Who + " took a pin off"
	case "role":
		if l.Text == string(core.RoleMember) {
			return l.Who + " made " + whom + " an ordinary member"
		}
		return l.Who + " made " + whom + " an " + l.Text
	case "banned":
		return l.Who + " banned " + whom
	case "erased":
		return l.Who + " banned " + whom + " and deleted what " + they + " wrote"
	case "vanish":
		if l.Text == "0" {
			return l.Who + " lets messages stay from now on"
		}
		n, _ := strconv.Atoi(l.Text)
		return l.Who + " lets messages vanish after " + (time.Duration(n) * time.Second).String()
	case "moved":
		return l.Who + " moved the conversation to " + l.Text
	case "device":
		return l.Who + " uses another device"
	case "rejoined":
		return l.Who + " is back"
	case "healed":
		return "This device had lost the thread and has it again."
	case "missed":
		return "Nobody could give this device what it missed: " + l.Text + " records."
	case "forked":
		return "The server showed people here two different histories. Ask whoever runs it."
	}
	return l.What
}
