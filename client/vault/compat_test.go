package vault_test

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/mem"
	"paperplane/client/vault/osfile"
)

var update = flag.Bool("update", false, "write testdata/compat anew: only for a new version of the format")

// A vault written by the first release opens for ever.
func TestCompat(t *testing.T) {
	const dir = "testdata/compat/v1"
	key, err := vault.ParseKey("ppvaultkey:" + strings.Repeat("0123456789abcdef", 4))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a=1", "big=" + strings.Repeat("big", 3000), "empty="}
	if *update {
		_ = os.RemoveAll(dir)
		o, err := osfile.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		v := mustOpen(t, o, key)
		put(t, v, "a", "0", "empty", "", "gone", "x")
		put(t, v, "big", strings.Repeat("big", 3000), "a", "1")
		if err := v.Commit([]vault.Op{{Key: "gone"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := v.PutFile("f-1", strings.NewReader("a sealed file")); err != nil {
			t.Fatal(err)
		}
		_ = v.Close()
		_ = os.Remove(filepath.Join(dir, "lock"))
	}
	d := mem.New(0)
	for _, name := range []string{seg1, "f-1"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		f, _ := d.Open(name)
		_, _ = f.WriteAt(b, 0)
		_ = f.Close()
	}
	v := mustOpen(t, d, key)
	defer v.Close()
	if got := keys(t, v, "", "", false); !slices.Equal(got, want) {
		t.Errorf("got %.50q, want %.50q", got, want)
	}
	f, err := v.OpenFile("f-1")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size())); string(got) != "a sealed file" || err != nil {
		t.Errorf("sealed file: %q, %v", got, err)
	}
}
