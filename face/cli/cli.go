// Package cli is the scriptable face: join, invite, contacts, send, read, export.
//
// Each command opens the account's core, does one thing and ends; with --json what it prints is
// one JSON object a line, stable for scripts. Exit codes: 0 done (a message that waits for the
// server to come back counts as done and says so), 1 it failed, 2 wrong use, 3 the server that it needs
// does not answer.
// Texts from other people are printed with control characters taken out.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"paperplane/client"
	"paperplane/core"
	"paperplane/face/api"
)

// Env is what a command works with.
type Env struct {
	Args []string
	In   io.Reader
	Out  io.Writer
	Err  io.Writer
	// Open opens the account's core; the function it returns closes it.
	Open func(ctx context.Context) (api.Core, func(), error)
}

// Command is one subcommand. Help starts with its usage line.
type Command struct {
	Name  string
	Brief string
	Help  string
	// Run does it. The error is *Usage for wrong use (exit code 2), *client.Error when the core
	// refused (Say puts it into words), or a sentence for the person.
	Run func(ctx context.Context, env Env) error
}

// Commands lists all commands of this face in the order of the help.
func Commands() []Command {
	return []Command{
		{"join", "open an invite link and choose a name", joinHelp, runJoin},
		{"invite", "make an invite link for somebody", inviteHelp, runInvite},
		{"contacts", "list conversations", contactsHelp, runContacts},
		{"send", "send a message or a file", sendHelp, runSend},
		{"forward", "say a message once more elsewhere", forwardHelp, runForward},
		{"vote", "choose in a poll, or end it", voteHelp, runVote},
		{"timer", "let messages vanish", timerHelp, runTimer},
		{"read", "print a conversation", readHelp, runRead},
		{"search", "look for messages", searchHelp, runSearch},
		{"group", "make a group and look after it", groupHelp, runGroup},
		{"folder", "put conversations into folders", folderHelp, runFolder},
		{"device", "use the account on several devices", deviceHelp, runDevice},
		{"words", "twelve words that bring the account back", wordsHelp, runWords},
		{"recover", "bring the account back from twelve words", recoverHelp, runRecover},
		{"export", "save conversations as pages and JSON", exportHelp, runExport},
	}
}

// Usage is wrong use of a command.
type Usage struct{ Text string }

func (e *Usage) Error() string { return e.Text }

func usage(format string, args ...any) error { return &Usage{fmt.Sprintf(format, args...)} }

func newFlags() *flag.FlagSet {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// parse reads flags wherever they stand among the other arguments.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	rest, err := ParseFlags(fs, args)
	if err != nil {
		return nil, usage("%s", FlagWords(err))
	}
	return rest, nil
}

