package main

import (
	"context"
	"errors"

	"paperplane/client"
	"paperplane/face/api"
	"paperplane/face/cli"
)

// peopleCommands are the commands of package cli, working on the account in the home folder.
func peopleCommands() (list []command) {
	for _, c := range cli.Commands() {
		list = append(list, command{
			name: c.Name, short: c.Brief, help: "usage: " + c.Help + "\n",
			run: func(ctx context.Context, env *environment, args []string) error {
				err := c.Run(ctx, cli.Env{Args: args, In: env.in, Out: env.out, Err: env.err, Open: openAccount})
				if u, ok := errors.AsType[*cli.Usage](err); ok {
					return usage{u.Text}
				}
				if e, ok := errors.AsType[*client.Error](err); ok {
					return errors.New(cli.Say(e.Code))
				}
				return err
			},
		})
	}
	return list
}

func openAccount(ctx context.Context) (api.Core, func(), error) {
	h, err := openHome()
	if err != nil {
		return nil, nil, err
	}
	return h.open(ctx)
}
