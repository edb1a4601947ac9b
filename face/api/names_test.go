package api

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Whatever the core takes and says has a name here: a command that is missing would be unknown
// to every face, an event without a name unheard.
func TestNamesAreComplete(t *testing.T) {
	for _, c := range []struct {
		file, method string
		has          func(name string) bool
	}{
		{"command.go", "command", func(n string) bool { return commands[n] != nil }},
		{"event.go", "event", func(n string) bool { _, ok := events[n]; return ok }},
	} {
		src, err := os.ReadFile("../../core/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`(?m)^func \((\w+)\) `+c.method+`\(\)`).FindAllSubmatch(src, -1)
		if len(found) < 8 {
			t.Fatalf("%s: got %d names, want more", c.file, len(found))
		}
		for _, m := range found {
			name := strings.ToLower(string(m[1][:1])) + string(m[1][1:])
			if !c.has(name) {
				t.Errorf("%s: the API does not know %s", c.file, name)
			}
		}
	}
	for name, e := range events {
		if got := EncodeEvent(e); !bytes.Contains(got, []byte(name)) {
			t.Errorf("%s: got %q, want its name in it", name, got)
		}
	}
}
