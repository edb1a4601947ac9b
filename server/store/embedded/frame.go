package embedded

import (
	"encoding/binary"
	"hash/crc32"

	"paperplane/protocol/plane"
)

// Everything on disk is made of frames: a head of 32 bytes and, for records, the body. All
// frames are multiples of 32 bytes (a unit), so that places in files are counted in units:
// small numbers, none of which reads as a time of day before a file reaches 57 GB.
//
//	 0  id        16 bytes
//	16  kind       1 byte
//	17  seq        7 bytes, big endian
//	24  day        2 bytes, big endian: days since 1970
//	26  head sum   2 bytes: CRC-32C of bytes 0–25, folded; tells a broken head from a broken body
//	28  sum        4 bytes: CRC-32C of body, then bytes 0–25
//
// A table entry has, in place of bytes 24–31, where a log's frames begin: 4 bytes of units, then
// CRC-32C of bytes 0–27.
const (
	unit       = 32
	headBytes  = 32
	frameBytes = headBytes + plane.RecordLarge // the largest
	seqMax     = 1<<56 - 1
	dayMax     = 1<<16 - 1
)

// kind is what a frame is. Zero is "no frame": the rest of a tail is zeros. Values are on disk.
type kind uint8

const (
	kindSmall kind = 1 + iota
	kindMedium
	kindLarge
	kindForget // of a tail: all of this log before here is gone
	kindBatch  // of a tail: head of one write; id holds generation and number, seq its units
	kindEntry  // of a table: seq of the first record of a stretch, and its unit
	kindHead   // of a heads file: seq is the log's head
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// kindOf returns the kind of a record with a body of n bytes; 0 when there is none.
func kindOf(n int) kind {
	switch n {
	case plane.RecordSmall:
		return kindSmall
	case plane.RecordMedium:
		return kindMedium
	case plane.RecordLarge:
		return kindLarge
	}
	return 0
}

// bodyBytes returns the length of the body that follows a head of this kind.
func (k kind) bodyBytes() int {
	switch k {
	case kindSmall:
		return plane.RecordSmall
	case kindMedium:
		return plane.RecordMedium
	case kindLarge:
		return plane.RecordLarge
	}
	return 0
}

func (k kind) isRecord() bool { return k >= kindSmall && k <= kindLarge }

// head is a parsed frame head.
type head struct {
	id   plane.LogID
	kind kind
	seq  plane.Seq
	day  plane.Day
	sum  uint32
}

// bytes is the length of the whole frame.
func (h head) bytes() int { return headBytes + h.kind.bodyBytes() }

// putHead writes the head of a frame whose body has the CRC-32C body.
func putHead(dst []byte, id plane.LogID, k kind, seq plane.Seq, day plane.Day, body uint32) {
	copy(dst, id[:])
	binary.BigEndian.PutUint64(dst[16:], uint64(k)<<56|uint64(seq))
	binary.BigEndian.PutUint16(dst[24:], uint16(day))
	binary.BigEndian.PutUint16(dst[26:], headSum(dst))
	binary.BigEndian.PutUint32(dst[28:], crc32.Update(body, castagnoli, dst[:26]))
}

func headSum(b []byte) uint16 {
	c := crc32.Checksum(b[:26], castagnoli)
	return uint16(c) ^ uint16(c>>16)
}

// parseHead reads a frame head; ok is false when it is not one that putHead wrote.
func parseHead(b []byte) (h head, ok bool) {
	if len(b) < headBytes {
		return h, false
	}
	copy(h.id[:], b)
	w := binary.BigEndian.Uint64(b[16:])
	h.kind, h.seq = kind(w>>56), plane.Seq(w&seqMax)
	h.day = plane.Day(binary.BigEndian.Uint16(b[24:]))
	h.sum = binary.BigEndian.Uint32(b[28:])
	return h, h.kind >= kindSmall && h.kind <= kindBatch && binary.BigEndian.Uint16(b[26:]) == headSum(b)
}

// intact reports whether frame, a whole frame, matches its sum.
func intact(frame []byte) bool {
	return binary.BigEndian.Uint32(frame[28:]) == crc32.Update(crc32.Checksum(frame[headBytes:], castagnoli), castagnoli, frame[:26])
}

// entry is a row of a table: records of id from seq on begin at unit at.
type entry struct {
	id   plane.LogID
	seq  plane.Seq
	at   uint32
	kind kind
}

func putEntry(dst []byte, e entry) {
	copy(dst, e.id[:])
	binary.BigEndian.PutUint64(dst[16:], uint64(e.kind)<<56|uint64(e.seq))
	binary.BigEndian.PutUint32(dst[24:], e.at)
	binary.BigEndian.PutUint32(dst[28:], crc32.Checksum(dst[:28], castagnoli))
}

// parseEntry reads a table entry; ok is false when it is damaged.
func parseEntry(b []byte) (e entry, ok bool) {
	if len(b) < headBytes {
		return e, false
	}
	copy(e.id[:], b)
	w := binary.BigEndian.Uint64(b[16:])
	e.kind, e.seq = kind(w>>56), plane.Seq(w&seqMax)
	e.at = binary.BigEndian.Uint32(b[24:])
	return e, (e.kind == kindEntry || e.kind == kindHead) && binary.BigEndian.Uint32(b[28:]) == crc32.Checksum(b[:28], castagnoli)
}
