package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// Go's runtime carries a table of which file and line each instruction came from, a tenth of what
// everybody downloads; no linker flag leaves it out. Nobody reads it: a trace in the browser has
// the names of our functions, which stay. dropLines makes the runtime believe that it does not know
// ("?:0"), which offset 0 means to it, and takes out what nothing points to any more.
//
// The layout is private to the runtime (runtime/symtab.go, runtime/runtime2.go of Go 1.26), so
// everything is checked and errLines ends the build: then compare the two again.
var errLines = errors.New("the runtime's function table is not laid out as in Go 1.26")

// tableHeader begins runtime.pcHeader: magic, two zeroes, instruction size 1, pointer size 8.
var tableHeader = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

const (
	headerBytes = 9 * 8 // of runtime.pcHeader
	funcBytes   = 44    // of runtime._func, before pcdata and funcdata
)

// dropLines takes files and lines out of mem, the memory that a program starts with.
func dropLines(mem []byte) error {
	at := bytes.Index(mem, tableHeader)
	if at < 0 || bytes.Contains(mem[at+1:], tableHeader) {
		return errLines
	}
	word := func(i int) int { return int(binary.LittleEndian.Uint64(mem[at+8*i:])) }
	if len(mem) < at+headerBytes {
		return errLines
	}
	// words of the header: 1 functions, 2 files, 3 unused, then where things begin: 4 names of
	// functions, 5 compilation units, 6 names of files, 7 tables of values, 8 functions
	funcs, files := word(1), word(2)
	names, units, fileNames, values, table := word(4), word(5), word(6), word(7), word(8)
	if funcs <= 0 || files <= 0 || names < headerBytes || units <= names || units >= fileNames || fileNames >= values || values >= table || table > len(mem)-at {
		return errLines
	}
	t := lineTables{mem: mem[at:], funcs: funcs, values: values, table: table, data: map[uint32]bool{}}
	t.names = t.mem[names:units]
	shorten(t.names)
	if err := t.drop(); err != nil {
		return err
	}
	clear(t.mem[units:values]) // file names, and which of them each compilation unit has
	return t.clearData(mem, at)
}

// lineTables is the function table in memory; offsets are from its header.
type lineTables struct {
	mem           []byte
	funcs         int
	values, table int
	names         []byte
	keep          []bool          // bytes of the value tables that are still needed
	data          map[uint32]bool // where things of the functions begin, and whether they are still needed
}

// idlePCData and idleFuncData are what the runtime asks for only where it interrupts goroutines by
// signals, which WASM has not, and where it prints a trace: unsafe points, places of inlined calls,
// which arguments are alive; the tree of inlined calls, what arguments look like, and again which are
// alive. A trace names the function that others were inlined into, and no values of arguments, which
// might be anybody's text.
var (
	idlePCData   = []int{0, 2, 3}
	idleFuncData = []int{3, 5, 6}
)

// nowhere is the place of what a function has not.
const nowhere = 1<<32 - 1

// gofuncWord is the place of gofunc in runtime.moduledata, in words: where the functions' things lie.
const gofuncWord = 40

// findModule finds runtime.firstmoduledata by the addresses that it begins with; at is the header's place.
func findModule(mem []byte, at int) (int, error) {
	words := binary.LittleEndian.AppendUint64(nil, uint64(at))
	words = binary.LittleEndian.AppendUint64(words, uint64(at)+binary.LittleEndian.Uint64(mem[at+8*4:]))
	module := bytes.Index(mem, words)
	if module < 0 || bytes.Contains(mem[module+1:], words) || module+8*gofuncWord+8 > len(mem) {
		return 0, errLines
	}
	return module, nil
}

// clearData clears the things of functions that nobody asks for. at is the header's place.
func (t *lineTables) clearData(mem []byte, at int) error {
	module, err := findModule(mem, at)
	if err != nil {
		return err
	}
	gofunc := binary.LittleEndian.Uint64(mem[module+8*gofuncWord:])
	starts := slices.Sorted(maps.Keys(t.data))
	if len(starts) == 0 || gofunc < uint64(at) || gofunc > uint64(len(mem)) || gofunc+uint64(starts[len(starts)-1]) > uint64(len(mem)) {
		return errLines
	}
	for i, from := range starts[:len(starts)-1] { // how long the last is nobody says
		if !t.data[from] {
			clear(mem[gofunc+uint64(from) : gofunc+uint64(starts[i+1])])
		}
	}
	return nil
}

