// Command docs writes docs/reference/cli.md and config.md from what the program says of itself, so that the manual
// cannot say anything else. Its own words live beside the commands: their help texts, and the comments of admin.Config.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	root   = "../../.." // as seen from this folder, where go generate and go test run
	marked = "<!-- Made by internal/gen/docs from what the program prints; change it there, then go generate ./internal/gen/docs. -->\n\n"
)

//go:generate go run .

func main() {
	tmp, err := os.MkdirTemp("", "paperplane-docs-")
	if err == nil {
		err = run(tmp)
		_ = os.RemoveAll(tmp)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen/docs:", err)
		os.Exit(1)
	}
}

func run(tmp string) error {
	pages, err := generate(tmp)
	if err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// generate builds the program into tmp and returns the pages by their names below the repository's root.
func generate(tmp string) (map[string]string, error) {
	program := filepath.Join(tmp, "paperplane")
	build := exec.Command("go", "build", "-o", program, "./cmd/paperplane")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	ask := func(args ...string) (string, error) {
		out, err := exec.Command(program, args...).Output()
		return string(out), err
	}
	cli, err := commandPage(ask)
	if err != nil {
		return nil, err
	}
	settings, err := ask("config", "describe")
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"docs/reference/cli.md": cli,
		"docs/reference/config.md": "# Settings of a server\n\n" + marked +
			"`paperplane config describe` prints this. Put what you change into a file and start the server with `--config FILE`;\n" +
			"`paperplane config check FILE` says what is wrong in it, and a setting that does not exist is an error.\n\n" +
			"```toml\n" + settings + "```\n",
	}, nil
}

// commandPage asks for the list of commands and then for the help of each.
func commandPage(ask func(...string) (string, error)) (string, error) {
	overview, err := ask("help")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Commands\n\n" + marked + "```\n" + overview + "```\n\n" +
		"Exit codes: 0 done, 1 failed, 2 wrong usage. Answers go to standard output, complaints to standard error.\n")
	names := commandNames(overview)
	if len(names) == 0 {
		return "", fmt.Errorf("the overview lists no commands:\n%s", overview)
	}
	for _, name := range names {
		help, err := ask("help", name)
		if err != nil {
			return "", fmt.Errorf("help %s: %w", name, err)
		}
		b.WriteString("\n## " + name + "\n\n```\n" + help + "```\n")
	}
	return b.String(), nil
}

// commandNames reads the names from the overview: each stands first in a line that is set in by two spaces.
func commandNames(overview string) (names []string) {
	for line := range strings.SplitSeq(overview, "\n") {
		if rest, ok := strings.CutPrefix(line, "  "); ok && rest != "" && rest[0] != ' ' {
			names = append(names, strings.Fields(rest)[0])
		}
	}
	return names
}
