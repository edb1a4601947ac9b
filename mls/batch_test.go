//go:build !js

package mls

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"filippo.io/edwards25519"
)

// A batch says yes only where single checks do, also to signatures made to be told apart by them.
func TestBatchAgrees(t *testing.T) {
	good := make([]vouched, 13) // as many as it takes for more than one block of sums
	for i := range good {
		good[i] = forged{message: []byte{byte(i)}}.make(t)
	}
	spoil := func(f func(v *vouched)) vouched {
		v := good[7]
		v.pub, v.message, v.sig = slices.Clone(v.pub), slices.Clone(v.message), slices.Clone(v.sig)
		f(&v)
		return v
	}
	cases := map[string]struct {
		v    vouched
		want bool
	}{
		"message":    {spoil(func(v *vouched) { v.message[0] ^= 1 }), false},
		"key":        {spoil(func(v *vouched) { v.pub = good[8].pub }), false},
		"bad-key":    {spoil(func(v *vouched) { v.pub = slices.Concat([]byte{2}, make([]byte, 31)) }), false},
		"short-key":  {spoil(func(v *vouched) { v.pub = v.pub[:31] }), false},
		"long-key":   {spoil(func(v *vouched) { v.pub = append(v.pub, 0) }), false},
		"r":          {spoil(func(v *vouched) { copy(v.sig, good[8].sig[:32]) }), false},
		"bad-r":      {spoil(func(v *vouched) { copy(v.sig, slices.Concat([]byte{2}, make([]byte, 31))) }), false},
		"s":          {spoil(func(v *vouched) { v.sig[32] ^= 1 }), false},
		"s-plus-L":   {spoil(func(v *vouched) { plusOrder(v.sig[32:]) }), false},
		"short":      {spoil(func(v *vouched) { v.sig = v.sig[:63] }), false},
		"long":       {spoil(func(v *vouched) { v.sig = append(v.sig, 0) }), false},
		"good":       {good[7], true},
		"zero-key":   {forged{a: edwards25519.NewScalar()}.make(t), true}, // A = 0
		"r-not-zero": {forged{r: edwards25519.NewScalar()}.make(t), true}, // R = 0
	}
	for k := 1; k < 8; k++ {
		name := string(rune('0' + k))
		// The key has a part of small order. A single check minds it where k is not a multiple of its order.
		cases["key-order-hidden-"+name] = struct {
			v    vouched
			want bool
		}{forged{keySmall: k, hidden: true}.make(t), true}
		cases["key-order-"+name] = struct {
			v    vouched
			want bool
		}{forged{keySmall: k}.make(t), false}
		cases["r-order-"+name] = struct {
			v    vouched
			want bool
		}{forged{rSmall: k}.make(t), false}
		cases["small-key-"+name] = struct {
			v    vouched
			want bool
		}{forged{a: edwards25519.NewScalar(), keySmall: k, hidden: true}.make(t), true}
	}
	// Both have such a part, and they cancel out.
	cases["both"] = struct {
		v    vouched
		want bool
	}{forged{keySmall: 1, rSmall: 3, cancel: true}.make(t), true}
	// Points in encodings that the encoder would not make.
	nonCanonical := unhex(t, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f") // y = p + 1, so 1
	signed := unhex(t, "0100000000000000000000000000000000000000000000000000000000000080")       // x = 0, and a sign
	for name, b := range map[string][]byte{"noncanonical": nonCanonical, "signed-zero": signed} {
		cases[name+"-key"] = struct {
			v    vouched
			want bool
		}{forged{a: edwards25519.NewScalar(), keyBytes: b}.make(t), true}
		cases[name+"-r"] = struct {
			v    vouched
			want bool
		}{forged{r: edwards25519.NewScalar(), rBytes: b}.make(t), false}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := (ed25519Scheme{}).verify(c.v.pub, c.v.message, c.v.sig); got != c.want {
				t.Errorf("alone: got %v, want %v", got, c.want)
			}
			list := slices.Clone(good)
			list[5] = c.v
			times := 1
			if !c.want { // a wrong check of small orders would let one in two pass
				times = 8
			}
			for range times {
				b := newBatch()
				s, got := b.part(0, list)
				if got = got && finish([]*sums{s}, nil); got != c.want {
					t.Fatalf("in a batch: got %v, want %v", got, c.want)
				}
			}
		})
	}
}

