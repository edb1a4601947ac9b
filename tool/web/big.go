package main

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
)

// The CBOR codec can decode integers of any size, for which it names math/big; none of our messages has one, and crypto/rand
// only offers what nobody calls. So math/big, with its printing and reading of numbers, would be downloaded by everybody for nothing.
// For the browser it is replaced by the little that the codec calls.
//
//go:embed small/int.go.txt
var smallInt []byte

// noBig writes the small package into dir and returns the files that make way for it.
func noBig(lib, dir string) (map[string]string, error) {
	src := filepath.Join(lib, "math", "big")
	list, err := os.ReadDir(src)
	if err != nil {
		return nil, err
	}
	to := filepath.Join(dir, "big.go")
	if err := os.WriteFile(to, smallInt, 0o600); err != nil {
		return nil, err
	}
	replace := map[string]string{filepath.Join(lib, "crypto", "rand", "util.go"): ""}
	for _, f := range list {
		if ext := filepath.Ext(f.Name()); (ext == ".go" || ext == ".s") && !strings.HasSuffix(f.Name(), "_test.go") {
			replace[filepath.Join(src, f.Name())] = ""
		}
	}
	replace[filepath.Join(src, "int.go")] = to
	return replace, nil
}
