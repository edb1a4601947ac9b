package main

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
)

// The CBOR codec names math/big, for numbers of more than 64 bits, and reflection keeps all of it: 3 % of the core, with
// division, floats and text in any base. In the browser package big beside this takes its place. Prime and Int of crypto/rand, which need
// more, are left out: a core that calls them does not build.

//go:embed big/int.go
var smallBig []byte

// smallNumbers adds to replace what takes the place of math/big in the library at src.
func smallNumbers(src, dir string, replace map[string]string) error {
	list, err := os.ReadDir(filepath.Join(src, "math", "big"))
	if err != nil {
		return err
	}
	for _, f := range list {
		if n := f.Name(); strings.HasSuffix(n, ".go") && !strings.HasSuffix(n, "_test.go") || strings.HasSuffix(n, ".s") {
			replace[filepath.Join(src, "math", "big", n)] = ""
		}
	}
	replace[filepath.Join(src, "crypto", "rand", "util.go")] = ""
	to := filepath.Join(dir, "big.go")
	replace[filepath.Join(src, "math", "big", "int.go")] = to
	return os.WriteFile(to, smallBig, 0o600)
}
