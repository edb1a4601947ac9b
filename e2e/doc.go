// Package e2e drives the real program as its users do: the built binary, real sockets, real
// disks, signals and scripts. `go test ./e2e` runs the quick part; -e2e adds the rest, and
// -rounds says how often the server is killed.
package e2e
