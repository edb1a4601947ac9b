package mls

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var ruleID = regexp.MustCompile(`M-[0-9]{3}`)

// rules.tsv, code and tests name the same rules: every rule is raised by code, has a test function
// that names it, and no number is used that the table lacks.
func TestRulesTable(t *testing.T) {
	b, err := os.ReadFile("rules.tsv")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]string{} // rule → test
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			t.Fatalf("line %d: got %d columns, want 5", i+1, len(f))
		}
		if i == 0 {
			continue
		}
		if !ruleID.MatchString(f[0]) || f[2] == "" {
			t.Errorf("line %d: no rule or no text", i+1)
		}
		if table[f[0]] != "" {
			t.Errorf("%s stands twice", f[0])
		}
		table[f[0]] = f[3]
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	raised, tested := map[string]bool{}, map[string]map[string]bool{}
	fset := token.NewFileSet()
	for _, name := range files {
		f, err := parser.ParseFile(fset, name, nil, 0) // comments do not count
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				for _, id := range ruleID.FindAllString(lit.Value, -1) {
					if table[id] == "" {
						t.Errorf("%s uses %s, which rules.tsv does not have", name, id)
					}
					if !strings.HasSuffix(name, "_test.go") {
						raised[id] = true
						continue
					}
					if tested[id] == nil {
						tested[id] = map[string]bool{}
					}
					tested[id][fn.Name.Name] = true
				}
				return true
			})
		}
	}
	for id, test := range table {
		if !raised[id] {
			t.Errorf("%s is raised nowhere", id)
		}
		if !tested[id][test] {
			t.Errorf("%s: %s does not name it", id, test)
		}
	}
}

// broke checks that err is the breach of one rule.
func broke(t *testing.T, rule string, err error) {
	t.Helper()
	e, ok := errors.AsType[*RuleError](err)
	if !ok || e.Rule != rule {
		t.Errorf("got %v, want rule %s", err, rule)
		return
	}
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("%v does not wrap ErrInvalid", err)
	}
}
