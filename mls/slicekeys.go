package mls

import "math/bits"

// sliceKeys are the keys of one commit's Slices.
type sliceKeys struct {
	s    *suite
	base []byte
}

// sliceKeys derives them from the epoch; those of an external commit from the init secret that it
// brings, for its maker has nothing else of the epoch.
func (g *Group) sliceKeys(seed, externalInit []byte) sliceKeys {
	if externalInit != nil {
		return sliceKeys{g.s, g.s.expandLabel(externalInit, "sliced commit", seed, g.s.nh)}
	}
	return sliceKeys{g.s, g.s.export(g.es.exporter, "sliced commit", seed, g.s.nh)}
}

// Kinds of sealed part.
const (
	partSlice = 0
	partKeys  = 1
	partProof = 2
)

func (k sliceKeys) nonce(part uint8, position uint32) []byte {
	w := writer{make([]byte, 0, nonceLen)}
	w.u8(part)
	w.raw(make([]byte, nonceLen-5))
	w.u32(position)
	return w.b
}
func (k sliceKeys) seal(part uint8, position uint32, plain []byte) ([]byte, error) {
	a, err := k.s.aead(k.s.expandLabel(k.base, "key", nil, k.s.nk))
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, k.nonce(part, position), plain, nil), nil
}
func (k sliceKeys) open(part uint8, position uint32, sealed []byte, rule string) ([]byte, error) {
	a, err := k.s.aead(k.s.expandLabel(k.base, "key", nil, k.s.nk))
	if err != nil {
		return nil, err
	}
	b, err := a.Open(nil, k.nonce(part, position), sealed, nil)
	if err != nil {
		return nil, broken(rule)
	}
	return b, nil
}

// order returns the position of each of n slices: a Fisher-Yates shuffle by draws of 64 bits, which
// are the hashes of a key and a counter one after the other.
func (k sliceKeys) order(n int) []uint32 {
	p := make([]uint32, n)
	for i := range p {
		p[i] = uint32(i)
	}
	w := writer{k.s.expandLabel(k.base, "order", nil, k.s.nh)}
	var draws reader
	for i, c := n-1, uint32(0); i > 0; i-- {
		if len(draws.b) < 8 {
			w.b = w.b[:k.s.nh]
			w.u32(c)
			draws.b = k.s.sum(w.b)
			c++
		}
		j := draws.u64() % uint64(i+1)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// depth is the number of hashes beside each of n slices.
func depth(n int) int { return bits.Len(uint(max(n, 1) - 1)) }

// sliceHash is a leaf of the Merkle tree, pairHash a node; a place without slice is all zeros.
func (s *suite) sliceHash(rank uint32, c *ciphertext) []byte {
	var w writer
	w.u8(0)
	w.u32(rank)
	c.write(&w)
	return s.sum(w.b)
}
func (s *suite) pairHash(l, r []byte) []byte {
	w := writer{make([]byte, 0, 1+2*s.nh)}
	w.u8(1)
	w.raw(l)
	w.raw(r)
	return s.sum(w.b)
}

// merkle returns all levels of the tree, leaves first; the last has the root.
func (s *suite) merkle(leaves [][]byte) [][][]byte {
	all := [][][]byte{leaves}
	for row := leaves; len(row) > 1; {
		var up [][]byte
		for i := 0; i < len(row); i += 2 {
			r := s.zero()
			if i+1 < len(row) {
				r = row[i+1]
			}
			up = append(up, s.pairHash(row[i], r))
		}
		all, row = append(all, up), up
	}
	return all
}

// sliceSize is the size of a sealed slice among n, keysSize that of the sealed keys of a path.
func (s *suite) sliceSize(n int) int {
	return vecLen(s.encLen) + vecLen(s.nh+tagLen) + depth(n)*s.nh + tagLen
}
func (u *updatePath) keysSize() int {
	return bits.OnesCount32(u.sliced.levels)*vecLen(len(u.leaf.encKey)) + tagLen
}

const tagLen = 16 // of every AEAD of ours

func vecLen(n int) int {
	switch {
	case n < 1<<6:
		return n + 1
	case n < 1<<14:
		return n + 2
	}
	return n + 4
}
