package main

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var updateReference = flag.Bool("update-reference", false, "write docs/reference/cli.md anew")

// TestReference shows that docs/reference/cli.md says what the program's help says. It is made by
// go test ./cmd/paperplane -run TestReference -update-reference
func TestReference(t *testing.T) {
	const file = "../../docs/reference/cli.md"
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from the help texts of the program; `paperplane help COMMAND` says the same. What `--json` prints is in [json.md](json.md).\n\n" +
		"Exit codes: 0 done (a message that waits for the server counts as done, and the command says so), 1 failed, 2 wrong usage.\n" +
		"Answers go to standard output, complaints to standard error.\n" +
		"A person's account lies in `$PAPERPLANE_HOME`, or in `paperplane` in the user's data folder. Several commands may use it at once.\n")
	for _, c := range commands() {
		b.WriteString("\n## paperplane " + c.name + "\n\n" + strings.ToUpper(c.short[:1]) + c.short[1:] + ".\n\n```text\n" + strings.TrimSpace(c.help) + "\n```\n")
	}
	if *updateReference {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Error("docs/reference/cli.md is not what the help says; run this test with -update-reference")
	}
}
