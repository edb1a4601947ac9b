package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"paperplane/core"
	"paperplane/face/api"
	"paperplane/face/export"
)

const exportHelp = `paperplane export [WHO...] --to DIR [--files]

Writes conversations, all when none is named, into the new folder DIR: pages that
any browser shows, beginning with index.html, and messages.json for programs.
A conversation of more than 1,000 messages has a page for each month.
--files puts the files that are on this device beside them.
DIR appears whole or not at all. What is deleted or has vanished is not in it.
What is written is not encrypted any more, and stays: keep it safe.`

// exportWords are for export's errors.
var exportWords = []struct {
	err   error
	words string
}{
	{export.ErrExists, "There is something at this place already, and it is not overwritten. Name a new folder."},
	{export.ErrPart, "Beside it lies a folder of the same name that ends with .part, of an export that is under way or was cut off. Remove it, or name another folder."},
	{export.ErrFull, "The disk is full. Nothing was written; free some space and try again."},
	{export.ErrDisk, "The folder could not be written. Nothing was left of it. Is the folder around it there, and yours?"},
}

// exportSource is a session as package export wants it.
type exportSource struct{ *session }

func (s exportSource) Messages(ctx context.Context, chat string, from uint64, limit int) ([]core.Message, error) {
	p, err := api.Do[api.Page](ctx, s, "messages", map[string]any{"chat": chat, "from": from, "limit": limit})
	return p.Messages, err
}

func runExport(ctx context.Context, env Env) error {
	fs := newFlags()
	to := fs.String("to", "", "a new folder")
	files := fs.Bool("files", false, "files too")
	asJSON := fs.Bool("json", false, "print JSON")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if *to == "" {
		return usage("Say into which new folder: --to DIR.")
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
	chats := st.Chats
	if len(rest) > 0 {
		chats = nil
	}
	for _, who := range rest {
		c, err := find(st.Chats, who)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(chats, func(x core.Chat) bool { return x.ID == c.ID }) {
			chats = append(chats, c)
		}
	}
	rep, err := export.Write(ctx, export.Job{Source: exportSource{s}, Chats: chats, Files: *files, Now: time.Now(), Zone: time.Local,
		ChatName: ChatName, Notice: NoticeText, Poll: PollText, File: FileText}, *to)
	for _, x := range exportWords {
		if errors.Is(err, x.err) {
			return errors.New(x.words)
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("Interrupted. Nothing was written.")
	case err != nil:
		return err
	case *asJSON:
		return printJSON(env.Out, exportLine{rep.Chats, rep.Messages, rep.Files, rep.Away})
	}
	fmt.Fprintf(env.Out, "Conversations: %d, messages: %d, files: %d.\n", rep.Chats, rep.Messages, rep.Files)
	if rep.Away > 0 {
		fmt.Fprintf(env.Out, "Files that are not on this device: %d.\n", rep.Away)
	}
	return nil
}

// exportLine is what export --json prints.
type exportLine struct {
	Chats    int `json:"chats"`
	Messages int `json:"messages"`
	Files    int `json:"files"`
	Away     int `json:"away"`
}