// Errors that cancel each other out in a sum without coefficients.
func TestBatchPairs(t *testing.T) {
	list := make([]vouched, batchLeast)
	for i := range list {
		list[i] = forged{message: []byte{byte(i)}}.make(t)
	}
	one := edwards25519.NewScalar()
	one, _ = one.SetCanonicalBytes(slices.Concat([]byte{1}, make([]byte, 31)))
	add := func(i int, x *edwards25519.Scalar) {
		s, err := new(edwards25519.Scalar).SetCanonicalBytes(list[i].sig[32:])
		if err != nil {
			t.Fatal(err)
		}
		copy(list[i].sig[32:], s.Add(s, x).Bytes())
	}
	add(3, one)
	add(4, new(edwards25519.Scalar).Negate(one))
	if suiteXWing.allGood(len(list), func(i int) vouched { return list[i] }, nil) {
		t.Error("two errors that cancel out: got true, want false")
	}
	// The same with points of small order: 4 and 4 make 8.
	list[3], list[4] = forged{rSmall: 4}.make(t), forged{rSmall: 4}.make(t)
	for range 8 {
		if suiteXWing.allGood(len(list), func(i int) vouched { return list[i] }, nil) {
			t.Fatal("two points of order two: got true, want false")
		}
	}
}

// Lists of all sizes around those where something changes, and a bad one at every place of a short one.
func TestBatchSizes(t *testing.T) {
	all := make([]vouched, 2*batchPart+1)
	for i := range all {
		all[i] = forged{message: []byte{byte(i), byte(i >> 8)}}.make(t)
	}
	for _, n := range []int{0, 1, batchLeast - 1, batchLeast, batchLeast + 1, batchPart - 1, batchPart, batchPart + 1, 2 * batchPart, 2*batchPart + 1} {
		for _, each := range []Each{nil, workers(2)} {
			if got, want := suiteXWing.allGood(n, func(i int) vouched { return all[i] }, each), n >= batchLeast; got != want {
				t.Errorf("%d: got %v, want %v", n, got, want)
			}
			bad := all[0]
			bad.message = []byte("another")
			at := func(i int) vouched {
				if i == n-1 {
					return bad
				}
				return all[i]
			}
			if suiteXWing.allGood(n, at, each) {
				t.Errorf("%d, the last bad: got true, want false", n)
			}
		}
	}
	for n := range 20 {
		b := newBatch()
		s, ok := b.part(0, all[:n])
		if !ok || !finish([]*sums{s}, nil) {
			t.Errorf("a part of %d: got %v, want all good", n, ok)
		}
		for k := range n {
			list := slices.Clone(all[:n])
			list[k] = all[n]
			list[k].pub = all[n+1].pub
			if _, ok := b.part(0, list); ok {
				t.Errorf("a part of %d, %d bad: got true, want false", n, k)
			}
		}
	}
	if suiteX25519AES.allGood(batchLeast, func(i int) vouched { return all[i] }, nil) != true {
		t.Error("another suite with Ed25519: got false, want true")
	}
	if suiteP256AES.allGood(batchLeast, func(i int) vouched { return all[i] }, nil) {
		t.Error("ECDSA: got true, want false")
	}
}

// A tree with one bad signature is refused at that leaf by the same rule, whichever way it is checked.
func TestBatchRefusesTree(t *testing.T) {
	h := newHall(t, X25519AES, batchLeast, nil)
	g := h.as(1)
	if !g.tree.allSigned(g.ctx.groupID) {
		t.Fatal("a good tree: got false, want true")
	}
	tree := g.tree.clone()
	bad := *tree.leaf(9)
	bad.sig = slices.Clone(bad.sig)
	bad.sig[40] ^= 1
	tree.write(2 * 9).leaf = &bad
	if tree.allSigned(g.ctx.groupID) {
		t.Error("a bad signature: got true, want false")
	}
	ctx := g.ctx
	ctx.treeHash = tree.rootHash()
	var rule *RuleError
	if err := tree.validate(&ctx); !errors.As(err, &rule) || rule.Rule != "M-021" {
		t.Errorf("a bad signature: got %v, want M-021", err)
	}
}

