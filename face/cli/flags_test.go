package cli

import "testing"

// TestFlagWords shows what a person reads about a wrong option; Go's own words stay inside.
func TestFlagWords(t *testing.T) {
	for _, c := range []struct{ arg, want string }{
		{"--bogus", "There is no option --bogus."},
		{"-bogus=1", "There is no option --bogus."},
		{"--bo\x1b[31mgus", "There is no option --bo [31mgus."},
		{"---x", "There is no option ---x."},
		{"--limit", "The option --limit needs a value behind it."},
		{"--limit=many", `The option --limit does not take the value "many".`},
		{"--limit=99999999999999999999", `The option --limit does not take the value "99999999999999999999".`},
		{"--limit=a for flag -b: c", `The option --limit does not take the value "a for flag -b: c".`},
		{"--json=maybe", `The option --json does not take the value "maybe".`},
		{"--help", "Ask for help alone, or with paperplane help."},
	} {
		fs := newFlags()
		fs.Int("limit", 0, "")
		fs.Bool("json", false, "")
		_, err := parse(fs, []string{"Bob", c.arg})
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.arg, err, c.want)
		}
	}
}
