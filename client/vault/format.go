package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

// The bytes of a segment. All numbers are little-endian.
//
//	header  magic 7 ‖ version 1 ‖ segment id 16 ‖ number 8 ‖ nonce 24 ‖ wrapped key 48 ‖ SHA-256[:24]
//	frame   random 20 ‖ sealed head (seq 8, plain length 4, tag 16) ‖ sealed chunks (≤ 4 KiB + tag 16)
//	plain   ops, then zeros up to the next multiple of 64 bytes of frame
//	op      kind 1 ‖ key length 2 ‖ value length 4 ‖ key ‖ value
//
// One frame is one transaction, written by one WriteAt and synced before the next begins, so a
// crash can spoil the last frame only. A frame's nonce is its random part and a counter (0 the
// head, 1… the chunks). The chunks' associated data name the segment, the offset, the head and
// the 16 bytes before the frame, which are the tag of its predecessor: a frame opens only in its
// place behind the very frame it was written after. The head is sealed apart, so that a length
// can be trusted before the body is whole, and bound to the segment only, so that after a bad
// frame the rest can be searched for heads (see load); frames start at multiples of 64 for that.
const (
	magic      = "ppvault"
	version    = 1
	headerSize = 128
	sumOff     = 104

	align     = 64
	prevSize  = 16
	randSize  = 20
	tagSize   = 16
	headPlain = 12
	headSize  = randSize + headPlain + tagSize // 48
	chunkSize = 4 << 10

	opOverhead = 7
	opEnd      = 0 // the rest of the plain text is padding
	opSet      = 1
	opDelete   = 2

	plainMax = CommitBytesMax + OpsMax*opOverhead + 2*align
	// The index keeps offsets in units of align in 32 bits.
	segmentMax = align << 32
)

// frameSize is the size on disk of a frame with n bytes of plain text.
func frameSize(n int) int { return headSize + n + tagSize*((n+chunkSize-1)/chunkSize) }

// padded is the least length ≥ n whose frame is a multiple of align.
func padded(n int) int {
	for frameSize(n)%align != 0 {
		n++
	}
	return n
}

// sealer knows one segment's key and id.
type sealer struct {
	aead cipher.AEAD
	id   [16]byte
}

func (s *sealer) nonce(n *[24]byte, random []byte, counter uint32) {
	copy(n[:], random[:randSize])
	binary.LittleEndian.PutUint32(n[randSize:], counter)
}

// place is where a frame lies: its offset and the bytes before it.
type place struct {
	off  int64
	prev []byte
}

func (s *sealer) chunkAD(ad []byte, at place, h head) []byte {
	ad = append(ad[:0], s.id[:]...)
	ad = binary.LittleEndian.AppendUint64(ad, uint64(at.off))
	ad = append(ad, at.prev...)
	ad = binary.LittleEndian.AppendUint64(ad, h.seq)
	return binary.LittleEndian.AppendUint32(ad, uint32(h.n))
}

// head is what a frame says of itself: its place in the order and its plain length.
type head struct {
	seq uint64
	n   int
}

// seal appends the frame of plain, already padded, to dst.
func (s *sealer) seal(dst []byte, at place, seq uint64, plain []byte) []byte {
	var nonce [24]byte
	var adb [64]byte
	var hp [headPlain]byte
	start := len(dst)
	dst = slices.Grow(dst, frameSize(len(plain))) // Seal alone would copy all at every chunk
	dst = append(dst, make([]byte, randSize)...)
	_, _ = rand.Read(dst[start:]) // a cut tail is written again at the same place: nonces must be random
	random := [randSize]byte(dst[start:])
	h := head{seq, len(plain)}
	binary.LittleEndian.PutUint64(hp[:], seq)
	binary.LittleEndian.PutUint32(hp[8:], uint32(h.n))
	s.nonce(&nonce, random[:], 0)
	dst = s.aead.Seal(dst, nonce[:], hp[:], s.id[:])
	ad := s.chunkAD(adb[:], at, h)
	for i := uint32(1); len(plain) > 0; i++ {
		n := min(len(plain), chunkSize)
		s.nonce(&nonce, random[:], i)
		dst = s.aead.Seal(dst, nonce[:], plain[:n], ad)
		plain = plain[n:]
	}
	return dst
}