func (t *lineTables) u32(at int) uint32 { return binary.LittleEndian.Uint32(t.mem[at:]) }

// drop unlinks each function's tables of files and lines and clears what is left over.
func (t *lineTables) drop() error {
	t.keep = make([]bool, t.table-t.values)
	var gone [][2]int
	for i := range t.funcs {
		entry := t.table + 8*i
		if entry+8 > len(t.mem) {
			return errLines
		}
		f := t.table + int(t.u32(entry+4))
		if f+funcBytes > len(t.mem) || t.u32(f) != t.u32(entry) {
			return errLines
		}
		used := []uint32{t.u32(f + 16)}
		pcdata, funcdata := int(t.u32(f+28)), int(t.mem[f+43])
		if pcdata > 16 || funcdata > 16 || f+funcBytes+4*(pcdata+funcdata) > len(t.mem) {
			return errLines
		}
		drop := []int{f + 20, f + 24} // pcfile, pcln
		for k := range pcdata {
			if at := f + funcBytes + 4*k; slices.Contains(idlePCData, k) {
				drop = append(drop, at)
			} else {
				used = append(used, t.u32(at))
			}
		}
		for k := range funcdata {
			at := f + funcBytes + 4*(pcdata+k)
			off := t.u32(at)
			if off == nowhere {
				continue
			}
			idle := slices.Contains(idleFuncData, k)
			t.data[off] = t.data[off] || !idle
			if idle {
				binary.LittleEndian.PutUint32(t.mem[at:], nowhere)
			}
		}
		for _, off := range used {
			from, to, err := t.extent(off)
			if err != nil {
				return err
			}
			for j := from; j < to; j++ {
				t.keep[j] = true
			}
		}
		for _, at := range drop {
			from, to, err := t.extent(t.u32(at))
			if err != nil {
				return err
			}
			gone = append(gone, [2]int{from, to})
			clear(t.mem[at : at+4])
		}
		clear(t.mem[f+32 : f+40]) // cuOffset, startLine
		name := int(t.u32(f + 4))
		if name < 0 || name >= len(t.names) {
			return errLines
		}
		if t.names[name] == 0 {
			clear(t.mem[f+4 : f+8]) // 0 is no name, too
		}
	}
	for _, g := range gone {
		for j := g[0]; j < g[1]; j++ {
			if !t.keep[j] {
				t.mem[t.values+j] = 0
			}
		}
	}
	return nil
}

// extent tells where a table of values lies: pairs of varints up to a zero, but for the first.
func (t *lineTables) extent(off uint32) (from, to int, err error) {
	if off == 0 {
		return 0, 0, nil
	}
	from, to = int(off), int(off)
	b := t.mem[t.values:t.table]
	for first := true; ; first = false {
		if to >= len(b) {
			return 0, 0, errLines
		}
		if b[to] == 0 && !first {
			return from, to + 1, nil
		}
		for range 2 {
			_, n := binary.Uvarint(b[to:])
			if n <= 0 {
				return 0, 0, errLines
			}
			to += n
		}
	}
}

// ours begin the names that stay.
var ours = [][]byte{[]byte("main."), []byte("paperplane/")}

// shorten clears the names of all functions that are not ours, and the types of generic ones, which
// the runtime prints as [...] anyhow. names are strings, each with a zero behind it.
func shorten(names []byte) {
	for len(names) > 0 {
		end := bytes.IndexByte(names, 0)
		if end < 0 {
			return
		}
		name := names[:end]
		names = names[end+1:]
		if !slices.ContainsFunc(ours, func(p []byte) bool { return bytes.HasPrefix(name, p) }) {
			clear(name)
		} else if i := bytes.IndexByte(name, '['); i >= 0 {
			clear(name[i:])
		}
	}
}
