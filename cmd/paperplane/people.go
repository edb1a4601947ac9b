package main

import (
	"context"

	"paperplane/face/cli"
)

// peopleCommands are the commands of package cli, working on the account in the home folder.
func peopleCommands() (list []command) {
	for _, c := range cli.Commands() {
		list = append(list, command{
			name: c.Name, short: c.Brief, help: "usage: " + c.Help + "\n",
			run: func(ctx context.Context, env *environment, args []string) error {
				return said(c.Run(ctx, cli.Env{Args: args, In: env.in, Out: env.out, Err: env.err, Open: openSteady}))
			},
		})
	}
	return list
}
