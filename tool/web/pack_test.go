package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// file makes a WASM file of a custom section and one data section.
func file(segments ...segment) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00\x00\x02\x01x")
	body := appendData(nil, segments)
	out = append(out, sectionData, byte(len(body))|0x80, byte(len(body)>>7)) // sizes here stay below 16,384
	return append(out, body...)
}

// memory returns what the file's segments leave in memory, and how many they are.
func memory(t testing.TB, wasm []byte) ([]byte, int) {
	t.Helper()
	var mem []byte
	count := 0
	for rest := wasm[8:]; len(rest) > 0; {
		id := rest[0]
		body, after, err := vector(rest[1:])
		if err != nil {
			t.Fatal(err)
		}
		rest = after
		if id != sectionData {
			continue
		}
		segments, err := parseData(body)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range segments {
			if end := int(s.offset) + len(s.bytes); end > len(mem) {
				mem = append(mem, make([]byte, end-len(mem))...)
			}
			copy(mem[s.offset:], s.bytes)
			count++
		}
	}
	return mem, count
}

func TestPack(t *testing.T) {
	one := []byte{1}
	for _, c := range []struct {
		name     string
		segments []segment
		want     int
	}{
		{"none", nil, 0},
		{"gap-at-the-limit", []segment{{5000, one}, {5001 + gapBytes, one}}, 1},
		{"gap-above-the-limit", []segment{{5000, one}, {5002 + gapBytes, one}}, 2},
		{"adjacent", []segment{{63, one}, {64, one}, {65, one}}, 1},
		{"any-order", []segment{{300, one}, {40, one}, {310, []byte{2, 3}}}, 2},
		{"signed-offsets", []segment{{0x3f, one}, {0x1000, one}, {0x40_0000, one}}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := file(c.segments...)
			out, err := pack(in, same)
			if err != nil {
				t.Fatal(err)
			}
			before, _ := memory(t, in)
			after, got := memory(t, out)
			if !bytes.Equal(before, after) {
				t.Errorf("got memory %x, want %x", after, before)
			}
			if got != c.want {
				t.Errorf("got %d segments, want %d", got, c.want)
			}
			if !bytes.HasPrefix(out, in[:12]) {
				t.Errorf("got %x before the data, want %x", out[:12], in[:12])
			}
		})
	}
}

func TestPackRefuses(t *testing.T) {
	good := file(segment{8, []byte{1, 2}})
	for _, c := range []struct {
		name string
		in   []byte
	}{
		{"empty", nil},
		{"other-version", append([]byte("\x00asm\x02\x00\x00\x00"), good[8:]...)},
		{"cut", good[:len(good)-1]},
		{"longer-than-said", append(good[:len(good):len(good)], 7)},
		{"overlap", file(segment{8, []byte{1, 2}}, segment{9, []byte{3}})},
		{"negative-offset", []byte("\x00asm\x01\x00\x00\x00\x0b\x07\x01\x00\x41\x7f\x0b\x01x")},
		{"passive-segment", []byte("\x00asm\x01\x00\x00\x00\x0b\x04\x01\x01\x01x")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := pack(c.in, same); !errors.Is(err, errWASM) {
				t.Errorf("got %v, want %v", err, errWASM)
			}
		})
	}
}

// program has the real linker make a WASM file of a Go program.
func program(t testing.TB, source string, flags ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(dir, "plain.wasm")
	build := exec.Command("go", append(append([]string{"build"}, flags...), "-o", plain, "main.go")...)
	build.Dir, build.Env = dir, append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	in, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// execute runs a WASM file under Node and returns what it printed.
func execute(t *testing.T, wasm []byte) (string, error) {
	t.Helper()
	packed := filepath.Join(t.TempDir(), "packed.wasm")
	if err := os.WriteFile(packed, wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	goroot := strings.TrimSpace(execOutput(t, "go", "env", "GOROOT"))
	out, err := exec.Command(filepath.Join(goroot, "lib", "wasm", "go_js_wasm_exec"), packed).CombinedOutput()
	return string(out), err
}

// A packed program of the real linker still runs, from far fewer segments.
func TestPackedProgramRuns(t *testing.T) {
	in := program(t, "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"alive\\n\") }\n")
	out, err := pack(in, same)
	if err != nil {
		t.Fatal(err)
	}
	before, many := memory(t, in)
	after, few := memory(t, out)
	if !bytes.Equal(bytes.TrimRight(before, "\x00"), after) {
		t.Error("the memory differs")
	}
	if few*100 > many {
		t.Errorf("got %d segments of %d, want at most a hundredth", few, many)
	}
	if got, err := execute(t, out); err != nil || got != "alive\n" {
		t.Errorf("got %q, %v, want %q", got, err, "alive\n")
	}
}

func FuzzPack(f *testing.F) {
	f.Add(file(segment{8, []byte{1}}, segment{80, []byte{2, 3}}))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x0b\x05\x01\x00\x41\x00\x0b"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := pack(in, same)
		if err != nil {
			if !errors.Is(err, errWASM) {
				t.Errorf("got %v, want %v", err, errWASM)
			}
			return
		}
		again, err := pack(out, same)
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("packed twice: got %x, %v, want %x", again, err, out)
		}
	})
}

// same edits nothing.
func same([]byte) ([]byte, error) { return nil, nil }

func execOutput(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
