package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

var intKey = regexp.MustCompile(`cbor:"(-?\d+),keyasint`)

// twice lists the keys that a struct of a file gives to two fields: CBOR leaves both out, without a word.
func twice(name string, src []byte) (bad []string) {
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		return []string{name + " does not parse"}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.StructType)
		if !ok {
			return true
		}
		seen := map[string]bool{}
		for _, x := range s.Fields.List {
			if x.Tag == nil {
				continue
			}
			m := intKey.FindStringSubmatch(x.Tag.Value)
			if m == nil {
				continue
			}
			if seen[m[1]] {
				bad = append(bad, name+": key "+m[1])
			}
			seen[m[1]] = true
		}
		return true
	})
	return bad
}

// TestStoredKeys wants every field of what is stored to have a key of its own.
func TestStoredKeys(t *testing.T) {
	for _, f := range files(t) {
		if strings.HasSuffix(f, ".go") {
			for _, x := range twice(f, read(t, f)) {
				t.Errorf("%s stands twice", x)
			}
		}
	}
	if got := twice("x.go", []byte("package x\ntype t struct {\nA int `cbor:\"1,keyasint\"`\nB int `cbor:\"1,keyasint,omitempty\"`\n}")); len(got) != 1 {
		t.Errorf("of two fields with one key it found %v", got)
	}
}
