package e2e

import (
	"bytes"
	bin "encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"paperplane/protocol/plane"
	srv "paperplane/server"
)

// evidence is what a thief has: copies of a server's data folder at several moments, and all that
// the server ever said.
type evidence struct {
	snaps []snapshot
	texts map[string][]byte // standard output and error, metrics, crash text, backup, sheet
	scan  *scanner          // knows every planted fact
	found []string          // what scan found; "" until looked

	day    plane.Day
	orders []orderLog // S01: the logs whose records lie in the folder
	sizes  []int      // S04: bodies that texts of 1 to 390 bytes became
	own    map[plane.LogID]bool
	moved  []string // B12: files that reading alone has changed
	sheet  []byte   // I02
	about  plane.LogID
	// unsettled is the folder with S01's records in the order of arrival; spoiled: a mutant.
	unsettled string
	spoiled   bool
}

// snapshot is one copy of the data folder.
type snapshot struct {
	name string
	dir  string
	// torn: copied while the server wrote. Raw bytes count, structure does not.
	torn bool
	// deleted: everything planted as deleted (B13 to B15) must be gone.
	deleted bool
	// settled: nothing lies in the tail.
	settled bool
}

// copyFolder copies a data folder, with the files' times. Zeros at the end of tails stay behind.
func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil // removed while we walked
			}
			return err
		}
		rel, _ := filepath.Rel(from, path)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		info, err1 := d.Info()
		b, err2 := os.ReadFile(path)
		if os.IsNotExist(err1) || os.IsNotExist(err2) {
			return nil
		}
		if err1 != nil || err2 != nil {
			return fmt.Errorf("copy: %w, %w", err1, err2)
		}
		if strings.HasPrefix(d.Name(), "tail-") {
			b = bytes.TrimRight(b, "\x00")
		}
		if err := os.WriteFile(filepath.Join(to, rel), b, 0o600); err != nil {
			return err
		}
		return os.Chtimes(filepath.Join(to, rel), info.ModTime(), info.ModTime())
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// with returns the evidence with only a copy of its last settled folder, for a mutant to spoil.
func (e *evidence) with(t *testing.T, spoil func(*evidence, string)) *evidence {
	t.Helper()
	m := *e
	m.found, m.texts, m.spoiled = nil, map[string][]byte{}, true
	last := e.snaps[len(e.snaps)-1]
	last.dir = copyFolder(t, last.dir)
	m.snaps = []snapshot{last}
	spoil(&m, last.dir)
	return &m
}

// walk calls f with each file of a snapshot.
func (s snapshot) walk(f func(name string, b []byte, at time.Time)) error {
	return filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(s.dir, path)
		f(rel, b, info.ModTime())
		return nil
	})
}

// find returns what the scanner sees of the facts whose names begin with one of ids.
func (e *evidence) find(ids ...string) (out []string) {
	if e.found == nil {
		e.found = []string{""}
		for _, s := range e.snaps {
			if err := s.walk(func(name string, b []byte, _ time.Time) {
				for _, f := range append(e.scan.scan(b), e.scan.scan([]byte(name))...) {
					if gone := strings.HasPrefix(f, "B13") || strings.HasPrefix(f, "B14") || strings.HasPrefix(f, "B15"); !gone || s.deleted {
						e.found = append(e.found, f+" in "+s.name+":"+name)
					}
				}
			}); err != nil {
				e.found = append(e.found, err.Error())
			}
		}
		for name, b := range e.texts {
			for _, f := range e.scan.scan(b) {
				if gone := f[:3] >= "B13" && f[:3] <= "B15"; !gone || name == "backup" {
					e.found = append(e.found, f+" in text "+name)
				}
			}
		}
	}
	for _, f := range e.found {
		if slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(f, id) }) {
			out = append(out, f)
		}
	}
	return out
}

// frame is a record as it lies in a file.
type frame struct {
	log  plane.LogID
	seq  uint64
	day  plane.Day
	body []byte
	file string
	at   int
}

const unitBytes = 32

