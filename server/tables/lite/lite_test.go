package lite_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"paperplane/protocol/plane"
	"paperplane/server/tables"
	"paperplane/server/tables/lite"
	"paperplane/server/tables/tablestest"
)

func open(t *testing.T, path string) *lite.Tables {
	t.Helper()
	tb, err := lite.Open(path)
	if err != nil {
		t.Fatalf("open: got error %v, want none", err)
	}
	t.Cleanup(func() { _ = tb.Close() })
	return tb
}

// TestConformance: SQLite keeps the contract of the seam, and closing complains of nothing.
func TestConformance(t *testing.T) {
	tablestest.Run(t, func(t *testing.T) (tables.Tables, func() tables.Tables) {
		path := filepath.Join(t.TempDir(), "tables.db")
		tb := open(t, path)
		return tb, func() tables.Tables {
			if err := tb.Close(); err != nil {
				t.Errorf("close: got error %v, want none", err)
			}
			return open(t, path)
		}
	})
}

func fill(t *testing.T, tb *lite.Tables, n int) (canaries [][]byte) {
	t.Helper()
	for range n {
		var l tables.Log
		var c tables.Cap
		for _, b := range [][]byte{l.ID[:], l.Owner[:], c.Read[:], c.Write[:]} {
			_, _ = rand.Read(b)
		}
		c.Gen, l.Gen = 1, 1
		if err := tb.CreateLog(l, c); err != nil {
			t.Fatal(err)
		}
		card := make([]byte, plane.CardBytesMax)
		_, _ = rand.Read(card)
		if _, err := tb.PutPool(l.ID, card, card[:plane.PackageBytesMax], nil); err != nil {
			t.Fatal(err)
		}
		canaries = append(canaries, l.Owner[:], card[100:140], card[5000:5040])
	}
	return canaries
}

