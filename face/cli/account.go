package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"paperplane/core"
	"paperplane/face/api"
)

const joinHelp = `paperplane join LINK --name NAME

Opens an invite link. Where there is no account yet, one is made with NAME.
Prints whom you can write to now.`

func runJoin(ctx context.Context, env Env) error {
	fs := newFlags()
	name := fs.String("name", "", "how others see you")
	asJSON := fs.Bool("json", false, "print JSON")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usage("Give one link.")
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	joined, err := api.Do[core.Joined](ctx, s, "join", core.Join{Link: strings.TrimSpace(rest[0]), Name: *name, Device: DeviceName()})
	if err != nil {
		return err
	}
	if joined.Chat != "" {
		// The request leaves only while this program runs: wait for it a little.
		s.sync(ctx)
	}
	if *asJSON {
		return printJSON(env.Out, joined)
	}
	if joined.Chat == "" {
		fmt.Fprintln(env.Out, "Welcome. Invite somebody: paperplane invite")
		return nil
	}
	st, err := s.state(ctx)
	if err != nil {
		return err
	}
	c, err := find(st.Chats, joined.Chat)
	if err != nil {
		return err
	}
	switch {
	case c.Kind == core.ChatGroup && c.State == "waiting":
		fmt.Fprintf(env.Out, "You have knocked at %s and come in as soon as a member who is online lets you.\n", Isolate(ChatName(c)))
	case c.Refused == core.ErrBanned || c.Refused == core.ErrGroupFull || c.Refused == core.ErrOutdated:
		return fmt.Errorf("%s", Say(c.Refused))
	case c.State == "refused":
		return fmt.Errorf("%s does not let you in.", Isolate(ChatName(c)))
	default:
		fmt.Fprintf(env.Out, "You can write to %s now.\n", Isolate(ChatName(c)))
	}
	return nil
}

const inviteHelp = `paperplane invite [--uses N] [--days D] [--qr]

Prints a link. Whoever opens it can write to you. It works for N people (10)
and D days (30). --qr draws it as well.`

func runInvite(ctx context.Context, env Env) error {
	fs := newFlags()
	uses := fs.Int("uses", 10, "for how many people")
	days := fs.Int("days", 30, "for how many days")
	asJSON := fs.Bool("json", false, "print JSON")
	draw := fs.Bool("qr", false, "draw the QR code")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) > 0 || *uses < 1 || *days < 1 {
		return usage("N and D are whole numbers from 1 on.")
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	link, err := api.Do[core.InviteLink](ctx, s, "invite", core.Invite{Uses: *uses, Days: *days})
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(env.Out, link)
	}
	fmt.Fprintln(env.Out, link.Link)
	if *draw {
		return WriteQR(env.Out, link.Link)
	}
	return nil
}

// WriteQR draws text as a QR code.
func WriteQR(w io.Writer, text string) error {
	code, err := api.MakeQR(text)
	if err == nil {
		DrawQR(w, code)
	}
	return err
}

// DrawQR draws a code with half blocks: two rows of the code in one line, dark on light.
func DrawQR(w io.Writer, code api.QR) {
	for y := 0; y < code.Size; y += 2 {
		var line strings.Builder
		for x := range code.Size {
			up := code.Rows[y][x] == '1'
			down := y+1 < code.Size && code.Rows[y+1][x] == '1'
			switch {
			case up && down:
				line.WriteString(" ")
			case up:
				line.WriteString("▄")
			case down:
				line.WriteString("▀")
			default:
				line.WriteString("█")
			}
		}
		fmt.Fprintln(w, line.String())
	}
}

const contactsHelp = `paperplane contacts [--json]

Lists your conversations with how many messages are unread: those that you put
on top, then the newest first, and those in the archive behind a line.`

// contactLine is one line of contacts --json.
type contactLine struct {
	Chat   string        `json:"chat"`
	Kind   core.ChatKind `json:"kind"`
	Name   string        `json:"name"`
	Person string        `json:"person,omitempty"`
	Unread int           `json:"unread"`
	State  string        `json:"state"`
	// Muted is until when, ms since 1970, or -1.
	Muted    int64 `json:"muted,omitempty"`
	Archived bool  `json:"archived,omitempty"`
	Pinned   bool  `json:"pinned,omitempty"`
	Marked   bool  `json:"marked,omitempty"`
}

func runContacts(ctx context.Context, env Env) error {
	fs := newFlags()
	asJSON := fs.Bool("json", false, "print JSON")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usage("contacts takes no names.")
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	s.sync(ctx)
	st, err := s.state(ctx)
	if err != nil {
		return err
	}
	InOrder(st.Chats)
	apart := false
	for _, c := range st.Chats {
		if c.Archived && !apart && !*asJSON {
			apart = true
			fmt.Fprintln(env.Out, "Archived:")
		}
		if *asJSON {
			if err := printJSON(env.Out, contactLine{c.ID, c.Kind, ChatName(c), c.Person, c.Unread, c.State, c.Muted, c.Archived, c.Pinned, c.Marked}); err != nil {
				return err
			}
			continue
		}
		unread := ""
		if c.Unread > 0 {
			unread = fmt.Sprintf("  %d new", c.Unread)
		} else if c.Marked {
			unread = "  unread"
		}
		note := ChatNote(c)
		if note == "" && c.Knocks > 0 {
			note = fmt.Sprintf("%d waiting to be let in", c.Knocks)
		}
		if note != "" {
			note = "  (" + note + ")"
		}
		fmt.Fprintf(env.Out, "%s%s%s\n", Isolate(ChatName(c)), unread, note)
	}
	return nil
}
