package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paperplane/server/admin"
)

var updateReference = flag.Bool("update-reference", false, "write the made pages of docs/reference anew")

// TestReference shows that the pages of docs/reference say what the program says. They are made by
// go test ./cmd/paperplane -run TestReference -update-reference
func TestReference(t *testing.T) {
	for name, page := range map[string]string{"cli.md": commandPage(), "config.md": settingPage()} {
		file := filepath.Join("../../docs/reference", name)
		if *updateReference {
			if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != page {
			t.Errorf("%s is not what the program says; run this test with -update-reference\ngot\n%s\nwant\n%s", name, got, page)
		}
	}
}

func commandPage() string {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from the help texts of the program; `paperplane help COMMAND` says the same. What `--json` prints is in [json.md](json.md).\n\n" +
		"Exit codes: 0 done (a message that waits for the server counts as done, and the command says so), 1 failed, 2 wrong usage.\n" +
		"Answers go to standard output, complaints to standard error.\n" +
		"A person's account lies in `$PAPERPLANE_HOME`, or in `paperplane` in the user's data folder. Several commands may use it at once.\n")
	for _, c := range commands() {
		b.WriteString("\n## paperplane " + c.name + "\n\n" + strings.ToUpper(c.short[:1]) + c.short[1:] + ".\n\n```text\n" + strings.TrimSpace(c.help) + "\n```\n")
	}
	return b.String()
}

func settingPage() string {
	return "# Settings of a server\n\nMade from what `paperplane config describe` prints. Put what you change into a file and start the server with `--config FILE`;\n" +
		"`paperplane config check FILE` says what is wrong in it. A setting that does not exist is an error. What to set when: [../guide/operators.md](../guide/operators.md).\n\n" +
		"```toml\n" + admin.Describe() + "```\n"
}
