package export

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"paperplane/core"
)

const (
	// onePageMax is up to how many messages a chat is one page; a larger one has one for each month.
	onePageMax = 1000
	// monthPageMax is up to how many messages a month is one page.
	monthPageMax = 2000

	dayFormat  = "2006-01-02"
	timeFormat = "2006-01-02 15:04"
	// undated is the month of those whose sender's clock cannot be right.
	undated = "undated"
)

func (x *chatJob) month(at int64) string {
	t := time.UnixMilli(at).In(x.Zone)
	if t.Year() < 2000 || t.Year() > 9999 {
		return undated
	}
	return t.Format("2006-01")
}

// pageName is the file of the nth page of a month, from 0.
func pageName(month string, n int) string {
	if n == 0 {
		return month + ".html"
	}
	return fmt.Sprintf("%s-%d.html", month, n+1)
}

type indexLine struct {
	Name, Href string
	Count      int
}

type indexPage struct {
	Title, Made, Up string
	Lines           []indexLine
}

type headPage struct{ Title, Part, Up, Before, After string }

type shownFile struct {
	Text, Path, Show string
}

type shown struct {
	From, At, Shown, Text, Quote, QuoteFrom, Forwarded, State string
	Notice, Edited, Deleted                                   bool
	Poll                                                      []string
	Files                                                     []shownFile
	Reactions                                                 []string
}

// writePages makes the pages of what writeJSON wrote.
func (x *chatJob) writePages(ctx context.Context) error {
	title := x.ChatName(x.chat)
	if x.count <= onePageMax {
		return x.create(filepath.Join(x.dir, "index.html"), func(w io.Writer) error {
			if err := pages.ExecuteTemplate(w, "head", headPage{Title: title, Up: "../index.html"}); err != nil {
				return err
			}
			if err := x.readBack(ctx, func(m *Message) error { return pages.ExecuteTemplate(w, "message", x.shown(m)) }); err != nil {
				return err
			}
			return pages.ExecuteTemplate(w, "foot", headPage{})
		})
	}
	months := slices.Sorted(maps.Keys(x.months))
	var names []string
	index := indexPage{Title: title, Up: "../index.html"}
	for _, m := range months {
		for n := 0; n*monthPageMax < x.months[m]; n++ {
			name, line := pageName(m, n), m
			if n > 0 {
				line = fmt.Sprintf("%s (%d)", m, n+1)
			}
			names = append(names, name)
			index.Lines = append(index.Lines, indexLine{line, name, min(x.months[m]-n*monthPageMax, monthPageMax)})
		}
	}
	if err := x.create(filepath.Join(x.dir, "index.html"), func(w io.Writer) error { return pages.ExecuteTemplate(w, "index", index) }); err != nil {
		return err
	}
	p := &pageFiles{x: x, title: title, names: names}
	written := map[string]int{}
	err := x.readBack(ctx, func(m *Message) error {
		month := x.month(m.At)
		w, err := p.open(pageName(month, written[month]/monthPageMax))
		if err != nil {
			return err
		}
		written[month]++
		return pages.ExecuteTemplate(w, "message", x.shown(m))
	})
	if err := errors.Join(err, p.close()); err != nil {
		return disk(err)
	}
	for n, name := range names {
		if _, err := p.open(name); err != nil {
			return disk(err)
		}
		if err := pages.ExecuteTemplate(p.w, "foot", p.head(n)); err != nil {
			return disk(err)
		}
	}
	if err := p.close(); err != nil {
		return disk(err)
	}
	return nil
}

// pageFiles has one page open at a time: clocks of senders differ, so months take turns.
type pageFiles struct {
	x     *chatJob
	title string
	names []string
	name  string
	f     *os.File
	w     *bufio.Writer
}

func (p *pageFiles) head(n int) headPage {
	h := headPage{Title: p.title, Part: strings.TrimSuffix(p.names[n], ".html"), Up: "index.html"}
	if n > 0 {
		h.Before = p.names[n-1]
	}
	if n+1 < len(p.names) {
		h.After = p.names[n+1]
	}
	return h
}

// open makes name the open page, to be written on at its end.
func (p *pageFiles) open(name string) (io.Writer, error) {
	if p.f != nil && p.name == name {
		return p.w, nil
	}
	if err := p.close(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(p.x.dir, name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	p.f, p.name, p.w = f, name, bufio.NewWriterSize(p.x.sink(f), 32<<10)
	if i, err := f.Stat(); err != nil || i.Size() > 0 {
		return p.w, err
	}
	return p.w, pages.ExecuteTemplate(p.w, "head", p.head(slices.Index(p.names, name)))
}

func (p *pageFiles) close() error {
	if p.f == nil {
		return nil
	}
	err := errors.Join(p.w.Flush(), p.f.Sync(), p.f.Close())
	p.f = nil
	return err
}

// readBack goes through the messages of messages.json.
func (x *chatJob) readBack(ctx context.Context, do func(*Message) error) error {
	f, err := os.Open(filepath.Join(x.dir, jsonName))
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReaderSize(f, 64<<10))
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		if t == json.Delim('[') { // the first one opens the messages
			break
		}
	}
	for d.More() {
		if err := ctx.Err(); err != nil {
			return foreign{err}
		}
		var m Message
		if err := d.Decode(&m); err != nil {
			return err
		}
		if err := do(&m); err != nil {
			return err
		}
	}
	return nil
}

// stateWords are for own messages that nobody has got.
var stateWords = map[core.MessageState]string{core.StateQueued: "not sent yet", core.StateFailed: "not sent"}

