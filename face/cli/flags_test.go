package cli

import (
	"slices"
	"strings"
	"testing"
)

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

// TestParseFlagsIDs shows that an id that begins with a dash is no option, wherever it stands.
func TestParseFlagsIDs(t *testing.T) {
	id16, id32 := "-"+strings.Repeat("a", 20)+"A", "-"+strings.Repeat("b", 41)+"A"
	for _, c := range []struct {
		args, rest []string
		link       string
		err        string
	}{
		{args: []string{id16, "--json"}, rest: []string{id16}},
		{args: []string{"--json", id16, "x"}, rest: []string{id16, "x"}},
		{args: []string{"--json", "--link", id32, id16}, rest: []string{id16}, link: id32},
		{args: []string{"--link=" + id32, "x", id16}, rest: []string{"x", id16}, link: id32},
		{args: []string{"--json", "--", id16}, rest: []string{id16}},
		{args: []string{"x", "--" + id16[1:]}, err: "There is no option --" + id16[1:] + "."},
		{args: []string{id16 + "a"}, err: "There is no option -" + id16 + "a."},
	} {
		fs := newFlags()
		fs.Bool("json", false, "")
		link := fs.String("link", "", "")
		rest, err := parse(fs, c.args)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%q: got %v, want %s", c.args, err, c.err)
			}
			continue
		}
		if err != nil || !slices.Equal(rest, c.rest) || *link != c.link {
			t.Errorf("%q: got %q, link %q, %v; want %q, %q", c.args, rest, *link, err, c.rest, c.link)
		}
	}
}
