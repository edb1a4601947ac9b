package lite

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"paperplane/protocol/plane"
	"paperplane/server/tables"
)

// cardPartBytes is where a card is cut in two; parts 0 and 1 are the card, part 2 is the
// last-resort package.
const cardPartBytes = 4096

const partLast = 2

// seen is a step in a transaction that must find a row.
func (c *conn) seen(sql string, args ...any) error {
	return c.one(func(*sqlite3.Stmt) {}, sql, args...)
}

const hasLog = "SELECT 1 FROM log WHERE id=?"

// Log implements tables.Logs.
func (t *Tables) Log(id plane.LogID) (l tables.Log, err error) {
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	err = t.read.one(func(s *sqlite3.Stmt) { l = scanLog(s) },
		"SELECT id, owner_pk, gen, ttl_days, opened_month, flags FROM log WHERE id=?", id[:])
	return l, fail("read log", err)
}

func scanLog(s *sqlite3.Stmt) (l tables.Log) {
	copy(l.ID[:], s.ColumnRawBlob(0))
	copy(l.Owner[:], s.ColumnRawBlob(1))
	l.Gen = plane.Gen(s.ColumnInt64(2))
	l.TTLDays = uint8(s.ColumnInt64(3))
	l.Opened = plane.Month(s.ColumnInt64(4))
	l.Flags = tables.Flags(s.ColumnInt64(5))
	return l
}

// Cap implements tables.Logs.
func (t *Tables) Cap(id plane.LogID, gen plane.Gen) (c tables.Cap, err error) {
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	err = t.read.one(func(s *sqlite3.Stmt) {
		c.Gen = gen
		copy(c.Read[:], s.ColumnRawBlob(0))
		copy(c.Write[:], s.ColumnRawBlob(1))
		c.LastSeq = plane.Seq(s.ColumnInt64(2))
	}, "SELECT read_pk, write_pk, last_seq FROM cap WHERE id=? AND gen=?", id[:], int64(gen))
	return c, fail("read capability", err)
}

func (c *conn) putCap(id plane.LogID, row tables.Cap) error {
	return c.exec("INSERT INTO cap VALUES (?,?,?,?,?)", id[:], int64(row.Gen), row.Read[:], row.Write[:], int64(row.LastSeq))
}

// CreateLog implements tables.Logs.
func (t *Tables) CreateLog(l tables.Log, row tables.Cap) error {
	return fail("create log", t.write.tx(func(c *conn) error {
		if c.seen(hasLog, l.ID[:]) == nil {
			return tables.ErrExists
		}
		if err := c.exec("INSERT INTO log VALUES (?,?,?,?,?,?)", l.ID[:], l.Owner[:], int64(l.Gen),
			int64(l.TTLDays), int64(l.Opened), int64(l.Flags)); err != nil {
			return err
		}
		return c.putCap(l.ID, row)
	}))
}

// Rotate implements tables.Logs.
func (t *Tables) Rotate(id plane.LogID, lastSeq plane.Seq, row tables.Cap) error {
	return fail("rotate log", t.write.tx(func(c *conn) error {
		var gen plane.Gen
		err := c.one(func(s *sqlite3.Stmt) { gen = plane.Gen(s.ColumnInt64(0)) }, "SELECT gen FROM log WHERE id=?", id[:])
		switch {
		case err != nil:
			return err
		case gen != row.Gen-1:
			return tables.ErrExists
		}
		if err := c.exec("UPDATE cap SET last_seq=? WHERE id=? AND gen=?", int64(lastSeq), id[:], int64(gen)); err != nil {
			return err
		}
		if err := c.exec("UPDATE log SET gen=? WHERE id=?", int64(row.Gen), id[:]); err != nil {
			return err
		}
		if err := c.putCap(id, row); err != nil {
			return err
		}
		var count int64
		if err := c.one(func(s *sqlite3.Stmt) { count = s.ColumnInt64(0) }, "SELECT count(*) FROM cap WHERE id=?", id[:]); err != nil {
			return err
		}
		if count > tables.CapsMax {
			return c.exec("DELETE FROM cap WHERE id=?1 AND gen=(SELECT min(gen) FROM cap WHERE id=?1)", id[:])
		}
		return nil
	}))
}

