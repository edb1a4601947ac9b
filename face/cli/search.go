package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"paperplane/core"
	"paperplane/face/api"
)

const searchHelp = `paperplane search WORDS [--chat WHO] [--from NAME|me] [--kind KIND] [--limit N] [--json]

Looks for messages on this device, the newest first (20): those in which every
word begins a word of the text or of a file's name, in any order. Small and
large letters, marks and different ways to write a letter count the same.
--chat looks in one conversation only, --from for what one of your contacts or
you have written, --kind for photo, video, voice, file or link; then no words
are needed. --json prints one object a line, as paperplane read does, with the
conversation's id.`

// foundLine is one line of search --json.
type foundLine struct {
	Chat string `json:"chat"`
	messageLine
}

func runSearch(ctx context.Context, env Env) error {
	fs := newFlags()
	chat := fs.String("chat", "", "a conversation")
	from := fs.String("from", "", "who wrote it")
	kind := fs.String("kind", "", "what it is")
	limit := fs.Int("limit", 20, "how many")
	asJSON := fs.Bool("json", false, "print JSON")
	words, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if *kind != "" && !slices.Contains([]string{"photo", "video", "voice", "file", "link"}, *kind) || *limit < 1 || len(words) == 0 && *kind == "" && *from == "" {
		return usage("Say what to look for; --kind is photo, video, voice, file or link.")
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	st, err := s.state(ctx)
	if err != nil {
		return err
	}
	x := core.Search{Query: strings.Join(words, " "), Kind: *kind}
	if len(x.Query) > core.QueryBytesMax {
		return usage("These are too many words.")
	}
	if *chat != "" {
		c, err := find(st.Chats, *chat)
		if err != nil {
			return err
		}
		x.Chat = c.ID
	}
	switch {
	case *from == "me":
		x.From = st.Account.Person
	case *from != "":
		c, err := find(slices.DeleteFunc(slices.Clone(st.Chats), func(c core.Chat) bool { return c.Person == "" }), *from)
		if err != nil {
			return err
		}
		x.From = c.Person
	}
	names := map[string]string{}
	for _, c := range st.Chats {
		names[c.ID] = ChatName(c)
	}
	for *limit > 0 {
		x.Limit = min(*limit, core.HitsMax)
		res, err := api.Do[core.Results](ctx, s, "search", x)
		if err != nil {
			return err
		}
		for _, h := range res.Hits {
			if *asJSON {
				if err := printJSON(env.Out, foundLine{h.Message.Chat, lineOf(h.Message)}); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintln(env.Out, foundText(h.Message, names[h.Message.Chat]))
		}
		*limit -= len(res.Hits)
		if x.Cursor = res.Next; x.Cursor == "" {
			break
		}
	}
	return nil
}

// foundText is a found message on one line.
func foundText(m core.Message, chat string) string {
	text := Clean(m.Text, false)
	for _, f := range m.Files {
		text = strings.TrimSpace(text + " [" + Clean(f.Name, false) + "]")
	}
	who := Clean(m.FromName, false)
	if m.Own {
		who = "you"
	}
	return fmt.Sprintf("%s  %s, %s: %s", time.UnixMilli(m.At).Local().Format("2006-01-02 15:04"), Isolate(chat), Isolate(who), Isolate(text))
}

// InOrder sorts conversations as people want to see them: on top those put there, then the newest, at the
// end those in the archive.
func InOrder(chats []core.Chat) {
	rank := func(c core.Chat) int {
		switch {
		case c.Archived:
			return 2
		case c.Pinned:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(chats, func(a, b core.Chat) int {
		if n := rank(a) - rank(b); n != 0 {
			return n
		}
		return int(min(max(b.At-a.At, -1), 1))
	})
}
