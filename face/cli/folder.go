package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"paperplane/core"
	"paperplane/face/api"
)

const folderHelp = `paperplane folder list [--json]
       paperplane folder set NAME CHAT…
       paperplane folder rename NAME NEWNAME
       paperplane folder remove NAME

Puts conversations together. set says which are in the folder NAME, and makes it
where there is none; rename gives it another name; remove removes the folder,
and nothing that is in it.
A conversation may be in several. All your devices have the same folders.
CHAT is a conversation's name, the beginning of it, or its id.
--json after any of them prints JSON, one object a line.`

// folderLine is one line of folder list --json.
type folderLine struct {
	Name  string   `json:"name"`
	Chats []string `json:"chats"`
}

func runFolder(ctx context.Context, env Env) error {
	fs := newFlags()
	asJSON := fs.Bool("json", false, "print JSON")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	verb := ""
	if len(rest) > 0 {
		verb, rest = rest[0], rest[1:]
	}
	switch {
	case verb == "list" && len(rest) == 0, verb == "set" && len(rest) > 1, verb == "rename" && len(rest) == 2, verb == "remove" && len(rest) == 1:
	default:
		return usage("Say what to do: list, set NAME CHAT…, rename NAME NEWNAME or remove NAME.")
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	s.sync(ctx)
	st, err := s.state(ctx)
	if err != nil {
		return err
	}
	if verb == "list" {
		return listFolders(env, st, *asJSON)
	}
	x := core.SetFolder{Name: strings.TrimSpace(rest[0])}
	if verb == "rename" {
		if x.As = strings.TrimSpace(rest[1]); x.As == "" {
			return usage("Say the new name.") // to the core this would be a folder without chats
		}
		rest = rest[:1]
	}
	for _, who := range rest[1:] {
		c, err := find(st.Chats, who)
		if err != nil {
			return err
		}
		x.Chats = append(x.Chats, c.ID)
	}
	if verb != "set" && !slices.ContainsFunc(st.Folders, func(f core.Folder) bool { return f.Name == x.Name }) {
		return fmt.Errorf("There is no folder %s. See: paperplane folder list.", Isolate(Clean(x.Name, false)))
	}
	if _, err := api.Do[core.Done](ctx, s, "setFolder", x); err != nil {
		return err
	}
	s.sync(ctx) // one's other devices learn of it while this program runs
	if *asJSON {
		return printJSON(env.Out, struct{}{})
	}
	return nil
}

func listFolders(env Env, st core.State, asJSON bool) error {
	names := map[string]string{}
	for _, c := range st.Chats {
		names[c.ID] = Isolate(ChatName(c))
	}
	for _, f := range st.Folders {
		if asJSON {
			if err := printJSON(env.Out, folderLine{f.Name, f.Chats}); err != nil {
				return err
			}
			continue
		}
		var list []string
		for _, id := range f.Chats {
			if n, ok := names[id]; ok {
				list = append(list, n)
			}
		}
		fmt.Fprintf(env.Out, "%s: %s\n", Isolate(Clean(f.Name, false)), strings.Join(list, ", "))
	}
	return nil
}
