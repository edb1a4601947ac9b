//go:build !js

package mls

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"errors"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
)

// Checking thousands of Ed25519 signatures at once takes half the time of checking one after the
// other. But the batch equations in the books accept what single checks refuse: they forgive, always
// or with some luck, an error of small order, and a forger can make one. In a group that would be
// worse than slow: a member that joined alone and one that joined by a batch would not agree on the
// tree. So this is a way to say "all good" sooner, and nothing else. What it accepts, crypto/ed25519
// accepts as well, but for a chance of 2^-64 that nobody can search for, since the coefficients are
// drawn when the check is made; whatever it does not accept is checked one by one.
//
// For a key A, a signature (R, S) and k = SHA-512(R, A, message) mod L, crypto/ed25519 accepts when
// S < L, A can be decoded, and the encoding of [S]B - [k]A is the 32 bytes of R. Here:
//
//  1. S < L, and A and R are decoded by the same rules; R must be encoded as the encoder would do it.
//     What is left to show is that each error P = [S]B - [k]A - R is zero.
//  2. Each point of the curve is in one way the sum of a point of order 1 or L and one of order 1, 2, 4
//     or 8. [8]([sum zS]B - sum [zk]A - sum [z]R) is the sum of [8z] times the first parts of the errors,
//     and scalars count mod L there. With random z of 128 bits it is zero only if all first parts are,
//     but for a chance of 2^-128.
//  3. The second part of P is that of -([k mod 8]A + R), for [S]B has none. [L] times a sum of some of the
//     [k mod 8]A + R is [L] times the sum of just their second parts, and zero only if that is, since L is odd.
//     If one is not zero, a sum of a random half of them misses that at most every second time; 64 such sums
//     are made at once.
//
// Nothing here is secret: all of it may take as long as it takes.

// batchSums is how many random sums of step 3 there are: a bit of a word each.
const batchSums = 64

// batchLeast is how many signatures are worth the trouble; batchPart is how many make a part.
const (
	batchLeast = 256
	batchPart  = 512
)

var errBatch = errors.New("mls: not all signatures of a batch are known to be good")

// allGood says that the scheme accepts n signatures, of which at returns the i-th; it may be called
// several times at once. false says nothing: then they are to be checked one by one.
func (s *suite) allGood(n int, at func(i int) vouched, each Each) bool {
	if _, ok := s.sig.(ed25519Scheme); !ok || n < batchLeast {
		return false
	}
	b := newBatch()
	parts := make([]*sums, (n+batchPart-1)/batchPart)
	return each.check(len(parts), func(i int) error {
		from, to := i*n/len(parts), (i+1)*n/len(parts)
		list := make([]vouched, to-from)
		for k := range list {
			list[k] = at(from + k)
		}
		var ok bool
		if parts[i], ok = b.part(uint32(i), list); !ok {
			return errBatch
		}
		return nil
	}) == nil && finish(parts, each)
}

// batch is one check of many signatures, in parts that may be made at the same time.
type batch struct{ seed [32]byte }

// sums are the random sums of step 3.
type sums [batchSums]extended

func newBatch() *batch { return &batch{[32]byte(random(32))} }

// part says whether step 1 and 2 hold for a list of signatures, and makes its sums of step 3. No two
// parts may have one number.
func (b *batch) part(number uint32, list []vouched) (*sums, bool) {
	n := len(list)
	p := &product{a: make([]affine, n), r: make([]affine, n), ka: make([][32]byte, n), z: make([][32]byte, n)}
	total := edwards25519.NewScalar()
	masks := make([]uint64, n)
	torsion := make([]extended, n)
	hash := sha512.New()
	var point edwards25519.Point
	var digest [64]byte
	for i, v := range list {
		if len(v.pub) != 32 || len(v.sig) != 64 {
			return nil, false
		}
		s, err := new(edwards25519.Scalar).SetCanonicalBytes(v.sig[32:])
		if err != nil {
			return nil, false
		}
		var a, r extended
		if !a.decode(&point, v.pub) || !r.decode(&point, v.sig[:32]) || !r.encodedAs(v.sig[:32]) {
			return nil, false
		}
		p.a[i].set(&a)
		p.r[i].set(&r)

		hash.Reset()
		hash.Write(b.seed[:])
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(number)<<32|uint64(i)))
		hash.Sum(digest[:0])
		copy(p.z[i][:16], digest[:])
		masks[i] = binary.LittleEndian.Uint64(digest[16:])
		z, _ := new(edwards25519.Scalar).SetCanonicalBytes(p.z[i][:]) // 128 bits are below L

		hash.Reset()
		hash.Write(v.sig[:32])
		hash.Write(v.pub)
		hash.Write(v.message)
		hash.Sum(digest[:0])
		k, _ := new(edwards25519.Scalar).SetUniformBytes(digest[:]) // 64 bytes always fit
		total.MultiplyAdd(z, s, total)
		torsion[i] = r
		torsion[i].addTimes(&p.a[i], k.Bytes()[0]&7)
		copy(p.ka[i][:], z.Multiply(z, k).Bytes())
	}
	sum := p.sum()
	var base extended
	base.from(new(edwards25519.Point).Negate(new(edwards25519.Point).ScalarBaseMult(total)))
	sum.add(new(cached).set(&base))
	for range 3 {
		sum.double()
	}
	if !sum.zero() {
		return nil, false
	}
	return randomSums(torsion, masks), true
}

