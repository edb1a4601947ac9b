package mem_test

import (
	"errors"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/mem"
	"paperplane/client/vault/vaulttest"
)

func TestDir(t *testing.T) {
	vaulttest.Run(t, func(*testing.T) func() vault.Dir {
		d := mem.New(0)
		return func() vault.Dir { return d }
	})
}

// A limited Dir takes exactly its limit, counts every file, and gets back what is removed,
// replaced or cut.
func TestLimit(t *testing.T) {
	d := mem.New(100)
	f, _ := d.Open("a")
	g, _ := d.Open("b")
	for _, c := range []struct {
		what string
		do   func() error
		want error
	}{
		{"60 of 100", func() error { _, err := f.WriteAt(make([]byte, 60), 0); return err }, nil},
		{"41 more", func() error { _, err := g.WriteAt(make([]byte, 41), 0); return err }, vault.ErrFull},
		{"40 more", func() error { _, err := g.WriteAt(make([]byte, 40), 0); return err }, nil},
		{"1 more", func() error { return g.Truncate(41) }, vault.ErrFull},
		{"overwrite", func() error { _, err := g.WriteAt(make([]byte, 40), 0); return err }, nil},
		{"cut", func() error { return f.Truncate(10) }, nil},
		{"50 more", func() error { return g.Truncate(90) }, nil},
		{"replace frees the 90", func() error { return d.Replace("a", "b") }, nil},
		{"90 in a third", func() error { h, _ := d.Open("c"); return h.Truncate(90) }, nil},
		{"1 over", func() error { h, _ := d.Open("d"); return h.Truncate(1) }, vault.ErrFull},
	} {
		if err := c.do(); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
	}
}
