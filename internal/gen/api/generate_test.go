package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCurrent shows that web/app/api.ts is what the generator writes from core today.
func TestCurrent(t *testing.T) {
	root, err := rootDir()
	if err != nil {
		t.Fatal(err)
	}
	want, err := Generate(filepath.Join(root, "core"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, target))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not current: got %d bytes, want %d; run go generate ./internal/gen/api", target, len(got), len(want))
	}
}

// TestGenerate shows the translation of each kind of field, by a small package of its own.
func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	command := `package core
type Command interface{ command() }
// Kind is a kind.
type Kind string
const (
	KindA Kind = "a"
	KindB Kind = "b"
)
const SizeMax = 7
// Ask asks. Result: Told, soon.
type Ask struct {
	Name string ` + "`json:\"name,omitempty\"`" + ` // its name
	On   *bool  ` + "`json:\"on,omitempty\"`" + `
	Data []byte ` + "`json:\"data\"`" + `
}
// Told tells.
type Told struct {
	All  []Ask    ` + "`json:\"all\"`" + `
	Some []string ` + "`json:\"some,omitempty\"`" + `
	K    Kind     ` + "`json:\"k\"`" + `
	N    uint64   ` + "`json:\"n\"`" + `
}
type Done struct{}
func (Ask) command() {}
func (Told) result() {}
func (Done) result() {}
`
	write(t, dir, "command.go", command)
	write(t, dir, "event.go", "package core\n// Rang rang.\ntype Rang struct{}\nfunc (Rang) event() {}\n")
	got, err := Generate(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"export const kinds = [\"a\", \"b\"] as const;\nexport type Kind = (typeof kinds)[number];",
		"  name?: string; // its name\n", "  on?: boolean;\n", "  data: Base64;\n",
		"  all: Ask[] | null;\n", "  some?: string[];\n", "  k: Kind;\n", "  n: number;\n",
		"export const sizeMax = 7;\n", "  ask: { args: Ask; result: Told };\n", "export type Event =\n  | ({ event: \"rang\" } & Rang);\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant it to hold\n%s", got, want)
		}
	}
}

// TestGenerateRefuses shows that what cannot be translated is an error, not a guess.
func TestGenerateRefuses(t *testing.T) {
	cases := map[string]string{
		"no-json-name":   "type A struct{ X int }",
		"unknown-type":   "type A struct{ X float32 `json:\"x\"` }",
		"unknown-kind":   "type A struct{ X map[string]int `json:\"x\"` }",
		"unknown-result": "// A asks. Result: Nothing.\ntype A struct{}\nfunc (A) command() {}",
		"bare-string":    "type A string",
		"broken-source":  "type A struct{",
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "command.go", "package core\n"+body+"\n")
			write(t, dir, "event.go", "package core\n")
			if out, err := Generate(dir); err == nil {
				t.Errorf("got\n%s\nwant an error", out)
			}
		})
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
