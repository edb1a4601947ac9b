package cli

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// idMark stands before an argument that is an id while flags are parsed; no argument has it.
const idMark = "\x00"

// ParseFlags parses flags wherever they stand among the other arguments, which it returns. An id is
// none, though it begins with a dash, as one in 64 does.
func ParseFlags(fs *flag.FlagSet, args []string) (rest []string, err error) {
	args = slices.Clone(args)
	for i, a := range args {
		if dashedID(a) && fs.Lookup(strings.TrimLeft(a, "-")) == nil {
			args[i] = idMark + a
		}
	}
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		if args = fs.Args(); len(args) > 0 {
			rest = append(rest, strings.TrimPrefix(args[0], idMark))
			args = args[1:]
		}
	}
	fs.Visit(func(f *flag.Flag) {
		if id, ok := strings.CutPrefix(f.Value.String(), idMark); ok {
			err = errors.Join(err, f.Value.Set(id))
		}
	})
	return rest, err
}

// dashedID says whether an argument has the form of an id, 16 or 32 bytes as base64url, and begins
// with a dash.
func dashedID(arg string) bool {
	if !strings.HasPrefix(arg, "-") {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(arg)
	return err == nil && (len(b) == 16 || len(b) == 32)
}

// FlagWords says in plain words what flag.FlagSet.Parse found wrong. The library tells its cases
// apart by text only; one that is not known stays as it is.
func FlagWords(err error) string {
	if errors.Is(err, flag.ErrHelp) {
		return "Ask for help alone, or with paperplane help."
	}
	said := err.Error()
	if name, ok := strings.CutPrefix(said, "flag provided but not defined: -"); ok {
		return fmt.Sprintf("There is no option --%s.", Clean(name, false))
	}
	if name, ok := strings.CutPrefix(said, "bad flag syntax: "); ok {
		return fmt.Sprintf("There is no option %s.", Clean(name, false))
	}
	if name, ok := strings.CutPrefix(said, "flag needs an argument: -"); ok {
		return fmt.Sprintf("The option --%s needs a value behind it.", name)
	}
	for _, begin := range []string{"invalid value ", "invalid boolean value "} {
		rest, ok := strings.CutPrefix(said, begin)
		if !ok {
			continue
		}
		// The value is quoted and may hold anything; the option's name holds neither space nor colon.
		for _, between := range []string{" for flag -", " for -"} {
			if i := strings.LastIndex(rest, between); i >= 0 {
				name, _, _ := strings.Cut(rest[i+len(between):], ":")
				return fmt.Sprintf("The option --%s does not take the value %s.", name, Clean(rest[:i], false))
			}
		}
	}
	return said
}
