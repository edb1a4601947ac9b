// Command api writes web/app/api.ts: the TypeScript of core's commands, results and events.
//
// It reads the Go source of core (not its compiled types), because a command's result is stated
// in its comment ("Result: Joined") and nowhere else, and because comments travel along.
// The names on the wire are the Go names with a small first letter; a nil slice that JSON shows as
// null has the type "X[] | null" so that the page cannot forget it. Run by go generate in this
// package; the test fails when the file is not current.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run .

func main() {
	root, err := rootDir()
	if err == nil {
		var out string
		if out, err = Generate(filepath.Join(root, "core")); err == nil {
			err = os.WriteFile(filepath.Join(root, target), []byte(out), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen/api:", err)
		os.Exit(1)
	}
}

// target is the generated file, from the root of the repository.
const target = "web/app/api.ts"

// rootDir finds the repository's root: the directory upwards that holds go.mod.
func rootDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
}