// finish says whether step 3 holds for all parts, and so everything.
func finish(parts []*sums, each Each) bool {
	const share = 8
	return each.check(batchSums/share, func(i int) error {
		for j := i * share; j < (i+1)*share; j++ {
			sum := newExtended()
			for _, p := range parts {
				sum.add(new(cached).set(&p[j]))
			}
			if !sum.timesOrder().zero() {
				return errBatch
			}
		}
		return nil
	}) == nil
}

// bulk is one check of signatures that come one after the other.
type bulk struct {
	b     *batch
	list  []vouched // not looked at yet
	parts []*sums
}

// newBulk returns nil where n signatures are better checked one by one.
func (s *suite) newBulk(n uint32) *bulk {
	if _, ok := s.sig.(ed25519Scheme); !ok || n < batchLeast {
		return nil
	}
	return &bulk{b: newBatch()}
}

// add takes a signature; at times it looks at those it has. false: one of them may be bad.
func (k *bulk) add(v vouched) bool {
	k.list = append(k.list, v)
	return len(k.list) < batchLeast || k.flush()
}
func (k *bulk) flush() bool {
	s, ok := k.b.part(uint32(len(k.parts)), k.list)
	k.list = k.list[:0]
	k.parts = append(k.parts, s)
	return ok
}

// done says that all signatures are good; false, that one of them may be bad.
func (k *bulk) done() bool { return k.flush() && finish(k.parts, nil) }

// randomSums adds points up where their mask has a bit, for every bit. Of four points at a time
// there are only 16 sums.
func randomSums(points []extended, masks []uint64) *sums {
	const block = 4
	var out sums
	for j := range out {
		out[j] = newExtended()
	}
	for at := 0; at < len(points); at += block {
		n := min(block, len(points)-at)
		var table [1 << block]extended
		var ready [1 << block]cached
		for m := 1; m < 1<<n; m++ {
			high := 1 // the last of the points in m
			k := 0
			for high*2 <= m {
				high, k = high*2, k+1
			}
			table[m] = points[at+k]
			if rest := m - high; rest != 0 {
				table[m].add(&ready[rest])
			}
			ready[m].set(&table[m])
		}
		for j := range out {
			m := 0
			for k := range n {
				m |= int(masks[at+k]>>j&1) << k
			}
			if m != 0 {
				out[j].add(&ready[m])
			}
		}
	}
	return &out
}

// product is what step 2 sums up: [ka]A and [z]R, z having 128 bits.
type product struct {
	a, r  []affine
	ka, z [][32]byte
}

const (
	orderBits  = 253 // of a scalar
	randomBits = 128
)

// sum is Pippenger's way: for each group of bits, from the highest, points with the same digit go into
// one bucket.
func (p *product) sum() *extended {
	bits := 4
	for 1<<(2*bits) < 40*len(p.a) && bits < 12 { // measured: 7 bits for 256 to 400 signatures, 8 for 1,000
		bits++
	}
	ka, z := digits(p.ka, bits, orderBits), digits(p.z, bits, randomBits)
	buckets := make([]extended, 1<<(bits-1))
	acc := newExtended()
	for w := len(ka) - 1; w >= 0; w-- {
		for range bits {
			acc.double()
		}
		for i := range buckets {
			buckets[i] = newExtended()
		}
		fill(buckets, p.a, ka[w])
		if w < len(z) {
			fill(buckets, p.r, z[w])
		}
		// Bucket i counts i+1 times: it is in that many of the sums from the end.
		run, all := newExtended(), newExtended()
		for i := len(buckets) - 1; i >= 0; i-- {
			run.add(new(cached).set(&buckets[i]))
			all.add(new(cached).set(&run))
		}
		acc.add(new(cached).set(&all))
	}
	return &acc
}

func fill(buckets []extended, points []affine, digits []int16) {
	for i, d := range digits {
		switch {
		case d > 0:
			buckets[d-1].addAffine(&points[i], false)
		case d < 0:
			buckets[-d-1].addAffine(&points[i], true)
		}
	}
}

// digits cuts numbers below 2^most into digits from -2^(bits-1) to 2^(bits-1), the lowest first, each
// place for all numbers.
func digits(numbers [][32]byte, bits, most int) [][]int16 {
	out := make([][]int16, most/bits+1)
	for w := range out {
		out[w] = make([]int16, len(numbers))
	}
	for i := range numbers {
		var wide [40]byte // so that eight bytes can be read at every place
		copy(wide[:], numbers[i][:])
		carry := 0
		for w := range out {
			from := w * bits
			d := int(binary.LittleEndian.Uint64(wide[from/8:])>>(from%8))&(1<<bits-1) + carry
			carry = 0
			if d > 1<<(bits-1) {
				d, carry = d-1<<bits, 1
			}
			out[w][i] = int16(d)
		}
	}
	return out
}

