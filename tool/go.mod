// The build's own programs. A module of its own, so that esbuild never weighs on the product's.
module paperplane/tool

go 1.26.0

require (
	github.com/andybalholm/brotli v1.2.0
	github.com/evanw/esbuild v0.28.0
)

require golang.org/x/sys v0.0.0-20220715151400-c0bba94af5f8 // indirect
