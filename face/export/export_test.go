package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"paperplane/core"
)

// memory is a Source: message i of a chat is made by make, for i from 1 to n.
type memory struct {
	n     int
	make  func(i int) core.Message
	files map[string]string
	err   error // at the second page
	asked func()
}

func (s *memory) Messages(_ context.Context, _ string, from uint64, limit int) ([]core.Message, error) {
	if s.asked != nil {
		s.asked()
	}
	if from > 1 && s.err != nil {
		return nil, s.err
	}
	var list []core.Message
	for i := int(from); i <= s.n && len(list) < limit; i++ {
		m := s.make(i)
		m.Index = uint64(i)
		if m.ID == "" {
			m.ID = fmt.Sprint("m", i)
		}
		list = append(list, m)
	}
	return list, nil
}

func (s *memory) OpenFile(_ context.Context, ref string) (io.ReadCloser, error) {
	b, ok := s.files[ref]
	if !ok {
		return nil, errors.New("absent")
	}
	return io.NopCloser(strings.NewReader(b)), nil
}

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func job(s Source, chats ...core.Chat) Job {
	return Job{Source: s, Chats: chats, Files: true, Now: now, Zone: time.UTC,
		ChatName: func(c core.Chat) string { return c.Name }, Notice: func(l core.Line) string { return l.What },
		Poll: func(p *core.Poll) []string { return []string{p.Options[0].Text} }, File: func(f core.Attachment) string { return f.Name }}
}

// texts are messages made of a list.
func texts(list ...core.Message) *memory {
	return &memory{n: len(list), make: func(i int) core.Message { return list[i-1] }}
}

