package vault_test

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"paperplane/client/vault"
	"paperplane/client/vault/mem"
)

// The vault against a map: whatever is committed, removed, compacted and opened again, reads
// agree with the model, ranges in both directions included.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, key := mem.New(0), vault.NewKey()
		v, err := vault.Open(d, key)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = v.Close() }()
		m, files := map[string]string{}, map[string]string{}
		anyKey := rapid.OneOf(
			rapid.StringMatching(`[a-c]{1,3}`),
			rapid.Custom(func(t *rapid.T) string { return strings.Repeat("k", rapid.IntRange(1, vault.KeyBytesMax).Draw(t, "n")) }),
			rapid.Custom(func(t *rapid.T) string { return "\xff" + string(rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "b")) }),
		)
		anyBound := rapid.OneOf(anyKey, rapid.Just(""), rapid.Just("\x00f/"))
		anyValue := rapid.Custom(func(t *rapid.T) []byte {
			switch n := rapid.IntRange(-2, 40_000).Draw(t, "value bytes"); {
			case n < 0:
				return nil
			default:
				return []byte(strings.Repeat("v", n%rapid.SampledFrom([]int{5, 500, 40_001}).Draw(t, "scale")))
			}
		})
		anyFile := rapid.SampledFrom([]string{"f-1", "f-2.x", "f-3"})
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(t *rapid.T) {
				var ops []vault.Op
				for range rapid.IntRange(0, 6).Draw(t, "ops") {
					op := vault.Op{Key: anyKey.Draw(t, "key"), Value: anyValue.Draw(t, "value")}
					ops = append(ops, op)
					if delete(m, op.Key); op.Value != nil {
						m[op.Key] = string(op.Value)
					}
				}
				if err := v.Commit(ops); err != nil {
					t.Fatalf("Commit: %v", err)
				}
				for _, op := range ops { // the slices are the caller's again
					clear(op.Value)
				}
			},
			"get": func(t *rapid.T) {
				k := anyKey.Draw(t, "key")
				got, err := v.Get(k)
				want, ok := m[k]
				if ok && (err != nil || string(got) != want) || !ok && !errors.Is(err, vault.ErrAbsent) {
					t.Fatalf("Get(%q) = %d bytes, %v; want %v, %d bytes", k, len(got), err, ok, len(want))
				}
			},
			"range": func(t *rapid.T) {
				from, to, reverse := anyBound.Draw(t, "from"), anyBound.Draw(t, "to"), rapid.Bool().Draw(t, "reverse")
				var want, got []string
				for _, k := range slices.Sorted(maps.Keys(m)) {
					if k >= from && (to == "" || k < to) {
						want = append(want, k)
					}
				}
				if reverse {
					slices.Reverse(want)
				}
				for op, err := range v.Range(from, to, reverse) {
					if err != nil || string(op.Value) != m[op.Key] {
						t.Fatalf("Range: %q with %d bytes, %v; want %d bytes", op.Key, len(op.Value), err, len(m[op.Key]))
					}
					got = append(got, op.Key)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("Range(%q, %q, %v) = %q, want %q", from, to, reverse, got, want)
				}
			},
			"put-file": func(t *rapid.T) {
				name, data := anyFile.Draw(t, "file"), strings.Repeat("d", rapid.IntRange(0, 200_000).Draw(t, "n"))
				n, err := v.PutFile(name, strings.NewReader(data))
				if _, taken := files[name]; taken {
					if !errors.Is(err, vault.ErrExists) {
						t.Fatalf("PutFile on a taken name: %v, want ErrExists", err)
					}
					return
				}
				if err != nil || n != int64(len(data)) {
					t.Fatalf("PutFile = %d, %v; want %d", n, err, len(data))
				}
				files[name] = data
			},
			"read-file": func(t *rapid.T) {
				name := anyFile.Draw(t, "file")
				f, err := v.OpenFile(name)
				want, ok := files[name]
				if !ok {
					if !errors.Is(err, vault.ErrAbsent) {
						t.Fatalf("OpenFile: %v, want ErrAbsent", err)
					}
					return
				}
				if err != nil {
					t.Fatalf("OpenFile: %v", err)
				}
				off := rapid.IntRange(0, len(want)).Draw(t, "off")
				p := make([]byte, rapid.IntRange(0, 150_000).Draw(t, "len"))
				n, err := f.ReadAt(p, int64(off))
				rest := want[off:]
				if n != min(len(p), len(rest)) || string(p[:n]) != rest[:n] || (n < len(p)) != (err == io.EOF) {
					t.Fatalf("ReadAt(%d, %d) of %d = %d, %v", len(p), off, len(want), n, err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			},
			"remove-file": func(t *rapid.T) {
				name := anyFile.Draw(t, "file")
				_, ok := files[name]
				if err := v.RemoveFile(name); ok && err != nil || !ok && !errors.Is(err, vault.ErrAbsent) {
					t.Fatalf("RemoveFile = %v; there %v", err, ok)
				}
				delete(files, name)
			},
			"compact": func(t *rapid.T) {
				if err := v.Compact(); err != nil {
					t.Fatalf("Compact: %v", err)
				}
			},
			"reopen": func(t *rapid.T) {
				if err := v.Close(); err != nil {
					t.Fatalf("Close: %v", err)
				}
				if v, err = vault.Open(d, key); err != nil {
					t.Fatalf("Open: %v", err)
				}
			},
			"": func(t *rapid.T) {
				if got, want := v.Stats().Keys, len(m)+len(files); got != want {
					t.Fatalf("Stats().Keys = %d, want %d", got, want)
				}
			},
		})
	})
}
