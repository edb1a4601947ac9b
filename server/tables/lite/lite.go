// Package lite keeps a server's tables in one SQLite file.
//
// Privacy on disk: every table is WITHOUT ROWID and clustered by random ids, pages are 32 KiB so
// that no row overflows (overflow pages are handed out in order of arrival), deleted rows are
// overwritten (secure_delete), the journal is emptied by Tidy. Durability: WAL with
// synchronous=FULL; each change is one transaction. Every page carries a checksum, verified at
// each read, so that a damaged page is an error and never a wrong answer.
//
// A Tables is safe for concurrent use: one connection writes, another reads what is committed,
// so that readers do not wait for the disk. Reference: research of the house, privacy.md §1.5.
package lite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"paperplane/server/tables"
)

// Schema is the whole schema, one statement for each table. server/inventory.go gives the
// purpose of each column; a test compares the two.
var Schema = []string{
	`CREATE TABLE log (
		id BLOB NOT NULL, owner_pk BLOB NOT NULL, gen INTEGER NOT NULL, ttl_days INTEGER NOT NULL,
		opened_month INTEGER NOT NULL, flags INTEGER NOT NULL,
		PRIMARY KEY (id)) WITHOUT ROWID, STRICT`,
	`CREATE TABLE cap (
		id BLOB NOT NULL, gen INTEGER NOT NULL, read_pk BLOB NOT NULL, write_pk BLOB NOT NULL,
		last_seq INTEGER NOT NULL,
		PRIMARY KEY (id, gen)) WITHOUT ROWID, STRICT`,
	`CREATE TABLE door (
		id BLOB NOT NULL, door_pk BLOB NOT NULL, left INTEGER NOT NULL, until_day INTEGER NOT NULL,
		PRIMARY KEY (id, door_pk)) WITHOUT ROWID, STRICT`,
	// A card may be 8 KiB, a little more than fits a row inline: it is kept in two halves.
	`CREATE TABLE card (
		id BLOB NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL,
		PRIMARY KEY (id, part)) WITHOUT ROWID, STRICT`,
	`CREATE TABLE package (
		id BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL,
		PRIMARY KEY (id, hash)) WITHOUT ROWID, STRICT`,
	`CREATE TABLE member (
		key BLOB NOT NULL, joined_month INTEGER NOT NULL, seen_month INTEGER NOT NULL,
		class INTEGER NOT NULL,
		PRIMARY KEY (key)) WITHOUT ROWID, STRICT`,
	`CREATE TABLE setting (
		name INTEGER NOT NULL, value BLOB NOT NULL,
		PRIMARY KEY (name)) WITHOUT ROWID, STRICT`,
}

// version is the schema's, in user_version. Migrations only go forward.
const version = 1

// pageBytes is chosen so that the largest row, half a card, stays inline.
const pageBytes = 32768

// Tables implements tables.Tables over one SQLite file.
type Tables struct {
	path  string
	write conn
	read  conn
}

var _ tables.Tables = (*Tables)(nil)

