package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// Go's linker leaves zeroes out of a WASM file's data: a gap of 8 bytes starts a new segment.
// That saves bytes of the plain file, but findfunctab (the runtime's table of functions by place)
// becomes some 90,000 segments, whose headers hardly compress. With the short gaps filled the file
// is a tenth larger plain and 170 KB smaller compressed (docs/internals/wasm.md).
//
// gapBytes is the longest run of zeroes that is written out. Above 64 nothing is gained.
const gapBytes = 64

// sectionData is the id of a WASM file's data section (WebAssembly core specification 2.0, §5.5).
const sectionData = 11

var errWASM = errors.New("not a WASM file as Go's linker writes them")

// segment is what the file puts into memory at an offset.
type segment struct {
	offset uint64
	bytes  []byte
}

// pack returns the WASM file with few data segments. The memory it starts with is the same.
func pack(wasm []byte) ([]byte, error) {
	header, rest := []byte("\x00asm\x01\x00\x00\x00"), wasm
	if !bytes.HasPrefix(wasm, header) {
		return nil, errWASM
	}
	out := slices.Clone(header)
	rest = rest[len(header):]
	for len(rest) > 0 {
		id := rest[0]
		body, after, err := vector(rest[1:])
		if err != nil {
			return nil, err
		}
		rest = after
		if id == sectionData {
			segments, err := parseData(body)
			if err != nil {
				return nil, err
			}
			if segments, err = fill(segments); err != nil {
				return nil, err
			}
			body = appendData(nil, segments)
		}
		out = append(out, id)
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	return out, nil
}

// parseData reads a data section whose segments are all active, in memory 0, at constant offsets.
func parseData(b []byte) ([]segment, error) {
	n, b, err := unsigned(b)
	if err != nil {
		return nil, err
	}
	segments := make([]segment, 0, min(n, uint64(len(b))))
	for range n {
		// memory 0, i32.const
		if !bytes.HasPrefix(b, []byte{0, 0x41}) {
			return nil, errWASM
		}
		var s segment
		if s.offset, b, err = signed(b[2:]); err != nil {
			return nil, err
		}
		if len(b) == 0 || b[0] != 0x0b { // end
			return nil, errWASM
		}
		if s.bytes, b, err = vector(b[1:]); err != nil {
			return nil, err
		}
		segments = append(segments, s)
	}
	if len(b) > 0 {
		return nil, errWASM
	}
	return segments, nil
}

// fill sorts the segments and joins those that stand at most gapBytes apart.
func fill(segments []segment) ([]segment, error) {
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.offset, b.offset) })
	var out []segment
	for _, s := range segments {
		if len(out) == 0 {
			out = append(out, segment{s.offset, slices.Clone(s.bytes)})
			continue
		}
		last := &out[len(out)-1]
		end := last.offset + uint64(len(last.bytes))
		switch {
		case s.offset < end:
			return nil, errWASM // then their order in the file would matter
		case s.offset-end <= gapBytes:
			last.bytes = append(append(last.bytes, make([]byte, s.offset-end)...), s.bytes...)
		default:
			out = append(out, segment{s.offset, slices.Clone(s.bytes)})
		}
	}
	return out, nil
}

func appendData(b []byte, segments []segment) []byte {
	b = binary.AppendUvarint(b, uint64(len(segments)))
	for _, s := range segments {
		b = append(b, 0, 0x41)
		b = appendSigned(b, s.offset)
		b = append(b, 0x0b)
		b = binary.AppendUvarint(b, uint64(len(s.bytes)))
		b = append(b, s.bytes...)
	}
	return b
}

// appendSigned appends a number that is not negative as signed LEB128: bit 6 of the last byte is the sign.
func appendSigned(b []byte, n uint64) []byte {
	for n >= 0x40 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// signed reads a signed LEB128 that is not negative.
func signed(b []byte) (n uint64, rest []byte, err error) {
	n, rest, err = unsigned(b)
	if err != nil || b[len(b)-len(rest)-1]&0x40 != 0 {
		return 0, nil, errWASM
	}
	return n, rest, nil
}

func unsigned(b []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > 1<<32-1 {
		return 0, nil, errWASM
	}
	return n, b[size:], nil
}

func vector(b []byte) (body, rest []byte, err error) {
	n, b, err := unsigned(b)
	if err != nil || n > uint64(len(b)) {
		return nil, nil, errWASM
	}
	return b[:n], b[n:], nil
}
