package main

import (
	"net/http"

	"paperplane/face/web"
)

// pages is what a browser gets from a server.
func pages() http.Handler { return web.Handler(web.CoreWASM) }
