// Package export writes conversations into a folder that can be read without Paperplane: for each chat
// pages for any browser, without a script, and messages.json for programs; docs/reference/json.md says
// what stands in it.
//
// The folder appears whole or not at all: it is filled as DIR.part beside its place and renamed at the
// end. Messages stream through, so the memory does not grow with their number. What is deleted for
// oneself or has vanished is not in it, nor what waits for its time. Texts, names and file names come
// from strangers: pages escape them, and a name becomes a file name only after Clean.
package export

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"paperplane/core"
)

// pageMessages is how many messages are read at once.
const pageMessages = 200

// Format and Version head every messages.json.
const (
	Format  = "paperplane-export"
	Version = 1
)

// Errors of Write; others come from the Source.
var (
	ErrExists = errors.New("export: the folder is there already")
	ErrPart   = errors.New("export: there is a half of another export")
	ErrFull   = errors.New("export: the disk is full")
	ErrDisk   = errors.New("export: the folder cannot be written")
)

// Source is where messages and files come from.
type Source interface {
	// Messages returns the oldest limit messages of a chat with an index of at least from, oldest first.
	Messages(ctx context.Context, chat string, from uint64, limit int) ([]core.Message, error)
	// OpenFile opens a file that is on this device.
	OpenFile(ctx context.Context, ref string) (io.ReadCloser, error)
}

// Job is what to write and in whose words.
type Job struct {
	Source Source
	Chats  []core.Chat
	Files  bool           // those that are on this device, too
	Now    time.Time      // when it is; what has vanished by then is left out
	Zone   *time.Location // of the times on the pages
	// Words for people.
	ChatName func(core.Chat) string
	Notice   func(core.Line) string
	Poll     func(*core.Poll) []string
	File     func(core.Attachment) string

	wrap func(io.Writer) io.Writer // tests: a disk with an end
}

// Report is what was written. Away are files that are not on this device.
type Report struct {
	Chats, Messages, Files, Away int
}

// Write fills the folder dir, which must not be there, whereas the folder around it must.
func Write(ctx context.Context, j Job, dir string) (Report, error) {
	var rep Report
	dir, err := filepath.Abs(dir)
	if err != nil {
		return rep, ErrDisk
	}
	if _, err := os.Lstat(dir); err == nil {
		return rep, ErrExists
	}
	part := dir + ".part"
	if err := os.Mkdir(part, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return rep, ErrPart
		}
		return rep, disk(err)
	}
	err = j.write(ctx, part, &rep)
	if err == nil {
		if _, there := os.Lstat(dir); there == nil { // Rename would replace an empty folder
			err = ErrExists
		} else if e := os.Rename(part, dir); e != nil {
			err = disk(e)
		}
	}
	if err != nil {
		_ = os.RemoveAll(part)
		return Report{}, err
	}
	return rep, nil
}

func (j *Job) write(ctx context.Context, dir string, rep *Report) error {
	var list []indexLine
	for n, c := range j.Chats {
		name := fmt.Sprintf("%03d-%s", n+1, Clean(j.ChatName(c)))
		x := &chatJob{Job: j, chat: c, dir: filepath.Join(dir, name), months: map[string]int{}, rep: rep}
		if err := os.Mkdir(x.dir, 0o700); err != nil {
			return disk(err)
		}
		if err := x.write(ctx); err != nil {
			return err
		}
		list = append(list, indexLine{Name: j.ChatName(c), Href: name + "/index.html", Count: x.count})
		rep.Chats++
		rep.Messages += x.count
	}
	return j.create(filepath.Join(dir, "index.html"), func(w io.Writer) error {
		return pages.ExecuteTemplate(w, "index", indexPage{Title: "Paperplane", Made: j.Now.In(j.Zone).Format(dayFormat), Lines: list})
	})
}

// create writes a file, buffered, and has it on disk when it returns nil.
func (j *Job) create(name string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return disk(err)
	}
	b := bufio.NewWriterSize(j.sink(f), 64<<10)
	if err := fill(b); err != nil {
		_ = f.Close()
		return disk(err)
	}
	if err := errors.Join(b.Flush(), f.Sync(), f.Close()); err != nil {
		return disk(err)
	}
	return nil
}

func (j *Job) sink(w io.Writer) io.Writer {
	if j.wrap != nil {
		return j.wrap(w)
	}
	return w
}

// foreign keeps an error of the Source from being taken for one of the disk that is written.
type foreign struct{ error }

func (f foreign) Unwrap() error { return f.error }

// disk tells a full disk from what else may go wrong with it. Paths hold names of chats: they stay out.
func disk(err error) error {
	if f, ok := errors.AsType[foreign](err); ok {
		return f.error
	}
	e, ok := errors.AsType[syscall.Errno](err)
	switch {
	case ok && (e == syscall.ENOSPC || e == syscall.EDQUOT || runtime.GOOS == "windows" && (e == 112 || e == 39)):
		return ErrFull
	case errors.Is(err, ErrFull):
		return ErrFull
	}
	return ErrDisk
}

// Head is the first part of messages.json.
type Head struct {
	Format  string   `json:"format"`
	Version int      `json:"version"`
	Made    string   `json:"made"` // RFC 3339, UTC
	Chat    HeadChat `json:"chat"`
}

// HeadChat is the chat in Head.
type HeadChat struct {
	ID   string        `json:"id"`
	Kind core.ChatKind `json:"kind"`
	Name string        `json:"name"`
}

// Message is one of messages.json: as the core shows it, its files with where they lie.
type Message struct {
	core.Message
	Files []File `json:"files,omitempty"`
}

