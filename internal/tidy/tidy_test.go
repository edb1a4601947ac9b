// Package tidy holds the repository's own rules as tests: comments, lengths, words, rule tables.
package tidy

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	fileLinesMax  = 1000
	binaryMax     = 64 << 10
	generatedMark = "_gen."
)

// law2 are the directories that may hold no goroutine and no clock.
var law2 = []string{"core/", "mls/", "protocol/seal/", "protocol/wire/", "protocol/caps/", "protocol/plane/", "protocol/content/"}

// banned are words with their replacement. where limits a rule to paths, not takes some out.
var banned = []struct {
	word, instead string
	ext           []string
	only, except  []string
}{
	{word: "FIX" + "ME", instead: "an entry in docs/internals/status.md"},
	{word: "TO" + "DO", instead: "an entry in docs/internals/status.md", ext: []string{".go", ".ts", ".tsx", ".css", ".mjs"}},
	{word: "inner" + "HTML", instead: "text nodes", ext: []string{".ts", ".tsx"}},
	{word: `"log/` + `slog"`, instead: "package obs", ext: []string{".go"}, except: []string{"internal/obs/", "internal/arch/"}},
	{word: "time.Now()", instead: "the now that is passed in", ext: []string{".go"}, only: law2, except: []string{"_test.go", "core/coretest/"}},
	{word: "t.Skip", instead: "a test that runs or is gone", ext: []string{".go"}},
}

// files lists what git tracks or would track, relative to the module's root.
func files(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var list []string
	for f := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		if _, err := os.Stat(filepath.Join("../..", f)); err == nil {
			list = append(list, f)
		}
	}
	if len(list) < 20 {
		t.Fatalf("git knows only %d files: this test would prove nothing", len(list))
	}
	return list
}

func read(t *testing.T, f string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", f))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func under(f string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(f, d) || strings.HasSuffix(f, d) })
}

// TestWords looks for words that have a better replacement in this house.
func TestWords(t *testing.T) {
	for _, f := range files(t) {
		if strings.HasPrefix(f, "internal/tidy/") || strings.Contains(f, "testdata/") || strings.HasSuffix(f, "package-lock.json") {
			continue
		}
		body := read(t, f)
		for _, b := range banned {
			if len(b.ext) > 0 && !slices.Contains(b.ext, filepath.Ext(f)) || len(b.only) > 0 && !under(f, b.only) || under(f, b.except) {
				continue
			}
			if i := bytes.Index(body, []byte(b.word)); i >= 0 {
				t.Errorf("%s:%d: %q; use %s", f, 1+bytes.Count(body[:i], []byte("\n")), b.word, b.instead)
			}
		}
	}
}

// TestFiles checks lengths and that no large binary is committed.
func TestFiles(t *testing.T) {
	for _, f := range files(t) {
		body := read(t, f)
		switch ext := filepath.Ext(f); {
		case strings.Contains(f, generatedMark) || strings.HasSuffix(f, "package-lock.json") || strings.Contains(f, "testdata/") || strings.HasPrefix(f, "docs/images/") || strings.HasPrefix(f, "spec/vectors/"):
		case slices.Contains([]string{".go", ".ts", ".tsx", ".css", ".mjs"}, ext):
			if n := bytes.Count(body, []byte("\n")); n > fileLinesMax {
				t.Errorf("%s has %d lines, limit %d: it is two rooms", f, n, fileLinesMax)
			}
		case len(body) > binaryMax && bytes.IndexByte(body[:8000], 0) >= 0:
			t.Errorf("%s is a binary of %d bytes, limit %d", f, len(body), binaryMax)
		}
	}
}

// TestPackageComments wants exactly one package comment a package, and a doc comment on every
// exported top-level name outside tests.
func TestPackageComments(t *testing.T) {
	dirs := map[string]int{}
	fset := token.NewFileSet()
	for _, f := range files(t) {
		if filepath.Ext(f) != ".go" || strings.HasSuffix(f, "_test.go") || strings.Contains(f, "testdata/") {
			continue
		}
		af, err := parser.ParseFile(fset, filepath.Join("../..", f), nil, parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		dir := filepath.Dir(f)
		if af.Doc != nil {
			dirs[dir]++
		} else if _, ok := dirs[dir]; !ok {
			dirs[dir] = 0
		}
		if af.Name.Name == "main" || strings.Contains(f, generatedMark) {
			continue
		}
		for _, d := range af.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.IsExported() && fn.Doc == nil {
				t.Errorf("%s: exported func %s has no comment", f, fn.Name.Name)
			}
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				for _, s := range g.Specs {
					if ts := s.(*ast.TypeSpec); ts.Name.IsExported() && g.Doc == nil && ts.Doc == nil && ts.Comment == nil {
						t.Errorf("%s: exported type %s has no comment", f, ts.Name.Name)
					}
				}
			}
		}
	}
	for dir, n := range dirs {
		if n != 1 {
			t.Errorf("package in %s has %d package comments, want 1", dir, n)
		}
	}
}

// TestPurePackagesHaveNoGoroutines looks for go statements in packages of law 2.
func TestPurePackagesHaveNoGoroutines(t *testing.T) {
	fset := token.NewFileSet()
	for _, f := range files(t) {
		if filepath.Ext(f) != ".go" || strings.HasSuffix(f, "_test.go") || !under(f, law2) {
			continue
		}
		af, err := parser.ParseFile(fset, filepath.Join("../..", f), nil, 0)
		if err != nil {
			continue // TestPackageComments reports it
		}
		ast.Inspect(af, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt:
				t.Errorf("%s: concurrency in a pure package", fset.Position(n.Pos()))
			}
			return true
		})
	}
}

// TestRules checks that each rule of a rules table is cited by a test, or says why not, and that
// rule ids are unique. Columns: id, page or section, text, test name or "untested: why".
func TestRules(t *testing.T) {
	var tables []string
	all := files(t)
	var tests bytes.Buffer
	for _, f := range all {
		if filepath.Base(f) == "rules.tsv" {
			tables = append(tables, f)
		}
		if strings.HasSuffix(f, "_test.go") {
			tests.Write(read(t, f))
		}
	}
	id := regexp.MustCompile(`^[A-Z]+-[0-9]+$`)
	seen := map[string]string{}
	for _, table := range tables {
		for n, line := range strings.Split(strings.TrimSpace(string(read(t, table))), "\n") {
			cols := strings.Split(line, "\t")
			if n == 0 && !id.MatchString(cols[0]) || strings.HasPrefix(line, "#") {
				continue
			}
			if len(cols) < 4 || !id.MatchString(cols[0]) {
				t.Errorf("%s:%d: want id, page, text, test", table, n+1)
				continue
			}
			if other, ok := seen[cols[0]]; ok {
				t.Errorf("%s:%d: rule %s stands in %s too", table, n+1, cols[0], other)
			}
			seen[cols[0]] = table
			if strings.HasPrefix(cols[3], "untested: ") && len(cols[3]) > len("untested: ") {
				continue
			}
			if !bytes.Contains(tests.Bytes(), []byte(cols[0])) {
				t.Errorf("%s:%d: no test cites rule %s", table, n+1, cols[0])
			}
		}
	}
}
