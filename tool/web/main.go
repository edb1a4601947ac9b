// Command web builds everything of the browser app that the binary embeds, into face/web/dist:
// the WASM core, the bundles, index.html, the service worker, precompressed copies, and
// manifest.json, which names the SHA-256 of every file and is what a release publishes.
//
// The same commit gives the same bytes in any directory and on any machine with the same Go:
// names come from contents, no time or path goes into a file. The core knows its version (git describe, or
// -version where there is no git). Nothing is written that has not changed,
// and what is already compressed is kept, so a warm build takes a second or two.
//
// Before: npm ci --ignore-scripts in web/ (Preact's sources come from there; no Node program runs here).
// Usage, from anywhere in the repository: go run -C tool ./web [-quality 11] [-version v1.2.3]
package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// shellBytesMax bounds what a browser loads before the core: html, css and scripts, brotli 11. laterBytesMax bounds what
// it loads after that, for windows that are opened now and then.
const (
	shellBytesMax = 60_000
	laterBytesMax = 70_000
)

// appEntry is the product's first module.
const appEntry = "app/main.tsx"

// Qualities of brotli: 11 takes ten seconds for the core and saves a seventh.
const (
	qualityDev     = 5
	qualityRelease = 11
)

func main() {
	root := flag.String("root", "", "the repository (default: the one around the working directory)")
	quality := flag.Int("quality", qualityDev, "of brotli for the core; 11 is a release and takes ten seconds more")
	out := flag.String("out", "", "directory to write to (default: face/web/dist)")
	release := flag.String("version", "", "what the core says it is (default: git describe)")
	entry := flag.String("entry", appEntry, "first module of the app, below web; the UI tests bring their own and need no core")
	flag.Parse()
	if err := run(*root, *quality, *out, *entry, *release); err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func run(root string, quality int, out, entry, release string) error {
	start := time.Now()
	if root == "" {
		var err error
		if root, err = rootDir(); err != nil {
			return err
		}
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	if (out == "") != (entry == appEntry) {
		return fmt.Errorf("-out and -entry go together: face/web/dist holds the product and nothing else")
	}
	if out == "" {
		out = filepath.Join(root, "face", "web", "dist")
	}
	if _, err := os.Stat(filepath.Join(root, "web", "node_modules", "preact")); err != nil {
		return fmt.Errorf("web/node_modules is missing: run npm ci --ignore-scripts in web/ first")
	}
	files, later, err := build(root, entry, release)
	if err != nil {
		return err
	}
	sizes, err := write(out, files, quality)
	if err != nil {
		return err
	}
	shell, rest := 0, 0
	for name, size := range sizes {
		if slices.Contains(later, name) {
			rest += size
		} else if ext := path.Ext(name); ext == ".js" || ext == ".css" || ext == ".html" {
			shell += size
		}
	}
	version := sha256.Sum256(files["manifest.json"])
	fmt.Printf("web: version %s: shell %d bytes brotli (budget %d), later %d (budget %d), core %s at quality %d, %d ms\n",
		hex.EncodeToString(version[:8]), shell, shellBytesMax, rest, laterBytesMax, coreSize(sizes), quality, time.Since(start).Milliseconds())
	if entry == appEntry && shell > shellBytesMax {
		return fmt.Errorf("the app shell is %d bytes brotli, more than %d", shell, shellBytesMax)
	}
	if entry == appEntry && rest > laterBytesMax {
		return fmt.Errorf("the parts loaded later are %d bytes brotli, more than %d", rest, laterBytesMax)
	}
	return nil
}

func coreSize(sizes map[string]int) string {
	for name, size := range sizes {
		if path.Ext(name) == ".wasm" {
			return fmt.Sprintf("%d bytes", size)
		}
	}
	return "missing (no cmd/wasm)"
}

// build makes every file in memory, by its path below dist, and names what is not loaded at the start.
func build(root, entry, release string) (map[string][]byte, []string, error) {
	files := map[string][]byte{}
	add := func(dir, name, ext string, content []byte) string {
		sum := sha256.Sum256(content)
		full := dir + name + "-" + hex.EncodeToString(sum[:6]) + ext
		files[full] = content
		return "/" + full
	}
	var wasm []byte
	var err error
	if entry == appEntry {
		if wasm, err = core(root, release); err != nil {
			return nil, nil, err
		}
	}
	coreURL := ""
	if wasm != nil {
		coreURL = add("assets/", "core", ".wasm", wasm)
	}
	exec, err := wasmExec()
	if err != nil {
		return nil, nil, err
	}
	b := bundler{web: filepath.Join(root, "web"), wasmExec: exec}
	bundle := func(name, entry, ext string, define map[string]string) (string, error) {
		content, err := b.bundle(entry, define)
		if err != nil {
			return "", err
		}
		return add("assets/", name, ext, content), nil
	}
	worker, err := bundle("worker", "lib/worker.ts", ".js", map[string]string{"CORE_URL": quote(coreURL)})
	if err != nil {
		return nil, nil, err
	}
	laterCSS, err := bundle("later", "style/later.css", ".css", nil)
	if err != nil {
		return nil, nil, err
	}
	app, err := b.split(entry, map[string]string{"WORKER_URL": quote(worker), "LATER_CSS": quote(laterCSS)})
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(files, app.files)
	preload := ""
	for _, name := range app.shell[1:] { // the browser asks for it together with the entry, not after it
		preload += `<link rel="modulepreload" href="/` + name + `">` + "\n"
	}
	theme, err := bundle("theme", "lib/theme.ts", ".js", nil)
	if err != nil {
		return nil, nil, err
	}
	css, err := bundle("app", "style/app.css", ".css", nil)
	if err != nil {
		return nil, nil, err
	}
	html, err := os.ReadFile(filepath.Join(root, "web", "index.html"))
	if err != nil {
		return nil, nil, err
	}
	files["index.html"] = []byte(strings.NewReplacer("/style/app.css", css, "/app/main.js", "/"+app.entry, "/lib/theme.js", theme, "<!-- preload -->\n", preload).Replace(string(html)))
	if err := static(filepath.Join(root, "web", "icon"), files); err != nil {
		return nil, nil, err
	}
	// The service worker carries the names of one whole version, so it is made of the others.
	names := slices.Sorted(mapKeys(files))
	all := sha256.New()
	for _, name := range names {
		fmt.Fprintf(all, "%s %x\n", name, sha256.Sum256(files[name]))
	}
	list, err := json.Marshal(names)
	if err != nil {
		return nil, nil, err
	}
	sw, err := b.bundle("lib/sw.ts", map[string]string{"FILES": string(list), "VERSION": quote(hex.EncodeToString(all.Sum(nil)[:8]))})
	if err != nil {
		return nil, nil, err
	}
	files["sw.js"] = sw
	sums := map[string]string{}
	for name, content := range files {
		sum := sha256.Sum256(content)
		sums["/"+name] = hex.EncodeToString(sum[:])
	}
	manifest, err := json.MarshalIndent(sums, "", " ")
	if err != nil {
		return nil, nil, err
	}
	files["manifest.json"] = append(manifest, '\n')
	return files, append(app.later, strings.TrimPrefix(laterCSS, "/")), nil
}

// static adds the files of dir under their own names.
func static(dir string, files map[string][]byte) error {
	return fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = os.ReadFile(filepath.Join(dir, name))
		return err
	})
}

