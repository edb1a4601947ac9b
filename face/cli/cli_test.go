package cli

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"paperplane/client"
	"paperplane/core"
)

// TestClean shows what is taken out of other people's texts and what stays.
func TestClean(t *testing.T) {
	cases := []struct {
		name, in string
		lines    bool
		want     string
	}{
		{"escape", "a\x1b[31mb\x07", false, "a [31mb "},
		{"c1", "a\u009b2Jb", false, "a 2Jb"},
		{"lines-out", "a\r\nb\tc", false, "a  b c"},
		{"lines-in", "a\r\nb", true, "a \nb"},
		{"line-separator", "a\u2028b\u2029c", false, "a b c"},
		{"override", "a\u202eb\u2066c\u2069d\u2068e", false, "abcde"},
		{"persian-joiner", "می\u200cخواهم", false, "می\u200cخواهم"},
		{"emoji-joiner", "👩\u200d🚀", false, "👩\u200d🚀"},
		{"not-utf8", "a\xffb", false, "a\ufffdb"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Clean(c.in, c.lines); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestFind shows how WHO names a conversation: id, name, beginning of a name; never a guess.
func TestFind(t *testing.T) {
	chats := []core.Chat{
		{ID: "1", Kind: core.ChatTwo, Name: "Ann"}, {ID: "2", Kind: core.ChatTwo, Name: "Anna"}, {ID: "3", Kind: core.ChatTwo, Name: "Bob"},
		{ID: "4", Kind: core.ChatTwo, Name: "Bob"}, {ID: "5", Kind: core.ChatSaved}, {ID: "6", Kind: core.ChatTwo, Name: "سارا"}, {ID: "7", Kind: core.ChatTwo},
	}
	for who, want := range map[string]string{"ann": "1", "Anna": "2", "anna": "2", "4": "4", "saved": "5", "سا": "6", "Saved m": "5",
		"bob": "several", "an": "several", "zoe": "none", "7": "7"} {
		c, err := find(chats, who)
		got := c.ID
		if e, ok := errors.AsType[*client.Error](err); ok && e.Code == core.ErrNoChat {
			got = "none"
		} else if err != nil {
			got = "several"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", who, got, want)
		}
	}
}

// TestSaid shows that each reason has words of its own.
func TestSaid(t *testing.T) {
	seen := map[string]core.ErrCode{}
	for code, words := range said {
		if other, ok := seen[words]; ok {
			t.Errorf("%s and %s say the same", code, other)
		}
		seen[words] = code
		if strings.TrimSpace(words) == "" {
			t.Errorf("%s says nothing", code)
		}
	}
}

// TestNoticeText shows that every notice the core knows has words of its own.
func TestNoticeText(t *testing.T) {
	src, err := os.ReadFile("../../core/event.go")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(src)
	doc = doc[strings.Index(doc, "// Line is a notice"):strings.Index(doc, "type Line struct")]
	kinds := regexp.MustCompile(`"([a-z]+)"`).FindAllStringSubmatch(doc, -1)
	if len(kinds) < 10 {
		t.Fatalf("kinds in the comment of core.Line: got %d, want at least 10", len(kinds))
	}
	for _, k := range kinds {
		if got := NoticeText(core.Line{What: k[1], Who: "Ann", Whom: []string{"Bob"}, Text: "x"}); got == k[1] {
			t.Errorf("%s: got no words", k[1])
		}
	}
}
