package main

import (
	"flag"
	"io"
	"os"

	"paperplane/face/cli"
)

// terminal says whether a person sees what is written to w.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// parse parses the flags of a command, which may stand before, between and after its arguments,
// and returns the arguments.
func parse(fs *flag.FlagSet, args []string) (rest []string, err error) {
	fs.SetOutput(io.Discard)
	if rest, err = cli.ParseFlags(fs, args); err != nil {
		return nil, usage{cli.FlagWords(err)}
	}
	return rest, nil
}

// dataFlag is the flag that every operator's command has.
func dataFlag(fs *flag.FlagSet) *string { return fs.String("data", "", "") }
