package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// bundler turns entries below web into minified files.
type bundler struct {
	web      string
	wasmExec []byte
}

func (b bundler) bundle(entry string, define map[string]string) ([]byte, error) {
	o := b.options(entry, define)
	o.Format, o.Outdir = api.FormatIIFE, b.web
	result, err := b.build(entry, o)
	if err != nil {
		return nil, err
	}
	if len(result.OutputFiles) != 1 {
		return nil, fmt.Errorf("%s: %d output files, want 1", entry, len(result.OutputFiles))
	}
	return result.OutputFiles[0].Contents, nil
}

// parts are the modules that an app is cut into: what its page loads at once, its entry first, and what it
// loads when it is asked for. Both list paths below dist.
type parts struct {
	entry        string
	shell, later []string
	files        map[string][]byte
}

// split bundles the app as modules; import() in the source makes a part of its own.
func (b bundler) split(entry string, define map[string]string) (parts, error) {
	o := b.options(entry, define)
	o.Format, o.Splitting, o.Metafile, o.Outdir = api.FormatESModule, true, true, filepath.Join(b.web, "dist")
	o.EntryNames, o.ChunkNames = "assets/app-[hash]", "assets/[name]-[hash]"
	result, err := b.build(entry, o)
	if err != nil {
		return parts{}, err
	}
	p := parts{files: map[string][]byte{}}
	for _, f := range result.OutputFiles {
		name, err := filepath.Rel(o.Outdir, f.Path)
		if err != nil {
			return parts{}, err
		}
		p.files[filepath.ToSlash(name)] = f.Contents
	}
	var meta struct {
		Outputs map[string]struct {
			EntryPoint string
			Imports    []struct{ Path, Kind string }
		}
	}
	if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil {
		return parts{}, err
	}
	at := func(name string) string { return "dist/" + name }
	for name := range p.files {
		if meta.Outputs[at(name)].EntryPoint == entry {
			p.entry = name
		}
	}
	if p.entry == "" {
		return parts{}, fmt.Errorf("%s: no output of its own", entry)
	}
	// What the entry imports by statements, directly or not, is loaded with it.
	p.shell = []string{p.entry}
	for i := 0; i < len(p.shell); i++ {
		for _, im := range meta.Outputs[at(p.shell[i])].Imports {
			name := strings.TrimPrefix(im.Path, "dist/")
			if im.Kind == "import-statement" && p.files[name] != nil && !slices.Contains(p.shell, name) {
				p.shell = append(p.shell, name)
			}
		}
	}
	slices.Sort(p.shell[1:])
	for name := range p.files {
		if !slices.Contains(p.shell, name) {
			p.later = append(p.later, name)
		}
	}
	slices.Sort(p.later)
	return p, nil
}

func (b bundler) options(entry string, define map[string]string) api.BuildOptions {
	return api.BuildOptions{
		AbsWorkingDir: b.web, EntryPoints: []string{entry}, Write: false, Bundle: true,
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true,
		Target: api.ES2022, Charset: api.CharsetUTF8,
		JSX: api.JSXAutomatic, JSXImportSource: "preact", LegalComments: api.LegalCommentsNone,
		MainFields: []string{"module", "main"}, Define: define, Plugins: []api.Plugin{b.goGlue()}, LogLevel: api.LogLevelSilent,
	}
}

func (b bundler) build(entry string, o api.BuildOptions) (api.BuildResult, error) {
	result := api.Build(o)
	for _, e := range result.Errors {
		where := entry
		if e.Location != nil {
			where = fmt.Sprintf("%s:%d:%d", e.Location.File, e.Location.Line, e.Location.Column)
		}
		return result, fmt.Errorf("%s: %s", where, e.Text)
	}
	return result, nil
}

// goGlue makes `import "go:wasm_exec"` mean the toolchain's file, wherever it is installed.
func (b bundler) goGlue() api.Plugin {
	return api.Plugin{Name: "go-glue", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^go:wasm_exec$`}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: "wasm_exec.js", Namespace: "go"}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "go"}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
			source := string(b.wasmExec)
			return api.OnLoadResult{Contents: &source, Loader: api.LoaderJS}, nil
		})
	}}
}

func mapKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// compressible tells which files are stored compressed too.
func compressible(name string) bool {
	for _, ext := range []string{".js", ".css", ".wasm", ".html", ".svg", ".json", ".webmanifest"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}
