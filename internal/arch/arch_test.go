// Package arch holds the test that keeps the house's import policy (policy.txt).
package arch

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "paperplane"

// testOnly are directories that may import more than the policy says; nothing imports them.
var testOnly = []string{"sim", "e2e", "bench", "internal/gen", "internal/arch", "internal/tidy", "tool", "peers"}

// pure are the packages of law 2 and pureBanned what they may not import.
var (
	pure       = []string{"core", "mls", "protocol/seal", "protocol/wire", "protocol/caps", "protocol/plane", "protocol/content"}
	pureBanned = []string{"os", "net", "net/http", "context", "sync", "log", "log/slog", "math/rand"}
	// wasmBanned may not be linked into the browser's core: size, and no use for them there.
	wasmBanned = []string{"net/http", "crypto/tls", "os/exec", "database/sql", "testing"}
)

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	GoFiles    []string
}

// list runs go list -deps=false over the whole module for one platform.
func list(t *testing.T, goos, goarch string, args ...string) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Imports,Deps,GoFiles"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	pkgs := map[string]pkg{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list output: %v", err)
		}
		if len(p.GoFiles) > 0 {
			pkgs[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p
		}
	}
}

// policy is the parsed policy.txt over names (see nameOf).
type policy struct {
	names map[string]bool
	below map[string][]string // name -> names that it may import directly
	never [][2]string         // {a, b}: b must not reach a
}

func parse(r io.Reader) (policy, error) {
	p := policy{names: map[string]bool{}, below: map[string][]string{}}
	sc := bufio.NewScanner(r)
	for n := 1; sc.Scan(); n++ {
		line, _, _ := strings.Cut(sc.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		op := " < "
		if strings.Contains(line, " !< ") {
			op = " !< "
		}
		l, r, ok := strings.Cut(line, op)
		if !ok {
			return p, fmt.Errorf("line %d: no < in it", n)
		}
		for b := range strings.SplitSeq(r, ",") {
			b = strings.TrimSpace(b)
			p.names[b] = true
			for a := range strings.SplitSeq(l, ",") {
				a = strings.TrimSpace(a)
				if a == "NONE" {
					continue
				}
				p.names[a] = true
				if op == " < " {
					p.below[b] = append(p.below[b], a)
				} else {
					p.never = append(p.never, [2]string{a, b})
				}
			}
		}
	}
	return p, sc.Err()
}

// nameOf gives the policy's name of a package path, "" when it has none.
func (p policy) nameOf(dir string) string {
	for d := dir; d != "." && d != ""; d = path.Dir(d) {
		elems := strings.Split(d, "/")
		for i := range elems { // longest suffix first: face/api before api
			name := strings.Join(elems[i:], "/")
			if d != dir && p.names[name+"/*"] {
				return name + "/*"
			}
			if p.names[name] {
				return name
			}
		}
	}
	return ""
}

// reach returns all names that name may import, itself included.
func (p policy) reach(name string) map[string]bool {
	seen := map[string]bool{}
	var walk func(string)
	walk = func(n string) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, b := range p.below[n] {
			walk(b)
		}
	}
	walk(name)
	return seen
}

// TestImportPolicy checks every direct import inside the module against policy.txt. Test-only
// directories are exempt, and nothing may import them.
func TestImportPolicy(t *testing.T) {
	f, err := os.Open("policy.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := parse(f)
	if err != nil {
		t.Fatal(err)
	}
	all := list(t, "linux", "amd64", "./...")
	maps.Copy(all, list(t, "js", "wasm", "./..."))
	if len(all) < 15 {
		t.Fatalf("go list found only %d packages: this test would prove nothing", len(all))
	}
	for _, dir := range slices.Sorted(maps.Keys(all)) {
		if exempt(dir) {
			continue
		}
		name := p.nameOf(dir)
		if name == "" {
			t.Errorf("package %q has no name in policy.txt", dir)
			continue
		}
		may := p.reach(name)
		for _, imp := range all[dir].Imports {
			target, ok := strings.CutPrefix(imp, module+"/")
			if !ok {
				continue
			}
			if exempt(target) {
				t.Errorf("%s imports the test-only %s", dir, target)
				continue
			}
			tn := p.nameOf(target)
			sibling := tn == name && strings.HasSuffix(name, "/*") && topOf(dir, name) != topOf(target, name)
			if !may[tn] || sibling {
				t.Errorf("%s (%s) may not import %s (%s)", dir, name, target, tn)
			}
		}
	}
	for _, n := range p.never {
		for dir, pk := range all {
			if exempt(dir) || p.nameOf(dir) != n[1] {
				continue
			}
			for _, dep := range pk.Deps {
				if d, ok := strings.CutPrefix(dep, module+"/"); ok && p.nameOf(d) == n[0] {
					t.Errorf("promise broken: %s must never reach %s, but %s links %s", n[1], n[0], dir, d)
				}
			}
		}
	}
}

// topOf returns the implementation's own directory below the seam of a "X/*" name, so that a
// package may import its own subpackages but not its siblings.
func topOf(dir, name string) string {
	seam := strings.TrimSuffix(name, "/*") + "/"
	i := strings.Index("/"+dir, "/"+seam)
	rest := dir[i+len(seam):]
	first, _, _ := strings.Cut(rest, "/")
	return first
}

func exempt(dir string) bool {
	if strings.HasSuffix(path.Base(dir), "test") {
		return true
	}
	return slices.ContainsFunc(testOnly, func(d string) bool { return dir == d || strings.HasPrefix(dir, d+"/") })
}

// TestPurePackages shows that the packages of law 2 import none of what does I/O.
func TestPurePackages(t *testing.T) {
	for dir, p := range list(t, "linux", "amd64", "./...") {
		isPure := slices.ContainsFunc(pure, func(d string) bool { return dir == d || strings.HasPrefix(dir, d+"/") })
		if !isPure || exempt(dir) {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(pureBanned, imp) {
				t.Errorf("%s imports %s: law 2", dir, imp)
			}
		}
	}
}

// TestBrowserCoreIsSmall shows that nothing heavy is linked into the browser's core.
func TestBrowserCoreIsSmall(t *testing.T) {
	for _, p := range list(t, "js", "wasm", "./cmd/wasm") {
		for _, dep := range p.Deps {
			if slices.Contains(wasmBanned, dep) {
				t.Errorf("cmd/wasm links %s", dep)
			}
		}
	}
}

// TestPolicyCatches breaks the policy on paper and expects to be told: a checker that never
// objects proves nothing.
func TestPolicyCatches(t *testing.T) {
	p, err := parse(strings.NewReader("inv < plane\nplane < server, mls\nstore < store/*\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p.reach("server")["mls"] {
		t.Error("server may reach mls, want not")
	}
	if !p.reach("server")["inv"] {
		t.Error("server may not reach inv, want yes through plane")
	}
	for dir, want := range map[string]string{"protocol/plane": "plane", "server/logs": "server", "server/store/mem": "store/*", "other": ""} {
		if got := p.nameOf(dir); got != want {
			t.Errorf("nameOf(%q) = %q, want %q", dir, got, want)
		}
	}
}
