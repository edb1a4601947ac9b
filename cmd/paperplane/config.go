package main

import (
	"context"
	"fmt"

	"paperplane/server/admin"
)

var configCommand = command{
	name:  "config",
	short: "describe or check a server's settings",
	help: `usage: paperplane config describe
       paperplane config check FILE

describe prints every setting with what it means and its default, as a file that may be edited
and given to "paperplane serve --config FILE". check reads a file and says what is wrong in it.
A setting that does not exist is an error, so that a slip of the pen never passes unseen.
`,
	run: func(_ context.Context, env *environment, args []string) error {
		switch {
		case len(args) == 1 && args[0] == "describe":
			fmt.Fprint(env.out, admin.Describe())
			return nil
		case len(args) == 2 && args[0] == "check":
			if _, err := admin.ReadConfig(args[1]); err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			fmt.Fprintln(env.out, "good")
			return nil
		}
		return usagef("say describe, or check FILE")
	},
}
