package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// The ways of a page to its core, said in index.html's <meta name="pp-core">.
const (
	CoreWASM  = "wasm"  // in the page's own worker
	CoreLocal = "local" // over a WebSocket to the program that served the page
)

// Policy is the Content-Security-Policy of every answer. Scripts, styles, workers and connections come from
// the page's own origin only; WASM may be compiled; nothing may turn text into code.
const Policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
	"media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types paperplane"

// SetHeaders sets what every answer to a browser carries.
func SetHeaders(h http.Header) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(self), geolocation=(self), payment=(), usb=(), interest-cohort=()")
}

// Handler serves the app with the given way to its core: GET and HEAD of "/", "/i" and "/d" (an
// invite, and the link of a new device: the secret part stays after the #, in the browser) and the built files. It answers 404 to all else,
// so it can stand last in a chain.
func Handler(core string) http.Handler {
	assets, ok := Assets()
	if !ok {
		return http.HandlerFunc(missing)
	}
	return serve(assets, core)
}

func serve(assets fs.FS, core string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		SetHeaders(w.Header())
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		switch name {
		case "", "i", "d", "index.html":
			page(w, r, assets, core)
			return
		}
		// Compressed copies, the stamp and anything odd are not names of their own.
		if !fs.ValidPath(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			http.NotFound(w, r)
			return
		}
		file(w, r, assets, name)
	})
}

// page answers with index.html, told which way its core is.
func page(w http.ResponseWriter, r *http.Request, assets fs.FS, core string) {
	if core == CoreWASM {
		file(w, r, assets, "index.html")
		return
	}
	html, err := fs.ReadFile(assets, "index.html")
	if err != nil {
		http.NotFound(w, r)
		return
	}
	html = bytes.Replace(html, []byte(`name="pp-core" content="wasm"`), []byte(`name="pp-core" content="`+core+`"`), 1)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Length", strconv.Itoa(len(html)))
	if r.Method == http.MethodGet {
		w.Write(html)
	}
}

// file answers with one built file, compressed where the browser takes it.
func file(w http.ResponseWriter, r *http.Request, assets fs.FS, name string) {
	encoding, ext := accepted(r.Header.Get("Accept-Encoding"))
	content, err := fs.ReadFile(assets, name+ext)
	if err != nil && ext != "" {
		encoding = ""
		content, err = fs.ReadFile(assets, name)
	}
	if err != nil {
		content, err = unpacked(assets, name)
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Vary", "Accept-Encoding")
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // named by their contents
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if r.Method == http.MethodGet {
		w.Write(content)
	}
}

// unpacked returns a large file, which is stored compressed only, for a client that takes neither form.
func unpacked(assets fs.FS, name string) ([]byte, error) {
	stored, err := assets.Open(name + ".gz")
	if err != nil {
		return nil, err
	}
	defer stored.Close()
	z, err := gzip.NewReader(stored)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// accepted picks the best stored encoding. A quality of zero ("br;q=0") refuses one.
func accepted(header string) (encoding, ext string) {
	br, gz := false, false
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := strings.ReplaceAll(params, " ", "")
		if q == "q=0" || strings.HasPrefix(q, "q=0.000") {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "br":
			br = true
		case "gzip":
			gz = true
		}
	}
	switch {
	case br:
		return "br", ".br"
	case gz:
		return "gzip", ".gz"
	}
	return "", ""
}

// contentType knows our own files' types, whatever the machine's table says.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".json":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

const missingPage = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Paperplane</title>" +
	"<h1>Paperplane runs, but without its browser app</h1><p>This binary was built without web assets. " +
	"Build them with <code>make build</code>, or use the terminal: <code>paperplane chat</code>.</p></html>\n"

func missing(w http.ResponseWriter, r *http.Request) {
	SetHeaders(w.Header())
	if r.URL.Path != "/" && r.URL.Path != "/i" && r.URL.Path != "/d" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodHead {
		w.Write([]byte(missingPage))
	}
}
