package big

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestLikeMathBig computes with this package and with math/big and compares: at the edges of 64 bits and with random numbers.
func TestLikeMathBig(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	var small []*Int
	var large []*big.Int
	put := func(b []byte, neg bool) {
		x, y := new(Int).SetBytes(b), new(big.Int).SetBytes(b)
		if neg {
			x.Neg(x)
			y.Neg(y)
		}
		small, large = append(small, x), append(large, y)
	}
	for _, n := range []uint64{0, 1, 255, 256, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		put(new(big.Int).SetUint64(n).Bytes(), false)
		put(append([]byte{0}, new(big.Int).SetUint64(n).Bytes()...), true)
	}
	for range 60 {
		b := make([]byte, r.IntN(20))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		put(b, r.IntN(2) == 0)
	}
	same := func(what string, x *Int, y *big.Int) {
		t.Helper()
		if x.Sign() != y.Sign() || !bytes.Equal(x.Bytes(), y.Bytes()) || x.IsInt64() != y.IsInt64() || x.IsUint64() != y.IsUint64() || x.Int64() != y.Int64() || x.Uint64() != y.Uint64() {
			t.Fatalf("seed %d: %s: got %v %x, want %v", seed, what, x.neg, x.abs, y)
		}
		if y.BitLen() <= 64 && x.String() != y.String() {
			t.Fatalf("seed %d: %s: got %q, want %q", seed, what, x, y)
		}
	}
	for i := range small {
		same("itself", small[i], large[i])
		same("neg", new(Int).Neg(small[i]), new(big.Int).Neg(large[i]))
		same("int64", NewInt(large[i].Int64()), big.NewInt(large[i].Int64()))
		for j := range small {
			same("add", new(Int).Add(small[i], small[j]), new(big.Int).Add(large[i], large[j]))
			same("sub", new(Int).Sub(small[i], small[j]), new(big.Int).Sub(large[i], large[j]))
		}
		x, y := new(Int).Add(small[i], NewInt(0)), new(big.Int).Set(large[i])
		same("add to itself", x.Add(x, NewInt(1)), y.Add(y, big.NewInt(1)))
		same("neg of itself", x.Neg(x), y.Neg(y))
	}
}
