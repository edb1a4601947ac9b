package core

import (
	"bytes"
	"slices"
	"testing"

	"paperplane/core/timeline"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// TestPass seals answers of several sizes, mixes their records and reads them: each comes whole, for
// its KEM key and log only, and at most as many are put together at once as there is room for.
func TestPass(t *testing.T) {
	kem, log := seal.NewKEMKey(), plane.LogID{1}
	most := passHead + (passPartsMax-1)*passPart
	for _, n := range []int{0, 1, passHead, passHead + 1, passHead + passPart, passHead + passPart + 1, most} {
		want := bytes.Repeat([]byte{7}, n)
		list, err := sealPass(kem.Public(), log, want)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(list[1:])
		var r passReader
		var got []byte
		for i, b := range list {
			if o := (&passReader{}); o.read(seal.NewKEMKey(), log, b) != nil || o.read(kem, plane.LogID{2}, b) != nil {
				t.Fatalf("%d bytes: another reads it", n)
			}
			if got = r.read(kem, log, b); (got != nil) != (i == len(list)-1) {
				t.Fatalf("%d bytes: record %d of %d gives %d bytes", n, i, len(list), len(got))
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d", n, len(got))
		}
	}
	if _, err := sealPass(kem.Public(), log, make([]byte, most+1)); err == nil {
		t.Error("one byte over the most was sealed")
	}
	var r passReader
	for range 3 * opensMax {
		list, err := sealPass(kem.Public(), log, make([]byte, passHead+1))
		if err != nil {
			t.Fatal(err)
		}
		r.read(kem, log, list[0])
	}
	if len(r.open) > opensMax {
		t.Errorf("%d are put together at once, want at most %d", len(r.open), opensMax)
	}
}

// FuzzPass holds that nothing in an answer, a tree's blob or a hint does harm.
func FuzzPass(f *testing.F) {
	tree, _, data := sealTree(bytes.Repeat([]byte{3}, 1000))
	f.Add(timeline.Encode(pass{Why: passNo, Tree: tree}))
	f.Add(timeline.Encode(hint{Chat: plane.LogID{1}}))
	f.Add(data[:100])
	if got := tree.openTree(data); len(got) != 1000 {
		f.Fatalf("a good tree: got %d bytes", len(got))
	}
	kem, log := seal.NewKEMKey(), plane.LogID{1}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p pass
		if timeline.Decode(b, &p) == nil {
			p.Tree.openTree(b)
		}
		if tree.openTree(b) != nil {
			t.Error("another blob is taken for the tree")
		}
		var h hint
		_ = timeline.Decode(b, &h)
		var r passReader
		r.read(kem, log, b)
	})
}