// said are the words for each reason; what to do is part of them.
var said = map[core.ErrCode]string{
	core.ErrBadLink:      "This link is damaged or cut off. Ask for it again.",
	core.ErrLinkVersion:  "This link is from a newer Paperplane. Please update.",
	core.ErrLinkUsedUp:   "This invite is used up or expired. Ask for a new one.",
	core.ErrLinkSelf:     "This is your own invite. Give it to somebody else.",
	core.ErrServerKey:    "The server shows another key than the one you know. Nothing was sent. Ask whoever runs it before you go on.",
	core.ErrNameEmpty:    "Please give a name: --name NAME.",
	core.ErrNameLong:     "This name is too long.",
	core.ErrNameBad:      "This name has invisible characters that could mislead people. Please choose another.",
	core.ErrTextEmpty:    "There is nothing to send.",
	core.ErrTextLong:     "This text is too long for one message. Send it as a file: --file FILE.",
	core.ErrFileLarge:    "This file is too large for the server.",
	core.ErrNoAccount:    "There is no account yet. Open an invite first: paperplane join LINK --name NAME.",
	core.ErrNoChat:       "There is no such conversation. See: paperplane contacts.",
	core.ErrNoMessage:    "There is no such message.",
	core.ErrNotAllowed:   "You may not do this here.",
	core.ErrGroupFull:    "This group is full.",
	core.ErrWords:        "These are not twelve words of ours. Look for a misspelt one.",
	core.ErrWordsNone:    "The words are good, but this server keeps nothing under them. Is it the right server?",
	core.ErrDevicesFull:  "You use as many devices as there can be. Sign one out first: paperplane device remove.",
	core.ErrDigits:       "The digits were not the same, so nothing was linked. Begin again: paperplane device link.",
	core.ErrSilent:       "The other device says nothing any more, so it was not linked. Begin again: paperplane device link.",
	core.ErrSlow:         "Slow mode is on: wait a little before you write again.",
	core.ErrQuiet:        "Only admins write in this group.",
	core.ErrNewcomer:     "Newcomers wait a while before they may write in this group.",
	core.ErrOutdated:     "The others know newer devices of yours than this one does. Link it again from one of those. If there is none left, ask the others to take you out and add you anew.",
	core.ErrBanned:       "You were banned from this group.",
	core.ErrPinsFull:     "Too many messages are pinned. Unpin one first.",
	core.ErrLinksFull:    "There are too many links. Revoke one first.",
	core.ErrWaiting:      "Nobody has let you in yet. Somebody in the group has to be online; try again later.",
	core.ErrFoldersFull:  "There are 16 folders, or 1,000 chats in this one; there can be no more.",
	core.ErrChatsPinned:  "Twenty conversations are on top already. Take one off first.",
	core.ErrScheduled:    "A hundred messages of this conversation wait for their time; there can be no more.",
	core.ErrFileAway:     "A file of it is not on this device. Save it here first, then forward it.",
	core.ErrAccounts:     "There are as many accounts as there can be. Remove one first.",
	core.ErrLeft:         "You are no longer a member of this group.",
	core.ErrOffline:      "The server does not answer. Nothing is lost; try again later.",
	core.ErrDiskFull:     "The disk is full. Nothing was lost; free some space and try again.",
	core.ErrBusyElse:     "The account is open in another program that does not answer.",
	core.ErrBadArguments: "The core did not understand this.",
	core.ErrUnknown:      "The core does not know this command.",
	core.ErrInternal:     "Something went wrong inside Paperplane. Please report it.",
}

// Say turns an error code into words for a person.
func Say(code core.ErrCode) string {
	if s, ok := said[code]; ok {
		return s
	}
	return said[core.ErrInternal]
}

// Clean takes control characters, terminal escapes and the characters that would break out of
// Isolate out of somebody's text; line breaks stay when lines is set. Joiners stay: Persian and
// emoji need them.
func Clean(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\u2028' || r == '\u2029':
			if lines {
				return '\n'
			}
			return ' '
		case unicode.IsControl(r):
			return ' '
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s)
}

// Isolate keeps the direction of somebody's text from changing what stands around it.
func Isolate(s string) string { return "\u2068" + s + "\u2069" }

// ChatName is what a chat is called on a screen.
func ChatName(c core.Chat) string {
	switch {
	case c.Kind == core.ChatSaved:
		return "Saved messages"
	case c.Name == "":
		return "(name not known yet)"
	}
	return Clean(c.Name, false)
}

// ChatNote says in words what is special about a chat's state; "" when nothing is.
func ChatNote(c core.Chat) string {
	switch {
	case c.State == "waiting" && c.Kind == core.ChatGroup:
		return "waiting for a member to let you in"
	case c.State == "waiting":
		return "has not answered yet"
	case c.State == "refused" && c.Refused == core.ErrBanned:
		return "you were banned from this group"
	case c.Refused == core.ErrOutdated:
		return "the others know newer devices of yours; link this one again, or ask them to take you out and add you anew"
	case c.State == "refused" && c.Refused == core.ErrGroupFull:
		return "the group is full"
	case c.State == "refused" && c.Kind == core.ChatGroup:
		return "did not let you in"
	case c.State == "refused":
		return "the link was used up; ask for a new one"
	case c.State == "left":
		return "you are not a member any more"
	case c.State == "broken":
		return "this conversation cannot go on; start a new one"
	case c.State == "healing":
		return "finding back; what you write leaves then"
	case c.Forked:
		return "the server showed two different histories; ask whoever runs it"
	}
	return ""
}