// frames reads the records of a folder with code of its own: heads of 32 bytes with a sum,
// bodies of three sizes (docs/internals/store.md). stray counts units that are nothing known.
func frames(s snapshot) (out []frame, stray []string, err error) {
	table := crc32.MakeTable(crc32.Castagnoli)
	err = s.walk(func(name string, b []byte, _ time.Time) {
		base := filepath.Base(name)
		if filepath.Dir(name) != "log" || !strings.HasPrefix(base, "seg-") && !strings.HasPrefix(base, "tail-") {
			return
		}
		for at := 0; at+unitBytes <= len(b); {
			h := b[at : at+unitBytes]
			kind := h[16]
			c := crc32.Checksum(h[:26], table)
			if kind < 1 || kind > 5 || uint16(c)^uint16(c>>16) != bin.BigEndian.Uint16(h[26:]) {
				// File header, table entry, zeros: they have other sums.
				if kind != 6 && at > 0 && strings.Trim(string(h), "\x00") != "" {
					stray = append(stray, fmt.Sprintf("%s at %d", name, at))
				}
				at += unitBytes
				continue
			}
			n := map[byte]int{1: plane.RecordSmall, 2: plane.RecordMedium, 3: plane.RecordLarge}[kind]
			if n > 0 {
				out = append(out, frame{
					log: plane.LogID(h[:16]), seq: bin.BigEndian.Uint64(h[16:24]) & (1<<56 - 1),
					day: plane.Day(bin.BigEndian.Uint16(h[24:])), body: b[min(len(b), at+unitBytes):min(len(b), at+unitBytes+n)], file: name, at: at,
				})
			}
			at += unitBytes + n
		}
	})
	return out, stray, err
}

// rows reads every table of a copied folder, whatever the schema says, by column.
func rows(t *testing.T, s snapshot) map[string][]any {
	t.Helper()
	out := map[string][]any{}
	withTables(t, s.dir, func(db *sqlite3.Conn) {
		var tables []string
		each(t, db, "SELECT name FROM sqlite_schema WHERE type='table'", func(st *sqlite3.Stmt) { tables = append(tables, st.ColumnText(0)) })
		for _, table := range tables {
			each(t, db, "SELECT * FROM "+table, func(st *sqlite3.Stmt) {
				for i := range st.ColumnCount() {
					c := table + "." + st.ColumnName(i)
					switch st.ColumnType(i) {
					case sqlite3.INTEGER:
						out[c] = append(out[c], st.ColumnInt64(i))
					case sqlite3.NULL:
						out[c] = append(out[c], nil)
					default:
						out[c] = append(out[c], bytes.Clone(st.ColumnRawBlob(i)))
					}
				}
			})
		}
	})
	return out
}

// withTables opens a copied folder's tables.
func withTables(t *testing.T, dir string, f func(*sqlite3.Conn)) {
	t.Helper()
	db, err := sqlite3.Open(filepath.Join(dir, "tables.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f(db)
}

// change runs statements on a copied folder's tables and closes them.
func change(t *testing.T, dir string, sql ...string) {
	t.Helper()
	withTables(t, dir, func(db *sqlite3.Conn) {
		for _, s := range sql {
			if err := db.Exec(s); err != nil {
				t.Fatalf("%.60s: %v", s, err)
			}
		}
	})
}

func each(t *testing.T, db *sqlite3.Conn, sql string, f func(*sqlite3.Stmt)) {
	t.Helper()
	st, _, err := db.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for st.Step() {
		f(st)
	}
	if err := st.Err(); err != nil {
		t.Fatal(err)
	}
}

// schema returns the columns of a copied folder's tables, "table.column".
func schema(t *testing.T, dir string) (out []string) {
	t.Helper()
	withTables(t, dir, func(db *sqlite3.Conn) {
		each(t, db, "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'",
			func(st *sqlite3.Stmt) { out = append(out, st.ColumnText(0)) })
	})
	return out
}

// inventory is the same list as it was declared.
func inventory() (out []string) {
	for _, c := range srv.Inventory() {
		out = append(out, c.Table+"."+c.Name)
	}
	return out
}

// orderLog is a log of S01 with the number of its conversation.
type orderLog struct {
	id   plane.LogID
	pair int
}

// attackOrder pairs logs by where their records lie: 400 bins of place, best cosine. It returns
// the share of logs whose partner was found.
func attackOrder(logs []orderLog, list []frame, from string) float64 {
	const bins = 400
	index := map[plane.LogID]int{}
	for i, l := range logs {
		index[l.id] = i
	}
	var places []int
	var who []int
	base, file, top := 0, "", 1
	for _, f := range list {
		if !strings.HasPrefix(filepath.Base(f.file), from) {
			continue
		}
		if f.file != file { // files follow each other as their blocks would
			base, file = top, f.file
		}
		top = max(top, base+f.at)
		if i, ok := index[f.log]; ok {
			places, who = append(places, base+f.at), append(who, i)
		}
	}
	prof := make([][bins]float64, len(logs))
	for i, p := range places {
		prof[who[i]][p*bins/(top+1)]++
	}
	hits := 0
	for i := range prof {
		best, found := 0.0, -1
		for j := range prof {
			var dot, a, b float64
			for k := range bins {
				dot, a, b = dot+prof[i][k]*prof[j][k], a+prof[i][k]*prof[i][k], b+prof[j][k]*prof[j][k]
			}
			if i != j && a*b > 0 && dot*dot/(a*b) > best {
				best, found = dot*dot/(a*b), j
			}
		}
		if found >= 0 && logs[found].pair == logs[i].pair {
			hits++
		}
	}
	return float64(hits) / float64(len(logs))
}
