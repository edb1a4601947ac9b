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

// pack returns the WASM file with few data segments. The memory it starts with is the same but
// for what edit does to it. If edit returns a function's body, it is called before all others.
func pack(wasm []byte, edit func(mem []byte) (start []byte, err error)) ([]byte, error) {
	header, rest := []byte("\x00asm\x01\x00\x00\x00"), wasm
	if !bytes.HasPrefix(wasm, header) {
		return nil, errWASM
	}
	rest = rest[len(header):]
	var sections []section
	var start []byte
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
			mem, err := image(segments)
			if err == nil {
				start, err = edit(mem)
			}
			if err != nil {
				return nil, err
			}
			body = appendData(nil, split(mem))
		}
		sections = append(sections, section{id, body})
	}
	if start != nil {
		var err error
		if sections, err = addStart(sections, start); err != nil {
			return nil, err
		}
	}
	out := slices.Clone(header)
	for _, s := range sections {
		out = append(out, s.id)
		out = binary.AppendUvarint(out, uint64(len(s.body)))
		out = append(out, s.body...)
	}
	return out, nil
}

// section is one of the file's.
type section struct {
	id   byte
	body []byte
}

// Ids of sections, in their order in the file (§5.5); code is the last but data.
const (
	sectionType, sectionImport, sectionFunction, sectionExport = 1, 2, 3, 7
	sectionStart, sectionCode                                  = 8, 10
)

// addStart adds a function without parameters and results that runs before everything else.
func addStart(sections []section, body []byte) ([]section, error) {
	counts := map[byte]uint64{}
	count := func(id byte, more []byte) error {
		i := slices.IndexFunc(sections, func(s section) bool { return s.id == id })
		if i < 0 || slices.ContainsFunc(sections[i+1:], func(s section) bool { return s.id == id }) {
			return errWASM
		}
		n, rest, err := unsigned(sections[i].body)
		if err != nil {
			return err
		}
		counts[id] = n
		if more != nil {
			sections[i].body = slices.Concat(binary.AppendUvarint(nil, n+1), rest, more)
			return nil
		}
		for range n { // imports: all must be functions, for they count with the others
			for range 2 {
				if _, rest, err = vector(rest); err != nil {
					return err
				}
			}
			if len(rest) == 0 || rest[0] != 0 {
				return errWASM
			}
			if _, rest, err = unsigned(rest[1:]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := count(sectionImport, nil); err != nil {
		return nil, err
	}
	if err := count(sectionType, []byte{0x60, 0, 0}); err != nil {
		return nil, err
	}
	if err := count(sectionFunction, binary.AppendUvarint(nil, counts[sectionType])); err != nil {
		return nil, err
	}
	if err := count(sectionCode, append(binary.AppendUvarint(nil, uint64(len(body))), body...)); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(sections, func(s section) bool { return s.id == sectionExport }) + 1
	if at == 0 || slices.ContainsFunc(sections, func(s section) bool { return s.id == sectionStart }) || counts[sectionCode] != counts[sectionFunction] {
		return nil, errWASM
	}
	index := binary.AppendUvarint(nil, counts[sectionImport]+counts[sectionFunction])
	return slices.Insert(sections, at, section{sectionStart, index}), nil
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

// memoryMax bounds the memory that a program starts with.
const memoryMax = 64 << 20

// image is the memory that the segments make.
func image(segments []segment) ([]byte, error) {
	segments = slices.SortedFunc(slices.Values(segments), func(a, b segment) int { return cmp.Compare(a.offset, b.offset) })
	var mem []byte
	for _, s := range segments {
		if s.offset < uint64(len(mem)) || s.offset > memoryMax {
			return nil, errWASM // where they overlap, their order in the file would matter
		}
		mem = append(append(mem, make([]byte, s.offset-uint64(len(mem)))...), s.bytes...)
	}
	return mem, nil
}

// split makes segments of a memory, without zeroes at their ends and without more than gapBytes
// of them inside.
func split(mem []byte) (out []segment) {
	for at := 0; ; {
		for at < len(mem) && mem[at] == 0 {
			at++
		}
		if at == len(mem) {
			return out
		}
		end, zeroes := at, 0
		for i := at; i < len(mem) && zeroes <= gapBytes; i++ {
			zeroes++
			if mem[i] != 0 {
				end, zeroes = i+1, 0
			}
		}
		out = append(out, segment{uint64(at), mem[at:end]})
		at = end
	}
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