// find returns the one chat that who names: its id, its name, or the beginning of its name.
func find(chats []core.Chat, who string) (core.Chat, error) {
	var begin, whole []core.Chat
	for _, c := range chats {
		name := ChatName(c)
		switch {
		case c.ID == who || c.Kind == core.ChatSaved && strings.EqualFold(who, "saved"):
			return c, nil
		case strings.EqualFold(name, who):
			whole = append(whole, c)
		case len(name) >= len(who) && strings.EqualFold(name[:len(who)], who):
			begin = append(begin, c)
		}
	}
	if len(whole) == 0 {
		whole = begin
	}
	switch len(whole) {
	case 0:
		return core.Chat{}, &client.Error{Code: core.ErrNoChat}
	case 1:
		return whole[0], nil
	}
	return core.Chat{}, errors.New("More than one conversation is called that. Use its id: see paperplane contacts --json.")
}

// notThere says whether err is find's answer that nothing is called so.
func notThere(err error) (*client.Error, bool) {
	e, ok := errors.AsType[*client.Error](err)
	return e, ok && e.Code == core.ErrNoChat
}

// session is an opened core with its events.
type session struct {
	api.Core
	events <-chan []byte
	close  func()
}

// Replaced are the words for a device whose account seems to go on elsewhere, by the twelve words.
const Replaced = "Another device seems to go on with this account, by your twelve words. Nobody reaches this one any more."

// SignedOut are the words for a device that another one has signed out.
const SignedOut = "This device was signed out: nothing new comes here and nothing can be sent. What is here stays readable."

func open(ctx context.Context, env Env) (*session, error) {
	c, done, err := env.Open(ctx)
	if err != nil {
		return nil, err
	}
	events, stop := c.Listen()
	s := &session{c, events, func() { stop(); done() }}
	if st, err := api.Do[core.State](ctx, s, "getState", struct{}{}); err == nil && st.Notice == "signed-out" {
		fmt.Fprintln(env.Err, SignedOut)
	} else if err == nil && st.Notice == "replaced" {
		fmt.Fprintln(env.Err, Replaced)
	}
	return s, nil
}

func (s *session) state(ctx context.Context) (core.State, error) {
	st, err := api.Do[core.State](ctx, s, "getState", struct{}{})
	if err == nil && st.Account == nil {
		err = &client.Error{Code: core.ErrNoAccount}
	}
	return st, err
}

// chat finds who among the conversations.
func (s *session) chat(ctx context.Context, who string) (core.Chat, core.State, error) {
	st, err := s.state(ctx)
	if err != nil {
		return core.Chat{}, st, err
	}
	c, err := find(st.Chats, who)
	if e, ok := errors.AsType[*client.Error](err); ok && e.Code == core.ErrNoChat {
		// Somebody may have opened one's invite since the last command; where one's other device is away, that takes its time.
		for range 2 {
			done := s.syncs(ctx, syncTime)
			if st, err = s.state(ctx); err != nil {
				return core.Chat{}, st, err
			}
			if c, err = find(st.Chats, who); err == nil || done || !st.Online {
				break
			}
		}
	}
	return c, st, err
}

// syncTime is how long a command waits for the server before it shows what is here.
const syncTime = 4 * time.Second

// sync waits until everything that the server has is here, or syncTime is over.
func (s *session) sync(ctx context.Context) { s.syncs(ctx, syncTime) }

// syncs is sync for another time; false when it was over before.
func (s *session) syncs(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	_, err := api.Do[core.Done](ctx, s, "sync", struct{}{})
	return err == nil
}

// longTime is how long the two ends of a linking stay for the history.
const longTime = 2 * time.Minute

// syncLong is sync for what takes its time.
func (s *session) syncLong(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, longTime)
	defer cancel()
	for ctx.Err() == nil {
		_, err := api.Do[core.Done](ctx, s, "sync", struct{}{})
		if err == nil {
			return
		}
		if st, err := s.state(ctx); err != nil || !st.Online {
			return
		}
	}
}

func printJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