// conn is one connection with its prepared statements; mu guards both.
type conn struct {
	mu    sync.Mutex
	db    *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

// Open opens or creates the file at path, whose folder must exist. It returns
// tables.ErrDamaged when the file is not ours or does not hold together.
func Open(path string) (*Tables, error) {
	t := &Tables{path: path}
	if err := t.open(); err != nil {
		_ = t.Close()
		return nil, fail("open tables", err)
	}
	return t, nil
}

func (t *Tables) open() error {
	if err := discard(t.next()); err != nil {
		return err
	}
	// Made here, because SQLite would make it readable by everybody; its journal follows suit.
	f, err := os.OpenFile(t.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	db, err := connect(t.path, false)
	if err != nil {
		return err
	}
	t.write.db, t.write.stmts = db, map[string]*sqlite3.Stmt{}
	if err := t.migrate(); err != nil {
		return err
	}
	db, err = connect(t.path, true)
	if err != nil {
		return err
	}
	t.read.db, t.read.stmts = db, map[string]*sqlite3.Stmt{}
	return nil
}

func connect(name string, readOnly bool) (*sqlite3.Conn, error) {
	flags := sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE
	if readOnly {
		flags = sqlite3.OPEN_READONLY
	}
	db, err := sqlite3.OpenFlags(name, flags)
	if err != nil {
		return nil, err
	}
	pragmas := `PRAGMA busy_timeout=5000; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;`
	if readOnly {
		pragmas += `PRAGMA query_only=ON;`
	}
	if err := db.Exec(pragmas); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// migrate brings an empty file to the schema and refuses what it does not know.
func (t *Tables) migrate() error {
	db := t.write.db
	have, err := number(db, "PRAGMA user_version")
	if err != nil {
		return err
	}
	if have == 0 {
		count, err := number(db, "SELECT count(*) FROM sqlite_schema")
		if err != nil {
			return err
		}
		if count != 0 {
			return tables.ErrDamaged
		}
		if err := db.Exec(fmt.Sprintf("PRAGMA page_size=%d", pageBytes)); err != nil {
			return err
		}
		if err := db.EnableChecksums("main"); err != nil {
			return err
		}
	}
	if err := db.Exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;
		PRAGMA wal_autocheckpoint=64;`); err != nil {
		return err
	}
	switch have {
	case version:
		return nil
	case 0:
		return t.write.tx(func(c *conn) error {
			for _, s := range Schema {
				if err := c.db.Exec(s); err != nil {
					return err
				}
			}
			return c.db.Exec(fmt.Sprintf("PRAGMA user_version=%d", version))
		})
	}
	return tables.ErrDamaged
}

func number(db *sqlite3.Conn, sql string) (int64, error) {
	s, _, err := db.Prepare(sql)
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Close() }()
	if !s.Step() {
		return 0, errors.Join(s.Err(), tables.ErrDamaged)
	}
	return s.ColumnInt64(0), s.Err()
}

// Tidy implements tables.Tables.
func (t *Tables) Tidy(rewrite bool) error {
	t.write.mu.Lock()
	defer t.write.mu.Unlock()
	// The reader holds no snapshot between its calls; its lock keeps one from starting.
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	if t.write.db == nil {
		return errClosed
	}
	if rewrite {
		return fail("rewrite tables", t.rewrite())
	}
	return fail("empty journal", t.write.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"))
}

// next is the file that rewrite prepares; one that a crash left behind is worth nothing.
func (t *Tables) next() string { return t.path + ".next" }

// rewrite lays all rows down in order of ids in a second file, which then takes the place of the
// first; both locks are held. SQLite's own VACUUM would keep a copy of everything in memory,
// where a server of some hundred people does not fit, or in a temporary file outside our folder.
// After an error in the second half the tables are closed.
func (t *Tables) rewrite() error {
	if err := t.copyTo(t.next()); err != nil {
		return errors.Join(err, discard(t.next()))
	}
	// The journal must be gone before: it would be played into the new file.
	if err := t.shut(); err != nil {
		return err
	}
	if err := os.Rename(t.next(), t.path); err != nil {
		return errors.Join(err, t.open())
	}
	if err := syncDir(filepath.Dir(t.path)); err != nil {
		return err
	}
	return t.open()
}

// copyTo writes all rows to a new file, in order of ids; t.write.mu is held. VACUUM INTO would
// leave the pages without checksums that it writes before the first one, in a file of some size.
func (t *Tables) copyTo(path string) error {
	if err := discard(path); err != nil {
		return err
	}
	// Made and closed first: a connection writes checksums once it has read that it shall.
	to, err := Open(path)
	if err == nil {
		err = to.Close()
	}
	if err == nil {
		err = t.write.exec("ATTACH ? AS copy", path)
	}
	if err != nil {
		return err
	}
	var all strings.Builder
	err = t.write.query(func(s *sqlite3.Stmt) error {
		fmt.Fprintf(&all, "INSERT INTO copy.%[1]s SELECT * FROM main.%[1]s;", s.ColumnText(0))
		return nil
	}, "SELECT name FROM copy.sqlite_schema WHERE type = 'table'")
	return errors.Join(err, t.write.db.Exec(all.String()), t.write.exec("DETACH copy"))
}

// discard removes a database and its journal, if they are there.
func discard(path string) error {
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// syncDir makes a rename in a folder last. Windows knows no such call and does it by itself.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Copy writes a snapshot of all tables to a new file, laid down in order of ids.
func (t *Tables) Copy(to string) error {
	t.write.mu.Lock()
	defer t.write.mu.Unlock()
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fail("copy tables", errors.Join(err, fs.ErrExist))
	}
	return fail("copy tables", t.copyTo(to))
}

// Verify reads every page and row and returns tables.ErrDamaged when something is wrong.
func (t *Tables) Verify() error {
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	s, err := t.read.stmt("PRAGMA integrity_check(1)")
	if err != nil {
		return fail("verify tables", err)
	}
	defer func() { _ = s.Reset() }()
	if !s.Step() {
		return fail("verify tables", errors.Join(s.Err(), tables.ErrDamaged))
	}
	if s.ColumnText(0) != "ok" {
		return fail("verify tables", tables.ErrDamaged)
	}
	return nil
}

// Close implements tables.Tables. The journal is emptied and removed.
func (t *Tables) Close() error {
	t.write.mu.Lock()
	defer t.write.mu.Unlock()
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	return t.shut()
}

// shut closes both connections; both locks are held.
func (t *Tables) shut() error {
	err := t.read.close()
	if t.write.db != nil {
		// SQLite removes the journal only when this connection has used it.
		err = errors.Join(err, t.write.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"))
	}
	return errors.Join(err, t.write.close())
}

// close closes the connection; c.mu is held.
func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close()) // SQLite complains about statements left open
	}
	c.stmts = nil
	if c.db != nil {
		errs = append(errs, c.db.Close())
		c.db = nil
	}
	return errors.Join(errs...)
}

// errClosed is what a call after Close gets.
var errClosed = errors.New("tables: closed")

// stmt returns the prepared statement of sql; c.mu is held.
func (c *conn) stmt(sql string) (*sqlite3.Stmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	if c.stmts == nil {
		return nil, errClosed
	}
	s, _, err := c.db.Prepare(sql)
	if err != nil {
		return nil, err
	}
	c.stmts[sql] = s
	return s, nil
}

// bound returns the prepared statement with args bound: integers, text, or bytes.
func (c *conn) bound(sql string, args ...any) (*sqlite3.Stmt, error) {
	s, err := c.stmt(sql)
	if err != nil {
		return nil, err
	}
	for i, a := range args {
		switch v := a.(type) {
		case int64:
			err = s.BindInt64(i+1, v)
		case string:
			err = s.BindText(i+1, v)
		case []byte:
			err = s.BindBlob(i+1, v)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// exec runs a statement that returns no rows.
func (c *conn) exec(sql string, args ...any) error {
	s, err := c.bound(sql, args...)
	if err != nil {
		return err
	}
	err = s.Exec()
	return errors.Join(err, s.ClearBindings())
}

// query calls row for each row until it returns an error. Column bytes are only valid inside.
func (c *conn) query(row func(*sqlite3.Stmt) error, sql string, args ...any) error {
	s, err := c.bound(sql, args...)
	if err != nil {
		return err
	}
	defer func() { _ = s.ClearBindings() }()
	for s.Step() {
		if err := row(s); err != nil {
			_ = s.Reset()
			return err
		}
	}
	err = s.Err()
	return errors.Join(err, s.Reset())
}

// one is query for at most one row; tables.ErrAbsent without a row.
func (c *conn) one(row func(*sqlite3.Stmt), sql string, args ...any) error {
	found := false
	err := c.query(func(s *sqlite3.Stmt) error { found = true; row(s); return nil }, sql, args...)
	if err == nil && !found {
		return tables.ErrAbsent
	}
	return err
}

// tx runs f in one transaction, which is durable when tx returns nil.
func (c *conn) tx(f func(*conn) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return errClosed
	}
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f(c)
	if err == nil {
		err = c.exec("COMMIT")
	}
	if err != nil && !c.db.GetAutocommit() {
		if undo := c.exec("ROLLBACK"); undo != nil {
			return errors.Join(err, undo)
		}
	}
	return err
}

// fail turns SQLite's errors into those of the seam. Texts of SQLite name tables and files but
// hold no values; they are dropped nonetheless: an operator gets them from doctor.
func fail(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case err == tables.ErrAbsent, err == tables.ErrExists, err == tables.ErrUsedUp, err == tables.ErrLimit:
		return err // ordinary answers: nothing went wrong
	case errors.Is(err, sqlite3.FULL):
		return tables.ErrFull
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB), errors.Is(err, sqlite3.IOERR_DATA),
		errors.Is(err, tables.ErrDamaged):
		return fmt.Errorf("%s: %w", what, tables.ErrDamaged)
	}
	return fmt.Errorf("%s: %w", what, err)
}
