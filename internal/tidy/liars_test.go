package tidy

import (
	"regexp"
	"strings"
	"testing"
)

// namedTest finds a test that a page names behind its folder, with a subtest or without.
var namedTest = regexp.MustCompile("`([a-z0-9/]+)` (Test[A-Za-z0-9]+)(?:/([a-z-]+))?")

// TestLiars shows that each test that the page about liars names is there, and that each row names one.
func TestLiars(t *testing.T) {
	sources := map[string]string{}
	for _, f := range files(t) {
		if i := strings.LastIndexByte(f, '/'); i >= 0 && strings.HasSuffix(f, "_test.go") {
			sources[f[:i]] += string(read(t, f))
		}
	}
	rows := 0
	for line := range strings.Lines(string(read(t, "docs/internals/liars.md"))) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| lie |") {
			continue
		}
		rows++
		list := namedTest.FindAllStringSubmatch(line, -1)
		if len(list) == 0 {
			t.Errorf("no test in %q", line)
		}
		for _, m := range list {
			if src := sources[m[1]]; !strings.Contains(src, "func "+m[2]+"(") || m[3] != "" && !strings.Contains(src, `"`+m[3]+`"`) {
				t.Errorf("%s has no %s %s", m[1], m[2], m[3])
			}
		}
	}
	if rows < 20 {
		t.Errorf("got %d rows, want at least 20: this test would prove nothing", rows)
	}
}