// extended is a point (x/z, y/z) with t = xy/z; affine one with z = 1, as y+x, y-x and 2dxy; cached one with
// y+x, y-x, 2z and 2dt. Formulas: Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited", 2008,
// which are complete on this curve.
type extended struct{ x, y, z, t field.Element }
type affine struct{ plus, minus, t2d field.Element }
type cached struct{ plus, minus, z2, t2d field.Element }

// twiceD is 2d of the curve, in its encoding.
var twiceD = [32]byte{
	0x59, 0xf1, 0xb2, 0x26, 0x94, 0x9b, 0xd6, 0xeb, 0x56, 0xb1, 0x83, 0x82, 0x9a, 0x14, 0xe0, 0x00,
	0x30, 0xd1, 0xf3, 0xee, 0xf2, 0x80, 0x8e, 0x19, 0xe7, 0xfc, 0xdf, 0x56, 0xdc, 0xd9, 0x06, 0x24,
}

// order is L, in its encoding.
var order = [32]byte{
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
}

var d2, _ = new(field.Element).SetBytes(twiceD[:]) // never changes

func newExtended() (p extended) {
	p.y.One()
	p.z.One()
	return p
}

// decode reads a point as crypto/ed25519 does: that package has the same code inside. Its z is 1.
func (p *extended) decode(by *edwards25519.Point, b []byte) bool {
	if _, err := by.SetBytes(b); err != nil {
		return false
	}
	p.from(by)
	return true
}
func (p *extended) from(q *edwards25519.Point) {
	x, y, z, t := q.ExtendedCoordinates()
	p.x, p.y, p.z, p.t = *x, *y, *z, *t
}

// encodedAs says whether b is what the encoder makes of a point whose z is 1.
func (p *extended) encodedAs(b []byte) bool {
	e := p.y.Bytes()
	e[31] |= byte(p.x.IsNegative() << 7)
	return bytes.Equal(e, b)
}
func (p *extended) zero() bool {
	return p.x.Equal(new(field.Element)) == 1 && p.y.Equal(&p.z) == 1
}
func (q *affine) set(p *extended) {
	q.plus.Add(&p.y, &p.x)
	q.minus.Subtract(&p.y, &p.x)
	q.t2d.Multiply(&p.t, d2)
}
func (q *cached) set(p *extended) *cached {
	q.plus.Add(&p.y, &p.x)
	q.minus.Subtract(&p.y, &p.x)
	q.z2.Add(&p.z, &p.z)
	q.t2d.Multiply(&p.t, d2)
	return q
}

func (p *extended) add(q *cached) {
	var zz field.Element
	zz.Multiply(&p.z, &q.z2)
	p.complete(&q.plus, &q.minus, &q.t2d, &zz, false)
}
func (p *extended) addAffine(q *affine, negative bool) {
	var zz field.Element
	zz.Add(&p.z, &p.z)
	if negative {
		p.complete(&q.minus, &q.plus, &q.t2d, &zz, true)
	} else {
		p.complete(&q.plus, &q.minus, &q.t2d, &zz, false)
	}
}
func (p *extended) complete(plus, minus, t2d, zz *field.Element, negative bool) {
	var a, b, c, e, f, g, h field.Element
	a.Multiply(a.Subtract(&p.y, &p.x), minus)
	b.Multiply(b.Add(&p.y, &p.x), plus)
	c.Multiply(&p.t, t2d)
	if negative {
		f.Add(zz, &c)
		g.Subtract(zz, &c)
	} else {
		f.Subtract(zz, &c)
		g.Add(zz, &c)
	}
	e.Subtract(&b, &a)
	h.Add(&b, &a)
	p.x.Multiply(&e, &f)
	p.y.Multiply(&g, &h)
	p.t.Multiply(&e, &h)
	p.z.Multiply(&f, &g)
}
func (p *extended) double() {
	var a, b, c, e, f, g, h field.Element
	a.Square(&p.x)
	b.Square(&p.y)
	c.Square(&p.z)
	c.Add(&c, &c)
	h.Add(&a, &b) // all four with the sign changed, which cancels out
	e.Square(e.Add(&p.x, &p.y))
	e.Subtract(&h, &e)
	g.Subtract(&a, &b)
	f.Add(&c, &g)
	p.x.Multiply(&e, &f)
	p.y.Multiply(&g, &h)
	p.t.Multiply(&e, &h)
	p.z.Multiply(&f, &g)
}

// addTimes adds [k]q, for k from 0 to 7.
func (p *extended) addTimes(q *affine, k byte) {
	if k > 4 { // [8] of what matters here, the part of small order, is zero
		for range 8 - k {
			p.addAffine(q, true)
		}
		return
	}
	for range k {
		p.addAffine(q, false)
	}
}

// timesOrder returns [L]p.
func (p *extended) timesOrder() *extended {
	q := new(cached).set(p)
	acc := newExtended()
	for i := orderBits - 1; i >= 0; i-- {
		acc.double()
		if order[i/8]>>(i%8)&1 != 0 {
			acc.add(q)
		}
	}
	return &acc
}