// TestDeletedIsGone (B13): after DeleteLog and Tidy no file holds any of the log's bytes, while
// the process still has the file open.
func TestDeletedIsGone(t *testing.T) {
	dir := t.TempDir()
	tb := open(t, filepath.Join(dir, "tables.db"))
	canaries := fill(t, tb, 40)
	if err := tb.Tidy(false); err != nil {
		t.Fatal(err)
	}
	if n := found(t, dir, canaries); n != len(canaries) {
		t.Fatalf("before deleting: found %d of %d, want all: the search is blind", n, len(canaries))
	}
	var ids []plane.LogID
	_ = tb.EachLog(func(l tables.Log) error { ids = append(ids, l.ID); return nil })
	for _, id := range ids {
		if err := tb.DeleteLog(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := tb.Tidy(false); err != nil {
		t.Fatal(err)
	}
	if n := found(t, dir, canaries); n != 0 {
		t.Errorf("after deleting: found %d of %d, want 0", n, len(canaries))
	}
}

func found(t *testing.T, dir string, canaries [][]byte) (n int) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	for _, c := range canaries {
		if bytes.Contains(all, c) {
			n++
		}
	}
	return n
}

// TestLarge: tables that do not fit into SQLite's memory are laid down anew and copied, too.
// VACUUM ended the process at 130 MB, and its INTO wrote pages without checksums from 8 MB on.
// What a crash left beside them goes.
func TestLarge(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tables.db")
	tb := open(t, path)
	canaries := fill(t, tb, 3)
	by := func(sql string) {
		t.Helper()
		db, err := sqlite3.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Exec(sql), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	by(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 24000)
		INSERT INTO package SELECT randomblob(16), randomblob(32), randomblob(7000) FROM n`)
	large, err := os.Stat(path)
	if err != nil || large.Size() < 160<<20 {
		t.Fatalf("got %v, %v, want a file of more than 160 MB", large, err)
	}
	copyPath := filepath.Join(t.TempDir(), "copy.db")
	if err := tb.Copy(copyPath); err != nil {
		t.Fatal(err)
	}
	if err := open(t, copyPath).Verify(); err != nil {
		t.Errorf("the copy: %v", err)
	}
	if err := tb.Copy(copyPath); err == nil {
		t.Error("a copy over another: got no error, want one")
	}
	for range 2 {
		if err := os.WriteFile(path+".next", []byte("half of a file"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := tb.Tidy(true); err != nil {
			t.Fatal(err)
		}
		if err := tb.Verify(); err != nil {
			t.Errorf("the rewritten file: %v", err)
		}
		if files, err := filepath.Glob(path + ".next*"); err != nil || len(files) > 0 {
			t.Errorf("beside the rewritten file: got %v, %v, want nothing", files, err)
		}
	}
	by(`DELETE FROM package`)
	if err := tb.Tidy(true); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 1<<21 || info.Mode().Perm() != 0o600 {
		t.Errorf("after the last rewrite: got %v, %v, want a small file that only its owner reads", info, err)
	}
	if n := found(t, dir, canaries); n != len(canaries) {
		t.Errorf("after the last rewrite: got %d of %d rows, want all", n, len(canaries))
	}
	if err := os.WriteFile(path+".next", []byte("half of a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tb.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tb.Tidy(true); err == nil {
		t.Error("after Close: got no error, want one")
	}
	tb = open(t, path)
	if _, err := os.Stat(path + ".next"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a crash left: got %v, want it gone after a start", err)
	}
	if err := tb.Verify(); err != nil {
		t.Error(err)
	}
}

// TestDamagedPage: one flipped bit in any page that is read is an error, never a wrong answer,
// and Verify finds it.
func TestDamagedPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tables.db")
	tb := open(t, path)
	fill(t, tb, 20)
	if err := tb.Verify(); err != nil {
		t.Fatalf("verify a whole file: got %v, want none", err)
	}
	if err := tb.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for off := 2000; off < len(whole); off += 32768 * 3 {
		b := bytes.Clone(whole)
		b[off] ^= 4
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		tb, err := lite.Open(path)
		if err == nil {
			err = tb.Verify()
			_ = tb.Close()
		}
		if !errors.Is(err, tables.ErrDamaged) {
			t.Errorf("bit flipped at %d: got %v, want %v", off, err, tables.ErrDamaged)
		}
	}
}

// TestNotOurs: a file that is no database, or another program's, is refused.
func TestNotOurs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tables.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lite.Open(path); !errors.Is(err, tables.ErrDamaged) {
		t.Errorf("open: got %v, want %v", err, tables.ErrDamaged)
	}
}

// TestCopyAndColumns: a copy made while open holds the same rows, and Rows finds one log's.
func TestCopyAndColumns(t *testing.T) {
	dir := t.TempDir()
	tb := open(t, filepath.Join(dir, "tables.db"))
	fill(t, tb, 5)
	copyPath := filepath.Join(dir, "copy.db")
	if err := tb.Copy(copyPath); err != nil {
		t.Fatal(err)
	}
	dup := open(t, copyPath)
	var first plane.LogID
	count := func(tb *lite.Tables) string {
		n := map[string]int{}
		_ = tb.EachLog(func(l tables.Log) error { first = l.ID; return nil })
		for _, table := range []string{"log", "cap", "card", "door", "package", "member", "setting", "nothing"} {
			if err := tb.Rows(table, nil, func([]any) error { n[table]++; return nil }); err != nil {
				t.Fatal(err)
			}
			if err := tb.Rows(table, &first, func([]any) error { n["first "+table]++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		return fmt.Sprint(n)
	}
	const want = "map[cap:5 card:15 first cap:1 first card:3 first log:1 log:5]"
	if got := count(tb); got != want {
		t.Errorf("rows: got %s, want %s", got, want)
	}
	if got := count(dup); got != want {
		t.Errorf("rows of the copy: got %s, want %s", got, want)
	}
	if err := dup.Verify(); err != nil {
		t.Errorf("verify the copy: got %v, want none", err)
	}
}
