package admin_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/server"
	"paperplane/server/admin"
	"paperplane/server/blob/dir"
	"paperplane/server/store/embedded"
	"paperplane/server/tables"
)

// source opens a folder as the program does.
func source(t *testing.T, path string) *admin.Source {
	t.Helper()
	f, err := admin.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &admin.Source{Folder: f, Config: admin.DefaultConfig()}
	l, err := embedded.Open(f.Path(admin.LogDir))
	if err != nil {
		t.Fatal(err)
	}
	s.Store = l
	if err := os.MkdirAll(f.Path(admin.BlobDir), 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := dir.Open(f.Path(admin.BlobDir))
	if err != nil {
		t.Fatal(err)
	}
	s.Blobs = b
	t.Cleanup(func() { closeAll(t, s) })
	return s
}

func closeAll(t *testing.T, s *admin.Source) {
	t.Helper()
	if s.Folder == nil {
		return
	}
	if err := errors.Join(s.Store.Close(), s.Blobs.Close(), s.Folder.Close()); err != nil {
		t.Errorf("close: got %v, want none", err)
	}
	s.Folder = nil
}

// fill puts one of everything into a folder.
func fill(t *testing.T, s *admin.Source) (log plane.LogID, blob plane.BlobID, member plane.PublicKey) {
	t.Helper()
	owner := caps.NewSigner().Public()
	log, member = caps.NewLogID(owner), caps.NewSigner().Public()
	blob = caps.NewBlobID([16]byte{4})
	day := plane.DayOf(time.Now())
	tb := s.Folder.Tables
	err := errors.Join(
		tb.CreateLog(tables.Log{ID: log, Owner: owner, Gen: 1, TTLDays: 30, Opened: day.Month(), Flags: tables.FlagInbox},
			tables.Cap{Gen: 1, Read: owner, Write: owner}),
		tb.PutDoor(log, tables.Door{Key: owner, Left: 3, Until: day}),
		tb.TakeDoor(log, owner, day, &tables.Member{Key: member, Joined: 1, Seen: day.Month(), Class: 1}),
		s.Blobs.Put(t.Context(), blob, 0, 1, day, make([]byte, plane.BlobChunkBytes)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tb.PutPool(log, []byte("card"), []byte("last"), [][]byte{{1}}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := s.Store.Append(t.Context(), log, day, bytes.Repeat([]byte{byte(i + 1)}, plane.RecordSmall), false); err != nil {
			t.Fatal(err)
		}
	}
	return log, blob, member
}

// TestKeyGuard: a folder with data whose key is missing, another's or damaged is refused in
// words; with its own key it opens again.
func TestKeyGuard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	f, err := admin.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Fresh {
		t.Error("new folder: got not fresh, want fresh")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(path, admin.KeyFile)
	own, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := admin.Open(filepath.Join(t.TempDir(), "other"))
	if err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	foreign, err := os.ReadFile(other.Path(admin.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte
		want error
	}{"missing": {nil, admin.ErrKeyMissing}, "other": {foreign, admin.ErrKeyOther}, "damaged": {own[:len(own)-3], admin.ErrKeyDamaged}, "own": {own, nil}} {
		_ = os.Remove(key)
		if c.text != nil {
			if err := os.WriteFile(key, c.text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f, err := admin.Open(path)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if err == nil {
			_ = f.Close()
		}
		if now, _ := os.ReadFile(key); c.text == nil && now != nil {
			t.Errorf("%s: a new key was made", name)
		}
	}
}

// TestSweep: what a crash left half written is gone after the next start, and nothing else is.
func TestSweep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b") // no pattern
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".new-123", "kept"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := admin.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string]bool{".new-123": false, "kept": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: got %v, want %v", name, err == nil, want)
		}
	}
}

// TestInUse: two processes cannot have one folder.
func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	f, err := admin.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := admin.Open(path); !errors.Is(err, admin.ErrInUse) {
		t.Errorf("got %v, want %v", err, admin.ErrInUse)
	}
}

// TestSheet (I02): the sheet of everything has every row, and the sheet of one id all that is
// held about it and nothing of others.
func TestSheet(t *testing.T) {
	s := source(t, filepath.Join(t.TempDir(), "data"))
	log, blob, member := fill(t, s)
	other, _, _ := fill(t, s)
	counts := func(text string) string {
		t.Helper()
		sheet, err := s.MakeSheet(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int{"records": 0, "chunks": sheet.Blobs.Chunks}
		for _, p := range sheet.Tables {
			out[p.Table] = p.Count
			if len(p.Rows) != p.Count {
				t.Errorf("%s: got %d rows, count %d", p.Table, len(p.Rows), p.Count)
			}
		}
		for _, l := range sheet.Records {
			out["records"] += l.Count
			out["bodies"] += len(l.Bodies)
		}
		var b bytes.Buffer
		if err := errors.Join(sheet.WriteText(&b), sheet.WriteJSON(&b)); err != nil {
			t.Fatal(err)
		}
		if text != other.Text() && text != "" && strings.Contains(b.String(), other.Text()) {
			t.Error("the sheet of one id names another")
		}
		j, _ := json.Marshal(out)
		return string(j)
	}
	for name, c := range map[string]struct{ id, want string }{
		"all":     {"", `{"bodies":0,"cap":2,"card":6,"chunks":0,"door":2,"log":2,"member":2,"package":2,"records":6,"setting":1}`},
		"log":     {log.Text(), `{"bodies":3,"cap":1,"card":3,"chunks":0,"door":1,"log":1,"member":0,"package":1,"records":3,"setting":0}`},
		"blob":    {blob.Text(), `{"cap":0,"card":0,"chunks":1,"door":0,"log":0,"member":0,"package":0,"records":0,"setting":0}`},
		"member":  {member.Text(), `{"cap":0,"card":0,"chunks":0,"door":0,"log":0,"member":1,"package":0,"records":0,"setting":0}`},
		"unknown": {plane.LogID{9}.Text(), `{"cap":0,"card":0,"chunks":0,"door":0,"log":0,"member":0,"package":0,"records":0,"setting":0}`},
	} {
		if got := counts(c.id); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	if _, err := s.MakeSheet(t.Context(), "rubbish"); !errors.Is(err, admin.ErrID) {
		t.Errorf("no id: got %v, want %v", err, admin.ErrID)
	}
}

// TestBackup: a backup, made of a folder at rest or asked of the process that serves it, comes
// back with everything in it, and is the same server.
func TestBackup(t *testing.T) {
	for _, serving := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "data")
		s := source(t, path)
		log, blob, member := fill(t, s)
		var b bytes.Buffer
		if serving {
			ctx, cancel := context.WithCancel(t.Context())
			var err error
			if s.Server, err = server.New(server.Config{Store: s.Store, Blobs: s.Blobs, Tables: s.Folder.Tables, Now: time.Now}); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- s.ServeTools(ctx) }()
			p := findServing(t, path)
			if err := p.WriteBackup(ctx, &b); err != nil {
				t.Fatal(err)
			}
			if sheet, err := p.MakeSheet(ctx, member.Text()); err != nil || sheet.About != member.Text() {
				t.Errorf("sheet of the serving process: got error %v, want one", err)
			}
			if f, err := p.Check(ctx); err != nil || len(f) < 5 {
				t.Errorf("check by the serving process: got %d findings, error %v", len(f), err)
			}
			cancel()
			if err := <-done; err != nil {
				t.Errorf("tools ended with %v, want none", err)
			}
			if _, err := os.Stat(filepath.Join(path, "admin")); err == nil {
				t.Error("the tools' file is still there")
			}
		} else if err := s.WriteBackup(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		fp := s.Folder.Key.Fingerprint()
		closeAll(t, s)
		to := filepath.Join(t.TempDir(), "new", "place")
		if err := admin.Restore(bytes.NewReader(b.Bytes()), to); err != nil {
			t.Fatal(err)
		}
		r := source(t, to)
		if r.Folder.Key.Fingerprint() != fp {
			t.Error("restored: got another key")
		}
		records, err := r.Store.Read(t.Context(), log, 1, 10)
		if err != nil || len(records) != 3 || records[2].Body[0] != 3 {
			t.Errorf("restored: got %d records, error %v; want 3, none", len(records), err)
		}
		if _, err := r.Folder.Tables.Member(member); err != nil {
			t.Errorf("restored member: got %v, want none", err)
		}
		if _, err := r.Blobs.Get(t.Context(), blob, 0); err != nil {
			t.Errorf("restored blob: got %v, want none", err)
		}
		for _, f := range r.Check(t.Context()) {
			if f.State == admin.StateBad && f.What != "disk" {
				t.Errorf("doctor on the restored folder: %s: %s", f.What, f.Words)
			}
		}
	}
}

func findServing(t *testing.T, path string) *admin.Serving {
	t.Helper()
	for range 2000 {
		if p, err := admin.FindServing(path); err == nil && p != nil {
			return p
		}
		time.Sleep(10 * time.Millisecond) // until the other goroutine listens
	}
	t.Fatal("nobody serves the folder")
	return nil
}

// TestBadBackup: one that is cut off anywhere, changed, or that leads out of its folder is
// refused, and leaves nothing where it was to go.
func TestBadBackup(t *testing.T) {
	s := source(t, filepath.Join(t.TempDir(), "data"))
	fill(t, s)
	var b bytes.Buffer
	if err := s.WriteBackup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	parent := t.TempDir()
	to := filepath.Join(parent, "to")
	refused := func(what string, text []byte, want ...error) {
		t.Helper()
		err := admin.Restore(bytes.NewReader(text), to)
		ok := false
		for _, w := range want {
			ok = ok || errors.Is(err, w)
		}
		if !ok {
			t.Errorf("%s: got %v, want one of %v", what, err, want)
		}
		if left, _ := os.ReadDir(parent); len(left) > 0 {
			t.Errorf("%s: %q was left behind", what, left[0].Name())
		}
	}
	refused("empty", nil, admin.ErrNotBackup)
	refused("rubbish", bytes.Repeat([]byte("rubbish!"), 4000), admin.ErrNotBackup)
	for cut := 700; cut < len(whole)-2000; cut += len(whole)/7 + 1 {
		refused("cut off", whole[:cut], admin.ErrCutOff, admin.ErrBackupBad)
		changed := bytes.Clone(whole)
		changed[cut] ^= 1
		refused("changed", changed, admin.ErrCutOff, admin.ErrBackupBad)
	}
	var evil bytes.Buffer
	w := tar.NewWriter(&evil)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "../evil", Size: 1, Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "x")
	_ = w.Close()
	if err := admin.Restore(&evil, to); err == nil {
		t.Error("a name that leads out: got restored")
	}
	if _, err := os.Stat(filepath.Join(parent, "evil")); err == nil {
		t.Error("a name that leads out: the file was written")
	}
	if err := os.MkdirAll(filepath.Join(to, "something"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := admin.Restore(bytes.NewReader(whole), to); !errors.Is(err, admin.ErrNotEmpty) {
		t.Errorf("into a folder that is not empty: got %v, want %v", err, admin.ErrNotEmpty)
	}
}

// TestInvite: the first invite stays the same over restarts while it has uses and leads to the
// same place; then another is made; with 0 uses there is none.
func TestInvite(t *testing.T) {
	s := source(t, filepath.Join(t.TempDir(), "data"))
	today := plane.Day(20000)
	start := func() *server.Server {
		t.Helper()
		srv, err := server.New(server.Config{Store: s.Store, Blobs: s.Blobs, Tables: s.Folder.Tables,
			Now: func() time.Time { return today.Start() }})
		if err != nil {
			t.Fatal(err)
		}
		return srv
	}
	invite := func(origin string, uses uint16) string {
		t.Helper()
		link, _, err := s.Folder.Invite(start(), origin, uses, today, 30)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(s.Folder.Path(admin.InviteFile))
		if strings.TrimSpace(string(text)) != link {
			t.Error("invite.txt differs from what is printed")
		}
		return link
	}
	first := invite("http://a.example", 1)
	if again := invite("http://a.example", 1); again != first {
		t.Error("after a restart: got another invite, want the same")
	}
	seed, ok := server.LinkSeed(first, s.Folder.Key.Fingerprint())
	moved := invite("http://b.example", 1)
	seed2, ok2 := server.LinkSeed(moved, s.Folder.Key.Fingerprint())
	if !ok || !ok2 || seed != seed2 || !strings.HasPrefix(moved, "http://b.example/") {
		t.Error("moved to another origin: want the same door under the new origin")
	}
	id, err := s.Folder.Tables.Setting(tables.SettingFront)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Folder.Tables.TakeDoor(plane.LogID(id), caps.DoorSigner(seed).Public(), today, nil); err != nil {
		t.Fatal(err)
	}
	used := invite("http://b.example", 1)
	if used == moved {
		t.Error("used up: got the same invite, want a new one")
	}
	today += 31
	if late := invite("http://b.example", 1); late == used {
		t.Error("past its day: got the same invite, want a new one")
	}
	if none := invite("http://b.example", 0); none != "" {
		t.Error("0 uses: got an invite, want none")
	}
}

// TestConfig: defaults describe themselves, an unknown key is refused with its line and a hint,
// and each number is checked at its edges.
func TestConfig(t *testing.T) {
	text := admin.Describe()
	var plain []string
	for line := range strings.SplitSeq(text, "\n") {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "# "), " = "); ok && !strings.Contains(name, " ") {
			plain = append(plain, strings.TrimPrefix(line, "# "))
		}
	}
	got, err := admin.ParseConfig(strings.Join(plain, "\n"))
	if err != nil || got != admin.DefaultConfig() {
		t.Errorf("what describe prints: got %+v, error %v; want the defaults", got, err)
	}
	if len(plain) < 15 || strings.Contains(text, "#  =") {
		t.Errorf("describe: got %d settings, want all", len(plain))
	}
	for text, want := range map[string]string{
		"listen = \"127.0.0.1:1\"\n\nlisen = \"x\"": "line 3: there is no setting \"lisen\" (did you mean \"listen\"?)",
		"zzz = 1":                             "line 1: there is no setting \"zzz\";",
		"[x]\ny = 1":                          "there is no setting \"x",
		"listen = 3":                          "",
		"listen = ":                           "line 1: ",
		"listen = \"nowhere\"":                "listen must be",
		"ttl_days_max = 0":                    "ttl_days_max is 0; it must be from 1 to 180",
		"ttl_days_max = 181":                  "ttl_days_max is 181",
		"invite_uses = 10001":                 "invite_uses is 10001",
		"invite_uses = -1":                    "invite_uses is -1",
		"metrics = \"0.0.0.0:9100\"":          "metrics must be a loopback address",
		"origin = \"https://chat.example/x\"": "origin must be",
		"origin = \"chat.example\"":           "origin must be",
		"domain = \"Chat.example\"":           "domain must be",
	} {
		if _, err := admin.ParseConfig(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
	for _, good := range []string{"ttl_days_max = 1", "ttl_days_max = 180", "invite_uses = 0", "invite_uses = 10000",
		"metrics = \"[::1]:9100\"", "origin = \"https://chat.example:8443\"", "domain = \"chat.example\""} {
		if _, err := admin.ParseConfig(good); err != nil {
			t.Errorf("%q: got %v, want none", good, err)
		}
	}
}

// TestDoctorFinds: a flipped bit in tables or records, and a key that others can read, are found.
func TestDoctorFinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	s := source(t, path)
	fill(t, s)
	if err := s.Store.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeAll(t, s)
	state := func(what string) string {
		t.Helper()
		s := source(t, path)
		defer closeAll(t, s)
		for _, f := range s.Check(t.Context()) {
			if f.What == what {
				return f.State
			}
		}
		return "not looked at"
	}
	flip := func(name string, off int64) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(path, name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		var b [1]byte
		if _, err := f.ReadAt(b[:], off); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 1
		if _, err := f.WriteAt(b[:], off); err != nil {
			t.Fatal(err)
		}
	}
	for _, what := range []string{"tables", "records", "permissions"} {
		if got := state(what); got != admin.StateOK {
			t.Errorf("%s of a good folder: got %s, want ok", what, got)
		}
	}
	segments, err := filepath.Glob(filepath.Join(path, admin.LogDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := 0
	for _, p := range segments {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(text, bytes.Repeat([]byte{2}, 500)); i >= 0 {
			flip(filepath.Join(admin.LogDir, filepath.Base(p)), int64(i+200))
			flipped++
		}
	}
	if flipped == 0 {
		t.Fatal("no file holds the record: the test is blind")
	}
	if got := state("records"); got != admin.StateBad {
		t.Errorf("a changed record: got %s, want bad", got)
	}
	if err := os.Chmod(filepath.Join(path, admin.KeyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := state("permissions"); got != admin.StateWarning {
		t.Errorf("a key that others can read: got %s, want warning", got)
	}
	flip(admin.TablesFile, 3*32768+32768/2)
	if got := state("tables"); got != admin.StateBad {
		t.Errorf("a changed page: got %s, want bad", got)
	}
}

// TestSheetDates: what counts months and days is printed as a date for people and stays a number
// in JSON, asked of the folder (int64) or of the process that serves it (json.Number).
func TestSheetDates(t *testing.T) {
	for _, n := range []func(int64) any{
		func(n int64) any { return n },
		func(n int64) any { return json.Number(strconv.FormatInt(n, 10)) },
	} {
		sheet := admin.Sheet{Tables: []admin.SheetPart{{
			Table: "x", Count: 2,
			Columns: []server.Column{{Name: "joined_month"}, {Name: "until_day"}, {Name: "ttl_days"}},
			Rows: []map[string]any{
				{"joined_month": n(682), "until_day": n(20780), "ttl_days": n(30)},
				{"joined_month": n(0), "until_day": n(-1), "ttl_days": n(1)},
			},
		}}}
		var text, asJSON bytes.Buffer
		if err := errors.Join(sheet.WriteText(&text), sheet.WriteJSON(&asJSON)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"joined_month=2026-11 until_day=2026-11-23 ttl_days=30\n", "joined_month=1970-01 until_day=-1 ttl_days=1\n"} {
			if got := text.String(); !strings.Contains(got, want) {
				t.Errorf("got %s, want a line %s", got, want)
			}
		}
		if got, want := asJSON.String(), `"joined_month": 682`; !strings.Contains(got, want) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
}
