package mls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// The package does no I/O, has no clock and starts no goroutine, and it stands on the standard
// library, x/crypto and edwards25519 alone.
func TestPure(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	forbidden := map[string]bool{
		"os": true, "net": true, "net/http": true, "context": true, "sync": true, "log": true,
		"math/rand": true, "math/rand/v2": true, "io": true, "syscall": true, "unsafe": true, "reflect": true,
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			if forbidden[path] || strings.HasPrefix(path, "log/") || strings.Contains(path, ".") && !strings.HasPrefix(path, "golang.org/x/crypto/") && !strings.HasPrefix(path, "filippo.io/edwards25519") || strings.HasPrefix(path, "paperplane") {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%s: goroutine or channel", fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" {
					switch n.Sel.Name {
					case "Now", "Sleep", "After", "NewTimer", "Tick", "Since", "Until":
						t.Errorf("%s: time.%s", fset.Position(n.Pos()), n.Sel.Name)
					}
				}
			}
			return true
		})
	}
}
