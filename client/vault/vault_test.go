package vault_test

import (
	"errors"
	"slices"
	"testing"

	"paperplane/client/vault"
	"paperplane/client/vault/mem"
)

func mustOpen(t testing.TB, d vault.Dir, k vault.Key) *vault.Vault {
	t.Helper()
	v, err := vault.Open(d, k)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return v
}

func put(t testing.TB, v *vault.Vault, kv ...string) {
	t.Helper()
	var ops []vault.Op
	for i := 0; i < len(kv); i += 2 {
		ops = append(ops, vault.Op{Key: kv[i], Value: []byte(kv[i+1])})
	}
	if err := v.Commit(ops); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func keys(t testing.TB, v *vault.Vault, from, to string, reverse bool) (ks []string) {
	t.Helper()
	for op, err := range v.Range(from, to, reverse) {
		if err != nil {
			t.Fatalf("Range: %v", err)
		}
		ks = append(ks, op.Key+"="+string(op.Value))
	}
	return ks
}

// What is committed is read back, in both directions, before and after opening again.
func TestCommitGetRange(t *testing.T) {
	d, k := mem.New(0), vault.NewKey()
	v := mustOpen(t, d, k)
	put(t, v, "b", "2", "a", "1", "c", "", "d", "4")
	if err := v.Commit([]vault.Op{{Key: "b", Value: []byte("two")}, {Key: "d"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, c := range []struct {
			from, to string
			reverse  bool
			want     []string
		}{
			{"", "", false, []string{"a=1", "b=two", "c="}},
			{"", "", true, []string{"c=", "b=two", "a=1"}},
			{"a", "c", false, []string{"a=1", "b=two"}},
			{"a", "c", true, []string{"b=two", "a=1"}},
			{"aa", "bb", true, []string{"b=two"}},
			{"x", "", false, nil},
			{"b", "b", false, nil},
		} {
			if got := keys(t, v, c.from, c.to, c.reverse); !slices.Equal(got, c.want) {
				t.Errorf("Range(%q, %q, %v) = %q, want %q", c.from, c.to, c.reverse, got, c.want)
			}
		}
		if got, err := v.Get("c"); err != nil || got == nil || len(got) != 0 {
			t.Errorf("Get of an empty value = %v, %v; want empty, not nil", got, err)
		}
		if _, err := v.Get("d"); !errors.Is(err, vault.ErrAbsent) {
			t.Errorf("Get of a deleted key: %v, want ErrAbsent", err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		v = mustOpen(t, d, k)
	}
}
