// Package mem keeps a server's tables in memory, for tests and the simulator: the model that
// the SQLite implementation is compared with. What it holds survives a simulated crash of the
// server as long as the value itself is kept. Safe for concurrent use.
package mem

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"
	"sync"

	"paperplane/protocol/plane"
	"paperplane/server/tables"
)

// Tables implements tables.Tables in memory.
type Tables struct {
	mu       sync.Mutex
	logs     map[plane.LogID]*log
	members  map[plane.PublicKey]tables.Member
	settings map[tables.Setting][]byte
}

var _ tables.Tables = (*Tables)(nil)

type log struct {
	row        tables.Log
	caps       []tables.Cap // by generation, rising
	doors      map[plane.PublicKey]tables.Door
	card, last []byte
	packages   map[[16]byte][]byte
}

// New returns empty tables.
func New() *Tables {
	return &Tables{
		logs:     map[plane.LogID]*log{},
		members:  map[plane.PublicKey]tables.Member{},
		settings: map[tables.Setting][]byte{},
	}
}

// Log implements tables.Logs.
func (t *Tables) Log(id plane.LogID) (tables.Log, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.logs[id]; l != nil {
		return l.row, nil
	}
	return tables.Log{}, tables.ErrAbsent
}

// Cap implements tables.Logs.
func (t *Tables) Cap(id plane.LogID, gen plane.Gen) (tables.Cap, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.logs[id]; l != nil {
		for _, c := range l.caps {
			if c.Gen == gen {
				return c, nil
			}
		}
	}
	return tables.Cap{}, tables.ErrAbsent
}

// CreateLog implements tables.Logs.
func (t *Tables) CreateLog(l tables.Log, c tables.Cap) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.logs[l.ID] != nil {
		return tables.ErrExists
	}
	t.logs[l.ID] = &log{row: l, caps: []tables.Cap{c}}
	return nil
}

// Rotate implements tables.Logs.
func (t *Tables) Rotate(id plane.LogID, lastSeq plane.Seq, c tables.Cap) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.logs[id]
	switch {
	case l == nil:
		return tables.ErrAbsent
	case l.row.Gen != c.Gen-1:
		return tables.ErrExists
	}
	for i := range l.caps {
		if l.caps[i].Gen == l.row.Gen {
			l.caps[i].LastSeq = lastSeq
		}
	}
	l.row.Gen = c.Gen
	l.caps = append(l.caps, c)
	if len(l.caps) > tables.CapsMax {
		l.caps = slices.Delete(l.caps, 0, 1)
	}
	return nil
}

// SetLog implements tables.Logs.
func (t *Tables) SetLog(id plane.LogID, ttlDays uint8, f tables.Flags) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.logs[id]
	if l == nil {
		return tables.ErrAbsent
	}
	l.row.TTLDays, l.row.Flags = ttlDays, f
	return nil
}

// DropCaps implements tables.Logs.
func (t *Tables) DropCaps(id plane.LogID, before plane.Seq) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.logs[id]; l != nil {
		l.caps = slices.DeleteFunc(l.caps, func(c tables.Cap) bool { return c.Gen < l.row.Gen && c.LastSeq < before })
	}
	return nil
}

// DeleteLog implements tables.Logs.
func (t *Tables) DeleteLog(id plane.LogID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.logs, id)
	return nil
}

// MarkOpened implements tables.Logs.
func (t *Tables) MarkOpened(m plane.Month, logs []plane.LogID, members []plane.PublicKey) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range logs {
		if l := t.logs[id]; l != nil {
			l.row.Opened = m
		}
	}
	for _, k := range members {
		if row, ok := t.members[k]; ok {
			row.Seen = m
			t.members[k] = row
		}
	}
	return nil
}

