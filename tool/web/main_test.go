package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestWrite shows what a directory holds after two versions were written to it: exactly the second, with
// copies that are as small as its quality says, and untouched files where nothing changed.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	long := bytes.Repeat([]byte("the same words again and again "), 500)
	first := map[string][]byte{"index.html": long, "assets/app-1.js": []byte("one"), "icon.png": {1, 2, 3}}
	if _, err := write(dir, first, qualityDev); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(dir, "index.html.br"))
	if err != nil {
		t.Fatal(err)
	}
	second := map[string][]byte{"index.html": long, "assets/app-2.js": []byte("two"), "icon.png": {1, 2, 3}}
	sizes, err := write(dir, second, qualityDev)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(dir, "index.html.br"))
	if err != nil {
		t.Fatal(err)
	}
	if !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("index.html.br: got written at %v, want it left alone since %v", after.ModTime(), before.ModTime())
	}
	if sizes["index.html"] >= len(long)/10 {
		t.Errorf("brotli: got %d bytes, want less than a tenth of %d", sizes["index.html"], len(long))
	}
	got := list(t, dir)
	want := []string{".build", ".keep", "assets/app-2.js", "assets/app-2.js.br", "assets/app-2.js.gz", "icon.png", "index.html", "index.html.br", "index.html.gz"}
	if !slices.Equal(got, want) {
		t.Errorf("files: got %v, want %v", got, want)
	}
}

// TestWritePlainLimit shows that a file above the limit is stored as its compressed copies alone, and that these are
// kept when nothing changed and made anew when the content did.
func TestWritePlainLimit(t *testing.T) {
	dir := t.TempDir()
	core := bytes.Repeat([]byte("core"), plainBytesMax/4)
	files := map[string][]byte{"at.wasm": core, "above.wasm": append(core[:len(core):len(core)], '1')}
	if _, err := write(dir, files, qualityDev); err != nil {
		t.Fatal(err)
	}
	want := []string{".build", ".keep", "above.wasm.br", "above.wasm.gz", "at.wasm", "at.wasm.br", "at.wasm.gz"}
	if got := list(t, dir); !slices.Equal(got, want) {
		t.Fatalf("files: got %v, want %v", got, want)
	}
	gz := filepath.Join(dir, "above.wasm.gz")
	before, err := os.ReadFile(gz)
	if err != nil {
		t.Fatal(err)
	}
	if !unpacksTo(before, files["above.wasm"]) {
		t.Error("the gzip copy does not hold the content")
	}
	for _, last := range []byte{'1', '2'} {
		files["above.wasm"][plainBytesMax] = last
		if _, err := write(dir, files, qualityDev); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(gz)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := bytes.Equal(before, after), last == '1'; got != want {
			t.Errorf("after writing %q: got kept %v, want %v", last, got, want)
		}
	}
}

// TestWriteReproduces shows that two directories get the same bytes, also where one is written over an older version.
func TestWriteReproduces(t *testing.T) {
	files := map[string][]byte{"index.html": bytes.Repeat([]byte("abc"), 5000), "assets/core-1.wasm": bytes.Repeat([]byte{0, 1, 2, 3, 5, 8}, 9000)}
	a, b := t.TempDir(), t.TempDir()
	if _, err := write(b, map[string][]byte{"index.html": []byte("older")}, qualityRelease); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{a, b} {
		if _, err := write(dir, files, qualityDev); err != nil {
			t.Fatal(err)
		}
	}
	one, two := contents(t, a), contents(t, b)
	if !maps.EqualFunc(one, two, bytes.Equal) {
		t.Errorf("got %v and %v, want the same names and bytes", list(t, a), list(t, b))
	}
}

// TestOutNeedsEntry shows that the product's directory takes nothing but the product.
func TestOutNeedsEntry(t *testing.T) {
	if err := run(t.TempDir(), qualityDev, "", "test/fakemain.ts", ""); err == nil {
		t.Error("got no error, want one: a test entry without a directory of its own")
	}
}

// TestVersion shows what a core says it is: the commit's name, one line, the same again; and "dev" outside a repository.
func TestVersion(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	if got := version(dir); got != "dev" {
		t.Errorf("without git: got %q, want dev", got)
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "x"}, {"tag", "v1.2.3"},
	} {
		if msg, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, msg)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := version(dir); got != "v1.2.3" {
		t.Errorf("at a tag: got %q, want v1.2.3", got)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	return slices.Sorted(maps.Keys(contents(t, dir)))
}

func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	if err := static(dir, all); err != nil {
		t.Fatal(err)
	}
	return all
}
