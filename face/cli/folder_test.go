package cli

import (
	"errors"
	"strings"
	"testing"
)

// TestFolderVerbs shows what each verb asks the core for, what list prints, and what is wrong use.
func TestFolderVerbs(t *testing.T) {
	f := &fake{answers: map[string]string{"getState": strings.TrimSuffix(fakeState, "}") + `,"folders":[{"name":"Work","chats":["t2","g1","far"]}]}`}}
	for _, c := range []struct{ line, asked, out string }{
		{"set Home ann garden", `setFolder {"name":"Home","chats":["t1","g1"]}`, ""},
		{"set Home ann --json", `setFolder {"name":"Home","chats":["t1"]}`, "{}\n"},
		{"rename Work Job", `setFolder {"name":"Work","as":"Job"}`, ""},
		{"remove Work", `setFolder {"name":"Work"}`, ""},
		{"list", "", "\u2068Work\u2069: \u2068Bob\u2069, \u2068Garden\u2069\n"},
		{"list --json", "", `{"name":"Work","chats":["t2","g1","far"]}` + "\n"},
	} {
		out, err := f.run(t, runFolder, "", c.line)
		if got := strings.Join(f.asked, "; "); err != nil || got != c.asked || out != c.out {
			t.Errorf("%s: asked %q, printed %q, %v; want %q and %q", c.line, got, out, err, c.asked, c.out)
		}
	}
	for _, line := range []string{"", "list x", "set Home", "remove", "remove a b", "name a b", "rename Work"} {
		_, err := f.run(t, runFolder, "", line)
		if _, ok := errors.AsType[*Usage](err); !ok || len(f.asked) > 0 {
			t.Errorf("%q: got %v after asking for %q, want wrong use", line, err, f.asked)
		}
	}
	for _, line := range []string{"remove Nothing", "rename Nothing Job", "set Home zoe"} {
		if _, err := f.run(t, runFolder, "", line); err == nil || len(f.asked) > 0 {
			t.Errorf("%q: got %v after asking for %q, want an error", line, err, f.asked)
		}
	}
}
