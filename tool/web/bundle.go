package main

import (
	"fmt"
	"iter"
	"maps"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// bundler turns an entry below web into one minified file.
type bundler struct {
	web      string
	wasmExec []byte
}

func (b bundler) bundle(entry string, define map[string]string) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: b.web, EntryPoints: []string{entry}, Outdir: b.web, Write: false, Bundle: true,
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true,
		Format: api.FormatIIFE, Target: api.ES2022, Charset: api.CharsetUTF8,
		JSX: api.JSXAutomatic, JSXImportSource: "preact", LegalComments: api.LegalCommentsNone,
		MainFields: []string{"module", "main"}, Define: define, Plugins: []api.Plugin{b.goGlue()}, LogLevel: api.LogLevelSilent,
	})
	for _, e := range result.Errors {
		where := entry
		if e.Location != nil {
			where = fmt.Sprintf("%s:%d:%d", e.Location.File, e.Location.Line, e.Location.Column)
		}
		return nil, fmt.Errorf("%s: %s", where, e.Text)
	}
	if len(result.OutputFiles) != 1 {
		return nil, fmt.Errorf("%s: %d output files, want 1", entry, len(result.OutputFiles))
	}
	return result.OutputFiles[0].Contents, nil
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
