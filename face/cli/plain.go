package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"paperplane/core"
	"paperplane/face/api"
	"paperplane/protocol/plane"
)

// plainRecent is how many messages line mode shows at its start.
const plainRecent = 20

// RunPlain is the messenger line by line, for pipes and screen readers: what comes is printed, each
// line typed is sent. It ends at the end of the input, when all that was typed is sent or queued.
func RunPlain(ctx context.Context, env Env, who string) error {
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	s.sync(ctx)
	chat, _, err := s.chat(ctx, who)
	if err != nil {
		return err
	}
	p := &printer{s: s, env: env, chat: chat.ID, mark: true, wait: true}
	if err := p.newest(ctx, plainRecent); err != nil {
		return err
	}
	typed := make(chan string)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	broken := make(chan error, 1)
	go func() { // ends with the input, or with the program when the input never ends
		defer close(typed)
		sc := bufio.NewScanner(env.In)
		sc.Buffer(nil, plane.TextBytesMax+1)
		for sc.Scan() {
			select {
			case typed <- sc.Text():
			case <-ctx.Done():
				return
			}
		}
		broken <- sc.Err()
	}()
	last := ""
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
		case text, ok := <-typed:
			if !ok {
				if err := <-broken; err != nil {
					return errors.New("A line was too long for one message; it and what follows were not sent.")
				}
				return s.leave(ctx, env, chat.ID, last)
			}
			if strings.TrimSpace(text) == "" {
				continue
			}
			sent, err := api.Do[core.Sent](ctx, s, "sendText", core.SendText{Chat: chat.ID, Text: text, Mentions: Mentions(ctx, s, chat, text)})
			if err != nil {
				return err
			}
			last = sent.Message
		}
	}
}

// leave waits for the last message typed.
func (s *session) leave(ctx context.Context, env Env, chat, last string) error {
	if last == "" {
		return nil
	}
	switch s.waitSent(ctx, chat, last, sendTime) {
	case core.StateQueued:
		fmt.Fprintln(env.Out, queuedWords)
	case core.StateFailed:
		return errors.New("The last message could not be sent.")
	}
	return nil
}

// stampOf is a time for people.
func stampOf(ms int64) string { return time.UnixMilli(ms).Local().Format("2006-01-02 15:04") }
