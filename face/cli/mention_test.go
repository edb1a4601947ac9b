package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"paperplane/core"
	"paperplane/protocol/content"
)

// TestMentionsIn shows which names a text names, and where, in UTF-16 units.
func TestMentionsIn(t *testing.T) {
	members := []core.Member{{Person: "a", Name: "Ann"}, {Person: "al", Name: "Ann Lee"}, {Person: "s", Name: "سارا"},
		{Person: "e", Name: "Zoë 🏡"}, {Person: "x1", Name: "Twin"}, {Person: "x2", Name: "Twin"}, {Person: "n", Name: ""}}
	for text, want := range map[string]string{
		"@Ann":                            "a:@Ann",
		"hello @Ann, (@سارا)!":            "a:@Ann s:@سارا",
		"😀 @Ann Lee and @Ann":             "al:@Ann Lee a:@Ann",
		"@Zoë 🏡@Ann":                      "e:@Zoë 🏡",
		"@Anna @ann me@Ann @ Ann @Twin @": "",
		"\xff@Ann":                        "a:@Ann",
	} {
		var got []string
		for _, m := range mentionsIn(text, members) {
			got = append(got, m.Person+":"+Named(strings.ToValidUTF8(text, "\ufffd"), m))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %q, want %q", text, s, want)
		}
	}
}

// TestMentionsMax shows that more names than a message may have stay text.
func TestMentionsMax(t *testing.T) {
	members := []core.Member{{Person: "a", Name: "Ann"}}
	for n, want := range map[int]int{content.MentionsMax: content.MentionsMax, content.MentionsMax + 1: content.MentionsMax} {
		if got := len(mentionsIn(strings.Repeat("@Ann ", n), members)); got != want {
			t.Errorf("%d names: got %d mentions, want %d", n, got, want)
		}
	}
}

// TestNamed shows that a mention outside its text is none.
func TestNamed(t *testing.T) {
	for _, c := range []struct {
		start, length int
		want          string
	}{{0, 4, "@Ann"}, {0, 5, ""}, {4, 0, ""}, {-1, 2, ""}, {1 << 62, 1 << 62, ""}, {3, 1, "n"}, {4, 1, ""}} {
		if got := Named("@Ann", core.Mention{Start: c.start, Length: c.length}); got != c.want {
			t.Errorf("%d+%d: got %q, want %q", c.start, c.length, got, c.want)
		}
	}
}

// TestSendNames shows that send tells the core whom a text for a group names, and asks nothing else where none can be.
func TestSendNames(t *testing.T) {
	f := &fake{answers: map[string]string{"getState": fakeState, "getMembers": `{"members":[{"person":"p1","name":"Ann"}],"total":1}`,
		"sendText": `{"message":"m1"}`, "message": `{"id":"m1","state":"sent"}`}}
	for to, want := range map[string]bool{"Garden": true, "Bob": false} {
		if _, err := f.run(t, runSend, "@Ann hi", to+" -"); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(f.asked, func(s string) bool { return strings.HasPrefix(s, "sendText ") })
		if i < 0 {
			t.Fatalf("to %s: the core was asked %q", to, f.asked)
		}
		var x core.SendText
		if err := json.Unmarshal([]byte(strings.TrimPrefix(f.asked[i], "sendText ")), &x); err != nil {
			t.Fatal(err)
		}
		if got := slices.Equal(x.Mentions, []core.Mention{{Start: 0, Length: 4, Person: "p1"}}); got != want {
			t.Errorf("to %s: names %v, want Ann %v", to, x.Mentions, want)
		}
	}
}

// FuzzMentions shows that any text and any place costs no panic, and that what is found is there.
func FuzzMentions(f *testing.F) {
	f.Add("hi @Ann", 3, 4)
	f.Fuzz(func(t *testing.T, text string, start, length int) {
		_ = Named(text, core.Mention{Start: start, Length: length})
		text = strings.ToValidUTF8(text, "")
		for _, m := range mentionsIn(text, []core.Member{{Person: "a", Name: "Ann"}, {Person: "b", Name: "é🏡"}}) {
			if got := Named(text, m); got != "@Ann" && got != "@é🏡" {
				t.Fatalf("%q: got %q at %d", text, got, m.Start)
			}
		}
	})
}
