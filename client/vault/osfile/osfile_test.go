package osfile_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/osfile"
	"paperplane/client/vault/vaulttest"
)

func TestDir(t *testing.T) {
	vaulttest.Run(t, func(t *testing.T) func() vault.Dir {
		path := filepath.Join(t.TempDir(), "deep", "folder")
		return func() vault.Dir {
			d, err := osfile.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			return d
		}
	})
}

// Folder and files are for their owner alone, whatever the umask, and errors name no path.
func TestPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marked-name")
	d, err := osfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if runtime.GOOS != "windows" { // which has no such modes; the profile's ACL guards
		for name, want := range map[string]os.FileMode{path: 0o700, filepath.Join(path, "a"): 0o600} {
			st, err := os.Stat(name)
			if err != nil || st.Mode().Perm() != want {
				t.Errorf("mode: got %v, %v; want %v", st.Mode().Perm(), err, want)
			}
		}
	}
	_, rerr := f.ReadAt(make([]byte, 1), 0)
	_, oerr := d.Open("../outside")
	_, derr := osfile.Open(filepath.Join(path, "a"))
	for what, err := range map[string]error{
		"read of a closed file": rerr, "name with a path": oerr, "folder that is a file": derr,
		"rename": d.Replace("no-such", "b"), "removal of a path": d.Remove("../outside/x"),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		} else if s := err.Error(); strings.Contains(s, "marked") || strings.Contains(s, "outside") || strings.Contains(s, "no-such") {
			t.Errorf("%s: the error names a path", what)
		}
	}
}

// A link planted in the folder does not lead out of it.
func TestLinkStaysInside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(outside, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(path, "a")); err != nil {
		t.Logf("this system makes no links: %v", err)
		return
	}
	d, err := osfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if f, err := d.Open("a"); err == nil {
		_ = f.Close()
		t.Error("opened a link that leads outside")
	}
}
