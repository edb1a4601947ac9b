package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// squeezed does to a program what core does.
func squeezed(m []byte) ([]byte, error) {
	if err := dropLines(m); err != nil {
		return nil, err
	}
	return squeeze(m)
}

// started returns the memory of a program before its own first instruction: what Node shows of it.
func started(t *testing.T, wasm []byte, size int) []byte {
	t.Helper()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "a.wasm"), filepath.Join(dir, "memory")
	if err := os.WriteFile(file, wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	script := `const fs = require("fs")
const [file, out, size] = process.argv.slice(1)
const m = new WebAssembly.Module(fs.readFileSync(file))
const imports = {}
for (const i of WebAssembly.Module.imports(m)) (imports[i.module] ??= {})[i.name] = () => {}
const memory = new WebAssembly.Instance(m, imports).exports.mem.buffer
fs.writeFileSync(out, new Uint8Array(memory, 0, Number(size)))`
	if msg, err := exec.Command("node", "-e", script, file, out, strconv.Itoa(size)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	mem, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return mem
}

// A squeezed program begins with the memory that it would have begun with, and runs.
func TestSqueeze(t *testing.T) {
	in := program(t, busyProgram)
	var want []byte
	if _, err := pack(in, func(m []byte) ([]byte, error) { err := dropLines(m); want = bytes.Clone(m); return nil, err }); err != nil {
		t.Fatal(err)
	}
	out, err := pack(in, squeezed)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := findTables(want)
	if err != nil {
		t.Fatal(err)
	}
	got := started(t, out, len(want))
	if !bytes.Equal(got[:tables.buckets], want[:tables.buckets]) {
		t.Error("the memory before the list by place differs")
	}
	for i := range tables.funcs {
		at := tables.buckets + bucketBytes*i
		if !bytes.Equal(got[at:at+5], want[at:at+5]) {
			t.Fatalf("the list by place differs at %d: got %x, want %x", i, got[at:at+5], want[at:at+5])
		}
	}
	if end := tables.after; !bytes.Equal(got[end:], want[end:]) {
		t.Error("the memory behind it differs")
	}
	text, err := execute(t, out)
	if says := "131064 fell: runtime error: index out of range [3] with length 0 main.main ? 0 true\ntrue\n"; err == nil || !strings.HasPrefix(text, says) || !strings.Contains(text, "nil pointer") {
		t.Errorf("got %q and %v, want %q, and then a nil pointer", text, err, says)
	}
	if len(out)*10 > len(in)*9 {
		t.Errorf("got %d bytes of %d, want at least a tenth less", len(out), len(in))
	}
}

// A layout that is not known ends the build.
func TestSqueezeRefuses(t *testing.T) {
	in := program(t, "package main\n\nfunc main() {}\n")
	var mem []byte
	if _, err := pack(in, func(m []byte) ([]byte, error) { mem = bytes.Clone(m); return nil, dropLines(mem) }); err != nil {
		t.Fatal(err)
	}
	tables, err := findTables(mem)
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.Index(mem, tableHeader)
	module, err := findModule(mem, header)
	if err != nil {
		t.Fatal(err)
	}
	put := func(at int, v uint32) func([]byte) []byte {
		return func(m []byte) []byte { binary.LittleEndian.PutUint32(m[at:], v); return m }
	}
	last := tables.base + 8*(tables.funcs-1) + 4
	for name, spoil := range map[string]func([]byte) []byte{
		"no-table":         put(header, 0),
		"no-module":        put(module, 1),
		"cut":              func(m []byte) []byte { return m[:tables.after-1] },
		"no-functions":     put(header+8, 0),
		"more-functions":   put(header+8, uint32(tables.funcs+1)),
		"another-list":     put(module+8*16, uint32(tables.base+8)),
		"buckets-before":   put(module+8*19, uint32(tables.base-8)),
		"first-record":     put(tables.base+4, 0),
		"record-elsewhere": put(tables.base+12, uint32(tables.first-tables.base+8)),
		"record-far":       put(last, 1<<30),
		"another-function": put(tables.base, 1),
		"another-end":      put(module+8*41, uint32(tables.after+1)),
		"another-bucket":   put(tables.buckets+bucketBytes, 7),
		"bucket-with-more": put(tables.buckets+4, 1),
		"much-pcdata":      put(tables.first+4*wordPCData, columnsData+1),
		"much-funcdata":    func(m []byte) []byte { m[tables.first+byteData] = columnsData + 1; return m },
		"a-word-too-many":  func(m []byte) []byte { m[tables.first+byteData] += 4; return m },
	} {
		if _, err := squeeze(spoil(bytes.Clone(mem))); !errors.Is(err, errLines) {
			t.Errorf("%s: got %v, want %v", name, err, errLines)
		}
	}
	if _, err := squeeze(bytes.Clone(mem)); err != nil {
		t.Errorf("as it is: got %v, want nil", err)
	}
}

// A start function goes only into a file that is as the linker writes it.
func TestStartRefuses(t *testing.T) {
	good := func() []section {
		return []section{{sectionType, []byte{0}}, {sectionImport, []byte{1, 1, 'a', 1, 'b', 0, 0}}, {sectionFunction, []byte{0}}, {sectionExport, []byte{0}}, {sectionCode, []byte{0}}}
	}
	body := []byte{0, opEnd}
	if out, err := addStart(good(), body); err != nil || len(out) != 6 || out[4].id != sectionStart || !bytes.Equal(out[4].body, []byte{1}) || !bytes.Equal(out[5].body, []byte{1, 2, 0, opEnd}) {
		t.Errorf("as it is: got %v and %v, want function 1 started", out, err)
	}
	for name, spoil := range map[string]func([]section) []section{
		"no-import":       func(s []section) []section { return append(s[:1:1], s[2:]...) },
		"two-types":       func(s []section) []section { return append(s, s[0]) },
		"a-start":         func(s []section) []section { return append(s, section{sectionStart, []byte{0}}) },
		"no-export":       func(s []section) []section { s[3].id = 0; return s },
		"imports-memory":  func(s []section) []section { s[1].body[5] = 2; return s },
		"import-cut":      func(s []section) []section { s[1].body = s[1].body[:4]; return s },
		"import-no-type":  func(s []section) []section { s[1].body = s[1].body[:6]; return s },
		"import-no-kind":  func(s []section) []section { s[1].body = s[1].body[:5]; return s },
		"empty-functions": func(s []section) []section { s[2].body = nil; return s },
		"other-code":      func(s []section) []section { s[4].body = []byte{1, 2, 0, opEnd}; return s },
	} {
		if _, err := addStart(spoil(good()), body); !errors.Is(err, errWASM) {
			t.Errorf("%s: got %v, want %v", name, err, errWASM)
		}
	}
}

// Whatever stands in the tables, the build ends with an error or a file, and not with a panic.
func FuzzTables(f *testing.F) {
	in := program(f, "package main\n\nfunc main() {}\n")
	var mem []byte
	if _, err := pack(in, func(m []byte) ([]byte, error) { mem = bytes.Clone(m); return nil, nil }); err != nil {
		f.Fatal(err)
	}
	header := bytes.Index(mem, tableHeader)
	module, err := findModule(mem, header)
	if err != nil {
		f.Fatal(err)
	}
	// Places count from the header, from the module's data, or from the first of the functions' list.
	places := []int{header, module, header + int(binary.LittleEndian.Uint64(mem[header+64:]))}
	f.Add(uint8(1), uint16(8*gofuncWord), uint64(1<<64-1))
	f.Add(uint8(1), uint16(8*16), uint64(1<<63-1))
	f.Add(uint8(0), uint16(8), uint64(1<<19))
	f.Add(uint8(2), uint16(4), uint64(7))
	f.Fuzz(func(t *testing.T, which uint8, off uint16, v uint64) {
		m := bytes.Clone(mem)
		at := places[int(which)%len(places)] + int(off)
		if at+8 > len(m) {
			return
		}
		binary.LittleEndian.PutUint64(m[at:], v)
		if _, err := squeezed(m); err != nil && !errors.Is(err, errLines) {
			t.Errorf("got %v, want %v", err, errLines)
		}
	})
}
