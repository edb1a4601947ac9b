package mls

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Looking for a key in the whole tree, as every commit must, would touch the memory of every leaf.
// Each chunk keeps the first bytes of its keys together instead; they tell almost always, and where
// they do not the keys themselves are compared.

// digest is what a chunk says of its nodes without a look at them. write forgets it.
type digest struct {
	enc   [chunkNodes]uint64     // starts of encryption keys, 0 for a blank node
	sig   [chunkNodes / 2]uint64 // of the leaves' signature keys
	creds []uint16               // credential types in use
}

// keyHead is the start of a key, never 0.
func keyHead(k []byte) uint64 {
	var h [8]byte
	copy(h[:], k)
	return max(1, binary.LittleEndian.Uint64(h[:]))
}

func (c *chunk) digest() *digest {
	if c.known != nil {
		return c.known
	}
	d := &digest{}
	for i := range c.nodes {
		switch n := &c.nodes[i]; {
		case n.leaf != nil:
			d.enc[i], d.sig[i/2] = keyHead(n.leaf.encKey), keyHead(n.leaf.sigKey)
			d.creds = addType(d.creds, n.leaf.cred.typ)
		case n.parent != nil:
			d.enc[i] = keyHead(n.parent.key)
		}
	}
	c.known = d
	return d
}

func addType(list []uint16, t uint16) []uint16 {
	if slices.Contains(list, t) {
		return list
	}
	return append(list, t)
}

// credentialTypes returns the credential types in use.
func (t *tree) credentialTypes() (list []uint16) {
	for _, c := range t.chunks {
		for _, typ := range c.digest().creds {
			list = addType(list, typ)
		}
	}
	return list
}

// wanted is a set of keys to look for.
type wanted struct {
	keys   map[uint64][][]byte
	filter [16]uint64
}

func (w *wanted) has(k []byte) bool {
	for _, x := range w.keys[keyHead(k)] {
		if bytes.Equal(x, k) {
			return true
		}
	}
	return false
}
func (w *wanted) add(k []byte) {
	if w.keys == nil {
		w.keys = map[uint64][][]byte{}
	}
	h := keyHead(k)
	w.keys[h] = append(w.keys[h], k)
	w.filter[h>>6&15] |= 1 << (h & 63)
}
func (w *wanted) maybe(h uint64) bool { return w.filter[h>>6&15]>>(h&63)&1 != 0 && w.keys[h] != nil }

// find returns a node that is not in skip and has one of the keys, as an encryption key or, with
// sigs, as a signature key.
func (t *tree) findKey(w *wanted, sigs bool, skip map[uint32]bool) (uint32, bool) {
	for i, c := range t.chunks {
		d := c.digest()
		for k, h := range d.enc {
			if h == 0 || !w.maybe(h) && !(sigs && k&1 == 0 && w.maybe(d.sig[k/2])) {
				continue
			}
			x := uint32(i*chunkNodes + k)
			l := t.at(x).leaf
			if !skip[x] && (w.has(t.public(x)) || sigs && l != nil && w.has(l.sigKey)) {
				return x, true
			}
		}
	}
	return 0, false
}