// openHead opens a frame's head; frame has at least headSize bytes.
func (s *sealer) openHead(frame []byte) (head, bool) {
	var nonce [24]byte
	var pb [headPlain]byte
	s.nonce(&nonce, frame, 0)
	p, err := s.aead.Open(pb[:0], nonce[:], frame[randSize:headSize], s.id[:])
	if err != nil {
		return head{}, false
	}
	h := head{binary.LittleEndian.Uint64(p), int(binary.LittleEndian.Uint32(p[8:]))}
	return h, h.n > 0 && h.n <= plainMax && frameSize(h.n)%align == 0
}

// openChunk opens chunk i (from 0) of a frame, appending to dst.
func (s *sealer) openChunk(dst, random, sealed []byte, at place, h head, i int) ([]byte, bool) {
	var nonce [24]byte
	var adb [64]byte
	s.nonce(&nonce, random, uint32(i)+1)
	p, err := s.aead.Open(dst, nonce[:], sealed, s.chunkAD(adb[:], at, h))
	return p, err == nil
}

// openBody opens all chunks of a whole frame, appending to dst.
func (s *sealer) openBody(dst, frame []byte, at place, h head) ([]byte, bool) {
	body, ok := frame[headSize:], true
	for i := 0; len(body) > 0; i++ {
		n := min(len(body), chunkSize+tagSize)
		if dst, ok = s.openChunk(dst, frame, body[:n], at, h, i); !ok {
			return nil, false
		}
		body = body[n:]
	}
	return dst, true
}

// newHeader draws a segment's key and id and returns them with the header that wraps the key.
func newHeader(k Key, number uint64) (*sealer, []byte) {
	s := new(sealer)
	var key [32]byte
	_, _ = rand.Read(key[:])
	_, _ = rand.Read(s.id[:])
	s.aead = newAEAD(key[:])
	h := append(make([]byte, 0, headerSize), magic...)
	h = append(h, version)
	h = append(h, s.id[:]...)
	h = binary.LittleEndian.AppendUint64(h, number)
	ad := h[:len(h):len(h)]
	var nonce [24]byte
	_, _ = rand.Read(nonce[:])
	h = append(h, nonce[:]...)
	h = newAEAD(k.b[:]).Seal(h, nonce[:], key[:], ad)
	clear(key[:])
	sum := sha256.Sum256(h)
	return s, append(h, sum[:headerSize-sumOff]...)
}

// openHeader unwraps a segment's key. The checksum tells a damaged header (ErrDamaged) from a
// wrong key (ErrKey); it adds no security.
func openHeader(k Key, h []byte, number uint64) (*sealer, error) {
	sum := sha256.Sum256(h[:sumOff])
	if subtle.ConstantTimeCompare(sum[:headerSize-sumOff], h[sumOff:headerSize]) != 1 || string(h[:7]) != magic {
		return nil, ErrDamaged
	}
	if h[7] != version {
		return nil, ErrNewer
	}
	if binary.LittleEndian.Uint64(h[24:]) != number {
		return nil, ErrDamaged
	}
	key, err := newAEAD(k.b[:]).Open(nil, h[32:56], h[56:sumOff], h[:32])
	if err != nil {
		return nil, ErrKey
	}
	s := &sealer{aead: newAEAD(key), id: [16]byte(h[8:24])}
	clear(key)
	return s, nil
}

func newAEAD(key []byte) cipher.AEAD {
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic("vault: a key of the wrong length") // only our own fixed-size arrays come here
	}
	return a
}

// appendOp appends the stored form of op.
func appendOp(dst []byte, key string, value []byte, kind byte) []byte {
	dst = append(dst, kind)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(key)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)))
	return append(append(dst, key...), value...)
}

// rawOp is one op inside a plain text: p[key:value] is its key, n the length of its value.
type rawOp struct {
	kind          byte
	key, value, n int
}

// nextOp reads the op at p[i:]; ok is false when the bytes are none, end is true at the padding.
func nextOp(p []byte, i int) (op rawOp, next int, end, ok bool) {
	if i == len(p) || p[i] == opEnd {
		for ; i < len(p); i++ {
			if p[i] != 0 {
				return op, 0, false, false
			}
		}
		return op, i, true, true
	}
	if len(p)-i < opOverhead {
		return op, 0, false, false
	}
	kl := int(binary.LittleEndian.Uint16(p[i+1:]))
	op = rawOp{kind: p[i], key: i + opOverhead, value: i + opOverhead + kl, n: int(binary.LittleEndian.Uint32(p[i+3:]))}
	if kl == 0 || kl > KeyBytesMax || op.n > ValueBytesMax || op.kind > opDelete || op.kind == opDelete && op.n != 0 ||
		op.value > len(p) || op.n > len(p)-op.value {
		return op, 0, false, false
	}
	return op, op.value + op.n, false, true
}
