package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"paperplane/protocol/plane"
	"paperplane/server"
	"paperplane/server/blob"
	"paperplane/server/store"
	"paperplane/server/tables"
)

// Sheet is everything that a server holds, or everything about one id. What is not in it the
// server does not have.
type Sheet struct {
	About   string      `json:"about,omitempty"` // the id asked for; empty: everything
	Tables  []SheetPart `json:"tables"`
	Records []SheetLog  `json:"records"`
	Blobs   SheetBlobs  `json:"blobs"`
	Files   []SheetFile `json:"files,omitempty"`
}

// SheetPart is one table with what its columns are for.
type SheetPart struct {
	Table   string          `json:"table"`
	Count   int             `json:"count"`
	Columns []server.Column `json:"columns"`
	// Rows hold numbers, and bytes as base64url.
	Rows []map[string]any `json:"rows"`
}

// SheetLog is what is held of one log's records. Bodies are sealed; they come, as base64url,
// only when one log was asked for.
type SheetLog struct {
	Log    string   `json:"log"`
	Count  int      `json:"count"`
	Bytes  int64    `json:"bytes"`
	First  uint64   `json:"first,omitempty"`
	Head   uint64   `json:"head"`
	Bodies []string `json:"bodies,omitempty"`
}

// SheetBlobs is what is held of blobs: all of them, or one.
type SheetBlobs struct {
	Bytes  int64 `json:"bytes"`
	Chunks int   `json:"chunks,omitempty"`
}

// SheetFile is a file of the data folder.
type SheetFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// ErrID: what was asked about is no id.
var ErrID = errors.New("not an id: a log's or a file's has 22 characters, a member's key 43")

// id is what a sheet is about.
type id struct {
	text   string
	log    *plane.LogID
	blob   *plane.BlobID
	member *plane.PublicKey
}

func parseID(text string) (id, error) {
	x := id{text: text}
	if text == "" {
		return x, nil
	}
	if l, err := plane.ParseLogID(text); err == nil {
		b := plane.BlobID(l)
		x.log, x.blob = &l, &b
		return x, nil
	}
	k, err := plane.ParsePublicKey(text)
	if err != nil {
		return x, ErrID
	}
	x.member = &k
	return x, nil
}

// MakeSheet looks up everything, or what is held about the id in text: a log's, a blob's or a
// member's.
func (s *Source) MakeSheet(ctx context.Context, text string) (*Sheet, error) {
	about, err := parseID(text)
	if err != nil {
		return nil, err
	}
	sheet := &Sheet{About: text, Records: []SheetLog{}}
	if err := s.sheetTables(sheet, about); err != nil {
		return nil, err
	}
	if err := s.sheetRecords(ctx, sheet, about); err != nil {
		return nil, err
	}
	switch {
	case about.blob != nil:
		have, err := s.Blobs.Stat(ctx, *about.blob)
		if err != nil && !errors.Is(err, blob.ErrAbsent) {
			return nil, err
		}
		for _, there := range have {
			if there {
				sheet.Blobs.Chunks++
			}
		}
		sheet.Blobs.Bytes = int64(sheet.Blobs.Chunks) * plane.BlobChunkBytes
	case text == "":
		if sheet.Blobs.Bytes, err = s.Blobs.Size(ctx); err != nil {
			return nil, err
		}
		if sheet.Files, err = files(s.Folder.Dir); err != nil {
			return nil, err
		}
	}
	return sheet, nil
}

func (s *Source) sheetTables(sheet *Sheet, about id) error {
	for _, c := range server.Inventory() {
		if n := len(sheet.Tables); n == 0 || sheet.Tables[n-1].Table != c.Table {
			sheet.Tables = append(sheet.Tables, SheetPart{Table: c.Table, Rows: []map[string]any{}})
		}
		p := &sheet.Tables[len(sheet.Tables)-1]
		p.Columns = append(p.Columns, c)
	}
	for i := range sheet.Tables {
		p := &sheet.Tables[i]
		if about.member != nil && p.Table != "member" {
			continue
		}
		err := s.Folder.Tables.Rows(p.Table, about.log, func(values []any) error {
			row := map[string]any{}
			for j, v := range values {
				if b, ok := v.([]byte); ok {
					v = base64.RawURLEncoding.EncodeToString(b)
				}
				row[p.Columns[j].Name] = v
			}
			if about.member == nil || row["key"] == about.text {
				p.Rows = append(p.Rows, row)
			}
			return nil
		})
		if err != nil {
			return err
		}
		p.Count = len(p.Rows)
	}
	return nil
}