// File is a file of a Message. Path is where it lies, from the folder of messages.json; empty when it is
// not there.
type File struct {
	core.Attachment
	Path string `json:"path,omitempty"`
}

// chatJob writes one chat: first messages.json, counting; then the pages from it, so that both say the same.
type chatJob struct {
	*Job
	chat   core.Chat
	dir    string
	count  int
	months map[string]int // messages of each
	rep    *Report
}

const jsonName = "messages.json"

func (x *chatJob) write(ctx context.Context) error {
	if err := x.create(filepath.Join(x.dir, jsonName), func(w io.Writer) error { return x.writeJSON(ctx, w) }); err != nil {
		return err
	}
	return x.writePages(ctx)
}

// writeJSON keeps a message a line, which each reads back.
func (x *chatJob) writeJSON(ctx context.Context, w io.Writer) error {
	head, err := json.Marshal(Head{Format, Version, x.Now.UTC().Format(time.RFC3339), HeadChat{x.chat.ID, x.chat.Kind, x.chat.Name}})
	if err != nil {
		return foreign{err}
	}
	if _, err := fmt.Fprintf(w, "%s,\"messages\":[", head[:len(head)-1]); err != nil {
		return err
	}
	err = x.each(ctx, func(m core.Message) error {
		out := Message{Message: m}
		for n, f := range m.Files {
			path, err := x.file(ctx, m.Index, n, f)
			if err != nil {
				return err
			}
			f.Ref, f.State, f.Done = "", "", 0 // of this device and this moment
			out.Files = append(out.Files, File{f, path})
		}
		b, err := json.Marshal(out)
		if err != nil {
			return foreign{err}
		}
		sep := ",\n"
		if x.count == 0 {
			sep = "\n"
		}
		x.count++
		x.months[x.month(m.At)]++
		_, err = w.Write(append([]byte(sep), b...))
		return err
	})
	if err == nil {
		_, err = io.WriteString(w, "\n]}\n")
	}
	return err
}

// each goes through the messages that belong into an export.
func (x *chatJob) each(ctx context.Context, do func(core.Message) error) error {
	gone := map[string]bool{} // vanished, but not yet swept away
	for from := uint64(1); ; {
		if err := ctx.Err(); err != nil {
			return foreign{err}
		}
		list, err := x.Source.Messages(ctx, x.chat.ID, from, pageMessages)
		if err != nil {
			return foreign{err}
		}
		if len(list) == 0 {
			return nil
		}
		for _, m := range list {
			if m.Gone != 0 && m.Gone <= x.Now.UnixMilli() {
				gone[m.ID] = true
				continue
			}
			if m.State == core.StateScheduled {
				continue
			}
			if m.ReplyTo != nil && gone[m.ReplyTo.ID] {
				m.ReplyTo = &core.Quote{ID: m.ReplyTo.ID}
			}
			if err := do(m); err != nil {
				return err
			}
		}
		next := list[len(list)-1].Index + 1
		if next <= from {
			return foreign{errors.New("export: the messages have no order")}
		}
		from = next
	}
}

// file copies one file and says where it lies; "" when it does not.
func (x *chatJob) file(ctx context.Context, index uint64, n int, f core.Attachment) (string, error) {
	if !x.Files {
		return "", nil
	}
	if f.Ref == "" {
		x.rep.Away++
		return "", nil
	}
	src, err := x.Source.OpenFile(ctx, f.Ref)
	if err != nil {
		x.rep.Away++
		return "", nil // dropped meanwhile
	}
	defer src.Close()
	if err := os.Mkdir(filepath.Join(x.dir, "files"), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	in := bufio.NewReaderSize(reader{ctx, src}, 64<<10)
	head, err := in.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	name := fmt.Sprintf("%06d-%d-%s", index, n+1, harmless(Clean(f.Name), head))
	err = x.create(filepath.Join(x.dir, "files", name), func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
	if err == nil {
		x.rep.Files++
	}
	return "files/" + name, err
}

// reader marks the errors of what is read.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, foreign{err}
	}
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = foreign{err}
	}
	return n, err
}

// NameBytesMax bounds what Clean returns.
const NameBytesMax = 80

// Clean makes a part of a file name of anybody's text, good on every system: letters, digits, marks and
// few signs stay, all else, such as separators, what is invisible or changes the direction, becomes "_".
// It never begins with a dot and never ends with one, is at most NameBytesMax long and never empty; the
// end of a longer name, with its kind, stays.
func Clean(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '_'
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.Mn, r), strings.ContainsRune("-_.,+()", r):
			return r
		}
		return '_'
	}, name)
	if len(s) > NameBytesMax {
		ext := filepath.Ext(s)
		if len(ext) > 12 {
			ext = ""
		}
		head := s[:NameBytesMax-len(ext)]
		for !utf8.ValidString(head) {
			head = head[:len(head)-1]
		}
		s = head + ext
	}
	if s = strings.Trim(s, ". "); s == "" {
		return "_"
	}
	return s
}

// sniffBytes is how much of a file browsers look at to guess what it is.
const sniffBytes = 512

// harmless keeps a browser from running a stranger's page as one's own, by its name or by its first
// bytes: it would see the folder.
func harmless(name string, head []byte) string {
	kind := http.DetectContentType(head)
	switch ext := strings.ToLower(filepath.Ext(name)); {
	case ext == ".txt":
	case slices.Contains([]string{".html", ".htm", ".xhtml", ".xht", ".shtml", ".svg", ".svgz", ".xml", ".xsl", ".xslt", ".mht", ".mhtml", ".hta"}, ext),
		strings.HasPrefix(kind, "text/html"), strings.HasPrefix(kind, "text/xml"):
		return name + ".txt"
	}
	return name
}