func BenchmarkBatch(b *testing.B) {
	list := make([]vouched, batchPart)
	for i := range list {
		list[i] = forged{message: []byte{byte(i), byte(i >> 8)}}.make(b)
	}
	for b.Loop() {
		if _, ok := newBatch().part(0, list); !ok {
			b.Fatal("bad")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/signature")
}

// forged makes signatures that ed25519.Sign does not make. It is good but for what is asked for.
type forged struct {
	message          []byte
	a, r             *edwards25519.Scalar // nil: random
	keySmall, rSmall int                  // how often a point of order 8 is added to A and R
	hidden           bool                 // look for a message for which that of A does not count
	cancel           bool                 // look for one for which the two cancel out
	keyBytes, rBytes []byte               // instead of the encodings
}

func (f forged) make(t testing.TB) vouched {
	scalar := func(s *edwards25519.Scalar) *edwards25519.Scalar {
		if s != nil {
			return s
		}
		var b [64]byte
		rand.Read(b[:])
		s, _ = new(edwards25519.Scalar).SetUniformBytes(b[:])
		return s
	}
	small, err := new(edwards25519.Point).SetBytes(unhex(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
	if err != nil {
		t.Fatal(err)
	}
	point := func(s *edwards25519.Scalar, times int) []byte {
		p := new(edwards25519.Point).ScalarBaseMult(s)
		for range times {
			p.Add(p, small)
		}
		return p.Bytes()
	}
	a, r := scalar(f.a), scalar(f.r)
	v := vouched{pub: point(a, f.keySmall), message: slices.Clone(f.message)}
	rb := point(r, f.rSmall)
	if f.keyBytes != nil {
		v.pub = f.keyBytes
	}
	if f.rBytes != nil {
		rb = f.rBytes
	}
	for {
		digest := sha512.Sum512(slices.Concat(rb, v.pub, v.message))
		k, _ := new(edwards25519.Scalar).SetUniformBytes(digest[:])
		counts := int(k.Bytes()[0]&7)*f.keySmall%8 != 0
		if f.cancel && (int(k.Bytes()[0]&7)*f.keySmall+f.rSmall)%8 != 0 || !f.cancel && f.keySmall != 0 && counts == f.hidden {
			v.message = append(v.message, 0)
			continue
		}
		v.sig = append(rb, new(edwards25519.Scalar).MultiplyAdd(k, a, r).Bytes()...)
		if len(v.sig) != ed25519.SignatureSize {
			t.Fatalf("got %d bytes of signature", len(v.sig))
		}
		return v
	}
}

// plusOrder adds L to a number.
func plusOrder(b []byte) {
	carry := 0
	for i := range b {
		x := int(b[i]) + int(order[i]) + carry
		b[i], carry = byte(x), x>>8
	}
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A bad signature among the pages of a large tree is found, at the latest in Finish, wherever it is.
func TestBatchRefusesPages(t *testing.T) {
	w := crowded(t, X25519AES, batchLeast+20, 0)
	light, full := w.g[len(w.g)-1], w.g[0]
	upgrade := func(tree *tree) error {
		g, l := *full, *light
		g.tree, l.ctx.treeHash = tree, tree.rootHash()
		u := must(NewUpgrade(&l))
		if u.bulk == nil {
			t.Fatal("a large tree: got no batch")
		}
		for !u.Done() {
			i := u.Missing()[0]
			if err := u.Put(i, g.Page(i)); err != nil {
				return err
			}
		}
		_, err := u.Finish(&l)
		return err
	}
	if err := upgrade(full.tree); err != nil {
		t.Fatalf("a good tree: got %v", err)
	}
	for _, i := range []uint32{0, 100, batchLeast - 1, batchLeast + 18} {
		tree := full.tree.clone()
		bad := *tree.leaf(i)
		bad.raw = slices.Clone(bad.raw)
		bad.raw[len(bad.raw)-30] ^= 1
		bad.sig = bad.raw[len(bad.raw)-64:]
		tree.write(2 * i).leaf = &bad
		tree.dirty(i)
		var rule *RuleError
		if err := upgrade(tree); !errors.As(err, &rule) || rule.Rule != "M-021" {
			t.Errorf("a bad signature at %d: got %v, want M-021", i, err)
		}
	}
}