// core compiles cmd/wasm, or returns nil when the source tree has none.
func core(root, release string) ([]byte, error) {
	if _, err := os.Stat(filepath.Join(root, "cmd", "wasm")); err != nil {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "paperplane-web-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "core.wasm")
	flags := "-ldflags=-s -w -buildid= -X main.version=" + cmp.Or(release, version(root))
	small, err := overlay(dir)
	if err != nil {
		return nil, err
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", small, flags}, coldFlags()...)
	cmd := exec.Command("go", append(args, "-o", out, "./cmd/wasm")...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build ./cmd/wasm: %w", err)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return pack(wasm, func(mem []byte) ([]byte, error) {
		if err := dropLines(mem); err != nil {
			return nil, err
		}
		return squeeze(mem)
	})
}

// version names the commit the core is built from. It says nothing of changes that are not committed: a word that comes
// and goes with them would change the core's name. Without git or tags it is "dev" or the commit alone.
func version(root string) string {
	out, err := exec.Command("git", "-C", root, "describe", "--tags", "--always", "--abbrev=12").Output()
	if v := strings.TrimSpace(string(out)); err == nil && v != "" {
		return v
	}
	return "dev"
}

// wasmExec returns the toolchain's own glue, which must match the compiler that made the core.
func wasmExec() ([]byte, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js"))
}

func rootDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "web", "index.html")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("not inside the repository")
		}
		dir = up
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}
