package cli

import (
	"context"
	"errors"
	"html/template"
	"io"
	"os"
	"strings"
	"time"

	"paperplane/core"
)

const exportHelp = `paperplane export WHO --format html|json [--out FILE]

Writes the whole conversation to FILE or to standard output: as one page that
any browser shows, or as JSON, one message a line. Files are named, not included.
What is written is not encrypted any more: keep it safe.`

func runExport(ctx context.Context, env Env) error {
	fs := newFlags()
	format := fs.String("format", "html", "html or json")
	out := fs.String("out", "", "a file to write")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || *format != "html" && *format != "json" {
		return usage("Say whose conversation; the format is html or json.")
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	s.sync(ctx)
	chat, _, err := s.chat(ctx, rest[0])
	if err != nil {
		return err
	}
	var all []core.Message
	for before := uint64(0); ; {
		list, err := s.page(ctx, chat.ID, before, 200)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		all = append(list, all...)
		if before = list[0].Index; before <= 1 {
			break
		}
	}
	w, done := env.Out, func() error { return nil }
	if *out != "" {
		f, err := os.OpenFile(*out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return errors.New("The file could not be made; an existing one is not overwritten.")
		}
		w, done = f, func() error { return errors.Join(f.Sync(), f.Close()) }
	}
	if *format == "json" {
		err = exportJSON(w, all)
	} else {
		err = exportHTML(w, chat, all)
	}
	if err := errors.Join(err, done()); err != nil {
		return errors.New("The export could not be written.")
	}
	return nil
}

func exportJSON(w io.Writer, all []core.Message) error {
	for _, m := range all {
		if err := printJSON(w, lineOf(m)); err != nil {
			return err
		}
	}
	return nil
}

// page needs no script and loads nothing.
var page = template.Must(template.New("export").Parse(`<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Name}}</title><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
article{margin:.75rem 0}header{font-size:.85rem;opacity:.7}p{margin:.1rem 0;white-space:pre-wrap;overflow-wrap:anywhere}.notice{text-align:center;opacity:.7}
</style></head><body><h1 dir="auto">{{.Name}}</h1>
{{range .Messages}}{{if .Notice}}<p class="notice" dir="auto">{{.Text}}</p>
{{else}}<article><header><bdi>{{.From}}</bdi> · <time datetime="{{.At}}">{{.Shown}}</time>{{if .Edited}} · edited{{end}}</header>
{{if .Quote}}<p dir="auto"><q>{{.Quote}}</q></p>{{end}}<p dir="auto">{{.Text}}</p>{{range .Files}}<p dir="auto">📎 {{.}}</p>{{end}}{{range .Reactions}}<span>{{.}}</span> {{end}}</article>
{{end}}{{end}}</body></html>
`))

type pageMessage struct {
	From, At, Shown, Text, Quote string
	Notice, Edited               bool
	Files, Reactions             []string
}

func exportHTML(w io.Writer, chat core.Chat, all []core.Message) error {
	data := struct {
		Name     string
		Messages []pageMessage
	}{Name: ChatName(chat)}
	for _, m := range all {
		l := lineOf(m)
		pm := pageMessage{From: m.FromName, At: l.At, Shown: time.UnixMilli(m.At).UTC().Format("2006-01-02 15:04 UTC"), Text: l.Text,
			Notice: m.Kind == core.KindNotice, Edited: m.Edited, Files: l.Files}
		if m.Poll != nil {
			pm.Text += "\n" + strings.Join(PollText(m.Poll), "\n")
		}
		if m.Forwarded != "" {
			pm.From += " (from " + m.Forwarded + ")"
		}
		if m.Kind == core.KindDeleted {
			pm.Text = "(deleted)"
		}
		if m.ReplyTo != nil {
			pm.Quote = m.ReplyTo.Text
		}
		for _, r := range m.Reactions {
			pm.Reactions = append(pm.Reactions, r.Emoji)
		}
		data.Messages = append(data.Messages, pm)
	}
	return page.Execute(w, data)
}
