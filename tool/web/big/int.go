// Package big is what the CBOR codec needs of the standard library's package of this name: whole numbers of any size with the
// few methods that the codec calls. The browser's core is built with it in the place of math/big (see numbers.go beside), of
// which it would otherwise carry all: division, text in any base, floats. Values are as exact as there; a test compares them.
package big

import "math/bits"

// Int is a whole number; zero is 0. Not safe for concurrent use.
type Int struct {
	neg bool
	abs []byte // big-endian, without zeroes in front
}

// NewInt returns a new number.
func NewInt(x int64) *Int { return new(Int).SetInt64(x) }

// SetInt64 sets z to x and returns z.
func (z *Int) SetInt64(x int64) *Int {
	if x >= 0 {
		return z.SetUint64(uint64(x))
	}
	z.SetUint64(-uint64(x))
	z.neg = true
	return z
}

// SetUint64 sets z to x and returns z.
func (z *Int) SetUint64(x uint64) *Int {
	var b [8]byte
	for i := range b {
		b[i] = byte(x >> (56 - 8*i))
	}
	return z.SetBytes(b[:])
}

// SetBytes sets z to the big-endian number in b, not below 0, and returns z.
func (z *Int) SetBytes(b []byte) *Int {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	z.neg, z.abs = false, append([]byte(nil), b...)
	return z
}

// Bytes returns the absolute value of x, big-endian, without zeroes in front.
func (x *Int) Bytes() []byte { return append([]byte{}, x.abs...) }

// Sign returns -1, 0 or 1.
func (x *Int) Sign() int {
	switch {
	case len(x.abs) == 0:
		return 0
	case x.neg:
		return -1
	}
	return 1
}

// Neg sets z to -x and returns z.
func (z *Int) Neg(x *Int) *Int {
	neg := len(x.abs) > 0 && !x.neg // z may be x
	z.SetBytes(x.abs)
	z.neg = neg
	return z
}

// Sub sets z to x-y and returns z.
func (z *Int) Sub(x, y *Int) *Int { return z.Add(x, new(Int).Neg(y)) }

// Add sets z to x+y and returns z.
func (z *Int) Add(x, y *Int) *Int {
	neg := x.neg
	if x.neg == y.neg {
		z.SetBytes(sum(x.abs, y.abs))
	} else {
		if less(x.abs, y.abs) {
			x, y, neg = y, x, y.neg
		}
		z.SetBytes(difference(x.abs, y.abs))
	}
	z.neg = neg && len(z.abs) > 0
	return z
}

// at returns the byte of b that counts 256 to the i.
func at(b []byte, i int) int {
	if i < len(b) {
		return int(b[len(b)-1-i])
	}
	return 0
}

func sum(a, b []byte) []byte {
	out := make([]byte, max(len(a), len(b))+1)
	carry := 0
	for i := range out {
		n := at(a, i) + at(b, i) + carry
		out[len(out)-1-i], carry = byte(n), n>>8
	}
	return out
}

// difference is a-b, for a not below b.
func difference(a, b []byte) []byte {
	out := make([]byte, len(a))
	borrow := 0
	for i := range out {
		n := at(a, i) - at(b, i) - borrow
		out[len(out)-1-i], borrow = byte(n), n>>8&1
	}
	return out
}

func less(a, b []byte) bool {
	return len(a) < len(b) || len(a) == len(b) && string(a) < string(b)
}

// IsUint64 says whether Uint64 returns x.
func (x *Int) IsUint64() bool { return len(x.abs) <= 8 && x.Sign() >= 0 }

// Uint64 returns x where it fits, else the low 64 bits of its absolute value.
func (x *Int) Uint64() (n uint64) {
	for i := range 8 {
		n |= uint64(at(x.abs, i)) << (8 * i)
	}
	return n
}

// IsInt64 says whether Int64 returns x.
func (x *Int) IsInt64() bool {
	if len(x.abs) > 8 {
		return false
	}
	n := x.Uint64()
	return n < 1<<63 || x.neg && n == 1<<63
}

// Int64 returns x where it fits.
func (x *Int) Int64() int64 {
	n := int64(x.Uint64())
	if x.neg {
		n = -n
	}
	return n
}

// String returns x in decimal, up to 64 bits; what is larger is for error texts that nobody reads.
func (x *Int) String() string {
	if len(x.abs) > 8 {
		return "a large number"
	}
	n := x.Uint64()
	s := ""
	for {
		q, r := bits.Div64(0, n, 10)
		if s, n = string(rune('0'+r))+s, q; n == 0 {
			break
		}
	}
	if x.neg {
		s = "-" + s
	}
	return s
}