// EachLog implements tables.Logs.
func (t *Tables) EachLog(f func(tables.Log) error) error {
	t.mu.Lock()
	rows := make([]tables.Log, 0, len(t.logs))
	for _, l := range t.logs {
		rows = append(rows, l.row)
	}
	t.mu.Unlock()
	slices.SortFunc(rows, func(a, b tables.Log) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, r := range rows {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// Door implements tables.Doors.
func (t *Tables) Door(id plane.LogID, key plane.PublicKey) (tables.Door, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.logs[id]; l != nil {
		if d, ok := l.doors[key]; ok {
			return d, nil
		}
	}
	return tables.Door{}, tables.ErrAbsent
}

// PutDoor implements tables.Doors.
func (t *Tables) PutDoor(id plane.LogID, d tables.Door) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.logs[id]
	if l == nil {
		return tables.ErrAbsent
	}
	if _, there := l.doors[d.Key]; !there && len(l.doors) >= plane.DoorsMax {
		return tables.ErrLimit
	}
	if l.doors == nil {
		l.doors = map[plane.PublicKey]tables.Door{}
	}
	l.doors[d.Key] = d
	return nil
}

// DeleteDoor implements tables.Doors.
func (t *Tables) DeleteDoor(id plane.LogID, key plane.PublicKey) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.logs[id]; l != nil {
		delete(l.doors, key)
	}
	return nil
}

// TakeDoor implements tables.Doors.
func (t *Tables) TakeDoor(id plane.LogID, key plane.PublicKey, today plane.Day, member *tables.Member) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.logs[id]
	if l == nil {
		return tables.ErrAbsent
	}
	d, ok := l.doors[key]
	switch {
	case !ok:
		return tables.ErrAbsent
	case d.Left == 0 || d.Until < today:
		return tables.ErrUsedUp
	}
	d.Left--
	l.doors[key] = d
	if member != nil {
		if _, there := t.members[member.Key]; !there {
			t.members[member.Key] = *member
		}
	}
	return nil
}

// DropDoors implements tables.Doors.
func (t *Tables) DropDoors(before plane.Day) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.logs {
		for k, d := range l.doors {
			if d.Until < before {
				delete(l.doors, k)
			}
		}
	}
	return nil
}

// PutPool implements tables.Pools.
func (t *Tables) PutPool(id plane.LogID, card, lastResort []byte, packages [][]byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.logs[id]
	if l == nil {
		return 0, tables.ErrAbsent
	}
	there := l.packages
	if lastResort != nil {
		there = nil
	}
	fresh := map[[16]byte][]byte{}
	for _, p := range packages {
		sum := sha256.Sum256(p)
		if _, there := there[[16]byte(sum[:16])]; !there {
			fresh[[16]byte(sum[:16])] = bytes.Clone(p)
		}
	}
	if len(there)+len(fresh) > plane.PoolPackagesMax {
		return len(l.packages), tables.ErrLimit
	}
	if card != nil {
		l.card = bytes.Clone(card)
	}
	if lastResort != nil {
		l.last = bytes.Clone(lastResort)
	}
	if l.packages = there; there == nil {
		l.packages = map[[16]byte][]byte{}
	}
	maps.Copy(l.packages, fresh)
	return len(l.packages), nil
}

// Card implements tables.Pools.
func (t *Tables) Card(id plane.LogID) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.logs[id]; l != nil && l.card != nil {
		return bytes.Clone(l.card), nil
	}
	return nil, tables.ErrAbsent
}

// TakePackage implements tables.Pools. It takes the package with the smallest hash, as the
// SQLite implementation does, so that the simulator is the same in every run.
func (t *Tables) TakePackage(id plane.LogID, oneTime bool) ([]byte, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.logs[id]
	if l == nil {
		return nil, false, tables.ErrAbsent
	}
	if oneTime && len(l.packages) > 0 {
		var first [16]byte
		for i := range first {
			first[i] = 0xff
		}
		for k := range l.packages {
			if bytes.Compare(k[:], first[:]) <= 0 {
				first = k
			}
		}
		p := l.packages[first]
		delete(l.packages, first)
		return p, false, nil
	}
	if l.last == nil {
		return nil, false, tables.ErrAbsent
	}
	return bytes.Clone(l.last), true, nil
}

// Member implements tables.Members.
func (t *Tables) Member(key plane.PublicKey) (tables.Member, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, ok := t.members[key]; ok {
		return m, nil
	}
	return tables.Member{}, tables.ErrAbsent
}

// DropMembers implements tables.Members.
func (t *Tables) DropMembers(before plane.Month) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, m := range t.members {
		if m.Seen < before {
			delete(t.members, k)
		}
	}
	return nil
}

// Setting implements tables.Settings.
func (t *Tables) Setting(s tables.Setting) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v, ok := t.settings[s]; ok {
		return bytes.Clone(v), nil
	}
	return nil, tables.ErrAbsent
}

// SetSetting implements tables.Settings.
func (t *Tables) SetSetting(s tables.Setting, value []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settings[s] = bytes.Clone(value)
	return nil
}

// Tidy implements tables.Tables; memory has nothing to tidy.
func (t *Tables) Tidy(bool) error { return nil }

// Close implements tables.Tables.
func (t *Tables) Close() error { return nil }
