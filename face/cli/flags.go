package cli

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

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
