// Package web holds the browser app's built files and serves them over HTTP.
//
// The files are made by tool/web and are not committed: a binary built without them still works,
// says so on its page, and Assets tells. Every answer carries the same strict headers; the page runs
// no inline code and loads nothing from elsewhere. Safe for concurrent use. Reference: web/README.md.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Assets returns the built app, and false when the binary was built without it.
func Assets() (fs.FS, bool) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, false
	}
	_, err = fs.Stat(sub, "index.html")
	return sub, err == nil
}
