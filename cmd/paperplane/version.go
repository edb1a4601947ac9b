package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

var versionCommand = command{
	name:  "version",
	short: "say which version this is",
	help: `usage: paperplane version

Prints the program's version, the version of Go it was built with, and the system.
`,
	run: func(_ context.Context, env *environment, args []string) error {
		if len(args) > 0 {
			return usagef("takes no arguments")
		}
		fmt.Fprintf(env.out, "paperplane %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	},
}

// version is what the build says of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "dev"
	}
	return info.Main.Version
}
