package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestCurrent shows that the committed reference is what the program says now, by making it anew and comparing.
func TestCurrent(t *testing.T) {
	pages, err := generate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if string(got) != want {
			t.Errorf("%s is not current; run: go generate ./internal/gen/docs\ngot\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestCommandNames shows which lines of an overview name commands.
func TestCommandNames(t *testing.T) {
	got := commandNames("Title.\n\nusage: x COMMAND\n\n  join   open a link\n  blank-sheet  print\n    deeper\n\nMore\n")
	if want := []string{"join", "blank-sheet"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
