package mls

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
)

const pageVectorFile = "../spec/vectors/pages.json"

type pageVectors struct {
	Pages   []pageVector `json:"pages"`
	Rejects []pageReject `json:"rejects"`
}
type pageVector struct {
	Suite Suite      `json:"cipher_suite"`
	Page  hexBytes   `json:"page"`
	Root  uint32     `json:"root"`
	Low   int        `json:"lowest_level"`
	Hash  hexBytes   `json:"tree_hash"`
	Below []hexBytes `json:"below"`
}
type pageReject struct {
	Why  string   `json:"why"`
	Page hexBytes `json:"page"`
}

// Pages of spec/vectors/pages.json have the hashes that stand beside them, and what it says is to
// be refused is. -update draws new trees.
func TestPageVectors(t *testing.T) {
	if *update {
		writePageVectors(t)
	}
	var v pageVectors
	b, err := os.ReadFile(pageVectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Pages) < 6 || len(v.Rejects) < 8 {
		t.Fatalf("only %d pages and %d rejects", len(v.Pages), len(v.Rejects))
	}
	for i, x := range v.Pages {
		s := suiteOf(x.Suite)
		p, err := parsePage(s, bytes.Clone(x.Page))
		if err != nil {
			t.Errorf("page %d: %v", i, err)
			continue
		}
		if p.root != x.Root || p.bottom() != x.Low || len(p.below) != len(x.Below) {
			t.Errorf("page %d: root %d, lowest level %d, %d hashes; want %d, %d, %d", i, p.root, p.bottom(), len(p.below), x.Root, x.Low, len(x.Below))
		}
		for k, h := range p.below {
			if !bytes.Equal(h, x.Below[k]) {
				t.Errorf("page %d: hash %d is %x, want %x", i, k, h, x.Below[k])
			}
		}
		if got := p.hash(s); !bytes.Equal(got, x.Hash) {
			t.Errorf("page %d: tree hash %x, want %x", i, got, x.Hash)
		}
	}
	for _, x := range v.Rejects {
		if _, err := parsePage(suiteX25519AES, bytes.Clone(x.Page)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", x.Why, err)
		}
	}
}

func writePageVectors(t *testing.T) {
	var v pageVectors
	s := suiteX25519AES
	tr := fakeTree(s, rand.New(rand.NewPCG(rand.Uint64(), 0)), 32, 0)
	for _, c := range []*cut{cutFine, cutWide} {
		tr.pageRoots(c, tr.root(), func(x uint32) bool {
			p := tr.page(c, x)
			w := pageVector{s.id, p.bytes(), x, p.bottom(), tr.nodeHash(x), nil}
			for _, h := range p.below {
				w.Below = append(w.Below, h)
			}
			v.Pages = append(v.Pages, w)
			return true
		})
	}
	// The upper page of a small tree in its fine cut, spoiled; its node 15 is its first.
	upper := newPage(cutFine, 31)
	for i := range upper.below {
		upper.below[i] = tr.nodeHash(upper.childAt(i))
	}
	reject := func(why string, edit func(p *page) []byte) {
		p := *upper
		p.nodes, p.below = append([]node(nil), upper.nodes...), append([][]byte(nil), upper.below...)
		v.Rejects = append(v.Rejects, pageReject{why, edit(&p)})
	}
	parent := func(bits ...byte) []byte {
		w := writer{}
		w.u8(2)
		w.vec(tr.leaf(31).encKey)
		w.vec(random(32))
		w.vec(bits)
		return w.b
	}
	with := func(p *page, n []byte) []byte { // n as the first node
		b := p.bytes()
		return append(append(bytes.Clone(b[:5]), n...), b[6:]...)
	}
	reject("a byte behind it", func(p *page) []byte { return append(p.bytes(), 0) })
	reject("a byte too few", func(p *page) []byte { b := p.bytes(); return b[:len(b)-1] })
	reject("no such cut", func(p *page) []byte { b := p.bytes(); b[0] = 3; return b })
	reject("a root outside of any tree", func(p *page) []byte { b := p.bytes(); b[2] = 2; return b })
	reject("nothing in it", func(p *page) []byte { return newPage(cutFine, 31).bytes() })
	reject("a hash of another length", func(p *page) []byte { p.below[0] = p.below[0][:31]; return p.bytes() })
	reject("no such kind of node", func(p *page) []byte { return with(p, []byte{3}) })
	reject("a leaf where a parent stands", func(p *page) []byte { return with(p, append([]byte{1}, tr.leaf(31).raw...)) })
	reject("unmerged leaves that end with zeros", func(p *page) []byte { return with(p, parent(1, 0)) })
	reject("unmerged leaves of a larger subtree", func(p *page) []byte { return with(p, parent(1, 0, 1)) })
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pageVectorFile, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
