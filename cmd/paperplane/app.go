package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"paperplane/client/vault"
	"paperplane/face/api"
)

var appCommand = command{
	name:  "app",
	short: "your account in a browser on this machine",
	help: `usage: paperplane app

Holds your account open and prints an address for a browser on this machine.
Whoever has the address has the account: keep it to yourself. It works until
this command is interrupted. When another paperplane has the account open, the
address leads there, and this command ends.
`,
	run: runApp,
}

// openTries is how often app looks again when another program is just starting or stopping.
const openTries = 20

func runApp(ctx context.Context, env *environment, args []string) error {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("app takes no arguments")
	}
	h, err := openHome()
	if err != nil {
		return err
	}
	for range openTries {
		c, stop, err := h.own()
		if err == nil {
			defer stop()
			return h.keepOpen(ctx, env, c)
		}
		if !errors.Is(err, vault.ErrBusy) {
			return said(err)
		}
		if r, err := h.remote(ctx); err == nil {
			r.Close()
			return h.printAddress(env)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
	return said(errBusyElse)
}

// keepOpen prints the address and waits for the interrupt, or for the core's end.
func (h home) keepOpen(ctx context.Context, env *environment, c api.Core) error {
	if err := h.printAddress(env); err != nil {
		return err
	}
	events, stop := c.Listen()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-events:
			if !ok {
				return errors.New("Paperplane has stopped: the disk cannot be written.")
			}
		}
	}
}

func (h home) printAddress(env *environment) error {
	l, err := h.local()
	if err != nil {
		return said(errBusyElse)
	}
	_, err = fmt.Fprintf(env.out, "%s/?token=%s\n", l.URL, l.Token)
	return err
}
