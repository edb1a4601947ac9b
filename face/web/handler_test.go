package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var built = fstest.MapFS{
	".build":                {Data: []byte("brotli 5")},
	"index.html":            {Data: []byte(`<meta name="pp-core" content="wasm">plain`)},
	"index.html.br":         {Data: []byte("br-page")},
	"assets/app-12.js":      {Data: []byte("plain")},
	"assets/app-12.js.br":   {Data: []byte("br")},
	"assets/app-12.js.gz":   {Data: []byte("gz")},
	"icon-192.png":          {Data: []byte("png")},
	"assets/core-1.wasm.br": {Data: []byte("br-core")},
	"assets/core-1.wasm.gz": {Data: zipped("a large core")},
	"assets/bad-1.wasm.gz":  {Data: []byte("gz of nothing")},
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.Bytes()
}

// TestServe shows what each request gets: the right form, type and cache life; and nothing else.
func TestServe(t *testing.T) {
	cases := []struct {
		name, method, path, accept, core   string
		code                               int
		body, encoding, contentType, cache string
	}{
		{"page", "GET", "/", "", CoreWASM, 200, `<meta name="pp-core" content="wasm">plain`, "", "text/html; charset=utf-8", "no-cache"},
		{"page-brotli", "GET", "/", "gzip, br", CoreWASM, 200, "br-page", "br", "text/html; charset=utf-8", "no-cache"},
		{"page-local-is-told", "GET", "/", "br", CoreLocal, 200, `<meta name="pp-core" content="local">plain`, "", "text/html; charset=utf-8", "no-cache"},
		{"invite", "GET", "/i", "", CoreWASM, 200, `<meta name="pp-core" content="wasm">plain`, "", "text/html; charset=utf-8", "no-cache"},
		{"device", "GET", "/d", "", CoreWASM, 200, `<meta name="pp-core" content="wasm">plain`, "", "text/html; charset=utf-8", "no-cache"},
		{"asset-gzip", "GET", "/assets/app-12.js", "gzip", CoreWASM, 200, "gz", "gzip", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"asset-refused-brotli", "GET", "/assets/app-12.js", "br;q=0", CoreWASM, 200, "plain", "", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"not-compressed", "GET", "/icon-192.png", "br", CoreWASM, 200, "png", "", "image/png", "no-cache"},
		{"core-brotli", "GET", "/assets/core-1.wasm", "gzip, br", CoreWASM, 200, "br-core", "br", "application/wasm", "public, max-age=31536000, immutable"},
		{"core-gzip", "GET", "/assets/core-1.wasm", "gzip", CoreWASM, 200, string(zipped("a large core")), "gzip", "application/wasm", "public, max-age=31536000, immutable"},
		{"core-unpacked", "GET", "/assets/core-1.wasm", "identity", CoreWASM, 200, "a large core", "", "application/wasm", "public, max-age=31536000, immutable"},
		{"core-damaged", "GET", "/assets/bad-1.wasm", "", CoreWASM, 404, "404 page not found\n", "", "text/plain; charset=utf-8", ""},
		{"head", "HEAD", "/", "", CoreWASM, 200, "", "", "text/html; charset=utf-8", "no-cache"},
		{"post", "POST", "/", "", CoreWASM, 405, "method not allowed\n", "", "text/plain; charset=utf-8", ""},
		{"absent", "GET", "/nothing", "", CoreWASM, 404, "404 page not found\n", "", "text/plain; charset=utf-8", ""},
		{"compressed-copy-by-name", "GET", "/assets/app-12.js.br", "", CoreWASM, 404, "404 page not found\n", "", "text/plain; charset=utf-8", ""},
		{"stamp", "GET", "/.build", "", CoreWASM, 404, "404 page not found\n", "", "text/plain; charset=utf-8", ""},
		{"up-and-out", "GET", "/assets/../../x", "", CoreWASM, 404, "404 page not found\n", "", "text/plain; charset=utf-8", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "http://x/", nil)
			r.URL.Path = c.path
			r.Header.Set("Accept-Encoding", c.accept)
			w := httptest.NewRecorder()
			serve(built, c.core).ServeHTTP(w, r)
			got := w.Result()
			if got.StatusCode != c.code {
				t.Fatalf("code: got %d, want %d", got.StatusCode, c.code)
			}
			if w.Body.String() != c.body {
				t.Errorf("body: got %q, want %q", w.Body.String(), c.body)
			}
			for name, want := range map[string]string{"Content-Encoding": c.encoding, "Content-Type": c.contentType, "Cache-Control": c.cache, "Content-Security-Policy": Policy} {
				if got.Header.Get(name) != want {
					t.Errorf("%s: got %q, want %q", name, got.Header.Get(name), want)
				}
			}
		})
	}
}

// TestPolicy shows that the policy has no door for inline or foreign code.
func TestPolicy(t *testing.T) {
	for _, bad := range []string{"unsafe-inline", "'unsafe-eval'", "*", "http", ","} {
		if strings.Contains(Policy, bad) {
			t.Errorf("the policy holds %q: %s", bad, Policy)
		}
	}
	if want := "require-trusted-types-for 'script'"; !strings.Contains(Policy, want) {
		t.Errorf("got %s, want it to hold %s", Policy, want)
	}
}

// TestMissing shows that a binary without assets says so and names the command.
func TestMissing(t *testing.T) {
	w := httptest.NewRecorder()
	missing(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("got %q, want it to name make build", w.Body.String())
	}
}

// TestAssets shows that Assets agrees with what is embedded.
func TestAssets(t *testing.T) {
	_, err := dist.ReadFile("dist/index.html")
	if _, ok := Assets(); ok != (err == nil) {
		t.Errorf("got %v, want %v", ok, err == nil)
	}
}
