package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"paperplane/core"
	"paperplane/face/api"
)

const voteHelp = `paperplane vote WHO ID [NUMBER …]

Chooses options of a poll by their numbers, which paperplane read shows; without
any the vote is taken back. ID is the message's, as read --json prints it. In a
quiz the first vote stands. paperplane vote WHO ID --close ends your own poll.`

func runVote(ctx context.Context, env Env) error {
	fs := newFlags()
	end := fs.Bool("close", false, "end the poll")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) < 2 || *end && len(rest) > 2 {
		return usage("Say in which conversation, which poll, and the numbers of the options.")
	}
	x := core.Vote{Message: rest[1], Options: []int{}}
	for _, s := range rest[2:] {
		n, err := strconv.Atoi(s)
		if err != nil {
			return usage("%q is no number of an option.", s)
		}
		x.Options = append(x.Options, n-1)
	}
	return onChat(ctx, env, rest[0], func(s *session, chat core.Chat) error {
		if x.Chat = chat.ID; *end {
			_, err := api.Do[core.Done](ctx, s, "closePoll", core.ClosePoll{Chat: x.Chat, Message: x.Message})
			return err
		}
		_, err := api.Do[core.Done](ctx, s, "vote", x)
		return err
	})
}

const forwardHelp = `paperplane forward WHO ID TO [--hide]

Says a message of the conversation with WHO once more in the one with TO. Who
wrote it is told, unless --hide is given. Its files must be on this device.`

func runForward(ctx context.Context, env Env) error {
	fs := newFlags()
	hide := fs.Bool("hide", false, "do not tell who wrote it")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) != 3 {
		return usage("Say from which conversation, which message, and to whom.")
	}
	return onChat(ctx, env, rest[0], func(s *session, chat core.Chat) error {
		to, _, err := s.chat(ctx, rest[2])
		if err != nil {
			return err
		}
		_, err = api.Do[core.Done](ctx, s, "forward", core.Forward{Chat: chat.ID, Messages: rest[1:2], To: []string{to.ID}, Hide: *hide})
		return err
	})
}

const timerHelp = `paperplane timer WHO [TIME|off]

Sets how long messages live that are sent from now on, for everybody in the
conversation: a time such as 1h30m or 24h, from one minute to a year. Without a
TIME it prints what holds.`

func runTimer(ctx context.Context, env Env) error {
	rest, err := parse(newFlags(), env.Args)
	if err != nil {
		return err
	}
	if len(rest) < 1 || len(rest) > 2 {
		return usage("Say in which conversation.")
	}
	x := core.SetVanish{}
	if len(rest) == 2 && rest[1] != "off" {
		d, err := time.ParseDuration(rest[1])
		if x.Seconds = int(d / time.Second); err != nil || x.Seconds < core.VanishMin || x.Seconds > core.VanishMax {
			return usage("Say a time from 1m to 8760h, or off.")
		}
	}
	return onChat(ctx, env, rest[0], func(s *session, chat core.Chat) error {
		if len(rest) == 1 {
			_, err := fmt.Fprintln(env.Out, timerText(chat.Vanish))
			return err
		}
		x.Chat = chat.ID
		_, err := api.Do[core.Done](ctx, s, "setVanish", x)
		return err
	})
}

func timerText(seconds int) string {
	if seconds == 0 {
		return "Messages stay."
	}
	return "Messages vanish after " + (time.Duration(seconds) * time.Second).String() + "."
}

// onChat does something in a conversation, and waits until it has left.
func onChat(ctx context.Context, env Env, who string, do func(*session, core.Chat) error) error {
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	s.sync(ctx)
	chat, _, err := s.chat(ctx, who)
	if err == nil {
		err = do(s, chat)
	}
	if err == nil {
		s.sync(ctx)
	}
	return err
}

// FileText is what stands for a file where its name says nothing: a sticker, a voice message.
func FileText(f core.Attachment) string {
	switch {
	case f.Sticker != "":
		return "sticker " + f.Sticker
	case f.Voice:
		s := (f.Duration + 500) / 1000
		return fmt.Sprintf("voice message %d:%02d", s/60, s%60)
	}
	return f.Name
}

// PollText is what stands below the question of a poll, a line an option.
func PollText(p *core.Poll) []string {
	var out []string
	for i, o := range p.Options {
		mark := ""
		if o.Own {
			mark += " (you)"
		}
		if p.Right != nil && *p.Right == i {
			mark += " (right)"
		}
		if len(o.By) > 0 {
			mark += ": " + strings.Join(o.By, ", ")
		}
		out = append(out, fmt.Sprintf("%d. %s  %d%s", i+1, o.Text, o.Votes, mark))
	}
	if p.Why != "" {
		out = append(out, p.Why)
	}
	if p.Closed {
		out = append(out, "The poll has ended.")
	}
	return out
}
