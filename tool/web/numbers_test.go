package main

import "testing"

const numbersProgram = `package main

import (
	"fmt"
	"math/big"
)

func main() {
	x := new(big.Int).SetUint64(1<<64 - 1)
	x.Neg(x.Add(x, big.NewInt(1)))
	y := new(big.Int).Sub(x, big.NewInt(-1))
	fmt.Printf("%x %d %v %v %d\n", x.Bytes(), x.Sign(), x.IsInt64(), y.IsUint64(), new(big.Int).Neg(y).Uint64())
}
`

// TestSmallNumbers builds a program with and without the small math/big: it says the same, and is smaller.
func TestSmallNumbers(t *testing.T) {
	plain := program(t, numbersProgram)
	flag, err := overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	small := program(t, numbersProgram, flag)
	want := "010000000000000000 -1 false false 18446744073709551615\n"
	for name, p := range map[string][]byte{"plain": plain, "small": small} {
		if got, err := execute(t, p); err != nil || got != want {
			t.Errorf("%s: got %q and %v, want %q", name, got, err, want)
		}
	}
	if len(plain)-len(small) < 10_000 {
		t.Errorf("got %d bytes of %d, want 10,000 less", len(small), len(plain))
	}
}
