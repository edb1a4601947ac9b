// Package tablestest is the conformance suite of the seam tables: every implementation passes
// it. It keeps no state.
package tablestest

import (
	"bytes"
	"errors"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/tables"
)

// Run runs the suite; open returns empty tables, reopen closes them and opens what they left.
func Run(t *testing.T, open func(t *testing.T) (tb tables.Tables, reopen func() tables.Tables)) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, tables.Tables, func() tables.Tables){
		"log-life": testLog, "rotate": testRotate, "caps-max": testCapsMax, "doors": testDoors,
		"doors-max": testDoorsMax, "pool": testPool, "members": testMembers, "settings": testSettings,
	} {
		t.Run(name, func(t *testing.T) {
			tb, reopen := open(t)
			f(t, tb, reopen)
		})
	}
}

func id(n byte) plane.LogID      { return plane.LogID{n, 1: 7} }
func key(n byte) plane.PublicKey { return plane.PublicKey{n, 5: 9} }

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: got error %v, want none", what, err)
	}
}

func want(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func create(t *testing.T, tb tables.Tables, n byte) tables.Log {
	t.Helper()
	l := tables.Log{ID: id(n), Owner: key(n), Gen: 1, TTLDays: 30, Opened: 600, Flags: tables.FlagInbox}
	must(t, "create", tb.CreateLog(l, tables.Cap{Gen: 1, Read: key(n + 1), Write: key(n + 2)}))
	return l
}

// testLog: what CreateLog and SetLog stored comes back, also after reopening, and is gone after
// DeleteLog with all that belongs to it.
func testLog(t *testing.T, tb tables.Tables, reopen func() tables.Tables) {
	l := create(t, tb, 1)
	create(t, tb, 20)
	want(t, "create again", tb.CreateLog(l, tables.Cap{Gen: 1}), tables.ErrExists)
	must(t, "set", tb.SetLog(l.ID, 7, tables.FlagFrozen|tables.FlagInbox))
	want(t, "set absent", tb.SetLog(id(9), 7, 0), tables.ErrAbsent)
	must(t, "mark", tb.MarkOpened(601, []plane.LogID{l.ID, id(9)}, nil))
	l.TTLDays, l.Flags, l.Opened = 7, tables.FlagFrozen|tables.FlagInbox, 601
	tb = reopen()
	got, err := tb.Log(l.ID)
	must(t, "log", err)
	if got != l {
		t.Errorf("log: got %+v, want %+v", got, l)
	}
	c, err := tb.Cap(l.ID, 1)
	must(t, "cap", err)
	if c != (tables.Cap{Gen: 1, Read: key(2), Write: key(3)}) {
		t.Errorf("cap: got %+v", c)
	}
	_, err = tb.Cap(l.ID, 2)
	want(t, "cap of no generation", err, tables.ErrAbsent)
	var ids []plane.LogID
	must(t, "each", tb.EachLog(func(l tables.Log) error { ids = append(ids, l.ID); return nil }))
	if len(ids) != 2 || ids[0] != id(1) || ids[1] != id(20) {
		t.Errorf("each: got %d logs or wrong order, want 2 in order", len(ids))
	}
	must(t, "door", tb.PutDoor(l.ID, tables.Door{Key: key(4), Left: 1, Until: 9}))
	_, err = tb.PutPool(l.ID, []byte("card"), []byte("last"), [][]byte{{1}})
	must(t, "pool", err)
	must(t, "delete", tb.DeleteLog(l.ID))
	must(t, "delete again", tb.DeleteLog(l.ID))
	create(t, tb, 1) // the same id again must not find the old log's rows
	_, err = tb.Log(id(1))
	must(t, "log made again", err)
	_, err = tb.Door(l.ID, key(4))
	want(t, "door of a deleted log", err, tables.ErrAbsent)
	_, err = tb.Card(l.ID)
	want(t, "card of a deleted log", err, tables.ErrAbsent)
	_, _, err = tb.TakePackage(l.ID, true)
	want(t, "package of a deleted log", err, tables.ErrAbsent)
}

// testRotate: generations follow one another, old ones keep LastSeq until dropped.
func testRotate(t *testing.T, tb tables.Tables, reopen func() tables.Tables) {
	l := create(t, tb, 1)
	want(t, "skip a generation", tb.Rotate(l.ID, 5, tables.Cap{Gen: 3}), tables.ErrExists)
	want(t, "same generation", tb.Rotate(l.ID, 5, tables.Cap{Gen: 1}), tables.ErrExists)
	want(t, "absent log", tb.Rotate(id(9), 5, tables.Cap{Gen: 2}), tables.ErrAbsent)
	must(t, "rotate", tb.Rotate(l.ID, 5, tables.Cap{Gen: 2, Read: key(8), Write: key(9)}))
	tb = reopen()
	got, err := tb.Log(l.ID)
	must(t, "log", err)
	c, err := tb.Cap(l.ID, 1)
	must(t, "old cap", err)
	if got.Gen != 2 || c.LastSeq != 5 {
		t.Errorf("got generation %d and last %d, want 2 and 5", got.Gen, c.LastSeq)
	}
	must(t, "drop at the edge", tb.DropCaps(l.ID, 5))
	if _, err := tb.Cap(l.ID, 1); err != nil {
		t.Errorf("cap with last 5 after dropping before 5: got %v, want it kept", err)
	}
	must(t, "drop", tb.DropCaps(l.ID, 6))
	_, err = tb.Cap(l.ID, 1)
	want(t, "dropped cap", err, tables.ErrAbsent)
	if _, err := tb.Cap(l.ID, 2); err != nil {
		t.Errorf("current cap: got %v, want it kept", err)
	}
}

// testCapsMax: one generation more than CapsMax drops the oldest and no other.
func testCapsMax(t *testing.T, tb tables.Tables, _ func() tables.Tables) {
	l := create(t, tb, 1)
	for g := plane.Gen(2); g <= tables.CapsMax; g++ {
		must(t, "rotate", tb.Rotate(l.ID, plane.Seq(g), tables.Cap{Gen: g}))
	}
	if _, err := tb.Cap(l.ID, 1); err != nil {
		t.Errorf("at the limit: got %v for generation 1, want it kept", err)
	}
	must(t, "rotate", tb.Rotate(l.ID, 999, tables.Cap{Gen: tables.CapsMax + 1}))
	_, err := tb.Cap(l.ID, 1)
	want(t, "one past the limit", err, tables.ErrAbsent)
	if _, err := tb.Cap(l.ID, 2); err != nil {
		t.Errorf("one past the limit: got %v for generation 2, want it kept", err)
	}
}

// testDoors: a door opens Left times up to and on its last day, takes the member in with the
// use, and nothing changes when it does not open.
func testDoors(t *testing.T, tb tables.Tables, reopen func() tables.Tables) {
	l := create(t, tb, 1)
	want(t, "door without log", tb.PutDoor(id(9), tables.Door{Key: key(4), Left: 2}), tables.ErrAbsent)
	must(t, "put", tb.PutDoor(l.ID, tables.Door{Key: key(4), Left: 2, Until: 10}))
	want(t, "absent door", tb.TakeDoor(l.ID, key(5), 1, nil), tables.ErrAbsent)
	m := tables.Member{Key: key(7), Joined: 3, Seen: 3, Class: 1}
	want(t, "a day late", tb.TakeDoor(l.ID, key(4), 11, &m), tables.ErrUsedUp)
	_, err := tb.Member(m.Key)
	want(t, "member after refusal", err, tables.ErrAbsent)
	must(t, "on the last day", tb.TakeDoor(l.ID, key(4), 10, &m))
	tb = reopen()
	got, err := tb.Member(m.Key)
	must(t, "member", err)
	if got != m {
		t.Errorf("member: got %+v, want %+v", got, m)
	}
	must(t, "same member again", tb.TakeDoor(l.ID, key(4), 10, &tables.Member{Key: m.Key, Joined: 9, Seen: 9, Class: 2}))
	if got, _ := tb.Member(m.Key); got != m {
		t.Errorf("member taken in twice: got %+v, want %+v", got, m)
	}
	want(t, "no use left", tb.TakeDoor(l.ID, key(4), 10, &tables.Member{Key: key(8)}), tables.ErrUsedUp)
	_, err = tb.Member(key(8))
	want(t, "member after used up", err, tables.ErrAbsent)
	d, err := tb.Door(l.ID, key(4))
	must(t, "door", err)
	if d != (tables.Door{Key: key(4), Until: 10}) {
		t.Errorf("door: got %+v, want no use left", d)
	}
	must(t, "drop doors at the edge", tb.DropDoors(10))
	if _, err := tb.Door(l.ID, key(4)); err != nil {
		t.Errorf("door on its last day: got %v, want it kept", err)
	}
	must(t, "drop doors", tb.DropDoors(11))
	_, err = tb.Door(l.ID, key(4))
	want(t, "door past its day", err, tables.ErrAbsent)
	must(t, "put", tb.PutDoor(l.ID, tables.Door{Key: key(4), Left: 2, Until: 10}))
	must(t, "delete", tb.DeleteDoor(l.ID, key(4)))
	_, err = tb.Door(l.ID, key(4))
	want(t, "deleted door", err, tables.ErrAbsent)
}

// testDoorsMax: plane.DoorsMax doors fit, one more does not, replacing one still does.
func testDoorsMax(t *testing.T, tb tables.Tables, _ func() tables.Tables) {
	l := create(t, tb, 1)
	door := func(n int) tables.Door {
		return tables.Door{Key: plane.PublicKey{byte(n), byte(n >> 8)}, Left: 1, Until: 5}
	}
	for n := range plane.DoorsMax {
		must(t, "put", tb.PutDoor(l.ID, door(n)))
	}
	want(t, "one past the limit", tb.PutDoor(l.ID, door(plane.DoorsMax)), tables.ErrLimit)
	must(t, "replace at the limit", tb.PutDoor(l.ID, door(3)))
}

// testPool: card and last-resort package are replaced, a one-time package is given once, adding
// the same one twice keeps one, and the limit holds at its edge.
func testPool(t *testing.T, tb tables.Tables, reopen func() tables.Tables) {
	l := create(t, tb, 1)
	other := create(t, tb, 40)
	_, err := tb.Card(l.ID)
	want(t, "no card", err, tables.ErrAbsent)
	_, err = tb.PutPool(id(9), []byte{1}, nil, nil)
	want(t, "pool without log", err, tables.ErrAbsent)
	card := bytes.Repeat([]byte{0xCA}, plane.CardBytesMax)
	last := bytes.Repeat([]byte{0xAB}, plane.PackageBytesMax)
	pack := func(n int) []byte { return []byte{byte(n), byte(n >> 8), 1} }
	left, err := tb.PutPool(l.ID, card, last, [][]byte{pack(1), pack(2), pack(1)})
	must(t, "put", err)
	if left != 2 {
		t.Errorf("packages: got %d, want 2 (one came twice)", left)
	}
	tb = reopen()
	got, err := tb.Card(l.ID)
	must(t, "card", err)
	if !bytes.Equal(got, card) {
		t.Errorf("card: got %d bytes, want the %d put in", len(got), len(card))
	}
	_, err = tb.PutPool(l.ID, []byte("short"), nil, nil)
	must(t, "replace card", err)
	if got, _ := tb.Card(l.ID); string(got) != "short" {
		t.Errorf("replaced card: got %d bytes, want 5", len(got))
	}
	seen := map[string]bool{}
	for range 2 {
		p, lastResort, err := tb.TakePackage(l.ID, true)
		must(t, "take", err)
		if lastResort || seen[string(p)] {
			t.Errorf("take: got last resort %v, seen %v; want a fresh one-time package", lastResort, seen[string(p)])
		}
		seen[string(p)] = true
	}
	p, lastResort, err := tb.TakePackage(l.ID, true)
	must(t, "take the last resort", err)
	if !lastResort || !bytes.Equal(p, last) {
		t.Errorf("empty pool: got last resort %v, %d bytes, want the last-resort package", lastResort, len(p))
	}
	if _, _, err := tb.TakePackage(other.ID, true); !errors.Is(err, tables.ErrAbsent) {
		t.Errorf("another log's pool: got %v, want %v", err, tables.ErrAbsent)
	}
	var many [][]byte
	for n := range plane.PoolPackagesMax {
		many = append(many, pack(n))
	}
	left, err = tb.PutPool(l.ID, nil, nil, many)
	must(t, "fill", err)
	if left != plane.PoolPackagesMax {
		t.Errorf("full pool: got %d, want %d", left, plane.PoolPackagesMax)
	}
	_, err = tb.PutPool(l.ID, []byte("new card"), nil, [][]byte{pack(plane.PoolPackagesMax)})
	want(t, "one past the limit", err, tables.ErrLimit)
	if got, _ := tb.Card(l.ID); string(got) != "short" {
		t.Errorf("card after a refused put: got %q, want the old one", got)
	}
	if _, err = tb.PutPool(l.ID, nil, nil, many); err != nil {
		t.Errorf("the same packages again: got %v, want none (idempotent)", err)
	}
	left, err = tb.PutPool(l.ID, nil, last, many[:1])
	must(t, "another last resort", err)
	if left != 1 {
		t.Errorf("another last-resort package: %d one-time ones are left, want 1", left)
	}
}

// testMembers: members not seen since a month go, others stay.
func testMembers(t *testing.T, tb tables.Tables, reopen func() tables.Tables) {
	l := create(t, tb, 1)
	must(t, "put", tb.PutDoor(l.ID, tables.Door{Key: key(4), Left: 9, Until: 10}))
	for n := range byte(2) {
		must(t, "take", tb.TakeDoor(l.ID, key(4), 1, &tables.Member{Key: key(50 + n), Joined: 5, Seen: 5, Class: 1}))
	}
	must(t, "mark", tb.MarkOpened(6, nil, []plane.PublicKey{key(51), key(99)}))
	must(t, "drop", tb.DropMembers(6))
	tb = reopen()
	_, err := tb.Member(key(50))
	want(t, "member not seen", err, tables.ErrAbsent)
	m, err := tb.Member(key(51))
	must(t, "member seen", err)
	if m.Joined != 5 || m.Seen != 6 {
		t.Errorf("member: got joined %d, seen %d, want 5, 6", m.Joined, m.Seen)
	}
	_, err = tb.Member(key(99))
	want(t, "marking makes no member", err, tables.ErrAbsent)
}

// testSettings: a setting is replaced and survives.
func testSettings(t *testing.T, tb tables.Tables, reopen func() tables.Tables) {
	_, err := tb.Setting(tables.SettingFront)
	want(t, "no setting", err, tables.ErrAbsent)
	must(t, "set", tb.SetSetting(tables.SettingFront, []byte("one")))
	must(t, "set again", tb.SetSetting(tables.SettingFront, []byte("two")))
	must(t, "tidy", tb.Tidy(false))
	must(t, "rewrite", tb.Tidy(true))
	tb = reopen()
	v, err := tb.Setting(tables.SettingFront)
	must(t, "setting", err)
	if string(v) != "two" {
		t.Errorf("setting: got %q, want %q", v, "two")
	}
}
