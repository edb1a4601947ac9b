package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runLine runs one command line and returns its exit code and what it printed.
func runLine(t *testing.T, line string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = dispatch(t.Context(), &environment{strings.NewReader(""), &b, &b}, strings.Fields(line))
	return code, b.String()
}

// Accounts are kept apart, one is in use, and one that is removed leaves nothing behind.
func TestAccounts(t *testing.T) {
	root := t.TempDir()
	t.Setenv("PAPERPLANE_HOME", root)
	t.Setenv("PAPERPLANE_ACCOUNT", "")
	steps := []struct {
		line string
		code int
		want string // part of what is printed
	}{
		{"account list", 0, "* main"},
		{"account add work", 0, "for the account work"},
		{"account add work", 2, "already"},
		{"account add main", 2, "already"},
		{"account add Ümlaut", 2, "letters a to z"},
		{"account add ../x", 2, "letters a to z"},
		{"account list", 0, "* work"},
		{"contacts", 1, "no account yet"},
		{"account use main", 0, "for the account main"},
		{"account list", 0, "* main"},
		{"--account work contacts", 1, "no account yet"},
		{"--account=work contacts", 1, "no account yet"},
		{"--account other contacts", 2, "no account other"},
		{"--account", 2, "needs a name"},
		{"account use other", 2, "no account other"},
		{"account use work", 0, "work"},
		{"account remove work", 2, "--yes"},
		{"account remove work --yes", 0, "gone"},
		{"account list", 0, "* main"},
		{"account remove main --yes", 0, "gone"},
		{"account sing", 2, "say what to do"},
	}
	for _, s := range steps {
		code, out := runLine(t, s.line)
		if code != s.code || !strings.Contains(out, s.want) {
			t.Fatalf("%s: got %d %q, want %d and %q", s.line, code, out, s.code, s.want)
		}
	}
	for _, name := range []string{"key", "vault", "local.json", "account", "accounts/work"} {
		if _, err := os.Stat(filepath.Join(root, name)); err == nil {
			t.Errorf("%s: got a file, want none after the accounts were removed", name)
		}
	}
}

// At most accountsMax accounts.
func TestAccountsMax(t *testing.T) {
	t.Setenv("PAPERPLANE_HOME", t.TempDir())
	for i := 1; i < accountsMax; i++ {
		if code, out := runLine(t, "account add a"+strings.Repeat("b", i%30)+string(rune('a'+i/30))); code != 0 {
			t.Fatalf("account %d: got %d %q, want 0", i+1, code, out)
		}
	}
	if code, out := runLine(t, "account add onemore"); code != 1 || !strings.Contains(out, "as many accounts") {
		t.Errorf("account %d: got %d %q, want 1", accountsMax+1, code, out)
	}
}