func (s *Source) sheetRecords(ctx context.Context, sheet *Sheet, about id) error {
	if about.member != nil {
		return nil
	}
	one := func(id plane.LogID) error {
		l := SheetLog{Log: id.Text()}
		err := s.records(ctx, id, func(r store.Record) error {
			if l.Count == 0 {
				l.First = uint64(r.Seq)
			}
			l.Count++
			l.Bytes += int64(len(r.Body))
			if about.log != nil {
				l.Bodies = append(l.Bodies, base64.RawURLEncoding.EncodeToString(r.Body))
			}
			return nil
		})
		if err != nil {
			return err
		}
		head, err := s.Store.Head(ctx, id)
		l.Head = uint64(head)
		if err == nil && (head > 0 || about.log == nil) {
			sheet.Records = append(sheet.Records, l)
		}
		return err
	}
	if about.log != nil {
		return one(*about.log)
	}
	return s.Folder.Tables.EachLog(func(row tables.Log) error { return one(row.ID) })
}

// files lists the folder.
func files(dir string) (out []SheetFile, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return skipGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return skipGone(err)
		}
		name, err := filepath.Rel(dir, path)
		out = append(out, SheetFile{Name: filepath.ToSlash(name), Bytes: info.Size()})
		return err
	})
	return out, err
}

// skipGone passes over files that went away while the folder was read.
func skipGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// WriteJSON writes the sheet as one JSON object.
func (s *Sheet) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// readable writes a value for people: a day and a month, which are counts, as a date.
func readable(column string, value any) string {
	text := fmt.Sprint(value)
	if strings.HasSuffix(column, "_month") {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil {
			return time.Date(1970, time.January+time.Month(n), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
		}
	}
	if strings.HasSuffix(column, "_day") {
		if n, err := strconv.ParseUint(text, 10, 32); err == nil {
			return plane.Day(n).Start().Format(time.DateOnly)
		}
	}
	return text
}

// WriteText writes the sheet for people.
func (s *Sheet) WriteText(w io.Writer) error {
	var b strings.Builder
	if s.About == "" {
		b.WriteString("Everything this server holds:\n")
	} else {
		fmt.Fprintf(&b, "Everything this server holds about %s:\n", s.About)
	}
	for _, p := range s.Tables {
		if s.About != "" && p.Count == 0 {
			continue
		}
		fmt.Fprintf(&b, "\nTable %s: %d\n", p.Table, p.Count)
		for _, c := range p.Columns {
			fmt.Fprintf(&b, "  %-13s %s; held: %s; read by: %s\n", c.Name, c.Purpose, c.Life, c.Reads)
		}
		for _, row := range p.Rows {
			b.WriteString(" ")
			for _, c := range p.Columns {
				fmt.Fprintf(&b, " %s=%s", c.Name, readable(c.Name, row[c.Name]))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\nSealed records:\n")
	for _, l := range s.Records {
		fmt.Fprintf(&b, "  log=%s records=%d bytes=%d head=%d\n", l.Log, l.Count, l.Bytes, l.Head)
		for i, body := range l.Bodies {
			fmt.Fprintf(&b, "    %d: %s\n", i+1, body)
		}
	}
	fmt.Fprintf(&b, "\nSealed file chunks: %d bytes\n", s.Blobs.Bytes)
	if s.About == "" {
		b.WriteString("\nFiles of the data folder:\n")
		for _, h := range server.Files() {
			fmt.Fprintf(&b, "  %-12s %s; held: %s\n", h.Name, h.Purpose, h.Life)
		}
		for _, f := range s.Files {
			fmt.Fprintf(&b, "  %10d  %s\n", f.Bytes, f.Name)
		}
		b.WriteString("\nNot held, because it never gets here: names, messages, who talks to whom, who is in\n" +
			"a group, contacts, telephone numbers, addresses, times finer than a day.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