func (x *chatJob) shown(m *Message) shown {
	t := time.UnixMilli(m.At)
	s := shown{From: m.FromName, At: t.UTC().Format(time.RFC3339), Shown: t.In(x.Zone).Format(timeFormat), Text: m.Text, Forwarded: m.Forwarded,
		Edited: m.Edited, Deleted: m.Kind == core.KindDeleted, State: stateWords[m.State]}
	if m.Notice != nil {
		s.Notice, s.Text = true, x.Notice(*m.Notice)
	}
	if m.ReplyTo != nil {
		s.Quote, s.QuoteFrom = m.ReplyTo.Text, m.ReplyTo.FromName
	}
	if m.Poll != nil {
		s.Poll = x.Poll(m.Poll)
		if s.Text == "" {
			s.Text = m.Poll.Question
		}
	}
	for _, f := range m.Files {
		sf := shownFile{Text: x.File(f.Attachment), Path: f.Path}
		kind, _, _ := strings.Cut(f.Mime, "/")
		switch {
		case f.Path == "" || strings.HasSuffix(f.Path, ".txt"):
		case f.Mime == "image/png", f.Mime == "image/jpeg", f.Mime == "image/gif", f.Mime == "image/webp":
			sf.Show = "image"
		case kind == "audio", kind == "video":
			sf.Show = kind
		}
		s.Files = append(s.Files, sf)
	}
	for _, r := range m.Reactions {
		s.Reactions = append(s.Reactions, fmt.Sprintf("%s %s", r.Emoji, strings.Join(r.By, ", ")))
	}
	return s
}

// pages need no script and load nothing but what lies beside them.
var pages = template.Must(template.New("").Parse(`
{{define "top"}}<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:; media-src 'self' file:; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer"><title>{{.}}</title><style>
:root{color-scheme:light dark;--line:#0002;--soft:#0000000a;--link:#0550ae}
@media (prefers-color-scheme:dark){:root{--line:#fff3;--soft:#ffffff12;--link:#8cb4ff}}
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
a{color:var(--link)}nav{display:flex;gap:1rem;flex-wrap:wrap;margin:1rem 0}li{margin:.3rem 0}
article{margin:.75rem 0;padding:.5rem .75rem;background:var(--soft);border-radius:.6rem}
header,footer{font-size:.85rem}p,blockquote,li{unicode-bidi:plaintext;text-align:start;overflow-wrap:anywhere}
p,blockquote{margin:.2rem 0;white-space:pre-wrap}blockquote{border-inline-start:3px solid var(--line);padding-inline-start:.5rem}
.notice{text-align:center}img,video{max-width:100%;max-height:30rem}
</style></head>{{end}}
{{define "index"}}{{template "top" .Title}}<body>{{with .Up}}<nav><a href="{{.}}">All conversations</a></nav>{{end}}
<main><h1 dir="auto">{{.Title}}</h1>{{with .Made}}<p>Written on {{.}}. These pages are not encrypted: keep them safe.</p>{{end}}
<ul>{{range .Lines}}<li><a href="{{.Href}}"><bdi>{{.Name}}</bdi></a> ({{.Count}})</li>
{{else}}<li>Nothing is here.</li>{{end}}</ul></main></body></html>
{{end}}
{{define "nav"}}{{if .Up}}<nav><a href="{{.Up}}">{{if .Part}}All months{{else}}All conversations{{end}}</a>{{with .Before}} <a href="{{.}}" rel="prev">Earlier</a>{{end}}{{with .After}} <a href="{{.}}" rel="next">Later</a>{{end}}</nav>{{end}}{{end}}
{{define "head"}}{{template "top" .Title}}<body>{{template "nav" .}}<main><h1 dir="auto">{{.Title}}</h1>{{with .Part}}<h2>{{.}}</h2>{{end}}
{{end}}
{{define "message"}}{{if .Notice}}<p class="notice" dir="auto">{{.Text}} · <time datetime="{{.At}}">{{.Shown}}</time></p>
{{else}}<article><header><b><bdi>{{.From}}</bdi></b> · <time datetime="{{.At}}">{{.Shown}}</time>{{if .Edited}} · edited{{end}}{{with .State}} · {{.}}{{end}}{{with .Forwarded}} · from <bdi>{{.}}</bdi>{{end}}</header>
{{if .Quote}}<blockquote dir="auto">{{with .QuoteFrom}}<bdi>{{.}}</bdi>: {{end}}{{.Quote}}</blockquote>{{end}}{{if .Deleted}}<p>(deleted)</p>{{else if .Text}}<p dir="auto">{{.Text}}</p>{{end}}
{{range .Poll}}<p dir="auto">{{.}}</p>{{end}}{{range .Files}}<div>{{if eq .Show "image"}}<a href="{{.Path}}"><img src="{{.Path}}" alt="{{.Text}}" loading="lazy"></a>{{else if eq .Show "audio"}}<audio controls preload="none" src="{{.Path}}"></audio>{{else if eq .Show "video"}}<video controls preload="none" src="{{.Path}}"></video>{{end}}
<p>📎 {{if .Path}}<a href="{{.Path}}"><bdi>{{.Text}}</bdi></a>{{else}}<bdi>{{.Text}}</bdi>{{end}}</p></div>{{end}}{{if .Reactions}}<footer>{{range .Reactions}}<bdi>{{.}}</bdi> {{end}}</footer>{{end}}</article>
{{end}}{{end}}
{{define "foot"}}</main>{{template "nav" .}}</body></html>
{{end}}`))
