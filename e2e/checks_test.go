package e2e

import (
	"bytes"
	"compress/flate"
	bin "encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"paperplane/core/account"
	"paperplane/mls"
	"paperplane/protocol/plane"
)

// check is one assertion of the blank sheet. find returns what contradicts it; mutant spoils a
// copy of the evidence so that find must return something.
type check struct {
	id, what string
	find     func(t *testing.T, e *evidence) []string
	mutant   func(t *testing.T, d *day, e *evidence, dir string)
}

// finds is a check for facts that the scanner knows.
func finds(ids ...string) func(*testing.T, *evidence) []string {
	return func(_ *testing.T, e *evidence) []string { return e.find(ids...) }
}

// leave writes a file into a spoiled folder.
func leave(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func blob(b []byte) string { return fmt.Sprintf("x'%x'", b) }

var checks = []check{
	{"B01", "no address of a client", func(t *testing.T, e *evidence) []string {
		out := e.find("B01")
		for _, s := range e.whole() {
			for col, values := range rows(t, s) {
				for _, v := range values {
					if b, ok := v.([]byte); ok && len(b) < 20 && bytes.Contains(b, []byte{127}) && len(b) <= 6 {
						out = append(out, "a short value that may be an address in "+col)
					}
				}
			}
		}
		return out
	}, func(t *testing.T, d *day, e *evidence, dir string) {
		e.texts["output"] = []byte("session refused peer=" + d.people[1].ip.String() + ":41001")
	}},
	{"B02", "no account or device key", finds("B02"), func(t *testing.T, d *day, _ *evidence, dir string) {
		_, k := d.keys(t)
		change(t, dir, "INSERT INTO member VALUES ("+blob(k[:])+", 1, 1, 1)")
	}},
	{"B03", "no name", finds("B03"), func(t *testing.T, d *day, _ *evidence, dir string) {
		leave(t, dir, "names", strings.ToLower(d.people[0].name))
	}},
	{"B04", "no text, title, file name, type or reaction", finds("B04"), func(t *testing.T, d *day, e *evidence, dir string) {
		var wide []byte
		for _, r := range d.words {
			wide = append(wide, byte(r), 0)
		}
		leave(t, dir, "index", string(wide))
	}},
	{"B05", "no MLS header, group id or key package", func(t *testing.T, e *evidence) []string {
		out := e.find("B05")
		for _, s := range e.whole() {
			for _, v := range append(rows(t, s)["package.body"], rows(t, s)["card.body"]...) {
				// ProtocolVersion mls10, then a suite or a wire format: 0, 1, 0, 1 to 5 or 0x4f
				if b, ok := v.([]byte); ok && len(b) > 4 && (bytes.HasPrefix(b, []byte{0, 1, 0, 0x4f}) || bytes.HasPrefix(b, []byte{0, 1, 0, 5})) {
					out = append(out, "an unsealed key package in "+s.name)
				}
			}
		}
		return out
	}, func(t *testing.T, d *day, _ *evidence, dir string) {
		keys, _ := d.keys(t)
		kp, _, err := mls.NewKeyPackage(mls.KeyPackageOptions{Signer: keys.Device(), Credential: mls.NewBasic(keys.Credential()),
			Lifetime: mls.Lifetime{NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}})
		if err != nil {
			t.Fatal(err)
		}
		change(t, dir, "INSERT INTO package VALUES (randomblob(16), randomblob(32), "+blob(kp)+")")
	}},
	{"B06", "no user agent, language or referrer", finds("B06"), func(t *testing.T, d *day, e *evidence, dir string) {
		e.texts["output"] = []byte("GET / " + d.agent)
	}},
	{"B07", "every body has one of three sizes, every chunk 256 KiB", func(t *testing.T, e *evidence) (out []string) {
		for _, s := range e.whole() {
			list, stray, err := frames(s)
			if err != nil || len(list) == 0 {
				out = append(out, fmt.Sprintf("%s: %d records, %v", s.name, len(list), err))
			}
			for _, f := range list {
				if n := len(f.body); n != plane.RecordSmall && n != plane.RecordMedium && n != plane.RecordLarge {
					out = append(out, fmt.Sprintf("a body of %d bytes in %s", n, f.file))
				}
			}
			_ = stray // entries of tables and headers, which B08 reads
			if err := s.walk(func(name string, b []byte, _ time.Time) {
				if strings.HasPrefix(name, "blob"+string(filepath.Separator)) && len(b) > 64 && len(b)-len(b)%4096 != plane.BlobChunkBytes {
					out = append(out, fmt.Sprintf("a chunk of %d bytes", len(b)))
				}
			}); err != nil {
				out = append(out, err.Error())
			}
		}
		return out
	}, func(t *testing.T, _ *day, e *evidence, dir string) {
		files, _ := filepath.Glob(filepath.Join(dir, "log", "seg-*"))
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], b[:unitBytes*2+700], 0o600); err != nil { // a body cut to its text
			t.Fatal(err)
		}
	}},
	{"B08", "no time finer than a day", findTimes, func(t *testing.T, _ *day, _ *evidence, dir string) {
		change(t, dir, "ALTER TABLE log ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0",
			fmt.Sprintf("UPDATE log SET created_at = %d", time.Now().UnixMilli()))
	}},
	{"B08-file", "no file of records with a time finer than a day", findTimes, func(t *testing.T, _ *day, _ *evidence, dir string) {
		files, _ := filepath.Glob(filepath.Join(dir, "log", "seg-*"))
		at := time.Now().Add(-time.Minute)
		if err := os.Chtimes(files[0], at, at); err != nil {
			t.Fatal(err)
		}
	}},
	{"B09", "no value in two families of tables", func(t *testing.T, e *evidence) (out []string) {
		family := func(col string) string {
			switch table, _, _ := strings.Cut(col, "."); table {
			case "log", "cap", "door", "card", "package":
				return "log"
			default:
				return table
			}
		}
		for _, s := range e.whole() {
			where := map[string]string{}
			for col, values := range rows(t, s) {
				for _, v := range values {
					b, ok := v.([]byte)
					if !ok || len(b) < 8 || col == "setting.value" { // the front door's own log
						continue
					}
					if w := where[string(b)]; w != "" && family(w) != family(col) {
						out = append(out, "one value in "+w+" and "+col)
					}
					where[string(b)] = col
				}
			}
		}
		return out
	}, func(t *testing.T, _ *day, _ *evidence, dir string) {
		change(t, dir, "INSERT INTO door SELECT id, (SELECT key FROM member LIMIT 1), 1, 30000 FROM log LIMIT 1")
	}},
	{"B12", "reading, subscribing and signalling leave no trace", func(_ *testing.T, e *evidence) []string { return e.moved },
		func(_ *testing.T, _ *day, e *evidence, _ string) { e.moved = []string{"tables.db-wal"} }},
	{"B13", "nothing that was deleted", finds("B13"), func(t *testing.T, d *day, _ *evidence, dir string) {
		// What SQLite leaves when it does not overwrite. In a table with other rows it may balance the
		// tree, and overwrite by chance.
		change(t, dir, "PRAGMA secure_delete=OFF", "CREATE TABLE spoiled (body BLOB)", "INSERT INTO spoiled VALUES ("+blob(d.deleted)+")",
			"DELETE FROM spoiled WHERE body = "+blob(d.deleted))
	}},
	{"B14", "nothing past its life", func(_ *testing.T, e *evidence) []string {
		out := e.find("B14")
		if len(e.snaps) > 1 && len(e.find("kept record")) == 0 {
			out = append(out, "the record within its life is gone, too")
		}
		return out
	}, func(t *testing.T, d *day, _ *evidence, dir string) { leave(t, dir, "seg-old", string(d.expiredBody)) }},
	{"B15", "no key package that was fetched", finds("B15"), func(t *testing.T, d *day, _ *evidence, dir string) {
		change(t, dir, "INSERT INTO package VALUES (randomblob(16), randomblob(32), "+blob(d.fetched)+")")
	}},
	{"B16", "no private key but the server's own", func(_ *testing.T, e *evidence) []string {
		out := e.find("B16")
		for _, s := range e.snaps {
			_ = s.walk(func(name string, b []byte, _ time.Time) {
				if keyText(b) && name != "server.key" {
					out = append(out, "a key's text in "+name)
				}
			})
		}
		for name, b := range e.texts {
			if keyText(b) && name != "backup" {
				out = append(out, "a key's text in "+name)
			}
		}
		return out
	}, func(t *testing.T, _ *day, _ *evidence, dir string) {
		leave(t, dir, "id", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n")
	}},
	{"B17", "no secret of a link", finds("B17"), func(t *testing.T, d *day, e *evidence, dir string) {
		_, fragment, _ := strings.Cut(d.people[0].invites[0], "#")
		e.texts["output"] = []byte("GET /i#" + fragment)
	}},
	{"B18", "nothing personal in what the server says", func(_ *testing.T, e *evidence) (out []string) {
		e.find()
		for _, f := range e.found {
			if strings.Contains(f, " in text ") || strings.HasPrefix(f, "B18") {
				out = append(out, f)
			}
		}
		return out
	}, func(_ *testing.T, d *day, e *evidence, _ string) {
		e.texts["output"] = []byte("panic: no chat with " + d.people[1].name + "\ngoroutine 1 [running]:")
	}},
	{"S01", "conversations cannot be paired by order", func(t *testing.T, e *evidence) (out []string) {
		limit := 0.02
		if n := float64(len(e.orders)); n < 400 { // small samples: chance and three deviations
			limit = 1/(n-1) + 3/n*1.7
		}
		for _, s := range e.whole() {
			list, _, err := frames(s)
			if err != nil {
				t.Fatal(err)
			}
			if !s.settled {
				continue
			}
			share := attackOrder(e.orders, list, "seg-")
			if !e.spoiled {
				t.Logf("order attack on %s: %.1f %% of %d logs (limit %.1f %%, chance %.2f %%)", s.name, 100*share, len(e.orders), 100*limit, 100/float64(len(e.orders)-1))
			}
			if share > limit {
				out = append(out, fmt.Sprintf("%s: %.1f %% paired, limit %.1f %%", s.name, 100*share, 100*limit))
			}
		}
		return out
	}, func(t *testing.T, _ *day, e *evidence, dir string) {
		// The order of arrival, as it lay in the tail before it was settled.
		files, _ := filepath.Glob(filepath.Join(e.unsettled, "log", "tail-*"))
		if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "log"), 0o700); err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			leave(t, dir, fmt.Sprintf("log/seg-1-%d", i), string(b))
		}
	}},
	{"S04", "a record does not tell its text's length", func(_ *testing.T, e *evidence) (out []string) {
		for _, n := range e.sizes {
			if n != plane.RecordSmall {
				out = append(out, fmt.Sprintf("a text of at most 390 bytes became a record of %d", n))
			}
		}
		if len(e.sizes) < 13 {
			out = append(out, fmt.Sprintf("only %d records for 13 texts", len(e.sizes)))
		}
		return out
	}, func(_ *testing.T, _ *day, e *evidence, _ string) { e.sizes = append(slices.Clone(e.sizes), 4096) }},
	{"S08", "bodies are like random bytes", findPatterns, func(t *testing.T, _ *day, e *evidence, dir string) {
		// A body whose padding was not sealed.
		list, _, _ := frames(e.snaps[0])
		for _, r := range list {
			if !e.own[r.log] {
				b, err := os.ReadFile(filepath.Join(dir, r.file))
				if err != nil {
					t.Fatal(err)
				}
				clear(b[r.at+unitBytes+600 : r.at+unitBytes+1000])
				leave(t, dir, r.file, string(b))
				return
			}
		}
		t.Fatal("no record to spoil")
	}},
	{"I01", "every column is in the inventory", func(t *testing.T, e *evidence) (out []string) {
		want := inventory()
		for _, s := range e.whole() {
			have := schema(t, s.dir)
			for _, c := range have {
				if !slices.Contains(want, c) {
					out = append(out, c+" is not in the inventory")
				}
			}
			for _, c := range want {
				if !slices.Contains(have, c) {
					out = append(out, c+" is not in the schema")
				}
			}
		}
		return out
	}, func(t *testing.T, _ *day, _ *evidence, dir string) {
		change(t, dir, "ALTER TABLE member ADD COLUMN last_seen INTEGER")
	}},
	{"I02", "the sheet prints all that mentions an id", findUnprinted, func(t *testing.T, _ *day, e *evidence, dir string) {
		change(t, dir, "CREATE TABLE watch (x BLOB)", "INSERT INTO watch VALUES ("+blob(e.about[:])+")")
	}},
}

