package main

import "testing"

const bigProgram = `package main

import (
	"fmt"
	"math/big"
)

func main() {
	var list []*big.Int
	for _, n := range []int64{0, 1, -1, 255, 256, -256, 65535, 1<<63 - 1, -1 << 63, -1<<63 + 1} {
		list = append(list, big.NewInt(n))
	}
	for _, b := range [][]byte{nil, {0, 0}, {0, 1}, {0x80, 0, 0, 0, 0, 0, 0, 0}, {255, 255, 255, 255, 255, 255, 255, 255}, {1, 0, 0, 0, 0, 0, 0, 0, 0}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}} {
		n := new(big.Int).SetBytes(b)
		list = append(list, n, new(big.Int).Neg(n))
	}
	show := func(n *big.Int) {
		fmt.Print(n.Sign(), " ", n.Bytes(), n.IsUint64(), n.IsInt64())
		if n.IsUint64() {
			fmt.Print(" ", n.Uint64())
		}
		if n.IsInt64() {
			fmt.Print(" ", n.Int64())
		}
		fmt.Println()
	}
	for _, x := range list {
		show(x)
		show(new(big.Int).Neg(x))
		for _, y := range list {
			show(new(big.Int).Add(x, y))
			show(new(big.Int).Sub(x, y))
			z := new(big.Int).SetBytes(x.Bytes())
			show(z.Add(z, y))
		}
	}
}
`

// The browser's math/big counts as the library's, and both have been asked the same.
func TestSmallBig(t *testing.T) {
	flag, err := overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want, err := execute(t, program(t, bigProgram))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := execute(t, program(t, bigProgram, flag)); err != nil || got != want || len(got) < 10_000 {
		t.Errorf("got %d characters (%v), want the library's %d", len(got), err, len(want))
	}
}
