// Command paperplane is the whole product in one program: the server and its tools, the terminal
// app and the commands for scripts. Which implementation stands behind which seam is decided
// here and nowhere else.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a server that is needed does not answer. Answers go to standard output, complaints to
// standard error. docs/reference is made from the help texts in this package.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"paperplane/core"
)

// command is a subcommand. Run gets the arguments after its name; an error of kind usage makes
// exit code 2, any other 1.
type command struct {
	name  string
	short string // one line in the list
	help  string // the whole help, beginning with "usage: "
	run   func(ctx context.Context, env *environment, args []string) error
}

// environment is what a command may touch of the world besides files and sockets.
type environment struct {
	in       io.Reader
	out, err io.Writer
}

// usage is an error of whoever typed the command.
type usage struct{ text string }

func (u usage) Error() string { return u.text }

func usagef(format string, args ...any) error { return usage{fmt.Sprintf(format, args...)} }

// commands is every subcommand, in the order of the help: people first, then operators.
func commands() []command {
	return append(peopleCommands(),
		accountCommand,
		chatCommand,
		appCommand,
		serveCommand,
		configCommand,
		doctorCommand,
		backupCommand,
		restoreCommand,
		blankSheetCommand,
		versionCommand,
	)
}

func main() {
	private()
	quiet(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(dispatch(ctx, &environment{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:]))
}

func dispatch(ctx context.Context, env *environment, args []string) int {
	all := commands()
	args, err := takeAccount(args)
	if err != nil {
		fmt.Fprintf(env.err, "paperplane: %v\n", err)
		return 2
	}
	if len(args) == 0 {
		fmt.Fprint(env.err, overview(all))
		return 2
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		return help(env, all, rest)
	case "-version", "--version":
		name = "version"
	case "open": // what app was called first
		name = "app"
	}
	for _, c := range all {
		if c.name != name {
			continue
		}
		if len(rest) == 1 && (rest[0] == "-h" || rest[0] == "-help" || rest[0] == "--help") {
			fmt.Fprint(env.out, c.help)
			return 0
		}
		err := c.run(ctx, env, rest)
		if err == nil {
			return 0
		}
		fmt.Fprintf(env.err, "paperplane %s: %v\n", c.name, err)
		if _, ok := errors.AsType[usage](err); ok {
			fmt.Fprintf(env.err, "See: paperplane help %s\n", c.name)
			return 2
		}
		if r, ok := errors.AsType[refused](err); ok && r.code == core.ErrOffline {
			return 3
		}
		return 1
	}
	fmt.Fprintf(env.err, "paperplane: there is no command %q. See: paperplane help\n", name)
	return 2
}

func help(env *environment, all []command, args []string) int {
	if len(args) == 0 {
		fmt.Fprint(env.out, overview(all))
		return 0
	}
	for _, c := range all {
		if c.name == args[0] {
			fmt.Fprint(env.out, c.help)
			return 0
		}
	}
	fmt.Fprintf(env.err, "paperplane: there is no command %q. See: paperplane help\n", args[0])
	return 2
}

func overview(all []command) string {
	var b strings.Builder
	b.WriteString("Paperplane: messages that only the people in the conversation can read.\n\nusage: paperplane [--account NAME] COMMAND [arguments]\n\n")
	for _, c := range all {
		fmt.Fprintf(&b, "  %-12s %s\n", c.name, c.short)
	}
	b.WriteString("\nMore about one: paperplane help COMMAND\n")
	return b.String()
}