// keyTexts are what files with private keys begin with.
var keyTexts = []string{"PRIVATE KEY", "AGE-SECRET-KEY", "-----BEGIN "}

func keyText(b []byte) bool {
	return slices.ContainsFunc(keyTexts, func(s string) bool { return bytes.Contains(b, []byte(s)) })
}

// whole returns the snapshots whose structure can be read.
func (e *evidence) whole() []snapshot {
	return slices.DeleteFunc(slices.Clone(e.snaps), func(s snapshot) bool { return s.torn })
}

// keys returns a person's keys.
func (d *day) keys(t *testing.T) (*account.Keys, plane.PublicKey) {
	t.Helper()
	k, err := account.ParseKeys(d.accounts[0])
	if err != nil {
		t.Fatal(err)
	}
	return k, k.Person()
}

// findTimes looks for numbers that read as a moment of these days, in tables, in heads of records
// and the manifest, in file names, and for files' own times (B08).
func findTimes(t *testing.T, e *evidence) (out []string) {
	from, to := e.day.Start().Add(-24*time.Hour), e.day.Start().Add(48*time.Hour)
	reads := func(n int64) bool {
		for _, unit := range []time.Duration{1, time.Microsecond, time.Millisecond, time.Second} {
			a, b := from.UnixNano()/int64(unit), to.UnixNano()/int64(unit)
			if n > a && n < b && n%(int64(24*time.Hour)/int64(unit)) != 0 {
				return true
			}
		}
		return false
	}
	number := regexp.MustCompile(`\d{9,19}`)
	text := func(where, s string) {
		for _, m := range number.FindAllString(s, -1) {
			if n, err := strconv.ParseInt(m, 10, 64); err == nil && reads(n) {
				out = append(out, where+" holds a time")
			}
		}
	}
	// Their times tell when the operator started the server, or that it has just written.
	running := []string{"server.key", "invite.txt", "lock", "admin", "tables.db", "tables.db-wal", "tables.db-shm"}
	for _, s := range e.whole() {
		for col, values := range rows(t, s) {
			for _, v := range values {
				switch v := v.(type) {
				case int64:
					if reads(v) {
						out = append(out, col+" holds a time")
					}
				case []byte:
					if len(v) == 4 && reads(int64(bin.BigEndian.Uint32(v))) || len(v) == 8 && (reads(int64(bin.BigEndian.Uint64(v))) || reads(int64(bin.LittleEndian.Uint64(v)))) {
						out = append(out, col+" holds a time")
					}
				}
			}
		}
		list, _, err := frames(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if reads(int64(f.seq)) {
				out = append(out, f.file+": a record's number is a time")
			}
		}
		if err := s.walk(func(name string, b []byte, at time.Time) {
			base := filepath.Base(name)
			text("the name of "+name, strings.SplitAfterN(base, "-", 3)[0])
			if base == "manifest" {
				text("manifest", regexp.MustCompile(`[a-z]+-[0-9a-z-]+|sum.*`).ReplaceAllString(string(b), ""))
			}
			// A crash in the middle of writing one of those leaves ".new-…" until the next start.
			open := slices.Contains(running, base) || strings.HasPrefix(base, ".new-") || strings.HasPrefix(base, "tail-") && !s.settled
			if !open && strings.HasPrefix(base, "tail-") && len(b) > 0 {
				open = true // receipts came after Settle: the tail is being written
			}
			if at = at.UTC(); !open && (at.Hour() != 0 || at.Minute() != 0 || at.Second() != 0) {
				out = append(out, s.name+":"+name+" is stamped finer than a day")
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// findPatterns tests each body that people wrote: chi-square of its bytes, and whether it can be
// compressed (S08). Random bytes pass 5 limits of 8 deviations in a billion bodies once.
func findPatterns(t *testing.T, e *evidence) (out []string) {
	tested := 0
	test := func(where string, b []byte) {
		tested++
		var count [256]float64
		for _, x := range b {
			count[x]++
		}
		want, chi := float64(len(b))/256, 0.0
		for _, c := range count {
			chi += (c - want) * (c - want) / want
		}
		var packed bytes.Buffer
		w, _ := flate.NewWriter(&packed, flate.BestCompression)
		_, _ = w.Write(b)
		_ = w.Close()
		if chi > 255+8*22.6 || packed.Len() < len(b) {
			out = append(out, fmt.Sprintf("%s: chi-square %.0f (255 expected), %d of %d bytes packed", where, chi, packed.Len(), len(b)))
		}
	}
	for _, s := range e.whole() {
		list, _, err := frames(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if !e.own[f.log] {
				test(f.file, f.body)
			}
		}
		all := rows(t, s)
		for _, v := range all["package.body"] {
			test("package", v.([]byte))
		}
	}
	if tested < 20 {
		out = append(out, fmt.Sprintf("only %d bodies to test", tested))
	}
	return out
}

// findUnprinted compares the sheet about a log with the tables and records, and looks whether
// anything mentions the log once all that was printed is taken away (I02).
func findUnprinted(t *testing.T, e *evidence) (out []string) {
	printed, records, err := sheetRows(e.sheet)
	if err != nil {
		return []string{err.Error()}
	}
	if printed["log"] != 1 || printed["cap"] != 1 {
		out = append(out, fmt.Sprintf("the sheet prints %d rows of log and %d of cap, want 1 and 1", printed["log"], printed["cap"]))
	}
	s := e.snaps[len(e.snaps)-1]
	list, _, err := frames(s)
	if err != nil {
		t.Fatal(err)
	}
	lie := 0
	for _, f := range list {
		if f.log == e.about {
			lie++
		}
	}
	if lie != records || lie == 0 {
		out = append(out, fmt.Sprintf("the sheet prints %d records, there are %d", records, lie))
	}
	dir := copyFolder(t, s.dir)
	for table, n := range printed {
		if n == 0 {
			continue
		}
		withTables(t, dir, func(db *sqlite3.Conn) {
			if err := db.Exec("DELETE FROM " + table + " WHERE id = " + blob(e.about[:])); err != nil {
				t.Fatal(err)
			}
			if got := int(db.Changes()); got != n {
				out = append(out, fmt.Sprintf("%s: the sheet prints %d rows, %d were there", table, n, got))
			}
		})
	}
	change(t, dir, "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
	b, err := os.ReadFile(filepath.Join(dir, "tables.db"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, e.about[:]) {
		out = append(out, "the tables mention the log in rows that were not printed")
	}
	return out
}
