package mls

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// validation.tsv answers the published validation list of OpenMLS (validation.openmls.tech), number
// by number: with rules, each of which has a monster (TestMonsters), or with the reason for none.
func TestValidationList(t *testing.T) {
	want := map[string]bool{}
	for chapter, n := range []int{12, 4, 12, 10, 2, 2, 1, 3, 1, 2, 1, 9, 6, 18, 6, 3} {
		for i := range n {
			want[fmt.Sprintf("%02d%02d", chapter+1, i+1)] = true
		}
	}
	rules := map[string]bool{}
	for _, line := range lines(t, "rules.tsv") {
		rules[line[0]] = true
	}
	answered := map[string]bool{}
	for _, f := range lines(t, "validation.tsv") {
		if len(f) != 4 || f[1] == "" {
			t.Fatalf("%s: got %d columns, want 4", f[0], len(f))
		}
		if !want[f[0]] {
			t.Errorf("%s is not in the list, or stands twice", f[0])
		}
		delete(want, f[0])
		if f[2] == "-" {
			if f[3] == "" {
				t.Errorf("%s: neither a rule nor a reason", f[0])
			}
			continue
		}
		for r := range strings.FieldsSeq(f[2]) {
			if !rules[r] {
				t.Errorf("%s: no rule %s", f[0], r)
			}
			answered[r] = true
		}
	}
	for _, v := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("%s is not answered", v)
	}
	t.Logf("%d of %d rules answer the list; the others are of RFC 9420, of limits and of codecs", len(answered), len(rules))
}

// lines reads a table without its head.
func lines(t *testing.T, name string) (out [][]string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		if i > 0 {
			out = append(out, strings.Split(line, "\t"))
		}
	}
	return out
}