// SetLog implements tables.Logs.
func (t *Tables) SetLog(id plane.LogID, ttlDays uint8, f tables.Flags) error {
	return fail("change log", t.write.tx(func(c *conn) error {
		if err := c.seen(hasLog, id[:]); err != nil {
			return err
		}
		return c.exec("UPDATE log SET ttl_days=?, flags=? WHERE id=?", int64(ttlDays), int64(f), id[:])
	}))
}

// DropCaps implements tables.Logs.
func (t *Tables) DropCaps(id plane.LogID, before plane.Seq) error {
	const which = "WHERE id=?1 AND last_seq<?2 AND gen<(SELECT gen FROM log WHERE id=?1)"
	t.read.mu.Lock()
	err := t.read.seen("SELECT 1 FROM cap "+which+" LIMIT 1", id[:], int64(before))
	t.read.mu.Unlock()
	if err != nil { // nearly always ErrAbsent: spare the disk a transaction
		if err == tables.ErrAbsent {
			return nil
		}
		return fail("drop capabilities", err)
	}
	return fail("drop capabilities", t.write.tx(func(c *conn) error {
		return c.exec("DELETE FROM cap "+which, id[:], int64(before))
	}))
}

// DeleteLog implements tables.Logs.
func (t *Tables) DeleteLog(id plane.LogID) error {
	return fail("delete log", t.write.tx(func(c *conn) error {
		for _, table := range []string{"log", "cap", "door", "card", "package"} {
			if err := c.exec("DELETE FROM "+table+" WHERE id=?", id[:]); err != nil {
				return err
			}
		}
		return nil
	}))
}

// MarkOpened implements tables.Logs.
func (t *Tables) MarkOpened(m plane.Month, logs []plane.LogID, members []plane.PublicKey) error {
	logs, members = slices.Clone(logs), slices.Clone(members)
	slices.SortFunc(logs, func(a, b plane.LogID) int { return bytes.Compare(a[:], b[:]) })
	slices.SortFunc(members, func(a, b plane.PublicKey) int { return bytes.Compare(a[:], b[:]) })
	return fail("mark months", t.write.tx(func(c *conn) error {
		for _, id := range logs {
			if err := c.exec("UPDATE log SET opened_month=? WHERE id=?", int64(m), id[:]); err != nil {
				return err
			}
		}
		for _, k := range members {
			if err := c.exec("UPDATE member SET seen_month=? WHERE key=?", int64(m), k[:]); err != nil {
				return err
			}
		}
		return nil
	}))
}

