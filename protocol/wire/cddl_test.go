package wire_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"paperplane/protocol/wire"
)

// TestSchema holds spec/wire.cddl against the types: every message has a rule with the same
// number, and every field the same number there, left out or not alike (W-10).
func TestSchema(t *testing.T) {
	b, err := os.ReadFile("../../spec/wire.cddl")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`;[^\n]*`).ReplaceAllString(string(b), "")
	done := map[reflect.Type]bool{}
	for _, m := range append(samples(), wire.Record{}) {
		typ := reflect.TypeOf(m)
		if done[typ] {
			continue
		}
		done[typ] = true
		name := strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(typ.Name(), "$1-$2"))

		var kind string
		switch m := m.(type) {
		case wire.Request:
			kind = fmt.Sprintf("[%d, rid, %s]", m.RequestKind(), name)
		case wire.Answer:
			kind = fmt.Sprintf("[%d, rid, %s]", m.AnswerKind(), name)
		case wire.Event:
			kind = fmt.Sprintf("[%d, 0, %s]", m.EventKind(), name)
		}
		if !strings.Contains(text, kind) {
			t.Errorf("%s: the schema does not have %s", name, kind)
		}

		var want []string
		for field := range typ.Fields() {
			tag := strings.Split(field.Tag.Get("cbor"), ",")
			f := tag[0]
			if slices.Contains(tag, "omitempty") || slices.Contains(tag, "omitzero") {
				f = "? " + f
			}
			want = append(want, f)
		}
		if name == "open" { // three forms: what each leaves out, the type may leave out
			want = []string{"1", "2", "3", "5", "|", "1", "2", "5", "|", "1", "2", "4", "5"}
		}
		var got []string
		for i, rule := range regexp.MustCompile(`(?m)^`+name+`(?:-(?:read-write|owner|door))? = \{(.*)\}`).FindAllStringSubmatch(text, -1) {
			if i > 0 {
				got = append(got, "|")
			}
			for _, f := range regexp.MustCompile(`(?:^|, )(\? )?([0-9]+):`).FindAllStringSubmatch(rule[1], -1) {
				got = append(got, f[1]+f[2])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema has the fields %q, the type %q", name, got, want)
		}
	}
}
