package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// What of the runtime reads the function table: collecting garbage walks stacks by it, panics
// unwind by it, traces name functions by it.
const busyProgram = `package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

type tree struct{ left, right *tree }

func grow(n int) *tree {
	if n == 0 {
		return nil
	}
	return &tree{grow(n - 1), grow(n - 1)}
}

func (t *tree) size() int {
	if t == nil {
		return 0
	}
	return 1 + t.left.size() + t.right.size()
}

func fall(n int) (err error) {
	defer func() { err = fmt.Errorf("fell: %v", recover()) }()
	var list []int
	_ = list[n]
	return nil
}

func main() {
	sum := make(chan int)
	for range 8 {
		go func() {
			t := grow(14)
			runtime.GC()
			sum <- t.size()
		}()
	}
	total := 0
	for range 8 {
		total += <-sum
	}
	pc, file, line, ok := runtime.Caller(0)
	fmt.Println(total, fall(3), runtime.FuncForPC(pc).Name(), file, line, ok)
	trace := make([]byte, 4096)
	trace = trace[:runtime.Stack(trace, false)]
	fmt.Println(strings.Contains(string(trace), "main.main"))
	if len(os.Args) > 5 {
		return
	}
	var none *tree
	none.left = nil
}
`

// A program without files and lines runs as before and names its functions in traces.
func TestDropLines(t *testing.T) {
	in := program(t, busyProgram)
	whole, err := pack(in, same)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pack(in, func(m []byte) ([]byte, error) { return nil, dropLines(m) })
	if err != nil {
		t.Fatal(err)
	}
	got, err := execute(t, out)
	want := "131064 fell: runtime error: index out of range [3] with length 0 main.main ? 0 true\ntrue\n"
	if err == nil || !strings.HasPrefix(got, want) || !strings.Contains(got, "nil pointer") || !strings.Contains(got, "main.main") {
		t.Errorf("got %q and %v, want %q, and then a nil pointer in main.main", got, err, want)
	}
	if was, err := execute(t, whole); err == nil || !strings.Contains(was, "main.go 46 true\n") {
		t.Errorf("with lines: got %q and %v, want main.go in it", was, err)
	}
	if strings.Contains(got, "grow(...)") || strings.Contains(got, "main.main(0x") {
		t.Errorf("got values of arguments in %q", got)
	}
	if len(out)*40 > len(whole)*39 {
		t.Errorf("got %d bytes of %d, want at least a fortieth less", len(out), len(whole))
	}
}

// A layout that is not known ends the build instead of breaking the program.
func TestDropLinesRefuses(t *testing.T) {
	in := program(t, "package main\n\nfunc main() {}\n")
	var mem []byte
	if _, err := pack(in, func(m []byte) ([]byte, error) { mem = bytes.Clone(m); return nil, nil }); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(mem, tableHeader)
	if at < 0 {
		t.Fatal("no table")
	}
	module := bytes.Index(mem, binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(at)), uint64(at)+binary.LittleEndian.Uint64(mem[at+32:])))
	if module < 0 {
		t.Fatal("no module")
	}
	put := func(word int, v uint64) func([]byte) []byte {
		return func(m []byte) []byte { binary.LittleEndian.PutUint64(m[at+8*word:], v); return m }
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"no-table":       func(m []byte) []byte { m[at] = 0; return m },
		"two-tables":     func(m []byte) []byte { return append(m, tableHeader...) },
		"cut":            func(m []byte) []byte { return m[:at+40] },
		"cut-in-values":  func(m []byte) []byte { return m[:at+int(binary.LittleEndian.Uint64(m[at+64:]))] },
		"no-functions":   put(1, 0),
		"many-functions": put(1, 1<<40),
		"order":          put(7, 64),
		"far":            put(8, 1<<40),
		"no-module":      func(m []byte) []byte { m[module] ^= 8; return m },
		"two-modules":    func(m []byte) []byte { return append(m, m[module:module+16]...) },
		"things-far":     func(m []byte) []byte { m[module+8*gofuncWord+4] = 1; return m },
		"things-before":  func(m []byte) []byte { clear(m[module+8*gofuncWord : module+8*gofuncWord+8]); return m },
	} {
		if err := dropLines(spoil(bytes.Clone(mem))); !errors.Is(err, errLines) {
			t.Errorf("%s: got %v, want %v", name, err, errLines)
		}
	}
	if err := dropLines(bytes.Clone(mem)); err != nil {
		t.Errorf("as it is: got %v, want nil", err)
	}
}
