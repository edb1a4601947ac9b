package tidy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mdLink finds what a Markdown link or picture leads to.
var mdLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// leadsNowhere returns the links of a page, in the folder dir, that name no file. Links into the Internet and within the
// page are not looked at.
func leadsNowhere(dir, page string) (bad []string) {
	for _, m := range mdLink.FindAllStringSubmatch(page, -1) {
		to, _, _ := strings.Cut(m[1], "#")
		if to == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, to)); err != nil {
			bad = append(bad, m[1])
		}
	}
	return bad
}

// TestLinks shows that no link of a page leads to a file that is not there.
func TestLinks(t *testing.T) {
	pages := 0
	for _, f := range files(t) {
		if filepath.Ext(f) != ".md" {
			continue
		}
		pages++
		for _, to := range leadsNowhere(filepath.Join("../..", filepath.Dir(f)), string(read(t, f))) {
			t.Errorf("%s: the link %q leads nowhere", f, to)
		}
	}
	if pages < 10 {
		t.Errorf("got %d pages, want at least 10: this test would prove nothing", pages)
	}
}

// TestLeadsNowhere shows which links count as broken.
func TestLeadsNowhere(t *testing.T) {
	got := leadsNowhere(".", "[a](tidy_test.go) [b](tidy_test.go#x) [c](#y) [d](https://example.org/z) ![e](no.png) [f](../no/way.md#q)")
	if want := "no.png ../no/way.md#q"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