func write(t *testing.T, j Job) (string, Report) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	rep, err := Write(t.Context(), j, dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, rep
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type whole struct {
	Head
	Messages []Message `json:"messages"`
}

func readJSON(t *testing.T, parts ...string) whole {
	t.Helper()
	var w whole
	if err := json.Unmarshal([]byte(read(t, parts...)), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestHostile shows that texts, names and files of strangers stay what they are: text.
func TestHostile(t *testing.T) {
	const evil = `</title></p><script>alert(1)</script><img src=x onerror=alert(2)>"'`
	bidi := "\u202eabc \u2067سلام"
	big := strings.Repeat("سلام ", 1<<20/9)
	s := texts(
		core.Message{FromName: evil, Text: evil, Kind: core.KindText, At: now.UnixMilli(), Forwarded: evil, ReplyTo: &core.Quote{ID: "m0", FromName: evil, Text: evil},
			Reactions: []core.Reaction{{Emoji: evil, By: []string{evil}}}},
		core.Message{FromName: bidi, Text: bidi, Kind: core.KindText},
		core.Message{Text: big, Kind: core.KindText},
		core.Message{Kind: core.KindNotice, Notice: &core.Line{What: evil}},
		core.Message{Kind: core.KindPoll, Poll: &core.Poll{Question: evil, Options: []core.PollOption{{Text: evil}}}},
		core.Message{Kind: core.KindFile, Files: []core.Attachment{
			{Name: "../../" + evil, Mime: "image/png", Ref: "a"}, {Name: "x.HTML", Mime: "image/png", Ref: "a"},
			{Name: "javascript:alert(3)", Mime: "text/html", Ref: "a"}, {Name: strings.Repeat("long", 99) + ".png", Mime: "image/png", Ref: "a"}, {Name: "\x00..", Ref: "a"}, {Name: "away.png"}}},
		core.Message{Kind: core.KindText, Text: "far", At: 1 << 62},
	)
	s.files = map[string]string{"a": "bytes"}
	names := []string{"../" + evil, "..", "", "CON", bidi, "سارا"}
	var chats []core.Chat
	for i, n := range names {
		chats = append(chats, core.Chat{ID: fmt.Sprint(i), Name: n, Kind: core.ChatTwo})
	}
	dir, rep := write(t, job(s, chats...))
	if want := (Report{Chats: 6, Messages: 42, Files: 30, Away: 6}); rep != want {
		t.Errorf("report: got %+v, want %+v", rep, want)
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the export: got %v, %v, want it alone", entries, err)
	}
	entries, err = os.ReadDir(dir)
	if err != nil || len(entries) != len(names)+1 {
		t.Fatalf("got %d entries, %v, want %d", len(entries), err, len(names)+1)
	}
	if _, err := os.Stat(filepath.Join(dir, "006-سارا")); err != nil {
		t.Errorf("a name of good letters is not kept: %v", err)
	}
	for _, e := range entries[:len(names)] {
		page := read(t, dir, e.Name(), "index.html")
		for _, bad := range []string{"<script", "<img src=x", "onerror=alert(2)>\"", "javascript:alert(3)\""} {
			if strings.Contains(page, bad) {
				t.Errorf("the page holds %q", bad)
			}
		}
		for _, want := range []string{`&lt;script&gt;alert(1)`, `<p dir="auto">` + bidi + "</p>", big, "prefers-color-scheme:dark", `src="files/000006-1-_.._`, "default-src 'none'"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %.40q", want)
			}
		}
		if strings.Contains(page, `<img src="files/000006-2-`) {
			t.Error("a page is shown as an image")
		}
		w := readJSON(t, dir, e.Name(), "messages.json")
		if w.Format != Format || w.Version != Version || len(w.Messages) != 7 || w.Messages[0].Text != evil || w.Messages[2].Text != big {
			t.Errorf("messages.json: got %+v with %d messages", w.Head, len(w.Messages))
		}
		for _, f := range w.Messages[5].Files {
			if f.Ref != "" {
				t.Error("a file of this device is named")
			}
			if f.Path == "" {
				continue
			}
			if b := read(t, dir, e.Name(), filepath.FromSlash(f.Path)); b != "bytes" || !filepath.IsLocal(filepath.FromSlash(f.Path)) {
				t.Errorf("%s: got %q", f.Path, b)
			}
		}
		if got, want := w.Messages[5].Files[1].Path, "files/000006-2-x.HTML.txt"; got != want {
			t.Errorf("a page as a file: got %s, want %s", got, want)
		}
	}
	if strings.Contains(read(t, dir, "index.html"), "<script") {
		t.Error("the index holds a script")
	}
}

// TestLeftOut shows that what has vanished is not there, at the edge, nor its quotes, nor what waits.
func TestLeftOut(t *testing.T) {
	ms := now.UnixMilli()
	s := texts(
		core.Message{Text: "vanished-now", Gone: ms}, core.Message{Text: "still-there", Gone: ms + 1},
		core.Message{Text: "answer", ReplyTo: &core.Quote{ID: "m1", Text: "vanished-now"}},
		core.Message{Text: "later-words", State: core.StateScheduled}, core.Message{Text: "waits", State: core.StateQueued}, core.Message{Kind: core.KindDeleted},
	)
	dir, rep := write(t, job(s, core.Chat{Name: "Ann"}))
	if rep.Messages != 4 {
		t.Errorf("got %d messages, want 4", rep.Messages)
	}
	for _, name := range []string{"index.html", "messages.json"} {
		text := read(t, dir, "001-Ann", name)
		for word, want := range map[string]bool{"vanished-now": false, "later-words": false, "still-there": true, "answer": true, "waits": true} {
			if got := strings.Contains(text, word); got != want {
				t.Errorf("%s has %s: got %v, want %v", name, word, got, want)
			}
		}
	}
}

// TestEmpty shows a chat without messages, and nobody at all.
func TestEmpty(t *testing.T) {
	dir, rep := write(t, job(texts(), core.Chat{Name: "Ann"}))
	if w := readJSON(t, dir, "001-Ann", "messages.json"); rep.Chats != 1 || w.Messages == nil || len(w.Messages) != 0 {
		t.Errorf("got %+v, %v", rep, w.Messages)
	}
	if page := read(t, dir, "001-Ann", "index.html"); !strings.HasSuffix(page, "</html>\n") {
		t.Errorf("the page has no end: %s", page)
	}
	dir, _ = write(t, job(texts()))
	if page := read(t, dir, "index.html"); !strings.Contains(page, "Nothing is here.") {
		t.Errorf("got %s", page)
	}
}

// TestRefused shows that nothing is overwritten and nothing half is left.
func TestRefused(t *testing.T) {
	chat := core.Chat{Name: "Ann"}
	good := func() *memory { return texts(core.Message{Text: "x"}) }
	lost := errors.New("the source ends")
	many := &memory{n: 500, make: func(int) core.Message { return core.Message{Text: "x"} }, err: lost}
	full := job(&memory{n: 500, make: func(int) core.Message { return core.Message{Text: strings.Repeat("x", 1000)} }}, chat)
	full.wrap = func(w io.Writer) io.Writer { return &small{w, 300 << 10} }
	big := texts(core.Message{Files: []core.Attachment{{Name: "f", Ref: "f"}}})
	big.files = map[string]string{"f": strings.Repeat("x", 400<<10)}
	fullFile := job(big, chat)
	fullFile.wrap = full.wrap
	fullPages := job(&memory{n: onePageMax + 1, make: func(int) core.Message { return core.Message{Text: "x", At: now.UnixMilli()} }}, chat)
	fullPages.wrap = func(w io.Writer) io.Writer {
		if f, ok := w.(*os.File); ok && strings.HasSuffix(f.Name(), "2026-11.html") {
			return &small{w, 100 << 10}
		}
		return w
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	cases := []struct {
		name string
		job  Job
		ctx  context.Context
		make string
		want error
	}{
		{"folder", job(good(), chat), t.Context(), "out", ErrExists},
		{"part", job(good(), chat), t.Context(), "out.part", ErrPart},
		{"source", job(many, chat), t.Context(), "", lost},
		{"full", full, t.Context(), "", ErrFull},
		{"full-file", fullFile, t.Context(), "", ErrFull},
		{"full-pages", fullPages, t.Context(), "", ErrFull},
		{"stopped", job(good(), chat), stopped, "", context.Canceled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			base := t.TempDir()
			if c.make != "" {
				if err := os.Mkdir(filepath.Join(base, c.make), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Write(c.ctx, c.job, filepath.Join(base, "out")); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			entries, err := os.ReadDir(base)
			if err != nil {
				t.Fatal(err)
			}
			if want := min(1, len(c.make)); len(entries) != want {
				t.Errorf("left: got %v, want %d", entries, want)
			}
		})
	}
	if _, err := Write(t.Context(), job(good(), chat), filepath.Join(t.TempDir(), "absent", "out")); !errors.Is(err, ErrDisk) {
		t.Errorf("no folder around it: got %v, want %v", err, ErrDisk)
	}
}

// small is a disk that is full after n bytes.
type small struct {
	io.Writer
	n int
}

func (s *small) Write(p []byte) (int, error) {
	if s.n -= len(p); s.n < 0 {
		return 0, &os.PathError{Op: "write", Path: "secret-name", Err: syscall.ENOSPC}
	}
	return s.Writer.Write(p)
}

// TestMonths shows the pages of a large chat, at the edge and one past it, with a sender whose clock
// jumps: each message on one page, and the pages lead to each other.
func TestMonths(t *testing.T) {
	at := func(i int) time.Time {
		if i%100 == 0 {
			return time.UnixMilli(1 << 60)
		}
		if i <= 2500 {
			return time.Date(2026, 3, 1, 0, 0, i, 0, time.UTC)
		}
		return time.Date(2026, 4, 1, 0, 0, i, 0, time.UTC)
	}
	for _, c := range []struct {
		n    int
		want string
	}{
		{onePageMax, "files=0 index.html messages.json"},
		{onePageMax + 1, "files=0 2026-03.html index.html messages.json undated.html"},
		{3000, "files=0 2026-03-2.html 2026-03.html 2026-04.html index.html messages.json undated.html"},
	} {
		s := &memory{n: c.n, make: func(i int) core.Message { return core.Message{Text: fmt.Sprintf("text-%d.", i), At: at(i).UnixMilli()} }}
		dir, _ := write(t, job(s, core.Chat{Name: "Ann"}))
		entries, err := os.ReadDir(filepath.Join(dir, "001-Ann"))
		if err != nil {
			t.Fatal(err)
		}
		got, all := "files=0", ""
		for _, e := range entries {
			got += " " + e.Name()
			if strings.HasSuffix(e.Name(), ".html") {
				page := read(t, dir, "001-Ann", e.Name())
				if strings.Count(page, "<html>") != 1 || strings.Count(page, "</html>") != 1 {
					t.Errorf("%d: %s is not one whole page", c.n, e.Name())
				}
				all += page
			}
		}
		if got != c.want {
			t.Errorf("%d: got %s, want %s", c.n, got, c.want)
		}
		for i := 1; i <= c.n; i++ {
			if n := strings.Count(all, fmt.Sprintf(">text-%d.<", i)); i%97 == 0 && n != 1 {
				t.Errorf("%d: message %d is on %d pages, want 1", c.n, i, n)
			}
		}
		if n := strings.Count(all, "<article>"); n != c.n {
			t.Errorf("got %d messages, want %d", n, c.n)
		}
		if c.n == 3000 {
			page := read(t, dir, "001-Ann", "2026-03-2.html")
			for _, want := range []string{`href="2026-03.html" rel="prev"`, `href="2026-04.html" rel="next"`, `href="index.html"`} {
				if strings.Count(page, want) != 2 {
					t.Errorf("the second page of March has %q %d times, want 2", want, strings.Count(page, want))
				}
			}
		}
	}
}

// TestMemory shows that what is held does not grow with the messages: 20 MB of them pass.
func TestMemory(t *testing.T) {
	const n, bound = 20_000, 8 << 20
	text := strings.Repeat("x", 1000)
	var asked int
	var first, most uint64
	s := &memory{n: n, make: func(i int) core.Message {
		return core.Message{Text: text + fmt.Sprint(i), At: now.Add(time.Duration(i) * time.Hour).UnixMilli()}
	}}
	s.asked = func() {
		if asked++; asked%20 != 2 {
			return
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if first == 0 {
			first = m.HeapAlloc
		}
		most = max(most, m.HeapAlloc)
	}
	_, rep := write(t, job(s, core.Chat{Name: "Ann"}))
	if rep.Messages != n {
		t.Errorf("got %d messages, want %d", rep.Messages, n)
	}
	if most > first+bound {
		t.Errorf("held: got %d bytes more than at the start, want at most %d", most-first, bound)
	}
}

// FuzzClean shows that a name never leaves its folder.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", ".", "..", "a/b\\c:d", "\x00", "\u202efdp.exe", "سارا", strings.Repeat("é", 99) + ".jpeg", "a\xff", ".hidden", "x.", strings.Repeat("x", 79) + ".."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if got == "" || len(got) > NameBytesMax || !utf8.ValidString(got) || !filepath.IsLocal("x-"+got) || strings.ContainsAny(got, "/\\:*?\"<>|\x00 ") ||
			strings.HasPrefix(got, ".") || strings.HasSuffix(got, ".") || bytes.ContainsAny([]byte(got), "\u202e\u2066\u200f\n") {
			t.Errorf("%q: got %q", s, got)
		}
	})
}

// TestClean shows what becomes of names.
func TestClean(t *testing.T) {
	for in, want := range map[string]string{"": "_", "..": "_", "a/b": "a_b", "plan.txt": "plan.txt", "سارا": "سارا", ".ssh": "ssh", "a b": "a_b", "\u202efdp.exe": "_fdp.exe",
		strings.Repeat("x", NameBytesMax): strings.Repeat("x", NameBytesMax), strings.Repeat("x", NameBytesMax) + ".jpg": strings.Repeat("x", NameBytesMax-4) + ".jpg"} {
		if got := Clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestHarmless shows which files get an end that no browser runs.
func TestHarmless(t *testing.T) {
	const page, text = "  <!DOCTYPE HTML><script>", "words"
	for _, c := range []struct{ name, head, want string }{
		{"a.txt", page, "a.txt"}, {"a.png", text, "a.png"}, {"a", text, "a"}, {"a", "", "a"}, {"a.zip", "PK\x03\x04", "a.zip"},
		{"a.html", text, "a.html.txt"}, {"a.SvG", "", "a.SvG.txt"}, {"a", page, "a.txt"}, {"a.odd", page, "a.odd.txt"}, {"a.odd", "<?xml version='1.0'?>", "a.odd.txt"},
	} {
		if got := harmless(c.name, []byte(c.head)); got != c.want {
			t.Errorf("%s %q: got %s, want %s", c.name, c.head, got, c.want)
		}
	}
}
