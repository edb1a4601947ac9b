package main

import (
	"context"
	"errors"
	"flag"
	"os"

	"github.com/charmbracelet/x/term"

	"paperplane/client"
	"paperplane/core"
	"paperplane/face/cli"
	"paperplane/face/tui"
)

var chatCommand = command{
	name:  "chat",
	short: "the messenger in the terminal",
	help: `usage: paperplane chat [--plain WHO]

Opens the messenger; F1 shows its keys. Without an account it asks for an
invite link and a name.
--plain WHO talks with WHO line by line, for pipes and screen readers: what
comes is printed, each line typed is sent, and the end of the input ends it.
`,
	run: runChat,
}

func runChat(ctx context.Context, env *environment, args []string) error {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	plain := fs.String("plain", "", "")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("chat takes no names but after --plain")
	}
	if *plain != "" {
		return said(cli.RunPlain(ctx, cli.Env{In: env.in, Out: env.out, Err: env.err, Open: openSteady}, *plain))
	}
	if !isTerminal(env.in) || !isTerminal(env.out) {
		return usagef("this is no terminal; talk line by line with: paperplane chat --plain WHO")
	}
	c, done, err := openSteady(ctx)
	if err != nil {
		return said(err)
	}
	defer done()
	return said(tui.Run(ctx, c, env.in, env.out))
}

func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(file.Fd())
}

// said turns the core's refusals into words and wrong use into usage.
func said(err error) error {
	if u, ok := errors.AsType[*cli.Usage](err); ok {
		return usage{u.Text}
	}
	if e, ok := errors.AsType[*client.Error](err); ok {
		return refused{e.Code}
	}
	return err
}

// refused is a refusal of the core in words.
type refused struct{ code core.ErrCode }

func (r refused) Error() string { return cli.Say(r.code) }
