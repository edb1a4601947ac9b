package vault

import "sort"

// blockMax is the number of keys in one block: few enough that an insert moves little, and with
// keys of at most KeyBytesMax a block's key bytes stay addressable by 16 bits.
const blockMax = 128

// entry says where a value lies: frame is its offset in units of align, pos its place in the
// plain text. 16 bytes, because there are many of them.
type entry struct {
	frame, pos, n uint32
	kpos, klen    uint16
}

// block holds up to blockMax keys in order; their bytes lie packed in keys.
type block struct {
	ents []entry
	keys []byte
	dead int // bytes of keys that no entry uses
}

func (b *block) key(i int) []byte { e := &b.ents[i]; return b.keys[e.kpos : e.kpos+e.klen] }

// repack drops dead key bytes.
func (b *block) repack(from []entry) {
	n := 0
	for _, e := range from {
		n += int(e.klen)
	}
	keys, ents := make([]byte, 0, n), make([]entry, len(from), max(len(from), blockMax/2))
	for i, e := range from {
		ents[i] = e
		ents[i].kpos = uint16(len(keys))
		keys = append(keys, b.keys[e.kpos:e.kpos+e.klen]...)
	}
	b.keys, b.ents, b.dead = keys, ents, 0
}

// index is the sorted set of live keys. The zero index is empty. Not safe for concurrent use.
type index struct {
	blocks []*block
	n      int
	bytes  int64 // what the live ops would take in a fresh segment, frames aside
}

// seek finds the first key ≥ key: its block and place. At the end block is len(blocks).
func (x *index) seek(key string) (bi, ei int, found bool) {
	bi = sort.Search(len(x.blocks), func(i int) bool { return string(x.blocks[i].key(0)) > key }) - 1
	if bi < 0 {
		return 0, 0, false
	}
	b := x.blocks[bi]
	ei = sort.Search(len(b.ents), func(i int) bool { return string(b.key(i)) >= key })
	if ei == len(b.ents) {
		return bi + 1, 0, false
	}
	return bi, ei, string(b.key(ei)) == key
}

func (x *index) get(key string) (entry, bool) {
	bi, ei, ok := x.seek(key)
	if !ok {
		return entry{}, false
	}
	return x.blocks[bi].ents[ei], true
}

func (x *index) set(key []byte, frame, pos, n uint32) {
	bi, ei, ok := x.seek(string(key))
	if ok {
		e := &x.blocks[bi].ents[ei]
		x.bytes += int64(n) - int64(e.n)
		e.frame, e.pos, e.n = frame, pos, n
		return
	}
	x.n++
	x.bytes += int64(len(key)) + int64(n) + opOverhead
	if ei == 0 && bi > 0 { // belongs behind the last key of the block before
		bi, ei = bi-1, len(x.blocks[bi-1].ents)
	}
	if len(x.blocks) == 0 {
		x.blocks = append(x.blocks, &block{})
	}
	b := x.blocks[bi]
	if len(b.ents) == blockMax {
		nb := &block{keys: b.keys}
		cut := blockMax / 2
		if ei == blockMax { // ascending keys, the common case: leave full blocks behind
			cut = blockMax
		}
		nb.repack(b.ents[cut:])
		b.repack(b.ents[:cut])
		x.blocks = append(x.blocks, nil)
		copy(x.blocks[bi+2:], x.blocks[bi+1:])
		x.blocks[bi+1] = nb
		if ei >= cut {
			b, ei = nb, ei-cut
		}
	}
	b.tidy(len(key))
	e := entry{frame, pos, n, uint16(len(b.keys)), uint16(len(key))}
	b.keys = append(b.keys, key...)
	b.ents = append(b.ents, entry{})
	copy(b.ents[ei+1:], b.ents[ei:])
	b.ents[ei] = e
}

// tidy makes room for n more key bytes within 16 bits of address.
func (b *block) tidy(n int) {
	if b.dead > 1024 && b.dead > len(b.keys)/2 || len(b.keys)+n > 1<<16-1 {
		b.repack(b.ents)
	}
}

func (x *index) del(key []byte) {
	bi, ei, ok := x.seek(string(key))
	if !ok {
		return
	}
	b := x.blocks[bi]
	e := b.ents[ei]
	x.n--
	x.bytes -= int64(e.klen) + int64(e.n) + opOverhead
	b.dead += int(e.klen)
	b.ents = append(b.ents[:ei], b.ents[ei+1:]...)
	if len(b.ents) == 0 {
		x.blocks = append(x.blocks[:bi], x.blocks[bi+1:]...)
	}
}

// shrink gives back the slack that growing left behind.
func (x *index) shrink() {
	for _, b := range x.blocks {
		if cap(b.keys) > len(b.keys)+len(b.keys)/4 || b.dead > 0 {
			b.repack(b.ents)
		}
	}
}