// EachLog implements tables.Logs.
func (t *Tables) EachLog(f func(tables.Log) error) error {
	var rows []tables.Log
	t.read.mu.Lock()
	err := t.read.query(func(s *sqlite3.Stmt) error { rows = append(rows, scanLog(s)); return nil },
		"SELECT id, owner_pk, gen, ttl_days, opened_month, flags FROM log ORDER BY id")
	t.read.mu.Unlock()
	if err != nil {
		return fail("list logs", err)
	}
	for _, r := range rows {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// Door implements tables.Doors.
func (t *Tables) Door(id plane.LogID, key plane.PublicKey) (d tables.Door, err error) {
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	d, err = t.read.door(id, key)
	return d, fail("read door", err)
}

func (c *conn) door(id plane.LogID, key plane.PublicKey) (d tables.Door, err error) {
	err = c.one(func(s *sqlite3.Stmt) {
		d = tables.Door{Key: key, Left: uint16(s.ColumnInt64(0)), Until: plane.Day(s.ColumnInt64(1))}
	}, "SELECT left, until_day FROM door WHERE id=? AND door_pk=?", id[:], key[:])
	return d, err
}

// PutDoor implements tables.Doors.
func (t *Tables) PutDoor(id plane.LogID, d tables.Door) error {
	return fail("put door", t.write.tx(func(c *conn) error {
		if err := c.seen(hasLog, id[:]); err != nil {
			return err
		}
		var others int64
		if err := c.one(func(s *sqlite3.Stmt) { others = s.ColumnInt64(0) },
			"SELECT count(*) FROM door WHERE id=? AND door_pk<>?", id[:], d.Key[:]); err != nil {
			return err
		}
		if others >= plane.DoorsMax {
			return tables.ErrLimit
		}
		return c.exec("REPLACE INTO door VALUES (?,?,?,?)", id[:], d.Key[:], int64(d.Left), int64(d.Until))
	}))
}

// DeleteDoor implements tables.Doors.
func (t *Tables) DeleteDoor(id plane.LogID, key plane.PublicKey) error {
	return fail("delete door", t.write.tx(func(c *conn) error {
		return c.exec("DELETE FROM door WHERE id=? AND door_pk=?", id[:], key[:])
	}))
}

// TakeDoor implements tables.Doors.
func (t *Tables) TakeDoor(id plane.LogID, key plane.PublicKey, today plane.Day, member *tables.Member) error {
	return fail("take door", t.write.tx(func(c *conn) error {
		d, err := c.door(id, key)
		switch {
		case err != nil:
			return err
		case d.Left == 0 || d.Until < today:
			return tables.ErrUsedUp
		}
		if err := c.exec("UPDATE door SET left=left-1 WHERE id=? AND door_pk=?", id[:], key[:]); err != nil {
			return err
		}
		if member == nil {
			return nil
		}
		return c.exec("INSERT OR IGNORE INTO member VALUES (?,?,?,?)", member.Key[:], int64(member.Joined),
			int64(member.Seen), int64(member.Class))
	}))
}

// DropDoors implements tables.Doors.
func (t *Tables) DropDoors(before plane.Day) error {
	return fail("drop doors", t.write.tx(func(c *conn) error {
		return c.exec("DELETE FROM door WHERE until_day<?", int64(before))
	}))
}

// PutPool implements tables.Pools.
func (t *Tables) PutPool(id plane.LogID, card, lastResort []byte, packages [][]byte) (left int, err error) {
	err = t.write.tx(func(c *conn) error {
		if err := c.seen(hasLog, id[:]); err != nil {
			return err
		}
		if card != nil {
			cut := min(len(card), cardPartBytes)
			for part, body := range [][]byte{card[:cut], card[cut:]} {
				if err := c.exec("REPLACE INTO card VALUES (?,?,?)", id[:], int64(part), body); err != nil {
					return err
				}
			}
		}
		if lastResort != nil {
			if err := c.exec("REPLACE INTO card VALUES (?,?,?)", id[:], int64(partLast), lastResort); err != nil {
				return err
			}
			if err := c.exec("DELETE FROM package WHERE id=?", id[:]); err != nil {
				return err
			}
		}
		for _, p := range packages {
			// Keyed by a hash: a repeated request adds nothing, and the order is no order of arrival.
			sum := sha256.Sum256(p)
			if err := c.exec("INSERT OR IGNORE INTO package VALUES (?,?,?)", id[:], sum[:16], p); err != nil {
				return err
			}
		}
		if err := c.one(func(s *sqlite3.Stmt) { left = s.ColumnInt(0) }, "SELECT count(*) FROM package WHERE id=?", id[:]); err != nil {
			return err
		}
		if left > plane.PoolPackagesMax {
			return tables.ErrLimit
		}
		return nil
	})
	return left, fail("put pool", err)
}

// Card implements tables.Pools.
func (t *Tables) Card(id plane.LogID) (card []byte, err error) {
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	err = t.read.query(func(s *sqlite3.Stmt) error { card = append(card, s.ColumnRawBlob(0)...); return nil },
		"SELECT body FROM card WHERE id=? AND part<? ORDER BY part", id[:], int64(partLast))
	if err == nil && card == nil {
		err = tables.ErrAbsent
	}
	return card, fail("read card", err)
}

// TakePackage implements tables.Pools.
func (t *Tables) TakePackage(id plane.LogID, oneTime bool) (p []byte, lastResort bool, err error) {
	if oneTime {
		err = t.write.tx(func(c *conn) error {
			var hash []byte
			if err := c.one(func(s *sqlite3.Stmt) { hash, p = s.ColumnBlob(0, nil), s.ColumnBlob(1, nil) },
				"SELECT hash, body FROM package WHERE id=? ORDER BY hash LIMIT 1", id[:]); err != nil {
				return err
			}
			return c.exec("DELETE FROM package WHERE id=? AND hash=?", id[:], hash)
		})
		if err != tables.ErrAbsent {
			return p, false, fail("take package", err)
		}
	}
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	err = t.read.one(func(s *sqlite3.Stmt) { p = s.ColumnBlob(0, nil) },
		"SELECT body FROM card WHERE id=? AND part=?", id[:], int64(partLast))
	return p, true, fail("take package", err)
}

// Member implements tables.Members.
func (t *Tables) Member(key plane.PublicKey) (m tables.Member, err error) {
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	err = t.read.one(func(s *sqlite3.Stmt) {
		m = tables.Member{Key: key, Joined: plane.Month(s.ColumnInt64(0)), Seen: plane.Month(s.ColumnInt64(1)), Class: uint8(s.ColumnInt64(2))}
	}, "SELECT joined_month, seen_month, class FROM member WHERE key=?", key[:])
	return m, fail("read member", err)
}

// DropMembers implements tables.Members.
func (t *Tables) DropMembers(before plane.Month) error {
	return fail("drop members", t.write.tx(func(c *conn) error {
		return c.exec("DELETE FROM member WHERE seen_month<?", int64(before))
	}))
}

// Setting implements tables.Settings.
func (t *Tables) Setting(n tables.Setting) (v []byte, err error) {
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	err = t.read.one(func(s *sqlite3.Stmt) { v = s.ColumnBlob(0, []byte{}) }, "SELECT value FROM setting WHERE name=?", int64(n))
	return v, fail("read setting", err)
}

// SetSetting implements tables.Settings.
func (t *Tables) SetSetting(n tables.Setting, value []byte) error {
	return fail("store setting", t.write.tx(func(c *conn) error {
		return c.exec("REPLACE INTO setting VALUES (?,?)", int64(n), value)
	}))
}

// Columns calls f for every column of the live schema.
func (t *Tables) Columns(f func(table, column string)) error {
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	return fail("read schema", t.read.query(func(s *sqlite3.Stmt) error {
		f(s.ColumnText(0), s.ColumnText(1))
		return nil
	}, "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type='table' ORDER BY m.name, c.cid"))
}

// Rows calls f for every row of a table of the schema, in order of its key. Values are int64 or
// []byte. With id, only rows that belong to that log; tables without logs have none then.
func (t *Tables) Rows(table string, id *plane.LogID, f func(values []any) error) error {
	columns := 0
	logTable := false
	if err := t.Columns(func(tb, col string) {
		if tb == table {
			columns++
			logTable = logTable || col == "id"
		}
	}); err != nil {
		return err
	}
	if columns == 0 || id != nil && !logTable {
		return nil
	}
	sql, args := "SELECT * FROM \""+table+"\"", []any(nil)
	if id != nil {
		sql, args = sql+" WHERE id=?", []any{id[:]}
	}
	t.read.mu.Lock()
	defer t.read.mu.Unlock()
	return fail("read rows", t.read.query(func(s *sqlite3.Stmt) error {
		values := make([]any, columns)
		for i := range values {
			if s.ColumnType(i) == sqlite3.INTEGER {
				values[i] = s.ColumnInt64(i)
			} else {
				values[i] = s.ColumnBlob(i, []byte{})
			}
		}
		return f(values)
	}, sql, args...))
}
